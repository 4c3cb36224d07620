/**
 * market-view: what a strategy sees of one instrument: top of book, last trade, freshness, and its own standing.
 * @hotpath
 *
 * Signal thread only; written by signal-core, read by strategies. One per instrument, made at start.
 */
import type { Instrument } from '../domain/instrument.js';

export class MarketView {
  readonly instrument: Instrument;
  /** 0: no bid. */
  bidPriceMantissa = 0;
  bidSizeMantissa = 0;
  /** 0: no ask. */
  askPriceMantissa = 0;
  askSizeMantissa = 0;
  lastPriceMantissa = 0;
  lastSizeMantissa = 0;
  /** Receive time of the last change of the top of book; 0: none yet. */
  quoteNs = 0;
  lastTradeNs = 0;
  tradeCount = 0;
  /** Why the market is stale: index of a code in domain/errors; 0: fresh. */
  staleReason: number;
  /** Signed size held at the venue, as execution last said. */
  positionSizeMantissa = 0;
  /** Intents under way and orders not yet ended. */
  workingCount = 0;

  constructor(instrument: Instrument, staleReason: number) {
    this.instrument = instrument;
    this.staleReason = staleReason;
  }

  /** Both sides are there, not crossed, and the feed is fresh. */
  get isQuoted(): boolean {
    return (
      this.staleReason === 0 &&
      this.bidPriceMantissa > 0 &&
      this.askPriceMantissa > this.bidPriceMantissa
    );
  }

  /** Half way between bid and ask, rounded down to a mantissa. */
  get midPriceMantissa(): number {
    return Math.floor((this.bidPriceMantissa + this.askPriceMantissa) / 2);
  }

  /** Spread in hundredths of a per cent of the mid. */
  get spreadBps(): number {
    return ((this.askPriceMantissa - this.bidPriceMantissa) * 10_000) / this.midPriceMantissa;
  }
}
