/**
 * simulator-streams: the public streams of the Binance simulators: their names, what each of them says, and the diffs of a
 * book that are gathered for an interval. Deterministic.
 *
 * Texts are written with the keys in the order of the captures (2021 to 2026); times are milliseconds, or microseconds
 * for who has asked for them.
 */
import type { LevelChange, PriceLevel } from '../simulator-port.js';
import { priceText, sizeText, type SymbolFacts } from './simulator-symbols.js';

/** Epoch time in the unit of a session. */
export type TimeText = (epochNs: bigint) => string;

export const millis: TimeText = (epochNs) => String(epochNs / 1_000_000n);
export const micros: TimeText = (epochNs) => String(epochNs / 1_000n);

/** The part of a stream's name behind its symbol, by what it carries. */
export type StreamKind =
  | 'trade'
  | 'aggTrade'
  | 'bookTicker'
  | 'diff'
  | 'partial'
  | 'markPrice'
  /** Names of streams that exist at the venue and say nothing here. */
  | 'other';

export interface StreamName {
  /** As subscribed: the event carries it. */
  readonly name: string;
  readonly kind: StreamKind;
  /** Upper case; empty for streams of all symbols. */
  readonly symbol: string;
  /** Milliseconds between two events; 0: as they happen. */
  readonly intervalMs: number;
  /** Levels a side of a partial book. */
  readonly levels: number;
}

const GRAMMAR = /^([a-z0-9_]{2,32})@([a-zA-Z0-9]+|kline_\w+)(?:@(\d+m?s))?$/;
const BOOK = /^depth(5|10|20)?$/;
const OTHER = /^(kline_\w+|ticker|miniTicker|avgPrice|forceOrder)$/;

/** Null when no stream can be called so: the venue says "invalid stream". */
export function parseStream(name: string, isFutures: boolean): StreamName | null {
  if (name.startsWith('!') && /^![a-zA-Z_@]+$/.test(name)) {
    return { name, kind: 'other', symbol: '', intervalMs: 0, levels: 0 };
  }
  const match = GRAMMAR.exec(name);
  if (match === null) return null;
  const [, symbol = '', channel = '', speed] = match;
  const book = BOOK.exec(channel);
  const levels = Number(book?.[1] ?? 0);
  const base = { name, symbol: symbol.toUpperCase(), levels };
  if (book !== null) {
    const ms = speed === undefined ? (isFutures ? 250 : 1000) : Number(/\d+/.exec(speed)?.[0]);
    const allowed = isFutures ? [100, 250, 500] : [100, 1000];
    if (!allowed.includes(ms) || speed?.endsWith('ms') === false) return null;
    return { ...base, kind: levels > 0 ? 'partial' : 'diff', intervalMs: ms };
  }
  if (channel === 'markPrice') {
    if (!isFutures || (speed !== undefined && speed !== '1s')) return null;
    return { ...base, kind: 'markPrice', intervalMs: speed === undefined ? 3000 : 1000 };
  }
  if (speed !== undefined) return null;
  if (channel === 'trade' || channel === 'aggTrade' || channel === 'bookTicker') {
    return { ...base, kind: channel, intervalMs: 0 };
  }
  return OTHER.test(channel) ? { ...base, kind: 'other', intervalMs: 0 } : null;
}

/** A public trade. */
export interface PublicTrade {
  readonly id: number;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  /** The buyer was the maker: the aggressor sold. */
  readonly isBuyerMaker: boolean;
  readonly timeNs: bigint;
}

export function tradeText(
  facts: SymbolFacts,
  trade: PublicTrade,
  isFutures: boolean,
  time: TimeText,
): string {
  const when = time(trade.timeNs);
  const price = priceText(facts, trade.priceMantissa);
  const size = sizeText(facts, trade.sizeMantissa);
  const isMaker = String(trade.isBuyerMaker);
  return isFutures
    ? `{"e":"trade","E":${when},"T":${when},"s":"${facts.symbol}","t":${trade.id},"p":"${price}","q":"${size}",` +
        `"X":"MARKET","m":${isMaker}}`
    : `{"e":"trade","E":${when},"s":"${facts.symbol}","t":${trade.id},"p":"${price}","q":"${size}",` +
        `"T":${when},"m":${isMaker},"M":true}`;
}

