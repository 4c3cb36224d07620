/**
 * order: the words of an order, its record, and its life as one table: ORDER_TRANSITIONS below is the whole truth.
 * @hotpath
 *
 * Pure; used by the execution thread alone, which is the single writer of every order.
 * The numbers are those of the schemas (schemas/intent.fbs, event.fbs); test/layout.test.ts holds them together.
 *
 *                  Refuse, StatusRejected
 *   (None)        ┌────────────────────────────────────────────▶ Rejected ──Accept, StatusLive──┐
 *     │ Submit    │      (Hold ──▶ Held ──Trigger──▶ PendingNew,  ▲                             │
 *     ▼           │                Held ──Drop──▶ Canceled)       │ Refuse, StatusRejected      │
 *     │           │          Unanswered                           │                             │
 *  PendingNew ────┴───────────────────────────▶ Unknown ──────────┘                             │
 *     │                                          │  ▲  asked for by client order id,            │
 *     │ Accept, StatusLive                       │  └─ never sent again ◀───────────────────────┘
 *     ▼                       Accept, StatusLive │
 *   Open ◀───────────────────────────────────────┘
 *     │  ╲ FillPart               CancelAsk
 *     │   ▼                     ┌───────────▶ PendingCancel ──CancelRefuse──▶ Open
 *     ├─▶ PartiallyFilled ──────┤                  │          CancelRefusePartly ▶ PartiallyFilled
 *     │                         │                  │
 *     └───────┬─────────────────┴──────────────────┘
 *             ├── FillLast, FillOver ──▶ Filled
 *             ├── StatusCanceled ──────▶ Canceled ──FillLast──▶ Filled   (a fill overtaken by its cancel)
 *             └── StatusExpired ───────▶ Expired  ──FillLast──▶ Filled
 *
 * Every pair, with its reason, is in docs/order-lifecycle.md; a test walks all pairs against this table.
 * A pair that is not in the table is an error: nothing changes and it is counted as a Discrepancy.
 */

export const Side = { None: 0, Buy: 1, Sell: 2 } as const;
export type Side = (typeof Side)[keyof typeof Side];

/**
 * The four below Market wait for a price (`trigger`) first: a stop when the market has moved against the side that it
 * protects, a take-profit when it has moved with it; then they are a market or a limit order.
 */
export const OrderType = {
  None: 0,
  Limit: 1,
  Market: 2,
  StopMarket: 3,
  StopLimit: 4,
  TakeProfitMarket: 5,
  TakeProfitLimit: 6,
} as const;
export type OrderType = (typeof OrderType)[keyof typeof OrderType];

export const TimeInForce = { None: 0, Gtc: 1, Ioc: 2, Fok: 3, Gtd: 4 } as const;
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce];

/** What an intent asks for. */
export const IntentKind = { None: 0, Place: 1, CancelAll: 2, Cancel: 3 } as const;
export type IntentKind = (typeof IntentKind)[keyof typeof IntentKind];

/** Flag bits of orders, intents and events. */
export const OrderFlag = {
  PostOnly: 1,
  ReduceOnly: 2,
  Maker: 4,
  Replayed: 8,
  Adopted: 16,
  CancelRequested: 32,
} as const;

export const OrderState = {
  None: 0,
  /** Approved and handed to the gateway; the venue has not answered. */
  PendingNew: 1,
  /** The venue has it; nothing filled yet. */
  Open: 2,
  PartiallyFilled: 3,
  /** Our cancel is under way. */
  PendingCancel: 4,
  /** Sent, and no answer came: live or not, nobody knows yet. Counts as exposure. */
  Unknown: 5,
  Filled: 6,
  Canceled: 7,
  Rejected: 8,
  Expired: 9,
  /** Waits in the core for its trigger; the venue knows nothing of it. */
  Held: 10,
} as const;
export type OrderState = (typeof OrderState)[keyof typeof OrderState];

export const ORDER_STATE_COUNT = 11;

