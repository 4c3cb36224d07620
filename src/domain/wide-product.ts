/**
 * wide-product: a × b / divisor where the product leaves 2^53, exact and without a BigInt, for what is computed per tick.
 * @hotpath
 *
 * Pure. All three are safe integers, a and b not below 0, 1 <= divisor <= 2^51; the result must fit 2^53 (the caller
 * knows, or has asked `fitsWhole`). A product of two doubles is kept as two doubles, p + e = a × b exactly (Dekker, "A
 * floating-point technique for extending the available precision", 1971); the quotient is guessed from p and put right by
 * its exact rest. Beyond 2^53 mulDiv of fixed-point.ts falls to BigInt, which costs garbage. Numbers come and go in an
 * array, because V8 boxes what it hands to a function that it does not inline. Oracle in tests: mulDivBig.
 */

/** The numbers of one division: [0] a, [1] b, [2] divisor, [3] the result. */
export type WideDivision = Float64Array;

export function makeWideDivision(): WideDivision {
  return new Float64Array(4);
}

/** 2^27 + 1: splits 53 bits into two halves whose products are exact. */
const SPLIT = 134_217_729;
const SAFE = Number.MAX_SAFE_INTEGER;

/** Whether a × b / divisor is inside 2^53, with a bit to spare for rounding. */
export function fitsWhole(a: number, b: number, divisor: number): boolean {
  return (a * b) / divisor < SAFE - 4;
}

/** Largest integer not above a × b / divisor. */
export function mulDivFloor(io: WideDivision): void {
  divide(io);
}

/** a × b / divisor, to the nearest integer; halves to the even neighbour. */
export function mulDivHalfEven(io: WideDivision): void {
  const rest = divide(io);
  const quotient = io[3] as number;
  if (rest > 0 || (rest === 0 && quotient % 2 !== 0)) io[3] = quotient + 1;
}

/** Floor into io[3]; returns -1, 0 or 1: the rest is below, at or above half of the divisor. */
function divide(io: WideDivision): number {
  const a = io[0] as number;
  const b = io[1] as number;
  const divisor = io[2] as number;
  const p = a * b;
  let quotient: number;
  let rest: number;
  if (p <= SAFE) {
    rest = p % divisor;
    quotient = (p - rest) / divisor;
  } else {
    quotient = Math.floor(p / divisor);
    const back = quotient * divisor;
    // Both differences are exact: the leading parts are near each other, the errors are integers.
    rest = p - back + (productError(a, b, p) - productError(quotient, divisor, back));
    while (rest < 0) {
      quotient--;
      rest += divisor;
    }
    while (rest >= divisor) {
      quotient++;
      rest -= divisor;
    }
  }
  io[3] = quotient;
  const other = divisor - rest;
  return rest === other ? 0 : rest > other ? 1 : -1;
}

/** a × b - p, where p is the rounded product. */
function productError(a: number, b: number, p: number): number {
  const aSplit = SPLIT * a;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = SPLIT * b;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return aLow * bLow - (p - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
