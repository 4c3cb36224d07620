/**
 * The simulator's dialect against the captured one: the market of a capture goes in as plain events, and the frames
 * that come out must be those that the venue sent. The same capture is what market-feed.test.ts decodes.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { Side } from '#src/domain/order.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import { CoinbaseMarketFeed } from '#src/venues/coinbase/market-feed.js';
import { CoinbaseSimulator, SIMULATOR } from '#src/venues/coinbase/simulator.js';
import { simulatedInstruments } from '#src/venues/coinbase/simulator-products.js';
import type {
  LevelChange,
  MarketEvent,
  SimulatorConnection,
  SimulatorPorts,
  SimulatorRequest,
} from '#src/venues/simulator-port.js';
import { parseDecimal, parseTime } from '#src/venues/simulator-text.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { RejectList, TickList } from '../feed-rig.js';

/** JSON off the wire: looked into, not typed. */
type Json = ReturnType<typeof JSON.parse>;

const CAPTURE = fileURLToPath(
  new URL(
    '../../../../test/fixtures/coinbase/cf2026_l2_trades_ticker_candles_heartbeats_seq0-599.jsonl.gz',
    import.meta.url,
  ),
);
const CASH = 10_000n * 10n ** 10n;

function capturedFrames(): Json[] {
  return gunzipSync(readFileSync(CAPTURE))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.dir === 'in')
    .map((entry) => JSON.parse(entry.raw));
}

function mantissa(text: string, scale: number): number {
  return Number(parseDecimal(text, scale));
}

class FakeConnection implements SimulatorConnection {
  readonly isPrivate: boolean;
  readonly path = '/ws';
  readonly query = '';
  readonly texts: string[] = [];
  closed: number | null = null;
  constructor(isPrivate: boolean) {
    this.isPrivate = isPrivate;
  }
  send(text: string): void {
    this.texts.push(text);
  }
  close(code: number): void {
    this.closed = code;
  }
  frames(): Json[] {
    return this.texts.map((text) => JSON.parse(text));
  }
}

interface World {
  readonly simulator: CoinbaseSimulator;
  readonly exchange: Exchange;
  readonly rejects: string[];
}

function world(productIds: readonly string[], level2ProductsMax?: number): World {
  const instruments = simulatedInstruments(productIds);
  const exchange = new Exchange({
    instruments,
    makerFeePpm: 0n,
    takerFeePpm: 500n,
    state: freshState(instruments, CASH),
  });
  const rejects: string[] = [];
  let tradeId = 1000;
  const ports: SimulatorPorts = {
    exchange,
    verifier: { verify: (token) => (token === 'good' ? null : 'bad') },
    nextTradeId: () => tradeId++,
    idSalt: '0badcafe',
    startedNs: 0n,
    takeReject: () => rejects.shift() ?? null,
  };
  const simulator = new CoinbaseSimulator(ports, level2ProductsMax);
  return { simulator, exchange, rejects };
}

function subscribe(
  world: World,
  connection: FakeConnection,
  channel: string,
  products: string[],
): void {
  const message = { type: 'subscribe', channel, product_ids: products };
  world.simulator.onMessage(connection, JSON.stringify(message), 0n);
}

