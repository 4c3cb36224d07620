/**
 * bench: `npm run bench -- NAME [--json] [--quick] [--rounds N]`. Runs the cases of a bench interleaved over several
 * rounds, so that ours and the peers see the same machine, and prints medians, spread and ratios.
 *
 * A bench is a file `NAME.bench.ts` here that exports `bench: Bench`; being there is all the registration there is.
 * `--json` prints one line per case on stdout and the machine on stderr. `--quick` is for tests: tiny inputs, one round.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, formatTable, type Sample } from './compare.js';

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

const ROUNDS = 6;
const HERE = fileURLToPath(new URL('.', import.meta.url));

await main();

async function main(): Promise<void> {
  const names = benchNames();
  const args = argumentsOf(process.argv.slice(2), names);
  if (typeof args === 'string') {
    refuse(args, names);
    return;
  }
  const say = args.isJson ? console.error : console.log;
  say(describeMachine());
  for (const name of args.names) {
    const { bench } = (await import(new URL(`./${name}.bench.js`, import.meta.url).href)) as {
      bench: Bench;
    };
    say(`\n${name}: ${bench.question}`);
    const gcCount = countGc();
    const samples = await run(bench, args);
    const results = compare(name, samples);
    if (args.isJson) for (const result of results) console.log(JSON.stringify(result));
    else console.log(formatTable(results));
    say(`garbage collections of the main thread: ${await gcCount()}`);
  }
}

/** One contender after the other, round after round. */
async function run(bench: Bench, { isQuick, rounds }: Arguments): Promise<Sample[]> {
  const samples: Sample[] = [];
  try {
    const contenders = await bench.open({ isQuick });
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) samples.push(...(await contender.measure()));
    }
  } finally {
    await bench.close?.();
  }
  return samples;
}

interface Arguments {
  readonly names: readonly string[];
  readonly isJson: boolean;
  readonly isQuick: boolean;
  readonly rounds: number;
}

/** A sentence when they are wrong. */
function argumentsOf(argv: readonly string[], known: readonly string[]): Arguments | string {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
      },
    });
  } catch (error) {
    return (error as Error).message;
  }
  const { values, positionals } = parsed;
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1)
    return `rounds is no positive integer: ${String(values.rounds)}`;
  if (positionals.length === 0) return 'no bench named';
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) return `unknown bench: ${unknown.join(', ')}`;
  return { names: positionals, isJson: values.json, isQuick: values.quick, rounds };
}

function refuse(problem: string, names: readonly string[]): void {
  console.error(
    `${problem}\nusage: npm run bench -- NAME [--json] [--quick] [--rounds N]\nbenches: ${names.join(', ')}`,
  );
  process.exitCode = 2;
}

function benchNames(): string[] {
  return readdirSync(HERE)
    .filter((file) => file.endsWith('.bench.js'))
    .map((file) => file.slice(0, -'.bench.js'.length))
    .sort();
}

function describeMachine(): string {
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

function countGc(): () => Promise<number> {
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
