import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import { FUNDING_SCALE, MARK_SCALE } from '#src/domain/instrument.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { BUFFER_EVENTS_MAX, DIFFS_OLD_MAX } from '#src/venues/binance/endpoints.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import {
  combined,
  depthPath,
  diff,
  EPOCH_MS,
  fixtureLines,
  rig,
  snapshot,
  SPOT,
  USDM,
  type Rig,
} from './binance-rig.js';

const SEC = 1_000_000_000;
const BIDS = [
  ['99.50', '1.000'],
  ['99.00', '2.000'],
] as const;
const ASKS = [
  ['100.00', '3.000'],
  ['101.00', '4.000'],
] as const;
/** The same as mantissas. */
const BOOK = {
  bids: [
    [9950, 1e8],
    [9900, 2e8],
  ],
  asks: [
    [10000, 3e8],
    [10100, 4e8],
  ],
};

/** A spot feed whose first book lives at id 100. */
function live(symbols: readonly string[] = ['BTCUSDT']): Rig {
  const one = rig(SPOT, symbols);
  one.send(diff(SPOT, [90, 100], []));
  one.feed.takeRequest();
  one.body(depthPath(SPOT), snapshot(SPOT, 100, BIDS, ASKS));
  t.equal(one.why(), 'OK');
  one.ticks.take();
  return one;
}

/** The same of futures. */
function liveFutures(): Rig {
  const one = rig(USDM);
  one.send(diff(USDM, [90, 100, 80], []));
  one.feed.takeRequest();
  one.body(depthPath(USDM), snapshot(USDM, 100, BIDS, ASKS));
  one.ticks.take();
  return one;
}

t.test('each channel is one message, streams are in lower case', async (t) => {
  const { feed } = rig(SPOT, ['BTCUSDT', 'ETHUSDT']);
  const texts = feed.onConnected().map((text) => JSON.parse(text));
  t.same(
    texts.map(({ method, params }) => [method, params]),
    [
      ['SUBSCRIBE', ['btcusdt@depth@100ms', 'ethusdt@depth@100ms']],
      ['SUBSCRIBE', ['btcusdt@trade', 'ethusdt@trade']],
      ['SUBSCRIBE', ['btcusdt@bookTicker', 'ethusdt@bookTicker']],
    ],
  );
  t.equal(new Set(texts.map(({ id }) => id)).size, 3, 'each has an id of its own');
  t.same(
    feed.subscriptions.map(({ channel, place, isChatty, state }) => [
      channel,
      place,
      isChatty,
      state,
    ]),
    [0, 1].flatMap((place) => [
      ['depth@100ms', place, true, SubscriptionState.Requested],
      ['trade', place, false, SubscriptionState.Requested],
      ['bookTicker', place, false, SubscriptionState.Requested],
    ]),
  );
});

t.test('an answer confirms or refuses exactly what its request named', async (t) => {
  const { feed, send, rejects } = rig(SPOT, ['BTCUSDT', 'ETHUSDT']);
  const [books, trades, tickers] = feed
    .onConnected()
    .map((text) => (JSON.parse(text) as { id: number }).id);
  const states = (): number[] => feed.subscriptions.map(({ state }) => state);
  const { Requested, Live, Refused } = SubscriptionState;
  send({ result: null, id: books });
  t.same(states(), [Live, Requested, Requested, Live, Requested, Requested]);
  send({ error: { code: 2, msg: 'Invalid request: invalid stream' }, id: trades });
  t.same(states(), [Live, Refused, Requested, Live, Refused, Requested]);
  t.equal(feed.subscriptions[1]?.detail, 'Invalid request: invalid stream');
  t.equal(feed.subscriptions[1]?.reason, codeIndex('SUBSCRIPTION_REFUSED'));
  send({ code: 2, msg: 'Invalid request: too many', id: String(tickers) });
  t.same(states(), [Live, Refused, Refused, Live, Refused, Refused], 'the other shape');
  t.same(rejects.take(), ['FRAME_VENUE_ERROR', 'FRAME_VENUE_ERROR']);
  send({ error: { code: 3, msg: 'Invalid JSON' }, id: null });
  send({ error: 'odd', id: 77 });
  send({ result: ['btcusdt@trade'], id: 78 });
  t.same(rejects.take(), ['FRAME_VENUE_ERROR', 'FRAME_VENUE_ERROR'], 'about nothing of ours');
  t.same(states(), [Live, Refused, Refused, Live, Refused, Refused]);
  const renewed = feed.renew(4).map((text) => JSON.parse(text));
  t.match(renewed, [
    { method: 'UNSUBSCRIBE', params: ['ethusdt@trade'] },
    { method: 'SUBSCRIBE', params: ['ethusdt@trade'] },
  ]);
  send({ result: null, id: renewed[0].id });
  t.equal(feed.subscriptions[4]?.state, Requested, 'the end of the old one confirms nothing');
  send({ result: null, id: renewed[1].id });
  t.equal(feed.subscriptions[4]?.state, Live);
});

