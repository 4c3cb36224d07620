import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { TickReader } from '../feed-rig.js';
import { BTC, ETH, feedRig, levelsOf, linesOf, Wire, withKeys, type Rig } from './dydx-rig.js';

/** A rig whose BTC book is there; messages 0 to 5 have come. */
function started(): Rig & { readonly wire: Wire } {
  const rig = feedRig();
  const wire = new Wire();
  rig.feed.onConnected();
  rig.send(wire.connected());
  rig.send(
    wire.book(
      [
        ['100', '1'],
        ['99', '2'],
      ],
      [
        ['101', '3'],
        ['102', '4'],
      ],
    ),
  );
  rig.send(wire.book([['9', '1']], [['11', '1']], 'ETH-USD'));
  for (const id of ['BTC-USD', 'ETH-USD']) {
    rig.send(wire.subscribed('v4_trades', { trades: [] }, id));
  }
  rig.send(wire.subscribed('v4_markets', { markets: {} }));
  rig.ticks.take();
  return { ...rig, wire };
}

const trade = (id: string, side: string, at = '2026-09-17T19:18:42.257Z'): object => ({
  id,
  side,
  size: '0.0002',
  price: '76467',
  type: 'LIMIT',
  createdAt: at,
  createdAtHeight: '105841552',
});

t.test('books and trades of each market are asked for, and one channel about all', async (t) => {
  const { feed } = feedRig();
  const texts = feed.onConnected().map((text) => JSON.parse(text) as unknown);
  t.same(texts, [
    { type: 'subscribe', channel: 'v4_orderbook', id: 'BTC-USD' },
    { type: 'subscribe', channel: 'v4_trades', id: 'BTC-USD' },
    { type: 'subscribe', channel: 'v4_orderbook', id: 'ETH-USD' },
    { type: 'subscribe', channel: 'v4_trades', id: 'ETH-USD' },
    { type: 'subscribe', channel: 'v4_markets' },
  ]);
  t.same(
    feed.subscriptions.map(({ isChatty }) => isChatty),
    [true, false, true, false, false],
    'only books say something all the time',
  );
});

t.test('the first message is the book; later ones set levels, alone or in a batch', async (t) => {
  const { send, ticks, book, feed, rejects } = feedRig();
  const wire = new Wire();
  feed.onConnected();
  send(wire.connected());
  send(wire.book([['76467', '0.5']], [['76468', '1.25']]));
  t.same(ticks.kinds(), [
    TickKind.SnapshotBegin,
    ...[TickKind.Level, TickKind.Level],
    TickKind.Quote,
    TickKind.State,
  ]);
  t.match(ticks.ticks[3], {
    instrumentIndex: 5,
    priceMantissa: 76467,
    sizeMantissa: 5000,
    askPriceMantissa: 76468,
    askSizeMantissa: 12500,
    venueSeq: 1,
    flags: TickFlag.NoTime,
  });
  ticks.take();
  send(wire.levels({ bids: [['76466', '2']] }));
  t.match(ticks.take(), [{ kind: TickKind.Level, priceMantissa: 76466, sizeMantissa: 20000 }]);
  send(
    wire.data('v4_orderbook', [
      { bids: [['76467', '0']] },
      { asks: [['76468', '0']], bids: [] },
      { asks: [['76470', '0.0001', '17']] },
    ]),
  );
  t.same(levelsOf(book().bids), [[76466, 20000]]);
  t.same(levelsOf(book().asks), [[76470, 1]]);
  t.equal(ticks.kinds().filter((kind) => kind === TickKind.Quote).length, 1, 'one top a message');
  t.equal(feed.lastSeq, 3);
  t.same(rejects.codes, []);
});

t.test('the taker and the id of a trade, as number and as text', async (t) => {
  const { send, ticks, feed, wire } = started();
  const texts: (string | null)[] = [];
  ticks.onTick = () => texts.push(feed.tradeIdText);
  send(
    wire.data('v4_trades', {
      trades: [trade('064f03900000000200000005', 'SELL'), trade('064f03900000000200000006', 'BUY')],
    }),
  );
  t.match(ticks.ticks, [
    {
      kind: TickKind.Trade,
      priceMantissa: 76467,
      sizeMantissa: 2,
      flags: TickFlag.AggressorSell,
      venueNs: 722_257_000_000,
      venueSeq: 105841552 * 2 ** 21 + 2 * 2 ** 16 + 5,
    },
    { flags: TickFlag.LastOfFrame, venueSeq: 105841552 * 2 ** 21 + 2 * 2 ** 16 + 6 },
  ]);
  t.same(
    texts,
    ['064f03900000000200000005', '064f03900000000200000006'],
    'of one block, in the order of the wire',
  );
  ticks.take();
  send(wire.data('v4_trades', [{ trades: [trade('trade-001', 'BUY')] }]));
  t.match(ticks.ticks, [{ venueSeq: 0 }], 'an id that is none has its text alone');
  t.equal(texts.at(-1), 'trade-001');
});

