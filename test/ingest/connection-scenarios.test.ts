/**
 * The 15 connection scenarios of the system that tickwire replaces, against real sockets and a server that misbehaves on
 * command. The original name of each stands above it; where we do otherwise on purpose, the comment says what it means here.
 */
import t from 'tap';
import type { Instrument } from '#src/domain/instrument.js';
import { SessionState, sessionStateName } from '#src/ingest/feed-session.js';
import { instrumentNamed } from '../venues/feed-rig.js';
import { CoinbaseVoice, speakCoinbase } from './coinbase-voice.js';
import { ingestRig, until } from './ingest-rig.js';
import type { IngestRig } from './ingest-rig.js';
import { fragments, MisbehavingServer } from './misbehaving-server.js';
import type { Guest } from './misbehaving-server.js';

const MB = 1024 * 1024;

/** So many instruments; 16 of them go on one connection. */
function instruments(count: number): readonly Instrument[] {
  return Array.from({ length: count }, (_, index) => instrumentNamed(`A${index}-USD`, index, 2, 8));
}

function states(rig: IngestRig): string[] {
  return rig.told('state').map(({ from, to, reason }) => `${from}>${to} ${reason}`);
}

/** A heartbeat message of exactly so many bytes. */
function heartbeatOf(voice: CoinbaseVoice, bytes: number): string {
  const empty = voice.text('heartbeats', [{ pad: '' }]);
  return empty.replace('"pad":""', `"pad":"${'x'.repeat(bytes - empty.length)}"`);
}

// test_basic_websocket_connection
t.test('a connection opens, is heard, and has an id', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  t.equal(e.connection.session.state, SessionState.Connected);
  t.equal(e.connection.connectionId, 'coinbase-0-1');
  const heardNs = e.connection.heardNs;
  t.ok(heardNs > 0);
  voices[0]?.heartbeat();
  await e.until('the heartbeat', () => e.connection.heardNs > heardNs);
  t.equal(e.counter('feedConnects'), 1);
  t.equal(server.guests.length, 1);
});

// test_multiple_concurrent_connections
t.test('more instruments than a connection takes get connections of their own', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, instruments: instruments(40) });
  await e.until('fresh', () => e.isFresh());
  const connections = e.agent.connectionsOf('coinbase');
  t.equal(connections.length, 3);
  t.equal(new Set(connections.map(({ connectionId }) => connectionId)).size, 3);
  t.equal(server.openGuests.length, 3);
  t.same(
    server.guests.map(
      ({ texts }) => (JSON.parse(texts[0] ?? '') as { product_ids: [] }).product_ids.length,
    ),
    [16, 16, 8],
  );
});

// test_concurrent_message_reading
t.test('messages are read in the order they came, and time does not go back', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  for (const id of [1, 2, 3]) voices[0]?.trade('BTC-USD', id, '100.5', '1');
  await e.until('three trades', () => e.trades.length === 3);
  t.same(
    e.trades.map(({ id }) => id),
    [1, 2, 3],
  );
  const times = e.ticks.map(({ recvNs }) => recvNs);
  t.ok(times.every((ns, index) => ns >= (times[index - 1] ?? 0)));
});

// test_websocket_auth_validation
// Public feeds carry no credentials here: there is nothing to leak. What stays is that a venue which wants some is
// understood.
t.test('no credentials are sent, and a venue that refuses us is told by its status', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  server.next.push(
    { kind: 'reject', status: 401 },
    { kind: 'reject', status: 403 },
    { kind: 'reject', status: 429, headers: 'retry-after: 1\r\n' },
  );
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  t.equal(e.rejects('DIAL_REJECTED'), 3);
  const details = e.told('state').map(({ detail }) => detail);
  t.match(details.join('\n'), /HTTP 401[^]*HTTP 403[^]*HTTP 429, retry after 1 s/);
  const headers = server.guests[0]?.headers ?? {};
  t.notOk('authorization' in headers || 'cookie' in headers);
});

