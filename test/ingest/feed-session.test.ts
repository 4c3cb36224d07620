/** feed-session: every step of the state machine on virtual time; which waits, which alarms, one socket at a time. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  nextState,
  SessionEvent,
  SessionState,
  sessionStateName,
  TRANSITIONS,
} from '#src/ingest/feed-session.js';
import { BreakerState } from '#src/ingest/circuit-breaker.js';
import { MS, sessionRig, steps } from './session-rig.js';

const { Disconnected, Connecting, Connected, Reconnecting, Failed } = SessionState;
const SEC = 1_000 * MS;

t.test(
  'every pair of state and event is decided: by a row of the table, or impossible',
  async (t) => {
    const seen = new Set<string>();
    for (const [from, on] of TRANSITIONS) {
      const pair = `${from}/${on}`;
      t.notOk(seen.has(pair), `decided once: ${pair}`);
      seen.add(pair);
    }
    for (const state of Object.values(SessionState)) {
      for (const event of Object.values(SessionEvent)) {
        t.equal(nextState(state, event) !== -1, seen.has(`${state}/${event}`));
      }
    }
    const reached = new Set(TRANSITIONS.map(([, , to]) => to));
    t.equal(reached.size, Object.keys(SessionState).length, 'every state can be reached');
    const left = new Set(TRANSITIONS.map(([from]) => from));
    t.equal(left.size, Object.keys(SessionState).length, 'and left');
  },
);

t.test('the drawings in the header and in docs/feeds.md name every state', async (t) => {
  const pages = ['src/ingest/feed-session.ts', 'docs/feeds.md'].map((path) =>
    readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
  );
  for (const page of pages) {
    for (const name of Object.keys(SessionState)) t.match(page, name.toUpperCase());
  }
});

t.test('start dials, the open socket subscribes, stop says goodbye', async (t) => {
  const { session, take } = sessionRig();
  t.ok(session.isAtRest);
  t.ok(session.start(0));
  t.equal(session.state, Connecting);
  t.same(take(), ['dial']);
  session.onOpen(10 * MS);
  t.equal(session.state, Connected);
  t.same(take(), ['subscribe']);
  session.stop(20 * MS);
  t.equal(session.state, Disconnected);
  t.same(take(), ['lost FEED_DISCONNECTED', 'hang up']);
  t.notOk(session.isAtRest, 'the socket has not told its end yet');
  session.onClose('OK', 21 * MS);
  t.ok(session.isAtRest);
  t.same(take(), []);
});

t.test('each step is told with its reason and how long the state before it lasted', async (t) => {
  const { session, changes } = sessionRig();
  session.start(5 * MS);
  session.onOpen(15 * MS);
  session.onSilent(65 * MS);
  t.same(steps(changes), [
    'Disconnected>Connecting OK',
    'Connecting>Connected OK',
    'Connected>Reconnecting FEED_SILENT',
  ]);
  t.same(
    changes.map(({ durationNs }) => durationNs / MS),
    [5, 10, 50],
  );
  t.equal(changes[2]?.waitNs, 100 * MS, 'and how long until the next dial');
});

t.test('after the fast waits the alert, then the circuit breaker for ever', async (t) => {
  const rig = sessionRig();
  rig.session.start(0);
  rig.session.onClose('DIAL_REFUSED', 0);
  rig.runTo(400 * SEC);
  const waitsMs = rig.dialsNs.slice(1).map((ns, i) => (ns - (rig.dialsNs[i] ?? 0)) / MS);
  t.same(waitsMs.slice(0, 8), [100, 200, 400, 800, 10_000, 20_000, 40_000, 80_000]);
  t.ok(waitsMs.slice(8).every((ms) => ms === 80_000));
  t.equal(rig.session.state, Reconnecting, 'it never gives up');
  const told = rig.take();
  t.equal(told.filter((one) => one.startsWith('alert')).length, 1, 'one alert per outage');
  t.same(told.filter((one) => /^(alert|circuit)/.test(one)).slice(0, 4), [
    'circuit Open',
    'alert after 5',
    'circuit HalfOpen',
    'circuit Open',
  ]);
  t.ok(rig.refusals.includes('FEED_CIRCUIT_OPEN'), 'the next fast try was refused by the circuit');
});

t.test('nothing is dialled a nanosecond early', async (t) => {
  const { session } = sessionRig();
  session.start(0);
  session.onClose('OK', 0);
  t.equal(session.nextTurnNs, 100 * MS, 'and the session says when it wants its turn');
  t.equal(session.doWork(100 * MS - 1), 0);
  t.equal(session.doWork(100 * MS), 1);
  t.equal(session.nextTurnNs, Infinity);
});

t.test('the waits start anew when a connection has held, not after its first book', async (t) => {
  const { session, take } = sessionRig();
  session.start(0);
  session.onClose('OK', 0);
  session.doWork(100 * MS);
  session.onOpen(100 * MS);
  session.setGood(true, 101 * MS);
  session.setGood(true, 1_100 * MS);
  session.onBroken('VENUE_SEQ_GAP', 1_100 * MS);
  t.equal(session.failureCount, 2, 'good for 999 ms is not held');
  session.onClose('OK', 1_100 * MS);
  t.equal(session.doWork(1_299 * MS), 0, 'so the second wait is 200 ms');
  t.equal(session.doWork(1_300 * MS), 1);
  session.onOpen(1_300 * MS);
  session.setGood(true, 1_301 * MS);
  session.setGood(false, 1_800 * MS);
  session.setGood(true, 1_900 * MS);
  session.setGood(true, 2_899 * MS);
  t.equal(session.failureCount, 2, 'it must hold in one piece');
  session.setGood(true, 2_900 * MS);
  t.equal(session.failureCount, 0);
  t.ok(take().includes('held'));
  session.onClose('OK', 3_000 * MS);
  t.equal(session.doWork(3_100 * MS), 1, '100 ms again');
});

t.test('how long the market was away is told when it held again', async (t) => {
  const { session, heldNs } = sessionRig();
  session.start(0);
  session.onOpen(0);
  session.setGood(true, 0);
  session.setGood(true, 1_000 * MS);
  t.same(heldNs, [], 'the first connection was never away');
  session.onClose('OK', 2_000 * MS);
  session.doWork(2_100 * MS);
  session.onOpen(2_110 * MS);
  session.setGood(true, 2_200 * MS);
  session.setGood(true, 3_200 * MS);
  t.same(heldNs, [1_200 * MS]);
});

t.test('a storm of gaps is not dialled every 100 ms', async (t) => {
  const rig = sessionRig();
  rig.isDown = false;
  rig.session.start(0);
  // Each connection opens, brings its books, and breaks them 50 ms later.
  for (let nowNs = 0; nowNs < 60 * SEC; nowNs += MS) {
    rig.nowNs = nowNs;
    rig.session.doWork(nowNs);
    if (rig.session.state === Connecting) rig.session.onOpen(nowNs);
    rig.session.setGood(true, nowNs);
    const sinceNs = nowNs - (rig.dialsNs.at(-1) ?? 0);
    if (rig.session.state === Connected && sinceNs >= 50 * MS) {
      rig.session.onBroken('VENUE_SEQ_GAP', nowNs);
      rig.session.onClose('OK', nowNs);
    }
  }
  t.ok(rig.dialsNs.length <= 8, `${rig.dialsNs.length} dials in a minute`);
  t.ok(rig.take().includes('alert after 5'));
});

t.test('half-open, one connection must hold three times before the circuit closes', async (t) => {
  const rig = sessionRig();
  const { session } = rig;
  session.start(0);
  session.onClose('DIAL_REFUSED', 0);
  rig.runTo(11_499 * MS);
  t.equal(session.breakerState, BreakerState.Open);
  rig.isDown = false;
  rig.runTo(11_500 * MS);
  t.equal(session.breakerState, BreakerState.HalfOpen);
  session.onOpen(11_500 * MS);
  session.setGood(true, 11_500 * MS);
  session.setGood(true, 12_500 * MS);
  session.setGood(true, 12_600 * MS);
  session.setGood(true, 13_500 * MS);
  session.setGood(true, 14_499 * MS);
  t.equal(session.breakerState, BreakerState.HalfOpen, 'each time for a second');
  session.setGood(true, 14_500 * MS);
  t.equal(session.breakerState, BreakerState.Closed);
  t.same(
    rig.transitions.map(({ cause }) => cause),
    ['failures', 'wait over', 'held'],
  );
});

t.test('half-open, one failure opens it for twice as long', async (t) => {
  const rig = sessionRig();
  const { session } = rig;
  session.start(0);
  session.onClose('DIAL_REFUSED', 0);
  rig.runTo(11_499 * MS);
  rig.isDown = false;
  rig.runTo(11_500 * MS);
  session.onOpen(11_500 * MS);
  session.setGood(true, 11_500 * MS);
  session.setGood(true, 13_500 * MS);
  session.onSilent(14_000 * MS);
  session.onClose('OK', 14_000 * MS);
  t.equal(session.breakerState, BreakerState.Open);
  rig.nowNs = 14_000 * MS;
  rig.runTo(33_999 * MS);
  t.equal(session.state, Reconnecting);
  rig.runTo(34_000 * MS);
  t.equal(session.state, Connecting);
});

t.test('a dial that is too late is given up, and its late opening changes nothing', async (t) => {
  const { session, take } = sessionRig();
  session.start(0);
  t.equal(session.doWork(999 * MS), 0);
  t.equal(session.doWork(1_000 * MS), 1);
  t.same(take(), ['dial', 'lost DIAL_TIMEOUT', 'cut']);
  session.onOpen(1_001 * MS);
  t.equal(session.state, Reconnecting);
  t.equal(session.doWork(2_000 * MS), 0, 'the old socket is still there');
  session.onClose('OK', 2_001 * MS);
  t.equal(session.doWork(2_001 * MS), 1);
  t.same(take(), ['dial']);
});

t.test('why a dial failed or a socket ended is the reason of the step', async (t) => {
  for (const code of ['DIAL_DNS', 'DIAL_REJECTED', 'FRAME_TOO_LARGE'] as const) {
    const { session, take } = sessionRig();
    session.start(0);
    if (code === 'FRAME_TOO_LARGE') session.onOpen(0);
    session.onClose(code, 1);
    t.ok(take().includes(`lost ${code}`));
  }
});

t.test('a broken book ends the connection; the others lose only the connection', async (t) => {
  const { session, take } = sessionRig();
  session.start(0);
  session.onBroken('VENUE_SEQ_GAP', 1);
  t.equal(session.state, Connecting, 'before the opening there is nothing to break');
  session.onOpen(0);
  take();
  session.onBroken('VENUE_SEQ_GAP', 1);
  t.same(take(), ['lost FEED_DISCONNECTED', 'cut']);
  session.onBroken('VENUE_SEQ_GAP', 2);
  t.same(take(), [], 'told once');
});

t.test('however many ask, one socket at a time', async (t) => {
  const { session, take, refusals } = sessionRig();
  t.ok(session.start(0));
  t.notOk(session.start(0));
  session.onOpen(1);
  t.notOk(session.start(1));
  t.notOk(session.reconnect(1));
  session.stop(2);
  t.notOk(session.start(2), 'the old socket is not gone yet');
  session.onClose('OK', 3);
  t.ok(session.start(3));
  t.equal(take().filter((what) => what === 'dial').length, 2);
  t.same(refusals, ['FEED_BUSY', 'FEED_BUSY', 'FEED_BUSY', 'FEED_BUSY'], 'each is counted');
});

t.test('a person need not wait: neither for the backoff nor for the circuit', async (t) => {
  const rig = sessionRig();
  const { session } = rig;
  session.start(0);
  session.onClose('DIAL_REFUSED', 0);
  t.ok(session.reconnect(1 * MS));
  t.equal(session.state, Connecting);
  session.onClose('DIAL_REFUSED', 1 * MS);
  rig.nowNs = 1 * MS;
  rig.runTo(5 * SEC);
  t.equal(session.breakerState, BreakerState.Open);
  t.ok(session.reconnect(5 * SEC));
  t.equal(session.state, Connecting);
  t.equal(session.breakerState, BreakerState.HalfOpen, 'it is the probe');
  session.onClose('DIAL_REFUSED', 5 * SEC);
  t.equal(session.breakerState, BreakerState.Open, 'and may fail');
});

t.test('with retriesMax the session fails for good, and a person may try again', async (t) => {
  const { session, take, changes } = sessionRig({ retriesMax: 2 });
  session.start(0);
  session.onClose('OK', 0);
  session.doWork(100 * MS);
  session.onClose('OK', 100 * MS);
  session.doWork(300 * MS);
  session.onClose('OK', 300 * MS);
  t.equal(session.state, Failed);
  t.equal(changes.at(-1)?.reason, 'FEED_SPENT');
  t.ok(session.isAtRest);
  take();
  t.equal(session.doWork(1e15), 0);
  t.same(take(), [], 'no more dials');
  t.ok(session.reconnect(1e15));
  t.equal(session.state, Connecting);
  t.equal(session.failureCount, 0, 'from the start');
  session.stop(1e15);
  t.same(take(), ['dial', 'cut']);
});

t.test('a stop in the middle of a probe does not block the next start', async (t) => {
  const rig = sessionRig();
  const { session } = rig;
  session.start(0);
  session.onClose('DIAL_REFUSED', 0);
  rig.runTo(2 * SEC);
  session.reconnect(2 * SEC);
  session.stop(2 * SEC);
  session.onClose('OK', 2 * SEC);
  t.ok(session.start(3 * SEC));
  session.onClose('DIAL_REFUSED', 3 * SEC);
  t.equal(session.doWork(3_100 * MS), 1, 'dialled after the first wait');
  t.equal(sessionStateName(session.state), 'Connecting');
});
