/**
 * histogram: latencies in nanoseconds, counted in log-linear buckets in shared memory. One writer, any reader.
 * @hotpath
 *
 * Below 256 ns every value has a bucket; above, each octave is cut into 128, so a bucket is at most 0.78 % wide, up to
 * an hour. A bucket's count is a low and a high word; `record` touches the low one by a plain store, as in counters.ts.
 * What takes more than one word (a carry, a new minimum or maximum) happens between two steps of the version word, and
 * a snapshot that sees the version move is taken again.
 */
import { assert } from '../domain/assert.js';
import {
  HISTOGRAM_BUCKETS,
  HISTOGRAM_NS_MAX,
  HISTOGRAM_SUB_BUCKETS,
  HistogramWord,
  LINE_WORDS,
  REGION_HEADER_BYTES,
  REGION_HEADER_WORDS,
  histogramStrideWords,
} from './layout.js';

const TWO_32 = 4_294_967_296;
const SNAPSHOT_TRIES_MAX = 1000;

export class SharedHistogram {
  /** Bytes of a region for that many histograms. */
  static bytes(count: number): number {
    return REGION_HEADER_BYTES + count * histogramStrideWords() * 4;
  }

  /** One snapshot as if all had been recorded in one histogram. */
  static merge(list: readonly HistogramSnapshot[]): HistogramSnapshot {
    const counts = new Float64Array(HISTOGRAM_BUCKETS);
    let min = Number.POSITIVE_INFINITY;
    let max = 0;
    for (const one of list) {
      if (one.count === 0) continue;
      for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
        counts[bucket] = (counts[bucket] ?? 0) + one.countAt(bucket);
      min = Math.min(min, one.min);
      max = Math.max(max, one.max);
    }
    return new HistogramSnapshot(counts, min, max);
  }

  readonly #i32: Int32Array;
  readonly #controlWord: number;
  readonly #lowWord: number;
  readonly #highWord: number;
  #minNs: number;
  #maxNs: number;

