/**
 * What a fair price must be whatever the markets do: the naive twin's, inside what took part, deaf to one that is wild, the
 * same in every order, and never drawn by what is old.
 */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { codeAt } from '#src/domain/errors.js';
import { naiveFairPrice } from '../oracles/naive-fair-price.js';
import { CONFIG, NOW_NS, bitsOf, compute, quoteIn } from './fair-rig.js';
import type { RigSource } from './fair-rig.js';

const NUM_RUNS = 600;

/** A source around 60,000.00, mostly well-behaved, now and then of any sort. */
const source: fc.Arbitrary<RigSource> = fc
  .record({
    kind: fc.constantFrom('spot', 'spot', 'perpetual'),
    quote: fc.constantFrom('USD', 'USD', 'USD', 'USDT', 'USDC', 'EUR'),
    priceScale: fc.constantFrom(0, 1, 2, 5, 9),
    sizeScale: fc.constantFrom(3, 8),
    priceBps: fc.oneof(
      { weight: 7, arbitrary: fc.integer({ min: -20, max: 20 }) },
      { weight: 2, arbitrary: fc.integer({ min: -300, max: 300 }) },
      { weight: 1, arbitrary: fc.integer({ min: -9000, max: 30_000 }) },
    ),
    spreadBps: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 20 }) },
      { weight: 1, arbitrary: fc.integer({ min: -30, max: 300 }) },
    ),
    depthUsd: fc.integer({ min: 0, max: 3_000_000 }),
    ageMs: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 500 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 15_000 }) },
    ),
    isFresh: fc.oneof(
      { weight: 7, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.boolean() },
    ),
  })
  .map(quoteIn);

const sources = fc.array(source, { minLength: 0, maxLength: 12, size: 'max' });

/** Sources that agree within the band that is never an outlier. */
const agreeing = (minLength: number): fc.Arbitrary<RigSource[]> =>
  fc.array(
    fc
      .record({
        kind: fc.constantFrom('spot', 'perpetual'),
        quote: fc.constantFrom('USD', 'USDT'),
        priceScale: fc.constantFrom(2, 5),
        sizeScale: fc.constant(8),
        priceBps: fc.integer({ min: -10, max: 10 }),
        spreadBps: fc.integer({ min: 1, max: 10 }),
        depthUsd: fc.integer({ min: 0, max: 1_000_000 }),
        ageMs: fc.integer({ min: 0, max: 9_000 }),
        isFresh: fc.constant(true),
      })
      .map(quoteIn),
    { minLength, maxLength: 8, size: 'max' },
  );

t.test('it is the price of the naive twin, with the same masks and the same confidence', (t) => {
  const reasons = new Map<string, number>();
  let multi = 0;
  fc.assert(
    fc.property(sources, (list) => {
      const fair = compute(list);
      const naive = naiveFairPrice(fair.naiveSources, NOW_NS, CONFIG);
      reasons.set(naive.reason, (reasons.get(naive.reason) ?? 0) + 1);
      if (naive.used.length > 2) multi++;
      deepStrictEqual(
        {
          price: BigInt(fair.price),
          low: BigInt(fair.low),
          high: BigInt(fair.high),
          oldestNs: fair.oldestNs,
          confidencePpm: fair.confidencePpm,
          used: bitsOf(fair.used),
          stale: bitsOf(fair.stale),
          outlier: bitsOf(fair.outlier),
          unpriced: bitsOf(fair.unpriced),
          reason: codeAt(fair.reason),
        },
        naive,
      );
      return true;
    }),
    { numRuns: NUM_RUNS },
  );
  for (const reason of ['OK', 'FAIR_NO_PRICE', 'FAIR_UNPRICED', 'FAIR_DISAGREE']) {
    t.ok((reasons.get(reason) ?? 0) > 0, `${reason} was among them: ${reasons.get(reason)}`);
  }
  t.ok(multi > 30, `${multi} with three sources and more`);
  t.end();
});

t.test('it lies between the lowest and the highest source that took part', (t) => {
  fc.assert(
    fc.property(sources, (list) => {
      const fair = compute(list);
      if (fair.reason !== 0) return fair.price === 0 && fair.used === 0 && fair.confidencePpm === 0;
      return fair.low <= fair.price && fair.price <= fair.high && fair.low > 0;
    }),
    { numRuns: NUM_RUNS },
  );
  t.end();
});

