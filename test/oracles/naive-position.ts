/**
 * naive-position: what fills make of a position, the obvious way: one entry per unit of size, first in, first out of an
 * average. Written from the definition, not from the product: size and cash flow are sums over all fills.
 */
export interface NaiveFill {
  readonly isBuy: boolean;
  readonly price: bigint;
  readonly size: bigint;
  readonly fee: bigint;
}

export interface NaivePosition {
  readonly size: bigint;
  /** Money paid minus money received, without fees. */
  readonly paid: bigint;
  readonly fees: bigint;
}

export function naivePosition(fills: readonly NaiveFill[]): NaivePosition {
  let size = 0n;
  let paid = 0n;
  let fees = 0n;
  for (const fill of fills) {
    size += fill.isBuy ? fill.size : -fill.size;
    paid += fill.isBuy ? fill.price * fill.size : -(fill.price * fill.size);
    fees += fill.fee;
  }
  return { size, paid, fees };
}

/**
 * The result of average-cost accounting as an exact fraction, numerator and denominator: every sale takes its share of
 * the cost, nothing is rounded on the way.
 */
export function exactRealized(fills: readonly NaiveFill[]): {
  readonly top: bigint;
  readonly bottom: bigint;
} {
  let size = 0n;
  let cost = { top: 0n, bottom: 1n };
  let realized = { top: 0n, bottom: 1n };
  for (const fill of fills) {
    let rest = fill.isBuy ? fill.size : -fill.size;
    if (size !== 0n && size > 0n !== rest > 0n) {
      const held = size < 0n ? -size : size;
      const wanted = rest < 0n ? -rest : rest;
      const closed = wanted < held ? wanted : held;
      const share = { top: cost.top * closed, bottom: cost.bottom * held };
      const sign = size > 0n ? 1n : -1n;
      const proceeds = { top: sign * fill.price * closed, bottom: 1n };
      realized = plus(realized, minus(proceeds, share));
      cost = minus(cost, share);
      size -= sign * closed;
      rest += sign * closed;
    }
    cost = plus(cost, { top: rest * fill.price, bottom: 1n });
    size += rest;
  }
  return realized;
}

interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

function plus(a: Fraction, b: Fraction): Fraction {
  const top = a.top * b.bottom + b.top * a.bottom;
  const bottom = a.bottom * b.bottom;
  const divisor = gcd(top < 0n ? -top : top, bottom);
  return { top: top / divisor, bottom: bottom / divisor };
}

function minus(a: Fraction, b: Fraction): Fraction {
  return plus(a, { top: -b.top, bottom: b.bottom });
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? (a === 0n ? 1n : a) : gcd(b, a % b);
}
