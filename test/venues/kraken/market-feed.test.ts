import fc from 'fast-check';
import t from 'tap';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import type { FeedSubscription } from '#src/venues/subscription.js';
import { TickReader } from '../feed-rig.js';
import {
  BTC,
  ETH,
  checksumOf,
  feedRig,
  framesOf,
  levelsOf,
  NaiveClient,
  type LevelText,
} from './kraken-rig.js';

const TIME = '2026-08-01T02:53:53.646219Z';

/** Numbers keep their zeros, so frames are texts. */
function bookFrame(
  type: 'snapshot' | 'update',
  bids: readonly LevelText[],
  asks: readonly LevelText[],
  checksum: number,
  symbol = 'BTC/USD',
): string {
  const side = (levels: readonly LevelText[]): string =>
    levels.map(([price, size]) => `{"price":${price},"qty":${size}}`).join(',');
  return (
    `{"channel":"book","type":"${type}","data":[{"symbol":"${symbol}","bids":[${side(bids)}],` +
    `"asks":[${side(asks)}],"checksum":${checksum},"timestamp":"${TIME}"}]}`
  );
}

const BIDS: readonly LevelText[] = [
  ['63004.9', '0.01876947'],
  ['63003.3', '0.00005100'],
];
const ASKS: readonly LevelText[] = [
  ['63005.0', '2.07265551'],
  ['63005.1', '0.55006860'],
];
const SNAPSHOT = bookFrame('snapshot', BIDS, ASKS, checksumOf(BIDS, ASKS));

function bookOf(feed: { subscriptions: readonly FeedSubscription[] }, place = 0): FeedSubscription {
  return feed.subscriptions.find(
    (one) => one.channel === 'book' && one.place === place,
  ) as FeedSubscription;
}

interface Request {
  method: string;
  params: { channel: string; symbol: string[]; depth?: number; snapshot?: boolean };
  req_id: number;
}

const requestsOf = (texts: readonly string[]): Request[] =>
  texts.map((text) => JSON.parse(text) as Request);

t.test('each market and channel is asked for by itself, under a number of its own', async (t) => {
  const { feed } = feedRig();
  const requests = requestsOf(feed.onConnected());
  t.same(
    requests.map(({ method, params }) => `${method} ${params.channel} ${params.symbol.join()}`),
    ['BTC/USD', 'ETH/USD'].flatMap((symbol) =>
      ['book', 'trade', 'ticker'].map((channel) => `subscribe ${channel} ${symbol}`),
    ),
  );
  t.same(
    requests.map(({ params }) => params.depth),
    [100, undefined, undefined, 100, undefined, undefined],
  );
  t.ok(requests.every(({ params }) => params.snapshot === true));
  t.equal(new Set(requests.map((request) => request.req_id)).size, requests.length);
  t.ok(feed.subscriptions.every(({ state }) => state === SubscriptionState.Requested));
  t.same(
    feed.subscriptions.map(({ isChatty }) => isChatty),
    [true, false, false, true, false, false],
  );
  const deep = feedRig({ depth: 1000 });
  t.equal(requestsOf(deep.feed.onConnected())[0]?.params.depth, 1000);
});

t.test('a snapshot becomes a fresh book, its levels, its top and its state', async (t) => {
  const { send, ticks, feed, book } = feedRig();
  feed.onConnected();
  send(SNAPSHOT);
  t.same(ticks.kinds(), [
    TickKind.SnapshotBegin,
    ...[TickKind.Level, TickKind.Level, TickKind.Level, TickKind.Level],
    TickKind.Quote,
    TickKind.State,
  ]);
  t.match(ticks.ticks[5], {
    instrumentIndex: BTC.index,
    priceMantissa: 630_049,
    sizeMantissa: 1_876_947,
    askPriceMantissa: 630_050,
    askSizeMantissa: 207_265_551,
    venueNs: 552_833_646_219_000,
    recvNs: 1,
    flags: 0,
  });
  t.equal(ticks.ticks.at(-1)?.flags, TickFlag.LastOfFrame);
  t.equal(feed.markets[0]?.staleReason, 0);
  t.equal(feed.markets[1]?.staleReason, codeIndex('BOOK_MISSING'), 'the other one has no book yet');
  t.equal(book().asks.count, 2);
  t.equal(bookOf(feed).state, SubscriptionState.Live);
  t.equal(bookOf(feed).lastDataNs, 1);
  t.equal(bookOf(feed, 1).state, SubscriptionState.Requested);
});

