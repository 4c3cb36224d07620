/**
 * recording-reader: the bytes of segments ─▶ records, one after the other, in place. Whoever replays, on its own thread.
 *
 * Deterministic: no files, no clock; the bytes come by a callback. What is damaged is passed over and told: where, and which
 * records are missing. Invariant: a record that is given out was in a block whose head and payload had their CRCs, with the
 * id of this recording and the number that comes next; nothing else is ever given out, and nothing throws but a coded error.
 */
import { TickwireError } from '../domain/errors.js';
import {
  getRecordedFrameConnection,
  getRecordedFrameDirection,
  getRecordedFrameFlags,
  getRecordedFrameFrameBytes,
  getRecordedFrameLine,
  getRecordedFrameRecvNs,
  getRecordedFrameUrlBytes,
  getRecordingBlockFirstRecord,
  getRecordingBlockHeadCrc,
  getRecordingBlockKind,
  getRecordingBlockMagic,
  getRecordingBlockPayloadBytes,
  getRecordingBlockPayloadCrc,
  getRecordingBlockRecordCount,
  getRecordingBlockRecordingId,
  getRecordingBlockSegmentIndex,
  getRecordingIndexEntryFirstRecord,
  getRecordingIndexEntryFirstRecvNs,
  getRecordingIndexEntryOffsetBytes,
  getRecordingTrailerIndexOffsetBytes,
  getRecordingTrailerMagic,
  getRecordingTrailerRecordEnd,
  getRecordingTrailerRecordingId,
  getRecordingTrailerTrailerCrc,
  getTickRecvNs,
  RECORDED_FRAME_BYTES,
  RECORDING_BLOCK_BYTES,
  RECORDING_INDEX_ENTRY_BYTES,
  RECORDING_TRAILER_BYTES,
  RecordingBlockKind,
  RecordingKind,
  TICK_BYTES,
} from '../generated/hot.js';
import {
  BLOCK_HEAD_CRC_BYTES,
  BLOCK_MAGIC,
  crc32,
  decodeSegmentInfo,
  FrameFlag,
  frameRecordBytes,
  TRAILER_CRC_BYTES,
  TRAILER_MAGIC,
} from './recording-format.js';
import type { RecordingInfo, SegmentInfo } from './recording-format.js';

/** Something that could not be read. */
export interface RecordingDamage {
  /** Name of the segment. */
  readonly segment: string;
  /** Where in it; -1: the segment as a whole. */
  readonly offsetBytes: number;
  readonly message: string;
  /** Numbers of the records that are lost; lastLost null: how many is not known. firstLost null: none. */
  readonly firstLost: number | null;
  readonly lastLost: number | null;
}

/** The files of a recording, in order. */
export interface SegmentSource {
  readonly names: readonly string[];
  /** Number in the name. */
  readonly indexes: readonly number[];
  /** Bytes of a segment, beginning at a multiple of 8 of their buffer. */
  read(place: number): Uint8Array;
}

export class RecordingReader {
  readonly info: RecordingInfo;
  readonly damages: RecordingDamage[] = [];
  readonly #source: SegmentSource;
  /** The segment under way, as words; what `base` counts in. */
  i32: Int32Array = new Int32Array(0);
  /** Word offset of the record: a Tick, or a RecordedFrame. */
  base = 0;
  /** Number of the record in the recording. */
  record = -1;
  #bytes: Uint8Array = new Uint8Array(0);
  #place = -1;
  #name = '';
  #offset = 0;
  #end = 0;
  /** The block under way. */
  #nextAt = 0;
  #blockEnd = 0;
  #blockNext = 0;
  /** Number of the record that should come next. */
  #expected = 0;
  /** Offset of damage under way; -1: none. */
  #badAt = -1;
  #badWhy = '';
  /** Place in `damages` of a cut whose loss the next segment will tell; -1: none. */
  #openCut = -1;
  #recordCount = 0;
  #byteCount = 0;
  #isDone = false;

  /** RECORDING_CORRUPT when no segment has a header that can be read. */
  constructor(source: SegmentSource) {
    this.#source = source;
    this.info = findInfo(source);
  }

  /** Records read so far. */
  get recordCount(): number {
    return this.#recordCount;
  }

  /** Bytes of the segments read so far. */
  get byteCount(): number {
    return this.#byteCount;
  }

  /** Number of the segment under way, from 0. */
  get place(): number {
    return this.#place;
  }

