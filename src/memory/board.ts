/**
 * board: last values that anyone may read and nobody waits for. One kind of cell per region, one writer per cell.
 * @hotpath
 *
 *   writer   begin(index) → write the payload → end(index)
 *   readers  read(index, out): copy, then look at the version again
 *
 * A cell's version is even while it is whole, odd while it is being written, 0 before the first time. The order between
 * version and payload rests on what ring.ts says about trailing readers; the barriers are the Atomics.add here.
 */
import { assert } from '../domain/assert.js';
import {
  BOARD_PAYLOAD_WORD,
  REGION_HEADER_BYTES,
  REGION_HEADER_WORDS,
  boardCellStrideWords,
} from './layout.js';

/** A writer needs a microsecond for a cell; one that is off the processor in the middle needs a time slice. */
const READ_TRIES_MAX = 10_000;

export class BoardCells {
  /** Bytes of a region for that many cells. */
  static bytes(cellCount: number, cellWords: number): number {
    return REGION_HEADER_BYTES + cellCount * boardCellStrideWords(cellWords) * 4;
  }

  /** The whole region; `begin` gives word offsets in it. */
  readonly i32: Int32Array;
  readonly #cellCount: number;
  readonly #cellWords: number;
  readonly #strideWords: number;
  readonly #scratch: Int32Array;
  /** A word of our own to fence with: readers write nothing that others see. */
  readonly #fence: Int32Array;

  constructor(buffer: SharedArrayBuffer, cellCount: number, cellWords: number) {
    assert(
      BoardCells.bytes(cellCount, cellWords) <= buffer.byteLength,
      `board larger than its region: cellCount=${String(cellCount)}, ` +
        `cellWords=${String(cellWords)}, bytes=${String(buffer.byteLength)}`,
    );
    this.i32 = new Int32Array(buffer);
    this.#cellCount = cellCount;
    this.#cellWords = cellWords;
    this.#strideWords = boardCellStrideWords(cellWords);
    this.#scratch = new Int32Array(cellWords);
    this.#fence = new Int32Array(new SharedArrayBuffer(4));
  }

  /** Writer: opens the cell; word offset of its payload, which holds what was last written there. */
  begin(index: number): number {
    const versionWord = this.#versionWord(index);
    // Odd already: the writer before us died in the middle; its half is overwritten now.
    if ((Atomics.load(this.i32, versionWord) & 1) === 0) Atomics.add(this.i32, versionWord, 1);
    return versionWord + BOARD_PAYLOAD_WORD;
  }

  /** Writer: the cell is whole. */
  end(index: number): void {
    const versionWord = this.#versionWord(index);
    const version = Atomics.load(this.i32, versionWord);
    assert((version & 1) === 1, 'end of a board cell without begin');
    const next = (version + 1) | 0;
    Atomics.store(this.i32, versionWord, next === 0 ? 2 : next);
  }

  /**
   * Copies a consistent payload to `out[0..cellWords)`. False, and `out` untouched, when the cell was never written or
   * its writer does not come to an end of it.
   */
  read(index: number, out: Int32Array): boolean {
    const i32 = this.i32;
    const scratch = this.#scratch;
    const versionWord = this.#versionWord(index);
    for (let tries = 0; tries < READ_TRIES_MAX; tries++) {
      const version = Atomics.load(i32, versionWord);
      if (version === 0) return false;
      if ((version & 1) !== 0) continue;
      const payloadWord = versionWord + BOARD_PAYLOAD_WORD;
      for (let word = 0; word < this.#cellWords; word++)
        scratch[word] = i32[payloadWord + word] as number;
      Atomics.add(this.#fence, 0, 0);
      if (Atomics.load(i32, versionWord) === version) {
        for (let word = 0; word < this.#cellWords; word++) out[word] = scratch[word] as number;
        return true;
      }
    }
    return false;
  }

  /** Changes with every write of the cell. */
  version(index: number): number {
    return Atomics.load(this.i32, this.#versionWord(index));
  }

  #versionWord(index: number): number {
    assert(index >= 0 && index < this.#cellCount, 'board cell outside the board');
    return REGION_HEADER_WORDS + index * this.#strideWords;
  }
}
