/**
 * simulator-history: what the simulated Kraken remembers of a pair's trades: the last ones, the figures of the day (as far
 * as the market has been played) and candles of one minute. Deterministic.
 */
import { must } from '../../domain/assert.js';
import type { Side } from '../../domain/order.js';

const MINUTE_SEC = 60;
/** A day of candles. */
const CANDLES_MAX = 1_440;
/** REST gives up to 1000 trades. */
const TRADES_MAX = 1_000;
const NS_PER_SEC = 1_000_000_000n;

export interface PublicTrade {
  readonly tradeId: number;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly takerSide: Side;
  readonly timeNs: bigint;
}

export interface Candle {
  /** A multiple of the interval. */
  readonly beginSec: number;
  openMantissa: number;
  highMantissa: number;
  lowMantissa: number;
  closeMantissa: number;
  sizeMantissa: bigint;
  /** Price times size. */
  valueMantissa: bigint;
  tradeCount: number;
}

export class PairHistory {
  /** Oldest first. */
  readonly trades: PublicTrade[] = [];
  readonly #minutes: Candle[] = [];
  /** Everything so far; undefined before the first trade. */
  day: Candle | undefined;

  add(trade: PublicTrade): void {
    this.trades.push(trade);
    if (this.trades.length > TRADES_MAX) this.trades.shift();
    const sec = Number(trade.timeNs / NS_PER_SEC);
    const beginSec = sec - (sec % MINUTE_SEC);
    this.day ??= emptyCandle(beginSec, trade.priceMantissa);
    addTrade(this.day, trade);
    if (this.#minutes.at(-1)?.beginSec !== beginSec) {
      this.#minutes.push(emptyCandle(beginSec, trade.priceMantissa));
      if (this.#minutes.length > CANDLES_MAX) this.#minutes.shift();
    }
    addTrade(must(this.#minutes.at(-1), 'candle of this minute'), trade);
  }

  /** Candles of so many minutes, oldest first. */
  candles(intervalMin: number): readonly Candle[] {
    const intervalSec = intervalMin * MINUTE_SEC;
    const candles: Candle[] = [];
    for (const minute of this.#minutes) {
      const beginSec = minute.beginSec - (minute.beginSec % intervalSec);
      const last = candles.at(-1);
      if (last?.beginSec !== beginSec) {
        candles.push({ ...minute, beginSec });
        continue;
      }
      last.highMantissa = Math.max(last.highMantissa, minute.highMantissa);
      last.lowMantissa = Math.min(last.lowMantissa, minute.lowMantissa);
      last.closeMantissa = minute.closeMantissa;
      last.sizeMantissa += minute.sizeMantissa;
      last.valueMantissa += minute.valueMantissa;
      last.tradeCount += minute.tradeCount;
    }
    return candles;
  }
}

/** Mean price weighted by size, cut to the price scale. */
export function vwapMantissa(candle: Candle): bigint {
  return candle.sizeMantissa === 0n ? 0n : candle.valueMantissa / candle.sizeMantissa;
}

function emptyCandle(beginSec: number, priceMantissa: number): Candle {
  return {
    beginSec,
    openMantissa: priceMantissa,
    highMantissa: priceMantissa,
    lowMantissa: priceMantissa,
    closeMantissa: priceMantissa,
    sizeMantissa: 0n,
    valueMantissa: 0n,
    tradeCount: 0,
  };
}

function addTrade(candle: Candle, trade: PublicTrade): void {
  candle.highMantissa = Math.max(candle.highMantissa, trade.priceMantissa);
  candle.lowMantissa = Math.min(candle.lowMantissa, trade.priceMantissa);
  candle.closeMantissa = trade.priceMantissa;
  candle.sizeMantissa += BigInt(trade.sizeMantissa);
  candle.valueMantissa += BigInt(trade.priceMantissa) * BigInt(trade.sizeMantissa);
  candle.tradeCount++;
}
