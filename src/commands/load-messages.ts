/**
 * load-messages: what the load generator says to a push listener and hears from it (docs/push-format.md). Main thread.
 *
 * A batch is 48 bytes that never change but for two numbers, and the ticks behind them; so one is made at start and only
 * its numbers are written anew.
 */
import { Builder, ByteBuffer } from 'flatbuffers';
import {
  PUSH_SCHEMA_HASH,
  PUSH_TICK_BYTES,
  PUSH_TICK_WORDS,
  setPushTickFlags,
  setPushTickInstrument,
  setPushTickKind,
  setPushTickPriceMantissa,
  setPushTickSizeMantissa,
  setPushTickVenueEpochNsBig,
  setPushTickVenueSeq,
  TickFlag,
  TickKind,
} from '../generated/hot.js';
import { PushAck } from '../generated/push-ack.js';
import { PushBook } from '../generated/push-book.js';
import { PushHello } from '../generated/push-hello.js';
import { PushInstrument } from '../generated/push-instrument.js';
import { PushWelcome } from '../generated/push-welcome.js';

/** An instrument as `GET /v1/push` tells it. */
export interface PushableInstrument {
  readonly venue: string;
  readonly symbol: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly publisher: string | null;
}

export function encodeHello(
  publisher: string,
  instruments: readonly PushableInstrument[],
): Uint8Array {
  const builder = new Builder(1024);
  const offsets = instruments.map((one) =>
    PushInstrument.createPushInstrument(
      builder,
      builder.createString(one.venue),
      builder.createString(one.symbol),
      one.priceScale,
      one.sizeScale,
      PushBook.Levels,
    ),
  );
  const list = PushHello.createInstrumentsVector(builder, offsets);
  const hash = builder.createString(PUSH_SCHEMA_HASH);
  const name = builder.createString(publisher);
  builder.finish(PushHello.createPushHello(builder, hash, name, list), 'TWPH');
  return builder.asUint8Array();
}

/** What the listener said. */
export type ListenerMessage =
  | { readonly kind: 'welcome'; readonly creditSeq: number; readonly batchTicksMax: number }
  | {
      readonly kind: 'ack';
      readonly seq: number;
      readonly creditSeq: number;
      readonly tickCount: number;
      readonly ringCount: number;
      /** From the batch in the listener's hands to its last tick on the ring. */
      readonly workNs: number;
    }
  | { readonly kind: 'resync' }
  | { readonly kind: 'unknown' };

export function readMessage(bytes: Uint8Array): ListenerMessage {
  const buffer = new ByteBuffer(bytes);
  if (bytes.length < 8) return { kind: 'unknown' };
  if (buffer.__has_identifier('TWPA')) {
    const ack = PushAck.getRootAsPushAck(buffer);
    return {
      kind: 'ack',
      seq: Number(ack.seq()),
      creditSeq: Number(ack.creditSeq()),
      tickCount: Number(ack.tickCount()),
      ringCount: Number(ack.ringCount()),
      workNs: Number(ack.doneEpochNs() - ack.recvEpochNs()),
    };
  }
  if (buffer.__has_identifier('TWPW')) {
    const welcome = PushWelcome.getRootAsPushWelcome(buffer);
    return {
      kind: 'welcome',
      creditSeq: Number(welcome.creditSeq()),
      batchTicksMax: welcome.batchTicksMax(),
    };
  }
  return { kind: buffer.__has_identifier('TWPR') ? 'resync' : 'unknown' };
}

const HEAD_BYTES = 48;
const VTABLE_AT = 8;
const TABLE_AT = 20;
const SEQ_AT = 24;
const SENT_AT = 32;
const TICKS_OFFSET_AT = 40;
const TICKS_AT = 44;
const IDENTIFIER = [0x54, 0x57, 0x50, 0x42]; // 'TWPB'

/** Ticks that go with every instrument's first batch: a book to change. */
const SNAPSHOT_LEVELS = 10;
const PRICE_MID = 1_000_000;
const SIZE_MID = 100_000;
/** Bid, ask, trade, and the end of the frame. */
const PATTERN_TICKS = 4;

/** A batch that is sent again and again with other numbers: levels and trades around a price that wanders. */
export class BatchTemplate {
  readonly bytes: Uint8Array;
  readonly tickCount: number;
  readonly #view: DataView;
  readonly #i32: Int32Array;
  readonly #instrumentCount: number;
  #round = 0;

