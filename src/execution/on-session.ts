/**
 * on-session: runs that begin and end, the private connection, and the venue's truth against ours.
 * Part of the execution core. Deterministic. Cold: BigInt.
 */
import { assert } from '../domain/assert.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { OrderState, isTerminal } from '../domain/order.js';
import { joinBalance } from '../domain/portfolio.js';
import type { Ledger } from '../domain/portfolio.js';
import type { Adoption } from './adoption.js';
import {
  emitBalanceChanged,
  emitBalanceDiscrepancy,
  emitDiscrepancy,
  emitTradingState,
} from './core-outputs.js';
import { STALE_AT_START } from './core-state.js';
import type { CoreState } from './core-state.js';
import { NEVER_NS } from './core-times.js';
import type { OnReport } from './on-report.js';
import { ANY } from './order-desk.js';
import type { OrderDesk } from './order-desk.js';

const UNKNOWN_ORDER = codeIndex('VENUE_UNKNOWN_ORDER');
const REPORT_IMPOSSIBLE = codeIndex('RECONCILE_REPORT_IMPOSSIBLE');
const BALANCE_DIFFERS = codeIndex('RECONCILE_BALANCE');

export interface OnSessionOptions {
  readonly desk: OrderDesk;
  readonly adoption: Adoption;
  readonly reports: OnReport;
  /** What becomes of open orders at CoreStopping. */
  readonly stopPolicy: 'cancel' | 'keep';
}

export class OnSession {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;
  readonly #adoption: Adoption;
  readonly #reports: OnReport;
  readonly #stopPolicy: 'cancel' | 'keep';

  constructor(options: OnSessionOptions) {
    this.#state = options.desk.state;
    this.#desk = options.desk;
    this.#adoption = options.adoption;
    this.#reports = options.reports;
    this.#stopPolicy = options.stopPolicy;
  }

  onRunStarted(input: CoreRecord, outbox: Outbox): void {
    const state = this.#state;
    assert(input.aux > state.run, `run numbers grow: run=${input.aux}, before=${state.run}`);
    state.run = input.aux;
    state.runEpochMs = input.valueMantissa;
    state.orderCount = 0;
    state.isSessionUp = false;
    state.isReconciled = false;
    state.isStopping = false;
    state.round++;
    state.sentTimesNs.fill(NEVER_NS);
    state.sentIndex = 0;
    this.#desk.endFlattening();
    for (const target of state.instruments) {
      target.bidMantissa = 0;
      target.askMantissa = 0;
      target.markNs = -1;
      target.staleReason = STALE_AT_START;
    }
    for (const ledger of state.ledgers) ledger.movedNs = -1;
    for (const order of state.orders.kept()) {
      order.deadlineNs = 0;
      order.askedNs = 0;
    }
    state.equity.refreshAll();
    // A halt outlives the run: only a person resumes.
    emitTradingState(outbox, state);
  }

  onSession(input: CoreRecord): void {
    const state = this.#state;
    const isUp = input.state === 1;
    if (isUp === state.isSessionUp) return;
    state.isSessionUp = isUp;
    // What happened while nobody listened is not known.
    state.isReconciled = false;
    state.round++;
  }

  onReconcileOrder(input: CoreRecord, outbox: Outbox): void {
    if (input.orderSeq <= 0) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return;
    }
    const known = this.#state.orders.find(input.orderSeq);
    if (known !== undefined) {
      this.#reports.applyStatus(known, input, outbox);
      return;
    }
    // An end without fills leaves nothing to look after.
    if (isTerminal(input.state) && input.cumSizeMantissa === 0 && input.state !== OrderState.Filled)
      return;
    const adopted = this.#adoption.adopt(input, outbox, true);
    if (adopted !== undefined) this.#reports.applyStatus(adopted, input, outbox);
  }

  /** Cold: BigInt. */
  onReconcileBalance(input: CoreRecord, outbox: Outbox): void {
    const ledger = this.#state.ledgers[input.aux];
    const isPossible =
      Number.isSafeInteger(input.valueMantissa) && Number.isSafeInteger(input.sizeMantissa);
    if (ledger === undefined || !isPossible) {
      emitDiscrepancy(outbox, input, REPORT_IMPOSSIBLE, undefined);
      return;
    }
    const theirs = joinBalance(input, ledger.currency.scale);
    if (!ledger.isKnown) {
      ledger.isKnown = true;
      ledger.total.setBig(theirs);
      this.#state.equity.onLedger(ledger);
      emitBalanceChanged(outbox, ledger);
      return;
    }
    const difference = theirs - ledger.total.toBig();
    if (difference === 0n) return;
    // Stated before a fill that is booked here already, or explained by fills that may be under way: says nothing.
    if (input.emitNs > 0 && ledger.movedNs >= input.emitNs) return;
    if (this.#isInFlight(ledger, difference)) return;
    emitBalanceDiscrepancy(outbox, BALANCE_DIFFERS, ledger, theirs);
    ledger.total.setBig(theirs);
    this.#state.equity.onTransfer(ledger);
    emitBalanceChanged(outbox, ledger);
  }

  /** True when fills of what is open now can explain that the venue has this much more (or less) than we do. */
  #isInFlight(ledger: Ledger, difference: bigint): boolean {
    const lowest = -ledger.reserved.toBig();
    let highest = 0n;
    let isUnbounded = false;
    for (const target of this.#state.instruments) {
      if (target.base === ledger) {
        highest += BigInt(target.openBuyMantissa) * BigInt(target.baseFactor);
      }
      // A sale may earn any price above its limit.
      if (target.quote === ledger && target.openSellMantissa > 0) isUnbounded = true;
    }
    return difference >= lowest && (isUnbounded || difference <= highest);
  }

  onReconcileDone(outbox: Outbox): void {
    const state = this.#state;
    const { orders } = state;
    // The session fell while the round was on: another round follows.
    if (!state.isSessionUp) return;
    let order = orders.firstOpen();
    while (order !== undefined) {
      const next = orders.nextOpen(order);
      // What is held here the venue does not know.
      const isWaiting =
        order.state === OrderState.Held ||
        (order.state === OrderState.PendingNew && order.deadlineNs !== 0);
      if (order.seenRound !== state.round && !isWaiting)
        this.#desk.ask(order, UNKNOWN_ORDER, outbox);
      this.#desk.watch(order, outbox);
      order = next;
    }
    state.round++;
    state.isReconciled = true;
  }

  onStopping(outbox: Outbox): void {
    this.#state.isStopping = true;
    this.#desk.endFlattening();
    if (this.#stopPolicy === 'cancel') this.#desk.cancelOpen(outbox, ANY, ANY);
  }
}
