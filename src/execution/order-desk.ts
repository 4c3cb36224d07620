/**
 * order-desk: what every change of an order begins and ends with: sending, cancelling, asking, and after each change the
 * exposure, the reservations, the lists, the record of it and the deadline that the new state wants. The only place where
 * an order moves along its table and where trading state changes.
 * @hotpath
 *
 * Part of the execution core: called by its on-*.ts, writes CoreState, appends to the outbox. Deterministic.
 */
import { assert, must } from '../domain/assert.js';
import { EventKind, ORDER_SEQ_PER_RUN } from '../domain/core-record.js';
import type { CoreRecord, Outbox, TradingState } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import {
  OrderEvent,
  OrderFlag,
  OrderState,
  Side,
  applyOrderEvent,
  endsByItself,
  isTerminal,
} from '../domain/order.js';
import type { Order } from '../domain/order.js';
import {
  emitDeadlineSet,
  emitDiscrepancy,
  emitOrder,
  emitOrderSend,
  emitTradingState,
} from './core-outputs.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { HeldOrders } from './held-orders.js';
import type { ApprovedDraft, RiskGate } from './risk-gate.js';

const NS_PER_MS = 1_000_000;

const UNKNOWN_ORDER = codeIndex('VENUE_UNKNOWN_ORDER');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');
const ORDER_ALIVE = codeIndex('RECONCILE_ORDER_ALIVE');

/** Matches every strategy and instrument. */
export const ANY = -1;

export interface OrderDeskOptions {
  readonly state: CoreState;
  readonly gate: RiskGate;
  /** No answer to an order or cancel by then: the venue is asked; the same again between two questions. */
  readonly answerTimeoutMs: number;
}

export class OrderDesk {
  readonly state: CoreState;
  /** Stop and take-profit orders, brackets. */
  readonly held: HeldOrders;
  readonly #gate: RiskGate;
  readonly #answerTimeoutNs: number;

  constructor(options: OrderDeskOptions) {
    this.state = options.state;
    this.#gate = options.gate;
    this.held = new HeldOrders(this, options.gate);
    this.#answerTimeoutNs = options.answerTimeoutMs * NS_PER_MS;
  }

  /** The only place where an order begins; takes nothing but what the gate has approved. */
  send(approved: ApprovedDraft, outbox: Outbox): void {
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
    order.sentNs = outbox.nowNs;
    assert(applyOrderEvent(order, OrderEvent.Submit), 'a blank order can be submitted');
    this.#sent(order, approved, outbox);
  }

  /** A held order whose price has come, along the table already. */
  sendTriggered(order: Order, approved: ApprovedDraft, outbox: Outbox): void {
    order.orderType = approved.orderType;
    order.timeInForce = approved.timeInForce;
    order.priceMantissa = approved.priceMantissa;
    order.sizeMantissa = approved.sizeMantissa;
    order.sentNs = outbox.nowNs;
    this.#sent(order, approved, outbox);
  }

