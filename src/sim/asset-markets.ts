/**
 * AssetMarkets: which market plays which asset, and how a venue sees it. One per process: the recording is decoded once,
 * however many venues show it. Deterministic.
 *
 * The recording plays the asset that its symbol names (BTCUSDT: BTC); every other asset that is known here has a seeded
 * market. All of them are prices in dollars; an instrument that is quoted in a stablecoin is divided by what that coin is
 * pulled to, so that converting its price back gives about the same dollars.
 */
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { SeededRandom, seedOf } from '../domain/seeded-random.js';
import type { SimulatorDefinition } from '../venues/simulator-port.js';
import { MarketSource, type MarketRecording } from './market-source.js';
import { SeededMarket, type MarketProfile } from './seeded-market.js';
import { InstrumentMarket, VenueMarket, type AssetMarket } from './venue-market.js';

/** A dollar and its likes: their prices stay near 1. */
const STABLE: Omit<MarketProfile, 'anchorMantissa'> = {
  priceScale: 5,
  sizeScale: 2,
  tickMantissa: 1,
  lotMantissa: 1,
  volatility: 4e-6,
  pull: 1 / 300,
  distanceMax: 3e-4,
  spreadTicksMax: 2,
  windowTicks: 200,
  densityNear: 0.8,
  densityFar: 0.3,
  sizeMantissa: 4_000_000,
  changesPerSec: 4,
  tradesPerSec: 0.5,
};

/** Prices of about the days of the shipped recording (August 2024). */
const PROFILES: ReadonlyMap<string, MarketProfile> = new Map<string, MarketProfile>([
  [
    'BTC',
    {
      priceScale: 2,
      sizeScale: 8,
      anchorMantissa: 6_170_000,
      tickMantissa: 10,
      lotMantissa: 1_000,
      volatility: 8e-5,
      pull: 1 / 1_800,
      distanceMax: 0.03,
      spreadTicksMax: 4,
      windowTicks: 1_500,
      densityNear: 0.7,
      densityFar: 0.2,
      sizeMantissa: 30_000_000,
      changesPerSec: 14,
      tradesPerSec: 4,
    },
  ],
  [
    'ETH',
    {
      priceScale: 2,
      sizeScale: 8,
      anchorMantissa: 268_000,
      tickMantissa: 1,
      lotMantissa: 10_000,
      volatility: 1e-4,
      pull: 1 / 1_800,
      distanceMax: 0.03,
      spreadTicksMax: 4,
      windowTicks: 1_000,
      densityNear: 0.7,
      densityFar: 0.25,
      sizeMantissa: 400_000_000,
      changesPerSec: 14,
      tradesPerSec: 2,
    },
  ],
  ['USDT', { ...STABLE, anchorMantissa: 99_980 }],
  ['USDC', { ...STABLE, anchorMantissa: 99_990 }],
]);

/** Quotes that a recording's symbol may end with; longer ones first. */
const RECORDED_QUOTES = ['FDUSD', 'BUSD', 'TUSD', 'USDT', 'USDC', 'USD'] as const;
/** Shows markets exactly as they are: it is the one whose prices can be checked against the recording. */
const REFERENCE_VENUE = 'coinbase';
/** How far other venues' prices are off at most; stablecoins less, their spread is a tenth of that. */
const BASIS_MAX = 1.5e-4;
const BASIS_MAX_STABLE = 1e-5;
const LAG_NS_MAX = 40_000_000;
/** A recording is wound on to its first trades by at most this share, a market without end by at most this long. */
const WIND_SHARE_MAX = 0.1;
const WIND_NS_MAX = 60e9;

export interface AssetMarketsOptions {
  /** Null: every market is a seeded one. */
  readonly recording: MarketRecording | null;
  readonly seed: number;
  /** True: every venue shows markets as the reference venue does, without lag and basis. */
  readonly isUniform: boolean;
}

export class AssetMarkets {
  readonly #options: AssetMarketsOptions;
  /** Asset that the recording plays; empty when there is none. */
  readonly recordedAsset: string;

  constructor(options: AssetMarketsOptions) {
    this.#options = options;
    this.recordedAsset = options.recording === null ? '' : assetOf(options.recording.symbol);
  }

  /** The market of an asset from its beginning; INSTRUMENT_UNKNOWN when there is none. */
  open(asset: string): AssetMarket {
    const { recording, seed } = this.#options;
    if (recording !== null && asset === this.recordedAsset) return new MarketSource(recording);
    return new SeededMarket(profileOf(asset), seedOf(seed, asset));
  }

  /** Everything that a venue lists. */
  venueMarket(definition: SimulatorDefinition): VenueMarket {
    return new VenueMarket(
      definition.instruments.map(
        (instrument) =>
          new InstrumentMarket({
            instrument,
            market: this.open(instrument.base),
            priceDigitsMax: definition.priceDigitsMax ?? 0,
            ...this.#viewOf(instrument),
          }),
      ),
    );
  }

  /** Where a main market stands when its first trades have happened. */
  positionAfterTrades(asset: string, tradeCount: number): number {
    const market = this.open(asset);
    const endNs = market instanceof MarketSource ? market.periodNs * WIND_SHARE_MAX : WIND_NS_MAX;
    let positionNs = 0;
    for (let trades = 0; trades < tradeCount && market.nextDueNs < endNs;) {
      const dueNs = market.nextDueNs;
      const event = market.next();
      if (event.kind === 'trade') trades++;
      positionNs = dueNs;
    }
    return positionNs;
  }

  #viewOf(instrument: Instrument): { readonly factor: number; readonly lagNs: number } {
    const { isUniform, seed } = this.#options;
    const dollars = dollarsOf(instrument.quote);
    if (isUniform || instrument.venue === REFERENCE_VENUE) return { factor: 1 / dollars, lagNs: 0 };
    const ofVenue = new SeededRandom(seedOf(seed, instrument.venue));
    const lagNs = Math.floor(ofVenue.nextUnit() * LAG_NS_MAX);
    const ofMarket = new SeededRandom(seedOf(seed, `${instrument.venue}:${instrument.symbol}`));
    const isStable = isDollar(instrument.base);
    const basis = (2 * ofMarket.nextUnit() - 1) * (isStable ? BASIS_MAX_STABLE : BASIS_MAX);
    return { factor: (1 + basis) / dollars, lagNs };
  }
}

/** BTCUSDT: BTC. A capture that names no symbol is taken for BTC's. */
function assetOf(symbol: string): string {
  const quote = RECORDED_QUOTES.find((one) => symbol.endsWith(one) && symbol.length > one.length);
  return quote === undefined ? symbol || 'BTC' : symbol.slice(0, -quote.length);
}

function isDollar(currency: string): boolean {
  return currency === 'USD' || currency === 'USDT' || currency === 'USDC';
}

/** What one unit of a quote currency is pulled to, in dollars. */
function dollarsOf(quote: string): number {
  if (quote === 'USD') return 1;
  const profile = profileOf(quote);
  return profile.anchorMantissa / 10 ** profile.priceScale;
}

function profileOf(asset: string): MarketProfile {
  const profile = PROFILES.get(asset);
  if (profile !== undefined) return profile;
  const known = [...PROFILES.keys()].join(', ');
  throw new TickwireError(
    'INSTRUMENT_UNKNOWN',
    `no simulated market plays ${asset}; there are ${known}, and what the recording plays`,
    { asset },
  );
}
