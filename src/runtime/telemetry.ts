/**
 * telemetry: the one list of every counter and histogram, and the handle by which a role writes its own block.
 *
 * Each role instance (ingest, signal-0, execution, …) has a block of its own in shared memory and is its only writer;
 * control and the main thread read all blocks and add them up.
 */
import { ERROR_CODES } from '../domain/errors.js';
import type { CounterBlock } from '../memory/counters.js';
import type { SharedHistogram } from '../memory/histogram.js';

const COUNTER_TABLE = {
  framesReceived: 'Frames that came from market data connections.',
  frameBytesReceived: 'Bytes of those frames.',
  ticksReceived: 'Market changes decoded from frames (before the best-20 filter).',
  ticksPublished: 'Ticks published on the tick ring.',
  ticksRejected: 'Frames or entries refused; by code in codes.',
  ticksRead: 'Ticks read from the tick ring by this role.',
  ticksLapped: 'Ticks that this role missed because it was too slow.',
  eventsRead: 'Events read from the event ring by this role.',
  eventsLapped: 'Events that this role missed because it was too slow.',
  feedConnects: 'Market data connections opened.',
  feedDisconnects: 'Market data connections lost.',
  feedGaps: 'Holes in a venue sequence.',
  feedDials: 'Market data connections tried.',
  feedDialFailures: 'Of these, those that never opened; by reason in codes.',
  feedBackoffResets: 'Times that a connection held, so that the waits between dials start anew.',
  feedBusy: 'Connections asked for while there was one: refused.',
  feedAlerts: 'Alerts: a feed is down after several dials in a row.',
  feedDownMs:
    'Milliseconds that market data connections were down, from the loss until one held again.',
  feedClosesGraceful: 'Market data connections that we closed with a farewell that was answered.',
  feedClosesForced: 'Market data connections that we cut.',
  feedBreakerOpens: 'Times that a circuit breaker opened.',
  feedBreakerProbes: 'Times that a circuit breaker let a probe pass (half-open).',
  feedBreakerCloses: 'Times that a circuit breaker closed again.',
  feedBreakerRefusals: 'Dials that an open circuit breaker refused.',
  feedBreakerOpenMs: 'Milliseconds that circuit breakers were open.',
  feedBreakerProbeMs: 'Milliseconds that circuit breakers were half-open.',
  feedPings: 'Pings sent on market data connections.',
  feedPongs: 'Answers to WebSocket pings.',
  feedTextsSent: 'Texts sent on market data connections (subscriptions and pings).',
  feedTextsDropped: 'Texts that were not sent: too many waited.',
  feedRequests: 'REST bodies asked for by feeds (book snapshots).',
  feedRequestErrors: 'Of these, those without a good answer; they are asked for again.',
  feedClockJumps: 'Clock jumps and pauses of the process: every market turned stale.',
  subscriptionsRenewed: 'Subscriptions that were asked for anew on a standing connection.',
  subscriptionsRefused: 'Subscriptions that a venue refused.',
  subscriptionsUnanswered: 'Subscriptions that a venue did not answer.',
  subscriptionsSilent: 'Subscriptions that fell silent behind a living connection.',
  subscriptionsBroken:
    'Subscriptions whose content was broken (gap, checksum, crossed, no snapshot).',
  subscriptionsGivenUp: 'Connections made anew because renewals of a subscription were in vain.',
  fairComputed: 'Fair prices computed.',
  fairUnpriced: 'Sources left out of a fair price because their quote currency had no price.',
  intentsEmitted: 'Intents published by strategies.',
  intentsDropped: 'Intents refused by a full ring.',
  intentsRead: 'Intents read by execution.',
  intentsApproved: 'Intents that the risk gate approved.',
  intentsRefused: 'Intents that the risk gate refused; by code in codes.',
  ordersSent: 'Orders handed to a venue.',
  ordersAccepted: 'Orders that a venue took.',
  ordersFilled: 'Orders filled completely.',
  ordersCanceled: 'Orders cancelled or expired.',
  ordersRejected: 'Orders that a venue refused.',
  ordersUnknown: 'Times that an order was sent and no answer came.',
  cancelsSent: 'Cancels handed to a venue.',
  fillsApplied: 'Fills applied to positions.',
  fillsRepeated: 'Fills that came again and were ignored.',
  commandsRead: 'Commands of people read by execution.',
  venueRequests: 'REST requests sent to venues.',
  venueRequestErrors: 'REST requests without a good answer.',
  sessionConnects: 'Private connections opened.',
  sessionDisconnects: 'Private connections lost.',
  discrepancies: 'Differences between a venue and the core.',
  eventRingFullWaits: 'Times that execution waited for the journal to make room.',
  journalRecords: 'Records committed to the journal.',
  journalBatches: 'Transactions of the journal.',
  apiRequests: 'HTTP requests served.',
  apiRefused: 'HTTP requests refused (key, route, form).',
  streamClients: 'Live stream connections opened.',
  streamMessages: 'Live stream messages sent.',
  dutyCycles: 'Duty cycles of this role.',
  parks: 'Times that this role went to sleep.',
  gcCount: 'Garbage collections of this thread.',
  gcUsTotal: 'Microseconds spent in them.',
  gcUsMax: 'The longest of them, microseconds.',
  pushConnects: 'Publishers that were welcomed.',
  pushDisconnects: 'Publishers that are gone, whoever closed.',
  pushBatches: 'Pushed batches that were taken.',
  pushBytes: 'Bytes of those batches.',
  pushTicks: 'Ticks in those batches.',
  pushGaps: "Holes in a publisher's sequence.",
  pushThrottles: 'Times that a publisher was held back because it was above a rate limit.',
  recordedRecords: 'Ticks written to the recording.',
  recordedBytes: 'Bytes written to the recording.',
} as const;

