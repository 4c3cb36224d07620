/**
 * simulator-book: a book as a Kraken subscriber of some depth sees it, and the numbers of the wire. Deterministic.
 *
 * The venue keeps `depth` levels a side for the subscriber and tells what changes among them:
 *
 *   deleted at the venue ──────────────────────▶ qty 0
 *   new, resized, or back because another left ─▶ its size
 *   fallen out of the depth ────────────────────▶ nothing: the subscriber cuts it himself
 *
 * The naive twin on purpose: texts, and a checksum that goes over them byte by byte; nothing is shared with the feed.
 */
import type { PriceLevel } from '../simulator-port.js';

/** Levels of a side under the checksum. */
const CHECKSUM_LEVELS = 10;

/** Decimals of an instrument's numbers. */
export interface Decimals {
  readonly priceScale: number;
  readonly sizeScale: number;
}

interface Sides {
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
}

/** What subscribers of one depth have been told of one book. */
export class DepthView {
  readonly depth: number;
  readonly #decimals: Decimals;
  #sides: Sides = { bids: [], asks: [] };

  constructor(depth: number, decimals: Decimals) {
    this.depth = depth;
    this.#decimals = decimals;
  }

  /** The venue's book has become this (best first; more levels than `depth` are cut). Null: nobody can see a difference. */
  change(book: Sides): string | null {
    const before = this.#sides;
    this.#sides = {
      bids: book.bids.slice(0, this.depth),
      asks: book.asks.slice(0, this.depth),
    };
    const bids = changesOf(before.bids, this.#sides.bids, this.depth, -1);
    const asks = changesOf(before.asks, this.#sides.asks, this.depth, 1);
    if (bids.length === 0 && asks.length === 0) return null;
    return this.#members(bids, asks);
  }

  /** All of it. */
  snapshot(): string {
    return this.#members(this.#sides.bids, this.#sides.asks);
  }

  #members(bids: readonly PriceLevel[], asks: readonly PriceLevel[]): string {
    const text = (levels: readonly PriceLevel[]): string =>
      levels.map((level) => levelText(level, this.#decimals)).join(',');
    return `"bids":[${text(bids)}],"asks":[${text(asks)}],"checksum":${this.#checksum()}`;
  }

  #checksum(): number {
    const digits = [this.#sides.asks, this.#sides.bids].flatMap((side) =>
      side
        .slice(0, CHECKSUM_LEVELS)
        .flatMap((level) => [
          fixedText(level.priceMantissa, this.#decimals.priceScale),
          fixedText(level.sizeMantissa, this.#decimals.sizeScale),
        ]),
    );
    return crc32(digits.map((text) => text.replace('.', '').replace(/^0+/, '')).join(''));
  }
}

/** Deletes first, then what is new or resized (the order of the captures). `sign` 1: prices ascend. */
function changesOf(
  before: readonly PriceLevel[],
  after: readonly PriceLevel[],
  depth: number,
  sign: 1 | -1,
): readonly PriceLevel[] {
  const sizes = new Map(after.map((level) => [level.priceMantissa, level.sizeMantissa]));
  const known = new Map(before.map((level) => [level.priceMantissa, level.sizeMantissa]));
  // Behind the last level of a full view lies what the subscriber has cut.
  const worst = after.length === depth ? (after.at(-1)?.priceMantissa ?? 0) : sign * Infinity;
  const deleted = before
    .filter(({ priceMantissa }) => !sizes.has(priceMantissa))
    .filter(({ priceMantissa }) => sign * priceMantissa < sign * worst)
    .map(({ priceMantissa }) => ({ priceMantissa, sizeMantissa: 0 }));
  const set = after.filter((level) => known.get(level.priceMantissa) !== level.sizeMantissa);
  return [...deleted, ...set];
}

function levelText(level: PriceLevel, decimals: Decimals): string {
  const price = fixedText(level.priceMantissa, decimals.priceScale);
  return `{"price":${price},"qty":${fixedText(level.sizeMantissa, decimals.sizeScale)}}`;
}

/** Plain notation with all its decimals: 63000.0, 0.00000000. */
export function fixedText(mantissa: number | bigint, scale: number): string {
  const text = String(mantissa);
  const isNegative = text.startsWith('-');
  const digits = (isNegative ? text.slice(1) : text).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const plain = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`;
  return isNegative ? `-${plain}` : plain;
}

/** CRC-32 (IEEE) of an ASCII text, bit by bit. */
export function crc32(text: string): number {
  let register = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    register ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) {
      register = (register >>> 1) ^ ((register & 1) === 1 ? 0xedb88320 : 0);
    }
  }
  return (register ^ 0xffffffff) >>> 0;
}
