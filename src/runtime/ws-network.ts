/**
 * WsNetwork: the real way to a venue. WebSockets by `ws`, requests by node:http(s) with keep-alive connections.
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
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket as NetSocket } from 'node:net';
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

/** Connections per host; more requests than that wait inside the agent, in order. */
const CONNECTIONS_PER_HOST_MAX = 8;
/**
 * An unused connection is closed by us after this, before the other side does it: a request that meets a closing
 * connection is lost in a way that nobody can tell from a slow answer. (uWebSockets.js closes after 10 s; venues later.)
 */
const CONNECTION_IDLE_MS_MAX = 8_000;
/** An answer larger than this is not read to its end (the largest known, a full product list, has 3 MB). */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Close code for a connection that ended without a close frame (RFC 6455, 7.1.5). */
const CLOSE_ABNORMAL = 1006;

export interface WsNetworkOptions {
  readonly clock: Clock;
}

export class WsNetwork implements Network {
  readonly #clock: Clock;
  readonly #httpAgent: HttpAgent;
  readonly #httpsAgent: HttpsAgent;
  readonly #underWay = new Set<ClientRequest>();
  #isClosed = false;

  constructor(options: WsNetworkOptions) {
    this.#clock = options.clock;
    // The most recently used connection first: it is the least likely to have been closed by the venue.
    const agentOptions = {
      keepAlive: true,
      maxSockets: CONNECTIONS_PER_HOST_MAX,
      scheduling: 'lifo',
      timeout: CONNECTION_IDLE_MS_MAX,
    } as const;
    this.#httpAgent = new HttpAgent(agentOptions);
    this.#httpsAgent = new HttpsAgent(agentOptions);
  }

  dial(options: DialOptions, events: SocketEvents): Socket {
    return new WsSocket(options, events, this.#clock);
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): void {
    const client = this.#isClosed ? 'the network is closed' : this.#open(request);
    if (typeof client === 'string') {
      setImmediate(done, { kind: 'unsent', message: client });
      return;
    }
    let settled = false;
    const settle = (outcome: HttpOutcome): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      done(outcome);
    };
    this.#underWay.add(client);
    // True from the moment when bytes of this request may have left: the connection stands.
    let maySend = false;
    client.on('socket', (socket: NetSocket) => {
      if (socket.connecting) {
        // A TLS socket sends nothing of ours before the handshake is over.
        socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
          maySend = true;
        });
      } else {
        maySend = true;
      }
    });
    const onSent = request.onSent;
    if (onSent !== undefined) client.on('finish', onSent);
    const fail = (message: string): void => {
      settle({ kind: maySend ? 'unknown' : 'unsent', message });
    };
    client.on('response', (response) => {
      readAnswer(response, settle, client);
    });
    client.on('error', (error) => {
      fail(messageOf(error));
    });
    client.on('close', () => {
      this.#underWay.delete(client);
      fail('the connection closed before an answer came');
    });
    const timer = setTimeout(() => {
      fail(`no answer within ${String(request.timeoutMs)} ms`);
      client.destroy();
    }, request.timeoutMs);
    client.end(request.body);
  }

  /** The request, not yet written; or why there is none. */
  #open(request: HttpRequest): ClientRequest | string {
    const bodyBytes = Buffer.byteLength(request.body, 'utf8');
    const headers =
      bodyBytes > 0 ? { ...request.headers, 'content-length': bodyBytes } : request.headers;
    const { method } = request;
    try {
      const url = new URL(request.url);
      return url.protocol === 'https:'
        ? httpsRequest(url, { method, headers, agent: this.#httpsAgent })
        : httpRequest(url, { method, headers, agent: this.#httpAgent });
    } catch (error) {
      // Not a URL, or an impossible header: refused by Node before a connection was sought.
      return messageOf(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#underWay) client.destroy(new Error('the network was closed'));
    this.#httpAgent.destroy();
    this.#httpsAgent.destroy();
  }
}

function readAnswer(
  response: IncomingMessage,
  settle: (outcome: HttpOutcome) => void,
  client: ClientRequest,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      settle({ kind: 'unknown', message: `answer over ${String(ANSWER_BYTES_MAX)} bytes` });
      client.destroy();
      return;
    }
    chunks.push(chunk);
  });
  response.on('end', () => {
    const body = Buffer.concat(chunks, bytes).toString('utf8');
    const status = response.statusCode ?? 0;
    settle({ kind: 'answer', status, headers: flatHeaders(response), body });
  });
  response.on('error', (error) => {
    settle({ kind: 'unknown', message: `the answer was cut: ${messageOf(error)}` });
  });
}

function flatHeaders(response: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
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

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    // Several addresses were tried (node:net); the first failure says enough.
    return messageOf(error.errors[0]);
  }
  return error instanceof Error ? error.message : String(error);
}
