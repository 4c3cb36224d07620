/**
 * byte-scanner: reads JSON, decimals and times straight from a frame's bytes: no string, no object, no rounding.
 * @hotpath
 *
 * One per connection, on the thread that decodes it (ingest). A venue's market-feed walks its own dialect with it:
 *
 *   beginObject ─▶ key ─▶ (string | decimal | time | count | skipValue) ─▶ endObject? ─▶ key ─▶ …
 *
 * Every step returns false (or a status) when the bytes are not JSON; the caller refuses the frame. What is skipped is
 * checked as strictly as JSON.parse would, so a frame that JSON.parse refuses is never half believed.
 * A frame is copied into memory of our own first (50 ns for a kilobyte): that memory can be read four bytes at a time, has
 * a zero behind the frame that stops every loop, and is always the same object to the optimizer.
 * Numbers leave through typed arrays (`mantissa`, `seconds`, `nanos`): a double that is returned or passed to a call
 * that is not inlined would be boxed on the heap.
 */
import { assert } from './assert.js';
import { POW10, readDecimal } from './fixed-point.js';

/** What became of a decimal. */
export const DecimalStatus = {
  /** `mantissa` holds it, inside 2^53. */
  Ok: 0,
  /** An int64 outside 2^53: `wideMantissa` holds it. Rare and slow. */
  Wide: 1,
  /** "" or null: the venue says nothing. */
  Absent: 2,
  /** More digits than the scale keeps. */
  Inexact: 3,
  /** Beyond int64. */
  Overflow: 4,
  /** Not a decimal. */
  Malformed: 5,
} as const;
export type DecimalStatus = (typeof DecimalStatus)[keyof typeof DecimalStatus];

/** Nesting that is still read; venues use 5. */
const DEPTH_MAX = 32;
/** Digits that a number takes exactly, whatever they are: 10^15 is below 2^53. */
const DIGITS_EXACT = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const DOT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const UTC = 0x5a;
const ZERO = 0x30;
const NINE = 0x39;
const OBJECT_OPEN = 0x7b;
const OBJECT_CLOSE = 0x7d;
const ARRAY_OPEN = 0x5b;
const ARRAY_CLOSE = 0x5d;

