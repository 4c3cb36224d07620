/** fair-pricer: what stands on the market cells becomes a price on the fair cells, in time and not too often. */
import t from 'tap';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import { FAIR_DEFAULTS, planFairAssets } from '#src/domain/fair-price.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  blankBoardFair,
  readBoardFair,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNs,
  setBoardMarketStaleReason,
  setBoardMarketTradeCount,
} from '#src/generated/hot.js';
import type { BoardFairFields } from '#src/generated/hot.js';
import { FairPricer } from '#src/ingest/fair-pricer.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { COUNTERS_PER_BLOCK, Counter, Telemetry } from '#src/runtime/telemetry.js';
import { instrumentOf } from '../domain/fair-rig.js';

const MS = 1_000_000;
const START_NS = 5_400_000_000_000;
const USD = 1_000_000_000;

const INSTRUMENTS = [
  instrumentOf(0, 'BTC-USD'),
  instrumentOf(1, 'BTC-USDT'),
  instrumentOf(2, 'USDT-USD', { priceScale: 5, sizeScale: 2 }),
  // Known from an earlier run and not followed in this one: its cell is never written.
  instrumentOf(3, 'BTC-USD'),
];

function cells(count: number, words: number): BoardCells {
  return new BoardCells(new SharedArrayBuffer(BoardCells.bytes(count, words)), count, words);
}

class PricerRig {
  readonly boardMarkets = cells(INSTRUMENTS.length, BOARD_MARKET_WORDS);
  readonly boardFair = cells(2, BOARD_FAIR_WORDS);
  readonly telemetry = new Telemetry(
    new CounterBlock(
      new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
      0,
      COUNTERS_PER_BLOCK,
    ),
    [],
  );
  readonly pricer = new FairPricer({
    assets: planFairAssets(INSTRUMENTS),
    instrumentCount: INSTRUMENTS.length,
    config: FAIR_DEFAULTS,
    boardMarkets: this.boardMarkets,
    boardFair: this.boardFair,
    telemetry: this.telemetry,
  });
  nowNs = START_NS;

  /** A book of ten levels a side, ten ticks apart unless said otherwise. */
  set(
    index: number,
    bid: number,
    ask: number,
    fields: {
      staleReason?: number;
      bookNs?: number;
      tradeCount?: number;
      bidStep?: number;
      askStep?: number;
    } = {},
  ): void {
    const { i32 } = this.boardMarkets;
    const base = this.boardMarkets.begin(index);
    const { bidStep = 10, askStep = 10 } = fields;
    for (let level = 0; level < 10; level++) {
      const bidWord = base + BOARD_MARKET_BIDS_WORD + level * BOARD_LEVEL_WORDS;
      const askWord = base + BOARD_MARKET_ASKS_WORD + level * BOARD_LEVEL_WORDS;
      setBoardLevelPriceMantissa(i32, bidWord, bid - level * bidStep);
      setBoardLevelSizeMantissa(i32, bidWord, 100_000_000);
      setBoardLevelPriceMantissa(i32, askWord, ask + level * askStep);
      setBoardLevelSizeMantissa(i32, askWord, 100_000_000);
    }
    setBoardMarketBidCount(i32, base, bid === 0 ? 0 : 10);
    setBoardMarketAskCount(i32, base, ask === 0 ? 0 : 10);
    setBoardMarketBookNs(i32, base, fields.bookNs ?? this.nowNs);
    setBoardMarketStaleReason(i32, base, fields.staleReason ?? 0);
    setBoardMarketTradeCount(i32, base, fields.tradeCount ?? 0);
    this.boardMarkets.end(index);
  }

  /** Lets that much time pass, in one step. */
  after(ms: number): number {
    this.nowNs += ms * MS;
    return this.pricer.onTime(this.nowNs);
  }

  fair(asset: string): BoardFairFields {
    const place = planFairAssets(INSTRUMENTS).findIndex((one) => one.asset === asset);
    const cell = new Int32Array(BOARD_FAIR_WORDS);
    const fields = blankBoardFair();
    if (!this.boardFair.read(place, cell)) throw new Error(`no fair price of ${asset}`);
    readBoardFair(cell, 0, fields);
    return fields;
  }
}

