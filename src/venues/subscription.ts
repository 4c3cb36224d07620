/**
 * subscription: one thing that a market data connection is subscribed to, and how it fares. A socket that heartbeats says
 * nothing about a subscription that was refused or died: each one is watched by itself.
 *
 * Written by the venue's market-feed while it decodes; read by ingest/subscription-watch.ts, which decides what to do about
 * it. Ingest thread (and `normalize`, where nobody watches).
 */

export const SubscriptionState = {
  /** Not asked for on this connection. */
  Idle: 0,
  /** Asked for, not confirmed. */
  Requested: 1,
  /** Confirmed, or its data came. */
  Live: 2,
  /** The venue said no. */
  Refused: 3,
  /** Its content can only be mended by asking anew (checksum, gap, a book without snapshot). */
  Broken: 4,
} as const;
export type SubscriptionState = (typeof SubscriptionState)[keyof typeof SubscriptionState];

export class FeedSubscription {
  /** In the venue's words: level2, book, depth@100ms, … */
  readonly channel: string;
  /** Place in the feed's markets; -1: it is about all of them. */
  readonly place: number;
  /** True: something comes all the time while the market lives (a book); false: silence is ordinary (trades). */
  readonly isChatty: boolean;
  state: SubscriptionState = SubscriptionState.Idle;
  /** The venue's words of refusal, or why it is broken. */
  detail = '';
  /** Index of the code behind Refused or Broken; 0 otherwise. */
  reason = 0;
  /** recv time of its last message, ns since run start; 0: none on this connection. */
  lastDataNs = 0;
  /** Messages of it, over all connections. */
  dataCount = 0;

  constructor(channel: string, place: number, isChatty: boolean) {
    this.channel = channel;
    this.place = place;
    this.isChatty = isChatty;
  }

  /** Asked for (again). */
  request(): void {
    this.state = SubscriptionState.Requested;
    this.detail = '';
    this.reason = 0;
    this.lastDataNs = 0;
  }

  /** The venue confirmed it: also one that it seemed to have refused (some errors do not say what they are about). */
  confirm(): void {
    if (this.state !== SubscriptionState.Requested && this.state !== SubscriptionState.Refused)
      return;
    this.state = SubscriptionState.Live;
    this.detail = '';
    this.reason = 0;
  }

  /** A message of it came. Hot. */
  onData(recvNs: number): void {
    this.lastDataNs = recvNs;
    this.dataCount++;
    if (this.state === SubscriptionState.Requested) this.state = SubscriptionState.Live;
  }

  refuse(reason: number, detail: string): void {
    this.state = SubscriptionState.Refused;
    this.reason = reason;
    this.detail = detail;
  }

  spoil(reason: number, detail: string): void {
    if (this.state === SubscriptionState.Broken) return;
    this.state = SubscriptionState.Broken;
    this.reason = reason;
    this.detail = detail;
  }
}
