/**
 * push-bytes: what a publisher sends, encoded by FlatBuffers' own builder.
 */
import { Builder } from 'flatbuffers';
import { PUSH_SCHEMA_HASH } from '#src/generated/hot.js';
import type { PushBook } from '#src/generated/hot.js';
import { PushBatch } from '#src/generated/push-batch.js';
import { PushHello } from '#src/generated/push-hello.js';
import { PushInstrument } from '#src/generated/push-instrument.js';
import { PushTick } from '#src/generated/push-tick.js';

export interface HelloEntry {
  readonly venue: string;
  readonly symbol: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly book: PushBook;
}

export function helloBytes(hello: {
  readonly instruments: readonly HelloEntry[];
  readonly publisher?: string;
  readonly schemaHash?: string;
}): Uint8Array {
  const builder = new Builder(512);
  const instruments = hello.instruments.map((one) => {
    const venue = builder.createString(one.venue);
    const symbol = builder.createString(one.symbol);
    PushInstrument.startPushInstrument(builder);
    PushInstrument.addVenue(builder, venue);
    PushInstrument.addSymbol(builder, symbol);
    PushInstrument.addPriceScale(builder, one.priceScale);
    PushInstrument.addSizeScale(builder, one.sizeScale);
    // As a number: tests send books that the schema does not have.
    builder.addFieldInt8(4, one.book, 0);
    return PushInstrument.endPushInstrument(builder);
  });
  const list = PushHello.createInstrumentsVector(builder, instruments);
  const hash = builder.createString(hello.schemaHash ?? PUSH_SCHEMA_HASH);
  const name = builder.createString(hello.publisher ?? 'tester');
  builder.finish(PushHello.createPushHello(builder, hash, name, list), 'TWPH');
  return builder.asUint8Array();
}

/** A tick of a batch; what is left out is 0. */
export interface PushedTick {
  readonly kind: number;
  readonly instrument?: number;
  readonly flags?: number;
  readonly price?: number | bigint;
  readonly size?: number | bigint;
  readonly askPrice?: number | bigint;
  readonly askSize?: number | bigint;
  readonly venueEpochNs?: bigint;
  readonly venueSeq?: number | bigint;
}

export function batchBytes(seq: number | bigint, ticks: readonly PushedTick[]): Uint8Array {
  const builder = new Builder(512);
  PushBatch.startTicksVector(builder, ticks.length);
  for (const tick of [...ticks].reverse()) {
    PushTick.createPushTick(
      builder,
      BigInt(tick.price ?? 0),
      BigInt(tick.size ?? 0),
      BigInt(tick.askPrice ?? 0),
      BigInt(tick.askSize ?? 0),
      tick.venueEpochNs ?? 0n,
      BigInt(tick.venueSeq ?? 0),
      0n,
      tick.instrument ?? 0,
      tick.kind,
      tick.flags ?? 0,
      0,
    );
  }
  const vector = builder.endVector();
  builder.finish(PushBatch.createPushBatch(builder, BigInt(seq), 0n, vector), 'TWPB');
  return builder.asUint8Array();
}
