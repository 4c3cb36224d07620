/**
 * market-feed: Coinbase Advanced Trade's public WebSocket, from frame bytes to book changes and ticks.
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). Deterministic: no clock, no I/O. Wire facts: docs/venues/coinbase.md.
 *
 *   {"channel":"l2_data","timestamp":"…","sequence_num":14,
 *    "events":[{"type":"update","product_id":"BTC-USD","updates":[…]}]}
 *
 * The sequence number counts every message of the connection, all channels and products: a hole drops every book.
 * A frame is decoded into FrameEntries first and applied only when all of it was understood. Keys may stand in any order;
 * the order seen on the wire is the fast one. Where a value needs one that stands behind it (a price its product), its
 * place is kept and it is read afterwards.
 */
import { ascii, ByteScanner, DecimalStatus } from '../../domain/byte-scanner.js';
import type { AsciiText } from '../../domain/byte-scanner.js';
import { codeIndex } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { Instrument } from '../../domain/instrument.js';
import { SequenceGuard, SequenceVerdict } from '../../domain/sequence-guard.js';
import { TickFlag } from '../../generated/hot.js';
import { EntryReader, NOWHERE, UNKNOWN_PLACE } from '../entry-reader.js';
import { EntryKind, FrameEntries, Wide } from '../frame-entries.js';
import { BookState, MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import type { DecodingFeed, DecodingFeedOptions } from '../decoding-feed.js';
import type { FeedSubscription } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { ADVANCED } from './market-feed-acknowledgements.js';
import { SEQUENCE_FIRST } from './endpoints.js';
import { canonicalSymbol } from './instruments.js';
import { CoinbaseSubscriptions, MarketChannel } from './market-feed-subscriptions.js';

const KEY_CHANNEL = ascii('channel');
const KEY_TIMESTAMP = ascii('timestamp');
const KEY_SEQUENCE = ascii('sequence_num');
const KEY_EVENTS = ascii('events');
const KEY_TYPE = ascii('type');
const KEY_MESSAGE = ascii('message');
const KEY_PRODUCT = ascii('product_id');
const KEY_UPDATES = ascii('updates');
const KEY_TRADES = ascii('trades');
const KEY_TICKERS = ascii('tickers');
const KEY_SIDE = ascii('side');
const KEY_EVENT_TIME = ascii('event_time');
const KEY_PRICE_LEVEL = ascii('price_level');
const KEY_NEW_QUANTITY = ascii('new_quantity');
const KEY_TRADE_ID = ascii('trade_id');
const KEY_PRICE = ascii('price');
const KEY_SIZE = ascii('size');
const KEY_TIME = ascii('time');
const KEY_BEST_BID = ascii('best_bid');
const KEY_BEST_BID_QUANTITY = ascii('best_bid_quantity');
const KEY_BEST_ASK = ascii('best_ask');
const KEY_BEST_ASK_QUANTITY = ascii('best_ask_quantity');

const CHANNEL_L2 = ascii('l2_data');
const CHANNEL_TRADES = ascii('market_trades');
const CHANNEL_TICKER = ascii('ticker');
const CHANNEL_TICKER_BATCH = ascii('ticker_batch');
const CHANNEL_SUBSCRIPTIONS = ascii('subscriptions');
/** Channels whose content is not ours to read; their sequence numbers count all the same. */
const CHANNELS_OTHER = ['heartbeats', 'candles', 'status', 'user', 'futures_balance_summary'].map(
  ascii,
);

const TEXT_ERROR = ascii('error');
const TEXT_SNAPSHOT = ascii('snapshot');
const TEXT_UPDATE = ascii('update');
const TEXT_BID = ascii('bid');
const TEXT_OFFER = ascii('offer');
const TEXT_BUY = ascii('BUY');
const TEXT_SELL = ascii('SELL');

/** A level as the venue writes it: {"side":"bid","event_time":"…","price_level":"…","new_quantity":"…"}. */
const LEVEL_BID = ascii('{"side":"bid","event_time":');
const LEVEL_OFFER = ascii('{"side":"offer","event_time":');
const LEVEL_PRICE = ascii(',"price_level":"');
const LEVEL_SIZE = ascii('","new_quantity":"');
const LEVEL_END = ascii('"}');
/** The head of a book event as the venue writes it. */
const BOOK_UPDATE = ascii('{"type":"update","product_id":');
const BOOK_SNAPSHOT = ascii('{"type":"snapshot","product_id":');
const BOOK_UPDATES = ascii(',"updates":');
/** Where the first letter of the side stands in a level. */
const LEVEL_SIDE_AT = 9;
const LETTER_BID = 0x62;
const CLOSE = 0x7d;

/** The head of a message as the venue writes it. */
const HEAD_L2 = ascii('{"channel":"l2_data","timestamp":');
const HEAD_TRADES = ascii('{"channel":"market_trades","timestamp":');
const HEAD_TICKER = ascii('{"channel":"ticker","timestamp":');
const HEAD_CHANNEL = ascii('{"channel":');
const HEAD_TIMESTAMP = ascii(',"timestamp":');
const HEAD_SEQUENCE = ascii(',"sequence_num":');
const HEAD_EVENTS = ascii(',"events":');

/** The head of the other events as the venue writes it. */
const EVENT_UPDATE = ascii('{"type":"update",');
const EVENT_SNAPSHOT = ascii('{"type":"snapshot",');
const EVENT_TRADES = ascii('"trades":');
const EVENT_TICKERS = ascii('"tickers":');

/** A trade as the venue writes it. */
const TRADE_PRODUCT = ascii('{"product_id":');
const TRADE_ID = ascii(',"trade_id":"');
const TRADE_PRICE = ascii('","price":"');
const TRADE_SIZE = ascii('","size":"');
const TRADE_TIME = ascii('","time":');
const TRADE_BUY = ascii(',"side":"BUY"}');
const TRADE_SELL = ascii(',"side":"SELL"}');

/** A ticker as the venue writes it; between price and best_bid come members that are not ours to read. */
const TICKER_PRODUCT = ascii('{"type":"ticker","product_id":');
const TICKER_PRICE = ascii(',"price":');
const TICKER_SKIPPED = [
  ',"volume_24_h":',
  ',"low_24_h":',
  ',"high_24_h":',
  ',"low_52_w":',
  ',"high_52_w":',
  ',"price_percent_chg_24_h":',
].map(ascii);
const TICKER_BID = ascii(',"best_bid":');
const TICKER_ASK = ascii(',"best_ask":');
const TICKER_BID_SIZE = ascii(',"best_bid_quantity":');
const TICKER_ASK_SIZE = ascii(',"best_ask_quantity":');

const Channel = {
  None: 0,
  L2: 1,
  Trades: 2,
  Ticker: 3,
  Subscriptions: 4,
  Other: 5,
  Unknown: 6,
} as const;
type Channel = (typeof Channel)[keyof typeof Channel];

const EventType = { None: 0, Snapshot: 1, Update: 2 } as const;
type EventType = (typeof EventType)[keyof typeof EventType];

export class CoinbaseMarketFeed implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #guard = new SequenceGuard();
  readonly #reader: EntryReader;
  readonly #subscriptions = new CoinbaseSubscriptions(ADVANCED);
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #gapCode = codeIndex('VENUE_SEQ_GAP');
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  /** [0]: seconds of the message's time. */
  readonly #messageSeconds = new Float64Array(1);
  #messageNanos = 0;
  /** [0]: sequence_num of the last frame that had one. */
  readonly #seq = new Float64Array(1);
  #brokenBy: ErrorCode = 'OK';
  #frameCount = 0;
  // What is known of the frame under way.
  #channel: Channel = Channel.None;
  #hasSeq = false;
  #hasTime = false;
  #isError = false;
  /** Where the last level's head of each side begins in the frame, how long it is, and the entry with its time. */
  #bidHeadAt = NOWHERE;
  #bidHead = 0;
  #bidHeadEntry = 0;
  #askHeadAt = NOWHERE;
  #askHead = 0;
  #askHeadEntry = 0;
  /** The same of the last trade, and its market. */
  #tradeHeadAt = NOWHERE;
  #tradeHeadLength = 0;
  #tradeHeadPlace = UNKNOWN_PLACE;
  /** Where the list of a `subscriptions` message stands; NOWHERE in others. */
  #listAt = NOWHERE;
  #listEnd = NOWHERE;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: true,
      tradesInTimeOrder: options.tradesInTimeOrder,
      booksStartEmpty: options.booksStartEmpty ?? false,
      onBookBroken: (place, code) => {
        this.#subscriptions.of(place, MarketChannel.Level2).spoil(codeIndex(code), code);
      },
    });
    this.#reader = new EntryReader({
      scanner: this.#scanner,
      entries: this.#entries,
      rejects: options.rejects,
      isBare: false,
      onUnknownSymbol: (venueSymbol) => this.#resolveSymbol(venueSymbol),
    });
    for (const instrument of options.instruments) this.#add(instrument);
    // An alias's messages may come under the canonical symbol, unless that one is traded in its own right.
    for (const instrument of options.instruments) {
      const place = this.#reader.placeOf(instrument.venueSymbol);
      this.#reader.addAlias(canonicalSymbol(instrument.venueSymbol), place);
    }
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions.list;
  }

  get needsResubscribe(): boolean {
    return this.brokenBy !== 'OK';
  }

  get brokenBy(): ErrorCode {
    return this.#brokenBy;
  }

  get tradeIdText(): string | null {
    const entry = this.#publisher.publishedEntry;
    if (entry < 0) return null;
    const entries = this.#entries;
    const isWide = entries.isWide(entry, Wide.Id);
    return String(isWide ? entries.wideOf(entry, Wide.Id) : entries.ids[entry]);
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  get entryCount(): number {
    return this.#publisher.entryCount;
  }

  get lastSeq(): number {
    return this.#seq[0] as number;
  }

  onConnected(): readonly string[] {
    this.#guard.expect(SEQUENCE_FIRST);
    this.#brokenBy = 'OK';
    this.#publisher.resetAll();
    return this.#subscriptions.requestAll();
  }

  renew(subscription: number): readonly string[] {
    const { place, channel } = this.#subscriptions.list[subscription] as FeedSubscription;
    // Updates of the old subscription are still on their way: they are no reason to ask once more.
    if (channel === 'level2') this.#publisher.awaitSnapshot(place);
    return this.#subscriptions.renew(subscription);
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
    // Nothing here depends on what was asked for.
  }

  onDisconnected(reason: number, nowNs: number): void {
    this.#publisher.loseAll(reason, nowNs);
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    const scanner = this.#scanner;
    scanner.begin(bytes);
    this.#entries.begin();
    this.#forgetFrame();
    const isWhole = this.#envelope() && scanner.isAtEnd();
    if (!isWhole) {
      this.#onMalformed(recvNs);
      return;
    }
    const isUnknown = this.#channel === Channel.None || this.#channel === Channel.Unknown;
    if (isUnknown) this.#onUnknown();
    if (this.#hasSeq) {
      const verdict = this.#guard.check(this.#seq[0] as number);
      if (verdict === SequenceVerdict.Old) {
        this.#rejects.reject('VENUE_SEQ_OLD', 'sequence_num is not above the last one');
        return;
      }
      if (verdict === SequenceVerdict.Gap) this.#onGap(recvNs);
    } else {
      if (!isUnknown) this.#rejects.reject('FRAME_MALFORMED', 'no sequence_num');
      return;
    }
    this.#frameCount++;
    if (this.#listAt !== NOWHERE) this.#onList();
    if (this.#entries.count > 0) this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
    this.#tellHeard(recvNs);
  }

  /** Data is a sign of life of its subscription; updates of a book that waits for its snapshot are none. */
  #tellHeard(recvNs: number): void {
    const subscriptions = this.#subscriptions;
    for (let at = 0; at < subscriptions.heardCount; at++) {
      const subscription = subscriptions.heardAt(at);
      const market = this.markets[subscription.place] as MarketState;
      if (subscription.isChatty && market.bookState === BookState.Missing) continue;
      subscription.onData(recvNs);
    }
  }

  /** Cold: the venue's list of what is subscribed. */
  #onList(): void {
    const text = Buffer.from(this.#scanner.bytes.subarray(this.#listAt, this.#listEnd)).toString(
      'utf8',
    );
    if (!this.#subscriptions.onList(text)) {
      this.#rejects.reject('FRAME_MALFORMED', 'no list of subscriptions');
    }
  }

  refine(place: number, instrument: Instrument): void {
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
  }

  #forgetFrame(): void {
    this.#channel = Channel.None;
    this.#hasSeq = false;
    this.#hasTime = false;
    this.#isError = false;
    this.#bidHeadAt = NOWHERE;
    this.#askHeadAt = NOWHERE;
    this.#tradeHeadAt = NOWHERE;
    this.#listAt = NOWHERE;
    this.#subscriptions.begin();
  }

  #onGap(recvNs: number): void {
    this.#rejects.reject(
      'VENUE_SEQ_GAP',
      'messages are missing: every book of the connection is dropped',
    );
    this.#brokenBy = 'VENUE_SEQ_GAP';
    this.#publisher.staleAll(this.#gapCode, recvNs);
  }

  /**
   * The frame is refused. Its number, if it was read, is taken as seen, so that one bad frame is not reported twice; a bad
   * book frame costs the books, because nobody knows what it said.
   */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    if (!this.#hasSeq) return;
    const verdict = this.#guard.check(this.#seq[0] as number);
    if (verdict === SequenceVerdict.Gap) this.#onGap(recvNs);
    if (verdict === SequenceVerdict.Old || this.#channel !== Channel.L2) return;
    this.#brokenBy = 'FRAME_MALFORMED';
    this.#publisher.staleAll(this.#malformedCode, recvNs);
  }

  #onUnknown(): void {
    if (this.#isError) {
      const message = this.#errorText();
      this.#subscriptions.onError(message);
      this.#rejects.reject('FRAME_VENUE_ERROR', message);
      return;
    }
    this.#rejects.reject('FRAME_UNKNOWN', 'neither a known channel nor an error');
  }

  #errorText(): string {
    const scanner = this.#scanner;
    scanner.rewind();
    if (!scanner.beginObject() || scanner.isEmptyObject()) return '';
    let more = 1;
    while (more === 1 && scanner.key()) {
      if (scanner.isText(KEY_MESSAGE)) return scanner.string() ? scanner.text() : '';
      if (!scanner.skipValue()) return '';
      more = scanner.nextMember();
    }
    return '';
  }

  /** The whole message. False: malformed. */
  #envelope(): boolean {
    const scanner = this.#scanner;
    let eventsAt = NOWHERE;
    let more = 1;
    if (this.#head()) {
      if (!this.#events()) return false;
      eventsAt = -2;
      more = scanner.nextMember();
    } else {
      scanner.rewind();
      this.#forgetFrame();
      if (!scanner.beginObject()) return false;
      if (scanner.isEmptyObject()) return true;
    }
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_CHANNEL)) {
        if (!scanner.string()) return false;
        this.#channel = this.#channelOf();
      } else if (scanner.isText(KEY_TIMESTAMP)) {
        if (!scanner.time()) return false;
        this.#messageSeconds[0] = scanner.seconds[0] as number;
        this.#messageNanos = scanner.nanos;
        this.#hasTime = true;
      } else if (scanner.isText(KEY_SEQUENCE)) {
        if (!scanner.count()) return false;
        this.#seq[0] = scanner.mantissa[0] as number;
        this.#hasSeq = true;
      } else if (scanner.isText(KEY_EVENTS)) {
        if (eventsAt !== NOWHERE) return false;
        eventsAt = scanner.at;
        if (this.#channel !== Channel.None && this.#hasTime) {
          if (!this.#events()) return false;
          eventsAt = -2;
        } else if (!scanner.skipValue()) {
          return false;
        }
      } else if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        this.#isError = scanner.isText(TEXT_ERROR);
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (eventsAt >= 0) {
      const end = scanner.at;
      scanner.at = eventsAt;
      if (!this.#events()) return false;
      scanner.at = end;
    }
    return true;
  }

  /** The head of a message in the order of the wire, up to its events. False: read key by key. */
  #head(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(HEAD_L2)) this.#channel = Channel.L2;
    else if (scanner.literal(HEAD_TRADES)) this.#channel = Channel.Trades;
    else if (scanner.literal(HEAD_TICKER)) this.#channel = Channel.Ticker;
    else {
      if (!scanner.literal(HEAD_CHANNEL) || !scanner.string()) return false;
      this.#channel = this.#channelOf();
      if (!scanner.literal(HEAD_TIMESTAMP)) return false;
    }
    if (!scanner.time()) return false;
    this.#messageSeconds[0] = scanner.seconds[0] as number;
    this.#messageNanos = scanner.nanos;
    this.#hasTime = true;
    if (!scanner.literal(HEAD_SEQUENCE) || !scanner.id(this.#seq, 0)) return false;
    this.#hasSeq = true;
    return scanner.literal(HEAD_EVENTS);
  }

  #channelOf(): Channel {
    const scanner = this.#scanner;
    if (scanner.isText(CHANNEL_L2)) return Channel.L2;
    if (scanner.isText(CHANNEL_TRADES)) return Channel.Trades;
    if (scanner.isText(CHANNEL_TICKER) || scanner.isText(CHANNEL_TICKER_BATCH)) {
      return Channel.Ticker;
    }
    if (scanner.isText(CHANNEL_SUBSCRIPTIONS)) return Channel.Subscriptions;
    for (let i = 0; i < CHANNELS_OTHER.length; i++) {
      if (scanner.isText(CHANNELS_OTHER[i] as AsciiText)) return Channel.Other;
    }
    return Channel.Unknown;
  }

  /** The array of events, by channel. */
  #events(): boolean {
    const scanner = this.#scanner;
    const channel = this.#channel;
    if (channel !== Channel.L2 && channel !== Channel.Trades && channel !== Channel.Ticker) {
      const start = scanner.at;
      if (!scanner.skipValue()) return false;
      if (channel === Channel.Subscriptions) {
        this.#listAt = start;
        this.#listEnd = scanner.at;
      }
      return true;
    }
    if (!this.#hasTime) return false;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!(channel === Channel.L2 ? this.#bookEvent() : this.#listEvent(channel))) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** {"type":"snapshot|update","product_id":"…","updates":[…]}, in the order of the wire; else it is read key by key. */
  #bookEvent(): boolean {
    const scanner = this.#scanner;
    const start = scanner.at;
    let type: EventType = EventType.None;
    if (scanner.literal(BOOK_UPDATE)) type = EventType.Update;
    else if (scanner.literal(BOOK_SNAPSHOT)) type = EventType.Snapshot;
    if (type !== EventType.None && scanner.string()) {
      const place = this.#reader.knownPlace();
      if (place !== UNKNOWN_PLACE && scanner.literal(BOOK_UPDATES)) {
        const count = this.#entries.count;
        if (!this.#levels(place, type)) return false;
        if (scanner.take(CLOSE)) return true;
        // Something stands behind the levels: once more, and slowly.
        this.#entries.count = count;
        this.#bidHeadAt = NOWHERE;
        this.#askHeadAt = NOWHERE;
      }
    }
    scanner.at = start;
    return this.#bookEventByKey();
  }

  #bookEventByKey(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let type: EventType = EventType.None;
    let hasProduct = false;
    let place = UNKNOWN_PLACE;
    let updatesAt = NOWHERE;
    let isRead = false;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        type = this.#eventType();
      } else if (scanner.isText(KEY_PRODUCT)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasProduct = true;
      } else if (scanner.isText(KEY_UPDATES)) {
        if (isRead || updatesAt !== NOWHERE) return false;
        if (type !== EventType.None && place !== UNKNOWN_PLACE) {
          if (!this.#levels(place, type)) return false;
          isRead = true;
        } else {
          updatesAt = scanner.at;
          if (!scanner.skipValue()) return false;
        }
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || type === EventType.None || !hasProduct) return false;
    if (isRead) return true;
    if (updatesAt === NOWHERE) return false;
    // An unknown product: counted where it was seen.
    if (place === UNKNOWN_PLACE) return true;
    const end = scanner.at;
    scanner.at = updatesAt;
    if (!this.#levels(place, type)) return false;
    scanner.at = end;
    return true;
  }

  #eventType(): EventType {
    const scanner = this.#scanner;
    if (scanner.isText(TEXT_UPDATE)) return EventType.Update;
    return scanner.isText(TEXT_SNAPSHOT) ? EventType.Snapshot : EventType.None;
  }

  #levels(place: number, type: EventType): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.beginArray()) return false;
    this.#subscriptions.hear(place, MarketChannel.Level2);
    if (type === EventType.Snapshot) {
      this.#setMessageTime(entries.add(EntryKind.SnapshotBegin, place));
    }
    if (!scanner.isEmptyArray()) {
      let more = 1;
      while (more === 1) {
        if (!this.#level(place)) return false;
        more = scanner.nextElement();
      }
      if (more !== 0) return false;
    }
    if (type === EventType.Snapshot) entries.add(EntryKind.SnapshotEnd, place);
    return true;
  }

  /**
   * One level, in the order of the wire; anything else is read key by key. All levels of a message have one event_time as a
   * rule, so that what stands before the price is compared with the last level of the same side instead of read.
   */
  #level(place: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const start = scanner.at;
    const isBid = scanner.bytes[start + LEVEL_SIDE_AT] === LETTER_BID;
    const known = isBid ? this.#bidHeadAt : this.#askHeadAt;
    const index = entries.add(isBid ? EntryKind.Bid : EntryKind.Ask, place);
    if (known !== NOWHERE && scanner.repeats(known, isBid ? this.#bidHead : this.#askHead)) {
      entries.copyTime(index, isBid ? this.#bidHeadEntry : this.#askHeadEntry);
    } else if (!this.#levelHead(isBid, index)) {
      entries.dropLast();
      scanner.at = start;
      return this.#levelByKey(place);
    }
    if (this.#reader.isQuotedLevel(index, place, LEVEL_SIZE, LEVEL_END)) return true;
    entries.dropLast();
    scanner.at = start;
    return this.#levelByKey(place);
  }

  /** Side and time of a level, up to the first digit of its price; kept for the next ones. */
  #levelHead(isBid: boolean, index: number): boolean {
    const scanner = this.#scanner;
    const start = scanner.at;
    if (!scanner.literal(isBid ? LEVEL_BID : LEVEL_OFFER) || !scanner.time()) return false;
    this.#entries.setTime(index, scanner);
    if (!scanner.literal(LEVEL_PRICE)) return false;
    const length = scanner.at - start;
    if (isBid) {
      this.#bidHeadAt = start;
      this.#bidHead = length;
      this.#bidHeadEntry = index;
    } else {
      this.#askHeadAt = start;
      this.#askHead = length;
      this.#askHeadEntry = index;
    }
    return true;
  }

  #levelByKey(place: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const index = entries.add(EntryKind.None, place);
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasTime = false;
    let priceStatus: DecimalStatus = DecimalStatus.Malformed;
    let sizeStatus: DecimalStatus = DecimalStatus.Malformed;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        if (scanner.isText(TEXT_BID)) entries.kinds[index] = EntryKind.Bid;
        else if (scanner.isText(TEXT_OFFER)) entries.kinds[index] = EntryKind.Ask;
        else return false;
      } else if (scanner.isText(KEY_EVENT_TIME)) {
        if (!scanner.time()) return false;
        entries.setTime(index, scanner);
        hasTime = true;
      } else if (scanner.isText(KEY_PRICE_LEVEL)) {
        priceStatus = this.#reader.readHere(index, Wide.Price, place);
        if (priceStatus === DecimalStatus.Malformed) return false;
      } else if (scanner.isText(KEY_NEW_QUANTITY)) {
        sizeStatus = this.#reader.readHere(index, Wide.Size, place);
        if (sizeStatus === DecimalStatus.Malformed) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasTime || entries.kinds[index] === EntryKind.None) return false;
    return this.#reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  /** {"type":"snapshot|update","trades":[…]} or {"type":…,"tickers":[…]} */
  #listEvent(channel: Channel): boolean {
    const scanner = this.#scanner;
    const start = scanner.at;
    const count = this.#entries.count;
    let type: EventType = EventType.None;
    if (scanner.literal(EVENT_UPDATE)) type = EventType.Update;
    else if (scanner.literal(EVENT_SNAPSHOT)) type = EventType.Snapshot;
    const isTrades = channel === Channel.Trades;
    if (type !== EventType.None && scanner.literal(isTrades ? EVENT_TRADES : EVENT_TICKERS)) {
      if (!this.#list(isTrades, type)) return false;
      if (scanner.take(CLOSE)) return true;
      // Something stands behind the list: once more, and slowly.
      this.#entries.count = count;
    }
    scanner.at = start;
    return this.#listEventByKey(channel);
  }

  #listEventByKey(channel: Channel): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    const isTrades = channel === Channel.Trades;
    const listKey = isTrades ? KEY_TRADES : KEY_TICKERS;
    let type: EventType = EventType.None;
    let listAt = NOWHERE;
    let isRead = false;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        type = this.#eventType();
        if (type === EventType.None) return false;
      } else if (scanner.isText(listKey)) {
        if (isRead || listAt !== NOWHERE) return false;
        listAt = scanner.at;
        if (type !== EventType.None) {
          if (!this.#list(isTrades, type)) return false;
          isRead = true;
        } else if (!scanner.skipValue()) {
          return false;
        }
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || type === EventType.None || listAt === NOWHERE) return false;
    if (isRead) return true;
    const end = scanner.at;
    scanner.at = listAt;
    if (!this.#list(isTrades, type)) return false;
    scanner.at = end;
    return true;
  }

  #list(isTrades: boolean, type: EventType): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    const flags = type === EventType.Snapshot ? TickFlag.Backfill : 0;
    let more = 1;
    while (more === 1) {
      if (!(isTrades ? this.#trade(flags) : this.#ticker())) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** {"product_id":"…","trade_id":"…","price":"…","size":"…","time":"…","side":"BUY|SELL"}; side is the maker's. */
  #trade(flagsOfEvent: number): boolean {
    const scanner = this.#scanner;
    const start = scanner.at;
    if (this.#tradeInOrder(flagsOfEvent)) return true;
    this.#entries.dropLast();
    scanner.at = start;
    return this.#tradeByKey(flagsOfEvent);
  }

  /** A trade of a known product in the order of the wire, with plain numbers. False: read key by key. */
  #tradeInOrder(flagsOfEvent: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const place = this.#tradeHead();
    const index = entries.add(EntryKind.Trade, place === UNKNOWN_PLACE ? 0 : place);
    if (place === UNKNOWN_PLACE || !scanner.id(entries.ids, index)) return false;
    if (!scanner.literal(TRADE_PRICE)) return false;
    if (!this.#reader.isQuotedLevel(index, place, TRADE_SIZE, TRADE_TIME)) return false;
    if (!scanner.time()) return false;
    entries.setTime(index, scanner);
    // A resting bid was hit: the aggressor sold.
    if (scanner.literal(TRADE_BUY)) entries.flags[index] = flagsOfEvent | TickFlag.AggressorSell;
    else if (scanner.literal(TRADE_SELL)) entries.flags[index] = flagsOfEvent;
    else return false;
    this.#subscriptions.hear(place, MarketChannel.Trades);
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  /** Product of a trade, up to the first digit of its id; kept for the next ones. UNKNOWN_PLACE: read key by key. */
  #tradeHead(): number {
    const scanner = this.#scanner;
    const start = scanner.at;
    const known = this.#tradeHeadAt;
    if (known !== NOWHERE && scanner.repeats(known, this.#tradeHeadLength)) {
      return this.#tradeHeadPlace;
    }
    if (!scanner.literal(TRADE_PRODUCT) || !scanner.string()) return UNKNOWN_PLACE;
    const place = this.#reader.knownPlace();
    if (place === UNKNOWN_PLACE || !scanner.literal(TRADE_ID)) return UNKNOWN_PLACE;
    this.#tradeHeadAt = start;
    this.#tradeHeadLength = scanner.at - start;
    this.#tradeHeadPlace = place;
    return place;
  }

  #tradeByKey(flagsOfEvent: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const index = entries.add(EntryKind.Trade, 0);
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasProduct = false;
    let hasTime = false;
    let hasSide = false;
    let hasId = false;
    let flags = flagsOfEvent;
    let place = UNKNOWN_PLACE;
    let priceAt = NOWHERE;
    let sizeAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_PRODUCT)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasProduct = true;
      } else if (scanner.isText(KEY_PRICE)) {
        priceAt = scanner.at;
        if (!scanner.skipValue()) return false;
      } else if (scanner.isText(KEY_SIZE)) {
        sizeAt = scanner.at;
        if (!scanner.skipValue()) return false;
      } else if (scanner.isText(KEY_TRADE_ID)) {
        const status = scanner.quotedDecimal(0);
        if (status === DecimalStatus.Ok) entries.ids[index] = scanner.mantissa[0] as number;
        else if (status !== DecimalStatus.Wide) return false;
        else entries.setWideMantissa(index, Wide.Id, scanner.wideMantissa);
        hasId = true;
      } else if (scanner.isText(KEY_TIME)) {
        if (!scanner.time()) return false;
        entries.setTime(index, scanner);
        hasTime = true;
      } else if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        // A resting bid was hit: the aggressor sold.
        if (scanner.isText(TEXT_BUY)) flags = flagsOfEvent | TickFlag.AggressorSell;
        else if (scanner.isText(TEXT_SELL)) flags = flagsOfEvent;
        else return false;
        hasSide = true;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasProduct || !hasTime || !hasSide || !hasId) return false;
    if (priceAt === NOWHERE || sizeAt === NOWHERE) return false;
    if (place === UNKNOWN_PLACE) {
      entries.dropLast();
      return true;
    }
    entries.markets[index] = place;
    entries.flags[index] = flags;
    this.#subscriptions.hear(place, MarketChannel.Trades);
    const end = scanner.at;
    const priceStatus = this.#reader.read(index, Wide.Price, priceAt, place);
    const sizeStatus = this.#reader.read(index, Wide.Size, sizeAt, place);
    scanner.at = end;
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return this.#reader.refuse(priceStatus, sizeStatus);
    }
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  /** {"product_id":"…","price":"…","best_bid":"…","best_bid_quantity":"…","best_ask":…,…}; any of them may be missing. */
  #ticker(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const start = scanner.at;
    const count = entries.count;
    if (this.#tickerInOrder()) return true;
    entries.count = count;
    scanner.at = start;
    return this.#tickerByKey();
  }

  /** A ticker of a known product in the order of the wire, with every number. False: read key by key. */
  #tickerInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.literal(TICKER_PRODUCT) || !scanner.string()) return false;
    const place = this.#reader.knownPlace();
    if (place === UNKNOWN_PLACE || !scanner.literal(TICKER_PRICE)) return false;
    this.#subscriptions.hear(place, MarketChannel.Ticker);
    const index = entries.add(EntryKind.Ticker, place);
    this.#setMessageTime(index);
    const last = entries.add(EntryKind.TickerLast, place);
    entries.copyTime(last, index);
    entries.sizes[last] = 0;
    if (!this.#reader.isOk(last, Wide.Price, place)) return false;
    for (let i = 0; i < TICKER_SKIPPED.length; i++) {
      if (!scanner.literal(TICKER_SKIPPED[i] as AsciiText) || !scanner.skipString()) return false;
    }
    if (!scanner.literal(TICKER_BID) || !this.#reader.isOk(index, Wide.Price, place)) return false;
    if (!scanner.literal(TICKER_ASK) || !this.#reader.isOk(index, Wide.AskPrice, place))
      return false;
    if (!scanner.literal(TICKER_BID_SIZE) || !this.#reader.isOk(index, Wide.Size, place))
      return false;
    if (!scanner.literal(TICKER_ASK_SIZE) || !this.#reader.isOk(index, Wide.AskSize, place))
      return false;
    return scanner.take(CLOSE);
  }

  #tickerByKey(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasProduct = false;
    let place = UNKNOWN_PLACE;
    let lastAt = NOWHERE;
    let bidAt = NOWHERE;
    let bidSizeAt = NOWHERE;
    let askAt = NOWHERE;
    let askSizeAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_PRODUCT)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasProduct = true;
      } else {
        const at = scanner.at;
        if (scanner.isText(KEY_PRICE)) lastAt = at;
        else if (scanner.isText(KEY_BEST_BID)) bidAt = at;
        else if (scanner.isText(KEY_BEST_ASK)) askAt = at;
        else if (scanner.isText(KEY_BEST_BID_QUANTITY)) bidSizeAt = at;
        else if (scanner.isText(KEY_BEST_ASK_QUANTITY)) askSizeAt = at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasProduct) return false;
    if (place === UNKNOWN_PLACE) return true;
    const end = scanner.at;
    this.#subscriptions.hear(place, MarketChannel.Ticker);
    const index = entries.add(EntryKind.Ticker, place);
    this.#setMessageTime(index);
    const bid = this.#reader.readOptional(index, Wide.Price, bidAt, place);
    const bidSize = this.#reader.readOptional(index, Wide.Size, bidSizeAt, place);
    const ask = this.#reader.readOptional(index, Wide.AskPrice, askAt, place);
    const askSize = this.#reader.readOptional(index, Wide.AskSize, askSizeAt, place);
    const lastIndex = entries.add(EntryKind.TickerLast, place);
    entries.copyTime(lastIndex, index);
    const last = this.#reader.readOptional(lastIndex, Wide.Price, lastAt, place);
    entries.sizes[lastIndex] = 0;
    scanner.at = end;
    const worstSize = Math.max(bidSize, askSize);
    const worst = Math.max(bid, ask, last, worstSize);
    if (worst > DecimalStatus.Absent) {
      entries.dropLast();
      return this.#reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
    }
    entries.flags[index] =
      (bid === DecimalStatus.Absent ? TickFlag.NoBid : 0) |
      (ask === DecimalStatus.Absent ? TickFlag.NoAsk : 0);
    return true;
  }

  #setMessageTime(index: number): void {
    const scanner = this.#scanner;
    scanner.seconds[0] = this.#messageSeconds[0] as number;
    scanner.nanos = this.#messageNanos;
    this.#entries.setTime(index, scanner);
  }

  /** Cold: a market that `normalize` was not told of. */
  #resolveSymbol(venueSymbol: string): number {
    const instrument = this.#resolve?.(venueSymbol);
    return instrument === undefined ? UNKNOWN_PLACE : this.#add(instrument);
  }

  #add(instrument: Instrument): number {
    const place = this.#publisher.addMarket(instrument);
    this.#reader.addMarket(place, instrument);
    this.#subscriptions.add(place, instrument);
    return place;
  }
}
