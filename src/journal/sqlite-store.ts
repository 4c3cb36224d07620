/**
 * sqlite-store: `ports/store` on SQLite, and the lock of the data directory.
 *
 *   main thread      openDataDir (the lock), beginRun (migrations, check, instruments, the run's row)
 *   journal thread   SqliteJournalWriter: the only writer while the run lasts
 *   execution        SqliteStoreReader as RecoverySource, once at start
 *   control          SqliteStoreReader as StoreReader, read-only connection of its own
 *
 * Invariant: journal rows and everything derived from them are written in one transaction per batch, so a reader sees
 * both or neither, at any kill. WAL with synchronous FULL: a committed batch survives a power cut as well, for one fsync
 * per batch on a thread that nobody waits for; NORMAL would spare the fsync and could lose every batch since the last
 * checkpoint when the power fails (never when the process dies). docs/determinism.md.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert, must } from '../domain/assert.js';
import { CoreRecord, EventKind } from '../domain/core-record.js';
import { decimalText, mantissaOfText, ratioText } from '../domain/decimal-text.js';
import { codeIndex, ERROR_CODES, TickwireError, type ErrorCode } from '../domain/errors.js';
import { moneyScale, type Instrument } from '../domain/instrument.js';
import { currencyTable } from '../domain/portfolio.js';
import {
  EVENT_BYTES,
  EVENT_COMMIT_WORD,
  EVENT_WORDS,
  getEventKind,
  getEventNowNs,
  getEventSeq,
  getEventTextOrderSeq,
  getEventTextRefSeq,
  getEventTextTextBytes,
  getEventTextTextKind,
  readEvent,
  readEventTextText,
  SCHEMA_HASH,
} from '../generated/hot.js';
import type {
  BalanceRow,
  FillQuery,
  FillRow,
  JournalWriter,
  OrderEventRow,
  OrderQuery,
  OrderRow,
  PositionRow,
  RecoverySource,
  RunExitState,
  RunOptions,
  RunRow,
  RunStart,
  StoreReader,
} from '../ports/store.js';
import { makeDir } from '../runtime/make-dir.js';
import { ChainBatch, CHAIN_START } from './hash-chain.js';
import { openSqlite, sqliteCodeOf } from '../runtime/sqlite.js';
import type { SqliteDatabase, SqliteStatement, SqliteTransaction } from '../runtime/sqlite.js';
import { Projections, type ProjectionTables, type StoredOrder } from './projections.js';

const MIGRATIONS_DIR = new URL('../../src/journal/migrations/', import.meta.url);
/** Written into the file's header: 'tick' in ASCII. */
const APPLICATION_ID = 0x7469636b;
const INSTALL_ID_CHARS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const INSTALL_ID_LENGTH = 6;
/** Another connection (a checkpoint of a reader) may hold the file for moments. */
const BUSY_TIMEOUT_MS = 5000;
const BATCH_CAPACITY_DEFAULT = 512;
/** Digits below the price scale that an average price is shown with. */
const AVG_PRICE_EXTRA_DIGITS = 4;

/** A data directory that is ours until `release`, or until the process dies. */
export interface DataDir {
  readonly dir: string;
  readonly journalPath: string;
  release(): void;
}

/**
 * Creates the directory if need be and locks it: a second engine gets DATA_DIR_LOCKED. The lock is a transaction in
 * `lock.sqlite`: the kernel lets go of it when the process ends, however it ends.
 */
