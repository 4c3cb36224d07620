/**
 * decoding-feed: what ingest and `normalize` need of a venue's market-feed beyond the port in venue.ts, the same for all.
 */
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { MarketState } from './market-publisher.js';
import type { FrameRejects, MarketFeed, TickOut } from './venue.js';

export interface DecodingFeedOptions {
  /** The instruments of this connection. */
  readonly instruments: readonly Instrument[];
  readonly ticks: TickOut;
  readonly rejects: FrameRejects;
  readonly runEpochNs: bigint;
  /** Level ticks for that many best levels (20 in the engine); Infinity: every change; 0: none. */
  readonly levelsMax: number;
  /** Levels published behind a SnapshotBegin (20 in the engine). */
  readonly snapshotLevelsMax: number;
  /** Publishes the trades of one message oldest first (the engine), not as they stand on the wire. */
  readonly tradesInTimeOrder: boolean;
  /** Asked once for a symbol that is not in the table; undefined refuses it (INSTRUMENT_UNKNOWN). `normalize` only. */
  readonly resolve?: (venueSymbol: string) => Instrument | undefined;
}

export interface DecodingFeed extends MarketFeed {
  /** State and book of every instrument of the connection. */
  readonly markets: readonly MarketState[];
  /** Replaces an instrument by the same one with finer scales. `normalize` only; `place` in `markets`. */
  refine(place: number, instrument: Instrument): void;
  /** Market changes decoded so far, before the best-20 filter. */
  readonly entryCount: number;
  /** Why needsResubscribe is true; OK while it is false. */
  readonly brokenBy: ErrorCode;
  /** The venue's number of the last frame that had one. */
  readonly lastSeq: number;
}
