import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { TickReader } from '../feed-rig.js';
import {
  BTC,
  bboFrame,
  bookFrame,
  CAPTURE,
  ctxFrame,
  feedRig,
  levelsOf,
  linesOf,
  trade,
  tradesFrame,
  withKeys,
  type Pair,
  type Rig,
} from './hyperliquid-rig.js';

const BIDS: readonly Pair[] = [
  ['105055.0', '3.03622'],
  ['105054.0', '0.1428'],
];
const ASKS: readonly Pair[] = [['105056.0', '6.34472']];

/** A rig whose BTC book is there. */
function started(): Rig {
  const rig = feedRig();
  rig.feed.onConnected();
  rig.send(bookFrame(BIDS, ASKS));
  rig.ticks.take();
  return rig;
}

t.test('four channels of each coin are asked for, one message each', async (t) => {
  const { feed } = feedRig();
  const texts = feed.onConnected().map((text) => JSON.parse(text) as unknown);
  t.same(
    texts,
    ['BTC', 'ETH'].flatMap((coin) =>
      ['l2Book', 'trades', 'bbo', 'activeAssetCtx'].map((type) => ({
        method: 'subscribe',
        subscription: { type, coin },
      })),
    ),
  );
  t.same(
    feed.subscriptions.map(({ isChatty }) => isChatty),
    [true, false, false, false, true, false, false, false],
  );
});

t.test('the first book is a snapshot; of the next ones only what differs is told', async (t) => {
  const { send, ticks, feed, book } = feedRig();
  feed.onConnected();
  send(bookFrame(BIDS, ASKS));
  t.same(ticks.kinds(), [
    TickKind.SnapshotBegin,
    ...[TickKind.Level, TickKind.Level, TickKind.Level],
    TickKind.Quote,
    TickKind.State,
  ]);
  t.match(ticks.ticks[4], {
    instrumentIndex: 5,
    priceMantissa: 1050550,
    sizeMantissa: 303622,
    askPriceMantissa: 1050560,
    askSizeMantissa: 634472,
    venueNs: 542_000_000,
    recvNs: 1,
    venueSeq: 0,
  });
  t.equal(feed.markets[0]?.staleReason, 0);
  ticks.take();

  send(bookFrame(BIDS, ASKS, 'BTC', 1_737_918_844_042));
  t.same(ticks.take(), [], 'nothing has changed');
  t.equal(feed.markets[0]?.bookNs, 2, 'but the book is known to be of now');
  t.equal(feed.markets[0]?.venueNs, 1_042_000_000);

  const bids: Pair[] = [
    ['105055.0', '3'],
    ['105053.0', '1'],
  ];
  send(bookFrame(bids, [['105057.0', '1'], ...ASKS].reverse() as Pair[]));
  t.match(ticks.take(), [
    { kind: TickKind.Level, priceMantissa: 1050540, sizeMantissa: 0, flags: 0 },
    { kind: TickKind.Level, priceMantissa: 1050550, sizeMantissa: 300000 },
    { kind: TickKind.Level, priceMantissa: 1050530, sizeMantissa: 100000 },
    { kind: TickKind.Level, priceMantissa: 1050570, sizeMantissa: 100000, flags: TickFlag.Ask },
    { kind: TickKind.Quote, sizeMantissa: 300000, flags: TickFlag.LastOfFrame },
  ]);
  t.same(levelsOf(book().bids), [
    [1050550, 300000],
    [1050530, 100000],
  ]);
  send(bookFrame([], []));
  t.equal(book().asks.count, 0);
  t.equal(
    ticks.ticks.at(-1)?.flags,
    TickFlag.NoBid | TickFlag.NoAsk | TickFlag.LastOfFrame,
    'an empty book has no top',
  );
});

t.test(
  'a book that is not sorted, or has a level twice, is a snapshot like any other',
  async (t) => {
    const { send, ticks, book } = started();
    send(
      bookFrame(
        [
          ['105050.0', '1'],
          ['105055.0', '2'],
          ['105050.0', '3'],
          ['105049.0', '0.0'],
        ],
        ASKS,
      ),
    );
    t.equal(ticks.kinds()[0], TickKind.SnapshotBegin);
    t.same(levelsOf(book().bids), [
      [1050550, 200000],
      [1050500, 300000],
    ]);
  },
);

