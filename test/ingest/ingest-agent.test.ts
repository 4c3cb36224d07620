/** ingest-agent: frames of real sockets become ticks and the board; what breaks makes the board stale, and is mended. */
import { once } from 'node:events';
import t from 'tap';
import { codeAt } from '#src/domain/errors.js';
import {
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  getBoardLevelPriceMantissa,
  getBoardLevelSizeMantissa,
  TickFlag,
  TickKind,
} from '#src/generated/hot.js';
import { Counter, Histogram } from '#src/runtime/telemetry.js';
import { CAPTURE, capturedLines } from '../venues/feed-rig.js';
import { speakCoinbase } from './coinbase-voice.js';
import { ingestRig } from './ingest-rig.js';
import { MisbehavingServer } from './misbehaving-server.js';

const FRAMES = capturedLines(`${CAPTURE}.jsonl.gz`)
  .filter(({ dir }) => dir === 'in')
  .map(({ raw }) => raw);

t.test(
  'a captured connection becomes ticks, the board and the same books, over a real socket',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    server.onText = ({ socket, texts }) => {
      if (texts.length === 4) for (const frame of FRAMES) socket.send(frame);
    };
    const e = ingestRig(t, { url: server.url });
    t.equal(
      codeAt(e.board(0).staleReason),
      'BOOK_MISSING',
      'nothing is known at start, and the board says so',
    );
    t.ok(e.board(0).staleSinceNs > 0);
    await e.until('all frames', () => e.telemetry.get(Counter.framesReceived) === FRAMES.length);
    t.same(
      server.guests[0]?.texts.map((text) => (JSON.parse(text) as { channel: string }).channel),
      ['level2', 'market_trades', 'ticker', 'heartbeats'],
    );
    const btc = e.board(0);
    t.match(btc, {
      ...{ staleReason: 0, staleSinceNs: 0, gapCount: 0, bidCount: 20, askCount: 20 },
      ...{ fullBidCount: 18_772, fullAskCount: 27_237 },
    });
    t.equal(getBoardLevelPriceMantissa(btc.words, 0), 6508366);
    t.equal(getBoardLevelSizeMantissa(btc.words, 0), 24999473);
    t.equal(getBoardLevelPriceMantissa(btc.words, BOARD_MARKET_ASKS_WORD), 6508367);
    t.equal(
      getBoardLevelPriceMantissa(btc.words, BOARD_MARKET_ASKS_WORD + 9 * BOARD_LEVEL_WORDS),
      6508584,
    );
    const trades = e.ticks.filter(({ kind, flags, instrumentIndex }) => {
      return kind === TickKind.Trade && (flags & TickFlag.Backfill) === 0 && instrumentIndex === 0;
    });
    t.equal(btc.tradeCount, trades.length);
    t.equal(btc.lastPriceMantissa, trades.at(-1)?.priceMantissa);
    t.equal(e.reader.lappedCount, 0, 'a snapshot of 46,000 levels laps nobody');
    t.equal(e.ticks.length, e.telemetry.get(Counter.ticksPublished));
    t.ok(e.telemetry.get(Counter.ticksReceived) > 69_000);
    t.equal(e.telemetry.get(Counter.ticksRejected), 0);
    t.equal(e.histograms[Histogram.decode]?.snapshot().count, FRAMES.length);
    t.same(e.readers[0]?.levels(false)[19], [
      getBoardLevelPriceMantissa(btc.words, 19 * BOARD_LEVEL_WORDS),
      getBoardLevelSizeMantissa(btc.words, 19 * BOARD_LEVEL_WORDS),
    ]);
    const recv = e.ticks.map(({ recvNs }) => recvNs);
    t.ok(
      recv.every((ns, i) => ns > 0 && ns >= (recv[i - 1] ?? 0)),
      'times go forward',
    );
  },
);

t.test(
  'a lost frame makes everything stale until a new connection brings new snapshots',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const voices = speakCoinbase(server);
    const e = ingestRig(t, { url: server.url });
    await e.until('fresh', () => e.isFresh());
    voices[0]?.skip(1);
    voices[0]?.heartbeat();
    await e.until('the second connection is fresh', () => voices.length === 2 && e.isFresh());
    const states = e.ticks
      .filter(({ kind, instrumentIndex }) => kind === TickKind.State && instrumentIndex === 1)
      .map(({ sizeMantissa }) => codeAt(sizeMantissa));
    t.same(states, ['OK', 'VENUE_SEQ_GAP', 'OK']);
    t.equal(e.counter('feedGaps'), 1);
    t.equal(e.board(0).gapCount, 1);
    t.equal(e.counter('feedConnects'), 2);
    t.equal(e.counter('feedDisconnects'), 1);
    t.equal(
      e.histograms[Histogram.recovery]?.snapshot().count,
      2,
      'the time to recover was measured',
    );
    t.match(
      e.told('state').filter(({ from }) => from === 'Connected'),
      [{ venue: 'coinbase', to: 'Reconnecting', reason: 'VENUE_SEQ_GAP' }],
    );
  },
);

