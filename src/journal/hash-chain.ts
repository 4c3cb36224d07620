/**
 * hash-chain: the digest that ties each batch of the journal to all before it. Journal thread while it writes;
 * verify-journal and backup when they read.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

export const CHAIN_BYTES = 32;
/** What stands before the first batch. */
export const CHAIN_START: Uint8Array = new Uint8Array(CHAIN_BYTES);

const TEXT_HEAD_BYTES = 24;

/** One batch: the chain before it, its records in their order, then the digest of its texts in theirs. */
export class ChainBatch {
  readonly #hash: Hash;
  readonly #texts = createHash('sha256');
  readonly #head = Buffer.alloc(TEXT_HEAD_BYTES);

  constructor(before: Uint8Array) {
    this.#hash = createHash('sha256').update(before);
  }

  /** The 128 bytes of a record. */
  record(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** A text with what it belongs to. */
  text(refSeq: number, orderSeq: number, textKind: number, text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.#head.writeBigInt64LE(BigInt(refSeq), 0);
    this.#head.writeBigInt64LE(BigInt(orderSeq), 8);
    this.#head.writeInt32LE(textKind, 16);
    this.#head.writeInt32LE(bytes.length, 20);
    this.#texts.update(this.#head).update(bytes);
  }

  end(): Buffer {
    return this.#hash.update(this.#texts.digest()).digest();
  }
}
