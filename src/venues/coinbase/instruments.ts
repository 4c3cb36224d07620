/**
 * instruments: Coinbase's products as our instruments. Scales, tick, lot and minimums are what the venue itself states in
 * GET /api/v3/brokerage/products (public twin: /market/products); nothing is guessed.
 *
 * Cold: once at start. Body checked against shared captures of 2026-08 (920 products).
 */
import { TickwireError } from '../../domain/errors.js';
import { parseMantissa, readDecimal, SCALE_MAX, scaleOfText } from '../../domain/fixed-point.js';
import type { Instrument } from '../../domain/instrument.js';

/** A product that could not be used, and why; the others are not affected. */
export interface RefusedProduct {
  readonly venueSymbol: string;
  readonly message: string;
}

export interface ParsedProducts {
  readonly instruments: readonly Instrument[];
  readonly refused: readonly RefusedProduct[];
}

/** The fields of a product that we read. All decimals are strings. */
interface ProductFields {
  readonly [key: string]: unknown;
}

/**
 * Reads a product list. Indexes count from `indexFirst` in the order of `venueSymbols` (or of the body when it is
 * empty). Throws VENUE_ANSWER_MALFORMED when the body is not a product list.
 */
export function parseInstruments(
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedProducts {
  const products = jsonOf(body);
  const list = isFields(products) ? (products['products'] ?? [products]) : undefined;
  return parsed(productsIn(list), venueSymbols, indexFirst);
}

/** The same of the old Exchange's `GET /products`, which names its fields otherwise. */
export function parseExchangeInstruments(
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedProducts {
  const products = productsIn(jsonOf(body)).map((product) => ({
    ...product,
    product_id: product['id'],
    base_currency_id: product['base_currency'],
    quote_currency_id: product['quote_currency'],
    quote_min_size: product['min_market_funds'],
  }));
  const { instruments, refused } = parsed(products, venueSymbols, indexFirst);
  return {
    instruments: instruments.map((one) => ({ ...one, venue: 'coinbase-exchange' })),
    refused,
  };
}

function parsed(
  products: readonly ProductFields[],
  venueSymbols: readonly string[],
  indexFirst: number,
): ParsedProducts {
  const bySymbol = new Map<string, ProductFields>();
  for (const product of products) {
    const symbol = product['product_id'];
    if (typeof symbol === 'string') bySymbol.set(symbol, product);
  }
  const wanted = venueSymbols.length > 0 ? venueSymbols : [...bySymbol.keys()];
  const instruments: Instrument[] = [];
  const refused: RefusedProduct[] = [];
  for (const venueSymbol of wanted) {
    const product = bySymbol.get(venueSymbol);
    if (product === undefined) {
      refused.push({ venueSymbol, message: 'the venue does not list it' });
      continue;
    }
    try {
      instruments.push(instrumentOf(product, venueSymbol, indexFirst + instruments.length));
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      refused.push({ venueSymbol, message: error.message });
    }
  }
  return { instruments, refused };
}

/**
 * The symbol under which messages of an alias may come: X-USDC is an alias of X-USD (all 400 aliases of the capture,
 * `alias` in the product list). The symbol itself when it is no alias.
 */
export function canonicalSymbol(venueSymbol: string): string {
  return venueSymbol.endsWith('-USDC') ? venueSymbol.slice(0, -1) : venueSymbol;
}

const PRICE_TEXT = /"(?:price_level|price|best_bid|best_ask)"\s*:\s*"\d+\.(\d+)"/g;
const SIZE_TEXT = /"(?:new_quantity|size|best_bid_quantity|best_ask_quantity)"\s*:\s*"\d+\.(\d+)"/g;

/** Decimals that the prices and sizes of a frame use. For `normalize`, when no product list tells. */
export function scalesOfFrame(frame: string): { priceScale: number; sizeScale: number } {
  return {
    priceScale: digitsMax(frame.matchAll(PRICE_TEXT)),
    sizeScale: digitsMax(frame.matchAll(SIZE_TEXT)),
  };
}

const EXCHANGE_PRICE = /"(?:price|best_bid|best_ask)"\s*:\s*"\d+\.(\d+)"/g;
const EXCHANGE_SIZE = /"(?:size|last_size|best_bid_size|best_ask_size)"\s*:\s*"\d+\.(\d+)"/g;
/** A level: ["14.8024","12.77"] of a snapshot, ["buy","0.7885","0.0"] of an update. */
const EXCHANGE_LEVEL_PRICE = /\[(?:"(?:buy|sell)",)?"\d+\.(\d+)","[\d.]+"\]/g;
const EXCHANGE_LEVEL_SIZE = /\[(?:"(?:buy|sell)",)?"[\d.]+","\d+\.(\d+)"\]/g;

/** As scalesOfFrame, of the old Exchange feed. */
export function scalesOfExchangeFrame(frame: string): { priceScale: number; sizeScale: number } {
  return {
    priceScale: Math.max(
      digitsMax(frame.matchAll(EXCHANGE_PRICE)),
      digitsMax(frame.matchAll(EXCHANGE_LEVEL_PRICE)),
    ),
    sizeScale: Math.max(
      digitsMax(frame.matchAll(EXCHANGE_SIZE)),
      digitsMax(frame.matchAll(EXCHANGE_LEVEL_SIZE)),
    ),
  };
}

function digitsMax(matches: Iterable<RegExpMatchArray>): number {
  let digits = 0;
  for (const match of matches) {
    const fraction = match[1] ?? '';
    // Trailing zeros say nothing; shorter ones need no look.
    if (fraction.length <= digits) continue;
    let length = fraction.length;
    while (length > digits && fraction[length - 1] === '0') length--;
    digits = length;
  }
  return Math.min(digits, SCALE_MAX);
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `products: not JSON: ${String(error)}`);
  }
}

