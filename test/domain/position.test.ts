import t from 'tap';
import { Side } from '#src/domain/order.js';
import {
  Position,
  applyFill,
  averageEntryPriceMantissa,
  sizeAfter,
  unrealizedMantissa,
} from '#src/domain/position.js';

// Price scale 2, size scale 8: money has ten decimals.
const COIN = 100_000_000;
const MONEY = 10n ** 10n;

t.test('ten bought at 100 and sold at 110 earn exactly 100', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 10_000, 10 * COIN, 0);
  applyFill(position, Side.Sell, 11_000, 10 * COIN, 0);
  t.equal(position.sizeMantissa, 0);
  t.equal(position.costMantissa, 0n);
  t.equal(position.realizedMantissa, 100n * MONEY);
  t.equal(position.fillCount, 2);
  t.end();
});

t.test('ten sold short at 100 and bought back at 90 earn exactly 100', (t) => {
  const position = new Position();
  applyFill(position, Side.Sell, 10_000, 10 * COIN, 0);
  t.equal(position.sizeMantissa, -10 * COIN);
  t.equal(position.costMantissa, -1_000n * MONEY);
  t.equal(averageEntryPriceMantissa(position), 10_000);
  applyFill(position, Side.Buy, 9_000, 10 * COIN, 0);
  t.equal(position.sizeMantissa, 0);
  t.equal(position.realizedMantissa, 100n * MONEY);
  t.end();
});

t.test('a result with eight decimals of size is exact: 0.12345678 x (51234.56 - 49999.99)', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 4_999_999, 12_345_678, 0);
  applyFill(position, Side.Sell, 5_123_456, 12_345_678, 0);
  t.equal(position.realizedMantissa, 12_345_678n * (5_123_456n - 4_999_999n));
  t.end();
});

t.test(
  'the average entry of several buys is kept as cost and size, and shown as the nearest price',
  (t) => {
    const position = new Position();
    applyFill(position, Side.Buy, 100, 1, 0);
    applyFill(position, Side.Buy, 101, 2, 0);
    t.equal(position.costMantissa, 302n);
    t.equal(averageEntryPriceMantissa(position), 101, '302 / 3 = 100.67');
    applyFill(position, Side.Sell, 200, 1, 0);
    t.equal(position.costMantissa, 201n, 'a third of 302 left, to the nearest unit');
    t.equal(position.realizedMantissa, 99n, 'and no unit is lost between cost and result');
    t.end();
  },
);

t.test('a fill that goes through zero closes at its price and opens the other side at it', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 10_000, 3, 0);
  applyFill(position, Side.Sell, 12_000, 5, 0);
  t.equal(position.sizeMantissa, -2);
  t.equal(position.realizedMantissa, 6_000n);
  t.equal(position.costMantissa, -24_000n);
  t.equal(averageEntryPriceMantissa(position), 12_000);
  t.end();
});

t.test('fees are summed beside the result, rebates with their sign', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 10_000, 5, 7);
  applyFill(position, Side.Sell, 10_000, 5, -3);
  t.equal(position.feesMantissa, 4n);
  t.equal(position.realizedMantissa, 0n);
  t.end();
});

t.test('what is held earns at the price it could be sold for', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 10_000, 4, 0);
  t.equal(unrealizedMantissa(position, 10_250), 1_000n);
  t.equal(unrealizedMantissa(position, 9_000), -4_000n);
  t.equal(sizeAfter(position, Side.Sell, 6), -2);
  t.end();
});

t.test('costs beyond 2^53 stay exact', (t) => {
  const position = new Position();
  applyFill(position, Side.Buy, 9_007_199_254_740_991, 9_007_199_254_740_991, 0);
  t.equal(position.costMantissa, 9_007_199_254_740_991n ** 2n);
  applyFill(position, Side.Sell, 1, 9_007_199_254_740_991, 0);
  t.equal(position.realizedMantissa, 9_007_199_254_740_991n - 9_007_199_254_740_991n ** 2n);
  t.equal(position.costMantissa, 0n);
  t.end();
});
