/** The made-up markets: always a book that could be real, and the same one for the same seed. */
import t from 'tap';
import { AssetMarkets } from '#src/sim/asset-markets.js';
import { DisplayedBook } from '#src/sim/displayed-book.js';
import type { AssetMarket } from '#src/sim/venue-market.js';
import type { MarketEvent } from '#src/venues/simulator-port.js';

const ASSETS = ['BTC', 'ETH', 'USDT', 'USDC'] as const;
const MINUTES_NS = 20 * 60e9;

function marketOf(asset: string, seed: number): AssetMarket {
  return new AssetMarkets({ recording: null, seed, isUniform: true }).open(asset);
}

function* play(market: AssetMarket, untilNs: number): Generator<[number, MarketEvent]> {
  while (market.nextDueNs < untilNs) yield [market.nextDueNs, market.next()];
}

t.test('the book is never crossed or empty, not even between two changes', (t) => {
  for (const asset of ASSETS) {
    const book = new DisplayedBook();
    let changeCount = 0;
    for (const [dueNs, event] of play(marketOf(asset, 7), MINUTES_NS)) {
      if (event.kind === 'trade') continue;
      if (event.kind === 'snapshot') book.reset(event.bids, event.asks);
      for (const change of event.kind === 'levels' ? event.changes : []) {
        book.set(change);
        changeCount++;
        const bid = book.bids.level(0)?.priceMantissa ?? 0;
        const ask = book.asks.level(0)?.priceMantissa ?? Infinity;
        if (bid >= ask) t.fail(`${asset} at ${dueNs} ns: bid ${bid}, ask ${ask}`);
      }
      if (book.bids.levelCount < 10 || book.asks.levelCount < 10) t.fail(`${asset}: a thin book`);
    }
    t.ok(changeCount > 4_000, `${asset}: ${changeCount} changes`);
  }
  t.end();
});

t.test('prices and sizes are whole ticks and lots, and stay near the anchor', (t) => {
  const near = {
    BTC: [59e5, 64e5],
    ETH: [25e4, 28e4],
    USDT: [99_700, 100_250],
    USDC: [99_700, 100_250],
  };
  const lots = { BTC: 1_000, ETH: 10_000, USDT: 1, USDC: 1 };
  for (const asset of ASSETS) {
    const [low = 0, high = 0] = near[asset];
    let tradeCount = 0;
    for (const [, event] of play(marketOf(asset, 3), MINUTES_NS)) {
      const levels =
        event.kind === 'snapshot'
          ? [...event.bids, ...event.asks]
          : event.kind === 'levels'
            ? event.changes
            : [event];
      if (event.kind === 'trade') {
        tradeCount++;
        if (event.sizeMantissa <= 0) t.fail(`${asset}: a trade of nothing`);
      }
      for (const { priceMantissa, sizeMantissa } of levels) {
        const isGood =
          Number.isSafeInteger(priceMantissa) &&
          priceMantissa > low &&
          priceMantissa < high &&
          sizeMantissa >= 0 &&
          sizeMantissa % lots[asset] === 0;
        if (!isGood) t.fail(`${asset}: price ${priceMantissa}, size ${sizeMantissa}`);
      }
    }
    t.ok(tradeCount > 100, `${asset}: ${tradeCount} trades`);
  }
  t.end();
});

t.test('a trade happens at the best price, and takes a part of what stands there', (t) => {
  for (const asset of ASSETS) {
    const book = new DisplayedBook();
    let tradeCount = 0;
    for (const [, event] of play(marketOf(asset, 11), MINUTES_NS / 4)) {
      if (event.kind === 'snapshot') book.reset(event.bids, event.asks);
      else if (event.kind === 'levels') for (const change of event.changes) book.set(change);
      else {
        tradeCount++;
        const best = (event.takerSide === 1 ? book.asks : book.bids).level(0);
        if (best?.priceMantissa !== event.priceMantissa || best.sizeMantissa <= event.sizeMantissa)
          t.fail(`${asset}: a trade of ${event.sizeMantissa} at ${event.priceMantissa}`);
      }
    }
    t.ok(tradeCount > 50, `${asset}: ${tradeCount} trades`);
  }
  t.end();
});

t.test('the same seed makes the same market, another seed another one', (t) => {
  const history = (seed: number): string => JSON.stringify([...play(marketOf('ETH', seed), 30e9)]);
  t.equal(history(5), history(5));
  t.not(history(5), history(6));
  t.not(
    JSON.stringify([...play(marketOf('USDT', 5), 30e9)]),
    JSON.stringify([...play(marketOf('USDC', 5), 30e9)]),
    'and each asset has its own',
  );
  t.end();
});

t.test('its pace is that of a lively market', (t) => {
  for (const [asset, low, high] of [
    ['ETH', 10, 20],
    ['USDT', 3, 6],
  ] as const) {
    const eventCount = [...play(marketOf(asset, 2), 100e9)].length;
    t.ok(eventCount > 100 * low && eventCount < 100 * high, `${asset}: ${eventCount} in 100 s`);
  }
  t.end();
});