  /** Moves to the next record; false at the end of the recording. */
  next(): boolean {
    while (this.#nextAt >= this.#blockEnd) {
      if (!this.#nextBlock() && !this.#nextSegment()) return false;
    }
    this.base = this.#nextAt >> 2;
    this.record = this.#blockNext++;
    this.#nextAt += this.#recordBytes();
    this.#recordCount++;
    return true;
  }

  /** ns since run start. */
  get recvNs(): number {
    return this.info.kind === RecordingKind.Ticks
      ? getTickRecvNs(this.i32, this.base)
      : getRecordedFrameRecvNs(this.i32, this.base);
  }

  // Of a frame.

  get hasTime(): boolean {
    return (getRecordedFrameFlags(this.i32, this.base) & FrameFlag.NoTime) === 0;
  }

  /** RecordedDirection. */
  get direction(): number {
    return getRecordedFrameDirection(this.i32, this.base);
  }

  get connection(): number {
    return getRecordedFrameConnection(this.i32, this.base);
  }

  get line(): number {
    return getRecordedFrameLine(this.i32, this.base);
  }

  /** The frame's own bytes: valid until the segment ends. */
  get bytes(): Uint8Array {
    const at = this.base * 4 + RECORDED_FRAME_BYTES + getRecordedFrameUrlBytes(this.i32, this.base);
    return this.#bytes.subarray(at, at + getRecordedFrameFrameBytes(this.i32, this.base));
  }

  /** null: none was kept. */
  get url(): string | null {
    if ((getRecordedFrameFlags(this.i32, this.base) & FrameFlag.HasUrl) === 0) return null;
    const at = this.base * 4 + RECORDED_FRAME_BYTES;
    return DECODER.decode(
      this.#bytes.subarray(at, at + getRecordedFrameUrlBytes(this.i32, this.base)),
    );
  }

  /**
   * Before the first `next`: passes over whole blocks that end before that time, as far as the segments' indexes are whole.
   * The next record may still be older. Cold.
   */
  skipTo(recvNs: number): void {
    let target: IndexEntry | null = null;
    let place = 0;
    for (; place < this.#source.names.length; place++) {
      this.#load(place);
      const entry = this.#lastEntryBefore(recvNs);
      if (entry === null) break;
      target = entry;
    }
    if (target === null) {
      this.#place = -1;
      this.#offset = this.#end;
      return;
    }
    this.#load(place - 1);
    this.#offset = target.offset;
    this.#expected = target.firstRecord;
  }

  /** Bytes of the record at #nextAt; the block was checked when it was opened. */
  #recordBytes(): number {
    if (this.info.kind === RecordingKind.Ticks) return TICK_BYTES;
    const urlBytes = getRecordedFrameUrlBytes(this.i32, this.base);
    return frameRecordBytes(urlBytes, getRecordedFrameFrameBytes(this.i32, this.base));
  }

  /** Opens the next block of records of the segment; false at its end. */
  #nextBlock(): boolean {
    while (this.#offset < this.#end) {
      const at = this.#offset;
      const why = this.#badHead(at);
      if (why !== '') {
        this.#isBad(at, why);
        this.#offset += 8;
        continue;
      }
      const word = at >> 2;
      const payloadBytes = getRecordingBlockPayloadBytes(this.i32, word);
      const blockEnd = at + RECORDING_BLOCK_BYTES + payloadBytes;
      const kind = getRecordingBlockKind(this.i32, word);
      const first = getRecordingBlockFirstRecord(this.i32, word);
      const count = getRecordingBlockRecordCount(this.i32, word);
      if (blockEnd > this.#end) {
        this.#isBad(at, 'a block is cut off');
        // What stands behind its head is its payload: no block is looked for in there.
        this.#offset = this.#end;
        continue;
      }
      this.#offset = blockEnd;
      const crc = crc32(this.i32, this.#bytes, at + RECORDING_BLOCK_BYTES, blockEnd);
      if (crc !== getRecordingBlockPayloadCrc(this.i32, word)) {
        this.#isBad(at, 'a block has not its CRC');
        continue;
      }
      if (kind === RecordingBlockKind.Header || kind === RecordingBlockKind.Index) {
        this.#settleDamage(first);
        continue;
      }
      const isOurs = this.#isWalkable(kind, at + RECORDING_BLOCK_BYTES, blockEnd, count);
      if (!isOurs || first < this.#expected) {
        this.#isBad(at, isOurs ? 'a block comes again' : 'a block has not the records it says');
        continue;
      }
      this.#settleDamage(first);
      if (first > this.#expected) {
        this.#addDamage(at, 'records are missing', this.#expected, first - 1);
      }
      this.#nextAt = at + RECORDING_BLOCK_BYTES;
      this.#blockEnd = this.#nextAt + usedBytes(kind, payloadBytes, count);
      this.#blockNext = first;
      this.#expected = first + count;
      return true;
    }
    return false;
  }

