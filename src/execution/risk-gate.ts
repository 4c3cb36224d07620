/**
 * risk-gate: the one door to a venue. Binds the limits to the state, in a fixed order; the only maker of `ApprovedOrder`.
 * @hotpath
 *
 *   strategy, person, flatten ──▶ OrderDraft ──approve──▶ ApprovedOrder ──▶ OrderSend ──▶ gateway
 *                                               └─────▶ null and `verdict`: code, what was, what is allowed
 *
 * Execution thread; reads the core's state, changes nothing. No arithmetic here: that is domain/risk.ts.
 * Cancels do not come here: they are always allowed.
 * Order of checks: a venue that takes orders, trading state, session, reconciled, instrument, whitelist, confidence, fields,
 * reduce-only, tick, lot, minimum, maximum, market, price band, self-crossing, notional minimum, order notional, position,
 * margin or inventory or cash, position counts, exposures, leverage, share of the equity, trades, open orders, order rate.
 */
import { assert } from '../domain/assert.js';
import { EventKind } from '../domain/core-record.js';
import type { CoreRecord } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { feeUpperBound } from '../domain/fees.js';
import type { FeeSchedule } from '../domain/fees.js';
import { OrderType, Side, TimeInForce } from '../domain/order.js';
import type { ApprovedOrder } from '../domain/order.js';
import { ExposureGroup } from '../domain/risk.js';
import * as risk from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { MS_PER_DAY, MS_PER_HOUR } from './core-times.js';
import { worstSize } from './exposure.js';

const NS_PER_MS = 1_000_000;
const NS_PER_SEC = 1_000_000_000;

const NOT_RECONCILED = codeIndex('RISK_NOT_RECONCILED');
const SESSION_DOWN = codeIndex('RISK_SESSION_DOWN');
const INSTRUMENT_UNKNOWN = codeIndex('INSTRUMENT_UNKNOWN');
const VENUE_INSTRUMENT = codeIndex('VENUE_INSTRUMENT');
const READ_ONLY = codeIndex('ORDER_VENUE_READ_ONLY');
const TRADING_HALTED = codeIndex('RISK_TRADING_HALTED');
const UNPRICED = codeIndex('RISK_UNPRICED');
const ORDER_INVALID = codeIndex('ORDER_INVALID');

/** Orders of people and of the core itself are not a matter of confidence. */
export const NO_CONFIDENCE = -1;

/** A wish on its way through the gate. One object, filled anew each time. */
export class OrderDraft {
  orderSeq = 0;
  instrumentIndex = 0;
  strategyIndex = 0;
  side = 0;
  orderType = 0;
  timeInForce = 0;
  flags = 0;
  priceMantissa = 0;
  sizeMantissa = 0;
  /** What a stop or take-profit order waits for; 0: nothing. */
  triggerMantissa = 0;
  /** Bracket: gain and loss at which what fills is closed again; 0: none. */
  gainMantissa = 0;
  lossMantissa = 0;
  /** Price times size; made by the gate. */
  notionalMantissa = 0;
  ttlMs = 0;
  referencePriceMantissa = 0;
  tickRecvNs = 0;
  tickVenueNs = 0;
  emitNs = 0;
  /** The core's time. In the draft, because a time that is handed on by argument is boxed: 16 bytes each. */
  nowNs = 0;
  /** How sure the strategy is, parts per million; NO_CONFIDENCE: not an intent. */
  confidencePpm = NO_CONFIDENCE;
  /** Made by the gate: the order may make a position larger. */
  isOpening = false;
  /** Closes a position at a person's wish: exempt from trading state, order notional and open orders. */
  isFlatten = false;
}

/** A draft that passed. */
export type ApprovedDraft = OrderDraft & ApprovedOrder;

/** Why the last draft was refused; units by reason in docs/risk.md. */
export class RiskVerdict {
  reason = 0;
  actual = 0;
  limit = 0;
}

export interface RiskGateOptions {
  readonly state: CoreState;
  readonly limits: RiskLimits;
  readonly fees: FeeSchedule;
}

export class RiskGate {
  readonly verdict = new RiskVerdict();
  readonly #state: CoreState;
  readonly #limits: RiskLimits;
  readonly #takerPpm: number;
  readonly #markAgeMaxNs: number;

