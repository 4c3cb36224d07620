/**
 * Pushed messages without sockets: the hand-written reader against FlatBuffers' own, and against garbage.
 */
import { Builder } from 'flatbuffers';
import fc from 'fast-check';
import t from 'tap';
import { codeAt } from '#src/domain/errors.js';
import {
  PUSH_TICK_BYTES,
  PushBook,
  setPushTickAskPriceMantissaBig,
  setPushTickAskSizeMantissaBig,
  setPushTickPriceMantissaBig,
  setPushTickSizeMantissaBig,
  setPushTickVenueEpochNsBig,
  setPushTickVenueSeqBig,
  TickFlag,
  TickKind,
} from '#src/generated/hot.js';
import { PushAck } from '#src/generated/push-ack.js';
import { PushBatch } from '#src/ingest/push-batch.js';
import { PushBuffer } from '#src/ingest/push-buffer.js';
import { PUSH_CLOSE_CODES } from '#src/ingest/push-codes.js';
import { PushCredit } from '#src/ingest/push-credit.js';
import { AckMessage, readHello } from '#src/ingest/push-messages.js';
import { FrameEntries } from '#src/venues/frame-entries.js';
import { MarketPublisher } from '#src/venues/market-publisher.js';
import { ByteBuffer } from 'flatbuffers';
import { TickList } from '../venues/feed-rig.js';
import { batchBytes, helloBytes } from './push-bytes.js';
import { helloOf, INSTRUMENTS } from './push-rig.js';
import type { PushedTick } from './push-bytes.js';

const RUN_EPOCH_NS = 1_790_000_000_123_456_789n;
const NOW_NS = 5_400_000_000_000;
const BYTES_MAX = 64 * 1024;
const { Trade, Quote, Level, SnapshotBegin, State, Ticker, TickerLast, Mark, Funding } = TickKind;

interface Rig {
  readonly out: TickList;
  readonly publisher: MarketPublisher;
  /** 0 and applied, or why it was refused. */
  push(bytes: Uint8Array): number;
  readonly batch: PushBatch;
  readonly buffer: PushBuffer;
}

/** Instrument 0 has a book of levels, instrument 1 one of quotes. */
function makeRig(): Rig {
  const buffer = new PushBuffer(BYTES_MAX);
  const limits = { batchTicksMax: 512, aheadMaxNs: 1e10, ageMaxNs: 86_400e9 };
  const batch = new PushBatch(buffer, RUN_EPOCH_NS, limits, 2);
  const out = new TickList();
  const publisher = new MarketPublisher({
    ticks: out,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    crossedIsStale: true,
    tradesInTimeOrder: false,
    booksStartEmpty: false,
    onBookBroken: () => undefined,
  });
  for (const instrument of INSTRUMENTS) publisher.addMarket(instrument);
  const entries = new FrameEntries(RUN_EPOCH_NS);
  const mapping = {
    places: Int32Array.of(0, 1),
    books: Uint8Array.of(PushBook.Levels, PushBook.Quotes),
  };
  return {
    out,
    publisher,
    batch,
    buffer,
    push: (bytes) => {
      buffer.begin(bytes);
      let code = batch.read();
      if (code === 0) code = batch.check(mapping, NOW_NS);
      if (code === 0) batch.apply(mapping, publisher, entries, NOW_NS);
      return code;
    },
  };
}

const time = RUN_EPOCH_NS + BigInt(NOW_NS);

t.test('the words of a tick are those of the schema', async (t) => {
  // push-batch.ts reads halves of numbers by their place; here each setter of the schema shows which words it writes.
  const setters = [
    setPushTickPriceMantissaBig,
    setPushTickSizeMantissaBig,
    setPushTickAskPriceMantissaBig,
    setPushTickAskSizeMantissaBig,
    setPushTickVenueEpochNsBig,
    setPushTickVenueSeqBig,
  ];
  setters.forEach((set, index) => {
    const i32 = new Int32Array(PUSH_TICK_BYTES / 4);
    set(i32, 0, -1n);
    t.same(
      [...i32.entries()].filter(([, word]) => word !== 0),
      [
        [index * 2, -1],
        [index * 2 + 1, -1],
      ],
    );
  });
});

t.test('what a batch says comes out as ticks, to the nanosecond and the last digit', async (t) => {
  const rig = makeRig();
  const max = 2n ** 53n - 1n;
  t.equal(
    rig.push(
      batchBytes(77, [
        { kind: Trade, price: max, size: max, venueEpochNs: time - 1n, venueSeq: max },
        { kind: Trade, price: 1, size: 1, venueEpochNs: RUN_EPOCH_NS - 5n, venueSeq: 0 },
        { kind: Trade, price: 1, size: 1, flags: TickFlag.NoTime | TickFlag.Backfill },
      ]),
    ),
    0,
  );
  t.equal(rig.batch.seq, 77);
  t.match(rig.out.take(), [
    {
      priceMantissa: Number(max),
      sizeMantissa: Number(max),
      venueSeq: Number(max),
      venueNs: NOW_NS - 1,
    },
    { venueNs: -5, recvNs: NOW_NS },
    { flags: TickFlag.NoTime | TickFlag.Backfill | TickFlag.LastOfFrame, venueNs: 0 },
  ]);
});

