/**
 * record: connects to a venue's public market data and writes what it says, as it came, with the time. Nothing is traded and
 * no key is needed. Main thread. Contract: docs/cli.md, docs/recordings.md.
 */
import { randomInt } from 'node:crypto';
import { parseConfig } from '../config.js';
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { RecordedDirection, RecordingKind } from '../generated/hot.js';
import { RecordingWriter } from '../journal/recording-writer.js';
import type { FsyncPolicy } from '../journal/recording-writer.js';
import { makeLogger } from '../runtime/logger.js';
import { SystemClock, takeClockOrigin } from '../runtime/system-clock.js';
import { chooseInstruments } from '../venues/choose-instruments.js';
import { venueOf } from '../venues/registry.js';
import type { VenueDefinition } from '../venues/registry.js';
import { RecordSession } from './record-session.js';

export interface RecordOptions {
  readonly venue: string;
  readonly symbols: readonly string[];
  readonly outDir: string;
  /** undefined: until a signal. */
  readonly durationMs: number | undefined;
  /** REST address of a running simulator; undefined: the venue itself. */
  readonly sim: string | undefined;
  readonly wsUrl: string | undefined;
  readonly restUrl: string | undefined;
  readonly segmentBytesMax: number;
  readonly segmentMs: number | undefined;
  readonly fsync: FsyncPolicy;
  readonly logLevel: string;
  readonly json: boolean;
  readonly version: string;
}

const HTTP_TIMEOUT_MS = 15_000;
const BLOCK_BYTES_MAX = 64 * 1024;
const RECORDING_IDS = 2 ** 32;
const NS_PER_MS = 1_000_000;
const PROGRESS_MS = 500;
const CLEAR_LINE = '\r\u001b[K';
const EXIT_SIGINT = 130;
const EXIT_SIGTERM = 143;

/** Records; resolves with the exit code. */
export async function record(options: RecordOptions): Promise<number> {
  const venue = venueOf(options.venue);
  const logger = makeLogger('record', options.logLevel);
  const access = await accessOf(options, venue);
  const clock = new SystemClock(takeClockOrigin());
  const list = await fetchList(venue, access.restUrl);
  const instruments = choose(options, venue, list);
  const writer = openWriter(options, venue, access, clock, instruments);
  const session = new RecordSession({
    venue: venue.name,
    ...access,
    instruments,
    config: parseConfig({}).feed,
    clock,
    writer,
    onChange: (change) => {
      logger.info({ ...change, code: change.reason }, 'feed');
    },
  });
  const startMs = performance.now();
  let exitCode = 0;
  try {
    writer.appendFrame({
      recvNs: clock.nowNs(),
      direction: RecordedDirection.Http,
      connection: 0,
      url: `${access.restUrl}${venue.instrumentsRequest.path}`,
      bytes: Buffer.from(list, 'utf8'),
      line: 0,
      hasTime: true,
    });
    exitCode = await untilEnd(options, session, writer);
    writer.close();
  } catch (error) {
    // What is in the file stays readable; it only has no end.
    writer.abandon();
    throw error;
  }
  const counts = session.counts;
  const summary = {
    out: options.outDir,
    venue: venue.name,
    instruments: instruments.map(({ symbol, venueSymbol }) => ({ symbol, venueSymbol })),
    durationMs: Math.round(performance.now() - startMs),
    records: writer.recordCount,
    segments: writer.segmentCount,
    bytes: writer.byteCount,
    ...counts,
    tickHash: session.tickHash(),
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : tableOf(summary));
  if (counts.frames === 0 && exitCode === 0)
    throw new TickwireError('VENUE_UNREACHABLE', `nothing came from ${access.wsUrl}`, {
      url: access.wsUrl,
    });
  return exitCode;
}

interface Access {
  readonly wsUrl: string;
  /** Without a slash at the end. */
  readonly restUrl: string;
}

/** The venue itself, a simulator of it, or addresses as given. */
async function accessOf(options: RecordOptions, venue: VenueDefinition): Promise<Access> {
  let found: Access = { wsUrl: venue.wsUrl, restUrl: venue.restUrl };
  if (options.sim !== undefined) {
    const text = await fetchText(new URL('/_sim/endpoints', options.sim).href);
    const answer = JSON.parse(text) as {
      venue: string;
      listening: { ws: string; rest: string };
    };
    if (answer.venue !== venue.name)
      throw new TickwireError('VENUE_UNKNOWN', `${options.sim} simulates ${answer.venue}`, {
        venue: answer.venue,
      });
    found = { wsUrl: answer.listening.ws, restUrl: answer.listening.rest };
  }
  return {
    wsUrl: options.wsUrl ?? found.wsUrl,
    restUrl: (options.restUrl ?? found.restUrl).replace(/\/$/, ''),
  };
}

