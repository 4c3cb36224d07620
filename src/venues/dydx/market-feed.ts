/**
 * market-feed: dYdX v4's indexer WebSocket, from frame bytes to book changes and ticks.
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). Deterministic: no clock, no I/O. Wire facts: docs/venues/dydx.md.
 *
 *   {"type":"channel_data","connection_id":"…","message_id":14,"id":"BTC-USD","channel":"v4_orderbook","version":"1.0.0",
 *    "contents":{"bids":[["65920","0.5"]]}}
 *
 * `message_id` counts every message of the connection: a hole drops every book. A book has no number of its own and may
 * cross; what is published never does (uncrossed-book.ts).
 * A frame is decoded into FrameEntries first and applied only when all of it was understood. Keys may stand in any order;
 * the order seen on the wire is the fast one. Contents that stand before what says how to read them are read afterwards.
 */
import { ascii, ByteScanner, DecimalStatus } from '../../domain/byte-scanner.js';
import { must } from '../../domain/assert.js';
import { codeIndex } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';
import { pow10, readDecimal } from '../../domain/fixed-point.js';
import { FUNDING_SCALE, MARK_SCALE } from '../../domain/instrument.js';
import type { Instrument } from '../../domain/instrument.js';
import { SequenceVerdict } from '../../domain/sequence-guard.js';
import { TickFlag } from '../../generated/hot.js';
import type { DecodingFeed, DecodingFeedOptions } from '../decoding-feed.js';
import { EntryReader, NOWHERE, UNKNOWN_PLACE } from '../entry-reader.js';
import { EntryKind, FrameEntries, Wide } from '../frame-entries.js';
import { BookState, MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import { FeedSubscription, SubscriptionState } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { CHANNEL_MARKETS, MARKET_CHANNELS, MESSAGE_ID_FIRST } from './endpoints.js';
import { FrameHeads } from './frame-heads.js';
import { MessageIds } from './message-ids.js';
import { UncrossedBook } from './uncrossed-book.js';

const KEY_TYPE = ascii('type');
const KEY_MESSAGE_ID = ascii('message_id');
const KEY_ID = ascii('id');
const KEY_CHANNEL = ascii('channel');
const KEY_CONTENTS = ascii('contents');
const KEY_MESSAGE = ascii('message');
const KEY_BIDS = ascii('bids');
const KEY_ASKS = ascii('asks');
const KEY_PRICE = ascii('price');
const KEY_SIZE = ascii('size');
const KEY_SIDE = ascii('side');
const KEY_TRADES = ascii('trades');
const KEY_CREATED = ascii('createdAt');
const KEY_TRADING = ascii('trading');
const KEY_ORACLE_PRICES = ascii('oraclePrices');
const KEY_MARKETS = ascii('markets');
const KEY_ORACLE_PRICE = ascii('oraclePrice');
const KEY_EFFECTIVE = ascii('effectiveAt');
const KEY_FUNDING = ascii('nextFundingRate');

const TYPE_CONNECTED = ascii('connected');
const TYPE_SUBSCRIBED = ascii('subscribed');
const TYPE_UNSUBSCRIBED = ascii('unsubscribed');
const TYPE_DATA = ascii('channel_data');
const TYPE_BATCH = ascii('channel_batch_data');
const TYPE_ERROR = ascii('error');

const CHANNEL_BOOK = ascii('v4_orderbook');
const CHANNEL_TRADES = ascii('v4_trades');
const CHANNEL_ALL_MARKETS = ascii('v4_markets');
const TEXT_BUY = ascii('BUY');
const TEXT_SELL = ascii('SELL');

/** The head of a message as the venue writes it; v4_markets has no id. */
const HEAD_DATA = ascii('{"type":"channel_data","connection_id":');
const HEAD_BATCH = ascii('{"type":"channel_batch_data","connection_id":');
const HEAD_MESSAGE_ID = ascii(',"message_id":');
const HEAD_ID = ascii(',"id":');
const HEAD_BOOK = ascii(',"channel":"v4_orderbook","version":');
const HEAD_TRADES = ascii(',"channel":"v4_trades","version":');
const HEAD_MARKETS = ascii(',"channel":"v4_markets","version":');
const HEAD_CONTENTS = ascii(',"contents":');
/** A change of one side, as the venue writes it. */
const BIDS_OPEN = ascii('{"bids":[');
const ASKS_OPEN = ascii('{"asks":[');
const THEN_ASKS = ascii(',"asks":[');
const BRACKET_CLOSE = 0x5d;

/** A level of a first message; later ones are pairs. */
const LEVEL_PRICE = ascii('{"price":"');
const LEVEL_SIZE = ascii('","size":"');
const LEVEL_END = ascii('"}');

/** A trade as the venue writes it. */
const TRADE_ID = ascii('{"id":');
const TRADE_BUY = ascii(',"side":"BUY","size":');
const TRADE_SELL = ascii(',"side":"SELL","size":');
const TRADE_PRICE = ascii(',"price":');
const TRADE_LIMIT = ascii(',"type":"LIMIT","createdAt":');
const TRADE_TYPE = ascii(',"type":');
const TRADE_CREATED = ascii(',"createdAt":');
const TRADE_HEIGHT = ascii(',"createdAtHeight":');

/** An oracle price as the venue writes it. */
const ORACLE_PRICE = ascii('{"oraclePrice":');
const ORACLE_TIME = ascii(',"effectiveAt":');
const ORACLE_HEIGHT = ascii(',"effectiveAtHeight":');
const ORACLE_MARKET = ascii(',"marketId":');

const COMMA = 0x2c;
const CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;

const MessageType = {
  None: 0,
  Connected: 1,
  Subscribed: 2,
  Unsubscribed: 3,
  Data: 4,
  Batch: 5,
  Error: 6,
  Unknown: 7,
} as const;
type MessageType = (typeof MessageType)[keyof typeof MessageType];

const Channel = { None: 0, Book: 1, Trades: 2, Markets: 3, Other: 4 } as const;
type Channel = (typeof Channel)[keyof typeof Channel];

/** Contents were read on the way. */
const READ = -2;
/** Digits of a trade id: block height, transaction, event, eight hexadecimal digits each. */
const TRADE_ID_DIGITS = 24;
/** Decimals of a funding rate that the venue may state. */
const FUNDING_DIGITS_MAX = 40;

export class DydxMarketFeed implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #ids = new MessageIds();
  readonly #heads = new FrameHeads();
  readonly #uncrossed: UncrossedBook[] = [];
  readonly #subscriptions: FeedSubscription[] = [];
  readonly #bookSubscriptions: FeedSubscription[] = [];
  readonly #tradeSubscriptions: FeedSubscription[] = [];
  readonly #marketsSubscription = new FeedSubscription(CHANNEL_MARKETS, -1, false);
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #gapCode = codeIndex('VENUE_SEQ_GAP');
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  readonly #errorCode = codeIndex('FRAME_VENUE_ERROR');
  /** [0]: message_id of the last frame that had one. */
  readonly #messageId = new Float64Array(1);
  #brokenBy: ErrorCode = 'OK';
  #frameCount = 0;
  // What is known of the frame under way.
  #type: MessageType = MessageType.None;
  #channel: Channel = Channel.None;
  #hasMessageId = false;
  #place = UNKNOWN_PLACE;
  /** Where the text of `id` lies; NOWHERE: there is none. */
  #symbolStart = NOWHERE;
  #symbolEnd = NOWHERE;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: false,
      tradesInTimeOrder: options.tradesInTimeOrder,
      equalTradesNewestFirst: false,
      booksStartEmpty: options.booksStartEmpty ?? false,
      onBookBroken: (place, code) => {
        must(this.#bookSubscriptions[place], 'a book').spoil(codeIndex(code), code);
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
    this.#subscriptions.push(this.#marketsSubscription);
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions;
  }

  get needsResubscribe(): boolean {
    return this.brokenBy !== 'OK';
  }

  get brokenBy(): ErrorCode {
    return this.#brokenBy;
  }

  /** The text of a trade's id lies in the frame; its entry says where. */
  get tradeIdText(): string | null {
    const entry = this.#publisher.publishedEntry;
    if (entry < 0) return null;
    const { askPrices, askSizes } = this.#entries;
    return this.#scanner.slice(askPrices[entry] as number, askSizes[entry] as number);
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  get entryCount(): number {
    return this.#publisher.entryCount;
  }

  get lastSeq(): number {
    return this.#messageId[0] as number;
  }

  onConnected(): readonly string[] {
    this.#ids.begin(MESSAGE_ID_FIRST);
    this.#heads.forget();
    this.#brokenBy = 'OK';
    this.#publisher.resetAll();
    for (const uncrossed of this.#uncrossed) uncrossed.clear();
    return this.#subscriptions.map((subscription) => this.#subscribeText(subscription));
  }

  renew(subscription: number): readonly string[] {
    const one = must(this.#subscriptions[subscription], 'a subscription');
    // Updates of the old subscription are still on their way: they are no reason to ask once more.
    if (one.isChatty) this.#publisher.awaitSnapshot(one.place);
    // What was refused is not subscribed.
    const texts = one.state === SubscriptionState.Refused ? [] : [this.#text('unsubscribe', one)];
    return texts.concat(this.#subscribeText(one));
  }

  #subscribeText(subscription: FeedSubscription): string {
    subscription.request();
    this.#ids.onRequest();
    return this.#text('subscribe', subscription);
  }

  #text(type: string, { channel, place }: FeedSubscription): string {
    const id = place < 0 ? undefined : this.markets[place]?.instrument.venueSymbol;
    return JSON.stringify({ type, channel, id });
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
    if (!this.#hasMessageId) {
      this.#rejects.reject('FRAME_MALFORMED', 'no message_id');
      return;
    }
    const verdict = this.#judge();
    if (verdict === SequenceVerdict.Old) {
      this.#rejects.reject('VENUE_SEQ_OLD', 'message_id is not above the last one');
      return;
    }
    if (verdict === SequenceVerdict.Gap) this.#onGap(recvNs);
    if (this.#type === MessageType.None || this.#type === MessageType.Unknown) {
      this.#rejects.reject('FRAME_UNKNOWN', 'a message of an unknown type');
      return;
    }
    this.#frameCount++;
    if (this.#type === MessageType.Error) this.#onError();
    else this.#onContents(recvNs);
  }

  refine(place: number, instrument: Instrument): void {
    const before = (this.markets[place] as MarketState).instrument;
    (this.#uncrossed[place] as UncrossedBook).rescale(
      pow10(instrument.priceScale - before.priceScale),
      pow10(instrument.sizeScale - before.sizeScale),
    );
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
  }

  #forgetFrame(): void {
    this.#type = MessageType.None;
    this.#channel = Channel.None;
    this.#hasMessageId = false;
    this.#place = UNKNOWN_PLACE;
    this.#symbolStart = NOWHERE;
  }

  #judge(): SequenceVerdict {
    const isError = this.#type === MessageType.Error;
    return isError || this.#type === MessageType.Subscribed
      ? this.#ids.checkAnswer(this.#messageId, isError)
      : this.#ids.check(this.#messageId);
  }

  /** Publishes what the frame said. */
  #onContents(recvNs: number): void {
    const place = this.#place;
    const channel = this.#channel;
    if (place === UNKNOWN_PLACE && channel !== Channel.Markets) return;
    if (channel === Channel.Book) this.#uncross(place);
    if (this.#entries.count > 0) this.#publisher.commit(this.#entries, recvNs, this.lastSeq);
    if (channel === Channel.Markets) this.#onData(this.#marketsSubscription, recvNs);
    else if (channel === Channel.Trades) {
      this.#onData(this.#tradeSubscriptions[place] as FeedSubscription, recvNs);
    } else if (channel === Channel.Book) {
      // Updates of a book that waits for its first message are no sign of life.
      const { bookState } = this.markets[place] as MarketState;
      if (bookState === BookState.Missing) return;
      this.#onData(this.#bookSubscriptions[place] as FeedSubscription, recvNs);
    }
  }

  #onData(subscription: FeedSubscription, recvNs: number): void {
    if (this.#type === MessageType.Unsubscribed) return;
    // An error that named no market has refused all that were under way; this one was not meant.
    const isRefused = subscription.state === SubscriptionState.Refused;
    if (isRefused && this.#type === MessageType.Subscribed) subscription.request();
    subscription.onData(recvNs);
  }

  /** Adds the entries that keep what is shown of the book uncrossed. */
  #uncross(place: number): void {
    const uncrossed = this.#uncrossed[place] as UncrossedBook;
    const market = this.markets[place] as MarketState;
    const isSnapshot = this.#entries.kinds[0] === EntryKind.SnapshotBegin;
    if (this.#entries.count === 0) return;
    // A book that was dropped ignores updates.
    if (market.bookState !== BookState.Live && !isSnapshot) uncrossed.clear();
    else uncrossed.settle(this.#entries, place, this.#messageId, market.book);
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
   * book frame costs its book, and one that does not say what it is costs all of them.
   */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    if (!this.#hasMessageId) return;
    const verdict = this.#judge();
    if (verdict === SequenceVerdict.Gap) this.#onGap(recvNs);
    if (verdict === SequenceVerdict.Old || !this.#mayBeBook()) return;
    const known = this.#knownPlace();
    for (let place = 0; place < this.markets.length; place++) {
      if (known !== UNKNOWN_PLACE && place !== known) continue;
      this.#publisher.stale(place, this.#malformedCode, recvNs);
      must(this.#bookSubscriptions[place], 'a book').spoil(this.#malformedCode, 'FRAME_MALFORMED');
    }
  }

  /** As far as it was read. */
  #mayBeBook(): boolean {
    const type = this.#type;
    if (this.#channel !== Channel.Book && this.#channel !== Channel.None) return false;
    return type !== MessageType.Error && type !== MessageType.Connected;
  }

  #knownPlace(): number {
    if (this.#place !== UNKNOWN_PLACE || this.#symbolStart === NOWHERE) return this.#place;
    this.#scanner.textStart = this.#symbolStart;
    this.#scanner.textEnd = this.#symbolEnd;
    return this.#reader.knownPlace();
  }

  /**
   * Cold. Newer servers name channel and id of the subscription; older ones the channel alone, in the text: then all of that
   * channel that are not answered yet are refused, and the ones that were not meant are live again with their first data.
   */
  #onError(): void {
    const text = this.#errorText();
    this.#rejects.reject('FRAME_VENUE_ERROR', text);
    const isAlready = text.includes('already subscribed');
    for (const subscription of this.#subscriptions) {
      if (subscription.state !== SubscriptionState.Requested) continue;
      if (!this.#isMeant(subscription, text)) continue;
      if (isAlready) subscription.confirm();
      else subscription.refuse(this.#errorCode, text);
    }
  }

  #isMeant({ channel, place }: FeedSubscription, text: string): boolean {
    if (this.#channel === Channel.None ? !text.includes(channel) : !this.#isOfFrame(channel)) {
      return false;
    }
    if (place < 0) return true;
    const symbolOf = (market: MarketState): string => market.instrument.venueSymbol;
    const named =
      this.#symbolStart === NOWHERE
        ? this.markets.map(symbolOf).find((symbol) => isNamed(text, symbol))
        : this.#scanner.slice(this.#symbolStart, this.#symbolEnd);
    return named === undefined || named === symbolOf(this.markets[place] as MarketState);
  }

  #isOfFrame(channel: string): boolean {
    if (this.#channel === Channel.Book) return channel === 'v4_orderbook';
    if (this.#channel === Channel.Trades) return channel === 'v4_trades';
    return this.#channel === Channel.Markets && channel === CHANNEL_MARKETS;
  }

  #errorText(): string {
    const scanner = this.#scanner;
    scanner.rewind();
    if (!scanner.beginObject() || scanner.isEmptyObject()) return '';
    let more = 1;
    while (more === 1 && scanner.key()) {
      const isMessage = scanner.isText(KEY_MESSAGE);
      scanner.skipSpace();
      const start = scanner.at + 1;
      if (!scanner.skipValue()) return '';
      if (isMessage) return scanner.slice(start, scanner.at - 1);
      more = scanner.nextMember();
    }
    return '';
  }

  /** The whole message. False: malformed. */
  #envelope(): boolean {
    const scanner = this.#scanner;
    let contentsAt = NOWHERE;
    let more = 1;
    if (this.#head()) {
      if (!this.#contents()) return false;
      contentsAt = READ;
      more = scanner.nextMember();
    } else {
      scanner.rewind();
      this.#forgetFrame();
      if (!scanner.beginObject()) return false;
      if (scanner.isEmptyObject()) return true;
    }
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        this.#type = this.#typeOf();
      } else if (scanner.isText(KEY_MESSAGE_ID)) {
        if (!scanner.count()) return false;
        this.#messageId[0] = scanner.mantissa[0] as number;
        this.#hasMessageId = true;
      } else if (scanner.isText(KEY_CHANNEL)) {
        if (!scanner.string()) return false;
        this.#channel = this.#channelOf();
      } else if (scanner.isText(KEY_ID)) {
        if (!scanner.string()) return false;
        this.#symbolStart = scanner.textStart;
        this.#symbolEnd = scanner.textEnd;
      } else if (scanner.isText(KEY_CONTENTS)) {
        if (contentsAt !== NOWHERE) return false;
        scanner.skipSpace();
        contentsAt = scanner.at;
        if (!scanner.skipValue()) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (contentsAt === READ) return true;
    return contentsAt === NOWHERE ? this.#isWithoutContents() : this.#contentsAt(contentsAt);
  }

  /** Only a message that brings data must have contents. */
  #isWithoutContents(): boolean {
    const type = this.#type;
    return (
      type !== MessageType.Data && type !== MessageType.Batch && type !== MessageType.Subscribed
    );
  }

  /** Contents that were passed before everything was known that says how to read them. */
  #contentsAt(at: number): boolean {
    const scanner = this.#scanner;
    const end = scanner.at;
    if (this.#channel === Channel.Book || this.#channel === Channel.Trades) {
      if (this.#symbolStart === NOWHERE) return false;
      scanner.textStart = this.#symbolStart;
      scanner.textEnd = this.#symbolEnd;
      this.#place = this.#reader.place();
    }
    scanner.at = at;
    if (!this.#contents()) return false;
    scanner.at = end;
    return true;
  }

  /** The head of a message with data in the order of the wire, as it was before or anew. False: read key by key. */
  #head(): boolean {
    const scanner = this.#scanner;
    const heads = this.#heads;
    const known = heads.head(scanner.bytes);
    if (known !== 0) {
      this.#type = MessageType.Data;
      scanner.at = known;
    } else if (!this.#headAnew()) {
      return false;
    }
    if (!scanner.id(this.#messageId, 0)) return false;
    this.#hasMessageId = true;
    const slot = heads.find(scanner.at);
    if (slot === 0) {
      const from = scanner.at;
      if (!this.#subjectAnew()) return false;
      heads.learn(from, scanner.at, this.#place, this.#channel);
      return true;
    }
    scanner.at += heads.lengthOf(slot);
    this.#place = heads.places[slot] as number;
    this.#channel = heads.channels[slot] as Channel;
    return true;
  }

  /** Up to the number. */
  #headAnew(): boolean {
    const scanner = this.#scanner;
    const isData = scanner.literal(HEAD_DATA);
    if (!isData && !scanner.literal(HEAD_BATCH)) return false;
    if (!scanner.skipString() || !scanner.literal(HEAD_MESSAGE_ID)) return false;
    this.#type = isData ? MessageType.Data : MessageType.Batch;
    if (isData) this.#heads.learnHead(scanner.at);
    return true;
  }

  /** From the number to the contents: which market, which channel. */
  #subjectAnew(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(HEAD_MARKETS)) {
      this.#channel = Channel.Markets;
      return scanner.skipString() && scanner.literal(HEAD_CONTENTS);
    }
    if (!scanner.literal(HEAD_ID) || !scanner.string()) return false;
    const place = this.#reader.knownPlace();
    if (place === UNKNOWN_PLACE) return false;
    if (scanner.literal(HEAD_BOOK)) this.#channel = Channel.Book;
    else if (scanner.literal(HEAD_TRADES)) this.#channel = Channel.Trades;
    else return false;
    this.#place = place;
    return scanner.skipString() && scanner.literal(HEAD_CONTENTS);
  }

  #typeOf(): MessageType {
    const scanner = this.#scanner;
    if (scanner.isText(TYPE_DATA)) return MessageType.Data;
    if (scanner.isText(TYPE_BATCH)) return MessageType.Batch;
    if (scanner.isText(TYPE_SUBSCRIBED)) return MessageType.Subscribed;
    if (scanner.isText(TYPE_UNSUBSCRIBED)) return MessageType.Unsubscribed;
    if (scanner.isText(TYPE_CONNECTED)) return MessageType.Connected;
    return scanner.isText(TYPE_ERROR) ? MessageType.Error : MessageType.Unknown;
  }

  /** Channels that are not ours to read are Other; their messages count all the same. */
  #channelOf(): Channel {
    const scanner = this.#scanner;
    if (scanner.isText(CHANNEL_BOOK)) return Channel.Book;
    if (scanner.isText(CHANNEL_TRADES)) return Channel.Trades;
    return scanner.isText(CHANNEL_ALL_MARKETS) ? Channel.Markets : Channel.Other;
  }

  /** One object, or an array of them (a batch). */
  #contents(): boolean {
    const scanner = this.#scanner;
    const channel = this.#channel;
    const isRead = channel === Channel.Markets || this.#place !== UNKNOWN_PLACE;
    const type = this.#type;
    const hasData =
      type === MessageType.Data || type === MessageType.Batch || type === MessageType.Subscribed;
    if (channel === Channel.None || channel === Channel.Other || !isRead || !hasData) {
      return scanner.skipValue();
    }
    if (scanner.peek() !== BRACKET_OPEN) return this.#content();
    if (type === MessageType.Subscribed || !scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#content()) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  #content(): boolean {
    if (this.#channel === Channel.Markets) return this.#allMarkets();
    return this.#channel === Channel.Book ? this.#book() : this.#tradeList();
  }

  /** {"bids":[…],"asks":[…]}, either of them or both. */
  #book(): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    const isSnapshot = this.#type === MessageType.Subscribed;
    if (!isSnapshot) {
      const start = scanner.at;
      const count = this.#entries.count;
      if (this.#bookInOrder()) return true;
      scanner.at = start;
      this.#entries.count = count;
    }
    if (!scanner.beginObject()) return false;
    if (isSnapshot) this.#entries.setNoTime(this.#entries.add(EntryKind.SnapshotBegin, place));
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_BIDS)) {
        if (!this.#levels(EntryKind.Bid)) return false;
      } else if (scanner.isText(KEY_ASKS)) {
        if (!this.#levels(EntryKind.Ask)) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (isSnapshot) this.#entries.add(EntryKind.SnapshotEnd, place);
    return more === 0;
  }

  /** Changes without white space and plain numbers, bids before asks. False: read key by key. */
  #bookInOrder(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(BIDS_OPEN)) {
      if (!this.#pairs(EntryKind.Bid)) return false;
      return (
        scanner.take(CLOSE) ||
        (scanner.literal(THEN_ASKS) && this.#pairs(EntryKind.Ask) && scanner.take(CLOSE))
      );
    }
    return scanner.literal(ASKS_OPEN) && this.#pairs(EntryKind.Ask) && scanner.take(CLOSE);
  }

  /** Levels behind the bracket that opens their list. */
  #pairs(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    if (scanner.take(BRACKET_CLOSE)) return true;
    do {
      const index = this.#entries.add(kind, place);
      this.#entries.setNoTime(index);
      if (!this.#reader.isPairLevel(index, place)) return false;
    } while (scanner.take(COMMA));
    return scanner.take(BRACKET_CLOSE);
  }

  #levels(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#level(kind)) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** ["65920","0.5"] or {"price":"65920","size":"0.5"} */
  #level(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const place = this.#place;
    const index = this.#entries.add(kind, place);
    this.#entries.setNoTime(index);
    if (reader.isPairLevel(index, place)) return true;
    if (scanner.literal(LEVEL_PRICE)) {
      if (reader.isQuotedLevel(index, place, LEVEL_SIZE, LEVEL_END)) return true;
      scanner.at -= LEVEL_PRICE.length;
    }
    return scanner.beginArray() ? this.#oddPair(index) : this.#levelByKey(index);
  }

  /** A pair with white space, a third member (an offset, in the venue's examples), or numbers that are not plain. */
  #oddPair(index: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const priceStatus = reader.readHere(index, Wide.Price, this.#place);
    if (!scanner.take(COMMA)) return false;
    const sizeStatus = reader.readHere(index, Wide.Size, this.#place);
    let more = scanner.nextElement();
    while (more === 1) {
      if (!scanner.skipValue()) return false;
      more = scanner.nextElement();
    }
    return more === 0 && reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  #levelByKey(index: number): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let priceStatus: DecimalStatus = DecimalStatus.Malformed;
    let sizeStatus: DecimalStatus = DecimalStatus.Malformed;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_PRICE)) {
        priceStatus = this.#reader.readHere(index, Wide.Price, place);
        if (priceStatus === DecimalStatus.Malformed) return false;
      } else if (scanner.isText(KEY_SIZE)) {
        sizeStatus = this.#reader.readHere(index, Wide.Size, place);
        if (sizeStatus === DecimalStatus.Malformed) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0 && this.#reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  /** {"trades":[…]} */
  #tradeList(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasTrades = false;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_TRADES)) {
        if (hasTrades || !this.#trades()) return false;
        hasTrades = true;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0 && hasTrades;
  }

  #trades(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    const flags = this.#type === MessageType.Subscribed ? TickFlag.Backfill : 0;
    let more = 1;
    while (more === 1) {
      const start = scanner.at;
      if (!this.#tradeInOrder(flags)) {
        this.#entries.dropLast();
        scanner.at = start;
        if (!this.#tradeByKey(flags)) return false;
      }
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** A trade in the order of the wire, with plain numbers; the side is the taker's. False: read key by key. */
  #tradeInOrder(flagsOfList: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const entries = this.#entries;
    const place = this.#place;
    const index = entries.add(EntryKind.Trade, place);
    if (!scanner.literal(TRADE_ID) || !scanner.string()) return false;
    this.#setTradeId(index);
    if (scanner.literal(TRADE_BUY)) entries.flags[index] = flagsOfList;
    else if (scanner.literal(TRADE_SELL)) {
      entries.flags[index] = flagsOfList | TickFlag.AggressorSell;
    } else return false;
    if (!reader.isOk(index, Wide.Size, place) || !scanner.literal(TRADE_PRICE)) return false;
    if (!reader.isOk(index, Wide.Price, place)) return false;
    if (!scanner.literal(TRADE_LIMIT)) {
      if (!scanner.literal(TRADE_TYPE) || !scanner.skipString()) return false;
      if (!scanner.literal(TRADE_CREATED)) return false;
    }
    if (!scanner.time()) return false;
    entries.setTime(index, scanner);
    if (!scanner.literal(TRADE_HEIGHT) || !scanner.skipString() || !scanner.take(CLOSE)) {
      return false;
    }
    return reader.isAbove(index, Wide.Price) && reader.isAbove(index, Wide.Size);
  }

  #tradeByKey(flagsOfList: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const entries = this.#entries;
    const place = this.#place;
    const index = entries.add(EntryKind.Trade, place);
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasId = false;
    let hasSide = false;
    let hasTime = false;
    let priceStatus: DecimalStatus = DecimalStatus.Malformed;
    let sizeStatus: DecimalStatus = DecimalStatus.Malformed;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_ID)) {
        if (!scanner.string()) return false;
        this.#setTradeId(index);
        hasId = true;
      } else if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        if (scanner.isText(TEXT_BUY)) entries.flags[index] = flagsOfList;
        else if (scanner.isText(TEXT_SELL)) {
          entries.flags[index] = flagsOfList | TickFlag.AggressorSell;
        } else return false;
        hasSide = true;
      } else if (scanner.isText(KEY_PRICE)) {
        priceStatus = reader.readHere(index, Wide.Price, place);
        if (priceStatus === DecimalStatus.Malformed) return false;
      } else if (scanner.isText(KEY_SIZE)) {
        sizeStatus = reader.readHere(index, Wide.Size, place);
        if (sizeStatus === DecimalStatus.Malformed) return false;
      } else if (scanner.isText(KEY_CREATED)) {
        if (!scanner.time()) return false;
        entries.setTime(index, scanner);
        hasTime = true;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasId || !hasSide || !hasTime) return false;
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return reader.refuse(priceStatus, sizeStatus);
    }
    return reader.isAbove(index, Wide.Price) && reader.isAbove(index, Wide.Size);
  }

  /**
   * The scanner's last string is a trade's id. 24 hexadecimal digits are packed into 53 bits: height, 5 bits of the
   * transaction's index, 16 of the event's; any other text is 0. Its place is kept for tradeIdText: a trade has no ask.
   */
  #setTradeId(index: number): void {
    const { textStart, textEnd } = this.#scanner;
    const entries = this.#entries;
    entries.askPrices[index] = textStart;
    entries.askSizes[index] = textEnd;
    entries.ids[index] = 0;
    if (textEnd - textStart !== TRADE_ID_DIGITS) return;
    const height = this.#hex(textStart);
    const transaction = this.#hex(textStart + 8);
    const event = this.#hex(textStart + 16);
    if (height < 0 || transaction < 0 || event < 0) return;
    entries.ids[index] = height * 2_097_152 + (transaction % 32) * 65_536 + (event % 65_536);
  }

  /** Eight hexadecimal digits; negative when they are none. */
  #hex(start: number): number {
    const bytes = this.#scanner.bytes;
    let value = 0;
    for (let i = start; i < start + 8; i++) {
      const byte = bytes[i] as number;
      const lower = byte | 0x20;
      if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
      else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57;
      else return -1;
    }
    return value;
  }

  /** {"trading":{…},"oraclePrices":{…}}, or {"markets":{…}} at first: in each, members by market. Not hot. */
  #allMarkets(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      const isOurs =
        scanner.isText(KEY_ORACLE_PRICES) ||
        scanner.isText(KEY_TRADING) ||
        scanner.isText(KEY_MARKETS);
      if (!(isOurs ? this.#membersByMarket() : scanner.skipValue())) return false;
      more = scanner.nextMember();
    }
    return more === 0;
  }

  #membersByMarket(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      // The channel is about all markets of the venue; most of them are not ours.
      const place = this.#reader.knownPlace();
      const isRead = place === UNKNOWN_PLACE ? scanner.skipValue() : this.#marketMembers(place);
      if (!isRead) return false;
      more = scanner.nextMember();
    }
    return more === 0;
  }

  /** {"oraclePrice":"…","effectiveAt":"…"}, {"nextFundingRate":"…"}, both and more, or none. */
  #marketMembers(place: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const start = scanner.at;
    const count = entries.count;
    if (this.#oracleInOrder(place)) return true;
    scanner.at = start;
    entries.count = count;
    if (!scanner.beginObject()) return false;
    let mark = NOWHERE;
    let hasTime = false;
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_ORACLE_PRICE)) {
        if (mark !== NOWHERE) return false;
        mark = entries.add(EntryKind.Mark, place);
        if (!this.#reference(mark, scanner.quotedDecimal(MARK_SCALE))) return false;
        if ((entries.prices[mark] as number) < 0) return false;
        if (entries.count === mark) mark = NOWHERE;
      } else if (scanner.isText(KEY_FUNDING)) {
        if (!this.#funding(place)) return false;
      } else if (scanner.isText(KEY_EFFECTIVE)) {
        if (!scanner.time()) return false;
        hasTime = true;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (mark === NOWHERE) return true;
    if (hasTime) entries.setTime(mark, scanner);
    else entries.setNoTime(mark);
    return true;
  }

  /** An oracle price as the venue writes it, with a plain number. False: read key by key. */
  #oracleInOrder(place: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.literal(ORACLE_PRICE)) return false;
    if (scanner.quotedDecimal(MARK_SCALE) !== DecimalStatus.Ok) return false;
    if ((scanner.mantissa[0] as number) < 0) return false;
    const mark = entries.add(EntryKind.Mark, place);
    entries.prices[mark] = scanner.mantissa[0] as number;
    entries.sizes[mark] = 0;
    entries.askPrices[mark] = 0;
    if (!scanner.literal(ORACLE_TIME) || !scanner.time()) return false;
    entries.setTime(mark, scanner);
    if (!scanner.literal(ORACLE_HEIGHT) || !scanner.skipString()) return false;
    return scanner.literal(ORACLE_MARKET) && scanner.skipDecimal() && scanner.take(CLOSE);
  }

  /** The scanner's last decimal into the price of the last entry; one that does not fit drops it. False: malformed. */
  #reference(index: number, status: DecimalStatus): boolean {
    const entries = this.#entries;
    entries.prices[index] = 0;
    entries.sizes[index] = 0;
    entries.askPrices[index] = 0;
    if (status === DecimalStatus.Ok) entries.prices[index] = this.#scanner.mantissa[0] as number;
    else if (status === DecimalStatus.Wide) {
      entries.setWideMantissa(index, Wide.Price, this.#scanner.wideMantissa);
    } else if (status === DecimalStatus.Absent) {
      entries.dropLast();
    } else {
      return this.#reader.refuse(status, DecimalStatus.Ok);
    }
    return true;
  }

  /**
   * Cold: the rate that the next payment would have now. The venue divides, and states 20 decimals of the quotient: what is
   * behind the twelfth is cut. Nothing is traded at a rate.
   */
  #funding(place: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const index = entries.add(EntryKind.Funding, place);
    entries.setNoTime(index);
    scanner.skipSpace();
    const start = scanner.at;
    const status = scanner.quotedDecimal(FUNDING_SCALE);
    if (status !== DecimalStatus.Inexact) return this.#reference(index, status);
    const text = scanner.slice(start + 1, scanner.at - 1);
    for (let scale = FUNDING_SCALE + 1; scale <= FUNDING_DIGITS_MAX; scale++) {
      const parsed = readDecimal(text, scale);
      if (typeof parsed !== 'bigint') continue;
      entries.sizes[index] = 0;
      entries.askPrices[index] = 0;
      entries.prices[index] = Number(parsed / 10n ** BigInt(scale - FUNDING_SCALE));
      return true;
    }
    return this.#reader.refuse(status, DecimalStatus.Ok);
  }

  /** Cold: a market that `normalize` was not told of. */
  #resolveSymbol(venueSymbol: string): number {
    const instrument = this.#resolve?.(venueSymbol);
    return instrument === undefined ? UNKNOWN_PLACE : this.#add(instrument);
  }

  #add(instrument: Instrument): number {
    const place = this.#publisher.addMarket(instrument);
    this.#reader.addMarket(place, instrument);
    this.#uncrossed.push(new UncrossedBook());
    const [bookChannel, tradeChannel] = MARKET_CHANNELS;
    const book = new FeedSubscription(bookChannel, place, true);
    const trades = new FeedSubscription(tradeChannel, place, false);
    this.#bookSubscriptions.push(book);
    this.#tradeSubscriptions.push(trades);
    this.#subscriptions.push(book, trades);
    return place;
  }
}

/** Whether a message says "(v4_orderbook-BTC-USD)", or the same before a full stop. */
function isNamed(text: string, symbol: string): boolean {
  return text.includes(`-${symbol})`) || text.includes(`-${symbol}.`);
}
