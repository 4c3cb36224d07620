/**
 * Whole books, one after another: a reader that gets only the differences has the same best levels as the wire, whatever the
 * depth that he keeps.
 */
import fc from 'fast-check';
import t from 'tap';
import { TickKind } from '#src/generated/hot.js';
import { TickReader } from '../feed-rig.js';
import { bookFrame, feedRig, levelsOf, type Pair } from './hyperliquid-rig.js';

const side = fc.uniqueArray(
  fc.record({ offset: fc.integer({ min: 1, max: 30 }), size: fc.integer({ min: 1, max: 3 }) }),
  { selector: ({ offset }) => offset, maxLength: 20 },
);
const books = fc.array(
  fc.record({ middle: fc.integer({ min: 95, max: 105 }), bids: side, asks: side }),
  {
    minLength: 1,
    maxLength: 25,
  },
);

t.test('a reader of the best levels has those of the last message', async (t) => {
  fc.assert(
    fc.property(books, fc.constantFrom(1, 3, 20), (list, depth) => {
      const { feed, send, ticks, rejects, book } = feedRig({
        levelsMax: depth,
        snapshotLevelsMax: depth,
      });
      const reader = new TickReader(depth);
      feed.onConnected();
      let snapshots = 0;
      for (const { middle, bids, asks } of list) {
        const wire = (isAsk: boolean): [number, number][] =>
          (isAsk ? asks : bids)
            .map(({ offset, size }): [number, number] => [
              middle + (isAsk ? offset : -offset),
              size,
            ])
            .sort(([a], [b]) => (isAsk ? a - b : b - a));
        const pairs = (isAsk: boolean): Pair[] =>
          wire(isAsk).map(([price, size]) => [`${price}.0`, `${size}.0`]);
        send(bookFrame(pairs(false), pairs(true)));
        for (const tick of ticks.take()) {
          reader.onTick(tick);
          if (tick.kind === TickKind.SnapshotBegin) snapshots++;
          if (tick.kind === TickKind.Quote) {
            t.equal(tick.priceMantissa, (wire(false)[0]?.[0] ?? 0) * 10);
            t.equal(tick.askPriceMantissa, (wire(true)[0]?.[0] ?? 0) * 10);
          }
        }
        for (const isAsk of [false, true]) {
          const expected = wire(isAsk).map(([price, size]) => [price * 10, size * 100_000]);
          t.strictSame(levelsOf(isAsk ? book().asks : book().bids), expected);
          t.strictSame(reader.levels(isAsk), expected.slice(0, depth));
        }
      }
      t.equal(snapshots, 1);
      t.strictSame(rejects.codes, []);
    }),
    { numRuns: 250, seed: 20_261_122 },
  );
});
