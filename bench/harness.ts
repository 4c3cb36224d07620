/**
 * harness: what every bench is (Bench, Contender), how one is run (contenders interleaved, round after round, so that
 * ours and the peers see the same machine), and the line that names the machine.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { Sample } from './compare.js';

export interface BenchOptions {
  /** Tiny inputs: only shows that the bench runs. */
  readonly isQuick: boolean;
}

/** Measures one contender once; called once per round. */
export interface Contender {
  readonly name: string;
  measure(): Promise<readonly Sample[]>;
}

export interface Bench {
  /** What it answers, in a sentence. */
  readonly question: string;
  open(options: BenchOptions): Promise<readonly Contender[]> | readonly Contender[];
  /** Ends what `open` or `measure` left running. */
  close?(): Promise<void>;
}

export interface RunOptions extends BenchOptions {
  readonly rounds: number;
  /** Told before each round. */
  readonly onRound?: (round: number) => void;
}

export const ROUNDS = 6;

/** Of `NAME.bench.ts` beside this file. */
export async function loadBench(name: string): Promise<Bench> {
  const loaded = (await import(new URL(`./${name}.bench.js`, import.meta.url).href)) as {
    bench: Bench;
  };
  return loaded.bench;
}

/** One contender after the other, round after round. */
export async function runBench(
  bench: Bench,
  { isQuick, rounds, onRound }: RunOptions,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  try {
    const contenders = await bench.open({ isQuick });
    for (let round = 0; round < rounds; round++) {
      onRound?.(round);
      for (const contender of contenders) samples.push(...(await contender.measure()));
    }
  } finally {
    await bench.close?.();
  }
  return samples;
}

export function describeMachine(): string {
  const load = loadavg()[0] ?? 0;
  return [
    `machine: ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} CPUs`,
    `Node ${process.version} ${process.arch}`,
    `timer step ${timerStepNs()} ns`,
    `load ${load.toFixed(2)}`,
  ].join('; ');
}

function timerStepNs(): number {
  let stepMin = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 1000; tries++) {
    const start = process.hrtime.bigint();
    let end = start;
    while (end === start) end = process.hrtime.bigint();
    stepMin = Math.min(stepMin, Number(end - start));
  }
  return stepMin;
}

export function countGc(): () => Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    // Entries are handed over by the event loop, a little later.
    await setTimeout(20);
    observer.disconnect();
    return count;
  };
}
