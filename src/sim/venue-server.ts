/**
 * VenueServer: a venue simulator behind real loopback sockets (uWebSockets.js). It owns what the simulator may not
 * have: sockets, timers, the wall clock, the order of storing and telling.
 *
 *   market source ──(timer)──▶ simulator ──▶ exchange
 *   sockets, requests ───────▶     │            │ changes
 *   clients ◀── faults ◀───────────┘            ▼
 *                                   store ──▶ answer ──▶ private channel
 *
 * One thread; a process may hold several venues, which share the market's time. Invariant: a change is stored before it is
 * answered, and answered before it is pushed.
 *
 * Limits: a request body of 1 MiB (413), a client frame of 64 KiB (closed), a client that does not read: 32 MiB
 * (dropped), 20,000 market events a wake-up (then other work gets its turn).
 */
import { createHash } from 'node:crypto';
import uWS from 'uWebSockets.js';
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from 'uWebSockets.js';
import { TickwireError } from '../domain/errors.js';
import { listenExclusively } from '../runtime/listen.js';
import type {
  ExchangeChanges,
  PriceLevel,
  SimulatedExchange,
  SimulatorAnswer,
  SimulatorConnection,
  VenueSimulator,
} from '../venues/simulator-port.js';
import { formatDecimal } from '../venues/simulator-text.js';
import { FaultPlan, parseFault, type Fault } from './fault-plan.js';
import type { MarketTime, VenueClock } from './market-time.js';
import type { RawFrame, RawTape } from './raw-tape.js';
import type { VenueMarket } from './venue-market.js';
import type { VenueCredentials } from './venue-store.js';

const REQUEST_BYTES_MAX = 1024 * 1024;
const CLIENT_FRAME_BYTES_MAX = 64 * 1024;
/** A real BTC-USD snapshot has 5 MB; a client that leaves six of them unread does not read. */
const CLIENT_BACKLOG_BYTES_MAX = 32 * 1024 * 1024;
const MARKET_EVENTS_PER_WAKE_MAX = 20_000;
/** Heartbeats, deadlines and planned faults are looked at this often. */
const HOUSEKEEPING_MS = 50;
/** A market that is later than this goes on from where it is instead of catching up in one burst. */
const MARKET_LATE_MS_MAX = 1000;
/** Levels of a side that the truth tells one by one: as many as the engine's board has. */
const TRUTH_LEVELS = 20;
const LOOPBACK = '127.0.0.1';
const NS_PER_MS = 1e6;

/** Where clients connect. */
export interface Listening {
  readonly ws: string;
  readonly wsPrivate: string;
  readonly rest: string;
}

/** The venue's exchange, and what changed in it. */
export interface ChangingExchange extends SimulatedExchange {
  takeChanges(): ExchangeChanges | null;
}

export interface VenueServerOptions {
  readonly venue: string;
  /** 0: any free one. */
  readonly port: number;
  /** Paths of public and private sockets (SimulatorDefinition). */
  readonly wsPaths: readonly string[];
  readonly wsPrivatePaths: readonly string[];
  readonly simulator: VenueSimulator;
  readonly exchange: ChangingExchange;
  /** Returns when the changes are safe. */
  readonly commit: (changes: ExchangeChanges) => void;
  readonly credentials: VenueCredentials;
  readonly faults: FaultPlan;
  /** The market; null when `rawTape` is played instead. */
  readonly market: VenueMarket | null;
  readonly marketTime: MarketTime;
  /** Where the market is wound on to before anybody connects: some trades have happened by then. */
  readonly startPositionNs: number;
  /** A capture, played to each public client that has asked for something. */
  readonly rawTape: RawTape | null;
  readonly clock: VenueClock;
  readonly log: VenueLog;
}

/** The real one. */
export class WallClock implements VenueClock {
  readonly #epochNs = BigInt(Date.now()) * 1_000_000n;
  readonly #startNs = process.hrtime.bigint();
  nowNs(): bigint {
    return this.#epochNs + (process.hrtime.bigint() - this.#startNs);
  }
  nowMs(): number {
    return Number(process.hrtime.bigint() - this.#startNs) / 1e6;
  }
}

/** What the server has to say; pino fits. */
export interface VenueLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

interface Client {
  readonly isPrivate: boolean;
  readonly path: string;
  readonly query: string;
  connection: ClientConnection | null;
}

/** A client's socket with the faults in front of it. */
class ClientConnection implements SimulatorConnection {
  readonly isPrivate: boolean;
  readonly path: string;
  readonly query: string;
  readonly #server: VenueServer;
  readonly #socket: WebSocket<Client>;
  readonly #late: { readonly dueMs: number; readonly text: string }[] = [];
  #lateTimer: NodeJS.Timeout | null = null;
  #rawTimer: NodeJS.Timeout | null = null;
  #isOpen = true;