t.test('snapshots follow one another, and a change behind one is a change', async (t) => {
  const rig = makeRig();
  const flags = TickFlag.NoTime;
  const level = (price: number, size: number, side = 0): PushedTick => ({
    kind: Level,
    price,
    size,
    flags: flags | side,
  });
  t.equal(
    rig.push(
      batchBytes(1, [
        { kind: SnapshotBegin, flags },
        level(10, 1),
        level(9, 1),
        // Any other kind ends the snapshot: what follows is a change, so it may delete.
        { kind: Trade, price: 10, size: 1, flags },
        level(9, 0),
        { kind: SnapshotBegin, flags },
        level(8, 1),
        { ...level(20, 4, TickFlag.Ask), flags: flags | TickFlag.Ask | TickFlag.LastOfFrame },
        level(21, 5, TickFlag.Ask),
      ]),
    ),
    0,
  );
  const book = rig.publisher.markets[0]?.book;
  t.same([book?.bids.count, book?.bids.priceAt(0)], [1, 8]);
  t.same([book?.asks.count, book?.asks.priceAt(1)], [2, 21]);
  // Two snapshots of one frame: between them the trade.
  t.same(rig.out.kinds(), [
    SnapshotBegin,
    Level,
    Level,
    Trade,
    Level,
    SnapshotBegin,
    Level,
    Level,
    Quote,
    State,
    Level,
  ]);
});

