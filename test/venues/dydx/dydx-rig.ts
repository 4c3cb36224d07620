/**
 * What the tests of dYdX share: its messages, feeds with lists for ticks and refusals, and a naive client that keeps the
 * venue's book as it is stated and uncrosses a copy of it each time somebody looks. The client shares no code with the feed.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Book, BookSide } from '#src/domain/book.js';
import type { Instrument } from '#src/domain/instrument.js';
import { DydxMarketFeed } from '#src/venues/dydx/market-feed.js';
import type { DecodingFeedOptions } from '#src/venues/decoding-feed.js';
import { instrumentNamed, RejectList, TickList, type CapturedLine } from '../feed-rig.js';

const FIXTURES = new URL('../../../../test/fixtures/dydx/', import.meta.url);

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

export function marketNamed(
  ticker: string,
  index: number,
  priceScale: number,
  sizeScale: number,
): Instrument {
  const instrument = instrumentNamed(ticker, index, priceScale, sizeScale);
  return { ...instrument, venue: 'dydx', kind: 'perpetual', quote: 'USDC' };
}

export const BTC = marketNamed('BTC-USD', 5, 0, 4);
export const ETH = marketNamed('ETH-USD', 6, 1, 3);

export interface Rig {
  readonly feed: DydxMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
  /** One frame; its receive time is the number of the frame. */
  readonly send: (frame: unknown) => void;
  readonly book: (place?: number) => Book;
}

export function feedRig(options: Partial<DecodingFeedOptions> = {}): Rig {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new DydxMarketFeed({
    instruments: [BTC, ETH],
    ticks,
    rejects,
    runEpochNs: 1_789_672_000_000_000_000n,
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

type Pair = readonly [price: string, size: string];

/** Messages as the venue writes them, numbered from 0 as on a connection. */
export class Wire {
  messageId = 0;

  connected(): object {
    return { type: 'connected', connection_id: 'x', message_id: this.messageId++ };
  }

  subscribed(channel: string, contents: unknown, id: string | undefined = 'BTC-USD'): object {
    const head = { type: 'subscribed', connection_id: 'x', message_id: this.messageId++ };
    return channel === 'v4_markets'
      ? { ...head, channel, contents }
      : { ...head, channel, id, contents };
  }

  book(bids: readonly Pair[], asks: readonly Pair[], id = 'BTC-USD'): object {
    const levels = (pairs: readonly Pair[]): object[] =>
      pairs.map(([price, size]) => ({ price, size }));
    return this.subscribed('v4_orderbook', { bids: levels(bids), asks: levels(asks) }, id);
  }

  data(channel: string, contents: unknown, id = 'BTC-USD'): object {
    const isBatch = Array.isArray(contents);
    const type = isBatch ? 'channel_batch_data' : 'channel_data';
    const head = { type, connection_id: 'x', message_id: this.messageId++ };
    return channel === 'v4_markets'
      ? { ...head, channel, version: '1.0.0', contents }
      : { ...head, id, channel, version: '1.0.0', contents };
  }

  levels(changes: { readonly bids?: readonly Pair[]; readonly asks?: readonly Pair[] }): object {
    return this.data('v4_orderbook', changes);
  }
}

/** The venue's book as it is stated, and what the venue's advice leaves of it. */
export class NaiveClient {
  readonly #bids = new Map<number, { size: number; age: number }>();
  readonly #asks = new Map<number, { size: number; age: number }>();

  clear(): void {
    this.#bids.clear();
    this.#asks.clear();
  }

  set(isAsk: boolean, price: number, size: number, age: number): void {
    const side = isAsk ? this.#asks : this.#bids;
    if (size === 0) side.delete(price);
    else side.set(price, { size, age });
  }

  /** Whether what the venue states crosses. */
  isCrossed(): boolean {
    return Math.max(...this.#bids.keys()) >= Math.min(...this.#asks.keys());
  }

  /** Best first: [price, size]. */
  uncrossed(): { bids: [number, number][]; asks: [number, number][] } {
    const list = (side: Map<number, { size: number; age: number }>, sign: number) =>
      [...side]
        .map(([price, { size, age }]) => ({ price, size, age }))
        .sort((a, b) => sign * (a.price - b.price));
    const bids = list(this.#bids, -1);
    const asks = list(this.#asks, 1);
    for (;;) {
      const bid = bids[0];
      const ask = asks[0];
      if (bid === undefined || ask === undefined || bid.price < ask.price) break;
      if (bid.age < ask.age) bids.shift();
      else if (bid.age > ask.age) asks.shift();
      else {
        const traded = Math.min(bid.size, ask.size);
        bid.size -= traded;
        ask.size -= traded;
        if (bid.size === 0) bids.shift();
        if (ask.size === 0) asks.shift();
      }
    }
    const pairs = (levels: typeof bids): [number, number][] =>
      levels.map(({ price, size }) => [price, size]);
    return { bids: pairs(bids), asks: pairs(asks) };
  }
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
