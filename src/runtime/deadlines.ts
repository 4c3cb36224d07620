/**
 * deadlines: timers as data. A key (an order number) has at most one time; what is due is asked for once per duty cycle.
 * @hotpath
 *
 * One thread. A binary heap over the time in two flat arrays, and a map from key to its valid time: setting a key anew
 * or clearing it leaves the old entry in the heap, where it is recognised and skipped. Nothing is called back and no
 * timer of Node is used, so a simulated clock drives it as well.
 */
import { assert } from '../domain/assert.js';

export class Deadlines {
  readonly #dueNs: Float64Array;
  readonly #keys: Float64Array;
  readonly #validNs = new Map<number, number>();
  #count = 0;

  /** `capacity`: entries, stale ones included. */
  constructor(capacity: number) {
    this.#dueNs = new Float64Array(capacity);
    this.#keys = new Float64Array(capacity);
  }

  /** The key is due at that time; an earlier setting of the key is forgotten. */
  set(key: number, dueNs: number): void {
    if (this.#validNs.get(key) === dueNs) return;
    if (this.#count === this.#keys.length) this.#sweep();
    assert(this.#count < this.#keys.length, 'deadlines below capacity');
    this.#validNs.set(key, dueNs);
    this.#up(this.#count++, key, dueNs);
  }

  clear(key: number): void {
    this.#validNs.delete(key);
  }

  /** Keys that wait. */
  get size(): number {
    return this.#validNs.size;
  }

  /** Takes the earliest key that is due, or returns -1. Keys are not negative. */
  takeDue(nowNs: number): number {
    while (this.#count > 0) {
      const dueNs = this.#dueNs[0] ?? 0;
      if (dueNs > nowNs) return -1;
      const key = this.#keys[0] ?? 0;
      this.#removeFirst();
      if (this.#validNs.get(key) === dueNs) {
        this.#validNs.delete(key);
        return key;
      }
    }
    return -1;
  }

  #removeFirst(): void {
    this.#count--;
    if (this.#count > 0) {
      this.#down(0, this.#keys[this.#count] ?? 0, this.#dueNs[this.#count] ?? 0);
    }
  }

  /** Drops stale entries. Rare: only when the arrays are full. */
  #sweep(): void {
    const count = this.#count;
    this.#count = 0;
    for (let index = 0; index < count; index++) {
      const key = this.#keys[index] ?? 0;
      const dueNs = this.#dueNs[index] ?? 0;
      // The place that is written is never ahead of the place that is read.
      if (this.#validNs.get(key) === dueNs) this.#up(this.#count++, key, dueNs);
    }
  }

  #up(from: number, key: number, dueNs: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const parentNs = this.#dueNs[parent] ?? 0;
      if (parentNs <= dueNs) break;
      this.#dueNs[index] = parentNs;
      this.#keys[index] = this.#keys[parent] ?? 0;
      index = parent;
    }
    this.#dueNs[index] = dueNs;
    this.#keys[index] = key;
  }

  #down(from: number, key: number, dueNs: number): void {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#count) break;
      const right = child + 1;
      if (right < this.#count && (this.#dueNs[right] ?? 0) < (this.#dueNs[child] ?? 0))
        child = right;
      const childNs = this.#dueNs[child] ?? 0;
      if (childNs >= dueNs) break;
      this.#dueNs[index] = childNs;
      this.#keys[index] = this.#keys[child] ?? 0;
      index = child;
    }
    this.#dueNs[index] = dueNs;
    this.#keys[index] = key;
  }
}
