/**
 * feed-session: the life of one market data connection, the same for every venue. Pure: it decides, its host acts.
 *
 *                    start                 opened                 closed, silent, broken
 *   DISCONNECTED ───────────▶ CONNECTING ───────────▶ CONNECTED ─────────────┐
 *        ▲                      ▲      └── closed, late ──┐                  ▼
 *        │ stop (from anywhere) └─── due, asked ──── RECONNECTING ◀──────────┘
 *        └───────────────────────────── FAILED ◀── spent ──┘        FAILED ── start ──▶ CONNECTING
 *
 * Between two dials: the waits of the backoff, fast; after breakerFailures in a row the circuit breaker, for ever, unless
 * retriesMax ends it (only then there is FAILED). Both start anew when a connection has *held*: all subscriptions live and
 * books fresh for steadyMs. A mere open, a first byte or a first book does not count: a venue that breaks every new book
 * at once would otherwise be dialled ten times a second.
 *
 * Ingest thread; time is an argument. Invariants: one socket at a time (a new dial waits until the old socket has told
 * its end); whatever is not in TRANSITIONS cannot happen.
 */
import { assert, must } from '../domain/assert.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Random } from '../ports/random.js';
import { Backoff } from '../runtime/backoff.js';
import { BreakerState, CircuitBreaker } from './circuit-breaker.js';
import type { BreakerStats, BreakerTransition } from './circuit-breaker.js';

export const SessionState = {
  Disconnected: 0,
  Connecting: 1,
  Connected: 2,
  Reconnecting: 3,
  Failed: 4,
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];
export type SessionStateName = keyof typeof SessionState;

const STATE_NAMES = Object.keys(SessionState) as readonly SessionStateName[];

/** For logs: Disconnected, Connecting, … */
export function sessionStateName(state: SessionState): SessionStateName {
  return must(STATE_NAMES[state], `name of session state ${String(state)}`);
}

export const SessionEvent = {
  /** Somebody wants the connection. */
  Start: 0,
  Opened: 1,
  /** The socket has told its end. */
  Closed: 2,
  /** The dial took too long. */
  Late: 3,
  /** The other end is dead. */
  Silent: 4,
  /** What comes over this connection can only be mended by a new one. */
  Broken: 5,
  /** The wait before the next dial is over. */
  Due: 6,
  /** As many dials as allowed have failed. */
  Spent: 7,
  Stop: 8,
} as const;
export type SessionEvent = (typeof SessionEvent)[keyof typeof SessionEvent];

const { Disconnected, Connecting, Connected, Reconnecting, Failed } = SessionState;
const { Start, Opened, Closed, Late, Silent, Broken, Due, Spent, Stop } = SessionEvent;

/** [state, event, next state]: the whole truth. */
export const TRANSITIONS: readonly (readonly [SessionState, SessionEvent, SessionState])[] = [
  [Disconnected, Start, Connecting],
  [Connecting, Opened, Connected],
  [Connecting, Closed, Reconnecting],
  [Connecting, Late, Reconnecting],
  [Connecting, Stop, Disconnected],
  [Connected, Closed, Reconnecting],
  [Connected, Silent, Reconnecting],
  [Connected, Broken, Reconnecting],
  [Connected, Stop, Disconnected],
  // Due comes by itself, or early because a person asks for it.
  [Reconnecting, Due, Connecting],
  [Reconnecting, Spent, Failed],
  [Reconnecting, Stop, Disconnected],
  // A person asks for one more try.
  [Failed, Start, Connecting],
  [Failed, Stop, Disconnected],
];

/** The state after the event; -1 when the table has no such row. */
export function nextState(state: SessionState, event: SessionEvent): SessionState | -1 {
  for (const [from, on, to] of TRANSITIONS) if (from === state && on === event) return to;
  return -1;
}

export interface FeedSessionTimes {
  /** No socket by then: the dial has failed. */
  readonly openTimeoutMs: number;
  /** Waits before each new dial; the last one repeats. At least one. */
  readonly backoffMs: readonly number[];
  /** 0.1: each of these waits is up to a tenth longer or shorter. */
  readonly backoffJitter: number;
  /** A connection has held when everything was live and fresh for that long. */
  readonly steadyMs: number;
  /** Failures in a row that raise the alert and open the circuit breaker. */
  readonly breakerFailures: number;
  /** Times in a row that a connection must hold before the breaker closes. */
  readonly breakerSuccesses: number;
  /** How long each opening of the breaker lasts; the last one repeats. At least one. */
  readonly breakerOpenMs: readonly number[];
  /** Dials in a row that may fail before FAILED; absent: no limit. */
  readonly retriesMax?: number | undefined;
}

/** One step of the state machine. */
export interface SessionChange {
  readonly from: SessionState;
  readonly to: SessionState;
  /** Why; OK for what was wanted. */
  readonly reason: ErrorCode;
  readonly nowNs: number;
  /** How long it was in `from`, ns. */
  readonly durationNs: number;
  /** To RECONNECTING: how long until the next dial, as it looks now, ns; else 0. */
  readonly waitNs: number;
}

