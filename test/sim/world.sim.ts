/** `make sim`: SEEDS worlds from SEED_FROM on, SECONDS virtual seconds each; exit 1 and a line for each broken one. */
import { liveSeeds, seedRange } from './seeds.js';

const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const count = numberOf('SEEDS', 100);
const startMs = performance.now();
const summary = await liveSeeds(
  seedRange(numberOf('SEED_FROM', 1), count),
  numberOf('SECONDS', 90),
  numberOf('BROKEN_MAX', Number.POSITIVE_INFINITY),
  (worlds) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r  ${String(worlds)} of ${String(count)} worlds`);
  },
);
if (process.stderr.isTTY) process.stderr.write('\n');
for (const line of summary.broken) console.error(line);
const seconds = Math.round((performance.now() - startMs) / 1000);
console.log(JSON.stringify({ ...summary, broken: summary.broken.length, realSeconds: seconds }));
process.exitCode = summary.broken.length > 0 ? 1 : 0;
