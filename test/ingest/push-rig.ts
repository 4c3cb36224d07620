/**
 * What the tests of the push listener share: a listener on a free port with a real ring and board, and a publisher that
 * encodes its messages by FlatBuffers' own builder, so that the hand-written reader has an oracle.
 */
import { createHash } from 'node:crypto';
import { ByteBuffer } from 'flatbuffers';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import {
  BOARD_MARKET_WORDS,
  PushBook,
  readBoardMarket,
  readTick,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
} from '#src/generated/hot.js';
import type { BoardMarketFields, TickFields } from '#src/generated/hot.js';
import { PushAck } from '#src/generated/push-ack.js';
import { PushResync } from '#src/generated/push-resync.js';
import { PushWelcome } from '#src/generated/push-welcome.js';
import { PushListener } from '#src/ingest/push-listener.js';
import type { PushChange, PushConfig } from '#src/ingest/push-listener.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import { allocateRing, RingWriter, TrailingReader } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { SystemClock, takeClockOrigin } from '#src/runtime/system-clock.js';
import { Counter, COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '#src/runtime/telemetry.js';
import type { CounterName } from '#src/runtime/telemetry.js';
import { eventually } from '../harness/program.js';
import { instrumentNamed } from '../venues/feed-rig.js';
import { helloBytes } from './push-bytes.js';
import type { HelloEntry } from './push-bytes.js';

export const KEY = 'a-key-of-publishers-that-is-long-enough';
export const LIMITS: PushConfig = {
  publishersMax: 4,
  messageBytesMax: 64 * 1024,
  batchTicksMax: 512,
  creditBatches: 8,
  batchesPerSecond: 1_000_000,
  ticksPerSecond: 100_000_000,
  bytesPerSecond: 10_000_000_000,
  helloTimeoutMs: 20_000,
  silenceMs: 60_000,
  aheadMaxMs: 10_000,
  ageMaxMs: 86_400_000,
};

export const INSTRUMENTS: readonly Instrument[] = [
  { ...instrumentNamed('BTC-USD', 0, 2, 8), venue: 'otc' },
  { ...instrumentNamed('ETH-USD', 1, 2, 8), venue: 'otc' },
];

export interface Rig {
  readonly port: number;
  readonly listener: PushListener;
  readonly telemetry: Telemetry;
  readonly clock: SystemClock;
  readonly changes: PushChange[];
  /** Ticks that came out, oldest first. */
  readonly ticks: TickFields[];
  /** Reads the ring to its end. */
  drain(): TickFields[];
  board(index: number): BoardMarketFields;
  count(counter: CounterName): number;
  rejects(code: ErrorCode): number;
  connect(options?: { readonly key?: string; readonly header?: string }): Promise<TestPublisher>;
  /** Connected, said hello for both instruments, welcomed. */
  publisher(book?: PushBook, instruments?: readonly HelloEntry[]): Promise<TestPublisher>;
}

export async function pushRig(
  t: Pick<Test, 'teardown'>,
  limits: Partial<PushConfig> = {},
): Promise<Rig> {
  const spec: RingSpec = {
    name: 'ticks',
    slotBytes: TICK_BYTES,
    slotCount: 1 << 15,
    readers: [{ name: 'test', kind: 'trailing', wakeIndex: 0 }],
    writerRole: 'ingest',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  const ring = allocateRing(spec);
  const reader = new TrailingReader(ring, spec, 0);
  const cells = INSTRUMENTS.length;
  const boardMarkets = new BoardCells(
    new SharedArrayBuffer(BoardCells.bytes(cells, BOARD_MARKET_WORDS)),
    cells,
    BOARD_MARKET_WORDS,
  );
  const counters = new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK));
  const memory = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  const telemetry = new Telemetry(
    new CounterBlock(counters, 0, COUNTERS_PER_BLOCK),
    HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(memory, index)),
  );
  const clock = new SystemClock(takeClockOrigin());
  const changes: PushChange[] = [];
  let port = 0;
  const listener = new PushListener({
    host: '127.0.0.1',
    port: 0,
    config: { ...LIMITS, ...limits },
    keySha256: createHash('sha256').update(KEY).digest(),
    instruments: INSTRUMENTS,
    tickWriter: new RingWriter(ring, spec, null),
    boardMarkets,
    telemetry,
    clock,
    onListening: (actual) => (port = actual),
    onChange: (change) => changes.push(change),
  });
  await listener.onStart({
    poke: () => undefined,
    fail: (error) => {
      throw error;
    },
  });
  const turns = setInterval(() => listener.doWork(clock.nowNs()), 2);
  const publishers: TestPublisher[] = [];
  t.teardown(() => {
    clearInterval(turns);
    for (const publisher of publishers) publisher.ws.terminate();
    listener.onClose();
  });
  const ticks: TickFields[] = [];
  const cell = new Int32Array(BOARD_MARKET_WORDS);
  const rig: Rig = {
    port,
    listener,
    telemetry,
    clock,
    changes,
    ticks,
    drain: () => {
      for (let at = reader.poll(); at >= 0; at = reader.poll()) {
        const tick = {} as TickFields;
        readTick(reader.i32, at, tick);
        ticks.push(tick);
      }
      return ticks;
    },
    board: (index) => {
      const fields = {} as BoardMarketFields;
      if (!boardMarkets.read(index, cell)) throw new Error(`no cell ${index}`);
      readBoardMarket(cell, 0, fields);
      return fields;
    },
    count: (counter) => telemetry.get(Counter[counter]),
    rejects: (code) => telemetry.rejects(codeIndex(code)),
    connect: async ({ key = KEY, header = 'authorization' } = {}) => {
      const publisher = new TestPublisher(port, header, key);
      publishers.push(publisher);
      await publisher.opened();
      return publisher;
    },
    publisher: async (book = PushBook.Levels, instruments = helloOf(book)) => {
      const publisher = await rig.connect();
      publisher.send(helloBytes({ instruments }));
      await eventually(() => publisher.welcome ?? publisher.closedWith(), 'the welcome');
      return publisher;
    },
  };
  return rig;
}

