/** cores: what this process may use, on made-up machines and once on the real one; names and ids of threads likewise. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { describeCores, parseCpuList, readCores } from '#src/runtime/cores.js';
import type { Cores } from '#src/runtime/cores.js';
import { THREAD_NAME_BYTES_MAX, threadName } from '#src/runtime/os-thread.js';

const ISOLATED = '/sys/devices/system/cpu/isolated';

function coresOf(files: Readonly<Record<string, string>>, parallelism = 8): Cores {
  return readCores((path) => files[path] ?? null, parallelism);
}

function status(list: string): string {
  return `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;
}

t.test('without /proc the count of the runtime is believed', async (t) => {
  t.match(coresOf({}), { freeCount: 8, spinCount: 8, allowedCount: 8, quotaCores: null });
});

t.test('the affinity mask counts, not the machine', async (t) => {
  t.match(coresOf({ '/proc/self/status': status('0,4-5') }), { freeCount: 3, allowedCount: 3 });
});

t.test('isolated cores are for who pins a thread: room to spin, not free', async (t) => {
  const files = { '/proc/self/status': status('0-7'), [ISOLATED]: '2-4\n' };
  t.match(coresOf(files), { freeCount: 5, spinCount: 8, isolatedList: '2-4' });
  const masked = { '/proc/self/status': status('0-1'), [ISOLATED]: '2-4\n' };
  t.match(coresOf(masked), { freeCount: 2, spinCount: 2 }, 'nobody says that they are in reach');
  const group = {
    ...masked,
    '/proc/self/cgroup': '0::/trading.slice\n',
    '/sys/fs/cgroup/trading.slice/cpuset.cpus.effective': '0-3\n',
  };
  t.match(coresOf(group), { freeCount: 2, spinCount: 4 }, 'two of the three are in the cpuset');
});

t.test('the tightest quota of all groups above counts (version 2)', async (t) => {
  const files = {
    '/proc/self/status': status('0-7'),
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/a/cpu.max': '250000 100000\n',
    '/sys/fs/cgroup/cpu.max': '400000 100000\n',
  };
  t.match(coresOf(files), { freeCount: 2, spinCount: 2, quotaCores: 2.5 });
});

t.test('version 1 has the same limit in two files; a part of a core is no core', async (t) => {
  const files = {
    '/proc/self/status': status('0-7'),
    '/proc/self/cgroup': '4:cpu,cpuacct:/box\n3:cpuset:/\n0::/\n',
    '/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  };
  const cores = coresOf(files);
  t.match(cores, { freeCount: 0, spinCount: 0, quotaCores: 0.5 });
  t.equal(describeCores(cores), '0 free cores (8 allowed, isolated: none, quota: 0.50 cores)');
});

t.test('lists of the kernel are read as it writes them', async (t) => {
  t.same([...parseCpuList('0-2,5')], [0, 1, 2, 5]);
  t.same([...parseCpuList('')], []);
  t.same([...parseCpuList('7')], [7]);
});

t.test('this machine has at least one core and says so', async (t) => {
  const cores = readCores();
  t.ok(cores.allowedCount >= 1);
  t.ok(cores.freeCount <= cores.spinCount);
});

t.test('a thread has the name and the id that the system shows', async (t) => {
  t.equal(threadName('signal-0'), 'tw-signal-0');
  t.equal(threadName('a-name-beyond-all-limits').length, THREAD_NAME_BYTES_MAX);
  const module = new URL('../../runtime/os-thread.js', import.meta.url).href;
  const worker = new Worker(
    `import { workerData, parentPort } from 'node:worker_threads';
     const { nameThisThread } = await import(workerData);
     parentPort.once('message', () => process.exit(0));
     parentPort.postMessage(nameThisThread('signal-0'));`,
    { eval: true, workerData: module },
  );
  const tid = await new Promise<number>((resolve) => worker.once('message', resolve));
  t.not(tid, process.pid, 'not the main thread');
  t.equal(readFileSync(`/proc/self/task/${String(tid)}/comm`, 'utf8'), 'tw-signal-0\n');
  worker.postMessage('end');
});
