/**
 * market-feed: Binance's public streams, spot and USD-M, from frame bytes to book changes and ticks.
 * @hotpath
 *
 * One per connection, ingest thread (and `normalize`). Deterministic: no clock, no I/O. Wire facts: docs/venues/binance.md.
 *
 *   {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":…,"s":"BTCUSDT","U":…,"u":…,"b":[…],"a":[…]}}
 *   or the inner object alone; {"result":null,"id":1} acknowledges a request.
 *
 * Books: the stream has only diffs; the snapshot comes by REST (takeRequest, onBody). Diffs wait until it is there, and each
 * market has its own chain of ids: a hole costs that market's book and nothing else (market-feed-chain.ts).
 * bookTicker is ahead of the diffs: it is published as Ticker and never becomes part of the book.
 * A frame is decoded first and applied only when all of it was understood. The order of the wire is the fast way; everything
 * else is read by key: the places of all members first, their values then.
 */
import { must } from '../../domain/assert.js';
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
import {
  BOOK_CHANNEL,
  DIFFS_OLD_MAX,
  MARK_INTERVAL_NS,
  PROBE_LEVELS,
  SNAPSHOT_LEVELS,
  TICKER_CHANNEL,
  TRADE_CHANNEL,
} from './endpoints.js';
import type { BinanceMarket } from './endpoints.js';
import {
  ChainVerdict,
  DiffChain,
  DiffPlaces,
  FIRST_ID,
  LAST_ID,
  PREVIOUS_ID,
} from './market-feed-chain.js';
import { MARK_OF_BODY, MARK_OF_STREAM, MarkReader } from './market-feed-marks.js';
import {
  FrameMembers,
  KEY_EVENT,
  KEY_EVENT_TIME,
  KEY_SYMBOL,
  KEY_TIME,
  KEY_TRADE_ID,
  KEY_AGGREGATE_ID,
  KEY_PRICE,
  KEY_SIZE,
  KEY_IS_MAKER_BUYER,
  KEY_FIRST_ID,
  KEY_LAST_ID,
  KEY_BID,
  KEY_BID_SIZE,
  KEY_ASK,
  KEY_ASK_SIZE,
  Member,
} from './market-feed-members.js';
import { QuietBooks, QuietVerdict } from './market-feed-quiet.js';
import { SnapshotRequests } from './market-feed-requests.js';
import { StreamSubscriptions } from './market-feed-subscriptions.js';

/** The heads of messages as the venue writes them. */
const HEAD_STREAM = ascii('{"stream":');
const HEAD_DATA = ascii(',"data":');
const HEAD_SPOT_TICKER = ascii('{"u":');
const HEAD_TICKER = ascii('{"e":"bookTicker","u":');
const HEAD_DIFF = ascii('{"e":"depthUpdate","E":');
const HEAD_TRADE = ascii('{"e":"trade","E":');
const HEAD_AGGREGATE = ascii('{"e":"aggTrade","E":');

const THEN_A_ID = ascii(',"a":');
const THEN_ASK = THEN_A_ID;
const THEN_BID = ascii(',"b":');
const THEN_E = ascii(',"E":');
const THEN_FIRST = ascii(',"f":');
const THEN_LAST = ascii(',"l":');
const THEN_FIRST_ID = ascii(',"U":');
const THEN_LAST_ID = ascii(',"u":');
const THEN_PREVIOUS_ID = ascii(',"pu":');
const THEN_SYMBOL = ascii(',"s":');
const THEN_TIME = ascii(',"T":');
const THEN_TRADE_ID = ascii(',"t":');
/** What stands between the decimals of tickers and trades. */
const TICKER_BID = ascii(',"b":"');
const TICKER_BID_SIZE = ascii('","B":"');
const TICKER_ASK = ascii('","a":"');
const TICKER_ASK_SIZE = ascii('","A":"');
const TICKER_TIME = ascii('","T":');
const TICKER_END = ascii('"}');
const TRADE_PRICE = ascii(',"p":"');
const TRADE_SIZE = ascii('","q":"');
const TRADE_MARKET = ascii('","X":"MARKET"');
const TRADE_END = ascii('"');
/** Ends of trades; m is whether the buyer was the maker, M is always true on spot. */
const SPOT_SELL = ascii(',"m":true,"M":true}');
const SPOT_BUY = ascii(',"m":false,"M":true}');
const FUTURES_SELL = ascii(',"m":true}');
const FUTURES_BUY = ascii(',"m":false}');

/** How often it is looked for quiet books and old marks. */
const LOOK_NS = 250_000_000;

/** Where the name of an event begins. */
const EVENT_NAME_AT = 6;
const LETTER_A = 0x61;
const LETTER_B = 0x62;
const LETTER_D = 0x64;
const LETTER_T = 0x74;

const OPEN = 0x7b;
const CLOSE = 0x7d;
const LEVEL_OPEN = 0x5b;
const LEVEL_CLOSE = 0x5d;
const COMMA = 0x2c;
const AT = 0x40;
const ZERO = 0x30;
const NINE = 0x39;

const TEXT_TRUE = ascii('true');
const TEXT_FALSE = ascii('false');
const TEXT_TRADE = ascii('trade');
const TEXT_AGGREGATE = ascii('aggTrade');
const TEXT_TICKER = ascii('bookTicker');
const TEXT_DIFF = ascii('depthUpdate');
const TEXT_MARK = ascii('markPriceUpdate');
const TEXT_SHUTDOWN = ascii('serverShutdown');
/** Events whose content is not ours to read. */
const TEXTS_OTHER = [
  'kline',
  'continuous_kline',
  '24hrTicker',
  '24hrMiniTicker',
  '1hTicker',
  '4hTicker',
  'avgPrice',
  'forceOrder',
  'indexPriceUpdate',
  'compositeIndex',
  'contractInfo',
  'assetIndexUpdate',
].map(ascii);
const CHANNEL_DEPTH = ascii('@depth');

const Event = {
  None: 0,
  Trade: 1,
  Ticker: 2,
  Diff: 3,
  Partial: 4,
  Mark: 5,
  Answer: 6,
  Shutdown: 7,
  Other: 8,
  Unknown: 9,
} as const;
type Event = (typeof Event)[keyof typeof Event];

