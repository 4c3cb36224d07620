/**
 * seeds: worlds by the thousand (`make sim SEEDS=1000 SEED_FROM=1`). A failing seed prints one line that reproduces it,
 * and is kept in test/sim/failing-seeds.json, whose seeds every run lives through first.
 */
import { readFileSync } from 'node:fs';
import { World, WorldBroken } from '#src/sim/world.js';

/** Seeds that broke once. */
export function keptSeeds(): readonly number[] {
  const path = new URL('../../../test/sim/failing-seeds.json', import.meta.url);
  const { seeds } = JSON.parse(readFileSync(path, 'utf8')) as { readonly seeds: readonly number[] };
  return seeds;
}

export interface SeedsSummary {
  readonly worlds: number;
  readonly steps: number;
  readonly orders: number;
  readonly fills: number;
  readonly kills: number;
  /** One line for each broken world. */
  readonly broken: readonly string[];
}

/** Lives every seed; `brokenMax` broken worlds end it. */
export async function liveSeeds(
  seeds: Iterable<number>,
  seconds: number,
  brokenMax = Number.POSITIVE_INFINITY,
  onWorld: (worlds: number) => void = () => undefined,
): Promise<SeedsSummary> {
  const total = { worlds: 0, steps: 0, orders: 0, fills: 0, kills: 0 };
  const broken: string[] = [];
  for (const seed of seeds) {
    try {
      const { steps, orders, fills, kills } = await new World({ seed, seconds }).live();
      total.steps += steps;
      total.orders += orders;
      total.fills += fills;
      total.kills += kills;
    } catch (error) {
      if (!(error instanceof WorldBroken)) throw error;
      broken.push(
        `make sim SEEDS=1 SEED_FROM=${String(seed)} SECONDS=${String(seconds)}  # ${error.message}`,
      );
      if (broken.length >= brokenMax) break;
    }
    total.worlds++;
    onWorld(total.worlds);
  }
  return { ...total, broken };
}

/** `from`, `from + 1`, … */
export function seedRange(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
