/**
 * life-watch: does the other end of one socket still live? Pure: time is an argument. One per connection, ingest thread.
 * @hotpath (heard, understood)
 *
 *   last heard ──── half of idleTimeoutMs ───▶ ping it ──── the other half ───▶ dead (a ping is answered by any server)
 *   last understood ──── idleTimeoutMs ───▶ dead, where the venue promises heartbeats: pongs alone are no market
 *   a large frame under way (bytes come, no frame ends) is life as well, for frameTimeoutMs at most
 *
 * Whether a single subscription lives is another question: subscription-watch.ts.
 */

export const LifeVerdict = {
  Fine: 0,
  /** Say something that wants an answer. */
  Ping: 1,
  Dead: 2,
} as const;
export type LifeVerdict = (typeof LifeVerdict)[keyof typeof LifeVerdict];

export interface LifeTimes {
  /** Nothing heard for that long: dead. */
  readonly idleTimeoutMs: number;
  /** The venue wants to hear from us at least that often. */
  readonly pingIntervalMs: number;
  /** The venue promises something understandable that often; 0: it promises nothing. */
  readonly heartbeatIntervalMs: number;
  /** One frame may take that long to arrive. */
  readonly frameTimeoutMs: number;
}

const NS_PER_MS = 1_000_000;
/** Heartbeats that may be missing, where idleTimeoutMs is shorter than they need. */
const HEARTBEATS_MISSING_MAX = 3;

const HEARD = 0;
const UNDERSTOOD = 1;
const FRAME = 2;
const PINGED = 3;
const FRAME_SEEN = 4;
/** So many bytes without the end of a frame are a large frame under way (a pong has a few). */
const LARGE_FRAME_BYTES = 4_096;

export class LifeWatch {
  readonly #idleNs: number;
  readonly #dataNs: number;
  readonly #pingNs: number;
  readonly #frameNs: number;
  /** When the socket was last heard, understood, delivered a frame, and was pinged; the frame that check has seen. */
  readonly #at = new Float64Array(5);
  #receivedBytes = 0;
  #bytesAtFrame = 0;

  constructor(times: LifeTimes) {
    const { idleTimeoutMs, heartbeatIntervalMs } = times;
    const patienceMs = Math.max(idleTimeoutMs, heartbeatIntervalMs * HEARTBEATS_MISSING_MAX);
    this.#idleNs = idleTimeoutMs * NS_PER_MS;
    this.#dataNs = heartbeatIntervalMs === 0 ? Infinity : patienceMs * NS_PER_MS;
    this.#pingNs = times.pingIntervalMs * NS_PER_MS;
    this.#frameNs = times.frameTimeoutMs * NS_PER_MS;
  }

  /** When the other end was last heard. */
  get heardNs(): number {
    return this.#at[HEARD] as number;
  }

  /** A new socket is open. */
  open(nowNs: number): void {
    this.#at.fill(nowNs);
    this.#at[FRAME_SEEN] = -1;
    this.#receivedBytes = 0;
    this.#bytesAtFrame = 0;
  }

  /** A whole frame came, whatever it says. */
  heard(nowNs: number): void {
    this.#at[HEARD] = nowNs;
    this.#at[FRAME] = nowNs;
  }

  /** Something came that was understood. */
  understood(nowNs: number): void {
    this.#at[UNDERSTOOD] = nowNs;
  }

  /** A ping was answered. */
  answered(nowNs: number): void {
    this.#at[HEARD] = nowNs;
  }

  /** Looks at the clock and at the count of bytes that came so far. Ping is said once per ping that is due. */
  check(nowNs: number, receivedBytes: number): LifeVerdict {
    const at = this.#at;
    if (at[FRAME] !== at[FRAME_SEEN]) {
      at[FRAME_SEEN] = at[FRAME] as number;
      this.#bytesAtFrame = receivedBytes;
    }
    const isLarge = receivedBytes - this.#bytesAtFrame >= LARGE_FRAME_BYTES;
    if (isLarge && nowNs - (at[FRAME] as number) >= this.#frameNs) return LifeVerdict.Dead;
    if (receivedBytes !== this.#receivedBytes) {
      this.#receivedBytes = receivedBytes;
      at[HEARD] = nowNs;
      if (isLarge) at[UNDERSTOOD] = nowNs;
    }
    if (nowNs - (at[HEARD] as number) >= this.#idleNs) return LifeVerdict.Dead;
    if (nowNs - (at[UNDERSTOOD] as number) >= this.#dataNs) return LifeVerdict.Dead;
    const isQuiet = nowNs - (at[HEARD] as number) >= this.#idleNs / 2;
    const sincePingNs = nowNs - (at[PINGED] as number);
    if (sincePingNs < (isQuiet ? this.#idleNs / 2 : this.#pingNs)) return LifeVerdict.Fine;
    at[PINGED] = nowNs;
    return LifeVerdict.Ping;
  }
}
