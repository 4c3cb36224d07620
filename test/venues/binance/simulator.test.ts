/**
 * The simulators' dialect: their texts have the keys of captured ones, in the same order and the same shapes, and our
 * feed, made by the same rules as for the real venue, follows their books through everything that a stream may do.
 */
import t from 'tap';
import { codeAt } from '#src/domain/errors.js';
import { Side } from '#src/domain/order.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import { BinanceMarketFeed } from '#src/venues/binance/market-feed.js';
import { parseInstruments } from '#src/venues/binance/instruments.js';
import { SIMULATOR, SIMULATOR_USDM } from '#src/venues/binance/simulator.js';
import type {
  LevelChange,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorRequest,
  VenueSimulator,
} from '#src/venues/simulator-port.js';
import { RejectList, TickList } from '../feed-rig.js';
import { fixtureLines, SPOT, USDM } from './binance-rig.js';

/** JSON off the wire: looked into, not typed. */
type Json = ReturnType<typeof JSON.parse>;

const START_NS = 1_723_161_254_000_000_000n;
const MS = 1_000_000n;

class FakeConnection implements SimulatorConnection {
  readonly isPrivate: boolean;
  readonly path: string;
  readonly query: string;
  readonly texts: string[] = [];
  readonly topics: string[] = [];
  closed: number | null = null;
  onText: (text: string) => void = () => undefined;
  constructor(path: string, query = '', isPrivate = false) {
    this.path = path;
    this.query = query;
    this.isPrivate = isPrivate;
  }
  send(text: string, topic: string): void {
    this.texts.push(text);
    this.topics.push(topic);
    this.onText(text);
  }
  close(code: number): void {
    this.closed = code;
  }
  take(): Json[] {
    this.topics.length = 0;
    return this.texts.splice(0).map((text) => JSON.parse(text));
  }
}

class World {
  readonly definition: SimulatorDefinition;
  readonly exchange: Exchange;
  readonly simulator: VenueSimulator;
  nowNs = START_NS;

  constructor(definition: SimulatorDefinition) {
    this.definition = definition;
    const instruments = definition.instruments;
    this.exchange = new Exchange({
      instruments,
      makerFeePpm: 0n,
      takerFeePpm: 0n,
      state: freshState(instruments, 0n),
    });
    let tradeId = 1_000;
    this.simulator = definition.create({
      exchange: this.exchange,
      verifier: { verify: () => 'no keys here' },
      nextTradeId: () => tradeId++,
      idSalt: '0badcafe',
      startedNs: START_NS,
      takeReject: () => null,
    });
  }

  open(path: string, query = '', isPrivate = false): FakeConnection {
    const connection = new FakeConnection(path, query, isPrivate);
    this.simulator.onOpen(connection, this.nowNs);
    return connection;
  }

  say(connection: FakeConnection, message: unknown): Json[] {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    // Not more than five a second.
    this.pass(300);
    connection.take();
    this.simulator.onMessage(connection, text, this.nowNs);
    return connection.take();
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 50) {
      this.nowNs += 50n * MS;
      this.simulator.onTime(this.nowNs);
    }
  }

  /** Prices and sizes as mantissas: 99.50 and 1 BTC are [9950, 1e8]. */
  snapshot(bids: readonly number[][], asks: readonly number[][], instrumentIndex = 0): void {
    const levels = (side: readonly number[][]): { priceMantissa: number; sizeMantissa: number }[] =>
      side.map(([priceMantissa = 0, sizeMantissa = 0]) => ({ priceMantissa, sizeMantissa }));
    this.simulator.onMarket(
      { kind: 'snapshot', instrumentIndex, bids: levels(bids), asks: levels(asks) },
      this.nowNs,
    );
  }

  levels(changes: readonly LevelChange[], instrumentIndex = 0): void {
    this.nowNs += MS;
    this.simulator.onMarket({ kind: 'levels', instrumentIndex, changes }, this.nowNs);
  }

  trade(priceMantissa: number, sizeMantissa: number, takerSide: Side): void {
    this.simulator.onMarket(
      { kind: 'trade', instrumentIndex: 0, priceMantissa, sizeMantissa, takerSide },
      this.nowNs,
    );
  }

  get(path: string, query = '', method = 'GET'): { status: number; body: Json; headers: Json } {
    const request: SimulatorRequest = {
      ...{ method, path, query, host: 'localhost', authorization: '', body: '' },
    };
    const { status, body, headers } = this.simulator.onRequest(request, this.nowNs);
    return { status, body: JSON.parse(body), headers };
  }
}