t.test('a snapshot of 2025 without a time is one all the same', async (t) => {
  const { send, ticks, rejects, feed } = feedRig();
  const frame = framesOf('v2/samples_live_frames').find((raw) => /"book","type":"snap/.test(raw));
  send(frame);
  t.same(rejects.codes, []);
  t.equal(feed.markets[1]?.staleReason, 0);
  const quote = ticks.ticks.find(({ kind }) => kind === TickKind.Quote);
  t.ok((quote?.flags ?? 0) & TickFlag.NoTime);
});

t.test(
  'a top whose book has not the checksum is never published; the subscription is broken',
  async (t) => {
    const { send, ticks, rejects, feed, book } = feedRig();
    feed.onConnected();
    send(SNAPSHOT);
    ticks.take();
    const after: LevelText[] = [['63005.0', '2.00000000'], ...ASKS.slice(1)];
    send(bookFrame('update', [], [['63005.0', '2.00000000']], checksumOf(BIDS, after)));
    t.same(rejects.codes, []);
    t.same(ticks.kinds(), [TickKind.Level, TickKind.Quote]);
    ticks.take();
    // An update is lost here: the next one has the sum of a book that we do not have.
    const lost: LevelText[] = [['63005.0', '1.00000000'], ...ASKS.slice(1)];
    const bids: LevelText[] = [['63004.9', '0.50000000'], ...BIDS.slice(1)];
    send(bookFrame('update', [['63004.9', '0.50000000']], [], checksumOf(bids, lost)));
    t.same(rejects.take(), ['BOOK_CHECKSUM']);
    t.same(ticks.kinds(), [TickKind.Level, TickKind.State], 'no quote');
    t.equal(codeAt(ticks.ticks[1]?.sizeMantissa ?? 0), 'BOOK_CHECKSUM');
    t.equal(book().bids.count, 0);
    t.match(bookOf(feed), {
      state: SubscriptionState.Broken,
      reason: codeIndex('BOOK_CHECKSUM'),
    });
    t.equal(feed.needsResubscribe, false, 'the connection stays');

    // What is still on its way changes nothing and is told nobody.
    ticks.take();
    const renewal = requestsOf(feed.renew(feed.subscriptions.indexOf(bookOf(feed))));
    t.same(
      renewal.map(({ method, params }) => `${method} ${params.channel} ${params.symbol.join()}`),
      ['unsubscribe book BTC/USD', 'subscribe book BTC/USD'],
    );
    send(bookFrame('update', [], [['63005.0', '3.00000000']], 1));
    t.same([ticks.take(), rejects.take()], [[], []]);
    t.match(bookOf(feed), { state: SubscriptionState.Requested, lastDataNs: 0 });
    // The new snapshot heals it.
    send(bookFrame('snapshot', bids, lost, checksumOf(bids, lost)));
    t.equal(feed.markets[0]?.staleReason, 0);
    t.equal(feed.markets[0]?.recoveryCount, 1);
    t.equal(bookOf(feed).state, SubscriptionState.Live);
    t.same(rejects.codes, []);
  },
);

t.test('a wall of more than 2^53 is summed with every digit', async (t) => {
  const { send, rejects, feed, ticks } = feedRig();
  feed.onConnected();
  const wall: LevelText = ['63003.2', '92233720368.54775807'];
  const bids = [...BIDS, wall];
  send(bookFrame('snapshot', bids, ASKS, checksumOf(bids, ASKS)));
  // The same as a double: only its last digit differs.
  const less: LevelText = ['63003.2', '92233720368.54775806'];
  send(bookFrame('update', [less], [], checksumOf([...BIDS, less], ASKS)));
  t.same(rejects.take(), []);
  t.equal(feed.markets[0]?.staleReason, 0);
  const best: LevelText = ['63004.9', '92233720368.54775805'];
  ticks.take();
  send(bookFrame('update', [best], [], checksumOf([best, ...BIDS.slice(1), less], ASKS)));
  t.same(rejects.take(), []);
  send(bookFrame('update', [wall], [], checksumOf([best, ...BIDS.slice(1), less], ASKS)));
  t.same(rejects.take(), ['BOOK_CHECKSUM']);
});

t.test('two messages of one frame about one book have the sum of the second', async (t) => {
  const { send, rejects, feed, book } = feedRig();
  feed.onConnected();
  send(SNAPSHOT);
  const first: LevelText[] = [['63004.9', '1.00000000'], ...BIDS.slice(1)];
  const second: LevelText[] = [['63004.9', '2.00000000'], ...BIDS.slice(1)];
  const dataOf = (frame: string): string => /"data":\[(.*)\]\}$/.exec(frame)?.[1] ?? '';
  const data = [
    bookFrame('update', first.slice(0, 1), [], checksumOf(first, ASKS)),
    bookFrame('update', second.slice(0, 1), [], checksumOf(second, ASKS)),
  ].map(dataOf);
  send(`{"channel":"book","type":"update","data":[${data.join()}]}`);
  t.same(rejects.take(), []);
  t.equal(book().bids.sizeAt(0), 200_000_000);
  // The first of two books is wrong, the other is not.
  const wrong = dataOf(bookFrame('update', [['63003.3', '5.00000000']], [], 7));
  const eth = bookFrame('update', [['1774.13', '1.00000000']], [], 0, 'ETH/USD');
  send(`{"channel":"book","type":"update","data":[${wrong},${dataOf(eth)}]}`);
  t.same(rejects.codes, ['BOOK_CHECKSUM']);
  t.equal(bookOf(feed, 0).state, SubscriptionState.Broken);
});

