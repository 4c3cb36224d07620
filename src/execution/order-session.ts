/**
 * order-session: our private side at one venue: orders and cancels out, what became of them in. One state machine.
 *
 *   stream   down ──dial──▶ dialling ──open──▶ subscribing ──acknowledged──▶ up
 *              ▲                │                  │                          │ hole in the sequence, silence
 *              └──── backoff ◀──┴──────────────────┴──────────────────────────┘
 *   up: the venue's truth is fetched and becomes inputs (reconciler.ts); only then trading may go on.
 *
 * Three rules that money hangs on:
 *   An order is never sent twice. Without an answer it is looked for, by its client order id, in the venue's listing:
 *   found, or absent in several complete listings over some time: then, and only then, it never arrived.
 *   A fill is what the venue's list of fills says, entry by entry. The stream states cumulative sizes: it is the
 *   doorbell that makes us fetch (docs/decisions/0002-fills-are-fetched.md).
 *   What the stream may have missed is fetched: after each reconnect, and each reconnect follows from any doubt.
 *
 * Execution thread. Everything that was learned goes into the report queue; the agent applies it in its duty cycle.
 * Time is the duty cycle's `nowNs` and the clock of the callbacks; no timer of Node is used.
 */
import { unreachable } from '../domain/assert.js';
import { EventKind, ORDER_SEQ_PER_RUN } from '../domain/core-record.js';
import type { CoreRecord } from '../domain/core-record.js';
import { codeIndex, TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { OrderState, TimeInForce, isTerminal } from '../domain/order.js';
import type { Currency } from '../domain/portfolio.js';
import type { Clock } from '../ports/clock.js';
import type { Network, Socket } from '../ports/network.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type {
  BalanceReport,
  FillReport,
  OrderGateway,
  OrderReport,
  Page,
  RequestAuth,
  VenueRequest,
} from '../venues/venue.js';
import { clientOrderIdOf, orderSeqOf } from './client-order-id.js';
import { fillInput, reconcile, statusInput } from './reconciler.js';
import { RequestQueue } from './request-queue.js';
import type { RequestOutcome } from './request-queue.js';
import { approvedOrder } from './risk-gate.js';
import { TextKind, VenueReport } from './venue-reports.js';
import type { ReportQueue } from './venue-reports.js';

const NS_PER_MS = 1_000_000;
/** Looks at a complete listing, and the time since sending, before an order counts as never arrived. */
const LOOKS_MIN = 3;
const LOOK_GRACE_NS = 2_000_000_000;
const LOOK_INTERVAL_MS = 700;
/** Listings are asked from this long before our own time of sending: clocks differ. */
const CLOCK_MARGIN_NS = 60_000_000_000n;
/** Fills are asked for again from this long before the last one that we have. */
const FILL_OVERLAP_NS = 60_000_000_000n;
/** The stream was heard before the fill could be listed: ask again after this, doubling up to the maximum. */
const FILL_RETRY_MS = 50;
const FILL_RETRY_MAX_MS = 1600;
/** Well inside the time after which unused connections are closed (ws-network.ts). */
const KEEP_WARM_MS_DEFAULT = 5000;
const CLOCK_SKEW_NS = 1e9;
/** How long an order and a cancel wait for room in the rate budget. */
const ORDER_WAIT_MAX_MS = 250;
const CANCEL_WAIT_MAX_MS = 10_000;
/** Orders per question for fills. */
const FILL_ORDERS_MAX = 50;
/** After that many vain tries the whole truth is fetched anew. */
const FILL_TRIES_MAX = 30;
/** Tries of one cancel; it may be repeated, because it changes nothing the second time. */
const CANCEL_TRIES_MAX = 4;
const CANCEL_RETRY_MS = 200;
/** Pages of one listing; a venue that never ends must not hold us. */
const PAGES_MAX = 1000;
/** Before the first success: so many refused subscriptions in a row, and the key is wrong. */
const STREAM_REFUSALS_MAX = 3;
/** Ended orders are remembered for late reports, the last so many. */
const ENDED_KEPT_MAX = 1024;
/** Life of a good-till-date order that states none. */
const GTD_DEFAULT_MS = 3_600_000;
const CLOSE_GRACE_MS = 500;

export interface SessionConfig {
  /** Without a slash at the end. */
  readonly restUrl: string;
  readonly wsUserUrl: string;
  readonly requestTimeoutMs: number;
  readonly requestsPerSecond: number;
  readonly openTimeoutMs: number;
  /** Heartbeats come every second; silence for that long is a dead connection. */
  readonly idleTimeoutMs: number;
  readonly frameBytesMax: number;
  /** Waits before each new dial; the last one repeats. */
  readonly backoffMs: readonly number[];
  /** Without any other request, the venue is asked for its time that often. */
  readonly keepWarmMs?: number;
}

/** What the session reads of the core. */
export interface CoreView {
  isFillKnown(fillKey: number): boolean;
  /** What the core has booked of an order; 0 for one that it does not know. */
  filledOf(orderSeq: number): number;
  /** Orders that are not at their end, and orders whose fills are not all in. */
  openOrderSeqs(): readonly number[];
  readonly currencies: readonly Currency[];
}

export interface OrderSessionOptions {
  readonly config: SessionConfig;
  readonly gateway: OrderGateway;
  readonly auth: RequestAuth;
  readonly network: Network;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly installId: string;
  readonly runNumber: number;
  readonly reports: ReportQueue;
  readonly core: CoreView;
  /** Venue ids of orders that earlier runs left open, as far as the journal has them. */
  readonly venueOrderIds: ReadonlyMap<number, string>;
  /** Time of the last fill in the journal, by the venue's clock; 0n: none, all are fetched. */
  readonly lastFillEpochNs: bigint;
  /** Asks for a duty cycle now. */
  readonly poke: () => void;
  /** Ends the run: the venue does not take our key. */
  readonly fail: (error: Error) => void;
  readonly log: (message: string) => void;
}

