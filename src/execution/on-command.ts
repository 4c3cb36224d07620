/**
 * on-command: what people ask for (halt, resume, cancel all, flatten) and the closing of positions, step by step.
 * Part of the execution core. Deterministic.
 */
import { CommandKind, TradingState } from '../domain/core-record.js';
import type { CoreRecord, Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { OrderFlag, OrderType, Side, TimeInForce } from '../domain/order.js';
import { bandEdge, toTickInside } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import { emitCommandDone } from './core-outputs.js';
import type { CoreState } from './core-state.js';
import { ANY } from './order-desk.js';
import type { OrderDesk } from './order-desk.js';
import { NO_CONFIDENCE, OrderDraft } from './risk-gate.js';
import type { RiskGate } from './risk-gate.js';

const TRADING_HALTED = codeIndex('RISK_TRADING_HALTED');
const BAD_REQUEST = codeIndex('API_BAD_REQUEST');
const DAILY_LOSS = codeIndex('RISK_DAILY_LOSS');
const DRAWDOWN = codeIndex('RISK_DRAWDOWN');
const BPS = 10_000;

export class OnCommand {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;
  readonly #gate: RiskGate;
  readonly #limits: RiskLimits;
  /** What an automatic halt does with positions. */
  readonly #isHaltFlattening: boolean;
  readonly #draft = new OrderDraft();

  constructor(desk: OrderDesk, gate: RiskGate, limits: RiskLimits, isHaltFlattening: boolean) {
    this.#state = desk.state;
    this.#desk = desk;
    this.#gate = gate;
    this.#limits = limits;
    this.#isHaltFlattening = isHaltFlattening;
  }

  onCommand(input: CoreRecord, outbox: Outbox): void {
    const state = this.#state;
    let reason = 0;
    switch (input.state) {
      case CommandKind.Halt:
        this.halt(0, input.valueMantissa === 1, outbox);
        break;
      case CommandKind.Resume:
        if (state.isStopping) {
          reason = TRADING_HALTED;
          break;
        }
        this.#desk.endFlattening();
        // Whoever resumes takes the losses so far as they are.
        state.equity.restart();
        state.equity.watch(state.epochMs());
        this.#desk.setTradingState(TradingState.Active, 0, outbox);
        break;
      case CommandKind.CancelAll:
        this.#desk.cancelOpen(outbox, ANY, ANY);
        break;
      case CommandKind.Flatten:
        // Strategies must not buy back what is being sold.
        if (state.tradingState === TradingState.Active) {
          this.#desk.setTradingState(TradingState.Reducing, 0, outbox);
        }
        this.#desk.cancelOpen(outbox, ANY, ANY);
        this.#beginFlattening();
        break;
      case CommandKind.Shutdown:
        state.isStopping = true;
        break;
      case CommandKind.ReconnectFeed:
        // Ingest does it; it passes here to be on record.
        break;
      default:
        reason = BAD_REQUEST;
    }
    emitCommandDone(outbox, input, reason);
  }

  /** The kill switch, whoever throws it: nothing new, everything open is cancelled, and positions are closed if wanted. */
  halt(reason: number, isFlattening: boolean, outbox: Outbox): void {
    this.#desk.setTradingState(TradingState.Halted, reason, outbox);
    this.#desk.cancelOpen(outbox, ANY, ANY);
    if (isFlattening) this.#beginFlattening();
  }

  /** After every change of the equity: the two losses that halt trading by themselves. */
  watchLosses(outbox: Outbox): void {
    const { equity, tradingState } = this.#state;
    equity.watch(this.#state.epochMs());
    if (tradingState === TradingState.Halted || !equity.isKnown) return;
    const { dailyLossMaxMantissa, drawdownBpsMax } = this.#limits;
    if (equity.dayLossMantissa >= dailyLossMaxMantissa) {
      this.halt(DAILY_LOSS, this.#isHaltFlattening, outbox);
    } else if (
      equity.drawdownMantissa > 0 &&
      equity.drawdownMantissa * BPS >= equity.highestMantissa * drawdownBpsMax
    ) {
      this.halt(DRAWDOWN, this.#isHaltFlattening, outbox);
    }
  }

  #beginFlattening(): void {
    for (const target of this.#state.instruments) {
      if (target.isFlattening || target.position.sizeMantissa === 0) continue;
      target.isFlattening = true;
      this.#state.flatteningCount++;
    }
  }

  /** One step for every position that a person wants closed: when nothing of it is open any more, the rest is sold. */
  flatten(outbox: Outbox): void {
    for (const target of this.#state.instruments) {
      if (!target.isFlattening || target.openOrderCount > 0) continue;
      const { instrument, position } = target;
      const held = Math.abs(position.sizeMantissa);
      const lots = Math.min(held, target.sizeMaxMantissa);
      const sizeMantissa = lots - (lots % instrument.lotMantissa);
      if (sizeMantissa === 0 || sizeMantissa < instrument.sizeMinMantissa) {
        // Nothing is left, or less than the venue takes.
        target.isFlattening = false;
        this.#state.flatteningCount--;
        continue;
      }
      const side = position.sizeMantissa > 0 ? Side.Sell : Side.Buy;
      const opposite = side === Side.Sell ? target.bidMantissa : target.askMantissa;
      const draft = this.#draft;
      draft.orderSeq = this.#desk.nextOrderSeq();
      draft.instrumentIndex = instrument.index;
      draft.strategyIndex = 0;
      draft.side = side;
      draft.orderType = OrderType.Limit;
      draft.timeInForce = TimeInForce.Ioc;
      // Perpetuals: the venue too must know that it only closes. Spot knows no such flag and cannot go short.
      draft.flags = instrument.kind === 'spot' ? 0 : OrderFlag.ReduceOnly;
      draft.priceMantissa = toTickInside(
        instrument,
        side,
        bandEdge(side, opposite, this.#limits.priceBandBps),
      );
      draft.sizeMantissa = sizeMantissa;
      draft.ttlMs = 0;
      draft.referencePriceMantissa = opposite;
      draft.tickRecvNs = 0;
      draft.tickVenueNs = 0;
      draft.emitNs = 0;
      draft.isFlatten = true;
      draft.confidencePpm = NO_CONFIDENCE;
      draft.triggerMantissa = 0;
      draft.gainMantissa = 0;
      draft.lossMantissa = 0;
      // Refused now (stale market, session down, rate): tried again at the next input.
      draft.nowNs = outbox.nowNs;
      const approved = this.#gate.approve(draft);
      if (approved !== null) this.#desk.send(approved, outbox);
    }
  }
}
