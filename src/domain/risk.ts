/**
 * risk: the named limits as pure checks. No state: what a check needs is an argument; execution/risk-gate.ts binds the
 * limits to the state and fixes the order. Every check returns the index of a code in domain/errors, 0 when it passes.
 * @hotpath
 *
 * Integers; a product beyond 2^53 is only ever compared with a limit below it, where float rounding cannot change the
 * answer. docs/risk.md tells the limits, their defaults and what each refusal carries.
 */
import { TradingState } from './core-record.js';
import { codeIndex } from './errors.js';
import { Rounding, mulDiv, pow10 } from './fixed-point.js';
import { moneyScale } from './instrument.js';
import type { Instrument } from './instrument.js';
import { OrderFlag, OrderType, Side, TimeInForce, isTriggered, typeAfterTrigger } from './order.js';

/** Decimals of the money limits below (quote currency). */
export const RISK_MONEY_SCALE = 8;
const BPS = 10_000;

/** What the gate allows. Whole numbers; money in the reporting currency, mantissa at RISK_MONEY_SCALE. */
export interface RiskLimits {
  /** A less sure intent is refused; orders of people and of the core have no confidence. Parts per million. */
  readonly confidencePpmMin: number;
  /** Largest price times size of one order, in the quote currency. */
  readonly orderNotionalMaxMantissa: number;
  /** Largest share of the equity that one opening order may have. Hundredths of a per cent. */
  readonly orderEquityBpsMax: number;
  /**
   * Largest value of a position of one instrument, with everything open on that side counted as filled, at the higher
   * of limit price and best ask, in the quote currency.
   */
  readonly positionNotionalMaxMantissa: number;
  /** The same worst case summed over the instruments of an asset, of a venue, of a strategy, and over all. */
  readonly assetExposureMaxMantissa: number;
  readonly venueExposureMaxMantissa: number;
  readonly strategyExposureMaxMantissa: number;
  readonly portfolioExposureMaxMantissa: number;
  /** The worst case over all, as a share of the equity. Per cent; 100 is no leverage. */
  readonly leverageMaxPercent: number;
  /** Instruments with a position or an opening order, per asset and in total. Count. */
  readonly positionsPerAssetMax: number;
  readonly positionsMax: number;
  /** How far a limit price may lie beyond the best opposite price. Hundredths of a per cent. */
  readonly priceBandBps: number;
  /** How far a market order may run: it is sent as a limit IOC at that distance. Hundredths of a per cent. */
  readonly marketSlippageBps: number;
  /** An older price is no price. Milliseconds. */
  readonly markAgeMaxMs: number;
  /** Orders in any one second. Count. */
  readonly ordersPerSecondMax: number;
  /** Orders open at the same time, all instruments. Count. */
  readonly openOrdersMax: number;
  /** Orders that traded in any hour and in any 24 hours, over restarts. Count. */
  readonly tradesPerHourMax: number;
  readonly tradesPerDayMax: number;
  /** Equity lost since the day began (UTC): trading halts by itself. */
  readonly dailyLossMaxMantissa: number;
  /** Equity lost since its highest: trading halts by itself. Hundredths of a per cent of the highest. */
  readonly drawdownBpsMax: number;
}

type Bounds = Readonly<Record<keyof RiskLimits, readonly [number, number]>>;

/** Smallest and largest value of each limit where money is real (INVENTORY of the earlier system, 1.5). */
export const LIVE_BOUNDS: Bounds = {
  confidencePpmMin: [0, 1_000_000],
  orderNotionalMaxMantissa: [1, 50_000_000_000_000],
  orderEquityBpsMax: [10, 1_000],
  positionNotionalMaxMantissa: [1, 5_000_000_000_000_000],
  assetExposureMaxMantissa: [1, 5_000_000_000_000_000],
  venueExposureMaxMantissa: [1, 5_000_000_000_000_000],
  strategyExposureMaxMantissa: [1, 5_000_000_000_000_000],
  portfolioExposureMaxMantissa: [1, 5_000_000_000_000_000],
  leverageMaxPercent: [1, 2_000],
  positionsPerAssetMax: [1, 1_000],
  positionsMax: [1, 10_000],
  priceBandBps: [1, 5_000],
  marketSlippageBps: [1, 500],
  markAgeMaxMs: [100, 600_000],
  ordersPerSecondMax: [1, 1_000],
  openOrdersMax: [1, 10_000],
  tradesPerHourMax: [1, 100],
  tradesPerDayMax: [1, 500],
  dailyLossMaxMantissa: [1, 5_000_000_000_000_000],
  drawdownBpsMax: [1, 10_000],
};

