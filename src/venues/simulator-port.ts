/**
 * simulator-port: what a venue's simulator needs and offers. A simulator (venues/<venue>/simulator.ts) speaks the
 * venue's wire dialect; matching, checking of signatures and storing are behind these ports and stand in sim/,
 * sockets and timers in sim/venue-server.ts. Types only, and deterministic: time comes in as `nowNs`.
 *
 * All times are epoch nanoseconds (a venue knows nothing of our run). Money is a bigint mantissa: price at
 * `priceScale`, size at `sizeScale`, value, fee and quote balance at `priceScale + sizeScale` of the instrument.
 */
import type { Instrument } from '../domain/instrument.js';
import type { OrderType, Side, TimeInForce } from '../domain/order.js';

// ---------------------------------------------------------------- market

/** One price level. */
export interface PriceLevel {
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
}

/** A price level set to an absolute size; 0 deletes it. */
export interface LevelChange extends PriceLevel {
  readonly isAsk: boolean;
}

/** What happens in the replayed market. */
export type MarketEvent =
  | {
      readonly kind: 'snapshot';
      readonly instrumentIndex: number;
      /** Best first. */
      readonly bids: readonly PriceLevel[];
      readonly asks: readonly PriceLevel[];
    }
  | {
      readonly kind: 'levels';
      readonly instrumentIndex: number;
      readonly changes: readonly LevelChange[];
    }
  | {
      readonly kind: 'trade';
      readonly instrumentIndex: number;
      readonly priceMantissa: number;
      readonly sizeMantissa: number;
      /** Side of the aggressor. */
      readonly takerSide: Side;
    };

// ---------------------------------------------------------------- exchange

/** An order as a customer asks for it; the dialect has parsed it, the exchange judges it. */
export interface NewOrder {
  readonly clientOrderId: string;
  readonly instrumentIndex: number;
  readonly side: Side;
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
  readonly isPostOnly: boolean;
  /** 0 for a market order. */
  readonly priceMantissa: bigint;
  /** 0 when the order states `quoteMantissa`. */
  readonly sizeMantissa: bigint;
  /** Market buy for so much money, fees included; else 0. */
  readonly quoteMantissa: bigint;
  /** Good till this time; 0 for none. */
  readonly expireNs: bigint;
  /** The order in the venue's own words, kept for echoing. Opaque to the exchange. */
  readonly wire: string;
}

export type ExchangeOrderStatus = 'open' | 'filled' | 'cancelled' | 'expired';

export interface ExchangeOrder extends NewOrder {
  /** 1, 2, 3, … in order of arrival. */
  readonly orderNumber: number;
  readonly createdNs: bigint;
  readonly status: ExchangeOrderStatus;
  readonly filledSizeMantissa: bigint;
  readonly filledValueMantissa: bigint;
  readonly feeMantissa: bigint;
  readonly fillCount: number;
  /** 0 before the first fill. */
  readonly lastFillNs: bigint;
  /** Time of the last change. */
  readonly changedNs: bigint;
  /** Money (buy) or size (sell) that the order holds back. */
  readonly holdMantissa: bigint;
  /** Displayed size that stands before the order at its price. */
  readonly queueAheadMantissa: bigint;
}

export interface ExchangeFill {
  /** 1, 2, 3, … in order of execution. */
  readonly fillNumber: number;
  readonly orderNumber: number;
  readonly instrumentIndex: number;
  readonly side: Side;
  readonly priceMantissa: bigint;
  readonly sizeMantissa: bigint;
  readonly valueMantissa: bigint;
  readonly feeMantissa: bigint;
  readonly isMaker: boolean;
  readonly timeNs: bigint;
}

export interface ExchangeAccount {
  readonly currency: string;
  /** Decimals of the mantissas. */
  readonly scale: number;
  readonly totalMantissa: bigint;
  readonly holdMantissa: bigint;
}

/** Why the exchange refuses an order. */
export type ExchangeReject =
  | 'insufficient-funds'
  | 'price-increment'
  | 'size-increment'
  | 'size-min'
  | 'size-max'
  | 'notional-min'
  | 'post-only-would-take'
  | 'no-liquidity'
  | 'expired'
  | 'not-tradable';

export type PlaceResult =
  | { readonly kind: 'placed'; readonly order: ExchangeOrder }
  /** An order with this client order id is there already; nothing was done. */
  | { readonly kind: 'duplicate'; readonly order: ExchangeOrder }
  | { readonly kind: 'rejected'; readonly reason: ExchangeReject };

export interface BestPrices {
  readonly bid: PriceLevel | null;
  readonly ask: PriceLevel | null;
}

