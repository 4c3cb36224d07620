/**
 * What the tests of Hyperliquid share: its captures, feeds with lists for ticks and refusals, messages as the venue writes
 * them.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Book, BookSide } from '#src/domain/book.js';
import type { Instrument } from '#src/domain/instrument.js';
import type { DecodingFeedOptions } from '#src/venues/decoding-feed.js';
import { HyperliquidMarketFeed } from '#src/venues/hyperliquid/market-feed.js';
import { instrumentNamed, RejectList, TickList, type CapturedLine } from '../feed-rig.js';

const FIXTURES = new URL('../../../../test/fixtures/hyperliquid/', import.meta.url);
export const CAPTURE = 'hbt2025_BTC_l2Book_trades';
/** First receive time of the capture. */
export const EPOCH_NS = 1_737_918_843_000_000_000n;

export function fixtureBytes(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

/** Lines of a file: `samples_tardis`. */
export function linesOf(name: string): (CapturedLine & { readonly name: string })[] {
  return gunzipSync(fixtureBytes(`${name}.jsonl.gz`))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedLine & { readonly name: string });
}

export function coinNamed(
  coin: string,
  index: number,
  priceScale: number,
  sizeScale: number,
): Instrument {
  const instrument = instrumentNamed(coin, index, priceScale, sizeScale);
  const names = { symbol: `${coin}-USD`, base: coin, quote: 'USDC' };
  return { ...instrument, ...names, venue: 'hyperliquid', kind: 'perpetual' };
}

export const BTC = coinNamed('BTC', 5, 1, 5);
export const ETH = coinNamed('ETH', 6, 2, 4);

export interface Rig {
  readonly feed: HyperliquidMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
  /** One frame; its receive time is the number of the frame. */
  readonly send: (frame: unknown) => void;
  readonly book: (place?: number) => Book;
}

export function feedRig(options: Partial<DecodingFeedOptions> = {}): Rig {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new HyperliquidMarketFeed({
    instruments: [BTC, ETH],
    ticks,
    rejects,
    runEpochNs: EPOCH_NS,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
    ...options,
  });
  let recvNs = 0;
  return {
    feed,
    ticks,
    rejects,
    send: (frame) => {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
      feed.onFrame(Buffer.from(text), ++recvNs);
    },
    book: (place = 0) => feed.markets[place]?.book as Book,
  };
}

export type Pair = readonly [px: string, sz: string];

const TIME_MS = 1_737_918_843_542;

/** A book message; best first. */
export function bookFrame(
  bids: readonly Pair[],
  asks: readonly Pair[],
  coin = 'BTC',
  time = TIME_MS,
): object {
  const side = (pairs: readonly Pair[]): object[] => pairs.map(([px, sz]) => ({ px, sz, n: 1 }));
  return { channel: 'l2Book', data: { coin, time, levels: [side(bids), side(asks)] } };
}

export function bboFrame(bid: Pair | null, ask: Pair | null, coin = 'BTC'): object {
  const side = (pair: Pair | null): object | null =>
    pair === null ? null : { px: pair[0], sz: pair[1], n: 2 };
  return { channel: 'bbo', data: { coin, time: TIME_MS, bbo: [side(bid), side(ask)] } };
}

export function trade(tid: number, side: string, time = TIME_MS, coin = 'BTC'): object {
  const hash = `0x${'0'.repeat(64)}`;
  const users = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`];
  return { coin, side, px: '80639.0', sz: '0.00022', time, hash, tid, users };
}

export function tradesFrame(...data: readonly object[]): object {
  return { channel: 'trades', data };
}

export function ctxFrame(ctx: object, coin = 'BTC', channel = 'activeAssetCtx'): object {
  return { channel, data: { coin, ctx } };
}

/** Best first. */
export function levelsOf(side: BookSide): [number, number][] {
  return Array.from({ length: side.count }, (_, depth) => [
    side.priceAt(depth),
    side.sizeAt(depth),
  ]);
}

/** The same value with the members of every object in another order. */
export function withKeys(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((one) => withKeys(one, order));
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(
    order(Object.keys(fields)).map((key) => [key, withKeys(fields[key], order)]),
  );
}
