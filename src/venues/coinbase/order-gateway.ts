/**
 * order-gateway: orders in Coinbase Advanced Trade's dialect: an approved order becomes a request, answers and frames
 * of the user channel become reports, the venue's error words become our codes.
 *
 * Execution thread; deterministic: no clock, no I/O, nothing thrown on what comes from outside. What is malformed as a
 * whole comes back as null; one bad entry of a listing is left out and told to `rejects`.
 *
 * Things to know (docs.cdp.coinbase.com and coinbase-advanced-py, read 2026-07 to 2026-11):
 *   a refused order is HTTP 200 with `success: false`
 *   a limit order that is immediate-or-cancel exists as `sor_limit_ioc` only
 *   the user channel states cumulative sizes, not fills; fills are fetched (docs/decisions/0002-fills-are-fetched.md)
 *   the listing of open orders leaves out PENDING and QUEUED ones
 *   an order with a client order id that exists already: whether the old order or an error comes back is not
 *   documented, so a duplicate is treated as an unknown outcome and looked up
 */
import { must } from '../../domain/assert.js';
import type { ErrorCode } from '../../domain/errors.js';
import { Rounding, formatMantissa, mulDivBig, readDecimal } from '../../domain/fixed-point.js';
import type { Instrument } from '../../domain/instrument.js';
import { moneyScale } from '../../domain/instrument.js';
import { OrderFlag, OrderState, OrderType, Side, TimeInForce } from '../../domain/order.js';
import type {
  AnswerVerdict,
  BalanceReport,
  CancelAnswer,
  FillReport,
  FrameRejects,
  OrderGateway,
  OrderReport,
  OrderTicket,
  Page,
  PlaceAnswer,
  StreamMessage,
  VenueRequest,
} from '../venue.js';
import { epochNsOfText, textOfEpochNs } from './timestamp.js';

const API = '/api/v3/brokerage';
export const PLACE_PATH = `${API}/orders`;
export const CANCEL_PATH = `${API}/orders/batch_cancel`;
const LIST_PATH = `${API}/orders/historical/batch`;
const FILLS_PATH = `${API}/orders/historical/fills`;
const ACCOUNTS_PATH = `${API}/accounts`;
const TIME_PATH = `${API}/time`;

/** Entries per page (documented maximum of accounts: 250; of orders and fills at least 100). */
const PAGE_ENTRIES = 100;
const ACCOUNTS_PER_PAGE = 250;
/** Without a word of the venue on how long to wait after a 429. */
const SLOW_DOWN_DEFAULT_MS = 1000;
const SLOW_DOWN_MAX_MS = 10_000;
const POINT_IN_TIME_SEC = 1e6;
/** Digits below the money scale that a commission may have; more is noise. */
const FEE_EXTRA_DIGITS = 12;

export interface CoinbaseOrderGatewayOptions {
  readonly instruments: readonly Instrument[];
  /** 53 bits of a hash of a text: the same in every run. */
  readonly hash53: (text: string) => number;
  readonly rejects: FrameRejects;
}

