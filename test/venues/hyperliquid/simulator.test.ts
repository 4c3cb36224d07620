/**
 * Hyperliquid's simulator against the feed: driven by hand, where every frame is decoded on the spot, and over real sockets.
 * What the venue sends in which words stands in the captures and its documentation.
 */
import t from 'tap';
import { WebSocket } from 'ws';
import type { Book } from '#src/domain/book.js';
import { Side } from '#src/domain/order.js';
import { AssetMarkets } from '#src/sim/asset-markets.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import type { VenueMarket } from '#src/sim/venue-market.js';
import { isPriceAllowed, parseInstruments } from '#src/venues/hyperliquid/instruments.js';
import { HyperliquidMarketFeed } from '#src/venues/hyperliquid/market-feed.js';
import { SIMULATOR } from '#src/venues/hyperliquid/simulator.js';
import type {
  SimulatedExchange,
  SimulatorAnswer,
  SimulatorConnection,
  VenueSimulator,
} from '#src/venues/simulator-port.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { RecordingMaker, startVenue, type Json } from '../../sim/venue-client.js';
import { RejectList, TickList } from '../feed-rig.js';
import { levelsOf, linesOf } from './hyperliquid-rig.js';

const START_NS = 1_795_360_000_000_000_000n;
const MS = 1_000_000n;

class FakeConnection implements SimulatorConnection {
  readonly isPrivate = false;
  readonly path = '/ws';
  readonly query = '';
  readonly texts: string[] = [];
  closed: number | null = null;
  onText: (text: string) => void = () => undefined;
  send(text: string): void {
    this.texts.push(text);
    this.onText(text);
  }
  close(code: number): void {
    this.closed = code;
  }
  take(): Json[] {
    return this.texts.splice(0).map((text) => JSON.parse(text));
  }
}

interface World {
  readonly simulator: VenueSimulator;
  readonly exchange: SimulatedExchange;
  readonly connection: FakeConnection;
  readonly say: (message: unknown, nowNs?: bigint) => void;
  readonly ask: (path: string, body: unknown) => SimulatorAnswer;
}

function world(): World {
  const exchange = new Exchange({
    instruments: SIMULATOR.instruments,
    makerFeePpm: 0n,
    takerFeePpm: 500n,
    state: freshState(SIMULATOR.instruments, 0n),
  });
  let tradeId = 1000;
  const simulator = SIMULATOR.create({
    exchange,
    verifier: { verify: () => 'bad' },
    nextTradeId: () => tradeId++,
    idSalt: '0badcafe',
    startedNs: START_NS,
    takeReject: () => null,
  });
  const connection = new FakeConnection();
  return {
    simulator,
    exchange,
    connection,
    say: (message, nowNs = START_NS) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      simulator.onMessage(connection, text, nowNs);
    },
    ask: (path, body) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const request = { method: 'POST', path, query: '', host: '', authorization: '', body: text };
      return simulator.onRequest(request, START_NS);
    },
  };
}

const level = (priceMantissa: number, sizeMantissa: number): Json => ({
  priceMantissa,
  sizeMantissa,
});

/** BTC at 61,712 and 61,713. */
function withBook(world: World): void {
  const bids = [level(617120, 70000), level(617110, 5)];
  const asks = [level(617130, 100000)];
  world.simulator.onMarket({ kind: 'snapshot', instrumentIndex: 0, bids, asks }, START_NS);
}

function trade(world: World, priceMantissa: number, takerSide: Side, nowNs = START_NS): void {
  const event = { kind: 'trade', instrumentIndex: 0, priceMantissa, sizeMantissa: 22, takerSide };
  world.simulator.onMarket(event as never, nowNs);
}

const subscribe = (type: string, coin = 'BTC', method = 'subscribe'): Json => ({
  method,
  subscription: { type, coin },
});

/** The next event, if there is anything of it to be seen. */
function play(simulator: VenueSimulator, market: VenueMarket, nowNs: bigint): void {
  const event = market.next();
  if (event !== null) simulator.onMarket(event, nowNs);
}

function isSameBook(book: Book, exchange: SimulatedExchange, place: number): boolean {
  const { bids, asks } = exchange.depth(place, 20);
  const pairs = (levels: typeof bids): number[][] =>
    levels.map(({ priceMantissa, sizeMantissa }) => [priceMantissa, sizeMantissa]);
  return (
    JSON.stringify(levelsOf(book.bids)) === JSON.stringify(pairs(bids)) &&
    JSON.stringify(levelsOf(book.asks)) === JSON.stringify(pairs(asks))
  );
}

