/**
 * VenueMarket: the markets of several assets as one venue shows them. Deterministic.
 *
 *   asset markets (against the dollar, at scales of their own)
 *      └─▶ InstrumentMarket: the venue's scales, ticks, basis and quote currency, a little later ─▶ one order of events
 *
 * Prices go outwards to a tick: bids and sales down, asks and purchases up, so that a book that does not cross does not
 * cross here. Levels that fall on one tick add up; sizes go up to a whole lot, so that no level vanishes. Where scales and
 * ticks allow it nothing is moved at all.
 */
import { assert } from '../domain/assert.js';
import { pow10 } from '../domain/fixed-point.js';
import type { Instrument } from '../domain/instrument.js';
import { Side } from '../domain/order.js';
import type { LevelChange, MarketEvent, PriceLevel } from '../venues/simulator-port.js';

/** The market of one asset, played; positions are nanoseconds since its first snapshot. */
export interface AssetMarket {
  readonly priceScale: number;
  readonly sizeScale: number;
  /** Position at which `next()` is due. */
  readonly nextDueNs: number;
  /** The next event; the first one is a snapshot. Its instrumentIndex means nothing. */
  next(): MarketEvent;
}

export interface InstrumentMarketOptions {
  readonly instrument: Instrument;
  readonly market: AssetMarket;
  /** By how much prices differ here (basis, currency of the quote). 1: not at all. */
  readonly factor: number;
  /** This venue hears of everything so much later; the first snapshot is there at once. */
  readonly lagNs: number;
  /** Significant digits of a price; 0: any number. */
  readonly priceDigitsMax: number;
}

/** One side, added up by the venue's ticks. */
class TickSide {
  /** By the market's own price. */
  readonly #sizes = new Map<number, number>();
  /** By the venue's price. */
  readonly #sums = new Map<number, number>();

  clear(): void {
    this.#sizes.clear();
    this.#sums.clear();
  }

  set(price: number, venuePrice: number, size: number): void {
    const before = this.#sizes.get(price) ?? 0;
    if (size === 0) this.#sizes.delete(price);
    else this.#sizes.set(price, size);
    const sum = (this.#sums.get(venuePrice) ?? 0) + size - before;
    assert(sum >= 0, `sum of sizes on a tick: sum=${sum}, price=${price}`);
    if (sum === 0) this.#sums.delete(venuePrice);
    else this.#sums.set(venuePrice, sum);
  }

  sumAt(venuePrice: number): number {
    return this.#sums.get(venuePrice) ?? 0;
  }
}

/** One instrument of a venue, played by its asset's market. */
export class InstrumentMarket {
  readonly #options: InstrumentMarketOptions;
  readonly #bids = new TickSide();
  readonly #asks = new TickSide();
  readonly #priceMul: number;
  readonly #priceDiv: number;
  readonly #sizeMul: number;
  readonly #sizeDiv: number;
  /** Every price of the market has a tick of its own here. */
  readonly #isOneToOne: boolean;
  #hasBegun = false;

  constructor(options: InstrumentMarketOptions) {
    const { factor, instrument, market, priceDigitsMax } = options;
    this.#options = options;
    const shift = instrument.priceScale - market.priceScale;
    this.#priceMul = pow10(Math.max(0, shift));
    this.#priceDiv = pow10(Math.max(0, -shift));
    const sizeShift = instrument.sizeScale - market.sizeScale;
    this.#sizeMul = pow10(Math.max(0, sizeShift));
    this.#sizeDiv = pow10(Math.max(0, -sizeShift));
    this.#isOneToOne =
      factor === 1 &&
      priceDigitsMax === 0 &&
      this.#priceDiv === 1 &&
      this.#priceMul % instrument.tickMantissa === 0;
  }

  get nextDueNs(): number {
    return this.#hasBegun ? this.#options.market.nextDueNs + this.#options.lagNs : 0;
  }

  /** Null: nothing of the event is to be seen here. */
  next(): MarketEvent | null {
    this.#hasBegun = true;
    const event = this.#options.market.next();
    switch (event.kind) {
      case 'snapshot':
        return this.#snapshot(event.bids, event.asks);
      case 'levels':
        return this.#levels(event.changes);
      case 'trade':
        return this.#trade(event);
    }
  }

  #snapshot(bids: readonly PriceLevel[], asks: readonly PriceLevel[]): MarketEvent {
    this.#bids.clear();
    this.#asks.clear();
    return {
      kind: 'snapshot',
      instrumentIndex: this.#options.instrument.index,
      bids: this.#side(bids, false),
      asks: this.#side(asks, true),
    };
  }