/** On paper the two limits that would end every demonstration within minutes may be wide. */
export const PAPER_BOUNDS: Bounds = {
  ...LIVE_BOUNDS,
  orderEquityBpsMax: [10, 10_000],
  tradesPerHourMax: [1, 100_000],
  tradesPerDayMax: [1, 1_000_000],
};

/** The shipped profile: paper money at the embedded venue. Wide enough to watch a strategy trade all day. */
export const PAPER_LIMITS: RiskLimits = {
  confidencePpmMin: 0,
  orderNotionalMaxMantissa: 25_000_000_000,
  orderEquityBpsMax: 1_000,
  positionNotionalMaxMantissa: 100_000_000_000,
  assetExposureMaxMantissa: 200_000_000_000,
  venueExposureMaxMantissa: 500_000_000_000,
  strategyExposureMaxMantissa: 200_000_000_000,
  portfolioExposureMaxMantissa: 1_000_000_000_000,
  leverageMaxPercent: 100,
  positionsPerAssetMax: 5,
  positionsMax: 50,
  priceBandBps: 100,
  marketSlippageBps: 20,
  markAgeMaxMs: 5_000,
  ordersPerSecondMax: 20,
  openOrdersMax: 100,
  tradesPerHourMax: 20_000,
  tradesPerDayMax: 100_000,
  dailyLossMaxMantissa: 100_000_000_000,
  drawdownBpsMax: 2_500,
};

/** Where money is real. The figures are those of the earlier system where it had them (docs/risk.md). */
export const LIVE_LIMITS: RiskLimits = {
  confidencePpmMin: 700_000,
  orderNotionalMaxMantissa: 25_000_000_000,
  orderEquityBpsMax: 200,
  positionNotionalMaxMantissa: 50_000_000_000,
  assetExposureMaxMantissa: 100_000_000_000,
  venueExposureMaxMantissa: 200_000_000_000,
  strategyExposureMaxMantissa: 100_000_000_000,
  portfolioExposureMaxMantissa: 200_000_000_000,
  leverageMaxPercent: 80,
  positionsPerAssetMax: 1,
  positionsMax: 5,
  priceBandBps: 100,
  marketSlippageBps: 20,
  markAgeMaxMs: 2_000,
  ordersPerSecondMax: 5,
  openOrdersMax: 20,
  tradesPerHourMax: 10,
  tradesPerDayMax: 50,
  dailyLossMaxMantissa: 20_000_000_000,
  drawdownBpsMax: 1_000,
};

export const RISK_PROFILES = {
  paper: { limits: PAPER_LIMITS, bounds: PAPER_BOUNDS },
  live: { limits: LIVE_LIMITS, bounds: LIVE_BOUNDS },
} as const;
export type RiskProfile = keyof typeof RISK_PROFILES;

/** Every limit that is out of bounds, as a sentence; empty when all are well. */
export function riskLimitProblems(
  limits: RiskLimits,
  bounds: Bounds = PAPER_BOUNDS,
): readonly string[] {
  const problems: string[] = [];
  for (const [name, [min, max]] of Object.entries(bounds)) {
    const value = limits[name as keyof RiskLimits];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      problems.push(`${name} must be a whole number from ${min} to ${max}: ${value}`);
    }
  }
  return problems;
}

/** A money limit in the money of an instrument, never above 2^53: what is beyond it cannot be ordered. */
export function limitInMoney(limitMantissa: number, instrument: Instrument): number {
  const scale = moneyScale(instrument);
  if (scale <= RISK_MONEY_SCALE) {
    return mulDiv(limitMantissa, 1, pow10(RISK_MONEY_SCALE - scale), Rounding.Floor);
  }
  const product = limitMantissa * pow10(scale - RISK_MONEY_SCALE);
  return product < Number.MAX_SAFE_INTEGER ? product : Number.MAX_SAFE_INTEGER;
}

