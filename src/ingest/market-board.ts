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
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNs,
  setBoardMarketFullAskCount,
  setBoardMarketFullBidCount,
  setBoardMarketFundingNextNs,
  setBoardMarketFundingRateMantissa,
  setBoardMarketGapCount,
  setBoardMarketIndexPriceMantissa,
  setBoardMarketLastPriceMantissa,
  setBoardMarketLastSizeMantissa,
  setBoardMarketLastTradeNs,
  setBoardMarketMarkNs,
  setBoardMarketMarkPriceMantissa,
  setBoardMarketRecoveryCount,
  setBoardMarketRecoveryMs,
  setBoardMarketStaleReason,
  setBoardMarketStaleSinceNs,
  setBoardMarketTradeCount,
  setBoardMarketVenueNs,
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

  constructor(cells: BoardCells) {
    this.#cells = cells;
  }

  /** At start: nothing is known of the market. */
  clear(market: MarketState): void {
    const index = market.instrument.index;
    clearBoardMarket(this.#cells.i32, this.#cells.begin(index));
    this.#cells.end(index);
  }

  update(market: MarketState): void {
    const cells = this.#cells;
    const index = market.instrument.index;
    const base = cells.begin(index);
    const i32 = cells.i32;
    if (market.isTopDirty) {
      market.isTopDirty = false;
      const { bids, asks } = market.book;
      setBoardMarketBidCount(i32, base, copyLevels(bids, i32, base + BOARD_MARKET_BIDS_WORD));
      setBoardMarketAskCount(i32, base, copyLevels(asks, i32, base + BOARD_MARKET_ASKS_WORD));
    }
    setBoardMarketFullBidCount(i32, base, market.book.bids.count);
    setBoardMarketFullAskCount(i32, base, market.book.asks.count);
    setBoardMarketLastPriceMantissa(i32, base, market.lastPriceMantissa);
    setBoardMarketLastSizeMantissa(i32, base, market.lastSizeMantissa);
    setBoardMarketLastTradeNs(i32, base, market.lastTradeNs);
    setBoardMarketBookNs(i32, base, market.bookNs);
    setBoardMarketVenueNs(i32, base, market.venueNs);
    setBoardMarketStaleSinceNs(i32, base, market.staleSinceNs);
    setBoardMarketStaleReason(i32, base, market.staleReason);
    setBoardMarketGapCount(i32, base, market.gapCount);
    setBoardMarketTradeCount(i32, base, market.tradeCount);
    setBoardMarketMarkPriceMantissa(i32, base, market.markPriceMantissa);
    setBoardMarketIndexPriceMantissa(i32, base, market.indexPriceMantissa);
    setBoardMarketFundingRateMantissa(i32, base, market.fundingRateMantissa);
    setBoardMarketFundingNextNs(i32, base, market.fundingNextNs);
    setBoardMarketMarkNs(i32, base, market.markNs);
    setBoardMarketRecoveryCount(i32, base, Math.min(market.recoveryCount, RECOVERY_COUNT_MAX));
    setBoardMarketRecoveryMs(i32, base, Math.min(market.recoveryNs / NS_PER_MS, RECOVERY_MS_MAX));
    cells.end(index);
  }
}

/** Copies the best levels of a side; returns how many. */
function copyLevels(side: BookSide, i32: Int32Array, word: number): number {
  const count = side.count < BOARD_LEVELS_MAX ? side.count : BOARD_LEVELS_MAX;
  for (let depth = 0; depth < count; depth++) {
    const base = word + depth * BOARD_LEVEL_WORDS;
    setBoardLevelPriceMantissa(i32, base, side.priceAt(depth));
    setBoardLevelSizeMantissa(i32, base, side.sizeAt(depth));
  }
  return count;
}