t.test('levels that are remembered mean the same only at the same scales', async (t) => {
  const { send, feed, book, rejects } = started();
  send(bookFrame(BIDS, ASKS));
  feed.refine(0, { ...BTC, priceScale: 3, sizeScale: 6 });
  send(bookFrame(BIDS, ASKS));
  t.same(levelsOf(book().bids), [
    [105055000, 3036220],
    [105054000, 142800],
  ]);
  const cut = JSON.stringify(bookFrame(BIDS, ASKS));
  send(cut.slice(0, cut.indexOf('105056')));
  send(bookFrame([['105055.0', '3.03622']], [['105056.0', '1']]));
  t.same(levelsOf(book().asks), [[105056000, 1000000]]);
  t.same(levelsOf(book().bids), [[105055000, 3036220]]);
  t.same(rejects.codes, ['FRAME_MALFORMED']);
});

t.test('the best bid and offer, with a side that is not there', async (t) => {
  const { send, ticks, rejects } = feedRig();
  send(bboFrame(['80639.0', '0.00186'], ['80640.0', '13.74589']));
  t.match(ticks.take(), [
    {
      kind: TickKind.Ticker,
      priceMantissa: 806390,
      sizeMantissa: 186,
      askPriceMantissa: 806400,
      askSizeMantissa: 1374589,
      flags: 0,
      venueNs: 542_000_000,
    },
    { kind: TickKind.TickerLast, priceMantissa: 0, sizeMantissa: 0 },
  ]);
  send(bboFrame(null, ['80640.0', '13.74589']));
  t.match(ticks.take()[0], { flags: TickFlag.NoBid, priceMantissa: 0, sizeMantissa: 0 });
  send(bboFrame(['80639.0', '0.00186'], null));
  t.match(ticks.take()[0], { flags: TickFlag.NoAsk, askPriceMantissa: 0, askSizeMantissa: 0 });
  send(JSON.stringify(bboFrame(null, null), null, 1));
  t.match(ticks.take()[0], { flags: TickFlag.NoBid | TickFlag.NoAsk });
  t.same(rejects.codes, []);
  send(bboFrame(['80639.00001', '0.00186'], null));
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  send(bboFrame(['-80639.0', '0.00186'], null));
  t.same(rejects.take(), ['FRAME_MALFORMED']);
  t.same(ticks.take(), []);
});

t.test(
  'trades: who took, the number, and the first list after subscribing is history',
  async (t) => {
    const { send, ticks, feed, rejects } = started();
    const texts: (string | null)[] = [];
    ticks.onTick = () => texts.push(feed.tradeIdText);
    send(tradesFrame(trade(3, 'A', 1_737_918_840_000), trade(4, 'B', 1_737_918_841_000)));
    t.match(ticks.take(), [
      { flags: TickFlag.Backfill | TickFlag.AggressorSell, venueNs: -3_000_000_000, venueSeq: 3 },
      { flags: TickFlag.Backfill | TickFlag.LastOfFrame, venueSeq: 4 },
    ]);
    t.equal(feed.markets[0]?.tradeCount, 0);
    send(tradesFrame(trade(1_095_884_267_920_331, 'A'), trade(6, 'B')));
    t.match(ticks.take(), [
      {
        kind: TickKind.Trade,
        priceMantissa: 806390,
        sizeMantissa: 22,
        flags: TickFlag.AggressorSell,
        venueSeq: 1_095_884_267_920_331,
        venueNs: 542_000_000,
      },
      { flags: TickFlag.LastOfFrame, venueSeq: 6 },
    ]);
    t.same(texts.slice(2), ['1095884267920331', '6'], 'of one time, in the order of the wire');
    t.equal(feed.markets[0]?.tradeCount, 2);
    const wide = JSON.stringify(tradesFrame(trade(7, 'B'))).replace(
      '"tid":7',
      '"tid":9007199254740993',
    );
    send(wide);
    t.equal(texts.at(-1), '9007199254740993', 'beyond 2^53, exact');
    send(tradesFrame());
    t.same(rejects.codes, []);
    feed.onConnected();
    ticks.take();
    send(tradesFrame(trade(8, 'B')));
    t.equal(ticks.ticks[0]?.flags, TickFlag.Backfill | TickFlag.LastOfFrame, 'and again');
  },
);

