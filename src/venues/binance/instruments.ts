/**
 * instruments: Binance's exchangeInfo as our instruments, spot and USD-M. Scales, tick, lot and minimums are what the
 * venue's own filters state; a filter of zero means that the rule is off, and then the stated precision is the scale.
 * Scales may be finer than tick and lot (MONEY_SCALE).
 *
 * Cold: once at start. Bodies checked against captures of 2021 (1,695 spot symbols, 122 futures).
 */
import { TickwireError } from '../../domain/errors.js';
import {
  parseMantissa,
  pow10,
  readDecimal,
  SCALE_MAX,
  scaleOfText,
} from '../../domain/fixed-point.js';
import type { Instrument } from '../../domain/instrument.js';
import type { BinanceMarket } from './endpoints.js';

/** A symbol that could not be used, and why; the others are not affected. */
export interface RefusedSymbol {
  readonly venueSymbol: string;
  readonly message: string;
}

export interface ParsedSymbols {
  readonly instruments: readonly Instrument[];
  readonly refused: readonly RefusedSymbol[];
}

/** An object of the body; decimals are strings. */
interface Fields {
  readonly [key: string]: unknown;
}

/**
 * Sizes get decimals beyond their lot where money (price times size) then has at most so many, as BTC has at other venues:
 * orders from before a change of the lot still stand in the book (captures of 2024: BTCUSDT, lot 0.00001, a level of
 * 244.566304). Prices of futures get those that the venue states beside the tick, for the same reason.
 */
const MONEY_SCALE = 10;

/** Stream names and our tables are bytes; symbols in other scripts exist on spot and are not for us. */
const PLAIN_SYMBOL = /^[A-Z0-9_]{1,32}$/;

/**
 * Reads exchangeInfo. Indexes count from `indexFirst` in the order of `venueSymbols` (or of the body when it is empty).
 * Throws VENUE_ANSWER_MALFORMED when the body is something else.
 */
export function parseInstruments(
  market: BinanceMarket,
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedSymbols {
  const bySymbol = new Map<string, Fields>();
  for (const entry of symbolsOf(body)) {
    const symbol = entry['symbol'];
    if (typeof symbol === 'string') bySymbol.set(symbol, entry);
  }
  const wanted = venueSymbols.length > 0 ? venueSymbols : [...bySymbol.keys()];
  const instruments: Instrument[] = [];
  const refused: RefusedSymbol[] = [];
  for (const venueSymbol of wanted) {
    const entry = bySymbol.get(venueSymbol);
    const problem = entry === undefined ? 'the venue does not list it' : problemOf(market, entry);
    if (entry === undefined || problem !== undefined) {
      refused.push({ venueSymbol, message: problem ?? 'the venue does not list it' });
      continue;
    }
    try {
      instruments.push(instrumentOf(market, entry, venueSymbol, indexFirst + instruments.length));
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      refused.push({ venueSymbol, message: error.message });
    }
  }
  return { instruments, refused };
}

const PRICE_TEXT = /"[pba]"\s*:\s*"\d+\.(\d+)"/g;
const SIZE_TEXT = /"[qBA]"\s*:\s*"\d+\.(\d+)"/g;
const LEVEL_TEXT = /\[\s*"\d+(?:\.(\d+))?"\s*,\s*"\d+(?:\.(\d+))?"/g;

/** Decimals that the prices and sizes of a frame or book snapshot use. For `normalize`, when no list of symbols tells. */
export function scalesOfFrame(frame: string): { priceScale: number; sizeScale: number } {
  let priceScale = digitsMax(frame.matchAll(PRICE_TEXT), 1, 0);
  let sizeScale = digitsMax(frame.matchAll(SIZE_TEXT), 1, 0);
  const levels = [...frame.matchAll(LEVEL_TEXT)];
  priceScale = digitsMax(levels, 1, priceScale);
  sizeScale = digitsMax(levels, 2, sizeScale);
  return { priceScale, sizeScale };
}

/** Trailing zeros say nothing. */
function digitsMax(matches: Iterable<RegExpMatchArray>, group: 1 | 2, floor: number): number {
  let digits = floor;
  for (const match of matches) {
    const fraction = match[group] ?? '';
    if (fraction.length <= digits) continue;
    let length = fraction.length;
    while (length > digits && fraction[length - 1] === '0') length--;
    digits = length;
  }
  return Math.min(digits, SCALE_MAX);
}

function symbolsOf(body: string): readonly Fields[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `exchangeInfo: not JSON: ${String(error)}`);
  }
  const symbols = isFields(parsed) ? parsed['symbols'] : undefined;
  if (!Array.isArray(symbols)) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', 'exchangeInfo: no list of symbols');
  }
  return (symbols as unknown[]).filter(isFields);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why it cannot be an instrument of ours at all. */
function problemOf(market: BinanceMarket, entry: Fields): string | undefined {
  const symbol = String(entry['symbol']);
  if (!PLAIN_SYMBOL.test(symbol)) return 'its name is not of plain letters and digits';
  if (!market.isFutures) return undefined;
  const type = entry['contractType'];
  if (type !== 'PERPETUAL') return `a contract of type ${String(type)}`;
  const margin = entry['marginAsset'];
  return margin === entry['quoteAsset'] ? undefined : `settled in ${String(margin)}, not its quote`;
}

