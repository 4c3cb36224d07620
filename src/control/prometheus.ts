/**
 * prometheus: every counter, histogram and a few last values as Prometheus text (docs/metrics.md). Control thread.
 *
 * The numbers live in shared memory and only grow, so nothing is counted here: a scrape copies them. prom-client keeps
 * names, help texts, labels and escaping right; its own histograms cannot be set, so ours come in as ready values.
 */
import { Gauge, Registry, type Metric } from 'prom-client';
import type { HistogramSnapshot } from '../memory/histogram.js';
import { FEED_BREAKER_NAMES, FEED_STATE_NAMES } from '../runtime/feed-words.js';
import {
  COUNTER_NAMES,
  counterSentence,
  HISTOGRAM_NAMES,
  histogramSentence,
  type CounterName,
} from '../runtime/telemetry.js';
import type { FeedJson } from './feed-view.js';
import type { FairJson, StateView } from './state-view.js';

/** Upper bounds in nanoseconds: 250 ns to a minute. */
const BUCKET_BOUNDS_NS = [
  250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
  2_500_000, 5_000_000, 10_000_000, 25_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
  60_000_000_000,
];
const NS_PER_SEC = 1e9;
/** Not a sum: the largest value so far. */
const GAUGES: ReadonlySet<CounterName> = new Set(['gcUsMax']);

const SOURCE_STATES = ['used', 'stale', 'outlier', 'unpriced', 'none'];

type Labels = Readonly<Record<string, string | number>>;

interface Value {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** `tickwire_orders_sent_total` for `ordersSent`. */
export function metricNameOf(name: CounterName): string {
  const words = name.replace(/([A-Z])/g, '_$1').toLowerCase();
  return `tickwire_${words.replace(/_total$/, '')}${GAUGES.has(name) ? '' : '_total'}`;
}

export class PrometheusText {
  readonly #registry = new Registry();
  readonly #view: StateView;

