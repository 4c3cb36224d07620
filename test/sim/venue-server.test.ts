/** The simulated venue over real sockets, told as a naive customer of Coinbase would see it. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import {
  NaiveBook,
  RecordingMaker,
  RestClient,
  Stream,
  startVenue,
  tempDir,
  tokenFor,
  until,
  type Json,
} from './venue-client.js';

const CAPTURE = fileURLToPath(
  new URL(
    '../../../test/fixtures/coinbase/cf2026_l2_trades_ticker_candles_heartbeats_seq0-599.jsonl.gz',
    import.meta.url,
  ),
);
const HOUR_MS = 3_600_000;

/** A market that stands still: bids 100 and 99, asks 101 and 102, one coin each. */
function quietMarket(): RecordingMaker {
  return new RecordingMaker()
    .snapshot(
      [
        ['100.00', '1'],
        ['99.00', '1'],
      ],
      [
        ['101.00', '1'],
        ['102.00', '1'],
      ],
    )
    .depth(0, [], [])
    .depth(HOUR_MS, [], []);
}

function gtc(price: string, size: string, more: object = {}): Json {
  return { limit_limit_gtc: { base_size: size, limit_price: price, post_only: false, ...more } };
}

function ioc(price: string, size: string): Json {
  return { sor_limit_ioc: { base_size: size, limit_price: price } };
}

function checkSequence(t: Test, frames: Json[]): void {
  const numbers = frames.filter((frame) => 'sequence_num' in frame).map((f) => f.sequence_num);
  t.strictSame(
    numbers,
    numbers.map((_, index) => index),
    'one sequence from 0 over all channels',
  );
}

t.test('a client that follows level2 has the venue book, level for level', async (t) => {
  const venue = await startVenue(t, { speed: 20 });
  const stream = await Stream.open(t, venue.listening.ws);
  for (const channel of ['level2', 'market_trades', 'ticker', 'heartbeats']) {
    stream.subscribe(channel);
  }
  await until(() => (stream.of('l2_data').length > 200 ? true : undefined), '200 book frames');
  // The venue's clock stands in the frames: a book read now is the one after all frames before it.
  const rest = new RestClient(venue);
  const isSame = await until(async () => {
    const { body } = await rest.get('/market/product_book?product_id=BTC-USD&limit=50');
    const book = new NaiveBook();
    for (const frame of stream.of('l2_data')) {
      if (frame.events[0].updates[0]?.event_time <= body.pricebook.time) book.apply(frame);
    }
    const ours = { bids: book.list('bids').slice(0, 50), asks: book.list('asks').slice(0, 50) };
    const { bids, asks } = body.pricebook;
    return JSON.stringify(ours) === JSON.stringify({ bids, asks }) ? true : undefined;
  }, 'our book and the venue book to agree');
  t.ok(isSame);
  checkSequence(t, stream.frames);
  const snapshot = stream.of('l2_data')[0];
  t.equal(snapshot.events[0].type, 'snapshot');
  t.ok(snapshot.events[0].updates.length > 3000, 'full depth');
  t.match(stream.of('heartbeats')[0].events[0], {
    current_time: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC m=\+\d+\.\d{9}$/,
    heartbeat_counter: Number,
  });
});

