/**
 * execution-core: the single writer of orders, positions and balances. `apply(input, outbox)` is the only way in; what
 * it knows of the world is in the inputs (fields by kind: docs/order-lifecycle.md), what it wants is in the outputs.
 * @hotpath (intents; reports of a venue are not the tick's path and may use bigint)
 *
 *   intents ───┐                    ┌──▶ OrderSend, CancelSend, OrderQuery ──▶ venue
 *   commands ──┤   ┌────────────┐   │
 *   reports ───┼──▶│   apply    │───┼──▶ OrderChanged, FillApplied, PositionChanged, BalanceChanged, … ──▶ journal, screens
 *   marks ─────┤   └────────────┘   │
 *   deadlines ─┘    state in here   └──▶ DeadlineSet ──▶ timer wheel ──▶ Deadline
 *
 * Execution thread. No clock, no chance, no I/O: the same inputs give the same outputs and the same state hash.
 * State after a restart is made by applying the inputs of all earlier runs; there is no other start.
 *
 * Invariants: a position changes on fills only, once per fill key; what open orders may still trade, and the money set
 * aside for it, is counted at every moment; nothing is sent that the risk gate has not approved; what comes from outside
 * never throws: what cannot be is a Discrepancy, and nothing changes.
 */
import { assert, must } from '../domain/assert.js';
import { CommandKind, EventKind, ORDER_SEQ_PER_RUN, TradingState } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import type { FeeSchedule } from '../domain/fees.js';
import type { Instrument } from '../domain/instrument.js';
import {
  IntentKind,
  OrderEvent,
  OrderFlag,
  OrderState,
  OrderType,
  Side,
  TimeInForce,
  applyOrderEvent,
  endsByItself,
  isTerminal,
} from '../domain/order.js';
import type { Order } from '../domain/order.js';
import { atBalanceScale, joinBalance } from '../domain/portfolio.js';
import type { Currency, Ledger, PortfolioFigures } from '../domain/portfolio.js';
import { applyFill, sizeAfter } from '../domain/position.js';
import type { Position } from '../domain/position.js';
import { bandEdge, riskLimitProblems, toTickInside } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import {
  emitBalanceChanged,
  emitBalanceDiscrepancy,
  emitCommandDone,
  emitDeadlineSet,
  emitDiscrepancy,
  emitFillApplied,
  emitIntentRefused,
  emitOrder,
  emitOrderSend,
  emitPositionChanged,
  emitTradingState,
} from './core-outputs.js';
import { CoreState, NEVER_NS, STALE_AT_START } from './core-state.js';
import type { InstrumentState } from './core-state.js';
import { OrderDraft, RiskGate } from './risk-gate.js';
import type { ApprovedDraft } from './risk-gate.js';
import { coreStateHash, coreStateText } from './state-hash.js';

export interface ExecutionCoreOptions {
  /** By instrument index, without holes. */
  readonly instruments: readonly Instrument[];
  readonly limits: RiskLimits;
  /** What is set aside for the fee of a buy; the fee that counts is the one in the fill. */
  readonly fees: FeeSchedule;
  /** What becomes of open orders at CoreStopping. */
  readonly stopPolicy: 'cancel' | 'keep';
  /** Orders kept at the same time: the open ones, and as many ended ones as fit. At least `limits.openOrdersMax`. */
  readonly orderSlots: number;
  /** No answer to an order or cancel by then: the venue is asked; the same again between two questions. */
  readonly answerTimeoutMs: number;
}

const NS_PER_MS = 1_000_000;

const OUTCOME_UNKNOWN = codeIndex('ORDER_OUTCOME_UNKNOWN');
const VENUE_REJECTED = codeIndex('VENUE_REJECTED');
const UNKNOWN_ORDER = codeIndex('VENUE_UNKNOWN_ORDER');
const INSTRUMENT_UNKNOWN = codeIndex('INSTRUMENT_UNKNOWN');
const OPEN_ORDERS = codeIndex('RISK_OPEN_ORDERS');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');
const FILL_FOREIGN = codeIndex('RECONCILE_FILL_FOREIGN');
const OVERFILL = codeIndex('RECONCILE_OVERFILL');
const WENT_SHORT = codeIndex('RECONCILE_SHORT');
const CLOSED_EARLY = codeIndex('RECONCILE_CLOSED_EARLY');
const ORDER_ALIVE = codeIndex('RECONCILE_ORDER_ALIVE');
const ORDER_ADOPTED = codeIndex('RECONCILE_ORDER_ADOPTED');
const BALANCE_DIFFERS = codeIndex('RECONCILE_BALANCE');
const ORDER_INVALID = codeIndex('ORDER_INVALID');
const TRADING_HALTED = codeIndex('RISK_TRADING_HALTED');
const BAD_REQUEST = codeIndex('API_BAD_REQUEST');

const FILL_KEY_SUM_MODULUS = 2 ** 52;
/** Ledger units of one fill: a sum of billions of them still fits a WideSum. With ten decimals: 10^11 dollars. */
const FILL_UNITS_MAX = 2 ** 70;

/** Records that one input can cause at most: what the agent's outbox must hold. */
export function outboxCapacity(orderSlots: number, instrumentCount: number): number {
  return 32 + 4 * orderSlots + 4 * instrumentCount;
}

export class ExecutionCore {
  /** Everything the core knows. For reading; the core alone writes it. */
  readonly state: CoreState;
  readonly #gate: RiskGate;
  readonly #limits: RiskLimits;
  readonly #stopPolicy: 'cancel' | 'keep';
  readonly #answerTimeoutNs: number;
  readonly #draft = new OrderDraft();

