/**
 * CoinbaseSimulator: Coinbase Advanced Trade from the venue's side: market data and user WebSockets, REST under
 * /api/v3/brokerage. Deterministic: frames, requests, market events and times come in; texts go out.
 * Runs in the simulator's process, driven by sim/venue-server.ts; matching, keys and storage are behind ports.
 *
 *   onMarket ──▶ exchange ──▶ l2_data, market_trades, ticker ──▶ sessions that subscribed
 *   onTime ────▶ heartbeats every second, candles and ticker_batch every five
 *   onRequest ─▶ exchange ──▶ answer;  publishChanges ──▶ channel `user` (after the changes were stored)
 *
 * Invariant: `sequence_num` counts every frame of a connection, whatever its channel, from 0.
 * Sources: captures of 2026-08 (envelopes, spellings, order of frames), the venue's documentation and official client
 * (REST); what is assumed where they are silent stands in docs/simulation.md.
 */
import { assert, must } from '../../domain/assert.js';
import { moneyScale, type Instrument } from '../../domain/instrument.js';
import type {
  ExchangeChanges,
  ExchangeFill,
  ExchangeOrder,
  MarketEvent,
  PriceLevel,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorPorts,
  SimulatorRequest,
  VenueSimulator,
} from '../simulator-port.js';
import { formatDecimal, formatGoTime, formatTime, parseTime } from '../simulator-text.js';
import { ProductMarket, RECENT_TRADES_MAX } from './simulator-market.js';
import {
  IdKind,
  accountJson,
  errorOfReject,
  fillJson,
  idNumber,
  idText,
  isRecord,
  orderError,
  orderJson,
  parseOrder,
  sideWord,
  statusWord,
  userOrderJson,
  type OrderError,
} from './simulator-orders.js';
import {
  canonicalProductId,
  productJson,
  simulatedInstruments,
  type ProductState,
} from './simulator-products.js';

const API = '/api/v3/brokerage';
/** The first subscribe must come within 5 s of connecting (public adapters, 2026). */
const SUBSCRIBE_DEADLINE_NS = 5_000_000_000n;
const NS_PER_SEC = 1_000_000_000n;
/** Orders per batch_cancel (documentation, 2026). */
const CANCEL_BATCH_MAX = 100;
/** Entries per page of orders and fills; the venue's own maximum is not documented. */
const PAGE_ENTRIES_MAX = 1000;
const FILLS_PAGE_DEFAULT = 100;
const CLOSE_POLICY_VIOLATION = 1008;

/** Channels that speak every five seconds when there was a trade (ticker_batch: documentation; candles: capture). */
const BATCH_NS = 5n * NS_PER_SEC;
/** level2 products of one connection: 16 worked, 32 were refused (JKorf/Coinbase.Net issue 19). */
const LEVEL2_PRODUCTS_MAX = 16;

const MARKET_CHANNELS: readonly string[] = [
  'level2',
  'market_trades',
  'ticker',
  'ticker_batch',
  'candles',
  'status',
];
/** Channels that exist at the venue and are not simulated. */
const OTHER_CHANNELS: readonly string[] = ['futures_balance_summary'];

interface Session {
  readonly connection: SimulatorConnection;
  readonly openedNs: bigint;
  /** Products by channel; a channel without products (heartbeats, user) has an entry of its own. */
  readonly subscriptions: Map<string, Set<string>>;
  sequenceNum: number;
  hasSubscribed: boolean;
}

export class CoinbaseSimulator implements VenueSimulator {
  readonly #ports: SimulatorPorts;
  readonly #sessions = new Map<SimulatorConnection, Session>();
  readonly #markets: readonly ProductMarket[];
  readonly #level2ProductsMax: number;
  #heartbeatCounter = 0n;
  #batchCounter = 0n;

  constructor(ports: SimulatorPorts, level2ProductsMax = LEVEL2_PRODUCTS_MAX) {
    this.#ports = ports;
    this.#level2ProductsMax = level2ProductsMax;
    this.#markets = ports.exchange.instruments.map((instrument) => new ProductMarket(instrument));
  }

  // -------------------------------------------------------------- sockets

