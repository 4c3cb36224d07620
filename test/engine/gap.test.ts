/**
 * A hole in the venue's sequence, a venue that falls silent, a process that stood still: the market is stale, nothing is
 * traded on it, a new snapshot mends it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Api, Program, eventually, startSim, truthOf } from '../harness/program.js';

interface Status {
  readonly markets: readonly {
    readonly isStale: boolean;
    readonly staleReason: string;
    readonly gapCount: number;
  }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly latencyUs: Readonly<Record<string, { readonly count: number }>>;
}

void t.test(
  'a gap makes the market stale until a new snapshot, and trading goes on after it',
  async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tickwire-gap-'));
    const sim = await startSim(['--port', '0', '--speed', '20']);
    const engine = new Program([
      'run',
      ...['--sim', sim.rest, '--data-dir', dataDir, '--port', '0', '--wait', 'park'],
      ...['--param', 'ema-cross.fastTrades=3,ema-cross.slowTrades=9'],
    ]);
    t.teardown(async () => {
      await engine.kill('SIGTERM');
      await sim.program.kill('SIGTERM');
      rmSync(dataDir, { recursive: true, force: true });
    });
    const { port } = await engine.listening();
    const api = new Api(port, dataDir);
    const status = async (): Promise<Status> => (await api.get('/v1/status')) as unknown as Status;
    const fault = async (name: string, more: Record<string, unknown> = {}): Promise<void> => {
      const answer = await fetch(`${sim.rest}/_sim/fault`, {
        method: 'POST',
        body: JSON.stringify({ fault: name, ...more }),
      });
      t.ok(answer.ok, await answer.text());
    };
    await eventually(
      async () => ((await truthOf(sim.rest)).fillCount > 0 ? true : undefined),
      'a fill',
    );

    await fault('gap');
    const after = await eventually(async () => {
      const now = await status();
      // Counters and board are not written at one moment: all of it must have come.
      const isMended =
        (now.counters['feedGaps'] ?? 0) > 0 &&
        (now.counters['feedConnects'] ?? 0) >= 2 &&
        (now.latencyUs['recovery']?.count ?? 0) >= 1 &&
        (now.markets[0]?.gapCount ?? 0) >= 1 &&
        now.markets[0]?.isStale === false;
      return isMended ? now : undefined;
    }, 'the gap to be seen and mended');
    // The fault loses five frames of the venue, which may hit the new connection once more.
    t.ok((after.markets[0]?.gapCount ?? 0) >= 1, 'the board counts it');
    t.ok((after.counters['feedConnects'] ?? 0) >= 2, 'by a new connection');
    t.ok((after.latencyUs['recovery']?.count ?? 0) >= 1, 'and how long it took was measured');

    // A venue that says nothing any more: the book is there and looks fine, but it is old.
    await fault('silent', { ms: 60_000 });
    const stale = await eventually(async () => {
      const now = await status();
      const market = now.markets[0];
      return market?.isStale === true && market.staleReason.startsWith('FEED_') ? now : undefined;
    }, 'the silence to be noticed');
    const fillsBefore = (await truthOf(sim.rest)).fillCount;
    const sentBefore = stale.counters['ordersSent'];
    await fault('disconnect');
    await eventually(
      async () =>
        ((await status()).counters['feedConnects'] ?? 0) >=
        (stale.counters['feedConnects'] ?? 0) + 2
          ? true
          : undefined,
      'two more dials into the silence',
    );
    t.equal((await status()).counters['ordersSent'], sentBefore, 'nothing was ordered meanwhile');
    t.equal((await truthOf(sim.rest)).fillCount, fillsBefore);
  },
);

void t.test('an engine that was stopped for a while believes nothing that it knew', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tickwire-pause-'));
  const config = join(dataDir, 'config.json');
  writeFileSync(config, JSON.stringify({ feed: { pauseMaxMs: 1_000 } }));
  const sim = await startSim(['--port', '0']);
  const engine = new Program([
    'run',
    ...['--config', config, '--sim', sim.rest, '--data-dir', dataDir, '--port', '0'],
    ...['--wait', 'park'],
  ]);
  t.teardown(async () => {
    engine.child.kill('SIGCONT');
    await engine.kill('SIGTERM');
    await sim.program.kill('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  const { port } = await engine.listening();
  const api = new Api(port, dataDir);
  const status = async (): Promise<Status> => (await api.get('/v1/status')) as unknown as Status;
  const fresh = async (connects: number): Promise<Status> =>
    await eventually(async () => {
      const now = await status();
      const isBack = (now.counters['feedConnects'] ?? 0) >= connects;
      return isBack && now.markets[0]?.isStale === false ? now : undefined;
    }, `the market to be fresh on connection ${connects}`);
  const before = await fresh(1);
  engine.child.kill('SIGSTOP');
  // The pause itself: the engine cannot be asked whether it is long enough.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  engine.child.kill('SIGCONT');
  const after = await fresh((before.counters['feedConnects'] ?? 0) + 1);
  const jumps = (now: Status): number => now.counters['feedClockJumps'] ?? 0;
  t.ok(jumps(after) > jumps(before), 'it was noticed');
  t.match(engine.stderr, /"reason":"CLOCK_JUMP","detail":"no turn for \d+ ms/);
});