type StreamState = 'down' | 'dialling' | 'subscribing' | 'up';

/** One order of ours, from the moment it is sent or heard of. */
class TrackedOrder {
  readonly orderSeq: number;
  venueOrderId = '';
  /** The request is under way: its answer will come. */
  isSending = false;
  /** The core was told that the venue has it. */
  isAccepted = false;
  /** The core was told its end. */
  isEnded = false;
  sentNs: number;
  stateTold: number = OrderState.None;
  cumTold = -1;
  /** The largest cumulative size heard of. */
  cumHeard = 0;
  /** The sum of the fills that the core has or that are on their way to it. */
  filledSum: number;
  fillTries = 0;
  isCancelWanted = false;
  isCanceling = false;
  cancelTries = 0;
  /** Complete listings without it. */
  looks = 0;

  constructor(orderSeq: number, sentNs: number, filledSum: number) {
    this.orderSeq = orderSeq;
    this.sentNs = sentNs;
    this.filledSum = filledSum;
  }

  get isFillMissing(): boolean {
    return this.cumHeard > this.filledSum;
  }
}

export class OrderSession {
  readonly #options: OrderSessionOptions;
  readonly #config: SessionConfig;
  readonly #requests: RequestQueue;
  readonly #bySeq = new Map<number, TrackedOrder>();
  readonly #byVenueId = new Map<string, TrackedOrder>();
  /** Ended orders, the oldest first. */
  readonly #ended: number[] = [];
  readonly #fillsReported = new Set<number>();
  /** Venue ids of orders that somebody else sent on this account: asked for once. */
  readonly #foreignOrders = new Set<string>();

  #socket: Socket | null = null;
  #streamState: StreamState = 'down';
  /** Counts connections; what belongs to an earlier one is void. */
  #generation = 0;
  #dialCount = 0;
  #nextDialNs = 0;
  #refusedCount = 0;
  #dialedNs = 0;
  #heardNs = 0;
  #streamSeq = -1;
  #isReconciling = false;
  #hasReconciled = false;
  /** Heard while the truth was being fetched: applied behind it. */
  readonly #held: OrderReport[] = [];

  readonly #cancelQueue = new Set<TrackedOrder>();
  #cancelNotBeforeNs = 0;
  readonly #fillWanted = new Set<TrackedOrder>();
  #isFetchingFills = false;
  #fillNotBeforeNs = 0;
  #lastFillEpochNs: bigint;
  readonly #lost = new Map<number, TrackedOrder>();
  #isLooking = false;
  #isClosed = false;