t.test('diffs wait for their snapshot and become one book with it', async (t) => {
  const one = rig(SPOT, ['BTCUSDT', 'ETHUSDT']);
  const { feed, ticks } = one;
  t.equal(feed.takeRequest(), null, 'nothing has come: nothing is asked for');
  one.send(combined('btcusdt@depth@100ms', diff(SPOT, [90, 100], [['1.00', '9.0']])));
  one.send(combined('btcusdt@depth@100ms', diff(SPOT, [101, 105], [['99.50', '7.0']])));
  one.send(diff(SPOT, [106, 106], [], [['100.00', '0.00000000']]));
  t.same(ticks.ticks, [], 'nothing is believed yet');
  t.equal(feed.takeRequest(), '/api/v3/depth?symbol=BTCUSDT&limit=1000');
  t.equal(feed.takeRequest(), null, 'handed out once');
  one.body(depthPath(SPOT), snapshot(SPOT, 103, BIDS, ASKS));
  t.equal(one.why(), 'OK');
  t.equal(one.why(1), 'BOOK_MISSING', 'the other market has said nothing');
  t.same(one.levels(), {
    bids: [
      [9950, 7e8],
      [9900, 2e8],
    ],
    asks: [[10100, 4e8]],
  });
  t.equal(feed.lastSeq, 106);
  const kinds = ticks.kinds();
  t.equal(kinds[0], TickKind.SnapshotBegin);
  t.equal(kinds.filter((kind) => kind === TickKind.Quote).length, 1, 'one top for all of it');
  t.equal(ticks.ticks[0]?.flags, TickFlag.NoTime, 'spot does not date its snapshots');
  ticks.take();
  one.send(diff(SPOT, [107, 110], [['99.60', '1']]));
  t.same(ticks.kinds(), [TickKind.Level, TickKind.Quote]);
  t.match(ticks.ticks[1], { priceMantissa: 9960, venueSeq: 110, venueNs: 100_000_000 });
});

t.test(
  'spot: what the snapshot has is passed, what follows is applied, a hole ends it',
  async (t) => {
    const one = live();
    const { feed, ticks, rejects } = one;
    one.send(diff(SPOT, [95, 100], [['1.00', '1']]));
    t.same(one.levels(), BOOK, 'it is in the snapshot already');
    one.send(diff(SPOT, [99, 103], [['98.00', '1']]));
    t.equal(feed.lastSeq, 103, 'the first one may begin before the snapshot');
    t.same(rejects.take(), []);
    one.send(diff(SPOT, [99, 103], [['97.00', '1']]));
    t.same(rejects.take(), ['VENUE_SEQ_OLD'], 'a repetition');
    t.equal(one.levels().bids.length, 3);
    ticks.take();
    one.send(diff(SPOT, [105, 106], [['97.00', '1']]));
    t.same(rejects.take(), ['VENUE_SEQ_GAP']);
    t.equal(one.why(), 'VENUE_SEQ_GAP');
    t.same(one.levels(), { bids: [], asks: [] });
    t.match(feed.markets[0], { gapCount: 1 });
    t.notOk(feed.needsResubscribe, 'the connection is good');
    one.nowNs += SEC;
    one.send(diff(SPOT, [107, 107], []));
    t.equal(feed.takeRequest(), depthPath(SPOT));
    one.body(depthPath(SPOT), snapshot(SPOT, 106, BIDS, ASKS));
    t.equal(one.why(), 'OK', 'the diffs behind the hole had been kept');
    t.equal(feed.lastSeq, 107);
    t.equal(feed.markets[0]?.recoveryCount, 1);
  },
);

