/** The exponential average against the sum that defines it. */
import fc from 'fast-check';
import t from 'tap';
import { Ema } from '#src/signal/indicators/ema.js';

/** The defining sum, from the newest value back: alpha * (1 - alpha)^k, the rest of the weight on the first value. */
function naiveEma(values: readonly number[], periods: number): number {
  const alpha = 2 / (periods + 1);
  let sum = 0;
  let weight = 1;
  for (let back = 0; back < values.length - 1; back++) {
    sum += weight * alpha * (values[values.length - 1 - back] ?? 0);
    weight *= 1 - alpha;
  }
  return sum + weight * (values[0] ?? 0);
}

t.test('the incremental average is the defining sum', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 100 }),
      (values, periods) => {
        const ema = new Ema(periods);
        for (const value of values) ema.update(value);
        const expected = naiveEma(values, periods);
        return Math.abs(ema.value - expected) <= 1e-9 * Math.max(1, expected);
      },
    ),
  );
  t.pass();
});

t.test('it is warm after as many values as it has periods, not before', async (t) => {
  const ema = new Ema(3);
  ema.update(1);
  ema.update(1);
  t.notOk(ema.isWarm);
  ema.update(1);
  t.ok(ema.isWarm);
});
