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

export interface WsNetworkOptions {
  readonly clock: Clock;
}

export class WsNetwork implements Network {
  readonly #clock: Clock;
  readonly #http = new HttpClient();

  constructor(options: WsNetworkOptions) {
    this.#clock = options.clock;
  }

  dial(options: DialOptions, events: SocketEvents): Socket {
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
class WsSocket implements Socket {
  readonly #ws: WebSocket | null;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(options: DialOptions, events: SocketEvents, clock: Clock) {
    let failure = '';
    let ws: WebSocket;
    try {
      ws = new WebSocket(options.url, {
        // Compression costs a decode per frame and its time depends on the content.
        perMessageDeflate: false,
        // Frames are decoded as bytes; text that is not UTF-8 is refused there, by field.
        skipUTF8Validation: true,
        maxPayload: options.frameBytesMax,
        handshakeTimeout: options.openTimeoutMs,
      });
    } catch (error) {
      this.#ws = null;
      setImmediate(() => {
        events.onClose(CLOSE_ABNORMAL, messageOf(error));
      });
      return;
    }
    this.#ws = ws;
    ws.binaryType = 'nodebuffer';
    ws.on('open', () => {
      events.onOpen();
    });
    ws.on('message', (data: Buffer) => {
      const recvNs = clock.nowNs();
      events.onFrame(data, recvNs);
    });
    ws.on('error', (error: Error & { readonly code?: string }) => {
      failure = messageOf(error);
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        events.onReject(
          'FRAME_TOO_LARGE',
          `${failure}: frameBytesMax=${String(options.frameBytesMax)}`,
        );
      } else if (error.code?.startsWith('WS_ERR_') === true) {
        events.onReject('FRAME_MALFORMED', failure);
      }
    });
    ws.on('close', (code: number, reason: Buffer) => {
      clearTimeout(this.#closeTimer);
      events.onClose(code, reason.length > 0 ? reason.toString('utf8') : failure);
    });
  }

  send(text: string): void {
    const ws = this.#ws;
    // A socket that is closing takes no more texts; its owner hears of it by onClose.
    if (ws !== null && ws.readyState === WebSocket.OPEN) ws.send(text);
  }

  close(graceMs: number): void {
    const ws = this.#ws;
    if (ws === null || ws.readyState === WebSocket.CLOSED) return;
    if (ws.readyState === WebSocket.CONNECTING || graceMs <= 0) {
      ws.terminate();
      return;
    }
    ws.close(1000);
    this.#closeTimer ??= setTimeout(() => {
      ws.terminate();
    }, graceMs);
  }

  get bufferedBytes(): number {
    return this.#ws === null ? 0 : this.#ws.bufferedAmount;
  }
}
