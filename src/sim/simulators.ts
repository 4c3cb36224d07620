/**
 * simulators: the venues that can be simulated, one line each. Adding one: docs/adding-a-venue.md.
 */
import { TickwireError } from '../domain/errors.js';
import {
  SIMULATOR as BINANCE,
  SIMULATOR_USDM as BINANCE_USDM,
} from '../venues/binance/simulator.js';
import { SIMULATOR as COINBASE } from '../venues/coinbase/simulator.js';
import { SIMULATOR as KRAKEN } from '../venues/kraken/simulator.js';
import { SIMULATOR as DYDX } from '../venues/dydx/simulator.js';
import { SIMULATOR as HYPERLIQUID } from '../venues/hyperliquid/simulator.js';
import type { SimulatorDefinition } from '../venues/simulator-port.js';

export const SIMULATORS: readonly SimulatorDefinition[] = [
  COINBASE,
  KRAKEN,
  BINANCE,
  BINANCE_USDM,
  DYDX,
  HYPERLIQUID,
];

/** The simulator of this venue; VENUE_UNKNOWN names those that exist. */
export function simulatorOf(venue: string): SimulatorDefinition {
  const found = SIMULATORS.find((one) => one.venue === venue);
  if (found !== undefined) return found;
  const known = SIMULATORS.map((one) => one.venue);
  throw new TickwireError(
    'VENUE_UNKNOWN',
    `there is no simulator of the venue ${JSON.stringify(venue)}; known: ${known.join(', ')}`,
    { venue, known },
  );
}