t.test('the first list of trades is history, newest first on the wire', async (t) => {
  const rig = feedRig();
  const wire = new Wire();
  rig.feed.onConnected();
  rig.send(wire.connected());
  const trades = [
    trade('064f03910000000200000001', 'BUY', '2026-09-17T19:18:43.257Z'),
    trade('064f03900000000200000001', 'SELL', '2026-09-17T19:18:42.257Z'),
  ];
  rig.send(wire.subscribed('v4_trades', { trades }));
  t.same(
    rig.ticks.ticks.map(({ venueNs, flags }) => [venueNs, flags & TickFlag.Backfill]),
    [
      [722_257_000_000, TickFlag.Backfill],
      [723_257_000_000, TickFlag.Backfill],
    ],
  );
  t.equal(rig.feed.markets[0]?.tradeCount, 0);
});

t.test(
  'oracle prices are marks, the next funding rate is funding, other markets are not ours',
  async (t) => {
    const { send, ticks, feed, rejects, wire } = started();
    const oraclePrices = {
      'PEPE-USD': { oraclePrice: '0.0000123456789012', effectiveAt: 'yesterday' },
      'BTC-USD': {
        oraclePrice: '68526.44763',
        effectiveAt: '2026-09-17T19:18:42.257Z',
        effectiveAtHeight: '105841552',
        marketId: 0,
      },
    };
    send(wire.data('v4_markets', { oraclePrices }));
    t.match(ticks.take(), [
      {
        kind: TickKind.Mark,
        instrumentIndex: 5,
        priceMantissa: 685264476300000,
        askPriceMantissa: 0,
        venueNs: 722_257_000_000,
      },
    ]);
    const trading = {
      'ETH-USD': { id: '1', openInterest: '15398.406' },
      'BTC-USD': { id: '0', nextFundingRate: '-0.00003494207317073171' },
    };
    send(wire.data('v4_markets', { trading }));
    t.match(ticks.take(), [
      { kind: TickKind.Funding, instrumentIndex: 5, priceMantissa: -34942073 },
    ]);
    t.match(feed.markets[0], {
      markPriceMantissa: 685264476300000,
      fundingRateMantissa: -34942073,
      fundingNextNs: 0,
    });
    const markets = { 'ETH-USD': { oraclePrice: '3264.309572', nextFundingRate: '0' } };
    send(wire.subscribed('v4_markets', { markets }));
    t.same(ticks.kinds(), [TickKind.Mark, TickKind.Funding], 'the first message knows both');
    t.same(rejects.codes, []);
    send(
      wire.data('v4_markets', { oraclePrices: { 'BTC-USD': { oraclePrice: '0.00000000001' } } }),
    );
    t.same(rejects.take(), ['DECIMAL_INEXACT'], 'a price is never cut');
  },
);

t.test('a hole in the numbers drops every book and asks for a new connection', async (t) => {
  const { send, feed, rejects, wire, ticks } = started();
  t.equal(feed.needsResubscribe, false);
  wire.messageId++;
  send(wire.levels({ bids: [['100', '5']] }));
  t.same(rejects.take(), ['VENUE_SEQ_GAP']);
  t.equal(feed.needsResubscribe, true);
  t.equal(feed.brokenBy, 'VENUE_SEQ_GAP');
  t.same(
    feed.markets.map(({ staleReason, book }) => [staleReason, book.bids.count]),
    [
      [codeIndex('VENUE_SEQ_GAP'), 0],
      [codeIndex('VENUE_SEQ_GAP'), 0],
    ],
  );
  t.ok(ticks.kinds().includes(TickKind.State));
  feed.onConnected();
  t.equal(feed.needsResubscribe, false);
  wire.messageId = 0;
  send(wire.connected());
  send(wire.book([['100', '1']], [['101', '1']]));
  t.equal(feed.markets[0]?.staleReason, 0);
});

