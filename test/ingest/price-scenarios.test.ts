/**
 * The 5 price scenarios of the system that tickwire replaces, over real sockets and with the dialects of production:
 * Coinbase writes decimals as strings, Kraken as numbers. What is malformed is counted by code; the detail of a refusal
 * names the byte at which reading ended, not a list of fields, because nothing is built that could be listed.
 */
import t from 'tap';
import type { Test } from 'tap';
import { formatMantissa } from '#src/domain/fixed-point.js';
import type { Instrument } from '#src/domain/instrument.js';
import { instrumentNamed } from '../venues/feed-rig.js';
import { CoinbaseVoice, now, speakCoinbase } from './coinbase-voice.js';
import { ingestRig } from './ingest-rig.js';
import type { IngestRig } from './ingest-rig.js';
import { MisbehavingServer } from './misbehaving-server.js';

interface Market {
  readonly e: IngestRig;
  readonly server: MisbehavingServer;
  readonly voice: CoinbaseVoice;
  /** Sends a trade whose fields are given as JSON texts; absent ones are left out. */
  readonly trade: (fields: Readonly<Record<string, string>>) => void;
  /** All that was sent so far was read. */
  readonly settled: () => Promise<void>;
}

const GOOD = {
  product_id: '"BTC-USD"',
  trade_id: '"1"',
  price: '"100.5"',
  size: '"1"',
  side: '"BUY"',
};

async function coinbase(
  t: Test,
  instrument = instrumentNamed('BTC-USD', 0, 8, 8),
): Promise<Market> {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, instruments: [instrument] });
  await e.until('subscribed', () => server.guests[0]?.texts.length === 4);
  const voice = voices[0] as CoinbaseVoice;
  return {
    e,
    server,
    voice,
    trade: (fields) => {
      const members = Object.entries({ time: `"${now()}"`, ...fields });
      const trade = members.map(([key, value]) => `"${key}":${value}`).join(',');
      const text = voice.text('market_trades', [{ type: 'update', trades: ['HERE'] }]);
      server.say(text.replace('"HERE"', `{${trade}}`));
    },
    settled: async () => {
      const frames = e.counter('framesReceived');
      voice.heartbeat();
      await e.until('all read', () => e.counter('framesReceived') > frames);
    },
  };
}

/** The same from Kraken, where decimals are numbers. */
async function kraken(t: Test, instrument: Instrument): Promise<Pick<Market, 'e' | 'trade'>> {
  const server = await MisbehavingServer.start(t);
  const e = ingestRig(t, {
    url: server.url,
    venue: 'kraken',
    instruments: [{ ...instrument, venue: 'kraken', venueSymbol: 'BTC/USD' }],
  });
  await e.until('subscribed', () => (server.guests[0]?.texts.length ?? 0) > 0);
  let id = 0;
  return {
    e,
    trade: ({ price = '100.5', qty = '1' }) => {
      server.say(
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy",' +
          `"price":${price},"qty":${qty},"ord_type":"limit","trade_id":${++id},"timestamp":"${now()}"}]}`,
      );
    },
  };
}

const prices = (e: IngestRig, scale: number): string[] =>
  e.trades.map(({ priceMantissa }) => formatMantissa(priceMantissa, scale));

// test_valid_price_message_parsing
t.test('prices are read as strings, as numbers, and in scientific notation', async (t) => {
  const { e, trade, settled } = await coinbase(t);
  trade(GOOD);
  trade({ ...GOOD, trade_id: '"2"', price: '"43210.12345678"' });
  trade({ ...GOOD, trade_id: '"3"', price: '"1.23e-5"' });
  trade({ ...GOOD, trade_id: '"4"', exchange: '"coinbase"', volume: '{"24h":[1,2,3]}' });
  await settled();
  t.same(prices(e, 8), ['100.5', '43210.12345678', '0.0000123', '100.5']);
  t.equal(e.counter('ticksRejected'), 0);
  t.ok(
    e.trades.every(({ venueNs, recvNs }) => venueNs > 0 && venueNs <= recvNs + 1e6),
    'none is of the future',
  );
  const numbers = await kraken(t, instrumentNamed('BTC-USD', 0, 8, 8));
  numbers.trade({ price: '43210.12345678' });
  numbers.trade({ price: '1.23e-5', qty: '2E2' });
  await numbers.e.until('both', () => numbers.e.trades.length === 2);
  t.same(prices(numbers.e, 8), ['43210.12345678', '0.0000123']);
  t.equal(numbers.e.trades[1]?.sizeMantissa, 20_000_000_000n);
});

