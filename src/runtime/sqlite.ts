/**
 * sqlite: the one way to a SQLite database: better-sqlite3, with every native object kept until the process ends.
 *
 * Why kept: from Node 24.19 on, the destructor of such an object (node::ObjectWrap, better-sqlite3 before 13) aborts the
 * process when the garbage collector runs it outside of any JavaScript context, as uWebSockets and idle collections do:
 * "Assertion failed: (env) != nullptr", seen here on Debian 13 with Node 24.21. What is never collected is never
 * destructed. So statements are prepared once and for a stated purpose, not per call; a run has a few dozen.
 * better-sqlite3 13 has no such objects, and needs Node 22.
 */
import Database from 'better-sqlite3';

export type SqliteDatabase = Database.Database;
export type SqliteStatement = Database.Statement;
export type SqliteTransaction<F extends () => void> = Database.Transaction<F>;

/** Never read; being reachable from here is all that it is for. */
const kept: unknown[] = [];

/** Opens or creates a database file, or one in memory (`:memory:`). Throws the driver's error. */
export function openSqlite(path: string, options: Database.Options = {}): SqliteDatabase {
  const database = new Database(path, options);
  kept.push(database);
  const prepareNative = database.prepare.bind(database) as (source: string) => SqliteStatement;
  const prepare = (source: string): SqliteStatement => {
    const statement = prepareNative(source);
    kept.push(statement);
    return statement;
  };
  const pragma = (source: string, { simple = false }: Database.PragmaOptions = {}): unknown => {
    const statement = prepare(`PRAGMA ${source}`);
    if (!statement.reader) return statement.run();
    return simple ? statement.pluck().get() : statement.all();
  };
  return Object.assign(database, { prepare, pragma });
}

/** The driver's result code (SQLITE_BUSY, …); empty for any other error. */
export function sqliteCodeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : '';
}
