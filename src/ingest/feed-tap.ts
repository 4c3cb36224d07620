/**
 * feed-tap: a market-feed whose every call is told to somebody else before it is made. What goes into a feed is all that
 * decides what comes out of it (it is deterministic), so a recording of these calls gives the same ticks again.
 *
 * Ingest thread, for `record` only; the engine's own feeds are not tapped.
 */
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import type { MarketState } from '../venues/market-publisher.js';
import type { FeedSubscription } from '../venues/subscription.js';

/** Hears what one connection's feed is told. */
export interface FeedTap {
  /** The socket opened; `texts` are sent. */
  connected(texts: readonly string[]): void;
  /** Index of the code. */
  disconnected(reason: number, nowNs: number): void;
  /** Valid during the call only. */
  frame(bytes: Uint8Array, recvNs: number): void;
  body(path: string, body: Uint8Array, recvNs: number): void;
  renewed(subscription: number, texts: readonly string[]): void;
  stale(place: number, reason: number, nowNs: number): void;
  requested(path: string): void;
}

export class TappedFeed implements DecodingFeed {
  readonly #feed: DecodingFeed;
  readonly #tap: FeedTap;

  constructor(feed: DecodingFeed, tap: FeedTap) {
    this.#feed = feed;
    this.#tap = tap;
  }

  onConnected(): readonly string[] {
    const texts = this.#feed.onConnected();
    this.#tap.connected(texts);
    return texts;
  }

  onDisconnected(reason: number, nowNs: number): void {
    this.#tap.disconnected(reason, nowNs);
    this.#feed.onDisconnected(reason, nowNs);
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    this.#tap.frame(bytes, recvNs);
    this.#feed.onFrame(bytes, recvNs);
  }

  onBody(path: string, body: Uint8Array, recvNs: number): void {
    this.#tap.body(path, body, recvNs);
    this.#feed.onBody(path, body, recvNs);
  }

  renew(subscription: number): readonly string[] {
    const texts = this.#feed.renew(subscription);
    this.#tap.renewed(subscription, texts);
    return texts;
  }

  markStale(place: number, reason: number, nowNs: number): void {
    this.#tap.stale(place, reason, nowNs);
    this.#feed.markStale(place, reason, nowNs);
  }

  takeRequest(): string | null {
    const path = this.#feed.takeRequest();
    if (path !== null) this.#tap.requested(path);
    return path;
  }

  onSent(text: string): void {
    this.#feed.onSent(text);
  }

  refine(place: number, instrument: Instrument): void {
    this.#feed.refine(place, instrument);
  }

  get markets(): readonly MarketState[] {
    return this.#feed.markets;
  }

  get subscriptions(): readonly FeedSubscription[] {
    return this.#feed.subscriptions;
  }

  get needsResubscribe(): boolean {
    return this.#feed.needsResubscribe;
  }

  get frameCount(): number {
    return this.#feed.frameCount;
  }

  get entryCount(): number {
    return this.#feed.entryCount;
  }

  get brokenBy(): ErrorCode {
    return this.#feed.brokenBy;
  }

  get lastSeq(): number {
    return this.#feed.lastSeq;
  }

  get tradeIdText(): string | null {
    return this.#feed.tradeIdText;
  }
}
