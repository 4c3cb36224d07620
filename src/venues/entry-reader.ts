/**
 * entry-reader: reads symbols and decimals of a frame into FrameEntries, the same for every venue: which market a symbol
 * is, a decimal at its market's scale, what is refused and how that is counted.
 * @hotpath
 *
 * One per connection, owned by its market-feed. A decimal is exact or refused: finer than the instrument's scale is
 * DECIMAL_INEXACT, beyond int64 DECIMAL_OVERFLOW, and what is no decimal makes the frame malformed.
 */
import { ascii, DecimalStatus, SYMBOL_BYTES_MAX, SymbolTable } from '../domain/byte-scanner.js';
import type { AsciiText, ByteScanner } from '../domain/byte-scanner.js';
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { EntryKind, Wide } from './frame-entries.js';
import type { FrameEntries } from './frame-entries.js';
import type { FrameRejects } from './venue.js';

/** No such symbol. */
export const UNKNOWN_PLACE = -1;
/** Place of a member that has not been seen. */
export const NOWHERE = -1;

/** What a symbol is made of: printable ASCII, nothing that JSON would escape. */
const PRINTABLE = /^[!#-[\]-~]+$/;

export interface EntryReaderOptions {
  readonly scanner: ByteScanner;
  readonly entries: FrameEntries;
  readonly rejects: FrameRejects;
  /** True: decimals are JSON numbers (Kraken v2); false: quoted. */
  readonly isBare: boolean;
  /** Adds a market for a symbol that is not in the table and returns its place; UNKNOWN_PLACE refuses it. Cold. */
  readonly onUnknownSymbol: (venueSymbol: string) => number;
}

export class EntryReader {
  readonly #scanner: ByteScanner;
  readonly #entries: FrameEntries;
  readonly #rejects: FrameRejects;
  readonly #isBare: boolean;
  readonly #onUnknownSymbol: (venueSymbol: string) => number;
  readonly #symbols = new SymbolTable();
  readonly #priceScales: number[] = [];
  readonly #sizeScales: number[] = [];

  constructor(options: EntryReaderOptions) {
    this.#scanner = options.scanner;
    this.#entries = options.entries;
    this.#rejects = options.rejects;
    this.#isBare = options.isBare;
    this.#onUnknownSymbol = options.onUnknownSymbol;
  }

  /** A market under the place that its publisher gave it; symbol and scales are the instrument's. */
  addMarket(place: number, instrument: Instrument): void {
    this.setScales(place, instrument);
    this.#symbols.set(instrument.venueSymbol, place);
  }

  setScales(place: number, instrument: Instrument): void {
    this.#priceScales[place] = instrument.priceScale;
    this.#sizeScales[place] = instrument.sizeScale;
  }

  /** Another spelling of a market, unless it is one in its own right. */
  addAlias(symbol: string, place: number): void {
    if (this.placeOf(symbol) === UNKNOWN_PLACE) this.#symbols.set(symbol, place);
  }

  /** Cold. */
  placeOf(symbol: string): number {
    if (!isName(symbol)) return UNKNOWN_PLACE;
    const bytes = ascii(symbol).bytes;
    return this.#symbols.find(bytes, 0, bytes.length);
  }

  /** Place of the market whose symbol is the scanner's last string; UNKNOWN_PLACE when there is none: not counted. */
  knownPlace(): number {
    const scanner = this.#scanner;
    return this.#symbols.find(scanner.bytes, scanner.textStart, scanner.textEnd);
  }

  /** As knownPlace; a symbol that stays unknown is counted (INSTRUMENT_UNKNOWN). */
  place(): number {
    const place = this.knownPlace();
    return place === UNKNOWN_PLACE ? this.#unknown() : place;
  }

  /** As placeOf; a market is added for a symbol that has none. UNKNOWN_PLACE: refused, not counted. Cold. */
  placeFor(symbol: string): number {
    const known = this.placeOf(symbol);
    return known === UNKNOWN_PLACE ? this.#add(symbol) : known;
  }

  /** What no venue would call a market does not become one. */
  #add(symbol: string): number {
    return isName(symbol) ? this.#onUnknownSymbol(symbol) : UNKNOWN_PLACE;
  }

  #unknown(): number {
    const symbol = this.#scanner.text();
    const place = this.#add(symbol);
    if (place === UNKNOWN_PLACE) this.#rejects.reject('INSTRUMENT_UNKNOWN', symbol);
    return place;
  }

  /** A decimal that stands here, at a market's scale, into a field of an entry. False: it is not there, or not plain. */
  isOk(index: number, field: Wide, place: number): boolean {
    if (this.#decimal(field, place) !== DecimalStatus.Ok) return false;
    this.#store(index, field);
    return true;
  }

  /** A decimal that stands here, wide ones too (as an int64 in `wideOf`). */
  readHere(index: number, field: Wide, place: number): DecimalStatus {
    const status = this.#decimal(field, place);
    if (status === DecimalStatus.Ok) this.#store(index, field);
    else if (status === DecimalStatus.Wide) {
      this.#entries.setWideMantissa(index, field, this.#scanner.wideMantissa);
    }
    return status;
  }

  /** The same at a place of the frame that was passed before; moves the scanner. */
  read(index: number, field: Wide, at: number, place: number): DecimalStatus {
    this.#scanner.at = at;
    return this.readHere(index, field, place);
  }

  /** As read; a member that is not there (NOWHERE) or is null or empty is Absent and its value 0. */
  readOptional(index: number, field: Wide, at: number, place: number): DecimalStatus {
    const status = at === NOWHERE ? DecimalStatus.Absent : this.read(index, field, at, place);
    if (status === DecimalStatus.Absent) {
      this.#scanner.mantissa[0] = 0;
      this.#store(index, field);
    }
    return status;
  }

  /** A level as two bare numbers behind their literals (ByteScanner.numberPair). False: read it another way. */
  isPlainLevel(index: number, place: number, priceKey: AsciiText, sizeKey: AsciiText): boolean {
    const entries = this.#entries;
    return this.#scanner.numberPair(
      priceKey,
      sizeKey,
      entries.prices,
      entries.sizes,
      index,
      this.#priceScales[place] as number,
      this.#sizeScales[place] as number,
    );
  }

  /** Price and size of a level, the texts between and behind them (ByteScanner.decimalPair). False: read it otherwise. */
  isQuotedLevel(index: number, place: number, between: AsciiText, behind: AsciiText): boolean {
    const entries = this.#entries;
    return this.#scanner.decimalPair(
      between,
      behind,
      entries.prices,
      entries.sizes,
      index,
      this.#priceScales[place] as number,
      this.#sizeScales[place] as number,
    );
  }

  /** A level as ["61737.63","0.5"] without white space (ByteScanner.level). False: read it otherwise. */
  isPairLevel(index: number, place: number): boolean {
    const entries = this.#entries;
    return this.#scanner.level(
      entries.prices,
      entries.sizes,
      index,
      this.#priceScales[place] as number,
      this.#sizeScales[place] as number,
    );
  }

  /** Whether a price or size of an entry is above 0. */
  isAbove(index: number, field: Wide): boolean {
    const entries = this.#entries;
    if (entries.isWide(index, field)) return Number(entries.wideOf(index, field)) > 0;
    return ((field === Wide.Price ? entries.prices[index] : entries.sizes[index]) as number) > 0;
  }

  /**
   * After both decimals of a level. False: malformed. One that does not fit is refused and spoils the book: more decimals
   * than the scale keeps, a price beyond 2^53, a size beyond int64.
   */
  judgeLevel(index: number, priceStatus: DecimalStatus, sizeStatus: DecimalStatus): boolean {
    const entries = this.#entries;
    if (priceStatus === DecimalStatus.Ok && sizeStatus === DecimalStatus.Ok) {
      return (entries.prices[index] as number) > 0 && (entries.sizes[index] as number) >= 0;
    }
    if (priceStatus === DecimalStatus.Ok && sizeStatus === DecimalStatus.Wide) {
      entries.sizes[index] = Number(entries.wideOf(index, Wide.Size));
      return (entries.prices[index] as number) > 0 && entries.sizes[index] > 0;
    }
    const status = priceStatus === DecimalStatus.Ok ? sizeStatus : priceStatus;
    if (status === DecimalStatus.Malformed || status === DecimalStatus.Absent) return false;
    const code = codeOf(status);
    this.#rejects.reject(code, 'price or size of a level');
    entries.kinds[index] = EntryKind.LevelRefused;
    entries.flags[index] = codeIndex(code);
    return true;
  }

  /** Drops the last entry because of the worst of its decimals. False: the frame is malformed. */
  refuse(first: DecimalStatus, second: DecimalStatus): boolean {
    const status = Math.max(first, second) as DecimalStatus;
    if (status === DecimalStatus.Malformed || status === DecimalStatus.Absent) return false;
    this.#entries.dropLast();
    this.#rejects.reject(codeOf(status), 'a decimal of a trade or ticker');
    return true;
  }

  #decimal(field: Wide, place: number): DecimalStatus {
    const isPrice = field === Wide.Price || field === Wide.AskPrice;
    const scale = (isPrice ? this.#priceScales[place] : this.#sizeScales[place]) as number;
    const scanner = this.#scanner;
    const status = this.#isBare ? scanner.bareDecimal(scale) : scanner.quotedDecimal(scale);
    // No market quotes a price or size below 0.
    const isBelow = status === DecimalStatus.Ok && (scanner.mantissa[0] as number) < 0;
    return isBelow ? DecimalStatus.Malformed : status;
  }

  /** The scanner's last decimal into a field of an entry. A number that is passed on might be boxed. */
  #store(index: number, field: Wide): void {
    const entries = this.#entries;
    const value = this.#scanner.mantissa[0] as number;
    if (field === Wide.Price) entries.prices[index] = value;
    else if (field === Wide.Size) entries.sizes[index] = value;
    else if (field === Wide.AskPrice) entries.askPrices[index] = value;
    else entries.askSizes[index] = value;
  }
}

function isName(symbol: string): boolean {
  return symbol.length <= SYMBOL_BYTES_MAX && PRINTABLE.test(symbol);
}

/** Cold. */
function codeOf(status: DecimalStatus): ErrorCode {
  return status === DecimalStatus.Inexact ? 'DECIMAL_INEXACT' : 'DECIMAL_OVERFLOW';
}
