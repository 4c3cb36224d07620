/**
 * rig: a real ControlAgent over real rings, boards and a real journal, with a small engine of the test's own on the other
 * side: it moves prices, fills orders and obeys commands the way execution does, prices assets with ingest's own FairPricer
 * and grants or refuses wishes for a connection.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ControlAgent, type ControlAgentOptions } from '#src/control/control-agent.js';
import { CommandKind, CoreRecord, EventKind, TradingState } from '#src/domain/core-record.js';
import { codeIndex } from '#src/domain/errors.js';
import { FAIR_DEFAULTS, planFairAssets } from '#src/domain/fair-price.js';
import type { Instrument } from '#src/domain/instrument.js';
import { OrderState } from '#src/domain/order.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_HEARTBEAT_WORDS,
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  getCommandCommandSeq,
  getCommandKind,
  getCommandSource,
  getCommandValue0,
  SCHEMA_HASH_WORD,
  setBoardHeartbeatBeatNs,
  setBoardHeartbeatState,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNs,
  setBoardMarketFullAskCount,
  setBoardMarketFullBidCount,
  setBoardMarketFundingNextNs,
  setBoardMarketFundingRateMantissa,
  setBoardMarketGapCount,
  setBoardMarketIndexPriceMantissa,
  setBoardMarketLastPriceMantissa,
  setBoardMarketLastSizeMantissa,
  setBoardMarketLastTradeNs,
  setBoardMarketMarkNs,
  setBoardMarketMarkPriceMantissa,
  setBoardMarketRecoveryCount,
  setBoardMarketRecoveryMs,
  setBoardMarketStaleReason,
  setBoardMarketStaleSinceNs,
  setBoardMarketTradeCount,
  setBoardPortfolioCashMantissa,
  setBoardPortfolioEquityMantissa,
  setBoardPortfolioExposureMantissa,
  setBoardPortfolioMoneyScale,
  setBoardPortfolioOpenOrderCount,
  setBoardPortfolioReason,
  setBoardPortfolioTradingState,
  setBoardPortfolioUpdatedNs,
  setBoardPositionAvgEntryPriceMantissa,
  setBoardPositionCostMantissa,
  setBoardPositionFeesMantissa,
  setBoardPositionFillCount,
  setBoardPositionRealizedMantissa,
  setBoardPositionSizeMantissa,
  writeEvent,
} from '#src/generated/hot.js';
import { FairPricer } from '#src/ingest/fair-pricer.js';
import { beginRun, SqliteJournalWriter, SqliteStoreReader } from '#src/journal/sqlite-store.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import {
  allocateRing,
  GatingReader,
  RingWriter,
  TrailingReader,
  type RingSpec,
} from '#src/memory/ring.js';
import { FeedWords } from '#src/runtime/feed-words.js';
import { COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '#src/runtime/telemetry.js';
import { TelemetryView, type TelemetryRole } from '#src/runtime/telemetry-view.js';
import { BTC, RecordSource, runOptions, sourceOf } from '../journal/records.js';

export const KEY = 'k'.repeat(40);
export const ROLES = ['ingest', 'signal-0', 'execution', 'journal', 'control'];
/** Simulated work of the other threads happens that often. */
const TURN_MS = 5;

