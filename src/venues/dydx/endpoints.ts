/**
 * endpoints: the facts of dYdX v4 (chain and indexer) that are not code. Each with its source; docs/venues/dydx.md has more.
 * There is a test network: indexer.v4testnet.dydx.exchange, same paths.
 */

/** docs.dydx.xyz, Endpoints (2026-11): the indexer's WebSocket. */
export const WS_URL = 'wss://indexer.dydx.trade/v4/ws';
/** The indexer's REST host; every path below starts with /v4. */
export const REST_URL = 'https://indexer.dydx.trade';
/** The list of markets; no authentication, no page. */
export const MARKETS_PATH = '/v4/perpetualMarkets';

/**
 * Channels about one market. With `"batched":true` the venue would gather what comes within 250 ms into one message (the
 * indexer's service, 2026-11); we ask for each change at once: a quarter of a second is too old.
 */
export const MARKET_CHANNELS = ['v4_orderbook', 'v4_trades'] as const;
/** Oracle prices and funding; has no id. */
export const CHANNEL_MARKETS = 'v4_markets';

/** The first message of a connection ("connected") has message_id 0. */
export const MESSAGE_ID_FIRST = 0;

/** Subscriptions of one connection to v4_orderbook, and as many to v4_trades (docs.dydx.xyz, Rate limits, 2026-11). */
export const MARKETS_PER_CONNECTION_MAX = 32;

/** The list of markets in the first message of v4_markets has 200 kB; books have some thousand levels. Twenty times that. */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The server pings every 30 s and closes when no pong came within 10 s (docs.dydx.xyz, WebSockets, 2026-11); the client
 * library answers. Ours is for middle boxes, and finds a dead socket before the server does.
 */
export const PING_INTERVAL_MS = 15_000;

/** What an account holds, and what prices are in: the collateral of every perpetual. */
export const COLLATERAL = 'USDC';
