/**
 * on-intent: wishes of strategies, and the only way from a wish to an order: through the risk gate.
 * @hotpath
 *
 * Part of the execution core. Deterministic.
 */
import { confidencePpmOf, ttlMsOf } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { IntentKind, OrderFlag, isTerminal, isTriggered } from '../domain/order.js';
import { emitIntentRefused } from './core-outputs.js';
import type { CoreState } from './core-state.js';
import type { OrderDesk } from './order-desk.js';
import { OrderDraft } from './risk-gate.js';
import type { RiskGate } from './risk-gate.js';

const ORDER_INVALID = codeIndex('ORDER_INVALID');
const ORDER_UNKNOWN = codeIndex('ORDER_UNKNOWN');

export class OnIntent {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;
  readonly #gate: RiskGate;
  readonly #draft = new OrderDraft();

  constructor(desk: OrderDesk, gate: RiskGate) {
    this.#state = desk.state;
    this.#desk = desk;
    this.#gate = gate;
  }

  onIntent(input: CoreRecord, outbox: Outbox): void {
    const target = this.#state.instruments[input.instrumentIndex];
    if (target !== undefined && input.cumSizeMantissa > 0 && input.feeMantissa > 0) {
      target.bidMantissa = input.cumSizeMantissa;
      target.askMantissa = input.feeMantissa;
      target.markNs = input.nowNs;
      target.lastPriceMantissa = Math.max(input.cumSizeMantissa, input.feeMantissa);
      this.#state.expose(target);
      this.#desk.held.onPrice(target, outbox);
    }
    if (input.state === IntentKind.CancelAll) {
      this.#desk.cancelOpen(outbox, input.strategyIndex, input.instrumentIndex);
      return;
    }
    if (input.state === IntentKind.Cancel) {
      this.#cancel(input, outbox);
      return;
    }
    if (input.state !== IntentKind.Place) {
      this.#refuse(ORDER_INVALID, input.state, input, outbox);
      return;
    }
    const draft = this.#draft;
    draft.orderSeq = this.#desk.nextOrderSeq();
    draft.instrumentIndex = input.instrumentIndex;
    draft.strategyIndex = input.strategyIndex;
    draft.side = input.side;
    draft.orderType = input.orderType;
    draft.timeInForce = input.timeInForce;
    draft.flags = input.flags & (OrderFlag.PostOnly | OrderFlag.ReduceOnly);
    draft.priceMantissa = input.priceMantissa;
    draft.sizeMantissa = input.sizeMantissa;
    draft.triggerMantissa = input.fillKey;
    draft.gainMantissa = input.refSeq;
    draft.lossMantissa = input.orderSeq;
    draft.ttlMs = ttlMsOf(input.aux);
    draft.confidencePpm = confidencePpmOf(input.aux);
    draft.referencePriceMantissa = input.valueMantissa;
    draft.tickRecvNs = input.tickRecvNs;
    draft.tickVenueNs = input.tickVenueNs;
    draft.emitNs = input.emitNs;
    draft.isFlatten = false;
    draft.nowNs = input.nowNs;
    if (isTriggered(draft.orderType)) {
      if (this.#gate.acceptHeld(draft)) this.#desk.held.hold(draft, outbox);
      else emitIntentRefused(outbox, input, this.#gate.verdict);
      return;
    }
    const approved = this.#gate.approve(draft);
    if (approved === null) {
      emitIntentRefused(outbox, input, this.#gate.verdict);
      return;
    }
    if (draft.gainMantissa !== 0 || draft.lossMantissa !== 0) this.#desk.held.openBracket(draft);
    this.#desk.send(approved, outbox);
  }

  /** One order; a strategy cancels its own only. */
  #cancel(input: CoreRecord, outbox: Outbox): void {
    const order = this.#state.orders.find(input.orderSeq);
    const isOurs = order !== undefined && order.strategyIndex === input.strategyIndex;
    if (!isOurs || isTerminal(order.state)) {
      this.#refuse(ORDER_UNKNOWN, input.orderSeq, input, outbox);
      return;
    }
    this.#desk.askCancel(order, outbox);
  }

  #refuse(reason: number, actual: number, input: CoreRecord, outbox: Outbox): void {
    const { verdict } = this.#gate;
    verdict.reason = reason;
    verdict.actual = actual;
    verdict.limit = 0;
    emitIntentRefused(outbox, input, verdict);
  }
}
