import fc from 'fast-check';
import t from 'tap';
import type { Test } from 'tap';
import { must } from '#src/domain/assert.js';
import { Side } from '#src/domain/order.js';
import { TickKind } from '#src/generated/hot.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import { parseInstruments } from '#src/venues/kraken/instruments.js';
import { SIMULATOR } from '#src/venues/kraken/simulator.js';
import { crc32 } from '#src/venues/kraken/simulator-book.js';
import type {
  MarketEvent,
  PriceLevel,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorRequest,
} from '#src/venues/simulator-port.js';
import type { Json } from '../../sim/venue-client.js';
import { feedRig, levelsOf, linesOf, NaiveClient } from './kraken-rig.js';

const START_NS = 1_785_552_833_000_000_000n;

class Client implements SimulatorConnection {
  readonly path = '/v2';
  readonly query = '';
  readonly isPrivate: boolean;
  readonly texts: string[] = [];
  readonly topics: string[] = [];
  onText: (text: string) => void = () => undefined;

  constructor(isPrivate = false) {
    this.isPrivate = isPrivate;
  }

  send(text: string, topic: string): void {
    this.texts.push(text);
    this.topics.push(topic);
    this.onText(text);
  }

  close(): void {
    this.texts.push('closed');
  }

  take(): Json[] {
    this.topics.length = 0;
    return this.texts.splice(0).map((text) => JSON.parse(text));
  }
}

/** The venue and one client, without sockets: time is a number. */
function venueRig(t: Test): {
  client: Client;
  open: (isPrivate?: boolean) => Client;
  say: (message: object | string, client?: Client) => void;
  subscribe: (channel: string, more?: object) => void;
  market: (event: MarketEvent) => void;
  later: (ms: number) => void;
  get: (path: string) => Json;
  exchange: Exchange;
} {
  const { instruments } = SIMULATOR;
  const exchange = new Exchange({
    instruments,
    makerFeePpm: 0n,
    takerFeePpm: 0n,
    state: freshState(instruments, 0n),
  });
  let nowNs = START_NS;
  let tradeId = 64_175_814;
  const simulator = SIMULATOR.create({
    exchange,
    verifier: { verify: () => null },
    nextTradeId: () => ++tradeId,
    idSalt: '0badcafe',
    startedNs: START_NS,
    takeReject: () => null,
  });
  const open = (isPrivate = false): Client => {
    const client = new Client(isPrivate);
    simulator.onOpen(client, nowNs);
    return client;
  };
  const client = open();
  const say = (message: object | string, from = client): void => {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    simulator.onMessage(from, text, nowNs);
  };
  t.teardown(() => simulator.onClose(client));
  return {
    client,
    open,
    say,
    subscribe: (channel, more = {}) =>
      say({ method: 'subscribe', params: { channel, symbol: ['BTC/USD'], ...more }, req_id: 7 }),
    market: (event) => simulator.onMarket(event, (nowNs += 1_234_567n)),
    later: (ms) => simulator.onTime((nowNs += BigInt(ms) * 1_000_000n)),
    get: (path) => {
      const [route = '', query = ''] = path.split('?');
      const request: SimulatorRequest = {
        method: 'GET',
        path: route,
        query,
        host: '',
        authorization: '',
        body: '',
      };
      const answer: SimulatorAnswer = simulator.onRequest(request, nowNs);
      t.equal(answer.status, 200, 'errors too');
      return JSON.parse(answer.body);
    },
    exchange,
  };
}

const level = (priceMantissa: number, sizeMantissa: number): PriceLevel => ({
  priceMantissa,
  sizeMantissa,
});
const SNAPSHOT: MarketEvent = {
  kind: 'snapshot',
  instrumentIndex: 0,
  bids: [level(630_049, 1_876_947), level(630_033, 5_100)],
  asks: [level(630_050, 207_265_551), level(630_051, 55_006_860)],
};
const change = (isAsk: boolean, price: number, size: number): MarketEvent => ({
  kind: 'levels',
  instrumentIndex: 0,
  changes: [{ isAsk, ...level(price, size) }],
});
const trade = (price: number, takerSide: Side): MarketEvent => ({
  kind: 'trade',
  instrumentIndex: 0,
  priceMantissa: price,
  sizeMantissa: 147_959,
  takerSide,
});

