/**
 * push-buffer: reads a FlatBuffer that somebody else made: every offset is checked before it is followed, nothing throws,
 * nothing is allocated but texts. The generated classes trust their bytes; these come from outside.
 * @hotpath
 *
 * Ingest thread; one buffer, reused for every message: the bytes are copied in, so they are aligned and stay as they were
 * checked. A position is a byte offset; MALFORMED and ABSENT are no positions.
 *
 *   bytes 0..3 offset of the root table   4..7 file identifier   a table: offset back to its vtable, then its fields
 */
import { assert } from '../domain/assert.js';

export const MALFORMED = -1;
export const ABSENT = -2;

const IDENTIFIER_WORD = 1;
const HEADER_BYTES = 8;
/** A vtable begins with its own size and the size of the table. */
const VTABLE_HEAD_BYTES = 4;

export class PushBuffer {
  /** The message, as words. */
  readonly i32: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #byteCount = 0;

  constructor(bytesMax: number) {
    const words = Math.ceil(bytesMax / 8) * 2;
    this.i32 = new Int32Array(words);
    this.#bytes = new Uint8Array(this.i32.buffer);
    this.#view = new DataView(this.i32.buffer);
  }

  /** Takes a message; the caller has seen to it that it is not too long. */
  begin(bytes: Uint8Array): void {
    assert(bytes.length <= this.#bytes.length, 'message longer than the buffer');
    this.#bytes.set(bytes);
    this.#byteCount = bytes.length;
  }

  /** The four letters behind the root offset, as a little-endian number; 0: the message is too short. */
  get identifier(): number {
    return this.#byteCount < HEADER_BYTES ? 0 : (this.i32[IDENTIFIER_WORD] as number);
  }

  /** Position of the root table. */
  root(): number {
    if (this.#byteCount < HEADER_BYTES) return MALFORMED;
    return this.#table(this.#view.getUint32(0, true));
  }

  /** Position of a scalar field, ABSENT when the table leaves it at its default. `slot` counts from 0. */
  field(table: number, slot: number, fieldBytes: number): number {
    const vtable = table - this.#view.getInt32(table, true);
    const vtableBytes = this.#view.getUint16(vtable, true);
    const entry = VTABLE_HEAD_BYTES + slot * 2;
    if (entry + 2 > vtableBytes) return ABSENT;
    const offset = this.#view.getUint16(vtable + entry, true);
    if (offset === 0) return ABSENT;
    const tableBytes = this.#view.getUint16(vtable + 2, true);
    if (offset < 4 || offset + fieldBytes > tableBytes) return MALFORMED;
    const position = table + offset;
    // Words are read as words; FlatBuffers aligns every number to itself.
    return fieldBytes >= 4 && (position & 3) !== 0 ? MALFORMED : position;
  }

  /** Position of the first element of a vector field; its length is in `lengthAt`. */
  vector(table: number, slot: number, elementBytes: number): number {
    const field = this.field(table, slot, 4);
    if (field < 0) return field;
    const start = field + this.#view.getUint32(field, true);
    if ((start & 3) !== 0 || start + 4 > this.#byteCount) return MALFORMED;
    const length = this.#view.getUint32(start, true);
    return start + 4 + length * elementBytes > this.#byteCount ? MALFORMED : start + 4;
  }

  /** Elements of a vector that `vector` found. */
  lengthAt(vector: number): number {
    return this.#view.getUint32(vector - 4, true);
  }

  /** Position of a table in a vector of tables. */
  tableAt(vector: number, index: number): number {
    const field = vector + index * 4;
    return this.#table(field + this.#view.getUint32(field, true));
  }

  /** A byte field, or its default. */
  ubyte(table: number, slot: number): number {
    const field = this.field(table, slot, 1);
    if (field === ABSENT) return 0;
    return field < 0 ? MALFORMED : (this.#bytes[field] as number);
  }

  /** Cold: a text field of at most so many bytes; null: absent, too long, or no UTF-8. */
  text(table: number, slot: number, bytesMax: number): string | null {
    const start = this.vector(table, slot, 1);
    if (start < 0) return null;
    const length = this.lengthAt(start);
    if (length > bytesMax) return null;
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return null; // Not UTF-8.
    }
  }

  /** A table whose vtable and own bytes are inside the message. */
  #table(position: number): number {
    if ((position & 3) !== 0 || position < HEADER_BYTES || position + 4 > this.#byteCount) {
      return MALFORMED;
    }
    const vtable = position - this.#view.getInt32(position, true);
    if ((vtable & 1) !== 0 || vtable < 4 || vtable + VTABLE_HEAD_BYTES > this.#byteCount) {
      return MALFORMED;
    }
    const vtableBytes = this.#view.getUint16(vtable, true);
    const tableBytes = this.#view.getUint16(vtable + 2, true);
    if (vtableBytes < VTABLE_HEAD_BYTES || (vtableBytes & 1) !== 0) return MALFORMED;
    if (vtable + vtableBytes > this.#byteCount || tableBytes < 4) return MALFORMED;
    return position + tableBytes > this.#byteCount ? MALFORMED : position;
  }
}
