/**
 * http-api: the HTTP side of control: health, metrics, queries, commands, the dashboard's files (docs/control-api.md).
 * Control thread, called from its event loop.
 *
 * Everything but health and the page wants the bearer key. Every refusal is JSON {code, message}. A command is answered
 * after the core has confirmed it (and so has put it on record), or with API_TIMEOUT when it did not within the deadline:
 * then it may still happen. A wish for a feed's connection goes to ingest once it is on record, and ingest answers it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { CommandKind } from '../domain/core-record.js';
import { codeAt, codeIndex, sentenceOf, TickwireError, type ErrorCode } from '../domain/errors.js';
import { blankCommand, writeCommand, type CommandFields } from '../generated/hot.js';
import type { RingWriter } from '../memory/ring.js';
import type { StoreReader } from '../ports/store.js';
import { Counter, type Telemetry } from '../runtime/telemetry.js';
import type { ApiKeyCheck } from './api-key.js';
import type { FeedWish } from './feed-view.js';
import type { PrometheusText } from './prometheus.js';
import type { StateView } from './state-view.js';

const BODY_BYTES_MAX = 4096;
const CONNECTIONS_MAX = 128;
const COMMANDS_PENDING_MAX = 32;
const ROWS_DEFAULT = 100;
const ROWS_MAX = 1000;
/** A role that has not beaten for that long is not well. */
const BEAT_AGE_MS_MAX = 3000;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: '200 OK',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  404: '404 Not Found',
  409: '409 Conflict',
  413: '413 Content Too Large',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
  504: '504 Gateway Timeout',
};

const JSON_TYPE = 'application/json; charset=utf-8';
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface HttpApiOptions {
  readonly view: StateView;
  readonly store: StoreReader;
  readonly prometheus: PrometheusText;
  readonly commands: RingWriter;
  readonly telemetry: Telemetry;
  readonly apiKey: ApiKeyCheck;
  /** How long a command may take to be confirmed. */
  readonly commandTimeoutNs: number;
  /** The trading state as the last event told it, or the board's. */
  readonly trading: () => { readonly state: string; readonly reason: string };
}

/** A response that may be gone before we answer. */
interface Exchange {
  readonly res: HttpResponse;
  isAborted: boolean;
}

interface PendingCommand {
  readonly exchange: Exchange;
  readonly name: string;
  readonly commandSeq: number;
  readonly deadlineNs: number;
  /** Of a wish for a connection: place of the venue in this run. Else -1. */
  readonly venueIndex: number;
  /** Once ingest was asked. */
  wish: FeedWish | null;
}

/** What a person asks for. */
interface Wanted {
  readonly name: string;
  readonly kind: number;
  /** Place of the venue in this run, or -1. */
  readonly venueIndex: number;
}

