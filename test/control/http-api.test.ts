/** http-api: real requests to a real ControlAgent: nothing without the key, every refusal with a code. */
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { CommandKind, EventKind } from '#src/domain/core-record.js';
import { codeIndex, TickwireError } from '#src/domain/errors.js';
import { OrderState, Side } from '#src/domain/order.js';
import { Counter } from '#src/runtime/telemetry.js';
import { FIVE_VENUES, indexOf, lose, quote, quoteAll } from './five-venues.js';
import { freePort, KEY, Rig, type RigOptions } from './rig.js';

const ORDER = 4_294_967_296 + 1;
const WITH_KEY = { authorization: `Bearer ${KEY}` };

type Json = Readonly<Record<string, unknown>>;

async function started(t: Test, options: RigOptions = {}): Promise<Rig> {
  const rig = new Rig(t.testdir(), options);
  await rig.start();
  t.teardown(async () => {
    await rig.stop();
  });
  return rig;
}

async function get(rig: Rig, path: string): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${rig.url}${path}`, { headers: WITH_KEY });
  return { status: response.status, body: (await response.json()) as Json };
}

async function post(
  rig: Rig,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${rig.url}${path}`, {
    method: 'POST',
    headers: { ...WITH_KEY, ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Json };
}

void t.test('health and the page need no key and show no secret', async (t) => {
  const rig = await started(t);
  const health = await fetch(`${rig.url}/health`);
  t.equal(health.status, 200);
  t.strictSame(await health.json(), { status: 'ok', problems: [] });
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/dashboard.js', 'text/javascript'],
    ['/dashboard.css', 'text/css'],
    ['/uplot.js', 'text/javascript'],
    ['/uplot.css', 'text/css'],
  ] as const) {
    const response = await fetch(`${rig.url}${path}`);
    t.equal(response.status, 200, path);
    t.match(response.headers.get('content-type'), type);
    t.match(response.headers.get('content-security-policy'), /default-src 'none'/);
    t.notMatch(await response.text(), KEY);
  }
});

void t.test('a role without a heartbeat makes health degraded', async (t) => {
  const rig = new Rig(t.testdir());
  await rig.start();
  t.teardown(async () => {
    await rig.stop();
  });
  const before = rig.clock.nowNs();
  rig.beat = (): void => undefined;
  rig.clock.nowNs = (): number => before + 60_000_000_000;
  const response = await fetch(`${rig.url}/health`);
  t.equal(response.status, 503);
  t.match(await response.json(), {
    status: 'degraded',
    problems: [/^ingest: running, no heartbeat/],
  });
});

void t.test('without the right key there is nothing to see or to do', async (t) => {
  const rig = await started(t);
  const wrong = [
    {},
    { authorization: KEY },
    { authorization: 'Bearer' },
    { authorization: `Basic ${KEY}` },
    { authorization: `Bearer ${KEY.slice(0, -1)}` },
    { authorization: `Bearer ${KEY.slice(0, -1)}x` },
    { authorization: `Bearer ${KEY}${KEY}` },
    { authorization: `Bearer ${'x'.repeat(3000)}` },
  ];
  for (const headers of wrong) {
    for (const [method, path] of [
      ['GET', '/v1/status'],
      ['GET', '/metrics'],
      ['GET', '/v1/orders'],
      ['POST', '/v1/halt'],
    ] as const) {
      const response = await fetch(`${rig.url}${path}`, {
        method,
        headers: headers as Record<string, string>,
      });
      t.equal(response.status, 401, `${method} ${path}`);
      t.equal(response.headers.get('www-authenticate'), 'Bearer');
      t.match(await response.json(), { code: 'API_UNAUTHORIZED', message: /bearer key/ });
    }
  }
  t.strictSame(rig.commands, []);
  t.equal(rig.telemetryOf('control').get(Counter.apiRefused), wrong.length * 4);
});

