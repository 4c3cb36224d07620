/**
 * simulator-rest: the public REST side of the Binance simulators, and the words of everything that they refuse.
 * Deterministic: what changes comes in by `RestView`.
 *
 * Weights are those of the documentation (rest-api.md, 2026-07; futures pages): who asks too much is answered 429.
 */
import type { PriceLevel, SimulatorAnswer, SimulatorRequest } from '../simulator-port.js';
import type { PublicTrade } from './simulator-streams.js';
import {
  exchangeInfo,
  paddedDecimal,
  priceText,
  sizeText,
  valueText,
  type SimulatedMarket,
  type SymbolFacts,
} from './simulator-symbols.js';

/** What the venue knows of a symbol now. */
export interface RestView {
  readonly facts: SymbolFacts;
  /** Id of the last change of its book. */
  readonly updateId: number;
  depth(levels: number): {
    readonly bids: readonly PriceLevel[];
    readonly asks: readonly PriceLevel[];
  };
  /** Oldest first. */
  readonly trades: readonly PublicTrade[];
  readonly mark: MarkView;
}

/** Mantissas with eight decimals. */
export interface MarkView {
  readonly markMantissa: bigint;
  readonly indexMantissa: bigint;
  readonly nextFundingMs: number;
}

/** Funding of the simulated futures: 0.01 % each eight hours, as in quiet times. */
export const FUNDING_RATE = '0.00010000';

const LIST_DEFAULT = 500;
const LIST_MAX = 1_000;
const FUTURES_DEPTHS = [5, 10, 20, 50, 100, 500, 1_000];
const MINUTE_MS = 60_000;
const INTERVALS: Readonly<Record<string, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
  '4h': 240 * MINUTE_MS,
  '1d': 1_440 * MINUTE_MS,
};

export class SimulatedRest {
  readonly #market: SimulatedMarket;
  readonly #views: () => readonly RestView[];
  #minute = 0;
  #weight = 0;

  constructor(market: SimulatedMarket, views: () => readonly RestView[]) {
    this.#market = market;
    this.#views = views;
  }

