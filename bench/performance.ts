/**
 * performance: `make performance`. Runs the benches `ring` and `tick`, peers of other languages included when installed, and
 * writes what came out into docs/performance.md (between its two marker comments) and docs/latency.svg.
 *
 *   node dist/bench/performance.js [--rounds N] [--save FILE] [--from FILE]
 *
 * `--save` keeps the samples as JSON, `--from` lays out kept ones again without measuring.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, median, type CaseResult, type Sample } from './compare.js';
import { ROUNDS, describeMachine, loadBench, runBench } from './harness.js';
import { quantileCurves, type Curve } from './quantile-plot.js';

interface Measured {
  readonly machine: string;
  readonly date: string;
  readonly rounds: number;
  /** One-minute load before each round of the ring bench, which is the one that it disturbs. */
  readonly loads: readonly number[];
  readonly ring: readonly Sample[];
  readonly tick: readonly Sample[];
}

/** Ours against a peer, both of the same run. */
interface Goal {
  readonly text: string;
  readonly what: string;
  readonly peer: string;
  /** How the two make the ratio, so that the goal reads as it was set. */
  readonly isInverse?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const THROUGHPUT = 'batch 1, median chunk';
const THROUGHPUT_32 = 'batch 32, median chunk';
const TRIP = 'spinning round trip p50';
const GOALS: readonly Goal[] = [
  { text: 'batch 1 throughput', what: THROUGHPUT, peer: 'ringbuf.js', atLeast: 5 },
  { text: 'batch 1 throughput', what: THROUGHPUT, peer: 'Disruptor', atLeast: 1.2 },
  { text: 'batch 1 throughput', what: THROUGHPUT, peer: 'ck_ring', atLeast: 0.9 },
  { text: 'batch 32 throughput', what: THROUGHPUT_32, peer: 'ringbuf.js', atLeast: 1.8 },
  { text: 'batch 32 throughput', what: THROUGHPUT_32, peer: 'Disruptor', atLeast: 1.5 },
  { text: 'spinning round trip p50', what: TRIP, peer: 'ringbuf.js', atMost: 0.45 },
  { text: 'spinning round trip p50', what: TRIP, peer: 'Disruptor', atMost: 0.6 },
  { text: 'spinning round trip p50', what: TRIP, peer: 'ck_ring', atMost: 0.75 },
  { text: 'spinning round trip p50', what: TRIP, peer: 'postMessage', atMost: 0.01 },
  {
    text: 'tick write, times faster',
    what: 'write',
    peer: 'generated Builder',
    isInverse: true,
    atLeast: 60,
  },
  {
    text: 'tick write, times faster',
    what: 'write',
    peer: 'generated accessors',
    isInverse: true,
    atLeast: 60,
  },
  {
    text: 'tick read, times faster',
    what: 'read',
    peer: 'generated accessors',
    isInverse: true,
    atLeast: 13,
  },
];

const BEGIN = '<!-- made by make performance: begin -->';
const END = '<!-- made by make performance: end -->';
const page = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const plot = fileURLToPath(new URL('../../docs/latency.svg', import.meta.url));

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      save: { type: 'string' },
      from: { type: 'string' },
    },
  });
  const measured =
    values.from === undefined
      ? await measure(Number(values.rounds))
      : (JSON.parse(readFileSync(values.from, 'utf8')) as Measured);
  if (values.save !== undefined) writeFileSync(values.save, JSON.stringify(measured));
  const text = readFileSync(page, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`no markers: file=${page}`);
  const results = tablesOf(measured);
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n\n${results}\n${text.slice(end)}`);
  writeFileSync(
    plot,
    quantileCurves({
      title: 'Round trip of a 64-byte message between two threads',
      subtitle: `${measured.machine.replace('machine: ', '')}, medians of ${measured.rounds} rounds`,
      curves: curvesOf(measured.ring),
    }),
  );
  console.log(results);
}

async function measure(rounds: number): Promise<Measured> {
  const machine = describeMachine().replace(/; load .*/, '');
  const loads: number[] = [];
  const onRound = (round: number): void => {
    loads.push(loadavg()[0] ?? 0);
    console.error(`ring: round ${round + 1} of ${rounds}`);
  };
  const ring = await runBench(await loadBench('ring'), { isQuick: false, rounds, onRound });
  console.error('tick');
  const tick = await runBench(await loadBench('tick'), { isQuick: false, rounds });
  const date = new Date().toISOString().slice(0, 10);
  return { machine, date, rounds, loads, ring, tick };
}

function tablesOf({ machine, date, rounds, loads, ring, tick }: Measured): string {
  const ringResults = compare('ring', shown(ring));
  const tickResults = compare('tick', shown(tick));
  const load = loads.map((one) => one.toFixed(1)).join(', ');
  return [
    `${date}, ${machine}.\n${rounds} rounds, all contenders in turn in each.\nOne-minute load before each round: ${load}.`,
    '### Goals',
    goalTable(ringResults, tickResults),
    '### Ring: throughput, million messages of 64 bytes per second',
    'One producer on one core, one consumer on another; two readers: three threads, placed by the scheduler.',
    resultTable(ringResults.filter(({ unit }) => unit === 'Mmsg/s')),
    '### Ring: there and back, ns',
    resultTable(ringResults.filter(({ unit }) => unit === 'ns')),
    '![Latency distributions](latency.svg)',
    '### Tick: one whole tick of 64 bytes, ns',
    resultTable(tickResults),
    '',
  ].join('\n\n');
}

function shown(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ isDetail }) => isDetail !== true);
}

function goalTable(...benches: readonly (readonly CaseResult[])[]): string {
  const results = benches.flat();
  const rows = GOALS.map((goal) => {
    const ours = results.find((one) => one.case === `tickwire ${goal.what}`);
    const ratio = ours?.ratioTo[goal.peer];
    const goalText =
      goal.atLeast === undefined ? `≤ ${goal.atMost ?? ''}` : `≥ ${String(goal.atLeast)}`;
    const name = `${goal.text} / ${goal.peer}`;
    if (ratio === undefined) return `| ${name} | ${goalText} | not measured | |`;
    const reached = goal.isInverse === true ? 1 / ratio : ratio;
    const isMet = reached >= (goal.atLeast ?? 0) && reached <= (goal.atMost ?? Infinity);
    return `| ${name} | ${goalText} | ${figure(reached)} | ${isMet ? 'yes' : '**no**'} |`;
  });
  return ['| ours / peer | goal | reached | met |', '|---|---:|---:|---|', ...rows].join('\n');
}

function resultTable(results: readonly CaseResult[]): string {
  const rows = results.map((one) => {
    const ratios = Object.entries(one.ratioTo)
      .map(([peer, ratio]) => `${figure(ratio)} ${peer}`)
      .join(', ');
    return `| ${one.case} | ${figure(one.median)} | ${figure(one.min)} to ${figure(one.max)} | ${ratios} |`;
  });
  return ['| case | median | rounds | ours / peer |', '|---|---:|---:|---|', ...rows].join('\n');
}

/** Three digits, thousands apart. */
function figure(value: number): string {
  const short = Number(value.toPrecision(3));
  return short >= 1000 ? short.toLocaleString('en-US') : String(short);
}

/** One curve per way of waiting: medians over the rounds of each quantile. */
function curvesOf(samples: readonly Sample[]): readonly Curve[] {
  const curves = new Map<string, Map<number, number[]>>();
  for (const { who, what, value } of samples) {
    const match = /^(spinning|parked) round trip(, unpinned)? p([\d.]+)$/.exec(what);
    const kind = match?.[1];
    // Has one way to wait and stands among the parked ones.
    if (kind === undefined || (who === 'postMessage' && kind === 'spinning')) continue;
    const name = `${who === 'tickwire' ? `tickwire, ${kind}` : who}${match?.[2] ?? ''}`;
    const percent = Number(match?.[3]);
    const curve = curves.get(name) ?? new Map<number, number[]>();
    curve.set(percent, [...(curve.get(percent) ?? []), value]);
    curves.set(name, curve);
  }
  return [...curves].map(([name, points]) => ({
    name,
    isOurs: name.startsWith('tickwire'),
    points: [...points].map(([percent, values]) => ({ percent, ns: median(values) })),
  }));
}
