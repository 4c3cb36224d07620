/** market-board: what a decoder knows of a market stands on its cell, how long it took to recover among it. */
import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import { BOARD_MARKET_WORDS, blankBoardMarket, readBoardMarket } from '#src/generated/hot.js';
import type { BoardMarketFields } from '#src/generated/hot.js';
import { MarketBoard } from '#src/ingest/market-board.js';
import { BoardCells } from '#src/memory/board.js';
import { MarketState } from '#src/venues/market-publisher.js';
import { instrumentOf } from '../domain/fair-rig.js';

class BoardRig {
  readonly cells = new BoardCells(
    new SharedArrayBuffer(BoardCells.bytes(2, BOARD_MARKET_WORDS)),
    2,
    BOARD_MARKET_WORDS,
  );
  readonly board = new MarketBoard(this.cells);
  readonly market = new MarketState(instrumentOf(1, 'BTC-USD', { kind: 'perpetual' }));

  update(fields: Partial<MarketState> = {}): BoardMarketFields {
    Object.assign(this.market, fields, { isDirty: true });
    this.board.update(this.market);
    const cell = new Int32Array(BOARD_MARKET_WORDS);
    const read = blankBoardMarket();
    if (!this.cells.read(1, cell)) throw new Error('the cell was never written');
    readBoardMarket(cell, 0, read);
    return read;
  }
}

t.test('a recovery is told with its count and how long it took', async (t) => {
  const rig = new BoardRig();
  t.match(rig.update({ staleReason: codeIndex('BOOK_MISSING'), staleSinceNs: 7 }), {
    recoveryCount: 0,
    recoveryMs: 0,
    staleSinceNs: 7,
  });
  t.match(rig.update({ staleReason: 0, recoveryCount: 1, recoveryNs: 420_400_000 }), {
    staleReason: 0,
    recoveryCount: 1,
    recoveryMs: 420,
  });
});

t.test('what does not fit its field stays at the most that does', async (t) => {
  const rig = new BoardRig();
  t.match(rig.update({ recoveryCount: 70_000, recoveryNs: 1e16, staleReason: 3 }), {
    recoveryCount: 65_535,
    recoveryMs: 2_147_483_647,
    staleReason: 3,
  });
});

t.test('marks and funding stand beside the book with their own age', async (t) => {
  const rig = new BoardRig();
  rig.market.book.bids.set(6_000_000, 5);
  rig.market.book.asks.set(6_000_010, 4);
  const cell = rig.update({
    isTopDirty: true,
    bookNs: 1_000,
    markPriceMantissa: 600_001_000_000_000,
    fundingRateMantissa: -12_500_000,
    fundingNextNs: 5_000,
    markNs: 900,
  });
  t.match(cell, {
    bidCount: 1,
    askCount: 1,
    fullBidCount: 1,
    fullAskCount: 1,
    bookNs: 1_000,
    markPriceMantissa: 600_001_000_000_000,
    indexPriceMantissa: 0,
    fundingRateMantissa: -12_500_000,
    fundingNextNs: 5_000,
    markNs: 900,
  });
});
