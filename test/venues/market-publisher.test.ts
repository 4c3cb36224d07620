/**
 * The publisher alone: entries in, books and ticks out. What a dialect adds stands in the tests of its feed.
 */
import t from 'tap';
import { must } from '#src/domain/assert.js';
import { ByteScanner } from '#src/domain/byte-scanner.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import { getTickSizeMantissaBig, TickFlag, TickKind } from '#src/generated/hot.js';
import { EntryKind, FrameEntries, Wide } from '#src/venues/frame-entries.js';
import { MarketPublisher } from '#src/venues/market-publisher.js';
import type { MarketPublisherOptions, MarketState } from '#src/venues/market-publisher.js';
import { instrumentNamed, TickList } from './feed-rig.js';

const EPOCH_NS = 1_786_309_548_000_000_000n;
const GAP = codeIndex('VENUE_SEQ_GAP');
const CHECKSUM = codeIndex('BOOK_CHECKSUM');

type Level = readonly [price: number, size: number | bigint];

interface Rig {
  readonly publisher: MarketPublisher;
  readonly entries: FrameEntries;
  readonly ticks: TickList;
  readonly broken: (readonly [number, ErrorCode])[];
  readonly market: (place?: number) => MarketState;
  /** A new frame. */
  readonly begin: () => void;
  readonly add: (kind: EntryKind, price?: number, size?: number | bigint, place?: number) => number;
  readonly snapshot: (bids: readonly Level[], asks: readonly Level[], place?: number) => void;
  readonly commit: (recvNs?: number, seq?: number) => void;
}

function rig(options: Partial<MarketPublisherOptions> = {}): Rig {
  const ticks = new TickList();
  const broken: (readonly [number, ErrorCode])[] = [];
  const publisher = new MarketPublisher({
    ticks,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    crossedIsStale: true,
    tradesInTimeOrder: true,
    booksStartEmpty: false,
    onBookBroken: (place, code) => broken.push([place, code]),
    ...options,
  });
  for (const [index, symbol] of ['BTC-USD', 'ETH-USD'].entries()) {
    publisher.addMarket(instrumentNamed(symbol, index + 5, 2, 8));
  }
  const entries = new FrameEntries(EPOCH_NS);
  const add: Rig['add'] = (kind, price = 0, size = 0, place = 0) => {
    const index = entries.add(kind, place);
    entries.prices[index] = price;
    entries.sizes[index] = Number(size);
    if (typeof size === 'bigint') entries.setWideMantissa(index, Wide.Size, size);
    entries.timesNs[index] = 1_000 + index;
    return index;
  };
  return {
    publisher,
    entries,
    ticks,
    broken,
    market: (place = 0) => must(publisher.markets[place], 'market'),
    begin: () => {
      entries.begin();
    },
    add,
    snapshot: (bids, asks, place = 0) => {
      add(EntryKind.SnapshotBegin, 0, 0, place);
      for (const [price, size] of bids) add(EntryKind.Bid, price, size, place);
      for (const [price, size] of asks) add(EntryKind.Ask, price, size, place);
      add(EntryKind.SnapshotEnd, 0, 0, place);
    },
    commit: (recvNs = 50, seq = 9) => {
      publisher.commit(entries, recvNs, seq);
    },
  };
}

const BIDS: readonly Level[] = [
  [99, 1],
  [98, 2],
  [97, 3],
];
const ASKS: readonly Level[] = [
  [101, 4],
  [102, 5],
  [103, 6],
];

