/**
 * market-feed: Kraken's public WebSocket v2, from frame bytes to book changes and ticks.
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). Deterministic: no clock, no I/O. Wire facts: docs/venues/kraken.md.
 *
 *   {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":63005.0,"qty":2.08}],
 *    "checksum":2532652056,"timestamp":"…"}]}
 *
 * There are no sequence numbers: what is lost shows in the checksum of the book, which is compared after every change. A
 * book that fails is dropped, and that one subscription is asked for anew.
 * A frame in the order of the wire is read with literals in one go; any other one, by key, from its beginning. It is
 * decoded into FrameEntries first and applied only when all of it was understood.
 */
import { ascii, ByteScanner, DecimalStatus } from '../../domain/byte-scanner.js';
import type { AsciiText } from '../../domain/byte-scanner.js';
import { must } from '../../domain/assert.js';
import { codeIndex } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { Instrument } from '../../domain/instrument.js';
import { TickFlag } from '../../generated/hot.js';
import type { DecodingFeed, DecodingFeedOptions } from '../decoding-feed.js';
import { EntryReader, NOWHERE, UNKNOWN_PLACE } from '../entry-reader.js';
import { EntryKind, FrameEntries, Wide } from '../frame-entries.js';
import { BookState, MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import { FeedSubscription, SubscriptionState } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { CheckedBooks, decimalsBefore } from './checked-books.js';
import { DEPTH_DEFAULT, MARKET_CHANNELS } from './endpoints.js';

const KEY_CHANNEL = ascii('channel');
const KEY_TYPE = ascii('type');
const KEY_DATA = ascii('data');
const KEY_METHOD = ascii('method');
const KEY_SUCCESS = ascii('success');
const KEY_REQUEST = ascii('req_id');
const KEY_RESULT = ascii('result');
const KEY_ERROR = ascii('error');
const KEY_ERROR_OTHER = ascii('Error');
const KEY_SYMBOL = ascii('symbol');
const KEY_DEPTH = ascii('depth');
const KEY_SYSTEM = ascii('system');
const KEY_BIDS = ascii('bids');
const KEY_ASKS = ascii('asks');
const KEY_CHECKSUM = ascii('checksum');
const KEY_TIMESTAMP = ascii('timestamp');
const KEY_PRICE = ascii('price');
const KEY_QTY = ascii('qty');
const KEY_SIDE = ascii('side');
const KEY_TRADE_ID = ascii('trade_id');
const KEY_BID = ascii('bid');
const KEY_BID_QTY = ascii('bid_qty');
const KEY_ASK = ascii('ask');
const KEY_ASK_QTY = ascii('ask_qty');
const KEY_LAST = ascii('last');

const TEXT_SNAPSHOT = ascii('snapshot');
const TEXT_UPDATE = ascii('update');
const TEXT_BUY = ascii('buy');
const TEXT_SELL = ascii('sell');
const TEXT_ONLINE = ascii('online');
const CHANNEL_BOOK = ascii('book');
const CHANNEL_TRADE = ascii('trade');
const CHANNEL_TICKER = ascii('ticker');
const CHANNEL_STATUS = ascii('status');
/** Channels whose content is not ours to read. */
const CHANNELS_OTHER = ['heartbeat', 'ohlc', 'instrument', 'level3', 'executions', 'balances'].map(
  ascii,
);

/** Frames as the venue writes them. */
const HEAD_BOOK_UPDATE = ascii('{"channel":"book","type":"update","data":[{"symbol":');
const HEAD_BOOK_SNAPSHOT = ascii('{"channel":"book","type":"snapshot","data":[{"symbol":');
const HEAD_TRADE_UPDATE = ascii('{"channel":"trade","type":"update","data":[');
const HEAD_TRADE_SNAPSHOT = ascii('{"channel":"trade","type":"snapshot","data":[');
const HEAD_TICKER_UPDATE = ascii('{"channel":"ticker","type":"update","data":[');
const HEAD_TICKER_SNAPSHOT = ascii('{"channel":"ticker","type":"snapshot","data":[');
const HEARTBEAT = ascii('{"channel":"heartbeat"}');
const BOOK_BIDS = ascii(',"bids":[');
const BOOK_ASKS = ascii(',"asks":[');
const BOOK_CHECKSUM = ascii(',"checksum":');
const BOOK_TIMESTAMP = ascii(',"timestamp":');
const LEVEL_PRICE = ascii('{"price":');
const LEVEL_QTY = ascii(',"qty":');
const DATA_END = ascii('}]}');
const TRADE_SYMBOL = ascii('{"symbol":');
const TRADE_BUY = ascii(',"side":"buy","price":');
const TRADE_SELL = ascii(',"side":"sell","price":');
const TRADE_QTY = ascii(',"qty":');
const TRADE_TYPE = ascii(',"ord_type":');
const TRADE_ID = ascii(',"trade_id":');
const TRADE_TIME = ascii(',"timestamp":');
const TICKER_SYMBOL = ascii('{"symbol":');
const TICKER_BID = ascii(',"bid":');
const TICKER_BID_QTY = ascii(',"bid_qty":');
const TICKER_ASK = ascii(',"ask":');
const TICKER_ASK_QTY = ascii(',"ask_qty":');
const TICKER_LAST = ascii(',"last":');
/** What comes between the last price and the time of a ticker: about the day, not ours to read. */
const TICKER_SKIPPED = [
  ',"volume":',
  ',"vwap":',
  ',"low":',
  ',"high":',
  ',"change":',
  ',"change_pct":',
  ',"trades":',
].map(ascii);
const TICKER_TIME = ascii(',"timestamp":');

const OBJECT_CLOSE = 0x7d;
const ARRAY_CLOSE = 0x5d;
const COMMA = 0x2c;

const Channel = { None: 0, Book: 1, Trade: 2, Ticker: 3, Status: 4, Other: 5, Unknown: 6 } as const;
type Channel = (typeof Channel)[keyof typeof Channel];

const MessageType = { None: 0, Snapshot: 1, Update: 2 } as const;
type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Subscriptions of a market stand one after the other, in the order of MARKET_CHANNELS. */
const SUBSCRIPTIONS_PER_MARKET = MARKET_CHANNELS.length;
const BOOK_OFFSET = MARKET_CHANNELS.indexOf('book');
const TRADE_OFFSET = MARKET_CHANNELS.indexOf('trade');
const TICKER_OFFSET = MARKET_CHANNELS.indexOf('ticker');

/** An answer of the venue to something that we sent. */
interface Answer {
  method: string;
  isSuccess: boolean;
  error: string;
  /** -1: none. */
  requestId: number;
  channel: string;
  symbol: string;
  /** 0: none. */
  depth: number;
}

export class KrakenMarketFeed implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #books: CheckedBooks;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #subscriptions: FeedSubscription[] = [];
  /** req_id under which each was asked for last; 0: not asked. */
  readonly #requestIds: number[] = [];
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  /** Levels a side that we ask for. */
  readonly #depth: number;
  /** What an added market's depth is before anybody says: 0 in `normalize`, where the recorder chose it. */
  readonly #depthKnown: number;
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  readonly #refusedCode = codeIndex('SUBSCRIPTION_REFUSED');
  /** [0]: seconds of the time that was read last, kept while the scanner reads others. */
  readonly #seconds = new Float64Array(1);
  #nanos = 0;
  #lastRequestId = 0;
  /** Symbols in quotes, by place. */
  readonly #symbols: AsciiText[] = [];
  #lastSymbol: AsciiText = ascii('""');
  #lastPlace = UNKNOWN_PLACE;
  #frameCount = 0;
  // What is known of the frame under way.
  #channel: Channel = Channel.None;
  #type: MessageType = MessageType.None;
  #isAnswer = false;
  #isError = false;
  /** Market of the book message under way. */
  #place = UNKNOWN_PLACE;
  #priceDigits = 0;
  #sizeDigits = 0;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#depth = options.depth ?? DEPTH_DEFAULT;
    this.#depthKnown = options.booksStartEmpty === true ? (options.depth ?? 0) : this.#depth;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: true,
      tradesInTimeOrder: options.tradesInTimeOrder,
      // The venue writes the oldest first (captures of 2024 and 2026), and fills of one order have one time.
      equalTradesNewestFirst: false,
      booksStartEmpty: options.booksStartEmpty ?? false,
      onBookBroken: (place, code) => this.#bookOf(place).spoil(codeIndex(code), code),
    });
    this.#books = new CheckedBooks(this.#publisher, options.rejects, (place) =>
      this.#bookOf(place).spoil(codeIndex('BOOK_CHECKSUM'), 'BOOK_CHECKSUM'),
    );
    this.#reader = new EntryReader({
      scanner: this.#scanner,
      entries: this.#entries,
      rejects: options.rejects,
      isBare: true,
      onUnknownSymbol: (venueSymbol) => this.#resolveSymbol(venueSymbol),
    });
    for (const instrument of options.instruments) this.#add(instrument);
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions;
  }

  /** Every book is mended by its own subscription. */
  get needsResubscribe(): boolean {
    return false;
  }

  get brokenBy(): ErrorCode {
    return 'OK';
  }

  get tradeIdText(): string | null {
    const entry = this.#publisher.publishedEntry;
    if (entry < 0) return null;
    const entries = this.#entries;
    return String(
      entries.isWide(entry, Wide.Id) ? entries.wideOf(entry, Wide.Id) : entries.ids[entry],
    );
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

  /** The venue numbers nothing. */
  get lastSeq(): number {
    return NaN;
  }

  onConnected(): readonly string[] {
    this.#publisher.resetAll();
    this.#books.forget();
    return this.#subscriptions.map((_, index) => this.#requestText(index));
  }

  /** Cold. */
  renew(subscription: number): readonly string[] {
    const { state, channel, place } = must(this.#subscriptions[subscription], 'a subscription');
    // What the venue has refused, or never heard of, cannot be given up.
    const isThere = state !== SubscriptionState.Refused && state !== SubscriptionState.Idle;
    const texts = isThere ? [this.#text('unsubscribe', subscription, ++this.#lastRequestId)] : [];
    if (channel === 'book') this.#publisher.awaitSnapshot(place);
    return [...texts, this.#requestText(subscription)];
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

  /** {"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10},…} of a recorder. Cold. */
  onSent(text: string): void {
    const sent = parsed(text) as {
      method?: unknown;
      params?: { channel?: unknown; symbol?: unknown; depth?: unknown };
    } | null;
    const { channel, symbol, depth = 10 } = sent?.params ?? {};
    if (sent?.method !== 'subscribe' || channel !== 'book' || !Array.isArray(symbol)) return;
    for (const one of symbol as unknown[]) {
      if (typeof one === 'string' && typeof depth === 'number') this.#learnDepth(one, depth);
    }
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
    this.#scanner.begin(bytes);
    this.#beginFrame();
    if (!this.#inOrder()) {
      this.#scanner.rewind();
      this.#beginFrame();
      if (!this.#byKey() || !this.#scanner.isAtEnd()) {
        this.#onMalformed(recvNs);
        return;
      }
    }
    if (this.#isAnswer) this.#onAnswer();
    else if (this.#channel === Channel.None || this.#channel === Channel.Unknown) {
      this.#onUnknown();
      return;
    }
    this.#frameCount++;
    if (this.#entries.count === 0) return;
    this.#countData(recvNs);
    this.#books.commit(this.#entries, recvNs);
  }

  #beginFrame(): void {
    this.#entries.begin();
    this.#books.begin();
    this.#channel = Channel.None;
    this.#type = MessageType.None;
    this.#isAnswer = false;
    this.#isError = false;
    this.#place = UNKNOWN_PLACE;
  }

  /** Tells each subscription that something of it came. */
  #countData(recvNs: number): void {
    const entries = this.#entries;
    const offset =
      this.#channel === Channel.Book
        ? BOOK_OFFSET
        : this.#channel === Channel.Trade
          ? TRADE_OFFSET
          : TICKER_OFFSET;
    let before = UNKNOWN_PLACE;
    for (let index = 0; index < entries.count; index++) {
      const place = entries.markets[index] as number;
      if (place === before) continue;
      before = place;
      const subscription = this.#subscriptions[
        place * SUBSCRIPTIONS_PER_MARKET + offset
      ] as FeedSubscription;
      // Updates that are still on their way while a book is asked for anew are not what was asked for.
      const isLate =
        offset === BOOK_OFFSET &&
        entries.kinds[index] !== EntryKind.SnapshotBegin &&
        (this.#publisher.markets[place] as MarketState).bookState === BookState.Missing;
      if (!isLate) subscription.onData(recvNs);
    }
  }

  // -------------------------------------------------------------- in the order of the wire

  /** A frame in the order of the wire with plain numbers of known markets. False: read by key, from the beginning. */
  #inOrder(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(HEAD_BOOK_UPDATE)) return this.#bookInOrder(MessageType.Update);
    if (scanner.literal(HEAD_TRADE_UPDATE)) return this.#tradesInOrder(0);
    if (scanner.literal(HEAD_TICKER_UPDATE)) return this.#tickersInOrder();
    if (scanner.literal(HEARTBEAT)) {
      this.#channel = Channel.Other;
      return scanner.isAtEnd();
    }
    if (scanner.literal(HEAD_BOOK_SNAPSHOT)) return this.#bookInOrder(MessageType.Snapshot);
    if (scanner.literal(HEAD_TRADE_SNAPSHOT)) return this.#tradesInOrder(TickFlag.Backfill);
    return scanner.literal(HEAD_TICKER_SNAPSHOT) && this.#tickersInOrder();
  }

  #bookInOrder(type: MessageType): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#channel = Channel.Book;
    const place = this.#placeHere();
    if (place === UNKNOWN_PLACE || !scanner.literal(BOOK_BIDS)) return false;
    const isSnapshot = type === MessageType.Snapshot;
    const expectation = this.#books.expect(place);
    this.#priceDigits = 0;
    this.#sizeDigits = 0;
    if (isSnapshot) entries.add(EntryKind.SnapshotBegin, place);
    const first = entries.count;
    if (!this.#sideInOrder(EntryKind.Bid, place, isSnapshot)) return false;
    const bids = entries.count - first;
    if (!scanner.literal(BOOK_ASKS)) return false;
    if (!this.#sideInOrder(EntryKind.Ask, place, isSnapshot)) return false;
    if (!scanner.literal(BOOK_CHECKSUM) || !scanner.id(scanner.mantissa, 0)) return false;
    expectation.hasChecksum = true;
    expectation.checksum = (scanner.mantissa[0] as number) | 0;
    if (isSnapshot) {
      expectation.isSnapshot = true;
      expectation.levels = Math.max(bids, entries.count - first - bids);
      expectation.priceDigits = this.#priceDigits;
      expectation.sizeDigits = this.#sizeDigits;
      entries.add(EntryKind.SnapshotEnd, place);
    }
    if (!scanner.literal(BOOK_TIMESTAMP) || !scanner.time()) return false;
    if (!scanner.literal(DATA_END) || !scanner.isAtEnd()) return false;
    if (entries.count > 0) entries.setTime(0, scanner);
    for (let index = 1; index < entries.count; index++) entries.copyTime(index, 0);
    return true;
  }

  /** Market of the symbol that stands here; most often it is that of the frame before. UNKNOWN_PLACE: not one of ours. */
  #placeHere(): number {
    const scanner = this.#scanner;
    if (scanner.literal(this.#lastSymbol)) return this.#lastPlace;
    if (!scanner.string()) return UNKNOWN_PLACE;
    const place = this.#reader.knownPlace();
    if (place !== UNKNOWN_PLACE) {
      this.#lastPlace = place;
      this.#lastSymbol = this.#symbols[place] as AsciiText;
    }
    return place;
  }

  #sideInOrder(kind: EntryKind, place: number, isSnapshot: boolean): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (scanner.take(ARRAY_CLOSE)) return true;
    do {
      const index = entries.add(kind, place);
      const isPlain = isSnapshot
        ? this.#snapshotLevel(index, place)
        : reader.isPlainLevel(index, place, LEVEL_PRICE, LEVEL_QTY);
      if (!isPlain || !scanner.take(OBJECT_CLOSE)) return false;
    } while (scanner.take(COMMA));
    return scanner.take(ARRAY_CLOSE);
  }

  /** As a level of an update, and the decimals that the venue writes are noted. */
  #snapshotLevel(index: number, place: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const entries = this.#entries;
    if (!scanner.literal(LEVEL_PRICE) || !reader.isOk(index, Wide.Price, place)) return false;
    this.#notePriceDigits();
    if (!scanner.literal(LEVEL_QTY) || !reader.isOk(index, Wide.Size, place)) return false;
    this.#noteSizeDigits();
    return (entries.prices[index] as number) > 0 && (entries.sizes[index] as number) >= 0;
  }

  #notePriceDigits(): void {
    const digits = decimalsBefore(this.#scanner, this.#scanner.at);
    if (digits > this.#priceDigits) this.#priceDigits = digits;
  }

  #noteSizeDigits(): void {
    const digits = decimalsBefore(this.#scanner, this.#scanner.at);
    if (digits > this.#sizeDigits) this.#sizeDigits = digits;
  }

  #tradesInOrder(flags: number): boolean {
    const scanner = this.#scanner;
    this.#channel = Channel.Trade;
    if (scanner.take(ARRAY_CLOSE)) return scanner.take(OBJECT_CLOSE) && scanner.isAtEnd();
    do {
      if (!this.#tradeInOrder(flags)) return false;
    } while (scanner.take(COMMA));
    return scanner.take(ARRAY_CLOSE) && scanner.take(OBJECT_CLOSE) && scanner.isAtEnd();
  }

  /** {"symbol":"…","side":"buy|sell","price":…,"qty":…,"ord_type":"…","trade_id":…,"timestamp":"…"}; side is the taker's. */
  #tradeInOrder(flags: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (!scanner.literal(TRADE_SYMBOL)) return false;
    const place = this.#placeHere();
    if (place === UNKNOWN_PLACE) return false;
    const index = entries.add(EntryKind.Trade, place);
    if (scanner.literal(TRADE_BUY)) entries.flags[index] = flags;
    else if (scanner.literal(TRADE_SELL)) entries.flags[index] = flags | TickFlag.AggressorSell;
    else return false;
    if (!reader.isOk(index, Wide.Price, place) || !scanner.literal(TRADE_QTY)) return false;
    if (!reader.isOk(index, Wide.Size, place) || !scanner.literal(TRADE_TYPE)) return false;
    if (!scanner.skipString() || !scanner.literal(TRADE_ID)) return false;
    if (!scanner.id(entries.ids, index)) return false;
    if (!scanner.literal(TRADE_TIME) || !scanner.time()) return false;
    entries.setTime(index, scanner);
    if (!scanner.take(OBJECT_CLOSE)) return false;
    return reader.isAbove(index, Wide.Price) && reader.isAbove(index, Wide.Size);
  }

  #tickersInOrder(): boolean {
    const scanner = this.#scanner;
    this.#channel = Channel.Ticker;
    do {
      if (!this.#tickerInOrder()) return false;
    } while (scanner.take(COMMA));
    return scanner.take(ARRAY_CLOSE) && scanner.take(OBJECT_CLOSE) && scanner.isAtEnd();
  }

  #tickerInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (!scanner.literal(TICKER_SYMBOL)) return false;
    const place = this.#placeHere();
    if (place === UNKNOWN_PLACE) return false;
    const index = entries.add(EntryKind.Ticker, place);
    if (!scanner.literal(TICKER_BID) || !reader.isOk(index, Wide.Price, place)) return false;
    if (!scanner.literal(TICKER_BID_QTY) || !reader.isOk(index, Wide.Size, place)) return false;
    if (!scanner.literal(TICKER_ASK) || !reader.isOk(index, Wide.AskPrice, place)) return false;
    if (!scanner.literal(TICKER_ASK_QTY) || !reader.isOk(index, Wide.AskSize, place)) return false;
    const last = entries.add(EntryKind.TickerLast, place);
    entries.sizes[last] = 0;
    if (!scanner.literal(TICKER_LAST) || !reader.isOk(last, Wide.Price, place)) return false;
    for (let i = 0; i < TICKER_SKIPPED.length; i++) {
      if (!scanner.literal(TICKER_SKIPPED[i] as AsciiText) || !scanner.skipDecimal()) return false;
    }
    if (!scanner.literal(TICKER_TIME) || !scanner.time()) return false;
    entries.setTime(index, scanner);
    entries.copyTime(last, index);
    return scanner.take(OBJECT_CLOSE);
  }

  // -------------------------------------------------------------- by key

  /** The whole message, members in any order. False: malformed. */
  #byKey(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    if (scanner.isEmptyObject()) return true;
    let dataAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_CHANNEL)) {
        if (!scanner.string()) return false;
        this.#channel = this.#channelOf();
      } else if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        this.#type = this.#typeOf();
      } else if (scanner.isText(KEY_DATA)) {
        if (dataAt !== NOWHERE) return false;
        dataAt = scanner.at;
        if (!scanner.skipValue()) return false;
      } else {
        if (scanner.isText(KEY_METHOD)) this.#isAnswer = true;
        else if (scanner.isText(KEY_ERROR) || scanner.isText(KEY_ERROR_OTHER)) this.#isError = true;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (this.#channel < Channel.Book || this.#channel > Channel.Status) return true;
    if (dataAt === NOWHERE || this.#type === MessageType.None) return false;
    const end = scanner.at;
    scanner.at = dataAt;
    if (!this.#data()) return false;
    scanner.at = end;
    return true;
  }

  #channelOf(): Channel {
    const scanner = this.#scanner;
    if (scanner.isText(CHANNEL_BOOK)) return Channel.Book;
    if (scanner.isText(CHANNEL_TRADE)) return Channel.Trade;
    if (scanner.isText(CHANNEL_TICKER)) return Channel.Ticker;
    if (scanner.isText(CHANNEL_STATUS)) return Channel.Status;
    for (let i = 0; i < CHANNELS_OTHER.length; i++) {
      if (scanner.isText(CHANNELS_OTHER[i] as AsciiText)) return Channel.Other;
    }
    return Channel.Unknown;
  }

  #typeOf(): MessageType {
    if (this.#scanner.isText(TEXT_UPDATE)) return MessageType.Update;
    return this.#scanner.isText(TEXT_SNAPSHOT) ? MessageType.Snapshot : MessageType.None;
  }

  #data(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#element()) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  #element(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    switch (this.#channel) {
      case Channel.Book:
        return this.#book();
      case Channel.Trade:
        return this.#trade(this.#type === MessageType.Snapshot ? TickFlag.Backfill : 0);
      case Channel.Ticker:
        return this.#ticker();
      default:
        return this.#status();
    }
  }

  #book(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#place = UNKNOWN_PLACE;
    let hasSymbol = false;
    let hasTime = false;
    let hasChecksum = false;
    let checksum = 0;
    let bidsAt = NOWHERE;
    let asksAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_SYMBOL)) {
        if (hasSymbol || !scanner.string()) return false;
        this.#place = this.#reader.place();
        hasSymbol = true;
      } else if (scanner.isText(KEY_CHECKSUM)) {
        if (!scanner.count()) return false;
        checksum = (scanner.mantissa[0] as number) | 0;
        hasChecksum = true;
      } else if (scanner.isText(KEY_TIMESTAMP)) {
        if (!this.#keepTime()) return false;
        hasTime = true;
      } else {
        if (scanner.isText(KEY_BIDS)) bidsAt = scanner.at;
        else if (scanner.isText(KEY_ASKS)) asksAt = scanner.at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasSymbol || !hasChecksum) return false;
    // An unknown symbol: counted where it was seen.
    if (this.#place === UNKNOWN_PLACE) return true;
    if (bidsAt === NOWHERE || asksAt === NOWHERE) return false;
    const end = scanner.at;
    const place = this.#place;
    const isSnapshot = this.#type === MessageType.Snapshot;
    const expectation = this.#books.expect(place);
    this.#priceDigits = 0;
    this.#sizeDigits = 0;
    const from = entries.count;
    if (isSnapshot) entries.add(EntryKind.SnapshotBegin, place);
    const first = entries.count;
    if (!this.#side(EntryKind.Bid, bidsAt)) return false;
    const bids = entries.count - first;
    if (!this.#side(EntryKind.Ask, asksAt)) return false;
    expectation.hasChecksum = true;
    expectation.checksum = checksum;
    if (isSnapshot) {
      expectation.isSnapshot = true;
      expectation.levels = Math.max(bids, entries.count - first - bids);
      expectation.priceDigits = this.#priceDigits;
      expectation.sizeDigits = this.#sizeDigits;
      entries.add(EntryKind.SnapshotEnd, place);
    }
    for (let index = from; index < entries.count; index++) this.#setTime(index, hasTime);
    scanner.at = end;
    return true;
  }

  #side(kind: EntryKind, at: number): boolean {
    const scanner = this.#scanner;
    scanner.at = at;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#level(kind)) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  #level(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    const index = this.#entries.add(kind, place);
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let priceStatus: DecimalStatus = DecimalStatus.Malformed;
    let sizeStatus: DecimalStatus = DecimalStatus.Malformed;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_PRICE)) {
        priceStatus = this.#reader.readHere(index, Wide.Price, place);
        if (priceStatus === DecimalStatus.Malformed) return false;
        this.#notePriceDigits();
      } else if (scanner.isText(KEY_QTY)) {
        sizeStatus = this.#reader.readHere(index, Wide.Size, place);
        if (sizeStatus === DecimalStatus.Malformed) return false;
        this.#noteSizeDigits();
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0 && this.#reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  #trade(flagsOfMessage: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const index = entries.add(EntryKind.Trade, 0);
    let flags = flagsOfMessage;
    let place = UNKNOWN_PLACE;
    let hasSymbol = false;
    let hasSide = false;
    let hasTime = false;
    let hasId = false;
    let priceAt = NOWHERE;
    let sizeAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_SYMBOL)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasSymbol = true;
      } else if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        if (scanner.isText(TEXT_SELL)) flags = flagsOfMessage | TickFlag.AggressorSell;
        else if (scanner.isText(TEXT_BUY)) flags = flagsOfMessage;
        else return false;
        hasSide = true;
      } else if (scanner.isText(KEY_TRADE_ID)) {
        const status = scanner.bareDecimal(0);
        if (status === DecimalStatus.Ok) entries.ids[index] = scanner.mantissa[0] as number;
        else if (status !== DecimalStatus.Wide) return false;
        else entries.setWideMantissa(index, Wide.Id, scanner.wideMantissa);
        hasId = true;
      } else if (scanner.isText(KEY_TIMESTAMP)) {
        if (!this.#keepTime()) return false;
        hasTime = true;
      } else {
        if (scanner.isText(KEY_PRICE)) priceAt = scanner.at;
        else if (scanner.isText(KEY_QTY)) sizeAt = scanner.at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasSymbol || !hasSide || !hasTime || !hasId) return false;
    if (priceAt === NOWHERE || sizeAt === NOWHERE) return false;
    if (place === UNKNOWN_PLACE) {
      entries.dropLast();
      return true;
    }
    entries.markets[index] = place;
    entries.flags[index] = flags;
    this.#setTime(index, true);
    const end = scanner.at;
    const priceStatus = this.#reader.read(index, Wide.Price, priceAt, place);
    const sizeStatus = this.#reader.read(index, Wide.Size, sizeAt, place);
    scanner.at = end;
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return this.#reader.refuse(priceStatus, sizeStatus);
    }
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  /** {"symbol":"…","bid":…,"bid_qty":…,"ask":…,"ask_qty":…,"last":…,…}; any of them may be missing, and the time too. */
  #ticker(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    let hasSymbol = false;
    let hasTime = false;
    let place = UNKNOWN_PLACE;
    let bidAt = NOWHERE;
    let bidSizeAt = NOWHERE;
    let askAt = NOWHERE;
    let askSizeAt = NOWHERE;
    let lastAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_SYMBOL)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasSymbol = true;
      } else if (scanner.isText(KEY_TIMESTAMP)) {
        if (!this.#keepTime()) return false;
        hasTime = true;
      } else {
        const at = scanner.at;
        if (scanner.isText(KEY_BID)) bidAt = at;
        else if (scanner.isText(KEY_BID_QTY)) bidSizeAt = at;
        else if (scanner.isText(KEY_ASK)) askAt = at;
        else if (scanner.isText(KEY_ASK_QTY)) askSizeAt = at;
        else if (scanner.isText(KEY_LAST)) lastAt = at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasSymbol) return false;
    if (place === UNKNOWN_PLACE) return true;
    const end = scanner.at;
    const reader = this.#reader;
    const index = entries.add(EntryKind.Ticker, place);
    this.#setTime(index, hasTime);
    const bid = reader.readOptional(index, Wide.Price, bidAt, place);
    const bidSize = reader.readOptional(index, Wide.Size, bidSizeAt, place);
    const ask = reader.readOptional(index, Wide.AskPrice, askAt, place);
    const askSize = reader.readOptional(index, Wide.AskSize, askSizeAt, place);
    const lastIndex = entries.add(EntryKind.TickerLast, place);
    entries.copyTime(lastIndex, index);
    const last = reader.readOptional(lastIndex, Wide.Price, lastAt, place);
    entries.sizes[lastIndex] = 0;
    scanner.at = end;
    const worst = Math.max(bid, bidSize, ask, askSize, last);
    if (worst > DecimalStatus.Absent) {
      entries.dropLast();
      return reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
    }
    entries.flags[index] =
      (bid === DecimalStatus.Absent ? TickFlag.NoBid : 0) |
      (ask === DecimalStatus.Absent ? TickFlag.NoAsk : 0);
    return true;
  }

  /** {"system":"online","connection_id":16174536464690282295,…}: what is not online is told, what is large is skipped. */
  #status(): boolean {
    const scanner = this.#scanner;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_SYSTEM)) {
        if (!scanner.string()) return false;
        if (!scanner.isText(TEXT_ONLINE)) {
          this.#rejects.reject('FRAME_VENUE_ERROR', `the venue is in state ${scanner.text()}`);
        }
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0;
  }

  #keepTime(): boolean {
    const scanner = this.#scanner;
    if (!scanner.time()) return false;
    this.#seconds[0] = scanner.seconds[0] as number;
    this.#nanos = scanner.nanos;
    return true;
  }

  #setTime(index: number, hasTime: boolean): void {
    if (!hasTime) {
      this.#entries.setNoTime(index);
      return;
    }
    const scanner = this.#scanner;
    scanner.seconds[0] = this.#seconds[0] as number;
    scanner.nanos = this.#nanos;
    this.#entries.setTime(index, scanner);
  }

  // -------------------------------------------------------------- refusals and answers (all cold)

  /**
   * The frame is refused. If it was about a book, or may have been, that book is lost, because nobody knows what it said;
   * without a symbol all of them are.
   */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    if (this.#isAnswer) return;
    if (this.#channel !== Channel.None && this.#channel !== Channel.Book) return;
    for (let place = 0; place < this.markets.length; place++) {
      if (this.#place !== UNKNOWN_PLACE && this.#place !== place) continue;
      this.#publisher.stale(place, this.#malformedCode, recvNs);
      this.#bookOf(place).spoil(this.#malformedCode, 'FRAME_MALFORMED');
    }
  }

  #onUnknown(): void {
    if (this.#isError) this.#rejects.reject('FRAME_VENUE_ERROR', this.#answer().error);
    else this.#rejects.reject('FRAME_UNKNOWN', 'neither a known channel nor an answer');
  }

  /** {"method":"subscribe","result":{…},"success":true,…}, {"error":"…","method":"subscribe","success":false,…}, pong. */
  #onAnswer(): void {
    const answer = this.#answer();
    const isSubscribe = answer.method === 'subscribe';
    const index = isSubscribe ? this.#subscriptionOf(answer) : -1;
    const subscription = this.#subscriptions[index];
    if (answer.isSuccess) {
      subscription?.confirm();
      if (isSubscribe && answer.channel === 'book') this.#learnDepth(answer.symbol, answer.depth);
      return;
    }
    this.#rejects.reject('FRAME_VENUE_ERROR', `${answer.method}: ${answer.error}`);
    subscription?.refuse(this.#refusedCode, answer.error);
  }

  /**
   * Which subscription an answer is about: that of its req_id, for an answer that says no may name nothing else; in a
   * recording, where we asked for nothing, that of its channel and symbol. -1: none of ours, or one that is asked for anew.
   */
  #subscriptionOf(answer: Answer): number {
    if (answer.requestId >= 0 && this.#lastRequestId > 0) {
      return this.#requestIds.indexOf(answer.requestId);
    }
    const place = this.#reader.placeOf(answer.symbol);
    return this.#subscriptions.findIndex(
      (one) => one.place === place && one.channel === answer.channel,
    );
  }

  /** The answer that lies in the scanner; it was read once and is whole. */
  #answer(): Answer {
    const answer: Answer = {
      method: '',
      isSuccess: true,
      error: '',
      requestId: -1,
      channel: '',
      symbol: '',
      depth: 0,
    };
    this.#scanner.rewind();
    this.#answerMembers(answer);
    return answer;
  }

  #answerMembers(answer: Answer): void {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return;
    let more = 1;
    while (more === 1 && scanner.key()) {
      const at = scanner.at;
      if (scanner.isText(KEY_METHOD)) answer.method = this.#textHere();
      else if (scanner.isText(KEY_ERROR) || scanner.isText(KEY_ERROR_OTHER)) {
        answer.error = this.#textHere();
        answer.isSuccess = false;
      } else if (scanner.isText(KEY_SYMBOL)) answer.symbol = this.#textHere();
      else if (scanner.isText(KEY_CHANNEL)) answer.channel = this.#textHere();
      else if (scanner.isText(KEY_REQUEST) && scanner.count()) {
        answer.requestId = scanner.mantissa[0] as number;
      } else if (scanner.isText(KEY_DEPTH) && scanner.count()) {
        answer.depth = scanner.mantissa[0] as number;
      } else if (scanner.isText(KEY_SUCCESS)) {
        answer.isSuccess &&= scanner.peek() !== 0x66;
      } else if (scanner.isText(KEY_RESULT) && scanner.peek() === 0x7b) {
        this.#answerMembers(answer);
        more = scanner.nextMember();
        continue;
      }
      scanner.at = at;
      if (!scanner.skipValue()) return;
      more = scanner.nextMember();
    }
  }

  /** The string here; empty for anything else, and for one with escapes. */
  #textHere(): string {
    return this.#scanner.string() ? this.#scanner.text() : '';
  }

  #learnDepth(venueSymbol: string, depth: number): void {
    if (depth <= 0) return;
    const known = this.#reader.placeOf(venueSymbol);
    const place = known === UNKNOWN_PLACE ? this.#resolveSymbol(venueSymbol) : known;
    if (place !== UNKNOWN_PLACE) this.#books.setDepth(place, depth);
  }

  /** Cold: a market that `normalize` was not told of. */
  #resolveSymbol(venueSymbol: string): number {
    const instrument = this.#resolve?.(venueSymbol);
    return instrument === undefined ? UNKNOWN_PLACE : this.#add(instrument);
  }

  /** Cold. */
  #add(instrument: Instrument): number {
    const place = this.#publisher.addMarket(instrument);
    this.#reader.addMarket(place, instrument);
    this.#symbols[place] = ascii(`"${instrument.venueSymbol}"`);
    this.#books.addMarket(place, this.#depthKnown);
    for (const channel of MARKET_CHANNELS) {
      this.#subscriptions.push(new FeedSubscription(channel, place, channel === 'book'));
      this.#requestIds.push(0);
    }
    return place;
  }

  #bookOf(place: number): FeedSubscription {
    return must(
      this.#subscriptions[place * SUBSCRIPTIONS_PER_MARKET + BOOK_OFFSET],
      'the subscription of a book',
    );
  }

  /** One message for each subscription: an answer that says no may have nothing but its req_id. */
  #requestText(index: number): string {
    const requestId = ++this.#lastRequestId;
    this.#requestIds[index] = requestId;
    must(this.#subscriptions[index], 'a subscription').request();
    return this.#text('subscribe', index, requestId);
  }

  #text(method: string, index: number, requestId: number): string {
    const { channel, place } = must(this.#subscriptions[index], 'a subscription');
    const { venueSymbol } = must(this.markets[place], 'a market').instrument;
    const isSubscribe = method === 'subscribe';
    return JSON.stringify({
      method,
      params: {
        channel,
        symbol: [venueSymbol],
        depth: channel === 'book' ? this.#depth : undefined,
        snapshot: isSubscribe ? true : undefined,
      },
      req_id: requestId,
    });
  }
}

/** Null for a text that is not JSON. Cold. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // What a recorder sent is not ours to judge.
  }
}
