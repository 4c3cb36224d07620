/** Orders in Coinbase's dialect, against the venue's documented shapes: a wrong byte here costs money. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { OrderFlag, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import type { ApprovedOrder } from '#src/domain/order.js';
import { CoinbaseOrderGateway } from '#src/venues/coinbase/order-gateway.js';
import { epochNsOfText, textOfEpochNs } from '#src/venues/coinbase/timestamp.js';

const BTC_USD: Instrument = {
  index: 0,
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
  sizeMaxMantissa: 340_000_000_000,
  notionalMinMantissa: 10_000_000_000,
  isTradable: true,
};

type Json = Record<string, unknown>;

const DOCS = (
  JSON.parse(
    readFileSync(
      new URL('../../../../test/fixtures/coinbase/order-docs.json', import.meta.url),
      'utf8',
    ),
  ) as { docs: Record<string, Json> }
).docs;

function doc(name: string): string {
  return JSON.stringify(DOCS[name]);
}

function hash53(text: string): number {
  return Number(createHash('sha256').update(text).digest().readBigUInt64BE() >> 11n);
}

function makeGateway(rejected: [ErrorCode, string][] = []): CoinbaseOrderGateway {
  return new CoinbaseOrderGateway({
    instruments: [BTC_USD],
    hash53,
    rejects: {
      reject: (code, detail): void => {
        rejected.push([code, detail]);
      },
    },
  });
}

function approved(fields: Partial<ApprovedOrder>): ApprovedOrder {
  const order = {
    orderSeq: 4294967297,
    instrumentIndex: 0,
    strategyIndex: 0,
    side: Side.Buy,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    flags: 0,
    priceMantissa: 6412345,
    sizeMantissa: 100_000,
    ...fields,
  };
  // Only the risk gate can write the brand; this test stands in its place.
  return order as unknown as ApprovedOrder;
}

function placed(fields: Partial<ApprovedOrder>, expireEpochNs = 0n): Json {
  const order = approved(fields);
  const request = makeGateway().place({ order, clientOrderId: 'abc123000100000a', expireEpochNs });
  t.equal(request.method, 'POST');
  t.equal(request.path, '/api/v3/brokerage/orders');
  t.equal(request.query, '');
  return JSON.parse(request.body) as Json;
}

t.test('an order becomes the one configuration of its type, with exact decimal texts', (t) => {
  t.same(placed({}), {
    client_order_id: 'abc123000100000a',
    product_id: 'BTC-USD',
    side: 'BUY',
    order_configuration: {
      limit_limit_gtc: { base_size: '0.001', limit_price: '64123.45', post_only: false },
    },
  });
  t.same(
    placed({ side: Side.Sell, flags: OrderFlag.PostOnly, sizeMantissa: 1 })['order_configuration'],
    { limit_limit_gtc: { base_size: '0.00000001', limit_price: '64123.45', post_only: true } },
  );
  t.equal(placed({ side: Side.Sell })['side'], 'SELL');
  t.same(placed({ timeInForce: TimeInForce.Ioc, priceMantissa: 6400000 })['order_configuration'], {
    sor_limit_ioc: { base_size: '0.001', limit_price: '64000' },
  });
  t.same(placed({ timeInForce: TimeInForce.Fok })['order_configuration'], {
    limit_limit_fok: { base_size: '0.001', limit_price: '64123.45' },
  });
  const end = epochNsOfText('2026-11-22T10:00:00Z');
  t.same(placed({ timeInForce: TimeInForce.Gtd }, end)['order_configuration'], {
    limit_limit_gtd: {
      base_size: '0.001',
      limit_price: '64123.45',
      end_time: '2026-11-22T10:00:00.000000000Z',
      post_only: false,
    },
  });
  t.same(
    placed({ orderType: OrderType.Market, timeInForce: TimeInForce.Ioc })['order_configuration'],
    { market_market_ioc: { base_size: '0.001' } },
  );
  t.end();
});

t.test('requests carry their filters as the venue spells them', (t) => {
  const gateway = makeGateway();
  t.same(JSON.parse(gateway.cancel(['a', 'b']).body), { order_ids: ['a', 'b'] });
  t.equal(gateway.orderById('a/b').path, '/api/v3/brokerage/orders/historical/a%2Fb');
  t.equal(gateway.openOrders('').query, '?order_status=OPEN&limit=100&product_ids=BTC-USD');
  t.equal(
    gateway.ordersSince(1_000_000_000n, 'c=1').query,
    '?limit=100&start_date=1970-01-01T00:00:01.000000000Z&product_ids=BTC-USD&cursor=c%3D1',
  );
  t.equal(gateway.fills(['a', 'b'], 0n, '').query, '?limit=100&order_ids=a&order_ids=b');
  t.equal(
    gateway.fills([], 1n, '').query,
    '?limit=100&start_sequence_timestamp=1970-01-01T00:00:00.000000001Z',
  );
  t.equal(gateway.balances('').query, '?limit=250');
  t.end();
});

t.test('an accepted order gives its venue id', (t) => {
  t.same(makeGateway().readPlace(doc('PlaceOrder')), {
    kind: 'accepted',
    venueOrderId: '11111-00000-000000',
  });
  t.end();
});

t.test('a refusal that comes with HTTP 200 is a refusal, and its word becomes our code', (t) => {
  const words: [string, ErrorCode][] = [
    ['INSUFFICIENT_FUND', 'VENUE_INSUFFICIENT_FUNDS'],
    ['INVALID_LIMIT_PRICE_POST_ONLY', 'VENUE_POST_ONLY'],
    ['INVALID_SIZE_PRECISION', 'VENUE_SIZE'],
    ['INVALID_PRICE_PRECISION', 'VENUE_PRICE'],
    ['INVALID_PRODUCT_ID', 'VENUE_INSTRUMENT'],
    ['ORDER_ENTRY_DISABLED', 'VENUE_INSTRUMENT'],
    ['UNSUPPORTED_ORDER_CONFIGURATION', 'VENUE_REJECTED'],
    ['A_WORD_OF_TOMORROW', 'VENUE_REJECTED'],
  ];
  const gateway = makeGateway();
  for (const [word, code] of words) {
    t.equal(gateway.judge(200, {}, '').kind, 'ok');
    const answer = gateway.readPlace(
      JSON.stringify({
        success: false,
        error_response: {
          error: word,
          message: 'a sentence',
          error_details: '',
          preview_failure_reason: `PREVIEW_${word}`,
          new_order_failure_reason: 'UNKNOWN_FAILURE_REASON',
        },
      }),
    );
    t.equal(answer.kind, 'rejected', word);
    if (answer.kind !== 'rejected') return;
    t.equal(answer.code, code, word);
    t.match(answer.message, word);
    t.match(answer.message, 'a sentence');
  }
  t.end();
});

t.test('an answer that says neither yes nor no leaves the outcome unknown', (t) => {
  const gateway = makeGateway();
  const bodies = ['', 'not json', '[]', '{}', '{"success":"true"}', '{"success":false}', 'null'];
  bodies.push('{"success":true,"success_response":{}}', '{"success":true,"success_response":null}');
  for (const body of bodies) {
    const answer = gateway.readPlace(body);
    t.equal(answer.kind, 'unknown', body);
    if (answer.kind === 'unknown') t.equal(answer.code, 'VENUE_ANSWER_MALFORMED');
  }
  const duplicate = gateway.readPlace(
    '{"success":false,"error_response":{"error":"DUPLICATE_CLIENT_ORDER_ID"}}',
  );
  t.match(duplicate, { kind: 'unknown', code: 'VENUE_DUPLICATE_ORDER' });
  t.end();
});

t.test('a status tells whether something may have happened', (t) => {
  const gateway = makeGateway();
  const kind = (status: number): string => gateway.judge(status, {}, '').kind;
  t.equal(kind(200), 'ok');
  for (const status of [400, 401, 403, 404, 422]) t.equal(kind(status), 'refused');
  for (const status of [408, 500, 502, 503, 504, 301]) t.equal(kind(status), 'unknown');
  t.match(gateway.judge(401, {}, 'Unauthorized'), { code: 'VENUE_AUTH' });
  t.match(gateway.judge(400, {}, '{"error":"INSUFFICIENT_FUND"}'), {
    kind: 'refused',
    code: 'VENUE_INSUFFICIENT_FUNDS',
  });
  t.match(gateway.judge(429, {}, ''), { kind: 'slow-down', retryAfterMs: 1000 });
  t.match(gateway.judge(429, { 'x-ratelimit-reset': '2' }, ''), { retryAfterMs: 2000 });
  t.match(gateway.judge(429, { 'x-ratelimit-reset': '60' }, ''), { retryAfterMs: 10_000 });
  t.match(gateway.judge(429, { 'x-ratelimit-reset': '1763805600' }, ''), { retryAfterMs: 1000 });
  t.end();
});

t.test('a batch of cancels is answered order by order', (t) => {
  const gateway = makeGateway();
  t.match(gateway.readCancel(doc('CancelOrders')), [
    { venueOrderId: '0000-00000', isAccepted: true, code: 'OK' },
  ]);
  const rejected: [ErrorCode, string][] = [];
  const answers = makeGateway(rejected).readCancel(
    JSON.stringify({
      results: [
        { success: false, failure_reason: 'UNKNOWN_CANCEL_ORDER', order_id: 'a' },
        { success: false, failure_reason: 'DUPLICATE_CANCEL_REQUEST', order_id: 'b' },
        { success: 'yes', order_id: 'c' },
        7,
      ],
    }),
  );
  t.match(answers, [
    { venueOrderId: 'a', isAccepted: false, code: 'VENUE_UNKNOWN_ORDER' },
    { venueOrderId: 'b', isAccepted: true, code: 'OK' },
  ]);
  t.equal(answers?.length, 2);
  t.equal(rejected.length, 2);
  t.equal(gateway.readCancel('{"results":7}'), null);
  t.end();
});

t.test('orders of the listings are read as documented', (t) => {
  const gateway = makeGateway();
  const page = gateway.readOrders(doc('GetOrders'));
  t.equal(page?.entries.length, 1);
  t.match(page?.entries[0], {
    venueOrderId: '0000-000000-000000',
    clientOrderId: '11111-000000-000000',
    instrumentIndex: 0,
    cumSizeMantissa: 100_000,
    sizeMantissa: 100_000,
    state: OrderState.PartiallyFilled,
    createdEpochNs: epochNsOfText('2021-05-31T09:59:59Z'),
  });
  t.match(gateway.readOrder(doc('GetOrder')), { venueOrderId: '0000-000000-000000' });
  const open = {
    order_id: 'v1',
    product_id: 'BTC-USD',
    client_order_id: 'c1',
    side: 'SELL',
    status: 'OPEN',
    time_in_force: 'GOOD_UNTIL_CANCELLED',
    order_type: 'LIMIT',
    filled_size: '0',
    created_time: '2024-01-15T10:00:00.5Z',
    order_configuration: {
      limit_limit_gtc: { base_size: '0.01', limit_price: '45000.00', post_only: false },
    },
    reject_reason: 'REJECT_REASON_UNSPECIFIED',
  };
  t.same(gateway.readOrder(JSON.stringify({ order: open })), {
    venueOrderId: 'v1',
    clientOrderId: 'c1',
    instrumentIndex: 0,
    side: Side.Sell,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    priceMantissa: 4_500_000,
    sizeMantissa: 1_000_000,
    cumSizeMantissa: 0,
    state: OrderState.Open,
    reason: 'OK',
    message: '',
    createdEpochNs: 1_705_312_800_500_000_000n,
  });
  t.match(
    gateway.readOrder(
      JSON.stringify({
        order: {
          ...open,
          status: 'FAILED',
          reject_reason: 'INSUFFICIENT_FUNDS',
          reject_message: 'broke',
        },
      }),
    ),
    { state: OrderState.Rejected, reason: 'VENUE_INSUFFICIENT_FUNDS', message: 'broke' },
  );
  t.match(gateway.readOrder(JSON.stringify({ order: { ...open, product_id: 'XYZ-USD' } })), {
    instrumentIndex: -1,
  });
  t.end();
});

t.test('listings end where the venue says so, and bad entries do not hide good ones', (t) => {
  const rejected: [ErrorCode, string][] = [];
  const gateway = makeGateway(rejected);
  const order = { order_id: 'v', product_id: 'BTC-USD', status: 'OPEN', filled_size: '0' };
  const list = (more: Json, orders: unknown[]): string => JSON.stringify({ orders, ...more });
  t.equal(gateway.readOrders(list({ has_next: true, cursor: 'x' }, [order]))?.nextCursor, 'x');
  t.equal(gateway.readOrders(list({ has_next: false, cursor: 'x' }, [order]))?.nextCursor, '');
  t.equal(
    gateway.readOrders(list({ cursor: 'x' }, []))?.nextCursor,
    '',
    'an empty page is the end',
  );
  const page = gateway.readOrders(
    list({}, [order, 7, { ...order, filled_size: 'NaN' }, { ...order, status: 3 }, order]),
  );
  t.equal(page?.entries.length, 2);
  t.equal(rejected.length, 3);
  t.equal(gateway.readOrders('{"orders":{}}'), null);
  t.equal(gateway.readFills('<html>'), null);
  t.end();
});

t.test('fills are read as documented, with a stable key', (t) => {
  const page = makeGateway().readFills(doc('GetUserTrades'));
  t.same(page, {
    entries: [
      {
        venueFillId: '22222-2222222-22222222',
        fillKey: hash53('22222-2222222-22222222'),
        venueOrderId: '0000-000000-000000',
        instrumentIndex: 0,
        side: Side.Buy,
        priceMantissa: 1_000_000,
        sizeMantissa: 100_000,
        feeMantissa: 12_500_000_000,
        isMaker: false,
        venueEpochNs: epochNsOfText('2021-05-31T09:59:59Z'),
      },
    ],
    nextCursor: '789100',
  });
  t.end();
});

t.test(
  'a fee with more digits than money has is rounded; a fill that cannot be exact is refused',
  (t) => {
    const rejected: [ErrorCode, string][] = [];
    const gateway = makeGateway(rejected);
    const fill = {
      entry_id: 'e1',
      order_id: 'v1',
      product_id: 'BTC-USD',
      side: 'SELL',
      price: '64123.45',
      size: '0.00012345',
      commission: '0.00395801',
      liquidity_indicator: 'MAKER',
      trade_time: '2026-04-07T14:30:06Z',
    };
    const read = (fields: Json): number | undefined =>
      gateway.readFills(JSON.stringify({ fills: [{ ...fill, ...fields }], cursor: '' }))?.entries[0]
        ?.feeMantissa;
    t.equal(read({}), 39_580_100);
    t.equal(read({ commission: '0.00395800994' }), 39_580_099);
    t.equal(read({ commission: '0.00000000005' }), 1);
    t.equal(read({ commission: '-0.00000000005' }), -1);
    t.equal(read({ commission: '0.000000000049999' }), 0);
    t.equal(read({ commission: '' }), 0);
    t.equal(rejected.length, 0);
    for (const bad of [
      { commission: 'free' },
      { price: '64123.456' },
      { price: 64123.45 },
      { size: '0.000000001' },
      { size: '0' },
      { size: '-1' },
      { side: 'UNKNOWN' },
      { size_in_quote: true },
      { entry_id: '' },
    ]) {
      t.equal(read(bad), undefined, JSON.stringify(bad));
    }
    t.equal(rejected.length, 9);
    t.end();
  },
);

t.test('the venue tells its time', (t) => {
  const gateway = makeGateway();
  t.equal(gateway.time().path, '/api/v3/brokerage/time');
  const body =
    '{"iso":"2023-11-14T22:13:20Z","epochSeconds":"1700000000","epochMillis":"1700000000123"}';
  t.equal(gateway.readTime(body), 1_700_000_000_123_000_000n);
  for (const bad of ['{}', '{"epochMillis":1700000000123}', '{"epochMillis":"soon"}', '']) {
    t.equal(gateway.readTime(bad), null, bad);
  }
  t.end();
});

t.test('balances are free and held amounts', (t) => {
  t.same(makeGateway().readBalances(doc('GetAccounts')), {
    entries: [{ currency: 'BTC', availableText: '1.23', holdText: '1.23' }],
    nextCursor: '',
  });
  t.end();
});

t.test('the user channel is read as documented', (t) => {
  const gateway = makeGateway();
  const frame = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  t.match(gateway.readStream(frame(DOCS['User'])), {
    kind: 'orders',
    seq: 0,
    orders: [
      {
        venueOrderId: 'YYY',
        clientOrderId: 'XXX',
        side: Side.Buy,
        priceMantissa: 5_000_000,
        sizeMantissa: 1_000_000,
        cumSizeMantissa: 1_000_000,
        state: OrderState.Filled,
      },
    ],
  });
  t.same(gateway.readStream(frame(DOCS['Subscribed'])), { kind: 'subscribed', seq: 1 });
  t.same(gateway.readStream(frame({ channel: 'heartbeats', sequence_num: 3, events: [] })), {
    kind: 'alive',
    seq: 3,
  });
  t.same(gateway.readStream(frame({ type: 'error', message: 'authentication failure' })), {
    kind: 'refused',
    message: 'authentication failure',
  });
  const subscribes = gateway.streamTexts(() => 'a.b.c').map((text) => JSON.parse(text) as Json);
  t.same(subscribes, [
    { type: 'subscribe', channel: 'heartbeats', jwt: 'a.b.c' },
    { type: 'subscribe', channel: 'user', jwt: 'a.b.c' },
  ]);
  t.end();
});

t.test('whatever bytes come, they are read or refused, never thrown', (t) => {
  const gateway = makeGateway();
  const readers = [
    (text: string): unknown => gateway.readPlace(text),
    (text: string): unknown => gateway.readCancel(text),
    (text: string): unknown => gateway.readOrder(text),
    (text: string): unknown => gateway.readOrders(text),
    (text: string): unknown => gateway.readFills(text),
    (text: string): unknown => gateway.readBalances(text),
    (text: string): unknown => gateway.judge(400, {}, text),
  ];
  const keys = ['orders', 'fills', 'accounts', 'results', 'order', 'success', 'events', 'channel'];
  const inner = fc.dictionary(
    fc.constantFrom('order_id', 'status', 'product_id', 'price', 'size', 'order_configuration'),
    fc.jsonValue(),
  );
  const shaped = fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(fc.array(fc.oneof(inner, fc.jsonValue())), fc.jsonValue()),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        shaped.map((value) => JSON.stringify(value)),
      ),
      (text) => {
        for (const read of readers) read(text);
        gateway.readStream(Buffer.from(text));
      },
    ),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => typeof gateway.readStream(bytes).kind === 'string'),
  );
  t.end();
});

t.test('times of the venue survive the way to nanoseconds and back', (t) => {
  fc.assert(
    fc.property(fc.bigInt(0n, 4_102_444_800_000_000_000n), (epochNs) => {
      const text = textOfEpochNs(epochNs);
      return (
        epochNsOfText(text) === epochNs &&
        new Date(Number(epochNs / 1_000_000n)).toISOString().slice(0, 19) === text.slice(0, 19)
      );
    }),
  );
  t.equal(epochNsOfText('2026-04-07T16:30:06.5+02:00'), epochNsOfText('2026-04-07T14:30:06.5Z'));
  t.equal(epochNsOfText('0001-01-01T00:00:00Z'), 0n);
  t.equal(epochNsOfText('yesterday'), 0n);
  t.end();
});
