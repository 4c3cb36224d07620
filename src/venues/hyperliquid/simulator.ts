/**
 * HyperliquidSimulator: Hyperliquid from the venue's side: the public WebSocket and POST /info. POST /exchange refuses every
 * order, as the venue refuses those of an address that it does not know. Deterministic: frames, requests, market events and
 * times come in; texts go out. Runs in the simulator's process, driven by sim/venue-server.ts.
 *
 *   onMarket ──▶ exchange
 *   onTime ────▶ trades and bbo of the block that is over; l2Book, whole, twice a second; activeAssetCtx once a second
 *
 * Invariant: a book message is the best 20 levels a side of the exchange's book at its time.
 * Sources: captures of 2024 to 2026 (shapes, order of members, spellings), hyperliquid.gitbook.io; what is assumed where
 * they are silent stands in docs/venues/hyperliquid.md.
 */
import { must } from '../../domain/assert.js';
import type { Instrument } from '../../domain/instrument.js';
import type {
  MarketEvent,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorPorts,
  SimulatorRequest,
  VenueSimulator,
} from '../simulator-port.js';
import { formatDecimal } from '../simulator-text.js';
import { PRICE_DIGITS_MAX } from './endpoints.js';
import {
  bookText,
  contextJson,
  levelText,
  metaJson,
  millisecondsOf,
  simulatedInstruments,
  spotMetaJson,
  tradeJson,
  wireText,
  type PublicTrade,
} from './simulator-coins.js';

const NS_PER_SEC = 1_000_000_000n;
const LEVELS_MAX = 20;
/** A block that is at least half a second behind the last push (hyperliquid.gitbook.io, Subscriptions). */
const BOOK_NS = 500_000_000n;
const CONTEXT_NS = NS_PER_SEC;
/** A connection to which nothing was sent for so long is closed. */
const IDLE_NS = 60n * NS_PER_SEC;
const RECENT_TRADES_MAX = 100;
/** Trades of the first message (captures: 30). */
const FIRST_TRADES = 30;
const CLOSE_IDLE = 1000;
const FUNDING_TEXT = '0.0000125';
const COIN_CHANNELS: readonly string[] = ['l2Book', 'trades', 'bbo', 'activeAssetCtx', 'candle'];

type Fields = Readonly<Record<string, unknown>>;

interface Session {
  readonly connection: SimulatorConnection;
  /** By channel and coin. */
  readonly subscriptions: Set<string>;
  sentNs: bigint;
}

/** One coin as it is played. */
interface Coin {
  readonly instrument: Instrument;
  /** Newest first. */
  readonly trades: PublicTrade[];
  /** Not told yet; oldest first. */
  readonly waiting: PublicTrade[];
  volumeMantissa: bigint;
  /** The best prices that bbo has told last. */
  topText: string;
  bookNs: bigint;
}

export class HyperliquidSimulator implements VenueSimulator {
  readonly #ports: SimulatorPorts;
  readonly #sessions = new Map<SimulatorConnection, Session>();
  readonly #coins: readonly Coin[];
  #contextNs = 0n;

