/**
 * book: one instrument's price levels, full depth or cut at a stated one.
 * @hotpath
 *
 * Owned by one thread: ingest keeps full books, a signal worker keeps the best 20. Both sides are the same structure, levels
 * sorted by key (bid key = price, ask key = -price), cut into chunks of at most 128:
 *
 *   order    [ worst chunk … … best chunk ]     first key of each chunk beside it
 *   a chunk  [ worst … … best ]                 the best level of all stands LAST, so that a change near the top moves few
 *                                               numbers, and one far below it no more than its chunk has
 *
 * A change 10,000 levels deep moved 160 kB before there were chunks; on Coinbase that was most of the time of a frame.
 *
 * Prices are safe integers, and sizes nearly always. A size beyond 2^53 (a wall of 100 million coins that are counted in
 * 10^-8) stands rounded in its place, so that nothing else has to know, and exactly in a map beside it: exactSizeAt.
 * Invariant: keys strictly ascending, sizes above 0, count <= levelsMax; no chunk is empty unless it is the only one; what
 * the map has of a level is its size.
 * At levelsMax the worst level gives way (cutCount). Crossed and empty are facts here; what they mean is said elsewhere.
 * Oracle in tests: test/oracles/naive-book.ts.
 */
import { assert } from './assert.js';

/** What the last `set` did to its side. */
export const LevelChange = { None: 0, Inserted: 1, Resized: 2, Deleted: 3 } as const;
export type LevelChange = (typeof LevelChange)[keyof typeof LevelChange];

/** Levels of one side that ingest keeps. BTC-USD had 27,237 on one side (capture of 2026-08); the rest is head room. */
export const BOOK_LEVELS_MAX = 1 << 20;

const INT64_MAX = 2n ** 63n - 1n;
/** Levels of a chunk; a power of two. */
const CHUNK_LEVELS = 128;
/** So many of them are taken by a snapshot: the rest is room for what comes. */
const CHUNK_FILL = 96;
/** A chunk that has fewer is put together with its neighbour when both fit into CHUNK_FILL. */
const CHUNK_SPARSE = 24;
const CHUNKS_START = 8;
/** Levels nearest to the best that are looked at one by one before the search halves. */
const LINEAR_LEVELS = 8;

