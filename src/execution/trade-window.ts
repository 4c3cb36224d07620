/**
 * trade-window: how many orders have traded in the last hour and the last 24, over restarts: times are epoch milliseconds,
 * because core time starts anew with each run.
 * @hotpath
 *
 * Part of the execution core's state. A ring of as many times as a day may have; older ones cannot matter.
 */
import { LONG_AGO_MS } from './core-times.js';

export class TradeWindow {
  /** The times, the oldest at `index`. */
  readonly timesMs: Float64Array;
  index = 0;

  constructor(perDayMax: number) {
    this.timesMs = new Float64Array(perDayMax).fill(LONG_AGO_MS);
  }

  add(epochMs: number): void {
    this.timesMs[this.index] = epochMs;
    this.index = this.index + 1 === this.timesMs.length ? 0 : this.index + 1;
  }

  /**
   * Whether `max` have traded within `windowMs` before now, when `pendingCount` more may at any moment. `max` is at most
   * what a day may have.
   */
  isFull(nowEpochMs: number, windowMs: number, max: number, pendingCount: number): boolean {
    const wanted = max - pendingCount;
    if (wanted <= 0) return true;
    const size = this.timesMs.length;
    // The wanted-th trade before now: when it is inside the window, so are all that came behind it.
    let place = this.index - wanted;
    if (place < 0) place += size;
    return nowEpochMs - (this.timesMs[place] as number) < windowMs;
  }

  /** Cold: how many there are. */
  count(nowEpochMs: number, windowMs: number): number {
    return this.timesMs.filter((timeMs) => nowEpochMs - timeMs < windowMs).length;
  }
}
