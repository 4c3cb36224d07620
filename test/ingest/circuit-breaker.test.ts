/** circuit-breaker: closed, open, half-open on virtual time, and what it tells of itself. */
import t from 'tap';
import { BreakerState, breakerStateName, CircuitBreaker } from '#src/ingest/circuit-breaker.js';
import type { BreakerTransition } from '#src/ingest/circuit-breaker.js';

const MS = 1_000_000;
const { Closed, Open, HalfOpen } = BreakerState;

function breaker(options: { failuresMax?: number; openMs?: number[] } = {}): {
  breaker: CircuitBreaker;
  told: BreakerTransition[];
} {
  const told: BreakerTransition[] = [];
  const { failuresMax = 5, openMs = [100, 200, 400, 800] } = options;
  const self = new CircuitBreaker(
    { failuresMax, successesMin: 3, openMs, onTransition: (one) => told.push(one) },
    0,
  );
  return { breaker: self, told };
}

t.test('a success in between ends the row of failures', async (t) => {
  const { breaker: b } = breaker();
  for (let round = 0; round < 10; round++) {
    for (let failure = 0; failure < 4; failure++) b.onFailure(round);
    b.onSuccess(round);
  }
  t.equal(b.state, Closed);
  t.equal(b.stats(10).failuresTotal, 40);
});

t.test('half-open, one try passes at a time', async (t) => {
  const { breaker: b } = breaker({ failuresMax: 1 });
  b.onFailure(0);
  t.notOk(b.allows(100 * MS - 1));
  t.ok(b.allows(100 * MS), 'the probe');
  t.notOk(b.allows(101 * MS), 'no second one beside it');
  b.onFailure(102 * MS);
  t.equal(b.state, Open);
  t.equal(b.stats(102 * MS).refusedTotal, 2);
  t.equal(b.retryNs, 302 * MS);
});

t.test('a person may probe at once, and reset it', async (t) => {
  const { breaker: b, told } = breaker({ failuresMax: 1 });
  b.onFailure(0);
  b.probe(1 * MS);
  t.equal(b.state, HalfOpen);
  t.ok(b.allows(1 * MS));
  b.onFailure(2 * MS);
  b.reset(3 * MS);
  t.equal(b.state, Closed);
  b.onFailure(4 * MS);
  t.equal(b.retryNs, 104 * MS, 'and the waits start anew');
  t.same(
    told.map(({ cause }) => cause),
    ['failures', 'asked by a person', 'probe failed', 'asked by a person', 'failures'],
  );
});

t.test('only the last 64 transitions are remembered', async (t) => {
  const { breaker: b } = breaker({ failuresMax: 1, openMs: [1] });
  for (let nowMs = 0; nowMs < 200; nowMs++) {
    b.allows(nowMs * MS);
    b.onFailure(nowMs * MS);
  }
  t.equal(b.history.length, 64);
  t.equal(b.history.at(-1)?.nowNs, 199 * MS);
  t.ok(b.stats(0).transitionCount > 64);
});

t.test('states have names', async (t) => {
  t.same([Closed, Open, HalfOpen].map(breakerStateName), ['Closed', 'Open', 'HalfOpen']);
});