/** One side of a book. */
export class BookSide {
  readonly #sign: number;
  readonly #levelsMax: number;
  /** By chunk: CHUNK_LEVELS places each, the first ones taken. */
  #keys = new Float64Array(CHUNKS_START * CHUNK_LEVELS);
  #sizes = new Float64Array(CHUNKS_START * CHUNK_LEVELS);
  /** By rank, the worst chunk first: which chunk it is, how many levels it has, its first key. */
  #order = new Int32Array(CHUNKS_START);
  #counts = new Int32Array(CHUNKS_START);
  #firsts = new Float64Array(CHUNKS_START);
  /** Chunks that are in no rank. */
  #free = new Int32Array(CHUNKS_START);
  #freeCount = 0;
  /** Chunks that were ever used since the last clear. */
  #usedCount = 1;
  #chunkCount = 1;
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
    return this.#sign * (this.#keys[this.#placeAt(depth)] as number);
  }

  /** Size of a level, 0 = best. `depth` below count. */
  sizeAt(depth: number): number {
    return this.#sizes[this.#placeAt(depth)] as number;
  }

  /** Levels whose size is beyond 2^53. 0 nearly always. */
  get wideCount(): number {
    return this.#wideCount;
  }

  /** Size of a level with every digit, 0 = best. `depth` below count. Cold. */
  exactSizeAt(depth: number): bigint {
    const place = this.#placeAt(depth);
    return this.#wides.get(this.#keys[place] as number) ?? BigInt(this.#sizes[place] as number);
  }

  /** Size at a price; 0 when there is no such level. */
  sizeOf(priceMantissa: number): number {
    const key = this.#sign * priceMantissa;
    this.#input[0] = key;
    const rank = this.#rank();
    const index = this.#indexIn(rank);
    const place = (this.#order[rank] as number) * CHUNK_LEVELS + index;
    const isThere = index < (this.#counts[rank] as number) && this.#keys[place] === key;
    return isThere ? (this.#sizes[place] as number) : 0;
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
    const rank = this.#rank();
    const index = this.#indexIn(rank);
    const count = this.#counts[rank] as number;
    const place = (this.#order[rank] as number) * CHUNK_LEVELS + index;
    const isThere = index < count && this.#keys[place] === this.#input[0];
    // Better levels of the same chunk, and of the chunks behind it.
    let depth = isThere ? count - 1 - index : count - index;
    for (let better = this.#chunkCount - 1; better > rank; better--) {
      depth += this.#counts[better] as number;
    }
    if (this.#input[1] !== 0) {
      if (!isThere) return this.#insert(rank, index, depth);
      this.#sizes[place] = this.#input[1] as number;
      this.#change = LevelChange.Resized;
      return depth;
    }
    if (!isThere) {
      this.#change = LevelChange.None;
      return depth;
    }
    this.#change = LevelChange.Deleted;
    this.#remove(rank, place, count);
    return depth;
  }

  /** Writes price and size of a level, 0 = best, to `into[at]` and `into[at + 1]`; zeroes when there is no such level. */
  copyLevel(depth: number, into: Float64Array, at: number): void {
    if (depth >= this.#count) {
      into[at] = 0;
      into[at + 1] = 0;
      return;
    }
    const place = this.#placeAt(depth);
    into[at] = this.#sign * (this.#keys[place] as number);
    into[at + 1] = this.#sizes[place] as number;
  }

  /** Writes the best levels, at most `levels`, best first, to the front of two arrays. Returns how many there are. */
  copyBest(levels: number, prices: Float64Array, sizes: Float64Array): number {
    const wanted = this.#count < levels ? this.#count : levels;
    const keys = this.#keys;
    const from = this.#sizes;
    const sign = this.#sign;
    let depth = 0;
    for (let rank = this.#chunkCount - 1; depth < wanted; rank--) {
      const base = (this.#order[rank] as number) * CHUNK_LEVELS;
      for (let place = base + (this.#counts[rank] as number) - 1; place >= base; place--) {
        if (depth === wanted) break;
        prices[depth] = sign * (keys[place] as number);
        sizes[depth] = from[place] as number;
        depth++;
      }
    }
    return wanted;
  }

  clear(): void {
    this.#revision = (this.#revision + 1) | 0;
    this.#empty();
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
    this.clear();
    let isAscending = true;
    let isDescending = true;
    const sign = this.#sign;
    for (let source = from + 1; source < to; source++) {
      const before = sign * (prices[source - 1] as number);
      const key = sign * (prices[source] as number);
      if (before >= key) isAscending = false;
      if (before <= key) isDescending = false;
    }
    if (isAscending) {
      for (let source = from; source < to; source++) this.#append(prices, sizes, source);
    } else if (isDescending) {
      for (let source = to - 1; source >= from; source--) this.#append(prices, sizes, source);
    } else {
      this.#loadUnsorted(prices, sizes, from, to);
    }
    if (this.#count > this.#levelsMax) this.#cut(this.#levelsMax);
  }

  /** Behind the best level, if it has a size. */
  #append(prices: Float64Array, sizes: Float64Array, source: number): void {
    if (sizes[source] === 0) return;
    let rank = this.#chunkCount - 1;
    if ((this.#counts[rank] as number) >= CHUNK_FILL) {
      rank++;
      this.#openRank(rank);
    }
    const count = this.#counts[rank] as number;
    const place = (this.#order[rank] as number) * CHUNK_LEVELS + count;
    const key = this.#sign * (prices[source] as number);
    this.#keys[place] = key;
    this.#sizes[place] = sizes[source] as number;
    if (count === 0) this.#firsts[rank] = key;
    this.#counts[rank] = count + 1;
    this.#count++;
  }

  /** Cold: a venue that sorts its snapshots otherwise, or names a price twice. */
  #loadUnsorted(prices: Float64Array, sizes: Float64Array, from: number, to: number): void {
    const length = to - from;
    const order = new Uint32Array(length);
    for (let i = 0; i < length; i++) order[i] = from + i;
    const sign = this.#sign;
    // Stable: of equal prices the last one stands last.
    order.sort((a, b) => sign * ((prices[a] as number) - (prices[b] as number)) || a - b);
    for (let i = 0; i < length; i++) {
      const source = order[i] as number;
      const next = i + 1 < length ? (order[i + 1] as number) : -1;
      if (next < 0 || prices[next] !== prices[source]) this.#append(prices, sizes, source);
    }
  }

  /**
   * How many of the levels `prices[from..to)`, best first, stand here at the same depth with the same size, before the first
   * that does not. Looks into the best chunk only, where all of a short side is.
   */
  sameUpTo(prices: Float64Array, sizes: Float64Array, from: number, to: number): number {
    const rank = this.#chunkCount - 1;
    const count = this.#counts[rank] as number;
    const best = (this.#order[rank] as number) * CHUNK_LEVELS + count - 1;
    const length = to - from < count ? to - from : count;
    const sign = this.#sign;
    for (let depth = 0; depth < length; depth++) {
      if (this.#keys[best - depth] !== sign * (prices[from + depth] as number)) return depth;
      if (this.#sizes[best - depth] !== sizes[from + depth]) return depth;
    }
    return length;
  }

  /** The same from the worst level on; of a side that has more than one chunk 0. */
  sameDownTo(prices: Float64Array, sizes: Float64Array, from: number, to: number): number {
    if (this.#chunkCount !== 1) return 0;
    const count = this.#counts[0] as number;
    const worst = (this.#order[0] as number) * CHUNK_LEVELS;
    const length = to - from < count ? to - from : count;
    const sign = this.#sign;
    for (let height = 0; height < length; height++) {
      if (this.#keys[worst + height] !== sign * (prices[to - 1 - height] as number)) return height;
      if (this.#sizes[worst + height] !== sizes[to - 1 - height]) return height;
    }
    return length;
  }

  /** Multiplies every price and size: the same levels at finer scales. Cold. False: a price leaves 2^53, a size int64. */
  rescale(priceFactor: number, sizeFactor: number): boolean {
    let isExact = true;
    this.#revision = (this.#revision + 1) | 0;
    const wides = new Map<number, bigint>();
    for (let rank = 0; rank < this.#chunkCount; rank++) {
      const base = (this.#order[rank] as number) * CHUNK_LEVELS;
      for (let place = base; place < base + (this.#counts[rank] as number); place++) {
        const key = this.#keys[place] as number;
        const size = this.#wides.get(key) ?? BigInt(this.#sizes[place] as number);
        const finer = size * BigInt(sizeFactor);
        this.#keys[place] = key * priceFactor;
        this.#sizes[place] = Number(finer);
        if (!Number.isSafeInteger(key * priceFactor) || finer > INT64_MAX) isExact = false;
        if (!Number.isSafeInteger(Number(finer))) wides.set(key * priceFactor, finer);
      }
      this.#firsts[rank] = (this.#firsts[rank] as number) * priceFactor;
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

  /** Where the level of a depth stands in the arrays. */
  #placeAt(depth: number): number {
    let rank = this.#chunkCount - 1;
    let rest = depth;
    while (rest >= (this.#counts[rank] as number)) {
      rest -= this.#counts[rank] as number;
      rank--;
    }
    return (this.#order[rank] as number) * CHUNK_LEVELS + (this.#counts[rank] as number) - 1 - rest;
  }

  /** Rank of the chunk that has the input's key, or would have it: the last one whose first key is not above it. */
  #rank(): number {
    const firsts = this.#firsts;
    const key = this.#input[0] as number;
    let high = this.#chunkCount - 1;
    if (high === 0 || (firsts[high] as number) <= key) return high;
    let stride = 1;
    let low = high - stride;
    while (low > 0 && (firsts[low] as number) > key) {
      high = low;
      stride *= 2;
      low -= stride;
    }
    if (low < 0) low = 0;
    // firsts[high] is above the key; of low it is not known only when low is 0, where the key belongs anyway.
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((firsts[middle] as number) <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Index within a chunk of its first key that is not below the input's: a few steps from the best end, then halving. */
  #indexIn(rank: number): number {
    const keys = this.#keys;
    const key = this.#input[0] as number;
    const base = (this.#order[rank] as number) * CHUNK_LEVELS;
    let high = base + (this.#counts[rank] as number);
    const linearEnd = high - base > LINEAR_LEVELS ? high - LINEAR_LEVELS : base;
    while (high > linearEnd) {
      if ((keys[high - 1] as number) < key) return high - base;
      high--;
    }
    let low = base;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low - base;
  }

  #insert(rankWanted: number, indexWanted: number, depth: number): number {
    let rank = rankWanted;
    let index = indexWanted;
    if (this.#count === this.#levelsMax && depth === this.#count) {
      this.#cutCount++;
      this.#change = LevelChange.None;
      return depth;
    }
    if (this.#counts[rank] === CHUNK_LEVELS) {
      this.#split(rank);
      const lower = this.#counts[rank] as number;
      if (index > lower) {
        rank++;
        index -= lower;
      }
    }
    const count = this.#counts[rank] as number;
    const keys = this.#keys;
    const sizes = this.#sizes;
    const base = (this.#order[rank] as number) * CHUNK_LEVELS;
    for (let at = base + count; at > base + index; at--) {
      keys[at] = keys[at - 1] as number;
      sizes[at] = sizes[at - 1] as number;
    }
    keys[base + index] = this.#input[0] as number;
    sizes[base + index] = this.#input[1] as number;
    if (index === 0) this.#firsts[rank] = this.#input[0] as number;
    this.#counts[rank] = count + 1;
    this.#count++;
    this.#change = LevelChange.Inserted;
    if (this.#count > this.#levelsMax) this.#cut(this.#levelsMax);
    return depth;
  }

  /** Takes the level at a place out of its chunk, which has `count`. */
  #remove(rank: number, place: number, count: number): void {
    const keys = this.#keys;
    const sizes = this.#sizes;
    const base = (this.#order[rank] as number) * CHUNK_LEVELS;
    for (let at = place + 1; at < base + count; at++) {
      keys[at - 1] = keys[at] as number;
      sizes[at - 1] = sizes[at] as number;
    }
    const left = count - 1;
    this.#counts[rank] = left;
    this.#count--;
    if (left === 0) {
      if (this.#chunkCount > 1) this.#closeRank(rank);
      return;
    }
    this.#firsts[rank] = keys[base] as number;
    if (left >= CHUNK_SPARSE) return;
    if (rank > 0 && left + (this.#counts[rank - 1] as number) <= CHUNK_FILL) this.#join(rank - 1);
    else if (
      rank + 1 < this.#chunkCount &&
      left + (this.#counts[rank + 1] as number) <= CHUNK_FILL
    ) {
      this.#join(rank);
    }
  }

  /** The better half of a full chunk becomes a chunk of its own. */
  #split(rank: number): void {
    this.#openRank(rank + 1);
    const half = CHUNK_LEVELS / 2;
    const from = (this.#order[rank] as number) * CHUNK_LEVELS + half;
    const into = (this.#order[rank + 1] as number) * CHUNK_LEVELS;
    this.#move(from, into, half);
    this.#counts[rank] = half;
    this.#counts[rank + 1] = half;
    this.#firsts[rank + 1] = this.#keys[into] as number;
  }

  /** The next better chunk is put behind this one. */
  #join(rank: number): void {
    const lower = this.#counts[rank] as number;
    const upper = this.#counts[rank + 1] as number;
    const from = (this.#order[rank + 1] as number) * CHUNK_LEVELS;
    this.#move(from, (this.#order[rank] as number) * CHUNK_LEVELS + lower, upper);
    this.#counts[rank] = lower + upper;
    this.#closeRank(rank + 1);
  }

  #move(from: number, into: number, length: number): void {
    const keys = this.#keys;
    const sizes = this.#sizes;
    for (let i = 0; i < length; i++) {
      keys[into + i] = keys[from + i] as number;
      sizes[into + i] = sizes[from + i] as number;
    }
  }

  /** An empty chunk at a rank; those from there on move up. */
  #openRank(rank: number): void {
    if (this.#chunkCount === this.#order.length) this.#grow();
    const order = this.#order;
    const counts = this.#counts;
    const firsts = this.#firsts;
    for (let at = this.#chunkCount; at > rank; at--) {
      order[at] = order[at - 1] as number;
      counts[at] = counts[at - 1] as number;
      firsts[at] = firsts[at - 1] as number;
    }
    order[rank] =
      this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#usedCount++;
    counts[rank] = 0;
    this.#chunkCount++;
  }

  /** The chunk at a rank is no longer in use. */
  #closeRank(rank: number): void {
    const order = this.#order;
    const counts = this.#counts;
    const firsts = this.#firsts;
    this.#free[this.#freeCount++] = order[rank] as number;
    for (let at = rank + 1; at < this.#chunkCount; at++) {
      order[at - 1] = order[at] as number;
      counts[at - 1] = counts[at] as number;
      firsts[at - 1] = firsts[at] as number;
    }
    this.#chunkCount--;
  }

  /** One chunk, and nothing in it. */
  #empty(): void {
    this.#count = 0;
    this.#chunkCount = 1;
    this.#usedCount = 1;
    this.#freeCount = 0;
    this.#order[0] = 0;
    this.#counts[0] = 0;
  }

  /** Drops the worst levels beyond so many. */
  #cut(levels: number): void {
    let excess = this.#count - levels;
    this.#revision = (this.#revision + 1) | 0;
    this.#cutCount += excess;
    this.#count = levels;
    let whole = 0;
    while (whole + 1 < this.#chunkCount && excess >= (this.#counts[whole] as number)) {
      excess -= this.#counts[whole] as number;
      whole++;
    }
    for (; whole > 0; whole--) this.#closeRank(0);
    if (excess > 0) {
      const base = (this.#order[0] as number) * CHUNK_LEVELS;
      const left = (this.#counts[0] as number) - excess;
      this.#move(base + excess, base, left);
      this.#counts[0] = left;
    }
    this.#firsts[0] = this.#keys[(this.#order[0] as number) * CHUNK_LEVELS] as number;
    if (this.#wideCount !== 0) this.#forgetWidesBelow(this.#firsts[0]);
  }

  /** Cold: room for twice as many chunks. */
  #grow(): void {
    const capacity = this.#order.length * 2;
    const keys = new Float64Array(capacity * CHUNK_LEVELS);
    const sizes = new Float64Array(capacity * CHUNK_LEVELS);
    const order = new Int32Array(capacity);
    const counts = new Int32Array(capacity);
    const firsts = new Float64Array(capacity);
    const free = new Int32Array(capacity);
    keys.set(this.#keys);
    sizes.set(this.#sizes);
    order.set(this.#order);
    counts.set(this.#counts);
    firsts.set(this.#firsts);
    free.set(this.#free);
    this.#keys = keys;
    this.#sizes = sizes;
    this.#order = order;
    this.#counts = counts;
    this.#firsts = firsts;
    this.#free = free;
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
