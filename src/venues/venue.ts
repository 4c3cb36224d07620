/**
 * venue: what a venue can do, as ports. Each venue folder fills them with its own dialect; the registry names them.
 * Rooms above speak only these types. Types and constants only.
 */
import type { ErrorCode } from '../domain/errors.js';

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
  /** True when the books can only be mended by a new connection or subscription; cleared by onConnected. */
  readonly needsResubscribe: boolean;
  /** Frames of which something was understood; liveness looks at it. */
  readonly frameCount: number;
}
