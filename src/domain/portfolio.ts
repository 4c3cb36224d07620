/**
 * portfolio: money per currency: total, reserved for open orders, free. One ledger entry per currency of the account;
 * amounts of different currencies are never added, only converted at a known price.
 *
 * Written by the execution core alone. Reserving is on the intent path (plain numbers in two limbs, wide-sum.ts);
 * totals move on fills and reconciliations (bigint). Invariant: free = total - reserved, exactly.
 *
 * A ledger counts in the finest unit that any instrument needs of its currency. Records carry a balance in two numbers,
 * which mean the same whatever instruments there are: `value` at BALANCE_SCALE, rounded down, and `rest`, the digits
 * below it down to BALANCE_REST_SCALE.
 */
import { assert } from './assert.js';
import { Rounding, SCALE_MAX, mulDivBig } from './fixed-point.js';
import { moneyScale } from './instrument.js';
import type { Instrument } from './instrument.js';
import { WideSum, differenceClamped, saturate } from './wide-sum.js';

/** Decimals of a balance in a record and on screens. */
export const BALANCE_SCALE = 8;
/** Decimals down to which the second number of a balance goes. */
export const BALANCE_REST_SCALE = 18;

const REST_UNITS = 10n ** BigInt(BALANCE_REST_SCALE - BALANCE_SCALE);

/** One currency of the account. `index` is what records carry. */
export interface Currency {
  readonly index: number;
  readonly code: string;
  /** Decimals of the ledger: enough for every amount that the instruments can make. */
  readonly scale: number;
}

/** Every currency of the instruments, in order of first mention (base, then quote, by instrument index). */
export function currencyTable(instruments: readonly Instrument[]): readonly Currency[] {
  const scales = new Map<string, number>();
  for (const instrument of instruments) {
    const quoteScale = moneyScale(instrument);
    assert(
      quoteScale <= SCALE_MAX,
      `priceScale + sizeScale at most ${SCALE_MAX}: ${instrument.symbol}, ${quoteScale}`,
    );
    scales.set(instrument.base, Math.max(scales.get(instrument.base) ?? 0, instrument.sizeScale));
    scales.set(instrument.quote, Math.max(scales.get(instrument.quote) ?? 0, quoteScale));
  }
  return [...scales].map(([code, scale], index) => ({ index, code, scale }));
}

export class Ledger {
  readonly currency: Currency;
  /** All that the account has of it, in ledger units. Meaningless until `isKnown`. */
  readonly total = new WideSum();
  /** What open orders may take of it, in ledger units. */
  readonly reserved = new WideSum();
  /** The venue has stated it at least once. */
  isKnown = false;
  /** Core time of the last fill that moved it; -1: none in this run. */
  movedNs = -1;

  constructor(currency: Currency) {
    this.currency = currency;
  }

  /** Total minus reserved, in ledger units, clamped to ±2^53: what a new order may take. */
  freeClamped(): number {
    return differenceClamped(this.total, this.reserved);
  }

  freeBig(): bigint {
    return this.total.toBig() - this.reserved.toBig();
  }
}

/** Receives the two numbers of a balance. */
export interface BalanceParts {
  valueMantissa: number;
  sizeMantissa: number;
}

/** A balance as the two numbers of a record. Beyond 2^53 the first one stands at that bound. */
export function splitBalance(total: bigint, scale: number, out: BalanceParts): void {
  const units = total * 10n ** BigInt(BALANCE_REST_SCALE - scale);
  const value = mulDivBig(units, 1n, REST_UNITS, Rounding.Floor);
  out.valueMantissa = saturate(value);
  out.sizeMantissa = Number(units - value * REST_UNITS);
}

/** The two numbers of a record in ledger units; digits that the ledger does not have are cut off. */
export function joinBalance(parts: BalanceParts, scale: number): bigint {
  const units = BigInt(parts.valueMantissa) * REST_UNITS + BigInt(parts.sizeMantissa);
  return mulDivBig(units, 1n, 10n ** BigInt(BALANCE_REST_SCALE - scale), Rounding.Floor);
}

/** An amount at one scale as a record shows it: at BALANCE_SCALE, rounded down. */
export function atBalanceScale(amount: bigint, scale: number): number {
  return saturate(
    mulDivBig(amount, 10n ** BigInt(BALANCE_SCALE), 10n ** BigInt(scale), Rounding.Floor),
  );
}

/** Figures of an account in one currency, at BALANCE_SCALE. */
export interface PortfolioFigures {
  cashMantissa: number;
  equityMantissa: number;
  /** Value of what is held beside the cash, at the bid; both directions count as positive. */
  exposureMantissa: number;
  /** False: a currency that is held has no price, or the venue has not stated a balance: the figures are not to be used. */
  isKnown: boolean;
}
