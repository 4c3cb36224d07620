/**
 * counters: numbers that only grow (or are set), in blocks with one writing thread each; anyone may read.
 * @hotpath
 *
 * A counter is low word, high word, high word again. Below 2^32 only the low word changes, by a plain store: it stands
 * for itself, orders nothing, and an int32 does not tear. When the high word changes, the second copy is stored before the
 * low word and the first copy after it; a reader that finds the copies equal has a whole number.
 */
import { assert } from '../domain/assert.js';
import {
  COUNTER_STRIDE_WORDS,
  REGION_HEADER_BYTES,
  REGION_HEADER_WORDS,
  counterBlockStrideWords,
} from './layout.js';

const TWO_32 = 4_294_967_296;

export class CounterBlock {
  /** Bytes of a region for that many blocks. */
  static bytes(blocks: number, countersPerBlock: number): number {
    return REGION_HEADER_BYTES + blocks * counterBlockStrideWords(countersPerBlock) * 4;
  }

  readonly #i32: Int32Array;
  readonly #blockWord: number;
  readonly #counterCount: number;

  constructor(buffer: SharedArrayBuffer, blockIndex: number, countersPerBlock: number) {
    assert(
      blockIndex >= 0 && CounterBlock.bytes(blockIndex + 1, countersPerBlock) <= buffer.byteLength,
      `counter block outside the region: blockIndex=${String(blockIndex)}, bytes=${String(buffer.byteLength)}`,
    );
    this.#i32 = new Int32Array(buffer);
    this.#blockWord = REGION_HEADER_WORDS + blockIndex * counterBlockStrideWords(countersPerBlock);
    this.#counterCount = countersPerBlock;
  }

  /** Writer: adds `count`, an integer from 0 to 2^32 - 1. */
  add(index: number, count = 1): void {
    const word = this.#word(index);
    const sum = ((this.#i32[word] as number) >>> 0) + count;
    if (sum < TWO_32) this.#i32[word] = sum;
    else this.#carry(word, (this.#i32[word + 1] as number) * TWO_32 + sum);
  }

  /** Writer: sets a value, an integer from 0 to 2^53 - 1. */
  set(index: number, value: number): void {
    const word = this.#word(index);
    if (Math.floor(value / TWO_32) === this.#i32[word + 1]) this.#i32[word] = value;
    else this.#carry(word, value);
  }

  /** Any thread. */
  get(index: number): number {
    const word = this.#word(index);
    for (;;) {
      const high = Atomics.load(this.#i32, word + 1);
      const low = Atomics.load(this.#i32, word);
      if (Atomics.load(this.#i32, word + 2) === high) return high * TWO_32 + (low >>> 0);
    }
  }

  #carry(word: number, value: number): void {
    const high = Math.floor(value / TWO_32);
    Atomics.store(this.#i32, word + 2, high);
    Atomics.store(this.#i32, word, value | 0);
    Atomics.store(this.#i32, word + 1, high);
  }

  #word(index: number): number {
    assert(index >= 0 && index < this.#counterCount, 'counter outside its block');
    return this.#blockWord + index * COUNTER_STRIDE_WORDS;
  }
}
