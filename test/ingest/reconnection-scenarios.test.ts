/**
 * The 7 reconnection scenarios of the system that tickwire replaces. Waits are looked at on virtual time over the pure
 * session; that the same happens to real sockets, with short waits, stands beside it.
 */
import t from 'tap';
import { BreakerState } from '#src/ingest/circuit-breaker.js';
import { SessionState } from '#src/ingest/feed-session.js';
import { FeedWords } from '#src/runtime/feed-words.js';
import { speakCoinbase } from './coinbase-voice.js';
import { ingestRig } from './ingest-rig.js';
import type { IngestRig } from './ingest-rig.js';
import { MisbehavingServer } from './misbehaving-server.js';
import { MS, sessionRig, steps } from './session-rig.js';

const SEC = 1_000 * MS;

function waitsOf(dialsNs: readonly number[]): number[] {
  return dialsNs.slice(1).map((ns, index) => (ns - (dialsNs[index] as number)) / MS);
}

/** The waits that were announced, ms. */
function announced(rig: IngestRig): number[] {
  return rig
    .told('state')
    .map(({ detail }) => /next dial in (\d+) ms/.exec(detail)?.[1])
    .filter((ms) => ms !== undefined)
    .map(Number);
}

// test_exponential_backoff_on_disconnect
t.test('a lost connection is dialled again after 100, 200, 400 and 800 ms', async (t) => {
  const rig = sessionRig();
  rig.isDown = false;
  rig.session.start(0);
  rig.session.onOpen(0);
  rig.session.setGood(true, 0);
  rig.session.setGood(true, 1 * SEC);
  rig.nowNs = 1 * SEC;
  rig.isDown = true;
  rig.session.onClose('OK', 1 * SEC);
  rig.runTo(1 * SEC + 1_499 * MS);
  t.equal(rig.dialsNs.length, 4);
  rig.isDown = false;
  rig.runTo(2_500 * MS);
  t.same(waitsOf([1 * SEC, ...rig.dialsNs.slice(1)]), [100, 200, 400, 800], 'four tries');
  rig.session.onOpen(2_510 * MS);
  rig.session.setGood(true, 2_520 * MS);
  rig.session.setGood(true, 3_520 * MS);
  t.ok((rig.heldNs[0] ?? 0) > 1.4 * SEC, 'how long it was away was measured');
});

t.test('real sockets: the waits double, and the venue is fresh when it is back', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  await server.down();
  await e.until('four failed dials', () => e.rejects('DIAL_REFUSED') >= 4);
  t.same(announced(e).slice(0, 4), [20, 40, 80, 160]);
  await server.up();
  await e.until('fresh', () => e.isFresh());
  await e.until('held', () => e.counter('feedBackoffResets') === 1);
  t.ok(e.counter('feedDownMs') > 0);
  t.match(e.told('held'), [{ reason: 'OK', durationMs: Number }]);
});

// test_max_retries_enforcement
t.test('with a limit of three retries there are exactly three, then it has failed', async (t) => {
  const rig = sessionRig({ retriesMax: 3 });
  rig.session.start(0);
  rig.session.onClose('DIAL_REFUSED', 0);
  rig.runTo(10 * SEC);
  t.equal(rig.session.state, SessionState.Failed);
  t.equal(rig.dialsNs.length, 1 + 3);
  t.match(steps(rig.changes).at(-1), 'Reconnecting>Failed FEED_SPENT');
  t.same(
    rig.dialsNs.filter((ns) => ns > 1 * SEC),
    [],
    'nothing more is tried',
  );
});

t.test(
  'real sockets: a failed feed rests until a person asks by the words of its venue',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    speakCoinbase(server);
    await server.down();
    const feedWords = new FeedWords(new SharedArrayBuffer(FeedWords.bytes(1)));
    const e = ingestRig(t, {
      url: server.url,
      config: { retriesMax: 3 },
      more: { feedWords, feedVenues: ['coinbase'] },
    });
    await e.until('failed', () => e.connection.session.state === SessionState.Failed);
    t.equal(e.counter('feedDials'), 1 + 3);
    t.ok(e.connection.isAtRest);
    t.equal(feedWords.status(0).state, SessionState.Failed, 'and everybody can see it');
    await server.up();
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(server.handshakeCount, 0, 'it rests');
    const wish = feedWords.ask(0);
    await e.until('fresh', () => e.isFresh());
    t.ok(feedWords.isAnswered(0, wish));
    t.equal(feedWords.refusedCount(0), 0);
    t.match(feedWords.status(0), { state: SessionState.Connected, dialCount: 5 });
    feedWords.ask(0);
    await e.until('refused', () => feedWords.refusedCount(0) === 1);
    t.equal(server.guests.length, 1, 'a second wish finds a connection there');
  },
);

// test_backoff_reset_on_success
t.test('a second outage starts again with the first wait', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  for (const outage of [1, 2]) {
    await server.down();
    await e.until('three failures', () => e.rejects('DIAL_REFUSED') >= 3 * outage);
    await server.up();
    await e.until('held', () => e.counter('feedBackoffResets') === outage);
    t.ok(e.isFresh());
  }
  const waits = announced(e);
  t.equal(waits.filter((ms) => ms === 20).length, 2, 'once per outage');
  t.equal(waits[waits.lastIndexOf(20) + 1], 40);
});