function instrumentOf(
  market: BinanceMarket,
  entry: Fields,
  venueSymbol: string,
  index: number,
): Instrument {
  const filters = filtersOf(entry);
  const price = stepOf(
    limitOf(filters, 'PRICE_FILTER', 'tickSize'),
    precisionOf(entry, market.isFutures ? 'pricePrecision' : 'quotePrecision'),
    market.isFutures ? (precisionOf(entry, 'pricePrecision') ?? 0) : 0,
    `${venueSymbol}: tickSize`,
  );
  const assetPrecision = precisionOf(entry, 'baseAssetPrecision') ?? 0;
  const size = stepOf(
    limitOf(filters, 'LOT_SIZE', 'stepSize'),
    precisionOf(entry, market.isFutures ? 'quantityPrecision' : 'baseAssetPrecision'),
    Math.min(assetPrecision, MONEY_SCALE - price.scale),
    `${venueSymbol}: stepSize`,
  );
  const base = textOf(entry, 'baseAsset');
  const quote = textOf(entry, 'quoteAsset');
  if (base === undefined || quote === undefined) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `${venueSymbol}: no base or quote asset`);
  }
  const notionalMin =
    limitOf(filters, 'MIN_NOTIONAL', market.isFutures ? 'notional' : 'minNotional') ??
    limitOf(filters, 'NOTIONAL', 'minNotional');
  const sizeMax = limitOf(filters, 'LOT_SIZE', 'maxQty');
  return {
    index,
    venue: market.venue,
    kind: market.isFutures ? 'perpetual' : 'spot',
    symbol: `${base}-${quote}`,
    venueSymbol,
    base,
    quote,
    priceScale: price.scale,
    sizeScale: size.scale,
    tickMantissa: price.mantissa,
    lotMantissa: size.mantissa,
    // At least one lot: a minimum finer than the lot cannot be ordered anyway.
    sizeMinMantissa: Math.max(
      size.mantissa,
      mantissaWithin(limitOf(filters, 'LOT_SIZE', 'minQty') ?? '0', size.scale, 'up'),
    ),
    sizeMaxMantissa:
      sizeMax === undefined || isZero(sizeMax)
        ? Number.MAX_SAFE_INTEGER
        : mantissaWithin(sizeMax, size.scale, 'down'),
    notionalMinMantissa: mantissaWithin(notionalMin ?? '0', price.scale + size.scale, 'up'),
    isTradable: entry['status'] === 'TRADING' && entry['isSpotTradingAllowed'] !== false,
  };
}

/** The filters by their type. */
function filtersOf(entry: Fields): ReadonlyMap<string, Fields> {
  const filters = new Map<string, Fields>();
  const list = entry['filters'];
  for (const filter of Array.isArray(list) ? (list as unknown[]) : []) {
    if (isFields(filter)) filters.set(String(filter['filterType']), filter);
  }
  return filters;
}

/** A decimal of a filter; undefined when it is not there or no decimal. */
function limitOf(
  filters: ReadonlyMap<string, Fields>,
  type: string,
  key: string,
): string | undefined {
  const text = filters.get(type)?.[key];
  if (typeof text !== 'string' || readDecimal(text, 0) === 'DECIMAL_MALFORMED') return undefined;
  return text;
}

function textOf(entry: Fields, key: string): string | undefined {
  const value = entry[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function precisionOf(entry: Fields, key: string): number | undefined {
  const value = entry[key];
  const isScale = typeof value === 'number' && Number.isInteger(value) && value >= 0;
  return isScale && value <= SCALE_MAX ? value : undefined;
}

function isZero(text: string): boolean {
  return readDecimal(text, 0) === 0n;
}

/**
 * A step and its decimals, at least so many. Zero: the rule is off, any value of the stated precision will do.
 */
function stepOf(
  text: string | undefined,
  precision: number | undefined,
  scaleMin: number,
  name: string,
): { readonly scale: number; readonly mantissa: number } {
  if (text !== undefined && !isZero(text)) {
    // A step of 10 has scale 0; what is traded is whole all the same.
    const scale = Math.max(scaleOfText(text), scaleMin);
    const mantissa = parseMantissa(text, scale);
    if (mantissa > 0) return { scale, mantissa };
  } else if (precision !== undefined) {
    return { scale: Math.max(precision, scaleMin), mantissa: 1 };
  }
  throw new TickwireError('VENUE_ANSWER_MALFORMED', `${name}: neither a step nor a precision`);
}

/**
 * A limit at a scale: one that is finer is moved to the safe side, one that is too large for a safe integer becomes the
 * largest. Limits are the one place where a decimal may be moved: they are compared with, never traded.
 */
function mantissaWithin(text: string, scale: number, towards: 'up' | 'down'): number {
  for (let kept = scale; kept <= scale + SCALE_MAX; kept++) {
    const parsed = readDecimal(text, kept);
    if (parsed === 'DECIMAL_INEXACT') continue;
    if (typeof parsed !== 'bigint') break;
    const divisor = BigInt(pow10(kept - scale));
    const moved = towards === 'up' ? (parsed + divisor - 1n) / divisor : parsed / divisor;
    return moved > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(moved);
  }
  return Number.MAX_SAFE_INTEGER;
}
