/**
 * DydxSimulator: dYdX v4's indexer from the venue's side: the public WebSocket and the public REST routes. Orders are placed
 * on the chain, not here: private routes answer as for an address that has no account. Deterministic: frames, requests,
 * market events and times come in; texts go out. Runs in the simulator's process, driven by sim/venue-server.ts.
 *
 *   onMarket ──▶ exchange ──▶ v4_orderbook, one message a side and change (batched: every 250 ms)
 *   blocks ────▶ v4_trades, v4_markets, v4_block_height, all of one height
 *
 * Invariants: message_id counts every message of a connection from 0; the answer to a subscribe takes its number at once and
 * may be sent later. Now and then the taker of a trade stands in the book for a block before it is matched, so that the book
 * is crossed: whoever applies what was sent has the exchange's book all the same once the block is over.
 * Sources: captures of 2024 to 2026 (shapes), the indexer's public source (texts of errors, order of members, batches); what
 * is assumed where they are silent stands in docs/venues/dydx.md.
 */
import { must } from '../../domain/assert.js';
import type { Instrument } from '../../domain/instrument.js';
import { Side } from '../../domain/order.js';
import { SeededRandom, seedOf } from '../../domain/seeded-random.js';
import type {
  LevelChange,
  MarketEvent,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorPorts,
  SimulatorRequest,
  VenueSimulator,
} from '../simulator-port.js';
import { formatDecimal } from '../simulator-text.js';
import { CHANNEL_MARKETS } from './endpoints.js';
import { BookTape } from './simulator-book.js';
import {
  BLOCK_NS,
  heightAt,
  isoTime,
  marketIdOf,
  marketJson,
  oracleText,
  simulatedInstruments,
  timeOfBlock,
  tradeIdText,
  type MarketFigures,
} from './simulator-markets.js';
import { answerRest, errorAnswer, type PublicState } from './simulator-rest.js';

const NS_PER_SEC = 1_000_000_000n;
/** What comes meanwhile is one message of a batched subscription. */
const BATCH_NS = 250_000_000n;
/** Subscribe messages for one id that are taken within a second. */
const SUBSCRIBES_PER_SEC = 2;
const CLOSE_POLICY_VIOLATION = 1008;
const RECENT_TRADES_MAX = 100;
/** Of the answers to a subscribe on a connection that has others, one in so many is sent with the next tick of the clock. */
const LATE_ANSWER_OF = 3;
/** Of the trades, one in so many has its taker in the book before it is matched. */
const EARLY_TAKER_OF = 6;
/** Blocks between two messages about funding. */
const FUNDING_BLOCKS = 60;
/** Version of the contents, which differs by channel. */
const VERSIONS: Readonly<Record<string, string>> = {
  v4_orderbook: '1.0.0',
  v4_trades: '2.4.0',
  v4_markets: '1.0.0',
  v4_block_height: '1.0.0',
};
const MARKET_CHANNELS: readonly string[] = ['v4_orderbook', 'v4_trades', 'v4_candles'];
const ACCOUNT_CHANNELS: readonly string[] = ['v4_subaccounts', 'v4_parent_subaccounts'];
const GLOBAL_CHANNELS: readonly string[] = [CHANNEL_MARKETS, 'v4_block_height'];

type Fields = Readonly<Record<string, unknown>>;

interface Subscription {
  readonly channel: string;
  /** The channel's name where it has none. */
  readonly id: string;
  readonly isBatched: boolean;
  /** Contents that wait for the next batch. */
  readonly waiting: string[];
}

/** A subscribe whose answer is still to be sent. */
interface LateAnswer {
  readonly subscription: Subscription;
  readonly messageId: number;
}

interface Session {
  readonly connection: SimulatorConnection;
  readonly connectionId: string;
  readonly subscriptions: Map<string, Subscription>;
  readonly late: LateAnswer[];
  readonly subscribeTimes: Map<string, bigint[]>;
  messageId: number;
}

interface PublicTrade {
  readonly id: string;
  readonly side: Side;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly height: number;
}

/** One market as it is played. */
interface Market {
  readonly instrument: Instrument;
  readonly tape: BookTape;
  /** Newest first. */
  readonly trades: PublicTrade[];
  /** Of the block that is not finished: price, size, side; oldest first. */
  readonly matches: (MarketEvent & { readonly kind: 'trade' })[];
  /** The taker that stands in the book before it is matched. */
  early: {
    readonly isAsk: boolean;
    readonly priceMantissa: number;
    readonly height: number;
  } | null;
  oracle: string;
  tradeCount: number;
  volumeMantissa: bigint;
  fundingText: string;
}

