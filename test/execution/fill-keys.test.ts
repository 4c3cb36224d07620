import fc from 'fast-check';
import t from 'tap';
import { FillKeys } from '#src/execution/fill-keys.js';

const MAX = 1024;

t.test('the last keys are known, the oldest are forgotten first, whatever they are', (t) => {
  const key = fc.oneof(
    fc.integer({ min: 1, max: 5_000 }),
    fc.maxSafeInteger().filter((value) => value > 0),
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 4_000, size: 'max' }), (keys) => {
      const known = new FillKeys(MAX);
      const naive: number[] = [];
      for (const one of keys) {
        if (known.has(one) !== naive.includes(one)) return false;
        if (known.has(one)) continue;
        known.add(one);
        naive.push(one);
        if (naive.length > MAX) naive.shift();
      }
      return (
        known.size === naive.length && naive.every((one, place) => known.toArray()[place] === one)
      );
    }),
    { numRuns: 30 },
  );
  t.end();
});

t.test('the digest is of all that were ever added', (t) => {
  const known = new FillKeys(MAX);
  for (let key = 1; key <= 3 * MAX; key++) known.add(key);
  t.equal(known.sum, (3 * MAX * (3 * MAX + 1)) / 2);
  t.equal(known.size, MAX);
  t.notOk(known.has(1));
  t.ok(known.has(3 * MAX));
  t.end();
});
