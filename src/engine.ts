/**
 * engine: the wiring. Start reading here.
 *
 *   ticks ring      ingest    ══▶ signal-n (trailing)
 *   intents[n]      signal-n  ══▶ execution (gating)
 *   events ring     execution ══▶ journal (gating); signal-n, control (trailing)
 *   commands ring   control   ══▶ execution (gating)
 *   boards          markets and fair prices (ingest), positions and portfolio (execution), heartbeats (each role its own)
 *
 * `openShared` allocates every shared region once, on the main thread; `Attached` gives a role its rings, boards and
 * telemetry in whichever worker the thread plan puts it. Nothing else connects two rooms.
 */
import { ConfigError, riskLimitsOf } from './config.js';
import type { Config } from './config.js';
import { assert, must } from './domain/assert.js';
import { codeIndex } from './domain/errors.js';
import { planFairAssets } from './domain/fair-price.js';
import type { FairAsset } from './domain/fair-price.js';
import { PPM_PER_BPS } from './domain/fees.js';
import type { Instrument } from './domain/instrument.js';
import { SeededRandom } from './domain/seeded-random.js';
import { ExecutionAgent } from './execution/execution-agent.js';
import type { ExecutionReport, VenueSide } from './execution/execution-agent.js';
import type { CoreSnapshot } from './execution/core-snapshot.js';
import { ExecutionCore } from './execution/execution-core.js';
import type { ExecutionCoreOptions } from './execution/execution-core.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_HEARTBEAT_WORDS,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  COMMAND_BYTES,
  EVENT_BYTES,
  INTENT_BYTES,
  RecordingKind,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
  setBoardMarketStaleReason,
  setBoardMarketStaleSinceNs,
} from './generated/hot.js';
import { BoardCells } from './memory/board.js';
import { CounterBlock } from './memory/counters.js';
import { DurableWord } from './memory/durable-word.js';
import { SharedHistogram } from './memory/histogram.js';
import { allocateRegion } from './memory/region.js';
import { GatingReader, RingWriter, TrailingReader, allocateRing } from './memory/ring.js';
import type { RingSpec } from './memory/ring.js';
import { WakeWord, wakeBytes } from './memory/wake.js';
import { ControlAgent } from './control/control-agent.js';
import { FairPricer } from './ingest/fair-pricer.js';
import { IngestAgent } from './ingest/ingest-agent.js';
import { PushListener } from './ingest/push-listener.js';
import { Recorder } from './journal/recorder.js';
import { RecordingWriter } from './journal/recording-writer.js';
import { JournalAgent } from './journal/journal-agent.js';
import type { Clock } from './ports/clock.js';
import type { Network } from './ports/network.js';
import type { Signer } from './ports/signer.js';
import type { JournalWriter, RecoverySource, StoreReader } from './ports/store.js';
import type { Agent } from './runtime/agent.js';
import type { WaitMode } from './runtime/agent-thread.js';
import { JoinedAgents } from './runtime/joined-agents.js';
import { describeCores } from './runtime/cores.js';
import type { Cores } from './runtime/cores.js';
import { SignalAgent } from './signal/signal-agent.js';
import type { StrategySeat } from './signal/signal-core.js';
import { FeedWords } from './runtime/feed-words.js';
import { StopWords } from './runtime/stop-words.js';
import type { ClockOrigin } from './runtime/system-clock.js';
import { TelemetryView } from './runtime/telemetry-view.js';
import { VENUES, venueOf } from './venues/registry.js';
import { COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Histogram, Telemetry } from './runtime/telemetry.js';

export type { ExecutionReport } from './execution/execution-agent.js';

/** One worker and the roles that live on it. */
export interface ThreadPlan {
  readonly name: string;
  readonly roles: readonly string[];
  /** True: no I/O, so the thread may block; it runs in the Piscina pool. */
  readonly isPooled: boolean;
  readonly waitMode: WaitMode;
  /** First sleep after work, ms. */
  readonly napMs: number;
  /** Longest sleep, ms. */
  readonly napMaxMs: number;
}

/** What a run is, besides its memory. Plain data. */
export interface RunIdentity {
  readonly installId: string;
  readonly runNumber: number;
  /** Seq of the first journal record of this run. */
  readonly firstSeq: number;
  readonly version: string;
  readonly origin: ClockOrigin;
}