export class BinanceMarketFeed implements DecodingFeed {
  readonly #market: BinanceMarket;
  readonly #isFutures: boolean;
  readonly #scanner = new ByteScanner();
  readonly #entries: FrameEntries;
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #reader: EntryReader;
  readonly #subscriptions: StreamSubscriptions;
  readonly #resolve: ((venueSymbol: string) => Instrument | undefined) | undefined;
  readonly #gapCode = codeIndex('VENUE_SEQ_GAP');
  readonly #malformedCode = codeIndex('FRAME_MALFORMED');
  readonly #silentCode = codeIndex('FEED_SILENT');
  readonly #missingCode = codeIndex('BOOK_MISSING');
  /** By place. */
  readonly #chains: DiffChain[] = [];
  /** By place, as the instruments have them. */
  readonly #priceScales: number[] = [];
  readonly #sizeScales: number[] = [];
  /** By place: the symbol in its quotes. */
  readonly #symbols: AsciiText[] = [];
  /** Place of the last symbol: mostly the next one is the same. */
  #lastPlace = 0;
  /** By place: its book comes from partial books, which are whole in themselves. */
  readonly #isPartial: boolean[] = [];
  readonly #requests = new SnapshotRequests();
  readonly #quiet = new QuietBooks();
  readonly #lastDiffNs: (place: number) => number;
  /** By place: when its mark price was asked for last. */
  readonly #marksAskedNs: number[] = [];
  readonly #bookChannel: number;
  readonly #tradeChannel: number;
  readonly #tickerChannel: number;
  #brokenBy: ErrorCode = 'OK';
  #frameCount = 0;
  /** [0]: the venue's number of the last frame that had one. */
  readonly #seq = Float64Array.of(NaN);
  /** [0]: receive time of the last frame or body. */
  readonly #now = new Float64Array(1);
  /** [0]: when quiet books and old marks are looked for again. */
  readonly #look = new Float64Array(1);
  // What is known of the frame under way.
  #event: Event = Event.None;
  #place = UNKNOWN_PLACE;
  #verdict: ChainVerdict = ChainVerdict.Apply;
  #streamStart = 0;
  #streamEnd = 0;
  readonly #ids = new Float64Array(3);
  /** Numbers that are passed over. */
  readonly #unread = new Float64Array(1);
  readonly #places = new DiffPlaces();
  readonly #members: FrameMembers;
  readonly #marks: MarkReader;