t.test('the venue speaks first, with a number beyond 2^53', async (t) => {
  const { client } = venueRig(t);
  const captured = must(linesOf('v2/cb2026_book10_BTC-USD_1min')[0], 'the captured status').raw;
  const withoutId = (text = ''): string => text.replace(/\d{15,}/, '');
  t.equal(withoutId(client.texts[0]), withoutId(captured));
  const id = BigInt(/"connection_id":(\d+)/.exec(client.texts[0] ?? '')?.[1] ?? 0);
  t.ok(id > 2n ** 53n && id < 2n ** 64n);
});

t.test('an answer has the members of the captured ones, in their order', async (t) => {
  const { client, subscribe, say, market } = venueRig(t);
  market(SNAPSHOT);
  client.take();
  subscribe('book', { depth: 10 });
  const captured = must(linesOf('v2/cb2026_book10_BTC-USD_1min')[1], 'the captured answer').raw;
  const withoutTimes = (text: string): string => text.replace(/\d{4}-[^"]*Z/g, 'T');
  t.equal(withoutTimes((client.texts[0] ?? '').replace('"req_id":7,', '')), withoutTimes(captured));
  t.match(client.texts[0], /"method":"subscribe","req_id":7,"result"/);
  t.match(client.take()[1], { channel: 'book', type: 'snapshot' });
  say({ method: 'unsubscribe', params: { channel: 'book', symbol: ['BTC/USD'] } });
  const gone = must(linesOf('v2/cb2026_book10_BTC-USD_1min')[18], 'the captured answer').raw;
  t.equal(withoutTimes(client.texts[0] ?? ''), withoutTimes(gone));
  client.take();
  market(change(true, 630_050, 1));
  t.same(client.take(), [], 'nothing comes any more');
});

t.test(
  'a snapshot, updates, deletes and levels that come back look as in the captures',
  async (t) => {
    const { client, subscribe, market } = venueRig(t);
    market(SNAPSHOT);
    client.take();
    subscribe('book');
    t.match(
      client.texts[1],
      '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":63004.9,"qty":0.01876947},' +
        '{"price":63003.3,"qty":0.00005100}],"asks":[{"price":63005.0,"qty":2.07265551},{"price":63005.1,"qty":0.55006860}' +
        '],"checksum":',
    );
    client.take();
    market(change(true, 630_050, 0));
    t.match(client.texts[0], '"bids":[],"asks":[{"price":63005.0,"qty":0.00000000}],"checksum":');
    t.match(client.texts[0], /"timestamp":"2026-08-01T02:53:53\.\d{6}Z"\}\]\}$/);
    client.take();
    market(change(false, 630_033, 5_100));
    t.same(client.texts, [], 'a level that is set to what it is, is no news');
  },
);

t.test('a level that falls out is not told, and is told again when it returns', async (t) => {
  const { client, subscribe, market } = venueRig(t);
  const asks = Array.from({ length: 11 }, (_, i) => level(630_060 + i, 100 + i));
  market({ ...SNAPSHOT, asks });
  subscribe('book', { depth: 10 });
  client.take();
  market(change(true, 630_055, 7));
  t.match(client.take(), [{ data: [{ bids: [], asks: [{ price: 63005.5 }] }] }]);
  market(change(true, 630_070, 9));
  t.same(client.take(), [], 'the eleventh and twelfth are nobody’s business');
  market(change(true, 630_055, 0));
  const [back] = client.take();
  t.same(back.data[0].asks, [
    { price: 63005.5, qty: 0 },
    { price: 63006.9, qty: 0.00000109 },
  ]);
});