/** Where a venue is reached in this run. */
export interface VenueAccess {
  readonly venue: string;
  readonly wsUrl: string;
  readonly wsUserUrl: string;
  readonly restUrl: string;
}

/** Everything that threads share: plain data and shared buffers, posted to each worker as it is. */
export interface Shared {
  readonly config: Config;
  readonly instruments: readonly Instrument[];
  readonly identity: RunIdentity;
  readonly journalPath: string;
  /** The core's state at the end of the journal; null: a new one. */
  readonly recovered: CoreSnapshot | null;
  readonly venues: readonly VenueAccess[];
  /** Indexes of the instruments that this run has prices of; the table may know more, from earlier runs. */
  readonly fed: readonly number[];
  /** Those of them that strategies see; the others price currencies. */
  readonly offered: readonly number[];
  readonly mode: 'compact' | 'spread';
  readonly threads: readonly ThreadPlan[];
  /** Role instances in block order: ingest, signal-0 …, execution, journal, control. */
  readonly roles: readonly string[];
  readonly ticks: SharedRing;
  readonly intents: readonly SharedRing[];
  readonly events: SharedRing;
  readonly commands: SharedRing;
  readonly wake: SharedArrayBuffer;
  /** Last record on disk; the journal thread writes it. */
  readonly durable: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
  /** By place in `venues`: wishes for a connection, and how it fares (runtime/feed-words.ts). */
  readonly feedWords: SharedArrayBuffer;
  readonly boardMarkets: SharedArrayBuffer;
  readonly boardFair: SharedArrayBuffer;
  readonly boardPositions: SharedArrayBuffer;
  readonly boardPortfolio: SharedArrayBuffer;
  readonly boardHeartbeats: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly histograms: SharedArrayBuffer;
}

export interface SharedRing {
  readonly spec: RingSpec;
  readonly buffer: SharedArrayBuffer;
}

const COMMAND_SLOTS = 64;
/** Ended orders that the core still knows by number, for late reports. */
const ENDED_ORDERS_KEPT = 1_024;
const NS_PER_MS = 1_000_000;
const NS_PER_MINUTE = 60_000_000_000;
const BYTES_PER_MB = 1_048_576;
const RECORDING_BLOCK_BYTES = 65_536;
/** They live off the hot path and park, whatever the others do. */
const COLD_ROLES: readonly string[] = ['journal', 'recorder', 'control'];
const NAP_HOT_MS = 5;
const NAP_COLD_MS = 20;
/** Agents with deadlines (idle watchdogs, time-outs) get a turn at least that often, in the longest silence. */
const NAP_MAX_MS = 100;
/** Least patient last: a thread waits as the least patient of its roles does. */
const WAIT_MODES = ['park', 'yield', 'spin'] as const;

/** Whether the ticks of the run are written to disk. */
function isRecording(config: Config): boolean {
  return config.recorder.dir !== undefined;
}

/** Decides which roles share a worker and how each waits, by the cores that are really ours. */
export function planThreads(config: Config, cores: Cores): Pick<Shared, 'mode' | 'threads'> {
  const spreadCount = 2 + signalRoleNames(config, 'spread').length;
  const mode =
    config.threads === 'auto'
      ? // Spread wants a core each for ingest, signal, execution, and one for the rest of the world.
        cores.freeCount > spreadCount
        ? 'spread'
        : 'compact'
      : config.threads;
  const signalRoles = signalRoleNames(config, mode);
  const hotCount = mode === 'compact' ? 1 : spreadCount;
  // Polling in turns of 2 ms wants a core left over for everybody else; never sleeping is only for who asks for it.
  const autoMode: WaitMode = hotCount < cores.freeCount ? 'yield' : 'park';
  const waitOf = (role: string): WaitMode => {
    const isCold = COLD_ROLES.includes(role);
    const wanted = config.waitRoles[roleKind(role)] ?? (isCold ? 'park' : config.wait);
    return wanted === 'auto' ? (isCold ? 'park' : autoMode) : wanted;
  };
  const plan = (name: string, roles: readonly string[], isPooled: boolean): ThreadPlan => ({
    name,
    roles,
    isPooled,
    waitMode: leastPatient(roles.map(waitOf)),
    napMs: roles.includes('journal') || roles.includes('control') ? NAP_COLD_MS : NAP_HOT_MS,
    napMaxMs: NAP_MAX_MS,
  });
  const threads = [
    plan('journal', isRecording(config) ? ['journal', 'recorder'] : ['journal'], false),
    plan('control', ['control'], false),
    ...(mode === 'compact'
      ? [plan('hot', ['ingest', ...signalRoles, 'execution'], false)]
      : [
          plan('ingest', ['ingest'], false),
          ...signalRoles.map((role) => plan(role, [role], true)),
          plan('execution', ['execution'], false),
        ]),
  ];
  refuseSpinners(config, threads, cores);
  return { mode, threads };
}

