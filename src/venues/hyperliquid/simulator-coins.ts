/**
 * simulator-coins: the two perpetuals that the Hyperliquid simulator lists, as the venue describes them (meta, 2026), and
 * the spellings of its numbers. Deterministic.
 */
import type { Instrument } from '../../domain/instrument.js';
import { Side } from '../../domain/order.js';
import type { PriceLevel } from '../simulator-port.js';
import { formatDecimal } from '../simulator-text.js';
import { COLLATERAL, NOTIONAL_MIN, PRICE_DECIMALS_PERPETUAL } from './endpoints.js';

const NS_PER_MS = 1_000_000n;

interface CoinFacts {
  readonly name: string;
  readonly sizeDecimals: number;
  readonly leverageMax: number;
  readonly marginTableId: number;
}

const COINS: readonly CoinFacts[] = [
  { name: 'BTC', sizeDecimals: 5, leverageMax: 40, marginTableId: 56 },
  { name: 'ETH', sizeDecimals: 4, leverageMax: 25, marginTableId: 55 },
];

export function simulatedInstruments(): Instrument[] {
  return COINS.map(({ name, sizeDecimals }, index) => ({
    index,
    venue: 'hyperliquid',
    kind: 'perpetual',
    symbol: `${name}-USD`,
    venueSymbol: name,
    base: name,
    quote: COLLATERAL,
    priceScale: PRICE_DECIMALS_PERPETUAL - sizeDecimals,
    sizeScale: sizeDecimals,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: NOTIONAL_MIN * 10 ** PRICE_DECIMALS_PERPETUAL,
    isTradable: true,
  }));
}

/** Answer to {"type":"meta"}. */
export function metaJson(): Record<string, unknown> {
  return {
    universe: COINS.map(({ name, sizeDecimals, leverageMax, marginTableId }) => ({
      szDecimals: sizeDecimals,
      name,
      maxLeverage: leverageMax,
      marginTableId,
    })),
    marginTables: COINS.map(({ leverageMax, marginTableId }) => [
      marginTableId,
      { description: '', marginTiers: [{ lowerBound: '0.0', maxLeverage: leverageMax }] },
    ]),
    collateralToken: 0,
  };
}

/** Answer to {"type":"spotMeta"}: the collateral, and no pair. */
export function spotMetaJson(): Record<string, unknown> {
  const usdc = {
    name: COLLATERAL,
    szDecimals: 8,
    weiDecimals: 8,
    index: 0,
    tokenId: '0x6d1e7cde53ba9467b783cb7c530ce054',
    isCanonical: true,
    evmContract: null,
    fullName: null,
    deployerTradingFeeShare: '0.0',
  };
  return { universe: [], tokens: [usdc] };
}

/** With at least one decimal, as the venue writes prices and most sizes: "105055.0". */
export function wireText(mantissa: number | bigint, scale: number): string {
  const text = formatDecimal(mantissa, scale);
  return text.includes('.') ? text : `${text}.0`;
}

export function millisecondsOf(epochNs: bigint): number {
  return Number(epochNs / NS_PER_MS);
}

export function levelText(instrument: Instrument, level: PriceLevel): string {
  const price = wireText(level.priceMantissa, instrument.priceScale);
  const size = wireText(level.sizeMantissa, instrument.sizeScale);
  return `{"px":"${price}","sz":"${size}","n":1}`;
}

/** {"coin":"BTC","time":…,"levels":[[…],[…]]} */
export function bookText(
  instrument: Instrument,
  bids: readonly PriceLevel[],
  asks: readonly PriceLevel[],
  epochNs: bigint,
): string {
  const side = (levels: readonly PriceLevel[]): string =>
    levels.map((level) => levelText(instrument, level)).join(',');
  const time = millisecondsOf(epochNs);
  return `{"coin":"${instrument.venueSymbol}","time":${time},"levels":[[${side(bids)}],[${side(asks)}]]}`;
}

export interface PublicTrade {
  readonly tradeId: number;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly takerSide: Side;
  readonly timeNs: bigint;
}

export function tradeJson(instrument: Instrument, trade: PublicTrade): Record<string, unknown> {
  const hex = trade.tradeId.toString(16);
  return {
    coin: instrument.venueSymbol,
    side: trade.takerSide === Side.Buy ? 'B' : 'A',
    px: wireText(trade.priceMantissa, instrument.priceScale),
    sz: wireText(trade.sizeMantissa, instrument.sizeScale),
    time: millisecondsOf(trade.timeNs),
    hash: `0x${hex.padStart(64, '0')}`,
    tid: trade.tradeId,
    users: [`0x${hex.padStart(40, '0')}`, `0x${'f'.repeat(40 - hex.length)}${hex}`],
  };
}

/** What activeAssetCtx and metaAndAssetCtxs say of a coin. Zeros at `doubleMid` 0: there is no book. */
export function contextJson(
  instrument: Instrument,
  best: { readonly bid: PriceLevel | null; readonly ask: PriceLevel | null },
  volumeMantissa: bigint,
  fundingText: string,
): Record<string, unknown> {
  const { priceScale, sizeScale } = instrument;
  const bid = best.bid?.priceMantissa ?? 0;
  const ask = best.ask?.priceMantissa ?? 0;
  const hasBoth = bid !== 0 && ask !== 0;
  const midText = wireText((bid + ask) * 5, priceScale + 1);
  const markText = wireText(hasBoth ? bid : bid + ask, priceScale);
  return {
    funding: fundingText,
    openInterest: '0.0',
    prevDayPx: markText,
    dayNtlVlm: wireText(volumeMantissa, priceScale + sizeScale),
    premium: hasBoth ? '0.0' : null,
    oraclePx: markText,
    markPx: markText,
    midPx: hasBoth ? midText : null,
    impactPxs: hasBoth ? [wireText(bid, priceScale), wireText(ask, priceScale)] : null,
    dayBaseVlm: '0.0',
  };
}
