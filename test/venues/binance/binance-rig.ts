/**
 * What the tests of the Binance feeds share: a feed with its ticks and refusals, captures, and frames as the venue
 * writes them.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ErrorCode } from '#src/domain/errors.js';
import { codeAt } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import type { FrameRejects } from '#src/venues/venue.js';
import { SPOT, USDM, type BinanceMarket } from '#src/venues/binance/endpoints.js';
import { BinanceMarketFeed } from '#src/venues/binance/market-feed.js';
import { instrumentNamed, RejectList, TickList, type CapturedLine } from '../feed-rig.js';

export const EPOCH_MS = 1_723_161_254_000;
const FIXTURES = new URL('../../../../test/fixtures/binance/', import.meta.url);

export function fixtureText(name: string): string {
  const bytes = readFileSync(new URL(name, FIXTURES));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

export function fixtureLines(name: string): CapturedLine[] {
  return fixtureText(`${name}.jsonl.gz`)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedLine);
}

export function instrumentOf(market: BinanceMarket, symbol: string, index: number): Instrument {
  return { ...instrumentNamed(symbol, index, 2, 8), venue: market.venue };
}

export interface Rig {
  readonly feed: BinanceMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList & FrameRejects;
  /** Receive time of the last frame; each send adds a nanosecond. */
  nowNs: number;
  readonly send: (frame: unknown) => void;
  readonly body: (path: string, body: unknown) => void;
  /** Why the market of this place is stale; OK when it is not. */
  readonly why: (place?: number) => ErrorCode;
  /** Both sides as [price, size] mantissas, best first. */
  readonly levels: (place?: number) => { bids: number[][]; asks: number[][] };
}

export function rig(market: BinanceMarket, symbols: readonly string[] = ['BTCUSDT']): Rig {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new BinanceMarketFeed(market, {
    instruments: symbols.map((symbol, index) => instrumentOf(market, symbol, index + 5)),
    ticks,
    rejects,
    runEpochNs: BigInt(EPOCH_MS) * 1_000_000n,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  feed.onConnected();
  const bytes = (value: unknown): Uint8Array =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const one: Rig = {
    feed,
    ticks,
    rejects,
    nowNs: 1_000_000_000,
    send: (frame) => feed.onFrame(bytes(frame), ++one.nowNs),
    body: (path, body) => feed.onBody(path, bytes(body), ++one.nowNs),
    why: (place = 0) => codeAt(feed.markets[place]?.staleReason ?? -1),
    levels: (place = 0) => {
      const book = feed.markets[place]?.book;
      const side = (isAsk: boolean): number[][] => {
        const of = isAsk ? book?.asks : book?.bids;
        return Array.from({ length: of?.count ?? 0 }, (_, depth) => [
          of?.priceAt(depth) ?? 0,
          of?.sizeAt(depth) ?? 0,
        ]);
      };
      return { bids: side(false), asks: side(true) };
    },
  };
  return one;
}

export type Level = readonly [price: string, size: string];

/** A diff in the order of the wire. `previous` only on futures. */
export function diff(
  market: BinanceMarket,
  ids: readonly [first: number, last: number, previous?: number],
  bids: readonly Level[],
  asks: readonly Level[] = [],
  symbol = 'BTCUSDT',
): Record<string, unknown> {
  const [U, u, pu] = ids;
  const E = EPOCH_MS + 100;
  return market.isFutures
    ? { e: 'depthUpdate', E, T: E - 1, s: symbol, U, u, pu, b: bids, a: asks }
    : { e: 'depthUpdate', E, s: symbol, U, u, b: bids, a: asks };
}

export function snapshot(
  market: BinanceMarket,
  lastUpdateId: number,
  bids: readonly Level[],
  asks: readonly Level[],
): Record<string, unknown> {
  const times = market.isFutures ? { E: EPOCH_MS + 50, T: EPOCH_MS + 49 } : {};
  return { lastUpdateId, ...times, bids, asks };
}

export function combined(stream: string, data: unknown): Record<string, unknown> {
  return { stream, data };
}

export function depthPath(market: BinanceMarket, symbol = 'BTCUSDT', limit = 1000): string {
  return `${market.restPath}/depth?symbol=${symbol}&limit=${limit}`;
}

export { SPOT, USDM };