/** A spinner without a core of its own stalls everybody else for milliseconds. */
function refuseSpinners(config: Config, threads: readonly ThreadPlan[], cores: Cores): void {
  const spinners = threads.filter((thread) => thread.waitMode === 'spin').map(({ name }) => name);
  if (spinners.length <= cores.spinCount) return;
  const isByWait = config.wait === 'spin';
  throw new ConfigError([
    {
      field: isByWait ? 'wait' : 'waitRoles',
      value: isByWait ? config.wait : config.waitRoles,
      rule:
        `spinning needs a core for each of ${String(spinners.length)} threads ` +
        `(${spinners.join(', ')}), there is room for ${String(cores.spinCount)}: ` +
        describeCores(cores),
    },
  ]);
}

function leastPatient(modes: readonly WaitMode[]): WaitMode {
  return must(
    WAIT_MODES.findLast((mode) => modes.includes(mode)),
    'a thread has roles',
  );
}

type RoleKind = keyof Config['waitRoles'];

/** `signal-3` is a signal role. */
function roleKind(role: string): RoleKind {
  return (role.startsWith('signal-') ? 'signal' : role) as RoleKind;
}

function signalRoleNames(config: Config, mode: 'compact' | 'spread'): string[] {
  const count = mode === 'compact' ? 1 : Math.min(config.signalWorkers, config.strategies.length);
  return Array.from({ length: count }, (_, index) => `signal-${String(index)}`);
}

