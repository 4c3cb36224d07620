/**
 * simulator-rest: the public half of Kraken's REST side: /0/public/{Time,SystemStatus,Assets,AssetPairs,Depth,Ticker,Trades,
 * OHLC}. Every answer is {"error":[…],"result":…} with HTTP 200, errors too. Deterministic.
 *
 * Shapes: REST bodies captured in 2025 and 2026. Prices of Depth, Ticker and Trades have five decimals whatever the pair
 * has, sizes of Depth three (what three decimals cannot hold is written with all of them: no book here is rounded).
 */
import { must } from '../../domain/assert.js';
import type { Instrument } from '../../domain/instrument.js';
import { Side } from '../../domain/order.js';
import type {
  PriceLevel,
  SimulatedExchange,
  SimulatorAnswer,
  SimulatorRequest,
} from '../simulator-port.js';
import { formatTime } from '../simulator-text.js';
import { fixedText } from './simulator-book.js';
import { vwapMantissa, type Candle, type PairHistory } from './simulator-history.js';
import { assetPairs, assets, isPairNamed, restNameOf } from './simulator-pairs.js';

const PUBLIC = '/0/public/';
const PRIVATE = '/0/private/';
const NS_PER_SEC = 1_000_000_000n;
const PRICE_DECIMALS_MIN = 5;
const DEPTH_SIZE_DECIMALS = 3;
const DEPTH_DEFAULT = 100;
const DEPTH_MAX = 500;
const TRADES_MAX = 1_000;
const INTERVALS_MIN: readonly number[] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** What the routes read. */
export interface RestState {
  readonly exchange: SimulatedExchange;
  historyOf(instrument: Instrument): PairHistory;
}

export function answerRest(
  state: RestState,
  request: SimulatorRequest,
  nowNs: bigint,
): SimulatorAnswer {
  if (request.path.startsWith(PRIVATE)) return failure('EGeneral:Permission denied');
  if (!request.path.startsWith(PUBLIC)) return failure('EGeneral:Unknown method');
  const parameters = new URLSearchParams(request.method === 'POST' ? request.body : request.query);
  switch (request.path.slice(PUBLIC.length)) {
    case 'Time':
      return success({ unixtime: Number(nowNs / NS_PER_SEC), rfc1123: rfc1123(nowNs) });
    case 'SystemStatus':
      return success({
        status: 'online',
        timestamp: formatTime(nowNs - (nowNs % NS_PER_SEC), 6),
      });
    case 'Assets':
      return success(assets());
    case 'AssetPairs':
      return withPairs(state, parameters, (pairs) => assetPairs(pairs));
    case 'Ticker':
      return withPairs(state, parameters, (pairs) =>
        Object.fromEntries(pairs.map((pair) => [restNameOf(pair), ticker(state, pair)])),
      );
    case 'Depth':
      return withPair(state, parameters, (pair) => depth(state, pair, parameters, nowNs));
    case 'Trades':
      return withPair(state, parameters, (pair) => trades(state, pair, parameters));
    case 'OHLC':
      return withPair(state, parameters, (pair) => candles(state, pair, parameters));
    default:
      return failure('EGeneral:Unknown method');
  }
}

/** HTTP 200 all the same: that is how the venue says no. */
export function failure(error: string): SimulatorAnswer {
  return { ...success({}), body: JSON.stringify({ error: [error] }) };
}

function success(result: unknown): SimulatorAnswer {
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    headers: {},
    body: JSON.stringify({ error: [], result }),
    topic: 'query',
  };
}

/** For every pair that is named, or all of them. */
function withPairs(
  state: RestState,
  parameters: URLSearchParams,
  read: (pairs: readonly Instrument[]) => unknown,
): SimulatorAnswer {
  const { instruments } = state.exchange;
  const names = (parameters.get('pair') ?? '').split(',').filter((name) => name !== '');
  const pairs = names.map((name) => instruments.find((one) => isPairNamed(one, name)));
  if (pairs.includes(undefined)) return failure('EQuery:Unknown asset pair');
  return success(read(names.length === 0 ? instruments : (pairs as readonly Instrument[])));
}

function withPair(
  state: RestState,
  parameters: URLSearchParams,
  read: (pair: Instrument) => unknown,
): SimulatorAnswer {
  const name = parameters.get('pair') ?? '';
  const pair = state.exchange.instruments.find((one) => isPairNamed(one, name));
  if (name === '') return failure('EGeneral:Invalid arguments');
  if (pair === undefined) return failure('EQuery:Unknown asset pair');
  const result = read(pair);
  return result === null ? failure('EGeneral:Invalid arguments') : success(result);
}

function depth(
  state: RestState,
  pair: Instrument,
  parameters: URLSearchParams,
  nowNs: bigint,
): unknown {
  const count = Number(parameters.get('count') ?? DEPTH_DEFAULT);
  if (!Number.isSafeInteger(count) || count < 1 || count > DEPTH_MAX) return null;
  const { bids, asks } = state.exchange.depth(pair.index, count);
  const atSec = Number(nowNs / NS_PER_SEC);
  const entry = (level: PriceLevel): readonly unknown[] => [
    longPrice(level.priceMantissa, pair),
    shortSize(level.sizeMantissa, pair),
    atSec,
  ];
  return { [restNameOf(pair)]: { asks: asks.map(entry), bids: bids.map(entry) } };
}