t.test('the answer to a subscribe may come after numbers behind its own', async (t) => {
  const { send, feed, rejects } = feedRig();
  feed.onConnected();
  const wire = new Wire();
  send(wire.connected());
  const late = wire.book([['100', '1']], [['101', '1']]);
  send(wire.book([['9', '1']], [['11', '1']], 'ETH-USD'));
  send(wire.data('v4_orderbook', { bids: [['10', '1']] }, 'ETH-USD'));
  send(late);
  t.same(rejects.take(), []);
  t.equal(feed.markets[0]?.staleReason, 0);
  t.same(levelsOf(feed.markets[1]?.book.bids as never)[0], [100, 1000]);
  send(late);
  t.same(rejects.take(), ['VENUE_SEQ_OLD'], 'but only once');
});

t.test('a message that is lost while answers are owed is found when they have come', async (t) => {
  const { send, feed, rejects } = feedRig();
  feed.onConnected();
  const wire = new Wire();
  send(wire.connected());
  // Five answers are owed; number 1 is not one of them.
  wire.messageId = 2;
  send(wire.book([['100', '1']], [['101', '1']]));
  send(wire.book([['9', '1']], [['11', '1']], 'ETH-USD'));
  for (const id of ['BTC-USD', 'ETH-USD']) send(wire.subscribed('v4_trades', { trades: [] }, id));
  t.same(rejects.take(), []);
  send(wire.subscribed('v4_markets', { markets: {} }));
  t.same(rejects.take(), ['VENUE_SEQ_GAP']);
});

t.test('repetitions are ignored', async (t) => {
  const { send, rejects, book, wire } = started();
  const update = wire.levels({ bids: [['100', '5']] });
  send(update);
  send(wire.levels({ bids: [['100', '6']] }));
  send(update);
  t.same(rejects.take(), ['VENUE_SEQ_OLD']);
  t.equal(book().bids.sizeAt(0), 60000);
});

t.test('a refusal finds its subscription, by its members or by its words', async (t) => {
  const text = 'Internal error, could not fetch data for subscription: v4_orderbook.';
  const states = (rig: Rig): number[] => rig.feed.subscriptions.map(({ state }) => state);
  const { Requested, Refused, Live } = SubscriptionState;

  const named = feedRig();
  named.feed.onConnected();
  named.send(new Wire().connected());
  const error = { type: 'error', message: text, connection_id: 'x', message_id: 3 };
  named.send({ ...error, channel: 'v4_orderbook', id: 'ETH-USD' });
  t.same(states(named), [Requested, Requested, Refused, Requested, Requested]);
  t.same(named.rejects.take(), ['FRAME_VENUE_ERROR']);
  t.equal(named.feed.subscriptions[2]?.detail, text);
  t.equal(named.feed.subscriptions[2]?.reason, codeIndex('FRAME_VENUE_ERROR'));
  t.same(
    named.feed.renew(2).map((one) => JSON.parse(one) as unknown),
    [{ type: 'subscribe', channel: 'v4_orderbook', id: 'ETH-USD' }],
    'what was refused needs no unsubscribe',
  );

  const old = feedRig();
  old.feed.onConnected();
  const wire = new Wire();
  old.send(wire.connected());
  old.send({ ...error, message_id: wire.messageId++ });
  t.same(states(old), [Refused, Requested, Refused, Requested, Requested], 'one of these two');
  old.send(wire.book([['9', '1']], [['11', '1']], 'ETH-USD'));
  t.same(states(old), [Refused, Requested, Live, Requested, Requested], 'not this one');

  const words = feedRig();
  words.feed.onConnected();
  words.send(new Wire().connected());
  words.send({ ...error, message: 'Invalid subscription id for channel: (v4_trades-ETH-USD)' });
  t.same(states(words), [Requested, Requested, Requested, Refused, Requested]);
  words.send({
    ...error,
    message: 'Invalid subscribe message: already subscribed (v4_trades-BTC-USD)',
  });
  t.same(states(words), [Requested, Live, Requested, Refused, Requested], 'no refusal at all');
  words.send({ type: 'error', message: 'Internal error', connection_id: 'x', message_id: 0 });
  t.same(states(words), [Requested, Live, Requested, Refused, Requested], 'about none of them');
  t.equal(words.feed.needsResubscribe, false, 'errors repeat a number, or take one that is owed');
});