/** Allocates all shared memory of a run. Main thread, once. */
export function openShared(options: {
  readonly config: Config;
  readonly instruments: readonly Instrument[];
  readonly identity: RunIdentity;
  readonly journalPath: string;
  readonly recovered?: CoreSnapshot | null;
  readonly venues: readonly VenueAccess[];
  readonly fed: readonly number[];
  readonly offered: readonly number[];
  readonly cores: Cores;
}): Shared {
  const { config, instruments, identity } = options;
  const followed = instruments.filter((one) => isFollowed(one, config, options.fed));
  const { mode, threads } = planThreads(config, options.cores);
  const signalRoles = signalRoleNames(config, mode);
  const recorderRoles = isRecording(config) ? ['recorder'] : [];
  const roles = ['ingest', ...signalRoles, 'execution', 'journal', ...recorderRoles, 'control'];
  const wakeIndex = (role: string): number =>
    threads.findIndex((thread) => thread.roles.includes(role));
  const trailing = (role: string): RingSpec['readers'][number] => ({
    name: role,
    kind: 'trailing',
    wakeIndex: wakeIndex(role),
  });
  const gating = (role: string): RingSpec['readers'][number] => ({
    name: role,
    kind: 'gating',
    wakeIndex: wakeIndex(role),
  });
  const ring = (spec: Omit<RingSpec, 'schemaHashWord'>): SharedRing => {
    const whole: RingSpec = { ...spec, schemaHashWord: SCHEMA_HASH_WORD };
    return { spec: whole, buffer: allocateRing(whole) };
  };
  const region = (name: string, writerRole: string, bytes: number): SharedArrayBuffer =>
    allocateRegion({ name, bytes, writerRole, schemaHashWord: SCHEMA_HASH_WORD });
  return {
    config,
    instruments,
    identity,
    journalPath: options.journalPath,
    recovered: options.recovered ?? null,
    venues: options.venues,
    fed: options.fed,
    offered: options.offered,
    mode,
    threads,
    roles,
    ticks: ring({
      name: 'ticks',
      slotBytes: TICK_BYTES,
      slotCount: config.rings.tickSlots,
      writerRole: 'ingest',
      readers: [
        ...signalRoles.map(trailing),
        // Nobody stops to wake a recorder: it looks by itself.
        ...recorderRoles.map((role) => ({ ...trailing(role), wakeIndex: -1 })),
      ],
    }),
    intents: signalRoles.map((role) =>
      ring({
        name: `intents-${role}`,
        slotBytes: INTENT_BYTES,
        slotCount: config.rings.intentSlots,
        writerRole: role,
        readers: [gating('execution')],
      }),
    ),
    events: ring({
      name: 'events',
      slotBytes: EVENT_BYTES,
      slotCount: config.rings.eventSlots,
      writerRole: 'execution',
      readers: [gating('journal'), trailing('control'), ...signalRoles.map(trailing)],
    }),
    commands: ring({
      name: 'commands',
      slotBytes: COMMAND_BYTES,
      slotCount: COMMAND_SLOTS,
      writerRole: 'control',
      readers: [gating('execution')],
    }),
    wake: region('wake', 'all', wakeBytes(threads.length)),
    durable: region('durable', 'journal', DurableWord.bytes()),
    stop: new SharedArrayBuffer(StopWords.bytes(roles.length)),
    feedWords: new SharedArrayBuffer(FeedWords.bytes(options.venues.length)),
    boardMarkets: staleAtFirst(
      region('board-markets', 'ingest', BoardCells.bytes(instruments.length, BOARD_MARKET_WORDS)),
      instruments.length,
    ),
    boardFair: region(
      'board-fair',
      'ingest',
      BoardCells.bytes(planFairAssets(followed).length, BOARD_FAIR_WORDS),
    ),
    boardPositions: region(
      'board-positions',
      'execution',
      BoardCells.bytes(instruments.length, BOARD_POSITION_WORDS),
    ),
    boardPortfolio: region(
      'board-portfolio',
      'execution',
      BoardCells.bytes(1, BOARD_PORTFOLIO_WORDS),
    ),
    boardHeartbeats: region(
      'board-heartbeats',
      'all',
      BoardCells.bytes(roles.length, BOARD_HEARTBEAT_WORDS),
    ),
    counters: region('counters', 'all', CounterBlock.bytes(roles.length, COUNTERS_PER_BLOCK)),
    histograms: region(
      'histograms',
      'all',
      SharedHistogram.bytes(roles.length * HISTOGRAM_NAMES.length),
    ),
  };
}

/** No market is fresh before somebody has said so; some are never fed in this run. Before any thread runs. */
function staleAtFirst(buffer: SharedArrayBuffer, cellCount: number): SharedArrayBuffer {
  const cells = new BoardCells(buffer, cellCount, BOARD_MARKET_WORDS);
  for (let index = 0; index < cellCount; index++) {
    const base = cells.begin(index);
    setBoardMarketStaleReason(cells.i32, base, codeIndex('BOOK_MISSING'));
    setBoardMarketStaleSinceNs(cells.i32, base, 1);
    cells.end(index);
  }
  return buffer;
}

/** A thread's handles on the shared memory. Cheap; each worker makes its own. */
export class Attached {
  readonly shared: Shared;
  readonly boardMarkets: BoardCells;
  /** The instruments that this run has markets of; the table may know more, from earlier runs. */
  readonly followed: readonly Instrument[];
  /** What fair prices there are; an asset's place is its cell in boardFair. */
  readonly fairAssets: readonly FairAsset[];
  readonly boardFair: BoardCells;
  readonly boardPositions: BoardCells;
  readonly boardPortfolio: BoardCells;
  readonly boardHeartbeats: BoardCells;
  readonly stopWords: StopWords;
  readonly feedWords: FeedWords;

