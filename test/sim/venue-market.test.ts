/** Markets as a venue shows them: its ticks and lots, its quote currency, a little basis and lag, and nothing lost. */
import t, { type Test } from 'tap';
import type { Instrument } from '#src/domain/instrument.js';
import { Side } from '#src/domain/order.js';
import { AssetMarkets } from '#src/sim/asset-markets.js';
import { DisplayedBook } from '#src/sim/displayed-book.js';
import { MarketSource, decodeRecording, type MarketRecording } from '#src/sim/market-source.js';
import { SHIPPED_RECORDING_PATH, readRecordingText } from '#src/sim/recording-file.js';
import { SIMULATORS } from '#src/sim/simulators.js';
import { InstrumentMarket, type AssetMarket } from '#src/sim/venue-market.js';
import type { MarketEvent, SimulatorDefinition } from '#src/venues/simulator-port.js';

const BTC: Instrument = {
  index: 3,
  venue: 'somewhere',
  kind: 'spot',
  symbol: 'BTC-USD',
  venueSymbol: 'BTC/USD',
  base: 'BTC',
  quote: 'USD',
  priceScale: 1,
  sizeScale: 4,
  tickMantissa: 5,
  lotMantissa: 1,
  sizeMinMantissa: 1,
  sizeMaxMantissa: 1e9,
  notionalMinMantissa: 0,
  isTradable: true,
};

/** Events at scale 2 and 8, one every millisecond. */
function tape(events: readonly MarketEvent[]): AssetMarket {
  let next = 0;
  return {
    priceScale: 2,
    sizeScale: 8,
    get nextDueNs(): number {
      return next < events.length ? next * 1e6 : Infinity;
    },
    next: (): MarketEvent => events[next++] as MarketEvent,
  };
}

const at = (
  priceMantissa: number,
  sizeMantissa: number,
): { priceMantissa: number; sizeMantissa: number } => ({
  priceMantissa,
  sizeMantissa,
});

function view(events: readonly MarketEvent[], more: object = {}): InstrumentMarket {
  return new InstrumentMarket({
    instrument: BTC,
    market: tape(events),
    factor: 1,
    lagNs: 0,
    priceDigitsMax: 0,
    ...more,
  });
}

const SNAPSHOT: MarketEvent = {
  kind: 'snapshot',
  instrumentIndex: 0,
  bids: [at(10_099, 1_0000_0000), at(10_051, 2_0000_0000), at(10_049, 4_0000_0000)],
  asks: [at(10_101, 1_0000_0000), at(10_150, 1), at(10_151, 2_0000_0000)],
};

t.test('levels that fall on one tick add up, bids downwards and asks upwards', (t) => {
  const market = view([SNAPSHOT]);
  t.same(market.next(), {
    kind: 'snapshot',
    instrumentIndex: 3,
    bids: [at(1005, 3_0000), at(1000, 4_0000)],
    // The least size is a whole lot: a level does not vanish.
    asks: [at(1015, 1_0001), at(1020, 2_0000)],
  });
  t.end();
});

t.test('a change is the sum of its tick, and one that changes nothing there is not told', (t) => {
  const change = (priceMantissa: number, sizeMantissa: number): MarketEvent => ({
    kind: 'levels',
    instrumentIndex: 0,
    changes: [{ isAsk: false, ...at(priceMantissa, sizeMantissa) }],
  });
  const market = view([SNAPSHOT, change(10_051, 0), change(10_052, 0), change(10_099, 0)]);
  market.next();
  const changes = (event: MarketEvent | null): unknown =>
    event?.kind === 'levels' ? event.changes : event;
  t.same(changes(market.next()), [{ isAsk: false, ...at(1005, 1_0000) }]);
  t.equal(market.next(), null, 'a level that was not there');
  t.same(changes(market.next()), [{ isAsk: false, ...at(1005, 0) }], 'the last one of the tick');
  t.end();
});

t.test('a trade is where the book is: a sale at a bid, a purchase at an ask', (t) => {
  const trade = (priceMantissa: number, takerSide: Side): MarketEvent => ({
    kind: 'trade',
    instrumentIndex: 0,
    priceMantissa,
    sizeMantissa: 1,
    takerSide,
  });
  const market = view([SNAPSHOT, trade(10_099, Side.Sell), trade(10_101, Side.Buy)]);
  market.next();
  t.match(market.next(), { priceMantissa: 1005, sizeMantissa: 1, takerSide: Side.Sell });
  t.match(market.next(), { priceMantissa: 1015, sizeMantissa: 1, takerSide: Side.Buy });
  t.end();
});

t.test('prices have no more significant digits than the venue allows', (t) => {
  const market = view([SNAPSHOT], { priceDigitsMax: 2, instrument: { ...BTC, tickMantissa: 1 } });
  t.match(market.next(), {
    bids: [at(1000, 7_0000)],
    asks: [at(1100, 3_0001)],
  });
  t.end();
});

t.test('the first snapshot is there at once, everything else comes later by the lag', (t) => {
  const market = view([SNAPSHOT, SNAPSHOT], { lagNs: 7_000_000 });
  t.equal(market.nextDueNs, 0);
  market.next();
  t.equal(market.nextDueNs, 8_000_000);
  t.end();
});

// ---------------------------------------------------------------- the shipped recording at every venue