void t.test('status, positions, orders and fills say what boards and journal say', async (t) => {
  const rig = await started(t);
  rig.setMarket(6_000_000);
  rig.setPosition(120_000, 5_900_000);
  rig.setPortfolio();
  rig.source.record(EventKind.RunStarted);
  rig.source.openOrder(ORDER);
  rig.trade(ORDER + 1, Side.Sell, 6_000_001);
  rig.trade(ORDER + 2, Side.Buy, 6_000_002);
  rig.writer.commit();

  const status = await get(rig, '/v1/status');
  t.equal(status.status, 200);
  t.match(status.body, {
    run: 1,
    version: '0.1.0',
    mode: 'paper',
    trading: { state: 'Active', reason: 'OK' },
    portfolio: {
      currency: 'USD',
      cash: '9928.12345678',
      equity: '10000.3456789',
      exposure: '72.22222222',
      openOrderCount: 1,
    },
    markets: [
      {
        symbol: 'BTC-USD',
        bid: '60000',
        ask: '60000.01',
        mid: '60000.005',
        last: '60000',
        isStale: false,
        staleReason: 'OK',
      },
    ],
  });
  t.equal(typeof status.body['startedNs'], 'string');
  t.equal((status.body['roles'] as Json[]).length, 5);

  const positions = await get(rig, '/v1/positions');
  t.match(positions.body, {
    positions: [
      {
        symbol: 'BTC-USD',
        size: '0.0012',
        avgEntryPrice: '59000',
        cost: '70.8',
        unrealizedPnl: '1.2',
        realizedPnl: '1.23456789',
        fees: '0.4321',
      },
    ],
  });

  const open = (await get(rig, '/v1/orders?open=true')).body['orders'] as Json[];
  t.match(open, [{ orderSeq: ORDER, state: 'Open', price: '65083.67' }]);
  const orders = (await get(rig, '/v1/orders?limit=2')).body['orders'] as Json[];
  t.strictSame(
    orders.map((order) => order['orderSeq']),
    [ORDER + 2, ORDER + 1],
  );
  const before = (await get(rig, `/v1/orders?before=${String(ORDER + 1)}`)).body[
    'orders'
  ] as Json[];
  t.strictSame(
    before.map((order) => order['orderSeq']),
    [ORDER],
  );
  const events = (await get(rig, `/v1/orders/${String(ORDER + 1)}/events`)).body[
    'events'
  ] as Json[];
  t.match(events.at(-1), { event: 'OrderChanged', state: 'Filled' });
  const fills = (await get(rig, '/v1/fills')).body['fills'] as Json[];
  t.match(fills, [
    { side: 'buy', price: '60000.02', size: '0.001' },
    { side: 'sell', price: '60000.01' },
  ]);
  const younger = (await get(rig, `/v1/fills?after=${String(fills[1]?.['fillSeq'])}`)).body;
  t.equal((younger['fills'] as Json[]).length, 1);
  const since = (await get(rig, '/v1/fills?since=9223372036854775807')).body;
  t.strictSame(since['fills'], []);
  t.match((await get(rig, '/v1/runs')).body, { runs: [{ run: 1, exitState: 'running' }] });
  t.match((await get(rig, '/v1/markets')).body, { markets: [{ bids: [['60000', '0.05']] }] });
});

void t.test(
  'a query that makes no sense is refused with the field, the value and the rule',
  async (t) => {
    const rig = await started(t);
    for (const [path, message] of [
      ['/v1/orders?limit=0', 'limit: "0" is not a whole number from 1 to 1000.'],
      ['/v1/orders?limit=1001', 'limit: "1001" is not'],
      ['/v1/fills?limit=ten', 'limit: "ten" is not'],
      ['/v1/fills?limit=', 'limit: "" is not'],
      ['/v1/fills?after=-1', 'after: "-1" is not'],
      ['/v1/fills?since=2026-01-01', 'since: "2026-01-01" is not a time in nanoseconds'],
      ['/v1/fills?since=9223372036854775808', 'since: "9223372036854775808" is not'],
      ['/v1/orders?open=maybe', 'open: "maybe" is not true.'],
      ['/v1/orders/abc/events', 'orderSeq: "abc" is not'],
    ] as const) {
      const { status, body } = await get(rig, path);
      t.equal(status, 400, path);
      t.match(body, { code: 'API_BAD_REQUEST' });
      t.ok(String(body['message']).startsWith(message), String(body['message']));
    }
    const unknown = await get(rig, '/v1/nothing');
    t.match(unknown, {
      status: 404,
      body: { code: 'API_NOT_FOUND', message: 'No such route: GET /v1/nothing.' },
    });
    t.match(await post(rig, '/v1/status'), { status: 404, body: { code: 'API_NOT_FOUND' } });
  },
);