  constructor(server: VenueServer, socket: WebSocket<Client>) {
    this.#server = server;
    this.#socket = socket;
    const { isPrivate, path, query } = socket.getUserData();
    this.isPrivate = isPrivate;
    this.path = path;
    this.query = query;
  }

  send(text: string, topic: string): void {
    if (!this.#isOpen) return;
    const nowMs = this.#server.nowMs();
    const fate = this.#server.faults.frame(this.isPrivate, topic, nowMs);
    for (let copy = 0; copy < fate.copies; copy++) {
      if (fate.delayMs === 0 && this.#late.length === 0) {
        this.#transmit(text);
      } else {
        // Frames never overtake one another: those behind a late one wait for it.
        const before = this.#late.at(-1)?.dueMs ?? 0;
        this.#late.push({ dueMs: Math.max(before, nowMs + fate.delayMs), text });
        this.#scheduleLate();
      }
    }
  }

  close(code: number, reason: string): void {
    if (this.#isOpen) this.#socket.end(code, reason);
  }

  /** Without a close frame, as a cut cable looks. */
  cut(): void {
    if (this.#isOpen) this.#socket.close();
  }

  /** Plays captured frames; a second call does nothing. */
  playRaw(frames: readonly RawFrame[], speed: number): void {
    if (this.#rawTimer !== null) return;
    const startMs = this.#server.nowMs();
    let index = 0;
    const step = (): void => {
      const positionNs = (this.#server.nowMs() - startMs) * NS_PER_MS * speed;
      while (this.#isOpen) {
        const frame = frames[index];
        if (frame === undefined) return;
        if (frame.offsetNs > positionNs) {
          const waitMs = (frame.offsetNs - positionNs) / NS_PER_MS / speed;
          this.#rawTimer = setTimeout(step, Math.ceil(waitMs));
          return;
        }
        index++;
        this.send(frame.text, 'raw');
      }
    };
    this.#rawTimer = setTimeout(step, 0);
  }

  onClosed(): void {
    this.#isOpen = false;
    if (this.#lateTimer !== null) clearTimeout(this.#lateTimer);
    if (this.#rawTimer !== null) clearTimeout(this.#rawTimer);
  }

  #scheduleLate(): void {
    const first = this.#late[0];
    if (this.#lateTimer !== null || first === undefined) return;
    const waitMs = Math.max(0, Math.ceil(first.dueMs - this.#server.nowMs()));
    this.#lateTimer = setTimeout(() => {
      this.#lateTimer = null;
      const nowMs = this.#server.nowMs();
      for (
        let next = this.#late[0];
        next !== undefined && next.dueMs <= nowMs;
        next = this.#late[0]
      ) {
        this.#late.shift();
        this.#transmit(next.text);
      }
      this.#scheduleLate();
    }, waitMs);
  }

  #transmit(text: string): void {
    if (!this.#isOpen) return;
    const isDropped = this.#socket.send(text, false, false) === 2;
    const backlogBytes = isDropped ? CLIENT_BACKLOG_BYTES_MAX : this.#socket.getBufferedAmount();
    if (backlogBytes >= CLIENT_BACKLOG_BYTES_MAX) {
      this.#server.log.warn({ backlogBytes }, 'a client does not read what it asked for: dropped');
      this.#socket.close();
    }
  }
}

export class VenueServer {
  readonly faults: FaultPlan;
  readonly log: VenueLog;
  readonly #options: VenueServerOptions;
  readonly #app: TemplatedApp;
  readonly #connections = new Set<ClientConnection>();
  readonly #lateAnswers = new Set<NodeJS.Timeout>();
  readonly #startedMs: number;
  #listening: Listening | null = null;
  #housekeeping: NodeJS.Timeout | null = null;
  #marketTimer: NodeJS.Timeout | null = null;
  #marketImmediate: NodeJS.Immediate | null = null;
  #isClosed = false;

  constructor(options: VenueServerOptions) {
    this.#options = options;
    this.faults = options.faults;
    this.log = options.log;
    this.#startedMs = options.clock.nowMs();
    this.#app = uWS.App();
    for (const path of options.wsPaths) this.#app.ws<Client>(path, this.#socketBehavior(false));
    for (const path of options.wsPrivatePaths) {
      this.#app.ws<Client>(path, this.#socketBehavior(true));
    }
    this.#app.any('/*', (response, request) => this.#onHttp(response, request));
  }

  /** Opens the port and the market. Throws PORT_BUSY. */
  async listen(): Promise<Listening> {
    const { port } = this.#options;
    const actual = await listenExclusively(this.#app, LOOPBACK, port);
    if (actual === undefined) {
      this.#app.close();
      throw new TickwireError(
        'PORT_BUSY',
        `port ${port} on ${LOOPBACK} is taken by another program`,
        { port },
      );
    }
    this.#listening = {
      ws: `ws://${LOOPBACK}:${actual}${socketPath(this.#options.wsPaths)}`,
      wsPrivate: `ws://${LOOPBACK}:${actual}${socketPath([...this.#options.wsPrivatePaths, ...this.#options.wsPaths])}`,
      rest: `http://${LOOPBACK}:${actual}`,
    };
    this.#startMarket();
    this.#housekeeping = setInterval(() => this.#onHousekeeping(), HOUSEKEEPING_MS);
    return this.#listening;
  }

  /** Closes every socket and timer; what was answered is stored already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#housekeeping !== null) clearInterval(this.#housekeeping);
    if (this.#marketTimer !== null) clearTimeout(this.#marketTimer);
    if (this.#marketImmediate !== null) clearImmediate(this.#marketImmediate);
    for (const timer of this.#lateAnswers) clearTimeout(timer);
    this.#app.close();
  }

  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  // -------------------------------------------------------------- market

  #startMarket(): void {
    const { market, marketTime, startPositionNs, clock } = this.#options;
    if (market === null) return;
    marketTime.begin(startPositionNs);
    // What has happened before anybody connects happened then: its time stamps are the past.
    const positionNs = marketTime.positionNs;
    const nowNs = clock.nowNs();
    while (market.nextDueNs <= positionNs) {
      const agoNs = Math.round((positionNs - market.nextDueNs) / marketTime.speed);
      this.#playOne(market, nowNs - BigInt(agoNs));
    }
    this.#pump();
  }

  #pump(): void {
    const { market, marketTime, clock } = this.#options;
    if (market === null || this.#isClosed) return;
    if (marketTime.isPaused) {
      this.#marketTimer = setTimeout(() => this.#pump(), HOUSEKEEPING_MS);
      return;
    }
    const lateMs = (marketTime.positionNs - market.nextDueNs) / NS_PER_MS / marketTime.speed;
    if (lateMs > MARKET_LATE_MS_MAX) marketTime.skipMs(lateMs);
    const positionNs = marketTime.positionNs;
    for (let count = 0; count < MARKET_EVENTS_PER_WAKE_MAX; count++) {
      const dueNs = market.nextDueNs;
      if (dueNs > positionNs) {
        const waitMs = marketTime.msUntil(dueNs);
        this.#marketTimer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#playOne(market, clock.nowNs());
    }
    this.#marketImmediate = setImmediate(() => this.#pump());
  }

  #playOne(market: VenueMarket, nowNs: bigint): void {
    const event = market.next();
    if (event === null) return;
    this.#options.simulator.onMarket(event, nowNs);
    this.#settle(nowNs);
  }

  /** Stores what changed, then tells the private channel. */
  #settle(nowNs: bigint): void {
    const changes = this.#store();
    if (changes !== null) this.#options.simulator.publishChanges(changes, nowNs);
  }

  #store(): ExchangeChanges | null {
    const changes = this.#options.exchange.takeChanges();
    if (changes !== null) this.#options.commit(changes);
    return changes;
  }

  #onHousekeeping(): void {
    const { simulator, clock } = this.#options;
    const nowNs = clock.nowNs();
    simulator.onTime(nowNs);
    this.#settle(nowNs);
    for (const fault of this.faults.due(clock.nowMs() - this.#startedMs)) this.#inject(fault);
  }

  // -------------------------------------------------------------- sockets

  #socketBehavior(isPrivate: boolean): uWS.WebSocketBehavior<Client> {
    const { simulator, clock, rawTape, marketTime, wsPaths } = this.#options;
    return {
      maxPayloadLength: CLIENT_FRAME_BYTES_MAX,
      maxBackpressure: CLIENT_BACKLOG_BYTES_MAX,
      idleTimeout: 120,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => {
        response.upgrade<Client>(
          { isPrivate, path: request.getUrl(), query: queryOf(request), connection: null },
          request.getHeader('sec-websocket-key'),
          request.getHeader('sec-websocket-protocol'),
          request.getHeader('sec-websocket-extensions'),
          context,
        );
      },
      open: (socket) => {
        const connection = new ClientConnection(this, socket);
        socket.getUserData().connection = connection;
        this.#connections.add(connection);
        if (isPrivate || rawTape === null) {
          simulator.onOpen(connection, clock.nowNs());
          return;
        }
        // The tape alone speaks to public clients. One that names what it wants in the address (Binance) has asked already.
        const hasAsked =
          connection.query.includes('streams=') || !wsPaths.includes(connection.path);
        if (hasAsked) connection.playRaw(rawTape.frames, marketTime.speed);
      },
      message: (socket, bytes) => {
        const { connection } = socket.getUserData();
        if (connection === null) return;
        const text = Buffer.from(bytes).toString('utf8');
        if (rawTape !== null && !isPrivate) {
          if (/subscribe/i.test(text)) connection.playRaw(rawTape.frames, marketTime.speed);
          return;
        }
        simulator.onMessage(connection, text, clock.nowNs());
      },
      close: (socket) => {
        const { connection } = socket.getUserData();
        if (connection === null) return;
        connection.onClosed();
        this.#connections.delete(connection);
        if (isPrivate || rawTape === null) simulator.onClose(connection);
      },
    };
  }

  #inject(fault: Fault): void {
    this.log.info({ ...fault }, 'fault');
    this.faults.inject(fault, this.nowMs());
    if (fault.fault !== 'disconnect') return;
    for (const connection of [...this.#connections]) {
      const scope = connection.isPrivate ? 'private' : 'public';
      if (fault.scope === 'all' || fault.scope === scope) connection.cut();
    }
  }

  // -------------------------------------------------------------- requests

  #onHttp(response: HttpResponse, request: HttpRequest): void {
    const exchange = new HttpExchange(response, request);
    exchange.readBody(() => {
      if (exchange.path.startsWith('/_sim/')) this.#onControl(exchange);
      else this.#onRequest(exchange);
    });
  }

  #onRequest(exchange: HttpExchange): void {
    const { simulator, clock } = this.#options;
    const nowNs = clock.nowNs();
    const nowMs = clock.nowMs();
    if (this.faults.takeRateLimit(nowMs)) {
      exchange.answer(simulator.rateLimited(nowNs));
      return;
    }
    const recorded =
      exchange.method === 'GET'
        ? this.#options.rawTape?.answer(exchange.path, exchange.query)
        : null;
    const answer =
      typeof recorded === 'string'
        ? { ...jsonAnswer(200, null), body: recorded }
        : simulator.onRequest(exchange, nowNs);
    const changes = this.#store();
    const delayMs = this.faults.takeAnswerDelayMs(nowMs);
    if (this.faults.takeLostAck(answer.topic, nowMs)) {
      exchange.cut();
    } else if (delayMs > 0) {
      const timer = setTimeout(() => {
        this.#lateAnswers.delete(timer);
        exchange.answer(answer);
      }, delayMs);
      this.#lateAnswers.add(timer);
    } else {
      exchange.answer(answer);
    }
    if (changes !== null) simulator.publishChanges(changes, nowNs);
  }

  /** The routes about the simulation itself. Not for browsers: a page of any origin could reach a loopback port. */
  #onControl(exchange: HttpExchange): void {
    const { venue, credentials, simulator } = this.#options;
    const route = `${exchange.method} ${exchange.path}`;
    if (exchange.hasOrigin) {
      exchange.answer(jsonAnswer(403, { error: 'not for browsers' }));
      return;
    }
    switch (route) {
      case 'GET /_sim/endpoints':
        exchange.answer(jsonAnswer(200, { venue, listening: this.#listening }));
        return;
      case 'GET /_sim/credentials':
        exchange.answer(jsonAnswer(200, credentials));
        return;
      case 'GET /_sim/truth':
        exchange.answer(jsonAnswer(200, this.#truth(simulator.truth())));
        return;
      case 'POST /_sim/market':
        this.#onMarketControl(exchange);
        return;
      case 'POST /_sim/fault':
        this.#onFault(exchange);
        return;
      default:
        exchange.answer(jsonAnswer(404, { error: 'no such route' }));
    }
  }

  /** What the venue believes, and its public books. */
  #truth(believed: unknown): Record<string, unknown> {
    const { exchange } = this.#options;
    const books: Record<string, unknown> = {};
    for (const { index, priceScale, sizeScale, symbol } of exchange.instruments) {
      const { bids, asks } = exchange.depth(index, Infinity);
      const text = (level: PriceLevel): readonly [string, string] => [
        formatDecimal(level.priceMantissa, priceScale),
        formatDecimal(level.sizeMantissa, sizeScale),
      ];
      books[symbol] = bookTruth(bids.map(text), asks.map(text));
    }
    return { ...(believed as Record<string, unknown>), books };
  }

  /** All venues of the process stand still, or go on: books can be compared while nothing changes. */
  #onMarketControl(exchange: HttpExchange): void {
    const { isPaused } = (jsonOrNull(exchange.body) ?? {}) as { isPaused?: unknown };
    if (typeof isPaused !== 'boolean') {
      exchange.answer(jsonAnswer(400, { problems: ['isPaused: is not true or false'] }));
      return;
    }
    const { marketTime } = this.#options;
    if (isPaused) marketTime.pause();
    else marketTime.goOn();
    exchange.answer(jsonAnswer(200, { isPaused: marketTime.isPaused }));
  }

  #onFault(exchange: HttpExchange): void {
    const body = jsonOrNull(exchange.body);
    if (body === null) {
      exchange.answer(jsonAnswer(400, { problems: ['the body is not JSON'] }));
      return;
    }
    const fault = parseFault(body);
    if ('fault' in fault) {
      this.#inject(fault);
      exchange.answer(jsonAnswer(200, { injected: fault }));
    } else {
      exchange.answer(jsonAnswer(400, { problems: fault }));
    }
  }
}

/** A book in the words of `normalize --final`: the best levels, and a hash over all of them. */
function bookTruth(
  bids: readonly (readonly [string, string])[],
  asks: readonly (readonly [string, string])[],
): Record<string, unknown> {
  const hash = createHash('sha256');
  for (const [price, size] of bids) hash.update(`b|${price}|${size}\n`);
  for (const [price, size] of asks) hash.update(`a|${price}|${size}\n`);
  return {
    best_bid: bids[0] ?? null,
    best_ask: asks[0] ?? null,
    n_bids: bids.length,
    n_asks: asks.length,
    bids20: bids.slice(0, TRUTH_LEVELS),
    asks20: asks.slice(0, TRUTH_LEVELS),
    sha256: hash.digest('hex'),
  };
}

/** The types promise a text; without a question mark there is none. */
function queryOf(request: HttpRequest): string {
  const query = request.getQuery() as string | undefined;
  return query ?? '';
}

/** `/ws/*` is dialled as `/ws`. */
function socketPath(paths: readonly string[]): string {
  return (paths[0] ?? '').replace(/\/\*$/, '');
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null; // The caller says so to the client.
  }
}

function jsonAnswer(status: number, body: unknown): SimulatorAnswer {
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    headers: {},
    body: JSON.stringify(body),
    topic: 'query',
  };
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
};

/** One request: everything uWS forbids to read later is read in the constructor. */
class HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly authorization: string;
  readonly hasOrigin: boolean;
  body = '';
  readonly #response: HttpResponse;
  #isDone = false;

  constructor(response: HttpResponse, request: HttpRequest) {
    this.#response = response;
    this.method = request.getMethod().toUpperCase();
    this.path = request.getUrl();
    this.query = queryOf(request);
    this.host = request.getHeader('host');
    this.authorization = request.getHeader('authorization');
    this.hasOrigin = request.getHeader('origin') !== '';
    response.onAborted(() => {
      this.#isDone = true;
    });
  }

  readBody(done: () => void): void {
    if (this.method === 'GET') {
      done();
      return;
    }
    const chunks: Buffer[] = [];
    let byteCount = 0;
    this.#response.onData((chunk, isLast) => {
      if (this.#isDone) return;
      byteCount += chunk.byteLength;
      if (byteCount > REQUEST_BYTES_MAX) {
        this.answer(jsonAnswer(413, { error: 'request too large' }), true);
        return;
      }
      // uWS takes the chunk's memory back when this call returns.
      chunks.push(Buffer.from(new Uint8Array(chunk)));
      if (!isLast) return;
      this.body = Buffer.concat(chunks).toString('utf8');
      done();
    });
  }

  answer(answer: SimulatorAnswer, closesConnection = false): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#response.cork(() => {
      this.#response.writeStatus(`${answer.status} ${STATUS_TEXT[answer.status] ?? ''}`);
      this.#response.writeHeader('content-type', answer.contentType);
      for (const [name, value] of Object.entries(answer.headers)) {
        this.#response.writeHeader(name, value);
      }
      this.#response.end(answer.body, closesConnection);
    });
  }

  /** The client never learns what became of its request. */
  cut(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#response.close();
  }
}
