/**
 * The whole engine and its dashboard in a real browser: ticks move, our fills stand there, halt stops the trading, and five
 * venues stand side by side around one fair price, a lost one in red.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DashboardPage, noChromium } from '../control/page.js';
import { Api, Program, eventually, startSim, truthOf } from '../harness/program.js';

/** Where the page's picture goes: an environment variable, so that tests do not touch the working tree by themselves. */
const SCREENSHOT = process.env['TICKWIRE_SCREENSHOT'];

function tempDir(name: string): string {
  return mkdtempSync(join(tmpdir(), `tickwire-${name}-`));
}

void t.test(
  'a person sees the market move and our fills on it, presses halt, and nothing more is traded',
  { skip: noChromium },
  async (t) => {
    const dataDir = tempDir('page');
    const simDir = tempDir('page-sim');
    const sim = await startSim(['--port', '0', '--speed', '10', '--data-dir', simDir]);
    const engine = new Program([
      'run',
      ...['--sim', sim.rest, '--data-dir', dataDir, '--port', '0', '--wait', 'park'],
      ...['--param', 'ema-cross.fastTrades=3,ema-cross.slowTrades=9'],
    ]);
    const { port, url } = await engine.listening();
    const key = readFileSync(join(dataDir, 'api-key'), 'utf8').trim();
    const page = await DashboardPage.open(`${url}#key=${key}`);
    t.teardown(async () => {
      await page.close();
      await engine.kill('SIGTERM');
      await sim.program.kill('SIGTERM');
      for (const dir of [dataDir, simDir]) rmSync(dir, { recursive: true, force: true });
    });
    await page.waitForConnection('open');
    await page.waitForTradingState('Active');
    await page.waitForChange('last');
    await page.waitForChange('last');
    await page.waitForRows('fills', 4);
    await page.halt();
    await page.waitForTradingState('Halted');
    const api = new Api(port, dataDir);
    t.match(await api.get('/v1/status'), { trading: { state: 'Halted' } });
    // Whatever was on its way when halt was pressed has come to its end once nothing is open.
    await eventually(
      async () => ((await truthOf(sim.rest)).openOrders === 0 ? true : undefined),
      'open orders to be cancelled',
    );
    const fillsAtHalt = (await truthOf(sim.rest)).fillCount;
    const tradesAtHalt = tradeCount(await api.get('/v1/status'));
    await eventually(
      async () => (tradeCount(await api.get('/v1/status')) > tradesAtHalt + 300 ? true : undefined),
      'the market to go on',
    );
    t.equal((await truthOf(sim.rest)).fillCount, fillsAtHalt, 'the market goes on without us');
    await page.resume();
    await page.waitForTradingState('Active');
    await eventually(
      async () => ((await truthOf(sim.rest)).fillCount > fillsAtHalt ? true : undefined),
      'trading after resume',
    );
    t.same(page.errors, [], 'no error in the console of the page');
  },
);

const FIVE = ['coinbase', 'kraken', 'binance', 'dydx', 'hyperliquid'];

interface Fair {
  readonly asset: string;
  readonly price: string | null;
  readonly confidence: number;
  readonly oldestMs: number | null;
  readonly sources: readonly { readonly venue: string; readonly state: string }[];
}

void t.test(
  'a person sees five venues around one fair price, and at once when one of them is lost',
  { skip: noChromium },
  async (t) => {
    const dataDir = tempDir('page-five');
    const sims = new Program(['sim', '--venue', FIVE.join(','), '--exit-on-stdin-end']);
    const line = await eventually(
      () => (sims.stdout.includes('\n') ? sims.stdout.split('\n')[0] : undefined),
      'the simulators to listen',
    );
    const { venues } = JSON.parse(line) as { venues: Record<string, { rest: string }> };
    const engine = new Program([
      'run',
      ...['--venues', FIVE.join(','), '--symbols', 'BTC-USD,ETH-USD'],
      ...[
        '--sim',
        Object.values(venues)
          .map(({ rest }) => rest)
          .join(','),
      ],
      ...['--data-dir', dataDir, '--port', '0', '--wait', 'park'],
    ]);
    const { port, url } = await engine.listening();
    const key = readFileSync(join(dataDir, 'api-key'), 'utf8').trim();
    const page = await DashboardPage.open(`${url}#key=${key}`);
    t.teardown(async () => {
      await page.close();
      await engine.kill('SIGTERM');
      await sims.kill('SIGTERM');
      rmSync(dataDir, { recursive: true, force: true });
    });
    await page.waitForConnection('open');
    await page.waitForFair('BTC');
    await page.waitForFair('ETH');
    const api = new Api(port, dataDir);
    const fairOf = async (asset: string): Promise<Fair | undefined> =>
      ((await api.get('/v1/fair'))['fair'] as Fair[]).find((one) => one.asset === asset);
    const usedOf = (fair: Fair | undefined): string[] =>
      (fair?.sources ?? []).filter(({ state }) => state === 'used').map(({ venue }) => venue);
    const whole = await eventually(async () => {
      const fair = await fairOf('BTC');
      return usedOf(fair).length === FIVE.length ? fair : undefined;
    }, 'all five to take part');
    t.ok(whole.confidence > 0.5 && Number(whole.price) > 1_000);
    t.strictSame(await page.venues(), FIVE);
    for (const venue of FIVE) {
      await page.waitForQuoteState(venue, 'BTC', 'used');
      t.match((await page.quote(venue, 'BTC')).bid, /^\d{2},\d{3}/, venue);
      t.match((await page.quote(venue, 'BTC')).text, /\d (ms|s) USD/, `${venue} has an age`);
    }
    await t.rejects(api.post('/v1/feeds/kraken/reconnect'), /409.*FEED_BUSY/, 'it is connected');
    await page.choose('dydx', 'BTC');
    await page.waitForText('marks', /mark \d.*funding -?\d.*old/);
    if (SCREENSHOT !== undefined) {
      await page.choose('coinbase', 'BTC');
      await page.waitForRows('fills', 12);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      await page.screenshot(SCREENSHOT);
    }
    await fetch(`${venues['kraken']?.rest ?? ''}/_sim/fault`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'silent', ms: 20_000 }),
    });
    await page.waitForQuoteState('kraken', 'BTC', 'stale');
    t.match((await page.quote('kraken', 'BTC')).text, /STALE .*FEED_/);
    t.notOk(await page.isQuoteShown('kraken', 'BTC'), 'no price of it is left on the page');
    const left = await eventually(async () => {
      const fair = await fairOf('BTC');
      return usedOf(fair).includes('kraken') ? undefined : fair;
    }, 'the fair price to do without it');
    t.ok(left.price !== null && left.confidence < whole.confidence);
    await page.waitForQuoteState('kraken', 'BTC', 'used');
    t.pass('and it comes back by itself');
    t.same(page.errors, [], 'no error in the console of the page');
  },
);

function tradeCount(status: Record<string, unknown>): number {
  const markets = status['markets'] as { readonly tradeCount: number }[];
  return markets[0]?.tradeCount ?? 0;
}