t.test('messages have the shape and the order of members of the captured ones', async (t) => {
  const one = world();
  withBook(one);
  const { simulator, connection, say } = one;
  trade(one, 617130, Side.Buy);
  simulator.onTime(START_NS);
  simulator.onOpen(connection, START_NS);
  for (const type of ['l2Book', 'trades', 'bbo', 'activeAssetCtx', 'candle']) say(subscribe(type));
  say({ method: 'ping' });
  const [bookAnswer, book, tradesAnswer, trades, bboAnswer, bbo, ctxAnswer, ctx, candle, pong] =
    connection.take();
  const captured = (name: string): Json =>
    JSON.parse(linesOf('samples_live_frames').find((line) => line.name === name)?.raw ?? '');
  t.same(bookAnswer, {
    channel: 'subscriptionResponse',
    data: {
      method: 'subscribe',
      subscription: { type: 'l2Book', coin: 'BTC', nSigFigs: null, mantissa: null },
    },
  });
  t.same(bboAnswer, captured('subscriptionResponse'));
  t.same(tradesAnswer.data.subscription, { type: 'trades', coin: 'BTC' });
  t.same(pong, captured('pong'));
  t.same(book.data, {
    coin: 'BTC',
    time: 1_795_360_000_000,
    levels: [
      [
        { px: '61712.0', sz: '0.7', n: 1 },
        { px: '61711.0', sz: '0.00005', n: 1 },
      ],
      [{ px: '61713.0', sz: '1.0', n: 1 }],
    ],
  });
  t.same(Object.keys(book.data), ['coin', 'time', 'levels']);
  const keysOf = (value: Json): string[] => Object.keys(value);
  t.same(keysOf(bbo.data), keysOf(captured('bbo').data));
  t.same(keysOf(bbo.data.bbo[0]), keysOf(captured('bbo').data.bbo[0]));
  t.same(keysOf(trades.data[0]), keysOf(captured('trades').data[0]));
  t.match(trades.data, [{ coin: 'BTC', side: 'B', px: '61713.0', sz: '0.00022', tid: 1000 }]);
  t.equal(trades.data[0].hash.length, 66);
  t.same(
    trades.data[0].users.map((user: string) => user.length),
    [42, 42],
  );
  t.same(keysOf(ctx.data.ctx), keysOf(captured('activeAssetCtx').data.ctx));
  t.match(ctx.data.ctx, { markPx: '61712.0', midPx: '61712.5', impactPxs: ['61712.0', '61713.0'] });
  for (const answer of [ctxAnswer, candle]) t.equal(answer.channel, 'subscriptionResponse');
});

t.test('books come whole and twice a second, trades and tops when there are some', async (t) => {
  const one = world();
  withBook(one);
  const { simulator, connection, say } = one;
  simulator.onTime(START_NS);
  simulator.onOpen(connection, START_NS);
  for (const type of ['l2Book', 'trades', 'bbo']) say(subscribe(type));
  connection.take();
  const topics = (): string[] => connection.take().map(({ channel }) => channel as string);
  simulator.onTime(START_NS + 450n * MS);
  t.same(topics(), []);
  simulator.onTime(START_NS + 500n * MS);
  t.same(topics(), ['l2Book'], 'though nothing has changed');
  trade(one, 617130, Side.Buy, START_NS + 510n * MS);
  trade(one, 617120, Side.Sell, START_NS + 520n * MS);
  simulator.onTime(START_NS + 550n * MS);
  const [trades] = connection.take();
  t.same(
    trades.data.map(({ side, time }: Json) => [side, time]),
    [
      ['B', 1_795_360_000_510],
      ['A', 1_795_360_000_520],
    ],
    'oldest first',
  );
  const change = { isAsk: false, ...level(617120, 0) };
  simulator.onMarket({ kind: 'levels', instrumentIndex: 0, changes: [change] }, START_NS);
  simulator.onTime(START_NS + 600n * MS);
  t.same(topics(), ['bbo']);
  say(subscribe('bbo', 'BTC', 'unsubscribe'));
  t.same(topics(), ['subscriptionResponse']);
  simulator.onMarket(
    { kind: 'levels', instrumentIndex: 0, changes: [{ isAsk: false, ...level(617110, 0) }] },
    START_NS,
  );
  simulator.onTime(START_NS + 650n * MS);
  t.same(topics(), []);
});

