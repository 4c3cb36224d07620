/**
 * live-stream: `/v1/stream`, a WebSocket that tells the latest state of each topic, ten times a second at most. Control
 * thread.
 *
 *   boards, store ──▶ topic text (made once, when it changed) ──▶ every client that has not seen it
 *
 * Conflated: a client that reads slowly skips states and never queues them. Fills alone are told one by one: a client
 * that has caught up has heard each of the last 500. The first message of a client is its key, because a browser cannot
 * set headers on a WebSocket; a client that can may send `Authorization: Bearer` instead.
 */
import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_socket_context_t,
  WebSocket,
} from 'uWebSockets.js';
import { codeIndex, sentenceOf } from '../domain/errors.js';
import type { FillRow, StoreReader } from '../ports/store.js';
import { Counter, type Telemetry } from '../runtime/telemetry.js';
import type { ApiKeyCheck } from './api-key.js';
import type { StateView } from './state-view.js';

export const TOPICS = [
  'status',
  'market',
  'fair',
  'feeds',
  'positions',
  'orders',
  'fills',
  'latency',
] as const;
export type Topic = (typeof TOPICS)[number];

const NS_PER_MS = 1_000_000;
const FRAME_NS = 100 * NS_PER_MS;
const STATUS_NS = 500 * NS_PER_MS;
const LATENCY_NS = 1000 * NS_PER_MS;
const SAMPLE_NS = 250 * NS_PER_MS;
/** Ten minutes of prices for a page that has just been opened. */
const SAMPLES_MAX = 2400;
const CLIENTS_MAX = 32;
const KEY_WAIT_NS = 5000 * NS_PER_MS;
const MESSAGE_BYTES_MAX = 4096;
/** A client that has that much unread is skipped until it has caught up. */
const BUFFERED_BYTES_MAX = 256 * 1024;
const BACKPRESSURE_BYTES_MAX = 4 * 1024 * 1024;
const FILLS_KEPT_MAX = 500;
const FILLS_QUERY_MAX = 500;

/** WebSocket close codes of our own (4000 and up are free). */
export const CLOSE_UNAUTHORIZED = 4401;
export const CLOSE_BAD_MESSAGE = 4400;
export const CLOSE_BUSY = 4429;
export const CLOSE_GOING_AWAY = 1001;

interface Client {
  isAdmitted: boolean;
  openedNs: number;
  topics: ReadonlySet<Topic>;
  /** Last version that was sent, by topic. */
  readonly sent: Map<Topic, number>;
  fillSeq: number;
}

interface TopicText {
  version: number;
  body: string;
}

interface Sample {
  readonly ms: number;
  readonly price: string;
}

export interface LiveStreamOptions {
  readonly view: StateView;
  readonly store: StoreReader;
  readonly telemetry: Telemetry;
  readonly apiKey: ApiKeyCheck;
}