  constructor(ports: SimulatorPorts) {
    this.#ports = ports;
    this.#coins = ports.exchange.instruments.map((instrument) => ({
      instrument,
      trades: [],
      waiting: [],
      volumeMantissa: 0n,
      topText: '',
      bookNs: 0n,
    }));
  }

  // -------------------------------------------------------------- sockets

  onOpen(connection: SimulatorConnection, nowNs: bigint): void {
    this.#sessions.set(connection, { connection, subscriptions: new Set(), sentNs: nowNs });
  }

  onClose(connection: SimulatorConnection): void {
    this.#sessions.delete(connection);
  }

  onMessage(connection: SimulatorConnection, text: string, nowNs: bigint): void {
    const session = must(this.#sessions.get(connection), 'session of connection');
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = null;
    }
    const { method, subscription, id, request } = (message ?? {}) as Fields;
    if (method === 'ping') {
      this.#send(session, '{"channel":"pong"}', 'pong', nowNs);
    } else if (method === 'post' && typeof id === 'number' && isFields(request)) {
      this.#post(session, id, request, nowNs);
    } else if ((method === 'subscribe' || method === 'unsubscribe') && isFields(subscription)) {
      this.#onSubscription(session, method, subscription, nowNs);
    } else {
      const words = `Error parsing JSON into valid websocket request: ${text.slice(0, 200)}`;
      this.#sendError(session, words, nowNs);
    }
  }

  #onSubscription(session: Session, method: string, wanted: Fields, nowNs: bigint): void {
    const type = String(wanted['type']);
    const coin = this.#coinOf(wanted['coin']);
    const full = withDefaults(wanted);
    const isAll = type === 'allMids';
    if (!isAll && (coin === undefined || !COIN_CHANNELS.includes(type))) {
      this.#sendError(session, `Invalid subscription ${JSON.stringify(full)}`, nowNs);
      return;
    }
    const key = isAll ? type : `${type} ${String(wanted['coin'])}`;
    const isThere = session.subscriptions.has(key);
    if (isThere === (method === 'subscribe')) {
      const word = isThere ? 'subscribed' : 'unsubscribed';
      this.#sendError(session, `Already ${word}: ${JSON.stringify(full)}`, nowNs);
      return;
    }
    if (isThere) session.subscriptions.delete(key);
    else session.subscriptions.add(key);
    const data = { method, subscription: full };
    const answer = JSON.stringify({ channel: 'subscriptionResponse', data });
    this.#send(session, answer, 'subscriptionResponse', nowNs);
    if (isThere) return;
    const first = isAll ? this.#midsText() : this.#firstText(type, must(coin, 'coin'), nowNs);
    if (first !== null) this.#send(session, first, type, nowNs);
  }

  #firstText(type: string, coin: Coin, nowNs: bigint): string | null {
    switch (type) {
      case 'l2Book':
        return this.#bookText(coin, nowNs);
      case 'trades':
        return tradesText(coin.instrument, coin.trades.slice(0, FIRST_TRADES).reverse());
      case 'bbo':
        return this.#bboText(coin, nowNs);
      case 'activeAssetCtx':
        return this.#contextText(coin);
      default:
        return null;
    }
  }

  #sendError(session: Session, words: string, nowNs: bigint): void {
    this.#send(session, JSON.stringify({ channel: 'error', data: words }), 'error', nowNs);
  }

  #send(session: Session, text: string, topic: string, nowNs: bigint): void {
    session.sentNs = nowNs;
    session.connection.send(text, topic);
  }

  #publish(type: string, coin: Coin, text: () => string, nowNs: bigint): void {
    const key = `${type} ${coin.instrument.venueSymbol}`;
    const subscribers = [...this.#sessions.values()].filter(({ subscriptions }) =>
      subscriptions.has(key),
    );
    if (subscribers.length === 0) return;
    const said = text();
    for (const session of subscribers) this.#send(session, said, type, nowNs);
  }

  // -------------------------------------------------------------- market

  onMarket(event: MarketEvent, nowNs: bigint): void {
    this.#ports.exchange.apply(event, nowNs);
    if (event.kind !== 'trade') return;
    const coin = must(this.#coins[event.instrumentIndex], 'coin of event');
    const { priceMantissa, sizeMantissa, takerSide } = event;
    const tradeId = this.#ports.nextTradeId();
    coin.waiting.push({ tradeId, priceMantissa, sizeMantissa, takerSide, timeNs: nowNs });
    coin.volumeMantissa += BigInt(priceMantissa) * BigInt(sizeMantissa);
  }

  onTime(nowNs: bigint): void {
    this.#ports.exchange.expire(nowNs);
    for (const coin of this.#coins) {
      this.#tellTrades(coin, nowNs);
      this.#tellTop(coin, nowNs);
      if (nowNs - coin.bookNs < BOOK_NS) continue;
      coin.bookNs = nowNs;
      this.#publish('l2Book', coin, () => this.#bookText(coin, nowNs), nowNs);
    }
    if (nowNs - this.#contextNs >= CONTEXT_NS) this.#tellContexts(nowNs);
    for (const session of [...this.#sessions.values()]) {
      if (nowNs - session.sentNs > IDLE_NS) session.connection.close(CLOSE_IDLE, 'Inactive');
    }
  }

  /** The trades of a block, oldest first (captures). */
  #tellTrades(coin: Coin, nowNs: bigint): void {
    const trades = coin.waiting.splice(0);
    if (trades.length === 0) return;
    coin.trades.unshift(...[...trades].reverse());
    coin.trades.splice(RECENT_TRADES_MAX);
    this.#publish('trades', coin, () => tradesText(coin.instrument, trades), nowNs);
  }

  #tellTop(coin: Coin, nowNs: bigint): void {
    const top = JSON.stringify(this.#ports.exchange.best(coin.instrument.index));
    if (top === coin.topText) return;
    coin.topText = top;
    this.#publish('bbo', coin, () => this.#bboText(coin, nowNs), nowNs);
  }

  #tellContexts(nowNs: bigint): void {
    this.#contextNs = nowNs;
    for (const coin of this.#coins) {
      this.#publish('activeAssetCtx', coin, () => this.#contextText(coin), nowNs);
    }
    for (const session of this.#sessions.values()) {
      if (!session.subscriptions.has('allMids')) continue;
      this.#send(session, this.#midsText(), 'allMids', nowNs);
    }
  }

  #bookData(coin: Coin, nowNs: bigint): string {
    const { bids, asks } = this.#ports.exchange.depth(coin.instrument.index, LEVELS_MAX);
    return bookText(coin.instrument, bids, asks, nowNs);
  }

  #bookText(coin: Coin, nowNs: bigint): string {
    return `{"channel":"l2Book","data":${this.#bookData(coin, nowNs)}}`;
  }

  #bboText({ instrument }: Coin, nowNs: bigint): string {
    const { bid, ask } = this.#ports.exchange.best(instrument.index);
    const sides = [bid, ask].map((level) =>
      level === null ? 'null' : levelText(instrument, level),
    );
    const time = millisecondsOf(nowNs);
    return `{"channel":"bbo","data":{"coin":"${instrument.venueSymbol}","time":${time},"bbo":[${sides.join(',')}]}}`;
  }

  #contextText(coin: Coin): string {
    const data = { coin: coin.instrument.venueSymbol, ctx: this.#context(coin) };
    return JSON.stringify({ channel: 'activeAssetCtx', data });
  }

  #context({ instrument, volumeMantissa }: Coin): Record<string, unknown> {
    const best = this.#ports.exchange.best(instrument.index);
    return contextJson(instrument, best, volumeMantissa, FUNDING_TEXT);
  }

  #midsText(): string {
    return JSON.stringify({ channel: 'allMids', data: { mids: this.#mids() } });
  }

  #mids(): Record<string, string> {
    const mids: Record<string, string> = {};
    for (const { instrument } of this.#coins) {
      const { bid, ask } = this.#ports.exchange.best(instrument.index);
      if (bid === null || ask === null) continue;
      const tenthMid = (bid.priceMantissa + ask.priceMantissa) * 5;
      mids[instrument.venueSymbol] = wireText(tenthMid, instrument.priceScale + 1);
    }
    return mids;
  }

  #coinOf(name: unknown): Coin | undefined {
    return this.#coins.find(({ instrument }) => instrument.venueSymbol === name);
  }

  // -------------------------------------------------------------- questions

  /** A question over the socket. */
  #post(session: Session, id: number, request: Fields, nowNs: bigint): void {
    const { type, payload } = request;
    let response: unknown;
    if (type === 'info' && isFields(payload)) {
      const data = this.#info(payload, nowNs);
      response =
        data === undefined
          ? { type: 'error', payload: '422 Unprocessable Entity' }
          : { type, payload: { type: payload['type'], data } };
    } else if (type === 'action') {
      response = { type, payload: refusal() };
    } else {
      response = { type: 'error', payload: '400 Bad Request' };
    }
    const text = JSON.stringify({ channel: 'post', data: { id, response } });
    this.#send(session, text, 'post', nowNs);
  }

  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    if (request.method !== 'POST') return textAnswer(405, '');
    let body: unknown;
    try {
      body = JSON.parse(request.body);
    } catch {
      body = null;
    }
    if (!isFields(body)) return deserializeError();
    if (request.path === '/exchange') {
      const answer = jsonAnswer(refusal());
      return { ...answer, topic: topicOf(body) };
    }
    if (request.path !== '/info') return textAnswer(404, '');
    const answer = this.#info(body, nowNs);
    return answer === undefined ? deserializeError() : jsonAnswer(answer);
  }

  /** The answer to a question; undefined: no such question. */
  #info(question: Fields, nowNs: bigint): unknown {
    const coin = this.#coinOf(question['coin']);
    const contexts = (): unknown[] => this.#coins.map((one) => this.#context(one));
    switch (question['type']) {
      case 'meta':
        return metaJson();
      case 'spotMeta':
        return spotMetaJson();
      case 'metaAndAssetCtxs':
        return [metaJson(), contexts()];
      case 'spotMetaAndAssetCtxs':
        return [spotMetaJson(), []];
      case 'perpDexs':
        return [null];
      case 'allMids':
        return this.#mids();
      case 'l2Book':
        return coin === undefined ? null : JSON.parse(this.#bookData(coin, nowNs));
      case 'recentTrades':
        return coin === undefined
          ? null
          : coin.trades.map((trade) => tradeJson(coin.instrument, trade));
      case 'candleSnapshot':
      case 'fundingHistory':
      case 'openOrders':
      case 'frontendOpenOrders':
      case 'historicalOrders':
      case 'userFills':
      case 'userFillsByTime':
        return [];
      case 'exchangeStatus':
        return { time: millisecondsOf(nowNs), specialStatuses: null };
      default:
        return undefined;
    }
  }

  rateLimited(): SimulatorAnswer {
    return { ...jsonAnswer(null), status: 429 };
  }

  /** Nobody trades here: no change can have happened. */
  publishChanges(): void {
    // Orders are refused.
  }

  truth(): unknown {
    const { exchange } = this.#ports;
    const accounts: Record<string, unknown> = {};
    for (const account of exchange.accounts()) {
      const text = (mantissa: bigint): string => formatDecimal(mantissa, account.scale);
      accounts[account.currency] = {
        total: text(account.totalMantissa),
        available: text(account.totalMantissa - account.holdMantissa),
        hold: text(account.holdMantissa),
      };
    }
    return { accounts, orders: [], fills: [], positions: [], openOrders: 0, fillCount: 0 };
  }
}

