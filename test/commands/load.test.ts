/**
 * `tickwire load` against a real engine, both as programs: nothing is lost, and what goes wrong is said with a code. Also
 * the example publisher of the documentation. No figures are asserted: they are those of the machine.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { PUSH_SCHEMA_HASH } from '#src/generated/hot.js';
import { PUSH_CLOSE_CODES } from '#src/ingest/push-codes.js';
import { Api, eventually, Program } from '../harness/program.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const INSTRUMENTS = ['SOL-USD', 'ETH-USD'].map((symbol) => ({
  venue: 'otc',
  symbol,
  priceScale: 4,
  sizeScale: 6,
}));

/** Wants to buy what is pushed, once it has a price. */
const STRATEGY = `export default {
  name: 'pushed', sentence: 'Buys what is pushed.', params: {},
  create: () => ({
    name: 'pushed',
    onTick(tick, market, nowNs, out) {
      if (market.instrument.venue !== 'otc' || !market.isQuoted || market.workingCount > 0) return;
      const intent = out.next(1);
      Object.assign(intent, { side: 1, orderType: 1, timeInForce: 2, sizeMantissa: 1000 });
      intent.instrumentIndex = tick.instrumentIndex;
      intent.priceMantissa = market.askPriceMantissa;
      intent.referencePriceMantissa = market.midPriceMantissa;
    },
    onOrderEvent() {},
    onDeadline() {},
  }),
};`;

interface Report {
  readonly ok: boolean;
  readonly ticks: {
    readonly planned: number;
    readonly sent: number;
    readonly acked: number;
    readonly lost: number;
    readonly unsent: number;
  };
  readonly ringTicks: number;
  readonly latencyUs: { readonly count: number; readonly p50: number };
  readonly closed: readonly unknown[];
}

interface Engine {
  readonly program: Program;
  readonly dataDir: string;
  readonly api: Api;
  readonly target: string;
  readonly keyFile: string;
}

