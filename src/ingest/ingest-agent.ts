/**
 * ingest-agent: sockets to ticks. The socket's callback is the duty cycle: the frame is decoded straight into slots of the
 * tick ring, the board is brought up to date, and whoever shares the thread gets its turn at once (feed-connection.ts).
 *
 *   venue ─┬─ FeedConnection ─┐                    ticks ring
 *          └─ FeedConnection ─┼─ RingWriter, MarketBoard ──▶
 *   venue ─── FeedConnection ─┘                    board cells (best 20, last trade, staleness)
 *
 * Ingest thread; the only writer of the tick ring and of the market cells. One connection per venue and at most
 * `instrumentsPerConnectionMax` instruments. People's wishes for a connection come by feed-words.
 */
import { assert } from '../domain/assert.js';
import type { Instrument } from '../domain/instrument.js';
import type { BoardCells } from '../memory/board.js';
import type { RingWriter } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { FEED_BREAKER_NAMES, FEED_STATE_NAMES } from '../runtime/feed-words.js';
import type { FeedWords } from '../runtime/feed-words.js';
import { Counter } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import { venueOf } from '../venues/registry.js';
import { BreakerState } from './circuit-breaker.js';
import { ClockWatch } from './clock-watch.js';
import { FeedConnection } from './feed-connection.js';
import type { FeedChange, FeedConfig } from './feed-connection.js';
import { SessionState } from './feed-session.js';
import { MarketBoard } from './market-board.js';
import { SendWindow } from './send-pacer.js';

export type { FeedChange, FeedConfig } from './feed-connection.js';

export interface IngestAgentOptions {
  /** The whole instrument table; an instrument's index is its cell on the board. */
  readonly instruments: readonly Instrument[];
  /** Public WebSocket and REST by venue id; each venue of the table has both. REST without a slash at the end. */
  readonly wsUrls: Readonly<Record<string, string>>;
  readonly restUrls: Readonly<Record<string, string>>;
  readonly config: FeedConfig;
  readonly tickWriter: RingWriter;
  readonly boardMarkets: BoardCells;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly network: Network;
  /** Spreads the waits between dials; absent: they are exact. */
  readonly random?: Random;
  /** The wall clock, in nanoseconds since run start; absent: there is only one clock. */
  readonly wallNs?: () => number;
  /** Wishes of people and what became of connections; venues in the order of `feedVenues`. */
  readonly feedWords?: FeedWords;
  readonly feedVenues?: readonly string[];
  /** For logs. */
  readonly onChange?: (change: FeedChange) => void;
  /** Puts somebody between a connection and its feed, who hears every call: `record`. */
  readonly tapFeed?: (feed: DecodingFeed, connection: TappedConnection) => DecodingFeed;
}

/** Which connection a tapped feed is of. */
export interface TappedConnection {
  readonly venue: string;
  readonly wsUrl: string;
  readonly instruments: readonly Instrument[];
}

/** The wall clock is looked at that often. */
const WALL_LOOK_NS = 10_000_000;
/** From best to worst: what of several connections of a venue is shown. */
const STATES_BY_WORTH: readonly SessionState[] = [
  SessionState.Connected,
  SessionState.Connecting,
  SessionState.Reconnecting,
  SessionState.Disconnected,
  SessionState.Failed,
];

export class IngestAgent implements Agent {
  readonly roleName = 'ingest';
  readonly #options: IngestAgentOptions;
  readonly #connections: FeedConnection[] = [];
  readonly #byVenue = new Map<string, FeedConnection[]>();
  readonly #clockWatch: ClockWatch;
  #wallLookNs = 0;
  #isStopping = false;

