import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { CAPTURE, capturedLines, fixtureBytes } from '../venues/feed-rig.js';

type Fields = Record<string, unknown>;

async function run(
  input: string | Buffer | Readable,
  options: { levels?: boolean; finalFile?: string; venue?: string } = {},
): Promise<Fields[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    // Slow and small, so that the command has to wait for it.
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      setImmediate(done);
    },
  });
  const code = await normalize({
    venue: options.venue ?? 'coinbase',
    levels: options.levels ?? false,
    ...(options.finalFile === undefined ? {} : { finalFile: options.finalFile }),
    input: input instanceof Readable ? input : Readable.from([input]),
    output,
  });
  output.end();
  await once(output, 'finish');
  t.equal(code, 0);
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fields);
}

function expectedOf(name: string): Fields[] {
  return gunzipSync(fixtureBytes(`${name}.expected.jsonl.gz`))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as Fields), venue: 'coinbase' }));
}

const line = (fields: Fields): string => `${JSON.stringify(fields)}\n`;

t.test(
  'the real capture gives every record of the reference normaliser, and its final books',
  async (t) => {
    const finalFile = join(t.testdir(), 'final.json');
    const records = await run(fixtureBytes(`${CAPTURE}.jsonl.gz`), { levels: true, finalFile });
    const expected = expectedOf(CAPTURE);
    t.equal(records.length, 3_032);
    for (const [i, record] of expected.entries()) {
      if (JSON.stringify(record) !== JSON.stringify(records[i]))
        t.same(records[i], record, `record ${i}`);
    }
    const final = JSON.parse(readFileSync(finalFile, 'utf8')) as { books: Record<string, Fields> };
    const wanted = JSON.parse(
      fixtureBytes(`${CAPTURE}.final.json`).toString('utf8'),
    ) as typeof final;
    for (const [symbol, book] of Object.entries(wanted.books)) {
      const { last_update_id: _, ...fields } = book;
      t.same(final.books[symbol], fields, symbol);
    }
  },
);

t.test('without --levels the same capture gives trades, tickers, tops and gaps only', async (t) => {
  const records = await run(fixtureBytes(`${CAPTURE}.jsonl.gz`));
  const expected = expectedOf(CAPTURE).filter(
    (record) => !['snap', 'level'].includes(String(record['t'])),
  );
  t.same(records, expected);
});

t.test('frames without a receive time keep their own times', async (t) => {
  const records = await run(fixtureBytes('samples_live_frames.jsonl.gz'), { levels: true });
  t.same(records.slice(0, 2), expectedOf('samples_live_frames'));
  t.same(records[2], {
    t: 'error',
    line: 1,
    code: 'FRAME_VENUE_ERROR',
    detail: 'failure to subscribe',
  });
});

t.test('recorded product lists state the scales; the records are the same', async (t) => {
  const products = gunzipSync(fixtureBytes('cf2026_rest_market_products.jsonl.gz')).toString(
    'utf8',
  );
  const capture = gunzipSync(fixtureBytes(`${CAPTURE}.jsonl.gz`)).toString('utf8');
  const hash = (records: readonly Fields[]): string =>
    createHash('sha256').update(JSON.stringify(records)).digest('hex');
  const plain = await run(capture);
  t.equal(hash(await run(`${products}${capture}`)), hash(plain));
});

t.test(
  'a lost frame is a gap for every book, and nothing is believed until the next snapshot',
  async (t) => {
    const lines = capturedLines(`${CAPTURE}.jsonl.gz`);
    const text = lines
      .filter(({ n }) => n !== 300)
      .map((captured) => line({ ...captured }))
      .join('');
    const finalFile = join(t.testdir(), 'final.json');
    const records = await run(text, { levels: true, finalFile });
    t.same(
      records.filter((record) => record['t'] === 'gap'),
      [
        { line: 301, t: 'gap', venue: 'coinbase', symbol: 'BTC-USD', why: 'VENUE_SEQ_GAP' },
        { line: 301, t: 'gap', venue: 'coinbase', symbol: 'ETH-USD', why: 'VENUE_SEQ_GAP' },
      ],
    );
    const late = records.filter((record) => Number(record['line']) > 301);
    t.notOk(late.some((record) => record['t'] === 'tob' || record['t'] === 'level'));
    t.ok(
      late.some((record) => record['t'] === 'trade'),
      'trades need no book',
    );
    const { books } = JSON.parse(readFileSync(finalFile, 'utf8')) as {
      books: Record<string, Fields>;
    };
    t.match(books['BTC-USD'], { n_bids: 0, n_asks: 0, best_bid: null });
  },
);