t.test('a thin snapshot does not make the depth smaller than what was asked for', async (t) => {
  const { send, feed } = feedRig();
  feed.onConnected();
  send(SNAPSHOT);
  t.equal(feed.markets[0]?.depthMax, 100);
});

t.test('what was seen of the last connection is not compared with the next one', async (t) => {
  const { send, feed, rejects } = feedRig({ booksStartEmpty: true });
  send(SNAPSHOT);
  feed.onConnected();
  send(bookFrame('update', [['63004.9', '1.00000000']], [], 7));
  t.same(rejects.codes, [], 'half a book has no sum');
  t.equal(feed.comparedCount, 1);
});

t.test('a silent book that is renewed is not broken by what was still on its way', async (t) => {
  const { send, feed, rejects } = feedRig();
  feed.onConnected();
  send(SNAPSHOT);
  feed.markStale(0, codeIndex('FEED_SILENT'), 5);
  feed.renew(0);
  send(bookFrame('update', [['63004.9', '1.00000000']], [], 7));
  t.equal(bookOf(feed).state, SubscriptionState.Requested);
  t.equal(feed.markets[0]?.staleReason, codeIndex('FEED_SILENT'));
  send(SNAPSHOT);
  t.equal(feed.markets[0]?.staleReason, 0);
  t.same(rejects.codes, []);
});

t.test(
  'a recording that shows finer decimals later is still summed as it is written',
  async (t) => {
    const { send, feed, rejects } = feedRig({ booksStartEmpty: true, instruments: [BTC] });
    const bids: LevelText[] = [['63004.90', '0.01876947']];
    const asks: LevelText[] = [['63005.00', '2.07265551']];
    send(bookFrame('snapshot', bids, asks, checksumOf(bids, asks)));
    feed.refine(0, { ...BTC, priceScale: 2 });
    const finer: LevelText = ['63004.95', '1.00000000'];
    send(bookFrame('update', [finer], [], checksumOf([finer, ...bids], asks)));
    t.same(rejects.codes, []);
    t.equal(feed.comparedCount, 2);
  },
);

