/** subscription-watch: one subscription of several is refused, ignored, starved or broken, on virtual time. */
import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import { SubscriptionWatch } from '#src/ingest/subscription-watch.js';
import type { SubscriptionTimes } from '#src/ingest/subscription-watch.js';
import { MarketState } from '#src/venues/market-publisher.js';
import { FeedSubscription, SubscriptionState } from '#src/venues/subscription.js';
import { instrumentNamed } from '../venues/feed-rig.js';

const MS = 1_000_000;
const TIMES: SubscriptionTimes = {
  ackTimeoutMs: 3_000,
  silentMs: 15_000,
  renewMs: [500, 1_000, 2_000, 3_000],
  renewalsMax: 3,
  steadyMs: 1_000,
};

interface Rig {
  readonly watch: SubscriptionWatch;
  readonly btc: FeedSubscription;
  readonly eth: FeedSubscription;
  readonly trades: FeedSubscription;
  readonly markets: readonly MarketState[];
  readonly take: () => string[];
  /** A message of a book: the market is fresh. */
  readonly data: (subscription: FeedSubscription, nowMs: number) => void;
  /** Looks every 10 ms up to this time; BTC and the trades talk all the while. */
  readonly runTo: (nowMs: number) => void;
  /** What the venue does when something is renewed. */
  onRenew: (subscription: FeedSubscription, nowMs: number) => void;
}

function rig(): Rig {
  const told: string[] = [];
  const btc = new FeedSubscription('book', 0, true);
  const eth = new FeedSubscription('book', 1, true);
  const trades = new FeedSubscription('trades', 1, false);
  const subscriptions = [btc, eth, trades];
  const markets = ['BTC-USD', 'ETH-USD'].map((symbol, index) => {
    return new MarketState(instrumentNamed(symbol, index, 2, 8));
  });
  let nowMs = 0;
  const watch: SubscriptionWatch = new SubscriptionWatch(TIMES, subscriptions, markets, {
    renew: (index) => {
      told.push(`${nowMs} renew ${index}`);
      const subscription = subscriptions[index] as FeedSubscription;
      subscription.request();
      self.onRenew(subscription, nowMs);
    },
    markStale: (place, reason: ErrorCode) => {
      told.push(`${nowMs} stale ${place} ${reason}`);
      (markets[place] as MarketState).staleReason = codeIndex(reason);
    },
    troubled: (index, reason, detail) =>
      told.push(`${nowMs} trouble ${index} ${reason} ${detail}`.trimEnd()),
    mended: (index, durationNs) => told.push(`${nowMs} mended ${index} ${durationNs / MS}`),
    giveUp: (index, reason) => told.push(`${nowMs} give up ${index} ${reason}`),
  });
  const self: Rig = {
    watch,
    btc,
    eth,
    trades,
    markets,
    take: () => told.splice(0),
    data: (subscription, atMs) => {
      subscription.onData(Math.max(1, atMs * MS));
      if (subscription.isChatty) (markets[subscription.place] as MarketState).staleReason = 0;
    },
    runTo: (toMs) => {
      while (nowMs < toMs) {
        nowMs += 10;
        self.data(btc, nowMs);
        self.data(trades, nowMs);
        watch.doWork(nowMs * MS, false);
      }
    },
    onRenew: () => undefined,
  };
  for (const subscription of subscriptions) subscription.request();
  watch.onConnected(0);
  return self;
}

t.test('while all is well nothing is done, and the connection is good', async (t) => {
  const r = rig();
  t.notOk(r.watch.isGood, 'nothing came yet');
  r.data(r.eth, 1);
  r.runTo(2_000);
  t.ok(r.watch.isGood);
  t.same(r.take(), []);
  t.equal(r.watch.troubledCount, 0);
});

t.test('one that is not answered is found, its market stale, and asked for anew', async (t) => {
  const r = rig();
  r.runTo(2_990);
  t.same(r.take(), []);
  r.runTo(3_000);
  t.same(r.take(), [
    '3000 trouble 1 SUBSCRIPTION_UNANSWERED',
    '3000 stale 1 SUBSCRIPTION_UNANSWERED',
    '3000 renew 1',
  ]);
  t.notOk(r.watch.isGood);
  t.equal(r.markets[0]?.staleReason, 0, 'the other market has nothing to do with it');
});

t.test('an acknowledgement is no book: one without data is unanswered as well', async (t) => {
  const r = rig();
  r.eth.confirm();
  r.runTo(3_000);
  t.match(r.take()[0], 'SUBSCRIPTION_UNANSWERED');
});

t.test('what has not been sent cannot be answered', async (t) => {
  const r = rig();
  for (let nowMs = 0; nowMs <= 5_000; nowMs += 10) r.watch.doWork(nowMs * MS, true);
  t.same(r.take(), []);
  r.runTo(7_990);
  t.same(r.take(), []);
});

