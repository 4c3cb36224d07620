import fc from 'fast-check';
import t from 'tap';
import {
  ceilDiv,
  divExact,
  floorDiv,
  formatMantissa,
  mulDiv,
  mulDivBig,
  parseMantissa,
  parseMantissaBig,
  pow10,
  readDecimal,
  rescale,
  Rounding,
  scaleOfText,
} from '#src/domain/fixed-point.js';

const safe = fc.maxSafeInteger();
const rounding = fc.constantFrom(...Object.values(Rounding));

/** The quotient by exact fractions, written as slowly as possible. */
function naiveDivide(numerator: bigint, divisor: bigint, how: Rounding): bigint {
  const floor = (numerator - (((numerator % divisor) + divisor) % divisor)) / divisor;
  const rest = numerator - floor * divisor;
  if (rest === 0n) return floor;
  const isHalf = rest * 2n === divisor;
  const isUpper = rest * 2n > divisor;
  switch (how) {
    case Rounding.Floor:
      return floor;
    case Rounding.Ceil:
      return floor + 1n;
    case Rounding.Truncate:
      return numerator < 0n ? floor + 1n : floor;
    case Rounding.AwayFromZero:
      return numerator < 0n ? floor : floor + 1n;
    case Rounding.HalfUp:
      if (isHalf) return numerator < 0n ? floor : floor + 1n;
      return isUpper ? floor + 1n : floor;
    default:
      if (isHalf) return floor % 2n === 0n ? floor : floor + 1n;
      return isUpper ? floor + 1n : floor;
  }
}

t.test('mulDiv equals exact fractions for every rounding, also beyond 2^53', async (t) => {
  fc.assert(
    fc.property(safe, safe, fc.integer({ min: 1, max: 2 ** 40 }), rounding, (a, b, d, how) => {
      const expected = naiveDivide(BigInt(a) * BigInt(b), BigInt(d), how);
      if (mulDivBig(BigInt(a), BigInt(b), BigInt(d), how) !== expected) return false;
      const fits = expected <= 2n ** 53n - 1n && expected >= -(2n ** 53n - 1n);
      if (!fits) {
        t.throws(() => mulDiv(a, b, d, how), /inside 2\^53/);
        return true;
      }
      return BigInt(mulDiv(a, b, d, how)) === expected;
    }),
  );
  // Small numbers reach the halves often.
  const small = fc.integer({ min: -1000, max: 1000 });
  fc.assert(
    fc.property(small, small, fc.integer({ min: 1, max: 16 }), rounding, (a, b, d, how) => {
      return BigInt(mulDiv(a, b, d, how)) === naiveDivide(BigInt(a * b), BigInt(d), how);
    }),
    { numRuns: 2_000 },
  );
});

t.test('floorDiv and ceilDiv go down and up for negative dividends too', async (t) => {
  fc.assert(
    fc.property(safe, fc.integer({ min: 1, max: 2 ** 40 }), (a, b) => {
      return (
        BigInt(floorDiv(a, b)) === naiveDivide(BigInt(a), BigInt(b), Rounding.Floor) &&
        BigInt(ceilDiv(a, b)) === naiveDivide(BigInt(a), BigInt(b), Rounding.Ceil)
      );
    }),
  );
  t.equal(divExact(12, 4), 3);
  t.throws(() => divExact(13, 4), { code: 'BUG' });
});

t.test('rescale keeps the quantity, or rounds it as it is told', async (t) => {
  t.equal(rescale(6412345, 2, 8, Rounding.Floor), 6412345_000000);
  t.equal(rescale(6412345_999999, 8, 2, Rounding.Floor), 6412345);
  t.equal(rescale(6412345_000001, 8, 2, Rounding.Ceil), 6412346);
  t.equal(rescale(-25, 1, 0, Rounding.HalfEven), -2);
  t.throws(() => pow10(23), { code: 'BUG' });
});

t.test('a decimal text becomes its mantissa and the mantissa its text', async (t) => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.integer({ min: 0, max: 18 }),
      (mantissa, scale) => parseMantissaBig(formatMantissa(mantissa, scale), scale) === mantissa,
    ),
  );
  t.equal(parseMantissa('64123.45', 2), 6412345);
  t.equal(parseMantissa('-0.00000001', 8), -1);
  t.equal(parseMantissa('1.23e-5', 8), 1230);
  t.equal(parseMantissa('12E2', 0), 1200);
  t.equal(parseMantissaBig('999999999.123456789', 9), 999999999123456789n);
  t.equal(parseMantissaBig('0.000000000000000001', 18), 1n);
  t.equal(parseMantissa('1.50000000', 1), 15, 'zeros may be cut');
  t.equal(formatMantissa(0, 8), '0');
  t.equal(formatMantissa(-150, 2), '-1.5');
});

t.test('a decimal that does not fit is refused, never rounded', async (t) => {
  t.equal(readDecimal('0.001', 2), 'DECIMAL_INEXACT');
  t.equal(readDecimal('9223372036854775807', 0), 9223372036854775807n);
  t.equal(readDecimal('9223372036854775808', 0), 'DECIMAL_OVERFLOW');
  t.equal(readDecimal('-9223372036854775808', 0), -9223372036854775808n);
  t.equal(readDecimal('1e99', 0), 'DECIMAL_OVERFLOW');
  t.equal(readDecimal('1e-200', 18), 'DECIMAL_INEXACT');
  t.equal(readDecimal('1e400', 0), 'DECIMAL_OVERFLOW');
  for (const text of ['', '.5', '5.', '+1', '1,5', 'NaN', 'Infinity', '0x10', ' 1', '1e', '--1']) {
    t.equal(readDecimal(text, 8), 'DECIMAL_MALFORMED', text);
  }
  t.throws(() => parseMantissa('0.001', 2), { code: 'DECIMAL_INEXACT' });
  t.throws(() => parseMantissa('9007199254740992', 0), { code: 'DECIMAL_OVERFLOW' });
  t.throws(() => parseMantissa('abc', 2), { code: 'FRAME_MALFORMED' });
});

t.test('the scale of an increment is its decimals without trailing zeros', async (t) => {
  t.equal(scaleOfText('0.00000001'), 8);
  t.equal(scaleOfText('0.010'), 2);
  t.equal(scaleOfText('1'), 0);
  t.equal(scaleOfText('1e-8'), 8);
  t.throws(() => scaleOfText('0.0000000000000000001'), { code: 'DECIMAL_INEXACT' });
  t.throws(() => scaleOfText('x'), { code: 'DECIMAL_INEXACT' });
});
