/**
 * on-report: what the venue says of our orders (accepted, refused, filled, its own view, no answer), and the deadlines of
 * orders of which it has said nothing. A position changes here and nowhere else, once per fill key.
 * Part of the execution core. Deterministic. Not the tick's path: fills may use bigint.
 */
import { assert, must } from '../domain/assert.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
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
import { applyFill, sizeAfter } from '../domain/position.js';
import {
  emitBalanceChanged,
  emitDiscrepancy,
  emitFillApplied,
  emitPositionChanged,
} from './core-outputs.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { Adoption, isSizePossible } from './adoption.js';
import type { OrderDesk } from './order-desk.js';

const OUTCOME_UNKNOWN = codeIndex('ORDER_OUTCOME_UNKNOWN');
const VENUE_REJECTED = codeIndex('VENUE_REJECTED');
const UNKNOWN_ORDER = codeIndex('VENUE_UNKNOWN_ORDER');
const INSTRUMENT_UNKNOWN = codeIndex('INSTRUMENT_UNKNOWN');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');
const FILL_FOREIGN = codeIndex('RECONCILE_FILL_FOREIGN');
const OVERFILL = codeIndex('RECONCILE_OVERFILL');
const WENT_SHORT = codeIndex('RECONCILE_SHORT');
const CLOSED_EARLY = codeIndex('RECONCILE_CLOSED_EARLY');

/** Ledger units of one fill: a sum of billions of them still fits a WideSum. With ten decimals: 10^11 dollars. */
const FILL_UNITS_MAX = 2 ** 70;

export class OnReport {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;
  readonly #adoption: Adoption;

  constructor(desk: OrderDesk, adoption: Adoption) {
    this.#state = desk.state;
    this.#desk = desk;
    this.#adoption = adoption;
  }

