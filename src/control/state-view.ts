/**
 * state-view: what the engine looks like now, as plain JSON: markets, fair prices, feeds, positions, money, roles. Control
 * thread.
 * Reads boards, telemetry and the clock, writes nothing. HTTP answers, the live stream and metrics all speak through it,
 * so that one thing has one shape everywhere (docs/control-api.md).
 *
 * Decimals are text; epoch nanoseconds are text; ages are milliseconds as numbers. No price leaves without its age.
 */
import { codeAt } from '../domain/errors.js';
import { TradingState } from '../domain/core-record.js';
import { decimalText } from '../domain/decimal-text.js';
import type { FairAsset } from '../domain/fair-price.js';
import { FUNDING_SCALE, MARK_SCALE, moneyScale, type Instrument } from '../domain/instrument.js';
import {
  BOARD_HEARTBEAT_WORDS,
  BOARD_LEVEL_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  getBoardHeartbeatBeatNs,
  getBoardHeartbeatCycleCount,
  getBoardHeartbeatState,
  getBoardHeartbeatThreadId,
  getBoardLevelPriceMantissaBig,
  getBoardLevelSizeMantissaBig,
  getBoardMarketAskCount,
  getBoardMarketBidCount,
  getBoardMarketBookNs,
  getBoardMarketFullAskCount,
  getBoardMarketFullBidCount,
  getBoardMarketFundingNextNs,
  getBoardMarketFundingRateMantissaBig,
  getBoardMarketGapCount,
  getBoardMarketIndexPriceMantissaBig,
  getBoardMarketLastPriceMantissaBig,
  getBoardMarketLastSizeMantissaBig,
  getBoardMarketLastTradeNs,
  getBoardMarketMarkNs,
  getBoardMarketMarkPriceMantissaBig,
  getBoardMarketRecoveryCount,
  getBoardMarketRecoveryMs,
  getBoardMarketStaleReason,
  getBoardMarketStaleSinceNs,
  getBoardMarketTradeCount,
  getBoardPortfolioCashMantissaBig,
  getBoardPortfolioEquityMantissaBig,
  getBoardPortfolioExposureMantissaBig,
  getBoardPortfolioMoneyScale,
  getBoardPortfolioOpenOrderCount,
  getBoardPortfolioReason,
  getBoardPortfolioTradingState,
  getBoardPortfolioUpdatedNs,
  getBoardPositionAvgEntryPriceMantissaBig,
  getBoardPositionCostMantissaBig,
  getBoardPositionFeesMantissaBig,
  getBoardPositionFillCount,
  getBoardPositionOpenOrderCount,
  getBoardPositionRealizedMantissaBig,
  getBoardPositionSizeMantissaBig,
} from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { Clock } from '../ports/clock.js';
import type { FeedWords } from '../runtime/feed-words.js';
import { COUNTER_NAMES } from '../runtime/telemetry.js';
import type { TelemetryView } from '../runtime/telemetry-view.js';
import { FairView, type FairJson } from './fair-view.js';
import { FeedView } from './feed-view.js';

export type { FairJson } from './fair-view.js';

/** What a run is; fixed at its start. */
export interface RunInfo {
  readonly run: number;
  readonly version: string;
  /** paper: simulated venues; live: real ones. */
  readonly mode: 'paper' | 'live';
  readonly venues: readonly string[];
  readonly strategies: readonly string[];
  readonly threads: string;
  readonly wait: string;
  /** Currency of cash, equity and exposure. */
  readonly currency: string;
}

export interface StateViewOptions {
  readonly runInfo: RunInfo;
  readonly instruments: readonly Instrument[];
  /** Indexes of the instruments that this run has markets of. Default: all. */
  readonly followed?: readonly number[];
  /** By instrument index. Writer: ingest. */
  readonly boardMarkets: BoardCells;
  /** What fair prices there are, and by place in that list their cells. Writer: ingest. */
  readonly fairAssets: readonly FairAsset[];
  readonly boardFair: BoardCells;
  /** By place in `runInfo.venues`. */
  readonly feedWords: FeedWords;
  /** By instrument index. Writer: execution. */
  readonly boardPositions: BoardCells;
  /** One cell. Writer: execution. */
  readonly boardPortfolio: BoardCells;
  /** By place in `roles`. */
  readonly boardHeartbeats: BoardCells;
  readonly roles: readonly string[];
  readonly telemetryView: TelemetryView;
  readonly clock: Clock;
}

