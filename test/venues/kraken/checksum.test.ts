import fc from 'fast-check';
import t from 'tap';
import { Book } from '#src/domain/book.js';
import { BookChecksum } from '#src/venues/kraken/checksum.js';
import { checksumOf, feedRig, feedRigV1, framesOf, NaiveClient, pairNamed } from './kraken-rig.js';

/** A mantissa as the wire writes it, with more zeros where it has more decimals. */
function wireText(mantissa: number, scale: number, zeros = 0): string {
  const digits = String(mantissa).padStart(scale + 1, '0');
  const cut = digits.length - scale;
  return `${digits.slice(0, cut)}.${digits.slice(cut)}${'0'.repeat(zeros)}`;
}

t.test("the venue's own example gives the venue's own sum", async (t) => {
  // docs.kraken.com, "Spot Websockets (v2) book checksum" (2026-08).
  const asks: [string, string][] = [
    ['45285.2', '0.00100000'],
    ['45286.4', '1.54571953'],
    ['45286.6', '1.54571109'],
    ['45289.6', '1.54560911'],
    ['45290.2', '0.15890660'],
    ['45291.8', '1.54553491'],
    ['45294.7', '0.04454749'],
    ['45296.1', '0.35380000'],
    ['45297.5', '0.09945542'],
    ['45299.5', '0.18772827'],
  ];
  const bids: [string, string][] = [
    ['45283.5', '0.10000000'],
    ['45283.4', '1.54582015'],
    ['45282.1', '0.10000000'],
    ['45281.0', '0.10000000'],
    ['45280.3', '1.54592586'],
    ['45279.0', '0.07990000'],
    ['45277.6', '0.03310103'],
    ['45277.5', '0.30000000'],
    ['45277.3', '1.54602737'],
    ['45276.6', '0.15445238'],
  ];
  const book = new Book(1000);
  const mantissa = (text: string): number => Number(text.replace('.', ''));
  for (const [price, size] of asks) book.asks.set(mantissa(price), mantissa(size));
  for (const [price, size] of bids) book.bids.set(mantissa(price), mantissa(size));
  t.equal(checksumOf(bids, asks), 3_310_070_434);
  t.equal(new BookChecksum().of(book) >>> 0, 3_310_070_434);
});

t.test('every sum of the captures of 2026 is compared and equal', async (t) => {
  const captures = [
    { name: 'v2/cb2026_book10_BTC-USD_1min', depth: 10, sums: 301 },
    { name: 'v2/cb2026_book_ETH-USD', depth: 25, sums: 1_129 },
    { name: 'v2/fb2026_book10_trade_ETH-USD', depth: 10, sums: 2_400 },
  ];
  for (const { name, depth, sums } of captures) {
    const { feed, rejects, send } = feedRig({ depth });
    const naive = new NaiveClient(depth);
    for (const frame of framesOf(name)) {
      send(frame);
      naive.onFrame(frame);
    }
    t.same(rejects.codes, [], name);
    t.equal(feed.comparedCount, sums, name);
    t.equal(naive.checkedCount, sums, `${name}, read by regular expressions`);
  }
});

t.test('every sum of the old dialect is compared and equal', async (t) => {
  let count = 0;
  const { feed, rejects, send } = feedRigV1({
    booksStartEmpty: true,
    resolve: (venueSymbol) => ({ ...pairNamed(venueSymbol, count++, 8), venue: 'kraken-v1' }),
  });
  // Eight decimals fit every pair but the one whose prices reach 2^53 then.
  for (const frame of framesOf('v1/cf2021_book1000')) if (!frame.includes('XMR')) send(frame);
  t.same(rejects.codes, []);
  const xmr = framesOf('v1/cf2021_book1000').filter((frame) => /XMR.*"\]$/.test(frame));
  const second = feedRigV1({ instruments: [pairNamed('XMR/USD', 0, 2)] });
  for (const frame of xmr) second.send(frame);
  t.same(second.rejects.codes, []);
  t.equal(feed.comparedCount + second.feed.comparedCount, 2_106);
});

t.test('any wrong digit of a snapshot is noticed, and costs the book', async (t) => {
  const frames = framesOf('v2/cb2026_book10_BTC-USD_1min');
  const snapshot = frames.find((frame) => frame.includes('"snapshot","data"')) ?? '';
  const from = snapshot.indexOf('"bids"');
  const to = snapshot.indexOf('"checksum"');
  const digits = [...snapshot.matchAll(/\d/g)]
    .map(({ index }) => index)
    .filter((at) => at > from && at < to);
  let noticed = 0;
  for (const at of digits) {
    const { rejects, send, feed } = feedRig({ depth: 10 });
    const wrong = String((Number(snapshot[at]) + 1) % 10);
    send(snapshot.slice(0, at) + wrong + snapshot.slice(at + 1));
    if (rejects.codes.length > 0 && feed.markets[0]?.staleReason !== 0) noticed++;
  }
  t.ok(digits.length > 250, `${digits.length} digits`);
  t.equal(noticed, digits.length);
});

t.test('any book has the sum of its texts, whatever was summed before', async (t) => {
  const level = fc.record({
    isAsk: fc.boolean(),
    price: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 2 ** 53 - 1 })),
    size: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 53 - 1 })),
  });
  const scales = fc.record({
    price: fc.integer({ min: 0, max: 10 }),
    size: fc.integer({ min: 0, max: 10 }),
    priceZeros: fc.integer({ min: 0, max: 6 }),
    sizeZeros: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(level, { maxLength: 60 }), scales, (levels, scale) => {
      const book = new Book(1000);
      const checksum = new BookChecksum();
      checksum.setZeros(scale.priceZeros, scale.sizeZeros);
      for (const { isAsk, price, size } of levels) {
        (isAsk ? book.asks : book.bids).set(price, size);
        const texts = (side: Book['bids']): [string, string][] =>
          Array.from({ length: side.count }, (_, depth) => [
            wireText(side.priceAt(depth), scale.price, scale.priceZeros),
            wireText(side.sizeAt(depth), scale.size, scale.sizeZeros),
          ]);
        t.equal(checksum.of(book) >>> 0, checksumOf(texts(book.bids), texts(book.asks)));
      }
    }),
    { numRuns: 60 },
  );
});

t.test(
  'a wire with fewer decimals than the list of pairs said is summed as it is written',
  async (t) => {
    const book = new Book(1000);
    book.bids.set(1_774_130, 113_309_580_00);
    book.asks.set(1_774_140, 231_805_112_00);
    const checksum = new BookChecksum();
    checksum.setZeros(-1, -2);
    t.equal(
      checksum.of(book) >>> 0,
      checksumOf([['1774.13', '1.13309580']], [['1774.14', '2.31805112']]),
    );
  },
);