t.test('frames have the spelling of the captured ones', async (t) => {
  const venue = await startVenue(t, { speed: 20 });
  const stream = await Stream.open(t, venue.listening.ws);
  for (const channel of ['market_trades', 'ticker', 'level2', 'heartbeats']) {
    stream.subscribe(channel);
  }
  await stream.frame((frame) => frame.channel === 'heartbeats', 'a heartbeat');
  await until(() => (stream.of('market_trades').length > 3 ? true : undefined), 'trades');
  const shapes = (texts: readonly string[]): Map<string, string> => {
    const found = new Map<string, string>();
    for (const text of texts) {
      const frame: Json = JSON.parse(text);
      const event = frame.events[0];
      // Values out, names and order of names in; lists cut to their first entry.
      const shape = text
        .replace(/\[(\{[^[\]{}]*\})(,\{[^[\]{}]*\})*\]/g, '[$1]')
        .replace(/:"[^"]*"/g, ':""')
        .replace(/:\d+/g, ':0');
      const key = `${String(frame.channel)}/${String(event.type)}`;
      if (!found.has(key)) found.set(key, shape);
    }
    return found;
  };
  const captured = gunzipSync(readFileSync(CAPTURE))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.dir === 'in')
    .map((entry) => entry.raw as string);
  const theirs = shapes(captured);
  const ours = shapes(stream.texts);
  for (const key of [
    'l2_data/snapshot',
    'l2_data/update',
    'market_trades/snapshot',
    'market_trades/update',
    'ticker/snapshot',
    'ticker/update',
    'heartbeats/undefined',
  ]) {
    t.equal(ours.get(key), theirs.get(key), key);
  }
  const acknowledged = stream.of('subscriptions').at(-1).events[0].subscriptions;
  t.strictSame(acknowledged, {
    heartbeats: ['heartbeats'],
    level2: ['BTC-USD'],
    market_trades: ['BTC-USD'],
    ticker: ['BTC-USD'],
  });
});

t.test('recent trades come newest first, with the side of the maker', async (t) => {
  const recording = quietMarket();
  const market = new RecordingMaker()
    .snapshot([['100.00', '1']], [['101.00', '1']])
    .depth(0, [], [])
    .trade(1, '101.00', '0.1', 'BUY')
    .trade(2, '100.00', '0.2', 'SELL')
    .depth(HOUR_MS, [], []);
  t.ok(recording);
  const venue = await startVenue(t, { recordingPath: market.write(t), warmUpTrades: 2 });
  const stream = await Stream.open(t, venue.listening.ws);
  stream.subscribe('market_trades');
  const frame = await stream.frame((f) => f.channel === 'market_trades', 'the snapshot');
  t.match(frame.events[0].trades, [
    { price: '100', size: '0.2', side: 'BUY' },
    { price: '101', size: '0.1', side: 'SELL' },
  ]);
  t.equal(
    Number(frame.events[0].trades[0].trade_id),
    Number(frame.events[0].trades[1].trade_id) + 1,
  );
});

t.test(
  'at the seam of the loop a new snapshot comes and everything goes on counting',
  async (t) => {
    const market = new RecordingMaker()
      .snapshot([['100.00', '1']], [['101.00', '1']])
      .depth(0, [['99.00', '7']], [])
      .trade(10, '101.00', '0.5', 'BUY')
      .depth(20, [['100.00', '0']], []);
    const dataDir = tempDir(t);
    const path = market.write(t);
    const venue = await startVenue(t, { recordingPath: path, warmUpTrades: 0, dataDir });
    const stream = await Stream.open(t, venue.listening.ws);
    stream.subscribe('level2');
    stream.subscribe('market_trades');
    const isSnapshot = (frame: Json): boolean => frame.events[0].type === 'snapshot';
    await until(
      () =>
        stream.of('l2_data').filter(isSnapshot).length > 3 && stream.of('market_trades').length > 3
          ? true
          : undefined,
      'three seams and three trades',
    );
    checkSequence(t, stream.frames);
    const ids = stream
      .of('market_trades')
      .slice(1)
      .map((f) => Number(f.events[0].trades[0].trade_id));
    t.ok(ids.length >= 3);
    const isGrowing = ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0));
    t.ok(isGrowing, `trade ids go on: ${ids.join(' ')}`);
    const times = stream.frames.map((frame) => String(frame.timestamp));
    t.strictSame(times, [...times].sort(), 'and so do the times');
    const last = Math.max(...ids);
    venue.close();

    const again = await startVenue(t, { recordingPath: path, warmUpTrades: 0, dataDir });
    const second = await Stream.open(t, again.listening.ws);
    second.subscribe('market_trades');
    const update = await second.frame(
      (f) => f.channel === 'market_trades' && f.events[0].type === 'update',
      'a trade after the restart',
    );
    t.ok(Number(update.events[0].trades[0].trade_id) > last, 'no id is given twice');
  },
);

