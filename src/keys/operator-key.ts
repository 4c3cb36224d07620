/**
 * operator-key: the bearer keys of this engine: that of API and dashboard, and that of publishers, who may push prices and
 * do nothing else. From TICKWIRE_API_KEY and TICKWIRE_PUSH_KEY, else from the data directory, where the first run that needs
 * one makes it. Main thread, at start. The thread that checks keys gets only the hash.
 */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import { EnvSource } from './env-source.js';
import { FileSource } from './file-source.js';

export const OPERATOR_KEY_CHARS_MIN = 32;
export type OperatorKeyName = 'api-key' | 'push-key';
const KEY_BYTES = 24;
const KEY_FILE_MODE = 0o600;

export interface OperatorKey {
  readonly sha256: Uint8Array;
  /** Where it came from, for people. */
  readonly place: string;
  readonly isNew: boolean;
  /** The key itself; for the operator's own terminal and nothing else. */
  showOnTerminal(): string;
}

/** Finds the key or makes one. KEY_INVALID when it is too short, KEY_UNREADABLE when others may read its file. */
export async function findOperatorKey(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
  name: OperatorKeyName = 'api-key',
): Promise<OperatorKey> {
  for (const source of [new EnvSource(env), new FileSource(dataDir)]) {
    const secret = await source.find(name);
    if (secret === null) continue;
    const place = source.placeOf(name);
    const key = secret.reveal();
    if (key.length < OPERATOR_KEY_CHARS_MIN)
      throw new TickwireError(
        'KEY_INVALID',
        `the ${name} in ${place} has fewer than ${String(OPERATOR_KEY_CHARS_MIN)} characters`,
        { place },
      );
    return describe(key, place, false);
  }
  const key = randomBytes(KEY_BYTES).toString('hex');
  const path = join(dataDir, name);
  writeFileSync(path, `${key}\n`, { mode: KEY_FILE_MODE, flag: 'wx' });
  return describe(key, `file ${path}`, true);
}

function describe(key: string, place: string, isNew: boolean): OperatorKey {
  return {
    sha256: createHash('sha256').update(key).digest(),
    place,
    isNew,
    showOnTerminal: () => key,
  };
}