t.test('futures: pu chains the diffs, and their ids may jump', async (t) => {
  const one = rig(USDM);
  const { feed, rejects } = one;
  one.send(diff(USDM, [90, 100, 80], [['1.00', '1']]));
  one.send(diff(USDM, [150, 160, 100], [['99.50', '7']]));
  t.equal(feed.takeRequest(), '/fapi/v1/depth?symbol=BTCUSDT&limit=1000');
  one.body(depthPath(USDM), snapshot(USDM, 155, BIDS, ASKS));
  t.equal(one.why(), 'OK');
  t.same(one.levels().bids[0], [9950, 7e8], 'U <= lastUpdateId <= u: applied');
  t.match(one.ticks.ticks[0], { venueNs: 49_000_000, flags: 0 }, 'dated by T');
  one.send(diff(USDM, [500, 510, 160], [['99.50', '8']]));
  t.same(one.levels().bids[0], [9950, 8e8]);
  one.send(diff(USDM, [500, 510, 160], [['99.50', '8']]));
  t.same(rejects.take(), ['VENUE_SEQ_OLD']);
  one.send(diff(USDM, [511, 520, 505], [['99.50', '9']]));
  t.same(rejects.take(), ['VENUE_SEQ_GAP'], 'U follows, but pu does not');
  t.equal(one.why(), 'VENUE_SEQ_GAP');

  const exact = rig(USDM);
  exact.send(diff(USDM, [96, 100, 90], [['99.50', '5']]));
  exact.body(depthPath(USDM), snapshot(USDM, 100, BIDS, ASKS));
  t.same(exact.levels().bids[0], [9950, 5e8], 'u = lastUpdateId is not below it');
  const quiet = liveFutures();
  quiet.send(diff(USDM, [150, 160, 100], [['99.50', '5']]));
  t.same(quiet.levels().bids[0], [9950, 5e8], 'nothing of the symbol lies between');
  const late = liveFutures();
  late.send(diff(USDM, [150, 160, 101], []));
  t.equal(late.why(), 'VENUE_SEQ_GAP', 'something does');
});

t.test(
  'a snapshot that is older than the stream is asked for again, later and later',
  async (t) => {
    const one = rig(SPOT);
    one.send(diff(SPOT, [200, 210], []));
    let waits: number[] = [];
    for (let tries = 0; tries < 7; tries++) {
      const fromNs = one.nowNs;
      let path = one.feed.takeRequest();
      while (path === null && one.nowNs - fromNs < 40 * SEC) {
        one.nowNs += SEC / 10;
        one.send({ result: null, id: 0 });
        path = one.feed.takeRequest();
      }
      t.equal(path, depthPath(SPOT));
      waits.push(Math.round((one.nowNs - fromNs) / (SEC / 2)) / 2);
      one.body(depthPath(SPOT), snapshot(SPOT, 198, BIDS, ASKS));
      t.equal(one.why(), 'BOOK_MISSING');
    }
    t.same(waits, [0, 0.5, 1, 2, 2, 2, 2]);
    t.same(new Set(one.rejects.take()), new Set(['VENUE_SEQ_OLD']));
    one.nowNs += 20 * SEC;
    one.send(diff(SPOT, [211, 211], []));
    one.feed.takeRequest();
    one.body(depthPath(SPOT), snapshot(SPOT, 199, BIDS, ASKS));
    t.equal(one.why(), 'OK', 'one before the first id is enough');
    waits = [];
  },
);

t.test('a hole among the waiting diffs makes the one behind it the first', async (t) => {
  const one = rig(SPOT);
  one.send(diff(SPOT, [90, 100], [['1.00', '1']]));
  one.send(diff(SPOT, [100, 100], []));
  t.same(one.rejects.take(), ['VENUE_SEQ_OLD']);
  one.send(diff(SPOT, [103, 104], [['98.00', '1']]));
  t.same(one.rejects.take(), ['VENUE_SEQ_GAP']);
  one.feed.takeRequest();
  one.body(depthPath(SPOT), snapshot(SPOT, 101, BIDS, ASKS));
  t.not(one.why(), 'OK', 'the snapshot would join what does not belong together');
  one.nowNs += SEC;
  one.send(diff(SPOT, [105, 105], []));
  t.equal(one.feed.takeRequest(), depthPath(SPOT));
  one.body(depthPath(SPOT), snapshot(SPOT, 102, BIDS, ASKS));
  t.equal(one.why(), 'OK');
  t.same(one.levels().bids.at(-1), [9800, 1e8]);
});