// test_invalid_message_handling
t.test(
  'malformed frames are counted, the next good one is read, the connection stays',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const voices = speakCoinbase(server);
    const e = ingestRig(t, { url: server.url });
    await e.until('fresh', () => e.isFresh());
    for (const bad of ['{"channel":', 'not json', '[]', '']) server.say(bad);
    voices[0]?.trade('BTC-USD', 1, '100.5', '1');
    await e.until('the trade', () => e.trades.length === 1);
    t.equal(e.rejects('FRAME_MALFORMED'), 4);
    t.equal(server.guests.length, 1);
    t.ok(e.isFresh());
  },
);

// test_connection_timeout_handling
t.test('a server that never answers the handshake is given up, without hanging', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  server.next.push({ kind: 'hang' });
  const e = ingestRig(t, { url: server.url, config: { openTimeoutMs: 100 } });
  await e.until('fresh', () => e.isFresh());
  t.ok(states(e).includes('Connecting>Reconnecting DIAL_TIMEOUT'));
  t.ok(e.rejects('DIAL_TIMEOUT') <= 1, 'one dial, one timeout');
  t.equal(e.counter('feedDials'), 2);
  await server.down();
  await e.until('refused', () => e.rejects('DIAL_REFUSED') > 0);
});

// test_graceful_disconnect
t.test('a graceful end is a farewell that is answered', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  e.agent.disconnect('coinbase', e.clock.nowNs());
  t.equal(e.staleReason(0), 'FEED_DISCONNECTED', 'at once, not when the farewell is over');
  await e.until('at rest', () => e.connection.isAtRest);
  t.match(e.told('closed'), [{ reason: 'OK', detail: /close code 1000.*by us$/ }]);
  t.same([e.counter('feedClosesGraceful'), e.counter('feedClosesForced')], [1, 0]);
});

// test_forced_disconnect
t.test('a forced end is a cut', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  e.agent.disconnect('coinbase', e.clock.nowNs(), true);
  await e.until('at rest', () => e.connection.isAtRest);
  t.match(e.told('closed'), [{ reason: 'FEED_DISCONNECTED', detail: /by us, by force$/ }]);
  t.same([e.counter('feedClosesGraceful'), e.counter('feedClosesForced')], [0, 1]);
});

t.test('what a dying socket still delivers is not the market', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  // The server does not read our farewell yet, and goes on talking.
  server.guests[0]?.socket.pause();
  e.agent.disconnect('coinbase', e.clock.nowNs());
  voices[0]?.trade('BTC-USD', 1, '100.5', '1');
  voices[0]?.snapshot('BTC-USD');
  server.guests[0]?.socket.resume();
  await e.until('at rest', () => e.connection.isAtRest);
  t.equal(e.counter('feedClosesGraceful'), 1, 'all of it came');
  t.same(e.trades, []);
  t.equal(e.staleReason(0), 'FEED_DISCONNECTED');
});

t.test('a farewell that is not answered ends as a cut after its grace', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { closeGraceMs: 50 } });
  await e.until('fresh', () => e.isFresh());
  server.guests[0]?.socket.pause();
  e.agent.disconnect('coinbase', e.clock.nowNs());
  await e.until('at rest', () => e.connection.isAtRest);
  t.same([e.counter('feedClosesGraceful'), e.counter('feedClosesForced')], [0, 1]);
});

// test_connection_state_transitions
t.test('every step of a connection is told with its reason and the time before it', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  e.agent.disconnect('coinbase', e.clock.nowNs());
  await e.until('at rest', () => e.connection.isAtRest);
  t.same(states(e), [
    'Disconnected>Connecting OK',
    'Connecting>Connected OK',
    'Connected>Disconnected FEED_DISCONNECTED',
  ]);
  t.ok(e.told('state').every(({ durationMs }) => durationMs >= 0));
  t.ok((e.told('state')[1]?.durationMs ?? 0) > 0, 'how long the dial took');
});

