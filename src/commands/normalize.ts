/**
 * normalize: captured frames in, normalised market events out, by the same code that the ingest thread runs.
 * Contract: docs/cli.md. One process, one thread; standard input is plain or gzip.
 *
 *   line ─▶ JSON ─┬─ in ──────▶ bytes of `raw` ─▶ onFrame ─┐
 *                 ├─ http ────▶ instruments, or onBody ────┼─▶ ticks ─▶ records (trade, ticker, tob, gap, level, snap,
 *                 ├─ connect ─▶ onConnected                │            mark, funding, error)
 *                 └─ out ─────▶ onSent ────────────────────┘
 *
 * Decimals keep every digit. An instrument that no recorded product list describes has as many decimals as its frames have
 * shown so far: it is refined when more come. What does not fit is an error record, never a rounding.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { must } from '../domain/assert.js';
import type { Book, BookSide } from '../domain/book.js';
import { decimalText } from '../domain/decimal-text.js';
import { codeAt, TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { FUNDING_SCALE, MARK_SCALE } from '../domain/instrument.js';
import type { Instrument } from '../domain/instrument.js';
import {
  getTickAskPriceMantissaBig,
  getTickAskSizeMantissaBig,
  getTickFlags,
  getTickInstrumentIndex,
  getTickKind,
  getTickPriceMantissaBig,
  getTickSizeMantissa,
  getTickSizeMantissaBig,
  getTickVenueNsBig,
  TICK_WORDS,
  TickFlag,
  TickKind,
} from '../generated/hot.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import { dialectOf } from '../venues/registry.js';
import type { VenueDialect } from '../venues/registry.js';
import type { FrameRejects, TickOut } from '../venues/venue.js';

/** Output is written in pieces of about this many characters. */
const OUTPUT_CHUNK_CHARS = 1 << 16;
/** A line longer than this is refused; the largest known frame has 5 MB. */
const LINE_CHARS_MAX = 256 * 1024 * 1024;

export interface NormalizeOptions {
  readonly venue: string;
  /** Book depth that was subscribed, for venues whose rules need it (Kraken) and captures that do not show it. */
  readonly depth?: number;
  /** Also prints every level that was set, and every snapshot. */
  readonly levels: boolean;
  /** Writes the final books there. */
  readonly finalFile?: string;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Reads until the input ends; resolves with the exit code. Refused frames are records, not failures. */
export async function normalize(options: NormalizeOptions): Promise<number> {
  const dialect = dialectOf(options.venue);
  const records = new Records();
  const decoder = new LineDecoder(dialect, options, records);
  for await (const line of linesOf(options.input)) {
    decoder.onLine(line);
    if (records.chars >= OUTPUT_CHUNK_CHARS) await write(options.output, records.take());
  }
  await write(options.output, records.take());
  if (options.finalFile !== undefined) {
    await writeFile(options.finalFile, `${JSON.stringify({ books: decoder.books() }, null, 1)}\n`);
  }
  return 0;
}

/** JSON Lines, waiting to be written. */
class Records {
  #text = '';
  get chars(): number {
    return this.#text.length;
  }
  add(record: Readonly<Record<string, unknown>>): void {
    this.#text += `${JSON.stringify(record)}\n`;
  }
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

/** One captured line's fields that matter here. */
interface CapturedLine {
  readonly n: number;
  readonly recvNs: bigint | null;
  readonly dir: string;
  readonly url: string;
  readonly raw: string;
}

/** Decodes a capture: lines in, records out. Also the receiver of ticks and refusals. */
class LineDecoder implements TickOut, FrameRejects {
  readonly i32: Int32Array = new Int32Array(TICK_WORDS);
  readonly #dialect: VenueDialect;
  readonly #printsLevels: boolean;
  readonly #depth: number | undefined;
  readonly #records: Records;
  /** Symbols that no product list described. */
  readonly #implicit = new Set<string>();
  #instrumentCount = 0;
  #frameScales: { readonly priceScale: number; readonly sizeScale: number } = {
    priceScale: 0,
    sizeScale: 0,
  };
  readonly #listed = new Map<string, Instrument>();
  #feed: DecodingFeed | undefined;
  #runEpochNs = 0n;
  #lineCount = 0;
  #line = 0;

