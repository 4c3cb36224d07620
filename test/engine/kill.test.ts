/**
 * Pulling the plug: the engine is killed without warning, again and again, while it trades against a simulator of its own
 * process. After each start it must know every fill exactly once; so must it after the simulator itself was killed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSqlite } from '#src/runtime/sqlite.js';
import { Api, Program, eventually, startSim, truthOf } from '../harness/program.js';

const KILLS = 20;

function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-kill-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

function runArgs(dataDir: string, rest: string, more: readonly string[] = []): string[] {
  return [
    'run',
    ...['--sim', rest, '--data-dir', dataDir, '--port', '0', '--wait', 'park'],
    ...['--threads', 'compact', '--param', 'ema-cross.fastTrades=3,ema-cross.slowTrades=9'],
    ...more,
  ];
}

interface KnownFill {
  readonly venue_fill_id: string;
}

/** The journal's own fills, by the venue's id. */
function knownFills(dataDir: string): string[] {
  const db = openSqlite(join(dataDir, 'journal.sqlite'), { readonly: true });
  const rows = db.prepare('SELECT venue_fill_id FROM fills').all() as KnownFill[];
  db.close();
  return rows.map((row) => row.venue_fill_id).sort();
}

function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

t.test(`${String(KILLS)} kills at random moments lose no fill and double none`, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.comment(`SEED=${String(seed)}`);
  const random = pseudoRandom(seed);
  const dataDir = tempDir(t);
  const sim = await startSim(['--port', '0', '--speed', '20', '--data-dir', tempDir(t)]);
  t.teardown(async () => {
    await sim.program.kill('SIGKILL');
  });
  for (let round = 0; round < KILLS; round++) {
    const engine = new Program(runArgs(dataDir, sim.rest));
    const { port } = await engine.listening();
    const api = new Api(port, dataDir);
    const before = (await truthOf(sim.rest)).fillCount;
    // Some rounds wait until it has traded, so that there is something to lose; then any moment will do.
    if (round % 3 === 0)
      await eventually(
        async () => ((await truthOf(sim.rest)).fillCount > before ? true : undefined),
        'a fill',
      );
    const endMs = Date.now() + random() * 600;
    await eventually(() => (Date.now() >= endMs ? true : undefined), 'the moment');
    t.ok((await api.get('/v1/status'))['trading'] !== undefined, `round ${String(round)} lived`);
    await engine.kill('SIGKILL');
  }
  const last = new Program(runArgs(dataDir, sim.rest, ['--for', '3s', '--summary', 'json']));
  const { exitCode } = await last.ended();
  t.equal(exitCode, 0, last.stderr.slice(-2_000));
  const truth = await truthOf(sim.rest);
  t.ok(truth.fillCount > KILLS / 3, `it traded: ${String(truth.fillCount)} fills`);
  t.same(
    knownFills(dataDir),
    truth.fills.map((fill) => fill.entry_id).sort(),
    'every fill of the venue once, and no other',
  );
  const summary = JSON.parse(last.stdout) as { positions: { symbol: string; size: string }[] };
  t.equal(
    summary.positions.find((position) => position.symbol === 'BTC-USD')?.size ?? '0',
    truth.positions.find((position) => position.symbol === 'BTC-USD')?.size ?? '0',
    'the position is the venue’s',
  );
});

t.test(
  'a resting order is known again after a kill, and cancelled at the next clean end',
  async (t) => {
    const dataDir = tempDir(t);
    const sim = await startSim(['--port', '0', '--speed', '20', '--data-dir', tempDir(t)]);
    t.teardown(async () => {
      await sim.program.kill('SIGKILL');
    });
    const resting = [
      '--param',
      'ema-cross.fastTrades=3,ema-cross.slowTrades=9,ema-cross.joinTtlMs=600000',
    ];
    const engine = new Program(runArgs(dataDir, sim.rest, resting));
    await engine.listening();
    const open = await eventually(async () => {
      const truth = await truthOf(sim.rest);
      return truth.orders.find((order) => order['status'] === 'OPEN');
    }, 'a resting order');
    await engine.kill('SIGKILL');
    const again = new Program(runArgs(dataDir, sim.rest, resting));
    const { port } = await again.listening();
    const truthNow = await truthOf(sim.rest);
    if (
      truthNow.orders.find((order) => order['order_id'] === open['order_id'])?.['status'] === 'OPEN'
    ) {
      const { orders } = (await new Api(port, dataDir).get('/v1/orders')) as {
        orders: { clientOrderId: string }[];
      };
      t.ok(
        orders.some((order) => order.clientOrderId === open['client_order_id']),
        'the order is there again',
      );
    }
    const { exitCode } = await again.kill('SIGTERM');
    t.equal(exitCode, 143);
    t.equal((await truthOf(sim.rest)).openOrders, 0, 'nothing is left open');
  },
);

t.test(
  'Ctrl-C reaches the whole group of processes, and open orders are cancelled all the same',
  async (t) => {
    const dataDir = tempDir(t);
    const engine = new Program(
      [
        'run',
        ...['--data-dir', dataDir, '--port', '0', '--wait', 'park', '--speed', '20'],
        '--param',
        'ema-cross.fastTrades=3,ema-cross.slowTrades=9,ema-cross.joinTtlMs=600000',
      ],
      { isOwnGroup: true },
    );
    const { port } = await engine.listening();
    const api = new Api(port, dataDir);
    await eventually(async () => {
      const { orders } = (await api.get('/v1/orders?open=true')) as { orders: unknown[] };
      return orders.length > 0 ? true : undefined;
    }, 'an open order');
    const { exitCode } = await engine.interruptGroup();
    t.equal(exitCode, 130, engine.stderr.slice(-2_000));
    t.notMatch(engine.stderr, 'starting it again', 'the venue outlived the signal');
    const db = openSqlite(join(dataDir, 'journal.sqlite'), { readonly: true });
    t.equal(db.prepare('SELECT COUNT(*) FROM orders WHERE is_open = 1').pluck().get(), 0);
    db.close();
  },
);

t.test(
  'a simulator killed in mid-run is found again, and the position is right afterwards',
  async (t) => {
    const dataDir = tempDir(t);
    const simDir = tempDir(t);
    const first = await startSim(['--port', '0', '--speed', '20', '--data-dir', simDir]);
    const engine = new Program(runArgs(dataDir, first.rest, ['--for', '12s', '--summary', 'json']));
    const { port } = await engine.listening();
    await eventually(
      async () => ((await truthOf(first.rest)).fillCount > 0 ? true : undefined),
      'a fill',
    );
    await first.program.kill('SIGKILL');
    const api = new Api(port, dataDir);
    await eventually(async () => {
      const metrics = JSON.stringify(await api.get('/v1/status'));
      return metrics.includes('FEED_DISCONNECTED') ? true : undefined;
    }, 'the market to be stale');
    const second = await startSim([
      ...['--port', new URL(first.rest).port, '--speed', '20', '--data-dir', simDir],
    ]);
    t.teardown(async () => {
      await second.program.kill('SIGKILL');
    });
    const before = (await truthOf(second.rest)).fillCount;
    await eventually(
      async () => ((await truthOf(second.rest)).fillCount > before ? true : undefined),
      'a fill after the return',
    );
    const { exitCode } = await engine.ended();
    t.equal(exitCode, 0, engine.stderr.slice(-2_000));
    const truth = await truthOf(second.rest);
    t.same(
      knownFills(dataDir),
      truth.fills.map((fill) => fill.entry_id).sort(),
      'every fill of the venue once, and no other',
    );
  },
);
