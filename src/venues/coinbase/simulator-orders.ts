/**
 * simulator-orders: orders, fills and accounts in Coinbase Advanced's words, from the venue's side. Deterministic.
 * Requests in (`order_configuration`), REST objects and user-channel objects out. Shapes: venue documentation and
 * samples of 2024 to 2026; all decimals are strings.
 */
import { moneyScale, type Instrument } from '../../domain/instrument.js';
import { OrderType, Side, TimeInForce } from '../../domain/order.js';
import type {
  ExchangeAccount,
  ExchangeFill,
  ExchangeOrder,
  ExchangeReject,
  NewOrder,
} from '../simulator-port.js';
import { formatDecimal, formatTime, parseDecimal, parseTime } from '../simulator-text.js';

// ---------------------------------------------------------------- ids

/** What an id names; the second group of its hex digits. */
export const IdKind = { Order: 1, Account: 2, Fill: 3, Trade: 4, User: 5, Portfolio: 6 } as const;
export type IdKind = (typeof IdKind)[keyof typeof IdKind];

/** A uuid that holds a number and can be read back: salt, kind, number. */
export function idText(salt: string, kind: IdKind, number: number): string {
  const kindHex = kind.toString(16).padStart(4, '0');
  return `${salt}-${kindHex}-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** The number in an id of ours; null for any other text. */
export function idNumber(salt: string, kind: IdKind, text: string): number | null {
  if (text.length !== 36 || !/^[0-9a-f]{12}$/.test(text.slice(24))) return null;
  const number = parseInt(text.slice(24), 16);
  return idText(salt, kind, number) === text ? number : null;
}

// ---------------------------------------------------------------- rejects

/** `error_response`, as the venue fills it. */
export interface OrderError {
  readonly error: string;
  readonly message: string;
  readonly error_details: string;
  readonly preview_failure_reason: string;
  readonly new_order_failure_reason: string;
}

/** Words for refusals. `UNKNOWN_FAILURE_REASON` with a preview reason is what the venue says of minimums. */
const REJECT_WORDS: Readonly<Record<ExchangeReject, readonly [string, string, string]>> = {
  'insufficient-funds': [
    'INSUFFICIENT_FUND',
    'PREVIEW_INSUFFICIENT_FUND',
    'Insufficient balance in source account',
  ],
  'price-increment': [
    'INVALID_PRICE_PRECISION',
    'PREVIEW_INVALID_PRICE_PRECISION',
    'Invalid price precision',
  ],
  'size-increment': [
    'INVALID_SIZE_PRECISION',
    'PREVIEW_INVALID_SIZE_PRECISION',
    'Invalid size precision',
  ],
  'size-min': [
    'UNKNOWN_FAILURE_REASON',
    'PREVIEW_INVALID_BASE_SIZE_TOO_SMALL',
    'Order size is below the minimum',
  ],
  'size-max': [
    'UNKNOWN_FAILURE_REASON',
    'PREVIEW_INVALID_BASE_SIZE_TOO_LARGE',
    'Order size is above the maximum',
  ],
  'notional-min': [
    'UNKNOWN_FAILURE_REASON',
    'PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL',
    'Order value is below the minimum',
  ],
  'post-only-would-take': [
    'INVALID_LIMIT_PRICE_POST_ONLY',
    'PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY',
    'Invalid limit price for a post-only order',
  ],
  'no-liquidity': ['INVALID_NO_LIQUIDITY', 'PREVIEW_MISSING_MARKET_TRADE_DATA', 'No liquidity'],
  expired: ['UNKNOWN_FAILURE_REASON', 'PREVIEW_INVALID_ORDER_CONFIG', 'End time is in the past'],
  'not-tradable': ['ORDER_ENTRY_DISABLED', 'UNKNOWN_PREVIEW_FAILURE_REASON', 'Order entry is off'],
};

export function orderError(error: string, preview: string, message: string): OrderError {
  return {
    error,
    message,
    error_details: '',
    preview_failure_reason: preview,
    new_order_failure_reason: error,
  };
}

export function errorOfReject(reason: ExchangeReject): OrderError {
  return orderError(...REJECT_WORDS[reason]);
}

// ---------------------------------------------------------------- requests

/** What became of a body of `POST /orders`: an order, a reject (HTTP 200), or a bad request (HTTP 400). */
export type ParsedOrder =
  | { readonly kind: 'order'; readonly order: NewOrder }
  | { readonly kind: 'reject'; readonly error: OrderError; readonly configuration: unknown }
  | { readonly kind: 'bad-request'; readonly message: string };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface ConfigurationRule {
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
}

const CONFIGURATIONS: Readonly<Record<string, ConfigurationRule>> = {
  limit_limit_gtc: { orderType: OrderType.Limit, timeInForce: TimeInForce.Gtc },
  limit_limit_gtd: { orderType: OrderType.Limit, timeInForce: TimeInForce.Gtd },
  limit_limit_fok: { orderType: OrderType.Limit, timeInForce: TimeInForce.Fok },
  sor_limit_ioc: { orderType: OrderType.Limit, timeInForce: TimeInForce.Ioc },
  market_market_ioc: { orderType: OrderType.Market, timeInForce: TimeInForce.Ioc },
  market_market_fok: { orderType: OrderType.Market, timeInForce: TimeInForce.Fok },
};

/** Longest client order id that is taken; the venue states none. */
const CLIENT_ORDER_ID_LENGTH_MAX = 128;

export function parseOrder(body: unknown, instruments: readonly Instrument[]): ParsedOrder {
  if (!isRecord(body)) return { kind: 'bad-request', message: 'body is not a JSON object' };
  const clientOrderId = body['client_order_id'];
  if (typeof clientOrderId !== 'string' || clientOrderId === '') {
    return { kind: 'bad-request', message: 'client_order_id is required' };
  }
  if (clientOrderId.length > CLIENT_ORDER_ID_LENGTH_MAX) {
    return { kind: 'bad-request', message: 'client_order_id is too long' };
  }
  const configuration = body['order_configuration'];
  const reject = (error: string, preview: string, message: string): ParsedOrder => ({
    kind: 'reject',
    error: orderError(error, preview, message),
    configuration: configuration ?? null,
  });
  const instrument = instruments.find((entry) => entry.venueSymbol === body['product_id']);
  if (instrument === undefined) {
    return reject('INVALID_PRODUCT_ID', 'PREVIEW_INVALID_PRODUCT_ID', 'Invalid product_id');
  }
  const side = body['side'] === 'BUY' ? Side.Buy : body['side'] === 'SELL' ? Side.Sell : Side.None;
  if (side === Side.None) return reject('INVALID_SIDE', 'PREVIEW_INVALID_SIDE', 'Invalid side');
  const unsupported = (): ParsedOrder =>
    reject(
      'UNSUPPORTED_ORDER_CONFIGURATION',
      'PREVIEW_INVALID_ORDER_CONFIG',
      'The order configuration was invalid',
    );
  if (!isRecord(configuration)) return unsupported();
  const names = Object.keys(configuration).filter((name) => isRecord(configuration[name]));
  const name = names[0] ?? '';
  const rule = CONFIGURATIONS[name];
  const fields = configuration[name];
  if (names.length !== 1 || rule === undefined || !isRecord(fields)) return unsupported();

  const texts = { base: text(fields, 'base_size'), quote: text(fields, 'quote_size') };
  const isMarket = rule.orderType === OrderType.Market;
  const isByQuote = texts.base === null && texts.quote !== null;
  if (texts.base === null && texts.quote === null) {
    return reject(
      'UNKNOWN_FAILURE_REASON',
      'UNKNOWN_PREVIEW_FAILURE_REASON',
      'Orders cannot be placed with empty order sizes',
    );
  }
  // A size in money is taken for market buys that fill what they can, where its meaning is plain.
  if (isByQuote && (!isMarket || side === Side.Sell || rule.timeInForce === TimeInForce.Fok)) {
    return unsupported();
  }

  const size = parseDecimal(texts.base ?? '0', instrument.sizeScale);
  const quote = isByQuote ? parseDecimal(texts.quote ?? '', instrument.priceScale) : 0n;
  const price = isMarket
    ? 0n
    : parseDecimal(text(fields, 'limit_price') ?? '', instrument.priceScale);
  if (size === 'malformed' || quote === 'malformed' || price === 'malformed') {
    return { kind: 'bad-request', message: `a number of ${name} is malformed` };
  }
  if (size === 'inexact' || quote === 'inexact') {
    return reject(...REJECT_WORDS['size-increment']);
  }
  if (price === 'inexact') return reject(...REJECT_WORDS['price-increment']);

  let expireNs = 0n;
  if (rule.timeInForce === TimeInForce.Gtd) {
    const endTime = parseTime(text(fields, 'end_time') ?? '');
    if (endTime === null) return { kind: 'bad-request', message: 'end_time is malformed' };
    expireNs = endTime;
  }
  return {
    kind: 'order',
    order: {
      clientOrderId,
      instrumentIndex: instrument.index,
      side,
      orderType: rule.orderType,
      timeInForce: rule.timeInForce,
      isPostOnly: fields['post_only'] === true && !isMarket,
      priceMantissa: price,
      sizeMantissa: isByQuote ? 0n : size,
      quoteMantissa: isByQuote ? quote * 10n ** BigInt(instrument.sizeScale) : 0n,
      expireNs,
      wire: JSON.stringify(configuration),
    },
  };
}

function text(fields: Record<string, unknown>, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

// ---------------------------------------------------------------- answers

const STATUS_WORDS = {
  open: 'OPEN',
  filled: 'FILLED',
  cancelled: 'CANCELLED',
  expired: 'EXPIRED',
} as const;

function timeInForceWord(order: ExchangeOrder): string {
  switch (order.timeInForce) {
    case TimeInForce.Gtd:
      return 'GOOD_UNTIL_DATE_TIME';
    case TimeInForce.Ioc:
      return 'IMMEDIATE_OR_CANCEL';
    case TimeInForce.Fok:
      return 'FILL_OR_KILL';
    default:
      return 'GOOD_UNTIL_CANCELLED';
  }
}

export function sideWord(side: Side): string {
  return side === Side.Buy ? 'BUY' : 'SELL';
}

/** Why a cancelled order was: by request, or because it may not rest. */
function cancelWord(order: ExchangeOrder): string {
  const mayRest = order.timeInForce === TimeInForce.Gtc || order.timeInForce === TimeInForce.Gtd;
  return order.status === 'cancelled' && mayRest ? 'User requested cancel' : '';
}

export function statusWord(order: ExchangeOrder): string {
  return STATUS_WORDS[order.status];
}

/** Digits of an average price: more than a price has, since it is a quotient. Rounded half up. */
const AVERAGE_SCALE = 10;

function averagePrice(order: ExchangeOrder, instrument: Instrument): string {
  if (order.filledSizeMantissa === 0n) return '0';
  const factor = 10n ** BigInt(AVERAGE_SCALE - instrument.priceScale);
  const doubled = (2n * order.filledValueMantissa * factor) / order.filledSizeMantissa;
  return formatDecimal((doubled + 1n) / 2n, AVERAGE_SCALE);
}

/** The amounts that the REST object and the user channel share, as text. */
function amounts(
  order: ExchangeOrder,
  instrument: Instrument,
): {
  readonly money: (mantissa: bigint) => string;
  readonly filledSize: string;
  readonly leaves: string;
  readonly hold: string;
  readonly valueAfterFees: string;
  readonly completion: string;
} {
  const scale = moneyScale(instrument);
  const money = (mantissa: bigint): string => formatDecimal(mantissa, scale);
  const fees = order.side === Side.Buy ? order.feeMantissa : -order.feeMantissa;
  // Two decimals of a percentage, cut.
  const completion = (order.filledSizeMantissa * 10_000n) / order.sizeMantissa;
  const isDone = order.status !== 'open';
  const leaves = isDone ? 0n : order.sizeMantissa - order.filledSizeMantissa;
  return {
    money,
    filledSize: formatDecimal(order.filledSizeMantissa, instrument.sizeScale),
    leaves: formatDecimal(leaves, instrument.sizeScale),
    hold:
      order.side === Side.Buy
        ? money(order.holdMantissa)
        : formatDecimal(order.holdMantissa, instrument.sizeScale),
    valueAfterFees: money(order.filledValueMantissa + fees),
    completion: formatDecimal(completion, 2),
  };
}

/** `order` of `GET /orders/historical/{order_id}`. */
export function orderJson(
  salt: string,
  order: ExchangeOrder,
  instrument: Instrument,
): Record<string, unknown> {
  const amount = amounts(order, instrument);
  const isMarket = order.orderType === OrderType.Market;
  return {
    order_id: idText(salt, IdKind.Order, order.orderNumber),
    product_id: instrument.venueSymbol,
    user_id: idText(salt, IdKind.User, 1),
    order_configuration: JSON.parse(order.wire) as unknown,
    side: sideWord(order.side),
    client_order_id: order.clientOrderId,
    status: statusWord(order),
    time_in_force: timeInForceWord(order),
    created_time: formatTime(order.createdNs, 6),
    completion_percentage: amount.completion,
    filled_size: amount.filledSize,
    average_filled_price: averagePrice(order, instrument),
    fee: '',
    number_of_fills: String(order.fillCount),
    filled_value: amount.money(order.filledValueMantissa),
    pending_cancel: false,
    size_in_quote: order.quoteMantissa > 0n,
    total_fees: amount.money(order.feeMantissa),
    size_inclusive_of_fees: order.quoteMantissa > 0n,
    total_value_after_fees: amount.valueAfterFees,
    trigger_status: 'INVALID_ORDER_TYPE',
    order_type: isMarket ? 'MARKET' : 'LIMIT',
    reject_reason: 'REJECT_REASON_UNSPECIFIED',
    settled: order.status === 'filled',
    product_type: 'SPOT',
    reject_message: '',
    cancel_message: cancelWord(order),
    order_placement_source: 'RETAIL_ADVANCED',
    outstanding_hold_amount: amount.hold,
    is_liquidation: false,
    last_fill_time: order.lastFillNs === 0n ? null : formatTime(order.lastFillNs, 6),
    last_update_time: formatTime(order.changedNs, 6),
    edit_history: [],
    leverage: '',
    margin_type: 'UNKNOWN_MARGIN_TYPE',
    retail_portfolio_id: idText(salt, IdKind.Portfolio, 1),
    originating_order_id: '',
    attached_order_id: '',
    attached_order_configuration: null,
  };
}

/** One entry of `orders` on the user channel: cumulative state, never a single fill. */
export function userOrderJson(
  salt: string,
  order: ExchangeOrder,
  instrument: Instrument,
): Record<string, unknown> {
  const amount = amounts(order, instrument);
  const isMarket = order.orderType === OrderType.Market;
  return {
    avg_price: averagePrice(order, instrument),
    cancel_reason: cancelWord(order),
    client_order_id: order.clientOrderId,
    completion_percentage: amount.completion,
    contract_expiry_type: 'UNKNOWN_CONTRACT_EXPIRY_TYPE',
    cumulative_quantity: amount.filledSize,
    filled_value: amount.money(order.filledValueMantissa),
    leaves_quantity: amount.leaves,
    limit_price: isMarket ? '' : formatDecimal(order.priceMantissa, instrument.priceScale),
    number_of_fills: String(order.fillCount),
    order_id: idText(salt, IdKind.Order, order.orderNumber),
    order_side: sideWord(order.side),
    order_type: isMarket ? 'Market' : 'Limit',
    outstanding_hold_amount: amount.hold,
    post_only: String(order.isPostOnly),
    product_id: instrument.venueSymbol,
    product_type: 'SPOT',
    reject_reason: '',
    retail_portfolio_id: idText(salt, IdKind.Portfolio, 1),
    risk_managed_by: 'UNKNOWN_RISK_MANAGEMENT_TYPE',
    status: statusWord(order),
    stop_price: '',
    time_in_force: timeInForceWord(order),
    total_fees: amount.money(order.feeMantissa),
    total_value_after_fees: amount.valueAfterFees,
    trigger_status: 'INVALID_ORDER_TYPE',
    creation_time: formatTime(order.createdNs, 6),
    end_time: order.expireNs === 0n ? '0001-01-01T00:00:00Z' : formatTime(order.expireNs, 6),
    start_time: '0001-01-01T00:00:00Z',
  };
}

/** One entry of `fills`. */
export function fillJson(
  salt: string,
  fill: ExchangeFill,
  instrument: Instrument,
): Record<string, unknown> {
  const time = formatTime(fill.timeNs, 6);
  return {
    entry_id: idText(salt, IdKind.Fill, fill.fillNumber),
    trade_id: idText(salt, IdKind.Trade, fill.fillNumber),
    order_id: idText(salt, IdKind.Order, fill.orderNumber),
    trade_time: time,
    trade_type: 'FILL',
    price: formatDecimal(fill.priceMantissa, instrument.priceScale),
    size: formatDecimal(fill.sizeMantissa, instrument.sizeScale),
    commission: formatDecimal(fill.feeMantissa, moneyScale(instrument)),
    product_id: instrument.venueSymbol,
    sequence_timestamp: time,
    liquidity_indicator: fill.isMaker ? 'MAKER' : 'TAKER',
    size_in_quote: false,
    user_id: idText(salt, IdKind.User, 1),
    side: sideWord(fill.side),
    retail_portfolio_id: idText(salt, IdKind.Portfolio, 1),
  };
}

/** One entry of `accounts`. */
export function accountJson(
  salt: string,
  account: ExchangeAccount,
  accountNumber: number,
  isFiat: boolean,
  createdNs: bigint,
): Record<string, unknown> {
  const { currency, scale } = account;
  const available = account.totalMantissa - account.holdMantissa;
  return {
    uuid: idText(salt, IdKind.Account, accountNumber),
    name: `${currency} Wallet`,
    currency,
    available_balance: { value: formatDecimal(available, scale), currency },
    default: true,
    active: true,
    created_at: formatTime(createdNs, 6),
    updated_at: formatTime(createdNs, 6),
    deleted_at: null,
    type: isFiat ? 'ACCOUNT_TYPE_FIAT' : 'ACCOUNT_TYPE_CRYPTO',
    ready: true,
    hold: { value: formatDecimal(account.holdMantissa, scale), currency },
    retail_portfolio_id: idText(salt, IdKind.Portfolio, 1),
    platform: 'ACCOUNT_PLATFORM_CONSUMER',
  };
}
