/** backoff: the waits of a list, spread by chance, anew after a success. */
import t from 'tap';
import { SeededRandom } from '#src/domain/seeded-random.js';
import { Backoff } from '#src/runtime/backoff.js';

const MS = 1_000_000;

t.test('the waits come in turn, the last one repeats, a success starts them anew', async (t) => {
  const backoff = new Backoff({ waitsMs: [100, 200, 400, 800] });
  t.notOk(backoff.reset(), 'there was nothing to end');
  t.same(
    Array.from({ length: 6 }, () => backoff.fail() / MS),
    [100, 200, 400, 800, 800, 800],
  );
  t.equal(backoff.failureCount, 6);
  t.ok(backoff.reset());
  t.equal(backoff.fail(), 100 * MS);
  t.equal(backoff.resetCount, 1);
});

t.test(
  'with jitter a wait is spread around itself, and the same seed spreads it alike',
  async (t) => {
    const draw = (seed: number): number[] => {
      const backoff = new Backoff({
        waitsMs: [1_000],
        jitter: 0.1,
        random: new SeededRandom(seed),
      });
      return Array.from({ length: 1_000 }, () => backoff.fail() / MS);
    };
    const waits = draw(7);
    t.ok(waits.every((ms) => ms >= 900 && ms <= 1_100));
    t.ok(Math.min(...waits) < 910 && Math.max(...waits) > 1_090, 'over the whole span');
    t.same(waits, draw(7));
    t.not(String(waits), String(draw(8)));
  },
);

t.test('no list, no backoff; more jitter than the wait is none', async (t) => {
  t.throws(() => new Backoff({ waitsMs: [] }), /at least one wait/);
  t.throws(() => new Backoff({ waitsMs: [1], jitter: 1 }), /jitter/);
});
