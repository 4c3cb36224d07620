import fc from 'fast-check';
import t from 'tap';
import { must } from '#src/domain/assert.js';
import type { Book } from '#src/domain/book.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { CoinbaseMarketFeed } from '#src/venues/coinbase/market-feed.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import {
  CAPTURE,
  capturedLines,
  instrumentNamed,
  RejectList,
  TickList,
  TickReader,
} from '../feed-rig.js';

const EPOCH_NS = 1_786_309_548_000_000_000n;
const TIME = '2026-08-09T21:05:49.123456789Z';

interface Rig {
  readonly feed: CoinbaseMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
  readonly send: (frame: unknown) => void;
  readonly book: (place?: number) => Book;
}

function rig(symbols = ['BTC-USD', 'ETH-USD']): Rig {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new CoinbaseMarketFeed({
    instruments: symbols.map((symbol, index) => instrumentNamed(symbol, index + 5, 2, 8)),
    ticks,
    rejects,
    runEpochNs: EPOCH_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  feed.onConnected();
  let recvNs = 0;
  return {
    feed,
    ticks,
    rejects,
    send: (frame) => {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
      feed.onFrame(Buffer.from(text), ++recvNs);
    },
    book: (place = 0) => feed.markets[place]?.book as Book,
  };
}

const level = (side: string, price: string, size: string): object => ({
  side,
  event_time: TIME,
  price_level: price,
  new_quantity: size,
});
const message = (channel: string, seq: number, events: readonly unknown[]): object => ({
  channel,
  timestamp: TIME,
  sequence_num: seq,
  events,
});
const bookEvent = (type: string, updates: readonly unknown[], symbol = 'BTC-USD'): object => ({
  type,
  product_id: symbol,
  updates,
});
const SNAPSHOT = [
  level('bid', '99.5', '1'),
  level('bid', '99', '2'),
  level('offer', '100', '3'),
  level('offer', '101', '4'),
];

t.test('subscribing names every channel and product, one message each', async (t) => {
  const { feed } = rig();
  const texts = feed.onConnected().map((text) => JSON.parse(text) as Record<string, unknown>);
  t.same(
    texts.map(({ channel }) => channel),
    ['level2', 'market_trades', 'ticker', 'heartbeats'],
  );
  for (const text of texts) {
    t.equal(text['type'], 'subscribe');
    t.same(text['product_ids'], ['BTC-USD', 'ETH-USD']);
  }
});

t.test('a snapshot becomes a fresh book, its best levels, its top and its state', async (t) => {
  const { send, ticks, feed, book } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  t.same(ticks.kinds(), [
    TickKind.SnapshotBegin,
    ...[TickKind.Level, TickKind.Level, TickKind.Level, TickKind.Level],
    TickKind.Quote,
    TickKind.State,
  ]);
  const quote = ticks.ticks[5];
  t.match(quote, {
    instrumentIndex: 5,
    priceMantissa: 9950,
    sizeMantissa: 100_000_000,
    askPriceMantissa: 10000,
    askSizeMantissa: 300_000_000,
    venueNs: 1_123_456_789,
    recvNs: 1,
  });
  t.equal(ticks.ticks.at(-1)?.flags, TickFlag.LastOfFrame);
  t.equal(ticks.ticks[4]?.flags, TickFlag.Ask);
  t.equal(feed.markets[0]?.staleReason, 0);
  t.equal(feed.markets[1]?.staleReason, codeIndex('BOOK_MISSING'), 'the other one has no book yet');
  t.equal(book().bids.count, 2);
});

t.test(
  'the top is published once per frame, after everything in it, and only when it changed',
  async (t) => {
    const { send, ticks } = rig();
    send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
    ticks.take();
    // For a moment the bid stands above the ask; the second event of the same message clears that.
    send(
      message('l2_data', 1, [
        bookEvent('update', [level('bid', '100', '5')]),
        bookEvent('update', [level('offer', '100', '0')]),
      ]),
    );
    t.same(ticks.kinds(), [TickKind.Level, TickKind.Level, TickKind.Quote]);
    t.match(ticks.ticks[2], { priceMantissa: 10000, askPriceMantissa: 10100 });
    ticks.take();
    send(message('l2_data', 2, [bookEvent('update', [level('bid', '99', '7')])]));
    t.same(ticks.kinds(), [TickKind.Level], 'a change below the top is no news of the top');
  },
);

t.test('a missing side is flagged, not invented', async (t) => {
  const { send, ticks } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', [level('bid', '99', '1')])]));
  const quote = ticks.ticks.find(({ kind }) => kind === TickKind.Quote);
  t.equal((quote?.flags ?? 0) & (TickFlag.NoAsk | TickFlag.NoBid), TickFlag.NoAsk);
  t.match(quote, { askPriceMantissa: 0, askSizeMantissa: 0 });
});

t.test('market_trades.side is the maker: BUY means that somebody sold into a bid', async (t) => {
  const { send, ticks } = rig();
  const trade = (id: string, side: string, time: string): object => ({
    product_id: 'ETH-USD',
    trade_id: id,
    price: '1919.41',
    size: '0.00000001',
    time,
    side,
  });
  const trades = [
    trade('12', 'BUY', '2026-08-09T21:05:49.2Z'),
    trade('11', 'SELL', '2026-08-09T21:05:49.1Z'),
  ];
  send(message('market_trades', 0, [{ type: 'update', trades }]));
  t.match(ticks.ticks[0], {
    kind: TickKind.Trade,
    instrumentIndex: 6,
    venueSeq: 11,
    flags: 0,
    priceMantissa: 191941,
    sizeMantissa: 1,
    venueNs: 1_100_000_000,
  });
  t.match(
    ticks.ticks[1],
    { venueSeq: 12, flags: TickFlag.AggressorSell | TickFlag.LastOfFrame },
    'oldest first, although the venue writes the newest first',
  );
  ticks.take();
  send(message('market_trades', 1, [{ type: 'snapshot', trades }]));
  t.ok(
    ticks.ticks.every(({ flags }) => (flags & TickFlag.Backfill) !== 0),
    'history is marked',
  );
});

t.test('the trade that the board shows last is the newest one, also of a backfill', async (t) => {
  const { send, feed } = rig();
  const trade = (id: string, price: string, time: string): object => ({
    ...{ product_id: 'BTC-USD', trade_id: id, price, size: '1', side: 'BUY' },
    time,
  });
  const trades = [trade('2', '7', '2026-08-09T21:05:49Z'), trade('1', '6', '2026-08-09T21:05:48Z')];
  send(message('market_trades', 0, [{ type: 'snapshot', trades }]));
  t.match(feed.markets[0], { lastPriceMantissa: 700, tradeCount: 0, lastTradeNs: 0 });
});

t.test('a ticker is two ticks; what the venue leaves out is absent', async (t) => {
  const { send, ticks } = rig();
  const ticker = {
    type: 'ticker',
    product_id: 'BTC-USD',
    price: '100.5',
    best_bid: '',
    volume_24_h: '1',
  };
  const whole = {
    ...ticker,
    best_bid: '100',
    best_bid_quantity: '1',
    best_ask: '101',
    best_ask_quantity: '2',
  };
  send(message('ticker', 0, [{ type: 'snapshot', tickers: [whole, ticker] }]));
  t.same(ticks.kinds(), [6, 7, 6, 7]);
  t.match(ticks.ticks[0], {
    ...{ priceMantissa: 10000, sizeMantissa: 1e8, askPriceMantissa: 10100, askSizeMantissa: 2e8 },
    flags: 0,
  });
  t.match(ticks.ticks[1], { priceMantissa: 10050, sizeMantissa: 0 });
  t.equal(ticks.ticks[2]?.flags, TickFlag.NoBid | TickFlag.NoAsk);
});

t.test('keys in any order and white space anywhere give the same ticks', async (t) => {
  const plain = rig();
  const strange = rig();
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };
  const frames = [...capturedLines(`${CAPTURE}.jsonl.gz`)].filter(
    ({ dir, raw }) => dir === 'in' && raw.length < 20_000,
  );
  // Without their snapshots the updates change nothing, so the books get small ones.
  const snapshots = ['BTC-USD', 'ETH-USD'].map((symbol, seq) =>
    message('l2_data', seq, [bookEvent('snapshot', [level('bid', '0.01', '1')], symbol)]),
  );
  const all = [...snapshots, ...frames.map(({ raw }) => JSON.parse(raw) as object)].map(
    (frame, seq) => ({ ...frame, sequence_num: seq }),
  );
  for (const frame of all) {
    plain.send(frame);
    strange.send(JSON.stringify(reversed(frame), null, 1));
  }
  t.ok(plain.ticks.ticks.length > 1_000, `${plain.ticks.ticks.length} ticks`);
  t.same(strange.ticks.ticks, plain.ticks.ticks);
  t.same(plain.rejects.codes, []);
});

t.test(
  'a lost message makes every book of the connection stale and asks for a new connection',
  async (t) => {
    const { send, ticks, feed, rejects, book } = rig();
    send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
    send(message('l2_data', 1, [bookEvent('snapshot', SNAPSHOT, 'ETH-USD')]));
    ticks.take();
    t.notOk(feed.needsResubscribe);
    // Number 2 was a heartbeat: its channel does not matter.
    send(message('l2_data', 3, [bookEvent('update', [level('bid', '99', '7')])]));
    t.same(
      ticks.ticks.map(({ kind, instrumentIndex, sizeMantissa }) => [
        kind,
        instrumentIndex,
        codeAt(sizeMantissa),
      ]),
      [
        [TickKind.State, 5, 'VENUE_SEQ_GAP'],
        [TickKind.State, 6, 'VENUE_SEQ_GAP'],
      ],
    );
    t.equal(feed.brokenBy, 'VENUE_SEQ_GAP');
    t.equal(book().bids.count, 0, 'a book with a hole is no book');
    t.same(rejects.codes, ['VENUE_SEQ_GAP']);
    t.match(feed.markets[0], { gapCount: 1 });
    ticks.take();
    feed.onDisconnected(codeIndex('FEED_DISCONNECTED'), 50);
    t.same(ticks.ticks, [], 'the reason that came first stays');
    feed.onConnected();
    t.notOk(feed.needsResubscribe);
    send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
    t.equal(feed.markets[0]?.staleReason, 0, 'a new snapshot heals it');
    t.equal(feed.markets[0]?.recoveryCount, 1);
  },
);

t.test('a connection whose first message is missing has a gap', async (t) => {
  const { send, feed } = rig();
  send(message('heartbeats', 1, [{ current_time: 'x', heartbeat_counter: 1 }]));
  t.ok(feed.needsResubscribe);
});

t.test('a repeated message is ignored and counted', async (t) => {
  const { send, ticks, rejects, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  send(message('l2_data', 1, [bookEvent('update', [level('bid', '99', '7')])]));
  ticks.take();
  const frameCount = feed.frameCount;
  send(message('l2_data', 0, [bookEvent('snapshot', [])]));
  t.same(rejects.codes, ['VENUE_SEQ_OLD']);
  t.same(ticks.ticks, []);
  t.equal(feed.frameCount, frameCount, 'it is no sign of life');
  t.notOk(feed.needsResubscribe);
});

/** State, code and count of messages of a subscription. */
function fate(feed: CoinbaseMarketFeed, channel: string, place = 0): readonly unknown[] {
  const found = feed.subscriptions.find((one) => one.channel === channel && one.place === place);
  const { state, reason, detail, dataCount } = must(found, channel);
  const names = Object.entries(SubscriptionState);
  return [names.find(([, value]) => value === state)?.[0], codeAt(reason), detail, dataCount];
}
const listOf = (seq: number, subscriptions: Readonly<Record<string, readonly string[]>>): object =>
  message('subscriptions', seq, [{ subscriptions }]);
const BOTH = ['BTC-USD', 'ETH-USD'];
const tradeOf = (id: string): object => ({
  product_id: 'BTC-USD',
  trade_id: id,
  price: '1',
  size: '1',
  time: TIME,
  side: 'BUY',
});

t.test('an update before its snapshot is not believed and breaks its subscription', async (t) => {
  const { send, ticks, feed } = rig();
  send(message('l2_data', 0, [bookEvent('update', SNAPSHOT)]));
  t.same(ticks.ticks, []);
  t.notOk(feed.needsResubscribe, 'the connection is good');
  t.same(fate(feed, 'level2'), ['Broken', 'BOOK_MISSING', 'BOOK_MISSING', 0]);
  t.same(fate(feed, 'level2', 1), ['Requested', 'OK', '', 0]);
  t.same(fate(feed, 'ticker'), ['Requested', 'OK', '', 0]);
});

t.test(
  'lists confirm what they name; the last one that is due refuses what it leaves out',
  async (t) => {
    const { send, feed } = rig();
    send(listOf(0, { level2: BOTH }));
    t.same(fate(feed, 'level2', 1), ['Live', 'OK', '', 0]);
    t.same(fate(feed, 'ticker'), ['Requested', 'OK', '', 0]);
    send(listOf(1, { level2: BOTH, market_trades: ['ETH-USD'] }));
    t.same(fate(feed, 'market_trades'), ['Requested', 'OK', '', 0], 'three answers are due yet');
    send(listOf(2, { level2: BOTH, market_trades: ['ETH-USD'], ticker: BOTH }));
    send(
      listOf(3, {
        level2: ['BTC-USD'],
        market_trades: ['ETH-USD'],
        ticker: BOTH,
        heartbeats: ['heartbeats'],
      }),
    );
    const why = 'the venue does not list it';
    t.same(fate(feed, 'market_trades'), ['Refused', 'SUBSCRIPTION_REFUSED', why, 0]);
    t.same(fate(feed, 'market_trades', 1), ['Live', 'OK', '', 0]);
    t.same(
      fate(feed, 'level2', 1),
      ['Refused', 'SUBSCRIPTION_REFUSED', why, 0],
      'it was live and is gone',
    );
    t.same(fate(feed, 'level2'), ['Live', 'OK', '', 0]);
  },
);

t.test('an error refuses what is not answered; a list that comes later knows better', async (t) => {
  const { send, feed, rejects } = rig();
  send(listOf(0, { level2: BOTH }));
  send({ type: 'error', message: 'failure to subscribe' });
  const refused = ['Refused', 'SUBSCRIPTION_REFUSED', 'failure to subscribe', 0];
  t.same(fate(feed, 'market_trades'), refused);
  t.same(fate(feed, 'ticker', 1), refused);
  t.same(fate(feed, 'level2'), ['Live', 'OK', '', 0]);
  t.same(rejects.take(), ['FRAME_VENUE_ERROR']);
  send(listOf(1, { level2: BOTH, ticker: BOTH }));
  t.same(fate(feed, 'ticker', 1), ['Live', 'OK', '', 0], 'it was not the one');
  t.same(fate(feed, 'market_trades'), refused);
});

t.test('too many books are the books alone', async (t) => {
  const { send, feed } = rig();
  send({ type: 'error', message: 'too many L2 streams requested in a single session' });
  t.match(fate(feed, 'level2'), ['Refused', 'SUBSCRIPTION_REFUSED', /too many L2/]);
  t.same(fate(feed, 'ticker'), ['Requested', 'OK', '', 0]);
});

t.test('data is a sign of life of its own subscription, and of no other', async (t) => {
  const { send, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT), bookEvent('update', [])]));
  t.same(fate(feed, 'level2'), ['Live', 'OK', '', 1], 'once a frame');
  t.equal(feed.subscriptions[0]?.lastDataNs, 1);
  send(message('market_trades', 1, [{ type: 'update', trades: [tradeOf('1'), tradeOf('2')] }]));
  t.same(fate(feed, 'market_trades'), ['Live', 'OK', '', 1]);
  t.same(fate(feed, 'market_trades', 1), ['Requested', 'OK', '', 0]);
  send(
    message('ticker', 2, [{ type: 'update', tickers: [{ product_id: 'ETH-USD', price: '1' }] }]),
  );
  t.same(fate(feed, 'ticker', 1), ['Live', 'OK', '', 1]);
  send(message('l2_data', 2, [bookEvent('update', [])]));
  t.same(fate(feed, 'level2'), ['Live', 'OK', '', 1], 'a repeated message is no sign of life');
});

