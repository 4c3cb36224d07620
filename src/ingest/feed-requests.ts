/**
 * feed-requests: fetches the REST bodies that a feed asks for (a book snapshot that no subscription brings) and retries
 * until they come. One per connection, ingest thread; time is an argument, answers come from the event loop.
 *
 *   feed.takeRequest ─▶ waiting ─▶ GET restUrl + path ─┬─ 200 ─▶ feed.onBody
 *                          ▲                           └─ else ─▶ wait (retryMs; Retry-After of 429, 418, 503) ─┐
 *                          └─────────────────────────────────────────────────────────────────────────────────────┘
 *
 * A venue that says "slow down" pauses every request of the connection, because the next one would count as well. What
 * belongs to an earlier connection is void: the feed asks for its bodies anew.
 */
import type { ErrorCode } from '../domain/errors.js';
import type { HttpOutcome, Network } from '../ports/network.js';

export interface FeedRequestTimes {
  /** An answer takes at most that long. */
  readonly requestTimeoutMs: number;
  /** Waits before asking again for the same body; the last one repeats. At least one. */
  readonly requestRetryMs: readonly number[];
}

export interface FeedRequestsOptions {
  readonly times: FeedRequestTimes;
  readonly network: Network;
  /** Without a slash at the end. */
  readonly restUrl: string;
  /** The next body that the feed wants, as path and query; null: none. */
  readonly take: () => string | null;
  /** It came. */
  readonly done: (path: string, body: Uint8Array) => void;
  /** It was asked for. */
  readonly asked: (path: string) => void;
  /** It did not come; it is asked for again. */
  readonly failed: (path: string, code: ErrorCode, detail: string) => void;
}

interface Wanted {
  readonly path: string;
  tries: number;
  dueNs: number;
  isUnderWay: boolean;
}

/** Requests under way at a time: enough for the books of a connection, few enough for a venue's weights. */
const UNDER_WAY_MAX = 2;
/** A venue may ask for a longer pause, but an hour is enough to look again. */
const RETRY_AFTER_MAX_S = 3_600;
const NS_PER_MS = 1_000_000;
const NS_PER_SEC = 1_000_000_000;
const STATUS_OK = 200;
/** Too many requests; the same, and banned (Binance); overloaded. */
const SLOW_DOWN = [429, 418, 503];

export class FeedRequests {
  readonly #options: FeedRequestsOptions;
  readonly #encoder = new TextEncoder();
  #wanted: Wanted[] = [];
  /** Counts connections; an answer to a question of an earlier one is void. */
  #generation = 0;
  #pausedUntilNs = 0;
  #nowNs = 0;

  constructor(options: FeedRequestsOptions) {
    this.#options = options;
  }

  /** Bodies that are wanted and not there. */
  get count(): number {
    return this.#wanted.length;
  }

  /** When the next one is due; Infinity: none waits. */
  get nextTurnNs(): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (const { dueNs, isUnderWay } of this.#wanted) {
      if (!isUnderWay) nextNs = Math.min(nextNs, Math.max(dueNs, this.#pausedUntilNs));
    }
    return nextNs;
  }

  /** The connection is new or gone: nothing of the old one is wanted. */
  forget(): void {
    this.#generation++;
    this.#wanted = [];
  }

  /** Takes what the feed wants and asks for what is due; returns how many were asked for. */
  doWork(nowNs: number): number {
    this.#nowNs = nowNs;
    for (let path = this.#options.take(); path !== null; path = this.#options.take()) {
      this.#want(path, nowNs);
    }
    if (this.#wanted.length === 0 || nowNs < this.#pausedUntilNs) return 0;
    let askedCount = 0;
    let underWayCount = this.#wanted.filter(({ isUnderWay }) => isUnderWay).length;
    for (const wanted of this.#wanted) {
      if (underWayCount >= UNDER_WAY_MAX) break;
      if (wanted.isUnderWay || nowNs < wanted.dueNs) continue;
      this.#ask(wanted);
      underWayCount++;
      askedCount++;
    }
    return askedCount;
  }

  /** The same body twice is one question, asked for the later wish. */
  #want(path: string, nowNs: number): void {
    const known = this.#wanted.find((wanted) => wanted.path === path);
    if (known === undefined) {
      this.#wanted.push({ path, tries: 0, dueNs: nowNs, isUnderWay: false });
    } else if (known.isUnderWay) {
      // What is under way may be older than the feed needs: its answer is void, and it is asked for again.
      this.#wanted = this.#wanted.filter((wanted) => wanted !== known);
      this.#wanted.push({ path, tries: known.tries, dueNs: nowNs, isUnderWay: false });
    }
  }

  #ask(wanted: Wanted): void {
    const { network, restUrl, times, asked } = this.#options;
    const generation = this.#generation;
    wanted.isUnderWay = true;
    wanted.tries++;
    asked(wanted.path);
    network.request(
      {
        method: 'GET',
        url: restUrl + wanted.path,
        headers: { accept: 'application/json' },
        body: '',
        timeoutMs: times.requestTimeoutMs,
      },
      (outcome) => {
        if (generation !== this.#generation || !this.#wanted.includes(wanted)) return;
        wanted.isUnderWay = false;
        this.#onOutcome(wanted, outcome);
      },
    );
  }

  #onOutcome(wanted: Wanted, outcome: HttpOutcome): void {
    const { done, failed, times } = this.#options;
    if (outcome.kind === 'answer' && outcome.status === STATUS_OK) {
      this.#wanted = this.#wanted.filter((one) => one !== wanted);
      done(wanted.path, this.#encoder.encode(outcome.body));
      return;
    }
    const { requestRetryMs } = times;
    const waitMs = requestRetryMs[Math.min(wanted.tries, requestRetryMs.length) - 1] as number;
    wanted.dueNs = this.#nowNs + waitMs * NS_PER_MS;
    if (outcome.kind !== 'answer') {
      failed(wanted.path, 'FEED_REQUEST_FAILED', outcome.message);
      return;
    }
    const isSlowDown = SLOW_DOWN.includes(outcome.status);
    if (isSlowDown) {
      const pauseNs = retryAfterSec(outcome.headers) * NS_PER_SEC;
      this.#pausedUntilNs = Math.max(wanted.dueNs, this.#nowNs + pauseNs);
    }
    const code = isSlowDown ? 'VENUE_RATE_LIMIT' : 'FEED_REQUEST_FAILED';
    failed(wanted.path, code, `HTTP ${String(outcome.status)}: ${outcome.body.slice(0, 200)}`);
  }
}

/** Seconds of a Retry-After header; 0 without one, or when it is a date (no venue of ours writes one). */
function retryAfterSec(headers: Readonly<Record<string, string>>): number {
  const seconds = Number(headers['retry-after'] ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, RETRY_AFTER_MAX_S) : 0;
}
