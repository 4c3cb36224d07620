/**
 * core-outputs: how the execution core writes each kind of output record; the fields are listed in
 * docs/order-lifecycle.md. Called by execution-core.ts alone; reads state, changes none.
 * @hotpath (the records of an approved intent; those of fills may use bigint)
 */
import { EventKind } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { OrderState } from '../domain/order.js';
import type { Order } from '../domain/order.js';
import { atBalanceScale, splitBalance } from '../domain/portfolio.js';
import type { Ledger } from '../domain/portfolio.js';
import { averageEntryPriceMantissa } from '../domain/position.js';
import { saturate } from '../domain/wide-sum.js';
import type { CoreState, InstrumentState } from './core-state.js';
import type { ApprovedDraft, RiskVerdict } from './risk-gate.js';

export function emitOrderSend(outbox: Outbox, draft: ApprovedDraft, state: number): void {
  const record = outbox.next(EventKind.OrderSend);
  record.orderSeq = draft.orderSeq;
  record.instrumentIndex = draft.instrumentIndex;
  record.strategyIndex = draft.strategyIndex;
  record.side = draft.side;
  record.orderType = draft.orderType;
  record.timeInForce = draft.timeInForce;
  record.flags = draft.flags;
  record.priceMantissa = draft.priceMantissa;
  record.sizeMantissa = draft.sizeMantissa;
  record.valueMantissa = draft.notionalMantissa;
  record.aux = draft.ttlMs;
  record.state = state;
  record.tickRecvNs = draft.tickRecvNs;
  record.tickVenueNs = draft.tickVenueNs;
  record.emitNs = draft.emitNs;
}

/** The intent as it came, with the reason, what was (value) and the limit (cumSize). */
export function emitIntentRefused(outbox: Outbox, intent: CoreRecord, verdict: RiskVerdict): void {
  const record = outbox.next(EventKind.IntentRefused);
  record.instrumentIndex = intent.instrumentIndex;
  record.strategyIndex = intent.strategyIndex;
  record.side = intent.side;
  record.orderType = intent.orderType;
  record.timeInForce = intent.timeInForce;
  record.flags = intent.flags;
  record.priceMantissa = intent.priceMantissa;
  record.sizeMantissa = intent.sizeMantissa;
  record.tickRecvNs = intent.tickRecvNs;
  record.tickVenueNs = intent.tickVenueNs;
  record.emitNs = intent.emitNs;
  record.state = intent.state;
  record.reason = verdict.reason;
  record.valueMantissa = verdict.actual;
  record.cumSizeMantissa = verdict.limit;
}

/** CancelSend, OrderQuery and OrderChanged: the order as it is now. */
export function emitOrder(outbox: Outbox, kind: EventKind, order: Order, reason: number): void {
  const record = outbox.next(kind);
  record.orderSeq = order.orderSeq;
  record.instrumentIndex = order.instrumentIndex;
  record.strategyIndex = order.strategyIndex;
  record.side = order.side;
  record.orderType = order.orderType;
  record.timeInForce = order.timeInForce;
  record.flags = order.flags;
  const isHeld = order.state === OrderState.Held;
  record.priceMantissa = isHeld ? order.triggerMantissa : order.priceMantissa;
  if (isHeld) record.valueMantissa = order.priceMantissa;
  record.sizeMantissa = order.sizeMantissa;
  record.cumSizeMantissa = order.filledMantissa;
  record.state = order.state;
  record.reason = reason;
}

export function emitFillApplied(outbox: Outbox, fill: CoreRecord, order: Order): void {
  const record = outbox.next(EventKind.FillApplied);
  record.orderSeq = order.orderSeq;
  record.instrumentIndex = order.instrumentIndex;
  record.strategyIndex = order.strategyIndex;
  record.side = order.side;
  record.orderType = order.orderType;
  record.timeInForce = order.timeInForce;
  record.flags = fill.flags;
  record.priceMantissa = fill.priceMantissa;
  record.sizeMantissa = fill.sizeMantissa;
  record.feeMantissa = fill.feeMantissa;
  record.fillKey = fill.fillKey;
  record.cumSizeMantissa = order.filledMantissa;
  record.valueMantissa = Math.min(fill.priceMantissa * fill.sizeMantissa, Number.MAX_SAFE_INTEGER);
  record.state = order.state;
}