export function openDataDir(dir: string): DataDir {
  try {
    makeDir(dir);
  } catch (cause) {
    throw new TickwireError(
      'DATA_DIR_UNWRITABLE',
      `The data directory ${dir} cannot be created: ${messageOf(cause)}.`,
      { dir },
    );
  }
  const lockPath = join(dir, 'lock.sqlite');
  let lock: SqliteDatabase | null = null;
  try {
    lock = openSqlite(lockPath, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock?.close();
    if (sqliteCodeOf(cause).startsWith('SQLITE_BUSY')) {
      throw new TickwireError('DATA_DIR_LOCKED', `Another engine uses the data directory ${dir}.`, {
        dir,
      });
    }
    throw new TickwireError(
      'DATA_DIR_UNWRITABLE',
      `The data directory ${dir} cannot be written: ${messageOf(cause)}.`,
      { dir },
    );
  }
  const held = lock;
  return {
    dir,
    journalPath: join(dir, 'journal.sqlite'),
    release: (): void => {
      held.close();
    },
  };
}

/**
 * Opens or creates the journal, brings it to this version's form and writes the row of a new run. Nothing is written
 * before the file has been checked. The connection is closed again: the journal thread opens its own.
 */
export function beginRun(path: string, options: RunOptions): RunStart {
  checkFile(path);
  return guarded(path, () => {
    const db = openForWriting(path);
    try {
      migrate(db, path);
      return db.transaction(() => insertRun(db, options)).immediate();
    } finally {
      db.close();
    }
  });
}

/** The state of the core after the record `seq`. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly run: number;
  readonly stateText: string;
  readonly stateHash: string;
  readonly fillKeys: Float64Array;
}

/** What a run's core was made from, as JSON; null for runs of versions that did not keep it. */
export interface RunCore {
  readonly run: number;
  readonly config: string;
  readonly coreOptions: string | null;
  readonly stateHash: string | null;
  readonly firstSeq: number;
  readonly exitState: string;
}

/** Reused by the reader that yields it. */
export interface JournalRecord {
  run: number;
  readonly record: CoreRecord;
}

export interface ChainBreak {
  /** 0: records that no batch holds. */
  readonly batch: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

interface SnapshotRow {
  readonly seq: number;
  readonly run: number;
  readonly stateText: string;
  readonly stateHash: string;
  readonly fillKeys: Uint8Array;
}

const SNAPSHOT_SELECT =
  'SELECT seq, run, state_text AS stateText, state_hash AS stateHash, fill_keys AS fillKeys FROM snapshots';

function snapshotOfRow(row: SnapshotRow): StoredSnapshot {
  return { ...row, fillKeys: new Float64Array(Uint8Array.from(row.fillKeys).buffer) };
}

/**
 * What the main thread writes before the threads of a run start: what the run's core is made from, and the state that the
 * recovery has found, so that the next start need not go through the same inputs again.
 */
export function keepRecovery(
  path: string,
  run: number,
  coreOptions: string,
  snapshot: StoredSnapshot | null,
): void {
  guarded(path, () => {
    const db = openForWriting(path);
    try {
      db.transaction(() => {
        db.prepare('UPDATE runs SET core_options = ? WHERE run = ?').run(coreOptions, run);
        if (snapshot === null) return;
        const { seq, stateText, stateHash, fillKeys } = snapshot;
        db.prepare(
          `INSERT INTO snapshots (seq, run, state_text, state_hash, fill_keys) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (seq) DO NOTHING`,
        ).run(seq, snapshot.run, stateText, stateHash, Buffer.from(fillKeys.buffer));
      }).immediate();
    } finally {
      db.close();
    }
  });
}

/** The hash of the core's state at the orderly end of a run; main thread, after its threads have ended. */
export function keepStateHash(path: string, run: number, stateHash: string): void {
  guarded(path, () => {
    const db = openForWriting(path);
    try {
      db.prepare('UPDATE runs SET state_hash = ? WHERE run = ?').run(stateHash, run);
    } finally {
      db.close();
    }
  });
}

export interface SqliteJournalWriterOptions {
  readonly path: string;
  readonly run: number;
  readonly batchCapacity?: number;
}

/** The journal thread's store. Whatever it throws is a TickwireError or a Bug; after that it writes no more. */
export class SqliteJournalWriter implements JournalWriter {
  readonly capacity: number;
  readonly #path: string;
  readonly #run: number;
  readonly #db: SqliteDatabase;
  readonly #words: Int32Array;
  readonly #blobs: readonly Buffer[];
  readonly #projections: Projections;
  readonly #insertRecord: SqliteStatement;
  readonly #insertText: SqliteStatement;
  readonly #writeBatch: SqliteTransaction<() => void>;
  readonly #insertBatch: SqliteStatement;
  #chain: Uint8Array;
  #lastTextSeq: number;
  #pendingCount = 0;
  #lastSeq: number;
  #durableSeq: number;
  #isBroken = false;

  constructor(options: SqliteJournalWriterOptions) {
    this.capacity = options.batchCapacity ?? BATCH_CAPACITY_DEFAULT;
    this.#path = options.path;
    this.#run = options.run;
    const bytes = new ArrayBuffer(this.capacity * EVENT_BYTES);
    this.#words = new Int32Array(bytes);
    this.#blobs = Array.from({ length: this.capacity }, (_, slot) =>
      Buffer.from(bytes, slot * EVENT_BYTES, EVENT_BYTES),
    );
    this.#db = guarded(options.path, () => openForWriting(options.path));
    this.#projections = projectionsOf(this.#db, options.run);
    this.#insertRecord = this.#db.prepare(
      'INSERT INTO journal (seq, run, kind, now_ns, record) VALUES (?, ?, ?, ?, ?)',
    );
    this.#insertText = this.#db.prepare(
      'INSERT INTO journal_text (ref_seq, order_seq, text_kind, text) VALUES (?, ?, ?, ?)',
    );
    this.#insertBatch = this.#db.prepare(
      'INSERT INTO batches (last_seq, last_text_seq, run, chain) VALUES (?, ?, ?, ?)',
    );
    this.#chain = lastChainOf(this.#db);
    this.#lastTextSeq = lastTextSeqOf(this.#db);
    this.#lastSeq = lastSeqOf(this.#db);
    this.#durableSeq = this.#lastSeq;
    this.#writeBatch = this.#db.transaction(() => {
      this.#writePending();
    });
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  append(i32: Int32Array, base: number): void {
    assert(
      this.#pendingCount < this.capacity,
      `batch has room: pendingCount=${String(this.#pendingCount)}, capacity=${String(this.capacity)}`,
    );
    const at = this.#pendingCount * EVENT_WORDS;
    for (let word = 0; word < EVENT_WORDS; word++) this.#words[at + word] = i32[base + word] ?? 0;
    // The commit word belongs to the ring, not to the record.
    this.#words[at + EVENT_COMMIT_WORD] = 0;
    this.#pendingCount++;
  }

  commit(): number {
    assert(!this.#isBroken, 'the journal writer has not failed before');
    const count = this.#pendingCount;
    if (count === 0) return 0;
    try {
      this.#writeBatch.immediate();
    } catch (cause) {
      this.#isBroken = true;
      throw storeError(this.#path, cause);
    }
    this.#pendingCount = 0;
    this.#durableSeq = this.#lastSeq;
    return count;
  }

  endRun(exitState: RunExitState, endedNs: bigint): void {
    guarded(this.#path, () =>
      this.#db
        .prepare('UPDATE runs SET exit_state = ?, ended_ns = ? WHERE run = ?')
        .run(exitState, endedNs, this.#run),
    );
  }

  close(): void {
    if (!this.#db.open) return;
    // Leaves one file behind; a reader that is still there only keeps the checkpoint from truncating the log.
    if (!this.#isBroken) guarded(this.#path, () => this.#db.pragma('wal_checkpoint(TRUNCATE)'));
    this.#db.close();
  }

  #writePending(): void {
    const batch = new ChainBatch(this.#chain);
    for (let slot = 0; slot < this.#pendingCount; slot++) {
      const base = slot * EVENT_WORDS;
      const kind = getEventKind(this.#words, base);
      if (kind === EventKind.Text) this.#writeText(base, batch);
      else {
        const blob = must(this.#blobs[slot], 'blob of the slot');
        batch.record(blob);
        this.#writeRecord(kind, base, blob);
      }
    }
    this.#projections.flush();
    this.#chain = batch.end();
    this.#insertBatch.run(this.#lastSeq, this.#lastTextSeq, this.#run, this.#chain);
  }

  #writeRecord(kind: number, base: number, blob: Buffer): void {
    const seq = getEventSeq(this.#words, base);
    assert(
      seq === this.#lastSeq + 1,
      `journal seq follows: seq=${String(seq)}, lastSeq=${String(this.#lastSeq)}`,
    );
    this.#lastSeq = seq;
    this.#insertRecord.run(seq, this.#run, kind, getEventNowNs(this.#words, base), blob);
    this.#projections.apply(this.#words, base);
  }

  #writeText(base: number, batch: ChainBatch): void {
    const refSeq = getEventTextRefSeq(this.#words, base);
    const orderSeq = getEventTextOrderSeq(this.#words, base);
    const textKind = getEventTextTextKind(this.#words, base);
    const text = readEventTextText(this.#words, base, getEventTextTextBytes(this.#words, base));
    batch.text(refSeq, orderSeq, textKind, text);
    const { lastInsertRowid } = this.#insertText.run(refSeq, orderSeq, textKind, text);
    this.#projections.applyText(textKind, refSeq, orderSeq, text);
    this.#lastTextSeq = Number(lastInsertRowid);
  }
}

/** A read-only connection: the faces for recovery and for people. */
export class SqliteStoreReader implements RecoverySource, StoreReader {
  readonly installId: string;
  readonly #path: string;
  readonly #db: SqliteDatabase;
  readonly #openOrders: SqliteStatement;
  readonly #orders: SqliteStatement;
  readonly #orderEvents: SqliteStatement;
  readonly #fills: SqliteStatement;
  readonly #positions: SqliteStatement;
  readonly #balances: SqliteStatement;
  readonly #runs: SqliteStatement;
  readonly #lastSeq: SqliteStatement;

  constructor(path: string) {
    this.#path = path;
    this.#db = guarded(path, () => {
      const db = openSqlite(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
      checkVersion(db, path);
      return db;
    });
    this.installId = metaValue(this.#db, 'install_id');
    this.#openOrders = this.#db.prepare(
      `${ORDER_SELECT} WHERE o.is_open = 1 ORDER BY o.order_seq DESC`,
    );
    this.#orders = this.#db.prepare(
      `${ORDER_SELECT} WHERE o.order_seq < ? ORDER BY o.order_seq DESC LIMIT ?`,
    );
    this.#orderEvents = this.#db.prepare(
      `SELECT seq, order_seq AS orderSeq, event, state, reason, message, CAST(at_ns AS TEXT) AS atNs
       FROM order_events WHERE order_seq = ? ORDER BY seq`,
    );
    this.#fills = this.#db.prepare(
      `${FILL_SELECT} WHERE f.fill_seq > ? AND f.fill_seq < ? AND f.venue_ns >= ?
       ORDER BY f.fill_seq DESC LIMIT ?`,
    );
    this.#positions = this.#db.prepare(POSITION_SELECT);
    this.#balances = this.#db.prepare(
      'SELECT currency, total, CAST(updated_ns AS TEXT) AS updatedNs FROM balances ORDER BY currency',
    );
    this.#runs = this.#db.prepare(
      `SELECT run, CAST(started_ns AS TEXT) AS startedNs, CAST(ended_ns AS TEXT) AS endedNs,
         exit_state AS exitState, version, first_seq AS firstSeq
       FROM runs ORDER BY run DESC LIMIT ?`,
    );
    this.#lastSeq = this.#db.prepare(LAST_SEQ_SELECT).pluck();
  }

  lastSeq(): number {
    return guarded(this.#path, () => asNumber(this.#lastSeq.get()));
  }

  lastFillVenueNs(venue: string): bigint | null {
    const value = guarded(this.#path, () =>
      this.#db
        .prepare(
          `SELECT MAX(f.venue_ns) FROM fills f JOIN instruments i USING (instrument_index)
           WHERE i.venue = ?`,
        )
        .pluck()
        .safeIntegers()
        .get(venue),
    );
    return typeof value === 'bigint' ? value : null;
  }

  *readInputs(afterSeq = 0): Iterable<CoreRecord> {
    for (const { record } of this.readRecords(afterSeq, true)) yield record;
  }

  /** The newest state that was kept; null: none. */
  latestSnapshot(): StoredSnapshot | null {
    const row = guarded(this.#path, () =>
      this.#db.prepare(`${SNAPSHOT_SELECT} ORDER BY seq DESC LIMIT 1`).get(),
    );
    return row === undefined ? null : snapshotOfRow(row as SnapshotRow);
  }

  /** Every kept state, oldest first. */
  snapshots(): readonly StoredSnapshot[] {
    return guarded(this.#path, () =>
      (this.#db.prepare(`${SNAPSHOT_SELECT} ORDER BY seq`).all() as SnapshotRow[]).map(
        snapshotOfRow,
      ),
    );
  }

  /** What each run was made from, oldest first. */
  runCores(): readonly RunCore[] {
    return guarded(
      this.#path,
      () =>
        this.#db
          .prepare(
            `SELECT run, config, core_options AS coreOptions, state_hash AS stateHash, first_seq AS firstSeq,
               exit_state AS exitState FROM runs ORDER BY run`,
          )
          .all() as RunCore[],
    );
  }

  instruments(): readonly Instrument[] {
    return guarded(this.#path, () => readInstruments(this.#db));
  }

  /** Every record of the core, inputs and outputs, behind `afterSeq`. The record is reused. */
  *readRecords(afterSeq = 0, onlyInputs = false): Iterable<JournalRecord> {
    const found: JournalRecord = { run: 0, record: new CoreRecord() };
    const words = new Int32Array(EVENT_WORDS);
    const bytes = new Uint8Array(words.buffer);
    const reasonsByRun = this.#reasonTables();
    const rows = this.#db
      .prepare(
        `SELECT run, record FROM journal WHERE seq > ? ${onlyInputs ? 'AND kind < 64' : ''} ORDER BY seq`,
      )
      .raw()
      .iterate(afterSeq);
    for (const row of rows as Iterable<[number, Uint8Array]>) {
      bytes.set(row[1]);
      readEvent(words, 0, found.record);
      const reasons = must(reasonsByRun.get(row[0]), `run ${String(row[0])}`);
      found.record.reason = must(
        reasons[found.record.reason],
        `code ${String(found.record.reason)}`,
      );
      found.run = row[0];
      yield found;
    }
  }

  /** The first batch whose chain does not follow; null: all do. */
  checkChain(): ChainBreak | null {
    const batches = this.#db
      .prepare('SELECT batch, last_seq, last_text_seq, chain FROM batches ORDER BY batch')
      .raw();
    const records = this.#db
      .prepare('SELECT record FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq')
      .pluck();
    const texts = this.#db
      .prepare(
        'SELECT ref_seq, order_seq, text_kind, text FROM journal_text ' +
          'WHERE text_seq > ? AND text_seq <= ? ORDER BY text_seq',
      )
      .raw();
    let chain: Uint8Array = CHAIN_START;
    let seq = 0;
    let textSeq = 0;
    // A journal that is older than the chain has records before the first batch.
    const first = this.#db.prepare('SELECT first_seq FROM chain_start').pluck().get();
    if (typeof first === 'number') seq = first - 1;
    const firstText = this.#db.prepare('SELECT first_text_seq FROM chain_start').pluck().get();
    if (typeof firstText === 'number') textSeq = firstText - 1;
    for (const row of batches.iterate() as Iterable<[number, number, number, Uint8Array]>) {
      const [batch, lastSeq, lastTextSeq, expected] = row;
      const digest = new ChainBatch(chain);
      for (const record of records.iterate(seq, lastSeq)) digest.record(record as Uint8Array);
      for (const text of texts.iterate(textSeq, lastTextSeq)) {
        digest.text(...(text as [number, number, number, string]));
      }
      chain = digest.end();
      if (Buffer.compare(chain, expected) !== 0) return { batch, firstSeq: seq + 1, lastSeq };
      seq = lastSeq;
      textSeq = lastTextSeq;
    }
    const rest = asNumber(
      this.#db.prepare('SELECT COUNT(*) FROM journal WHERE seq > ?').pluck().get(seq),
    );
    return rest === 0 ? null : { batch: 0, firstSeq: seq + 1, lastSeq: seq + rest };
  }

  openOrders(): readonly OrderRow[] {
    return guarded(this.#path, () => this.#openOrders.all().map(orderRow));
  }

  orders(query: OrderQuery): readonly OrderRow[] {
    return guarded(this.#path, () =>
      this.#orders.all(query.beforeOrderSeq ?? Number.MAX_SAFE_INTEGER, query.limit).map(orderRow),
    );
  }

  orderEvents(orderSeq: number): readonly OrderEventRow[] {
    return guarded(this.#path, () => this.#orderEvents.all(orderSeq) as OrderEventRow[]);
  }

  fills(query: FillQuery): readonly FillRow[] {
    return guarded(this.#path, () =>
      this.#fills
        .all(
          query.afterSeq ?? 0,
          query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
          query.sinceNs ?? 0n,
          query.limit,
        )
        .map(fillRow),
    );
  }

  positions(): readonly PositionRow[] {
    return guarded(this.#path, () => this.#positions.all() as PositionRow[]);
  }

  balances(): readonly BalanceRow[] {
    return guarded(this.#path, () => this.#balances.all() as BalanceRow[]);
  }

  runs(limit: number): readonly RunRow[] {
    return guarded(this.#path, () => this.#runs.all(limit) as RunRow[]);
  }

  close(): void {
    this.#db.close();
  }

  /** Per run: index of a reason in its records -> index in this version's table. */
  #reasonTables(): ReadonlyMap<number, readonly number[]> {
    const tables = new Map<number, readonly number[]>();
    const here = new Map<string, number>(ERROR_CODES.map((code, index) => [code, index]));
    // A code that this version has dropped reads as INTERNAL: the core sees a reason, if not the old one.
    const unknown = codeIndex('INTERNAL');
    for (const row of this.#db.prepare('SELECT run, codes FROM runs').all() as RunCodes[]) {
      const codes = JSON.parse(row.codes) as readonly string[];
      tables.set(
        row.run,
        codes.map((code) => here.get(code) ?? unknown),
      );
    }
    return tables;
  }
}

/** Tables and rows that projections need, in a database of the same form. */
export function copyForProjections(from: SqliteDatabase, to: SqliteDatabase): void {
  for (const { file } of migrations()) {
    to.exec(readFileSync(new URL(file, MIGRATIONS_DIR), 'utf8'));
  }
  for (const table of ['instruments', 'runs']) {
    const rows = from.prepare(`SELECT * FROM ${table}`).safeIntegers().all() as object[];
    const first = rows[0];
    if (first === undefined) continue;
    const columns = Object.keys(first);
    const insert = to.prepare(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
    );
    for (const row of rows) insert.run(row);
  }
}

/** Every record and text of a journal through the projections of its run, into another database. */
export function replayProjections(from: SqliteDatabase, to: SqliteDatabase): void {
  const records = from.prepare('SELECT record FROM journal WHERE run = ? ORDER BY seq').pluck();
  const texts = from
    .prepare(
      'SELECT ref_seq, order_seq, text_kind, text FROM journal_text WHERE ref_seq = ? ORDER BY text_seq',
    )
    .raw();
  const words = new Int32Array(EVENT_WORDS);
  const bytes = new Uint8Array(words.buffer);
  const runs = from.prepare('SELECT run FROM runs ORDER BY run').pluck().all() as number[];
  to.transaction(() => {
    for (const run of runs) {
      const projections = projectionsOf(to, run);
      for (const record of records.iterate(run)) {
        bytes.set(record as Uint8Array);
        projections.apply(words, 0);
        for (const row of texts.iterate(getEventSeq(words, 0))) {
          const [refSeq, orderSeq, textKind, text] = row as [number, number, number, string];
          projections.applyText(textKind, refSeq, orderSeq, text);
        }
        projections.flush();
      }
    }
  }).immediate();
}

function projectionsOf(db: SqliteDatabase, run: number): Projections {
  const { startedNs, strategies, currencies } = readRun(db, run);
  return new Projections(
    { run, runEpochNs: startedNs, instruments: readInstruments(db), strategies, currencies },
    new SqliteProjectionTables(db),
  );
}

/** Copies a journal as it is at one moment, page by page, while others write. */
export async function backupJournal(
  from: string,
  to: string,
  onProgress: ((donePages: number, totalPages: number) => void) | null,
): Promise<void> {
  const db = guarded(from, () => openSqlite(from, { readonly: true, timeout: BUSY_TIMEOUT_MS }));
  try {
    guarded(from, () => checkVersion(db, from));
    await db.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress?.(totalPages - remainingPages, totalPages);
        return BACKUP_PAGES_PER_STEP;
      },
    });
  } catch (cause) {
    throw storeError(to, cause);
  } finally {
    db.close();
  }
}

const BACKUP_PAGES_PER_STEP = 1_000;

/** Throws DATABASE_CORRUPT or DATABASE_NEWER; a whole journal tells its last record. */
export function checkJournal(path: string): { readonly lastSeq: number } {
  checkFile(path);
  const reader = new SqliteStoreReader(path);
  try {
    const broken = reader.checkChain();
    if (broken !== null) {
      throw corrupt(
        path,
        `its hash chain is broken at records ${String(broken.firstSeq)} to ${String(broken.lastSeq)}`,
      );
    }
    return { lastSeq: reader.lastSeq() };
  } finally {
    reader.close();
  }
}

/** Opens with WAL. Only after `checkFile`: setting WAL writes the header. */
function openForWriting(path: string): SqliteDatabase {
  const db = openSqlite(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Looks through an existing file without writing to it. */
function checkFile(path: string): void {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  // Nothing there, or a creation that was killed before its first transaction.
  if (bytes === 0) return;
  guarded(path, () => {
    const db = openSqlite(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      checkVersion(db, path);
      const verdict = db.pragma('quick_check(1)', { simple: true });
      if (verdict !== 'ok') throw corrupt(path, String(verdict));
    } finally {
      db.close();
    }
  });
}

function checkVersion(db: SqliteDatabase, path: string): void {
  const version = versionOf(db);
  const applicationId = asNumber(db.pragma('application_id', { simple: true }));
  const isEmpty = version === 0 && applicationId === 0 && tableCount(db) === 0;
  if (isEmpty) return;
  if (applicationId !== APPLICATION_ID) throw corrupt(path, 'it is not a tickwire journal');
  const newest = must(migrations().at(-1), 'a migration').version;
  if (version > newest) {
    throw new TickwireError(
      'DATABASE_NEWER',
      `The journal ${path} has version ${String(version)}, this program knows versions up to ` +
        `${String(newest)}: use the newer program.`,
      { path, version, versionMax: newest },
    );
  }
}

interface Migration {
  readonly version: number;
  readonly file: string;
}

/** Files NNNN-name.sql, in order. */
function migrations(): readonly Migration[] {
  return readdirSync(MIGRATIONS_DIR)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ version: Number(file.slice(0, 4)), file }));
}

/** Each migration is one transaction: a kill leaves the version before or the version after. */
function migrate(db: SqliteDatabase, path: string): void {
  checkVersion(db, path);
  for (const { version, file } of migrations()) {
    if (version <= versionOf(db)) continue;
    const sql = readFileSync(new URL(file, MIGRATIONS_DIR), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      if (version === 1) {
        db.pragma(`application_id = ${String(APPLICATION_ID)}`);
        db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('install_id', newInstallId());
      }
      db.pragma(`user_version = ${String(version)}`);
    }).immediate();
  }
}

function newInstallId(): string {
  return Array.from({ length: INSTALL_ID_LENGTH }, () =>
    INSTALL_ID_CHARS.charAt(randomInt(INSTALL_ID_CHARS.length)),
  ).join('');
}

function insertRun(db: SqliteDatabase, options: RunOptions): RunStart {
  // A run that is still 'running' although we hold the lock never said goodbye.
  db.prepare(`UPDATE runs SET exit_state = 'lost' WHERE exit_state = 'running'`).run();
  const instruments = mergeInstruments(readInstruments(db), options.instruments);
  saveInstruments(db, instruments);
  const run = asNumber(db.prepare('SELECT COALESCE(MAX(run), 0) + 1 FROM runs').pluck().get());
  const nextSeq = lastSeqOf(db) + 1;
  db.prepare(
    `INSERT INTO runs (run, started_ns, exit_state, version, schema_hash, config, codes, strategies, currencies, first_seq)
     VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    run,
    options.startedNs,
    options.version,
    SCHEMA_HASH,
    options.config,
    JSON.stringify(ERROR_CODES),
    JSON.stringify(options.strategies),
    JSON.stringify(currencyTable(instruments).map((currency) => currency.code)),
    nextSeq,
  );
  return { run, installId: metaValue(db, 'install_id'), nextSeq, instruments };
}

/** Known instruments keep their index; new ones come behind. Scales may not change: old records are written in them. */
function mergeInstruments(
  known: readonly Instrument[],
  wanted: readonly Instrument[],
): readonly Instrument[] {
  const merged = known.map((instrument) => {
    const now = wanted.find((other) => isSame(other, instrument));
    if (now === undefined) return { ...instrument, isTradable: false };
    if (now.priceScale !== instrument.priceScale || now.sizeScale !== instrument.sizeScale) {
      throw new TickwireError(
        'INSTRUMENT_CHANGED',
        `${instrument.venue} ${instrument.symbol} has ${scalesText(now)} at the venue, but ` +
          `${scalesText(instrument)} in the journal: use a new data directory.`,
        { venue: instrument.venue, symbol: instrument.symbol },
      );
    }
    return { ...now, index: instrument.index };
  });
  for (const instrument of wanted) {
    if (merged.some((other) => isSame(other, instrument))) continue;
    merged.push({ ...instrument, index: merged.length });
  }
  return merged;
}

function scalesText(instrument: Instrument): string {
  return `price scale ${String(instrument.priceScale)} and size scale ${String(instrument.sizeScale)}`;
}

function isSame(a: Instrument, b: Instrument): boolean {
  return a.venue === b.venue && a.symbol === b.symbol;
}

function saveInstruments(db: SqliteDatabase, instruments: readonly Instrument[]): void {
  const statement = db.prepare(
    `INSERT INTO instruments (instrument_index, venue, kind, symbol, venue_symbol, base, quote, price_scale, size_scale,
       tick_mantissa, lot_mantissa, size_min_mantissa, size_max_mantissa, notional_min_mantissa)
     VALUES (@index, @venue, @kind, @symbol, @venueSymbol, @base, @quote, @priceScale, @sizeScale,
       @tickMantissa, @lotMantissa, @sizeMinMantissa, @sizeMaxMantissa, @notionalMinMantissa)
     ON CONFLICT (instrument_index) DO UPDATE SET venue_symbol = excluded.venue_symbol,
       tick_mantissa = excluded.tick_mantissa, lot_mantissa = excluded.lot_mantissa,
       size_min_mantissa = excluded.size_min_mantissa, size_max_mantissa = excluded.size_max_mantissa,
       notional_min_mantissa = excluded.notional_min_mantissa`,
  );
  for (const { isTradable: _, ...columns } of instruments) statement.run(columns);
}

function readInstruments(db: SqliteDatabase): readonly Instrument[] {
  const rows = db
    .prepare(
      `SELECT instrument_index AS "index", venue, kind, symbol, venue_symbol AS venueSymbol, base, quote,
         price_scale AS priceScale, size_scale AS sizeScale, tick_mantissa AS tickMantissa,
         lot_mantissa AS lotMantissa, size_min_mantissa AS sizeMinMantissa, size_max_mantissa AS sizeMaxMantissa,
         notional_min_mantissa AS notionalMinMantissa
       FROM instruments ORDER BY instrument_index`,
    )
    .all() as Omit<Instrument, 'isTradable'>[];
  return rows.map((row) => ({ ...row, isTradable: false }));
}

interface RunCodes {
  readonly run: number;
  readonly codes: string;
}

interface RunNames {
  readonly startedNs: bigint;
  readonly strategies: readonly string[];
  readonly currencies: readonly string[];
}

function readRun(db: SqliteDatabase, run: number): RunNames {
  const row = db
    .prepare('SELECT started_ns AS startedNs, strategies, currencies FROM runs WHERE run = ?')
    .safeIntegers()
    .get(run) as { startedNs: bigint; strategies: string; currencies: string } | undefined;
  const found = must(row, `run ${String(run)} in the journal`);
  return {
    startedNs: found.startedNs,
    strategies: JSON.parse(found.strategies) as readonly string[],
    currencies: JSON.parse(found.currencies) as readonly string[],
  };
}

/** The projection tables of 0001-initial.sql. */
class SqliteProjectionTables implements ProjectionTables {
  readonly #loadOrder: SqliteStatement;
  readonly #saveOrder: SqliteStatement;
  readonly #addOrderEvent: SqliteStatement;
  readonly #setOrderEventMessage: SqliteStatement;
  readonly #addFill: SqliteStatement;
  readonly #setVenueFillId: SqliteStatement;
  readonly #savePosition: SqliteStatement;
  readonly #saveBalance: SqliteStatement;
  readonly #addDiscrepancy: SqliteStatement;

  constructor(db: SqliteDatabase) {
    this.#loadOrder = db.prepare('SELECT * FROM orders WHERE order_seq = ?').safeIntegers();
    this.#saveOrder = db.prepare(
      `INSERT INTO orders (order_seq, run, instrument_index, strategy, client_order_id, venue_order_id, side,
         order_type, time_in_force, is_post_only, is_reduce_only, is_adopted, price, size, filled_size, cost, fees,
         fill_count, state, is_open, reason, message, created_ns, updated_ns)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (order_seq) DO UPDATE SET strategy = excluded.strategy, side = excluded.side,
         order_type = excluded.order_type, time_in_force = excluded.time_in_force,
         is_post_only = excluded.is_post_only, is_reduce_only = excluded.is_reduce_only,
         price = excluded.price, size = excluded.size, client_order_id = excluded.client_order_id,
         venue_order_id = excluded.venue_order_id, filled_size = excluded.filled_size, cost = excluded.cost,
         fees = excluded.fees, fill_count = excluded.fill_count, state = excluded.state,
         is_open = excluded.is_open, reason = excluded.reason, message = excluded.message,
         updated_ns = excluded.updated_ns`,
    );
    this.#addOrderEvent = db.prepare(
      'INSERT INTO order_events (seq, order_seq, event, state, reason, at_ns) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#setOrderEventMessage = db.prepare('UPDATE order_events SET message = ? WHERE seq = ?');
    this.#addFill = db.prepare(
      `INSERT INTO fills (fill_seq, input_seq, fill_key, venue_fill_id, order_seq, instrument_index, side, price,
         size, fee, is_maker, venue_ns, applied_ns)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#setVenueFillId = db.prepare('UPDATE fills SET venue_fill_id = ? WHERE input_seq = ?');
    this.#savePosition = db.prepare(
      `INSERT INTO positions (instrument_index, size, cost, avg_entry_price, realized_pnl, fees, seq, updated_ns)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (instrument_index) DO UPDATE SET size = excluded.size, cost = excluded.cost,
         avg_entry_price = excluded.avg_entry_price, realized_pnl = excluded.realized_pnl, fees = excluded.fees,
         seq = excluded.seq, updated_ns = excluded.updated_ns`,
    );
    this.#saveBalance = db.prepare(
      `INSERT INTO balances (currency, total, seq, updated_ns) VALUES (?, ?, ?, ?)
       ON CONFLICT (currency) DO UPDATE SET total = excluded.total, seq = excluded.seq,
         updated_ns = excluded.updated_ns`,
    );
    this.#addDiscrepancy = db.prepare(
      'INSERT INTO discrepancies (seq, reason, order_seq, instrument_index, at_ns) VALUES (?, ?, ?, ?, ?)',
    );
  }

  loadOrder(orderSeq: number, instruments: readonly Instrument[]): StoredOrder | undefined {
    const row = this.#loadOrder.get(orderSeq) as OrderColumns | undefined;
    if (row === undefined) return undefined;
    const instrumentIndex = Number(row.instrument_index);
    const instrument = must(instruments[instrumentIndex], `instrument ${String(instrumentIndex)}`);
    const scale = moneyScale(instrument);
    return {
      orderSeq,
      run: Number(row.run),
      instrumentIndex,
      strategy: row.strategy,
      clientOrderId: row.client_order_id,
      venueOrderId: row.venue_order_id,
      side: row.side,
      orderType: row.order_type,
      timeInForce: row.time_in_force,
      isPostOnly: row.is_post_only === 1n,
      isReduceOnly: row.is_reduce_only === 1n,
      isAdopted: row.is_adopted === 1n,
      price: row.price === null ? 0n : mantissaOfText(row.price, instrument.priceScale),
      size: mantissaOfText(row.size, instrument.sizeScale),
      filled: mantissaOfText(row.filled_size, instrument.sizeScale),
      cost: mantissaOfText(row.cost, scale),
      fees: mantissaOfText(row.fees, scale),
      fillCount: Number(row.fill_count),
      state: row.state,
      isOpen: row.is_open === 1n,
      reason: row.reason,
      message: row.message,
      createdNs: row.created_ns,
      updatedNs: row.updated_ns,
    };
  }

  saveOrder(order: StoredOrder, instrument: Instrument): void {
    const scale = moneyScale(instrument);
    this.#saveOrder.run(
      order.orderSeq,
      order.run,
      order.instrumentIndex,
      order.strategy,
      order.clientOrderId,
      order.venueOrderId,
      order.side,
      order.orderType,
      order.timeInForce,
      Number(order.isPostOnly),
      Number(order.isReduceOnly),
      Number(order.isAdopted),
      order.price === 0n ? null : decimalText(order.price, instrument.priceScale),
      decimalText(order.size, instrument.sizeScale),
      decimalText(order.filled, instrument.sizeScale),
      decimalText(order.cost, scale),
      decimalText(order.fees, scale),
      order.fillCount,
      order.state,
      Number(order.isOpen),
      order.reason,
      order.message,
      order.createdNs,
      order.updatedNs,
    );
  }

  addOrderEvent(event: Parameters<ProjectionTables['addOrderEvent']>[0]): void {
    this.#addOrderEvent.run(
      event.seq,
      event.orderSeq,
      event.event,
      event.state,
      event.reason,
      event.atNs,
    );
  }

  setOrderEventMessage(seq: number, message: string): void {
    this.#setOrderEventMessage.run(message, seq);
  }

  addFill(fill: Parameters<ProjectionTables['addFill']>[0]): void {
    this.#addFill.run(
      fill.fillSeq,
      fill.inputSeq,
      fill.fillKey,
      fill.venueFillId,
      fill.orderSeq,
      fill.instrumentIndex,
      fill.side,
      fill.price,
      fill.size,
      fill.fee,
      Number(fill.isMaker),
      fill.venueNs,
      fill.appliedNs,
    );
  }

  setVenueFillId(inputSeq: number, venueFillId: string): void {
    this.#setVenueFillId.run(venueFillId, inputSeq);
  }

  savePosition(position: Parameters<ProjectionTables['savePosition']>[0]): void {
    this.#savePosition.run(
      position.instrumentIndex,
      position.size,
      position.cost,
      position.avgEntryPrice,
      position.realizedPnl,
      position.fees,
      position.seq,
      position.updatedNs,
    );
  }

  saveBalance(currency: string, total: string, seq: number, updatedNs: bigint): void {
    this.#saveBalance.run(currency, total, seq, updatedNs);
  }

  addDiscrepancy(
    seq: number,
    reason: string,
    orderSeq: number,
    instrumentIndex: number,
    atNs: bigint,
  ): void {
    this.#addDiscrepancy.run(seq, reason, orderSeq, instrumentIndex, atNs);
  }
}