export class CoinbaseOrderGateway implements OrderGateway {
  readonly cancelBatchMax = 100;
  readonly clientOrderIdMax = 128;
  readonly #instruments: readonly Instrument[];
  readonly #byProductId = new Map<string, Instrument>();
  readonly #productsQuery: string;
  readonly #hash53: (text: string) => number;
  readonly #rejects: FrameRejects;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  constructor(options: CoinbaseOrderGatewayOptions) {
    this.#instruments = options.instruments;
    const ours = options.instruments.filter((instrument) => instrument.venue === 'coinbase');
    for (const instrument of ours) this.#byProductId.set(instrument.venueSymbol, instrument);
    this.#productsQuery = ours
      .map(({ venueSymbol }) => `&product_ids=${encodeURIComponent(venueSymbol)}`)
      .join('');
    this.#hash53 = options.hash53;
    this.#rejects = options.rejects;
  }

  place(ticket: OrderTicket): VenueRequest {
    const { order } = ticket;
    const instrument = must(this.#instruments[order.instrumentIndex], 'instrument of the order');
    const product = JSON.stringify(instrument.venueSymbol);
    const side = order.side === Side.Buy ? 'BUY' : 'SELL';
    const configuration = orderConfiguration(ticket, instrument);
    const body =
      `{"client_order_id":"${ticket.clientOrderId}","product_id":${product},"side":"${side}",` +
      `"order_configuration":${configuration}}`;
    return { method: 'POST', path: PLACE_PATH, query: '', body };
  }

  cancel(venueOrderIds: readonly string[]): VenueRequest {
    const body = JSON.stringify({ order_ids: venueOrderIds });
    return { method: 'POST', path: CANCEL_PATH, query: '', body };
  }

  orderById(venueOrderId: string): VenueRequest {
    return get(`${API}/orders/historical/${encodeURIComponent(venueOrderId)}`, '');
  }

  openOrders(cursor: string): VenueRequest {
    const query = `?order_status=OPEN&limit=${String(PAGE_ENTRIES)}${this.#productsQuery}`;
    return get(LIST_PATH, query + cursorQuery(cursor));
  }

  ordersSince(sinceEpochNs: bigint, cursor: string): VenueRequest {
    const since = sinceEpochNs > 0n ? `&start_date=${textOfEpochNs(sinceEpochNs)}` : '';
    const query = `?limit=${String(PAGE_ENTRIES)}${since}${this.#productsQuery}`;
    return get(LIST_PATH, query + cursorQuery(cursor));
  }

  fills(venueOrderIds: readonly string[], sinceEpochNs: bigint, cursor: string): VenueRequest {
    const ids = venueOrderIds.map((id) => `&order_ids=${encodeURIComponent(id)}`).join('');
    const since =
      sinceEpochNs > 0n ? `&start_sequence_timestamp=${textOfEpochNs(sinceEpochNs)}` : '';
    return get(FILLS_PATH, `?limit=${String(PAGE_ENTRIES)}${ids}${since}${cursorQuery(cursor)}`);
  }

  balances(cursor: string): VenueRequest {
    return get(ACCOUNTS_PATH, `?limit=${String(ACCOUNTS_PER_PAGE)}${cursorQuery(cursor)}`);
  }

  time(): VenueRequest {
    return get(TIME_PATH, '');
  }

  judge(status: number, headers: Readonly<Record<string, string>>, body: string): AnswerVerdict {
    if (status >= 200 && status < 300) return { kind: 'ok' };
    const message = `HTTP ${String(status)}: ${body.slice(0, 200)}`;
    if (status === 429) return { kind: 'slow-down', retryAfterMs: retryAfterMs(headers), message };
    if (status === 401 || status === 403) return { kind: 'refused', code: 'VENUE_AUTH', message };
    if (status === 404) return { kind: 'refused', code: 'VENUE_UNKNOWN_ORDER', message };
    if (status >= 400 && status < 500 && status !== 408) {
      const error = fieldsOf(parseJson(body));
      const code = error === null ? 'VENUE_REJECTED' : codeOfWords(wordsOf(error));
      return { kind: 'refused', code, message };
    }
    return { kind: 'unknown', code: 'VENUE_UNAVAILABLE', message };
  }

  readPlace(body: string): PlaceAnswer {
    const answer = fieldsOf(parseJson(body));
    const malformed = { kind: 'unknown', code: 'VENUE_ANSWER_MALFORMED' } as const;
    if (answer === null) return { ...malformed, message: body.slice(0, 200) };
    if (answer['success'] === true) {
      const venueOrderId = textOf(fieldsOf(answer['success_response']), 'order_id');
      if (venueOrderId === '') return { ...malformed, message: body.slice(0, 200) };
      return { kind: 'accepted', venueOrderId };
    }
    const error = fieldsOf(answer['error_response']);
    if (answer['success'] !== false || error === null) {
      return { ...malformed, message: body.slice(0, 200) };
    }
    const code = codeOfWords(wordsOf(error));
    const message = messageOfError(error);
    if (code === 'VENUE_DUPLICATE_ORDER') return { kind: 'unknown', code, message };
    return { kind: 'rejected', code, message };
  }

  readCancel(body: string): readonly CancelAnswer[] | null {
    const results = listOf(fieldsOf(parseJson(body)), 'results');
    if (results === null) return null;
    const answers: CancelAnswer[] = [];
    for (const entry of results) {
      const result = fieldsOf(entry);
      const venueOrderId = textOf(result, 'order_id');
      const isAccepted = result?.['success'];
      if (venueOrderId === '' || typeof isAccepted !== 'boolean') {
        this.#rejects.reject('VENUE_ANSWER_MALFORMED', JSON.stringify(entry).slice(0, 200));
        continue;
      }
      const word = textOf(result, 'failure_reason');
      // A cancel of ours is under way already: as good as accepted.
      const isTaken = isAccepted || word === 'DUPLICATE_CANCEL_REQUEST';
      answers.push({
        venueOrderId,
        isAccepted: isTaken,
        code: isTaken ? 'OK' : codeOfWords([word]),
        message: isTaken ? '' : word,
      });
    }
    return answers;
  }

  readOrder(body: string): OrderReport | null {
    const order = fieldsOf(fieldsOf(parseJson(body))?.['order']);
    return order === null ? null : this.#listedOrder(order);
  }

  readOrders(body: string): Page<OrderReport> | null {
    return this.#page(body, 'orders', (order) => this.#listedOrder(order));
  }

  readFills(body: string): Page<FillReport> | null {
    return this.#page(body, 'fills', (fill) => this.#fill(fill));
  }

  readBalances(body: string): Page<BalanceReport> | null {
    return this.#page(body, 'accounts', (account) => {
      const currency = textOf(account, 'currency');
      const availableText = textOf(fieldsOf(account['available_balance']), 'value');
      const holdText = textOf(fieldsOf(account['hold']), 'value') || '0';
      if (currency === '' || availableText === '') return this.#reject('an account', account);
      return { currency, availableText, holdText };
    });
  }

  /** `{"iso": "…", "epochSeconds": "…", "epochMillis": "1700000000123"}` */
  readTime(body: string): bigint | null {
    const millis = readDecimal(textOf(fieldsOf(parseJson(body)), 'epochMillis'), 0);
    return typeof millis === 'bigint' && millis > 0n ? millis * 1_000_000n : null;
  }

  streamTexts(proof: () => string): readonly string[] {
    // Heartbeats keep a quiet subscription open and show, once a second, that the connection lives.
    return ['heartbeats', 'user'].map((channel) =>
      JSON.stringify({ type: 'subscribe', channel, jwt: proof() }),
    );
  }

  readStream(bytes: Uint8Array): StreamMessage {
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      // Said to the caller, who counts it: the decoder throws on bytes that are not UTF-8.
      return { kind: 'malformed', code: 'FRAME_MALFORMED', detail: 'not UTF-8' };
    }
    const frame = fieldsOf(parseJson(text));
    if (frame === null) {
      return { kind: 'malformed', code: 'FRAME_MALFORMED', detail: text.slice(0, 200) };
    }
    if (frame['type'] === 'error') return { kind: 'refused', message: textOf(frame, 'message') };
    const seq = frame['sequence_num'];
    const events = listOf(frame, 'events');
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || events === null) {
      return { kind: 'malformed', code: 'FRAME_MALFORMED', detail: text.slice(0, 200) };
    }
    switch (frame['channel']) {
      case 'user':
        return { kind: 'orders', seq, orders: this.#streamedOrders(events) };
      case 'subscriptions': {
        const isOurs = events.some(
          (event) => fieldsOf(fieldsOf(event)?.['subscriptions'])?.['user'] !== undefined,
        );
        return { kind: isOurs ? 'subscribed' : 'alive', seq };
      }
      default:
        return { kind: 'alive', seq };
    }
  }

  #streamedOrders(events: readonly unknown[]): readonly OrderReport[] {
    const reports: OrderReport[] = [];
    for (const event of events) {
      // Positions and balances come in events without orders.
      for (const entry of listOf(fieldsOf(event), 'orders') ?? []) {
        const order = fieldsOf(entry);
        const report = order === null ? null : this.#streamedOrder(order);
        if (report !== null) reports.push(report);
      }
    }
    return reports;
  }

  /** An order of the user channel. */
  #streamedOrder(order: Fields): OrderReport | null {
    const instrument = this.#byProductId.get(textOf(order, 'product_id'));
    const sizeScale = instrument?.sizeScale ?? 0;
    const cum = mantissaOf(order, 'cumulative_quantity', sizeScale);
    const leaves = mantissaOf(order, 'leaves_quantity', sizeScale);
    return this.#orderReport(order, instrument, {
      side: textOf(order, 'order_side'),
      price: textOf(order, 'limit_price'),
      cumSizeMantissa: cum,
      sizeMantissa: cum >= 0 && leaves >= 0 ? cum + leaves : -1,
      created: textOf(order, 'creation_time'),
      reason: textOf(order, 'reject_reason') || textOf(order, 'cancel_reason'),
    });
  }

  /** An order of the REST listings. */
  #listedOrder(order: Fields): OrderReport | null {
    const instrument = this.#byProductId.get(textOf(order, 'product_id'));
    const sizeScale = instrument?.sizeScale ?? 0;
    const configurations = fieldsOf(order['order_configuration']) ?? {};
    const configuration = fieldsOf(Object.values(configurations)[0]);
    return this.#orderReport(order, instrument, {
      side: textOf(order, 'side'),
      price: textOf(configuration, 'limit_price'),
      cumSizeMantissa: mantissaOf(order, 'filled_size', sizeScale),
      sizeMantissa: mantissaOf(configuration ?? {}, 'base_size', sizeScale),
      created: textOf(order, 'created_time'),
      reason: textOf(order, 'reject_message') || textOf(order, 'reject_reason'),
    });
  }

  #orderReport(
    order: Fields,
    instrument: Instrument | undefined,
    told: {
      readonly side: string;
      readonly price: string;
      readonly cumSizeMantissa: number;
      readonly sizeMantissa: number;
      readonly created: string;
      readonly reason: string;
    },
  ): OrderReport | null {
    const venueOrderId = textOf(order, 'order_id');
    const word = textOf(order, 'status');
    if (venueOrderId === '' || word === '') return this.#reject('an order', order);
    if (instrument !== undefined && told.cumSizeMantissa < 0) {
      return this.#reject('the filled size of an order', order);
    }
    const isRejected = word === 'FAILED';
    const price = instrument === undefined ? -1 : mantissaOfText(told.price, instrument.priceScale);
    return {
      venueOrderId,
      clientOrderId: textOf(order, 'client_order_id'),
      instrumentIndex: instrument?.index ?? -1,
      side: told.side === 'BUY' ? Side.Buy : told.side === 'SELL' ? Side.Sell : Side.None,
      orderType: orderTypeOfWord(textOf(order, 'order_type')),
      timeInForce: timeInForceOfWord(textOf(order, 'time_in_force')),
      priceMantissa: price,
      sizeMantissa: instrument === undefined ? -1 : told.sizeMantissa,
      cumSizeMantissa: instrument === undefined ? -1 : told.cumSizeMantissa,
      state: stateOfWord(word, told.cumSizeMantissa > 0),
      reason: isRejected ? codeOfWords([textOf(order, 'reject_reason')]) : 'OK',
      message: told.reason === 'REJECT_REASON_UNSPECIFIED' ? '' : told.reason,
      createdEpochNs: epochNsOfText(told.created),
    };
  }

  #fill(fill: Fields): FillReport | null {
    const venueFillId = textOf(fill, 'entry_id');
    const venueOrderId = textOf(fill, 'order_id');
    if (venueFillId === '' || venueOrderId === '') return this.#reject('a fill', fill);
    const sideWord = textOf(fill, 'side');
    const base = {
      venueFillId,
      fillKey: this.#hash53(venueFillId),
      venueOrderId,
      side: sideWord === 'BUY' ? Side.Buy : sideWord === 'SELL' ? Side.Sell : Side.None,
      isMaker: textOf(fill, 'liquidity_indicator') === 'MAKER',
      venueEpochNs: epochNsOfText(textOf(fill, 'trade_time') || textOf(fill, 'sequence_timestamp')),
    };
    const instrument = this.#byProductId.get(textOf(fill, 'product_id'));
    if (instrument === undefined) {
      // Somebody trades something else on this account: told as it is, with nothing to book.
      const none = { instrumentIndex: -1, priceMantissa: 0, sizeMantissa: 0, feeMantissa: 0 };
      return { ...base, ...none };
    }
    const priceMantissa = mantissaOf(fill, 'price', instrument.priceScale);
    const sizeMantissa = mantissaOf(fill, 'size', instrument.sizeScale);
    const feeMantissa = feeOfText(textOf(fill, 'commission') || '0', moneyScale(instrument));
    const isWhole = priceMantissa > 0 && sizeMantissa > 0 && feeMantissa !== null;
    if (!isWhole || base.side === Side.None || fill['size_in_quote'] === true) {
      return this.#reject('a fill', fill);
    }
    return { ...base, instrumentIndex: instrument.index, priceMantissa, sizeMantissa, feeMantissa };
  }

  #page<T>(body: string, key: string, read: (entry: Fields) => T | null): Page<T> | null {
    const answer = fieldsOf(parseJson(body));
    const list = listOf(answer, key);
    if (list === null) return null;
    const entries: T[] = [];
    for (const item of list) {
      const fields = fieldsOf(item);
      const entry = fields === null ? this.#reject(key, { item }) : read(fields);
      if (entry !== null) entries.push(entry);
    }
    // Fills say "no more" by an empty cursor alone; orders and accounts by `has_next` as well.
    const nextCursor = answer?.['has_next'] === false ? '' : textOf(answer, 'cursor');
    return { entries, nextCursor: list.length === 0 ? '' : nextCursor };
  }

  #reject(what: string, entry: Fields): null {
    this.#rejects.reject(
      'VENUE_ANSWER_MALFORMED',
      `${what}: ${JSON.stringify(entry).slice(0, 200)}`,
    );
    return null;
  }
}

