/**
 * execution-rig: the execution agent as it runs in the engine (real core, rings, boards, sockets), against a simulated
 * venue on loopback. The rig stands in for the other threads: it writes markets and intents, reads events as the journal
 * does, and gives the agent its duty cycles. A restart is a new agent on what the rig's journal has kept.
 */
import type { Test } from 'tap';
import { CoreRecord, EventKind, Outbox } from '#src/domain/core-record.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import { IntentKind, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import type { DurableWord } from '#src/memory/durable-word.js';
import { takeSnapshot } from '#src/execution/core-snapshot.js';
import type { CoreSnapshot } from '#src/execution/core-snapshot.js';
import { ExecutionAgent } from '#src/execution/execution-agent.js';
import { ExecutionCore, outboxCapacity } from '#src/execution/execution-core.js';
import {
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  COMMAND_BYTES,
  EVENT_BYTES,
  INTENT_BYTES,
  SCHEMA_HASH_WORD,
  getEventKind,
  getEventTextOrderSeq,
  getEventTextTextBytes,
  getEventTextTextKind,
  readBoardPosition,
  readEvent,
  readEventTextText,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  writeBoardMarket,
  blankCommand,
  blankIntent,
  writeCommand,
  writeIntent,
} from '#src/generated/hot.js';
import type { BoardPositionFields } from '#src/generated/hot.js';
import { SessionSigner } from '#src/keys/session-signer.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import { wakeWord } from '#src/memory/layout.js';
import { GatingReader, RingWriter, allocateRing } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';
import { Secret } from '#src/ports/secret.js';
import {
  COUNTERS_PER_BLOCK,
  Counter,
  HISTOGRAM_NAMES,
  Histogram,
  Telemetry,
} from '#src/runtime/telemetry.js';
import type { CounterName, HistogramName } from '#src/runtime/telemetry.js';
import { WsNetwork } from '#src/runtime/ws-network.js';
import { startSimulatedVenue } from '#src/sim/simulated-venue.js';
import type { SimulatedVenue } from '#src/sim/simulated-venue.js';
import { simulatedInstruments } from '#src/venues/coinbase/simulator-products.js';
import { must } from '#src/domain/assert.js';
import { COINBASE } from '#src/venues/registry.js';
import type { VenueTrading } from '#src/venues/registry.js';
import { VenueProxy } from './venue-proxy.js';

const INSTRUMENTS = simulatedInstruments(['BTC-USD']);
const INSTALL_ID = 'k3x9qa';
const ORDER_SLOTS = 256;

export interface RigOptions {
  readonly requestTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly eventSlots?: number;
  readonly stopPolicy?: 'cancel' | 'keep';
  /** The rig reads no events before it is asked to: the journal is behind. */
  readonly isJournalSlow?: boolean;
  /** Orders wait for it: journal.before = send. */
  readonly durable?: DurableWord;
  readonly speed?: number;
  readonly keepWarmMs?: number;
  readonly installId?: string;
  /** How far our wall clock is behind the venue's. */
  readonly clockBehindMs?: number;
}

export interface OrderWish {
  readonly side?: Side;
  /** Ticks of one cent away from the best price of the own side (outwards), or through the other side when negative. */
  readonly awayCents?: number;
  readonly sizeMantissa?: number;
  readonly timeInForce?: TimeInForce;
  readonly flags?: number;
  readonly ttlMs?: number;
}

export interface TruthFill {
  readonly entryId: string;
  readonly size: bigint;
}

/** A venue that outlives the engines that trade on it. */
export class VenueRig {
  readonly venue: SimulatedVenue;
  readonly proxy: VenueProxy;
  readonly network = new WsNetwork({
    clock: { runEpochNs: 0n, nowNs: () => Math.round(performance.now() * 1e6) },
  });

  private constructor(venue: SimulatedVenue, proxy: VenueProxy) {
    this.venue = venue;
    this.proxy = proxy;
  }

