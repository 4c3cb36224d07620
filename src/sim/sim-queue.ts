/**
 * sim-queue: what is going to happen in a world, by virtual time; what is due at the same moment happens in the order
 * in which it was put in. A binary heap. One thread.
 */
interface Happening {
  readonly dueNs: number;
  readonly order: number;
  readonly run: () => void;
}

export class SimQueue {
  readonly #heap: Happening[] = [];
  #order = 0;
  /** Virtual time, ns since the world began. */
  nowNs = 0;

  /** `delayNs` from now; 0: at this moment, behind what is due already. */
  after(delayNs: number, run: () => void): void {
    this.#push({ dueNs: this.nowNs + Math.max(0, Math.round(delayNs)), order: this.#order++, run });
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Moves time to the next happening and lets it happen; false: there is none. */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    this.nowNs = next.dueNs;
    next.run();
    return true;
  }

  #push(one: Happening): void {
    const heap = this.#heap;
    let index = heap.push(one) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent], one)) break;
      heap[index] = heap[parent] as Happening;
      index = parent;
    }
    heap[index] = one;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    while (true) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child =
        right < heap.length && isBefore(heap[right], heap[left] as Happening) ? right : left;
      if (isBefore(last, heap[child] as Happening)) break;
      heap[index] = heap[child] as Happening;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function isBefore(a: Happening | undefined, b: Happening): boolean {
  return a !== undefined && (a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.order < b.order));
}