/** What the session has done to it. Called from inside the session's methods. */
export interface FeedSessionHost {
  /** Open one socket; its end must be told by onClose, exactly once. */
  dial(): void;
  /** The socket is open: send the subscriptions. */
  subscribe(nowNs: number): void;
  /** End the socket: by force when it is of no more use, else with a farewell. */
  hangUp(isForced: boolean): void;
  /** What came over the connection is no longer the market. */
  lost(reason: ErrorCode, nowNs: number): void;
  /** For logs and metrics. */
  changed(change: SessionChange): void;
  breakerChanged(transition: BreakerTransition): void;
  /** The feed is down after so many failures in a row. Once until it holds again. */
  alert(failureCount: number, nowNs: number): void;
  /** A connection has held: the waits start anew. `downNs`: since the loss; 0 for the first connection. */
  held(downNs: number): void;
  /** Asked for while there is one, or while the circuit is open: refused. */
  refused(code: ErrorCode): void;
}

const NS_PER_MS = 1_000_000;

export class FeedSession {
  readonly #times: FeedSessionTimes;
  readonly #host: FeedSessionHost;
  readonly #backoff: Backoff;
  readonly #breaker: CircuitBreaker;
  #state: SessionState = SessionState.Disconnected;
  #stateNs: number;
  #hasSocket = false;
  /** Sockets dialled so far; the number of the current one. */
  #dialCount = 0;
  #retryNs = 0;
  /** Since when everything is live and fresh; -1: it is not. */
  #goodNs = -1;
  /** This connection has held. */
  #hasHeld = false;
  /** When the market was lost; -1: it is there, or never was. */
  #downNs = -1;
  #isAlerted = false;

