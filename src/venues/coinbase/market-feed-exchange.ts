/**
 * market-feed-exchange: Coinbase's old Exchange feed, from frame bytes to book changes and ticks. For captures and
 * recordings (`normalize`); the venue is connected to by the other feed (market-feed.ts).
 * @hotpath
 *
 * One per connection. Deterministic: no clock, no I/O. Wire facts: docs/venues/coinbase.md.
 *
 *   {"type":"l2update","product_id":"BTC-USD","changes":[["buy","9202.70","0.5"],…],"time":"…"}
 *   {"type":"snapshot","product_id":"BTC-USD","asks":[["9222.39","0.1"],…],"bids":[…],"time":"…"}   time since 2025
 *   {"type":"match","trade_id":1,"side":"sell","size":"…","price":"…","product_id":"…","sequence":1,"time":"…"}
 *
 * There is no number that counts every message: `sequence` is the product's own and jumps from match to match; the venue
 * promises that no book update is lost. A match that is not newer than the last one of its product is ignored.
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
import { BookState, MarketPublisher } from '../market-publisher.js';
import type { MarketState } from '../market-publisher.js';
import type { FeedSubscription } from '../subscription.js';
import type { FrameRejects } from '../venue.js';
import { EXCHANGE } from './market-feed-acknowledgements.js';
import { CoinbaseSubscriptions, MarketChannel } from './market-feed-subscriptions.js';

const KEY_TYPE = ascii('type');
const KEY_PRODUCT = ascii('product_id');
const KEY_TIME = ascii('time');
const KEY_CHANGES = ascii('changes');
const KEY_ASKS = ascii('asks');
const KEY_BIDS = ascii('bids');
const KEY_SEQUENCE = ascii('sequence');
const KEY_TRADE_ID = ascii('trade_id');
const KEY_SIDE = ascii('side');
const KEY_PRICE = ascii('price');
const KEY_SIZE = ascii('size');
const KEY_LAST_SIZE = ascii('last_size');
const KEY_BEST_BID = ascii('best_bid');
const KEY_BEST_BID_SIZE = ascii('best_bid_size');
const KEY_BEST_ASK = ascii('best_ask');
const KEY_BEST_ASK_SIZE = ascii('best_ask_size');
const KEY_CHANNELS = ascii('channels');
const KEY_MESSAGE = ascii('message');

const TYPE_L2_UPDATE = ascii('l2update');
const TYPE_SNAPSHOT = ascii('snapshot');
const TYPE_MATCH = ascii('match');
const TYPE_LAST_MATCH = ascii('last_match');
const TYPE_TICKER = ascii('ticker');
const TYPE_HEARTBEAT = ascii('heartbeat');
const TYPE_SUBSCRIPTIONS = ascii('subscriptions');
const TYPE_ERROR = ascii('error');

const TEXT_BUY = ascii('buy');
const TEXT_SELL = ascii('sell');

/** A change as the venue writes it: ["buy","9202.70","0.5"]. */
const CHANGE_BUY = ascii('["buy",');
const CHANGE_SELL = ascii('["sell",');
const COMMA = 0x2c;
const ARRAY_CLOSE = 0x5d;
const CLOSE = 0x7d;
const LEVEL_BETWEEN = ascii('","');
const LEVEL_END = ascii('"]');
const QUOTE = 0x22;

/** A match as the venue writes it. */
const MATCH_HEAD = ascii('{"type":"match","trade_id":');
const MATCH_MAKER = ascii(',"maker_order_id":');
const MATCH_TAKER = ascii(',"taker_order_id":');
const MATCH_BUY = ascii(',"side":"buy","size":');
const MATCH_SELL = ascii(',"side":"sell","size":');
const MATCH_PRICE = ascii(',"price":');
const MATCH_PRODUCT = ascii(',"product_id":');
const MATCH_SEQUENCE = ascii(',"sequence":');
const MATCH_TIME = ascii(',"time":');

