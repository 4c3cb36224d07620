/**
 * push-batch: a pushed batch of ticks: checked as a whole, then applied frame by frame. A batch is all or nothing.
 * @hotpath
 *
 *   bytes ─▶ PushBuffer ─▶ read: structure ─▶ check: every tick ─▶ apply: FrameEntries ─▶ MarketPublisher ─▶ ring, books
 *
 * Ingest thread; one instance, reused for every batch of every publisher. A frame is a run of ticks up to one with
 * LastOfFrame: what the venue said at once, so its quote is published once, behind it. Invariant: what `check` has passed
 * cannot fail in `apply`.
 */
import {
  getPushTickAskPriceMantissa,
  getPushTickAskSizeMantissa,
  getPushTickFlags,
  getPushTickInstrument,
  getPushTickKind,
  getPushTickPriceMantissa,
  getPushTickSizeMantissa,
  getPushTickVenueSeq,
  PUSH_TICK_BYTES,
  PUSH_TICK_WORDS,
  PushBook,
  TickFlag,
  TickKind,
} from '../generated/hot.js';
import { codeIndex } from '../domain/errors.js';
import { EntryKind } from '../venues/frame-entries.js';
import type { FrameEntries } from '../venues/frame-entries.js';
import { BookState } from '../venues/market-publisher.js';
import type { MarketPublisher, MarketState } from '../venues/market-publisher.js';
import { ABSENT, MALFORMED } from './push-buffer.js';
import type { PushBuffer } from './push-buffer.js';
import { PushReject } from './push-codes.js';

/** 'TWPB' as a little-endian number. */
export const BATCH_IDENTIFIER = 0x42505754;

/** Fields of the table PushBatch, in the order of the schema. */
const SLOT_SEQ = 0;
const SLOT_TICKS = 2;

/** Words of PushTick (push.fbs; test/ingest/push-batch.test.ts holds them to the schema). */
const PRICE_WORD = 0;
const SIZE_WORD = 2;
const ASK_PRICE_WORD = 4;
const ASK_SIZE_WORD = 6;
const VENUE_EPOCH_WORD = 8;
const VENUE_SEQ_WORD = 10;

const TWO_32 = 4_294_967_296;
/** High half of the first integer beyond 2^53. */
const HIGH_END = 2 ** 21;
const FUNDING_AHEAD_MAX_NS = 31 * 86_400 * 1e9;

/** Flags that a kind may have; LastOfFrame may stand on any. Index: TickKind. */
const FLAGS_ALLOWED = new Uint8Array(16);
FLAGS_ALLOWED[TickKind.Trade] = TickFlag.AggressorSell | TickFlag.Backfill | TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.Quote] = TickFlag.NoBid | TickFlag.NoAsk | TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.Level] = TickFlag.Ask | TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.SnapshotBegin] = TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.State] = TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.Ticker] = TickFlag.NoBid | TickFlag.NoAsk | TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.TickerLast] = TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.Mark] = TickFlag.NoTime;
FLAGS_ALLOWED[TickKind.Funding] = TickFlag.NoTime;

export interface PushBatchLimits {
  readonly batchTicksMax: number;
  /** A venue's time may be ahead of our clock by so much. */
  readonly aheadMaxNs: number;
  /** And behind it. */
  readonly ageMaxNs: number;
}

/** What a publisher's hello mapped. */
export interface PushMapping {
  /** Place of the market in the publisher, by the publisher's own number. */
  readonly places: Int32Array;
  /** PushBook by the publisher's own number. */
  readonly books: Uint8Array;
}

export class PushBatch {
  /** Of the batch that was read last. */
  seq = 0;
  tickCount = 0;
  /** Cold: which tick was refused, and what it says. */
  detail = '';
  readonly #buffer: PushBuffer;
  readonly #limits: PushBatchLimits;
  readonly #epochHigh: number;
  readonly #epochLow: number;
  readonly #staleCode = codeIndex('PUSH_STALE');
  /** Quotes as they are in the book, once the entries so far are applied, by market: bid price, size, ask price, size. */
  readonly #quotes: Float64Array;
  /** Frame in which a market got its first quote: its book is not there yet, and will be. */
  readonly #quotedIn: Float64Array;
  /** The venue's number of the frame under way: what crosses a call in an array is never boxed. */
  readonly #venueSeq = new Float64Array(1);
  /** [0] the time that was read last, [1] the latest that is plausible, [2] the earliest, [3] the latest of a funding. */
  readonly #times = new Float64Array(4);
  #frameCount = 0;
  #ticksWord = 0;