  constructor(options: ExecutionCoreOptions) {
    const problems = riskLimitProblems(options.limits);
    assert(problems.length === 0, `risk limits inside their bounds: ${problems.join('; ')}`);
    assert(
      options.orderSlots >= options.limits.openOrdersMax,
      `a slot for every open order: orderSlots=${options.orderSlots}, openOrdersMax=${options.limits.openOrdersMax}`,
    );
    options.instruments.forEach((instrument, index) => {
      assert(
        instrument.index === index,
        `instrument at its index: ${instrument.index} at ${index}`,
      );
    });
    this.state = new CoreState(options.instruments, options.limits, options.orderSlots);
    this.#gate = new RiskGate({ state: this.state, limits: options.limits, fees: options.fees });
    this.#limits = options.limits;
    this.#stopPolicy = options.stopPolicy;
    this.#answerTimeoutNs = options.answerTimeoutMs * NS_PER_MS;
  }

  /** Applies one input and appends what follows from it. Keeps neither record. */
  apply(input: CoreRecord, outbox: Outbox): void {
    switch (input.kind) {
      case EventKind.Intent:
        this.#onIntent(input, outbox);
        break;
      case EventKind.Mark:
        this.#onMark(input, outbox);
        break;
      case EventKind.MarketState:
        this.#onMarketState(input, outbox);
        break;
      case EventKind.VenueAccepted:
        this.#onAccepted(input, outbox);
        break;
      case EventKind.VenueRejected:
        this.#onRejected(input, outbox);
        break;
      case EventKind.VenueFill:
        this.#onFill(input, outbox);
        break;
      case EventKind.VenueStatus:
        this.#onStatus(input, outbox);
        break;
      case EventKind.CancelRejected:
        this.#onCancelRejected(input, outbox);
        break;
      case EventKind.OutcomeUnknown:
        this.#onOutcomeUnknown(input, outbox);
        break;
      case EventKind.Deadline:
        this.#onDeadline(input, outbox);
        break;
      case EventKind.Command:
        this.#onCommand(input, outbox);
        break;
      case EventKind.RunStarted:
        this.#onRunStarted(input, outbox);
        break;
      case EventKind.VenueSession:
        this.#onSession(input);
        break;
      case EventKind.ReconcileOrder:
        this.#onReconcileOrder(input, outbox);
        break;
      case EventKind.ReconcileBalance:
        this.#onReconcileBalance(input, outbox);
        break;
      case EventKind.ReconcileDone:
        this.#onReconcileDone(input, outbox);
        break;
      case EventKind.CoreStopping:
        this.#onStopping(input, outbox);
        break;
      default:
        assert(false, `kind of an input: kind=${input.kind}`);
    }
    if (this.state.flatteningCount > 0) this.#flatten(input.nowNs, outbox);
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** SHA-256 over everything the core knows. Cold. */
  stateHash(): string {
    return coreStateHash(this.state);
  }

  /** What the hash is made of, line by line, for finding the difference between two cores. */
  stateText(): string {
    return coreStateText(this.state);
  }

  get tradingState(): TradingState {
    return this.state.tradingState;
  }

  get isReconciled(): boolean {
    return this.state.isReconciled;
  }

  get openOrderCount(): number {
    return this.state.orders.openCount;
  }

  get currencies(): readonly Currency[] {
    return this.state.currencies;
  }

  instrumentState(instrumentIndex: number): Readonly<InstrumentState> {
    return must(this.state.instruments[instrumentIndex], 'instrument');
  }

  position(instrumentIndex: number): Readonly<Position> {
    return this.instrumentState(instrumentIndex).position;
  }

  order(orderSeq: number): Readonly<Order> | undefined {
    return this.state.orders.find(orderSeq);
  }

  /** Open orders, oldest first: those that may still trade, and those of which fills are still missing. */
  *openOrders(): IterableIterator<Readonly<Order>> {
    const { orders } = this.state;
    for (let order = orders.firstOpen(); order !== undefined; order = orders.nextOpen(order))
      yield order;
  }

  /** Cold: figures in the quote currency of instrument 0, at BALANCE_SCALE. Unknown stays unknown. */
  figures(out: PortfolioFigures): void {
    const { instruments, ledgers } = this.state;
    const report = must(instruments[0], 'instrument 0').quote;
    const { scale } = report.currency;
    let isKnown = report.isKnown;
    let equity = report.total.toBig();
    let exposure = 0n;
    for (const ledger of ledgers) {
      if (ledger === report) continue;
      if (!ledger.isKnown) isKnown = false;
      const held = ledger.total.toBig();
      if (held === 0n) continue;
      const priced = instruments.find(
        (one) => one.base === ledger && one.quote === report && one.bidMantissa > 0,
      );
      if (priced === undefined) {
        isKnown = false;
        continue;
      }
      const value = valueAt(held, ledger.currency.scale, priced, scale);
      equity += value;
      exposure += value < 0n ? -value : value;
    }
    out.cashMantissa = atBalanceScale(report.total.toBig(), scale);
    out.equityMantissa = atBalanceScale(equity, scale);
    out.exposureMantissa = atBalanceScale(exposure, scale);
    out.isKnown = isKnown;
  }

  // ── intents and commands ───────────────────────────────────────────────────────────────────────────────────────

  #onIntent(input: CoreRecord, outbox: Outbox): void {
    const target = this.state.instruments[input.instrumentIndex];
    if (target !== undefined && input.cumSizeMantissa > 0 && input.feeMantissa > 0) {
      target.bidMantissa = input.cumSizeMantissa;
      target.askMantissa = input.feeMantissa;
      target.markNs = input.nowNs;
    }
    if (input.state === IntentKind.CancelAll) {
      this.#cancelOpen(input.nowNs, outbox, input.strategyIndex, input.instrumentIndex);
      return;
    }
    if (input.state !== IntentKind.Place) {
      this.#gate.verdict.reason = ORDER_INVALID;
      this.#gate.verdict.actual = input.state;
      this.#gate.verdict.limit = 0;
      emitIntentRefused(outbox, input, this.#gate.verdict);
      return;
    }
    const draft = this.#draft;
    draft.orderSeq = this.#nextOrderSeq();
    draft.instrumentIndex = input.instrumentIndex;
    draft.strategyIndex = input.strategyIndex;
    draft.side = input.side;
    draft.orderType = input.orderType;
    draft.timeInForce = input.timeInForce;
    draft.flags = input.flags & (OrderFlag.PostOnly | OrderFlag.ReduceOnly);
    draft.priceMantissa = input.priceMantissa;
    draft.sizeMantissa = input.sizeMantissa;
    draft.ttlMs = input.aux > 0 ? input.aux : 0;
    draft.referencePriceMantissa = input.valueMantissa;
    draft.tickRecvNs = input.tickRecvNs;
    draft.tickVenueNs = input.tickVenueNs;
    draft.emitNs = input.emitNs;
    draft.isFlatten = false;
    draft.nowNs = input.nowNs;
    const approved = this.#gate.approve(draft);
    if (approved === null) emitIntentRefused(outbox, input, this.#gate.verdict);
    else this.#send(approved, input.nowNs, outbox);
  }

  /** The only place where an order begins; takes nothing but what the gate has approved. */
  #send(approved: ApprovedDraft, nowNs: number, outbox: Outbox): void {
    const { state } = this;
    state.orderCount++;
    const order = must(
      state.orders.take(approved.orderSeq),
      'free order slot (the gate has checked)',
    );
    const target = must(state.instruments[approved.instrumentIndex], 'instrument');
    target.openOrderCount++;
    order.instrumentIndex = approved.instrumentIndex;
    order.strategyIndex = approved.strategyIndex;
    order.side = approved.side;
    order.orderType = approved.orderType;
    order.timeInForce = approved.timeInForce;
    order.flags = approved.flags;
    order.priceMantissa = approved.priceMantissa;
    order.sizeMantissa = approved.sizeMantissa;
    order.ttlMs = approved.ttlMs;
    order.sentNs = nowNs;
    assert(applyOrderEvent(order, OrderEvent.Submit), 'a blank order can be submitted');
    state.sentTimesNs[state.sentIndex] = nowNs;
    state.sentIndex = state.sentIndex + 1 === state.sentTimesNs.length ? 0 : state.sentIndex + 1;
    emitOrderSend(outbox, approved, order.state, nowNs);
    this.#count(order);
    this.#watch(order, nowNs, outbox);
  }

  #nextOrderSeq(): number {
    return this.state.run * ORDER_SEQ_PER_RUN + this.state.orderCount + 1;
  }