t.test('a taker gets the displayed sizes, and the balances are exact', async (t) => {
  const market = new RecordingMaker()
    .snapshot(
      [['100.00', '1']],
      [
        ['101.01', '0.25'],
        ['102.02', '3'],
      ],
    )
    .depth(0, [], [])
    .depth(HOUR_MS, [], []);
  const venue = await startVenue(t, { recordingPath: market.write(t), takerBps: 12.34 });
  const rest = new RestClient(venue);
  const answer = await rest.place('BUY', ioc('103', '0.75'), 'taker-1');
  t.equal(answer.success, true);
  const orderId = answer.success_response.order_id;
  const fills = (await rest.get(`/orders/historical/fills?order_ids=${String(orderId)}`)).body
    .fills;
  t.match(fills, [
    { price: '102.02', size: '0.5', liquidity_indicator: 'TAKER', side: 'BUY', order_id: orderId },
    { price: '101.01', size: '0.25', liquidity_indicator: 'TAKER' },
  ]);
  // 25.2525 + 51.01 = 76.2625; 12.34 basis points of it, rounded up at ten decimals.
  t.strictSame((await rest.truth()).accounts, {
    USD: { total: '9923.643392075', available: '9923.643392075', hold: '0' },
    BTC: { total: '0.75', available: '0.75', hold: '0' },
    ETH: { total: '0', available: '0', hold: '0' },
    USDT: { total: '0', available: '0', hold: '0' },
  });
  const order = (await rest.get(`/orders/historical/${String(orderId)}`)).body.order;
  t.match(order, {
    status: 'FILLED',
    client_order_id: 'taker-1',
    filled_size: '0.75',
    average_filled_price: '101.6833333333',
    number_of_fills: '2',
    filled_value: '76.2625',
    total_fees: '0.094107925',
    total_value_after_fees: '76.356607925',
    completion_percentage: '100',
    order_configuration: ioc('103', '0.75'),
  });
  const accounts = (await rest.get('/accounts')).body.accounts;
  t.match(
    accounts.map((a: Json) => [a.currency, a.available_balance.value, a.hold.value]),
    [
      ['USD', '9923.643392075', '0'],
      ['BTC', '0.75', '0'],
    ],
  );
  t.match((await rest.truth()).positions, [{ symbol: 'BTC-USD', size: '0.75' }]);
});

t.test('a resting order fills only when the queue before it is used up', async (t) => {
  const market = new RecordingMaker()
    .snapshot([['100.00', '2']], [['101.00', '1']])
    .depth(0, [], [])
    .trade(3000, '100.00', '1', 'SELL')
    .trade(3001, '100.00', '1.4', 'SELL')
    .trade(3002, '99.99', '0.1', 'SELL')
    .depth(HOUR_MS, [], []);
  const venue = await startVenue(t, {
    recordingPath: market.write(t),
    warmUpTrades: 0,
    makerBps: 2,
  });
  const rest = new RestClient(venue);
  const stream = await Stream.open(t, venue.listening.wsPrivate);
  stream.send({ type: 'subscribe', channel: 'user', jwt: tokenFor(venue.credentials) });
  await stream.frame((f) => f.channel === 'user', 'the snapshot');
  const { success_response: placed } = await rest.place('BUY', gtc('100', '1'));
  t.equal((await rest.truth()).orders[0].queue_ahead, '2');
  t.equal((await rest.truth()).accounts.USD.hold, '100.05', 'value and the higher fee');

  const states = await until(() => {
    const updates = stream.of('user').flatMap((f) => f.events[0].orders);
    return updates.at(-1)?.status === 'FILLED' ? updates : undefined;
  }, 'the order to be filled');
  t.match(
    states.map((o: Json) => [o.cumulative_quantity, o.leaves_quantity, o.status, o.total_fees]),
    [
      ['0', '1', 'OPEN', '0'],
      // One coin of queue, then another one and 0.4 of ours; the first trade told nobody anything.
      ['0.4', '0.6', 'OPEN', '0.008'],
      ['1', '0', 'FILLED', '0.02'],
    ],
  );
  t.ok(states.every((o: Json) => o.order_id === placed.order_id));
  const truth = await rest.truth();
  t.match(
    truth.fills.map((f: Json) => [f.size, f.price, f.liquidity_indicator]),
    [
      ['0.4', '100', 'MAKER'],
      ['0.6', '100', 'MAKER'],
    ],
  );
  t.equal(truth.accounts.USD.total, '9899.98');
  checkSequence(t, stream.frames);
});