const TRADING_HALTED = codeIndex('RISK_TRADING_HALTED');
const REDUCE_ONLY = codeIndex('RISK_REDUCE_ONLY');
const ORDER_INVALID = codeIndex('ORDER_INVALID');
const PRICE_TICK = codeIndex('ORDER_PRICE_TICK');
const SIZE_LOT = codeIndex('ORDER_SIZE_LOT');
const SIZE_MIN = codeIndex('ORDER_SIZE_MIN');
const SIZE_MAX = codeIndex('ORDER_SIZE_MAX');
const NOTIONAL_MIN = codeIndex('ORDER_NOTIONAL_MIN');
const MARKET_STALE = codeIndex('RISK_MARKET_STALE');
const PRICE_BAND = codeIndex('RISK_PRICE_BAND');
const ORDER_NOTIONAL = codeIndex('RISK_ORDER_NOTIONAL');
const POSITION = codeIndex('RISK_POSITION');
const INVENTORY = codeIndex('RISK_INVENTORY');
const CASH = codeIndex('RISK_CASH');
const OPEN_ORDERS = codeIndex('RISK_OPEN_ORDERS');
const ORDER_RATE = codeIndex('RISK_ORDER_RATE');
const CONFIDENCE = codeIndex('RISK_CONFIDENCE');
const WHITELIST = codeIndex('RISK_WHITELIST');
const SELF_CROSS = codeIndex('RISK_SELF_CROSS');
const POSITION_COUNT = codeIndex('RISK_POSITION_COUNT');
const UNPRICED = codeIndex('RISK_UNPRICED');
const TRADES_HOUR = codeIndex('RISK_TRADES_HOUR');
const TRADES_DAY = codeIndex('RISK_TRADES_DAY');
const ORDER_EQUITY = codeIndex('RISK_ORDER_EQUITY');
const LEVERAGE = codeIndex('RISK_LEVERAGE');
const EXPOSURE_CODES = [
  codeIndex('RISK_EXPOSURE_ASSET'),
  codeIndex('RISK_EXPOSURE_VENUE'),
  codeIndex('RISK_EXPOSURE_STRATEGY'),
  codeIndex('RISK_EXPOSURE_PORTFOLIO'),
] as const;

/** Halted takes nothing; Reducing takes what makes a position smaller. */
export function checkTradingState(tradingState: number, isReducing: boolean): number {
  if (tradingState === TradingState.Active) return 0;
  if (tradingState === TradingState.Reducing) return isReducing ? 0 : REDUCE_ONLY;
  return TRADING_HALTED;
}

/** True when an order of this side and size can only make the position smaller, whatever is open on its side. */
export function isReducing(
  positionMantissa: number,
  openSameSideMantissa: number,
  side: number,
  sizeMantissa: number,
): boolean {
  const held = side === Side.Sell ? positionMantissa : -positionMantissa;
  return openSameSideMantissa + sizeMantissa <= held;
}

/** Side, type, validity and flags fit together; sizes and prices are integers above zero. */
export function checkFields(
  side: number,
  orderType: number,
  timeInForce: number,
  flags: number,
  priceMantissa: number,
  sizeMantissa: number,
  ttlMs: number,
): number {
  if (side !== Side.Buy && side !== Side.Sell) return ORDER_INVALID;
  if (!Number.isSafeInteger(sizeMantissa) || sizeMantissa <= 0) return ORDER_INVALID;
  const isPostOnly = (flags & OrderFlag.PostOnly) !== 0;
  const finalType = isTriggered(orderType) ? typeAfterTrigger(orderType) : orderType;
  if (finalType === OrderType.Market) return isPostOnly ? ORDER_INVALID : 0;
  if (finalType !== OrderType.Limit) return ORDER_INVALID;
  if (!Number.isSafeInteger(priceMantissa) || priceMantissa <= 0) return ORDER_INVALID;
  if (timeInForce === TimeInForce.Gtc) return 0;
  // Its end is its time to live from the moment it is sent.
  if (timeInForce === TimeInForce.Gtd) return ttlMs > 0 ? 0 : ORDER_INVALID;
  if (timeInForce === TimeInForce.Ioc || timeInForce === TimeInForce.Fok) {
    return isPostOnly ? ORDER_INVALID : 0;
  }
  return ORDER_INVALID;
}

