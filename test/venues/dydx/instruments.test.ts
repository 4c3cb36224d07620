import t from 'tap';
import { parseInstruments, scalesOfFrame } from '#src/venues/dydx/instruments.js';
import { linesOf } from './dydx-rig.js';

const LIST =
  linesOf('samples_nautilus_2024_captures').find(
    ({ name }) => name === 'http/list_perpetual_markets',
  )?.raw ?? '';

t.test('every market of the captured list is an instrument', async (t) => {
  const { instruments, refused } = parseInstruments(LIST);
  t.equal(instruments.length, 125);
  t.same(refused, []);
  t.same(
    instruments.find(({ venueSymbol }) => venueSymbol === 'BTC-USD'),
    {
      index: instruments.findIndex(({ venueSymbol }) => venueSymbol === 'BTC-USD'),
      venue: 'dydx',
      kind: 'perpetual',
      symbol: 'BTC-USD',
      venueSymbol: 'BTC-USD',
      base: 'BTC',
      quote: 'USDC',
      priceScale: 0,
      sizeScale: 4,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 1,
      sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
      notionalMinMantissa: 0,
      isTradable: true,
    },
  );
  const inch = instruments.find(({ venueSymbol }) => venueSymbol === '1INCH-USD');
  t.match(inch, { priceScale: 4, sizeScale: 0, lotMantissa: 10, sizeMinMantissa: 10 });
  t.equal(instruments.filter(({ isTradable }) => !isTradable).length, 2, 'in final settlement');
});

t.test('the wanted ones come in the order asked for; what is missing or odd is said', async (t) => {
  const market = (fields: object): object => ({
    status: 'ACTIVE',
    tickSize: '0.1',
    stepSize: '0.001',
    ...fields,
  });
  const body = JSON.stringify({
    markets: {
      'A-USD': market({}),
      'B-C-USD': market({ status: 'PAUSED' }),
      'D-USD': market({ tickSize: '0' }),
      'E-USD': market({ stepSize: 'small' }),
      'F-USD': market({ tickSize: 1 }),
      'G-USD': null,
    },
  });
  const wanted = ['F-USD', 'B-C-USD', 'A-USD', 'D-USD', 'E-USD', 'G-USD', 'H-USD'];
  const { instruments, refused } = parseInstruments(body, wanted, 3);
  t.match(instruments, [
    { index: 3, symbol: 'B-C-USD', base: 'B-C', isTradable: false },
    { index: 4, symbol: 'A-USD', tickMantissa: 1, priceScale: 1 },
  ]);
  t.same(
    refused.map(({ venueSymbol }) => venueSymbol),
    ['F-USD', 'D-USD', 'E-USD', 'G-USD', 'H-USD'],
  );
});

t.test('a body that is no list is an error of its own', async (t) => {
  for (const body of ['', '[]', '{}', '{"markets":[]}', '{"markets":null}', 'null']) {
    t.throws(() => parseInstruments(body), { code: 'VENUE_ANSWER_MALFORMED' }, body);
  }
});

t.test('decimals of a frame, where no list tells', async (t) => {
  t.same(scalesOfFrame('{"asks":[["66.12","0"], [ "1.50" , "0.001"]]}'), {
    priceScale: 2,
    sizeScale: 3,
  });
  t.same(scalesOfFrame('{"price":"0.1547","size":"35520.0"}'), { priceScale: 4, sizeScale: 0 });
  t.same(scalesOfFrame('{}'), { priceScale: 0, sizeScale: 0 });
});