t.test('renewals wait longer and longer, then a new connection, then much later', async (t) => {
  const r = rig();
  r.onRenew = (subscription) => subscription.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no');
  r.eth.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no such pair');
  r.runTo(30_000);
  t.same(
    r.take().filter((one) => !one.includes('stale')),
    [
      '10 trouble 1 SUBSCRIPTION_REFUSED no such pair',
      ...['500 renew 1', '1500 renew 1', '3500 renew 1'],
      '6500 give up 1 SUBSCRIPTION_REFUSED',
      // The connection was not made anew here: twice as many renewals.
      ...['6510 renew 1', '9510 renew 1', '12510 renew 1'],
      '15510 give up 1 SUBSCRIPTION_REFUSED',
      ...['15520 renew 1', '18520 renew 1', '21520 renew 1', '24520 renew 1', '27520 renew 1'],
    ],
  );
  t.ok(r.watch.isGood, 'one that cannot be had does not make the others worse');
});

t.test('a book that falls silent behind a living connection is stale and renewed', async (t) => {
  const r = rig();
  r.onRenew = (subscription, nowMs) => r.data(subscription, nowMs);
  r.data(r.eth, 1_000);
  r.runTo(15_990);
  t.same(r.take(), []);
  r.runTo(17_500);
  t.same(r.take(), [
    '16000 trouble 1 FEED_SILENT',
    '16000 stale 1 FEED_SILENT',
    '16000 renew 1',
    '17010 mended 1 10',
  ]);
});

t.test('a quiet market is asked for ever more rarely, until it talks again', async (t) => {
  const r = rig();
  r.onRenew = (subscription, nowMs) => r.data(subscription, nowMs);
  r.data(r.eth, 0);
  r.runTo(400_000);
  const renewals = r
    .take()
    .filter((one) => one.includes('renew'))
    .map((one) => Math.floor(Number(one.split(' ')[0]) / 1_000));
  t.same(renewals, [15, 30, 60, 120, 240, 360], 'each brought its snapshot: up to 8 times as long');
  r.data(r.eth, 400_000);
  r.data(r.eth, 400_010);
  r.runTo(415_010);
  t.match(r.take()[0], '415010 trouble 1 FEED_SILENT', 'two messages of its own end that');
});

t.test('a trade channel may be silent, but must be answered', async (t) => {
  const r = rig();
  r.data(r.eth, 0);
  for (let nowMs = 10; nowMs <= 3_000; nowMs += 10) {
    r.data(r.btc, nowMs);
    r.data(r.eth, nowMs);
    r.watch.doWork(nowMs * MS, false);
  }
  t.same(
    r.take().map((one) => one.replace(/^\d+ /, '')),
    ['trouble 2 SUBSCRIPTION_UNANSWERED', 'renew 2'],
    'the book beside it stays true',
  );
  r.trades.confirm();
  for (let nowMs = 3_010; nowMs <= 60_000; nowMs += 10) {
    r.data(r.btc, nowMs);
    r.data(r.eth, nowMs);
    r.watch.doWork(nowMs * MS, false);
  }
  t.match(r.take(), [/mended 2/]);
});

t.test('a broken book is asked for at once, and not again before the wait is over', async (t) => {
  const r = rig();
  r.data(r.eth, 0);
  r.runTo(1_000);
  const breakIt = (): void => {
    (r.markets[1] as MarketState).staleReason = codeIndex('VENUE_SEQ_GAP');
    r.eth.spoil(codeIndex('VENUE_SEQ_GAP'), 'hole');
  };
  r.onRenew = breakIt;
  breakIt();
  r.runTo(2_500);
  t.same(r.take(), ['1010 trouble 1 BOOK_MISSING hole', '1010 renew 1', '1510 renew 1']);
});

t.test('a snapshot that was on its way already mends a broken book', async (t) => {
  const r = rig();
  r.data(r.eth, 0);
  r.eth.spoil(codeIndex('BOOK_MISSING'), 'update before snapshot');
  r.data(r.eth, 10);
  r.runTo(20);
  t.same(r.take(), []);
  t.equal(r.eth.state, SubscriptionState.Live);
});

t.test('vain renewals are remembered over a new connection, success forgets them', async (t) => {
  const r = rig();
  r.eth.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no');
  r.onRenew = (subscription) => subscription.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no');
  r.runTo(6_500);
  t.match(r.take().at(-1), 'give up');
  for (const subscription of [r.btc, r.eth, r.trades]) subscription.request();
  r.watch.onConnected(6_510 * MS);
  r.eth.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no');
  r.runTo(9_500);
  t.same(r.take(), [], 'three in vain before: the next renewal waits its 3 s');
  r.runTo(9_510);
  t.same(r.take(), ['9510 renew 1']);
  r.data(r.eth, 9_520);
  r.eth.state = SubscriptionState.Live;
  r.runTo(10_600);
  t.match(r.take().at(-1), 'mended 1');
  r.eth.refuse(codeIndex('SUBSCRIPTION_REFUSED'), 'no');
  r.runTo(11_200);
  t.same(
    r.take().filter((one) => one.includes('renew')),
    ['10610 renew 1'],
    'from the start: the next one after a second',
  );
});