t.test('a snapshot with a wrong checksum is not believed', async (t) => {
  const { send, rejects, feed } = feedRig();
  feed.onConnected();
  send(bookFrame('snapshot', BIDS, ASKS, checksumOf(BIDS, ASKS) ^ 1));
  t.same(rejects.codes, ['BOOK_CHECKSUM']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('BOOK_CHECKSUM'));
  t.equal(bookOf(feed).state, SubscriptionState.Broken);
});

t.test(
  'levels that fall out of the depth are cut, and come back when they are sent again',
  async (t) => {
    const { send, rejects, book, ticks } = feedRig({ depth: 10 });
    const asks = Array.from({ length: 10 }, (_, i): LevelText => [`${63010 + i}.0`, '1.00000000']);
    send(bookFrame('snapshot', BIDS, asks, checksumOf(BIDS, asks)));
    const reader = new TickReader(10);
    ticks.onTick = (tick) => reader.onTick(tick);
    for (const tick of ticks.ticks) reader.onTick(tick);
    const better: LevelText = ['63009.0', '2.00000000'];
    send(bookFrame('update', [], [better], checksumOf(BIDS, [better, ...asks.slice(0, 9)])));
    t.equal(book().asks.count, 10);
    t.equal(book().asks.sizeOf(630_190), 0, 'the eleventh is gone');
    // The best one leaves: the venue sends the tenth again.
    const back: LevelText = ['63019.0', '1.00000000'];
    send(bookFrame('update', [], [['63009.0', '0.00000000'], back], checksumOf(BIDS, asks)));
    t.same(rejects.codes, []);
    t.equal(book().asks.count, 10);
    t.equal(book().asks.sizeOf(630_190), 100_000_000);
    t.same(reader.levels(true), levelsOf(book().asks), 'a reader of ticks has the same ten');
  },
);

t.test(
  'trades: the side is the taker, the oldest comes first, a snapshot is history',
  async (t) => {
    const { send, ticks, feed, rejects } = feedRig();
    feed.onConnected();
    const frame = framesOf('v2/fb2026_book10_trade_ETH-USD').find((raw) =>
      raw.includes('64175817'),
    );
    send(frame);
    t.match(ticks.ticks, [
      {
        kind: TickKind.Trade,
        instrumentIndex: ETH.index,
        priceMantissa: 177_413,
        sizeMantissa: 13_466_847,
        venueSeq: 64_175_816,
        flags: TickFlag.AggressorSell,
      },
      { venueSeq: 64_175_817, flags: TickFlag.AggressorSell | TickFlag.LastOfFrame },
    ]);
    t.match(feed.subscriptions[4], { channel: 'trade', place: 1, state: SubscriptionState.Live });
    ticks.take();
    send(frame?.replace('"update"', '"snapshot"').replaceAll('"sell"', '"buy"'));
    t.same(
      ticks.ticks.map(({ flags }) => flags & ~TickFlag.LastOfFrame),
      [TickFlag.Backfill, TickFlag.Backfill],
    );
    t.equal(feed.markets[1]?.tradeCount, 2);
    send('{"channel":"trade","type":"snapshot","data":[]}');
    t.same(rejects.codes, []);
  },
);

t.test('a ticker is two ticks; what the venue leaves out is absent', async (t) => {
  const { send, ticks, rejects } = feedRig({ instruments: [{ ...BTC, priceScale: 1 }] });
  const whole =
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":65972.8,"bid_qty":0.10000000,' +
    '"ask":65972.9,"ask_qty":39.67506683,"last":65972.9,"volume":4216.61829370,"vwap":64275.2,"low":61325.4,' +
    `"high":66450.0,"change":4412.1,"change_pct":7.17,"trades":12,"timestamp":"${TIME}"}]}`;
  send(whole);
  t.match(ticks.take(), [
    {
      kind: TickKind.Ticker,
      priceMantissa: 659_728,
      sizeMantissa: 10_000_000,
      askPriceMantissa: 659_729,
      askSizeMantissa: 3_967_506_683,
      flags: 0,
    },
    { kind: TickKind.TickerLast, priceMantissa: 659_729, sizeMantissa: 0 },
  ]);
  // 2024: neither trades nor timestamp.
  send(framesOf('v2/samples_kraken_async_rs').find((raw) => /"ticker"/.test(raw)));
  const [first] = ticks.take();
  t.match(first, { kind: TickKind.Ticker, priceMantissa: 659_728 });
  t.ok((first?.flags ?? 0) & TickFlag.NoTime);
  send(
    whole.replace('"bid":65972.8,"bid_qty":0.10000000,', '').replace('65972.9,"vol', 'null,"vol'),
  );
  t.equal((ticks.ticks[0]?.flags ?? 0) & (TickFlag.NoBid | TickFlag.NoAsk), TickFlag.NoBid);
  t.same(rejects.codes, []);
});

