/** The configuration: defaults stand, every problem is listed at once, nothing is guessed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  ConfigError,
  configRows,
  mergeConfig,
  parseConfig,
  readConfigFile,
  riskLimitsOf,
} from '#src/config.js';
import { TickwireError } from '#src/domain/errors.js';
import { FAIR_DEFAULTS } from '#src/domain/fair-price.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';

t.test('an empty configuration is the paper profile', async (t) => {
  const config = parseConfig({});
  t.equal(config.port, 3000);
  t.same(config.venues, ['coinbase']);
  t.equal(config.sim.speed, 1);
  t.same(riskLimitsOf(config), PAPER_LIMITS);
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.sim), 'nobody can change it later');
});

t.test('every problem is listed at once with field, value and rule', async (t) => {
  try {
    parseConfig(
      {
        port: 70_000,
        venues: [],
        sim: { speed: 0, recordng: 'x' },
        risk: { orderNotionalMax: '1e9' },
        rings: { tickSlots: 3_000 },
      },
      [{ field: '--prot', value: undefined, rule: 'there is no such option' }],
    );
    t.fail('must throw');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const fields = error.problems.map((problem) => problem.field);
    for (const field of [
      '--prot',
      'port',
      'venues',
      'sim.speed',
      'sim.recordng',
      'risk.orderNotionalMax',
    ])
      t.ok(fields.includes(field), `${field} is listed`);
    t.match(error.message, /port = 70000: /, 'with its value');
  }
});

t.test('rules over several fields are checked too', async (t) => {
  t.throws(
    () => parseConfig({ rings: { tickSlots: 3_000 } }),
    /rings\.tickSlots = 3000: .*power of two/,
  );
  t.throws(
    () => parseConfig({ risk: { orderNotionalMax: '999999999999999' } }),
    /risk\.orderNotionalMax .*must be from 0\.00000001 to 500000/,
  );
});

t.test('a simulator off this machine is refused', async (t) => {
  t.throws(() => parseConfig({ sim: { urls: ['http://192.0.2.1:4000'] } }), /sim\.urls\.0/);
  t.doesNotThrow(() => parseConfig({ sim: { urls: ['http://127.0.0.1:4000'] } }));
});

t.test('the command line lies over the file, object by object', async (t) => {
  t.same(mergeConfig({ sim: { speed: 2, seed: 3 }, port: 1 }, { sim: { speed: 5 } }), {
    sim: { speed: 5, seed: 3 },
    port: 1,
  });
});

t.test('a file that is missing, no JSON or no object says so in one sentence', async (t) => {
  const dir = t.testdir({});
  const path = join(dir, 'config.json');
  const codeOf = (): string => {
    try {
      readConfigFile(path);
      return 'none';
    } catch (error) {
      return error instanceof TickwireError ? error.code : String(error);
    }
  };
  t.equal(codeOf(), 'CONFIG_UNREADABLE', 'missing');
  writeFileSync(path, '{ port: 3 }');
  t.equal(codeOf(), 'CONFIG_UNREADABLE', 'no JSON');
  writeFileSync(path, '[]');
  t.equal(codeOf(), 'CONFIG_UNREADABLE', 'no object');
  writeFileSync(path, '{"port": 3}');
  t.equal(codeOf(), 'none');
});

t.test('every setting has a sentence for the documentation', async (t) => {
  const rows = configRows();
  t.ok(rows.length > 30, `rows=${String(rows.length)}`);
  for (const row of rows) t.ok(row.description.length > 10, row.field);
});

t.test('a fair price has its defaults, and bounds that do not contradict each other', async (t) => {
  t.same(parseConfig({}).fair, FAIR_DEFAULTS);
  t.throws(
    () => parseConfig({ fair: { outlierMinBps: 200, outlierMaxBps: 100 } }),
    /fair\.outlierMinBps = 200: must not be above outlierMaxBps/,
  );
  t.throws(() => parseConfig({ fair: { intervalMinMs: 500 } }), /fair\.intervalMinMs = 500/);
  t.throws(() => parseConfig({ fair: { perpetualPercent: 101, ageMaxMs: 1 } }), /perpetualPercent/);
});
