/**
 * fair-price: one price in USD per asset, from every instrument of it, whatever its venue and quote currency.
 * @hotpath (compute; planning happens at start)
 *
 *   quotes ─▶ usable? ─▶ × rate of the quote currency ─▶ votes: centre, band ─▶ weights: Huber's centre ─▶ price, range,
 *             stale       USDT and USDC have fair                outlier                                   confidence
 *             no quote    prices too; no rate: unpriced
 *
 * Ingest thread computes; every room may read plans and scales. Pure: time is an argument. docs/fair-price.md tells the
 * reasons and the formulas. Invariants: the price lies between the lowest and the highest source that took part; it does
 * not depend on the order of the sources; a source whose book is crossed or one-sided never takes part; a currency is
 * never taken for another. Prices are integers, conversions exact but for the named rounding; weights are integers.
 * Oracle in tests: test/oracles/naive-fair-price.ts.
 */
import { codeIndex, TickwireError } from './errors.js';
import { pow10 } from './fixed-point.js';
import type { Instrument } from './instrument.js';
import { fitsWhole, makeWideDivision, mulDivFloor, mulDivHalfEven } from './wide-product.js';

/** Decimals of a fair price: up to 9 million USD, down to a billionth. */
export const FAIR_SCALE = 9;
/** What fair prices are in. */
export const FAIR_CURRENCY = 'USD';
/** Sources of one asset: a bit each in the masks of the board, below the sign. */
export const FAIR_SOURCES_MAX = 31;

/** Settings (config section `fair`). */
export interface FairConfig {
  /** An older book takes no part. */
  readonly ageMaxMs: number;
  /** The same for currencies that others are quoted in: their books are quiet. */
  readonly rateAgeMaxMs: number;
  /** A wider spread is no price. */
  readonly spreadMaxBps: number;
  /** A spread of that size halves the weight. */
  readonly spreadHalfBps: number;
  /** How far from the best price a size still counts as near the top. */
  readonly depthBps: number;
  /** That much on the smaller side near the top gives 60 % of the full weight; nothing gives 20 %. */
  readonly depthHalfUsd: number;
  /** Weight of a perpetual; spot has 100. */
  readonly perpetualPercent: number;
  /** A source within this distance of the centre is never an outlier, one beyond outlierMaxBps always. */
  readonly outlierMinBps: number;
  readonly outlierMaxBps: number;
  /** Between them: that many times the median distance. */
  readonly outlierMads: number;
  /** Sources within that distance of the price are averaged, others only counted. */
  readonly kneeBps: number;
  /** Sources that are that far from the centre on average halve the confidence. */
  readonly agreeHalfBps: number;
  /** At most so often per asset. */
  readonly intervalMinMs: number;
  /** At least so often, so that ages are true. */
  readonly intervalMaxMs: number;
}

/** The defaults; docs/fair-price.md says why. */
export const FAIR_DEFAULTS: FairConfig = {
  ageMaxMs: 10_000,
  rateAgeMaxMs: 60_000,
  spreadMaxBps: 100,
  spreadHalfBps: 5,
  depthBps: 10,
  depthHalfUsd: 100_000,
  perpetualPercent: 40,
  outlierMinBps: 30,
  outlierMaxBps: 100,
  outlierMads: 4,
  kneeBps: 2,
  agreeHalfBps: 20,
  intervalMinMs: 10,
  intervalMaxMs: 250,
};

/** Where the price of a quote currency comes from, if not from the asset at this place of the list. */
const RATE_ONE = -1;
const RATE_NONE = -2;

/** An asset and the instruments that price it. Its place in the list is its cell on the board. */
export interface FairAsset {
  readonly asset: string;
  /** In the order of the instrument table: an instrument's place here is its bit in the masks. */
  readonly instruments: readonly Instrument[];
  /** By place: where the asset that prices the quote currency stands in the list; RATE_ONE for USD itself, RATE_NONE. */
  readonly ratePlaces: readonly number[];
  /** Others are quoted in it. */
  readonly isRate: boolean;
}