t.test('each subscriber sees his own depth', async (t) => {
  const { subscribe, market, open, say, client } = venueRig(t);
  const bids = Array.from({ length: 30 }, (_, i) => level(630_000 - i, 100 + i));
  market({ ...SNAPSHOT, bids });
  subscribe('book', { depth: 10 });
  const deep = open();
  say({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD'], depth: 25 } }, deep);
  t.equal(client.take().at(-1).data[0].bids.length, 10);
  t.equal(deep.take().at(-1).data[0].bids.length, 25);
  market(change(false, 629_985, 7));
  t.same(client.take(), [], 'the sixteenth level');
  t.match(deep.take(), [{ type: 'update', data: [{ bids: [{ price: 62998.5 }] }] }]);
  market(change(false, 629_995, 7));
  t.equal(client.take().length, 1);
  t.equal(deep.take().length, 1);
});

t.test('whatever happens, our feed and a naive client have the books of the venue', async (t) => {
  const step = fc.record({
    isAsk: fc.boolean(),
    offset: fc.integer({ min: 0, max: 30 }),
    size: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
    again: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(10, 25),
      fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 40 }),
      (depth, rounds) => {
        const { client, market, exchange, subscribe } = venueRig(t);
        const { feed, rejects, send, book } = feedRig({
          instruments: SIMULATOR.instruments,
          depth,
        });
        const naive = new NaiveClient(depth);
        market({ ...SNAPSHOT, bids: [level(630_000, 5)], asks: [level(630_100, 5)] });
        client.onText = (text) => {
          send(text);
          naive.onFrame(text);
        };
        subscribe('book', { depth });
        for (const round of rounds) {
          market({
            kind: 'levels',
            instrumentIndex: 0,
            changes: round.map(({ isAsk, offset, size }) => ({
              isAsk,
              ...level(isAsk ? 630_100 + offset : 630_000 - offset, size * 1_000_000),
            })),
          });
          const truth = exchange.depth(0, depth);
          const pairs = (levels: readonly PriceLevel[]): [number, number][] =>
            levels.map(({ priceMantissa, sizeMantissa }) => [priceMantissa, sizeMantissa]);
          if (feed.markets[0]?.staleReason === 0) {
            t.same(levelsOf(book().bids), pairs(truth.bids));
            t.same(levelsOf(book().asks), pairs(truth.asks));
          }
          t.equal(naive.levels('bids').length, truth.bids.length);
        }
        t.same(rejects.codes, []);
        t.equal(feed.comparedCount, naive.checkedCount);
      },
    ),
    { numRuns: 30 },
  );
});

t.test('trades come to those who asked, history to those who want it', async (t) => {
  const { client, subscribe, market, open, say } = venueRig(t);
  market(SNAPSHOT);
  market(trade(630_050, Side.Buy));
  subscribe('trade');
  t.equal(client.take().length, 2, 'status and answer');
  market(trade(630_049, Side.Sell));
  t.match(
    client.texts[0],
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":63004.9,"qty":0.00147959,' +
      '"ord_type":"market","trade_id":64175816,"timestamp":"2026-08-01T02:53:53.00',
  );
  const other = open();
  say(
    { method: 'subscribe', params: { channel: 'trade', symbol: ['BTC/USD'], snapshot: true } },
    other,
  );
  t.same(
    other.take()[2].data.map((one: Json) => one.trade_id),
    [64_175_815, 64_175_816],
    'oldest first',
  );
  const { send, ticks, rejects } = feedRig({ instruments: SIMULATOR.instruments });
  for (const text of client.texts) send(text);
  t.match(ticks.ticks, [{ kind: TickKind.Trade, venueSeq: 64_175_816, priceMantissa: 630_049 }]);
  t.same(rejects.codes, []);
});

t.test('a ticker speaks with each trade, or with each top', async (t) => {
  const { client, subscribe, market, open, say } = venueRig(t);
  market(SNAPSHOT);
  subscribe('ticker');
  const bbo = open();
  say(
    {
      method: 'subscribe',
      params: { channel: 'ticker', symbol: ['BTC/USD'], event_trigger: 'bbo' },
    },
    bbo,
  );
  t.match(client.take()[1].result, { event_trigger: 'trades', snapshot: true });
  bbo.take();
  market(change(false, 630_049, 9));
  t.equal(client.texts.length, 0);
  t.equal(bbo.texts.length, 1);
  market(change(false, 630_020, 9));
  t.equal(bbo.texts.length, 1, 'not the top');
  market(trade(630_050, Side.Buy));
  market(trade(630_060, Side.Buy));
  t.match(
    client.texts[1],
    '"bid":63004.9,"bid_qty":0.00000009,"ask":63005.0,"ask_qty":2.07265551,"last":63006.0,"volume":0.00295918,' +
      '"vwap":63005.5,"low":63005.0,"high":63006.0,"change":1.0,"change_pct":0.00,"trades":2,"timestamp":"',
  );
  const { send, ticks, rejects } = feedRig({ instruments: SIMULATOR.instruments });
  for (const text of [...client.texts, ...bbo.texts]) send(text);
  t.match(ticks.ticks[2], { kind: TickKind.Ticker, priceMantissa: 630_049, flags: 0 });
  t.same(rejects.codes, []);
});