  constructor(shared: Shared) {
    this.shared = shared;
    const instrumentCount = shared.instruments.length;
    this.boardMarkets = new BoardCells(shared.boardMarkets, instrumentCount, BOARD_MARKET_WORDS);
    this.followed = shared.instruments.filter((one) => isFollowed(one, shared.config, shared.fed));
    this.fairAssets = planFairAssets(this.followed);
    this.boardFair = new BoardCells(shared.boardFair, this.fairAssets.length, BOARD_FAIR_WORDS);
    this.boardPositions = new BoardCells(
      shared.boardPositions,
      instrumentCount,
      BOARD_POSITION_WORDS,
    );
    this.boardPortfolio = new BoardCells(shared.boardPortfolio, 1, BOARD_PORTFOLIO_WORDS);
    this.boardHeartbeats = new BoardCells(
      shared.boardHeartbeats,
      shared.roles.length,
      BOARD_HEARTBEAT_WORDS,
    );
    this.stopWords = new StopWords(shared.stop);
    this.feedWords = new FeedWords(shared.feedWords);
  }

  roleIndex(role: string): number {
    const index = this.shared.roles.indexOf(role);
    assert(index >= 0, `role exists: role=${role}`);
    return index;
  }

  telemetry(role: string): Telemetry {
    const index = this.roleIndex(role);
    return new Telemetry(
      new CounterBlock(this.shared.counters, index, COUNTERS_PER_BLOCK),
      HISTOGRAM_NAMES.map(
        (_, place) =>
          new SharedHistogram(this.shared.histograms, index * HISTOGRAM_NAMES.length + place),
      ),
    );
  }

  telemetryView(): TelemetryView {
    return new TelemetryView(
      this.shared.roles.map((role, index) => ({
        role,
        block: new CounterBlock(this.shared.counters, index, COUNTERS_PER_BLOCK),
        histograms: HISTOGRAM_NAMES.map(
          (_, place) =>
            new SharedHistogram(this.shared.histograms, index * HISTOGRAM_NAMES.length + place),
        ),
      })),
    );
  }

  wakeOf(role: string): WakeWord {
    const index = this.shared.threads.findIndex((thread) => thread.roles.includes(role));
    return new WakeWord(this.shared.wake, index);
  }

  writer(ring: SharedRing): RingWriter {
    return new RingWriter(ring.buffer, ring.spec, this.shared.wake);
  }

  gatingReader(ring: SharedRing, role: string): GatingReader {
    return new GatingReader(ring.buffer, ring.spec, readerIndex(ring, role));
  }

  trailingReader(ring: SharedRing, role: string): TrailingReader {
    return new TrailingReader(ring.buffer, ring.spec, readerIndex(ring, role));
  }

  /** The intent ring that this signal role writes. */
  intentsOf(role: string): SharedRing {
    const place = this.shared.intents.findIndex((ring) => ring.spec.writerRole === role);
    return must(this.shared.intents[place], `intent ring of ${role}`);
  }
}

/** What an agent needs that does not cross threads; built in the worker by thread.ts. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly makeNetwork: () => Network;
  readonly signerOf: (venue: string) => Signer;
  readonly openWriter: () => JournalWriter;
  readonly openReader: () => RecoverySource & StoreReader;
  readonly apiKeySha256: Uint8Array;
  readonly onListening: (port: number) => void;
  /** SHA-256 of the key of the push listener; empty where there is none. */
  readonly pushKeySha256: Uint8Array;
  readonly onPushListening: (port: number) => void;
  /** By signal role. */
  readonly strategySeats: ReadonlyMap<string, readonly StrategySeat[]>;
  /** The wall clock, in nanoseconds since run start: it can be set, the run's clock cannot. */
  readonly wallNs: () => number;
  readonly log: (
    role: string,
    message: string,
    context: Readonly<Record<string, unknown>>,
    level?: 'info' | 'error',
  ) => void;
}

/** An agent that has something to say at the end. */
export interface Reporting {
  finalReport(): ExecutionReport;
}

/** Gives a role its rings, boards, telemetry and ports. */
export function buildAgent(role: string, attached: Attached, ports: AgentPorts): Agent {
  switch (role) {
    case 'ingest':
      return buildIngest(attached, ports);
    case 'execution':
      return buildExecution(attached, ports);
    case 'journal':
      return buildJournal(attached, ports);
    case 'recorder':
      return buildRecorder(attached, ports);
    case 'control':
      return buildControl(attached, ports);
    default:
      return buildSignal(role, attached, ports);
  }
}

