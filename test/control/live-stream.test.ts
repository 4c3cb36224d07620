/** live-stream: the latest state for whoever has the key, each fill once, and slow or silent clients harm nobody. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { EventKind } from '#src/domain/core-record.js';
import { Side } from '#src/domain/order.js';
import { KEY, Rig } from './rig.js';

const ORDER = 4_294_967_296 + 1;
const DEADLINE_MS = 5000;

interface Message {
  readonly topic: string;
  readonly data: unknown;
}

/** A client that keeps what it hears. */
class Client {
  readonly socket: WebSocket;
  readonly heard: Message[] = [];
  closeCode = 0;
  httpStatus = 0;
  readonly opened: Promise<void>;

  constructor(rig: Rig, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${String(rig.port)}/v1/stream`, { headers });
    this.socket.on('message', (bytes: Buffer) => {
      this.heard.push(JSON.parse(bytes.toString('utf8')) as Message);
    });
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
    this.socket.on('unexpected-response', (_request, response) => {
      this.httpStatus = response.statusCode ?? 0;
    });
    this.socket.on('error', () => undefined);
    this.opened = new Promise((resolve) => this.socket.once('open', resolve));
  }

  static async admitted(rig: Rig, first: object = { key: KEY }): Promise<Client> {
    const client = new Client(rig);
    await client.opened;
    client.socket.send(JSON.stringify(first));
    return client;
  }

  of(topic: string): unknown[] {
    return this.heard.filter((message) => message.topic === topic).map((message) => message.data);
  }

  async wait(isReached: () => boolean, what: string): Promise<void> {
    const deadlineMs = Date.now() + DEADLINE_MS;
    while (!isReached()) {
      if (Date.now() > deadlineMs) throw new Error(`waited too long: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function started(t: Test): Promise<Rig> {
  const rig = new Rig(t.testdir());
  await rig.start();
  t.teardown(async () => {
    await rig.stop();
  });
  return rig;
}

void t.test('a client with the key hears every topic', async (t) => {
  const rig = await started(t);
  rig.setMarket(6_000_000);
  rig.setPosition();
  rig.setPortfolio();
  rig.source.openOrder(ORDER);
  const client = await Client.admitted(rig);
  for (const topic of [
    'hello',
    'history',
    'status',
    'market',
    'fair',
    'feeds',
    'positions',
    'orders',
    'fills',
    'latency',
  ]) {
    await client.wait(() => client.of(topic).length > 0, topic);
  }
  t.equal(client.heard[0]?.topic, 'hello');
  t.match(client.of('hello')[0], { run: 1, mode: 'paper', venues: ['coinbase'] });
  t.match(client.of('market')[0], [{ symbol: 'BTC-USD', bid: '60000' }]);
  await client.wait(() => (client.of('fair').at(-1) as unknown[]).length > 0, 'a fair price');
  t.match(client.of('fair').at(-1), [
    { asset: 'BTC', price: '60000.005', sources: [{ venue: 'coinbase', state: 'used' }] },
  ]);
  t.match(client.of('feeds').at(-1), [{ venue: 'coinbase', state: 'Connected' }]);
  t.match(client.of('status')[0], { trading: { state: 'Active' }, counters: { ticksReceived: 0 } });
  await client.wait(() => (client.of('orders').at(-1) as unknown[]).length === 1, 'the open order');
  t.match(client.of('orders').at(-1), [{ orderSeq: ORDER, state: 'Open' }]);
  client.socket.terminate();
});

void t.test('each fill is told once, also those before the client came', async (t) => {
  const rig = await started(t);
  for (let n = 0; n < 5; n++) rig.trade(ORDER + n, Side.Buy, 6_000_000 + n);
  rig.writer.commit();
  const early = await Client.admitted(rig);
  await early.wait(() => early.of('fills').flat().length === 5, 'the fills before');
  for (let n = 5; n < 45; n++) {
    rig.trade(ORDER + n, Side.Sell, 6_000_000 + n);
    await new Promise((resolve) => setTimeout(resolve, 7));
  }
  await early.wait(() => early.of('fills').flat().length >= 45, 'all fills');
  const late = await Client.admitted(rig);
  await late.wait(() => late.of('fills').flat().length >= 45, 'all fills, later');
  for (const client of [early, late]) {
    const prices = (client.of('fills').flat() as { price: string }[]).map((fill) => fill.price);
    t.strictSame(
      prices,
      Array.from({ length: 45 }, (_, n) => String((6_000_000 + n) / 100)),
    );
    client.socket.terminate();
  }
});

void t.test(
  'prices are conflated: ten states a second at most, and the last one is told',
  async (t) => {
    const rig = await started(t);
    let bid = 6_000_000;
    rig.onTurn = (): void => {
      if (bid < 6_000_200) rig.setMarket(++bid);
    };
    const client = await Client.admitted(rig, { key: KEY, topics: ['market'] });
    const lastBid = (): string =>
      (client.of('market').at(-1) as { bid: string }[] | undefined)?.[0]?.bid ?? '';
    await client.wait(() => lastBid() === '60002', 'the last price');
    t.ok(
      client.of('market').length < 60,
      `told ${String(client.of('market').length)} of 200 states`,
    );
    t.strictSame(
      new Set(client.heard.map((message) => message.topic)),
      new Set(['hello', 'history', 'market']),
    );
    client.socket.terminate();
  },
);

void t.test('a page that comes later gets the prices so far', async (t) => {
  const rig = await started(t);
  let bid = 6_000_000;
  rig.onTurn = (): void => {
    rig.setMarket(++bid);
  };
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const client = await Client.admitted(rig);
  await client.wait(() => client.of('history').length > 0, 'history');
  const history = client.of('history')[0] as {
    mids: { instrumentIndex: number; samples: [number, string][] }[];
    fairs: { asset: string; samples: [number, string][] }[];
  };
  t.equal(history.mids[0]?.instrumentIndex, 0);
  t.ok((history.mids[0]?.samples.length ?? 0) >= 2);
  t.match(history.mids[0]?.samples[0], [Number, /^60\d{3}\.\d+$/]);
  t.equal(history.fairs[0]?.asset, 'BTC');
  t.ok((history.fairs[0]?.samples.length ?? 0) >= 2);
  t.match(history.fairs[0]?.samples[0], [Number, /^60\d{3}\.\d+$/]);
  client.socket.terminate();
});

void t.test(
  'a wrong key, a wrong word or no word at all closes the connection with a code',
  async (t) => {
    const rig = await started(t);
    const wrong = await Client.admitted(rig, { key: 'x'.repeat(40) });
    await wrong.wait(() => wrong.closeCode === 4401, 'wrong key');
    const keyless = await Client.admitted(rig, { topics: ['market'] });
    await keyless.wait(() => keyless.closeCode === 4401, 'no key');
    for (const text of [
      'not json',
      '[]',
      '{}',
      '"x"',
      'null',
      '{"key": 5}',
      '{"key": "k", "topics": ["prices"]}',
    ]) {
      const client = new Client(rig);
      await client.opened;
      client.socket.send(text);
      await client.wait(() => client.closeCode === 4400, text);
    }
    const huge = new Client(rig);
    await huge.opened;
    huge.socket.send('x'.repeat(100_000));
    await huge.wait(() => huge.closeCode !== 0, 'a message over the limit');
    const before = rig.clock.nowNs();
    const silent = new Client(rig);
    await silent.opened;
    rig.clock.nowNs = (): number => before + 6_000_000_000;
    await silent.wait(() => silent.closeCode === 4401, 'a client that says nothing');
    for (const client of [wrong, keyless, silent])
      t.strictSame(client.heard, [], 'and it heard nothing');
  },
);

void t.test('a client that can set headers is let in by them, or not', async (t) => {
  const rig = await started(t);
  const known = new Client(rig, { authorization: `Bearer ${KEY}` });
  await known.wait(() => known.of('hello').length === 1, 'hello');
  const stranger = new Client(rig, { authorization: `Bearer ${'x'.repeat(40)}` });
  await stranger.wait(() => stranger.httpStatus === 401, 'refused before it is a WebSocket');
  known.socket.terminate();
});

void t.test('more clients than there is room for are sent away', async (t) => {
  const rig = await started(t);
  const clients = Array.from({ length: 32 }, () => new Client(rig));
  await Promise.all(clients.map(async (client) => client.opened));
  const last = new Client(rig);
  await last.wait(() => last.closeCode === 4429, 'API_BUSY');
  for (const client of clients) client.socket.terminate();
});

void t.test('a client that does not read is skipped, and the others do not notice', async (t) => {
  const rig = await started(t);
  rig.setPortfolio();
  let bid = 6_000_000;
  rig.onTurn = (): void => {
    rig.setMarket(++bid);
  };
  const asleep = await Client.admitted(rig);
  await asleep.wait(() => asleep.of('market').length > 0, 'the first prices');
  asleep.socket.pause();
  const awake = await Client.admitted(rig);
  const count = (): number => awake.of('market').length;
  await awake.wait(() => count() > 15, 'prices');
  const before = asleep.of('market').length;
  asleep.socket.resume();
  await asleep.wait(() => asleep.of('market').length > before, 'it goes on');
  asleep.socket.terminate();
  awake.socket.terminate();
});

void t.test('at the end of the run every client is told that the engine goes away', async (t) => {
  const rig = new Rig(t.testdir());
  await rig.start();
  rig.source.record(EventKind.RunStarted);
  const client = await Client.admitted(rig);
  await client.wait(() => client.of('status').length > 0, 'status');
  await rig.stop();
  await client.wait(() => client.closeCode === 1001, 'going away');
  t.pass('told');
});
