/**
 * decoding-feed: what ingest and `normalize` need of a venue's market-feed beyond the port in venue.ts, the same for all.
 */
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { MarketState } from './market-publisher.js';
import type { FeedSubscription } from './subscription.js';
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
  /** Depth to subscribe, where the venue wants one (Kraken); absent: the venue's default (endpoints.ts). */
  readonly depth?: number | undefined;
  /**
   * `normalize` only: a capture may begin in the middle, so updates before any snapshot build a book of what was seen.
   * The engine never does: there a book without snapshot is missing.
   */
  readonly booksStartEmpty?: boolean | undefined;
  /** Asked once for a symbol that is not in the table; undefined refuses it (INSTRUMENT_UNKNOWN). `normalize` only. */
  readonly resolve?: (venueSymbol: string) => Instrument | undefined;
}

export interface DecodingFeed extends MarketFeed {
  /** State and book of every instrument of the connection. */
  readonly markets: readonly MarketState[];
  /** What the connection is subscribed to. Fixed after the constructor (it grows with `resolve`). */
  readonly subscriptions: readonly FeedSubscription[];
  /** Texts that ask for one subscription anew (after an unsubscribe, where the venue wants one); marks it Requested. */
  renew(subscription: number): readonly string[];
  /** The market is stale for this reason (index of a code) and its book is dropped: somebody outside knows better. */
  markStale(place: number, reason: number, nowNs: number): void;
  /**
   * A REST body that the feed needs, as path and query behind the venue's restUrl; null: none. Each is handed out once;
   * who fetches it retries until it comes or the connection ends. Null in almost every call.
   */
  takeRequest(): string | null;
  /** The body of such a request (`normalize`: of a recorded one). */
  onBody(path: string, body: Uint8Array, recvNs: number): void;
  /** `normalize` only: what the recorder sent. Venues whose rules depend on it (Kraken's depth) learn from it. */
  onSent(text: string): void;
  /** Replaces an instrument by the same one with finer scales. `normalize` only; `place` in `markets`. */
  refine(place: number, instrument: Instrument): void;
  /** Market changes decoded so far, before the best-20 filter. */
  readonly entryCount: number;
  /** Why needsResubscribe is true; OK while it is false. */
  readonly brokenBy: ErrorCode;
  /** The venue's number of the last frame that had one; NaN where the venue has none. */
  readonly lastSeq: number;
  /** Cold: id of the trade whose tick is being published, as the venue wrote it; null where it gives none. */
  readonly tradeIdText: string | null;
}
