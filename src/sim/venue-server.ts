/**
 * VenueServer: a venue simulator behind real loopback sockets (uWebSockets.js). It owns what the simulator may not
 * have: sockets, timers, the wall clock, the order of storing and telling.
 *
 *   market source ──(timer)──▶ simulator ──▶ exchange
 *   sockets, requests ───────▶     │            │ changes
 *   clients ◀── faults ◀───────────┘            ▼
 *                                   store ──▶ answer ──▶ private channel
 *
 * One process, one thread. Invariant: a change is stored before it is answered, and answered before it is pushed.
 *
 * Limits: a request body of 1 MiB (413), a client frame of 64 KiB (closed), a client that does not read: 32 MiB
 * (dropped), 20,000 market events a wake-up (then other work gets its turn).
 */
import uWS from 'uWebSockets.js';
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from 'uWebSockets.js';
import { TickwireError } from '../domain/errors.js';
import { listenExclusively } from '../runtime/listen.js';
import type {
  ExchangeChanges,
  SimulatorAnswer,
  SimulatorConnection,
  VenueSimulator,
} from '../venues/simulator-port.js';
import { FaultPlan, parseFault, type Fault } from './fault-plan.js';
import type { MarketSource } from './market-source.js';
import type { RawFrame } from './recording-file.js';
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
const LOOPBACK = '127.0.0.1';
const NS_PER_MS = 1e6;

/** Where clients connect. */
export interface Listening {
  readonly ws: string;
  readonly wsPrivate: string;
  readonly rest: string;
}

/** What of a store the server uses; `commit` returns when the changes are safe. */
export interface ChangeSource {
  takeChanges(): ExchangeChanges | null;
}

export interface VenueServerOptions {
  readonly venue: string;
  /** 0: any free one. */
  readonly port: number;
  readonly simulator: VenueSimulator;
  readonly exchange: ChangeSource;
  readonly commit: (changes: ExchangeChanges) => void;
  readonly credentials: VenueCredentials;
  readonly faults: FaultPlan;
  /** The market; null when `rawFrames` are played instead. */
  readonly market: MarketSource | null;
  /** Played to each public client after its first subscribe, byte for byte. */
  readonly rawFrames: readonly RawFrame[] | null;
  readonly speed: number;
  /** Trades of the recording that have happened already when the venue opens (their time is the past). */
  readonly warmUpTrades: number;
  readonly clock: VenueClock;
  readonly log: VenueLog;
}

/** The venue's clock: epoch nanoseconds, never backwards. */
export interface VenueClock {
  nowNs(): bigint;
  /** Monotonic milliseconds, for scheduling. */
  nowMs(): number;
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
  /** Time at which the market stood at position 0. */
  #marketZeroMs = 0;
  #isClosed = false;

  constructor(options: VenueServerOptions) {
    this.#options = options;
    this.faults = options.faults;
    this.log = options.log;
    this.#startedMs = options.clock.nowMs();
    this.#app = uWS
      .App()
      .ws<Client>('/ws', this.#socketBehavior(false))
      .ws<Client>('/ws-user', this.#socketBehavior(true))
      .any('/*', (response, request) => this.#onHttp(response, request));
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
      ws: `ws://${LOOPBACK}:${actual}/ws`,
      wsPrivate: `ws://${LOOPBACK}:${actual}/ws-user`,
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
    const { market, warmUpTrades, clock, speed } = this.#options;
    if (market === null) return;
    this.#marketZeroMs = clock.nowMs();
    this.#playOne(market, clock.nowNs());
    if (warmUpTrades > 0) this.#warmUp(market, warmUpTrades);
    this.#marketZeroMs = clock.nowMs() - market.nextDueNs / NS_PER_MS / speed;
    this.#pump();
  }

  /** The first trades have happened before anybody connects, so that the snapshot of recent trades is not empty. */
  #warmUp(market: MarketSource, tradeCount: number): void {
    const { speed, clock, simulator } = this.#options;
    const endNs = market.periodNs / 10;
    const events: { readonly dueNs: number; readonly event: ReturnType<MarketSource['next']> }[] =
      [];
    let trades = 0;
    while (trades < tradeCount && market.nextDueNs < endNs && market.loopCount === 0) {
      const dueNs = market.nextDueNs;
      const event = market.next();
      if (event.kind === 'trade') trades++;
      events.push({ dueNs, event });
    }
    const nowNs = clock.nowNs();
    const lastNs = events.at(-1)?.dueNs ?? 0;
    for (const { dueNs, event } of events) {
      simulator.onMarket(event, nowNs - BigInt(Math.round((lastNs - dueNs) / speed)));
      this.#settle(nowNs);
    }
  }

  #pump(): void {
    const { market, speed, clock } = this.#options;
    if (market === null || this.#isClosed) return;
    let positionNs = (clock.nowMs() - this.#marketZeroMs) * NS_PER_MS * speed;
    const lateMs = (positionNs - market.nextDueNs) / NS_PER_MS / speed;
    if (lateMs > MARKET_LATE_MS_MAX) {
      this.#marketZeroMs += lateMs;
      positionNs = market.nextDueNs;
    }
    for (let count = 0; count < MARKET_EVENTS_PER_WAKE_MAX; count++) {
      if (market.nextDueNs > positionNs) {
        const waitMs = (market.nextDueNs - positionNs) / NS_PER_MS / speed;
        this.#marketTimer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        return;
      }
      this.#playOne(market, clock.nowNs());
    }
    this.#marketImmediate = setImmediate(() => this.#pump());
  }

  #playOne(market: MarketSource, nowNs: bigint): void {
    this.#options.simulator.onMarket(market.next(), nowNs);
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
    const { simulator, clock, rawFrames, speed } = this.#options;
    return {
      maxPayloadLength: CLIENT_FRAME_BYTES_MAX,
      maxBackpressure: CLIENT_BACKLOG_BYTES_MAX,
      idleTimeout: 120,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => {
        response.upgrade<Client>(
          { isPrivate, path: request.getUrl(), query: request.getQuery(), connection: null },
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
        simulator.onOpen(connection, clock.nowNs());
      },
      message: (socket, bytes) => {
        const { connection } = socket.getUserData();
        if (connection === null) return;
        const text = Buffer.from(bytes).toString('utf8');
        if (rawFrames !== null && !isPrivate) {
          if (text.includes('subscribe')) connection.playRaw(rawFrames, speed);
          return;
        }
        simulator.onMessage(connection, text, clock.nowNs());
      },
      close: (socket) => {
        const { connection } = socket.getUserData();
        if (connection === null) return;
        connection.onClosed();
        this.#connections.delete(connection);
        simulator.onClose(connection);
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
    const answer = simulator.onRequest(exchange, nowNs);
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
        exchange.answer(jsonAnswer(200, simulator.truth()));
        return;
      case 'POST /_sim/fault':
        this.#onFault(exchange);
        return;
      default:
        exchange.answer(jsonAnswer(404, { error: 'no such route' }));
    }
  }

  #onFault(exchange: HttpExchange): void {
    let body: unknown;
    try {
      body = JSON.parse(exchange.body);
    } catch {
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
    this.query = request.getQuery();
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