  constructor(
    buffer: PushBuffer,
    runEpochNs: bigint,
    limits: PushBatchLimits,
    marketCount: number,
  ) {
    this.#buffer = buffer;
    this.#limits = limits;
    this.#epochHigh = Number(runEpochNs >> 32n);
    this.#epochLow = Number(runEpochNs & 0xffffffffn);
    this.#quotes = new Float64Array(marketCount * 4);
    this.#quotedIn = new Float64Array(marketCount);
  }

  /** Structure of the message in the buffer; 0, or why it is refused. */
  read(): number {
    const buffer = this.#buffer;
    const root = buffer.root();
    if (root < 0) return this.#malformed('no root table');
    const seqAt = buffer.field(root, SLOT_SEQ, 8);
    const ticksAt = buffer.vector(root, SLOT_TICKS, PUSH_TICK_BYTES);
    if (seqAt === MALFORMED) return this.#malformed('field seq');
    if (ticksAt < 0) return this.#malformed(ticksAt === ABSENT ? 'no ticks' : 'field ticks');
    const high = seqAt === ABSENT ? 0 : (buffer.i32[(seqAt >> 2) + 1] as number);
    if (high < 0 || high >= HIGH_END) return this.#malformed('seq is no number from 1 to 2^53');
    const low = seqAt === ABSENT ? 0 : (buffer.i32[seqAt >> 2] as number) >>> 0;
    this.seq = high * TWO_32 + low;
    this.tickCount = buffer.lengthAt(ticksAt);
    this.#ticksWord = ticksAt >> 2;
    if (this.tickCount <= this.#limits.batchTicksMax) return PushReject.None;
    this.detail = `${this.tickCount} ticks, ${this.#limits.batchTicksMax} at most`;
    return PushReject.BatchLimit;
  }

  /** Every tick of it; 0, or why the batch is refused. */
  check(mapping: PushMapping, nowNs: number): number {
    const { places, books } = mapping;
    this.#times[1] = nowNs + this.#limits.aheadMaxNs;
    this.#times[2] = nowNs - this.#limits.ageMaxNs;
    this.#times[3] = nowNs + FUNDING_AHEAD_MAX_NS;
    let inSnapshotOf = -1;
    let base = this.#ticksWord;
    for (let k = 0; k < this.tickCount; k++, base += PUSH_TICK_WORDS) {
      const i32 = this.#buffer.i32;
      const instrument = getPushTickInstrument(i32, base);
      if (instrument >= places.length) return this.#refuse(PushReject.Instrument, k, base);
      const kind = getPushTickKind(i32, base);
      const flags = getPushTickFlags(i32, base);
      if (kind === TickKind.None || kind > TickKind.Funding) {
        return this.#refuse(PushReject.Kind, k, base);
      }
      const allowed = (FLAGS_ALLOWED[kind] as number) | TickFlag.LastOfFrame;
      if ((flags & ~allowed) !== 0) return this.#refuse(PushReject.Kind, k, base);
      const isOfLevels = kind === TickKind.Level || kind === TickKind.SnapshotBegin;
      if (kind === TickKind.Quote || isOfLevels) {
        const book = isOfLevels ? PushBook.Levels : PushBook.Quotes;
        if (books[instrument] !== book) return this.#refuse(PushReject.Kind, k, base);
      }
      if (kind === TickKind.SnapshotBegin) inSnapshotOf = instrument;
      else if (kind !== TickKind.Level || inSnapshotOf !== instrument) inSnapshotOf = -1;
      if (!this.#hasValues(i32, base, kind, flags, inSnapshotOf >= 0)) {
        return this.#refuse(PushReject.Value, k, base);
      }
      if ((flags & TickFlag.NoTime) === 0 && !this.#hasTime(i32, base)) {
        return this.#refuse(PushReject.Time, k, base);
      }
      if (kind === TickKind.Funding && !this.#hasFundingTime(i32, base)) {
        return this.#refuse(PushReject.Time, k, base);
      }
      if ((flags & TickFlag.LastOfFrame) !== 0) inSnapshotOf = -1;
    }
    return PushReject.None;
  }

  /** Publishes a batch that was checked. `entries` are scratch. */
  apply(
    mapping: PushMapping,
    publisher: MarketPublisher,
    entries: FrameEntries,
    recvNs: number,
  ): void {
    const i32 = this.#buffer.i32;
    this.#begin(entries);
    let snapshotPlace = -1;
    let base = this.#ticksWord;
    for (let k = 0; k < this.tickCount; k++, base += PUSH_TICK_WORDS) {
      const place = mapping.places[getPushTickInstrument(i32, base)] as number;
      const kind = getPushTickKind(i32, base);
      const flags = getPushTickFlags(i32, base);
      if (snapshotPlace >= 0 && (kind !== TickKind.Level || place !== snapshotPlace)) {
        entries.add(EntryKind.SnapshotEnd, snapshotPlace);
        snapshotPlace = -1;
      }
      this.#venueSeq[0] = getPushTickVenueSeq(i32, base);
      switch (kind) {
        case TickKind.Level:
          this.#level(entries, i32, base, place, flags);
          break;
        case TickKind.Quote:
          this.#quote(entries, i32, base, publisher, place, flags);
          break;
        case TickKind.SnapshotBegin:
          this.#time(entries, entries.add(EntryKind.SnapshotBegin, place), i32, base, flags);
          snapshotPlace = place;
          break;
        case TickKind.State:
          // What came before it is of a market that was still good.
          this.#commit(entries, publisher, recvNs);
          publisher.stale(place, this.#staleCode, recvNs);
          break;
        default:
          this.#other(entries, i32, base, place, kind, flags);
      }
      if ((flags & TickFlag.LastOfFrame) !== 0) {
        if (snapshotPlace >= 0) entries.add(EntryKind.SnapshotEnd, snapshotPlace);
        snapshotPlace = -1;
        this.#commit(entries, publisher, recvNs);
      }
    }
    if (snapshotPlace >= 0) entries.add(EntryKind.SnapshotEnd, snapshotPlace);
    this.#commit(entries, publisher, recvNs);
  }

  #begin(entries: FrameEntries): void {
    entries.begin();
    this.#frameCount++;
  }

  #commit(entries: FrameEntries, publisher: MarketPublisher, recvNs: number): void {
    if (entries.count === 0) return;
    publisher.commitFrom(entries, recvNs, this.#venueSeq);
    this.#begin(entries);
  }

  #level(entries: FrameEntries, i32: Int32Array, base: number, place: number, flags: number): void {
    const kind = (flags & TickFlag.Ask) === 0 ? EntryKind.Bid : EntryKind.Ask;
    const index = entries.add(kind, place);
    entries.prices[index] = getPushTickPriceMantissa(i32, base);
    entries.sizes[index] = getPushTickSizeMantissa(i32, base);
    this.#time(entries, index, i32, base, flags);
  }

