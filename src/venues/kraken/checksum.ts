/**
 * checksum: the CRC-32 by which Kraken lets a client check its book: the digits of the ten best asks, then of the ten best
 * bids, price and size of each as on the wire, without the dot and without leading zeros.
 * @hotpath
 *
 * One BookChecksum per market, ingest thread (and `normalize`). After an update one or two of the twenty levels are new, so
 * what a level adds to the sum is kept and only put together anew. That works because a CRC is linear:
 *
 *   crc(A then B) = shift(crc(A), length of B) xor crc0(B)          crc0: started from 0 instead of all ones
 *
 * shift is four table reads: 20 levels cost 80 reads instead of a multiplication table walk over 300 digits (1.3 us).
 * Invariant: the result depends on the book alone. Oracle in tests: the sum over the texts of the wire, bit by bit.
 */
import type { Book, BookSide } from '../../domain/book.js';
import { POW10 } from '../../domain/fixed-point.js';

/** Levels of a side that the sum covers (docs.kraken.com, "Spot Websockets (v2) book checksum", 2026-08). */
export const CHECKSUM_LEVELS = 10;

/** CRC-32 of IEEE 802.3, reflected. */
const POLYNOMIAL = 0xedb88320;
/** Digits of a mantissa below 2^53, and of an int64. */
const MANTISSA_DIGITS_MAX = 16;
const WIDE_DIGITS_MAX = 19;
/** Zeros that the wire may write behind them. */
const ZEROS_MAX = 18;
const LEVEL_DIGITS_MAX = 2 * (WIDE_DIGITS_MAX + ZEROS_MAX);
/** A power of two; levels within so many price steps of one another never share a place. */
const SLOTS = 512;
const ZERO = 0x30;
/** Two halves of eight digits hold every mantissa. */
const HALF_DIGITS = 8;
const HALF = 100_000_000;

/** What one byte does to the register. */
const BYTE_STEP = byteSteps();
/** What `length` zero bytes do to it: four tables of 256 for each length. */
const SHIFTS = shifts();

export class BookChecksum {
  readonly #prices = new Float64Array(SLOTS);
  readonly #sizes = new Float64Array(SLOTS);
  readonly #sums = new Int32Array(SLOTS);
  readonly #lengths = new Uint8Array(SLOTS);
  /** [0] price, [1] size: of the level under way. */
  readonly #level = new Float64Array(2);
  readonly #digits = new Uint8Array(MANTISSA_DIGITS_MAX);
  /** Digits that the wire writes behind those of our mantissa; below 0: so many fewer. */
  #priceZeros = 0;
  #sizeZeros = 0;
  /** The register. */
  #sum = 0;