/** A ticker as the venue writes it since 2022 (with sizes) and before (without). */
const TICKER_HEAD = ascii('{"type":"ticker","sequence":');
const TICKER_PRICE = ascii(',"price":');
const TICKER_SKIPPED = [
  ',"open_24h":',
  ',"volume_24h":',
  ',"low_24h":',
  ',"high_24h":',
  ',"volume_30d":',
].map(ascii);
const TICKER_BID = ascii(',"best_bid":');
const TICKER_BID_SIZE = ascii(',"best_bid_size":');
const TICKER_ASK = ascii(',"best_ask":');
const TICKER_ASK_SIZE = ascii(',"best_ask_size":');
const TICKER_SIDE = ascii(',"side":');
const TICKER_TIME = ascii(',"time":');
const TICKER_TRADE = ascii(',"trade_id":');
const TICKER_LAST_SIZE = ascii(',"last_size":');

const MessageType = {
  None: 0,
  Update: 1,
  Snapshot: 2,
  Match: 3,
  LastMatch: 4,
  Ticker: 5,
  Subscriptions: 6,
  Error: 7,
  Other: 8,
  Unknown: 9,
} as const;
type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Members whose value is read after all of them were seen, by what they are. */
const Member = {
  Changes: 0,
  Asks: 1,
  Bids: 2,
  Price: 3,
  Size: 4,
  LastSize: 5,
  BestBid: 6,
  BestBidSize: 7,
  BestAsk: 8,
  BestAskSize: 9,
  Channels: 10,
  Message: 11,
} as const;
type Member = (typeof Member)[keyof typeof Member];
const MEMBER_COUNT = 12;

export class CoinbaseExchangeMarketFeed implements DecodingFeed {
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #subscriptions = new CoinbaseSubscriptions(EXCHANGE);
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  /** [0]: sequence of the last frame; NaN when it had none. */
  readonly #seq = new Float64Array(1);
  /** By place: sequence of the last match; 0: none on this connection. */
  #matchSeqs = new Float64Array(16);
  /** Where each member stands in the frame; NOWHERE: it has not been seen. */
  readonly #at = new Int32Array(MEMBER_COUNT);
  #frameCount = 0;
  // What is known of the frame under way.
  #type: MessageType = MessageType.None;
  #place = UNKNOWN_PLACE;
  #hasProduct = false;
  #hasTime = false;
  #hasSide = false;
  #isSell = false;
  #tradeIdStatus: DecimalStatus = DecimalStatus.Absent;
  readonly #tradeId = new Float64Array(1);
  #wideTradeId = 0n;

  constructor(options: DecodingFeedOptions) {
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#seq[0] = NaN;
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
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions.list;
  }

  /** Never: a new subscription mends every book. */
  get needsResubscribe(): boolean {
    return false;
  }

  get brokenBy(): ErrorCode {
    return 'OK';
  }

  /** Cold: for `normalize`. */
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

  get entryCount(): number {
    return this.#publisher.entryCount;
  }

  get lastSeq(): number {
    return this.#seq[0] as number;
  }

  onConnected(): readonly string[] {
    this.#publisher.resetAll();
    this.#matchSeqs.fill(0);
    return this.#subscriptions.requestAll();
  }

  renew(subscription: number): readonly string[] {
    const { place, isChatty } = this.#subscriptions.list[subscription] as FeedSubscription;
    if (isChatty) this.#publisher.awaitSnapshot(place);
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

  refine(place: number, instrument: Instrument): void {
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    const scanner = this.#scanner;
    scanner.begin(bytes);
    this.#entries.begin();
    this.#forgetFrame();
    if (!this.#inOrder() || !scanner.isAtEnd()) {
      scanner.rewind();
      this.#entries.begin();
      this.#forgetFrame();
      if (!this.#members() || !scanner.isAtEnd() || !this.#content()) {
        this.#onMalformed(recvNs);
        return;
      }
    }
    if (this.#type === MessageType.Error || this.#type === MessageType.Unknown) {
      this.#onUnknown();
      return;
    }
    this.#frameCount++;
    if (this.#entries.count > 0 && this.#isNew()) {
      this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
    }
    this.#tellHeard(recvNs);
  }

  #forgetFrame(): void {
    this.#type = MessageType.None;
    this.#place = UNKNOWN_PLACE;
    this.#hasProduct = false;
    this.#hasTime = false;
    this.#hasSide = false;
    this.#tradeIdStatus = DecimalStatus.Absent;
    this.#seq[0] = NaN;
    this.#at.fill(NOWHERE);
    this.#subscriptions.begin();
  }