  constructor(options: OrderSessionOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#lastFillEpochNs = options.lastFillEpochNs;
    this.#requests = new RequestQueue({
      network: options.network,
      auth: options.auth,
      gateway: options.gateway,
      clock: options.clock,
      telemetry: options.telemetry,
      restUrl: options.config.restUrl,
      requestTimeoutMs: options.config.requestTimeoutMs,
      requestsPerSecond: options.config.requestsPerSecond,
    });
    for (const [orderSeq, venueOrderId] of options.venueOrderIds) {
      const tracked = this.#track(orderSeq);
      tracked.isAccepted = true;
      this.#nameAtVenue(tracked, venueOrderId);
    }
  }

  /** One duty cycle; returns how much was done. */
  doWork(nowNs: number): number {
    if (this.#isClosed) return 0;
    let workCount = this.#watchStream(nowNs);
    workCount += this.#flushCancels(nowNs);
    workCount += this.#fetchFills(nowNs);
    workCount += this.#requests.pump(nowNs);
    this.#keepWarm(nowNs);
    if (workCount === 0 && this.#options.auth.prepare(nowNs)) workCount++;
    return workCount;
  }

  /** The venue's truth is in, and the stream is up. */
  get isReady(): boolean {
    return this.#streamState === 'up' && this.#hasReconciled && !this.#isReconciling;
  }

  /** Nothing is asked, awaited or missing. */
  get isIdle(): boolean {
    return (
      this.#requests.count === 0 &&
      this.#cancelQueue.size === 0 &&
      this.#fillWanted.size === 0 &&
      this.#lost.size === 0 &&
      !this.#isReconciling
    );
  }

  /** Sends an order that the risk gate approved. `send` is read before this returns. */
  place(send: CoreRecord): void {
    const { clock, gateway, installId, telemetry } = this.#options;
    const { orderSeq, tickRecvNs } = send;
    const tracked = this.#track(orderSeq);
    tracked.isSending = true;
    const lifeNs = BigInt(send.aux > 0 ? send.aux : GTD_DEFAULT_MS) * BigInt(NS_PER_MS);
    const request = gateway.place({
      order: approvedOrder(send),
      clientOrderId: clientOrderIdOf(installId, orderSeq),
      expireEpochNs:
        send.timeInForce === TimeInForce.Gtd ? clock.runEpochNs + BigInt(send.nowNs) + lifeNs : 0n,
    });
    let writtenNs = 0;
    this.#requests.sendUrgent(
      request,
      ORDER_WAIT_MAX_MS,
      (outcome) => {
        tracked.isSending = false;
        if (outcome.kind === 'ok' || outcome.kind === 'refused') {
          telemetry.record(Histogram.orderAck, clock.nowNs() - writtenNs);
        }
        this.#placed(tracked, outcome);
        this.#options.poke();
      },
      () => {
        writtenNs = clock.nowNs();
        tracked.sentNs = writtenNs;
        // Orders of strategies carry the tick that caused them; those of people do not.
        if (tickRecvNs > 0) telemetry.record(Histogram.tickToOrder, writtenNs - tickRecvNs);
      },
    );
    telemetry.add(Counter.ordersSent);
  }

  /** Cancels the order as soon as the venue is known to have it. */
  cancel(orderSeq: number): void {
    const tracked = this.#track(orderSeq);
    tracked.isCancelWanted = true;
    tracked.cancelTries = 0;
    this.#cancelWhenKnown(tracked);
  }

  /** Asks the venue for the order; the answer comes as reports. */
  query(orderSeq: number): void {
    const tracked = this.#track(orderSeq);
    if (tracked.isSending) return;
    if (tracked.venueOrderId === '') this.#lookFor(tracked);
    else this.#run(this.#ask(tracked));
  }

  /** Closes the stream and forgets what was asked. */
  close(): void {
    this.#isClosed = true;
    this.#generation++;
    this.#socket?.close(CLOSE_GRACE_MS);
    this.#socket = null;
    this.#streamState = 'down';
    this.#requests.close();
  }

  // -------------------------------------------------------------------------------------------------- stream

  #watchStream(nowNs: number): number {
    if (this.#streamState === 'down') {
      if (nowNs < this.#nextDialNs) return 0;
      this.#dial(nowNs);
      return 1;
    }
    const { idleTimeoutMs, openTimeoutMs } = this.#config;
    if (this.#streamState === 'up') {
      if (nowNs - this.#heardNs <= idleTimeoutMs * NS_PER_MS) return 0;
      this.#distrust('FEED_SILENT', `nothing heard for ${String(idleTimeoutMs)} ms`);
      return 1;
    }
    // Heartbeats alone are not a subscription: what was asked for must be acknowledged in time.
    if (nowNs - this.#dialedNs <= openTimeoutMs * NS_PER_MS) return 0;
    this.#distrust('FEED_SILENT', `${this.#streamState} for ${String(openTimeoutMs)} ms`);
    return 1;
  }

  #dial(nowNs: number): void {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    this.#streamState = 'dialling';
    this.#dialedNs = nowNs;
    this.#streamSeq = -1;
    const { network, auth, gateway, poke } = this.#options;
    this.#socket = network.dial(
      {
        url: this.#config.wsUserUrl,
        frameBytesMax: this.#config.frameBytesMax,
        openTimeoutMs: this.#config.openTimeoutMs,
      },
      {
        onOpen: () => {
          if (!isCurrent()) return;
          this.#streamState = 'subscribing';
          for (const text of gateway.streamTexts(() => auth.streamProof()))
            this.#socket?.send(text);
        },
        onFrame: (bytes, recvNs) => {
          if (!isCurrent()) return;
          this.#heardNs = recvNs;
          if (this.#onFrame(bytes)) poke();
        },
        onReject: (code, detail) => {
          if (isCurrent()) this.#count(code, detail);
        },
        onClose: (code, reason) => {
          if (!isCurrent()) return;
          this.#onDown(`closed by the venue: ${String(code)} ${reason}`);
          poke();
        },
      },
    );
  }

  /** True when something was learned. */
  #onFrame(bytes: Uint8Array): boolean {
    const message = this.#options.gateway.readStream(bytes);
    if (message.kind === 'malformed') {
      // Its sequence number is lost with it: the next frame shows a hole, and the hole is healed.
      this.#count(message.code, message.detail);
      return false;
    }
    if (message.kind === 'refused') {
      this.#onStreamRefused(message.message);
      return true;
    }
    if (this.#streamSeq >= 0 && message.seq <= this.#streamSeq) {
      this.#count('VENUE_SEQ_OLD', `seq=${String(message.seq)}, last=${String(this.#streamSeq)}`);
      return false;
    }
    if (this.#streamSeq >= 0 && message.seq !== this.#streamSeq + 1) {
      this.#options.telemetry.add(Counter.feedGaps);
      const hole = `seq=${String(message.seq)}, last=${String(this.#streamSeq)}`;
      this.#distrust('VENUE_SEQ_GAP', hole);
      return true;
    }
    this.#streamSeq = message.seq;
    if (message.kind === 'alive') return false;
    if (this.#streamState === 'subscribing') this.#onUp();
    if (message.kind === 'subscribed') return true;
    for (const order of message.orders) {
      if (this.#isReconciling) this.#held.push(order);
      else this.#applyHeard(order);
    }
    return true;
  }

  #onStreamRefused(message: string): void {
    this.#distrust('FRAME_VENUE_ERROR', message);
    this.#refusedCount++;
    if (this.#hasReconciled || this.#refusedCount < STREAM_REFUSALS_MAX) return;
    this.#options.fail(
      new TickwireError('VENUE_AUTH', `the venue does not take our key: ${message}`),
    );
  }

  #onUp(): void {
    const { telemetry, reports } = this.#options;
    this.#streamState = 'up';
    this.#dialCount = 0;
    this.#refusedCount = 0;
    telemetry.add(Counter.sessionConnects);
    const report = new VenueReport(EventKind.VenueSession, 0);
    report.record.state = 1;
    reports.push(report);
    this.#startReconcile();
  }

  /** The stream may have missed something: end it; the next one begins with the whole truth. */
  #distrust(code: ErrorCode, detail: string): void {
    this.#count(code, detail);
    const socket = this.#socket;
    this.#onDown(`${code}: ${detail}`);
    socket?.close(CLOSE_GRACE_MS);
  }

  #onDown(why: string): void {
    const { telemetry, reports, clock, log } = this.#options;
    const wasUp = this.#streamState === 'up';
    this.#generation++;
    this.#socket = null;
    this.#streamState = 'down';
    this.#isReconciling = false;
    this.#held.length = 0;
    const { backoffMs } = this.#config;
    const waitMs = backoffMs[Math.min(this.#dialCount, backoffMs.length - 1)] ?? 1000;
    this.#dialCount++;
    this.#nextDialNs = clock.nowNs() + waitMs * NS_PER_MS;
    log(`private stream down (${why}); next dial in ${String(waitMs)} ms`);
    if (!wasUp) return;
    telemetry.add(Counter.sessionDisconnects);
    reports.push(new VenueReport(EventKind.VenueSession, 0).because('FEED_DISCONNECTED'));
  }

  /** A connection that was used a moment ago takes the next order without a handshake. */
  #keepWarm(nowNs: number): void {
    const waitMs = this.#config.keepWarmMs ?? KEEP_WARM_MS_DEFAULT;
    const isQuiet = nowNs - this.#requests.lastSentNs >= waitMs * NS_PER_MS;
    if (isQuiet && this.isReady && this.#requests.count === 0) this.#run(this.#compareClocks());
  }

  /** Tokens carry our time: a clock that is off makes the venue refuse everything. */
  async #compareClocks(): Promise<void> {
    const { gateway, clock } = this.#options;
    const askedNs = clock.nowNs();
    const read = await this.#requests.read(
      gateway.time(),
      (body) => gateway.readTime(body),
      () => this.#streamState === 'up',
    );
    if (read.kind !== 'ok') return;
    const roundNs = clock.nowNs() - askedNs;
    const skewNs = Number(read.value - clock.runEpochNs) - askedNs - roundNs / 2;
    if (Math.abs(skewNs) - roundNs / 2 < CLOCK_SKEW_NS) return;
    this.#count('VENUE_CLOCK_SKEW', `the venue is ahead by ${(skewNs / 1e9).toFixed(1)} s`);
  }

  // -------------------------------------------------------------------------------------------------- placing

  #placed(tracked: TrackedOrder, outcome: RequestOutcome): void {
    const { gateway } = this.#options;
    switch (outcome.kind) {
      case 'ok': {
        const answer = gateway.readPlace(outcome.body);
        if (answer.kind === 'accepted') this.#onAccepted(tracked, answer.venueOrderId);
        else if (answer.kind === 'rejected') this.#onRefused(tracked, answer.code, answer.message);
        else this.#onUnknown(tracked, answer.code, answer.message);
        return;
      }
      case 'refused':
        this.#onRefused(tracked, outcome.code, outcome.message);
        return;
      case 'not-done': {
        // Never sent, or turned away by the rate limit: the venue has certainly not got it.
        const code = outcome.code === 'VENUE_UNAVAILABLE' ? 'ORDER_NEVER_ARRIVED' : outcome.code;
        this.#onRefused(tracked, code, outcome.message);
        return;
      }
      case 'unknown':
        // The stream may have named it meanwhile: then there is nothing to ask.
        if (tracked.isAccepted) return;
        this.#onUnknown(tracked, outcome.code, outcome.message);
        return;
      default:
        unreachable(outcome, 'placed');
    }
  }

  #onAccepted(tracked: TrackedOrder, venueOrderId: string): void {
    this.#lost.delete(tracked.orderSeq);
    this.#nameAtVenue(tracked, venueOrderId);
    if (!tracked.isAccepted) {
      tracked.isAccepted = true;
      const report = new VenueReport(EventKind.VenueAccepted, tracked.orderSeq);
      this.#options.reports.push(report.saying(TextKind.VenueOrderId, venueOrderId));
    }
    if (tracked.isCancelWanted) this.#cancelWhenKnown(tracked);
  }

  #onRefused(tracked: TrackedOrder, code: ErrorCode, message: string): void {
    this.#lost.delete(tracked.orderSeq);
    const report = new VenueReport(EventKind.VenueRejected, tracked.orderSeq);
    this.#options.reports.push(report.because(code).saying(TextKind.Message, message));
    this.#end(tracked);
  }

  #onUnknown(tracked: TrackedOrder, code: ErrorCode, message: string): void {
    this.#count(code, message);
    const report = new VenueReport(EventKind.OutcomeUnknown, tracked.orderSeq);
    report.because('ORDER_OUTCOME_UNKNOWN').saying(TextKind.Message, message);
    this.#options.reports.push(report);
    this.#lookFor(tracked);
  }

  // -------------------------------------------------------------------------------------------------- looking

  #lookFor(tracked: TrackedOrder): void {
    if (this.#lost.has(tracked.orderSeq)) return;
    tracked.looks = 0;
    this.#lost.set(tracked.orderSeq, tracked);
    if (!this.#isLooking) this.#run(this.#look());
  }

  /** Looks through the venue's listing until every lost order is found or certainly absent. */
  async #look(): Promise<void> {
    const { clock, reports, poke } = this.#options;
    this.#isLooking = true;
    while (this.#lost.size > 0 && !this.#isClosed) {
      const wanted = [...this.#lost.values()];
      const lookNs = clock.nowNs();
      const isComplete = await this.#lookOnce(wanted);
      for (const tracked of wanted) {
        if (!isComplete || !this.#lost.has(tracked.orderSeq)) continue;
        tracked.looks++;
        const isOldEnough = lookNs - tracked.sentNs >= LOOK_GRACE_NS;
        if (tracked.looks < LOOKS_MIN || !isOldEnough) continue;
        const message = `absent in ${String(tracked.looks)} complete listings`;
        this.#onRefused(tracked, 'ORDER_NEVER_ARRIVED', message);
      }
      if (reports.size > 0) poke();
      if (this.#lost.size > 0) await this.#requests.sleep(LOOK_INTERVAL_MS);
    }
    this.#isLooking = false;
  }

  /** True when the listing was read to its end (or everything was found). */
  async #lookOnce(wanted: readonly TrackedOrder[]): Promise<boolean> {
    const { gateway } = this.#options;
    const sinceEpochNs = this.#epochBefore(wanted);
    const missing = new Set(wanted.map((tracked) => tracked.orderSeq));
    const listed = await this.#readPages(
      (cursor) => gateway.ordersSince(sinceEpochNs, cursor),
      (body) => gateway.readOrders(body),
      () => !this.#isClosed,
      (order) => {
        const orderSeq = this.#seqOf(order.clientOrderId);
        if (orderSeq === null || !missing.delete(orderSeq)) return missing.size > 0;
        this.#apply(orderSeq, order, true);
        return missing.size > 0;
      },
    );
    return listed !== null;
  }

  /** Time from which a listing must hold these orders; 0n when it is not known for one of them. */
  #epochBefore(wanted: readonly TrackedOrder[]): bigint {
    const { clock } = this.#options;
    let firstNs = Number.MAX_SAFE_INTEGER;
    for (const tracked of wanted) firstNs = Math.min(firstNs, tracked.sentNs);
    // An order of an earlier run: when it was sent is not known here.
    if (firstNs < 0) return 0n;
    return clock.runEpochNs + BigInt(firstNs) - CLOCK_MARGIN_NS;
  }

  /** Asks for one order by its venue id. */
  async #ask(tracked: TrackedOrder): Promise<void> {
    const { gateway, poke } = this.#options;
    const read = await this.#requests.read(
      gateway.orderById(tracked.venueOrderId),
      (body) => gateway.readOrder(body),
      () => !this.#isClosed,
    );
    if (read.kind === 'ok') this.#apply(tracked.orderSeq, read.value, true);
    else if (read.kind === 'refused') this.#lookFor(tracked);
    poke();
  }

  // -------------------------------------------------------------------------------------------------- cancels

  #cancelWhenKnown(tracked: TrackedOrder): void {
    if (tracked.isEnded || tracked.isCanceling || tracked.venueOrderId === '') {
      // An order that nobody has named yet: its answer is under way, or it is looked for.
      const isAwaited = tracked.isSending || this.#lost.has(tracked.orderSeq);
      if (tracked.venueOrderId === '' && !tracked.isEnded && !isAwaited) this.#lookFor(tracked);
      return;
    }
    this.#cancelQueue.add(tracked);
  }

  #flushCancels(nowNs: number): number {
    if (this.#cancelQueue.size === 0 || nowNs < this.#cancelNotBeforeNs) return 0;
    const { gateway, telemetry, poke } = this.#options;
    const batch = [...this.#cancelQueue].slice(0, gateway.cancelBatchMax);
    for (const tracked of batch) {
      this.#cancelQueue.delete(tracked);
      tracked.isCanceling = true;
      tracked.cancelTries++;
    }
    telemetry.add(Counter.cancelsSent, batch.length);
    const ids = batch.map((tracked) => tracked.venueOrderId);
    this.#requests.sendUrgent(gateway.cancel(ids), CANCEL_WAIT_MAX_MS, (outcome) => {
      this.#onCancelAnswer(batch, outcome);
      poke();
    });
    return 1;
  }

  #onCancelAnswer(batch: readonly TrackedOrder[], outcome: RequestOutcome): void {
    for (const tracked of batch) tracked.isCanceling = false;
    const answers = outcome.kind === 'ok' ? this.#options.gateway.readCancel(outcome.body) : null;
    if (outcome.kind === 'refused') {
      for (const tracked of batch) this.#onCancelRefused(tracked, outcome.code, outcome.message);
      return;
    }
    if (answers === null) {
      // No answer, or none that can be read. A cancel may be repeated: the second one changes nothing.
      const message = outcome.kind === 'ok' ? outcome.body.slice(0, 200) : outcome.message;
      this.#retryCancels(batch, message);
      return;
    }
    for (const tracked of batch) {
      const answer = answers.find(({ venueOrderId }) => venueOrderId === tracked.venueOrderId);
      if (answer === undefined) this.#retryCancels([tracked], 'not in the answer');
      else if (answer.isAccepted) this.#onCancelAccepted(tracked);
      else this.#onCancelRefused(tracked, answer.code, answer.message);
    }
  }

  #onCancelAccepted(tracked: TrackedOrder): void {
    tracked.isCancelWanted = false;
    // The stream tells when the order is off the book; without it the venue is asked.
    if (this.#streamState !== 'up') this.#run(this.#ask(tracked));
  }

  #retryCancels(batch: readonly TrackedOrder[], message: string): void {
    for (const tracked of batch) {
      if (tracked.isEnded) continue;
      if (tracked.cancelTries < CANCEL_TRIES_MAX) this.#cancelQueue.add(tracked);
      else this.#onCancelRefused(tracked, 'ORDER_OUTCOME_UNKNOWN', message);
    }
    this.#cancelNotBeforeNs = this.#options.clock.nowNs() + CANCEL_RETRY_MS * NS_PER_MS;
  }

  #onCancelRefused(tracked: TrackedOrder, code: ErrorCode, message: string): void {
    tracked.isCancelWanted = false;
    if (tracked.isEnded) return;
    const report = new VenueReport(EventKind.CancelRejected, tracked.orderSeq);
    this.#options.reports.push(report.because(code).saying(TextKind.Message, message));
    // Most often it has just filled: the venue knows.
    this.#run(this.#ask(tracked));
  }

  // -------------------------------------------------------------------------------------------------- reports

  #applyHeard(order: OrderReport): void {
    const orderSeq = this.#seqOf(order.clientOrderId);
    if (orderSeq === null || order.instrumentIndex < 0) return;
    this.#apply(orderSeq, order, false);
  }

  /** What the venue says of one order of ours. `isAsked`: the core waits for the answer even when it is no news. */
  #apply(orderSeq: number, order: OrderReport, isAsked: boolean): void {
    const { reports } = this.#options;
    const tracked = this.#track(orderSeq);
    if (order.state === OrderState.None) {
      this.#count('VENUE_ANSWER_MALFORMED', `unknown status of ${order.venueOrderId}`);
      return;
    }
    const isFirstWord = !tracked.isAccepted && order.state === OrderState.Rejected;
    if (!isFirstWord) this.#onAccepted(tracked, order.venueOrderId);
    else this.#lost.delete(orderSeq);
    const isNews = order.state !== tracked.stateTold || order.cumSizeMantissa !== tracked.cumTold;
    if (isNews || isAsked) {
      tracked.stateTold = order.state;
      tracked.cumTold = order.cumSizeMantissa;
      reports.push(statusInput(orderSeq, order));
    }
    tracked.cumHeard = Math.max(tracked.cumHeard, order.cumSizeMantissa);
    if (isTerminal(order.state)) this.#end(tracked);
    if (tracked.isFillMissing) this.#fillWanted.add(tracked);
  }

  // -------------------------------------------------------------------------------------------------- fills

  #fetchFills(nowNs: number): number {
    const isDue = this.#fillWanted.size > 0 && nowNs >= this.#fillNotBeforeNs;
    if (!isDue || this.#isFetchingFills || this.#isReconciling) return 0;
    const batch = [...this.#fillWanted].slice(0, FILL_ORDERS_MAX);
    for (const tracked of batch) this.#fillWanted.delete(tracked);
    this.#isFetchingFills = true;
    this.#run(this.#fetchFillsOf(batch));
    return 1;
  }

  async #fetchFillsOf(batch: readonly TrackedOrder[]): Promise<void> {
    const { clock, poke } = this.#options;
    const ids = batch.map((tracked) => tracked.venueOrderId);
    const fills = await this.#readFills(ids, 0n, () => !this.#isClosed);
    this.#isFetchingFills = false;
    if (fills === null) return;
    fills.sort((a, b) => (a.venueEpochNs < b.venueEpochNs ? -1 : 1));
    for (const fill of fills) this.#onFill(fill);
    let tries = 0;
    for (const tracked of batch) {
      if (!tracked.isFillMissing) {
        tracked.fillTries = 0;
        continue;
      }
      // The listing runs behind the stream: ask again a little later.
      tries = Math.max(tries, ++tracked.fillTries);
      this.#fillWanted.add(tracked);
    }
    if (tries > 0) {
      const waitMs = Math.min(FILL_RETRY_MS * 2 ** (tries - 1), FILL_RETRY_MAX_MS);
      this.#fillNotBeforeNs = clock.nowNs() + waitMs * NS_PER_MS;
    }
    if (tries >= FILL_TRIES_MAX) {
      for (const tracked of batch) tracked.fillTries = 0;
      this.#distrust('VENUE_ANSWER_MALFORMED', `fills of ${ids.join(', ')} are not listed`);
    }
    poke();
  }

  #onFill(fill: FillReport): void {
    const { reports, core, clock } = this.#options;
    const tracked = this.#byVenueId.get(fill.venueOrderId);
    if (tracked === undefined || fill.instrumentIndex < 0) return;
    if (this.#fillsReported.has(fill.fillKey) || core.isFillKnown(fill.fillKey)) return;
    this.#noteFill(tracked, fill);
    reports.push(fillInput(tracked.orderSeq, fill, clock.runEpochNs));
  }

  #noteFill(tracked: TrackedOrder, fill: FillReport): void {
    this.#fillsReported.add(fill.fillKey);
    tracked.filledSum += fill.sizeMantissa;
    if (fill.venueEpochNs > this.#lastFillEpochNs) this.#lastFillEpochNs = fill.venueEpochNs;
  }

  // -------------------------------------------------------------------------------------------------- truth

  #startReconcile(): void {
    this.#isReconciling = true;
    this.#run(this.#reconcile(this.#generation));
  }

  async #reconcile(generation: number): Promise<void> {
    const { core, clock, reports, poke, log } = this.#options;
    const isWanted = (): boolean => generation === this.#generation && !this.#isClosed;
    const openSeqs = core.openOrderSeqs();
    const orders = new Map<string, OrderReport>();
    const sinceEpochNs = this.#fillsSince();
    const fills = new Map<number, FillReport>();

    if (!(await this.#fetchOrders(openSeqs, orders, isWanted))) return;
    if ((await this.#fetchNewFills(openSeqs, orders, sinceEpochNs, fills, isWanted)) === null)
      return;
    // The account is comparable when no fill happened while it was read.
    let balances = await this.#readBalances(isWanted);
    for (;;) {
      if (balances === null) return;
      const added = await this.#fetchNewFills(openSeqs, orders, sinceEpochNs, fills, isWanted);
      if (added === null) return;
      if (added === 0) break;
      balances = await this.#readBalances(isWanted);
    }

    for (const order of orders.values()) this.#adopt(order);
    const done = reconcile(
      { orders: [...orders.values()], fills: [...fills.values()], balances },
      {
        currencies: core.currencies,
        runEpochNs: clock.runEpochNs,
        orderSeqOf: (clientOrderId) => this.#seqOf(clientOrderId),
        isFillKnown: (fillKey) => core.isFillKnown(fillKey) || this.#fillsReported.has(fillKey),
      },
    );
    if (done.foreignFillCount > 0) {
      this.#count('RECONCILE_FILL_FOREIGN', `${String(done.foreignFillCount)} fills`);
    }
    if (done.malformedCount > 0) this.#count('VENUE_ANSWER_MALFORMED', 'a balance is no decimal');
    for (const report of done.reports) reports.push(report);
    for (const fill of fills.values()) {
      const tracked = this.#byVenueId.get(fill.venueOrderId);
      const isNew = !core.isFillKnown(fill.fillKey) && !this.#fillsReported.has(fill.fillKey);
      if (tracked !== undefined && isNew) this.#noteFill(tracked, fill);
    }
    this.#isReconciling = false;
    this.#hasReconciled = true;
    for (const order of orders.values()) {
      const tracked = this.#byVenueId.get(order.venueOrderId);
      if (tracked === undefined) continue;
      if (isTerminal(order.state)) this.#end(tracked);
      if (tracked.isFillMissing) this.#fillWanted.add(tracked);
      if (tracked.isCancelWanted) this.#cancelWhenKnown(tracked);
    }
    // What the listing does not show may still be on its way there, or never arrived.
    for (const orderSeq of openSeqs) {
      const tracked = this.#track(orderSeq);
      if (tracked.venueOrderId === '' && !tracked.isSending && !tracked.isEnded) {
        this.#lookFor(tracked);
      }
    }
    for (const order of this.#held.splice(0)) this.#applyHeard(order);
    log(`reconciled: ${String(orders.size)} orders, ${String(fills.size)} fills read`);
    poke();
  }

  /** Orders that are open at the venue, and those that we think open, by venue id. False: not wanted any more. */
  async #fetchOrders(
    openSeqs: readonly number[],
    orders: Map<string, OrderReport>,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const { gateway } = this.#options;
    const missing = new Set(openSeqs.filter((orderSeq) => !this.#track(orderSeq).isSending));
    const isRead = await this.#readPages(
      (cursor) => gateway.openOrders(cursor),
      (body) => gateway.readOrders(body),
      isWanted,
      (order) => {
        const orderSeq = this.#seqOf(order.clientOrderId);
        if (orderSeq === null) return true;
        orders.set(order.venueOrderId, order);
        missing.delete(orderSeq);
        return true;
      },
    );
    if (isRead === null) return false;
    for (const orderSeq of [...missing]) {
      const { venueOrderId } = this.#track(orderSeq);
      if (venueOrderId === '') continue;
      const order = await this.#readOrder(venueOrderId, isWanted);
      if (order === 'abandoned') return false;
      if (order === null) continue;
      orders.set(venueOrderId, order);
      missing.delete(orderSeq);
    }
    if (missing.size === 0) return true;
    const nameless = [...missing].map((orderSeq) => this.#track(orderSeq));
    const sinceEpochNs = this.#epochBefore(nameless);
    const isSearched = await this.#readPages(
      (cursor) => gateway.ordersSince(sinceEpochNs, cursor),
      (body) => gateway.readOrders(body),
      isWanted,
      (order) => {
        const orderSeq = this.#seqOf(order.clientOrderId);
        if (orderSeq !== null && missing.delete(orderSeq)) orders.set(order.venueOrderId, order);
        return missing.size > 0;
      },
    );
    return isSearched !== null;
  }

  /** Reads the fills; fetches the orders of those that nobody knows. Returns how many fills are new to `fills`. */
  async #fetchNewFills(
    openSeqs: readonly number[],
    orders: Map<string, OrderReport>,
    sinceEpochNs: bigint,
    fills: Map<number, FillReport>,
    isWanted: () => boolean,
  ): Promise<number | null> {
    const { core } = this.#options;
    const recent = await this.#readFills([], sinceEpochNs, isWanted);
    if (recent === null) return null;
    const found = [...recent];
    // Fills of open orders are read without a limit in time: one of them may be older than the last one booked.
    const ids = new Set(openSeqs.map((orderSeq) => this.#track(orderSeq).venueOrderId));
    for (const id of orders.keys()) ids.add(id);
    ids.delete('');
    const idList = [...ids];
    for (let index = 0; index < idList.length; index += FILL_ORDERS_MAX) {
      const batch = idList.slice(index, index + FILL_ORDERS_MAX);
      const ofOrders = await this.#readFills(batch, 0n, isWanted);
      if (ofOrders === null) return null;
      found.push(...ofOrders);
    }
    let addedCount = 0;
    for (const fill of found) {
      if (fills.has(fill.fillKey)) continue;
      fills.set(fill.fillKey, fill);
      addedCount++;
      const isNamed = orders.has(fill.venueOrderId) || fill.instrumentIndex < 0;
      if (isNamed || core.isFillKnown(fill.fillKey) || this.#fillsReported.has(fill.fillKey))
        continue;
      if (this.#foreignOrders.has(fill.venueOrderId)) continue;
      const order = await this.#readOrder(fill.venueOrderId, isWanted);
      if (order === 'abandoned') return null;
      const isOurs = order !== null && this.#seqOf(order.clientOrderId) !== null;
      if (isOurs) orders.set(order.venueOrderId, order);
      else this.#foreignOrders.add(fill.venueOrderId);
    }
    return addedCount;
  }

  #fillsSince(): bigint {
    const { runNumber, clock } = this.#options;
    // Before its first run an installation has no orders: nothing older can be ours.
    const isFirst = this.#lastFillEpochNs === 0n && runNumber === 1;
    const since = (isFirst ? clock.runEpochNs : this.#lastFillEpochNs) - FILL_OVERLAP_NS;
    return since > 0n ? since : 0n;
  }

  async #readOrder(
    venueOrderId: string,
    isWanted: () => boolean,
  ): Promise<OrderReport | 'abandoned' | null> {
    const { gateway } = this.#options;
    const read = await this.#requests.read(
      gateway.orderById(venueOrderId),
      (body) => gateway.readOrder(body),
      isWanted,
    );
    if (read.kind === 'ok') return read.value;
    return read.kind === 'abandoned' ? 'abandoned' : null;
  }

  async #readFills(
    venueOrderIds: readonly string[],
    sinceEpochNs: bigint,
    isWanted: () => boolean,
  ): Promise<FillReport[] | null> {
    const { gateway } = this.#options;
    const fills: FillReport[] = [];
    const isRead = await this.#readPages(
      (cursor) => gateway.fills(venueOrderIds, sinceEpochNs, cursor),
      (body) => gateway.readFills(body),
      isWanted,
      (fill) => {
        fills.push(fill);
        return true;
      },
    );
    return isRead === null ? null : fills;
  }

  async #readBalances(isWanted: () => boolean): Promise<readonly BalanceReport[] | null> {
    const { gateway } = this.#options;
    const balances: BalanceReport[] = [];
    const isRead = await this.#readPages(
      (cursor) => gateway.balances(cursor),
      (body) => gateway.readBalances(body),
      isWanted,
      (balance) => {
        balances.push(balance);
        return true;
      },
    );
    return isRead === null ? null : balances;
  }

  /**
   * Reads a listing page by page; `take` says whether the next entry is wanted. True: to its end or as far as wanted.
   * A refusal is no answer to live with: a key without rights ends the run at start, and is asked again later.
   */
  async #readPages<T>(
    request: (cursor: string) => VenueRequest,
    parse: (body: string) => Page<T> | null,
    isWanted: () => boolean,
    take: (entry: T) => boolean,
  ): Promise<true | null> {
    let cursor = '';
    for (let page = 0; page < PAGES_MAX;) {
      const read = await this.#requests.read(request(cursor), parse, isWanted);
      if (read.kind === 'abandoned') return null;
      if (read.kind === 'refused') {
        this.#onRefusedQuestion(read.code, read.message);
        await this.#requests.sleep(LOOK_INTERVAL_MS);
        if (!isWanted()) return null;
        continue;
      }
      for (const entry of read.value.entries) if (!take(entry)) return true;
      cursor = read.value.nextCursor;
      if (cursor === '') return true;
      page++;
    }
    this.#count('VENUE_ANSWER_MALFORMED', `a listing of more than ${String(PAGES_MAX)} pages`);
    return true;
  }

  #onRefusedQuestion(code: ErrorCode, message: string): void {
    this.#count(code, message);
    if (this.#hasReconciled || code !== 'VENUE_AUTH') return;
    this.#options.fail(
      new TickwireError('VENUE_AUTH', `the venue does not take our key: ${message}`),
    );
  }

  // -------------------------------------------------------------------------------------------------- orders

  #seqOf(clientOrderId: string): number | null {
    return orderSeqOf(this.#options.installId, clientOrderId);
  }

  #track(orderSeq: number): TrackedOrder {
    const known = this.#bySeq.get(orderSeq);
    if (known !== undefined) return known;
    const { clock, core, runNumber } = this.#options;
    const isOfThisRun = Math.floor(orderSeq / ORDER_SEQ_PER_RUN) === runNumber;
    // When an order of an earlier run was sent is not known here.
    const sentNs = isOfThisRun ? clock.nowNs() : SENT_BEFORE_RUN_NS;
    const tracked = new TrackedOrder(orderSeq, sentNs, core.filledOf(orderSeq));
    this.#bySeq.set(orderSeq, tracked);
    return tracked;
  }

  #nameAtVenue(tracked: TrackedOrder, venueOrderId: string): void {
    tracked.venueOrderId = venueOrderId;
    this.#byVenueId.set(venueOrderId, tracked);
  }

  /** The listing spoke of it: the reconciler tells the core, this only remembers. */
  #adopt(order: OrderReport): void {
    const orderSeq = this.#seqOf(order.clientOrderId);
    if (orderSeq === null || order.instrumentIndex < 0) return;
    const tracked = this.#track(orderSeq);
    this.#nameAtVenue(tracked, order.venueOrderId);
    this.#lost.delete(orderSeq);
    tracked.isAccepted = true;
    tracked.stateTold = order.state;
    tracked.cumTold = order.cumSizeMantissa;
    tracked.cumHeard = Math.max(tracked.cumHeard, order.cumSizeMantissa);
  }

  /** Its end was told. It stays in memory for late reports, until many others have ended. */
  #end(tracked: TrackedOrder): void {
    if (tracked.isEnded) return;
    tracked.isEnded = true;
    tracked.isCancelWanted = false;
    this.#cancelQueue.delete(tracked);
    this.#ended.push(tracked.orderSeq);
    if (this.#ended.length <= ENDED_KEPT_MAX) return;
    const oldest = this.#bySeq.get(this.#ended.shift() ?? 0);
    if (oldest === undefined || oldest.isFillMissing) return;
    this.#bySeq.delete(oldest.orderSeq);
    this.#byVenueId.delete(oldest.venueOrderId);
    this.#forgetFills();
  }

  /** Keys that the core has booked need not be remembered twice. */
  #forgetFills(): void {
    if (this.#fillsReported.size < 2 * ENDED_KEPT_MAX) return;
    for (const key of this.#fillsReported) {
      if (this.#options.core.isFillKnown(key)) this.#fillsReported.delete(key);
    }
  }

  #count(code: ErrorCode, detail: string): void {
    this.#options.telemetry.reject(codeIndex(code));
    this.#options.log(`${code}: ${detail}`);
  }

  /** Lets a conversation with the venue run; an error in it is a bug and ends the run. */
  #run(conversation: Promise<void>): void {
    conversation.catch((error: unknown) => {
      this.#options.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

const SENT_BEFORE_RUN_NS = -1;