t.test('accounts, orders and fills are there again after a restart', async (t) => {
  const dataDir = tempDir(t);
  const options = { recordingPath: quietMarket().write(t), dataDir };
  const first = await startVenue(t, options);
  const before = new RestClient(first);
  await before.place('BUY', ioc('101', '0.5'), 'a');
  await before.place('BUY', gtc('90', '1'), 'b');
  await before.place('SELL', gtc('200', '0.25'), 'c');
  const truth = await before.truth();
  first.close();

  const second = await startVenue(t, { ...options, cash: '1' });
  const after = new RestClient(second);
  t.strictSame(second.credentials, first.credentials, 'the key still opens it');
  t.strictSame(await after.truth(), truth);
  t.equal(
    (await after.place('BUY', gtc('50', '1'), 'b')).success_response.order_id,
    truth.orders[1].order_id,
  );
  const cancelled = await after.post('/orders/batch_cancel', {
    order_ids: [truth.orders[2].order_id],
  });
  t.equal(cancelled.body.results[0].success, true);
  t.equal((await after.truth()).accounts.BTC.hold, '0');
  const next = await after.place('BUY', ioc('101', '0.1'), 'd');
  t.notOk(truth.orders.some((o: Json) => o.order_id === next.success_response.order_id));
});

t.test('a data directory has one simulator', async (t) => {
  const dataDir = tempDir(t);
  await startVenue(t, { dataDir, recordingPath: quietMarket().write(t) });
  await t.rejects(startVenue(t, { dataDir, recordingPath: quietMarket().write(t) }), {
    code: 'DATA_DIR_LOCKED',
  });
});

t.test('who cannot prove who he is gets nothing', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  const { host } = new URL(venue.listening.rest);
  const path = '/api/v3/brokerage/accounts';
  const uri = `GET ${host}${path}`;
  const nowSec = Math.floor(Date.now() / 1000);
  const good = tokenFor(venue.credentials, { uri });
  const other = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const cases: Record<string, string> = {
    nothing: '',
    'not a token': 'a.b.c',
    'another key': tokenFor({ ...other.credentials, keyName: venue.credentials.keyName }, { uri }),
    'another key name': tokenFor(venue.credentials, { uri, kid: 'organizations/x/apiKeys/y' }),
    'another request': tokenFor(venue.credentials, { uri: `POST ${host}${path}` }),
    'another path': tokenFor(venue.credentials, { uri: `GET ${host}/api/v3/brokerage/orders` }),
    'no request': tokenFor(venue.credentials),
    expired: tokenFor(venue.credentials, { uri, nbf: nowSec - 200, exp: nowSec - 80 }),
    'not yet valid': tokenFor(venue.credentials, { uri, nbf: nowSec + 60, exp: nowSec + 180 }),
    'valid for a day': tokenFor(venue.credentials, { uri, exp: nowSec + 86_400 }),
    'another issuer': tokenFor(venue.credentials, { uri, iss: 'me' }),
    'a changed claim': good.replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`),
  };
  for (const [name, token] of Object.entries(cases)) {
    const answer = await rest.call('GET', path, undefined, token);
    t.equal(answer.status, 401, name);
    t.equal(answer.body, 'Unauthorized\n', name);
  }
  t.equal((await rest.call('GET', path, undefined, good)).status, 200);
  const ccxt = tokenFor(venue.credentials, {
    uri: `GET http://${host}${path}`,
    iss: 'coinbase-cloud',
  });
  t.equal((await rest.call('GET', path, undefined, ccxt)).status, 200, 'as ccxt spells it');

  const stream = await Stream.open(t, venue.listening.wsPrivate);
  stream.send({ type: 'subscribe', channel: 'user' });
  stream.send({ type: 'subscribe', channel: 'user', jwt: tokenFor(other.credentials) });
  await until(() => (stream.frames.length === 2 ? true : undefined), 'two refusals');
  t.strictSame(stream.frames[1], { type: 'error', message: 'authentication failure' });
});