  #onCommand(input: CoreRecord, outbox: Outbox): void {
    const { state } = this;
    let reason = 0;
    switch (input.state) {
      case CommandKind.Halt:
        this.#setTradingState(TradingState.Halted, 0, input.nowNs, outbox);
        this.#cancelOpen(input.nowNs, outbox, ANY, ANY);
        break;
      case CommandKind.Resume:
        if (state.isStopping) {
          reason = TRADING_HALTED;
          break;
        }
        this.#endFlattening();
        this.#setTradingState(TradingState.Active, 0, input.nowNs, outbox);
        break;
      case CommandKind.CancelAll:
        this.#cancelOpen(input.nowNs, outbox, ANY, ANY);
        break;
      case CommandKind.Flatten:
        // Strategies must not buy back what is being sold.
        if (state.tradingState === TradingState.Active) {
          this.#setTradingState(TradingState.Reducing, 0, input.nowNs, outbox);
        }
        this.#cancelOpen(input.nowNs, outbox, ANY, ANY);
        for (const target of state.instruments) {
          if (target.isFlattening || target.position.sizeMantissa === 0) continue;
          target.isFlattening = true;
          state.flatteningCount++;
        }
        break;
      case CommandKind.Shutdown:
        state.isStopping = true;
        break;
      default:
        reason = BAD_REQUEST;
    }
    emitCommandDone(outbox, input, reason);
  }

  #setTradingState(
    tradingState: TradingState,
    reason: number,
    nowNs: number,
    outbox: Outbox,
  ): void {
    const { state } = this;
    if (state.tradingState === tradingState && state.tradingReason === reason) return;
    state.tradingState = tradingState;
    state.tradingReason = reason;
    emitTradingState(outbox, state, nowNs);
  }

  /** One step for every position that a person wants closed: when nothing of it is open any more, the rest is sold. */
  #flatten(nowNs: number, outbox: Outbox): void {
    for (const target of this.state.instruments) {
      if (!target.isFlattening || target.openOrderCount > 0) continue;
      const { instrument, position } = target;
      const held = Math.abs(position.sizeMantissa);
      const lots = Math.min(held, target.sizeMaxMantissa);
      const sizeMantissa = lots - (lots % instrument.lotMantissa);
      if (sizeMantissa === 0 || sizeMantissa < instrument.sizeMinMantissa) {
        // Nothing is left, or less than the venue takes.
        target.isFlattening = false;
        this.state.flatteningCount--;
        continue;
      }
      const side = position.sizeMantissa > 0 ? Side.Sell : Side.Buy;
      const opposite = side === Side.Sell ? target.bidMantissa : target.askMantissa;
      const draft = this.#draft;
      draft.orderSeq = this.#nextOrderSeq();
      draft.instrumentIndex = instrument.index;
      draft.strategyIndex = 0;
      draft.side = side;
      draft.orderType = OrderType.Limit;
      draft.timeInForce = TimeInForce.Ioc;
      draft.flags = 0;
      draft.priceMantissa = toTickInside(
        instrument,
        side,
        bandEdge(side, opposite, this.#limits.priceBandBps),
      );
      draft.sizeMantissa = sizeMantissa;
      draft.ttlMs = 0;
      draft.referencePriceMantissa = opposite;
      draft.tickRecvNs = 0;
      draft.tickVenueNs = 0;
      draft.emitNs = 0;
      draft.isFlatten = true;
      // Refused now (stale market, session down, rate): tried again at the next input.
      draft.nowNs = nowNs;
      const approved = this.#gate.approve(draft);
      if (approved !== null) this.#send(approved, nowNs, outbox);
    }
  }

  #endFlattening(): void {
    for (const target of this.state.instruments) target.isFlattening = false;
    this.state.flatteningCount = 0;
  }

  // ── cancels ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Open orders of a strategy in an instrument; ANY for all. */
  #cancelOpen(nowNs: number, outbox: Outbox, strategyIndex: number, instrumentIndex: number): void {
    const { orders } = this.state;
    let order = orders.firstOpen();
    while (order !== undefined) {
      const next = orders.nextOpen(order);
      if (
        (strategyIndex === ANY || order.strategyIndex === strategyIndex) &&
        (instrumentIndex === ANY || order.instrumentIndex === instrumentIndex)
      ) {
        this.#askCancel(order, nowNs, outbox);
      }
      order = next;
    }
  }

  /** Wants the order off the book. Once per order: what is already wanted, ended or ends by itself is left alone. */
  #askCancel(order: Order, nowNs: number, outbox: Outbox): void {
    if (isTerminal(order.state) || order.venueFinalState !== OrderState.None) return;
    if (endsByItself(order.timeInForce) || (order.flags & OrderFlag.CancelRequested) !== 0) return;
    order.flags |= OrderFlag.CancelRequested;
    this.#sendCancel(order, nowNs, outbox);
  }

  #sendCancel(order: Order, nowNs: number, outbox: Outbox): void {
    const before = order.state;
    assert(
      applyOrderEvent(order, OrderEvent.CancelAsk),
      `a live order can be cancelled: state=${before}`,
    );
    if (order.state === OrderState.PendingCancel)
      emitOrder(outbox, EventKind.CancelSend, order, 0, nowNs);
    else emitOrder(outbox, EventKind.OrderChanged, order, 0, nowNs);
    this.#settle(order, before, 0, nowNs, outbox);
  }

  // ── reports of the venue ───────────────────────────────────────────────────────────────────────────────────────

  #onAccepted(input: CoreRecord, outbox: Outbox): void {
    const order = this.#find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    order.seenRound = this.state.round;
    order.askedNs = 0;
    if (!this.#move(order, OrderEvent.Accept, input, outbox)) return;
    this.#settle(order, before, input.reason, input.nowNs, outbox);
    this.#afterReport(order, before, input, outbox);
  }

  #onRejected(input: CoreRecord, outbox: Outbox): void {
    const order = this.#find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    order.askedNs = 0;
    if (!this.#move(order, OrderEvent.Refuse, input, outbox)) return;
    if (before !== order.state) order.reason = input.reason === 0 ? VENUE_REJECTED : input.reason;
    this.#settle(order, before, order.reason, input.nowNs, outbox);
  }

  #onStatus(input: CoreRecord, outbox: Outbox): void {
    const order = this.#find(input, outbox);
    if (order !== undefined) this.#applyStatus(order, input, outbox);
  }

  /** The venue's own view. It moves the state, never the position; an end waits for the fills that it counts. */
  #applyStatus(order: Order, input: CoreRecord, outbox: Outbox): void {
    const before = order.state;
    const cum = input.cumSizeMantissa;
    const target = must(this.state.instruments[order.instrumentIndex], 'instrument');
    if (cum < 0 || !isSizePossible(target, cum) || !isVenueState(input.state)) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
      return;
    }
    order.seenRound = this.state.round;
    if (
      order.isSizeKnown === 0 &&
      input.sizeMantissa > 0 &&
      isSizePossible(target, input.sizeMantissa)
    ) {
      order.sizeMantissa = Math.max(input.sizeMantissa, order.filledMantissa);
      order.isSizeKnown = 1;
    }
    // Reports may overtake each other: the highest sum is the newest.
    if (cum > order.venueCumMantissa) order.venueCumMantissa = cum;
    const isEnd = isTerminal(input.state);
    if (input.state === OrderState.Filled && cum === 0) order.venueCumMantissa = order.sizeMantissa;
    const isMissingFills = order.venueCumMantissa > order.filledMantissa;
    if (isEnd && isMissingFills && !isTerminal(order.state)) {
      if (order.venueFinalState === OrderState.None) order.deadlineNs = 0;
      order.venueFinalState = input.state;
      order.reason = input.reason;
    }
    const event = isEnd && !isMissingFills ? endEvent(input.state) : OrderEvent.StatusLive;
    const isCancelLost =
      order.askedNs !== 0 &&
      before === OrderState.PendingCancel &&
      event === OrderEvent.StatusLive &&
      !isEnd;
    // The question is answered, unless it was asked because of fills.
    if (!isMissingFills) order.askedNs = 0;
    if (isEnd && isMissingFills && isTerminal(order.state)) {
      // Ended here already; the venue counts fills that have not come: they count as exposure until they have.
      this.#settle(order, before, 0, input.nowNs, outbox);
      return;
    }
    if (!this.#move(order, event, input, outbox)) return;
    if (before !== order.state && isTerminal(order.state)) order.reason = input.reason;
    this.#noteClosedEarly(order, before, input, outbox);
    this.#settle(order, before, input.reason, input.nowNs, outbox);
    if (isCancelLost) {
      order.askedNs = 0;
      order.deadlineNs = 0;
      this.#sendCancel(order, input.nowNs, outbox);
      return;
    }
    this.#afterReport(order, before, input, outbox);
  }

  #onFill(input: CoreRecord, outbox: Outbox): void {
    const { state } = this;
    const target = state.instruments[input.instrumentIndex];
    if (target === undefined) {
      emitDiscrepancy(outbox, input, INSTRUMENT_UNKNOWN, undefined);
      return;
    }
    if (!isFillPossible(input, target)) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return;
    }
    if (state.fillKeys.has(input.fillKey)) return;
    if (input.orderSeq <= 0) {
      emitDiscrepancy(outbox, input, FILL_FOREIGN, undefined);
      return;
    }
    const order = state.orders.find(input.orderSeq) ?? this.#adopt(input, outbox, false);
    if (order === undefined) return;
    if (order.instrumentIndex !== input.instrumentIndex || order.side !== input.side) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
      return;
    }
    this.#book(order, target, input, outbox);
  }

  /** The fill is new, possible and ours: the books follow it. Cold beside the path of an intent: BigInt. */
  #book(order: Order, target: InstrumentState, input: CoreRecord, outbox: Outbox): void {
    const { state } = this;
    const before = order.state;
    const { side, priceMantissa: price, sizeMantissa: size, feeMantissa: fee, nowNs } = input;
    state.fillKeys.add(input.fillKey);
    state.fillKeySum =
      (state.fillKeySum + (input.fillKey % FILL_KEY_SUM_MODULUS)) % FILL_KEY_SUM_MODULUS;
    applyFill(target.position, side, price, size, fee);
    const sign = side === Side.Buy ? 1n : -1n;
    target.base.total.addBig(sign * BigInt(size) * BigInt(target.baseFactor));
    target.quote.total.addBig(
      -(sign * BigInt(price) * BigInt(size) + BigInt(fee)) * BigInt(target.quoteFactor),
    );
    target.base.movedNs = nowNs;
    target.quote.movedNs = nowNs;
    order.filledMantissa += size;
    if (order.filledMantissa > order.venueCumMantissa)
      order.venueCumMantissa = order.filledMantissa;
    if (order.isSizeKnown === 0) order.sizeMantissa = order.filledMantissa;
    const event = fillEvent(order);
    assert(
      applyOrderEvent(order, event),
      `a fill has a row in every state: state=${before}, event=${event}`,
    );
    this.#endWhenComplete(order);
    emitFillApplied(outbox, input, order);
    emitPositionChanged(outbox, target, order.strategyIndex, nowNs);
    if (event === OrderEvent.FillOver) emitDiscrepancy(outbox, input, OVERFILL, order);
    if (target.position.sizeMantissa < 0) emitDiscrepancy(outbox, input, WENT_SHORT, order);
    this.#noteClosedEarly(order, before, input, outbox);
    this.#settle(order, before, isTerminal(order.state) ? order.reason : 0, nowNs, outbox);
    emitBalanceChanged(outbox, target.base, nowNs);
    emitBalanceChanged(outbox, target.quote, nowNs);
    this.#afterReport(order, before, input, outbox);
  }

  /** The end that the venue stated earlier comes true when the last fill that it counts is here. */
  #endWhenComplete(order: Order): void {
    if (order.venueFinalState === OrderState.None || order.filledMantissa < order.venueCumMantissa)
      return;
    const event = endEvent(order.venueFinalState);
    order.venueFinalState = OrderState.None;
    order.askedNs = 0;
    if (!isTerminal(order.state)) {
      assert(
        applyOrderEvent(order, event),
        `an end has a row in every live state: state=${order.state}`,
      );
    }
  }

  #noteClosedEarly(order: Order, before: number, input: CoreRecord, outbox: Outbox): void {
    if (order.state !== OrderState.Filled || before === OrderState.Filled) return;
    if (order.filledMantissa < order.sizeMantissa)
      emitDiscrepancy(outbox, input, CLOSED_EARLY, order);
  }

  #onCancelRejected(input: CoreRecord, outbox: Outbox): void {
    const order = this.#find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    if (input.reason === UNKNOWN_ORDER && before === OrderState.PendingCancel) {
      // Ended a moment ago, most likely; the venue will say how.
      this.#ask(order, UNKNOWN_ORDER, input.nowNs, outbox);
      return;
    }
    const event =
      order.filledMantissa === 0 ? OrderEvent.CancelRefuse : OrderEvent.CancelRefusePartly;
    if (!this.#move(order, event, input, outbox)) return;
    // Still wanted: tried again after the answer timeout (#watch).
    this.#settle(order, before, input.reason, input.nowNs, outbox);
  }

  #onOutcomeUnknown(input: CoreRecord, outbox: Outbox): void {
    const order = this.#find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    const reason = input.reason === 0 ? OUTCOME_UNKNOWN : input.reason;
    if (!this.#move(order, OrderEvent.Unanswered, input, outbox)) return;
    this.#settle(order, before, reason, input.nowNs, outbox);
    if (order.state === OrderState.Unknown || order.state === OrderState.PendingCancel) {
      this.#ask(order, reason, input.nowNs, outbox);
    }
  }

  #onDeadline(input: CoreRecord, outbox: Outbox): void {
    const order = this.state.orders.find(input.orderSeq);
    if (order === undefined || order.deadlineNs === 0 || input.nowNs < order.deadlineNs) return;
    const before = order.state;
    order.deadlineNs = 0;
    order.askedNs = 0;
    switch (order.state) {
      case OrderState.PendingNew:
        assert(
          applyOrderEvent(order, OrderEvent.Unanswered),
          'a pending order can stay unanswered',
        );
        this.#settle(order, before, OUTCOME_UNKNOWN, input.nowNs, outbox);
        this.#ask(order, OUTCOME_UNKNOWN, input.nowNs, outbox);
        break;
      case OrderState.Open:
      case OrderState.PartiallyFilled:
        if (order.venueFinalState !== OrderState.None || endsByItself(order.timeInForce)) {
          this.#ask(order, OUTCOME_UNKNOWN, input.nowNs, outbox);
        } else if ((order.flags & OrderFlag.CancelRequested) !== 0) {
          this.#sendCancel(order, input.nowNs, outbox);
        } else {
          this.#askCancel(order, input.nowNs, outbox);
        }
        break;
      default:
        // Ended, and the fills that it waited for have come: nothing is left to ask.
        if (this.#waitNs(order) !== 0) this.#ask(order, OUTCOME_UNKNOWN, input.nowNs, outbox);
    }
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────────────────────────

  #onMark(input: CoreRecord, outbox: Outbox): void {
    const target = this.state.instruments[input.instrumentIndex];
    const isPossible =
      Number.isSafeInteger(input.priceMantissa) &&
      Number.isSafeInteger(input.valueMantissa) &&
      input.priceMantissa >= 0 &&
      input.valueMantissa >= 0;
    if (target === undefined || !isPossible) {
      emitDiscrepancy(
        outbox,
        input,
        target === undefined ? INSTRUMENT_UNKNOWN : REPORT_IMPOSSIBLE,
        undefined,
      );
      return;
    }
    target.bidMantissa = input.priceMantissa;
    target.askMantissa = input.valueMantissa;
    target.markNs = input.nowNs;
  }

  #onMarketState(input: CoreRecord, outbox: Outbox): void {
    const target = this.state.instruments[input.instrumentIndex];
    if (target === undefined) emitDiscrepancy(outbox, input, INSTRUMENT_UNKNOWN, undefined);
    else target.staleReason = input.reason;
  }

  // ── runs, sessions and reconciliation ──────────────────────────────────────────────────────────────────────────

  #onRunStarted(input: CoreRecord, outbox: Outbox): void {
    const { state } = this;
    assert(input.aux > state.run, `run numbers grow: run=${input.aux}, before=${state.run}`);
    state.run = input.aux;
    state.orderCount = 0;
    state.isSessionUp = false;
    state.isReconciled = false;
    state.isStopping = false;
    state.round++;
    state.sentTimesNs.fill(NEVER_NS);
    state.sentIndex = 0;
    this.#endFlattening();
    for (const target of state.instruments) {
      target.bidMantissa = 0;
      target.askMantissa = 0;
      target.markNs = -1;
      target.staleReason = STALE_AT_START;
    }
    for (const ledger of state.ledgers) ledger.movedNs = -1;
    for (const order of state.orders.kept()) {
      order.deadlineNs = 0;
      order.askedNs = 0;
    }
    // A halt outlives the run: only a person resumes.
    emitTradingState(outbox, state, input.nowNs);
  }

  #onSession(input: CoreRecord): void {
    const { state } = this;
    const isUp = input.state === 1;
    if (isUp === state.isSessionUp) return;
    state.isSessionUp = isUp;
    // What happened while nobody listened is not known.
    state.isReconciled = false;
    state.round++;
  }

  #onReconcileOrder(input: CoreRecord, outbox: Outbox): void {
    if (input.orderSeq <= 0) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return;
    }
    const known = this.state.orders.find(input.orderSeq);
    if (known !== undefined) {
      this.#applyStatus(known, input, outbox);
      return;
    }
    // An end without fills leaves nothing to look after.
    if (isTerminal(input.state) && input.cumSizeMantissa === 0 && input.state !== OrderState.Filled)
      return;
    const adopted = this.#adopt(input, outbox, true);
    if (adopted !== undefined) this.#applyStatus(adopted, input, outbox);
  }

  /** An order of ours that the journal does not know (any more), from the venue's listing or from one of its fills. */
  #adopt(input: CoreRecord, outbox: Outbox, isSizeKnown: boolean): Order | undefined {
    const { state } = this;
    const target = state.instruments[input.instrumentIndex];
    const isPossible =
      target !== undefined &&
      (input.side === Side.Buy || input.side === Side.Sell) &&
      isSizePossible(target, input.sizeMantissa) &&
      Number.isSafeInteger(input.priceMantissa) &&
      input.sizeMantissa > 0 &&
      input.priceMantissa >= 0;
    if (!isPossible) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return undefined;
    }
    const order = state.orders.take(input.orderSeq);
    if (order === undefined) {
      emitDiscrepancy(outbox, input, OPEN_ORDERS, undefined);
      return undefined;
    }
    target.openOrderCount++;
    order.instrumentIndex = input.instrumentIndex;
    order.strategyIndex = input.strategyIndex;
    order.side = input.side;
    order.orderType = isSizeKnown ? input.orderType : OrderType.Limit;
    order.timeInForce = isSizeKnown ? input.timeInForce : TimeInForce.Gtc;
    order.flags = OrderFlag.Adopted | (isSizeKnown ? input.flags & OrderFlag.PostOnly : 0);
    order.priceMantissa = input.priceMantissa;
    order.sizeMantissa = isSizeKnown ? input.sizeMantissa : 0;
    order.isSizeKnown = isSizeKnown ? 1 : 0;
    order.seenRound = state.round;
    assert(applyOrderEvent(order, OrderEvent.Adopt), 'a blank order can be adopted');
    // Numbers that are taken are not given again.
    const inRun = input.orderSeq - state.run * ORDER_SEQ_PER_RUN;
    if (inRun > state.orderCount && inRun < ORDER_SEQ_PER_RUN) state.orderCount = inRun;
    emitDiscrepancy(outbox, input, ORDER_ADOPTED, order);
    this.#settle(order, OrderState.None, ORDER_ADOPTED, input.nowNs, outbox);
    if (!isSizeKnown) this.#ask(order, ORDER_ADOPTED, input.nowNs, outbox);
    return order;
  }

  /** Cold: BigInt. */
  #onReconcileBalance(input: CoreRecord, outbox: Outbox): void {
    const ledger = this.state.ledgers[input.aux];
    const isPossible =
      Number.isSafeInteger(input.valueMantissa) && Number.isSafeInteger(input.sizeMantissa);
    if (ledger === undefined || !isPossible) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return;
    }
    const theirs = joinBalance(input, ledger.currency.scale);
    if (!ledger.isKnown) {
      ledger.isKnown = true;
      ledger.total.setBig(theirs);
      emitBalanceChanged(outbox, ledger, input.nowNs);
      return;
    }
    const difference = theirs - ledger.total.toBig();
    if (difference === 0n) return;
    // Stated before a fill that is booked here already, or explained by fills that may be under way: says nothing.
    if (input.emitNs > 0 && ledger.movedNs >= input.emitNs) return;
    if (this.#isInFlight(ledger, difference)) return;
    emitBalanceDiscrepancy(outbox, input, BALANCE_DIFFERS, ledger, theirs);
    ledger.total.setBig(theirs);
    emitBalanceChanged(outbox, ledger, input.nowNs);
  }

  /** True when fills of what is open now can explain that the venue has this much more (or less) than we do. */
  #isInFlight(ledger: Ledger, difference: bigint): boolean {
    const lowest = -ledger.reserved.toBig();
    let highest = 0n;
    let isUnbounded = false;
    for (const target of this.state.instruments) {
      if (target.base === ledger) {
        highest += BigInt(target.openBuyMantissa) * BigInt(target.baseFactor);
      }
      // A sale may earn any price above its limit.
      if (target.quote === ledger && target.openSellMantissa > 0) isUnbounded = true;
    }
    return difference >= lowest && (isUnbounded || difference <= highest);
  }

  #onReconcileDone(input: CoreRecord, outbox: Outbox): void {
    const { state } = this;
    const { orders } = state;
    // The session fell while the round was on: another round follows.
    if (!state.isSessionUp) return;
    let order = orders.firstOpen();
    while (order !== undefined) {
      const next = orders.nextOpen(order);
      const isWaiting = order.state === OrderState.PendingNew && order.deadlineNs !== 0;
      if (order.seenRound !== state.round && !isWaiting)
        this.#ask(order, UNKNOWN_ORDER, input.nowNs, outbox);
      this.#watch(order, input.nowNs, outbox);
      order = next;
    }
    state.round++;
    state.isReconciled = true;
  }

  #onStopping(input: CoreRecord, outbox: Outbox): void {
    this.state.isStopping = true;
    this.#endFlattening();
    if (this.#stopPolicy === 'cancel') this.#cancelOpen(input.nowNs, outbox, ANY, ANY);
  }

  // ── what every change of an order ends with ────────────────────────────────────────────────────────────────────

  #find(input: CoreRecord, outbox: Outbox): Order | undefined {
    const order = this.state.orders.find(input.orderSeq);
    if (order === undefined) emitDiscrepancy(outbox, input, UNKNOWN_ORDER, undefined);
    return order;
  }

  /** Along the table, or a Discrepancy and no change. */
  #move(order: Order, event: OrderEvent, input: CoreRecord, outbox: Outbox): boolean {
    if (applyOrderEvent(order, event)) return true;
    emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
    return false;
  }

  /** Exposure, reservations, lists, the record of the change, and the deadline that the new state wants. */
  #settle(order: Order, before: number, reason: number, nowNs: number, outbox: Outbox): void {
    const { state } = order;
    if (isTerminal(state)) order.venueFinalState = OrderState.None;
    this.#count(order);
    if (state !== before) {
      emitOrder(outbox, EventKind.OrderChanged, order, reason, nowNs);
      // A first fill does not start the time to live anew.
      if (state !== OrderState.PartiallyFilled || before !== OrderState.Open) order.deadlineNs = 0;
      order.askedNs = 0;
    }
    this.#watch(order, nowNs, outbox);
  }

  /** After a report: what it makes us want. */
  #afterReport(order: Order, before: number, input: CoreRecord, outbox: Outbox): void {
    if (before === OrderState.Rejected && order.state !== before && !isTerminal(order.state)) {
      emitDiscrepancy(outbox, input, ORDER_ALIVE, order);
      this.#ask(order, ORDER_ALIVE, input.nowNs, outbox);
    }
    // A cancel that was wanted before the venue had the order.
    const isResting = order.state === OrderState.Open || order.state === OrderState.PartiallyFilled;
    const wasWaiting = before === OrderState.PendingNew || before === OrderState.Unknown;
    const isWanted = (order.flags & OrderFlag.CancelRequested) !== 0;
    if (isResting && wasWaiting && isWanted && order.venueFinalState === OrderState.None) {
      this.#sendCancel(order, input.nowNs, outbox);
    }
  }

  /** Puts what the order may still trade, and the money for it, in line with its state. */
  #count(order: Order): void {
    const { state } = this;
    const target = must(state.instruments[order.instrumentIndex], 'instrument');
    const isEnded = isTerminal(order.state) || order.venueFinalState !== OrderState.None;
    const whole = isEnded ? order.venueCumMantissa : order.sizeMantissa;
    const open = whole > order.filledMantissa ? whole - order.filledMantissa : 0;
    if (open !== order.openMantissa) {
      if (order.side === Side.Buy) {
        target.openBuyMantissa += open - order.openMantissa;
        const reserved = this.#gate.reservedFor(target, order.priceMantissa, open);
        target.quote.reserved.add(reserved - order.reservedQuote);
        order.reservedQuote = reserved;
      } else {
        target.openSellMantissa += open - order.openMantissa;
        target.base.reserved.add((open - order.openMantissa) * target.baseFactor);
      }
      order.openMantissa = open;
    }
    const openBefore = state.orders.openCount;
    state.orders.setOpen(order, !isTerminal(order.state) || open > 0);
    target.openOrderCount += state.orders.openCount - openBefore;
  }

  /** Sets the deadline that the state of the order wants, unless one runs already. */
  #watch(order: Order, nowNs: number, outbox: Outbox): void {
    if (order.deadlineNs !== 0) return;
    const waitNs = this.#waitNs(order);
    if (waitNs === 0) return;
    order.deadlineNs = nowNs + waitNs;
    emitDeadlineSet(outbox, order, nowNs);
  }

  #waitNs(order: Order): number {
    switch (order.state) {
      case OrderState.PendingNew:
      case OrderState.PendingCancel:
      case OrderState.Unknown:
        return this.#answerTimeoutNs;
      case OrderState.Open:
      case OrderState.PartiallyFilled: {
        const isDue =
          order.venueFinalState !== OrderState.None ||
          endsByItself(order.timeInForce) ||
          (order.flags & OrderFlag.CancelRequested) !== 0;
        return isDue ? this.#answerTimeoutNs : order.ttlMs * NS_PER_MS;
      }
      default:
        // Ended: waits for nothing but fills that the venue counts and that have not come.
        return order.openMantissa > 0 ? this.#answerTimeoutNs : 0;
    }
  }

  /** Asks the venue for the order; once per answer timeout at most, however often that is wanted. */
  #ask(order: Order, reason: number, nowNs: number, outbox: Outbox): void {
    if (order.askedNs === 0 || nowNs - order.askedNs >= this.#answerTimeoutNs) {
      order.askedNs = nowNs > 0 ? nowNs : 1;
      emitOrder(outbox, EventKind.OrderQuery, order, reason, nowNs);
    }
    this.#watch(order, nowNs, outbox);
  }
}