t.test('diffs do not wait without end', async (t) => {
  const one = rig(SPOT);
  for (let id = 1; id <= BUFFER_EVENTS_MAX; id++) one.send(diff(SPOT, [id, id], []));
  t.same(one.rejects.take(), []);
  const next = BUFFER_EVENTS_MAX + 1;
  one.send(diff(SPOT, [next, next], []));
  t.same(one.rejects.take(), ['BOOK_BUFFER_FULL']);
  one.feed.takeRequest();
  one.body(depthPath(SPOT), snapshot(SPOT, 5, BIDS, ASKS));
  t.not(one.why(), 'OK', 'what followed 5 is gone');
  one.body(depthPath(SPOT), snapshot(SPOT, next - 1, BIDS, ASKS));
  t.equal(one.why(), 'OK', 'the newest one was kept');
  const wide = rig(SPOT);
  const many = Array.from({ length: 40_000 }, (_, i) => [`${i + 1}.00`, '1.00000000'] as const);
  for (let id = 1; id < 6; id++) wide.send(diff(SPOT, [id, id], many));
  t.ok(wide.rejects.take().includes('BOOK_BUFFER_FULL'), 'bytes count as well');
});

t.test('ids that went back at the venue do not leave an old book standing', async (t) => {
  const one = live();
  for (let id = 1; id <= DIFFS_OLD_MAX; id++) one.send(diff(SPOT, [id, id], []));
  t.equal(one.why(), 'OK', 'they may be repetitions');
  one.send(diff(SPOT, [51, 51], []));
  t.equal(one.why(), 'VENUE_SEQ_GAP');
  one.nowNs += SEC;
  one.send(diff(SPOT, [52, 52], []));
  t.equal(one.feed.takeRequest(), depthPath(SPOT));
  one.body(depthPath(SPOT), snapshot(SPOT, 52, BIDS, ASKS));
  t.equal(one.why(), 'OK');
});

t.test('one market that breaks leaves the others alone', async (t) => {
  const one = live(['BTCUSDT', 'ETHUSDT']);
  one.send(diff(SPOT, [10, 20], [], [], 'ETHUSDT'));
  t.equal(one.feed.takeRequest(), depthPath(SPOT, 'ETHUSDT'));
  one.body(depthPath(SPOT, 'ETHUSDT'), snapshot(SPOT, 20, BIDS, ASKS));
  one.send(diff(SPOT, [103, 104], []));
  t.equal(one.why(0), 'VENUE_SEQ_GAP');
  t.equal(one.why(1), 'OK');
  one.feed.markStale(1, codeIndex('FEED_SILENT'), one.nowNs);
  t.equal(one.why(1), 'FEED_SILENT');
  t.equal(one.levels(1).bids.length, 0);
  one.send(diff(SPOT, [21, 22], [], [], 'ETHUSDT'));
  t.equal(one.why(1), 'FEED_SILENT', 'it begins anew');
  one.body(depthPath(SPOT, 'ETHUSDT'), snapshot(SPOT, 22, BIDS, ASKS));
  t.equal(one.why(1), 'OK');
});

t.test('a new connection begins with nothing', async (t) => {
  const one = live();
  one.send(diff(SPOT, [103, 104], []));
  one.feed.onDisconnected(codeIndex('FEED_DISCONNECTED'), ++one.nowNs);
  t.equal(one.feed.takeRequest(), null, 'what was wanted belongs to the old one');
  one.feed.onConnected();
  one.send(diff(SPOT, [105, 106], []));
  t.equal(one.feed.takeRequest(), depthPath(SPOT));
  one.body(depthPath(SPOT), snapshot(SPOT, 104, BIDS, ASKS));
  t.equal(one.why(), 'OK');
});

t.test('a book that crosses is dropped and fetched anew', async (t) => {
  const one = live();
  one.send(diff(SPOT, [101, 101], [['100.50', '1']]));
  t.equal(one.why(), 'BOOK_CROSSED');
  one.nowNs += SEC;
  one.send(diff(SPOT, [102, 102], [['100.50', '0']]));
  t.equal(one.feed.takeRequest(), depthPath(SPOT));
  one.body(depthPath(SPOT), snapshot(SPOT, 102, BIDS, ASKS));
  t.equal(one.why(), 'OK');
});