function buildIngest(attached: Attached, ports: AgentPorts): Agent {
  const { shared } = attached;
  // One writer for the ring, whoever of the role publishes.
  const tickWriter = attached.writer(shared.ticks);
  const feeds = new IngestAgent({
    instruments: shared.instruments.filter((instrument) => isFed(shared, instrument)),
    wsUrls: Object.fromEntries(shared.venues.map((access) => [access.venue, access.wsUrl])),
    restUrls: Object.fromEntries(shared.venues.map((access) => [access.venue, access.restUrl])),
    config: shared.config.feed,
    tickWriter,
    boardMarkets: attached.boardMarkets,
    telemetry: attached.telemetry('ingest'),
    clock: ports.clock,
    network: ports.makeNetwork(),
    // Another run waits otherwise, the same run always the same.
    random: new SeededRandom(Number(BigInt.asUintN(32, ports.clock.runEpochNs / 1_000_000n))),
    wallNs: ports.wallNs,
    feedWords: attached.feedWords,
    feedVenues: shared.venues.map(({ venue }) => venue),
    onChange: (change) => {
      const level = change.kind === 'alert' ? 'error' : 'info';
      ports.log('ingest', 'feed', { ...change, code: change.reason }, level);
    },
  });
  const fairPricer = new FairPricer({
    assets: attached.fairAssets,
    instrumentCount: shared.instruments.length,
    config: shared.config.fair,
    boardMarkets: attached.boardMarkets,
    boardFair: attached.boardFair,
    telemetry: attached.telemetry('ingest'),
  });
  const { port } = shared.config.push;
  if (port === undefined) return new JoinedAgents('ingest', [feeds, fairPricer]);
  const push = buildPush(attached, ports, tickWriter, port);
  return new JoinedAgents('ingest', [feeds, push, fairPricer]);
}

/** Whether a venue of this run sends the market of the instrument; any other may be pushed. */
function isFed(shared: Shared, instrument: Instrument): boolean {
  return !isPushed(instrument, shared.config) && shared.fed.includes(instrument.index);
}

function isPushed({ venue, symbol }: Instrument, config: Config): boolean {
  return config.push.instruments.some((one) => one.venue === venue && one.symbol === symbol);
}

/** Somebody sends its market in this run: its venue or a publisher. */
function isFollowed(instrument: Instrument, config: Config, fed: readonly number[]): boolean {
  return fed.includes(instrument.index) || isPushed(instrument, config);
}

function buildPush(
  attached: Attached,
  ports: AgentPorts,
  tickWriter: RingWriter,
  port: number,
): Agent {
  const { shared } = attached;
  return new PushListener({
    host: shared.config.host,
    port,
    config: shared.config.push,
    keySha256: ports.pushKeySha256,
    instruments: shared.instruments.filter((instrument) => !isFed(shared, instrument)),
    tickWriter,
    boardMarkets: attached.boardMarkets,
    telemetry: attached.telemetry('ingest'),
    clock: ports.clock,
    onListening: ports.onPushListening,
    onChange: (change) => {
      ports.log('ingest', 'push', { ...change });
    },
  });
}

function buildExecution(attached: Attached, ports: AgentPorts): Agent & Reporting {
  const { shared } = attached;
  const { config, identity } = shared;
  const telemetry = attached.telemetry('execution');
  const source = ports.openReader();
  const venueOrderIds = new Map<number, string>();
  for (const order of source.openOrders())
    if (order.venueOrderId !== null) venueOrderIds.set(order.orderSeq, order.venueOrderId);
  const access = tradingVenueOf(shared);
  return new ExecutionAgent({
    instruments: shared.instruments,
    core: new ExecutionCore(coreOptionsOf(config, shared.instruments)),
    recovered: shared.recovered,
    intents: shared.intents.map((ring) => attached.gatingReader(ring, 'execution')),
    commands: attached.gatingReader(shared.commands, 'execution'),
    events: attached.writer(shared.events),
    boardMarkets: attached.boardMarkets,
    boardPositions: attached.boardPositions,
    boardPortfolio: attached.boardPortfolio,
    telemetry,
    clock: ports.clock,
    network: ports.makeNetwork(),
    venue: access === undefined ? null : buildVenueSide(access, shared, ports, telemetry),
    installId: identity.installId,
    runNumber: identity.runNumber,
    firstSeq: identity.firstSeq,
    lastFillEpochNs: access === undefined ? 0n : (source.lastFillVenueNs(access.venue) ?? 0n),
    venueOrderIds,
    durable: config.journal.before === 'send' ? new DurableWord(shared.durable) : null,
    markIntervalMs: config.execution.markIntervalMs,
    stopPolicy: config.execution.stopPolicy,
    stopTimeoutMs: config.execution.stopTimeoutMs,
    log: (message) => {
      ports.log('execution', message, {});
    },
  });
}