t.test('the book and the trades of the capture come out as they went in', (t) => {
  const products = ['BTC-USD', 'ETH-USD'];
  const { simulator, exchange, rejects } = world(products);
  const connection = new FakeConnection(false);
  simulator.onOpen(connection, 0n);
  subscribe({ simulator, exchange, rejects }, connection, 'level2', products);
  subscribe({ simulator, exchange, rejects }, connection, 'market_trades', products);
  connection.texts.length = 0;

  const expected: Json[] = [];
  for (const frame of capturedFrames()) {
    const nowNs = parseTime(frame.timestamp) ?? 0n;
    for (const event of frame.events) {
      if (frame.channel === 'l2_data') {
        const changes = event.updates.map((update: Json): LevelChange => ({
          isAsk: update.side === 'offer',
          priceMantissa: mantissa(update.price_level, 2),
          sizeMantissa: mantissa(update.new_quantity, 8),
        }));
        const instrumentIndex = products.indexOf(event.product_id);
        const market: MarketEvent =
          event.type === 'snapshot'
            ? {
                kind: 'snapshot',
                instrumentIndex,
                bids: changes.filter((change: LevelChange) => !change.isAsk),
                asks: changes.filter((change: LevelChange) => change.isAsk),
              }
            : { kind: 'levels', instrumentIndex, changes };
        simulator.onMarket(market, nowNs);
        expected.push({
          channel: 'l2_data',
          event: { ...event, updates: event.updates.map((u: Json) => ({ ...u, event_time: '' })) },
        });
      } else if (frame.channel === 'market_trades' && event.type === 'update') {
        // The venue bundles trades, newest first; each is a frame of its own here, oldest first.
        for (const trade of [...event.trades].reverse()) {
          simulator.onMarket(
            {
              kind: 'trade',
              instrumentIndex: products.indexOf(trade.product_id),
              priceMantissa: mantissa(trade.price, 2),
              sizeMantissa: mantissa(trade.size, 8),
              takerSide: trade.side === 'BUY' ? Side.Sell : Side.Buy,
            },
            parseTime(trade.time) ?? 0n,
          );
          expected.push({
            channel: 'market_trades',
            event: { type: 'update', trades: [{ ...trade, trade_id: '' }] },
          });
        }
      }
    }
  }
  t.ok(expected.length > 450, 'the capture is not empty');
  const ours = connection.frames().map((frame) => {
    const event = frame.events[0];
    if (frame.channel === 'l2_data') {
      const updates = event.updates.map((u: Json) => ({ ...u, event_time: '' }));
      return { channel: frame.channel, event: { ...event, updates } };
    }
    const trades = event.trades.map((trade: Json) => ({ ...trade, trade_id: '' }));
    return { channel: frame.channel, event: { ...event, trades } };
  });
  t.equal(ours.length, expected.length);
  const differing = ours.findIndex(
    (frame, index) => JSON.stringify(frame) !== JSON.stringify(expected[index]),
  );
  t.equal(differing, -1, 'no frame differs, to the order of the fields');
  t.end();
});

t.test('the same inputs make the same frames and answers', (t) => {
  const history = (): string[] => {
    const { simulator, exchange, rejects } = world(['BTC-USD']);
    const open = new FakeConnection(false);
    const user = new FakeConnection(true);
    simulator.onOpen(open, 1n);
    simulator.onOpen(user, 1n);
    subscribe({ simulator, exchange, rejects }, open, 'level2', ['BTC-USD']);
    const message = { type: 'subscribe', channel: 'user', jwt: 'good' };
    simulator.onMessage(user, JSON.stringify(message), 2n);
    const level = { priceMantissa: 10_000, sizeMantissa: 100_000_000, isAsk: true };
    simulator.onMarket({ kind: 'levels', instrumentIndex: 0, changes: [level] }, 3n);
    const answer = simulator.onRequest(placeRequest('one', '100'), 4000n);
    const changes = exchange.takeChanges();
    if (changes !== null) simulator.publishChanges(changes, 4000n);
    simulator.onTime(1_000_000_000n);
    return [...open.texts, ...user.texts, answer.body, JSON.stringify(simulator.truth())];
  };
  t.strictSame(history(), history());
  t.match(history().join('\n'), /"status":"FILLED"/);
  t.end();
});

function placeRequest(clientOrderId: string, price: string): SimulatorRequest {
  return {
    method: 'POST',
    path: '/api/v3/brokerage/orders',
    query: '',
    host: 'venue',
    authorization: 'Bearer good',
    body: JSON.stringify({
      client_order_id: clientOrderId,
      product_id: 'BTC-USD',
      side: 'BUY',
      order_configuration: { limit_limit_gtc: { base_size: '1', limit_price: price } },
    }),
  };
}

t.test('a planned refusal carries the reason that was asked for, and nothing is placed', (t) => {
  const { simulator, exchange, rejects } = world(['BTC-USD']);
  rejects.push('ORDER_ENTRY_DISABLED');
  const answer = simulator.onRequest(placeRequest('one', '100'), 1n);
  t.equal(answer.status, 200);
  t.equal(answer.topic, 'place');
  t.equal(JSON.parse(answer.body).error_response.error, 'ORDER_ENTRY_DISABLED');
  t.equal(exchange.orders().length, 0);
  t.equal(JSON.parse(simulator.onRequest(placeRequest('one', '100'), 1n).body).success, true);
  t.end();
});

