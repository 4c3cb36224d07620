/**
 * make-dir: creates a directory and those above it, one by one. Node 20's recursive mkdir never returns where a parent
 * takes no directories (seen with /proc: it tries for ever, at full load).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Throws the error of the first directory that cannot be made. */
export function makeDir(path: string): void {
  const whole = resolve(path);
  if (existsSync(whole)) return;
  makeDir(dirname(whole));
  mkdirSync(whole);
}
