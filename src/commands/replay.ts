/**
 * replay: a recording through the live decoding path: the same feeds, the same ticks over a real tick ring, at the pace of
 * the recording or faster. Main thread; nothing is traded. Contract: docs/cli.md, docs/recordings.md.
 *
 * The hash is over the ticks and nothing that a replay adds, so two replays of one recording have the same, at any speed.
 * What is damaged is passed over: the rest is delivered all the same, and the exit code is 1.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { RecordedDirection, RecordingKind } from '../generated/hot.js';
import { openRecording } from '../journal/recording-files.js';
import { RecordingWriter } from '../journal/recording-writer.js';
import type { RecordingReader } from '../journal/recording-reader.js';
import { RecordingPlayer } from '../sim/recording-player.js';
import { TickHash } from '../sim/tick-hash.js';
import { printError } from './end-with-error.js';
import { ReplayedStrategies } from './replay-strategies.js';
import { ReplayRing, TickFile } from './replay-ticks.js';
import type { TickSink } from './replay-ticks.js';

export interface ReplayOptions {
  readonly dir: string;
  /** Times real time; Infinity: as fast as it goes. */
  readonly speed: number;
  /** Starts about so long after the beginning; 0: at the beginning. */
  readonly fromMs: number;
  /** Ticks as JSON Lines. */
  readonly ticksFile?: string | undefined;
  /** Ticks as a recording of ticks. */
  readonly outDir?: string | undefined;
  /** Strategies that see the ticks, by name or file. */
  readonly strategies: readonly string[];
  /** Captured lines again, as they were imported or recorded. */
  readonly framesFile?: string | undefined;
  readonly json: boolean;
  readonly version: string;
}

const NS_PER_MS = 1_000_000;
/** Between two looks at the event loop (signals) when nothing has to be waited for. */
const BURST_RECORDS = 512;
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const BLOCK_BYTES_MAX = 64 * 1024;
const TEXT_CHUNK_CHARS = 1 << 16;
const DAMAGES_TOLD_MAX = 20;

/** Plays; resolves with the exit code. RECORDING_UNREADABLE and RECORDING_CORRUPT when nothing of it can be read. */
export async function replay(options: ReplayOptions): Promise<number> {
  const reader = open(options.dir);
  if (reader === null) return 1;
  const { info } = reader;
  const hash = new TickHash();
  const closers: { close(): void }[] = [];
  const sinks: TickSink[] = [{ tick: (i32, base) => hash.add(i32, base) }];
  const rejects: Record<string, number> = {};
  // What can be refused comes before anything is written.
  const strategies =
    options.strategies.length === 0
      ? null
      : await ReplayedStrategies.load(options.strategies, info.instruments);
  if (strategies !== null) sinks.push(strategies);
  const frames =
    options.framesFile === undefined ? null : new FrameFile(options.framesFile, reader);
  if (frames !== null) closers.push(frames);
  if (options.ticksFile !== undefined) {
    const file = new TickFile(options.ticksFile, info.instruments, info.runEpochNs);
    sinks.push(file);
    closers.push(file);
  }
  if (options.outDir !== undefined) {
    const writer = new RecordingWriter({
      dir: options.outDir,
      info: {
        ...info,
        kind: RecordingKind.Ticks,
        source: 'replay',
        version: options.version,
        connections: [],
      },
      segmentBytesMax: SEGMENT_BYTES_MAX,
      segmentNsMax: Number.POSITIVE_INFINITY,
      blockBytesMax: BLOCK_BYTES_MAX,
      fsync: 'segment',
    });
    sinks.push({ tick: (i32, base) => writer.appendTick(i32, base) });
    closers.push(writer);
  }
  const player = new RecordingPlayer(info, new ReplayRing(sinks), {
    reject: (code: ErrorCode) => {
      rejects[code] = (rejects[code] ?? 0) + 1;
    },
  });
  const startMs = performance.now();
  const span = await play(reader, player, frames, options);
  for (const closer of closers) closer.close();
  const durationMs = performance.now() - startMs;
  const summary = {
    recording: options.dir,
    kind: info.kind === RecordingKind.Ticks ? 'ticks' : 'frames',
    source: info.source,
    instruments: info.instruments.map(({ venue, symbol }) => `${venue}:${symbol}`),
    records: reader.recordCount,
    frames: player.frameCount,
    bytes: reader.byteCount,
    ticks: hash.tickCount,
    tickHash: hash.digest(),
    ...(strategies === null ? {} : { intents: strategies.intents }),
    rejects,
    speed: Number.isFinite(options.speed) ? options.speed : 'max',
    recordedMs: Math.round(span / NS_PER_MS),
    durationMs: Math.round(durationMs),
    damage: reader.damages,
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : tableOf(summary));
  if (reader.damages.length === 0) return 0;
  printError(damageError(options.dir, reader));
  return 1;
}

/** Null, having said why: nothing of it can be read. */
function open(dir: string): RecordingReader | null {
  try {
    return openRecording(dir);
  } catch (error) {
    if (!(error instanceof TickwireError) || error.code !== 'RECORDING_CORRUPT') throw error;
    printError(error);
    return null;
  }
}

