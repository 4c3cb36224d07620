/**
 * import: captured frames ─▶ a recording of frames, which is then replayed like one of ours. Main thread. Contract:
 * docs/cli.md; the format of captures is that of `normalize`.
 */
import { randomInt } from 'node:crypto';
import type { Instrument } from '../domain/instrument.js';
import { RecordedDirection, RecordingKind } from '../generated/hot.js';
import { RecordingWriter } from '../journal/recording-writer.js';
import type { FsyncPolicy } from '../journal/recording-writer.js';
import { dialectOf } from '../venues/registry.js';
import { findInstruments, readCapture } from './import-capture.js';
import type { CapturedLine } from './import-capture.js';

export interface ImportOptions {
  /** Read one after the other: a product list first, if it is a file of its own. */
  readonly files: readonly string[];
  readonly venue: string;
  readonly outDir: string;
  /** Book depth that was subscribed, where the capture does not say so (Kraken). */
  readonly depth?: number | undefined;
  readonly segmentBytesMax: number;
  readonly fsync: FsyncPolicy;
  readonly json: boolean;
  readonly version: string;
}

const BLOCK_BYTES_MAX = 64 * 1024;
const RECORDING_IDS = 2 ** 32;

const DIRECTIONS: Readonly<Record<CapturedLine['dir'], number>> = {
  in: RecordedDirection.In,
  out: RecordedDirection.Out,
  connect: RecordedDirection.Connect,
  http: RecordedDirection.Http,
  doc: RecordedDirection.Doc,
};

/** Imports; the result is the exit code. */
export function importCapture(options: ImportOptions): number {
  const { writer, instruments } = recordCapture(options);
  print(options, writer, instruments);
  return 0;
}

/** Writes the recording. RECORDING_UNREADABLE, RECORDING_CORRUPT: nothing was written. */
export function recordCapture(options: Omit<ImportOptions, 'json'>): {
  readonly writer: RecordingWriter;
  readonly instruments: readonly Instrument[];
} {
  const dialect = dialectOf(options.venue);
  const lines = options.files.flatMap((file) => readCapture(file));
  const instruments = findInstruments(dialect, lines, options.depth);
  const runEpochNs = lines.find(({ recvNs }) => recvNs !== null)?.recvNs ?? 0n;
  const url = lines.find((line) => line.dir === 'connect' && line.url !== null)?.url ?? '';
  const writer = new RecordingWriter({
    dir: options.outDir,
    info: {
      kind: RecordingKind.Frames,
      source: 'import',
      version: options.version,
      recordingId: randomInt(RECORDING_IDS),
      runEpochNs,
      instruments,
      connections: [
        { venue: dialect.name, url, instruments: instruments.map(({ index }) => index) },
      ],
    },
    segmentBytesMax: options.segmentBytesMax,
    segmentNsMax: Number.POSITIVE_INFINITY,
    blockBytesMax: BLOCK_BYTES_MAX,
    fsync: options.fsync,
  });
  for (const line of lines)
    writer.appendFrame({
      recvNs: line.recvNs === null ? 0 : Number(line.recvNs - runEpochNs),
      direction: DIRECTIONS[line.dir],
      connection: 0,
      url: line.url,
      bytes: Buffer.from(line.raw, 'utf8'),
      line: line.n,
      hasTime: line.recvNs !== null,
    });
  writer.close();
  return { writer, instruments };
}

function print(
  options: ImportOptions,
  writer: RecordingWriter,
  instruments: readonly Instrument[],
): void {
  const summary = {
    out: options.outDir,
    venue: options.venue,
    records: writer.recordCount,
    segments: writer.segmentCount,
    bytes: writer.byteCount,
    instruments: instruments.map(({ symbol, priceScale, sizeScale }) => ({
      symbol,
      priceScale,
      sizeScale,
    })),
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(summary)}\n`
      : `  ${options.outDir}: ${String(summary.records)} records of ${options.venue} ` +
          `(${instruments.map(({ symbol }) => symbol).join(', ')}) in ${String(summary.segments)} segments\n`,
  );
}
