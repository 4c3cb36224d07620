/**
 * projections: turns the records of the journal into what people ask for: orders, their history, fills, positions,
 * balances. Journal thread. No storage of its own: it speaks to `ProjectionTables`, inside the store's transaction.
 *
 * Invariant: after `flush`, the tables say exactly what the records up to the last one say. Sums are made with BigInt
 * mantissas, so they are exact at any size; codes and enum values are written by name, so that tables can be read
 * without this version of the program.
 */
import { codeAt } from '../domain/errors.js';
import { EventKind } from '../domain/core-record.js';
import { must } from '../domain/assert.js';
import { moneyScale, type Instrument } from '../domain/instrument.js';
import { OrderFlag, OrderState, OrderType, Side, TimeInForce } from '../domain/order.js';
import { BALANCE_REST_SCALE, BALANCE_SCALE } from '../domain/portfolio.js';
import { decimalText } from '../domain/decimal-text.js';
import {
  getEventAux,
  getEventCumSizeMantissaBig,
  getEventTickVenueNsBig,
  getEventFeeMantissaBig,
  getEventFillKey,
  getEventFlags,
  getEventInstrumentIndex,
  getEventKind,
  getEventNowNsBig,
  getEventOrderSeq,
  getEventOrderType,
  getEventPriceMantissaBig,
  getEventReason,
  getEventRefSeq,
  getEventSeq,
  getEventSide,
  getEventSizeMantissaBig,
  getEventState,
  getEventStrategyIndex,
  getEventTimeInForce,
  getEventValueMantissaBig,
} from '../generated/hot.js';

/** Kinds of EventText (schemas/event.fbs). */
export const TextKind = { VenueOrderId: 1, ClientOrderId: 2, Message: 3, VenueFillId: 4 } as const;

/** An order as the projections keep it; sums as mantissas at the scales of its instrument. */
export interface StoredOrder {
  readonly orderSeq: number;
  readonly run: number;
  readonly instrumentIndex: number;
  strategy: string;
  clientOrderId: string | null;
  venueOrderId: string | null;
  side: string;
  orderType: string;
  timeInForce: string;
  isPostOnly: boolean;
  isReduceOnly: boolean;
  isAdopted: boolean;
  price: bigint;
  size: bigint;
  filled: bigint;
  cost: bigint;
  fees: bigint;
  fillCount: number;
  state: string;
  isOpen: boolean;
  reason: string;
  message: string | null;
  readonly createdNs: bigint;
  updatedNs: bigint;
}

export interface StoredOrderEvent {
  readonly seq: number;
  readonly orderSeq: number;
  readonly event: string;
  readonly state: string;
  readonly reason: string;
  readonly atNs: bigint;
}

export interface StoredFill {
  readonly fillSeq: number;
  readonly inputSeq: number;
  readonly fillKey: number;
  readonly venueFillId: string | null;
  readonly orderSeq: number;
  readonly instrumentIndex: number;
  readonly side: string;
  readonly price: string;
  readonly size: string;
  readonly fee: string;
  readonly isMaker: boolean;
  readonly venueNs: bigint;
  readonly appliedNs: bigint;
}

export interface StoredPosition {
  readonly instrumentIndex: number;
  readonly size: string;
  readonly cost: string;
  readonly avgEntryPrice: string;
  readonly realizedPnl: string;
  readonly fees: string;
  readonly seq: number;
  readonly updatedNs: bigint;
}

/** Where the projections go. */
export interface ProjectionTables {
  loadOrder(orderSeq: number, instruments: readonly Instrument[]): StoredOrder | undefined;
  saveOrder(order: StoredOrder, instrument: Instrument): void;
  addOrderEvent(event: StoredOrderEvent): void;
  setOrderEventMessage(seq: number, message: string): void;
  addFill(fill: StoredFill): void;
  setVenueFillId(inputSeq: number, venueFillId: string): void;
  savePosition(position: StoredPosition): void;
  saveBalance(currency: string, total: string, seq: number, updatedNs: bigint): void;
  addDiscrepancy(
    seq: number,
    reason: string,
    orderSeq: number,
    instrumentIndex: number,
    atNs: bigint,
  ): void;
}