  constructor(tickCount: number, instrumentCount: number) {
    this.tickCount = tickCount;
    this.#instrumentCount = instrumentCount;
    const made = emptyBatch(tickCount);
    this.bytes = made;
    this.#view = new DataView(made.buffer);
    this.#i32 = new Int32Array(made.buffer);
  }

  /** Writes the numbers of the next batch. */
  next(seq: number, epochNs: bigint): void {
    this.#view.setBigUint64(SEQ_AT, BigInt(seq), true);
    this.#view.setBigUint64(SENT_AT, epochNs, true);
    this.#round++;
    for (let k = 0; k < this.tickCount; k++) {
      const base = HEAD_BYTES / 4 + k * PUSH_TICK_WORDS;
      const part = k % PATTERN_TICKS;
      const step = (this.#round + k) % SNAPSHOT_LEVELS;
      const isAsk = part === 1 || part === 3;
      const isTrade = part === 2;
      setPushTickPriceMantissa(this.#i32, base, PRICE_MID + (isAsk ? 1 + step : -step));
      setPushTickSizeMantissa(this.#i32, base, SIZE_MID + ((this.#round * 7 + k) % 1_000));
      setPushTickVenueEpochNsBig(this.#i32, base, epochNs);
      setPushTickVenueSeq(this.#i32, base, this.#round);
      setPushTickInstrument(this.#i32, base, Math.floor(k / PATTERN_TICKS) % this.#instrumentCount);
      setPushTickKind(this.#i32, base, isTrade ? TickKind.Trade : TickKind.Level);
      const isLast = part === PATTERN_TICKS - 1 || k === this.tickCount - 1;
      const side = isAsk ? TickFlag.Ask : 0;
      setPushTickFlags(this.#i32, base, side | (isLast ? TickFlag.LastOfFrame : 0));
    }
  }
}

/** The first batch: a book for every instrument. */
export function snapshotBatch(instrumentCount: number, epochNs: bigint): Uint8Array {
  const perInstrument = 1 + 2 * SNAPSHOT_LEVELS;
  const bytes = emptyBatch(instrumentCount * perInstrument);
  const view = new DataView(bytes.buffer);
  const i32 = new Int32Array(bytes.buffer);
  view.setBigUint64(SEQ_AT, 1n, true);
  view.setBigUint64(SENT_AT, epochNs, true);
  for (let k = 0; k < instrumentCount * perInstrument; k++) {
    const base = HEAD_BYTES / 4 + k * PUSH_TICK_WORDS;
    const level = (k % perInstrument) - 1;
    const isAsk = level >= SNAPSHOT_LEVELS;
    setPushTickInstrument(i32, base, Math.floor(k / perInstrument));
    setPushTickVenueEpochNsBig(i32, base, epochNs);
    setPushTickKind(i32, base, level < 0 ? TickKind.SnapshotBegin : TickKind.Level);
    if (level < 0) continue;
    setPushTickPriceMantissa(
      i32,
      base,
      isAsk ? PRICE_MID + 1 + (level - SNAPSHOT_LEVELS) : PRICE_MID - level,
    );
    setPushTickSizeMantissa(i32, base, SIZE_MID);
    const isLast = level === 2 * SNAPSHOT_LEVELS - 1;
    setPushTickFlags(i32, base, (isAsk ? TickFlag.Ask : 0) | (isLast ? TickFlag.LastOfFrame : 0));
  }
  return bytes;
}

/** Ticks of the first batch. */
export function snapshotTicks(instrumentCount: number): number {
  return instrumentCount * (1 + 2 * SNAPSHOT_LEVELS);
}

/** The fixed head of a batch (docs/push-format.md) and room for its ticks. */
function emptyBatch(tickCount: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + tickCount * PUSH_TICK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, TABLE_AT, true);
  bytes.set(IDENTIFIER, 4);
  // The vtable: its size, the table's size, where seq, sent_epoch_ns and ticks stand in the table.
  [10, 24, SEQ_AT - TABLE_AT, SENT_AT - TABLE_AT, TICKS_OFFSET_AT - TABLE_AT].forEach(
    (value, index) => {
      view.setUint16(VTABLE_AT + index * 2, value, true);
    },
  );
  view.setInt32(TABLE_AT, TABLE_AT - VTABLE_AT, true);
  view.setUint32(TICKS_OFFSET_AT, TICKS_AT - TICKS_OFFSET_AT, true);
  view.setUint32(TICKS_AT, tickCount, true);
  return bytes;
}
