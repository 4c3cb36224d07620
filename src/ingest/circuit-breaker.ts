/**
 * circuit-breaker: when the fast tries are spent, how rarely to try, and when to believe again. Pure: time is an argument,
 * every transition is told. One per market data connection, ingest thread.
 *
 *              failuresMax in a row                 its wait is over (allows), or a person asks (probe)
 *   CLOSED ──────────────────────────▶ OPEN ──────────────────────────────────▶ HALF-OPEN
 *      ▲                                 ▲ └─ a person resets ─▶ CLOSED            │    │
 *      │                                 └────────────── one failure ──────────────┘    │
 *      └──────────────────────────────── successesMin in a row ─────────────────────────┘
 *
 * Each opening in a row waits longer (openMs: 10, 20, 40, 80 s, then 80 for ever); closing forgets that. While it is
 * half-open one probe is under way at a time. A success in CLOSED ends the row of failures.
 */
import { assert, must } from '../domain/assert.js';

export const BreakerState = { Closed: 0, Open: 1, HalfOpen: 2 } as const;
export type BreakerState = (typeof BreakerState)[keyof typeof BreakerState];
export type BreakerStateName = keyof typeof BreakerState;

const NAMES = Object.keys(BreakerState) as readonly BreakerStateName[];

/** For logs: Closed, Open, HalfOpen. */
export function breakerStateName(state: BreakerState): BreakerStateName {
  return must(NAMES[state], `name of breaker state ${String(state)}`);
}

export interface CircuitBreakerOptions {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** Successes in a row that close it, half-open. */
  readonly successesMin: number;
  /** Wait of the first, second, … opening in a row; the last one repeats. At least one. */
  readonly openMs: readonly number[];
  readonly onTransition?: (transition: BreakerTransition) => void;
}

export type BreakerCause = 'failures' | 'probe failed' | 'wait over' | 'held' | 'asked by a person';

export interface BreakerTransition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly cause: BreakerCause;
  readonly nowNs: number;
  /** How long it was in `from`, ns. */
  readonly durationNs: number;
  /** To OPEN: how long it stays so, ns; else 0. */
  readonly waitNs: number;
}

/** What it has done so far. Plain data. */
export interface BreakerStats {
  readonly state: BreakerStateName;
  /** Failures in a row. */
  readonly failureCount: number;
  /** Successes in a row, half-open. */
  readonly successCount: number;
  readonly failuresTotal: number;
  readonly successesTotal: number;
  readonly refusedTotal: number;
  readonly transitionCount: number;
  /** Time spent in each state up to now, ns. */
  readonly timeInNs: Readonly<Record<BreakerStateName, number>>;
  /** Since the last failure, ns; null: there was none. */
  readonly sinceFailureNs: number | null;
  /** Wait of the current opening, ns; 0 when it is not open. */
  readonly waitNs: number;
}

/** Transitions that are remembered. */
const HISTORY_MAX = 64;
const NS_PER_MS = 1_000_000;

