/**
 * request-queue: every request to a venue passes here: budget, proof, deadline, verdict.
 *
 *   orders, cancels ──▶ urgent ──┐
 *                                ├─▶ rate budget ─▶ auth headers ─▶ network ─▶ judged by the gateway ─▶ caller
 *   questions ─────────▶ normal ─┘        ▲ 429: everything pauses
 *
 * Execution thread. Sends from inside `send` when the budget allows (an order never waits for a duty cycle) and from
 * `pump` otherwise. Nothing is repeated here but questions, which change nothing at the venue (`read`).
 */
import type { ErrorCode } from '../domain/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Network } from '../ports/network.js';
import { Counter } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import { RateBudget } from '../venues/rate-budget.js';
import type { OrderGateway, RequestAuth, VenueRequest } from '../venues/venue.js';

const NS_PER_MS = 1_000_000;
/** Waits between two tries of the same question; the last one repeats. */
const READ_RETRY_MS = [100, 200, 400, 800, 1600] as const;
/** Requests that may wait; the next one is refused. Far above what the risk gate's order rate lets through. */
const WAITING_MAX = 1024;
const CLOSED = 'the session is closed';

/** What became of a request, one word further than the network's: a status has been looked at. */
export type RequestOutcome =
  | { readonly kind: 'ok'; readonly body: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** Nothing was done at the venue, and it may be asked again later. */
  | { readonly kind: 'not-done'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'unknown'; readonly code: ErrorCode; readonly message: string };

export type ReadOutcome<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The reader does not want the answer any more. */
  | { readonly kind: 'abandoned' };

export interface RequestQueueOptions {
  readonly network: Network;
  readonly auth: RequestAuth;
  readonly gateway: OrderGateway;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Without a slash at the end. */
  readonly restUrl: string;
  readonly requestTimeoutMs: number;
  readonly requestsPerSecond: number;
}

interface Waiting {
  readonly request: VenueRequest;
  readonly isUrgent: boolean;
  readonly done: (outcome: RequestOutcome) => void;
  readonly onSent: (() => void) | undefined;
  /** Not sent by then: not sent at all. */
  readonly deadlineNs: number;
}

interface Sleeper {
  readonly dueNs: number;
  readonly wake: () => void;
}

export class RequestQueue {
  readonly #options: RequestQueueOptions;
  readonly #budget: RateBudget;
  readonly #urgent: Waiting[] = [];
  readonly #normal: Waiting[] = [];
  #sleepers: Sleeper[] = [];
  #underWayCount = 0;
  #lastSentNs = 0;
  #isClosed = false;

  constructor(options: RequestQueueOptions) {
    this.#options = options;
    this.#budget = new RateBudget({
      tokensPerSec: options.requestsPerSecond,
      // One second's worth may go at once; a fifth of it is kept for orders and cancels.
      burst: options.requestsPerSecond,
      reserved: Math.floor(options.requestsPerSecond / 5),
    });
  }

  /** Requests under way or waiting. */
  get count(): number {
    return this.#underWayCount + this.#urgent.length + this.#normal.length;
  }

  get lastSentNs(): number {
    return this.#lastSentNs;
  }

  /**
   * An order or a cancel. `done` is called exactly once, never inside this call. When the budget has no room within
   * `waitMaxMs` it is not sent at all: an order that comes too late was meant for another market.
   */
  sendUrgent(
    request: VenueRequest,
    waitMaxMs: number,
    done: (outcome: RequestOutcome) => void,
    onSent?: () => void,
  ): void {
    this.#enqueue(request, true, waitMaxMs, done, onSent);
  }

  /**
   * A question, asked until there is an answer that can be read, a refusal, or `isWanted` says no.
   * `parse` returns null for an answer that is malformed as a whole.
   */
  async read<T>(
    request: VenueRequest,
    parse: (body: string) => T | null,
    isWanted: () => boolean,
  ): Promise<ReadOutcome<T>> {
    for (let attempt = 0; isWanted(); attempt++) {
      const outcome = await new Promise<RequestOutcome>((resolve) => {
        this.#enqueue(request, false, Number.POSITIVE_INFINITY, resolve, undefined);
      });
      if (outcome.kind === 'refused') return outcome;
      if (outcome.kind === 'ok') {
        const value = parse(outcome.body);
        if (value !== null) return { kind: 'ok', value };
        this.#countMalformed();
      }
      const waitMs = READ_RETRY_MS[attempt] ?? READ_RETRY_MS[READ_RETRY_MS.length - 1] ?? 1000;
      if (isWanted()) await this.sleep(waitMs);
    }
    return { kind: 'abandoned' };
  }

  /** Resolves in the duty cycle after that time. */
  async sleep(ms: number): Promise<void> {
    if (this.#isClosed) return;
    const dueNs = this.#options.clock.nowNs() + ms * NS_PER_MS;
    await new Promise<void>((resolve) => {
      this.#sleepers.push({ dueNs, wake: resolve });
    });
  }

  /** Sends what the budget allows and wakes who has slept enough; returns how much was done. */
  pump(nowNs: number): number {
    let workCount = this.#wakeDue(nowNs);
    workCount += this.#sendFrom(this.#urgent, nowNs);
    if (this.#urgent.length === 0) workCount += this.#sendFrom(this.#normal, nowNs);
    return workCount;
  }

  /** Wakes every sleeper and ends what waits as not done, so that nobody hangs on a closed session. */
  close(): void {
    this.#isClosed = true;
    const sleepers = this.#sleepers;
    this.#sleepers = [];
    for (const { wake } of sleepers) wake();
    for (const waiting of [...this.#urgent.splice(0), ...this.#normal.splice(0)]) {
      waiting.done({ kind: 'not-done', code: 'VENUE_UNAVAILABLE', message: CLOSED });
    }
  }

  #enqueue(
    request: VenueRequest,
    isUrgent: boolean,
    waitMaxMs: number,
    done: (outcome: RequestOutcome) => void,
    onSent: (() => void) | undefined,
  ): void {
    const nowNs = this.#options.clock.nowNs();
    const deadlineNs = nowNs + waitMaxMs * NS_PER_MS;
    const waiting: Waiting = { request, isUrgent, done, onSent, deadlineNs };
    const queue = isUrgent ? this.#urgent : this.#normal;
    if (this.#isClosed || queue.length >= WAITING_MAX) {
      const code = this.#isClosed ? 'VENUE_UNAVAILABLE' : 'VENUE_RATE_LIMIT';
      const message = this.#isClosed ? CLOSED : `${String(WAITING_MAX)} requests wait already`;
      queueMicrotask(() => {
        done({ kind: 'not-done', code, message });
      });
      return;
    }
    queue.push(waiting);
    if (isUrgent) this.#sendFrom(this.#urgent, nowNs);
  }

  #sendFrom(queue: Waiting[], nowNs: number): number {
    let workCount = 0;
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      if (nowNs >= first.deadlineNs) {
        queue.shift();
        const message = 'the rate budget had no room in time';
        first.done({ kind: 'not-done', code: 'VENUE_RATE_LIMIT', message });
      } else if (this.#budget.tryTake(nowNs, first.isUrgent)) {
        queue.shift();
        this.#send(first);
      } else {
        break;
      }
      workCount++;
    }
    return workCount;
  }

  #send(waiting: Waiting): void {
    const { network, auth, restUrl, requestTimeoutMs, telemetry } = this.#options;
    const { method, path, query, body } = waiting.request;
    telemetry.add(Counter.venueRequests);
    this.#lastSentNs = this.#options.clock.nowNs();
    this.#underWayCount++;
    network.request(
      {
        method,
        url: restUrl + path + query,
        headers: auth.headers(method, path),
        body,
        timeoutMs: requestTimeoutMs,
        ...(waiting.onSent === undefined ? {} : { onSent: waiting.onSent }),
      },
      (answer) => {
        this.#underWayCount--;
        if (answer.kind === 'answer') {
          this.#judge(waiting, answer.status, answer.headers, answer.body);
          return;
        }
        telemetry.add(Counter.venueRequestErrors);
        const { message } = answer;
        waiting.done(
          answer.kind === 'unsent'
            ? { kind: 'not-done', code: 'VENUE_UNAVAILABLE', message }
            : { kind: 'unknown', code: 'ORDER_OUTCOME_UNKNOWN', message },
        );
      },
    );
  }

  #judge(
    waiting: Waiting,
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): void {
    const { gateway, telemetry, clock } = this.#options;
    const verdict = gateway.judge(status, headers, body);
    if (verdict.kind === 'ok') {
      waiting.done({ kind: 'ok', body });
      return;
    }
    telemetry.add(Counter.venueRequestErrors);
    if (verdict.kind === 'slow-down') {
      this.#budget.pauseUntil(clock.nowNs() + verdict.retryAfterMs * NS_PER_MS);
      waiting.done({ kind: 'not-done', code: 'VENUE_RATE_LIMIT', message: verdict.message });
      return;
    }
    waiting.done(verdict);
  }

  #countMalformed(): void {
    this.#options.telemetry.add(Counter.venueRequestErrors);
  }

  #wakeDue(nowNs: number): number {
    if (this.#sleepers.length === 0) return 0;
    const due = this.#sleepers.filter((sleeper) => sleeper.dueNs <= nowNs);
    if (due.length === 0) return 0;
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.dueNs > nowNs);
    for (const { wake } of due) wake();
    return due.length;
  }
}
