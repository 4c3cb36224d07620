import t from 'tap';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { checksumOf, feedRigV1, framesOf, pairNamed, type LevelText } from './kraken-rig.js';

const XMR = pairNamed('XMR/USD', 3, 2);
const TIME = '1618678133.365913';

const side = (levels: readonly LevelText[]): string =>
  levels.map(([price, size]) => `["${price}","${size}","${TIME}"]`).join(',');
const frameOf = (payload: string, channel = 'book-10', pair = 'XMR/USD'): string =>
  `[992,${payload},"${channel}","${pair}"]`;

const BIDS: readonly LevelText[] = [
  ['354.15000000', '5.00000000'],
  ['354.11000000', '0.10000000'],
];
const ASKS: readonly LevelText[] = [['354.80000000', '1.40000000']];
const SNAPSHOT = frameOf(`{"as":[${side(ASKS)}],"bs":[${side(BIDS)}]}`);

t.test('a snapshot and updates of either side or both are one book, checked', async (t) => {
  const { send, rejects, feed, book, ticks } = feedRigV1({ instruments: [XMR] });
  send(SNAPSHOT);
  t.equal(feed.markets[0]?.staleReason, 0);
  t.equal(feed.comparedCount, 0, 'a snapshot has no sum');
  t.equal((ticks.take()[0]?.flags ?? 0) & TickFlag.NoTime, TickFlag.NoTime);
  const bids: LevelText[] = [['354.15000000', '4.00000000'], ...BIDS.slice(1)];
  send(frameOf(`{"b":[${side(bids.slice(0, 1))}],"c":"${checksumOf(bids, ASKS)}"}`));
  t.match(ticks.ticks[0], { kind: TickKind.Level, priceMantissa: 35_415 });
  // Both sides: two objects, the sum in the second; "r" says that the level only comes into view again.
  const asks: LevelText[] = [...ASKS, ['355.00000000', '2.00000000']];
  const again = `["355.00000000","2.00000000","${TIME}","r"]`;
  send(
    frameOf(
      `{"a":[${again}]},{"b":[["354.11000000","0.00000000","${TIME}"]],"c":"${checksumOf(bids.slice(0, 1), asks)}"}`,
    ),
  );
  t.same(rejects.codes, []);
  t.equal(feed.comparedCount, 2);
  t.equal(book().bids.count, 1);
  t.equal(book().asks.count, 2);
  send(frameOf(`{"a":[["355.00000000","0.00000000","${TIME}"]],"c":"1"}`));
  t.same(rejects.codes, ['BOOK_CHECKSUM']);
  t.equal(codeAt(feed.markets[0]?.staleReason ?? 0), 'BOOK_CHECKSUM');
});

t.test('finer decimals that show later change nothing of the sums', async (t) => {
  const { send, rejects, feed } = feedRigV1({ instruments: [{ ...XMR, priceScale: 1 }] });
  const bids: LevelText[] = [['354.10000000', '5.00000000']];
  const asks: LevelText[] = [['354.80000000', '1.40000000']];
  send(frameOf(`{"as":[${side(asks)}],"bs":[${side(bids)}]}`));
  feed.refine(0, XMR);
  const finer: LevelText = ['354.15000000', '1.00000000'];
  send(frameOf(`{"b":[${side([finer])}],"c":"${checksumOf([finer, ...bids], asks)}"}`));
  t.same(rejects.codes, []);
  t.equal(feed.comparedCount, 1);
});

t.test('trades, tickers and spreads of the samples are what they say', async (t) => {
  let index = 0;
  const { send, rejects, ticks, feed } = feedRigV1({
    resolve: (venueSymbol) => pairNamed(venueSymbol, index++, 6),
  });
  for (const frame of framesOf('v1/samples_tardis')) send(frame);
  t.match(ticks.take(), [
    {
      kind: TickKind.Trade,
      priceMantissa: 11_365,
      flags: TickFlag.AggressorSell | TickFlag.LastOfFrame,
    },
    { kind: TickKind.Ticker, priceMantissa: 43_770_200_000, askSizeMantissa: 31_670_440 },
    { kind: TickKind.TickerLast, priceMantissa: 0 },
  ]);
  t.equal(feed.tradeIdText, null);
  const frames = framesOf('v1/cf2021_ticker').filter((frame) =>
    frame.includes('"ticker","XMR/USD"]'),
  );
  send(frames[0]);
  t.match(ticks.ticks, [
    { kind: TickKind.Ticker, priceMantissa: 354_320_000, sizeMantissa: 687_748_868 },
    { kind: TickKind.TickerLast, priceMantissa: 355_230_000, sizeMantissa: 120_454_360 },
  ]);
  t.same(rejects.codes, []);
});

