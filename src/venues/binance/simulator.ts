/**
 * BinanceSimulator: Binance from the venue's side, spot and USD-M: public streams and public REST. Private endpoints
 * answer that the key may not. Deterministic: messages, requests, market events and times come in; texts go out. Runs
 * in the simulator's process, driven by sim/venue-server.ts; the market is behind ports.
 *
 *   onMarket ──▶ exchange ──┬▶ trade, aggTrade, bookTicker   at once
 *                           └▶ DiffGatherer ─▶ depth@100ms … when the interval is over (onMarket, onTime)
 *   onTime ───────────────────▶ markPrice, partial books
 *
 * Invariants: every change of a book has its own id and is in exactly one diff of each interval; /depth tells the id of
 * the last change, gathered or not. Ids of spot count a symbol's changes, those of futures all symbols' (so they have
 * holes, and `pu` chains the diffs). Sources: captures of 2021 to 2026 (texts, ids), web-socket-streams.md and
 * rest-api.md of 2026-07 (requests, errors, limits).
 */
import { must } from '../../domain/assert.js';
import { Side } from '../../domain/order.js';
import type {
  LevelChange,
  MarketEvent,
  PriceLevel,
  SimulatorAnswer,
  SimulatorConnection,
  SimulatorDefinition,
  SimulatorPorts,
  SimulatorRequest,
  VenueSimulator,
} from '../simulator-port.js';
import { formatDecimal } from '../simulator-text.js';
import { FUNDING_RATE, SimulatedRest, type MarkView, type RestView } from './simulator-rest.js';
import {
  DiffGatherer,
  aggregateText,
  diffText,
  levelsText,
  micros,
  millis,
  parseStream,
  tickerText,
  tradeText,
  type PublicTrade,
  type StreamName,
  type TimeText,
} from './simulator-streams.js';
import {
  SPOT_MARKET,
  USDM_MARKET,
  paddedDecimal,
  simulatedInstruments,
  type SimulatedMarket,
  type SymbolFacts,
} from './simulator-symbols.js';

const NS_PER_MS = 1_000_000n;
const NS_PER_SEC = 1_000_000_000n;
const FUNDING_INTERVAL_MS = 8 * 3_600_000;
/** Trades that /trades still knows. */
const RECENT_TRADES_MAX = 1_000;
/** Streams of one connection (web-socket-streams.md, 2026-07). */
const STREAMS_MAX = 1_024;
const CLOSE_POLICY_VIOLATION = 1008;
/** Ids of other symbols between two events of one (captures of USD-M: 2 to 600). */
const FOREIGN_IDS = 7;

interface Session {
  readonly connection: SimulatorConnection;
  /** Events come in {"stream":…,"data":…}. */
  readonly isCombined: boolean;
  readonly time: TimeText;
  /** Futures: /public and the root carry depth, bookTicker and trade, /market everything else. */
  readonly carries: (stream: StreamName) => boolean;
  /** By name. */
  readonly streams: Map<string, StreamName>;
  /** Times of the messages within the last second. */
  readonly messagesNs: bigint[];
}

/** A symbol's state. */
interface Book {
  readonly facts: SymbolFacts;
  readonly index: number;
  updateId: number;
  /** By interval in milliseconds. */
  readonly gatherers: ReadonlyMap<number, DiffGatherer>;
  readonly trades: PublicTrade[];
  topText: string;
  /** When its partial books and marks were told last, by stream name. */
  readonly toldNs: Map<string, bigint>;
}

export class BinanceSimulator implements VenueSimulator {
  readonly #market: SimulatedMarket;
  readonly #isFutures: boolean;
  readonly #ports: SimulatorPorts;
  readonly #rest: SimulatedRest;
  readonly #sessions = new Map<SimulatorConnection, Session>();
  readonly #books: readonly Book[];
  /** Last id of any symbol; futures. */
  #globalId: number;