t.test(
  'a renewed book waits for its snapshot; what is still on its way breaks nothing',
  async (t) => {
    const { send, ticks, feed } = rig();
    send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
    send(message('l2_data', 1, [bookEvent('update', [level('bid', '100', '1')])]));
    t.same(fate(feed, 'level2'), ['Broken', 'BOOK_CROSSED', 'BOOK_CROSSED', 1]);
    t.same(
      feed.renew(0).map((text) => JSON.parse(text) as unknown),
      ['unsubscribe', 'subscribe'].map((type) => ({
        type,
        product_ids: ['BTC-USD'],
        channel: 'level2',
      })),
    );
    ticks.take();
    send(message('l2_data', 2, [bookEvent('update', [level('bid', '98', '1')])]));
    t.same(fate(feed, 'level2'), ['Requested', 'OK', '', 1], 'no sign of life either');
    send(listOf(3, { level2: ['ETH-USD'], ticker: BOTH }));
    t.same(fate(feed, 'level2'), ['Requested', 'OK', '', 1], 'the list between the two messages');
    send(message('l2_data', 4, [bookEvent('snapshot', SNAPSHOT)]));
    t.same(fate(feed, 'level2'), ['Live', 'OK', '', 2]);
    t.equal(codeAt(feed.markets[0]?.staleReason ?? -1), 'OK');
    t.equal(feed.markets[0]?.recoveryCount, 1);
    send(message('l2_data', 5, [bookEvent('update', [level('bid', '100', '1')])]));
    t.same(fate(feed, 'level2'), ['Broken', 'BOOK_CROSSED', 'BOOK_CROSSED', 2], 'told again');
  },
);

