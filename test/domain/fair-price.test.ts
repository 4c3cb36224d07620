/** The fair price by example: what takes part, what does not and why, and what a number of sources is worth. */
import t from 'tap';
import { codeAt, TickwireError } from '#src/domain/errors.js';
import {
  FAIR_DEFAULTS,
  FAIR_SOURCES_MAX,
  FairPrices,
  FairState,
  fairStateOf,
  planFairAssets,
} from '#src/domain/fair-price.js';
import type { Instrument } from '#src/domain/instrument.js';
import { CONFIG, NOW_NS, bitsOf, compute, instrumentOf, quoteIn, setQuote } from './fair-rig.js';
import type { RigSource } from './fair-rig.js';

const USD = 1_000_000_000;

/** A deep, tight, fresh spot market. */
function source(priceBps: number, fields: Record<string, unknown> = {}): RigSource {
  return quoteIn({
    kind: 'spot',
    quote: 'USD',
    priceScale: 2,
    sizeScale: 8,
    priceBps,
    spreadBps: 1,
    depthUsd: 1_000_000,
    ageMs: 5,
    isFresh: true,
    ...fields,
  });
}

function pricesOf(instruments: readonly Instrument[]): FairPrices {
  return new FairPrices(planFairAssets(instruments), instruments.length, FAIR_DEFAULTS);
}

function computeAll(prices: FairPrices): void {
  prices.assets.forEach((_, place) => {
    prices.compute(place, NOW_NS);
  });
}

t.test('without a source there is no price, and a reason', async (t) => {
  const prices = pricesOf([instrumentOf(0, 'BTC-USD')]);
  t.equal(codeAt(prices.reasons[0] ?? -1), 'FAIR_NO_PRICE', 'before anything was computed');
  computeAll(prices);
  t.equal(prices.prices[0], 0);
  t.equal(prices.confidencesPpm[0], 0);
  t.equal(codeAt(prices.reasons[0] ?? -1), 'FAIR_NO_PRICE');
  t.equal(prices.staleMasks[0], 1);
  t.equal(prices.computedNs[0], NOW_NS, 'the age of the computation is true all the same');
});

t.test('one source is its mid, with a quarter of confidence at most', async (t) => {
  const fair = compute([source(0)]);
  t.equal(fair.price, 60_000 * USD);
  t.ok(fair.confidencePpm <= 250_000 && fair.confidencePpm > 240_000, `${fair.confidencePpm}`);
  t.equal(fair.oldestNs, NOW_NS - 5_000_000);
});

t.test('each further source makes it surer; nothing makes it certain', async (t) => {
  const confidences = [1, 2, 3, 5, 8].map(
    (count) => compute(Array.from({ length: count }, () => source(0))).confidencePpm,
  );
  t.match(
    confidences.map((ppm) => Math.round(ppm / 10_000)),
    [24, 72, 90, 98, 99],
  );
});

t.test('a mid between two ticks is exact', async (t) => {
  const one = { ...source(0), bid: 5_999_999, ask: 6_000_000 };
  t.equal(compute([one]).price, 59_999_995 * (USD / 1_000));
  const finest = { ...one, priceScale: 9, bid: 60_000_000_000_001, ask: 60_000_000_000_002 };
  t.equal(compute([finest]).price, 60_000_000_000_002, 'half a billionth goes to the even one');
});

t.test('USDT and USDC are converted at their own price, never taken for USD', async (t) => {
  // A venue that shows 60,000 in USDT while USDT costs 0.9987.
  const tether = { ...source(0), quote: 'USDT' };
  t.equal(compute([tether]).price, 59_922 * USD);
  t.equal(compute([{ ...tether, quote: 'USDC' }]).price, 60_012 * USD);
  const mixed = compute([source(0), source(1), tether]);
  t.ok(mixed.low === 59_922 * USD && mixed.price > 59_990 * USD, 'seen as 13 bps below the others');
});