  constructor(options: IngestAgentOptions) {
    assert(Object.keys(SessionState).join() === FEED_STATE_NAMES.join(), 'names of feed states');
    assert(Object.keys(BreakerState).join() === FEED_BREAKER_NAMES.join(), 'names of breakers');
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.config);
  }

  onStart(host: AgentHost): void {
    const { instruments, clock } = this.#options;
    const venues = new Set(instruments.map(({ venue }) => venue));
    for (const venue of venues) {
      const own = instruments.filter((instrument) => instrument.venue === venue);
      this.#connections.push(...this.#connect(venue, own, host));
    }
    const nowNs = clock.nowNs();
    this.#clockWatch.check(nowNs);
    for (const connection of this.#connections) connection.start(nowNs);
  }

  doWork(nowNs: number): number {
    let workCount = this.#watchClocks(nowNs);
    const connections = this.#connections;
    for (let i = 0; i < connections.length; i++) {
      workCount += (connections[i] as FeedConnection).doWork(nowNs);
    }
    if (this.#options.feedWords !== undefined && !this.#isStopping) workCount += this.#obey(nowNs);
    return workCount;
  }

  get nextTurnNs(): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (const connection of this.#connections) nextNs = Math.min(nextNs, connection.nextTurnNs);
    return nextNs;
  }

  /** A person wants the venue's connections now; how many were dialled (those that exist are left alone). */
  reconnect(venue: string, nowNs: number): number {
    let count = 0;
    for (const connection of this.#byVenue.get(venue) ?? []) {
      if (connection.reconnect(nowNs)) count++;
    }
    return count;
  }

  /** A person wants the venue's connections no more; by force: without a farewell. */
  disconnect(venue: string, nowNs: number, isForced = false): void {
    for (const connection of this.#byVenue.get(venue) ?? []) connection.stop(nowNs, isForced);
  }

  /** The venue's connections, for tests and reports. */
  connectionsOf(venue: string): readonly FeedConnection[] {
    return this.#byVenue.get(venue) ?? [];
  }

  onStop(nowNs: number): void {
    this.#isStopping = true;
    for (const connection of this.#connections) connection.stop(nowNs);
  }

  get isDone(): boolean {
    return this.#connections.every((connection) => connection.isAtRest);
  }

  onClose(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  /** At start: a venue's connections. */
  #connect(name: string, instruments: readonly Instrument[], host: AgentHost): FeedConnection[] {
    const { config, random } = this.#options;
    const venue = venueOf(name);
    const wsUrl = this.#options.wsUrls[name];
    const restUrl = this.#options.restUrls[name];
    assert(wsUrl !== undefined, `a WebSocket address of the venue: venue=${name}`);
    assert(restUrl !== undefined, `a REST address of the venue: venue=${name}`);
    const sendsMax = Math.min(config.sendsPerSecondMax, venue.sendsPerSecondMax ?? Infinity);
    const sendWindow = new SendWindow(sendsMax);
    const connections: FeedConnection[] = [];
    const perConnection = venue.instrumentsPerConnectionMax;
    for (let from = 0; from < instruments.length; from += perConnection) {
      const some = instruments.slice(from, from + perConnection);
      const { tapFeed } = this.#options;
      connections.push(
        new FeedConnection({
          venue,
          instruments: some,
          tapFeed:
            tapFeed === undefined
              ? undefined
              : (feed) => tapFeed(feed, { venue: name, wsUrl, instruments: some }),
          place: connections.length,
          wsUrl,
          restUrl,
          config,
          tickWriter: this.#options.tickWriter,
          board: new MarketBoard(this.#options.boardMarkets),
          telemetry: this.#options.telemetry,
          clock: this.#options.clock,
          network: this.#options.network,
          sendWindow,
          clockWatch: this.#clockWatch,
          random,
          host,
          onChange: (change) => {
            this.#show(name);
            this.#options.onChange?.(change);
          },
          onClockJump: (nowNs) => {
            this.#onClockJump(nowNs);
          },
        }),
      );
    }
    this.#byVenue.set(name, connections);
    return connections;
  }

  #watchClocks(nowNs: number): number {
    const { wallNs } = this.#options;
    let code = this.#clockWatch.check(nowNs);
    if (code === 'OK' && wallNs !== undefined && nowNs >= this.#wallLookNs) {
      this.#wallLookNs = nowNs + WALL_LOOK_NS;
      code = this.#clockWatch.checkWall(nowNs, wallNs());
    }
    if (code === 'OK') return 0;
    this.#onClockJump(nowNs);
    return 1;
  }

  /** Cold. */
  #onClockJump(nowNs: number): void {
    this.#options.telemetry.add(Counter.feedClockJumps);
    for (const connection of this.#connections) connection.onClockJump(nowNs);
  }

  /** Does what people asked for since the last look. */
  #obey(nowNs: number): number {
    const { feedWords, feedVenues } = this.#options;
    if (feedWords === undefined || feedVenues === undefined) return 0;
    let workCount = 0;
    for (let index = 0; index < feedVenues.length; index++) {
      if (!feedWords.isAsked(index)) continue;
      feedWords.answer(index, this.reconnect(feedVenues[index] as string, nowNs) === 0);
      workCount++;
    }
    return workCount;
  }

  /** Cold: shows how the venue's worst connection fares. */
  #show(venue: string): void {
    const { feedWords, feedVenues } = this.#options;
    const index = feedVenues?.indexOf(venue) ?? -1;
    if (feedWords === undefined || index < 0) return;
    const connections = this.#byVenue.get(venue) ?? [];
    const worth = ({ session }: FeedConnection): number => STATES_BY_WORTH.indexOf(session.state);
    const worst = [...connections].sort((one, other) => worth(other) - worth(one))[0];
    if (worst === undefined) return;
    feedWords.show(index, {
      state: worst.session.state,
      breaker: worst.session.breakerState,
      failureCount: worst.session.failureCount,
      reason: worst.reason,
      dialCount: connections.reduce((sum, { session }) => sum + session.dialCount, 0),
    });
  }
}