/** The matching engine with its accounts, as a simulator sees it. */
export interface SimulatedExchange {
  readonly instruments: readonly Instrument[];
  /** Parts per million of the value. */
  readonly makerFeePpm: bigint;
  readonly takerFeePpm: bigint;
  apply(event: MarketEvent, nowNs: bigint): void;
  place(order: NewOrder, nowNs: bigint): PlaceResult;
  /** Null when no such order is open. */
  cancel(orderNumber: number, nowNs: bigint): ExchangeOrder | null;
  /** Ends orders whose time has come. */
  expire(nowNs: bigint): void;
  accounts(): readonly ExchangeAccount[];
  order(orderNumber: number): ExchangeOrder | undefined;
  /** Oldest first. */
  orders(): readonly ExchangeOrder[];
  openOrders(): readonly ExchangeOrder[];
  /** Oldest first. */
  fills(): readonly ExchangeFill[];
  fillsOf(orderNumber: number): readonly ExchangeFill[];
  best(instrumentIndex: number): BestPrices;
  /** The displayed book, best first, at most `depth` levels a side. */
  depth(
    instrumentIndex: number,
    depth: number,
  ): { readonly bids: readonly PriceLevel[]; readonly asks: readonly PriceLevel[] };
}

/** What changed since the last time somebody asked; stored before anybody is told. */
export interface ExchangeChanges {
  readonly orders: readonly ExchangeOrder[];
  readonly fills: readonly ExchangeFill[];
  readonly accounts: readonly ExchangeAccount[];
}

// ---------------------------------------------------------------- keys, ids

/** Checks who speaks. Null when the token is good, else why not (for the log, never for the wire). */
export interface TokenVerifier {
  /** `uris`: the spellings of the request of which the token must name one; empty when none is needed. */
  verify(token: string, uris: readonly string[], nowNs: bigint): string | null;
}

export interface SimulatorPorts {
  readonly exchange: SimulatedExchange;
  readonly verifier: TokenVerifier;
  /** Ids of public trades: growing, never given twice, not even after a restart. */
  nextTradeId(): number;
  /** 8 hex digits that make this simulator's ids its own. */
  readonly idSalt: string;
  readonly startedNs: bigint;
  /** The venue's word for an order that a planned fault refuses; null when none is due. */
  takeReject(): string | null;
}

// ---------------------------------------------------------------- wire

/** A client's socket. */
export interface SimulatorConnection {
  readonly isPrivate: boolean;
  /** Of the upgrade request; `query` without the question mark. Binance names streams there. */
  readonly path: string;
  readonly query: string;
  /** `topic` is what the frame is about, in the venue's words; faults pick by it. */
  send(text: string, topic: string): void;
  close(code: number, reason: string): void;
}

export interface SimulatorRequest {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly host: string;
  readonly authorization: string;
  readonly body: string;
}

export interface SimulatorAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What the request was about; faults pick by it. */
  readonly topic: 'place' | 'cancel' | 'query';
}

/** What sim/ must know of a venue to simulate it; one per venue folder, named in sim/simulators.ts. */
export interface SimulatorDefinition {
  /** Venue id. */
  readonly venue: string;
  /** Paths that public and private sockets are opened at (a query may follow); `/*` at the end takes the rest. */
  readonly wsPaths: readonly string[];
  readonly wsPrivatePaths: readonly string[];
  /** What it lists, in the order of indexes; the first is the main market. The base says which market plays it. */
  readonly instruments: readonly Instrument[];
  /** Prices have at most so many significant digits (Hyperliquid: 5), where that is coarser than the tick. */
  readonly priceDigitsMax?: number;
  create(ports: SimulatorPorts): VenueSimulator;
}

/** One venue, answering. Driven by sim/venue-server.ts; not reentrant. */
export interface VenueSimulator {
  onOpen(connection: SimulatorConnection, nowNs: bigint): void;
  onMessage(connection: SimulatorConnection, text: string, nowNs: bigint): void;
  onClose(connection: SimulatorConnection): void;
  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer;
  /** Applies the event to the exchange and tells who has subscribed. */
  onMarket(event: MarketEvent, nowNs: bigint): void;
  /** Heartbeats, deadlines; called several times a second. */
  onTime(nowNs: bigint): void;
  /** Tells the private connections; called after the changes were stored. */
  publishChanges(changes: ExchangeChanges, nowNs: bigint): void;
  /** The answer to a request that a rate limit turns away. */
  rateLimited(nowNs: bigint): SimulatorAnswer;
  /** What the venue believes, for `GET /_sim/truth`. */
  truth(): unknown;
}