t.test(
  'a renewed book waits for its first message, and is no sign of life until then',
  async (t) => {
    const { send, feed, wire, rejects } = started();
    feed.markStale(0, codeIndex('FEED_SILENT'), 99);
    const texts = feed.renew(0).map((one) => JSON.parse(one) as unknown);
    t.same(texts, [
      { type: 'unsubscribe', channel: 'v4_orderbook', id: 'BTC-USD' },
      { type: 'subscribe', channel: 'v4_orderbook', id: 'BTC-USD' },
    ]);
    send(wire.levels({ bids: [['100', '5']] }));
    t.equal(feed.subscriptions[0]?.state, SubscriptionState.Requested, 'of the old subscription');
    send({
      type: 'unsubscribed',
      connection_id: 'x',
      message_id: wire.messageId++,
      channel: 'v4_orderbook',
      id: 'BTC-USD',
    });
    t.equal(feed.subscriptions[0]?.state, SubscriptionState.Requested);
    send(wire.book([['100', '1']], [['101', '1']]));
    t.equal(feed.subscriptions[0]?.state, SubscriptionState.Live);
    t.equal(feed.markets[0]?.staleReason, 0);
    t.same(rejects.codes, []);
  },
);

t.test('an update without a book asks for one, once', async (t) => {
  const { send, feed } = feedRig();
  feed.onConnected();
  const wire = new Wire();
  send(wire.connected());
  send(wire.levels({ bids: [['100', '5']] }));
  t.equal(feed.subscriptions[0]?.state, SubscriptionState.Broken);
  t.equal(feed.subscriptions[0]?.detail, 'BOOK_MISSING');
  t.equal(feed.markets[0]?.book.bids.count, 0);
});

t.test('a level that does not fit costs its book until the next first message', async (t) => {
  const { send, feed, rejects, wire } = started();
  send(wire.levels({ bids: [['100.5', '5']] }));
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('DECIMAL_INEXACT'));
  t.equal(feed.markets[1]?.staleReason, 0, 'the other one is not concerned');
  send(wire.levels({ bids: [['98', '5']] }));
  t.equal(feed.markets[0]?.book.bids.count, 0);
  send(wire.book([['100', '1']], [['101', '1']]));
  t.equal(feed.markets[0]?.staleReason, 0);
});

t.test('a malformed book message costs its book, one that says nothing costs all', async (t) => {
  const { send, feed, rejects, wire } = started();
  const text = JSON.stringify(wire.levels({ bids: [['100', '5']] }));
  send(text.replace('"5"', '"5x"'));
  t.same(rejects.take(), ['FRAME_MALFORMED']);
  t.equal(feed.markets[0]?.staleReason, codeIndex('FRAME_MALFORMED'));
  t.equal(feed.markets[1]?.staleReason, 0);
  t.equal(feed.subscriptions[0]?.state, SubscriptionState.Broken, 'to be asked for anew');
  t.equal(feed.needsResubscribe, false, 'its number was read');
  const next = JSON.stringify(wire.levels({ bids: [['100', '5']] }));
  send(next.slice(0, next.indexOf('"id"')));
  t.equal(feed.markets[1]?.staleReason, codeIndex('FRAME_MALFORMED'), 'it may have been its book');
  const bad = JSON.stringify(wire.data('v4_trades', { trades: [trade('1', 'MAYBE')] }));
  rejects.take();
  send(bad);
  t.same(rejects.take(), ['FRAME_MALFORMED']);
});

t.test('what is not ours is counted or passed over', async (t) => {
  const { send, feed, rejects, wire, ticks } = started();
  const before = feed.frameCount;
  send(wire.data('v4_candles', { ticker: 'BTC-USD' }, 'BTC-USD/1MIN'));
  send(wire.data('v4_block_height', { blockHeight: '1', time: '' }, 'v4_block_height'));
  send(wire.data('v4_subaccounts', { orders: [] }, 'dydx1/0'));
  t.same(rejects.take(), []);
  t.equal(feed.frameCount, before + 3);
  send({ type: 'pong', connection_id: 'x', message_id: wire.messageId++ });
  send({ connection_id: 'x', message_id: wire.messageId++ });
  send({ type: 'connected' });
  send('[]');
  t.same(rejects.take(), ['FRAME_UNKNOWN', 'FRAME_UNKNOWN', 'FRAME_MALFORMED', 'FRAME_MALFORMED']);
  send(wire.levels({ bids: [['100', '5']] }));
  t.same(rejects.take(), [], 'their numbers were counted');
  send(wire.data('v4_trades', { trades: [trade('1', 'BUY')] }, 'DOGE-USD'));
  t.same(rejects.take(), ['INSTRUMENT_UNKNOWN']);
  t.equal(ticks.ticks.at(-1)?.kind, TickKind.Quote);
});

