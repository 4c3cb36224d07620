/** rate-budget: never more than the venue allows, and always something left for a cancel. */
import fc from 'fast-check';
import t from 'tap';
import { RateBudget } from '#src/venues/rate-budget.js';

t.test('questions leave room for orders and cancels', (t) => {
  const budget = new RateBudget({ tokensPerSec: 10, burst: 10, reserved: 3 });
  let questions = 0;
  while (budget.tryTake(0, false)) questions++;
  t.equal(questions, 7);
  let urgent = 0;
  while (budget.tryTake(0, true)) urgent++;
  t.equal(urgent, 3);
  t.notOk(budget.tryTake(99e6, true));
  t.ok(budget.tryTake(100e6, true), 'a token every 100 ms');
  t.end();
});

t.test('in no second are there more requests than burst and rate allow', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 300 }), (gapsMs) => {
      const budget = new RateBudget({ tokensPerSec: 10, burst: 10, reserved: 2 });
      const takenNs: number[] = [];
      let nowNs = 0;
      for (const gapMs of gapsMs) {
        nowNs += gapMs * 1e6;
        if (budget.tryTake(nowNs, true)) takenNs.push(nowNs);
      }
      return takenNs.every(
        (fromNs, index) => takenNs.slice(index).filter((ns) => ns - fromNs < 1e9).length <= 20,
      );
    }),
  );
  t.end();
});

t.test('a pause stops everything, and the longest pause counts', (t) => {
  const budget = new RateBudget({ tokensPerSec: 10, burst: 10, reserved: 3 });
  budget.pauseUntil(2e9);
  budget.pauseUntil(1e9);
  t.notOk(budget.tryTake(1.9e9, true));
  t.ok(budget.tryTake(2e9, true));
  t.end();
});
