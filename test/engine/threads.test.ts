/**
 * The threads of a running engine, as its operator meets them: each has a name and an id by which it can be pinned, in
 * the API, in /proc and in the doctor's findings; and a quiet market leaves them asleep.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Api, Program, eventually, startSim } from '../harness/program.js';

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));

interface Role {
  readonly role: string;
  readonly state: string;
  readonly cycleCount: number;
  readonly tid: number;
}

function rolesOf(status: Record<string, unknown>): readonly Role[] {
  return status['roles'] as readonly Role[];
}

t.test('every role shows the thread that it runs on, and the doctor finds it', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tickwire-threads-'));
  const sim = await startSim(['--speed', '0.01']);
  const engine = new Program([
    'run',
    ...['--sim', sim.rest, '--port', '0', '--data-dir', dataDir],
    ...['--threads', 'spread', '--wait', 'park'],
  ]);
  t.teardown(async () => {
    await engine.kill('SIGTERM');
    await sim.program.kill('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  const { port } = await engine.listening();
  const api = new Api(port, dataDir);
  const roles = await eventually(async () => {
    const found = rolesOf(await api.get('/v1/status'));
    return found.every(({ state }) => state === 'running') ? found : undefined;
  }, 'every role to run');

  const folder = `/proc/${String(engine.child.pid)}/task`;
  for (const { role, tid } of roles)
    t.equal(readFileSync(`${folder}/${String(tid)}/comm`, 'utf8').trim(), `tw-${role}`);
  t.equal(new Set(roles.map(({ tid }) => tid)).size, roles.length, 'a thread each');

  const said = execFileSync(
    process.execPath,
    [MAIN, 'doctor', '--json', '--data-dir', dataDir, '--port', '0'],
    { encoding: 'utf8' },
  );
  const { findings } = JSON.parse(said) as {
    findings: { check: string; threads?: { name: string; tid: number }[] }[];
  };
  const threads = findings.find(({ check }) => check === 'engine')?.threads ?? [];
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  t.same(
    threads.map(({ name, tid }) => ({ name, tid })).sort(byName),
    roles.map(({ role, tid }) => ({ name: `tw-${role}`, tid })).sort(byName),
  );
});

t.test('in a silent market every turn of a parked engine ends in a sleep', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tickwire-idle-'));
  const sim = await startSim(['--speed', '0.01']);
  const engine = new Program([
    'run',
    ...['--sim', sim.rest, '--port', '0', '--data-dir', dataDir],
    ...['--threads', 'compact', '--wait', 'park'],
  ]);
  t.teardown(async () => {
    await engine.kill('SIGTERM');
    await sim.program.kill('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  const { port } = await engine.listening();
  const api = new Api(port, dataDir);
  const look = async (): Promise<{ cycles: number; parks: number; work: number }> => {
    const status = await api.get('/v1/status');
    const counters = status['counters'] as Record<string, number>;
    // Everything that is a reason to stay awake for another turn.
    const work = ['framesReceived', 'eventsRead', 'venueRequests', 'journalRecords', 'apiRequests']
      .map((name) => counters[name] ?? 0)
      .reduce((sum, count) => sum + count, 0);
    return { cycles: counters['dutyCycles'] ?? 0, parks: counters['parks'] ?? 0, work };
  };
  await eventually(
    async () =>
      ((await api.get('/v1/status')) as { trading: { state: string } }).trading.state ===
        'Active' || undefined,
    'trading',
  );
  const before = await look();
  const after = await eventually(async () => {
    const now = await look();
    return now.parks >= before.parks + 150 ? now : undefined;
  }, 'a hundred and fifty naps');
  const cycles = after.cycles - before.cycles;
  const parks = after.parks - before.parks;
  const work = after.work - before.work;
  const roleCount = 5;
  // A nap costs one turn. A piece of work costs a few, on each role of its thread. The rest is what the last beats hide.
  const most = parks + 4 * roleCount * (work + 1) + 40 * roleCount;
  t.ok(cycles <= most, `cycles=${cycles}, parks=${parks}, work=${work}, most=${most}`);
});