t.test('any single lost frame is noticed, the first and a heartbeat too', async (t) => {
  // The order book snapshots are left out for speed; their numbers go to empty messages.
  const lines = capturedLines(`${CAPTURE}.jsonl.gz`).map((captured) => {
    if (captured.raw.length < 1_000_000) return captured;
    const { sequence_num } = JSON.parse(captured.raw) as { sequence_num: number };
    const empty = {
      channel: 'candles',
      timestamp: '2026-08-09T21:05:49Z',
      sequence_num,
      events: [],
    };
    return { ...captured, raw: JSON.stringify(empty) };
  });
  for (const lost of [6, 7, 41, 100, 250, 604]) {
    const text = lines.filter(({ n }) => n !== lost).map((captured) => line({ ...captured }));
    const gaps = (await run(text.join(''))).filter((record) => record['t'] === 'gap');
    const symbols = lost === 6 ? ['ETH-USD'] : lost === 7 ? ['BTC-USD'] : ['BTC-USD', 'ETH-USD'];
    t.same(
      gaps,
      symbols.map((symbol) => ({
        ...{ line: lost + 1, t: 'gap', venue: 'coinbase', symbol, why: 'VENUE_SEQ_GAP' },
      })),
      `line ${lost}`,
    );
  }
});

t.test(
  'a hole that costs no book, because each is lost already, is told all the same',
  async (t) => {
    const frame = (seq: number): string =>
      line({
        n: seq,
        recv_ns: null,
        dir: 'in',
        raw: JSON.stringify({
          channel: 'l2_data',
          timestamp: '2026-08-09T21:05:49Z',
          sequence_num: seq,
          events: [{ type: 'update', product_id: 'A-USD', updates: [] }],
        }),
      });
    const records = await run([0, 2, 4].map(frame).join(''));
    t.same(
      records.map((record) => [record['t'], record['line'], record['symbol'], record['why']]),
      [2, 4].map((seq) => ['gap', seq, 'A-USD', 'VENUE_SEQ_GAP']),
    );
  },
);

t.test('marks and funding are records; a venue without numbers has no seq', async (t) => {
  const event = {
    ...{ e: 'markPriceUpdate', E: 1_723_161_255_208, s: 'BTCUSDT', p: '61837.63000000' },
    ...{ i: '61850.12345678', P: '61800.00000000', r: '-0.00010000', T: 1_723_190_400_000 },
  };
  const recv_ns = '1723161255300000000';
  const text = line({ n: 0, recv_ns, dir: 'in', raw: JSON.stringify(event) });
  const common = { line: 0, venue: 'binance-usdm', symbol: 'BTCUSDT' };
  const times = { ts_ns: '1723161255208000000', seq: null };
  t.same(await run(text, { venue: 'binance-usdm' }), [
    { ...common, t: 'mark', mark: '61837.63', index: '61850.12345678', ...times },
    { ...common, t: 'funding', rate: '-0.0001', next_ns: '1723190400000000000', ...times },
  ]);
});

t.test('REST bodies build books, by the name in their url or body; no time is null', async (t) => {
  const depth = '{"lastUpdateId":5,"bids":[["0.35210000","672.00000000"]],"asks":[["0.3525","1"]]}';
  const url = 'https://api.binance.com/api/v3/depth?symbol=NKNUSDT&limit=1000';
  const body = line({ n: 0, recv_ns: null, dir: 'http', url, raw: depth });
  const records = await run(body, { venue: 'binance', levels: true });
  t.match(records[0], { t: 'snap', symbol: 'NKNUSDT', n_bids: 1, ts_ns: null, seq: '5' });
  t.match(records[1], { t: 'tob', bid: ['0.3521', '672'], ask: ['0.3525', '1'] });
});

t.test('a book has sizes beyond 2^53 with every digit', async (t) => {
  const level = (side: string, price_level: string, new_quantity: string): Fields => ({
    ...{ side, event_time: '2026-08-09T21:05:49Z', price_level, new_quantity },
  });
  const updates = [level('bid', '0.1', '116945400.00000001'), level('offer', '0.2', '1')];
  const raw = JSON.stringify({
    channel: 'l2_data',
    timestamp: '2026-08-09T21:05:49Z',
    sequence_num: 0,
    events: [{ type: 'snapshot', product_id: 'XLM-USD', updates }],
  });
  const finalFile = join(t.testdir(), 'final.json');
  const records = await run(line({ n: 0, recv_ns: null, dir: 'in', raw }), { finalFile });
  t.match(records, [{ t: 'tob', bid: ['0.1', '116945400.00000001'] }]);
  const { books } = JSON.parse(readFileSync(finalFile, 'utf8')) as {
    books: Record<string, Fields>;
  };
  t.match(books['XLM-USD'], { bids10: [['0.1', '116945400.00000001']] });
});

