/**
 * order-heap: the order of an instrument whose price counts first: the best price at which we rest, the trigger that the
 * market comes to next. A binary heap with late deletion: an entry whose order has moved on, or has another price by now,
 * is dropped when it comes to the top. Costs the same with ten open orders or ten thousand (log n).
 * @hotpath
 *
 * Part of the execution core's state; what it answers follows from the orders alone, so it is not hashed.
 */
import { OrderState, isTerminal } from '../domain/order.js';
import type { Order } from '../domain/order.js';
import type { OrderTable } from './order-table.js';

const CAPACITY_START = 16;

/** Price at which an order may still trade; 0: nowhere. */
export function restingPrice(order: Order): number {
  const isResting =
    order.openMantissa > 0 && !isTerminal(order.state) && order.venueFinalState === OrderState.None;
  return isResting ? order.priceMantissa : 0;
}

/** Price that a held order waits for; 0: it waits no longer. */
export function heldTrigger(order: Order): number {
  return order.state === OrderState.Held ? order.triggerMantissa : 0;
}

export class OrderHeap {
  /** 1: the highest price comes first; -1: the lowest. */
  readonly #sign: number;
  readonly #priceOf: (order: Order) => number;
  #keys = new Float64Array(CAPACITY_START);
  #orderSeqs = new Float64Array(CAPACITY_START);
  #count = 0;

  constructor(isHighestFirst: boolean, priceOf: (order: Order) => number) {
    this.#sign = isHighestFirst ? 1 : -1;
    this.#priceOf = priceOf;
  }

  /** Entries, dead ones included. */
  get count(): number {
    return this.#count;
  }

  /** An order whose price counts from now on. */
  add(order: Order, priceMantissa: number, orders: OrderTable): void {
    if (this.#count === this.#keys.length) this.#makeRoom(orders);
    this.#keys[this.#count] = this.#sign * priceMantissa;
    this.#orderSeqs[this.#count] = order.orderSeq;
    this.#up(this.#count++);
  }

  /** The price that comes first; 0: none. */
  best(orders: OrderTable): number {
    while (this.#count > 0) {
      if (this.#isAlive(0, orders)) return this.#sign * (this.#keys[0] as number);
      this.#removeTop();
    }
    return 0;
  }

  /** Takes the order that comes first; undefined: none. */
  take(orders: OrderTable): Order | undefined {
    if (this.best(orders) === 0) return undefined;
    const order = orders.find(this.#orderSeqs[0] as number);
    this.#removeTop();
    return order;
  }

  #isAlive(index: number, orders: OrderTable): boolean {
    const order = orders.find(this.#orderSeqs[index] as number);
    return order !== undefined && this.#sign * this.#priceOf(order) === this.#keys[index];
  }

  #removeTop(): void {
    const last = --this.#count;
    this.#keys[0] = this.#keys[last] as number;
    this.#orderSeqs[0] = this.#orderSeqs[last] as number;
    this.#down(0);
  }

  #up(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#isFirst(parent, index)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #down(from: number): void {
    const count = this.#count;
    let index = from;
    while (true) {
      const left = 2 * index + 1;
      if (left >= count) return;
      const right = left + 1;
      const isRightBetter = right < count && this.#isFirst(right, left);
      const child = isRightBetter ? right : left;
      if (this.#isFirst(index, child)) return;
      this.#swap(index, child);
      index = child;
    }
  }

  /** By price; of one price the older order, so that the answer does not depend on how the heap came about. */
  #isFirst(a: number, b: number): boolean {
    const difference = (this.#keys[a] as number) - (this.#keys[b] as number);
    if (difference !== 0) return difference > 0;
    return (this.#orderSeqs[a] as number) <= (this.#orderSeqs[b] as number);
  }

  #swap(a: number, b: number): void {
    const key = this.#keys[a] as number;
    const orderSeq = this.#orderSeqs[a] as number;
    this.#keys[a] = this.#keys[b] as number;
    this.#orderSeqs[a] = this.#orderSeqs[b] as number;
    this.#keys[b] = key;
    this.#orderSeqs[b] = orderSeq;
  }

  /** Cold: drops the dead, and doubles the arrays when most are alive. */
  #makeRoom(orders: OrderTable): void {
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      if (!this.#isAlive(index, orders)) continue;
      this.#keys[kept] = this.#keys[index] as number;
      this.#orderSeqs[kept] = this.#orderSeqs[index] as number;
      kept++;
    }
    this.#count = kept;
    for (let index = (kept >> 1) - 1; index >= 0; index--) this.#down(index);
    if (kept * 2 <= this.#keys.length) return;
    const keys = new Float64Array(this.#keys.length * 2);
    const orderSeqs = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    orderSeqs.set(this.#orderSeqs);
    this.#keys = keys;
    this.#orderSeqs = orderSeqs;
  }
}