t.test(
  'the context of a coin is its mark, its index and its funding; nulls are nothing',
  async (t) => {
    const { send, ticks, feed, rejects } = feedRig();
    const ctx = {
      funding: '-0.0000052974',
      openInterest: '36295.80812',
      prevDayPx: '77759.0',
      dayNtlVlm: '4490636699.3287734985',
      premium: null,
      oraclePx: '80684.7',
      markPx: '80640.0',
      midPx: null,
      impactPxs: null,
      dayBaseVlm: '56265.69068',
    };
    const expected = [
      {
        kind: TickKind.Mark,
        priceMantissa: 806400000000000,
        askPriceMantissa: 806847000000000,
        flags: TickFlag.NoTime,
      },
      {
        kind: TickKind.Funding,
        priceMantissa: -5297400,
        askPriceMantissa: 0,
        flags: TickFlag.NoTime | TickFlag.LastOfFrame,
      },
    ];
    send(ctxFrame(ctx));
    t.match(ticks.take(), expected);
    send(ctxFrame(withKeys(ctx, (keys) => keys.sort()) as object));
    t.match(ticks.take(), expected);
    t.match(feed.markets[0], {
      markPriceMantissa: 806400000000000,
      indexPriceMantissa: 806847000000000,
      fundingRateMantissa: -5297400,
    });
    send(ctxFrame({ ...ctx, funding: null, oraclePx: null }));
    t.match(ticks.take(), [{ kind: TickKind.Mark, askPriceMantissa: 0 }]);
    send(
      ctxFrame(
        { prevDayPx: '1', markPx: '0.22695', circulatingSupply: '5' },
        'BTC',
        'activeSpotAssetCtx',
      ),
    );
    t.match(ticks.take(), [{ kind: TickKind.Mark, priceMantissa: 2269500000 }]);
    send(ctxFrame({ ...ctx, markPx: null, funding: null }));
    t.same(ticks.take(), []);
    t.same(rejects.codes, []);
    send(ctxFrame({ ...ctx, markPx: '0.00000000001' }));
    t.same(rejects.take(), ['DECIMAL_INEXACT']);
    t.same(ticks.kinds(), [TickKind.Funding], 'the rest of it is good');
  },
);

t.test('answers are matched by type and coin, whatever the venue fills in', async (t) => {
  const { send, feed } = feedRig();
  feed.onConnected();
  const { Requested, Live } = SubscriptionState;
  const answer = (subscription: object, method = 'subscribe'): void =>
    send({ channel: 'subscriptionResponse', data: { method, subscription } });
  answer({ type: 'l2Book', coin: 'ETH', nSigFigs: null, mantissa: null });
  answer({ type: 'trades', coin: 'BTC', aggregateByTime: false });
  answer({ type: 'bbo', coin: 'BTC' }, 'unsubscribe');
  answer({ type: 'bbo', coin: 'DOGE' });
  answer({ type: 'allMids' });
  answer({ type: 'candle', coin: null });
  t.same(
    feed.subscriptions.map(({ state }) => state),
    [Requested, Live, Requested, Requested, Live, Requested, Requested, Requested],
  );
  send(bboFrame(null, null));
  t.equal(feed.subscriptions[2]?.state, Live, 'data is an answer too');
});

t.test('an error refuses the subscription that it names', async (t) => {
  const { send, feed, rejects } = feedRig();
  feed.onConnected();
  const { Requested, Refused, Live } = SubscriptionState;
  const states = (): number[] => feed.subscriptions.slice(0, 4).map(({ state }) => state);
  const error = (words: string, type: string, coin = 'BTC'): void =>
    send({ channel: 'error', data: `${words} ${JSON.stringify({ type, coin, nSigFigs: null })}` });
  error('Invalid subscription', 'l2Book');
  t.same(states(), [Refused, Requested, Requested, Requested]);
  t.equal(
    feed.subscriptions[0]?.detail,
    'Invalid subscription {"type":"l2Book","coin":"BTC","nSigFigs":null}',
  );
  error('Already subscribed:', 'trades');
  error('Already unsubscribed:', 'bbo');
  error('Invalid subscription', 'bbo', 'DOGE');
  send({ channel: 'error', data: 'Error parsing JSON into valid websocket request: {' });
  t.same(states(), [Refused, Live, Requested, Requested]);
  t.same(
    rejects.codes,
    Array.from({ length: 5 }, () => 'FRAME_VENUE_ERROR'),
  );
  t.same(
    [0, 1].map((index) =>
      feed.renew(index).map((text) => (JSON.parse(text) as { method: string }).method),
    ),
    [['subscribe'], ['unsubscribe', 'subscribe']],
  );
  t.equal(feed.subscriptions[0]?.state, Requested);
});

