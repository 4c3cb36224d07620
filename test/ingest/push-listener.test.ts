import { Worker } from 'node:worker_threads';
import t from 'tap';
import { WebSocket } from 'ws';
import { codeIndex } from '#src/domain/errors.js';
import { PUSH_SCHEMA_HASH, PushBook, TickFlag, TickKind } from '#src/generated/hot.js';
import type { TickFields } from '#src/generated/hot.js';
import { PUSH_CLOSE_CODES } from '#src/ingest/push-codes.js';
import { eventually } from '../harness/program.js';
import { TickReader } from '../venues/feed-rig.js';
import { batchBytes, helloBytes } from './push-bytes.js';
import { epochNow, helloOf, KEY, pushRig } from './push-rig.js';
import type { PushedTick } from './push-bytes.js';

const { Trade, Quote, Level, SnapshotBegin, State, Ticker, TickerLast, Mark, Funding } = TickKind;
const LAST = TickFlag.LastOfFrame;

/** A book of two levels a side around 60,000.00. */
function snapshot(instrument = 0): PushedTick[] {
  const time = { venueEpochNs: epochNow(), instrument };
  return [
    { kind: SnapshotBegin, ...time },
    { kind: Level, price: 6_000_000, size: 100, ...time },
    { kind: Level, price: 5_999_900, size: 200, ...time },
    { kind: Level, price: 6_000_100, size: 300, flags: TickFlag.Ask, ...time },
    { kind: Level, price: 6_000_200, size: 400, flags: TickFlag.Ask | LAST, ...time },
  ];
}

t.test('a snapshot, changes and a trade become ticks, a fresh market and the board', async (t) => {
  const rig = await pushRig(t);
  t.equal(rig.board(0).staleReason, codeIndex('BOOK_MISSING'), 'stale from the start');
  const publisher = await rig.publisher();
  t.same(publisher.welcome, { creditSeq: 8, batchTicksMax: 512 });
  const time = epochNow();
  publisher.send(
    batchBytes(1, [
      ...snapshot(),
      { kind: Level, price: 6_000_000, size: 0, venueEpochNs: time, venueSeq: 7 },
      {
        kind: Trade,
        price: 6_000_100,
        size: 25,
        flags: TickFlag.AggressorSell,
        venueEpochNs: time,
        venueSeq: 4711,
      },
    ]),
  );
  const ack = await publisher.acked(1);
  const ticks = rig.drain();
  t.same(
    ticks.map(({ kind }) => kind),
    [SnapshotBegin, Level, Level, Level, Level, Quote, State, Level, Trade, Quote],
  );
  const trade = ticks[8] as TickFields;
  t.equal(trade.priceMantissa, 6_000_100);
  t.equal(trade.venueSeq, 4711);
  t.equal(trade.flags, TickFlag.AggressorSell);
  t.equal(BigInt(trade.venueNs) + rig.clock.runEpochNs, time, 'the very nanosecond');
  t.ok(trade.recvNs > 0 && trade.recvNs <= rig.clock.nowNs());
  const quote = ticks[9] as TickFields;
  t.same(
    [quote.priceMantissa, quote.sizeMantissa, quote.askPriceMantissa, quote.askSizeMantissa],
    [5_999_900, 200, 6_000_100, 300],
  );
  t.equal(quote.flags, LAST);
  const cell = rig.board(0);
  t.match(cell, { staleReason: 0, staleSinceNs: 0, bidCount: 1, askCount: 2, tradeCount: 1 });
  t.equal(cell.lastPriceMantissa, 6_000_100);
  t.equal(rig.board(1).staleReason, codeIndex('BOOK_MISSING'), 'the other one is untouched');
  t.match(ack, { seq: 1, creditSeq: 9, tickCount: 7, ringCount: 10 });
  t.ok(ack.doneEpochNs >= ack.recvEpochNs && ack.recvEpochNs > time - 1_000_000_000n);
  t.same([rig.count('pushBatches'), rig.count('pushTicks'), rig.count('pushConnects')], [1, 7, 1]);
});