t.test('events are understood; the depth stands in the name of the channel', async (t) => {
  const { send, rejects, feed } = feedRigV1({ instruments: [XMR] });
  for (const frame of framesOf('v1/cf2021_book1000').slice(0, 9)) send(frame);
  t.equal(feed.markets[0]?.depthMax, 1000);
  t.match(rejects.codes, []);
  t.same(
    rejects.codes.filter((code) => code !== 'INSTRUMENT_UNKNOWN'),
    [],
  );
  rejects.take();
  send(
    '{"errorMessage":"Currency pair not supported","event":"subscriptionStatus","pair":"A/B","status":"error"}',
  );
  t.same(rejects.details, ['A/B: Currency pair not supported']);
  t.same(rejects.take(), ['FRAME_VENUE_ERROR']);
  send('{"event":"news"}');
  t.same(rejects.take(), ['FRAME_UNKNOWN']);
  send(frameOf('["1","2"]', 'ohlc-5'));
  t.same(rejects.codes, []);
  t.same(feed.onConnected(), []);
});

t.test(
  'what is cut off or nonsense is refused, and costs the book that it may be about',
  async (t) => {
    const update = frameOf(`{"b":[${side(BIDS)}],"c":"1"}`);
    for (let length = 0; length < update.length; length++) {
      const { send, rejects, feed, ticks } = feedRigV1({ instruments: [XMR] });
      send(SNAPSHOT);
      ticks.take();
      send(update.slice(0, length));
      t.same(rejects.codes, ['FRAME_MALFORMED'], `${length} bytes`);
      t.equal(feed.markets[0]?.staleReason, codeIndex('FRAME_MALFORMED'));
    }
    const cases: readonly (readonly [string, string])[] = [
      [frameOf(`{"b":[["354.15","NaN","${TIME}"]],"c":"1"}`), 'FRAME_MALFORMED'],
      [frameOf(`{"b":[["354.155","1","${TIME}"]],"c":"1"}`), 'DECIMAL_INEXACT'],
      [frameOf(`{"b":[["-1","1","${TIME}"]],"c":"1"}`), 'FRAME_MALFORMED'],
      [frameOf(`{"b":[["354.15","1","later"]],"c":"1"}`), 'FRAME_MALFORMED'],
      [frameOf(`{"as":[],"bs":[]},{"a":[]}`), 'FRAME_MALFORMED'],
      [frameOf('{}', 'book-10', 'A/B'), 'INSTRUMENT_UNKNOWN'],
      [frameOf('{}', 'news'), 'FRAME_UNKNOWN'],
      [frameOf('[["1","1","1618678133.3","x","m",""]]', 'trade'), 'FRAME_MALFORMED'],
      [frameOf('[["0","1","1618678133.3","b","m",""]]', 'trade'), 'FRAME_MALFORMED'],
      [frameOf('[["1e40","1","1618678133.3","b","m",""]]', 'trade'), 'DECIMAL_OVERFLOW'],
      [frameOf('["1","2","3","4"]', 'spread'), 'FRAME_MALFORMED'],
      [frameOf('{"a":[1]}', 'ticker'), 'FRAME_MALFORMED'],
      [`${SNAPSHOT}${SNAPSHOT}`, 'FRAME_MALFORMED'],
      ['[992,{},"book-10","XMR/USD"] x', 'FRAME_MALFORMED'],
      ['[992,"a\\"],\\"book-10","XMR/USD"]', 'FRAME_MALFORMED'],
    ];
    for (const [frame, code] of cases) {
      const { send, rejects } = feedRigV1({ instruments: [XMR] });
      send(SNAPSHOT);
      send(frame);
      t.same(rejects.codes, [code], frame);
    }
  },
);
