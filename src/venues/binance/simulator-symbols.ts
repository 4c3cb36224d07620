/**
 * simulator-symbols: what the Binance simulators list, as the venue itself described it (exchangeInfo, captures of
 * 2021, and the documentation's examples of 2026 for what has been added since). Deterministic.
 */
import type { Instrument } from '../../domain/instrument.js';
import { formatDecimal } from '../simulator-text.js';

/** One of the two venues, from its own side. */
export interface SimulatedMarket {
  readonly venue: 'binance' | 'binance-usdm';
  readonly isFutures: boolean;
  readonly restPath: string;
  /** REQUEST_WEIGHT of a minute. */
  readonly weightMax: number;
  /** Messages that a client may send in a second (web-socket-streams.md, 2026-07). */
  readonly messagesPerSecMax: number;
  readonly facts: readonly SymbolFacts[];
}

export interface SymbolFacts {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Decimals that orders in the book may have. */
  readonly priceScale: number;
  readonly sizeScale: number;
  /** Mantissas at these scales. */
  readonly tickMantissa: number;
  readonly lotMantissa: number;
  readonly sizeMaxMantissa: number;
  /** Mantissa at price scale + size scale. */
  readonly notionalMinMantissa: number;
  /** Decimals that are written at least. */
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

function facts(
  base: string,
  quote: string,
  tick: readonly [scale: number, mantissa: number],
  lot: readonly [scale: number, mantissa: number],
  sizeMax: number,
  notionalMin: number,
  decimals: readonly [price: number, size: number],
): SymbolFacts {
  return {
    symbol: `${base}${quote}`,
    base,
    quote,
    priceScale: tick[0],
    tickMantissa: tick[1],
    sizeScale: lot[0],
    lotMantissa: lot[1],
    sizeMaxMantissa: sizeMax * 10 ** lot[0],
    notionalMinMantissa: notionalMin * 10 ** (tick[0] + lot[0]),
    priceDecimals: decimals[0],
    sizeDecimals: decimals[1],
  };
}

/** Spot writes eight decimals everywhere. */
export const SPOT_MARKET: SimulatedMarket = {
  venue: 'binance',
  isFutures: false,
  restPath: '/api/v3',
  weightMax: 6_000,
  messagesPerSecMax: 5,
  facts: [
    facts('BTC', 'USDT', [2, 1], [8, 1_000], 9_000, 5, [8, 8]),
    facts('ETH', 'USDT', [2, 1], [8, 10_000], 9_000, 5, [8, 8]),
    facts('USDC', 'USDT', [4, 1], [6, 1_000_000], 9_000_000, 5, [8, 8]),
  ],
};

export const USDM_MARKET: SimulatedMarket = {
  venue: 'binance-usdm',
  isFutures: true,
  restPath: '/fapi/v1',
  weightMax: 2_400,
  messagesPerSecMax: 10,
  facts: [
    facts('BTC', 'USDT', [2, 10], [8, 100_000], 1_000, 100, [2, 3]),
    facts('ETH', 'USDT', [2, 1], [8, 100_000], 10_000, 20, [2, 3]),
  ],
};

/** The instruments of a simulated market, in its order. */
export function simulatedInstruments(market: SimulatedMarket): Instrument[] {
  return market.facts.map((one, index) => ({
    index,
    venue: market.venue,
    kind: market.isFutures ? 'perpetual' : 'spot',
    symbol: `${one.base}-${one.quote}`,
    venueSymbol: one.symbol,
    base: one.base,
    quote: one.quote,
    priceScale: one.priceScale,
    sizeScale: one.sizeScale,
    tickMantissa: one.tickMantissa,
    lotMantissa: one.lotMantissa,
    sizeMinMantissa: one.lotMantissa,
    sizeMaxMantissa: one.sizeMaxMantissa,
    notionalMinMantissa: one.notionalMinMantissa,
    isTradable: true,
  }));
}

/** With so many decimals at least: 61837.63 as "61837.63000000". */
export function paddedDecimal(mantissa: number | bigint, scale: number, decimals: number): string {
  const text = formatDecimal(mantissa, scale);
  const point = text.indexOf('.');
  const missing = decimals - (point < 0 ? 0 : text.length - point - 1);
  if (missing <= 0) return text;
  return `${text}${point < 0 ? '.' : ''}${'0'.repeat(missing)}`;
}

/** A price as this venue writes it. */
export function priceText(one: SymbolFacts, mantissa: number): string {
  return paddedDecimal(mantissa, one.priceScale, one.priceDecimals);
}

/** A size as this venue writes it. */
export function sizeText(one: SymbolFacts, mantissa: number | bigint): string {
  return paddedDecimal(mantissa, one.sizeScale, one.sizeDecimals);
}

/** Price times size. */
export function valueText(one: SymbolFacts, priceMantissa: number, sizeMantissa: number): string {
  const scale = one.priceScale + one.sizeScale;
  return paddedDecimal(BigInt(priceMantissa) * BigInt(sizeMantissa), scale, 8);
}

/** The body of exchangeInfo; only these symbols when any are named. */
export function exchangeInfo(
  market: SimulatedMarket,
  symbols: readonly string[],
  epochMs: number,
): Record<string, unknown> {
  const wanted = market.facts.filter(
    ({ symbol }) => symbols.length === 0 || symbols.includes(symbol),
  );
  const orders = (interval: string, intervalNum: number, limit: number): object => ({
    rateLimitType: 'ORDERS',
    interval,
    intervalNum,
    limit,
  });
  return {
    timezone: 'UTC',
    serverTime: epochMs,
    ...(market.isFutures ? { futuresType: 'U_MARGINED' } : {}),
    rateLimits: [
      {
        rateLimitType: 'REQUEST_WEIGHT',
        interval: 'MINUTE',
        intervalNum: 1,
        limit: market.weightMax,
      },
      ...(market.isFutures
        ? [orders('MINUTE', 1, 1_200), orders('SECOND', 10, 300)]
        : [orders('SECOND', 10, 50), orders('DAY', 1, 160_000)]),
    ],
    exchangeFilters: [],
    ...(market.isFutures
      ? { assets: [{ asset: 'USDT', marginAvailable: true, autoAssetExchange: '-10000' }] }
      : {}),
    symbols: wanted.map((one) => (market.isFutures ? futuresSymbol(one) : spotSymbol(one))),
  };
}

function spotSymbol(one: SymbolFacts): Record<string, unknown> {
  const price = (mantissa: number): string => paddedDecimal(mantissa, one.priceScale, 8);
  const size = (mantissa: number): string => paddedDecimal(mantissa, one.sizeScale, 8);
  return {
    symbol: one.symbol,
    status: 'TRADING',
    baseAsset: one.base,
    baseAssetPrecision: 8,
    quoteAsset: one.quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT_LIMIT'],
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: true,
    cancelReplaceAllowed: true,
    amendAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      {
        filterType: 'PRICE_FILTER',
        minPrice: price(one.tickMantissa),
        maxPrice: '1000000.00000000',
        tickSize: price(one.tickMantissa),
      },
      {
        filterType: 'LOT_SIZE',
        minQty: size(one.lotMantissa),
        maxQty: size(one.sizeMaxMantissa),
        stepSize: size(one.lotMantissa),
      },
      { filterType: 'ICEBERG_PARTS', limit: 10 },
      {
        filterType: 'MARKET_LOT_SIZE',
        minQty: '0.00000000',
        maxQty: size(one.sizeMaxMantissa),
        stepSize: '0.00000000',
      },
      {
        filterType: 'PERCENT_PRICE_BY_SIDE',
        bidMultiplierUp: '5',
        bidMultiplierDown: '0.2',
        askMultiplierUp: '5',
        askMultiplierDown: '0.2',
        avgPriceMins: 5,
      },
      {
        filterType: 'NOTIONAL',
        minNotional: notionalMin(one),
        applyMinToMarket: true,
        maxNotional: '9000000.00000000',
        applyMaxToMarket: false,
        avgPriceMins: 5,
      },
      { filterType: 'MAX_NUM_ORDERS', maxNumOrders: 200 },
      { filterType: 'MAX_NUM_ALGO_ORDERS', maxNumAlgoOrders: 5 },
    ],
    permissions: [],
    permissionSets: [['SPOT']],
    defaultSelfTradePreventionMode: 'EXPIRE_MAKER',
    allowedSelfTradePreventionModes: ['EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH'],
  };
}

