/**
 * book: one instrument's price levels, full depth or cut at a stated one.
 * @hotpath
 *
 * Owned by one thread: ingest keeps full books, a signal worker keeps the best 20. Both sides are the same structure:
 *
 *   keys    [ worst … … … better  best ]    sorted ascending, the best level LAST, so that a change near the top
 *   sizes   [   …            …     …   ]    moves few bytes whatever the depth is
 *                                           bid key = price, ask key = -price
 *
 * Prices are safe integers, and sizes nearly always. A size beyond 2^53 (a wall of 100 million coins that are counted in
 * 10^-8) stands rounded in its place, so that nothing else has to know, and exactly in a map beside it: exactSizeAt.
 * Invariant: keys strictly ascending, sizes above 0, count <= levelsMax; what the map has of a level is its size.
 * At levelsMax the worst level gives way (cutCount). Crossed and empty are facts here; what they mean is said elsewhere.
 * Oracle in tests: test/oracles/naive-book.ts.
 */
import { assert } from './assert.js';

/** What the last `set` did to its side. */
export const LevelChange = { None: 0, Inserted: 1, Resized: 2, Deleted: 3 } as const;
export type LevelChange = (typeof LevelChange)[keyof typeof LevelChange];

/** Levels of one side that ingest keeps. BTC-USD had 27,237 on one side (capture of 2026-08); the rest is head room. */
export const BOOK_LEVELS_MAX = 1 << 20;

const CAPACITY_START = 1024;
const INT64_MAX = 2n ** 63n - 1n;
/** Levels nearest to the best that are looked at one by one before the search gallops. */
const LINEAR_LEVELS = 8;
/** Up to so many levels a loop moves them faster than copyWithin, which costs a call out of compiled code. */
const LOOP_LEVELS = 128;

/** One side of a book. */
export class BookSide {
  readonly #sign: number;
  readonly #levelsMax: number;
  #keys: Float64Array;
  #sizes: Float64Array;
  /** [0] key, [1] size: of the change under way. A number that is passed to a call which is not inlined is boxed. */
  readonly #input = new Float64Array(2);
  /** Exact sizes beyond 2^53, by key. */
  readonly #wides = new Map<number, bigint>();
  /** Its size, where the hot path can see it. */
  #wideCount = 0;
  #count = 0;
  #revision = 0;
  #cutCount = 0;
  #change: LevelChange = LevelChange.None;