t.test('the user channel starts with the open orders and is idempotent', (t) => {
  const { simulator, exchange } = world(['BTC-USD']);
  simulator.onRequest(placeRequest('one', '100'), 1_000_000n);
  simulator.onRequest(placeRequest('two', '101'), 2_000_000n);
  exchange.cancel(1, 3n);
  exchange.takeChanges();
  const user = new FakeConnection(true);
  simulator.onOpen(user, 4n);
  const message = JSON.stringify({ type: 'subscribe', channel: 'user', jwt: 'good' });
  simulator.onMessage(user, message, 5n);
  simulator.onMessage(user, message, 6n);
  const [first, acknowledged, second] = user.frames();
  t.equal(first.events[0].type, 'snapshot');
  t.strictSame(second.events, first.events, 'the second snapshot is the first');
  t.match(acknowledged, { channel: 'subscriptions', sequence_num: 1 });
  t.match(first.events[0].orders, [
    {
      client_order_id: 'two',
      cumulative_quantity: '0',
      leaves_quantity: '1',
      avg_price: '0',
      total_fees: '0',
      status: 'OPEN',
      order_side: 'BUY',
      order_type: 'Limit',
      limit_price: '101',
      post_only: 'false',
      outstanding_hold_amount: '101.0505',
      creation_time: '1970-01-01T00:00:00.002Z',
    },
  ]);
  t.equal(first.events[0].orders.length, 1);
  t.end();
});

const NS_PER_SEC = 1_000_000_000n;

function trade(instrumentIndex: number, priceMantissa: number, sizeMantissa: number): MarketEvent {
  return { kind: 'trade', instrumentIndex, priceMantissa, sizeMantissa, takerSide: Side.Buy };
}

t.test(
  'candles are five minutes long and speak every five seconds when there was a trade',
  async (t) => {
    const one = world(['BTC-USD']);
    const { simulator } = one;
    const connection = new FakeConnection(false);
    simulator.onOpen(connection, 0n);
    simulator.onMarket(trade(0, 100_00, 100_000_000), 299n * NS_PER_SEC);
    subscribe(one, connection, 'candles', ['BTC-USD']);
    const candle = (start: string, prices: readonly string[], volume: string): Json => ({
      start,
      high: prices[1],
      low: prices[2],
      open: prices[0],
      close: prices[3],
      volume,
      product_id: 'BTC-USD',
    });
    const first = candle('0', ['100', '100', '100', '100'], '1');
    t.strictSame(connection.frames()[0].events, [{ type: 'snapshot', candles: [first] }]);
    t.strictSame(connection.frames()[1].events, [{ subscriptions: { candles: ['BTC-USD'] } }]);
    connection.texts.length = 0;
    for (const price of [101_00, 103_00, 99_50]) {
      simulator.onMarket(trade(0, price, 50_000_000), 301n * NS_PER_SEC);
    }
    t.strictSame(connection.frames(), [], 'not at every trade');
    simulator.onTime(305n * NS_PER_SEC);
    simulator.onTime(306n * NS_PER_SEC);
    simulator.onTime(310n * NS_PER_SEC);
    const update = candle('300', ['101', '103', '99.5', '99.5'], '1.5');
    t.match(connection.frames(), [
      { channel: 'candles', events: [{ type: 'update', candles: [update] }] },
    ]);
    t.equal(connection.frames().length, 1, 'no trade, no update');
  },
);

t.test(
  'ticker_batch says the day, not the book, every five seconds; status says the product',
  async (t) => {
    const one = world(['BTC-USD', 'USDT-USD']);
    const { simulator } = one;
    const connection = new FakeConnection(false);
    simulator.onOpen(connection, 0n);
    subscribe(one, connection, 'ticker_batch', ['BTC-USD']);
    subscribe(one, connection, 'status', ['USDT-USD']);
    t.match(connection.frames(), [
      {
        channel: 'ticker_batch',
        events: [{ type: 'snapshot', tickers: [{ product_id: 'BTC-USD' }] }],
      },
      { channel: 'subscriptions' },
      {
        channel: 'status',
        events: [
          {
            type: 'snapshot',
            products: [
              {
                id: 'USDT-USD',
                base_increment: '0.01',
                quote_increment: '0.00001',
                status: 'online',
              },
            ],
          },
        ],
      },
      {
        channel: 'subscriptions',
        events: [{ subscriptions: { status: ['USDT-USD'], ticker_batch: ['BTC-USD'] } }],
      },
    ]);
    connection.texts.length = 0;
    simulator.onMarket(trade(0, 100_00, 1), 2n * NS_PER_SEC);
    simulator.onTime(4n * NS_PER_SEC);
    t.strictSame(connection.frames(), []);
    simulator.onTime(5n * NS_PER_SEC);
    const [frame] = connection.frames();
    t.match(frame, {
      channel: 'ticker_batch',
      events: [{ type: 'update', tickers: [{ price: '100' }] }],
    });
    t.notOk('best_bid' in frame.events[0].tickers[0]);
  },
);