  /** A match or ticker of a known product in the order of the wire, with plain numbers. False: read member by member. */
  #inOrder(): boolean {
    const scanner = this.#scanner;
    if (scanner.literal(MATCH_HEAD)) return this.#matchInOrder();
    return scanner.literal(TICKER_HEAD) && this.#tickerInOrder();
  }

  #matchInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.id(this.#tradeId, 0)) return false;
    if (!scanner.literal(MATCH_MAKER) || !scanner.skipString()) return false;
    if (!scanner.literal(MATCH_TAKER) || !scanner.skipString()) return false;
    const isSell = scanner.literal(MATCH_SELL);
    if (!isSell && !scanner.literal(MATCH_BUY)) return false;
    const sizeAt = scanner.at;
    if (!scanner.skipString() || !scanner.literal(MATCH_PRICE)) return false;
    const priceAt = scanner.at;
    if (!scanner.skipString() || !scanner.literal(MATCH_PRODUCT) || !scanner.string()) return false;
    const place = this.#reader.knownPlace();
    if (place === UNKNOWN_PLACE || !scanner.literal(MATCH_SEQUENCE)) return false;
    if (!scanner.id(this.#seq, 0) || !scanner.literal(MATCH_TIME) || !scanner.time()) return false;
    if (!scanner.take(CLOSE)) return false;
    const end = scanner.at;
    const index = entries.add(EntryKind.Trade, place);
    entries.setTime(index, scanner);
    entries.flags[index] = isSell ? 0 : TickFlag.AggressorSell;
    entries.ids[index] = this.#tradeId[0] as number;
    const priceStatus = this.#reader.read(index, Wide.Price, priceAt, place);
    const sizeStatus = this.#reader.read(index, Wide.Size, sizeAt, place);
    scanner.at = end;
    if (priceStatus !== DecimalStatus.Ok || sizeStatus !== DecimalStatus.Ok) return false;
    this.#subscriptions.hear(place, MarketChannel.Trades);
    this.#type = MessageType.Match;
    this.#place = place;
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  #tickerInOrder(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (!scanner.id(this.#seq, 0) || !scanner.literal(MATCH_PRODUCT)) return false;
    if (!scanner.string()) return false;
    const place = reader.knownPlace();
    if (place === UNKNOWN_PLACE || !scanner.literal(TICKER_PRICE)) return false;
    const index = entries.add(EntryKind.Ticker, place);
    const last = entries.add(EntryKind.TickerLast, place);
    if (!reader.isOk(last, Wide.Price, place)) return false;
    for (let i = 0; i < TICKER_SKIPPED.length; i++) {
      if (!scanner.literal(TICKER_SKIPPED[i] as AsciiText) || !scanner.skipString()) return false;
    }
    entries.sizes[index] = 0;
    entries.askSizes[index] = 0;
    if (!scanner.literal(TICKER_BID) || !reader.isOk(index, Wide.Price, place)) return false;
    if (scanner.literal(TICKER_BID_SIZE) && !reader.isOk(index, Wide.Size, place)) return false;
    if (!scanner.literal(TICKER_ASK) || !reader.isOk(index, Wide.AskPrice, place)) return false;
    if (scanner.literal(TICKER_ASK_SIZE) && !reader.isOk(index, Wide.AskSize, place)) return false;
    if (!scanner.literal(TICKER_SIDE) || !scanner.skipString()) return false;
    if (!scanner.literal(TICKER_TIME) || !scanner.time()) return false;
    entries.setTime(index, scanner);
    entries.copyTime(last, index);
    if (!scanner.literal(TICKER_TRADE) || !scanner.id(this.#tradeId, 0)) return false;
    if (!scanner.literal(TICKER_LAST_SIZE) || !reader.isOk(last, Wide.Size, place)) return false;
    if (!scanner.take(CLOSE)) return false;
    this.#subscriptions.hear(place, MarketChannel.Ticker);
    this.#type = MessageType.Ticker;
    this.#place = place;
    return true;
  }

  /** Every member: what can be read at once is read, the place of the rest is kept. False: malformed. */
  #members(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginObject()) return false;
    if (scanner.isEmptyObject()) return true;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      if (scanner.isText(KEY_TYPE)) {
        if (!scanner.string()) return false;
        this.#type = this.#typeOf();
      } else if (scanner.isText(KEY_PRODUCT)) {
        if (!scanner.string()) return false;
        this.#place = this.#reader.place();
        this.#hasProduct = true;
      } else if (scanner.isText(KEY_TIME)) {
        if (!scanner.time()) return false;
        this.#hasTime = true;
      } else if (scanner.isText(KEY_SEQUENCE)) {
        if (!scanner.count()) return false;
        this.#seq[0] = scanner.mantissa[0] as number;
      } else if (scanner.isText(KEY_TRADE_ID)) {
        if (!this.#readTradeId()) return false;
      } else if (scanner.isText(KEY_SIDE)) {
        if (!scanner.string()) return false;
        this.#isSell = scanner.isText(TEXT_SELL);
        this.#hasSide = this.#isSell || scanner.isText(TEXT_BUY);
      } else if (!this.#passMember()) {
        return false;
      }
      more = scanner.nextMember();
    }
    return more === 0;
  }

  #typeOf(): MessageType {
    const scanner = this.#scanner;
    if (scanner.isText(TYPE_L2_UPDATE)) return MessageType.Update;
    if (scanner.isText(TYPE_MATCH)) return MessageType.Match;
    if (scanner.isText(TYPE_TICKER)) return MessageType.Ticker;
    if (scanner.isText(TYPE_HEARTBEAT)) return MessageType.Other;
    if (scanner.isText(TYPE_SNAPSHOT)) return MessageType.Snapshot;
    if (scanner.isText(TYPE_LAST_MATCH)) return MessageType.LastMatch;
    if (scanner.isText(TYPE_SUBSCRIPTIONS)) return MessageType.Subscriptions;
    return scanner.isText(TYPE_ERROR) ? MessageType.Error : MessageType.Unknown;
  }

  #readTradeId(): boolean {
    const scanner = this.#scanner;
    const status = scanner.bareDecimal(0);
    this.#tradeIdStatus = status;
    if (status === DecimalStatus.Ok) this.#tradeId[0] = scanner.mantissa[0] as number;
    else if (status === DecimalStatus.Wide) this.#wideTradeId = scanner.wideMantissa;
    else return false;
    return true;
  }

  /**
   * A member whose value waits, or is not ours. The levels of an update are read at once where type and product are known
   * already, as they always are on the wire.
   */
  #passMember(): boolean {
    const scanner = this.#scanner;
    const member = this.#memberOf();
    if (member < 0) return scanner.skipValue();
    // A member that comes twice is refused: which one counts is not for us to say.
    if (this.#at[member] !== NOWHERE) return false;
    this.#at[member] = scanner.at;
    const isReady = this.#type === MessageType.Update && this.#place !== UNKNOWN_PLACE;
    if (member !== Member.Changes || !isReady) return scanner.skipValue();
    return this.#changes();
  }

  /** Which of the members that wait the last key names; -1: none. */
  #memberOf(): number {
    const scanner = this.#scanner;
    if (scanner.isText(KEY_CHANGES)) return Member.Changes;
    if (scanner.isText(KEY_PRICE)) return Member.Price;
    if (scanner.isText(KEY_SIZE)) return Member.Size;
    if (scanner.isText(KEY_BEST_BID)) return Member.BestBid;
    if (scanner.isText(KEY_BEST_ASK)) return Member.BestAsk;
    if (scanner.isText(KEY_BEST_BID_SIZE)) return Member.BestBidSize;
    if (scanner.isText(KEY_BEST_ASK_SIZE)) return Member.BestAskSize;
    if (scanner.isText(KEY_LAST_SIZE)) return Member.LastSize;
    if (scanner.isText(KEY_ASKS)) return Member.Asks;
    if (scanner.isText(KEY_BIDS)) return Member.Bids;
    if (scanner.isText(KEY_CHANNELS)) return Member.Channels;
    return scanner.isText(KEY_MESSAGE) ? Member.Message : -1;
  }

  /** What the members say together. False: malformed. */
  #content(): boolean {
    const type = this.#type;
    if (type === MessageType.Subscriptions) return this.#onList();
    const isMarket = type >= MessageType.Update && type <= MessageType.Ticker;
    // No type at all is no message of this feed.
    if (!isMarket) return type !== MessageType.None;
    if (!this.#hasProduct) return false;
    // An unknown product: counted where it was seen.
    if (this.#place === UNKNOWN_PLACE) return true;
    if (type === MessageType.Update) return this.#update();
    if (type === MessageType.Snapshot) return this.#snapshot();
    if (!this.#hasTime) return false;
    return type === MessageType.Ticker ? this.#ticker() : this.#match();
  }

  #update(): boolean {
    const changesAt = this.#at[Member.Changes] as number;
    if (changesAt === NOWHERE || !this.#hasTime) return false;
    this.#subscriptions.hear(this.#place, MarketChannel.Level2);
    const entries = this.#entries;
    if (entries.count === 0) {
      this.#scanner.at = changesAt;
      if (!this.#changes()) return false;
    }
    if (entries.count > 0) entries.setTime(0, this.#scanner);
    for (let index = 1; index < entries.count; index++) entries.copyTime(index, 0);
    return true;
  }

  /** [["buy","9202.70","0.5"],…] */
  #changes(): boolean {
    const scanner = this.#scanner;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!this.#change()) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  #change(): boolean {
    const scanner = this.#scanner;
    let kind: EntryKind = EntryKind.Bid;
    if (!scanner.literal(CHANGE_BUY)) {
      if (scanner.literal(CHANGE_SELL)) {
        kind = EntryKind.Ask;
      } else {
        if (!scanner.beginArray() || !scanner.string()) return false;
        if (scanner.isText(TEXT_SELL)) kind = EntryKind.Ask;
        else if (!scanner.isText(TEXT_BUY)) return false;
        if (!scanner.take(COMMA)) return false;
      }
    }
    return this.#level(kind);
  }

  /** Price and size, up to the bracket that closes the level. */
  #level(kind: EntryKind): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    const index = this.#entries.add(kind, place);
    if (scanner.bytes[scanner.at] === QUOTE) {
      scanner.at++;
      if (this.#reader.isQuotedLevel(index, place, LEVEL_BETWEEN, LEVEL_END)) return true;
      scanner.at--;
    }
    const priceStatus = this.#reader.readHere(index, Wide.Price, place);
    if (!scanner.take(COMMA)) return false;
    const sizeStatus = this.#reader.readHere(index, Wide.Size, place);
    return scanner.take(ARRAY_CLOSE) && this.#reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  /** The time may be missing (before 2025) and stands behind the levels. */
  #snapshot(): boolean {
    const asksAt = this.#at[Member.Asks] as number;
    const bidsAt = this.#at[Member.Bids] as number;
    if (asksAt === NOWHERE || bidsAt === NOWHERE) return false;
    this.#subscriptions.hear(this.#place, MarketChannel.Level2);
    const entries = this.#entries;
    const begin = entries.add(EntryKind.SnapshotBegin, this.#place);
    if (this.#hasTime) entries.setTime(begin, this.#scanner);
    else entries.setNoTime(begin);
    if (!this.#side(bidsAt, EntryKind.Bid) || !this.#side(asksAt, EntryKind.Ask)) return false;
    entries.add(EntryKind.SnapshotEnd, this.#place);
    return true;
  }

  /** [["9222.39","0.1"],…] */
  #side(at: number, kind: EntryKind): boolean {
    const scanner = this.#scanner;
    scanner.at = at;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    let more = 1;
    while (more === 1) {
      if (!scanner.beginArray() || !this.#level(kind)) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** `side` is the maker's. last_match is what happened before the subscription. */
  #match(): boolean {
    const entries = this.#entries;
    const place = this.#place;
    const hasId = this.#tradeIdStatus !== DecimalStatus.Absent;
    if (!hasId || !this.#hasSide || Number.isNaN(this.#seq[0])) return false;
    const priceAt = this.#at[Member.Price] as number;
    const sizeAt = this.#at[Member.Size] as number;
    if (priceAt === NOWHERE || sizeAt === NOWHERE) return false;
    this.#subscriptions.hear(place, MarketChannel.Trades);
    const index = entries.add(EntryKind.Trade, place);
    entries.setTime(index, this.#scanner);
    entries.flags[index] =
      (this.#isSell ? 0 : TickFlag.AggressorSell) |
      (this.#type === MessageType.LastMatch ? TickFlag.Backfill : 0);
    if (this.#tradeIdStatus === DecimalStatus.Ok) entries.ids[index] = this.#tradeId[0] as number;
    else entries.setWideMantissa(index, Wide.Id, this.#wideTradeId);
    const priceStatus = this.#reader.read(index, Wide.Price, priceAt, place);
    const sizeStatus = this.#reader.read(index, Wide.Size, sizeAt, place);
    if (priceStatus > DecimalStatus.Wide || sizeStatus > DecimalStatus.Wide) {
      return this.#reader.refuse(priceStatus, sizeStatus);
    }
    return this.#reader.isAbove(index, Wide.Price) && this.#reader.isAbove(index, Wide.Size);
  }

  #ticker(): boolean {
    const entries = this.#entries;
    const place = this.#place;
    const at = this.#at;
    if (Number.isNaN(this.#seq[0])) return false;
    this.#subscriptions.hear(place, MarketChannel.Ticker);
    const index = entries.add(EntryKind.Ticker, place);
    entries.setTime(index, this.#scanner);
    const bid = this.#optional(index, Wide.Price, at[Member.BestBid] as number);
    const bidSize = this.#optional(index, Wide.Size, at[Member.BestBidSize] as number);
    const ask = this.#optional(index, Wide.AskPrice, at[Member.BestAsk] as number);
    const askSize = this.#optional(index, Wide.AskSize, at[Member.BestAskSize] as number);
    const last = entries.add(EntryKind.TickerLast, place);
    entries.copyTime(last, index);
    const lastPrice = this.#optional(last, Wide.Price, at[Member.Price] as number);
    const lastSize = this.#optional(last, Wide.Size, at[Member.LastSize] as number);
    const worst = Math.max(bid, bidSize, ask, askSize, lastPrice, lastSize);
    if (worst > DecimalStatus.Absent) {
      entries.dropLast();
      return this.#reader.refuse(worst as DecimalStatus, DecimalStatus.Ok);
    }
    entries.flags[index] =
      (bid === DecimalStatus.Absent ? TickFlag.NoBid : 0) |
      (ask === DecimalStatus.Absent ? TickFlag.NoAsk : 0);
    return true;
  }

  #optional(index: number, field: Wide, at: number): DecimalStatus {
    return this.#reader.readOptional(index, field, at, this.#place);
  }

  /** Whether the frame says what was not said before: a match must be newer than the last one of its product. */
  #isNew(): boolean {
    if (this.#type !== MessageType.Match && this.#type !== MessageType.LastMatch) return true;
    const seq = this.#seq[0] as number;
    if (seq <= (this.#matchSeqs[this.#place] as number)) {
      this.#rejects.reject('VENUE_SEQ_OLD', 'the sequence of a match is not above the last one');
      return false;
    }
    this.#matchSeqs[this.#place] = seq;
    return true;
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

  /** Nobody knows what a bad book frame said: it costs the book of its product, of all when that was not read. */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    if (this.#type !== MessageType.Update && this.#type !== MessageType.Snapshot) return;
    if (this.#hasProduct && this.#place === UNKNOWN_PLACE) return;
    for (let place = 0; place < this.markets.length; place++) {
      if (this.#hasProduct && place !== this.#place) continue;
      this.#publisher.stale(place, this.#malformedCode, recvNs);
      this.#subscriptions
        .of(place, MarketChannel.Level2)
        .spoil(this.#malformedCode, 'a book message was not understood');
    }
  }

  #onUnknown(): void {
    if (this.#type === MessageType.Error) {
      const message = this.#errorText();
      this.#subscriptions.onError(message);
      this.#rejects.reject('FRAME_VENUE_ERROR', message);
      return;
    }
    this.#rejects.reject('FRAME_UNKNOWN', 'a message of an unknown type');
  }

  /** Cold. */
  #errorText(): string {
    const scanner = this.#scanner;
    const at = this.#at[Member.Message] as number;
    if (at === NOWHERE) return '';
    scanner.at = at;
    return scanner.string() ? scanner.text() : '';
  }

  /** Cold: the venue's list of what is subscribed. */
  #onList(): boolean {
    const scanner = this.#scanner;
    const at = this.#at[Member.Channels] as number;
    if (at === NOWHERE) return false;
    scanner.at = at;
    if (!scanner.skipValue()) return false;
    const text = Buffer.from(scanner.bytes.subarray(at, scanner.at)).toString('utf8');
    return this.#subscriptions.onList(text);
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
    this.#subscriptions.add(place, instrument);
    if (place === this.#matchSeqs.length) {
      const larger = new Float64Array(place * 2);
      larger.set(this.#matchSeqs);
      this.#matchSeqs = larger;
    }
    return place;
  }
}
