/**
 * ring: fixed-size records from one writer thread to many readers, in shared memory.
 * @hotpath
 *
 *   writer ──claim──▶ [slot|slot|slot|slot] ──▶ gating reader   (the writer waits for it: nothing is lost)
 *                                           └─▶ trailing reader (never waited for: told exactly how many it missed)
 *
 * A record's last word is its commit word. The record with sequence number `seq` is published by one Atomics.store of
 * `seq + 1` there; nothing else moves per message. Sequences are int32 and wrap; they are compared by difference.
 * `position` below is the same count without the wrap. Layout of all control words: layout.ts.
 *
 * Before that store, a writer may put anything into a slot that is its own: its block is claimed and all gating readers
 * have released it. It does so to get the memory in time (touchAhead), and nobody may look at a slot before its commit.
 *
 * Gating readers: the reader hands slots back by an Atomics.store of its cursor, an eighth of the ring at a time (and
 * when it finds nothing); the writer looks at the cursors only when its cached minimum says full. No data race: a
 * payload read happens before the cursor store, the writer's cursor load synchronizes with it, the overwrite follows.
 * So the JavaScript memory model itself gives the guarantee. Batches too: only the first commit word is stored
 * atomically, last; a reader gets to the others only through it.
 *
 * Trailing readers: a sequence lock over blocks (an eighth of the ring). Before the writer touches the first slot of a
 * block, it raises the claim word, by a read-modify-write: "everything before this block's end, less one ring, may be
 * gone". The reader finds its commit word, copies the record, and then reads the claim word: unless it has been raised
 * beyond the record, the copy is whole. One more atomic per block instead of two per message, and the reader's second
 * look is at a line that hardly ever changes. The price: a reader is lapped up to an eighth of the ring early.
 * The copy races with the writer, on purpose. The memory model defines what a racing int32 read may see (some value
 * written, never a torn word), but no reading of it orders plain reads before a later atomic load; that order comes from
 * engine and machine. V8 moves no access across an atomic operation; x64 keeps loads in order; on arm64 a read-modify-
 * write with acquire and release is a full barrier, an acquire load is not: hence the Atomics.add on both sides, the
 * reader's on a word of its own. test/memory/ring.stress.ts is the evidence on a given machine.
 *
 * Writer and readers may live on one thread. A writer or gating reader that attaches to a used ring goes on where the
 * one before it stopped; records of a batch that was not published are forgotten.
 */
import { assert, must } from '../domain/assert.js';
import {
  CACHE_LINE_WORDS,
  RING_CLAIM_SEQ_WORD,
  RING_CLAIM_WORD,
  RegionWord,
  ringBlockSlots,
  ringBytes,
  ringReaderWord,
  ringSlotIndex,
  ringSlotsWord,
  wakeWord,
} from './layout.js';
import { allocateRegion, attachRegion, hashWord, type RegionSpec } from './region.js';
import { signalWord } from './wake.js';

export interface RingReaderSpec {
  readonly name: string;
  readonly kind: 'gating' | 'trailing';
  /** Its agent's wake word; -1: it never sleeps. */
  readonly wakeIndex: number;
}

export interface RingSpec {
  readonly name: string;
  readonly slotBytes: 64 | 128;
  /** A power of two, at least 2. */
  readonly slotCount: number;
  readonly readers: readonly RingReaderSpec[];
  readonly writerRole: string;
  readonly schemaHashWord: number;
  /** First sequence number; tests start just before the int32 wrap. */
  readonly startSeq?: number;
}

/** How often a trailing reader that is lapped while it reads tries again before it reports "nothing now". */
const LAPPED_TRIES_MAX = 8;

/** How many slots ahead the writer takes the lines of at once. Fewer overlap too little; 64 gained nothing more. */
const TOUCH_SLOTS = 32;

/** How many records ahead a gating reader takes the lines of at once, when that many are waiting. A power of two. */
const FETCH_SLOTS = 16;