t.test('what is no market data is understood and changes nothing', async (t) => {
  const { send, ticks, rejects, feed } = feedRig();
  const frames = [
    ...framesOf('v2/samples_live_frames').slice(0, 2),
    ...framesOf('v2/samples_live_frames').slice(6),
    ...framesOf('v2/samples_kraken_async_rs').filter((raw) =>
      /"(pong|status|heartbeat|ohlc|instrument|level3|executions|balances)"/.test(raw),
    ),
    '{"method":"pong","req_id":9007199254740993,"time_in":"x","time_out":"y"}',
  ];
  t.ok(
    frames.some((frame) => frame.includes('16174536464690282295')),
    'a number beyond 2^53',
  );
  for (const frame of frames) send(frame);
  t.same([rejects.codes, ticks.ticks], [[], []]);
  t.equal(feed.frameCount, frames.length);
});

t.test('the state of the venue is told when it is not online', async (t) => {
  const { send, rejects } = feedRig();
  const status = framesOf('v2/samples_live_frames')[0] ?? '';
  send(status.replace('"online"', '"cancel_only"'));
  t.same(rejects.details, ['the venue is in state cancel_only']);
  t.same(rejects.codes, ['FRAME_VENUE_ERROR']);
});

t.test('an answer is told apart by its number, also one that names nothing', async (t) => {
  const { send, rejects, feed } = feedRig();
  const ids = requestsOf(feed.onConnected()).map((request) => request.req_id);
  const no = (id: number, error: string): string =>
    `{"error":"${error}","method":"subscribe","req_id":${id},"success":false,"time_in":"${TIME}","time_out":"${TIME}"}`;
  const yes = (id: number, channel: string, symbol: string): string =>
    `{"method":"subscribe","req_id":${id},"result":{"channel":"${channel}","snapshot":true,"symbol":"${symbol}",` +
    `"warnings":["a \\"word\\""]},"success":true,"time_in":"${TIME}","time_out":"${TIME}"}`;
  send(no(ids[3] ?? 0, 'Currency pair not supported ETH/USD'));
  send(yes(ids[0] ?? 0, 'book', 'BTC/USD'));
  t.same(
    feed.subscriptions.map(({ state }) => state),
    [
      SubscriptionState.Live,
      ...[SubscriptionState.Requested, SubscriptionState.Requested],
      SubscriptionState.Refused,
      ...[SubscriptionState.Requested, SubscriptionState.Requested],
    ],
  );
  t.match(bookOf(feed, 1), {
    reason: codeIndex('SUBSCRIPTION_REFUSED'),
    detail: 'Currency pair not supported ETH/USD',
  });
  t.same(rejects.take(), ['FRAME_VENUE_ERROR']);

  // What was refused is asked for without giving up first what was never there.
  const renewal = requestsOf(feed.renew(3));
  t.same(
    renewal.map(({ method }) => method),
    ['subscribe'],
  );
  // The late answer to the first request is not one to the second.
  send(no(ids[3] ?? 0, 'Currency pair not supported ETH/USD'));
  t.equal(bookOf(feed, 1).state, SubscriptionState.Requested);
  send(yes(renewal[0]?.req_id ?? 0, 'book', 'ETH/USD'));
  t.equal(bookOf(feed, 1).state, SubscriptionState.Live);
  t.same(rejects.take(), ['FRAME_VENUE_ERROR']);

  // An unsubscribe that fails refuses nothing.
  send(
    `{"error":"Subscription Not Found","method":"unsubscribe","req_id":${ids[0]},"success":false}`,
  );
  t.equal(bookOf(feed).state, SubscriptionState.Live);
  send('{"Error":"Exceeded msg rate"}');
  t.same(rejects.details.at(-1), 'Exceeded msg rate');
  t.same(rejects.take(), ['FRAME_VENUE_ERROR', 'FRAME_VENUE_ERROR']);
});

