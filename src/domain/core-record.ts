/**
 * core-record: one input or output of the execution core, as plain numbers. Field for field the struct `Event` of
 * schemas/event.fbs (test/layout.test.ts holds them together); meaning by kind is written there.
 *
 * Reused, never allocated per event: the core fills records of a preallocated outbox, the agent fills one input.
 */

/** Kinds; the numbers of schemas/event.fbs. */
export const EventKind = {
  None: 0,
  RunStarted: 1,
  Intent: 2,
  Command: 3,
  VenueAccepted: 4,
  VenueRejected: 5,
  VenueFill: 6,
  VenueStatus: 7,
  CancelRejected: 8,
  OutcomeUnknown: 9,
  Deadline: 10,
  Mark: 11,
  MarketState: 12,
  VenueSession: 13,
  ReconcileOrder: 14,
  ReconcileBalance: 15,
  ReconcileDone: 16,
  CoreStopping: 17,
  OrderSend: 64,
  IntentRefused: 65,
  CancelSend: 66,
  OrderQuery: 67,
  OrderChanged: 68,
  FillApplied: 69,
  PositionChanged: 70,
  BalanceChanged: 71,
  TradingStateChanged: 72,
  Discrepancy: 73,
  DeadlineSet: 74,
  CommandDone: 75,
  Text: 127,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export const EVENT_KIND_INPUT_MAX = 63;

export const TradingState = { None: 0, Active: 1, Reducing: 2, Halted: 3 } as const;
export type TradingState = (typeof TradingState)[keyof typeof TradingState];

export const CommandKind = {
  None: 0,
  Halt: 1,
  Resume: 2,
  CancelAll: 3,
  Flatten: 4,
  Shutdown: 5,
  /** On record only: ingest does it. */
  ReconnectFeed: 6,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

/** All fields are integers inside ±2^53 (int64 in the schema). */
export class CoreRecord {
  seq = 0;
  nowNs = 0;
  orderSeq = 0;
  priceMantissa = 0;
  sizeMantissa = 0;
  cumSizeMantissa = 0;
  valueMantissa = 0;
  feeMantissa = 0;
  fillKey = 0;
  refSeq = 0;
  tickRecvNs = 0;
  tickVenueNs = 0;
  emitNs = 0;
  aux = 0;
  instrumentIndex = 0;
  strategyIndex = 0;
  reason = 0;
  kind: number = EventKind.None;
  side = 0;
  orderType = 0;
  timeInForce = 0;
  state = 0;
  flags = 0;

  /** Sets every field to 0, then the kind. */
  reset(kind: number): void {
    this.seq = 0;
    this.nowNs = 0;
    this.orderSeq = 0;
    this.priceMantissa = 0;
    this.sizeMantissa = 0;
    this.cumSizeMantissa = 0;
    this.valueMantissa = 0;
    this.feeMantissa = 0;
    this.fillKey = 0;
    this.refSeq = 0;
    this.tickRecvNs = 0;
    this.tickVenueNs = 0;
    this.emitNs = 0;
    this.aux = 0;
    this.instrumentIndex = 0;
    this.strategyIndex = 0;
    this.reason = 0;
    this.kind = kind;
    this.side = 0;
    this.orderType = 0;
    this.timeInForce = 0;
    this.state = 0;
    this.flags = 0;
  }
}

/** Outputs of one `apply`, in order. Grows only at start: more than `capacity` outputs of one input is a bug. */
export class Outbox {
  readonly records: readonly CoreRecord[];
  count = 0;
  /** Core time of the input under way; every record of it carries it. */
  nowNs = 0;
  constructor(capacity: number) {
    this.records = Array.from({ length: capacity }, () => new CoreRecord());
  }
  /** The next free record, reset to `kind`. */
  next(kind: number): CoreRecord {
    const record = this.records[this.count];
    if (record === undefined)
      throw new Error(`outbox full: capacity=${String(this.records.length)}`);
    this.count++;
    record.reset(kind);
    record.nowNs = this.nowNs;
    return record;
  }
  clear(): void {
    this.count = 0;
  }
}

const CONFIDENCE_FACTOR = 4294967296;

/** `aux` of an Intent input: time to live below 2^32 ms, and above it how sure the strategy is. */
export function intentAux(ttlMs: number, confidencePpm: number): number {
  return confidencePpm * CONFIDENCE_FACTOR + ttlMs;
}

export function ttlMsOf(aux: number): number {
  return aux > 0 ? aux % CONFIDENCE_FACTOR : 0;
}

export function confidencePpmOf(aux: number): number {
  return aux > 0 ? Math.floor(aux / CONFIDENCE_FACTOR) : 0;
}

/** Order numbers: run number * 2^32 + number in the run. Safe integers for runs below 2^21. */
export const ORDER_SEQ_PER_RUN = 4294967296;
