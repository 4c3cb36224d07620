/**
 * simulated-venue: puts one venue's simulator together, from files to an open port, and takes it apart again.
 * Used by `tickwire sim` and by tests; one process may hold several.
 */
import { TickwireError } from '../domain/errors.js';
import type { SimulatedExchange } from '../venues/simulator-port.js';
import { CoinbaseSimulator } from '../venues/coinbase/simulator.js';
import { simulatedInstruments } from '../venues/coinbase/simulator-products.js';
import { parseDecimal } from '../venues/simulator-text.js';
import { Exchange, freshState } from './exchange.js';
import { FaultPlan, type PlannedFault } from './fault-plan.js';
import { JwtVerifier } from './jwt-verifier.js';
import { MarketSource, decodeRecording } from './market-source.js';
import { SHIPPED_RECORDING_PATH, readRawFrames, readRecordingText } from './recording-file.js';
import { VenueServer, WallClock, type Listening, type VenueLog } from './venue-server.js';
import { VenueStore, type VenueCredentials } from './venue-store.js';

/** Venues that can be simulated. */
export const SIMULATED_VENUES = ['coinbase'] as const;

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

/** Decimals of the quote currency: price scale + size scale of every product here. */
export const CASH_SCALE = 10;

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
  if (!SIMULATED_VENUES.some((venue) => venue === options.venue)) {
    throw new TickwireError(
      'VENUE_UNKNOWN',
      `there is no simulator of the venue ${JSON.stringify(options.venue)}; known: ${SIMULATED_VENUES.join(', ')}`,
      { venue: options.venue },
    );
  }
  const clock = new WallClock();
  const isRaw = options.rawPath !== null;
  // Captures of this venue are of two products; the recording is one market, served as BTC-USD.
  const instruments = simulatedInstruments(isRaw ? ['BTC-USD', 'ETH-USD'] : ['BTC-USD']).map(
    (instrument) => ({ ...instrument, isTradable: !isRaw }),
  );
  const rawFrames = options.rawPath === null ? null : readRawFrames(options.rawPath);
  const market = isRaw ? null : openMarket(options.recordingPath ?? SHIPPED_RECORDING_PATH);

  const store = VenueStore.open({ dataDir: options.dataDir, instruments });
  try {
    const known = store.load();
    const state = known ?? freshState(instruments, mantissaOfCash(options.cash));
    if (known === null) store.commit(state);
    const exchange = new Exchange({
      instruments,
      makerFeePpm: ppmOfBps(options.makerBps),
      takerFeePpm: ppmOfBps(options.takerBps),
      state,
    });
    const credentials = store.credentials();
    const faults = new FaultPlan(options.seed, options.faults);
    const simulator = new CoinbaseSimulator({
      exchange,
      verifier: new JwtVerifier(credentials),
      nextTradeId: () => store.nextTradeId(),
      idSalt: store.idSalt(),
      startedNs: clock.nowNs(),
      takeReject: () => faults.takeReject(clock.nowMs()),
    });
    const server = new VenueServer({
      venue: options.venue,
      port: options.port,
      simulator,
      exchange,
      commit: (changes) => store.commit(changes),
      credentials,
      faults,
      market,
      rawFrames,
      speed: options.speed,
      warmUpTrades: options.warmUpTrades ?? 100,
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

function openMarket(path: string): MarketSource {
  const recording = decodeRecording({
    text: readRecordingText(path),
    path,
    instrumentIndex: 0,
    priceScale: 2,
    sizeScale: 8,
  });
  return new MarketSource(recording);
}