t.test(
  'quotes alone make a book of one level a side, which a reader of levels follows',
  async (t) => {
    const rig = await pushRig(t);
    const publisher = await rig.publisher(PushBook.Quotes);
    const reader = new TickReader(20);
    const quote = (
      bid: number,
      bidSize: number,
      ask: number,
      askSize: number,
      flags: number = LAST,
    ): PushedTick => ({
      kind: Quote,
      price: bid,
      size: bidSize,
      askPrice: ask,
      askSize,
      flags: flags | TickFlag.NoTime,
    });
    const steps: readonly (readonly [PushedTick, number[][], number[][]])[] = [
      [quote(100, 5, 101, 6), [[100, 5]], [[101, 6]]],
      [quote(100, 7, 101, 6), [[100, 7]], [[101, 6]]],
      [quote(99, 7, 101, 6), [[99, 7]], [[101, 6]]],
      [quote(103, 1, 104, 2), [[103, 1]], [[104, 2]]],
      [quote(0, 0, 104, 2, LAST | TickFlag.NoBid), [], [[104, 2]]],
      [quote(102, 1, 0, 0, LAST | TickFlag.NoAsk), [[102, 1]], []],
      [quote(102, 1, 110, 9), [[102, 1]], [[110, 9]]],
      [quote(102, 1, 110, 9), [[102, 1]], [[110, 9]]],
    ];
    let seq = 0;
    for (const [tick, bids, asks] of steps) {
      rig.ticks.length = 0;
      publisher.send(batchBytes(++seq, [tick]));
      await publisher.acked(seq);
      for (const published of rig.drain()) reader.onTick(published);
      t.same([reader.levels(false), reader.levels(true)], [bids, asks], `step ${seq}`);
    }
    const before = rig.board(0).bookNs;
    publisher.send(batchBytes(++seq, [quote(102, 1, 110, 9)]));
    await publisher.acked(seq);
    t.ok(rig.board(0).bookNs > before, 'the same quote again shows that the market lives');
  },
);

t.test('two frames of one batch give two quotes, one frame gives one', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher(PushBook.Quotes);
  const quote = (bid: number, flags: number): PushedTick => ({
    kind: Quote,
    price: bid,
    size: 1,
    askPrice: 200,
    askSize: 1,
    flags: flags | TickFlag.NoTime,
  });
  publisher.send(batchBytes(1, [quote(100, 0), quote(101, 0), quote(102, LAST), quote(103, 0)]));
  await publisher.acked(1);
  const quotes = rig.drain().filter(({ kind }) => kind === Quote);
  t.same(
    quotes.map(({ priceMantissa }) => priceMantissa),
    [102, 103],
  );
});

t.test('summaries, marks and funding pass through', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher();
  const next = epochNow() + 3_600_000_000_000n;
  publisher.send(
    batchBytes(1, [
      { kind: Ticker, price: 5, size: 1, askPrice: 6, askSize: 2, flags: TickFlag.NoTime },
      { kind: TickerLast, price: 5, size: 9, flags: TickFlag.NoTime },
      { kind: Mark, price: 7, askPrice: 8, flags: TickFlag.NoTime },
      { kind: Funding, price: -12, askPrice: next, flags: TickFlag.NoTime },
    ]),
  );
  await publisher.acked(1);
  t.same(
    rig.drain().map(({ kind, priceMantissa }) => [kind, priceMantissa]),
    [
      [Ticker, 5],
      [TickerLast, 5],
      [Mark, 7],
      [Funding, -12],
    ],
  );
  const cell = rig.board(0);
  t.match(cell, { markPriceMantissa: 7, indexPriceMantissa: 8, fundingRateMantissa: -12 });
  t.equal(BigInt(cell.fundingNextNs) + rig.clock.runEpochNs, next);
});