export type CounterName = keyof typeof COUNTER_TABLE;
export const COUNTER_NAMES = Object.keys(COUNTER_TABLE) as readonly CounterName[];

/** Index of each counter in its block. */
export const Counter = Object.fromEntries(
  COUNTER_NAMES.map((name, index) => [name, index]),
) as Readonly<Record<CounterName, number>>;

export function counterSentence(name: CounterName): string {
  return COUNTER_TABLE[name];
}

/** Words of a block: the counters, then one per error code. */
export const COUNTERS_PER_BLOCK = COUNTER_NAMES.length + ERROR_CODES.length;

const HISTOGRAM_TABLE = {
  decode: 'Frame in hand to last tick published.',
  ringHop: 'Intent published to intent read by execution.',
  tickToSignal: 'Frame in hand to tick read by the strategy.',
  strategy: 'Tick read to intent published.',
  risk: 'Core apply of an intent: risk, order transition, outputs.',
  sign: 'Signature of an order request.',
  tickToOrder: 'Frame in hand to order bytes handed to the socket.',
  orderAck: 'Order bytes handed to the socket to answer of the venue.',
  journalCommit: 'One transaction of the journal.',
  recovery: 'Feed lost or stale to fresh again.',
  push: 'Pushed batch in hand to its last tick published.',
  feedOpen: 'Market data connection dialled to open.',
} as const;

export type HistogramName = keyof typeof HISTOGRAM_TABLE;
export const HISTOGRAM_NAMES = Object.keys(HISTOGRAM_TABLE) as readonly HistogramName[];
export const Histogram = Object.fromEntries(
  HISTOGRAM_NAMES.map((name, index) => [name, index]),
) as Readonly<Record<HistogramName, number>>;

export function histogramSentence(name: HistogramName): string {
  return HISTOGRAM_TABLE[name];
}

/** A role's own counters and histograms. One writer: the thread that runs the role. */
export class Telemetry {
  readonly #block: CounterBlock;
  readonly #histograms: readonly SharedHistogram[];
  constructor(block: CounterBlock, histograms: readonly SharedHistogram[]) {
    this.#block = block;
    this.#histograms = histograms;
  }
  add(counter: number, count = 1): void {
    this.#block.add(counter, count);
  }
  set(counter: number, value: number): void {
    this.#block.set(counter, value);
  }
  get(counter: number): number {
    return this.#block.get(counter);
  }
  /** Counts one refusal by its code (index in domain/errors). */
  reject(codeIndex: number): void {
    this.#block.add(COUNTER_NAMES.length + codeIndex, 1);
  }
  rejects(codeIndex: number): number {
    return this.#block.get(COUNTER_NAMES.length + codeIndex);
  }
  /** `valueNs` below 0 counts as 0. */
  record(histogram: number, valueNs: number): void {
    const target = this.#histograms[histogram];
    if (target !== undefined) target.record(valueNs);
  }
}
