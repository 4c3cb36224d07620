/**
 * market-publisher: turns the entries of one frame into book changes and ticks. The same for every venue; what differs
 * (dialect, sequence, checksum) stays in the venue's market-feed.
 * @hotpath
 *
 * One per connection, on the thread that decodes it: ingest, or `normalize`. It owns the books of the connection.
 *
 *   frame ─▶ market-feed ─▶ FrameEntries ─▶ commit ─┬─▶ Book (full depth)
 *                                                   └─▶ TickOut: Trade, Level, Quote, SnapshotBegin, State, Ticker
 *
 * Invariants: a Quote is published only when the top changed and after everything in the frame was applied; a reader that
 * keeps the best `levelsMax` levels from SnapshotBegin and Level ticks has exactly the top of our book (a level that
 * moves up into view after a delete is published too); a stale book is empty and stays so until its next snapshot.
 */
import { Book, BOOK_LEVELS_MAX, LevelChange } from '../domain/book.js';
import type { BookSide } from '../domain/book.js';
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { pow10 } from '../domain/fixed-point.js';
import type { Instrument } from '../domain/instrument.js';
import {
  clearTick,
  getTickFlags,
  setTickAskPriceMantissaBig,
  setTickAskPriceMantissaFrom,
  setTickAskSizeMantissaBig,
  setTickAskSizeMantissaFrom,
  setTickFlags,
  setTickInstrumentIndex,
  setTickKind,
  setTickPriceMantissaBig,
  setTickPriceMantissaFrom,
  setTickRecvNsFrom,
  setTickSizeMantissa,
  setTickSizeMantissaBig,
  setTickSizeMantissaFrom,
  setTickVenueNs,
  setTickVenueNsBig,
  setTickVenueNsFrom,
  setTickVenueSeq,
  setTickVenueSeqBig,
  setTickVenueSeqFrom,
  TickFlag,
  TickKind,
} from '../generated/hot.js';
import { EntryKind, Wide } from './frame-entries.js';
import type { FrameEntries } from './frame-entries.js';
import type { TickOut } from './venue.js';

/** What is known of a book. */
export const BookState = {
  /** No snapshot yet, or dropped: updates are ignored and a snapshot must be asked for. */
  Missing: 0,
  Live: 1,
  /** A level was refused (its decimals do not fit): ignored until the next snapshot, asking anew would not help. */
  Spoiled: 2,
} as const;
export type BookState = (typeof BookState)[keyof typeof BookState];

export interface MarketPublisherOptions {
  readonly ticks: TickOut;
  /** Level ticks for that many best levels of a side; Infinity: for every change, known level or not; 0: none. */
  readonly levelsMax: number;
  /** Levels published behind a SnapshotBegin. */
  readonly snapshotLevelsMax: number;
  /** A book of this venue never crosses: one that does is stale (BOOK_CROSSED). */
  readonly crossedIsStale: boolean;
  /**
   * Every book message is a whole book (Hyperliquid): readers are told what differs from the one before, as if it were an
   * update; SnapshotBegin comes only when there was none. Default false.
   */
  readonly booksComeWhole?: boolean;
  /** Venues send several trades of one message newest first; true publishes them oldest first. */
  readonly tradesInTimeOrder: boolean;
  /** Of trades of one message with the same time the later one stands first. Default true; false: it stands last. */
  readonly equalTradesNewestFirst?: boolean;
  /** `normalize` only: a book without snapshot is built from what is seen of it (DecodingFeedOptions). */
  readonly booksStartEmpty: boolean;
  /**
   * The book of this market can only be mended by a new snapshot: an update came before one (BOOK_MISSING), or it crossed
   * (BOOK_CROSSED). Told once until that snapshot comes. Cold.
   */
  readonly onBookBroken: (place: number, code: ErrorCode) => void;
}