export class DydxSimulator implements VenueSimulator {
  readonly #ports: SimulatorPorts;
  readonly #random: SeededRandom;
  readonly #sessions = new Map<SimulatorConnection, Session>();
  readonly #markets: readonly Market[];
  #connectionCount = 0;
  #height: number;
  #batchNs = 0n;

  constructor(ports: SimulatorPorts) {
    this.#ports = ports;
    this.#random = new SeededRandom(seedOf(parseInt(ports.idSalt, 16), 'dydx'));
    this.#height = heightAt(ports.startedNs);
    this.#markets = ports.exchange.instruments.map((instrument) => ({
      instrument,
      tape: new BookTape(instrument),
      trades: [],
      matches: [],
      early: null,
      oracle: '',
      tradeCount: 0,
      volumeMantissa: 0n,
      fundingText: '0.00000125',
    }));
  }

  // -------------------------------------------------------------- sockets

  onOpen(connection: SimulatorConnection): void {
    const count = String(++this.#connectionCount).padStart(12, '0');
    const session: Session = {
      connection,
      connectionId: `${this.#ports.idSalt}-0000-4000-8000-${count}`,
      subscriptions: new Map(),
      late: [],
      subscribeTimes: new Map(),
      messageId: 0,
    };
    this.#sessions.set(connection, session);
    this.#send(session, `"type":"connected"`, '"message_id":0', [], 'connected');
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
      this.#sendError(session, 'Invalid message: could not parse', session.messageId);
      return;
    }
    const { type, channel, id, batched } = (message ?? {}) as Fields;
    if (typeof type !== 'string' || type === '') {
      this.#sendError(session, 'Invalid message: type is required', session.messageId);
    } else if (type === 'subscribe' || type === 'unsubscribe') {
      const problem = problemOf(channel, id);
      if (problem !== null) this.#sendError(session, problem, session.messageId);
      else if (type === 'unsubscribe') this.#unsubscribe(session, String(channel), id);
      else this.#subscribe(session, String(channel), id, batched === true, nowNs);
    } else if (type !== 'ping') {
      this.#sendError(session, `Invalid message type: ${type}`, session.messageId);
    }
  }

  #subscribe(
    session: Session,
    channel: string,
    wantedId: unknown,
    isBatched: boolean,
    nowNs: bigint,
  ): void {
    const messageId = ++session.messageId;
    const id = typeof wantedId === 'string' ? wantedId : channel;
    const key = `${channel} ${id}`;
    const isMarket = MARKET_CHANNELS.includes(channel);
    if (isMarket && this.#marketOf(id) === undefined) {
      const text = `Invalid subscription id for channel: (${channel}-${id})`;
      this.#sendError(session, text, messageId);
      return;
    }
    if (this.#isTooOften(session, key, nowNs)) {
      const text = `Too many subscribe attempts for channel ${channel}-${id}. Please  reconnect and try again.`;
      this.#sendError(session, text, messageId);
      session.connection.close(CLOSE_POLICY_VIOLATION, '{"message":"Rate limited"}');
      return;
    }
    if (ACCOUNT_CHANNELS.includes(channel)) {
      const text = `Internal error, could not fetch data for subscription: ${channel}.`;
      this.#sendError(session, text, messageId, channel, id);
      return;
    }
    if (session.subscriptions.has(key)) {
      const text = `Invalid subscribe message: already subscribed (${channel}-${id})`;
      this.#sendError(session, text, messageId);
      return;
    }
    const answer = { subscription: { channel, id, isBatched, waiting: [] }, messageId };
    const isLate =
      session.subscriptions.size > 0 && this.#random.nextUint32() % LATE_ANSWER_OF === 0;
    if (isLate) session.late.push(answer);
    else this.#answerSubscribe(session, answer, nowNs);
  }

  #isTooOften(session: Session, key: string, nowNs: bigint): boolean {
    const before = session.subscribeTimes.get(key) ?? [];
    const times = [...before.filter((time) => nowNs - time < NS_PER_SEC), nowNs];
    session.subscribeTimes.set(key, times);
    return times.length > SUBSCRIBES_PER_SEC;
  }

  #answerSubscribe(session: Session, { subscription, messageId }: LateAnswer, now: bigint): void {
    const { channel, id } = subscription;
    session.subscriptions.set(`${channel} ${id}`, subscription);
    const idMember = GLOBAL_CHANNELS.includes(channel) ? [] : [`"id":"${id}"`];
    this.#send(
      session,
      '"type":"subscribed"',
      `"message_id":${messageId}`,
      [
        `"channel":"${channel}"`,
        ...idMember,
        `"contents":${this.#firstContents(channel, id, now)}`,
      ],
      channel,
    );
  }

  #firstContents(channel: string, id: string, nowNs: bigint): string {
    const market = this.#marketOf(id);
    switch (channel) {
      case 'v4_orderbook':
        return must(market, 'market').tape.snapshotText();
      case 'v4_trades':
        return this.#tradesText(must(market, 'market').trades);
      case 'v4_markets':
        return JSON.stringify({ markets: this.#marketsJson() });
      case 'v4_block_height':
        return JSON.stringify({ height: String(this.#height), time: isoTime(nowNs) });
      default:
        return '{"candles":[]}';
    }
  }

  #unsubscribe(session: Session, channel: string, wantedId: unknown): void {
    const id = typeof wantedId === 'string' ? wantedId : channel;
    session.subscriptions.delete(`${channel} ${id}`);
    const idMember = GLOBAL_CHANNELS.includes(channel) ? [] : [`"id":"${id}"`];
    const messageId = ++session.messageId;
    this.#send(
      session,
      '"type":"unsubscribed"',
      `"message_id":${messageId}`,
      [`"channel":"${channel}"`, ...idMember],
      channel,
    );
  }

  #sendError(
    session: Session,
    message: string,
    messageId: number,
    channel?: string,
    id?: string,
  ): void {
    const members = { type: 'error', message, connection_id: session.connectionId };
    const text = JSON.stringify({ ...members, message_id: messageId, channel, id });
    session.connection.send(text, 'error');
  }

  #send(
    session: Session,
    type: string,
    messageId: string,
    members: readonly string[],
    topic: string,
  ): void {
    const head = [type, `"connection_id":"${session.connectionId}"`, messageId];
    session.connection.send(`{${[...head, ...members].join(',')}}`, topic);
  }

  /** One contents to everybody who has the subscription. */
  #publish(channel: string, id: string, contents: string): void {
    for (const session of this.#sessions.values()) {
      const subscription = session.subscriptions.get(`${channel} ${id}`);
      if (subscription === undefined) continue;
      if (subscription.isBatched) subscription.waiting.push(contents);
      else this.#sendData(session, 'channel_data', subscription, contents);
    }
  }

  #sendData(session: Session, type: string, { channel, id }: Subscription, contents: string): void {
    const messageId = ++session.messageId;
    const idMember = GLOBAL_CHANNELS.includes(channel) ? [] : [`"id":"${id}"`];
    this.#send(
      session,
      `"type":"${type}"`,
      `"message_id":${messageId}`,
      [
        ...idMember,
        `"channel":"${channel}"`,
        `"version":"${VERSIONS[channel] ?? '1.0.0'}"`,
        `"contents":${contents}`,
      ],
      channel,
    );
  }

  // -------------------------------------------------------------- market

  onMarket(event: MarketEvent, nowNs: bigint): void {
    this.#ports.exchange.apply(event, nowNs);
    this.#advance(nowNs);
    const market = must(this.#markets[event.instrumentIndex], 'market of event');
    switch (event.kind) {
      case 'snapshot':
        this.#publishLevels(market, market.tape.replace(event.bids, event.asks));
        break;
      case 'levels':
        this.#publishLevels(market, market.tape.set(event.changes));
        break;
      case 'trade':
        market.matches.push(event);
        this.#showEarly(market, event);
        break;
    }
  }

  /** One message a side, as each order of the venue is on one side. */
  #publishLevels(market: Market, changes: readonly LevelChange[]): void {
    for (const isAsk of [false, true]) {
      const ofSide = changes.filter((change) => change.isAsk === isAsk);
      if (ofSide.length === 0) continue;
      const early = market.early;
      // A level that the venue states anew is what it is.
      if (early?.isAsk === isAsk && ofSide.some((c) => c.priceMantissa === early.priceMantissa)) {
        market.early = null;
      }
      this.#publish('v4_orderbook', market.instrument.venueSymbol, market.tape.text(ofSide));
    }
  }

  /** Now and then a taker stands in the book, crossed, until its block is over. */
  #showEarly(market: Market, trade: MarketEvent & { readonly kind: 'trade' }): void {
    const isDue = this.#random.nextUint32() % EARLY_TAKER_OF === 0;
    if (!isDue || market.early !== null) return;
    const isAsk = trade.takerSide === Side.Sell;
    const { bid, ask } = this.#ports.exchange.best(market.instrument.index);
    const other = isAsk ? bid : ask;
    const { priceMantissa, sizeMantissa } = trade;
    const crosses =
      other !== null &&
      (isAsk ? priceMantissa <= other.priceMantissa : priceMantissa >= other.priceMantissa);
    if (!crosses || market.tape.sizeAt(isAsk, priceMantissa) !== 0) return;
    market.early = { isAsk, priceMantissa, height: this.#height };
    const level = { isAsk, priceMantissa, sizeMantissa };
    this.#publish('v4_orderbook', market.instrument.venueSymbol, market.tape.text([level]));
  }

  /** The taker was matched: the level is what the exchange says. */
  #endEarly(market: Market): void {
    const early = market.early;
    if (early === null || early.height >= this.#height) return;
    market.early = null;
    const { isAsk, priceMantissa } = early;
    const sizeMantissa = market.tape.sizeAt(isAsk, priceMantissa);
    const text = market.tape.text([{ isAsk, priceMantissa, sizeMantissa }]);
    this.#publish('v4_orderbook', market.instrument.venueSymbol, text);
  }

  // -------------------------------------------------------------- blocks

  onTime(nowNs: bigint): void {
    this.#ports.exchange.expire(nowNs);
    this.#advance(nowNs);
    for (const session of this.#sessions.values()) {
      for (const answer of session.late.splice(0)) this.#answerSubscribe(session, answer, nowNs);
    }
    if (nowNs - this.#batchNs < BATCH_NS) return;
    this.#batchNs = nowNs;
    for (const session of this.#sessions.values()) {
      for (const subscription of session.subscriptions.values()) {
        const waiting = subscription.waiting.splice(0);
        if (waiting.length === 0) continue;
        this.#sendData(session, 'channel_batch_data', subscription, `[${waiting.join(',')}]`);
      }
    }
  }

  /** Ends the block when the time of the next one has come. */
  #advance(nowNs: bigint): void {
    const height = heightAt(nowNs);
    if (height <= this.#height) return;
    const ended = this.#height;
    this.#height = height;
    const effectiveAt = isoTime(timeOfBlock(ended) + BLOCK_NS);
    const oraclePrices: Record<string, unknown> = {};
    for (const market of this.#markets) {
      this.#publishTrades(market, ended);
      this.#endEarly(market);
      const { instrument } = market;
      const oracle = oracleText(instrument, this.#doubleMid(instrument));
      if (oracle === market.oracle || oracle === '0') continue;
      market.oracle = oracle;
      oraclePrices[instrument.venueSymbol] = {
        oraclePrice: oracle,
        effectiveAt,
        effectiveAtHeight: String(ended),
        marketId: marketIdOf(instrument),
      };
    }
    if (Object.keys(oraclePrices).length > 0) {
      this.#publish(CHANNEL_MARKETS, CHANNEL_MARKETS, JSON.stringify({ oraclePrices }));
    }
    if (Math.floor(height / FUNDING_BLOCKS) !== Math.floor(ended / FUNDING_BLOCKS)) {
      this.#publishFunding();
    }
    const blockHeight = JSON.stringify({ blockHeight: String(ended), time: effectiveAt });
    this.#publish('v4_block_height', 'v4_block_height', blockHeight);
  }

  #publishTrades(market: Market, height: number): void {
    const matches = market.matches.splice(0);
    if (matches.length === 0) return;
    const trades = matches.map((match) => ({
      // Growing over restarts, and so never given twice.
      id: tradeIdText(height, this.#ports.nextTradeId() % 65_536),
      side: match.takerSide,
      priceMantissa: match.priceMantissa,
      sizeMantissa: match.sizeMantissa,
      height,
    }));
    for (const trade of trades) {
      market.trades.unshift(trade);
      market.tradeCount++;
      market.volumeMantissa += BigInt(trade.priceMantissa) * BigInt(trade.sizeMantissa);
    }
    market.trades.splice(RECENT_TRADES_MAX);
    const { instrument } = market;
    this.#publish('v4_trades', instrument.venueSymbol, this.#tradesText(trades, instrument));
  }

  /** Twenty decimals, as the venue states the quotient of its samples. */
  #publishFunding(): void {
    const trading: Record<string, unknown> = {};
    for (const market of this.#markets) {
      const mantissa = BigInt(this.#random.nextUint32()) * 10_007n;
      market.fundingText = formatDecimal(mantissa, 20);
      trading[market.instrument.venueSymbol] = {
        id: String(marketIdOf(market.instrument)),
        nextFundingRate: market.fundingText,
      };
    }
    this.#publish(CHANNEL_MARKETS, CHANNEL_MARKETS, JSON.stringify({ trading }));
  }

  #tradesText(trades: readonly PublicTrade[], of?: Instrument): string {
    const instrument = of ?? this.#instrumentOfTrades(trades);
    return JSON.stringify({
      trades: trades.map((trade) => tradeJson(must(instrument, 'market of trades'), trade)),
    });
  }

  #instrumentOfTrades(trades: readonly PublicTrade[]): Instrument | undefined {
    return this.#markets.find((market) => market.trades === trades)?.instrument;
  }

  #doubleMid(instrument: Instrument): number {
    const { bid, ask } = this.#ports.exchange.best(instrument.index);
    return bid === null || ask === null ? 0 : bid.priceMantissa + ask.priceMantissa;
  }

  #marketsJson(): Record<string, unknown> {
    return Object.fromEntries(
      this.#markets.map((market) => [
        market.instrument.venueSymbol,
        marketJson(market.instrument, this.#figuresOf(market)),
      ]),
    );
  }

  #figuresOf(market: Market): MarketFigures {
    const { tradeCount, volumeMantissa, fundingText } = market;
    const doubleMid = this.#doubleMid(market.instrument);
    return { doubleMid, tradeCount, volumeMantissa, fundingText };
  }

  #marketOf(ticker: string): Market | undefined {
    return this.#markets.find(({ instrument }) => instrument.venueSymbol === ticker);
  }

  // -------------------------------------------------------------- requests

  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const state: PublicState = {
      height: this.#height,
      timeNs: nowNs,
      markets: () => this.#marketsJson(),
      book: (ticker) => this.#marketOf(ticker)?.tape.snapshotText() ?? null,
      trades: (ticker, limit) => {
        const market = this.#marketOf(ticker);
        return market === undefined
          ? null
          : market.trades.slice(0, limit).map((trade) => tradeJson(market.instrument, trade));
      },
    };
    return answerRest(request, state);
  }

  rateLimited(): SimulatorAnswer {
    return errorAnswer(429, 'Too many requests');
  }

  /** Nobody trades here: no change can have happened. */
  publishChanges(): void {
    // Orders are placed on the chain.
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

/** dYdX for sim/simulators.ts. Its private side is a chain and has no socket. */
export const SIMULATOR: SimulatorDefinition = {
  venue: 'dydx',
  wsPaths: ['/v4/ws'],
  wsPrivatePaths: [],
  instruments: simulatedInstruments(),
  create: (ports) => new DydxSimulator(ports),
};

/** Null when a message may be about this; else the venue's words. */
function problemOf(channel: unknown, id: unknown): string | null {
  if (typeof channel !== 'string' || channel === '') {
    return 'Invalid subscribe message: channel is required';
  }
  const known = [...MARKET_CHANNELS, ...ACCOUNT_CHANNELS, ...GLOBAL_CHANNELS];
  if (!known.includes(channel)) return `Invalid channel: ${channel}`;
  const needsId = !GLOBAL_CHANNELS.includes(channel);
  return needsId && typeof id !== 'string' ? `Invalid id: ${String(id)}` : null;
}

function tradeJson(instrument: Instrument, trade: PublicTrade): Record<string, string> {
  return {
    id: trade.id,
    side: trade.side === Side.Buy ? 'BUY' : 'SELL',
    size: formatDecimal(trade.sizeMantissa, instrument.sizeScale),
    price: formatDecimal(trade.priceMantissa, instrument.priceScale),
    type: 'LIMIT',
    createdAt: isoTime(timeOfBlock(trade.height) + BLOCK_NS),
    createdAtHeight: String(trade.height),
  };
}