/** A reduce-only order must be able to do nothing else. */
export function checkReduceOnly(flags: number, isReducingOrder: boolean): number {
  return (flags & OrderFlag.ReduceOnly) === 0 || isReducingOrder ? 0 : REDUCE_ONLY;
}

export function checkTick(instrument: Instrument, priceMantissa: number): number {
  return priceMantissa % instrument.tickMantissa === 0 ? 0 : PRICE_TICK;
}

export function checkLot(instrument: Instrument, sizeMantissa: number): number {
  return sizeMantissa % instrument.lotMantissa === 0 ? 0 : SIZE_LOT;
}

export function checkSizeMin(instrument: Instrument, sizeMantissa: number): number {
  return sizeMantissa >= instrument.sizeMinMantissa ? 0 : SIZE_MIN;
}

export function checkSizeMax(sizeMaxMantissa: number, sizeMantissa: number): number {
  return sizeMantissa <= sizeMaxMantissa ? 0 : SIZE_MAX;
}

export function checkNotionalMin(instrument: Instrument, notionalMantissa: number): number {
  return notionalMantissa >= instrument.notionalMinMantissa ? 0 : NOTIONAL_MIN;
}

/** The market is fresh: the feed says so, the side to trade against has a price, and the price is young. */
export function checkMarket(
  staleReason: number,
  oppositePriceMantissa: number,
  markAgeNs: number,
  markAgeMaxNs: number,
): number {
  if (staleReason !== 0 || oppositePriceMantissa <= 0) return MARKET_STALE;
  return markAgeNs <= markAgeMaxNs ? 0 : MARKET_STALE;
}

/** The furthest price that is still allowed: above the ask for a buy, below the bid for a sale. */
export function bandEdge(side: number, oppositePriceMantissa: number, bandBps: number): number {
  return side === Side.Buy
    ? mulDiv(oppositePriceMantissa, BPS + bandBps, BPS, Rounding.Floor)
    : mulDiv(oppositePriceMantissa, BPS - bandBps, BPS, Rounding.Ceil);
}

/** The edge moved to a tick that is still inside it. */
export function toTickInside(instrument: Instrument, side: number, priceMantissa: number): number {
  const rest = priceMantissa % instrument.tickMantissa;
  if (rest === 0) return priceMantissa;
  return side === Side.Buy ? priceMantissa - rest : priceMantissa - rest + instrument.tickMantissa;
}

export function checkPriceBand(side: number, priceMantissa: number, edgeMantissa: number): number {
  const isInside =
    side === Side.Buy ? priceMantissa <= edgeMantissa : priceMantissa >= edgeMantissa;
  return isInside ? 0 : PRICE_BAND;
}

export function checkOrderNotional(notionalMantissa: number, limitMantissa: number): number {
  return notionalMantissa <= limitMantissa ? 0 : ORDER_NOTIONAL;
}

/** Value of the position if everything open on this side, and this order, were filled: the worst case of the side. */
export function worstCaseNotional(
  positionMantissa: number,
  openSameSideMantissa: number,
  side: number,
  sizeMantissa: number,
  priceMantissa: number,
): number {
  const held = side === Side.Buy ? positionMantissa : -positionMantissa;
  return (held + openSameSideMantissa + sizeMantissa) * priceMantissa;
}

/** A position that the order can only make smaller has a worst case at or below zero and passes. */
export function checkPosition(worstCaseMantissa: number, limitMantissa: number): number {
  return worstCaseMantissa <= limitMantissa ? 0 : POSITION;
}

/** Spot: what is held and not already on offer covers the sale. */
export function checkInventory(sizeMantissa: number, sellableMantissa: number): number {
  return sizeMantissa <= sellableMantissa ? 0 : INVENTORY;
}

export function checkCash(needMantissa: number, freeMantissa: number): number {
  return needMantissa <= freeMantissa ? 0 : CASH;
}

export function checkOpenOrders(openOrderCount: number, openOrdersMax: number): number {
  return openOrderCount < openOrdersMax ? 0 : OPEN_ORDERS;
}

/** `ordersInLastSecond` counts those before this one. */
export function checkOrderRate(ordersInLastSecond: number, ordersPerSecondMax: number): number {
  return ordersInLastSecond < ordersPerSecondMax ? 0 : ORDER_RATE;
}

