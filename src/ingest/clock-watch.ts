/**
 * clock-watch: has time gone on evenly? Pure: both clocks are arguments. One per ingest agent.
 * @hotpath (check, as long as nothing jumped)
 *
 *   monotonic clock   a hole between two looks: the process stood still (stopped, suspended, starved). What the kernel
 *                     has kept for us meanwhile is old, and looks like news.
 *   wall clock        a step against the monotonic one: somebody has set it. Ages of the venue's times are wrong.
 */
import type { ErrorCode } from '../domain/errors.js';

export interface ClockTimes {
  /** Two looks are never further apart than that on a healthy thread. */
  readonly pauseMaxMs: number;
  /** The wall clock may drift that far from the monotonic clock between two looks. */
  readonly clockJumpMs: number;
}

const NS_PER_MS = 1_000_000;
const LOOKED = 0;
const AHEAD = 1;

export class ClockWatch {
  readonly #pauseMaxNs: number;
  readonly #jumpNs: number;
  /** When it was looked last; how far the wall clock was ahead of the monotonic one then. NaN: never. */
  readonly #at = new Float64Array([NaN, NaN]);
  #detail = '';

  constructor(times: ClockTimes) {
    this.#pauseMaxNs = times.pauseMaxMs * NS_PER_MS;
    this.#jumpNs = times.clockJumpMs * NS_PER_MS;
  }

  /** What was found last, for people. */
  get detail(): string {
    return this.#detail;
  }

  /** Looks at the monotonic clock alone. CLOCK_JUMP: there was a pause. */
  check(nowNs: number): ErrorCode {
    const sinceNs = nowNs - (this.#at[LOOKED] as number);
    this.#at[LOOKED] = nowNs;
    return sinceNs > this.#pauseMaxNs ? this.#onPause(sinceNs) : 'OK';
  }

  /** Looks at the wall clock too (nanoseconds since run start by the wall clock). CLOCK_JUMP: it was set. */
  checkWall(nowNs: number, wallNs: number): ErrorCode {
    const aheadNs = wallNs - nowNs;
    const stepNs = aheadNs - (this.#at[AHEAD] as number);
    this.#at[AHEAD] = aheadNs;
    return Math.abs(stepNs) > this.#jumpNs ? this.#onStep(stepNs) : 'OK';
  }

  /** Cold. */
  #onPause(sinceNs: number): ErrorCode {
    this.#detail = `no turn for ${inMs(sinceNs)} ms`;
    return 'CLOCK_JUMP';
  }

  /** Cold. */
  #onStep(stepNs: number): ErrorCode {
    this.#detail = `the wall clock was set by ${inMs(stepNs)} ms`;
    return 'CLOCK_JUMP';
  }
}

function inMs(ns: number): string {
  return String(Math.round(ns / NS_PER_MS));
}
