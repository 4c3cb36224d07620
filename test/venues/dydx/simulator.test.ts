/**
 * The indexer's simulator against the feed: driven by hand, where every frame is decoded on the spot, and over real sockets.
 * What the venue sends in which words stands in the captures and in its public source.
 */
import t from 'tap';
import { WebSocket } from 'ws';
import type { Book } from '#src/domain/book.js';
import { Side } from '#src/domain/order.js';
import { AssetMarkets } from '#src/sim/asset-markets.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import type { VenueMarket } from '#src/sim/venue-market.js';
import { DydxMarketFeed } from '#src/venues/dydx/market-feed.js';
import { parseInstruments } from '#src/venues/dydx/instruments.js';
import { SIMULATOR } from '#src/venues/dydx/simulator.js';
import type {
  SimulatedExchange,
  SimulatorAnswer,
  SimulatorConnection,
  VenueSimulator,
} from '#src/venues/simulator-port.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { RecordingMaker, startVenue, type Json } from '../../sim/venue-client.js';
import { RejectList, TickList } from '../feed-rig.js';
import { BTC, ETH, levelsOf, linesOf, NaiveClient } from './dydx-rig.js';

const START_NS = 1_795_360_000_000_000_000n;
const MS = 1_000_000n;

class FakeConnection implements SimulatorConnection {
  readonly isPrivate = false;
  readonly path = '/v4/ws';
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
}

function world(idSalt = '0badcafe'): World {
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
    idSalt,
    startedNs: START_NS,
    takeReject: () => null,
  });
  const connection = new FakeConnection();
  const say = (message: unknown, nowNs = START_NS): void => {
    simulator.onMessage(
      connection,
      typeof message === 'string' ? message : JSON.stringify(message),
      nowNs,
    );
  };
  return { simulator, exchange, connection, say };
}

const level = (priceMantissa: number, sizeMantissa: number): Json => ({
  priceMantissa,
  sizeMantissa,
});
const change = (isAsk: boolean, price: number, size: number): Json => ({
  isAsk,
  ...level(price, size),
});

