/**
 * execution-agent: merges everything that the core must know into one ordered input, and does what the core decides.
 *
 *   commands ──┐                                  ┌──▶ event ring (journal, signal, control): input, then outputs
 *   reports ───┤                                  │
 *   deadlines ─┼──▶ one at a time ──▶ core.apply ─┤
 *   markets ───┤    seq, nowNs                    └──▶ then: orders, cancels and questions to the session,
 *   intents ───┘                                       deadlines to the wheel, positions to the boards
 *
 * Execution thread. Writes the event ring, the position cells and the portfolio cell; reads intents, commands and the
 * market cells. Whatever differs between two runs (prices, clock, venue) is copied into an input before the core sees
 * it, so a replay of the inputs gives the same outputs and the same state.
 *
 * Starting is recovering: the state of earlier runs is put back, then the venue's truth is fetched, then it trades.
 * When the journal is behind and the ring full, what was decided is held back and nothing new is taken in.
 */
import { CoreRecord, EventKind, intentAux, Outbox, TradingState } from '../domain/core-record.js';
import { codeAt, codeIndex } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { IntentKind, OrderState } from '../domain/order.js';
import { BALANCE_SCALE } from '../domain/portfolio.js';
import type { PortfolioFigures } from '../domain/portfolio.js';
import { averageEntryPriceMantissa } from '../domain/position.js';
import { saturate } from '../domain/wide-sum.js';
import {
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  getBoardLevelPriceMantissa,
  getBoardMarketAskCount,
  getBoardMarketBidCount,
  getBoardMarketStaleReason,
  blankCommand,
  blankIntent,
  readCommand,
  readIntent,
  writeBoardPortfolio,
  writeBoardPosition,
} from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { DurableWord } from '../memory/durable-word.js';
import type { GatingReader, RingWriter } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Network } from '../ports/network.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { Deadlines } from '../runtime/deadlines.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { OrderGateway, RequestAuth } from '../venues/venue.js';
import { clientOrderIdOf } from './client-order-id.js';
import { restoreSnapshot } from './core-snapshot.js';
import type { CoreSnapshot } from './core-snapshot.js';
import { EventPublisher } from './event-publisher.js';
import { outboxCapacity } from './execution-core.js';
import type { ExecutionCore } from './execution-core.js';
import { OrderSession } from './order-session.js';
import type { SessionConfig } from './order-session.js';
import { ReportQueue, TextKind } from './venue-reports.js';

const NS_PER_MS = 1_000_000;
const NS_PER_MS_BIG = 1_000_000n;
/** Inputs of one kind in one duty cycle; what is left comes in the next one, so that no source starves another. */
const INPUTS_PER_CYCLE_MAX = 64;
/** Deadlines waiting at the same time: two per order slot are never reached. */
const DEADLINES_PER_SLOT = 2;

const INTENT_EXPIRED = codeIndex('INTENT_EXPIRED');
/** Before the first word of ingest. */
const NEVER_TOLD = -1;

export interface ExecutionAgentOptions {
  readonly instruments: readonly Instrument[];
  /** Fresh; the agent brings it to the state of the journal. */
  readonly core: ExecutionCore;
  readonly intents: readonly GatingReader[];
  readonly commands: GatingReader;
  readonly events: RingWriter;
  readonly boardMarkets: BoardCells;
  readonly boardPositions: BoardCells;
  readonly boardPortfolio: BoardCells;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly network: Network;
  /** Where orders go; null: no venue of this run takes any, and every intent is refused. */
  readonly venue: VenueSide | null;
  /** Six characters, the same for every run on this journal. */
  readonly installId: string;
  readonly runNumber: number;
  /** Seq of the first record of this run. */
  readonly firstSeq: number;
  /** The state that the recovery has found (execution/replay.ts); null: a new journal. */
  readonly recovered: CoreSnapshot | null;
  /** Epoch nanoseconds of the youngest fill in the journal, by the venue's clock; 0n: none. */
  readonly lastFillEpochNs: bigint;
  /** Venue ids of the orders that earlier runs left open, by order number. */
  readonly venueOrderIds: ReadonlyMap<number, string>;
  /** Orders, cancels and questions leave when their record is on disk; null: at once (config journal.before). */
  readonly durable: DurableWord | null;
  readonly markIntervalMs: number;
  readonly stopPolicy: 'cancel' | 'keep';
  /** Open business is given up after that long. */
  readonly stopTimeoutMs: number;
  readonly log: (message: string) => void;
}