interface OrderColumns {
  readonly run: bigint;
  readonly instrument_index: bigint;
  readonly strategy: string;
  readonly client_order_id: string | null;
  readonly venue_order_id: string | null;
  readonly side: string;
  readonly order_type: string;
  readonly time_in_force: string;
  readonly is_post_only: bigint;
  readonly is_reduce_only: bigint;
  readonly is_adopted: bigint;
  readonly price: string | null;
  readonly size: string;
  readonly filled_size: string;
  readonly cost: string;
  readonly fees: string;
  readonly fill_count: bigint;
  readonly state: string;
  readonly is_open: bigint;
  readonly reason: string;
  readonly message: string | null;
  readonly created_ns: bigint;
  readonly updated_ns: bigint;
}

const LAST_SEQ_SELECT = 'SELECT COALESCE(MAX(seq), 0) FROM journal';

const ORDER_SELECT = `SELECT o.order_seq AS orderSeq, o.run, i.venue, i.symbol, o.instrument_index AS instrumentIndex,
  o.strategy, o.client_order_id AS clientOrderId, o.venue_order_id AS venueOrderId, o.side, o.order_type AS type,
  o.time_in_force AS timeInForce, o.is_post_only AS isPostOnly, o.is_reduce_only AS isReduceOnly,
  o.is_adopted AS isAdopted, o.price, o.size, o.filled_size AS filledSize, o.cost, o.fees,
  o.fill_count AS fillCount, o.state, o.is_open AS isOpen, o.reason, o.message,
  CAST(o.created_ns AS TEXT) AS createdNs, CAST(o.updated_ns AS TEXT) AS updatedNs,
  i.price_scale AS priceScale, i.size_scale AS sizeScale
  FROM orders o JOIN instruments i USING (instrument_index)`;