const level = (isAsk: boolean, priceMantissa: number, sizeMantissa: number): LevelChange => ({
  isAsk,
  priceMantissa,
  sizeMantissa,
});

function spot(): World {
  const world = new World(SIMULATOR);
  world.snapshot([[9950, 1e8]], [[10000, 3e8]]);
  return world;
}

function futures(): World {
  const world = new World(SIMULATOR_USDM);
  world.snapshot([[9950, 1e8]], [[10000, 3e8]]);
  return world;
}

/** Keys in order, with the kind of each value; of a decimal whether it has a point. */
function shapeOf(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${shapeOf(value[0])}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, member]) => `${key}:${shapeOf(member)}`);
    return `{${entries.join(',')}}`;
  }
  if (typeof value !== 'string') return typeof value;
  return /^\d+\.\d+$/.test(value) ? `0.${value.split('.')[1]?.length ?? 0}` : 'text';
}

t.test('texts have the shapes of captured ones', async (t) => {
  for (const [world, name, streams] of [
    [spot(), 'spot_hbt2024', 'btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms'],
    [futures(), 'usdm_hbt2024', 'btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms'],
    [futures(), 'usdm_cf2021', 'btcusdt@aggTrade'],
    [spot(), 'spot_cf2021', 'btcusdt@aggTrade'],
  ] as const) {
    const isFutures = name.startsWith('usdm');
    const isMarket = isFutures && streams.includes('aggTrade');
    const connection = world.open(
      isFutures ? (isMarket ? '/market/stream' : '/public/stream') : '/stream',
      `streams=${streams}`,
    );
    world.levels([level(false, 9960, 5e7), level(true, 10000, 0), level(true, 10010, 1e8)]);
    world.trade(9960, 25_000_000, Side.Sell);
    world.pass(200);
    const kindOf = (frame: Json): string =>
      frame.data?.e ?? ('lastUpdateId' in frame ? 'rest' : 'bookTicker');
    const captured = new Map<string, string>();
    for (const { raw, dir } of fixtureLines(name)) {
      if (dir !== 'in' && dir !== 'http') continue;
      const frame = JSON.parse(raw);
      const isWhole = frame.data?.b?.length !== 0 && frame.data?.a?.length !== 0;
      if (isWhole && !captured.has(kindOf(frame))) captured.set(kindOf(frame), shapeOf(frame));
    }
    const frames = connection.take();
    t.ok(frames.length > 0);
    for (const frame of frames) {
      // Decimals differ by symbol in 2021; order and kinds do not.
      const plain = (shape: string | undefined): string =>
        name.includes('2021') ? (shape ?? '').replace(/0\.\d+|text/g, 'text') : (shape ?? '');
      t.equal(plain(shapeOf(frame)), plain(captured.get(kindOf(frame))), kindOf(frame));
    }
    if (name.includes('2021')) continue;
    const { body } = world.get(
      isFutures ? '/fapi/v1/depth' : '/api/v3/depth',
      'symbol=BTCUSDT&limit=1000',
    );
    t.equal(shapeOf(body), captured.get('rest'));
  }
});

