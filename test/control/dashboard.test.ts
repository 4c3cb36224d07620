/** dashboard: the page in a real browser over a real ControlAgent: a person sees what boards and journal say. */
import t from 'tap';
import { CommandKind } from '#src/domain/core-record.js';
import { codeIndex } from '#src/domain/errors.js';
import { Side } from '#src/domain/order.js';
import { Counter, Histogram } from '#src/runtime/telemetry.js';
import { DashboardPage, noChromium } from './page.js';
import { FIVE_VENUES, lose, quote, quoteAll } from './five-venues.js';
import { freePort, KEY, Rig } from './rig.js';

const ORDER = 4_294_967_296;

/** A market that walks, with a trade of ours every now and then. */
function bringToLife(rig: Rig): void {
  let turn = 0;
  let bid = 6_012_345;
  rig.onTurn = (): void => {
    turn++;
    bid += Math.round(Math.sin(turn / 40) * 9 + Math.cos(turn / 7) * 4);
    rig.setMarket(bid, { tradeCount: turn });
    if (turn % 60 === 0)
      rig.trade(ORDER + 100 + turn, (turn / 60) % 2 === 0 ? Side.Sell : Side.Buy, bid);
    if (turn % 200 === 0)
      rig.source.openOrder(ORDER + 100_000 + turn, { nowNs: rig.clock.nowNs() });
    const telemetry = rig.telemetryOf('ingest');
    telemetry.add(Counter.ticksReceived, 37);
    telemetry.add(Counter.ticksPublished, 35);
    telemetry.record(Histogram.decode, 400 + (turn % 9) * 30);
    telemetry.record(Histogram.tickToOrder, 61_000 + (turn % 17) * 2900);
    telemetry.record(Histogram.risk, 1900 + (turn % 5) * 100);
    telemetry.record(Histogram.ringHop, 5100 + (turn % 23) * 400);
    telemetry.record(Histogram.sign, 33_000);
    telemetry.record(Histogram.orderAck, 880_000 + (turn % 50) * 9000);
    telemetry.record(Histogram.journalCommit, 2_100_000);
  };
  rig.setPosition();
  rig.setPortfolio();
  const execution = rig.telemetryOf('execution');
  execution.add(Counter.intentsEmitted, 64);
  execution.add(Counter.intentsApproved, 52);
  execution.add(Counter.intentsRefused, 12);
  for (let n = 0; n < 12; n++) execution.reject(codeIndex('RISK_POSITION'));
  execution.add(Counter.ordersRejected, 1);
}

void t.test(
  'a person sees prices move and our fills on them, and halts trading',
  { skip: noChromium },
  async (t) => {
    const rig = new Rig(t.testdir());
    await rig.start();
    bringToLife(rig);
    const dashboard = await DashboardPage.open(`${rig.url}/#key=${KEY}`);
    t.teardown(async () => {
      await dashboard.close();
      await rig.stop();
    });
    await dashboard.waitForConnection('open');
    t.equal(new URL(dashboard.page.url()).hash, '', 'the key is out of sight');
    await dashboard.waitForTradingState('Active');
    t.not(await dashboard.waitForChange('last'), '–');
    await dashboard.waitForChange('last');
    await dashboard.waitForRows('fills', 4);
    await dashboard.waitForRows('orders', 1);
    t.match((await dashboard.rows('fills'))[0], [
      /^\d\d:\d\d:\d\d$/,
      'BTC-USD',
      /buy|sell/,
      /^6\d,\d{3}\.\d\d$/,
      '0.001',
    ]);
    t.match((await dashboard.rows('positions'))[0], [
      'BTC-USD',
      '0.0012',
      '60,000',
      /^6\d,\d{3}\.\d\d$/,
      /^\d+ ms$/,
      /^\+\d/,
      '+1.23',
      '0.43',
      '14',
    ]);
    t.match(await dashboard.text('equity'), '10,000.35');
    t.match(await dashboard.text('feed'), /^fresh, \d+ ms old$/);
    t.equal((await dashboard.rows('latency')).length, 9);
    t.match(await dashboard.text('refusals'), /RISK_POSITION.*12/);
    if (process.env['TICKWIRE_SCREENSHOT'] !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      await dashboard.screenshot(process.env['TICKWIRE_SCREENSHOT']);
    }

    await dashboard.halt();
    await dashboard.waitForTradingState('Halted');
    t.strictSame(rig.commands, [{ kind: CommandKind.Halt, source: 2 }]);
    t.equal(await dashboard.text('trading-state'), 'Halted');
    await dashboard.resume();
    await dashboard.waitForTradingState('Active');
    t.equal(rig.commands.at(-1)?.kind, CommandKind.Resume);
    t.strictSame(dashboard.errors, []);
  },
);

