import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Book, BookSide, LevelChange } from '#src/domain/book.js';
import { NaiveSide } from '../oracles/naive-book.js';

function levelsOf(side: BookSide): [number, number][] {
  return Array.from({ length: side.count }, (_, depth) => [
    side.priceAt(depth),
    side.sizeAt(depth),
  ]);
}

/** Prices in a small range, so that levels are hit again, and sizes of which a third are deletes. */
const change = fc.tuple(
  fc.integer({ min: 1, max: 60 }),
  fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 52 })),
);

t.test('any sequence of changes gives the same levels as the obvious book', async () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(change, { maxLength: 300 }),
      fc.constantFrom(1, 3, 20, 1_000_000),
      (isAsk, changes, levelsMax) => {
        const side = new BookSide(isAsk, levelsMax);
        const naive = new NaiveSide(isAsk, levelsMax);
        for (const [price, size] of changes) {
          const depth = side.set(price, size);
          naive.set(price, size);
          const levels = naive.levels();
          assert.deepEqual(levelsOf(side), levels);
          assert.equal(side.sizeOf(price), new Map(levels).get(price) ?? 0);
          // The depth is where the level stands, stood or would stand.
          const better = levels.filter(([other]) => (isAsk ? other < price : other > price)).length;
          assert.equal(depth, better);
        }
      },
    ),
    { numRuns: 60 },
  );
});

t.test('a snapshot in any order, with repetitions and zeros, becomes the same side', async () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(change, { maxLength: 200 }),
      fc.constantFrom('asc', 'desc', 'none'),
      fc.constantFrom(5, 1_000_000),
      (isAsk, levels, order, levelsMax) => {
        if (order !== 'none') {
          levels.sort(([a], [b]) => (order === 'asc' ? a - b : b - a));
        }
        const side = new BookSide(isAsk, levelsMax);
        side.set(61, 1);
        const prices = Float64Array.of(0, ...levels.map(([price]) => price));
        const sizes = Float64Array.of(0, ...levels.map(([, size]) => size));
        side.load(prices, sizes, 1, prices.length);
        const naive = new NaiveSide(isAsk, levelsMax);
        naive.load(levels);
        assert.deepEqual(levelsOf(side), naive.levels());
      },
    ),
    { numRuns: 200 },
  );
});

t.test('a side says what a change did', async (t) => {
  const side = new BookSide(false, 2);
  side.set(100, 5);
  t.equal(side.change, LevelChange.Inserted);
  side.set(100, 6);
  t.equal(side.change, LevelChange.Resized);
  side.set(99, 0);
  t.equal(side.change, LevelChange.None, 'there was nothing to delete');
  side.set(99, 1);
  side.set(98, 1);
  t.equal(side.change, LevelChange.None, 'worse than the worst of a full side');
  t.equal(side.cutCount, 1);
  side.set(101, 1);
  t.same(levelsOf(side), [
    [101, 1],
    [100, 6],
  ]);
  t.equal(side.cutCount, 2, 'the worst level gave way');
  side.set(101, 0);
  t.equal(side.change, LevelChange.Deleted);
});

t.test(
  'the best levels can be had at once, and a side that changed has another revision',
  async (t) => {
    const { bids } = new Book(3);
    const prices = new Float64Array(4);
    const sizes = new Float64Array(4);
    t.equal(bids.copyBest(4, prices, sizes), 0);
    const revisions = [bids.revision];
    const changes: readonly (() => void)[] = [
      () => bids.set(100, 7),
      () => bids.set(102, 8),
      () => bids.set(101, 9),
      () => bids.set(103, 1),
      () => bids.cutTo(2),
      () => bids.rescale(10, 10),
      () => bids.set(1020, 0),
      () => bids.load(Float64Array.of(5, 6), Float64Array.of(1, 2), 0, 2),
      () => bids.clear(),
    ];
    const seen = changes.map((change) => {
      change();
      revisions.push(bids.revision);
      const count = bids.copyBest(2, prices, sizes);
      return Array.from({ length: count }, (_, depth) => [prices[depth], sizes[depth]]);
    });
    t.same(seen, [
      [[100, 7]],
      [
        [102, 8],
        [100, 7],
      ],
      [
        [102, 8],
        [101, 9],
      ],
      [
        [103, 1],
        [102, 8],
      ],
      [
        [103, 1],
        [102, 8],
      ],
      [
        [1030, 10],
        [1020, 80],
      ],
      [[1030, 10]],
      [
        [6, 2],
        [5, 1],
      ],
      [],
    ]);
    t.equal(new Set(revisions).size, revisions.length);
  },
);

t.test('a book knows when it is crossed, and an empty one is not', async (t) => {
  const book = new Book(100);
  t.notOk(book.isCrossed);
  t.equal(book.bidPriceMantissa, 0);
  book.bids.set(100, 1);
  t.notOk(book.isCrossed, 'one side alone');
  book.asks.set(101, 1);
  t.notOk(book.isCrossed);
  t.equal(book.askPriceMantissa, 101);
  book.asks.set(100, 1);
  t.ok(book.isCrossed, 'equal prices cross');
  book.clear();
  t.equal(book.bids.count + book.asks.count, 0);
});