t.test('a frame is applied, then spoiled or settled: a spoiled book has no top', async (t) => {
  const { publisher, entries, ticks, market, begin, add, snapshot, broken } = rig();
  snapshot(BIDS, ASKS);
  publisher.apply(entries, 50, 1);
  t.notOk(ticks.kinds().includes(TickKind.Quote), 'the top waits for the comparison');
  publisher.settle(entries);
  t.same(ticks.kinds().slice(-2), [TickKind.Quote, TickKind.State]);
  t.match(ticks.take().at(-1), { kind: TickKind.State, sizeMantissa: 0 });
  begin();
  add(EntryKind.Bid, 100, 7);
  add(EntryKind.Trade, 100, 1);
  publisher.apply(entries, 60, 2);
  publisher.spoil(0, CHECKSUM);
  publisher.settle(entries);
  t.same(ticks.kinds(), [TickKind.Level, TickKind.Trade, TickKind.State]);
  t.match(ticks.take().at(-1), { sizeMantissa: CHECKSUM, flags: TickFlag.LastOfFrame });
  t.equal(market().book.bids.count, 0);
  t.equal(market().staleReason, CHECKSUM);
  begin();
  add(EntryKind.Bid, 100, 7);
  publisher.commit(entries, 70, 3);
  t.same(broken, [], 'who spoils it knows that it is broken');
  t.same(ticks.take(), []);
  begin();
  snapshot(BIDS, ASKS);
  publisher.commit(entries, 80, 4);
  t.match(market(), { staleReason: 0, recoveryCount: 1, recoveryNs: 20 });
});

t.test('a book of a stated depth is cut behind each frame, not within it', async (t) => {
  const { market, begin, add, snapshot, commit } = rig();
  market().depthMax = 3;
  snapshot([...BIDS, [96, 4]], ASKS);
  commit();
  t.equal(market().book.bids.count, 3, 'a snapshot too');
  begin();
  add(EntryKind.Bid, 100, 1);
  add(EntryKind.Bid, 100, 0);
  add(EntryKind.Bid, 98.5, 1);
  commit();
  t.same(
    [0, 1, 2].map((depth) => market().book.bids.priceAt(depth)),
    [99, 98.5, 98],
    'the level that came and went has pushed nobody out',
  );
});

t.test('marks and funding become ticks and stand in the market', async (t) => {
  const { entries, ticks, market, begin, add, commit } = rig();
  const mark = add(EntryKind.Mark, 650_123_456_789_012);
  entries.askPrices[mark] = 650_000_000_000_000;
  const funding = add(EntryKind.Funding, -12_500_000, 0, 1);
  entries.askPrices[funding] = 3_600_000_000_000;
  commit(77, 5);
  t.match(ticks.take(), [
    {
      kind: TickKind.Mark,
      instrumentIndex: 5,
      priceMantissa: 650_123_456_789_012,
      askPriceMantissa: 650_000_000_000_000,
      venueSeq: 5,
      venueNs: 1_000,
    },
    {
      kind: TickKind.Funding,
      instrumentIndex: 6,
      priceMantissa: -12_500_000,
      askPriceMantissa: 3_600_000_000_000,
      flags: TickFlag.LastOfFrame,
    },
  ]);
  t.match(market(0), {
    markPriceMantissa: 650_123_456_789_012,
    indexPriceMantissa: 650_000_000_000_000,
    markNs: 77,
  });
  t.match(market(1), { fundingRateMantissa: -12_500_000, fundingNextNs: 3_600_000_000_000 });
  begin();
  const wide = add(EntryKind.Mark);
  entries.setWideMantissa(wide, Wide.Price, 2n ** 60n);
  commit();
  t.equal(ticks.take()[0]?.priceMantissa, 2 ** 60, 'a wide one is a tick');
  t.equal(
    market(0).markPriceMantissa,
    650_123_456_789_012,
    'and does not stand rounded in the market',
  );
});

t.test('books that start empty are built of what is seen, and only those that start', async (t) => {
  const { publisher, ticks, market, begin, add, commit, broken } = rig({ booksStartEmpty: true });
  add(EntryKind.Bid, 99, 1);
  commit();
  t.match(ticks.ticks.at(-2), { kind: TickKind.Quote, priceMantissa: 99, flags: TickFlag.NoAsk });
  t.equal(market().staleReason, 0);
  begin();
  add(EntryKind.Ask, 101, 0, 1);
  ticks.take();
  commit();
  t.match(
    ticks.take().find(({ kind }) => kind === TickKind.Quote),
    {
      instrumentIndex: 6,
      flags: TickFlag.NoBid | TickFlag.NoAsk,
    },
    'an empty top is told once',
  );
  commit();
  t.notOk(ticks.take().some(({ kind }) => kind === TickKind.Quote));
  publisher.staleAll(GAP, 60);
  ticks.take();
  commit();
  t.same(ticks.take(), [], 'after a gap only a snapshot helps');
  t.same(broken, [[1, 'BOOK_MISSING']]);
  publisher.resetAll();
  commit();
  t.ok(
    ticks.take().some(({ kind }) => kind === TickKind.Quote),
    'a new connection starts anew',
  );
});