  constructor(market: SimulatedMarket, ports: SimulatorPorts) {
    this.#market = market;
    this.#isFutures = market.isFutures;
    this.#ports = ports;
    this.#rest = new SimulatedRest(market, () => this.#books.map((book) => this.#viewOf(book)));
    // Growing over restarts, like the venue's.
    const startId = Number(ports.startedNs / NS_PER_MS) + 1;
    this.#globalId = startId;
    const intervals = market.isFutures ? [100, 250, 500] : [100, 1000];
    this.#books = ports.exchange.instruments.map((instrument) => ({
      facts: must(
        market.facts.find(({ symbol }) => symbol === instrument.venueSymbol),
        `facts of ${instrument.venueSymbol}`,
      ),
      index: instrument.index,
      updateId: startId,
      gatherers: new Map(intervals.map((ms) => [ms, new DiffGatherer(ms, startId)])),
      trades: [],
      topText: '',
      toldNs: new Map(),
    }));
  }

  // -------------------------------------------------------------- sockets

  onOpen(connection: SimulatorConnection): void {
    const { path, query } = connection;
    const isMarketPath = path.startsWith('/market/');
    const parameters = new URLSearchParams(query);
    const session: Session = {
      connection,
      isCombined: path.endsWith('/stream'),
      time: parameters.get('timeUnit')?.toUpperCase() === 'MICROSECOND' ? micros : millis,
      carries: ({ kind }) =>
        !this.#isFutures ||
        isMarketPath !== ['trade', 'bookTicker', 'diff', 'partial'].includes(kind),
      streams: new Map(),
      messagesNs: [],
    };
    this.#sessions.set(connection, session);
    // Names in the address: /ws/a/b or /stream?streams=a/b. Unknown ones are never sent, and nobody says so.
    const named = session.isCombined
      ? (parameters.get('streams') ?? '')
      : path.slice(path.indexOf('/ws') + 4);
    for (const name of named.split('/')) {
      const stream = parseStream(name, this.#isFutures);
      if (stream !== null) session.streams.set(name, stream);
    }
  }

  onClose(connection: SimulatorConnection): void {
    this.#sessions.delete(connection);
  }

  onMessage(connection: SimulatorConnection, text: string, nowNs: bigint): void {
    if (connection.isPrivate) {
      this.#refusePrivate(connection, text);
      return;
    }
    const session = must(this.#sessions.get(connection), 'session of connection');
    session.messagesNs.push(nowNs);
    while (nowNs - (session.messagesNs[0] ?? nowNs) >= NS_PER_SEC) session.messagesNs.shift();
    if (session.messagesNs.length > this.#market.messagesPerSecMax) {
      connection.close(CLOSE_POLICY_VIOLATION, 'Too many requests');
      return;
    }
    const message = jsonOrNull(text);
    if (message === undefined) {
      send(connection, { code: 3, msg: 'Invalid JSON: expected value at line 1 column 1' });
      return;
    }
    this.#onRequestOf(session, message);
  }

  #onRequestOf(session: Session, message: unknown): void {
    const fields = (typeof message === 'object' ? message : null) as Record<string, unknown> | null;
    const id = fields?.['id'] ?? null;
    const { connection, streams } = session;
    const refuse = (msg: string): void => send(connection, { error: { code: 2, msg }, id });
    if (id !== null && typeof id !== 'number' && typeof id !== 'string') {
      refuse('Invalid request: request ID must be an unsigned integer');
      return;
    }
    const method = fields?.['method'];
    if (method === 'LIST_SUBSCRIPTIONS') {
      send(connection, { result: [...streams.keys()], id });
      return;
    }
    if (method !== 'SUBSCRIBE' && method !== 'UNSUBSCRIBE') {
      refuse(`Invalid request: unknown method ${JSON.stringify(method ?? null)}`);
      return;
    }
    const names = fields?.['params'];
    if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
      refuse('Invalid request: params must be a list of streams');
      return;
    }
    const parsed = (names as string[]).map((name) => parseStream(name, this.#isFutures));
    if (parsed.includes(null)) {
      refuse('Invalid request: invalid stream');
      return;
    }
    for (const stream of parsed) {
      if (stream === null) continue;
      if (method === 'UNSUBSCRIBE') streams.delete(stream.name);
      else if (streams.size < STREAMS_MAX) streams.set(stream.name, stream);
    }
    send(connection, { result: null, id });
  }

  #refusePrivate(connection: SimulatorConnection, text: string): void {
    const message = jsonOrNull(text);
    const id = (message as { id?: unknown } | null | undefined)?.id ?? null;
    const error = { code: -2015, msg: 'Invalid API-key, IP, or permissions for action.' };
    send(connection, { id, status: 401, error, rateLimits: [] });
  }

  /** Sends an event to every session that has such a stream of this symbol; `text` is made once for each unit of time. */
  #publish(
    book: Book,
    topic: string,
    isWanted: (stream: StreamName) => boolean,
    text: (time: TimeText) => string,
  ): void {
    const made = new Map<TimeText, string>();
    for (const session of this.#sessions.values()) {
      for (const stream of session.streams.values()) {
        if (stream.symbol !== book.facts.symbol || !isWanted(stream)) continue;
        if (!session.carries(stream)) continue;
        const event = made.get(session.time) ?? text(session.time);
        made.set(session.time, event);
        const frame = session.isCombined ? `{"stream":"${stream.name}","data":${event}}` : event;
        session.connection.send(frame, topic);
      }
    }
  }

  // -------------------------------------------------------------- market

  onMarket(event: MarketEvent, nowNs: bigint): void {
    const { exchange } = this.#ports;
    const book = must(this.#books[event.instrumentIndex], 'book of event');
    const before = event.kind === 'snapshot' ? exchange.depth(book.index, Infinity) : null;
    exchange.apply(event, nowNs);
    if (event.kind === 'trade') this.#onTrade(book, event, nowNs);
    else if (event.kind === 'levels') this.#onChanges(book, event.changes, nowNs);
    else this.#onChanges(book, differences(must(before, 'book before'), event), nowNs);
    this.#publishTicker(book, nowNs);
    this.#publishDiffs(book, nowNs);
  }

  #onTrade(book: Book, event: MarketEvent & { kind: 'trade' }, nowNs: bigint): void {
    const trade: PublicTrade = {
      id: this.#ports.nextTradeId(),
      priceMantissa: event.priceMantissa,
      sizeMantissa: event.sizeMantissa,
      isBuyerMaker: event.takerSide === Side.Sell,
      timeNs: nowNs,
    };
    book.trades.push(trade);
    if (book.trades.length > RECENT_TRADES_MAX) book.trades.shift();
    const { facts } = book;
    this.#publish(
      book,
      'trade',
      ({ kind }) => kind === 'trade',
      (time) => tradeText(facts, trade, this.#isFutures, time),
    );
    this.#publish(
      book,
      'aggTrade',
      ({ kind }) => kind === 'aggTrade',
      (time) => aggregateText(facts, trade, this.#isFutures, time),
    );
  }

  #onChanges(book: Book, changes: readonly LevelChange[], nowNs: bigint): void {
    if (changes.length === 0) return;
    const firstId = (this.#isFutures ? this.#globalId + FOREIGN_IDS : book.updateId) + 1;
    const lastId = firstId + changes.length - 1;
    book.updateId = lastId;
    this.#globalId = lastId;
    for (const gatherer of book.gatherers.values()) gatherer.add(changes, firstId, lastId, nowNs);
  }

  /** bookTicker speaks when the top changed, ahead of the diffs. */
  #publishTicker(book: Book, nowNs: bigint): void {
    const { bid, ask } = this.#ports.exchange.best(book.index);
    const topText = `${levelText(bid)}|${levelText(ask)}`;
    if (topText === book.topText) return;
    book.topText = topText;
    this.#publish(
      book,
      'bookTicker',
      ({ kind }) => kind === 'bookTicker',
      (time) => tickerText(book.facts, book.updateId, bid, ask, this.#isFutures, nowNs, time),
    );
  }

  #publishDiffs(book: Book, nowNs: bigint): void {
    for (const [ms, gatherer] of book.gatherers) {
      const diff = gatherer.take(nowNs);
      if (diff === null) continue;
      this.#publish(
        book,
        'depth',
        ({ kind, intervalMs }) => kind === 'diff' && intervalMs === ms,
        (time) => diffText(book.facts, diff, this.#isFutures, nowNs, time),
      );
      // Small whole books come in the same rhythm; on futures they look like diffs.
      for (const levels of [5, 10, 20]) {
        this.#publish(
          book,
          'depth',
          (stream) => stream.levels === levels && stream.intervalMs === ms,
          (time) => {
            const whole = this.#ports.exchange.depth(book.index, levels);
            return this.#isFutures
              ? diffText(book.facts, { ...diff, ...whole }, true, nowNs, time)
              : `{"lastUpdateId":${diff.lastId},"bids":${levelsText(book.facts, whole.bids)},` +
                  `"asks":${levelsText(book.facts, whole.asks)}}`;
          },
        );
      }
    }
  }

  // -------------------------------------------------------------- time

  onTime(nowNs: bigint): void {
    this.#ports.exchange.expire(nowNs);
    for (const book of this.#books) {
      this.#publishDiffs(book, nowNs);
      if (this.#isFutures) this.#publishMarks(book, nowNs);
    }
  }

  #publishMarks(book: Book, nowNs: bigint): void {
    const mark = this.#markOf(book, nowNs);
    for (const ms of [1000, 3000]) {
      const key = String(ms);
      if (nowNs - (book.toldNs.get(key) ?? 0n) < BigInt(ms) * NS_PER_MS) continue;
      book.toldNs.set(key, nowNs);
      this.#publish(
        book,
        'markPrice',
        ({ kind, intervalMs }) => kind === 'markPrice' && intervalMs === ms,
        (time) => markText(book.facts, mark, nowNs, time),
      );
    }
  }

  /** The middle of the book, with eight decimals; the index is the same, for there is no other market to look at. */
  #markOf(book: Book, nowNs: bigint): MarkView {
    const { bid, ask } = this.#ports.exchange.best(book.index);
    const sum = BigInt(bid?.priceMantissa ?? 0) + BigInt(ask?.priceMantissa ?? 0);
    const markMantissa = (sum * 10n ** BigInt(8 - book.facts.priceScale)) / 2n;
    const nowMs = Number(nowNs / NS_PER_MS);
    const nextFundingMs = nowMs - (nowMs % FUNDING_INTERVAL_MS) + FUNDING_INTERVAL_MS;
    return { markMantissa, indexMantissa: markMantissa, nextFundingMs };
  }

  publishChanges(): void {
    // There are no accounts of this venue: nothing private ever changes.
  }

  // -------------------------------------------------------------- REST

  #nowNs = 0n;

  onRequest(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    this.#nowNs = nowNs;
    return this.#rest.answer(request, nowNs);
  }

  rateLimited(nowNs: bigint): SimulatorAnswer {
    return this.#rest.tooMany(nowNs);
  }

  #viewOf(book: Book): RestView {
    return {
      facts: book.facts,
      updateId: book.updateId,
      depth: (levels) => this.#ports.exchange.depth(book.index, levels),
      trades: book.trades,
      mark: this.#markOf(book, this.#nowNs),
    };
  }

  // -------------------------------------------------------------- truth

  truth(): unknown {
    const accounts = Object.fromEntries(
      this.#ports.exchange.accounts().map(({ currency, scale, totalMantissa, holdMantissa }) => [
        currency,
        {
          total: formatDecimal(totalMantissa, scale),
          available: formatDecimal(totalMantissa - holdMantissa, scale),
          hold: formatDecimal(holdMantissa, scale),
        },
      ]),
    );
    return { accounts, orders: [], fills: [], positions: [], openOrders: 0, fillCount: 0 };
  }
}

