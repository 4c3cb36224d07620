/**
 * uncrossed-book: which levels of a dYdX book are shown while it is crossed.
 * @hotpath
 *
 * One per market, ingest thread (and `normalize`). There is no central book: the indexer merges what many validators know,
 * so a bid may stand at or above an ask until the venue has caught up. The venue's own advice is to take the older of the
 * two away, by message_id. We hide it, and show it again when it no longer crosses: the venue does not repeat a level that
 * it never took back.
 *
 *   ages     every level of the venue's book: price → message_id of its last change
 *   hidden   of the levels that are shown smaller or not at all: price → the size that the venue states
 *   shown    the publisher's book: the venue's sizes, less what is hidden. Never crossed
 *
 * While nothing crosses (nearly always) a change costs one more set in a book. Levels of the same message are taken as an
 * auction that is not settled yet: the smaller size goes off both.
 */
import { Book, BOOK_LEVELS_MAX } from '../../domain/book.js';
import type { BookSide } from '../../domain/book.js';
import { EntryKind } from '../frame-entries.js';
import type { FrameEntries } from '../frame-entries.js';

const NOT_THERE = -1;

export class UncrossedBook {
  readonly #ages = new Book(BOOK_LEVELS_MAX);
  readonly #hidden = new Book(BOOK_LEVELS_MAX);
  /** Levels that are to be hidden now: side, price, size that the venue states, size that is shown. */
  #cutCount = 0;
  #cutIsAsk = new Uint8Array(64);
  #cutPrices = new Float64Array(64);
  #cutStated = new Float64Array(64);
  #cutShown = new Float64Array(64);
  /** A level on its way into `ages`: numbers that cross a call in an array are never boxed. */
  readonly #price = new Float64Array(1);
  readonly #age = new Float64Array(1);
  /** Scratch of a snapshot. */
  #scratchPrices = new Float64Array(256);
  #scratchAges = new Float64Array(256);

  /** Levels that the venue states and that are shown smaller or not at all. */
  get hiddenCount(): number {
    return this.#hidden.bids.count + this.#hidden.asks.count;
  }

  clear(): void {
    this.#ages.clear();
    this.#hidden.clear();
  }