/** Each trade is an aggregate of its own. */
export function aggregateText(
  facts: SymbolFacts,
  trade: PublicTrade,
  isFutures: boolean,
  time: TimeText,
): string {
  const when = time(trade.timeNs);
  const symbol = `"s":"${facts.symbol}"`;
  const id = `"a":${trade.id}`;
  const head = isFutures ? `${id},${symbol}` : `${symbol},${id}`;
  return (
    `{"e":"aggTrade","E":${when},${head},"p":"${priceText(facts, trade.priceMantissa)}",` +
    `"q":"${sizeText(facts, trade.sizeMantissa)}","f":${trade.id},"l":${trade.id},"T":${when},` +
    `"m":${String(trade.isBuyerMaker)}${isFutures ? '' : ',"M":true'}}`
  );
}

export function tickerText(
  facts: SymbolFacts,
  updateId: number,
  bid: PriceLevel | null,
  ask: PriceLevel | null,
  isFutures: boolean,
  timeNs: bigint,
  time: TimeText,
): string {
  const side = (level: PriceLevel | null, price: string, size: string): string =>
    `"${price}":"${priceText(facts, level?.priceMantissa ?? 0)}","${size}":"${sizeText(facts, level?.sizeMantissa ?? 0)}"`;
  const when = time(timeNs);
  return (
    `{${isFutures ? '"e":"bookTicker",' : ''}"u":${updateId},"s":"${facts.symbol}",` +
    `${side(bid, 'b', 'B')},${side(ask, 'a', 'A')}${isFutures ? `,"T":${when},"E":${when}` : ''}}`
  );
}

/** [["61837.63000000","3.78826000"],…] */
export function levelsText(facts: SymbolFacts, levels: readonly PriceLevel[]): string {
  const texts = levels.map(
    ({ priceMantissa, sizeMantissa }) =>
      `["${priceText(facts, priceMantissa)}","${sizeText(facts, sizeMantissa)}"]`,
  );
  return `[${texts.join(',')}]`;
}

/** What happened to a book within an interval. */
export interface Diff {
  readonly firstId: number;
  readonly lastId: number;
  /** Last id of the diff before. */
  readonly previousId: number;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  /** Of the last change. */
  readonly timeNs: bigint;
}

export function diffText(
  facts: SymbolFacts,
  diff: Diff,
  isFutures: boolean,
  nowNs: bigint,
  time: TimeText,
): string {
  const matched = isFutures ? `"T":${time(diff.timeNs)},` : '';
  const previous = isFutures ? `"pu":${diff.previousId},` : '';
  return (
    `{"e":"depthUpdate","E":${time(nowNs)},${matched}"s":"${facts.symbol}","U":${diff.firstId},"u":${diff.lastId},` +
    `${previous}"b":${levelsText(facts, diff.bids)},"a":${levelsText(facts, diff.asks)}}`
  );
}

/** Gathers the changes of one book for an interval; the last size of a price counts. */
export class DiffGatherer {
  readonly intervalNs: bigint;
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();
  #firstId = 0;
  #lastId = 0;
  #previousId = 0;
  #timeNs = 0n;
  #flushedNs = 0n;

  constructor(intervalMs: number, startId: number) {
    this.intervalNs = BigInt(intervalMs) * 1_000_000n;
    this.#previousId = startId;
  }

  /** Changes with the ids from `firstId` to `lastId`. */
  add(changes: readonly LevelChange[], firstId: number, lastId: number, nowNs: bigint): void {
    if (this.#firstId === 0) this.#firstId = firstId;
    this.#lastId = lastId;
    this.#timeNs = nowNs;
    for (const { isAsk, priceMantissa, sizeMantissa } of changes) {
      (isAsk ? this.#asks : this.#bids).set(priceMantissa, sizeMantissa);
    }
  }

  /** What has gathered, when the interval is over; null otherwise. */
  take(nowNs: bigint): Diff | null {
    if (this.#firstId === 0 || nowNs - this.#flushedNs < this.intervalNs) return null;
    const levels = (side: ReadonlyMap<number, number>): PriceLevel[] =>
      [...side].map(([priceMantissa, sizeMantissa]) => ({ priceMantissa, sizeMantissa }));
    const diff = {
      firstId: this.#firstId,
      lastId: this.#lastId,
      previousId: this.#previousId,
      bids: levels(this.#bids).sort((a, b) => b.priceMantissa - a.priceMantissa),
      asks: levels(this.#asks).sort((a, b) => a.priceMantissa - b.priceMantissa),
      timeNs: this.#timeNs,
    };
    this.#bids.clear();
    this.#asks.clear();
    this.#firstId = 0;
    this.#previousId = this.#lastId;
    this.#flushedNs = nowNs;
    return diff;
  }
}