/** The private side of a venue. */
export interface VenueSide {
  readonly gateway: OrderGateway;
  readonly auth: RequestAuth;
  readonly session: SessionConfig;
}

/** What is left at the end of a run; plain data. Mantissas may exceed 2^53, so money is text. */
export interface ExecutionReport {
  readonly stateHash: string;
  readonly lastSeq: number;
  readonly openOrderCount: number;
  readonly positions: readonly {
    readonly instrumentIndex: number;
    readonly sizeMantissa: number;
    readonly costMantissa: string;
    readonly realizedMantissa: string;
    readonly feesMantissa: string;
    readonly fillCount: number;
  }[];
  /** At 8 decimals. `isKnown` false: the venue has not stated every balance. */
  readonly portfolio: PortfolioFigures;
}

export class ExecutionAgent implements Agent {
  readonly roleName = 'execution';
  readonly #options: ExecutionAgentOptions;
  readonly #core: ExecutionCore;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #publisher: EventPublisher;
  readonly #outbox: Outbox;
  readonly #deadlines: Deadlines;
  readonly #reports = new ReportQueue();
  #session: OrderSession | undefined;

  readonly #input = new CoreRecord();
  readonly #intent = blankIntent();
  readonly #command = blankCommand();
  /** Decisions whose records have not all found room on the ring yet. */
  #heldActs: CoreRecord[] = [];
  #nextSeq: number;
  #lastNowNs = 0;

  readonly #market = new Int32Array(BOARD_MARKET_WORDS);
  readonly #marketVersions: Int32Array;
  readonly #staleTold: Int32Array;
  readonly #bidTold: Float64Array;
  readonly #askTold: Float64Array;
  #bidMantissa = 0;
  #askMantissa = 0;
  #nextMarkNs = 0;

