/**
 * frame-entries: what one frame says, decoded and not yet believed. A venue's market-feed fills it while it reads; only
 * when the whole frame was understood does market-publisher.ts turn it into book changes and ticks. So a frame is all
 * or nothing: one that is cut off in the middle changes nothing.
 * @hotpath
 *
 * Parallel typed arrays, reused for every frame; they grow with the largest one (a BTC-USD snapshot has 46,000 entries).
 * One per connection, ingest thread.
 */
import type { ByteScanner } from '../domain/byte-scanner.js';

export const EntryKind = {
  None: 0,
  Trade: 1,
  Bid: 2,
  Ask: 3,
  /** The levels up to SnapshotEnd are the whole book. Its time is the snapshot's. */
  SnapshotBegin: 4,
  SnapshotEnd: 5,
  /** The venue's own summary: bid in price and size, ask in askPrice and askSize. */
  Ticker: 6,
  /** Its other half: last price and size. */
  TickerLast: 7,
  /** A level whose decimals do not fit: the book is no longer the venue's. flags = reason code index. */
  LevelRefused: 8,
  /** Mark (or oracle) price in price, index price in askPrice (0: none), both at MARK_SCALE. */
  Mark: 9,
  /** Funding rate of one interval in price, at FUNDING_SCALE; its next time in askPrice, ns since run start (0: unknown). */
  Funding: 10,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** Which field of an entry is outside 2^53 (an int64 in `wideOf`); NoTime: the venue gave no time. */
export const Wide = {
  Price: 1,
  Size: 2,
  AskPrice: 4,
  AskSize: 8,
  Time: 16,
  Id: 32,
  NoTime: 64,
} as const;
export type Wide = (typeof Wide)[keyof typeof Wide];

const CAPACITY_START = 1024;
/** A frame cannot hold more: it would have to be larger than any frame limit. */
const CAPACITY_MAX = 1 << 22;
const NS_PER_SEC = 1_000_000_000;
/** As nanoseconds safely inside int64. */
const TIME_SEC_MAX = 9_200_000_000;

export class FrameEntries {
  count = 0;
  kinds: Uint8Array = new Uint8Array(CAPACITY_START);
  /** TickFlag bits of the entry; for LevelRefused the reason. */
  flags: Uint16Array = new Uint16Array(CAPACITY_START);
  /** Which market of this connection (place in MarketPublisher.markets). */
  markets: Uint16Array = new Uint16Array(CAPACITY_START);
  wides: Uint8Array = new Uint8Array(CAPACITY_START);
  prices: Float64Array = new Float64Array(CAPACITY_START);
  sizes: Float64Array = new Float64Array(CAPACITY_START);
  askPrices: Float64Array = new Float64Array(CAPACITY_START);
  askSizes: Float64Array = new Float64Array(CAPACITY_START);
  /** ns since run start. */
  timesNs: Float64Array = new Float64Array(CAPACITY_START);
  /** Trade ids. */
  ids: Float64Array = new Float64Array(CAPACITY_START);
  readonly #epochSec: number;
  readonly #epochNanos: number;
  /** Cold: the values that are outside 2^53, by entry and field. */
  readonly #wideValues = new Map<number, bigint>();

  constructor(runEpochNs: bigint) {
    this.#epochSec = Number(runEpochNs / BigInt(NS_PER_SEC));
    this.#epochNanos = Number(runEpochNs % BigInt(NS_PER_SEC));
  }

  /** A new frame: forgets the one before. */
  begin(): void {
    this.count = 0;
    if (this.#wideValues.size > 0) this.#wideValues.clear();
  }

  /** Adds an entry; its numbers are whatever was there, the caller sets those that its kind has. */
  add(kind: EntryKind, market: number): number {
    const index = this.count;
    if (index === this.kinds.length) this.#grow();
    this.kinds[index] = kind;
    this.flags[index] = 0;
    this.markets[index] = market;
    this.wides[index] = 0;
    this.count = index + 1;
    return index;
  }

  /** Takes back the last entry. */
  dropLast(): void {
    this.count--;
  }

  /**
   * The scanner's last time as ns since run start: exact, by BigInt when it is more than 104 days away. One beyond int64
   * (292 years) is none: year 1, the zero time of Go, stands for no time on some wires.
   */
  setTime(index: number, scanner: ByteScanner): void {
    const sec = (scanner.seconds[0] as number) - this.#epochSec;
    const ns = sec * NS_PER_SEC + (scanner.nanos - this.#epochNanos);
    this.timesNs[index] = ns;
    if (ns > Number.MAX_SAFE_INTEGER || ns < -Number.MAX_SAFE_INTEGER) {
      this.#setWideTime(index, sec, scanner.nanos);
    }
  }

  /** Cold: a time outside 2^53. */
  #setWideTime(index: number, sec: number, nanos: number): void {
    if (Math.abs(sec) > TIME_SEC_MAX) {
      this.setNoTime(index);
      return;
    }
    const rest = BigInt(nanos - this.#epochNanos);
    this.#setWide(index, Wide.Time, BigInt(sec) * BigInt(NS_PER_SEC) + rest);
  }

  /** The venue gave no time. */
  setNoTime(index: number): void {
    this.timesNs[index] = 0;
    this.wides[index] = (this.wides[index] as number) | Wide.NoTime;
  }

  /** Copies the time of another entry. */
  copyTime(index: number, from: number): void {
    this.timesNs[index] = this.timesNs[from] as number;
    this.wides[index] =
      (this.wides[index] as number) | ((this.wides[from] as number) & Wide.NoTime);
    if (((this.wides[from] as number) & Wide.Time) !== 0) {
      this.#setWide(index, Wide.Time, this.wideOf(from, Wide.Time));
    }
  }

  /** Cold: a value outside 2^53. */
  setWideMantissa(index: number, field: Wide, value: bigint): void {
    this.#setWide(index, field, value);
  }

  isWide(index: number, field: Wide): boolean {
    return ((this.wides[index] as number) & field) !== 0;
  }

  /** Cold: the value of a wide field. */
  wideOf(index: number, field: Wide): bigint {
    return this.#wideValues.get(index * 64 + field) ?? 0n;
  }

  #setWide(index: number, field: Wide, value: bigint): void {
    this.wides[index] = (this.wides[index] as number) | field;
    this.#wideValues.set(index * 64 + field, value);
  }

  /** Cold: doubles every array. */
  #grow(): void {
    const capacity = this.kinds.length * 2;
    if (capacity > CAPACITY_MAX) throw new RangeError(`entries of one frame: capacity=${capacity}`);
    const small = { kinds: this.kinds, wides: this.wides };
    const words = { flags: this.flags, markets: this.markets };
    this.kinds = new Uint8Array(capacity);
    this.kinds.set(small.kinds);
    this.wides = new Uint8Array(capacity);
    this.wides.set(small.wides);
    this.flags = new Uint16Array(capacity);
    this.flags.set(words.flags);
    this.markets = new Uint16Array(capacity);
    this.markets.set(words.markets);
    this.prices = grown(this.prices, capacity);
    this.sizes = grown(this.sizes, capacity);
    this.askPrices = grown(this.askPrices, capacity);
    this.askSizes = grown(this.askSizes, capacity);
    this.timesNs = grown(this.timesNs, capacity);
    this.ids = grown(this.ids, capacity);
  }
}

function grown(values: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity);
  larger.set(values);
  return larger;
}