async function engine(
  t: Test,
  push: Readonly<Record<string, unknown>> = {},
  threads = 'compact',
): Promise<Engine> {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-load-'));
  const dataDir = join(dir, 'data');
  const config = join(dir, 'config.json');
  writeFileSync(config, JSON.stringify({ push: { port: 0, instruments: INSTRUMENTS, ...push } }));
  const strategy = join(dir, 'pushed.mjs');
  writeFileSync(strategy, STRATEGY);
  const program = new Program([
    'run',
    ...['--strategy', strategy],
    ...['--config', config, '--data-dir', dataDir, '--port', '0', '--summary', 'json'],
    ...['--wait', 'park', '--threads', threads],
  ]);
  t.teardown(() => {
    program.child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const { port } = await program.listening();
  const pushPort = await eventually(
    () => /"pushPort":(\d+)/.exec(program.stderr)?.[1],
    'the push listener',
  );
  return {
    program,
    dataDir,
    api: new Api(port, dataDir),
    target: `http://127.0.0.1:${pushPort}`,
    keyFile: join(dataDir, 'push-key'),
  };
}

t.test(
  'two seconds of load: every tick is acknowledged and published, and the market is gone after it',
  async (t) => {
    const { program, api, target, keyFile } = await engine(t);
    const load = new Program([
      'load',
      ...['--target', target, '--rate', '10000', '--for', '2s', '--batch', '20'],
      ...['--publishers', '2', '--key-file', keyFile, '--json'],
    ]);
    t.teardown(() => load.child.kill('SIGKILL'));
    // While it runs, the pushed market is one like any other.
    await eventually(async () => {
      if (!load.isRunning) throw new Error(`load ended: ${load.stdout}${load.stderr}`);
      return (await marketOf(api, 'SOL-USD'))['staleReason'] === 'OK' || undefined;
    }, 'the pushed market to be fresh');
    t.equal((await load.ended()).exitCode, 0, load.stderr);
    const report = JSON.parse(load.stdout) as Report;
    t.ok(report.ok);
    t.match(report.ticks, { planned: 20_000, sent: 20_000, acked: 20_000, lost: 0, unsent: 0 });
    t.equal(report.latencyUs.count, 1_000);
    t.ok(report.ringTicks >= 20_000 && report.latencyUs.p50 > 0);
    await eventually(
      async () =>
        (await marketOf(api, 'SOL-USD'))['staleReason'] === 'FEED_DISCONNECTED' || undefined,
      'the market to be stale without its publisher',
    );
    t.equal((await program.kill('SIGTERM')).exitCode, 143, program.stderr.slice(-1000));
    const summary = JSON.parse(program.stdout) as {
      pushPort: number;
      push: Record<string, number>;
      intents: { emitted: number; refused: Record<string, number> };
      orders: { sent: number };
    };
    t.ok(summary.intents.emitted > 0, 'strategies see what is pushed');
    t.ok((summary.intents.refused['ORDER_VENUE_READ_ONLY'] ?? 0) > 0, 'and cannot trade it');
    t.equal(summary.orders.sent, 0);
    t.equal(summary.pushPort, Number(new URL(target).port));
    t.match(summary.push, { publishers: 2, ticks: 20_042, gaps: 0 });
  },
);

t.test('what goes wrong is told with its code', async (t) => {
  const { api, target, keyFile, program } = await engine(t, { batchTicksMax: 64 });
  const cases: readonly (readonly [string, number, readonly string[]])[] = [
    ['API_UNAUTHORIZED', 1, ['--target', target, '--key', 'wrong']],
    ['LOAD_TARGET', 1, ['--target', target, '--key-file', keyFile, '--publishers', '3']],
    ['LOAD_TARGET', 1, ['--target', 'http://127.0.0.1:1', '--key', 'x']],
    ['PUSH_BATCH_LIMIT', 1, ['--target', target, '--key-file', keyFile, '--batch', '65']],
    ['KEY_UNREADABLE', 2, ['--target', target, '--key-file', `${keyFile}.none`]],
    ['CONFIG_INVALID', 2, ['--rate', 'many', '--for', 'long', '--batch', '0', '--nonsense']],
  ];
  for (const [code, exitCode, args] of cases) {
    const load = new Program(['load', ...args]);
    t.equal((await load.ended()).exitCode, exitCode, `${code}: ${load.stderr}`);
    t.equal(load.error().code, code);
    if (code === 'CONFIG_INVALID') {
      for (const field of ['--target', '--rate', '--for', '--batch', '--nonsense']) {
        t.match(load.stderr, field);
      }
    }
  }
  const cut = new Program([
    'load',
    ...['--target', target, '--key-file', keyFile, '--rate', '1000', '--for', '60s'],
  ]);
  t.teardown(() => cut.child.kill('SIGKILL'));
  await eventually(
    async () => Number((await marketOf(api, 'SOL-USD'))['tradeCount']) > 0 || undefined,
    'the load to begin',
  );
  await program.kill('SIGKILL');
  t.equal((await cut.ended()).exitCode, 1);
  t.equal(cut.error().code, 'LOAD_TARGET');
  t.equal((JSON.parse(cut.stdout) as Report).ok, false, 'and the report is printed all the same');
});

t.test('an engine that takes less than is planned shows as loss, not as a good run', async (t) => {
  const limits = { ticksPerSecond: 1_000, creditBatches: 1 };
  const { target, keyFile } = await engine(t, limits, 'spread');
  const load = new Program([
    'load',
    ...['--target', target, '--key-file', keyFile, '--rate', '50000', '--for', '1s'],
  ]);
  t.equal((await load.ended()).exitCode, 1);
  const report = JSON.parse(load.stdout) as Report;
  t.ok(report.ticks.unsent > 0 && report.ticks.lost === 0, JSON.stringify(report.ticks));
  t.equal(load.error().code, 'LOAD_LOST');
});

t.test('the example publisher of the documentation pushes a market', async (t) => {
  const { api, target, keyFile } = await engine(t);
  const key = readFileSync(keyFile, 'utf8').trim();
  const child = spawn(process.execPath, [
    join(ROOT, 'docs/examples/push-publisher.mjs'),
    ...[target.replace('http', 'ws'), key, 'otc', 'SOL-USD', '4', '6', '500'],
  ]);
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  t.equal(exitCode, 0, stderr);
  t.same(JSON.parse(stdout), { batches: 500, ticks: 7 + 499 * 2 });
  const market = await marketOf(api, 'SOL-USD');
  t.equal(market['tradeCount'], 499);
});

t.test('the page names the hash of the schema and every close code', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/push-format.md'), 'utf8');
  const example = readFileSync(join(ROOT, 'docs/examples/push-publisher.mjs'), 'utf8');
  t.match(page, PUSH_SCHEMA_HASH);
  t.match(example, PUSH_SCHEMA_HASH);
  for (const [code, closeCode] of PUSH_CLOSE_CODES) {
    t.ok(page.includes(`| ${closeCode} | \`${code}\` |`), `${closeCode} ${code}`);
  }
});

async function marketOf(api: Api, symbol: string): Promise<Record<string, unknown>> {
  const { markets } = (await api.get('/v1/markets')) as { markets: Record<string, unknown>[] };
  const found = markets.find((market) => market['venue'] === 'otc' && market['symbol'] === symbol);
  if (found === undefined) throw new Error(`no market ${symbol}: ${JSON.stringify(markets)}`);
  return found;
}
