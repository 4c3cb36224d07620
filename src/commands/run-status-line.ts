/**
 * run-status-line: one line on the terminal that lives while the engine trades. Main thread; reads boards and counters. No
 * price without its age.
 */
import { codeAt } from '../domain/errors.js';
import { FAIR_SCALE } from '../domain/fair-price.js';
import { formatMantissa } from '../domain/fixed-point.js';
import type { Attached } from '../engine.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  getBoardFairConfidencePpm,
  getBoardFairOldestNs,
  getBoardFairPriceMantissaBig,
  getBoardFairReason,
  getBoardMarketStaleReason,
  getBoardPortfolioEquityMantissaBig,
  getBoardPortfolioMoneyScale,
  getBoardPortfolioTradingState,
  getBoardPositionSizeMantissaBig,
} from '../generated/hot.js';
import type { TelemetryView } from '../runtime/telemetry-view.js';

const INTERVAL_MS = 250;
const STATE_NAMES = ['starting', 'active', 'reducing', 'HALTED'] as const;
const CLEAR_LINE = '\r\u001b[K';
const NS_PER_US = 1_000;
const NS_PER_MS = 1_000_000;
const PPM_PER_PERCENT = 10_000;

export class StatusLine {
  readonly #attached: Attached;
  readonly #view: TelemetryView;
  readonly #nowNs: () => number;
  readonly #fair = new Int32Array(BOARD_FAIR_WORDS);
  readonly #startMs = Date.now();
  readonly #market = new Int32Array(BOARD_MARKET_WORDS);
  readonly #position = new Int32Array(BOARD_POSITION_WORDS);
  readonly #portfolio = new Int32Array(BOARD_PORTFOLIO_WORDS);
  #timer: ReturnType<typeof setInterval> | undefined;
  #ticksBefore = 0;

  /** `nowNs`: nanoseconds since run start. */
  constructor(attached: Attached, view: TelemetryView, nowNs: () => number) {
    this.#attached = attached;
    this.#view = view;
    this.#nowNs = nowNs;
  }

  start(): void {
    this.#timer = setInterval(() => {
      process.stdout.write(CLEAR_LINE + this.text().slice(0, process.stdout.columns - 1));
    }, INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    process.stdout.write(`${CLEAR_LINE}${this.text()}\n`);
  }

  text(): string {
    const { boardPortfolio } = this.#attached;
    const view = this.#view;
    const ticks = view.counter('ticksPublished');
    const perSecond = Math.round(((ticks - this.#ticksBefore) * 1_000) / INTERVAL_MS);
    this.#ticksBefore = ticks;
    const parts = [`${String(Math.round((Date.now() - this.#startMs) / 1_000))}s`];
    if (boardPortfolio.read(0, this.#portfolio)) {
      const state = STATE_NAMES[getBoardPortfolioTradingState(this.#portfolio, 0)];
      const equity = formatMantissa(
        getBoardPortfolioEquityMantissaBig(this.#portfolio, 0),
        getBoardPortfolioMoneyScale(this.#portfolio, 0),
      );
      parts.push(state ?? 'unknown', `equity ${cut(equity, 2)}`);
    }
    parts.push(...this.#fairParts(), ...this.#marketParts());
    parts.push(
      `${String(perSecond)} ticks/s`,
      `intents ${String(view.counter('intentsEmitted'))}`,
      `orders ${String(view.counter('ordersSent'))}`,
      `fills ${String(view.counter('fillsApplied'))}`,
      `tick-to-order ${(view.histogram('tickToOrder').percentile(50) / NS_PER_US).toFixed(0)} µs`,
    );
    return parts.join('  ');
  }

  /** `BTC 61690.07 (91 %, 12 ms)`: the fair price of what strategies see, how sure and how old it is. */
  #fairParts(): string[] {
    const { boardFair, fairAssets, shared } = this.#attached;
    const offered = new Set(shared.offered.map((index) => shared.instruments[index]?.base));
    return fairAssets.flatMap(({ asset }, place) => {
      if (!offered.has(asset) || !boardFair.read(place, this.#fair)) return [];
      const reason = getBoardFairReason(this.#fair, 0);
      if (reason !== 0) return [`${asset} ${codeAt(reason)}`];
      const price = formatMantissa(getBoardFairPriceMantissaBig(this.#fair, 0), FAIR_SCALE);
      const percent = Math.floor(getBoardFairConfidencePpm(this.#fair, 0) / PPM_PER_PERCENT);
      const ageMs = Math.max(0, this.#nowNs() - getBoardFairOldestNs(this.#fair, 0)) / NS_PER_MS;
      return [`${asset} ${cut(price, 2)} (${String(percent)} %, ${ageMs.toFixed(0)} ms)`];
    });
  }

  /** What is stale, by name, and what is held. */
  #marketParts(): string[] {
    const { boardMarkets, boardPositions, followed } = this.#attached;
    const stale: string[] = [];
    const held: string[] = [];
    for (const { index, venue, symbol, sizeScale } of followed) {
      if (boardMarkets.read(index, this.#market)) {
        const reason = getBoardMarketStaleReason(this.#market, 0);
        if (reason !== 0) stale.push(`${venue} ${symbol} ${codeAt(reason)}`);
      }
      if (!boardPositions.read(index, this.#position)) continue;
      const size = getBoardPositionSizeMantissaBig(this.#position, 0);
      if (size !== 0n) held.push(`held ${formatMantissa(size, sizeScale)} ${symbol}`);
    }
    return [...(stale.length === 0 ? [] : [`STALE ${stale.join(', ')}`]), ...held];
  }
}

/** A decimal text with at most so many digits behind the point; for the eye only. */
function cut(text: string, digits: number): string {
  const point = text.indexOf('.');
  return point === -1 ? text : text.slice(0, point + 1 + digits);
}