/** What must be changed to come from one whole book to another: the market jumped. */
function differences(
  before: { readonly bids: readonly PriceLevel[]; readonly asks: readonly PriceLevel[] },
  after: { readonly bids: readonly PriceLevel[]; readonly asks: readonly PriceLevel[] },
): LevelChange[] {
  const side = (
    from: readonly PriceLevel[],
    to: readonly PriceLevel[],
    isAsk: boolean,
  ): LevelChange[] => {
    const sizes = new Map(from.map((level) => [level.priceMantissa, level.sizeMantissa]));
    const changes: LevelChange[] = [];
    for (const { priceMantissa, sizeMantissa } of to) {
      if (sizes.get(priceMantissa) !== sizeMantissa) {
        changes.push({ isAsk, priceMantissa, sizeMantissa });
      }
      sizes.delete(priceMantissa);
    }
    for (const priceMantissa of sizes.keys()) {
      changes.push({ isAsk, priceMantissa, sizeMantissa: 0 });
    }
    return changes;
  };
  return [...side(before.bids, after.bids, false), ...side(before.asks, after.asks, true)];
}

function markText(facts: SymbolFacts, mark: MarkView, nowNs: bigint, time: TimeText): string {
  const price = paddedDecimal(mark.markMantissa, 8, 8);
  const index = paddedDecimal(mark.indexMantissa, 8, 8);
  const next = time(BigInt(mark.nextFundingMs) * NS_PER_MS);
  return (
    `{"e":"markPriceUpdate","E":${time(nowNs)},"s":"${facts.symbol}","p":"${price}","P":"${index}",` +
    `"i":"${index}","r":"${FUNDING_RATE}","T":${next}}`
  );
}