  onOpen(connection: SimulatorConnection, nowNs: bigint): void {
    this.#sessions.set(connection, {
      connection,
      openedNs: nowNs,
      subscriptions: new Map(),
      sequenceNum: 0,
      hasSubscribed: false,
    });
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
      this.#sendError(session, 'invalid json');
      return;
    }
    if (!isRecord(message)) {
      this.#sendError(session, 'invalid message');
      return;
    }
    const isSubscribe = message['type'] === 'subscribe';
    if (!isSubscribe && message['type'] !== 'unsubscribe') {
      this.#sendError(session, 'invalid type');
      return;
    }
    const channel = message['channel'];
    const problem = this.#channelProblem(session, channel, message['jwt'], nowNs);
    if (problem !== null || typeof channel !== 'string') {
      this.#sendError(session, problem ?? 'failure to subscribe');
      return;
    }
    const products = this.#productsOf(channel, message['product_ids']);
    if (products === null) {
      this.#sendError(session, 'failure to subscribe');
      return;
    }
    if (isSubscribe) {
      if (this.#isOverLimit(session, channel, products)) {
        this.#sendError(session, 'too many L2 streams requested in a single session');
      } else {
        this.#subscribe(session, channel, products, nowNs);
      }
    } else {
      this.#unsubscribe(session, channel, products, nowNs);
    }
  }

  /** The whole request is refused, what is subscribed already stays. */
  #isOverLimit(session: Session, channel: string, products: readonly string[]): boolean {
    if (channel !== 'level2') return false;
    const all = new Set([...(session.subscriptions.get(channel) ?? []), ...products]);
    return all.size > this.#level2ProductsMax;
  }

  /** Null when the channel may be had here with this token; else the venue's words. */
  #channelProblem(
    session: Session,
    channel: unknown,
    token: unknown,
    nowNs: bigint,
  ): string | null {
    if (typeof channel !== 'string') return 'failure to subscribe';
    const isMarket = MARKET_CHANNELS.includes(channel);
    if (OTHER_CHANNELS.includes(channel)) return 'failure to subscribe';
    // Seen live: an unknown channel name is an "authentication failure".
    if (!isMarket && channel !== 'heartbeats' && channel !== 'user')
      return 'authentication failure';
    if (isMarket && session.connection.isPrivate) return 'failure to subscribe';
    const hasToken = typeof token === 'string' && token !== '';
    if (!hasToken) return channel === 'user' ? 'authentication failure' : null;
    return this.#ports.verifier.verify(token, [], nowNs) === null ? null : 'authentication failure';
  }

  /** The products meant, spelled canonically; null when one is unknown or none is named where one is needed. */
  #productsOf(channel: string, value: unknown): readonly string[] | null {
    if (channel === 'heartbeats') return ['heartbeats'];
    if (channel === 'user') return [idText(this.#ports.idSalt, IdKind.User, 1)];
    if (!Array.isArray(value) || value.length === 0) return null;
    const products: string[] = [];
    for (const entry of value) {
      if (typeof entry !== 'string') return null;
      const productId = canonicalProductId(entry);
      if (this.#instrumentOf(productId) === undefined) return null;
      if (!products.includes(productId)) products.push(productId);
    }
    return products;
  }

  #subscribe(session: Session, channel: string, products: readonly string[], nowNs: bigint): void {
    session.hasSubscribed = true;
    const known = session.subscriptions.get(channel) ?? new Set<string>();
    for (const product of products) known.add(product);
    session.subscriptions.set(channel, known);
    // Snapshots come first, then the acknowledgement (capture of 2026-08).
    if (channel === 'user') {
      this.#send(session, 'user', this.#userSnapshot(), nowNs);
    } else if (channel !== 'heartbeats') {
      for (const product of products) {
        const instrument = must(this.#instrumentOf(product), 'instrument of product');
        this.#sendSnapshot(session, channel, instrument, nowNs);
      }
    }
    this.#sendSubscriptions(session, nowNs);
  }

  #unsubscribe(
    session: Session,
    channel: string,
    products: readonly string[],
    nowNs: bigint,
  ): void {
    const known = session.subscriptions.get(channel);
    for (const product of products) known?.delete(product);
    if (known?.size === 0) session.subscriptions.delete(channel);
    this.#sendSubscriptions(session, nowNs);
  }

  #sendSubscriptions(session: Session, nowNs: bigint): void {
    const entries = [...session.subscriptions].sort(([a], [b]) => (a < b ? -1 : 1));
    const subscriptions = Object.fromEntries(entries.map(([name, set]) => [name, [...set]]));
    this.#send(session, 'subscriptions', JSON.stringify({ subscriptions }), nowNs);
  }

  #sendSnapshot(session: Session, channel: string, instrument: Instrument, nowNs: bigint): void {
    const name = channel === 'level2' ? 'l2_data' : channel;
    this.#send(session, name, this.#snapshotEvent(channel, instrument, nowNs), nowNs);
  }

  #snapshotEvent(channel: string, instrument: Instrument, nowNs: bigint): string {
    const market = this.#marketOf(instrument.index);
    const best = this.#ports.exchange.best(instrument.index);
    switch (channel) {
      case 'level2':
        return this.#bookSnapshot(instrument, nowNs);
      case 'market_trades':
        return market.tradesEvent('snapshot', market.trades);
      case 'ticker':
        return market.tickerEvent('snapshot', best);
      case 'ticker_batch':
        return market.tickerBatchEvent('snapshot', best);
      case 'candles':
        return market.candlesEvent('snapshot');
      default:
        return market.statusEvent();
    }
  }

  /** Every frame takes a sequence number, whether or not it reaches the client. */
  #send(session: Session, channel: string, eventText: string, nowNs: bigint): void {
    const timestamp = formatTime(nowNs, 9);
    const sequenceNum = session.sequenceNum++;
    session.connection.send(
      `{"channel":"${channel}","timestamp":"${timestamp}","sequence_num":${sequenceNum},"events":[${eventText}]}`,
      channel,
    );
  }

  #sendError(session: Session, message: string): void {
    session.connection.send(JSON.stringify({ type: 'error', message }), 'error');
  }

  /** Sends an event to every session that has the channel and product. */
  #publish(
    subscription: string,
    channel: string,
    product: string,
    text: string,
    now: bigint,
  ): void {
    for (const session of this.#sessions.values()) {
      if (session.subscriptions.get(subscription)?.has(product) === true) {
        this.#send(session, channel, text, now);
      }
    }
  }

  // -------------------------------------------------------------- market

  onMarket(event: MarketEvent, nowNs: bigint): void {
    const { exchange } = this.#ports;
    exchange.apply(event, nowNs);
    const instrument = must(exchange.instruments[event.instrumentIndex], 'instrument of event');
    const product = instrument.venueSymbol;
    switch (event.kind) {
      case 'snapshot':
        if (this.#sessions.size > 0) {
          const text = this.#bookSnapshot(instrument, nowNs);
          this.#publish('level2', 'l2_data', product, text, nowNs);
        }
        break;
      case 'levels': {
        const text = this.#marketOf(instrument.index).levelsEvent('update', event.changes, nowNs);
        this.#publish('level2', 'l2_data', product, text, nowNs);
        break;
      }
      case 'trade': {
        const market = this.#marketOf(instrument.index);
        const trade = market.recordTrade(event, this.#ports.nextTradeId(), nowNs);
        const text = market.tradesEvent('update', [trade]);
        this.#publish('market_trades', 'market_trades', product, text, nowNs);
        break;
      }
    }
    this.#publishTicker(instrument, event.kind === 'trade', nowNs);
  }

  /** The ticker speaks on every trade and when the top of the book changed. */
  #publishTicker(instrument: Instrument, isTrade: boolean, nowNs: bigint): void {
    const market = this.#marketOf(instrument.index);
    const best = this.#ports.exchange.best(instrument.index);
    const isNewTop = market.takeTop(best);
    if ((!isTrade && !isNewTop) || market.lastMantissa === 0) return;
    const text = market.tickerEvent('update', best);
    this.#publish('ticker', 'ticker', instrument.venueSymbol, text, nowNs);
  }

  #bookSnapshot(instrument: Instrument, nowNs: bigint): string {
    const { bids, asks } = this.#ports.exchange.depth(instrument.index, Infinity);
    const changes = [
      ...bids.map((level) => ({ ...level, isAsk: false })),
      ...asks.map((level) => ({ ...level, isAsk: true })),
    ];
    return this.#marketOf(instrument.index).levelsEvent('snapshot', changes, nowNs);
  }

  #productState(instrument: Instrument): ProductState {
    const best = this.#ports.exchange.best(instrument.index);
    return this.#marketOf(instrument.index).state(best);
  }

  // -------------------------------------------------------------- time

  onTime(nowNs: bigint): void {
    this.#ports.exchange.expire(nowNs);
    for (const session of [...this.#sessions.values()]) {
      if (!session.hasSubscribed && nowNs - session.openedNs > SUBSCRIBE_DEADLINE_NS) {
        session.connection.close(CLOSE_POLICY_VIOLATION, 'no subscription within 5 seconds');
      }
    }
    const sinceStartNs = nowNs - this.#ports.startedNs;
    const batchCounter = sinceStartNs / BATCH_NS;
    if (batchCounter > this.#batchCounter) {
      this.#batchCounter = batchCounter;
      this.#publishBatches(nowNs);
    }
    const counter = sinceStartNs / NS_PER_SEC;
    if (counter <= this.#heartbeatCounter) return;
    this.#heartbeatCounter = counter;
    const text = JSON.stringify({
      current_time: formatGoTime(nowNs, sinceStartNs),
      heartbeat_counter: Number(counter),
    });
    this.#publish('heartbeats', 'heartbeats', 'heartbeats', text, nowNs);
  }

  /** What has changed within the last five seconds. */
  #publishBatches(nowNs: bigint): void {
    for (const market of this.#markets) {
      const { venueSymbol, index } = market.instrument;
      const candles = market.takeCandleUpdate();
      if (candles !== null) this.#publish('candles', 'candles', venueSymbol, candles, nowNs);
      const ticker = market.takeTickerBatch(this.#ports.exchange.best(index));
      if (ticker !== null)
        this.#publish('ticker_batch', 'ticker_batch', venueSymbol, ticker, nowNs);
    }
  }

  // -------------------------------------------------------------- user channel

  publishChanges(changes: ExchangeChanges, nowNs: bigint): void {
    if (changes.orders.length === 0) return;
    const orders = changes.orders.map((order) => this.#userOrder(order));
    const text = JSON.stringify({ type: 'update', orders });
    const userId = idText(this.#ports.idSalt, IdKind.User, 1);
    this.#publish('user', 'user', userId, text, nowNs);
  }

  #userSnapshot(): string {
    const orders = this.#ports.exchange.openOrders().map((order) => this.#userOrder(order));
    const positions = { perpetual_futures_positions: [], expiring_futures_positions: [] };
    return JSON.stringify({ type: 'snapshot', orders, positions });
  }

  #userOrder(order: ExchangeOrder): Record<string, unknown> {
    return userOrderJson(this.#ports.idSalt, order, this.#instrumentAt(order.instrumentIndex));
  }

  // -------------------------------------------------------------- REST

  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const { method, path } = request;
    const isOldAccounts = path === '/v2/accounts' && method === 'GET';
    if (!isOldAccounts) {
      if (method === 'GET' && path.startsWith('/v2/')) return this.#oldRoute(path.slice(3), nowNs);
      if (!path.startsWith(`${API}/`)) return notFound('no such route');
    }
    const route = path.slice(API.length);
    if (method === 'GET') {
      if (route === '/time') return this.#time(nowNs);
      if (route.startsWith('/market/')) return this.#marketRoute(route.slice(7), request, nowNs);
    }
    const { host } = request;
    // The official client signs "METHOD host/path"; ccxt, pointed at plain HTTP, leaves the scheme in.
    const uris = [`${method} ${host}${path}`, `${method} http://${host}${path}`];
    const token = request.authorization.startsWith('Bearer ') ? request.authorization.slice(7) : '';
    if (token === '' || this.#ports.verifier.verify(token, uris, nowNs) !== null) {
      return {
        status: 401,
        contentType: 'text/plain; charset=utf-8',
        headers: {},
        body: 'Unauthorized\n',
        topic: 'query',
      };
    }
    if (isOldAccounts) return this.#oldAccounts();
    return method === 'POST'
      ? this.#postRoute(route, request, nowNs)
      : method === 'GET'
        ? this.#getRoute(route, request, nowNs)
        : notFound('no such route');
  }

  rateLimited(nowNs: bigint): SimulatorAnswer {
    return {
      ...answer({
        error: 'rate_limit_exceeded',
        message: 'Too many requests',
        error_details: 'Too many requests',
      }),
      status: 429,
      headers: {
        'x-ratelimit-limit': '30',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(nowNs / NS_PER_SEC + 1n),
        'retry-after': '1',
      },
    };
  }

  /** Public routes of the v2 interface that clients of v3 still ask for when they start (ccxt 4.5). */
  #oldRoute(route: string, nowNs: bigint): SimulatorAnswer {
    const { instruments } = this.#ports.exchange;
    const quotes = [...new Set(instruments.map((instrument) => instrument.quote))];
    const bases = [...new Set(instruments.map((instrument) => instrument.base))];
    switch (route) {
      case '/time': {
        const epoch = Number(nowNs / NS_PER_SEC);
        return answer({ data: { iso: formatTime(nowNs - (nowNs % NS_PER_SEC), 6), epoch } });
      }
      case '/currencies':
        return answer({ data: quotes.map((id) => ({ id, name: id, min_size: '0.01' })) });
      case '/currencies/crypto':
        return answer({
          data: bases.map((code, index) => ({
            asset_id: idText(this.#ports.idSalt, IdKind.Account, index + 1),
            code,
            name: code,
            color: '',
            sort_index: 100 + index,
            exponent: 8,
            type: 'crypto',
            address_regex: '',
          })),
        });
      case '/exchange-rates':
        return answer({ data: { currency: quotes[0] ?? 'USD', rates: {} } });
      default:
        return notFound('no such route');
    }
  }

  /** Balances as v2 lists them: ccxt asks here unless told otherwise. */
  #oldAccounts(): SimulatorAnswer {
    const { exchange, idSalt, startedNs } = this.#ports;
    const quotes = new Set(exchange.instruments.map((instrument) => instrument.quote));
    const time = formatTime(startedNs, 6);
    return answer({
      pagination: { limit: 100, order: 'desc', next_starting_after: null, next_uri: null },
      data: exchange.accounts().map(({ currency, scale, totalMantissa, holdMantissa }, index) => ({
        id: idText(idSalt, IdKind.Account, index + 1),
        name: `${currency} Wallet`,
        primary: index === 0,
        type: quotes.has(currency) ? 'fiat' : 'wallet',
        currency: { code: currency, name: currency, exponent: scale },
        balance: { amount: formatDecimal(totalMantissa - holdMantissa, scale), currency },
        created_at: time,
        updated_at: time,
        resource: 'account',
        resource_path: `/v2/accounts/${idText(idSalt, IdKind.Account, index + 1)}`,
        allow_deposits: false,
        allow_withdrawals: false,
      })),
    });
  }

  #getRoute(route: string, request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const parameters = new URLSearchParams(request.query);
    if (route === '/accounts') return this.#accounts(parameters);
    if (route.startsWith('/accounts/')) return this.#account(route.slice(10));
    if (route === '/key_permissions') return this.#keyPermissions();
    if (route === '/transaction_summary') return this.#transactionSummary();
    if (route === '/orders/historical/batch') return this.#listOrders(parameters);
    if (route === '/orders/historical/fills') return this.#listFills(parameters);
    if (route.startsWith('/orders/historical/')) return this.#oneOrder(route.slice(19));
    return this.#marketRoute(route, request, nowNs);
  }

  /** What the public and the signed routes share. */
  #marketRoute(route: string, request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const parameters = new URLSearchParams(request.query);
    if (route === '/products') return this.#products(parameters);
    if (route === '/product_book') return this.#productBook(parameters, nowNs);
    if (route === '/best_bid_ask') return this.#bestBidAsk(parameters, nowNs);
    const ticker = /^\/products\/([^/]+)\/ticker$/.exec(route);
    if (ticker !== null) return this.#productTicker(ticker[1] ?? '', parameters);
    const product = /^\/products\/([^/]+)$/.exec(route);
    if (product !== null) {
      const instrument = this.#instrumentOf(canonicalProductId(product[1] ?? ''));
      if (instrument === undefined) return notFound('product not found');
      return answer(productJson(instrument, this.#productState(instrument)));
    }
    return notFound('no such route');
  }

  #postRoute(route: string, request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    let body: unknown;
    try {
      body = JSON.parse(request.body);
    } catch {
      return badRequest('body is not JSON');
    }
    if (route === '/orders') return { ...this.#place(body, nowNs), topic: 'place' };
    if (route === '/orders/batch_cancel') return { ...this.#cancel(body, nowNs), topic: 'cancel' };
    return notFound('no such route');
  }

  #place(body: unknown, nowNs: bigint): SimulatorAnswer {
    const { exchange, idSalt } = this.#ports;
    const parsed = parseOrder(body, exchange.instruments);
    if (parsed.kind === 'bad-request') return badRequest(parsed.message);
    if (parsed.kind === 'reject') return rejected(parsed.error, parsed.configuration);
    const { order } = parsed;
    const configuration = JSON.parse(order.wire) as unknown;
    const planned = this.#ports.takeReject();
    if (planned !== null) {
      const message = 'The order was refused by a planned fault';
      return rejected(
        orderError(planned, 'UNKNOWN_PREVIEW_FAILURE_REASON', message),
        configuration,
      );
    }
    // The venue keeps microseconds.
    const result = exchange.place(order, nowNs - (nowNs % 1000n));
    if (result.kind === 'rejected') return rejected(errorOfReject(result.reason), configuration);
    // A client order id that is known already gets the first order back: docs/simulation.md.
    const instrument = this.#instrumentAt(result.order.instrumentIndex);
    return answer({
      success: true,
      success_response: {
        order_id: idText(idSalt, IdKind.Order, result.order.orderNumber),
        product_id: instrument.venueSymbol,
        side: sideWord(result.order.side),
        client_order_id: result.order.clientOrderId,
        attached_order_id: '',
      },
      order_configuration: JSON.parse(result.order.wire) as unknown,
    });
  }

  #cancel(body: unknown, nowNs: bigint): SimulatorAnswer {
    const orderIds = isRecord(body) ? body['order_ids'] : null;
    if (!Array.isArray(orderIds) || orderIds.length === 0) {
      return badRequest('order_ids is required');
    }
    if (orderIds.length > CANCEL_BATCH_MAX) {
      return badRequest(`order_ids has too many entries: max=${CANCEL_BATCH_MAX}`);
    }
    const seen = new Set<string>();
    const results = orderIds.map((entry: unknown) => {
      const orderId = String(entry);
      if (seen.has(orderId)) return cancelResult(orderId, 'DUPLICATE_CANCEL_REQUEST');
      seen.add(orderId);
      const orderNumber = idNumber(this.#ports.idSalt, IdKind.Order, orderId);
      const cancelled =
        orderNumber === null
          ? null
          : this.#ports.exchange.cancel(orderNumber, nowNs - (nowNs % 1000n));
      return cancelResult(orderId, cancelled === null ? 'UNKNOWN_CANCEL_ORDER' : null);
    });
    return answer({ results });
  }

  #oneOrder(orderId: string): SimulatorAnswer {
    const orderNumber = idNumber(this.#ports.idSalt, IdKind.Order, decodeURIComponent(orderId));
    const order = orderNumber === null ? undefined : this.#ports.exchange.order(orderNumber);
    if (order === undefined) return notFound('order with this orderID was not found');
    return answer({ order: this.#order(order) });
  }

  #order(order: ExchangeOrder): Record<string, unknown> {
    return orderJson(this.#ports.idSalt, order, this.#instrumentAt(order.instrumentIndex));
  }

  #fill(fill: ExchangeFill): Record<string, unknown> {
    return fillJson(this.#ports.idSalt, fill, this.#instrumentAt(fill.instrumentIndex));
  }

  /** Newest first; the cursor is the number of the last order of the page before. */
  #listOrders(parameters: URLSearchParams): SimulatorAnswer {
    const { exchange, idSalt } = this.#ports;
    const statuses = listParameter(parameters, ['order_status']);
    const products = listParameter(parameters, ['product_ids', 'product_id']);
    const ids = listParameter(parameters, ['order_ids']);
    const side = parameters.get('order_side') ?? '';
    const sinceNs = timeParameter(parameters, 'start_date');
    const untilNs = timeParameter(parameters, 'end_date');
    const limit = limitParameter(parameters, PAGE_ENTRIES_MAX);
    const cursor = cursorParameter(parameters);
    if (sinceNs === null || untilNs === null || limit === null || cursor === null) {
      return badRequest('a query parameter is malformed');
    }
    const page: ExchangeOrder[] = [];
    let hasNext = false;
    const orders = exchange.orders();
    for (let index = Math.min(orders.length, cursor - 1) - 1; index >= 0; index--) {
      const order = must(orders[index], 'order');
      if (sinceNs !== undefined && order.createdNs < sinceNs) break;
      const isWanted =
        (untilNs === undefined || order.createdNs < untilNs) &&
        (statuses.length === 0 || statuses.includes(statusWord(order))) &&
        (products.length === 0 ||
          products.includes(this.#instrumentAt(order.instrumentIndex).venueSymbol)) &&
        (ids.length === 0 || ids.includes(idText(idSalt, IdKind.Order, order.orderNumber))) &&
        (side === '' || side === sideWord(order.side));
      if (!isWanted) continue;
      if (page.length === limit) {
        hasNext = true;
        break;
      }
      page.push(order);
    }
    const last = page.at(-1);
    return answer({
      orders: page.map((order) => this.#order(order)),
      sequence: '0',
      has_next: hasNext,
      cursor: hasNext && last !== undefined ? String(last.orderNumber) : '',
    });
  }

  /** Newest first; the cursor is the number of the last fill of the page before. */
  #listFills(parameters: URLSearchParams): SimulatorAnswer {
    const { exchange, idSalt } = this.#ports;
    const orderIds = listParameter(parameters, ['order_ids', 'order_id']);
    const tradeIds = listParameter(parameters, ['trade_ids']);
    const products = listParameter(parameters, ['product_ids', 'product_id']);
    const sinceNs = timeParameter(parameters, 'start_sequence_timestamp');
    const untilNs = timeParameter(parameters, 'end_sequence_timestamp');
    const limit = limitParameter(parameters, FILLS_PAGE_DEFAULT);
    const cursor = cursorParameter(parameters);
    if (sinceNs === null || untilNs === null || limit === null || cursor === null) {
      return badRequest('a query parameter is malformed');
    }
    let candidates = exchange.fills();
    if (orderIds.length > 0) {
      candidates = orderIds
        .flatMap((id) => {
          const orderNumber = idNumber(idSalt, IdKind.Order, id);
          return orderNumber === null ? [] : exchange.fillsOf(orderNumber);
        })
        .sort((a, b) => a.fillNumber - b.fillNumber);
    }
    const page: ExchangeFill[] = [];
    let hasNext = false;
    for (let index = candidates.length - 1; index >= 0; index--) {
      const fill = must(candidates[index], 'fill');
      if (fill.fillNumber >= cursor) continue;
      if (sinceNs !== undefined && fill.timeNs < sinceNs) break;
      const isWanted =
        (untilNs === undefined || fill.timeNs <= untilNs) &&
        (products.length === 0 ||
          products.includes(this.#instrumentAt(fill.instrumentIndex).venueSymbol)) &&
        (tradeIds.length === 0 || tradeIds.includes(idText(idSalt, IdKind.Trade, fill.fillNumber)));
      if (!isWanted) continue;
      if (page.length === limit) {
        hasNext = true;
        break;
      }
      page.push(fill);
    }
    const last = page.at(-1);
    return answer({
      fills: page.map((fill) => this.#fill(fill)),
      cursor: hasNext && last !== undefined ? String(last.fillNumber) : '',
    });
  }

  #accountList(): Record<string, unknown>[] {
    const { exchange, idSalt, startedNs } = this.#ports;
    const quotes = new Set(exchange.instruments.map((instrument) => instrument.quote));
    return exchange
      .accounts()
      .map((account, index) =>
        accountJson(idSalt, account, index + 1, quotes.has(account.currency), startedNs),
      );
  }

  #accounts(parameters: URLSearchParams): SimulatorAnswer {
    const limit = limitParameter(parameters, 49);
    const cursor = cursorParameter(parameters);
    if (limit === null || cursor === null) return badRequest('a query parameter is malformed');
    const all = this.#accountList();
    const first = Number.isFinite(cursor) ? cursor : 0;
    const page = all.slice(first, first + limit);
    const hasNext = first + limit < all.length;
    return answer({
      accounts: page,
      has_next: hasNext,
      cursor: hasNext ? String(first + limit) : '',
      size: page.length,
    });
  }

  #account(uuid: string): SimulatorAnswer {
    const account = this.#accountList().find((entry) => entry['uuid'] === uuid);
    return account === undefined ? notFound('account not found') : answer({ account });
  }

  #keyPermissions(): SimulatorAnswer {
    return answer({
      can_view: true,
      can_trade: true,
      can_transfer: false,
      portfolio_uuid: idText(this.#ports.idSalt, IdKind.Portfolio, 1),
      portfolio_type: 'DEFAULT',
    });
  }

  #transactionSummary(): SimulatorAnswer {
    const { exchange } = this.#ports;
    let volumeMantissa = 0n;
    let feesMantissa = 0n;
    const scales = exchange.instruments.map(moneyScale);
    const scale = Math.max(...scales);
    for (const fill of exchange.fills()) {
      const factor = 10n ** BigInt(scale - (scales[fill.instrumentIndex] ?? scale));
      volumeMantissa += fill.valueMantissa * factor;
      feesMantissa += fill.feeMantissa * factor;
    }
    // The venue states these two as JSON numbers: for display, not for accounts.
    const volume = Number(formatDecimal(volumeMantissa, scale));
    const fees = Number(formatDecimal(feesMantissa, scale));
    return answer({
      total_volume: volume,
      total_fees: fees,
      fee_tier: {
        pricing_tier: 'Simulated',
        usd_from: '0',
        usd_to: '',
        taker_fee_rate: formatDecimal(exchange.takerFeePpm, 6),
        maker_fee_rate: formatDecimal(exchange.makerFeePpm, 6),
        aop_from: '',
        aop_to: '',
      },
      margin_rate: null,
      goods_and_services_tax: null,
      advanced_trade_only_volume: volume,
      advanced_trade_only_fees: fees,
      coinbase_pro_volume: 0,
      coinbase_pro_fees: 0,
      total_balance: '',
      has_promo_fee: false,
    });
  }

  #products(parameters: URLSearchParams): SimulatorAnswer {
    const wanted = listParameter(parameters, ['product_ids']).map(canonicalProductId);
    const productType = parameters.get('product_type') ?? 'SPOT';
    const products = this.#ports.exchange.instruments
      .filter((instrument) => wanted.length === 0 || wanted.includes(instrument.venueSymbol))
      .filter(() => productType === 'SPOT' || productType === 'UNKNOWN_PRODUCT_TYPE')
      .map((instrument) => productJson(instrument, this.#productState(instrument)));
    return answer({
      products,
      num_products: products.length,
      pagination: { prev_cursor: '', next_cursor: '', has_next: false, has_prev: false },
    });
  }

  #productBook(parameters: URLSearchParams, nowNs: bigint): SimulatorAnswer {
    const instrument = this.#instrumentOf(canonicalProductId(parameters.get('product_id') ?? ''));
    const limit = limitParameter(parameters, PAGE_ENTRIES_MAX);
    if (instrument === undefined || limit === null) return badRequest('product_id is invalid');
    const { bids, asks } = this.#ports.exchange.depth(instrument.index, limit);
    const bid = bids[0];
    const ask = asks[0];
    const spread =
      bid === undefined || ask === undefined ? 0 : ask.priceMantissa - bid.priceMantissa;
    const doubleMid =
      bid === undefined || ask === undefined ? 0 : ask.priceMantissa + bid.priceMantissa;
    const { lastMantissa } = this.#marketOf(instrument.index);
    // 2 * 10,000 bps, with twelve decimals, cut.
    const spreadBps =
      doubleMid === 0 ? 0n : (BigInt(spread) * 20_000n * 10n ** 12n) / BigInt(doubleMid);
    return answer({
      pricebook: {
        product_id: instrument.venueSymbol,
        bids: bids.map((level) => bookEntry(instrument, level)),
        asks: asks.map((level) => bookEntry(instrument, level)),
        time: formatTime(nowNs, 6),
      },
      last: formatDecimal(lastMantissa, instrument.priceScale),
      mid_market: formatDecimal(doubleMid * 5, instrument.priceScale + 1),
      spread_bps: formatDecimal(spreadBps, 12),
      spread_absolute: formatDecimal(spread, instrument.priceScale),
    });
  }

  #bestBidAsk(parameters: URLSearchParams, nowNs: bigint): SimulatorAnswer {
    const wanted = listParameter(parameters, ['product_ids']).map(canonicalProductId);
    const pricebooks = this.#ports.exchange.instruments
      .filter((instrument) => wanted.length === 0 || wanted.includes(instrument.venueSymbol))
      .map((instrument) => {
        const { bids, asks } = this.#ports.exchange.depth(instrument.index, 1);
        return {
          product_id: instrument.venueSymbol,
          bids: bids.map((level) => bookEntry(instrument, level)),
          asks: asks.map((level) => bookEntry(instrument, level)),
          time: formatTime(nowNs, 6),
        };
      });
    return answer({ pricebooks });
  }

  #productTicker(productId: string, parameters: URLSearchParams): SimulatorAnswer {
    const instrument = this.#instrumentOf(canonicalProductId(productId));
    const limit = limitParameter(parameters, RECENT_TRADES_MAX);
    if (instrument === undefined || limit === null) return notFound('product not found');
    const { bid, ask } = this.#ports.exchange.best(instrument.index);
    const market = this.#marketOf(instrument.index);
    return answer({
      trades: market.trades.slice(0, limit).map((trade) => ({
        ...market.tradeEntry(trade),
        bid: '',
        ask: '',
        exchange: 'coinbase',
      })),
      best_bid: bid === null ? '' : formatDecimal(bid.priceMantissa, instrument.priceScale),
      best_ask: ask === null ? '' : formatDecimal(ask.priceMantissa, instrument.priceScale),
    });
  }

  #time(nowNs: bigint): SimulatorAnswer {
    return answer({
      iso: formatTime(nowNs, 9),
      epochSeconds: String(nowNs / NS_PER_SEC),
      epochMillis: String(nowNs / 1_000_000n),
    });
  }

  // -------------------------------------------------------------- truth

  truth(): unknown {
    const { exchange, idSalt } = this.#ports;
    const accounts: Record<string, unknown> = {};
    for (const account of exchange.accounts()) {
      const text = (mantissa: bigint): string => formatDecimal(mantissa, account.scale);
      accounts[account.currency] = {
        total: text(account.totalMantissa),
        available: text(account.totalMantissa - account.holdMantissa),
        hold: text(account.holdMantissa),
      };
    }
    const orders = exchange.orders().map((order) => {
      const instrument = this.#instrumentAt(order.instrumentIndex);
      const size = (mantissa: bigint): string => formatDecimal(mantissa, instrument.sizeScale);
      return {
        order_id: idText(idSalt, IdKind.Order, order.orderNumber),
        client_order_id: order.clientOrderId,
        product_id: instrument.venueSymbol,
        side: sideWord(order.side),
        status: statusWord(order),
        price: formatDecimal(order.priceMantissa, instrument.priceScale),
        size: size(order.sizeMantissa),
        filled_size: size(order.filledSizeMantissa),
        filled_value: formatDecimal(order.filledValueMantissa, moneyScale(instrument)),
        total_fees: formatDecimal(order.feeMantissa, moneyScale(instrument)),
        fill_count: order.fillCount,
        queue_ahead: size(order.queueAheadMantissa),
        created_time: formatTime(order.createdNs, 6),
      };
    });
    const fills = exchange.fills().map((fill) => ({
      ...this.#fill(fill),
      client_order_id: must(exchange.order(fill.orderNumber), 'order of fill').clientOrderId,
    }));
    const positions = exchange.instruments.flatMap((instrument) => {
      const base = exchange.accounts().find((account) => account.currency === instrument.base);
      if (base === undefined || base.totalMantissa === 0n) return [];
      return [{ symbol: instrument.symbol, size: formatDecimal(base.totalMantissa, base.scale) }];
    });
    return {
      accounts,
      orders,
      fills,
      positions,
      openOrders: exchange.openOrders().length,
      fillCount: fills.length,
    };
  }

  // -------------------------------------------------------------- look-ups

  #instrumentOf(productId: string): Instrument | undefined {
    return this.#ports.exchange.instruments.find((entry) => entry.venueSymbol === productId);
  }

  #instrumentAt(instrumentIndex: number): Instrument {
    return must(this.#ports.exchange.instruments[instrumentIndex], 'instrument');
  }

  #marketOf(instrumentIndex: number): ProductMarket {
    return must(this.#markets[instrumentIndex], 'market');
  }
}

