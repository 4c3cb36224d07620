/**
 * The old Exchange feed: its captures come out as the reference normaliser has them, and what the captures do not show.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { must } from '#src/domain/assert.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { parseExchangeInstruments } from '#src/venues/coinbase/instruments.js';
import { CoinbaseExchangeMarketFeed } from '#src/venues/coinbase/market-feed-exchange.js';
import { SubscriptionState } from '#src/venues/subscription.js';
import { fixtureBytes, instrumentNamed, RejectList, TickList } from '../feed-rig.js';

type Fields = Record<string, unknown>;
const EPOCH_NS = 1_618_677_816_000_000_000n;
const TIME = '2021-04-17T16:43:37.121358Z';

function linesOf(bytes: Buffer): Fields[] {
  return gunzipSync(bytes)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fields);
}

async function normalized(input: Buffer, finalFile: string): Promise<Fields[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await normalize({
    venue: 'coinbase-exchange',
    levels: true,
    finalFile,
    input: Readable.from([input]),
    output,
  });
  output.end();
  await once(output, 'finish');
  const text = Buffer.concat(chunks).toString('utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Fields);
}

for (const name of [
  'cf2021_level2_ticker_matches',
  'fb2026_level2_50_matches_heartbeat_ETH-USD',
  'samples_tardis',
]) {
  t.test(`${name}: every record and every book is the reference's`, async (t) => {
    const finalFile = join(t.testdir(), 'final.json');
    const records = await normalized(fixtureBytes(`exchange/${name}.jsonl.gz`), finalFile);
    const expected = linesOf(fixtureBytes(`exchange/${name}.expected.jsonl.gz`)).map((record) =>
      // Year 1 is no time: Go writes it where it has none.
      record['ts_ns'] === '-62135596800000000000' ? { ...record, ts_ns: null } : record,
    );
    t.equal(records.length, expected.length);
    for (const [i, record] of expected.entries()) {
      if (JSON.stringify(record) !== JSON.stringify(records[i])) {
        t.same(records[i], record, `record ${i}`);
      }
    }
    if (name === 'samples_tardis') return;
    const { books } = JSON.parse(readFileSync(finalFile, 'utf8')) as { books: Fields };
    const wanted = JSON.parse(
      fixtureBytes(`exchange/${name}.final.json`).toString('utf8'),
    ) as typeof books & { books: Record<string, Fields> };
    t.ok(Object.keys(wanted.books).length > 0);
    for (const [symbol, book] of Object.entries(wanted.books)) {
      const { last_update_id: _, ...fields } = book;
      t.same(books[symbol], fields, symbol);
    }
  });
}

t.test('the product list states scales, limits and what can be traded', async (t) => {
  const [line] = linesOf(fixtureBytes('exchange/cf2021_rest_products.jsonl.gz'));
  const body = String(must(line, 'a line')['raw']);
  const { instruments, refused } = parseExchangeInstruments(body, ['SKL-EUR', 'NO-SUCH'], 3);
  t.match(instruments, [
    {
      index: 3,
      venue: 'coinbase-exchange',
      symbol: 'SKL-EUR',
      base: 'SKL',
      quote: 'EUR',
      priceScale: 4,
      sizeScale: 1,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 50,
      sizeMaxMantissa: 10_000_000,
      notionalMinMantissa: 500_000,
      isTradable: true,
    },
  ]);
  t.same(refused, [{ venueSymbol: 'NO-SUCH', message: 'the venue does not list it' }]);
  t.ok(parseExchangeInstruments(body).instruments.length > 10);
  t.throws(() => parseExchangeInstruments('"x"'), { code: 'VENUE_ANSWER_MALFORMED' });
});

interface Rig {
  readonly feed: CoinbaseExchangeMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
  readonly send: (frame: unknown) => void;
}

function rig(symbols = ['BTC-USD', 'ETH-USD']): Rig {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new CoinbaseExchangeMarketFeed({
    instruments: symbols.map((symbol, index) => instrumentNamed(symbol, index + 5, 2, 8)),
    ticks,
    rejects,
    runEpochNs: EPOCH_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  feed.onConnected();
  let recvNs = 0;
  return {
    feed,
    ticks,
    rejects,
    send: (frame) => {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
      feed.onFrame(Buffer.from(text), ++recvNs);
    },
  };
}

const snapshot = (fields: Fields = {}): Fields => ({
  type: 'snapshot',
  product_id: 'BTC-USD',
  asks: [['100', '3']],
  bids: [['99.5', '1']],
  ...fields,
});
const update = (changes: readonly unknown[], fields: Fields = {}): Fields => ({
  type: 'l2update',
  product_id: 'BTC-USD',
  changes,
  time: TIME,
  ...fields,
});
const match = (fields: Fields = {}): Fields => ({
  type: 'match',
  trade_id: 7,
  maker_order_id: 'a',
  taker_order_id: 'b',
  side: 'sell',
  size: '0.5',
  price: '100.25',
  product_id: 'BTC-USD',
  sequence: 201390075,
  time: TIME,
  ...fields,
});

function stateOf(feed: CoinbaseExchangeMarketFeed, channel: string, place = 0): unknown {
  const found = feed.subscriptions.find((one) => one.channel === channel && one.place === place);
  const { state } = must(found, channel);
  return Object.entries(SubscriptionState).find(([, value]) => value === state)?.[0];
}

t.test('match.side is the maker: sell means that somebody bought', async (t) => {
  const { send, ticks, feed } = rig();
  send(match());
  t.match(ticks.take(), [
    {
      kind: TickKind.Trade,
      priceMantissa: 10025,
      sizeMantissa: 50_000_000,
      venueSeq: 7,
      flags: TickFlag.LastOfFrame,
      venueNs: 1_121_358_000,
    },
  ]);
  t.equal(feed.lastSeq, 201390075);
  send(match({ side: 'buy', sequence: 201390076 }));
  t.match(ticks.take(), [{ flags: TickFlag.AggressorSell | TickFlag.LastOfFrame }]);
  send(match({ type: 'last_match', product_id: 'ETH-USD' }));
  t.match(ticks.take(), [{ instrumentIndex: 6, flags: TickFlag.Backfill | TickFlag.LastOfFrame }]);
});

t.test('a match that is not newer than the last one of its product is ignored', async (t) => {
  const { send, ticks, rejects, feed } = rig();
  send(match({ type: 'last_match' }));
  ticks.take();
  send(match());
  t.same(ticks.ticks, []);
  t.same(rejects.take(), ['VENUE_SEQ_OLD']);
  send(match({ product_id: 'ETH-USD', sequence: 5 }));
  t.equal(ticks.take().length, 1, 'another product counts for itself');
  feed.onConnected();
  send(match());
  t.equal(ticks.take().length, 1, 'and each connection');
});

t.test('keys in any order and white space anywhere give the same ticks', async (t) => {
  const frames = [
    snapshot(),
    update([
      ['buy', '99', '1'],
      ['sell', '100', '0'],
    ]),
    match(),
  ];
  const plain = rig();
  for (const frame of frames) plain.send(frame);
  const turned = rig();
  for (const frame of frames) {
    const reversed = Object.fromEntries(Object.entries(frame).reverse());
    turned.send(JSON.stringify(reversed, null, 2));
  }
  t.same(turned.ticks.ticks, plain.ticks.ticks);
  t.same(turned.rejects.codes, []);
  t.ok(plain.ticks.ticks.length > 5);
});

t.test('a bad book message costs the book of its product; a bad match costs nothing', async (t) => {
  const { send, ticks, rejects, feed } = rig();
  send(snapshot());
  send(snapshot({ product_id: 'ETH-USD' }));
  ticks.take();
  for (const bad of [
    match({ price: 'x' }),
    match({ side: 'up' }),
    match({ time: 'noon' }),
    match({ size: '0' }),
    match({ trade_id: undefined }),
    match({ sequence: undefined }),
  ]) {
    send(bad);
  }
  t.same(rejects.take(), Array(6).fill('FRAME_MALFORMED'));
  t.same(ticks.take(), []);
  t.equal(stateOf(feed, 'level2'), 'Live');
  send(
    update([
      ['buy', '99', '1'],
      ['buy', '98'],
    ]),
  );
  t.same(rejects.take(), ['FRAME_MALFORMED']);
  t.match(ticks.take(), [{ kind: TickKind.State, sizeMantissa: codeIndex('FRAME_MALFORMED') }]);
  t.equal(stateOf(feed, 'level2'), 'Broken');
  t.equal(stateOf(feed, 'level2', 1), 'Live');
  t.equal(codeAt(feed.markets[1]?.staleReason ?? -1), 'OK');
  t.same(
    feed.renew(0).map((text) => JSON.parse(text) as unknown),
    ['unsubscribe', 'subscribe'].map((type) => ({
      type,
      product_ids: ['BTC-USD'],
      channels: ['level2'],
    })),
  );
  send(update([['buy', '99', '1']]));
  t.equal(stateOf(feed, 'level2'), 'Requested', 'what was still on its way');
  send(snapshot());
  t.equal(stateOf(feed, 'level2'), 'Live');
  t.equal(codeAt(feed.markets[0]?.staleReason ?? -1), 'OK');
  send('{"type":"l2update","changes":[');
  t.equal(stateOf(feed, 'level2', 1), 'Broken', 'nobody knows whose it was');
});

t.test(
  'an update before its snapshot, and a book that crosses, break the subscription',
  async (t) => {
    const { send, feed } = rig();
    send(update([['buy', '99', '1']]));
    t.equal(stateOf(feed, 'level2'), 'Broken');
    send(snapshot({ product_id: 'ETH-USD' }));
    send(update([['buy', '100', '1']], { product_id: 'ETH-USD' }));
    t.equal(stateOf(feed, 'level2', 1), 'Broken');
    t.equal(codeAt(feed.markets[1]?.staleReason ?? -1), 'BOOK_CROSSED');
    t.notOk(feed.needsResubscribe);
  },
);

t.test('lists confirm, errors refuse, heartbeats say nothing', async (t) => {
  const { send, feed, rejects, ticks } = rig();
  send({
    type: 'subscriptions',
    channels: [{ name: 'level2_50', product_ids: ['BTC-USD', 'ETH-USD'], account_ids: null }],
  });
  t.equal(stateOf(feed, 'level2', 1), 'Live');
  t.equal(stateOf(feed, 'matches'), 'Requested');
  send({ type: 'error', message: 'Failed to subscribe', reason: 'matches is not a valid channel' });
  t.same(rejects.take(), ['FRAME_VENUE_ERROR']);
  t.equal(stateOf(feed, 'matches'), 'Refused');
  t.equal(feed.subscriptions[1]?.detail, 'Failed to subscribe');
  t.equal(stateOf(feed, 'level2'), 'Live');
  const { frameCount } = feed;
  send({ type: 'heartbeat', last_trade_id: 7, product_id: 'BTC-USD', sequence: 1, time: TIME });
  t.equal(feed.frameCount, frameCount + 1);
  t.same(ticks.ticks, []);
  send({ type: 'subscriptions', channels: [{ name: 'matches' }] });
  send({ type: 'subscriptions' });
  t.same(rejects.take(), ['FRAME_MALFORMED', 'FRAME_MALFORMED']);
  send({ type: 'open', product_id: 'BTC-USD' });
  send({ kind: 'nothing' });
  send(match({ product_id: 'DOGE-USD' }));
  send(update([['buy', '1', '1']], { product_id: 'DOGE-USD' }));
  t.same(rejects.take(), [
    'FRAME_UNKNOWN',
    'FRAME_MALFORMED',
    'INSTRUMENT_UNKNOWN',
    'INSTRUMENT_UNKNOWN',
  ]);
});

t.test('a decimal that does not fit is refused; in a level it costs that book', async (t) => {
  const { send, rejects, feed, ticks } = rig();
  send(snapshot());
  send(match({ price: '100.255' }));
  send({ type: 'ticker', sequence: 1, product_id: 'BTC-USD', price: '0.001', time: TIME });
  t.same(rejects.take(), ['DECIMAL_INEXACT', 'DECIMAL_INEXACT']);
  ticks.take();
  send(update([['buy', '99.999', '1']]));
  t.same(rejects.take(), ['DECIMAL_INEXACT']);
  t.equal(codeAt(feed.markets[0]?.staleReason ?? -1), 'DECIMAL_INEXACT');
  send(match({ price: '99999999999999.99', trade_id: '9', sequence: 2 ** 40 }));
  t.same(rejects.take(), ['FRAME_MALFORMED'], 'trade ids are numbers here');
});
