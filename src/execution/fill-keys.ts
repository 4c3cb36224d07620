/**
 * fill-keys: the fills that have been applied, so that each counts once however often it is reported. Holds the last
 * million (16 MB at most, grown as needed): a venue repeats what is recent, and reconciliation asks for fills since the
 * youngest one that the journal has. The oldest is forgotten first.
 *
 * Part of the execution core's state. Open addressing in typed arrays; a ring remembers the order of arrival.
 */
import { assert } from '../domain/assert.js';

export const FILL_KEYS_MAX = 1 << 20;
const CAPACITY_START = 1 << 10;
const SUM_MODULUS = 2 ** 52;

export class FillKeys {
  readonly #max: number;
  /** Arrivals, the oldest at `#first` once the ring is full. */
  #ring = new Float64Array(CAPACITY_START);
  #first = 0;
  #count = 0;
  /** Twice as many cells as keys at least; 0 is free. */
  #cells = new Float64Array(CAPACITY_START * 2);
  #mask = CAPACITY_START * 2 - 1;
  /** Digest of all that were ever added: their sum modulo 2^52. */
  sum = 0;

  /** `max`: a power of two. */
  constructor(max = FILL_KEYS_MAX) {
    assert((max & (max - 1)) === 0 && max >= CAPACITY_START, `a power of two: max=${max}`);
    this.#max = max;
  }

  get size(): number {
    return this.#count;
  }

  has(key: number): boolean {
    return this.#cells[this.#cellOf(key)] === key;
  }

  /** A key that is not there yet; above 0. */
  add(key: number): void {
    if (this.#count === this.#ring.length) this.#makeRoom();
    const at = (this.#first + this.#count) & (this.#ring.length - 1);
    this.#ring[at] = key;
    this.#count++;
    this.#cells[this.#cellOf(key)] = key;
    this.sum = (this.sum + (key % SUM_MODULUS)) % SUM_MODULUS;
  }

  /** Cold: oldest first. */
  toArray(): Float64Array {
    const keys = new Float64Array(this.#count);
    for (let place = 0; place < this.#count; place++) {
      keys[place] = this.#ring[(this.#first + place) & (this.#ring.length - 1)] as number;
    }
    return keys;
  }

  /** The cell that holds the key, or the free one where it belongs. */
  #cellOf(key: number): number {
    let cell = this.#home(key);
    while (this.#cells[cell] !== 0 && this.#cells[cell] !== key) cell = (cell + 1) & this.#mask;
    return cell;
  }

  #makeRoom(): void {
    if (this.#ring.length < this.#max) {
      const keys = this.toArray();
      this.#ring = new Float64Array(keys.length * 2);
      this.#ring.set(keys);
      this.#first = 0;
      this.#cells = new Float64Array(keys.length * 4);
      this.#mask = keys.length * 4 - 1;
      for (const key of keys) this.#cells[this.#cellOf(key)] = key;
      return;
    }
    const oldest = this.#ring[this.#first] as number;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    this.#count--;
    this.#remove(oldest);
  }

  #remove(key: number): void {
    let hole = this.#cellOf(key);
    let cell = hole;
    while (true) {
      cell = (cell + 1) & this.#mask;
      const next = this.#cells[cell] as number;
      if (next === 0) break;
      // A key may move back to the hole unless its home lies behind the hole.
      const distance = (cell - this.#home(next)) & this.#mask;
      if (distance >= ((cell - hole) & this.#mask)) {
        this.#cells[hole] = next;
        hole = cell;
      }
    }
    this.#cells[hole] = 0;
  }

  #home(key: number): number {
    const high = Math.floor(key / 4294967296);
    const mixed = Math.imul((key | 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }
}