const SIDE_TEXT = namesOf({ [Side.None]: 'none', [Side.Buy]: 'buy', [Side.Sell]: 'sell' });
const TYPE_TEXT = namesOf({
  [OrderType.None]: 'none',
  [OrderType.Limit]: 'limit',
  [OrderType.Market]: 'market',
  [OrderType.StopMarket]: 'stop',
  [OrderType.StopLimit]: 'stop-limit',
  [OrderType.TakeProfitMarket]: 'take-profit',
  [OrderType.TakeProfitLimit]: 'take-profit-limit',
});
const TIF_TEXT = namesOf({
  [TimeInForce.None]: 'none',
  [TimeInForce.Gtc]: 'GTC',
  [TimeInForce.Ioc]: 'IOC',
  [TimeInForce.Fok]: 'FOK',
  [TimeInForce.Gtd]: 'GTD',
});
const STATE_TEXT = namesOf(
  Object.fromEntries(Object.entries(OrderState).map(([name, n]) => [n, name])),
);
const KIND_TEXT = namesOf(
  Object.fromEntries(Object.entries(EventKind).map(([name, n]) => [n, name])),
);

/** States in which an order may still trade. */
const OPEN_STATES: ReadonlySet<string> = new Set([
  'Held',
  'PendingNew',
  'Open',
  'PartiallyFilled',
  'PendingCancel',
  'Unknown',
]);

/** Venue reports and core outputs that are steps of an order's life. */
const ORDER_STEPS: ReadonlySet<number> = new Set([
  EventKind.VenueAccepted,
  EventKind.VenueRejected,
  EventKind.VenueFill,
  EventKind.VenueStatus,
  EventKind.CancelRejected,
  EventKind.OutcomeUnknown,
  EventKind.ReconcileOrder,
  EventKind.OrderSend,
  EventKind.CancelSend,
  EventKind.OrderQuery,
  EventKind.OrderChanged,
  EventKind.FillApplied,
]);

const REST_UNITS = 10n ** BigInt(BALANCE_REST_SCALE - BALANCE_SCALE);

/** Orders kept in memory between batches; older ones are read again when they are spoken of. */
const ORDERS_CACHED_MAX = 4096;
/** Ids that came before the order that they belong to (an adopted order): at most that many wait. */
const IDS_WAITING_MAX = 1024;

interface WaitingIds {
  clientOrderId: string | null;
  venueOrderId: string | null;
}

export interface ProjectionsOptions {
  readonly run: number;
  readonly runEpochNs: bigint;
  readonly instruments: readonly Instrument[];
  readonly strategies: readonly string[];
  /** Codes by currency index of BalanceChanged. */
  readonly currencies: readonly string[];
}

export class Projections {
  readonly #options: ProjectionsOptions;
  readonly #tables: ProjectionTables;
  readonly #orders = new Map<number, StoredOrder>();
  readonly #dirty = new Set<StoredOrder>();
  readonly #waitingIds = new Map<number, WaitingIds>();
  // The last VenueFill: the FillApplied that it causes follows it before any other input.
  #fillInputSeq = 0;
  #fillVenueNs = 0n;
  #fillFlags = 0;
  #fillText: string | null = null;

  constructor(options: ProjectionsOptions, tables: ProjectionTables) {
    this.#options = options;
    this.#tables = tables;
  }

