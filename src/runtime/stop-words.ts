/**
 * stop-words: how the supervisor asks a role to stop, in shared memory, so that a thread that never returns to its
 * event loop (a spinning strategy) hears it as well. One word per role; writer: the main thread.
 */
export const StopWish = { Run: 0, Stop: 1 } as const;

export class StopWords {
  readonly #words: Int32Array;
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }
  static bytes(roleCount: number): number {
    return roleCount * Int32Array.BYTES_PER_ELEMENT;
  }
  ask(roleIndex: number): void {
    Atomics.store(this.#words, roleIndex, StopWish.Stop);
  }
  isAsked(roleIndex: number): boolean {
    return Atomics.load(this.#words, roleIndex) === StopWish.Stop;
  }
}
