/**
 * fair-view: fair prices and their sources as plain JSON (docs/control-api.md, docs/fair-price.md). Control thread; reads
 * the fair and the market cells of the board, writes nothing. A part of state-view.
 */
import { codeAt } from '../domain/errors.js';
import { decimalText } from '../domain/decimal-text.js';
import { FAIR_CURRENCY, FAIR_SCALE, FairState, fairStateOf } from '../domain/fair-price.js';
import type { FairAsset } from '../domain/fair-price.js';
import { Rounding, mulDivBig } from '../domain/fixed-point.js';
import type { Instrument } from '../domain/instrument.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  blankBoardFair,
  getBoardFairPriceMantissaBig,
  getBoardLevelPriceMantissaBig,
  getBoardMarketAskCount,
  getBoardMarketBidCount,
  getBoardMarketBookNs,
  getBoardMarketStaleReason,
  readBoardFair,
} from '../generated/hot.js';
import type { BoardFairFields } from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';

const NS_PER_MS = 1_000_000;
const PPM = 1_000_000;
const FAIR_UNIT = 10n ** BigInt(FAIR_SCALE);

/** One instrument of the asset: what it was worth at the last computation, and what it shows now. */
export interface FairSourceJson {
  readonly instrumentIndex: number;
  readonly venue: string;
  readonly symbol: string;
  readonly kind: string;
  readonly quote: string;
  /** used, stale, outlier, unpriced; none: no two-sided price. */
  readonly state: string;
  /** Half way between bid and ask, in the quote currency; null: a side is empty. */
  readonly mid: string | null;
  /** The same in USD; null: no mid, or the quote currency has no price. */
  readonly usd: string | null;
  /** How far that is from the fair price. Hundredths of a per cent. */
  readonly offBps: number | null;
  /** Since the book last changed; null: never. */
  readonly ageMs: number | null;
  /** Why its market is stale; OK when it is fresh. */
  readonly staleReason: string;
}

export interface FairJson {
  readonly asset: string;
  readonly currency: string;
  /** null: none; `reason` says why. */
  readonly price: string | null;
  /** The lowest and the highest source that took part. */
  readonly low: string | null;
  readonly high: string | null;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly reason: string;
  /** Since it was computed. */
  readonly ageMs: number;
  /** Age of the oldest price that took part; null: none did. */
  readonly oldestMs: number | null;
  readonly sources: readonly FairSourceJson[];
}

const STATE_TEXT: Readonly<Record<FairState, string>> = {
  [FairState.None]: 'none',
  [FairState.Used]: 'used',
  [FairState.Stale]: 'stale',
  [FairState.Outlier]: 'outlier',
  [FairState.Unpriced]: 'unpriced',
};

export interface FairViewOptions {
  readonly fairAssets: readonly FairAsset[];
  /** By place in `fairAssets`. Writer: ingest. */
  readonly boardFair: BoardCells;
  readonly boardMarkets: BoardCells;
}

export class FairView {
  readonly #options: FairViewOptions;
  readonly #cell = new Int32Array(BOARD_FAIR_WORDS);
  readonly #rateCell = new Int32Array(BOARD_FAIR_WORDS);
  readonly #market = new Int32Array(BOARD_MARKET_WORDS);
  readonly #fair: BoardFairFields = blankBoardFair();

  constructor(options: FairViewOptions) {
    this.#options = options;
  }

  /** Assets that ingest has computed. */
  fairs(nowNs: number): readonly FairJson[] {
    const { fairAssets, boardFair } = this.#options;
    return fairAssets.flatMap((asset, place) =>
      boardFair.read(place, this.#cell) ? [this.#fairJson(asset, nowNs)] : [],
    );
  }

  #fairJson(asset: FairAsset, nowNs: number): FairJson {
    const fair = this.#fair;
    readBoardFair(this.#cell, 0, fair);
    const hasPrice = fair.reason === 0;
    const text = (mantissa: number): string | null =>
      hasPrice ? decimalText(mantissa, FAIR_SCALE) : null;
    const price = hasPrice ? getBoardFairPriceMantissaBig(this.#cell, 0) : 0n;
    return {
      asset: asset.asset,
      currency: FAIR_CURRENCY,
      price: text(fair.priceMantissa),
      low: text(fair.lowMantissa),
      high: text(fair.highMantissa),
      confidence: fair.confidencePpm / PPM,
      reason: codeAt(fair.reason),
      ageMs: ageMs(nowNs, fair.computedNs),
      oldestMs: hasPrice ? ageMs(nowNs, fair.oldestNs) : null,
      sources: asset.instruments.flatMap((instrument, source) => {
        if (!this.#options.boardMarkets.read(instrument.index, this.#market)) return [];
        const { usedMask, staleMask, outlierMask, unpricedMask } = fair;
        const state = fairStateOf(source, usedMask, staleMask, outlierMask, unpricedMask);
        return [this.#sourceJson(instrument, state, asset.ratePlaces[source] ?? 0, price, nowNs)];
      }),
    };
  }

  #sourceJson(
    instrument: Instrument,
    state: FairState,
    ratePlace: number,
    price: bigint,
    nowNs: number,
  ): FairSourceJson {
    const market = this.#market;
    const hasTop = getBoardMarketBidCount(market, 0) > 0 && getBoardMarketAskCount(market, 0) > 0;
    const sum = hasTop
      ? getBoardLevelPriceMantissaBig(market, BOARD_MARKET_BIDS_WORD) +
        getBoardLevelPriceMantissaBig(market, BOARD_MARKET_ASKS_WORD)
      : 0n;
    const usd = hasTop ? this.#inUsd(sum, instrument, ratePlace) : null;
    const bookNs = getBoardMarketBookNs(market, 0);
    return {
      instrumentIndex: instrument.index,
      venue: instrument.venue,
      symbol: instrument.symbol,
      kind: instrument.kind,
      quote: instrument.quote,
      state: STATE_TEXT[state],
      mid: hasTop ? decimalText(sum * 5n, instrument.priceScale + 1) : null,
      usd: usd === null ? null : decimalText(usd, FAIR_SCALE),
      offBps:
        usd === null || price === 0n ? null : Number(((usd - price) * 1_000_000n) / price) / 100,
      ageMs: bookNs === 0 ? null : ageMs(nowNs, bookNs),
      staleReason: codeAt(getBoardMarketStaleReason(market, 0)),
    };
  }

  /** Half of a sum of bid and ask, at the fair price of its quote currency now. */
  #inUsd(sum: bigint, instrument: Instrument, ratePlace: number): bigint | null {
    let rate = FAIR_UNIT;
    if (instrument.quote !== FAIR_CURRENCY) {
      if (ratePlace < 0 || !this.#options.boardFair.read(ratePlace, this.#rateCell)) return null;
      rate = getBoardFairPriceMantissaBig(this.#rateCell, 0);
      if (rate === 0n) return null;
    }
    const unit = 10n ** BigInt(instrument.priceScale);
    return mulDivBig(sum, rate, 2n * unit, Rounding.HalfEven);
  }
}

function ageMs(nowNs: number, thenNs: number): number {
  return Math.max(0, Math.round((nowNs - thenNs) / NS_PER_MS));
}