// test_malformed_json_handling
t.test(
  'what is no JSON, or not the right one, is refused; the next good message is read',
  async (t) => {
    const { e, server, trade, settled } = await coinbase(t);
    const bad = [
      ...['{"channel":"market_trades"', '{channel:1}', "{'channel':'x'}", '{"channel":"a",}'],
      ...['{"channel":"\u0001"}', '[1,2,3]', '"text"', 'null', '{}trailing'],
    ];
    for (const text of bad) server.say(text);
    trade(GOOD);
    await settled();
    t.equal(e.rejects('FRAME_MALFORMED') + e.rejects('FRAME_UNKNOWN'), bad.length);
    t.ok(e.rejects('FRAME_MALFORMED') >= 8);
    t.same(prices(e, 8), ['100.5']);
    t.equal(server.guests.length, 1);
  },
);

// test_missing_required_fields
t.test('a trade without a product, a price or a time is none; each is refused', async (t) => {
  const { e, trade, settled } = await coinbase(t);
  const without = (field: keyof typeof GOOD): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== field));
  const bad = [
    without('product_id'),
    without('price'),
    { ...GOOD, time: 'null' },
    { ...GOOD, price: 'null' },
    { ...GOOD, price: '""' },
    { ...GOOD, product_id: '""' },
    { ...GOOD, product_id: '7' },
    { ...GOOD, time: '1700000000' },
  ];
  for (const fields of bad) trade(fields);
  trade(GOOD);
  await settled();
  t.equal(e.trades.length, 1, 'one of them all');
  t.equal(e.rejects('FRAME_MALFORMED') + e.rejects('INSTRUMENT_UNKNOWN'), bad.length);
  t.equal(e.rejects('INSTRUMENT_UNKNOWN'), 1, 'the empty name is a name that nobody has');
});

// test_price_type_validation
t.test('a price is a decimal above zero and nothing else', async (t) => {
  const { e, trade, settled } = await coinbase(t);
  const bad = [
    ...['"ABC123"', '"12a"', 'true', '["100"]', '{"value":"100"}', '"-100"', '"0"', '"0.00"'],
    ...['"Infinity"', '"NaN"', '"1e999"', '"0x10"', '"1,000"', '" 1"', '"1."', '".5"', '"+1"'],
  ];
  for (const price of bad) trade({ ...GOOD, price });
  await settled();
  t.same(prices(e, 8), []);
  const refused = e.rejects('FRAME_MALFORMED') + e.rejects('DECIMAL_OVERFLOW');
  t.equal(refused, bad.length);
  for (const price of ['"7"', '"7.25"', '"725e-2"']) trade({ ...GOOD, price });
  await settled();
  t.same(prices(e, 8), ['7', '7.25', '7.25']);
  const numbers = await kraken(t, instrumentNamed('BTC-USD', 0, 8, 8));
  for (const price of ['-1', '0', 'NaN', 'Infinity', '"ABC"', '01', '1e400'])
    numbers.trade({ price });
  numbers.trade({ price: '7.25' });
  await numbers.e.until('the good one', () => numbers.e.trades.length === 1);
  t.same(prices(numbers.e, 8), ['7.25']);
  t.ok(numbers.e.counter('ticksRejected') >= 7);
});

// test_decimal_precision_preservation
// The text is not kept: a mantissa and a scale are the same decimal, written without trailing zeros everywhere in tickwire.
t.test(
  'every digit is kept, up to eighteen decimals; what would need rounding is refused',
  async (t) => {
    const fine = await coinbase(t, instrumentNamed('BTC-USD', 0, 18, 8));
    for (const price of ['0.000000000000000001', '1.000000000000000000', '9.223372036854775807']) {
      fine.trade({ ...GOOD, price: `"${price}"` });
    }
    fine.trade({ ...GOOD, price: '"0.0000000000000000001"' });
    fine.trade({ ...GOOD, price: '"9.223372036854775808"' });
    await fine.settled();
    t.same(prices(fine.e, 18), ['0.000000000000000001', '1', '9.223372036854775807']);
    t.equal(fine.e.rejects('DECIMAL_INEXACT'), 1, 'a nineteenth decimal');
    t.ok(fine.e.rejects('DECIMAL_OVERFLOW') >= 1, 'one more than 64 bits hold');
    const large = await coinbase(t, instrumentNamed('BTC-USD', 0, 9, 8));
    large.trade({ ...GOOD, price: '"999999999.123456789"' });
    large.trade({ ...GOOD, price: '"100.500000000"' });
    await large.settled();
    t.same(prices(large.e, 9), ['999999999.123456789', '100.5']);
    const numbers = await kraken(t, instrumentNamed('BTC-USD', 0, 9, 8));
    numbers.trade({ price: '999999999.123456789' });
    await numbers.e.until('it', () => numbers.e.trades.length === 1);
    t.same(prices(numbers.e, 9), ['999999999.123456789'], 'a number is not read as a float');
  },
);
