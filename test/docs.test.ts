/**
 * Pages that are made from the source say what the source says. `make docs` (UPDATE_DOCS=1) rewrites them. The README's
 * strategy is real code, its table names real files.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { configRows } from '#src/config.js';
import { metricNameOf } from '#src/control/prometheus.js';
import { ERROR_CODES, kindOf, sentenceOf } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { IntentKind, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { TickKind } from '#src/generated/hot.js';
import {
  COUNTER_NAMES,
  HISTOGRAM_NAMES,
  counterSentence,
  histogramSentence,
} from '#src/runtime/telemetry.js';
import { IntentOutbox } from '#src/signal/intent-outbox.js';
import { MarketView } from '#src/signal/market-view.js';
import { ROOT, sourcesUnder } from './sources.js';

const KINDS = [
  ['fatal', 'The program refuses to start, or stops, with one clear sentence and an exit code.'],
  ['bug', 'The program has disproved itself. It stops at once; a restart reconciles.'],
  ['transient', 'Retried with growing waits and a deadline; trading pauses where it must.'],
  ['reject', 'An event, counted by its code; never an exception. The next thing is handled.'],
] as const;

function errorsPage(): string {
  const sections = KINDS.map(([kind, treatment]) => {
    const rows = ERROR_CODES.filter((code) => kindOf(code) === kind && code !== 'OK')
      .map((code) => `| \`${code}\` | ${sentenceOf(code)} |`)
      .join('\n');
    return `## ${kind}\n\n${treatment}\n\n| Code | Meaning |\n|---|---|\n${rows}\n`;
  });
  return (
    '# Errors\n\n' +
    'Made from `src/domain/errors.ts` by `make docs`. A code is stable: scripts, alerts and journals may rely on it.\n' +
    'There are four kinds of trouble, and each has one treatment.\n\n' +
    sections.join('\n')
  );
}

function configurationPage(): string {
  const rows = configRows()
    .map(
      ({ field, defaultText, description }) =>
        `| \`${field}\` | ${defaultText === '' ? '' : `\`${defaultText}\``} | ${description} |`,
    )
    .join('\n');
  return (
    '# Configuration\n\n' +
    'Made from `src/config.ts` by `make docs`. Later sources win: the defaults below, the JSON file of `--config`, the\n' +
    'command line. Everything is checked at start; all problems are listed at once and the exit code is 2. A dot is a\n' +
    'level of nesting: `risk.orderNotionalMax` is `{"risk": {"orderNotionalMax": "500"}}`.\n\n' +
    `| Setting | Default | Meaning |\n|---|---|---|\n${rows}\n`
  );
}

function metricsPage(): string {
  const counters = COUNTER_NAMES.map(
    (name) => `| \`${metricNameOf(name)}\` | ${counterSentence(name)} |`,
  ).join('\n');
  const histograms = HISTOGRAM_NAMES.map(
    (name) =>
      `| \`tickwire_${name.replace(/([A-Z])/g, '_$1').toLowerCase()}_seconds\` | ${histogramSentence(name)} |`,
  ).join('\n');
  return (
    '# Metrics\n\n' +
    'Made from `src/runtime/telemetry.ts` by `make docs`. `GET /metrics` serves them as Prometheus text, with the bearer\n' +
    'key. Counters carry the label `role` (the thread that counted); refusals by code are `tickwire_refusals_total` with\n' +
    '`role` and `code` ([errors.md](errors.md)).\n\n' +
    `## Counters\n\n| Name | Meaning |\n|---|---|\n${counters}\n\n` +
    `## Histograms\n\n| Name | Meaning |\n|---|---|\n${histograms}\n\n` +
    '## Gauges\n\nRun, uptime, trading state, staleness and ages of markets, fair prices with confidence and sources,\n' +
    'feeds and circuit breakers, positions, portfolio, open orders and the age of each role’s heartbeat: the help text\n' +
    'of each stands in the answer itself.\n'
  );
}

const PAGES = [
  ['docs/errors.md', errorsPage],
  ['docs/configuration.md', configurationPage],
  ['docs/metrics.md', metricsPage],
] as const;

for (const [path, make] of PAGES) {
  t.test(`${path} says what the source says`, async (t) => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(join(ROOT, path), make());
    t.equal(readFileSync(join(ROOT, path), 'utf8'), make(), 'run `make docs`');
  });
}

t.test('every link of README and docs leads somewhere', async (t) => {
  const pages = ['README.md', 'CHANGELOG.md'].concat(
    readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  );
  const dead = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => !existsSync(join(ROOT, page, '..', link)))
      .map((link) => `${page}: ${link}`);
  });
  t.same(dead, []);
});

t.test('every page that the source names exists', async (t) => {
  const missing = [...sourcesUnder('src'), ...sourcesUnder('bench')].flatMap(({ path, text }) =>
    [...text.matchAll(/docs\/[\w/-]+\.md/g)]
      .map(([page]) => page)
      .filter((page) => !existsSync(join(ROOT, page)))
      .map((page) => `${path}: ${page}`),
  );
  t.same(missing, []);
});

t.test('every file that the README tells to open exists', async (t) => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([\w/]+\/)` \|.*\| `([\w./-]+)` \|$/gm)];
  t.ok(rows.length >= 14);
  const missing = rows
    .map(([, folder, file]) => `${folder ?? ''}${file ?? ''}`)
    .filter((path) => !existsSync(join(ROOT, path)));
  t.same(missing, []);
});

t.test('every make target that a page names exists', async (t) => {
  const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
  const targets = new Set([...makefile.matchAll(/^([a-z-]+):/gm)].map((match) => match[1]));
  const pages = ['README.md', ...PAGES.map(([path]) => path), 'docs/start.md', 'docs/cli.md'];
  for (const page of pages) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const match of text.matchAll(/(?:`|^)make ([a-z-]+)/gm)) {
      t.ok(targets.has(match[1] ?? ''), `${page}: make ${match[1] ?? ''}`);
    }
  }
});

t.test('the strategy of the README buys a dip and sells when the price is back', async (t) => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const source = /```js\n(.*?)```/s.exec(text)?.[1] ?? '';
  const dir = join(t.testdir({}), 'strategy');
  mkdirSync(dir);
  writeFileSync(join(dir, 'dip.mjs'), source);
  const { default: factory } = await import(pathToFileURL(join(dir, 'dip.mjs')).href);
  const instrument = { priceScale: 2, sizeScale: 8 } as Instrument;
  const market = new MarketView(instrument, 0);
  market.bidPriceMantissa = 5_990_000;
  market.askPriceMantissa = 5_990_100;
  const out = new IntentOutbox(8);
  const strategy = factory.create({ instruments: [instrument], params: {} });
  const trade = (priceMantissa: number): void => {
    strategy.onTick({ kind: TickKind.Trade, priceMantissa, instrumentIndex: 0 }, market, 0, out);
  };
  for (let count = 0; count < 100; count++) trade(6_000_000);
  t.equal(out.count, 0, 'nothing to do at the average');
  trade(5_990_000);
  t.match(out.records[0], {
    kind: IntentKind.Place,
    side: Side.Buy,
    sizeMantissa: 100_000,
    priceMantissa: 5_990_100,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Ioc,
  });
  out.clear();
  market.positionSizeMantissa = 100_000;
  trade(6_010_000);
  t.equal(out.count, 1);
  t.match(out.records[0], { side: Side.Sell, sizeMantissa: 100_000, priceMantissa: 5_990_000 });
});