t.test('18 digits come out as they went in', async (t) => {
  const frame = (seq: number, price: string, size: string): string =>
    line({
      n: seq,
      recv_ns: null,
      dir: 'in',
      raw: JSON.stringify({
        channel: 'market_trades',
        timestamp: '2026-08-09T21:05:49.123456789Z',
        sequence_num: seq,
        events: [
          {
            type: 'update',
            trades: [
              {
                ...{ product_id: 'A-USD', trade_id: String(seq), price, size },
                ...{ time: '2026-08-09T21:05:49.123456789Z', side: 'BUY' },
              },
            ],
          },
        ],
      }),
    });
  const records = await run(
    frame(0, '999999999.123456789', '0.5') +
      frame(1, '1', '0.000000000000000001') +
      frame(2, '1.10', '9.223372036854775807') +
      frame(3, '1', '9.223372036854775808') +
      frame(4, '2', '1'),
  );
  t.match(records, [
    { price: '999999999.123456789', size: '0.5', ts_ns: '1786309549123456789', aggressor: 'sell' },
    { price: '1', size: '0.000000000000000001' },
    { price: '1.1', size: '9.223372036854775807' },
    { t: 'error', line: 3, code: 'DECIMAL_OVERFLOW' },
    { price: '2', size: '1' },
  ]);
});

t.test('an instrument whose decimals become finer keeps its book', async (t) => {
  const frame = (
    seq: number,
    type: string,
    levels: readonly (readonly [string, string, string])[],
  ): string =>
    line({
      n: seq,
      recv_ns: '1786309548031329000',
      dir: 'in',
      raw: JSON.stringify({
        channel: 'l2_data',
        timestamp: '2026-08-09T21:05:49Z',
        sequence_num: seq,
        events: [
          {
            type,
            product_id: 'A-USD',
            updates: levels.map(([side, price, size]) => ({
              ...{
                side,
                price_level: price,
                new_quantity: size,
                event_time: '2026-08-09T21:05:49Z',
              },
            })),
          },
        ],
      }),
    });
  const finalFile = join(t.testdir(), 'final.json');
  const records = await run(
    frame(0, 'snapshot', [
      ['bid', '10', '1'],
      ['offer', '11', '2'],
    ]) +
      frame(1, 'update', [['bid', '10', '1']]) +
      frame(2, 'update', [['bid', '10.005', '0.25']]) +
      frame(3, 'update', [['bid', '10.005', '0']]),
    { finalFile },
  );
  t.match(records, [
    { line: 0, bid: ['10', '1'], ask: ['11', '2'] },
    { line: 2, bid: ['10.005', '0.25'], ask: ['11', '2'] },
    { line: 3, bid: ['10', '1'], ask: ['11', '2'] },
  ]);
  t.match(JSON.parse(readFileSync(finalFile, 'utf8')), {
    books: { 'A-USD': { n_bids: 1, n_asks: 1 } },
  });
});

t.test('a bad line is an error record and the next line is decoded', async (t) => {
  const good = capturedLines(`${CAPTURE}.jsonl.gz`).find(({ n }) => n === 12);
  const records = await run(
    [
      'not json\n',
      '\n',
      '7\n',
      line({ n: 3, dir: 'in' }),
      line({ n: 4, dir: 'in', raw: '{"channel":' }),
      line({ n: 5, dir: 'http', url: 'https://x/api/v3/brokerage/market/products', raw: 'oops' }),
      line({ n: 6, dir: 'http', url: 'https://x/other', raw: 'oops' }),
      line({ n: 7, dir: 'out', raw: '{}' }),
      JSON.stringify(good),
    ].join(''),
  );
  t.match(records, [
    { t: 'error', line: 0, code: 'FRAME_MALFORMED' },
    { t: 'error', line: 2, code: 'FRAME_MALFORMED' },
    { t: 'error', line: 3, code: 'FRAME_MALFORMED' },
    { t: 'error', line: 4, code: 'FRAME_MALFORMED' },
    { t: 'error', line: 5, code: 'VENUE_ANSWER_MALFORMED' },
    { t: 'ticker', line: 12 },
  ]);
});

t.test(
  'gzip is recognised even when it comes a byte at a time, and damaged gzip is one clear error',
  async (t) => {
    const text = line({ n: 0, dir: 'in', raw: '{"type":"error","message":"é"}' });
    const bytes = [...gzipSync(text)].map((byte) => Buffer.of(byte));
    const records = await run(Readable.from(bytes));
    t.match(records, [{ code: 'FRAME_VENUE_ERROR' }]);
    const cut = fixtureBytes(`${CAPTURE}.jsonl.gz`).subarray(0, 100_000);
    await t.rejects(run(cut), { code: 'RECORDING_CORRUPT' });
    t.same(await run(''), [], 'no input, no output');
  },
);

t.test('an unknown venue is refused and the known ones are named', async (t) => {
  const input = new PassThrough();
  await t.rejects(run(input, { venue: 'mtgox' }), {
    code: 'VENUE_UNKNOWN',
    message: /mtgox.*coinbase/,
  });
});
