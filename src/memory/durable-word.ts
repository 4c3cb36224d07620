/**
 * durable-word: the number of the last record that is safe on disk, for whoever must not act before. One writer (the
 * thread that commits), any reader; copied and re-checked like every cell of a board.
 */
import { BoardCells } from './board.js';

const WORDS = 2;
const HALF = 2 ** 32;

export class DurableWord {
  readonly #cell: BoardCells;
  readonly #copy = new Int32Array(WORDS);

  static bytes(): number {
    return BoardCells.bytes(1, WORDS);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#cell = new BoardCells(buffer, 1, WORDS);
  }

  set(seq: number): void {
    const base = this.#cell.begin(0);
    this.#cell.i32[base] = seq | 0;
    this.#cell.i32[base + 1] = Math.floor(seq / HALF) | 0;
    this.#cell.end(0);
  }

  /** 0: nothing yet. */
  get(): number {
    if (!this.#cell.read(0, this.#copy)) return 0;
    return ((this.#copy[1] as number) >>> 0) * HALF + ((this.#copy[0] as number) >>> 0);
  }
}