t.test(
  'a recording tells the depth by its answers, by what was sent, or by its snapshot',
  async (t) => {
    const answer =
      '{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true}';
    const options = { booksStartEmpty: true, instruments: [BTC] };
    const heard = feedRig(options);
    heard.send(answer);
    t.equal(heard.feed.markets[0]?.depthMax, 25);
    const sent = feedRig(options);
    sent.feed.onSent(
      '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":500},"req_id":1}',
    );
    t.equal(sent.feed.markets[0]?.depthMax, 500);
    for (const nonsense of ['', '{', '[]', 'null', '{"method":"subscribe","params":7}']) {
      sent.feed.onSent(nonsense);
    }
    t.equal(sent.feed.markets[0]?.depthMax, 500);
    const seen = feedRig(options);
    seen.send(SNAPSHOT);
    t.equal(seen.feed.markets[0]?.depthMax, 10);
  },
);

t.test('an update before any snapshot breaks the subscription, once', async (t) => {
  const { send, rejects, feed, ticks } = feedRig();
  feed.onConnected();
  send(
    '{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":100,"snapshot":true,"symbol":"BTC/USD"},' +
      '"success":true}',
  );
  send(bookFrame('update', [['63004.9', '1.00000000']], [], 7));
  t.match(bookOf(feed), { state: SubscriptionState.Broken, reason: codeIndex('BOOK_MISSING') });
  t.same([ticks.ticks, rejects.codes], [[], []]);
  t.equal(feed.comparedCount, 0);
});

t.test('a crossed book with the right checksum is stale all the same', async (t) => {
  const { send, feed } = feedRig();
  feed.onConnected();
  const asks: LevelText[] = [['63000.0', '1.00000000']];
  send(bookFrame('snapshot', BIDS, asks, checksumOf(BIDS, asks)));
  t.equal(feed.markets[0]?.staleReason, codeIndex('BOOK_CROSSED'));
  t.equal(bookOf(feed).state, SubscriptionState.Broken);
});

t.test('a venue that changes its decimals is still checked by what it writes', async (t) => {
  const { send, rejects, feed } = feedRig();
  feed.onConnected();
  // The list said one decimal; the venue writes none now, and six of a size.
  const bids: LevelText[] = [['63004', '0.018769']];
  const asks: LevelText[] = [['63005', '2.072655']];
  send(bookFrame('snapshot', bids, asks, checksumOf(bids, asks)));
  t.same(rejects.take(), []);
  t.equal(feed.markets[0]?.staleReason, 0);
  // The same levels with one zero more.
  const longer = (levels: readonly LevelText[]): LevelText[] =>
    levels.map(([price, size]) => [`${price}.0`, `${size}00`]);
  const longBids = longer(bids);
  const longAsks = longer(asks);
  send(bookFrame('snapshot', longBids, longAsks, checksumOf(longBids, longAsks)));
  t.same(rejects.take(), []);
  // Two decimals now: that does not fit the instrument, and is refused, never rounded.
  const fine: LevelText[] = [['63004.95', '0.01876947']];
  send(bookFrame('snapshot', fine, ASKS, checksumOf(fine, ASKS)));
  t.same(rejects.codes, ['DECIMAL_INEXACT']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('DECIMAL_INEXACT'));
});

