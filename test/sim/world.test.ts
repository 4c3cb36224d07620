import t from 'tap';
import { World } from '#src/sim/world.js';
import { keptSeeds, liveSeeds, seedRange } from './seeds.js';

const SEEDS = 200;
const SECONDS = 40;

t.test(
  'two hundred worlds full of faults keep every invariant and agree when the faults are over',
  async (t) => {
    const summary = await liveSeeds(seedRange(1, SEEDS), SECONDS);
    t.same(summary.broken, [], summary.broken.join('\n'));
    t.ok(summary.fills > 10 * SEEDS && summary.kills > SEEDS / 4, JSON.stringify(summary));
  },
);

t.test('worlds that broke once hold', async (t) => {
  const summary = await liveSeeds(keptSeeds(), 90);
  t.same(summary.broken, []);
});

t.test('a seed gives the same world to the last record', async (t) => {
  const first = await new World({ seed: 77, seconds: SECONDS }).live();
  t.same(await new World({ seed: 77, seconds: SECONDS }).live(), first);
  const other = await new World({ seed: 78, seconds: SECONDS }).live();
  t.not(other.stateHash, first.stateHash);
});