  answer(request: SimulatorRequest, nowNs: bigint): SimulatorAnswer {
    const epochMs = Number(nowNs / 1_000_000n);
    const minute = Math.floor(epochMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#weight = 0;
    }
    const { restPath, weightMax } = this.#market;
    const query = new URLSearchParams(request.query);
    const route = request.path.startsWith(`${restPath}/`)
      ? request.path.slice(restPath.length)
      : '';
    this.#weight += this.#weightOf(route, query);
    if (this.#weight > weightMax) return this.tooMany(nowNs);
    const answer = this.#route(request, route, query, epochMs);
    const used = String(this.#weight);
    return {
      ...answer,
      headers: { ...answer.headers, 'x-mbx-used-weight': used, 'x-mbx-used-weight-1m': used },
    };
  }

  /** 429, as the venue says it. */
  tooMany(nowNs: bigint): SimulatorAnswer {
    const restMs = MINUTE_MS - (Number(nowNs / 1_000_000n) % MINUTE_MS);
    const { weightMax } = this.#market;
    const refused = refusal(
      429,
      -1003,
      `Too much request weight used; current limit is ${weightMax} request weight per 1 MINUTE. ` +
        'Please use WebSocket Streams for live updates to avoid polling the API.',
    );
    // A planned fault is over at once; the minute's limit is not.
    const seconds = this.#weight > weightMax ? Math.ceil(restMs / 1000) : 1;
    return { ...refused, headers: { 'retry-after': String(seconds) } };
  }

  #weightOf(route: string, query: URLSearchParams): number {
    const { isFutures } = this.#market;
    const limit = Number(query.get('limit') ?? (isFutures ? 500 : 100));
    switch (route) {
      case '/depth':
        if (isFutures) return limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20;
        return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
      case '/exchangeInfo':
        return isFutures ? 1 : 20;
      case '/trades':
        return isFutures ? 5 : 25;
      case '/ticker/24hr':
        return query.has('symbol') ? (isFutures ? 1 : 2) : 80;
      default:
        return 2;
    }
  }

  #route(
    request: SimulatorRequest,
    route: string,
    query: URLSearchParams,
    epochMs: number,
  ): SimulatorAnswer {
    if (request.method === 'GET') {
      switch (route) {
        case '/ping':
          return good({});
        case '/time':
          return good({ serverTime: epochMs });
        case '/exchangeInfo':
          return this.#exchangeInfo(query, epochMs);
        case '/depth':
          return this.#one(query, (view) => this.#depth(view, query, epochMs));
        case '/trades':
          return this.#one(query, (view) => this.#trades(view, query));
        case '/aggTrades':
          return this.#one(query, (view) => this.#aggregates(view, query));
        case '/klines':
          return this.#one(query, (view) => candles(view, query));
        case '/ticker/bookTicker':
          return this.#oneOrAll(query, (view) => this.#bookTicker(view, epochMs));
        case '/ticker/24hr':
          return this.#oneOrAll(query, (view) => this.#day(view, epochMs));
        case '/ticker/price':
          return this.#oneOrAll(query, (view) => ({
            symbol: view.facts.symbol,
            price: lastText(view),
          }));
        case '/premiumIndex':
          if (this.#market.isFutures) {
            return this.#oneOrAll(query, (view) => premiumIndex(view, epochMs));
          }
          break;
        default:
      }
    }
    if (!isPrivateRoute(request.path)) {
      return refusal(404, -5000, `Path ${request.path}, Method ${request.method} is invalid`);
    }
    const topic = /\/order/.test(request.path)
      ? request.method === 'DELETE'
        ? 'cancel'
        : 'place'
      : 'query';
    return { ...noPermission(), topic };
  }

  #exchangeInfo(query: URLSearchParams, epochMs: number): SimulatorAnswer {
    const one = query.get('symbol');
    const listed = /"([A-Z0-9_]+)"/g;
    const many = [...(query.get('symbols') ?? '').matchAll(listed)].map(([, name = '']) => name);
    const symbols = one === null ? many : [one];
    const known = this.#market.facts.map(({ symbol }) => symbol);
    if (symbols.some((symbol) => !known.includes(symbol))) return invalidSymbol();
    return good(exchangeInfo(this.#market, symbols, epochMs));
  }

  #one(query: URLSearchParams, body: (view: RestView) => unknown): SimulatorAnswer {
    const symbol = query.get('symbol') ?? '';
    if (symbol === '') {
      const words = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.";
      return refusal(400, -1102, words);
    }
    const view = this.#views().find(({ facts }) => facts.symbol === symbol);
    if (view === undefined) return invalidSymbol();
    const answer = body(view);
    return isAnswer(answer) ? answer : good(answer);
  }

  #oneOrAll(query: URLSearchParams, body: (view: RestView) => unknown): SimulatorAnswer {
    return query.has('symbol') ? this.#one(query, body) : good(this.#views().map(body));
  }

  #depth(view: RestView, query: URLSearchParams, epochMs: number): unknown {
    const { isFutures } = this.#market;
    const given = query.get('limit');
    const limit = given === null ? (isFutures ? 500 : 100) : Number(given);
    const isAllowed = isFutures
      ? FUTURES_DEPTHS.includes(limit)
      : Number.isInteger(limit) && limit > 0;
    if (!isAllowed) {
      return isFutures
        ? refusal(400, -4021, `${String(given)} is not valid depth limit.`)
        : refusal(400, -1100, "Illegal characters found in parameter 'limit'.");
    }
    const { bids, asks } = view.depth(Math.min(limit, 5_000));
    const pair = (level: PriceLevel): readonly [string, string] => [
      priceText(view.facts, level.priceMantissa),
      sizeText(view.facts, level.sizeMantissa),
    ];
    return {
      lastUpdateId: view.updateId,
      ...(isFutures ? { E: epochMs, T: epochMs } : {}),
      bids: bids.map(pair),
      asks: asks.map(pair),
    };
  }

  #trades(view: RestView, query: URLSearchParams): unknown {
    const { isFutures } = this.#market;
    return view.trades.slice(-limitOf(query)).map((trade) => ({
      id: trade.id,
      price: priceText(view.facts, trade.priceMantissa),
      qty: sizeText(view.facts, trade.sizeMantissa),
      quoteQty: valueText(view.facts, trade.priceMantissa, trade.sizeMantissa),
      time: Number(trade.timeNs / 1_000_000n),
      isBuyerMaker: trade.isBuyerMaker,
      ...(isFutures ? {} : { isBestMatch: true }),
    }));
  }

  #aggregates(view: RestView, query: URLSearchParams): unknown {
    const { isFutures } = this.#market;
    return view.trades.slice(-limitOf(query)).map((trade) => ({
      a: trade.id,
      p: priceText(view.facts, trade.priceMantissa),
      q: sizeText(view.facts, trade.sizeMantissa),
      f: trade.id,
      l: trade.id,
      T: Number(trade.timeNs / 1_000_000n),
      m: trade.isBuyerMaker,
      ...(isFutures ? {} : { M: true }),
    }));
  }

  #bookTicker(view: RestView, epochMs: number): unknown {
    const { facts } = view;
    const { bids, asks } = view.depth(1);
    return {
      symbol: facts.symbol,
      bidPrice: priceText(facts, bids[0]?.priceMantissa ?? 0),
      bidQty: sizeText(facts, bids[0]?.sizeMantissa ?? 0),
      askPrice: priceText(facts, asks[0]?.priceMantissa ?? 0),
      askQty: sizeText(facts, asks[0]?.sizeMantissa ?? 0),
      ...(this.#market.isFutures ? { time: epochMs, lastUpdateId: view.updateId } : {}),
    };
  }

  /** The day so far: as much of it as has been played. */
  #day(view: RestView, epochMs: number): unknown {
    const { facts, trades } = view;
    const { bids, asks } = view.depth(1);
    const first = trades[0];
    const last = trades.at(-1);
    const prices = trades.map(({ priceMantissa }) => priceMantissa);
    const volume = trades.reduce((sum, trade) => sum + BigInt(trade.sizeMantissa), 0n);
    const value = trades.reduce(
      (sum, trade) => sum + BigInt(trade.priceMantissa) * BigInt(trade.sizeMantissa),
      0n,
    );
    const price = (mantissa: number | undefined): string => priceText(facts, mantissa ?? 0);
    return {
      symbol: facts.symbol,
      priceChange: price((last?.priceMantissa ?? 0) - (first?.priceMantissa ?? 0)),
      priceChangePercent: '0.000',
      weightedAvgPrice: price(volume === 0n ? 0 : Number(value / volume)),
      prevClosePrice: price(first?.priceMantissa),
      lastPrice: price(last?.priceMantissa),
      lastQty: sizeText(facts, last?.sizeMantissa ?? 0),
      bidPrice: price(bids[0]?.priceMantissa),
      bidQty: sizeText(facts, bids[0]?.sizeMantissa ?? 0),
      askPrice: price(asks[0]?.priceMantissa),
      askQty: sizeText(facts, asks[0]?.sizeMantissa ?? 0),
      openPrice: price(first?.priceMantissa),
      highPrice: price(prices.length === 0 ? 0 : Math.max(...prices)),
      lowPrice: price(prices.length === 0 ? 0 : Math.min(...prices)),
      volume: sizeText(facts, volume),
      quoteVolume: paddedDecimal(value, facts.priceScale + facts.sizeScale, 8),
      openTime: epochMs - 86_400_000,
      closeTime: epochMs,
      firstId: first?.id ?? -1,
      lastId: last?.id ?? -1,
      count: trades.length,
    };
  }
}

