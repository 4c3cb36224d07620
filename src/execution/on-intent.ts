/**
 * on-intent: wishes of strategies, and the only way from a wish to an order: through the risk gate.
 * @hotpath
 *
 * Part of the execution core. Deterministic.
 */
import { confidencePpmOf, ttlMsOf } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { IntentKind, OrderFlag } from '../domain/order.js';
import { emitIntentRefused } from './core-outputs.js';
import type { CoreState } from './core-state.js';
import type { OrderDesk } from './order-desk.js';
import { OrderDraft } from './risk-gate.js';
import type { RiskGate } from './risk-gate.js';

const ORDER_INVALID = codeIndex('ORDER_INVALID');

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
    }
    if (input.state === IntentKind.CancelAll) {
      this.#desk.cancelOpen(outbox, input.strategyIndex, input.instrumentIndex);
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
    draft.orderSeq = this.#desk.nextOrderSeq();
    draft.instrumentIndex = input.instrumentIndex;
    draft.strategyIndex = input.strategyIndex;
    draft.side = input.side;
    draft.orderType = input.orderType;
    draft.timeInForce = input.timeInForce;
    draft.flags = input.flags & (OrderFlag.PostOnly | OrderFlag.ReduceOnly);
    draft.priceMantissa = input.priceMantissa;
    draft.sizeMantissa = input.sizeMantissa;
    draft.ttlMs = ttlMsOf(input.aux);
    draft.confidencePpm = confidencePpmOf(input.aux);
    draft.referencePriceMantissa = input.valueMantissa;
    draft.tickRecvNs = input.tickRecvNs;
    draft.tickVenueNs = input.tickVenueNs;
    draft.emitNs = input.emitNs;
    draft.isFlatten = false;
    draft.nowNs = input.nowNs;
    const approved = this.#gate.approve(draft);
    if (approved === null) emitIntentRefused(outbox, input, this.#gate.verdict);
    else this.#desk.send(approved, outbox);
  }
}