/** Real time since the rig was made. */
class Clock {
  readonly #startMs = performance.now();
  readonly runEpochNs = BigInt(Date.now()) * 1_000_000n;
  nowNs(): number {
    return Math.round((performance.now() - this.#startMs) * 1e6);
  }
}

export interface RigOptions {
  /** Default: what comes after answers with CommandDone at once. */
  readonly core?: 'obeys' | 'refuses' | 'sleeps';
  /** Default: Coinbase's BTC-USD alone. */
  readonly instruments?: readonly Instrument[];
  readonly control?: Partial<ControlAgentOptions>;
}

export interface MarketFields {
  readonly index?: number;
  readonly staleReason?: number;
  readonly staleMs?: number;
  readonly ageMs?: number;
  readonly tradeCount?: number;
  readonly gapCount?: number;
  readonly recoveryMs?: number;
  /** Mark price; the index price is one lower, the funding rate 0.00125 %. */
  readonly mark?: number;
}

export class Rig {
  readonly clock = new Clock();
  readonly instruments: readonly Instrument[];
  readonly boardMarkets: BoardCells;
  readonly boardFair: BoardCells;
  readonly boardPositions: BoardCells;
  readonly feedWords: FeedWords;
  readonly boardPortfolio = board(1, BOARD_PORTFOLIO_WORDS);
  readonly boardHeartbeats = board(ROLES.length, BOARD_HEARTBEAT_WORDS);
  readonly telemetry = new Map<string, Telemetry>();
  readonly agent: ControlAgent;
  readonly writer: SqliteJournalWriter;
  readonly source: RecordSource;
  /** Kinds and sources of the commands that the core has read. */
  readonly commands: { kind: number; source: number; value?: number }[] = [];
  /** What ingest does with a wish for a connection. */
  feeds: 'grants' | 'refuses' | 'sleeps' = 'grants';
  readonly failures: Error[] = [];
  core: 'obeys' | 'refuses' | 'sleeps';
  port = 0;
  tradingState: number = TradingState.Active;
  readonly #events: RingWriter;
  readonly #commandReader: GatingReader;
  readonly #record = new CoreRecord();
  readonly #pricer: FairPricer;
  #timer: NodeJS.Timeout | null = null;
  /** Called every turn; tests move the market here. */
  onTurn: (nowNs: number) => void = () => undefined;

  constructor(dir: string, options: RigOptions = {}) {
    this.core = options.core ?? 'obeys';
    const path = join(dir, 'journal.sqlite');
    const start = beginRun(
      path,
      runOptions({
        startedNs: this.clock.runEpochNs,
        instruments: options.instruments ?? [BTC],
      }),
    );
    this.instruments = start.instruments;
    const venues = [...new Set(start.instruments.map(({ venue }) => venue))];
    const fairAssets = planFairAssets(start.instruments);
    this.boardMarkets = board(start.instruments.length, BOARD_MARKET_WORDS);
    this.boardFair = board(fairAssets.length, BOARD_FAIR_WORDS);
    this.boardPositions = board(start.instruments.length, BOARD_POSITION_WORDS);
    this.feedWords = new FeedWords(new SharedArrayBuffer(FeedWords.bytes(venues.length)));
    for (const index of venues.keys()) this.setFeed(index);
    this.writer = new SqliteJournalWriter({ path, run: start.run });
    const eventsSpec = ringSpec('events', 'execution', 'control', 'trailing', 1024);
    const eventsBuffer = allocateRing(eventsSpec);
    this.#events = new RingWriter(eventsBuffer, eventsSpec, null);
    const commandsSpec = ringSpec('commands', 'control', 'execution', 'gating', 16);
    const commandsBuffer = allocateRing(commandsSpec);
    this.#commandReader = new GatingReader(commandsBuffer, commandsSpec, 0);
    // What the journal gets, the event ring gets too, as from execution.
    const journal = sourceOf(this.writer);
    this.source = new RecordSource((i32, base) => {
      journal.put(i32, base);
      const at = this.#events.claim();
      for (let word = 0; word < 31; word++) this.#events.i32[at + word] = i32[base + word] ?? 0;
      this.#events.publish();
    });
    const roles = ROLES.map((role): TelemetryRole => {
      const one = { role, block: block(), histograms: histograms() };
      this.telemetry.set(role, new Telemetry(one.block, one.histograms));
      return one;
    });
    this.agent = new ControlAgent({
      host: '127.0.0.1',
      port: 0,
      apiKeySha256: createHash('sha256').update(KEY).digest(),
      runInfo: {
        run: start.run,
        version: '0.1.0',
        mode: 'paper',
        venues,
        strategies: ['ema-cross'],
        threads: 'compact',
        wait: 'yield',
        currency: 'USD',
      },
      instruments: start.instruments,
      boardMarkets: this.boardMarkets,
      fairAssets,
      boardFair: this.boardFair,
      feedWords: this.feedWords,
      boardPositions: this.boardPositions,
      boardPortfolio: this.boardPortfolio,
      boardHeartbeats: this.boardHeartbeats,
      roles: ROLES,
      telemetryView: new TelemetryView(roles),
      clock: this.clock,
      events: new TrailingReader(eventsBuffer, eventsSpec, 0),
      commands: new RingWriter(commandsBuffer, commandsSpec, null),
      telemetry: this.telemetryOf('control'),
      openStore: () => new SqliteStoreReader(path),
      onListening: (port) => {
        this.port = port;
      },
      ...options.control,
    });
    this.#pricer = new FairPricer({
      assets: fairAssets,
      instrumentCount: start.instruments.length,
      config: FAIR_DEFAULTS,
      boardMarkets: this.boardMarkets,
      boardFair: this.boardFair,
      telemetry: this.telemetryOf('ingest'),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  telemetryOf(role: string): Telemetry {
    const telemetry = this.telemetry.get(role);
    if (telemetry === undefined) throw new Error(`no role ${role}`);
    return telemetry;
  }

  async start(): Promise<void> {
    await this.agent.onStart({
      poke: () => undefined,
      fail: (error) => {
        this.failures.push(error);
      },
    });
    this.beat();
    this.#timer = setInterval(() => {
      this.turn();
    }, TURN_MS);
  }

  /** One turn of everybody. */
  turn(): void {
    const nowNs = this.clock.nowNs();
    this.onTurn(nowNs);
    this.#pricer.onTime(this.clock.nowNs());
    this.#answerWishes();
    this.beat();
    if (this.core !== 'sleeps') this.#readCommands();
    this.writer.commit();
    this.agent.doWork(nowNs);
  }

  async stop(): Promise<void> {
    this.agent.onStop();
    const deadlineMs = Date.now() + 5000;
    while (!this.agent.isDone && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    if (this.#timer !== null) clearInterval(this.#timer);
    this.agent.onClose();
    this.writer.close();
  }

  beat(): void {
    for (let index = 0; index < ROLES.length; index++) {
      const cells = this.boardHeartbeats;
      const base = cells.begin(index);
      setBoardHeartbeatBeatNs(cells.i32, base, this.clock.nowNs());
      setBoardHeartbeatState(cells.i32, base, 2);
      cells.end(index);
    }
  }

  /** A book around `bid`, a tick wide; none when it is stale. */
  setMarket(bidMantissa: number, fields: MarketFields = {}): void {
    const cells = this.boardMarkets;
    const index = fields.index ?? 0;
    const base = cells.begin(index);
    const levelCount = fields.staleReason === undefined ? 20 : 0;
    const nowNs = this.clock.nowNs();
    const { i32 } = cells;
    for (let level = 0; level < 20; level++) {
      const bid = base + BOARD_MARKET_BIDS_WORD + level * BOARD_LEVEL_WORDS;
      setBoardLevelPriceMantissa(i32, bid, bidMantissa - level * 37);
      setBoardLevelSizeMantissa(i32, bid, 5_000_000 + ((level * 7919) % 13) * 9_000_000);
      const ask = base + BOARD_MARKET_ASKS_WORD + level * BOARD_LEVEL_WORDS;
      setBoardLevelPriceMantissa(i32, ask, bidMantissa + 1 + level * 41);
      setBoardLevelSizeMantissa(i32, ask, 4_000_000 + ((level * 104_729) % 17) * 7_000_000);
    }
    setBoardMarketBidCount(i32, base, levelCount);
    setBoardMarketAskCount(i32, base, levelCount);
    setBoardMarketFullBidCount(i32, base, levelCount * 100);
    setBoardMarketFullAskCount(i32, base, levelCount * 101);
    if (levelCount > 0) setBoardMarketBookNs(i32, base, nowNs - (fields.ageMs ?? 0) * 1e6);
    setBoardMarketLastPriceMantissa(i32, base, bidMantissa);
    setBoardMarketLastSizeMantissa(i32, base, 1_234_500);
    setBoardMarketLastTradeNs(i32, base, nowNs);
    setBoardMarketTradeCount(i32, base, fields.tradeCount ?? 1);
    setBoardMarketStaleReason(i32, base, fields.staleReason ?? 0);
    const staleSinceNs = nowNs - (fields.staleMs ?? 0) * 1e6;
    setBoardMarketStaleSinceNs(i32, base, fields.staleReason === undefined ? 0 : staleSinceNs);
    setBoardMarketGapCount(i32, base, fields.gapCount ?? 0);
    setBoardMarketRecoveryCount(i32, base, fields.recoveryMs === undefined ? 0 : 1);
    setBoardMarketRecoveryMs(i32, base, fields.recoveryMs ?? 0);
    if (fields.mark !== undefined) {
      setBoardMarketMarkPriceMantissa(i32, base, fields.mark * 1e10);
      setBoardMarketIndexPriceMantissa(i32, base, (fields.mark - 1) * 1e10);
      setBoardMarketFundingRateMantissa(i32, base, 12_500_000);
      setBoardMarketFundingNextNs(i32, base, nowNs + 1_800_000_000_000);
      setBoardMarketMarkNs(i32, base, nowNs);
    }
    cells.end(index);
  }

  /** 0.0012 BTC bought at 60,000.00 and some result. */
  setPosition(sizeMantissa = 120_000, entryMantissa = 6_000_000): void {
    const cells = this.boardPositions;
    const base = cells.begin(0);
    setBoardPositionSizeMantissa(cells.i32, base, sizeMantissa);
    setBoardPositionAvgEntryPriceMantissa(cells.i32, base, entryMantissa);
    setBoardPositionCostMantissa(cells.i32, base, sizeMantissa * entryMantissa);
    setBoardPositionRealizedMantissa(cells.i32, base, 12_345_678_900);
    setBoardPositionFeesMantissa(cells.i32, base, 4_321_000_000);
    setBoardPositionFillCount(cells.i32, base, 14);
    cells.end(0);
  }

  setPortfolio(reason = 0): void {
    const cells = this.boardPortfolio;
    const base = cells.begin(0);
    setBoardPortfolioMoneyScale(cells.i32, base, 8);
    setBoardPortfolioCashMantissa(cells.i32, base, 992_812_345_678);
    setBoardPortfolioEquityMantissa(cells.i32, base, 1_000_034_567_890);
    setBoardPortfolioExposureMantissa(cells.i32, base, 7_222_222_222);
    setBoardPortfolioTradingState(cells.i32, base, this.tradingState);
    setBoardPortfolioReason(cells.i32, base, reason);
    setBoardPortfolioOpenOrderCount(cells.i32, base, 1);
    setBoardPortfolioUpdatedNs(cells.i32, base, this.clock.nowNs());
    cells.end(0);
  }

  /** How a venue's connection fares; as wanted unless said otherwise. */
  setFeed(
    venueIndex: number,
    fields: { state?: number; breaker?: number; failureCount?: number; reason?: number } = {},
  ): void {
    this.feedWords.show(venueIndex, {
      state: fields.state ?? 2,
      breaker: fields.breaker ?? 0,
      failureCount: fields.failureCount ?? 0,
      reason: fields.reason ?? 0,
      dialCount: 1,
    });
  }

  #answerWishes(): void {
    if (this.feeds === 'sleeps') return;
    for (let index = 0; index < this.feedWords.venueCount; index++) {
      if (!this.feedWords.isAsked(index)) continue;
      this.feedWords.answer(index, this.feeds === 'refuses');
      if (this.feeds === 'grants') this.setFeed(index, { state: 1 });
    }
  }

  /** Publishes a record on the event ring alone. */
  publish(kind: number, fields: Partial<CoreRecord>): void {
    this.#record.reset(kind);
    Object.assign(this.#record, fields);
    writeEvent(this.#events.i32, this.#events.claim(), this.#record);
    this.#events.publish();
  }

  /** An order that is filled at once. */
  trade(orderSeq: number, side: number, priceMantissa: number): void {
    this.source.openOrder(orderSeq, { side, priceMantissa, nowNs: this.clock.nowNs() });
    this.source.fill(orderSeq, orderSeq, OrderState.Filled, {
      side,
      priceMantissa,
      sizeMantissa: 100_000,
      nowNs: this.clock.nowNs(),
      tickVenueNs: this.clock.nowNs(),
    });
  }

  #readCommands(): void {
    for (;;) {
      const base = this.#commandReader.poll();
      if (base < 0) break;
      const kind = getCommandKind(this.#commandReader.i32, base);
      const commandSeq = getCommandCommandSeq(this.#commandReader.i32, base);
      const source = getCommandSource(this.#commandReader.i32, base);
      const value = getCommandValue0(this.#commandReader.i32, base);
      const isWish = kind === CommandKind.ReconnectFeed;
      this.commands.push({ kind, source, ...(isWish ? { value } : {}) });
      this.#commandReader.advance();
      if (this.core === 'refuses') {
        this.publish(EventKind.CommandDone, {
          aux: commandSeq,
          reason: codeIndex('RISK_NOT_RECONCILED'),
        });
        continue;
      }
      if (isWish) {
        this.publish(EventKind.CommandDone, { aux: commandSeq });
        continue;
      }
      this.tradingState = kind === CommandKind.Halt ? TradingState.Halted : TradingState.Active;
      this.publish(EventKind.TradingStateChanged, { state: this.tradingState });
      this.publish(EventKind.CommandDone, { aux: commandSeq });
      this.setPortfolio();
    }
  }
}

function board(cellCount: number, cellWords: number): BoardCells {
  return new BoardCells(
    new SharedArrayBuffer(BoardCells.bytes(cellCount, cellWords)),
    cellCount,
    cellWords,
  );
}

function block(): CounterBlock {
  return new CounterBlock(
    new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
    0,
    COUNTERS_PER_BLOCK,
  );
}

function histograms(): readonly SharedHistogram[] {
  const buffer = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  return HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(buffer, index));
}

function ringSpec(
  name: string,
  writerRole: string,
  reader: string,
  kind: 'gating' | 'trailing',
  slotCount: number,
): RingSpec {
  return {
    name,
    slotBytes: 128,
    slotCount,
    readers: [{ name: reader, kind, wakeIndex: -1 }],
    writerRole,
    schemaHashWord: SCHEMA_HASH_WORD,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
