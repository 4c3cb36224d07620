/**
 * KrakenSimulator: Kraken (spot) from the venue's side: the public WebSocket v2 and the public REST routes. Orders are not
 * taken: private methods are answered as by a key without permission. Deterministic: frames, requests, market events and
 * times come in; texts go out. Runs in the simulator's process, driven by sim/venue-server.ts.
 *
 *   onMarket ──▶ exchange ──▶ book (one view per depth), trade, ticker, ohlc ──▶ sessions that subscribed
 *   onTime ────▶ heartbeat, once a second to whoever has subscribed anything
 *
 * Invariant: who applies what a session was sent and cuts to its depth has the best levels of the exchange's book, and the
 * checksum of each message is that of his book after it.
 * Sources: captures of 2026 (shapes, order of members and frames, decimals), docs.kraken.com; what is assumed where they
 * are silent stands in docs/venues/kraken.md.
 */
import { must } from '../../domain/assert.js';
import type { Instrument } from '../../domain/instrument.js';
import { Side } from '../../domain/order.js';
import type {
  MarketEvent,
  PriceLevel,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorPorts,
  SimulatorRequest,
  VenueSimulator,
} from '../simulator-port.js';
import { formatDecimal, formatTime } from '../simulator-text.js';
import { DEPTHS } from './endpoints.js';
import { DepthView, fixedText } from './simulator-book.js';
import { PairHistory, vwapMantissa, type Candle, type PublicTrade } from './simulator-history.js';
import { instrumentData, simulatedInstruments } from './simulator-pairs.js';
import { answerRest, failure } from './simulator-rest.js';

const NS_PER_SEC = 1_000_000_000n;
const NS_PER_US = 1_000n;
/** What the venue takes to answer (captures: 30 to 80 us). */
const ANSWER_NS = 40_000n;
/** Trades in the snapshot of the trade channel. */
const SNAPSHOT_TRADES = 50;
const DEPTH_DEFAULT = 10;
const INTERVALS_MIN: readonly number[] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];
const PAIR_CHANNELS: readonly string[] = ['book', 'trade', 'ticker', 'ohlc'];
const PRIVATE_CHANNELS: readonly string[] = ['executions', 'balances', 'level3'];
/** The largest number that a client may have echoed. */
const REQUEST_ID_MAX = Number.MAX_SAFE_INTEGER;

type Fields = Readonly<Record<string, unknown>>;

/** What a session has asked for of one pair. */
interface Subscription {
  readonly channel: string;
  readonly instrument: Instrument;
  /** Of a book. */
  readonly depth: number;
  /** Of a ticker: trades or bbo. */
  readonly trigger: string;
  /** Of ohlc. */
  readonly intervalMin: number;
}

interface Session {
  readonly connection: SimulatorConnection;
  /** By channel and symbol. */
  readonly subscriptions: Map<string, Subscription>;
}

export class KrakenSimulator implements VenueSimulator {
  readonly #ports: SimulatorPorts;
  readonly #sessions = new Map<SimulatorConnection, Session>();
  readonly #histories: readonly PairHistory[];
  /** Views that somebody is subscribed to, by pair and depth. */
  readonly #views = new Map<string, DepthView>();
  /** Tops that the tickers of trigger bbo have told last. */
  readonly #tops: string[];
  #connectionCount = 0n;
  #heartbeatSec = 0n;

  constructor(ports: SimulatorPorts) {
    this.#ports = ports;
    this.#histories = ports.exchange.instruments.map(() => new PairHistory());
    this.#tops = ports.exchange.instruments.map(() => '');
  }

  // -------------------------------------------------------------- sockets

  onOpen(connection: SimulatorConnection): void {
    this.#sessions.set(connection, { connection, subscriptions: new Map() });
    // Beyond 2^53, as the venue's own are.
    const id = (1n << 63n) | (BigInt(`0x${this.#ports.idSalt}`) << 24n) | ++this.#connectionCount;
    connection.send(
      `{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",` +
        `"api_version":"v2","connection_id":${id}}]}`,
      'status',
    );
  }

  onClose(connection: SimulatorConnection): void {
    this.#sessions.delete(connection);
    this.#forgetViews();
  }

