/**
 * pin: puts the calling thread on one core, as the peers' benches do with theirs. By `taskset`, which every Linux has;
 * where it is missing or refused, threads stay where the scheduler puts them, and the bench says so.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** Of the cores that this process may use, the `position`-th. False: not pinned. */
export function pinThisThread(position: number): boolean {
  try {
    const core = coresAllowed()[position];
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1);
    if (core === undefined || thread === undefined) return false;
    execFileSync('taskset', ['-cp', String(core), thread], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Two cores and the tool: else no bench pins. */
export function canPin(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return coresAllowed().length >= 2;
  } catch {
    return false;
  }
}

/** `0-3,7` → 0, 1, 2, 3, 7. */
function coresAllowed(): readonly number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    if (Number.isNaN(first)) return [];
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
}