/**
 * At start: the assets of an instrument table, in the order in which they are computed: a currency before what is quoted in
 * it. Of two that are quoted in each other, the one with a USD market comes first; its market in the other takes no part.
 */
export function planFairAssets(instruments: readonly Instrument[]): readonly FairAsset[] {
  const byAsset = new Map<string, Instrument[]>();
  for (const instrument of instruments) {
    if (instrument.base === FAIR_CURRENCY) continue;
    const list = byAsset.get(instrument.base) ?? [];
    if (list.length === 0) byAsset.set(instrument.base, list);
    list.push(instrument);
  }
  const quotes = new Set(instruments.map(({ quote }) => quote));
  const order: string[] = [];
  const waiting = [...byAsset.keys()];
  const isKnown = (quote: string): boolean =>
    quote === FAIR_CURRENCY || !byAsset.has(quote) || order.includes(quote);
  while (waiting.length > 0) {
    const of = (asset: string): readonly Instrument[] => byAsset.get(asset) ?? [];
    const ready = waiting.findIndex((asset) => of(asset).every(({ quote }) => isKnown(quote)));
    const inUsd = waiting.findIndex(
      (asset) => quotes.has(asset) && of(asset).some(({ quote }) => quote === FAIR_CURRENCY),
    );
    order.push(...waiting.splice(ready >= 0 ? ready : Math.max(0, inUsd), 1));
  }
  return order.map((asset, place) => {
    const own = byAsset.get(asset) ?? [];
    if (own.length > FAIR_SOURCES_MAX) {
      throw new TickwireError(
        'CONFIG_INVALID',
        `${asset} has ${own.length} instruments, a fair price takes ${FAIR_SOURCES_MAX} at most: follow fewer symbols`,
        { asset, count: own.length },
      );
    }
    return {
      asset,
      instruments: own,
      ratePlaces: own.map(({ quote }) => {
        if (quote === FAIR_CURRENCY) return RATE_ONE;
        const ratePlace = order.indexOf(quote);
        return ratePlace >= 0 && ratePlace < place ? ratePlace : RATE_NONE;
      }),
      isRate: quotes.has(asset),
    };
  });
}

/** What a source is at a computation; the masks of the board say it to everybody. */
export const FairState = { None: 0, Used: 1, Stale: 2, Outlier: 3, Unpriced: 4 } as const;
export type FairState = (typeof FairState)[keyof typeof FairState];

/** The last top of every instrument, by its index. Written by whoever feeds the computation. */
export class FairQuotes {
  /** Mantissas of the instrument's own price scale; 0: no such side. */
  readonly bids: Float64Array;
  readonly asks: Float64Array;
  /** Size near the top of the smaller side, at the instrument's size scale. */
  readonly depths: Float64Array;
  /** Receive time of the last change of the book. */
  readonly bookNs: Float64Array;
  /** 1: there is a book and it is not stale. */
  readonly isFresh: Uint8Array;

  constructor(instrumentCount: number) {
    this.bids = new Float64Array(instrumentCount);
    this.asks = new Float64Array(instrumentCount);
    this.depths = new Float64Array(instrumentCount);
    this.bookNs = new Float64Array(instrumentCount);
    this.isFresh = new Uint8Array(instrumentCount);
  }
}

const PPM = 1_000_000;
const UNIT = pow10(FAIR_SCALE);
const BPS = 10_000;
const NS_PER_US = 1_000;
const US_PER_MS = 1_000;
/** Weight of a source with nothing near its top, of one with all the depth in the world. */
const DEPTH_PPM_MIN = 200_000;
/** The age at which a source has half its weight, as a part of the age at which it has none. */
const AGE_HALF_PART = 5;
/** Sources (in hundredths, cubed) at which the confidence is half: three of them, so that one alone gives a quarter. */
const COUNT_CUBE_HALF = 3 * 100 ** 3;
const COUNT_HUNDREDTHS_MAX = 1_000;
/** Products of weight and distance are summed in two parts, so that they stay whole. */
const LIMB = 2 ** 20;