  readonly #isPositionDirty: boolean[];
  #hasStarted = false;
  #isPortfolioDirty = true;
  readonly #figures: PortfolioFigures = {
    cashMantissa: 0,
    equityMantissa: 0,
    exposureMantissa: 0,
    isKnown: false,
  };

  #isStopping = false;
  #stopDeadlineNs = 0;
  #fillAppliedCount = 0;
  #discrepancyCount = 0;

  constructor(options: ExecutionAgentOptions) {
    this.#options = options;
    this.#core = options.core;
    this.#telemetry = options.telemetry;
    this.#clock = options.clock;
    this.#publisher = new EventPublisher(options.events);
    const { slotCount } = options.core.state.orders;
    const instrumentCount = options.instruments.length;
    this.#outbox = new Outbox(outboxCapacity(slotCount, instrumentCount));
    this.#deadlines = new Deadlines(slotCount * DEADLINES_PER_SLOT);
    this.#nextSeq = options.firstSeq;
    this.#marketVersions = new Int32Array(instrumentCount);
    this.#staleTold = new Int32Array(instrumentCount).fill(NEVER_TOLD);
    this.#bidTold = new Float64Array(instrumentCount);
    this.#askTold = new Float64Array(instrumentCount);
    this.#isPositionDirty = options.instruments.map(() => true);
  }

  onStart(host: AgentHost): void {
    const options = this.#options;
    const core = this.#core;
    if (options.recovered !== null) restoreSnapshot(core, options.recovered);
    if (options.venue !== null) this.#session = this.#openSession(options.venue, host);
    const input = this.#blank(EventKind.RunStarted);
    input.aux = options.runNumber;
    input.valueMantissa = Number(options.clock.runEpochNs / NS_PER_MS_BIG);
    this.#apply(input, 0);
    this.#writeBoards(0);
  }

  #openSession(venue: VenueSide, host: AgentHost): OrderSession {
    const options = this.#options;
    const core = this.#core;
    return new OrderSession({
      config: venue.session,
      gateway: venue.gateway,
      auth: venue.auth,
      network: options.network,
      clock: options.clock,
      telemetry: options.telemetry,
      installId: options.installId,
      runNumber: options.runNumber,
      reports: this.#reports,
      core: {
        currencies: core.currencies,
        isFillKnown: (fillKey) => core.state.fillKeys.has(fillKey),
        filledOf: (orderSeq) => core.order(orderSeq)?.filledMantissa ?? 0,
        openOrderSeqs: () => Array.from(core.openOrders(), (order) => order.orderSeq),
      },
      venueOrderIds: options.venueOrderIds,
      lastFillEpochNs: options.lastFillEpochNs,
      poke: () => {
        host.poke();
      },
      fail: (error) => {
        host.fail(error);
      },
      log: options.log,
    });
  }

  doWork(nowNs: number): number {
    let workCount = this.#session?.doWork(nowNs) ?? 0;
    // What was decided goes out before anything new is decided.
    if (!this.#publisher.flush()) {
      this.#telemetry.add(Counter.eventRingFullWaits);
      return workCount;
    }
    workCount += this.#actHeld();
    workCount += this.#takeCommands(nowNs);
    workCount += this.#takeReports(nowNs);
    workCount += this.#takeDeadlines(nowNs);
    workCount += this.#takeMarkets(nowNs);
    workCount += this.#takeIntents();
    workCount += this.#takeMarks(nowNs);
    if (workCount > 0) this.#writeBoards(nowNs);
    return workCount;
  }

  onStop(nowNs: number): void {
    this.#isStopping = true;
    this.#stopDeadlineNs = nowNs + this.#options.stopTimeoutMs * NS_PER_MS;
    this.#apply(this.#blank(EventKind.CoreStopping), nowNs);
    this.#writeBoards(nowNs);
  }

  get isDone(): boolean {
    if (!this.#isStopping || !this.#publisher.isFlushed) return false;
    if (this.#heldActs.length > 0 && this.#clock.nowNs() < this.#stopDeadlineNs) return false;
    if (this.#clock.nowNs() >= this.#stopDeadlineNs) return true;
    const isQuiet = this.#reports.size === 0 && this.#session?.isIdle !== false;
    return isQuiet && !this.#hasOpenBusiness();
  }

  onClose(): void {
    this.#session?.close();
    this.#options.network.close();
  }

  /** For the summary of a run. Cold. */
  finalReport(): ExecutionReport {
    const core = this.#core;
    core.figures(this.#figures);
    return {
      stateHash: core.stateHash(),
      lastSeq: this.#nextSeq - 1,
      openOrderCount: core.openOrderCount,
      positions: this.#options.instruments.map(({ index }) => {
        const position = core.position(index);
        return {
          instrumentIndex: index,
          sizeMantissa: position.sizeMantissa,
          costMantissa: position.costMantissa.toString(),
          realizedMantissa: position.realizedMantissa.toString(),
          feesMantissa: position.feesMantissa.toString(),
          fillCount: position.fillCount,
        };
      }),
      portfolio: { ...this.#figures },
    };
  }

  // -------------------------------------------------------------------------------------------------- inputs

  #takeCommands(nowNs: number): number {
    const reader = this.#options.commands;
    let count = 0;
    for (; count < INPUTS_PER_CYCLE_MAX && this.#publisher.isFlushed; count++) {
      const base = reader.poll();
      if (base < 0) break;
      const command = this.#command;
      readCommand(reader.i32, base, command);
      reader.advance();
      this.#telemetry.add(Counter.commandsRead);
      const input = this.#blank(EventKind.Command);
      input.state = command.kind;
      input.valueMantissa = command.value0;
      input.aux = command.commandSeq;
      input.emitNs = command.emitNs;
      this.#apply(input, nowNs);
    }
    return count;
  }

  #takeReports(nowNs: number): number {
    let count = 0;
    for (; count < INPUTS_PER_CYCLE_MAX && this.#publisher.isFlushed; count++) {
      const report = this.#reports.shift();
      if (report === undefined) break;
      const { record } = report;
      const fillsBefore = this.#fillAppliedCount;
      const discrepanciesBefore = this.#discrepancyCount;
      this.#apply(record, nowNs, report.textKind, report.text);
      if (record.kind === EventKind.VenueAccepted) this.#telemetry.add(Counter.ordersAccepted);
      if (record.kind === EventKind.OutcomeUnknown) this.#telemetry.add(Counter.ordersUnknown);
      const isFill = record.kind === EventKind.VenueFill;
      const isQuiet = this.#discrepancyCount === discrepanciesBefore;
      if (isFill && isQuiet && this.#fillAppliedCount === fillsBefore) {
        this.#telemetry.add(Counter.fillsRepeated);
      }
    }
    return count;
  }

  #takeDeadlines(nowNs: number): number {
    let count = 0;
    for (; count < INPUTS_PER_CYCLE_MAX && this.#publisher.isFlushed; count++) {
      const orderSeq = this.#deadlines.takeDue(nowNs);
      if (orderSeq < 0) break;
      const input = this.#blank(EventKind.Deadline);
      input.orderSeq = orderSeq;
      this.#apply(input, nowNs);
    }
    return count;
  }

  /** Tells the core which markets turned stale or fresh. */
  #takeMarkets(nowNs: number): number {
    let count = 0;
    for (let index = 0; index < this.#staleTold.length && this.#publisher.isFlushed; index++) {
      const version = this.#options.boardMarkets.version(index);
      if (version === this.#marketVersions[index]) continue;
      this.#marketVersions[index] = version;
      if (this.#readMarket(index, nowNs)) count++;
      // Stops do not wait for the interval of marks.
      if (this.#core.isAwaitingPrice(index)) count += this.#tellMark(index, nowNs);
    }
    return count;
  }

  /** Copies the best prices of a market; true when its freshness changed and the core was told. */
  #readMarket(index: number, nowNs: number): boolean {
    const market = this.#market;
    this.#bidMantissa = 0;
    this.#askMantissa = 0;
    if (!this.#options.boardMarkets.read(index, market)) return false;
    if (getBoardMarketBidCount(market, 0) > 0) {
      this.#bidMantissa = getBoardLevelPriceMantissa(market, BOARD_MARKET_BIDS_WORD);
    }
    if (getBoardMarketAskCount(market, 0) > 0) {
      this.#askMantissa = getBoardLevelPriceMantissa(market, BOARD_MARKET_ASKS_WORD);
    }
    const staleReason = getBoardMarketStaleReason(market, 0);
    if (staleReason === this.#staleTold[index]) return false;
    this.#staleTold[index] = staleReason;
    const input = this.#blank(EventKind.MarketState);
    input.instrumentIndex = index;
    input.reason = staleReason;
    this.#apply(input, nowNs);
    return true;
  }

  #takeIntents(): number {
    let count = 0;
    for (const reader of this.#options.intents) {
      for (let taken = 0; taken < INPUTS_PER_CYCLE_MAX && this.#publisher.isFlushed; taken++) {
        const base = reader.poll();
        if (base < 0) break;
        readIntent(reader.i32, base, this.#intent);
        reader.advance();
        this.#onIntent();
        count++;
      }
    }
    return count;
  }

  #onIntent(): void {
    const telemetry = this.#telemetry;
    const intent = this.#intent;
    const readNs = this.#clock.nowNs();
    telemetry.add(Counter.intentsRead);
    telemetry.record(Histogram.ringHop, readNs - intent.emitNs);
    if (intent.expireNs > 0 && readNs > intent.expireNs) {
      telemetry.add(Counter.intentsRefused);
      telemetry.reject(INTENT_EXPIRED);
      return;
    }
    // The market as it is now goes into the input: a replay judges by the same prices.
    if (intent.instrumentIndex < this.#staleTold.length) {
      this.#readMarket(intent.instrumentIndex, readNs);
    }
    const input = this.#blank(EventKind.Intent);
    input.state = intent.kind;
    input.instrumentIndex = intent.instrumentIndex;
    input.strategyIndex = intent.strategyIndex;
    input.side = intent.side;
    input.orderType = intent.orderType;
    input.timeInForce = intent.timeInForce;
    input.flags = intent.flags;
    input.priceMantissa = intent.priceMantissa;
    input.sizeMantissa = intent.sizeMantissa;
    input.valueMantissa = intent.referencePriceMantissa;
    input.cumSizeMantissa = this.#bidMantissa;
    input.feeMantissa = this.#askMantissa;
    input.aux = intentAux(intent.ttlMs, intent.confidencePpm);
    input.fillKey = intent.triggerPriceMantissa;
    input.refSeq = intent.takeProfitPriceMantissa;
    input.orderSeq =
      intent.kind === IntentKind.Cancel ? intent.targetOrderSeq : intent.stopLossPriceMantissa;
    input.tickRecvNs = intent.tickRecvNs;
    input.tickVenueNs = intent.tickVenueNs;
    input.emitNs = intent.emitNs;
    this.#apply(input, readNs);
  }

  /** Prices of what is held or on order, at an interval: equity and exposure follow the market. */
  #takeMarks(nowNs: number): number {
    if (nowNs < this.#nextMarkNs) return 0;
    this.#nextMarkNs = nowNs + this.#options.markIntervalMs * NS_PER_MS;
    let count = 0;
    for (let index = 0; index < this.#staleTold.length && this.#publisher.isFlushed; index++) {
      const { position, openOrderCount } = this.#core.instrumentState(index);
      const isNeeded =
        position.sizeMantissa !== 0 || openOrderCount > 0 || this.#core.needsPrice(index);
      if (!isNeeded) continue;
      this.#readMarket(index, nowNs);
      count += this.#tellMark(index, nowNs);
    }
    return count;
  }

  /** The prices that were just read, as an input; 0: the core knows them. */
  #tellMark(index: number, nowNs: number): number {
    const isTold =
      this.#bidTold[index] === this.#bidMantissa && this.#askTold[index] === this.#askMantissa;
    if (isTold) return 0;
    this.#bidTold[index] = this.#bidMantissa;
    this.#askTold[index] = this.#askMantissa;
    const input = this.#blank(EventKind.Mark);
    input.instrumentIndex = index;
    input.priceMantissa = this.#bidMantissa;
    input.valueMantissa = this.#askMantissa;
    this.#apply(input, nowNs);
    this.#isPortfolioDirty = true;
    return 1;
  }

  #blank(kind: number): CoreRecord {
    this.#input.reset(kind);
    return this.#input;
  }

  // -------------------------------------------------------------------------------------------------- the core

  /** One input: stamped, applied, published with what follows from it, and then acted upon. */
  #apply(input: CoreRecord, nowNs: number, textKind: TextKind = TextKind.None, text = ''): void {
    const outbox = this.#outbox;
    // The core's time never runs backwards, although an intent is stamped later than its duty cycle began.
    if (nowNs > this.#lastNowNs) this.#lastNowNs = nowNs;
    input.nowNs = this.#lastNowNs;
    input.seq = this.#nextSeq++;
    outbox.clear();
    const isIntent = input.kind === EventKind.Intent;
    const startNs = isIntent ? this.#clock.nowNs() : 0;
    this.#core.apply(input, outbox);
    if (isIntent) this.#telemetry.record(Histogram.risk, this.#clock.nowNs() - startNs);

    this.#publisher.publish(input);
    if (textKind !== TextKind.None) {
      this.#publisher.publishText(input.seq, input.orderSeq, textKind, text);
    }
    for (let index = 0; index < outbox.count; index++) {
      const output = outbox.records[index];
      if (output === undefined) break;
      output.seq = this.#nextSeq++;
      output.refSeq = input.seq;
      this.#publisher.publish(output);
      if (output.kind === EventKind.OrderSend) {
        const id = clientOrderIdOf(this.#options.installId, output.orderSeq);
        this.#publisher.publishText(output.seq, output.orderSeq, TextKind.ClientOrderId, id);
      }
    }
    const isOut = this.#publisher.isFlushed;
    for (let index = 0; index < outbox.count; index++) {
      const output = outbox.records[index];
      if (output === undefined) break;
      const isNext = this.#heldActs.length === 0;
      if (isOut && isNext && this.#isDurable(output)) this.#act(output);
      else this.#heldActs.push(Object.assign(new CoreRecord(), output));
    }
    this.#publisher.wake();
  }

  #actHeld(): number {
    if (this.#heldActs.length === 0) return 0;
    const acts = this.#heldActs;
    let count = 0;
    for (const output of acts) {
      if (!this.#isDurable(output)) break;
      this.#act(output);
      count++;
    }
    this.#heldActs = acts.slice(count);
    return count;
  }

  /** Whether nothing that the venue would see comes before its record is safe. */
  #isDurable(output: CoreRecord): boolean {
    const { durable } = this.#options;
    return durable === null || durable.get() >= output.seq;
  }

  #act(output: CoreRecord): void {
    const telemetry = this.#telemetry;
    switch (output.kind) {
      case EventKind.OrderSend:
        // Orders that close a position at a person's wish come from no intent.
        if (output.emitNs > 0) telemetry.add(Counter.intentsApproved);
        this.#touch(output.instrumentIndex);
        this.#session?.place(output);
        break;
      case EventKind.CancelSend:
        this.#session?.cancel(output.orderSeq);
        break;
      case EventKind.OrderQuery:
        this.#session?.query(output.orderSeq);
        break;
      case EventKind.DeadlineSet:
        this.#deadlines.set(output.orderSeq, output.valueMantissa);
        break;
      case EventKind.IntentRefused:
        telemetry.add(Counter.intentsRefused);
        telemetry.reject(output.reason);
        break;
      case EventKind.OrderChanged:
        this.#countChange(output);
        this.#touch(output.instrumentIndex);
        break;
      case EventKind.FillApplied:
        this.#fillAppliedCount++;
        telemetry.add(Counter.fillsApplied);
        break;
      case EventKind.Discrepancy:
        this.#discrepancyCount++;
        telemetry.add(Counter.discrepancies);
        telemetry.reject(output.reason);
        this.#options.log(
          `discrepancy ${codeAt(output.reason)}: ours=${String(output.valueMantissa)}, ` +
            `venue=${String(output.cumSizeMantissa)}, order=${String(output.orderSeq)}`,
        );
        break;
      case EventKind.PositionChanged:
        this.#touch(output.instrumentIndex);
        break;
      case EventKind.BalanceChanged:
      case EventKind.TradingStateChanged:
        this.#isPortfolioDirty = true;
        break;
      default:
    }
  }

  #countChange(output: CoreRecord): void {
    const telemetry = this.#telemetry;
    switch (output.state) {
      case OrderState.Filled:
        telemetry.add(Counter.ordersFilled);
        break;
      case OrderState.Canceled:
      case OrderState.Expired:
        telemetry.add(Counter.ordersCanceled);
        break;
      case OrderState.Rejected:
        telemetry.add(Counter.ordersRejected);
        telemetry.reject(output.reason);
        break;
      default:
    }
  }

  /** Orders that are neither ended nor, when they may stay, resting with all their fills in. */
  #hasOpenBusiness(): boolean {
    if (this.#options.stopPolicy === 'cancel') return this.#core.openOrderCount > 0;
    for (const order of this.#core.openOrders()) {
      const isResting =
        order.state === OrderState.Open || order.state === OrderState.PartiallyFilled;
      if (!isResting || order.venueCumMantissa > order.filledMantissa) return true;
    }
    return false;
  }

  // -------------------------------------------------------------------------------------------------- boards

  #touch(instrumentIndex: number): void {
    this.#isPositionDirty[instrumentIndex] = true;
    this.#isPortfolioDirty = true;
  }

  #writeBoards(nowNs: number): void {
    // Without a venue to trade at there is no truth to wait for.
    const isReady = this.#core.isReconciled || this.#options.venue === null;
    if (!this.#hasStarted && isReady) {
      this.#hasStarted = true;
      this.#isPortfolioDirty = true;
    }
    for (let index = 0; index < this.#isPositionDirty.length; index++) {
      if (this.#isPositionDirty[index] === true) this.#writePosition(index, nowNs);
    }
    if (this.#isPortfolioDirty) this.#writePortfolio(nowNs);
  }

  #writePosition(index: number, nowNs: number): void {
    this.#isPositionDirty[index] = false;
    const { position, openOrderCount } = this.#core.instrumentState(index);
    const cells = this.#options.boardPositions;
    const base = cells.begin(index);
    writeBoardPosition(cells.i32, base, {
      sizeMantissa: position.sizeMantissa,
      avgEntryPriceMantissa: averageEntryPriceMantissa(position),
      costMantissa: saturate(position.costMantissa),
      realizedMantissa: saturate(position.realizedMantissa),
      feesMantissa: saturate(position.feesMantissa),
      fillCount: position.fillCount,
      openOrderCount,
      updatedNs: nowNs,
    });
    cells.end(index);
  }

  #writePortfolio(nowNs: number): void {
    this.#isPortfolioDirty = false;
    const core = this.#core;
    const figures = this.#figures;
    core.figures(figures);
    const cells = this.#options.boardPortfolio;
    const base = cells.begin(0);
    writeBoardPortfolio(cells.i32, base, {
      cashMantissa: figures.cashMantissa,
      equityMantissa: figures.equityMantissa,
      exposureMantissa: figures.exposureMantissa,
      updatedNs: nowNs,
      moneyScale: BALANCE_SCALE,
      // Until the venue's truth is in for the first time nobody may act on what the journal alone says.
      tradingState: this.#hasStarted ? core.tradingState : TradingState.None,
      reason: core.state.tradingReason,
      openOrderCount: core.openOrderCount,
    });
    cells.end(0);
  }
}