t.test(
  'too many books, unknown products and unknown channels are refused in the venue\u2019s words',
  async (t) => {
    const one = world(['BTC-USD', 'ETH-USD'], 1);
    const connection = new FakeConnection(false);
    one.simulator.onOpen(connection, 0n);
    const errorOf = (channel: string, products: string[]): Json => {
      connection.texts.length = 0;
      subscribe(one, connection, channel, products);
      return connection.frames().at(-1);
    };
    const tooMany = { type: 'error', message: 'too many L2 streams requested in a single session' };
    t.strictSame(errorOf('level2', ['BTC-USD', 'ETH-USD']), tooMany);
    t.match(errorOf('level2', ['BTC-USD']), { channel: 'subscriptions' });
    t.strictSame(errorOf('level2', ['ETH-USD']), tooMany);
    t.match(
      errorOf('level2', ['BTC-USD']),
      { channel: 'subscriptions' },
      'the same again is no more',
    );
    const failure = { type: 'error', message: 'failure to subscribe' };
    t.strictSame(errorOf('ticker', ['NO-SUCH']), failure);
    t.strictSame(errorOf('ticker', []), failure);
    t.strictSame(errorOf('no_such', ['BTC-USD']), {
      type: 'error',
      message: 'authentication failure',
    });
  },
);

t.test(
  'our feed at the simulator: subscribed, renewed, refused, and its books are the exchange\u2019s',
  async (t) => {
    const one = world(SIMULATOR.instruments.map(({ venueSymbol }) => venueSymbol));
    const { simulator, exchange } = one;
    const ticks = new TickList();
    const rejects = new RejectList();
    const feed = new CoinbaseMarketFeed({
      instruments: SIMULATOR.instruments,
      ticks,
      rejects,
      runEpochNs: 0n,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    const connection = new FakeConnection(false);
    let recvNs = 0;
    const deliver = (): void => {
      for (const text of connection.texts.splice(0)) feed.onFrame(Buffer.from(text), ++recvNs);
    };
    const states = (): string =>
      feed.subscriptions
        .map(({ state }) => Object.entries(SubscriptionState).find(([, one]) => one === state)?.[0])
        .join(' ');
    simulator.onOpen(connection, 0n);
    for (const index of [0, 1, 2]) {
      const bids = [{ priceMantissa: 99_99, sizeMantissa: 5 + index }];
      const asks = [{ priceMantissa: 100_01, sizeMantissa: 7 + index }];
      simulator.onMarket({ kind: 'snapshot', instrumentIndex: index, bids, asks }, 1n);
    }
    for (const text of feed.onConnected()) simulator.onMessage(connection, text, 2n);
    t.match(states(), /^(Requested ?){9}$/);
    deliver();
    t.match(states(), /^(Live ?){9}$/);
    // Index 3 is the book of the second market; an update is on its way while it is renewed.
    const change = { priceMantissa: 99_98, sizeMantissa: 9, isAsk: false };
    simulator.onMarket({ kind: 'levels', instrumentIndex: 1, changes: [change] }, 3n);
    feed.markStale(1, 5, ++recvNs);
    for (const text of feed.renew(3)) simulator.onMessage(connection, text, 4n);
    deliver();
    t.match(states(), /^(Live ?){9}$/);
    for (const { instrument, book, staleReason } of feed.markets) {
      const { bids, asks } = exchange.depth(instrument.index, Infinity);
      const ours = [book.bids, book.asks].map((side) =>
        Array.from({ length: side.count }, (_, depth) => ({
          priceMantissa: side.priceAt(depth),
          sizeMantissa: side.sizeAt(depth),
        })),
      );
      t.strictSame(ours, [bids, asks], instrument.symbol);
      t.equal(staleReason, 0);
    }
    t.strictSame(rejects.codes, []);
  },
);