// test_double_connection_prevention
t.test('however many ask, there is one connection, and it stays the same', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  const nowNs = e.clock.nowNs();
  t.equal(e.agent.reconnect('coinbase', nowNs), 0, 'one is on its way');
  await e.until('fresh', () => e.isFresh());
  for (let asked = 0; asked < 3; asked++) t.equal(e.agent.reconnect('coinbase', nowNs), 0);
  t.equal(e.counter('feedBusy'), 4);
  t.equal(e.connection.connectionId, 'coinbase-0-1');
  t.equal(server.handshakeCount, 1);
  e.agent.disconnect('coinbase', e.clock.nowNs());
  t.equal(e.agent.reconnect('coinbase', e.clock.nowNs()), 0, 'the old one is not gone yet');
  await e.until('at rest', () => e.connection.isAtRest);
  t.equal(e.agent.reconnect('coinbase', e.clock.nowNs()), 1);
  await e.until('fresh again', () => e.isFresh());
  t.equal(e.connection.connectionId, 'coinbase-0-2', 'a new socket has a new id');
  t.equal(server.openGuests.length, 1);
});

// test_connection_failure_handling
t.test('why a dial failed is a code of its own', async (t) => {
  const server = await MisbehavingServer.start(t);
  const gone = await MisbehavingServer.start(t);
  await gone.down();
  const cases = [
    ['DIAL_REJECTED', server.url, { kind: 'reject', status: 503 }],
    ['DIAL_HANDSHAKE', server.url, { kind: 'abort' }],
    ['DIAL_HANDSHAKE', server.url, { kind: 'nonsense' }],
    ['DIAL_URL', server.url.replace('ws:', 'gopher:'), { kind: 'accept' }],
    ['DIAL_URL', 'no address at all', { kind: 'accept' }],
    ['DIAL_DNS', 'ws://no-such-host.invalid/', { kind: 'accept' }],
    ['DIAL_REFUSED', gone.url, { kind: 'accept' }],
  ] as const;
  for (const [code, url, manners] of cases) {
    server.manners = manners;
    const e = ingestRig(t, { url });
    await e.until(`${code} twice`, () => e.rejects(code) >= 2);
    t.equal(e.staleReason(0), code, 'and the board says so');
    t.equal(e.counter('feedConnects'), 0);
    t.ok(e.counter('feedDialFailures') >= 2);
    e.agent.onStop(e.clock.nowNs());
  }
});

// test_frame_buffering
t.test('fragments become one message, whatever comes between them', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { frameBytesMax: 1_024 } });
  await e.until('fresh', () => e.isFresh());
  const { raw } = server.guests[0] as Guest;
  const framesBefore = e.counter('framesReceived');
  const parts = fragments(heartbeatOf(voices[0] as CoinbaseVoice, 500), [200, 200, 100]);
  for (const part of parts) {
    raw.write(part.subarray(0, 7));
    await new Promise((resolve) => setImmediate(resolve));
    raw.write(part.subarray(7));
    // A ping between two fragments.
    raw.write(Buffer.from([0x89, 0]));
  }
  for (let small = 0; small < 5; small++) voices[0]?.heartbeat();
  await e.until('six frames', () => e.counter('framesReceived') === framesBefore + 6);
  t.equal(e.counter('ticksRejected'), 0);
  t.equal(server.guests.length, 1);
  server.say('x'.repeat(2_048));
  await e.until('refused', () => e.rejects('FRAME_TOO_LARGE') === 1);
  await e.until('fresh again', () => server.guests.length === 2 && e.isFresh());
});

t.test('ten connections put their fragments together, each its own', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, {
    url: server.url,
    instruments: instruments(160),
    config: { sendsPerSecondMax: 1_000 },
  });
  await e.until('fresh', () => e.isFresh());
  t.equal(server.openGuests.length, 10);
  const framesBefore = e.counter('framesReceived');
  const messages = voices.map((voice) => fragments(heartbeatOf(voice, 500), [200, 200, 100]));
  for (let part = 0; part < 3; part++) {
    messages.forEach((parts, index) => server.guests[index]?.raw.write(parts[part]));
  }
  await e.until('ten frames', () => e.counter('framesReceived') === framesBefore + 10);
  t.equal(e.counter('ticksRejected'), 0);
});

