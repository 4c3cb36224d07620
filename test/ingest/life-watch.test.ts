/** life-watch: when is the other end of a socket dead, and when is it asked? On virtual time. */
import t from 'tap';
import { LifeVerdict, LifeWatch } from '#src/ingest/life-watch.js';
import type { LifeTimes } from '#src/ingest/life-watch.js';

const MS = 1_000_000;
const { Dead, Fine, Ping } = LifeVerdict;
const TIMES: LifeTimes = {
  idleTimeoutMs: 5_000,
  pingIntervalMs: 15_000,
  heartbeatIntervalMs: 0,
  frameTimeoutMs: 60_000,
};

function watch(more: Partial<LifeTimes> = {}): LifeWatch {
  const life = new LifeWatch({ ...TIMES, ...more });
  life.open(0);
  return life;
}

t.test('nothing heard: pinged after half of the time, dead at its end', async (t) => {
  const life = watch();
  t.equal(life.check(2_499 * MS, 0), Fine);
  t.equal(life.check(2_500 * MS, 0), Ping);
  t.equal(life.check(2_510 * MS, 0), Fine, 'asked once');
  t.equal(life.check(4_999 * MS, 0), Fine);
  t.equal(life.check(5_000 * MS, 0), Dead);
});

t.test('an answer to the ping is life, and so is any byte', async (t) => {
  const life = watch();
  t.equal(life.check(2_500 * MS, 0), Ping);
  life.answered(2_520 * MS);
  t.equal(life.check(5_000 * MS, 0), Fine);
  t.equal(life.check(5_020 * MS, 0), Ping);
  t.equal(life.check(7_000 * MS, 6), Fine);
  t.equal(life.check(9_600 * MS, 6), Ping);
  t.equal(life.check(12_000 * MS, 6), Dead);
});

t.test('a busy connection is pinged as often as the venue wants to hear from us', async (t) => {
  const life = watch();
  const pings: number[] = [];
  for (let ms = 100; ms <= 46_000; ms += 100) {
    life.heard(ms * MS);
    life.understood(ms * MS);
    if (life.check(ms * MS, ms * 500) === Ping) pings.push(ms);
  }
  t.same(pings, [15_000, 30_000, 45_000]);
});

t.test('where heartbeats are promised, pongs and nonsense alone are no life', async (t) => {
  const life = watch({ heartbeatIntervalMs: 1_000 });
  for (let ms = 100; ms < 5_000; ms += 100) {
    life.heard(ms * MS);
    t.equal(life.check(ms * MS, ms), Fine);
  }
  life.heard(5_000 * MS);
  t.equal(life.check(5_000 * MS, 5_000), Dead);
});

t.test('heartbeats that are rarer than the idle time get three of their own', async (t) => {
  const life = watch({ heartbeatIntervalMs: 4_000 });
  life.answered(11_000 * MS);
  t.not(life.check(11_999 * MS, 0), Dead);
  life.answered(12_000 * MS);
  t.equal(life.check(12_000 * MS, 0), Dead);
});

t.test('a snapshot of megabytes on a slow line is life, but not for ever', async (t) => {
  const life = watch({ heartbeatIntervalMs: 1_000 });
  life.check(0, 100);
  for (let ms = 100; ms < 60_000; ms += 100) {
    t.not(life.check(ms * MS, ms * 100), Dead, 'bytes come, no frame ends');
  }
  t.equal(life.check(60_000 * MS, 60_000 * 100), Dead);
});