function futuresSymbol(one: SymbolFacts): Record<string, unknown> {
  const price = (mantissa: number): string => formatDecimal(mantissa, one.priceScale);
  const size = (mantissa: number): string => formatDecimal(mantissa, one.sizeScale);
  const lot = {
    stepSize: size(one.lotMantissa),
    maxQty: size(one.sizeMaxMantissa),
    minQty: size(one.lotMantissa),
  };
  return {
    symbol: one.symbol,
    pair: one.symbol,
    contractType: 'PERPETUAL',
    deliveryDate: 4_133_404_800_000,
    onboardDate: 1_569_398_400_000,
    status: 'TRADING',
    maintMarginPercent: '2.5000',
    requiredMarginPercent: '5.0000',
    baseAsset: one.base,
    quoteAsset: one.quote,
    marginAsset: one.quote,
    pricePrecision: one.priceDecimals,
    quantityPrecision: one.sizeDecimals,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: 'COIN',
    underlyingSubType: ['PoW'],
    settlePlan: 0,
    triggerProtect: '0.0500',
    liquidationFee: '0.012500',
    marketTakeBound: '0.05',
    filters: [
      {
        minPrice: price(one.tickMantissa),
        maxPrice: '1000000',
        filterType: 'PRICE_FILTER',
        tickSize: price(one.tickMantissa),
      },
      { ...lot, filterType: 'LOT_SIZE' },
      { ...lot, filterType: 'MARKET_LOT_SIZE' },
      { limit: 200, filterType: 'MAX_NUM_ORDERS' },
      { limit: 10, filterType: 'MAX_NUM_ALGO_ORDERS' },
      {
        notional: formatDecimal(one.notionalMinMantissa, one.priceScale + one.sizeScale),
        filterType: 'MIN_NOTIONAL',
      },
    ],
    orderTypes: ['LIMIT', 'MARKET', 'STOP', 'STOP_MARKET', 'TAKE_PROFIT', 'TAKE_PROFIT_MARKET'],
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX', 'GTD'],
  };
}

function notionalMin(one: SymbolFacts): string {
  return paddedDecimal(one.notionalMinMantissa, one.priceScale + one.sizeScale, 8);
}