t.test('a venue that disappears leaves a stale board, and comes back fresh', async (t) => {
  const server = await MisbehavingServer.start(t);
  const starved = new Set<string>();
  speakCoinbase(server, starved);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  starved.add('level2 BTC-USD').add('level2 ETH-USD');
  server.cutAll();
  await e.until('stale', () => e.staleReason(0) === 'FEED_DISCONNECTED');
  t.ok(e.board(0).staleSinceNs > 0);
  t.equal(e.board(0).bidCount, 0, 'no level of the old book stays behind');
  await e.until('dialled again', () => server.guests.length >= 2);
  t.notOk(e.isFresh(0) || e.isFresh(1), 'connected is not fresh');
  starved.clear();
  for (const { socket } of server.guests) socket.close(1001);
  await e.until('fresh again', () => e.isFresh());
  t.equal(e.ticks.filter(({ kind }) => kind === TickKind.SnapshotBegin).length, 4);
});

t.test('a venue that is not there yet is dialled until it is', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  await server.down();
  const e = ingestRig(t, { url: server.url });
  await e.until('failed dials', () => e.counter('feedDialFailures') >= 3);
  t.equal(e.staleReason(0), 'DIAL_REFUSED');
  t.equal(e.counter('feedConnects'), 0);
  await server.up();
  await e.until('fresh', () => e.isFresh());
  t.equal(server.openGuests.length, 1);
});

t.test('a connection on which nothing comes is given up, heartbeats keep one alive', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const beat = setInterval(() => voices.slice(1).at(-1)?.heartbeat(), 20);
  t.teardown(() => clearInterval(beat));
  const e = ingestRig(t, { url: server.url, config: { idleTimeoutMs: 300 } });
  await e.until('the silent one is given up', () => e.staleReason(1) === 'FEED_SILENT');
  t.ok((server.guests[0]?.pingCount ?? 0) > 0, 'it answered pings, but promised heartbeats');
  await e.until('fresh', () => e.isFresh());
  const frames = e.counter('framesReceived');
  await e.until('40 heartbeats', () => e.counter('framesReceived') >= frames + 40);
  t.equal(server.guests.length, 2, 'no further connection');
  t.ok(e.isFresh());
});

t.test('repetitions alone are no life: a feed that plays its past again is given up', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { idleTimeoutMs: 300 } });
  await e.until('fresh', () => e.isFresh());
  const past = voices[0]?.text('heartbeats', [{ heartbeat_counter: 1 }]) ?? '';
  const again = setInterval(() => server.guests[0]?.socket.send(past), 20);
  t.teardown(() => clearInterval(again));
  await e.until('given up', () => server.guests.length >= 2);
  t.ok(e.rejects('VENUE_SEQ_OLD') > 0);
});

t.test('bad frames are counted by code and the connection goes on', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  server.say('nonsense');
  server.say(Buffer.from([0xff, 0xfe, 0x00]));
  server.say(voices[0]?.text('fairy_tales', []) ?? '');
  server.say('{"type":"error","message":"rate limit"}');
  const frames = e.counter('framesReceived');
  voices[0]?.heartbeat();
  await e.until('all frames', () => e.counter('framesReceived') >= frames + 5);
  t.equal(e.rejects('FRAME_MALFORMED'), 2);
  t.equal(e.rejects('FRAME_UNKNOWN'), 1);
  t.equal(e.rejects('FRAME_VENUE_ERROR'), 1);
  t.equal(e.counter('ticksRejected'), 4);
  t.ok(e.isFresh());
  t.equal(server.guests.length, 1);
});

t.test(
  'a frame over the limit is refused by code and the connection is dialled again',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    speakCoinbase(server);
    const e = ingestRig(t, { url: server.url, config: { frameBytesMax: 65_536 } });
    await e.until('fresh', () => e.isFresh());
    server.say('x'.repeat(100_000));
    await e.until('fresh again', () => server.guests.length === 2 && e.isFresh());
    t.equal(e.rejects('FRAME_TOO_LARGE'), 1);
    t.match(
      e.told('state').filter(({ from }) => from === 'Connected'),
      [{ reason: 'FRAME_TOO_LARGE' }],
    );
  },
);

t.test('more frames in a second than the limit close the connection with a code', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { framesPerSecondMax: 100 } });
  await e.until('fresh', () => e.isFresh());
  for (let count = 0; count < 200; count++) voices[0]?.heartbeat();
  await e.until('fresh again', () => server.guests.length === 2 && e.isFresh());
  t.ok(e.rejects('FEED_FLOOD') > 0);
  t.match(
    e.told('state').filter(({ from }) => from === 'Connected'),
    [{ reason: 'FEED_FLOOD' }],
  );
});

t.test('stopping closes the socket properly and makes the board stale', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  const closed = once(server.guests[0]?.socket ?? process, 'close') as Promise<[number]>;
  t.notOk(e.agent.isDone);
  e.agent.onStop(e.clock.nowNs());
  t.equal((await closed)[0], 1000);
  await e.until('done', () => e.agent.isDone);
  t.equal(e.staleReason(0), 'FEED_DISCONNECTED');
  t.equal(server.guests.length, 1, 'no new dial');
  t.equal(e.counter('feedClosesGraceful'), 1);
});