t.test('a publisher that goes leaves its instruments stale, and may come back', async (t) => {
  const rig = await pushRig(t);
  const first = await rig.publisher();
  first.send(batchBytes(1, [...snapshot(0), ...snapshot(1)]));
  await first.acked(1);
  first.ws.terminate();
  await eventually(() => rig.count('pushDisconnects') === 1 || undefined, 'the end to be noticed');
  t.equal(rig.board(0).staleReason, codeIndex('FEED_DISCONNECTED'));
  t.equal(rig.board(1).bidCount, 0, 'no price is left to be traded on');
  t.match(rig.drain().at(-1), { kind: State, sizeMantissa: codeIndex('FEED_DISCONNECTED') });
  const second = await rig.publisher();
  second.send(batchBytes(1, snapshot(0)));
  await second.acked(1);
  t.equal(rig.board(0).staleReason, 0);
  t.equal(rig.board(1).staleReason, codeIndex('FEED_DISCONNECTED'), 'until its own snapshot');
});

t.test('a hole in the sequence is counted and costs the books, not the connection', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher();
  publisher.send(batchBytes(1, [...snapshot(0), ...snapshot(1)]));
  await publisher.acked(1);
  publisher.send(
    batchBytes(3, [{ kind: Level, price: 5_999_800, size: 1, flags: TickFlag.NoTime }]),
  );
  await publisher.acked(3);
  t.equal(rig.board(0).staleReason, codeIndex('PUSH_GAP'));
  t.equal(rig.board(1).staleReason, codeIndex('PUSH_GAP'));
  t.equal(rig.count('pushGaps'), 1);
  t.same(
    publisher.resyncs,
    [
      { reason: 'PUSH_GAP', instruments: [0] },
      { reason: 'PUSH_GAP', instruments: [1] },
    ],
    'asked once for each',
  );
  publisher.send(batchBytes(4, snapshot(0)));
  await publisher.acked(4);
  t.equal(rig.board(0).staleReason, 0, 'healed by a snapshot');
  t.equal(rig.board(0).bidCount, 2);
});

t.test('a silent publisher is stale, one that sends empty batches is not', async (t) => {
  const rig = await pushRig(t, { silenceMs: 150 });
  const quiet = await rig.publisher(PushBook.Levels, helloOf(PushBook.Levels).slice(0, 1));
  const alive = await rig.publisher(PushBook.Levels, helloOf(PushBook.Levels).slice(1));
  quiet.send(batchBytes(1, snapshot(0)));
  let seq = 1;
  alive.send(batchBytes(1, snapshot(0)));
  await eventually(() => {
    // The beat of a publisher without news.
    alive.send(batchBytes(++seq, []));
    return quiet.resyncs.length > 0 || undefined;
  }, 'the silence to be noticed');
  t.equal(rig.board(0).staleReason, codeIndex('FEED_SILENT'));
  t.equal(rig.board(1).staleReason, 0);
  quiet.send(batchBytes(2, snapshot(0)));
  await quiet.acked(2);
  t.equal(rig.board(0).staleReason, 0, 'and heals');
});

t.test(
  'a publisher says that its market is stale; a crossed book is stale by itself',
  async (t) => {
    const rig = await pushRig(t);
    const publisher = await rig.publisher();
    publisher.send(
      batchBytes(1, [
        ...snapshot(0),
        { kind: State, size: 1, flags: TickFlag.NoTime },
        ...snapshot(1),
      ]),
    );
    await publisher.acked(1);
    t.equal(rig.board(0).staleReason, codeIndex('PUSH_STALE'));
    publisher.send(
      batchBytes(2, [
        { kind: Level, instrument: 1, price: 7_000_000, size: 1, flags: TickFlag.NoTime },
      ]),
    );
    await publisher.acked(2);
    t.equal(rig.board(1).staleReason, codeIndex('BOOK_CROSSED'));
    t.same(publisher.resyncs, [{ reason: 'BOOK_CROSSED', instruments: [1] }]);
  },
);