  constructor(options: RiskGateOptions) {
    this.#state = options.state;
    this.#limits = options.limits;
    // A maker rebate is not counted on; the dearer of the two is set aside.
    this.#takerPpm = Math.max(0, options.fees.takerPpm, options.fees.makerPpm);
    this.#markAgeMaxNs = options.limits.markAgeMaxMs * NS_PER_MS;
  }

  /** The draft as an approved order, or null with the reason in `verdict`. A market order becomes a bounded limit IOC. */
  approve(draft: OrderDraft): ApprovedDraft | null {
    const target = this.#state.instruments[draft.instrumentIndex];
    const isApproved =
      this.#mayTrade(draft, target) &&
      target !== undefined &&
      this.#isWellFormed(draft, target) &&
      this.#isPricedWell(draft, target) &&
      this.#isAffordable(draft, target);
    if (!isApproved) return null;
    this.#say(0, 0, 0);
    // The one place where the brand is given.
    return draft as unknown as ApprovedDraft;
  }

  /** Whether an order may wait here for its trigger; with the market of that moment it is judged again. */
  acceptHeld(draft: OrderDraft): boolean {
    const target = this.#state.instruments[draft.instrumentIndex];
    if (!this.#mayTrade(draft, target) || target === undefined) return false;
    if (!this.#isWellFormed(draft, target) || !this.#hasRoom(1)) return false;
    const isBracket = draft.gainMantissa !== 0 || draft.lossMantissa !== 0;
    return isBracket ? this.#refuse(ORDER_INVALID, 0, 0) : true;
  }

  /** What a buy of this price and size takes from the quote ledger at most, with its fee; in ledger units. */
  reservedFor(target: InstrumentState, priceMantissa: number, sizeMantissa: number): number {
    const notional = priceMantissa * sizeMantissa;
    const need = (notional + feeUpperBound(notional, this.#takerPpm)) * target.quoteFactor;
    // Only an adopted order can be beyond the limits; what it reserves stands at the bound.
    return need <= Number.MAX_SAFE_INTEGER ? need : Number.MAX_SAFE_INTEGER;
  }

  #mayTrade(draft: OrderDraft, target: InstrumentState | undefined): boolean {
    const state = this.#state;
    if (target?.isReadOnly === true) return this.#refuse(READ_ONLY, draft.instrumentIndex, 0);
    if (!draft.isFlatten) {
      const isReducing = target !== undefined && this.#isReducing(draft, target);
      const reason = risk.checkTradingState(state.tradingState, isReducing);
      if (reason !== 0) return this.#refuse(reason, state.tradingState, 0);
      if (state.isStopping || (target !== undefined && target.isFlattening)) {
        return this.#refuse(TRADING_HALTED, state.tradingState, 0);
      }
    }
    if (!state.isSessionUp) return this.#refuse(SESSION_DOWN, 0, 1);
    if (!state.isReconciled) return this.#refuse(NOT_RECONCILED, 0, 1);
    if (target === undefined)
      return this.#refuse(INSTRUMENT_UNKNOWN, draft.instrumentIndex, state.instruments.length);
    if (!target.instrument.isTradable)
      return this.#refuse(VENUE_INSTRUMENT, draft.instrumentIndex, 0);
    draft.isOpening = !draft.isFlatten && !this.#isReducing(draft, target);
    if (!draft.isOpening) return true;
    // What follows stops openings only: a way out is always open.
    let reason = risk.checkWhitelist(target.isWhitelisted);
    if (reason !== 0) return this.#refuse(reason, draft.instrumentIndex, 0);
    if (draft.confidencePpm === NO_CONFIDENCE) return true;
    const { confidencePpmMin } = this.#limits;
    reason = risk.checkConfidence(draft.confidencePpm, confidencePpmMin);
    return reason === 0 || this.#refuse(reason, draft.confidencePpm, confidencePpmMin);
  }

  #isWellFormed(draft: OrderDraft, target: InstrumentState): boolean {
    const { instrument } = target;
    const size = draft.sizeMantissa;
    let reason = risk.checkFields(
      draft.side,
      draft.orderType,
      draft.timeInForce,
      draft.flags,
      draft.priceMantissa,
      size,
      draft.ttlMs,
    );
    if (reason !== 0) return this.#refuse(reason, 0, 0);
    reason = risk.checkTrigger(instrument, draft.orderType, draft.triggerMantissa);
    if (reason !== 0) return this.#refuse(reason, draft.triggerMantissa, instrument.tickMantissa);
    reason = risk.checkReduceOnly(draft.flags, this.#isReducing(draft, target));
    if (reason !== 0) return this.#refuse(reason, size, Math.abs(target.position.sizeMantissa));
    if (draft.orderType !== OrderType.Market) {
      reason = risk.checkTick(instrument, draft.priceMantissa);
      if (reason !== 0) return this.#refuse(reason, draft.priceMantissa, instrument.tickMantissa);
    }
    reason = risk.checkLot(instrument, size);
    if (reason !== 0) return this.#refuse(reason, size, instrument.lotMantissa);
    reason = risk.checkSizeMin(instrument, size);
    if (reason !== 0) return this.#refuse(reason, size, instrument.sizeMinMantissa);
    reason = risk.checkSizeMax(target.sizeMaxMantissa, size);
    return reason === 0 || this.#refuse(reason, size, target.sizeMaxMantissa);
  }

  #isPricedWell(draft: OrderDraft, target: InstrumentState): boolean {
    const { instrument } = target;
    const { side } = draft;
    const opposite = side === Side.Buy ? target.askMantissa : target.bidMantissa;
    const markAgeNs = target.markNs < 0 ? Number.MAX_SAFE_INTEGER : draft.nowNs - target.markNs;
    let reason = risk.checkMarket(target.staleReason, opposite, markAgeNs, this.#markAgeMaxNs);
    if (reason !== 0) {
      return target.staleReason !== 0
        ? this.#refuse(reason, target.staleReason, 0)
        : this.#refuse(reason, Math.floor(markAgeNs / NS_PER_MS), this.#limits.markAgeMaxMs);
    }
    if (draft.orderType === OrderType.Market) {
      const edge = risk.bandEdge(side, opposite, this.#limits.marketSlippageBps);
      draft.priceMantissa = risk.toTickInside(instrument, side, edge);
      draft.orderType = OrderType.Limit;
      draft.timeInForce = TimeInForce.Ioc;
    }
    const edge = risk.bandEdge(side, opposite, this.#limits.priceBandBps);
    reason = risk.checkPriceBand(side, draft.priceMantissa, edge);
    if (reason !== 0) return this.#refuse(reason, draft.priceMantissa, edge);
    const own = (side === Side.Buy ? target.ownSells : target.ownBuys).best(this.#state.orders);
    reason = risk.checkSelfCross(side, draft.priceMantissa, own);
    if (reason !== 0) return this.#refuse(reason, draft.priceMantissa, own);
    const { gainMantissa, lossMantissa, priceMantissa } = draft;
    reason = risk.checkBracket(instrument, side, priceMantissa, gainMantissa, lossMantissa);
    return reason === 0 || this.#refuse(reason, priceMantissa, lossMantissa);
  }

  #isAffordable(draft: OrderDraft, target: InstrumentState): boolean {
    const state = this.#state;
    const { side, priceMantissa: price, sizeMantissa: size } = draft;
    const { instrument } = target;
    const notional = price * size;
    draft.notionalMantissa = notional;
    let reason = risk.checkNotionalMin(instrument, notional);
    if (reason !== 0) return this.#refuse(reason, notional, instrument.notionalMinMantissa);
    if (!draft.isFlatten) {
      reason = risk.checkOrderNotional(notional, target.orderNotionalMaxMantissa);
      if (reason !== 0) return this.#refuse(reason, notional, target.orderNotionalMaxMantissa);
    }
    const openSameSide = side === Side.Buy ? target.openBuyMantissa : target.openSellMantissa;
    const priceHigh = price > target.askMantissa ? price : target.askMantissa;
    const worst = risk.worstCaseNotional(
      target.position.sizeMantissa,
      openSameSide,
      side,
      size,
      priceHigh,
    );
    reason = risk.checkPosition(worst, target.positionNotionalMaxMantissa);
    if (reason !== 0) return this.#refuse(reason, worst, target.positionNotionalMaxMantissa);
    if (instrument.kind !== 'spot') {
      const need = this.marginFor(target, price, size);
      const free = target.quote.isKnown ? target.quote.freeClamped() : 0;
      reason = draft.isOpening ? risk.checkCash(need, free) : 0;
      if (reason !== 0) return this.#refuse(reason, need, free);
    } else if (side === Side.Sell) {
      const sellable = this.#sellable(target);
      reason = risk.checkInventory(size, sellable);
      if (reason !== 0) return this.#refuse(reason, size, sellable);
    } else {
      const need = this.reservedFor(target, price, size);
      const free = target.quote.isKnown ? target.quote.freeClamped() : 0;
      reason = risk.checkCash(need, free);
      if (reason !== 0) return this.#refuse(reason, need, free);
    }
    if (draft.isOpening && !this.#isWithinExposure(draft, target)) return false;
    // An order that was held has its place already.
    const isHeld = state.orders.find(draft.orderSeq) !== undefined;
    const isBracket = draft.gainMantissa !== 0 || draft.lossMantissa !== 0;
    if (!draft.isFlatten && !isHeld && !this.#hasRoom(isBracket ? 3 : 1)) return false;
    if (state.orders.isFull && !isHeld)
      return this.#refuse(OPEN_ORDERS, state.orders.openCount, state.orders.slotCount);
    const rateMax = this.#limits.ordersPerSecondMax;
    // The ring holds the last `rateMax` orders: when the oldest of them is less than a second old, the second is full.
    const oldestNs = state.sentTimesNs[state.sentIndex] ?? 0;
    reason = risk.checkOrderRate(draft.nowNs - oldestNs < NS_PER_SEC ? rateMax : 0, rateMax);
    return reason === 0 || this.#refuse(reason, rateMax + 1, rateMax);
  }

  /** Places for so many more orders. */
  #hasRoom(count: number): boolean {
    const { orders, legsReserved, legsHeld } = this.#state;
    const { openOrdersMax } = this.#limits;
    // The legs that brackets will need have their places already: protection must never be refused.
    const taken = orders.openCount - legsHeld + legsReserved;
    const reason = risk.checkOpenOrders(taken + count - 1, openOrdersMax);
    return reason === 0 || this.#refuse(reason, taken, openOrdersMax);
  }

  /** Worst cases with this order, against every limit that is a sum. */
  #isWithinExposure(draft: OrderDraft, target: InstrumentState): boolean {
    const { exposures, equity, trades, untradedCount } = this.#state;
    const limits = this.#limits;
    const { instrumentIndex: index, side, sizeMantissa: size } = draft;
    const isNew = exposures.isEngaged(index) ? 0 : 1;
    const inAsset = exposures.engagedOfAsset(index) + isNew;
    let reason = risk.checkPositionCount(inAsset, limits.positionsPerAssetMax);
    if (reason !== 0) return this.#refuse(reason, inAsset, limits.positionsPerAssetMax);
    const inTotal = exposures.engagedCount + isNew;
    reason = risk.checkPositionCount(inTotal, limits.positionsMax);
    if (reason !== 0) return this.#refuse(reason, inTotal, limits.positionsMax);

    const price =
      draft.priceMantissa > target.lastPriceMantissa
        ? draft.priceMantissa
        : target.lastPriceMantissa;
    const buys = target.openBuyMantissa + (side === Side.Buy ? size : 0);
    const sells = target.openSellMantissa + (side === Side.Sell ? size : 0);
    const worst = worstSize(target.position.sizeMantissa, buys, sells);
    exposures.toUnits(index, worst, price);
    const grown = (exposures.scratch[0] as number) - (exposures.units[index] as number);
    const delta = grown > 0 ? grown : 0;
    exposures.toUnits(index, size, price);
    const order = exposures.scratch[0] as number;

    const ofAsset = exposures.asset(index, delta);
    reason = risk.checkExposure(ExposureGroup.Asset, ofAsset, limits.assetExposureMaxMantissa);
    if (reason !== 0) return this.#refuse(reason, ofAsset, limits.assetExposureMaxMantissa);
    const ofVenue = exposures.venue(index, delta);
    reason = risk.checkExposure(ExposureGroup.Venue, ofVenue, limits.venueExposureMaxMantissa);
    if (reason !== 0) return this.#refuse(reason, ofVenue, limits.venueExposureMaxMantissa);
    // A strategy's own part: what it wants counts whole, whatever others hold against it.
    const ofStrategy = exposures.strategy(draft.strategyIndex, index, order);
    const strategyMax = limits.strategyExposureMaxMantissa;
    reason = risk.checkExposure(ExposureGroup.Strategy, ofStrategy, strategyMax);
    if (reason !== 0) return this.#refuse(reason, ofStrategy, strategyMax);
    const ofAll = exposures.total(index, delta);
    const allMax = limits.portfolioExposureMaxMantissa;
    reason = risk.checkExposure(ExposureGroup.Portfolio, ofAll, allMax);
    if (reason !== 0) return this.#refuse(reason, ofAll, allMax);

    if (!equity.isKnown) return this.#refuse(UNPRICED, 0, 0);
    reason = risk.checkLeverage(ofAll, equity.valueMantissa, limits.leverageMaxPercent);
    if (reason !== 0) return this.#refuse(reason, ofAll, equity.valueMantissa);
    const value = exposures.inReport(index, order);
    reason = risk.checkOrderEquity(value, equity.valueMantissa, limits.orderEquityBpsMax);
    if (reason !== 0) return this.#refuse(reason, value, equity.valueMantissa);

    const nowMs = this.#state.epochMs();
    if (trades.isFull(nowMs, MS_PER_HOUR, limits.tradesPerHourMax, untradedCount)) {
      const count = trades.count(nowMs, MS_PER_HOUR) + untradedCount;
      reason = risk.checkTradesPerHour(count, limits.tradesPerHourMax);
      return this.#refuse(reason, count, limits.tradesPerHourMax);
    }
    if (trades.isFull(nowMs, MS_PER_DAY, limits.tradesPerDayMax, untradedCount)) {
      const count = trades.count(nowMs, MS_PER_DAY) + untradedCount;
      reason = risk.checkTradesPerDay(count, limits.tradesPerDayMax);
      return this.#refuse(reason, count, limits.tradesPerDayMax);
    }
    return true;
  }

  /** What a contract of this price and size ties up at least: its share of the equity by the leverage limit, and the fee. */
  marginFor(target: InstrumentState, priceMantissa: number, sizeMantissa: number): number {
    const notional = priceMantissa * sizeMantissa;
    const margin = Math.ceil((notional * 100) / this.#limits.leverageMaxPercent);
    const need = (margin + feeUpperBound(notional, this.#takerPpm)) * target.quoteFactor;
    return need <= Number.MAX_SAFE_INTEGER ? need : Number.MAX_SAFE_INTEGER;
  }

  /** Spot: held by our own fills and by the account, and not on offer already. */
  #sellable(target: InstrumentState): number {
    const ours = target.position.sizeMantissa - target.openSellMantissa;
    const free = target.base.isKnown
      ? Math.floor(target.base.freeClamped() / target.baseFactor)
      : 0;
    const sellable = ours < free ? ours : free;
    return sellable > 0 ? sellable : 0;
  }

  #isReducing(draft: OrderDraft, target: InstrumentState): boolean {
    return risk.isReducing(
      target.position.sizeMantissa,
      draft.side === Side.Buy ? target.openBuyMantissa : target.openSellMantissa,
      draft.side,
      draft.sizeMantissa,
    );
  }

  #refuse(reason: number, actual: number, limit: number): false {
    this.#say(reason, actual, limit);
    return false;
  }

  #say(reason: number, actual: number, limit: number): void {
    this.verdict.reason = reason;
    // A product of absurd fields may be beyond a safe integer; a record holds none of those.
    this.verdict.actual = clampSafe(actual);
    this.verdict.limit = clampSafe(limit);
  }
}

const OPEN_ORDERS = codeIndex('RISK_OPEN_ORDERS');

function clampSafe(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
}

/**
 * The approved order behind a record of kind OrderSend in the core's outbox, for the gateway. OrderSend is written by
 * the core in one place, which takes an `ApprovedDraft`.
 */
export function approvedOrder(record: CoreRecord): ApprovedOrder {
  assert(record.kind === EventKind.OrderSend, `record of kind OrderSend: kind=${record.kind}`);
  return record as unknown as ApprovedOrder;
}
