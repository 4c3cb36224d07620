/**
 * fixed-point: money as an integer mantissa with a scale. 6412345 at scale 2 is 64123.45.
 * @hotpath (mulDiv, floorDiv, ceilDiv, rescale; parsing text here is for cold paths, the feeds parse bytes: byte-scanner.ts)
 *
 * Any thread; pure. Invariant: a result is exact, or rounded in the way that the caller named, or refused.
 * Numbers are safe integers (inside 2^53); what may be larger is a bigint and says so in its name.
 * Oracle in tests: BigInt arithmetic.
 */
import { assert } from './assert.js';
import { decimalText } from './decimal-text.js';
import { TickwireError } from './errors.js';

/** How a quotient that is not whole becomes whole. */
export const Rounding = {
  /** Towards minus infinity. */
  Floor: 0,
  /** Towards plus infinity. */
  Ceil: 1,
  /** Towards zero. */
  Truncate: 2,
  /** Away from zero. */
  AwayFromZero: 3,
  /** To the nearest; halves away from zero. */
  HalfUp: 4,
  /** To the nearest; halves to the even neighbour. */
  HalfEven: 5,
} as const;
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

/** Largest scale that an instrument may have: 18 digits fit an int64. */
export const SCALE_MAX = 18;

/** Powers of ten that a number holds exactly (10^22 is the last); index = exponent. */
export const POW10: Float64Array = new Float64Array(23);
for (let exponent = 0; exponent < POW10.length; exponent++)
  POW10[exponent] = Number(`1e${exponent}`);

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** 10^exponent, exact, for 0 to 22. */
export function pow10(exponent: number): number {
  const power = POW10[exponent];
  assert(power !== undefined, `exponent from 0 to 22: exponent=${exponent}`);
  return power;
}

/** Largest integer not above a / b. Both safe integers, b above 0. */
export function floorDiv(a: number, b: number): number {
  const rest = a % b;
  const whole = (a - rest) / b;
  return rest < 0 ? whole - 1 : whole;
}

/** Smallest integer not below a / b. Both safe integers, b above 0. */
export function ceilDiv(a: number, b: number): number {
  const rest = a % b;
  const whole = (a - rest) / b;
  return rest > 0 ? whole + 1 : whole;
}

/** a / b where the caller knows that it is whole; anything else is a bug. */
export function divExact(a: number, b: number): number {
  assert(a % b === 0, `divides without rest: a=${a}, b=${b}`);
  return a / b;
}

/**
 * a * b / divisor with the named rounding; exact however large the product is. `divisor` above 0.
 * Inside 2^53 it is two float operations; beyond it BigInt takes over (20 to 100 times slower, and rare).
 */
export function mulDiv(a: number, b: number, divisor: number, rounding: Rounding): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER && product >= -Number.MAX_SAFE_INTEGER) {
    const rest = product % divisor;
    const whole = (product - rest) / divisor;
    return rest === 0 ? whole : whole + step(rest, divisor, whole, rounding);
  }
  return mulDivWide(a, b, divisor, rounding);
}

/** The same quantity at another scale. */
export function rescale(
  mantissa: number,
  fromScale: number,
  toScale: number,
  rounding: Rounding,
): number {
  if (toScale === fromScale) return mantissa;
  return toScale > fromScale
    ? mulDiv(mantissa, pow10(toScale - fromScale), 1, rounding)
    : mulDiv(mantissa, 1, pow10(fromScale - toScale), rounding);
}

/** What to add to the truncated quotient: -1, 0 or 1. `rest` has the sign of the dividend. */
function step(rest: number, divisor: number, whole: number, rounding: Rounding): number {
  const away = rest < 0 ? -1 : 1;
  switch (rounding) {
    case Rounding.Floor:
      return rest < 0 ? -1 : 0;
    case Rounding.Ceil:
      return rest > 0 ? 1 : 0;
    case Rounding.Truncate:
      return 0;
    case Rounding.AwayFromZero:
      return away;
    default: {
      // Compares rest with divisor - rest, because doubling could leave 2^53.
      const size = rest < 0 ? -rest : rest;
      const other = divisor - size;
      if (size > other) return away;
      if (size < other) return 0;
      return rounding === Rounding.HalfUp || whole % 2 !== 0 ? away : 0;
    }
  }
}

