/**
 * fees: what a venue takes for a fill. Rates are parts per million: 1 bps is 100 ppm, so that half a basis point is whole.
 *
 * Pure. A fee that is reserved is never too low; the fee that is booked is the one the venue states in the fill.
 */
import { Rounding, ceilDiv, mulDiv } from './fixed-point.js';

export const PPM_PER_BPS = 100;
const PPM = 1_000_000;

/** Rates of an account at a venue. */
export interface FeeSchedule {
  /** For a fill of a resting order; below zero: a rebate. Parts per million of price times size. */
  readonly makerPpm: number;
  /** For a fill that took from the book. */
  readonly takerPpm: number;
}

/** Fee of a fill, in the unit of the notional, rounded as named. The result must fit 2^53. */
export function feeOf(notionalMantissa: number, ratePpm: number, rounding: Rounding): number {
  return mulDiv(notionalMantissa, ratePpm, PPM, rounding);
}

/**
 * At least the fee of the notional, for setting money aside on the hot path: exact integers, no BigInt, above the true
 * fee by less than `ratePpm` units. Rates from 0 to 1,000,000 (a rebate is not set aside: pass 0).
 */
export function feeUpperBound(notionalMantissa: number, ratePpm: number): number {
  return ceilDiv(notionalMantissa, PPM) * ratePpm;
}