  /** A hole in the sequence that the feed has counted and no market has told yet. */
  #hasUntoldGap = false;

  constructor(
    dialect: VenueDialect,
    options: Pick<NormalizeOptions, 'levels' | 'depth'>,
    records: Records,
  ) {
    this.#dialect = dialect;
    this.#printsLevels = options.levels;
    this.#depth = options.depth;
    this.#records = records;
  }

  /** One line of the input, as text. A line that is not what the format says is an error record. */
  onLine(text: string): void {
    this.#line = this.#lineCount++;
    if (text.trim() === '') return;
    const line = this.#parse(text);
    if (line === undefined) return;
    this.#line = line.n;
    if (line.dir === 'connect') this.#feedAt(line).onConnected();
    else if (line.dir === 'out') this.#feedAt(line).onSent(line.raw);
    else if (line.dir === 'http') this.#onHttp(line);
    else if (line.dir === 'in') {
      const feed = this.#feedAt(line);
      this.#refine(feed, line);
      feed.onFrame(Buffer.from(line.raw, 'utf8'), this.#recvNs(line));
    }
    if (this.#hasUntoldGap) this.#tellGap();
  }

  #recvNs(line: CapturedLine): number {
    return line.recvNs === null ? 0 : Number(line.recvNs - this.#runEpochNs);
  }

  /** Every book as it stands. */
  books(): Readonly<Record<string, unknown>> {
    const books: Record<string, unknown> = {};
    for (const { instrument, book } of this.#feed?.markets ?? []) {
      const top = topOf(instrument, book);
      books[instrument.venueSymbol] = {
        best_bid: top.bid,
        best_ask: top.ask,
        n_bids: book.bids.count,
        n_asks: book.asks.count,
        bids10: levelsOf(instrument, book.bids, 10),
        asks10: levelsOf(instrument, book.asks, 10),
        sha256: hashOf(instrument, book),
      };
    }
    return books;
  }

  // TickOut: one slot, read as soon as it is published.

  claim(): number {
    return 0;
  }

  publish(): void {
    const i32 = this.i32;
    const market = must(
      this.#feed?.markets.find(
        (candidate) => candidate.instrument.index === getTickInstrumentIndex(i32, 0),
      ),
      'market of a tick',
    );
    const instrument = market.instrument;
    const symbol = instrument.venueSymbol;
    const isAsk = (getTickFlags(i32, 0) & TickFlag.Ask) !== 0;
    const price = (): string => decimalText(getTickPriceMantissaBig(i32, 0), instrument.priceScale);
    const size = (): string => decimalText(getTickSizeMantissaBig(i32, 0), instrument.sizeScale);
    switch (getTickKind(i32, 0)) {
      case TickKind.Trade:
        this.#add('trade', symbol, {
          id: this.#feed?.tradeIdText ?? null,
          price: price(),
          size: size(),
          side_raw: this.#dialect.sideText(isAsk),
          aggressor: isAsk ? 'sell' : 'buy',
          ts_ns: this.#timeText(),
          seq: this.#seqText(),
        });
        return;
      case TickKind.Ticker:
        this.#onTicker(instrument);
        // Venues whose tickers have no last price send no other half.
        if ((getTickFlags(i32, 0) & TickFlag.LastOfFrame) !== 0)
          this.#addTicker(symbol, null, null);
        return;
      case TickKind.TickerLast:
        this.#onTickerLast(instrument);
        return;
      case TickKind.Quote:
        this.#onTop(symbol, topOf(instrument, market.book));
        return;
      case TickKind.Level:
        this.#add('level', symbol, {
          side: isAsk ? 'ask' : 'bid',
          price: price(),
          size: size(),
          ts_ns: this.#timeText(),
          seq: this.#seqText(),
        });
        return;
      case TickKind.SnapshotBegin: {
        if (!this.#printsLevels) return;
        const top = topOf(instrument, market.book);
        this.#add('snap', symbol, {
          n_bids: market.book.bids.count,
          n_asks: market.book.asks.count,
          best_bid: top.bid,
          best_ask: top.ask,
          sha256: hashOf(instrument, market.book),
          ts_ns: this.#timeText(),
          seq: this.#seqText(),
        });
        return;
      }
      case TickKind.Mark: {
        const index = getTickAskPriceMantissaBig(i32, 0);
        this.#add('mark', symbol, {
          mark: decimalText(getTickPriceMantissaBig(i32, 0), MARK_SCALE),
          index: index === 0n ? null : decimalText(index, MARK_SCALE),
          ts_ns: this.#timeText(),
          seq: this.#seqText(),
        });
        return;
      }
      case TickKind.Funding: {
        const next = getTickAskPriceMantissaBig(i32, 0);
        this.#add('funding', symbol, {
          rate: decimalText(getTickPriceMantissaBig(i32, 0), FUNDING_SCALE),
          next_ns: next === 0n ? null : (this.#runEpochNs + next).toString(),
          ts_ns: this.#timeText(),
          seq: this.#seqText(),
        });
        return;
      }
      case TickKind.State: {
        const why = codeAt(getTickSizeMantissa(i32, 0));
        if (why === 'VENUE_SEQ_GAP') this.#hasUntoldGap = false;
        if (why === 'OK') return;
        this.#tops.delete(symbol);
        this.#add('gap', symbol, { why });
        return;
      }
      default:
    }
  }

  // FrameRejects

  reject(code: ErrorCode, detail: string): void {
    // The markets that lose their books by it tell it themselves.
    if (code === 'VENUE_SEQ_GAP') this.#hasUntoldGap = true;
    else this.#records.add({ t: 'error', line: this.#line, code, detail });
  }

  /** A hole that cost no book, because each was lost already or there is none: told all the same. */
  #tellGap(): void {
    this.#hasUntoldGap = false;
    const symbols = this.#feed?.markets.map(({ instrument }) => instrument.venueSymbol) ?? [];
    for (const symbol of symbols.length > 0 ? symbols : [null]) {
      this.#add('gap', symbol, { why: 'VENUE_SEQ_GAP' });
    }
  }

  /** The tops that were told last; none of a book that was lost since. */
  readonly #tops = new Map<string, string>();

  /** A snapshot tells its top anew; what did not change is no record. */
  #onTop(symbol: string, top: ReturnType<typeof topOf>): void {
    const text = JSON.stringify(top);
    if (this.#tops.get(symbol) === text) return;
    this.#tops.set(symbol, text);
    this.#add('tob', symbol, top);
  }

  /** The first half of a ticker waits for its other half. */
  #ticker: Record<string, unknown> = {};

  #onTicker(instrument: Instrument): void {
    const i32 = this.i32;
    const flags = getTickFlags(i32, 0);
    const hasBid = (flags & TickFlag.NoBid) === 0;
    const hasAsk = (flags & TickFlag.NoAsk) === 0;
    const text = (isThere: boolean, mantissa: bigint, scale: number): string | null =>
      isThere && mantissa !== 0n ? decimalText(mantissa, scale) : null;
    const { priceScale, sizeScale } = instrument;
    this.#ticker = {
      bid: text(hasBid, getTickPriceMantissaBig(i32, 0), priceScale),
      bid_size: text(hasBid, getTickSizeMantissaBig(i32, 0), sizeScale),
      ask: text(hasAsk, getTickAskPriceMantissaBig(i32, 0), priceScale),
      ask_size: text(hasAsk, getTickAskSizeMantissaBig(i32, 0), sizeScale),
    };
  }

  #onTickerLast(instrument: Instrument): void {
    const last = getTickPriceMantissaBig(this.i32, 0);
    const lastSize = getTickSizeMantissaBig(this.i32, 0);
    this.#addTicker(
      instrument.venueSymbol,
      last === 0n ? null : decimalText(last, instrument.priceScale),
      lastSize === 0n ? null : decimalText(lastSize, instrument.sizeScale),
    );
  }

  #addTicker(symbol: string, last: string | null, lastSize: string | null): void {
    this.#add('ticker', symbol, {
      ...this.#ticker,
      last,
      last_size: lastSize,
      ts_ns: this.#timeText(),
      seq: this.#seqText(),
    });
  }

  #add(t: string, symbol: string | null, fields: Readonly<Record<string, unknown>>): void {
    this.#records.add({ line: this.#line, t, venue: this.#dialect.name, symbol, ...fields });
  }

  /** Null where the venue gave no time. */
  #timeText(): string | null {
    if ((getTickFlags(this.i32, 0) & TickFlag.NoTime) !== 0) return null;
    return (this.#runEpochNs + getTickVenueNsBig(this.i32, 0)).toString();
  }

  /** Null where the venue has no number. */
  #seqText(): string | null {
    const seq = this.#feed?.lastSeq ?? NaN;
    return Number.isNaN(seq) ? null : String(seq);
  }

  /** The feed, made at the first line that needs it; times count from that line's receive time. */
  #feedAt(line: CapturedLine): DecodingFeed {
    if (this.#feed !== undefined) return this.#feed;
    this.#runEpochNs = line.recvNs ?? 0n;
    this.#feed = this.#dialect.createMarketFeed({
      instruments: [],
      ticks: this,
      rejects: this,
      runEpochNs: this.#runEpochNs,
      levelsMax: this.#printsLevels ? Infinity : 0,
      snapshotLevelsMax: 0,
      tradesInTimeOrder: false,
      booksStartEmpty: true,
      depth: this.#depth,
      resolve: (venueSymbol) => this.#resolve(venueSymbol),
    });
    return this.#feed;
  }

  #resolve(venueSymbol: string): Instrument {
    const listed = this.#listed.get(venueSymbol);
    if (listed === undefined) this.#implicit.add(venueSymbol);
    const { priceScale, sizeScale } = this.#frameScales;
    const index = this.#instrumentCount++;
    return listed === undefined
      ? implicitInstrument(this.#dialect.name, venueSymbol, index, priceScale, sizeScale)
      : { ...listed, index };
  }

  /**
   * Gives the instruments that nobody described the decimals that this frame or body uses: those that it names, or all of
   * them when it names none (some depth snapshots name theirs nowhere).
   */
  #refine(feed: DecodingFeed, line: CapturedLine): void {
    const scales = this.#dialect.scalesOfFrame(line.raw);
    this.#frameScales = scales;
    const finer: number[] = [];
    const named: number[] = [];
    for (const [place, { instrument }] of feed.markets.entries()) {
      const { venueSymbol, priceScale, sizeScale } = instrument;
      if (!this.#implicit.has(venueSymbol)) continue;
      const isNamed = line.raw.includes(`"${venueSymbol}"`) || line.url.includes(venueSymbol);
      if (isNamed) named.push(place);
      if (scales.priceScale > priceScale || scales.sizeScale > sizeScale) finer.push(place);
    }
    for (const place of finer) {
      if (named.length > 0 && !named.includes(place)) continue;
      const instrument = must(feed.markets[place], 'market').instrument;
      feed.refine(place, {
        ...instrument,
        priceScale: Math.max(instrument.priceScale, scales.priceScale),
        sizeScale: Math.max(instrument.sizeScale, scales.sizeScale),
      });
    }
  }

  /** A REST body: the list of instruments, or what the feed itself would have asked for. */
  #onHttp(line: CapturedLine): void {
    if (this.#dialect.isInstrumentsUrl(line.url, line.raw)) {
      this.#onInstruments(line);
      return;
    }
    const feed = this.#feedAt(line);
    this.#refine(feed, line);
    feed.onBody(pathOf(line.url), Buffer.from(line.raw, 'utf8'), this.#recvNs(line));
  }

  #onInstruments(line: CapturedLine): void {
    try {
      const parsed = this.#dialect.parseInstruments(line.raw);
      for (const instrument of parsed.instruments) {
        this.#listed.set(instrument.venueSymbol, instrument);
      }
    } catch (error) {
      if (!(error instanceof TickwireError)) throw error;
      this.#records.add({ t: 'error', line: this.#line, code: error.code, detail: error.message });
    }
  }

  #parse(text: string): CapturedLine | undefined {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (error) {
      this.reject('FRAME_MALFORMED', `the line is not JSON: ${String(error)}`);
      return undefined;
    }
    const fields = (typeof parsed === 'object' ? parsed : null) as Record<string, unknown> | null;
    const { n, recv_ns: recvNs, dir, url, raw } = fields ?? {};
    if (typeof dir !== 'string' || typeof raw !== 'string') {
      this.reject('FRAME_MALFORMED', 'the line has no text in dir or raw');
      return undefined;
    }
    const isTime = typeof recvNs === 'string' && /^\d{1,19}$/.test(recvNs);
    return {
      n: typeof n === 'number' ? n : this.#line,
      recvNs: isTime ? BigInt(recvNs) : null,
      dir,
      url: typeof url === 'string' ? url : '',
      raw,
    };
  }
}

