/** The recording as a market: the shipped one proves itself; damaged ones are refused with one sentence. */
import { gzipSync } from 'node:zlib';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TickwireError } from '#src/domain/errors.js';
import { Side } from '#src/domain/order.js';
import { DisplayedBook } from '#src/sim/displayed-book.js';
import { MarketSource, decodeRecording, type MarketRecording } from '#src/sim/market-source.js';
import { SHIPPED_RECORDING_PATH, readRecordingText } from '#src/sim/recording-file.js';
import { readRawTape } from '#src/sim/raw-tape.js';
import { RecordingMaker, tempDir } from './venue-client.js';

function decode(text: string, path = 'market.jsonl'): MarketRecording {
  return decodeRecording({ text, path, instrumentIndex: 0, priceScale: 2, sizeScale: 8 });
}

function problemOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof TickwireError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

t.test(
  'the shipped market is whole: never crossed, and its top is what the book ticker says',
  (t) => {
    const text = readRecordingText(SHIPPED_RECORDING_PATH);
    const recording = decode(text, SHIPPED_RECORDING_PATH);
    t.equal(recording.hasSnapshot, true);
    t.equal(recording.tradeCount, 10_147);

    // The oracle: book tickers by update number, and the last update number of each depth frame, as texts.
    const tickers = new Map<number, string>();
    const depthIds: number[] = [];
    for (const line of text.split('\n')) {
      if (line.includes('@bookTicker')) {
        const { data } = JSON.parse(JSON.parse(line).raw);
        const numbers = [data.b, data.B, data.a, data.A].map((value: string) => Number(value));
        tickers.set(data.u, numbers.join('|'));
      } else if (line.includes('@depth')) {
        depthIds.push(JSON.parse(JSON.parse(line).raw).data.u);
      }
    }

    const source = new MarketSource(recording);
    const book = new DisplayedBook();
    let frameIndex = 0;
    let checked = 0;
    let equal = 0;
    let crossed = 0;
    let dueNs = 0;
    let backwards = 0;
    while (source.loopCount === 0) {
      if (source.nextDueNs < dueNs) backwards++;
      dueNs = source.nextDueNs;
      const event = source.next();
      if (event.kind === 'snapshot') book.reset(event.bids, event.asks);
      if (event.kind !== 'levels') continue;
      for (const change of event.changes) book.set(change);
      const bid = book.bids.level(0);
      const ask = book.asks.level(0);
      if (bid === null || ask === null || bid.priceMantissa >= ask.priceMantissa) crossed++;
      const ticker = tickers.get(depthIds[frameIndex++] ?? -1);
      if (ticker === undefined || bid === null || ask === null) continue;
      checked++;
      const top = [
        bid.priceMantissa / 1e2,
        bid.sizeMantissa / 1e8,
        ask.priceMantissa / 1e2,
        ask.sizeMantissa / 1e8,
      ].join('|');
      if (top === ticker) equal++;
    }
    t.equal(backwards, 0, 'time does not run backwards');
    t.equal(frameIndex, 3044);
    t.equal(crossed, 0);
    t.equal(checked, 507);
    t.equal(equal, checked);
    t.end();
  },
);

t.test(
  'events come in the order and at the times of the recording, and around the seam again',
  (t) => {
    const maker = new RecordingMaker()
      .snapshot([['100.00', '2']], [['101.00', '1.5']])
      .depth(0, [['100.00', '3']], [])
      .trade(40, '101.00', '0.25', 'BUY')
      .depth(100, [], [['101.00', '0']]);
    const source = new MarketSource(decode(maker.text()));
    const seen: unknown[] = [];
    for (let count = 0; count < 6; count++) {
      seen.push([source.nextDueNs / 1e6, source.next().kind]);
    }
    t.strictSame(seen, [
      [0, 'snapshot'],
      [0, 'levels'],
      [40, 'trade'],
      [100, 'levels'],
      [200, 'snapshot'],
      [200, 'levels'],
    ]);
    t.equal(source.loopCount, 1);
    t.end();
  },
);

t.test('mantissas are exact and the aggressor is read from the maker flag', (t) => {
  const maker = new RecordingMaker()
    .snapshot([['61685.99', '0.00000001']], [['61686', '12345.67890123']])
    .depth(0, [], [])
    .trade(1, '61685.99', '0.1', 'SELL');
  const source = new MarketSource(decode(maker.text()));
  t.same(source.next(), {
    kind: 'snapshot',
    instrumentIndex: 0,
    bids: [{ isAsk: false, priceMantissa: 6_168_599, sizeMantissa: 1 }],
    asks: [{ isAsk: true, priceMantissa: 6_168_600, sizeMantissa: 1_234_567_890_123 }],
  });
  source.next();
  t.match(source.next(), { kind: 'trade', sizeMantissa: 10_000_000, takerSide: Side.Sell });
  t.end();
});

