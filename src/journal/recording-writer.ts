/**
 * recording-writer: records ─▶ segment files. Whoever records (the engine's recorder, `record`, `import`, `replay`), on its
 * own thread; writes are synchronous and go to the kernel a block at a time.
 *
 * A segment is written as NNNNNN.twr.part and renamed when it is whole (index and trailer written, and on disk when
 * `fsync` says so): a name without .part is a promise. A process that dies leaves the blocks that it had written.
 */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import {
  getTickRecvNs,
  RECORDED_FRAME_BYTES,
  RECORDING_BLOCK_BYTES,
  RECORDING_BLOCK_WORDS,
  RECORDING_INDEX_ENTRY_BYTES,
  RECORDING_INDEX_ENTRY_WORDS,
  RECORDING_TRAILER_BYTES,
  RecordingBlockKind,
  RecordingKind,
  TICK_BYTES,
  TICK_COMMIT_WORD,
  TICK_WORDS,
  writeRecordedFrame,
  writeRecordingBlock,
  writeRecordingIndexEntry,
  writeRecordingTrailer,
} from '../generated/hot.js';
import type { RecordedFrameFields } from '../generated/hot.js';
import { makeDir } from '../runtime/make-dir.js';
import {
  BLOCK_HEAD_CRC_BYTES,
  BLOCK_MAGIC,
  crc32,
  encodeSegmentInfo,
  FrameFlag,
  frameRecordBytes,
  padded,
  PAYLOAD_BYTES_MAX,
  segmentName,
  SEGMENT_NAME,
  TRAILER_CRC_BYTES,
  TRAILER_MAGIC,
} from './recording-format.js';
import type { RecordingInfo } from './recording-format.js';

/** When the kernel is asked to put what was written on disk. */
export type FsyncPolicy = 'none' | 'segment' | 'block';

export interface RecordingWriterOptions {
  /** Made if need be; must be empty. */
  readonly dir: string;
  readonly info: RecordingInfo;
  /** A segment is ended before it is larger. */
  readonly segmentBytesMax: number;
  /** And when it spans that long; Infinity: however long. */
  readonly segmentNsMax: number;
  /** A block is written when its payload has so many bytes. */
  readonly blockBytesMax: number;
  readonly fsync: FsyncPolicy;
}

/** One frame to record. */
export interface FrameRecord {
  readonly recvNs: number;
  /** RecordedDirection. */
  readonly direction: number;
  readonly connection: number;
  /** null: none was kept. */
  readonly url: string | null;
  readonly bytes: Uint8Array;
  /** Line of the capture that it came from; 0 for others. */
  readonly line: number;
  /** The capture did not keep the time. */
  readonly hasTime: boolean;
}

const INDEX_ENTRIES_START = 1024;

export class RecordingWriter {
  readonly #options: RecordingWriterOptions;
  readonly #blockKind: RecordingBlockKind;
  /** The block under way: room for its head, then its payload. */
  #i32: Int32Array;
  #bytes: Uint8Array;
  #payloadBytes = 0;
  #blockRecords = 0;
  #blockFirstNs = 0;
  #blockLastNs = 0;
  #index = new Int32Array(INDEX_ENTRIES_START * RECORDING_INDEX_ENTRY_WORDS);
  #indexCount = 0;
  #fd = -1;
  #segmentIndex = 0;
  #segmentBytes = 0;
  #segmentFirstNs = 0;
  #recordCount = 0;
  #byteCount = 0;
  #isClosed = false;

