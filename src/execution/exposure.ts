/**
 * exposure: the worst that can be held, at current prices and with everything open counted as filled, summed over assets,
 * venues, strategies and all. Kept as it changes (an order, a fill, a price), so that asking costs the same with ten
 * positions or ten thousand.
 * @hotpath (apart from `add` of a new strategy)
 *
 * Part of the execution core's state: written by order-desk, on-report and on-market through CoreState. Derived from
 * positions, open orders and prices, so it is not hashed.
 *
 * A contribution is counted in its instrument's quote currency at RISK_MONEY_SCALE, rounded up; sums are kept by currency
 * and converted when they are asked for, because a rate changes more often than anybody asks. A currency that is held and
 * has no rate makes the answer unknown, never zero. Two numbers go in and out by fields, not by argument: a double that
 * crosses a call is boxed.
 */
import { Rounding, mulDiv, pow10 } from '../domain/fixed-point.js';
import { moneyScale } from '../domain/instrument.js';
import type { Instrument } from '../domain/instrument.js';
import { RISK_MONEY_SCALE } from '../domain/risk.js';

/** Decimals of a rate: units of the reporting currency for one unit of a currency. */
export const RATE_SCALE = 8;
export const RATE_ONE = 10 ** RATE_SCALE;

/** A thousand contributions up to this one add up exactly: 90,000 of a currency, each, at eight decimals. */
const EXACT_MAX = 2 ** 43;

/** The larger of what could be held long and short; below zero is impossible. */
export function worstSize(size: number, openBuy: number, openSell: number): number {
  const long = size + openBuy;
  const short = openSell - size;
  const worst = long > short ? long : short;
  return worst > 0 ? worst : 0;
}

export class Exposures {
  /** Worst case of each instrument in its quote currency. */
  readonly units: Float64Array;
  /** Instruments with a position or an open order, by asset, and in total. */
  readonly engagedByAsset: Int32Array;
  engagedCount = 0;
  /** Rate of each quote currency for exposures (the dear side); 0: unknown. By place in `quotes`. */
  readonly rates: Float64Array;
  /** Codes of the quote currencies; the reporting currency is the first. */
  readonly quotes: readonly string[];
  readonly #isEngaged: Uint8Array;
  readonly #quoteOf: Int32Array;
  readonly #assetOf: Int32Array;
  readonly #venueOf: Int32Array;
  /** Sums by group member and quote. */
  readonly #byAsset: Float64Array;
  readonly #byVenue: Float64Array;
  readonly #total: Float64Array;
  /** By strategy index; made when a strategy first trades. */
  readonly #byStrategy: (Float64Array | undefined)[] = [];
  /** [0]: what toUnits made, what set takes. */
  readonly scratch = new Float64Array(1);
  /** By instrument: money of the instrument to units at RISK_MONEY_SCALE: divide (rounding up), then multiply. */
  readonly #divisors: Float64Array;
  readonly #factors: Float64Array;
  /** [0]: the answer of the last question. */
  readonly #answer = new Float64Array(1);

  constructor(instruments: readonly Instrument[]) {
    const scaleOver = (instrument: Instrument): number => moneyScale(instrument) - RISK_MONEY_SCALE;
    this.#divisors = Float64Array.from(instruments, (one) => pow10(Math.max(0, scaleOver(one))));
    this.#factors = Float64Array.from(instruments, (one) => pow10(Math.max(0, -scaleOver(one))));
    const report = instruments[0]?.quote ?? '';
    this.quotes = [...new Set([report, ...instruments.map(({ quote }) => quote)])];
    const assets = [...new Set(instruments.map(({ base }) => base))];
    const venues = [...new Set(instruments.map(({ venue }) => venue))];
    const count = this.quotes.length;
    this.units = new Float64Array(instruments.length);
    this.rates = new Float64Array(count);
    this.rates[0] = RATE_ONE;
    this.#isEngaged = new Uint8Array(instruments.length);
    this.#quoteOf = Int32Array.from(instruments, ({ quote }) => this.quotes.indexOf(quote));
    this.#assetOf = Int32Array.from(instruments, ({ base }) => assets.indexOf(base));
    this.#venueOf = Int32Array.from(instruments, ({ venue }) => venues.indexOf(venue));
    this.engagedByAsset = new Int32Array(assets.length);
    this.#byAsset = new Float64Array(assets.length * count);
    this.#byVenue = new Float64Array(venues.length * count);
    this.#total = new Float64Array(count);
  }

