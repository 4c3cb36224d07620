/**
 * A venue's server that misbehaves on command, over real sockets: it refuses, never answers, breaks off the handshake,
 * closes at once, vanishes and comes back on the same port, sends fragments, and says whatever the test wants.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

/** What it does with an opening handshake. */
export type Manners =
  | { readonly kind: 'accept' }
  /** An HTTP status instead of a WebSocket. */
  | { readonly kind: 'reject'; readonly status: number; readonly headers?: string }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Cuts the line in the middle of the answer. */
  | { readonly kind: 'abort' }
  /** An answer that is no WebSocket's. */
  | { readonly kind: 'nonsense' }
  /** Accepts and closes at once, with a code. */
  | { readonly kind: 'close'; readonly code: number }
  /** Accepts and cuts the line at once. */
  | { readonly kind: 'cut' };

/** One connection that was accepted. */
export interface Guest {
  readonly socket: WebSocket;
  /** The TCP socket below, for bytes that no WebSocket library would send. */
  readonly raw: Duplex;
  readonly headers: IncomingMessage['headers'];
  /** What it was sent, in order. */
  readonly texts: string[];
  pingCount: number;
  isOpen: boolean;
}

export class MisbehavingServer {
  readonly guests: Guest[] = [];
  /** Opening handshakes that came, whatever became of them. */
  handshakeCount = 0;
  manners: Manners = { kind: 'accept' };
  /** Manners of the next handshakes, one each, before `manners` counts. */
  readonly next: Manners[] = [];
  onGuest: (guest: Guest, index: number) => void = () => undefined;
  onText: (guest: Guest, text: string, index: number) => void = () => undefined;
  onRequest: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => {
    response.writeHead(404).end('{}');
  };
  readonly #http: Server;
  readonly #webSockets = new WebSocketServer({ noServer: true });
  readonly #lines = new Set<Duplex>();
  #port = 0;

  private constructor() {
    this.#http = createServer((request, response) => {
      this.onRequest(request, response);
    });
    this.#http.on('connection', (line) => {
      this.#lines.add(line);
      line.on('close', () => this.#lines.delete(line));
    });
    this.#http.on('upgrade', (request, line, head) => {
      this.handshakeCount++;
      this.#answer(this.next.shift() ?? this.manners, request, line, head);
    });
  }

  static async start(t: Test): Promise<MisbehavingServer> {
    const self = new MisbehavingServer();
    await self.up();
    t.teardown(() => self.down());
    return self;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/`;
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get openGuests(): readonly Guest[] {
    return this.guests.filter(({ isOpen }) => isOpen);
  }

  /** Listens; after `down`, on the same port as before. */
  async up(): Promise<void> {
    this.#http.listen(this.#port, '127.0.0.1');
    await once(this.#http, 'listening');
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  /** Is gone: every line is cut and the port refuses connections. */
  async down(): Promise<void> {
    if (!this.#http.listening) return;
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.cutAll();
    await closed;
  }

  cutAll(): void {
    for (const line of this.#lines) line.destroy();
  }

  /** Says it to every open connection. */
  say(text: string | Buffer): void {
    for (const { socket } of this.openGuests) socket.send(text);
  }

  #answer(manners: Manners, request: IncomingMessage, line: Duplex, head: Buffer): void {
    switch (manners.kind) {
      case 'reject':
        line.end(
          `HTTP/1.1 ${manners.status} No\r\n${manners.headers ?? ''}connection: close\r\n` +
            'content-length: 2\r\n\r\nno',
        );
        return;
      case 'hang':
        return;
      case 'abort':
        line.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n');
        setImmediate(() => line.destroy());
        return;
      case 'nonsense':
        line.end(
          'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
            'sec-websocket-accept: nonsense\r\n\r\n',
        );
        return;
      default:
        this.#webSockets.handleUpgrade(request, line, head, (socket) => {
          this.#welcome(manners, request, line, socket);
        });
    }
  }

  #welcome(manners: Manners, request: IncomingMessage, raw: Duplex, socket: WebSocket): void {
    socket.on('error', () => socket.terminate());
    if (manners.kind === 'close') {
      socket.close(manners.code);
      return;
    }
    if (manners.kind === 'cut') {
      socket.terminate();
      return;
    }
    const guest: Guest = {
      ...{ socket, raw, headers: request.headers },
      ...{ texts: [], pingCount: 0, isOpen: true },
    };
    const index = this.guests.push(guest) - 1;
    socket.on('close', () => {
      guest.isOpen = false;
    });
    socket.on('ping', () => {
      guest.pingCount++;
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      guest.texts.push(text);
      this.onText(guest, text, index);
    });
    this.onGuest(guest, index);
  }
}

/** One WebSocket text message as frames of these lengths: what a proxy or a venue may do to it. */
export function fragments(text: string, lengths: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(text, 'utf8');
  let at = 0;
  return lengths.map((length, index) => {
    const part = bytes.subarray(at, at + length);
    at += length;
    const isLast = index === lengths.length - 1;
    const head = (isLast ? 0x80 : 0) | (index === 0 ? 1 : 0);
    if (part.length < 126) return Buffer.concat([Buffer.from([head, part.length]), part]);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(part.length);
    return Buffer.concat([Buffer.from([head, 126]), size, part]);
  });
}
