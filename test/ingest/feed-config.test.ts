/** The numbers of feeds are checked at start: defaults as the issue wants them, bounds, and what contradicts itself. */
import t from 'tap';
import { ConfigError, parseConfig } from '#src/config.js';
import type { ConfigProblem } from '#src/config.js';

function problemsOf(feed: Readonly<Record<string, unknown>>): readonly ConfigProblem[] {
  try {
    parseConfig({ feed });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

t.test('the defaults', async (t) => {
  t.match(parseConfig({}).feed, {
    backoffMs: [100, 200, 400, 800],
    backoffJitter: 0,
    breakerFailures: 5,
    breakerSuccesses: 3,
    breakerOpenMs: [10_000, 20_000, 40_000, 80_000],
    retriesMax: undefined,
  });
});

t.test('a number outside of its bounds is refused with its name', async (t) => {
  for (const [field, value] of Object.entries({
    ...{ idleTimeoutMs: 499, openTimeoutMs: 60_001, retriesMax: -1, breakerFailures: 0 },
    ...{ backoffJitter: 0.6, sendsPerSecondMax: 2, lateMs: -1, pauseMaxMs: 99 },
    ...{ framesPerSecondMax: 1.5, silentMs: 1e9 },
  })) {
    t.match(problemsOf({ [field]: value }), [{ field: `feed.${field}`, value }]);
  }
  t.match(problemsOf({ backoffMs: [] }), [{ field: 'feed.backoffMs' }]);
  t.match(problemsOf({ breakerOpenMs: [0] }), [{ field: 'feed.breakerOpenMs.0' }]);
  t.match(problemsOf({ nonsense: 1 }), [{ field: 'feed.nonsense', rule: /no such setting/ }]);
});

t.test('numbers that contradict each other are refused', async (t) => {
  t.match(problemsOf({ silentMs: 1_000, ackTimeoutMs: 2_000 }), [{ field: 'feed.silentMs' }]);
  t.match(problemsOf({ steadyMs: 60_000 }), [{ field: 'feed.steadyMs' }]);
  t.match(problemsOf({ backoffMs: [200, 100] }), [
    { field: 'feed.backoffMs', rule: 'must not become shorter' },
  ]);
});
