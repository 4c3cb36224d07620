/**
 * errors: every stable code of the program, its kind and its sentence. Threads pass the code's index (a number),
 * people see the code. docs/errors.md is made from this table. Codes are added at the end of their group;
 * a journal stores code names, not indexes, so the order may change between versions.
 *
 * Kinds (docs/errors.md): bug = stop at once; reject = an event, counted, never thrown;
 * transient = bounded retry; fatal = refuse to start or stop with one clear sentence.
 */

export type ErrorKind = 'bug' | 'reject' | 'transient' | 'fatal';

const TABLE = {
  OK: ['reject', 'No error.'],
  BUG: ['bug', 'The program has disproved itself (an assertion failed).'],
  // usage and start
  USAGE: ['fatal', 'The command line is wrong; every problem is listed.'],
  CONFIG_INVALID: [
    'fatal',
    'The configuration is wrong; every problem is listed with field, value and rule.',
  ],
  CONFIG_UNREADABLE: ['fatal', 'The configuration file cannot be read or is not JSON.'],
  DATA_DIR_UNWRITABLE: ['fatal', 'The data directory cannot be created or written.'],
  DATA_DIR_LOCKED: ['fatal', 'Another engine uses this data directory.'],
  PORT_BUSY: ['fatal', 'The port is taken by another program.'],
  DATABASE_CORRUPT: ['fatal', 'The journal database is damaged.'],
  DATABASE_NEWER: ['fatal', 'The journal database was written by a newer version.'],
  RECORDING_UNREADABLE: ['fatal', 'The recording cannot be read.'],
  RECORDING_CORRUPT: ['fatal', 'The recording is damaged or cut off.'],
  VENUE_UNKNOWN: ['fatal', 'No venue of this name.'],
  STRATEGY_UNKNOWN: ['fatal', 'No strategy of this name.'],
  VENUE_UNREACHABLE: ['fatal', 'The venue did not answer at start.'],
  SIMULATOR_FAILED: ['fatal', 'The embedded venue simulator ended or did not start.'],
  WORKER_DIED: ['fatal', 'A thread ended by itself; its error is in the context.'],
  INSTRUMENT_CHANGED: ['fatal', 'An instrument has other scales than in the journal.'],
  KEY_MISSING: ['fatal', 'A key is wanted and stands nowhere; the message says where was looked.'],
  KEY_UNREADABLE: [
    'fatal',
    'A key file cannot be read, or others may read it (it must have mode 0600).',
  ],
  KEY_INVALID: ['fatal', 'A key is not of a kind that can sign for the venue.'],
  JOURNAL_FAILED: [
    'fatal',
    'The journal could not be read or written (disk full, or the disk failed).',
  ],
  INTERNAL: ['fatal', 'An error that nobody foresaw; the message is its own.'],
  // frames
  FRAME_MALFORMED: ['reject', 'A frame is not what the venue documents; it was dropped.'],
  FRAME_TOO_LARGE: ['reject', 'A frame is larger than the limit; it was dropped.'],
  FRAME_UNKNOWN: ['reject', 'A frame of an unknown channel or type; it was dropped.'],
  FRAME_VENUE_ERROR: ['reject', 'The venue sent an error message.'],
  DECIMAL_INEXACT: [
    'reject',
    'A decimal has more digits than the instrument keeps; it was refused, not rounded.',
  ],
  DECIMAL_OVERFLOW: ['reject', 'A decimal does not fit the mantissa; it was refused.'],
  INSTRUMENT_UNKNOWN: ['reject', 'A frame names an instrument that is not in the table.'],
  // market state (why an instrument is stale)
  VENUE_SEQ_GAP: [
    'transient',
    "The venue's sequence has a hole: the book is dropped and asked for anew.",
  ],
  VENUE_SEQ_OLD: ['reject', 'A message with an older sequence number was ignored.'],
  BOOK_MISSING: ['transient', 'No snapshot of the book yet.'],
  BOOK_CROSSED: ['transient', 'The book is crossed although the venue never crosses.'],
  FEED_DISCONNECTED: ['transient', 'The market data connection is down.'],
  FEED_SILENT: ['transient', 'Nothing came from the market data connection for too long.'],
  BOOK_CHECKSUM: [
    'transient',
    "The book has not the venue's checksum: it is dropped and asked for anew.",
  ],
  BOOK_BUFFER_FULL: [
    'transient',
    'Too many book changes waited for their snapshot; they were dropped and the wait began anew.',
  ],
  FEED_LATE: ['transient', 'Market data comes much later than it usually does: it is of the past.'],
  CLOCK_JUMP: [
    'transient',
    'The clock jumped, or the process stood still: what is known of the market may be old.',
  ],
  SUBSCRIPTION_REFUSED: ['transient', 'The venue refused a market data subscription.'],
  SUBSCRIPTION_UNANSWERED: [
    'transient',
    'The venue neither confirmed nor refused a market data subscription.',
  ],
  // market data connections (why one ended or was not made)
  DIAL_REJECTED: ['transient', 'The venue answered the opening handshake with an HTTP status.'],
  DIAL_TIMEOUT: ['transient', 'The connection was not open in time.'],
  DIAL_DNS: ['transient', "The venue's host name could not be resolved."],
  DIAL_REFUSED: ['transient', "The venue's host refused the connection."],
  DIAL_UNREACHABLE: ['transient', "There is no way to the venue's host."],
  DIAL_HANDSHAKE: ['transient', 'The opening handshake was broken off or is not a WebSocket.'],
  DIAL_URL: ['transient', 'The address is not one of a WebSocket.'],
  FEED_FLOOD: [
    'transient',
    'More frames came in a second than the limit; the connection is closed.',
  ],
  FEED_SEND_FULL: ['reject', 'Too many texts wait to be sent to the venue; one was dropped.'],
  FEED_BUSY: ['reject', 'The connection exists or is being made: there is only one at a time.'],
  FEED_CIRCUIT_OPEN: ['reject', 'The circuit of the connection is open: it is not dialled now.'],
  FEED_DOWN: [
    'transient',
    'Several dials in a row failed: the feed is down, the circuit breaker paces further tries.',
  ],
  FEED_SPENT: ['transient', 'As many dials as allowed have failed; a person may ask for more.'],
  FEED_REQUEST_FAILED: ['transient', 'A REST body that a feed needs was not to be had.'],
  FAIR_NO_PRICE: ['transient', 'No source of the fair price is fresh and has two sides.'],
  FAIR_UNPRICED: [
    'transient',
    'The sources of the fair price are quoted in currencies that have no price in USD now.',
  ],
  FAIR_DISAGREE: [
    'transient',
    'The sources of the fair price are too far apart: no majority, so no price.',
  ],
  // risk refusals
  RISK_TRADING_HALTED: ['reject', 'Trading is halted.'],
  RISK_NOT_RECONCILED: ['reject', "The venue's truth is not in yet."],
  RISK_SESSION_DOWN: ['reject', 'The private connection to the venue is down.'],
  RISK_MARKET_STALE: ['reject', 'The market of the instrument is stale.'],
  RISK_ORDER_NOTIONAL: ['reject', 'The order is larger than the limit for one order.'],
  RISK_POSITION: ['reject', 'The position with everything open would be larger than the limit.'],
  RISK_PRICE_BAND: ['reject', 'The price is too far from the market.'],
  RISK_INVENTORY: ['reject', 'A spot sale of more than is held and not already on offer.'],
  RISK_CASH: ['reject', 'More than the free cash.'],
  RISK_ORDER_RATE: ['reject', 'Too many orders in one second.'],
  RISK_OPEN_ORDERS: ['reject', 'Too many open orders.'],
  RISK_REDUCE_ONLY: ['reject', 'Only orders that make a position smaller are taken.'],
  RISK_CONFIDENCE: ['reject', 'The strategy is less sure than the limit asks.'],
  RISK_WHITELIST: ['reject', 'The instrument is not on the list of those that may be traded.'],
  RISK_SELF_CROSS: ['reject', 'The order would trade with a resting order of our own.'],
  RISK_POSITION_COUNT: ['reject', 'Too many positions of the asset or in total.'],
  RISK_EXPOSURE_ASSET: ['reject', 'The exposure of the asset would be above its limit.'],
  RISK_EXPOSURE_VENUE: ['reject', 'The exposure at the venue would be above its limit.'],
  RISK_EXPOSURE_STRATEGY: ['reject', 'The exposure of the strategy would be above its limit.'],
  RISK_EXPOSURE_PORTFOLIO: ['reject', 'The exposure in total would be above its limit.'],
  RISK_UNPRICED: [
    'reject',
    'Something that is held or wanted has no price in the reporting currency: its risk is unknown.',
  ],
  RISK_LEVERAGE: ['reject', 'The exposure in total would be too large for the equity.'],
  RISK_ORDER_EQUITY: ['reject', 'The order is too large a share of the equity.'],
  RISK_TRADES_HOUR: ['reject', 'As many orders have traded within an hour as may.'],
  RISK_TRADES_DAY: ['reject', 'As many orders have traded within 24 hours as may.'],
  RISK_DAILY_LOSS: ['reject', 'The loss of the day reached its limit: trading is halted.'],
  RISK_DRAWDOWN: [
    'reject',
    'The loss from the highest equity reached its limit: trading is halted.',
  ],
  ORDER_SIZE_LOT: ['reject', 'The size is not a multiple of the lot.'],
  ORDER_SIZE_MIN: ['reject', "The size is below the venue's minimum."],
  ORDER_SIZE_MAX: ['reject', "The size is above the venue's maximum."],
  ORDER_NOTIONAL_MIN: ['reject', "Price times size is below the venue's minimum."],
  ORDER_PRICE_TICK: ['reject', 'The price is not a multiple of the tick.'],
  ORDER_UNKNOWN: ['reject', 'No open order of this number is known.'],
  ORDER_LEG_SENT: [
    'reject',
    'The other leg of the bracket has gone out: this one is held no longer.',
  ],
  ORDER_NOTHING_TO_CLOSE: ['reject', 'A reduce-only order came due and nothing was left to close.'],
  ORDER_INVALID: ['reject', 'The intent misses a field or has an impossible one.'],
  ORDER_VENUE_READ_ONLY: ['reject', 'Orders for this venue are not supported.'],
  INTENT_EXPIRED: ['reject', 'The intent was older than its strategy allows when it was read.'],
  INTENT_RING_FULL: ['reject', 'The intent ring was full; the intent was not published.'],
  // venue answers
  VENUE_REJECTED: [
    'reject',
    'The venue refused the order for a reason that has no code of its own.',
  ],
  VENUE_INSUFFICIENT_FUNDS: ['reject', 'The venue says: not enough funds.'],
  VENUE_POST_ONLY: ['reject', 'The venue says: a post-only order would have taken.'],
  VENUE_SIZE: ['reject', 'The venue says: size or precision is wrong.'],
  VENUE_PRICE: ['reject', 'The venue says: price or precision is wrong.'],
  VENUE_INSTRUMENT: ['reject', 'The venue says: this instrument cannot be traded now.'],
  VENUE_DUPLICATE_ORDER: ['reject', 'The venue has an order with this client order id already.'],
  VENUE_UNKNOWN_ORDER: ['reject', 'The venue does not know the order.'],
  VENUE_RATE_LIMIT: ['transient', 'The venue asks to slow down.'],
  VENUE_AUTH: ['reject', 'The venue refused the signature or key.'],
  VENUE_UNAVAILABLE: ['transient', 'The venue answered with a server error.'],
  VENUE_ANSWER_MALFORMED: ['reject', "The venue's answer is not what it documents."],
  VENUE_CLOCK_SKEW: [
    'transient',
    "Our clock and the venue's differ by more than a second: signatures may be refused.",
  ],
  ORDER_OUTCOME_UNKNOWN: [
    'transient',
    'The order was sent and no answer came; it is being asked for.',
  ],
  ORDER_NEVER_ARRIVED: ['reject', 'The venue has never seen the order.'],
  // reconciliation
  RECONCILE_BALANCE: ['reject', "The venue's balance differs from ours; the venue's was taken."],
  RECONCILE_ORDER_ADOPTED: [
    'reject',
    'The venue has an order of ours that the journal did not know; it was adopted.',
  ],
  RECONCILE_FILL_FOREIGN: ['reject', 'The venue has a fill of an order that is not ours.'],
  RECONCILE_REPORT_IMPOSSIBLE: [
    'reject',
    'A report that cannot be (state or values); nothing changed.',
  ],
  RECONCILE_OVERFILL: [
    'reject',
    'The venue filled more than was ordered; the position follows the fills.',
  ],
  RECONCILE_SHORT: [
    'reject',
    'A spot position went below zero: the venue sold more than was bought here.',
  ],
  RECONCILE_CLOSED_EARLY: ['reject', 'The venue calls an order filled with less than its size.'],
  RECONCILE_ORDER_ALIVE: [
    'reject',
    'The venue has an order that was given up; it is being asked for.',
  ],
  // API
  API_UNAUTHORIZED: ['reject', 'The bearer key is missing or wrong.'],
  API_NOT_FOUND: ['reject', 'No such route.'],
  API_BAD_REQUEST: ['reject', 'The request is malformed.'],
  API_TIMEOUT: ['transient', 'The core did not answer in time.'],
  API_BUSY: ['transient', 'Too many connections or requests at once.'],
  // pushed feeds
  PUSH_MALFORMED: ['reject', 'A message of a publisher is not what the schema says.'],
  PUSH_HELLO: ['reject', 'A publisher did not begin with one hello, or said it twice.'],
  PUSH_SCHEMA: ['reject', 'A publisher was made for another version of the push schema.'],
  PUSH_INSTRUMENT: [
    'reject',
    'A publisher names an instrument that cannot be pushed, twice, or with other scales.',
  ],
  PUSH_INSTRUMENT_TAKEN: ['reject', 'Another publisher pushes this instrument.'],
  PUSH_BATCH_LIMIT: ['reject', 'A pushed batch has more ticks or bytes than the welcome allows.'],
  PUSH_TICK_INSTRUMENT: ['reject', "A pushed tick's instrument is not in the publisher's hello."],
  PUSH_TICK_KIND: [
    'reject',
    'A pushed tick has a kind or flags that its book or its kind does not have.',
  ],
  PUSH_TICK_VALUE: ['reject', 'A pushed tick has a number outside its range.'],
  PUSH_TICK_TIME: ['reject', 'A pushed tick has a time that cannot be.'],
  PUSH_SEQ: ['reject', 'A pushed batch has a sequence number that was there before.'],
  PUSH_CREDIT: ['reject', 'A publisher sent more batches than it had credit for.'],
  PUSH_SLOW_READER: ['reject', 'A publisher does not read its acks.'],
  PUSH_BUSY: ['transient', 'Too many publishers.'],
  PUSH_GAP: [
    'transient',
    "A hole in a publisher's sequence: its books are dropped and wanted anew.",
  ],
  PUSH_STALE: ['transient', 'The publisher says that its market is stale.'],
  LOAD_TARGET: ['fatal', 'The push listener to load cannot be reached, or has nothing to push.'],
  LOAD_LOST: ['fatal', 'Not every planned batch was sent and acknowledged.'],
  // recordings
  RECORDING_FAILED: [
    'fatal',
    'A recording could not be written (disk full, or the disk failed); what was written is readable.',
  ],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

/** A stable code. */
export type ErrorCode = keyof typeof TABLE;

/** All codes in table order; the index is what crosses threads. */
export const ERROR_CODES = Object.keys(TABLE) as readonly ErrorCode[];

const INDEX_OF = new Map<string, number>(ERROR_CODES.map((code, index) => [code, index]));

/** Index of a code, for records in shared memory. */
export function codeIndex(code: ErrorCode): number {
  const index = INDEX_OF.get(code);
  if (index === undefined) throw new Error(`unknown error code: ${code}`);
  return index;
}

/** The code at an index; INTERNAL for an index that is not in the table. */
export function codeAt(index: number): ErrorCode {
  return ERROR_CODES[index] ?? 'INTERNAL';
}

export function kindOf(code: ErrorCode): ErrorKind {
  return TABLE[code][0];
}

export function sentenceOf(code: ErrorCode): string {
  return TABLE[code][1];
}

/** An error for people: ends a command with exit 1 or 2 and one JSON object on stderr. */
export class TickwireError extends Error {
  readonly code: ErrorCode;
  readonly context: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, message: string, context: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'TickwireError';
    this.code = code;
    this.context = context;
  }
}