t.test('a quiet book is compared with the venue, and a dead stream is found', async (t) => {
  const one = live();
  const [books] = one.feed.subscriptions;
  const probe = depthPath(SPOT, 'BTCUSDT', 5);
  const later = (sec: number): string | null => {
    one.nowNs += sec * SEC;
    one.send({ result: null, id: 0 });
    return one.feed.takeRequest();
  };
  t.equal(later(1), null);
  t.equal(later(1.5), probe);
  const dataCount = books?.dataCount ?? 0;
  one.body(probe, snapshot(SPOT, 100, [], []));
  t.equal(books?.dataCount, dataCount + 1, 'nothing was missed: that is a sign of life');
  t.same(one.levels(), BOOK, 'the book is not replaced');
  t.equal(later(2.5), probe);
  one.body(probe, snapshot(SPOT, 104, [], []));
  t.equal(one.why(), 'OK', 'its diff may be on the way');
  one.send(diff(SPOT, [101, 104], [['98.00', '1']]));
  t.equal(later(2.5), probe);
  one.body(probe, snapshot(SPOT, 107, [], []));
  t.equal(later(2.5), probe);
  one.body(probe, snapshot(SPOT, 107, [], []));
  t.equal(one.why(), 'FEED_SILENT', 'the diff that the venue has made did not come');
  t.equal(books?.state, SubscriptionState.Broken);
  const [, again] = one.feed.renew(0);
  one.nowNs += SEC;
  one.send({ result: null, id: (JSON.parse(again ?? '') as { id: number }).id });
  t.equal(one.feed.takeRequest(), depthPath(SPOT), 'a new subscription fetches a new book');
});

t.test('spot trades: the buyer who was the maker has been sold to', async (t) => {
  const { send, ticks, feed } = rig(SPOT);
  const T = EPOCH_MS + 5;
  const trade = { e: 'trade', E: T + 1, s: 'BTCUSDT', t: 12345, p: '64123.45000000' };
  send(combined('btcusdt@trade', { ...trade, q: '0.00100000', T, m: true, M: true }));
  send({ ...trade, t: 12346, q: '0.5', T, m: false, M: true });
  const aggregate = { e: 'aggTrade', E: T, s: 'BTCUSDT', a: 77, p: '1.5', q: '2', f: 1, l: 3 };
  send({ ...aggregate, T, m: true, M: true });
  t.match(ticks.ticks, [
    {
      kind: TickKind.Trade,
      instrumentIndex: 5,
      priceMantissa: 6_412_345,
      sizeMantissa: 100_000,
      venueSeq: 12_345,
      venueNs: 5_000_000,
      flags: TickFlag.AggressorSell | TickFlag.LastOfFrame,
    },
    { venueSeq: 12_346, flags: TickFlag.LastOfFrame },
    { venueSeq: 77, priceMantissa: 150, flags: TickFlag.AggressorSell | TickFlag.LastOfFrame },
  ]);
  t.equal(feed.tradeIdText, '77');
  t.equal(feed.markets[0]?.tradeCount, 3);
  t.equal(feed.subscriptions[1]?.dataCount, 3);
});

t.test(
  'futures trades: what was not of the market is told by X, and has no price when nobody traded',
  async (t) => {
    const { send, ticks, rejects } = rig(USDM);
    const T = EPOCH_MS + 5;
    const trade = { e: 'trade', E: T + 1, T, s: 'BTCUSDT', t: 1, p: '64123.40', q: '0.001' };
    send(combined('btcusdt@trade', { ...trade, X: 'MARKET', m: false }));
    send(combined('btcusdt@trade', { ...trade, X: 'INSURANCE_FUND', m: true }));
    send(combined('btcusdt@trade', { ...trade, m: true }));
    t.same(
      ticks
        .take()
        .map(({ flags, priceMantissa }) => [priceMantissa, flags & TickFlag.AggressorSell]),
      [
        [6_412_340, 0],
        [6_412_340, TickFlag.AggressorSell],
        [6_412_340, TickFlag.AggressorSell],
      ],
    );
    send({ ...trade, p: '0', q: '0', X: 'NA', m: true });
    t.same(ticks.take(), []);
    t.same(rejects.take(), ['FRAME_UNKNOWN']);
    send({ e: 'aggTrade', E: T, a: 9, s: 'BTCUSDT', p: '1', q: '2', f: 1, l: 2, T, m: true });
    send({
      e: 'aggTrade',
      E: T,
      a: 9,
      s: 'BTCUSDT',
      p: '1',
      q: '2',
      nq: '2',
      f: 1,
      l: 2,
      T,
      m: true,
    });
    t.equal(ticks.take().length, 2);
  },
);