t.test(
  'a frame cut anywhere changes nothing, and never more than the books of its kind',
  async (t) => {
    const { wire } = started();
    const frames = [
      wire.levels({ bids: [['100', '5']], asks: [['103', '1']] }),
      wire.data('v4_orderbook', [{ bids: [['100', '5']] }, { asks: [['103', '1']] }]),
      wire.data('v4_trades', { trades: [trade('064f03900000000200000005', 'SELL')] }),
      wire.data('v4_markets', { oraclePrices: { 'BTC-USD': { oraclePrice: '1' } } }),
      wire.book([['100', '1']], [['101', '1']]),
    ];
    for (const frame of frames) {
      const text = JSON.stringify({ ...frame, message_id: 6 });
      for (let length = 0; length < text.length; length++) {
        const rig = started();
        rig.send(text.slice(0, length));
        t.same(rig.rejects.codes, ['FRAME_MALFORMED']);
        const kinds = rig.ticks.kinds();
        if (kinds.some((kind) => kind !== TickKind.State)) t.fail(`${kinds.join()} of ${length}`);
      }
    }
  },
);

t.test('members may stand in any order and white space anywhere', async (t) => {
  // One list a message: the order of lists is the order of ticks.
  const oracle = { 'ETH-USD': { oraclePrice: '3264.3', effectiveAt: '2026-09-17T19:18:42Z' } };
  const frames = (wire: Wire): object[] => [
    wire.levels({ bids: [['100', '5']] }),
    wire.levels({
      asks: [
        ['103', '1'],
        ['102', '0'],
      ],
    }),
    wire.data('v4_orderbook', [{ bids: [['99', '0']] }, { asks: [['101', '7']] }]),
    wire.data('v4_trades', {
      trades: [trade('064f03900000000200000005', 'SELL'), trade('064f03900000000200000006', 'BUY')],
    }),
    wire.data('v4_markets', { trading: { 'BTC-USD': { nextFundingRate: '0.0001' } } }),
    wire.data('v4_markets', { oraclePrices: oracle }),
    wire.subscribed('v4_orderbook', { bids: [{ price: '97', size: '1' }] }),
    wire.subscribed('v4_orderbook', { asks: [{ price: '98', size: '1' }] }),
  ];
  const ticksOf = (write: (frame: object) => string): unknown[] => {
    const rig = started();
    for (const frame of frames(rig.wire)) rig.send(write(frame));
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

t.test('a lost connection leaves nothing behind', async (t) => {
  const { send, feed, wire, book, ticks } = started();
  send(wire.levels({ asks: [['99', '1']] }));
  feed.onDisconnected(codeIndex('FEED_DISCONNECTED'), 77);
  t.equal(book().bids.count, 0);
  feed.onConnected();
  const next = new Wire();
  send(next.connected());
  send(next.book([['50', '1']], [['60', '1']]));
  ticks.take();
  send(next.levels({ asks: [['60', '0']] }));
  t.same(levelsOf(book().asks), [], 'nothing that was hidden comes back');
  t.same(levelsOf(book().bids), [[50, 10000]]);
});

t.test('real messages of 2024 to 2026 are understood', async (t) => {
  const { send, feed, ticks, rejects, book } = feedRig({ booksStartEmpty: true });
  for (const name of ['samples_live_frames', 'samples_nautilus_2024_captures']) {
    for (const line of linesOf(name)) if (line.dir === 'in') send(line.raw);
  }
  t.same(rejects.codes, ['FRAME_VENUE_ERROR']);
  t.match(rejects.details, [
    'Internal error, could not fetch data for subscription: v4_orderbook.',
  ]);
  t.equal(ticks.kinds().filter((kind) => kind === TickKind.Trade).length, 3);
  t.equal(book(1).bids.count, 100);
  const reader = new TickReader(20);
  for (const tick of ticks.ticks) if (tick.instrumentIndex === ETH.index) reader.onTick(tick);
  t.same(reader.levels(false), levelsOf(book(1).bids).slice(0, 20));
  t.same(reader.levels(true), levelsOf(book(1).asks).slice(0, 20));
  t.equal(feed.markets.length, 2);
  t.equal(feed.markets[0]?.instrument, BTC);
});
