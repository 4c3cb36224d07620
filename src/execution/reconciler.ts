/**
 * reconciler: the venue's truth against ours. The session has fetched it (order-session.ts); here it becomes inputs of
 * the core, in the one order that is safe:
 *
 *   ReconcileOrder*     every order of ours that matters, so that a fill finds its order
 *   VenueFill*          what happened while nobody listened, oldest first
 *   VenueStatus*        how the orders stand: an order that ended has all its fills by now
 *   ReconcileBalance*   what the account holds, comparable because it was read between two equal readings of the fills
 *   ReconcileDone       trading may go on
 *
 * Pure: no clock, no I/O. At start, and after each reconnect of the private stream.
 * An order is ours when its client order id names this installation; its number follows from the id, so an order that
 * was sent in the last moments of a crash is adopted although the journal has never seen it.
 */
import { EventKind } from '../domain/core-record.js';
import { readDecimal } from '../domain/fixed-point.js';
import { OrderFlag, OrderState } from '../domain/order.js';
import { BALANCE_REST_SCALE, splitBalance } from '../domain/portfolio.js';
import type { Currency } from '../domain/portfolio.js';
import type { BalanceReport, FillReport, OrderReport } from '../venues/venue.js';
import { TextKind, VenueReport } from './venue-reports.js';

/** What was fetched. Consistent: no fill happened between the fills and the balances. */
export interface VenueTruth {
  /** Open ones, those that we thought open, and those of the fills; each once. */
  readonly orders: readonly OrderReport[];
  readonly fills: readonly FillReport[];
  readonly balances: readonly BalanceReport[];
}

/** What the reconciler must know of us. */
export interface ReconcileContext {
  readonly currencies: readonly Currency[];
  readonly runEpochNs: bigint;
  /** The number of an order of this installation; null: not ours. */
  orderSeqOf(clientOrderId: string): number | null;
  /** The core has booked it already. */
  isFillKnown(fillKey: number): boolean;
}

export interface Reconciled {
  readonly reports: readonly VenueReport[];
  /** Fills of orders that are not ours: left out. */
  readonly foreignFillCount: number;
  /** Balances whose text is no decimal: left out. */
  readonly malformedCount: number;
}

export function reconcile(truth: VenueTruth, context: ReconcileContext): Reconciled {
  const reports: VenueReport[] = [];
  const seqOfVenueId = new Map<string, number>();
  const orders: { readonly orderSeq: number; readonly order: OrderReport }[] = [];
  for (const order of truth.orders) {
    const orderSeq = context.orderSeqOf(order.clientOrderId);
    if (orderSeq === null || order.instrumentIndex < 0) continue;
    seqOfVenueId.set(order.venueOrderId, orderSeq);
    orders.push({ orderSeq, order });
  }
  orders.sort((a, b) => a.orderSeq - b.orderSeq);
  for (const { orderSeq, order } of orders) reports.push(orderInput(orderSeq, order));

  let foreignFillCount = 0;
  const fills = [...truth.fills].sort((a, b) => compareTimes(a.venueEpochNs, b.venueEpochNs));
  for (const fill of fills) {
    if (context.isFillKnown(fill.fillKey)) continue;
    const orderSeq = seqOfVenueId.get(fill.venueOrderId);
    if (orderSeq === undefined || fill.instrumentIndex < 0) {
      foreignFillCount++;
      continue;
    }
    reports.push(fillInput(orderSeq, fill, context.runEpochNs));
  }

  for (const { orderSeq, order } of orders) {
    if (order.state !== OrderState.None) reports.push(statusInput(orderSeq, order));
  }

  let malformedCount = 0;
  for (const currency of context.currencies) {
    const total = totalOf(truth.balances, currency.code);
    if (total === null) {
      malformedCount++;
      continue;
    }
    const report = new VenueReport(EventKind.ReconcileBalance, 0);
    report.record.aux = currency.index;
    splitBalance(total, BALANCE_REST_SCALE, report.record);
    reports.push(report);
  }
  reports.push(new VenueReport(EventKind.ReconcileDone, 0));
  return { reports, foreignFillCount, malformedCount };
}

