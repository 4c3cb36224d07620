/**
 * network: the way to a venue. One of the five doors through which two runs may differ.
 * Twins: runtime/ws-network.ts (real sockets), sim/sim-network.ts (a seeded world).
 */
import type { ErrorCode } from '../domain/errors.js';

/** What a socket tells its owner. Called from the event loop of the owner's thread. */
export interface SocketEvents {
  onOpen(): void;
  /** The frame's bytes are valid during the call only. `recvNs` was taken before anything else was done. */
  onFrame(bytes: Uint8Array, recvNs: number): void;
  /**
   * Called exactly once, also after a failed dial. `code` is the WebSocket close code (1006: no close frame). `failure` says
   * of which kind the failure was: DIAL_… for one that never opened, FRAME_… for one that broke the protocol, OK otherwise.
   */
  onClose(code: number, reason: string, failure: ErrorCode): void;
  /** A frame over the limit or a protocol error; the socket closes behind it. */
  onReject(code: ErrorCode, detail: string): void;
  /** The other side answered a ping. */
  onPong?(): void;
}

export interface Socket {
  send(text: string): void;
  /** A WebSocket ping frame; the answer is told by onPong. */
  ping(): void;
  /** Closes with a close frame; after `graceMs` by force. */
  close(graceMs: number): void;
  /** Bytes accepted and not yet on the wire. */
  readonly bufferedBytes: number;
  /** Bytes that came so far, those of a frame that is not complete included. */
  readonly receivedBytes: number;
}

export interface DialOptions {
  readonly url: string;
  readonly frameBytesMax: number;
  readonly openTimeoutMs: number;
  /** Of the opening handshake; absent: none of our own. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for none. */
  readonly body: string;
  readonly timeoutMs: number;
  /** Called when the last byte was handed to the operating system; not at all when that never happens. */
  readonly onSent?: () => void;
}

/** What became of a request. `unknown`: it may have reached the venue, no answer came. `unsent`: it certainly did not. */
export type HttpOutcome =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'unknown'; readonly message: string }
  | { readonly kind: 'unsent'; readonly message: string };

export interface Network {
  dial(options: DialOptions, events: SocketEvents): Socket;
  /** Keep-alive connections per host. `done` is called exactly once, from the event loop, never inside the call. */
  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): void;
  /** Closes idle connections; requests under way end as `unknown`. */
  close(): void;
}
