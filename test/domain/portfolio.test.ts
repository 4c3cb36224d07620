import fc from 'fast-check';
import t from 'tap';
import { Rounding } from '#src/domain/fixed-point.js';
import { feeOf, feeUpperBound } from '#src/domain/fees.js';
import {
  Ledger,
  atBalanceScale,
  currencyTable,
  joinBalance,
  splitBalance,
} from '#src/domain/portfolio.js';
import { WideSum, differenceClamped, saturate } from '#src/domain/wide-sum.js';
import { BTC_USD, ETH_USD } from '../execution/core-driver.js';

t.test(
  'each currency stands once, with the decimals of the finest amount that the instruments can make',
  (t) => {
    t.same(currencyTable([BTC_USD, ETH_USD]), [
      { index: 0, code: 'BTC', scale: 8 },
      { index: 1, code: 'USD', scale: 10 },
      { index: 2, code: 'ETH', scale: 6 },
    ]);
    const ethBtc = { ...ETH_USD, index: 2, quote: 'BTC', priceScale: 5 };
    t.equal(
      currencyTable([BTC_USD, ETH_USD, ethBtc])[0]?.scale,
      11,
      'a base may be a quote elsewhere',
    );
    t.throws(
      () => currencyTable([{ ...BTC_USD, priceScale: 11 }]),
      /priceScale \+ sizeScale at most 18/,
    );
    t.end();
  },
);

t.test('adding an instrument keeps the indexes of the currencies that were there', (t) => {
  const before = currencyTable([BTC_USD]).map(({ index, code }) => [index, code]);
  t.same(
    currencyTable([BTC_USD, ETH_USD])
      .slice(0, 2)
      .map(({ index, code }) => [index, code]),
    before,
  );
  t.end();
});

t.test('a balance goes through a record and back to the last digit, also below zero', (t) => {
  const parts = { valueMantissa: 0, sizeMantissa: 0 };
  splitBalance(123_456_789_012n, 10, parts);
  t.same(parts, { valueMantissa: 1_234_567_890, sizeMantissa: 1_200_000_000 });
  splitBalance(-1n, 10, parts);
  t.same(parts, { valueMantissa: -1, sizeMantissa: 9_900_000_000 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 18 }),
      fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
      (scale, total) => {
        splitBalance(total, scale, parts);
        if (!Number.isSafeInteger(parts.valueMantissa)) return false;
        const isInside = Math.abs(parts.valueMantissa) < Number.MAX_SAFE_INTEGER;
        return !isInside || joinBalance(parts, scale) === total;
      },
    ),
  );
  t.end();
});

t.test('digits that the ledger does not keep are cut off, never rounded up', (t) => {
  t.equal(joinBalance({ valueMantissa: 100, sizeMantissa: 9_999_999_999 }, 8), 100n);
  t.equal(atBalanceScale(199n, 10), 1);
  t.equal(atBalanceScale(-199n, 10), -2);
  t.end();
});

t.test('free is total minus reserved', (t) => {
  const ledger = new Ledger({ index: 0, code: 'USD', scale: 10 });
  ledger.total.setBig(10n ** 20n);
  t.equal(ledger.freeClamped(), Number.MAX_SAFE_INTEGER, 'shown at the bound');
  ledger.reserved.setBig(10n ** 20n - 77n);
  t.equal(ledger.freeClamped(), 77);
  ledger.reserved.add(100);
  t.equal(ledger.freeClamped(), -23);
  t.equal(ledger.freeBig(), -23n);
  t.end();
});

const step = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    1,
    -1,
    2 ** 50,
    -(2 ** 50),
    2 ** 50 - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ),
);

t.test('a wide sum is what BigInt says, whatever is added and taken away', (t) => {
  fc.assert(
    fc.property(fc.array(step, { size: '+1' }), fc.array(step, { size: '+1' }), (as, bs) => {
      const a = new WideSum();
      const b = new WideSum();
      for (const amount of as) a.add(amount);
      for (const amount of bs) b.subtract(amount);
      const aBig = as.reduce((sum, amount) => sum + BigInt(amount), 0n);
      const bBig = bs.reduce((sum, amount) => sum - BigInt(amount), 0n);
      const isCanonical = a.low >= 0 && a.low < 2 ** 50;
      const copy = new WideSum();
      copy.setBig(aBig);
      return (
        isCanonical &&
        a.toBig() === aBig &&
        b.toBig() === bBig &&
        copy.low === a.low &&
        copy.high === a.high &&
        differenceClamped(a, b) === saturate(aBig - bBig)
      );
    }),
  );
  t.end();
});

t.test('a wide sum of a BigInt that grows stays exact', (t) => {
  const sum = new WideSum();
  sum.addBig(2n ** 90n);
  sum.addBig(-1n);
  t.equal(sum.toBig(), 2n ** 90n - 1n);
  t.equal(sum.isZero(), false);
  sum.addBig(1n - 2n ** 90n);
  t.equal(sum.isZero(), true);
  t.throws(() => sum.setBig(2n ** 110n), /sum inside 2\^103/);
  t.equal(saturate(2n ** 60n), Number.MAX_SAFE_INTEGER);
  t.equal(saturate(-(2n ** 60n)), Number.MIN_SAFE_INTEGER);
  t.end();
});

t.test(
  'what is set aside for a fee is never below the fee, and above it by less than the rate',
  (t) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 450_000 * 1e10 }),
        fc.integer({ min: 0, max: 20_000 }),
        (notional, ppm) => {
          const exact = feeOf(notional, ppm, Rounding.Ceil);
          const upper = feeUpperBound(notional, ppm);
          return upper >= exact && upper <= exact + ppm;
        },
      ),
    );
    t.equal(
      feeOf(600_000_000_000, 500, Rounding.HalfUp),
      300_000_000,
      '5 bps of 60 dollars: 3 cents',
    );
    t.end();
  },
);