/** Path and query of a recorded url; empty when it has none. */
function pathOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** An instrument that no product list described. */
function implicitInstrument(
  venue: string,
  venueSymbol: string,
  index: number,
  priceScale: number,
  sizeScale: number,
): Instrument {
  const [base = venueSymbol, quote = ''] = venueSymbol.split(/[-/]/);
  return {
    index,
    venue,
    kind: 'spot',
    symbol: venueSymbol,
    venueSymbol,
    base,
    quote,
    priceScale,
    sizeScale,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 0,
    isTradable: false,
  };
}

type LevelText = readonly [price: string, size: string];

function levelsOf(instrument: Instrument, side: BookSide, countMax: number): readonly LevelText[] {
  const levels: LevelText[] = [];
  for (let depth = 0; depth < Math.min(countMax, side.count); depth++) {
    levels.push([
      decimalText(side.priceAt(depth), instrument.priceScale),
      decimalText(side.exactSizeAt(depth), instrument.sizeScale),
    ]);
  }
  return levels;
}

function topOf(
  instrument: Instrument,
  book: Book,
): { readonly bid: LevelText | null; readonly ask: LevelText | null } {
  return {
    bid: levelsOf(instrument, book.bids, 1)[0] ?? null,
    ask: levelsOf(instrument, book.asks, 1)[0] ?? null,
  };
}