  constructor(view: StateView) {
    this.#view = view;
    for (const name of COUNTER_NAMES) {
      this.#add(
        metricNameOf(name),
        counterSentence(name),
        GAUGES.has(name) ? 'gauge' : 'counter',
        () =>
          view.telemetryView.roleNames.map((role) => ({
            labels: { role },
            value: view.telemetryView.counterOf(role, name),
          })),
      );
    }
    this.#add(
      'tickwire_refusals_total',
      'Refusals and errors by code (docs/errors.md).',
      'counter',
      () =>
        view.telemetryView.roleNames.flatMap((role) =>
          Object.entries(view.telemetryView.rejectsOf(role)).map(([code, value]) => ({
            labels: { role, code },
            value,
          })),
        ),
    );
    for (const name of HISTOGRAM_NAMES) {
      const metric = `tickwire_${name.replace(/([A-Z])/g, '_$1').toLowerCase()}_seconds`;
      this.#add(metric, histogramSentence(name), 'histogram', () =>
        bucketValues(metric, view.telemetryView.histogram(name)),
      );
    }
    this.#addGauges();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** One scrape. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #addGauges(): void {
    const view = this.#view;
    const run = new Gauge({
      name: 'tickwire_run_info',
      help: 'Always 1; the run is in the labels.',
      labelNames: ['run', 'version', 'mode', 'threads', 'wait'],
      registers: [this.#registry],
    });
    const { runInfo } = view;
    run.set(
      {
        run: runInfo.run,
        version: runInfo.version,
        mode: runInfo.mode,
        threads: runInfo.threads,
        wait: runInfo.wait,
      },
      1,
    );
    this.#add('tickwire_uptime_seconds', 'Since the start of the run.', 'gauge', () => [
      { labels: {}, value: view.nowNs() / NS_PER_SEC },
    ]);
    this.#add(
      'tickwire_trading_state',
      '1 for the state that holds: Starting, Active, Reducing, Halted.',
      'gauge',
      () =>
        ['Starting', 'Active', 'Reducing', 'Halted'].map((state) => ({
          labels: { state },
          value: view.trading().state === state ? 1 : 0,
        })),
    );
    this.#add(
      'tickwire_market_stale',
      '1 while the market of the instrument is stale.',
      'gauge',
      () =>
        view.markets(view.nowNs()).map((market) => ({
          labels: { venue: market.venue, symbol: market.symbol },
          value: market.isStale ? 1 : 0,
        })),
    );
    this.#addAges('tickwire_market_book_age_seconds', 'Since the book last changed.', 'bookAgeMs');
    this.#addAges('tickwire_market_last_age_seconds', 'Since the last trade.', 'lastAgeMs');
    this.#addAges(
      'tickwire_market_mark_age_seconds',
      'Since the venue last told a mark price or a funding rate.',
      'markAgeMs',
    );
    this.#addAges(
      'tickwire_market_recovery_seconds',
      'How long the last staleness took from its first reason to a fresh book.',
      'recoveryMs',
    );
    this.#addFair();
    this.#addFeeds();
    this.#add('tickwire_position_size', 'Signed size of the position, base units.', 'gauge', () =>
      view.positions(view.nowNs()).map((position) => ({
        labels: { venue: position.venue, symbol: position.symbol },
        value: Number(position.size),
      })),
    );
    this.#add(
      'tickwire_position_realized',
      'Realised result without fees, quote units.',
      'gauge',
      () =>
        view.positions(view.nowNs()).map((position) => ({
          labels: { venue: position.venue, symbol: position.symbol },
          value: Number(position.realizedPnl),
        })),
    );
    for (const [field, help] of [
      ['cash', 'Cash of the account.'],
      ['equity', 'Cash and the value of what is held.'],
      ['exposure', 'Value of what is held.'],
    ] as const) {
      this.#add(`tickwire_portfolio_${field}`, help, 'gauge', () => {
        const portfolio = view.portfolio(view.nowNs());
        if (portfolio === null) return [];
        return [{ labels: { currency: portfolio.currency }, value: Number(portfolio[field]) }];
      });
    }
    this.#add('tickwire_open_orders', 'Orders that may be live at a venue.', 'gauge', () => [
      { labels: {}, value: view.portfolio(view.nowNs())?.openOrderCount ?? 0 },
    ]);
    this.#add(
      'tickwire_role_beat_age_seconds',
      'Since the last heartbeat of the role.',
      'gauge',
      () =>
        view.roles(view.nowNs()).map((role) => ({
          labels: { role: role.role },
          value: role.beatAgeMs / 1000,
        })),
    );
  }

  /** An age of every market that has one. */
  #addAges(
    name: string,
    help: string,
    field: 'bookAgeMs' | 'lastAgeMs' | 'markAgeMs' | 'recoveryMs',
  ): void {
    const view = this.#view;
    this.#add(name, help, 'gauge', () =>
      view.markets(view.nowNs()).flatMap((market) => {
        const ms = market[field];
        if (ms === null) return [];
        return [{ labels: { venue: market.venue, symbol: market.symbol }, value: ms / 1000 }];
      }),
    );
  }

  #addFair(): void {
    const view = this.#view;
    const perAsset = (
      name: string,
      help: string,
      valueOf: (fair: FairJson) => number | null,
    ): void => {
      this.#add(name, help, 'gauge', () =>
        view.fairs(view.nowNs()).flatMap((fair) => {
          const value = valueOf(fair);
          return value === null ? [] : [{ labels: { asset: fair.asset }, value }];
        }),
      );
    };
    perAsset(
      'tickwire_fair_price',
      'Fair price in USD; absent while there is none.',
      ({ price }) => (price === null ? null : Number(price)),
    );
    perAsset(
      'tickwire_fair_confidence',
      'How much there is to go by, from 0 to 1.',
      ({ confidence }) => confidence,
    );
    perAsset(
      'tickwire_fair_age_seconds',
      'Since the fair price was computed.',
      (fair) => fair.ageMs / 1000,
    );
    perAsset(
      'tickwire_fair_oldest_seconds',
      'Age of the oldest price that took part; absent while there is none.',
      ({ oldestMs }) => (oldestMs === null ? null : oldestMs / 1000),
    );
    this.#add(
      'tickwire_fair_sources',
      'Instruments of the asset by what they were at the last computation.',
      'gauge',
      () =>
        view.fairs(view.nowNs()).flatMap(({ asset, sources }) =>
          SOURCE_STATES.map((state) => ({
            labels: { asset, state },
            value: sources.filter((source) => source.state === state).length,
          })),
        ),
    );
  }

  #addFeeds(): void {
    const { feeds } = this.#view;
    this.#add(
      'tickwire_feed_state',
      "1 for the state of the worst of a venue's market data connections.",
      'gauge',
      () => oneHot(feeds.feeds(), FEED_STATE_NAMES, ({ state }) => state),
    );
    this.#add(
      'tickwire_feed_breaker',
      '1 for the state of its circuit breaker: Closed, Open, HalfOpen.',
      'gauge',
      () => oneHot(feeds.feeds(), FEED_BREAKER_NAMES, ({ breaker }) => breaker),
    );
    this.#add('tickwire_feed_failures', 'Failures of its dials in a row.', 'gauge', () =>
      feeds.feeds().map(({ venue, failureCount }) => ({ labels: { venue }, value: failureCount })),
    );
  }

  /** Registers a metric whose values are made at the scrape. */
  #add(name: string, help: string, type: string, values: () => readonly Value[]): void {
    const metric = {
      name,
      get: async () => Promise.resolve({ name, help, type, aggregator: 'sum', values: values() }),
    };
    // The registry asks a metric for its name and for `get`; the declared type wants one of its own classes.
    this.#registry.registerMetric(metric as unknown as Metric);
  }
}

/** A value per venue and name: 1 where it is so. */
function oneHot(
  feeds: readonly FeedJson[],
  names: readonly string[],
  nameOf: (feed: FeedJson) => string,
): readonly Value[] {
  return feeds.flatMap((feed) =>
    names.map((state) => ({
      labels: { venue: feed.venue, state },
      value: nameOf(feed) === state ? 1 : 0,
    })),
  );
}

/** A snapshot as the cumulative buckets, sum and count of a Prometheus histogram. */
function bucketValues(metric: string, snapshot: HistogramSnapshot): readonly Value[] {
  const values: Value[] = [];
  const buckets = [...snapshot.buckets()];
  let place = 0;
  let seen = 0;
  for (const boundNs of BUCKET_BOUNDS_NS) {
    for (; place < buckets.length; place++) {
      const [upperNs, count] = buckets[place] ?? [0, 0];
      if (upperNs > boundNs) break;
      seen += count;
    }
    values.push({
      labels: { le: boundNs / NS_PER_SEC },
      value: seen,
      metricName: `${metric}_bucket`,
    });
  }
  values.push({ labels: { le: '+Inf' }, value: snapshot.count, metricName: `${metric}_bucket` });
  values.push({
    labels: {},
    value: (snapshot.mean * snapshot.count) / NS_PER_SEC,
    metricName: `${metric}_sum`,
  });
  values.push({ labels: {}, value: snapshot.count, metricName: `${metric}_count` });
  return values;
}