  /** Trades, tickers, marks, funding: one entry each, of the same name. */
  #other(
    entries: FrameEntries,
    i32: Int32Array,
    base: number,
    place: number,
    kind: number,
    flags: number,
  ): void {
    const index = entries.add(entryKindOf(kind), place);
    entries.flags[index] = flags & ~(TickFlag.LastOfFrame | TickFlag.NoTime);
    entries.prices[index] = getPushTickPriceMantissa(i32, base);
    entries.sizes[index] = getPushTickSizeMantissa(i32, base);
    if (kind === TickKind.Funding) {
      this.#fundingNextNs(i32, base);
      entries.askPrices[index] = this.#times[0] as number;
    } else {
      entries.askPrices[index] = getPushTickAskPriceMantissa(i32, base);
    }
    entries.askSizes[index] = getPushTickAskSizeMantissa(i32, base);
    entries.ids[index] = getPushTickVenueSeq(i32, base);
    this.#time(entries, index, i32, base, flags);
  }

  /** The whole book is one level a side: what has changed of it since the last quote, as levels. */
  #quote(
    entries: FrameEntries,
    i32: Int32Array,
    base: number,
    publisher: MarketPublisher,
    place: number,
    flags: number,
  ): void {
    const quotes = this.#quotes;
    const at = place * 4;
    const hasBid = (flags & TickFlag.NoBid) === 0;
    const hasAsk = (flags & TickFlag.NoAsk) === 0;
    const oldBid = quotes[at] as number;
    const oldAsk = quotes[at + 2] as number;
    const oldBidSize = quotes[at + 1] as number;
    const oldAskSize = quotes[at + 3] as number;
    quotes[at] = hasBid ? getPushTickPriceMantissa(i32, base) : 0;
    quotes[at + 1] = hasBid ? getPushTickSizeMantissa(i32, base) : 0;
    quotes[at + 2] = hasAsk ? getPushTickAskPriceMantissa(i32, base) : 0;
    quotes[at + 3] = hasAsk ? getPushTickAskSizeMantissa(i32, base) : 0;
    const market = publisher.markets[place] as MarketState;
    const isLive = market.bookState === BookState.Live;
    if (!isLive && this.#quotedIn[place] !== this.#frameCount) {
      this.#quotedIn[place] = this.#frameCount;
      this.#time(entries, entries.add(EntryKind.SnapshotBegin, place), i32, base, flags);
      if (hasBid) this.#quoteSide(entries, i32, base, place, flags, EntryKind.Bid, at);
      if (hasAsk) this.#quoteSide(entries, i32, base, place, flags, EntryKind.Ask, at + 2);
      entries.add(EntryKind.SnapshotEnd, place);
      return;
    }
    // An old level goes before the new one comes: a reader never sees two.
    const isBidNew = quotes[at] !== oldBid;
    const isAskNew = quotes[at + 2] !== oldAsk;
    if (isBidNew && oldBid > 0) {
      this.#quoteDelete(entries, i32, base, place, flags, EntryKind.Bid, oldBid);
    }
    if (isAskNew && oldAsk > 0) {
      this.#quoteDelete(entries, i32, base, place, flags, EntryKind.Ask, oldAsk);
    }
    const isBidSaid = hasBid && (isBidNew || quotes[at + 1] !== oldBidSize);
    const isAskSaid = hasAsk && (isAskNew || quotes[at + 3] !== oldAskSize);
    // A quote that says the same again is news as well: the market lives.
    if (isBidSaid || (hasBid && !isAskSaid && !isAskNew)) {
      this.#quoteSide(entries, i32, base, place, flags, EntryKind.Bid, at);
    }
    if (isAskSaid || (hasAsk && !hasBid)) {
      this.#quoteSide(entries, i32, base, place, flags, EntryKind.Ask, at + 2);
    }
  }

  #quoteSide(
    entries: FrameEntries,
    i32: Int32Array,
    base: number,
    place: number,
    flags: number,
    kind: EntryKind,
    at: number,
  ): void {
    const index = entries.add(kind, place);
    entries.prices[index] = this.#quotes[at] as number;
    entries.sizes[index] = this.#quotes[at + 1] as number;
    this.#time(entries, index, i32, base, flags);
  }

  #quoteDelete(
    entries: FrameEntries,
    i32: Int32Array,
    base: number,
    place: number,
    flags: number,
    kind: EntryKind,
    price: number,
  ): void {
    const index = entries.add(kind, place);
    entries.prices[index] = price;
    entries.sizes[index] = 0;
    this.#time(entries, index, i32, base, flags);
  }

  #time(entries: FrameEntries, index: number, i32: Int32Array, base: number, flags: number): void {
    if ((flags & TickFlag.NoTime) !== 0) {
      entries.setNoTime(index);
      return;
    }
    this.#runNs(i32, base + VENUE_EPOCH_WORD);
    entries.timesNs[index] = this.#times[0] as number;
  }

  /** Epoch ns at a word as ns since run start, to #times[0]; exact while it is within 104 days of it. */
  #runNs(i32: Int32Array, word: number): void {
    const high = (i32[word + 1] as number) - this.#epochHigh;
    this.#times[0] = high * TWO_32 + (((i32[word] as number) >>> 0) - this.#epochLow);
  }

  #hasTime(i32: Int32Array, base: number): boolean {
    this.#runNs(i32, base + VENUE_EPOCH_WORD);
    const ns = this.#times[0] as number;
    return ns <= (this.#times[1] as number) && ns >= (this.#times[2] as number);
  }

  #hasFundingTime(i32: Int32Array, base: number): boolean {
    this.#fundingNextNs(i32, base);
    const ns = this.#times[0] as number;
    if (ns === 0) return true;
    return ns <= (this.#times[3] as number) && ns >= (this.#times[2] as number);
  }

  /** To #times[0]; 0: not known. */
  #fundingNextNs(i32: Int32Array, base: number): void {
    const word = base + ASK_PRICE_WORD;
    if (isZero(i32, word, 1)) this.#times[0] = 0;
    else this.#runNs(i32, word);
  }

  /** Each number is in the range that its kind gives it; numbers that a kind does not have are 0. */
  #hasValues(
    i32: Int32Array,
    base: number,
    kind: number,
    flags: number,
    isInSnapshot: boolean,
  ): boolean {
    if (!isWhole(i32, base + VENUE_SEQ_WORD)) return false;
    const hasBid = (flags & TickFlag.NoBid) === 0;
    const hasAsk = (flags & TickFlag.NoAsk) === 0;
    const price = base + PRICE_WORD;
    const size = base + SIZE_WORD;
    const askPrice = base + ASK_PRICE_WORD;
    const askSize = base + ASK_SIZE_WORD;
    switch (kind) {
      case TickKind.Quote:
        return (
          (hasBid ? isPositive(i32, price) && isPositive(i32, size) : isZero(i32, price, 2)) &&
          (hasAsk
            ? isPositive(i32, askPrice) && isPositive(i32, askSize)
            : isZero(i32, askPrice, 2))
        );
      case TickKind.Ticker:
        return (
          (hasBid ? isPositive(i32, price) && isWhole(i32, size) : isZero(i32, price, 2)) &&
          (hasAsk ? isPositive(i32, askPrice) && isWhole(i32, askSize) : isZero(i32, askPrice, 2))
        );
      case TickKind.Trade:
        return isPositive(i32, price) && isPositive(i32, size) && isZero(i32, askPrice, 2);
      case TickKind.Level:
        if (!isPositive(i32, price) || !isZero(i32, askPrice, 2)) return false;
        return isInSnapshot ? isPositive(i32, size) : isWhole(i32, size);
      case TickKind.TickerLast:
        return isWhole(i32, price) && isWhole(i32, size) && isZero(i32, askPrice, 2);
      case TickKind.Mark:
        if (!isPositive(i32, price) || !isWhole(i32, askPrice)) return false;
        return isZero(i32, size, 1) && isZero(i32, askSize, 1);
      case TickKind.Funding:
        return isInside(i32, price) && isZero(i32, size, 1) && isZero(i32, askSize, 1);
      case TickKind.State:
        // A market turns fresh by a snapshot or a quote, not by a word.
        return isZero(i32, price, 1) && isPositive(i32, size) && isZero(i32, askPrice, 2);
      default:
        return isZero(i32, price, 4);
    }
  }

  /** Cold. */
  #refuse(code: number, tick: number, base: number): number {
    const i32 = this.#buffer.i32;
    const word = (at: number): string =>
      (
        (BigInt(i32[base + at + 1] as number) << 32n) |
        BigInt((i32[base + at] as number) >>> 0)
      ).toString();
    this.detail =
      `tick ${tick} of ${this.tickCount}: instrument=${getPushTickInstrument(i32, base)}, ` +
      `kind=${getPushTickKind(i32, base)}, flags=${getPushTickFlags(i32, base)}, ` +
      `price=${word(PRICE_WORD)}, size=${word(SIZE_WORD)}, askPrice=${word(ASK_PRICE_WORD)}, ` +
      `askSize=${word(ASK_SIZE_WORD)}, venueEpochNs=${word(VENUE_EPOCH_WORD)}, venueSeq=${word(VENUE_SEQ_WORD)}`;
    return code;
  }

  /** Cold. */
  #malformed(what: string): number {
    this.detail = what;
    return PushReject.Malformed;
  }
}

function entryKindOf(kind: number): EntryKind {
  switch (kind) {
    case TickKind.Trade:
      return EntryKind.Trade;
    case TickKind.Ticker:
      return EntryKind.Ticker;
    case TickKind.TickerLast:
      return EntryKind.TickerLast;
    case TickKind.Mark:
      return EntryKind.Mark;
    default:
      return EntryKind.Funding;
  }
}

/** 0 to 2^53 - 1. */
function isWhole(i32: Int32Array, word: number): boolean {
  const high = i32[word + 1] as number;
  return high >= 0 && high < HIGH_END;
}

function isPositive(i32: Int32Array, word: number): boolean {
  return isWhole(i32, word) && (i32[word] !== 0 || i32[word + 1] !== 0);
}

/** Inside ±2^53. */
function isInside(i32: Int32Array, word: number): boolean {
  const high = i32[word + 1] as number;
  // -2^53 itself is outside, and so are the others of its high half: nobody has a funding rate like that.
  return high > -HIGH_END && high < HIGH_END;
}

/** So many numbers in a row. */
function isZero(i32: Int32Array, word: number, count: number): boolean {
  for (let at = word; at < word + count * 2; at++) if (i32[at] !== 0) return false;
  return true;
}