t.test('what is wrong is said in the venue’s words', async (t) => {
  const { simulator, connection, say } = world();
  simulator.onOpen(connection, START_NS);
  say('{"method":');
  say({ method: 'dance' });
  say(subscribe('l2Book', 'DOGE'));
  say(subscribe('weather'));
  say(subscribe('bbo', 'BTC', 'unsubscribe'));
  say(subscribe('bbo'));
  say(subscribe('bbo'));
  const errors = connection.take().filter(({ channel }) => channel === 'error');
  t.same(
    errors.map(({ data }) => data as string),
    [
      'Error parsing JSON into valid websocket request: {"method":',
      'Error parsing JSON into valid websocket request: {"method":"dance"}',
      'Invalid subscription {"type":"l2Book","coin":"DOGE","nSigFigs":null,"mantissa":null}',
      'Invalid subscription {"type":"weather","coin":"BTC"}',
      'Already unsubscribed: {"type":"bbo","coin":"BTC"}',
      'Already subscribed: {"type":"bbo","coin":"BTC"}',
    ],
  );
});

t.test('a connection that hears nothing for a minute is closed, a ping keeps it', async (t) => {
  const { simulator, connection, say } = world();
  simulator.onOpen(connection, START_NS);
  say({ method: 'ping' }, START_NS + 30_000n * MS);
  simulator.onTime(START_NS + 89_000n * MS);
  t.equal(connection.closed, null);
  simulator.onTime(START_NS + 91_000n * MS);
  t.equal(connection.closed, 1000);
});

t.test('questions are answered over HTTP and over the socket', async (t) => {
  const one = world();
  withBook(one);
  const { ask, say, simulator, connection } = one;
  const info = (body: object): Json => JSON.parse(ask('/info', body).body);
  t.same(
    parseInstruments(ask('/info', { type: 'meta' }).body).instruments,
    SIMULATOR.instruments,
    'what is listed is what is simulated',
  );
  t.match(info({ type: 'metaAndAssetCtxs' }), [
    { universe: [{ name: 'BTC', szDecimals: 5 }, { name: 'ETH' }] },
    [{ markPx: '61712.0' }, { midPx: null }],
  ]);
  t.match(info({ type: 'spotMetaAndAssetCtxs' }), [
    { universe: [], tokens: [{ name: 'USDC' }] },
    [],
  ]);
  t.same(info({ type: 'allMids' }), { BTC: '61712.5' });
  t.same(info({ type: 'l2Book', coin: 'BTC' }).levels[1], [{ px: '61713.0', sz: '1.0', n: 1 }]);
  t.equal(info({ type: 'l2Book', coin: 'DOGE' }), null);
  t.same(info({ type: 'recentTrades', coin: 'BTC' }), []);
  t.same(info({ type: 'candleSnapshot', req: { coin: 'BTC' } }), []);
  t.same(info({ type: 'perpDexs' }), [null]);
  for (const body of ['{', '[]', { type: 'weather' }]) {
    t.match(ask('/info', body), { status: 422, body: /^Failed to deserialize/ });
  }
  const refused = ask('/exchange', { action: { type: 'order', orders: [] }, nonce: 1 });
  t.match(refused, { status: 200, topic: 'place' });
  t.match(JSON.parse(refused.body), {
    status: 'err',
    response: /^User or API Wallet 0x0{40} does not exist\.$/,
  });
  t.equal(ask('/exchange', { action: { type: 'cancelByCloid' } }).topic, 'cancel');
  t.equal(ask('/weather', {}).status, 404);
  t.equal(simulator.rateLimited(START_NS).status, 429);
  simulator.onOpen(connection, START_NS);
  const post = (id: number, type: string, payload: object): void =>
    say({ method: 'post', id, request: { type, payload } });
  post(1, 'info', { type: 'l2Book', coin: 'BTC' });
  post(2, 'info', { type: 'weather' });
  post(3, 'action', { action: {} });
  post(4, 'dance', {});
  t.match(connection.take(), [
    {
      channel: 'post',
      data: {
        id: 1,
        response: { type: 'info', payload: { type: 'l2Book', data: { coin: 'BTC' } } },
      },
    },
    { data: { id: 2, response: { type: 'error' } } },
    { data: { id: 3, response: { type: 'action', payload: { status: 'err' } } } },
    { data: { id: 4, response: { type: 'error' } } },
  ]);
});

