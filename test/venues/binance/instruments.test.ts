import t from 'tap';
import { SPOT, USDM } from '#src/venues/binance/endpoints.js';
import { parseInstruments, scalesOfFrame } from '#src/venues/binance/instruments.js';
import { fixtureLines } from './binance-rig.js';

const bodyOf = (name: string): string => fixtureLines(name)[0]?.raw ?? '';
const SPOT_BODY = bodyOf('spot_exchangeInfo_2021');
const USDM_BODY = bodyOf('usdm_exchangeInfo_2021');

t.test("spot symbols become instruments by the venue's own filters", async (t) => {
  const { instruments, refused } = parseInstruments(SPOT, SPOT_BODY, [
    ...['ETHUSDT', 'BTCUSDT', 'SHIBUSDT', 'BLZETH', 'XYZUSDT'],
  ]);
  t.same(refused, [{ venueSymbol: 'XYZUSDT', message: 'the venue does not list it' }]);
  t.match(
    instruments.map(({ index, symbol, venueSymbol }) => [index, symbol, venueSymbol]),
    [
      [0, 'ETH-USDT', 'ETHUSDT'],
      [1, 'BTC-USDT', 'BTCUSDT'],
      [2, 'SHIB-USDT', 'SHIBUSDT'],
      [3, 'BLZ-ETH', 'BLZETH'],
    ],
  );
  t.match(instruments[1], {
    venue: 'binance',
    kind: 'spot',
    base: 'BTC',
    quote: 'USDT',
    priceScale: 2,
    tickMantissa: 1,
    // Levels finer than the lot stand in the book; orders have whole lots.
    sizeScale: 8,
    lotMantissa: 1_000,
    sizeMinMantissa: 1_000,
    sizeMaxMantissa: 9_000 * 1e8,
    notionalMinMantissa: 10 * 1e10,
    isTradable: true,
  });
  t.match(
    instruments.map(({ priceScale, sizeScale }) => priceScale + sizeScale),
    [10, 10, 10, 10],
    'money has ten decimals',
  );
  t.match(instruments[2], { priceScale: 8, tickMantissa: 1, sizeScale: 2, lotMantissa: 100 });
});

t.test('every symbol of the captured lists is read or refused with a reason', async (t) => {
  const spot = parseInstruments(SPOT, SPOT_BODY);
  t.equal(spot.instruments.length + spot.refused.length, 1_695);
  t.same(spot.refused, []);
  t.ok(
    spot.instruments.some(({ isTradable }) => !isTradable),
    'status BREAK takes no orders',
  );
  const usdm = parseInstruments(USDM, USDM_BODY);
  t.equal(usdm.instruments.length + usdm.refused.length, 122);
  t.ok(
    usdm.refused.every(({ message }) => message.startsWith('a contract of type ')),
    'dated futures are no perpetuals',
  );
});

t.test('USD-M perpetuals', async (t) => {
  const { instruments } = parseInstruments(USDM, USDM_BODY, ['BTCUSDT', 'AKROUSDT'], 40);
  t.match(instruments, [
    {
      index: 40,
      venue: 'binance-usdm',
      kind: 'perpetual',
      symbol: 'BTC-USDT',
      quote: 'USDT',
      priceScale: 2,
      tickMantissa: 1,
      sizeScale: 8,
      lotMantissa: 100_000,
      notionalMinMantissa: 5 * 1e10,
    },
    { index: 41, priceScale: 5, sizeScale: 5, lotMantissa: 100_000 },
  ]);
});

const listed = (fields: object, filters: readonly object[]): string =>
  JSON.stringify({
    symbols: [
      {
        symbol: 'AUSDT',
        status: 'TRADING',
        baseAsset: 'A',
        quoteAsset: 'USDT',
        baseAssetPrecision: 8,
        quotePrecision: 4,
        ...fields,
        filters,
      },
    ],
  });

t.test('a filter of zero is a rule that is off', async (t) => {
  const { instruments } = parseInstruments(
    SPOT,
    listed({}, [
      { filterType: 'PRICE_FILTER', tickSize: '0.00000000' },
      { filterType: 'LOT_SIZE', stepSize: '0.00000000', minQty: '0.0', maxQty: '0.00000000' },
      { filterType: 'NOTIONAL', minNotional: '0.00000000' },
    ]),
  );
  t.match(instruments[0], {
    priceScale: 4,
    tickMantissa: 1,
    sizeScale: 8,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 0,
  });
});

t.test('what is missing or strange is refused by symbol, or by body', async (t) => {
  const messageOf = (body: string, market = SPOT): string =>
    parseInstruments(market, body).refused[0]?.message ?? '';
  t.match(messageOf(listed({ quotePrecision: null }, [])), /tickSize: neither a step nor a prec/);
  t.match(messageOf(listed({ symbol: '币安人生USDT' }, [])), /plain letters/);
  t.match(messageOf(listed({ contractType: 'CURRENT_QUARTER' }, []), USDM), /CURRENT_QUARTER/);
  const settled = { contractType: 'PERPETUAL', marginAsset: 'BTC' };
  t.match(messageOf(listed(settled, []), USDM), /settled in BTC/);
  t.match(messageOf(listed({ quoteAsset: '' }, [])), /no base or quote/);
  for (const body of ['', '[]', '{"symbols":{}}', '{"code":-1003,"msg":"x"}']) {
    t.throws(() => parseInstruments(SPOT, body), { code: 'VENUE_ANSWER_MALFORMED' });
  }
});

t.test('frames and snapshots tell how many decimals they use', async (t) => {
  t.same(scalesOfFrame('{"u":1,"s":"X","b":"8010.50000000","B":"0.14245900","a":"8012","A":"1"}'), {
    priceScale: 1,
    sizeScale: 6,
  });
  t.same(scalesOfFrame('{"bids":[["0.35130000","6195.00000000"],["4","5.25"]],"asks":[]}'), {
    priceScale: 4,
    sizeScale: 2,
  });
});
