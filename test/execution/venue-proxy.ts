/**
 * venue-proxy: a server in front of a simulated venue that can misbehave in ways a venue's own simulator cannot: swallow
 * a request before the venue has it, answer with rubbish, answer 500, cut the line. REST only; streams go past it.
 */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request. Those that forward let the venue act first. */
export type Misdeed =
  | 'swallow'
  | 'reset'
  | 'answer-500'
  | 'forward-then-500'
  | 'forward-then-rubbish'
  | 'forward-then-silence';

interface Plan {
  readonly method: string;
  readonly pathPart: string;
  readonly misdeed: Misdeed;
  left: number;
}

export class VenueProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #plans: Plan[] = [];
  /** `METHOD path` of every request that came, in order. */
  readonly seen: string[] = [];
  url = '';

  constructor(targetUrl: string) {
    this.#target = new URL(targetUrl);
    this.#server = createServer((request, response) => {
      this.#onRequest(request, response);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The next `count` requests of this method whose path contains `pathPart` meet the misdeed. */
  plan(method: string, pathPart: string, misdeed: Misdeed, count = 1): void {
    this.#plans.push({ method, pathPart, misdeed, left: count });
  }

  countOf(method: string, pathPart: string): number {
    return this.seen.filter((line) => line.startsWith(`${method} `) && line.includes(pathPart))
      .length;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    this.seen.push(`${method} ${url}`);
    const path = url.split('?')[0] ?? '';
    const plan = this.#plans.find(
      (one) => one.left > 0 && one.method === method && path.endsWith(one.pathPart),
    );
    if (plan !== undefined) plan.left--;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.#act(plan?.misdeed, request, response, Buffer.concat(chunks));
    });
  }

  #act(
    misdeed: Misdeed | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): void {
    switch (misdeed) {
      case 'swallow':
        return;
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'answer-500':
        response.writeHead(500).end('{"error":"internal"}');
        return;
      default:
    }
    const forwarded = httpRequest(
      {
        host: this.#target.hostname,
        port: this.#target.port,
        method: request.method,
        path: request.url,
        headers: request.headers,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          if (misdeed === 'forward-then-silence') return;
          if (misdeed === 'forward-then-500') response.writeHead(500).end('oops');
          else if (misdeed === 'forward-then-rubbish') response.writeHead(200).end('<html>');
          else response.writeHead(answer.statusCode ?? 500).end(Buffer.concat(chunks));
        });
      },
    );
    forwarded.on('error', () => {
      response.destroy();
    });
    forwarded.end(body);
  }
}