const FILL_SELECT = `SELECT f.fill_seq AS fillSeq, f.venue_fill_id AS venueFillId, f.order_seq AS orderSeq,
  o.client_order_id AS clientOrderId, i.venue, i.symbol, f.instrument_index AS instrumentIndex, f.side, f.price,
  f.size, f.fee, f.is_maker AS isMaker, CAST(f.venue_ns AS TEXT) AS venueNs, CAST(f.applied_ns AS TEXT) AS appliedNs
  FROM fills f JOIN instruments i USING (instrument_index) LEFT JOIN orders o USING (order_seq)`;

const POSITION_SELECT = `SELECT i.venue, i.symbol, p.instrument_index AS instrumentIndex, p.size, p.cost,
  p.avg_entry_price AS avgEntryPrice, p.realized_pnl AS realizedPnl, p.fees, p.seq,
  CAST(p.updated_ns AS TEXT) AS updatedNs
  FROM positions p JOIN instruments i USING (instrument_index) ORDER BY p.instrument_index`;

/** SQLite has no booleans: a row as it is read has 0 and 1 in their place. */
type Stored<Row> = {
  readonly [Key in keyof Row]: Row[Key] extends boolean ? number : Row[Key];
};

function orderRow(value: unknown): OrderRow {
  const { priceScale, sizeScale, ...row } = value as Stored<OrderRow> & {
    readonly priceScale: number;
    readonly sizeScale: number;
  };
  return {
    ...row,
    isPostOnly: row.isPostOnly === 1,
    isReduceOnly: row.isReduceOnly === 1,
    isAdopted: row.isAdopted === 1,
    isOpen: row.isOpen === 1,
    avgPrice: averagePrice(row.cost, row.filledSize, priceScale, sizeScale),
  };
}

