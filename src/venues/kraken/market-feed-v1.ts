/**
 * market-feed-v1: Kraken's old public WebSocket (v1), from frame bytes to book changes and ticks. For recordings and
 * `normalize`: the engine connects to v2 (market-feed.ts).
 * @hotpath
 *
 * One per recording. Deterministic: no clock, no I/O. Wire facts: docs/venues/kraken.md.
 *
 *   [992,{"b":[["354.15000000","5.00000000","1618678133.365913"]],"c":"2583817756"},"book-1000","XMR/USD"]
 *
 * What a message is, and of which market, stands at its end: the end is looked at first, and must be found again there when
 * the message has been read. Decimals are texts with as many zeros as the venue likes; the checksum stands in updates only.
 */
import { ascii, ByteScanner, DecimalStatus } from '../../domain/byte-scanner.js';
import type { AsciiText } from '../../domain/byte-scanner.js';
import { codeIndex } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { Instrument } from '../../domain/instrument.js';
import { TickFlag } from '../../generated/hot.js';
import type { DecodingFeed, DecodingFeedOptions } from '../decoding-feed.js';
import { EntryReader, NOWHERE, UNKNOWN_PLACE } from '../entry-reader.js';
import { EntryKind, FrameEntries, Wide } from '../frame-entries.js';
import { MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import type { FeedSubscription } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { CheckedBooks, decimalsBefore } from './checked-books.js';
import type { Expectation } from './checked-books.js';

const BOOK_PREFIX = ascii('book-');
const CHANNEL_TRADE = ascii('trade');
const CHANNEL_TICKER = ascii('ticker');
const CHANNEL_SPREAD = ascii('spread');
const OHLC_PREFIX = ascii('ohlc');

const KEY_EVENT = ascii('event');
const KEY_STATUS = ascii('status');
const KEY_ERROR = ascii('errorMessage');
const KEY_PAIR = ascii('pair');
const KEY_CHANNEL_NAME = ascii('channelName');
const EVENTS = ['heartbeat', 'systemStatus', 'subscriptionStatus', 'pong', 'ping'].map(ascii);
const TEXT_ERROR = ascii('error');

const KEY_SNAPSHOT_ASKS = ascii('as');
const KEY_SNAPSHOT_BIDS = ascii('bs');
const KEY_ASKS = ascii('a');
const KEY_BIDS = ascii('b');
const KEY_LAST = ascii('c');
const KEY_CHECKSUM = ascii('c');

const TEXT_BUY = ascii('b');
const TEXT_SELL = ascii('s');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const ARRAY_CLOSE = 0x5d;
const OBJECT_OPEN = 0x7b;

const Channel = { None: 0, Book: 1, Trade: 2, Ticker: 3, Spread: 4, Other: 5, Unknown: 6 } as const;
type Channel = (typeof Channel)[keyof typeof Channel];

export class KrakenMarketFeedV1 implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #books: CheckedBooks;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #depth: number;
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  #frameCount = 0;
  // What is known of the frame under way.
  #channel: Channel = Channel.None;
  #place = UNKNOWN_PLACE;
  /** Where the name of the channel stands, first byte behind the quote. */
  #channelAt = NOWHERE;
  #isSnapshot = false;
  #isUpdate = false;
  #priceDigits = 0;
  #sizeDigits = 0;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#depth = options.depth ?? 0;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: true,
      tradesInTimeOrder: options.tradesInTimeOrder,
      // The venue writes the oldest first (capture of 2021), and fills of one order have one time.
      equalTradesNewestFirst: false,
      booksStartEmpty: options.booksStartEmpty ?? false,
      // Nobody can ask a recording again.
      onBookBroken: () => undefined,
    });
    this.#books = new CheckedBooks(this.#publisher, options.rejects, () => undefined);
    this.#reader = new EntryReader({
      scanner: this.#scanner,
      entries: this.#entries,
      rejects: options.rejects,
      isBare: false,
      onUnknownSymbol: (venueSymbol) => this.#resolveSymbol(venueSymbol),
    });
    for (const instrument of options.instruments) this.#add(instrument);
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return [];
  }

  get needsResubscribe(): boolean {
    return false;
  }

  get brokenBy(): ErrorCode {
    return 'OK';
  }

  /** The old dialect has no ids. */
  get tradeIdText(): string | null {
    return null;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  /** Books that were compared with the venue's checksum so far. */
  get comparedCount(): number {
    return this.#books.comparedCount;
  }

  get entryCount(): number {
    return this.#publisher.entryCount;
  }

  get lastSeq(): number {
    return NaN;
  }

  onConnected(): readonly string[] {
    this.#publisher.resetAll();
    this.#books.forget();
    return [];
  }

  renew(): readonly string[] {
    return [];
  }

  markStale(place: number, reason: number, nowNs: number): void {
    this.#publisher.stale(place, reason, nowNs);
  }

  takeRequest(): string | null {
    return null;
  }

  onBody(): void {
    // Books come with the subscription.
  }

  onSent(): void {
    // The depth stands in the name of the channel.
  }

  onDisconnected(reason: number, nowNs: number): void {
    this.#publisher.loseAll(reason, nowNs);
  }

  refine(place: number, instrument: Instrument): void {
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
    this.#books.onRefined(place);
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    const scanner = this.#scanner;
    scanner.begin(bytes);
    this.#beginFrame();
    const isWhole = scanner.peek() === OBJECT_OPEN ? this.#event() : this.#message();
    if (!isWhole || !scanner.isAtEnd()) {
      this.#onMalformed(recvNs);
      return;
    }
    if (this.#channel === Channel.Unknown) {
      this.#rejects.reject('FRAME_UNKNOWN', 'neither a known channel nor an event');
      return;
    }
    this.#frameCount++;
    if (this.#entries.count > 0) this.#books.commit(this.#entries, recvNs);
  }

  #beginFrame(): void {
    this.#entries.begin();
    this.#books.begin();
    this.#channel = Channel.None;
    this.#place = UNKNOWN_PLACE;
  }

  // -------------------------------------------------------------- messages

  /** [id, payload, (second payload of a book,) "channel", "pair"] */
  #message(): boolean {
    const scanner = this.#scanner;
    if (!this.#ending()) return false;
    scanner.at = 0;
    if (!scanner.beginArray() || !scanner.count() || !scanner.take(COMMA)) return false;
    const place = this.#place;
    // An unknown pair was counted; what it says is read all the same, so that nonsense is called by its name.
    if (!(place !== UNKNOWN_PLACE ? this.#payloads() : this.#skipPayloads())) return false;
    if (!scanner.string() || scanner.textStart !== this.#channelAt) return false;
    return scanner.take(COMMA) && scanner.string() && scanner.take(ARRAY_CLOSE);
  }

  /** Reads ,"channel","pair"] from the end of the frame: what the message is, and of which market. */
  #ending(): boolean {
    const scanner = this.#scanner;
    const bytes = scanner.bytes;
    let at = this.#backOverSpace(scanner.end - 1);
    if (at < 0 || bytes[at] !== ARRAY_CLOSE) return false;
    const pairEnd = this.#backOverSpace(at - 1);
    const pairAt = this.#backOverText(pairEnd);
    if (pairAt < 0) return false;
    at = this.#backOverSpace(pairAt - 2);
    if (at < 0 || bytes[at] !== COMMA) return false;
    const channelEnd = this.#backOverSpace(at - 1);
    this.#channelAt = this.#backOverText(channelEnd);
    if (this.#channelAt < 0) return false;
    scanner.textStart = this.#channelAt;
    scanner.textEnd = channelEnd;
    this.#channel = this.#channelOf();
    // Behind an unknown channel anything may stand: it is not looked up.
    if (this.#channel >= Channel.Other) return true;
    scanner.textStart = pairAt;
    scanner.textEnd = pairEnd;
    this.#place = this.#reader.place();
    return true;
  }

  /** Place of the last byte up to `at` that is no white space; -1: none. */
  #backOverSpace(from: number): number {
    const bytes = this.#scanner.bytes;
    let at = from;
    while (at >= 0 && ((bytes[at] as number) === 0x20 || ((bytes[at] as number) | 0x07) === 0x0f)) {
      at--;
    }
    return at;
  }

  /** First byte of the plain text whose closing quote is at `end`; -1: there is none. */
  #backOverText(end: number): number {
    const bytes = this.#scanner.bytes;
    if (end <= 0 || bytes[end] !== QUOTE) return -1;
    let at = end - 1;
    while (at >= 0 && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at--;
    return at >= 0 && bytes[at] === QUOTE ? at + 1 : -1;
  }

  #channelOf(): Channel {
    const scanner = this.#scanner;
    if (scanner.isText(CHANNEL_TRADE)) return Channel.Trade;
    if (scanner.isText(CHANNEL_TICKER)) return Channel.Ticker;
    if (scanner.isText(CHANNEL_SPREAD)) return Channel.Spread;
    scanner.at = scanner.textStart;
    if (scanner.literal(BOOK_PREFIX)) return Channel.Book;
    return scanner.literal(OHLC_PREFIX) ? Channel.Other : Channel.Unknown;
  }

  #skipPayloads(): boolean {
    const scanner = this.#scanner;
    do {
      if (!scanner.skipValue() || !scanner.take(COMMA)) return false;
    } while (scanner.peek() !== QUOTE);
    return true;
  }

  #payloads(): boolean {
    switch (this.#channel) {
      case Channel.Book:
        return this.#book();
      case Channel.Trade:
        return this.#trades() && this.#scanner.take(COMMA);
      case Channel.Ticker:
        return this.#ticker() && this.#scanner.take(COMMA);
      default:
        return this.#spread() && this.#scanner.take(COMMA);
    }
  }

  // -------------------------------------------------------------- books

  /** {"as":[…],"bs":[…]}, or {"a":[…],"c":"…"}, {"b":[…],"c":"…"}, {"a":[…]},{"b":[…],"c":"…"} */
  #book(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const expectation = this.#books.expect(this.#place);
    this.#beginBook();
    do {
      if (!this.#bookObject(expectation) || !scanner.take(COMMA)) return false;
    } while (scanner.peek() === OBJECT_OPEN);
    if (this.#isSnapshot) {
      if (this.#isUpdate) return false;
      entries.add(EntryKind.SnapshotEnd, this.#place);
      expectation.isSnapshot = true;
      expectation.priceDigits = this.#priceDigits;
      expectation.sizeDigits = this.#sizeDigits;
    }
    return true;
  }

  #beginBook(): void {
    this.#isSnapshot = false;
    this.#isUpdate = false;
    this.#priceDigits = 0;
    this.#sizeDigits = 0;
  }

  #bookObject(expectation: Expectation): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    if (scanner.isEmptyObject()) return true;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_ASKS) || scanner.isText(KEY_BIDS)) {
        this.#isUpdate = true;
        const kind = scanner.isText(KEY_ASKS) ? EntryKind.Ask : EntryKind.Bid;
        if (!this.#side(kind, expectation)) return false;
      } else if (scanner.isText(KEY_CHECKSUM)) {
        if (!scanner.count()) return false;
        expectation.checksum = (scanner.mantissa[0] as number) | 0;
        expectation.hasChecksum = true;
      } else if (scanner.isText(KEY_SNAPSHOT_ASKS) || scanner.isText(KEY_SNAPSHOT_BIDS)) {
        if (!this.#isSnapshot) {
          this.#isSnapshot = true;
          // The levels have times of their own; the snapshot as a whole has none.
          this.#entries.setNoTime(this.#entries.add(EntryKind.SnapshotBegin, this.#place));
        }
        const kind = scanner.isText(KEY_SNAPSHOT_ASKS) ? EntryKind.Ask : EntryKind.Bid;
        if (!this.#side(kind, expectation)) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0;
  }

  #side(kind: EntryKind, expectation: Expectation): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    const first = this.#entries.count;
    let more = 1;
    while (more === 1) {
      if (!this.#level(kind)) return false;
      more = scanner.nextElement();
    }
    const levels = this.#entries.count - first;
    if (levels > expectation.levels) expectation.levels = levels;
    return more === 0;
  }

  /** ["price","size","time"], and "r" behind it when the level only comes into view again. */
  #level(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const place = this.#place;
    const index = entries.add(kind, place);
    if (!scanner.beginArray()) return false;
    const priceStatus = this.#reader.readHere(index, Wide.Price, place);
    if (this.#isSnapshot) {
      const digits = decimalsBefore(scanner, scanner.at - 1);
      if (digits > this.#priceDigits) this.#priceDigits = digits;
    }
    if (!scanner.take(COMMA)) return false;
    const sizeStatus = this.#reader.readHere(index, Wide.Size, place);
    if (this.#isSnapshot) {
      const digits = decimalsBefore(scanner, scanner.at - 1);
      if (digits > this.#sizeDigits) this.#sizeDigits = digits;
    }
    if (!scanner.take(COMMA) || !scanner.epochTime()) return false;
    entries.setTime(index, scanner);
    while (scanner.take(COMMA)) if (!scanner.skipValue()) return false;
    return scanner.take(ARRAY_CLOSE) && this.#reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  // -------------------------------------------------------------- trades, tickers, spreads

  #trades(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#trade()) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** ["price","size","time","b|s","m|l",""]; the side is the taker's. */
  #trade(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const place = this.#place;
    const index = entries.add(EntryKind.Trade, place);
    entries.ids[index] = 0;
    if (!scanner.beginArray()) return false;
    const priceStatus = this.#reader.readHere(index, Wide.Price, place);
    if (!scanner.take(COMMA)) return false;
    const sizeStatus = this.#reader.readHere(index, Wide.Size, place);
    if (!scanner.take(COMMA) || !scanner.epochTime() || !scanner.take(COMMA)) return false;
    entries.setTime(index, scanner);
    if (!scanner.string()) return false;
    if (scanner.isText(TEXT_SELL)) entries.flags[index] = TickFlag.AggressorSell;
    else if (!scanner.isText(TEXT_BUY)) return false;
    while (scanner.take(COMMA)) if (!scanner.skipValue()) return false;
    if (!scanner.take(ARRAY_CLOSE)) return false;
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return this.#reader.refuse(priceStatus, sizeStatus);
    }
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  /** {"a":["price",whole lots,"size"],"b":[…],"c":["price","size"],…} */
  #ticker(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const place = this.#place;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    const index = entries.add(EntryKind.Ticker, place);
    entries.setNoTime(index);
    const last = entries.add(EntryKind.TickerLast, place);
    entries.setNoTime(last);
    this.#clear(index, last);
    let bid: DecimalStatus = DecimalStatus.Absent;
    let ask: DecimalStatus = DecimalStatus.Absent;
    let worst = 0;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_ASKS)) {
        ask = this.#priceAndSize(index, Wide.AskPrice, Wide.AskSize);
        worst = Math.max(worst, ask);
      } else if (scanner.isText(KEY_BIDS)) {
        bid = this.#priceAndSize(index, Wide.Price, Wide.Size);
        worst = Math.max(worst, bid);
      } else if (scanner.isText(KEY_LAST)) {
        worst = Math.max(worst, this.#priceAndSize(last, Wide.Price, Wide.Size));
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (worst > DecimalStatus.Absent) {
      entries.dropLast();
      return this.#reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
    }
    entries.flags[index] =
      (bid === DecimalStatus.Absent ? TickFlag.NoBid : 0) |
      (ask === DecimalStatus.Absent ? TickFlag.NoAsk : 0);
    return true;
  }

  /** ["price","size"] or ["price",whole lots,"size"]; the worse of the two. */
  #priceAndSize(index: number, price: Wide, size: Wide): DecimalStatus {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return DecimalStatus.Malformed;
    const priceStatus = this.#reader.readHere(index, price, this.#place);
    if (!scanner.take(COMMA)) return DecimalStatus.Malformed;
    if (scanner.peek() !== QUOTE && (!scanner.skipValue() || !scanner.take(COMMA))) {
      return DecimalStatus.Malformed;
    }
    const sizeStatus = this.#reader.readHere(index, size, this.#place);
    if (!scanner.take(ARRAY_CLOSE)) return DecimalStatus.Malformed;
    return Math.max(priceStatus, sizeStatus) as DecimalStatus;
  }

  /** ["bid","ask","time","bid size","ask size"] */
  #spread(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    const place = this.#place;
    const index = entries.add(EntryKind.Ticker, place);
    const last = entries.add(EntryKind.TickerLast, place);
    this.#clear(index, last);
    if (!scanner.beginArray()) return false;
    let worst: DecimalStatus = reader.readHere(index, Wide.Price, place);
    if (!scanner.take(COMMA)) return false;
    worst = Math.max(worst, reader.readHere(index, Wide.AskPrice, place)) as DecimalStatus;
    if (!scanner.take(COMMA) || !scanner.epochTime() || !scanner.take(COMMA)) return false;
    entries.setTime(index, scanner);
    entries.copyTime(last, index);
    worst = Math.max(worst, reader.readHere(index, Wide.Size, place)) as DecimalStatus;
    if (!scanner.take(COMMA)) return false;
    worst = Math.max(worst, reader.readHere(index, Wide.AskSize, place)) as DecimalStatus;
    if (!scanner.take(ARRAY_CLOSE)) return false;
    if (worst <= DecimalStatus.Wide) return true;
    entries.dropLast();
    return reader.refuse(worst, DecimalStatus.Ok);
  }

  #clear(index: number, last: number): void {
    const entries = this.#entries;
    entries.prices[index] = 0;
    entries.sizes[index] = 0;
    entries.askPrices[index] = 0;
    entries.askSizes[index] = 0;
    entries.prices[last] = 0;
    entries.sizes[last] = 0;
  }

  // -------------------------------------------------------------- events and refusals (all cold)

  /** {"event":"systemStatus","connectionID":17843232920108168701,…}: large numbers are skipped, not read. */
  #event(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    this.#channel = Channel.Unknown;
    if (scanner.isEmptyObject()) return true;
    let isError = false;
    let error = '';
    let pair = '';
    let channelName = '';
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      const at = scanner.at;
      if (scanner.isText(KEY_EVENT) && scanner.string()) {
        if (EVENTS.some((event: AsciiText) => scanner.isText(event))) this.#channel = Channel.Other;
      } else if (scanner.isText(KEY_STATUS) && scanner.string()) {
        isError = scanner.isText(TEXT_ERROR);
      } else if (scanner.isText(KEY_ERROR) && scanner.string()) {
        error = scanner.text();
      } else if (scanner.isText(KEY_PAIR) && scanner.string()) {
        pair = scanner.text();
      } else if (scanner.isText(KEY_CHANNEL_NAME) && scanner.string()) {
        channelName = scanner.text();
      }
      scanner.at = at;
      if (!scanner.skipValue()) return false;
      more = scanner.nextMember();
    }
    if (isError) this.#rejects.reject('FRAME_VENUE_ERROR', `${pair}: ${error}`);
    else this.#learnDepth(pair, channelName);
    return more === 0;
  }

  /** book-1000: so many levels a side. */
  #learnDepth(pair: string, channelName: string): void {
    const depth = Number(/^book-(\d{1,5})$/.exec(channelName)?.[1] ?? 0);
    if (depth === 0) return;
    const place = this.#reader.placeFor(pair);
    if (place !== UNKNOWN_PLACE) this.#books.setDepth(place, depth);
  }

  /** A book whose message was not understood is lost; without its name, every one. */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    const isOther = this.#channel > Channel.Book && this.#channel < Channel.Unknown;
    if (isOther) return;
    for (let place = 0; place < this.markets.length; place++) {
      if (this.#place !== UNKNOWN_PLACE && this.#place !== place) continue;
      this.#publisher.stale(place, this.#malformedCode, recvNs);
    }
  }

  /** A market that `normalize` was not told of. */
  #resolveSymbol(venueSymbol: string): number {
    const instrument = this.#resolve?.(venueSymbol);
    return instrument === undefined ? UNKNOWN_PLACE : this.#add(instrument);
  }

  #add(instrument: Instrument): number {
    const place = this.#publisher.addMarket(instrument);
    this.#reader.addMarket(place, instrument);
    this.#books.addMarket(place, this.#depth);
    return place;
  }
}