/** What a run's core is made from; plain data, kept in the journal so that a replay judges by the same limits. */
export function coreOptionsOf(
  config: Config,
  instruments: readonly Instrument[],
): ExecutionCoreOptions {
  const limits = riskLimitsOf(config);
  return {
    instruments,
    limits,
    fees: {
      takerPpm: Math.ceil(config.sim.takerBps * PPM_PER_BPS),
      makerPpm: Math.ceil(config.sim.makerBps * PPM_PER_BPS),
    },
    stopPolicy: config.execution.stopPolicy,
    haltAction: config.risk.haltAction,
    readOnly: instruments.filter(isReadOnly).map(({ index }) => index),
    ...whitelistOf(config, instruments),
    orderSlots: limits.openOrdersMax + ENDED_ORDERS_KEPT,
    answerTimeoutMs: config.execution.answerTimeoutMs,
  };
}

/** One venue takes orders in this version; the market data of others may be there all the same. */
function tradingVenueOf(shared: Shared): VenueAccess | undefined {
  return shared.venues.find(({ venue }) => venueOf(venue).trading !== null);
}

/** No orders can be sent to its venue: the venue's private side is not spoken here. Not a matter of this run's venues. */
export function isReadOnly(instrument: Instrument): boolean {
  const trading = VENUES.get(instrument.venue)?.trading;
  return trading === undefined || trading === null;
}

function buildVenueSide(
  access: VenueAccess,
  shared: Shared,
  ports: AgentPorts,
  telemetry: Telemetry,
): VenueSide {
  const { config } = shared;
  const venue = must(venueOf(access.venue).trading, 'a private side');
  return {
    gateway: venue.createOrderGateway({
      instruments: shared.instruments,
      rejects: {
        reject: (code, detail) => {
          telemetry.reject(codeIndex(code));
          ports.log('execution', 'a message of the venue was refused', { code, detail });
        },
      },
    }),
    auth: venue.createAuth({
      signer: ports.signerOf(access.venue),
      clock: ports.clock,
      restUrl: access.restUrl,
      onSigned: (durationNs) => {
        telemetry.record(Histogram.sign, durationNs);
      },
    }),
    session: {
      restUrl: access.restUrl,
      wsUserUrl: access.wsUserUrl,
      requestTimeoutMs: config.execution.requestTimeoutMs,
      requestsPerSecond: config.execution.requestsPerSecond,
      openTimeoutMs: config.feed.openTimeoutMs,
      idleTimeoutMs: config.feed.idleTimeoutMs,
      frameBytesMax: config.feed.frameBytesMax,
      backoffMs: config.feed.backoffMs,
    },
  };
}

/** Indexes of the instruments that may be opened, when the configuration lists them. */
function whitelistOf(
  config: Config,
  instruments: readonly Instrument[],
): { readonly whitelist?: readonly number[] } {
  const symbols = config.risk.whitelist;
  if (symbols === undefined) return {};
  return {
    whitelist: instruments
      .filter(({ symbol }) => symbols.includes(symbol))
      .map(({ index }) => index),
  };
}

function buildSignal(role: string, attached: Attached, ports: AgentPorts): Agent {
  const { shared } = attached;
  return new SignalAgent({
    roleName: role,
    instruments: shared.instruments,
    offered: shared.offered,
    seats: ports.strategySeats.get(role) ?? [],
    ticks: attached.trailingReader(shared.ticks, role),
    events: attached.trailingReader(shared.events, role),
    intents: attached.writer(attached.intentsOf(role)),
    fairAssets: attached.fairAssets,
    boardFair: attached.boardFair,
    boardPositions: attached.boardPositions,
    boardPortfolio: attached.boardPortfolio,
    telemetry: attached.telemetry(role),
    nowNs: () => ports.clock.nowNs(),
  });
}

