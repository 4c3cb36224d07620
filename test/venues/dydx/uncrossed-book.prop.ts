/**
 * The book that is published against a naive client that keeps what the venue states and uncrosses a copy at each look.
 */
import fc from 'fast-check';
import t from 'tap';
import { TickKind } from '#src/generated/hot.js';
import { TickReader } from '../feed-rig.js';
import { feedRig, levelsOf, NaiveClient, Wire } from './dydx-rig.js';

const level = fc.record({
  isAsk: fc.boolean(),
  price: fc.integer({ min: 90, max: 110 }),
  size: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 })),
});
const messages = fc.array(
  fc.record({
    isFirst: fc.oneof(
      { weight: 1, arbitrary: fc.constant(true) },
      { weight: 12, arbitrary: fc.constant(false) },
    ),
    levels: fc.array(level, { maxLength: 6 }),
  }),
  { maxLength: 40 },
);
const RUNS = 400;

t.test('what is shown is the venue’s book uncrossed, and never crossed', async (t) => {
  let crossedCount = 0;
  fc.assert(
    fc.property(messages, (list) => {
      const { feed, send, ticks, rejects, book } = feedRig();
      const naive = new NaiveClient();
      const reader = new TickReader(5);
      const wire = new Wire();
      feed.onConnected();
      send(wire.connected());
      for (const [index, { isFirst, levels }] of list.entries()) {
        const age = wire.messageId;
        const changes = levels.map(({ isAsk, price, size }) => ({ isAsk, price, size: size * 10 }));
        const pairs = (isAsk: boolean): [string, string][] =>
          changes
            .filter((change) => change.isAsk === isAsk)
            .map(({ price, size }) => [String(price), String(size / 10)]);
        if (isFirst || index === 0) naive.clear();
        for (const { isAsk, price, size } of changes) naive.set(isAsk, price, size * 1000, age);
        if (isFirst || index === 0) send(wire.book(pairs(false), pairs(true)));
        else if (index % 2 === 0) send(wire.levels({ bids: pairs(false), asks: pairs(true) }));
        else send(wire.data('v4_orderbook', [{ asks: pairs(true) }, { bids: pairs(false) }]));
        const expected = naive.uncrossed();
        t.strictSame(levelsOf(book().bids), expected.bids);
        t.strictSame(levelsOf(book().asks), expected.asks);
        if (book().isCrossed) throw new Error('the shown book is crossed');
        for (const tick of ticks.take()) {
          reader.onTick(tick);
          const isQuote = tick.kind === TickKind.Quote;
          const hasBoth = tick.priceMantissa !== 0 && tick.askPriceMantissa !== 0;
          if (isQuote && hasBoth && tick.priceMantissa >= tick.askPriceMantissa) {
            throw new Error('a crossed top was published');
          }
        }
        if (naive.isCrossed()) crossedCount++;
      }
      t.strictSame(rejects.codes, []);
    }),
    { numRuns: RUNS, seed: 20_261_122 },
  );
  t.ok(crossedCount > RUNS, `the venue's book was crossed ${crossedCount} times`);
});
