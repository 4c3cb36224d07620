/**
 * backoff: how long to wait before the next try. The waits of a list in turn, the last one for ever, each spread by chance
 * when a jitter is set, so that a thousand clients of one venue do not come back in the same millisecond. Pure: the host
 * measures the time. Any thread; one per thing that is tried again.
 *
 *   fail ─▶ 100 ─ fail ─▶ 200 ─ fail ─▶ 400 ─ fail ─▶ 800 ─ fail ─▶ 800 …      reset (it held) ─▶ 100 again
 */
import { assert } from '../domain/assert.js';
import type { Random } from '../ports/random.js';

const UINT32_COUNT = 4_294_967_296;
const NS_PER_MS = 1_000_000;

export interface BackoffOptions {
  /** At least one. */
  readonly waitsMs: readonly number[];
  /** 0.1: each wait is up to a tenth longer or shorter. 0 (and without `random`): exact. */
  readonly jitter?: number;
  readonly random?: Random | undefined;
}

export class Backoff {
  readonly #waitsMs: readonly number[];
  readonly #jitter: number;
  readonly #random: Random | undefined;
  #failureCount = 0;
  #resetCount = 0;

  constructor(options: BackoffOptions) {
    const jitter = options.jitter ?? 0;
    assert(options.waitsMs.length > 0, 'waitsMs has at least one wait');
    assert(jitter >= 0 && jitter < 1, `jitter from 0 to below 1: ${String(jitter)}`);
    this.#waitsMs = options.waitsMs;
    this.#jitter = jitter;
    this.#random = options.random;
  }

  /** Failures in a row. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** How often a success has ended a row of failures. */
  get resetCount(): number {
    return this.#resetCount;
  }

  /** One more failure: how long to wait before the next try, ns. */
  fail(): number {
    const place = Math.min(this.#failureCount, this.#waitsMs.length - 1);
    this.#failureCount++;
    const waitNs = (this.#waitsMs[place] as number) * NS_PER_MS;
    if (this.#random === undefined || this.#jitter === 0) return waitNs;
    const chance = (this.#random.nextUint32() / UINT32_COUNT) * 2 - 1;
    return Math.round(waitNs * (1 + this.#jitter * chance));
  }

  /** It held: the next failure is the first one again. True when there was a row to end. */
  reset(): boolean {
    if (this.#failureCount === 0) return false;
    this.#failureCount = 0;
    this.#resetCount++;
    return true;
  }
}