t.test(
  'a source in a currency without a price takes no part and is shown as unpriced',
  async (t) => {
    const euro = { ...source(0), quote: 'EUR' };
    const alone = compute([euro]);
    t.equal(codeAt(alone.reason), 'FAIR_UNPRICED');
    t.equal(alone.price, 0);
    const both = compute([euro, source(3)]);
    t.equal(both.price, compute([source(3)]).price);
    t.strictSame([bitsOf(both.unpriced), bitsOf(both.used)], [[0], [1]]);
  },
);

t.test('when the rate goes stale, so do the prices that hang on it', async (t) => {
  const prices = pricesOf([
    instrumentOf(0, 'BTC-USDT'),
    instrumentOf(1, 'USDT-USD', { priceScale: 5 }),
  ]);
  t.strictSame(
    prices.assets.map(({ asset }) => asset),
    ['USDT', 'BTC'],
    'the rate is computed first',
  );
  setQuote(prices, 0, { bid: 6_000_000, ask: 6_000_010 });
  setQuote(prices, 1, { bid: 99_990, ask: 100_010 });
  computeAll(prices);
  t.equal(prices.prices[1], 60_000.05 * USD);
  setQuote(prices, 1, { bid: 99_990, ask: 100_010, isFresh: false });
  computeAll(prices);
  t.equal(codeAt(prices.reasons[0] ?? -1), 'FAIR_NO_PRICE');
  t.equal(codeAt(prices.reasons[1] ?? -1), 'FAIR_UNPRICED');
});

t.test('a converted price is as old as the older of itself and its rate', async (t) => {
  const prices = pricesOf([
    instrumentOf(0, 'USDT-USD', { priceScale: 5 }),
    instrumentOf(1, 'BTC-USDT'),
  ]);
  setQuote(prices, 0, { bid: 99_990, ask: 100_010, bookNs: NOW_NS - 20_000_000_000 });
  setQuote(prices, 1, { bid: 6_000_000, ask: 6_000_010, bookNs: NOW_NS - 1_000_000 });
  computeAll(prices);
  t.equal(prices.oldestNs[1], NOW_NS - 20_000_000_000);
  t.ok((prices.confidencesPpm[1] ?? 0) < 150_000, 'and worth less than one in USD');
});

t.test('currencies come before what is quoted in them, and a circle is cut', async (t) => {
  const assets = planFairAssets(
    ['ETH-BTC', 'BTC-USDC', 'USDT-USDC', 'USDC-USDT', 'USDC-USD', 'USD-EUR'].map((symbol, index) =>
      instrumentOf(index, symbol),
    ),
  );
  t.strictSame(
    assets.map(({ asset, ratePlaces, isRate }) => [asset, ratePlaces, isRate]),
    [
      // USDC has a market in USD; its market in USDT takes no part, because USDT is priced by USDC.
      ['USDC', [-2, -1], true],
      ['BTC', [0], true],
      ['ETH', [1], false],
      ['USDT', [0], true],
    ],
  );
});

t.test('more instruments of one asset than there are bits are refused at start', async (t) => {
  const many = Array.from({ length: FAIR_SOURCES_MAX + 1 }, (_, index) =>
    instrumentOf(index, 'BTC-USD'),
  );
  t.throws(() => planFairAssets(many), TickwireError);
  t.equal(planFairAssets(many.slice(1)).length, 1);
});

t.test('a crossed, locked, one-sided or very wide book is no price', async (t) => {
  const good = source(0);
  for (const bad of [
    { ...good, bid: good.ask, ask: good.bid },
    { ...good, bid: good.ask },
    { ...good, bid: 0 },
    { ...good, ask: 0 },
    source(0, { spreadBps: 130 }),
  ]) {
    const fair = compute([bad, source(4)]);
    t.strictSame(bitsOf(fair.used), [1]);
    t.equal(fair.stale | fair.outlier | fair.unpriced, 0, 'nor anything else');
    t.equal(fair.price, compute([source(4)]).price);
  }
});