/** Start, open, high, low, close, volume, end, value, count, taker volume, taker value, unused. */
function candles(view: RestView, query: URLSearchParams): unknown {
  const { facts } = view;
  const lengthMs = INTERVALS[query.get('interval') ?? ''];
  if (lengthMs === undefined) return refusal(400, -1120, 'Invalid interval.');
  const byStart = new Map<number, PublicTrade[]>();
  for (const trade of view.trades) {
    const ms = Number(trade.timeNs / 1_000_000n);
    const startMs = ms - (ms % lengthMs);
    const of = byStart.get(startMs) ?? [];
    of.push(trade);
    byStart.set(startMs, of);
  }
  const candle = (startMs: number, trades: readonly PublicTrade[]): unknown => {
    const prices = trades.map(({ priceMantissa }) => priceMantissa);
    const taken = trades.filter(({ isBuyerMaker }) => !isBuyerMaker);
    const volume = (of: readonly PublicTrade[]): string =>
      sizeText(
        facts,
        of.reduce((sum, { sizeMantissa }) => sum + BigInt(sizeMantissa), 0n),
      );
    const value = (of: readonly PublicTrade[]): string =>
      paddedDecimal(
        of.reduce((sum, one) => sum + BigInt(one.priceMantissa) * BigInt(one.sizeMantissa), 0n),
        facts.priceScale + facts.sizeScale,
        8,
      );
    return [
      startMs,
      priceText(facts, prices[0] ?? 0),
      priceText(facts, Math.max(...prices)),
      priceText(facts, Math.min(...prices)),
      priceText(facts, prices.at(-1) ?? 0),
      volume(trades),
      startMs + lengthMs - 1,
      value(trades),
      trades.length,
      volume(taken),
      value(taken),
      '0',
    ];
  };
  return [...byStart].slice(-limitOf(query)).map(([startMs, trades]) => candle(startMs, trades));
}

