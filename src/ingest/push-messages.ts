/**
 * push-messages: the other messages of the push listener: hello in, welcome, ack and resync out. Ingest thread.
 *
 * A hello comes from outside, so it is read with checks (push-buffer.ts). An ack is made once and then only its numbers are
 * written anew: it goes out for every batch.
 */
import { Builder } from 'flatbuffers';
import { assert } from '../domain/assert.js';
import { PushAck } from '../generated/push-ack.js';
import { PushResync } from '../generated/push-resync.js';
import { PushWelcome } from '../generated/push-welcome.js';
import { MALFORMED } from './push-buffer.js';
import type { PushBuffer } from './push-buffer.js';

/** 'TWPH' as a little-endian number. */
export const HELLO_IDENTIFIER = 0x48505754;
const WELCOME_IDENTIFIER = 'TWPW';
const ACK_IDENTIFIER = 'TWPA';
const RESYNC_IDENTIFIER = 'TWPR';

/** An instrument of a hello. */
export interface HelloInstrument {
  readonly venue: string;
  readonly symbol: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  /** PushBook. */
  readonly book: number;
}

export interface Hello {
  readonly schemaHash: string;
  readonly publisher: string;
  readonly instruments: readonly HelloInstrument[];
}

const TEXT_BYTES_MAX = 64;
const INSTRUMENTS_MAX = 1024;

/** The hello in the buffer; a text: why it is none. */
export function readHello(buffer: PushBuffer): Hello | string {
  const root = buffer.root();
  if (root < 0) return 'no root table';
  const schemaHash = buffer.text(root, 0, TEXT_BYTES_MAX);
  const publisher = buffer.text(root, 1, TEXT_BYTES_MAX);
  const list = buffer.vector(root, 2, 4);
  if (schemaHash === null) return 'no text in schema_hash';
  if (publisher === null || !/^[\w.-]+$/.test(publisher)) return 'no name in publisher';
  if (list < 0) return 'no instruments';
  const count = buffer.lengthAt(list);
  if (count === 0 || count > INSTRUMENTS_MAX) {
    return `${count} instruments, 1 to ${INSTRUMENTS_MAX} may be named`;
  }
  const instruments: HelloInstrument[] = [];
  for (let index = 0; index < count; index++) {
    const table = buffer.tableAt(list, index);
    if (table < 0) return `instruments[${index}] is no table`;
    const venue = buffer.text(table, 0, TEXT_BYTES_MAX);
    const symbol = buffer.text(table, 1, TEXT_BYTES_MAX);
    const priceScale = buffer.ubyte(table, 2);
    const sizeScale = buffer.ubyte(table, 3);
    const book = buffer.ubyte(table, 4);
    if (venue === null || symbol === null) return `instruments[${index}] has no venue or symbol`;
    if (priceScale === MALFORMED || sizeScale === MALFORMED || book === MALFORMED) {
      return `instruments[${index}] has malformed numbers`;
    }
    instruments.push({ venue, symbol, priceScale, sizeScale, book });
  }
  return { schemaHash, publisher, instruments };
}

export function encodeWelcome(welcome: {
  readonly creditSeq: number;
  readonly batchTicksMax: number;
  readonly messageBytesMax: number;
  readonly silenceMs: number;
}): Uint8Array {
  const builder = new Builder(128);
  const root = PushWelcome.createPushWelcome(
    builder,
    BigInt(welcome.creditSeq),
    welcome.batchTicksMax,
    welcome.messageBytesMax,
    welcome.silenceMs,
  );
  builder.finish(root, WELCOME_IDENTIFIER);
  return builder.asUint8Array();
}

export function encodeResync(reason: string, instruments: readonly number[]): Uint8Array {
  const builder = new Builder(128);
  const reasonAt = builder.createString(reason);
  const instrumentsAt = PushResync.createInstrumentsVector(builder, [...instruments]);
  builder.finish(PushResync.createPushResync(builder, reasonAt, instrumentsAt), RESYNC_IDENTIFIER);
  return builder.asUint8Array();
}

/** The numbers of an ack, in the order of the schema. */
const ACK_FIELDS = 6;
const TWO_32 = 4_294_967_296;

/** One ack, its numbers written anew each time. */
export class AckMessage {
  readonly bytes: Uint8Array;
  readonly #i32: Int32Array;
  /** Word of each field. */
  readonly #words: Int32Array;
  readonly #epochHigh: number;
  readonly #epochLow: number;

  constructor(runEpochNs: bigint) {
    const builder = new Builder(128);
    // No field may be left at its default: it must be there to be written.
    builder.forceDefaults(true);
    const marks = Array.from({ length: ACK_FIELDS }, (_, field) => BigInt(field));
    const [seq = 0n, credit = 0n, ticks = 0n, ring = 0n, recv = 0n, done = 0n] = marks;
    const root = PushAck.createPushAck(builder, seq, credit, ticks, ring, recv, done);
    builder.finish(root, ACK_IDENTIFIER);
    const made = builder.asUint8Array();
    this.#i32 = new Int32Array(made.length / 4);
    this.bytes = new Uint8Array(this.#i32.buffer);
    this.bytes.set(made);
    this.#words = new Int32Array(ACK_FIELDS);
    const view = new DataView(this.#i32.buffer);
    const table = view.getUint32(0, true);
    const vtable = table - view.getInt32(table, true);
    for (let field = 0; field < ACK_FIELDS; field++) {
      const position = table + view.getUint16(vtable + 4 + field * 2, true);
      assert(view.getBigInt64(position, true) === BigInt(field), 'the ack has its fields');
      this.#words[field] = position / 4;
    }
    this.#epochHigh = Number(runEpochNs >> 32n);
    this.#epochLow = Number(runEpochNs & 0xffffffffn);
  }

  /** Times are ns since run start. */
  write(
    seq: number,
    creditSeq: number,
    tickCount: number,
    ringCount: number,
    recvNs: number,
    doneNs: number,
  ): void {
    this.#set(0, seq);
    this.#set(1, creditSeq);
    this.#set(2, tickCount);
    this.#set(3, ringCount);
    this.#setEpoch(4, recvNs);
    this.#setEpoch(5, doneNs);
  }

  #set(field: number, value: number): void {
    const word = this.#words[field] as number;
    this.#i32[word] = value | 0;
    this.#i32[word + 1] = Math.floor(value / TWO_32) | 0;
  }

  #setEpoch(field: number, runNs: number): void {
    const word = this.#words[field] as number;
    const low = this.#epochLow + runNs;
    this.#i32[word] = low | 0;
    this.#i32[word + 1] = (this.#epochHigh + Math.floor(low / TWO_32)) | 0;
  }
}
