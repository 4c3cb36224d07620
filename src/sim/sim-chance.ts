/** sim-chance: the draws of a world, all from its seed. */
import { SeededRandom } from '../domain/seeded-random.js';

const NS_PER_MS = 1_000_000;

export class SimChance {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.#random.nextUnit();
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  isTrue(probability: number): boolean {
    return this.unit() < probability;
  }

  /** Nanoseconds; mostly near the shorter end, as waits are. */
  delayNs(minMs: number, maxMs: number): number {
    const unit = this.unit();
    return Math.round((minMs + (maxMs - minMs) * unit * unit * unit) * NS_PER_MS);
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.unit() * list.length)] as T;
  }
}
