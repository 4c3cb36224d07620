/**
 * feed-connection: one market data connection: its socket, its session, its subscriptions and its books. Holds the pure
 * parts together and does what they decide.
 * @hotpath (onFrame and what it calls)
 *
 *   socket ─▶ onFrame ─▶ market-feed ─▶ ticks ring (RingWriter), books ─▶ board cells
 *                │  ├─▶ clock-watch, lag-watch    is this frame of now?              ┐
 *                │  └─▶ life-watch                does the other end live?           ├─▶ feed-session: redial
 *   duty cycle ──┴────▶ subscription-watch        does each subscription live?       ┘
 *                  └──▶ feed-requests, send-pacer what the feed wants fetched and said
 *
 * Ingest thread. Invariants: one socket at a time; an instrument without a whole, current book is stale on the board; a
 * frame is read only while the session is CONNECTED, so what a dying socket still delivers changes nothing.
 */
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { RingWriter } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Network, Socket, SocketEvents } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { AgentHost } from '../runtime/agent.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import type { MarketState } from '../venues/market-publisher.js';
import type { VenueDefinition } from '../venues/registry.js';
import type { FeedSubscription } from '../venues/subscription.js';
import type { FrameRejects } from '../venues/venue.js';
import { BreakerState, breakerStateName } from './circuit-breaker.js';
import type { BreakerTransition } from './circuit-breaker.js';
import type { ClockTimes, ClockWatch } from './clock-watch.js';
import { FeedRequests } from './feed-requests.js';
import type { FeedRequestTimes } from './feed-requests.js';
import { FeedSession, SessionState, sessionStateName } from './feed-session.js';
import type { FeedSessionHost, FeedSessionTimes, SessionChange } from './feed-session.js';
import { LagWatch } from './lag-watch.js';
import { LifeVerdict, LifeWatch } from './life-watch.js';
import { BOARD_LEVELS_MAX } from './market-board.js';
import type { MarketBoard } from './market-board.js';
import { SendPacer } from './send-pacer.js';
import type { SendWindow } from './send-pacer.js';
import { SubscriptionWatch } from './subscription-watch.js';
import type { SubscriptionTimes, SubscriptionWatchHost } from './subscription-watch.js';

/** Settings of every market data connection (config section `feed`). */
export interface FeedConfig
  extends FeedSessionTimes, SubscriptionTimes, FeedRequestTimes, ClockTimes {
  /** A larger frame is refused and the connection closed. A BTC-USD snapshot has 5 MB. */
  readonly frameBytesMax: number;
  /** More frames within a second close the connection. */
  readonly framesPerSecondMax: number;
  /** One frame may take that long to arrive. */
  readonly frameTimeoutMs: number;
  /** Nothing heard for that long: the other end is dead. */
  readonly idleTimeoutMs: number;
  /** A socket that is asked to end gets this long for its farewell. */
  readonly closeGraceMs: number;
  /** Texts to a venue within a second, over all connections to it; a venue's own limit counts where it is lower. */
  readonly sendsPerSecondMax: number;
  /** Market data that comes so much later than usual is of the past; 0: however late. */
  readonly lateMs: number;
}

/** What became of a connection, for logs. Cold. */
export interface FeedChange {
  readonly kind:
    'state' | 'breaker' | 'closed' | 'held' | 'subscription' | 'request' | 'refused' | 'alert';
  readonly venue: string;
  /** Of the socket: venue, connection and how often it was dialled. */
  readonly connectionId: string;
  /** States of session or breaker; empty for other kinds. */
  readonly from: string;
  readonly to: string;
  readonly reason: ErrorCode;
  readonly detail: string;
  /** How long it was as it was before. */
  readonly durationMs: number;
}

