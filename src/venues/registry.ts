/**
 * registry: the venues by name. Adding a venue is one folder and one line here (docs/adding-a-venue.md).
 *
 * `VENUES` can be connected to, those with `trading` can be traded; `DIALECTS` can be read, `normalize` knows them all.
 * Old dialects of a venue (its former feed)
 * stand only in the second table.
 */
import { createHash } from 'node:crypto';
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { Clock } from '../ports/clock.js';
import type { Signer } from '../ports/signer.js';
import * as binance from './binance/endpoints.js';
import {
  parseInstruments as parseBinance,
  scalesOfFrame as scalesOfBinanceFrame,
} from './binance/instruments.js';
import { BinanceMarketFeed } from './binance/market-feed.js';
import { CoinbaseAuth } from './coinbase/auth.js';
import * as coinbase from './coinbase/endpoints.js';
import {
  parseExchangeInstruments as parseCoinbaseExchange,
  parseInstruments as parseCoinbase,
  scalesOfExchangeFrame as scalesOfCoinbaseExchangeFrame,
  scalesOfFrame as scalesOfCoinbaseFrame,
} from './coinbase/instruments.js';
import { CoinbaseMarketFeed } from './coinbase/market-feed.js';
import { CoinbaseExchangeMarketFeed } from './coinbase/market-feed-exchange.js';
import { CANCEL_PATH, CoinbaseOrderGateway, PLACE_PATH } from './coinbase/order-gateway.js';
import * as kraken from './kraken/endpoints.js';
import {
  parseInstruments as parseKraken,
  parseInstrumentsV1 as parseKrakenV1,
  scalesOfFrame as scalesOfKrakenFrame,
  scalesOfFrameV1 as scalesOfKrakenFrameV1,
} from './kraken/instruments.js';
import { KrakenMarketFeed } from './kraken/market-feed.js';
import { KrakenMarketFeedV1 } from './kraken/market-feed-v1.js';
import * as dydx from './dydx/endpoints.js';
import {
  parseInstruments as parseDydx,
  scalesOfFrame as scalesOfDydxFrame,
} from './dydx/instruments.js';
import { DydxMarketFeed } from './dydx/market-feed.js';
import * as hyperliquid from './hyperliquid/endpoints.js';
import {
  parseInstruments as parseHyperliquid,
  scalesOfFrame as scalesOfHyperliquidFrame,
} from './hyperliquid/instruments.js';
import { HyperliquidMarketFeed } from './hyperliquid/market-feed.js';
import type { FrameRejects, OrderGateway, RequestAuth } from './venue.js';
import type { DecodingFeed, DecodingFeedOptions } from './decoding-feed.js';

/** What was read from a venue's own list of instruments. */
export interface ParsedInstruments {
  readonly instruments: readonly Instrument[];
  /** Those that were wanted or listed and cannot be used, and why. */
  readonly refused: readonly { readonly venueSymbol: string; readonly message: string }[];
}

/** How a venue's public side is read. */
export interface VenueDialect {
  readonly name: string;
  createMarketFeed(options: DecodingFeedOptions): DecodingFeed;
  /**
   * Reads the REST body that lists the instruments; only those wanted, in that order, when any are named. Throws
   * VENUE_ANSWER_MALFORMED.
   */
  parseInstruments(
    body: string,
    venueSymbols?: readonly string[],
    indexFirst?: number,
  ): ParsedInstruments;
  /** Decimals that prices and sizes of a frame use, for instruments that no list describes. */
  scalesOfFrame(frame: string): { readonly priceScale: number; readonly sizeScale: number };
  /** Whether a recorded REST body with this url is that list; the body tells where one url answers many questions. */
  isInstrumentsUrl(url: string, body: string): boolean;
  /** The venue's own word for the side of a trade (`side_raw` of normalize). */
  sideText(isAggressorSell: boolean): string;
}

/** One question to a venue's public REST side; `body` is empty for GET. */
export interface PublicRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query behind restUrl. */
  readonly path: string;
  readonly body: string;
}

/** A venue that the engine can connect to. */
export interface VenueDefinition extends VenueDialect {
  readonly wsUrl: string;
  readonly restUrl: string;
  /** The public list of instruments. */
  readonly instrumentsRequest: PublicRequest;
  /** Instruments on one public connection. */
  readonly instrumentsPerConnectionMax: number;
  readonly frameBytesMax: number;
  /** Something comes at least that often on a healthy connection once it is subscribed; 0: nothing is promised. */
  readonly heartbeatIntervalMs: number;
  /** What the venue wants to hear from us now and then; null: a WebSocket ping frame does. */
  readonly pingText: string | null;
  /** How often it is said. */
  readonly pingIntervalMs: number;
  /** Texts and pings that it takes from us within a second; absent: as many as `feed.sendsPerSecondMax`. */
  readonly sendsPerSecondMax?: number;
  /** The venue is known to show crossed books (dYdX): a cross is no error, and is not traded on. */
  readonly mayCross: boolean;
  /** The private side; null: orders for this venue are refused (ORDER_VENUE_READ_ONLY). */
  readonly trading: VenueTrading | null;
}

