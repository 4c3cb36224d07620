import t from 'tap';
import { FUZZED, corpusOf, fuzz } from './fuzz.js';

const FRAMES = 10_000;
const SEED = 20_261_122;

for (const [dialect, folder, pattern] of FUZZED) {
  t.test(`${dialect}: ten thousand mutated frames bring no exception and no wrong price`, (t) => {
    const summary = fuzz(dialect, corpusOf(folder, pattern), FRAMES, SEED);
    t.same(summary.violations, [], JSON.stringify(summary));
    t.ok(summary.accepted > 50, `some are still understood: ${JSON.stringify(summary)}`);
    t.ok(summary.heapGrowthMb < 64, `memory: ${String(summary.heapGrowthMb)} MB`);
    t.end();
  });
}
