/**
 * feeds.stress: every simulated venue in one run while faults hit their feeds every few seconds. At the end the books are
 * those of the venues, on the way nothing stayed stale for long after its fault, and memory did not grow.
 *
 *   node dist/test/engine/feeds.stress.js [--seconds 60] [--seed 1] [--venues a,b]
 *
 * Prints what was seen as JSON; exit 1 with sentences when something is wrong. An hour of it is the proof that is noted in
 * docs/simulation.md; a minute of it is in `make stress`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SeededRandom } from '#src/domain/seeded-random.js';
import { SIMULATORS } from '#src/sim/simulators.js';
import { Api, eventually } from '../harness/program.js';

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));
const POLL_MS = 200;
/** A market may be stale for so long after its fault has ended. */
const STALE_MS_MAX = 5_000;
/** Until every feed has been up once. */
const WARM_UP_MS = 15_000;
/** Levels of a side that the API tells. */
const LEVELS = 8;
/** Heap and buffers breathe; what grows beyond this share is a leak. */
const GROWTH_MAX = 1.25;

interface Market {
  readonly venue: string;
  readonly symbol: string;
  readonly isStale: boolean;
  readonly staleReason: string;
  readonly staleMs: number;
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
}

interface Truth {
  readonly books: Readonly<
    Record<string, { readonly bids20: readonly unknown[]; readonly asks20: readonly unknown[] }>
  >;
}

/** What can happen to a feed. `lastsMs`: how long it goes on after it was asked for. */
const FAULTS: readonly {
  readonly body: Readonly<Record<string, unknown>>;
  readonly lastsMs: number;
}[] = [
  { body: { fault: 'disconnect', scope: 'public' }, lastsMs: 0 },
  { body: { fault: 'drop-frame' }, lastsMs: 1_000 },
  { body: { fault: 'gap', count: 4 }, lastsMs: 2_000 },
  { body: { fault: 'duplicate-frame', count: 2 }, lastsMs: 1_000 },
  { body: { fault: 'delay', ms: 700, count: 20 }, lastsMs: 3_000 },
  { body: { fault: 'silent', ms: 3_000 }, lastsMs: 3_000 },
  { body: { fault: 'rate-limit', count: 2 }, lastsMs: 3_000 },
];

class FeedsStress {
  readonly #names: readonly string[];
  readonly #random: SeededRandom;
  readonly #dir = mkdtempSync(join(tmpdir(), 'tickwire-feeds-'));
  readonly #children: ChildProcess[] = [];
  readonly #faultEndMs = new Map<string, number>();
  readonly #faultCounts = new Map<string, number>();
  readonly #worst = new Map<string, { ms: number; reason: string }>();
  readonly problems = new Set<string>();
  #rest: Readonly<Record<string, string>> = {};
  #log = '';

  constructor(names: readonly string[], seed: number) {
    this.#names = names;
    this.#random = new SeededRandom(seed);
  }