t.test('whoever looks while a tick is published knows its entry', async (t) => {
  const { publisher, entries, ticks, add, snapshot, commit } = rig({ levelsMax: 0 });
  const seen: (readonly [number, number])[] = [];
  ticks.onTick = ({ kind }) => seen.push([kind, publisher.publishedEntry]);
  snapshot(BIDS.slice(0, 1), ASKS.slice(0, 1));
  const first = add(EntryKind.Trade, 100, 1);
  const second = add(EntryKind.Trade, 100, 2);
  entries.timesNs[first] = 30;
  entries.timesNs[second] = 20;
  commit();
  const trades = seen.filter(([kind]) => kind === TickKind.Trade).map(([, entry]) => entry);
  t.same(trades, [second, first], 'oldest first');
  t.same(seen.find(([kind]) => kind === TickKind.Quote)?.[1], 0, 'the snapshot that made the top');
});

t.test(
  'an update without a snapshot is told once; one that a renewal waits for is not',
  async (t) => {
    const { publisher, begin, add, snapshot, commit, broken } = rig();
    add(EntryKind.Bid, 99, 1);
    commit();
    commit();
    t.same(broken, [[0, 'BOOK_MISSING']]);
    begin();
    snapshot(BIDS, ASKS);
    commit();
    begin();
    add(EntryKind.Bid, 101, 1);
    commit();
    t.same(broken.splice(0), [
      [0, 'BOOK_MISSING'],
      [0, 'BOOK_CROSSED'],
    ]);
    publisher.awaitSnapshot(0);
    commit();
    t.same(broken, []);
    publisher.stale(0, GAP, 99);
    commit();
    t.same(broken.splice(0), [[0, 'BOOK_MISSING']], 'dropped again, nothing was asked for');
  },
);

t.test('a venue whose books may cross keeps them', async (t) => {
  const { market, snapshot, commit, ticks, broken } = rig({ crossedIsStale: false });
  snapshot([[102, 1]], [[101, 1]]);
  commit();
  t.same(broken, []);
  t.equal(market().staleReason, 0);
  t.match(ticks.ticks.at(-2), { kind: TickKind.Quote, priceMantissa: 102, askPriceMantissa: 101 });
});

t.test(
  'a refused level costs the book until its next snapshot; the reason that came first stays',
  async (t) => {
    const { publisher, entries, market, begin, add, snapshot, commit } = rig();
    snapshot(BIDS, ASKS);
    commit();
    begin();
    const refused = add(EntryKind.LevelRefused);
    entries.flags[refused] = codeIndex('DECIMAL_INEXACT');
    commit();
    t.equal(codeAt(market().staleReason), 'DECIMAL_INEXACT');
    publisher.loseAll(codeIndex('FEED_DISCONNECTED'), 99);
    t.equal(codeAt(market(0).staleReason), 'DECIMAL_INEXACT');
    t.equal(codeAt(market(1).staleReason), 'FEED_DISCONNECTED');
    begin();
    snapshot(BIDS, ASKS);
    const again = add(EntryKind.SnapshotBegin);
    entries.flags[add(EntryKind.LevelRefused)] = codeIndex('DECIMAL_OVERFLOW');
    add(EntryKind.SnapshotEnd);
    t.ok(again > 0);
    commit();
    t.equal(
      codeAt(market().staleReason),
      'DECIMAL_OVERFLOW',
      'the later snapshot of the frame counts',
    );
  },
);