t.test('a market that somebody calls stale loses its book until a snapshot comes', async (t) => {
  const { send, feed, ticks } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  ticks.take();
  feed.markStale(0, codeIndex('FEED_SILENT'), 77);
  t.match(ticks.take(), [
    { kind: TickKind.State, sizeMantissa: codeIndex('FEED_SILENT'), venueNs: 77 },
  ]);
  t.equal(feed.markets[0]?.book.bids.count, 0);
  feed.renew(0);
  send(message('l2_data', 1, [bookEvent('update', [level('bid', '98', '1')])]));
  t.same(ticks.take(), []);
  t.same(fate(feed, 'level2'), ['Requested', 'OK', '', 1]);
});

t.test('a list of another shape is refused', async (t) => {
  const { send, rejects } = rig();
  send(message('subscriptions', 0, [{ subscriptions: { level2: 'BTC-USD' } }]));
  send(message('subscriptions', 1, [{ subscriptions: [] }]));
  send(message('subscriptions', 2, ['x']));
  send({ ...message('subscriptions', 3, []), events: {} });
  t.same(rejects.codes, Array(4).fill('FRAME_MALFORMED'));
});

t.test('a book that stays crossed behind a frame is stale', async (t) => {
  const { send, ticks, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  ticks.take();
  send(message('l2_data', 1, [bookEvent('update', [level('bid', '100', '1')])]));
  t.notOk(feed.needsResubscribe, 'the connection is good');
  t.same(fate(feed, 'level2'), ['Broken', 'BOOK_CROSSED', 'BOOK_CROSSED', 1]);
  t.notOk(
    ticks.ticks.some(({ kind }) => kind === TickKind.Quote),
    'no crossed top is published',
  );
  t.match(ticks.ticks.at(-1), { kind: TickKind.State, sizeMantissa: codeIndex('BOOK_CROSSED') });
});

t.test('a decimal that does not fit is refused and the book it belongs to is stale', async (t) => {
  const { send, ticks, rejects, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  send(message('l2_data', 1, [bookEvent('snapshot', SNAPSHOT, 'ETH-USD')]));
  ticks.take();
  send(
    message('l2_data', 2, [
      bookEvent('update', [level('bid', '99.001', '1'), level('bid', '98', '1')]),
      bookEvent('update', [level('bid', '98', '1')], 'ETH-USD'),
    ]),
  );
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  t.equal(codeAt(feed.markets[0]?.staleReason ?? 0), 'DECIMAL_INEXACT');
  t.equal(feed.markets[1]?.staleReason, 0, 'the other book is not touched');
  t.notOk(feed.needsResubscribe, 'asking again would give the same decimal');
  send(message('l2_data', 3, [bookEvent('update', [level('bid', '98', '1')])]));
  t.notOk(feed.needsResubscribe);
  send(message('l2_data', 4, [bookEvent('update', [level('bid', '98', '92233720368.54775808')])]));
  t.same(rejects.take(), ['DECIMAL_OVERFLOW']);
  send(message('l2_data', 5, [bookEvent('snapshot', SNAPSHOT)]));
  t.equal(feed.markets[0]?.staleReason, 0, 'a whole snapshot heals it');
  const trade = { product_id: 'BTC-USD', trade_id: '1', size: '1', time: TIME, side: 'BUY' };
  ticks.take();
  send(
    message('market_trades', 6, [
      {
        type: 'update',
        trades: [
          { ...trade, price: '1.005' },
          { ...trade, price: '1.5' },
        ],
      },
    ]),
  );
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  t.same(
    ticks.ticks.map(({ priceMantissa }) => priceMantissa),
    [150],
    'the other trade counts',
  );
});

t.test('a trade beyond 2^53 keeps all its digits', async (t) => {
  const ticks = new TickList();
  const feed = new CoinbaseMarketFeed({
    instruments: [instrumentNamed('X-USD', 0, 9, 18)],
    ticks,
    rejects: new RejectList(),
    runEpochNs: 0n,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  let big: readonly bigint[] = [];
  ticks.onTick = () => {
    const words = new BigInt64Array(ticks.i32.buffer, 0, 7);
    big = [...words];
  };
  const trades = [
    {
      product_id: 'X-USD',
      trade_id: '9007199254740993',
      price: '999999999.123456789',
      size: '0.000000000000000001',
      time: '2026-08-09T21:05:49.123456789Z',
      side: 'SELL',
    },
  ];
  feed.onFrame(
    Buffer.from(JSON.stringify(message('market_trades', 7, [{ type: 'update', trades }]))),
    1,
  );
  t.equal(big[0], 999999999123456789n, 'price');
  t.equal(big[1], 1n, 'size');
  t.equal(big[4], 1786309549123456789n, 'time, although the run began in 1970');
  t.equal(big[6], 9007199254740993n, 'trade id');
});

t.test('messages of an alias come under the canonical name', async (t) => {
  const { send, book } = rig(['BTC-USDC']);
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT, 'BTC-USD')]));
  t.equal(book().bids.count, 2);
  const both = rig(['BTC-USDC', 'BTC-USD']);
  both.send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT, 'BTC-USD')]));
  t.equal(both.book(0).bids.count, 0, 'unless that one is traded in its own right');
  t.equal(both.book(1).bids.count, 2);
});

