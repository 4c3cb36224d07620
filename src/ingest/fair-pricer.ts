/**
 * fair-pricer: keeps the fair price of every asset on the board.
 * @hotpath
 *
 *   market cells (as ingest has just written them) ─▶ FairQuotes ─▶ FairPrices ─▶ fair cells
 *
 * A part of the ingest role, behind the feeds in each of its turns (there is one behind every frame); the only writer of the
 * fair cells. An asset is computed when the top of one of its instruments or the price of a currency that it is quoted in
 * has changed, at most every intervalMinMs and at least every intervalMaxMs, so that ages are true when nothing comes.
 * It reads the board and not the decoders, so it does not matter which of them wrote a market.
 */
import { FairPrices } from '../domain/fair-price.js';
import type { FairAsset, FairConfig } from '../domain/fair-price.js';
import type { Instrument } from '../domain/instrument.js';
import {
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  getBoardLevelPriceMantissa,
  getBoardLevelSizeMantissa,
  getBoardMarketAskCount,
  getBoardMarketBidCount,
  getBoardMarketBookNs,
  getBoardMarketStaleReason,
  setBoardFairComputedNs,
  setBoardFairConfidencePpm,
  setBoardFairHighMantissa,
  setBoardFairLowMantissa,
  setBoardFairOldestNs,
  setBoardFairOutlierMask,
  setBoardFairPriceMantissa,
  setBoardFairReason,
  setBoardFairStaleMask,
  setBoardFairUnpricedMask,
  setBoardFairUsedMask,
} from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { Agent } from '../runtime/agent.js';
import { Counter } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';

export interface FairPricerOptions {
  /** A place here is a cell of boardFair. */
  readonly assets: readonly FairAsset[];
  /** Of the whole table: cells of boardMarkets. */
  readonly instrumentCount: number;
  readonly config: FairConfig;
  readonly boardMarkets: BoardCells;
  readonly boardFair: BoardCells;
  readonly telemetry: Telemetry;
}

const NS_PER_MS = 1_000_000;
const BPS = 10_000;

export class FairPricer implements Agent {
  readonly roleName = 'ingest';
  readonly #boardMarkets: BoardCells;
  readonly #boardFair: BoardCells;
  readonly #telemetry: Telemetry;
  readonly #prices: FairPrices;
  readonly #intervalMinNs: number;
  readonly #intervalMaxNs: number;
  readonly #depthPart: number;
  readonly #cell = new Int32Array(BOARD_MARKET_WORDS);
  /** By instrument index: version of its cell when it was last looked at. */
  readonly #versions: Int32Array;
  /** By asset and place of its instrument: the price of the quote currency when it was last looked at. */
  readonly #rates: readonly Float64Array[];
  readonly #computedNs: Float64Array;
  /** Before then nothing is due. */
  readonly #nextNs = new Float64Array(1);
  #isStopping = false;

  constructor(options: FairPricerOptions) {
    const { assets, instrumentCount, config } = options;
    this.#boardMarkets = options.boardMarkets;
    this.#boardFair = options.boardFair;
    this.#telemetry = options.telemetry;
    this.#prices = new FairPrices(assets, instrumentCount, config);
    this.#intervalMinNs = config.intervalMinMs * NS_PER_MS;
    this.#intervalMaxNs = config.intervalMaxMs * NS_PER_MS;
    this.#depthPart = config.depthBps / BPS;
    this.#versions = new Int32Array(instrumentCount);
    this.#rates = assets.map(({ ratePlaces }) => new Float64Array(ratePlaces.length));
    this.#computedNs = new Float64Array(assets.length).fill(Number.NEGATIVE_INFINITY);
  }

  onStart(): void {
    // Everything was built by the constructor.
  }

  /** Prices are no reason to stay awake: the next change of a market is. */
  doWork(nowNs: number): number {
    this.onTime(nowNs);
    return 0;
  }

