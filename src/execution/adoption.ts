/**
 * adoption: an order of ours that the journal does not know (any more), from the venue's listing or from one of its fills.
 * Part of the execution core. Deterministic.
 */
import { assert } from '../domain/assert.js';
import { ORDER_SEQ_PER_RUN } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import {
  OrderEvent,
  OrderFlag,
  OrderState,
  OrderType,
  Side,
  TimeInForce,
  applyOrderEvent,
} from '../domain/order.js';
import type { Order } from '../domain/order.js';
import { emitDiscrepancy } from './core-outputs.js';
import type { CoreState, InstrumentState } from './core-state.js';
import type { OrderDesk } from './order-desk.js';

const OPEN_ORDERS = codeIndex('RISK_OPEN_ORDERS');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');
const ORDER_ADOPTED = codeIndex('RECONCILE_ORDER_ADOPTED');

export class Adoption {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;

  constructor(desk: OrderDesk) {
    this.#state = desk.state;
    this.#desk = desk;
  }

  /** An order of ours that the journal does not know (any more), from the venue's listing or from one of its fills. */
  adopt(input: CoreRecord, outbox: Outbox, isSizeKnown: boolean): Order | undefined {
    const state = this.#state;
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
    this.#desk.settle(order, OrderState.None, ORDER_ADOPTED, outbox);
    if (!isSizeKnown) this.#desk.ask(order, ORDER_ADOPTED, outbox);
    return order;
  }
}

/** With everything open it can still be counted in one safe integer of the base ledger. */
export function isSizePossible(target: InstrumentState, sizeMantissa: number): boolean {
  const open = target.openBuyMantissa + target.openSellMantissa;
  return (
    Number.isSafeInteger(sizeMantissa) &&
    Number.isSafeInteger((sizeMantissa + open) * target.baseFactor)
  );
}
