/**
 * The main job: a recorded market arrives in Coinbase's dialect over real sockets, crosses real threads and rings, and
 * comes out as orders and fills; at the end the engine and the venue agree to the last digit. In both thread modes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Program } from '../harness/program.js';

interface Summary {
  readonly threads: string;
  readonly ticks: { received: number; published: number; lapped: Record<string, number> };
  readonly intents: { emitted: number; approved: number };
  readonly orders: { sent: number; accepted: number; filled: number; open: number };
  readonly fills: number;
  readonly positions: { symbol: string; size: string }[];
  readonly venueTruth: Record<
    string,
    { positions: { symbol: string; size: string }[]; openOrders: number; fills: number }
  >;
  readonly port: number;
  readonly portfolio: { currency: string; equity: string; cash: string; exposure: string };
  readonly latencyUs: Record<string, { count: number }>;
  readonly journal: { records: number; stateHash: string };
}

for (const threads of ['compact', 'spread']) {
  t.test(
    `in ${threads} mode the engine trades, and ends in agreement with the venue`,
    async (t) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'tickwire-run-'));
      t.teardown(() => {
        rmSync(dataDir, { recursive: true, force: true });
      });
      const program = new Program([
        'run',
        ...['--for', '8s', '--summary', 'json', '--port', '0', '--speed', '10'],
        ...['--data-dir', dataDir, '--threads', threads, '--wait', 'park'],
      ]);
      const { exitCode } = await program.ended();
      t.equal(exitCode, 0, program.stderr.slice(-2_000));
      const summary = JSON.parse(program.stdout) as Summary;
      t.equal(summary.threads, threads);
      t.ok(summary.ticks.received > 0 && summary.ticks.published > 0, 'ticks');
      t.ok(summary.intents.emitted > 0 && summary.intents.approved > 0, 'intents');
      t.ok(summary.orders.sent > 0 && summary.orders.accepted > 0, 'orders');
      t.ok(summary.fills > 2, `fills both ways: ${String(summary.fills)}`);
      for (const [reader, count] of Object.entries(summary.ticks.lapped))
        t.equal(count, 0, `${reader} missed nothing`);
      const truth = summary.venueTruth['coinbase'];
      t.same(
        summary.positions.map(({ symbol, size }) => ({ symbol, size })).filter(isHeld),
        truth?.positions.map(({ symbol, size }) => ({ symbol, size })).filter(isHeld),
        'positions are those of the venue',
      );
      t.equal(summary.fills, truth?.fills, 'fills are those of the venue');
      t.equal(truth?.openOrders, 0, 'open orders were cancelled at the end');
      t.equal(summary.orders.open, 0);
      t.ok(summary.port > 0, 'the port is told');
      t.match(summary.journal.stateHash, /^[0-9a-f]{16,}$/);
      t.ok(summary.journal.records > summary.fills);
      t.ok((summary.latencyUs['tickToOrder']?.count ?? 0) > 0, 'latency was measured');
      t.equal(summary.portfolio.currency, 'USD');
    },
  );
}

function isHeld(position: { readonly size: string }): boolean {
  return position.size !== '0';
}