function buildJournal(attached: Attached, ports: AgentPorts): Agent {
  const { shared } = attached;
  const durable = new DurableWord(shared.durable);
  const wake = attached.wakeOf('execution');
  return new JournalAgent({
    events: attached.gatingReader(shared.events, 'journal'),
    openWriter: ports.openWriter,
    onDurable: (seq) => {
      durable.set(seq);
      wake.signal();
    },
    clock: ports.clock,
    telemetry: attached.telemetry('journal'),
    // Where orders wait for the disk, nothing is gained by waiting for a larger batch.
    batchWaitNs:
      shared.config.journal.before === 'send' ? 0 : shared.config.journal.batchMs * NS_PER_MS,
  });
}

/** The recording of a run has a directory of its own: an unfinished one is never gone on with. */
function buildRecorder(attached: Attached, ports: AgentPorts): Agent {
  const { shared } = attached;
  const { recorder } = shared.config;
  const run = String(shared.identity.runNumber).padStart(6, '0');
  const dir = `${must(recorder.dir, 'a directory to record in')}/run-${run}`;
  return new Recorder({
    ticks: attached.trailingReader(shared.ticks, 'recorder'),
    openWriter: () =>
      new RecordingWriter({
        dir,
        info: {
          kind: RecordingKind.Ticks,
          source: 'engine',
          version: shared.identity.version,
          recordingId: Number(BigInt.asUintN(32, ports.clock.runEpochNs / 1_000n)),
          runEpochNs: ports.clock.runEpochNs,
          instruments: shared.instruments,
          connections: [],
        },
        segmentBytesMax: recorder.segmentMb * BYTES_PER_MB,
        segmentNsMax: recorder.segmentMinutes * NS_PER_MINUTE,
        blockBytesMax: RECORDING_BLOCK_BYTES,
        fsync: recorder.fsync,
      }),
    telemetry: attached.telemetry('recorder'),
    flushNs: recorder.flushMs * NS_PER_MS,
    onFailure: (error) => {
      ports.log('recorder', 'the recording ended', { dir, detail: error.message }, 'error');
    },
  });
}

function buildControl(attached: Attached, ports: AgentPorts): Agent {
  const { shared } = attached;
  return new ControlAgent({
    host: shared.config.host,
    port: shared.config.port,
    apiKeySha256: ports.apiKeySha256,
    events: attached.trailingReader(shared.events, 'control'),
    commands: attached.writer(shared.commands),
    telemetry: attached.telemetry('control'),
    openStore: ports.openReader,
    onListening: ports.onListening,
    runInfo: {
      run: shared.identity.runNumber,
      version: shared.identity.version,
      mode: 'paper',
      venues: shared.venues.map((access) => access.venue),
      strategies: shared.config.strategies,
      threads: shared.mode,
      wait: waitText(shared),
      currency: shared.instruments[0]?.quote ?? '',
    },
    instruments: shared.instruments,
    followed: attached.followed.map(({ index }) => index),
    boardMarkets: attached.boardMarkets,
    fairAssets: attached.fairAssets,
    boardFair: attached.boardFair,
    feedWords: attached.feedWords,
    boardPositions: attached.boardPositions,
    boardPortfolio: attached.boardPortfolio,
    boardHeartbeats: attached.boardHeartbeats,
    roles: shared.roles,
    telemetryView: attached.telemetryView(),
    clock: ports.clock,
  });
}

/** `park`, or by thread when hot threads wait differently. */
function waitText(shared: Shared): string {
  const hot = shared.threads.filter(({ name }) => name !== 'journal' && name !== 'control');
  const modes = new Set(hot.map(({ waitMode }) => waitMode));
  if (modes.size === 1) return [...modes].join('');
  return hot.map(({ name, waitMode }) => `${name} ${waitMode}`).join(', ');
}

function readerIndex(ring: SharedRing, role: string): number {
  const index = ring.spec.readers.findIndex((reader) => reader.name === role);
  assert(index >= 0, `ring has this reader: ring=${ring.spec.name}, role=${role}`);
  return index;
}