t.test('levels before any snapshot are not believed, and the snapshot is asked for', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher();
  const level: PushedTick = { kind: Level, price: 5, size: 1, flags: TickFlag.NoTime };
  publisher.send(batchBytes(1, [level]));
  publisher.send(batchBytes(2, [level]));
  await publisher.acked(2);
  t.same(publisher.resyncs, [{ reason: 'BOOK_MISSING', instruments: [0] }]);
  t.equal(rig.board(0).staleReason, codeIndex('BOOK_MISSING'));
  t.equal(rig.drain().length, 0);
});

t.test('who has no key or a wrong one gets no connection', async (t) => {
  const rig = await pushRig(t);
  await t.rejects(rig.connect({ key: `${KEY}x` }), /401/);
  await t.rejects(rig.connect({ key: KEY.slice(1) }), /401/);
  await t.rejects(rig.connect({ key: '' }), /401/);
  t.equal(rig.rejects('API_UNAUTHORIZED'), 3);
  await rig.connect({ header: 'x-api-key' });
  const url = `http://127.0.0.1:${rig.port}/v1/push`;
  t.equal((await fetch(url)).status, 401);
  const answer = await fetch(url, { headers: { authorization: `Bearer ${KEY}` } });
  const body = (await answer.json()) as { schemaHash: string; instruments: unknown[] };
  t.equal(body.schemaHash, PUSH_SCHEMA_HASH);
  t.match(body.instruments, [
    {
      venue: 'otc',
      symbol: 'BTC-USD',
      priceScale: 2,
      sizeScale: 8,
      publisher: null,
      stale: 'BOOK_MISSING',
    },
    { symbol: 'ETH-USD' },
  ]);
  t.equal((await fetch(`http://127.0.0.1:${rig.port}/`)).status, 404);
});

