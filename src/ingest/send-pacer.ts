/**
 * send-pacer: texts to a venue, not faster than it takes them. Venues close connections (and ban addresses) of those who
 * say too much within a second, pings included. Pure: time is an argument. Ingest thread; one SendPacer per connection, one
 * SendWindow per venue, because some venues count by address.
 *
 *   push ─▶ queue (QUEUED_MAX) ─▶ window ─▶ send           one place in the window is kept for pings
 */
import { assert } from '../domain/assert.js';

/** Texts that may wait; the next one is dropped and counted. Far above the subscriptions of a connection. */
export const QUEUED_MAX = 1_000;
/** A second, and a tenth for a network that brings together what was sent apart. */
const WINDOW_NS = 1_100_000_000;

/** At most so many in any window. */
export class SendWindow {
  /** When the last ones were taken, in turn. */
  readonly #takenNs: Float64Array;
  #next = 0;

  constructor(perSecondMax: number) {
    assert(perSecondMax >= 2, `perSecondMax at least 2: ${String(perSecondMax)}`);
    this.#takenNs = new Float64Array(perSecondMax).fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes a place when there is one for this kind. */
  tryTake(nowNs: number, isPing: boolean): boolean {
    const places = this.#takenNs.length;
    const oldest = this.#takenNs[this.#next] as number;
    if (nowNs - oldest < WINDOW_NS) return false;
    const secondOldest = this.#takenNs[(this.#next + 1) % places] as number;
    if (!isPing && nowNs - secondOldest < WINDOW_NS) return false;
    this.#takenNs[this.#next] = nowNs;
    this.#next = (this.#next + 1) % places;
    return true;
  }
}

export class SendPacer {
  readonly #window: SendWindow;
  readonly #send: (text: string) => void;
  #queue: string[] = [];

  constructor(window: SendWindow, send: (text: string) => void) {
    this.#window = window;
    this.#send = send;
  }

  /** Texts that wait. */
  get count(): number {
    return this.#queue.length;
  }

  /** Another connection: what was meant for the last one is void. */
  clear(): void {
    this.#queue = [];
  }

  /** False: too many wait, it was dropped. */
  push(text: string): boolean {
    if (this.#queue.length >= QUEUED_MAX) return false;
    this.#queue.push(text);
    return true;
  }

  /** A ping goes before what waits, when there is a place for it. False: there is none, ask again. */
  takeForPing(nowNs: number): boolean {
    return this.#window.tryTake(nowNs, true);
  }

  /** Sends what the window allows; returns how many. */
  flush(nowNs: number): number {
    let sentCount = 0;
    while (sentCount < this.#queue.length && this.#window.tryTake(nowNs, false)) {
      this.#send(this.#queue[sentCount] as string);
      sentCount++;
    }
    if (sentCount > 0) this.#queue.splice(0, sentCount);
    return sentCount;
  }
}