/** What a handler answers with, or what it throws to refuse. */
class Refusal extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  constructor(status: number, code: ErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Query = (name: string) => string | undefined;

export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #pending = new Map<number, PendingCommand>();
  readonly #command: CommandFields;
  #commandSeq = 0;
  #connectionCount = 0;
  #isStopping = false;

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#command = blankCommand();
  }

  /** Registers every route. */
  register(app: TemplatedApp): void {
    app.filter((_res, change) => {
      this.#connectionCount += Number(change) > 0 ? 1 : -1;
    });
    for (const file of pageFiles()) {
      app.get(file.route, (res) => {
        this.#count();
        res.cork(() => {
          res.writeStatus('200 OK').writeHeader('content-type', file.contentType);
          res
            .writeHeader('cache-control', 'no-cache')
            .writeHeader('x-content-type-options', 'nosniff');
          res.writeHeader('content-security-policy', PAGE_POLICY);
          res.writeHeader('referrer-policy', 'no-referrer');
          res.end(file.bytes);
        });
      });
    }
    app.get('/health', (res) => {
      this.#count();
      const health = this.#health();
      endJson({ res, isAborted: false }, health.status === 'ok' ? 200 : 503, health);
    });
    app.get('/metrics', (res, req) => {
      this.#metrics(res, req);
    });
    this.#query(app, '/v1/status', () => this.#options.view.status(this.#options.view.nowNs()));
    this.#query(app, '/v1/markets', () => ({
      markets: this.#options.view.markets(this.#options.view.nowNs()),
    }));
    this.#query(app, '/v1/fair', () => ({
      fair: this.#options.view.fairs(this.#options.view.nowNs()),
    }));
    this.#query(app, '/v1/feeds', () => ({ feeds: this.#options.view.feeds.feeds() }));
    this.#query(app, '/v1/positions', () => ({
      positions: this.#options.view.positions(this.#options.view.nowNs()),
      portfolio: this.#options.view.portfolio(this.#options.view.nowNs()),
    }));
    this.#query(app, '/v1/balances', () => ({ balances: this.#options.store.balances() }));
    this.#query(app, '/v1/orders', (query) => ({ orders: this.#orders(query) }));
    this.#query(app, '/v1/orders/:orderSeq/events', (query) => ({
      events: this.#options.store.orderEvents(
        wholeNumber(query('orderSeq'), 'orderSeq', 0, Number.MAX_SAFE_INTEGER),
      ),
    }));
    this.#query(app, '/v1/fills', (query) => ({ fills: this.#fills(query) }));
    this.#query(app, '/v1/runs', (query) => ({ runs: this.#options.store.runs(limitOf(query)) }));
    this.#commandRoute(app, '/v1/halt', () => ({
      name: 'halt',
      kind: CommandKind.Halt,
      venueIndex: -1,
    }));
    this.#commandRoute(app, '/v1/resume', () => ({
      name: 'resume',
      kind: CommandKind.Resume,
      venueIndex: -1,
    }));
    this.#commandRoute(app, '/v1/feeds/:venue/reconnect', (req) => ({
      name: 'reconnect',
      kind: CommandKind.ReconnectFeed,
      venueIndex: this.#venueIndexOf(req.getParameter(0)),
    }));
    app.any('/*', (res, req) => {
      this.#count();
      const what = `${req.getCaseSensitiveMethod()} ${req.getUrl()}`;
      this.#refuse(
        { res, isAborted: false },
        new Refusal(404, 'API_NOT_FOUND', `No such route: ${what.slice(0, 200)}.`),
      );
    });
  }

  /** A CommandDone event. */
  onCommandDone(commandSeq: number, reason: number): void {
    const pending = this.#pending.get(commandSeq);
    if (pending === undefined) return;
    if (reason === 0 && pending.venueIndex >= 0) {
      // On record; now it may happen. The answer is ingest's.
      pending.wish = this.#options.view.feeds.ask(pending.venueIndex);
      return;
    }
    this.#pending.delete(commandSeq);
    if (reason !== 0) {
      const code = codeAt(reason);
      this.#refuse(pending.exchange, new Refusal(409, code, sentenceOf(code)));
      return;
    }
    endJson(pending.exchange, 200, {
      command: pending.name,
      commandSeq,
      trading: this.#options.trading(),
    });
  }

  /** Answers what ingest has answered, and commands whose time is up. Returns how many. */
  onTime(nowNs: number): number {
    let count = 0;
    for (const pending of this.#pending.values()) {
      if (pending.wish !== null && this.#answerWish(pending, pending.wish)) {
        count++;
        continue;
      }
      if (nowNs < pending.deadlineNs) continue;
      this.#pending.delete(pending.commandSeq);
      this.#refuse(
        pending.exchange,
        new Refusal(
          504,
          'API_TIMEOUT',
          `${whoConfirms(pending)} did not confirm the ${pending.name} in time; it may still happen.`,
        ),
      );
      count++;
    }
    return count;
  }

  #answerWish(pending: PendingCommand, wish: FeedWish): boolean {
    const { feeds } = this.#options.view;
    const answer = feeds.answerTo(wish);
    if (answer === 'waiting') return false;
    this.#pending.delete(pending.commandSeq);
    if (answer === 'refused') {
      this.#refuse(pending.exchange, new Refusal(409, 'FEED_BUSY', sentenceOf('FEED_BUSY')));
    } else {
      endJson(pending.exchange, 200, {
        command: pending.name,
        commandSeq: pending.commandSeq,
        feed: feeds.feed(wish.venueIndex),
      });
    }
    return true;
  }

  #venueIndexOf(name: string): number {
    const index = this.#options.view.feeds.indexOf(name);
    if (index >= 0) return index;
    const { venues } = this.#options.view.runInfo;
    throw new Refusal(
      404,
      'API_NOT_FOUND',
      `No venue "${name.slice(0, 40)}" in this run; there are ${venues.join(', ')}.`,
    );
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** From now on commands are refused: the run is ending. */
  stop(): void {
    this.#isStopping = true;
  }

  #query(
    app: TemplatedApp,
    route: string,
    answer: (query: Query) => Readonly<Record<string, unknown>>,
  ): void {
    const parameter = /:(\w+)/.exec(route)?.[1];
    app.get(route, (res, req) => {
      this.#count();
      const exchange: Exchange = { res, isAborted: false };
      const query: Query = (name) =>
        name === parameter ? req.getParameter(0) : req.getQuery(name);
      try {
        this.#admit(req);
        endJson(exchange, 200, answer(query));
      } catch (error) {
        this.#refuse(exchange, error);
      }
    });
  }

  #metrics(res: HttpResponse, req: HttpRequest): void {
    this.#count();
    const exchange: Exchange = { res, isAborted: false };
    res.onAborted(() => {
      exchange.isAborted = true;
    });
    try {
      this.#admit(req);
    } catch (error) {
      this.#refuse(exchange, error);
      return;
    }
    this.#options.prometheus.text().then(
      (text) => {
        end(exchange, 200, this.#options.prometheus.contentType, text);
      },
      (error: unknown) => {
        this.#refuse(exchange, error);
      },
    );
  }

  #commandRoute(app: TemplatedApp, route: string, wantedBy: (req: HttpRequest) => Wanted): void {
    app.post(route, (res, req) => {
      this.#count();
      const exchange: Exchange = { res, isAborted: false };
      res.onAborted(() => {
        exchange.isAborted = true;
      });
      let wanted: Wanted;
      try {
        this.#admit(req);
        wanted = wantedBy(req);
      } catch (error) {
        this.#refuse(exchange, error);
        return;
      }
      const source = req.getHeader('x-tickwire-source') === 'dashboard' ? 2 : 1;
      let body = Buffer.alloc(0);
      let isOver = false;
      res.onData((chunk, isLast) => {
        if (isOver) return;
        if (body.length + chunk.byteLength > BODY_BYTES_MAX) {
          isOver = true;
          this.#refuse(
            exchange,
            new Refusal(
              413,
              'API_BAD_REQUEST',
              `A body has at most ${String(BODY_BYTES_MAX)} bytes.`,
            ),
          );
          return;
        }
        // Copied: the chunk is gone after this call.
        body = Buffer.concat([body, Buffer.from(chunk)]);
        if (!isLast) return;
        isOver = true;
        try {
          checkBody(body.toString('utf8'));
          this.#send(exchange, wanted, source);
        } catch (error) {
          this.#refuse(exchange, error);
        }
      });
    });
  }

  /** Publishes a command and keeps the exchange open until the core has answered. */
  #send(exchange: Exchange, { name, kind, venueIndex }: Wanted, source: number): void {
    if (this.#isStopping) throw new Refusal(503, 'API_BUSY', 'The engine is stopping.');
    const { commands, view } = this.#options;
    const base = this.#pending.size < COMMANDS_PENDING_MAX ? commands.claim() : -1;
    if (base < 0) throw new Refusal(503, 'API_BUSY', 'Too many commands at once.');
    const nowNs = view.nowNs();
    this.#commandSeq++;
    this.#command.commandSeq = this.#commandSeq;
    this.#command.emitNs = nowNs;
    this.#command.kind = kind;
    this.#command.value0 = Math.max(0, venueIndex);
    this.#command.source = source;
    writeCommand(commands.i32, base, this.#command);
    commands.publish();
    this.#pending.set(this.#commandSeq, {
      exchange,
      name,
      commandSeq: this.#commandSeq,
      deadlineNs: nowNs + this.#options.commandTimeoutNs,
      venueIndex,
      wish: null,
    });
  }

  #admit(req: HttpRequest): void {
    if (this.#connectionCount > CONNECTIONS_MAX) {
      throw new Refusal(503, 'API_BUSY', sentenceOf('API_BUSY'));
    }
    if (!this.#options.apiKey.isRightHeader(req.getHeader('authorization'))) {
      throw new Refusal(401, 'API_UNAUTHORIZED', sentenceOf('API_UNAUTHORIZED'));
    }
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const refusal = asRefusal(error);
    this.#options.telemetry.add(Counter.apiRefused, 1);
    this.#options.telemetry.reject(codeIndex(refusal.code));
    endJson(exchange, refusal.status, { code: refusal.code, message: refusal.message });
  }

  #count(): void {
    this.#options.telemetry.add(Counter.apiRequests, 1);
  }

  #health(): { readonly status: string; readonly problems: readonly string[] } {
    const { view } = this.#options;
    const problems = view
      .roles(view.nowNs())
      .filter((role) => role.state === 'failed' || role.beatAgeMs > BEAT_AGE_MS_MAX)
      .map((role) => `${role.role}: ${role.state}, no heartbeat for ${String(role.beatAgeMs)} ms`);
    return { status: problems.length === 0 ? 'ok' : 'degraded', problems };
  }

  #orders(query: Query): readonly unknown[] {
    const open = query('open');
    if (open !== undefined && open !== 'true') {
      throw new Refusal(400, 'API_BAD_REQUEST', `open: "${open.slice(0, 40)}" is not true.`);
    }
    if (open === 'true') return this.#options.store.openOrders();
    const before = query('before');
    return this.#options.store.orders({
      limit: limitOf(query),
      ...(before === undefined
        ? {}
        : { beforeOrderSeq: wholeNumber(before, 'before', 0, Number.MAX_SAFE_INTEGER) }),
    });
  }

  #fills(query: Query): readonly unknown[] {
    const [after, before, since] = [query('after'), query('before'), query('since')];
    const seq = (text: string, name: string): number =>
      wholeNumber(text, name, 0, Number.MAX_SAFE_INTEGER);
    return this.#options.store.fills({
      limit: limitOf(query),
      ...(after === undefined ? {} : { afterSeq: seq(after, 'after') }),
      ...(before === undefined ? {} : { beforeSeq: seq(before, 'before') }),
      ...(since === undefined ? {} : { sinceNs: epochNs(since) }),
    });
  }
}