export function allocateRing(spec: RingSpec): SharedArrayBuffer {
  assert(
    spec.slotCount >= 2 &&
      spec.slotCount <= 2 ** 24 &&
      (spec.slotCount & (spec.slotCount - 1)) === 0,
    `slotCount is no power of two: name=${spec.name}, slotCount=${String(spec.slotCount)}`,
  );
  const buffer = allocateRegion(regionSpec(spec));
  const i32 = new Int32Array(buffer);
  const startSeq = (spec.startSeq ?? 0) | 0;
  i32[RegionWord.RingStartSeq] = startSeq;
  i32[RegionWord.RingReadersHash] = readersHash(spec);
  // Blocks are counted from an arbitrary number as well, so that a test of one wrap is a test of both.
  i32[RING_CLAIM_WORD] = startSeq;
  i32[RING_CLAIM_SEQ_WORD] = startSeq;
  for (let reader = 0; reader < spec.readers.length; reader++)
    i32[ringReaderWord(reader)] = startSeq;
  const slotWords = spec.slotBytes / 4;
  const slotsWord = ringSlotsWord(spec.readers.length);
  for (let offset = 0; offset < spec.slotCount; offset++) {
    const seq = (startSeq + offset) | 0;
    // As if written one lap before: no value of a commit word is ambiguous.
    i32[slotsWord + ringSlotIndex(seq, spec.slotCount - 1) * slotWords + slotWords - 1] = commitOf(
      seq - spec.slotCount,
    );
  }
  return buffer;
}

/** The one writer. Satisfies the TickOut of venues. */
export class RingWriter {
  /** The whole region; slots are given as word offsets in it. */
  readonly i32: Int32Array;
  readonly #slotsWord: number;
  readonly #slotShift: number;
  readonly #commitWord: number;
  readonly #slotCount: number;
  readonly #slotMask: number;
  readonly #blockSlots: number;
  readonly #gatingWords: Int32Array;
  readonly #wakeI32: Int32Array;
  readonly #wakeWords: Int32Array;
  #seq: number;
  /** Slots claimed and not yet published. */
  #claimedSlots = 0;
  /** The slowest gating reader's cursor when last looked at. */
  #gateSeq: number;
  /** End of the blocks that the claim word covers. */
  #claimEndSeq: number;
  /** The same as a count of blocks without wrap. */
  #claimBlocks: number;
  #fullCount = 0;
  /** The lines of the slots before this seq were asked for. */
  #touchEndSeq: number;

  constructor(buffer: SharedArrayBuffer, spec: RingSpec, wakeBuffer: SharedArrayBuffer | null) {
    attachRing(buffer, spec);
    const slotWords = spec.slotBytes / 4;
    const wakeWords = wakeBuffer === null ? [] : wakeWordsOf(spec);
    this.i32 = new Int32Array(buffer);
    this.#slotsWord = ringSlotsWord(spec.readers.length);
    this.#slotShift = Math.log2(slotWords);
    this.#commitWord = slotWords - 1;
    this.#slotCount = spec.slotCount;
    this.#slotMask = spec.slotCount - 1;
    this.#blockSlots = ringBlockSlots(spec.slotCount);
    this.#gatingWords = Int32Array.from(gatingWordsOf(spec));
    this.#wakeI32 = wakeBuffer === null ? new Int32Array(0) : new Int32Array(wakeBuffer);
    this.#wakeWords = Int32Array.from(wakeWords);
    this.#seq = Atomics.load(this.i32, RING_CLAIM_SEQ_WORD);
    this.#claimBlocks = claimedBlocks(this.i32);
    this.#claimEndSeq = (startSeqOf(this.i32) + this.#claimBlocks * this.#blockSlots) | 0;
    this.#resume();
    this.#gateSeq = this.#slowestGatingSeq();
    this.#touchEndSeq = this.#seq;
  }

  /** Records published since the ring was allocated. */
  get publishedCount(): number {
    return this.#claimBlocks * this.#blockSlots - ((this.#claimEndSeq - this.#seq) | 0);
  }

  /** How often a claim was refused because a gating reader was a whole ring behind. */
  get fullCount(): number {
    return this.#fullCount;
  }

