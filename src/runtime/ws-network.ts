/**
 * WsNetwork: the real way to a venue. WebSockets by `ws`, requests by http-client.ts over kept connections.
 * Twin: sim/sim-network.ts. The only importer of a WebSocket client, so that a faster one can take its place.
 *
 * Any thread that owns an event loop (ingest, execution, commands); one instance per thread. Callbacks come from that loop.
 *
 * What became of a request is told honestly, because money hangs on it:
 *   no connection was ever made, or it stood in the queue  → `unsent`  (nothing was written)
 *   connected, then timeout, reset or a cut answer         → `unknown` (the venue may have acted on it)
 *   a kept connection that the venue had already closed    → `unknown` as well: the bytes were written, and
 *                                                             whether somebody read them cannot be seen from here
 */
import { WebSocket } from 'ws';
import type { ErrorCode } from '../domain/errors.js';
import type { Clock } from '../ports/clock.js';
import type {
  DialOptions,
  HttpOutcome,
  HttpRequest,
  Network,
  Socket,
  SocketEvents,
} from '../ports/network.js';
import { HttpClient, messageOf } from './http-client.js';

/** Close code for a connection that ended without a close frame (RFC 6455, 7.1.5). */
const CLOSE_ABNORMAL = 1006;
/** We want no more of it (7.4.1). */
const CLOSE_NORMAL = 1000;

/** Venues speak text; push listeners are spoken to in bytes. */
export interface BinarySocket extends Socket {
  /** One binary message; the bytes are copied. */
  sendBytes(bytes: Uint8Array): void;
}

export interface WsNetworkOptions {
  readonly clock: Clock;
}

export class WsNetwork implements Network {
  readonly #clock: Clock;
  readonly #http = new HttpClient();

  constructor(options: WsNetworkOptions) {
    this.#clock = options.clock;
  }

  dial(options: DialOptions, events: SocketEvents): BinarySocket {
    return new WsSocket(options, events, this.#clock);
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): void {
    this.#http.request(request, done);
  }

  close(): void {
    this.#http.close();
  }
}

/** One WebSocket. `onClose` is told exactly once, whatever ended it. */
class WsSocket implements BinarySocket {
  readonly #ws: WebSocket | null;
  /** The TCP socket below, for its count of bytes. */
  #raw: { readonly bytesRead: number } | undefined;
  #isOpen = false;
  /** What went wrong first; what follows from it is not told. */
  #failure: ErrorCode = 'OK';
  #detail = '';
  #openTimer: NodeJS.Timeout | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(options: DialOptions, events: SocketEvents, clock: Clock) {
    let ws: WebSocket;
    try {
      ws = new WebSocket(options.url, {
        // Compression costs a decode per frame and its time depends on the content.
        perMessageDeflate: false,
        // Frames are decoded as bytes; text that is not UTF-8 is refused there, by field.
        skipUTF8Validation: true,
        maxPayload: options.frameBytesMax,
        ...(options.headers === undefined ? {} : { headers: { ...options.headers } }),
      });
    } catch (error) {
      this.#ws = null;
      setImmediate(() => {
        events.onClose(CLOSE_ABNORMAL, messageOf(error), 'DIAL_URL');
      });
      return;
    }
    this.#ws = ws;
    ws.binaryType = 'nodebuffer';
    this.#openTimer = setTimeout(() => {
      this.#fail('DIAL_TIMEOUT', `no open WebSocket within ${String(options.openTimeoutMs)} ms`);
      ws.terminate();
    }, options.openTimeoutMs);
    ws.on('upgrade', (response) => {
      this.#raw = response.socket;
    });
    ws.on('unexpected-response', (_request, response) => {
      const retryAfter = response.headers['retry-after'];
      this.#fail(
        'DIAL_REJECTED',
        `HTTP ${String(response.statusCode)}` +
          (retryAfter === undefined ? '' : `, retry after ${retryAfter} s`),
      );
      ws.terminate();
    });
    ws.on('open', () => {
      clearTimeout(this.#openTimer);
      this.#isOpen = true;
      events.onOpen();
    });
    ws.on('message', (data: Buffer) => {
      const recvNs = clock.nowNs();
      events.onFrame(data, recvNs);
    });
    ws.on('pong', () => {
      events.onPong?.();
    });
    ws.on('error', (error: Error & { readonly code?: string }) => {
      const message = messageOf(error);
      if (!this.#isOpen) {
        this.#fail(dialFailureOf(codeOf(error)), message);
        return;
      }
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        this.#fail('FRAME_TOO_LARGE', `${message}: ${String(options.frameBytesMax)} bytes at most`);
      } else if (error.code?.startsWith('WS_ERR_') === true) {
        this.#fail('FRAME_MALFORMED', message);
      } else {
        if (this.#detail === '') this.#detail = message;
        return;
      }
      events.onReject(this.#failure, this.#detail);
    });
    ws.on('close', (code: number, reason: Buffer) => {
      clearTimeout(this.#openTimer);
      clearTimeout(this.#closeTimer);
      if (!this.#isOpen) this.#fail('DIAL_HANDSHAKE', 'closed before it was open');
      const said = reason.length > 0 ? reason.toString('utf8') : this.#detail;
      events.onClose(code, said, this.#failure);
    });
  }

  send(text: string): void {
    const ws = this.#ws;
    // A socket that is closing takes no more texts; its owner hears of it by onClose.
    if (ws !== null && ws.readyState === WebSocket.OPEN) ws.send(text);
  }

  sendBytes(bytes: Uint8Array): void {
    const ws = this.#ws;
    if (ws !== null && ws.readyState === WebSocket.OPEN) ws.send(bytes);
  }

  ping(): void {
    const ws = this.#ws;
    if (ws !== null && ws.readyState === WebSocket.OPEN) ws.ping();
  }

  close(graceMs: number): void {
    const ws = this.#ws;
    if (ws === null || ws.readyState === WebSocket.CLOSED) return;
    if (ws.readyState === WebSocket.CONNECTING || graceMs <= 0) {
      ws.terminate();
      return;
    }
    ws.close(CLOSE_NORMAL);
    this.#closeTimer ??= setTimeout(() => {
      ws.terminate();
    }, graceMs);
  }

  get bufferedBytes(): number {
    return this.#ws === null ? 0 : this.#ws.bufferedAmount;
  }

  get receivedBytes(): number {
    return this.#raw === undefined ? 0 : this.#raw.bytesRead;
  }

  #fail(code: ErrorCode, detail: string): void {
    if (this.#failure !== 'OK') return;
    this.#failure = code;
    this.#detail = detail;
  }
}

/** Codes of the system (and of the resolver) behind a failed dial. */
const DIAL_FAILURES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'DIAL_DNS',
  EAI_AGAIN: 'DIAL_DNS',
  EAI_FAIL: 'DIAL_DNS',
  ECONNREFUSED: 'DIAL_REFUSED',
  EHOSTUNREACH: 'DIAL_UNREACHABLE',
  ENETUNREACH: 'DIAL_UNREACHABLE',
  EADDRNOTAVAIL: 'DIAL_UNREACHABLE',
  ETIMEDOUT: 'DIAL_TIMEOUT',
};

/** Everything else happened while two programs talked: not a WebSocket server, a reset, a certificate. */
function dialFailureOf(systemCode: string): ErrorCode {
  return DIAL_FAILURES[systemCode] ?? 'DIAL_HANDSHAKE';
}

/** Of several addresses that were tried, the first one's. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
