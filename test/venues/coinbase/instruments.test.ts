import t from 'tap';
import {
  canonicalSymbol,
  parseInstruments,
  scalesOfFrame,
} from '#src/venues/coinbase/instruments.js';
import { capturedLines } from '../feed-rig.js';

const body = capturedLines('cf2026_rest_market_products.jsonl.gz')[0]?.raw ?? '';

t.test(
  "every product of the real list becomes an instrument with the venue's own units",
  async (t) => {
    const { instruments, refused } = parseInstruments(body);
    t.equal(instruments.length, 920);
    t.same(refused, []);
    t.same(
      instruments.find(({ symbol }) => symbol === 'BTC-USD'),
      {
        index: instruments.findIndex(({ symbol }) => symbol === 'BTC-USD'),
        venue: 'coinbase',
        kind: 'spot',
        symbol: 'BTC-USD',
        venueSymbol: 'BTC-USD',
        base: 'BTC',
        quote: 'USD',
        priceScale: 2,
        sizeScale: 8,
        tickMantissa: 1,
        lotMantissa: 1,
        sizeMinMantissa: 1,
        sizeMaxMantissa: 3400_00000000,
        notionalMinMantissa: 1_00_00000000,
        isTradable: true,
      },
    );
    for (const { tickMantissa, lotMantissa, priceScale, sizeScale } of instruments) {
      if (tickMantissa !== 1 || lotMantissa !== 1 || priceScale > 8 || sizeScale > 8) {
        t.fail('increments are powers of ten');
      }
    }
    const products = (
      JSON.parse(body) as { products: { trading_disabled: boolean; status: string }[] }
    ).products;
    t.equal(
      instruments.filter(({ isTradable }) => isTradable).length,
      products.filter((product) => !product.trading_disabled && product.status !== 'delisted')
        .length,
    );
  },
);

t.test(
  'wanted symbols come in their order; one that the venue does not list is refused by name',
  async (t) => {
    const { instruments, refused } = parseInstruments(body, ['ETH-USD', 'NO-SUCH', 'BTC-USD'], 3);
    t.same(
      instruments.map(({ symbol, index }) => [symbol, index]),
      [
        ['ETH-USD', 3],
        ['BTC-USD', 4],
      ],
    );
    t.match(refused, [{ venueSymbol: 'NO-SUCH' }]);
  },
);

t.test(
  'all aliases of the real list follow the rule by which their messages are found',
  async (t) => {
    const products = (JSON.parse(body) as { products: { product_id: string; alias: string }[] })
      .products;
    const aliases = products.filter(({ alias }) => alias !== '');
    t.equal(aliases.length, 400);
    t.ok(aliases.every(({ product_id, alias }) => canonicalSymbol(product_id) === alias));
    t.equal(canonicalSymbol('BTC-USD'), 'BTC-USD');
  },
);

t.test('a product without usable increments is refused, the others are kept', async (t) => {
  const product = { product_id: 'A-USD', quote_increment: '0.01', base_increment: '0.001' };
  const products = [
    product,
    { ...product, product_id: 'B-USD', quote_increment: '' },
    { ...product, product_id: 'C-USD', base_increment: '0' },
    { ...product, product_id: 'D-USD', base_increment: '1e-30' },
    {
      ...product,
      product_id: 'E-USD',
      price_increment: '0.05',
      base_min_size: '0.00015',
      quote_min_size: '1',
    },
    { ...product, product_id: 'F-USD', cancel_only: true },
    'nonsense',
  ];
  const { instruments, refused } = parseInstruments(JSON.stringify({ products }));
  t.same(
    refused.map(({ venueSymbol }) => venueSymbol),
    ['B-USD', 'C-USD', 'D-USD'],
  );
  t.match(instruments[0], { symbol: 'A-USD', base: 'A', quote: 'USD', notionalMinMantissa: 0 });
  t.match(instruments[0], { sizeMaxMantissa: Number.MAX_SAFE_INTEGER }, 'no limit stated');
  t.match(
    instruments[1],
    { tickMantissa: 5, priceScale: 2, sizeMinMantissa: 1 },
    'finer minimum: one lot',
  );
  t.match(instruments[2], { symbol: 'F-USD', isTradable: false });
});

t.test('a body that is no product list is one clear error', async (t) => {
  for (const text of ['', '[]', 'null', '{"products":7}', '<html>']) {
    t.throws(() => parseInstruments(text), { code: 'VENUE_ANSWER_MALFORMED' }, text);
  }
});

t.test('decimals of a frame are seen without trailing zeros', async (t) => {
  t.same(scalesOfFrame('{"price_level":"68900.500","new_quantity":"1.50000001","price":"1"}'), {
    priceScale: 1,
    sizeScale: 8,
  });
  t.same(scalesOfFrame('{"price":"100"}'), { priceScale: 0, sizeScale: 0 });
});