/** Plays every record at its time; resolves with the length of the recording, ns. */
async function play(
  reader: RecordingReader,
  player: RecordingPlayer,
  frames: FrameFile | null,
  options: ReplayOptions,
): Promise<number> {
  const isPaced = Number.isFinite(options.speed);
  let firstNs = Number.NaN;
  let lastNs = 0;
  let startMs = performance.now();
  let count = 0;
  if (options.fromMs > 0) reader.skipTo(firstTimeOf(options.dir) + options.fromMs * NS_PER_MS);
  while (reader.next()) {
    const hasTime = reader.hasTime || reader.info.kind === RecordingKind.Ticks;
    if (hasTime) {
      if (Number.isNaN(firstNs)) {
        firstNs = reader.recvNs;
        startMs = performance.now();
      }
      lastNs = Math.max(lastNs, reader.recvNs);
    }
    if (isPaced && hasTime) {
      const dueMs = startMs + (reader.recvNs - firstNs) / NS_PER_MS / options.speed;
      const waitMs = dueMs - performance.now();
      if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    if (++count % BURST_RECORDS === 0) await new Promise((resolve) => setImmediate(resolve));
    frames?.add();
    player.play(reader);
  }
  return Number.isNaN(firstNs) ? 0 : lastNs - firstNs;
}

/** Time of the first record that has one, by a reader of its own. */
function firstTimeOf(dir: string): number {
  const reader = openRecording(dir);
  while (reader.next()) {
    if (reader.info.kind === RecordingKind.Ticks || reader.hasTime) return reader.recvNs;
  }
  return 0;
}

const DIRECTION_NAMES = Object.keys(RecordedDirection).map((name) => name.toLowerCase());
/** What captures hold; the rest is ours (docs/recordings.md). */
const CAPTURED: readonly number[] = [
  RecordedDirection.In,
  RecordedDirection.Out,
  RecordedDirection.Connect,
  RecordedDirection.Http,
  RecordedDirection.Doc,
];

/** Frames as captured lines again: `{"n", "recv_ns", "dir", "url", "raw"}`. */
class FrameFile {
  readonly #reader: RecordingReader;
  readonly #fd: number;
  #text = '';

  constructor(path: string, reader: RecordingReader) {
    this.#reader = reader;
    if (reader.info.kind === RecordingKind.Ticks)
      throw new TickwireError('USAGE', '--frames: a recording of ticks has no frames', { path });
    try {
      this.#fd = openSync(path, 'w');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TickwireError('RECORDING_FAILED', `cannot write ${path}: ${why}`, { path });
    }
  }

  /** Adds the record that the reader stands on. */
  add(): void {
    const { direction, recvNs, hasTime, url, bytes, info, line, record } = this.#reader;
    if (!CAPTURED.includes(direction)) return;
    this.#text += `${JSON.stringify({
      n: info.source === 'import' ? line : record,
      recv_ns: hasTime ? (info.runEpochNs + BigInt(recvNs)).toString() : null,
      dir: DIRECTION_NAMES[direction],
      url,
      raw: Buffer.from(bytes).toString('utf8'),
    })}\n`;
    if (this.#text.length >= TEXT_CHUNK_CHARS) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    writeSync(this.#fd, this.#text);
    this.#text = '';
  }
}

function damageError(dir: string, reader: RecordingReader): TickwireError {
  const first = reader.damages[0];
  const last = first?.lastLost === null ? 'an unknown end' : String(first?.lastLost);
  const lost =
    first === undefined || first.firstLost === null
      ? 'no record is lost by it'
      : `records from ${String(first.firstLost)} to ${last} are lost`;
  return new TickwireError(
    'RECORDING_CORRUPT',
    `the recording in ${dir} is damaged in ${String(reader.damages.length)} places; ` +
      `the first: ${first?.segment ?? ''} at byte ${String(first?.offsetBytes)}: ${first?.message ?? ''}, ${lost}; ` +
      `${String(reader.recordCount)} records were read`,
    { dir, records: reader.recordCount, damage: reader.damages.slice(0, DAMAGES_TOLD_MAX) },
  );
}

function tableOf(summary: {
  readonly recording: string;
  readonly records: number;
  readonly frames: number;
  readonly bytes: number;
  readonly ticks: number;
  readonly tickHash: string;
  readonly durationMs: number;
  readonly recordedMs: number;
}): string {
  const seconds = Math.max(1, summary.durationMs) / 1_000;
  const rate = (count: number): string => Math.round(count / seconds).toLocaleString('en');
  return [
    `  ${summary.recording}: ${String(summary.records)} records, ${String(summary.recordedMs / 1_000)} s of market`,
    `  in ${seconds.toFixed(2)} s: ${rate(summary.frames)} frames/s, ${rate(summary.ticks)} ticks/s, ` +
      `${(summary.bytes / seconds / 1e6).toFixed(1)} MB/s`,
    `  ${String(summary.ticks)} ticks, sha256 ${summary.tickHash}`,
    '',
  ].join('\n');
}
