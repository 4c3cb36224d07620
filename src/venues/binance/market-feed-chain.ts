/**
 * market-feed-chain: the book rule of Binance for one market: which diff may follow what the book holds, and the diffs that
 * wait while its snapshot is on the way. Pure; owned by the market-feed of the connection.
 * @hotpath
 *
 *   Waiting ── a snapshot that meets them ──▶ Live ── hole ──▶ Waiting (first the diff behind the hole)
 *
 * A diff says: all changes with ids from `first` to `last`, as absolute sizes; futures also name the `last` of the diff
 * before (`previous`), because their ids count all symbols. `held` is the id up to which the book is complete.
 *
 *            ignored        applied                                        hole
 *   spot     last <= held   first <= held + 1                              else
 *   futures  last <= held   previous = held                                else
 *   futures, the first one after a snapshot:
 *            last < held    first <= held <= last, or previous = held      else
 *
 * Source: binance-spot-api-docs, web-socket-streams.md, "How to manage a local order book correctly" (2026-07), and the
 * futures page of the same name. For the first futures diff it says first <= held <= last; previous = held proves the
 * same, because nothing of the symbol lies between, and a quiet market gives nothing else.
 */
import { BUFFER_BYTES_MAX, BUFFER_EVENTS_MAX } from './endpoints.js';

export const ChainVerdict = { Apply: 0, Old: 1, Gap: 2 } as const;
export type ChainVerdict = (typeof ChainVerdict)[keyof typeof ChainVerdict];

/** Ids of a diff, as they stand in a Float64Array: doubles that are passed along would be boxed. */
export const FIRST_ID = 0;
export const LAST_ID = 1;
export const PREVIOUS_ID = 2;

/** How a diff follows what is held. */
export function judge(
  ids: Float64Array,
  held: Float64Array,
  isFirst: boolean,
  isFutures: boolean,
): ChainVerdict {
  const last = ids[LAST_ID] as number;
  const id = held[0] as number;
  if (isFutures) {
    const previous = ids[PREVIOUS_ID] as number;
    if (isFirst) {
      if (last < id) return ChainVerdict.Old;
      const isMet = previous === id || (ids[FIRST_ID] as number) <= id;
      return isMet ? ChainVerdict.Apply : ChainVerdict.Gap;
    }
    if (last <= id) return ChainVerdict.Old;
    return previous === id ? ChainVerdict.Apply : ChainVerdict.Gap;
  }
  if (last <= id) return ChainVerdict.Old;
  return (ids[FIRST_ID] as number) <= id + 1 ? ChainVerdict.Apply : ChainVerdict.Gap;
}

/** Where the parts of a diff lie in its frame. Reused for every frame. */
export class DiffPlaces {
  timeAt = 0;
  bidsAt = 0;
  asksAt = 0;
}

const CAPACITY_START = 1 << 14;
const PLACES = 5;
const IDS = 3;

/** Frames of diffs, in order and without holes between them. Cold: filled only while a snapshot is missing. */
export class DiffBuffer {
  count = 0;
  #bytes = new Uint8Array(0);
  #used = 0;
  /** start, end, timeAt, bidsAt, asksAt of each. */
  readonly #places: number[] = [];
  readonly #ids: number[] = [];

  clear(): void {
    this.count = 0;
    this.#used = 0;
    this.#places.length = 0;
    this.#ids.length = 0;
  }

  /** Keeps a copy. False: there is no room; nothing was kept. */
  add(frame: Uint8Array, ids: Float64Array, places: DiffPlaces): boolean {
    const start = this.#used;
    const end = start + frame.length;
    if (this.count === BUFFER_EVENTS_MAX || end > BUFFER_BYTES_MAX) return false;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2, CAPACITY_START));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
    }
    this.#bytes.set(frame, start);
    this.#used = end;
    this.#places.push(start, end, places.timeAt, places.bidsAt, places.asksAt);
    this.#ids.push(ids[FIRST_ID] as number, ids[LAST_ID] as number, ids[PREVIOUS_ID] as number);
    this.count++;
    return true;
  }

  frame(index: number): Uint8Array {
    const at = index * PLACES;
    return this.#bytes.subarray(this.#places[at], this.#places[at + 1]);
  }

  idsInto(ids: Float64Array, index: number): void {
    for (let i = 0; i < IDS; i++) ids[i] = this.#ids[index * IDS + i] as number;
  }

  placesInto(places: DiffPlaces, index: number): void {
    places.timeAt = this.#places[index * PLACES + 2] as number;
    places.bidsAt = this.#places[index * PLACES + 3] as number;
    places.asksAt = this.#places[index * PLACES + 4] as number;
  }
}

export class DiffChain {
  readonly #isFutures: boolean;
  /** The book is there, complete up to `held`. */
  isLive = false;
  /** [0]: id up to which the book, or what waits, is complete. */
  readonly held = new Float64Array(1);
  readonly buffer = new DiffBuffer();
  /** Diffs in a row that were behind what is held. */
  oldCount = 0;
  #isFirst = false;

  constructor(isFutures: boolean) {
    this.#isFutures = isFutures;
  }

  /** No diff has been applied to the snapshot yet: diffs that are in it already are no repetitions. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** How a diff follows what is held: the book, or the last diff that waits. */
  verdict(ids: Float64Array): ChainVerdict {
    if (!this.isLive && this.buffer.count === 0) return ChainVerdict.Apply;
    return judge(ids, this.held, this.#isFirst, this.#isFutures);
  }

  /** The diff was applied to the book. */
  take(ids: Float64Array): void {
    this.held[0] = ids[LAST_ID] as number;
    this.#isFirst = false;
    this.oldCount = 0;
  }

  /** Cold: the book is worth nothing any more; diffs wait for a snapshot from the next one on. */
  restart(): void {
    this.isLive = false;
    this.#isFirst = false;
    this.oldCount = 0;
    this.buffer.clear();
  }

  /** Cold: a diff waits. False: there was no room, and only this one is kept (or none, if it alone is too large). */
  wait(frame: Uint8Array, ids: Float64Array, places: DiffPlaces): boolean {
    this.held[0] = ids[LAST_ID] as number;
    this.oldCount = 0;
    if (this.buffer.add(frame, ids, places)) return true;
    this.buffer.clear();
    this.buffer.add(frame, ids, places);
    return false;
  }

  /**
   * Cold: a snapshot that is complete up to `snapshotId`. The index of the first waiting diff to apply to it (their count
   * when none is left), -1 when it is older than what waits. Changes nothing.
   */
  meets(snapshotId: number, scratch: Float64Array): number {
    const held = Float64Array.of(snapshotId);
    for (let index = 0; index < this.buffer.count; index++) {
      this.buffer.idsInto(scratch, index);
      const verdict = judge(scratch, held, true, this.#isFutures);
      if (verdict === ChainVerdict.Apply) return index;
      if (verdict === ChainVerdict.Gap) return -1;
    }
    return this.buffer.count;
  }

  /** Cold: the snapshot and everything from that waiting diff on are in the book. */
  begin(snapshotId: number, from: number): void {
    this.#isFirst = from === this.buffer.count;
    if (this.#isFirst) this.held[0] = snapshotId;
    this.isLive = true;
    this.oldCount = 0;
    this.buffer.clear();
  }
}
