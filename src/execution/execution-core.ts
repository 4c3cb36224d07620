/**
 * execution-core: the single writer of orders, positions and balances. `apply(input, outbox)` is the only way in; what
 * it knows of the world is in the inputs (fields by kind: docs/order-lifecycle.md), what it wants is in the outputs.
 * @hotpath (intents; reports of a venue are not the tick's path and may use bigint)
 *
 *   intents ───┐                    ┌──▶ OrderSend, CancelSend, OrderQuery ──▶ venue
 *   commands ──┤   ┌────────────┐   │
 *   reports ───┼──▶│   apply    │───┼──▶ OrderChanged, FillApplied, PositionChanged, BalanceChanged, … ──▶ journal, screens
 *   marks ─────┤   └────────────┘   │
 *   deadlines ─┘    state in here   └──▶ DeadlineSet ──▶ timer wheel ──▶ Deadline
 *
 * Execution thread. No clock, no chance, no I/O: the same inputs give the same outputs and the same state hash.
 * State after a restart is made by applying the inputs of all earlier runs; there is no other start.
 *
 * Split by kind of input: on-intent, on-command, on-report, on-market, on-session; what a change of an order begins and ends
 * with is order-desk.ts. This file keeps the switch.
 *
 * Invariants: a position changes on fills only, once per fill key; what open orders may still trade, and the money set
 * aside for it, is counted at every moment; nothing is sent that the risk gate has not approved; what comes from outside
 * never throws: what cannot be is a Discrepancy, and nothing changes.
 */
import { assert, must } from '../domain/assert.js';
import { EventKind } from '../domain/core-record.js';
import type { CoreRecord, Outbox, TradingState } from '../domain/core-record.js';
import type { FeeSchedule } from '../domain/fees.js';
import type { Instrument } from '../domain/instrument.js';
import type { Order } from '../domain/order.js';
import { atBalanceScale } from '../domain/portfolio.js';
import type { Currency, PortfolioFigures } from '../domain/portfolio.js';
import type { Position } from '../domain/position.js';
import { riskLimitProblems } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import { Adoption } from './adoption.js';
import { CoreState } from './core-state.js';
import type { InstrumentState } from './core-state.js';
import { OnCommand } from './on-command.js';
import { OnIntent } from './on-intent.js';
import { OnMarket } from './on-market.js';
import { OnReport } from './on-report.js';
import { OnSession } from './on-session.js';
import { OrderDesk } from './order-desk.js';
import { RiskGate } from './risk-gate.js';
import { coreStateHash, coreStateText } from './state-hash.js';

export interface ExecutionCoreOptions {
  /** By instrument index, without holes. */
  readonly instruments: readonly Instrument[];
  readonly limits: RiskLimits;
  /** What an automatic halt (daily loss, drawdown) does with positions. Default: cancel. */
  readonly haltAction?: 'cancel' | 'flatten';
  /** Instruments of venues that take no orders of ours, by index. A fact of the venue, so that a replay judges alike. */
  readonly readOnly?: readonly number[];
  /** Instruments that may be opened, by index; absent: all. */
  readonly whitelist?: readonly number[];
  /** What is set aside for the fee of a buy; the fee that counts is the one in the fill. */
  readonly fees: FeeSchedule;
  /** What becomes of open orders at CoreStopping. */
  readonly stopPolicy: 'cancel' | 'keep';
  /** Orders kept at the same time: the open ones, and as many ended ones as fit. At least `limits.openOrdersMax`. */
  readonly orderSlots: number;
  /** No answer to an order or cancel by then: the venue is asked; the same again between two questions. */
  readonly answerTimeoutMs: number;
}

/** Records that one input can cause at most: what the agent's outbox must hold. */
export function outboxCapacity(orderSlots: number, instrumentCount: number): number {
  return 32 + 4 * orderSlots + 4 * instrumentCount;
}