function orderConfiguration(ticket: OrderTicket, instrument: Instrument): string {
  const { order } = ticket;
  const size = `"base_size":"${formatMantissa(order.sizeMantissa, instrument.sizeScale)}"`;
  const isFok = order.timeInForce === TimeInForce.Fok;
  if (order.orderType === OrderType.Market) {
    return `{"market_market_${isFok ? 'fok' : 'ioc'}":{${size}}}`;
  }
  const price = `"limit_price":"${formatMantissa(order.priceMantissa, instrument.priceScale)}"`;
  if (order.timeInForce === TimeInForce.Ioc) return `{"sor_limit_ioc":{${size},${price}}}`;
  if (isFok) return `{"limit_limit_fok":{${size},${price}}}`;
  const isPostOnly = (order.flags & OrderFlag.PostOnly) !== 0;
  const postOnly = `"post_only":${String(isPostOnly)}`;
  if (order.timeInForce === TimeInForce.Gtd) {
    const end = `"end_time":"${textOfEpochNs(ticket.expireEpochNs)}"`;
    return `{"limit_limit_gtd":{${size},${price},${end},${postOnly}}}`;
  }
  return `{"limit_limit_gtc":{${size},${price},${postOnly}}}`;
}

function get(path: string, query: string): VenueRequest {
  return { method: 'GET', path, query, body: '' };
}