  /** Why there is no block at this offset; empty: its head is whole and of this recording. */
  #badHead(at: number): string {
    const i32 = this.i32;
    const word = at >> 2;
    if (at + RECORDING_BLOCK_BYTES > this.#end) return 'the segment is cut off';
    if (getRecordingBlockMagic(i32, word) !== BLOCK_MAGIC) return 'no block where one should be';
    const crc = crc32(i32, this.#bytes, at, at + BLOCK_HEAD_CRC_BYTES);
    if (getRecordingBlockHeadCrc(i32, word) !== crc) return 'the head of a block has not its CRC';
    if (getRecordingBlockRecordingId(i32, word) !== this.info.recordingId) {
      return 'a block of another recording';
    }
    if (getRecordingBlockSegmentIndex(i32, word) !== this.#source.indexes[this.#place]) {
      return 'a block of another segment';
    }
    return '';
  }

  /** Whether the payload is exactly that many records of the recording's kind. */
  #isWalkable(kind: number, from: number, to: number, count: number): boolean {
    if (this.info.kind === RecordingKind.Ticks) {
      return kind === RecordingBlockKind.Ticks && count > 0 && from + count * TICK_BYTES === to;
    }
    if (kind !== RecordingBlockKind.Frames || count === 0) return false;
    let at = from;
    for (let record = 0; record < count; record++) {
      if (at + RECORDED_FRAME_BYTES > to) return false;
      const urlBytes = getRecordedFrameUrlBytes(this.i32, at >> 2);
      at += frameRecordBytes(urlBytes, getRecordedFrameFrameBytes(this.i32, at >> 2));
      if (at > to) return false;
    }
    return at === to;
  }

  /** Cold: to the next segment; false when there is none. */
  #nextSegment(): boolean {
    if (this.#isDone) return false;
    if (this.#place >= 0) this.#endSegment();
    if (this.#place + 1 >= this.#source.names.length) {
      this.#isDone = true;
      return false;
    }
    this.#load(this.#place + 1);
    this.#byteCount += this.#bytes.length;
    return true;
  }

  /** Cold: opens a segment at its beginning. */
  #load(place: number): void {
    this.#place = place;
    this.#name = this.#source.names[place] as string;
    this.#bytes = this.#source.read(place);
    const { buffer, byteOffset, length } = this.#bytes;
    this.i32 = new Int32Array(buffer, byteOffset, length >> 2);
    this.#end = this.#hasTrailer() ? length - RECORDING_TRAILER_BYTES : length & ~3;
    this.#offset = 0;
    this.#nextAt = 0;
    this.#blockEnd = 0;
  }

