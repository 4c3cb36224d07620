/**
 * Removes compiled files whose source is gone: `tsc -b` leaves them, and tap would go on running a deleted test.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
if (existsSync(dist)) {
  for (const name of readdirSync(dist, { recursive: true })) {
    const match = /^(.*?)(?:\.js\.map|\.js|\.d\.ts)$/.exec(name);
    if (match === null) continue;
    const stem = match[1];
    const isOwnRoom = stem.startsWith('test/') || stem.startsWith('bench/');
    const source = join(root, isOwnRoom ? '' : 'src', `${stem}.ts`);
    if (!existsSync(source)) rmSync(join(dist, name), { force: true });
  }
}