export class FairPrices {
  readonly assets: readonly FairAsset[];
  readonly quotes: FairQuotes;
  /** Results by place of the asset: USD with FAIR_SCALE decimals; 0: none. */
  readonly prices: Float64Array;
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  readonly computedNs: Float64Array;
  /** Receive time of the oldest price that took part, rates included. */
  readonly oldestNs: Float64Array;
  readonly confidencesPpm: Int32Array;
  readonly usedMasks: Int32Array;
  readonly staleMasks: Int32Array;
  readonly outlierMasks: Int32Array;
  readonly unpricedMasks: Int32Array;
  /** 0: there is a price; else index of a code. */
  readonly reasons: Int32Array;

  readonly #config: FairConfig;
  readonly #noPriceCode = codeIndex('FAIR_NO_PRICE');
  readonly #unpricedCode = codeIndex('FAIR_UNPRICED');
  readonly #disagreeCode = codeIndex('FAIR_DISAGREE');
  /** By instrument index: a price mantissa times this, divided by that, is half of it at FAIR_SCALE. */
  readonly #halfFactors: Float64Array;
  readonly #halfDivisors: Float64Array;
  readonly #sizeUnits: Float64Array;
  /** The candidates of the computation under way, in no order. */
  readonly #places = new Int32Array(FAIR_SOURCES_MAX);
  readonly #prices = new Float64Array(FAIR_SOURCES_MAX);
  readonly #weights = new Float64Array(FAIR_SOURCES_MAX);
  readonly #voicesPpm = new Float64Array(FAIR_SOURCES_MAX);
  readonly #kindsPpm = new Float64Array(FAIR_SOURCES_MAX);
  readonly #distances = new Float64Array(FAIR_SOURCES_MAX);
  readonly #ages = new Float64Array(FAIR_SOURCES_MAX);
  readonly #sorted = new Float64Array(FAIR_SOURCES_MAX);
  /** [0] now, [1] centre of those that take part, [2] the place that is tried, [3] knee, [4] median. */
  readonly #at = new Float64Array(5);
  readonly #division = makeWideDivision();

  constructor(assets: readonly FairAsset[], instrumentCount: number, config: FairConfig) {
    this.assets = assets;
    this.quotes = new FairQuotes(instrumentCount);
    this.#config = config;
    const count = assets.length;
    this.prices = new Float64Array(count);
    this.lows = new Float64Array(count);
    this.highs = new Float64Array(count);
    this.computedNs = new Float64Array(count);
    this.oldestNs = new Float64Array(count);
    this.confidencesPpm = new Int32Array(count);
    this.usedMasks = new Int32Array(count);
    this.staleMasks = new Int32Array(count);
    this.outlierMasks = new Int32Array(count);
    this.unpricedMasks = new Int32Array(count);
    this.reasons = new Int32Array(count).fill(codeIndex('FAIR_NO_PRICE'));
    this.#halfFactors = new Float64Array(instrumentCount).fill(1);
    this.#halfDivisors = new Float64Array(instrumentCount).fill(1);
    this.#sizeUnits = new Float64Array(instrumentCount).fill(1);
    for (const { instruments } of assets) {
      for (const { index, priceScale, sizeScale } of instruments) {
        const up = FAIR_SCALE - priceScale;
        this.#halfFactors[index] = up > 0 ? pow10(up) / 2 : 1;
        this.#halfDivisors[index] = up > 0 ? 1 : 2 * pow10(-up);
        this.#sizeUnits[index] = pow10(sizeScale);
      }
    }
  }