void t.test('halt and resume are answered after the core has confirmed them', async (t) => {
  const rig = await started(t);
  rig.setPortfolio();
  t.match(await post(rig, '/v1/halt'), {
    status: 200,
    body: { command: 'halt', commandSeq: 1, trading: { state: 'Halted' } },
  });
  t.match(await post(rig, '/v1/resume', '{}', { 'x-tickwire-source': 'dashboard' }), {
    status: 200,
    body: { command: 'resume', commandSeq: 2, trading: { state: 'Active' } },
  });
  t.strictSame(rig.commands, [
    { kind: CommandKind.Halt, source: 1 },
    { kind: CommandKind.Resume, source: 2 },
  ]);
});

void t.test('a command that the core refuses is refused with the core’s code', async (t) => {
  const rig = await started(t, { core: 'refuses' });
  t.match(await post(rig, '/v1/resume'), { status: 409, body: { code: 'RISK_NOT_RECONCILED' } });
});

void t.test(
  'a core that does not answer gives API_TIMEOUT, and a full ring API_BUSY',
  async (t) => {
    const rig = await started(t, { core: 'sleeps', control: { commandTimeoutNs: 300_000_000 } });
    // The ring of the rig has 16 slots.
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => post(rig, '/v1/halt')),
    );
    const codes = answers.map(
      (answer) => `${String(answer.status)} ${String(answer.body['code'])}`,
    );
    t.equal(codes.filter((code) => code === '504 API_TIMEOUT').length, 16);
    t.equal(codes.filter((code) => code === '503 API_BUSY').length, 4);
    rig.core = 'obeys';
  },
);

void t.test(
  'a body that is too large or no empty object is refused, and nothing is done',
  async (t) => {
    const rig = await started(t);
    t.match(await post(rig, '/v1/halt', 'x'.repeat(5000)), {
      status: 413,
      body: { code: 'API_BAD_REQUEST' },
    });
    t.match(await post(rig, '/v1/halt', 'not json'), {
      status: 400,
      body: { code: 'API_BAD_REQUEST' },
    });
    t.match(await post(rig, '/v1/halt', '{"all": true}'), {
      status: 400,
      body: { code: 'API_BAD_REQUEST' },
    });
    t.match(await post(rig, '/v1/halt', '[]'), { status: 400, body: { code: 'API_BAD_REQUEST' } });
    t.strictSame(rig.commands, []);
  },
);

void t.test('a client that hangs up before its answer harms nobody', async (t) => {
  const rig = await started(t, { core: 'sleeps', control: { commandTimeoutNs: 200_000_000 } });
  for (let n = 0; n < 5; n++) {
    const socket = connect(rig.port, '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.write(
        `POST /v1/halt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-length: 0\r\n\r\n`,
        () => {
          resolve();
        },
      );
    });
    socket.destroy();
  }
  rig.core = 'obeys';
  t.match(await post(rig, '/v1/halt'), { status: 200 });
  t.equal((await get(rig, '/v1/status')).status, 200);
});

void t.test('a port that is taken is a clear sentence', async (t) => {
  const rig = await started(t);
  const second = new Rig(t.testdir({ second: {} }), { control: { port: rig.port } });
  try {
    await second.start();
    t.fail('it listened on a port that is taken');
  } catch (error) {
    t.ok(error instanceof TickwireError);
    t.match(error, {
      code: 'PORT_BUSY',
      message: `Port ${String(rig.port)} of 127.0.0.1 is taken by another program: stop it, or choose another with --port.`,
    });
  }
  second.writer.close();
});

void t.test('a new engine takes the port of the old one at once', async (t) => {
  const port = await freePort();
  for (let round = 0; round < 3; round++) {
    const rig = new Rig(t.testdir({ [`round-${String(round)}`]: {} }), { control: { port } });
    await rig.start();
    t.equal((await fetch(`${rig.url}/health`)).status, 200);
    await rig.stop();
  }
});

