/**
 * sim: `tickwire sim` serves simulators of venues, each in the venue's own wire dialect, until it is told to stop.
 * First line on stdout: {"listening": {"ws", "wsPrivate", "rest"}}, of several also {"venues": {"a": {…}, …}} with the same
 * of each. Logs go to stderr. docs/cli.md, docs/simulation.md.
 *
 * Several venues share one process: the recording is decoded once, and all of them stand at the same place of it.
 *
 * Ends with 130 after SIGINT and 143 after SIGTERM, and with 0 when stdin ends and `exitOnStdinEnd` is set: a child
 * process whose parent was killed sees its stdin end. Whatever was answered is stored already.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { must } from '../domain/assert.js';
import { TickwireError } from '../domain/errors.js';
import { parseFault, type PlannedFault } from '../sim/fault-plan.js';
import { CASH_SCALE } from '../sim/exchange.js';
import { openMarkets, startSimulatedVenue, type SimulatedVenue } from '../sim/simulated-venue.js';
import { SIMULATORS } from '../sim/simulators.js';
import type { Listening } from '../sim/venue-server.js';
import { parseDecimal } from '../venues/simulator-text.js';

export interface SimOptions {
  readonly venues: readonly string[];
  /** One for each venue, in their order. Default 0: any free port. */
  readonly ports?: readonly string[] | undefined;
  /** Default: nothing is kept. Of several venues each has a directory of its own in it. */
  readonly dataDir?: string | undefined;
  /** Default: the shipped recording. */
  readonly recording?: string | undefined;
  /** Captured frames of the venue instead of a market; public side only. */
  readonly raw?: string | undefined;
  /** Default 1: as recorded. */
  readonly speed?: number | undefined;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** JSON file: a list of faults with afterMs, everyMs, jitterMs. */
  readonly faults?: string | undefined;
  /** Default 5 basis points. */
  readonly takerBps?: number | undefined;
  /** Default 0 basis points. */
  readonly makerBps?: number | undefined;
  /** Decimal in the quote currency; default 10000. At the first start of a data directory only. */
  readonly cash?: string | undefined;
  readonly exitOnStdinEnd?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

const EXIT_OK = 0;
const EXIT_SIGINT = 130;
const EXIT_SIGTERM = 143;

const PORT_MAX = 65_535;
const SPEED_MAX = 1000;
const CASH_MAX = 1_000_000_000;
const BPS_MAX = 1000;

/** Serves until a signal or the end of stdin; the result is the exit code. Throws TickwireError (exit 2). */
export async function sim(options: SimOptions): Promise<number> {
  const { speed = 1, seed = 1, takerBps = 5, makerBps = 0, cash = '10000', venues } = options;
  const ports = (options.ports ?? venues.map(() => '0')).map(portOf);
  const problems = problemsOf(options, { ports, speed, seed, takerBps, makerBps, cash });
  if (problems.length > 0) {
    throw new TickwireError('USAGE', problems.join('; '), { problems });
  }
  const faults = options.faults === undefined ? [] : readFaults(options.faults);
  const log = pino(
    { level: options.logLevel ?? 'info', base: { role: 'sim' } },
    pino.destination({ fd: 2, sync: true }),
  );
  const open: SimulatedVenue[] = [];
  const recordingPath = options.recording ?? null;
  try {
    const shared =
      options.raw === undefined ? { shared: openMarkets({ recordingPath, speed, seed }) } : {};
    for (const [index, venue] of venues.entries()) {
      open.push(
        await startSimulatedVenue({
          venue,
          port: must(ports[index], 'a port for each venue'),
          dataDir: dataDirOf(options, venue),
          recordingPath,
          rawPath: options.raw ?? null,
          speed,
          seed,
          faults,
          takerBps,
          makerBps,
          cash,
          log: log.child({ venue }),
          ...shared,
        }),
      );
    }
    // Before the first line: who reads it may send a signal at once.
    const ended = endOf(options.exitOnStdinEnd === true);
    const byVenue: Record<string, Listening> = {};
    for (const [index, { listening }] of open.entries()) byVenue[venues[index] ?? ''] = listening;
    const first = { listening: must(open[0], 'a venue').listening };
    process.stdout.write(
      `${JSON.stringify(venues.length === 1 ? first : { ...first, venues: byVenue })}\n`,
    );
    log.info({ venues: byVenue, speed }, 'the simulated venue is open');
    const exitCode = await ended;
    log.info({ exitCode }, 'the simulated venue is closed');
    return exitCode;
  } finally {
    for (const venue of open) venue.close();
  }
}

