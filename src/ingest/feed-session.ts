/**
 * feed-session: the life of one market data connection, the same for every venue. Pure: it decides, its host acts.
 *
 *                    start                 opened                 closed, silent, broken
 *   DISCONNECTED ───────────▶ CONNECTING ───────────▶ CONNECTED ─────────────┐
 *        ▲                      ▲      └── closed, late ──┐                  ▼
 *        │ stop (from anywhere) └────────── due ──── RECONNECTING ◀──────────┘
 *        └───────────────────────────── FAILED ◀── spent ──┘        FAILED ── start ──▶ CONNECTING
 *
 * Ingest thread; time is an argument. Invariants: one socket at a time (a new dial waits until the old socket has told
 * its end); whatever is not in TRANSITIONS cannot happen; the backoff starts anew after the first data of a connection.
 * Retries go on for ever unless retriesMax is set; only then there is FAILED.
 */
import { assert, must } from '../domain/assert.js';
import type { ErrorCode } from '../domain/errors.js';

export const SessionState = {
  Disconnected: 0,
  Connecting: 1,
  Connected: 2,
  Reconnecting: 3,
  Failed: 4,
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];
export type SessionStateName = keyof typeof SessionState;

/** For logs: Disconnected, Connecting, … */
export function sessionStateName(state: SessionState): SessionStateName {
  const names = Object.keys(SessionState) as SessionStateName[];
  return must(names[state], `name of session state ${String(state)}`);
}

export const SessionEvent = {
  /** Somebody wants the connection. */
  Start: 0,
  Opened: 1,
  /** The socket has told its end. */
  Closed: 2,
  /** The dial took too long. */
  Late: 3,
  /** Nothing understandable came for too long. */
  Silent: 4,
  /** The books of this connection can only be mended by a new one. */
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
  /** Nothing understandable for that long: the connection is dead. Also counts from the opening. */
  readonly idleTimeoutMs: number;
  /** Waits before each new dial; the last one repeats. At least one. */
  readonly backoffMs: readonly number[];
  /** Dials in a row that may fail before FAILED; absent: no limit. */
  readonly retriesMax?: number;
}

/** What the session has done to it. Called from inside the session's methods. */
export interface FeedSessionHost {
  /** Open one socket; its end must be told by onClose, exactly once. */
  dial(): void;
  /** The socket is open: send the subscriptions. */
  subscribe(): void;
  /** End the socket: by force when it is of no more use, else with a farewell. */
  hangUp(isForced: boolean): void;
  /** What came over the connection is no longer the market. */
  lost(reason: ErrorCode, nowNs: number): void;
  /** For logs and metrics. */
  changed(from: SessionState, to: SessionState, reason: ErrorCode, nowNs: number): void;
}

const NS_PER_MS = 1_000_000;

export class FeedSession {
  readonly #times: FeedSessionTimes;
  readonly #host: FeedSessionHost;
  #state: SessionState = SessionState.Disconnected;
  #hasSocket = false;
  /** Failures since data last came; chooses the backoff. */
  #failureCount = 0;
  #hasData = false;
  #dialNs = 0;
  #lastDataNs = 0;
  #retryNs = 0;

  constructor(times: FeedSessionTimes, host: FeedSessionHost) {
    assert(times.backoffMs.length > 0, 'backoffMs has at least one wait');
    this.#times = times;
    this.#host = host;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Failures in a row. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** Nothing is open and nothing will be opened. */
  get isAtRest(): boolean {
    const isOver = this.#state === SessionState.Disconnected || this.#state === SessionState.Failed;
    return isOver && !this.#hasSocket;
  }

  /** Wants the connection. False (and nothing happens) when one is open or on its way. */
  start(nowNs: number): boolean {
    if (this.#hasSocket || nextState(this.#state, SessionEvent.Start) === -1) return false;
    this.#failureCount = 0;
    this.#move(SessionEvent.Start, 'OK', nowNs);
    this.#dial(nowNs);
    return true;
  }

  /** Wants it no more. */
  stop(nowNs: number): void {
    if (this.#state === SessionState.Disconnected) return;
    const wasConnected = this.#state === SessionState.Connected;
    this.#move(SessionEvent.Stop, 'FEED_DISCONNECTED', nowNs);
    if (wasConnected) this.#host.lost('FEED_DISCONNECTED', nowNs);
    if (this.#hasSocket) this.#host.hangUp(!wasConnected);
  }

  /** The socket is open. */
  onOpen(nowNs: number): void {
    // A dial that was given up in the meantime: its socket is on its way out.
    if (this.#state !== SessionState.Connecting) return;
    this.#move(SessionEvent.Opened, 'OK', nowNs);
    this.#hasData = false;
    this.#lastDataNs = nowNs;
    this.#host.subscribe();
  }

  /** The socket has told its end, whoever wanted it. */
  onClose(nowNs: number): void {
    this.#hasSocket = false;
    if (this.#state === SessionState.Connecting || this.#state === SessionState.Connected) {
      this.#fail(SessionEvent.Closed, 'FEED_DISCONNECTED', nowNs);
    }
  }

  /** Something came that was understood. */
  onData(nowNs: number): void {
    this.#lastDataNs = nowNs;
    if (this.#hasData) return;
    this.#hasData = true;
    this.#failureCount = 0;
  }

  /** The books cannot be mended on this connection. */
  onBroken(reason: ErrorCode, nowNs: number): void {
    if (this.#state === SessionState.Connected) this.#fail(SessionEvent.Broken, reason, nowNs);
  }

  /** Looks at the clock; returns 1 when something was due. */
  doWork(nowNs: number): number {
    switch (this.#state) {
      case SessionState.Connecting:
        if (nowNs - this.#dialNs < this.#times.openTimeoutMs * NS_PER_MS) return 0;
        this.#fail(SessionEvent.Late, 'FEED_DISCONNECTED', nowNs);
        return 1;
      case SessionState.Connected:
        if (nowNs - this.#lastDataNs < this.#times.idleTimeoutMs * NS_PER_MS) return 0;
        this.#fail(SessionEvent.Silent, 'FEED_SILENT', nowNs);
        return 1;
      case SessionState.Reconnecting:
        if (nowNs < this.#retryNs || this.#hasSocket) return 0;
        this.#move(SessionEvent.Due, 'OK', nowNs);
        this.#dial(nowNs);
        return 1;
      default:
        return 0;
    }
  }

  #dial(nowNs: number): void {
    this.#dialNs = nowNs;
    this.#hasSocket = true;
    this.#host.dial();
  }

  #fail(event: SessionEvent, reason: ErrorCode, nowNs: number): void {
    const { backoffMs, retriesMax } = this.#times;
    const waitMs = backoffMs[Math.min(this.#failureCount, backoffMs.length - 1)] as number;
    this.#failureCount++;
    this.#retryNs = nowNs + waitMs * NS_PER_MS;
    this.#move(event, reason, nowNs);
    // What broke one book costs the others only the connection.
    this.#host.lost(event === SessionEvent.Broken ? 'FEED_DISCONNECTED' : reason, nowNs);
    if (retriesMax !== undefined && this.#failureCount > retriesMax) {
      this.#move(SessionEvent.Spent, reason, nowNs);
    }
    if (this.#hasSocket) this.#host.hangUp(true);
  }

  #move(event: SessionEvent, reason: ErrorCode, nowNs: number): void {
    const from = this.#state;
    const to = nextState(from, event);
    assert(to !== -1, `a transition of the table: state=${from}, event=${event}`);
    this.#state = to;
    this.#host.changed(from, to, reason, nowNs);
  }
}
