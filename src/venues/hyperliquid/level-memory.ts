/**
 * level-memory: the text of a coin's last book message, and what its levels mean. Hyperliquid sends the whole book again
 * and again, and most of it is what it was: comparing 40 bytes is faster than reading them.
 * @hotpath
 *
 * One per coin, ingest thread. A memory and nothing else: a text means the same price and size as long as the coin's scales
 * are the same (clear when they are not), whatever became of the message that it was in.
 *
 *   old   levels of the last whole message      recall compares with the one behind the last that was recalled or learned
 *   next  levels of the message under way       becomes old when the message was understood to its end
 *
 * Texts are compared as doubles, eight bytes at a time: a level is ASCII, which is never NaN and never zero, so that equal
 * doubles are equal bytes. Behind a frame stands a zero, which no level has: what is cut off is not found.
 */

/** Levels of a side that are kept; the venue sends 20. */
const SIDE_SLOTS = 32;
/** A longer message is not kept; 20 levels a side have 1,600 bytes. */
const FRAME_BYTES_MAX = 4096;
/** The shortest level is longer. */
const TEXT_BYTES_MIN = 16;

/** Where the levels of one message stand in it, and what they mean. */
class LevelPlaces {
  readonly starts = new Int32Array(2 * SIDE_SLOTS);
  readonly lengths = new Int32Array(2 * SIDE_SLOTS);
  readonly prices = new Float64Array(2 * SIDE_SLOTS);
  readonly sizes = new Float64Array(2 * SIDE_SLOTS);
  /** By side. */
  readonly counts = new Int32Array(2);
}

export class LevelMemory {
  #old = new LevelPlaces();
  #next = new LevelPlaces();
  /** The last whole message. */
  readonly #oldBytes = new Uint8Array(FRAME_BYTES_MAX);
  readonly #oldView = new DataView(this.#oldBytes.buffer);
  /** The scanner's memory, and a view of it. */
  #bytes: Uint8Array = this.#oldBytes;
  #view: DataView = this.#oldView;
  /** Old slots of the side under way, and the one in which the next level is expected. */
  #first = 0;
  #end = 0;
  #expected = 0;

  /** A new message in these bytes. */
  begin(bytes: Uint8Array): void {
    if (bytes !== this.#bytes) this.#look(bytes);
    this.#next.counts[0] = 0;
    this.#next.counts[1] = 0;
  }

  /** Its next levels are of this side. */
  beginSide(isAsk: boolean): void {
    this.#first = isAsk ? SIDE_SLOTS : 0;
    this.#expected = this.#first;
    this.#end = this.#first + (this.#old.counts[isAsk ? 1 : 0] as number);
  }

  /** A known level that stands here into an entry; returns the length of its text, 0: it is not known. */
  recall(at: number, prices: Float64Array, sizes: Float64Array, index: number): number {
    const slot = this.#expected;
    const old = this.#old;
    if (slot >= this.#end || !this.#isSame(at, slot)) return 0;
    const length = old.lengths[slot] as number;
    prices[index] = old.prices[slot] as number;
    sizes[index] = old.sizes[slot] as number;
    this.#expected = slot + 1;
    this.#keep(at, at + length, prices, sizes, index);
    return length;
  }

  /** A level that was read from here to there, as the entry says: the next one is expected behind its price. */
  learn(from: number, to: number, prices: Float64Array, sizes: Float64Array, index: number): void {
    const old = this.#old.prices;
    const sign = this.#first === 0 ? 1 : -1;
    const price = sign * (prices[index] as number);
    let expected = this.#expected;
    while (expected < this.#end && sign * (old[expected] as number) >= price) expected++;
    this.#expected = expected;
    this.#keep(from, to, prices, sizes, index);
  }

  #keep(from: number, to: number, prices: Float64Array, sizes: Float64Array, index: number): void {
    const next = this.#next;
    const side = this.#first === 0 ? 0 : 1;
    const count = next.counts[side] as number;
    if (count === SIDE_SLOTS || to - from < TEXT_BYTES_MIN) return;
    const slot = this.#first + count;
    next.counts[side] = count + 1;
    next.starts[slot] = from;
    next.lengths[slot] = to - from;
    next.prices[slot] = prices[index] as number;
    next.sizes[slot] = sizes[index] as number;
  }

  /** The message was understood to its end; `frame` is all of it. */
  commit(frame: Uint8Array): void {
    if (frame.length > FRAME_BYTES_MAX) {
      this.clear();
      return;
    }
    this.#oldBytes.set(frame);
    const old = this.#old;
    this.#old = this.#next;
    this.#next = old;
  }

  /** The coin has other scales. */
  clear(): void {
    this.#old.counts[0] = 0;
    this.#old.counts[1] = 0;
  }

  #isSame(at: number, slot: number): boolean {
    const view = this.#view;
    const oldView = this.#oldView;
    const start = this.#old.starts[slot] as number;
    // The price first, which is behind the first eight bytes.
    if (view.getFloat64(at + 8, true) !== oldView.getFloat64(start + 8, true)) return false;
    const last = (this.#old.lengths[slot] as number) - 8;
    for (let i = 16; i < last; i += 8) {
      if (view.getFloat64(at + i, true) !== oldView.getFloat64(start + i, true)) return false;
    }
    return (
      view.getFloat64(at + last, true) === oldView.getFloat64(start + last, true) &&
      view.getFloat64(at, true) === oldView.getFloat64(start, true)
    );
  }

  /** Cold: the scanner has taken more room. */
  #look(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
