/**
 * sim-venue: one venue of a world: the same simulator and exchange that sim/venue-server.ts puts behind sockets, driven
 * by virtual time. It outlives every engine run. Invariant as there: a change is booked before it is answered, and
 * answered before it is told on the private channel.
 */
import type { HttpRequest } from '../ports/network.js';
import { must } from '../domain/assert.js';
import { CoinbaseSimulator } from '../venues/coinbase/simulator.js';
import { simulatedInstruments } from '../venues/coinbase/simulator-products.js';
import type { Instrument } from '../domain/instrument.js';
import type { SimulatorAnswer, SimulatorConnection } from '../venues/simulator-port.js';
import { Exchange, freshState } from './exchange.js';
import { SeededMarket } from './seeded-market.js';
import type { MarketProfile } from './seeded-market.js';
import type { SimQueue } from './sim-queue.js';
import type { WorldFaults } from './world-faults.js';

const NS_PER_MS = 1_000_000;
const HOUSEKEEPING_NS = 250 * NS_PER_MS;
const MAKER_PPM = 100n;
const TAKER_PPM = 500n;
/** 10,000 dollars at the ten decimals of the account. */
const CASH = 100_000_000_000_000n;

/** A livelier bitcoin than any: prices must cross orders within a world's minutes. */
const PROFILE: MarketProfile = {
  priceScale: 2,
  sizeScale: 8,
  anchorMantissa: 6_000_000,
  tickMantissa: 1,
  lotMantissa: 100,
  volatility: 0.000_4,
  pull: 0.01,
  distanceMax: 0.03,
  spreadTicksMax: 400,
  windowTicks: 4_000,
  densityNear: 0.3,
  densityFar: 0.05,
  sizeMantissa: 400_000,
  changesPerSec: 4,
  tradesPerSec: 3,
};

export interface SimVenueOptions {
  readonly seed: number;
  readonly queue: SimQueue;
  readonly faults: WorldFaults;
  /** Epoch ns of the world's beginning. */
  readonly epochNs: bigint;
  /** Told after each change of the market. */
  readonly onMarket: () => void;
}

export class SimVenue {
  readonly instrument: Instrument;
  readonly exchange: Exchange;
  /** Bodies of order requests by client order id, in order of arrival. */
  readonly placed = new Map<string, number>();
  readonly #options: SimVenueOptions;
  readonly #simulator: CoinbaseSimulator;
  readonly #market: SeededMarket;
  #tradeId = 0;

  constructor(options: SimVenueOptions) {
    this.#options = options;
    this.instrument = must(simulatedInstruments(['BTC-USD'])[0], 'the product');
    const instruments = [this.instrument];
    this.exchange = new Exchange({
      instruments,
      makerFeePpm: MAKER_PPM,
      takerFeePpm: TAKER_PPM,
      state: freshState(instruments, CASH),
    });
    this.#simulator = new CoinbaseSimulator({
      exchange: this.exchange,
      verifier: { verify: () => null },
      nextTradeId: () => ++this.#tradeId,
      idSalt: '0badcafe',
      startedNs: options.epochNs,
      takeReject: () => (options.faults.rejectsOrder() ? 'UNKNOWN_FAILURE_REASON' : null),
    });
    this.#market = new SeededMarket(PROFILE, options.seed);
    // Not inside the constructor: whoever is told of the market must have us first.
    options.queue.after(0, () => {
      this.#playMarket();
      this.#keepHouse();
    });
  }

  isPrivatePath(path: string): boolean {
    return path.includes('user');
  }

  onOpen(connection: SimulatorConnection): void {
    this.#simulator.onOpen(connection, this.#nowNs());
  }

  onMessage(connection: SimulatorConnection, text: string): void {
    this.#simulator.onMessage(connection, text, this.#nowNs());
  }

  onClose(connection: SimulatorConnection): void {
    this.#simulator.onClose(connection);
  }

  onRequest(request: HttpRequest): SimulatorAnswer {
    const nowNs = this.#nowNs();
    if (this.#options.faults.limitsRate()) return this.#simulator.rateLimited(nowNs);
    const url = new URL(request.url);
    const answer = this.#simulator.onRequest(
      {
        method: request.method,
        path: url.pathname,
        query: url.search.slice(1),
        host: url.host,
        authorization: request.headers['authorization'] ?? request.headers['Authorization'] ?? '',
        body: request.body,
      },
      nowNs,
    );
    if (answer.topic === 'place') this.#notePlaced(request.body);
    this.#settle(nowNs);
    return answer;
  }

  get bestBidMantissa(): number {
    return this.exchange.best(0).bid?.priceMantissa ?? 0;
  }

  get bestAskMantissa(): number {
    return this.exchange.best(0).ask?.priceMantissa ?? 0;
  }

  #nowNs(): bigint {
    return this.#options.epochNs + BigInt(this.#options.queue.nowNs);
  }

  #notePlaced(body: string): void {
    const { client_order_id: id } = JSON.parse(body) as { readonly client_order_id?: string };
    if (id !== undefined) this.placed.set(id, (this.placed.get(id) ?? 0) + 1);
  }

  #playMarket(): void {
    const nowNs = this.#nowNs();
    do {
      this.#simulator.onMarket({ ...this.#market.next(), instrumentIndex: 0 }, nowNs);
      this.#settle(nowNs);
    } while (this.#market.nextDueNs <= this.#options.queue.nowNs);
    this.#options.onMarket();
    this.#options.queue.after(this.#market.nextDueNs - this.#options.queue.nowNs, () => {
      this.#playMarket();
    });
  }

  #keepHouse(): void {
    this.#simulator.onTime(this.#nowNs());
    this.#settle(this.#nowNs());
    this.#options.queue.after(HOUSEKEEPING_NS, () => {
      this.#keepHouse();
    });
  }

  #settle(nowNs: bigint): void {
    const changes = this.exchange.takeChanges();
    if (changes !== null) this.#simulator.publishChanges(changes, nowNs);
  }
}
