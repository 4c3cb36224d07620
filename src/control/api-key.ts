/**
 * api-key: is this the key? Control thread. Holds a SHA-256 of the key, never the key, and compares in constant time:
 * both sides are hashes of the same length, so neither length nor a common beginning shows in the time it takes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { assert } from '../domain/assert.js';

export const API_KEY_LENGTH_MIN = 32;
/** Nobody has a key that long; hashing more would only cost time. */
const API_KEY_LENGTH_MAX = 1024;
const SHA256_BYTES = 32;

export class ApiKeyCheck {
  readonly #sha256: Uint8Array;

  constructor(sha256: Uint8Array) {
    assert(
      sha256.length === SHA256_BYTES,
      `a SHA-256 has 32 bytes: bytes=${String(sha256.length)}`,
    );
    this.#sha256 = sha256;
  }

  isRight(key: string): boolean {
    if (key.length < API_KEY_LENGTH_MIN || key.length > API_KEY_LENGTH_MAX) return false;
    return timingSafeEqual(createHash('sha256').update(key).digest(), this.#sha256);
  }

  /** The value of an Authorization header. */
  isRightHeader(header: string): boolean {
    const match = /^Bearer +(\S+) *$/i.exec(header);
    return match?.[1] !== undefined && this.isRight(match[1]);
  }
}