void t.test('a stale market is shown with its age and reason', { skip: noChromium }, async (t) => {
  const rig = new Rig(t.testdir());
  rig.setMarket(6_000_000, { staleReason: codeIndex('FEED_DISCONNECTED') });
  await rig.start();
  const dashboard = await DashboardPage.open(`${rig.url}/#key=${KEY}`);
  t.teardown(async () => {
    await dashboard.close();
    await rig.stop();
  });
  await dashboard.page.waitForSelector('#feed[data-stale="true"]');
  t.match(await dashboard.text('feed'), /^stale \d.*: FEED_DISCONNECTED$/);
  t.strictSame(dashboard.errors, []);
});

void t.test(
  'a page without the key asks for it, and says when it is wrong',
  { skip: noChromium },
  async (t) => {
    const rig = new Rig(t.testdir());
    await rig.start();
    bringToLife(rig);
    const dashboard = await DashboardPage.open(rig.url);
    t.teardown(async () => {
      await dashboard.close();
      await rig.stop();
    });
    await dashboard.waitForConnection('locked');
    await dashboard.giveKey('wrong'.repeat(8));
    await dashboard.page.waitForSelector('#ask-error:visible');
    await dashboard.giveKey(KEY);
    await dashboard.waitForConnection('open');
    await dashboard.waitForTradingState('Active');
    await dashboard.page.reload();
    await dashboard.waitForConnection('open');
    t.pass('a reload of the tab does not ask again');
  },
);

void t.test(
  'a lost connection is shown at once and comes back by itself',
  { skip: noChromium },
  async (t) => {
    // A port of its own: one that the kernel has chosen (0) cannot be taken again at once.
    const port = await freePort();
    const first = new Rig(t.testdir(), { control: { port } });
    await first.start();
    bringToLife(first);
    const dashboard = await DashboardPage.open(`${first.url}/#key=${KEY}`);
    t.teardown(async () => {
      await dashboard.close();
    });
    await dashboard.waitForConnection('open');
    await dashboard.waitForChange('last');
    await first.stop();
    await dashboard.waitForConnection('lost');
    t.ok(await dashboard.page.isVisible('#lost'));
    t.match(await dashboard.text('lost'), /Connection lost.*What you see is from \d\d:\d\d:\d\d/s);
    t.ok(await dashboard.page.isDisabled('#halt'), 'nobody presses a button that does nothing');

    const second = new Rig(t.testdir({ second: {} }), { control: { port } });
    await second.start();
    bringToLife(second);
    t.teardown(async () => {
      await second.stop();
    });
    await dashboard.waitForConnection('open');
    await dashboard.waitForChange('last');
    t.notOk(await dashboard.page.isVisible('#lost'));
  },
);

/** Five venues whose prices walk together. */
function fiveVenues(rig: Rig, spoil: () => void = () => undefined): void {
  let turn = 0;
  rig.onTurn = (): void => {
    turn++;
    quoteAll(rig, turn);
    spoil();
  };
}

