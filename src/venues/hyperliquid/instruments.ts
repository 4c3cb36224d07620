/**
 * instruments: Hyperliquid's perpetuals and spot pairs as our instruments, from POST /info: {"type":"meta"} or
 * {"type":"spotMeta"}, also in the shape of metaAndAssetCtxs, whose first element is the same.
 *
 * There is no table of ticks: a price has at most 5 significant digits and at most 6 - szDecimals decimals (spot: 8), and
 * whole numbers are always allowed. So the scale is the one with which every allowed price is exact, the tick is 1 at that
 * scale, and priceStepAt says which prices are allowed near one.
 *
 * Cold: once at start.
 */
import { TickwireError } from '../../domain/errors.js';
import { pow10, SCALE_MAX } from '../../domain/fixed-point.js';
import type { Instrument, InstrumentKind } from '../../domain/instrument.js';
import {
  COLLATERAL,
  NOTIONAL_MIN,
  PRICE_DECIMALS_PERPETUAL,
  PRICE_DECIMALS_SPOT,
  PRICE_DIGITS_MAX,
} from './endpoints.js';

/** A coin that could not be used, and why; the others are not affected. */
export interface RefusedCoin {
  readonly venueSymbol: string;
  readonly message: string;
}

export interface ParsedCoins {
  readonly instruments: readonly Instrument[];
  readonly refused: readonly RefusedCoin[];
}

interface Fields {
  readonly [key: string]: unknown;
}

/** A coin of the list, as far as it was understood. */
interface Coin {
  readonly kind: InstrumentKind;
  readonly symbol: string;
  readonly venueSymbol: string;
  readonly base: string;
  readonly quote: string;
  readonly sizeDecimals: unknown;
  readonly isDelisted: boolean;
}

/**
 * Reads the list. Indexes count from `indexFirst` in the order of the wanted names (ours, BTC-USD, or the venue's, BTC), or
 * of the body when there are none. Throws VENUE_ANSWER_MALFORMED when the body is no such list.
 */
export function parseInstruments(
  body: string,
  wanted: readonly string[] = [],
  indexFirst = 0,
): ParsedCoins {
  const coins = coinsOf(body);
  const instruments: Instrument[] = [];
  const refused: RefusedCoin[] = [];
  const names = wanted.length > 0 ? wanted : coins.map((coin) => coin.venueSymbol);
  for (const name of names) {
    const coin = coins.find((one) => one.venueSymbol === name || one.symbol === name);
    const why = coin === undefined ? 'the venue does not list it' : problemOf(coin);
    if (coin === undefined || why !== null) {
      refused.push({ venueSymbol: name, message: why ?? '' });
      continue;
    }
    instruments.push(instrumentOf(coin, indexFirst + instruments.length));
  }
  return { instruments, refused };
}

/**
 * The step between allowed prices near a price, as a mantissa at the same scale: 1 where the price has at most five
 * significant digits, a power of ten above, at most a whole number.
 */
export function priceStepAt(priceMantissa: number, priceScale: number): number {
  const digits = String(Math.abs(priceMantissa)).length;
  return pow10(Math.min(Math.max(0, digits - PRICE_DIGITS_MAX), priceScale));
}

/** Whether the venue takes this price. */
export function isPriceAllowed(priceMantissa: number, priceScale: number): boolean {
  return priceMantissa > 0 && priceMantissa % priceStepAt(priceMantissa, priceScale) === 0;
}

const PRICE_TEXT = /"px"\s*:\s*"\d+\.(\d+)"/g;
const SIZE_TEXT = /"sz"\s*:\s*"\d+\.(\d+)"/g;

/** Decimals that the prices and sizes of a frame use. For `normalize`, when no list of coins tells. */
export function scalesOfFrame(frame: string): { priceScale: number; sizeScale: number } {
  return {
    priceScale: digitsMax(frame.matchAll(PRICE_TEXT)),
    sizeScale: digitsMax(frame.matchAll(SIZE_TEXT)),
  };
}

/** Trailing zeros say nothing. */
function digitsMax(matches: Iterable<RegExpMatchArray>): number {
  let digits = 0;
  for (const [, fraction = ''] of matches) {
    digits = Math.max(digits, fraction.replace(/0+$/, '').length);
  }
  return Math.min(digits, SCALE_MAX);
}

function coinsOf(body: string): readonly Coin[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `meta: not JSON: ${String(error)}`);
  }
  const meta: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  const universe = isFields(meta) ? meta['universe'] : undefined;
  if (!isFields(meta) || !Array.isArray(universe)) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', 'meta: no list "universe"');
  }
  const tokens = meta['tokens'];
  const entries = (universe as unknown[]).filter(isFields);
  if (!Array.isArray(tokens)) return entries.map(perpetualOf);
  const tokenFields = (tokens as unknown[]).filter(isFields);
  return entries.map((entry) => spotOf(entry, tokenFields));
}

function perpetualOf(entry: Fields): Coin {
  const name = textOf(entry, 'name');
  return {
    kind: 'perpetual',
    symbol: `${name}-USD`,
    venueSymbol: name,
    base: name,
    quote: COLLATERAL,
    sizeDecimals: entry['szDecimals'],
    isDelisted: entry['isDelisted'] === true,
  };
}

/** A pair is two indexes into the list of tokens; its name is PURR/USDC or @107. */
function spotOf(entry: Fields, tokens: readonly Fields[]): Coin {
  const pair = Array.isArray(entry['tokens']) ? (entry['tokens'] as unknown[]) : [];
  const [base, quote] = pair.map((index) => tokens.find((token) => token['index'] === index));
  const baseName = textOf(base, 'name');
  const quoteName = textOf(quote, 'name');
  return {
    kind: 'spot',
    symbol: `${baseName}-${quoteName}`,
    venueSymbol: textOf(entry, 'name'),
    base: baseName,
    quote: quoteName,
    sizeDecimals: base?.['szDecimals'],
    isDelisted: false,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(fields: Fields | undefined, key: string): string {
  const value = fields?.[key];
  return typeof value === 'string' ? value : '';
}

function priceDecimalsOf(kind: InstrumentKind): number {
  return kind === 'spot' ? PRICE_DECIMALS_SPOT : PRICE_DECIMALS_PERPETUAL;
}

/** Null when it can be used. */
function problemOf(coin: Coin): string | null {
  if (coin.venueSymbol === '' || coin.base === '' || coin.quote === '') return 'it has no name';
  const decimals = coin.sizeDecimals;
  const isWhole = typeof decimals === 'number' && Number.isInteger(decimals) && decimals >= 0;
  if (!isWhole || decimals > priceDecimalsOf(coin.kind)) return 'no szDecimals that make sense';
  return null;
}

function instrumentOf(coin: Coin, index: number): Instrument {
  const sizeScale = Number(coin.sizeDecimals);
  const priceScale = priceDecimalsOf(coin.kind) - sizeScale;
  return {
    index,
    venue: 'hyperliquid',
    kind: coin.kind,
    symbol: coin.symbol,
    venueSymbol: coin.venueSymbol,
    base: coin.base,
    quote: coin.quote,
    priceScale,
    sizeScale,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: NOTIONAL_MIN * pow10(priceScale + sizeScale),
    isTradable: !coin.isDelisted,
  };
}