function levelText(level: PriceLevel | null): string {
  return level === null ? '' : `${level.priceMantissa}:${level.sizeMantissa}`;
}

function send(connection: SimulatorConnection, message: unknown): void {
  connection.send(JSON.stringify(message), 'answer');
}

/** Undefined: it is not JSON. */
function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // The caller says so to the client.
  }
}

/** What sim/ must know of the spot venue. */
export const SIMULATOR: SimulatorDefinition = {
  venue: SPOT_MARKET.venue,
  wsPaths: ['/stream', '/ws', '/ws/*'],
  wsPrivatePaths: ['/ws-api/v3'],
  instruments: simulatedInstruments(SPOT_MARKET),
  create: (ports) => new BinanceSimulator(SPOT_MARKET, ports),
};

/** What sim/ must know of the USD-M venue. */
export const SIMULATOR_USDM: SimulatorDefinition = {
  venue: USDM_MARKET.venue,
  wsPaths: [
    ...['/public/stream', '/public/ws', '/public/ws/*'],
    ...['/market/stream', '/market/ws', '/market/ws/*'],
    ...['/stream', '/ws', '/ws/*'],
  ],
  wsPrivatePaths: ['/ws-fapi/v1', '/private/ws', '/private/stream'],
  instruments: simulatedInstruments(USDM_MARKET),
  create: (ports) => new BinanceSimulator(USDM_MARKET, ports),
};
