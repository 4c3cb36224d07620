/**
 * file-source: secrets from files of a directory, one file per secret, named like the secret.
 *
 * A key that others can read is not a secret: the file must be a regular file with no permission for group and
 * others (mode 0600 or 0400) and belong to us or to root, else it is refused with the command that mends it.
 * The checks are made on the opened file, so that it cannot be swapped between the check and the reading.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import { Secret } from '../ports/secret.js';
import type { SecretSource } from './secret-source.js';

/** Keys have a few hundred bytes; a larger file is the wrong file. */
const SECRET_BYTES_MAX = 16 * 1024;
const GROUP_AND_OTHERS = 0o077;

export class FileSource implements SecretSource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  placeOf(secretName: string): string {
    return `file ${this.#pathOf(secretName)}`;
  }

  async find(secretName: string): Promise<Secret | null> {
    const path = this.#pathOf(secretName);
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw unreadable(path, codeOf(error));
    }
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw unreadable(path, 'it is not a regular file');
      if ((stat.mode & GROUP_AND_OTHERS) !== 0) {
        const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
        throw unreadable(path, `others may read it (mode ${mode}); run: chmod 600 ${path}`);
      }
      const ownerId = process.getuid?.() ?? stat.uid;
      if (stat.uid !== ownerId && stat.uid !== 0)
        throw unreadable(path, 'it belongs to another user');
      if (stat.size > SECRET_BYTES_MAX) {
        throw unreadable(path, `it has ${String(stat.size)} bytes; a key has at most 16384`);
      }
      const text = (await file.readFile('utf8')).trim();
      if (text === '') throw unreadable(path, 'it is empty');
      return new Secret(text);
    } finally {
      await file.close();
    }
  }

  #pathOf(secretName: string): string {
    return join(this.#directory, secretName);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function unreadable(path: string, why: string): TickwireError {
  return new TickwireError('KEY_UNREADABLE', `key file ${path}: ${why}`, { path });
}