t.test('diffs are gathered for their interval, and ids chain them', async (t) => {
  const world = spot();
  const connection = world.open('/ws/btcusdt@depth@100ms/btcusdt@depth');
  world.pass(2_000);
  connection.take();
  const { lastUpdateId } = world.get('/api/v3/depth', 'symbol=BTCUSDT').body;
  world.levels([level(false, 9960, 1e8)]);
  world.levels([level(false, 9960, 2e8), level(true, 10000, 0)]);
  world.pass(100);
  const frames = connection.take();
  t.equal(
    frames.length,
    3,
    'the first change at once, the others together, and all of them a second apart',
  );
  t.equal(frames[0].U, Number(lastUpdateId) + 1);
  t.same(
    frames.map(({ U, u }: Json) => u - U),
    [0, 0, 1],
  );
  world.levels([level(true, 10020, 1e8)]);
  world.pass(150);
  const last = frames.at(-1);
  const next = connection.take()[0];
  t.equal(next.U, Number(last.u) + 1);
  t.equal(world.get('/api/v3/depth', 'symbol=BTCUSDT').body.lastUpdateId, next.u);

  const other = futures();
  const ahead = other.open('/public/ws/btcusdt@depth@100ms');
  other.pass(200);
  ahead.take();
  for (let turn = 0; turn < 3; turn++) {
    other.levels([level(false, 9960 + turn, 1e8)]);
    other.levels([level(false, 8000 + turn, 1e8)], 1);
    other.pass(150);
  }
  const chain = ahead.take();
  t.equal(chain.length, 3);
  t.same(
    chain.slice(1).map(({ pu }: Json) => pu),
    chain.slice(0, -1).map(({ u }: Json) => u),
  );
  t.ok(chain[1].U > Number(chain[0].u) + 1, 'ids count the other symbol as well');
});

t.test(
  'streams are named in the address or asked for, and refused in the venue’s words',
  async (t) => {
    const world = spot();
    const raw = world.open('/ws');
    t.same(world.say(raw, { method: 'SUBSCRIBE', params: ['btcusdt@trade'], id: 7 }), [
      { result: null, id: 7 },
    ]);
    t.same(world.say(raw, { method: 'LIST_SUBSCRIPTIONS', id: 'x' }), [
      { result: ['btcusdt@trade'], id: 'x' },
    ]);
    world.trade(9960, 25_000_000, Side.Buy);
    t.match(raw.take(), [{ e: 'trade', m: false, p: '99.60000000', q: '0.25000000' }]);
    const combined = world.open('/stream', 'streams=btcusdt@trade&timeUnit=microsecond');
    world.trade(9960, 25_000_000, Side.Sell);
    const [trade] = combined.take();
    t.match(trade, { stream: 'btcusdt@trade', data: { m: true } });
    t.equal(String(trade.data.T).length, 16, 'microseconds were asked for');
    t.same(world.say(raw, { method: 'SUBSCRIBE', params: ['xyzusdt@depth'], id: 8 }), [
      { result: null, id: 8 },
    ]);
    for (const stream of [
      'btcusdt@nothing',
      'BTCUSDT@trade',
      'btcusdt@depth7',
      'btcusdt@depth@1ms',
    ]) {
      t.same(
        world.say(raw, { method: 'SUBSCRIBE', params: [stream], id: 9 }),
        [{ error: { code: 2, msg: 'Invalid request: invalid stream' }, id: 9 }],
        stream,
      );
    }
    t.match(world.say(raw, '{'), [{ code: 3 }]);
    t.match(world.say(raw, { method: 'DANCE', id: 1 }), [{ error: { code: 2 }, id: 1 }]);
    t.match(world.say(raw, { method: 'SUBSCRIBE', params: 'x', id: 1 }), [{ error: { code: 2 } }]);
    t.same(world.say(raw, { method: 'UNSUBSCRIBE', params: ['btcusdt@trade'], id: 10 }), [
      { result: null, id: 10 },
    ]);
    world.trade(9960, 25_000_000, Side.Sell);
    t.same(raw.take(), []);
    for (let count = 0; count < 6; count++) {
      world.simulator.onMessage(raw, '{"method":"LIST_SUBSCRIPTIONS","id":1}', world.nowNs);
    }
    t.equal(raw.closed, 1008, 'six messages at once');
    const hidden = world.open('/ws-api/v3', '', true);
    t.match(world.say(hidden, { id: 'a', method: 'order.place' }), [
      { id: 'a', status: 401, error: { code: -2015 } },
    ]);
  },
);

t.test('futures streams come by their own address', async (t) => {
  const world = futures();
  const book = world.open('/public/stream', 'streams=btcusdt@trade/btcusdt@markPrice@1s');
  const rest = world.open('/market/stream', 'streams=btcusdt@trade/btcusdt@markPrice@1s');
  const old = world.open('/stream', 'streams=btcusdt@trade/btcusdt@markPrice@1s');
  world.trade(9960, 25_000_000, Side.Buy);
  world.pass(1_100);
  const streams = (connection: FakeConnection): string[] => [
    ...new Set(connection.take().map(({ stream }: Json) => stream)),
  ];
  t.same(streams(book), ['btcusdt@trade']);
  t.same(streams(rest), ['btcusdt@markPrice@1s']);
  t.same(streams(old), ['btcusdt@trade']);
});

