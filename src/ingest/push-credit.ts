/**
 * push-credit: how far a publisher may go on. It has credit for a window of batches beyond the last one that was handled;
 * the window moves only while its batches, ticks and bytes are within their rates, so who is too fast is slowed, not cut.
 *
 * Ingest thread, one per publisher; time is an argument. Deterministic. Each rate is a bucket that holds a second's worth;
 * a batch may overdraw it, and what is overdrawn must be refilled before new credit is given.
 */

export interface PushRates {
  /** Batches that may be under way. */
  readonly creditBatches: number;
  readonly batchesPerSecond: number;
  readonly ticksPerSecond: number;
  readonly bytesPerSecond: number;
}

const NS_PER_SEC = 1e9;

export class PushCredit {
  readonly #rates: PushRates;
  /** [0] time of the last refill, then what is left of batches, ticks and bytes. */
  readonly #left = new Float64Array(4);
  #creditSeq: number;
  #handledSeq = 0;

  constructor(rates: PushRates, nowNs: number) {
    this.#rates = rates;
    this.#creditSeq = rates.creditBatches;
    this.#left[0] = nowNs;
    this.#left[1] = rates.batchesPerSecond;
    this.#left[2] = rates.ticksPerSecond;
    this.#left[3] = rates.bytesPerSecond;
  }

  /** Batches up to this one may be sent. */
  get creditSeq(): number {
    return this.#creditSeq;
  }

  /** Less than a whole window is open: the publisher is held back. */
  get isHeld(): boolean {
    return this.#creditSeq < this.#handledSeq + this.#rates.creditBatches;
  }

  /** A batch was handled. */
  spend(nowNs: number, seq: number, ticks: number, bytes: number): void {
    this.#refill(nowNs);
    this.#left[1] = (this.#left[1] as number) - 1;
    this.#left[2] = (this.#left[2] as number) - ticks;
    this.#left[3] = (this.#left[3] as number) - bytes;
    this.#handledSeq = seq;
    this.#grant();
  }

  /** Looks whether credit is due; true when there is new credit to tell. */
  renew(nowNs: number): boolean {
    if (!this.isHeld) return false;
    this.#refill(nowNs);
    this.#grant();
    return !this.isHeld;
  }

  /** When credit can be given again; never when the publisher is not held. */
  get dueNs(): number {
    if (!this.isHeld) return Number.POSITIVE_INFINITY;
    const { batchesPerSecond, ticksPerSecond, bytesPerSecond } = this.#rates;
    const missingSec = Math.max(
      -(this.#left[1] as number) / batchesPerSecond,
      -(this.#left[2] as number) / ticksPerSecond,
      -(this.#left[3] as number) / bytesPerSecond,
      0,
    );
    return (this.#left[0] as number) + Math.ceil(missingSec * NS_PER_SEC);
  }

  #grant(): void {
    const left = this.#left;
    const isWithin =
      (left[1] as number) >= 0 && (left[2] as number) >= 0 && (left[3] as number) >= 0;
    if (isWithin) this.#creditSeq = this.#handledSeq + this.#rates.creditBatches;
  }

  #refill(nowNs: number): void {
    const { batchesPerSecond, ticksPerSecond, bytesPerSecond } = this.#rates;
    const left = this.#left;
    const seconds = Math.max(0, (nowNs - (left[0] as number)) / NS_PER_SEC);
    left[0] = nowNs;
    left[1] = Math.min(batchesPerSecond, (left[1] as number) + seconds * batchesPerSecond);
    left[2] = Math.min(ticksPerSecond, (left[2] as number) + seconds * ticksPerSecond);
    left[3] = Math.min(bytesPerSecond, (left[3] as number) + seconds * bytesPerSecond);
  }
}
