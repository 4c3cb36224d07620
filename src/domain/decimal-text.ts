/**
 * decimal-text: mantissa and scale as plain decimal text and back, exact at any size. For screens, databases and JSON:
 * it uses BigInt and belongs on no hot path. Text has no trailing zeros and no exponent: "65083.67", "-0.001", "0".
 */
import { assert } from './assert.js';

/** Plain text of `mantissa` / 10^`scale`. */
export function decimalText(mantissa: bigint | number, scale: number): string {
  const value = BigInt(mantissa);
  const isNegative = value < 0n;
  const digits = (isNegative ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return isNegative ? `-${text}` : text;
}

/** The mantissa of a text at `scale`; a text with more digits than the scale keeps is a bug, never a rounding. */
export function mantissaOfText(text: string, scale: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  assert(match !== null, `not a plain decimal: text=${text}`);
  const fraction = match[3] ?? '';
  assert(
    fraction.length <= scale,
    `more digits than the scale: text=${text}, scale=${String(scale)}`,
  );
  const mantissa = BigInt((match[2] ?? '') + fraction.padEnd(scale, '0'));
  return match[1] === '-' ? -mantissa : mantissa;
}

/** Text of `numerator` / `denominator` with `digits` decimals, rounded half away from zero. */
export function ratioText(numerator: bigint, denominator: bigint, digits: number): string {
  assert(denominator !== 0n, 'denominator is not 0');
  const isNegative = numerator < 0n !== denominator < 0n;
  const above = (numerator < 0n ? -numerator : numerator) * 10n ** BigInt(digits);
  const below = denominator < 0n ? -denominator : denominator;
  const rounded = (above * 2n + below) / (below * 2n);
  return decimalText(isNegative ? -rounded : rounded, digits);
}