/** sha256 over the lines `b|price|size`, best first, then `a|price|size`. */
function hashOf(instrument: Instrument, book: Book): string {
  const hash = createHash('sha256');
  for (const [letter, side] of [
    ['b', book.bids],
    ['a', book.asks],
  ] as const) {
    for (const [price, size] of levelsOf(instrument, side, side.count)) {
      hash.update(`${letter}|${price}|${size}\n`);
    }
  }
  return hash.digest('hex');
}

async function write(output: NodeJS.WritableStream, text: string): Promise<void> {
  if (text !== '' && !output.write(text)) await once(output, 'drain');
}

/** Lines of the input; gzip is recognised by its first two bytes. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of plainChunks(input)) {
    const text = decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = rest + text.slice(start, end);
      rest = '';
      start = end + 1;
      yield line;
    }
    rest += text.slice(start);
    if (rest.length > LINE_CHARS_MAX) {
      throw new TickwireError(
        'FRAME_TOO_LARGE',
        `a line is longer than ${LINE_CHARS_MAX} characters`,
      );
    }
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

/** The input's bytes, unpacked when they are gzip. */
async function* plainChunks(input: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  const source = (input as AsyncIterable<Buffer | string>)[Symbol.asyncIterator]();
  // The magic number may be cut by the first chunk's end.
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, Buffer.from(next.value)]);
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      yield Buffer.from(next.value);
    }
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  const fed = pipeline(Readable.from(all()), gunzip);
  // The same error is reported where the unpacked bytes are read.
  fed.catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
    await fed;
  } catch (error) {
    throw new TickwireError('RECORDING_CORRUPT', `the input is damaged gzip: ${String(error)}`);
  }
}