export interface Ack {
  readonly seq: number;
  readonly creditSeq: number;
  readonly tickCount: number;
  readonly ringCount: number;
  readonly recvEpochNs: bigint;
  readonly doneEpochNs: bigint;
}

export class TestPublisher {
  readonly ws: WebSocket;
  readonly acks: Ack[] = [];
  readonly resyncs: { readonly reason: string; readonly instruments: readonly number[] }[] = [];
  welcome: { readonly creditSeq: number; readonly batchTicksMax: number } | undefined;
  #isOpen = false;
  #failure: Error | undefined;
  #closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(port: number, header: string, key: string) {
    const value = header === 'authorization' ? `Bearer ${key}` : key;
    this.ws = new WebSocket(`ws://127.0.0.1:${port}/v1/push`, { headers: { [header]: value } });
    this.ws.binaryType = 'nodebuffer';
    this.ws.on('open', () => (this.#isOpen = true));
    this.ws.on('error', (error) => (this.#failure = error));
    this.ws.on('close', (code, reason) => (this.#closed = { code, reason: reason.toString() }));
    this.ws.on('message', (data: Buffer) => this.#onMessage(data));
  }

  async opened(): Promise<void> {
    await eventually(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#isOpen || undefined;
    }, 'the connection to open');
  }

  send(bytes: Uint8Array): void {
    this.ws.send(bytes);
  }

  /** Close code and reason, once it is closed. */
  closedWith(): { readonly code: number; readonly reason: string } | undefined {
    return this.#closed;
  }

  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return await eventually(() => this.#closed, 'the connection to be closed');
  }

  async acked(seq: number): Promise<Ack> {
    return await eventually(() => {
      if (this.#closed !== undefined) throw new Error(`closed: ${JSON.stringify(this.#closed)}`);
      return this.acks.find((ack) => ack.seq >= seq);
    }, `the ack of ${seq}`);
  }

  #onMessage(data: Buffer): void {
    const bytes = new ByteBuffer(new Uint8Array(data));
    if (bytes.__has_identifier('TWPW')) {
      const welcome = PushWelcome.getRootAsPushWelcome(bytes);
      this.welcome = {
        creditSeq: Number(welcome.creditSeq()),
        batchTicksMax: welcome.batchTicksMax(),
      };
    } else if (bytes.__has_identifier('TWPA')) {
      const ack = PushAck.getRootAsPushAck(bytes);
      this.acks.push({
        seq: Number(ack.seq()),
        creditSeq: Number(ack.creditSeq()),
        tickCount: Number(ack.tickCount()),
        ringCount: Number(ack.ringCount()),
        recvEpochNs: ack.recvEpochNs(),
        doneEpochNs: ack.doneEpochNs(),
      });
    } else if (bytes.__has_identifier('TWPR')) {
      const resync = PushResync.getRootAsPushResync(bytes);
      const instruments = Array.from(
        { length: resync.instrumentsLength() },
        (_, index) => resync.instruments(index) as number,
      );
      this.resyncs.push({ reason: resync.reason(), instruments });
    } else {
      throw new Error('a message of an unknown kind');
    }
  }
}

export function helloOf(book: PushBook): readonly HelloEntry[] {
  return INSTRUMENTS.map(({ venue, symbol, priceScale, sizeScale }) => ({
    venue,
    symbol,
    priceScale,
    sizeScale,
    book,
  }));
}

/** Epoch nanoseconds now, to the millisecond. */
export function epochNow(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
