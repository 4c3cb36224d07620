/**
 * simulator-pairs: the pairs and assets that the Kraken simulator lists, as the venue itself described them (AssetPairs of
 * 2026-07 for XBT/USD and ETH/USD, of 2021 for the two stablecoins with the fields of today). Deterministic.
 */
import { must } from '../../domain/assert.js';
import type { Instrument } from '../../domain/instrument.js';
import { formatDecimal } from '../simulator-text.js';

interface PairFacts {
  /** Key of the REST list. */
  readonly name: string;
  readonly altName: string;
  readonly wsName: string;
  /** As WebSocket v2 writes it. */
  readonly symbol: string;
  readonly base: string;
  /** The base in REST. */
  readonly restBase: string;
  readonly priceDecimals: number;
  readonly sizeMin: string;
  readonly leverage: readonly number[];
}

const PAIRS: readonly PairFacts[] = [
  {
    name: 'XXBTZUSD',
    altName: 'XBTUSD',
    wsName: 'XBT/USD',
    symbol: 'BTC/USD',
    base: 'BTC',
    restBase: 'XXBT',
    priceDecimals: 1,
    sizeMin: '0.00005',
    leverage: [2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
  {
    name: 'XETHZUSD',
    altName: 'ETHUSD',
    wsName: 'ETH/USD',
    symbol: 'ETH/USD',
    base: 'ETH',
    restBase: 'XETH',
    priceDecimals: 2,
    sizeMin: '0.001',
    leverage: [2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
  {
    name: 'USDTZUSD',
    altName: 'USDTUSD',
    wsName: 'USDT/USD',
    symbol: 'USDT/USD',
    base: 'USDT',
    restBase: 'USDT',
    priceDecimals: 4,
    sizeMin: '5',
    leverage: [2],
  },
  {
    name: 'USDCUSD',
    altName: 'USDCUSD',
    wsName: 'USDC/USD',
    symbol: 'USDC/USD',
    base: 'USDC',
    restBase: 'USDC',
    priceDecimals: 4,
    sizeMin: '5',
    leverage: [2, 3],
  },
];

const LOT_DECIMALS = 8;
const COST_MIN = '0.5';

/** The pairs as instruments: main market first. */
export function simulatedInstruments(): readonly Instrument[] {
  return PAIRS.map((pair, index) => ({
    index,
    venue: 'kraken',
    kind: 'spot',
    symbol: `${pair.base}-USD`,
    venueSymbol: pair.symbol,
    base: pair.base,
    quote: 'USD',
    priceScale: pair.priceDecimals,
    sizeScale: LOT_DECIMALS,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: Math.round(Number(pair.sizeMin) * 10 ** LOT_DECIMALS),
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 5 * 10 ** (pair.priceDecimals + LOT_DECIMALS - 1),
    isTradable: true,
  }));
}

/** The key of the REST list for an instrument. */
export function restNameOf(instrument: Instrument): string {
  return factsOf(instrument).name;
}

/** Whether a REST request that names this pair means the instrument. */
export function isPairNamed(instrument: Instrument, name: string): boolean {
  const facts = factsOf(instrument);
  return [facts.name, facts.altName, facts.wsName, facts.symbol].includes(name);
}

/** Entries of AssetPairs. */
export function assetPairs(instruments: readonly Instrument[]): Record<string, unknown> {
  return Object.fromEntries(
    instruments.map((instrument) => {
      const pair = factsOf(instrument);
      return [pair.name, assetPair(pair, instrument)];
    }),
  );
}

function assetPair(pair: PairFacts, instrument: Instrument): Record<string, unknown> {
  return {
    altname: pair.altName,
    wsname: pair.wsName,
    aclass_base: 'currency',
    base: pair.restBase,
    aclass_quote: 'currency',
    quote: 'ZUSD',
    lot: 'unit',
    cost_decimals: 5,
    pair_decimals: pair.priceDecimals,
    lot_decimals: LOT_DECIMALS,
    lot_multiplier: 1,
    leverage_buy: pair.leverage,
    leverage_sell: pair.leverage,
    fees: [
      [0, 0.4],
      [10000, 0.35],
      [50000, 0.24],
    ],
    fees_maker: [
      [0, 0.25],
      [10000, 0.2],
      [50000, 0.14],
    ],
    fee_volume_currency: 'ZUSD',
    margin_call: 80,
    margin_stop: 40,
    ordermin: pair.sizeMin,
    costmin: COST_MIN,
    tick_size: formatDecimal(instrument.tickMantissa, instrument.priceScale),
    status: instrument.isTradable ? 'online' : 'cancel_only',
    execution_venue: 'international',
    long_position_limit: 350,
    short_position_limit: 250,
  };
}

/** Entries of Assets: REST code, name, decimals kept and shown. */
const ASSETS: readonly (readonly [string, string, number, number])[] = [
  ['ZUSD', 'USD', 4, 2],
  ['XXBT', 'XBT', 10, 5],
  ['XETH', 'ETH', 10, 5],
  ['USDT', 'USDT', 8, 4],
  ['USDC', 'USDC', 8, 4],
];

export function assets(): Record<string, unknown> {
  return Object.fromEntries(
    ASSETS.map(([code, altname, decimals, displayed]) => [
      code,
      {
        aclass: 'currency',
        altname,
        decimals,
        display_decimals: displayed,
        collateral_value: 1,
        status: 'enabled',
      },
    ]),
  );
}

/** `data` of the instrument channel, as text: its numbers keep their zeros. */
export function instrumentData(instruments: readonly Instrument[]): string {
  const assetTexts = ASSETS.map(([code, altname, decimals, displayed]) => {
    const id = altname === 'XBT' ? 'BTC' : altname;
    const borrowable = code === 'ZUSD';
    return (
      `{"id":"${id}","status":"enabled","precision":${decimals},"precision_display":${displayed},` +
      `"borrowable":${String(borrowable)},"collateral_value":1.00,"margin_rate":0.025000}`
    );
  });
  const pairTexts = instruments.map((instrument) => {
    const pair = factsOf(instrument);
    const tick = formatDecimal(instrument.tickMantissa, instrument.priceScale);
    const lot = formatDecimal(instrument.lotMantissa, instrument.sizeScale);
    return (
      `{"symbol":"${pair.symbol}","base":"${pair.base}","quote":"USD",` +
      `"status":"${instrument.isTradable ? 'online' : 'cancel_only'}","qty_precision":${LOT_DECIMALS},` +
      `"qty_increment":${lot},"price_precision":${pair.priceDecimals},"cost_precision":5,` +
      `"marginable":true,"has_index":true,"cost_min":0.50,"tick_size":${tick},` +
      `"price_increment":${tick},"qty_min":${pair.sizeMin}}`
    );
  });
  return `{"assets":[${assetTexts.join(',')}],"pairs":[${pairTexts.join(',')}]}`;
}

function factsOf(instrument: Instrument): PairFacts {
  return must(
    PAIRS.find((pair) => pair.symbol === instrument.venueSymbol),
    `pair of ${instrument.venueSymbol}`,
  );
}