const pushedTicks: fc.Arbitrary<PushedTick> = fc.record({
  kind: fc.constantFrom(
    Trade,
    Quote,
    Level,
    SnapshotBegin,
    State,
    Ticker,
    TickerLast,
    Mark,
    Funding,
  ),
  instrument: fc.constantFrom(0, 0, 0, 1, 1, 2),
  flags: fc.oneof(fc.constant(TickFlag.NoTime as number), fc.nat(255)),
  price: fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  size: fc.oneof(fc.bigInt(0n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  askPrice: fc.oneof(fc.constant(0n), fc.bigInt(20n, 60n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  askSize: fc.oneof(fc.constant(0n), fc.bigInt(-1n, 3n)),
  venueEpochNs: fc.oneof(fc.constant(time), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  venueSeq: fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
});

/** What must hold of everything that was published, whatever came in. */
function looksRight(rig: Rig): boolean {
  for (const tick of rig.out.take()) {
    for (const value of Object.values(tick)) if (!Number.isSafeInteger(value)) return false;
    if (tick.instrumentIndex > 1 || tick.kind > Funding) return false;
    if (tick.kind === Trade && (tick.priceMantissa <= 0 || tick.sizeMantissa <= 0)) return false;
    if (tick.kind === Level && (tick.priceMantissa <= 0 || tick.sizeMantissa < 0)) return false;
  }
  return rig.publisher.markets.every(({ book }) => !book.isCrossed);
}

t.test('any ticks at all are published as they should be, or refused as a whole', async (t) => {
  const rig = makeRig();
  let acceptedCount = 0;
  let seq = 0;
  fc.assert(
    fc.property(fc.array(pushedTicks, { maxLength: 12 }), (ticks) => {
      const code = rig.push(batchBytes(++seq, ticks));
      if (code === 0) acceptedCount++;
      else if (rig.out.ticks.length > 0) return false;
      return looksRight(rig) && (code === 0 || PUSH_CLOSE_CODES.has(codeAt(code)));
    }),
    { numRuns: 5_000 },
  );
  t.ok(acceptedCount > 100, `${acceptedCount} were accepted`);
});

/** A seeded draw: the same garbage in every run. */
function makeDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

t.test('ten thousand damaged messages: nothing throws, nothing wrong is published', async (t) => {
  const rig = makeRig();
  const draw = makeDraw(20261122);
  const flags = TickFlag.NoTime;
  const batch = batchBytes(5, [
    { kind: SnapshotBegin, flags },
    { kind: Level, price: 10, size: 1, flags },
    { kind: Level, price: 12, size: 1, flags: flags | TickFlag.Ask },
    { kind: Trade, price: 10, size: 1, venueEpochNs: time, venueSeq: 4 },
    { kind: Quote, instrument: 1, price: 10, size: 1, askPrice: 11, askSize: 1, flags },
  ]);
  const hello = helloBytes({ instruments: helloOf(PushBook.Levels) });
  const refused = new Map<string, number>();
  for (let round = 0; round < 10_000; round++) {
    const isHello = draw(5) === 0;
    let bytes = Buffer.from(isHello ? hello : batch);
    const how = draw(4);
    if (how === 0) bytes = bytes.subarray(0, draw(bytes.length));
    else if (how === 1) {
      const garbage = Buffer.alloc(draw(300));
      for (let at = 0; at < garbage.length; at++) garbage[at] = draw(256);
      bytes = garbage;
    } else {
      for (let flip = draw(8); flip >= 0; flip--) {
        const at = draw(how === 2 ? Math.min(bytes.length, 64) : bytes.length);
        bytes[at] = draw(3) === 0 ? 255 : (bytes[at] as number) ^ (1 << draw(8));
      }
    }
    if (isHello) {
      rig.buffer.begin(bytes);
      const made = readHello(rig.buffer);
      if (typeof made !== 'string' && made.instruments.length > 1024)
        t.fail('too many instruments');
      continue;
    }
    const code = rig.push(bytes);
    refused.set(codeAt(code), (refused.get(codeAt(code)) ?? 0) + 1);
    if (code !== 0 && rig.out.ticks.length > 0) t.fail('published and refused');
    if (!looksRight(rig)) t.fail(`round ${round}`);
  }
  for (const code of [
    'OK',
    'PUSH_MALFORMED',
    'PUSH_TICK_KIND',
    'PUSH_TICK_VALUE',
    'PUSH_TICK_TIME',
  ]) {
    t.ok((refused.get(code) ?? 0) > 0, `${code}: ${refused.get(code) ?? 0}`);
  }
});

t.test(
  'a message cut at every byte is malformed, and so is one with any offset bent',
  async (t) => {
    const rig = makeRig();
    const whole = batchBytes(1, [{ kind: Trade, price: 1, size: 1, flags: TickFlag.NoTime }]);
    for (let length = 0; length < whole.length; length++) {
      const code = codeAt(rig.push(whole.subarray(0, length)));
      t.equal(code, 'PUSH_MALFORMED', `${length} bytes`);
    }
    t.equal(rig.push(whole), 0);
    // A vector that claims four thousand million ticks.
    const bent = Buffer.from(whole);
    bent.writeUInt32LE(0xffffffff, bent.length - PUSH_TICK_BYTES - 4);
    t.equal(codeAt(rig.push(bent)), 'PUSH_MALFORMED');
    t.same(rig.out.take().length, 1);
  },
);

t.test('a batch without ticks field is malformed; one without seq has seq 0', async (t) => {
  const rig = makeRig();
  const builder = new Builder(64);
  builder.startObject(3);
  builder.addFieldInt64(0, 4n, 0n);
  builder.finish(builder.endObject(), 'TWPB');
  t.equal(codeAt(rig.push(builder.asUint8Array())), 'PUSH_MALFORMED');
  t.equal(rig.batch.detail, 'no ticks');
  t.equal(rig.push(batchBytes(0, [])), 0);
  t.equal(rig.batch.seq, 0);
});

t.test('an ack is written anew and reads as the schema says, also beyond 2^32', async (t) => {
  const ack = new AckMessage(RUN_EPOCH_NS);
  for (const [seq, ring, recvNs] of [
    [1, 2, 3],
    [2 ** 32, 2 ** 40 + 7, NOW_NS],
    [2 ** 53 - 1, 0, 8.9e15],
  ] as const) {
    ack.write(seq, seq, 5, ring, recvNs, recvNs + 1);
    const read = PushAck.getRootAsPushAck(new ByteBuffer(ack.bytes));
    t.same(
      [read.seq(), read.creditSeq(), read.tickCount(), read.ringCount()],
      [BigInt(seq), BigInt(seq), 5n, BigInt(ring)],
    );
    t.equal(read.recvEpochNs(), RUN_EPOCH_NS + BigInt(recvNs));
    t.equal(read.doneEpochNs(), RUN_EPOCH_NS + BigInt(recvNs + 1));
  }
});

t.test(
  'credit: a window while within the rates, none while overdrawn, and when it is due',
  async (t) => {
    const rates = {
      creditBatches: 4,
      batchesPerSecond: 10,
      ticksPerSecond: 1_000,
      bytesPerSecond: 100_000,
    };
    const credit = new PushCredit(rates, 0);
    t.equal(credit.creditSeq, 4);
    credit.spend(0, 1, 600, 600);
    t.same([credit.creditSeq, credit.isHeld, credit.dueNs], [5, false, Number.POSITIVE_INFINITY]);
    credit.spend(0, 2, 600, 600);
    t.same([credit.creditSeq, credit.isHeld], [5, true]);
    t.equal(credit.dueNs, 200_000_000, '200 ticks too many at 1,000 a second');
    t.notOk(credit.renew(199_000_000));
    t.ok(credit.renew(200_000_000));
    t.equal(credit.creditSeq, 6);
    for (let seq = 3; seq <= 11; seq++) credit.spend(200_000_000, seq, 0, 0);
    t.notOk(credit.isHeld, '10 batches of a second, 2 of the 0.2 s: 11 are within');
    credit.spend(200_000_000, 12, 0, 100_001);
    t.ok(credit.isHeld, 'bytes count as well');
    t.equal(credit.dueNs, 200_010_000, 'one byte too many');
  },
);