export interface FeedConnectionOptions {
  readonly venue: VenueDefinition;
  readonly instruments: readonly Instrument[];
  /** Which of the venue's connections. */
  readonly place: number;
  readonly wsUrl: string;
  /** Without a slash at the end. */
  readonly restUrl: string;
  readonly config: FeedConfig;
  readonly tickWriter: RingWriter;
  readonly board: MarketBoard;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly network: Network;
  /** Texts to the venue, over all of its connections. */
  readonly sendWindow: SendWindow;
  /** One for all connections of the thread. */
  readonly clockWatch: ClockWatch;
  readonly random: Random | undefined;
  readonly host: AgentHost;
  readonly onChange: (change: FeedChange) => void;
  /** Time went on unevenly: every connection must be told. */
  readonly onClockJump: (nowNs: number) => void;
  /** Puts somebody between us and the feed, who hears every call (`record`); absent: nobody. */
  readonly tapFeed?: ((feed: DecodingFeed) => DecodingFeed) | undefined;
}

const NS_PER_MS = 1_000_000;
const NS_PER_SEC = 1_000_000_000;
/** The watches look that often; deadlines of seconds need no more. */
const LOOK_NS = 10_000_000;
/** Close code of a connection that ended without a close frame. */
const CLOSE_ABNORMAL = 1006;

const WINDOW_BEGAN = 0;
const NEXT_LOOK = 1;