function cursorQuery(cursor: string): string {
  return cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
}

/**
 * Seconds to wait, clamped. `x-ratelimit-reset` is not documented: small numbers are taken as seconds from now, large
 * ones are points in time, for which this file has no clock: then the default applies.
 */
function retryAfterMs(headers: Readonly<Record<string, string>>): number {
  const seconds = Number(headers['retry-after'] ?? headers['x-ratelimit-reset'] ?? Number.NaN);
  if (!(seconds > 0) || seconds > POINT_IN_TIME_SEC) return SLOW_DOWN_DEFAULT_MS;
  return Math.min(Math.ceil(seconds * 1000), SLOW_DOWN_MAX_MS);
}

/**
 * The venue's words and our codes. Sources: coinbase-advanced-py, hummingbot and nautilus_trader (read 2026-07), and
 * the order pages of docs.cdp.coinbase.com. Preview words are the same with PREVIEW_ before them.
 */
const CODE_OF_WORD: Readonly<Record<string, ErrorCode>> = {
  INSUFFICIENT_FUND: 'VENUE_INSUFFICIENT_FUNDS',
  INSUFFICIENT_FUNDS: 'VENUE_INSUFFICIENT_FUNDS',
  INVALID_LEDGER_BALANCE: 'VENUE_INSUFFICIENT_FUNDS',
  INVALID_LIMIT_PRICE_POST_ONLY: 'VENUE_POST_ONLY',
  INVALID_SIZE_PRECISION: 'VENUE_SIZE',
  INVALID_BASE_SIZE: 'VENUE_SIZE',
  INVALID_BASE_SIZE_TOO_SMALL: 'VENUE_SIZE',
  INVALID_BASE_SIZE_TOO_LARGE: 'VENUE_SIZE',
  INVALID_QUOTE_SIZE_TOO_SMALL: 'VENUE_SIZE',
  INVALID_QUOTE_SIZE_TOO_LARGE: 'VENUE_SIZE',
  INVALID_PRICE_PRECISION: 'VENUE_PRICE',
  INVALID_LIMIT_PRICE: 'VENUE_PRICE',
  INVALID_PRODUCT_ID: 'VENUE_INSTRUMENT',
  INELIGIBLE_PAIR: 'VENUE_INSTRUMENT',
  ORDER_ENTRY_DISABLED: 'VENUE_INSTRUMENT',
  UNTRADABLE_PRODUCT: 'VENUE_INSTRUMENT',
  TRADING_DISABLED: 'VENUE_INSTRUMENT',
  DUPLICATE_CLIENT_ORDER_ID: 'VENUE_DUPLICATE_ORDER',
  UNKNOWN_CANCEL_ORDER: 'VENUE_UNKNOWN_ORDER',
  ORDER_IS_FULLY_FILLED: 'VENUE_UNKNOWN_ORDER',
  NOT_FOUND: 'VENUE_UNKNOWN_ORDER',
  RATE_LIMIT_EXCEEDED: 'VENUE_RATE_LIMIT',
  UNAUTHENTICATED: 'VENUE_AUTH',
  PERMISSION_DENIED: 'VENUE_AUTH',
};