/** A wish of a strategy must be sure enough. */
export function checkConfidence(confidencePpm: number, confidencePpmMin: number): number {
  return confidencePpm >= confidencePpmMin ? 0 : CONFIDENCE;
}

export function checkWhitelist(isWhitelisted: boolean): number {
  return isWhitelisted ? 0 : WHITELIST;
}

/** Our own resting order on the other side would be hit; `ownOppositeMantissa` is the best of them, 0: none. */
export function checkSelfCross(
  side: number,
  priceMantissa: number,
  ownOppositeMantissa: number,
): number {
  if (ownOppositeMantissa === 0) return 0;
  const isCrossing =
    side === Side.Buy ? priceMantissa >= ownOppositeMantissa : priceMantissa <= ownOppositeMantissa;
  return isCrossing ? SELF_CROSS : 0;
}

/** `engagedCount` with this order. */
export function checkPositionCount(engagedCount: number, engagedMax: number): number {
  return engagedCount <= engagedMax ? 0 : POSITION_COUNT;
}

/** What an exposure is summed over. */
export const ExposureGroup = { Asset: 0, Venue: 1, Strategy: 2, Portfolio: 3 } as const;
export type ExposureGroup = (typeof ExposureGroup)[keyof typeof ExposureGroup];

/** `worstMantissa` -1: something in the group has no price in the reporting currency. */
export function checkExposure(
  group: ExposureGroup,
  worstMantissa: number,
  limitMantissa: number,
): number {
  if (worstMantissa < 0) return UNPRICED;
  return worstMantissa <= limitMantissa ? 0 : EXPOSURE_CODES[group];
}

/** The worst case over all against the equity; without a known equity nothing may be opened. */
export function checkLeverage(
  worstMantissa: number,
  equityMantissa: number,
  leverageMaxPercent: number,
): number {
  if (worstMantissa < 0) return UNPRICED;
  // A bankrupt account has no leverage left, however small its positions are.
  if (equityMantissa <= 0) return LEVERAGE;
  return worstMantissa * 100 <= equityMantissa * leverageMaxPercent ? 0 : LEVERAGE;
}

/** One opening order against the equity. */
export function checkOrderEquity(
  valueMantissa: number,
  equityMantissa: number,
  orderEquityBpsMax: number,
): number {
  return valueMantissa * BPS <= equityMantissa * orderEquityBpsMax ? 0 : ORDER_EQUITY;
}

export function checkTradesPerHour(tradeCount: number, tradesPerHourMax: number): number {
  return tradeCount < tradesPerHourMax ? 0 : TRADES_HOUR;
}

export function checkTradesPerDay(tradeCount: number, tradesPerDayMax: number): number {
  return tradeCount < tradesPerDayMax ? 0 : TRADES_DAY;
}

/** A trigger is a price on a tick, above zero; an order that waits for none has none. */
export function checkTrigger(
  instrument: Instrument,
  orderType: number,
  triggerMantissa: number,
): number {
  if (!isTriggered(orderType)) return triggerMantissa === 0 ? 0 : ORDER_INVALID;
  if (!Number.isSafeInteger(triggerMantissa) || triggerMantissa <= 0) return ORDER_INVALID;
  return checkTick(instrument, triggerMantissa);
}

/** Both legs of a bracket lie on their side of the entry: gain beyond it, loss before it. `entryMantissa` above zero. */
export function checkBracket(
  instrument: Instrument,
  side: number,
  entryMantissa: number,
  gainMantissa: number,
  lossMantissa: number,
): number {
  if (gainMantissa === 0 && lossMantissa === 0) return 0;
  if (!Number.isSafeInteger(gainMantissa) || !Number.isSafeInteger(lossMantissa)) {
    return ORDER_INVALID;
  }
  if (gainMantissa < 0 || lossMantissa < 0) return ORDER_INVALID;
  const sign = side === Side.Buy ? 1 : -1;
  if (gainMantissa !== 0 && (gainMantissa - entryMantissa) * sign <= 0) return ORDER_INVALID;
  if (lossMantissa !== 0 && (entryMantissa - lossMantissa) * sign <= 0) return ORDER_INVALID;
  return checkTick(instrument, gainMantissa) || checkTick(instrument, lossMantissa);
}