t.test('partial books are whole and small', async (t) => {
  const world = spot();
  const connection = world.open('/stream', 'streams=btcusdt@depth5@100ms');
  world.levels(Array.from({ length: 9 }, (_, i) => level(true, 10100 + i, 1e8)));
  world.pass(100);
  const [frame] = connection.take();
  t.same(Object.keys(frame.data), ['lastUpdateId', 'bids', 'asks']);
  t.equal(frame.data.asks.length, 5);
  t.equal(frame.data.bids.length, 1);
});

t.test('REST: books, trades, candles, and refusals with their codes', async (t) => {
  const world = spot();
  world.trade(9960, 25_000_000, Side.Buy);
  world.trade(9950, 50_000_000, Side.Sell);
  const symbol = 'symbol=BTCUSDT';
  t.same(world.get('/api/v3/ping').body, {});
  t.equal(world.get('/api/v3/time').body.serverTime, Number(world.nowNs / MS));
  t.match(world.get('/api/v3/depth', symbol).body, {
    bids: [['99.50000000', '1.00000000']],
    asks: [['100.00000000', '3.00000000']],
  });
  t.match(world.get('/api/v3/trades', `${symbol}&limit=1`).body, [
    { price: '99.50000000', qty: '0.50000000', quoteQty: '49.75000000', isBuyerMaker: true },
  ]);
  t.match(world.get('/api/v3/aggTrades', symbol).body, [{ m: false }, { m: true }]);
  t.match(world.get('/api/v3/ticker/bookTicker').body, [
    { symbol: 'BTCUSDT', bidPrice: '99.50000000' },
    { symbol: 'ETHUSDT', bidPrice: '0.00000000' },
    { symbol: 'USDCUSDT' },
  ]);
  t.match(world.get('/api/v3/ticker/24hr', symbol).body, {
    lastPrice: '99.50000000',
    openPrice: '99.60000000',
    volume: '0.75000000',
    count: 2,
  });
  const [candle] = world.get('/api/v3/klines', `${symbol}&interval=1m`).body;
  t.same(candle.slice(1, 6), [
    ...['99.60000000', '99.60000000', '99.50000000', '99.50000000', '0.75000000'],
  ]);
  t.match(world.get('/api/v3/klines', `${symbol}&interval=7m`), {
    status: 400,
    body: { code: -1120 },
  });
  t.match(world.get('/api/v3/depth'), { status: 400, body: { code: -1102 } });
  t.match(world.get('/api/v3/depth', 'symbol=XYZUSDT'), { status: 400, body: { code: -1121 } });
  t.match(world.get('/api/v3/exchangeInfo', 'symbol=XYZUSDT'), { body: { code: -1121 } });
  t.match(world.get('/api/v3/nothing'), { status: 404 });
  for (const [path, method] of [
    ['/api/v3/account', 'GET'],
    ['/api/v3/order', 'POST'],
    ['/api/v3/openOrders', 'GET'],
  ] as const) {
    t.match(world.get(path, '', method), { status: 401, body: { code: -2015 } }, path);
  }
  const usdm = futures();
  t.match(usdm.get('/fapi/v1/premiumIndex', symbol).body, {
    markPrice: '99.75000000',
    indexPrice: '99.75000000',
    lastFundingRate: '0.00010000',
  });
  t.match(usdm.get('/fapi/v1/depth', `${symbol}&limit=7`), { status: 400, body: { code: -4021 } });
  t.match(usdm.get('/fapi/v1/order', '', 'POST'), { status: 401, body: { code: -2015 } });
});

t.test('weights are counted by the minute; who asks too much is told to wait', async (t) => {
  const world = spot();
  const used = world.get('/api/v3/depth', 'symbol=BTCUSDT&limit=1000').headers;
  t.equal(used['x-mbx-used-weight-1m'], '50');
  let answer = world.get('/api/v3/depth', 'symbol=BTCUSDT&limit=5000');
  for (let count = 0; count < 30 && answer.status === 200; count++) {
    answer = world.get('/api/v3/depth', 'symbol=BTCUSDT&limit=5000');
  }
  t.match(answer, { status: 429, body: { code: -1003 } });
  t.ok(Number(answer.headers['retry-after']) > 0);
  world.nowNs += 60_000n * MS;
  t.equal(world.get('/api/v3/ping').status, 200);
  t.equal(world.simulator.rateLimited(world.nowNs).headers['retry-after'], '1');
});