t.test('a subscription that cannot be had is refused in the words of the venue', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const stream = await Stream.open(t, venue.listening.ws);
  stream.send('{nonsense');
  stream.send({ type: 'subscribe', channel: 'level3', product_ids: ['BTC-USD'] });
  stream.send({ type: 'subscribe', channel: 'level2', product_ids: ['DOGE-USD'] });
  stream.send({ type: 'subscribe', channel: 'level2' });
  stream.send({ type: 'subscribe', channel: 'futures_balance_summary' });
  stream.send({ type: 'subscribe', channel: 'level2', product_ids: ['BTC-USDC'] });
  await stream.frame((frame) => frame.channel === 'subscriptions', 'the alias to be taken');
  t.strictSame(
    stream.frames.filter((frame) => frame.type === 'error').map((frame) => frame.message),
    [
      'invalid json',
      'authentication failure',
      'failure to subscribe',
      'failure to subscribe',
      'failure to subscribe',
    ],
  );
  t.equal(stream.of('l2_data')[0].events[0].product_id, 'BTC-USD', 'under its canonical name');
  checkSequence(t, stream.frames);
  stream.send({ type: 'unsubscribe', channel: 'level2', product_ids: ['BTC-USD'] });
  const last = await stream.frame(
    (f) => f.channel === 'subscriptions' && Object.keys(f.events[0].subscriptions).length === 0,
    'the unsubscription',
  );
  t.ok(last);
});

t.test('a client that subscribes to nothing is shown the door after five seconds', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const idle = await Stream.open(t, venue.listening.ws);
  const busy = await Stream.open(t, venue.listening.ws);
  busy.subscribe('heartbeats');
  await until(() => idle.closeCode ?? undefined, 'the idle client to be closed');
  t.equal(idle.closeCode, 1008);
  t.equal(busy.closeCode, null);
});

t.test('rejects come with HTTP 200, bad requests with 400', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  const reasonOf = async (side: 'BUY' | 'SELL', configuration: Json): Promise<string[]> => {
    const body = await rest.place(side, configuration);
    t.equal(body.success, false);
    const { error, preview_failure_reason } = body.error_response;
    return [error, preview_failure_reason];
  };
  t.strictSame(await reasonOf('BUY', gtc('100', '500')), [
    'INSUFFICIENT_FUND',
    'PREVIEW_INSUFFICIENT_FUND',
  ]);
  t.equal((await reasonOf('SELL', gtc('100', '1')))[0], 'INSUFFICIENT_FUND');
  t.equal((await reasonOf('BUY', gtc('100.001', '1')))[0], 'INVALID_PRICE_PRECISION');
  t.equal((await reasonOf('BUY', gtc('100', '0.000000001')))[0], 'INVALID_SIZE_PRECISION');
  t.equal(
    (await reasonOf('BUY', gtc('101', '1', { post_only: true })))[0],
    'INVALID_LIMIT_PRICE_POST_ONLY',
  );
  t.equal(
    (await reasonOf('BUY', gtc('100', '0.00999')))[1],
    'PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL',
  );
  t.equal((await reasonOf('BUY', gtc('100', '0')))[1], 'PREVIEW_INVALID_BASE_SIZE_TOO_SMALL');
  t.equal(
    (await reasonOf('BUY', { stop_limit_stop_limit_gtc: { base_size: '1' } }))[0],
    'UNSUPPORTED_ORDER_CONFIGURATION',
  );
  const other = { client_order_id: 'x', order_configuration: gtc('1', '1') };
  const unknown = await rest.post('/orders', { ...other, side: 'BUY', product_id: 'DOGE-USD' });
  t.equal(unknown.body.error_response.error, 'INVALID_PRODUCT_ID');
  const noSide = await rest.post('/orders', { ...other, side: 'HOLD', product_id: 'BTC-USD' });
  t.equal(noSide.body.error_response.error, 'INVALID_SIDE');
  for (const body of [
    { side: 'BUY', product_id: 'BTC-USD', order_configuration: gtc('1', '1') },
    {
      client_order_id: 'y',
      side: 'BUY',
      product_id: 'BTC-USD',
      order_configuration: gtc('1e2', '1'),
    },
    {
      client_order_id: 'z',
      side: 'BUY',
      product_id: 'BTC-USD',
      order_configuration: {
        limit_limit_gtd: { base_size: '1', limit_price: '100', end_time: 'soon' },
      },
    },
  ]) {
    t.equal((await rest.post('/orders', body)).status, 400);
  }
  t.equal((await rest.get('/orders/historical/nonsense')).status, 404);
  t.equal((await rest.get('/nonsense')).status, 404);
  t.equal((await rest.truth()).orders.length, 0, 'nothing was placed');
});