  constructor(market: BinanceMarket, options: DecodingFeedOptions) {
    this.#market = market;
    this.#isFutures = market.isFutures;
    this.#bookChannel = market.channels.indexOf(BOOK_CHANNEL);
    this.#tradeChannel = market.channels.indexOf(TRADE_CHANNEL);
    this.#tickerChannel = market.channels.indexOf(TICKER_CHANNEL);
    this.#rejects = options.rejects;
    this.#resolve = options.resolve;
    this.#subscriptions = new StreamSubscriptions(market.channels);
    this.#entries = new FrameEntries(options.runEpochNs);
    this.#members = new FrameMembers(this.#scanner);
    this.#publisher = new MarketPublisher({
      ticks: options.ticks,
      levelsMax: options.levelsMax,
      snapshotLevelsMax: options.snapshotLevelsMax,
      crossedIsStale: true,
      tradesInTimeOrder: options.tradesInTimeOrder,
      // Diffs without a snapshot are no book here, not even in a capture.
      booksStartEmpty: false,
      onBookBroken: (place) => this.#startAnew(place),
    });
    this.#reader = new EntryReader({
      scanner: this.#scanner,
      entries: this.#entries,
      rejects: options.rejects,
      isBare: false,
      onUnknownSymbol: (venueSymbol) => this.#resolveSymbol(venueSymbol),
    });
    this.#marks = new MarkReader(this.#scanner, this.#entries, this.#members, this.#reader);
    this.#lastDiffNs = (place) => this.#subscriptions.at(place, this.#bookChannel).lastDataNs;
    for (const instrument of options.instruments) this.#add(instrument);
  }

  get markets(): readonly MarketState[] {
    return this.#publisher.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#subscriptions.list;
  }

  get needsResubscribe(): boolean {
    return this.#brokenBy !== 'OK';
  }

  get brokenBy(): ErrorCode {
    return this.#brokenBy;
  }

  get tradeIdText(): string | null {
    const entry = this.#publisher.publishedEntry;
    return entry < 0 ? null : String(this.#entries.ids[entry]);
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
    this.#brokenBy = 'OK';
    this.#dropBooks();
    this.#publisher.resetAll();
    return this.#subscriptions.askForAll();
  }

  renew(subscription: number): readonly string[] {
    return this.#subscriptions.renew(subscription);
  }

  markStale(place: number, reason: number, nowNs: number): void {
    this.#publisher.stale(place, reason, nowNs);
    this.#dropBook(place);
  }

  takeRequest(): string | null {
    // Asked in every duty cycle: nothing to do is told by two comparisons.
    if (this.#requests.isIdle && (this.#now[0] as number) < (this.#look[0] as number)) return null;
    return this.#nextRequest();
  }

  /** Cold. */
  #nextRequest(): string | null {
    const nowNs = this.#now[0] as number;
    const missing = this.#requests.take(nowNs);
    if (missing >= 0) return this.#depthPath(missing, SNAPSHOT_LEVELS);
    if (nowNs < (this.#look[0] as number)) return null;
    const quiet = this.#quiet.take(nowNs, this.#lastDiffNs);
    if (quiet >= 0) return this.#depthPath(quiet, PROBE_LEVELS);
    const mark = this.#isFutures ? this.#markRequest() : null;
    if (mark === null) this.#look[0] = nowNs + LOOK_NS;
    return mark;
  }

  onSent(): void {
    // Nothing here depends on what was asked for.
  }

  onDisconnected(reason: number, nowNs: number): void {
    this.#dropBooks();
    this.#publisher.loseAll(reason, nowNs);
  }

  refine(place: number, instrument: Instrument): void {
    this.#publisher.refine(place, instrument);
    this.#reader.setScales(place, instrument);
    this.#setScales(place, instrument);
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    const scanner = this.#scanner;
    this.#now[0] = recvNs;
    scanner.begin(bytes);
    this.#entries.begin();
    this.#forgetFrame();
    if (!this.#inOrder()) {
      scanner.rewind();
      this.#entries.begin();
      this.#forgetFrame();
      if (!this.#byKey()) {
        this.#onMalformed(recvNs);
        return;
      }
    }
    switch (this.#event) {
      case Event.Ticker:
        this.#publish(this.#tickerChannel, recvNs);
        return;
      case Event.Diff:
        this.#onDiff(bytes, recvNs);
        return;
      case Event.Trade:
        this.#publish(this.#tradeChannel, recvNs);
        return;
      default:
        this.#onRare(recvNs);
    }
  }

  /** A trade or ticker that was understood; its market may be none of ours. */
  #publish(channel: number, recvNs: number): void {
    this.#frameCount++;
    const place = this.#place;
    if (place === UNKNOWN_PLACE) return;
    this.#subscriptions.at(place, channel).onData(recvNs);
    const entries = this.#entries;
    if (entries.count > 0) this.#publisher.commitFrom(entries, recvNs, this.#seq);
  }

  // -------------------------------------------------------------- books

  #onDiff(bytes: Uint8Array, recvNs: number): void {
    const place = this.#place;
    if (place === UNKNOWN_PLACE) {
      this.#frameCount++;
      return;
    }
    const chain = this.#chains[place] as DiffChain;
    if (this.#verdict === ChainVerdict.Old && ++chain.oldCount <= DIFFS_OLD_MAX) {
      // What the snapshot contains already is no repetition.
      if (!chain.isFirst) this.#onOld();
      else this.#onDiffSeen(place, recvNs);
      return;
    }
    this.#onDiffSeen(place, recvNs);
    if (this.#verdict !== ChainVerdict.Apply) {
      this.#rejects.reject('VENUE_SEQ_GAP', 'diffs of the book are missing');
      this.#publisher.stale(place, this.#gapCode, recvNs);
      this.#dropBook(place);
    }
    if (!chain.isLive) {
      this.#wait(place, bytes);
      return;
    }
    if (chain.isFirst) this.#requests.praise(place);
    chain.take(this.#ids);
    this.#seq[0] = this.#ids[LAST_ID] as number;
    // Also one without changes: it shows that the book is still right.
    this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
  }

  #onDiffSeen(place: number, recvNs: number): void {
    this.#frameCount++;
    this.#subscriptions.at(place, this.#bookChannel).onData(recvNs);
  }

  #onOld(): void {
    this.#rejects.reject('VENUE_SEQ_OLD', 'a diff of the book that had come before');
  }

  /** Cold: a diff without a book. It is kept, and the snapshot is asked for. */
  #wait(place: number, bytes: Uint8Array): void {
    if (this.#isPartial[place] === true) {
      this.#isPartial[place] = false;
      this.#publisher.stale(place, this.#missingCode, this.#now[0] as number);
    }
    const chain = this.#chains[place] as DiffChain;
    if (!chain.wait(bytes, this.#ids, this.#places)) {
      this.#rejects.reject('BOOK_BUFFER_FULL', `no snapshot of ${this.#symbolAt(place)} in time`);
    }
    this.#requests.want(place);
  }

  /** Cold: the book of this market is gone; its diffs wait again. */
  #dropBook(place: number): void {
    (this.#chains[place] as DiffChain).restart();
    this.#quiet.drop(place);
  }

  /** Cold. */
  #dropBooks(): void {
    for (const chain of this.#chains) chain.restart();
    this.#requests.reset();
    this.#quiet.reset();
    this.#look[0] = 0;
  }

  /** Cold: the book of this market broke by itself (it crossed), while its stream lives. */
  #startAnew(place: number): void {
    this.#dropBook(place);
    this.#requests.want(place);
  }

  onBody(path: string, body: Uint8Array, recvNs: number): void {
    const scanner = this.#scanner;
    this.#now[0] = recvNs;
    scanner.begin(body);
    this.#entries.begin();
    this.#forgetFrame();
    const isWhole = this.#members.read() && scanner.isAtEnd();
    if (path.includes('/premiumIndex')) {
      this.#onMarkBody(isWhole, recvNs);
      return;
    }
    const place = this.#placeOfPath(path);
    if (place === UNKNOWN_PLACE) {
      this.#rejects.reject('INSTRUMENT_UNKNOWN', `a body that belongs to no market: ${path}`);
      return;
    }
    if ((this.#chains[place] as DiffChain).isLive) {
      this.#compare(place, isWhole, recvNs);
      return;
    }
    if (path.endsWith(`limit=${PROBE_LEVELS}`)) return;
    const isUseful = this.#snapshot(place, isWhole, recvNs);
    this.#requests.onBody(place, isUseful, recvNs);
    // A book that broke at its first breath wants the next snapshot.
    if (isUseful && !(this.#chains[place] as DiffChain).isLive) this.#requests.want(place);
  }

  /** Cold: a body of /depth becomes the book, with the diffs that waited. False: it does not fit. */
  #snapshot(place: number, isWhole: boolean, recvNs: number): boolean {
    if (!isWhole || !this.#members.has(Member.LastUpdateId)) {
      this.#onBadBody(isWhole);
      return false;
    }
    const chain = this.#chains[place] as DiffChain;
    if (!this.#members.count(Member.LastUpdateId)) return this.#onBadBody(true);
    const snapshotId = this.#scanner.mantissa[0] as number;
    const from = chain.meets(snapshotId, this.#ids);
    if (from < 0) {
      this.#rejects.reject('VENUE_SEQ_OLD', 'a snapshot that is older than the stream');
      return false;
    }
    if (!this.#wholeBook(place, KEY_TIME, Member.Bids, Member.Asks)) return this.#onBadBody(true);
    this.#seq[0] = snapshotId;
    for (let index = from; index < chain.buffer.count; index++) {
      chain.buffer.idsInto(this.#ids, index);
      chain.buffer.placesInto(this.#places, index);
      this.#scanner.begin(chain.buffer.frame(index));
      if (!this.#levelsOfDiff(place)) {
        // Every id was right, but the content is not: nobody knows what it said.
        this.#rejects.reject('FRAME_MALFORMED', 'a diff that waited for its snapshot');
        this.#dropBook(place);
        return false;
      }
      this.#seq[0] = this.#ids[LAST_ID] as number;
    }
    chain.begin(snapshotId, from);
    this.#quiet.begin(place, recvNs);
    this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
    return true;
  }

  /** Cold: a body of /depth beside a book that lives: is our book where the venue's is? */
  #compare(place: number, isWhole: boolean, recvNs: number): void {
    if (!isWhole || !this.#members.count(Member.LastUpdateId)) {
      this.#onBadBody(isWhole);
      return;
    }
    const venueId = this.#scanner.mantissa[0] as number;
    const heldId = (this.#chains[place] as DiffChain).held[0] as number;
    const verdict = this.#quiet.judge(place, venueId, heldId, recvNs);
    const subscription = this.#subscriptions.at(place, this.#bookChannel);
    // Nothing was missed, so silence is what the stream has to say.
    if (verdict === QuietVerdict.Proven) subscription.onData(recvNs);
    if (verdict !== QuietVerdict.Dead) return;
    this.#publisher.stale(place, this.#silentCode, recvNs);
    this.#dropBook(place);
    subscription.spoil(
      this.#silentCode,
      'the book changes at the venue and the stream does not say so',
    );
  }

  /** Cold. */
  #onBadBody(isWhole: boolean): false {
    const isError = isWhole && this.#members.has(Member.Code);
    if (isError) this.#rejects.reject('FRAME_VENUE_ERROR', this.#messageText());
    else this.#rejects.reject('FRAME_MALFORMED', 'the body of a snapshot is not one');
    return false;
  }

  /** Cold: a whole book whose members were found, as entries. */
  #wholeBook(place: number, timeKey: number, bidsKey: number, asksKey: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    const members = this.#members;
    if (!members.has(bidsKey) || !members.has(asksKey)) return false;
    const begin = entries.add(EntryKind.SnapshotBegin, place);
    if (members.goTo(timeKey)) {
      if (!scanner.epochTime()) return false;
      entries.setTime(begin, scanner);
    } else {
      entries.setNoTime(begin);
    }
    if (!members.goTo(bidsKey) || !this.#levels(EntryKind.Bid, place, begin)) return false;
    if (!members.goTo(asksKey) || !this.#levels(EntryKind.Ask, place, begin)) return false;
    entries.add(EntryKind.SnapshotEnd, place);
    return true;
  }

  /** Both sides of a diff from their places. The scanner stands behind the second. */
  #levelsOfDiff(place: number): boolean {
    const scanner = this.#scanner;
    const first = this.#entries.count;
    scanner.at = this.#places.timeAt;
    if (!scanner.epochTime()) return false;
    scanner.at = this.#places.bidsAt;
    if (!this.#levelsAt(EntryKind.Bid, place, first)) return false;
    scanner.at = this.#places.asksAt;
    return this.#levelsAt(EntryKind.Ask, place, first);
  }

  /** Levels whose first one takes the scanner's last time; the others copy it. */
  #levelsAt(kind: EntryKind, place: number, first: number): boolean {
    return this.#levels(kind, place, this.#entries.count > first ? first : NOWHERE);
  }

  /**
   * [["61737.63000000","0.00000000"],…]: one side. `timeFrom`: the entry whose time it is; NOWHERE: the scanner's last time,
   * which stays what it was while levels are read.
   */
  #levels(kind: EntryKind, place: number, timeFrom: number): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    if (!scanner.beginArray()) return false;
    if (scanner.isEmptyArray()) return true;
    const priceScale = this.#priceScales[place] as number;
    const sizeScale = this.#sizeScales[place] as number;
    let from = timeFrom;
    let more = 1;
    while (more === 1) {
      const index = entries.add(kind, place);
      if (from === NOWHERE) {
        entries.setTime(index, scanner);
        from = index;
      } else {
        entries.copyTime(index, from);
      }
      const isPlain = scanner.level(entries.prices, entries.sizes, index, priceScale, sizeScale);
      if (!isPlain && !this.#oddLevel(index, place)) return false;
      more = scanner.nextElement();
    }
    return more === 0;
  }

  /** A level that has white space in it, is finer or larger than ours, or malformed. */
  #oddLevel(index: number, place: number): boolean {
    const scanner = this.#scanner;
    const reader = this.#reader;
    if (!scanner.take(LEVEL_OPEN)) return false;
    const priceStatus = reader.readHere(index, Wide.Price, place);
    if (!scanner.take(COMMA)) return false;
    const sizeStatus = reader.readHere(index, Wide.Size, place);
    if (!scanner.take(LEVEL_CLOSE)) return false;
    return reader.judgeLevel(index, priceStatus, sizeStatus);
  }

  // -------------------------------------------------------------- frames in the order of the wire

  #forgetFrame(): void {
    this.#event = Event.None;
    this.#place = UNKNOWN_PLACE;
    this.#streamStart = 0;
    this.#streamEnd = 0;
  }

  /** A frame of a hot kind about a market that is known, as the venue writes it. False: read it by key. */
  #inOrder(): boolean {
    const scanner = this.#scanner;
    const isCombined = scanner.literal(HEAD_STREAM);
    if (isCombined) {
      if (!scanner.string()) return false;
      this.#streamStart = scanner.textStart;
      this.#streamEnd = scanner.textEnd;
      if (!scanner.literal(HEAD_DATA)) return false;
    }
    if (!this.#eventInOrder()) return false;
    return (!isCombined || scanner.take(CLOSE)) && scanner.isAtEnd();
  }

  #eventInOrder(): boolean {
    const scanner = this.#scanner;
    // The first letter of {"e":"depthUpdate" tells the kind; the ticker of spot has no name.
    switch (scanner.bytes[scanner.at + EVENT_NAME_AT]) {
      case LETTER_B:
        return this.#isFutures && scanner.literal(HEAD_TICKER) && this.#ticker();
      case LETTER_D:
        return scanner.literal(HEAD_DIFF) && this.#diff();
      case LETTER_T:
        return scanner.literal(HEAD_TRADE) && this.#trade();
      case LETTER_A:
        return scanner.literal(HEAD_AGGREGATE) && this.#aggregate();
      default:
        return !this.#isFutures && scanner.literal(HEAD_SPOT_TICKER) && this.#ticker();
    }
  }

  /** The symbol that stands here, if it is one of ours. */
  #knownSymbol(): boolean {
    const scanner = this.#scanner;
    const start = scanner.at;
    const last = this.#lastPlace;
    if (last < this.#symbols.length && scanner.literal(this.#symbols[last] as AsciiText)) {
      scanner.textStart = start + 1;
      scanner.textEnd = scanner.at - 1;
      this.#place = last;
      return true;
    }
    if (!scanner.string()) return false;
    const place = this.#reader.knownPlace();
    if (place === UNKNOWN_PLACE) return false;
    this.#place = place;
    this.#lastPlace = place;
    return true;
  }

  /** …1127645101,"s":"BTCUSDT","b":"8010.00","B":"0.14","a":"8012.15","A":"0.03"} and on futures "T" and "E" behind. */
  #ticker(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#event = Event.Ticker;
    if (!scanner.id(this.#seq, 0)) return false;
    if (!scanner.literal(THEN_SYMBOL) || !this.#knownSymbol()) return false;
    const place = this.#place;
    const priceScale = this.#priceScales[place] as number;
    const sizeScale = this.#sizeScales[place] as number;
    const index = entries.add(EntryKind.Ticker, place);
    const { prices, sizes, askPrices, askSizes } = entries;
    const isRead =
      scanner.literal(TICKER_BID) &&
      scanner.decimalPair(
        TICKER_BID_SIZE,
        TICKER_ASK,
        prices,
        sizes,
        index,
        priceScale,
        sizeScale,
      ) &&
      scanner.decimalPair(
        TICKER_ASK_SIZE,
        this.#isFutures ? TICKER_TIME : TICKER_END,
        askPrices,
        askSizes,
        index,
        priceScale,
        sizeScale,
      );
    if (!isRead) return false;
    if (!this.#isFutures) {
      entries.setNoTime(index);
      return true;
    }
    if (!scanner.epochTime()) return false;
    entries.setTime(index, scanner);
    return scanner.literal(THEN_E) && scanner.id(this.#unread, 0) && scanner.take(CLOSE);
  }

  /** A side of the ticker that is 0 is none. False: below 0. */
  #flagSides(index: number): boolean {
    const entries = this.#entries;
    const bid = entries.prices[index] as number;
    const ask = entries.askPrices[index] as number;
    if (bid < 0 || ask < 0) return false;
    entries.flags[index] = (bid === 0 ? TickFlag.NoBid : 0) | (ask === 0 ? TickFlag.NoAsk : 0);
    return true;
  }

  /** …1723161255208,"s":"BTCUSDT","U":1,"u":2,"b":[…],"a":[…]}; futures: "T" before "s" and "pu" behind "u". */
  #diff(): boolean {
    const scanner = this.#scanner;
    const places = this.#places;
    const ids = this.#ids;
    this.#event = Event.Diff;
    if (this.#isFutures) {
      if (!scanner.id(this.#unread, 0) || !scanner.literal(THEN_TIME)) return false;
    }
    places.timeAt = scanner.at;
    if (!scanner.epochTime()) return false;
    if (!scanner.literal(THEN_SYMBOL) || !this.#knownSymbol()) return false;
    if (this.#isPartialStream(scanner.textEnd - scanner.textStart)) return false;
    if (!scanner.literal(THEN_FIRST_ID) || !scanner.id(ids, FIRST_ID)) return false;
    if (!scanner.literal(THEN_LAST_ID) || !scanner.id(ids, LAST_ID)) return false;
    if (this.#isFutures) {
      if (!scanner.literal(THEN_PREVIOUS_ID) || !scanner.id(ids, PREVIOUS_ID)) return false;
    }
    const isWanted = this.#judgeDiff();
    if (!scanner.literal(THEN_BID)) return false;
    places.bidsAt = scanner.at;
    if (!(isWanted ? this.#levels(EntryKind.Bid, this.#place, NOWHERE) : scanner.skipValue())) {
      return false;
    }
    if (!scanner.literal(THEN_ASK)) return false;
    places.asksAt = scanner.at;
    const isRead = isWanted ? this.#levelsAt(EntryKind.Ask, this.#place, 0) : scanner.skipValue();
    return isRead && scanner.take(CLOSE);
  }

  /** The verdict about the diff whose ids were read. True: it goes into the book now, so its levels are wanted. */
  #judgeDiff(): boolean {
    const chain = this.#chains[this.#place] as DiffChain;
    this.#verdict = chain.verdict(this.#ids);
    return chain.isLive && this.#verdict === ChainVerdict.Apply;
  }

  /** Whether the stream's name is <symbol>@depth<levels>: a whole small book in the shape of a diff (futures). */
  #isPartialStream(symbolLength: number): boolean {
    const at = this.#streamStart + symbolLength + CHANNEL_DEPTH.length;
    if (at >= this.#streamEnd) return false;
    const byte = this.#scanner.bytes[at] as number;
    return byte >= ZERO && byte <= NINE;
  }

  /**
   * …1723161255343,"s":"BTCUSDT","t":3735683259,"p":"…","q":"…","T":1723161255342,"m":true,"M":true}; futures: T before
   * s.
   */
  #trade(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#event = Event.Trade;
    const index = entries.add(EntryKind.Trade, 0);
    if (!scanner.id(this.#unread, 0)) return false;
    if (this.#isFutures && !this.#tradeTime(index)) return false;
    if (!scanner.literal(THEN_SYMBOL) || !this.#knownSymbol()) return false;
    if (!scanner.literal(THEN_TRADE_ID) || !this.#tradeId(index)) return false;
    if (this.#isFutures) {
      // Others (insurance fund, liquidations) are read by key.
      return (
        this.#tradeAmounts(index, TRADE_MARKET) && this.#aggressor(index, FUTURES_SELL, FUTURES_BUY)
      );
    }
    return (
      this.#tradeAmounts(index, TRADE_END) &&
      this.#tradeTime(index) &&
      this.#aggressor(index, SPOT_SELL, SPOT_BUY)
    );
  }

  /**
   * As a trade, with "a" for its id, behind the symbol on spot and before it on futures, and "f" and "l" behind the
   * size.
   */
  #aggregate(): boolean {
    const scanner = this.#scanner;
    const entries = this.#entries;
    this.#event = Event.Trade;
    const index = entries.add(EntryKind.Trade, 0);
    if (!scanner.id(this.#unread, 0)) return false;
    if (this.#isFutures) {
      if (!scanner.literal(THEN_A_ID) || !this.#tradeId(index)) return false;
      if (!scanner.literal(THEN_SYMBOL) || !this.#knownSymbol()) return false;
    } else {
      if (!scanner.literal(THEN_SYMBOL) || !this.#knownSymbol()) return false;
      if (!scanner.literal(THEN_A_ID) || !this.#tradeId(index)) return false;
    }
    if (!this.#tradeAmounts(index, TRADE_END)) return false;
    if (!scanner.literal(THEN_FIRST) || !scanner.id(this.#unread, 0)) return false;
    if (!scanner.literal(THEN_LAST) || !scanner.id(this.#unread, 0)) return false;
    if (!this.#tradeTime(index)) return false;
    return this.#isFutures
      ? this.#aggressor(index, FUTURES_SELL, FUTURES_BUY)
      : this.#aggressor(index, SPOT_SELL, SPOT_BUY);
  }

  #tradeTime(index: number): boolean {
    const scanner = this.#scanner;
    if (!scanner.literal(THEN_TIME) || !scanner.epochTime()) return false;
    this.#entries.setTime(index, scanner);
    return true;
  }

  #tradeId(index: number): boolean {
    const scanner = this.#scanner;
    const ids = this.#entries.ids;
    if (!scanner.id(ids, index)) {
      if (!scanner.count()) return false;
      ids[index] = scanner.mantissa[0] as number;
    }
    this.#seq[0] = ids[index] as number;
    return true;
  }

  #tradeAmounts(index: number, behind: AsciiText): boolean {
    const scanner = this.#scanner;
    const place = this.#place;
    const { prices, sizes, markets } = this.#entries;
    markets[index] = place;
    return (
      scanner.literal(TRADE_PRICE) &&
      scanner.decimalPair(
        TRADE_SIZE,
        behind,
        prices,
        sizes,
        index,
        this.#priceScales[place] as number,
        this.#sizeScales[place] as number,
      ) &&
      (sizes[index] as number) > 0
    );
  }

  /** A buyer who was the maker has been sold to. */
  #aggressor(index: number, sell: AsciiText, buy: AsciiText): boolean {
    if (this.#scanner.literal(sell)) {
      this.#entries.flags[index] = TickFlag.AggressorSell;
      return true;
    }
    return this.#scanner.literal(buy);
  }

  // -------------------------------------------------------------- frames by key

  /** Any frame that is JSON. False: malformed. */
  #byKey(): boolean {
    const scanner = this.#scanner;
    const members = this.#members;
    if (scanner.peek() !== OPEN) {
      this.#event = Event.Unknown;
      return scanner.skipValue() && scanner.isAtEnd();
    }
    if (!members.read() || !scanner.isAtEnd()) return false;
    if (members.has(Member.Data) && members.goTo(Member.Stream)) {
      if (!scanner.string()) return false;
      this.#streamStart = scanner.textStart;
      this.#streamEnd = scanner.textEnd;
      members.goTo(Member.Data);
      if (scanner.peek() !== OPEN) {
        // Lists of all symbols at once.
        this.#event = Event.Unknown;
        return true;
      }
      if (!members.read()) return false;
    }
    return this.#eventByKey();
  }

  #eventByKey(): boolean {
    const scanner = this.#scanner;
    if (!this.#members.has(KEY_EVENT)) return this.#namelessByKey();
    if (!this.#members.goTo(KEY_EVENT) || !scanner.string()) return false;
    if (scanner.isText(TEXT_DIFF)) return this.#diffByKey();
    if (scanner.isText(TEXT_TICKER)) return this.#tickerByKey();
    if (scanner.isText(TEXT_TRADE)) return this.#tradeByKey(KEY_TRADE_ID);
    if (scanner.isText(TEXT_AGGREGATE)) return this.#tradeByKey(KEY_AGGREGATE_ID);
    if (scanner.isText(TEXT_MARK)) return this.#markByKey();
    this.#event = scanner.isText(TEXT_SHUTDOWN) ? Event.Shutdown : Event.Unknown;
    for (let i = 0; i < TEXTS_OTHER.length; i++) {
      if (scanner.isText(TEXTS_OTHER[i] as AsciiText)) this.#event = Event.Other;
    }
    return true;
  }

  /** What has no "e": the ticker and the small books of spot, and answers. */
  #namelessByKey(): boolean {
    if (
      this.#members.has(KEY_LAST_ID) &&
      this.#members.has(KEY_BID) &&
      this.#members.has(KEY_ASK)
    ) {
      return this.#tickerByKey();
    }
    if (this.#members.has(Member.LastUpdateId) && this.#members.has(Member.Bids))
      return this.#partial();
    const isAnswer =
      this.#members.has(Member.Result) ||
      this.#members.has(Member.Error) ||
      this.#members.has(Member.Code);
    this.#event = isAnswer ? Event.Answer : Event.Unknown;
    return true;
  }

  /** The symbol that the event names, asked for when it is not known. False: malformed. */
  #symbolByKey(): boolean {
    if (!this.#members.goTo(KEY_SYMBOL) || !this.#scanner.string()) return false;
    this.#place = this.#reader.place();
    return true;
  }

  #tickerByKey(): boolean {
    this.#event = Event.Ticker;
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (!this.#symbolByKey() || !this.#members.count(KEY_LAST_ID)) return false;
    this.#seq[0] = scanner.mantissa[0] as number;
    const place = this.#place;
    if (place === UNKNOWN_PLACE) return true;
    const index = entries.add(EntryKind.Ticker, place);
    if (!this.#members.has(KEY_TIME)) entries.setNoTime(index);
    else if (this.#members.goTo(KEY_TIME) && scanner.epochTime()) entries.setTime(index, scanner);
    else return false;
    if (!this.#members.goTo(KEY_BID)) return false;
    const bid = reader.readHere(index, Wide.Price, place);
    if (!this.#members.goTo(KEY_BID_SIZE)) return false;
    const bidSize = reader.readHere(index, Wide.Size, place);
    if (!this.#members.goTo(KEY_ASK)) return false;
    const ask = reader.readHere(index, Wide.AskPrice, place);
    if (!this.#members.goTo(KEY_ASK_SIZE)) return false;
    const askSize = reader.readHere(index, Wide.AskSize, place);
    const worst = Math.max(bid, bidSize, ask, askSize) as DecimalStatus;
    if (worst > DecimalStatus.Wide) return reader.refuse(worst, DecimalStatus.Ok);
    return this.#flagSides(index);
  }

  #tradeByKey(idKey: number): boolean {
    this.#event = Event.Trade;
    const scanner = this.#scanner;
    const entries = this.#entries;
    const reader = this.#reader;
    if (!this.#symbolByKey()) return false;
    const index = entries.add(EntryKind.Trade, 0);
    if (!this.#members.goTo(KEY_TIME) || !scanner.epochTime()) return false;
    entries.setTime(index, scanner);
    if (!this.#members.goTo(idKey) || !this.#tradeId(index)) return false;
    if (!this.#members.goTo(KEY_IS_MAKER_BUYER)) return false;
    if (scanner.literal(TEXT_TRUE)) entries.flags[index] = TickFlag.AggressorSell;
    else if (!scanner.literal(TEXT_FALSE)) return false;
    const place = this.#place;
    if (place === UNKNOWN_PLACE) {
      entries.dropLast();
      return true;
    }
    entries.markets[index] = place;
    if (!this.#members.goTo(KEY_PRICE)) return false;
    const price = reader.readHere(index, Wide.Price, place);
    if (!this.#members.goTo(KEY_SIZE)) return false;
    const size = reader.readHere(index, Wide.Size, place);
    if (price > DecimalStatus.Wide || size > DecimalStatus.Wide) return reader.refuse(price, size);
    if (reader.isAbove(index, Wide.Price) && reader.isAbove(index, Wide.Size)) return true;
    // Futures tell changes of an account by the insurance fund like that (X is NA): nobody traded.
    if (!this.#isFutures || entries.prices[index] !== 0) return false;
    entries.dropLast();
    this.#rejects.reject('FRAME_UNKNOWN', 'a trade without a price: not of the market');
    return true;
  }

  #diffByKey(): boolean {
    this.#event = Event.Diff;
    const scanner = this.#scanner;
    const places = this.#places;
    const ids = this.#ids;
    if (!this.#symbolByKey()) return false;
    if (this.#isPartialStream(scanner.textEnd - scanner.textStart)) {
      return this.#partialByKey(KEY_LAST_ID, KEY_BID, KEY_ASK);
    }
    if (!this.#members.count(KEY_FIRST_ID)) return false;
    ids[FIRST_ID] = scanner.mantissa[0] as number;
    if (!this.#members.count(KEY_LAST_ID)) return false;
    ids[LAST_ID] = scanner.mantissa[0] as number;
    if (this.#isFutures) {
      if (!this.#members.count(Member.PreviousId)) return false;
      ids[PREVIOUS_ID] = scanner.mantissa[0] as number;
    }
    const timeKey = this.#isFutures ? KEY_TIME : KEY_EVENT_TIME;
    const members = this.#members;
    if (!members.has(timeKey) || !members.has(KEY_BID) || !members.has(KEY_ASK)) return false;
    places.timeAt = members.placeOf(timeKey);
    places.bidsAt = members.placeOf(KEY_BID);
    places.asksAt = members.placeOf(KEY_ASK);
    if (this.#place === UNKNOWN_PLACE || !this.#judgeDiff()) return true;
    return this.#levelsOfDiff(this.#place);
  }

  /** {"lastUpdateId":…,"bids":[…],"asks":[…]}: only the name of its stream says whose it is. */
  #partial(): boolean {
    const scanner = this.#scanner;
    this.#event = Event.Unknown;
    scanner.textStart = this.#streamStart;
    scanner.textEnd = this.#streamStart;
    while (scanner.textEnd < this.#streamEnd && scanner.bytes[scanner.textEnd] !== AT) {
      scanner.textEnd++;
    }
    if (!this.#isPartialStream(scanner.textEnd - scanner.textStart)) return true;
    this.#place = this.#reader.placeFor(scanner.text().toUpperCase());
    return this.#partialByKey(Member.LastUpdateId, Member.Bids, Member.Asks);
  }

  #partialByKey(idKey: number, bidsKey: number, asksKey: number): boolean {
    this.#event = Event.Partial;
    if (!this.#members.count(idKey)) return false;
    this.#seq[0] = this.#scanner.mantissa[0] as number;
    const place = this.#place;
    return place === UNKNOWN_PLACE || this.#wholeBook(place, KEY_TIME, bidsKey, asksKey);
  }

  /** {"e":"markPriceUpdate","E":…,"s":"BTCUSDT","p":"8291.34697815","i":"…","r":"0.00010000","T":1569916800000} */
  #markByKey(): boolean {
    this.#event = Event.Mark;
    if (!this.#symbolByKey()) return false;
    return this.#place === UNKNOWN_PLACE || this.#marks.read(this.#place, MARK_OF_STREAM);
  }

  // -------------------------------------------------------------- the rest

  /** Cold, or once a second. */
  #onRare(recvNs: number): void {
    const entries = this.#entries;
    if (this.#event === Event.Unknown) {
      this.#rejects.reject('FRAME_UNKNOWN', 'neither an event of ours nor an answer');
      return;
    }
    this.#frameCount++;
    if (this.#event === Event.Mark) {
      if (entries.count > 0) this.#publisher.commitFrom(entries, recvNs, this.#seq);
    } else if (this.#event === Event.Partial) {
      this.#onPartial(recvNs);
    } else if (this.#event === Event.Answer) {
      this.#onAnswer();
    } else if (this.#event === Event.Shutdown) {
      this.#brokenBy = 'FEED_DISCONNECTED';
    }
  }

  /** Cold: a small whole book. It is the book of a market that has no diffs, and nothing beside them. */
  #onPartial(recvNs: number): void {
    const place = this.#place;
    if (place === UNKNOWN_PLACE) {
      this.#rejects.reject('INSTRUMENT_UNKNOWN', 'a partial book');
      return;
    }
    const chain = this.#chains[place] as DiffChain;
    if (chain.isLive || chain.buffer.count > 0) {
      this.#rejects.reject('FRAME_UNKNOWN', 'a partial book beside the diffs of the same market');
      return;
    }
    this.#isPartial[place] = true;
    this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
  }

  /** Cold: {"result":null,"id":1}, or {"error":{"code":2,"msg":"…"},"id":1}, or the code and msg of it alone. */
  #onAnswer(): void {
    const isError = this.#members.has(Member.Error) || this.#members.has(Member.Code);
    const id = this.#members.count(Member.Id) ? (this.#scanner.mantissa[0] as number) : NaN;
    if (isError) {
      const text = this.#messageText();
      this.#subscriptions.onRefused(id, text);
      this.#rejects.reject('FRAME_VENUE_ERROR', text);
      return;
    }
    for (const subscription of this.#subscriptions.onConfirmed(id)) this.#onConfirmed(subscription);
  }

  /** Cold: from now on every change of the book comes as a diff, so a snapshot will do even if none comes for long. */
  #onConfirmed(subscription: FeedSubscription): void {
    const { channel, place } = subscription;
    if (channel !== BOOK_CHANNEL || (this.#chains[place] as DiffChain).isLive) return;
    this.#requests.want(place);
  }

  /** Cold: the venue's words, from the members found or from those of `error`. */
  #messageText(): string {
    const scanner = this.#scanner;
    if (!this.#members.has(Member.Message)) {
      const isObject = this.#members.goTo(Member.Error) && scanner.peek() === OPEN;
      if (!isObject || !this.#members.read()) return '';
    }
    return this.#members.goTo(Member.Message) && scanner.string() ? scanner.text() : '';
  }

  /** The frame is refused. If it was a diff, its market's book is lost, because nobody knows what it said. */
  #onMalformed(recvNs: number): void {
    this.#rejects.reject('FRAME_MALFORMED', `not understood at byte ${this.#scanner.at}`);
    const place = this.#suspect();
    if (place === UNKNOWN_PLACE) return;
    this.#publisher.stale(place, this.#malformedCode, recvNs);
    this.#startAnew(place);
  }

  /** Cold: the market whose diff the malformed frame seems to be. One that cannot be told shows as a hole later. */
  #suspect(): number {
    const text = this.#scanner.slice(0, this.#scanner.end);
    const name = /"stream"\s*:\s*"([a-z0-9_]+)@depth/.exec(text)?.[1];
    const isDiff = /"e"\s*:\s*"depthUpdate"/.test(text);
    const symbol = name ?? (isDiff ? /"s"\s*:\s*"([A-Z0-9_]+)"/.exec(text)?.[1] : undefined);
    return symbol === undefined ? UNKNOWN_PLACE : this.#reader.placeOf(symbol.toUpperCase());
  }

  /** Cold: mark price and funding by REST for a market that the stream has not told for a while; null: none is due. */
  #markRequest(): string | null {
    const nowNs = this.#now[0] as number;
    for (let place = 0; place < this.#marksAskedNs.length; place++) {
      const market = this.markets[place] as MarketState;
      const askedNs = this.#marksAskedNs[place] as number;
      const isKnown = market.markNs !== 0 && nowNs - market.markNs < MARK_INTERVAL_NS;
      if (isKnown || nowNs - askedNs < MARK_INTERVAL_NS) continue;
      this.#marksAskedNs[place] = nowNs;
      return `${this.#market.restPath}/premiumIndex?${this.#query(place, 0)}`;
    }
    return null;
  }

  /** Cold: {"symbol":"BTCUSDT","markPrice":"…","indexPrice":"…","lastFundingRate":"…","nextFundingTime":…,"time":…} */
  #onMarkBody(isWhole: boolean, recvNs: number): void {
    const isNamed = isWhole && this.#members.goTo(Member.Symbol) && this.#scanner.string();
    if (!isNamed) {
      this.#onBadBody(isWhole);
      return;
    }
    this.#place = this.#reader.place();
    const place = this.#place;
    const isRead = place === UNKNOWN_PLACE || this.#marks.read(place, MARK_OF_BODY);
    if (!isRead) this.#onBadBody(true);
    else if (this.#entries.count > 0) {
      this.#publisher.commitFrom(this.#entries, recvNs, this.#seq);
    }
  }

  /** Cold: the market that a path is about; without one, the only one that waits for a snapshot. */
  #placeOfPath(path: string): number {
    const symbol = /[?&]symbol=([A-Za-z0-9_]+)/.exec(path)?.[1]?.toUpperCase();
    if (symbol !== undefined) return this.#reader.placeFor(symbol);
    const waiting = this.#chains.flatMap((chain, place) => (chain.isLive ? [] : [place]));
    return waiting.length === 1 ? must(waiting[0], 'the one') : UNKNOWN_PLACE;
  }

  /** Cold. */
  #depthPath(place: number, levels: number): string {
    return `${this.#market.restPath}/depth?${this.#query(place, levels)}`;
  }

  /** Cold. */
  #query(place: number, limit: number): string {
    return `symbol=${this.#symbolAt(place)}${limit === 0 ? '' : `&limit=${limit}`}`;
  }

  /** Cold. */
  #symbolAt(place: number): string {
    return must(this.markets[place], 'market').instrument.venueSymbol;
  }

  /** Cold. */
  #setScales(place: number, instrument: Instrument): void {
    this.#priceScales[place] = instrument.priceScale;
    this.#sizeScales[place] = instrument.sizeScale;
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
    this.#setScales(place, instrument);
    this.#symbols.push(ascii(`"${instrument.venueSymbol}"`));
    this.#chains.push(new DiffChain(this.#isFutures));
    this.#isPartial.push(false);
    this.#marksAskedNs.push(-MARK_INTERVAL_NS);
    this.#requests.addMarket();
    this.#quiet.addMarket();
    this.#subscriptions.addMarket(place, instrument.venueSymbol);
    return place;
  }
}