t.test('what a simulator lists is what it trades', async (t) => {
  for (const [definition, market, path] of [
    [SIMULATOR, SPOT, '/api/v3/exchangeInfo'],
    [SIMULATOR_USDM, USDM, '/fapi/v1/exchangeInfo'],
  ] as const) {
    const { body } = new World(definition).get(path);
    const { instruments, refused } = parseInstruments(market, JSON.stringify(body));
    t.same(refused, []);
    t.same(instruments, definition.instruments);
  }
});

/** Our feed at a simulator, its requests answered at once. */
function follow(world: World, isLost: (text: string) => boolean): BinanceMarketFeed {
  const isFutures = world.definition === SIMULATOR_USDM;
  const feed = new BinanceMarketFeed(isFutures ? USDM : SPOT, {
    instruments: world.definition.instruments,
    ticks: new TickList(),
    rejects: new RejectList(),
    runEpochNs: START_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  const connection = world.open(isFutures ? '/public/stream' : '/stream');
  const recvNs = (): number => Number(world.nowNs - START_NS) + 1;
  connection.onText = (text) => {
    if (isLost(text)) return;
    feed.onFrame(Buffer.from(text), recvNs());
    for (let path = feed.takeRequest(); path !== null; path = feed.takeRequest()) {
      const [route = '', query = ''] = path.split('?');
      feed.onBody(path, Buffer.from(JSON.stringify(world.get(route, query).body)), recvNs());
    }
  };
  for (const text of feed.onConnected()) world.simulator.onMessage(connection, text, world.nowNs);
  return feed;
}

t.test(
  'our feed follows the book of the simulator, through losses and jumps of the market',
  async (t) => {
    for (const definition of [SIMULATOR, SIMULATOR_USDM]) {
      const world = new World(definition);
      world.snapshot([[9950, 1e8]], [[10000, 3e8]]);
      let lost = 0;
      let isLossy = true;
      let turn = 0;
      const feed = follow(world, (text) => {
        const isHit = isLossy && text.includes('depthUpdate') && turn % 7 === 3;
        if (isHit) lost++;
        return isHit;
      });
      const same = (): void => {
        const { bids, asks } = world.exchange.depth(0, Infinity);
        const book = feed.markets[0]?.book;
        t.equal(codeAt(feed.markets[0]?.staleReason ?? -1), 'OK');
        t.equal(book?.bids.count, bids.length);
        t.equal(book?.asks.count, asks.length);
        for (const [depth, { priceMantissa, sizeMantissa }] of bids.entries()) {
          if (book?.bids.priceAt(depth) !== priceMantissa) t.fail(`bid ${depth}`);
          if (book?.bids.sizeAt(depth) !== sizeMantissa) t.fail(`size of bid ${depth}`);
        }
      };
      for (; turn < 200; turn++) {
        const price = 9900 + ((turn * 37) % 60);
        world.levels([
          level(false, price, ((turn % 5) + 0) * 1e7),
          level(true, price + 100, ((turn % 3) + 0) * 1e7),
        ]);
        if (turn % 50 === 49) world.snapshot([[9000 + turn, 1e8]], [[9990 + turn, 2e8]]);
        world.trade(9950, 1e6, Side.Buy);
        world.pass(100);
      }
      isLossy = false;
      t.ok(lost > 10, `${lost} diffs were lost`);
      t.ok((feed.markets[0]?.gapCount ?? 0) > 0);
      for (turn = 200; turn < 260; turn++) {
        world.levels([level(false, 9950, 1e8 + turn)]);
        world.pass(100);
      }
      same();
      t.equal(feed.markets[0]?.tradeCount, 200);
      if (definition === SIMULATOR_USDM) {
        t.ok((feed.markets[0]?.markPriceMantissa ?? 0) > 0, 'marks come by REST');
      }
      t.ok(
        feed.subscriptions.every(({ state }) => state === 2),
        'all are live',
      );
    }
  },
);