  /** Computes the asset at this place from the quotes and from the rates as they were last computed. */
  compute(place: number, nowNs: number): void {
    this.#at[0] = nowNs;
    this.prices[place] = 0;
    this.lows[place] = 0;
    this.highs[place] = 0;
    this.computedNs[place] = nowNs;
    this.oldestNs[place] = 0;
    this.confidencesPpm[place] = 0;
    this.usedMasks[place] = 0;
    this.staleMasks[place] = 0;
    this.outlierMasks[place] = 0;
    this.unpricedMasks[place] = 0;
    const candidateCount = this.#gather(place);
    if (candidateCount === 0) {
      const isUnpriced = this.unpricedMasks[place] !== 0;
      this.reasons[place] = isUnpriced ? this.#unpricedCode : this.#noPriceCode;
      return;
    }
    const usedCount = this.#reject(place, candidateCount);
    // Without a majority nobody can be called wrong, and nobody right.
    if (usedCount * 2 <= candidateCount) {
      this.outlierMasks[place] |= this.usedMasks[place] ?? 0;
      this.usedMasks[place] = 0;
      this.reasons[place] = this.#disagreeCode;
      return;
    }
    this.#settle(place, usedCount);
    this.confidencesPpm[place] = this.#confidence(usedCount, candidateCount);
    this.reasons[place] = 0;
  }

