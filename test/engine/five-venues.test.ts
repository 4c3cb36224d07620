/**
 * All venues in one run, each in its own dialect over real sockets: every market gets fresh and is the venue's own book,
 * strategies see them all, orders go where there is a private side and are refused by name where there is none.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { EventKind } from '#src/generated/hot.js';
import { SIMULATORS } from '#src/sim/simulators.js';
import { Api, Program, eventually } from '../harness/program.js';

/** Whoever can be simulated. */
const NAMES = SIMULATORS.map(({ venue }) => venue);
const READ_ONLY = NAMES.filter((venue) => venue !== 'coinbase');
const ORDER_SEND = String(EventKind.OrderSend);
const INTENT_REFUSED = String(EventKind.IntentRefused);
/** Levels of a side that the API tells. */
const LEVELS = 8;

interface Market {
  readonly venue: string;
  readonly symbol: string;
  readonly isStale: boolean;
  readonly staleReason: string;
  readonly tradeCount: number;
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
}

interface Summary {
  readonly venues: readonly string[];
  readonly ticks: { readonly published: number };
  readonly intents: {
    readonly emitted: number;
    readonly approved: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly orders: { readonly sent: number; readonly filled: number };
  readonly positions: readonly { readonly venue: string; readonly size: string }[];
  readonly venueTruth: Readonly<
    Record<
      string,
      { readonly positions: readonly { readonly size: string }[]; readonly fills: number }
    >
  >;
}

function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-five-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

/**
 * Buys once in every instrument that it sees quoted, whatever the venue, and notes which instruments it was made with and
 * which ones told it something, as names of files.
 */
function writeBuyer(dir: string): string {
  const path = join(dir, 'buyer.mjs');
  writeFileSync(
    path,
    `import { writeFileSync } from 'node:fs';
     export default {
       name: 'buyer', sentence: 'Buys once everywhere.', params: {},
  create: ({ instruments }) => {
         const told = new Set();
         const answered = new Set();
         const note = (what, { venue, symbol }) =>
           writeFileSync(${JSON.stringify(dir)} + '/' + what + '-' + venue + '-' + symbol, '');
         for (const one of instruments) note('offered', one);
         return {
           name: 'buyer',
           onTick(tick, market, nowNs, out) {
             const { instrument } = market;
             if (!told.has(instrument.index)) note('told', instrument);
             told.add(instrument.index);
             if (answered.has(instrument.index) || market.workingCount > 0 || !market.isQuoted) return;
             const intent = out.next(1);
             intent.instrumentIndex = instrument.index;
             intent.side = 1; intent.orderType = 1; intent.timeInForce = 2;
             const limit = market.askPriceMantissa * 1.001;
             intent.priceMantissa = Math.floor(limit / instrument.tickMantissa) * instrument.tickMantissa;
             const worth = 50 * 10 ** (instrument.priceScale + instrument.sizeScale) / market.askPriceMantissa;
             intent.sizeMantissa = Math.ceil(worth / instrument.lotMantissa) * instrument.lotMantissa;
             intent.referencePriceMantissa = market.midPriceMantissa;
             intent.confidencePpm = 1_000_000;
           },
           onOrderEvent(event, market) {
             if (event.kind === ${ORDER_SEND} || event.kind === ${INTENT_REFUSED}) answered.add(market.instrument.index);
           },
           onDeadline() {} };
       } };`,
  );
  return path;
}

/** A process that simulates every venue, and where each of them listens. */
async function startSims(t: Test): Promise<Readonly<Record<string, string>>> {
  const program = new Program(['sim', '--venue', NAMES.join(','), '--exit-on-stdin-end']);
  t.teardown(() => program.child.kill('SIGKILL'));
  const line = await eventually(() => {
    if (!program.isRunning) throw new Error(`the simulator ended: ${program.stderr}`);
    return program.stdout.includes('\n') ? program.stdout.split('\n')[0] : undefined;
  }, 'the simulators to listen');
  const { venues } = JSON.parse(line) as { venues: Record<string, { rest: string }> };
  return Object.fromEntries(Object.entries(venues).map(([venue, { rest }]) => [venue, rest]));
}

t.test('every venue is live in one run, and orders go where they can', async (t) => {
  const dir = tempDir(t);
  const dataDir = join(dir, 'data');
  const program = new Program([
    'run',
    ...['--venues', NAMES.join(','), '--strategy', writeBuyer(dir)],
    ...['--for', '12s', '--summary', 'json', '--port', '0', '--data-dir', dataDir],
    ...['--wait', 'park'],
  ]);
  const { port } = await program.listening();
  const api = new Api(port, dataDir);
  const marketsNow = async (): Promise<readonly Market[]> =>
    (await api.get('/v1/markets'))['markets'] as readonly Market[];
  await eventually(async () => {
    const markets = await marketsNow();
    const isReady = markets.every(({ isStale, tradeCount }) => !isStale && tradeCount > 0);
    return isReady ? true : undefined;
  }, 'every market to be fresh and to have traded').catch(async () => {
    t.fail(JSON.stringify(await marketsNow()));
  });
  const fresh = await marketsNow();
  t.same([...new Set(fresh.map(({ venue }) => venue))].sort(), [...NAMES].sort());

  const { exitCode } = await program.ended();
  t.equal(exitCode, 0, program.stderr.slice(-2_000));
  const summary = JSON.parse(program.stdout) as Summary;
  t.same([...summary.venues].sort(), [...NAMES].sort());
  const bought = fresh.filter(({ symbol }) => symbol.startsWith('BTC-'));
  t.equal(bought.length, NAMES.length, 'a market of each venue is offered to strategies');
  for (const { symbol, venue } of bought) t.ok(isThere(dir, 'told', venue, symbol), venue);
  const pricers = fresh.filter((market) => !bought.includes(market));
  for (const { symbol, venue } of pricers) {
    t.notOk(isThere(dir, 'offered', venue, symbol), `${venue} ${symbol} only prices a currency`);
    t.notOk(isThere(dir, 'told', venue, symbol), 'and strategies never hear of it');
  }
  t.equal(summary.intents.emitted, NAMES.length);
  t.same(summary.intents.refused, { ORDER_VENUE_READ_ONLY: READ_ONLY.length });
  t.equal(summary.intents.approved, 1);
  t.equal(summary.orders.filled, 1);
  t.same(
    summary.positions.map(({ venue }) => venue),
    ['coinbase'],
    'positions are where they can be',
  );
  t.match(summary.venueTruth['coinbase']?.positions, [{ size: summary.positions[0]?.size }]);
  for (const venue of READ_ONLY) {
    t.same(summary.venueTruth[venue]?.positions, [], `${venue} holds nothing of ours`);
    t.equal(summary.venueTruth[venue]?.fills, 0);
  }
});

t.test('the books of the engine are those of the venues, level for level', async (t) => {
  const dataDir = tempDir(t);
  const sims = await startSims(t);
  const program = new Program([
    'run',
    ...['--venues', NAMES.join(','), '--sim', Object.values(sims).join(',')],
    ...['--symbols', 'BTC-USD,ETH-USD', '--port', '0', '--data-dir', dataDir, '--wait', 'park'],
  ]);
  t.teardown(() => program.child.kill('SIGKILL'));
  const { port } = await program.listening();
  const api = new Api(port, dataDir);
  const marketsNow = async (): Promise<readonly Market[]> =>
    (await api.get('/v1/markets'))['markets'] as readonly Market[];
  await eventually(async () => {
    const markets = await marketsNow();
    return markets.every(({ isStale, tradeCount }) => !isStale && tradeCount > 0) || undefined;
  }, 'every market to be fresh and to have traded');

  await fetch(`${sims['coinbase'] ?? ''}/_sim/market`, {
    method: 'POST',
    body: '{"isPaused": true}',
  });
  const differences = async (): Promise<readonly string[]> => {
    const different: string[] = [];
    const markets = await marketsNow();
    for (const venue of NAMES) {
      const truth = (await (await fetch(`${sims[venue] ?? ''}/_sim/truth`)).json()) as {
        books: Record<string, { bids20: unknown[]; asks20: unknown[] }>;
      };
      for (const market of markets.filter((one) => one.venue === venue)) {
        const book = truth.books[market.symbol];
        const wanted = JSON.stringify([
          book?.bids20.slice(0, LEVELS),
          book?.asks20.slice(0, LEVELS),
        ]);
        const seen = JSON.stringify([market.bids.slice(0, LEVELS), market.asks.slice(0, LEVELS)]);
        if (seen !== wanted) different.push(`${venue} ${market.symbol}:\n${seen}\n${wanted}`);
      }
    }
    return different;
  };
  let last: readonly string[] = [];
  await eventually(
    async () => {
      last = await differences();
      return last.length === 0 || undefined;
    },
    'equal books',
    15_000,
  ).catch(() => undefined);
  t.same(last, []);
  t.equal((await program.kill('SIGINT')).exitCode, 130);
});

t.test(
  'a killed process of embedded venues comes back where it was, and every feed with it',
  async (t) => {
    const dataDir = tempDir(t);
    const program = new Program([
      'run',
      ...['--venues', 'coinbase,kraken', '--port', '0', '--data-dir', dataDir, '--wait', 'park'],
    ]);
    t.teardown(() => program.child.kill('SIGKILL'));
    const { port } = await program.listening();
    const api = new Api(port, dataDir);
    const areFresh = async (): Promise<true | undefined> => {
      const { markets } = (await api.get('/v1/markets')) as { markets: readonly Market[] };
      return markets.every(({ isStale }) => !isStale) || undefined;
    };
    await eventually(areFresh, 'fresh markets');
    const pid = program.child.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    t.equal(children.length, 1, 'one process serves both venues');
    process.kill(Number(children[0]), 'SIGKILL');
    await eventually(async () => ((await areFresh()) === true ? undefined : true), 'stale markets');
    await eventually(areFresh, 'fresh markets again');
    t.match(
      program.stderr,
      /the simulator of coinbase, kraken ended with SIGKILL; starting it again/,
    );
    t.equal((await program.kill('SIGTERM')).exitCode, 143);
  },
);

function isThere(dir: string, what: string, venue: string, symbol: string): boolean {
  return existsSync(join(dir, `${what}-${venue}-${symbol}`));
}
