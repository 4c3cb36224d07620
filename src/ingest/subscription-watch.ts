/**
 * subscription-watch: does each single subscription of a connection live? A socket that heartbeats says nothing about one
 * that was refused or died. Pure: time is an argument, the host acts. One per connection, ingest thread.
 *
 *   Requested, no answer for ackTimeoutMs   ─▶ SUBSCRIPTION_UNANSWERED ┐
 *   Refused                                 ─▶ SUBSCRIPTION_REFUSED    ├─▶ market stale, asked for anew after renewMs
 *   Live and chatty, silent for silentMs    ─▶ FEED_SILENT             ┘   (500, 1000, 2000, 4000 ms, then every 4 s)
 *   Broken (the feed has dropped the book)  ─▶ asked for anew at once, the next times after the same waits
 *   renewalsMax in vain                     ─▶ a new connection; then only after twice as many, four times, …
 *
 * A renewal was good when the subscription is live, its book fresh, and both still so after steadyMs. Only books (chatty
 * ones) make their market stale: a missing trade channel is told and renewed, the book beside it is still true.
 * A quiet market is no dead one: when a renewal of a silent book brought its snapshot, the next silence may last twice as
 * long, up to QUIET_FACTOR_MAX times; the first update behind it ends that.
 */
import type { ErrorCode } from '../domain/errors.js';
import { codeIndex } from '../domain/errors.js';
import type { MarketState } from '../venues/market-publisher.js';
import { SubscriptionState } from '../venues/subscription.js';
import type { FeedSubscription } from '../venues/subscription.js';

export interface SubscriptionTimes {
  /** Neither confirmed, refused nor any data by then: unanswered. A confirmed book without data as well. */
  readonly ackTimeoutMs: number;
  /** A book whose last message is older than that is silent. */
  readonly silentMs: number;
  /** Waits before each renewal of the same subscription; the last one repeats. At least one. */
  readonly renewMs: readonly number[];
  /** Renewals in vain before the connection is made anew. */
  readonly renewalsMax: number;
  /** A renewed subscription is well again after that long. */
  readonly steadyMs: number;
}

export interface SubscriptionWatchHost {
  /** Ask for it anew, by index in the feed's subscriptions. */
  renew(index: number): void;
  /** The market of this place is not to be believed. */
  markStale(place: number, reason: ErrorCode, nowNs: number): void;
  /** Found in trouble: once per trouble. `reason` is of the subscription itself where it is broken. */
  troubled(index: number, reason: ErrorCode, detail: string): void;
  /** Well again after renewals. `durationNs`: since it was found in trouble. */
  mended(index: number, durationNs: number): void;
  /** Renewals were in vain: only a new connection may help. */
  giveUp(index: number, reason: ErrorCode): void;
}

const QUIET_FACTOR_MAX = 8;
const NS_PER_MS = 1_000_000;
const MISSING = codeIndex('BOOK_MISSING');
const NONE = -1;

/** What is remembered of one subscription, over all connections. */
class Watched {
  /** When it was asked for on this connection. */
  askedNs = 0;
  /** When it was last renewed; NONE: not on this connection. */
  renewedNs = NONE;
  /** Since when it is in trouble; NONE: it is not. */
  troubledNs = NONE;
  trouble: ErrorCode = 'OK';
  /** Since when it has been well after a renewal; NONE: it has not. */
  wellNs = NONE;
  renewals = 0;
  /** Renewals that ask for a new connection; doubled each time. */
  renewalsMax: number;
  quietFactor = 1;
  /** FeedSubscription.dataCount when it was last renewed for silence. */
  dataAtRenewal = 0;
  isSilenceRenewed = false;

  constructor(renewalsMax: number) {
    this.renewalsMax = renewalsMax;
  }
}

export class SubscriptionWatch {
  readonly #times: SubscriptionTimes;
  readonly #subscriptions: readonly FeedSubscription[];
  readonly #markets: readonly MarketState[];
  readonly #host: SubscriptionWatchHost;
  readonly #watched: readonly Watched[];

  constructor(
    times: SubscriptionTimes,
    subscriptions: readonly FeedSubscription[],
    markets: readonly MarketState[],
    host: SubscriptionWatchHost,
  ) {
    this.#times = times;
    this.#subscriptions = subscriptions;
    this.#markets = markets;
    this.#host = host;
    this.#watched = subscriptions.map(() => new Watched(times.renewalsMax));
  }

  /** A new connection: everything was asked for anew. Renewals in vain are remembered. */
  onConnected(nowNs: number): void {
    for (const watched of this.#watched) {
      watched.askedNs = nowNs;
      watched.renewedNs = NONE;
      watched.wellNs = NONE;
      watched.isSilenceRenewed = false;
      watched.quietFactor = 1;
    }
  }