  /**
   * A size at a price in the quote currency, at RISK_MONEY_SCALE, rounded up, into `scratch[0]`; at the bound of 2^53 when
   * beyond it. Not returned: a double that leaves a call may be boxed.
   */
  toUnits(instrumentIndex: number, size: number, priceMantissa: number): void {
    const product = size * priceMantissa;
    const divisor = this.#divisors[instrumentIndex] as number;
    if (product <= Number.MAX_SAFE_INTEGER) {
      const rest = product % divisor;
      const whole = (product - rest) / divisor;
      const units = (rest > 0 ? whole + 1 : whole) * (this.#factors[instrumentIndex] as number);
      this.scratch[0] = units < Number.MAX_SAFE_INTEGER ? units : Number.MAX_SAFE_INTEGER;
    } else {
      this.scratch[0] = wideUnits(size, priceMantissa, divisor);
    }
  }

  /** The worst case of an instrument is now what stands in `scratch[0]`. */
  set(instrumentIndex: number, isEngaged: boolean): void {
    const asset = this.#assetOf[instrumentIndex] as number;
    const was = this.#isEngaged[instrumentIndex] === 1;
    if (was !== isEngaged) {
      const step = isEngaged ? 1 : -1;
      this.#isEngaged[instrumentIndex] = isEngaged ? 1 : 0;
      this.engagedByAsset[asset] = (this.engagedByAsset[asset] as number) + step;
      this.engagedCount += step;
    }
    const units = this.scratch[0] as number;
    const before = this.units[instrumentIndex] as number;
    const delta = units - before;
    if (delta === 0) return;
    this.units[instrumentIndex] = units;
    if (units > EXACT_MAX || before > EXACT_MAX) {
      this.#recount();
      return;
    }
    const quote = this.#quoteOf[instrumentIndex] as number;
    const count = this.rates.length;
    const inAsset = asset * count + quote;
    const inVenue = (this.#venueOf[instrumentIndex] as number) * count + quote;
    this.#byAsset[inAsset] = (this.#byAsset[inAsset] as number) + delta;
    this.#byVenue[inVenue] = (this.#byVenue[inVenue] as number) + delta;
    this.#total[quote] = (this.#total[quote] as number) + delta;
  }

  /** Cold: a contribution so large that adding and taking it away again would leave a rest. */
  #recount(): void {
    this.#byAsset.fill(0);
    this.#byVenue.fill(0);
    this.#total.fill(0);
    const count = this.rates.length;
    this.units.forEach((units, index) => {
      const quote = this.#quoteOf[index] as number;
      const inAsset = (this.#assetOf[index] as number) * count + quote;
      const inVenue = (this.#venueOf[index] as number) * count + quote;
      this.#byAsset[inAsset] = (this.#byAsset[inAsset] as number) + units;
      this.#byVenue[inVenue] = (this.#byVenue[inVenue] as number) + units;
      this.#total[quote] = (this.#total[quote] as number) + units;
    });
  }

  /**
   * The worst case of a strategy in an instrument is now what stands in `scratch[0]`; `held[place]` is what it was, and
   * becomes the new one.
   */
  setStrategy(
    strategyIndex: number,
    instrumentIndex: number,
    held: Float64Array,
    place: number,
  ): void {
    const units = this.scratch[0] as number;
    const delta = units - (held[place] as number);
    if (delta === 0) return;
    held[place] = units;
    const quote = this.#quoteOf[instrumentIndex] as number;
    const sums = (this.#byStrategy[strategyIndex] ??= new Float64Array(this.rates.length));
    sums[quote] = (sums[quote] as number) + delta;
  }

  isEngaged(instrumentIndex: number): boolean {
    return this.#isEngaged[instrumentIndex] === 1;
  }

  engagedOfAsset(instrumentIndex: number): number {
    return this.engagedByAsset[this.#assetOf[instrumentIndex] as number] as number;
  }

  /** Worst case of the instrument's asset with `delta` more of this instrument, in the reporting currency; -1: unknown. */
  asset(instrumentIndex: number, delta: number): number {
    const from = (this.#assetOf[instrumentIndex] as number) * this.rates.length;
    return this.#sum(this.#byAsset, from, instrumentIndex, delta);
  }

  venue(instrumentIndex: number, delta: number): number {
    const from = (this.#venueOf[instrumentIndex] as number) * this.rates.length;
    return this.#sum(this.#byVenue, from, instrumentIndex, delta);
  }

  strategy(strategyIndex: number, instrumentIndex: number, delta: number): number {
    const sums = this.#byStrategy[strategyIndex];
    return sums === undefined
      ? this.inReport(instrumentIndex, delta)
      : this.#sum(sums, 0, instrumentIndex, delta);
  }

  total(instrumentIndex: number, delta: number): number {
    return this.#sum(this.#total, 0, instrumentIndex, delta);
  }

  /** An amount of an instrument's quote currency in the reporting currency, rounded up; -1: unknown. */
  inReport(instrumentIndex: number, units: number): number {
    const rate = this.rates[this.#quoteOf[instrumentIndex] as number] as number;
    if (units === 0) return 0;
    return rate === 0 ? -1 : converted(units, rate);
  }

  #sum(sums: Float64Array, from: number, instrumentIndex: number, delta: number): number {
    const answer = this.#answer;
    answer[0] = 0;
    const place = this.#quoteOf[instrumentIndex] as number;
    const rates = this.rates;
    for (let quote = 0; quote < rates.length; quote++) {
      const units = (sums[from + quote] as number) + (quote === place ? delta : 0);
      if (units === 0) continue;
      const rate = rates[quote] as number;
      if (rate === 0) return -1;
      answer[0] = answer[0] + converted(units, rate);
    }
    return answer[0];
  }
}

function converted(units: number, rate: number): number {
  return rate === RATE_ONE ? units : Math.ceil((units * rate) / RATE_ONE);
}

/** Cold: a product beyond 2^53. */
function wideUnits(size: number, priceMantissa: number, divisor: number): number {
  if ((size * priceMantissa) / divisor >= Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return mulDiv(size, priceMantissa, divisor, Rounding.Ceil);
}
