/**
 * logger: pino on stderr, one JSON object a line; pretty on a terminal. Any thread; each names its thread.
 * Written synchronously: what is logged before a crash is on the screen.
 */
import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

const STDERR_FD = 2;

export function makeLogger(thread: string, level: string): Logger {
  const options = { level, base: { thread } };
  // A worker's process.stderr is a pipe to the main thread; the descriptor itself knows.
  if (isatty(STDERR_FD))
    return pino(options, pretty({ destination: STDERR_FD, sync: true, ignore: 'pid,hostname' }));
  return pino(options, pino.destination({ fd: STDERR_FD, sync: true }));
}
