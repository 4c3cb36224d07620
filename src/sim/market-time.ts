/**
 * MarketTime: where the played markets are, in nanoseconds since their first snapshot. One per process: all venues that it
 * serves see the same moment, so that their prices belong together.
 */

const NS_PER_MS = 1e6;

/** The venue's clock: epoch nanoseconds, never backwards. */
export interface VenueClock {
  nowNs(): bigint;
  /** Monotonic milliseconds, for scheduling. */
  nowMs(): number;
}

export class MarketTime {
  /** 2: twice as fast as it was. */
  readonly speed: number;
  readonly #clock: VenueClock;
  /** Time at which the markets stood at position 0. */
  #zeroMs: number | null = null;
  #pausedAtMs: number | null = null;

  constructor(clock: VenueClock, speed: number) {
    this.#clock = clock;
    this.speed = speed;
  }

  /** The first venue that opens decides where the markets stand; later ones join. */
  begin(positionNs: number): void {
    this.#zeroMs ??= this.#clock.nowMs() - positionNs / NS_PER_MS / this.speed;
  }

  get positionNs(): number {
    if (this.#zeroMs === null) return 0;
    return ((this.#pausedAtMs ?? this.#clock.nowMs()) - this.#zeroMs) * NS_PER_MS * this.speed;
  }

  get isPaused(): boolean {
    return this.#pausedAtMs !== null;
  }

  /** Nothing happens until it goes on; for comparing books while they stand still. */
  pause(): void {
    this.#pausedAtMs ??= this.#clock.nowMs();
  }

  goOn(): void {
    if (this.#pausedAtMs === null) return;
    this.skipMs(this.#clock.nowMs() - this.#pausedAtMs);
    this.#pausedAtMs = null;
  }

  /** So much time has passed without a market. */
  skipMs(ms: number): void {
    if (this.#zeroMs !== null) this.#zeroMs += ms;
  }

  /** Milliseconds of the clock until a position is reached; at most a day, since timers end at 24 days. */
  msUntil(positionNs: number): number {
    const ms = (positionNs - this.positionNs) / NS_PER_MS / this.speed;
    return Math.min(Math.max(0, Math.ceil(ms)), 86_400_000);
  }
}