/** What can happen to an order. Fills and refused cancels are split by what they leave, so that the table is exact. */
export const OrderEvent = {
  None: 0,
  /** The risk gate approved it and it was handed to the gateway. */
  Submit: 1,
  /** The venue has an order of ours that the journal did not know. */
  Adopt: 2,
  /** The venue took it. */
  Accept: 3,
  /** The venue refused it, or has never seen it. */
  Refuse: 4,
  /** A fill that leaves something open. */
  FillPart: 5,
  /** The fill that completes the order. */
  FillLast: 6,
  /** A fill beyond the order's size. */
  FillOver: 7,
  /** We want it cancelled. */
  CancelAsk: 8,
  /** The venue refused the cancel; nothing has filled. */
  CancelRefuse: 9,
  /** The venue refused the cancel; part has filled. */
  CancelRefusePartly: 10,
  /** No answer to what was sent. */
  Unanswered: 11,
  /** The venue's view: live (pending, open, partly filled, cancel queued). */
  StatusLive: 12,
  /** The venue's view: ended, and every fill that it counts has been applied here. */
  StatusCanceled: 13,
  StatusExpired: 14,
  StatusRejected: 15,
  StatusFilled: 16,
  /** Taken in, to wait for its trigger. */
  Hold: 17,
  /** The price came: approved by the risk gate and handed to the gateway. */
  Trigger: 18,
  /** Held no longer: cancelled, its time is over, or the other leg has gone out. */
  Drop: 19,
} as const;
export type OrderEvent = (typeof OrderEvent)[keyof typeof OrderEvent];

export const ORDER_EVENT_COUNT = 20;

/** One row of the table. `why` stands where a row would surprise. */
export interface OrderTransition {
  readonly from: OrderState;
  readonly event: OrderEvent;
  readonly to: OrderState;
  readonly why?: string;
}

const S = OrderState;
const E = OrderEvent;
const LATE = 'A late or repeated report; the end stands.';
const LOST_TRIGGER = 'It had gone out before a crash that lost the record of it.';
const LATE_ASK = 'The answer that was missed does not matter any more.';