t.test('a size beyond 2^53 reaches ticks and tops with every digit', async (t) => {
  const wall = 11_694_540_000_000_000n;
  const { ticks, market, begin, add, snapshot, commit } = rig();
  const sizes: (readonly [number, bigint])[] = [];
  ticks.onTick = ({ kind }) => sizes.push([kind, getTickSizeMantissaBig(ticks.i32, 0)]);
  snapshot([[99, wall]], [[101, 4]]);
  commit();
  t.same(sizes.splice(0), [
    [TickKind.SnapshotBegin, 0n],
    [TickKind.Level, wall],
    [TickKind.Level, 4n],
    [TickKind.Quote, wall],
    [TickKind.State, 0n],
  ]);
  begin();
  add(EntryKind.Bid, 99, wall + 1n);
  commit();
  t.equal(Number(wall), Number(wall + 1n), 'rounded they are the same');
  t.same(sizes.splice(0), [
    [TickKind.Level, wall + 1n],
    [TickKind.Quote, wall + 1n],
  ]);
  commit();
  t.same(sizes.splice(0), [[TickKind.Level, wall + 1n]], 'a top that did not change is not told');
  begin();
  add(EntryKind.Bid, 99, 5);
  add(EntryKind.Ask, 103, 2n ** 60n);
  commit();
  t.same(sizes.splice(0).at(-1), [TickKind.Quote, 5n]);
  t.equal(market().book.asks.exactSizeAt(1), 2n ** 60n);
  begin();
  // Of equal prices the last one counts.
  add(EntryKind.SnapshotBegin);
  for (const size of [wall, 7]) add(EntryKind.Bid, 99, size);
  for (const size of [7, wall]) add(EntryKind.Ask, 101, size);
  add(EntryKind.SnapshotEnd);
  commit();
  t.equal(market().book.bids.exactSizeAt(0), 7n);
  t.equal(market().book.asks.exactSizeAt(0), wall);
});

t.test('finer scales keep the book and its top', async (t) => {
  const { publisher, ticks, market, begin, add, snapshot, commit } = rig();
  snapshot(BIDS, ASKS);
  commit();
  publisher.refine(0, { ...market().instrument, priceScale: 4, sizeScale: 10 });
  ticks.take();
  begin();
  add(EntryKind.Bid, 9_500, 100);
  commit();
  t.same(ticks.kinds(), [TickKind.Level], 'the top is the same');
  t.equal(market().book.bids.priceAt(0), 9_900);
  publisher.refine(0, { ...market().instrument, priceScale: 18 });
  t.equal(market().book.bids.count, 0, 'a price beyond 2^53 is not kept rounded');
  t.equal(codeAt(market().staleReason), 'DECIMAL_OVERFLOW');
});

t.test('times: exact near and far, none beyond int64', async (t) => {
  const entries = new FrameEntries(EPOCH_NS);
  const at = (text: string): number => {
    const scanner = new ByteScanner();
    scanner.begin(Buffer.from(`"${text}"`));
    t.ok(scanner.time(), text);
    const index = entries.add(EntryKind.Trade, 0);
    entries.setTime(index, scanner);
    return index;
  };
  const near = at('2026-08-09T21:05:48.123456789Z');
  t.equal(entries.timesNs[near], 123_456_789);
  const far = at('1970-01-01T00:00:00.000000001Z');
  t.ok(entries.isWide(far, Wide.Time));
  t.equal(entries.wideOf(far, Wide.Time), 1n - EPOCH_NS);
  const copied = entries.add(EntryKind.Trade, 0);
  entries.copyTime(copied, far);
  t.equal(entries.wideOf(copied, Wide.Time), 1n - EPOCH_NS);
  for (const none of [at('0001-01-01T00:00:00Z'), at('2999-01-01T00:00:00Z')]) {
    t.ok(entries.isWide(none, Wide.NoTime));
    t.notOk(entries.isWide(none, Wide.Time));
    const copy = entries.add(EntryKind.Trade, 0);
    entries.copyTime(copy, none);
    t.ok(entries.isWide(copy, Wide.NoTime));
  }
  entries.begin();
  t.equal(entries.wideOf(far, Wide.Time), 0n, 'a new frame forgets');
});

t.test('a frame may have more entries than there was room for', async (t) => {
  const { entries, market, add, snapshot, commit } = rig();
  const levels = Array.from({ length: 3_000 }, (_, i): Level => [10_000 - i, i + 1]);
  snapshot(levels, []);
  add(EntryKind.Bid, 5, 2n ** 54n);
  commit();
  t.ok(entries.kinds.length >= 3_003);
  t.equal(market().book.bids.count, 3_001);
  t.equal(market().book.bids.sizeAt(2_999), 3_000);
  t.equal(market().book.bids.exactSizeAt(3_000), 2n ** 54n);
});