t.test(
  'a list may name an alias by its canonical name, unless that one is traded as well',
  async (t) => {
    const alone = rig(['BTC-USDC']);
    alone.send(listOf(0, { level2: ['BTC-USD'] }));
    t.match(fate(alone.feed, 'level2'), ['Live']);
    const both = rig(['BTC-USDC', 'BTC-USD']);
    both.send(listOf(0, { level2: ['BTC-USD'] }));
    t.match(fate(both.feed, 'level2', 0), ['Requested']);
    t.match(fate(both.feed, 'level2', 1), ['Live']);
  },
);

t.test('what is not understood is counted by code and the next frame is decoded', async (t) => {
  const { send, rejects, ticks, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  ticks.take();
  let seq = 0;
  const expect = (frame: unknown, code: string): void => {
    send(frame);
    t.same(rejects.take(), [code], typeof frame === 'string' ? frame : JSON.stringify(frame));
  };
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"channel":"ticker"',
    '{"channel":1}',
    '\u0000',
  ]) {
    expect(text, 'FRAME_MALFORMED');
  }
  expect('{}', 'FRAME_UNKNOWN');
  expect('{"channel":"ticker","timestamp":"x"}', 'FRAME_MALFORMED');
  expect(`{"channel":"ticker","timestamp":"${TIME}","events":[]}`, 'FRAME_MALFORMED');
  expect({ type: 'error', message: 'failure to subscribe' }, 'FRAME_VENUE_ERROR');
  expect(message('fairy_tales', ++seq, []), 'FRAME_UNKNOWN');
  expect(
    message('ticker', ++seq, [{ type: 'update', tickers: [{ price: '1' }] }]),
    'FRAME_MALFORMED',
  );
  expect(
    message('ticker', ++seq, [{ type: 'update', tickers: [{ product_id: 'DOGE-USD' }] }]),
    'INSTRUMENT_UNKNOWN',
  );
  const trade = {
    product_id: 'BTC-USD',
    trade_id: '1',
    price: '1',
    size: '1',
    time: TIME,
    side: 'BUY',
  };
  for (const wrong of [
    { price: null },
    { price: '' },
    { price: 'ABC123' },
    { price: true },
    { price: ['1'] },
    { price: '-1' },
    { price: '0' },
    { price: 'Infinity' },
    { size: '0' },
    { side: 'HOLD' },
    { trade_id: 'abc' },
    { time: 'yesterday' },
    { product_id: 7 },
  ]) {
    const trades = [{ ...trade, ...wrong }];
    expect(message('market_trades', ++seq, [{ type: 'update', trades }]), 'FRAME_MALFORMED');
  }
  for (const missing of Object.keys(trade)) {
    const trades = [Object.fromEntries(Object.entries(trade).filter(([key]) => key !== missing))];
    expect(message('market_trades', ++seq, [{ type: 'update', trades }]), 'FRAME_MALFORMED');
  }
  t.same(ticks.ticks, [], 'nothing of all that was published');
  t.equal(feed.markets[0]?.staleReason, 0);
  send(message('market_trades', ++seq, [{ type: 'update', trades: [trade] }]));
  t.equal(ticks.ticks.length, 1, 'and the next frame is decoded');
  t.same(rejects.codes, []);
});