t.test(
  'every reason to end a connection has a close code of its own, and is counted',
  async (t) => {
    t.equal(new Set(PUSH_CLOSE_CODES.values()).size, PUSH_CLOSE_CODES.size);
    const rig = await pushRig(t);
    const bystander = await rig.publisher(PushBook.Levels, helloOf(PushBook.Levels).slice(1));
    bystander.send(batchBytes(1, snapshot(0)));
    await bystander.acked(1);
    const one = helloOf(PushBook.Levels).slice(0, 1);
    const entry = must(one[0]);
    const good = helloBytes({ instruments: one });
    const trade: PushedTick = { kind: Trade, price: 5, size: 1, flags: TickFlag.NoTime };
    const batch = (...ticks: PushedTick[]): Uint8Array => batchBytes(1, ticks);
    const hellos: readonly (readonly [string, number, ...Uint8Array[]])[] = [
      ['PUSH_HELLO', 4401, batch(trade)],
      ['PUSH_HELLO', 4401, good, good],
      ['PUSH_HELLO', 4401, Buffer.from('nothing of this kind')],
      ['PUSH_MALFORMED', 4400, good, Buffer.from('nothing of this kind')],
      ['PUSH_MALFORMED', 4400, good, batch(trade).subarray(0, 60)],
      ['PUSH_MALFORMED', 4400, good.subarray(0, 40)],
      ['PUSH_MALFORMED', 4400, helloBytes({ instruments: [] })],
      ['PUSH_MALFORMED', 4400, helloBytes({ instruments: one, publisher: 'no name at all' })],
      ['PUSH_SCHEMA', 4402, helloBytes({ instruments: one, schemaHash: '00' })],
      ['PUSH_INSTRUMENT', 4403, helloBytes({ instruments: [{ ...entry, priceScale: 3 }] })],
      ['PUSH_INSTRUMENT', 4403, helloBytes({ instruments: [{ ...entry, symbol: 'XRP-USD' }] })],
      ['PUSH_INSTRUMENT', 4403, helloBytes({ instruments: [{ ...entry, book: 2 as PushBook }] })],
      ['PUSH_INSTRUMENT', 4403, helloBytes({ instruments: [entry, entry] })],
      ['PUSH_INSTRUMENT_TAKEN', 4404, helloBytes({ instruments: helloOf(PushBook.Levels) })],
      ['PUSH_BATCH_LIMIT', 4405, good, batch(...Array.from({ length: 513 }, () => trade))],
      ['PUSH_BATCH_LIMIT', 4405, good, new Uint8Array(64 * 1024 + 1)],
      ['PUSH_TICK_INSTRUMENT', 4406, good, batch({ ...trade, instrument: 1 })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, kind: 0 })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, kind: 10 })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, kind: 255 })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, flags: TickFlag.NoBid | TickFlag.NoTime })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, flags: 64 | TickFlag.NoTime })],
      ['PUSH_TICK_KIND', 4407, good, batch({ ...trade, kind: Quote, askPrice: 6, askSize: 1 })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, price: 0 })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, price: -1 })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, price: 2n ** 53n })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, size: 0 })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, venueSeq: -5 })],
      ['PUSH_TICK_VALUE', 4408, good, batch({ ...trade, kind: State, size: 0 })],
      [
        'PUSH_TICK_VALUE',
        4408,
        good,
        batch({ kind: SnapshotBegin, flags: TickFlag.NoTime }, { ...trade, kind: Level, size: 0 }),
      ],
      ['PUSH_TICK_TIME', 4409, good, batch({ ...trade, flags: 0 })],
      [
        'PUSH_TICK_TIME',
        4409,
        good,
        batch({ ...trade, flags: 0, venueEpochNs: epochNow() + 60_000_000_000n }),
      ],
      [
        'PUSH_TICK_TIME',
        4409,
        good,
        batch({ ...trade, flags: 0, venueEpochNs: epochNow() - 86_401_000_000_000n }),
      ],
      ['PUSH_TICK_TIME', 4409, good, batch({ ...trade, flags: 0, venueEpochNs: -(2n ** 63n) })],
      ['PUSH_TICK_TIME', 4409, good, batch({ ...trade, size: 0, kind: Funding, askPrice: 5 })],
      ['PUSH_SEQ', 4410, good, batchBytes(1, [trade]), batchBytes(1, [trade])],
      ['PUSH_SEQ', 4410, good, batchBytes(0, [trade])],
      ['PUSH_MALFORMED', 4400, good, batchBytes(-1, [trade])],
      ['PUSH_CREDIT', 4411, good, batchBytes(9, [trade])],
    ];
    for (const [code, closeCode, ...messages] of hellos) {
      const before = rig.rejects(code as Parameters<typeof rig.rejects>[0]);
      const publisher = await rig.connect();
      for (const message of messages) publisher.send(message);
      const end = await publisher.closed();
      t.equal(end.code, closeCode, `${code}: ${end.reason}`);
      t.ok(end.reason.startsWith(code), end.reason);
      t.equal(
        rig.rejects(code as Parameters<typeof rig.rejects>[0]),
        before + 1,
        `${code} is counted`,
      );
      await eventually(
        () => rig.count('pushConnects') === rig.count('pushDisconnects') + 1 || undefined,
        'the instrument to be free again',
      );
    }
    t.equal(
      rig.drain().filter(({ kind }) => kind === Trade).length,
      1,
      'only the good batch counts',
    );
    bystander.send(batchBytes(2, [{ ...trade, instrument: 0 }]));
    await bystander.acked(2);
    t.equal(rig.board(1).staleReason, 0, 'nobody else suffered');
    const text = await rig.connect();
    text.ws.send('{"hello": "text"}');
    t.equal((await text.closed()).code, 4400);
    const huge = await rig.publisher(PushBook.Levels, one);
    huge.send(new Uint8Array(1024 * 1024));
    t.ok((await huge.closed()).code !== 1000, 'far too long: cut off');
    await eventually(() => rig.rejects('PUSH_BATCH_LIMIT') === 3 || undefined, 'it to be counted');
  },
);