t.test('candles and instruments are there, with the warning of the venue', async (t) => {
  const { client, subscribe, market, say } = venueRig(t);
  market(SNAPSHOT);
  market(trade(630_050, Side.Buy));
  client.take();
  subscribe('ohlc', { interval: 5 });
  const [answer, snapshot] = client.take();
  t.same(answer.result, {
    channel: 'ohlc',
    interval: 5,
    snapshot: true,
    symbol: 'BTC/USD',
    warnings: ['timestamp is deprecated, use interval_begin'],
  });
  t.match(snapshot, {
    channel: 'ohlc',
    type: 'snapshot',
    data: [{ open: 63005, trades: 1, interval_begin: '2026-08-01T02:50:00.000000000Z' }],
  });
  market(trade(630_060, Side.Sell));
  t.match(client.take(), [{ type: 'update', data: [{ high: 63006, close: 63006, trades: 2 }] }]);
  say({ method: 'subscribe', params: { channel: 'instrument' }, req_id: 9 });
  const [confirmed, instruments] = client.take();
  t.same(confirmed.result, { channel: 'instrument', snapshot: true });
  t.match(instruments.data.pairs[0], {
    symbol: 'BTC/USD',
    price_precision: 1,
    qty_precision: 8,
    price_increment: 0.1,
    cost_min: 0.5,
  });
  t.equal(instruments.data.assets.find((asset: Json) => asset.id === 'BTC').status, 'enabled');
});