export function emitPositionChanged(
  outbox: Outbox,
  target: InstrumentState,
  strategyIndex: number,
): void {
  const { position } = target;
  const record = outbox.next(EventKind.PositionChanged);
  record.instrumentIndex = target.instrument.index;
  record.strategyIndex = strategyIndex;
  record.sizeMantissa = position.sizeMantissa;
  record.valueMantissa = saturate(position.costMantissa);
  record.feeMantissa = saturate(position.feesMantissa);
  record.cumSizeMantissa = saturate(position.realizedMantissa);
  record.priceMantissa = averageEntryPriceMantissa(position);
  record.aux = position.fillCount;
}

export function emitBalanceChanged(outbox: Outbox, ledger: Ledger): void {
  const record = outbox.next(EventKind.BalanceChanged);
  record.aux = ledger.currency.index;
  splitBalance(ledger.total.toBig(), ledger.currency.scale, record);
  record.cumSizeMantissa = atBalanceScale(ledger.freeBig(), ledger.currency.scale);
}

export function emitTradingState(outbox: Outbox, state: CoreState): void {
  const record = outbox.next(EventKind.TradingStateChanged);
  record.state = state.tradingState;
  record.reason = state.tradingReason;
}

export function emitDeadlineSet(outbox: Outbox, order: Order): void {
  const record = outbox.next(EventKind.DeadlineSet);
  record.orderSeq = order.orderSeq;
  record.instrumentIndex = order.instrumentIndex;
  record.valueMantissa = order.deadlineNs;
}

export function emitCommandDone(outbox: Outbox, command: CoreRecord, reason: number): void {
  const record = outbox.next(EventKind.CommandDone);
  record.aux = command.aux;
  record.state = command.state;
  record.reason = reason;
}

/** The venue and the core disagree, or an input cannot be: what it said, and what is here. Nothing else happened. */
export function emitDiscrepancy(
  outbox: Outbox,
  input: CoreRecord,
  reason: number,
  order: Order | undefined,
): CoreRecord {
  const record = outbox.next(EventKind.Discrepancy);
  record.reason = reason;
  record.orderSeq = input.orderSeq;
  record.instrumentIndex = input.instrumentIndex;
  record.cumSizeMantissa = input.cumSizeMantissa;
  record.priceMantissa = input.priceMantissa;
  record.sizeMantissa = input.sizeMantissa;
  record.fillKey = input.fillKey;
  record.side = input.side;
  record.aux = input.kind;
  if (order !== undefined) {
    record.state = order.state;
    record.strategyIndex = order.strategyIndex;
    record.valueMantissa = order.filledMantissa;
  }
  return record;
}

/** A held order whose price has come was refused: as an intent is, with its number. */
export function emitRefusedAtTrigger(outbox: Outbox, order: Order, verdict: RiskVerdict): void {
  const record = outbox.next(EventKind.IntentRefused);
  record.orderSeq = order.orderSeq;
  record.instrumentIndex = order.instrumentIndex;
  record.strategyIndex = order.strategyIndex;
  record.side = order.side;
  record.orderType = order.orderType;
  record.timeInForce = order.timeInForce;
  record.flags = order.flags;
  record.priceMantissa = order.triggerMantissa;
  record.sizeMantissa = order.sizeMantissa;
  record.reason = verdict.reason;
  record.valueMantissa = verdict.actual;
  record.cumSizeMantissa = verdict.limit;
}

/** Something that no input explains. */
export function emitDiscrepancyOf(
  outbox: Outbox,
  instrumentIndex: number,
  orderSeq: number,
  reason: number,
): void {
  const record = outbox.next(EventKind.Discrepancy);
  record.instrumentIndex = instrumentIndex;
  record.orderSeq = orderSeq;
  record.reason = reason;
}

/** A balance differs: ours (value) and the venue's (cumSize), at BALANCE_SCALE. */
export function emitBalanceDiscrepancy(
  outbox: Outbox,
  reason: number,
  ledger: Ledger,
  theirs: bigint,
): void {
  const record = outbox.next(EventKind.Discrepancy);
  record.reason = reason;
  record.aux = ledger.currency.index;
  record.valueMantissa = atBalanceScale(ledger.total.toBig(), ledger.currency.scale);
  record.cumSizeMantissa = atBalanceScale(theirs, ledger.currency.scale);
}
