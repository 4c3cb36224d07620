/**
 * run: trades. Without options on paper: embedded venue simulators replay a recorded market over loopback sockets in the
 * venues' own dialect, and the engine trades on it with real threads, rings, orders, fills and a database.
 *
 * Main thread. Order: settings ─▶ data directory (locked) ─▶ venues (started or asked) ─▶ instruments ─▶ journal row of the
 * run ─▶ shared memory ─▶ threads ─▶ trade ─▶ stop in order ─▶ the venue's truth ─▶ summary.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConfigError,
  mergeConfig,
  parseConfig,
  pushedInstruments,
  readConfigFile,
} from '../config.js';
import type { Config, ConfigProblem } from '../config.js';
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { coreOptionsOf, openShared, planThreads } from '../engine.js';
import type { Shared, VenueAccess } from '../engine.js';
import { beginRun, keepRecovery, keepStateHash, openDataDir } from '../journal/sqlite-store.js';
import type { DataDir } from '../journal/sqlite-store.js';
import { findOperatorKey } from '../keys/operator-key.js';
import type { OperatorKey } from '../keys/operator-key.js';
import { readCores } from '../runtime/cores.js';
import { makeLogger } from '../runtime/logger.js';
import type { Logger } from '../runtime/logger.js';
import { takeClockOrigin } from '../runtime/system-clock.js';
import { EmbeddedVenues } from '../sim/embedded-venue.js';
import { SIMULATORS } from '../sim/simulators.js';
import { recoverState } from '../recovery.js';
import { Supervisor } from '../supervisor.js';
import { loadStrategy } from '../thread.js';
import type { VenueKey } from '../thread.js';
import { chooseInstruments } from '../venues/choose-instruments.js';
import type { ListedVenue } from '../venues/choose-instruments.js';
import { VENUES, venueOf } from '../venues/registry.js';
import type { PublicRequest } from '../venues/registry.js';
import type { CommandLine } from './command-line.js';
import { StatusLine } from './run-status-line.js';
import { makeSummary } from './run-summary.js';
import type { VenueTruth } from './run-summary.js';

const START_TIMEOUT_MS = 30_000;
const HTTP_TIMEOUT_MS = 10_000;
const EXIT_SIGINT = 130;
const EXIT_SIGTERM = 143;

interface Settings {
  readonly config: Config;
  readonly durationMs: number | undefined;
  readonly hasSummary: boolean;
  readonly isFresh: boolean;
}

/** How a run came to its end. */
type Ending =
  | { readonly kind: 'time' }
  | { readonly kind: 'signal'; readonly signal: 'SIGINT' | 'SIGTERM' }
  | { readonly kind: 'failure'; readonly error: TickwireError };

/** Runs the engine; resolves with the exit code. Throws TickwireError for what is wrong before trading begins. */
export async function run(line: CommandLine, version: string): Promise<number> {
  const settings = await readSettings(line);
  const { config } = settings;
  const dataDir = openDataDir(config.dataDir);
  const embedded: EmbeddedVenues[] = [];
  try {
    if (settings.isFresh) forget(dataDir);
    return await trade(settings, dataDir, embedded, version);
  } finally {
    await Promise.all(embedded.map((venues) => venues.stop()));
    dataDir.release();
  }
}