t.test('a malformed book is stale until the next one, which mends it', async (t) => {
  const { send, feed, rejects, ticks } = started();
  send(bookFrame([['2.5', '1']], [['2.51', '1']], 'ETH'));
  ticks.take();
  send(JSON.stringify(bookFrame(BIDS, ASKS)).replace('3.03622', '3.0x'));
  t.same(rejects.take(), ['FRAME_MALFORMED']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('FRAME_MALFORMED'));
  t.equal(feed.markets[0]?.book.bids.count, 0);
  t.equal(feed.markets[1]?.staleReason, 0);
  t.equal(feed.subscriptions[0]?.state, SubscriptionState.Live, 'it needs no new subscription');
  t.equal(feed.needsResubscribe, false);
  send(bookFrame(BIDS, ASKS));
  t.equal(feed.markets[0]?.staleReason, 0);
  t.equal(ticks.kinds().filter((kind) => kind === TickKind.SnapshotBegin).length, 1);
  t.equal(feed.markets[0]?.recoveryCount, 1);
});

t.test('a crossed book is stale, and asked for anew', async (t) => {
  const { send, feed } = started();
  send(bookFrame([['105057.0', '1']], ASKS));
  t.equal(feed.markets[0]?.staleReason, codeIndex('BOOK_CROSSED'));
  t.equal(feed.subscriptions[0]?.state, SubscriptionState.Broken);
  feed.renew(0);
  send(bookFrame(BIDS, ASKS));
  t.equal(feed.markets[0]?.staleReason, 0);
  t.equal(feed.subscriptions[0]?.state, SubscriptionState.Live);
});

t.test('a level that does not fit costs the book that it is in', async (t) => {
  const { send, feed, rejects } = started();
  send(bookFrame([['105055.01', '1']], ASKS));
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('DECIMAL_INEXACT'));
  send(bookFrame(BIDS, ASKS));
  t.equal(feed.markets[0]?.staleReason, 0);
});

t.test('what is not ours is counted or passed over', async (t) => {
  const { send, feed, rejects } = started();
  const before = feed.frameCount;
  send('{"channel":"pong"}');
  send({ channel: 'allMids', data: { mids: { BTC: '80868.5' } } });
  send({ channel: 'candle', data: { s: 'BTC' } });
  send({ data: { t: 1 }, channel: 'webData2' });
  t.same(rejects.take(), []);
  t.equal(feed.frameCount, before + 4);
  send({ channel: 'weather', data: {} });
  send({});
  send({ channel: 'l2Book' });
  send('[]');
  send(bookFrame(BIDS, ASKS, 'DOGE'));
  send(tradesFrame(trade(1, 'B', 1_737_918_843_542, 'DOGE')));
  t.same(rejects.take(), [
    ...['FRAME_UNKNOWN', 'FRAME_UNKNOWN', 'FRAME_MALFORMED', 'FRAME_MALFORMED'],
    ...['INSTRUMENT_UNKNOWN', 'INSTRUMENT_UNKNOWN'],
  ]);
});

t.test('a frame cut anywhere changes nothing, and costs at most books', async (t) => {
  const ctx = { funding: '0.1', openInterest: '1', oraclePx: '2', markPx: '3' };
  const frames = [
    bookFrame(BIDS, ASKS),
    bboFrame(['1', '1'], null),
    tradesFrame(trade(1, 'A'), trade(2, 'B')),
    ctxFrame(ctx),
  ];
  for (const frame of [...frames, ...frames.map((one) => withKeys(one, (keys) => keys.sort()))]) {
    const text = JSON.stringify(frame);
    for (let length = 0; length < text.length; length++) {
      const rig = started();
      rig.send(text.slice(0, length));
      if (rig.rejects.codes.join() !== 'FRAME_MALFORMED')
        t.fail(`${rig.rejects.codes.join()} of ${length}`);
      const kinds = rig.ticks.kinds();
      if (kinds.some((kind) => kind !== TickKind.State)) t.fail(`${kinds.join()} of ${length}`);
    }
  }
});

