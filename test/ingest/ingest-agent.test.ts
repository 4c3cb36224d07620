import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import {
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_WORDS,
  getBoardLevelPriceMantissa,
  getBoardLevelSizeMantissa,
  readBoardMarket,
  readTick,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
  TickFlag,
  TickKind,
} from '#src/generated/hot.js';
import type { BoardMarketFields, TickFields } from '#src/generated/hot.js';
import { IngestAgent } from '#src/ingest/ingest-agent.js';
import type { FeedChange } from '#src/ingest/ingest-agent.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import { allocateRing, RingWriter, TrailingReader } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { SystemClock, takeClockOrigin } from '#src/runtime/system-clock.js';
import {
  Counter,
  COUNTERS_PER_BLOCK,
  Histogram,
  HISTOGRAM_NAMES,
  Telemetry,
} from '#src/runtime/telemetry.js';
import { WsNetwork } from '#src/runtime/ws-network.js';
import { CAPTURE, capturedLines, instrumentNamed, TickReader } from '../venues/feed-rig.js';

const DEADLINE_MS = 20_000;
const INSTRUMENTS = [instrumentNamed('BTC-USD', 0, 2, 8), instrumentNamed('ETH-USD', 1, 2, 8)];
const TIME = '2026-08-09T21:05:49.123456789Z';
const FRAMES = capturedLines(`${CAPTURE}.jsonl.gz`)
  .filter(({ dir }) => dir === 'in')
  .map(({ raw }) => raw);

/** A venue that does what the test says: every connection is kept, with what it was sent. */
interface Venue {
  readonly url: string;
  readonly server: WebSocketServer;
  readonly sockets: WebSocket[];
  readonly received: string[][];
  /** Called when a connection has sent its four subscriptions. */
  onSubscribed: (socket: WebSocket, connectionIndex: number) => void;
}

async function venue(t: Test): Promise<Venue> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  );
  const self: Venue = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    sockets: [],
    received: [],
    onSubscribed: () => undefined,
  };
  server.on('connection', (socket) => {
    const index = self.sockets.push(socket) - 1;
    const texts: string[] = [];
    self.received.push(texts);
    socket.on('message', (data: Buffer) => {
      if (texts.push(data.toString()) === 4) self.onSubscribed(socket, index);
    });
  });
  return self;
}

