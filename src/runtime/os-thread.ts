/**
 * os-thread: what the operating system calls this thread, so that an operator can pin the one that he means
 * (docs/operating.md). Each worker calls it once, before its agents start; `top -H`, `ps -L` and `tickwire doctor` show it.
 *
 * JavaScript has no call for either: Node before 24 does not pass a worker's name on, and its `threadId` is Node's own
 * count. Linux answers both for the thread that asks, under /proc/thread-self.
 */
import { readlinkSync, writeFileSync } from 'node:fs';

/** Linux keeps 15 bytes of a thread's name. */
export const THREAD_NAME_BYTES_MAX = 15;
/** Every thread with agents on it starts so; `doctor` finds them by it. */
export const THREAD_NAME_PREFIX = 'tw-';

/** `tw-ingest`, `tw-signal-0`, `tw-hot`, … */
export function threadName(planName: string): string {
  return `${THREAD_NAME_PREFIX}${planName}`.slice(0, THREAD_NAME_BYTES_MAX);
}

/** Names the calling thread and returns its id (`taskset -cp CORE ID`); 0 where /proc is closed to us. */
export function nameThisThread(planName: string): number {
  try {
    writeFileSync('/proc/thread-self/comm', threadName(planName));
    const match = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'));
    return Number(match?.[1] ?? 0);
  } catch {
    // No /proc, or a sandbox that forbids it: trading works without a name, pinning by name does not.
    return 0;
  }
}
