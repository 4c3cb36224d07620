/**
 * instruments: dYdX's perpetual markets as our instruments. Scales, tick and lot are what the indexer itself states in
 * GET /v4/perpetualMarkets (`tickSize`, `stepSize`); nothing is guessed.
 *
 * Cold: once at start. Body checked against a capture of 2024-07.
 */
import { TickwireError } from '../../domain/errors.js';
import { parseMantissa, readDecimal, SCALE_MAX, scaleOfText } from '../../domain/fixed-point.js';
import type { Instrument } from '../../domain/instrument.js';
import { COLLATERAL } from './endpoints.js';

/** A market that could not be used, and why; the others are not affected. */
export interface RefusedMarket {
  readonly venueSymbol: string;
  readonly message: string;
}

export interface ParsedMarkets {
  readonly instruments: readonly Instrument[];
  readonly refused: readonly RefusedMarket[];
}

interface MarketFields {
  readonly [key: string]: unknown;
}

/**
 * Reads the list of markets. Indexes count from `indexFirst` in the order of `venueSymbols` (or of the body when it is
 * empty). Throws VENUE_ANSWER_MALFORMED when the body is no such list.
 */
export function parseInstruments(
  body: string,
  venueSymbols: readonly string[] = [],
  indexFirst = 0,
): ParsedMarkets {
  const markets = marketsOf(body);
  const wanted = venueSymbols.length > 0 ? venueSymbols : [...markets.keys()];
  const instruments: Instrument[] = [];
  const refused: RefusedMarket[] = [];
  for (const venueSymbol of wanted) {
    const market = markets.get(venueSymbol);
    if (market === undefined) {
      refused.push({ venueSymbol, message: 'the venue does not list it' });
      continue;
    }
    try {
      instruments.push(instrumentOf(market, venueSymbol, indexFirst + instruments.length));
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      refused.push({ venueSymbol, message: error.message });
    }
  }
  return { instruments, refused };
}

/** A level as [price, size], or as {"price":…,"size":…} and trades. */
const PAIR_TEXT = /\[\s*"\d+(?:\.(\d+))?"\s*,\s*"\d+(?:\.(\d+))?"/g;
const PRICE_TEXT = /"price"\s*:\s*"\d+\.(\d+)"/g;
const SIZE_TEXT = /"size"\s*:\s*"\d+\.(\d+)"/g;

/** Decimals that the prices and sizes of a frame use. For `normalize`, when no list of markets tells. */
export function scalesOfFrame(frame: string): { priceScale: number; sizeScale: number } {
  let priceScale = 0;
  let sizeScale = 0;
  for (const [, price, size] of frame.matchAll(PAIR_TEXT)) {
    priceScale = Math.max(priceScale, digitsOf(price));
    sizeScale = Math.max(sizeScale, digitsOf(size));
  }
  for (const [, price] of frame.matchAll(PRICE_TEXT)) {
    priceScale = Math.max(priceScale, digitsOf(price));
  }
  for (const [, size] of frame.matchAll(SIZE_TEXT)) sizeScale = Math.max(sizeScale, digitsOf(size));
  return { priceScale, sizeScale };
}

/** Trailing zeros say nothing. */
function digitsOf(fraction = ''): number {
  return Math.min(fraction.replace(/0+$/, '').length, SCALE_MAX);
}

function marketsOf(body: string): ReadonlyMap<string, MarketFields> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `markets: not JSON: ${String(error)}`);
  }
  const markets = isFields(parsed) ? parsed['markets'] : undefined;
  if (!isFields(markets)) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', 'markets: no object "markets"');
  }
  const found = new Map<string, MarketFields>();
  for (const [ticker, market] of Object.entries(markets)) {
    if (isFields(market)) found.set(ticker, market);
  }
  return found;
}

function isFields(value: unknown): value is MarketFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function instrumentOf(market: MarketFields, venueSymbol: string, index: number): Instrument {
  const tick = decimalOf(market, 'tickSize');
  const step = decimalOf(market, 'stepSize');
  if (tick === undefined || step === undefined) {
    throw new TickwireError('VENUE_ANSWER_MALFORMED', `${venueSymbol}: no tickSize or stepSize`);
  }
  const priceScale = scaleOfText(tick);
  const sizeScale = scaleOfText(step);
  const tickMantissa = parseMantissa(tick, priceScale);
  const lotMantissa = parseMantissa(step, sizeScale);
  if (tickMantissa <= 0 || lotMantissa <= 0) {
    throw new TickwireError(
      'VENUE_ANSWER_MALFORMED',
      `${venueSymbol}: tickSize or stepSize is not above 0`,
    );
  }
  const dash = venueSymbol.lastIndexOf('-');
  return {
    index,
    venue: 'dydx',
    kind: 'perpetual',
    symbol: venueSymbol,
    venueSymbol,
    base: dash > 0 ? venueSymbol.slice(0, dash) : venueSymbol,
    quote: COLLATERAL,
    priceScale,
    sizeScale,
    tickMantissa,
    lotMantissa,
    // One step is the smallest order (stepBaseQuantums); there is no largest one and no smallest value.
    sizeMinMantissa: lotMantissa,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 0,
    // Others: PAUSED, CANCEL_ONLY, POST_ONLY, INITIALIZING, FINAL_SETTLEMENT.
    isTradable: market['status'] === 'ACTIVE',
  };
}

/** A decimal field; undefined when it is absent or no decimal. */
function decimalOf(market: MarketFields, key: string): string | undefined {
  const value = market[key];
  if (typeof value !== 'string' || value === '') return undefined;
  return readDecimal(value, 0) === 'DECIMAL_MALFORMED' ? undefined : value;
}
