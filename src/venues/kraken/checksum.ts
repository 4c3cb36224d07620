/**
 * checksum: the CRC-32 by which Kraken lets a client check its book: the digits of the ten best asks, then of the ten best
 * bids, price and size of each as on the wire, without the dot and without leading zeros.
 * @hotpath
 *
 * One BookChecksum per market, ingest thread (and `normalize`). After an update one or two of the twenty levels are new, so
 * what a level adds is kept, and so is the sum up to each level: only what stands behind the first change is put together
 * anew. That works because a CRC is linear:
 *
 *   crc(A then B) = shift(crc(A), length of B) xor crc0(B)          crc0: started from 0 instead of all ones
 *
 * shift is four table reads, where the byte by byte walk over the 300 digits of a book takes over a microsecond.
 * Invariant: the result depends on the book alone. Oracle in tests: the sum over the texts of the wire, bit by bit.
 */
import type { Book, BookSide } from '../../domain/book.js';
import { POW10 } from '../../domain/fixed-point.js';

/** Levels of a side that the sum covers (docs.kraken.com, "Spot Websockets (v2) book checksum", 2026-08). */
export const CHECKSUM_LEVELS = 10;

/** CRC-32 of IEEE 802.3, reflected. */
const POLYNOMIAL = 0xedb88320;
/** Digits of an int64. */
const MANTISSA_DIGITS_MAX = 19;
/** Zeros that the wire may write behind them. */
const ZEROS_MAX = 18;
const LEVEL_DIGITS_MAX = 2 * (MANTISSA_DIGITS_MAX + ZEROS_MAX);
/** A power of two; levels within so many price steps of one another never share a place. */
const SLOTS = 512;
const ZERO = 0x30;
/** Two halves, each below this, hold every mantissa. */
const HALF = 100_000_000;

/** What one byte does to the register. */
const BYTE_STEP = byteSteps();
/** What a digit adds that stands before so many others; what a pair of digits adds. */
const DIGITS = digitSums();
const PAIRS = pairSums();
/** What zero bytes do to it: four tables of 256 for each number of them. */
const SHIFTS = shifts(LEVEL_DIGITS_MAX, 1);
/** The same for each multiple of 32. */
const LONG_SHIFTS = shifts((CHECKSUM_LEVELS * LEVEL_DIGITS_MAX) >>> 5, 32);

/** What was summed of one side the last time. */
class SideSum {
  readonly prices = new Float64Array(CHECKSUM_LEVELS);
  readonly sizes = new Float64Array(CHECKSUM_LEVELS);
  /** The register, and the digits so far, before each level and behind the last one. */
  readonly registers = new Int32Array(CHECKSUM_LEVELS + 1);
  readonly digits = new Int32Array(CHECKSUM_LEVELS + 1);
  count = 0;
  /** Of the book's side then. */
  revision = 0;
  isKnown = false;

  constructor(start: number) {
    this.registers[0] = start;
  }

  forget(): void {
    this.count = 0;
    this.isKnown = false;
  }
}

export class BookChecksum {
  readonly #prices = new Float64Array(SLOTS);
  readonly #sizes = new Float64Array(SLOTS);
  readonly #sums = new Int32Array(SLOTS);
  readonly #lengths = new Uint8Array(SLOTS);
  /** The sum begins with the asks, from all ones. */
  readonly #asks = new SideSum(-1);
  readonly #bids = new SideSum(0);
  /** The best levels of the side under way. */
  readonly #levelPrices = new Float64Array(CHECKSUM_LEVELS);
  readonly #levelSizes = new Float64Array(CHECKSUM_LEVELS);
  /** Digits that the wire writes behind those of our mantissa; below 0: so many fewer. */
  #priceZeros = 0;
  #sizeZeros = 0;
  /** What the level under way adds, and how many digits of it are in: its last ones first. */
  #sum = 0;
  #length = 0;

