/**
 * feed-words: what control and ingest tell each other of market data connections, in shared memory: one line of words per
 * venue. A thread's round polls it as it polls stop-words; a person's wish is rare, so nobody is woken for it (a nap ends
 * after 100 ms).
 *
 *   word        writer    meaning
 *   asked       control   how often somebody has asked for a connection now (POST /v1/feeds/<venue>/reconnect)
 *   answered    ingest    the same number, once it was acted upon
 *   refused     ingest    how many of these were refused, because there was a connection or one on its way
 *   state       ingest    SessionState (ingest/feed-session.ts) of the venue's worst connection
 *   breaker     ingest    BreakerState (ingest/circuit-breaker.ts) of its worst one
 *   failures    ingest    failures in a row, of the same
 *   reason      ingest    index of the code of its last change (domain/errors.ts); 0: wanted
 *   dials       ingest    connections dialled so far
 */

const ASKED = 0;
const ANSWERED = 1;
const REFUSED = 2;
const STATE = 3;
const BREAKER = 4;
const FAILURES = 5;
const REASON = 6;
const DIALS = 7;
/** Two cache lines of their own per venue. */
const WORDS_PER_VENUE = 32;

/** Names of the two small state machines, as numbers go over shared memory; ingest asserts that they are its own. */
export const FEED_STATE_NAMES = [
  'Disconnected',
  'Connecting',
  'Connected',
  'Reconnecting',
  'Failed',
] as const;
export const FEED_BREAKER_NAMES = ['Closed', 'Open', 'HalfOpen'] as const;

/** How a venue's connections fare. Plain data. */
export interface FeedStatus {
  readonly state: number;
  readonly breaker: number;
  readonly failureCount: number;
  readonly reason: number;
  readonly dialCount: number;
}

export class FeedWords {
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  static bytes(venueCount: number): number {
    return venueCount * WORDS_PER_VENUE * Int32Array.BYTES_PER_ELEMENT;
  }

  get venueCount(): number {
    return this.#words.length / WORDS_PER_VENUE;
  }

  // Control.

  /** Asks for a connection now; returns the number of the wish. */
  ask(venueIndex: number): number {
    return Atomics.add(this.#words, this.#at(venueIndex, ASKED), 1) + 1;
  }

  /** Whether the wish of that number was acted upon. */
  isAnswered(venueIndex: number, wish: number): boolean {
    return this.#load(venueIndex, ANSWERED) - wish >= 0;
  }

  /** Wishes refused so far. */
  refusedCount(venueIndex: number): number {
    return this.#load(venueIndex, REFUSED);
  }

  status(venueIndex: number): FeedStatus {
    return {
      state: this.#load(venueIndex, STATE),
      breaker: this.#load(venueIndex, BREAKER),
      failureCount: this.#load(venueIndex, FAILURES),
      reason: this.#load(venueIndex, REASON),
      dialCount: this.#load(venueIndex, DIALS),
    };
  }

  // Ingest.

  /** True when somebody has asked since the last answer. */
  isAsked(venueIndex: number): boolean {
    return this.#load(venueIndex, ASKED) !== this.#load(venueIndex, ANSWERED);
  }

  /** Every wish so far was acted upon. */
  answer(venueIndex: number, isRefused: boolean): void {
    if (isRefused) Atomics.add(this.#words, this.#at(venueIndex, REFUSED), 1);
    const asked = this.#load(venueIndex, ASKED);
    Atomics.store(this.#words, this.#at(venueIndex, ANSWERED), asked);
  }

  show(venueIndex: number, status: FeedStatus): void {
    this.#store(venueIndex, BREAKER, status.breaker);
    this.#store(venueIndex, FAILURES, status.failureCount);
    this.#store(venueIndex, REASON, status.reason);
    this.#store(venueIndex, DIALS, status.dialCount);
    this.#store(venueIndex, STATE, status.state);
  }

  #at(venueIndex: number, word: number): number {
    return venueIndex * WORDS_PER_VENUE + word;
  }

  #load(venueIndex: number, word: number): number {
    return Atomics.load(this.#words, this.#at(venueIndex, word));
  }

  #store(venueIndex: number, word: number, value: number): void {
    Atomics.store(this.#words, this.#at(venueIndex, word), value);
  }
}
