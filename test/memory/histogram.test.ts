/** Latency histograms against the sorted list of what was recorded: less than 1 % off, up to an hour. */
import fc from 'fast-check';
import t from 'tap';
import { SharedHistogram, bucketLowerNs, bucketOf, bucketUpperNs } from '#src/memory/histogram.js';
import { HISTOGRAM_BUCKETS, HISTOGRAM_NS_MAX } from '#src/memory/layout.js';

function histogram(): SharedHistogram {
  return new SharedHistogram(new SharedArrayBuffer(SharedHistogram.bytes(1)), 0);
}

/** Latencies of every magnitude alike. */
const latencies = fc
  .tuple(fc.integer({ min: 0, max: 41 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([exponent, factor]) => Math.min(Math.floor(2 ** exponent * factor) - 1, HISTOGRAM_NS_MAX));

t.test(
  'buckets lie without gaps or overlaps from 0 to an hour, none wider than 0.8 %',
  async (t) => {
    t.equal(bucketOf(HISTOGRAM_NS_MAX), HISTOGRAM_BUCKETS - 1);
    let isSound = bucketLowerNs(0) === 0;
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      const lower = bucketLowerNs(bucket);
      const upper = bucketUpperNs(bucket);
      isSound &&=
        upper >= lower &&
        bucketOf(lower) === bucket &&
        (upper - lower) / Math.max(1, lower) < 0.008;
      isSound &&=
        bucket === HISTOGRAM_BUCKETS - 1 ||
        (bucketOf(upper) === bucket && bucketLowerNs(bucket + 1) === upper + 1);
      if (!isSound) {
        t.fail(`bucket ${bucket}`);
        return;
      }
    }
    t.ok(isSound);
  },
);

t.test('count, minimum and maximum are exact, percentiles and mean within 1 %', async (t) => {
  fc.assert(
    fc.property(fc.array(latencies, { minLength: 1, maxLength: 300, size: 'max' }), (values) => {
      const target = histogram();
      for (const value of values) target.record(value);
      const found = target.snapshot();
      const sorted = values.toSorted((a, b) => a - b);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      if (found.count !== values.length) throw new Error('count');
      if (found.min !== sorted[0] || found.max !== sorted.at(-1))
        throw new Error('minimum or maximum');
      near(found.mean, mean, 'mean');
      for (const percent of [0, 1, 25, 50, 75, 90, 99, 99.9, 100]) {
        const exact = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? 0;
        near(found.percentile(percent), exact, `p${percent}`);
      }
    }),
    { numRuns: 100 },
  );
  t.pass();
});

t.test('an empty histogram is all zeros', async (t) => {
  const empty = histogram().snapshot();
  t.same([empty.count, empty.min, empty.max, empty.mean, empty.percentile(50)], [0, 0, 0, 0, 0]);
  t.same([...empty.buckets()], []);
});

t.test(
  'what is below 0 counts as 0, fractions are cut, more than an hour counts in the last bucket',
  async (t) => {
    const target = histogram();
    target.record(-5);
    target.record(7.9);
    target.record(2 * HISTOGRAM_NS_MAX);
    const found = target.snapshot();
    t.same([found.min, found.max, found.count], [0, 2 * HISTOGRAM_NS_MAX, 3]);
    t.same(
      [...found.buckets()].map(([, count]) => count),
      [1, 1, 1],
    );
    t.equal(found.percentile(50), 7);
    t.same([...found.buckets()].at(-1)?.[0], bucketUpperNs(HISTOGRAM_BUCKETS - 1));
  },
);

t.test('several histograms add up to one', async (t) => {
  const [one, two, all, none] = [histogram(), histogram(), histogram(), histogram()];
  for (let value = 1; value < 5000; value += 7) {
    (value % 2 === 0 ? one : two).record(value * 1000);
    all.record(value * 1000);
  }
  const merged = SharedHistogram.merge([one.snapshot(), none.snapshot(), two.snapshot()]);
  t.same([...merged.buckets()], [...all.snapshot().buckets()]);
  t.same(
    [merged.min, merged.max, merged.count],
    [all.snapshot().min, all.snapshot().max, all.snapshot().count],
  );
  t.equal(SharedHistogram.merge([]).count, 0);
});

t.test('a bucket counts beyond 32 bits', async (t) => {
  const buffer = new SharedArrayBuffer(SharedHistogram.bytes(1));
  const target = new SharedHistogram(buffer, 0);
  // 2^32 - 1 records of 5 ns, by hand: header, control line, then the low words.
  new Int32Array(buffer)[64 + 5] = -1;
  target.record(5);
  target.record(5);
  t.equal(target.snapshot().countAt(5), 2 ** 32 + 1);
});

t.test('a writer that takes over a used histogram keeps minimum and maximum', async (t) => {
  const buffer = new SharedArrayBuffer(SharedHistogram.bytes(2));
  new SharedHistogram(buffer, 1).record(10);
  const next = new SharedHistogram(buffer, 1);
  next.record(1000);
  const found = next.snapshot();
  t.same([found.min, found.max, found.count], [10, 1000, 2]);
  t.equal(new SharedHistogram(buffer, 0).snapshot().count, 0, 'the neighbour is untouched');
  t.throws(() => new SharedHistogram(buffer, 2), /histogram outside the region: index=2/);
});

t.test('a snapshot in the middle of a carry is taken again', async (t) => {
  const buffer = new SharedArrayBuffer(SharedHistogram.bytes(1));
  const target = new SharedHistogram(buffer, 0);
  target.record(5);
  const i32 = new Int32Array(buffer);
  i32[64 + 5] = -1;
  const load = Atomics.load;
  const atomics = Atomics as unknown as Record<string, unknown>;
  let hasCarried = false;
  atomics['load'] = (array: Int32Array, index: number): number => {
    const value = load(array, index);
    // The high word of the bucket was read; now the carry happens.
    if (!hasCarried && index === 64 + HISTOGRAM_BUCKETS + 5) {
      hasCarried = true;
      target.record(5);
    }
    return value;
  };
  const found = target.snapshot();
  atomics['load'] = load;
  t.equal(found.countAt(5), 2 ** 32);
});

function near(found: number, exact: number, what: string): void {
  if (Math.abs(found - exact) > exact * 0.01)
    throw new Error(`${what}: found=${found}, exact=${exact}`);
}