function whoConfirms({ wish }: PendingCommand): string {
  return wish === null ? 'The core' : 'Ingest';
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof TickwireError) return new Refusal(500, error.code, error.message);
  return new Refusal(500, 'INTERNAL', error instanceof Error ? error.message : String(error));
}

function limitOf(query: Query): number {
  const text = query('limit');
  return text === undefined ? ROWS_DEFAULT : wholeNumber(text, 'limit', 1, ROWS_MAX);
}

function wholeNumber(text: string | undefined, name: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new Refusal(
      400,
      'API_BAD_REQUEST',
      `${name}: "${(text ?? '').slice(0, 40)}" is not a whole number from ${String(min)} to ${String(max)}.`,
    );
  }
  return value;
}

function epochNs(text: string): bigint {
  if (!/^\d{1,19}$/.test(text) || BigInt(text) > 9_223_372_036_854_775_807n) {
    throw new Refusal(
      400,
      'API_BAD_REQUEST',
      `since: "${text.slice(0, 40)}" is not a time in nanoseconds since the epoch.`,
    );
  }
  return BigInt(text);
}

/** A command has no parameters yet: an empty body or an empty object. */
function checkBody(text: string): void {
  if (text.trim() === '') return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(
      400,
      'API_BAD_REQUEST',
      `The body is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
  const isEmptyObject =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0;
  if (!isEmptyObject) {
    throw new Refusal(400, 'API_BAD_REQUEST', 'The body must be empty or an empty object.');
  }
}

function endJson(
  exchange: Exchange,
  status: number,
  body: Readonly<Record<string, unknown>>,
): void {
  end(exchange, status, JSON_TYPE, JSON.stringify(body));
}

function end(exchange: Exchange, status: number, contentType: string, body: string): void {
  if (exchange.isAborted) return;
  exchange.isAborted = true;
  const { res } = exchange;
  res.cork(() => {
    res.writeStatus(STATUS_TEXT[status] ?? '500 Internal Server Error');
    res.writeHeader('content-type', contentType).writeHeader('cache-control', 'no-store');
    res.writeHeader('x-content-type-options', 'nosniff');
    if (status === 401) res.writeHeader('www-authenticate', 'Bearer');
    // A refused body may still be on its way: nothing more is read from this connection.
    res.end(body, status === 413);
  });
}

interface PageFile {
  readonly route: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** The page, its script and style, and uPlot from its own package: read once, served from memory. */
function pageFiles(): readonly PageFile[] {
  const own = new URL('../../src/control/dashboard/', import.meta.url);
  const require = createRequire(import.meta.url);
  const html = 'text/html; charset=utf-8';
  const script = 'text/javascript; charset=utf-8';
  const style = 'text/css; charset=utf-8';
  return [
    { route: '/', contentType: html, bytes: readFileSync(new URL('index.html', own)) },
    {
      route: '/dashboard.js',
      contentType: script,
      bytes: readFileSync(new URL('dashboard.js', own)),
    },
    {
      route: '/dashboard.css',
      contentType: style,
      bytes: readFileSync(new URL('dashboard.css', own)),
    },
    {
      route: '/uplot.js',
      contentType: script,
      bytes: readFileSync(require.resolve('uplot/dist/uPlot.esm.js')),
    },
    {
      route: '/uplot.css',
      contentType: style,
      bytes: readFileSync(require.resolve('uplot/dist/uPlot.min.css')),
    },
  ];
}