  /** Cold: the segment is read to its end: is there more that it should have had? */
  #endSegment(): void {
    const recordEnd = this.#recordEnd();
    if (recordEnd === null) {
      const at = this.#badAt >= 0 ? this.#badAt : this.#bytes.length;
      const why = this.#badAt >= 0 ? this.#badWhy : 'the segment is cut off';
      this.#badAt = -1;
      this.#openCut = this.#addDamage(at, why, this.#expected, null);
      return;
    }
    this.#settleDamage(recordEnd);
    if (recordEnd > this.#expected) {
      this.#addDamage(this.#end, 'records are missing', this.#expected, recordEnd - 1);
      this.#expected = recordEnd;
    }
  }

  #hasTrailer(): boolean {
    const at = this.#bytes.length - RECORDING_TRAILER_BYTES;
    if (at < 0 || at % 8 !== 0) return false;
    const word = at >> 2;
    return (
      getRecordingTrailerMagic(this.i32, word) === TRAILER_MAGIC &&
      getRecordingTrailerRecordingId(this.i32, word) === this.info.recordingId &&
      getRecordingTrailerTrailerCrc(this.i32, word) ===
        crc32(this.i32, this.#bytes, at, at + TRAILER_CRC_BYTES)
    );
  }

  /** Number behind the segment's last record, if its trailer is whole. */
  #recordEnd(): number | null {
    if (this.#end === this.#bytes.length || !this.#hasTrailer()) return null;
    return getRecordingTrailerRecordEnd(this.i32, this.#end >> 2);
  }

  /** Cold: bytes that are no block; told once, when it is known what was in them. */
  #isBad(at: number, why: string): void {
    if (this.#badAt >= 0) return;
    this.#badAt = at;
    this.#badWhy = why;
  }

  /** Cold when there is damage: the next thing that is whole begins with this record. */
  #settleDamage(next: number): void {
    if (this.#openCut >= 0) {
      const cut = this.damages[this.#openCut] as RecordingDamage;
      const firstLost = cut.firstLost as number;
      const isNone = next <= firstLost;
      this.damages[this.#openCut] = Object.assign(cut, {
        firstLost: isNone ? null : firstLost,
        lastLost: isNone ? null : next - 1,
      });
      this.#openCut = -1;
      this.#expected = Math.max(this.#expected, next);
    }
    if (this.#badAt < 0) return;
    const isNone = next <= this.#expected;
    this.#addDamage(
      this.#badAt,
      this.#badWhy,
      isNone ? null : this.#expected,
      isNone ? null : next - 1,
    );
    this.#expected = Math.max(this.#expected, next);
    this.#badAt = -1;
  }

  /** Cold. */
  #addDamage(
    offsetBytes: number,
    message: string,
    firstLost: number | null,
    lastLost: number | null,
  ): number {
    const segment = this.#name;
    return this.damages.push({ segment, offsetBytes, message, firstLost, lastLost }) - 1;
  }

  /** Cold: the last entry of the segment's index that begins before the time; null: there is none, or no index. */
  #lastEntryBefore(recvNs: number): IndexEntry | null {
    const index = this.#indexWords();
    if (index === null) return null;
    let found: IndexEntry | null = null;
    for (let word = index.from; word < index.to; word += RECORDING_INDEX_ENTRY_BYTES / 4) {
      if (getRecordingIndexEntryFirstRecvNs(this.i32, word) >= recvNs) break;
      found = {
        offset: getRecordingIndexEntryOffsetBytes(this.i32, word),
        firstRecord: getRecordingIndexEntryFirstRecord(this.i32, word),
      };
    }
    return found;
  }

  /** Cold: where the entries of a whole index are. */
  #indexWords(): { readonly from: number; readonly to: number } | null {
    if (this.#recordEnd() === null) return null;
    const at = getRecordingTrailerIndexOffsetBytes(this.i32, this.#end >> 2);
    if (at % 8 !== 0 || at < 0 || at >= this.#end || this.#badHead(at) !== '') return null;
    const word = at >> 2;
    const bytes = getRecordingBlockPayloadBytes(this.i32, word);
    const from = at + RECORDING_BLOCK_BYTES;
    const isIndex = getRecordingBlockKind(this.i32, word) === RecordingBlockKind.Index;
    if (!isIndex || from + bytes > this.#end || bytes % RECORDING_INDEX_ENTRY_BYTES !== 0)
      return null;
    const crc = crc32(this.i32, this.#bytes, from, from + bytes);
    if (crc !== getRecordingBlockPayloadCrc(this.i32, word) || bytes === 0) return null;
    return { from: from >> 2, to: (from + bytes) >> 2 };
  }
}

interface IndexEntry {
  readonly offset: number;
  readonly firstRecord: number;
}

const DECODER = new TextDecoder('utf-8');

/** Bytes of the records in a payload: frames end exactly, the padding of others does not count. */
function usedBytes(kind: number, payloadBytes: number, count: number): number {
  return kind === RecordingBlockKind.Ticks ? count * TICK_BYTES : payloadBytes;
}

/** Cold: the first header that can be read. All segments of a recording have the same, but for their numbers. */
function findInfo(source: SegmentSource): RecordingInfo {
  let why = 'there is no segment';
  for (let place = 0; place < source.names.length; place++) {
    const bytes = source.read(place);
    try {
      return headerOf(bytes);
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      why = `${source.names[place] ?? ''}: ${error.message}`;
    }
  }
  throw new TickwireError('RECORDING_CORRUPT', why, { segments: source.names });
}

/** Cold: the header block at the beginning of a segment. RECORDING_CORRUPT when it is damaged. */
export function headerOf(bytes: Uint8Array): SegmentInfo {
  const i32 = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const fail = (why: string): never => {
    throw new TickwireError('RECORDING_CORRUPT', why);
  };
  if (bytes.length < RECORDING_BLOCK_BYTES) return fail('the segment is cut off in its header');
  const end = RECORDING_BLOCK_BYTES + getRecordingBlockPayloadBytes(i32, 0);
  const isHeader =
    getRecordingBlockMagic(i32, 0) === BLOCK_MAGIC &&
    getRecordingBlockHeadCrc(i32, 0) === crc32(i32, bytes, 0, BLOCK_HEAD_CRC_BYTES) &&
    getRecordingBlockKind(i32, 0) === RecordingBlockKind.Header;
  if (!isHeader) return fail('the segment does not begin with a header');
  if (end > bytes.length) return fail('the segment is cut off in its header');
  const crc = crc32(i32, bytes, RECORDING_BLOCK_BYTES, end);
  if (crc !== getRecordingBlockPayloadCrc(i32, 0)) return fail('the header has not its CRC');
  const info = decodeSegmentInfo(bytes.subarray(RECORDING_BLOCK_BYTES, end));
  return info.recordingId === getRecordingBlockRecordingId(i32, 0)
    ? info
    : fail('the header is of another recording');
}