export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #timeInNs: [number, number, number] = [0, 0, 0];
  #history: BreakerTransition[] = [];
  #state: BreakerState = BreakerState.Closed;
  #sinceNs: number;
  #failureCount = 0;
  #successCount = 0;
  #failuresTotal = 0;
  #successesTotal = 0;
  #refusedTotal = 0;
  #transitionCount = 0;
  #failureNs: number | null = null;
  /** Openings in a row; chooses the wait. */
  #openCount = 0;
  #waitNs = 0;
  #isProbing = false;

  constructor(options: CircuitBreakerOptions, nowNs: number) {
    assert(options.failuresMax > 0, 'failuresMax above 0');
    assert(options.successesMin > 0, 'successesMin above 0');
    assert(options.openMs.length > 0, 'openMs has at least one wait');
    this.#options = options;
    this.#sinceNs = nowNs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** When an open breaker lets the next try pass; 0 when it is not open. */
  get retryNs(): number {
    return this.#state === BreakerState.Open ? this.#sinceNs + this.#waitNs : 0;
  }

  /** The last transitions, the oldest first. */
  get history(): readonly BreakerTransition[] {
    return this.#history;
  }

  /** May a try begin now? An open breaker whose wait is over becomes half-open and lets this one pass. */
  allows(nowNs: number): boolean {
    if (this.#state === BreakerState.Open && nowNs >= this.retryNs) {
      this.#move(BreakerState.HalfOpen, 'wait over', nowNs);
    }
    const isAllowed =
      this.#state === BreakerState.Closed ||
      (this.#state === BreakerState.HalfOpen && !this.#isProbing);
    if (!isAllowed) this.#refusedTotal++;
    else this.#isProbing = this.#state === BreakerState.HalfOpen;
    return isAllowed;
  }

  /** A person wants a try at once, whatever the wait. */
  probe(nowNs: number): void {
    if (this.#state === BreakerState.Open) {
      this.#move(BreakerState.HalfOpen, 'asked by a person', nowNs);
    }
  }

  /** A try has failed, or what it made was lost. */
  onFailure(nowNs: number): void {
    this.#failuresTotal++;
    this.#failureCount++;
    this.#failureNs = nowNs;
    this.#isProbing = false;
    if (this.#state === BreakerState.HalfOpen) {
      this.#open('probe failed', nowNs);
    } else if (
      this.#state === BreakerState.Closed &&
      this.#failureCount >= this.#options.failuresMax
    ) {
      this.#open('failures', nowNs);
    }
  }

  /** What a try made has held for a while (again). */
  onSuccess(nowNs: number): void {
    this.#successesTotal++;
    if (this.#state === BreakerState.Open) return;
    this.#failureCount = 0;
    if (this.#state === BreakerState.Closed) return;
    this.#successCount++;
    if (this.#successCount >= this.#options.successesMin) this.#close('held', nowNs);
  }

  /** A person resets it: closed, nothing behind it. */
  reset(nowNs: number): void {
    this.#failureCount = 0;
    this.#openCount = 0;
    if (this.#state !== BreakerState.Closed) this.#close('asked by a person', nowNs);
  }

  stats(nowNs: number): BreakerStats {
    const times = [...this.#timeInNs] as [number, number, number];
    times[this.#state] += nowNs - this.#sinceNs;
    return {
      state: breakerStateName(this.#state),
      failureCount: this.#failureCount,
      successCount: this.#successCount,
      failuresTotal: this.#failuresTotal,
      successesTotal: this.#successesTotal,
      refusedTotal: this.#refusedTotal,
      transitionCount: this.#transitionCount,
      timeInNs: { Closed: times[0], Open: times[1], HalfOpen: times[2] },
      sinceFailureNs: this.#failureNs === null ? null : nowNs - this.#failureNs,
      waitNs: this.#state === BreakerState.Open ? this.#waitNs : 0,
    };
  }

  #open(cause: BreakerCause, nowNs: number): void {
    const { openMs } = this.#options;
    const waitMs = openMs[Math.min(this.#openCount, openMs.length - 1)] as number;
    this.#openCount++;
    this.#waitNs = waitMs * NS_PER_MS;
    this.#move(BreakerState.Open, cause, nowNs);
  }

  #close(cause: BreakerCause, nowNs: number): void {
    this.#failureCount = 0;
    this.#openCount = 0;
    this.#move(BreakerState.Closed, cause, nowNs);
  }

  #move(to: BreakerState, cause: BreakerCause, nowNs: number): void {
    const from = this.#state;
    const durationNs = nowNs - this.#sinceNs;
    this.#timeInNs[from] += durationNs;
    this.#state = to;
    this.#sinceNs = nowNs;
    this.#successCount = 0;
    this.#isProbing = false;
    this.#transitionCount++;
    const waitNs = to === BreakerState.Open ? this.#waitNs : 0;
    const transition: BreakerTransition = { from, to, cause, nowNs, durationNs, waitNs };
    this.#history = [...this.#history.slice(1 - HISTORY_MAX), transition];
    this.#options.onTransition?.(transition);
  }
}