function codeOfWords(words: readonly string[]): ErrorCode {
  for (const word of words) {
    const code = CODE_OF_WORD[word.toUpperCase().replace(/^PREVIEW_/, '')];
    if (code !== undefined) return code;
  }
  return 'VENUE_REJECTED';
}

/** The words of an error, the most telling first. */
function wordsOf(error: Fields): readonly string[] {
  const keys = ['new_order_failure_reason', 'preview_failure_reason', 'error', 'error_details'];
  return keys.map((key) => textOf(error, key));
}

function messageOfError(error: Fields): string {
  const words = wordsOf(error).filter((word) => word !== '' && !word.startsWith('UNKNOWN_'));
  const text = textOf(error, 'message');
  return [...new Set(text === '' ? words : [...words, text])].join(': ');
}

/** Statuses of the venue (nautilus_trader, enums.rs, 2026-07). CANCEL_QUEUED and EDIT_QUEUED still trade. */
function stateOfWord(word: string, hasFilled: boolean): OrderState {
  switch (word) {
    case 'PENDING':
    case 'QUEUED':
    case 'OPEN':
    case 'CANCEL_QUEUED':
    case 'EDIT_QUEUED':
      return hasFilled ? OrderState.PartiallyFilled : OrderState.Open;
    case 'FILLED':
      return OrderState.Filled;
    case 'CANCELLED':
      return OrderState.Canceled;
    case 'EXPIRED':
      return OrderState.Expired;
    case 'FAILED':
      return OrderState.Rejected;
    default:
      return OrderState.None;
  }
}

