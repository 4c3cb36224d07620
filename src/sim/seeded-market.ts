/**
 * SeededMarket: a made-up market of one asset against the dollar, for assets that no recording plays. Deterministic: the
 * same seed gives the same events, on every machine (only operations that IEEE 754 rounds exactly; no logarithm, no sine).
 *
 * A hidden fair price wanders around its anchor and is pulled back; bid and ask follow it at a few ticks' distance.
 * Around ten times a second some levels near the top change; now and then somebody takes, and the level that was hit
 * is smaller afterwards. It never repeats itself and never ends.
 *
 * A side is a window of `windowTicks` ticks from its best price outwards, as a ring over a typed array: slot = tick mod
 * window. Invariants: the best price of each side has a size; best bid < best ask; all sizes are whole lots.
 */
import { assert } from '../domain/assert.js';
import { Side } from '../domain/order.js';
import { SeededRandom } from '../domain/seeded-random.js';
import type { LevelChange, MarketEvent, PriceLevel } from '../venues/simulator-port.js';
import type { AssetMarket } from './venue-market.js';

/** What kind of market it is. Mantissas at the scales given here. */
export interface MarketProfile {
  readonly priceScale: number;
  readonly sizeScale: number;
  /** Where the fair price is pulled to, and starts. */
  readonly anchorMantissa: number;
  readonly tickMantissa: number;
  readonly lotMantissa: number;
  /** Relative change of the fair price in a second (standard deviation). */
  readonly volatility: number;
  /** Share of its distance from the anchor that the fair price loses in a second. */
  readonly pull: number;
  /** It never goes farther from its anchor; relative. */
  readonly distanceMax: number;
  readonly spreadTicksMax: number;
  /** Depth of a side. */
  readonly windowTicks: number;
  /** Share of ticks with a size, near the top and far from it. */
  readonly densityNear: number;
  readonly densityFar: number;
  /** Typical size of a level near the top. */
  readonly sizeMantissa: number;
  readonly changesPerSec: number;
  readonly tradesPerSec: number;
}

const NS_PER_SEC = 1e9;
/** Ticks from the best price that count as near. */
const NEAR_TICKS = 24;
/** Levels that change in one event besides those that a move brings. */
const CHANGES_MAX = 4;
/** Twelve units less six have a standard deviation of one (central limit); four do well enough at a third of the cost. */
const NORMAL_DRAWS = 4;
const NORMAL_SCALE = 1.7320508075688772;

/** One side of the book. */
class WindowSide {
  readonly isAsk: boolean;
  /** Steps towards better prices: up for bids. */
  readonly towards: 1 | -1;
  readonly sizes: Float64Array;
  bestTick: number;

  constructor(isAsk: boolean, windowTicks: number, bestTick: number) {
    this.isAsk = isAsk;
    this.towards = isAsk ? -1 : 1;
    this.sizes = new Float64Array(windowTicks);
    this.bestTick = bestTick;
  }

  sizeAt(tick: number): number {
    return this.sizes[tick % this.sizes.length] ?? 0;
  }

  setSize(tick: number, size: number): void {
    this.sizes[tick % this.sizes.length] = size;
  }
}

export class SeededMarket implements AssetMarket {
  readonly #profile: MarketProfile;
  readonly #random: SeededRandom;
  readonly #bids: WindowSide;
  readonly #asks: WindowSide;
  /** In ticks, with a fraction. */
  #fairTicks: number;
  #dueNs = 0;
  #hasBegun = false;
  /** The levels that belong to the trade that was just told. */
  #pending: MarketEvent | null = null;

