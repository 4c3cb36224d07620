/**
 * What the tests of recordings share: small recordings in temporary directories, and readers over bytes in memory.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  blankTick,
  readTick,
  RecordedDirection,
  RecordingKind,
  TICK_WORDS,
  TickKind,
  writeTick,
} from '#src/generated/hot.js';
import type { TickFields } from '#src/generated/hot.js';
import type { RecordingInfo } from '#src/journal/recording-format.js';
import { RecordingReader } from '#src/journal/recording-reader.js';
import { RecordingWriter } from '#src/journal/recording-writer.js';
import type { FrameRecord, RecordingWriterOptions } from '#src/journal/recording-writer.js';
import { instrumentNamed } from '../venues/feed-rig.js';

export const INFO: RecordingInfo = {
  kind: RecordingKind.Frames,
  source: 'import',
  version: '0.1.0',
  recordingId: 0xfedc_ba98,
  runEpochNs: 1_790_000_000_123_456_789n,
  instruments: [instrumentNamed('BTC-USD', 0, 2, 8), instrumentNamed('ETH-USD', 1, 2, 8)].map(
    (instrument) => ({ ...instrument, isTradable: false }),
  ),
  connections: [{ venue: 'coinbase', url: 'wss://venue', instruments: [0, 1] }],
};

export const TICK_INFO: RecordingInfo = { ...INFO, kind: RecordingKind.Ticks, connections: [] };

export function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-recording-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

export function writerIn(
  dir: string,
  info: RecordingInfo = INFO,
  options: Partial<RecordingWriterOptions> = {},
): RecordingWriter {
  return new RecordingWriter({
    dir,
    info,
    segmentBytesMax: 1 << 20,
    segmentNsMax: Number.POSITIVE_INFINITY,
    blockBytesMax: 512,
    fsync: 'none',
    ...options,
  });
}

/** A frame that says its number. */
export function frameOf(
  number: number,
  text = `frame ${number} ${'x'.repeat(number % 40)}`,
): FrameRecord {
  return {
    recvNs: 5_000_000_000 + number * 1_000,
    direction: RecordedDirection.In,
    connection: 0,
    url: null,
    bytes: Buffer.from(text),
    line: number,
    hasTime: true,
  };
}

/** A tick that says its number. */
export function tickOf(number: number): Int32Array {
  const tick: TickFields = blankTick();
  tick.kind = TickKind.Trade;
  tick.priceMantissa = 6_000_000 + number;
  tick.sizeMantissa = 3_000_000_000 + number;
  tick.venueNs = -1_000 - number;
  tick.recvNs = 5_000_000_000 + number * 1_000;
  tick.venueSeq = number;
  const i32 = new Int32Array(TICK_WORDS);
  writeTick(i32, 0, tick);
  // What a ring leaves there.
  i32[TICK_WORDS - 1] = number + 1;
  return i32;
}

/** A recording of that many frames. */
export function framesIn(
  dir: string,
  count: number,
  options: Partial<RecordingWriterOptions> = {},
): void {
  const writer = writerIn(dir, INFO, options);
  for (let number = 0; number < count; number++) writer.appendFrame(frameOf(number));
  writer.close();
}

export type Segments = Map<string, Uint8Array>;

export function segmentsIn(dir: string): Segments {
  return new Map(
    readdirSync(dir)
      .sort()
      .map((name) => [name, new Uint8Array(readFileSync(join(dir, name)))]),
  );
}

/** A reader over bytes; each segment is aligned, as the real source has it. */
export function readerOf(segments: Segments): RecordingReader {
  const names = [...segments.keys()];
  return new RecordingReader({
    names,
    indexes: names.map((name) => Number(name.slice(0, 6))),
    read: (place) => Uint8Array.from(segments.get(names[place] ?? '') ?? []),
  });
}

/** Numbers of the frames that can be read; throws when one is not what was written. */
export function numbersIn(reader: RecordingReader): number[] {
  const numbers: number[] = [];
  while (reader.next()) {
    const number = reader.record;
    const wanted = frameOf(number);
    const text = Buffer.from(reader.bytes).toString();
    if (
      text !== wanted.bytes.toString() ||
      reader.line !== number ||
      reader.recvNs !== wanted.recvNs
    )
      throw new Error(`record ${number} is wrong: ${text}`);
    numbers.push(number);
  }
  return numbers;
}

export function tickAt(reader: RecordingReader): TickFields {
  const tick = blankTick();
  readTick(reader.i32, reader.base, tick);
  return tick;
}
