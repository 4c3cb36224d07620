/**
 * http-client: HTTP/1.1 requests over kept connections, made for the one request in which microseconds matter: an order.
 * The whole request is one text that is written in the very call; node:http builds it in steps and writes it later, at the
 * end of the callback that it was called from (p50 until sent on a 2 vCPU guest: 28 against 76 microseconds).
 *
 * Event loop of its owner; behind ports/network.ts. One request at a time on a connection, up to CONNECTIONS_MAX a host;
 * the rest wait in order. Answers are read strictly: what is not exactly HTTP/1.1 is no answer, and the connection ends.
 *
 * The outcome is honest: `unsent` only while no byte of the request was given to a standing connection, `unknown` from
 * then on until a whole answer is there. Nothing is ever sent twice.
 */
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { HttpOutcome, HttpRequest } from '../ports/network.js';
import { AnswerReader } from './http-answer.js';

/** Connections per host; more requests than that wait, in order. */
const CONNECTIONS_MAX = 8;
/**
 * An unused connection is closed by us after this, before the other side does it: a request that meets a closing
 * connection is lost in a way that nobody can tell from a slow answer. (uWebSockets.js closes after 10 s; venues later.)
 */
const IDLE_MS_MAX = 8_000;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Said by this client itself. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'transfer-encoding', 'expect'];

type Done = (outcome: HttpOutcome) => void;

/** One request on its way. */
class Exchange {
  readonly text: string;
  readonly onSent: (() => void) | undefined;
  readonly #done: Done;
  readonly #timer: NodeJS.Timeout;
  /** True from the moment when bytes of this request may have left. */
  maySend = false;
  connection: Connection | undefined;
  isSettled = false;

  constructor(text: string, request: HttpRequest, done: Done, onTimeout: (self: Exchange) => void) {
    this.text = text;
    this.onSent = request.onSent;
    this.#done = done;
    this.#timer = setTimeout(() => {
      this.fail(`no answer within ${String(request.timeoutMs)} ms`);
      onTimeout(this);
    }, request.timeoutMs);
  }

  settle(outcome: HttpOutcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    clearTimeout(this.#timer);
    this.#done(outcome);
  }

  fail(message: string): void {
    this.settle({ kind: this.maySend ? 'unknown' : 'unsent', message });
  }
}

/** One connection and the request that is on it. */
class Connection {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  readonly #onFree: (self: Connection) => void;
  #exchange: Exchange | undefined;
  #isReady = false;
  #failure = 'the connection closed before an answer came';

  constructor(
    socket: Socket,
    readyEvent: 'connect' | 'secureConnect',
    first: Exchange,
    onFree: (self: Connection) => void,
    onClose: (self: Connection) => void,
  ) {
    this.#socket = socket;
    this.#onFree = onFree;
    this.#exchange = first;
    first.connection = this;
    socket.once(readyEvent, () => {
      this.#isReady = true;
      if (this.#exchange !== undefined) this.#write(this.#exchange);
    });
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk);
    });
    socket.on('end', () => {
      if (this.#exchange !== undefined && this.#reader.end()) this.#finish();
    });
    socket.on('error', (error) => {
      this.#failure = messageOf(error);
    });
    socket.setTimeout(IDLE_MS_MAX, () => {
      // A slow answer has a deadline of its own.
      if (this.#exchange === undefined) socket.destroy();
    });
    socket.once('close', () => {
      this.#isReady = false;
      const exchange = this.#exchange;
      this.#exchange = undefined;
      onClose(this);
      exchange?.fail(this.#failure);
    });
  }

  /** Ready, unused, and not known to be closing. */
  get isUsable(): boolean {
    return this.#isReady && this.#exchange === undefined && this.#socket.writable;
  }

  send(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.connection = this;
    this.#socket.ref();
    this.#write(exchange);
  }

  destroy(why: string): void {
    this.#failure = why;
    this.#socket.destroy();
  }

  #write(exchange: Exchange): void {
    exchange.maySend = true;
    this.#reader.reset();
    let isTold = exchange.onSent === undefined;
    const tell = (error?: Error | null): void => {
      if (isTold || (error !== undefined && error !== null)) return;
      isTold = true;
      exchange.onSent?.();
    };
    this.#socket.write(exchange.text, 'utf8', tell);
    // The operating system has usually taken it in the same call; Node tells it a turn later.
    if (
      this.#socket.writableLength === 0 &&
      !this.#socket.destroyed &&
      !('encrypted' in this.#socket)
    )
      tell();
  }

  #onData(chunk: Buffer): void {
    if (this.#exchange === undefined) {
      // Nobody asked: whatever it is, it must not become the answer to the next request.
      this.#socket.destroy();
      return;
    }
    const verdict = this.#reader.read(chunk);
    if (verdict === 'done') this.#finish();
    else if (verdict !== 'more') {
      const exchange = this.#exchange;
      this.#exchange = undefined;
      this.#socket.destroy();
      exchange.settle({ kind: 'unknown', message: verdict });
    }
  }

  #finish(): void {
    const exchange = this.#exchange;
    const answer = this.#reader.take();
    this.#exchange = undefined;
    if (answer.isLast) this.#socket.destroy();
    else {
      this.#socket.unref();
      this.#onFree(this);
    }
    exchange?.settle({
      kind: 'answer',
      status: answer.status,
      headers: answer.headers,
      body: answer.body,
    });
  }
}

