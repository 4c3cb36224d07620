import t from 'tap';
import {
  FeedSession,
  nextState,
  SessionEvent,
  SessionState,
  TRANSITIONS,
} from '#src/ingest/feed-session.js';
import type { FeedSessionHost, FeedSessionTimes } from '#src/ingest/feed-session.js';
import { readFileSync } from 'node:fs';

const MS = 1_000_000;
const TIMES: FeedSessionTimes = {
  openTimeoutMs: 1_000,
  idleTimeoutMs: 5_000,
  backoffMs: [100, 200, 400, 800],
};
const { Disconnected, Connecting, Connected, Reconnecting, Failed } = SessionState;

interface Rig {
  readonly session: FeedSession;
  /** What the host was told, in order. */
  readonly told: string[];
  readonly take: () => string[];
}

function rig(times: FeedSessionTimes = TIMES): Rig {
  const told: string[] = [];
  const host: FeedSessionHost = {
    dial: () => told.push('dial'),
    subscribe: () => told.push('subscribe'),
    hangUp: (isForced) => told.push(isForced ? 'cut' : 'hang up'),
    lost: (reason) => told.push(`lost ${reason}`),
    changed: () => undefined,
  };
  return { session: new FeedSession(times, host), told, take: () => told.splice(0) };
}

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

t.test('the drawing in the header names every state', async (t) => {
  const source = readFileSync(
    new URL('../../../src/ingest/feed-session.ts', import.meta.url),
    'utf8',
  );
  const header = source.slice(0, source.indexOf('*/'));
  for (const name of Object.keys(SessionState)) t.match(header, name.toUpperCase());
});

t.test('start dials, the open socket subscribes, stop says goodbye', async (t) => {
  const { session, take } = rig();
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
  session.onClose(21 * MS);
  t.ok(session.isAtRest);
  t.same(take(), []);
});

t.test('failed dials wait 100, 200, 400, 800, 800 ms and so on', async (t) => {
  const { session, take } = rig();
  session.start(0);
  let nowNs = 0;
  for (const waitMs of [100, 200, 400, 800, 800, 800]) {
    session.onClose(nowNs);
    t.equal(session.state, Reconnecting);
    t.same(take(), ['dial', 'lost FEED_DISCONNECTED']);
    t.equal(session.doWork(nowNs + waitMs * MS - 1), 0, 'not a nanosecond early');
    nowNs += waitMs * MS;
    t.equal(session.doWork(nowNs), 1);
    t.equal(session.state, Connecting);
  }
});

t.test('the backoff starts anew after data, not after a mere open', async (t) => {
  const { session } = rig();
  session.start(0);
  session.onClose(0);
  session.doWork(100 * MS);
  session.onOpen(100 * MS);
  session.onClose(100 * MS);
  t.equal(session.doWork(299 * MS), 0, 'an open alone is no success: 200 ms');
  t.equal(session.doWork(300 * MS), 1);
  session.onOpen(300 * MS);
  session.onData(301 * MS);
  t.equal(session.failureCount, 0);
  session.onClose(301 * MS);
  t.equal(session.doWork(401 * MS), 1, 'after data: 100 ms again');
});

t.test('a dial that is too late is given up, and its late opening changes nothing', async (t) => {
  const { session, take } = rig();
  session.start(0);
  t.equal(session.doWork(999 * MS), 0);
  t.equal(session.doWork(1_000 * MS), 1);
  t.same(take(), ['dial', 'lost FEED_DISCONNECTED', 'cut']);
  session.onOpen(1_001 * MS);
  t.equal(session.state, Reconnecting);
  t.equal(session.doWork(2_000 * MS), 0, 'the old socket is still there');
  session.onClose(2_001 * MS);
  t.equal(session.doWork(2_001 * MS), 1);
  t.same(take(), ['dial']);
});

t.test('silence is found, counted from the last data and from the opening', async (t) => {
  const { session, take } = rig();
  session.start(0);
  session.onOpen(0);
  session.onData(3_000 * MS);
  t.equal(session.doWork(7_999 * MS), 0);
  t.equal(session.doWork(8_000 * MS), 1);
  t.equal(session.state, Reconnecting);
  t.same(take(), ['dial', 'subscribe', 'lost FEED_SILENT', 'cut']);
  const other = rig();
  other.session.start(0);
  other.session.onOpen(0);
  t.equal(other.session.doWork(5_000 * MS), 1, 'connected is not streaming');
});

t.test('a broken book ends the connection; the others lose only the connection', async (t) => {
  const { session, take } = rig();
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
  const { session, take } = rig();
  t.ok(session.start(0));
  t.notOk(session.start(0));
  session.onOpen(1);
  t.notOk(session.start(1));
  session.stop(2);
  t.notOk(session.start(2), 'the old socket is not gone yet');
  session.onClose(3);
  t.ok(session.start(3));
  t.equal(take().filter((what) => what === 'dial').length, 2);
});

t.test('with retriesMax the session fails for good, and a person may try again', async (t) => {
  const { session, take } = rig({ ...TIMES, retriesMax: 2 });
  session.start(0);
  session.onClose(0);
  session.doWork(100 * MS);
  session.onClose(100 * MS);
  session.doWork(300 * MS);
  session.onClose(300 * MS);
  t.equal(session.state, Failed);
  t.ok(session.isAtRest);
  take();
  t.equal(session.doWork(1e15), 0);
  t.same(take(), [], 'no more dials');
  t.ok(session.start(1e15));
  t.equal(session.state, Connecting);
  session.stop(1e15);
  t.same(take(), ['dial', 'cut']);
});
