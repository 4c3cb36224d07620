/**
 * verify-journal: proves a journal. Every record and text is inside the hash chain; the inputs of every run, through the
 * core that the run had, make exactly the recorded outputs; kept states and the hashes at the end of runs are what they
 * make; and the tables that people read (orders, fills, positions, balances) are what the journal says.
 *
 * Main thread; reads only, also while an engine runs. Exit 0, or 1 with the first difference (docs/determinism.md).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import { Replay } from '../execution/replay.js';
import type { ReplayDifference } from '../execution/replay.js';
import { rebuildProjections } from '../journal/projection-check.js';
import { SqliteStoreReader } from '../journal/sqlite-store.js';
import { checkSnapshot, coreOptionsBy } from '../recovery.js';

/** Progress on a terminal, this often. */
const PROGRESS_RECORDS = 50_000;

export interface VerifyOptions {
  /** Data directory. */
  readonly dir: string;
  readonly json: boolean;
}

interface Verdict {
  readonly ok: boolean;
  readonly runs: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly snapshots: number;
  readonly chain: 'ok' | 'broken';
  readonly stateHash: string;
  readonly durationMs: number;
  readonly difference: Readonly<Record<string, unknown>> | null;
}

/** Resolves with the exit code. */
export function verifyJournal(options: VerifyOptions): number {
  const path = join(options.dir, 'journal.sqlite');
  if (!existsSync(path))
    throw new TickwireError('USAGE', `there is no journal in ${options.dir}`, { dir: options.dir });
  const verdict = verify(path, options.json ? null : progressBar());
  process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : sentence(verdict));
  return verdict.ok ? 0 : 1;
}

function verify(path: string, onProgress: ((done: number, of: number) => void) | null): Verdict {
  const startMs = performance.now();
  const reader = new SqliteStoreReader(path);
  try {
    const runs = reader.runCores();
    const chainBreak = reader.checkChain();
    const replay = new Replay(coreOptionsBy(reader));
    const snapshots = new Map(reader.snapshots().map((one) => [one.seq, one]));
    const ends = new Map(runs.map((row) => [row.run, row.stateHash]));
    const last = reader.lastSeq();
    let difference: Readonly<Record<string, unknown>> | null =
      chainBreak === null ? null : { kind: 'chain', ...chainBreak };
    let run = 0;
    let seen = 0;
    let snapshotCount = 0;
    const check = (): void => {
      const kept = snapshots.get(replay.lastSeq);
      if (kept !== undefined) {
        snapshotCount++;
        checkSnapshot(kept);
        if (kept.stateHash !== replay.stateHash)
          difference ??= {
            kind: 'snapshot',
            seq: kept.seq,
            recorded: kept.stateHash,
            replayed: replay.stateHash,
          };
      }
    };
    const endOfRun = (): void => {
      const hash = ends.get(run);
      if (run !== 0 && typeof hash === 'string' && hash !== replay.stateHash)
        difference ??= { kind: 'run-end', run, recorded: hash, replayed: replay.stateHash };
      if (run !== 0) check();
    };
    // What the chain does not vouch for is not applied: it could be anything.
    const records = chainBreak === null ? reader.readRecords() : [];
    for (const record of records) {
      if (record.run !== run) {
        endOfRun();
        run = record.run;
      }
      if (!replay.next(record)) break;
      seen++;
      if (seen % PROGRESS_RECORDS === 0) onProgress?.(seen, last);
    }
    if (replay.difference === null) {
      endOfRun();
      replay.end(true);
    } else difference ??= { kind: 'record', ...namedDifference(replay.difference) };
    difference ??= rebuildProjections(path);
    return {
      ok: difference === null,
      runs: runs.length,
      inputs: replay.inputCount,
      outputs: replay.outputCount,
      snapshots: snapshotCount,
      chain: chainBreak === null ? 'ok' : 'broken',
      stateHash: replay.stateHash,
      durationMs: Math.round(performance.now() - startMs),
      difference,
    };
  } finally {
    reader.close();
  }
}

function namedDifference(difference: ReplayDifference): Readonly<Record<string, unknown>> {
  return { seq: difference.seq, recorded: difference.recorded, replayed: difference.replayed };
}

function progressBar(): ((done: number, of: number) => void) | null {
  if (!process.stderr.isTTY) return null;
  return (done, of) => {
    process.stderr.write(
      `\r  ${Math.floor((100 * done) / Math.max(1, of))} %  ${String(done)} records`,
    );
    if (done >= of) process.stderr.write('\n');
  };
}

function sentence(verdict: Verdict): string {
  const head =
    `${String(verdict.runs)} runs, ${String(verdict.inputs)} inputs, ${String(verdict.outputs)} outputs, ` +
    `${String(verdict.snapshots)} kept states, hash chain ${verdict.chain}, ${String(verdict.durationMs)} ms\n`;
  return verdict.ok
    ? `${head}the journal is proved: state ${verdict.stateHash}\n`
    : `${head}the journal is NOT what its inputs make: ${JSON.stringify(verdict.difference)}\n`;
}
