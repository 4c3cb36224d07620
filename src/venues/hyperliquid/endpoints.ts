/**
 * endpoints: the facts of Hyperliquid that are not code. Each with its source; docs/venues/hyperliquid.md has more.
 * There is a test network: api.hyperliquid-testnet.xyz, same paths.
 */

/** hyperliquid.gitbook.io, WebSocket (2026-11). */
export const WS_URL = 'wss://api.hyperliquid.xyz/ws';
export const REST_URL = 'https://api.hyperliquid.xyz';
/** One path for every public question, POST with a JSON body. */
export const INFO_PATH = '/info';
/** The perpetuals of the venue's own exchange, with their size decimals. */
export const META_BODY = '{"type":"meta"}';

/** One subscribe message per channel and coin. */
export const MARKET_CHANNELS = ['l2Book', 'trades', 'bbo', 'activeAssetCtx'] as const;

/** 1000 subscriptions of one address (hyperliquid.gitbook.io, Rate limits, 2026-11) and four of a coin; half of it. */
export const COINS_PER_CONNECTION_MAX = 125;

/** 2000 messages a minute are taken (same page). */
export const SENDS_PER_SECOND_MAX = 30;

/** A book of 20 levels a side has 2.5 kB, a first message of trades 20 kB; an unfiltered allMids of the venue 10 kB. */
export const FRAME_BYTES_MAX = 1024 * 1024;

/**
 * The server closes a connection to which it has sent nothing for 60 s (hyperliquid.gitbook.io, Timeouts and heartbeats,
 * 2026-11); it answers a ping. Every 20 s: two pings or their answers may be lost.
 */
export const PING_TEXT = '{"method":"ping"}';
export const PING_INTERVAL_MS = 20_000;

/** A price of a perpetual has at most 6 - szDecimals decimals, of spot 8 (hyperliquid.gitbook.io, Tick and lot size). */
export const PRICE_DECIMALS_PERPETUAL = 6;
export const PRICE_DECIMALS_SPOT = 8;
/** And at most so many significant digits, unless it is a whole number (same page). */
export const PRICE_DIGITS_MAX = 5;

/** The smallest order, in USDC; reduce-only orders may be smaller (same page). */
export const NOTIONAL_MIN = 10;

/** What perpetuals are margined and priced in. */
export const COLLATERAL = 'USDC';
