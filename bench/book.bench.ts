/**
 * book: what one level update costs at full depth, reading the top of both sides included: src/domain/book.ts as
 * market-publisher uses it, against plain sorted arrays and against ccxt's order book.
 *
 * Every book gets the same seeded updates: half set another size, a quarter remove a level, a quarter insert one. A side is
 * a row of slots, one tick apart, of which every other one is taken, so that its depth stays within one level of where it
 * was; near the top are the first 40 slots, the best of them touched most. After its first half a flow takes back every
 * change, last one first: it ends where it began and can be played again on the same book for as long as it takes.
 */
import { Exchange } from 'ccxt';
import { Book, BOOK_LEVELS_MAX } from '#src/domain/book.js';
import { SeededRandom, seedOf } from '#src/domain/seeded-random.js';
import { median, type Sample } from './compare.js';
import type { Bench, Contender } from './harness.js';

/** Levels of one side. */
const DEPTHS = [20, 1_000, 50_000];
const DEPTHS_QUICK = [20, 1_000];
/** Slots of a side that updates near the top fall into: its best 20 levels. */
const NEAR_TOP_SLOTS = 40;
/** Updates before all is taken back: too many to be learnt by the branch predictor. */
const CHANGES = 16_384;
const CHANGES_QUICK = 64;
/** Timed together: short enough to run through between two turns of other programs on a busy machine. */
const BLOCK_UPDATES = 1_024;
/** Each measurement plays whole flows, at least one, for so long. */
const MEASURE_NS = 200_000_000;
const WARM_UP_NS = 300_000_000;
const SEED = 20_260_901;
/** Like BTC-USD in cents, sizes up to ten coins. */
const MIDDLE_PRICE_MANTISSA = 6_500_000;
const SIZE_MANTISSA_MAX = 1_000_000_000;

/** Of one side, best first. */
interface Levels {
  readonly prices: Float64Array;
  readonly sizes: Float64Array;
}

interface Snapshot {
  readonly bids: Levels;
  readonly asks: Levels;
}

/** Updates in columns. The second half takes back the first. */
interface Flow {
  readonly what: string;
  readonly count: number;
  /** 1: ask. */
  readonly asks: Uint8Array;
  readonly prices: Float64Array;
  /** 0 removes. */
  readonly sizes: Float64Array;
  /** What the book is after the first half. */
  readonly middle: Snapshot;
}

interface BenchBook {
  readonly who: string;
  /** Applies the updates `from..to` and reads the top after each; the sum of all that was read. */
  play(flow: Flow, from: number, to: number): number;
  snapshot(): Snapshot;
}

type Row = [price: number, size: number];

export const bench: Bench = {
  question:
    'what does a level update and a look at the top of the book cost, and does it grow with the depth of the book?',
  open({ isQuick }) {
    return (isQuick ? DEPTHS_QUICK : DEPTHS).flatMap((depth) => contendersAt(depth, isQuick));
  },
};

function contendersAt(depth: number, isQuick: boolean): Contender[] {
  const model = new SlotModel(depth, new SeededRandom(seedOf(SEED, `depth ${depth}`)));
  const start = model.snapshot();
  const books = [
    new TickwireBook(start),
    new ArrayBook(start, false),
    new ArrayBook(start, true),
    new CcxtBook(start),
  ];
  const changes = isQuick ? CHANGES_QUICK : CHANGES;
  const flows = [
    flowOf(model, `near the top, ${depth} levels`, changes, true),
    flowOf(model, `anywhere, ${depth} levels`, changes, false),
  ];
  for (const flow of flows) {
    checkBooks(books, flow, start);
    if (!isQuick) for (const book of books) timed(book, flow, WARM_UP_NS);
  }
  return flows.flatMap((flow) => books.map((book) => contender(book, flow, isQuick)));
}

function contender(book: BenchBook, flow: Flow, isQuick: boolean): Contender {
  return {
    name: `${book.who} ${flow.what}`,
    measure(): Promise<readonly Sample[]> {
      const value = timed(book, flow, isQuick ? 0 : MEASURE_NS);
      return Promise.resolve([{ who: book.who, what: flow.what, unit: 'ns', value }]);
    },
  };
}

/** ns per update, of the median block. */
function timed(book: BenchBook, flow: Flow, leastNs: number): number {
  const blocksNs: number[] = [];
  let totalNs = 0;
  do {
    for (let from = 0; from < flow.count; from += BLOCK_UPDATES) {
      const to = Math.min(from + BLOCK_UPDATES, flow.count);
      const startNs = process.hrtime.bigint();
      book.play(flow, from, to);
      const tookNs = Number(process.hrtime.bigint() - startNs);
      blocksNs.push(tookNs / (to - from));
      totalNs += tookNs;
    }
  } while (totalNs < leastNs);
  return median(blocksNs);
}

