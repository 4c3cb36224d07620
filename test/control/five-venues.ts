/**
 * five-venues: a rig that follows five venues, each with what it really lists: spot in USD and USDT, perpetuals in USDC, and
 * the markets that price USDT and USDC.
 */
import { codeIndex } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { BTC } from '../journal/records.js';
import type { MarketFields, Rig } from './rig.js';

/** Venue, symbol, quote currency, kind, price scale. */
const LISTED = [
  ['coinbase', 'BTC-USD', 'USD', 'spot', 2],
  ['coinbase', 'ETH-USD', 'USD', 'spot', 2],
  ['coinbase', 'USDT-USD', 'USD', 'spot', 5],
  ['kraken', 'BTC-USD', 'USD', 'spot', 1],
  ['kraken', 'ETH-USD', 'USD', 'spot', 2],
  ['kraken', 'USDT-USD', 'USD', 'spot', 5],
  ['kraken', 'USDC-USD', 'USD', 'spot', 5],
  ['binance', 'BTC-USDT', 'USDT', 'spot', 2],
  ['binance', 'ETH-USDT', 'USDT', 'spot', 2],
  ['binance', 'USDC-USDT', 'USDT', 'spot', 5],
  ['dydx', 'BTC-USD', 'USDC', 'perpetual', 0],
  ['dydx', 'ETH-USD', 'USDC', 'perpetual', 1],
  ['hyperliquid', 'BTC-USD', 'USDC', 'perpetual', 0],
  ['hyperliquid', 'ETH-USD', 'USDC', 'perpetual', 1],
] as const;

export const FIVE_VENUES: readonly Instrument[] = LISTED.map(
  ([venue, symbol, quote, kind, priceScale], index): Instrument => ({
    ...BTC,
    index,
    venue,
    symbol,
    venueSymbol: symbol,
    base: symbol.split('-')[0] ?? '',
    quote,
    kind,
    priceScale,
  }),
);

const USD_PRICES: Readonly<Record<string, number>> = {
  BTC: 60_000,
  ETH: 2_500,
  USDT: 0.9991,
  USDC: 1.0002,
};

/** Index of a venue's instrument of that asset. */
export function indexOf(venue: string, base: string): number {
  const index = FIVE_VENUES.findIndex((one) => one.venue === venue && one.base === base);
  if (index < 0) throw new Error(`${venue} does not list ${base}`);
  return index;
}

/** Puts a venue's book at that many hundredths of a per cent from the asset's price. */
export function quote(
  rig: Rig,
  venue: string,
  base: string,
  offBps = 0,
  fields: Omit<MarketFields, 'index'> = {},
): void {
  const index = indexOf(venue, base);
  const instrument = FIVE_VENUES[index] ?? BTC;
  const usd = (USD_PRICES[base] ?? 1) * (1 + offBps / 10_000);
  const price = usd / (USD_PRICES[instrument.quote] ?? 1);
  const mantissa = Math.round(price * 10 ** instrument.priceScale);
  rig.setMarket(mantissa, {
    tradeCount: 1,
    ...(instrument.kind === 'perpetual' ? { mark: Math.round(price) } : {}),
    ...fields,
    index,
  });
}

/** Every venue quotes what it lists, a few hundredths of a per cent apart. */
export function quoteAll(rig: Rig, wave = 0): void {
  const offsets: Readonly<Record<string, number>> = {
    coinbase: 0,
    kraken: 0.6,
    binance: -0.8,
    dydx: 3.1,
    hyperliquid: -2.4,
  };
  FIVE_VENUES.forEach(({ venue, base }, index) => {
    const isCurrency = base.startsWith('USD');
    const off = isCurrency ? 0 : (offsets[venue] ?? 0) + Math.sin(wave / 20 + index) * 0.4;
    quote(rig, venue, base, off + (isCurrency ? 0 : Math.sin(wave / 60) * 4));
  });
}

/** A venue's whole feed is lost. */
export function lose(rig: Rig, venue: string, staleMs: number): void {
  FIVE_VENUES.forEach((instrument) => {
    if (instrument.venue !== venue) return;
    quote(rig, venue, instrument.base, 0, {
      staleReason: codeIndex('FEED_DISCONNECTED'),
      staleMs,
    });
  });
}