t.test(
  'one wild source among three and more that agree changes nothing but the confidence',
  (t) => {
    fc.assert(
      fc.property(
        agreeing(3),
        fc.oneof(fc.integer({ min: 150, max: 90_000 }), fc.integer({ min: -9_900, max: -150 })),
        fc.nat(8),
        fc.integer({ min: 0, max: 9_000 }),
        (list, priceBps, at, ageMs) => {
          const wild = quoteIn({
            ...{ kind: 'spot', quote: 'USD', priceScale: 2, sizeScale: 8 },
            ...{ priceBps, spreadBps: 1, depthUsd: 900_000_000, ageMs, isFresh: true },
          });
          const before = compute(list);
          const with_ = compute([...list.slice(0, at), wild, ...list.slice(at)]);
          return (
            with_.price === before.price &&
            with_.low === before.low &&
            with_.high === before.high &&
            bitsOf(with_.outlier).length === 1 &&
            with_.confidencePpm < before.confidencePpm
          );
        },
      ),
      { numRuns: NUM_RUNS },
    );
    t.end();
  },
);

t.test('the order of the sources does not matter', (t) => {
  fc.assert(
    fc.property(sources, fc.infiniteStream(fc.nat(1000)), (list, dice) => {
      const order = list.map((one) => [one, dice.next().value as number] as const);
      const shuffled = order.sort((a, b) => a[1] - b[1]).map(([one]) => one);
      const [a, b] = [compute(list), compute(shuffled)];
      return (
        a.price === b.price &&
        a.confidencePpm === b.confidencePpm &&
        a.oldestNs === b.oldestNs &&
        a.reason === b.reason &&
        bitsOf(a.used).length === bitsOf(b.used).length
      );
    }),
    { numRuns: NUM_RUNS },
  );
  t.end();
});

t.test('a source that grows older draws the price less, and nobody becomes surer by it', (t) => {
  fc.assert(
    fc.property(
      agreeing(1),
      fc.nat(7),
      fc.integer({ min: 1, max: 9_000 }),
      (list, pick, moreMs) => {
        const place = pick % list.length;
        const older = list.map((one, index) =>
          index === place ? { ...one, ageMs: Math.min(9_900, one.ageMs + moreMs) } : one,
        );
        const [before, after] = [compute(list), compute(older)];
        const own = before.usdPrices[place] as number;
        return (
          Math.abs(after.price - own) >= Math.abs(before.price - own) &&
          after.confidencePpm <= before.confidencePpm &&
          after.oldestNs <= before.oldestNs
        );
      },
    ),
    { numRuns: NUM_RUNS },
  );
  t.end();
});

t.test('prices ten times as high give a fair price ten times as high', (t) => {
  fc.assert(
    fc.property(agreeing(1), (list) => {
      // A USD source of scale 5 is at most 60,000.00000: ten times that is far inside the scale.
      const inUsd = list.map((one) => ({ ...one, quote: 'USD', depth: one.depth * 10 }));
      const ten = inUsd.map((one) => ({
        ...one,
        bid: one.bid * 10,
        ask: one.ask * 10,
        depth: one.depth / 10,
      }));
      const [one, more] = [compute(inUsd), compute(ten)];
      // Weights are whole millionths, and the depth in USD is a float: the last of them may differ.
      const most = (more.high - more.low) / 10_000 + 20;
      return (
        Math.abs(more.price - one.price * 10) <= most &&
        Math.abs(more.confidencePpm - one.confidencePpm) <= 2
      );
    }),
    { numRuns: NUM_RUNS },
  );
  t.end();
});

t.test('the same quotes at another scale of their instrument give the same fair price', (t) => {
  fc.assert(
    fc.property(agreeing(1), (list) => {
      const finer = list.map((one) => ({
        ...one,
        priceScale: one.priceScale + 2,
        bid: one.bid * 100,
        ask: one.ask * 100,
      }));
      return compute(list).price === compute(finer).price;
    }),
    { numRuns: NUM_RUNS },
  );
  t.end();
});
