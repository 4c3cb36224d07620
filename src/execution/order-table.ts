/**
 * order-table: every order that the core still speaks of, in slots made at start.
 * @hotpath
 *
 *   free ──take──▶ open ──close──▶ closed ──(slots run out: oldest first)──▶ free
 *                   ▲                │
 *                   └────reopen──────┘        a fill or an acknowledgement of an order given up too early
 *
 * Written by the execution core alone. A slot is in exactly one of three lists (doubly linked by slot index), so that
 * taking, closing, finding and walking the open orders cost the same with ten orders or ten thousand.
 * Invariant: freeCount + openCount + closedCount = slotCount. Closed orders are kept for late reports until their slot
 * is needed; what comes later than that is recognised by its fill key or adopted anew.
 */
import { assert, must } from '../domain/assert.js';
import { Order } from '../domain/order.js';

const FREE = 0;
const OPEN = 1;
const CLOSED = 2;
const NONE = -1;

export class OrderTable {
  readonly slotCount: number;
  readonly #orders: readonly Order[];
  readonly #index: SeqIndex;
  /** First and last slot of each list. */
  readonly #heads = new Int32Array(3).fill(NONE);
  readonly #tails = new Int32Array(3).fill(NONE);
  readonly #counts = new Int32Array(3);

  constructor(slotCount: number) {
    assert(slotCount > 0, `order slots above zero: slotCount=${slotCount}`);
    this.slotCount = slotCount;
    this.#orders = Array.from({ length: slotCount }, (_, slotIndex) => new Order(slotIndex));
    this.#index = new SeqIndex(slotCount);
    for (const order of this.#orders) this.#append(order, FREE);
  }

  get openCount(): number {
    return this.#counts[OPEN] ?? 0;
  }

  get closedCount(): number {
    return this.#counts[CLOSED] ?? 0;
  }

  /** True when every slot holds an open order. */
  get isFull(): boolean {
    return this.openCount === this.slotCount;
  }

  /** The order of this number; undefined when it is not kept (any more). */
  find(orderSeq: number): Order | undefined {
    const slotIndex = this.#index.get(orderSeq);
    return slotIndex === NONE ? undefined : this.#orders[slotIndex];
  }

  /** A blank order in the open list, under this number; undefined when every slot holds an open order. */
  take(orderSeq: number): Order | undefined {
    let slotIndex = this.#heads[FREE] ?? NONE;
    if (slotIndex === NONE) {
      slotIndex = this.#heads[CLOSED] ?? NONE;
      if (slotIndex === NONE) return undefined;
    }
    const order = this.#at(slotIndex);
    if (order.listIndex === CLOSED) this.#index.remove(order.orderSeq);
    this.#unlink(order);
    order.reset();
    order.orderSeq = orderSeq;
    this.#append(order, OPEN);
    this.#index.set(orderSeq, slotIndex);
    return order;
  }

  /** Moves the order to the open or to the closed list; nothing when it is there already. */
  setOpen(order: Order, isOpen: boolean): void {
    const listIndex = isOpen ? OPEN : CLOSED;
    if (order.listIndex === listIndex) return;
    this.#unlink(order);
    this.#append(order, listIndex);
  }

  /** The oldest open order, then `nextOpen` of it: an order may be closed while walking once its successor is known. */
  firstOpen(): Order | undefined {
    return this.#orders[this.#heads[OPEN] ?? NONE];
  }

  nextOpen(order: Order): Order | undefined {
    return this.#orders[order.nextSlot];
  }

  /** Cold: every kept order, in no order that matters. */
  *kept(): IterableIterator<Order> {
    for (const order of this.#orders) if (order.listIndex !== FREE) yield order;
  }

  /** Cold: the closed orders from the next to be forgotten to the youngest. */
  *closed(): IterableIterator<Order> {
    let slotIndex = this.#heads[CLOSED] ?? NONE;
    while (slotIndex !== NONE) {
      const order = this.#at(slotIndex);
      yield order;
      slotIndex = order.nextSlot;
    }
  }

  /** Cold: slots of the free list in the order in which they will be taken; part of the state that must replay. */
  get freeCount(): number {
    return this.#counts[FREE] ?? 0;
  }

  #at(slotIndex: number): Order {
    return must(this.#orders[slotIndex], 'order slot');
  }

  #append(order: Order, listIndex: number): void {
    const tail = this.#tails[listIndex] ?? NONE;
    order.previousSlot = tail;
    order.nextSlot = NONE;
    order.listIndex = listIndex;
    if (tail === NONE) this.#heads[listIndex] = order.slotIndex;
    else this.#at(tail).nextSlot = order.slotIndex;
    this.#tails[listIndex] = order.slotIndex;
    this.#counts[listIndex] = (this.#counts[listIndex] ?? 0) + 1;
  }

  #unlink(order: Order): void {
    const { previousSlot, nextSlot, listIndex } = order;
    if (previousSlot === NONE) this.#heads[listIndex] = nextSlot;
    else this.#at(previousSlot).nextSlot = nextSlot;
    if (nextSlot === NONE) this.#tails[listIndex] = previousSlot;
    else this.#at(nextSlot).previousSlot = previousSlot;
    this.#counts[listIndex] = (this.#counts[listIndex] ?? 0) - 1;
  }
}

/**
 * Safe integer above zero → small integer, by open addressing in typed arrays: a Map would box both. Fixed capacity,
 * at most half full; removal shifts back, so there are no tombstones.
 */
export class SeqIndex {
  readonly #keys: Float64Array;
  readonly #values: Int32Array;
  readonly #mask: number;
  readonly #countMax: number;
  #count = 0;

  constructor(countMax: number) {
    let size = 8;
    while (size < countMax * 2) size *= 2;
    this.#keys = new Float64Array(size);
    this.#values = new Int32Array(size);
    this.#mask = size - 1;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  /** -1 when the key is not there. */
  get(key: number): number {
    // 0 marks a free cell.
    if (key <= 0) return NONE;
    let cell = this.#home(key);
    while (true) {
      const found = this.#keys[cell];
      if (found === key) return this.#values[cell] ?? NONE;
      if (found === 0) return NONE;
      cell = (cell + 1) & this.#mask;
    }
  }

  set(key: number, value: number): void {
    let cell = this.#home(key);
    while (this.#keys[cell] !== 0 && this.#keys[cell] !== key) cell = (cell + 1) & this.#mask;
    if (this.#keys[cell] === 0) {
      assert(this.#count < this.#countMax, `keys below the maximum: countMax=${this.#countMax}`);
      this.#keys[cell] = key;
      this.#count++;
    }
    this.#values[cell] = value;
  }

  remove(key: number): void {
    let cell = this.#home(key);
    while (this.#keys[cell] !== key) {
      if (this.#keys[cell] === 0) return;
      cell = (cell + 1) & this.#mask;
    }
    this.#count--;
    let hole = cell;
    while (true) {
      cell = (cell + 1) & this.#mask;
      const next = this.#keys[cell] ?? 0;
      if (next === 0) break;
      // A key may move back to the hole unless its home lies behind the hole.
      const distance = (cell - this.#home(next)) & this.#mask;
      if (distance >= ((cell - hole) & this.#mask)) {
        this.#keys[hole] = next;
        this.#values[hole] = this.#values[cell] ?? 0;
        hole = cell;
      }
    }
    this.#keys[hole] = 0;
  }

  #home(key: number): number {
    const high = Math.floor(key / 4294967296);
    const mixed = Math.imul((key | 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }
}
