/**
 * wide-sum: a sum of integers that may leave 2^53, kept in two numbers, so that the hot path can add, subtract and
 * compare balances exactly without a BigInt.
 * @hotpath (add, subtract, differenceClamped)
 *
 * Pure. value = high * 2^50 + low, with 0 <= low < 2^50 and high a safe integer: exact to ±2^103.
 * Oracle in tests: BigInt.
 */
import { assert } from './assert.js';

const LIMB = 2 ** 50;
const LIMB_BIG = 1n << 50n;

export class WideSum {
  high = 0;
  low = 0;

  /** Adds a safe integer. */
  add(amount: number): void {
    const high = Math.floor(amount / LIMB);
    const low = this.low + (amount - high * LIMB);
    if (low >= LIMB) {
      this.low = low - LIMB;
      this.high += high + 1;
    } else {
      this.low = low;
      this.high += high;
    }
  }

  subtract(amount: number): void {
    this.add(-amount);
  }

  /** Cold path: the amount may be of any size. */
  addBig(amount: bigint): void {
    this.setBig(this.toBig() + amount);
  }

  setBig(value: bigint): void {
    const low = BigInt.asUintN(50, value);
    const high = Number((value - low) / LIMB_BIG);
    assert(Number.isSafeInteger(high), `sum inside 2^103: value=${String(value)}`);
    this.low = Number(low);
    this.high = high;
  }

  toBig(): bigint {
    return BigInt(this.high) * LIMB_BIG + BigInt(this.low);
  }

  isZero(): boolean {
    return this.high === 0 && this.low === 0;
  }
}

/** a - b, or the nearest safe integer when the difference does not fit one. */
export function differenceClamped(a: WideSum, b: WideSum): number {
  const high = a.high - b.high;
  // Beyond eight limbs the difference is outside 2^53 whatever the low parts say.
  if (high > 8) return Number.MAX_SAFE_INTEGER;
  if (high < -9) return Number.MIN_SAFE_INTEGER;
  const difference = high * LIMB + (a.low - b.low);
  if (difference > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (difference < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return difference;
}

/** A bigint as a number, at the bound of 2^53 when it is beyond it (for records and screens, never for the books). */
export function saturate(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}
