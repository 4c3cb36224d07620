/**
 * VenueStore: what a simulated venue remembers, in DATA_DIR/venue.sqlite: accounts, orders, fills, its ids and the key
 * that it gave out. The simulator's process is the only one with the file open (exclusive lock).
 *
 * Invariant: changes are committed before anybody is told of them, so a killed simulator never forgets what it said.
 * Price: WAL with synchronous NORMAL survives the death of the process (kill -9), not a power cut; it is a simulator.
 * Money is decimal text of the integer mantissa.
 */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { OrderType, Side, TimeInForce } from '../domain/order.js';
import { makeDir } from '../runtime/make-dir.js';
import { openSqlite, sqliteCodeOf } from '../runtime/sqlite.js';
import type { SqliteDatabase, SqliteStatement } from '../runtime/sqlite.js';
import type {
  ExchangeAccount,
  ExchangeChanges,
  ExchangeFill,
  ExchangeOrder,
  ExchangeOrderStatus,
} from '../venues/simulator-port.js';
import type { ExchangeState } from './exchange.js';

const SCHEMA_VERSION = 1;
/** A simulator that was just killed may hold its lock a moment longer. */
const LOCK_WAIT_MS = 2000;
/** Public trade ids are reserved in blocks, so that a restart never gives one twice. */
const TRADE_ID_BLOCK = 10_000;
const TRADE_ID_FIRST = 1_000_000_001;

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE accounts (
  currency TEXT PRIMARY KEY, scale INTEGER NOT NULL, total TEXT NOT NULL, hold TEXT NOT NULL
) STRICT;
CREATE TABLE orders (
  order_number INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL,
  side INTEGER NOT NULL, order_type INTEGER NOT NULL, time_in_force INTEGER NOT NULL, post_only INTEGER NOT NULL,
  price TEXT NOT NULL, size TEXT NOT NULL, quote TEXT NOT NULL, expire_ns TEXT NOT NULL, wire TEXT NOT NULL,
  created_ns TEXT NOT NULL, status TEXT NOT NULL, filled_size TEXT NOT NULL, filled_value TEXT NOT NULL,
  fee TEXT NOT NULL, fill_count INTEGER NOT NULL, last_fill_ns TEXT NOT NULL, changed_ns TEXT NOT NULL,
  hold TEXT NOT NULL, queue_ahead TEXT NOT NULL
) STRICT;
CREATE TABLE fills (
  fill_number INTEGER PRIMARY KEY, order_number INTEGER NOT NULL REFERENCES orders, symbol TEXT NOT NULL,
  side INTEGER NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL, value TEXT NOT NULL, fee TEXT NOT NULL,
  is_maker INTEGER NOT NULL, time_ns TEXT NOT NULL
) STRICT;
`;

const UPSERT_ORDER = `
INSERT INTO orders VALUES (
  :order_number, :client_order_id, :symbol, :side, :order_type, :time_in_force, :post_only, :price, :size, :quote,
  :expire_ns, :wire, :created_ns, :status, :filled_size, :filled_value, :fee, :fill_count, :last_fill_ns,
  :changed_ns, :hold, :queue_ahead
) ON CONFLICT (order_number) DO UPDATE SET
  status = :status, filled_size = :filled_size, filled_value = :filled_value, fee = :fee, fill_count = :fill_count,
  last_fill_ns = :last_fill_ns, changed_ns = :changed_ns, hold = :hold, queue_ahead = :queue_ahead
