/**
 * frame-heads: what stands before and behind the number of a message, as it stood in the messages before. On a connection
 * the head is the same for all of them, and what follows the number is the same for one channel of one market: comparing
 * these 170 bytes costs a third of reading them.
 * @hotpath
 *
 * One per connection, ingest thread. A memory and nothing else: a text means the same whatever message it is in.
 *
 *   {"type":"channel_data","connection_id":"…","message_id":  1234  ,"id":"BTC-USD","channel":"…","version":"…","contents":
 *   └─ slot 0 ─────────────────────────────────────────────┘        └─ slots 1 to 16, one a channel and market ──────────┘
 *
 * Texts are compared as doubles, eight bytes at a time: they are ASCII, which is never NaN and never zero, so that equal
 * doubles are equal bytes. Behind a frame stands a zero, which no text has: what is cut off is not found.
 */

const SLOTS = 17;
/** Bytes of a slot; a longer text is not kept. */
const SLOT_BYTES = 160;
/** The shortest text is longer. */
const TEXT_BYTES_MIN = 8;

export class FrameHeads {
  readonly #texts = new DataView(new ArrayBuffer(SLOTS * SLOT_BYTES));
  readonly #lengths = new Int32Array(SLOTS);
  /** By slot: market and channel that its text says. */
  readonly places = new Int32Array(SLOTS);
  readonly channels = new Int32Array(SLOTS);
  #count = 1;
  #last = 1;
  /** The scanner's memory, and a view of it. */
  #bytes: Uint8Array = new Uint8Array(0);
  #frame: DataView = this.#texts;

  /** A new connection has another id. */
  forget(): void {
    this.#lengths[0] = 0;
  }

  /** Length of the head that stands at the beginning of these bytes, up to the number; 0: it is not known. */
  head(bytes: Uint8Array): number {
    if (bytes !== this.#bytes) this.#look(bytes);
    return this.#isSame(0, 0) ? (this.#lengths[0] as number) : 0;
  }

  /** Slot of the text that stands here, behind a number; 0: it is not known. */
  find(at: number): number {
    if (this.#isSame(at, this.#last)) return this.#last;
    for (let slot = 1; slot < this.#count; slot++) {
      if (!this.#isSame(at, slot)) continue;
      this.#last = slot;
      return slot;
    }
    return 0;
  }

  lengthOf(slot: number): number {
    return this.#lengths[slot] as number;
  }

  /** Cold: a head that was read. */
  learnHead(length: number): void {
    this.#keep(0, 0, length);
  }

  /** Cold: a text behind the number that was read. What is beyond 16 of them is read each time. */
  learn(from: number, to: number, place: number, channel: number): void {
    if (this.#count === SLOTS) return;
    const slot = this.#count;
    if (!this.#keep(slot, from, to - from)) return;
    this.#count++;
    this.places[slot] = place;
    this.channels[slot] = channel;
  }

  #keep(slot: number, from: number, length: number): boolean {
    if (length < TEXT_BYTES_MIN || length > SLOT_BYTES) return false;
    const start = slot * SLOT_BYTES;
    for (let i = 0; i < length; i++)
      this.#texts.setUint8(start + i, this.#frame.getUint8(from + i));
    this.#lengths[slot] = length;
    return true;
  }

  #isSame(at: number, slot: number): boolean {
    const length = this.#lengths[slot] as number;
    if (length === 0) return false;
    const frame = this.#frame;
    const texts = this.#texts;
    const start = slot * SLOT_BYTES;
    const last = length - 8;
    for (let i = 0; i < last; i += 8) {
      if (frame.getFloat64(at + i, true) !== texts.getFloat64(start + i, true)) return false;
    }
    return frame.getFloat64(at + last, true) === texts.getFloat64(start + last, true);
  }

  /** Cold: the scanner has taken more room. */
  #look(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#frame = new DataView(bytes.buffer);
  }
}
