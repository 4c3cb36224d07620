/**
 * wake: how a sleeping thread is woken. One word per agent: a flag shared by several sleepers loses wake-ups.
 * @hotpath
 *
 * The word is 1 while its agent sleeps or is about to, else 0. Sleeper: `arm`, look once more at every ring, then `wait`
 * (threads without I/O) or `waitAsync` (threads with an event loop), then `disarm`. Writer: publish, then `signal`,
 * which only reads the word while nobody sleeps (a notify that nobody waits for costs 57 ns).
 *
 * No wake-up is lost: all four accesses are sequentially consistent. Either the writer's publish comes before the
 * sleeper's last look, which then finds it, or the sleeper's arm comes before the writer's signal, which then sees 1;
 * and `wait` returns at once when the word is no longer 1.
 */
import { assert } from '../domain/assert.js';
import { REGION_HEADER_BYTES, LINE_BYTES, wakeWord } from './layout.js';

const AWAKE = 0;
const ARMED = 1;

/** Bytes of a region with `count` wake words. */
export function wakeBytes(count: number): number {
  return REGION_HEADER_BYTES + count * LINE_BYTES;
}

/** Wakes the agent of that word if it sleeps or is about to. */
export function signalWord(i32: Int32Array, word: number): void {
  if (
    Atomics.load(i32, word) === ARMED &&
    Atomics.compareExchange(i32, word, ARMED, AWAKE) === ARMED
  ) {
    Atomics.notify(i32, word, 1);
  }
}

export class WakeWord {
  readonly #i32: Int32Array;
  readonly #word: number;

  constructor(buffer: SharedArrayBuffer, index: number) {
    assert(
      index >= 0 && wakeBytes(index + 1) <= buffer.byteLength,
      `wake index outside the region: index=${String(index)}, bytes=${String(buffer.byteLength)}`,
    );
    this.#i32 = new Int32Array(buffer);
    this.#word = wakeWord(index);
  }

  /** Sleeper: about to sleep. Look at every ring once more between this and the wait. */
  arm(): void {
    Atomics.store(this.#i32, this.#word, ARMED);
  }

  /** Sleeper: awake again, for whatever reason. */
  disarm(): void {
    Atomics.store(this.#i32, this.#word, AWAKE);
  }

  /** Sleeper without I/O: blocks the thread until signalled or until the time is over. Never on a thread with sockets. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.#i32, this.#word, ARMED, timeoutMs);
  }

  /** Cold path: sleeper with an event loop. Does not keep the loop alive by itself: the thread's port or sockets do. */
  async waitAsync(timeoutMs: number): Promise<void> {
    const outcome = Atomics.waitAsync(this.#i32, this.#word, ARMED, timeoutMs);
    if (outcome.async) await outcome.value;
  }

  /** Writer, or anyone who wants the agent to look up. */
  signal(): void {
    signalWord(this.#i32, this.#word);
  }
}
