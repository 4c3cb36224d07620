/**
 * held-orders: stop and take-profit orders that wait in the core for their price, and brackets: two such orders, a gain
 * and a loss, that close again what an entry has filled; when one goes out, the other is dropped.
 *
 * Part of the execution core. Deterministic. A held order is judged twice by the gate: when it is taken in, and with the
 * market of the moment when its price has come. Until then it is no exposure; what it closes is.
 *
 *   entry ──fill──▶ Bracket ──▶ gain leg (Held) ─┐ price comes: sent as a bounded limit IOC, the other leg is dropped
 *                           └─▶ loss leg (Held) ─┘ what the IOC leaves is held again, so nothing stays unprotected
 */
import { assert, must } from '../domain/assert.js';
import { EventKind } from '../domain/core-record.js';
import type { Outbox } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import {
  OrderEvent,
  OrderFlag,
  OrderState,
  OrderType,
  Side,
  TimeInForce,
  applyOrderEvent,
  firesBelow,
  isTerminal,
  typeAfterTrigger,
} from '../domain/order.js';
import type { Order } from '../domain/order.js';
import { emitDiscrepancyOf, emitOrder, emitRefusedAtTrigger } from './core-outputs.js';
import { Bracket } from './core-state.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { NS_PER_SEC } from './core-times.js';
import type { OrderDesk } from './order-desk.js';
import { NO_CONFIDENCE, OrderDraft } from './risk-gate.js';
import type { RiskGate } from './risk-gate.js';

const LEG_SENT = codeIndex('ORDER_LEG_SENT');
const NOTHING_TO_CLOSE = codeIndex('ORDER_NOTHING_TO_CLOSE');
const OPEN_ORDERS = codeIndex('RISK_OPEN_ORDERS');
/** A leg that the venue refused goes out again after 1, 2, 4 … 64 s. */
const RETRIES_DOUBLED_MAX = 6;

export class HeldOrders {
  readonly #state: CoreState;
  readonly #desk: OrderDesk;
  readonly #gate: RiskGate;
  readonly #draft = new OrderDraft();
  #isDropping = false;

  constructor(desk: OrderDesk, gate: RiskGate) {
    this.#state = desk.state;
    this.#desk = desk;
    this.#gate = gate;
  }

