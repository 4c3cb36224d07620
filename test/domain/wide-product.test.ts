/** Products beyond 2^53 without a BigInt are what BigInt says they are, at every size and at the edges. */
import fc from 'fast-check';
import t from 'tap';
import { Rounding, mulDivBig } from '#src/domain/fixed-point.js';
import * as wide from '#src/domain/wide-product.js';

const SAFE = Number.MAX_SAFE_INTEGER;
const { fitsWhole } = wide;
const io = wide.makeWideDivision();

function mulDivFloor(a: number, b: number, divisor: number): number {
  io.set([a, b, divisor]);
  wide.mulDivFloor(io);
  return io[3] ?? -1;
}

function mulDivHalfEven(a: number, b: number, divisor: number): number {
  io.set([a, b, divisor]);
  wide.mulDivHalfEven(io);
  return io[3] ?? -1;
}

/** Every size is as likely as any other: most bugs live where few digits meet many. */
const whole = (bitsMax: number): fc.Arbitrary<number> =>
  fc
    .tuple(fc.integer({ min: 0, max: bitsMax }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([bits, part]) => Math.min(SAFE, Math.floor(2 ** bits * (1 + part))));

t.test('a × b / divisor is exact wherever the result fits', (t) => {
  let wideCount = 0;
  fc.assert(
    fc.property(whole(53), whole(53), whole(51), (a, b, size) => {
      const divisor = Math.min(size, 2 ** 51);
      fc.pre(fitsWhole(a, b, divisor));
      if (a * b > SAFE) wideCount++;
      const exact = (rounding: Rounding): number =>
        Number(mulDivBig(BigInt(a), BigInt(b), BigInt(divisor), rounding));
      return (
        mulDivFloor(a, b, divisor) === exact(Rounding.Floor) &&
        mulDivHalfEven(a, b, divisor) === exact(Rounding.HalfEven)
      );
    }),
    { numRuns: 20_000 },
  );
  t.ok(wideCount > 2_000, `${wideCount} products were beyond 2^53`);
  t.end();
});

t.test('halves go to the even neighbour, also far beyond 2^53', async (t) => {
  t.equal(mulDivHalfEven(5, 1, 2), 2);
  t.equal(mulDivHalfEven(7, 1, 2), 4);
  // (2^53 - 1) × 1,000,000,001 / 2,000,000,002 ends in one half.
  t.equal(
    mulDivHalfEven(SAFE, 1_000_000_001, 2_000_000_002),
    Number(mulDivBig(BigInt(SAFE), 1_000_000_001n, 2_000_000_002n, Rounding.HalfEven)),
  );
  t.equal(mulDivFloor(SAFE, 1_000_000_001, 2_000_000_002), (SAFE - 1) / 2);
});

t.test('what does not fit is said before', async (t) => {
  t.notOk(fitsWhole(SAFE, 2, 1));
  t.notOk(fitsWhole(SAFE, 1, 1), 'rounding up must fit too');
  t.ok(fitsWhole(SAFE, 1, 2));
});
