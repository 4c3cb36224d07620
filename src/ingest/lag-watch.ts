/**
 * lag-watch: does the market come later than it usually does? What waits in a kernel's buffer, a proxy or a venue's queue
 * is the past, although it arrives one frame after the other and looks alive. Pure: times are arguments. One per
 * connection, ingest thread.
 * @hotpath
 *
 *   lag     = our time of arrival − the venue's time: differs by how the two clocks are set, so only its growth counts
 *   usual   = the smallest lag of the last one to two minutes (two windows in turn); it outlives a connection
 *   late    = every lag of the last LATE_FOR_NS, and of LATE_FRAMES frames at least, is more than lateMs above the usual
 *
 * One late frame is nothing: snapshots carry the time of the last change of a quiet book.
 */

const NS_PER_MS = 1_000_000;
const WINDOW_NS = 60_000_000_000;
const LATE_FOR_NS = 1_000_000_000;
const LATE_FRAMES = 3;

const USUAL = 0;
const USUAL_BEFORE = 1;
const WINDOW_BEGAN = 2;
const LATE_SINCE = 3;
const LAG = 4;

export class LagWatch {
  readonly #lateNs: number;
  readonly #at = new Float64Array([Infinity, Infinity, NaN, NaN, 0]);
  #lateFrames = 0;
  /** [0] our time of arrival, [1] the venue's time of what isLate judges; in an array, so that no number is boxed. */
  readonly times = new Float64Array(2);

  /** `lateMs` 0: never late. */
  constructor(lateMs: number) {
    this.#lateNs = lateMs === 0 ? Infinity : lateMs * NS_PER_MS;
  }

  /** The last lag above the usual one, ns. */
  get excessNs(): number {
    return (this.#at[LAG] as number) - this.#usual;
  }

  /** A new connection: what was late belongs to the old one. The usual lag is the venue's and stays. */
  onConnected(): void {
    this.#at[LATE_SINCE] = NaN;
    this.#lateFrames = 0;
  }

  /** A change of the market, at `times`. True: it, and everything for a while, has come late. */
  isLate(): boolean {
    const at = this.#at;
    const recvNs = this.times[0] as number;
    const lagNs = recvNs - (this.times[1] as number);
    at[LAG] = lagNs;
    // The negation is true for NaN as well: the first one.
    if (!(recvNs - (at[WINDOW_BEGAN] as number) < WINDOW_NS)) {
      at[USUAL_BEFORE] = at[USUAL] as number;
      at[USUAL] = Infinity;
      at[WINDOW_BEGAN] = recvNs;
    }
    if (lagNs < (at[USUAL] as number)) at[USUAL] = lagNs;
    if (lagNs - this.#usual <= this.#lateNs) {
      at[LATE_SINCE] = NaN;
      this.#lateFrames = 0;
      return false;
    }
    this.#lateFrames++;
    if (!(recvNs - (at[LATE_SINCE] as number) >= 0)) at[LATE_SINCE] = recvNs;
    const isLong = recvNs - (at[LATE_SINCE] as number) >= LATE_FOR_NS;
    return isLong && this.#lateFrames >= LATE_FRAMES;
  }

  get #usual(): number {
    const before = this.#at[USUAL_BEFORE] as number;
    const now = this.#at[USUAL] as number;
    return now < before ? now : before;
  }
}
