/**
 * endpoints: the facts of Coinbase Advanced Trade that are not code. Each with its source; docs/venues/coinbase.md has more.
 * Coinbase has no test network for Advanced Trade: the sandbox answers with canned REST bodies.
 */

/** docs.cdp.coinbase.com, Advanced Trade, WebSocket overview (2026-08). */
export const WS_URL = 'wss://advanced-trade-ws.coinbase.com';
/** Channels user, futures_balance_summary, heartbeats (same page). */
export const WS_USER_URL = 'wss://advanced-trade-ws-user.coinbase.com';
/** REST host; every path below starts with REST_PATH. */
export const REST_URL = 'https://api.coinbase.com';
export const REST_PATH = '/api/v3/brokerage';
/** Product list with authentication, and its public twin. */
export const PRODUCTS_PATH = `${REST_PATH}/products`;
export const PUBLIC_PRODUCTS_PATH = `${REST_PATH}/market/products`;

/** One subscribe message per channel. Data of `level2` arrives with channel `l2_data` (captures of 2026-08). */
export const MARKET_CHANNELS = ['level2', 'market_trades', 'ticker', 'heartbeats'] as const;

/** The first subscribe must come within 5 s of connecting (nautilus_trader, coinbase consts). */
export const SUBSCRIBE_DEADLINE_MS = 5_000;

/** The heartbeats channel sends one message a second once subscribed (capture: 14 in 14 s). */
export const HEARTBEAT_INTERVAL_MS = 1_000;

/** The first message of a connection has sequence_num 0, and it counts all channels (capture: 0 to 1029). */
export const SEQUENCE_FIRST = 0;

/** level2 products on one connection: 16 worked, 32 were refused (JKorf/Coinbase.Net issue 19). */
export const PRODUCTS_PER_CONNECTION_MAX = 16;

/** A BTC-USD level2 snapshot had 5.1 MB (capture of 2026-08); the limit leaves room for it to grow tenfold. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** WebSocket ping frames keep a quiet connection alive through middle boxes; any server answers them (RFC 6455, 5.5.2). */
export const PING_INTERVAL_MS = 15_000;

// ---- The old Exchange feed (wss://ws-feed.exchange.coinbase.com): read from captures and recordings, never connected to.

/** Channels of its subscribe message; `level2_50` and `level2_batch` carry the same books (capture of 2026-07). */
export const EXCHANGE_CHANNELS = ['level2', 'matches', 'ticker', 'heartbeat'] as const;
