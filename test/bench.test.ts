/**
 * Every bench runs with tiny inputs and prints what was promised, so that none can rot. Never a number: this machine may
 * be busy.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compare, formatTable, median, quantile, type Sample } from '../bench/compare.js';
import { quantileCurves } from '../bench/quantile-plot.js';

const BENCH_DIR = new URL('../bench/', import.meta.url);
const NAMES = readdirSync(BENCH_DIR)
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => file.slice(0, -'.bench.js'.length));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function bench(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('bench.js', BENCH_DIR)), ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}

for (const name of NAMES) {
  t.test(
    `bench ${name} runs and prints one line per case with median, spread, rounds and ratios`,
    async (t) => {
      const { code, stdout, stderr } = await bench(name, '--quick', '--json');
      if (!t.equal(code, 0)) t.comment(stderr);
      const lines = stdout.trimEnd().split('\n');
      t.ok(lines.length >= 2, 'a bench compares');
      let ratios = 0;
      for (const line of lines) {
        const result = JSON.parse(line);
        t.same(Object.keys(result), [
          'bench',
          'case',
          'unit',
          'median',
          'min',
          'max',
          'rounds',
          'ratioTo',
        ]);
        t.equal(result.bench, name);
        t.match(result, { case: /\S/, unit: /\S/, median: Number, min: Number, max: Number });
        t.ok(
          result.min <= result.median && result.median <= result.max && result.min >= 0,
          result.case,
        );
        t.ok(Number.isInteger(result.rounds) && result.rounds >= 1);
        for (const ratio of Object.values(result.ratioTo)) {
          t.ok(typeof ratio === 'number' && ratio >= 0);
          ratios++;
        }
      }
      t.ok(ratios > 0, 'ours is put in relation to a peer');
      t.match(stderr, /^machine: .*Node v\d+/m, 'the machine is named');
    },
  );
}

t.test(
  'an unknown bench, an unknown option or none at all is refused with the list of benches',
  async (t) => {
    for (const args of [['nonsense'], [], ['ring', '--nonsense'], ['ring', '--rounds', '0']]) {
      const { code, stdout, stderr } = await bench(...args);
      t.equal(code, 2, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, /usage: npm run bench -- NAME/);
      for (const name of NAMES) t.match(stderr, name);
    }
  },
);

const SAMPLES: readonly Sample[] = [
  { who: 'tickwire', what: 'hop', unit: 'ns', value: 10 },
  { who: 'rival', what: 'hop', unit: 'ns', value: 40 },
  { who: 'tickwire park', what: 'hop', unit: 'ns', value: 100 },
  { who: 'rival', what: 'other', unit: 'ns', value: 1 },
  { who: 'tickwire', what: 'hop', unit: 'ns', value: 30 },
  { who: 'rival', what: 'hop', unit: 'ns', value: 20 },
  { who: 'tickwire', what: 'hop', unit: 'ns', value: 20 },
];

t.test('ours is divided by the peers of the same question, ours by ours never', async (t) => {
  const results = compare('demo', SAMPLES);
  t.same(
    results.map((one) => [one.case, one.median, one.min, one.max, one.rounds, one.ratioTo]),
    [
      ['tickwire hop', 20, 10, 30, 3, { rival: 0.6667 }],
      ['rival hop', 30, 20, 40, 2, {}],
      ['tickwire park hop', 100, 100, 100, 1, { rival: 3.333 }],
      ['rival other', 1, 1, 1, 1, {}],
    ],
  );
  t.match(formatTable(results), /^tickwire hop +20 +10 \.\. 30 +ns +0\.6667x rival$/m);
});

t.test('medians and quantiles take any order', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.equal(quantile([5, 1, 4, 2, 3], 0.99), 5);
  t.equal(quantile([5, 1, 4, 2, 3], 0), 1);
  t.ok(Number.isNaN(median([])));
});

t.test(
  'the plot has every curve with its name, longer times higher and the tail to the right',
  async (t) => {
    const svg = quantileCurves({
      title: 'a < b',
      subtitle: 'here',
      curves: [
        {
          name: 'ours',
          isOurs: true,
          points: [1, 50, 99.9].map((percent) => ({ percent, ns: 300 })),
        },
        {
          name: 'theirs',
          isOurs: false,
          points: [1, 50, 99.9].map((percent, step) => ({ percent, ns: 5000 * 10 ** step })),
        },
      ],
    });
    t.match(svg, /^<svg [^>]*viewBox/);
    t.match(svg, 'a &lt; b');
    const curves = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = '']) =>
      points.split(' ').map((point) => point.split(',').map(Number)),
    );
    t.equal(curves.length, 2);
    for (const name of ['ours', 'theirs', '100 ns', '1 ms', 'p99.9']) t.match(svg, `>${name}<`);
    const [flat = [], steep = []] = curves;
    t.equal(new Set(flat.map(([, y]) => y)).size, 1);
    const xs = steep.map(([x = 0]) => x);
    const ys = steep.map(([, y = 0]) => y);
    t.same(
      xs,
      xs.toSorted((a, b) => a - b),
    );
    t.same(
      ys,
      ys.toSorted((a, b) => b - a),
    );
    t.ok((ys[0] ?? 0) < (flat[0]?.[1] ?? 0), 'slower is higher');
  },
);
