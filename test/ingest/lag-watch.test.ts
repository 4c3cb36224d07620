/** lag-watch: market data that comes much later than usual, whatever the two clocks say. On virtual time. */
import t from 'tap';
import { LagWatch } from '#src/ingest/lag-watch.js';

const MS = 1_000_000;

function isLate(watch: LagWatch, recvMs: number, venueMs: number): boolean {
  watch.times[0] = recvMs * MS;
  watch.times[1] = venueMs * MS;
  return watch.isLate();
}

/** Feeds a frame every 100 ms with that lag; returns the first time at which it was late, or -1. */
function feed(
  watch: LagWatch,
  fromMs: number,
  toMs: number,
  lagMs: (ms: number) => number,
): number {
  for (let ms = fromMs; ms < toMs; ms += 100) {
    if (isLate(watch, ms, ms - lagMs(ms))) return ms;
  }
  return -1;
}

t.test('a lag that grows by more than the limit is late after a second of it', async (t) => {
  const watch = new LagWatch(3_000);
  t.equal(
    feed(watch, 0, 10_000, () => 40),
    -1,
  );
  t.equal(
    feed(watch, 10_000, 20_000, () => 3_040),
    -1,
    'at the limit it is not',
  );
  t.equal(
    feed(watch, 20_000, 30_000, () => 3_100),
    21_000,
  );
  t.equal(Math.round(watch.excessNs / MS), 3_060);
});

t.test(
  'a clock that is set wrong by an hour, and a venue that is always slow, are usual',
  async (t) => {
    for (const lag of [-3_600_000, 3_600_000]) {
      const watch = new LagWatch(3_000);
      t.equal(
        feed(watch, 0, 300_000, (ms) => lag + (ms % 1_000)),
        -1,
      );
    }
  },
);

t.test('one frame with an old time is nothing, nor are many between timely ones', async (t) => {
  const watch = new LagWatch(3_000);
  feed(watch, 0, 10_000, () => 40);
  t.equal(
    feed(watch, 10_000, 60_000, (ms) => (ms % 500 === 0 ? 40 : 60_000)),
    -1,
  );
});

t.test('two late frames that are far apart are not yet a late feed', async (t) => {
  const watch = new LagWatch(3_000);
  feed(watch, 0, 1_000, () => 40);
  t.notOk(isLate(watch, 10_000, 0));
  t.notOk(isLate(watch, 20_000, 0));
  t.ok(isLate(watch, 30_000, 0), 'three are');
});

t.test('clocks that drift apart by a minute in a day are no lateness', async (t) => {
  const watch = new LagWatch(3_000);
  t.equal(
    feed(watch, 0, 3_600_000, (ms) => 40 + ms / 1_440),
    -1,
  );
});

t.test('a new connection begins anew, but what is usual stays', async (t) => {
  const watch = new LagWatch(3_000);
  feed(watch, 0, 10_000, () => 40);
  feed(watch, 10_000, 10_900, () => 9_000);
  watch.onConnected();
  t.equal(
    feed(watch, 11_000, 20_000, () => 9_000),
    12_000,
  );
});

t.test('what is usual is not forgotten in the moment when a new window begins', async (t) => {
  const watch = new LagWatch(3_000);
  feed(watch, 0, 60_000, () => 40);
  t.equal(
    feed(watch, 60_000, 70_000, () => 9_000),
    61_000,
  );
});

t.test('a venue that stays slow for two minutes is believed to be so', async (t) => {
  const watch = new LagWatch(3_000);
  feed(watch, 0, 10_000, () => 40);
  let lateMs = 0;
  for (let ms = 10_000; ms < 300_000; ms += 100) {
    if (isLate(watch, ms, ms - 9_000)) lateMs = ms;
  }
  t.ok(lateMs >= 60_000 && lateMs <= 120_000, `late until ${lateMs}`);
});

t.test('0 switches it off', async (t) => {
  const watch = new LagWatch(0);
  feed(watch, 0, 1_000, () => 0);
  t.equal(
    feed(watch, 1_000, 20_000, () => 1e6),
    -1,
  );
});