function averagePrice(
  cost: string,
  filledSize: string,
  priceScale: number,
  sizeScale: number,
): string | null {
  const filled = mantissaOfText(filledSize, sizeScale);
  if (filled === 0n) return null;
  // Cost is at priceScale + sizeScale, so the quotient of the mantissas is a price mantissa.
  const divisor = filled * 10n ** BigInt(priceScale);
  return ratioText(
    mantissaOfText(cost, priceScale + sizeScale),
    divisor,
    priceScale + AVG_PRICE_EXTRA_DIGITS,
  );
}

function fillRow(value: unknown): FillRow {
  const row = value as Stored<FillRow>;
  return { ...row, isMaker: row.isMaker === 1 };
}

function lastTextSeqOf(db: SqliteDatabase): number {
  return asNumber(db.prepare('SELECT COALESCE(MAX(text_seq), 0) FROM journal_text').pluck().get());
}

/** Chain of the last batch. */
function lastChainOf(db: SqliteDatabase): Uint8Array {
  const chain = db.prepare('SELECT chain FROM batches ORDER BY batch DESC LIMIT 1').pluck().get();
  return chain === undefined ? CHAIN_START : (chain as Uint8Array);
}

function lastSeqOf(db: SqliteDatabase): number {
  return asNumber(db.prepare(LAST_SEQ_SELECT).pluck().get());
}