t.test(
  'the tops on the board become a price on the board, with all that belongs to it',
  async (t) => {
    const rig = new PricerRig();
    rig.set(2, 99_990, 100_010);
    rig.set(0, 6_000_000, 6_000_010);
    rig.set(1, 6_000_000, 6_000_010, { bookNs: START_NS - 40 * MS });
    t.equal(rig.pricer.onTime(START_NS), 2, 'both assets');
    const fair = rig.fair('BTC');
    t.match(fair, {
      priceMantissa: 60_000.05 * USD,
      lowMantissa: 60_000.05 * USD,
      highMantissa: 60_000.05 * USD,
      computedNs: START_NS,
      oldestNs: START_NS - 40 * MS,
      usedMask: 0b011,
      staleMask: 0b100,
      outlierMask: 0,
      unpricedMask: 0,
      reason: 0,
    });
    t.ok(fair.confidencePpm > 300_000);
    t.equal(rig.fair('USDT').priceMantissa, USD);
    t.equal(rig.telemetry.get(Counter.fairComputed), 2);
  },
);

t.test('a change is published, at most every ten milliseconds', async (t) => {
  const rig = new PricerRig();
  rig.set(0, 6_000_000, 6_000_010);
  rig.pricer.onTime(START_NS);
  let published = 0;
  for (let ms = 0; ms < 1_000; ms++) {
    rig.set(0, 6_000_000 + ms, 6_000_010 + ms);
    published += rig.after(1);
  }
  // The other asset is told every 250 ms.
  t.ok(published >= 100 && published <= 106, `${published} in a second`);
  t.equal(rig.fair('BTC').priceMantissa, (60_000.05 + 9.99) * USD);
});

t.test('in silence the price is computed four times a second, and grows less sure', async (t) => {
  const rig = new PricerRig();
  rig.set(0, 6_000_000, 6_000_010);
  rig.pricer.onTime(START_NS);
  const first = rig.fair('BTC');
  let published = 0;
  for (let ms = 0; ms < 2_000; ms += 5) published += rig.after(5);
  t.equal(published, 16, 'two assets, eight times');
  const later = rig.fair('BTC');
  t.equal(later.computedNs, START_NS + 2_000 * MS);
  t.equal(later.oldestNs, START_NS);
  t.ok(later.confidencePpm < first.confidencePpm / 2, `${later.confidencePpm}`);
  rig.after(8_001);
  t.match(rig.fair('BTC'), { priceMantissa: 0, reason: codeIndex('FAIR_NO_PRICE'), usedMask: 0 });
  t.equal(rig.telemetry.rejects(codeIndex('FAIR_NO_PRICE')), 1, 'counted once');
});

t.test('a trade, and a level that is not near the top, are no reason to compute', async (t) => {
  const rig = new PricerRig();
  rig.set(0, 6_000_000, 6_000_010);
  rig.pricer.onTime(START_NS);
  rig.set(0, 6_000_000, 6_000_010, { tradeCount: 1, bookNs: START_NS + 20 * MS });
  t.equal(rig.after(20), 0);
  rig.after(230);
  t.equal(rig.fair('BTC').oldestNs, START_NS + 20 * MS, 'but the age of the book is known');
});

t.test('a market that turns stale takes no part from the next computation on', async (t) => {
  const rig = new PricerRig();
  rig.set(0, 6_000_000, 6_000_010);
  rig.pricer.onTime(START_NS);
  rig.set(0, 0, 0, { staleReason: codeIndex('VENUE_SEQ_GAP') });
  t.equal(rig.after(10), 1);
  const fair = rig.fair('BTC');
  t.equal(fair.priceMantissa, 0);
  t.equal(codeAt(fair.reason), 'FAIR_NO_PRICE');
  t.equal(fair.staleMask, 0b111);
});

t.test('a new rate moves what is quoted in it in the same pass', async (t) => {
  const rig = new PricerRig();
  rig.set(1, 6_000_000, 6_000_010);
  rig.pricer.onTime(START_NS);
  t.equal(codeAt(rig.fair('BTC').reason), 'FAIR_UNPRICED');
  t.equal(rig.fair('BTC').unpricedMask, 0b010);
  t.equal(rig.telemetry.get(Counter.fairUnpriced), 1);
  rig.set(2, 89_990, 90_010);
  t.equal(rig.after(10), 2);
  t.equal(rig.fair('BTC').priceMantissa, 54_000.045 * USD, 'at 0.9');
});

t.test('only sizes near the top count as depth, and those of the smaller side', async (t) => {
  const priceWith = (steps: { bidStep?: number; askStep?: number }): number => {
    const rig = new PricerRig();
    rig.set(0, 6_000_000, 6_000_010);
    rig.set(3, 6_001_000, 6_001_010, steps);
    rig.pricer.onTime(START_NS);
    return rig.fair('BTC').priceMantissa;
  };
  const halfWay = Math.abs(priceWith({}) - 60_005.05 * USD);
  t.ok(halfWay < USD / 100, 'ten levels within ten bps on both: half way');
  for (const side of ['bidStep', 'askStep'] as const) {
    t.ok(priceWith({ [side]: 100_000 }) < 60_005 * USD, `${side}: nine levels far away`);
  }
});