export interface MarketJson {
  readonly instrumentIndex: number;
  readonly venue: string;
  readonly symbol: string;
  /** spot or perpetual. */
  readonly kind: string;
  readonly base: string;
  readonly quote: string;
  /** Decimals of its prices and sizes: what a column of them is padded to. */
  readonly priceScale: number;
  readonly sizeScale: number;
  /** null: that side of the book is empty. */
  readonly bid: string | null;
  readonly bidSize: string | null;
  readonly ask: string | null;
  readonly askSize: string | null;
  readonly mid: string | null;
  readonly bids: readonly (readonly [price: string, size: string])[];
  readonly asks: readonly (readonly [price: string, size: string])[];
  /** null: no trade yet. */
  readonly last: string | null;
  readonly lastSize: string | null;
  readonly lastTradeNs: string | null;
  readonly lastAgeMs: number | null;
  /** What the venue states of a perpetual; null: nothing (yet). All three have one age. */
  readonly mark: string | null;
  readonly index: string | null;
  /** Rate of one interval. */
  readonly funding: string | null;
  readonly fundingNextNs: string | null;
  readonly markAgeMs: number | null;
  readonly isStale: boolean;
  /** Why it is stale; OK when it is fresh. */
  readonly staleReason: string;
  readonly staleMs: number;
  readonly staleSinceNs: string | null;
  /** Since the book last changed; null: there was none yet. */
  readonly bookAgeMs: number | null;
  /** Levels of the whole book. */
  readonly fullBidCount: number;
  readonly fullAskCount: number;
  readonly gapCount: number;
  readonly tradeCount: number;
  /** Times that it turned fresh again, and how long the last of these took; null: never. */
  readonly recoveryCount: number;
  readonly recoveryMs: number | null;
}

export interface PositionJson {
  readonly instrumentIndex: number;
  readonly venue: string;
  readonly symbol: string;
  readonly size: string;
  readonly avgEntryPrice: string;
  readonly cost: string;
  readonly realizedPnl: string;
  /** Where it could be closed now; null: nothing is held, or there is no such price. */
  readonly price: string | null;
  readonly priceAgeMs: number | null;
  /** What closing there would add, without fees; null: no price. */
  readonly unrealizedPnl: string | null;
  readonly fees: string;
  readonly fillCount: number;
  readonly openOrderCount: number;
}

export interface TradingJson {
  /** Starting (execution has not spoken yet), Active, Reducing, Halted. */
  readonly state: string;
  readonly reason: string;
}

export interface PortfolioJson {
  readonly currency: string;
  readonly cash: string;
  readonly equity: string;
  readonly exposure: string;
  readonly openOrderCount: number;
  /** Since the core last told it. */
  readonly ageMs: number;
  /** Age of the oldest book that equity and exposure rest on; null: nothing is held. */
  readonly priceAgeMs: number | null;
  /** A market of something held is stale: equity and exposure are of its last price. */
  readonly isStale: boolean;
}

export interface RoleJson {
  readonly role: string;
  readonly state: string;
  readonly beatAgeMs: number;
  readonly cycleCount: number;
  /** The operating system's id of its thread: what `taskset -cp` takes. Roles on one thread have the same. */
  readonly tid: number;
}

const ROLE_STATE_TEXT = ['none', 'starting', 'running', 'stopping', 'stopped', 'failed'];
/** Levels of each side that screens show. */
const LEVELS_SHOWN = 8;
const NS_PER_MS = 1_000_000;

export class StateView {
  readonly #options: StateViewOptions;
  readonly #market = new Int32Array(BOARD_MARKET_WORDS);
  readonly #position = new Int32Array(BOARD_POSITION_WORDS);
  readonly #portfolio = new Int32Array(BOARD_PORTFOLIO_WORDS);
  readonly #heartbeat = new Int32Array(BOARD_HEARTBEAT_WORDS);
  readonly #followed: readonly Instrument[];
  readonly #fair: FairView;
  readonly feeds: FeedView;

  constructor(options: StateViewOptions) {
    this.#options = options;
    const { instruments, followed } = options;
    this.#followed = instruments.filter(({ index }) => followed?.includes(index) ?? true);
    this.#fair = new FairView(options);
    this.feeds = new FeedView(options.runInfo.venues, options.feedWords);
  }

