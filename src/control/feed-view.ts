/**
 * feed-view: how the market data connections of the venues fare, as plain JSON, and people's wishes for a connection
 * (runtime/feed-words.ts). Control thread. A part of state-view.
 */
import { codeAt } from '../domain/errors.js';
import { FEED_BREAKER_NAMES, FEED_STATE_NAMES } from '../runtime/feed-words.js';
import type { FeedWords } from '../runtime/feed-words.js';

/** The worst of a venue's connections. */
export interface FeedJson {
  readonly venue: string;
  /** Disconnected, Connecting, Connected, Reconnecting, Failed. */
  readonly state: string;
  /** Closed (all is well), Open (no dials now), HalfOpen (a probe is under way). */
  readonly breaker: string;
  /** In a row. */
  readonly failureCount: number;
  /** Why it is as it is; OK when it is as wanted. */
  readonly reason: string;
  readonly dialCount: number;
}

export class FeedView {
  readonly #venues: readonly string[];
  readonly #words: FeedWords;

  /** `venues`: in the order of the words. */
  constructor(venues: readonly string[], words: FeedWords) {
    this.#venues = venues;
    this.#words = words;
  }

  feeds(): readonly FeedJson[] {
    return this.#venues.map((_, index) => this.feed(index));
  }

  feed(venueIndex: number): FeedJson {
    const status = this.#words.status(venueIndex);
    return {
      venue: this.#venues[venueIndex] ?? '',
      state: FEED_STATE_NAMES[status.state] ?? FEED_STATE_NAMES[0],
      breaker: FEED_BREAKER_NAMES[status.breaker] ?? FEED_BREAKER_NAMES[0],
      failureCount: status.failureCount,
      reason: codeAt(status.reason),
      dialCount: status.dialCount,
    };
  }

  /** Place of the venue in this run; -1: none of this name. */
  indexOf(venue: string): number {
    return this.#venues.indexOf(venue);
  }

  /** Asks ingest for a connection now. */
  ask(venueIndex: number): FeedWish {
    const refusedBefore = this.#words.refusedCount(venueIndex);
    return { venueIndex, wish: this.#words.ask(venueIndex), refusedBefore };
  }

  /** What became of a wish: `waiting`, `granted` or `refused` (there is a connection, or one on its way). */
  answerTo(wish: FeedWish): 'waiting' | 'granted' | 'refused' {
    if (!this.#words.isAnswered(wish.venueIndex, wish.wish)) return 'waiting';
    const isRefused = this.#words.refusedCount(wish.venueIndex) !== wish.refusedBefore;
    return isRefused ? 'refused' : 'granted';
  }
}

/** Plain data, kept until it is answered. */
export interface FeedWish {
  readonly venueIndex: number;
  readonly wish: number;
  readonly refusedBefore: number;
}