/** a * b / divisor beyond 2^53; the result must fit a safe integer again. */
function mulDivWide(a: number, b: number, divisor: number, rounding: Rounding): number {
  const result = Number(mulDivBig(BigInt(a), BigInt(b), BigInt(divisor), rounding));
  assert(Number.isSafeInteger(result), `result inside 2^53: a=${a}, b=${b}, divisor=${divisor}`);
  return result;
}

/** a * b / divisor with the named rounding, at any size. `divisor` above 0. */
export function mulDivBig(a: bigint, b: bigint, divisor: bigint, rounding: Rounding): bigint {
  assert(divisor > 0n, `divisor above 0: divisor=${String(divisor)}`);
  const product = a * b;
  const whole = product / divisor;
  const rest = product % divisor;
  if (rest === 0n) return whole;
  const away = rest < 0n ? -1n : 1n;
  switch (rounding) {
    case Rounding.Floor:
      return rest < 0n ? whole - 1n : whole;
    case Rounding.Ceil:
      return rest > 0n ? whole + 1n : whole;
    case Rounding.Truncate:
      return whole;
    case Rounding.AwayFromZero:
      return whole + away;
    default: {
      const twice = 2n * (rest < 0n ? -rest : rest);
      if (twice > divisor) return whole + away;
      if (twice < divisor) return whole;
      return rounding === Rounding.HalfUp || whole % 2n !== 0n ? whole + away : whole;
    }
  }
}

/** What became of a decimal text: its mantissa, or why there is none. */
export type ParsedDecimal = bigint | 'DECIMAL_MALFORMED' | 'DECIMAL_INEXACT' | 'DECIMAL_OVERFLOW';

/** Exponents beyond this are noise or an attack: 10^99 as a BigInt would cost memory for nothing. */
const EXPONENT_MAX = 99;
const DIGITS_MAX = 200;

/**
 * The int64 mantissa of a decimal text ("-12.50", "1e-8") at a scale. Never rounds: digits that the scale does not keep
 * must be zeros. Cold paths only.
 */
export function readDecimal(text: string, scale: number): ParsedDecimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null || text.length > DIGITS_MAX) return 'DECIMAL_MALFORMED';
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return 0n;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > EXPONENT_MAX) {
    return exponent > 0 ? 'DECIMAL_OVERFLOW' : 'DECIMAL_INEXACT';
  }
  const shift = scale + exponent - fraction.length;
  let mantissa = BigInt(digits);
  if (shift >= 0) {
    mantissa *= 10n ** BigInt(shift);
  } else {
    const divisor = 10n ** BigInt(-shift);
    if (mantissa % divisor !== 0n) return 'DECIMAL_INEXACT';
    mantissa /= divisor;
  }
  if (sign === '-') mantissa = -mantissa;
  return mantissa > INT64_MAX || mantissa < INT64_MIN ? 'DECIMAL_OVERFLOW' : mantissa;
}

/** As readDecimal; what is not a decimal that fits is a TickwireError of the same meaning. */
export function parseMantissaBig(text: string, scale: number): bigint {
  const parsed = readDecimal(text, scale);
  if (typeof parsed === 'bigint') return parsed;
  const code = parsed === 'DECIMAL_MALFORMED' ? 'FRAME_MALFORMED' : parsed;
  throw new TickwireError(code, `${parsed}: text=${text}, scale=${scale}`, { text, scale });
}

/** The mantissa of a decimal text as a safe integer; throws a TickwireError when it is none. Cold paths only. */
export function parseMantissa(text: string, scale: number): number {
  const mantissa = Number(parseMantissaBig(text, scale));
  if (Number.isSafeInteger(mantissa)) return mantissa;
  throw new TickwireError('DECIMAL_OVERFLOW', `beyond 2^53: text=${text}, scale=${scale}`, {
    text,
    scale,
  });
}

/** Plain text without trailing zeros: "65083.67", "-0.001", "0". */
export function formatMantissa(mantissa: number | bigint, scale: number): string {
  return decimalText(mantissa, scale);
}

/** Decimals of a text once trailing zeros are gone: "0.010" has 2, "1" has 0, "1e-8" has 8. Cold paths only. */
export function scaleOfText(text: string): number {
  for (let scale = 0; scale <= SCALE_MAX; scale++) {
    const parsed = readDecimal(text, scale);
    if (typeof parsed === 'bigint') return scale;
    if (parsed !== 'DECIMAL_INEXACT') break;
  }
  throw new TickwireError(
    'DECIMAL_INEXACT',
    `not a decimal of at most ${SCALE_MAX} digits: text=${text}`,
  );
}