t.test('every kind of order of the dialect does what it says', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  const stateOf = async (side: 'BUY' | 'SELL', configuration: Json): Promise<string[]> => {
    const placed = await rest.place(side, configuration);
    const id = String(placed.success_response.order_id);
    const { order } = (await rest.get(`/orders/historical/${id}`)).body;
    return [order.status, order.filled_size, order.time_in_force, order.order_type];
  };
  const limit = { base_size: '0.3', limit_price: '101' };
  t.strictSame(await stateOf('BUY', { limit_limit_gtc: limit }), [
    'FILLED',
    '0.3',
    'GOOD_UNTIL_CANCELLED',
    'LIMIT',
  ]);
  t.strictSame(await stateOf('BUY', ioc('101', '1.5')), [
    'CANCELLED',
    '1',
    'IMMEDIATE_OR_CANCEL',
    'LIMIT',
  ]);
  t.strictSame(
    await stateOf('BUY', { limit_limit_fok: { base_size: '1.1', limit_price: '101' } }),
    ['CANCELLED', '0', 'FILL_OR_KILL', 'LIMIT'],
  );
  t.strictSame(await stateOf('BUY', { market_market_ioc: { quote_size: '10.1' } }), [
    'FILLED',
    '0.09995002',
    'IMMEDIATE_OR_CANCEL',
    'MARKET',
  ]);
  t.strictSame(await stateOf('SELL', { market_market_ioc: { base_size: '1.2' } }), [
    'FILLED',
    '1.2',
    'IMMEDIATE_OR_CANCEL',
    'MARKET',
  ]);
  const soon = new Date(Date.now() + 1500).toISOString();
  const gtd = { limit_limit_gtd: { base_size: '1', limit_price: '50', end_time: soon } };
  t.strictSame(await stateOf('BUY', gtd), ['OPEN', '0', 'GOOD_UNTIL_DATE_TIME', 'LIMIT']);
  await until(
    async () => ((await rest.truth()).orders.at(-1).status === 'EXPIRED' ? true : undefined),
    'the order to expire',
  );
  t.equal((await rest.truth()).openOrders, 0);
});