/** The life of an order. What is not here cannot happen. */
export const ORDER_TRANSITIONS: readonly OrderTransition[] = [
  { from: S.None, event: E.Submit, to: S.PendingNew },
  { from: S.None, event: E.Adopt, to: S.Open },
  { from: S.None, event: E.Hold, to: S.Held },

  { from: S.Held, event: E.Trigger, to: S.PendingNew },
  { from: S.Held, event: E.Drop, to: S.Canceled },
  { from: S.Held, event: E.Accept, to: S.Open, why: LOST_TRIGGER },
  { from: S.Held, event: E.FillPart, to: S.PartiallyFilled, why: LOST_TRIGGER },
  { from: S.Held, event: E.FillLast, to: S.Filled, why: LOST_TRIGGER },
  { from: S.Held, event: E.FillOver, to: S.Filled, why: LOST_TRIGGER },
  { from: S.Held, event: E.StatusLive, to: S.Open, why: LOST_TRIGGER },
  { from: S.Held, event: E.StatusCanceled, to: S.Canceled, why: LOST_TRIGGER },
  { from: S.Held, event: E.StatusExpired, to: S.Expired, why: LOST_TRIGGER },
  { from: S.Held, event: E.StatusRejected, to: S.Rejected, why: LOST_TRIGGER },
  { from: S.Held, event: E.StatusFilled, to: S.Filled, why: LOST_TRIGGER },

  { from: S.PendingNew, event: E.Accept, to: S.Open },
  { from: S.PendingNew, event: E.Refuse, to: S.Rejected },
  {
    from: S.PendingNew,
    event: E.FillPart,
    to: S.PartiallyFilled,
    why: 'A fill before the acknowledgement.',
  },
  {
    from: S.PendingNew,
    event: E.FillLast,
    to: S.Filled,
    why: 'A fill before the acknowledgement.',
  },
  { from: S.PendingNew, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  {
    from: S.PendingNew,
    event: E.CancelAsk,
    to: S.PendingNew,
    why: 'Remembered: the cancel is sent when the venue has the order.',
  },
  { from: S.PendingNew, event: E.Unanswered, to: S.Unknown },
  {
    from: S.PendingNew,
    event: E.StatusLive,
    to: S.Open,
    why: 'The status overtook the acknowledgement.',
  },
  {
    from: S.PendingNew,
    event: E.StatusCanceled,
    to: S.Canceled,
    why: 'An IOC that found nothing; the status came first.',
  },
  {
    from: S.PendingNew,
    event: E.StatusExpired,
    to: S.Expired,
    why: 'The status overtook the acknowledgement.',
  },
  { from: S.PendingNew, event: E.StatusRejected, to: S.Rejected },
  {
    from: S.PendingNew,
    event: E.StatusFilled,
    to: S.Filled,
    why: 'Closed by the venue with less than its size.',
  },

  { from: S.Open, event: E.Accept, to: S.Open, why: 'A repeated acknowledgement.' },
  { from: S.Open, event: E.FillPart, to: S.PartiallyFilled },
  { from: S.Open, event: E.FillLast, to: S.Filled },
  { from: S.Open, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  { from: S.Open, event: E.CancelAsk, to: S.PendingCancel },
  { from: S.Open, event: E.CancelRefuse, to: S.Open, why: 'A late or repeated refusal.' },
  { from: S.Open, event: E.Unanswered, to: S.Open, why: 'A report overtook the timeout.' },
  { from: S.Open, event: E.StatusLive, to: S.Open },
  {
    from: S.Open,
    event: E.StatusCanceled,
    to: S.Canceled,
    why: 'By the venue, or an IOC with nothing left to take.',
  },
  { from: S.Open, event: E.StatusExpired, to: S.Expired },
  {
    from: S.Open,
    event: E.StatusRejected,
    to: S.Rejected,
    why: 'Taken at first, then failed at the venue.',
  },
  {
    from: S.Open,
    event: E.StatusFilled,
    to: S.Filled,
    why: 'Closed by the venue with less than its size.',
  },

  {
    from: S.PartiallyFilled,
    event: E.Accept,
    to: S.PartiallyFilled,
    why: 'The fill overtook the acknowledgement.',
  },
  { from: S.PartiallyFilled, event: E.FillPart, to: S.PartiallyFilled },
  { from: S.PartiallyFilled, event: E.FillLast, to: S.Filled },
  {
    from: S.PartiallyFilled,
    event: E.FillOver,
    to: S.Filled,
    why: 'More than was ordered; counted.',
  },
  { from: S.PartiallyFilled, event: E.CancelAsk, to: S.PendingCancel },
  {
    from: S.PartiallyFilled,
    event: E.CancelRefusePartly,
    to: S.PartiallyFilled,
    why: 'A late or repeated refusal.',
  },
  {
    from: S.PartiallyFilled,
    event: E.Unanswered,
    to: S.PartiallyFilled,
    why: 'A report overtook the timeout.',
  },
  { from: S.PartiallyFilled, event: E.StatusLive, to: S.PartiallyFilled },
  {
    from: S.PartiallyFilled,
    event: E.StatusCanceled,
    to: S.Canceled,
    why: 'What filled stays; the rest is off the book.',
  },
  { from: S.PartiallyFilled, event: E.StatusExpired, to: S.Expired },
  {
    from: S.PartiallyFilled,
    event: E.StatusRejected,
    to: S.Canceled,
    why: 'What filled stays; the rest is off the book.',
  },
  {
    from: S.PartiallyFilled,
    event: E.StatusFilled,
    to: S.Filled,
    why: 'Closed by the venue with less than its size.',
  },

  {
    from: S.PendingCancel,
    event: E.Accept,
    to: S.PendingCancel,
    why: 'A repeated acknowledgement.',
  },
  {
    from: S.PendingCancel,
    event: E.FillPart,
    to: S.PendingCancel,
    why: 'Filled on the way; the cancel goes on.',
  },
  {
    from: S.PendingCancel,
    event: E.FillLast,
    to: S.Filled,
    why: 'The fill was faster than the cancel.',
  },
  {
    from: S.PendingCancel,
    event: E.FillOver,
    to: S.Filled,
    why: 'More than was ordered; counted.',
  },
  {
    from: S.PendingCancel,
    event: E.CancelAsk,
    to: S.PendingCancel,
    why: 'Sent again after an answer that never came.',
  },
  { from: S.PendingCancel, event: E.CancelRefuse, to: S.Open },
  { from: S.PendingCancel, event: E.CancelRefusePartly, to: S.PartiallyFilled },
  {
    from: S.PendingCancel,
    event: E.Unanswered,
    to: S.PendingCancel,
    why: 'Cancelled or not: asked for.',
  },
  {
    from: S.PendingCancel,
    event: E.StatusLive,
    to: S.PendingCancel,
    why: 'The cancel is still on its way.',
  },
  { from: S.PendingCancel, event: E.StatusCanceled, to: S.Canceled },
  {
    from: S.PendingCancel,
    event: E.StatusExpired,
    to: S.Expired,
    why: 'Expired before the cancel came.',
  },
  {
    from: S.PendingCancel,
    event: E.StatusRejected,
    to: S.Canceled,
    why: 'Failed at the venue: off the book, as wished.',
  },
  {
    from: S.PendingCancel,
    event: E.StatusFilled,
    to: S.Filled,
    why: 'Closed by the venue with less than its size.',
  },

  { from: S.Unknown, event: E.Accept, to: S.Open },
  {
    from: S.Unknown,
    event: E.Refuse,
    to: S.Rejected,
    why: 'Refused, or the venue has never seen it.',
  },
  {
    from: S.Unknown,
    event: E.FillPart,
    to: S.PartiallyFilled,
    why: 'The fill proves that it is live.',
  },
  { from: S.Unknown, event: E.FillLast, to: S.Filled, why: 'The fill proves that it arrived.' },
  { from: S.Unknown, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  {
    from: S.Unknown,
    event: E.CancelAsk,
    to: S.Unknown,
    why: 'Remembered: the cancel is sent when the venue is known to have the order.',
  },
  { from: S.Unknown, event: E.Unanswered, to: S.Unknown, why: 'Asked again.' },
  { from: S.Unknown, event: E.StatusLive, to: S.Open },
  { from: S.Unknown, event: E.StatusCanceled, to: S.Canceled },
  { from: S.Unknown, event: E.StatusExpired, to: S.Expired },
  { from: S.Unknown, event: E.StatusRejected, to: S.Rejected },
  {
    from: S.Unknown,
    event: E.StatusFilled,
    to: S.Filled,
    why: 'Closed by the venue with less than its size.',
  },

  { from: S.Filled, event: E.Accept, to: S.Filled, why: LATE },
  {
    from: S.Filled,
    event: E.FillOver,
    to: S.Filled,
    why: 'More than was ordered changes the position too; counted.',
  },
  {
    from: S.Filled,
    event: E.FillPart,
    to: S.Filled,
    why: 'Closed with less than its size, and one more fill came.',
  },
  {
    from: S.Filled,
    event: E.FillLast,
    to: S.Filled,
    why: 'Closed with less than its size, and the rest came.',
  },
  { from: S.Filled, event: E.CancelRefuse, to: S.Filled, why: 'Too late to cancel.' },
  { from: S.Filled, event: E.CancelRefusePartly, to: S.Filled, why: 'Too late to cancel.' },
  { from: S.Filled, event: E.Unanswered, to: S.Filled, why: LATE_ASK },
  { from: S.Filled, event: E.StatusLive, to: S.Filled, why: LATE },
  { from: S.Filled, event: E.StatusCanceled, to: S.Filled, why: 'The cancel met a filled order.' },
  { from: S.Filled, event: E.StatusExpired, to: S.Filled, why: LATE },
  { from: S.Filled, event: E.StatusFilled, to: S.Filled, why: LATE },

  { from: S.Canceled, event: E.Accept, to: S.Canceled, why: LATE },
  {
    from: S.Canceled,
    event: E.FillPart,
    to: S.Canceled,
    why: 'Filled before the cancel, reported after it: counts.',
  },
  {
    from: S.Canceled,
    event: E.FillLast,
    to: S.Filled,
    why: 'Filled before the cancel, reported after it: counts.',
  },
  { from: S.Canceled, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  { from: S.Canceled, event: E.CancelRefuse, to: S.Canceled, why: 'Nothing left to cancel.' },
  { from: S.Canceled, event: E.CancelRefusePartly, to: S.Canceled, why: 'Nothing left to cancel.' },
  { from: S.Canceled, event: E.Unanswered, to: S.Canceled, why: LATE_ASK },
  { from: S.Canceled, event: E.StatusLive, to: S.Canceled, why: LATE },
  { from: S.Canceled, event: E.StatusCanceled, to: S.Canceled, why: LATE },
  { from: S.Canceled, event: E.StatusExpired, to: S.Canceled, why: LATE },
  { from: S.Canceled, event: E.StatusRejected, to: S.Canceled, why: LATE },

  {
    from: S.Rejected,
    event: E.Accept,
    to: S.Unknown,
    why: 'Declared dead too early: asked for, counts as exposure.',
  },
  { from: S.Rejected, event: E.Refuse, to: S.Rejected, why: LATE },
  {
    from: S.Rejected,
    event: E.FillPart,
    to: S.PartiallyFilled,
    why: 'Declared dead too early: it trades.',
  },
  { from: S.Rejected, event: E.FillLast, to: S.Filled, why: 'Declared dead too early: it traded.' },
  { from: S.Rejected, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  { from: S.Rejected, event: E.CancelRefuse, to: S.Rejected, why: 'Nothing left to cancel.' },
  { from: S.Rejected, event: E.Unanswered, to: S.Rejected, why: LATE_ASK },
  {
    from: S.Rejected,
    event: E.StatusLive,
    to: S.Unknown,
    why: 'Declared dead too early: asked for, counts as exposure.',
  },
  {
    from: S.Rejected,
    event: E.StatusCanceled,
    to: S.Canceled,
    why: 'It had arrived after all, and is off the book.',
  },
  {
    from: S.Rejected,
    event: E.StatusExpired,
    to: S.Expired,
    why: 'It had arrived after all, and is off the book.',
  },
  { from: S.Rejected, event: E.StatusRejected, to: S.Rejected, why: LATE },

  { from: S.Expired, event: E.Accept, to: S.Expired, why: LATE },
  {
    from: S.Expired,
    event: E.FillPart,
    to: S.Expired,
    why: 'Filled before the end, reported after it: counts.',
  },
  {
    from: S.Expired,
    event: E.FillLast,
    to: S.Filled,
    why: 'Filled before the end, reported after it: counts.',
  },
  { from: S.Expired, event: E.FillOver, to: S.Filled, why: 'More than was ordered; counted.' },
  { from: S.Expired, event: E.CancelRefuse, to: S.Expired, why: 'Nothing left to cancel.' },
  { from: S.Expired, event: E.CancelRefusePartly, to: S.Expired, why: 'Nothing left to cancel.' },
  { from: S.Expired, event: E.Unanswered, to: S.Expired, why: LATE_ASK },
  { from: S.Expired, event: E.StatusLive, to: S.Expired, why: LATE },
  { from: S.Expired, event: E.StatusCanceled, to: S.Expired, why: LATE },
  { from: S.Expired, event: E.StatusExpired, to: S.Expired, why: LATE },
  { from: S.Expired, event: E.StatusRejected, to: S.Expired, why: LATE },
];

/** Cell value 255: the pair is not in the table. */
const FORBIDDEN = 255;
const TARGET_OF = new Uint8Array(ORDER_EVENT_COUNT * ORDER_STATE_COUNT).fill(FORBIDDEN);
for (const row of ORDER_TRANSITIONS) TARGET_OF[row.event * ORDER_STATE_COUNT + row.from] = row.to;

/** The state after, or -1 when the pair is not in the table. */
export function orderStateAfter(state: number, event: OrderEvent): number {
  const target = TARGET_OF[event * ORDER_STATE_COUNT + state];
  return target === undefined || target === FORBIDDEN ? -1 : target;
}

/** Moves the order along the table; false (and nothing changed) when the pair is not in it. */
export function applyOrderEvent(order: Order, event: OrderEvent): boolean {
  const state = orderStateAfter(order.state, event);
  if (state < 0) return false;
  order.state = state;
  return true;
}

/** Nothing more can happen to it at the venue (fills that were overtaken by the end may still come). */
export function isTerminal(state: number): boolean {
  return (
    state === OrderState.Filled ||
    state === OrderState.Canceled ||
    state === OrderState.Rejected ||
    state === OrderState.Expired
  );
}

/** Waits for a trigger first. */
export function isTriggered(orderType: number): boolean {
  return orderType >= OrderType.StopMarket && orderType <= OrderType.TakeProfitLimit;
}

/** What a triggered order is once its price has come. */
export function typeAfterTrigger(orderType: number): OrderType {
  return orderType === OrderType.StopLimit || orderType === OrderType.TakeProfitLimit
    ? OrderType.Limit
    : OrderType.Market;
}

/** Fires when the market falls to the trigger (true) or rises to it (false). */
export function firesBelow(orderType: number, side: number): boolean {
  const isStop = orderType === OrderType.StopMarket || orderType === OrderType.StopLimit;
  return isStop === (side === Side.Sell);
}

/** The venue ends it by itself: it never rests. */
export function endsByItself(timeInForce: number): boolean {
  return timeInForce === TimeInForce.Ioc || timeInForce === TimeInForce.Fok;
}

/** One order, in a slot that is reused. Written by the execution core alone; all fields are integers. */
export class Order {
  orderSeq = 0;
  instrumentIndex = 0;
  strategyIndex = 0;
  side = 0;
  orderType = 0;
  timeInForce = 0;
  flags = 0;
  state: number = OrderState.None;
  priceMantissa = 0;
  sizeMantissa = 0;
  /** Sum of the fills that were applied. */
  filledMantissa = 0;
  /** The highest cumulative size that the venue has stated; above `filledMantissa`, fills are still on their way. */
  venueCumMantissa = 0;
  /** The end that the venue has stated while fills are still on their way; None otherwise. */
  venueFinalState: number = OrderState.None;
  /** Why it ended (index of a code in domain/errors). */
  reason = 0;
  ttlMs = 0;
  /** Core time at which the order wants a Deadline; 0: none. */
  deadlineNs = 0;
  sentNs = 0;
  /** What may still trade, as counted in the exposure of its instrument. */
  openMantissa = 0;
  /** Money set aside for it, in units of the quote currency's ledger (buys). */
  reservedQuote = 0;
  /** The reconciliation round in which the venue last spoke of it. */
  seenRound = 0;
  /** Core time of the question for it that has no answer yet; 0: none. */
  askedNs = 0;
  /** 0 for an order that is known by its fills alone: its size is what has filled. */
  isSizeKnown = 1;
  /** Price that it waits for, while Held. */
  triggerMantissa = 0;
  /** The entry whose fills it protects: the bracket that it is a leg of; 0: none. */
  bracketSeq = 0;
  /** 1: it may make a position larger (decided by the gate when it was sent). */
  isOpening = 0;
  /** 1: counted among the opening orders that may still become a trade. */
  isUntraded = 0;
  /** Place in the table; fixed. */
  readonly slotIndex: number;
  /** Links of the list that the slot is in (order-table.ts). */
  previousSlot = -1;
  nextSlot = -1;
  listIndex = 0;

  constructor(slotIndex: number) {
    this.slotIndex = slotIndex;
  }

  /** Everything but the slot and its links, to nothing. */
  reset(): void {
    this.orderSeq = 0;
    this.instrumentIndex = 0;
    this.strategyIndex = 0;
    this.side = 0;
    this.orderType = 0;
    this.timeInForce = 0;
    this.flags = 0;
    this.state = OrderState.None;
    this.priceMantissa = 0;
    this.sizeMantissa = 0;
    this.filledMantissa = 0;
    this.venueCumMantissa = 0;
    this.venueFinalState = OrderState.None;
    this.reason = 0;
    this.ttlMs = 0;
    this.deadlineNs = 0;
    this.sentNs = 0;
    this.openMantissa = 0;
    this.reservedQuote = 0;
    this.seenRound = 0;
    this.askedNs = 0;
    this.isSizeKnown = 1;
    this.triggerMantissa = 0;
    this.bracketSeq = 0;
    this.isOpening = 0;
    this.isUntraded = 0;
  }
}

declare const APPROVED: unique symbol;

/**
 * An order that the risk gate has approved: the only thing that a gateway may send. The brand cannot be written outside
 * execution/risk-gate.ts. In the outbox it is a record of kind OrderSend; `approvedOrder(record)` there gives it this type.
 */
export interface ApprovedOrder {
  readonly [APPROVED]: true;
  readonly orderSeq: number;
  readonly instrumentIndex: number;
  readonly strategyIndex: number;
  readonly side: number;
  readonly orderType: number;
  readonly timeInForce: number;
  readonly flags: number;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
}