function productsIn(list: unknown): readonly ProductFields[] {
  if (!Array.isArray(list)) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', 'products: no list of products');
  }
  return (list as unknown[]).filter(isFields);
}

function isFields(value: unknown): value is ProductFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function instrumentOf(product: ProductFields, venueSymbol: string, index: number): Instrument {
  const tick = decimalOf(product, 'price_increment') ?? decimalOf(product, 'quote_increment');
  const lot = decimalOf(product, 'base_increment');
  if (tick === undefined || lot === undefined) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `${venueSymbol}: no price or size increment`);
  }
  const priceScale = scaleOfText(tick);
  const sizeScale = scaleOfText(lot);
  const tickMantissa = parseMantissa(tick, priceScale);
  const lotMantissa = parseMantissa(lot, sizeScale);
  if (tickMantissa <= 0 || lotMantissa <= 0) {
    throw new TickwireError(
      'VENUE_ANSWER_MALFORMED',
      `${venueSymbol}: an increment is not above 0`,
    );
  }
  const [base = venueSymbol, quote = ''] = venueSymbol.split('-');
  return {
    index,
    venue: 'coinbase',
    kind: 'spot',
    symbol: venueSymbol,
    venueSymbol,
    base: textOf(product, 'base_currency_id') ?? base,
    quote: textOf(product, 'quote_currency_id') ?? quote,
    priceScale,
    sizeScale,
    tickMantissa,
    lotMantissa,
    // At least one lot, and a whole number of lots: a minimum finer than the lot cannot be ordered anyway.
    sizeMinMantissa: Math.max(
      lotMantissa,
      mantissaWithin(decimalOf(product, 'base_min_size') ?? '0', sizeScale, 'up'),
    ),
    sizeMaxMantissa: mantissaWithin(decimalOf(product, 'base_max_size') ?? '', sizeScale, 'down'),
    notionalMinMantissa: mantissaWithin(
      decimalOf(product, 'quote_min_size') ?? '0',
      priceScale + sizeScale,
      'up',
    ),
    isTradable:
      product['trading_disabled'] !== true &&
      product['is_disabled'] !== true &&
      product['view_only'] !== true &&
      product['cancel_only'] !== true &&
      product['auction_mode'] !== true &&
      product['status'] !== 'delisted',
  };
}

function textOf(product: ProductFields, key: string): string | undefined {
  const value = product[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A decimal field; undefined when it is absent, empty or no decimal. */
function decimalOf(product: ProductFields, key: string): string | undefined {
  const text = textOf(product, key);
  return text === undefined || readDecimal(text, 0) === 'DECIMAL_MALFORMED' ? undefined : text;
}

/**
 * A limit at a scale: one that is finer is moved to the safe side, one that is absent or too large for a safe integer
 * becomes the largest. Limits are the one place where a decimal may be moved: they are compared with, never traded.
 */
function mantissaWithin(text: string, scale: number, towards: 'up' | 'down'): number {
  for (let kept = scale; text !== '' && kept <= scale + 18; kept++) {
    const parsed = readDecimal(text, kept);
    if (parsed === 'DECIMAL_INEXACT') continue;
    if (typeof parsed !== 'bigint') break;
    const divisor = 10n ** BigInt(kept - scale);
    const moved = towards === 'up' ? (parsed + divisor - 1n) / divisor : parsed / divisor;
    return moved > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(moved);
  }
  return Number.MAX_SAFE_INTEGER;
}
