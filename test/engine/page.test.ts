/** The whole engine and its dashboard in a real browser: ticks move, our fills stand there, and halt stops the trading. */
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
    if (SCREENSHOT !== undefined) {
      await page.waitForRows('fills', 12);
      await page.screenshot(SCREENSHOT);
    }
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

function tradeCount(status: Record<string, unknown>): number {
  const markets = status['markets'] as { readonly tradeCount: number }[];
  return markets[0]?.tradeCount ?? 0;
}