void t.test(
  'metrics are Prometheus text with every counter, histogram and last value',
  async (t) => {
    const rig = await started(t);
    rig.setMarket(6_000_000);
    rig.setPosition();
    rig.setPortfolio();
    const ingest = rig.telemetryOf('ingest');
    ingest.add(Counter.ticksReceived, 41);
    ingest.reject(codeIndex('FRAME_MALFORMED'));
    for (const ns of [200, 300, 700_000, 120_000_000_000])
      rig.telemetryOf('execution').record(4, ns);
    const response = await fetch(`${rig.url}/metrics`, { headers: WITH_KEY });
    t.equal(response.status, 200);
    t.match(response.headers.get('content-type'), /text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const line of [
      '# TYPE tickwire_ticks_received_total counter',
      'tickwire_ticks_received_total{role="ingest"} 41',
      'tickwire_refusals_total{role="ingest",code="FRAME_MALFORMED"} 1',
      '# TYPE tickwire_risk_seconds histogram',
      'tickwire_risk_seconds_bucket{le="2.5e-7"} 1',
      'tickwire_risk_seconds_bucket{le="0.001"} 3',
      'tickwire_risk_seconds_bucket{le="60"} 3',
      'tickwire_risk_seconds_bucket{le="+Inf"} 4',
      'tickwire_risk_seconds_count 4',
      'tickwire_trading_state{state="Active"} 1',
      'tickwire_market_stale{venue="coinbase",symbol="BTC-USD"} 0',
      'tickwire_position_size{venue="coinbase",symbol="BTC-USD"} 0.0012',
      'tickwire_portfolio_equity{currency="USD"} 10000.3456789',
    ]) {
      t.ok(text.includes(`${line}\n`), line);
    }
    const sum = Number(/tickwire_risk_seconds_sum ([\d.e-]+)/.exec(text)?.[1]);
    t.ok(Math.abs(sum - 120.0007005) < 1, `sum of the histogram: ${String(sum)}`);
  },
);