  /** How many more decimals the wire has than the mantissas of the book. Cold: once per snapshot. */
  setZeros(priceZeros: number, sizeZeros: number): void {
    if (priceZeros === this.#priceZeros && sizeZeros === this.#sizeZeros) return;
    this.#priceZeros = Math.min(priceZeros, ZEROS_MAX);
    this.#sizeZeros = Math.min(sizeZeros, ZEROS_MAX);
    // No level has this price.
    this.#prices.fill(0);
  }

  /** The sum of a book as an int32 (the venue's number `| 0`). */
  of(book: Book): number {
    this.#sum = -1;
    this.#addSide(book.asks);
    this.#addSide(book.bids);
    return ~this.#sum;
  }

  #addSide(side: BookSide): void {
    const count = side.count < CHECKSUM_LEVELS ? side.count : CHECKSUM_LEVELS;
    const level = this.#level;
    const hasWide = side.wideCount !== 0;
    for (let depth = 0; depth < count; depth++) {
      side.copyLevel(depth, level, 0);
      const slot = (level[0] as number) & (SLOTS - 1);
      if (this.#prices[slot] !== level[0] || this.#sizes[slot] !== level[1]) this.#keep(slot);
      if (hasWide && (level[1] as number) > Number.MAX_SAFE_INTEGER)
        this.#keepWide(slot, side, depth);
      const table = (this.#lengths[slot] as number) << 10;
      const sum = this.#sum;
      this.#sum =
        (SHIFTS[table + (sum & 0xff)] as number) ^
        (SHIFTS[table + 256 + ((sum >>> 8) & 0xff)] as number) ^
        (SHIFTS[table + 512 + ((sum >>> 16) & 0xff)] as number) ^
        (SHIFTS[table + 768 + (sum >>> 24)] as number) ^
        (this.#sums[slot] as number);
    }
  }

  /** What the level adds, and how many digits it has, into its slot. */
  #keep(slot: number): void {
    const level = this.#level;
    this.#prices[slot] = level[0] as number;
    this.#sizes[slot] = level[1] as number;
    const saved = this.#sum;
    this.#sum = 0;
    const priceDigits = this.#addNumber(0, this.#priceZeros);
    this.#lengths[slot] = priceDigits + this.#addNumber(1, this.#sizeZeros);
    this.#sums[slot] = this.#sum;
    this.#sum = saved;
  }

  /** Cold: a size beyond 2^53, which stands rounded in the book and exactly beside it. It is not kept for the next time. */
  #keepWide(slot: number, side: BookSide, depth: number): void {
    const saved = this.#sum;
    this.#sum = 0;
    const priceDigits = this.#addNumber(0, this.#priceZeros);
    const zeros = this.#sizeZeros;
    const digits = String(side.exactSizeAt(depth));
    const text = zeros < 0 ? digits.slice(0, zeros) : digits + '0'.repeat(zeros);
    for (let at = 0; at < text.length; at++) this.#addDigit(text.charCodeAt(at));
    this.#lengths[slot] = priceDigits + text.length;
    this.#sums[slot] = this.#sum;
    this.#sizes[slot] = 0;
    this.#sum = saved;
  }

  #addDigit(digit: number): void {
    const sum = this.#sum;
    this.#sum = (BYTE_STEP[(sum ^ digit) & 0xff] as number) ^ (sum >>> 8);
  }

  /** The digits of a mantissa above 0 (0: price, 1: size of the level), as the wire has them. Returns how many. */
  #addNumber(field: number, zeros: number): number {
    const digits = this.#digits;
    let value = this.#level[field] as number;
    // A number that is finer than the wire cannot have come from there: it keeps its digits, and the sum is wrong.
    if (zeros < 0 && value % (POW10[-zeros] as number) === 0) value /= POW10[-zeros] as number;
    // Two parts, so that each is an int32, which divides faster than a double.
    const high = Math.floor(value / HALF) | 0;
    let part = (value - high * HALF) | 0;
    let start = MANTISSA_DIGITS_MAX;
    if (high > 0) {
      for (let i = 0; i < HALF_DIGITS; i++) {
        const rest = (part / 10) | 0;
        digits[--start] = ZERO + part - rest * 10;
        part = rest;
      }
      part = high;
    }
    // A size beyond 2^53 comes here rounded, and may have more digits than there is room for; #keepWide does it again.
    while (part > 0 && start > 0) {
      const rest = (part / 10) | 0;
      digits[--start] = ZERO + part - rest * 10;
      part = rest;
    }
    for (let at = start; at < MANTISSA_DIGITS_MAX; at++) this.#addDigit(digits[at] as number);
    for (let i = 0; i < zeros; i++) this.#addDigit(ZERO);
    return MANTISSA_DIGITS_MAX - start + (zeros > 0 ? zeros : 0);
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
function shifts(): Int32Array {
  const tables = new Int32Array((LEVEL_DIGITS_MAX + 1) * 1024);
  for (let place = 0; place < 1024; place++) {
    let value = (place & 0xff) << ((place >>> 8) * 8);
    tables[place] = value;
    for (let length = 1; length <= LEVEL_DIGITS_MAX; length++) {
      value = (BYTE_STEP[value & 0xff] as number) ^ (value >>> 8);
      tables[length * 1024 + place] = value;
    }
  }
  return tables;
}