  constructor(buffer: SharedArrayBuffer, index: number) {
    assert(
      index >= 0 && SharedHistogram.bytes(index + 1) <= buffer.byteLength,
      `histogram outside the region: index=${String(index)}, bytes=${String(buffer.byteLength)}`,
    );
    this.#i32 = new Int32Array(buffer);
    this.#controlWord = REGION_HEADER_WORDS + index * histogramStrideWords();
    this.#lowWord = this.#controlWord + LINE_WORDS;
    this.#highWord = this.#lowWord + HISTOGRAM_BUCKETS;
    // A writer that goes on with a used histogram; one that died within a change left the version odd.
    const hasAny = Atomics.load(this.#i32, this.#controlWord + HistogramWord.HasAny) === 1;
    this.#minNs = hasAny ? this.#getLong(HistogramWord.MinLow) : Number.MAX_SAFE_INTEGER;
    this.#maxNs = hasAny ? this.#getLong(HistogramWord.MaxLow) : -1;
  }

  /** Writer. Counts one value; below 0 counts as 0, fractions are cut off. */
  record(valueNs: number): void {
    const ns = valueNs > 0 ? Math.floor(valueNs) : 0;
    const word = this.#lowWord + bucketOf(ns);
    const low = ((this.#i32[word] as number) + 1) | 0;
    if (low === 0) this.#carry(word);
    else this.#i32[word] = low;
    if (ns < this.#minNs || ns > this.#maxNs) this.#widen(ns);
  }

  /** Any thread. */
  snapshot(): HistogramSnapshot {
    const versionWord = this.#controlWord + HistogramWord.Version;
    const counts = new Float64Array(HISTOGRAM_BUCKETS);
    let min = Number.POSITIVE_INFINITY;
    let max = 0;
    for (let tries = 0; tries < SNAPSHOT_TRIES_MAX; tries++) {
      const version = Atomics.load(this.#i32, versionWord);
      for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        counts[bucket] =
          Atomics.load(this.#i32, this.#highWord + bucket) * TWO_32 +
          (Atomics.load(this.#i32, this.#lowWord + bucket) >>> 0);
      }
      if (Atomics.load(this.#i32, this.#controlWord + HistogramWord.HasAny) === 1) {
        min = this.#getLong(HistogramWord.MinLow);
        max = this.#getLong(HistogramWord.MaxLow);
      }
      if ((version & 1) === 0 && Atomics.load(this.#i32, versionWord) === version) break;
    }
    return new HistogramSnapshot(counts, min, max);
  }

  #carry(word: number): void {
    this.#open();
    Atomics.store(this.#i32, word, 0);
    Atomics.add(this.#i32, word + HISTOGRAM_BUCKETS, 1);
    this.#shut();
  }

  #widen(ns: number): void {
    this.#open();
    if (ns < this.#minNs) {
      this.#minNs = ns;
      this.#setLong(HistogramWord.MinLow, ns);
    }
    if (ns > this.#maxNs) {
      this.#maxNs = ns;
      this.#setLong(HistogramWord.MaxLow, ns);
    }
    Atomics.store(this.#i32, this.#controlWord + HistogramWord.HasAny, 1);
    this.#shut();
  }

  #open(): void {
    const versionWord = this.#controlWord + HistogramWord.Version;
    if ((Atomics.load(this.#i32, versionWord) & 1) === 0) Atomics.add(this.#i32, versionWord, 1);
  }

  #shut(): void {
    Atomics.add(this.#i32, this.#controlWord + HistogramWord.Version, 1);
  }

  #getLong(lowWord: number): number {
    const word = this.#controlWord + lowWord;
    return Atomics.load(this.#i32, word + 1) * TWO_32 + (Atomics.load(this.#i32, word) >>> 0);
  }

  #setLong(lowWord: number, value: number): void {
    const word = this.#controlWord + lowWord;
    Atomics.store(this.#i32, word, value | 0);
    Atomics.store(this.#i32, word + 1, Math.floor(value / TWO_32));
  }
}

/** What a histogram held at one moment. Immutable. */
export class HistogramSnapshot {
  readonly count: number;
  /** Exact; 0 when nothing was recorded. */
  readonly min: number;
  /** Exact, also beyond an hour; 0 when nothing was recorded. */
  readonly max: number;
  readonly #counts: Float64Array;

  constructor(counts: Float64Array, min: number, max: number) {
    let count = 0;
    for (const one of counts) count += one;
    this.count = count;
    this.min = count === 0 || min === Number.POSITIVE_INFINITY ? 0 : min;
    this.max = count === 0 ? 0 : max;
    this.#counts = counts;
  }

  /** Nanoseconds; from the middles of the buckets, so within 0.4 %. 0 when nothing was recorded. */
  get mean(): number {
    if (this.count === 0) return 0;
    let sum = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0)
        sum += this.#clamp((bucketLowerNs(bucket) + bucketUpperNs(bucket)) / 2) * count;
    }
    return sum / this.count;
  }

  /** The value that `percent` (0 to 100) of all recorded values do not exceed, within 0.8 %. 0 when there are none. */
  percentile(percent: number): number {
    if (this.count === 0) return 0;
    if (percent <= 0) return this.min;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return this.#clamp(bucketUpperNs(bucket));
    }
    return this.max;
  }

  /** Largest value and count of every bucket that holds something, ascending. */
  *buckets(): Generator<readonly [upperNs: number, count: number]> {
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0) yield [bucketUpperNs(bucket), count];
    }
  }

  countAt(bucket: number): number {
    return this.#counts[bucket] ?? 0;
  }

  #clamp(ns: number): number {
    return Math.min(Math.max(ns, this.min), this.max);
  }
}

/** Index of the bucket of an integer from 0; everything from an hour up is in the last one. */
export function bucketOf(ns: number): number {
  let value = ns < HISTOGRAM_NS_MAX ? ns : HISTOGRAM_NS_MAX;
  if (value < HISTOGRAM_SUB_BUCKETS) return value;
  // Only the eight highest bits matter: bring them into an int32.
  let shift = 0;
  if (value >= 1_073_741_824) {
    value = Math.floor(value / 65_536);
    shift = 16;
  }
  const exponent = 31 - Math.clz32(value);
  return (exponent + shift - 7) * HISTOGRAM_SUB_BUCKETS + (value >>> (exponent - 7));
}

export function bucketLowerNs(bucket: number): number {
  if (bucket < 2 * HISTOGRAM_SUB_BUCKETS) return bucket;
  const octave = (bucket >>> 7) - 1;
  return ((bucket & 127) + HISTOGRAM_SUB_BUCKETS) * 2 ** octave;
}

export function bucketUpperNs(bucket: number): number {
  if (bucket < 2 * HISTOGRAM_SUB_BUCKETS) return bucket;
  return bucketLowerNs(bucket) + 2 ** ((bucket >>> 7) - 1) - 1;
}
