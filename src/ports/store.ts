/**
 * store: what is kept on disk. One of the five doors through which two runs may differ. Types only.
 * Twin on a real disk: journal/sqlite-store.ts. Three faces, because three threads hold it:
 *
 *   journal thread   JournalWriter   appends, the only writer
 *   execution        RecoverySource  reads the inputs of every run once, at start
 *   control          StoreReader     answers people's questions through a read-only connection of its own
 *
 * Rows are ready for JSON: decimals and nanoseconds since the epoch are text.
 */
import type { CoreRecord } from '../domain/core-record.js';
import type { Instrument } from '../domain/instrument.js';

/** What is known of a run when it begins. */
export interface RunOptions {
  readonly startedNs: bigint;
  readonly version: string;
  /** JSON, without secrets. */
  readonly config: string;
  /** By strategyIndex. */
  readonly strategies: readonly string[];
  /** As the venues state them now, in any order; `index` is ignored. */
  readonly instruments: readonly Instrument[];
}

/** What the store gives a run. */
export interface RunStart {
  readonly run: number;
  /** Six characters [a-z0-9], made when the journal was created: the head of every client order id. */
  readonly installId: string;
  /** The seq of the first record of this run. */
  readonly nextSeq: number;
  /**
   * Every instrument that the journal has ever spoken of, at its own index; those that are not in the options are not
   * tradable and keep what was last known of them.
   */
  readonly instruments: readonly Instrument[];
}

export type RunExitState = 'ended' | 'failed';

export interface JournalWriter {
  /** Copies the 32 words of an event ring slot at `base`. At most `capacity` between two commits. */
  append(i32: Int32Array, base: number): void;
  readonly pendingCount: number;
  readonly capacity: number;
  /** Seq of the last record that is on disk; 0: none. */
  readonly durableSeq: number;
  /** Writes what was appended, and what follows from it, in one transaction. Returns the number of records. */
  commit(): number;
  /** Writes the end of the run into its row. */
  endRun(exitState: RunExitState, endedNs: bigint): void;
  close(): void;
}

export interface RecoverySource {
  readonly installId: string;
  /** 0: an empty journal. */
  lastSeq(): number;
  /** Epoch nanoseconds of the youngest fill of a venue, by the venue's clock; null: none. */
  lastFillVenueNs(venue: string): bigint | null;
  /** Inputs of the core of all runs with seq above `afterSeq`, in order. The record is reused: copy what you keep. */
  readInputs(afterSeq?: number): Iterable<CoreRecord>;
  openOrders(): readonly OrderRow[];
  close(): void;
}

export interface StoreReader {
  lastSeq(): number;
  openOrders(): readonly OrderRow[];
  orders(query: OrderQuery): readonly OrderRow[];
  orderEvents(orderSeq: number): readonly OrderEventRow[];
  fills(query: FillQuery): readonly FillRow[];
  positions(): readonly PositionRow[];
  balances(): readonly BalanceRow[];
  runs(limit: number): readonly RunRow[];
  close(): void;
}

/** Youngest first. */
export interface OrderQuery {
  readonly limit: number;
  /** Only orders with a smaller order number: the next page. */
  readonly beforeOrderSeq?: number;
}

/** Youngest first. */
export interface FillQuery {
  readonly limit: number;
  /** Only fills with a greater fillSeq: what is new. */
  readonly afterSeq?: number;
  readonly beforeSeq?: number;
  /** Only fills of at or after this time at the venue. */
  readonly sinceNs?: bigint;
}

export interface OrderRow {
  readonly orderSeq: number;
  readonly run: number;
  readonly venue: string;
  readonly symbol: string;
  readonly instrumentIndex: number;
  readonly strategy: string;
  readonly clientOrderId: string | null;
  readonly venueOrderId: string | null;
  readonly side: string;
  readonly type: string;
  readonly timeInForce: string;
  readonly isPostOnly: boolean;
  readonly isReduceOnly: boolean;
  readonly isAdopted: boolean;
  /** null: a market order. */
  readonly price: string | null;
  readonly size: string;
  readonly filledSize: string;
  /** Cost / filled size, rounded half away from zero at four digits below the price scale; null: nothing filled. */
  readonly avgPrice: string | null;
  /** Exact: sum of price times size. */
  readonly cost: string;
  readonly fees: string;
  readonly fillCount: number;
  readonly state: string;
  readonly isOpen: boolean;
  readonly reason: string;
  readonly message: string | null;
  readonly createdNs: string;
  readonly updatedNs: string;
}

export interface OrderEventRow {
  readonly seq: number;
  readonly orderSeq: number;
  readonly event: string;
  readonly state: string;
  readonly reason: string;
  readonly message: string | null;
  readonly atNs: string;
}

export interface FillRow {
  readonly fillSeq: number;
  readonly venueFillId: string | null;
  readonly orderSeq: number;
  readonly clientOrderId: string | null;
  readonly venue: string;
  readonly symbol: string;
  readonly instrumentIndex: number;
  readonly side: string;
  readonly price: string;
  readonly size: string;
  readonly fee: string;
  readonly isMaker: boolean;
  readonly venueNs: string;
  readonly appliedNs: string;
}

export interface PositionRow {
  readonly venue: string;
  readonly symbol: string;
  readonly instrumentIndex: number;
  readonly size: string;
  readonly cost: string;
  readonly avgEntryPrice: string;
  readonly realizedPnl: string;
  readonly fees: string;
  readonly seq: number;
  readonly updatedNs: string;
}

export interface BalanceRow {
  readonly currency: string;
  readonly total: string;
  readonly updatedNs: string;
}

export interface RunRow {
  readonly run: number;
  readonly startedNs: string;
  readonly endedNs: string | null;
  readonly exitState: string;
  readonly version: string;
  readonly firstSeq: number;
}