t.test('a feed on a minute of market has the exchange’s best levels with every book', async (t) => {
  const { simulator, exchange, connection } = world();
  const rejects = new RejectList();
  const feed = new HyperliquidMarketFeed({
    instruments: SIMULATOR.instruments,
    ticks: new TickList(),
    rejects,
    runEpochNs: START_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  let compared = 0;
  connection.onText = (text) => {
    feed.onFrame(Buffer.from(text), 1);
    if (!text.startsWith('{"channel":"l2Book"')) return;
    const place = text.includes('"coin":"BTC"') ? 0 : 1;
    const { book } = feed.markets[place] as { book: Book };
    compared++;
    if (!isSameBook(book, exchange, place)) t.fail(`after ${text}`);
    for (const [price] of levelsOf(book.bids)) {
      const { priceScale } = SIMULATOR.instruments[place] as { priceScale: number };
      if (!isPriceAllowed(price, priceScale)) t.fail(`a price of too many digits: ${price}`);
    }
  };
  const markets = new AssetMarkets({ recording: null, seed: 7, isUniform: false });
  const market = markets.venueMarket(SIMULATOR);
  play(simulator, market, START_NS);
  simulator.onOpen(connection, START_NS);
  for (const text of feed.onConnected()) simulator.onMessage(connection, text, START_NS);
  for (let positionNs = 0; positionNs < 60e9; positionNs += 50e6) {
    while (market.nextDueNs <= positionNs) {
      play(simulator, market, START_NS + BigInt(Math.round(market.nextDueNs)));
    }
    simulator.onTime(START_NS + BigInt(positionNs));
    connection.texts.length = 0;
  }
  t.same(rejects.codes, []);
  t.ok(feed.subscriptions.every(({ state }) => state === SubscriptionState.Live));
  t.ok(compared >= 240, `${compared} books`);
  t.ok((feed.markets[0]?.tradeCount ?? 0) > 50);
  t.ok((feed.markets[1]?.markPriceMantissa ?? 0) > 0);
  t.equal(feed.markets[0]?.fundingRateMantissa, 12_500_000);
});

t.test('over real sockets the feed ends with the simulator’s book', async (t) => {
  const maker = new RecordingMaker().snapshot([['100', '5']], [['101', '5']]);
  for (let step = 1; step <= 100; step++) {
    const bid = [String(100 - (step % 7)), String(1 + (step % 5))] as const;
    maker.depth(step * 10, [bid], [[String(102 + (step % 5)), String(step % 4)]]);
    if (step % 10 === 0) maker.trade(step * 10, '101', '0.5', 'BUY');
  }
  maker.depth(3_600_000, [], []);
  const venue = await startVenue(t, {
    venue: 'hyperliquid',
    recordingPath: maker.write(t),
    isUniform: true,
    warmUpTrades: 0,
  });
  const listed = await fetch(`${venue.listening.rest}/info`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"type":"meta"}',
  });
  const rejects = new RejectList();
  const feed = new HyperliquidMarketFeed({
    instruments: parseInstruments(await listed.text()).instruments,
    ticks: new TickList(),
    rejects,
    runEpochNs: 0n,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  const socket = new WebSocket(venue.listening.ws);
  t.teardown(() => socket.terminate());
  let recvNs = 0;
  socket.on('open', () => {
    for (const text of feed.onConnected()) socket.send(text);
  });
  socket.on('message', (data: Buffer) => feed.onFrame(data, ++recvNs));
  const deadlineMs = Date.now() + 20_000;
  const bookOf = (): Book => (feed.markets[0] as { book: Book }).book;
  const isDone = (): boolean =>
    feed.subscriptions.every(({ state }) => state === SubscriptionState.Live) &&
    (feed.markets[0]?.tradeCount ?? 0) >= 3 &&
    bookOf().bids.count === 7 &&
    isSameBook(bookOf(), venue.exchange, 0);
  while (!isDone() && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.ok(isDone());
  t.same(rejects.codes, []);
});