  /** How many more decimals the wire has than the mantissas of the book. Cold: once per snapshot. */
  setZeros(priceZeros: number, sizeZeros: number): void {
    if (priceZeros === this.#priceZeros && sizeZeros === this.#sizeZeros) return;
    this.#priceZeros = Math.min(priceZeros, ZEROS_MAX);
    this.#sizeZeros = Math.min(sizeZeros, ZEROS_MAX);
    // No level has this price.
    this.#prices.fill(0);
    this.#asks.forget();
    this.#bids.forget();
  }

  /** The sum of a book as an int32 (the venue's number `| 0`). */
  of(book: Book): number {
    this.#addSide(book.asks, this.#asks);
    this.#addSide(book.bids, this.#bids);
    const asks = this.#asks.registers[this.#asks.count] as number;
    const digits = this.#bids.digits[this.#bids.count] as number;
    // Two steps, so that the tables need not have every length that ten levels may have.
    const moved = shifted(LONG_SHIFTS, digits >>> 5, shifted(SHIFTS, digits & 31, asks));
    return ~(moved ^ (this.#bids.registers[this.#bids.count] as number));
  }

  /** Sums a side from its first level that is another one than the last time. */
  #addSide(side: BookSide, kept: SideSum): void {
    if (kept.isKnown && kept.revision === side.revision) return;
    const prices = this.#levelPrices;
    const sizes = this.#levelSizes;
    const count = side.copyBest(CHECKSUM_LEVELS, prices, sizes);
    const hasWide = side.wideCount !== 0;
    // Sizes beyond 2^53 stand rounded in the book: equal ones may be different.
    const same = hasWide ? 0 : count < kept.count ? count : kept.count;
    let depth = 0;
    while (
      depth < same &&
      prices[depth] === kept.prices[depth] &&
      sizes[depth] === kept.sizes[depth]
    ) {
      depth++;
    }
    for (; depth < count; depth++) {
      kept.prices[depth] = prices[depth] as number;
      kept.sizes[depth] = sizes[depth] as number;
      const slot = (prices[depth] as number) & (SLOTS - 1);
      if (this.#prices[slot] !== prices[depth] || this.#sizes[slot] !== sizes[depth]) {
        this.#keep(slot, depth);
      }
      if (hasWide && (sizes[depth] as number) > Number.MAX_SAFE_INTEGER) {
        this.#keepWide(slot, side, depth);
      }
      const length = this.#lengths[slot] as number;
      const before = shifted(SHIFTS, length, kept.registers[depth] as number);
      kept.registers[depth + 1] = before ^ (this.#sums[slot] as number);
      kept.digits[depth + 1] = (kept.digits[depth] as number) + length;
    }
    kept.count = count;
    kept.revision = side.revision;
    kept.isKnown = true;
  }

  /** What the level adds, and how many digits it has, into its slot. */
  #keep(slot: number, depth: number): void {
    this.#prices[slot] = this.#levelPrices[depth] as number;
    this.#sizes[slot] = this.#levelSizes[depth] as number;
    this.#sum = 0;
    this.#length = 0;
    this.#addNumber(this.#sizes, slot, this.#sizeZeros);
    this.#addNumber(this.#prices, slot, this.#priceZeros);
    this.#sums[slot] = this.#sum;
    this.#lengths[slot] = this.#length;
  }

  /** Cold: a size beyond 2^53, which stands rounded in the book and exactly beside it. Done anew each time. */
  #keepWide(slot: number, side: BookSide, depth: number): void {
    this.#sum = 0;
    this.#length = 0;
    const zeros = this.#sizeZeros;
    const digits = String(side.exactSizeAt(depth));
    const text = zeros < 0 ? digits.slice(0, zeros) : digits + '0'.repeat(zeros);
    for (let at = text.length - 1; at >= 0; at--) this.#addDigit(Number(text[at]));
    this.#addNumber(this.#prices, slot, this.#priceZeros);
    this.#sums[slot] = this.#sum;
    this.#lengths[slot] = this.#length;
  }

  /** The digits of a mantissa above 0, as the wire has them, before those that are in. */
  #addNumber(mantissas: Float64Array, slot: number, zeros: number): void {
    for (let i = 0; i < zeros; i++) this.#addDigit(0);
    let value = mantissas[slot] as number;
    // A number that is finer than the wire cannot have come from there: it keeps its digits, and the sum is wrong.
    if (zeros < 0 && value % (POW10[-zeros] as number) === 0) value /= POW10[-zeros] as number;
    // Two parts, so that each is an int32, which divides faster than a double.
    const high = Math.floor(value / HALF) | 0;
    this.#addPairs((value - high * HALF) | 0, high > 0);
    if (high > 0) this.#addPairs(high, false);
  }

