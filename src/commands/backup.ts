/**
 * backup, restore: a journal's copy, taken while the engine runs, and its way back. SQLite's online backup: the copy is one
 * moment of the journal, whole. Both check what they have written before they say that it is done.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import { backupJournal, checkJournal, openDataDir } from '../journal/sqlite-store.js';

export interface BackupOptions {
  readonly dir: string;
  readonly out: string;
  readonly json: boolean;
}

/** Copies the journal of a data directory to a file that must not exist. Resolves with the exit code. */
export async function backup(options: BackupOptions): Promise<number> {
  const from = join(options.dir, 'journal.sqlite');
  if (!existsSync(from))
    throw new TickwireError('USAGE', `there is no journal in ${options.dir}`, { dir: options.dir });
  refuseExisting(options.out);
  const part = `${options.out}.part`;
  rmSync(part, { force: true });
  try {
    await backupJournal(from, part, options.json ? null : showProgress);
    const { lastSeq } = checkJournal(part);
    renameSync(part, options.out);
    say(options, { file: options.out, bytes: statSync(options.out).size, lastSeq });
    return 0;
  } finally {
    rmSync(part, { force: true });
  }
}

export interface RestoreOptions {
  readonly file: string;
  readonly dir: string;
  readonly json: boolean;
}

/** Puts a backup into a data directory that has no journal and that no engine uses. */
export async function restore(options: RestoreOptions): Promise<number> {
  if (!existsSync(options.file))
    throw new TickwireError('USAGE', `there is no file ${options.file}`, { file: options.file });
  const { lastSeq } = checkJournal(options.file);
  const dataDir = openDataDir(options.dir);
  try {
    refuseExisting(dataDir.journalPath);
    const part = `${dataDir.journalPath}.part`;
    rmSync(part, { force: true });
    await backupJournal(options.file, part, options.json ? null : showProgress);
    checkJournal(part);
    renameSync(part, dataDir.journalPath);
    say(options, { dir: options.dir, lastSeq });
    return 0;
  } finally {
    dataDir.release();
  }
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new TickwireError('USAGE', `${path} exists already and is not overwritten`, { path });
}

function showProgress(donePages: number, totalPages: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r  ${Math.floor((100 * donePages) / Math.max(1, totalPages))} %`);
  if (donePages >= totalPages) process.stderr.write('\n');
}

function say(options: { readonly json: boolean }, fields: Readonly<Record<string, unknown>>): void {
  const text = options.json
    ? JSON.stringify(fields)
    : Object.entries(fields)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', ');
  process.stdout.write(`${text}\n`);
}
