/**
 * market-view: what a strategy sees of one instrument: top of book, last trade, mark and funding, freshness, the
 * fair price of its asset, and its own standing.
 * @hotpath
 *
 * Signal thread only; written by signal-core, read by strategies. One per instrument, made at start.
 */
import { codeIndex } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { FairView } from './fair-view.js';

export class MarketView {
  readonly instrument: Instrument;
  /** Fair price of the instrument's base in USD, over all venues; the same object for all instruments of the asset. */
  readonly fair: FairView;
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
  /** What the venue states of a perpetual: mark (or oracle) and index price at MARK_SCALE; 0: none. */
  markPriceMantissa = 0;
  indexPriceMantissa = 0;
  /** Rate of one funding interval at FUNDING_SCALE, and when the next is due (ns since run start; 0: not known). */
  fundingRateMantissa = 0;
  fundingNextNs = 0;
  /** Receive times of these; 0: none yet. */
  markNs = 0;
  fundingNs = 0;
  /** Why the market is stale: index of a code in domain/errors; 0: fresh. */
  staleReason: number;
  /** Signed size held at the venue, as execution last said. */
  positionSizeMantissa = 0;
  /** Intents under way and orders not yet ended. */
  workingCount = 0;

  constructor(
    instrument: Instrument,
    staleReason: number,
    fair: FairView = new FairView(instrument.base, codeIndex('FAIR_NO_PRICE')),
  ) {
    this.instrument = instrument;
    this.fair = fair;
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