  constructor(profile: MarketProfile, seed: number) {
    const anchorTick = Math.round(profile.anchorMantissa / profile.tickMantissa);
    assert(
      anchorTick * (1 - profile.distanceMax) > 2 * profile.windowTicks,
      `the window fits below the price: anchorTick=${anchorTick}, windowTicks=${profile.windowTicks}`,
    );
    this.#profile = profile;
    this.#random = new SeededRandom(seed);
    this.#fairTicks = anchorTick;
    this.#bids = new WindowSide(false, profile.windowTicks, anchorTick - 1);
    this.#asks = new WindowSide(true, profile.windowTicks, anchorTick + 1);
    for (const side of [this.#bids, this.#asks]) this.#fill(side);
  }

  get priceScale(): number {
    return this.#profile.priceScale;
  }

  get sizeScale(): number {
    return this.#profile.sizeScale;
  }

  get nextDueNs(): number {
    return this.#dueNs;
  }

  next(): MarketEvent {
    const pending = this.#pending;
    if (pending !== null) {
      this.#pending = null;
      this.#schedule();
      return pending;
    }
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      const snapshot: MarketEvent = {
        kind: 'snapshot',
        instrumentIndex: 0,
        bids: this.#levelsOf(this.#bids),
        asks: this.#levelsOf(this.#asks),
      };
      this.#schedule();
      return snapshot;
    }
    const { changesPerSec, tradesPerSec } = this.#profile;
    if (this.#random.nextUnit() < tradesPerSec / changesPerSec) return this.#trade();
    const changes = this.#move();
    this.#schedule();
    return { kind: 'levels', instrumentIndex: 0, changes };
  }

  // -------------------------------------------------------------- time and fair price

  #schedule(): void {
    // From a quarter to seven quarters of the mean, so that nothing beats in time.
    const meanNs = NS_PER_SEC / this.#profile.changesPerSec;
    const stepNs = Math.round(meanNs * (0.25 + 1.5 * this.#random.nextUnit()));
    this.#dueNs += stepNs;
    this.#wander(stepNs / NS_PER_SEC);
  }

  #wander(seconds: number): void {
    const { anchorMantissa, tickMantissa, volatility, pull, distanceMax } = this.#profile;
    const anchor = anchorMantissa / tickMantissa;
    let normal = -NORMAL_DRAWS / 2;
    for (let draw = 0; draw < NORMAL_DRAWS; draw++) normal += this.#random.nextUnit();
    const step =
      anchor * volatility * Math.sqrt(seconds) * normal * NORMAL_SCALE -
      (this.#fairTicks - anchor) * pull * seconds;
    const low = anchor * (1 - distanceMax);
    const high = anchor * (1 + distanceMax);
    this.#fairTicks = Math.min(high, Math.max(low, this.#fairTicks + step));
  }

  // -------------------------------------------------------------- events

  /** Somebody takes a part of the best level; what is left of it comes as a change at the same moment. */
  #trade(): MarketEvent {
    const isBuy = this.#random.nextUnit() < 0.5;
    const side = isBuy ? this.#asks : this.#bids;
    const { lotMantissa, tickMantissa, sizeMantissa } = this.#profile;
    const displayed = side.sizeAt(side.bestTick);
    const share = this.#random.nextUnit();
    const wanted = this.#wholeLots(sizeMantissa * share * share);
    // The level keeps a lot, so that the best price stays where it is until the fair price moves it.
    const size = Math.min(wanted, displayed - lotMantissa);
    if (size <= 0) {
      const changes = this.#move();
      this.#schedule();
      return { kind: 'levels', instrumentIndex: 0, changes };
    }
    side.setSize(side.bestTick, displayed - size);
    const priceMantissa = side.bestTick * tickMantissa;
    this.#pending = {
      kind: 'levels',
      instrumentIndex: 0,
      changes: [{ isAsk: side.isAsk, priceMantissa, sizeMantissa: displayed - size }],
    };
    return {
      kind: 'trade',
      instrumentIndex: 0,
      priceMantissa,
      sizeMantissa: size,
      takerSide: isBuy ? Side.Buy : Side.Sell,
    };
  }

  /** The book follows the fair price, and some levels change. */
  #move(): LevelChange[] {
    const { spreadTicksMax, windowTicks } = this.#profile;
    const spread = 1 + Math.floor(this.#random.nextUnit() * spreadTicksMax);
    const stepMax = windowTicks >> 2;
    const near = (from: number, to: number): number =>
      Math.min(from + stepMax, Math.max(from - stepMax, to));
    const bid = near(this.#bids.bestTick, Math.floor(this.#fairTicks - spread / 2));
    const ask = Math.max(bid + 1, near(this.#asks.bestTick, bid + spread));
    const changes: LevelChange[] = [];
    // The side that gives way goes first, so that the book is never crossed between two changes either.
    const sides = bid > this.#bids.bestTick ? [this.#asks, this.#bids] : [this.#bids, this.#asks];
    for (const side of sides) this.#moveSide(side, side.isAsk ? ask : bid, changes);
    const count = 1 + Math.floor(this.#random.nextUnit() * CHANGES_MAX);
    for (let change = 0; change < count; change++) this.#changeOne(changes);
    return changes;
  }

  #moveSide(side: WindowSide, bestTick: number, changes: LevelChange[]): void {
    const { windowTicks } = this.#profile;
    const { towards } = side;
    while (side.bestTick !== bestTick) {
      const isBetter = (bestTick - side.bestTick) * towards > 0;
      const farTick = side.bestTick - towards * (windowTicks - 1);
      if (isBetter) {
        // The farthest level leaves the window, its slot is the new best price's.
        if (side.sizeAt(farTick) > 0) this.#set(side, farTick, 0, changes);
        side.bestTick += towards;
        const hasLevel = side.bestTick === bestTick || this.#hasLevel(0);
        if (hasLevel) this.#set(side, side.bestTick, this.#size(0), changes);
      } else {
        if (side.sizeAt(side.bestTick) > 0) this.#set(side, side.bestTick, 0, changes);
        side.bestTick -= towards;
        const newTick = farTick - towards;
        if (this.#hasLevel(windowTicks)) this.#set(side, newTick, this.#size(windowTicks), changes);
      }
    }
    if (side.sizeAt(bestTick) === 0) this.#set(side, bestTick, this.#size(0), changes);
  }

  /** Near the top most of the time. */
  #changeOne(changes: LevelChange[]): void {
    const side = this.#random.nextUnit() < 0.5 ? this.#bids : this.#asks;
    const isNear = this.#random.nextUnit() < 0.8;
    const reach = isNear ? NEAR_TICKS : this.#profile.windowTicks;
    const distance = Math.floor(this.#random.nextUnit() * reach);
    const tick = side.bestTick - side.towards * distance;
    const isLevel = distance === 0 || this.#hasLevel(distance);
    const size = isLevel ? this.#size(distance) : 0;
    if (size !== side.sizeAt(tick)) this.#set(side, tick, size, changes);
  }

  #set(side: WindowSide, tick: number, size: number, changes: LevelChange[]): void {
    side.setSize(tick, size);
    const priceMantissa = tick * this.#profile.tickMantissa;
    changes.push({ isAsk: side.isAsk, priceMantissa, sizeMantissa: size });
  }

  // -------------------------------------------------------------- sizes

  #fill(side: WindowSide): void {
    for (let distance = 0; distance < this.#profile.windowTicks; distance++) {
      const isLevel = distance === 0 || this.#hasLevel(distance);
      const size = isLevel ? this.#size(distance) : 0;
      side.setSize(side.bestTick - side.towards * distance, size);
    }
  }

  #hasLevel(distance: number): boolean {
    const { densityFar, densityNear } = this.#profile;
    return this.#random.nextUnit() < (distance < NEAR_TICKS ? densityNear : densityFar);
  }

  /** Mostly small, now and then large, larger farther out. */
  #size(distance: number): number {
    const { sizeMantissa, windowTicks } = this.#profile;
    const unit = this.#random.nextUnit();
    return this.#wholeLots(
      sizeMantissa * (0.1 + 4 * unit * unit * unit) * (1 + (3 * distance) / windowTicks),
    );
  }

  #wholeLots(mantissa: number): number {
    const { lotMantissa } = this.#profile;
    return Math.max(1, Math.round(mantissa / lotMantissa)) * lotMantissa;
  }

  #levelsOf(side: WindowSide): PriceLevel[] {
    const levels: PriceLevel[] = [];
    for (let distance = 0; distance < this.#profile.windowTicks; distance++) {
      const tick = side.bestTick - side.towards * distance;
      const sizeMantissa = side.sizeAt(tick);
      if (sizeMantissa === 0) continue;
      levels.push({ priceMantissa: tick * this.#profile.tickMantissa, sizeMantissa });
    }
    return levels;
  }
}