function metaValue(db: SqliteDatabase, key: string): string {
  const value = db.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(key);
  assert(typeof value === 'string', `meta has a value: key=${key}`);
  return value;
}

function versionOf(db: SqliteDatabase): number {
  return asNumber(db.pragma('user_version', { simple: true }));
}

function tableCount(db: SqliteDatabase): number {
  return asNumber(db.prepare('SELECT COUNT(*) FROM sqlite_schema').pluck().get());
}

function asNumber(value: unknown): number {
  assert(typeof value === 'number', `SQLite gave a number: value=${String(value)}`);
  return value;
}

/** Runs what touches the database; its errors come out as ours. */
function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw storeError(path, cause);
  }
}

/** What SQLite says, as one of our codes; our own errors pass through. */
function storeError(path: string, cause: unknown): Error {
  const code = sqliteCodeOf(cause);
  if (code === '') return cause instanceof Error ? cause : new Error(String(cause));
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return corrupt(path, messageOf(cause));
  }
  const stable: ErrorCode = 'JOURNAL_FAILED';
  return new TickwireError(
    stable,
    `The journal ${path} could not be read or written: ${messageOf(cause)}.`,
    { path, sqlite: code },
  );
}

function corrupt(path: string, detail: string): TickwireError {
  return new TickwireError(
    'DATABASE_CORRUPT',
    `The journal ${path} is damaged (${detail.replace(/\s+/g, ' ')}): ` +
      'restore a backup or use a new data directory; nothing was written to it.',
    { path },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