function dataDirOf(options: SimOptions, venue: string): string | null {
  if (options.dataDir === undefined) return null;
  return options.venues.length === 1 ? options.dataDir : join(options.dataDir, venue);
}

/** NaN for what is no port. */
function portOf(text: string): number {
  return /^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX ? Number(text) : Number.NaN;
}

interface Numbers {
  readonly ports: readonly number[];
  readonly speed: number;
  readonly seed: number;
  readonly takerBps: number;
  readonly makerBps: number;
  readonly cash: string;
}

/** Every problem at once: option, value, rule. */
function problemsOf(options: SimOptions, numbers: Numbers): string[] {
  const problems: string[] = [];
  const check = (isGood: boolean, option: string, value: unknown, rule: string): void => {
    if (!isGood) problems.push(`--${option}: ${JSON.stringify(value)} ${rule}`);
  };
  const { ports, speed, seed, takerBps, makerBps, cash } = numbers;
  const { venues } = options;
  const known = SIMULATORS.map((simulator) => simulator.venue);
  for (const venue of venues) {
    check(known.includes(venue), 'venue', venue, `is none of ${known.join(', ')}`);
  }
  check(new Set(venues).size === venues.length, 'venue', venues, 'names a venue twice');
  const hasPorts = ports.length === venues.length && !ports.some(Number.isNaN);
  const portRule = `is not an integer from 0 to ${PORT_MAX} for each of ${venues.length} venues`;
  check(hasPorts, 'port', (options.ports ?? []).join(','), portRule);
  check(speed > 0 && speed <= SPEED_MAX, 'speed', speed, `is not above 0 and at most ${SPEED_MAX}`);
  check(Number.isSafeInteger(seed) && seed >= 0, 'seed', seed, 'is not a whole number');
  for (const [option, bps] of [
    ['taker-bps', takerBps],
    ['maker-bps', makerBps],
  ] as const) {
    const isExact = Math.abs(bps * 100 - Math.round(bps * 100)) < 1e-9;
    const rule = `is not from 0 to ${BPS_MAX} with at most two decimals`;
    check(bps >= 0 && bps <= BPS_MAX && isExact, option, bps, rule);
  }
  const isCash = typeof parseDecimal(cash, CASH_SCALE) === 'bigint' && Number(cash) <= CASH_MAX;
  const cashRule = `is not a decimal from 0 to ${CASH_MAX} with at most ${CASH_SCALE} places`;
  check(isCash, 'cash', cash, cashRule);
  if (options.raw !== undefined && options.recording !== undefined) {
    problems.push('--raw and --recording: only one of them can be played');
  }
  const isRawOfOne = options.raw === undefined || venues.length === 1;
  check(isRawOfOne, 'raw', options.raw, 'is a capture of one venue, and several are asked for');
  return problems;
}

function readFaults(path: string): PlannedFault[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TickwireError('CONFIG_UNREADABLE', `cannot read the fault plan ${path}: ${message}`, {
      path,
    });
  }
  if (!Array.isArray(value)) {
    throw new TickwireError('CONFIG_INVALID', `the fault plan ${path} is not a list of faults`, {
      path,
    });
  }
  const faults: PlannedFault[] = [];
  const problems: string[] = [];
  value.forEach((entry: unknown, index) => {
    const fault = parseFault(entry);
    if ('fault' in fault) faults.push(fault);
    else problems.push(...fault.map((problem) => `faults[${index}].${problem}`));
  });
  if (problems.length > 0) {
    throw new TickwireError('CONFIG_INVALID', `the fault plan ${path}: ${problems.join('; ')}`, {
      path,
      problems,
    });
  }
  return faults;
}

/** Resolves with the exit code. A second signal ends the process at once, as a signal does by default. */
function endOf(exitOnStdinEnd: boolean): Promise<number> {
  return new Promise((resolve) => {
    const end = (exitCode: number): void => {
      // An open stdin would keep the process alive after everything else is closed.
      if (exitOnStdinEnd) process.stdin.destroy();
      resolve(exitCode);
    };
    process.once('SIGINT', () => end(EXIT_SIGINT));
    process.once('SIGTERM', () => end(EXIT_SIGTERM));
    if (!exitOnStdinEnd) return;
    process.stdin.once('end', () => end(EXIT_OK));
    process.stdin.once('error', () => end(EXIT_OK));
    process.stdin.resume();
  });
}
