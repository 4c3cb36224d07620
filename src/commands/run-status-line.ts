/**
 * run-status-line: one line on the terminal that lives while the engine trades. Main thread; reads boards and counters.
 */
import { codeAt } from '../domain/errors.js';
import { formatMantissa } from '../domain/fixed-point.js';
import { moneyScale } from '../domain/instrument.js';
import type { Attached } from '../engine.js';
import {
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  getBoardMarketLastPriceMantissa,
  getBoardMarketStaleReason,
  getBoardPortfolioEquityMantissaBig,
  getBoardPortfolioMoneyScale,
  getBoardPortfolioTradingState,
  getBoardPositionRealizedMantissaBig,
  getBoardPositionSizeMantissaBig,
} from '../generated/hot.js';
import type { TelemetryView } from '../runtime/telemetry-view.js';

const INTERVAL_MS = 250;
const STATE_NAMES = ['starting', 'active', 'reducing', 'HALTED'] as const;
const CLEAR_LINE = '\r\u001b[K';
const NS_PER_US = 1_000;

export class StatusLine {
  readonly #attached: Attached;
  readonly #view: TelemetryView;
  readonly #startMs = Date.now();
  readonly #market = new Int32Array(BOARD_MARKET_WORDS);
  readonly #position = new Int32Array(BOARD_POSITION_WORDS);
  readonly #portfolio = new Int32Array(BOARD_PORTFOLIO_WORDS);
  #timer: ReturnType<typeof setInterval> | undefined;
  #ticksBefore = 0;

  constructor(attached: Attached, view: TelemetryView) {
    this.#attached = attached;
    this.#view = view;
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
    for (const instrument of this.#attached.shared.instruments)
      parts.push(...this.#instrumentParts(instrument.index));
    parts.push(
      `${String(perSecond)} ticks/s`,
      `intents ${String(view.counter('intentsEmitted'))}`,
      `orders ${String(view.counter('ordersSent'))}`,
      `fills ${String(view.counter('fillsApplied'))}`,
      `tick-to-order ${(view.histogram('tickToOrder').percentile(50) / NS_PER_US).toFixed(0)} µs`,
    );
    return parts.join('  ');
  }

  #instrumentParts(index: number): string[] {
    const { boardMarkets, boardPositions, shared } = this.#attached;
    const instrument = shared.instruments[index];
    if (instrument === undefined || !boardMarkets.read(index, this.#market)) return [];
    const parts = [
      `${instrument.symbol} ${formatMantissa(getBoardMarketLastPriceMantissa(this.#market, 0), instrument.priceScale)}`,
    ];
    const staleReason = getBoardMarketStaleReason(this.#market, 0);
    if (staleReason !== 0) parts.push(`stale: ${codeAt(staleReason)}`);
    if (boardPositions.read(index, this.#position))
      parts.push(
        `held ${formatMantissa(getBoardPositionSizeMantissaBig(this.#position, 0), instrument.sizeScale)}`,
        `result ${cut(formatMantissa(getBoardPositionRealizedMantissaBig(this.#position, 0), moneyScale(instrument)), 2)}`,
      );
    return parts;
  }
}

/** A decimal text with at most so many digits behind the point; for the eye only. */
function cut(text: string, digits: number): string {
  const point = text.indexOf('.');
  return point === -1 ? text : text.slice(0, point + 1 + digits);
}