  /** Takes in an order that the gate has accepted to wait for its trigger. */
  hold(draft: OrderDraft, outbox: Outbox): void {
    const order = must(this.#take(draft.orderSeq), 'free order slot (the gate has checked)');
    order.instrumentIndex = draft.instrumentIndex;
    order.strategyIndex = draft.strategyIndex;
    order.side = draft.side;
    order.orderType = draft.orderType;
    order.timeInForce = draft.timeInForce;
    order.flags = draft.flags;
    order.priceMantissa = draft.priceMantissa;
    order.sizeMantissa = draft.sizeMantissa;
    order.triggerMantissa = draft.triggerMantissa;
    order.ttlMs = draft.ttlMs;
    this.#begin(order, outbox);
  }

  /** The entry of a bracket has been sent. */
  openBracket(draft: OrderDraft): void {
    const target = must(this.#state.instruments[draft.instrumentIndex], 'instrument');
    const bracket = new Bracket(draft.orderSeq);
    bracket.strategyIndex = draft.strategyIndex;
    bracket.exitSide = draft.side === Side.Buy ? Side.Sell : Side.Buy;
    bracket.gainMantissa = draft.gainMantissa;
    bracket.lossMantissa = draft.lossMantissa;
    target.brackets.push(bracket);
    this.#state.legsReserved += bracket.legCount;
  }

  /** Prices of the instrument are new: what was waiting for them goes out. */
  onPrice(target: InstrumentState, outbox: Outbox): void {
    const { bidMantissa: bid, askMantissa: ask } = target;
    if (target.heldCount === 0) return;
    if (bid > 0) {
      this.#fireWhile(target, target.sellsBelow, bid, true, outbox);
      this.#fireWhile(target, target.sellsAbove, bid, false, outbox);
    }
    if (ask > 0) {
      this.#fireWhile(target, target.buysBelow, ask, true, outbox);
      this.#fireWhile(target, target.buysAbove, ask, false, outbox);
    }
  }

  /** A fill of an order: an entry's is protected, and without a position there is nothing left to protect. */
  onFill(order: Order, sizeMantissa: number, outbox: Outbox): void {
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    const bracket = target.brackets.find((one) => one.entrySeq === order.orderSeq);
    if (bracket !== undefined) this.#protect(target, bracket, sizeMantissa, outbox);
    if (target.position.sizeMantissa !== 0) return;
    for (const one of [...target.brackets]) this.#dropLegs(one, NOTHING_TO_CLOSE, outbox);
  }

  /**
   * An order has ended: what a leg that had gone out has left open is protected again; a bracket that has nothing left is
   * forgotten.
   */
  onEnd(order: Order, outbox: Outbox): void {
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    if (target.brackets.length === 0) return;
    const entrySeq = order.bracketSeq === 0 ? order.orderSeq : order.bracketSeq;
    const bracket = target.brackets.find((one) => one.entrySeq === entrySeq);
    if (bracket === undefined) return;
    if (order.bracketSeq !== 0 && !this.#isDropping) {
      const rest = order.sizeMantissa - order.filledMantissa;
      if (order.state === OrderState.Rejected) this.#delay(bracket, outbox.nowNs);
      else if (order.filledMantissa > 0) bracket.refusalCount = 0;
      if (rest > 0 && target.position.sizeMantissa !== 0) {
        this.#protect(target, bracket, rest, outbox);
      }
    }
    this.#forgetIfOver(target, bracket);
  }

  /** Held no longer. */
  drop(order: Order, reason: number, outbox: Outbox): void {
    assert(applyOrderEvent(order, OrderEvent.Drop), 'a held order can be dropped');
    order.reason = reason;
    this.#isDropping = true;
    this.#desk.settle(order, OrderState.Held, reason, outbox);
    this.#isDropping = false;
  }

  /** Settled: it is held no longer. One that the venue speaks of had gone out before a crash: so had its bracket. */
  onLeft(order: Order, outbox: Outbox): void {
    this.#changeHeld(order, -1);
    if (this.#isDropping || order.bracketSeq === 0) return;
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    const bracket = target.brackets.find((one) => one.entrySeq === order.bracketSeq);
    if (bracket !== undefined) this.#dropLegs(bracket, LEG_SENT, outbox);
  }

  /** An order is held from now on (1), or no longer (-1). */
  #changeHeld(order: Order, step: number): void {
    must(this.#state.instruments[order.instrumentIndex], 'instrument').heldCount += step;
    if (order.bracketSeq !== 0) this.#state.legsHeld += step;
  }

  #take(orderSeq: number): Order | undefined {
    const order = this.#state.orders.take(orderSeq);
    if (order !== undefined) this.#state.orderCount++;
    return order;
  }

  #begin(order: Order, outbox: Outbox): void {
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    target.openOrderCount++;
    this.#changeHeld(order, 1);
    assert(applyOrderEvent(order, OrderEvent.Hold), 'a blank order can be held');
    this.wait(order);
    this.#desk.settle(order, OrderState.None, 0, outbox);
  }

  /** Puts it in line for its trigger. */
  wait(order: Order): void {
    const target = must(this.#state.instruments[order.instrumentIndex], 'instrument');
    const isBelow = firesBelow(order.orderType, order.side);
    const heap =
      order.side === Side.Sell
        ? isBelow
          ? target.sellsBelow
          : target.sellsAbove
        : isBelow
          ? target.buysBelow
          : target.buysAbove;
    heap.add(order, order.triggerMantissa, this.#state.orders);
  }

  #fireWhile(
    target: InstrumentState,
    heap: InstrumentState['sellsBelow'],
    price: number,
    isBelow: boolean,
    outbox: Outbox,
  ): void {
    const { orders } = this.#state;
    const again: Order[] = [];
    while (true) {
      const trigger = heap.best(orders);
      if (trigger === 0 || (isBelow ? price > trigger : price < trigger)) break;
      const order = must(heap.take(orders), 'the order whose trigger was seen');
      if (!this.#fire(target, order, outbox)) again.push(order);
    }
    // Refused for now (stale market, order rate): its price has come, so it is tried at every new one.
    for (const order of again) if (order.state === OrderState.Held) this.wait(order);
  }

  /** False: it stays held. */
  #fire(target: InstrumentState, order: Order, outbox: Outbox): boolean {
    const bracket = target.brackets.find((one) => one.entrySeq === order.bracketSeq);
    if (bracket !== undefined && outbox.nowNs < bracket.retryNs) return false;
    const size = this.#sizeToSend(target, order);
    if (size === 0) {
      if (bracket === undefined) this.drop(order, NOTHING_TO_CLOSE, outbox);
      else this.#dropLegs(bracket, NOTHING_TO_CLOSE, outbox);
      if (bracket !== undefined) this.#forgetIfOver(target, bracket);
      return true;
    }
    const draft = this.#draft;
    draft.orderSeq = order.orderSeq;
    draft.instrumentIndex = order.instrumentIndex;
    draft.strategyIndex = order.strategyIndex;
    draft.side = order.side;
    draft.orderType = typeAfterTrigger(order.orderType);
    draft.timeInForce = order.timeInForce;
    draft.flags = order.flags & (OrderFlag.PostOnly | OrderFlag.ReduceOnly);
    draft.priceMantissa = order.priceMantissa;
    draft.sizeMantissa = size;
    draft.triggerMantissa = 0;
    draft.gainMantissa = 0;
    draft.lossMantissa = 0;
    draft.ttlMs = order.ttlMs;
    draft.referencePriceMantissa = order.triggerMantissa;
    draft.tickRecvNs = 0;
    draft.tickVenueNs = 0;
    draft.emitNs = 0;
    draft.confidencePpm = NO_CONFIDENCE;
    draft.isFlatten = false;
    draft.nowNs = outbox.nowNs;
    const approved = this.#gate.approve(draft);
    if (approved === null) {
      const { verdict } = this.#gate;
      // Told once for each reason, not at every price.
      if (order.reason !== verdict.reason) {
        order.reason = verdict.reason;
        emitRefusedAtTrigger(outbox, order, verdict);
      }
      return false;
    }
    assert(applyOrderEvent(order, OrderEvent.Trigger), 'a held order can be sent');
    order.reason = 0;
    order.deadlineNs = 0;
    this.#changeHeld(order, -1);
    this.#desk.sendTriggered(order, approved, outbox);
    if (bracket !== undefined) this.#dropLegs(bracket, LEG_SENT, outbox);
    return true;
  }

  /** What is left to close, for an order that may only close; its size otherwise. 0: nothing that the venue would take. */
  #sizeToSend(target: InstrumentState, order: Order): number {
    if ((order.flags & OrderFlag.ReduceOnly) === 0) return order.sizeMantissa;
    const { sizeMantissa: position } = target.position;
    const isSell = order.side === Side.Sell;
    const held = isSell ? position : -position;
    const open = isSell ? target.openSellMantissa : target.openBuyMantissa;
    const closable = Math.min(order.sizeMantissa, held - open, target.sizeMaxMantissa);
    const size = closable - (closable % target.instrument.lotMantissa);
    return size >= target.instrument.sizeMinMantissa && size > 0 ? size : 0;
  }

  /** Both legs cover so much more than before. */
  #protect(target: InstrumentState, bracket: Bracket, size: number, outbox: Outbox): void {
    bracket.gainSeq = this.#cover(
      target,
      bracket,
      bracket.gainSeq,
      OrderType.TakeProfitMarket,
      bracket.gainMantissa,
      size,
      outbox,
    );
    bracket.lossSeq = this.#cover(
      target,
      bracket,
      bracket.lossSeq,
      OrderType.StopMarket,
      bracket.lossMantissa,
      size,
      outbox,
    );
  }

  /** One leg: the held one grows, or there is a new one. Returns its number; 0: none. */
  #cover(
    target: InstrumentState,
    bracket: Bracket,
    legSeq: number,
    orderType: OrderType,
    triggerMantissa: number,
    sizeMantissa: number,
    outbox: Outbox,
  ): number {
    if (triggerMantissa === 0) return 0;
    const leg = legSeq === 0 ? undefined : this.#state.orders.find(legSeq);
    if (leg?.state === OrderState.Held) {
      leg.sizeMantissa += sizeMantissa;
      emitOrder(outbox, EventKind.OrderChanged, leg, 0);
      return legSeq;
    }
    const order = this.#take(this.#desk.nextOrderSeq());
    if (order === undefined) {
      emitDiscrepancyOf(outbox, target.instrument.index, bracket.entrySeq, OPEN_ORDERS);
      return 0;
    }
    order.instrumentIndex = target.instrument.index;
    order.strategyIndex = bracket.strategyIndex;
    order.side = bracket.exitSide;
    order.orderType = orderType;
    order.timeInForce = TimeInForce.Ioc;
    order.flags = OrderFlag.ReduceOnly;
    order.sizeMantissa = sizeMantissa;
    order.triggerMantissa = triggerMantissa;
    order.bracketSeq = bracket.entrySeq;
    this.#begin(order, outbox);
    return order.orderSeq;
  }

  #dropLegs(bracket: Bracket, reason: number, outbox: Outbox): void {
    const { orders } = this.#state;
    const legSeqs = [bracket.gainSeq, bracket.lossSeq];
    bracket.gainSeq = 0;
    bracket.lossSeq = 0;
    for (const legSeq of legSeqs) {
      const leg = legSeq === 0 ? undefined : orders.find(legSeq);
      if (leg?.state === OrderState.Held) this.drop(leg, reason, outbox);
    }
  }

  #delay(bracket: Bracket, nowNs: number): void {
    bracket.retryNs = nowNs + NS_PER_SEC * 2 ** Math.min(bracket.refusalCount, RETRIES_DOUBLED_MAX);
    bracket.refusalCount++;
  }

  /** The entry has ended, and no leg is held or under way. */
  #forgetIfOver(target: InstrumentState, bracket: Bracket): void {
    const { orders } = this.#state;
    const entry = orders.find(bracket.entrySeq);
    if (entry !== undefined && !isTerminal(entry.state)) return;
    for (let order = orders.firstOpen(); order !== undefined; order = orders.nextOpen(order)) {
      if (order.bracketSeq === bracket.entrySeq) return;
    }
    this.#state.legsReserved -= bracket.legCount;
    target.brackets.splice(target.brackets.indexOf(bracket), 1);
  }
}