t.test('bookTicker is a ticker and never becomes part of the book', async (t) => {
  const one = live();
  const ticker = { u: 400, s: 'BTCUSDT', b: '99.90000000', B: '5.0', a: '99.95000000', A: '6.0' };
  one.send(combined('btcusdt@bookTicker', ticker));
  t.match(one.ticks.take(), [
    {
      kind: TickKind.Ticker,
      priceMantissa: 9990,
      sizeMantissa: 5e8,
      askPriceMantissa: 9995,
      askSizeMantissa: 6e8,
      venueSeq: 400,
      flags: TickFlag.NoTime | TickFlag.LastOfFrame,
    },
  ]);
  t.same(one.levels(), BOOK);
  one.send({ ...ticker, b: '0.00000000', B: '0.00000000' });
  t.equal((one.ticks.take()[0]?.flags ?? 0) & TickFlag.NoBid, TickFlag.NoBid);
  const futures = rig(USDM);
  const T = EPOCH_MS + 7;
  futures.send(combined('btcusdt@bookTicker', { e: 'bookTicker', ...ticker, T, E: T + 1 }));
  t.match(futures.ticks.take(), [{ venueNs: 7_000_000, flags: TickFlag.LastOfFrame }]);
});

t.test('futures: mark price, index price and funding', async (t) => {
  const one = rig(USDM);
  const { feed, ticks } = one;
  const mark = { e: 'markPriceUpdate', E: EPOCH_MS + 3, s: 'BTCUSDT', p: '8291.34697815' };
  const T = EPOCH_MS + 1000;
  one.send(combined('btcusdt@markPrice@1s', { ...mark, P: '1', i: '8290.5', r: '-0.00010000', T }));
  const expected = [
    {
      kind: TickKind.Mark,
      priceMantissa: 829_134_697_815 * 10 ** (MARK_SCALE - 8),
      askPriceMantissa: 82_905 * 10 ** (MARK_SCALE - 1),
      venueNs: 3_000_000,
    },
    {
      kind: TickKind.Funding,
      priceMantissa: -(10 ** (FUNDING_SCALE - 4)),
      askPriceMantissa: 1_000_000_000,
      venueNs: 3_000_000,
    },
  ];
  t.match(ticks.take(), expected);
  t.match(feed.markets[0], {
    markPriceMantissa: expected[0]?.priceMantissa,
    indexPriceMantissa: expected[0]?.askPriceMantissa,
    fundingRateMantissa: expected[1]?.priceMantissa,
    fundingNextNs: 1_000_000_000,
  });
  one.send({ ...mark, r: '', T: 0 });
  t.same(
    ticks.take().map(({ kind }) => kind),
    [TickKind.Mark],
    'a delivery contract has no funding',
  );
  one.send({ ...mark, p: '' });
  t.same(one.rejects.take(), ['FRAME_MALFORMED']);

  // No stream tells it for a while: it is asked for.
  one.send({ result: null, id: 0 });
  t.equal(feed.takeRequest(), null, 'it came just now');
  one.nowNs += 6 * SEC;
  one.send({ result: null, id: 0 });
  const path = feed.takeRequest();
  t.equal(path, '/fapi/v1/premiumIndex?symbol=BTCUSDT');
  t.equal(feed.takeRequest(), null);
  one.body(path ?? '', {
    ...{ symbol: 'BTCUSDT', markPrice: '8291.34697815', indexPrice: '8290.5' },
    ...{ lastFundingRate: '-0.00010000', interestRate: '0.0001' },
    ...{ nextFundingTime: T, time: EPOCH_MS + 3 },
  });
  t.match(ticks.take(), expected, 'the same by REST');
  one.body(path ?? '', { code: -1121, msg: 'Invalid symbol.' });
  t.same(one.rejects.details, ['Invalid symbol.']);
});

t.test('a partial book is the whole book of a market that has no diffs', async (t) => {
  const one = rig(SPOT);
  const partial = { lastUpdateId: 7, bids: BIDS, asks: ASKS };
  one.send(partial);
  t.same(one.rejects.take(), ['FRAME_UNKNOWN'], 'without its stream nobody knows whose it is');
  one.send(combined('xyzusdt@depth5', partial));
  t.same(one.rejects.take(), ['INSTRUMENT_UNKNOWN']);
  one.send(combined('btcusdt@depthSnapshot', partial));
  t.same(one.rejects.take(), ['FRAME_UNKNOWN']);
  one.send(combined('btcusdt@depth5@100ms', partial));
  t.same(one.levels(), BOOK);
  one.send(combined('btcusdt@depth20', { lastUpdateId: 8, bids: [['98', '1']], asks: [] }));
  t.same(one.levels(), { bids: [[9800, 1e8]], asks: [] });
  one.send(combined('btcusdt@depth@100ms', diff(SPOT, [9, 9], [])));
  t.equal(one.why(), 'BOOK_MISSING', 'diffs want a whole book');
  one.send(combined('btcusdt@depth20', partial));
  t.same(one.rejects.take(), ['FRAME_UNKNOWN'], 'and nothing beside them');
  const futures = rig(USDM);
  futures.send(combined('btcusdt@depth10@100ms', diff(USDM, [1, 2, 0], BIDS, ASKS)));
  t.same(futures.levels(), BOOK, 'there it has the shape of a diff');
});