void t.test(
  'a worker that dies with an open server does not take the process with it',
  async (t) => {
    const worker = new Worker(new URL('./dying-worker.js', import.meta.url), {
      workerData: { dir: t.testdir() },
    });
    const error = await new Promise<unknown>((resolve) => {
      worker.once('error', resolve);
    });
    t.match(error, { message: 'the worker dies' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.pass('we are still here');
  },
);

void t.test('events about orders are read without an end', async (t) => {
  const rig = await started(t);
  // More than the ring holds, in one turn: the agent is lapped, counts it, and goes on.
  for (let n = 0; n < 3000; n++) rig.publish(EventKind.OrderChanged, { state: OrderState.Open });
  const control = rig.telemetryOf('control');
  const deadlineMs = Date.now() + 5000;
  while (control.get(Counter.eventsLapped) === 0 && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.ok(control.get(Counter.eventsLapped) > 0);
  t.equal((await get(rig, '/v1/status')).status, 200);
});

void t.test(
  'a market tells every price with its age, and why it is stale since when',
  async (t) => {
    const rig = await started(t, { instruments: FIVE_VENUES });
    quoteAll(rig);
    quote(rig, 'kraken', 'BTC', 0, { ageMs: 1_500, gapCount: 3, recoveryMs: 420 });
    lose(rig, 'binance', 7_000);
    const { body } = await get(rig, '/v1/markets');
    const markets = body['markets'] as Json[];
    t.equal(markets.length, FIVE_VENUES.length);
    t.match(markets[indexOf('dydx', 'BTC')], {
      venue: 'dydx',
      kind: 'perpetual',
      base: 'BTC',
      quote: 'USDC',
      mark: /^\d+$/,
      index: /^\d+$/,
      funding: '0.0000125',
      fundingNextNs: /^\d{19}$/,
      markAgeMs: Number,
      lastAgeMs: Number,
    });
    t.match(markets[indexOf('coinbase', 'BTC')], {
      kind: 'spot',
      mark: null,
      index: null,
      funding: null,
      markAgeMs: null,
      staleSinceNs: null,
      fullBidCount: 2000,
      fullAskCount: 2020,
      recoveryCount: 0,
      recoveryMs: null,
    });
    const kraken = markets[indexOf('kraken', 'BTC')] ?? {};
    t.ok(Number(kraken['bookAgeMs']) >= 1_500);
    t.match(kraken, { gapCount: 3, recoveryCount: 1, recoveryMs: 420 });
    const binance = markets[indexOf('binance', 'BTC')] ?? {};
    t.match(binance, { bid: null, ask: null, mid: null, staleReason: 'FEED_DISCONNECTED' });
    t.ok(Number(binance['staleMs']) >= 7_000);
    t.match(binance['staleSinceNs'], /^\d{19}$/);
  },
);

void t.test(
  'no price is shown without an age: positions and money say how old theirs is',
  async (t) => {
    const rig = await started(t);
    rig.setMarket(6_000_000, { ageMs: 300 });
    rig.setPosition(120_000, 5_900_000);
    rig.setPortfolio();
    const { body } = await get(rig, '/v1/positions');
    const position = (body['positions'] as Json[])[0] ?? {};
    t.match(position, { price: '60000', unrealizedPnl: '1.2' });
    t.ok(Number(position['priceAgeMs']) >= 300);
    const portfolio = body['portfolio'] as Json;
    t.ok(Number(portfolio['priceAgeMs']) >= 300 && Number(portfolio['ageMs']) >= 0);
    t.equal(portfolio['isStale'], false);
    rig.setMarket(6_000_000, { staleReason: codeIndex('FEED_SILENT') });
    const stale = (await get(rig, '/v1/positions')).body;
    t.match(stale, {
      positions: [{ price: null, priceAgeMs: null, unrealizedPnl: null }],
      portfolio: { isStale: true },
    });
    rig.setPosition(0);
    t.match((await get(rig, '/v1/positions')).body, {
      positions: [{ price: null, unrealizedPnl: '0' }],
      portfolio: { priceAgeMs: null, isStale: false },
    });
  },
);

void t.test('a fair price says how sure it is and what each venue had to do with it', async (t) => {
  const rig = await started(t, { instruments: FIVE_VENUES });
  quoteAll(rig);
  lose(rig, 'kraken', 2_000);
  quote(rig, 'hyperliquid', 'BTC', 400);
  await t.resolves(settled(rig, (fair) => fair['price'] !== null));
  const fairs = (await get(rig, '/v1/fair')).body['fair'] as Json[];
  t.strictSame(fairs.map(({ asset }) => asset).sort(), ['BTC', 'ETH', 'USDC', 'USDT']);
  const btc = fairs.find(({ asset }) => asset === 'BTC') ?? {};
  t.match(btc, { currency: 'USD', price: /^(59|60)\d{3}\.\d+$/, reason: 'OK' });
  t.ok(Number(btc['low']) <= Number(btc['price']) && Number(btc['price']) <= Number(btc['high']));
  t.ok(Number(btc['confidence']) > 0.3 && Number(btc['confidence']) < 0.95);
  t.ok(Number(btc['ageMs']) < 5_000 && Number(btc['oldestMs']) < 10_000);
  t.match(
    (btc['sources'] as Json[]).map(({ venue, state }) => [venue, state]),
    [
      ['coinbase', 'used'],
      ['kraken', 'stale'],
      ['binance', 'used'],
      ['dydx', 'used'],
      ['hyperliquid', 'outlier'],
    ],
  );
  t.match((btc['sources'] as Json[])[1], { mid: null, usd: null, offBps: null });
  const [, , binance, , hyperliquid] = btc['sources'] as Json[];
  t.ok(Number(binance?.['mid']) > Number(binance?.['usd']), 'its USDT are worth less than USD');
  t.ok(Math.abs(Number(binance?.['offBps'])) < 5 && Number(hyperliquid?.['offBps']) > 300);
});

void t.test('an asset without a price says why', async (t) => {
  const rig = await started(t, { instruments: FIVE_VENUES });
  quote(rig, 'binance', 'ETH');
  await settled(rig, (fair) => fair['asset'] === 'ETH');
  const fairs = (await get(rig, '/v1/fair')).body['fair'] as Json[];
  const of = (asset: string): Json => fairs.find((one) => one['asset'] === asset) ?? {};
  t.match(of('ETH'), {
    price: null,
    low: null,
    confidence: 0,
    reason: 'FAIR_UNPRICED',
    oldestMs: null,
    sources: [{ venue: 'binance', state: 'unpriced', mid: String, usd: null }],
  });
  t.match(of('BTC'), { price: null, reason: 'FAIR_NO_PRICE', sources: [] });
});

void t.test('metrics tell fair prices, ages, feeds and breakers', async (t) => {
  const rig = await started(t, { instruments: FIVE_VENUES });
  quoteAll(rig);
  lose(rig, 'dydx', 1_000);
  rig.setFeed(3, { state: 3, breaker: 1, failureCount: 6, reason: codeIndex('FEED_DISCONNECTED') });
  await settled(rig, (fair) => fair['price'] !== null);
  const text = await (await fetch(`${rig.url}/metrics`, { headers: WITH_KEY })).text();
  for (const line of [
    /^tickwire_fair_price\{asset="BTC"\} (59|60)\d{3}/m,
    /^tickwire_fair_confidence\{asset="BTC"\} 0\.\d+/m,
    /^tickwire_fair_age_seconds\{asset="ETH"\} \d/m,
    /^tickwire_fair_oldest_seconds\{asset="ETH"\} \d/m,
    /^tickwire_fair_sources\{asset="BTC",state="used"\} 4/m,
    /^tickwire_fair_sources\{asset="BTC",state="stale"\} 1/m,
    /^tickwire_market_mark_age_seconds\{venue="hyperliquid",symbol="BTC-USD"\} \d/m,
    /^tickwire_market_last_age_seconds\{venue="kraken",symbol="ETH-USD"\} \d/m,
    /^tickwire_market_stale\{venue="dydx",symbol="BTC-USD"\} 1/m,
    /^tickwire_feed_state\{venue="dydx",state="Reconnecting"\} 1/m,
    /^tickwire_feed_state\{venue="dydx",state="Connected"\} 0/m,
    /^tickwire_feed_breaker\{venue="dydx",state="Open"\} 1/m,
    /^tickwire_feed_breaker\{venue="kraken",state="Closed"\} 1/m,
    /^tickwire_feed_failures\{venue="dydx"\} 6/m,
  ]) {
    t.match(text, line);
  }
  t.notMatch(
    text,
    /tickwire_market_mark_age_seconds\{venue="kraken"/,
    'no age of what is not there',
  );
});

void t.test('a wish for a connection is put on record, granted or refused by ingest', async (t) => {
  const rig = await started(t, { instruments: FIVE_VENUES });
  rig.setFeed(2, { state: 4, failureCount: 9, reason: codeIndex('FEED_SPENT') });
  t.match((await get(rig, '/v1/feeds')).body, {
    feeds: [
      { venue: 'coinbase', state: 'Connected', breaker: 'Closed', reason: 'OK' },
      { venue: 'kraken' },
      { venue: 'binance', state: 'Failed', failureCount: 9, reason: 'FEED_SPENT', dialCount: 1 },
      { venue: 'dydx' },
      { venue: 'hyperliquid' },
    ],
  });
  const granted = await post(rig, '/v1/feeds/binance/reconnect');
  t.equal(granted.status, 200);
  t.match(granted.body, {
    command: 'reconnect',
    commandSeq: 1,
    feed: { venue: 'binance', state: 'Connecting' },
  });
  t.strictSame(rig.commands, [{ kind: CommandKind.ReconnectFeed, source: 1, value: 2 }]);
  rig.feeds = 'refuses';
  const refused = await post(rig, '/v1/feeds/kraken/reconnect', '{}');
  t.equal(refused.status, 409);
  t.match(refused.body, { code: 'FEED_BUSY' });
});

void t.test('what cannot be wished for is refused before anything happens', async (t) => {
  const rig = await started(t, { instruments: FIVE_VENUES });
  const unknown = await post(rig, '/v1/feeds/bitstamp/reconnect');
  t.equal(unknown.status, 404);
  t.match(unknown.body, { code: 'API_NOT_FOUND', message: /"bitstamp".*coinbase, kraken/ });
  t.equal((await post(rig, '/v1/feeds/kraken/reconnect', '{"now":1}')).status, 400);
  const keyless = await fetch(`${rig.url}/v1/feeds/kraken/reconnect`, { method: 'POST' });
  t.equal(keyless.status, 401);
  t.strictSame(rig.commands, []);
  t.notOk(rig.feedWords.isAsked(1));
});

void t.test(
  'a wish that ingest does not answer ends with a code; one that is not on record never happens',
  async (t) => {
    const rig = await started(t, {
      instruments: FIVE_VENUES,
      control: { commandTimeoutNs: 200_000_000 },
    });
    rig.feeds = 'sleeps';
    const silent = await post(rig, '/v1/feeds/dydx/reconnect');
    t.equal(silent.status, 504);
    t.match(silent.body, { code: 'API_TIMEOUT', message: /Ingest did not confirm/ });
    t.ok(rig.feedWords.isAsked(3));
    rig.core = 'refuses';
    const refused = await post(rig, '/v1/feeds/kraken/reconnect');
    t.equal(refused.status, 409);
    t.notOk(rig.feedWords.isAsked(1));
  },
);

/** Waits until a fair price is as wanted. */
async function settled(rig: Rig, isWanted: (fair: Json) => boolean): Promise<void> {
  const deadlineMs = Date.now() + 5_000;
  for (;;) {
    const fairs = (await get(rig, '/v1/fair')).body['fair'] as Json[];
    if (fairs.some(isWanted)) return;
    if (Date.now() > deadlineMs) throw new Error(`waited too long: ${JSON.stringify(fairs)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