t.test('a book frame that is cut off changes nothing, and costs the books', async (t) => {
  const { send, ticks, feed } = rig();
  send(message('l2_data', 0, [bookEvent('snapshot', SNAPSHOT)]));
  ticks.take();
  const whole = JSON.stringify(
    message('l2_data', 1, [bookEvent('update', [level('bid', '99', '9')])]),
  );
  send(whole.slice(0, -3));
  t.notOk(ticks.ticks.some(({ kind }) => kind === TickKind.Level || kind === TickKind.Quote));
  t.equal(feed.brokenBy, 'FRAME_MALFORMED');
  t.equal(codeAt(feed.markets[0]?.staleReason ?? 0), 'FRAME_MALFORMED');
});

t.test(
  'strings with escapes are refused where their value matters and passed where not',
  async (t) => {
    const { send, rejects } = rig();
    const ticker = '"type":"update","tickers":[{"product_id":"BTC-USD","price":"1"';
    const head = `"channel":"ticker","timestamp":"${TIME}"`;
    send(`{${head},"sequence_num":0,"events":[{${ticker},"note":"a\\"b\\u00e9"}]}]}`);
    t.same(rejects.take(), []);
    send(
      `{${head},"sequence_num":1,"events":[{"type":"update","tickers":[{"product_id":"BTC\\u002dUSD"}]}]}`,
    );
    t.same(rejects.take(), ['FRAME_MALFORMED']);
  },
);