  constructor(times: FeedSessionTimes, host: FeedSessionHost, nowNs = 0, random?: Random) {
    this.#times = times;
    this.#host = host;
    this.#stateNs = nowNs;
    this.#backoff = new Backoff({
      waitsMs: times.backoffMs,
      jitter: times.backoffJitter,
      random,
    });
    this.#breaker = new CircuitBreaker(
      {
        failuresMax: times.breakerFailures,
        successesMin: times.breakerSuccesses,
        openMs: times.breakerOpenMs,
        onTransition: (transition) => {
          host.breakerChanged(transition);
        },
      },
      nowNs,
    );
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Failures in a row. */
  get failureCount(): number {
    return this.#backoff.failureCount;
  }

  get dialCount(): number {
    return this.#dialCount;
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  breakerStats(nowNs: number): BreakerStats {
    return this.#breaker.stats(nowNs);
  }

  get breakerHistory(): readonly BreakerTransition[] {
    return this.#breaker.history;
  }

  /** When the session wants its next turn, ns since run start; Infinity: whenever. */
  get nextTurnNs(): number {
    if (this.#state === SessionState.Reconnecting && !this.#hasSocket) return this.#retryNs;
    return Number.POSITIVE_INFINITY;
  }

  /** Nothing is open and nothing will be opened. */
  get isAtRest(): boolean {
    const isOver = this.#state === SessionState.Disconnected || this.#state === SessionState.Failed;
    return isOver && !this.#hasSocket;
  }

  /** Wants the connection. False (and nothing happens but a count) when one is open or on its way. */
  start(nowNs: number): boolean {
    if (this.#hasSocket || nextState(this.#state, SessionEvent.Start) === -1) {
      this.#host.refused('FEED_BUSY');
      return false;
    }
    this.#backoff.reset();
    this.#breaker.reset(nowNs);
    this.#dial(SessionEvent.Start, nowNs);
    return true;
  }

  /**
   * A person wants it now: from DISCONNECTED or FAILED as start, from RECONNECTING without the rest of the wait (an open
   * breaker lets this one pass as its probe). False, as start, when there is one or one on its way.
   */
  reconnect(nowNs: number): boolean {
    if (this.#state !== SessionState.Reconnecting) return this.start(nowNs);
    if (this.#retryNs <= nowNs) {
      // It is due already and waits for the end of the old socket, or somebody has asked before.
      this.#host.refused('FEED_BUSY');
      return false;
    }
    this.#breaker.probe(nowNs);
    this.#retryNs = nowNs;
    this.doWork(nowNs);
    return true;
  }

  /** Wants it no more. By force: without a farewell. */
  stop(nowNs: number, isForced = false): void {
    if (this.#state === SessionState.Disconnected) return;
    const wasConnected = this.#state === SessionState.Connected;
    this.#move(SessionEvent.Stop, 'FEED_DISCONNECTED', nowNs);
    this.#goodNs = -1;
    this.#downNs = -1;
    if (wasConnected) this.#host.lost('FEED_DISCONNECTED', nowNs);
    if (this.#hasSocket) this.#host.hangUp(isForced || !wasConnected);
  }

  /** The socket is open. */
  onOpen(nowNs: number): void {
    // A dial that was given up in the meantime: its socket is on its way out.
    if (this.#state !== SessionState.Connecting) return;
    this.#move(SessionEvent.Opened, 'OK', nowNs);
    this.#goodNs = -1;
    this.#hasHeld = false;
    this.#host.subscribe(nowNs);
  }

  /** The socket has told its end, whoever wanted it, and of which kind its failure was (OK: none). */
  onClose(failure: ErrorCode, nowNs: number): void {
    this.#hasSocket = false;
    if (this.#state === SessionState.Connecting || this.#state === SessionState.Connected) {
      this.#fail(SessionEvent.Closed, failure === 'OK' ? 'FEED_DISCONNECTED' : failure, nowNs);
    }
  }

  /** The other end is dead. */
  onSilent(nowNs: number): void {
    if (this.#state === SessionState.Connected) this.#fail(Silent, 'FEED_SILENT', nowNs);
  }

  /** What comes cannot be mended on this connection. */
  onBroken(reason: ErrorCode, nowNs: number): void {
    if (this.#state === SessionState.Connected) this.#fail(Broken, reason, nowNs);
  }

  /** Whether every subscription is live and every book fresh, as far as this connection can help it. */
  setGood(isGood: boolean, nowNs: number): void {
    if (!isGood || this.#state !== SessionState.Connected) {
      this.#goodNs = -1;
      return;
    }
    if (this.#goodNs < 0) this.#goodNs = nowNs;
    if (this.#hasHeld && this.#breaker.state === BreakerState.Closed) return;
    if (nowNs - this.#goodNs < this.#times.steadyMs * NS_PER_MS) return;
    // Half-open, it must hold several times.
    this.#goodNs = nowNs;
    this.#breaker.onSuccess(nowNs);
    if (!this.#hasHeld) this.#onHeld(nowNs);
  }

  /** Looks at the clock; returns 1 when something was due. */
  doWork(nowNs: number): number {
    if (this.#state === SessionState.Connecting) {
      if (nowNs - this.#stateNs < this.#times.openTimeoutMs * NS_PER_MS) return 0;
      this.#fail(SessionEvent.Late, 'DIAL_TIMEOUT', nowNs);
      return 1;
    }
    if (this.#state !== SessionState.Reconnecting) return 0;
    if (nowNs < this.#retryNs || this.#hasSocket) return 0;
    if (!this.#breaker.allows(nowNs)) {
      this.#host.refused('FEED_CIRCUIT_OPEN');
      this.#retryNs = this.#breaker.retryNs;
      return 1;
    }
    this.#dial(SessionEvent.Due, nowNs);
    return 1;
  }

  #dial(event: SessionEvent, nowNs: number): void {
    assert(!this.#hasSocket, `one socket at a time: dialCount=${String(this.#dialCount)}`);
    this.#dialCount++;
    this.#move(event, 'OK', nowNs);
    this.#hasSocket = true;
    this.#host.dial();
  }

  #onHeld(nowNs: number): void {
    const downNs = this.#downNs < 0 ? 0 : nowNs - this.#downNs;
    this.#hasHeld = true;
    this.#downNs = -1;
    this.#isAlerted = false;
    if (this.#backoff.reset()) this.#host.held(downNs);
  }

  #fail(event: SessionEvent, reason: ErrorCode, nowNs: number): void {
    const { retriesMax, breakerFailures } = this.#times;
    const waitNs = this.#backoff.fail();
    const failureCount = this.#backoff.failureCount;
    this.#goodNs = -1;
    if (this.#downNs < 0) this.#downNs = nowNs;
    this.#retryNs = nowNs + waitNs;
    this.#move(event, reason, nowNs, waitNs);
    // What broke one book costs the others only the connection.
    this.#host.lost(event === SessionEvent.Broken ? 'FEED_DISCONNECTED' : reason, nowNs);
    this.#breaker.onFailure(nowNs);
    if (failureCount >= breakerFailures && !this.#isAlerted) {
      this.#isAlerted = true;
      this.#host.alert(failureCount, nowNs);
    }
    if (retriesMax !== undefined && failureCount > retriesMax) {
      this.#move(SessionEvent.Spent, 'FEED_SPENT', nowNs);
    }
    if (this.#hasSocket) this.#host.hangUp(true);
  }

  #move(event: SessionEvent, reason: ErrorCode, nowNs: number, waitNs = 0): void {
    const from = this.#state;
    const to = nextState(from, event);
    assert(to !== -1, `a transition of the table: state=${from}, event=${event}`);
    const durationNs = nowNs - this.#stateNs;
    this.#state = to;
    this.#stateNs = nowNs;
    this.#host.changed({ from, to, reason, nowNs, durationNs, waitNs });
  }
}