  onMessage(connection: SimulatorConnection, text: string, nowNs: bigint): void {
    const session = must(this.#sessions.get(connection), 'session of connection');
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.#answerError(session, {}, 'Malformed request', nowNs);
      return;
    }
    if (!isFields(message)) {
      this.#answerError(session, {}, 'Malformed request', nowNs);
      return;
    }
    const method = message['method'];
    if (method === 'ping') {
      this.#ping(session, message, nowNs);
    } else if (connection.isPrivate) {
      this.#answerError(session, message, 'EGeneral:Permission denied', nowNs);
    } else if (method === 'subscribe' || method === 'unsubscribe') {
      this.#onSubscription(session, message, nowNs);
    } else {
      this.#answerError(session, message, 'EGeneral:Permission denied', nowNs);
    }
  }

  #ping(session: Session, message: Fields, nowNs: bigint): void {
    if ('params' in message) {
      const error = "Unsupported field: 'params' for the given msg type: ping";
      this.#answerError(session, message, error, nowNs);
      return;
    }
    this.#answer(session, [`"method":"pong"`, ...requestMember(message)], nowNs);
  }

  #onSubscription(session: Session, message: Fields, nowNs: bigint): void {
    const params = isFields(message['params']) ? message['params'] : {};
    const { channel, symbol } = params;
    if (channel === 'instrument') {
      this.#instruments(session, message, params, nowNs);
    } else if (PRIVATE_CHANNELS.includes(String(channel))) {
      this.#answerError(session, message, 'EGeneral:Permission denied', nowNs);
    } else if (typeof channel !== 'string' || !PAIR_CHANNELS.includes(channel)) {
      this.#answerError(session, message, 'Channel not supported', nowNs);
    } else if (!Array.isArray(symbol) || symbol.length === 0) {
      this.#answerError(session, message, 'Symbol(s) not found', nowNs);
    } else {
      // One answer for each symbol.
      for (const one of symbol as unknown[]) {
        this.#onPair(session, message, params, channel, String(one), nowNs);
      }
    }
  }

  #onPair(
    session: Session,
    message: Fields,
    params: Fields,
    channel: string,
    symbol: string,
    nowNs: bigint,
  ): void {
    const { depth = DEPTH_DEFAULT, event_trigger: trigger = 'trades', interval = 1 } = params;
    const instrument = this.#ports.exchange.instruments.find((one) => one.venueSymbol === symbol);
    const key = `${channel} ${symbol}`;
    const isSubscribe = message['method'] === 'subscribe';
    const problem =
      instrument === undefined
        ? `Currency pair not supported ${symbol}`
        : channel === 'book' && !DEPTHS.includes(depth as number)
          ? 'Subscription depth not supported'
          : channel === 'ticker' && trigger !== 'trades' && trigger !== 'bbo'
            ? 'Event trigger not supported'
            : channel === 'ohlc' && !INTERVALS_MIN.includes(interval as number)
              ? 'Subscription ohlc interval not supported'
              : !isSubscribe && !session.subscriptions.has(key)
                ? 'Subscription Not Found'
                : null;
    if (problem !== null || instrument === undefined) {
      this.#answerError(session, message, problem ?? '', nowNs);
      return;
    }
    // Only trades come without a snapshot unless one is wanted.
    const wantsSnapshot = params['snapshot'] ?? channel !== 'trade';
    const subscription: Subscription = {
      channel,
      instrument,
      depth: depth as number,
      trigger: trigger as string,
      intervalMin: interval as number,
    };
    this.#confirm(
      session,
      message,
      subscription,
      isSubscribe ? wantsSnapshot === true : null,
      nowNs,
    );
    if (!isSubscribe) {
      session.subscriptions.delete(key);
      this.#forgetViews();
      return;
    }
    session.subscriptions.set(key, subscription);
    this.#forgetViews();
    const view = channel === 'book' ? this.#viewOf(instrument, subscription.depth) : null;
    if (wantsSnapshot === true) this.#sendSnapshot(session, subscription, view, nowNs);
  }

  /** Members in the order of the alphabet, as the venue writes its answers. `snapshot` null: not said. */
  #confirm(
    session: Session,
    message: Fields,
    subscription: Subscription,
    snapshot: boolean | null,
    nowNs: bigint,
  ): void {
    const { channel } = subscription;
    const result = JSON.stringify({
      channel,
      depth: channel === 'book' ? subscription.depth : undefined,
      event_trigger: channel === 'ticker' ? subscription.trigger : undefined,
      interval: channel === 'ohlc' ? subscription.intervalMin : undefined,
      snapshot: snapshot ?? undefined,
      symbol: subscription.instrument.venueSymbol,
      warnings:
        channel === 'ohlc' && snapshot !== null
          ? ['timestamp is deprecated, use interval_begin']
          : undefined,
    });
    this.#answerResult(session, message, result, nowNs);
  }

  #instruments(session: Session, message: Fields, params: Fields, nowNs: bigint): void {
    const isSubscribe = message['method'] === 'subscribe';
    const snapshot = params['snapshot'] !== false;
    const result = JSON.stringify(
      isSubscribe ? { channel: 'instrument', snapshot } : { channel: 'instrument' },
    );
    this.#answerResult(session, message, result, nowNs);
    if (!isSubscribe || !snapshot) return;
    const data = instrumentData(this.#ports.exchange.instruments);
    session.connection.send(
      `{"channel":"instrument","type":"snapshot","data":${data}}`,
      'instrument',
    );
  }

  #answerResult(session: Session, message: Fields, result: string, nowNs: bigint): void {
    const members = [`"method":${JSON.stringify(message['method'])}`, ...requestMember(message)];
    this.#answer(session, [...members, `"result":${result}`, '"success":true'], nowNs);
  }

  /** Without the symbol: a client knows what it is about by its own req_id. */
  #answerError(session: Session, message: Fields, error: string, nowNs: bigint): void {
    const { method } = message;
    const members = [
      `"error":${JSON.stringify(error)}`,
      ...(typeof method === 'string' ? [`"method":${JSON.stringify(method)}`] : []),
      ...requestMember(message),
      '"success":false',
    ];
    this.#answer(session, members, nowNs);
  }

  #answer(session: Session, members: readonly string[], nowNs: bigint): void {
    const times = `"time_in":"${wireTime(nowNs)}","time_out":"${wireTime(nowNs + ANSWER_NS)}"`;
    session.connection.send(`{${members.join(',')},${times}}`, 'answer');
  }

  // -------------------------------------------------------------- market

  onMarket(event: MarketEvent, nowNs: bigint): void {
    const { exchange } = this.#ports;
    exchange.apply(event, nowNs);
    const instrument = must(exchange.instruments[event.instrumentIndex], 'instrument of event');
    if (event.kind === 'trade') this.#onTrade(instrument, event, nowNs);
    this.#publishBook(instrument, nowNs);
    this.#publishTop(instrument, nowNs);
  }

  #onTrade(instrument: Instrument, event: MarketEvent & { kind: 'trade' }, nowNs: bigint): void {
    const history = this.#historyOf(instrument);
    const trade: PublicTrade = {
      tradeId: this.#ports.nextTradeId(),
      priceMantissa: event.priceMantissa,
      sizeMantissa: event.sizeMantissa,
      takerSide: event.takerSide,
      timeNs: nowNs - (nowNs % NS_PER_US),
    };
    history.add(trade);
    if (this.#sessions.size === 0) return;
    const text = tradeMessage('update', instrument, [trade]);
    this.#publish('trade', instrument, () => text);
    this.#publish('ticker', instrument, ({ trigger }) =>
      trigger === 'trades' ? this.#tickerMessage('update', instrument, nowNs) : null,
    );
    this.#publish('ohlc', instrument, ({ intervalMin }) => {
      const candles = history.candles(intervalMin).slice(-1);
      return candleMessage('update', instrument, candles, intervalMin, nowNs);
    });
  }

  /** Each depth is told what it can see of the change. */
  #publishBook(instrument: Instrument, nowNs: bigint): void {
    for (const depth of DEPTHS) {
      const view = this.#views.get(viewKey(instrument, depth));
      if (view === undefined) continue;
      const members = view.change(this.#ports.exchange.depth(instrument.index, depth));
      if (members === null) continue;
      const text = bookMessage('update', instrument, members, nowNs);
      this.#publish('book', instrument, (subscription) =>
        subscription.depth === depth ? text : null,
      );
    }
  }

  /** Tickers of trigger bbo speak when the top has changed. */
  #publishTop(instrument: Instrument, nowNs: bigint): void {
    const { bid, ask } = this.#ports.exchange.best(instrument.index);
    const top = JSON.stringify([bid, ask]);
    if (this.#tops[instrument.index] === top) return;
    this.#tops[instrument.index] = top;
    this.#publish('ticker', instrument, ({ trigger }) =>
      trigger === 'bbo' ? this.#tickerMessage('update', instrument, nowNs) : null,
    );
  }

  #publish(
    channel: string,
    instrument: Instrument,
    textOf: (subscription: Subscription) => string | null,
  ): void {
    for (const session of this.#sessions.values()) {
      const subscription = session.subscriptions.get(`${channel} ${instrument.venueSymbol}`);
      const text = subscription === undefined ? null : textOf(subscription);
      if (text !== null) session.connection.send(text, channel);
    }
  }

  #sendSnapshot(
    session: Session,
    subscription: Subscription,
    view: DepthView | null,
    nowNs: bigint,
  ): void {
    const { channel, instrument, intervalMin } = subscription;
    const history = this.#historyOf(instrument);
    const send = (text: string): void => session.connection.send(text, channel);
    if (view !== null) send(bookMessage('snapshot', instrument, view.snapshot(), nowNs));
    else if (channel === 'ticker') send(this.#tickerMessage('snapshot', instrument, nowNs));
    else if (channel === 'trade') {
      send(tradeMessage('snapshot', instrument, history.trades.slice(-SNAPSHOT_TRADES)));
    } else {
      const candles = history.candles(intervalMin);
      send(candleMessage('snapshot', instrument, candles, intervalMin, nowNs));
    }
  }

  #tickerMessage(type: 'snapshot' | 'update', instrument: Instrument, nowNs: bigint): string {
    const { bid, ask } = this.#ports.exchange.best(instrument.index);
    const { day, trades } = this.#historyOf(instrument);
    const price = (mantissa: number | bigint): string => fixedText(mantissa, instrument.priceScale);
    const size = (mantissa: number | bigint): string => fixedText(mantissa, instrument.sizeScale);
    const top = (name: string, level: PriceLevel | null): string =>
      `"${name}":${price(level?.priceMantissa ?? 0)},"${name}_qty":${size(level?.sizeMantissa ?? 0)}`;
    const last = trades.at(-1)?.priceMantissa ?? bid?.priceMantissa ?? 0;
    const open = day?.openMantissa ?? last;
    const percent = open === 0 ? 0n : (BigInt(last - open) * 10_000n) / BigInt(open);
    return (
      `{"channel":"ticker","type":"${type}","data":[{"symbol":"${instrument.venueSymbol}",` +
      `${top('bid', bid)},${top('ask', ask)},"last":${price(last)},` +
      `"volume":${size(day?.sizeMantissa ?? 0)},"vwap":${price(day === undefined ? 0 : vwapMantissa(day))},` +
      `"low":${price(day?.lowMantissa ?? last)},"high":${price(day?.highMantissa ?? last)},` +
      `"change":${price(last - open)},"change_pct":${fixedText(percent, 2)},` +
      `"trades":${day?.tradeCount ?? 0},"timestamp":"${wireTime(nowNs)}"}]}`
    );
  }

  /** The view of a depth, made when the first one subscribes it. */
  #viewOf(instrument: Instrument, depth: number): DepthView {
    const key = viewKey(instrument, depth);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view = new DepthView(depth, instrument);
    view.change(this.#ports.exchange.depth(instrument.index, depth));
    this.#views.set(key, view);
    return view;
  }

  /** Views that nobody is subscribed to any more are not kept up. */
  #forgetViews(): void {
    const wanted = new Set<string>();
    for (const { subscriptions } of this.#sessions.values()) {
      for (const { channel, instrument, depth } of subscriptions.values()) {
        if (channel === 'book') wanted.add(viewKey(instrument, depth));
      }
    }
    for (const key of this.#views.keys()) if (!wanted.has(key)) this.#views.delete(key);
  }

  #historyOf(instrument: Instrument): PairHistory {
    return must(this.#histories[instrument.index], 'history of a pair');
  }

  // -------------------------------------------------------------- time

  onTime(nowNs: bigint): void {
    this.#ports.exchange.expire(nowNs);
    const sec = (nowNs - this.#ports.startedNs) / NS_PER_SEC;
    if (sec <= this.#heartbeatSec) return;
    this.#heartbeatSec = sec;
    for (const { connection, subscriptions } of this.#sessions.values()) {
      if (subscriptions.size > 0) connection.send('{"channel":"heartbeat"}', 'heartbeat');
    }
  }

  publishChanges(): void {
    // Nobody can place orders here, so no private stream has anything to say.
  }

  // -------------------------------------------------------------- REST

  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const state = {
      exchange: this.#ports.exchange,
      historyOf: (instrument: Instrument) => this.#historyOf(instrument),
    };
    return answerRest(state, request, nowNs);
  }

  rateLimited(): SimulatorAnswer {
    return failure('EAPI:Rate limit exceeded');
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

/** Kraken for sim/simulators.ts. The venue has its private socket on a host of its own; here it has a path of its own. */
export const SIMULATOR: SimulatorDefinition = {
  venue: 'kraken',
  wsPaths: ['/v2'],
  wsPrivatePaths: ['/private/v2'],
  instruments: simulatedInstruments(),
  create: (ports) => new KrakenSimulator(ports),
};

// ---------------------------------------------------------------- texts

/** By hand, not JSON.stringify: numbers keep their zeros, and members their order. */
function bookMessage(
  type: 'snapshot' | 'update',
  instrument: Instrument,
  members: string,
  nowNs: bigint,
): string {
  return (
    `{"channel":"book","type":"${type}","data":[{"symbol":"${instrument.venueSymbol}",${members},` +
    `"timestamp":"${wireTime(nowNs)}"}]}`
  );
}

function tradeMessage(
  type: 'snapshot' | 'update',
  instrument: Instrument,
  trades: readonly PublicTrade[],
): string {
  const entries = trades.map(
    (trade) =>
      `{"symbol":"${instrument.venueSymbol}","side":"${trade.takerSide === Side.Buy ? 'buy' : 'sell'}",` +
      `"price":${fixedText(trade.priceMantissa, instrument.priceScale)},` +
      `"qty":${fixedText(trade.sizeMantissa, instrument.sizeScale)},"ord_type":"market",` +
      `"trade_id":${trade.tradeId},"timestamp":"${wireTime(trade.timeNs)}"}`,
  );
  return `{"channel":"trade","type":"${type}","data":[${entries.join(',')}]}`;
}

function candleMessage(
  type: 'snapshot' | 'update',
  instrument: Instrument,
  candles: readonly Candle[],
  intervalMin: number,
  nowNs: bigint,
): string {
  const price = (mantissa: number | bigint): string => fixedText(mantissa, instrument.priceScale);
  const entries = candles.map((candle) => {
    const beginNs = BigInt(candle.beginSec) * NS_PER_SEC;
    const endNs = beginNs + BigInt(intervalMin * 60) * NS_PER_SEC;
    return (
      `{"symbol":"${instrument.venueSymbol}","open":${price(candle.openMantissa)},` +
      `"high":${price(candle.highMantissa)},"low":${price(candle.lowMantissa)},` +
      `"close":${price(candle.closeMantissa)},"trades":${candle.tradeCount},` +
      `"volume":${fixedText(candle.sizeMantissa, instrument.sizeScale)},` +
      `"vwap":${price(vwapMantissa(candle))},"interval_begin":"${wireTime(beginNs, 9)}",` +
      `"interval":${intervalMin},"timestamp":"${wireTime(endNs)}"}`
    );
  });
  return (
    `{"channel":"ohlc","type":"${type}","timestamp":"${wireTime(nowNs, 9)}",` +
    `"data":[${entries.join(',')}]}`
  );
}

/** RFC 3339 in UTC with all its decimals: 2026-08-01T02:53:53.646219Z. */
function wireTime(epochNs: bigint, digits: 6 | 9 = 6): string {
  const whole = formatTime(epochNs - (epochNs % NS_PER_SEC), 6).slice(0, -1);
  const fraction = String(epochNs % NS_PER_SEC).padStart(9, '0');
  return `${whole}.${fraction.slice(0, digits)}Z`;
}

function requestMember(message: Fields): readonly string[] {
  const id = message['req_id'];
  const isNumber = typeof id === 'number' && Number.isSafeInteger(id);
  return isNumber && id >= 0 && id <= REQUEST_ID_MAX ? [`"req_id":${id}`] : [];
}

function viewKey(instrument: Instrument, depth: number): string {
  return `${instrument.index} ${depth}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