export class FeedConnection
  implements SocketEvents, FeedSessionHost, FrameRejects, SubscriptionWatchHost
{
  readonly #options: FeedConnectionOptions;
  readonly #session: FeedSession;
  readonly #feed: DecodingFeed;
  readonly #life: LifeWatch;
  readonly #lag: LagWatch;
  readonly #clocks: ClockWatch;
  readonly #subscriptions: SubscriptionWatch;
  readonly #requests: FeedRequests;
  readonly #pacer: SendPacer;
  readonly #board: MarketBoard;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #tickWriter: RingWriter;
  readonly #framesPerSecondMax: number;
  /** Times, as an array because it is written for each frame. */
  readonly #at = new Float64Array(2);
  /** Frames since WINDOW_BEGAN. */
  #windowFrames = 0;
  /** MarketState.recoveryCount that was already recorded. */
  readonly #recoveriesSeen: Int32Array;
  #socket: Socket | undefined;
  #detail = '';
  /** When we asked the socket to end; 0: we did not. */
  #hangUpNs = 0;
  #isCut = false;
  #isPingDue = false;
  /** Index of the code of the last change. */
  #reason = 0;

  constructor(options: FeedConnectionOptions) {
    const { config, venue, instruments, clock } = options;
    this.#options = options;
    this.#telemetry = options.telemetry;
    this.#clock = clock;
    this.#clocks = options.clockWatch;
    this.#board = options.board;
    this.#tickWriter = options.tickWriter;
    this.#framesPerSecondMax = config.framesPerSecondMax;
    this.#session = new FeedSession(config, this, clock.nowNs(), options.random);
    this.#recoveriesSeen = new Int32Array(instruments.length);
    const feed = venue.createMarketFeed({
      instruments,
      ticks: options.tickWriter,
      rejects: this,
      runEpochNs: clock.runEpochNs,
      levelsMax: BOARD_LEVELS_MAX,
      snapshotLevelsMax: BOARD_LEVELS_MAX,
      tradesInTimeOrder: true,
    });
    this.#feed = options.tapFeed?.(feed) ?? feed;
    this.#life = new LifeWatch({
      idleTimeoutMs: config.idleTimeoutMs,
      frameTimeoutMs: config.frameTimeoutMs,
      pingIntervalMs: venue.pingIntervalMs,
      heartbeatIntervalMs: venue.heartbeatIntervalMs,
    });
    this.#lag = new LagWatch(config.lateMs);
    this.#subscriptions = new SubscriptionWatch(
      config,
      this.#feed.subscriptions,
      this.#feed.markets,
      this,
    );
    this.#requests = new FeedRequests({
      times: config,
      network: options.network,
      restUrl: options.restUrl,
      take: () => this.#feed.takeRequest(),
      asked: () => {
        this.#telemetry.add(Counter.feedRequests);
      },
      done: (path, body) => {
        this.#onBody(path, body);
      },
      failed: (path, code, detail) => {
        this.#telemetry.add(Counter.feedRequestErrors);
        this.#telemetry.reject(codeIndex(code));
        this.#tell('request', code, `${path}: ${detail}`);
      },
    });
    this.#pacer = new SendPacer(options.sendWindow, (text) => {
      this.#telemetry.add(Counter.feedTextsSent);
      this.#socket?.send(text);
    });
  }

  /** At start: every instrument is stale, because nothing is known of it. */
  start(nowNs: number): void {
    for (const market of this.#feed.markets) {
      market.staleSinceNs = Math.max(1, nowNs);
      this.#board.clear(market);
    }
    this.#updateBoard();
    this.#session.start(nowNs);
  }

  /** A person wants it now. False: there is one, or one on its way. */
  reconnect(nowNs: number): boolean {
    return this.#session.reconnect(nowNs);
  }

  doWork(nowNs: number): number {
    let workCount = this.#session.doWork(nowNs);
    if (this.#session.state !== SessionState.Connected) return workCount;
    workCount += this.#requests.doWork(nowNs);
    if (this.#pacer.count > 0) workCount += this.#pacer.flush(nowNs);
    if (this.#isPingDue) this.#ping(nowNs);
    if (nowNs >= (this.#at[NEXT_LOOK] as number)) {
      this.#at[NEXT_LOOK] = nowNs + LOOK_NS;
      workCount += this.#look(nowNs);
    }
    return workCount;
  }

  /** When it wants its next turn, ns since run start; Infinity: whenever. */
  get nextTurnNs(): number {
    return Math.min(this.#session.nextTurnNs, this.#requests.nextTurnNs);
  }

  stop(nowNs: number, isForced = false): void {
    this.#requests.forget();
    this.#pacer.clear();
    this.#session.stop(nowNs, isForced);
  }

  get isAtRest(): boolean {
    return this.#session.isAtRest;
  }

  terminate(): void {
    this.#socket?.close(0);
  }

  get session(): FeedSession {
    return this.#session;
  }

  get connectionId(): string {
    const { venue, place } = this.#options;
    return `${venue.name}-${String(place)}-${String(this.#session.dialCount)}`;
  }

  /** When the other end was last heard (a frame, a pong, a part of a frame), ns since run start. */
  get heardNs(): number {
    return this.#life.heardNs;
  }

  /** Bytes that came over the current socket, those of a frame under way included. */
  get receivedBytes(): number {
    return this.#socket?.receivedBytes ?? 0;
  }

  /** Index of the code of its last change; 0: it was wanted. */
  get reason(): number {
    return this.#reason;
  }

  /** Time went on unevenly: what is known may be old, and what waits in the kernel certainly is. */
  onClockJump(nowNs: number): void {
    if (this.#session.state !== SessionState.Connected) return;
    this.#detail = this.#clocks.detail;
    this.#staleAll('CLOCK_JUMP', nowNs);
    this.#session.onBroken('CLOCK_JUMP', nowNs);
  }

  // SocketEvents: from the event loop.

  onOpen(): void {
    this.#telemetry.add(Counter.feedConnects);
    this.#session.onOpen(this.#clock.nowNs());
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    // A socket that was given up may still deliver; its books are dropped.
    if (this.#session.state !== SessionState.Connected) return;
    if (this.#clocks.check(recvNs) !== 'OK') {
      this.#options.onClockJump(recvNs);
      return;
    }
    const telemetry = this.#telemetry;
    const feed = this.#feed;
    telemetry.add(Counter.framesReceived);
    telemetry.add(Counter.frameBytesReceived, bytes.length);
    const framesBefore = feed.frameCount;
    const entriesBefore = feed.entryCount;
    feed.onFrame(bytes, recvNs);
    telemetry.add(Counter.ticksReceived, feed.entryCount - entriesBefore);
    this.#life.heard(recvNs);
    if (feed.frameCount !== framesBefore) this.#life.understood(recvNs);
    if (feed.needsResubscribe) this.#session.onBroken(feed.brokenBy, recvNs);
    else if (this.#isLate(recvNs)) this.#onLate(recvNs);
    else if (this.#isFlood(recvNs)) this.#onFlood(recvNs);
    this.#updateBoard();
    telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    telemetry.record(Histogram.decode, this.#clock.nowNs() - recvNs);
    this.#options.host.poke();
  }

  onPong(): void {
    this.#telemetry.add(Counter.feedPongs);
    this.#life.answered(this.#clock.nowNs());
  }

  onReject(code: ErrorCode, detail: string): void {
    this.reject(code, detail);
  }

  /** Cold. */
  onClose(code: number, reason: string, failure: ErrorCode): void {
    const nowNs = this.#clock.nowNs();
    const wasOpen = !failure.startsWith('DIAL_');
    this.#socket = undefined;
    this.#detail = `close code ${String(code)}${reason === '' ? '' : `: ${reason}`}`;
    if (wasOpen) this.#onEnd(code, nowNs);
    else {
      this.#telemetry.add(Counter.feedDialFailures);
      this.#telemetry.reject(codeIndex(failure));
    }
    this.#session.onClose(failure, nowNs);
    this.#options.host.poke();
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
    const { config, network, wsUrl } = this.#options;
    this.#telemetry.add(Counter.feedDials);
    this.#hangUpNs = 0;
    this.#socket = network.dial(
      {
        url: wsUrl,
        frameBytesMax: config.frameBytesMax,
        openTimeoutMs: config.openTimeoutMs,
      },
      this,
    );
  }

  subscribe(nowNs: number): void {
    this.#life.open(nowNs);
    this.#lag.onConnected();
    this.#at[WINDOW_BEGAN] = nowNs;
    this.#windowFrames = 0;
    this.#isPingDue = false;
    for (const text of this.#feed.onConnected()) this.#push(text);
    this.#subscriptions.onConnected(nowNs);
    this.doWork(nowNs);
  }

  hangUp(isForced: boolean): void {
    this.#hangUpNs = Math.max(1, this.#clock.nowNs());
    this.#isCut = isForced;
    this.#socket?.close(isForced ? 0 : this.#options.config.closeGraceMs);
  }

  lost(reason: ErrorCode, nowNs: number): void {
    this.#requests.forget();
    this.#pacer.clear();
    this.#feed.onDisconnected(codeIndex(reason), nowNs);
    this.#updateBoard();
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    this.#options.host.poke();
  }

  changed(change: SessionChange): void {
    const { from, to, reason, durationNs, waitNs } = change;
    this.#reason = codeIndex(reason);
    if (from === SessionState.Connected) this.#telemetry.add(Counter.feedDisconnects);
    if (to === SessionState.Connected) this.#telemetry.record(Histogram.feedOpen, durationNs);
    const wait = waitNs === 0 ? '' : `next dial in ${String(Math.round(waitNs / NS_PER_MS))} ms`;
    const detail = [reason === 'OK' ? '' : this.#detail, wait].filter((one) => one !== '');
    this.#tell('state', reason, detail.join('; '), {
      from: sessionStateName(from),
      to: sessionStateName(to),
      durationMs: durationNs / NS_PER_MS,
    });
    if (reason === 'OK') this.#detail = '';
  }

  breakerChanged(transition: BreakerTransition): void {
    const { from, to, cause, durationNs, waitNs } = transition;
    const telemetry = this.#telemetry;
    const ms = Math.round(durationNs / NS_PER_MS);
    if (from === BreakerState.Open) telemetry.add(Counter.feedBreakerOpenMs, ms);
    if (from === BreakerState.HalfOpen) telemetry.add(Counter.feedBreakerProbeMs, ms);
    if (to === BreakerState.Open) telemetry.add(Counter.feedBreakerOpens);
    else if (to === BreakerState.HalfOpen) telemetry.add(Counter.feedBreakerProbes);
    else telemetry.add(Counter.feedBreakerCloses);
    const wait = waitNs === 0 ? '' : `; for ${String(Math.round(waitNs / NS_PER_MS))} ms`;
    this.#tell('breaker', to === BreakerState.Open ? 'FEED_CIRCUIT_OPEN' : 'OK', cause + wait, {
      from: breakerStateName(from),
      to: breakerStateName(to),
      durationMs: durationNs / NS_PER_MS,
    });
  }

  alert(failureCount: number): void {
    this.#telemetry.add(Counter.feedAlerts);
    this.#telemetry.reject(codeIndex('FEED_DOWN'));
    const detail = `${String(failureCount)} failures in a row; the last: ${this.#detail}`;
    this.#tell('alert', 'FEED_DOWN', detail);
  }

  held(downNs: number): void {
    this.#telemetry.add(Counter.feedBackoffResets);
    this.#telemetry.add(Counter.feedDownMs, Math.round(downNs / NS_PER_MS));
    this.#tell('held', 'OK', 'live and fresh again', { durationMs: downNs / NS_PER_MS });
  }

  refused(code: ErrorCode): void {
    const isBusy = code === 'FEED_BUSY';
    this.#telemetry.add(isBusy ? Counter.feedBusy : Counter.feedBreakerRefusals);
    this.#telemetry.reject(codeIndex(code));
    this.#tell('refused', code, '');
  }

  // SubscriptionWatchHost. Cold.

  renew(index: number): void {
    this.#telemetry.add(Counter.subscriptionsRenewed);
    for (const text of this.#feed.renew(index)) this.#push(text);
    this.#pacer.flush(this.#clock.nowNs());
  }

  markStale(place: number, reason: ErrorCode, nowNs: number): void {
    this.#feed.markStale(place, codeIndex(reason), nowNs);
    this.#updateBoard();
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
  }

  troubled(index: number, reason: ErrorCode, detail: string): void {
    const telemetry = this.#telemetry;
    if (reason === 'SUBSCRIPTION_REFUSED') telemetry.add(Counter.subscriptionsRefused);
    else if (reason === 'SUBSCRIPTION_UNANSWERED') telemetry.add(Counter.subscriptionsUnanswered);
    else if (reason === 'FEED_SILENT') telemetry.add(Counter.subscriptionsSilent);
    else telemetry.add(Counter.subscriptionsBroken);
    telemetry.reject(codeIndex(reason));
    this.#tell('subscription', reason, `${this.#nameOf(index)} ${detail}`.trimEnd());
  }

  mended(index: number, durationNs: number): void {
    this.#tell('subscription', 'OK', `${this.#nameOf(index)} is well again`, {
      durationMs: durationNs / NS_PER_MS,
    });
  }

  giveUp(index: number, reason: ErrorCode): void {
    this.#telemetry.add(Counter.subscriptionsGivenUp);
    this.#detail = `renewals of ${this.#nameOf(index)} were in vain`;
    this.#session.onBroken(reason, this.#clock.nowNs());
  }

  /** What deadlines want: the other end, each subscription, whether all is well. */
  #look(nowNs: number): number {
    const verdict = this.#life.check(nowNs, this.receivedBytes);
    if (verdict === LifeVerdict.Dead) {
      this.#session.onSilent(nowNs);
      return 1;
    }
    if (verdict === LifeVerdict.Ping) this.#ping(nowNs);
    const workCount = this.#subscriptions.doWork(nowNs, this.#pacer.count > 0);
    this.#session.setGood(this.#subscriptions.isGood, nowNs);
    return workCount;
  }

  /** In the venue's words, or a ping frame; when the budget has no room, at the next turn. */
  #ping(nowNs: number): void {
    this.#isPingDue = !this.#pacer.takeForPing(nowNs);
    if (this.#isPingDue) return;
    const { pingText } = this.#options.venue;
    this.#telemetry.add(Counter.feedPings);
    if (pingText === null) this.#socket?.ping();
    else this.#socket?.send(pingText);
  }

  /** Of the books that this frame changed, one came too late (and so did everything for a while). */
  #isLate(recvNs: number): boolean {
    const markets = this.#feed.markets;
    const lag = this.#lag;
    for (let place = 0; place < markets.length; place++) {
      const market = markets[place] as MarketState;
      // A venue that gives no times has 0.
      if (!market.isDirty || market.bookNs !== recvNs || market.venueNs === 0) continue;
      lag.times[0] = recvNs;
      lag.times[1] = market.venueNs;
      if (lag.isLate()) return true;
    }
    return false;
  }

  /** Cold. */
  #onLate(recvNs: number): void {
    this.#detail = `${String(Math.round(this.#lag.excessNs / NS_PER_MS))} ms later than usual`;
    this.#staleAll('FEED_LATE', recvNs);
    this.#session.onBroken('FEED_LATE', recvNs);
  }

  #isFlood(recvNs: number): boolean {
    if (recvNs - (this.#at[WINDOW_BEGAN] as number) >= NS_PER_SEC) {
      this.#at[WINDOW_BEGAN] = recvNs;
      this.#windowFrames = 0;
    }
    return ++this.#windowFrames > this.#framesPerSecondMax;
  }

  /** Cold. */
  #onFlood(recvNs: number): void {
    this.reject('FEED_FLOOD', `more than ${String(this.#framesPerSecondMax)} frames in a second`);
    this.#staleAll('FEED_FLOOD', recvNs);
    this.#session.onBroken('FEED_FLOOD', recvNs);
  }

  /** Cold: every market of the connection. One that is stale already keeps the reason that came first. */
  #staleAll(code: ErrorCode, nowNs: number): void {
    const markets = this.#feed.markets;
    for (let place = 0; place < markets.length; place++) {
      const market = markets[place] as MarketState;
      if (market.staleReason === 0) this.#feed.markStale(place, codeIndex(code), nowNs);
    }
    this.#telemetry.reject(codeIndex(code));
  }

  /** Cold: a REST body came. */
  #onBody(path: string, body: Uint8Array): void {
    if (this.#session.state !== SessionState.Connected) return;
    const nowNs = this.#clock.nowNs();
    const entriesBefore = this.#feed.entryCount;
    this.#feed.onBody(path, body, nowNs);
    this.#telemetry.add(Counter.ticksReceived, this.#feed.entryCount - entriesBefore);
    this.#updateBoard();
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    this.#options.host.poke();
  }

  /** Cold: a socket that had been open is gone. A farewell is clean when it was answered by one. */
  #onEnd(code: number, nowNs: number): void {
    const wasAsked = this.#hangUpNs > 0;
    const isClean = code !== CLOSE_ABNORMAL;
    if (wasAsked) {
      const isGraceful = isClean && !this.#isCut;
      this.#telemetry.add(isGraceful ? Counter.feedClosesGraceful : Counter.feedClosesForced);
    }
    const who = !wasAsked ? 'the venue or the way to it' : this.#isCut ? 'us, by force' : 'us';
    this.#tell('closed', isClean ? 'OK' : 'FEED_DISCONNECTED', `${this.#detail}; by ${who}`, {
      durationMs: wasAsked ? (nowNs - this.#hangUpNs) / NS_PER_MS : 0,
    });
  }

  /** Cold. */
  #push(text: string): void {
    if (this.#pacer.push(text)) return;
    this.#telemetry.add(Counter.feedTextsDropped);
    this.#telemetry.reject(codeIndex('FEED_SEND_FULL'));
  }

  /** Cold: `level2 of BTC-USD`. */
  #nameOf(index: number): string {
    const { channel, place } = this.#feed.subscriptions[index] as FeedSubscription;
    const market = this.#feed.markets[place];
    return market === undefined ? channel : `${channel} of ${market.instrument.symbol}`;
  }

  /** Cold. */
  #tell(
    kind: FeedChange['kind'],
    reason: ErrorCode,
    detail: string,
    more: Partial<Pick<FeedChange, 'from' | 'to' | 'durationMs'>> = {},
  ): void {
    this.#options.onChange({
      kind,
      venue: this.#options.venue.name,
      connectionId: this.connectionId,
      from: '',
      to: '',
      reason,
      detail,
      durationMs: 0,
      ...more,
    });
  }

  /** Brings the board up to date with every market that changed. */
  #updateBoard(): void {
    const markets = this.#feed.markets;
    for (let place = 0; place < markets.length; place++) {
      const market = markets[place] as MarketState;
      if (!this.#board.update(market)) continue;
      if (market.recoveryCount !== this.#recoveriesSeen[place]) {
        this.#recoveriesSeen[place] = market.recoveryCount;
        this.#telemetry.record(Histogram.recovery, market.recoveryNs);
      }
    }
  }
}