export class ExecutionCore {
  /** Everything the core knows. For reading; the core alone writes it. */
  readonly state: CoreState;
  readonly #desk: OrderDesk;
  readonly #intents: OnIntent;
  readonly #commands: OnCommand;
  readonly #reports: OnReport;
  readonly #markets: OnMarket;
  readonly #sessions: OnSession;

  constructor(options: ExecutionCoreOptions) {
    const problems = riskLimitProblems(options.limits);
    assert(problems.length === 0, `risk limits inside their bounds: ${problems.join('; ')}`);
    assert(
      options.orderSlots >= options.limits.openOrdersMax,
      `a slot for every open order: orderSlots=${options.orderSlots}, openOrdersMax=${options.limits.openOrdersMax}`,
    );
    options.instruments.forEach((instrument, index) => {
      assert(
        instrument.index === index,
        `instrument at its index: ${instrument.index} at ${index}`,
      );
    });
    this.state = new CoreState(options.instruments, options.limits, options.orderSlots);
    for (const target of this.state.instruments) {
      target.isReadOnly = options.readOnly?.includes(target.instrument.index) === true;
    }
    if (options.whitelist !== undefined) {
      for (const target of this.state.instruments) {
        target.isWhitelisted = options.whitelist.includes(target.instrument.index);
      }
    }
    const gate = new RiskGate({ state: this.state, limits: options.limits, fees: options.fees });
    this.#desk = new OrderDesk({
      state: this.state,
      gate,
      answerTimeoutMs: options.answerTimeoutMs,
    });
    const desk = this.#desk;
    const adoption = new Adoption(desk);
    this.#intents = new OnIntent(desk, gate);
    this.#commands = new OnCommand(desk, gate, options.limits, options.haltAction === 'flatten');
    this.#reports = new OnReport(desk, adoption);
    this.#markets = new OnMarket(desk);
    this.#sessions = new OnSession({
      desk,
      adoption,
      reports: this.#reports,
      stopPolicy: options.stopPolicy,
    });
  }

  /** Applies one input and appends what follows from it. Keeps neither record. */
  apply(input: CoreRecord, outbox: Outbox): void {
    outbox.nowNs = input.nowNs;
    this.state.nowNs = input.nowNs;
    switch (input.kind) {
      case EventKind.Intent:
        this.#intents.onIntent(input, outbox);
        break;
      case EventKind.Mark:
        this.#markets.onMark(input, outbox);
        break;
      case EventKind.MarketState:
        this.#markets.onMarketState(input, outbox);
        break;
      case EventKind.VenueAccepted:
        this.#reports.onAccepted(input, outbox);
        break;
      case EventKind.VenueRejected:
        this.#reports.onRejected(input, outbox);
        break;
      case EventKind.VenueFill:
        this.#reports.onFill(input, outbox);
        break;
      case EventKind.VenueStatus:
        this.#reports.onStatus(input, outbox);
        break;
      case EventKind.CancelRejected:
        this.#reports.onCancelRejected(input, outbox);
        break;
      case EventKind.OutcomeUnknown:
        this.#reports.onOutcomeUnknown(input, outbox);
        break;
      case EventKind.Deadline:
        this.#reports.onDeadline(input, outbox);
        break;
      case EventKind.Command:
        this.#commands.onCommand(input, outbox);
        break;
      case EventKind.RunStarted:
        this.#sessions.onRunStarted(input, outbox);
        break;
      case EventKind.VenueSession:
        this.#sessions.onSession(input);
        break;
      case EventKind.ReconcileOrder:
        this.#sessions.onReconcileOrder(input, outbox);
        break;
      case EventKind.ReconcileBalance:
        this.#sessions.onReconcileBalance(input, outbox);
        break;
      case EventKind.ReconcileDone:
        this.#sessions.onReconcileDone(outbox);
        break;
      case EventKind.CoreStopping:
        this.#sessions.onStopping(outbox);
        break;
      default:
        assert(false, `kind of an input: kind=${input.kind}`);
    }
    if (changesEquity(input.kind)) this.#commands.watchLosses(outbox);
    if (this.state.flatteningCount > 0) this.#commands.flatten(outbox);
  }

  /** SHA-256 over everything the core knows. Cold. */
  stateHash(): string {
    return coreStateHash(this.state);
  }

  /** What the hash is made of, line by line, for finding the difference between two cores. */
  stateText(): string {
    return coreStateText(this.state);
  }

  get tradingState(): TradingState {
    return this.state.tradingState;
  }

  get isReconciled(): boolean {
    return this.state.isReconciled;
  }

  get openOrderCount(): number {
    return this.state.orders.openCount;
  }

  get currencies(): readonly Currency[] {
    return this.state.currencies;
  }

  instrumentState(instrumentIndex: number): Readonly<InstrumentState> {
    return must(this.state.instruments[instrumentIndex], 'instrument');
  }

  position(instrumentIndex: number): Readonly<Position> {
    return this.instrumentState(instrumentIndex).position;
  }

  /** Whether prices of this instrument are wanted although nothing of it is held or on order. */
  needsPrice(instrumentIndex: number): boolean {
    return this.state.equity.needsPrice(instrumentIndex);
  }

  /** After a snapshot: an open order counts again wherever its price is looked for. Cold. */
  resume(order: Order): void {
    this.#desk.resume(order);
  }

  /** Whether stop or take-profit orders of this instrument wait for a price. */
  isAwaitingPrice(instrumentIndex: number): boolean {
    return this.instrumentState(instrumentIndex).heldCount > 0;
  }

  order(orderSeq: number): Readonly<Order> | undefined {
    return this.state.orders.find(orderSeq);
  }

  /** Open orders, oldest first: those that may still trade, and those of which fills are still missing. */
  *openOrders(): IterableIterator<Readonly<Order>> {
    const { orders } = this.state;
    for (let order = orders.firstOpen(); order !== undefined; order = orders.nextOpen(order))
      yield order;
  }

  /** Cold: figures in the quote currency of instrument 0, at BALANCE_SCALE. Unknown stays unknown. */
  figures(out: PortfolioFigures): void {
    const { instruments, ledgers } = this.state;
    const report = must(instruments[0], 'instrument 0').quote;
    const { scale } = report.currency;
    let isKnown = report.isKnown;
    let equity = report.total.toBig();
    let exposure = 0n;
    for (const ledger of ledgers) {
      if (ledger === report) continue;
      if (!ledger.isKnown) isKnown = false;
      const held = ledger.total.toBig();
      if (held === 0n) continue;
      const priced = instruments.find(
        (one) => one.base === ledger && one.quote === report && one.bidMantissa > 0,
      );
      if (priced === undefined) {
        isKnown = false;
        continue;
      }
      const value = valueAt(held, ledger.currency.scale, priced, scale);
      equity += value;
      exposure += value < 0n ? -value : value;
    }
    out.cashMantissa = atBalanceScale(report.total.toBig(), scale);
    out.equityMantissa = atBalanceScale(equity, scale);
    out.exposureMantissa = atBalanceScale(exposure, scale);
    out.isKnown = isKnown;
  }
}

/** Cold: an amount of a base ledger in units of the quote ledger, at the bid, rounded down. */
function valueAt(
  held: bigint,
  heldScale: number,
  priced: InstrumentState,
  quoteScale: number,
): bigint {
  const units = held * BigInt(priced.bidMantissa);
  const digits = heldScale + priced.instrument.priceScale - quoteScale;
  if (digits <= 0) return units * 10n ** BigInt(-digits);
  const divisor = 10n ** BigInt(digits);
  const rest = units % divisor;
  return (units - rest) / divisor - (rest < 0n ? 1n : 0n);
}

/** Inputs after which the account may be worth something else. */
function changesEquity(kind: number): boolean {
  return (
    kind === EventKind.Mark || kind === EventKind.VenueFill || kind === EventKind.ReconcileBalance
  );
}
