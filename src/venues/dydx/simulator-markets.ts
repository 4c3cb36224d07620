/**
 * simulator-markets: the two markets that the dYdX simulator lists, as the indexer describes them (captures of 2024-07 and
 * 2025-12), and its texts: times, ids of trades. Deterministic.
 */
import type { Instrument } from '../../domain/instrument.js';
import { formatDecimal, formatTime } from '../simulator-text.js';
import { COLLATERAL } from './endpoints.js';

const NS_PER_MS = 1_000_000n;
const NS_PER_SEC = 1_000_000_000n;
/** Blocks come about twice a second. */
export const BLOCK_NS = 500_000_000n;
/** Height 0 here: 2023-10-26T17:00:00Z, when the venue's chain began. */
const GENESIS_NS = 1_698_339_600n * NS_PER_SEC;
/** The transaction of a block that holds its matches (captures: 00000002 nearly always). */
const MATCH_TRANSACTION = 2;

interface MarketFacts {
  readonly ticker: string;
  readonly base: string;
  readonly clobPairId: number;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly atomicResolution: number;
  /** Decimals of its oracle price. */
  readonly oracleScale: number;
}

const MARKETS: readonly MarketFacts[] = [
  {
    ticker: 'BTC-USD',
    base: 'BTC',
    clobPairId: 0,
    priceScale: 0,
    sizeScale: 4,
    atomicResolution: -10,
    oracleScale: 5,
  },
  {
    ticker: 'ETH-USD',
    base: 'ETH',
    clobPairId: 1,
    priceScale: 1,
    sizeScale: 3,
    atomicResolution: -9,
    oracleScale: 6,
  },
];

export function simulatedInstruments(): Instrument[] {
  return MARKETS.map((facts, index) => ({
    index,
    venue: 'dydx',
    kind: 'perpetual',
    symbol: facts.ticker,
    venueSymbol: facts.ticker,
    base: facts.base,
    quote: COLLATERAL,
    priceScale: facts.priceScale,
    sizeScale: facts.sizeScale,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 0,
    isTradable: true,
  }));
}

function factsOf(instrument: Instrument): MarketFacts {
  const facts = MARKETS.find(({ ticker }) => ticker === instrument.venueSymbol);
  if (facts === undefined) throw new Error(`no such market here: ${instrument.venueSymbol}`);
  return facts;
}

/** What changes in a market's description while it is played. */
export interface MarketFigures {
  /** Twice the middle of the book, at the instrument's price scale; 0: there is no book. */
  readonly doubleMid: number;
  readonly tradeCount: number;
  readonly volumeMantissa: bigint;
  readonly fundingText: string;
}

/** The middle of the book with the decimals that the oracle's price has. */
export function oracleText(instrument: Instrument, doubleMid: number): string {
  const { oracleScale } = factsOf(instrument);
  const shift = 10n ** BigInt(oracleScale - instrument.priceScale);
  return formatDecimal((BigInt(doubleMid) * shift) / 2n, oracleScale);
}

/** One market of GET /v4/perpetualMarkets and of the first message of v4_markets. */
export function marketJson(
  instrument: Instrument,
  figures: MarketFigures,
): Record<string, unknown> {
  const { clobPairId, atomicResolution } = factsOf(instrument);
  return {
    clobPairId: String(clobPairId),
    ticker: instrument.venueSymbol,
    status: instrument.isTradable ? 'ACTIVE' : 'PAUSED',
    oraclePrice: oracleText(instrument, figures.doubleMid),
    priceChange24H: '0',
    volume24H: formatDecimal(figures.volumeMantissa, instrument.priceScale + instrument.sizeScale),
    trades24H: figures.tradeCount,
    nextFundingRate: figures.fundingText,
    initialMarginFraction: '0.02',
    maintenanceMarginFraction: '0.012',
    openInterest: '0',
    atomicResolution,
    quantumConversionExponent: -9,
    tickSize: formatDecimal(instrument.tickMantissa, instrument.priceScale),
    stepSize: formatDecimal(instrument.lotMantissa, instrument.sizeScale),
    stepBaseQuantums: 1_000_000,
    subticksPerTick: 100_000,
    marketType: 'CROSS',
    openInterestLowerCap: '0',
    openInterestUpperCap: '0',
    baseOpenInterest: '0',
    defaultFundingRate1H: '0',
  };
}

export function marketIdOf(instrument: Instrument): number {
  return factsOf(instrument).clobPairId;
}

/** Height of the block of a time. */
export function heightAt(epochNs: bigint): number {
  return Number((epochNs - GENESIS_NS) / BLOCK_NS);
}

/** The time of a block, in whole milliseconds. */
export function timeOfBlock(height: number): bigint {
  return GENESIS_NS + BigInt(height) * BLOCK_NS;
}

/** "2026-11-22T15:33:18.250Z": always three digits. */
export function isoTime(epochNs: bigint): string {
  const ms = String((epochNs / NS_PER_MS) % 1000n).padStart(3, '0');
  return formatTime(epochNs - (epochNs % NS_PER_SEC), 6).replace('Z', `.${ms}Z`);
}

/** 24 hexadecimal digits: height, transaction, event. */
export function tradeIdText(height: number, event: number): string {
  return [height, MATCH_TRANSACTION, event]
    .map((part) => part.toString(16).padStart(8, '0'))
    .join('');
}