/** No book may win by keeping something else. */
function checkBooks(books: readonly BenchBook[], flow: Flow, start: Snapshot): void {
  const half = flow.count / 2;
  let sumExpected = Number.NaN;
  for (const book of books) {
    let sum = book.play(flow, 0, half);
    checkSnapshot(book, flow, flow.middle);
    sum += book.play(flow, half, flow.count);
    checkSnapshot(book, flow, start);
    if (Number.isNaN(sumExpected)) sumExpected = sum;
    if (sum !== sumExpected) throw new Error(`${book.who} read other tops: ${flow.what}`);
  }
}

function checkSnapshot(book: BenchBook, flow: Flow, expected: Snapshot): void {
  const found = book.snapshot();
  const isSame =
    isEqual(found.bids.prices, expected.bids.prices) &&
    isEqual(found.bids.sizes, expected.bids.sizes) &&
    isEqual(found.asks.prices, expected.asks.prices) &&
    isEqual(found.asks.sizes, expected.asks.sizes);
  if (!isSame) throw new Error(`${book.who} has another book: ${flow.what}`);
}

function isEqual(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** Ours: as market-publisher applies a level and copies the top for a quote. */
class TickwireBook implements BenchBook {
  readonly who = 'tickwire';
  readonly #book = new Book(BOOK_LEVELS_MAX);
  readonly #top = new Float64Array(4);

  constructor({ bids, asks }: Snapshot) {
    this.#book.bids.load(bids.prices, bids.sizes, 0, bids.prices.length);
    this.#book.asks.load(asks.prices, asks.sizes, 0, asks.prices.length);
  }

  play(flow: Flow, from: number, to: number): number {
    const { bids, asks } = this.#book;
    const top = this.#top;
    let sum = 0;
    for (let index = from; index < to; index++) {
      const side = flow.asks[index] === 1 ? asks : bids;
      side.setFrom(flow.prices, flow.sizes, index);
      bids.copyLevel(0, top, 0);
      asks.copyLevel(0, top, 2);
      sum += (top[0] as number) + (top[1] as number) + (top[2] as number) + (top[3] as number);
    }
    return sum;
  }

  snapshot(): Snapshot {
    const levelsOf = (side: Book['bids']): Levels => {
      const prices = new Float64Array(side.count);
      const sizes = new Float64Array(side.count);
      side.copyBest(side.count, prices, sizes);
      return { prices, sizes };
    };
    return { bids: levelsOf(this.#book.bids), asks: levelsOf(this.#book.asks) };
  }
}

/**
 * What one would write first: rows [price, size], found by halving, put in and taken out by splice. Best first is what
 * everyone does; best last is the same with one good idea, that changes near the top then move few rows.
 */
class ArrayBook implements BenchBook {
  readonly who: string;
  readonly #isBestLast: boolean;
  readonly #bids: Row[];
  readonly #asks: Row[];

  constructor({ bids, asks }: Snapshot, isBestLast: boolean) {
    this.who = isBestLast ? 'best-last array' : 'sorted array';
    this.#isBestLast = isBestLast;
    this.#bids = isBestLast ? rowsOf(bids).reverse() : rowsOf(bids);
    this.#asks = isBestLast ? rowsOf(asks).reverse() : rowsOf(asks);
  }

  play(flow: Flow, from: number, to: number): number {
    const isBestLast = this.#isBestLast;
    const bids = this.#bids;
    const asks = this.#asks;
    const askSign = isBestLast ? -1 : 1;
    let sum = 0;
    for (let index = from; index < to; index++) {
      const price = flow.prices[index] as number;
      const size = flow.sizes[index] as number;
      if (flow.asks[index] === 1) setRow(asks, askSign, price, size);
      else setRow(bids, -askSign, price, size);
      const bid = bids[isBestLast ? bids.length - 1 : 0] as Row;
      const ask = asks[isBestLast ? asks.length - 1 : 0] as Row;
      sum += bid[0] + bid[1] + ask[0] + ask[1];
    }
    return sum;
  }

  snapshot(): Snapshot {
    const bestFirst = (rows: Row[]): Row[] => (this.#isBestLast ? rows.toReversed() : rows);
    return {
      bids: levelsOfRows(bestFirst(this.#bids)),
      asks: levelsOfRows(bestFirst(this.#asks)),
    };
  }
}

/** `sign` is 1 where prices ascend, -1 where they descend. */
function setRow(rows: Row[], sign: number, price: number, size: number): void {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sign * ((rows[middle] as Row)[0] - price) < 0) low = middle + 1;
    else high = middle;
  }
  const row = rows[low];
  if (row?.[0] !== price) {
    if (size !== 0) rows.splice(low, 0, [price, size]);
  } else if (size === 0) {
    rows.splice(low, 1);
  } else {
    row[1] = size;
  }
}

/** The book that ccxt's clients keep, by the calls that they make. */
class CcxtBook implements BenchBook {
  readonly who = 'ccxt';
  readonly #book: ReturnType<Exchange['orderBook']>;

  constructor({ bids, asks }: Snapshot) {
    this.#book = new Exchange().orderBook({ bids: rowsOf(bids), asks: rowsOf(asks) });
  }

  play(flow: Flow, from: number, to: number): number {
    const { bids, asks } = this.#book;
    let sum = 0;
    for (let index = from; index < to; index++) {
      const price = flow.prices[index] as number;
      const size = flow.sizes[index] as number;
      if (flow.asks[index] === 1) asks.store(price, size);
      else bids.store(price, size);
      const bid = bids[0] as Row;
      const ask = asks[0] as Row;
      sum += bid[0] + bid[1] + ask[0] + ask[1];
    }
    return sum;
  }

  snapshot(): Snapshot {
    return { bids: levelsOfRows(this.#book.bids), asks: levelsOfRows(this.#book.asks) };
  }
}

function rowsOf({ prices, sizes }: Levels): Row[] {
  return Array.from(prices, (price, index) => [price, sizes[index] as number]);
}

function levelsOfRows(rows: Iterable<Row>): Levels {
  const all = [...rows];
  return {
    prices: Float64Array.from(all, ([price]) => price),
    sizes: Float64Array.from(all, ([, size]) => size),
  };
}

/** Sizes by side and slot, slot 0 next to the middle; 0: no level. */
class SlotModel {
  readonly bids: Float64Array;
  readonly asks: Float64Array;
  readonly #random: SeededRandom;

  /** One slot of each pair is taken: the depth is exact, and so is that of the slots near the top. */
  constructor(depth: number, random: SeededRandom) {
    this.#random = random;
    this.bids = new Float64Array(2 * depth);
    this.asks = new Float64Array(2 * depth);
    for (const side of [this.bids, this.asks]) {
      for (let pair = 0; pair < depth; pair++) side[2 * pair + this.below(2)] = this.size();
    }
  }

  below(end: number): number {
    return Math.floor(this.#random.nextUnit() * end);
  }

  size(): number {
    return 1 + this.below(SIZE_MANTISSA_MAX);
  }

  /** A slot with a level or without: near the top the better ones are the likely ones, else all are alike. */
  slot(side: Float64Array, isNearTop: boolean, isTaken: boolean): number {
    for (;;) {
      const unit = this.#random.nextUnit();
      const slot = Math.floor(isNearTop ? unit * unit * NEAR_TOP_SLOTS : unit * side.length);
      if ((side[slot] !== 0) === isTaken) return slot;
    }
  }

  snapshot(): Snapshot {
    return { bids: levelsOfSlots(this.bids, false), asks: levelsOfSlots(this.asks, true) };
  }
}

function levelsOfSlots(side: Float64Array, isAsk: boolean): Levels {
  const slots = [...side.keys()].filter((slot) => side[slot] !== 0);
  return {
    prices: Float64Array.from(slots, (slot) => priceOf(slot, isAsk)),
    sizes: Float64Array.from(slots, (slot) => side[slot] as number),
  };
}

function priceOf(slot: number, isAsk: boolean): number {
  return MIDDLE_PRICE_MANTISSA + (isAsk ? 1 : -1) * (1 + slot);
}

/** The model is left as it was found. */
function flowOf(model: SlotModel, what: string, changes: number, isNearTop: boolean): Flow {
  const count = 2 * changes;
  const asks = new Uint8Array(count);
  const prices = new Float64Array(count);
  const sizes = new Float64Array(count);
  /** By side: a level was removed and none inserted since. */
  const isShort = [false, false];
  const takeBack: (() => void)[] = [];
  for (let index = 0; index < changes; index++) {
    const ask = model.below(2);
    const side = ask === 1 ? model.asks : model.bids;
    const isResize = model.below(2) === 0;
    const isInsert = !isResize && isShort[ask] === true;
    const slot = model.slot(side, isNearTop, !isInsert);
    const before = side[slot] as number;
    const after = isResize || isInsert ? model.size() : 0;
    if (!isResize) isShort[ask] = !isInsert;
    side[slot] = after;
    takeBack.push(() => (side[slot] = before));
    const undo = count - 1 - index;
    asks[index] = asks[undo] = ask;
    prices[index] = prices[undo] = priceOf(slot, ask === 1);
    sizes[index] = after;
    sizes[undo] = before;
  }
  const middle = model.snapshot();
  for (const undo of takeBack.reverse()) undo();
  return { what, count, asks, prices, sizes, middle };
}
