/** records: event records and texts for journal and control tests, written with the product's own accessors. */
import { CoreRecord, EventKind } from '#src/domain/core-record.js';
import type { Instrument } from '#src/domain/instrument.js';
import { OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import {
  EVENT_WORDS,
  setEventTextKind,
  setEventTextOrderSeq,
  setEventTextRefSeq,
  setEventTextTextBytes,
  setEventTextTextKind,
  writeEvent,
  writeEventTextText,
} from '#src/generated/hot.js';
import type { JournalWriter, RunOptions } from '#src/ports/store.js';

export const BTC: Instrument = {
  index: 0,
  venue: 'coinbase',
  kind: 'spot',
  symbol: 'BTC-USD',
  venueSymbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  priceScale: 2,
  sizeScale: 8,
  tickMantissa: 1,
  lotMantissa: 1,
  sizeMinMantissa: 1,
  sizeMaxMantissa: 340_000_000_000,
  notionalMinMantissa: 10_000_000_000,
  isTradable: true,
};
export const ETH: Instrument = {
  ...BTC,
  index: 1,
  symbol: 'ETH-USD',
  venueSymbol: 'ETH-USD',
  base: 'ETH',
};

export const RUN_EPOCH_NS = 1_760_000_000_000_000_000n;

export function runOptions(overrides: Partial<RunOptions> = {}): RunOptions {
  return {
    startedNs: RUN_EPOCH_NS,
    version: '0.1.0',
    config: '{}',
    strategies: ['ema-cross'],
    instruments: [BTC],
    ...overrides,
  };
}

export type RecordFields = Partial<Omit<CoreRecord, 'reset' | 'kind'>>;

/** Appends records with their own count of seq, as the execution thread would. */
export class RecordSource {
  readonly words = new Int32Array(EVENT_WORDS);
  readonly put: (i32: Int32Array, base: number) => void;
  seq: number;
  constructor(put: (i32: Int32Array, base: number) => void, nextSeq = 1) {
    this.put = put;
    this.seq = nextSeq - 1;
  }

  /** Returns the seq of the record. */
  record(kind: number, fields: RecordFields = {}): number {
    const record = new CoreRecord();
    record.reset(kind);
    this.seq++;
    Object.assign(record, { seq: this.seq, nowNs: this.seq * 1000 }, fields);
    writeEvent(this.words, 0, record);
    this.put(this.words, 0);
    return this.seq;
  }

  text(textKind: number, refSeq: number, orderSeq: number, text: string): void {
    this.words.fill(0);
    const byteCount = writeEventTextText(this.words, 0, text);
    setEventTextTextBytes(this.words, 0, byteCount);
    setEventTextTextKind(this.words, 0, textKind);
    setEventTextRefSeq(this.words, 0, refSeq);
    setEventTextOrderSeq(this.words, 0, orderSeq);
    setEventTextKind(this.words, 0, EventKind.Text);
    this.put(this.words, 0);
  }

  /** A buy of 0.001 BTC at 65083.67: sent, with its client order id, and accepted. */
  openOrder(orderSeq: number, fields: RecordFields = {}): void {
    const order: RecordFields = {
      orderSeq,
      side: Side.Buy,
      orderType: OrderType.Limit,
      timeInForce: TimeInForce.Gtc,
      priceMantissa: 6_508_367,
      sizeMantissa: 100_000,
      ...fields,
    };
    const intent = this.record(EventKind.Intent, { ...order, orderSeq: 0 });
    const send = this.record(EventKind.OrderSend, {
      ...order,
      state: OrderState.PendingNew,
      refSeq: intent,
    });
    this.text(2, send, orderSeq, `abc123${String(orderSeq)}`);
    const accepted = this.record(EventKind.VenueAccepted, { orderSeq });
    this.text(1, accepted, orderSeq, `venue-${String(orderSeq)}`);
    this.record(EventKind.OrderChanged, { ...order, state: OrderState.Open, refSeq: accepted });
  }

  /** A fill of `sizeMantissa` at `priceMantissa`, and the order's state after it. */
  fill(orderSeq: number, fillKey: number, state: number, fields: RecordFields = {}): number {
    const fill: RecordFields = {
      orderSeq,
      fillKey,
      side: Side.Buy,
      priceMantissa: 6_508_367,
      sizeMantissa: 50_000,
      feeMantissa: 1_627_092,
      tickVenueNs: -5_000_000_000,
      ...fields,
    };
    const input = this.record(EventKind.VenueFill, fill);
    this.text(4, input, orderSeq, `fill-${String(fillKey)}`);
    const applied = this.record(EventKind.FillApplied, { ...fill, refSeq: input });
    this.record(EventKind.OrderChanged, { ...fill, state, refSeq: input });
    return applied;
  }
}

/** A source that appends to a writer and commits whenever the batch is full. */
export function sourceOf(writer: JournalWriter, nextSeq = 1): RecordSource {
  return new RecordSource((i32, base) => {
    if (writer.pendingCount === writer.capacity) writer.commit();
    writer.append(i32, base);
  }, nextSeq);
}
