/**
 * What the tests of Kraken share: its captures, feeds with lists for ticks and refusals, and a naive client that keeps the
 * texts of the wire and checks the venue's sum over them. The client shares no code with the feed.
 */
import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';
import type { Book, BookSide } from '#src/domain/book.js';
import type { Instrument } from '#src/domain/instrument.js';
import { KrakenMarketFeed } from '#src/venues/kraken/market-feed.js';
import { KrakenMarketFeedV1 } from '#src/venues/kraken/market-feed-v1.js';
import type { DecodingFeed, DecodingFeedOptions } from '#src/venues/decoding-feed.js';
import { instrumentNamed, RejectList, TickList, type CapturedLine } from '../feed-rig.js';

const FIXTURES = new URL('../../../../test/fixtures/kraken/', import.meta.url);

export function fixtureBytes(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

/** Lines of a capture: `v2/cb2026_book_ETH-USD`. */
export function linesOf(name: string): CapturedLine[] {
  return gunzipSync(fixtureBytes(`${name}.jsonl.gz`))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedLine);
}

/** Frames of a capture. */
export function framesOf(name: string): string[] {
  return linesOf(name)
    .filter(({ dir }) => dir === 'in')
    .map(({ raw }) => raw);
}

/** A pair as AssetPairs lists it: BTC/USD has one decimal in prices, ETH/USD two. */
export function pairNamed(
  venueSymbol: string,
  index: number,
  priceScale: number,
  sizeScale = 8,
): Instrument {
  const [base = '', quote = ''] = venueSymbol.split('/');
  return {
    ...instrumentNamed(venueSymbol, index, priceScale, sizeScale),
    venue: 'kraken',
    symbol: `${base}-${quote}`,
    base,
    quote,
  };
}

export const BTC = pairNamed('BTC/USD', 5, 1);
export const ETH = pairNamed('ETH/USD', 6, 2);

export interface Rig<Feed extends DecodingFeed> {
  readonly feed: Feed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
  /** One frame; its receive time is the number of the frame. */
  readonly send: (frame: unknown) => void;
  readonly book: (place?: number) => Book;
}

type Options = Partial<DecodingFeedOptions>;

/** A feed as the engine has it. */
export function feedRig(options: Options = {}): Rig<KrakenMarketFeed> {
  return rigOf((base) => new KrakenMarketFeed(base), { instruments: [BTC, ETH], ...options });
}

export function feedRigV1(options: Options = {}): Rig<KrakenMarketFeedV1> {
  return rigOf((base) => new KrakenMarketFeedV1(base), { instruments: [], ...options });
}

function rigOf<Feed extends DecodingFeed>(
  create: (options: DecodingFeedOptions) => Feed,
  options: Options,
): Rig<Feed> {
  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = create({
    instruments: [],
    ticks,
    rejects,
    runEpochNs: 1_785_000_000_000_000_000n,
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

export function levelsOf(side: BookSide): [number, number][] {
  return Array.from({ length: side.count }, (_, depth) => [
    side.priceAt(depth),
    side.sizeAt(depth),
  ]);
}

export type LevelText = readonly [price: string, size: string];

/** The sum of docs.kraken.com over texts, by zlib. */
export function checksumOf(bids: readonly LevelText[], asks: readonly LevelText[]): number {
  const digits = [...asks.slice(0, 10), ...bids.slice(0, 10)].flatMap((level) =>
    level.map((text) => text.replace('.', '').replace(/^0+/, '')),
  );
  return crc32(digits.join(''));
}

const LEVEL = /\{"price":([\d.]+),"qty":([\d.]+)\}/g;

/** A client that reads frames by regular expressions and keeps the texts of its levels in maps. */
export class NaiveClient {
  readonly #sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  readonly depth: number;
  checkedCount = 0;

  constructor(depth: number) {
    this.depth = depth;
  }

  /** Applies a book frame of the venue's own layout; throws when the sum is wrong. */
  onFrame(frame: string): void {
    if (!frame.startsWith('{"channel":"book"')) return;
    if (frame.includes('"type":"snapshot"')) for (const side of this.#maps()) side.clear();
    for (const name of ['bids', 'asks'] as const) {
      const side = this.#sides[name];
      const text = new RegExp(`"${name}":\\[([^\\]]*)\\]`).exec(frame)?.[1] ?? '';
      for (const [, price = '', size = ''] of text.matchAll(LEVEL)) {
        if (Number(size) === 0) side.delete(price);
        else side.set(price, size);
      }
      for (const [price] of this.levels(name).slice(this.depth)) side.delete(price);
    }
    const wanted = Number(/"checksum":(\d+)/.exec(frame)?.[1]);
    const found = checksumOf(this.levels('bids'), this.levels('asks'));
    if (found !== wanted) throw new Error(`checksum: ${found} instead of ${wanted} in ${frame}`);
    this.checkedCount++;
  }

  /** Best first. */
  levels(name: 'bids' | 'asks'): LevelText[] {
    const sign = name === 'bids' ? -1 : 1;
    return [...this.#sides[name]].sort(([a], [b]) => sign * (Number(a) - Number(b)));
  }

  #maps(): Map<string, string>[] {
    return Object.values(this.#sides);
  }
}
