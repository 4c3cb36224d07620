/**
 * instruments: Kraken's pairs as our instruments. Scales, tick, lot and minimums are what the venue itself states in
 * GET /0/public/AssetPairs; nothing is guessed.
 *
 * The venue has three names for a pair: XXBTZUSD (key of the list), XBT/USD (`wsname`, WebSocket v1) and BTC/USD
 * (WebSocket v2). v2 writes BTC and DOGE where the others write XBT and XDG (docs.kraken.com, "Spot Websockets (v2)",
 * 2026-08; seen live: v2 refuses XBT/USD).
 *
 * Cold: once at start. Body checked against captures of 2021 (304 pairs) and 2026.
 */
import { TickwireError } from '../../domain/errors.js';
import { parseMantissa, readDecimal, SCALE_MAX } from '../../domain/fixed-point.js';
import type { Instrument } from '../../domain/instrument.js';

/** A pair that could not be used, and why; the others are not affected. */
export interface RefusedPair {
  readonly venueSymbol: string;
  readonly message: string;
}

export interface ParsedPairs {
  readonly instruments: readonly Instrument[];
  readonly refused: readonly RefusedPair[];
}

/** The fields of a pair that we read. */
interface PairFields {
  readonly [key: string]: unknown;
}

/** A pair and its names. */
interface NamedPair {
  readonly fields: PairFields;
  readonly venueSymbol: string;
  readonly base: string;
  readonly quote: string;
}

/**
 * Reads a list of pairs; `venueSymbols` may be the venue's spelling (BTC/USD) or ours (BTC-USD). Indexes count from
 * `indexFirst` in the order of `venueSymbols` (or of the body when it is empty). Throws VENUE_ANSWER_MALFORMED when the
 * body is not a list of pairs.
 */
