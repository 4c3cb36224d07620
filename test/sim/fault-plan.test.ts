/** Faults by name: asked for in words, drawn from a seed, gone when they are used up. */
import t from 'tap';
import { FAULT_NAMES, FaultPlan, parseFault, type PlannedFault } from '#src/sim/fault-plan.js';

function fault(value: object): PlannedFault {
  const parsed = parseFault(value);
  if (!('fault' in parsed)) throw new Error(parsed.join('; '));
  return parsed;
}

t.test('every fault of the contract is known by name', (t) => {
  t.strictSame(
    [...FAULT_NAMES].sort(),
    'delay disconnect drop-frame duplicate-frame gap lose-ack rate-limit reject silent'.split(' '),
  );
  for (const name of FAULT_NAMES) t.equal(fault({ fault: name }).fault, name);
  t.end();
});

t.test('a wrong fault names every field, value and rule at once', (t) => {
  const problems = parseFault({ fault: 'explode', count: 0, scope: 'moon', ms: 'long', colour: 1 });
  t.equal((problems as readonly string[]).length, 5);
  t.match((problems as readonly string[]).join('\n'), /fault: "explode" is none of disconnect/);
  t.match((problems as readonly string[]).join('\n'), /count: 0 is not an integer from 1/);
  t.match(parseFault([1]), [/must be an object/]);
  t.match(parseFault({}), [/^fault: nothing is none of/]);
  t.end();
});

t.test('a dropped frame is one frame of its scope and topic', (t) => {
  const plan = new FaultPlan(1);
  plan.inject(fault({ fault: 'drop-frame', topic: 'l2_data' }), 0);
  t.equal(plan.frame(true, 'l2_data', 1).copies, 1, 'another scope');
  t.equal(plan.frame(false, 'ticker', 1).copies, 1, 'another topic');
  t.equal(plan.frame(false, 'l2_data', 1).copies, 0);
  t.equal(plan.frame(false, 'l2_data', 1).copies, 1, 'used up');
  t.end();
});

t.test('a gap is a run of lost frames, a duplicate is two of one', (t) => {
  const plan = new FaultPlan(1);
  plan.inject(fault({ fault: 'gap', count: 3, scope: 'all' }), 0);
  plan.inject(fault({ fault: 'duplicate-frame', scope: 'private' }), 0);
  const copies = [1, 2, 3, 4, 5].map(() => plan.frame(true, 'user', 1).copies);
  t.strictSame(copies, [0, 0, 0, 2, 1]);
  t.end();
});

t.test('silence ends by time, a delay by count', (t) => {
  const plan = new FaultPlan(1);
  plan.inject(fault({ fault: 'silent', ms: 100 }), 1000);
  t.equal(plan.frame(false, 'ticker', 1099).copies, 0);
  t.equal(plan.frame(false, 'ticker', 1100).copies, 1);
  plan.inject(fault({ fault: 'delay', ms: 30, count: 1 }), 1200);
  t.strictSame(plan.frame(false, 'ticker', 9999), { copies: 1, delayMs: 30 });
  t.equal(plan.frame(false, 'ticker', 9999).delayMs, 0);
  t.end();
});

t.test('request faults are taken once each, by what they are about', (t) => {
  const plan = new FaultPlan(1);
  plan.inject(fault({ fault: 'rate-limit', count: 2 }), 0);
  plan.inject(fault({ fault: 'lose-ack', on: 'cancel' }), 0);
  plan.inject(fault({ fault: 'reject', reason: 'ORDER_ENTRY_DISABLED' }), 0);
  plan.inject(fault({ fault: 'delay', ms: 7, scope: 'rest', count: 1 }), 0);
  t.strictSame(
    [1, 2, 3].map(() => plan.takeRateLimit(1)),
    [true, true, false],
  );
  t.equal(plan.takeLostAck('place', 1), false);
  t.equal(plan.takeLostAck('query', 1), false);
  t.equal(plan.takeLostAck('cancel', 1), true);
  t.equal(plan.takeLostAck('cancel', 1), false);
  t.strictSame([plan.takeReject(1), plan.takeReject(1)], ['ORDER_ENTRY_DISABLED', null]);
  t.strictSame([plan.takeAnswerDelayMs(1), plan.takeAnswerDelayMs(1)], [7, 0]);
  t.end();
});

t.test('a plan comes at its times, and the same seed draws the same times', (t) => {
  const planned = [
    fault({ fault: 'disconnect', afterMs: 100 }),
    fault({ fault: 'gap', afterMs: 50, everyMs: 200, jitterMs: 100 }),
  ];
  const history = (seed: number): string[] => {
    const plan = new FaultPlan(seed, planned);
    const seen: string[] = [];
    for (let nowMs = 0; nowMs < 2000; nowMs += 10) {
      for (const due of plan.due(nowMs)) seen.push(`${String(nowMs)} ${due.fault}`);
    }
    return seen;
  };
  t.equal(
    history(1)
      .filter((entry) => entry.endsWith('disconnect'))
      .join(),
    '100 disconnect',
  );
  t.ok(history(1).length > 5);
  t.strictSame(history(1), history(1));
  t.notSame(history(1), history(2));
  t.end();
});