async function trade(
  settings: Settings,
  dataDir: DataDir,
  embedded: EmbeddedVenues[],
  version: string,
): Promise<number> {
  const { config } = settings;
  const ending = new EndingWatch();
  const logger = makeLogger('main', config.logLevel);
  const access = await openVenues(config, dataDir, embedded, logger, ending);
  const keys = await fetchPaperKeys(access);
  const chosen = await fetchInstruments(config, access, logger);
  const offered = withPushed(config, chosen.instruments);
  const origin = takeClockOrigin();
  const begun = beginRun(dataDir.journalPath, {
    startedNs: origin.epochNs,
    version,
    config: JSON.stringify(config),
    strategies: config.strategies,
    instruments: offered,
  });
  const recoveryStartMs = performance.now();
  const recovery = recoverState(dataDir.journalPath, begun.run);
  keepRecovery(
    dataDir.journalPath,
    begun.run,
    JSON.stringify(coreOptionsOf(config, begun.instruments)),
    recovery.snapshot,
  );
  if (recovery.inputCount > 0)
    logger.info(
      { inputs: recovery.inputCount, ms: Math.round(performance.now() - recoveryStartMs) },
      'the state of earlier runs is recovered',
    );
  const shared = openShared({
    config,
    recovered: recovery.snapshot,
    instruments: begun.instruments,
    identity: {
      installId: begun.installId,
      runNumber: begun.run,
      firstSeq: begun.nextSeq,
      version,
      origin,
    },
    journalPath: dataDir.journalPath,
    venues: access,
    ...usesOf(begun.instruments, offered, chosen.pricers),
    cores: readCores(),
  });
  const apiKey = await findOperatorKey(dataDir.dir, process.env);
  const pushKey =
    config.push.port === undefined
      ? undefined
      : await findOperatorKey(dataDir.dir, process.env, 'push-key');
  const supervisor = new Supervisor({
    shared,
    secrets: {
      venues: keys,
      apiKeySha256: apiKey.sha256,
      ...(pushKey === undefined ? {} : { pushKeySha256: pushKey.sha256 }),
    },
    onFailure: (error) => {
      ending.end({ kind: 'failure', error });
    },
    onListening: (port) => {
      greet(logger, config, port, shared, apiKey);
    },
  });
  ending.watchSignals();
  try {
    await supervisor.start(START_TIMEOUT_MS);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const view = supervisor.attached.telemetryView();
  const statusLine =
    process.stdout.isTTY && !settings.hasSummary
      ? new StatusLine(supervisor.attached, view, () =>
          Number(process.hrtime.bigint() - origin.hrNs),
        )
      : undefined;
  statusLine?.start();
  const endedBy = await ending.wait(settings.durationMs);
  statusLine?.stop();
  const durationMs = Math.round(Number(process.hrtime.bigint() - origin.hrNs) / 1e6);
  if (endedBy.kind === 'failure')
    logger.error(
      { code: endedBy.error.code, context: endedBy.error.context },
      endedBy.error.message,
    );
  await supervisor.stop();
  const stateHash = supervisor.executionReport?.stateHash;
  if (stateHash !== undefined) keepStateHash(dataDir.journalPath, begun.run, stateHash);
  const truth = await fetchTruth(access).catch((error: unknown) => {
    logger.warn({ err: error }, 'the venue did not tell its truth at the end');
    return {};
  });
  if (settings.hasSummary)
    process.stdout.write(
      `${JSON.stringify(
        makeSummary({
          shared,
          attached: supervisor.attached,
          view,
          report: supervisor.executionReport,
          port: supervisor.controlPort,
          pushPort: supervisor.pushPort,
          durationMs,
          truth,
        }),
      )}\n`,
    );
  ending.close();
  return exitCodeOf(endedBy, ending);
}

function exitCodeOf(endedBy: Ending, ending: EndingWatch): number {
  if (endedBy.kind === 'failure') throw endedBy.error;
  if (ending.failure !== undefined) throw ending.failure;
  if (endedBy.kind === 'signal') return endedBy.signal === 'SIGINT' ? EXIT_SIGINT : EXIT_SIGTERM;
  return 0;
}

/** Waits for whichever comes first: the time, a signal, a failure. A second signal ends the process at once. */
class EndingWatch {
  failure: TickwireError | undefined;
  #ending: Ending | undefined;
  #resolve: ((ending: Ending) => void) | undefined;
  readonly #onSigint = (): void => {
    this.#onSignal('SIGINT');
  };
  readonly #onSigterm = (): void => {
    this.#onSignal('SIGTERM');
  };

  watchSignals(): void {
    process.on('SIGINT', this.#onSigint);
    process.on('SIGTERM', this.#onSigterm);
  }

  end(ending: Ending): void {
    if (ending.kind === 'failure') this.failure ??= ending.error;
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#resolve?.(ending);
  }

  async wait(durationMs: number | undefined): Promise<Ending> {
    const timer =
      durationMs === undefined
        ? undefined
        : setTimeout(() => {
            this.end({ kind: 'time' });
          }, durationMs);
    const ending = await new Promise<Ending>((resolve) => {
      this.#resolve = resolve;
      if (this.#ending !== undefined) resolve(this.#ending);
    });
    clearTimeout(timer);
    return ending;
  }

  close(): void {
    process.off('SIGINT', this.#onSigint);
    process.off('SIGTERM', this.#onSigterm);
  }

  #onSignal(signal: 'SIGINT' | 'SIGTERM'): void {
    if (this.#ending !== undefined) process.exit(signal === 'SIGINT' ? EXIT_SIGINT : EXIT_SIGTERM);
    this.end({ kind: 'signal', signal });
  }
}

async function readSettings(line: CommandLine): Promise<Settings> {
  const file = line.text('config');
  const fromFile = file === undefined ? {} : readConfigFile(file);
  const durationMs = line.durationMs('for');
  const hasSummary = line.oneOf('summary', ['json']) !== undefined;
  line.oneOf('wallet', ['none']);
  if (line.flag('live') || line.flag('yesLive'))
    line.problems.push({
      field: '--live',
      value: undefined,
      rule: 'real venues are not traded yet: the live risk profile is still missing',
    });
  const given: Record<string, unknown> = {
    dataDir: line.text('dataDir'),
    port: line.number('port'),
    venues: line.list('venues'),
    symbols: line.list('symbols'),
    strategies: line.list('strategy'),
    strategyParams: readParams(line),
    threads: line.text('threads'),
    wait: line.text('wait'),
    logLevel: line.text('logLevel'),
    sim: dropUndefined({
      urls: line.list('sim'),
      recording: line.text('recording'),
      speed: line.number('speed'),
    }),
  };
  const raw = mergeConfig(fromFile, dropUndefined(given));
  const config = parseConfig(raw, line.problems);
  // Throws when threads would spin without a core of their own: before a run is entered in the journal.
  planThreads(config, readCores());
  const problems: ConfigProblem[] = [];
  for (const venue of config.venues)
    if (!VENUES.has(venue))
      problems.push({
        field: 'venues',
        value: venue,
        rule: `there is no such venue; there are ${[...VENUES.keys()].join(', ')}`,
      });
  const simulated = SIMULATORS.map(({ venue }) => venue);
  if (config.sim.urls.length === 0)
    for (const venue of config.venues)
      if (VENUES.has(venue) && !simulated.includes(venue))
        problems.push({
          field: 'venues',
          value: venue,
          rule: `there is no simulator of it; there are ${simulated.join(', ')}`,
        });
  if (config.sim.recording !== undefined && !existsSync(config.sim.recording))
    problems.push({
      field: 'sim.recording',
      value: config.sim.recording,
      rule: 'there is no such file',
    });
  await checkStrategies(config, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, durationMs, hasSummary, isFresh: line.flag('fresh') };
}

/** Each strategy exists, and each of its parameters is one that it has, inside its limits. */
async function checkStrategies(config: Config, problems: ConfigProblem[]): Promise<void> {
  const names = new Set<string>();
  for (const wanted of config.strategies) {
    let factory;
    try {
      factory = await loadStrategy(wanted);
    } catch (error) {
      problems.push({
        field: 'strategies',
        value: wanted,
        rule: error instanceof Error ? error.message : String(error),
      });
      continue;
    }
    names.add(factory.name);
    for (const [name, value] of Object.entries(config.strategyParams[factory.name] ?? {})) {
      const param = factory.params[name];
      const field = `strategyParams.${factory.name}.${name}`;
      if (param === undefined)
        problems.push({
          field,
          value,
          rule: `there is no such parameter; there are ${Object.keys(factory.params).join(', ')}`,
        });
      else if (value < param.min || value > param.max)
        problems.push({
          field,
          value,
          rule: `must be from ${String(param.min)} to ${String(param.max)} ${param.unit}`,
        });
    }
  }
  for (const name of Object.keys(config.strategyParams))
    if (!names.has(name))
      problems.push({
        field: `strategyParams.${name}`,
        value: undefined,
        rule: 'is not a strategy of this run',
      });
}

/** `ema-cross.fastTrades=10,…` as { 'ema-cross': { fastTrades: 10 } }. */
function readParams(line: CommandLine): Record<string, Record<string, number>> | undefined {
  const list = line.list('param');
  if (list === undefined) return undefined;
  const params: Record<string, Record<string, number>> = {};
  for (const part of list) {
    const match = /^([^=]+)\.([^.=]+)=(.+)$/.exec(part);
    const value = Number(match?.[3]);
    if (match?.[1] === undefined || match[2] === undefined || !Number.isFinite(value)) {
      line.problems.push({
        field: '--param',
        value: part,
        rule: 'must look like strategy.parameter=number',
      });
      continue;
    }
    params[match[1]] = { ...params[match[1]], [match[2]]: value };
  }
  return params;
}

function dropUndefined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** `--fresh`: journal and paper accounts go, the API key stays. The directory is ours: it is locked. */
function forget(dataDir: DataDir): void {
  for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm', 'venues'])
    rmSync(join(dataDir.dir, name), { recursive: true, force: true });
}

/** Starts the embedded simulators, or asks those of `sim.urls` who they are. */
async function openVenues(
  config: Config,
  dataDir: DataDir,
  embedded: EmbeddedVenues[],
  logger: Logger,
  ending: EndingWatch,
): Promise<VenueAccess[]> {
  if (config.sim.urls.length > 0) return await askSimulators(config);
  const venues = new EmbeddedVenues({
    venues: config.venues,
    dataDir: join(dataDir.dir, 'venues'),
    recording: config.sim.recording,
    speed: config.sim.speed,
    seed: config.sim.seed,
    takerBps: config.sim.takerBps,
    makerBps: config.sim.makerBps,
    cash: config.sim.cash,
    startTimeoutMs: START_TIMEOUT_MS,
    onRestart: (detail) => {
      logger.warn({ venues: config.venues }, detail);
    },
    onGiveUp: (error) => {
      ending.end({ kind: 'failure', error });
    },
  });
  embedded.push(venues);
  const endpoints = await venues.start();
  return Array.from(endpoints, ([venue, { rest, ws, wsPrivate }]) => ({
    venue,
    wsUrl: ws,
    wsUserUrl: wsPrivate,
    restUrl: rest,
  }));
}

async function askSimulators(config: Config): Promise<VenueAccess[]> {
  const access: VenueAccess[] = [];
  for (const url of config.sim.urls) {
    const answer = (await getJson(new URL('/_sim/endpoints', url).href)) as {
      venue: string;
      listening: { ws: string; wsPrivate: string; rest: string };
    };
    access.push({
      venue: answer.venue,
      wsUrl: answer.listening.ws,
      wsUserUrl: answer.listening.wsPrivate,
      restUrl: answer.listening.rest,
    });
  }
  const missing = config.venues.filter((name) => !access.some((one) => one.venue === name));
  if (missing.length > 0)
    throw new ConfigError(
      missing.map((name) => ({
        field: 'sim.urls',
        value: config.sim.urls,
        rule: `none of these simulators is ${name}`,
      })),
    );
  // In the order of the configuration; of two simulators of one venue the first.
  return config.venues.flatMap((name) => access.find((one) => one.venue === name) ?? []);
}

/** A simulator hands out the key of its paper account to whoever is on this machine. */
async function fetchPaperKeys(access: readonly VenueAccess[]): Promise<Record<string, VenueKey>> {
  const keys: Record<string, VenueKey> = {};
  for (const one of access) {
    if (venueOf(one.venue).trading === null) continue;
    const answer = (await getJson(`${one.restUrl}/_sim/credentials`)) as {
      keyName: string;
      privateKeyPem: string;
    };
    keys[one.venue] = { keyName: answer.keyName, privateKey: answer.privateKeyPem };
  }
  return keys;
}

interface FetchedInstruments {
  readonly instruments: readonly Instrument[];
  /** Those of them that strategies do not see: they price currencies. */
  readonly pricers: readonly Instrument[];
}

/** The instruments of the configuration, as the venues themselves state them. */
async function fetchInstruments(
  config: Config,
  access: readonly VenueAccess[],
  logger: Logger,
): Promise<FetchedInstruments> {
  const venues = await Promise.all(
    access.map(async ({ restUrl, venue }): Promise<ListedVenue> => {
      const definition = venueOf(venue);
      const body = await askPublic(restUrl, definition.instrumentsRequest);
      return { venue, listed: definition.parseInstruments(body) };
    }),
  );
  // Where orders go comes first: the first instrument's quote is what results are counted in.
  venues.sort((a, b) => Number(isReadOnly(a.venue)) - Number(isReadOnly(b.venue)));
  const chosen = chooseInstruments(config.symbols, venues, config.stablePairs);
  if (chosen.problems.length > 0)
    throw new ConfigError(
      chosen.problems.map(({ rule, symbol }) => ({ field: 'symbols', value: symbol, rule })),
    );
  for (const note of chosen.notes) logger.info(note);
  const pricers = chosen.instruments.slice(chosen.offeredCount);
  if (pricers.length > 0)
    logger.info(
      { instruments: pricers.map(({ symbol, venue }) => `${venue}:${symbol}`) },
      'added to price currencies, not to trade',
    );
  return { instruments: chosen.instruments, pricers };
}

function isReadOnly(venue: string): boolean {
  return venueOf(venue).trading === null;
}

/** What becomes of each instrument of the table in this run; the table may know more, from earlier runs. */
function usesOf(
  table: readonly Instrument[],
  wanted: readonly Instrument[],
  pricers: readonly Instrument[],
): { readonly fed: readonly number[]; readonly offered: readonly number[] } {
  const isIn = (list: readonly Instrument[], { symbol, venue }: Instrument): boolean =>
    list.some((one) => one.venue === venue && one.symbol === symbol);
  const fed = table.filter((instrument) => isIn(wanted, instrument));
  const offered = fed.filter((instrument) => !isIn(pricers, instrument));
  return { fed: fed.map(({ index }) => index), offered: offered.map(({ index }) => index) };
}

/** And those that are pushed; what a venue of the run feeds cannot be. */
function withPushed(config: Config, fed: readonly Instrument[]): readonly Instrument[] {
  const pushed = pushedInstruments(config, fed.length);
  const problems = pushed.flatMap(({ venue, symbol }, place) =>
    fed.some((one) => one.venue === venue && one.symbol === symbol)
      ? [
          {
            field: `push.instruments.${String(place)}`,
            value: `${venue}:${symbol}`,
            rule: 'is fed by a venue of this run',
          },
        ]
      : [],
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return [...fed, ...pushed];
}

async function fetchTruth(access: readonly VenueAccess[]): Promise<Record<string, VenueTruth>> {
  const truth: Record<string, VenueTruth> = {};
  for (const one of access) {
    const answer = (await getJson(`${one.restUrl}/_sim/truth`)) as {
      positions: VenueTruth['positions'];
      openOrders: number;
      fillCount: number;
    };
    truth[one.venue] = {
      positions: answer.positions,
      openOrders: answer.openOrders,
      fills: answer.fillCount,
    };
  }
  return truth;
}

async function askPublic(restUrl: string, request: PublicRequest): Promise<string> {
  const { body, method, path } = request;
  const post = { method, body, headers: { 'content-type': 'application/json' } };
  return await getText(restUrl + path, method === 'POST' ? post : {});
}

async function getText(url: string, init: RequestInit = {}): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new TickwireError(
      'VENUE_UNREACHABLE',
      `${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      { url },
    );
  }
  if (!answer.ok)
    throw new TickwireError('VENUE_UNREACHABLE', `${url} answers ${String(answer.status)}`, {
      url,
      status: answer.status,
    });
  return await answer.text();
}

async function getJson(url: string): Promise<unknown> {
  const text = await getText(url);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `${url} does not answer with JSON`, { url });
  }
}

/** The first log line has the port. The key itself goes to a terminal only, never into a log. */
function greet(
  logger: Logger,
  config: Config,
  port: number,
  shared: Shared,
  apiKey: OperatorKey,
): void {
  const host = config.host === '::1' ? '[::1]' : config.host;
  const url = `http://${host}:${String(port)}/`;
  logger.info(
    {
      port,
      url,
      apiKeyFrom: apiKey.place,
      threads: shared.mode,
      run: shared.identity.runNumber,
      dataDir: config.dataDir,
    },
    'listening',
  );
  if (!process.stdout.isTTY) return;
  const key = apiKey.showOnTerminal();
  const news = apiKey.isNew ? '  (new)' : '';
  process.stdout.write(
    `\n  Dashboard  ${url}#key=${key}\n  API key    ${key}${news}, from ${apiKey.place}\n\n`,
  );
}
