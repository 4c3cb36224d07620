/**
 * rate-budget: how many requests a venue lets us make: a bucket of tokens that fills with time. Deterministic: time is
 * an argument. Venues ban those who ask too often, and then even cancels fail; so every request passes here.
 *
 * Orders and cancels may take the last token; questions must leave some for them (`reserved`).
 */
import { assert } from '../domain/assert.js';

export interface RateBudgetOptions {
  readonly tokensPerSec: number;
  /** What may be spent at once after a rest. */
  readonly burst: number;
  /** Tokens that only urgent requests may take. */
  readonly reserved: number;
}

export class RateBudget {
  readonly #tokensPerNs: number;
  readonly #burst: number;
  readonly #reserved: number;
  #tokens: number;
  #filledNs = 0;
  #pausedUntilNs = 0;

  constructor(options: RateBudgetOptions) {
    assert(options.tokensPerSec > 0, `tokensPerSec above 0: ${String(options.tokensPerSec)}`);
    assert(options.burst > options.reserved, 'burst above reserved');
    this.#tokensPerNs = options.tokensPerSec / 1e9;
    this.#burst = options.burst;
    this.#reserved = options.reserved;
    this.#tokens = options.burst;
  }

  /** Takes a token when there is one for this kind of request. */
  tryTake(nowNs: number, isUrgent: boolean): boolean {
    if (nowNs < this.#pausedUntilNs) return false;
    const filled = this.#tokens + (nowNs - this.#filledNs) * this.#tokensPerNs;
    this.#tokens = filled > this.#burst ? this.#burst : filled;
    this.#filledNs = nowNs;
    if (this.#tokens < (isUrgent ? 1 : 1 + this.#reserved)) return false;
    this.#tokens -= 1;
    return true;
  }

  /** The venue said: slow down. Nothing goes out before that time. */
  pauseUntil(untilNs: number): void {
    if (untilNs > this.#pausedUntilNs) this.#pausedUntilNs = untilNs;
  }
}