/** One market of the connection. Read by the agent (board) and by `normalize`; written here. */
export class MarketState {
  instrument: Instrument;
  readonly book: Book;
  bookState: BookState = BookState.Missing;
  /** 0: fresh; else index of a code in domain/errors. */
  staleReason: number = codeIndex('BOOK_MISSING');
  /** ns since run start; 0 when fresh. */
  staleSinceNs = 1;
  /** Its subscription keeps only so many levels a side (Kraken): the rest is cut after each frame. 0: whole books. */
  depthMax = 0;
  /** onBookBroken was told and no snapshot has come since. */
  isBroken = false;
  /** Mark and index price at MARK_SCALE, funding rate at FUNDING_SCALE; 0: none. */
  markPriceMantissa = 0;
  indexPriceMantissa = 0;
  fundingRateMantissa = 0;
  /** ns since run start; 0: not known. */
  fundingNextNs = 0;
  /** recv time of the last of these; 0: never. */
  markNs = 0;
  /** Whether it has ever been fresh. */
  hasBeenFresh = false;
  /** How long the last staleness took to heal; 0 when it never happened. */
  recoveryNs = 0;
  recoveryCount = 0;
  /** recv time of the last book change. */
  bookNs = 0;
  /** The venue's time of it, or of the last trade. */
  venueNs = 0;
  lastPriceMantissa = 0;
  lastSizeMantissa = 0;
  /** recv time of the last trade. */
  lastTradeNs = 0;
  lastTradeVenueNs = Number.NEGATIVE_INFINITY;
  tradeCount = 0;
  gapCount = 0;
  /** Something changed since the agent last looked. */
  isDirty = true;
  /** The levels within the board's depth changed since the agent last looked. */
  isTopDirty = true;
  /** Entry of the frame under way that touched the book last; -1: none. */
  touchedBy = -1;
  spoiledBy = 0;
  topBidPrice = 0;
  /** -1: no top was published yet, not even an empty one. */
  topBidSize = -1;
  topAskPrice = 0;
  topAskSize = 0;
  /** The two sizes with every digit, kept while the book has one beyond 2^53. */
  topBidExact = 0n;
  topAskExact = 0n;

  constructor(instrument: Instrument) {
    this.instrument = instrument;
    this.book = new Book(BOOK_LEVELS_MAX);
  }
}

/** Levels within which a change is a change of the board. */
const BOARD_LEVELS = 20;

export class MarketPublisher {
  readonly markets: MarketState[] = [];
  readonly #ticks: TickOut;
  readonly #levelsMax: number;
  readonly #snapshotLevelsMax: number;
  readonly #publishesAllLevels: boolean;
  readonly #crossedIsStale: boolean;
  readonly #booksComeWhole: boolean;
  readonly #tradesInTimeOrder: boolean;
  readonly #equalTradesNewestFirst: boolean;
  readonly #booksStartEmpty: boolean;
  readonly #onBookBroken: (place: number, code: ErrorCode) => void;
  readonly #crossedCode = codeIndex('BOOK_CROSSED');
  readonly #missingCode = codeIndex('BOOK_MISSING');
  readonly #gapCode = codeIndex('VENUE_SEQ_GAP');
  /** [0] recvNs, [1] venue sequence number: of the frame under way. */
  readonly #frame = new Float64Array(2);
  /** Levels on their way into a tick: numbers that cross a call in an array are never boxed. */
  readonly #top = new Float64Array(4);
  readonly #touched: number[] = [];
  /** Word offset of the tick that is filled and not yet published; -1: none. The last one of a frame gets its flag. */
  #pending = -1;
  /** Entry behind the tick that was published last, and behind the pending one. -1: none. */
  #publishedEntry = -1;
  #pendingEntry = -1;
  /** Entry that is applied now. */
  #entry = -1;
  #touchedCount = 0;
  #entryCount = 0;
  /** Scratch of a snapshot, one side after the other; grown as needed. */
  #scratchPrices = new Float64Array(1024);
  #scratchSizes = new Float64Array(1024);

  constructor(options: MarketPublisherOptions) {
    this.#ticks = options.ticks;
    this.#levelsMax = options.levelsMax;
    this.#publishesAllLevels = options.levelsMax === Infinity;
    this.#snapshotLevelsMax = options.snapshotLevelsMax;
    this.#crossedIsStale = options.crossedIsStale;
    this.#booksComeWhole = options.booksComeWhole ?? false;
    this.#tradesInTimeOrder = options.tradesInTimeOrder;
    this.#equalTradesNewestFirst = options.equalTradesNewestFirst ?? true;
    this.#booksStartEmpty = options.booksStartEmpty;
    this.#onBookBroken = options.onBookBroken;
  }

  /** Market changes decoded so far. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** Entry of the frame that the tick in `TickOut.publish` was made from; -1: of none. For trade ids (`normalize`). */
  get publishedEntry(): number {
    return this.#publishedEntry;
  }