t.test('a snapshot in the middle of the file counts from its update number', (t) => {
  const lines = new RecordingMaker()
    .depth(0, [['99.00', '9']], [])
    .trade(10, '99.00', '1', 'SELL')
    .depth(20, [['100.00', '1']], [])
    .depth(30, [['100.00', '4']], [])
    .text()
    .split('\n');
  // The first two updates (101, 102) are in the snapshot already.
  const snapshot = { lastUpdateId: 102, bids: [['100.00', '1']], asks: [['101.00', '1']] };
  const http = { n: 9, recv_ns: '1', dir: 'http', url: null, raw: JSON.stringify(snapshot) };
  lines.splice(2, 0, JSON.stringify(http));
  const recording = decode(lines.join('\n'));
  t.equal(recording.eventCount, 1, 'the old updates and the trade before the book are left out');
  const source = new MarketSource(recording);
  t.match(source.next(), { kind: 'snapshot', bids: [{ priceMantissa: 10_000 }] });
  t.match(source.next(), { changes: [{ sizeMantissa: 400_000_000 }] });
  t.end();
});

t.test('without a snapshot the book starts with the first update', (t) => {
  const recording = decode(new RecordingMaker().depth(0, [['100.00', '1']], []).text());
  t.equal(recording.hasSnapshot, false);
  t.match(new MarketSource(recording).next(), { kind: 'snapshot', bids: [], asks: [] });
  t.end();
});

t.test('futures number their updates with others: what follows the snapshot is told by pu', (t) => {
  const line = (n: number, dir: string, raw: object): string =>
    JSON.stringify({
      n,
      recv_ns: String(10n ** 18n + BigInt(n)),
      dir,
      url: null,
      raw: JSON.stringify(raw),
    });
  const diff = (U: number, u: number, pu: number): object => {
    const b = [['100.00', String(u)]];
    return { e: 'depthUpdate', s: 'ETHUSDT', U, u, pu, b, a: [] };
  };
  const text = (pu: number): string =>
    [
      line(0, 'in', diff(40, 50, 39)),
      line(1, 'http', { lastUpdateId: 50, bids: [], asks: [] }),
      line(2, 'in', diff(70, 80, pu)),
      line(3, 'in', diff(95, 99, 80)),
    ].join('\n');
  const recording = decode(text(50));
  t.equal(recording.symbol, 'ETHUSDT');
  t.equal(recording.eventCount, 2);
  t.match(
    problemOf(() => decode(text(60))).message,
    /line 3: .*they follow 60, the snapshot has 50/,
  );
  t.end();
});

t.test('a recording with a hole is refused', (t) => {
  const lines = new RecordingMaker()
    .snapshot([], [])
    .depth(0, [], [])
    .depth(1, [], [])
    .depth(2, [], [])
    .text()
    .split('\n');
  lines.splice(2, 1);
  const problem = problemOf(() => decode(lines.join('\n')));
  t.equal(problem.code, 'RECORDING_CORRUPT');
  t.match(problem.message, /line 3: depth updates are missing: U=103, last u before=101/);

  lines.splice(1, 1);
  t.match(problemOf(() => decode(lines.join('\n'))).message, /missing after the snapshot/);
  t.end();
});

t.test('a line that is no frame is refused with its number', (t) => {
  const good = new RecordingMaker().snapshot([], []).depth(0, [], []).text();
  const cases: [string, RegExp][] = [
    [`${good}{"n":2,"recv`, /line 3: it is not JSON/],
    [`${good}{"dir":"in","recv_ns":"1"}`, /line 3: it has no text in "raw"/],
    [`${good}[]`, /line 3/],
    [good.replaceAll('"recv_ns":"17', '"recv_ns":"x'), /line 2: it has no time in "recv_ns"/],
    [
      new RecordingMaker()
        .snapshot([['1.001', '1']], [])
        .depth(0, [], [])
        .text(),
      /line 1: price does not fit exactly: 1.001, scale=2/,
    ],
    ['', /no depth update/],
    [new RecordingMaker().trade(0, '1', '1', 'BUY').text(), /no depth update/],
  ];
  for (const [text, message] of cases) {
    const found = problemOf(() => decode(text));
    t.equal(found.code, 'RECORDING_CORRUPT');
    t.match(found.message, message);
  }
  t.end();
});

t.test('a file that is missing, cut off or not gzip inside is told apart', (t) => {
  const dir = tempDir(t);
  const missing = problemOf(() => readRecordingText(join(dir, 'nothing.jsonl.gz')));
  t.equal(missing.code, 'RECORDING_UNREADABLE');
  t.match(missing.message, /^cannot read the recording .*nothing\.jsonl\.gz: /);
  t.equal(problemOf(() => readRecordingText(dir)).code, 'RECORDING_UNREADABLE');

  const cut = join(dir, 'cut.jsonl.gz');
  writeFileSync(cut, readFileSync(SHIPPED_RECORDING_PATH));
  truncateSync(cut, 500_000);
  t.equal(problemOf(() => readRecordingText(cut)).code, 'RECORDING_CORRUPT');
  t.match(problemOf(() => readRecordingText(cut)).message, /is damaged or cut off/);

  const flipped = join(dir, 'flipped.jsonl.gz');
  const bytes = gzipSync('{"dir":"in"}\n'.repeat(100));
  bytes[20] = (bytes[20] ?? 0) ^ 0xff;
  writeFileSync(flipped, bytes);
  t.equal(problemOf(() => readRecordingText(flipped)).code, 'RECORDING_CORRUPT');

  const plain = join(dir, 'plain.jsonl');
  writeFileSync(plain, '{"dir":"out","raw":"x"}\n');
  t.equal(readRecordingText(plain), '{"dir":"out","raw":"x"}\n');
  t.match(problemOf(() => readRawTape(plain)).message, /no frame that a venue sent/);
  t.end();
});