t.test('members may stand in any order and white space anywhere', async (t) => {
  const ctx = { funding: '0.1', openInterest: '1', oraclePx: '2', markPx: '3' };
  const frames = [
    bookFrame(BIDS, ASKS),
    bookFrame(
      [['105054.0', '0.2']],
      [
        ['105058.0', '0.2'],
        ['105059.0', '1'],
      ],
    ),
    bboFrame(['80639.0', '0.00186'], ['80640.0', '13.74589']),
    bboFrame(['80639.0', '0.00186'], null),
    tradesFrame(trade(1, 'A')),
    tradesFrame(trade(2, 'A'), trade(3, 'B')),
    tradesFrame(),
    ctxFrame(ctx),
    bookFrame([], []),
  ];
  const ticksOf = (write: (frame: object) => string): unknown[] => {
    const rig = started();
    for (const frame of frames) rig.send(write(frame));
    t.same(rig.rejects.codes, []);
    return rig.ticks.take();
  };
  const expected = ticksOf((frame) => JSON.stringify(frame));
  t.ok(expected.length > 15);
  const sorted = (keys: string[]): string[] => keys.sort();
  const reversed = (keys: string[]): string[] => keys.sort().reverse();
  for (const order of [sorted, reversed]) {
    t.same(
      ticksOf((frame) => JSON.stringify(withKeys(frame, order))),
      expected,
    );
    t.same(
      ticksOf((frame) => JSON.stringify(withKeys(frame, order), null, 2)),
      expected,
    );
  }
});

t.test('the capture: a reader of ticks has the book after every message', async (t) => {
  const { send, ticks, rejects, book, feed } = feedRig();
  const reader = new TickReader(20);
  let books = 0;
  feed.onConnected();
  for (const { raw } of linesOf(CAPTURE)) {
    send(raw);
    for (const tick of ticks.take()) reader.onTick(tick);
    if (!raw.includes('l2Book')) continue;
    books++;
    const wire = JSON.parse(raw) as { data: { levels: { px: string; sz: string }[][] } };
    for (const [index, isAsk] of [false, true].entries()) {
      const expected = (wire.data.levels[index] ?? []).map(({ px, sz }) => [
        Math.round(Number(px) * 10),
        Math.round(Number(sz) * 100_000),
      ]);
      t.strictSame(reader.levels(isAsk), expected);
      t.strictSame(levelsOf(isAsk ? book().asks : book().bids), expected);
    }
  }
  t.equal(books, 25);
  t.same(rejects.codes, []);
  const snapshots = feed.markets[0]?.recoveryCount;
  t.equal(snapshots, 0, 'the first book was the only snapshot');
});

t.test('real messages of 2024 to 2026 are understood', async (t) => {
  const resolve = (coin: string) => ({
    ...started().feed.markets[0]?.instrument,
    venueSymbol: coin,
    priceScale: 6,
  });
  const { send, ticks, rejects } = feedRig({ resolve: resolve as never, booksStartEmpty: true });
  for (const name of ['samples_live_frames', 'samples_tardis']) {
    for (const { raw } of linesOf(name)) send(raw);
  }
  t.same(rejects.codes, []);
  const count = (wanted: number): number => ticks.kinds().filter((kind) => kind === wanted).length;
  t.same(
    [TickKind.Trade, TickKind.Ticker, TickKind.Mark, TickKind.Funding, TickKind.SnapshotBegin].map(
      count,
    ),
    [6, 2, 2, 2, 1],
  );
  // Flows of the documentation: what is sent, what is answered, what is pushed.
  for (const { raw, name } of linesOf('samples_jkorf_docflows')) {
    if (!/Subscriptions\/(BookTicker|OrderBook|Prices|Trades|Klines)/.test(name)) continue;
    for (const part of raw.split(/^[<=] /m).slice(1)) send(part);
  }
  t.same(rejects.codes, []);
});
