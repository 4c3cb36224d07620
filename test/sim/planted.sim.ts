/**
 * planted: shows that the worlds bite: each of these bugs is planted into a copy of the built program, and worlds are
 * lived until one breaks. Exit 1 when a bug survives a thousand seeds. `make sim-planted`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Planted {
  readonly name: string;
  readonly file: string;
  /** Text of the built file, and what stands there instead. */
  readonly from: string | RegExp;
  readonly to: string;
}

const BUGS: readonly Planted[] = [
  {
    name: 'a fill that is told twice counts twice',
    file: 'execution/fill-keys.js',
    from: 'return this.#cells[this.#cellOf(key)] === key;',
    to: 'return false;',
  },
  {
    name: 'the fee of a fill is forgotten in the cash',
    file: 'execution/on-report.js',
    from: 'BigInt(size) + BigInt(fee)) * BigInt(target.quoteFactor)',
    to: 'BigInt(size)) * BigInt(target.quoteFactor)',
  },
  {
    name: 'the position of a partial close keeps the whole cost',
    file: 'domain/position.js',
    from: 'position.costMantissa -= costClosed;',
    to: 'position.costMantissa -= 0n;',
  },
  {
    name: 'an order without an answer is taken for refused',
    file: 'execution/on-report.js',
    from: 'OrderEvent.Unanswered, input, outbox)',
    to: 'OrderEvent.Refuse, input, outbox)',
  },
  {
    name: 'what is open does not count against the position limit',
    file: 'domain/risk.js',
    from: 'return (held + openSameSideMantissa + sizeMantissa) * priceMantissa;',
    to: 'return (held + sizeMantissa) * priceMantissa;',
  },
  {
    name: 'a sale need not be covered',
    file: 'domain/risk.js',
    from: 'return sizeMantissa <= sellableMantissa ? 0 : INVENTORY;',
    to: 'return 0;',
  },
  {
    name: 'order numbers start anew with each run',
    file: 'execution/order-desk.js',
    from: 'this.state.run * ORDER_SEQ_PER_RUN + this.state.orderCount + 1',
    to: 'ORDER_SEQ_PER_RUN + this.state.orderCount + 1',
  },
  {
    name: 'a snapshot forgets what is reserved',
    file: 'execution/core-snapshot.js',
    from: 'ledger.reserved.setBig(this.#big() * factor);',
    to: 'this.#big();',
  },
  {
    name: 'a snapshot forgets the fills that were applied',
    file: 'execution/core-snapshot.js',
    from: 'state.fillKeys.add(key);',
    to: 'if (key < 0) state.fillKeys.add(key);',
  },
  {
    name: 'a unit of money appears with each sale',
    file: 'execution/on-report.js',
    from: 'state.trades.add(state.epochMs())',
    to: '(state.trades.add(state.epochMs()), side === Side.Sell && target.quote.total.addBig(1n))',
  },
  {
    name: 'money that was set aside is not given back',
    file: 'execution/order-desk.js',
    from: 'target.quote.reserved.add(reserved - order.reservedQuote);',
    to: 'target.quote.reserved.add(Math.max(0, reserved - order.reservedQuote));',
  },
  {
    name: 'an unknown outcome is sent again',
    file: 'execution/execution-agent.js',
    from: 'this.#session?.query(output.orderSeq);',
    to: 'this.#session?.place(Object.assign(output, { kind: EventKind.OrderSend }));',
  },
  {
    name: 'an order under cancellation is no exposure',
    file: 'execution/order-desk.js',
    from: 'const isAway = order.state !== OrderState.Held;',
    to: 'const isAway = order.state !== OrderState.Held && order.state !== OrderState.PendingCancel;',
  },
];

const SEEDS = Number(process.env['SEEDS'] ?? 1000);
const dist = fileURLToPath(new URL('../../', import.meta.url));
const root = join(dist, '..');
const work = mkdtempSync(join(tmpdir(), 'tickwire-planted-'));
let survivors = 0;
try {
  cpSync(dist, join(work, 'dist'), { recursive: true });
  for (const name of ['node_modules', 'src', 'package.json', 'test', 'schemas']) {
    symlinkSync(join(root, name), join(work, name));
  }
  for (const bug of BUGS) {
    const path = join(work, 'dist', bug.file);
    const whole = readFileSync(path, 'utf8');
    const planted = whole.replace(bug.from, bug.to);
    if (planted === whole) throw new Error(`nothing to plant: ${bug.name}`);
    writeFileSync(path, planted);
    const startMs = performance.now();
    const run = spawnSync(process.execPath, [join(work, 'dist/test/sim/world.sim.js')], {
      cwd: work,
      encoding: 'utf8',
      env: { ...process.env, SEEDS: String(SEEDS), SECONDS: '60', BROKEN_MAX: '1' },
    });
    writeFileSync(path, whole);
    const line = run.stderr.split('\n').find((one) => one.includes('SEED_FROM=')) ?? '';
    const seed = /SEED_FROM=(\d+)/.exec(line)?.[1];
    const seconds = Math.round((performance.now() - startMs) / 1000);
    if (seed === undefined) survivors++;
    console.log(
      JSON.stringify({
        bug: bug.name,
        caughtBySeed: seed === undefined ? null : Number(seed),
        seconds,
        how: line.split('# ')[1]?.slice(0, 160) ?? run.stderr.slice(0, 300),
      }),
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = survivors > 0 ? 1 : 0;
