/**
 * ingest-agent: sockets to ticks. The socket's callback is the duty cycle: the frame is decoded straight into slots of the
 * tick ring, the board is brought up to date, and whoever shares the thread gets its turn at once.
 * @hotpath (FeedConnection.onFrame and what it calls)
 *
 *   socket ─▶ FeedConnection ─▶ market-feed ─▶ ticks ring (RingWriter)
 *                  │                    └────▶ books ─▶ board cells (best 20, last trade, staleness)
 *                  └─▶ FeedSession: dial, subscribe, watch, dial again
 *
 * Ingest thread; the only writer of the tick ring and of the market cells. One connection per venue and at most
 * `instrumentsPerConnectionMax` instruments. Invariant: an instrument without a whole, current book is stale on the board.
 */
import { assert } from '../domain/assert.js';
import type { BookSide } from '../domain/book.js';
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import {
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_COUNT,
  BOARD_MARKET_BIDS_WORD,
  clearBoardMarket,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNs,
  setBoardMarketFullAskCount,
  setBoardMarketFullBidCount,
  setBoardMarketFundingNextNs,
  setBoardMarketFundingRateMantissa,
  setBoardMarketGapCount,
  setBoardMarketIndexPriceMantissa,
  setBoardMarketLastPriceMantissa,
  setBoardMarketLastSizeMantissa,
  setBoardMarketLastTradeNs,
  setBoardMarketMarkNs,
  setBoardMarketMarkPriceMantissa,
  setBoardMarketStaleReason,
  setBoardMarketStaleSinceNs,
  setBoardMarketTradeCount,
  setBoardMarketVenueNs,
} from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { RingWriter } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Network, Socket, SocketEvents } from '../ports/network.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import type { MarketState } from '../venues/market-publisher.js';
import { venueOf } from '../venues/registry.js';
import type { VenueDefinition } from '../venues/registry.js';
import type { FrameRejects } from '../venues/venue.js';
import { FeedSession, SessionState, sessionStateName } from './feed-session.js';
import type { SessionStateName } from './feed-session.js';
import type { FeedSessionHost, FeedSessionTimes } from './feed-session.js';

/** Settings of every market data connection (config section `feed`). */
export interface FeedConfig extends FeedSessionTimes {
  /** A larger frame is refused and the connection closed. A BTC-USD snapshot has 5 MB. */
  readonly frameBytesMax: number;
}

/** What became of a connection, for logs. Cold. */
export interface FeedChange {
  readonly venue: string;
  readonly from: SessionStateName;
  readonly to: SessionStateName;
  readonly reason: ErrorCode;
  readonly detail: string;
}

export interface IngestAgentOptions {
  /** The whole instrument table; an instrument's index is its cell on the board. */
  readonly instruments: readonly Instrument[];
  /** Public WebSocket by venue id; each venue of the table has one. */
  readonly wsUrls: Readonly<Record<string, string>>;
  readonly config: FeedConfig;
  readonly tickWriter: RingWriter;
  readonly boardMarkets: BoardCells;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly network: Network;
  /** For logs. */
  readonly onChange?: (change: FeedChange) => void;
}

/** Levels of a side on the board, and within which changes are published. */
const LEVELS_MAX = BOARD_MARKET_BIDS_COUNT;
/** A socket that is asked to end gets this long for its farewell. */
const CLOSE_GRACE_MS = 500;

export class IngestAgent implements Agent {
  readonly roleName = 'ingest';
  readonly #options: IngestAgentOptions;
  readonly #connections: FeedConnection[] = [];

  constructor(options: IngestAgentOptions) {
    this.#options = options;
  }