/** The connections to one host. */
class Host {
  readonly #url: URL;
  readonly #options: HttpClientOptions;
  readonly #connections = new Set<Connection>();
  /** The most recently used last: it is the least likely to have been closed by the venue. */
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  #tlsSession: Buffer | undefined;

  constructor(url: URL, options: HttpClientOptions) {
    this.#url = url;
    this.#options = options;
  }

  send(exchange: Exchange): void {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop())
      if (idle.isUsable) {
        idle.send(exchange);
        return;
      }
    if (this.#connections.size < CONNECTIONS_MAX) this.#open(exchange);
    else this.#waiting.push(exchange);
  }

  /** Its deadline has passed: whatever it was waiting for ends. */
  drop(exchange: Exchange): void {
    const place = this.#waiting.indexOf(exchange);
    if (place >= 0) this.#waiting.splice(place, 1);
    exchange.connection?.destroy('the deadline has passed');
  }

  close(why: string): void {
    for (const exchange of this.#waiting.splice(0)) setImmediate(() => exchange.fail(why));
    for (const connection of this.#connections) connection.destroy(why);
  }

  #open(exchange: Exchange): void {
    const { hostname, port, protocol } = this.#url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const isTls = protocol === 'https:';
    const target = { host, port: Number(port) || (isTls ? 443 : 80), noDelay: true };
    const socket = isTls
      ? connectTls({
          ...target,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(this.#tlsSession === undefined ? {} : { session: this.#tlsSession }),
          ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }),
          ALPNProtocols: ['http/1.1'],
        })
      : connectTcp(target);
    if (isTls)
      socket.on('session', (session: Buffer) => {
        this.#tlsSession = session;
      });
    this.#connections.add(
      new Connection(
        socket,
        isTls ? 'secureConnect' : 'connect',
        exchange,
        (free) => {
          const next = this.#waiting.shift();
          if (next === undefined) this.#idle.push(free);
          else free.send(next);
        },
        (closed) => {
          this.#connections.delete(closed);
          const place = this.#idle.indexOf(closed);
          if (place >= 0) this.#idle.splice(place, 1);
          const next = this.#waiting.shift();
          if (next !== undefined) this.send(next);
        },
      ),
    );
  }
}

export interface HttpClientOptions {
  /** Certificate authority to trust instead of the usual ones, PEM; a server of one's own. */
  readonly ca?: string;
}

export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #hosts = new Map<string, Host>();
  #isClosed = false;

  constructor(options: HttpClientOptions = {}) {
    this.#options = options;
  }

  request(request: HttpRequest, done: Done): void {
    let url: URL;
    let text: string;
    try {
      url = new URL(request.url);
      text = textOf(url, request);
    } catch (error) {
      // Not a URL, or an impossible header: refused before a connection was sought.
      setImmediate(done, { kind: 'unsent', message: messageOf(error) });
      return;
    }
    if (this.#isClosed) {
      setImmediate(done, { kind: 'unsent', message: 'the network is closed' });
      return;
    }
    let host = this.#hosts.get(url.origin);
    if (host === undefined) {
      host = new Host(url, this.#options);
      this.#hosts.set(url.origin, host);
    }
    const chosen = host;
    chosen.send(
      new Exchange(text, request, done, (late) => {
        chosen.drop(late);
      }),
    );
  }

  /** Requests under way end as `unknown`, those that wait as `unsent`. */
  close(): void {
    this.#isClosed = true;
    for (const host of this.#hosts.values()) host.close('the network was closed');
  }
}

/** The whole request. Throws on what cannot be said in HTTP. */
function textOf(url: URL, request: HttpRequest): string {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`not a protocol for requests: ${url.protocol}`);
  let text = `${request.method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  for (const [name, value] of Object.entries(request.headers)) {
    if (
      !HEADER_NAME.test(name) ||
      !HEADER_VALUE.test(value) ||
      OWN_HEADERS.includes(name.toLowerCase())
    )
      throw new Error(`not a header that can be sent: ${name}`);
    text += `${name}: ${value}\r\n`;
  }
  if (request.body !== '' || request.method === 'POST' || request.method === 'PUT')
    text += `content-length: ${String(Buffer.byteLength(request.body, 'utf8'))}\r\n`;
  return `${text}\r\n${request.body}`;
}

/** What an error says; of several addresses that were tried, the first. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
