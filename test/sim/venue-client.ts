/**
 * venue-client: a naive customer of a simulated Coinbase, for tests: own tokens (node:crypto alone), own book (a Map of
 * the texts on the wire), recordings made by hand. It shares no code with the engine.
 */
import { randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import {
  startSimulatedVenue,
  type SimulatedVenue,
  type SimulatedVenueOptions,
} from '#src/sim/simulated-venue.js';

const DEADLINE_MS = 20_000;
const API = '/api/v3/brokerage';

/** JSON off the wire: looked into, not typed. */
export type Json = ReturnType<typeof JSON.parse>;

export const SILENT = { info: (): void => undefined, warn: (): void => undefined };

export function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-sim-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function startVenue(
  t: Test,
  options: Partial<SimulatedVenueOptions> = {},
): Promise<SimulatedVenue> {
  const venue = await startSimulatedVenue({
    venue: 'coinbase',
    port: 0,
    dataDir: null,
    recordingPath: null,
    rawPath: null,
    speed: 1,
    seed: 1,
    faults: [],
    takerBps: 5,
    makerBps: 0,
    cash: '10000',
    log: SILENT,
    ...options,
  });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) venue.close();
    isOpen = false;
  };
  t.teardown(close);
  return { ...venue, close };
}

export interface TokenClaims {
  readonly uri?: string;
  readonly iss?: string;
  readonly nbf?: number;
  readonly exp?: number;
  readonly kid?: string;
}

/** A token as the official client makes it; anything may be spoiled. */
export function tokenFor(
  credentials: { readonly keyName: string; readonly privateKeyPem: string },
  claims: TokenClaims = {},
): string {
  const nowSec = Math.floor(Date.now() / 1000);
  const { kid = credentials.keyName, ...rest } = claims;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'ES256', kid, nonce: randomBytes(8).toString('hex'), typ: 'JWT' });
  const payload = part({
    sub: credentials.keyName,
    iss: 'cdp',
    nbf: nowSec,
    exp: nowSec + 120,
    ...rest,
  });
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), {
    key: credentials.privateKeyPem,
    dsaEncoding: 'ieee-p1363',
  });
  return `${header}.${payload}.${signature.toString('base64url')}`;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

export class RestClient {
  readonly #venue: Pick<SimulatedVenue, 'listening' | 'credentials'>;

  constructor(venue: Pick<SimulatedVenue, 'listening' | 'credentials'>) {
    this.#venue = venue;
  }

  async get(route: string): Promise<RestAnswer> {
    return await this.call('GET', API + route);
  }

  async post(route: string, body: object): Promise<RestAnswer> {
    return await this.call('POST', API + route, body);
  }

  /** A limit order; the answer's body. */
  async place(
    side: 'BUY' | 'SELL',
    configuration: Json,
    clientOrderId = randomBytes(8).toString('hex'),
  ): Promise<Json> {
    const answer = await this.post('/orders', {
      client_order_id: clientOrderId,
      product_id: 'BTC-USD',
      side,
      order_configuration: configuration,
    });
    return answer.body;
  }

  async truth(): Promise<Json> {
    return (await this.call('GET', '/_sim/truth')).body;
  }

  async fault(fault: object): Promise<RestAnswer> {
    return await this.call('POST', '/_sim/fault', fault);
  }

  async call(method: string, path: string, body?: object, token?: string): Promise<RestAnswer> {
    const { rest } = this.#venue.listening;
    const uri = `${method} ${new URL(rest).host}${path.split('?')[0] ?? ''}`;
    const answer = await fetch(rest + path, {
      method,
      headers: { authorization: `Bearer ${token ?? tokenFor(this.#venue.credentials, { uri })}` },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: parseOrText(text), headers: answer.headers };
  }
}

function parseOrText(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text; // Some refusals are plain text.
  }
}

/** A WebSocket that keeps what it got. */
export class Stream {
  readonly texts: string[] = [];
  readonly frames: Json[] = [];
  closeCode: number | null = null;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      this.texts.push(text);
      this.frames.push(JSON.parse(text));
    });
    socket.on('close', (code) => (this.closeCode = code));
    socket.on('error', () => undefined);
  }

  static async open(t: Test, url: string): Promise<Stream> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const stream = new Stream(socket);
    t.teardown(() => socket.terminate());
    await until(() => (socket.readyState === WebSocket.OPEN ? true : undefined), 'socket open');
    return stream;
  }

  send(message: Json): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  subscribe(channel: string, more: object = {}): void {
    this.send({ type: 'subscribe', channel, product_ids: ['BTC-USD'], ...more });
  }

  close(): void {
    this.#socket.close();
  }

  /** Stops and goes on reading the socket, as a stalled client would. */
  pause(): void {
    this.#socket.pause();
  }

  of(channel: string): Json[] {
    return this.frames.filter((frame) => frame.channel === channel);
  }

  async frame(isWanted: (frame: Json) => boolean, what: string): Promise<Json> {
    return await until(() => this.frames.find(isWanted), what);
  }
}

/** A bounded wait, never a sleep for luck. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
): Promise<T> {
  const endMs = Date.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > endMs) throw new Error(`waited ${String(DEADLINE_MS)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The book of level2 frames, as texts. */
export class NaiveBook {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();

  apply(frame: Json): void {
    for (const event of frame.events) {
      if (event.type === 'snapshot') {
        this.bids.clear();
        this.asks.clear();
      }
      for (const update of event.updates) {
        const side = update.side === 'bid' ? this.bids : this.asks;
        if (update.new_quantity === '0') side.delete(update.price_level);
        else side.set(update.price_level, update.new_quantity);
      }
    }
  }

  list(side: 'bids' | 'asks'): { readonly price: string; readonly size: string }[] {
    const sign = side === 'bids' ? -1 : 1;
    return [...this[side]]
      .sort(([a], [b]) => sign * (Number(a) - Number(b)))
      .map(([price, size]) => ({ price, size }));
  }
}

/** A market made by hand, in the format of a recording. */
export class RecordingMaker {
  readonly #lines: string[] = [];
  #lastId = 100;

  /** The book at the start. */
  snapshot(
    bids: readonly (readonly [string, string])[],
    asks: readonly (readonly [string, string])[],
  ): this {
    return this.#line('http', 0, { lastUpdateId: this.#lastId, bids, asks });
  }

  depth(
    atMs: number,
    bids: readonly (readonly [string, string])[],
    asks: readonly (readonly [string, string])[],
  ): this {
    const U = this.#lastId + 1;
    this.#lastId = U;
    const data = { e: 'depthUpdate', s: 'BTCUSDT', U, u: U, b: bids, a: asks };
    return this.#line('in', atMs, { stream: 'btcusdt@depth@100ms', data });
  }

  /** `taker` is the aggressor. */
  trade(atMs: number, price: string, size: string, taker: 'BUY' | 'SELL'): this {
    const data = { e: 'trade', s: 'BTCUSDT', t: 1, p: price, q: size, m: taker === 'SELL' };
    return this.#line('in', atMs, { stream: 'btcusdt@trade', data });
  }

  #line(dir: string, atMs: number, raw: Json): this {
    const recv_ns = String(1_700_000_000_000_000_000n + BigInt(atMs) * 1_000_000n);
    const n = this.#lines.length;
    this.#lines.push(JSON.stringify({ n, recv_ns, dir, url: null, raw: JSON.stringify(raw) }));
    return this;
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  write(t: Test): string {
    const path = join(tempDir(t), 'market.jsonl');
    writeFileSync(path, this.text());
    return path;
  }
}
