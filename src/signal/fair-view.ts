/**
 * fair-view: the fair price of one asset as ingest has it on the board, for strategies (docs/fair-price.md).
 * @hotpath
 *
 * Signal thread only; written by signal-agent from the board, read by strategies through the market of any instrument of
 * the asset. One per asset, made at start. It comes by the board and not by the tick ring: a strategy that reads it depends
 * on when it looked, and a replay of the same ticks alone cannot repeat it.
 */

export class FairView {
  readonly asset: string;
  /** USD with FAIR_SCALE decimals; 0: none, `reason` says why. */
  priceMantissa = 0;
  /** The lowest and the highest source that took part. */
  lowMantissa = 0;
  highMantissa = 0;
  /** Millionths: how much there is to go by. 0 without a price. */
  confidencePpm = 0;
  /** When it was computed, and the receive time of the oldest price in it; ns since run start, 0: never. */
  computedNs = 0;
  oldestNs = 0;
  /** Index of a code in domain/errors; 0: there is a price. */
  reason: number;

  constructor(asset: string, reason: number) {
    this.asset = asset;
    this.reason = reason;
  }

  /** There is a price, computed within the time and at least that sure. */
  isUsable(nowNs: number, ageNsMax: number, confidencePpmMin: number): boolean {
    return (
      this.reason === 0 &&
      nowNs - this.computedNs <= ageNsMax &&
      this.confidencePpm >= confidencePpmMin
    );
  }
}