t.test('orders and fills are listed in pages, newest first, and filtered', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  const ids: string[] = [];
  for (let number = 0; number < 5; number++) {
    const placed = await rest.place('BUY', number % 2 === 0 ? gtc('90', '1') : ioc('102', '1.5'));
    ids.push(placed.success_response.order_id);
  }
  const all: string[] = [];
  let cursor = '';
  for (let page = 0; page < 3; page++) {
    const { body } = await rest.get(`/orders/historical/batch?limit=2&cursor=${cursor}`);
    all.push(...body.orders.map((o: Json) => o.order_id));
    cursor = body.cursor;
    t.equal(body.has_next, page < 2);
  }
  t.strictSame(all, [...ids].reverse());
  const open = (await rest.get('/orders/historical/batch?order_status=OPEN')).body.orders;
  t.strictSame(
    open.map((o: Json) => o.order_id),
    [ids[4], ids[2], ids[0]],
  );
  const none = await rest.get('/orders/historical/batch?product_ids=ETH-USD');
  t.equal(none.body.orders.length, 0);

  const fills: Json[] = [];
  do {
    const { body } = await rest.get(`/orders/historical/fills?limit=3&cursor=${cursor}`);
    fills.push(...body.fills);
    cursor = body.cursor;
  } while (cursor !== '');
  t.equal(fills.length, 4);
  t.equal(new Set(fills.map((fill) => fill.entry_id)).size, 4);
  const ofOne = await rest.get(`/orders/historical/fills?order_ids=${ids[1] ?? ''}`);
  t.equal(ofOne.body.fills.length, 2);
  const since = String(fills[1].sequence_timestamp);
  const later = await rest.get(`/orders/historical/fills?start_sequence_timestamp=${since}`);
  t.strictSame(
    later.body.fills.map((f: Json) => f.entry_id),
    fills.slice(0, 2).map((f) => f.entry_id),
    'the instant itself included',
  );
  t.equal((await rest.get('/orders/historical/fills?start_sequence_timestamp=now')).status, 400);
  t.equal((await rest.get('/orders/historical/batch?limit=-1')).status, 400);
});

t.test('cancels are answered one by one', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  const open = (await rest.place('BUY', gtc('90', '1'))).success_response.order_id;
  const done = (await rest.place('BUY', ioc('101', '1'))).success_response.order_id;
  const { body } = await rest.post('/orders/batch_cancel', {
    order_ids: [open, done, 'who', open],
  });
  t.strictSame(
    body.results.map((r: Json) => [r.order_id, r.success, r.failure_reason]),
    [
      [open, true, 'UNKNOWN_CANCEL_FAILURE_REASON'],
      [done, false, 'UNKNOWN_CANCEL_ORDER'],
      ['who', false, 'UNKNOWN_CANCEL_ORDER'],
      [open, false, 'DUPLICATE_CANCEL_REQUEST'],
    ],
  );
  t.equal((await rest.post('/orders/batch_cancel', { order_ids: [] })).status, 400);
  const many = Array.from({ length: 101 }, () => 'x');
  t.equal((await rest.post('/orders/batch_cancel', { order_ids: many })).status, 400);
});

t.test('products, fees and permissions are told as the venue tells them', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t), makerBps: 1.5 });
  const rest = new RestClient(venue);
  const listed = (await rest.get('/products')).body;
  t.equal(listed.num_products, 3);
  t.match(listed.products[0], {
    product_id: 'BTC-USD',
    base_increment: '0.00000001',
    quote_increment: '0.01',
    price_increment: '0.01',
    quote_min_size: '1',
    base_min_size: '0.00000001',
    base_max_size: '3400',
    alias_to: ['BTC-USDC'],
    trading_disabled: false,
  });
  const anonymous = await fetch(`${venue.listening.rest}/api/v3/brokerage/market/products/BTC-USD`);
  t.equal(((await anonymous.json()) as Json).product_id, 'BTC-USD', 'without a token');
  const captured = gunzipSync(
    readFileSync(CAPTURE.replace(/[^/]*$/, 'cf2026_rest_market_products.jsonl.gz')),
  );
  const real = JSON.parse(JSON.parse(captured.toString()).raw).products.find(
    (product: Json) => product.product_id === 'BTC-USD',
  );
  t.strictSame(Object.keys(listed.products[0]), Object.keys(real), 'field for field');
  const { fee_tier } = (await rest.get('/transaction_summary')).body;
  t.match(fee_tier, { taker_fee_rate: '0.0005', maker_fee_rate: '0.00015' });
  t.equal((await rest.get('/key_permissions')).body.can_trade, true);
  t.equal((await rest.get('/best_bid_ask')).body.pricebooks[0].bids[0].price, '100');
  t.match((await rest.get('/product_book?product_id=BTC-USD')).body, {
    mid_market: '100.5',
    spread_absolute: '1',
    spread_bps: '99.502487562189',
  });
});