  static async start(t: Test, speed = 1): Promise<VenueRig> {
    const venue = await startSimulatedVenue({
      venue: 'coinbase',
      port: 0,
      dataDir: null,
      recordingPath: null,
      rawPath: null,
      speed,
      seed: 1,
      faults: [],
      takerBps: 5,
      makerBps: 0,
      cash: '10000',
      log: { info: () => undefined, warn: () => undefined },
    });
    const proxy = new VenueProxy(venue.listening.rest);
    await proxy.listen();
    const rig = new VenueRig(venue, proxy);
    t.teardown(() => {
      rig.network.close();
      proxy.close();
      venue.close();
    });
    return rig;
  }

  async fault(fields: Readonly<Record<string, unknown>>): Promise<void> {
    const answer = await new Promise<number>((resolve) => {
      this.network.request(
        {
          method: 'POST',
          url: `${this.venue.listening.rest}/_sim/fault`,
          headers: {},
          body: JSON.stringify(fields),
          timeoutMs: 5000,
        },
        (outcome) => {
          resolve(outcome.kind === 'answer' ? outcome.status : 0);
        },
      );
    });
    if (answer < 200 || answer >= 300) throw new Error(`fault refused: ${String(answer)}`);
  }

  /** Size that the account's fills add up to: bought minus sold. */
  get heldMantissa(): number {
    let held = 0n;
    for (const fill of this.venue.exchange.fills()) {
      held += fill.side === Side.Buy ? fill.sizeMantissa : -fill.sizeMantissa;
    }
    return Number(held);
  }
}

/** What the rig's journal keeps. */
interface KeptText {
  readonly orderSeq: number;
  readonly textKind: number;
  readonly text: string;
}

/** Everything that survives the death of an engine. */
export class RigJournal {
  readonly records: CoreRecord[] = [];
  readonly texts: KeptText[] = [];
  /** The venue's own time of each fill that was recorded, epoch ns. */
  readonly fillTimes = new WeakMap<CoreRecord, bigint>();
  run = 0;

  get lastFillEpochNs(): bigint {
    let last = 0n;
    for (const record of this.ofKind(EventKind.VenueFill)) {
      const epochNs = this.fillTimes.get(record) ?? 0n;
      if (epochNs > last) last = epochNs;
    }
    return last;
  }

  inputs(): CoreRecord[] {
    return this.records.filter((record) => record.kind < EventKind.OrderSend);
  }

  ofKind(kind: number): CoreRecord[] {
    return this.records.filter((record) => record.kind === kind);
  }

  /** States of an order in the order in which they were journalled; OrderSend stands for the first. */
  statesOf(orderSeq: number): number[] {
    return this.records
      .filter(
        (record) =>
          record.orderSeq === orderSeq &&
          (record.kind === EventKind.OrderChanged || record.kind === EventKind.OrderSend),
      )
      .map((record) => record.state);
  }

  /** Codes of refused or rejected orders and discrepancies, in order. */
  codesOf(kind: number): ErrorCode[] {
    return this.ofKind(kind).map((record) => codeAt(record.reason));
  }
}

export class ExecutionRig {
  readonly venueRig: VenueRig;
  readonly journal: RigJournal;
  readonly agent: ExecutionAgent;
  readonly core: ExecutionCore;
  readonly logged: string[] = [];
  failure: Error | undefined;
  isJournalSlow: boolean;
  readonly #telemetry: Telemetry;
  readonly #histograms: readonly SharedHistogram[];
  readonly #intents: RingWriter;
  readonly #commands: RingWriter;
  readonly #events: GatingReader;
  readonly #wakeBuffer = new SharedArrayBuffer(wakeBytes(1));
  readonly #boardMarkets: BoardCells;
  readonly #boardPositions: BoardCells;
  readonly #network: WsNetwork;
  readonly clock: { readonly runEpochNs: bigint; nowNs: () => number };
  readonly #options: RigOptions;
  #isInRound = false;
  #timer: NodeJS.Timeout | undefined;
  #isFresh = true;

