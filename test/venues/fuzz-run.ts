/** `make fuzz`: FRAMES mutated frames of each venue (default a million) from SEED; exit 1 when one breaks what must hold. */
import { FUZZED, corpusOf, fuzz } from './fuzz.js';

const frames = Number(process.env['FRAMES'] ?? 1_000_000);
const seed = Number(process.env['SEED'] ?? 1);
for (const [dialect, folder, pattern] of FUZZED) {
  const startMs = performance.now();
  const summary = fuzz(dialect, corpusOf(folder, pattern), frames, seed);
  console.log(
    JSON.stringify({ ...summary, seconds: Math.round((performance.now() - startMs) / 1000) }),
  );
  if (summary.violations.length > 0 || summary.heapGrowthMb > 64) process.exitCode = 1;
}
