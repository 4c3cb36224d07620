/**
 * tick-hash: SHA-256 over ticks in their order: the proof that two replays, or a replay and what it is a recording of, gave
 * the same. Whoever records or replays, on its own thread.
 *
 * Hashed are the 60 bytes of each tick before its commit word: that one belongs to the ring it crossed, everything else is
 * the tick's own.
 */
import { createHash } from 'node:crypto';
import { TICK_COMMIT_WORD } from '../generated/hot.js';

const HASHED_BYTES = TICK_COMMIT_WORD * 4;
const BLOCK_TICKS = 1024;

export class TickHash {
  readonly #hash = createHash('sha256');
  readonly #words = new Int32Array(BLOCK_TICKS * TICK_COMMIT_WORD);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #count = 0;
  #filled = 0;

  get tickCount(): number {
    return this.#count;
  }

  /** Adds the tick at word offset `base`. */
  add(i32: Int32Array, base: number): void {
    const at = this.#filled * TICK_COMMIT_WORD;
    for (let word = 0; word < TICK_COMMIT_WORD; word++) {
      this.#words[at + word] = i32[base + word] as number;
    }
    this.#count++;
    if (++this.#filled === BLOCK_TICKS) this.#flush();
  }

  /** Hex; the last call. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#bytes.subarray(0, this.#filled * HASHED_BYTES));
    this.#filled = 0;
  }
}
