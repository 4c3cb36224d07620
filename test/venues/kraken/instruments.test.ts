import t from 'tap';
import {
  parseInstruments,
  parseInstrumentsV1,
  scalesOfFrame,
  scalesOfFrameV1,
} from '#src/venues/kraken/instruments.js';
import { dialectOf, venueOf } from '#src/venues/registry.js';
import { framesOf, linesOf } from './kraken-rig.js';

const BODY_2026 = linesOf('v2/fb2026_rest_assetpairs')[0]?.raw ?? '';
const BODY_2021 = linesOf('v1/cf2021_rest_assetpairs')[0]?.raw ?? '';

function bodyOf(changes: Record<string, unknown>): string {
  const pair = (JSON.parse(BODY_2026) as { result: Record<string, object> }).result['XXBTZUSD'];
  return JSON.stringify({ error: [], result: { XXBTZUSD: { ...pair, ...changes } } });
}

t.test(
  'pairs of 2026 have the names of WebSocket v2 and the steps that the venue states',
  async (t) => {
    const { instruments, refused } = parseInstruments(
      BODY_2026,
      ['BTC/USD', 'ETH/USD', 'DOGE/USD'],
      4,
    );
    t.same(refused, []);
    t.same(instruments[0], {
      index: 4,
      venue: 'kraken',
      kind: 'spot',
      symbol: 'BTC-USD',
      venueSymbol: 'BTC/USD',
      base: 'BTC',
      quote: 'USD',
      priceScale: 1,
      sizeScale: 8,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 5_000,
      sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
      notionalMinMantissa: 500_000_000,
      isTradable: true,
    });
    t.match(instruments[1], { index: 5, venueSymbol: 'ETH/USD', priceScale: 2 });
    t.match(instruments[2], { index: 6, symbol: 'DOGE-USD', base: 'DOGE', priceScale: 7 });
  },
);

t.test(
  'our own spelling is understood as well, and all pairs are read when none is wanted',
  async (t) => {
    t.equal(parseInstruments(BODY_2026, ['BTC-USD']).instruments[0]?.venueSymbol, 'BTC/USD');
    t.equal(parseInstruments(BODY_2026).instruments.length, 5);
    t.match(parseInstruments(BODY_2026, ['XBT/USD']).refused, [{ venueSymbol: 'XBT/USD' }]);
  },
);

t.test(
  'the list of 2021 has no ticks, statuses or dark pools; the old names stay in v1',
  async (t) => {
    const { instruments, refused } = parseInstrumentsV1(BODY_2021);
    t.same(refused, []);
    t.equal(instruments.length, 293, 'of 304');
    const btc = instruments.find(({ venueSymbol }) => venueSymbol === 'XBT/USD');
    t.match(btc, { venue: 'kraken-v1', symbol: 'BTC-USD', base: 'BTC', tickMantissa: 1 });
    t.match(btc, { notionalMinMantissa: 0, sizeMinMantissa: 20_000, isTradable: true });
  },
);

t.test('a pair that takes no new orders is not tradable', async (t) => {
  for (const [status, isTradable] of [
    ['online', true],
    ['post_only', true],
    ['limit_only', true],
    ['cancel_only', false],
    ['reduce_only', false],
    ['delisted', false],
  ] as const) {
    t.equal(parseInstruments(bodyOf({ status })).instruments[0]?.isTradable, isTradable, status);
  }
});

t.test(
  'a pair that cannot be is refused by itself; a body that is no list, as a whole',
  async (t) => {
    for (const changes of [
      { pair_decimals: '1' },
      { pair_decimals: 19 },
      { lot_decimals: -1 },
      { tick_size: '0' },
      { tick_size: '0.01' },
      { tick_size: 'x' },
      { lot_multiplier: 0.5 },
      { ordermin: '-1' },
      { costmin: 'much' },
    ]) {
      const { instruments, refused } = parseInstruments(bodyOf(changes));
      t.same([instruments.length, refused.length], [0, 1], JSON.stringify(changes));
    }
    // A minimum that is finer than the lot is moved up, never down.
    t.equal(
      parseInstruments(bodyOf({ ordermin: '0.000050001' })).instruments[0]?.sizeMinMantissa,
      5_001,
    );
    for (const body of ['', '[]', '{"result":[]}', '{"error":["EAPI:Rate limit exceeded"]}']) {
      t.throws(() => parseInstruments(body), { code: 'VENUE_ANSWER_MALFORMED' });
    }
  },
);

t.test('the decimals of a frame are seen without a list', async (t) => {
  const book = framesOf('v2/cb2026_book_ETH-USD')[2] ?? '';
  t.same(scalesOfFrame(book), { priceScale: 2, sizeScale: 8 });
  const ticker = framesOf('v2/samples_live_frames')[2] ?? '';
  t.same(scalesOfFrame(ticker), { priceScale: 5, sizeScale: 8 });
  t.same(scalesOfFrame('{"channel":"heartbeat"}'), { priceScale: 0, sizeScale: 0 });
  const [trade, level, , spread] = framesOf('v1/samples_tardis');
  t.same(scalesOfFrameV1(trade ?? ''), { priceScale: 6, sizeScale: 8 });
  t.same(scalesOfFrameV1(level ?? ''), { priceScale: 1, sizeScale: 8 });
  t.same(scalesOfFrameV1(spread ?? ''), { priceScale: 1, sizeScale: 8 });
  const old = framesOf('v1/cf2021_ticker').find((frame) => frame.includes('XMR/USD"]')) ?? '';
  t.same(scalesOfFrameV1(old), { priceScale: 2, sizeScale: 8 });
});

t.test('the registry knows both dialects; orders are not taken', async (t) => {
  const kraken = venueOf('kraken');
  t.equal(kraken.trading, null);
  t.match(kraken, {
    wsUrl: 'wss://ws.kraken.com/v2',
    mayCross: false,
    pingText: '{"method":"ping"}',
  });
  t.ok(kraken.isInstrumentsUrl('https://api.kraken.com/0/public/AssetPairs', ''));
  t.notOk(kraken.isInstrumentsUrl('https://api.kraken.com/0/public/Depth', ''));
  t.equal(dialectOf('kraken-v1').sideText(true), 's');
  t.equal(kraken.sideText(false), 'buy');
  t.throws(() => venueOf('kraken-v1'), { code: 'VENUE_UNKNOWN' });
});