t.test('the venue says that it closes: a new connection is wanted at once', async (t) => {
  for (const frame of [
    { e: 'serverShutdown', E: EPOCH_MS },
    combined('!serverShutdown', { e: 'serverShutdown', E: EPOCH_MS }),
  ]) {
    const { feed, send } = rig(SPOT);
    t.notOk(feed.needsResubscribe);
    send(frame);
    t.ok(feed.needsResubscribe);
    t.equal(feed.brokenBy, 'FEED_DISCONNECTED');
    feed.onConnected();
    t.notOk(feed.needsResubscribe);
  }
});

t.test('times may be microseconds', async (t) => {
  const { send, ticks } = rig(SPOT);
  const T = EPOCH_MS * 1000 + 123_456;
  send({ e: 'trade', E: T, s: 'BTCUSDT', t: 1, p: '1', q: '1', T, m: true, M: true });
  t.equal(ticks.ticks[0]?.venueNs, 123_456_000);
});

t.test('keys in any order and white space anywhere give the same ticks', async (t) => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };
  for (const [market, symbol, name] of [
    [SPOT, 'BTCUSDT', 'spot_hbt2024'],
    [USDM, 'ETHUSDT', 'usdm_hbt2024'],
  ] as const) {
    const plain = rig(market, [symbol]);
    const strange = rig(market, [symbol]);
    for (const line of fixtureLines(name).slice(0, 1500)) {
      const odd = JSON.stringify(reversed(JSON.parse(line.raw)), null, 1);
      if (line.dir === 'in') {
        plain.send(line.raw);
        strange.send(odd);
      } else {
        plain.body('', line.raw);
        strange.body('', odd);
      }
    }
    t.ok(plain.ticks.ticks.length > 1_000, `${plain.ticks.ticks.length} ticks`);
    t.same(strange.ticks.ticks, plain.ticks.ticks);
    t.same(plain.rejects.codes, []);
    t.same(strange.rejects.codes, []);
  }
});

t.test('what is not understood is counted by code, and the next frame is decoded', async (t) => {
  const one = live();
  const { rejects, ticks, feed } = one;
  const trade = { e: 'trade', E: 1, s: 'BTCUSDT', t: 1, p: '1', q: '1', T: EPOCH_MS, m: true };
  const cases: readonly (readonly [unknown, string])[] = [
    ['', 'FRAME_MALFORMED'],
    ['{', 'FRAME_MALFORMED'],
    ['{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"', 'FRAME_MALFORMED'],
    ['{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}', 'FRAME_MALFORMED'],
    ['{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"NaN","A":"1"}', 'FRAME_MALFORMED'],
    ['{"u":1.5,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}', 'FRAME_MALFORMED'],
    ['{"u":01,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}', 'FRAME_MALFORMED'],
    ['{"u":1,"s":"BTCUSDT","b":"-1","B":"1","a":"2","A":"1"}', 'FRAME_MALFORMED'],
    ['[]', 'FRAME_UNKNOWN'],
    ['17', 'FRAME_UNKNOWN'],
    [{}, 'FRAME_UNKNOWN'],
    [{ e: 'newKind', E: 1 }, 'FRAME_UNKNOWN'],
    [combined('!miniTicker@arr', []), 'FRAME_UNKNOWN'],
    [{ ...trade, p: '0' }, 'FRAME_MALFORMED'],
    [{ ...trade, q: '0' }, 'FRAME_MALFORMED'],
    [{ ...trade, m: 'true' }, 'FRAME_MALFORMED'],
    [{ ...trade, T: undefined }, 'FRAME_MALFORMED'],
    [{ ...trade, t: '9007199254740993' }, 'FRAME_MALFORMED'],
    [{ ...trade, p: '1.005' }, 'DECIMAL_INEXACT'],
    [{ ...trade, p: '92233720368547758080' }, 'DECIMAL_OVERFLOW'],
    [{ ...trade, s: 'XYZUSDT' }, 'INSTRUMENT_UNKNOWN'],
    [diff(SPOT, [101, 102], [], [], 'XYZUSDT'), 'INSTRUMENT_UNKNOWN'],
  ];
  for (const [frame, code] of cases) {
    one.send(frame);
    t.same(rejects.take(), [code], typeof frame === 'string' ? frame : JSON.stringify(frame));
  }
  one.send({ e: 'kline', E: 1, s: 'BTCUSDT', k: {} });
  t.same(rejects.take(), [], 'known, and not ours to read');
  t.same(ticks.ticks, [], 'nothing of it was believed');
  t.equal(one.why(), 'OK');
  const frameCount = feed.frameCount;
  one.send(diff(SPOT, [101, 102], [['99.60', '1']]));
  t.equal(feed.frameCount, frameCount + 1);
  t.same(one.levels().bids[0], [9960, 1e8]);
});

