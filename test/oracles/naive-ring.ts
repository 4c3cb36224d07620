/**
 * naive-ring: the ring as a plain list that forgets nothing, one thread, no shared memory. The oracle of memory/ring.ts:
 * the same interface, and the rules of fullness and lapping in their plainest words.
 */
import type { RingSpec } from '#src/memory/ring.js';

/** What both rings offer to a writer. */
export interface Writer {
  readonly i32: Int32Array;
  claim(): number;
  publish(): void;
  claimBatch(slotsMax: number): number;
  slotAt(k: number): number;
  publishBatch(slots?: number): void;
  readonly publishedCount: number;
  readonly fullCount: number;
}

export interface Gating {
  readonly i32: Int32Array;
  poll(): number;
  advance(): void;
  readonly readCount: number;
}

export interface Trailing {
  readonly i32: Int32Array;
  poll(): number;
  skipToEnd(): void;
  readonly lappedCount: number;
  readonly skippedCount: number;
  readonly readCount: number;
}

export class NaiveRing {
  readonly slotCount: number;
  readonly slotWords: number;
  /** An eighth of the ring: the step of releasing and of overwriting. */
  readonly block: number;
  readonly records: Int32Array[] = [];
  readonly gating: NaiveGating[] = [];
  /** Records that the writer may have begun to write. */
  claimed = 0;

  constructor(spec: RingSpec) {
    this.slotCount = spec.slotCount;
    this.slotWords = spec.slotBytes / 4;
    this.block = Math.max(1, spec.slotCount / 8);
  }

  /** Room that the gating readers leave. */
  free(): number {
    const slowest = Math.min(this.records.length, ...this.gating.map(({ released }) => released));
    return this.slotCount - (this.records.length - slowest);
  }

  /** Number of the oldest record that a trailing reader still gets: the writer overwrites whole blocks. */
  oldest(): number {
    return Math.max(0, Math.ceil(this.claimed / this.block) * this.block - this.slotCount);
  }
}

export class NaiveWriter implements Writer {
  i32: Int32Array;
  fullCount = 0;
  readonly #ring: NaiveRing;
  #slots = 0;

  constructor(ring: NaiveRing) {
    this.#ring = ring;
    this.i32 = new Int32Array(ring.slotWords * ring.slotCount);
  }

  get publishedCount(): number {
    return this.#ring.records.length;
  }

  claim(): number {
    return this.claimBatch(1) === 0 ? -1 : 0;
  }

  publish(): void {
    if (this.#slots !== 1) throw new Error('publish without claim');
    this.publishBatch(1);
  }

  claimBatch(slotsMax: number): number {
    const room = Math.min(this.#ring.free(), slotsMax);
    if (room === 0) {
      this.fullCount++;
      return 0;
    }
    // A batch ends before the block that it begins in comes again.
    const first = this.#ring.records.length;
    const block = this.#ring.block;
    const again = Math.floor(first / block) * block + this.#ring.slotCount;
    const slots = Math.min(room, again - first);
    this.#slots = slots;
    this.#ring.claimed = Math.max(this.#ring.claimed, this.#ring.records.length + slots);
    return slots;
  }

  slotAt(k: number): number {
    return k * this.#ring.slotWords;
  }

  publishBatch(slots = this.#slots): void {
    if (slots < 1 || slots > this.#slots)
      throw new Error('publishBatch of more slots than were claimed');
    const words = this.#ring.slotWords;
    for (let k = 0; k < slots; k++)
      this.#ring.records.push(this.i32.slice(k * words, (k + 1) * words));
    this.#slots = 0;
  }
}

export class NaiveGating implements Gating {
  readonly i32: Int32Array;
  readCount = 0;
  released = 0;
  readonly #ring: NaiveRing;

  constructor(ring: NaiveRing) {
    this.#ring = ring;
    this.i32 = new Int32Array(ring.slotWords);
    ring.gating.push(this);
  }

  poll(): number {
    const record = this.#ring.records[this.readCount];
    if (record === undefined) {
      this.released = this.readCount;
      return -1;
    }
    this.i32.set(record);
    return 0;
  }

  advance(): void {
    this.readCount++;
    if (this.readCount - this.released >= this.#ring.block) this.released = this.readCount;
  }
}

export class NaiveTrailing implements Trailing {
  readonly i32: Int32Array;
  readCount = 0;
  lappedCount = 0;
  skippedCount = 0;
  readonly #ring: NaiveRing;
  #next = 0;

  constructor(ring: NaiveRing) {
    this.#ring = ring;
    this.i32 = new Int32Array(ring.slotWords);
  }

  poll(): number {
    const missed = this.#ring.oldest() - this.#next;
    if (missed > 0) {
      this.lappedCount += missed;
      this.#next += missed;
    }
    const record = this.#ring.records[this.#next];
    if (record === undefined) return -1;
    this.i32.set(record);
    this.#next++;
    this.readCount++;
    return 0;
  }

  skipToEnd(): void {
    this.skippedCount += this.#ring.records.length - this.#next;
    this.#next = this.#ring.records.length;
  }
}
