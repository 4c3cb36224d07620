/** deadlines: each key comes once, in the order of time, at its last stated time. */
import fc from 'fast-check';
import t from 'tap';
import { Deadlines } from '#src/runtime/deadlines.js';

t.test('what is due comes in the order of time, once, and nothing comes early', (t) => {
  const deadlines = new Deadlines(16);
  deadlines.set(1, 300);
  deadlines.set(2, 100);
  deadlines.set(3, 200);
  t.equal(deadlines.takeDue(99), -1);
  t.equal(deadlines.takeDue(250), 2);
  t.equal(deadlines.takeDue(250), 3);
  t.equal(deadlines.takeDue(250), -1);
  t.equal(deadlines.size, 1);
  t.equal(deadlines.takeDue(300), 1);
  t.equal(deadlines.takeDue(1e9), -1);
  t.end();
});

t.test('a key that is set again or cleared does not come at its old time', (t) => {
  const deadlines = new Deadlines(16);
  deadlines.set(1, 100);
  deadlines.set(1, 200);
  deadlines.set(2, 100);
  deadlines.clear(2);
  t.equal(deadlines.takeDue(150), -1);
  t.equal(deadlines.takeDue(200), 1);
  t.equal(deadlines.takeDue(200), -1);
  t.end();
});

t.test('it does what a sorted list does, however often keys are set anew', (t) => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('set'), key: fc.nat(20), dueNs: fc.nat(1000) }),
    fc.record({ kind: fc.constant('clear'), key: fc.nat(20), dueNs: fc.constant(0) }),
    fc.record({ kind: fc.constant('take'), key: fc.constant(0), dueNs: fc.nat(1000) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const deadlines = new Deadlines(32);
      const naive = new Map<number, number>();
      for (const { kind, key, dueNs } of actions) {
        if (kind === 'set') {
          deadlines.set(key, dueNs);
          naive.set(key, dueNs);
        } else if (kind === 'clear') {
          deadlines.clear(key);
          naive.delete(key);
        } else {
          const due = [...naive.entries()].filter(([, ns]) => ns <= dueNs);
          const firstNs = Math.min(...due.map(([, ns]) => ns));
          const taken = deadlines.takeDue(dueNs);
          if (due.length === 0 ? taken !== -1 : naive.get(taken) !== firstNs) return false;
          naive.delete(taken);
        }
      }
      return deadlines.size === naive.size;
    }),
  );
  t.end();
});

t.test('more keys than it holds is a bug', (t) => {
  const deadlines = new Deadlines(2);
  deadlines.set(1, 1);
  deadlines.set(2, 2);
  t.throws(() => {
    deadlines.set(3, 3);
  }, /capacity/);
  t.end();
});