/** What sim/ must know of it. */
export const SIMULATOR: SimulatorDefinition = {
  venue: 'coinbase',
  wsPaths: ['/ws'],
  wsPrivatePaths: ['/ws-user'],
  instruments: simulatedInstruments(['BTC-USD', 'ETH-USD', 'USDT-USD']),
  create: (ports) => new CoinbaseSimulator(ports),
};

// ---------------------------------------------------------------- texts

function bookEntry(instrument: Instrument, level: PriceLevel): Record<string, string> {
  return {
    price: formatDecimal(level.priceMantissa, instrument.priceScale),
    size: formatDecimal(level.sizeMantissa, instrument.sizeScale),
  };
}

function cancelResult(orderId: string, failure: string | null): Record<string, unknown> {
  return {
    success: failure === null,
    failure_reason: failure ?? 'UNKNOWN_CANCEL_FAILURE_REASON',
    order_id: orderId,
  };
}

function answer(body: unknown): SimulatorAnswer {
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    headers: {},
    body: JSON.stringify(body),
    topic: 'query',
  };
}

/** HTTP 200 all the same: that is how the venue refuses an order. */
function rejected(error: OrderError, configuration: unknown): SimulatorAnswer {
  return answer({ success: false, error_response: error, order_configuration: configuration });
}