  onStart(host: AgentHost): void {
    const byVenue = new Map<string, Instrument[]>();
    for (const instrument of this.#options.instruments) {
      const list = byVenue.get(instrument.venue) ?? [];
      list.push(instrument);
      byVenue.set(instrument.venue, list);
    }
    for (const [name, instruments] of byVenue) {
      const venue = venueOf(name);
      const url = this.#options.wsUrls[name];
      assert(url !== undefined, `a WebSocket address of the venue: venue=${name}`);
      const perConnection = venue.instrumentsPerConnectionMax;
      for (let from = 0; from < instruments.length; from += perConnection) {
        const some = instruments.slice(from, from + perConnection);
        this.#connections.push(new FeedConnection(this.#options, venue, url, some, host));
      }
    }
    const nowNs = this.#options.clock.nowNs();
    for (const connection of this.#connections) connection.start(nowNs);
  }

  doWork(nowNs: number): number {
    let workCount = 0;
    const connections = this.#connections;
    for (let i = 0; i < connections.length; i++) {
      workCount += (connections[i] as FeedConnection).doWork(nowNs);
    }
    return workCount;
  }

  onStop(nowNs: number): void {
    for (const connection of this.#connections) connection.stop(nowNs);
  }

  get isDone(): boolean {
    return this.#connections.every((connection) => connection.isAtRest);
  }

  onClose(): void {
    for (const connection of this.#connections) connection.terminate();
  }
}

/** One socket, its session and its books. */
class FeedConnection implements SocketEvents, FeedSessionHost, FrameRejects {
  readonly #options: IngestAgentOptions;
  readonly #venue: VenueDefinition;
  readonly #url: string;
  readonly #host: AgentHost;
  readonly #session: FeedSession;
  readonly #feed: DecodingFeed;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #tickWriter: RingWriter;
  /** MarketState.recoveryCount that was already recorded. */
  readonly #recoveriesSeen: Int32Array;
  #socket: Socket | undefined;
  #detail = '';

  constructor(
    options: IngestAgentOptions,
    venue: VenueDefinition,
    url: string,
    instruments: readonly Instrument[],
    host: AgentHost,
  ) {
    this.#options = options;
    this.#venue = venue;
    this.#url = url;
    this.#host = host;
    this.#telemetry = options.telemetry;
    this.#clock = options.clock;
    this.#tickWriter = options.tickWriter;
    this.#session = new FeedSession(options.config, this);
    this.#recoveriesSeen = new Int32Array(instruments.length);
    this.#feed = venue.createMarketFeed({
      instruments,
      ticks: options.tickWriter,
      rejects: this,
      runEpochNs: options.clock.runEpochNs,
      levelsMax: LEVELS_MAX,
      snapshotLevelsMax: LEVELS_MAX,
      tradesInTimeOrder: true,
    });
  }

  /** Start: every instrument is stale, because nothing is known of it. */
  start(nowNs: number): void {
    for (const market of this.#feed.markets) {
      market.staleSinceNs = Math.max(1, nowNs);
      const index = market.instrument.index;
      clearBoardMarket(this.#options.boardMarkets.i32, this.#options.boardMarkets.begin(index));
      this.#options.boardMarkets.end(index);
    }
    this.#updateBoard();
    this.#session.start(nowNs);
  }

  doWork(nowNs: number): number {
    return this.#session.doWork(nowNs);
  }

  stop(nowNs: number): void {
    this.#session.stop(nowNs);
  }

  get isAtRest(): boolean {
    return this.#session.isAtRest;
  }

  terminate(): void {
    this.#socket?.close(0);
  }

  // SocketEvents: from the event loop.

  onOpen(): void {
    this.#telemetry.add(Counter.feedConnects);
    this.#session.onOpen(this.#clock.nowNs());
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    // A socket that was given up may still deliver; its books are dropped.
    if (this.#session.state !== SessionState.Connected) return;
    const telemetry = this.#telemetry;
    const feed = this.#feed;
    telemetry.add(Counter.framesReceived);
    telemetry.add(Counter.frameBytesReceived, bytes.length);
    const framesBefore = feed.frameCount;
    const entriesBefore = feed.entryCount;
    feed.onFrame(bytes, recvNs);
    telemetry.add(Counter.ticksReceived, feed.entryCount - entriesBefore);
    if (feed.frameCount !== framesBefore) this.#session.onData(recvNs);
    if (feed.needsResubscribe) this.#session.onBroken(feed.brokenBy, recvNs);
    this.#updateBoard();
    telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    telemetry.record(Histogram.decode, this.#clock.nowNs() - recvNs);
    this.#host.poke();
  }

  onReject(code: ErrorCode, detail: string): void {
    this.reject(code, detail);
  }

  onClose(code: number, reason: string): void {
    this.#socket = undefined;
    this.#detail = `close code ${code}${reason === '' ? '' : `: ${reason}`}`;
    this.#session.onClose(this.#clock.nowNs());
  }

  // FrameRejects. Cold.

  reject(code: ErrorCode, detail: string): void {
    this.#detail = detail;
    if (code === 'VENUE_SEQ_GAP') this.#telemetry.add(Counter.feedGaps);
    else this.#telemetry.add(Counter.ticksRejected);
    this.#telemetry.reject(codeIndex(code));
  }

  // FeedSessionHost. Cold.

  dial(): void {
    const { config, network } = this.#options;
    this.#socket = network.dial(
      {
        url: this.#url,
        frameBytesMax: config.frameBytesMax,
        openTimeoutMs: config.openTimeoutMs,
      },
      this,
    );
  }

  subscribe(): void {
    for (const text of this.#feed.onConnected()) this.#socket?.send(text);
  }

  hangUp(isForced: boolean): void {
    this.#socket?.close(isForced ? 0 : CLOSE_GRACE_MS);
  }

  lost(reason: ErrorCode, nowNs: number): void {
    this.#feed.onDisconnected(codeIndex(reason), nowNs);
    this.#updateBoard();
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    this.#host.poke();
  }

  changed(from: SessionState, to: SessionState, reason: ErrorCode): void {
    if (from === SessionState.Connected) this.#telemetry.add(Counter.feedDisconnects);
    this.#options.onChange?.({
      venue: this.#venue.name,
      from: sessionStateName(from),
      to: sessionStateName(to),
      reason,
      detail: reason === 'OK' ? '' : this.#detail,
    });
    if (reason === 'OK') this.#detail = '';
  }

  /** Brings the board up to date with every market that changed. */
  #updateBoard(): void {
    const markets = this.#feed.markets;
    for (let place = 0; place < markets.length; place++) {
      const market = markets[place] as MarketState;
      if (!market.isDirty) continue;
      market.isDirty = false;
      this.#updateCell(market);
      if (market.recoveryCount !== this.#recoveriesSeen[place]) {
        this.#recoveriesSeen[place] = market.recoveryCount;
        this.#telemetry.record(Histogram.recovery, market.recoveryNs);
      }
    }
  }

  #updateCell(market: MarketState): void {
    const board = this.#options.boardMarkets;
    const index = market.instrument.index;
    const base = board.begin(index);
    const i32 = board.i32;
    if (market.isTopDirty) {
      market.isTopDirty = false;
      const { bids, asks } = market.book;
      setBoardMarketBidCount(i32, base, copyLevels(bids, i32, base + BOARD_MARKET_BIDS_WORD));
      setBoardMarketAskCount(i32, base, copyLevels(asks, i32, base + BOARD_MARKET_ASKS_WORD));
    }
    setBoardMarketFullBidCount(i32, base, market.book.bids.count);
    setBoardMarketFullAskCount(i32, base, market.book.asks.count);
    setBoardMarketLastPriceMantissa(i32, base, market.lastPriceMantissa);
    setBoardMarketLastSizeMantissa(i32, base, market.lastSizeMantissa);
    setBoardMarketLastTradeNs(i32, base, market.lastTradeNs);
    setBoardMarketBookNs(i32, base, market.bookNs);
    setBoardMarketVenueNs(i32, base, market.venueNs);
    setBoardMarketStaleSinceNs(i32, base, market.staleSinceNs);
    setBoardMarketStaleReason(i32, base, market.staleReason);
    setBoardMarketGapCount(i32, base, market.gapCount);
    setBoardMarketTradeCount(i32, base, market.tradeCount);
    setBoardMarketMarkPriceMantissa(i32, base, market.markPriceMantissa);
    setBoardMarketIndexPriceMantissa(i32, base, market.indexPriceMantissa);
    setBoardMarketFundingRateMantissa(i32, base, market.fundingRateMantissa);
    setBoardMarketFundingNextNs(i32, base, market.fundingNextNs);
    setBoardMarketMarkNs(i32, base, market.markNs);
    board.end(index);
  }
}

/** Copies the best levels of a side; returns how many. */
function copyLevels(side: BookSide, i32: Int32Array, word: number): number {
  const count = side.count < LEVELS_MAX ? side.count : LEVELS_MAX;
  for (let depth = 0; depth < count; depth++) {
    const base = word + depth * BOARD_LEVEL_WORDS;
    setBoardLevelPriceMantissa(i32, base, side.priceAt(depth));
    setBoardLevelSizeMantissa(i32, base, side.sizeAt(depth));
  }
  return count;
}