  /** Nobody may have to wait for a price longer than it says of itself. */
  get nextTurnNs(): number {
    return (this.#nextNs[0] as number) - this.#intervalMinNs + this.#intervalMaxNs;
  }

  onStop(): void {
    this.#isStopping = true;
  }

  get isDone(): boolean {
    return this.#isStopping;
  }

  onClose(): void {
    // The boards belong to the engine.
  }

  /** Publishes the prices that are due; returns how many. */
  onTime(nowNs: number): number {
    if (nowNs < (this.#nextNs[0] as number)) return 0;
    const { assets } = this.#prices;
    let count = 0;
    let earliestNs = Number.POSITIVE_INFINITY;
    for (let place = 0; place < assets.length; place++) {
      const sinceNs = nowNs - (this.#computedNs[place] as number);
      // A currency stands before what is quoted in it: its new price is seen in the same pass.
      if (sinceNs >= this.#intervalMinNs) {
        const isChanged = this.#refresh(place);
        if (isChanged || sinceNs >= this.#intervalMaxNs) {
          this.#computedNs[place] = nowNs;
          this.#publish(place, nowNs);
          count++;
        }
      }
      // One that has not changed is looked at again at the next call.
      const dueNs = (this.#computedNs[place] as number) + this.#intervalMinNs;
      if (dueNs < earliestNs) earliestNs = dueNs;
    }
    this.#nextNs[0] = earliestNs;
    return count;
  }

  /** Takes over what the board says of the asset's instruments. True: a top or a rate is another than before. */
  #refresh(place: number): boolean {
    const { instruments, ratePlaces } = this.#prices.assets[place] as FairAsset;
    const rates = this.#rates[place] as Float64Array;
    let isChanged = false;
    for (let source = 0; source < instruments.length; source++) {
      const ratePlace = ratePlaces[source] as number;
      if (ratePlace >= 0) {
        const rate = this.#prices.prices[ratePlace] as number;
        if (rate !== rates[source]) {
          rates[source] = rate;
          isChanged = true;
        }
      }
      const index = (instruments[source] as Instrument).index;
      const version = this.#boardMarkets.version(index);
      if (version === this.#versions[index]) continue;
      if (!this.#boardMarkets.read(index, this.#cell)) continue;
      this.#versions[index] = version;
      if (this.#take(index)) isChanged = true;
    }
    return isChanged;
  }

  /** Moves the cell in hand to the quotes. True: something that counts is different. The time of the book alone does not. */
  #take(index: number): boolean {
    const cell = this.#cell;
    const { bids, asks, depths, bookNs, isFresh } = this.#prices.quotes;
    const bidCount = getBoardMarketBidCount(cell, 0);
    const askCount = getBoardMarketAskCount(cell, 0);
    const bid = bidCount > 0 ? getBoardLevelPriceMantissa(cell, BOARD_MARKET_BIDS_WORD) : 0;
    const ask = askCount > 0 ? getBoardLevelPriceMantissa(cell, BOARD_MARKET_ASKS_WORD) : 0;
    let bidDepth = 0;
    for (let level = 0; level < bidCount; level++) {
      const word = BOARD_MARKET_BIDS_WORD + level * BOARD_LEVEL_WORDS;
      if (getBoardLevelPriceMantissa(cell, word) < bid - bid * this.#depthPart) break;
      bidDepth += getBoardLevelSizeMantissa(cell, word);
    }
    let askDepth = 0;
    for (let level = 0; level < askCount; level++) {
      const word = BOARD_MARKET_ASKS_WORD + level * BOARD_LEVEL_WORDS;
      if (getBoardLevelPriceMantissa(cell, word) > ask + ask * this.#depthPart) break;
      askDepth += getBoardLevelSizeMantissa(cell, word);
    }
    const depth = Math.min(bidDepth, askDepth);
    const fresh = getBoardMarketStaleReason(cell, 0) === 0 ? 1 : 0;
    bookNs[index] = getBoardMarketBookNs(cell, 0);
    if (
      bids[index] === bid &&
      asks[index] === ask &&
      depths[index] === depth &&
      isFresh[index] === fresh
    ) {
      return false;
    }
    bids[index] = bid;
    asks[index] = ask;
    depths[index] = depth;
    isFresh[index] = fresh;
    return true;
  }

  #publish(place: number, nowNs: number): void {
    const prices = this.#prices;
    const reasonBefore = prices.reasons[place] as number;
    prices.compute(place, nowNs);
    const reason = prices.reasons[place] as number;
    this.#telemetry.add(Counter.fairComputed);
    if (reason !== 0 && reason !== reasonBefore) this.#telemetry.reject(reason);
    const unpricedMask = prices.unpricedMasks[place] as number;
    for (let left = unpricedMask; left !== 0; left &= left - 1) {
      this.#telemetry.add(Counter.fairUnpriced);
    }
    const base = this.#boardFair.begin(place);
    const i32 = this.#boardFair.i32;
    setBoardFairPriceMantissa(i32, base, prices.prices[place] as number);
    setBoardFairLowMantissa(i32, base, prices.lows[place] as number);
    setBoardFairHighMantissa(i32, base, prices.highs[place] as number);
    setBoardFairComputedNs(i32, base, prices.computedNs[place] as number);
    setBoardFairOldestNs(i32, base, prices.oldestNs[place] as number);
    setBoardFairConfidencePpm(i32, base, prices.confidencesPpm[place] as number);
    setBoardFairUsedMask(i32, base, prices.usedMasks[place] as number);
    setBoardFairStaleMask(i32, base, prices.staleMasks[place] as number);
    setBoardFairOutlierMask(i32, base, prices.outlierMasks[place] as number);
    setBoardFairUnpricedMask(i32, base, unpricedMask);
    setBoardFairReason(i32, base, reason);
    this.#boardFair.end(place);
  }
}