  get runInfo(): RunInfo {
    return this.#options.runInfo;
  }

  get telemetryView(): TelemetryView {
    return this.#options.telemetryView;
  }

  epochNsText(nowNs: number): string {
    return (this.#options.clock.runEpochNs + BigInt(nowNs)).toString();
  }

  epochMs(nowNs: number): number {
    return Number((this.#options.clock.runEpochNs + BigInt(nowNs)) / 1_000_000n);
  }

  nowNs(): number {
    return this.#options.clock.nowNs();
  }

  /** Of the instruments that this run follows. */
  markets(nowNs: number): readonly MarketJson[] {
    const found: MarketJson[] = [];
    for (const instrument of this.#followed) {
      if (!this.#options.boardMarkets.read(instrument.index, this.#market)) continue;
      found.push(this.#marketJson(instrument, nowNs));
    }
    return found;
  }

  /** Assets that ingest has computed a fair price of, or why there is none. */
  fairs(nowNs: number): readonly FairJson[] {
    return this.#fair.fairs(nowNs);
  }

  positions(nowNs: number): readonly PositionJson[] {
    const found: PositionJson[] = [];
    for (const instrument of this.#options.instruments) {
      if (!this.#options.boardPositions.read(instrument.index, this.#position)) continue;
      const hasMarket = this.#options.boardMarkets.read(instrument.index, this.#market);
      found.push(positionJson(instrument, this.#position, hasMarket ? this.#market : null, nowNs));
    }
    return found;
  }

  trading(): TradingJson {
    if (!this.#readPortfolio()) return { state: 'Starting', reason: 'OK' };
    return {
      state: tradingStateText(getBoardPortfolioTradingState(this.#portfolio, 0)),
      reason: codeAt(getBoardPortfolioReason(this.#portfolio, 0)),
    };
  }

  portfolio(nowNs: number): PortfolioJson | null {
    if (!this.#readPortfolio()) return null;
    const oldestNs = this.#oldestHeldNs();
    const scale = getBoardPortfolioMoneyScale(this.#portfolio, 0);
    return {
      currency: this.#options.runInfo.currency,
      cash: decimalText(getBoardPortfolioCashMantissaBig(this.#portfolio, 0), scale),
      equity: decimalText(getBoardPortfolioEquityMantissaBig(this.#portfolio, 0), scale),
      exposure: decimalText(getBoardPortfolioExposureMantissaBig(this.#portfolio, 0), scale),
      openOrderCount: getBoardPortfolioOpenOrderCount(this.#portfolio, 0),
      ageMs: ageMs(nowNs, getBoardPortfolioUpdatedNs(this.#portfolio, 0)),
      priceAgeMs: Number.isFinite(oldestNs) ? ageMs(nowNs, oldestNs) : null,
      isStale: this.#isHeldStale(),
    };
  }

  roles(nowNs: number): readonly RoleJson[] {
    return this.#options.roles.map((role, index) => {
      const isKnown = this.#options.boardHeartbeats.read(index, this.#heartbeat);
      if (!isKnown) return { role, state: 'none', beatAgeMs: 0, cycleCount: 0, tid: 0 };
      return {
        role,
        state: ROLE_STATE_TEXT[getBoardHeartbeatState(this.#heartbeat, 0)] ?? 'none',
        beatAgeMs: ageMs(nowNs, getBoardHeartbeatBeatNs(this.#heartbeat, 0)),
        cycleCount: getBoardHeartbeatCycleCount(this.#heartbeat, 0),
        tid: getBoardHeartbeatThreadId(this.#heartbeat, 0),
      };
    });
  }

  /** Everything of `GET /v1/status`. */
  status(nowNs: number): Readonly<Record<string, unknown>> {
    const { runInfo, telemetryView, clock } = this.#options;
    // First, so that what they count is on the boards when these are read.
    const counters = Object.fromEntries(
      COUNTER_NAMES.map((name) => [name, telemetryView.counter(name)]),
    );
    return {
      ...runInfo,
      startedNs: clock.runEpochNs.toString(),
      nowNs: this.epochNsText(nowNs),
      uptimeMs: Math.floor(nowNs / NS_PER_MS),
      trading: this.trading(),
      portfolio: this.portfolio(nowNs),
      feeds: this.feeds.feeds(),
      markets: this.markets(nowNs),
      fair: this.fairs(nowNs),
      roles: this.roles(nowNs),
      counters,
      refusals: telemetryView.rejects(),
      latencyUs: telemetryView.latenciesUs(),
    };
  }

  #readPortfolio(): boolean {
    return this.#options.boardPortfolio.read(0, this.#portfolio);
  }

  #marketJson(instrument: Instrument, nowNs: number): MarketJson {
    const cell = this.#market;
    const bids = levelsOf(
      cell,
      BOARD_MARKET_BIDS_WORD,
      getBoardMarketBidCount(cell, 0),
      instrument,
    );
    const asks = levelsOf(
      cell,
      BOARD_MARKET_ASKS_WORD,
      getBoardMarketAskCount(cell, 0),
      instrument,
    );
    const staleSinceNs = getBoardMarketStaleSinceNs(cell, 0);
    const reason = getBoardMarketStaleReason(cell, 0);
    const isStale = reason !== 0;
    const lastTradeNs = getBoardMarketLastTradeNs(cell, 0);
    const hasTrade = getBoardMarketTradeCount(cell, 0) > 0;
    const bookNs = getBoardMarketBookNs(cell, 0);
    const recoveryCount = getBoardMarketRecoveryCount(cell, 0);
    return {
      instrumentIndex: instrument.index,
      venue: instrument.venue,
      symbol: instrument.symbol,
      kind: instrument.kind,
      base: instrument.base,
      quote: instrument.quote,
      priceScale: instrument.priceScale,
      sizeScale: instrument.sizeScale,
      bid: bids[0]?.[0] ?? null,
      bidSize: bids[0]?.[1] ?? null,
      ask: asks[0]?.[0] ?? null,
      askSize: asks[0]?.[1] ?? null,
      mid: bids.length > 0 && asks.length > 0 ? midText(cell, instrument) : null,
      bids,
      asks,
      last: hasTrade
        ? decimalText(getBoardMarketLastPriceMantissaBig(cell, 0), instrument.priceScale)
        : null,
      lastSize: hasTrade
        ? decimalText(getBoardMarketLastSizeMantissaBig(cell, 0), instrument.sizeScale)
        : null,
      lastTradeNs: hasTrade ? this.epochNsText(lastTradeNs) : null,
      lastAgeMs: hasTrade ? ageMs(nowNs, lastTradeNs) : null,
      ...this.#markJson(nowNs),
      isStale,
      staleReason: codeAt(reason),
      staleMs: isStale ? ageMs(nowNs, staleSinceNs) : 0,
      staleSinceNs: isStale ? this.epochNsText(staleSinceNs) : null,
      bookAgeMs: bookNs === 0 ? null : ageMs(nowNs, bookNs),
      fullBidCount: getBoardMarketFullBidCount(cell, 0),
      fullAskCount: getBoardMarketFullAskCount(cell, 0),
      gapCount: getBoardMarketGapCount(cell, 0),
      tradeCount: getBoardMarketTradeCount(cell, 0),
      recoveryCount,
      recoveryMs: recoveryCount === 0 ? null : getBoardMarketRecoveryMs(cell, 0),
    };
  }

  #markJson(
    nowNs: number,
  ): Pick<MarketJson, 'mark' | 'index' | 'funding' | 'fundingNextNs' | 'markAgeMs'> {
    const cell = this.#market;
    const markNs = getBoardMarketMarkNs(cell, 0);
    const price = (mantissa: bigint): string | null =>
      mantissa === 0n ? null : decimalText(mantissa, MARK_SCALE);
    const nextNs = getBoardMarketFundingNextNs(cell, 0);
    return {
      mark: price(getBoardMarketMarkPriceMantissaBig(cell, 0)),
      index: price(getBoardMarketIndexPriceMantissaBig(cell, 0)),
      funding:
        markNs === 0
          ? null
          : decimalText(getBoardMarketFundingRateMantissaBig(cell, 0), FUNDING_SCALE),
      fundingNextNs: nextNs === 0 ? null : this.epochNsText(nextNs),
      markAgeMs: markNs === 0 ? null : ageMs(nowNs, markNs),
    };
  }

  /** Receive time of the oldest book of something held; Infinity: nothing is. */
  #oldestHeldNs(): number {
    let oldestNs = Number.POSITIVE_INFINITY;
    for (const instrument of this.#held()) {
      if (!this.#options.boardMarkets.read(instrument.index, this.#market)) return 0;
      oldestNs = Math.min(oldestNs, getBoardMarketBookNs(this.#market, 0));
    }
    return oldestNs;
  }

  #isHeldStale(): boolean {
    return this.#held().some(
      (instrument) =>
        !this.#options.boardMarkets.read(instrument.index, this.#market) ||
        getBoardMarketStaleReason(this.#market, 0) !== 0,
    );
  }

  #held(): readonly Instrument[] {
    return this.#options.instruments.filter(
      (instrument) =>
        this.#options.boardPositions.read(instrument.index, this.#position) &&
        getBoardPositionSizeMantissaBig(this.#position, 0) !== 0n,
    );
  }
}

export function tradingStateText(state: number): string {
  switch (state) {
    case TradingState.Active:
      return 'Active';
    case TradingState.Reducing:
      return 'Reducing';
    case TradingState.Halted:
      return 'Halted';
    default:
      return 'Starting';
  }
}

function positionJson(
  instrument: Instrument,
  cell: Int32Array,
  market: Int32Array | null,
  nowNs: number,
): PositionJson {
  const scale = moneyScale(instrument);
  const size = getBoardPositionSizeMantissaBig(cell, 0);
  const cost = getBoardPositionCostMantissaBig(cell, 0);
  const touch = touchPrice(size, market);
  return {
    instrumentIndex: instrument.index,
    venue: instrument.venue,
    symbol: instrument.symbol,
    size: decimalText(size, instrument.sizeScale),
    avgEntryPrice: decimalText(
      getBoardPositionAvgEntryPriceMantissaBig(cell, 0),
      instrument.priceScale,
    ),
    cost: decimalText(cost, scale),
    realizedPnl: decimalText(getBoardPositionRealizedMantissaBig(cell, 0), scale),
    price: touch === null || size === 0n ? null : decimalText(touch, instrument.priceScale),
    priceAgeMs:
      touch === null || size === 0n || market === null
        ? null
        : ageMs(nowNs, getBoardMarketBookNs(market, 0)),
    unrealizedPnl: touch === null ? null : decimalText(touch * size - cost, scale),
    fees: decimalText(getBoardPositionFeesMantissaBig(cell, 0), scale),
    fillCount: getBoardPositionFillCount(cell, 0),
    openOrderCount: getBoardPositionOpenOrderCount(cell, 0),
  };
}

/** Where a position of that size could be closed: a long one at the bid, a short one at the ask. */
function touchPrice(size: bigint, market: Int32Array | null): bigint | null {
  if (size === 0n) return 0n;
  if (market === null) return null;
  if (size > 0n) {
    return getBoardMarketBidCount(market, 0) > 0
      ? getBoardLevelPriceMantissaBig(market, BOARD_MARKET_BIDS_WORD)
      : null;
  }
  return getBoardMarketAskCount(market, 0) > 0
    ? getBoardLevelPriceMantissaBig(market, BOARD_MARKET_ASKS_WORD)
    : null;
}

/** Half of bid plus ask needs one more digit than a price. */
function midText(cell: Int32Array, instrument: Instrument): string {
  const sum =
    getBoardLevelPriceMantissaBig(cell, BOARD_MARKET_BIDS_WORD) +
    getBoardLevelPriceMantissaBig(cell, BOARD_MARKET_ASKS_WORD);
  return decimalText(sum * 5n, instrument.priceScale + 1);
}

function levelsOf(
  cell: Int32Array,
  firstWord: number,
  count: number,
  instrument: Instrument,
): readonly (readonly [string, string])[] {
  const levels: (readonly [string, string])[] = [];
  for (let level = 0; level < Math.min(count, LEVELS_SHOWN); level++) {
    const word = firstWord + level * BOARD_LEVEL_WORDS;
    levels.push([
      decimalText(getBoardLevelPriceMantissaBig(cell, word), instrument.priceScale),
      decimalText(getBoardLevelSizeMantissaBig(cell, word), instrument.sizeScale),
    ]);
  }
  return levels;
}

function ageMs(nowNs: number, thenNs: number): number {
  return Math.max(0, Math.round((nowNs - thenNs) / NS_PER_MS));
}