let recording: MarketRecording | undefined;
function shipped(): MarketRecording {
  recording ??= decodeRecording({
    text: readRecordingText(SHIPPED_RECORDING_PATH),
    path: SHIPPED_RECORDING_PATH,
    instrumentIndex: 0,
    priceScale: 8,
    sizeScale: 8,
  });
  return recording;
}

/** The books of a venue's instruments after so long; each change is checked on the way. */
function playVenue(t: Test, definition: SimulatorDefinition, untilNs: number): DisplayedBook[] {
  const markets = new AssetMarkets({ recording: shipped(), seed: 1, isUniform: false });
  const market = markets.venueMarket(definition);
  const books = definition.instruments.map(() => new DisplayedBook());
  let lastDueNs = 0;
  while (market.nextDueNs < untilNs) {
    if (market.nextDueNs < lastDueNs) t.fail(`${definition.venue}: time runs backwards`);
    lastDueNs = market.nextDueNs;
    const event = market.next();
    if (event === null) continue;
    const instrument = definition.instruments[event.instrumentIndex];
    const book = books[event.instrumentIndex];
    if (instrument === undefined || book === undefined) throw new Error('an unknown instrument');
    if (event.kind === 'trade') continue;
    if (event.kind === 'snapshot') book.reset(event.bids, event.asks);
    else for (const change of event.changes) book.set(change);
    const { priceMantissa: bid, sizeMantissa } = book.bids.level(0) ?? at(0, 0);
    const { priceMantissa: ask } = book.asks.level(0) ?? at(0, 0);
    const { lotMantissa, symbol, tickMantissa } = instrument;
    const isGood =
      bid > 0 &&
      bid < ask &&
      bid % tickMantissa === 0 &&
      ask % tickMantissa === 0 &&
      sizeMantissa % lotMantissa === 0;
    if (!isGood)
      t.fail(`${definition.venue} ${symbol}: bid ${bid}, ask ${ask}, size ${sizeMantissa}`);
  }
  return books;
}

/** Dollars per coin in the middle of the book, stablecoins at their own price. */
function dollars(
  books: readonly DisplayedBook[],
  definition: SimulatorDefinition,
  base: string,
): number {
  const index = definition.instruments.findIndex((one) => one.base === base);
  const instrument = definition.instruments[index];
  const book = books[index];
  if (instrument === undefined || book === undefined) return Number.NaN;
  const bid = book.bids.level(0)?.priceMantissa ?? Number.NaN;
  const ask = book.asks.level(0)?.priceMantissa ?? Number.NaN;
  const rate = { USD: 1, USDT: 0.9998, USDC: 0.9999 }[instrument.quote] ?? Number.NaN;
  return ((bid + ask) / 2 / 10 ** instrument.priceScale) * rate;
}

t.test(
  'every venue shows a good book at its own ticks, and all of them about the same price',
  (t) => {
    for (const asset of ['BTC', 'ETH']) {
      const prices: number[] = [];
      for (const definition of SIMULATORS) {
        const books = playVenue(t, definition, 20e9);
        prices.push(dollars(books, definition, asset));
      }
      const low = Math.min(...prices);
      const high = Math.max(...prices);
      t.ok(high / low - 1 < 8e-4, `${asset}: ${prices.join(' ')}`);
      t.equal(new Set(prices).size, prices.length, `${asset}: but no two the same`);
    }
    t.end();
  },
);

t.test('the reference venue shows the recording as it is', (t) => {
  const definition = SIMULATORS.find(({ venue }) => venue === 'coinbase') as SimulatorDefinition;
  const [book] = playVenue(t, definition, 20e9);
  const source = new MarketSource(shipped());
  const recorded = new DisplayedBook();
  while (source.nextDueNs < 20e9) {
    const event = source.next();
    if (event.kind === 'snapshot') recorded.reset(event.bids, event.asks);
    else if (event.kind === 'levels') for (const change of event.changes) recorded.set(change);
  }
  for (const isAsk of [false, true]) {
    const levels = recorded.list(isAsk, Infinity);
    t.ok(levels.length > 1_000);
    t.same(
      book?.list(isAsk, Infinity),
      levels.map(({ priceMantissa, sizeMantissa }) => at(priceMantissa / 1e6, sizeMantissa)),
    );
  }
  t.end();
});

t.test("the recording's symbol says which asset it plays", (t) => {
  const line = (n: number, dir: string, raw: object): string =>
    JSON.stringify({ n, recv_ns: String(1e18 + n), dir, url: null, raw: JSON.stringify(raw) });
  const text = [
    line(0, 'http', { lastUpdateId: 1, bids: [['2000', '1']], asks: [['2001', '1']] }),
    line(1, 'in', { e: 'depthUpdate', s: 'ETHUSDT', U: 2, u: 2, pu: 1, b: [], a: [] }),
    // Another symbol of the same capture.
    line(2, 'in', { e: 'depthUpdate', s: 'BTCUSDT', U: 90, u: 91, pu: 89, b: [], a: [] }),
  ].join('\n');
  const eth = decodeRecording({ text, path: 'x', instrumentIndex: 0, priceScale: 8, sizeScale: 8 });
  const markets = new AssetMarkets({ recording: eth, seed: 1, isUniform: true });
  t.equal(markets.recordedAsset, 'ETH');
  t.match(markets.open('ETH').next(), { bids: [at(2000e8, 1e8)] });
  t.match(markets.open('BTC').next(), { kind: 'snapshot', bids: [{}, {}] }, 'BTC is made up');
  t.throws(() => markets.open('DOGE'), { code: 'INSTRUMENT_UNKNOWN' });
  t.end();
});