function premiumIndex(view: RestView, epochMs: number): unknown {
  const { mark } = view;
  return {
    symbol: view.facts.symbol,
    markPrice: paddedDecimal(mark.markMantissa, 8, 8),
    indexPrice: paddedDecimal(mark.indexMantissa, 8, 8),
    estimatedSettlePrice: paddedDecimal(mark.indexMantissa, 8, 8),
    lastFundingRate: FUNDING_RATE,
    interestRate: '0.00010000',
    nextFundingTime: mark.nextFundingMs,
    time: epochMs,
  };
}

function lastText(view: RestView): string {
  const last = view.trades.at(-1) ?? view.depth(1).bids[0];
  return priceText(view.facts, last?.priceMantissa ?? 0);
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? LIST_DEFAULT);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, LIST_MAX) : LIST_DEFAULT;
}

/** Accounts, orders, user streams: first words behind the version. */
const PRIVATE_ROUTES = [
  ...['account', 'order', 'openOrder', 'allO', 'myTrades', 'userTrades', 'balance', 'positionRisk'],
  ...['listenKey', 'userDataStream', 'countdownCancelAll', 'leverage', 'marginType', 'batchOrders'],
  ...['income', 'commissionRate', 'capital', 'asset'],
];

function isPrivateRoute(path: string): boolean {
  const route = /^\/(?:s?api|fapi)\/v\d\/(.+)$/.exec(path)?.[1] ?? '';
  return PRIVATE_ROUTES.some((word) => route.startsWith(word));
}

function isAnswer(value: unknown): value is SimulatorAnswer {
  return typeof value === 'object' && value !== null && 'contentType' in value;
}

function good(body: unknown): SimulatorAnswer {
  return {
    status: 200,
    contentType: 'application/json;charset=UTF-8',
    headers: {},
    body: JSON.stringify(body),
    topic: 'query',
  };
}

function refusal(status: number, code: number, msg: string): SimulatorAnswer {
  return { ...good({ code, msg }), status };
}

function invalidSymbol(): SimulatorAnswer {
  return refusal(400, -1121, 'Invalid symbol.');
}

/** What every private endpoint says: the simulator has no accounts of this venue yet. */
export function noPermission(): SimulatorAnswer {
  return refusal(401, -2015, 'Invalid API-key, IP, or permissions for action.');
}