void t.test(
  'five venues stand side by side, with bid, ask, spread, age and what each is off the fair price',
  { skip: noChromium },
  async (t) => {
    const rig = new Rig(t.testdir(), { instruments: FIVE_VENUES });
    await rig.start();
    fiveVenues(rig);
    rig.setPortfolio();
    const dashboard = await DashboardPage.open(`${rig.url}/#key=${KEY}`);
    t.teardown(async () => {
      await dashboard.close();
      await rig.stop();
    });
    await dashboard.waitForConnection('open');
    await dashboard.waitForFair('BTC');
    t.strictSame(await dashboard.venues(), [
      'coinbase',
      'kraken',
      'binance',
      'dydx',
      'hyperliquid',
    ]);
    t.strictSame(await dashboard.assets(), ['BTC', 'ETH', 'USDT', 'USDC'], 'coins first');
    const fair = await dashboard.fair('BTC');
    t.match(fair.price, /^(59|60),\d{3}\.\d\d$/);
    t.match(fair.confidence, /^0\.[5-9]\d$/);
    t.match(fair.text, /5 of 5 · \d+ ms/);
    for (const venue of await dashboard.venues()) {
      const shown = await dashboard.quote(venue, 'BTC');
      t.equal(shown.state, 'used', venue);
      t.match(shown.bid, /^(59|60),\d{3}/);
      t.match(shown.ask, /^(59|60),\d{3}/);
      t.match(
        shown.text,
        /0\.\d+.*[+-]?\d\.\d.*\d+ ms.*(USD$|USDT$|USDC perp (59|60),\d{3} · \d+ ms$)/,
        venue,
      );
    }
    t.equal((await dashboard.quote('coinbase', 'USDT')).bid, '0.99910');
    t.equal(await dashboard.quoteCount(), FIVE_VENUES.length, 'nothing is shown that nobody lists');
    t.match(await dashboard.text('spread-title'), /^BTC off fair, bps$/);
    t.equal(await dashboard.page.locator('#spread-legend .key').count(), 5);
    await dashboard.choose('hyperliquid', 'ETH');
    t.match(await dashboard.text('chart-title'), 'ETH-USD at hyperliquid');
    t.match(await dashboard.text('marks'), /^mark 2,\d{3}.*funding 0\.0013 % · \d+ ms old$/);
    await dashboard.waitForText('spread-title', /^ETH/);
    t.match(
      await dashboard.page.title(),
      /^2,\d{3}.* · \d+ ms · tickwire$/,
      'the title has an age',
    );
    if (process.env['TICKWIRE_SCREENSHOT'] !== undefined) {
      await dashboard.choose('coinbase', 'BTC');
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      await dashboard.screenshot(process.env['TICKWIRE_SCREENSHOT']);
    }
    t.strictSame(dashboard.errors, []);
  },
);

void t.test(
  'a lost venue, a wild one and one in a currency without a price are loud, each in its way',
  { skip: noChromium },
  async (t) => {
    const rig = new Rig(t.testdir(), { instruments: FIVE_VENUES });
    await rig.start();
    fiveVenues(rig, () => {
      lose(rig, 'kraken', 12_000);
      quote(rig, 'dydx', 'BTC', 300);
      quote(rig, 'coinbase', 'ETH', 0, { ageMs: 11_000 });
      quote(rig, 'binance', 'USDC', 0, { staleReason: codeIndex('BOOK_MISSING') });
    });
    rig.setFeed(1, {
      ...{ state: 3, breaker: 1, failureCount: 7 },
      reason: codeIndex('FEED_DISCONNECTED'),
    });
    const dashboard = await DashboardPage.open(`${rig.url}/#key=${KEY}`);
    t.teardown(async () => {
      await dashboard.close();
      await rig.stop();
    });
    await dashboard.waitForConnection('open');
    await dashboard.waitForFair('BTC');
    const stale = await dashboard.quote('kraken', 'BTC');
    t.equal(stale.state, 'stale');
    t.match(stale.text, /STALE 12 s FEED_DISCONNECTED/);
    t.ok(stale.isRed, 'in red');
    t.notOk(await dashboard.isQuoteShown('kraken', 'BTC'), 'and without a price');
    const quiet = await dashboard.quote('coinbase', 'ETH');
    t.equal(quiet.state, 'old', 'not stale, but too old to take part');
    t.match(quiet.text, /OLD 11 s/);
    t.ok(await dashboard.isQuoteShown('coinbase', 'ETH'));
    const wild = await dashboard.quote('dydx', 'BTC');
    t.equal(wild.state, 'unpriced', 'USDC has no price: Kraken is lost and Binance has no book');
    t.match(wild.text, /UNPRICED USDC/);
    t.match((await dashboard.fair('BTC')).text, /2 of 5/);
    t.match((await dashboard.fair('USDC')).price, 'FAIR_NO_PRICE');
    t.match(await dashboard.venueText('kraken'), /Reconnecting, circuit Open/);
    t.notOk(await dashboard.canReconnect('coinbase'));
    if (process.env['TICKWIRE_SCREENSHOT'] !== undefined) {
      await dashboard.screenshot(process.env['TICKWIRE_SCREENSHOT'].replace('.png', '-loud.png'));
    }
    await dashboard.reconnect('kraken');
    await dashboard.waitForText('toast', /kraken is dialled/);
    t.strictSame(rig.commands, [{ kind: CommandKind.ReconnectFeed, source: 2, value: 1 }]);
    fiveVenues(rig, () => {
      quote(rig, 'dydx', 'BTC', 300);
    });
    await dashboard.waitForQuoteState('dydx', 'BTC', 'outlier');
    t.match((await dashboard.quote('dydx', 'BTC')).text, /OUTLIER \+[23]\d\d bps/);
    t.strictSame(dashboard.errors, []);
  },
);