function ticker(state: RestState, pair: Instrument): unknown {
  const { bid, ask } = state.exchange.best(pair.index);
  const history = state.historyOf(pair);
  const { day } = history;
  const price = (mantissa: number | bigint): string => longPrice(mantissa, pair);
  const twice = (text: string): readonly string[] => [text, text];
  const top = (level: PriceLevel | null): readonly string[] => {
    const size = level?.sizeMantissa ?? 0;
    const whole = Math.floor(size / 10 ** pair.sizeScale);
    return [price(level?.priceMantissa ?? 0), String(whole), shortSize(size, pair)];
  };
  const last = history.trades.at(-1);
  return {
    a: top(ask),
    b: top(bid),
    c: [price(last?.priceMantissa ?? 0), fixedText(last?.sizeMantissa ?? 0, pair.sizeScale)],
    v: twice(fixedText(day?.sizeMantissa ?? 0, pair.sizeScale)),
    p: twice(price(day === undefined ? 0 : vwapMantissa(day))),
    t: [day?.tradeCount ?? 0, day?.tradeCount ?? 0],
    l: twice(price(day?.lowMantissa ?? 0)),
    h: twice(price(day?.highMantissa ?? 0)),
    o: price(day?.openMantissa ?? 0),
  };
}

/** Oldest first, from `since` (ns) on. */
function trades(state: RestState, pair: Instrument, parameters: URLSearchParams): unknown {
  const count = Number(parameters.get('count') ?? TRADES_MAX);
  const since = parameters.get('since') ?? '';
  if (!Number.isSafeInteger(count) || count < 1 || count > TRADES_MAX) return null;
  if (!/^\d{0,19}$/.test(since)) return null;
  // Seconds are taken too.
  const sinceNs = BigInt(since === '' ? '0' : since) * (since.length < 12 ? NS_PER_SEC : 1n);
  const all = state.historyOf(pair).trades.filter((trade) => trade.timeNs > sinceNs);
  const wanted = since === '' ? all.slice(-count) : all.slice(0, count);
  const rows = wanted.map((trade) => [
    longPrice(trade.priceMantissa, pair),
    fixedText(trade.sizeMantissa, pair.sizeScale),
    Number(trade.timeNs / 100n) / 1e7,
    trade.takerSide === Side.Buy ? 'b' : 's',
    'm',
    '',
    trade.tradeId,
  ]);
  return { [restNameOf(pair)]: rows, last: String(wanted.at(-1)?.timeNs ?? sinceNs) };
}

function candles(state: RestState, pair: Instrument, parameters: URLSearchParams): unknown {
  const intervalMin = Number(parameters.get('interval') ?? 1);
  const sinceSec = Number(parameters.get('since') ?? 0);
  if (!INTERVALS_MIN.includes(intervalMin) || !Number.isFinite(sinceSec)) return null;
  const all = state.historyOf(pair).candles(intervalMin);
  const price = (mantissa: number | bigint): string => fixedText(mantissa, pair.priceScale);
  const row = (candle: Candle): readonly unknown[] => [
    candle.beginSec,
    price(candle.openMantissa),
    price(candle.highMantissa),
    price(candle.lowMantissa),
    price(candle.closeMantissa),
    price(vwapMantissa(candle)),
    fixedText(candle.sizeMantissa, pair.sizeScale),
    candle.tradeCount,
  ];
  // `last` is the last one that is over.
  const last = all.at(-2)?.beginSec ?? 0;
  const rows = all.filter(({ beginSec }) => beginSec > sinceSec).map(row);
  return { [restNameOf(pair)]: rows, last };
}

function longPrice(mantissa: number | bigint, pair: Instrument): string {
  const text = fixedText(mantissa, pair.priceScale);
  const missing = PRICE_DECIMALS_MIN - pair.priceScale;
  return missing > 0 ? text + '0'.repeat(missing) : text;
}

function shortSize(mantissa: number, pair: Instrument): string {
  const text = fixedText(mantissa, pair.sizeScale);
  const extra = pair.sizeScale - DEPTH_SIZE_DECIMALS;
  return text.endsWith('0'.repeat(extra)) ? text.slice(0, text.length - extra) : text;
}

/** "Tue, 11 Nov 25 00:17:04 +0000" */
function rfc1123(nowNs: bigint): string {
  const text = formatTime(nowNs, 6);
  const month = must(MONTHS[Number(text.slice(5, 7)) - 1], 'month');
  // 1970-01-01 was a Thursday.
  const weekday = must(DAYS[(Number(nowNs / NS_PER_SEC / 86_400n) + 4) % 7], 'day of the week');
  return `${weekday}, ${text.slice(8, 10)} ${month} ${text.slice(2, 4)} ${text.slice(11, 19)} +0000`;
}
