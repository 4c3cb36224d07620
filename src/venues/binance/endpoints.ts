/**
 * endpoints: the facts of Binance that are not code, for its two venues: `binance` (spot) and `binance-usdm` (USD-M
 * futures). Each with its source; docs/venues/binance.md has more.
 */

/** What differs between the two; the dialect is the same. */
export interface BinanceMarket {
  /** Our venue id. */
  readonly venue: 'binance' | 'binance-usdm';
  readonly isFutures: boolean;
  readonly wsUrl: string;
  readonly restUrl: string;
  /** Prefix of its REST paths. */
  readonly restPath: string;
  readonly exchangeInfoPath: string;
  /** Subscribed for every instrument, one message each. */
  readonly channels: readonly string[];
  /**
   * Messages that a client may send in a second, pings included; more end the connection (web-socket-streams.md,
   * 2026-07).
   */
  readonly sendsPerSecondMax: number;
}

/** Diffs of the book; only these say something all the time. */
export const BOOK_CHANNEL = 'depth@100ms';
export const TRADE_CHANNEL = 'trade';
export const TICKER_CHANNEL = 'bookTicker';

export const SPOT: BinanceMarket = {
  venue: 'binance',
  isFutures: false,
  // binance-spot-api-docs, web-socket-streams.md (2026-07): /stream wraps each event with the name of its stream.
  wsUrl: 'wss://stream.binance.com:9443/stream',
  restUrl: 'https://api.binance.com',
  restPath: '/api/v3',
  // Without the permission sets, which are most of 18 MB (rest-api.md, 2026-07).
  exchangeInfoPath: '/api/v3/exchangeInfo?showPermissionSets=false',
  channels: [BOOK_CHANNEL, TRADE_CHANNEL, TICKER_CHANNEL],
  sendsPerSecondMax: 5,
};

export const USDM: BinanceMarket = {
  venue: 'binance-usdm',
  isFutures: true,
  // Since 2026-04-23 futures streams are split (venue's notice of 2026-03-06): depth, bookTicker and trade come from
  // /public, mark prices from /market only. One connection to /public carries all we need; marks are asked for by REST.
  wsUrl: 'wss://fstream.binance.com/public/stream',
  restUrl: 'https://fapi.binance.com',
  restPath: '/fapi/v1',
  exchangeInfoPath: '/fapi/v1/exchangeInfo',
  channels: [BOOK_CHANNEL, TRADE_CHANNEL, TICKER_CHANNEL],
  sendsPerSecondMax: 10,
};

/**
 * Levels a side of a book snapshot. Spot: weight 50 of 6,000 a minute (5,000 levels: 250); USD-M: weight 20 of 2,400, and
 * 1,000 is its most (rest-api.md, 2026-07). Deeper levels come to be known when they change.
 */
export const SNAPSHOT_LEVELS = 1_000;

/**
 * Snapshots asked for in a row after a rest (weight 2,500 of 6,000 and 1,000 of 2,400), then one a second: half the
 * limit.
 */
export const SNAPSHOT_BURST = 50;
export const SNAPSHOTS_PER_SEC = 1;

/**
 * After a snapshot that did not fit, the next one is asked for so much later, doubling up to the second figure. No longer
 * wait is needed for the venue's sake, the budget above holds in any case, and a book must be back within 5 s.
 */
export const SNAPSHOT_RETRY_NS = 500_000_000;
export const SNAPSHOT_RETRY_NS_MAX = 2_000_000_000;

/** A snapshot that has not come for so long is asked for again, although whoever fetches it retries as well. */
export const SNAPSHOT_LOST_NS = 30_000_000_000;

/**
 * Diffs that wait for their snapshot, per market: a minute of them, or so many bytes (BTCUSDT: below 20 kB each in the
 * captures). Beyond that they are dropped (BOOK_BUFFER_FULL) and the wait begins anew.
 */
export const BUFFER_EVENTS_MAX = 600;
export const BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * So many diffs in a row that are behind our book (5 s of them): it is the venue's ids that went back, and the book is
 * dropped.
 */
export const DIFFS_OLD_MAX = 50;

/**
 * A book without a diff for so long is compared with the venue: is it quiet, or is its stream dead? The smallest book
 * will do (weight 5 on spot, 2 on USD-M); two a second are a tenth of what the venue allows.
 */
export const QUIET_NS = 2_000_000_000;
export const PROBE_LEVELS = 5;
export const PROBE_BURST = 10;
export const PROBES_PER_SEC = 2;

/** USD-M mark price and funding by REST (weight 1), while no mark price stream tells them. */
export const MARK_INTERVAL_NS = 5_000_000_000;

/** Streams on one connection: 1,024 (older texts say 200 for futures); three for each instrument. */
export const INSTRUMENTS_PER_CONNECTION_MAX = 50;

/** The largest diff of the captures has 20 kB; nothing that we ask for has megabytes. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The venue pings every 20 s (spot) or 3 min (futures) and drops who does not answer; the socket answers by itself. Ours are
 * for middle boxes, and count as messages (sendsPerSecondMax).
 */
export const PING_INTERVAL_MS = 60_000;

/** Nothing is promised on a quiet market; liveness is watched per subscription. */
export const HEARTBEAT_INTERVAL_MS = 0;