  /** Cold: the same levels at finer scales (`normalize`). */
  rescale(priceFactor: number, sizeFactor: number): void {
    for (const side of [this.#ages.bids, this.#ages.asks]) side.rescale(priceFactor, 1);
    for (const side of [this.#hidden.bids, this.#hidden.asks])
      side.rescale(priceFactor, sizeFactor);
  }

  /**
   * A frame about this market, decoded and not yet applied: adds the entries that keep `shown` uncrossed. `messageId` is
   * [0].
   */
  settle(entries: FrameEntries, place: number, messageId: Float64Array, shown: Book): void {
    const kinds = entries.kinds;
    if (kinds[0] === EntryKind.SnapshotBegin) {
      this.#onSnapshot(entries, messageId);
    } else {
      const { bids, asks } = this.#ages;
      const price = this.#price;
      const age = this.#age;
      for (let index = 0; index < entries.count; index++) {
        price[0] = entries.prices[index] as number;
        age[0] = entries.sizes[index] === 0 ? 0 : (messageId[0] as number);
        if (kinds[index] === EntryKind.Bid) bids.setFrom(price, age, 0);
        else if (kinds[index] === EntryKind.Ask) asks.setFrom(price, age, 0);
      }
    }
    if (this.#ages.isCrossed || this.hiddenCount > 0) this.#uncross(entries, place, shown);
  }

  /** Cold: all levels are new, and of the same age. */
  #onSnapshot(entries: FrameEntries, messageId: Float64Array): void {
    this.#hidden.clear();
    if (this.#scratchPrices.length < entries.count) {
      this.#scratchPrices = new Float64Array(entries.count * 2);
      this.#scratchAges = new Float64Array(entries.count * 2);
    }
    for (const kind of [EntryKind.Bid, EntryKind.Ask]) {
      let length = 0;
      for (let index = 0; index < entries.count; index++) {
        if (entries.kinds[index] !== kind) continue;
        this.#scratchPrices[length] = entries.prices[index] as number;
        this.#scratchAges[length++] = entries.sizes[index] === 0 ? 0 : (messageId[0] as number);
      }
      const side = kind === EntryKind.Bid ? this.#ages.bids : this.#ages.asks;
      side.load(this.#scratchPrices, this.#scratchAges, 0, length);
    }
  }

  /** Cold: the book is crossed, or was. */
  #uncross(entries: FrameEntries, place: number, shown: Book): void {
    const count = entries.count;
    this.#findCuts(entries, count, shown);
    this.#restore(entries, count, place, EntryKind.Bid);
    this.#restore(entries, count, place, EntryKind.Ask);
    this.#hidden.clear();
    for (let cut = 0; cut < this.#cutCount; cut++) {
      const isAsk = this.#cutIsAsk[cut] === 1;
      const kind = isAsk ? EntryKind.Ask : EntryKind.Bid;
      const price = this.#cutPrices[cut] as number;
      const size = this.#cutShown[cut] as number;
      const entry = lastEntry(entries, count, kind, price);
      const now =
        entry === NOT_THERE ? sideOf(shown, isAsk).sizeOf(price) : (entries.sizes[entry] as number);
      if (now !== size) addLevel(entries, place, kind, price, size);
      sideOf(this.#hidden, isAsk).set(price, this.#cutStated[cut] as number);
    }
  }

  /** Walks both sides from the best on until nothing crosses. */
  #findCuts(entries: FrameEntries, count: number, shown: Book): void {
    const { bids, asks } = this.#ages;
    this.#cutCount = 0;
    let bid = 0;
    let ask = 0;
    let bidLeft = this.#stated(entries, count, shown, false, bid);
    let askLeft = this.#stated(entries, count, shown, true, ask);
    while (bid < bids.count && ask < asks.count && bids.priceAt(bid) >= asks.priceAt(ask)) {
      const lead = bids.sizeAt(bid) - asks.sizeAt(ask);
      // The older one goes; of two that are equally old the smaller size goes off both.
      const traded = lead === 0 ? Math.min(bidLeft, askLeft) : 0;
      bidLeft = lead < 0 ? 0 : bidLeft - traded;
      askLeft = lead > 0 ? 0 : askLeft - traded;
      if (bidLeft === 0) {
        this.#cut(entries, count, shown, false, bid, 0);
        bidLeft = this.#stated(entries, count, shown, false, ++bid);
      }
      if (askLeft === 0) {
        this.#cut(entries, count, shown, true, ask, 0);
        askLeft = this.#stated(entries, count, shown, true, ++ask);
      }
    }
    if (bidLeft !== this.#stated(entries, count, shown, false, bid)) {
      this.#cut(entries, count, shown, false, bid, bidLeft);
    }
    if (askLeft !== this.#stated(entries, count, shown, true, ask)) {
      this.#cut(entries, count, shown, true, ask, askLeft);
    }
  }

  #cut(
    entries: FrameEntries,
    count: number,
    shown: Book,
    isAsk: boolean,
    depth: number,
    size: number,
  ): void {
    if (this.#cutCount === this.#cutIsAsk.length) this.#grow();
    const cut = this.#cutCount++;
    this.#cutIsAsk[cut] = isAsk ? 1 : 0;
    this.#cutPrices[cut] = sideOf(this.#ages, isAsk).priceAt(depth);
    this.#cutStated[cut] = this.#stated(entries, count, shown, isAsk, depth);
    this.#cutShown[cut] = size;
  }

  /** The size that the venue states for a level: said just now, or hidden, or shown. 0: there is no such level. */
  #stated(
    entries: FrameEntries,
    count: number,
    shown: Book,
    isAsk: boolean,
    depth: number,
  ): number {
    const ages = sideOf(this.#ages, isAsk);
    if (depth >= ages.count) return 0;
    const price = ages.priceAt(depth);
    const entry = lastEntry(entries, count, isAsk ? EntryKind.Ask : EntryKind.Bid, price);
    if (entry !== NOT_THERE) return entries.sizes[entry] as number;
    const hidden = sideOf(this.#hidden, isAsk).sizeOf(price);
    return hidden === 0 ? sideOf(shown, isAsk).sizeOf(price) : hidden;
  }

  /** Shows again what was hidden, is still there, was not set by this frame, and is not cut now. */
  #restore(entries: FrameEntries, count: number, place: number, kind: EntryKind): void {
    const isAsk = kind === EntryKind.Ask;
    const hidden = sideOf(this.#hidden, isAsk);
    for (let depth = 0; depth < hidden.count; depth++) {
      const price = hidden.priceAt(depth);
      if (sideOf(this.#ages, isAsk).sizeOf(price) === 0) continue;
      if (lastEntry(entries, count, kind, price) !== NOT_THERE) continue;
      if (!this.#isCut(isAsk, price)) addLevel(entries, place, kind, price, hidden.sizeAt(depth));
    }
  }

  #isCut(isAsk: boolean, price: number): boolean {
    for (let cut = 0; cut < this.#cutCount; cut++) {
      if (this.#cutPrices[cut] === price && (this.#cutIsAsk[cut] === 1) === isAsk) return true;
    }
    return false;
  }

  #grow(): void {
    const capacity = this.#cutCount * 2;
    const isAsk = new Uint8Array(capacity);
    isAsk.set(this.#cutIsAsk);
    this.#cutIsAsk = isAsk;
    this.#cutPrices = grown(this.#cutPrices, capacity);
    this.#cutStated = grown(this.#cutStated, capacity);
    this.#cutShown = grown(this.#cutShown, capacity);
  }
}

function grown(values: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(values);
  return larger;
}

function sideOf(book: Book, isAsk: boolean): BookSide {
  return isAsk ? book.asks : book.bids;
}

function addLevel(
  entries: FrameEntries,
  place: number,
  kind: EntryKind,
  price: number,
  size: number,
): void {
  const index = entries.add(kind, place);
  entries.setNoTime(index);
  entries.prices[index] = price;
  entries.sizes[index] = size;
}

/** The last of the first `count` entries that sets this level. */
function lastEntry(entries: FrameEntries, count: number, kind: EntryKind, price: number): number {
  for (let index = count - 1; index >= 0; index--) {
    if (entries.prices[index] === price && entries.kinds[index] === kind) return index;
  }
  return NOT_THERE;
}