t.test('finer scales keep every level, and say when 2^53 is left', async (t) => {
  const side = new BookSide(true, 100);
  side.set(100, 7);
  side.set(101, 8);
  t.ok(side.rescale(1000, 10));
  t.same(levelsOf(side), [
    [100_000, 70],
    [101_000, 80],
  ]);
  t.notOk(side.rescale(1e12, 1));
});

t.test(
  'a snapshot of 50,000 unsorted levels is loaded in far less than quadratic time',
  async (t) => {
    const count = 50_000;
    const prices = Float64Array.from({ length: count }, (_, i) => ((i * 7919) % count) + 1);
    const sizes = new Float64Array(count).fill(1);
    const side = new BookSide(true, 1 << 20);
    side.load(prices, sizes, 0, count);
    t.equal(side.count, count);
    t.equal(side.priceAt(0), 1);
    t.equal(side.priceAt(count - 1), count);
  },
);

t.test(
  'sizes beyond 2^53 keep every digit through changes, cuts, snapshots and finer scales',
  async () => {
    const wide = fc.bigInt({ min: 2n ** 53n, max: 2n ** 60n });
    const size = fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 2n ** 52n }), wide);
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), size), { maxLength: 120 });
    const better = (isAsk: boolean, a: number, b: number): number => (isAsk ? a - b : b - a);
    fc.assert(
      fc.property(
        fc.boolean(),
        changes,
        fc.constantFrom(3, 10, 1_000),
        (isAsk, list, levelsMax) => {
          const side = new BookSide(isAsk, levelsMax);
          let levels: [number, bigint][] = [];
          const check = (): void => {
            const exact = Array.from({ length: side.count }, (_, depth) => [
              side.priceAt(depth),
              side.exactSizeAt(depth),
            ]);
            assert.deepEqual(exact, levels);
            const beyond = levels.filter(([, one]) => one > BigInt(Number.MAX_SAFE_INTEGER));
            assert.equal(side.wideCount, beyond.length);
            assert.deepEqual(
              levelsOf(side).map(([, one]) => one),
              levels.map(([, one]) => Number(one)),
            );
          };
          for (const [price, one] of list) {
            if (one > BigInt(Number.MAX_SAFE_INTEGER)) side.setWide(price, one);
            else side.set(price, Number(one));
            levels = levels.filter(([other]) => other !== price);
            if (one !== 0n) levels.push([price, one]);
            levels = levels.sort(([a], [b]) => better(isAsk, a, b)).slice(0, levelsMax);
            check();
          }
          assert.equal(side.rescale(10, 4), true);
          levels = levels.map(([price, one]) => [price * 10, one * 4n]);
          check();
          assert.equal(
            side.rescale(1, 1e9),
            levels.every(([, one]) => one * 10n ** 9n < 2n ** 63n),
          );
          side.load(Float64Array.of(7), Float64Array.of(8), 0, 1);
          levels = [[7, 8n]];
          check();
          side.setWide(9, 2n ** 60n);
          side.clear();
          levels = [];
          check();
        },
      ),
      { numRuns: 60 },
    );
  },
);

t.test('books of many chunks: changes anywhere, snapshots of any order, cuts', async () => {
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 4) % below;
  };
  for (const [isAsk, levelsMax] of [
    [false, 1_000_000],
    [true, 1_000_000],
    [false, 700],
  ] as const) {
    const side = new BookSide(isAsk, levelsMax);
    const naive = new Map<number, number>();
    const check = (): void => {
      const levels = [...naive].sort(([a], [b]) => (isAsk ? a - b : b - a));
      for (const [price] of levels.splice(levelsMax)) naive.delete(price);
      assert.deepEqual(levelsOf(side), levels);
      const prices = new Float64Array(300);
      const sizes = new Float64Array(300);
      const copied = side.copyBest(300, prices, sizes);
      assert.equal(copied, Math.min(300, levels.length));
      assert.deepEqual(
        Array.from({ length: copied }, (_, i) => [prices[i], sizes[i]]),
        levels.slice(0, copied),
      );
    };
    for (let round = 0; round < 8; round++) {
      // Grows, shrinks to almost nothing, and grows again; near the top and anywhere.
      const isGrowing = round % 3 !== 1;
      for (let i = 0; i < 900; i++) {
        const price = random(4) === 0 ? 3_900 + random(200) : 1 + random(8_000);
        const size = isGrowing && random(5) > 0 ? 1 + random(1_000) : 0;
        const better = [...naive.keys()].filter((one) =>
          isAsk ? one < price : one > price,
        ).length;
        assert.equal(side.set(price, size), better);
        if (size === 0) naive.delete(price);
        else naive.set(price, size);
        assert.equal(side.sizeOf(price) > 0, size > 0 && better < levelsMax);
        if (naive.size > levelsMax) check();
      }
      if (!isGrowing)
        for (const price of [...naive.keys()].slice(5)) {
          side.set(price, 0);
          naive.delete(price);
        }
      check();
      if (round % 4 === 3) {
        const levels = [...naive];
        side.load(
          Float64Array.from(levels, ([price]) => price),
          Float64Array.from(levels, ([, size]) => size),
          0,
          levels.length,
        );
        check();
      }
      side.cutTo(400);
      for (const [price] of [...naive].sort(([a], [b]) => (isAsk ? a - b : b - a)).slice(400)) {
        naive.delete(price);
      }
      check();
    }
  }
});