  /**
   * Every subscription is live, and every market whose book is subscribed is fresh; those that renewals could not mend are
   * left out, as long as something is there. What a success of the connection is (feed-session.ts).
   */
  get isGood(): boolean {
    let wellCount = 0;
    for (let index = 0; index < this.#subscriptions.length; index++) {
      const watched = this.#watched[index] as Watched;
      if (this.#isWell(this.#subscriptions[index] as FeedSubscription)) wellCount++;
      else if (watched.renewals < this.#times.renewalsMax) return false;
    }
    return wellCount > 0;
  }

  /** Subscriptions in trouble. */
  get troubledCount(): number {
    return this.#watched.filter(({ troubledNs }) => troubledNs !== NONE).length;
  }

  /** Looks at each; returns how many were acted upon. `hasUnsent`: what was asked for has not left yet. */
  doWork(nowNs: number, hasUnsent: boolean): number {
    let workCount = 0;
    for (let index = 0; index < this.#subscriptions.length; index++) {
      const subscription = this.#subscriptions[index] as FeedSubscription;
      const watched = this.#watched[index] as Watched;
      if (hasUnsent && subscription.state === SubscriptionState.Requested) watched.askedNs = nowNs;
      const trouble = this.#troubleOf(subscription, watched, nowNs);
      if (trouble === 'OK') this.#onWell(index, subscription, watched, nowNs);
      else workCount += this.#onTrouble(index, subscription, watched, trouble, nowNs);
    }
    return workCount;
  }

  #troubleOf(subscription: FeedSubscription, watched: Watched, nowNs: number): ErrorCode {
    switch (subscription.state) {
      case SubscriptionState.Idle:
        return 'OK';
      case SubscriptionState.Refused:
        return 'SUBSCRIPTION_REFUSED';
      case SubscriptionState.Broken:
        // A snapshot that was on its way already has mended it.
        if (!this.#isFresh(subscription)) return 'BOOK_MISSING';
        subscription.state = SubscriptionState.Live;
        return 'OK';
      case SubscriptionState.Requested:
        return this.#isOlder(watched.askedNs, this.#times.ackTimeoutMs, nowNs)
          ? 'SUBSCRIPTION_UNANSWERED'
          : 'OK';
      default:
        return this.#silenceOf(subscription, watched, nowNs);
    }
  }

  /** A live one: only a book must talk. */
  #silenceOf(subscription: FeedSubscription, watched: Watched, nowNs: number): ErrorCode {
    if (!subscription.isChatty) return 'OK';
    const { ackTimeoutMs, silentMs } = this.#times;
    if (subscription.lastDataNs === 0) {
      return this.#isOlder(watched.askedNs, ackTimeoutMs, nowNs) ? 'SUBSCRIPTION_UNANSWERED' : 'OK';
    }
    if (watched.isSilenceRenewed && subscription.dataCount > watched.dataAtRenewal + 1) {
      // It talks: more than the snapshot that was asked for.
      watched.isSilenceRenewed = false;
      watched.quietFactor = 1;
    }
    const isSilent = this.#isOlder(subscription.lastDataNs, silentMs * watched.quietFactor, nowNs);
    return isSilent ? 'FEED_SILENT' : 'OK';
  }

  #onWell(index: number, subscription: FeedSubscription, watched: Watched, nowNs: number): void {
    if (!this.#isWell(subscription)) {
      watched.wellNs = NONE;
      return;
    }
    if (watched.troubledNs === NONE && watched.renewals === 0) return;
    if (watched.wellNs === NONE) watched.wellNs = nowNs;
    if (!this.#isOlder(watched.wellNs, this.#times.steadyMs, nowNs)) return;
    const durationNs = watched.wellNs - watched.troubledNs;
    watched.troubledNs = NONE;
    watched.trouble = 'OK';
    watched.renewals = 0;
    watched.renewalsMax = this.#times.renewalsMax;
    this.#host.mended(index, durationNs);
  }

  #onTrouble(
    index: number,
    subscription: FeedSubscription,
    watched: Watched,
    trouble: ErrorCode,
    nowNs: number,
  ): number {
    watched.wellNs = NONE;
    if (watched.troubledNs === NONE) watched.troubledNs = nowNs;
    if (watched.trouble !== trouble) {
      watched.trouble = trouble;
      this.#host.troubled(index, trouble, subscription.detail);
    }
    if (subscription.isChatty && subscription.place >= 0) {
      const market = this.#markets[subscription.place] as MarketState;
      if (market.staleReason === 0 || market.staleReason === MISSING) {
        if (trouble !== 'BOOK_MISSING') this.#host.markStale(subscription.place, trouble, nowNs);
      }
    }
    const { renewMs } = this.#times;
    // The first renewal is due at once; only a venue that has just said no gets a pause.
    const waits = watched.renewals - (trouble === 'SUBSCRIPTION_REFUSED' ? 0 : 1);
    const waitMs = waits < 0 ? 0 : (renewMs[Math.min(waits, renewMs.length - 1)] as number);
    const fromNs = watched.renewedNs === NONE ? watched.askedNs : watched.renewedNs;
    if (!this.#isOlder(fromNs, waitMs, nowNs)) return 0;
    if (watched.renewals >= watched.renewalsMax) {
      watched.renewalsMax *= 2;
      this.#host.giveUp(index, trouble);
      return 1;
    }
    watched.renewals++;
    watched.renewedNs = nowNs;
    watched.askedNs = nowNs;
    if (trouble === 'FEED_SILENT') {
      if (watched.isSilenceRenewed) {
        watched.quietFactor = Math.min(watched.quietFactor * 2, QUIET_FACTOR_MAX);
      }
      watched.isSilenceRenewed = true;
      watched.dataAtRenewal = subscription.dataCount;
    }
    this.#host.renew(index);
    return 1;
  }

  #isWell(subscription: FeedSubscription): boolean {
    if (subscription.state !== SubscriptionState.Live) return false;
    return !subscription.isChatty || (subscription.lastDataNs > 0 && this.#isFresh(subscription));
  }

  #isFresh(subscription: FeedSubscription): boolean {
    if (subscription.place < 0) return true;
    return (this.#markets[subscription.place] as MarketState).staleReason === 0;
  }

  #isOlder(fromNs: number, limitMs: number, nowNs: number): boolean {
    return nowNs - fromNs >= limitMs * NS_PER_MS;
  }
}
