/**
 * world-faults: what goes wrong in a world, drawn from its seed: named, each with its probability, all off when the world is
 * calm. Deterministic.
 *
 *   on the way      requests and answers late, lost; frames lost, twice, late; dials refused; the cable cut for seconds
 *   at the venue    orders refused, rate limits
 *   in our house    the process killed, the journal asleep for seconds, turns late, the market feed dead
 */
import type { SimChance } from './sim-chance.js';
import type { SimQueue } from './sim-queue.js';

const NS_PER_MS = 1_000_000;

/** Probabilities, per occasion. */
export interface FaultRates {
  readonly lostRequest: number;
  readonly lostAnswer: number;
  readonly lostFrame: number;
  readonly doubledFrame: number;
  readonly lateRequest: number;
  readonly refusedDial: number;
  readonly rejectedOrder: number;
  readonly rateLimit: number;
  /** Per second of virtual time. */
  readonly cut: number;
  readonly kill: number;
  readonly slowJournal: number;
  readonly deadFeed: number;
}

export const NO_FAULTS: FaultRates = {
  lostRequest: 0,
  lostAnswer: 0,
  lostFrame: 0,
  doubledFrame: 0,
  lateRequest: 0,
  refusedDial: 0,
  rejectedOrder: 0,
  rateLimit: 0,
  cut: 0,
  kill: 0,
  slowJournal: 0,
  deadFeed: 0,
};

/** Every world has its own weather: each fault is off, rare or common. */
export function drawnRates(chance: SimChance): FaultRates {
  const rate = (common: number): number => chance.pick([0, common / 8, common]);
  return {
    lostRequest: rate(0.03),
    lostAnswer: rate(0.05),
    lostFrame: rate(0.05),
    doubledFrame: rate(0.05),
    lateRequest: rate(0.05),
    refusedDial: rate(0.3),
    rejectedOrder: rate(0.05),
    rateLimit: rate(0.02),
    cut: rate(0.05),
    kill: rate(0.03),
    slowJournal: rate(0.05),
    deadFeed: rate(0.05),
  };
}

export class WorldFaults {
  rates: FaultRates;
  readonly #chance: SimChance;
  readonly #queue: SimQueue;
  #cutUntilNs = 0;

  constructor(rates: FaultRates, chance: SimChance, queue: SimQueue) {
    this.rates = rates;
    this.#chance = chance;
    this.#queue = queue;
  }

  calm(): void {
    this.rates = NO_FAULTS;
    this.#cutUntilNs = 0;
  }

  /** The cable is out for so long. */
  cutFor(durationNs: number): void {
    this.#cutUntilNs = this.#queue.nowNs + durationNs;
  }

  isCut(): boolean {
    return this.#queue.nowNs < this.#cutUntilNs;
  }

  losesRequest(): boolean {
    return this.isCut() || this.#chance.isTrue(this.rates.lostRequest);
  }

  losesAnswer(): boolean {
    return this.isCut() || this.#chance.isTrue(this.rates.lostAnswer);
  }

  refusesDial(): boolean {
    return this.#chance.isTrue(this.rates.refusedDial);
  }

  rejectsOrder(): boolean {
    return this.#chance.isTrue(this.rates.rejectedOrder);
  }

  limitsRate(): boolean {
    return this.#chance.isTrue(this.rates.rateLimit);
  }

  frameCopies(): number {
    if (this.isCut() || this.#chance.isTrue(this.rates.lostFrame)) return 0;
    return this.#chance.isTrue(this.rates.doubledFrame) ? 2 : 1;
  }

  requestDelayNs(): number {
    // Later than the client waits: it arrives all the same.
    if (this.#chance.isTrue(this.rates.lateRequest)) return this.#chance.delayNs(200, 8_000);
    return this.#chance.delayNs(0.2, 40);
  }

  answerDelayNs(): number {
    return this.#chance.delayNs(0.2, 60);
  }

  dialDelayNs(): number {
    return this.#chance.delayNs(1, 80) + NS_PER_MS;
  }
}
