/**
 * bench: `npm run bench -- NAME [--json] [--quick] [--rounds N]`. Runs the cases of a bench interleaved over several
 * rounds, so that ours and the peers see the same machine, and prints medians, spread and ratios.
 *
 * A bench is a file `NAME.bench.ts` here that exports `bench: Bench` (harness.ts); being there is all the registration
 * there is.
 * `--json` prints one line per case on stdout and the machine on stderr. `--quick` is for tests: tiny inputs, one round.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, formatTable } from './compare.js';
import { ROUNDS, countGc, describeMachine, loadBench, runBench } from './harness.js';

export type { Bench, BenchOptions, Contender } from './harness.js';

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
    const bench = await loadBench(name);
    say(`\n${name}: ${bench.question}`);
    const gcCount = countGc();
    const samples = await runBench(bench, args);
    const results = compare(
      name,
      samples.filter(({ isDetail }) => isDetail !== true),
    );
    if (args.isJson) for (const result of results) console.log(JSON.stringify(result));
    else console.log(formatTable(results));
    say(`garbage collections of the main thread: ${await gcCount()}`);
  }
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
