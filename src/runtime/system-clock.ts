/**
 * system-clock: the real clock. Nanoseconds since run start, the same origin in every thread.
 *
 * `performance.now()` starts anew in each worker, so a worker measures its offset to the process-wide monotonic clock
 * (`process.hrtime`) once, at start, and then pays one call without allocation per reading. Twin: sim/sim-clock.ts.
 */
import type { Clock } from '../ports/clock.js';

/** When the run started, on both clocks. Made once by the main thread; plain data for the workers. */
export interface ClockOrigin {
  /** `process.hrtime.bigint()` at run start. */
  readonly hrNs: bigint;
  /** Epoch nanoseconds at the same moment. */
  readonly epochNs: bigint;
}

/** Takes both clocks at (nearly) the same moment. */
export function takeClockOrigin(): ClockOrigin {
  return { hrNs: process.hrtime.bigint(), epochNs: BigInt(Date.now()) * 1_000_000n };
}

const OFFSET_SAMPLES = 9;

export class SystemClock implements Clock {
  readonly runEpochNs: bigint;
  readonly #offsetNs: number;
  readonly #epochMs: number;

  constructor(start: ClockOrigin) {
    this.runEpochNs = start.epochNs;
    this.#epochMs = Number(start.epochNs / 1_000_000n);
    // The sample with the smallest gap between its two readings is the least disturbed one.
    let bestGapMs = Number.POSITIVE_INFINITY;
    let offsetNs = 0;
    for (let sample = 0; sample < OFFSET_SAMPLES; sample++) {
      const beforeMs = performance.now();
      const hrNs = process.hrtime.bigint();
      const gapMs = performance.now() - beforeMs;
      if (gapMs < bestGapMs) {
        bestGapMs = gapMs;
        offsetNs = Number(hrNs - start.hrNs) - (beforeMs + gapMs / 2) * 1e6;
      }
    }
    this.#offsetNs = offsetNs;
  }

  nowNs(): number {
    return Math.round(performance.now() * 1e6 + this.#offsetNs);
  }

  /** The wall clock, in nanoseconds since run start, to the millisecond: somebody may set it, nowNs he cannot. */
  wallNs(): number {
    return (Date.now() - this.#epochMs) * 1e6;
  }
}