  #side(levels: readonly PriceLevel[], isAsk: boolean): PriceLevel[] {
    const ticks = isAsk ? this.#asks : this.#bids;
    const prices = new Set<number>();
    for (const level of levels) {
      const price = this.#price(level.priceMantissa, isAsk);
      if (price <= 0) continue;
      ticks.set(level.priceMantissa, price, level.sizeMantissa);
      prices.add(price);
    }
    // Best first, as they came: a set keeps the order in which its members were added.
    return Array.from(prices, (price) => ({
      priceMantissa: price,
      sizeMantissa: this.#size(ticks.sumAt(price)),
    }));
  }

  #levels(changes: readonly LevelChange[]): MarketEvent | null {
    const { instrument } = this.#options;
    if (this.#isOneToOne) {
      return {
        kind: 'levels',
        instrumentIndex: instrument.index,
        changes: changes.map((change) => ({
          isAsk: change.isAsk,
          priceMantissa: this.#price(change.priceMantissa, change.isAsk),
          sizeMantissa: this.#size(change.sizeMantissa),
        })),
      };
    }
    const bidsBefore = new Map<number, number>();
    const asksBefore = new Map<number, number>();
    for (const { isAsk, priceMantissa, sizeMantissa } of changes) {
      const price = this.#price(priceMantissa, isAsk);
      if (price <= 0) continue;
      const ticks = isAsk ? this.#asks : this.#bids;
      const before = isAsk ? asksBefore : bidsBefore;
      if (!before.has(price)) before.set(price, this.#size(ticks.sumAt(price)));
      ticks.set(priceMantissa, price, sizeMantissa);
    }
    const seen: LevelChange[] = [];
    for (const isAsk of [false, true]) {
      const ticks = isAsk ? this.#asks : this.#bids;
      for (const [price, before] of isAsk ? asksBefore : bidsBefore) {
        const size = this.#size(ticks.sumAt(price));
        if (size !== before) seen.push({ isAsk, priceMantissa: price, sizeMantissa: size });
      }
    }
    if (seen.length === 0) return null;
    return { kind: 'levels', instrumentIndex: instrument.index, changes: seen };
  }

  #trade(event: MarketEvent & { kind: 'trade' }): MarketEvent | null {
    const priceMantissa = this.#price(event.priceMantissa, event.takerSide === Side.Buy);
    const sizeMantissa = this.#size(event.sizeMantissa);
    if (priceMantissa <= 0 || sizeMantissa <= 0) return null;
    return {
      kind: 'trade',
      instrumentIndex: this.#options.instrument.index,
      priceMantissa,
      sizeMantissa,
      takerSide: event.takerSide,
    };
  }

  #price(priceMantissa: number, isUp: boolean): number {
    const { factor, instrument, priceDigitsMax } = this.#options;
    const exact = ((priceMantissa * this.#priceMul) / this.#priceDiv) * factor;
    let step = instrument.tickMantissa;
    if (priceDigitsMax > 0) step = Math.max(step, stepOfDigits(exact, priceDigitsMax));
    return (isUp ? Math.ceil(exact / step) : Math.floor(exact / step)) * step;
  }

  #size(sizeMantissa: number): number {
    const lot = this.#options.instrument.lotMantissa;
    return Math.ceil((sizeMantissa * this.#sizeMul) / this.#sizeDiv / lot) * lot;
  }
}

/** 617129.4 with five digits: 10. */
function stepOfDigits(value: number, digitsMax: number): number {
  let step = 1;
  for (let limit = pow10(digitsMax); value >= limit; limit *= 10) step *= 10;
  return step;
}

/** All instruments of a venue in one order of events. */
export class VenueMarket {
  readonly #parts: readonly InstrumentMarket[];

  constructor(parts: readonly InstrumentMarket[]) {
    this.#parts = parts;
  }

  /** Position at which `next()` is due; Infinity: nothing ever happens here. */
  get nextDueNs(): number {
    let dueNs = Infinity;
    for (const part of this.#parts) dueNs = Math.min(dueNs, part.nextDueNs);
    return dueNs;
  }

  /** Null: an event of which nothing is to be seen at this venue. */
  next(): MarketEvent | null {
    const dueNs = this.nextDueNs;
    return this.#parts.find((part) => part.nextDueNs === dueNs)?.next() ?? null;
  }
}
