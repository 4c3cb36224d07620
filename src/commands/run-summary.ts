/**
 * run-summary: the one JSON object that `run --summary json` prints at the end. Names, types and units are a contract
 * (docs/cli.md). Main thread, after every role has stopped: counters and boards hold their last values.
 */
import { must } from '../domain/assert.js';
import { ratioText } from '../domain/decimal-text.js';
import { formatMantissa } from '../domain/fixed-point.js';
import { moneyScale } from '../domain/instrument.js';
import { BALANCE_SCALE } from '../domain/portfolio.js';
import { isReadOnly } from '../engine.js';
import type { Attached, ExecutionReport, Shared } from '../engine.js';
import {
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  getBoardLevelPriceMantissaBig,
  getBoardMarketBookNs,
} from '../generated/hot.js';
import type { TelemetryView } from '../runtime/telemetry-view.js';

const NS_PER_MS = 1_000_000;

/** What a venue itself believes. */
export interface VenueTruth {
  readonly positions: readonly { readonly symbol: string; readonly size: string }[];
  readonly openOrders: number;
  readonly fills: number;
}

export interface SummaryInput {
  readonly shared: Shared;
  readonly attached: Attached;
  readonly view: TelemetryView;
  readonly report: ExecutionReport | undefined;
  readonly port: number;
  /** undefined: there is no push listener. */
  readonly pushPort: number | undefined;
  readonly durationMs: number;
  readonly truth: Readonly<Record<string, VenueTruth>>;
}

export function makeSummary(input: SummaryInput): Record<string, unknown> {
  const { report, shared, view } = input;
  const hot = shared.threads.at(-1);
  return {
    durationMs: input.durationMs,
    venues: shared.venues.map((access) => access.venue),
    threads: shared.mode,
    wait: hot?.waitMode,
    ticks: {
      received: view.counter('ticksReceived'),
      published: view.counter('ticksPublished'),
      lapped: Object.fromEntries(
        shared.ticks.spec.readers.map((reader) => [
          reader.name,
          view.counterOf(reader.name, 'ticksLapped'),
        ]),
      ),
      rejected: view.rejectsOf('ingest'),
    },
    intents: {
      emitted: view.counter('intentsEmitted'),
      approved: view.counter('intentsApproved'),
      refused: view.rejectsOf('execution'),
    },
    orders: {
      sent: view.counter('ordersSent'),
      accepted: view.counter('ordersAccepted'),
      filled: view.counter('ordersFilled'),
      canceled: view.counter('ordersCanceled'),
      rejected: view.counter('ordersRejected'),
      open: report?.openOrderCount ?? 0,
      unknown: view.counter('ordersUnknown'),
    },
    // All fills of the account, over all runs on this data directory, as the venue counts them.
    fills: report?.positions.reduce((sum, position) => sum + position.fillCount, 0) ?? 0,
    fillsOfRun: view.counter('fillsApplied'),
    positions: describePositions(input),
    venueTruth: input.truth,
    port: input.port,
    ...(input.pushPort === undefined ? {} : { pushPort: input.pushPort, push: describePush(view) }),
    portfolio: report === undefined ? null : describePortfolio(report, shared),
    latencyUs: view.latenciesUs(),
    journal: { records: view.counter('journalRecords'), stateHash: report?.stateHash ?? null },
    gc: { count: view.counter('gcCount'), maxUs: view.counter('gcUsMax') },
  };
}

function describePush(view: TelemetryView): Record<string, number> {
  return {
    publishers: view.counter('pushConnects'),
    batches: view.counter('pushBatches'),
    ticks: view.counter('pushTicks'),
    gaps: view.counter('pushGaps'),
    throttles: view.counter('pushThrottles'),
  };
}

/** Of what can be traded: at other venues nothing can ever be held. */
function describePositions(input: SummaryInput): Record<string, string | number | null>[] {
  const { report, shared } = input;
  const isTraded = (index: number): boolean =>
    shared.offered.includes(index) && !isReadOnly(must(shared.instruments[index], 'instrument'));
  return (report?.positions ?? [])
    .filter(({ fillCount, instrumentIndex }) => fillCount > 0 || isTraded(instrumentIndex))
    .map((position) => describePosition(position, input));
}

function describePosition(
  position: ExecutionReport['positions'][number],
  input: SummaryInput,
): Record<string, string | number | null> {
  const instrument = must(
    input.shared.instruments[position.instrumentIndex],
    'instrument of a position',
  );
  const { priceScale, sizeScale } = instrument;
  const money = (mantissa: bigint): string => formatMantissa(mantissa, moneyScale(instrument));
  const size = BigInt(position.sizeMantissa);
  const cost = BigInt(position.costMantissa);
  const { bid, ageMs } = lastBidOf(input, instrument.index);
  const hasPrice = size !== 0n && bid !== 0n;
  return {
    venue: instrument.venue,
    symbol: instrument.symbol,
    size: formatMantissa(size, sizeScale),
    avgEntryPrice:
      size === 0n ? '0' : ratioText(cost, size * 10n ** BigInt(priceScale), priceScale + 4),
    realizedPnl: money(BigInt(position.realizedMantissa)),
    price: hasPrice ? formatMantissa(bid, priceScale) : null,
    priceAgeMs: hasPrice ? ageMs : null,
    unrealizedPnl: size === 0n ? '0' : hasPrice ? money(size * bid - cost) : null,
    fees: money(BigInt(position.feesMantissa)),
  };
}

/** The last best bid on the board, what a holding would fetch, and how old its book was when the run ended; 0: never one. */
function lastBidOf(
  input: SummaryInput,
  instrumentIndex: number,
): { readonly bid: bigint; readonly ageMs: number } {
  const cell = new Int32Array(BOARD_MARKET_WORDS);
  if (!input.attached.boardMarkets.read(instrumentIndex, cell)) return { bid: 0n, ageMs: 0 };
  const bookMs = Math.round(getBoardMarketBookNs(cell, 0) / NS_PER_MS);
  return {
    bid: getBoardLevelPriceMantissaBig(cell, BOARD_MARKET_BIDS_WORD),
    ageMs: Math.max(0, input.durationMs - bookMs),
  };
}

function describePortfolio(report: ExecutionReport, shared: Shared): Record<string, unknown> {
  const { cashMantissa, equityMantissa, exposureMantissa, isKnown } = report.portfolio;
  const money = (mantissa: number): string => formatMantissa(mantissa, BALANCE_SCALE);
  return {
    currency: shared.instruments[0]?.quote ?? '',
    equity: money(equityMantissa),
    cash: money(cashMantissa),
    exposure: money(exposureMantissa),
    isKnown,
  };
}