/** A venue's private side. */
export interface VenueTrading {
  readonly wsUserUrl: string;
  /** Encodes orders and decodes answers of the private side. */
  createOrderGateway(options: OrderGatewayOptions): OrderGateway;
  /** Proves requests to be ours; tokens of orders and cancels are signed ahead where the venue's proof allows it. */
  createAuth(options: AuthOptions): RequestAuth;
}

export interface OrderGatewayOptions {
  readonly instruments: readonly Instrument[];
  readonly rejects: FrameRejects;
}

export interface AuthOptions {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly restUrl: string;
  readonly onSigned: (durationNs: number) => void;
}

const HASH_BYTES = 7;
const HASH_53_MASK = 2n ** 53n - 1n;

/** 53 bits of SHA-256: a venue's textual id as a number that records can carry. Two of 10^6 meet once in 18,000 runs. */
function hash53(text: string): number {
  const hex = createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);
  return Number(BigInt(`0x${hex}`) & HASH_53_MASK);
}

export const COINBASE: VenueDefinition = {
  name: 'coinbase',
  createMarketFeed: (options) => new CoinbaseMarketFeed(options),
  parseInstruments: parseCoinbase,
  scalesOfFrame: scalesOfCoinbaseFrame,
  isInstrumentsUrl: (url) => url.endsWith('/products') || url.includes('/products?'),
  // The maker's side, as the venue writes it; the aggressor is the other one.
  sideText: (isAggressorSell) => (isAggressorSell ? 'BUY' : 'SELL'),
  wsUrl: coinbase.WS_URL,
  restUrl: coinbase.REST_URL,
  instrumentsRequest: { method: 'GET', path: coinbase.PUBLIC_PRODUCTS_PATH, body: '' },
  instrumentsPerConnectionMax: coinbase.PRODUCTS_PER_CONNECTION_MAX,
  frameBytesMax: coinbase.FRAME_BYTES_MAX,
  heartbeatIntervalMs: coinbase.HEARTBEAT_INTERVAL_MS,
  pingText: null,
  pingIntervalMs: coinbase.PING_INTERVAL_MS,
  mayCross: false,
  trading: {
    wsUserUrl: coinbase.WS_USER_URL,
    createOrderGateway: (options) => new CoinbaseOrderGateway({ ...options, hash53 }),
    createAuth: (options) =>
      new CoinbaseAuth({
        signer: options.signer,
        clock: options.clock,
        host: new URL(options.restUrl).host,
        prepared: [
          { method: 'POST', path: PLACE_PATH },
          { method: 'POST', path: CANCEL_PATH },
        ],
        onSigned: options.onSigned,
      }),
  },
};

export const KRAKEN: VenueDefinition = {
  name: 'kraken',
  createMarketFeed: (options) => new KrakenMarketFeed(options),
  parseInstruments: parseKraken,
  scalesOfFrame: scalesOfKrakenFrame,
  isInstrumentsUrl: (url) => url.includes(kraken.PAIRS_PATH),
  // The aggressor's side.
  sideText: (isAggressorSell) => (isAggressorSell ? 'sell' : 'buy'),
  wsUrl: kraken.WS_URL,
  restUrl: kraken.REST_URL,
  instrumentsRequest: { method: 'GET', path: kraken.PAIRS_PATH, body: '' },
  instrumentsPerConnectionMax: kraken.INSTRUMENTS_PER_CONNECTION_MAX,
  frameBytesMax: kraken.FRAME_BYTES_MAX,
  heartbeatIntervalMs: kraken.HEARTBEAT_INTERVAL_MS,
  pingText: kraken.PING_TEXT,
  pingIntervalMs: kraken.PING_INTERVAL_MS,
  mayCross: false,
  trading: null,
};

/** The old WebSocket of Kraken, for recordings. */
const KRAKEN_V1: VenueDialect = {
  name: 'kraken-v1',
  createMarketFeed: (options) => new KrakenMarketFeedV1(options),
  parseInstruments: parseKrakenV1,
  scalesOfFrame: scalesOfKrakenFrameV1,
  isInstrumentsUrl: (url) => url.includes(kraken.PAIRS_PATH),
  sideText: (isAggressorSell) => (isAggressorSell ? 's' : 'b'),
};

function binanceVenue(market: binance.BinanceMarket): VenueDefinition {
  return {
    name: market.venue,
    createMarketFeed: (options) => new BinanceMarketFeed(market, options),
    parseInstruments: (body, venueSymbols, indexFirst) =>
      parseBinance(market, body, venueSymbols, indexFirst),
    scalesOfFrame: scalesOfBinanceFrame,
    isInstrumentsUrl: (url) => url.includes('/exchangeInfo'),
    // Whether the buyer was the maker.
    sideText: (isAggressorSell) => (isAggressorSell ? 'm' : 'not_m'),
    wsUrl: market.wsUrl,
    restUrl: market.restUrl,
    instrumentsRequest: { method: 'GET', path: market.exchangeInfoPath, body: '' },
    instrumentsPerConnectionMax: binance.INSTRUMENTS_PER_CONNECTION_MAX,
    frameBytesMax: binance.FRAME_BYTES_MAX,
    heartbeatIntervalMs: binance.HEARTBEAT_INTERVAL_MS,
    pingText: null,
    pingIntervalMs: binance.PING_INTERVAL_MS,
    sendsPerSecondMax: market.sendsPerSecondMax,
    mayCross: false,
    trading: null,
  };
}