t.test('captured frames are played byte for byte to each client', async (t) => {
  const venue = await startVenue(t, { rawPath: CAPTURE, speed: 500 });
  const captured = gunzipSync(readFileSync(CAPTURE))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.dir === 'in')
    .map((entry) => entry.raw as string);
  for (const round of ['first', 'second']) {
    const stream = await Stream.open(t, venue.listening.ws);
    t.equal(stream.texts.length, 0, 'nothing before the subscription');
    stream.subscribe('level2');
    stream.subscribe('ticker');
    await until(() => (stream.texts.length >= captured.length ? true : undefined), 'all frames');
    t.equal(stream.texts.length, captured.length, round);
    t.ok(stream.texts.every((text, index) => text === captured[index]));
    stream.close();
  }
  const answer = await new RestClient(venue).place('BUY', gtc('1', '1'));
  t.equal(answer.error_response.error, 'ORDER_ENTRY_DISABLED', 'public side only');
});

t.test('a client that does not read is dropped, and the others never notice', async (t) => {
  const venue = await startVenue(t, { speed: 20 });
  const { hostname, port } = new URL(venue.listening.ws);
  const stalled = connect(Number(port), hostname);
  let isGone = false;
  stalled.on('close', () => (isGone = true));
  stalled.on('error', () => (isGone = true));
  t.teardown(() => stalled.destroy());
  stalled.write(
    `GET /ws HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await new Promise((resolve) => stalled.once('data', resolve));
  stalled.pause();
  const good = await Stream.open(t, venue.listening.ws);
  good.subscribe('level2');
  // Each subscription asks for 370 kB more; nobody reads them.
  const text = Buffer.from('{"type":"subscribe","channel":"level2","product_ids":["BTC-USD"]}');
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
  await until(() => {
    if (isGone) return true;
    stalled.write(frame);
    return undefined;
  }, 'the stalled client to be dropped');
  t.ok(isGone);
  const count = good.frames.length;
  await until(() => (good.frames.length > count + 20 ? true : undefined), 'the market to go on');
  checkSequence(t, good.frames);
});

t.test('the control routes are for programs on this machine, not for pages', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const rest = new RestClient(venue);
  t.match((await rest.call('GET', '/_sim/endpoints')).body, {
    venue: 'coinbase',
    listening: venue.listening,
  });
  t.match((await rest.call('GET', '/_sim/credentials')).body, {
    keyName: /^organizations\/.*\/apiKeys\/.*$/,
    privateKeyPem: /^-----BEGIN EC PRIVATE KEY-----/,
  });
  const page = await fetch(`${venue.listening.rest}/_sim/credentials`, {
    headers: { origin: 'http://evil.example' },
  });
  t.equal(page.status, 403);
  t.equal((await rest.call('GET', '/_sim/nothing')).status, 404);
  const tooLarge = await rest.call('POST', '/_sim/fault', { fault: 'x'.repeat(2_000_000) });
  t.equal(tooLarge.status, 413);
  const wrong = await rest.fault({ fault: 'explode' });
  t.equal(wrong.status, 400);
  t.match(wrong.body.problems, [/fault: "explode" is none of/]);
});

t.test('a busy port is one clear sentence', async (t) => {
  const venue = await startVenue(t, { recordingPath: quietMarket().write(t) });
  const port = Number(new URL(venue.listening.rest).port);
  await t.rejects(startVenue(t, { port, recordingPath: quietMarket().write(t) }), {
    code: 'PORT_BUSY',
    message: `port ${String(port)} on 127.0.0.1 is taken by another program`,
  });
});