t.test(
  'a diff that cannot be read costs its market the book, because nobody knows what it said',
  async (t) => {
    const frames = [
      '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161254100,"s":"BTCUSDT","U":101,"u":102,"b":[["9',
      JSON.stringify(combined('btcusdt@depth@100ms', diff(SPOT, [101, 102], [['x', '1']]))),
      JSON.stringify(diff(SPOT, [101, 102], [['0', '1']])),
      JSON.stringify(diff(SPOT, [101, 102], [['1', '-1']])),
      JSON.stringify({ ...diff(SPOT, [101, 102], []), a: undefined }),
      JSON.stringify({ ...diff(SPOT, [101, 102], []), u: undefined }),
    ];
    for (const frame of frames) {
      const one = live(['BTCUSDT', 'ETHUSDT']);
      one.send(frame);
      t.equal(one.why(), 'FRAME_MALFORMED', frame);
      t.same(one.rejects.take(), ['FRAME_MALFORMED']);
      one.nowNs += SEC;
      one.send(diff(SPOT, [103, 104], []));
      t.equal(one.feed.takeRequest(), depthPath(SPOT));
      one.body(depthPath(SPOT), snapshot(SPOT, 104, BIDS, ASKS));
      t.equal(one.why(), 'OK');
    }
  },
);

t.test('a frame that is cut off anywhere changes nothing and never throws', async (t) => {
  const whole = JSON.stringify(combined('btcusdt@depth@100ms', diff(SPOT, [101, 102], BIDS, ASKS)));
  for (let length = 0; length < whole.length; length++) {
    const one = live();
    one.send(whole.slice(0, length));
    const { bids } = one.levels();
    if (bids.length !== 0 && bids.length !== 2) t.fail(`half a frame of ${length} bytes`);
    if (one.rejects.codes[0] !== 'FRAME_MALFORMED') t.fail(`a frame of ${length} bytes`);
  }
  t.pass('all lengths');
});

t.test('a level that does not fit spoils the book until its next snapshot', async (t) => {
  const one = live();
  one.send(diff(SPOT, [101, 101], [['98.001', '1']]));
  t.same(one.rejects.take(), ['DECIMAL_INEXACT']);
  t.equal(one.why(), 'DECIMAL_INEXACT');
  t.equal(one.feed.takeRequest(), null, 'asking anew would not help');
  one.send(diff(SPOT, [102, 102], [['98.00', '1']]));
  t.equal(one.why(), 'DECIMAL_INEXACT');
});

t.test('bodies that are none are told and asked for again', async (t) => {
  const one = rig(SPOT, ['BTCUSDT', 'ETHUSDT']);
  one.send(diff(SPOT, [1, 2], []));
  one.feed.takeRequest();
  one.body(depthPath(SPOT), '<html>');
  one.body(depthPath(SPOT), { code: -1003, msg: 'Too much request weight used' });
  one.body(depthPath(SPOT), { lastUpdateId: 2, bids: [['1']], asks: [] });
  one.body(depthPath(SPOT), { lastUpdateId: 2 });
  t.same(one.rejects.take(), [
    'FRAME_MALFORMED',
    'FRAME_VENUE_ERROR',
    'FRAME_MALFORMED',
    'FRAME_MALFORMED',
  ]);
  one.body('/api/v3/depth?symbol=XYZUSDT&limit=1000', snapshot(SPOT, 2, BIDS, ASKS));
  one.body('', snapshot(SPOT, 2, BIDS, ASKS));
  t.same(one.rejects.take(), ['INSTRUMENT_UNKNOWN', 'INSTRUMENT_UNKNOWN'], 'whose is it?');
  one.nowNs += 10 * SEC;
  one.send(diff(SPOT, [3, 3], []));
  t.equal(one.feed.takeRequest(), depthPath(SPOT));
});