const DAYS_BEFORE_MONTH = Int32Array.of(0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334);
const DAYS_IN_MONTH = Int32Array.of(31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

/** Room behind a frame: what is compared or read four bytes at a time may reach over its end. */
const PADDING_BYTES = 128;
/** Longest symbol that a table of symbols takes. The longest that a venue lists is 64 (dYdX, with an address in it). */
export const SYMBOL_BYTES_MAX = 100;
const CAPACITY_START = 1 << 16;

/** An ASCII text, ready to be compared four bytes at a time. Made at start. */
export class AsciiText {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** The whole words of it. */
  readonly words: Int32Array;
  /** The rest, and which of its bits count. */
  readonly tail: number;
  readonly tailMask: number;

  constructor(text: string) {
    assert(text.length <= PADDING_BYTES - 4, `short enough for a literal: text=${text}`);
    this.length = text.length;
    this.bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[i] = text.charCodeAt(i);
    const padded = new Uint8Array(text.length + 4);
    padded.set(this.bytes);
    const view = new DataView(padded.buffer);
    const wordCount = text.length >> 2;
    this.words = new Int32Array(wordCount);
    for (let i = 0; i < wordCount; i++) this.words[i] = view.getInt32(i * 4, true);
    const restBytes = text.length & 3;
    this.tailMask = restBytes === 0 ? 0 : (1 << (restBytes * 8)) - 1;
    this.tail = view.getInt32(wordCount * 4, true) & this.tailMask;
  }
}

/** ASCII text, for keys and literals. Called at start. */
export function ascii(text: string): AsciiText {
  return new AsciiText(text);
}

const TRUE = ascii('true');
const FALSE = ascii('false');
const NULL = ascii('null');

export class ByteScanner {
  /** The frame and its padding. */
  bytes: Uint8Array = new Uint8Array(CAPACITY_START);
  #view = new DataView(this.bytes.buffer);
  /** Place of the next byte. */
  at = 0;
  end = 0;
  /** Where the text of the last string() or key() lies, without its quotes. */
  textStart = 0;
  textEnd = 0;
  /** [0]: the last decimal() or count(). */
  readonly mantissa = new Float64Array(1);
  /** The last decimal() that was Wide. */
  wideMantissa = 0n;
  /** [0]: epoch seconds of the last time(). */
  readonly seconds = new Float64Array(1);
  /** Nanoseconds within that second. */
  nanos = 0;
  #dateKey = -1;
  /** The characters of the last time's minute, and its epoch seconds: at first of 1970. */
  readonly #minute = ascii('1970-01-01T00:00').words;
  readonly #minuteSeconds = new Float64Array(1);
  readonly #dateSeconds = new Float64Array(1);

  /** Starts a new frame. It is copied. */
  begin(bytes: Uint8Array): void {
    const length = bytes.length;
    if (length + PADDING_BYTES > this.bytes.length) this.#reserve(length + PADDING_BYTES);
    this.bytes.set(bytes);
    // One is enough: it is no part of any literal, text, number or white space.
    this.bytes[length] = 0;
    this.at = 0;
    this.end = length;
  }

  /** Starts the same frame again. */
  rewind(): void {
    this.at = 0;
  }

  skipSpace(): void {
    const bytes = this.bytes;
    let at = this.at;
    let byte = bytes[at] as number;
    // The padding is no white space.
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      at++;
      byte = bytes[at] as number;
    }
    this.at = at;
  }

  /** The byte that comes after white space; -1 at the end. */
  peek(): number {
    this.skipSpace();
    return this.at < this.end ? (this.bytes[this.at] as number) : -1;
  }

  /** True when nothing but white space is left. */
  isAtEnd(): boolean {
    this.skipSpace();
    return this.at >= this.end;
  }

  /** Takes one byte after white space, if it is this one. */
  take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) {
      this.skipSpace();
      if (this.bytes[this.at] !== byte) return false;
    }
    this.at++;
    return true;
  }

  beginObject(): boolean {
    return this.take(OBJECT_OPEN);
  }

  beginArray(): boolean {
    return this.take(ARRAY_OPEN);
  }

  /** Right after beginObject: takes the brace of an empty one. */
  isEmptyObject(): boolean {
    return this.take(OBJECT_CLOSE);
  }

  /** Right after beginArray: takes the bracket of an empty one. */
  isEmptyArray(): boolean {
    return this.take(ARRAY_CLOSE);
  }

  /** After a member: 1 = another one follows, 0 = the object is closed, -1 = malformed. */
  nextMember(): number {
    if (this.take(COMMA)) return 1;
    return this.take(OBJECT_CLOSE) ? 0 : -1;
  }

  /** After an element: 1 = another one follows, 0 = the array is closed, -1 = malformed. */
  nextElement(): number {
    if (this.take(COMMA)) return 1;
    return this.take(ARRAY_CLOSE) ? 0 : -1;
  }

  /** Takes `literal` if it stands exactly here; the fast way over a part of a frame that always looks the same. */
  literal(literal: AsciiText): boolean {
    if (!this.#isHere(this.at, literal)) return false;
    this.at += literal.length;
    return true;
  }

  /** A member's key and its colon. A key with an escape is refused: no venue has one. */
  key(): boolean {
    return this.string() && this.take(COLON);
  }

  /** A string without escapes; its place is in textStart and textEnd. */
  string(): boolean {
    if (!this.take(QUOTE)) return false;
    const start = this.at;
    const at = this.#endOfText(start);
    if (this.bytes[at] !== QUOTE) return false;
    this.textStart = start;
    this.textEnd = at;
    this.at = at + 1;
    return true;
  }

  /** Whether the last string or key is this text. */
  isText(text: AsciiText): boolean {
    return this.textEnd - this.textStart === text.length && this.#isHere(this.textStart, text);
  }

  /** The last string as text. Cold: for messages to people. */
  text(): string {
    return this.slice(this.textStart, this.textEnd);
  }

  /** Bytes as text, one character a byte, at most 200. Cold: for messages to people. */
  slice(start: number, end: number): string {
    let text = '';
    for (let i = start; i < Math.min(end, start + 200); i++) {
      text += String.fromCharCode(this.bytes[i] as number);
    }
    return text;
  }

  /** A decimal in quotes, at `scale`. null and "" are Absent. */
  quotedDecimal(scale: number): DecimalStatus {
    if (!this.take(QUOTE)) return this.#absentOrMalformed();
    const start = this.at;
    if (start < this.end && this.bytes[start] === QUOTE) {
      this.at = start + 1;
      return DecimalStatus.Absent;
    }
    const status = this.#digits(scale);
    if (status === DecimalStatus.Malformed) return status;
    if (this.at >= this.end || this.bytes[this.at] !== QUOTE) return DecimalStatus.Malformed;
    this.at++;
    return status;
  }

  /** A decimal as a JSON number, at `scale`. null is Absent. */
  bareDecimal(scale: number): DecimalStatus {
    const first = this.peek();
    if (first !== MINUS && (first < ZERO || first > NINE)) return this.#absentOrMalformed();
    const at = this.at;
    // JSON allows no leading zero.
    const lead = first === MINUS ? at + 1 : at;
    if (lead + 1 < this.end && this.bytes[lead] === ZERO) {
      const second = this.bytes[lead + 1] as number;
      if (second >= ZERO && second <= NINE) return DecimalStatus.Malformed;
    }
    return this.#digits(scale);
  }

  /** A whole number from 0 to 2^53 - 1, bare or quoted; in `mantissa`. */
  count(): boolean {
    const status = this.peek() === QUOTE ? this.quotedDecimal(0) : this.bareDecimal(0);
    return status === DecimalStatus.Ok && (this.mantissa[0] as number) >= 0;
  }

  /**
   * A time in quotes as RFC 3339 has it: 2026-08-09T21:05:48.228568804Z, 0 to 9 digits of fraction, Z or an offset.
   * Exact: epoch seconds in `seconds`, the rest in `nanos`.
   */
  time(): boolean {
    if (!this.take(QUOTE)) return false;
    const start = this.at;
    if (start + 21 > this.end) return false;
    // The times of a connection stand in one minute for a while: its 16 characters are compared, not read.
    const minute = this.#minute;
    const view = this.#view;
    const isSameMinute =
      view.getInt32(start, true) === minute[0] &&
      view.getInt32(start + 4, true) === minute[1] &&
      view.getInt32(start + 8, true) === minute[2] &&
      view.getInt32(start + 12, true) === minute[3];
    if (!isSameMinute && !this.#readMinute(start)) return false;
    const bytes = this.bytes;
    const second = this.#pair(start + 17);
    if (bytes[start + 16] !== COLON || second < 0 || second > 60) return false;
    this.at = start + 19;
    if (!this.#fraction()) return false;
    let offsetSec = 0;
    if (bytes[this.at] === UTC) this.at++;
    else offsetSec = this.#offset();
    if (offsetSec === 1_000_000 || bytes[this.at] !== QUOTE) return false;
    this.at++;
    this.seconds[0] = (this.#minuteSeconds[0] as number) + second - offsetSec;
    return true;
  }

  /** 2026-08-09T21:05 */
  #readMinute(start: number): boolean {
    const bytes = this.bytes;
    const year = this.#pair(start) * 100 + this.#pair(start + 2);
    const month = this.#pair(start + 5);
    const day = this.#pair(start + 8);
    const hour = this.#pair(start + 11);
    const minute = this.#pair(start + 14);
    // A pair that is no pair is -1000000, so that one comparison of the sum finds it.
    if (year < 0 || month + day + hour + minute < 0 || hour > 23 || minute > 59) return false;
    if (
      bytes[start + 4] !== MINUS ||
      bytes[start + 7] !== MINUS ||
      bytes[start + 10] !== 0x54 ||
      bytes[start + 13] !== COLON
    ) {
      return false;
    }
    const dateKey = year * 10_000 + month * 100 + day;
    if (dateKey !== this.#dateKey && !this.#date(year, month, day, dateKey)) return false;
    this.#minuteSeconds[0] = (this.#dateSeconds[0] as number) + hour * 3600 + minute * 60;
    for (let i = 0; i < 4; i++) this.#minute[i] = this.#view.getInt32(start + i * 4, true);
    return true;
  }

  /**
   * A time as a whole number since 1970, bare or quoted: seconds (up to 11 digits), milliseconds (up to 14), microseconds
   * (up to 17) or nanoseconds (up to 20), told by the number of digits, so for times after 1973. Seconds may have a
   * fraction of 1 to 9 digits. As time(): epoch seconds in `seconds`, the rest in `nanos`, exact.
   */
  epochTime(): boolean {
    const first = this.at;
    if (this.id(this.seconds, 0) && this.at - first === 13) {
      const ms = this.seconds[0] as number;
      const sec = Math.floor(ms / 1000);
      this.seconds[0] = sec;
      this.nanos = (ms - sec * 1000) * 1_000_000;
      return true;
    }
    this.at = first;
    const isQuoted = this.take(QUOTE);
    if (!isQuoted) this.skipSpace();
    const bytes = this.bytes;
    const start = this.at;
    const end = this.#skipDigits(start);
    const digits = end - start;
    if (digits === 0 || digits > 20) return false;
    if (digits > 1 && bytes[start] === ZERO) return false;
    const unitDigits = digits <= 11 ? 0 : digits <= 14 ? 3 : digits <= 17 ? 6 : 9;
    let seconds = 0;
    let at = start;
    while (at < end - unitDigits) seconds = seconds * 10 + (bytes[at++] as number) - ZERO;
    let rest = 0;
    while (at < end) rest = rest * 10 + (bytes[at++] as number) - ZERO;
    this.at = end;
    this.seconds[0] = seconds;
    if (unitDigits === 0) {
      if (!this.#fraction()) return false;
    } else {
      this.nanos = unitDigits === 3 ? rest * 1_000_000 : unitDigits === 6 ? rest * 1_000 : rest;
    }
    return !isQuoted || this.take(QUOTE);
  }

  /**
   * A bare whole number of at most 15 digits, as ids are, into `into[index]`; no sign, no leading zero, no fraction.
   */
  id(into: Float64Array, index: number): boolean {
    const bytes = this.bytes;
    const start = this.at;
    let at = start;
    let digit = (bytes[at] as number) - ZERO;
    let high = 0;
    const middle = start + 8;
    while (at < middle && digit >>> 0 <= 9) {
      high = (Math.imul(high, 10) + digit) | 0;
      at++;
      digit = (bytes[at] as number) - ZERO;
    }
    const lowStart = at;
    let low = 0;
    while (digit >>> 0 <= 9) {
      low = (Math.imul(low, 10) + digit) | 0;
      at++;
      digit = (bytes[at] as number) - ZERO;
    }
    const digits = at - start;
    if (digits === 0 || digits > DIGITS_EXACT || (bytes[start] === ZERO && digits > 1))
      return false;
    const next = bytes[at] as number;
    if (next === DOT || (next | 0x20) === 0x65) return false;
    into[index] = high * (POW10[at - lowStart] as number) + low;
    this.at = at;
    return true;
  }

  /**
   * A level as ["61737.63000000","0.00000000"], without white space: a price above 0 and a size of at least 0, both plain
   * and inside 2^53, into `prices[index]` and `sizes[index]`. False: it is anything else; the scanner stands where it stood.
   */
  level(
    prices: Float64Array,
    sizes: Float64Array,
    index: number,
    priceScale: number,
    sizeScale: number,
  ): boolean {
    const bytes = this.bytes;
    const start = this.at;
    this.at = start + 2;
    if (bytes[start] === ARRAY_OPEN && bytes[start + 1] === QUOTE) {
      if (this.#digits(priceScale) === DecimalStatus.Ok) {
        const price = this.mantissa[0] as number;
        const between = this.at;
        const isPair =
          bytes[between] === QUOTE && bytes[between + 1] === COMMA && bytes[between + 2] === QUOTE;
        this.at = between + 3;
        if (isPair && this.#digits(sizeScale) === DecimalStatus.Ok) {
          const size = this.mantissa[0] as number;
          const end = this.at;
          if (bytes[end] === QUOTE && bytes[end + 1] === ARRAY_CLOSE && price > 0 && size >= 0) {
            prices[index] = price;
            sizes[index] = size;
            this.at = end + 2;
            return true;
          }
        }
      }
    }
    this.at = start;
    return false;
  }

  /**
   * Two bare decimals behind their literals, as {"price":63005.0 and ,"qty":2.08: the first above 0, the second at least 0,
   * both plain and inside 2^53, into `firsts[index]` and `seconds[index]`. False: it is anything else; the scanner stands
   * where it stood.
   */
  numberPair(
    firstKey: AsciiText,
    secondKey: AsciiText,
    firsts: Float64Array,
    seconds: Float64Array,
    index: number,
    firstScale: number,
    secondScale: number,
  ): boolean {
    const start = this.at;
    if (this.#isHere(start, firstKey)) {
      this.at = start + firstKey.length;
      if (this.#isPlainNumber() && this.#digits(firstScale) === DecimalStatus.Ok) {
        const first = this.mantissa[0] as number;
        const between = this.at;
        if (this.#isHere(between, secondKey)) {
          this.at = between + secondKey.length;
          if (
            this.#isPlainNumber() &&
            this.#digits(secondScale) === DecimalStatus.Ok &&
            first > 0
          ) {
            firsts[index] = first;
            seconds[index] = this.mantissa[0] as number;
            return true;
          }
        }
      }
    }
    this.at = start;
    return false;
  }

  /** A bare decimal without exponent, read and forgotten; may have a sign. False: the scanner stands where it stood. */
  skipDecimal(): boolean {
    const bytes = this.bytes;
    const start = this.at;
    if (bytes[start] === MINUS) this.at = start + 1;
    let at = this.at;
    if (this.#isPlainNumber()) {
      while (((bytes[at] as number) - ZERO) >>> 0 <= 9) at++;
      let isWhole = true;
      if (bytes[at] === DOT) {
        const fraction = ++at;
        while (((bytes[at] as number) - ZERO) >>> 0 <= 9) at++;
        isWhole = at > fraction;
      }
      if (isWhole && ((bytes[at] as number) | 0x20) !== 0x65) {
        this.at = at;
        return true;
      }
    }
    this.at = start;
    return false;
  }

  /** A digit that JSON allows to stand first: no sign, and no zero with another digit behind it. */
  #isPlainNumber(): boolean {
    const first = (this.bytes[this.at] as number) - ZERO;
    if (first !== 0) return first >>> 0 <= 9;
    return ((this.bytes[this.at + 1] as number) - ZERO) >>> 0 > 9;
  }

  /**
   * Takes what stands here if it is the same as another part of the frame, of at least four bytes, that was taken before:
   * the fast way over what a venue repeats in each element.
   */
  repeats(from: number, length: number): boolean {
    const view = this.#view;
    const at = this.at;
    const last = length - 4;
    for (let i = 0; i < last; i += 4) {
      if (view.getInt32(at + i, true) !== view.getInt32(from + i, true)) return false;
    }
    if (view.getInt32(at + last, true) !== view.getInt32(from + last, true)) return false;
    this.at = at + length;
    return true;
  }

  /**
   * Two decimals, the text between them and the text behind them, as 65062.5","new_quantity":"0.00583"}: the first above 0,
   * the second at least 0, both plain and inside 2^53, into `firsts[index]` and `seconds[index]`. False: it is anything
   * else; the scanner stands where it stood.
   */
  decimalPair(
    between: AsciiText,
    behind: AsciiText,
    firsts: Float64Array,
    seconds: Float64Array,
    index: number,
    firstScale: number,
    secondScale: number,
  ): boolean {
    const start = this.at;
    if (this.#digits(firstScale) === DecimalStatus.Ok) {
      const first = this.mantissa[0] as number;
      if (first > 0 && this.#isHere(this.at, between)) {
        this.at += between.length;
        if (this.#digits(secondScale) === DecimalStatus.Ok) {
          const second = this.mantissa[0] as number;
          if (second >= 0 && this.#isHere(this.at, behind)) {
            this.at += behind.length;
            firsts[index] = first;
            seconds[index] = second;
            return true;
          }
        }
      }
    }
    this.at = start;
    return false;
  }

  /** A string, read and forgotten. */
  skipString(): boolean {
    return this.peek() === QUOTE && this.#skipString();
  }

  /**
   * A string of "0x" and exactly so many digits (a multiple of four), read and forgotten; nothing is looked at but that no
   * character needs an escape, of all of them at once. False: it is anything else; the scanner stands where it stood.
   */
  skipHex(digits: number): boolean {
    const view = this.#view;
    const start = this.at;
    const first = start + 3;
    const end = first + digits;
    // "0x
    if ((view.getInt32(start, true) & 0xffffff) !== 0x783022 || end >= this.end) return false;
    let odd = 0;
    for (let at = first; at < end; at += 4) {
      const word = view.getInt32(at, true);
      // Below 0x30, beyond 0x7f, or from 0x40 to 0x5f: control characters, the quote, the backslash, and more.
      odd |= ((word - 0x30303030) | word) & 0x80808080;
      odd |= word & ~(word << 1) & 0x40404040;
    }
    if (odd !== 0 || this.bytes[end] !== QUOTE) return false;
    this.at = end + 1;
    return true;
  }

  /** Any value, read and forgotten; as strict as JSON.parse (but for escapes of lone surrogates, which both allow). */
  skipValue(): boolean {
    return this.#skip(0);
  }

  /**
   * The first quote, backslash or control character from a place on; the padding is one. Four bytes at a time (0.3 ns a
   * byte instead of 1): in `v ^ 0x22222222` a quote is 0, and (x - 0x01010101) & ~x has the high bit of each 0 byte.
   */
  #endOfText(from: number): number {
    const view = this.#view;
    let at = from;
    for (;;) {
      const word = view.getInt32(at, true);
      const quotes = word ^ 0x22222222;
      const slashes = word ^ 0x5c5c5c5c;
      const found =
        ((quotes - 0x01010101) & ~quotes) |
        ((slashes - 0x01010101) & ~slashes) |
        ((word - 0x20202020) & ~word);
      if ((found & 0x80808080) !== 0) break;
      at += 4;
    }
    // One of these four; a borrow may have marked a later one, never an earlier one.
    const bytes = this.bytes;
    let byte = bytes[at] as number;
    while (byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) {
      at++;
      byte = bytes[at] as number;
    }
    return at;
  }

  /** Whether this text stands at a place. The zero behind the frame is part of no text. */
  #isHere(at: number, text: AsciiText): boolean {
    const view = this.#view;
    const words = text.words;
    const wordCount = words.length;
    let place = at;
    for (let i = 0; i < wordCount; i++) {
      if (view.getInt32(place, true) !== words[i]) return false;
      place += 4;
    }
    return ((view.getInt32(place, true) ^ text.tail) & text.tailMask) === 0;
  }

  /** Cold: more room. */
  #reserve(bytesMin: number): void {
    let capacity = this.bytes.length;
    while (capacity < bytesMin) capacity *= 2;
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Two digits, or -1000000. */
  #pair(at: number): number {
    const high = (this.bytes[at] as number) - ZERO;
    const low = (this.bytes[at + 1] as number) - ZERO;
    if (high < 0 || high > 9 || low < 0 || low > 9) return -1_000_000;
    return high * 10 + low;
  }

  /** Epoch seconds of a day; kept, because a frame's times are of one day. */
  #date(year: number, month: number, day: number, dateKey: number): boolean {
    if (month < 1 || month > 12 || day < 1) return false;
    const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    const daysInMonth = (DAYS_IN_MONTH[month - 1] as number) + (isLeap && month === 2 ? 1 : 0);
    if (day > daysInMonth) return false;
    const years = year - 1;
    const days =
      years * 365 +
      Math.floor(years / 4) -
      Math.floor(years / 100) +
      Math.floor(years / 400) +
      (DAYS_BEFORE_MONTH[month - 1] as number) +
      (isLeap && month > 2 ? 1 : 0) +
      day -
      1;
    // 719,162 days from 0001-01-01 to 1970-01-01.
    this.#dateSeconds[0] = (days - 719_162) * 86_400;
    this.#dateKey = dateKey;
    return true;
  }

  /** An optional fraction of a second into `nanos`. */
  #fraction(): boolean {
    const bytes = this.bytes;
    this.nanos = 0;
    if (bytes[this.at] !== DOT) return true;
    const start = this.at + 1;
    const end = start + 9;
    let at = start;
    let value = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (at < end && digit >>> 0 <= 9) {
      value = (Math.imul(value, 10) + digit) | 0;
      at++;
      digit = (bytes[at] as number) - ZERO;
    }
    const digits = at - start;
    // A tenth digit is refused unless it is 0: no time is rounded either.
    while (digit === 0) {
      at++;
      digit = (bytes[at] as number) - ZERO;
    }
    if (digits === 0 || digit >>> 0 <= 9) return false;
    this.at = at;
    this.nanos = value * (POW10[9 - digits] as number);
    return true;
  }

  /** Z or ±HH:MM in seconds; 1000000 when there is neither. */
  #offset(): number {
    if (this.at >= this.end) return 1_000_000;
    const byte = this.bytes[this.at] as number;
    if (byte === 0x5a) {
      this.at++;
      return 0;
    }
    if ((byte !== PLUS && byte !== MINUS) || this.at + 6 > this.end) return 1_000_000;
    const hour = this.#pair(this.at + 1);
    const minute = this.#pair(this.at + 4);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return 1_000_000;
    if (this.bytes[this.at + 3] !== COLON) return 1_000_000;
    this.at += 6;
    const seconds = hour * 3600 + minute * 60;
    return byte === MINUS ? -seconds : seconds;
  }

  /**
   * The digits of a decimal; stops behind the last byte that belongs to it. Up to nine digits on either side of the point
   * are read as small integers, and zeros beyond the scale (61837.63000000) only passed: a third of the time of the general
   * way, which takes everything else.
   */
  #digits(scale: number): DecimalStatus {
    const bytes = this.bytes;
    let at = this.at;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const wholeStart = at;
    let whole = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (digit >>> 0 <= 9) {
      whole = (Math.imul(whole, 10) + digit) | 0;
      at++;
      digit = (bytes[at] as number) - ZERO;
    }
    const wholeDigits = at - wholeStart;
    let part = 0;
    let partDigits = 0;
    if (bytes[at] === DOT) {
      at++;
      const partStart = at;
      const partEnd = at + scale;
      digit = (bytes[at] as number) - ZERO;
      while (at < partEnd && digit >>> 0 <= 9) {
        part = (Math.imul(part, 10) + digit) | 0;
        at++;
        digit = (bytes[at] as number) - ZERO;
      }
      partDigits = at - partStart;
      while (digit === 0) {
        at++;
        digit = (bytes[at] as number) - ZERO;
      }
      if (at === partStart || digit >>> 0 <= 9) return this.#digitsLong(scale);
    }
    const isLong = wholeDigits === 0 || wholeDigits > 9 || partDigits > 9;
    if (isLong || ((bytes[at] as number) | 0x20) === 0x65) return this.#digitsLong(scale);
    // Both products are exact when their sum is below 2^53.
    const mantissa =
      whole * (POW10[scale] as number) + part * (POW10[scale - partDigits] as number);
    if (mantissa > Number.MAX_SAFE_INTEGER) return this.#digitsLong(scale);
    this.at = at;
    this.mantissa[0] = isNegative && mantissa !== 0 ? -mantissa : mantissa;
    return DecimalStatus.Ok;
  }

  /** Any decimal. */
  #digitsLong(scale: number): DecimalStatus {
    const bytes = this.bytes;
    const end = this.end;
    const start = this.at;
    let at = start;
    const isNegative = at < end && bytes[at] === MINUS;
    if (isNegative) at++;
    let value = 0;
    let digits = 0;
    const wholeStart = at;
    while (at < end) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    digits = at - wholeStart;
    if (digits === 0) return DecimalStatus.Malformed;
    let fractionDigits = 0;
    if (at < end && bytes[at] === DOT) {
      const fractionStart = ++at;
      while (at < end) {
        const digit = (bytes[at] as number) - ZERO;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
        at++;
      }
      fractionDigits = at - fractionStart;
      if (fractionDigits === 0) return DecimalStatus.Malformed;
    }
    this.at = at;
    const shift = scale - fractionDigits;
    const hasExponent = at < end && ((bytes[at] as number) | 0x20) === 0x65;
    if (hasExponent || digits + fractionDigits > DIGITS_EXACT || shift < -DIGITS_EXACT) {
      return this.#digitsSlow(start, scale);
    }
    let mantissa: number;
    if (shift >= 0) {
      mantissa = value * (POW10[shift] as number);
    } else {
      const divisor = POW10[-shift] as number;
      if (value % divisor !== 0) return DecimalStatus.Inexact;
      mantissa = value / divisor;
    }
    // Below 2^53 the product of two exact integers is exact; above, the slow path finds the int64.
    if (mantissa > Number.MAX_SAFE_INTEGER) return this.#digitsSlow(start, scale);
    this.mantissa[0] = isNegative && mantissa !== 0 ? -mantissa : mantissa;
    return DecimalStatus.Ok;
  }

  /** Many digits, an exponent, or more decimals than the scale keeps: exact by BigInt. Allocates; rare. */
  #digitsSlow(start: number, scale: number): DecimalStatus {
    const bytes = this.bytes;
    let at = this.at;
    if (at < this.end && ((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (at < this.end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
      const exponentStart = at;
      while (at < this.end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
      if (at === exponentStart) return DecimalStatus.Malformed;
      this.at = at;
    }
    if (at - start > 200) return DecimalStatus.Overflow;
    const parsed = readDecimal(this.slice(start, at), scale);
    if (parsed === 'DECIMAL_MALFORMED') return DecimalStatus.Malformed;
    if (parsed === 'DECIMAL_INEXACT') return DecimalStatus.Inexact;
    if (parsed === 'DECIMAL_OVERFLOW') return DecimalStatus.Overflow;
    const mantissa = Number(parsed);
    if (Number.isSafeInteger(mantissa)) {
      this.mantissa[0] = mantissa;
      return DecimalStatus.Ok;
    }
    this.wideMantissa = parsed;
    return DecimalStatus.Wide;
  }

  #absentOrMalformed(): DecimalStatus {
    this.skipSpace();
    return this.literal(NULL) ? DecimalStatus.Absent : DecimalStatus.Malformed;
  }

  #skip(depth: number): boolean {
    const first = this.peek();
    if (first === QUOTE) return this.#skipString();
    if (first === OBJECT_OPEN) return this.#skipObject(depth);
    if (first === ARRAY_OPEN) return this.#skipArray(depth);
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.#skipNumber();
    return this.literal(TRUE) || this.literal(FALSE) || this.literal(NULL);
  }

  #skipObject(depth: number): boolean {
    if (depth >= DEPTH_MAX) return false;
    this.at++;
    if (this.isEmptyObject()) return true;
    let more = 1;
    while (more === 1) {
      if (this.peek() !== QUOTE || !this.#skipString() || !this.take(COLON)) return false;
      if (!this.#skip(depth + 1)) return false;
      more = this.nextMember();
    }
    return more === 0;
  }

  #skipArray(depth: number): boolean {
    if (depth >= DEPTH_MAX) return false;
    this.at++;
    if (this.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#skip(depth + 1)) return false;
      more = this.nextElement();
    }
    return more === 0;
  }

  #skipString(): boolean {
    const bytes = this.bytes;
    let at = this.at + 1;
    for (;;) {
      at = this.#endOfText(at);
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte !== BACKSLASH) return false;
      const escaped = bytes[at + 1] as number;
      at += 2;
      if (escaped === 0x75) {
        for (let i = 0; i < 4; i++) if (!isHex(bytes[at + i] as number)) return false;
        at += 4;
      } else if (!isEscape(escaped)) {
        return false;
      }
    }
  }

  #skipNumber(): boolean {
    const bytes = this.bytes;
    const end = this.end;
    let at = this.at;
    if (bytes[at] === MINUS) at++;
    if (at < end && bytes[at] === ZERO) {
      at++;
    } else {
      const start = at;
      at = this.#skipDigits(at);
      if (at === start) return false;
    }
    if (at < end && bytes[at] === DOT) {
      const start = ++at;
      at = this.#skipDigits(at);
      if (at === start) return false;
    }
    if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
      const start = at;
      at = this.#skipDigits(at);
      if (at === start) return false;
    }
    this.at = at;
    return true;
  }

  #skipDigits(from: number): number {
    let at = from;
    while (at < this.end) {
      const byte = this.bytes[at] as number;
      if (byte < ZERO || byte > NINE) break;
      at++;
    }
    return at;
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= ZERO && byte <= NINE) || (lower >= 0x61 && lower <= 0x66);
}