  constructor(options: RecordingWriterOptions) {
    this.#options = options;
    this.#blockKind =
      options.info.kind === RecordingKind.Ticks
        ? RecordingBlockKind.Ticks
        : RecordingBlockKind.Frames;
    this.#i32 = new Int32Array((RECORDING_BLOCK_BYTES + padded(options.blockBytesMax)) / 4);
    this.#bytes = new Uint8Array(this.#i32.buffer);
    this.#do(() => {
      makeDir(options.dir);
      if (readdirSync(options.dir).some((name) => SEGMENT_NAME.test(name)))
        throw new Error('there is a recording already');
    });
    this.#openSegment();
  }

  /** Records appended so far. */
  get recordCount(): number {
    return this.#recordCount + this.#blockRecords;
  }

  /** Bytes written so far, heads and indexes included. */
  get byteCount(): number {
    return this.#byteCount;
  }

  get segmentCount(): number {
    return this.#segmentIndex;
  }

  /** Records that are not in the file yet. */
  get pendingCount(): number {
    return this.#blockRecords;
  }

  /** Appends the tick at word offset `base`. */
  appendTick(i32: Int32Array, base: number): void {
    const at = this.#room(TICK_BYTES, getTickRecvNs(i32, base)) >> 2;
    for (let word = 0; word < TICK_WORDS; word++) this.#i32[at + word] = i32[base + word] as number;
    this.#i32[at + TICK_COMMIT_WORD] = 0;
  }

  appendFrame(frame: FrameRecord): void {
    const urlBytes = frame.url === null ? 0 : Buffer.byteLength(frame.url);
    const bytes = frameRecordBytes(urlBytes, frame.bytes.length);
    const at = this.#room(bytes, frame.recvNs);
    const fields: RecordedFrameFields = {
      recvNs: frame.recvNs,
      frameBytes: frame.bytes.length,
      urlBytes,
      connection: frame.connection,
      line: frame.line,
      direction: frame.direction,
      flags: (frame.hasTime ? 0 : FrameFlag.NoTime) | (frame.url === null ? 0 : FrameFlag.HasUrl),
    };
    writeRecordedFrame(this.#i32, at >> 2, fields);
    const urlAt = at + RECORDED_FRAME_BYTES;
    if (frame.url !== null) this.#bytes.set(Buffer.from(frame.url), urlAt);
    this.#bytes.set(frame.bytes, urlAt + urlBytes);
    this.#bytes.fill(0, urlAt + urlBytes + frame.bytes.length, at + bytes);
  }

  /** So many records are missing here: their numbers are left out, and a reader will say so. */
  skip(count: number): void {
    this.flush();
    this.#recordCount += count;
  }

  /** Writes what is pending to the file. */
  flush(): void {
    if (this.#blockRecords > 0) this.#writeRecords();
  }

  /** Ends the recording: the last segment gets its index, its trailer and its name. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.flush();
    this.#sealSegment();
  }

  /** Gives the file up as it is: after a failure of the disk. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  /** Byte offset of room for a record in the block under way. */
  #room(recordBytes: number, recvNs: number): number {
    const { blockBytesMax, segmentNsMax } = this.#options;
    if (recordBytes > PAYLOAD_BYTES_MAX)
      throw new TickwireError('RECORDING_FAILED', `a record of ${String(recordBytes)} bytes`);
    if (this.#blockRecords > 0 && this.#payloadBytes + recordBytes > blockBytesMax)
      this.#writeRecords();
    const isFirstOfSegment = this.#indexCount === 0 && this.#blockRecords === 0;
    if (isFirstOfSegment) this.#segmentFirstNs = recvNs;
    else if (recvNs - this.#segmentFirstNs >= segmentNsMax) {
      this.flush();
      this.#nextSegment();
      this.#segmentFirstNs = recvNs;
    }
    if (this.#blockRecords === 0) {
      this.#blockFirstNs = recvNs;
      this.#blockLastNs = recvNs;
    }
    this.#blockLastNs = Math.max(this.#blockLastNs, recvNs);
    const at = RECORDING_BLOCK_BYTES + this.#payloadBytes;
    this.#grow(at + recordBytes);
    this.#payloadBytes += recordBytes;
    this.#blockRecords++;
    return at;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(padded(Math.max(bytes, this.#bytes.length * 2)));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#i32 = new Int32Array(larger.buffer);
  }

  #writeRecords(): void {
    const blockBytes = RECORDING_BLOCK_BYTES + this.#payloadBytes;
    const isFirst = this.#indexCount === 0;
    if (!isFirst && this.#segmentBytes + blockBytes > this.#options.segmentBytesMax) {
      this.#nextSegment();
      this.#segmentFirstNs = this.#blockFirstNs;
    }
    this.#addToIndex();
    this.#finishHead(this.#blockKind, this.#blockRecords);
    this.#write(this.#bytes.subarray(0, blockBytes));
    if (this.#options.fsync === 'block') this.#do(() => fsyncSync(this.#fd));
    this.#recordCount += this.#blockRecords;
    this.#blockRecords = 0;
    this.#payloadBytes = 0;
  }

  #addToIndex(): void {
    const at = this.#indexCount * RECORDING_INDEX_ENTRY_WORDS;
    if (at === this.#index.length) {
      const larger = new Int32Array(this.#index.length * 2);
      larger.set(this.#index);
      this.#index = larger;
    }
    writeRecordingIndexEntry(this.#index, at, {
      firstRecord: this.#recordCount,
      firstRecvNs: this.#blockFirstNs,
      offsetBytes: this.#segmentBytes,
    });
    this.#indexCount++;
  }

  /** Writes the head before the payload that is in the buffer. */
  #finishHead(kind: RecordingBlockKind, recordCount: number): void {
    const end = RECORDING_BLOCK_BYTES + this.#payloadBytes;
    writeRecordingBlock(this.#i32, 0, {
      firstRecord: this.#recordCount,
      firstRecvNs: this.#blockFirstNs,
      lastRecvNs: this.#blockLastNs,
      payloadBytes: this.#payloadBytes,
      recordCount,
      payloadCrc: crc32(this.#i32, this.#bytes, RECORDING_BLOCK_BYTES, end),
      recordingId: this.#options.info.recordingId,
      segmentIndex: this.#segmentIndex,
      kind,
      magic: BLOCK_MAGIC,
      headCrc: 0,
    });
    this.#i32[RECORDING_BLOCK_WORDS - 1] = crc32(this.#i32, this.#bytes, 0, BLOCK_HEAD_CRC_BYTES);
  }

  #nextSegment(): void {
    // The block under way is kept while index and header go through the buffer's twin.
    this.#sealSegment();
    this.#openSegment();
  }

  #openSegment(): void {
    this.#segmentIndex++;
    this.#segmentBytes = 0;
    this.#indexCount = 0;
    this.#do(() => {
      this.#fd = openSync(`${this.#path()}.part`, 'wx', 0o644);
    });
    this.#writeOther(
      RecordingBlockKind.Header,
      encodeSegmentInfo({
        ...this.#options.info,
        segmentIndex: this.#segmentIndex,
        firstRecord: this.#recordCount,
      }),
    );
  }

  #sealSegment(): void {
    const indexOffsetBytes = this.#segmentBytes;
    const entries = new Uint8Array(
      this.#index.buffer,
      0,
      this.#indexCount * RECORDING_INDEX_ENTRY_BYTES,
    );
    this.#writeOther(RecordingBlockKind.Index, entries);
    const trailer = new Int32Array(RECORDING_TRAILER_BYTES / 4);
    const bytes = new Uint8Array(trailer.buffer);
    writeRecordingTrailer(trailer, 0, {
      recordEnd: this.#recordCount,
      indexOffsetBytes,
      recordingId: this.#options.info.recordingId,
      segmentIndex: this.#segmentIndex,
      magic: TRAILER_MAGIC,
      trailerCrc: 0,
    });
    trailer[trailer.length - 1] = crc32(trailer, bytes, 0, TRAILER_CRC_BYTES);
    this.#write(bytes);
    const { fsync, dir } = this.#options;
    this.#do(() => {
      if (fsync !== 'none') fsyncSync(this.#fd);
      closeSync(this.#fd);
      renameSync(`${this.#path()}.part`, this.#path());
      if (fsync !== 'none') syncDir(dir);
    });
  }

  /** A block that holds no records: header or index. The block of records under way stays as it is. */
  #writeOther(kind: RecordingBlockKind, content: Uint8Array): void {
    const kept = { i32: this.#i32, bytes: this.#bytes, payloadBytes: this.#payloadBytes };
    this.#payloadBytes = padded(content.length);
    this.#bytes = new Uint8Array(RECORDING_BLOCK_BYTES + this.#payloadBytes);
    this.#i32 = new Int32Array(this.#bytes.buffer);
    this.#bytes.set(content, RECORDING_BLOCK_BYTES);
    this.#finishHead(kind, 0);
    this.#write(this.#bytes);
    ({ i32: this.#i32, bytes: this.#bytes, payloadBytes: this.#payloadBytes } = kept);
  }

  #write(bytes: Uint8Array): void {
    this.#do(() => {
      let done = 0;
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    });
    this.#segmentBytes += bytes.length;
    this.#byteCount += bytes.length;
  }

  #path(): string {
    return join(this.#options.dir, segmentName(this.#segmentIndex));
  }

  /** Whatever the disk says becomes one code. */
  #do(act: () => void): void {
    try {
      act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TickwireError(
        'RECORDING_FAILED',
        `cannot write the recording in ${this.#options.dir}: ${why}`,
        { dir: this.#options.dir, records: this.#recordCount },
      );
    }
  }
}

/** Makes the new name in the directory last. */
function syncDir(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