  async run(seconds: number): Promise<Record<string, unknown>> {
    try {
      return await this.#run(seconds);
    } finally {
      for (const child of this.#children) child.kill('SIGKILL');
      rmSync(this.#dir, { recursive: true, force: true });
    }
  }

  async #run(seconds: number): Promise<Record<string, unknown>> {
    const api = await this.#start();
    const startMs = Date.now();
    const endMs = startMs + WARM_UP_MS + seconds * 1_000;
    let nextFaultMs = startMs + WARM_UP_MS;
    let rssBefore = 0;
    while (Date.now() < endMs) {
      const nowMs = Date.now();
      await this.#look(api, nowMs, nowMs > startMs + WARM_UP_MS);
      if (nowMs >= nextFaultMs && nowMs < endMs - 2 * STALE_MS_MAX) {
        await this.#injure(nowMs);
        nextFaultMs = nowMs + 500 + (this.#random.nextUint32() % 3_000);
      }
      if (rssBefore === 0 && nowMs > startMs + (endMs - startMs) / 4) rssBefore = this.#rssMb();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const rssAfter = this.#rssMb();
    if (rssAfter > rssBefore * GROWTH_MAX)
      this.problems.add(`the engine grew from ${rssBefore} to ${rssAfter} MB`);
    const different = await this.#differences(api);
    for (const one of different) this.problems.add(one);
    const status = (await api.get('/v1/status'))['counters'] as Record<string, number>;
    return {
      seconds,
      venues: this.#names,
      faults: Object.fromEntries(this.#faultCounts),
      staleMsWorst: Object.fromEntries(this.#worst),
      rssMb: { before: rssBefore, after: rssAfter },
      frames: status['framesReceived'],
      gaps: status['feedGaps'],
      connects: status['feedConnects'],
      booksEqual: different.length === 0,
      problems: [...this.problems],
    };
  }

  async #start(): Promise<Api> {
    const sim = this.#spawn(['sim', '--venue', this.#names.join(','), '--exit-on-stdin-end']);
    const line = await eventually(() => {
      if (sim.exitCode !== null) throw new Error(this.#log);
      return sim.said().includes('\n') ? sim.said().split('\n')[0] : undefined;
    }, 'the simulators to listen');
    const { venues } = JSON.parse(line) as { venues: Record<string, { rest: string }> };
    this.#rest = Object.fromEntries(Object.entries(venues).map(([name, one]) => [name, one.rest]));
    const engine = this.#spawn([
      'run',
      ...['--venues', this.#names.join(','), '--sim', Object.values(this.#rest).join(',')],
      ...['--symbols', 'BTC-USD,ETH-USD', '--port', '0', '--data-dir', join(this.#dir, 'data')],
    ]);
    const port = await eventually(() => {
      if (engine.exitCode !== null) throw new Error(this.#log);
      const first = this.#log.split('\n').find((one) => one.includes('"msg":"listening"'));
      return first === undefined ? undefined : (JSON.parse(first) as { port: number }).port;
    }, 'the engine to listen');
    return new Api(port, join(this.#dir, 'data'));
  }

  #spawn(args: readonly string[]): ChildProcess & { said: () => string } {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#children.push(child);
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr.on('data', (data: Buffer) => {
      // The end of it is enough to say what went wrong.
      this.#log = (this.#log + data.toString()).slice(-100_000);
    });
    return Object.assign(child, { said: () => said });
  }

  async #look(api: Api, nowMs: number, counts: boolean): Promise<void> {
    for (const market of (await api.get('/v1/markets'))['markets'] as Market[]) {
      if (!market.isStale || !counts) continue;
      const { staleMs, staleReason: reason, symbol, venue } = market;
      const name = `${venue} ${symbol}`;
      const sinceFaultMs = nowMs - (this.#faultEndMs.get(venue) ?? 0);
      const ms = Math.min(staleMs, sinceFaultMs);
      if (ms > (this.#worst.get(name)?.ms ?? 0)) this.#worst.set(name, { ms, reason });
      if (ms > STALE_MS_MAX) this.problems.add(`${name} stayed stale (${reason})`);
    }
  }

  /** One fault at one venue. */
  async #injure(nowMs: number): Promise<void> {
    const venue = this.#names[this.#random.nextUint32() % this.#names.length] ?? '';
    const fault = FAULTS[this.#random.nextUint32() % FAULTS.length];
    if (fault === undefined) return;
    const name = String(fault.body['fault']);
    this.#faultCounts.set(name, (this.#faultCounts.get(name) ?? 0) + 1);
    this.#faultEndMs.set(venue, Math.max(this.#faultEndMs.get(venue) ?? 0, nowMs + fault.lastsMs));
    await this.#post(venue, '/_sim/fault', fault.body);
  }

  async #post(venue: string, path: string, body: object): Promise<void> {
    const url = `${this.#rest[venue] ?? ''}${path}`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${url}: ${await answer.text()}`);
  }

  /** Books of the engine that are not the venue's, once all markets stand still. */
  async #differences(api: Api): Promise<readonly string[]> {
    await this.#post(this.#names[0] ?? '', '/_sim/market', { isPaused: true });
    let different: string[] = [];
    await eventually(async () => {
      different = [];
      const markets = (await api.get('/v1/markets'))['markets'] as Market[];
      for (const venue of this.#names) {
        const answer = await fetch(`${this.#rest[venue] ?? ''}/_sim/truth`);
        const { books } = (await answer.json()) as Truth;
        for (const market of markets.filter((one) => one.venue === venue)) {
          const book = books[market.symbol];
          const cut = (levels: readonly unknown[] = []): readonly unknown[] =>
            levels.slice(0, LEVELS);
          const wanted = JSON.stringify([cut(book?.bids20), cut(book?.asks20)]);
          const seen = JSON.stringify([cut(market.bids), cut(market.asks)]);
          if (seen !== wanted)
            different.push(`${venue} ${market.symbol}: ${seen} is not ${wanted}`);
        }
      }
      return different.length === 0 || undefined;
    }, 'equal books').catch(() => undefined);
    return different;
  }

  #rssMb(): number {
    const engine = this.#children[1]?.pid ?? 0;
    const text = readFileSync(`/proc/${engine}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024);
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    venues: { type: 'string', default: SIMULATORS.map(({ venue }) => venue).join(',') },
  },
  // `make stress ARGS=…` gives every stress run the same options.
  strict: false,
});
const stress = new FeedsStress(String(values.venues).split(','), Number(values.seed));
const report = await stress.run(Number(values.seconds));
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
process.exitCode = stress.problems.size > 0 ? 1 : 0;
