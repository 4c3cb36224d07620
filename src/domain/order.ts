/**
 * order: the words of an order. The state machine stands in ORDER_TRANSITIONS below and nowhere else.
 * The numbers are those of the schemas (schemas/intent.fbs, event.fbs); test/layout.test.ts holds them together.
 */

export const Side = { None: 0, Buy: 1, Sell: 2 } as const;
export type Side = (typeof Side)[keyof typeof Side];

export const OrderType = { None: 0, Limit: 1, Market: 2 } as const;
export type OrderType = (typeof OrderType)[keyof typeof OrderType];

export const TimeInForce = { None: 0, Gtc: 1, Ioc: 2, Fok: 3, Gtd: 4 } as const;
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce];

/** Flag bits of orders, intents and events. */
export const OrderFlag = { PostOnly: 1, ReduceOnly: 2, Maker: 4, Replayed: 8, Adopted: 16, CancelRequested: 32 } as const;

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
} as const;
export type OrderState = (typeof OrderState)[keyof typeof OrderState];
