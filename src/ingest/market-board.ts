/**
 * market-board: the market cells of the shared board, brought up to date from the state of a connection's markets.
 * @hotpath
 *
 * Ingest thread, the only writer of these cells. Invariant: an instrument without a whole, current book is stale there, with
 * the reason and since when.
 */
import type { BookSide } from '../domain/book.js';
import {
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_COUNT,
  BOARD_MARKET_BIDS_WORD,
  clearBoardMarket,
  setBoardLevelPriceMantissaFrom,
  setBoardLevelSizeMantissaFrom,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNsFrom,
  setBoardMarketFullAskCount,
  setBoardMarketFullBidCount,
  setBoardMarketFundingNextNsFrom,
  setBoardMarketFundingRateMantissaFrom,
  setBoardMarketGapCount,
  setBoardMarketIndexPriceMantissaFrom,
  setBoardMarketLastPriceMantissaFrom,
  setBoardMarketLastSizeMantissaFrom,
  setBoardMarketLastTradeNsFrom,
  setBoardMarketMarkNsFrom,
  setBoardMarketMarkPriceMantissaFrom,
  setBoardMarketRecoveryCount,
  setBoardMarketRecoveryMs,
  setBoardMarketStaleReason,
  setBoardMarketStaleSinceNsFrom,
  setBoardMarketTradeCount,
  setBoardMarketVenueNsFrom,
} from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { MarketState } from '../venues/market-publisher.js';

/** Levels of a side on the board, and within which changes are published. */
export const BOARD_LEVELS_MAX = BOARD_MARKET_BIDS_COUNT;

const NS_PER_MS = 1_000_000;
const RECOVERY_COUNT_MAX = 65_535;
const RECOVERY_MS_MAX = 2_147_483_647;

export class MarketBoard {
  readonly #cells: BoardCells;
  readonly #wide = new Float64Array(2);

  constructor(cells: BoardCells) {
    this.#cells = cells;
  }

  /** At start: nothing is known of the market. */
  clear(market: MarketState): void {
    const index = market.instrument.index;
    clearBoardMarket(this.#cells.i32, this.#cells.begin(index));
    this.#cells.end(index);
  }

  /** Brings the cell up to date with a market that has changed; false for one that has not. */
  update(market: MarketState): boolean {
    if (!market.isDirty) return false;
    market.isDirty = false;
    const cells = this.#cells;
    const index = market.instrument.index;
    const base = cells.begin(index);
    const i32 = cells.i32;
    if (market.isTopDirty) {
      market.isTopDirty = false;
      const { bids, asks } = market.book;
      setBoardMarketBidCount(i32, base, this.#levels(bids, i32, base + BOARD_MARKET_BIDS_WORD));
      setBoardMarketAskCount(i32, base, this.#levels(asks, i32, base + BOARD_MARKET_ASKS_WORD));
    }
    setBoardMarketFullBidCount(i32, base, market.book.bids.count);
    setBoardMarketFullAskCount(i32, base, market.book.asks.count);
    setBoardMarketStaleReason(i32, base, market.staleReason);
    setBoardMarketGapCount(i32, base, market.gapCount);
    setBoardMarketTradeCount(i32, base, market.tradeCount);
    setBoardMarketRecoveryCount(i32, base, Math.min(market.recoveryCount, RECOVERY_COUNT_MAX));
    // Numbers that cross a call in an array are never boxed.
    const wide = this.#wide;
    wide[0] = market.bookNs;
    setBoardMarketBookNsFrom(i32, base, wide, 0);
    wide[0] = market.venueNs;
    setBoardMarketVenueNsFrom(i32, base, wide, 0);
    wide[0] = market.lastPriceMantissa;
    setBoardMarketLastPriceMantissaFrom(i32, base, wide, 0);
    wide[0] = market.lastSizeMantissa;
    setBoardMarketLastSizeMantissaFrom(i32, base, wide, 0);
    wide[0] = market.lastTradeNs;
    setBoardMarketLastTradeNsFrom(i32, base, wide, 0);
    wide[0] = market.staleSinceNs;
    setBoardMarketStaleSinceNsFrom(i32, base, wide, 0);
    wide[0] = market.markPriceMantissa;
    setBoardMarketMarkPriceMantissaFrom(i32, base, wide, 0);
    wide[0] = market.indexPriceMantissa;
    setBoardMarketIndexPriceMantissaFrom(i32, base, wide, 0);
    wide[0] = market.fundingRateMantissa;
    setBoardMarketFundingRateMantissaFrom(i32, base, wide, 0);
    wide[0] = market.fundingNextNs;
    setBoardMarketFundingNextNsFrom(i32, base, wide, 0);
    wide[0] = market.markNs;
    setBoardMarketMarkNsFrom(i32, base, wide, 0);
    const recoveryMs = Math.floor(market.recoveryNs / NS_PER_MS);
    setBoardMarketRecoveryMs(
      i32,
      base,
      recoveryMs < RECOVERY_MS_MAX ? recoveryMs : RECOVERY_MS_MAX,
    );
    cells.end(index);
    return true;
  }

  /** Copies the best levels of a side; returns how many. */
  #levels(side: BookSide, i32: Int32Array, word: number): number {
    const wide = this.#wide;
    const count = side.count < BOARD_LEVELS_MAX ? side.count : BOARD_LEVELS_MAX;
    for (let depth = 0; depth < count; depth++) {
      const base = word + depth * BOARD_LEVEL_WORDS;
      side.copyLevel(depth, wide, 0);
      setBoardLevelPriceMantissaFrom(i32, base, wide, 0);
      setBoardLevelSizeMantissaFrom(i32, base, wide, 1);
    }
    return count;
  }
}