/** One of the bytes that may follow a backslash: quote, backslash, slash, b, f, n, r, t. */
function isEscape(byte: number): boolean {
  return (
    byte === QUOTE ||
    byte === BACKSLASH ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  );
}

/** Finds a symbol's number by its bytes: a small open-addressing table, filled at start, read without allocation. */
export class SymbolTable {
  #slots: Int32Array = new Int32Array(64);
  readonly #names: Uint8Array[] = [];
  readonly #values: number[] = [];

  /** Adds a symbol; a later one of the same name replaces it. */
  set(symbol: string, value: number): void {
    const name = ascii(symbol).bytes;
    const found = this.#entryOf(name, 0, name.length);
    if (found >= 0) {
      this.#values[found] = value;
      return;
    }
    this.#names.push(name);
    this.#values.push(value);
    if (this.#names.length * 2 > this.#slots.length) {
      this.#slots = new Int32Array(this.#slots.length * 4);
      for (let entry = 0; entry < this.#names.length; entry++) this.#place(entry);
      return;
    }
    this.#place(this.#names.length - 1);
  }

  /** The symbol's value; -1 when it is not there. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const entry = this.#entryOf(bytes, start, end);
    return entry < 0 ? -1 : (this.#values[entry] as number);
  }

  #entryOf(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(bytes, start, end) & mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) return -1;
      const name = this.#names[entry] as Uint8Array;
      if (isSame(name, bytes, start, end)) return entry;
      slot = (slot + 1) & mask;
    }
  }

  #place(entry: number): void {
    const name = this.#names[entry] as Uint8Array;
    const mask = this.#slots.length - 1;
    let slot = hashOf(name, 0, name.length) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = name.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}