function badRequest(message: string): SimulatorAnswer {
  const body = { error: 'INVALID_ARGUMENT', error_details: message, message };
  return { ...answer(body), status: 400 };
}

function notFound(message: string): SimulatorAnswer {
  const body = { error: 'NOT_FOUND', error_details: message, message };
  return { ...answer(body), status: 404 };
}

// ---------------------------------------------------------------- query

/** Values of a repeated or comma-separated parameter under any of its names. */
function listParameter(parameters: URLSearchParams, names: readonly string[]): string[] {
  return names
    .flatMap((name) => parameters.getAll(name))
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '');
}

/** Undefined when absent, null when malformed. */
function timeParameter(parameters: URLSearchParams, name: string): bigint | null | undefined {
  const value = parameters.get(name);
  return value === null || value === '' ? undefined : parseTime(value);
}

function limitParameter(parameters: URLSearchParams, defaultLimit: number): number | null {
  const value = parameters.get('limit');
  if (value === null || value === '') return defaultLimit;
  if (!/^\d{1,6}$/.test(value) || Number(value) === 0) return null;
  const limit = Math.min(Number(value), PAGE_ENTRIES_MAX);
  assert(limit > 0, `limit=${limit}`);
  return limit;
}

/** Infinity when absent, null when malformed. */
function cursorParameter(parameters: URLSearchParams): number | null {
  const value = parameters.get('cursor');
  if (value === null || value === '') return Infinity;
  return /^\d{1,12}$/.test(value) ? Number(value) : null;
}