  /** One record that is not a Text. */
  apply(i32: Int32Array, base: number): void {
    const kind = getEventKind(i32, base);
    if (ORDER_STEPS.has(kind)) this.#applyOrderStep(kind, i32, base);
    switch (kind) {
      case EventKind.VenueFill:
        this.#fillInputSeq = getEventSeq(i32, base);
        this.#fillVenueNs = this.#options.runEpochNs + getEventTickVenueNsBig(i32, base);
        this.#fillFlags = getEventFlags(i32, base);
        this.#fillText = null;
        break;
      case EventKind.PositionChanged:
        this.#applyPosition(i32, base);
        break;
      case EventKind.BalanceChanged:
        this.#applyBalance(i32, base);
        break;
      case EventKind.Discrepancy:
        this.#tables.addDiscrepancy(
          getEventSeq(i32, base),
          codeAt(getEventReason(i32, base)),
          getEventOrderSeq(i32, base),
          getEventInstrumentIndex(i32, base),
          this.#atNs(i32, base),
        );
        break;
      default:
        break;
    }
  }

  /** One Text; it follows the record `refSeq` that it belongs to. */
  applyText(textKind: number, refSeq: number, orderSeq: number, text: string): void {
    switch (textKind) {
      case TextKind.VenueOrderId:
      case TextKind.ClientOrderId:
        this.#applyOrderId(textKind, orderSeq, text);
        break;
      case TextKind.Message: {
        this.#tables.setOrderEventMessage(refSeq, text);
        const order = this.#find(orderSeq);
        if (order !== undefined) {
          order.message = text;
          this.#dirty.add(order);
        }
        break;
      }
      case TextKind.VenueFillId:
        if (refSeq === this.#fillInputSeq) this.#fillText = text;
        this.#tables.setVenueFillId(refSeq, text);
        break;
      default:
        break;
    }
  }

  /** Writes the orders that changed. Called at the end of a batch, inside its transaction. */
  flush(): void {
    for (const order of this.#dirty)
      this.#tables.saveOrder(order, this.#instrument(order.instrumentIndex));
    this.#dirty.clear();
    if (this.#orders.size > ORDERS_CACHED_MAX) this.#orders.clear();
  }

  #applyOrderStep(kind: number, i32: Int32Array, base: number): void {
    const orderSeq = getEventOrderSeq(i32, base);
    if (orderSeq === 0) return;
    const state = getEventState(i32, base);
    const atNs = this.#atNs(i32, base);
    const reason = codeAt(getEventReason(i32, base));
    this.#tables.addOrderEvent({
      seq: getEventSeq(i32, base),
      orderSeq,
      event: nameOf(KIND_TEXT, kind),
      state: nameOf(STATE_TEXT, state),
      reason,
      atNs,
    });
    if (kind === EventKind.OrderSend || kind === EventKind.OrderChanged) {
      const order = this.#findOrCreate(orderSeq, i32, base);
      // A held order says all of itself each time: a leg of a bracket grows.
      if (kind === EventKind.OrderSend || state === OrderState.Held)
        this.#describe(order, i32, base);
      if (kind === EventKind.OrderChanged || state !== OrderState.None) {
        order.state = nameOf(STATE_TEXT, state);
        order.isOpen = OPEN_STATES.has(order.state);
        order.reason = reason;
      }
      order.updatedNs = atNs;
      this.#dirty.add(order);
    } else if (kind === EventKind.FillApplied) {
      this.#applyFill(orderSeq, i32, base);
    }
  }

  #applyFill(orderSeq: number, i32: Int32Array, base: number): void {
    const order = this.#findOrCreate(orderSeq, i32, base);
    const instrument = this.#instrument(getEventInstrumentIndex(i32, base));
    const inputSeq = getEventRefSeq(i32, base);
    const isOfLastInput = inputSeq === this.#fillInputSeq;
    const flags = getEventFlags(i32, base) | (isOfLastInput ? this.#fillFlags : 0);
    const price = getEventPriceMantissaBig(i32, base);
    const size = getEventSizeMantissaBig(i32, base);
    const fee = getEventFeeMantissaBig(i32, base);
    const atNs = this.#atNs(i32, base);
    const side = getEventSide(i32, base);
    this.#tables.addFill({
      fillSeq: getEventSeq(i32, base),
      inputSeq,
      fillKey: getEventFillKey(i32, base),
      venueFillId: isOfLastInput ? this.#fillText : null,
      orderSeq,
      instrumentIndex: instrument.index,
      side: side === Side.None ? order.side : nameOf(SIDE_TEXT, side),
      price: decimalText(price, instrument.priceScale),
      size: decimalText(size, instrument.sizeScale),
      fee: decimalText(fee, moneyScale(instrument)),
      isMaker: (flags & OrderFlag.Maker) !== 0,
      venueNs: isOfLastInput ? this.#fillVenueNs : atNs,
      appliedNs: atNs,
    });
    order.filled += size;
    order.cost += price * size;
    order.fees += fee;
    order.fillCount++;
    order.updatedNs = atNs;
    this.#dirty.add(order);
  }

  #applyPosition(i32: Int32Array, base: number): void {
    const instrument = this.#instrument(getEventInstrumentIndex(i32, base));
    const scale = moneyScale(instrument);
    this.#tables.savePosition({
      instrumentIndex: instrument.index,
      size: decimalText(getEventSizeMantissaBig(i32, base), instrument.sizeScale),
      cost: decimalText(getEventValueMantissaBig(i32, base), scale),
      avgEntryPrice: decimalText(getEventPriceMantissaBig(i32, base), instrument.priceScale),
      realizedPnl: decimalText(getEventCumSizeMantissaBig(i32, base), scale),
      fees: decimalText(getEventFeeMantissaBig(i32, base), scale),
      seq: getEventSeq(i32, base),
      updatedNs: this.#atNs(i32, base),
    });
  }

  #applyBalance(i32: Int32Array, base: number): void {
    const index = getEventAux(i32, base);
    const currency = must(this.#options.currencies[index], `currency ${String(index)}`);
    // Two numbers: the digits down to BALANCE_SCALE, and those below.
    const total =
      getEventValueMantissaBig(i32, base) * REST_UNITS + getEventSizeMantissaBig(i32, base);
    this.#tables.saveBalance(
      currency,
      decimalText(total, BALANCE_REST_SCALE),
      getEventSeq(i32, base),
      this.#atNs(i32, base),
    );
  }

  #applyOrderId(textKind: number, orderSeq: number, text: string): void {
    const order = this.#find(orderSeq);
    if (order === undefined) {
      if (this.#waitingIds.size >= IDS_WAITING_MAX) this.#waitingIds.clear();
      const waiting = this.#waitingIds.get(orderSeq) ?? { clientOrderId: null, venueOrderId: null };
      if (textKind === TextKind.VenueOrderId) waiting.venueOrderId = text;
      else waiting.clientOrderId = text;
      this.#waitingIds.set(orderSeq, waiting);
      return;
    }
    if (textKind === TextKind.VenueOrderId) order.venueOrderId = text;
    else order.clientOrderId = text;
    this.#dirty.add(order);
  }

  #find(orderSeq: number): StoredOrder | undefined {
    const known = this.#orders.get(orderSeq);
    if (known !== undefined) return known;
    const stored = this.#tables.loadOrder(orderSeq, this.#options.instruments);
    if (stored !== undefined) this.#orders.set(orderSeq, stored);
    return stored;
  }

  #findOrCreate(orderSeq: number, i32: Int32Array, base: number): StoredOrder {
    const known = this.#find(orderSeq);
    if (known !== undefined) return known;
    const atNs = this.#atNs(i32, base);
    const waiting = this.#waitingIds.get(orderSeq);
    this.#waitingIds.delete(orderSeq);
    const order: StoredOrder = {
      orderSeq,
      run: this.#options.run,
      instrumentIndex: this.#instrument(getEventInstrumentIndex(i32, base)).index,
      strategy: '',
      clientOrderId: waiting?.clientOrderId ?? null,
      venueOrderId: waiting?.venueOrderId ?? null,
      side: 'none',
      orderType: 'none',
      timeInForce: 'none',
      isPostOnly: false,
      isReduceOnly: false,
      isAdopted: (getEventFlags(i32, base) & OrderFlag.Adopted) !== 0,
      price: 0n,
      size: 0n,
      filled: 0n,
      cost: 0n,
      fees: 0n,
      fillCount: 0,
      state: 'PendingNew',
      isOpen: true,
      reason: 'OK',
      message: null,
      createdNs: atNs,
      updatedNs: atNs,
    };
    this.#describe(order, i32, base);
    this.#orders.set(orderSeq, order);
    return order;
  }

  /** What was ordered. */
  #describe(order: StoredOrder, i32: Int32Array, base: number): void {
    const flags = getEventFlags(i32, base);
    const strategyIndex = getEventStrategyIndex(i32, base);
    order.strategy = this.#options.strategies[strategyIndex] ?? String(strategyIndex);
    order.side = nameOf(SIDE_TEXT, getEventSide(i32, base));
    order.orderType = nameOf(TYPE_TEXT, getEventOrderType(i32, base));
    order.timeInForce = nameOf(TIF_TEXT, getEventTimeInForce(i32, base));
    order.isPostOnly = (flags & OrderFlag.PostOnly) !== 0;
    order.isReduceOnly = (flags & OrderFlag.ReduceOnly) !== 0;
    order.price = getEventPriceMantissaBig(i32, base);
    order.size = getEventSizeMantissaBig(i32, base);
  }

  #instrument(index: number): Instrument {
    return must(this.#options.instruments[index], `instrument ${String(index)}`);
  }

  #atNs(i32: Int32Array, base: number): bigint {
    return this.#options.runEpochNs + getEventNowNsBig(i32, base);
  }
}

/** Names by number, as an array. */
function namesOf(table: Readonly<Record<number, string>>): readonly (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [index, name] of Object.entries(table)) names[Number(index)] = name;
  return names;
}

function nameOf(names: readonly (string | undefined)[], index: number): string {
  return names[index] ?? String(index);
}