t.test(
  'what cannot be had is refused in the words of the venue, without naming the symbol',
  async (t) => {
    const { client, say, open } = venueRig(t);
    client.take();
    const refused = (message: object | string): Json => {
      say(message);
      const answers = client.take();
      t.equal(answers.length, 1);
      return answers[0];
    };
    const subscribe = (params: object): Json => refused({ method: 'subscribe', params, req_id: 3 });
    t.match(subscribe({ channel: 'book', symbol: ['XBT/USD'] }), {
      error: 'Currency pair not supported XBT/USD',
      method: 'subscribe',
      req_id: 3,
      success: false,
    });
    const depth = subscribe({ channel: 'book', symbol: ['BTC/USD'], depth: 20 });
    t.equal(depth.error, 'Subscription depth not supported');
    t.notOk('symbol' in depth);
    t.equal(subscribe({ channel: 'ohlc', symbol: ['BTC/USD'], interval: 2 }).success, false);
    t.equal(
      subscribe({ channel: 'ticker', symbol: ['BTC/USD'], event_trigger: 'x' }).success,
      false,
    );
    t.equal(subscribe({ channel: 'news', symbol: ['BTC/USD'] }).success, false);
    t.equal(subscribe({ channel: 'book' }).success, false);
    t.equal(subscribe({ channel: 'executions', token: 'x' }).error, 'EGeneral:Permission denied');
    t.equal(
      refused({ method: 'add_order', params: {}, req_id: 4 }).error,
      'EGeneral:Permission denied',
    );
    const unknown = { method: 'unsubscribe', params: { channel: 'trade', symbol: ['BTC/USD'] } };
    t.equal(refused(unknown).error, 'Subscription Not Found');
    t.equal(refused('{').success, false);
    t.equal(refused('[]').success, false);
    t.match(refused({ method: 'ping', params: {}, req_id: 0 }), {
      error: "Unsupported field: 'params' for the given msg type: ping",
      req_id: 0,
    });
    t.match(refused({ method: 'ping', req_id: 12 }), { method: 'pong', req_id: 12 });
    const closed = open(true);
    closed.take();
    say({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD'] } }, closed);
    t.match(closed.take(), [{ error: 'EGeneral:Permission denied', success: false }]);
  },
);

t.test('one answer comes for each symbol, one by one good or bad', async (t) => {
  const { client, say } = venueRig(t);
  client.take();
  say({
    method: 'subscribe',
    params: { channel: 'trade', symbol: ['BTC/USD', 'A/B', 'ETH/USD'] },
    req_id: 5,
  });
  t.match(client.take(), [
    { success: true, result: { symbol: 'BTC/USD' }, req_id: 5 },
    { success: false, error: 'Currency pair not supported A/B', req_id: 5 },
    { success: true, result: { symbol: 'ETH/USD' }, req_id: 5 },
  ]);
});

t.test('hearts beat once a second, for those who have subscribed something', async (t) => {
  const { client, subscribe, later } = venueRig(t);
  client.take();
  later(1_100);
  t.same(client.texts, []);
  subscribe('trade');
  client.take();
  for (let i = 0; i < 20; i++) later(100);
  t.same(client.texts, ['{"channel":"heartbeat"}', '{"channel":"heartbeat"}']);
  t.same(client.topics, ['heartbeat', 'heartbeat']);
});

t.test('the REST side answers in the shapes of the venue', async (t) => {
  const { get, market } = venueRig(t);
  market(SNAPSHOT);
  market(trade(630_050, Side.Buy));
  t.same(get('/0/public/Time').result, {
    unixtime: 1_785_552_833,
    rfc1123: 'Sat, 01 Aug 26 02:53:53 +0000',
  });
  t.match(get('/0/public/SystemStatus').result, {
    status: 'online',
    timestamp: '2026-08-01T02:53:53Z',
  });
  t.same(get('/0/public/Depth?pair=XBTUSD&count=1').result.XXBTZUSD, {
    asks: [['63005.00000', '2.07265551', 1_785_552_833]],
    bids: [['63004.90000', '0.01876947', 1_785_552_833]],
  });
  t.match(get('/0/public/Ticker?pair=XXBTZUSD').result.XXBTZUSD, {
    a: ['63005.00000', '2', '2.07265551'],
    c: ['63005.00000', '0.00147959'],
    t: [1, 1],
  });
  t.match(get('/0/public/Trades?pair=XBT/USD').result, {
    XXBTZUSD: [['63005.00000', '0.00147959', Number, 'b', 'm', '', 64_175_815]],
    last: /^\d{19}$/,
  });
  t.equal(get('/0/public/Trades?pair=XBTUSD&since=1785552899').result.XXBTZUSD.length, 0);
  t.match(get('/0/public/OHLC?pair=XBTUSD&interval=1').result, {
    XXBTZUSD: [
      [1_785_552_780, '63005.0', '63005.0', '63005.0', '63005.0', '63005.0', '0.00147959', 1],
    ],
    last: 0,
  });
  t.match(get('/0/public/Assets').result, { XXBT: { altname: 'XBT', decimals: 10 } });
  for (const [path, error] of [
    ['/0/public/Depth', 'EGeneral:Invalid arguments'],
    ['/0/public/Depth?pair=NOPE', 'EQuery:Unknown asset pair'],
    ['/0/public/Depth?pair=XBTUSD&count=0', 'EGeneral:Invalid arguments'],
    ['/0/public/OHLC?pair=XBTUSD&interval=2', 'EGeneral:Invalid arguments'],
    ['/0/public/Nope', 'EGeneral:Unknown method'],
    ['/nope', 'EGeneral:Unknown method'],
    ['/0/private/Balance', 'EGeneral:Permission denied'],
    ['/0/private/AddOrder', 'EGeneral:Permission denied'],
  ] as const) {
    t.same(get(path), { error: [error] }, path);
  }
});

t.test(
  'the list of pairs gives the instruments that are simulated, and has the members of the real one',
  async (t) => {
    const { get } = venueRig(t);
    const body = get('/0/public/AssetPairs');
    t.same(parseInstruments(JSON.stringify(body)), {
      instruments: SIMULATOR.instruments,
      refused: [],
    });
    const real = JSON.parse(linesOf('v2/fb2026_rest_assetpairs')[0]?.raw ?? '');
    for (const name of ['XXBTZUSD', 'XETHZUSD']) {
      t.same(Object.keys(body.result[name]), Object.keys(real.result[name]));
      const {
        fees: _1,
        fees_maker: _2,
        long_position_limit: _3,
        short_position_limit: _4,
        ...facts
      } = real.result[name];
      t.match(body.result[name], facts, name);
    }
    t.same(Object.keys(get('/0/public/AssetPairs?pair=XBTUSD,USDTUSD').result), [
      'XXBTZUSD',
      'USDTZUSD',
    ]);
  },
);

t.test('the naive sum of the simulator is the one of the standard', async (t) => {
  t.equal(crc32('123456789'), 0xcbf43926);
});