async function fetchList(venue: VenueDefinition, restUrl: string): Promise<string> {
  const { method, path, body } = venue.instrumentsRequest;
  return await fetchText(`${restUrl}${path}`, {
    method,
    ...(method === 'GET' ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
}

async function fetchText(url: string, init: RequestInit = {}): Promise<string> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`HTTP ${String(answer.status)}`);
    return await answer.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TickwireError('VENUE_UNREACHABLE', `${url} does not answer: ${why}`, { url });
  }
}

function choose(
  options: RecordOptions,
  venue: VenueDefinition,
  list: string,
): readonly Instrument[] {
  const listed = venue.parseInstruments(list);
  const chosen = chooseInstruments(options.symbols, [{ venue: venue.name, listed }], 'none');
  if (chosen.problems.length > 0)
    throw new TickwireError(
      'USAGE',
      chosen.problems.map(({ symbol, rule }) => `--symbols ${symbol}: ${rule}`).join('; '),
      { problems: chosen.problems },
    );
  return chosen.instruments;
}

function openWriter(
  options: RecordOptions,
  venue: VenueDefinition,
  access: Access,
  clock: SystemClock,
  instruments: readonly Instrument[],
): RecordingWriter {
  const perConnection = venue.instrumentsPerConnectionMax;
  const connections: { venue: string; url: string; instruments: readonly number[] }[] = [];
  for (let from = 0; from < instruments.length; from += perConnection)
    connections.push({
      venue: venue.name,
      url: access.wsUrl,
      instruments: instruments.slice(from, from + perConnection).map(({ index }) => index),
    });
  return new RecordingWriter({
    dir: options.outDir,
    info: {
      kind: RecordingKind.Frames,
      source: 'record',
      version: options.version,
      recordingId: randomInt(RECORDING_IDS),
      runEpochNs: clock.runEpochNs,
      instruments,
      connections,
    },
    segmentBytesMax: options.segmentBytesMax,
    segmentNsMax: (options.segmentMs ?? Number.POSITIVE_INFINITY) * NS_PER_MS,
    blockBytesMax: BLOCK_BYTES_MAX,
    fsync: options.fsync,
  });
}

/** Runs until the time is over or a signal comes; a second signal ends the process at once. */
async function untilEnd(
  options: RecordOptions,
  session: RecordSession,
  writer: RecordingWriter,
): Promise<number> {
  let exitCode = 0;
  let isEnding = false;
  const onSignal = (code: number): void => {
    if (isEnding) process.exit(code);
    isEnding = true;
    exitCode = code;
    session.stop();
  };
  const onSigint = (): void => {
    onSignal(EXIT_SIGINT);
  };
  const onSigterm = (): void => {
    onSignal(EXIT_SIGTERM);
  };
  process.on('SIGINT', onSigint);
  process.on('SIGTERM', onSigterm);
  const timer =
    options.durationMs === undefined
      ? undefined
      : setTimeout(() => {
          isEnding = true;
          session.stop();
        }, options.durationMs);
  const progress =
    options.json || !process.stdout.isTTY
      ? undefined
      : setInterval(() => {
          const { frames, ticks } = session.counts;
          const megabytes = (writer.byteCount / 1e6).toFixed(1);
          process.stdout.write(
            `${CLEAR_LINE}  ${String(frames)} frames, ${String(ticks)} ticks, ${megabytes} MB`,
          );
        }, PROGRESS_MS);
  try {
    await session.run();
    return exitCode;
  } finally {
    clearTimeout(timer);
    clearInterval(progress);
    if (progress !== undefined) process.stdout.write(CLEAR_LINE);
    process.off('SIGINT', onSigint);
    process.off('SIGTERM', onSigterm);
  }
}

function tableOf(summary: {
  readonly out: string;
  readonly records: number;
  readonly segments: number;
  readonly bytes: number;
  readonly frames: number;
  readonly ticks: number;
  readonly tickHash: string | null;
}): string {
  return [
    `  ${summary.out}: ${String(summary.records)} records in ${String(summary.segments)} segments, ` +
      `${(summary.bytes / 1e6).toFixed(1)} MB`,
    `  ${String(summary.frames)} frames, ${String(summary.ticks)} ticks, sha256 ${summary.tickHash ?? 'not known'}`,
    '',
  ].join('\n');
}