`;

const INSERT_FILL = `
INSERT INTO fills VALUES (
  :fill_number, :order_number, :symbol, :side, :price, :size, :value, :fee, :is_maker, :time_ns
)`;

const UPSERT_ACCOUNT = `
INSERT INTO accounts VALUES (:currency, :scale, :total, :hold)
ON CONFLICT (currency) DO UPDATE SET total = :total, hold = :hold
`;

interface OrderRow {
  order_number: number;
  client_order_id: string;
  symbol: string;
  side: Side;
  order_type: OrderType;
  time_in_force: TimeInForce;
  post_only: number;
  price: string;
  size: string;
  quote: string;
  expire_ns: string;
  wire: string;
  created_ns: string;
  status: ExchangeOrderStatus;
  filled_size: string;
  filled_value: string;
  fee: string;
  fill_count: number;
  last_fill_ns: string;
  changed_ns: string;
  hold: string;
  queue_ahead: string;
}

interface FillRow {
  fill_number: number;
  order_number: number;
  symbol: string;
  side: Side;
  price: string;
  size: string;
  value: string;
  fee: string;
  is_maker: number;
  time_ns: string;
}

interface AccountRow {
  currency: string;
  scale: number;
  total: string;
  hold: string;
}

/** The key pair that clients of this venue sign with: paper money, so it lies open. */
export interface VenueCredentials {
  readonly keyName: string;
  readonly privateKeyPem: string;
}

export interface VenueStoreOptions {
  /** Null: in memory, forgotten at the end. */
  readonly dataDir: string | null;
  readonly instruments: readonly Instrument[];
}

export class VenueStore {
  readonly #database: SqliteDatabase;
  readonly #instruments: readonly Instrument[];
  readonly #upsertOrder: SqliteStatement;
  readonly #insertFill: SqliteStatement;
  readonly #upsertAccount: SqliteStatement;
  readonly #writeMeta: SqliteStatement;
  #tradeIdNext: number;
  #tradeIdReserved: number;

  private constructor(database: SqliteDatabase, instruments: readonly Instrument[]) {
    this.#database = database;
    this.#instruments = instruments;
    this.#upsertOrder = database.prepare(UPSERT_ORDER);
    this.#insertFill = database.prepare(INSERT_FILL);
    this.#upsertAccount = database.prepare(UPSERT_ACCOUNT);
    this.#writeMeta = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    this.#tradeIdNext = Number(this.#meta('trade_id_reserved', () => String(TRADE_ID_FIRST)));
    this.#tradeIdReserved = this.#tradeIdNext;
  }

  /** Opens or creates. Throws DATA_DIR_UNWRITABLE, DATA_DIR_LOCKED, DATABASE_CORRUPT, DATABASE_NEWER. */
  static open(options: VenueStoreOptions): VenueStore {
    const { dataDir } = options;
    if (dataDir === null)
      return new VenueStore(prepare(openSqlite(':memory:')), options.instruments);
    const path = join(dataDir, 'venue.sqlite');
    try {
      makeDir(dataDir);
    } catch (error) {
      throw new TickwireError(
        'DATA_DIR_UNWRITABLE',
        `cannot create the data directory ${dataDir}: ${messageOf(error)}`,
        { dataDir },
      );
    }
    let database: SqliteDatabase | null = null;
    try {
      database = openSqlite(path, { timeout: LOCK_WAIT_MS });
      return new VenueStore(prepare(database), options.instruments);
    } catch (error) {
      database?.close();
      throw asTickwireError(error, dataDir, path);
    }
  }

  /** Null on the first start. */
  load(): ExchangeState | null {
    const accounts = this.#rows<AccountRow>('SELECT * FROM accounts ORDER BY rowid').map(
      (row): ExchangeAccount => ({
        currency: row.currency,
        scale: row.scale,
        totalMantissa: BigInt(row.total),
        holdMantissa: BigInt(row.hold),
      }),
    );
    if (accounts.length === 0) return null;
    const orders = this.#rows<OrderRow>('SELECT * FROM orders ORDER BY order_number').map((row) =>
      this.#orderOf(row),
    );
    const fills = this.#rows<FillRow>('SELECT * FROM fills ORDER BY fill_number').map(
      (row): ExchangeFill => ({
        fillNumber: row.fill_number,
        orderNumber: row.order_number,
        instrumentIndex: this.#indexOf(row.symbol),
        side: row.side,
        priceMantissa: BigInt(row.price),
        sizeMantissa: BigInt(row.size),
        valueMantissa: BigInt(row.value),
        feeMantissa: BigInt(row.fee),
        isMaker: row.is_maker === 1,
        timeNs: BigInt(row.time_ns),
      }),
    );
    return { accounts, orders, fills };
  }

  /** In one transaction; returns when it is safe from the death of this process. */
  commit(changes: ExchangeChanges): void {
    this.#database.transaction(() => {
      for (const order of changes.orders) this.#upsertOrder.run(this.#rowOfOrder(order));
      for (const fill of changes.fills) this.#insertFill.run(this.#rowOfFill(fill));
      for (const account of changes.accounts) {
        this.#upsertAccount.run({
          currency: account.currency,
          scale: account.scale,
          total: String(account.totalMantissa),
          hold: String(account.holdMantissa),
        });
      }
    })();
  }

  /** 8 hex digits, drawn at the first start. */
  idSalt(): string {
    return this.#meta('id_salt', () => randomBytes(4).toString('hex'));
  }

  /** Made at the first start. */
  credentials(): VenueCredentials {
    const text = this.#meta('credentials', () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const credentials: VenueCredentials = {
        keyName: `organizations/${randomUUID()}/apiKeys/${randomUUID()}`,
        privateKeyPem: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
      };
      return JSON.stringify(credentials);
    });
    return JSON.parse(text) as VenueCredentials;
  }

  nextTradeId(): number {
    if (this.#tradeIdNext >= this.#tradeIdReserved) {
      this.#tradeIdReserved += TRADE_ID_BLOCK;
      this.#writeMeta.run('trade_id_reserved', String(this.#tradeIdReserved));
    }
    return this.#tradeIdNext++;
  }

  close(): void {
    this.#database.close();
  }

  #meta(key: string, make: () => string): string {
    const row = this.#database.prepare('SELECT value FROM meta WHERE key = ?').get(key) as
      { value: string } | undefined;
    if (row !== undefined) return row.value;
    const value = make();
    this.#writeMeta.run(key, value);
    return value;
  }

  #rows<Row>(sql: string): Row[] {
    return this.#database.prepare(sql).all() as Row[];
  }

  #orderOf(row: OrderRow): ExchangeOrder {
    return {
      orderNumber: row.order_number,
      clientOrderId: row.client_order_id,
      instrumentIndex: this.#indexOf(row.symbol),
      side: row.side,
      orderType: row.order_type,
      timeInForce: row.time_in_force,
      isPostOnly: row.post_only === 1,
      priceMantissa: BigInt(row.price),
      sizeMantissa: BigInt(row.size),
      quoteMantissa: BigInt(row.quote),
      expireNs: BigInt(row.expire_ns),
      wire: row.wire,
      createdNs: BigInt(row.created_ns),
      status: row.status,
      filledSizeMantissa: BigInt(row.filled_size),
      filledValueMantissa: BigInt(row.filled_value),
      feeMantissa: BigInt(row.fee),
      fillCount: row.fill_count,
      lastFillNs: BigInt(row.last_fill_ns),
      changedNs: BigInt(row.changed_ns),
      holdMantissa: BigInt(row.hold),
      queueAheadMantissa: BigInt(row.queue_ahead),
    };
  }

  #rowOfOrder(order: ExchangeOrder): OrderRow {
    return {
      order_number: order.orderNumber,
      client_order_id: order.clientOrderId,
      symbol: this.#symbolOf(order.instrumentIndex),
      side: order.side,
      order_type: order.orderType,
      time_in_force: order.timeInForce,
      post_only: order.isPostOnly ? 1 : 0,
      price: String(order.priceMantissa),
      size: String(order.sizeMantissa),
      quote: String(order.quoteMantissa),
      expire_ns: String(order.expireNs),
      wire: order.wire,
      created_ns: String(order.createdNs),
      status: order.status,
      filled_size: String(order.filledSizeMantissa),
      filled_value: String(order.filledValueMantissa),
      fee: String(order.feeMantissa),
      fill_count: order.fillCount,
      last_fill_ns: String(order.lastFillNs),
      changed_ns: String(order.changedNs),
      hold: String(order.holdMantissa),
      queue_ahead: String(order.queueAheadMantissa),
    };
  }

  #rowOfFill(fill: ExchangeFill): FillRow {
    return {
      fill_number: fill.fillNumber,
      order_number: fill.orderNumber,
      symbol: this.#symbolOf(fill.instrumentIndex),
      side: fill.side,
      price: String(fill.priceMantissa),
      size: String(fill.sizeMantissa),
      value: String(fill.valueMantissa),
      fee: String(fill.feeMantissa),
      is_maker: fill.isMaker ? 1 : 0,
      time_ns: String(fill.timeNs),
    };
  }

  #symbolOf(instrumentIndex: number): string {
    return this.#instruments[instrumentIndex]?.symbol ?? '';
  }

  #indexOf(symbol: string): number {
    const instrument = this.#instruments.find((entry) => entry.symbol === symbol);
    if (instrument === undefined) {
      throw new TickwireError(
        'INSTRUMENT_CHANGED',
        `the venue's data has orders for ${symbol}, which this simulator does not list`,
        { symbol },
      );
    }
    return instrument.index;
  }
}

function prepare(database: SqliteDatabase): SqliteDatabase {
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  // Takes the lock now, not at the first order.
  database.exec('BEGIN IMMEDIATE');
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    throw new TickwireError(
      'DATABASE_NEWER',
      `the venue's database was written by a newer version: version=${version}, known=${SCHEMA_VERSION}`,
    );
  }
  if (version === 0) {
    database.exec(SCHEMA);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  }
  database.exec('COMMIT');
  return database;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asTickwireError(error: unknown, dataDir: string, path: string): TickwireError {
  if (error instanceof TickwireError) return error;
  const code = sqliteCodeOf(error);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new TickwireError(
      'DATA_DIR_LOCKED',
      `another simulator uses the data directory ${dataDir}`,
      { dataDir },
    );
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new TickwireError(
      'DATABASE_CORRUPT',
      `the venue's database ${path} is damaged: ${messageOf(error)}`,
      { path },
    );
  }
  return new TickwireError(
    'DATA_DIR_UNWRITABLE',
    `cannot write the venue's database ${path}: ${messageOf(error)}`,
    { path },
  );
}