// test_mixed_valid_invalid_messages
t.test('good and bad messages are told apart, and the bad ones by kind', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  const bad = [
    () => '{"channel":"market_trades","timestamp"',
    () => '',
    () => '{"type":"error","message":"rate limit"}',
    () => voices[0]?.text('fairy_tales', []) ?? '',
    () => Buffer.from([0xff, 0xfe, 0x00]),
  ];
  bad.forEach((make, index) => {
    server.say(make());
    voices[0]?.trade('BTC-USD', index + 1, '100.5', '1');
  });
  await e.until('five trades', () => e.trades.length === 5);
  t.equal(e.counter('ticksRejected'), 5);
  t.same(
    [e.rejects('FRAME_MALFORMED'), e.rejects('FRAME_VENUE_ERROR'), e.rejects('FRAME_UNKNOWN')],
    [3, 1, 1],
  );
  t.equal(server.guests.length, 1);
});

// test_large_message_handling
t.test(
  'messages of megabytes are read, their arrival can be watched, a larger one is refused',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const voices = speakCoinbase(server);
    const e = ingestRig(t, { url: server.url, config: { frameBytesMax: 10 * MB } });
    await e.until('fresh', () => e.isFresh());
    const voice = voices[0] as CoinbaseVoice;
    const { raw } = server.guests[0] as Guest;
    const before = { frames: e.counter('framesReceived'), bytes: e.connection.receivedBytes };
    const large = Buffer.from(heartbeatOf(voice, MB));
    const head = Buffer.alloc(10);
    head.writeUInt8(0x81, 0);
    head.writeUInt8(127, 1);
    head.writeBigUInt64BE(BigInt(MB), 2);
    raw.write(Buffer.concat([head, large.subarray(0, MB / 2)]));
    await e.until('half of it', () => e.connection.receivedBytes >= before.bytes + MB / 2);
    t.equal(e.counter('framesReceived'), before.frames, 'half a message is no message');
    raw.write(large.subarray(MB / 2));
    await e.until('all of it', () => e.counter('framesReceived') === before.frames + 1);
    t.equal(e.connection.receivedBytes, before.bytes + 10 + MB);
    server.say(heartbeatOf(voice, 5 * MB));
    for (let count = 0; count < 5; count++) server.say(heartbeatOf(voice, MB / 2));
    await e.until('5 MB and 5 × 512 KB', () => e.counter('framesReceived') === before.frames + 7);
    t.equal(e.counter('ticksRejected'), 0);
    server.say('x'.repeat(15 * MB));
    await e.until('15 MB refused', () => e.rejects('FRAME_TOO_LARGE') === 1);
    await e.until('fresh again', () => server.guests.length === 2 && e.isFresh());
  },
);

// test_message_ordering_preservation
t.test('order is kept per market and in all, and each hole is found', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const symbols = ['A0-USD', 'A1-USD', 'A2-USD'];
  const e = ingestRig(t, { url: server.url, instruments: instruments(3) });
  await e.until('fresh', () => e.isFresh());
  for (let id = 1; id <= 100; id++) voices[0]?.trade('A0-USD', id, '100', '1');
  // A burst, and three senders in turn.
  for (let id = 101; id <= 150; id++) voices[0]?.trade('A0-USD', id, '100', '1');
  for (let id = 151; id <= 170; id++) {
    for (const symbol of symbols) voices[0]?.trade(symbol, id, '100', '1');
  }
  await e.until('all trades', () => e.trades.length === 210);
  for (const [index, first] of [1, 151, 151].entries()) {
    const ids = e.trades.filter((one) => one.instrumentIndex === index).map(({ id }) => id);
    t.same(
      ids,
      ids.map((_, place) => first + place),
      `market ${index} in order`,
    );
  }
  t.equal(e.counter('feedGaps'), 0);
  // Of the messages 1 to 7, 3 and 6 are lost: each hole costs the books, a new connection brings them.
  for (const guest of [0, 1]) {
    voices[guest]?.heartbeat();
    voices[guest]?.heartbeat();
    voices[guest]?.skip(1);
    voices[guest]?.heartbeat();
    await e.until('the hole was found', () => e.counter('feedGaps') === guest + 1);
    await until(t, 'a new connection', () => server.guests.length === guest + 2 && e.isFresh());
  }
  t.equal(e.rejects('VENUE_SEQ_OLD'), 0, 'nothing was read twice');
  t.equal(sessionStateName(e.connection.session.state), 'Connected');
});