  constructor(isAsk: boolean, levelsMax: number) {
    assert(levelsMax >= 1, `levelsMax at least 1: levelsMax=${levelsMax}`);
    this.#sign = isAsk ? -1 : 1;
    this.#levelsMax = levelsMax;
    // One slot more than the maximum: an insert at the limit shifts first and cuts then.
    const capacity = Math.min(CAPACITY_START, levelsMax + 1);
    this.#keys = new Float64Array(capacity);
    this.#sizes = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Another number whenever the side may have changed. */
  get revision(): number {
    return this.#revision;
  }

  /** Levels that gave way because the side was full. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** What the last set() did. */
  get change(): LevelChange {
    return this.#change;
  }

  /** Price of a level, 0 = best. `depth` below count. */
  priceAt(depth: number): number {
    return this.#sign * (this.#keys[this.#count - 1 - depth] as number);
  }

  /** Size of a level, 0 = best. `depth` below count. */
  sizeAt(depth: number): number {
    return this.#sizes[this.#count - 1 - depth] as number;
  }

  /** Levels whose size is beyond 2^53. 0 nearly always. */
  get wideCount(): number {
    return this.#wideCount;
  }

  /** Size of a level with every digit, 0 = best. `depth` below count. Cold. */
  exactSizeAt(depth: number): bigint {
    const index = this.#count - 1 - depth;
    return this.#wides.get(this.#keys[index] as number) ?? BigInt(this.#sizes[index] as number);
  }

  /** Size at a price; 0 when there is no such level. */
  sizeOf(priceMantissa: number): number {
    const key = this.#sign * priceMantissa;
    this.#input[0] = key;
    const index = this.#lowerBound();
    return index < this.#count && this.#keys[index] === key ? (this.#sizes[index] as number) : 0;
  }

  /**
   * Sets the size at a price; 0 deletes. Returns the depth of the level, 0 = best: where it stands now, where it stood
   * before a delete, or where it would stand (nothing to delete: `change` is None).
   */
  set(priceMantissa: number, sizeMantissa: number): number {
    this.#input[0] = this.#sign * priceMantissa;
    this.#input[1] = sizeMantissa;
    return this.#apply();
  }

  /** The same of `prices[index]` and `sizes[index]`: no number crosses the call. */
  setFrom(prices: Float64Array, sizes: Float64Array, index: number): number {
    this.#input[0] = this.#sign * (prices[index] as number);
    this.#input[1] = sizes[index] as number;
    return this.#apply();
  }

  /** Cold: a size beyond 2^53, as set. */
  setWide(priceMantissa: number, sizeMantissa: bigint): number {
    const depth = this.set(priceMantissa, Number(sizeMantissa));
    if (depth < this.#count) this.#wides.set(this.#sign * priceMantissa, sizeMantissa);
    this.#wideCount = this.#wides.size;
    return depth;
  }

  #apply(): number {
    this.#revision = (this.#revision + 1) | 0;
    if (this.#wideCount !== 0) this.#forgetWide();
    const index = this.#lowerBound();
    const count = this.#count;
    const isThere = index < count && this.#keys[index] === this.#input[0];
    if (this.#input[1] !== 0) {
      if (isThere) {
        this.#sizes[index] = this.#input[1] as number;
        this.#change = LevelChange.Resized;
        return count - 1 - index;
      }
      return this.#insert(index);
    }
    if (!isThere) {
      this.#change = LevelChange.None;
      return count - index;
    }
    this.#closeGap(index, count);
    this.#count = count - 1;
    this.#change = LevelChange.Deleted;
    return count - 1 - index;
  }

  /** Writes price and size of a level, 0 = best, to `into[at]` and `into[at + 1]`; zeroes when there is no such level. */
  copyLevel(depth: number, into: Float64Array, at: number): void {
    const index = this.#count - 1 - depth;
    const isThere = index >= 0;
    into[at] = isThere ? this.#sign * (this.#keys[index] as number) : 0;
    into[at + 1] = isThere ? (this.#sizes[index] as number) : 0;
  }

  /** Writes the best levels, at most `levels`, best first, to the front of two arrays. Returns how many there are. */
  copyBest(levels: number, prices: Float64Array, sizes: Float64Array): number {
    const count = this.#count < levels ? this.#count : levels;
    const keys = this.#keys;
    const from = this.#sizes;
    const sign = this.#sign;
    let index = this.#count;
    for (let depth = 0; depth < count; depth++) {
      index--;
      prices[depth] = sign * (keys[index] as number);
      sizes[depth] = from[index] as number;
    }
    return count;
  }

  clear(): void {
    this.#revision = (this.#revision + 1) | 0;
    this.#count = 0;
    this.#change = LevelChange.None;
    if (this.#wideCount !== 0) this.#forgetWides();
  }

  /** Drops the worst levels beyond `levels`, for venues whose subscription keeps only so many. */
  cutTo(levels: number): void {
    if (this.#count > levels) this.#cut(levels);
  }

  /**
   * Replaces the whole side by `prices[from..to)` in any order; levels of size 0 are left out, of equal prices the last
   * one counts. n log n at worst, n when the venue sends them sorted.
   */
  load(prices: Float64Array, sizes: Float64Array, from: number, to: number): void {
    let length = 0;
    this.#revision = (this.#revision + 1) | 0;
    if (this.#wideCount !== 0) this.#forgetWides();
    this.#reserve(to - from);
    const sign = this.#sign;
    for (let source = from; source < to; source++) {
      this.#keys[length] = sign * (prices[source] as number);
      this.#sizes[length] = sizes[source] as number;
      length++;
    }
    this.#sort(length);
    this.#count = this.#compact(length);
    this.#change = LevelChange.None;
    if (this.#count > this.#levelsMax) this.#cut(this.#levelsMax);
  }

  /** Multiplies every price and size: the same levels at finer scales. Cold. False: a price leaves 2^53, a size int64. */
  rescale(priceFactor: number, sizeFactor: number): boolean {
    let isExact = true;
    this.#revision = (this.#revision + 1) | 0;
    const wides = new Map<number, bigint>();
    for (let index = 0; index < this.#count; index++) {
      const key = (this.#keys[index] as number) * priceFactor;
      const exact = this.exactSizeAt(this.#count - 1 - index) * BigInt(sizeFactor);
      const size = Number(exact);
      if (!Number.isSafeInteger(key) || exact > INT64_MAX) isExact = false;
      if (!Number.isSafeInteger(size)) wides.set(key, exact);
      this.#sizes[index] = size;
    }
    for (let index = 0; index < this.#count; index++) {
      this.#keys[index] = (this.#keys[index] as number) * priceFactor;
    }
    this.#forgetWides();
    for (const [key, size] of wides) this.#wides.set(key, size);
    this.#wideCount = wides.size;
    return isExact;
  }

  /** Cold: the level of the change under way has another size now. */
  #forgetWide(): void {
    this.#wides.delete(this.#input[0] as number);
    this.#wideCount = this.#wides.size;
  }

  /** Cold. */
  #forgetWides(): void {
    this.#wides.clear();
    this.#wideCount = 0;
  }

  /** Cold: levels that were cut are no longer ours. */
  #forgetWidesBelow(worstKey: number): void {
    for (const key of this.#wides.keys()) if (key < worstKey) this.#wides.delete(key);
    this.#wideCount = this.#wides.size;
  }

  /** Index of the first key not below the input: a few steps from the best end, then galloping, then halving. */
  #lowerBound(): number {
    const keys = this.#keys;
    const key = this.#input[0] as number;
    let high = this.#count;
    const linearEnd = high > LINEAR_LEVELS ? high - LINEAR_LEVELS : 0;
    while (high > linearEnd) {
      if ((keys[high - 1] as number) < key) return high;
      high--;
    }
    if (high === 0) return 0;
    let stride = LINEAR_LEVELS;
    let low = high - stride;
    while (low > 0 && (keys[low] as number) >= key) {
      high = low;
      stride *= 2;
      low -= stride;
    }
    if (low < 0) low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(index: number): number {
    const count = this.#count;
    if (index === 0 && count === this.#levelsMax) {
      this.#cutCount++;
      this.#change = LevelChange.None;
      return count;
    }
    this.#reserve(count + 1);
    this.#openGap(index, count);
    this.#keys[index] = this.#input[0] as number;
    this.#sizes[index] = this.#input[1] as number;
    this.#count = count + 1;
    this.#change = LevelChange.Inserted;
    const depth = count - index;
    if (this.#count > this.#levelsMax) this.#cut(this.#levelsMax);
    return depth;
  }

  /** Moves the levels from `index` on one place up. */
  #openGap(index: number, count: number): void {
    const keys = this.#keys;
    const sizes = this.#sizes;
    if (count - index > LOOP_LEVELS) {
      keys.copyWithin(index + 1, index, count);
      sizes.copyWithin(index + 1, index, count);
      return;
    }
    for (let at = count; at > index; at--) {
      keys[at] = keys[at - 1] as number;
      sizes[at] = sizes[at - 1] as number;
    }
  }

  /** Moves the levels behind `index` one place down, over it. */
  #closeGap(index: number, count: number): void {
    const keys = this.#keys;
    const sizes = this.#sizes;
    if (count - index > LOOP_LEVELS) {
      keys.copyWithin(index, index + 1, count);
      sizes.copyWithin(index, index + 1, count);
      return;
    }
    for (let at = index + 1; at < count; at++) {
      keys[at - 1] = keys[at] as number;
      sizes[at - 1] = sizes[at] as number;
    }
  }

  /** Drops the worst levels beyond so many. */
  #cut(levels: number): void {
    const excess = this.#count - levels;
    this.#revision = (this.#revision + 1) | 0;
    this.#keys.copyWithin(0, excess, this.#count);
    this.#sizes.copyWithin(0, excess, this.#count);
    this.#count -= excess;
    this.#cutCount += excess;
    if (this.#wideCount !== 0) this.#forgetWidesBelow(this.#keys[0] as number);
  }

  /** Cold: grows the arrays to the next power of two. */
  #reserve(count: number): void {
    if (count <= this.#keys.length) return;
    let capacity = this.#keys.length;
    while (capacity < count) capacity *= 2;
    const keys = new Float64Array(capacity);
    const sizes = new Float64Array(capacity);
    keys.set(this.#keys);
    sizes.set(this.#sizes);
    this.#keys = keys;
    this.#sizes = sizes;
  }

  /** Sorts the first `length` levels ascending, keeping equal keys in order. Cold: once per snapshot. */
  #sort(length: number): void {
    const keys = this.#keys;
    let isAscending = true;
    let isDescending = true;
    for (let i = 1; i < length; i++) {
      if ((keys[i - 1] as number) > (keys[i] as number)) isAscending = false;
      if ((keys[i - 1] as number) <= (keys[i] as number)) isDescending = false;
    }
    if (isAscending) return;
    if (isDescending) {
      keys.subarray(0, length).reverse();
      this.#sizes.subarray(0, length).reverse();
      return;
    }
    this.#mergeSort(length);
  }

  /** Stable, bottom up, in two buffers that are swapped; cold. */
  #mergeSort(length: number): void {
    let fromKeys = this.#keys;
    let fromSizes = this.#sizes;
    let intoKeys: Float64Array = new Float64Array(fromKeys.length);
    let intoSizes: Float64Array = new Float64Array(fromSizes.length);
    for (let width = 1; width < length; width *= 2) {
      for (let start = 0; start < length; start += 2 * width) {
        const middle = Math.min(start + width, length);
        const end = Math.min(start + 2 * width, length);
        let left = start;
        let right = middle;
        for (let target = start; target < end; target++) {
          const takesLeft =
            left < middle &&
            (right >= end || (fromKeys[left] as number) <= (fromKeys[right] as number));
          const source = takesLeft ? left++ : right++;
          intoKeys[target] = fromKeys[source] as number;
          intoSizes[target] = fromSizes[source] as number;
        }
      }
      const keys = fromKeys;
      const sizes = fromSizes;
      fromKeys = intoKeys;
      fromSizes = intoSizes;
      intoKeys = keys;
      intoSizes = sizes;
    }
    this.#keys = fromKeys;
    this.#sizes = fromSizes;
  }

  /** Of equal keys keeps the last, drops sizes of 0; returns how many are left. */
  #compact(length: number): number {
    const keys = this.#keys;
    const sizes = this.#sizes;
    let target = 0;
    for (let source = 0; source < length; source++) {
      const key = keys[source] as number;
      if (source + 1 < length && keys[source + 1] === key) continue;
      if (sizes[source] === 0) continue;
      keys[target] = key;
      sizes[target] = sizes[source] as number;
      target++;
    }
    return target;
  }
}

/** Both sides. */
export class Book {
  readonly bids: BookSide;
  readonly asks: BookSide;

  constructor(levelsMax: number) {
    this.bids = new BookSide(false, levelsMax);
    this.asks = new BookSide(true, levelsMax);
  }

  /** Best bid price; 0 when there is none (see bids.count). */
  get bidPriceMantissa(): number {
    return this.bids.count === 0 ? 0 : this.bids.priceAt(0);
  }

  /** Best ask price; 0 when there is none (see asks.count). */
  get askPriceMantissa(): number {
    return this.asks.count === 0 ? 0 : this.asks.priceAt(0);
  }

  /** The best bid is not below the best ask. */
  get isCrossed(): boolean {
    return (
      this.bids.count !== 0 && this.asks.count !== 0 && this.bids.priceAt(0) >= this.asks.priceAt(0)
    );
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }
}
