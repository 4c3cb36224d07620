/** http-api: real requests to a real ControlAgent: nothing without the key, every refusal with a code. */
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { CommandKind, EventKind } from '#src/domain/core-record.js';
import { codeIndex, TickwireError } from '#src/domain/errors.js';
import { OrderState, Side } from '#src/domain/order.js';
import { Counter } from '#src/runtime/telemetry.js';
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
