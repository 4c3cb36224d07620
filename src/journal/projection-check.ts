/**
 * projection-check: the tables that people read, made anew from the journal in memory, and compared with those on disk.
 * verify-journal only; reads the journal, writes nothing to it.
 */
import { openSqlite } from '../runtime/sqlite.js';
import { copyForProjections, replayProjections } from './sqlite-store.js';

const TABLES: readonly (readonly [string, string])[] = [
  ['orders', 'order_seq'],
  ['order_events', 'seq'],
  ['fills', 'fill_seq'],
  ['positions', 'instrument_index'],
  ['balances', 'currency'],
  ['discrepancies', 'seq'],
];

/** The first row that is not what the journal says; null: all are. */
export function rebuildProjections(path: string): Readonly<Record<string, unknown>> | null {
  const disk = openSqlite(path, { readonly: true });
  const memory = openSqlite(':memory:');
  try {
    copyForProjections(disk, memory);
    replayProjections(disk, memory);
    for (const [table, key] of TABLES) {
      const sql = `SELECT * FROM ${table} ORDER BY ${key}`;
      const recorded = disk.prepare(sql).safeIntegers().all();
      const rebuilt = memory.prepare(sql).safeIntegers().all();
      for (let row = 0; row < Math.max(recorded.length, rebuilt.length); row++) {
        const before = textOf(recorded[row]);
        const after = textOf(rebuilt[row]);
        if (before !== after) return { kind: 'table', table, recorded: before, rebuilt: after };
      }
    }
    return null;
  } finally {
    disk.close();
    memory.close();
  }
}

function textOf(row: unknown): string {
  return JSON.stringify(row ?? null, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