  /**
   * Word offset of the next slot; its contents are undefined. -1 when a gating reader holds it back.
   * Claiming again without publishing gives the same slot.
   */
  claim(): number {
    const seq = this.#seq;
    if (((seq - this.#gateSeq) | 0) >= this.#slotCount && !this.#hasRoom(seq)) return -1;
    if (seq === this.#claimEndSeq) this.#claimBlocksUpTo((seq + 1) | 0);
    this.#claimedSlots = 1;
    return this.#slotsWord + (ringSlotIndex(seq, this.#slotMask) << this.#slotShift);
  }

  /** Publishes the claimed slot and wakes readers that sleep. */
  publish(): void {
    this.publishQuietly();
    this.wake();
  }

  /**
   * Publishes the claimed slot and wakes nobody: for a writer that has something more urgent to do than to let its readers
   * take the processor. `wake` must follow in the same duty cycle, or a sleeping reader sleeps its nap to the end.
   */
  publishQuietly(): void {
    assert(this.#claimedSlots === 1, 'publish without claim');
    const seq = this.#seq;
    const next = (seq + 1) | 0;
    this.#claimedSlots = 0;
    this.#seq = next;
    Atomics.store(
      this.i32,
      this.#slotsWord + (ringSlotIndex(seq, this.#slotMask) << this.#slotShift) + this.#commitWord,
      next,
    );
    if (((next - this.#touchEndSeq) | 0) >= 0) this.#touchAhead(next);
  }

  /** Wakes readers that sleep. */
  wake(): void {
    if (this.#wakeWords.length !== 0) this.#wakeReaders();
  }

  /**
   * Claims up to `slotsMax` slots at once; returns how many there are (0 when full; fewer when nearly full, or when a batch
   * of more than 7/8 of the ring would reach into the block that it begins in).
   */
  claimBatch(slotsMax: number): number {
    assert(
      slotsMax >= 1 && slotsMax <= this.#slotCount,
      'batch of no slot or of more than the ring has',
    );
    const seq = this.#seq;
    let free = (this.#slotCount - ((seq - this.#gateSeq) | 0)) | 0;
    if (free < slotsMax) {
      if (!this.#hasRoom(seq)) return 0;
      free = (this.#slotCount - ((seq - this.#gateSeq) | 0)) | 0;
    }
    let slots = free < slotsMax ? free : slotsMax;
    const end = (seq + slots) | 0;
    if (((end - this.#claimEndSeq) | 0) > 0) {
      this.#claimBlocksUpTo(end);
      if (((end - this.#claimEndSeq) | 0) > 0) slots = (this.#claimEndSeq - seq) | 0;
    }
    this.#claimedSlots = slots;
    return slots;
  }

  /** Word offset of the k-th slot of the claimed batch. */
  slotAt(k: number): number {
    return this.#slotsWord + (ringSlotIndex(this.#seq + k, this.#slotMask) << this.#slotShift);
  }

  /** Publishes the first `slots` of the batch (all of it, unless told); the first commit word is stored last. */
  publishBatch(slots = this.#claimedSlots): void {
    assert(
      slots >= 1 && slots <= this.#claimedSlots,
      'publishBatch of more slots than were claimed, or of none',
    );
    const seq = this.#seq;
    const i32 = this.i32;
    const mask = this.#slotMask;
    const shift = this.#slotShift;
    const commitWords = this.#slotsWord + this.#commitWord;
    for (let k = slots - 1; k > 0; k--)
      i32[commitWords + (ringSlotIndex(seq + k, mask) << shift)] = (seq + k + 1) | 0;
    this.#claimedSlots = 0;
    this.#seq = (seq + slots) | 0;
    Atomics.store(i32, commitWords + (ringSlotIndex(seq, mask) << shift), (seq + 1) | 0);
    this.wake();
  }

  /** Looks at the gating cursors again. */
  #hasRoom(seq: number): boolean {
    this.#gateSeq = this.#slowestGatingSeq();
    if (((seq - this.#gateSeq) | 0) < this.#slotCount) return true;
    this.#fullCount++;
    return false;
  }

  /** The writer's own seq when nothing gates. */
  #slowestGatingSeq(): number {
    const words = this.#gatingWords;
    const seq = this.#seq;
    let lagMax = 0;
    for (let index = 0; index < words.length; index++) {
      const lag = (seq - Atomics.load(this.i32, words[index] as number)) | 0;
      if (lag > lagMax) lagMax = lag;
    }
    return (seq - lagMax) | 0;
  }

  /**
   * At most to one ring beyond `#seq`, counted in whole blocks. A claim beyond that would send a lapped trailing reader into
   * the middle of the batch, where the later commit words are stored before the first one publishes them.
   */
  #claimBlocksUpTo(endSeq: number): void {
    const missing = (endSeq - this.#claimEndSeq) | 0;
    let blocks = Math.ceil(missing / this.#blockSlots);
    if (((this.#claimEndSeq + blocks * this.#blockSlots - this.#seq) | 0) > this.#slotCount)
      blocks--;
    if (blocks === 0) return;
    this.#claimBlocks += blocks;
    this.#claimEndSeq = (this.#claimEndSeq + blocks * this.#blockSlots) | 0;
    Atomics.store(this.i32, RING_CLAIM_SEQ_WORD, this.#seq);
    // Read-modify-write: a full barrier, so that no store to the block's slots can be seen before it.
    Atomics.add(this.i32, RING_CLAIM_WORD, blocks);
  }

  /**
   * Asks for the lines of the next slots together, by a store to each that nobody waits for. Without it every publish would
   * wait for its own line to come from the reader's core. Only slots that the writer owns: claimed and released ones.
   */
  #touchAhead(seq: number): void {
    const claimed = (this.#claimEndSeq - seq) | 0;
    const free = (this.#slotCount - ((seq - this.#gateSeq) | 0)) | 0;
    let slots = claimed < free ? claimed : free;
    if (slots > TOUCH_SLOTS) slots = TOUCH_SLOTS;
    for (let k = 0; k < slots; k++) {
      const slotWord =
        this.#slotsWord + (ringSlotIndex(seq + k, this.#slotMask) << this.#slotShift);
      for (let word = 0; word < this.#commitWord; word += CACHE_LINE_WORDS)
        this.i32[slotWord + word] = 0;
    }
    this.#touchEndSeq = (seq + slots) | 0;
  }

  #wakeReaders(): void {
    const words = this.#wakeWords;
    for (let index = 0; index < words.length; index++)
      signalWord(this.#wakeI32, words[index] as number);
  }

  /** On a used ring: finds the end of what was published, and un-commits what an unfinished batch left behind it. */
  #resume(): void {
    const i32 = this.i32;
    const commitWords = this.#slotsWord + this.#commitWord;
    const end = this.#claimEndSeq;
    let seq = this.#seq;
    while (
      seq !== end &&
      Atomics.load(i32, commitWords + (ringSlotIndex(seq, this.#slotMask) << this.#slotShift)) ===
        commitOf(seq)
    ) {
      seq = (seq + 1) | 0;
    }
    this.#seq = seq;
    for (let left = seq; left !== end; left = (left + 1) | 0) {
      const word = commitWords + (ringSlotIndex(left, this.#slotMask) << this.#slotShift);
      if (Atomics.load(i32, word) === commitOf(left))
        Atomics.store(i32, word, commitOf(left - this.#slotCount));
    }
  }
}

/** A reader that the writer waits for. Reads in place. */
export class GatingReader {
  /** The whole region; `poll` gives word offsets in it. */
  readonly i32: Int32Array;
  readonly #slotsWord: number;
  readonly #slotShift: number;
  readonly #commitWord: number;
  readonly #slotMask: number;
  readonly #releaseSlots: number;
  readonly #cursorWord: number;
  #seq: number;
  #releasedSeq: number;
  #releasedCount: number;

  constructor(buffer: SharedArrayBuffer, spec: RingSpec, readerIndex: number) {
    attachRing(buffer, spec);
    const reader = must(
      spec.readers[readerIndex],
      `reader ${String(readerIndex)} of ring ${spec.name}`,
    );
    assert(
      reader.kind === 'gating',
      `reader is not gating: ring=${spec.name}, reader=${reader.name}`,
    );
    const slotWords = spec.slotBytes / 4;
    this.i32 = new Int32Array(buffer);
    this.#slotsWord = ringSlotsWord(spec.readers.length);
    this.#slotShift = Math.log2(slotWords);
    this.#commitWord = slotWords - 1;
    this.#slotMask = spec.slotCount - 1;
    this.#releaseSlots = ringBlockSlots(spec.slotCount);
    this.#cursorWord = ringReaderWord(readerIndex);
    this.#seq = Atomics.load(this.i32, this.#cursorWord);
    this.#releasedSeq = this.#seq;
    this.#releasedCount = countAt(this.i32, this.#seq, this.#releaseSlots);
  }

  /** Records read since the ring was allocated (by whoever read as this reader). */
  get readCount(): number {
    return this.#releasedCount + ((this.#seq - this.#releasedSeq) | 0);
  }

  /** Word offset of the next unread record, -1 when there is none. Gives the same record until `advance`. */
  poll(): number {
    const seq = this.#seq;
    const slotWord = this.#slotsWord + (ringSlotIndex(seq, this.#slotMask) << this.#slotShift);
    if (Atomics.load(this.i32, slotWord + this.#commitWord) === ((seq + 1) | 0)) {
      if ((seq & (FETCH_SLOTS - 1)) === 0) this.#fetchAhead(seq);
      return slotWord;
    }
    if (seq !== this.#releasedSeq) this.#release(seq);
    return -1;
  }

  /** The record of the last `poll` is done with and may be overwritten. */
  advance(): void {
    const seq = (this.#seq + 1) | 0;
    this.#seq = seq;
    if (((seq - this.#releasedSeq) | 0) >= this.#releaseSlots) this.#release(seq);
  }

  /**
   * Asks for the lines of the next records together, as far as they are there: the writer keeps the others. These reads race
   * with the writer and decide nothing; `poll` looks at each commit word again, atomically.
   */
  #fetchAhead(seq: number): void {
    const i32 = this.i32;
    const commitWords = this.#slotsWord + this.#commitWord;
    for (let k = FETCH_SLOTS; k < 2 * FETCH_SLOTS; k++) {
      const ahead = (seq + k) | 0;
      const word = commitWords + (ringSlotIndex(ahead, this.#slotMask) << this.#slotShift);
      if (i32[word] !== commitOf(ahead)) return;
    }
  }

  #release(seq: number): void {
    this.#releasedCount += (seq - this.#releasedSeq) | 0;
    this.#releasedSeq = seq;
    Atomics.store(this.i32, this.#cursorWord, seq);
  }
}

/** A reader that never holds the writer. Reads a copy. */
export class TrailingReader {
  /** A copy of the record last polled, at offset 0. Not shared. */
  readonly i32: Int32Array;
  readonly #ring: Int32Array;
  readonly #slotsWord: number;
  readonly #slotWords: number;
  readonly #slotShift: number;
  readonly #slotMask: number;
  readonly #blockSlots: number;
  readonly #blockMask: number;
  /** Blocks in the ring. */
  readonly #ringBlocks: number;
  readonly #fenceWord: number;
  readonly #startSeq: number;
  #seq: number;
  /** The highest claim word at which the record `seq` is still whole. */
  #claimLimit: number;
  /** Blocks before the one that `seq` is in, without wrap. */
  #block = 0;
  #lappedCount = 0;
  #skippedCount = 0;

  constructor(buffer: SharedArrayBuffer, spec: RingSpec, readerIndex: number) {
    attachRing(buffer, spec);
    const reader = must(
      spec.readers[readerIndex],
      `reader ${String(readerIndex)} of ring ${spec.name}`,
    );
    assert(
      reader.kind === 'trailing',
      `reader is not trailing: ring=${spec.name}, reader=${reader.name}`,
    );
    this.#ring = new Int32Array(buffer);
    this.#slotsWord = ringSlotsWord(spec.readers.length);
    this.#slotWords = spec.slotBytes / 4;
    this.#slotShift = Math.log2(this.#slotWords);
    this.#slotMask = spec.slotCount - 1;
    this.#blockSlots = ringBlockSlots(spec.slotCount);
    this.#blockMask = this.#blockSlots - 1;
    this.#ringBlocks = spec.slotCount / this.#blockSlots;
    this.#fenceWord = ringReaderWord(readerIndex);
    this.#startSeq = startSeqOf(this.#ring);
    this.#seq = this.#startSeq;
    this.#claimLimit = (this.#startSeq + this.#ringBlocks) | 0;
    this.i32 = new Int32Array(this.#slotWords);
  }

  /** Records that were overwritten before this reader came to them. Exact. */
  get lappedCount(): number {
    return this.#lappedCount;
  }

  /** Records passed over by `skipToEnd`. */
  get skippedCount(): number {
    return this.#skippedCount;
  }

  get readCount(): number {
    return this.#position() - this.#lappedCount - this.#skippedCount;
  }

  /** 0 when the next record was copied to `i32`, -1 when there is none. Each record comes once. */
  poll(): number {
    for (let tries = 0; tries < LAPPED_TRIES_MAX; tries++) {
      const ring = this.#ring;
      const seq = this.#seq;
      const next = (seq + 1) | 0;
      const slotWord = this.#slotsWord + (ringSlotIndex(seq, this.#slotMask) << this.#slotShift);
      const commitWord = this.#slotWords - 1;
      const isWritten = Atomics.load(ring, slotWord + commitWord) === next;
      if (isWritten) {
        const copy = this.i32;
        for (let word = 0; word < commitWord; word++) copy[word] = ring[slotWord + word] as number;
        copy[commitWord] = next;
        // A full barrier on every machine: the copy is done before the claim word is read.
        Atomics.add(ring, this.#fenceWord, 0);
      }
      if (((Atomics.load(ring, RING_CLAIM_WORD) - this.#claimLimit) | 0) <= 0) {
        if (isWritten) {
          this.#seq = next;
          if (((next - this.#startSeq) & this.#blockMask) === 0) {
            this.#claimLimit = (this.#claimLimit + 1) | 0;
            this.#block++;
          }
          return 0;
        }
        return -1;
      }
      this.#lappedCount += this.#jumpToOldest();
    }
    return -1;
  }

  /** Passes over everything published so far; the next record will be a new one. Not counted as lapped. */
  skipToEnd(): void {
    for (;;) {
      // In this order: the seq belongs to this claim or to a later one, so walking on from it is safe.
      const claimed = claimedBlocks(this.#ring);
      const back =
        (this.#startSeq +
          claimed * this.#blockSlots -
          Atomics.load(this.#ring, RING_CLAIM_SEQ_WORD)) |
        0;
      const known = claimed * this.#blockSlots - back;
      if (known > this.#position()) this.#skippedCount += this.#moveTo(known);
      while (this.#isWritten()) this.#skippedCount += this.#moveTo(this.#position() + 1);
      if (((Atomics.load(this.#ring, RING_CLAIM_WORD) - this.#claimLimit) | 0) <= 0) return;
    }
  }

  #isWritten(): boolean {
    const slotWord =
      this.#slotsWord + (ringSlotIndex(this.#seq, this.#slotMask) << this.#slotShift);
    return Atomics.load(this.#ring, slotWord + this.#slotWords - 1) === commitOf(this.#seq);
  }

  #position(): number {
    return this.#block * this.#blockSlots + ((this.#seq - this.#startSeq) & this.#blockMask);
  }

  /** To the oldest record that is certainly whole; returns how many lie between. */
  #jumpToOldest(): number {
    return this.#moveTo((claimedBlocks(this.#ring) - this.#ringBlocks) * this.#blockSlots);
  }

  #moveTo(position: number): number {
    const passed = position - this.#position();
    this.#block = Math.floor(position / this.#blockSlots);
    this.#seq = (this.#startSeq + position) | 0;
    this.#claimLimit = (this.#startSeq + this.#block + this.#ringBlocks) | 0;
    return passed;
  }
}

/** What the commit word says when the record with this seq is whole. */
function commitOf(seq: number): number {
  return (seq + 1) | 0;
}

function startSeqOf(i32: Int32Array): number {
  return Atomics.load(i32, RegionWord.RingStartSeq);
}

/** Blocks claimed since the ring was allocated: exact up to 2^32 blocks (2^41 records in a ring of 4096). */
function claimedBlocks(i32: Int32Array): number {
  return (Atomics.load(i32, RING_CLAIM_WORD) - startSeqOf(i32)) >>> 0;
}

/** The count that belongs to a cursor, which is never more than a ring behind the claim. */
function countAt(i32: Int32Array, seq: number, blockSlots: number): number {
  const claimedCount = claimedBlocks(i32) * blockSlots;
  return claimedCount - ((startSeqOf(i32) + claimedCount - seq) | 0);
}

function attachRing(buffer: SharedArrayBuffer, spec: RingSpec): void {
  attachRegion(buffer, regionSpec(spec));
  const found = Atomics.load(new Int32Array(buffer), RegionWord.RingReadersHash);
  assert(
    found === readersHash(spec),
    `ring has other readers: name=${spec.name}, readersHash=${String(found)}, expected=${String(readersHash(spec))}`,
  );
}

function regionSpec(spec: RingSpec): RegionSpec {
  return {
    name: spec.name,
    bytes: ringBytes(spec.readers.length, spec.slotBytes, spec.slotCount),
    slotBytes: spec.slotBytes,
    slotCount: spec.slotCount,
    writerRole: spec.writerRole,
    schemaHashWord: spec.schemaHashWord,
  };
}

function readersHash(spec: RingSpec): number {
  return hashWord(spec.readers.map(({ name, kind }) => `${name}:${kind}`).join(','));
}

function gatingWordsOf(spec: RingSpec): number[] {
  return spec.readers.flatMap(({ kind }, index) =>
    kind === 'gating' ? [ringReaderWord(index)] : [],
  );
}

/** At start: agents may read a ring twice and are woken once. */
function wakeWordsOf(spec: RingSpec): number[] {
  return [...new Set(spec.readers.map(({ wakeIndex }) => wakeIndex))]
    .filter((index) => index >= 0)
    .map(wakeWord);
}