// test_concurrent_reconnection_attempts
t.test('three who ask and the session itself make exactly one connection', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { backoffMs: [60_000] } });
  await e.until('fresh', () => e.isFresh());
  server.cutAll();
  await e.until('lost', () => e.connection.session.state === SessionState.Reconnecting);
  const made = [0, 1, 2].map(() => e.agent.reconnect('coinbase', e.clock.nowNs()));
  t.same(made, [1, 0, 0], 'the first one, without the rest of the wait');
  await e.until('fresh', () => e.isFresh());
  t.equal(e.counter('feedBusy'), 2);
  t.equal(server.handshakeCount, 2);
  t.equal(e.connection.connectionId, 'coinbase-0-2');
  for (let turn = 0; turn < 20; turn++) e.agent.doWork(e.clock.nowNs());
  t.equal(server.openGuests.length, 1);
});

// test_connection_state_preservation
// Messages that waited are not sent again: they were meant for another connection. What is kept are the subscriptions, the
// books come by new snapshots, and the count of connections goes on.
t.test('a new connection has the same subscriptions, and nothing of the old one', async (t) => {
  const server = await MisbehavingServer.start(t);
  const starved = new Set<string>();
  const voices = speakCoinbase(server, starved);
  const e = ingestRig(t, { url: server.url, config: { sendsPerSecondMax: 3 } });
  // Two texts a second: the rest of the four subscriptions waits when the line is cut.
  await e.until('half of it', () => server.guests[0]?.texts.length === 2);
  voices.length = 0;
  server.cutAll();
  await e.until('fresh', () => server.guests.length >= 2 && e.isFresh());
  const { texts } = server.guests.at(-1) ?? { texts: [] };
  await e.until('all subscriptions', () => texts.length === 4);
  t.same(
    texts.map((text) => JSON.parse(text) as unknown),
    ['level2', 'market_trades', 'ticker', 'heartbeats'].map((channel) => ({
      ...{ type: 'subscribe', product_ids: ['BTC-USD', 'ETH-USD'], channel },
    })),
  );
  t.equal(e.counter('feedTextsDropped'), 0);
  t.equal(e.counter('feedConnects'), server.guests.length);
  t.equal(e.connection.connectionId, `coinbase-0-${e.counter('feedDials')}`);
});

// test_reconnection_failure_modes
// "Quality of a degraded feed" means here: which markets are fresh, which are not, since when and why. A number would lie.
t.test('refusals, partitions and half-working venues are ridden out', async (t) => {
  const server = await MisbehavingServer.start(t);
  const starved = new Set<string>();
  const voices = speakCoinbase(server, starved);
  const e = ingestRig(t, { url: server.url, config: { ackTimeoutMs: 100, renewMs: [50] } });
  await e.until('fresh', () => e.isFresh());
  // Intermittent: each second try is refused, aborted, closed, cut.
  server.next.push(
    { kind: 'reject', status: 500 },
    { kind: 'abort' },
    { kind: 'close', code: 1013 },
    { kind: 'cut' },
  );
  server.cutAll();
  await e.until('fresh after trouble', () => server.guests.length === 2 && e.isFresh());
  t.ok(e.rejects('DIAL_REJECTED') >= 1 && e.rejects('DIAL_HANDSHAKE') >= 1);
  // Partition: nobody answers any more.
  await server.down();
  await e.until('three tries', () => e.rejects('DIAL_REFUSED') >= 3);
  // Back, but half of it: one market is starved, the other one is good.
  starved.add('level2 ETH-USD');
  await server.up();
  await e.until('one market', () => e.isFresh(0) && !e.isFresh(1));
  await e.until('why', () => e.staleReason(1) !== 'BOOK_MISSING');
  t.ok(e.board(1).staleSinceNs > 0);
  const beat = setInterval(() => voices.at(-1)?.heartbeat(), 10);
  t.teardown(() => clearInterval(beat));
  starved.clear();
  await e.until('all of it', () => e.isFresh());
});

// test_adaptive_backoff_strategy
// The patterns have no names here; they are states: fast tries (rapid), an open circuit (persistent), half-open (recovery).
t.test('waits grow with trouble, are kept while it may come back, and end with it', async (t) => {
  const rig = sessionRig();
  const { session } = rig;
  session.start(0);
  session.onClose('DIAL_REFUSED', 0);
  rig.runTo(100 * SEC);
  const waits = waitsOf(rig.dialsNs);
  const growth = waits.slice(1).map((ms, index) => ms / (waits[index] as number));
  t.ok(
    growth.every((factor) => factor >= 1.8),
    `rapid failures: ${waits.join(', ')} ms`,
  );
  t.ok(Math.max(...waits) >= 8_000, 'persistent failure');
  // It comes up for a moment: no success, the circuit goes on from where it was.
  rig.isDown = false;
  rig.runTo(151_500 * MS);
  t.equal(session.breakerState, BreakerState.HalfOpen);
  session.onOpen(151_500 * MS);
  session.setGood(true, 151_500 * MS);
  session.setGood(true, 152_000 * MS);
  session.onClose('OK', 152_000 * MS);
  t.equal(session.breakerState, BreakerState.Open);
  t.equal(session.breakerStats(152_000 * MS).waitNs, 80 * SEC);
  // It comes back for good.
  rig.nowNs = 152_000 * MS;
  rig.runTo(232_000 * MS);
  session.onOpen(232_000 * MS);
  for (let sec = 232; sec <= 235; sec++) session.setGood(true, sec * SEC);
  t.equal(session.breakerState, BreakerState.Closed);
  t.equal(session.failureCount, 0);
  session.onClose('OK', 240 * SEC);
  t.equal(session.nextTurnNs, 240 * SEC + 100 * MS, 'as if nothing had been');
});
