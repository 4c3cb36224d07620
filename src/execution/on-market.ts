/**
 * on-market: prices and freshness of markets, as far as risk and equity need them. The board stays outside: the agent copies
 * what the core must know into inputs, or a replay would see another market.
 * Part of the execution core. Deterministic.
 */
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { emitDiscrepancy } from './core-outputs.js';
import type { CoreState } from './core-state.js';
import type { OrderDesk } from './order-desk.js';

const INSTRUMENT_UNKNOWN = codeIndex('INSTRUMENT_UNKNOWN');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');

export class OnMarket {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;

  constructor(desk: OrderDesk) {
    this.#state = desk.state;
    this.#desk = desk;
  }

  onMark(input: CoreRecord, outbox: Outbox): void {
    const target = this.#state.instruments[input.instrumentIndex];
    const isPossible =
      Number.isSafeInteger(input.priceMantissa) &&
      Number.isSafeInteger(input.valueMantissa) &&
      input.priceMantissa >= 0 &&
      input.valueMantissa >= 0;
    if (target === undefined || !isPossible) {
      emitDiscrepancy(
        outbox,
        input,
        target === undefined ? INSTRUMENT_UNKNOWN : REPORT_IMPOSSIBLE,
        undefined,
      );
      return;
    }
    target.bidMantissa = input.priceMantissa;
    target.askMantissa = input.valueMantissa;
    target.markNs = input.nowNs;
    const dearer = Math.max(input.priceMantissa, input.valueMantissa);
    // A side that is empty for a moment makes nothing worthless.
    if (dearer > 0) target.lastPriceMantissa = dearer;
    this.#state.expose(target);
    this.#state.equity.onPrice(input.instrumentIndex);
    this.#desk.held.onPrice(target, outbox);
  }

  onMarketState(input: CoreRecord, outbox: Outbox): void {
    const target = this.#state.instruments[input.instrumentIndex];
    if (target === undefined) emitDiscrepancy(outbox, input, INSTRUMENT_UNKNOWN, undefined);
    else target.staleReason = input.reason;
  }
}
