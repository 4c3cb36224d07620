/**
 * simulated-venue: puts one venue's simulator together, from files to an open port, and takes it apart again.
 * Used by `tickwire sim` and by tests; one process may hold several, which share markets and time (openMarkets).
 */
import { TickwireError } from '../domain/errors.js';
import { seedOf } from '../domain/seeded-random.js';
import type { ExchangeAccount, SimulatedExchange } from '../venues/simulator-port.js';
import { parseDecimal } from '../venues/simulator-text.js';
import { AssetMarkets } from './asset-markets.js';
import { Exchange, CASH_SCALE, completeState, freshState } from './exchange.js';
import { FaultPlan, type PlannedFault } from './fault-plan.js';
import { JwtVerifier } from './jwt-verifier.js';
import { decodeRecording } from './market-source.js';
import { MarketTime, type VenueClock } from './market-time.js';
import { readRawTape } from './raw-tape.js';
import { SHIPPED_RECORDING_PATH, readRecordingText } from './recording-file.js';
import { simulatorOf } from './simulators.js';
import { VenueServer, WallClock, type Listening, type VenueLog } from './venue-server.js';
import { VenueStore, type VenueCredentials } from './venue-store.js';

/** What all venues of a process have in common: one clock, one set of markets, one place in them. */
export interface SharedMarkets {
  readonly clock: VenueClock;
  readonly markets: AssetMarkets;
  readonly time: MarketTime;
}

export interface SharedMarketsOptions {
  /** Null: the shipped one. */
  readonly recordingPath: string | null;
  /** 1: as recorded. */
  readonly speed: number;
  readonly seed: number;
  /** Every venue shows the same prices at the same time. Default false: each has a small lag and basis of its own. */
  readonly isUniform?: boolean;
}

/** Decodes the recording: about half a second for the shipped one. Throws RECORDING_UNREADABLE, RECORDING_CORRUPT. */
export function openMarkets(options: SharedMarketsOptions): SharedMarkets {
  const path = options.recordingPath ?? SHIPPED_RECORDING_PATH;
  const recording = decodeRecording({
    text: readRecordingText(path),
    path,
    instrumentIndex: 0,
    priceScale: RECORDING_SCALE,
    sizeScale: RECORDING_SCALE,
  });
  const clock = new WallClock();
  const { isUniform = false, seed, speed } = options;
  return {
    clock,
    markets: new AssetMarkets({ recording, seed, isUniform }),
    time: new MarketTime(clock, speed),
  };
}

/** Decimals that a recording's prices and sizes may have; Binance states eight. */
const RECORDING_SCALE = 8;

export interface SimulatedVenueOptions {
  readonly venue: string;
  /** 0: any free port. */
  readonly port: number;
  /** Null: in memory. */
  readonly dataDir: string | null;
  /** Null: the shipped one. */
  readonly recordingPath: string | null;
  /** Captured frames of the venue, played instead of a market. */
  readonly rawPath: string | null;
  /** 1: as recorded. */
  readonly speed: number;
  /** For the fault plan's jitter. */
  readonly seed: number;
  readonly faults: readonly PlannedFault[];
  /** Whole hundredths of a basis point are exact; more digits are refused by the command. */
  readonly takerBps: number;
  readonly makerBps: number;
  /** Decimal, in the quote currency (at most ten decimals); at the first start of a data directory only. */
  readonly cash: string;
  /** Trades that have happened already at the start. Default 100. */
  readonly warmUpTrades?: number;
  /** Default: markets of its own, made from the options above. */
  readonly shared?: SharedMarkets;
  /** See SharedMarketsOptions; for markets of its own. */
  readonly isUniform?: boolean;
  readonly log: VenueLog;
}

export interface SimulatedVenue {
  readonly listening: Listening;
  readonly credentials: VenueCredentials;
  readonly exchange: SimulatedExchange;
  close(): void;
}

/** A fee in basis points as parts per million: 5 -> 500. */
function ppmOfBps(bps: number): bigint {
  return BigInt(Math.round(bps * 100));
}

function mantissaOfCash(cash: string): bigint {
  const mantissa = parseDecimal(cash, CASH_SCALE);
  if (typeof mantissa === 'string') {
    throw new TickwireError('USAGE', `cash: ${cash} is not a decimal of ${CASH_SCALE} places`, {
      cash,
    });
  }
  return mantissa;
}

/** Throws a TickwireError with one clear sentence when something cannot be read, written or opened. */
export async function startSimulatedVenue(options: SimulatedVenueOptions): Promise<SimulatedVenue> {
  const definition = simulatorOf(options.venue);
  const { rawPath } = options;
  const rawTape = rawPath === null ? null : readRawTape(rawPath);
  const shared =
    options.shared ?? (rawTape === null ? openMarkets(options) : withoutMarkets(options));
  const { clock, markets, time } = shared;
  const instruments = definition.instruments.map((instrument) => ({
    ...instrument,
    isTradable: rawTape === null && instrument.isTradable,
  }));
  const store = VenueStore.open({ dataDir: options.dataDir, instruments });
  try {
    const known = store.load();
    const fresh = freshState(instruments, mantissaOfCash(options.cash));
    const state = known === null ? fresh : completeState(known, fresh);
    const isChanged = (account: ExchangeAccount): boolean => !known?.accounts.includes(account);
    store.commit({ orders: [], fills: [], accounts: state.accounts.filter(isChanged) });
    const exchange = new Exchange({
      instruments,
      makerFeePpm: ppmOfBps(options.makerBps),
      takerFeePpm: ppmOfBps(options.takerBps),
      state,
    });
    const credentials = store.credentials();
    // Venues that share a plan do not all fail at the same moment.
    const faults = new FaultPlan(seedOf(options.seed, options.venue), options.faults);
    const simulator = definition.create({
      exchange,
      verifier: new JwtVerifier(credentials),
      nextTradeId: () => store.nextTradeId(),
      idSalt: store.idSalt(),
      startedNs: clock.nowNs(),
      takeReject: () => faults.takeReject(clock.nowMs()),
    });
    const mainAsset = instruments[0]?.base ?? '';
    const server = new VenueServer({
      venue: options.venue,
      port: options.port,
      wsPaths: definition.wsPaths,
      wsPrivatePaths: definition.wsPrivatePaths,
      simulator,
      exchange,
      commit: (changes) => store.commit(changes),
      credentials,
      faults,
      market: rawTape === null ? markets.venueMarket(definition) : null,
      marketTime: time,
      startPositionNs:
        rawTape === null
          ? markets.positionAfterTrades(mainAsset, options.warmUpTrades ?? WARM_UP_TRADES)
          : 0,
      rawTape,
      clock,
      log: options.log,
    });
    const listening = await server.listen();
    return {
      listening,
      credentials,
      exchange,
      close: () => {
        server.close();
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

const WARM_UP_TRADES = 100;

/** A capture is played instead. */
function withoutMarkets(options: SimulatedVenueOptions): SharedMarkets {
  const clock = new WallClock();
  return {
    clock,
    markets: new AssetMarkets({ recording: null, seed: options.seed, isUniform: true }),
    time: new MarketTime(clock, options.speed),
  };
}
