/** Which roles share a thread and how each waits: by configuration and by the cores that are really free. */
import t from 'tap';
import { ConfigError, parseConfig } from '#src/config.js';
import { planThreads } from '#src/engine.js';
import type { Cores } from '#src/runtime/cores.js';

function cores(freeCount: number, spinCount = freeCount): Cores {
  return { freeCount, spinCount, allowedCount: spinCount, isolatedList: '', quotaCores: null };
}

/** Thread name → how it waits. */
function waits(raw: Readonly<Record<string, unknown>>, available: Cores): Record<string, string> {
  const { threads } = planThreads(parseConfig(raw), available);
  return Object.fromEntries(threads.map(({ name, waitMode }) => [name, waitMode]));
}

function problemOf(raw: Readonly<Record<string, unknown>>, available: Cores): string {
  try {
    planThreads(parseConfig(raw), available);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no problem';
}

t.test('auto spreads only when each hot thread and the rest have a core', async (t) => {
  const mode = (available: Cores, raw = {}): string =>
    planThreads(parseConfig(raw), available).mode;
  t.equal(mode(cores(3)), 'compact');
  t.equal(mode(cores(4)), 'spread');
  t.equal(mode(cores(3, 8)), 'compact', 'isolated cores do not help who is not pinned');
  const two = { signalWorkers: 2, strategies: ['ema-cross', 'ema-cross'] };
  t.equal(mode(cores(4), two), 'compact');
  t.equal(mode(cores(5), two), 'spread');
  t.equal(mode(cores(4), { signalWorkers: 8 }), 'spread', 'one strategy has one signal thread');
});

t.test('auto polls when a core is left over, else it sleeps; it never spins', async (t) => {
  t.same(waits({}, cores(1)), { journal: 'park', control: 'park', hot: 'park' });
  t.same(waits({}, cores(0)), { journal: 'park', control: 'park', hot: 'park' });
  t.same(waits({}, cores(2)), { journal: 'park', control: 'park', hot: 'yield' });
  t.match(waits({}, cores(64)), { ingest: 'yield', 'signal-0': 'yield', execution: 'yield' });
  t.match(waits({ threads: 'spread' }, cores(3)), { ingest: 'park', 'signal-0': 'park' });
});

t.test('a role may wait in its own way; the rest follow --wait', async (t) => {
  const raw = { threads: 'spread', wait: 'park', waitRoles: { signal: 'spin' } };
  t.same(waits(raw, cores(2)), {
    journal: 'park',
    control: 'park',
    ingest: 'park',
    'signal-0': 'spin',
    execution: 'park',
  });
  t.match(waits({ wait: 'spin' }, cores(8)), { journal: 'park', control: 'park' });
  t.match(waits({ waitRoles: { journal: 'yield' } }, cores(8)), { journal: 'yield' });
  t.match(waits({ wait: 'spin', waitRoles: { execution: 'auto' } }, cores(8)), {
    ingest: 'spin',
    execution: 'yield',
  });
});

t.test('roles that share a thread wait as the least patient of them', async (t) => {
  const raw = { threads: 'compact', wait: 'park', waitRoles: { signal: 'spin' } };
  t.match(waits(raw, cores(2)), { hot: 'spin' });
  const patient = { threads: 'compact', wait: 'yield', waitRoles: { signal: 'park' } };
  t.match(waits(patient, cores(2)), { hot: 'yield' });
});

t.test('spinners beyond the cores are refused, and the error names both', async (t) => {
  const spread = { threads: 'spread', wait: 'spin' };
  t.match(
    problemOf(spread, cores(2)),
    /^wait = "spin": .*each of 3 threads \(ingest, signal-0, execution\), there is room for 2: 2 free/,
  );
  t.equal(problemOf(spread, cores(3)), 'no problem');
  t.equal(problemOf(spread, cores(1, 4)), 'no problem', 'isolated cores are for spinners');
  t.equal(problemOf({ threads: 'compact', wait: 'spin' }, cores(1)), 'no problem');
  t.match(
    problemOf({ threads: 'compact', wait: 'spin' }, cores(0)),
    /1 threads \(hot\).*room for 0/,
  );
  t.match(
    problemOf({ threads: 'spread', waitRoles: { signal: 'spin', control: 'spin' } }, cores(1)),
    /^waitRoles = .*2 threads \(control, signal-0\), there is room for 1/,
  );
});

t.test('wrong roles and ways are refused by name', async (t) => {
  t.throws(() => parseConfig({ waitRoles: { signals: 'spin' } }), { code: 'CONFIG_INVALID' });
  t.throws(() => parseConfig({ waitRoles: { signal: 'sleep' } }), /waitRoles\.signal/);
});