/** Hyperliquid for sim/simulators.ts. There is one socket for everything, and nothing private on it. */
export const SIMULATOR: SimulatorDefinition = {
  venue: 'hyperliquid',
  wsPaths: ['/ws'],
  wsPrivatePaths: [],
  instruments: simulatedInstruments(),
  priceDigitsMax: PRICE_DIGITS_MAX,
  create: (ports) => new HyperliquidSimulator(ports),
};

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As the venue echoes a subscription: what was not said stands there as null. */
function withDefaults(wanted: Fields): Fields {
  const { type, coin } = wanted;
  if (type !== 'l2Book') return wanted;
  return { type, coin, nSigFigs: wanted['nSigFigs'] ?? null, mantissa: wanted['mantissa'] ?? null };
}

function tradesText(instrument: Instrument, trades: readonly PublicTrade[]): string {
  const data = trades.map((trade) => tradeJson(instrument, trade));
  return JSON.stringify({ channel: 'trades', data });
}

/** A signature of somebody whom the venue does not know. */
function refusal(): unknown {
  const address = `0x${'0'.repeat(40)}`;
  return { status: 'err', response: `User or API Wallet ${address} does not exist.` };
}

function topicOf({ action }: Fields): SimulatorAnswer['topic'] {
  const type = isFields(action) ? String(action['type']) : '';
  if (type === 'order' || type.includes('odify')) return 'place';
  return type.startsWith('cancel') ? 'cancel' : 'query';
}

function jsonAnswer(body: unknown): SimulatorAnswer {
  return {
    status: 200,
    contentType: 'application/json',
    headers: {},
    body: JSON.stringify(body),
    topic: 'query',
  };
}

function textAnswer(status: number, body: string): SimulatorAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', headers: {}, body, topic: 'query' };
}

function deserializeError(): SimulatorAnswer {
  return textAnswer(422, 'Failed to deserialize the JSON body into the target type');
}