t.test('keys in any order and white space anywhere give the same ticks', async (t) => {
  const plain = feedRig({ depth: 10 });
  const strange = feedRig({ depth: 10 });
  const frames = [
    ...framesOf('v2/fb2026_book10_trade_ETH-USD').slice(0, 1_700),
    ...framesOf('v2/cb2026_book10_BTC-USD_1min').slice(0, 100),
  ];
  for (const frame of frames) {
    plain.send(frame);
    strange.send(reversed(frame));
  }
  t.ok(plain.ticks.ticks.length > 2_000, `${plain.ticks.ticks.length} ticks`);
  t.same(strange.ticks.ticks, plain.ticks.ticks);
  t.same([plain.rejects.codes, strange.rejects.codes], [[], []]);
  t.equal(strange.feed.comparedCount, plain.feed.comparedCount);
});

/** The same frame with its members in reverse and white space, numbers untouched: they become strings and back. */
function reversed(frame: string): string {
  const turn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turn);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, turn(member)]),
    );
  };
  const quoted = frame.replace(/":(-?\d[\d.]*)/g, '":"#$1"');
  return JSON.stringify(turn(JSON.parse(quoted)), null, 1).replace(/"#([^"]*)"/g, '$1');
}

t.test(
  'a frame that is cut off anywhere changes nothing and costs the book it may be about',
  async (t) => {
    const update = bookFrame('update', [['63004.9', '1.00000000']], [], 7);
    for (let length = 0; length < update.length; length++) {
      const { send, rejects, feed, ticks } = feedRig();
      feed.onConnected();
      send(SNAPSHOT);
      ticks.take();
      send(update.slice(0, length));
      t.same(rejects.codes, ['FRAME_MALFORMED'], `${length} bytes`);
      t.same(ticks.kinds(), length === update.length ? [] : ticks.kinds());
      t.ok(ticks.kinds().every((kind) => kind === TickKind.State));
      t.equal(feed.markets[0]?.staleReason, codeIndex('FRAME_MALFORMED'));
      t.equal(bookOf(feed).state, SubscriptionState.Broken);
    }
    // A trade or a ticker that is not understood costs no book, and a book message only its own.
    const { send, rejects, feed } = feedRig();
    feed.onConnected();
    send(SNAPSHOT);
    send('{"channel":"book","type":"update","data":[{"symbol":"ETH/USD","bids":7}]}');
    t.equal(bookOf(feed, 1).state, SubscriptionState.Broken);
    t.same(rejects.take(), ['FRAME_MALFORMED']);
    t.equal(feed.markets[0]?.staleReason, 0);
    send('{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy"}]}');
    send('{"channel":"ticker","type":"update","data":[{"symbol":7}]}');
    t.same(rejects.codes, ['FRAME_MALFORMED', 'FRAME_MALFORMED']);
    t.equal(feed.markets[0]?.staleReason, 0);
  },
);

