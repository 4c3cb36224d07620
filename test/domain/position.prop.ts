import fc from 'fast-check';
import t from 'tap';
import { Side } from '#src/domain/order.js';
import { Position, applyFill, averageEntryPriceMantissa } from '#src/domain/position.js';
import { exactRealized, naivePosition } from '../oracles/naive-position.js';
import type { NaiveFill } from '../oracles/naive-position.js';

const fill = fc.record({
  isBuy: fc.boolean(),
  price: fc.bigInt({ min: 1n, max: 10_000_000_000n }),
  size: fc.bigInt({ min: 1n, max: 10_000_000_000n }),
  fee: fc.bigInt({ min: -1_000_000n, max: 1_000_000_000_000n }),
});

function positionOf(fills: readonly NaiveFill[]): Position {
  const position = new Position();
  for (const { isBuy, price, size, fee } of fills) {
    applyFill(position, isBuy ? Side.Buy : Side.Sell, Number(price), Number(size), Number(fee));
  }
  return position;
}

t.test(
  'whatever fills come, size, cash and fees are the sums of the fills, to the last unit',
  (t) => {
    fc.assert(
      fc.property(fc.array(fill, { maxLength: 60, size: 'max' }), (fills) => {
        const position = positionOf(fills);
        const naive = naivePosition(fills);
        return (
          BigInt(position.sizeMantissa) === naive.size &&
          position.costMantissa - position.realizedMantissa === naive.paid &&
          position.feesMantissa === naive.fees &&
          position.fillCount === fills.length
        );
      }),
    );
    t.end();
  },
);

t.test(
  'the realised result is the exact one, but for half a unit per sale that closes part of a position',
  (t) => {
    fc.assert(
      fc.property(fc.array(fill, { maxLength: 30, size: 'max' }), (fills) => {
        const { realizedMantissa } = positionOf(fills);
        const { top, bottom } = exactRealized(fills);
        const difference = realizedMantissa * bottom - top;
        const magnitude = difference < 0n ? -difference : difference;
        return magnitude * 2n <= bottom * BigInt(fills.length);
      }),
    );
    t.end();
  },
);

t.test('cost has the sign of the size, and the average entry lies among the prices paid', (t) => {
  fc.assert(
    fc.property(fc.array(fill, { minLength: 1, maxLength: 40, size: 'max' }), (fills) => {
      const position = positionOf(fills);
      if (position.sizeMantissa === 0) return position.costMantissa === 0n;
      const prices = fills.map(({ price }) => Number(price));
      const average = averageEntryPriceMantissa(position);
      const signsAgree = position.sizeMantissa > 0 === position.costMantissa > 0n;
      // One unit of rounding per partial sale may show in a tiny rest.
      const slack = fills.length;
      return signsAgree
        ? average >= Math.min(...prices) - slack && average <= Math.max(...prices) + slack
        : Math.abs(position.sizeMantissa) < slack;
    }),
  );
  t.end();
});