t.test(
  'a reader that keeps 20 levels from the ticks has exactly the top of the full book',
  async (t) => {
    const { feed, ticks, send } = rig();
    const readers = new Map([5, 6].map((index) => [index, new TickReader(20)]));
    ticks.onTick = (tick) => readers.get(tick.instrumentIndex)?.onTick(tick);
    const check = (): boolean =>
      feed.markets.every(({ book, instrument }) =>
        [book.bids, book.asks].every((side, isAsk) => {
          const kept = readers.get(instrument.index)?.levels(isAsk === 1) ?? [];
          const count = Math.min(20, side.count);
          return (
            kept.length === count &&
            kept.every(([price, size], depth) => {
              return side.priceAt(depth) === price && side.sizeAt(depth) === size;
            })
          );
        }),
      );
    for (const line of capturedLines(`${CAPTURE}.jsonl.gz`)) {
      if (line.dir !== 'in') continue;
      feed.onFrame(Buffer.from(line.raw), 1);
      ticks.ticks.length = 0;
      if (!check()) t.fail(`differs after line ${line.n}`);
    }
    t.equal(feed.markets[0]?.book.asks.count, 27_237);
    // Shallow books with many deletes, where levels move up into view.
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 45 }), fc.integer({ min: 0, max: 2 })),
          {
            minLength: 50,
            maxLength: 200,
          },
        ),
        (changes) => {
          feed.onDisconnected(codeIndex('FEED_DISCONNECTED'), 2);
          feed.onConnected();
          const far = Array.from({ length: 40 }, (_, i) => [
            level('bid', String(1000 - i), '1'),
            level('offer', String(2000 + i), '1'),
          ]).flat();
          send(message('l2_data', 0, [bookEvent('snapshot', far)]));
          let seq = 0;
          for (const [isAsk, distance, size] of changes) {
            const price = isAsk ? 1999 + distance : 1001 - distance;
            const side = isAsk ? 'offer' : 'bid';
            send(
              message('l2_data', ++seq, [
                bookEvent('update', [level(side, String(price), String(size))]),
              ]),
            );
            if (!check()) return false;
          }
          return true;
        },
      ),
      { numRuns: 20 },
    );
  },
);

