/**
 * venue: what a venue can do, as ports. Each venue folder fills them with its own dialect; the registry names them.
 * Rooms above speak only these types. Types and constants only.
 */
import type { ErrorCode } from '../domain/errors.js';
import type { ApprovedOrder, OrderState, OrderType, Side, TimeInForce } from '../domain/order.js';
import type { HttpRequest } from '../ports/network.js';

/**
 * Where decoded ticks go. Implemented over a ring in ingest and over an array by `normalize`; `i32` is the memory that
 * the generated tick accessors write to. One slot at a time: claim, fill, publish.
 */
export interface TickOut {
  /** Word offset of a fresh slot (contents undefined) in `i32`. Re-read `i32` after each claim. */
  claim(): number;
  i32: Int32Array;
  /** Publishes the claimed slot. */
  publish(): void;
}

/** Where refused frames are counted. */
export interface FrameRejects {
  /** `detail` is for people; it is made only on this cold path. */
  reject(code: ErrorCode, detail: string): void;
}

/** Decodes one connection's public frames. Deterministic: no clock, no I/O. Never throws on what comes from outside. */
export interface MarketFeed {
  /** Texts to send after the socket opened, in order. Also forgets what was known of the connection before. */
  onConnected(): readonly string[];
  /** Every book of the connection becomes stale with this code (index in domain/errors). */
  onDisconnected(reason: number, nowNs: number): void;
  /** One frame. */
  onFrame(bytes: Uint8Array, recvNs: number): void;
  /**
   * True when the books can only be mended by a new connection; cleared by onConnected. What a new subscription mends is
   * told by the subscription itself (subscription.ts).
   */
  readonly needsResubscribe: boolean;
  /** Frames of which something was understood; liveness looks at it. */
  readonly frameCount: number;
}

/** Attaches the proof that a request is ours (a venue's auth.ts). */
export interface RequestAuth {
  /** Headers of one request; `path` is without query. */
  headers(method: HttpRequest['method'], path: string): Readonly<Record<string, string>>;
  /** The proof inside a subscribe message of the private stream; a new one at each call. */
  streamProof(): string;
  /** Signs ahead what the next order will need; true when it did something. Called in idle time. */
  prepare(nowNs: number): boolean;
}

/** A request in a venue's dialect, without proof. `query` starts with `?` or is empty. */
export interface VenueRequest {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly query: string;
  readonly body: string;
}

/** An approved order on its way to the venue. */
export interface OrderTicket {
  readonly order: ApprovedOrder;
  readonly clientOrderId: string;
  /** End of a good-till-date order, epoch ns; 0n for others. */
  readonly expireEpochNs: bigint;
}

/** The venue's view of one order. Mantissas are -1 where the venue did not say. */
export interface OrderReport {
  readonly venueOrderId: string;
  /** As the venue holds it; empty when it says none. Whether it is ours is for the reader to judge. */
  readonly clientOrderId: string;
  /** -1: an instrument that we do not trade. */
  readonly instrumentIndex: number;
  readonly side: Side;
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly cumSizeMantissa: number;
  /** None: a word that we do not know. */
  readonly state: OrderState;
  /** Why it was rejected or cancelled; OK otherwise. */
  readonly reason: ErrorCode;
  readonly message: string;
  /** 0n when the venue did not say. */
  readonly createdEpochNs: bigint;
}

/** One fill, exactly once per `fillKey`. */
export interface FillReport {
  readonly venueFillId: string;
  /** 53 bits of a hash of the venue's id. */
  readonly fillKey: number;
  readonly venueOrderId: string;
  readonly instrumentIndex: number;
  readonly side: Side;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  /** At priceScale + sizeScale; digits below that are rounded half away from zero. */
  readonly feeMantissa: number;
  readonly isMaker: boolean;
  readonly venueEpochNs: bigint;
}

/** What an account holds: free plus on hold, as the venue's text. */
export interface BalanceReport {
  readonly currency: string;
  readonly availableText: string;
  readonly holdText: string;
}

/** One page of a listing. `nextCursor` is empty on the last page. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly nextCursor: string;
}

/** How an answer is to be read before its contents: by its status alone. */
export type AnswerVerdict =
  | { readonly kind: 'ok' }
  /** The venue refused the request; nothing was done. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** Nothing was done; the same may be asked later. */
  | { readonly kind: 'slow-down'; readonly retryAfterMs: number; readonly message: string }
  /** A server error: whether something was done is not known. */
  | { readonly kind: 'unknown'; readonly code: ErrorCode; readonly message: string };

export type PlaceAnswer =
  | { readonly kind: 'accepted'; readonly venueOrderId: string }
  | { readonly kind: 'rejected'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'unknown'; readonly code: ErrorCode; readonly message: string };

export interface CancelAnswer {
  readonly venueOrderId: string;
  readonly isAccepted: boolean;
  readonly code: ErrorCode;
  readonly message: string;
}

/** One frame of the private stream. */
export type StreamMessage =
  | { readonly kind: 'orders'; readonly seq: number; readonly orders: readonly OrderReport[] }
  | { readonly kind: 'subscribed'; readonly seq: number }
  /** Shows that the connection lives, and where its sequence is. */
  | { readonly kind: 'alive'; readonly seq: number }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'malformed'; readonly code: ErrorCode; readonly detail: string };

/**
 * A venue's private side in its own dialect: requests out, answers and frames in. Deterministic: no clock, no I/O, and
 * it never throws on what comes from outside. A malformed entry of a listing is told to `rejects` and left out;
 * null stands for a body that is malformed as a whole.
 */
export interface OrderGateway {
  readonly cancelBatchMax: number;
  /** Client order ids may have this many characters. */
  readonly clientOrderIdMax: number;
  place(ticket: OrderTicket): VenueRequest;
  cancel(venueOrderIds: readonly string[]): VenueRequest;
  orderById(venueOrderId: string): VenueRequest;
  openOrders(cursor: string): VenueRequest;
  /** Orders of any state, the newest first. `sinceEpochNs` 0n: all. */
  ordersSince(sinceEpochNs: bigint, cursor: string): VenueRequest;
  /** Fills of these orders; of all orders when the list is empty. */
  fills(venueOrderIds: readonly string[], sinceEpochNs: bigint, cursor: string): VenueRequest;
  balances(cursor: string): VenueRequest;
  /** The venue's clock: the cheapest question there is; it keeps a connection warm as well. */
  time(): VenueRequest;
  judge(status: number, headers: Readonly<Record<string, string>>, body: string): AnswerVerdict;
  readPlace(body: string): PlaceAnswer;
  readCancel(body: string): readonly CancelAnswer[] | null;
  readOrder(body: string): OrderReport | null;
  readOrders(body: string): Page<OrderReport> | null;
  readFills(body: string): Page<FillReport> | null;
  readBalances(body: string): Page<BalanceReport> | null;
  /** Epoch nanoseconds. */
  readTime(body: string): bigint | null;
  /** Texts to send after the private stream opened, in order. */
  streamTexts(proof: () => string): readonly string[];
  readStream(bytes: Uint8Array): StreamMessage;
}