  constructor(venueRig: VenueRig, journal: RigJournal, options: RigOptions = {}) {
    this.venueRig = venueRig;
    this.journal = journal;
    this.isJournalSlow = options.isJournalSlow === true;
    const startMs = performance.now();
    const clock = {
      runEpochNs: BigInt(Date.now() - (options.clockBehindMs ?? 0)) * 1_000_000n,
      nowNs: (): number => Math.round((performance.now() - startMs) * 1e6),
    };
    this.clock = clock;
    journal.run++;

    const blocks = new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK));
    const histogramBuffer = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
    this.#histograms = HISTOGRAM_NAMES.map(
      (_, index) => new SharedHistogram(histogramBuffer, index),
    );
    this.#telemetry = new Telemetry(
      new CounterBlock(blocks, 0, COUNTERS_PER_BLOCK),
      this.#histograms,
    );
    const intents = ring('intents', INTENT_BYTES, 64, 'execution');
    const commands = ring('commands', COMMAND_BYTES, 64, 'execution');
    const events = ring('events', EVENT_BYTES, options.eventSlots ?? 4096, 'journal', 0);
    this.#intents = new RingWriter(intents.buffer, intents.spec, null);
    this.#commands = new RingWriter(commands.buffer, commands.spec, null);
    this.#events = new GatingReader(events.buffer, events.spec, 0);
    this.#boardMarkets = board(1, BOARD_MARKET_WORDS);
    this.#boardPositions = board(1, BOARD_POSITION_WORDS);
    this.#network = new WsNetwork({ clock });

    this.#options = options;
    this.core = makeCore(options);
    const { credentials, listening } = venueRig.venue;
    const restUrl = venueRig.proxy.url;
    const telemetry = this.#telemetry;
    this.agent = new ExecutionAgent({
      instruments: INSTRUMENTS,
      core: this.core,
      intents: [new GatingReader(intents.buffer, intents.spec, 0)],
      commands: new GatingReader(commands.buffer, commands.spec, 0),
      events: new RingWriter(events.buffer, events.spec, this.#wakeBuffer),
      boardMarkets: this.#boardMarkets,
      boardPositions: this.#boardPositions,
      boardPortfolio: board(1, BOARD_PORTFOLIO_WORDS),
      telemetry,
      clock,
      network: this.#network,
      venue: {
        gateway: trading().createOrderGateway({
          instruments: INSTRUMENTS,
          rejects: {
            reject: (code): void => {
              telemetry.reject(codeIndex(code));
            },
          },
        }),
        auth: trading().createAuth({
          signer: new SessionSigner({
            keyName: credentials.keyName,
            secret: new Secret(credentials.privateKeyPem),
          }),
          clock,
          restUrl,
          onSigned: (durationNs): void => {
            telemetry.record(Histogram.sign, durationNs);
          },
        }),
        session: {
          restUrl,
          wsUserUrl: listening.wsPrivate,
          requestTimeoutMs: options.requestTimeoutMs ?? 1000,
          requestsPerSecond: 30,
          openTimeoutMs: 500,
          idleTimeoutMs: options.idleTimeoutMs ?? 5000,
          frameBytesMax: 1_000_000,
          backoffMs: [10, 20, 40, 80],
          keepWarmMs: options.keepWarmMs ?? 5000,
        },
      },
      installId: options.installId ?? INSTALL_ID,
      runNumber: journal.run,
      firstSeq: (journal.records.at(-1)?.seq ?? 0) + 1,
      recovered: recoveredOf(journal, options),
      durable: options.durable ?? null,
      lastFillEpochNs: journal.lastFillEpochNs,
      venueOrderIds: new Map(),
      markIntervalMs: 100,
      stopPolicy: options.stopPolicy ?? 'cancel',
      stopTimeoutMs: 5000,
      log: (message) => {
        this.logged.push(message);
      },
    });
  }

  start(): void {
    this.agent.onStart({
      poke: () => {
        this.#round();
      },
      fail: (error) => {
        this.failure ??= error;
      },
    });
    this.#timer = setInterval(() => {
      this.#round();
    }, 1);
  }

  /** Starts and waits until the venue's truth is in. */
  async startReady(): Promise<this> {
    this.start();
    await this.until('reconciled', () => this.core.isReconciled);
    return this;
  }

  /** The engine dies: nothing is flushed, nothing is said to the venue. */
  kill(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.agent.onClose();
  }

  /** The orderly end of a run. */
  async stop(): Promise<void> {
    this.agent.onStop(this.clock.nowNs());
    await this.until('done', () => this.agent.isDone);
    this.kill();
    this.#readEvents();
  }

  /** Runs until the condition holds; says what was wanted when it never does. */
  async until(what: string, condition: () => boolean, deadlineMs = 8000): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while (!condition()) {
      if (this.failure !== undefined) throw this.failure;
      if (performance.now() > endMs) {
        const { records } = this.journal;
        const last = records
          .slice(-12)
          .map((record) => `${String(record.kind)}/${codeAt(record.reason)}`);
        throw new Error(
          `never ${what}; last events ${last.join(' ')}; log ${this.logged.slice(-5).join(' | ')}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Best prices at the venue now. */
  get best(): { readonly bid: number; readonly ask: number } {
    const { bid, ask } = this.venueRig.venue.exchange.best(0);
    return { bid: bid?.priceMantissa ?? 0, ask: ask?.priceMantissa ?? 0 };
  }

  /** Publishes an intent; the order that comes of it is found by `nextOrder`. */
  wish(wish: OrderWish): void {
    const side = wish.side ?? Side.Buy;
    const away = wish.awayCents ?? 0;
    const { bid, ask } = this.best;
    const priceMantissa = side === Side.Buy ? bid - away : ask + away;
    const nowNs = this.clock.nowNs();
    const base = this.#intents.claim();
    if (base < 0) throw new Error('intent ring full');
    writeIntent(this.#intents.i32, base, {
      ...blankIntent(),
      priceMantissa,
      sizeMantissa: wish.sizeMantissa ?? 100_000,
      referencePriceMantissa: bid,
      tickRecvNs: nowNs,
      tickReadNs: nowNs,
      emitNs: nowNs,
      intentSeq: 1,
      ttlMs: wish.ttlMs ?? 0,
      kind: IntentKind.Place,
      side,
      orderType: OrderType.Limit,
      timeInForce: wish.timeInForce ?? TimeInForce.Gtc,
      flags: wish.flags ?? 0,
    });
    this.#intents.publish();
  }

  /** Sends a wish and waits for the OrderSend that follows. */
  async order(wish: OrderWish): Promise<number> {
    const sentBefore = this.journal.ofKind(EventKind.OrderSend).length;
    const refusedBefore = this.journal.ofKind(EventKind.IntentRefused).length;
    this.wish(wish);
    await this.until('sent or refused', () => {
      const sent = this.journal.ofKind(EventKind.OrderSend).length;
      return (
        sent > sentBefore || this.journal.ofKind(EventKind.IntentRefused).length > refusedBefore
      );
    });
    const refused = this.journal.ofKind(EventKind.IntentRefused)[refusedBefore];
    if (refused !== undefined) throw new Error(`refused: ${codeAt(refused.reason)}`);
    return this.journal.ofKind(EventKind.OrderSend)[sentBefore]?.orderSeq ?? 0;
  }

  async untilState(orderSeq: number, state: OrderState, deadlineMs = 8000): Promise<void> {
    const name = Object.entries(OrderState).find(([, value]) => value === state)?.[0] ?? '';
    await this.until(
      `order in state ${name} (states ${this.journal.statesOf(orderSeq).join(',')})`,
      () => this.journal.statesOf(orderSeq).at(-1) === state,
      deadlineMs,
    );
  }

  /** A fresh core that was given the journal's inputs, and what came out of it. */
  replayed(): { readonly replayed: ExecutionCore; readonly outputs: readonly CoreRecord[] } {
    const replayed = makeCore(this.#options);
    const outbox = new Outbox(outboxCapacity(ORDER_SLOTS, 1));
    const outputs: CoreRecord[] = [];
    let seq = 0;
    for (const input of this.journal.inputs()) {
      outbox.clear();
      replayed.apply(input, outbox);
      seq = input.seq;
      for (const record of outbox.records.slice(0, outbox.count)) {
        outputs.push(Object.assign(new CoreRecord(), record, { seq: ++seq, refSeq: input.seq }));
      }
    }
    return { replayed, outputs };
  }

  command(kind: number): void {
    const base = this.#commands.claim();
    if (base < 0) throw new Error('command ring full');
    writeCommand(this.#commands.i32, base, { ...blankCommand(), kind, commandSeq: 1 });
    this.#commands.publish();
  }

  /** The journal goes to sleep, as its thread would. */
  putJournalToSleep(): void {
    new WakeWord(this.#wakeBuffer, 0).arm();
  }

  get isJournalAwake(): boolean {
    return Atomics.load(new Int32Array(this.#wakeBuffer), wakeWord(0)) === 0;
  }

  /** Position as the other threads see it. */
  get boardPosition(): BoardPositionFields {
    const words = new Int32Array(BOARD_POSITION_WORDS);
    const fields: BoardPositionFields = {
      sizeMantissa: 0,
      avgEntryPriceMantissa: 0,
      costMantissa: 0,
      realizedMantissa: 0,
      feesMantissa: 0,
      fillCount: 0,
      openOrderCount: 0,
      updatedNs: 0,
    };
    if (this.#boardPositions.read(0, words)) readBoardPosition(words, 0, fields);
    return fields;
  }

  counter(name: CounterName): number {
    return this.#telemetry.get(Counter[name]);
  }

  rejects(code: ErrorCode): number {
    return this.#telemetry.rejects(codeIndex(code));
  }

  histogramCount(name: HistogramName): number {
    return this.#histograms[Histogram[name]]?.snapshot().count ?? 0;
  }

  set isMarketFresh(isFresh: boolean) {
    this.#isFresh = isFresh;
  }

  #round(): void {
    if (this.#isInRound || this.#timer === undefined) return;
    this.#isInRound = true;
    try {
      this.#writeMarket();
      this.agent.doWork(this.clock.nowNs());
      if (!this.isJournalSlow) this.#readEvents();
    } finally {
      this.#isInRound = false;
    }
  }

  #writeMarket(): void {
    const { bid, ask } = this.best;
    const base = this.#boardMarkets.begin(0);
    const { i32 } = this.#boardMarkets;
    writeBoardMarket(i32, base, {
      lastPriceMantissa: bid,
      lastSizeMantissa: 1,
      lastTradeNs: 0,
      bookNs: 0,
      venueNs: 0,
      staleSinceNs: 0,
      gapCount: 0,
      tradeCount: 0,
      markPriceMantissa: 0,
      indexPriceMantissa: 0,
      fundingRateMantissa: 0,
      fundingNextNs: 0,
      markNs: 0,
      recoveryCount: 0,
      recoveryMs: 0,
      bidCount: 1,
      askCount: 1,
      fullBidCount: 1,
      fullAskCount: 1,
      staleReason: this.#isFresh ? 0 : codeIndex('FEED_SILENT'),
    });
    setBoardLevelPriceMantissa(i32, base + BOARD_MARKET_BIDS_WORD, bid);
    setBoardLevelSizeMantissa(i32, base + BOARD_MARKET_BIDS_WORD, 1);
    setBoardLevelPriceMantissa(i32, base + BOARD_MARKET_ASKS_WORD, ask);
    setBoardLevelSizeMantissa(i32, base + BOARD_MARKET_ASKS_WORD, 1);
    this.#boardMarkets.end(0);
  }

  #readEvents(): void {
    for (let base = this.#events.poll(); base >= 0; base = this.#events.poll()) {
      const { i32 } = this.#events;
      if (getEventKind(i32, base) === EventKind.Text) {
        this.journal.texts.push({
          orderSeq: getEventTextOrderSeq(i32, base),
          textKind: getEventTextTextKind(i32, base),
          text: readEventTextText(i32, base, getEventTextTextBytes(i32, base)),
        });
      } else {
        const record = new CoreRecord();
        readEvent(i32, base, record);
        this.journal.records.push(record);
        if (record.kind === EventKind.VenueFill) {
          const epochNs = this.clock.runEpochNs + BigInt(record.tickVenueNs);
          this.journal.fillTimes.set(record, epochNs);
        }
      }
      this.#events.advance();
    }
  }
}

function makeCore(options: RigOptions): ExecutionCore {
  return new ExecutionCore({
    instruments: INSTRUMENTS,
    limits: PAPER_LIMITS,
    fees: { makerPpm: 0, takerPpm: 500 },
    stopPolicy: options.stopPolicy ?? 'cancel',
    orderSlots: ORDER_SLOTS,
    answerTimeoutMs: options.answerTimeoutMs ?? 1000,
  });
}

function ring(
  name: string,
  slotBytes: number,
  slotCount: number,
  readerName: string,
  wakeIndex = -1,
): { readonly spec: RingSpec; readonly buffer: SharedArrayBuffer } {
  const spec: RingSpec = {
    name,
    slotBytes: slotBytes === 64 ? 64 : 128,
    slotCount,
    readers: [{ name: readerName, kind: 'gating', wakeIndex }],
    writerRole: 'test',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  return { spec, buffer: allocateRing(spec) };
}

function board(cellCount: number, cellWords: number): BoardCells {
  const buffer = new SharedArrayBuffer(BoardCells.bytes(cellCount, cellWords));
  return new BoardCells(buffer, cellCount, cellWords);
}

/** 0.5 % away from the market: rests, inside the price band. */
export const FAR_CENTS = 30_000;
/** 0.2 % through the market: takes. */
export const THROUGH_CENTS = -12_000;

export async function ready(t: Test, options: RigOptions = {}): Promise<ExecutionRig> {
  const venueRig = await VenueRig.start(t, options.speed);
  return await started(t, venueRig, new RigJournal(), options);
}

export async function started(
  t: Test,
  venueRig: VenueRig,
  journal: RigJournal,
  options: RigOptions = {},
): Promise<ExecutionRig> {
  const rig = new ExecutionRig(venueRig, journal, options);
  t.teardown(() => {
    rig.kill();
  });
  return await rig.startReady();
}

/** Position and fills here are what the venue has. */
export function sameAsVenue(t: Test, rig: ExecutionRig): void {
  const { exchange } = rig.venueRig.venue;
  const { position } = rig.core.instrumentState(0);
  t.equal(position.sizeMantissa, rig.venueRig.heldMantissa, 'position as at the venue');
  t.equal(position.fillCount, exchange.fills().length, 'each fill once');
  const usd = exchange.accounts().find(({ currency }) => currency === 'USD');
  const ledger = rig.core.state.ledgers.find(({ currency }) => currency.code === 'USD');
  t.equal(ledger?.total.toBig(), usd?.totalMantissa, 'cash as at the venue, to the last digit');
}

/** The state after every input of earlier runs, as the main thread would recover it. */
function recoveredOf(journal: RigJournal, options: RigOptions): CoreSnapshot | null {
  const inputs = journal.inputs();
  if (inputs.length === 0) return null;
  const core = makeCore(options);
  const outbox = new Outbox(outboxCapacity(ORDER_SLOTS, 1));
  for (const input of inputs) {
    outbox.clear();
    core.apply(input, outbox);
  }
  return takeSnapshot(core);
}

/** Coinbase's private side. */
function trading(): VenueTrading {
  return must(COINBASE.trading, 'coinbase can be traded');
}