t.test(
  'mutated frames never crash the feed, and what it publishes stands in the frame',
  async (t) => {
    const frames = capturedLines(`${CAPTURE}.jsonl.gz`)
      .filter(({ dir, raw }) => dir === 'in' && raw.length < 3_000)
      .map(({ raw }) => Buffer.from(raw));
    const { feed, ticks } = rig();
    let published = 0;
    ticks.onTick = (tick) => {
      published++;
      for (const value of Object.values(tick) as number[]) {
        // A mutated year may lie outside 2^53 ns.
        const isFine = Number.isInteger(value) && Math.abs(value) < 2 ** 63;
        if (!isFine) t.fail(`not an int64: ${value}`);
      }
    };
    fc.assert(
      fc.property(
        fc.nat({ max: frames.length - 1 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 4 })), { maxLength: 4 }),
        (frameIndex, edits) => {
          let bytes = Buffer.from(frames[frameIndex] ?? Buffer.alloc(0));
          for (const [where, value, how] of edits) {
            const place = where % Math.max(1, bytes.length);
            if (how === 0) bytes[place] = value;
            else if (how === 1) bytes[place] = (bytes[place] ?? 0) ^ (1 << (value % 8));
            else if (how === 2) bytes = bytes.subarray(0, place);
            else if (how === 3)
              bytes = Buffer.concat([
                bytes.subarray(0, place),
                bytes.subarray(place + (value % 16)),
              ]);
            else
              bytes = Buffer.concat([
                bytes.subarray(0, place),
                bytes.subarray(0, value),
                bytes.subarray(place),
              ]);
          }
          feed.onConnected();
          feed.onFrame(bytes, 1);
          let isJson = true;
          try {
            JSON.parse(bytes.toString('utf8'));
          } catch {
            isJson = false;
          }
          const spoken = ticks.take().filter(({ kind }) => kind !== TickKind.State);
          // What JSON.parse refuses must not have moved anything.
          return isJson || spoken.length === 0;
        },
      ),
      { numRuns: 5_000 },
    );
    t.ok(published > 500, `${published} ticks of frames that survived their mutation`);
  },
);
