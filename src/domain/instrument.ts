/**
 * instrument: what can be traded where, and in which units. Built once at start from what the venue itself states;
 * threads then speak of an `instrumentIndex`. Immutable; plain data, so that it can be posted to a worker as it is.
 */

/** spot: what is bought is owned. perpetual: a position in a contract without end, with funding. */
export type InstrumentKind = 'spot' | 'perpetual';

/** BTC-USD, or kraken:BTC-USD for one venue's alone: how a configuration names instruments. */
export const SYMBOL_PATTERN = /^(?:([a-z][a-z0-9-]*):)?([A-Za-z0-9._]+)-([A-Za-z0-9._]+)$/;

/** Decimals of mark and index prices, whatever the instrument's own scale: venues state them finer than a tick. */
export const MARK_SCALE = 10;
/** Decimals of a funding rate. */
export const FUNDING_SCALE = 12;

/** One tradable thing at one venue. All mantissas are integers at the scale of their name. */
export interface Instrument {
  /** Place in the table; stable for the life of a data directory. */
  readonly index: number;
  /** Venue id: coinbase, kraken, … */
  readonly venue: string;
  readonly kind: InstrumentKind;
  /** Our name: BASE-QUOTE, as the venue's own documents quote it (a dYdX market is BTC-USD, its money is USDC). */
  readonly symbol: string;
  /** The venue's own spelling. */
  readonly venueSymbol: string;
  readonly base: string;
  /** Currency of prices, costs and results: what an account holds. USDT and USDC are currencies, not USD. */
  readonly quote: string;
  /** Decimals of a price mantissa. */
  readonly priceScale: number;
  /** Decimals of a size mantissa. */
  readonly sizeScale: number;
  /** Smallest price step (mantissa at priceScale). */
  readonly tickMantissa: number;
  /** Smallest size step (mantissa at sizeScale). */
  readonly lotMantissa: number;
  readonly sizeMinMantissa: number;
  readonly sizeMaxMantissa: number;
  /** Smallest price times size (mantissa at priceScale + sizeScale). */
  readonly notionalMinMantissa: number;
  /** The venue takes new orders for it now. */
  readonly isTradable: boolean;
}

/** Money of an instrument (price times size) has this many decimals. */
export function moneyScale(instrument: Instrument): number {
  return instrument.priceScale + instrument.sizeScale;
}
