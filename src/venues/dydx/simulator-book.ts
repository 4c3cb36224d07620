/**
 * simulator-book: what the dYdX simulator has told about a book, and the texts of it. The venue sends no second snapshot: a
 * market that starts anew is told as the changes that lead there. Deterministic.
 */
import type { Instrument } from '../../domain/instrument.js';
import type { LevelChange, PriceLevel } from '../simulator-port.js';
import { formatDecimal } from '../simulator-text.js';

export class BookTape {
  readonly #instrument: Instrument;
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();

  constructor(instrument: Instrument) {
    this.#instrument = instrument;
  }

  sizeAt(isAsk: boolean, priceMantissa: number): number {
    return this.#sideOf(isAsk).get(priceMantissa) ?? 0;
  }

  /** Takes changes; returns those that are some. */
  set(changes: readonly LevelChange[]): readonly LevelChange[] {
    return changes.filter((change) => this.#setOne(change));
  }

  /** Takes a whole book; returns the changes that lead there, deletions first. */
  replace(bids: readonly PriceLevel[], asks: readonly PriceLevel[]): readonly LevelChange[] {
    const changes = [...this.#leadTo(false, bids), ...this.#leadTo(true, asks)];
    return this.set(changes);
  }

  /** {"bids":[{"price":"…","size":"…"}],"asks":[…]}, best first. */
  snapshotText(): string {
    const levelsOf = (isAsk: boolean): string =>
      [...this.#sideOf(isAsk)]
        .sort(([a], [b]) => (isAsk ? a - b : b - a))
        .map(([price, size]) => `{"price":"${this.#price(price)}","size":"${this.#size(size)}"}`)
        .join(',');
    return `{"bids":[${levelsOf(false)}],"asks":[${levelsOf(true)}]}`;
  }

  /** {"bids":[["…","…"]]} or the same of asks: changes of one side. */
  text(changes: readonly LevelChange[]): string {
    const side = changes[0]?.isAsk === true ? 'asks' : 'bids';
    const levels = changes.map(
      ({ priceMantissa, sizeMantissa }) =>
        `["${this.#price(priceMantissa)}","${this.#size(sizeMantissa)}"]`,
    );
    return `{"${side}":[${levels.join(',')}]}`;
  }

  #setOne({ isAsk, priceMantissa, sizeMantissa }: LevelChange): boolean {
    const side = this.#sideOf(isAsk);
    if ((side.get(priceMantissa) ?? 0) === sizeMantissa) return false;
    if (sizeMantissa === 0) side.delete(priceMantissa);
    else side.set(priceMantissa, sizeMantissa);
    return true;
  }

  #leadTo(isAsk: boolean, levels: readonly PriceLevel[]): LevelChange[] {
    const kept = new Set(levels.map(({ priceMantissa }) => priceMantissa));
    const gone = [...this.#sideOf(isAsk).keys()].filter((price) => !kept.has(price));
    return [
      ...gone.map((priceMantissa) => ({ isAsk, priceMantissa, sizeMantissa: 0 })),
      ...levels.map((level) => ({ ...level, isAsk })),
    ];
  }

  #sideOf(isAsk: boolean): Map<number, number> {
    return isAsk ? this.#asks : this.#bids;
  }

  #price(mantissa: number): string {
    return formatDecimal(mantissa, this.#instrument.priceScale);
  }

  #size(mantissa: number): string {
    return formatDecimal(mantissa, this.#instrument.sizeScale);
  }
}