  /** Sorts the sources out and fills the candidates; returns how many. */
  #gather(place: number): number {
    const { instruments, ratePlaces, isRate } = this.assets[place] as FairAsset;
    const config = this.#config;
    const ageMaxUs = (isRate ? config.rateAgeMaxMs : config.ageMaxMs) * US_PER_MS;
    const halfUs = Math.ceil(ageMaxUs / AGE_HALF_PART);
    const nowNs = this.#at[0] as number;
    let stale = 0;
    let unpriced = 0;
    let count = 0;
    for (let source = 0; source < instruments.length; source++) {
      const instrument = instruments[source] as Instrument;
      const index = instrument.index;
      const bookNs = this.quotes.bookNs[index] as number;
      const ageUs = Math.max(0, Math.floor((nowNs - bookNs) / NS_PER_US));
      if (this.quotes.isFresh[index] === 0 || ageUs > ageMaxUs) {
        stale |= 1 << source;
        continue;
      }
      const ratePlace = ratePlaces[source] as number;
      if (ratePlace === RATE_NONE || (ratePlace >= 0 && this.prices[ratePlace] === 0)) {
        unpriced |= 1 << source;
        continue;
      }
      if (!this.#convert(index, ratePlace)) continue;
      const price = this.#division[3] as number;
      const bid = this.quotes.bids[index] as number;
      const ask = this.quotes.asks[index] as number;
      const kindPpm = instrument.kind === 'spot' ? PPM : config.perpetualPercent * BPS;
      const freshPpm = Math.floor((halfUs * PPM) / (halfUs + ageUs));
      // A rate adds its own doubt, half of it at most: there is a price, and it may be a little off.
      const ratePpm = ratePlace < 0 ? PPM : (PPM + (this.confidencesPpm[ratePlace] as number)) / 2;
      const voicePpm = partOf(partOf(kindPpm, freshPpm), ratePpm);
      const spreadPpm = ((ask - bid) / (ask + bid)) * 2 * PPM;
      const halfSpreadPpm = config.spreadHalfBps * 100;
      const tightPpm = Math.floor((halfSpreadPpm * PPM) / (halfSpreadPpm + spreadPpm));
      const usd =
        ((this.quotes.depths[index] as number) / (this.#sizeUnits[index] as number)) *
        (price / UNIT);
      const depthPpm =
        DEPTH_PPM_MIN + Math.floor(((PPM - DEPTH_PPM_MIN) * usd) / (usd + config.depthHalfUsd));
      this.#places[count] = source;
      this.#prices[count] = price;
      this.#kindsPpm[count] = kindPpm;
      this.#voicesPpm[count] = voicePpm;
      this.#weights[count] = Math.max(1, partOf(partOf(voicePpm, tightPpm), depthPpm));
      this.#ages[count] =
        ratePlace < 0 ? bookNs : Math.min(bookNs, this.oldestNs[ratePlace] as number);
      count++;
    }
    this.staleMasks[place] = stale;
    this.unpricedMasks[place] = unpriced;
    return count;
  }

  /** Half way between bid and ask in USD, into #division[3]. False: one side, crossed, too wide, or outside the scale. */
  #convert(index: number, ratePlace: number): boolean {
    const bid = this.quotes.bids[index] as number;
    const ask = this.quotes.asks[index] as number;
    if (bid <= 0 || ask <= bid) return false;
    const sum = bid + ask;
    if ((ask - bid) * 2 * BPS > this.#config.spreadMaxBps * sum) return false;
    const factor = this.#halfFactors[index] as number;
    const divisor = this.#halfDivisors[index] as number;
    if (sum > Number.MAX_SAFE_INTEGER || !fitsWhole(sum, factor, divisor)) return false;
    const division = this.#division;
    division[0] = sum;
    division[1] = factor;
    division[2] = divisor;
    mulDivHalfEven(division);
    if (ratePlace >= 0) {
      const price = division[3] as number;
      const rate = this.prices[ratePlace] as number;
      if (!fitsWhole(price, rate, UNIT)) return false;
      division[0] = price;
      division[1] = rate;
      division[2] = UNIT;
      mulDivHalfEven(division);
    }
    return (division[3] as number) > 0;
  }

  /**
   * One voice each: the centre is the median of the candidates, the band a multiple of the median distance from it. Moves
   * those inside it to the front; returns how many.
   */
  #reject(place: number, count: number): number {
    const config = this.#config;
    for (let i = 0; i < count; i++) this.#sorted[i] = this.#prices[i] as number;
    this.#median(count);
    const center = this.#at[4] as number;
    for (let i = 0; i < count; i++) {
      const distance = Math.abs((this.#prices[i] as number) - center);
      this.#distances[i] = distance;
      this.#sorted[i] = distance;
    }
    this.#median(count);
    this.#share(center, config.outlierMinBps);
    const least = this.#division[3] as number;
    this.#share(center, config.outlierMaxBps);
    const most = this.#division[3] as number;
    const band = Math.min(Math.max(least, (this.#at[4] as number) * config.outlierMads), most);
    let used = 0;
    let outliers = 0;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const bit = 1 << (this.#places[i] as number);
      if ((this.#distances[i] as number) > band) {
        outliers |= bit;
        continue;
      }
      used |= bit;
      this.#prices[kept] = this.#prices[i] as number;
      this.#weights[kept] = this.#weights[i] as number;
      this.#voicesPpm[kept] = this.#voicesPpm[i] as number;
      this.#kindsPpm[kept] = this.#kindsPpm[i] as number;
      this.#ages[kept] = this.#ages[i] as number;
      kept++;
    }
    // Nothing that comes after hangs on what was shut out.
    for (let i = 0; i < kept; i++) this.#sorted[i] = this.#prices[i] as number;
    if (kept > 0) this.#median(kept);
    this.#at[1] = this.#at[4] as number;
    this.usedMasks[place] = used;
    this.outlierMasks[place] = outliers;
    return kept;
  }

  /** The price of the sources that are left: where their pulls cancel (Huber's estimator of the centre). */
  #settle(place: number, count: number): void {
    let low = this.#prices[0] as number;
    let high = low;
    let oldestNs = this.#ages[0] as number;
    for (let i = 1; i < count; i++) {
      low = Math.min(low, this.#prices[i] as number);
      high = Math.max(high, this.#prices[i] as number);
      oldestNs = Math.min(oldestNs, this.#ages[i] as number);
    }
    this.lows[place] = low;
    this.highs[place] = high;
    this.oldestNs[place] = oldestNs;
    this.#share(this.#at[1] as number, this.#config.kneeBps);
    this.#at[3] = Math.max(1, this.#division[3] as number);
    // The lowest price that is not pulled up …
    let from = low;
    let to = high;
    while (from < to) {
      const middle = from + Math.floor((to - from) / 2);
      this.#at[2] = middle;
      if (this.#pull(count) >= 0) to = middle;
      else from = middle + 1;
    }
    this.#at[2] = from;
    if (this.#pull(count) > 0) {
      // … is above the point of rest, which is no integer: rounded down.
      this.prices[place] = from - 1;
      return;
    }
    // … and the highest that is not pulled down: where two halves stand far apart, everything between them rests.
    let last = from;
    to = high;
    while (last < to) {
      const middle = last + Math.ceil((to - last) / 2);
      this.#at[2] = middle;
      if (this.#pull(count) > 0) to = middle - 1;
      else last = middle;
    }
    this.prices[place] = from + Math.floor((last - from) / 2);
  }

  /** Where the sources pull the price in #at[2]: -1 up, 1 down, 0 nowhere. A pull grows up to the knee and no further. */
  #pull(count: number): number {
    const price = this.#at[2] as number;
    const knee = this.#at[3] as number;
    let high = 0;
    let low = 0;
    for (let i = 0; i < count; i++) {
      const distance = Math.min(knee, Math.max(-knee, price - (this.#prices[i] as number)));
      const weight = this.#weights[i] as number;
      const limbs = Math.floor(distance / LIMB);
      high += weight * limbs;
      low += weight * (distance - limbs * LIMB);
    }
    const carry = Math.floor(low / LIMB);
    high += carry;
    low -= carry * LIMB;
    if (high < 0) return -1;
    return high === 0 && low === 0 ? 0 : 1;
  }

  /** How many voices, how much they agree, how many were shut out. Never grows with age. */
  #confidence(usedCount: number, candidateCount: number): number {
    const center = this.#at[1] as number;
    let voicesPpm = 0;
    let kindsPpm = 0;
    let apart = 0;
    for (let i = 0; i < usedCount; i++) {
      voicesPpm += this.#voicesPpm[i] as number;
      kindsPpm += this.#kindsPpm[i] as number;
      const distance = Math.abs((this.#prices[i] as number) - center);
      const apartPpm = Math.floor((distance / center) * PPM);
      apart += (this.#kindsPpm[i] as number) * apartPpm;
    }
    const hundredths = Math.min(COUNT_HUNDREDTHS_MAX, Math.floor((voicesPpm * 100) / PPM));
    const cube = hundredths ** 3;
    const countPpm = Math.floor((cube * PPM) / (cube + COUNT_CUBE_HALF));
    const halfPpm = this.#config.agreeHalfBps * 100;
    const agreePpm = Math.floor((halfPpm * PPM) / (halfPpm + Math.floor(apart / kindsPpm)));
    const sharePpm = Math.floor((usedCount * PPM) / candidateCount);
    return partOf(partOf(countPpm, agreePpm), sharePpm);
  }

  /** That many hundredths of a per cent of a price, rounded down, into #division[3]. */
  #share(price: number, bps: number): void {
    this.#division[0] = price;
    this.#division[1] = bps;
    this.#division[2] = BPS;
    mulDivFloor(this.#division);
  }

  /** Sorts the first `count` of #sorted; their median, rounded down, into #at[4]. */
  #median(count: number): void {
    const sorted = this.#sorted;
    for (let i = 1; i < count; i++) {
      const value = sorted[i] as number;
      let at = i;
      while (at > 0 && (sorted[at - 1] as number) > value) {
        sorted[at] = sorted[at - 1] as number;
        at--;
      }
      sorted[at] = value;
    }
    const half = count >> 1;
    const upper = sorted[half] as number;
    if (count % 2 === 1) {
      this.#at[4] = upper;
      return;
    }
    const lower = sorted[half - 1] as number;
    this.#at[4] = lower + Math.floor((upper - lower) / 2);
  }
}

/** What a source was at the computation that these masks are from. */
export function fairStateOf(
  place: number,
  used: number,
  stale: number,
  outlier: number,
  unpriced: number,
): FairState {
  const bit = 1 << place;
  if ((used & bit) !== 0) return FairState.Used;
  if ((stale & bit) !== 0) return FairState.Stale;
  if ((outlier & bit) !== 0) return FairState.Outlier;
  return (unpriced & bit) !== 0 ? FairState.Unpriced : FairState.None;
}

/** A part of something, both in millionths. */
function partOf(whole: number, ppm: number): number {
  return Math.floor((whole * ppm) / PPM);
}
