import t from 'tap';
import { parseConfig, pushedInstruments } from '#src/config.js';

const BTC = { venue: 'otc', symbol: 'BTC-USD', priceScale: 2, sizeScale: 8 };

t.test('a pushed instrument is a price: known by venue and symbol, not to be traded', async (t) => {
  const config = parseConfig({ push: { port: 0, instruments: [BTC] } });
  t.match(pushedInstruments(config, 7), [
    {
      ...BTC,
      ...{ index: 7, kind: 'spot', base: 'BTC', quote: 'USD', venueSymbol: 'BTC-USD' },
      isTradable: false,
    },
  ]);
  t.equal(parseConfig({}).push.port, undefined, 'there is no listener unless it is asked for');
});

t.test('settings of the listener that cannot be are refused, each with its field', async (t) => {
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ instruments: [BTC, BTC] }, /push\.instruments\.1 .*is there twice/],
    [{ instruments: [{ ...BTC, venue: 'Not A Venue' }] }, /push\.instruments\.0\.venue/],
    [{ instruments: [{ ...BTC, symbol: 'btcusd' }] }, /push\.instruments\.0\.symbol .*BASE-QUOTE/],
    [{ instruments: [{ ...BTC, priceScale: 19 }] }, /push\.instruments\.0\.priceScale = 19/],
    [{ batchTicksMax: 4096, messageBytesMax: 65_536 }, /push\.batchTicksMax = 4096: must fit/],
    [{ port: 70_000 }, /push\.port = 70000/],
    [{ colour: 'red' }, /push\.colour .*there is no such setting/],
  ];
  for (const [push, expected] of cases) t.throws(() => parseConfig({ push }), expected);
});
