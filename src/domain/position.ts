/**
 * position: what our fills have made of an instrument: signed size, what it cost, what it has earned.
 *
 * Written by the execution core alone, and only on fills: nothing else changes a position. Fills are not the tick path,
 * so money is a bigint here and always exact: the average entry is kept as cost and size, never as a rounded price.
 *
 * Invariant (a property test holds it), over all fills: size = sum of signed sizes, and
 * cost - realized = sum of price * signed size.
 * One arithmetic for spot inventory and for netting derivatives; that spot does not go below zero is the risk gate's word.
 */
import { Rounding, mulDivBig } from './fixed-point.js';
import { Side } from './order.js';
import { saturate } from './wide-sum.js';

export class Position {
  /** Held at sizeScale; below zero: short. */
  sizeMantissa = 0;
  /** What was paid for what is held; has the sign of the size. Money. */
  costMantissa = 0n;
  /** Result of what was closed, without fees. Money. */
  realizedMantissa = 0n;
  /** Fees of all fills; above zero: paid. Money. */
  feesMantissa = 0n;
  fillCount = 0;
}

/** The size after a fill: what the caller checks before it applies one. */
export function sizeAfter(position: Position, side: number, sizeMantissa: number): number {
  return position.sizeMantissa + (side === Side.Buy ? sizeMantissa : -sizeMantissa);
}

/** Price and size above zero; the size after must be a safe integer (`sizeAfter`). */
export function applyFill(
  position: Position,
  side: number,
  priceMantissa: number,
  sizeMantissa: number,
  feeMantissa: number,
): void {
  const price = BigInt(priceMantissa);
  const signed = BigInt(side === Side.Buy ? sizeMantissa : -sizeMantissa);
  const held = BigInt(position.sizeMantissa);
  const closes = (held > 0n && signed < 0n) || (held < 0n && signed > 0n);
  if (closes) {
    const closed = magnitude(signed) < magnitude(held) ? -signed : held;
    const costClosed =
      closed === held
        ? position.costMantissa
        : mulDivBig(position.costMantissa, magnitude(closed), magnitude(held), Rounding.HalfEven);
    position.costMantissa -= costClosed;
    position.realizedMantissa += price * closed - costClosed;
    // What goes through zero opens the other side at this price.
    position.costMantissa += price * (signed + closed);
  } else {
    position.costMantissa += price * signed;
  }
  position.sizeMantissa = sizeAfter(position, side, sizeMantissa);
  position.feesMantissa += BigInt(feeMantissa);
  position.fillCount++;
}

/** Cost over size, to the nearest price mantissa; 0 when nothing is held. For people: the books keep the cost. */
export function averageEntryPriceMantissa(position: Position): number {
  if (position.sizeMantissa === 0) return 0;
  const size = BigInt(position.sizeMantissa);
  const sign = size < 0n ? -1n : 1n;
  return saturate(mulDivBig(position.costMantissa * sign, 1n, size * sign, Rounding.HalfEven));
}

/** What selling at the bid (or buying back at the ask) would add to the realised result, without fees. Money. */
export function unrealizedMantissa(position: Position, priceMantissa: number): bigint {
  return BigInt(priceMantissa) * BigInt(position.sizeMantissa) - position.costMantissa;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