export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #clients = new Set<WebSocket<Client>>();
  readonly #texts = new Map<Topic, TopicText>();
  /** Mid prices by instrument index, fair prices by asset. */
  readonly #mids = new Map<number, Sample[]>();
  readonly #fairs = new Map<string, Sample[]>();
  #frameNs = -FRAME_NS;
  #statusNs = -STATUS_NS;
  #latencyNs = -LATENCY_NS;
  #sampleNs = -SAMPLE_NS;
  /** The last record about an order that the event ring told; orders and fills are asked for until the store has it. */
  #wantedSeq = 1;
  #storedSeq = 0;
  #fills: FillRow[] = [];
  #hasFills = false;
  #isStopping = false;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
  }

  register(app: TemplatedApp): void {
    app.ws<Client>('/v1/stream', {
      maxPayloadLength: MESSAGE_BYTES_MAX,
      maxBackpressure: BACKPRESSURE_BYTES_MAX,
      idleTimeout: 60,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => {
        this.#upgrade(res, req, context);
      },
      open: (ws) => {
        this.#open(ws);
      },
      message: (ws, message) => {
        this.#message(ws, Buffer.from(message).toString('utf8'));
      },
      close: (ws) => {
        this.#clients.delete(ws);
      },
    });
  }

  /** An order or a fill has changed up to this record. */
  onOrderEvent(seq: number): void {
    this.#wantedSeq = Math.max(this.#wantedSeq, seq);
  }

  /** One turn: samples prices, and every 100 ms tells clients what is new. Returns the number of messages. */
  onTime(nowNs: number): number {
    if (this.#isStopping) return 0;
    if (nowNs - this.#sampleNs >= SAMPLE_NS) {
      this.#sampleNs = nowNs;
      this.#sample(nowNs);
    }
    if (nowNs - this.#frameNs < FRAME_NS) return 0;
    this.#frameNs = nowNs;
    this.#closeStrangers(nowNs);
    if (![...this.#clients].some((ws) => ws.getUserData().isAdmitted)) return 0;
    this.#render(nowNs);
    return this.#sendAll();
  }

  /** When clients want the next frame; never without clients. */
  get nextFrameNs(): number {
    return this.#clients.size === 0 ? Number.POSITIVE_INFINITY : this.#frameNs + FRAME_NS;
  }

  /** Tells every client that the engine goes away. */
  stop(): void {
    this.#isStopping = true;
    for (const ws of [...this.#clients]) ws.end(CLOSE_GOING_AWAY, 'the engine is stopping');
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    const header = req.getHeader('authorization');
    const isKnown = header !== '' && this.#options.apiKey.isRightHeader(header);
    if (header !== '' && !isKnown) {
      this.#countRefusal();
      const body = JSON.stringify({
        code: 'API_UNAUTHORIZED',
        message: sentenceOf('API_UNAUTHORIZED'),
      });
      res.cork(() => {
        res.writeStatus('401 Unauthorized').writeHeader('content-type', 'application/json');
        res.writeHeader('www-authenticate', 'Bearer').end(body);
      });
      return;
    }
    res.upgrade<Client>(
      {
        isAdmitted: isKnown,
        openedNs: this.#options.view.nowNs(),
        topics: new Set(TOPICS),
        sent: new Map(),
        fillSeq: 0,
      },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    );
  }

  #open(ws: WebSocket<Client>): void {
    if (this.#clients.size >= CLIENTS_MAX || this.#isStopping) {
      this.#options.telemetry.reject(codeIndex('API_BUSY'));
      ws.end(CLOSE_BUSY, 'API_BUSY');
      return;
    }
    this.#clients.add(ws);
    this.#options.telemetry.add(Counter.streamClients, 1);
    if (ws.getUserData().isAdmitted) this.#welcome(ws);
  }

  /** {"key": "…", "topics": […]}: the key first; topics may be changed later. */
  #message(ws: WebSocket<Client>, text: string): void {
    const client = ws.getUserData();
    const message = parseMessage(text);
    if (message === null) {
      ws.end(CLOSE_BAD_MESSAGE, 'API_BAD_REQUEST');
      return;
    }
    if (message.topics !== undefined) client.topics = message.topics;
    if (client.isAdmitted) return;
    if (message.key === undefined || !this.#options.apiKey.isRight(message.key)) {
      this.#countRefusal();
      ws.end(CLOSE_UNAUTHORIZED, 'API_UNAUTHORIZED');
      return;
    }
    client.isAdmitted = true;
    this.#welcome(ws);
  }

  /** The first thing a client hears: who we are, and the prices so far. */
  #welcome(ws: WebSocket<Client>): void {
    const { view } = this.#options;
    const pairs = (samples: readonly Sample[]): readonly unknown[] =>
      samples.map(({ ms, price }) => [ms, price]);
    const history = {
      mids: [...this.#mids].map(([instrumentIndex, samples]) => ({
        instrumentIndex,
        samples: pairs(samples),
      })),
      fairs: [...this.#fairs].map(([asset, samples]) => ({ asset, samples: pairs(samples) })),
    };
    this.#send(ws, frame('hello', JSON.stringify({ ...view.runInfo, topics: TOPICS })));
    this.#send(ws, frame('history', JSON.stringify(history)));
  }

  #closeStrangers(nowNs: number): void {
    for (const ws of [...this.#clients]) {
      const client = ws.getUserData();
      if (client.isAdmitted || nowNs - client.openedNs < KEY_WAIT_NS) continue;
      this.#countRefusal();
      ws.end(CLOSE_UNAUTHORIZED, 'API_UNAUTHORIZED');
    }
  }

  #countRefusal(): void {
    this.#options.telemetry.add(Counter.apiRefused, 1);
    this.#options.telemetry.reject(codeIndex('API_UNAUTHORIZED'));
  }

  #sample(nowNs: number): void {
    const { view } = this.#options;
    const ms = view.epochMs(nowNs);
    for (const market of view.markets(nowNs)) {
      // A stale book has no price of its own: the line gets a hole instead of a lie.
      if (market.mid === null || market.isStale) continue;
      keep(this.#mids, market.instrumentIndex, { ms, price: market.mid });
    }
    for (const { asset, price } of view.fairs(nowNs)) {
      if (price !== null) keep(this.#fairs, asset, { ms, price });
    }
  }

  #render(nowNs: number): void {
    const { view } = this.#options;
    this.#set('market', view.markets(nowNs));
    this.#set('fair', view.fairs(nowNs));
    this.#set('feeds', view.feeds.feeds());
    this.#set('positions', { positions: view.positions(nowNs), portfolio: view.portfolio(nowNs) });
    if (nowNs - this.#statusNs >= STATUS_NS) {
      this.#statusNs = nowNs;
      this.#set('status', withoutBulk(view.status(nowNs)));
    }
    if (nowNs - this.#latencyNs >= LATENCY_NS) {
      this.#latencyNs = nowNs;
      this.#set('latency', view.telemetryView.latenciesUs());
    }
    if (this.#wantedSeq > this.#storedSeq) this.#renderStored();
  }

  /** Orders and fills come from the journal, which is some milliseconds behind the ring: asked again until it is there. */
  #renderStored(): void {
    const { store, telemetry } = this.#options;
    try {
      const storedSeq = store.lastSeq();
      this.#set('orders', store.openOrders());
      const news = store
        .fills({ limit: FILLS_QUERY_MAX, afterSeq: this.#fills.at(-1)?.fillSeq ?? 0 })
        .toReversed();
      if (news.length > 0 || !this.#hasFills) {
        this.#hasFills = true;
        this.#fills = [...this.#fills, ...news].slice(-FILLS_KEPT_MAX);
      }
      this.#storedSeq = storedSeq;
    } catch {
      // The next frame asks again; the count says how often.
      telemetry.reject(codeIndex('JOURNAL_FAILED'));
    }
  }

  #set(topic: Topic, value: unknown): void {
    const body = JSON.stringify(value);
    const text = this.#texts.get(topic);
    if (text === undefined) this.#texts.set(topic, { version: 1, body });
    else if (text.body !== body) {
      text.version++;
      text.body = body;
    }
  }

  #sendAll(): number {
    let count = 0;
    for (const ws of this.#clients) {
      const client = ws.getUserData();
      if (!client.isAdmitted || ws.getBufferedAmount() > BUFFERED_BYTES_MAX) continue;
      ws.cork(() => {
        for (const [topic, text] of this.#texts) {
          if (!client.topics.has(topic) || client.sent.get(topic) === text.version) continue;
          client.sent.set(topic, text.version);
          this.#send(ws, frame(topic, text.body));
          count++;
        }
        count += this.#sendFills(ws, client);
      });
    }
    return count;
  }

  #sendFills(ws: WebSocket<Client>, client: Client): number {
    if (!client.topics.has('fills') || !this.#hasFills) return 0;
    const news = this.#fills.filter((fill) => fill.fillSeq > client.fillSeq);
    const isFirst = !client.sent.has('fills');
    if (news.length === 0 && !isFirst) return 0;
    client.sent.set('fills', 1);
    client.fillSeq = news.at(-1)?.fillSeq ?? client.fillSeq;
    this.#send(ws, frame('fills', JSON.stringify(news)));
    return 1;
  }

  #send(ws: WebSocket<Client>, text: string): void {
    ws.send(text);
    this.#options.telemetry.add(Counter.streamMessages, 1);
  }
}

function frame(topic: string, body: string): string {
  return `{"topic":"${topic}","data":${body}}`;
}

function keep<Key>(series: Map<Key, Sample[]>, key: Key, sample: Sample): void {
  let samples = series.get(key);
  if (samples === undefined) series.set(key, (samples = []));
  samples.push(sample);
  if (samples.length > SAMPLES_MAX) samples.shift();
}

/** What has a topic of its own. */
function withoutBulk(status: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { markets: _markets, fair: _fair, feeds: _feeds, latencyUs: _latencyUs, ...rest } = status;
  return rest;
}

interface ClientMessage {
  readonly key?: string;
  readonly topics?: ReadonlySet<Topic>;
}

function parseMessage(text: string): ClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the caller closes the connection with a code.
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { key, topics } = value as { readonly key?: unknown; readonly topics?: unknown };
  if (key !== undefined && typeof key !== 'string') return null;
  if (topics === undefined) return key === undefined ? null : { key };
  if (!Array.isArray(topics) || !topics.every(isTopic)) return null;
  return { ...(key === undefined ? {} : { key }), topics: new Set(topics) };
}

function isTopic(value: unknown): value is Topic {
  return TOPICS.some((topic) => topic === value);
}
