/**
 * market-feed: Hyperliquid's WebSocket, from frame bytes to book changes and ticks.
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). Deterministic: no clock, no I/O. Facts: docs/venues/hyperliquid.md.
 *
 *   {"channel":"l2Book","data":{"coin":"BTC","time":1737918843542,
 *    "levels":[[{"px":"105055.0","sz":"3.03622","n":5}],[{"px":"105056.0","sz":"6.34472","n":12}]]}}
 *
 * Every l2Book message is a whole book of at most 20 levels a side: no number, no checksum, nothing that shows a lost one;
 * the next one replaces it. Only silence is a sign. The publisher tells readers what differs from the book before.
 * A frame is decoded into FrameEntries first and applied only when all of it was understood. Keys may stand in any order;
 * the order seen on the wire is the fast one, the alphabetical one of a recorder that sorts them the second.
 */
import { ascii, ByteScanner, DecimalStatus } from '../../domain/byte-scanner.js';
import type { AsciiText } from '../../domain/byte-scanner.js';
import { must } from '../../domain/assert.js';
import { codeIndex } from '../../domain/errors.js';
import type { ErrorCode } from '../../domain/errors.js';
import { POW10 } from '../../domain/fixed-point.js';
import { FUNDING_SCALE, MARK_SCALE } from '../../domain/instrument.js';
import type { Instrument } from '../../domain/instrument.js';
import { TickFlag } from '../../generated/hot.js';
import type { DecodingFeed, DecodingFeedOptions } from '../decoding-feed.js';
import { EntryReader, NOWHERE, UNKNOWN_PLACE } from '../entry-reader.js';
import { EntryKind, FrameEntries, Wide } from '../frame-entries.js';
import { MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import { FeedSubscription, SubscriptionState } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { MARKET_CHANNELS } from './endpoints.js';
import { LevelMemory } from './level-memory.js';

const KEY_CHANNEL = ascii('channel');
const KEY_DATA = ascii('data');
const KEY_COIN = ascii('coin');
const KEY_TIME = ascii('time');
const KEY_LEVELS = ascii('levels');
const KEY_BBO = ascii('bbo');
const KEY_PX = ascii('px');
const KEY_SZ = ascii('sz');
const KEY_SIDE = ascii('side');
const KEY_TID = ascii('tid');
const KEY_CTX = ascii('ctx');
const KEY_MARK = ascii('markPx');
const KEY_ORACLE = ascii('oraclePx');
const KEY_FUNDING = ascii('funding');
const KEY_METHOD = ascii('method');
const KEY_SUBSCRIPTION = ascii('subscription');
const KEY_TYPE = ascii('type');

const CHANNEL_BOOK = ascii('l2Book');
const CHANNEL_TRADES = ascii('trades');
const CHANNEL_BBO = ascii('bbo');
const CHANNEL_CTX = ascii('activeAssetCtx');
const CHANNEL_SPOT_CTX = ascii('activeSpotAssetCtx');
const CHANNEL_ANSWER = ascii('subscriptionResponse');
const CHANNEL_ERROR = ascii('error');
/** Channels whose content is not ours to read. */
const CHANNELS_OTHER = [
  ...['pong', 'allMids', 'candle', 'post', 'notification', 'user', 'userFills', 'orderUpdates'],
  ...['userFundings', 'userNonFundingLedgerUpdates', 'webData2', 'webData3', 'activeAssetData'],
  ...['clearinghouseState', 'openOrders', 'allDexsAssetCtxs', 'allDexsClearinghouseState'],
  ...['userTwapSliceFills', 'userTwapHistory', 'twapStates', 'spotState'],
].map(ascii);

const TEXT_BUY = ascii('B');
const TEXT_SELL = ascii('A');
const TEXT_SUBSCRIBE = ascii('subscribe');

/** A book as the venue writes it. */
const HEAD_BOOK = ascii('{"channel":"l2Book","data":{"coin":');
const HEAD_TIME = ascii(',"time":');
const HEAD_LEVELS = ascii(',"levels":[[');
const LEVEL_PX = ascii('{"px":"');
const LEVEL_SZ = ascii('","sz":"');
const LEVEL_N = ascii('","n":');
const LEVELS_MIDDLE = ascii('],[');
const LEVELS_END = ascii(']]');
const FRAME_END = ascii('}}');
/** The same with sorted keys. */
const SORTED_N = ascii('{"n":');
const SORTED_PX = ascii(',"px":"');
const SORTED_END = ascii('"}');
const SORTED_TIME = ascii(']],"time":');

/** A list of trades as the venue writes it. */
const HEAD_TRADES = ascii('{"channel":"trades","data":[');
const TRADE_COIN = ascii('{"coin":');
const TRADE_BUY = ascii(',"side":"B","px":"');
const TRADE_SELL = ascii(',"side":"A","px":"');
const TRADE_TIME = ascii('","time":');
const TRADE_HASH = ascii(',"hash":');
const TRADE_TID = ascii(',"tid":');
const TRADE_USERS = ascii(',"users":[');
/** The same with sorted keys. */
const SORTED_TRADE_PX = ascii(',"px":');
const SORTED_BUY = ascii(',"side":"B","sz":');
const SORTED_SELL = ascii(',"side":"A","sz":');

/** A best bid and offer as the venue writes it. */
const HEAD_BBO = ascii('{"channel":"bbo","data":{"coin":');
const BBO_LEVELS = ascii(',"bbo":[');
const BBO_PX = ascii('{"px":');
const BBO_SZ = ascii(',"sz":');
const BBO_N = ascii(',"n":');
const TEXT_NULL = ascii('null');

/** The context of a coin as the venue writes it. */
const HEAD_CTX = ascii('{"channel":"activeAssetCtx","data":{"coin":');
const CTX_FUNDING = ascii(',"ctx":{"funding":');
const CTX_SKIPPED = [',"openInterest":', ',"prevDayPx":', ',"dayNtlVlm":', ',"premium":'].map(
  ascii,
);
const CTX_ORACLE = ascii(',"oraclePx":');
const CTX_MARK = ascii(',"markPx":');

const COMMA = 0x2c;
const CLOSE = 0x7d;
const BRACKET_CLOSE = 0x5d;

const Channel = {
  None: 0,
  Book: 1,
  Trades: 2,
  Bbo: 3,
  Ctx: 4,
  Answer: 5,
  Error: 6,
  Other: 7,
  Unknown: 8,
} as const;
type Channel = (typeof Channel)[keyof typeof Channel];

const ZERO = 0x30;
/** The first 8 of 16 digits: up to here the number is below 2^53. */
const ID_HIGH_MAX = 90_071_991;

const HASH_DIGITS = 64;
const ADDRESS_DIGITS = 40;

/** Data was read on the way. */
const READ = -2;

export class HyperliquidMarketFeed implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #subscriptions: FeedSubscription[] = [];
  readonly #bookSubscriptions: FeedSubscription[] = [];
  readonly #tradeSubscriptions: FeedSubscription[] = [];
  readonly #bboSubscriptions: FeedSubscription[] = [];
  readonly #ctxSubscriptions: FeedSubscription[] = [];
  readonly #memories: LevelMemory[] = [];
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  readonly #errorCode = codeIndex('FRAME_VENUE_ERROR');
  #frameCount = 0;
  // What is known of the frame under way.
  #frame: Uint8Array = new Uint8Array(0);
  #channel: Channel = Channel.None;
  #place = UNKNOWN_PLACE;
  /** What became of the decimals of the last level. */
  #priceStatus: DecimalStatus = DecimalStatus.Malformed;
  #sizeStatus: DecimalStatus = DecimalStatus.Malformed;
  /** Where the text of an error lies. */
  #textStart = 0;
  #textEnd = 0;
  /** Of an answer: the method, and which subscription it is about; -1: none of ours. */
  #isSubscribe = false;
  #answered = -1;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: true,
      booksComeWhole: true,
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
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions;
  }

  /** There is nothing that only a new connection mends. */
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
    if (entries.isWide(entry, Wide.Id)) return String(entries.wideOf(entry, Wide.Id));
    return String(entries.ids[entry]);
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  get entryCount(): number {
    return this.#publisher.entryCount;
  }

  get lastSeq(): number {
    return NaN;
  }

  onConnected(): readonly string[] {
    this.#publisher.resetAll();
    return this.#subscriptions.map((subscription) => {
      subscription.request();
      return this.#text('subscribe', subscription);
    });
  }

  renew(subscription: number): readonly string[] {
    const one = must(this.#subscriptions[subscription], 'a subscription');
    // Unsubscribing from what was refused would be one more error.
    const texts = one.state === SubscriptionState.Refused ? [] : [this.#text('unsubscribe', one)];
    one.request();
    return texts.concat(this.#text('subscribe', one));
  }

  #text(method: string, { channel, place }: FeedSubscription): string {
    const coin = must(this.markets[place], 'market').instrument.venueSymbol;
    return JSON.stringify({ method, subscription: { type: channel, coin } });
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
    this.#frame = bytes;
    this.#entries.begin();
    this.#forgetFrame();
    const isWhole = this.#envelope() && scanner.isAtEnd();
    if (!isWhole) {
      this.#onMalformed(recvNs);
      return;
    }
    switch (this.#channel) {
      case Channel.Book:
        this.#commit(this.#bookSubscriptions, recvNs);
        break;
      case Channel.Trades:
        this.#commit(this.#tradeSubscriptions, recvNs);
        break;
      case Channel.Bbo:
        this.#commit(this.#bboSubscriptions, recvNs);
        break;
      case Channel.Ctx:
        this.#commit(this.#ctxSubscriptions, recvNs);
        break;
      case Channel.Answer:
        this.#onAnswer();
        break;
      case Channel.Error:
        this.#onError();
        break;
      case Channel.Other:
        break;
      default:
        this.#rejects.reject('FRAME_UNKNOWN', 'no channel that is known');
        return;
    }
    this.#frameCount++;
  }

  refine(place: number, instrument: Instrument): void {
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
    (this.#memories[place] as LevelMemory).clear();
  }

  #forgetFrame(): void {
    this.#channel = Channel.None;
    this.#place = UNKNOWN_PLACE;
    this.#answered = -1;
  }

  #commit(subscriptions: readonly FeedSubscription[], recvNs: number): void {
    // A coin that is not ours was counted where it was seen, and an empty list of trades is of no coin.
    if (this.#place === UNKNOWN_PLACE) return;
    const subscription = subscriptions[this.#place] as FeedSubscription;
    if (this.#channel === Channel.Trades) this.#markHistory(subscription);
    if (this.#entries.count > 0) this.#publisher.commit(this.#entries, recvNs, 0);
    subscription.onData(recvNs);
  }

  /** The first list after subscribing is what happened before. */
  #markHistory(subscription: FeedSubscription): void {
    if (subscription.lastDataNs !== 0) return;
    const entries = this.#entries;
    for (let index = 0; index < entries.count; index++) {
      entries.flags[index] = (entries.flags[index] as number) | TickFlag.Backfill;
    }
  }

  /**
   * The frame is refused. A book that was in it is stale until the next one comes, half a second later, and needs no other
   * help; of which coin it was may not be known.
   */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    if (this.#channel !== Channel.Book) return;
    for (let place = 0; place < this.markets.length; place++) {
      if (this.#place !== UNKNOWN_PLACE && place !== this.#place) continue;
      this.#publisher.stale(place, this.#malformedCode, recvNs);
    }
  }

  /** Cold. What the venue adds to a subscription (defaults) is not compared. */
  #onAnswer(): void {
    if (this.#isSubscribe) this.#subscriptions[this.#answered]?.confirm();
  }

  /** Cold: a text, with the subscription that it is about in it as JSON. */
  #onError(): void {
    const text = this.#scanner
      .slice(this.#textStart, this.#textEnd)
      .replaceAll(/\\(["\\/])/g, '$1');
    this.#rejects.reject('FRAME_VENUE_ERROR', text);
    if (text.startsWith('Already unsubscribed')) return;
    const type = /"type"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    const coin = /"coin"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    const index = this.#subscriptions.findIndex(
      ({ channel, place }) =>
        channel === type && this.markets[place]?.instrument.venueSymbol === coin,
    );
    const subscription = this.#subscriptions[index];
    if (text.startsWith('Already subscribed')) subscription?.confirm();
    else subscription?.refuse(this.#errorCode, text);
  }

  /** The whole message. False: malformed. */
  #envelope(): boolean {
    if (this.#inOrder()) return true;
    const scanner = this.#scanner;
    scanner.rewind();
    this.#entries.begin();
    this.#forgetFrame();
    let dataAt = NOWHERE;
    if (!scanner.beginObject()) return false;
    if (scanner.isEmptyObject()) return true;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_CHANNEL)) {
        if (!scanner.string()) return false;
        this.#channel = this.#channelOf();
      } else if (scanner.isText(KEY_DATA)) {
        if (dataAt !== NOWHERE) return false;
        scanner.skipSpace();
        dataAt = scanner.at;
        if (this.#channel === Channel.None) {
          if (!scanner.skipValue()) return false;
        } else {
          if (!this.#data()) return false;
          dataAt = READ;
        }
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    if (dataAt === READ || this.#channel === Channel.None) return true;
    // A pong has none.
    if (dataAt === NOWHERE) return this.#channel >= Channel.Other;
    const end = scanner.at;
    scanner.at = dataAt;
    if (!this.#data()) return false;
    scanner.at = end;
    return true;
  }

  /** A frame of a hot kind in the order of the wire, of a known coin, with plain numbers. False: read key by key. */
  #inOrder(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(HEAD_BOOK)) return this.#bookInOrder();
    if (scanner.literal(HEAD_BBO)) return this.#bboInOrder();
    if (scanner.literal(HEAD_TRADES)) return this.#tradesInOrder();
    return scanner.literal(HEAD_CTX) && this.#ctxInOrder();
  }

  #channelOf(): Channel {
    const scanner = this.#scanner;
    if (scanner.isText(CHANNEL_BOOK)) return Channel.Book;
    if (scanner.isText(CHANNEL_TRADES)) return Channel.Trades;
    if (scanner.isText(CHANNEL_BBO)) return Channel.Bbo;
    if (scanner.isText(CHANNEL_CTX) || scanner.isText(CHANNEL_SPOT_CTX)) return Channel.Ctx;
    if (scanner.isText(CHANNEL_ANSWER)) return Channel.Answer;
    if (scanner.isText(CHANNEL_ERROR)) return Channel.Error;
    for (let i = 0; i < CHANNELS_OTHER.length; i++) {
      if (scanner.isText(CHANNELS_OTHER[i] as AsciiText)) return Channel.Other;
    }
    return Channel.Unknown;
  }

  #data(): boolean {
    switch (this.#channel) {
      case Channel.Book:
      case Channel.Bbo:
      case Channel.Ctx:
        return this.#coinData();
      case Channel.Trades:
        return this.#trades();
      case Channel.Answer:
        return this.#answer();
      case Channel.Error:
        return this.#error();
      default:
        return this.#scanner.skipValue();
    }
  }

  /** The coin that stands here. False: not a known one. */
  #knownCoin(): boolean {
    if (!this.#scanner.string()) return false;
    this.#place = this.#reader.knownPlace();
    return this.#place !== UNKNOWN_PLACE;
  }

  // -------------------------------------------------------------- books

  #bookInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#channel = Channel.Book;
    if (!this.#knownCoin()) return false;
    const memory = this.#memories[this.#place] as LevelMemory;
    memory.begin(scanner.bytes);
    const isSorted = !scanner.literal(HEAD_TIME);
    const begin = entries.add(EntryKind.SnapshotBegin, this.#place);
    if (!isSorted) {
      if (!scanner.epochTime()) return false;
      entries.setTime(begin, scanner);
    }
    if (!scanner.literal(HEAD_LEVELS)) return false;
    if (!this.#levelsInOrder(EntryKind.Bid, isSorted) || !scanner.literal(LEVELS_MIDDLE)) {
      return false;
    }
    if (!this.#levelsInOrder(EntryKind.Ask, isSorted)) return false;
    if (isSorted) {
      if (!scanner.literal(SORTED_TIME) || !scanner.epochTime()) return false;
      entries.setTime(begin, scanner);
    } else if (!scanner.literal(LEVELS_END)) {
      return false;
    }
    entries.add(EntryKind.SnapshotEnd, this.#place);
    if (!scanner.literal(FRAME_END)) return false;
    memory.commit(this.#frame);
    return true;
  }

  /** Levels up to the bracket that closes their list, which is not taken. */
  #levelsInOrder(kind: EntryKind, isSorted: boolean): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const memory = this.#memories[this.#place] as LevelMemory;
    memory.beginSide(kind === EntryKind.Ask);
    if (scanner.bytes[scanner.at] === BRACKET_CLOSE) return true;
    do {
      const index = entries.add(kind, this.#place);
      const at = scanner.at;
      const length = memory.recall(at, entries.prices, entries.sizes, index);
      if (length !== 0) {
        scanner.at = at + length;
      } else {
        if (!(isSorted ? this.#levelSorted(index) : this.#levelInOrder(index))) return false;
        memory.learn(at, scanner.at, entries.prices, entries.sizes, index);
      }
    } while (scanner.take(COMMA));
    return true;
  }

  #levelInOrder(index: number): boolean {
    const scanner = this.#scanner;
    if (!scanner.literal(LEVEL_PX)) return false;
    if (!this.#reader.isQuotedLevel(index, this.#place, LEVEL_SZ, LEVEL_N)) return false;
    return scanner.skipDecimal() && scanner.take(CLOSE);
  }

  #levelSorted(index: number): boolean {
    const scanner = this.#scanner;
    if (!scanner.literal(SORTED_N) || !scanner.skipDecimal() || !scanner.literal(SORTED_PX)) {
      return false;
    }
    return this.#reader.isQuotedLevel(index, this.#place, LEVEL_SZ, SORTED_END);
  }

  /** {"coin":"BTC","time":…,"levels":…}, the same with "bbo", or {"coin":"BTC","ctx":…} */
  #coinData(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let hasCoin = false;
    let timeAt = NOWHERE;
    let contentAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      const at = scanner.at;
      if (scanner.isText(KEY_COIN)) {
        if (!scanner.string()) return false;
        this.#place = this.#reader.place();
        hasCoin = true;
      } else {
        if (scanner.isText(KEY_TIME)) timeAt = at;
        else if (this.#isContent()) contentAt = at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasCoin || contentAt === NOWHERE) return false;
    const hasTime = this.#channel !== Channel.Ctx;
    if (hasTime && timeAt === NOWHERE) return false;
    if (this.#place === UNKNOWN_PLACE) return true;
    const end = scanner.at;
    if (hasTime) {
      scanner.at = timeAt;
      if (!scanner.epochTime()) return false;
    }
    scanner.at = contentAt;
    if (!this.#content()) return false;
    scanner.at = end;
    return true;
  }

  #isContent(): boolean {
    const scanner = this.#scanner;
    if (this.#channel === Channel.Book) return scanner.isText(KEY_LEVELS);
    return scanner.isText(this.#channel === Channel.Bbo ? KEY_BBO : KEY_CTX);
  }

  #content(): boolean {
    if (this.#channel === Channel.Book) return this.#bothSides();
    return this.#channel === Channel.Bbo ? this.#bbo() : this.#ctx();
  }

  /** [[bids],[asks]]; the time was read just before. */
  #bothSides(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    entries.setTime(entries.add(EntryKind.SnapshotBegin, this.#place), scanner);
    if (!scanner.beginArray() || !this.#levels(EntryKind.Bid)) return false;
    if (!scanner.take(COMMA) || !this.#levels(EntryKind.Ask)) return false;
    entries.add(EntryKind.SnapshotEnd, this.#place);
    return scanner.take(BRACKET_CLOSE);
  }

  #levels(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      const index = this.#entries.add(kind, this.#place);
      if (!this.#level(index, Wide.Price, Wide.Size)) return false;
      if (!this.#reader.judgeLevel(index, this.#priceStatus, this.#sizeStatus)) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** {"px":"…","sz":"…","n":…} in any order, into two fields of an entry; what became of them stands in two fields here. */
  #level(index: number, price: Wide, size: Wide): boolean {
    const scanner = this.#scanner;
    this.#priceStatus = DecimalStatus.Malformed;
    this.#sizeStatus = DecimalStatus.Malformed;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_PX)) {
        this.#priceStatus = this.#reader.readHere(index, price, this.#place);
        if (this.#priceStatus === DecimalStatus.Malformed) return false;
      } else if (scanner.isText(KEY_SZ)) {
        this.#sizeStatus = this.#reader.readHere(index, size, this.#place);
        if (this.#sizeStatus === DecimalStatus.Malformed) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    // A level has both; what is null or empty here is no level.
    return (
      more === 0 &&
      this.#priceStatus !== DecimalStatus.Absent &&
      this.#sizeStatus !== DecimalStatus.Absent
    );
  }

  // -------------------------------------------------------------- best bid and offer

  #bboInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#channel = Channel.Bbo;
    if (!this.#knownCoin() || !scanner.literal(HEAD_TIME) || !scanner.epochTime()) return false;
    const index = this.#addTicker();
    if (!scanner.literal(BBO_LEVELS)) return false;
    if (!this.#bboSideInOrder(index, Wide.Price, Wide.Size)) return false;
    if (!scanner.take(COMMA)) return false;
    if (!this.#bboSideInOrder(index, Wide.AskPrice, Wide.AskSize)) return false;
    entries.flags[index] = this.#missingSides(index);
    return scanner.take(BRACKET_CLOSE) && scanner.literal(FRAME_END);
  }

  #bboSideInOrder(index: number, price: Wide, size: Wide): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    if (scanner.literal(TEXT_NULL)) {
      this.#clearSide(index, price);
      return true;
    }
    if (!scanner.literal(BBO_PX) || !reader.isOk(index, price, this.#place)) return false;
    if (!scanner.literal(BBO_SZ) || !reader.isOk(index, size, this.#place)) return false;
    if (!scanner.literal(BBO_N) || !scanner.skipDecimal() || !scanner.take(CLOSE)) return false;
    return this.#isSideAbove(index, price);
  }

  /** [bid or null, ask or null] */
  #bbo(): boolean {
    const scanner = this.#scanner;
    const index = this.#addTicker();
    if (!scanner.beginArray() || !this.#bboSide(index, Wide.Price, Wide.Size)) return false;
    let worst = Math.max(this.#priceStatus, this.#sizeStatus);
    if (!scanner.take(COMMA) || !this.#bboSide(index, Wide.AskPrice, Wide.AskSize)) return false;
    worst = Math.max(worst, this.#priceStatus, this.#sizeStatus);
    if (!scanner.take(BRACKET_CLOSE)) return false;
    this.#entries.flags[index] = this.#missingSides(index);
    if (worst <= DecimalStatus.Absent) return this.#hasNothingBelowZero(index);
    this.#entries.dropLast();
    return this.#reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
  }

  #bboSide(index: number, price: Wide, size: Wide): boolean {
    const scanner = this.#scanner;
    scanner.skipSpace();
    if (scanner.literal(TEXT_NULL)) {
      this.#clearSide(index, price);
      this.#priceStatus = DecimalStatus.Absent;
      this.#sizeStatus = DecimalStatus.Absent;
      return true;
    }
    return this.#level(index, price, size);
  }

  /** Both halves of a ticker; the second says that there is no last price. The time was read just before. */
  #addTicker(): number {
    const entries = this.#entries;
    const index = entries.add(EntryKind.Ticker, this.#place);
    entries.setTime(index, this.#scanner);
    const last = entries.add(EntryKind.TickerLast, this.#place);
    entries.copyTime(last, index);
    entries.prices[last] = 0;
    entries.sizes[last] = 0;
    return index;
  }

  #clearSide(index: number, price: Wide): void {
    const entries = this.#entries;
    const isBid = price === Wide.Price;
    (isBid ? entries.prices : entries.askPrices)[index] = 0;
    (isBid ? entries.sizes : entries.askSizes)[index] = 0;
  }

  #isSideAbove(index: number, price: Wide): boolean {
    const entries = this.#entries;
    return ((price === Wide.Price ? entries.prices : entries.askPrices)[index] as number) > 0;
  }

  /** Cold: of a ticker that was read key by key. */
  #hasNothingBelowZero(index: number): boolean {
    const entries = this.#entries;
    for (const field of [Wide.Price, Wide.Size, Wide.AskPrice, Wide.AskSize]) {
      if (entries.isWide(index, field) && entries.wideOf(index, field) < 0n) return false;
    }
    const wide = entries.wides[index] as number;
    return (
      ((wide & Wide.Price) !== 0 || (entries.prices[index] as number) >= 0) &&
      ((wide & Wide.Size) !== 0 || (entries.sizes[index] as number) >= 0) &&
      ((wide & Wide.AskPrice) !== 0 || (entries.askPrices[index] as number) >= 0) &&
      ((wide & Wide.AskSize) !== 0 || (entries.askSizes[index] as number) >= 0)
    );
  }

  #missingSides(index: number): number {
    const entries = this.#entries;
    const hasBid = entries.prices[index] !== 0 || entries.isWide(index, Wide.Price);
    const hasAsk = entries.askPrices[index] !== 0 || entries.isWide(index, Wide.AskPrice);
    return (hasBid ? 0 : TickFlag.NoBid) | (hasAsk ? 0 : TickFlag.NoAsk);
  }

  // -------------------------------------------------------------- trades

  #tradesInOrder(): boolean {
    const scanner = this.#scanner;
    this.#channel = Channel.Trades;
    if (scanner.isEmptyArray()) return scanner.take(CLOSE);
    do {
      if (!this.#tradeInOrder()) return false;
    } while (scanner.take(COMMA));
    return scanner.take(BRACKET_CLOSE) && scanner.take(CLOSE);
  }

  #tradeInOrder(): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    if (!scanner.literal(TRADE_COIN) || !this.#knownCoin()) return false;
    const place = this.#place;
    const index = this.#entries.add(EntryKind.Trade, place);
    if (scanner.literal(TRADE_HASH)) return this.#tradeSorted(index);
    if (scanner.literal(TRADE_SELL)) this.#entries.flags[index] = TickFlag.AggressorSell;
    else if (!scanner.literal(TRADE_BUY)) return false;
    if (!reader.isQuotedLevel(index, place, LEVEL_SZ, TRADE_TIME) || !scanner.epochTime()) {
      return false;
    }
    this.#entries.setTime(index, scanner);
    if (!scanner.literal(TRADE_HASH) || !this.#hash()) return false;
    if (!scanner.literal(TRADE_TID) || !this.#tradeId(index)) return false;
    if (scanner.literal(TRADE_USERS) && !this.#users()) return false;
    return scanner.take(CLOSE) && reader.isAbove(index, Wide.Size);
  }

  /** The rest of a trade with sorted keys, from the hash on. */
  #tradeSorted(index: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    const place = this.#place;
    if (!this.#hash() || !scanner.literal(SORTED_TRADE_PX)) return false;
    if (!reader.isOk(index, Wide.Price, place)) return false;
    if (scanner.literal(SORTED_SELL)) this.#entries.flags[index] = TickFlag.AggressorSell;
    else if (!scanner.literal(SORTED_BUY)) return false;
    if (!reader.isOk(index, Wide.Size, place) || !scanner.literal(TRADE_TID)) return false;
    if (!this.#tradeId(index) || !scanner.literal(HEAD_TIME) || !scanner.epochTime()) return false;
    this.#entries.setTime(index, scanner);
    if (scanner.literal(TRADE_USERS) && !this.#users()) return false;
    if (!scanner.take(CLOSE)) return false;
    return reader.isAbove(index, Wide.Price) && reader.isAbove(index, Wide.Size);
  }

  /** A trade's number: 16 digits today, one more than the scanner reads without a BigInt. */
  #tradeId(index: number): boolean {
    const scanner = this.#scanner;
    const bytes = scanner.bytes;
    scanner.skipSpace();
    const start = scanner.at;
    let at = start;
    let high = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (at < start + 8 && digit >>> 0 <= 9) {
      high = (Math.imul(high, 10) + digit) | 0;
      digit = (bytes[++at] as number) - ZERO;
    }
    const middle = at;
    let low = 0;
    while (at < start + 16 && digit >>> 0 <= 9) {
      low = (Math.imul(low, 10) + digit) | 0;
      digit = (bytes[++at] as number) - ZERO;
    }
    const isWhole = bytes[at] === COMMA || bytes[at] === CLOSE;
    const isPlain = at > start && (bytes[start] !== ZERO || at === start + 1);
    // Of 16 digits some are beyond 2^53.
    if (isWhole && isPlain && high <= ID_HIGH_MAX) {
      this.#entries.ids[index] = high * (POW10[at - middle] as number) + low;
      scanner.at = at;
      return true;
    }
    const status = scanner.bareDecimal(0);
    if (status === DecimalStatus.Ok) {
      this.#entries.ids[index] = scanner.mantissa[0] as number;
    } else if (status === DecimalStatus.Wide) {
      this.#entries.setWideMantissa(index, Wide.Id, scanner.wideMantissa);
    } else {
      return false;
    }
    return true;
  }

  #hash(): boolean {
    return this.#scanner.skipHex(HASH_DIGITS) || this.#scanner.skipString();
  }

  /** The two addresses behind the bracket that opens their list. */
  #users(): boolean {
    const scanner = this.#scanner;
    if (!scanner.skipHex(ADDRESS_DIGITS) && !scanner.skipString()) return false;
    if (!scanner.take(COMMA)) return false;
    if (!scanner.skipHex(ADDRESS_DIGITS) && !scanner.skipString()) return false;
    return scanner.take(BRACKET_CLOSE);
  }

  #trades(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#tradeByKey()) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  #tradeByKey(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const index = entries.add(EntryKind.Trade, 0);
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let place = UNKNOWN_PLACE;
    let hasCoin = false;
    let hasSide = false;
    let hasTime = false;
    let hasId = false;
    let priceAt = NOWHERE;
    let sizeAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_COIN)) {
        if (!scanner.string()) return false;
        place = this.#reader.place();
        hasCoin = true;
      } else if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        if (scanner.isText(TEXT_SELL)) entries.flags[index] = TickFlag.AggressorSell;
        else if (scanner.isText(TEXT_BUY)) entries.flags[index] = 0;
        else return false;
        hasSide = true;
      } else if (scanner.isText(KEY_TIME)) {
        if (!scanner.epochTime()) return false;
        entries.setTime(index, scanner);
        hasTime = true;
      } else if (scanner.isText(KEY_TID)) {
        if (!this.#tradeId(index)) return false;
        hasId = true;
      } else {
        if (scanner.isText(KEY_PX)) priceAt = scanner.at;
        else if (scanner.isText(KEY_SZ)) sizeAt = scanner.at;
        if (!scanner.skipValue()) return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0 || !hasCoin || !hasSide || !hasTime || !hasId) return false;
    if (priceAt === NOWHERE || sizeAt === NOWHERE) return false;
    if (place === UNKNOWN_PLACE) {
      entries.dropLast();
      return true;
    }
    this.#place = place;
    entries.markets[index] = place;
    const end = scanner.at;
    const priceStatus = this.#reader.read(index, Wide.Price, priceAt, place);
    const sizeStatus = this.#reader.read(index, Wide.Size, sizeAt, place);
    scanner.at = end;
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return this.#reader.refuse(priceStatus, sizeStatus);
    }
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  // -------------------------------------------------------------- mark price, funding

  /** The first members of a context; those behind the mark price are not ours to read. */
  #ctxInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#channel = Channel.Ctx;
    if (!this.#knownCoin() || !scanner.literal(CTX_FUNDING)) return false;
    const mark = entries.add(EntryKind.Mark, this.#place);
    const funding = entries.add(EntryKind.Funding, this.#place);
    entries.setNoTime(mark);
    entries.setNoTime(funding);
    entries.sizes[mark] = 0;
    entries.sizes[funding] = 0;
    entries.askPrices[funding] = 0;
    if (scanner.quotedDecimal(FUNDING_SCALE) !== DecimalStatus.Ok) return false;
    entries.prices[funding] = scanner.mantissa[0] as number;
    for (let i = 0; i < CTX_SKIPPED.length; i++) {
      if (!scanner.literal(CTX_SKIPPED[i] as AsciiText)) return false;
      if (!scanner.literal(TEXT_NULL) && !scanner.skipString()) return false;
    }
    if (!scanner.literal(CTX_ORACLE)) return false;
    if (scanner.quotedDecimal(MARK_SCALE) !== DecimalStatus.Ok) return false;
    entries.askPrices[mark] = scanner.mantissa[0] as number;
    if (!scanner.literal(CTX_MARK)) return false;
    if (scanner.quotedDecimal(MARK_SCALE) !== DecimalStatus.Ok) return false;
    entries.prices[mark] = scanner.mantissa[0] as number;
    if (Math.min(entries.prices[mark], entries.askPrices[mark]) < 0) return false;
    let more = scanner.nextMember();
    while (more === 1) {
      if (!scanner.key() || !scanner.skipValue()) return false;
      more = scanner.nextMember();
    }
    return more === 0 && scanner.literal(FRAME_END);
  }

  /** {"funding":"…","oraclePx":"…","markPx":"…",…}; any of them may be null or missing, spot has a mark price only. */
  #ctx(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject() || scanner.isEmptyObject()) return false;
    let markAt = NOWHERE;
    let oracleAt = NOWHERE;
    let fundingAt = NOWHERE;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      const at = scanner.at;
      if (scanner.isText(KEY_MARK)) markAt = at;
      else if (scanner.isText(KEY_ORACLE)) oracleAt = at;
      else if (scanner.isText(KEY_FUNDING)) fundingAt = at;
      if (!scanner.skipValue()) return false;
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    const end = scanner.at;
    if (!this.#reference(EntryKind.Mark, MARK_SCALE, markAt, oracleAt)) return false;
    if (!this.#reference(EntryKind.Funding, FUNDING_SCALE, fundingAt, NOWHERE)) return false;
    scanner.at = end;
    return true;
  }

  /** An entry of two reference prices; without the first there is none, without the second it is 0. */
  #reference(kind: EntryKind, scale: number, firstAt: number, secondAt: number): boolean {
    const entries = this.#entries;
    const index = entries.add(kind, this.#place);
    entries.setNoTime(index);
    entries.sizes[index] = 0;
    entries.askPrices[index] = 0;
    const first = this.#referenceAt(index, Wide.Price, scale, firstAt);
    if (first === DecimalStatus.Absent) {
      entries.dropLast();
      return true;
    }
    const second = this.#referenceAt(index, Wide.AskPrice, scale, secondAt);
    const worst = second === DecimalStatus.Absent ? first : Math.max(first, second);
    if (worst <= DecimalStatus.Wide) return true;
    return this.#reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
  }

  #referenceAt(index: number, field: Wide, scale: number, at: number): DecimalStatus {
    if (at === NOWHERE) return DecimalStatus.Absent;
    const scanner = this.#scanner;
    scanner.at = at;
    const status = scanner.quotedDecimal(scale);
    const values = field === Wide.Price ? this.#entries.prices : this.#entries.askPrices;
    if (status === DecimalStatus.Ok) {
      values[index] = scanner.mantissa[0] as number;
      if (values[index] < 0 && scale === MARK_SCALE) return DecimalStatus.Malformed;
    } else if (status === DecimalStatus.Wide) {
      this.#entries.setWideMantissa(index, field, scanner.wideMantissa);
    }
    return status;
  }

  // -------------------------------------------------------------- answers, errors

  /** {"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC",…}} */
  #answer(): boolean {
    const scanner = this.#scanner;
    this.#isSubscribe = false;
    if (!scanner.beginObject()) return false;
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_METHOD)) {
        if (!scanner.string()) return false;
        this.#isSubscribe = scanner.isText(TEXT_SUBSCRIBE);
      } else if (scanner.isText(KEY_SUBSCRIPTION)) {
        if (!this.#subscription()) return false;
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0;
  }

  /** Cold: which of our subscriptions is meant, into #answered. */
  #subscription(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    let place = UNKNOWN_PLACE;
    let channel: Channel = Channel.Unknown;
    let more = scanner.isEmptyObject() ? 0 : 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_COIN) && scanner.peek() === 0x22) {
        if (!scanner.string()) return false;
        place = this.#reader.knownPlace();
      } else if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        channel = this.#channelOf();
      } else if (!scanner.skipValue()) {
        return false;
      }
      more = scanner.nextMember();
    }
    if (more !== 0) return false;
    const lists = [this.#bookSubscriptions, this.#tradeSubscriptions, this.#bboSubscriptions];
    const list = [undefined, ...lists, this.#ctxSubscriptions][channel];
    const found = list?.[place];
    if (found !== undefined) this.#answered = this.#subscriptions.indexOf(found);
    return true;
  }

  /** A text, in which quotes are escaped. */
  #error(): boolean {
    const scanner = this.#scanner;
    scanner.skipSpace();
    this.#textStart = scanner.at + 1;
    if (!scanner.skipValue()) return false;
    this.#textEnd = Math.max(this.#textStart, scanner.at - 1);
    return true;
  }

  /** Cold: a market that `normalize` was not told of. */
  #resolveSymbol(venueSymbol: string): number {
    const instrument = this.#resolve?.(venueSymbol);
    return instrument === undefined ? UNKNOWN_PLACE : this.#add(instrument);
  }

  #add(instrument: Instrument): number {
    const place = this.#publisher.addMarket(instrument);
    this.#reader.addMarket(place, instrument);
    this.#memories.push(new LevelMemory());
    const [book, trades, bbo, ctx] = MARKET_CHANNELS;
    const lists: readonly (readonly [FeedSubscription[], string])[] = [
      [this.#bookSubscriptions, book],
      [this.#tradeSubscriptions, trades],
      [this.#bboSubscriptions, bbo],
      [this.#ctxSubscriptions, ctx],
    ];
    for (const [list, channel] of lists) {
      const subscription = new FeedSubscription(channel, place, channel === book);
      list.push(subscription);
      this.#subscriptions.push(subscription);
    }
    return place;
  }
}