interface Engine {
  readonly agent: IngestAgent;
  readonly telemetry: Telemetry;
  readonly histograms: readonly SharedHistogram[];
  readonly ticks: TickFields[];
  readonly reader: TrailingReader;
  readonly readers: readonly TickReader[];
  readonly changes: FeedChange[];
  readonly board: (index: number) => BoardMarketFields & { readonly words: Int32Array };
  /** Runs duty cycles until the condition holds. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  readonly rejects: (code: ErrorCode) => number;
}

interface EngineTimes {
  readonly idleTimeoutMs?: number;
  readonly openTimeoutMs?: number;
  readonly frameBytesMax?: number;
}

function engine(t: Test, url: string, times: EngineTimes = {}): Engine {
  const spec: RingSpec = {
    name: 'ticks',
    slotBytes: TICK_BYTES,
    slotCount: 1 << 15,
    readers: [{ name: 'test', kind: 'trailing', wakeIndex: 0 }],
    writerRole: 'ingest',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  const ring = allocateRing(spec);
  const boardMarkets = new BoardCells(
    new SharedArrayBuffer(BoardCells.bytes(INSTRUMENTS.length, BOARD_MARKET_WORDS)),
    INSTRUMENTS.length,
    BOARD_MARKET_WORDS,
  );
  const counters = new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK));
  const memory = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  const histograms = HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(memory, index));
  const telemetry = new Telemetry(new CounterBlock(counters, 0, COUNTERS_PER_BLOCK), histograms);
  const clock = new SystemClock(takeClockOrigin());
  const network = new WsNetwork({ clock });
  const changes: FeedChange[] = [];
  const agent = new IngestAgent({
    instruments: INSTRUMENTS,
    wsUrls: { coinbase: url },
    config: {
      frameBytesMax: 64 * 1024 * 1024,
      openTimeoutMs: 5_000,
      idleTimeoutMs: 10_000,
      backoffMs: [20, 40, 80, 160],
      ...times,
    },
    tickWriter: new RingWriter(ring, spec, null),
    boardMarkets,
    telemetry,
    clock,
    network,
    onChange: (change) => changes.push(change),
  });
  const reader = new TrailingReader(ring, spec, 0);
  const ticks: TickFields[] = [];
  const readers = INSTRUMENTS.map(() => new TickReader(20));
  const drain = (): void => {
    for (let at = reader.poll(); at >= 0; at = reader.poll()) {
      const tick = {} as TickFields;
      readTick(reader.i32, at, tick);
      ticks.push(tick);
      readers[tick.instrumentIndex]?.onTick(tick);
    }
  };
  agent.onStart({
    poke: drain,
    fail: (error) => t.fail(String(error)),
  });
  const turn = setInterval(() => {
    agent.doWork(clock.nowNs());
    drain();
  }, 2);
  t.teardown(async () => {
    agent.onStop(clock.nowNs());
    await until(t, 'the agent is done', () => agent.isDone);
    clearInterval(turn);
    agent.onClose();
    network.close();
  });
  return {
    agent,
    telemetry,
    histograms,
    ticks,
    reader,
    readers,
    changes,
    board: (index) => {
      const words = new Int32Array(BOARD_MARKET_WORDS);
      if (!boardMarkets.read(index, words)) t.fail(`the cell was never written: ${index}`);
      const fields = {} as BoardMarketFields;
      readBoardMarket(words, 0, fields);
      return { ...fields, words };
    },
    until: (what, condition) => until(t, what, condition),
    rejects: (code) => telemetry.rejects(codeIndex(code)),
  };
}

async function until(t: Test, what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) {
      t.fail(`not within ${DEADLINE_MS} ms: ${what}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const snapshotOf = (symbol: string, seq: number): string =>
  JSON.stringify({
    channel: 'l2_data',
    timestamp: TIME,
    sequence_num: seq,
    events: [
      {
        type: 'snapshot',
        product_id: symbol,
        updates: [
          { side: 'bid', event_time: TIME, price_level: '99.5', new_quantity: '1' },
          { side: 'offer', event_time: TIME, price_level: '100', new_quantity: '2' },
        ],
      },
    ],
  });
const heartbeatOf = (seq: number): string =>
  JSON.stringify({
    channel: 'heartbeats',
    timestamp: TIME,
    sequence_num: seq,
    events: [{ current_time: 'x', heartbeat_counter: seq }],
  });
const sendBooks = (socket: WebSocket): void => {
  socket.send(snapshotOf('BTC-USD', 0));
  socket.send(snapshotOf('ETH-USD', 1));
};
const isFresh = ({ board }: Engine): boolean =>
  [0, 1].every((index) => board(index).staleReason === 0);

t.test(
  'a captured connection becomes ticks, the board and the same books, over a real socket',
  async (t) => {
    const market = await venue(t);
    market.onSubscribed = (socket) => {
      for (const frame of FRAMES) socket.send(frame);
    };
    const e = engine(t, market.url);
    t.equal(
      codeAt(e.board(0).staleReason),
      'BOOK_MISSING',
      'nothing is known at start, and the board says so',
    );
    t.ok(e.board(0).staleSinceNs > 0);
    await e.until('all frames', () => e.telemetry.get(Counter.framesReceived) === FRAMES.length);
    t.same(
      market.received[0]?.map((text) => (JSON.parse(text) as { channel: string }).channel),
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
    const market = await venue(t);
    market.onSubscribed = (socket, index) => {
      sendBooks(socket);
      if (index === 0) socket.send(heartbeatOf(3));
    };
    const e = engine(t, market.url);
    await e.until(
      'the second connection is fresh',
      () => market.sockets.length === 2 && isFresh(e),
    );
    const states = e.ticks
      .filter(({ kind, instrumentIndex }) => kind === TickKind.State && instrumentIndex === 1)
      .map(({ sizeMantissa }) => codeAt(sizeMantissa));
    t.same(states, ['OK', 'VENUE_SEQ_GAP', 'OK']);
    t.equal(e.telemetry.get(Counter.feedGaps), 1);
    t.equal(e.board(0).gapCount, 1);
    t.equal(e.telemetry.get(Counter.feedConnects), 2);
    t.equal(e.telemetry.get(Counter.feedDisconnects), 1);
    t.equal(
      e.histograms[Histogram.recovery]?.snapshot().count,
      2,
      'the time to recover was measured',
    );
    t.match(
      e.changes.filter(({ from }) => from === 'Connected'),
      [{ venue: 'coinbase', to: 'Reconnecting', reason: 'VENUE_SEQ_GAP' }],
    );
  },
);

t.test('a venue that disappears leaves a stale board, and comes back fresh', async (t) => {
  const market = await venue(t);
  market.onSubscribed = sendBooks;
  const e = engine(t, market.url);
  await e.until('fresh', () => isFresh(e));
  market.onSubscribed = () => undefined;
  for (const socket of market.sockets) socket.terminate();
  await e.until('stale', () => codeAt(e.board(0).staleReason) === 'FEED_DISCONNECTED');
  t.ok(e.board(0).staleSinceNs > 0);
  t.equal(e.board(0).bidCount, 0, 'no level of the old book stays behind');
  await e.until('dialled again', () => market.sockets.length >= 2);
  t.notOk(isFresh(e), 'connected is not fresh');
  market.onSubscribed = sendBooks;
  for (const socket of market.sockets) socket.close(1001);
  await e.until('fresh again', () => isFresh(e));
  t.equal(e.ticks.filter(({ kind }) => kind === TickKind.SnapshotBegin).length, 4);
});

t.test('a venue that is not there yet is dialled until it is', async (t) => {
  const market = await venue(t);
  const port = Number(new URL(market.url).port);
  await new Promise<void>((resolve) => market.server.close(() => resolve()));
  const e = engine(t, market.url);
  await e.until(
    'failed dials',
    () => e.changes.filter(({ to }) => to === 'Reconnecting').length >= 3,
  );
  t.equal(codeAt(e.board(0).staleReason), 'FEED_DISCONNECTED');
  t.equal(e.telemetry.get(Counter.feedConnects), 0);
  const again = new WebSocketServer({ port, host: '127.0.0.1' });
  t.teardown(() => new Promise<void>((resolve) => again.close(() => resolve())));
  let isSubscribed = false;
  again.on('connection', (socket) => {
    socket.once('message', () => {
      isSubscribed = true;
      sendBooks(socket);
    });
  });
  await e.until('fresh', () => isFresh(e));
  t.ok(isSubscribed);
  for (const client of again.clients) client.terminate();
});

t.test('a connection on which nothing comes is given up, heartbeats keep one alive', async (t) => {
  const market = await venue(t);
  let timer: NodeJS.Timeout | undefined;
  t.teardown(() => clearInterval(timer));
  market.onSubscribed = (socket, index) => {
    sendBooks(socket);
    if (index === 0) return;
    let seq = 1;
    timer = setInterval(() => socket.send(heartbeatOf(++seq)), 20);
  };
  const e = engine(t, market.url, { idleTimeoutMs: 300 });
  await e.until('the silent one is given up', () =>
    e.changes.some(({ reason }) => reason === 'FEED_SILENT'),
  );
  t.equal(codeAt(e.board(1).staleReason), 'FEED_SILENT');
  await e.until('fresh', () => isFresh(e));
  const frames = e.telemetry.get(Counter.framesReceived);
  await e.until('40 heartbeats', () => e.telemetry.get(Counter.framesReceived) >= frames + 40);
  t.equal(market.sockets.length, 2, 'no further connection');
  t.ok(isFresh(e));
});

t.test('repetitions alone are no life: a feed that plays its past again is given up', async (t) => {
  const market = await venue(t);
  let timer: NodeJS.Timeout | undefined;
  t.teardown(() => clearInterval(timer));
  market.onSubscribed = (socket, index) => {
    sendBooks(socket);
    if (index > 0) return;
    timer = setInterval(() => socket.send(heartbeatOf(1)), 20);
  };
  const e = engine(t, market.url, { idleTimeoutMs: 300 });
  await e.until('given up', () => market.sockets.length >= 2);
  t.ok(e.rejects('VENUE_SEQ_OLD') > 0);
});

t.test('bad frames are counted by code and the connection goes on', async (t) => {
  const market = await venue(t);
  market.onSubscribed = (socket) => {
    sendBooks(socket);
    socket.send('nonsense');
    socket.send(Buffer.from([0xff, 0xfe, 0x00]));
    socket.send('{"channel":"fairy_tales","sequence_num":2}');
    socket.send('{"type":"error","message":"rate limit"}');
    socket.send(heartbeatOf(3));
  };
  const e = engine(t, market.url);
  await e.until('all frames', () => e.telemetry.get(Counter.framesReceived) >= 7);
  t.equal(e.rejects('FRAME_MALFORMED'), 2);
  t.equal(e.rejects('FRAME_UNKNOWN'), 1);
  t.equal(e.rejects('FRAME_VENUE_ERROR'), 1);
  t.equal(e.telemetry.get(Counter.ticksRejected), 4);
  t.ok(isFresh(e));
  t.equal(market.sockets.length, 1);
});

t.test(
  'a frame over the limit is refused by code and the connection is dialled again',
  async (t) => {
    const market = await venue(t);
    market.onSubscribed = (socket, index) => {
      if (index === 0) socket.send('x'.repeat(100_000));
      else sendBooks(socket);
    };
    const e = engine(t, market.url, { frameBytesMax: 65_536 });
    await e.until('fresh', () => isFresh(e));
    t.equal(e.rejects('FRAME_TOO_LARGE'), 1);
    t.equal(market.sockets.length, 2);
  },
);

t.test('stopping closes the socket properly and makes the board stale', async (t) => {
  const market = await venue(t);
  market.onSubscribed = sendBooks;
  const e = engine(t, market.url);
  await e.until('fresh', () => isFresh(e));
  const closed = once(market.sockets[0] as WebSocket, 'close') as Promise<[number]>;
  t.notOk(e.agent.isDone);
  e.agent.onStop(1);
  t.equal((await closed)[0], 1000);
  await e.until('done', () => e.agent.isDone);
  t.equal(codeAt(e.board(0).staleReason), 'FEED_DISCONNECTED');
  t.equal(market.sockets.length, 1, 'no new dial');
});