  onAccepted(input: CoreRecord, outbox: Outbox): void {
    const order = this.#desk.find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    order.seenRound = this.#state.round;
    order.askedNs = 0;
    if (!this.#desk.move(order, OrderEvent.Accept, input, outbox)) return;
    this.#desk.settle(order, before, input.reason, outbox);
    this.#desk.afterReport(order, before, input, outbox);
  }

  onRejected(input: CoreRecord, outbox: Outbox): void {
    const order = this.#desk.find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    order.askedNs = 0;
    if (!this.#desk.move(order, OrderEvent.Refuse, input, outbox)) return;
    if (before !== order.state) order.reason = input.reason === 0 ? VENUE_REJECTED : input.reason;
    this.#desk.settle(order, before, order.reason, outbox);
  }

  onStatus(input: CoreRecord, outbox: Outbox): void {
    const order = this.#desk.find(input, outbox);
    if (order !== undefined) this.applyStatus(order, input, outbox);
  }

  /** The venue's own view. It moves the state, never the position; an end waits for the fills that it counts. */
  applyStatus(order: Order, input: CoreRecord, outbox: Outbox): void {
    const before = order.state;
    const cum = input.cumSizeMantissa;
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    if (cum < 0 || !isSizePossible(target, cum) || !isVenueState(input.state)) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
      return;
    }
    order.seenRound = this.#state.round;
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
      this.#desk.settle(order, before, 0, outbox);
      return;
    }
    if (!this.#desk.move(order, event, input, outbox)) return;
    if (before !== order.state && isTerminal(order.state)) order.reason = input.reason;
    this.#noteClosedEarly(order, before, input, outbox);
    this.#desk.settle(order, before, input.reason, outbox);
    if (isCancelLost) {
      order.askedNs = 0;
      order.deadlineNs = 0;
      this.#desk.sendCancel(order, outbox);
      return;
    }
    this.#desk.afterReport(order, before, input, outbox);
  }

  onFill(input: CoreRecord, outbox: Outbox): void {
    const state = this.#state;
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
    const order = state.orders.find(input.orderSeq) ?? this.#adoption.adopt(input, outbox, false);
    if (order === undefined) return;
    if (order.instrumentIndex !== input.instrumentIndex || order.side !== input.side) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, order);
      return;
    }
    this.#book(order, target, input, outbox);
  }

  /** The fill is new, possible and ours: the books follow it. Cold beside the path of an intent: BigInt. */
  #book(order: Order, target: InstrumentState, input: CoreRecord, outbox: Outbox): void {
    const state = this.#state;
    const before = order.state;
    const { side, priceMantissa: price, sizeMantissa: size, feeMantissa: fee, nowNs } = input;
    state.fillKeys.add(input.fillKey);
    if (order.filledMantissa === 0) state.trades.add(state.epochMs());
    const realizedBefore = target.position.realizedMantissa;
    applyFill(target.position, side, price, size, fee);
    applyFill(state.strategyPosition(target, order.strategyIndex), side, price, size, fee);
    if (target.instrument.kind === 'spot') {
      const sign = side === Side.Buy ? 1n : -1n;
      target.base.total.addBig(sign * BigInt(size) * BigInt(target.baseFactor));
      target.quote.total.addBig(
        -(sign * BigInt(price) * BigInt(size) + BigInt(fee)) * BigInt(target.quoteFactor),
      );
    } else {
      // A contract moves no coins: what was closed is settled in money.
      const settled = target.position.realizedMantissa - realizedBefore - BigInt(fee);
      target.quote.total.addBig(settled * BigInt(target.quoteFactor));
    }
    if (target.lastPriceMantissa === 0) target.lastPriceMantissa = price;
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
    emitPositionChanged(outbox, target, order.strategyIndex);
    if (event === OrderEvent.FillOver) emitDiscrepancy(outbox, input, OVERFILL, order);
    if (target.position.sizeMantissa < 0 && target.instrument.kind === 'spot')
      emitDiscrepancy(outbox, input, WENT_SHORT, order);
    this.#noteClosedEarly(order, before, input, outbox);
    // Before its end is settled: a bracket whose entry has ended without legs is forgotten.
    this.#desk.held.onFill(order, size, outbox);
    this.#desk.settle(order, before, isTerminal(order.state) ? order.reason : 0, outbox);
    state.expose(target);
    state.equity.onLedger(target.base);
    state.equity.onLedger(target.quote);
    if (target.instrument.kind === 'spot') emitBalanceChanged(outbox, target.base);
    emitBalanceChanged(outbox, target.quote);
    this.#desk.afterReport(order, before, input, outbox);
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

  onCancelRejected(input: CoreRecord, outbox: Outbox): void {
    const order = this.#desk.find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    if (input.reason === UNKNOWN_ORDER && before === OrderState.PendingCancel) {
      // Ended a moment ago, most likely; the venue will say how.
      this.#desk.ask(order, UNKNOWN_ORDER, outbox);
      return;
    }
    const event =
      order.filledMantissa === 0 ? OrderEvent.CancelRefuse : OrderEvent.CancelRefusePartly;
    if (!this.#desk.move(order, event, input, outbox)) return;
    // Still wanted: tried again after the answer timeout (#watch).
    this.#desk.settle(order, before, input.reason, outbox);
  }

  onOutcomeUnknown(input: CoreRecord, outbox: Outbox): void {
    const order = this.#desk.find(input, outbox);
    if (order === undefined) return;
    const before = order.state;
    const reason = input.reason === 0 ? OUTCOME_UNKNOWN : input.reason;
    if (!this.#desk.move(order, OrderEvent.Unanswered, input, outbox)) return;
    this.#desk.settle(order, before, reason, outbox);
    if (order.state === OrderState.Unknown || order.state === OrderState.PendingCancel) {
      this.#desk.ask(order, reason, outbox);
    }
  }

  onDeadline(input: CoreRecord, outbox: Outbox): void {
    const order = this.#state.orders.find(input.orderSeq);
    if (order === undefined || order.deadlineNs === 0 || input.nowNs < order.deadlineNs) return;
    const before = order.state;
    order.deadlineNs = 0;
    order.askedNs = 0;
    switch (order.state) {
      case OrderState.Held:
        this.#desk.held.drop(order, 0, outbox);
        break;
      case OrderState.PendingNew:
        assert(
          applyOrderEvent(order, OrderEvent.Unanswered),
          'a pending order can stay unanswered',
        );
        this.#desk.settle(order, before, OUTCOME_UNKNOWN, outbox);
        this.#desk.ask(order, OUTCOME_UNKNOWN, outbox);
        break;
      case OrderState.Open:
      case OrderState.PartiallyFilled:
        if (order.venueFinalState !== OrderState.None || endsByItself(order.timeInForce)) {
          this.#desk.ask(order, OUTCOME_UNKNOWN, outbox);
        } else if ((order.flags & OrderFlag.CancelRequested) !== 0) {
          this.#desk.sendCancel(order, outbox);
        } else {
          this.#desk.askCancel(order, outbox);
        }
        break;
      default:
        // Ended, and the fills that it waited for have come: nothing is left to ask.
        if (this.#desk.waitNs(order) !== 0) this.#desk.ask(order, OUTCOME_UNKNOWN, outbox);
    }
  }
}

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