export function parseInstruments(
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedPairs {
  return parsePairs(body, 'kraken', venueSymbols, indexFirst);
}

/** The same under the names of the old dialect: XBT/USD. */
export function parseInstrumentsV1(
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedPairs {
  return parsePairs(body, 'kraken-v1', venueSymbols, indexFirst);
}

/** The code by which the venue calls a currency in WebSocket v2, and everybody else does. */
export function currencyOf(code: string): string {
  if (code === 'XBT') return 'BTC';
  return code === 'XDG' ? 'DOGE' : code;
}

const PRICE_NUMBER = /"(?:price|bid|ask|last)"\s*:\s*\d+\.(\d+)/g;
const SIZE_NUMBER = /"(?:qty|bid_qty|ask_qty)"\s*:\s*\d+\.(\d+)/g;

/**
 * Decimals that the prices and sizes of a frame use; trailing zeros say nothing (the old dialect writes eight decimals of
 * a price that has two). For `normalize`, when no list tells.
 */
export function scalesOfFrame(frame: string): { priceScale: number; sizeScale: number } {
  return {
    priceScale: digitsMax(frame.matchAll(PRICE_NUMBER)),
    sizeScale: digitsMax(frame.matchAll(SIZE_NUMBER)),
  };
}

/** [price, size, … of a level or trade; the last price of a ticker has its size beside it too. */
const PAIR_TEXT = /\["\d+\.(\d+)","\d+\.(\d+)"/g;
/** "a":[price, whole lots, size] of a ticker, and "b". */
const TICKER_TEXT = /\["\d+\.(\d+)",\d+,"\d+\.(\d+)"/g;
/** [bid, ask, time, bid size, ask size] of a spread. */
const SPREAD_TEXT = /\["\d+\.(\d+)","\d+\.(\d+)","\d+\.\d+","\d+\.(\d+)","\d+\.(\d+)"\]/g;
/** What of a ticker is about the day. */
const DAY_TEXT = /"[vplho]":\["[^\]]*\]/g;

/** The same for the old dialect. */
export function scalesOfFrameV1(frame: string): { priceScale: number; sizeScale: number } {
  const spreads = [...frame.matchAll(SPREAD_TEXT)];
  if (spreads.length > 0) {
    const columns = (wanted: readonly number[]): number =>
      Math.max(...spreads.flatMap((match) => wanted.map((group) => lengthOf(match[group]))));
    return { priceScale: columns([1, 2]), sizeScale: columns([3, 4]) };
  }
  const now = frame.replace(DAY_TEXT, '');
  const matches = [...now.matchAll(PAIR_TEXT), ...now.matchAll(TICKER_TEXT)];
  return {
    priceScale: digitsMax(matches),
    sizeScale: digitsMax(matches, 2),
  };
}

/** Digits of a fraction without its trailing zeros. */
function lengthOf(fraction = ''): number {
  let length = fraction.length;
  while (length > 0 && fraction[length - 1] === '0') length--;
  return Math.min(length, SCALE_MAX);
}

function digitsMax(matches: Iterable<RegExpMatchArray>, group = 1): number {
  let digits = 0;
  for (const match of matches) digits = Math.max(digits, lengthOf(match[group]));
  return digits;
}

function parsePairs(
  body: string,
  venue: string,
  venueSymbols: readonly string[],
  indexFirst: number,
): ParsedPairs {
  const pairs = new Map<string, NamedPair>();
  for (const fields of pairsOf(body)) {
    const pair = namedPair(fields, venue);
    if (pair !== undefined) pairs.set(pair.venueSymbol, pair);
  }
  const wanted = venueSymbols.length > 0 ? venueSymbols : [...pairs.keys()];
  const instruments: Instrument[] = [];
  const refused: RefusedPair[] = [];
  for (const venueSymbol of wanted) {
    const pair = pairs.get(venueSymbol) ?? pairs.get(venueSymbol.replace('-', '/'));
    if (pair === undefined) {
      refused.push({ venueSymbol, message: 'the venue does not list it' });
      continue;
    }
    try {
      instruments.push(instrumentOf(pair, venue, indexFirst + instruments.length));
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      refused.push({ venueSymbol, message: error.message });
    }
  }
  return { instruments, refused };
}

/** {"error":[],"result":{"XXBTZUSD":{…},…}} */
function pairsOf(body: string): readonly PairFields[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `pairs: not JSON: ${String(error)}`);
  }
  const result = isFields(parsed) ? parsed['result'] : undefined;
  if (!isFields(result)) {
    const errors = isFields(parsed) ? JSON.stringify(parsed['error']) : '';
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `pairs: no list of pairs ${errors}`.trim());
  }
  return Object.values(result).filter(isFields);
}

function isFields(value: unknown): value is PairFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for a pair that the WebSocket does not have (dark pools of 2021 had no wsname). */
function namedPair(fields: PairFields, venue: string): NamedPair | undefined {
  const name = fields['wsname'];
  if (typeof name !== 'string') return undefined;
  const [rawBase = '', rawQuote = '', ...more] = name.split('/');
  if (rawBase === '' || rawQuote === '' || more.length > 0) return undefined;
  const base = currencyOf(rawBase);
  const quote = currencyOf(rawQuote);
  const venueSymbol = venue === 'kraken' ? `${base}/${quote}` : name;
  return { fields, venueSymbol, base, quote };
}

function instrumentOf(pair: NamedPair, venue: string, index: number): Instrument {
  const { fields, venueSymbol, base, quote } = pair;
  const priceScale = scaleOf(fields, 'pair_decimals', venueSymbol);
  const sizeScale = scaleOf(fields, 'lot_decimals', venueSymbol);
  const tickText = fields['tick_size'];
  // Bodies before 2023 have no tick_size: the last decimal is the tick.
  const tickMantissa = typeof tickText === 'string' ? parseMantissa(tickText, priceScale) : 1;
  const multiplier = fields['lot_multiplier'] ?? 1;
  if (tickMantissa <= 0 || !Number.isSafeInteger(multiplier) || (multiplier as number) <= 0) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `${venueSymbol}: tick or lot is not above 0`);
  }
  const lotMantissa = multiplier as number;
  const status = fields['status'] ?? 'online';
  return {
    index,
    venue,
    kind: 'spot',
    symbol: `${base}-${quote}`,
    venueSymbol,
    base,
    quote,
    priceScale,
    sizeScale,
    tickMantissa,
    lotMantissa,
    sizeMinMantissa: Math.max(lotMantissa, mantissaUp(fields['ordermin'], sizeScale)),
    // The venue states no largest size.
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: mantissaUp(fields['costmin'], priceScale + sizeScale),
    // cancel_only and reduce_only take no new orders; post_only and limit_only take some.
    isTradable: status === 'online' || status === 'post_only' || status === 'limit_only',
  };
}

function scaleOf(fields: PairFields, key: string, venueSymbol: string): number {
  const value = fields[key];
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= SCALE_MAX) {
    return value as number;
  }
  throw new TickwireError('VENUE_ANSWER_MALFORMED', `${venueSymbol}: ${key} is ${String(value)}`);
}

/** A minimum at a scale; one that is finer is moved up (minimums are compared with, never traded). Absent: 0. */
function mantissaUp(text: unknown, scale: number): number {
  if (typeof text !== 'string') return 0;
  for (let kept = scale; kept <= scale + SCALE_MAX; kept++) {
    const parsed = readDecimal(text, kept);
    if (parsed === 'DECIMAL_INEXACT') continue;
    if (typeof parsed !== 'bigint' || parsed < 0n) break;
    const divisor = 10n ** BigInt(kept - scale);
    const moved = (parsed + divisor - 1n) / divisor;
    if (moved <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(moved);
    break;
  }
  throw new TickwireError('VENUE_ANSWER_MALFORMED', `a minimum is no decimal that fits: ${text}`);
}
