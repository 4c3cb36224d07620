import t from 'tap';
import {
  isPriceAllowed,
  parseInstruments,
  priceStepAt,
  scalesOfFrame,
} from '#src/venues/hyperliquid/instruments.js';
import { linesOf } from './hyperliquid-rig.js';

const bodyNamed = (file: string, name: string): string =>
  linesOf(file).find((line) => line.name === name)?.raw ?? '';
/** The answer of a documented flow: method, path, whether signed, body. */
const docBody = (name: string): string =>
  bodyNamed('samples_jkorf_docflows', name).split('\n').slice(3).join('\n');

t.test('perpetuals: scales from the decimals of the size', async (t) => {
  const { instruments, refused } = parseInstruments(
    bodyNamed('samples_nautilus', 'http_meta_perp_sample'),
  );
  t.same(refused, []);
  t.same(instruments[0], {
    index: 0,
    venue: 'hyperliquid',
    kind: 'perpetual',
    symbol: 'BTC-USD',
    venueSymbol: 'BTC',
    base: 'BTC',
    quote: 'USDC',
    priceScale: 1,
    sizeScale: 5,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 10_000_000,
    isTradable: true,
  });
  t.match(instruments[1], { symbol: 'ETH-USD', priceScale: 2, sizeScale: 4 });
  const documented = parseInstruments(
    docBody('Endpoints/Futures/ExchangeData/GetExchangeInfo.txt'),
    ['LOOM-USD', 'HPOS', 'DOGE'],
    7,
  );
  t.match(documented.instruments, [
    { index: 7, venueSymbol: 'LOOM', isTradable: false },
    { index: 8, venueSymbol: 'HPOS', priceScale: 6, sizeScale: 0, isTradable: true },
  ]);
  t.match(documented.refused, [{ venueSymbol: 'DOGE', message: 'the venue does not list it' }]);
});

t.test('the same list with contexts behind it', async (t) => {
  const body = docBody('Endpoints/Futures/ExchangeData/GetExchangeInfoAndTickers.txt');
  t.equal(parseInstruments(body).instruments.length, 3);
});

t.test('spot pairs are two tokens; their name may be a number', async (t) => {
  const { instruments } = parseInstruments(
    docBody('Endpoints/Spot/ExchangeData/GetExchangeInfo.txt'),
  );
  t.match(instruments, [
    {
      kind: 'spot',
      symbol: 'PURR-USDC',
      venueSymbol: 'PURR/USDC',
      base: 'PURR',
      quote: 'USDC',
      priceScale: 8,
      sizeScale: 0,
    },
  ]);
  const tokens = [
    { name: 'USDC', szDecimals: 8, index: 0 },
    { name: 'HYPE', szDecimals: 2, index: 150 },
  ];
  const universe = [
    { tokens: [150, 0], name: '@107', index: 107 },
    { tokens: [151, 0], name: '@108', index: 108 },
    { tokens: null, name: '@109', index: 109 },
  ];
  const parsed = parseInstruments(JSON.stringify({ universe, tokens }));
  t.match(parsed.instruments, [{ symbol: 'HYPE-USDC', venueSymbol: '@107', priceScale: 6 }]);
  t.same(
    parsed.refused.map(({ venueSymbol }) => venueSymbol),
    ['@108', '@109'],
  );
});

t.test('what makes no sense is refused, one by one', async (t) => {
  const universe = [
    { name: 'A', szDecimals: 7 },
    { name: 'B', szDecimals: -1 },
    { name: 'C', szDecimals: '5' },
    { szDecimals: 5 },
    { name: 'D', szDecimals: 6 },
    null,
  ];
  const { instruments, refused } = parseInstruments(JSON.stringify({ universe }));
  t.match(instruments, [{ venueSymbol: 'D', priceScale: 0, index: 0 }]);
  t.equal(refused.length, 4);
  for (const body of ['', '{}', '[]', 'null', '{"universe":{}}']) {
    t.throws(() => parseInstruments(body), { code: 'VENUE_ANSWER_MALFORMED' }, body);
  }
});

t.test('allowed prices: five digits, or whole numbers', async (t) => {
  // BTC: one decimal. ETH: two. A coin of six decimals.
  const cases: readonly (readonly [number, number, number])[] = [
    [9999, 1, 1],
    [99999, 1, 1],
    [100000, 1, 10],
    [1050550, 1, 10],
    [10505500, 1, 10],
    [319055, 2, 10],
    [1, 6, 1],
    [12345, 6, 1],
    [1234567, 6, 100],
    [12345678901, 6, 1_000_000],
    [123456, 0, 1],
  ];
  for (const [price, scale, step] of cases) {
    t.equal(priceStepAt(price, scale), step, `${price} at ${scale}`);
  }
  t.equal(isPriceAllowed(1050550, 1), true);
  t.equal(isPriceAllowed(1050555, 1), false);
  t.equal(isPriceAllowed(99999, 1), true);
  t.equal(isPriceAllowed(0, 1), false);
});

t.test('decimals of a frame, where no list tells', async (t) => {
  t.same(scalesOfFrame('{"px":"105055.0","sz":"3.03622","n":5}'), { priceScale: 0, sizeScale: 5 });
  t.same(scalesOfFrame('{"px": "0.97925"}'), { priceScale: 5, sizeScale: 0 });
});
