/** clock-watch: pauses of the process and steps of the wall clock, on made-up clocks. */
import t from 'tap';
import { ClockWatch } from '#src/ingest/clock-watch.js';

const MS = 1_000_000;
const TIMES = { pauseMaxMs: 2_000, clockJumpMs: 1_000 };

t.test('a hole between two looks is a pause, told once, with its length', async (t) => {
  const watch = new ClockWatch(TIMES);
  t.equal(watch.check(50_000 * MS), 'OK', 'the first look knows no other');
  t.equal(watch.check(52_000 * MS), 'OK');
  t.equal(watch.check(54_001 * MS), 'CLOCK_JUMP');
  t.equal(watch.detail, 'no turn for 2001 ms');
  t.equal(watch.check(54_002 * MS), 'OK');
});

t.test('a step of the wall clock is found in both directions, slow drift is none', async (t) => {
  const watch = new ClockWatch(TIMES);
  t.equal(watch.checkWall(0, 7_000 * MS), 'OK', 'the first look knows no other');
  let aheadMs = 7_000;
  for (let ms = 10; ms < 100_000; ms += 10) {
    aheadMs += 0.5;
    t.equal(watch.checkWall(ms * MS, (ms + aheadMs) * MS), 'OK');
  }
  t.equal(watch.checkWall(100_000 * MS, (100_000 + aheadMs + 1_001) * MS), 'CLOCK_JUMP');
  t.equal(watch.checkWall(100_010 * MS, (100_010 + aheadMs + 1_001) * MS), 'OK');
  t.equal(watch.checkWall(100_020 * MS, (100_020 + aheadMs - 5) * MS), 'CLOCK_JUMP');
  t.equal(watch.detail, 'the wall clock was set by -1006 ms');
});