t.test('wrong types, huge numbers and NaN are refused, each with its code', async (t) => {
  const book = (price: string, size: string): string => bookFrame('update', [[price, size]], [], 7);
  const cases: readonly (readonly [string, string])[] = [
    [book('"63004.9"', '1'), 'FRAME_MALFORMED'],
    [book('63004.9', 'NaN'), 'FRAME_MALFORMED'],
    [book('Infinity', '1'), 'FRAME_MALFORMED'],
    [book('-63004.9', '1'), 'FRAME_MALFORMED'],
    [book('0', '1'), 'FRAME_MALFORMED'],
    [book('63004.9', '-1'), 'FRAME_MALFORMED'],
    [book('063004.9', '1'), 'FRAME_MALFORMED'],
    [book('63004.', '1'), 'FRAME_MALFORMED'],
    [book('null', '1'), 'FRAME_MALFORMED'],
    [book('[]', '1'), 'FRAME_MALFORMED'],
    [book('63004.95', '1'), 'DECIMAL_INEXACT'],
    [book('1e30', '1'), 'DECIMAL_OVERFLOW'],
    [book('63004.9', '99999999999999999999'), 'DECIMAL_OVERFLOW'],
    [book('63004.9', '1e-9'), 'DECIMAL_INEXACT'],
    // An int64 fits, and has a sum of its own.
    [book('63004.9', '92233720368'), 'BOOK_CHECKSUM'],
    [book('92233720368547.7', '1'), 'BOOK_CHECKSUM'],
    [book('922337203685477.5', '1'), 'DECIMAL_OVERFLOW'],
    [SNAPSHOT.replace('"bids":[{', '"bids":{'), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace(/"checksum":\d+,/, ''), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace(/"checksum":\d+/, '"checksum":-1'), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace(/"checksum":\d+/, '"checksum":1.5'), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace('"asks"', '"other"'), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace('snapshot', 'partial'), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace(TIME, 'yesterday'), 'FRAME_MALFORMED'],
    [`${SNAPSHOT} `.repeat(2), 'FRAME_MALFORMED'],
    [SNAPSHOT.replace('BTC/USD', 'XBT/USD'), 'INSTRUMENT_UNKNOWN'],
    ['[]', 'FRAME_MALFORMED'],
    ['', 'FRAME_MALFORMED'],
    ['{}', 'FRAME_UNKNOWN'],
    ['{"channel":"news","type":"update","data":[]}', 'FRAME_UNKNOWN'],
    ['{"a":'.repeat(40) + '1' + '}'.repeat(40), 'FRAME_MALFORMED'],
  ];
  for (const [frame, code] of cases) {
    const { send, rejects, feed, ticks } = feedRig();
    feed.onConnected();
    send(SNAPSHOT);
    ticks.take();
    send(frame);
    t.same(rejects.codes, [code], frame.slice(0, 200));
    t.notOk(ticks.kinds().includes(TickKind.Quote), 'no top came of it');
  }
});

t.test('a trade keeps 64 bits, and refuses what is finer than the pair', async (t) => {
  const trade = (price: string, size: string, id = '7'): string =>
    `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":${price},"qty":${size},` +
    `"ord_type":"limit","trade_id":${id},"timestamp":"${TIME}"}]}`;
  const { send, rejects, ticks, feed } = feedRig();
  let id: string | null = '';
  ticks.onTick = () => (id = feed.tradeIdText);
  send(trade('63004.9', '92233720368.54775807', '9007199254740993'));
  t.equal(ticks.take().length, 1);
  t.equal(id, '9007199254740993');
  send(trade('63004.95', '1'));
  send(trade('63004.9', '99999999999999999999'));
  send(trade('63004.9', '0'));
  send(trade('63004.9', '1').replace('buy', 'both'));
  t.same(rejects.codes, [
    'DECIMAL_INEXACT',
    'DECIMAL_OVERFLOW',
    'FRAME_MALFORMED',
    'FRAME_MALFORMED',
  ]);
  t.same(ticks.ticks, []);
});

t.test('mutated frames never show a top that the naive reading does not have', async (t) => {
  const frames = framesOf('v2/cb2026_book10_BTC-USD_1min').slice(0, 60);
  const mutation = fc.record({
    frame: fc.integer({ min: 2, max: frames.length - 1 }),
    at: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const { feed, ticks } = feedRig({ depth: 10 });
      feed.onConnected();
      const naive = new NaiveClient(10);
      for (const [index, frame] of frames.entries()) {
        const bytes = Buffer.from(frame);
        const isMutated = mutations.some((one) => one.frame === index);
        for (const one of mutations) {
          if (one.frame === index) bytes[one.at % bytes.length] = one.byte;
        }
        feed.onFrame(bytes, index);
        naive.onFrame(frame);
        // A frame that has lost its symbol or channel shows with the next one about the book.
        if (isMutated || !frame.startsWith('{"channel":"book"')) continue;
        const market = feed.markets[0];
        if (market === undefined || market.staleReason !== 0) continue;
        const best = naive.levels('bids')[0]?.[0] ?? '';
        t.equal(market.book.bids.priceAt(0), Math.round(Number(best) * 10));
      }
      t.ok(ticks.ticks.every((tick) => Object.values(tick).every((value) => !Number.isNaN(value))));
    }),
    { numRuns: 40 },
  );
});
