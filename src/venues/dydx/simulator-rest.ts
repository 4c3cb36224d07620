/**
 * simulator-rest: the indexer's REST routes that the dYdX simulator answers. Deterministic.
 */
import type { SimulatorAnswer, SimulatorRequest } from '../simulator-port.js';
import { isoTime } from './simulator-markets.js';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const NS_PER_MS = 1_000_000n;

/** What the routes tell. */
export interface PublicState {
  readonly height: number;
  readonly timeNs: bigint;
  markets(): Record<string, unknown>;
  /** The text of a book; null: no such market. */
  book(ticker: string): string | null;
  /** Newest first; null: no such market. */
  trades(ticker: string, limit: number): readonly unknown[] | null;
}

export function answerRest(request: SimulatorRequest, state: PublicState): SimulatorAnswer {
  const { method, path } = request;
  const parameters = new URLSearchParams(request.query);
  if (method !== 'GET') return errorAnswer(404, 'Not Found');
  const [, version, route = '', kind = '', ticker = ''] = path.split('/').map(decodeURIComponent);
  if (version !== 'v4') return errorAnswer(404, 'Not Found');
  const isOfMarket = kind === 'perpetualMarket' || kind === 'perpetualMarkets';
  switch (route) {
    case 'perpetualMarkets':
      return marketsAnswer(state, parameters.get('ticker'));
    case 'orderbooks':
      return isOfMarket ? textAnswer(state.book(ticker)) : errorAnswer(404, 'Not Found');
    case 'trades':
      return isOfMarket ? tradesAnswer(state, ticker, parameters) : errorAnswer(404, 'Not Found');
    case 'candles':
      return isOfMarket && state.book(ticker) !== null ? answer({ candles: [] }) : unknownTicker();
    case 'historicalFunding':
      return state.book(kind) === null ? unknownTicker() : answer({ historicalFunding: [] });
    case 'height':
      return answer({ height: String(state.height), time: isoTime(state.timeNs) });
    case 'time':
      return answer({
        iso: isoTime(state.timeNs),
        epoch: Number(state.timeNs / NS_PER_MS) / 1000,
      });
    case 'addresses':
      return errorAnswer(404, `No subaccounts found for address ${kind}`);
    case 'orders':
    case 'fills':
    case 'perpetualPositions':
    case 'assetPositions':
    case 'transfers':
      return noSubaccount(parameters);
    default:
      return errorAnswer(404, 'Not Found');
  }
}

export function errorAnswer(status: number, message: string): SimulatorAnswer {
  return { ...answer({ errors: [{ msg: message }] }), status };
}

function answer(body: unknown): SimulatorAnswer {
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    headers: {},
    body: typeof body === 'string' ? body : JSON.stringify(body),
    topic: 'query',
  };
}

function textAnswer(text: string | null): SimulatorAnswer {
  return text === null ? unknownTicker() : answer(text);
}

function unknownTicker(): SimulatorAnswer {
  return errorAnswer(400, 'ticker must be a valid ticker (BTC-USD, etc)');
}

function noSubaccount(parameters: URLSearchParams): SimulatorAnswer {
  const address = parameters.get('address') ?? '';
  const number = parameters.get('subaccountNumber') ?? '0';
  const text = `No subaccount found with address ${address} and subaccountNumber ${number}`;
  return errorAnswer(404, text);
}

function marketsAnswer(state: PublicState, ticker: string | null): SimulatorAnswer {
  const markets = state.markets();
  if (ticker === null) return answer({ markets });
  const market = markets[ticker];
  return market === undefined ? unknownTicker() : answer({ markets: { [ticker]: market } });
}

function tradesAnswer(
  state: PublicState,
  ticker: string,
  parameters: URLSearchParams,
): SimulatorAnswer {
  const wanted = parameters.get('limit');
  const limit = wanted === null ? LIMIT_DEFAULT : Number(wanted);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    return errorAnswer(400, 'limit must be a positive integer that is not greater than max: 1000');
  }
  const trades = state.trades(ticker, limit);
  return trades === null ? unknownTicker() : answer({ trades });
}
