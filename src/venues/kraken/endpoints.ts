/**
 * endpoints: the facts of Kraken (spot, WebSocket v2) that are not code. Each with its source; docs/venues/kraken.md has
 * more. There is no test network for spot: beta-ws.kraken.com is a preview of the real engine, with real money.
 */

/** docs.kraken.com, "Spot Websockets (v2)" (2026-08). */
export const WS_URL = 'wss://ws.kraken.com/v2';
/** docs.kraken.com, "Spot REST" (2026-08). */
export const REST_URL = 'https://api.kraken.com';
/** The list of pairs (same page). */
export const PAIRS_PATH = '/0/public/AssetPairs';

/** What we subscribe for each market. Acknowledged one by one (captures of 2026). */
export const MARKET_CHANNELS = ['book', 'trade', 'ticker'] as const;

/** Depths that the venue has; another one is "Subscription depth not supported" (seen live, 2026). */
export const DEPTHS: readonly number[] = [10, 25, 100, 500, 1000];
/**
 * 100, not 1000: the checksum covers the ten best levels only, so what lies deeper is believed unseen, and every one of
 * 1000 levels costs messages. 100 is five times what the board shows. Setting: `depth` of DecodingFeedOptions.
 */
export const DEPTH_DEFAULT = 100;

/** {"channel":"heartbeat"}, about once a second as soon as something is subscribed (capture: 60 in one minute). */
export const HEARTBEAT_INTERVAL_MS = 1_000;

/** A socket on which nothing is said is closed after about 60 s (docs, "ping", 2026-08). */
export const PING_INTERVAL_MS = 20_000;
export const PING_TEXT = '{"method":"ping"}';

/** Three subscribe messages for each; the venue limits messages without saying at how many ("Exceeded msg rate"). */
export const INSTRUMENTS_PER_CONNECTION_MAX = 20;

/** A snapshot of 1000 levels a side has 80 kB; the instrument channel's, which we do not ask for, about 1 MB. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;