/** "LIMIT" in listings, "Limit" in the user channel. */
function orderTypeOfWord(word: string): OrderType {
  switch (word.toUpperCase()) {
    case 'LIMIT':
      return OrderType.Limit;
    case 'MARKET':
      return OrderType.Market;
    default:
      return OrderType.None;
  }
}

function timeInForceOfWord(word: string): TimeInForce {
  switch (word) {
    case 'GOOD_UNTIL_CANCELLED':
      return TimeInForce.Gtc;
    case 'GOOD_UNTIL_DATE_TIME':
      return TimeInForce.Gtd;
    case 'IMMEDIATE_OR_CANCEL':
      return TimeInForce.Ioc;
    case 'FILL_OR_KILL':
      return TimeInForce.Fok;
    default:
      return TimeInForce.None;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Undefined is no object, so the caller reports what it got as malformed.
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

function listOf(fields: Fields | null, key: string): readonly unknown[] | null {
  const value = fields?.[key];
  return Array.isArray(value) ? (value as readonly unknown[]) : null;
}

/** The text of a field; empty when it is absent or of another type. */
function textOf(fields: Fields | null, key: string): string {
  const value = fields?.[key];
  return typeof value === 'string' ? value : '';
}

/** The mantissa of a decimal text, or -1 when it is none, negative, inexact or too large. */
function mantissaOf(fields: Fields, key: string, scale: number): number {
  return mantissaOfText(textOf(fields, key), scale);
}

function mantissaOfText(text: string, scale: number): number {
  const parsed = readDecimal(text, scale);
  if (typeof parsed !== 'bigint' || parsed < 0n) return -1;
  const mantissa = Number(parsed);
  return Number.isSafeInteger(mantissa) ? mantissa : -1;
}

/**
 * A commission may have more digits than money keeps here (price times size times rate); it is the venue's own
 * figure and the fill has happened, so it is rounded, half away from zero, instead of refused. Negative: a rebate.
 */
function feeOfText(text: string, scale: number): number | null {
  const whole = readDecimal(text, scale);
  if (typeof whole === 'bigint') return Number.isSafeInteger(Number(whole)) ? Number(whole) : null;
  const match = /^(-?)(\d{1,15})\.(\d{1,60})$/.exec(text);
  if (match === null) return null;
  const digits = (match[3] ?? '').slice(0, scale + FEE_EXTRA_DIGITS);
  const fine = BigInt((match[2] ?? '') + digits.padEnd(scale + FEE_EXTRA_DIGITS, '0'));
  const rounded = Number(mulDivBig(fine, 1n, 10n ** BigInt(FEE_EXTRA_DIGITS), Rounding.HalfUp));
  if (!Number.isSafeInteger(rounded)) return null;
  return match[1] === '-' && rounded !== 0 ? -rounded : rounded;
}
