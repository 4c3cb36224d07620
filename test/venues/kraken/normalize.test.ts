import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { fixtureBytes, linesOf } from './kraken-rig.js';

type Fields = Record<string, unknown>;

const V2 = [
  'v2/cb2026_book10_BTC-USD_1min',
  'v2/cb2026_book_ETH-USD',
  'v2/fb2026_book10_trade_ETH-USD',
  'v2/samples_live_frames',
];
const V1 = ['v1/cf2021_book1000', 'v1/cf2021_ticker', 'v1/cf2021_trade', 'v1/samples_tardis'];

async function run(input: string | Buffer, venue: string, finalFile: string): Promise<Fields[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await normalize({ venue, levels: true, finalFile, input: Readable.from([input]), output });
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fields);
}

/** The venue's checksum stands as `seq` in the expected records: it is none, so ours have null there. */
function expectedOf(name: string, venue: string): Fields[] {
  return gunzipSync(fixtureBytes(`${name}.expected.jsonl.gz`))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fields)
    .map((record) => ({ ...record, venue, ...('seq' in record ? { seq: null } : {}) }));
}

for (const name of [...V2, ...V1]) {
  const venue = name.startsWith('v1') ? 'kraken-v1' : 'kraken';
  t.test(
    `${name} gives every record of the reference normaliser, and its final books`,
    async (t) => {
      const finalFile = join(t.testdir(), 'final.json');
      const records = await run(fixtureBytes(`${name}.jsonl.gz`), venue, finalFile);
      const expected = expectedOf(name, venue);
      t.equal(records.length, expected.length);
      const isEqual = (record: Fields, i: number): boolean => {
        const keys = Object.keys(record);
        return keys.every(
          (key) => JSON.stringify(record[key]) === JSON.stringify(records[i]?.[key]),
        );
      };
      const different = expected.findIndex((record, i) => !isEqual(record, i));
      t.same(records[different], expected[different], `record ${different}`);
      if (name.includes('samples')) return;
      const { books } = JSON.parse(readFileSync(finalFile, 'utf8')) as { books: Fields };
      const wanted = JSON.parse(fixtureBytes(`${name}.final.json`).toString('utf8')) as {
        books: Record<string, Fields>;
      };
      for (const [symbol, { last_update_id: _, ...book }] of Object.entries(wanted.books)) {
        t.same(books[symbol], book, symbol);
      }
    },
  );
}

t.test('one wrong digit in a capture is a gap at that line, and the book is gone', async (t) => {
  const lines = linesOf('v2/cb2026_book10_BTC-USD_1min').map((line) => JSON.stringify(line));
  // Behind the last snapshot, so that nothing mends the book again.
  const at = lines.findIndex((line, i) => i > 200 && /qty\\":\d+\.\d*[1-9]/.test(line));
  const spoiled = lines.map((line, i) =>
    i === at ? line.replace(/(qty\\":\d+\.\d*)[1-9]/, (_, most: string) => `${most}0`) : line,
  );
  t.not(spoiled[at], lines[at]);
  const finalFile = join(t.testdir(), 'final.json');
  const records = await run(spoiled.join('\n'), 'kraken', finalFile);
  const gaps = records.filter((record) => record['t'] === 'gap');
  t.match(gaps, [{ line: at, symbol: 'BTC/USD', why: 'BOOK_CHECKSUM' }]);
  t.equal(gaps.length, 1);
  const { books } = JSON.parse(readFileSync(finalFile, 'utf8')) as {
    books: Record<string, Fields>;
  };
  t.match(books['BTC/USD'], { best_bid: null, n_bids: 0, n_asks: 0 });
});

t.test('a list of pairs in the recording gives the scales, under the old names too', async (t) => {
  const pairs = linesOf('v1/cf2021_rest_assetpairs');
  const lines = [...pairs, ...linesOf('v1/cf2021_book1000').slice(0, 400)];
  const finalFile = join(t.testdir(), 'final.json');
  const records = await run(
    lines.map((line) => JSON.stringify(line)).join('\n'),
    'kraken-v1',
    finalFile,
  );
  // Prices have eight decimals on this wire and two or four in the list: the sums are right all the same.
  t.equal(records.filter((record) => record['t'] === 'gap' || record['t'] === 'error').length, 0);
  t.ok(records.some((record) => record['symbol'] === 'WAVES/EUR' && record['t'] === 'tob'));
});