function feedOn(connection: FakeConnection): { feed: DydxMarketFeed; rejects: RejectList } {
  const rejects = new RejectList();
  const feed = new DydxMarketFeed({
    instruments: [
      { ...BTC, index: 0 },
      { ...ETH, index: 1 },
    ],
    ticks: new TickList(),
    rejects,
    runEpochNs: START_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  connection.onText = (text) => feed.onFrame(Buffer.from(text), 1);
  return { feed, rejects };
}

function isSameBook(book: Book, exchange: SimulatedExchange, place: number): boolean {
  const { bids, asks } = exchange.depth(place, Infinity);
  const pairs = (levels: typeof bids): number[][] =>
    levels.map(({ priceMantissa, sizeMantissa }) => [priceMantissa, sizeMantissa]);
  return (
    JSON.stringify(levelsOf(book.bids)) === JSON.stringify(pairs(bids)) &&
    JSON.stringify(levelsOf(book.asks)) === JSON.stringify(pairs(asks))
  );
}

/** The next event, if there is anything of it to be seen. */
function play(simulator: VenueSimulator, market: VenueMarket, nowNs: bigint): void {
  const event = market.next();
  if (event !== null) simulator.onMarket(event, nowNs);
}

t.test('messages have the shape and the order of members of the captured ones', async (t) => {
  const { simulator, connection, say } = world();
  simulator.onMarket(
    { kind: 'snapshot', instrumentIndex: 0, bids: [level(100, 5)], asks: [level(101, 7)] },
    START_NS,
  );
  simulator.onOpen(connection, START_NS);
  say({ type: 'subscribe', channel: 'v4_orderbook', id: 'BTC-USD' });
  simulator.onMarket(
    { kind: 'levels', instrumentIndex: 0, changes: [change(false, 99, 3), change(true, 101, 0)] },
    START_NS,
  );
  const [connected, subscribed, bids, asks] = connection.take();
  const captured = linesOf('samples_live_frames')[0]?.raw ?? '';
  t.same(Object.keys(connected), Object.keys(JSON.parse(captured) as object));
  const first = linesOf('samples_tardis')[1]?.raw ?? '';
  t.same(Object.keys(subscribed), Object.keys(JSON.parse(first) as object));
  t.match(subscribed, {
    message_id: 1,
    contents: {
      bids: [{ price: '100', size: '0.0005' }],
      asks: [{ price: '101', size: '0.0007' }],
    },
  });
  const update = linesOf('samples_tardis')[2]?.raw ?? '';
  t.same(Object.keys(bids), Object.keys(JSON.parse(update) as object));
  t.match(bids, { type: 'channel_data', message_id: 2, contents: { bids: [['99', '0.0003']] } });
  t.match(asks, { message_id: 3, contents: { asks: [['101', '0']] } });
  say({ type: 'subscribe', channel: 'v4_trades', id: 'BTC-USD' });
  simulator.onTime(START_NS + MS);
  connection.take();
  const { Buy } = Side;
  simulator.onMarket(
    { kind: 'trade', instrumentIndex: 0, priceMantissa: 99, sizeMantissa: 2, takerSide: Buy },
    START_NS + 2n * MS,
  );
  simulator.onTime(START_NS + 600n * MS);
  const trades = connection.take().find(({ channel }) => channel === 'v4_trades');
  const real = JSON.parse(linesOf('samples_live_frames')[1]?.raw ?? '');
  t.same(Object.keys(trades), Object.keys(real));
  t.same(Object.keys(trades.contents.trades[0]), Object.keys(real.contents.trades[0]));
  t.match(trades.contents.trades, [
    {
      id: /^[0-9a-f]{8}00000002[0-9a-f]{8}$/,
      side: 'BUY',
      size: '0.0002',
      price: '99',
      createdAt: /\.\d{3}Z$/,
    },
  ]);
  const height = Number(trades.contents.trades[0].createdAtHeight);
  t.equal(parseInt(trades.contents.trades[0].id.slice(0, 8), 16), height);
});

t.test('batched subscriptions get an array four times a second', async (t) => {
  const { simulator, connection, say } = world();
  simulator.onOpen(connection, START_NS);
  say({ type: 'subscribe', channel: 'v4_orderbook', id: 'BTC-USD', batched: true });
  simulator.onTime(START_NS);
  connection.take();
  const set = (price: number): void =>
    simulator.onMarket(
      { kind: 'levels', instrumentIndex: 0, changes: [change(false, price, 1)] },
      START_NS + MS,
    );
  set(90);
  set(91);
  simulator.onTime(START_NS + 200n * MS);
  t.same(connection.take(), []);
  simulator.onTime(START_NS + 260n * MS);
  t.match(connection.take(), [
    {
      type: 'channel_batch_data',
      contents: [{ bids: [['90', '0.0001']] }, { bids: [['91', '0.0001']] }],
    },
  ]);
});

t.test('what is wrong is said in the venue’s words', async (t) => {
  const { simulator, connection, say } = world();
  simulator.onOpen(connection, START_NS);
  connection.take();
  say('{');
  say({});
  say({ type: 'dance' });
  say({ type: 'subscribe' });
  say({ type: 'subscribe', channel: 'v4_weather' });
  say({ type: 'subscribe', channel: 'v4_trades' });
  say({ type: 'ping' });
  t.same(
    connection.take().map(({ type, message, message_id: id }) => [type, message, id]),
    [
      ['error', 'Invalid message: could not parse', 0],
      ['error', 'Invalid message: type is required', 0],
      ['error', 'Invalid message type: dance', 0],
      ['error', 'Invalid subscribe message: channel is required', 0],
      ['error', 'Invalid channel: v4_weather', 0],
      ['error', 'Invalid id: undefined', 0],
    ],
    'none of them takes a number',
  );
  say({ type: 'subscribe', channel: 'v4_trades', id: 'NO-USD' });
  say({ type: 'subscribe', channel: 'v4_subaccounts', id: 'dydx1/0' });
  say({ type: 'subscribe', channel: 'v4_markets' });
  say({ type: 'subscribe', channel: 'v4_markets' });
  const said = connection.take();
  t.match(said, [
    { message: 'Invalid subscription id for channel: (v4_trades-NO-USD)', message_id: 1 },
    {
      message: 'Internal error, could not fetch data for subscription: v4_subaccounts.',
      message_id: 2,
      channel: 'v4_subaccounts',
      id: 'dydx1/0',
    },
    { type: 'subscribed', message_id: 3, channel: 'v4_markets' },
    { message: 'Invalid subscribe message: already subscribed (v4_markets-v4_markets)' },
  ]);
  say({ type: 'unsubscribe', channel: 'v4_markets' });
  t.match(connection.take(), [{ type: 'unsubscribed', message_id: 5, channel: 'v4_markets' }]);
  say({ type: 'subscribe', channel: 'v4_markets' });
  t.match(connection.take(), [{ message: /^Too many subscribe attempts for channel v4_markets-/ }]);
  t.equal(connection.closed, 1008);
});

/** What stands on the wire of BTC's book, into a naive client. */
function tell(naive: NaiveClient, { type, channel, id, contents, message_id: age }: Json): void {
  if (channel !== 'v4_orderbook' || id !== 'BTC-USD' || contents === undefined) return;
  if (type === 'subscribed') naive.clear();
  for (const side of ['bids', 'asks']) {
    for (const one of contents[side] ?? []) {
      const [price, size] = Array.isArray(one) ? one : [one.price, one.size];
      naive.set(side === 'asks', Number(price), Math.round(Number(size) * 10_000), age);
    }
  }
}

t.test(
  'a feed has the exchange’s book whenever a block is over, whatever crossed in it',
  async (t) => {
    let compared = 0;
    let crossed = 0;
    let late = 0;
    for (const idSalt of ['0badcafe', '00000001', '00000007']) {
      const { simulator, exchange, connection } = world(idSalt);
      const { feed, rejects } = feedOn(connection);
      const naive = new NaiveClient();
      const markets = new AssetMarkets({ recording: null, seed: 7, isUniform: false });
      const market = markets.venueMarket(SIMULATOR);
      const decode = connection.onText;
      let lastId = 0;
      connection.onText = (text) => {
        decode(text);
        const message = JSON.parse(text);
        if (message.message_id < lastId) late++;
        lastId = message.message_id;
        tell(naive, message);
        if (naive.isCrossed()) crossed++;
        const { book } = feed.markets[0] as { book: Book };
        const shown = { bids: levelsOf(book.bids), asks: levelsOf(book.asks) };
        if (JSON.stringify(shown) !== JSON.stringify(naive.uncrossed())) t.fail(`after ${text}`);
      };
      play(simulator, market, START_NS);
      const wanted = feed.onConnected();
      simulator.onOpen(connection, START_NS);
      for (const text of wanted) simulator.onMessage(connection, text, START_NS);
      for (let positionNs = 0; positionNs < 70e9; positionNs += 50e6) {
        while (market.nextDueNs <= positionNs) {
          play(simulator, market, START_NS + BigInt(Math.round(market.nextDueNs)));
        }
        simulator.onTime(START_NS + BigInt(positionNs));
        if (positionNs % 500e6 !== 0) continue;
        for (const [place, { staleReason, book }] of feed.markets.entries()) {
          if (staleReason !== 0) continue;
          compared++;
          if (!isSameBook(book, exchange, place)) t.fail(`book ${place} at ${positionNs}`);
        }
      }
      t.same(rejects.codes, []);
      t.equal(feed.needsResubscribe, false);
      t.ok(feed.subscriptions.every(({ state }) => state === SubscriptionState.Live));
      t.ok((feed.markets[0]?.tradeCount ?? 0) > 100);
      t.ok((feed.markets[0]?.markPriceMantissa ?? 0) > 0);
      t.ok((feed.markets[0]?.fundingRateMantissa ?? 0) !== 0, 'a minute has passed');
    }
    t.ok(compared > 600, `${compared} comparisons`);
    t.ok(crossed > 100, `the wire was crossed after ${crossed} messages`);
    t.ok(late > 0, `${late} answers came late`);
  },
);

t.test('a market that begins anew is told as changes', async (t) => {
  const { simulator, exchange, connection } = world();
  const { feed } = feedOn(connection);
  const snapshot = (bids: Json[], asks: Json[]): void =>
    simulator.onMarket({ kind: 'snapshot', instrumentIndex: 0, bids, asks }, START_NS);
  snapshot([level(100, 5), level(99, 6)], [level(101, 7)]);
  const wanted = feed.onConnected();
  simulator.onOpen(connection, START_NS);
  for (const text of wanted) simulator.onMessage(connection, text, START_NS);
  simulator.onTime(START_NS);
  snapshot([level(200, 5), level(99, 8)], [level(201, 7)]);
  t.ok(isSameBook(feed.markets[0]?.book as Book, exchange, 0));
  t.equal(feed.markets[0]?.book.bids.count, 2);
});

t.test('the same inputs make the same frames', async (t) => {
  const history = (): string[] => {
    const { simulator, connection, say } = world();
    simulator.onOpen(connection, START_NS);
    for (const channel of ['v4_orderbook', 'v4_trades'])
      say({ type: 'subscribe', channel, id: 'BTC-USD' });
    const market = new AssetMarkets({ recording: null, seed: 1, isUniform: false }).venueMarket(
      SIMULATOR,
    );
    while (market.nextDueNs < 5e9) {
      const nowNs = START_NS + BigInt(Math.round(market.nextDueNs));
      play(simulator, market, nowNs);
      simulator.onTime(nowNs);
    }
    return connection.texts;
  };
  const texts = history();
  t.strictSame(history(), texts);
  t.ok(texts.length > 100);
});

t.test('the REST routes answer as the indexer does', async (t) => {
  const { simulator } = world();
  simulator.onMarket(
    { kind: 'snapshot', instrumentIndex: 1, bids: [level(30000, 5)], asks: [level(30001, 7)] },
    START_NS,
  );
  const get = (path: string, query = ''): SimulatorAnswer =>
    simulator.onRequest(
      { method: 'GET', path, query, host: '', authorization: '', body: '' },
      START_NS,
    );
  const list = get('/v4/perpetualMarkets').body;
  t.same(
    parseInstruments(list).instruments,
    SIMULATOR.instruments,
    'what is listed is what is simulated',
  );
  const captured = JSON.parse(
    linesOf('samples_nautilus').find(({ name }) => name === 'http_get_perpetual_markets')?.raw ??
      '',
  );
  t.same(
    Object.keys(JSON.parse(list).markets['ETH-USD']),
    Object.keys(captured.result.markets['ETH-USD']),
  );
  t.match(JSON.parse(list).markets['ETH-USD'], {
    oraclePrice: '3000.05',
    tickSize: '0.1',
    stepSize: '0.001',
  });
  t.same(Object.keys(JSON.parse(get('/v4/perpetualMarkets', 'ticker=BTC-USD').body).markets), [
    'BTC-USD',
  ]);
  t.same(JSON.parse(get('/v4/orderbooks/perpetualMarket/ETH-USD').body), {
    bids: [{ price: '3000', size: '0.005' }],
    asks: [{ price: '3000.1', size: '0.007' }],
  });
  t.same(JSON.parse(get('/v4/trades/perpetualMarket/ETH-USD', 'limit=5').body), { trades: [] });
  t.match(JSON.parse(get('/v4/height').body), {
    height: /^\d+$/,
    time: '2026-11-22T15:06:40.000Z',
  });
  t.match(JSON.parse(get('/v4/time').body), {
    iso: '2026-11-22T15:06:40.000Z',
    epoch: 1_795_360_000,
  });
  t.same(JSON.parse(get('/v4/candles/perpetualMarkets/BTC-USD').body), { candles: [] });
  t.same(JSON.parse(get('/v4/historicalFunding/BTC-USD').body), { historicalFunding: [] });
  for (const path of [
    '/v4/orderbooks/perpetualMarket/NO-USD',
    '/v4/trades/perpetualMarket/NO-USD',
  ]) {
    t.match(get(path), { status: 400, body: /ticker must be a valid ticker/ });
  }
  t.equal(get('/v4/trades/perpetualMarket/BTC-USD', 'limit=0').status, 400);
  t.match(get('/v4/orders', 'address=dydx1&subaccountNumber=0'), {
    status: 404,
    body: '{"errors":[{"msg":"No subaccount found with address dydx1 and subaccountNumber 0"}]}',
  });
  t.equal(get('/v4/addresses/dydx1/subaccountNumber/0').status, 404);
  t.equal(get('/v3/markets').status, 404);
  t.equal(simulator.rateLimited(START_NS).status, 429);
});

t.test('over real sockets the feed ends with the simulator’s book', async (t) => {
  const maker = new RecordingMaker().snapshot([['100', '5']], [['101', '5']]);
  for (let step = 1; step <= 200; step++) {
    const bid = [String(100 - (step % 7)), String(1 + (step % 5))] as const;
    const ask = [String(101 + (step % 5)), String(step % 4)] as const;
    maker.depth(step * 10, [bid], [ask, ['101', '5']]);
    if (step % 20 === 0) maker.trade(step * 10, '101', '0.5', 'BUY');
    else if (step % 10 === 0) maker.trade(step * 10, '100', '0.5', 'SELL');
  }
  maker.depth(3_600_000, [], []);
  const venue = await startVenue(t, {
    venue: 'dydx',
    recordingPath: maker.write(t),
    isUniform: true,
    warmUpTrades: 0,
  });
  const rejects = new RejectList();
  const feed = new DydxMarketFeed({
    instruments: parseInstruments(
      await (await fetch(`${venue.listening.rest}/v4/perpetualMarkets`)).text(),
    ).instruments,
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
  const isDone = (): boolean =>
    Date.now() > deadlineMs ||
    (feed.subscriptions.every(({ state }) => state === SubscriptionState.Live) &&
      (feed.markets[0]?.tradeCount ?? 0) >= 5 &&
      isSameBook((feed.markets[0] as { book: Book }).book, venue.exchange, 0) &&
      feed.markets[0]?.book.bids.count === venue.exchange.depth(0, Infinity).bids.length);
  // The market has come to rest after two seconds; the last taker is gone a block later.
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(isSameBook((feed.markets[0] as { book: Book }).book, venue.exchange, 0));
  t.same(rejects.codes, []);
});