/** One fill as an input. Also used outside of reconciliation, when the doorbell rang. */
export function fillInput(orderSeq: number, fill: FillReport, runEpochNs: bigint): VenueReport {
  const report = new VenueReport(EventKind.VenueFill, orderSeq);
  const { record } = report;
  record.instrumentIndex = fill.instrumentIndex;
  record.side = fill.side;
  record.priceMantissa = fill.priceMantissa;
  record.sizeMantissa = fill.sizeMantissa;
  record.feeMantissa = fill.feeMantissa;
  record.fillKey = fill.fillKey;
  record.flags = fill.isMaker ? OrderFlag.Maker : 0;
  record.tickVenueNs = sinceRunStart(fill.venueEpochNs, runEpochNs);
  return report.saying(TextKind.VenueFillId, fill.venueFillId);
}

/** The venue's view of an order as an input. */
export function statusInput(orderSeq: number, order: OrderReport): VenueReport {
  const report = new VenueReport(EventKind.VenueStatus, orderSeq);
  report.record.instrumentIndex = order.instrumentIndex;
  report.record.state = order.state;
  report.record.sizeMantissa = Math.max(0, order.sizeMantissa);
  report.record.cumSizeMantissa = Math.max(0, order.cumSizeMantissa);
  return report.because(order.reason).saying(TextKind.Message, order.message);
}

function orderInput(orderSeq: number, order: OrderReport): VenueReport {
  const report = new VenueReport(EventKind.ReconcileOrder, orderSeq);
  const { record } = report;
  record.instrumentIndex = order.instrumentIndex;
  record.side = order.side;
  record.orderType = order.orderType;
  record.timeInForce = order.timeInForce;
  record.priceMantissa = Math.max(0, order.priceMantissa);
  record.sizeMantissa = Math.max(0, order.sizeMantissa);
  record.cumSizeMantissa = Math.max(0, order.cumSizeMantissa);
  record.state = order.state;
  return report.saying(TextKind.VenueOrderId, order.venueOrderId);
}

/** Free plus held, at BALANCE_REST_SCALE; 0 for a currency without an account; null when a text is no decimal. */
function totalOf(balances: readonly BalanceReport[], code: string): bigint | null {
  let total = 0n;
  for (const balance of balances) {
    if (balance.currency !== code) continue;
    const available = finestOf(balance.availableText);
    const hold = finestOf(balance.holdText);
    if (available === null || hold === null) return null;
    total += available + hold;
  }
  return total;
}

/** Digits below the finest unit that is kept are cut off. */
function finestOf(text: string): bigint | null {
  const dot = text.indexOf('.');
  const cut = dot < 0 ? text : text.slice(0, dot + 1 + BALANCE_REST_SCALE);
  const whole = readDecimal(cut, 0);
  if (typeof whole === 'bigint') return whole * 10n ** BigInt(BALANCE_REST_SCALE);
  // readDecimal is bounded by int64, which at 18 decimals ends at 9: integer and fraction are read apart.
  const match = /^(-?)(\d{1,18})\.(\d{1,18})$/.exec(cut);
  if (match === null) return null;
  const [, sign, integer = '0', fraction = ''] = match;
  const value = BigInt(integer + fraction.padEnd(BALANCE_REST_SCALE, '0'));
  return sign === '-' ? -value : value;
}

/** A safe integer: fills from more than 104 days before the run stand at that bound; 0 when the venue said no time. */
function sinceRunStart(epochNs: bigint, runEpochNs: bigint): number {
  if (epochNs === 0n) return 0;
  return Math.max(-Number.MAX_SAFE_INTEGER, Number(epochNs - runEpochNs));
}

function compareTimes(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
