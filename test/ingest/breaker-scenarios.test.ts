/** The 5 circuit breaker scenarios of the system that tickwire replaces: on virtual time, and once against real sockets. */
import t from 'tap';
import { BreakerState, CircuitBreaker } from '#src/ingest/circuit-breaker.js';
import type { BreakerTransition } from '#src/ingest/circuit-breaker.js';
import { speakCoinbase } from './coinbase-voice.js';
import { ingestRig } from './ingest-rig.js';
import { MisbehavingServer } from './misbehaving-server.js';

const MS = 1_000_000;
const SEC = 1_000 * MS;
const { Closed, Open, HalfOpen } = BreakerState;

function breaker(failuresMax: number, openMs: readonly number[]): CircuitBreaker {
  return new CircuitBreaker({ failuresMax, successesMin: 3, openMs }, 0);
}

// test_circuit_opens_after_threshold
t.test('five failures open the circuit, and the next try is refused in its name', async (t) => {
  const b = breaker(5, [10_000]);
  for (let failure = 1; failure <= 4; failure++) {
    b.onFailure(failure * SEC);
    t.equal(b.state, Closed);
  }
  b.onFailure(5 * SEC);
  t.equal(b.state, Open);
  t.notOk(b.allows(6 * SEC));
  t.equal(b.stats(6 * SEC).refusedTotal, 1);
  t.match(b.history, [{ from: Closed, to: Open, cause: 'failures', nowNs: 5 * SEC }]);
});

// test_circuit_half_open_after_timeout
t.test('an open circuit lets one try pass when its time is over', async (t) => {
  const b = breaker(3, [500]);
  for (let failure = 0; failure < 3; failure++) b.onFailure(0);
  t.notOk(b.allows(499 * MS));
  t.equal(b.state, Open);
  t.ok(b.allows(500 * MS));
  t.equal(b.state, HalfOpen);
});

// test_circuit_closes_on_success
t.test('three successes close it, and the failures before are forgotten', async (t) => {
  const b = breaker(5, [100, 200]);
  for (let failure = 0; failure < 5; failure++) b.onFailure(0);
  b.allows(100 * MS);
  b.onSuccess(101 * MS);
  b.onSuccess(102 * MS);
  t.equal(b.state, HalfOpen);
  b.onSuccess(103 * MS);
  t.equal(b.state, Closed);
  t.equal(b.stats(103 * MS).failureCount, 0);
  for (let failure = 0; failure < 4; failure++) b.onFailure(200 * MS);
  t.equal(b.state, Closed, 'it takes five again');
  b.onFailure(200 * MS);
  t.equal(b.stats(200 * MS).waitNs, 100 * MS, 'and the first wait');
});

// test_exponential_backoff_during_open
t.test('each opening in a row lasts twice as long, up to the cap', async (t) => {
  const b = breaker(1, [100, 200, 400, 800, 1_600, 3_200, 5_000]);
  let nowNs = 0;
  const waits: number[] = [];
  for (let opening = 0; opening < 9; opening++) {
    b.onFailure(nowNs);
    waits.push(b.stats(nowNs).waitNs / MS);
    nowNs = b.retryNs;
    t.notOk(b.allows(nowNs - 1));
    t.ok(b.allows(nowNs));
  }
  t.same(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  const ratios = waits.slice(1, 6).map((ms, index) => ms / (waits[index] as number));
  t.ok(ratios.every((ratio) => ratio >= 1.8 && ratio <= 2.2));
});

// test_circuit_metrics_collection
t.test(
  'a whole cycle can be told: counts, times in each state, transitions; and be reset',
  async (t) => {
    const told: BreakerTransition[] = [];
    const b = new CircuitBreaker(
      { failuresMax: 3, successesMin: 2, openMs: [100], onTransition: (one) => told.push(one) },
      0,
    );
    for (let failure = 1; failure <= 3; failure++) b.onFailure(failure * 10 * MS);
    b.allows(130 * MS);
    b.onSuccess(140 * MS);
    b.onSuccess(150 * MS);
    const stats = b.stats(200 * MS);
    t.same(stats, {
      state: 'Closed',
      failureCount: 0,
      successCount: 0,
      failuresTotal: 3,
      successesTotal: 2,
      refusedTotal: 0,
      transitionCount: 3,
      timeInNs: { Closed: 80 * MS, Open: 100 * MS, HalfOpen: 20 * MS },
      sinceFailureNs: 170 * MS,
      waitNs: 0,
    });
    t.same(JSON.parse(JSON.stringify(stats)), stats, 'plain data');
    t.same(
      told.map(({ from, to, durationNs }) => [from, to, durationNs / MS]),
      [
        [Closed, Open, 30],
        [Open, HalfOpen, 100],
        [HalfOpen, Closed, 20],
      ],
    );
    b.onFailure(200 * MS);
    b.reset(210 * MS);
    t.equal(b.stats(210 * MS).failureCount, 0);
  },
);

t.test(
  'real sockets: alert, open, half-open, closed; each in the metrics that Prometheus serves',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    speakCoinbase(server);
    await server.down();
    const e = ingestRig(t, {
      url: server.url,
      config: { breakerFailures: 3, breakerOpenMs: [50, 100], backoffMs: [5] },
    });
    await e.until('a probe has failed', () => e.counter('feedBreakerOpens') >= 2);
    t.equal(e.counter('feedAlerts'), 1);
    t.match(e.told('alert'), [{ reason: 'FEED_DOWN', detail: /^3 failures in a row; the last: / }]);
    t.ok(e.counter('feedBreakerRefusals') >= 1);
    t.ok(e.rejects('FEED_CIRCUIT_OPEN') >= 1);
    await server.up();
    await e.until('closed', () => e.counter('feedBreakerCloses') === 1);
    t.ok(e.isFresh());
    t.ok(e.counter('feedBreakerProbes') >= 2);
    t.ok(e.counter('feedBreakerOpenMs') >= 150 && e.counter('feedBreakerProbeMs') > 0);
    const cycle = e.told('breaker').map(({ from, to }) => `${from}>${to}`);
    t.same(cycle.slice(0, 3), ['Closed>Open', 'Open>HalfOpen', 'HalfOpen>Open']);
    t.equal(cycle.at(-1), 'HalfOpen>Closed');
  },
);
