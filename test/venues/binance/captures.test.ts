/**
 * Real traffic of both venues: every trade, ticker and top of book as the reference normaliser has them, the final
 * books, and the proof that the books are the venue's: the top equals bookTicker wherever both speak of the same id.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { TickKind } from '#src/generated/hot.js';
import type { BinanceMarket } from '#src/venues/binance/endpoints.js';
import { SPOT, USDM, fixtureLines, fixtureText, rig } from './binance-rig.js';

type Fields = Record<string, unknown>;

async function normalized(text: string, venue: string, finalFile: string): Promise<Fields[]> {
  let output = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output += chunk.toString('utf8');
      done();
    },
  });
  t.equal(
    await normalize({ venue, levels: true, finalFile, input: Readable.from([text]), output: sink }),
    0,
  );
  sink.end();
  await once(sink, 'finish');
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fields);
}

/** What is compared of a record: all that both write. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  trade: [...['line', 'symbol', 'id', 'price', 'size', 'side_raw', 'aggressor', 'ts_ns', 'seq']],
  ticker: [
    ...['line', 'symbol', 'bid', 'bid_size', 'ask', 'ask_size', 'last', 'last_size'],
    ...['ts_ns', 'seq'],
  ],
  tob: ['line', 'symbol', 'bid', 'ask'],
  gap: ['line', 'symbol'],
};

function comparable(records: readonly Fields[]): unknown[][] {
  return records
    .filter((record) => String(record['t']) in KEYS)
    .map((record) => [record['t'], ...(KEYS[String(record['t'])] ?? []).map((key) => record[key])]);
}

const CAPTURES = [
  ['binance', 'spot_cf2021', { tob: 40, ticker: 75, trade: 1 }],
  ['binance', 'spot_us_cf2021', { tob: 46, ticker: 59 }],
  ['binance', 'spot_fb2026', { trade: 415 }],
  ['binance', 'spot_hbt2024', { tob: 434, ticker: 4346, trade: 1123 }],
  ['binance', 'spot_samples', { ticker: 1, trade: 1 }],
  ['binance-usdm', 'usdm_cf2021', { tob: 143, ticker: 393, trade: 48 }],
  ['binance-usdm', 'usdm_hbt2024', { tob: 232, ticker: 2722, trade: 500 }],
  ['binance-usdm', 'usdm_samples', { ticker: 1, trade: 2 }],
] as const;

for (const [venue, name, counts] of CAPTURES) {
  t.test(`${name} gives every record of the reference normaliser`, async (t) => {
    const finalFile = join(t.testdir(), 'final.json');
    const records = await normalized(fixtureText(`${name}.jsonl.gz`), venue, finalFile);
    const expected = fixtureText(`${name}.expected.jsonl.gz`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Fields);
    const actual = comparable(records);
    const wanted = comparable(expected);
    t.equal(actual.length, wanted.length, `${wanted.length} records`);
    let differing = 0;
    for (const [index, record] of wanted.entries()) {
      if (JSON.stringify(record) === JSON.stringify(actual[index]) || differing++ > 3) continue;
      t.same(actual[index], record, `record ${index}`);
    }
    for (const [kind, count] of Object.entries(counts)) {
      t.equal(records.filter((record) => record['t'] === kind).length, count, kind);
    }
    // Whole books: hash, counts and best levels behind each snapshot and at the end.
    const snaps = (of: readonly Fields[]): unknown[] =>
      of.filter((record) => record['t'] === 'snap').map(({ line, symbol }) => [line, symbol]);
    t.same(snaps(records), snaps(expected));
    if (!name.includes('cf2021')) return;
    const final = JSON.parse(readFileSync(finalFile, 'utf8')) as { books: Record<string, Fields> };
    const wantedFinal = JSON.parse(fixtureText(`${name}.final.json`)) as typeof final;
    for (const [symbol, book] of Object.entries(wantedFinal.books)) {
      const { last_update_id: _, ...fields } = book;
      t.same(final.books[symbol], fields, symbol);
    }
  });
}

/** Tops by id from both sources, compared wherever both have one. */
function topsCompared(
  market: BinanceMarket,
  symbols: readonly string[],
  name: string,
): { equal: number; different: string[] } {
  const { feed, ticks } = rig(market, symbols);
  for (const [place, { instrument }] of feed.markets.entries()) {
    feed.refine(place, { ...instrument, priceScale: 8, sizeScale: 8 });
  }
  const ofBook = new Map<string, string>();
  /** Each that came: several may have the same id. */
  const ofTicker: [id: string, top: string][] = [];
  ticks.onTick = (tick) => {
    if (tick.kind !== TickKind.Ticker) return;
    const { priceMantissa, sizeMantissa, askPriceMantissa, askSizeMantissa } = tick;
    ofTicker.push([
      `${tick.instrumentIndex}:${tick.venueSeq}`,
      [priceMantissa, sizeMantissa, askPriceMantissa, askSizeMantissa].join(' '),
    ]);
  };
  for (const line of fixtureLines(name)) {
    if (line.dir === 'in') feed.onFrame(Buffer.from(line.raw), 1);
    else if (line.dir === 'http') feed.onBody(line.url ?? '', Buffer.from(line.raw), 1);
    else continue;
    ticks.take();
    if (!line.raw.includes('"lastUpdateId"') && !line.raw.includes('depthUpdate')) continue;
    // A body is told by its address; where the recorder kept none there is only one symbol.
    const isAbout = (symbol: string): boolean =>
      line.dir === 'http'
        ? (line.url ?? `=${symbol}`).includes(`=${symbol}`)
        : line.raw.includes(`"${symbol}"`);
    const touched = symbols.findIndex(isAbout);
    const book = feed.markets[touched]?.book;
    if (book === undefined || book.bids.count === 0) continue;
    ofBook.set(
      `${touched + 5}:${feed.lastSeq}`,
      [book.bids.priceAt(0), book.bids.sizeAt(0), book.asks.priceAt(0), book.asks.sizeAt(0)].join(
        ' ',
      ),
    );
  }
  const different: string[] = [];
  let equal = 0;
  for (const [id, top] of ofTicker) {
    const own = ofBook.get(id);
    if (own === top) equal++;
    else if (own !== undefined) different.push(`${id}: ${own} is not ${top}`);
  }
  return { equal, different };
}

t.test('the top of our book is bookTicker wherever both have the same id', async (t) => {
  for (const [market, symbols, name, equal] of [
    [SPOT, ['NKNUSDT', 'BLZETH'], 'spot_cf2021', 20],
    [SPOT, ['COMPUSDT', 'ZRXUSDT'], 'spot_us_cf2021', 33],
    [SPOT, ['BTCUSDT'], 'spot_hbt2024', 95],
    [USDM, ['SUSHIUSDT', 'AKROUSDT'], 'usdm_cf2021', 20],
    [USDM, ['ETHUSDT'], 'usdm_hbt2024', 19],
  ] as const) {
    const { equal: found, different } = topsCompared(market, symbols, name);
    t.same(different, [], name);
    t.equal(found, equal, name);
  }
});
