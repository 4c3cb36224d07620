/**
 * instrument: what can be traded where, and in which units. Built once at start from what the venue itself states;
 * threads then speak of an `instrumentIndex`. Immutable; plain data, so that it can be posted to a worker as it is.
 */

/** One tradable thing at one venue. All mantissas are integers at the scale of their name. */
export interface Instrument {
  /** Place in the table; stable for the life of a data directory. */
  readonly index: number;
  /** Venue id: coinbase, kraken, … */
  readonly venue: string;
  /** Our name: BASE-QUOTE. */
  readonly symbol: string;
  /** The venue's own spelling. */
  readonly venueSymbol: string;
  readonly base: string;
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
