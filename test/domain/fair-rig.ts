/** fair-rig: sources of one asset around 60,000 USD, with rates of their quote currencies, through FairPrices. */
import { FAIR_DEFAULTS, FairPrices, planFairAssets } from '#src/domain/fair-price.js';
import type { FairConfig } from '#src/domain/fair-price.js';
import type { Instrument, InstrumentKind } from '#src/domain/instrument.js';
import type { NaiveSource } from '../oracles/naive-fair-price.js';

export const CONFIG: FairConfig = FAIR_DEFAULTS;
export const NOW_NS = 5_400_000_000_000;
const NS_PER_MS = 1_000_000;
const BTC_USD = 60_000;

/** What USDT and USDC cost in this rig; EUR is quoted nowhere. */
export const RATES: Readonly<Record<string, number>> = { USDT: 0.9987, USDC: 1.0002 };

export interface RigSource {
  readonly kind: InstrumentKind;
  readonly quote: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly bid: number;
  readonly ask: number;
  readonly depth: number;
  readonly ageMs: number;
  readonly isFresh: boolean;
}

/** A source by its distance from 60,000 USD. */
export function quoteIn(from: {
  readonly kind: string;
  readonly quote: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly priceBps: number;
  readonly spreadBps: number;
  readonly depthUsd: number;
  readonly ageMs: number;
  readonly isFresh: boolean;
}): RigSource {
  const unit = 10 ** from.priceScale;
  const price = (BTC_USD * (1 + from.priceBps / 10_000)) / (RATES[from.quote] ?? 1);
  const half = (price * from.spreadBps) / 20_000;
  return {
    kind: from.kind === 'spot' ? 'spot' : 'perpetual',
    quote: from.quote,
    priceScale: from.priceScale,
    sizeScale: from.sizeScale,
    bid: Math.floor((price - half) * unit),
    ask: Math.ceil((price + half) * unit),
    depth: Math.floor((from.depthUsd / price) * 10 ** from.sizeScale),
    ageMs: from.ageMs,
    isFresh: from.isFresh,
  };
}

export function instrumentOf(
  index: number,
  symbol: string,
  fields: Partial<Instrument> = {},
): Instrument {
  const [base = '', quote = ''] = symbol.split('-');
  return {
    index,
    venue: `venue-${index}`,
    kind: 'spot',
    symbol,
    venueSymbol: symbol,
    base,
    quote,
    priceScale: 2,
    sizeScale: 8,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: 1e12,
    notionalMinMantissa: 1,
    isTradable: true,
    ...fields,
  };
}

/** Puts one top into the quotes. */
export function setQuote(
  prices: FairPrices,
  index: number,
  quote: {
    readonly bid: number;
    readonly ask: number;
    readonly depth?: number;
    readonly bookNs?: number;
    readonly isFresh?: boolean;
  },
): void {
  const { quotes } = prices;
  quotes.bids[index] = quote.bid;
  quotes.asks[index] = quote.ask;
  quotes.depths[index] = quote.depth ?? 1e8;
  quotes.bookNs[index] = quote.bookNs ?? NOW_NS;
  quotes.isFresh[index] = quote.isFresh === false ? 0 : 1;
}

export interface RigFair {
  readonly price: number;
  readonly low: number;
  readonly high: number;
  readonly oldestNs: number;
  readonly confidencePpm: number;
  readonly used: number;
  readonly stale: number;
  readonly outlier: number;
  readonly unpriced: number;
  readonly reason: number;
  /** What each source is worth alone; 0: nothing. */
  readonly usdPrices: readonly number[];
  readonly naiveSources: readonly NaiveSource[];
}

/** The fair price of these sources of BTC, and what the naive twin is asked. */
export function compute(sources: readonly RigSource[], config: FairConfig = CONFIG): RigFair {
  const instruments = [
    instrumentOf(0, 'USDT-USD', { priceScale: 5, sizeScale: 2 }),
    instrumentOf(1, 'USDC-USD', { priceScale: 5, sizeScale: 2 }),
    ...sources.map((source, place) =>
      instrumentOf(2 + place, `BTC-${source.quote}`, {
        kind: source.kind,
        priceScale: source.priceScale,
        sizeScale: source.sizeScale,
      }),
    ),
  ];
  const prices = run(instruments, sources, config);
  const btc = prices.assets.findIndex(({ asset }) => asset === 'BTC');
  const rateOf = (quote: string): NaiveSource['rate'] => {
    if (quote === 'USD') return 'USD';
    const place = prices.assets.findIndex(({ asset }) => asset === quote);
    if (place < 0) return null;
    return {
      price: BigInt(at(prices.prices, place)),
      confidencePpm: BigInt(at(prices.confidencesPpm, place)),
      oldestNs: at(prices.oldestNs, place),
    };
  };
  const naiveSources = sources.map((source): NaiveSource => ({
    ...source,
    rate: rateOf(source.quote),
    bookNs: NOW_NS - source.ageMs * NS_PER_MS,
  }));
  const usdPrices = sources.map((source) => {
    if (sources.length === 1) return at(prices.prices, btc);
    return compute([{ ...source, ageMs: 0, isFresh: true }], config).price;
  });
  if (btc < 0) {
    return { ...EMPTY, reason: at(new FairPrices(prices.assets, 1, config).reasons, 0) };
  }
  return {
    price: at(prices.prices, btc),
    low: at(prices.lows, btc),
    high: at(prices.highs, btc),
    oldestNs: at(prices.oldestNs, btc),
    confidencePpm: at(prices.confidencesPpm, btc),
    used: at(prices.usedMasks, btc),
    stale: at(prices.staleMasks, btc),
    outlier: at(prices.outlierMasks, btc),
    unpriced: at(prices.unpricedMasks, btc),
    reason: at(prices.reasons, btc),
    usdPrices,
    naiveSources,
  };
}

const EMPTY = {
  ...{ price: 0, low: 0, high: 0, oldestNs: 0, confidencePpm: 0 },
  ...{ used: 0, stale: 0, outlier: 0, unpriced: 0, reason: 0 },
  usdPrices: [],
  naiveSources: [],
};

function run(
  instruments: readonly Instrument[],
  sources: readonly RigSource[],
  config: FairConfig,
): FairPrices {
  const prices = new FairPrices(planFairAssets(instruments), instruments.length, config);
  for (const [index, rate] of Object.values(RATES).entries()) {
    const bid = Math.round(rate * 100_000);
    setQuote(prices, index, { bid: bid - 1, ask: bid + 1, depth: 1e8, bookNs: NOW_NS - 3e6 });
  }
  sources.forEach((source, place) => {
    setQuote(prices, 2 + place, { ...source, bookNs: NOW_NS - source.ageMs * NS_PER_MS });
  });
  prices.assets.forEach((_, place) => {
    prices.compute(place, NOW_NS);
  });
  return prices;
}

function at(array: Float64Array | Int32Array, place: number): number {
  const value = array[place];
  if (value === undefined) throw new Error(`no asset at ${place}`);
  return value;
}

/** Places of the bits of a mask. */
export function bitsOf(mask: number): number[] {
  return Array.from({ length: 31 }, (_, bit) => bit).filter((bit) => (mask & (1 << bit)) !== 0);
}