  /** Below 10^8: two digits at a time, all eight of them if more digits stand before. */
  #addPairs(part: number, isFull: boolean): void {
    let rest = part;
    let length = this.#length;
    let sum = this.#sum;
    const pairs = isFull ? 4 : 0;
    for (let i = 0; i < pairs || rest >= 10; i++) {
      const next = (rest / 100) | 0;
      sum ^= PAIRS[length * 100 + rest - next * 100] as number;
      length += 2;
      rest = next;
    }
    this.#sum = sum;
    this.#length = length;
    if (rest > 0) this.#addDigit(rest);
  }

  #addDigit(digit: number): void {
    this.#sum ^= DIGITS[this.#length * 10 + digit] as number;
    this.#length++;
  }
}

/** At start. */
function byteSteps(): Int32Array {
  const steps = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) * POLYNOMIAL);
    steps[byte] = value;
  }
  return steps;
}

/** At start. */
function digitSums(): Int32Array {
  const sums = new Int32Array(LEVEL_DIGITS_MAX * 10);
  for (let digit = 0; digit < 10; digit++) {
    let value = BYTE_STEP[ZERO + digit] as number;
    for (let behind = 0; behind < LEVEL_DIGITS_MAX; behind++) {
      sums[behind * 10 + digit] = value;
      value = (BYTE_STEP[value & 0xff] as number) ^ (value >>> 8);
    }
  }
  return sums;
}

/** At start. */
function pairSums(): Int32Array {
  const sums = new Int32Array((LEVEL_DIGITS_MAX - 1) * 100);
  for (let behind = 0; behind < LEVEL_DIGITS_MAX - 1; behind++) {
    for (let pair = 0; pair < 100; pair++) {
      const first = DIGITS[(behind + 1) * 10 + Math.floor(pair / 10)] as number;
      sums[behind * 100 + pair] = first ^ (DIGITS[behind * 10 + (pair % 10)] as number);
    }
  }
  return sums;
}

/** At start. For 0 to `count` times so many bytes. */
function shifts(count: number, bytes: number): Int32Array {
  const tables = new Int32Array((count + 1) * 1024);
  for (let place = 0; place < 1024; place++) {
    let value = (place & 0xff) << ((place >>> 8) * 8);
    tables[place] = value;
    for (let multiple = 1; multiple <= count; multiple++) {
      for (let i = 0; i < bytes; i++) {
        value = (BYTE_STEP[value & 0xff] as number) ^ (value >>> 8);
      }
      tables[multiple * 1024 + place] = value;
    }
  }
  return tables;
}

/** A register after the zero bytes that table `index` stands for. */
function shifted(tables: Int32Array, index: number, register: number): number {
  const table = index << 10;
  return (
    (tables[table + (register & 0xff)] as number) ^
    (tables[table + 256 + ((register >>> 8) & 0xff)] as number) ^
    (tables[table + 512 + ((register >>> 16) & 0xff)] as number) ^
    (tables[table + 768 + (register >>> 24)] as number)
  );
}
