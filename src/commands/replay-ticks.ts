/**
 * replay-ticks: where replayed ticks go: over a real tick ring, as in the engine, to a hash and, if wanted, to a file. Main
 * thread; each tick is read as soon as it is published, so the ring never fills.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { decimalText } from '../domain/decimal-text.js';
import { codeAt, TickwireError } from '../domain/errors.js';
import { FUNDING_SCALE, MARK_SCALE } from '../domain/instrument.js';
import type { Instrument } from '../domain/instrument.js';
import {
  getTickAskPriceMantissaBig,
  getTickAskSizeMantissaBig,
  getTickFlags,
  getTickInstrumentIndex,
  getTickKind,
  getTickPriceMantissaBig,
  getTickRecvNsBig,
  getTickSizeMantissa,
  getTickSizeMantissaBig,
  getTickVenueNsBig,
  getTickVenueSeqBig,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
  TickFlag,
  TickKind,
} from '../generated/hot.js';
import { allocateRing, GatingReader, RingWriter } from '../memory/ring.js';
import type { RingSpec } from '../memory/ring.js';
import type { TickOut } from '../venues/venue.js';

const TEXT_CHUNK_CHARS = 1 << 16;
const RING_SLOTS = 4096;

/** Somebody who wants to see each tick. */
export interface TickSink {
  tick(i32: Int32Array, base: number): void;
}

/** The ring that replayed ticks cross. */
export class ReplayRing implements TickOut {
  readonly i32: Int32Array;
  readonly #writer: RingWriter;
  readonly #reader: GatingReader;
  readonly #sinks: readonly TickSink[];

  constructor(sinks: readonly TickSink[]) {
    const spec: RingSpec = {
      name: 'replay',
      slotBytes: TICK_BYTES,
      slotCount: RING_SLOTS,
      readers: [{ name: 'replay', kind: 'gating', wakeIndex: -1 }],
      writerRole: 'replay',
      schemaHashWord: SCHEMA_HASH_WORD,
    };
    const buffer = allocateRing(spec);
    this.#writer = new RingWriter(buffer, spec, null);
    this.#reader = new GatingReader(buffer, spec, 0);
    this.i32 = this.#writer.i32;
    this.#sinks = sinks;
  }

  claim(): number {
    return this.#writer.claim();
  }

  publish(): void {
    this.#writer.publish();
    const base = this.#reader.poll();
    for (const sink of this.#sinks) sink.tick(this.#reader.i32, base);
    this.#reader.advance();
  }
}

/** Ticks as JSON Lines in a file. */
export class TickFile implements TickSink {
  readonly #path: string;
  readonly #instruments: ReadonlyMap<number, Instrument>;
  readonly #runEpochNs: bigint;
  readonly #fd: number;
  #text = '';

  constructor(path: string, instruments: readonly Instrument[], runEpochNs: bigint) {
    this.#path = path;
    this.#instruments = new Map(instruments.map((instrument) => [instrument.index, instrument]));
    this.#runEpochNs = runEpochNs;
    this.#fd = this.#do(() => openSync(path, 'w'));
  }

  tick(i32: Int32Array, base: number): void {
    const instrument = this.#instruments.get(getTickInstrumentIndex(i32, base));
    if (instrument === undefined) return;
    this.#text += `${JSON.stringify(describeTick(i32, base, instrument, this.#runEpochNs))}\n`;
    if (this.#text.length >= TEXT_CHUNK_CHARS) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    this.#do(() => writeSync(this.#fd, this.#text));
    this.#text = '';
  }

  #do<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TickwireError('RECORDING_FAILED', `cannot write ${this.#path}: ${why}`, {
        path: this.#path,
      });
    }
  }
}

/** A tick in words; fields that its kind does not have are left out (docs/cli.md). */
function describeTick(
  i32: Int32Array,
  base: number,
  instrument: Instrument,
  runEpochNs: bigint,
): Record<string, unknown> {
  const flags = getTickFlags(i32, base);
  const kind = getTickKind(i32, base);
  const { priceScale, sizeScale } = instrument;
  const price = (scale = priceScale): string =>
    decimalText(getTickPriceMantissaBig(i32, base), scale);
  const size = (): string => decimalText(getTickSizeMantissaBig(i32, base), sizeScale);
  const ask = (scale = priceScale): string =>
    decimalText(getTickAskPriceMantissaBig(i32, base), scale);
  const sides = (): Record<string, unknown> => ({
    bid: (flags & TickFlag.NoBid) === 0 ? [price(), size()] : null,
    ask:
      (flags & TickFlag.NoAsk) === 0
        ? [ask(), decimalText(getTickAskSizeMantissaBig(i32, base), sizeScale)]
        : null,
  });
  const isSell = (flags & TickFlag.AggressorSell) !== 0;
  const content = (): Record<string, unknown> => {
    switch (kind) {
      case TickKind.Trade:
        return { price: price(), size: size(), aggressor: isSell ? 'sell' : 'buy' };
      case TickKind.Quote:
      case TickKind.Ticker:
        return sides();
      case TickKind.Level:
        return { side: isSell ? 'ask' : 'bid', price: price(), size: size() };
      case TickKind.State:
        return { state: codeAt(getTickSizeMantissa(i32, base)) };
      case TickKind.TickerLast:
        return { price: price(), size: size() };
      case TickKind.Mark:
        return { mark: price(MARK_SCALE), index: ask(MARK_SCALE) };
      case TickKind.Funding:
        return { rate: price(FUNDING_SCALE) };
      default:
        return {};
    }
  };
  return {
    kind: KIND_NAMES[kind] ?? String(kind),
    venue: instrument.venue,
    symbol: instrument.symbol,
    ...content(),
    venueSeq: getTickVenueSeqBig(i32, base).toString(),
    venueNs:
      (flags & TickFlag.NoTime) === 0
        ? (runEpochNs + getTickVenueNsBig(i32, base)).toString()
        : null,
    recvNs: (runEpochNs + getTickRecvNsBig(i32, base)).toString(),
    isBackfill: (flags & TickFlag.Backfill) !== 0,
    isLastOfFrame: (flags & TickFlag.LastOfFrame) !== 0,
  };
}

const KIND_NAMES = Object.keys(TickKind).map(
  (name) => name.slice(0, 1).toLowerCase() + name.slice(1),
);