  /** Adds a market; returns its place, which entries carry. */
  addMarket(instrument: Instrument): number {
    const market = new MarketState(instrument);
    if (this.#booksStartEmpty) market.bookState = BookState.Live;
    this.markets.push(market);
    this.#touched.push(0);
    return this.markets.length - 1;
  }

  /**
   * The same market at finer scales (`normalize`, for instruments that nobody described). A book that does not fit is
   * stale until its next snapshot.
   */
  refine(place: number, instrument: Instrument): void {
    const market = this.markets[place] as MarketState;
    const priceFactor = pow10(instrument.priceScale - market.instrument.priceScale);
    const sizeFactor = pow10(instrument.sizeScale - market.instrument.sizeScale);
    market.instrument = instrument;
    market.topBidPrice *= priceFactor;
    market.topBidSize *= sizeFactor;
    market.topAskPrice *= priceFactor;
    market.topAskSize *= sizeFactor;
    const fits = market.book.bids.rescale(priceFactor, sizeFactor);
    if (market.book.asks.rescale(priceFactor, sizeFactor) && fits) return;
    this.#stale(place, codeIndex('DECIMAL_OVERFLOW'));
    market.bookState = BookState.Spoiled;
    this.#flush(TickFlag.LastOfFrame);
  }

  /** A new connection: every book is missing. Says nothing to readers (the end of the old one has). */
  resetAll(): void {
    for (const market of this.markets) {
      this.#drop(market);
      if (this.#booksStartEmpty) market.bookState = BookState.Live;
      if (market.staleReason === 0) {
        market.staleReason = this.#missingCode;
        market.staleSinceNs = Math.max(1, market.bookNs);
      }
    }
  }

  /** Every book of the connection is stale for this reason (index of a code) and dropped. */
  staleAll(reason: number, recvNs: number): void {
    this.#frame[0] = recvNs;
    for (let place = 0; place < this.markets.length; place++) this.#stale(place, reason);
    this.#flush(TickFlag.LastOfFrame);
  }

  /** The book of one market is stale for this reason (index of a code) and dropped. */
  stale(place: number, reason: number, recvNs: number): void {
    this.#frame[0] = recvNs;
    this.#stale(place, reason);
    this.#flush(TickFlag.LastOfFrame);
  }

  /** A snapshot was asked for: updates that come before it are ignored and not told. */
  awaitSnapshot(place: number): void {
    (this.markets[place] as MarketState).isBroken = true;
  }

  /** The connection is lost: every book is dropped. A market that is stale already keeps the reason that came first. */
  loseAll(reason: number, nowNs: number): void {
    this.#frame[0] = nowNs;
    for (let place = 0; place < this.markets.length; place++) {
      const market = this.markets[place] as MarketState;
      if (market.staleReason === 0 || market.staleReason === this.#missingCode) {
        this.#stale(place, reason);
      } else {
        this.#drop(market);
      }
    }
    this.#flush(TickFlag.LastOfFrame);
  }

  /** Applies and publishes a whole frame. `seq` is the venue's number of it; NaN where it has none. */
  commit(entries: FrameEntries, recvNs: number, seq: number): void {
    this.apply(entries, recvNs, seq);
    this.settle(entries);
  }

  /** The same with the number in `seq[0]`: a large one that crosses a call by itself may be boxed. */
  commitFrom(entries: FrameEntries, recvNs: number, seq: Float64Array): void {
    this.#frame[0] = recvNs;
    this.#frame[1] = seq[0] as number;
    this.#apply(entries);
    this.settle(entries);
  }

  /**
   * First half of commit: books change, levels and trades are published. A feed that has a checksum to compare does so
   * between the halves and calls `spoil` for a book that is wrong: its top is then never published.
   */
  apply(entries: FrameEntries, recvNs: number, seq: number): void {
    this.#frame[0] = recvNs;
    this.#frame[1] = seq;
    this.#apply(entries);
  }

  #apply(entries: FrameEntries): void {
    const kinds = entries.kinds;
    const count = entries.count;
    this.#entryCount += count;
    let touchedCount = 0;
    let index = 0;
    while (index < count) {
      this.#entry = index;
      const place = entries.markets[index] as number;
      const market = this.markets[place] as MarketState;
      const touchedBefore = market.touchedBy;
      switch (kinds[index]) {
        case EntryKind.Bid:
        case EntryKind.Ask:
          this.#level(entries, index, market);
          index++;
          break;
        case EntryKind.Trade:
          index = this.#trades(entries, index, market);
          break;
        case EntryKind.SnapshotBegin:
          index = this.#booksComeWhole
            ? this.#wholeBook(entries, index, market)
            : this.#snapshot(entries, index, market);
          break;
        case EntryKind.Ticker:
        case EntryKind.TickerLast:
          this.#ticker(entries, index, market);
          index++;
          break;
        case EntryKind.Mark:
        case EntryKind.Funding:
          this.#mark(entries, index, market);
          index++;
          break;
        case EntryKind.LevelRefused:
          market.spoiledBy = entries.flags[index] as number;
          market.touchedBy = index;
          index++;
          break;
        default:
          index++;
      }
      if (touchedBefore < 0 && market.touchedBy >= 0) this.#touched[touchedCount++] = place;
    }
    this.#touchedCount = touchedCount;
  }

  /** Second half of commit: tops, freshness, the end of the frame. */
  settle(entries: FrameEntries): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      this.#entry = (this.markets[this.#touched[i] as number] as MarketState).touchedBy;
      this.#settle(entries, this.#touched[i] as number);
    }
    this.#flush(TickFlag.LastOfFrame);
  }

  /** Between apply and settle: the book of this market is wrong for this reason (index of a code) and dropped. Cold. */
  spoil(place: number, reason: number): void {
    const market = this.markets[place] as MarketState;
    this.#stale(place, reason);
    market.spoiledBy = 0;
    market.isBroken = true;
  }

  /** After the frame: what the market has become, and its top if that changed. */
  #settle(entries: FrameEntries, place: number): void {
    const market = this.markets[place] as MarketState;
    const touchedBy = market.touchedBy;
    market.touchedBy = -1;
    if (market.spoiledBy !== 0) {
      if (market.bookState !== BookState.Missing) {
        this.#stale(place, market.spoiledBy);
        market.bookState = BookState.Spoiled;
      }
      market.spoiledBy = 0;
      return;
    }
    if (market.bookState !== BookState.Live) return;
    const depthMax = market.depthMax;
    if (depthMax !== 0) {
      market.book.bids.cutTo(depthMax);
      market.book.asks.cutTo(depthMax);
    }
    if (this.#crossedIsStale && market.book.isCrossed) {
      this.#stale(place, this.#crossedCode);
      this.#broken(place, market, 'BOOK_CROSSED');
      return;
    }
    market.isDirty = true;
    market.bookNs = this.#frame[0] as number;
    market.venueNs = entries.timesNs[touchedBy] as number;
    this.#quote(entries, touchedBy, market);
    if (market.staleReason !== 0) this.#fresh(market);
  }

  /** Tells the feed once. Cold. */
  #broken(place: number, market: MarketState, code: ErrorCode): void {
    if (market.isBroken) return;
    market.isBroken = true;
    this.#onBookBroken(place, code);
  }

  #level(entries: FrameEntries, index: number, market: MarketState): void {
    if (market.bookState !== BookState.Live) {
      if (market.bookState === BookState.Missing) {
        this.#broken(entries.markets[index] as number, market, 'BOOK_MISSING');
      }
      return;
    }
    market.touchedBy = index;
    const isAsk = entries.kinds[index] === EntryKind.Ask;
    const side = isAsk ? market.book.asks : market.book.bids;
    const isWide = ((entries.wides[index] as number) & Wide.Size) !== 0;
    const depth = isWide
      ? side.setWide(entries.prices[index] as number, entries.wideOf(index, Wide.Size))
      : side.setFrom(entries.prices, entries.sizes, index);
    if (depth < BOARD_LEVELS) market.isTopDirty = true;
    if (depth >= this.#levelsMax) return;
    if (side.change === LevelChange.None && !this.#publishesAllLevels) return;
    const base = this.#claim(market, TickKind.Level, isAsk ? TickFlag.Ask : 0);
    const i32 = this.#ticks.i32;
    setTickPriceMantissaFrom(i32, base, entries.prices, index);
    setTickSizeMantissaFrom(i32, base, entries.sizes, index);
    if (isWide) setTickSizeMantissaBig(i32, base, entries.wideOf(index, Wide.Size));
    this.#writeTime(entries, index, i32, base);
    setTickVenueSeqFrom(i32, base, this.#frame, 1);
    // A level that moved up into view.
    if (side.change === LevelChange.Deleted && side.count >= this.#levelsMax) {
      this.#levelAt(entries, index, market, side, isAsk, this.#levelsMax - 1);
    }
  }

  /** Publishes a level of the book as it stands. */
  #levelAt(
    entries: FrameEntries,
    index: number,
    market: MarketState,
    side: BookSide,
    isAsk: boolean,
    depth: number,
  ): void {
    const base = this.#claim(market, TickKind.Level, isAsk ? TickFlag.Ask : 0);
    const i32 = this.#ticks.i32;
    const top = this.#top;
    side.copyLevel(depth, top, 0);
    setTickPriceMantissaFrom(i32, base, top, 0);
    setTickSizeMantissaFrom(i32, base, top, 1);
    if (side.wideCount !== 0) setTickSizeMantissaBig(i32, base, side.exactSizeAt(depth));
    this.#writeTime(entries, index, i32, base);
    setTickVenueSeqFrom(i32, base, this.#frame, 1);
  }

  /** A run of trades of one market; returns the index behind it. */
  #trades(entries: FrameEntries, from: number, market: MarketState): number {
    const place = entries.markets[from];
    let to = from + 1;
    while (
      to < entries.count &&
      entries.kinds[to] === EntryKind.Trade &&
      entries.markets[to] === place
    ) {
      to++;
    }
    const first = entries.timesNs[from] as number;
    const last = entries.timesNs[to - 1] as number;
    const isNewestFirst =
      this.#tradesInTimeOrder && (first > last || (first === last && this.#equalTradesNewestFirst));
    for (let i = from; i < to; i++) {
      const index = isNewestFirst ? to - 1 - (i - from) : i;
      this.#entry = index;
      this.#trade(entries, index, market);
    }
    return to;
  }

  #trade(entries: FrameEntries, index: number, market: MarketState): void {
    const flags = entries.flags[index] as number;
    const base = this.#claim(market, TickKind.Trade, flags);
    const i32 = this.#ticks.i32;
    if ((entries.wides[index] as number) === 0) {
      setTickPriceMantissaFrom(i32, base, entries.prices, index);
      setTickSizeMantissaFrom(i32, base, entries.sizes, index);
      setTickVenueSeqFrom(i32, base, entries.ids, index);
    } else {
      this.#writePriceSize(entries, index, i32, base);
      if (entries.isWide(index, Wide.Id)) {
        setTickVenueSeqBig(i32, base, entries.wideOf(index, Wide.Id));
      } else {
        setTickVenueSeqFrom(i32, base, entries.ids, index);
      }
    }
    this.#writeTime(entries, index, i32, base);
    const venueNs = entries.timesNs[index] as number;
    if ((flags & TickFlag.Backfill) === 0) {
      market.tradeCount++;
      market.lastTradeNs = this.#frame[0] as number;
    }
    const isExact = !entries.isWide(index, Wide.Price) && !entries.isWide(index, Wide.Size);
    if (isExact && venueNs >= market.lastTradeVenueNs) {
      market.lastTradeVenueNs = venueNs;
      market.lastPriceMantissa = entries.prices[index] as number;
      market.lastSizeMantissa = entries.sizes[index] as number;
    }
    market.isDirty = true;
  }

  #ticker(entries: FrameEntries, index: number, market: MarketState): void {
    const kind = entries.kinds[index] === EntryKind.Ticker ? TickKind.Ticker : TickKind.TickerLast;
    const base = this.#claim(market, kind, entries.flags[index] as number);
    const i32 = this.#ticks.i32;
    this.#writePriceSize(entries, index, i32, base);
    if (kind === TickKind.Ticker) {
      if (entries.isWide(index, Wide.AskPrice)) {
        setTickAskPriceMantissaBig(i32, base, entries.wideOf(index, Wide.AskPrice));
      } else {
        setTickAskPriceMantissaFrom(i32, base, entries.askPrices, index);
      }
      if (entries.isWide(index, Wide.AskSize)) {
        setTickAskSizeMantissaBig(i32, base, entries.wideOf(index, Wide.AskSize));
      } else {
        setTickAskSizeMantissaFrom(i32, base, entries.askSizes, index);
      }
    }
    this.#writeTime(entries, index, i32, base);
    setTickVenueSeqFrom(i32, base, this.#frame, 1);
  }

  /** Mark price or funding. Both may be wide: reference prices have ten decimals. */
  #mark(entries: FrameEntries, index: number, market: MarketState): void {
    const isMark = entries.kinds[index] === EntryKind.Mark;
    const base = this.#claim(market, isMark ? TickKind.Mark : TickKind.Funding, 0);
    const i32 = this.#ticks.i32;
    this.#writePriceSize(entries, index, i32, base);
    if (entries.isWide(index, Wide.AskPrice)) {
      setTickAskPriceMantissaBig(i32, base, entries.wideOf(index, Wide.AskPrice));
    } else {
      setTickAskPriceMantissaFrom(i32, base, entries.askPrices, index);
    }
    this.#writeTime(entries, index, i32, base);
    setTickVenueSeqFrom(i32, base, this.#frame, 1);
    market.markNs = this.#frame[0] as number;
    market.isDirty = true;
    const isExact = !entries.isWide(index, Wide.Price) && !entries.isWide(index, Wide.AskPrice);
    if (!isExact) return;
    if (isMark) {
      market.markPriceMantissa = entries.prices[index] as number;
      market.indexPriceMantissa = entries.askPrices[index] as number;
    } else {
      market.fundingRateMantissa = entries.prices[index] as number;
      market.fundingNextNs = entries.askPrices[index] as number;
    }
  }

  /** A whole book; returns the index behind its SnapshotEnd. Cold: once per connection and market. */
  #snapshot(entries: FrameEntries, from: number, market: MarketState): number {
    const kinds = entries.kinds;
    let to = from + 1;
    let bidCount = 0;
    let spoiledBy = 0;
    let hasWide = false;
    while (to < entries.count && kinds[to] !== EntryKind.SnapshotEnd) {
      if (((entries.wides[to] as number) & Wide.Size) !== 0) hasWide = true;
      if (kinds[to] === EntryKind.Bid) bidCount++;
      else if (kinds[to] === EntryKind.LevelRefused) spoiledBy = entries.flags[to] as number;
      to++;
    }
    const length = to - from - 1;
    if (this.#scratchPrices.length < length) {
      this.#scratchPrices = new Float64Array(length * 2);
      this.#scratchSizes = new Float64Array(length * 2);
    }
    let bid = 0;
    let ask = bidCount;
    for (let i = from + 1; i < to; i++) {
      if (kinds[i] === EntryKind.LevelRefused) continue;
      const target = kinds[i] === EntryKind.Bid ? bid++ : ask++;
      this.#scratchPrices[target] = entries.prices[i] as number;
      this.#scratchSizes[target] = entries.sizes[i] as number;
    }
    const book = market.book;
    book.bids.load(this.#scratchPrices, this.#scratchSizes, 0, bid);
    book.asks.load(this.#scratchPrices, this.#scratchSizes, bidCount, ask);
    if (hasWide) this.#setWides(entries, from, to, book);
    market.bookState = BookState.Live;
    market.isBroken = false;
    market.spoiledBy = spoiledBy;
    market.touchedBy = from;
    market.isTopDirty = true;
    // The top is news even when it is the same as before the snapshot, unless each message is one.
    if (!this.#booksComeWhole) market.topBidSize = -1;
    if (spoiledBy !== 0) return to + 1;
    const base = this.#claim(market, TickKind.SnapshotBegin, 0);
    this.#writeTime(entries, from, this.#ticks.i32, base);
    setTickVenueSeq(this.#ticks.i32, base, this.#frame[1] as number);
    const bids = Math.min(this.#snapshotLevelsMax, book.bids.count);
    for (let depth = 0; depth < bids; depth++) {
      this.#levelAt(entries, from, market, book.bids, false, depth);
    }
    const asks = Math.min(this.#snapshotLevelsMax, book.asks.count);
    for (let depth = 0; depth < asks; depth++) {
      this.#levelAt(entries, from, market, book.asks, true, depth);
    }
    // Whoever looks at the book when SnapshotBegin comes out must see the snapshot and nothing later.
    this.#flush(0);
    return to + 1;
  }

  /**
   * A whole book that comes after another one: the levels that differ, and no more. The first book, one with a refused
   * level, and one that is not sorted best first, bids before asks, go the way of any snapshot.
   */
  #wholeBook(entries: FrameEntries, from: number, market: MarketState): number {
    const isNext = market.bookState === BookState.Live && market.staleReason === 0;
    const asksFrom = this.#sortedRun(entries, from + 1, EntryKind.Bid);
    const to = this.#sortedRun(entries, asksFrom, EntryKind.Ask);
    const isSorted = to < entries.count && entries.kinds[to] === EntryKind.SnapshotEnd;
    if (!isNext || !isSorted || this.#publishesAllLevels) {
      return this.#snapshot(entries, from, market);
    }
    const isBidNews = this.#wholeSide(entries, from, from + 1, asksFrom, market, false);
    const isAskNews = this.#wholeSide(entries, from, asksFrom, to, market, true);
    market.touchedBy = from;
    if (isBidNews || isAskNews) market.isTopDirty = true;
    return to + 1;
  }

  /** One side of a whole book, sorted best first. False: it is what it was. */
  #wholeSide(
    entries: FrameEntries,
    from: number,
    first: number,
    last: number,
    market: MarketState,
    isAsk: boolean,
  ): boolean {
    const side = isAsk ? market.book.asks : market.book.bids;
    const { prices, sizes } = entries;
    const length = last - first;
    const same = side.sameUpTo(prices, sizes, first, last);
    if (same === length && same === side.count) return false;
    // Where readers see all of both, the levels behind the last difference are no news either.
    const isAllSeen = length <= this.#levelsMax && side.count <= this.#levelsMax;
    const kept = isAllSeen ? side.sameDownTo(prices, sizes, first + same, last) : 0;
    const newEnd = Math.min(last - kept, first + this.#levelsMax);
    const oldEnd = Math.min(Math.max(same, side.count - kept), this.#levelsMax);
    this.#dropped(entries, from, first + same, newEnd, market, isAsk, same, oldEnd);
    this.#added(entries, from, first + same, newEnd, market, isAsk, same, oldEnd);
    side.load(prices, sizes, first, last);
    return true;
  }

  /** The end of a run of levels of one side, best first and none of them empty. */
  #sortedRun(entries: FrameEntries, from: number, kind: EntryKind): number {
    const prices = entries.prices;
    const isBid = kind === EntryKind.Bid;
    let to = from;
    while (to < entries.count && entries.kinds[to] === kind && entries.sizes[to] !== 0) {
      if (((entries.wides[to] as number) & Wide.Size) !== 0) break;
      if (to > from) {
        const step = (prices[to] as number) - (prices[to - 1] as number);
        if (isBid ? step >= 0 : step <= 0) break;
      }
      to++;
    }
    return to;
  }

  /** Deletes for the readers: levels of the book from a depth to an end that are not among the entries [next, newEnd). */
  #dropped(
    entries: FrameEntries,
    from: number,
    next: number,
    newEnd: number,
    market: MarketState,
    isAsk: boolean,
    depth: number,
    oldEnd: number,
  ): void {
    const side = isAsk ? market.book.asks : market.book.bids;
    const prices = entries.prices;
    const sign = isAsk ? -1 : 1;
    const top = this.#top;
    let at = next;
    for (let old = depth; old < oldEnd; old++) {
      side.copyLevel(old, top, 0);
      while (at < newEnd && sign * (prices[at] as number) > sign * (top[0] as number)) at++;
      if (at < newEnd && prices[at] === top[0]) continue;
      const base = this.#claim(market, TickKind.Level, isAsk ? TickFlag.Ask : 0);
      setTickPriceMantissaFrom(this.#ticks.i32, base, top, 0);
      this.#writeTime(entries, from, this.#ticks.i32, base);
      setTickVenueSeqFrom(this.#ticks.i32, base, this.#frame, 1);
    }
  }

  /** Sets for the readers: entries [next, newEnd) that are not in the book from a depth to an end, or of another size. */
  #added(
    entries: FrameEntries,
    from: number,
    next: number,
    newEnd: number,
    market: MarketState,
    isAsk: boolean,
    depth: number,
    oldEnd: number,
  ): void {
    const side = isAsk ? market.book.asks : market.book.bids;
    const prices = entries.prices;
    const sign = isAsk ? -1 : 1;
    const top = this.#top;
    let old = depth;
    side.copyLevel(old, top, 0);
    for (let at = next; at < newEnd; at++) {
      while (old < oldEnd && sign * (top[0] as number) > sign * (prices[at] as number)) {
        side.copyLevel(++old, top, 0);
      }
      const isThere = old < oldEnd && top[0] === prices[at];
      if (isThere && top[1] === entries.sizes[at]) continue;
      const base = this.#claim(market, TickKind.Level, isAsk ? TickFlag.Ask : 0);
      setTickPriceMantissaFrom(this.#ticks.i32, base, prices, at);
      setTickSizeMantissaFrom(this.#ticks.i32, base, entries.sizes, at);
      this.#writeTime(entries, from, this.#ticks.i32, base);
      setTickVenueSeqFrom(this.#ticks.i32, base, this.#frame, 1);
    }
  }

  /** Cold: the levels of a snapshot whose size is beyond 2^53. */
  #setWides(entries: FrameEntries, from: number, to: number, book: Book): void {
    for (let index = from + 1; index < to; index++) {
      if (entries.kinds[index] === EntryKind.LevelRefused) continue;
      const side = entries.kinds[index] === EntryKind.Ask ? book.asks : book.bids;
      const price = entries.prices[index] as number;
      if (entries.isWide(index, Wide.Size)) {
        side.setWide(price, entries.wideOf(index, Wide.Size));
      } else if (!Number.isSafeInteger(side.sizeOf(price))) {
        // Of equal prices the last one counts.
        side.set(price, entries.sizes[index] as number);
      }
    }
  }

  #quote(entries: FrameEntries, index: number, market: MarketState): void {
    const bids = market.book.bids;
    const asks = market.book.asks;
    const top = this.#top;
    bids.copyLevel(0, top, 0);
    asks.copyLevel(0, top, 2);
    if (
      top[0] === market.topBidPrice &&
      top[1] === market.topBidSize &&
      top[2] === market.topAskPrice &&
      top[3] === market.topAskSize &&
      (bids.wideCount + asks.wideCount === 0 || this.#isSameWide(market))
    ) {
      return;
    }
    market.topBidPrice = top[0] as number;
    market.topBidSize = top[1] as number;
    market.topAskPrice = top[2] as number;
    market.topAskSize = top[3] as number;
    const flags = (bids.count !== 0 ? 0 : TickFlag.NoBid) | (asks.count !== 0 ? 0 : TickFlag.NoAsk);
    const base = this.#claim(market, TickKind.Quote, flags);
    const i32 = this.#ticks.i32;
    setTickPriceMantissaFrom(i32, base, top, 0);
    setTickSizeMantissaFrom(i32, base, top, 1);
    setTickAskPriceMantissaFrom(i32, base, top, 2);
    setTickAskSizeMantissaFrom(i32, base, top, 3);
    if (bids.wideCount + asks.wideCount !== 0) this.#writeWideTop(market, i32, base);
    this.#writeTime(entries, index, i32, base);
    setTickVenueSeqFrom(i32, base, this.#frame, 1);
  }

  /** Cold: the tops are equal as doubles; sizes beyond 2^53 may differ and round to the same. */
  #isSameWide(market: MarketState): boolean {
    const { bids, asks } = market.book;
    const isBidSame =
      Number.isSafeInteger(market.topBidSize) || bids.exactSizeAt(0) === market.topBidExact;
    const isAskSame =
      Number.isSafeInteger(market.topAskSize) || asks.exactSizeAt(0) === market.topAskExact;
    return isBidSame && isAskSame;
  }

  /** Cold. */
  #writeWideTop(market: MarketState, i32: Int32Array, base: number): void {
    const { bids, asks } = market.book;
    market.topBidExact = bids.count === 0 ? 0n : bids.exactSizeAt(0);
    market.topAskExact = asks.count === 0 ? 0n : asks.exactSizeAt(0);
    setTickSizeMantissaBig(i32, base, market.topBidExact);
    setTickAskSizeMantissaBig(i32, base, market.topAskExact);
  }

  #fresh(market: MarketState): void {
    const recvNs = this.#frame[0] as number;
    if (market.hasBeenFresh) {
      market.recoveryNs = recvNs - market.staleSinceNs;
      market.recoveryCount++;
    }
    market.hasBeenFresh = true;
    market.staleReason = 0;
    market.staleSinceNs = 0;
    market.isDirty = true;
    const base = this.#claim(market, TickKind.State, 0);
    setTickVenueNs(this.#ticks.i32, base, recvNs);
    setTickVenueSeq(this.#ticks.i32, base, this.#frame[1] as number);
  }

  #stale(place: number, reason: number): void {
    const market = this.markets[place] as MarketState;
    this.#drop(market);
    if (reason === this.#gapCode) market.gapCount++;
    if (market.staleReason === reason) return;
    const recvNs = this.#frame[0] as number;
    // The age counts from the first reason.
    if (market.staleReason === 0) market.staleSinceNs = Math.max(1, recvNs);
    market.staleReason = reason;
    const base = this.#claim(market, TickKind.State, 0);
    setTickSizeMantissa(this.#ticks.i32, base, reason);
    setTickVenueNs(this.#ticks.i32, base, recvNs);
    setTickVenueSeq(this.#ticks.i32, base, this.#frame[1] as number);
  }

  #drop(market: MarketState): void {
    market.book.clear();
    market.bookState = BookState.Missing;
    market.isBroken = false;
    market.topBidPrice = 0;
    market.topBidSize = -1;
    market.topAskPrice = 0;
    market.topAskSize = 0;
    market.isDirty = true;
    market.isTopDirty = true;
  }

  /** Publishes what is pending and claims the next slot, cleared and headed. */
  #claim(market: MarketState, kind: TickKind, flags: number): number {
    this.#flush(0);
    const base = this.#ticks.claim();
    const i32 = this.#ticks.i32;
    clearTick(i32, base);
    setTickInstrumentIndex(i32, base, market.instrument.index);
    setTickKind(i32, base, kind);
    setTickFlags(i32, base, flags);
    setTickRecvNsFrom(i32, base, this.#frame, 0);
    this.#pending = base;
    this.#pendingEntry = this.#entry;
    return base;
  }

  /** `lastFlag` is 0 or LastOfFrame. */
  #flush(lastFlag: number): void {
    const base = this.#pending;
    if (base < 0) return;
    const i32 = this.#ticks.i32;
    if (lastFlag !== 0) setTickFlags(i32, base, getTickFlags(i32, base) | lastFlag);
    this.#pending = -1;
    this.#publishedEntry = this.#pendingEntry;
    this.#ticks.publish();
  }

  #writePriceSize(entries: FrameEntries, index: number, i32: Int32Array, base: number): void {
    if (entries.isWide(index, Wide.Price)) {
      setTickPriceMantissaBig(i32, base, entries.wideOf(index, Wide.Price));
    } else {
      setTickPriceMantissaFrom(i32, base, entries.prices, index);
    }
    if (entries.isWide(index, Wide.Size)) {
      setTickSizeMantissaBig(i32, base, entries.wideOf(index, Wide.Size));
    } else {
      setTickSizeMantissaFrom(i32, base, entries.sizes, index);
    }
  }

  #writeTime(entries: FrameEntries, index: number, i32: Int32Array, base: number): void {
    if (entries.isWide(index, Wide.NoTime)) {
      setTickFlags(i32, base, getTickFlags(i32, base) | TickFlag.NoTime);
    } else if (entries.isWide(index, Wide.Time)) {
      setTickVenueNsBig(i32, base, entries.wideOf(index, Wide.Time));
    } else {
      setTickVenueNsFrom(i32, base, entries.timesNs, index);
    }
  }
}