t.test(
  'who says no hello in time, and who comes when the house is full, is sent away',
  async (t) => {
    const rig = await pushRig(t, { helloTimeoutMs: 100, publishersMax: 1 });
    const first = await rig.connect();
    const second = await rig.connect();
    t.equal((await second.closed()).code, PUSH_CLOSE_CODES.get('PUSH_BUSY'));
    t.equal((await first.closed()).code, PUSH_CLOSE_CODES.get('PUSH_HELLO'));
  },
);

t.test('a batch is all or nothing: one bad tick, and none of it is published', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher();
  publisher.send(
    batchBytes(1, [...snapshot(), { kind: Trade, price: 0, size: 1, flags: TickFlag.NoTime }]),
  );
  t.equal((await publisher.closed()).code, 4408);
  t.same(
    rig.drain().filter(({ kind }) => kind !== State),
    [],
  );
});

t.test('a publisher above a rate is held back by credit, and goes on when it is due', async (t) => {
  const rig = await pushRig(t, { ticksPerSecond: 200, creditBatches: 2 });
  const publisher = await rig.publisher();
  const trade: PushedTick = { kind: Trade, price: 5, size: 1, flags: TickFlag.NoTime };
  const ticks = Array.from({ length: 100 }, () => trade);
  let creditSeq = 2;
  let heldCount = 0;
  const startMs = Date.now();
  for (let seq = 1; seq <= 5; seq++) {
    if (seq > creditSeq) heldCount++;
    const held = seq;
    creditSeq = await eventually(
      () =>
        [...publisher.acks.map((ack) => ack.creditSeq), creditSeq].find((credit) => credit >= held),
      `credit for ${seq}`,
    );
    publisher.send(batchBytes(seq, ticks));
    await publisher.acked(seq);
  }
  t.ok(heldCount > 0, 'it was held back');
  t.ok(Date.now() - startMs >= 500, 'for as long as the rate says');
  t.ok(rig.count('pushThrottles') > 0);
  t.equal(rig.count('pushTicks'), 500, 'and nothing was lost');
});

t.test('who does not read its acks is ended', async (t) => {
  const rig = await pushRig(t, { creditBatches: 4096 });
  const publisher = await rig.publisher();
  publisher.ws.pause();
  // The kernel keeps some megabytes of acks for a reader that sleeps.
  const mark = 0x1234_5678_9abcn;
  const bytes = Buffer.from(batchBytes(mark, []));
  const at = bytes.indexOf(Buffer.from([0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12]));
  let seq = 0;
  await eventually(
    () => {
      for (let sent = 0; sent < 2048 && seq - rig.count('pushBatches') < 4096; sent++) {
        bytes.writeBigInt64LE(BigInt(++seq), at);
        publisher.send(bytes);
      }
      return rig.rejects('PUSH_SLOW_READER') > 0 || undefined;
    },
    'the acks to pile up',
    60_000,
  );
  t.equal(rig.rejects('PUSH_SLOW_READER'), 1);
  publisher.ws.resume();
  t.ok([4412, 1006].includes((await publisher.closed()).code), 'if it reads on, it learns why');
});

t.test('when the engine stops, publishers are told and the port is free again', async (t) => {
  const rig = await pushRig(t);
  const publisher = await rig.publisher();
  rig.listener.onStop();
  t.equal((await publisher.closed()).code, 1001);
  t.ok(rig.listener.isDone);
  rig.listener.onClose();
  await t.rejects(
    new Promise((resolve, reject) => {
      const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/v1/push`);
      ws.on('open', resolve);
      ws.on('error', reject);
    }),
    /ECONNREFUSED/,
  );
});

t.test('a thread that dies with an open listener does not take the process with it', async (t) => {
  const worker = new Worker(new URL('./dying-push-worker.js', import.meta.url));
  const error = await new Promise<unknown>((resolve) => worker.once('error', resolve));
  t.match(error, { message: 'the worker dies' });
  await new Promise((resolve) => worker.once('exit', resolve));
  t.pass('we are still here');
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}