  #sent(order: Order, approved: ApprovedDraft, outbox: Outbox): void {
    const { state } = this;
    order.isOpening = approved.isOpening ? 1 : 0;
    this.#rest(order);
    state.sentTimesNs[state.sentIndex] = outbox.nowNs;
    state.sentIndex = state.sentIndex + 1 === state.sentTimesNs.length ? 0 : state.sentIndex + 1;
    emitOrderSend(outbox, approved, order.state);
    this.#count(order);
    this.watch(order, outbox);
  }

  nextOrderSeq(): number {
    return this.state.run * ORDER_SEQ_PER_RUN + this.state.orderCount + 1;
  }

  setTradingState(tradingState: TradingState, reason: number, outbox: Outbox): void {
    const { state } = this;
    if (state.tradingState === tradingState && state.tradingReason === reason) return;
    state.tradingState = tradingState;
    state.tradingReason = reason;
    emitTradingState(outbox, state);
  }

  endFlattening(): void {
    for (const target of this.state.instruments) target.isFlattening = false;
    this.state.flatteningCount = 0;
  }

  /** Open orders of a strategy in an instrument; ANY for all. */
  cancelOpen(outbox: Outbox, strategyIndex: number, instrumentIndex: number): void {
    const { orders } = this.state;
    let order = orders.firstOpen();
    while (order !== undefined) {
      const next = orders.nextOpen(order);
      if (
        (strategyIndex === ANY || order.strategyIndex === strategyIndex) &&
        (instrumentIndex === ANY || order.instrumentIndex === instrumentIndex)
      ) {
        this.askCancel(order, outbox);
      }
      order = next;
    }
  }

  /** Wants the order off the book. Once per order: what is already wanted, ended or ends by itself is left alone. */
  askCancel(order: Order, outbox: Outbox): void {
    if (isTerminal(order.state) || order.venueFinalState !== OrderState.None) return;
    const isHeld = order.state === OrderState.Held;
    if (!isHeld && endsByItself(order.timeInForce)) return;
    if ((order.flags & OrderFlag.CancelRequested) !== 0) return;
    order.flags |= OrderFlag.CancelRequested;
    this.sendCancel(order, outbox);
  }

  sendCancel(order: Order, outbox: Outbox): void {
    const before = order.state;
    if (before === OrderState.Held) {
      this.held.drop(order, 0, outbox);
      return;
    }
    assert(
      applyOrderEvent(order, OrderEvent.CancelAsk),
      `a live order can be cancelled: state=${before}`,
    );
    if (order.state === OrderState.PendingCancel) emitOrder(outbox, EventKind.CancelSend, order, 0);
    else emitOrder(outbox, EventKind.OrderChanged, order, 0);
    this.settle(order, before, 0, outbox);
  }

  find(input: CoreRecord, outbox: Outbox): Order | undefined {
    const order = this.state.orders.find(input.orderSeq);
    if (order === undefined) emitDiscrepancy(outbox, input, UNKNOWN_ORDER, undefined);
    return order;
  }

  /** Along the table, or a Discrepancy and no change. */
  move(order: Order, event: OrderEvent, input: CoreRecord, outbox: Outbox): boolean {
    if (applyOrderEvent(order, event)) return true;
    emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
    return false;
  }

  /** Exposure, reservations, lists, the record of the change, and the deadline that the new state wants. */
  settle(order: Order, before: number, reason: number, outbox: Outbox): void {
    const { state } = order;
    if (isTerminal(state)) order.venueFinalState = OrderState.None;
    else if (state !== OrderState.Held && !isAtVenue(before)) this.#rest(order);
    if (before === OrderState.Held && state !== before) {
      this.held.onLeft(order, outbox);
    }
    this.#count(order);
    const hasEnded = isTerminal(state) && !isTerminal(before);
    if (state !== before) {
      emitOrder(outbox, EventKind.OrderChanged, order, reason);
      // A first fill does not start the time to live anew.
      if (state !== OrderState.PartiallyFilled || before !== OrderState.Open) order.deadlineNs = 0;
      order.askedNs = 0;
    }
    this.watch(order, outbox);
    if (hasEnded) this.held.onEnd(order, outbox);
  }

  /** After a report: what it makes us want. */
  afterReport(order: Order, before: number, input: CoreRecord, outbox: Outbox): void {
    if (before === OrderState.Rejected && order.state !== before && !isTerminal(order.state)) {
      emitDiscrepancy(outbox, input, ORDER_ALIVE, order);
      this.ask(order, ORDER_ALIVE, outbox);
    }
    // A cancel that was wanted before the venue had the order.
    const isResting = order.state === OrderState.Open || order.state === OrderState.PartiallyFilled;
    const wasWaiting = before === OrderState.PendingNew || before === OrderState.Unknown;
    const isWanted = (order.flags & OrderFlag.CancelRequested) !== 0;
    if (isResting && wasWaiting && isWanted && order.venueFinalState === OrderState.None) {
      this.sendCancel(order, outbox);
    }
  }

  /** Puts what the order may still trade, and the money for it, in line with its state. */
  #count(order: Order): void {
    const { state } = this;
    const target = must(state.instruments[order.instrumentIndex], 'instrument');
    const isEnded = isTerminal(order.state) || order.venueFinalState !== OrderState.None;
    const isAway = order.state !== OrderState.Held;
    const whole = isEnded || !isAway ? order.venueCumMantissa : order.sizeMantissa;
    const open = whole > order.filledMantissa ? whole - order.filledMantissa : 0;
    if (open !== order.openMantissa) {
      const part = state.strategyPosition(target, order.strategyIndex);
      if (order.side === Side.Buy) {
        part.openBuyMantissa += open - order.openMantissa;
        target.openBuyMantissa += open - order.openMantissa;
      } else {
        part.openSellMantissa += open - order.openMantissa;
        target.openSellMantissa += open - order.openMantissa;
        if (target.instrument.kind === 'spot') {
          target.base.reserved.add((open - order.openMantissa) * target.baseFactor);
        }
      }
      const reserved = this.#moneyFor(order, target, open);
      target.quote.reserved.add(reserved - order.reservedQuote);
      order.reservedQuote = reserved;
      order.openMantissa = open;
      state.expose(target);
    }
    const isUntraded = order.isOpening === 1 && open > 0 && order.filledMantissa === 0 ? 1 : 0;
    state.untradedCount += isUntraded - order.isUntraded;
    order.isUntraded = isUntraded;
    const openBefore = state.orders.openCount;
    state.orders.setOpen(order, !isTerminal(order.state) || open > 0);
    target.openOrderCount += state.orders.openCount - openBefore;
  }

  /** After a snapshot: it is found by its price again. Cold. */
  resume(order: Order): void {
    if (order.state === OrderState.Held) this.held.wait(order);
    else if (isAtVenue(order.state)) this.#rest(order);
  }

  /** From now on it may rest at its price. */
  #rest(order: Order): void {
    const { orders, instruments } = this.state;
    const target = must(instruments[order.instrumentIndex], 'instrument');
    const ownPrices = order.side === Side.Buy ? target.ownBuys : target.ownSells;
    ownPrices.add(order, order.priceMantissa, orders);
  }

  /** Money that what is open of the order may take: the price of a spot buy, the margin of a contract that opens. */
  #moneyFor(order: Order, target: InstrumentState, open: number): number {
    if (target.instrument.kind !== 'spot') {
      return order.isOpening === 1 ? this.#gate.marginFor(target, order.priceMantissa, open) : 0;
    }
    return order.side === Side.Buy ? this.#gate.reservedFor(target, order.priceMantissa, open) : 0;
  }

  /** Sets the deadline that the state of the order wants, unless one runs already. */
  watch(order: Order, outbox: Outbox): void {
    if (order.deadlineNs !== 0) return;
    const waitNs = this.waitNs(order);
    if (waitNs === 0) return;
    order.deadlineNs = outbox.nowNs + waitNs;
    emitDeadlineSet(outbox, order);
  }

  waitNs(order: Order): number {
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
      case OrderState.Held:
        return order.ttlMs * NS_PER_MS;
      default:
        // Ended: waits for nothing but fills that the venue counts and that have not come.
        return order.openMantissa > 0 ? this.#answerTimeoutNs : 0;
    }
  }

  /** Asks the venue for the order; once per answer timeout at most, however often that is wanted. */
  ask(order: Order, reason: number, outbox: Outbox): void {
    if (order.askedNs === 0 || outbox.nowNs - order.askedNs >= this.#answerTimeoutNs) {
      order.askedNs = outbox.nowNs > 0 ? outbox.nowNs : 1;
      emitOrder(outbox, EventKind.OrderQuery, order, reason);
    }
    this.watch(order, outbox);
  }
}

/** States in which it may rest at its price. */
function isAtVenue(state: number): boolean {
  return state !== OrderState.None && state !== OrderState.Held && !isTerminal(state);
}
