/**
 * recovery: the state of the core at the end of the journal: the newest kept state, and the inputs behind it through
 * the core that each run had. The only start there is; a journal without runs gives none. Main thread, before the
 * threads start.
 */
import { parseConfig } from './config.js';
import { TickwireError } from './domain/errors.js';
import { coreOptionsOf } from './engine.js';
import type { ExecutionCoreOptions } from './execution/execution-core.js';
import { Replay } from './execution/replay.js';
import { sha256Hex } from './execution/state-hash.js';
import { SqliteStoreReader } from './journal/sqlite-store.js';
import type { StoredSnapshot } from './journal/sqlite-store.js';

export interface Recovery {
  /** Null: there was nothing to recover. */
  readonly snapshot: StoredSnapshot | null;
  /** Inputs that were applied behind the newest kept state. */
  readonly inputCount: number;
}

/** `run`: the run that begins now; it has no records yet. */
export function recoverState(journalPath: string, run: number): Recovery {
  const reader = new SqliteStoreReader(journalPath);
  try {
    const kept = reader.latestSnapshot();
    const replay = new Replay(coreOptionsBy(reader));
    if (kept !== null) {
      checkSnapshot(kept);
      replay.startFrom(kept);
    }
    for (const record of reader.readRecords(kept?.seq ?? 0, true)) replay.applyInput(record);
    if (replay.inputCount === 0) return { snapshot: kept, inputCount: 0 };
    const state = replay.snapshot();
    const snapshot =
      state === null
        ? null
        : { ...state, seq: reader.lastSeq(), run: run - 1, stateHash: replay.stateHash };
    return { snapshot, inputCount: replay.inputCount };
  } finally {
    reader.close();
  }
}

/** What the core of each run was made from. */
export function coreOptionsBy(reader: SqliteStoreReader): (run: number) => ExecutionCoreOptions {
  const runs = new Map(reader.runCores().map((row) => [row.run, row]));
  return (run) => {
    const row = runs.get(run);
    if (row === undefined)
      throw new TickwireError('JOURNAL_FAILED', `the journal has no run ${String(run)}`, { run });
    if (row.coreOptions !== null) return JSON.parse(row.coreOptions) as ExecutionCoreOptions;
    // Versions before did not keep it: as near as their configuration says.
    const instruments = reader.instruments().map((one) => ({ ...one, isTradable: true }));
    return coreOptionsOf(
      parseConfig(JSON.parse(row.config) as Readonly<Record<string, unknown>>),
      instruments,
    );
  };
}

/** A kept state that is not what was kept must not be traded on. */
export function checkSnapshot(snapshot: StoredSnapshot): void {
  if (sha256Hex(snapshot.stateText) === snapshot.stateHash) return;
  throw new TickwireError(
    'DATABASE_CORRUPT',
    `the kept state after record ${String(snapshot.seq)} is damaged: its hash is another`,
    { seq: snapshot.seq },
  );
}