t.test('a source that is far off is an outlier; two that cannot agree give no price', async (t) => {
  const wild = compute([source(0), source(1), source(2), source(500)]);
  t.strictSame(bitsOf(wild.outlier), [3]);
  t.equal(wild.price, compute([source(0), source(1), source(2)]).price);
  const two = compute([source(0), source(300)]);
  t.equal(codeAt(two.reason), 'FAIR_DISAGREE');
  t.equal(two.price, 0);
  t.strictSame(bitsOf(two.outlier), [0, 1]);
  const halves = compute([source(0), source(1), source(300), source(301)]);
  t.equal(codeAt(halves.reason), 'FAIR_DISAGREE');
});

t.test('two that differ a little are both heard, and nobody is sure', async (t) => {
  const near = compute([source(0), source(2)]);
  const far = compute([source(0), source(100)]);
  t.equal(far.reason, 0);
  t.ok(far.confidencePpm < near.confidencePpm / 2, `${far.confidencePpm}, ${near.confidencePpm}`);
});

t.test('a stale or old source takes no part', async (t) => {
  for (const old of [source(9, { isFresh: false }), source(9, { ageMs: CONFIG.ageMaxMs + 1 })]) {
    const fair = compute([source(0), old]);
    t.strictSame([bitsOf(fair.used), bitsOf(fair.stale)], [[0], [1]]);
    t.equal(fair.price, 60_000 * USD);
  }
});

t.test('depth, a tight spread, freshness and spot draw the price', async (t) => {
  const nearer = (fields: Record<string, unknown>): boolean => {
    const fair = compute([source(0), source(10, fields)]);
    return fair.price < compute([source(0), source(10)]).price;
  };
  t.ok(nearer({ depthUsd: 1_000 }), 'a thin one less');
  t.ok(nearer({ spreadBps: 20 }), 'a wide one less');
  t.ok(nearer({ ageMs: 4_000 }), 'an old one less');
  t.ok(nearer({ kind: 'perpetual' }), 'a perpetual less');
});

t.test('within the knee sources are averaged; beyond it the middle one decides', async (t) => {
  const close = compute([source(0), source(1)]);
  t.ok(Math.abs(close.price - 60_003 * USD) < USD / 10, `half way: ${close.price}`);
  // The outer ones pull as hard as the knee and no further: 20 bps are no more than 5.
  const five = compute([source(0), source(1), source(5)]);
  const twenty = compute([source(0), source(1), source(20)]);
  t.ok(Math.abs(five.price - twenty.price) < USD / 100, `${five.price}, ${twenty.price}`);
});

t.test('a price beyond the scale is no price, not a wrong one', async (t) => {
  const prices = pricesOf([
    instrumentOf(0, 'GOLD-USD', { priceScale: 0 }),
    instrumentOf(1, 'DUST-USD', { priceScale: 12 }),
  ]);
  setQuote(prices, 0, { bid: 9_100_000, ask: 9_100_001 });
  setQuote(prices, 1, { bid: 100, ask: 101 });
  computeAll(prices);
  t.equal(prices.prices[0], 0);
  t.equal(prices.prices[1], 0, '0.0000000001 has no place at nine decimals');
  setQuote(prices, 0, { bid: 8_900_000, ask: 8_900_001 });
  setQuote(prices, 1, { bid: 123_400, ask: 123_600 });
  computeAll(prices);
  t.equal(prices.prices[0], 8_900_000.5 * USD);
  t.equal(prices.prices[1], 124, '123.5 to the even neighbour');
});

t.test('the masks say what each source was', async (t) => {
  const fair = compute([
    source(0),
    source(0, { isFresh: false }),
    source(700),
    { ...source(0), quote: 'EUR' },
    { ...source(0), bid: 0 },
    source(1),
  ]);
  t.strictSame(
    [0, 1, 2, 3, 4, 5].map((place) =>
      fairStateOf(place, fair.used, fair.stale, fair.outlier, fair.unpriced),
    ),
    [
      FairState.Used,
      FairState.Stale,
      FairState.Outlier,
      FairState.Unpriced,
      FairState.None,
      FairState.Used,
    ],
  );
});
