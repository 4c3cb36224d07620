/**
 * cores: how many processors this process may really use. Main thread, at start, and `tickwire doctor`.
 *
 *   affinity (taskset, cpuset)  what the scheduler may give us
 *   isolated (isolcpus)         the scheduler never puts a thread there by itself: only who pins a thread uses them
 *   quota (cgroup cpu.max)      time, not places: a spinner on a quota of half a core is stopped half of the time
 *
 * The number of processors in the machine says none of that, and a spinner too many stalls everybody for milliseconds.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

export interface Cores {
  /** Cores on which threads run without anybody pinning them, no more than the quota pays for. May be 0 (a part of one). */
  readonly freeCount: number;
  /** The same and isolated cores within reach: room for threads that never sleep. */
  readonly spinCount: number;
  /** Cores of the affinity mask. */
  readonly allowedCount: number;
  /** As the kernel writes it: `2-3,6`; empty: none. */
  readonly isolatedList: string;
  /** Cores' worth of time; null: no limit. */
  readonly quotaCores: number | null;
}

/** The text of a small file; null when it cannot be read. */
export type ReadText = (path: string) => string | null;

/** Looks at affinity, isolation and cgroup limits of the calling process. */
export function readCores(read: ReadText = readText, parallelism = availableParallelism()): Cores {
  const status = read('/proc/self/status') ?? '';
  const allowedText = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  const isolatedList = (read('/sys/devices/system/cpu/isolated') ?? '').trim();
  const isolated = parseCpuList(isolatedList);
  const allowed =
    allowedText === undefined
      ? new Set(Array.from({ length: parallelism }, (_, core) => core))
      : parseCpuList(allowedText);
  const cgroups = (read('/proc/self/cgroup') ?? '').split('\n');
  const quotaCores = readQuota(read, cgroups);
  const reachable = readCpuset(read, cgroups) ?? allowed;
  const quotaCount = quotaCores === null ? Number.POSITIVE_INFINITY : Math.floor(quotaCores);
  const balanced = [...allowed].filter((core) => !isolated.has(core)).length;
  const own = [...isolated].filter((core) => reachable.has(core)).length;
  return {
    freeCount: Math.min(balanced, quotaCount),
    spinCount: Math.min(balanced + own, quotaCount),
    allowedCount: allowed.size,
    isolatedList,
    quotaCores,
  };
}

/** `4 free cores (6 allowed, isolated: 2-3, quota: none)`. */
export function describeCores(cores: Cores): string {
  const quota = cores.quotaCores === null ? 'none' : `${cores.quotaCores.toFixed(2)} cores`;
  const isolated = cores.isolatedList === '' ? 'none' : cores.isolatedList;
  return `${cores.freeCount} free cores (${cores.allowedCount} allowed, isolated: ${isolated}, quota: ${quota})`;
}

/** `0-2,5` as 0, 1, 2, 5. */
export function parseCpuList(list: string): ReadonlySet<number> {
  const cores = new Set<number>();
  for (const part of list.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) continue;
    const first = Number(match[1]);
    for (let core = first; core <= Number(match[2] ?? first); core++) cores.add(core);
  }
  return cores;
}

/** The tightest limit of our group and of every group above it. */
function readQuota(read: ReadText, cgroups: readonly string[]): number | null {
  let least: number | null = null;
  const take = (quota: number, period: number): void => {
    if (quota > 0 && period > 0) least = Math.min(least ?? quota / period, quota / period);
  };
  for (const folder of foldersOf(cgroups, '')) {
    const [quota, period] = (read(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number);
    take(quota ?? 0, period ?? 0);
  }
  for (const folder of foldersOf(cgroups, 'cpu'))
    take(
      Number(read(`${folder}/cpu.cfs_quota_us`) ?? 0),
      Number(read(`${folder}/cpu.cfs_period_us`) ?? 0),
    );
  return least;
}

/** Cores that our group may be pinned to; null when nobody says. */
function readCpuset(read: ReadText, cgroups: readonly string[]): ReadonlySet<number> | null {
  const files = [
    ...foldersOf(cgroups, '').map((folder) => `${folder}/cpuset.cpus.effective`),
    ...foldersOf(cgroups, 'cpuset').map((folder) => `${folder}/cpuset.effective_cpus`),
  ];
  for (const file of files) {
    const list = read(file)?.trim() ?? '';
    if (list !== '') return parseCpuList(list);
  }
  return null;
}

/** Folders of our group, ours first. `controller` is empty for version 2 (one tree), else the name of a version 1 tree. */
function foldersOf(cgroups: readonly string[], controller: string): readonly string[] {
  const folders: string[] = [];
  for (const line of cgroups) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    const controllers = match?.[1] ?? '-';
    if (match === null || !controllers.split(',').includes(controller)) continue;
    const root = controller === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controllers}`;
    const parts = (match[2] ?? '').split('/').filter((part) => part !== '' && part !== '..');
    for (let depth = parts.length; depth >= 0; depth--)
      folders.push([root, ...parts.slice(0, depth)].join('/'));
  }
  return folders;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not Linux, or a group without this limit: nothing is limited there.
    return null;
  }
}
