/**
 * displayed-book: what the replayed market shows, full depth. Deterministic.
 * The venue's own book; domain/book.ts is what we make of it. No shared code: one is the other's oracle.
 *
 * A side is two sorted arrays with the best level at the end, where nearly all changes happen.
 */
import type { LevelChange, PriceLevel } from '../venues/simulator-port.js';

class BookSide {
  readonly #isAsk: boolean;
  readonly #prices: number[] = [];
  readonly #sizes: number[] = [];

  constructor(isAsk: boolean) {
    this.#isAsk = isAsk;
  }

  get levelCount(): number {
    return this.#prices.length;
  }

  clear(): void {
    this.#prices.length = 0;
    this.#sizes.length = 0;
  }

  set(priceMantissa: number, sizeMantissa: number): void {
    const at = this.#seek(priceMantissa);
    const isKnown = this.#prices[at] === priceMantissa;
    if (sizeMantissa === 0) {
      if (isKnown) {
        this.#prices.splice(at, 1);
        this.#sizes.splice(at, 1);
      }
    } else if (isKnown) {
      this.#sizes[at] = sizeMantissa;
    } else {
      this.#prices.splice(at, 0, priceMantissa);
      this.#sizes.splice(at, 0, sizeMantissa);
    }
  }

  sizeAt(priceMantissa: number): number {
    const at = this.#seek(priceMantissa);
    return this.#prices[at] === priceMantissa ? (this.#sizes[at] ?? 0) : 0;
  }

  /** The level at a distance from the best; null past the end. */
  level(rank: number): PriceLevel | null {
    const at = this.#prices.length - 1 - rank;
    const priceMantissa = this.#prices[at];
    const sizeMantissa = this.#sizes[at];
    if (priceMantissa === undefined || sizeMantissa === undefined) return null;
    return { priceMantissa, sizeMantissa };
  }

  /** Index of the price, or where it would have to stand. */
  #seek(priceMantissa: number): number {
    let low = 0;
    let high = this.#prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const price = this.#prices[middle] ?? 0;
      const isBefore = this.#isAsk ? price > priceMantissa : price < priceMantissa;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class DisplayedBook {
  readonly bids = new BookSide(false);
  readonly asks = new BookSide(true);

  reset(bids: readonly PriceLevel[], asks: readonly PriceLevel[]): void {
    this.bids.clear();
    this.asks.clear();
    for (const level of bids) this.bids.set(level.priceMantissa, level.sizeMantissa);
    for (const level of asks) this.asks.set(level.priceMantissa, level.sizeMantissa);
  }

  set(change: LevelChange): void {
    const side = change.isAsk ? this.asks : this.bids;
    side.set(change.priceMantissa, change.sizeMantissa);
  }

  /** Levels best first, at most `depth` of them. */
  list(isAsk: boolean, depth: number): PriceLevel[] {
    const side = isAsk ? this.asks : this.bids;
    const levels: PriceLevel[] = [];
    const count = Math.min(depth, side.levelCount);
    for (let rank = 0; rank < count; rank++) {
      const level = side.level(rank);
      if (level !== null) levels.push(level);
    }
    return levels;
  }
}