/** Matches every strategy and instrument. */
const ANY = -1;

/** What the venue's end means once all its fills are here. */
function endEvent(state: number): OrderEvent {
  switch (state) {
    case OrderState.Filled:
      return OrderEvent.StatusFilled;
    case OrderState.Canceled:
      return OrderEvent.StatusCanceled;
    case OrderState.Expired:
      return OrderEvent.StatusExpired;
    default:
      return OrderEvent.StatusRejected;
  }
}

/** A state that a venue can state. */
function isVenueState(state: number): boolean {
  return state > OrderState.None && state <= OrderState.Expired && state !== OrderState.Unknown;
}

/** Which fill this was, by what it left open; the fill is in `filledMantissa` already. */
function fillEvent(order: Order): OrderEvent {
  if (order.isSizeKnown === 0 || order.filledMantissa < order.sizeMantissa)
    return OrderEvent.FillPart;
  return order.filledMantissa === order.sizeMantissa ? OrderEvent.FillLast : OrderEvent.FillOver;
}

function isFillPossible(input: CoreRecord, target: InstrumentState): boolean {
  const { priceMantissa: price, sizeMantissa: size } = input;
  return (
    (input.side === Side.Buy || input.side === Side.Sell) &&
    Number.isSafeInteger(price) &&
    Number.isSafeInteger(input.feeMantissa) &&
    Number.isSafeInteger(input.fillKey) &&
    price > 0 &&
    size > 0 &&
    input.fillKey > 0 &&
    isSizePossible(target, size) &&
    price * size * target.quoteFactor <= FILL_UNITS_MAX &&
    Number.isSafeInteger(sizeAfter(target.position, input.side, size))
  );
}

/** With everything open it can still be counted in one safe integer of the base ledger. */
function isSizePossible(target: InstrumentState, sizeMantissa: number): boolean {
  const open = target.openBuyMantissa + target.openSellMantissa;
  return (
    Number.isSafeInteger(sizeMantissa) &&
    Number.isSafeInteger((sizeMantissa + open) * target.baseFactor)
  );
}

/** Cold: an amount of a base ledger in units of the quote ledger, at the bid, rounded down. */
function valueAt(
  held: bigint,
  heldScale: number,
  priced: InstrumentState,
  quoteScale: number,
): bigint {
  const units = held * BigInt(priced.bidMantissa);
  const digits = heldScale + priced.instrument.priceScale - quoteScale;
  if (digits <= 0) return units * 10n ** BigInt(-digits);
  const divisor = 10n ** BigInt(digits);
  const rest = units % divisor;
  return (units - rest) / divisor - (rest < 0n ? 1n : 0n);
}