export const BINANCE = binanceVenue(binance.SPOT);
export const BINANCE_USDM = binanceVenue(binance.USDM);

export const DYDX: VenueDefinition = {
  name: 'dydx',
  createMarketFeed: (options) => new DydxMarketFeed(options),
  parseInstruments: parseDydx,
  scalesOfFrame: scalesOfDydxFrame,
  isInstrumentsUrl: (url) => url.includes(dydx.MARKETS_PATH),
  // The taker's side.
  sideText: (isAggressorSell) => (isAggressorSell ? 'SELL' : 'BUY'),
  wsUrl: dydx.WS_URL,
  restUrl: dydx.REST_URL,
  instrumentsRequest: { method: 'GET', path: dydx.MARKETS_PATH, body: '' },
  instrumentsPerConnectionMax: dydx.MARKETS_PER_CONNECTION_MAX,
  frameBytesMax: dydx.FRAME_BYTES_MAX,
  // Oracle prices come with every block, but nothing of ours is promised.
  heartbeatIntervalMs: 0,
  pingText: null,
  pingIntervalMs: dydx.PING_INTERVAL_MS,
  mayCross: true,
  trading: null,
};

export const HYPERLIQUID: VenueDefinition = {
  name: 'hyperliquid',
  createMarketFeed: (options) => new HyperliquidMarketFeed(options),
  parseInstruments: parseHyperliquid,
  scalesOfFrame: scalesOfHyperliquidFrame,
  // One url answers every question.
  isInstrumentsUrl: (url, body) =>
    url.endsWith(hyperliquid.INFO_PATH) && body.includes('"universe"'),
  // The aggressor's side: ask or bid.
  sideText: (isAggressorSell) => (isAggressorSell ? 'A' : 'B'),
  wsUrl: hyperliquid.WS_URL,
  restUrl: hyperliquid.REST_URL,
  instrumentsRequest: {
    method: 'POST',
    path: hyperliquid.INFO_PATH,
    body: hyperliquid.META_BODY,
  },
  instrumentsPerConnectionMax: hyperliquid.COINS_PER_CONNECTION_MAX,
  frameBytesMax: hyperliquid.FRAME_BYTES_MAX,
  heartbeatIntervalMs: 0,
  pingText: hyperliquid.PING_TEXT,
  pingIntervalMs: hyperliquid.PING_INTERVAL_MS,
  sendsPerSecondMax: hyperliquid.SENDS_PER_SECOND_MAX,
  mayCross: false,
  trading: null,
};

/** Coinbase's former feed, for captures and recordings. */
const COINBASE_EXCHANGE: VenueDialect = {
  name: 'coinbase-exchange',
  createMarketFeed: (options) => new CoinbaseExchangeMarketFeed(options),
  parseInstruments: parseCoinbaseExchange,
  scalesOfFrame: scalesOfCoinbaseExchangeFrame,
  isInstrumentsUrl: (url) => url.endsWith('/products'),
  sideText: (isAggressorSell) => (isAggressorSell ? 'buy' : 'sell'),
};

/** Venues that the engine can connect to. */
export const VENUES: ReadonlyMap<string, VenueDefinition> = new Map([
  [COINBASE.name, COINBASE],
  [BINANCE.name, BINANCE],
  [BINANCE_USDM.name, BINANCE_USDM],
  [KRAKEN.name, KRAKEN],
  [DYDX.name, DYDX],
  [HYPERLIQUID.name, HYPERLIQUID],
]);

/** Everything that `normalize` can read. */
export const DIALECTS: ReadonlyMap<string, VenueDialect> = new Map<string, VenueDialect>([
  ...VENUES,
  [COINBASE_EXCHANGE.name, COINBASE_EXCHANGE],
  [KRAKEN_V1.name, KRAKEN_V1],
]);

/** The venue of this name; VENUE_UNKNOWN names those that exist. */
export function venueOf(name: string): VenueDefinition {
  return lookUp(VENUES, name);
}

/** The dialect of this name; VENUE_UNKNOWN names those that exist. */
export function dialectOf(name: string): VenueDialect {
  return lookUp(DIALECTS, name);
}

function lookUp<T>(table: ReadonlyMap<string, T>, name: string): T {
  const found = table.get(name);
  if (found !== undefined) return found;
  const known = [...table.keys()];
  throw new TickwireError('VENUE_UNKNOWN', `no venue "${name}"; known: ${known.join(', ')}`, {
    venue: name,
    known,
  });
}
