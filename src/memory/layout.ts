/**
 * layout: where every control word of shared memory stands. One place, so that two files cannot disagree.
 *
 *   region   [header 128 B][what the kind of region needs, see below]
 *   ring     [header][writer line][line of reader 0][line of reader 1]…[slot 0][slot 1]…
 *   board    [header][cell 0: version, pad, payload … to a whole line][cell 1]…
 *   wake     [header][line of agent 0: armed flag][line of agent 1]…
 *   counters [header][block 0: 4 words per counter … to a whole line][block 1]…
 *   histograms [header][histogram 0: control line, low words, high words][histogram 1]…
 *
 * Words that different threads write stand in different lines of 128 bytes: caches move 64, the adjacent-line
 * prefetcher moves pairs. Every word has one writing thread, named here. Offsets are in 32-bit words unless named bytes.
 */

export const LINE_BYTES = 128;
export const LINE_WORDS = 32;
/** What one cache line holds: the unit that moves between cores. */
export const CACHE_LINE_WORDS = 16;

/** Rounds a number of bytes up to whole lines. */
export function wholeLinesBytes(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}

// ---- Header of every region; written once, by the thread that allocates, before anyone else knows the memory.

export const REGION_HEADER_BYTES = LINE_BYTES;
export const REGION_HEADER_WORDS = LINE_WORDS;
/** 'TWRK' */
export const REGION_MAGIC = 0x5457524b;
/** Raised with every change of this file. */
export const REGION_LAYOUT_VERSION = 2;

export const RegionWord = {
  Magic: 0,
  LayoutVersion: 1,
  SchemaHash: 2,
  Bytes: 3,
  SlotBytes: 4,
  SlotCount: 5,
  NameHash: 6,
  WriterHash: 7,
  /** Rings: the first seq, and what its readers are. */
  RingStartSeq: 8,
  RingReadersHash: 9,
} as const;

// ---- Ring.

/** Written by the ring's writer, once per block of slots: how many blocks it may have touched (int32, wraps). */
export const RING_CLAIM_WORD = REGION_HEADER_WORDS;
/** Written by the ring's writer just before the claim word: the seq up to which everything was published then. */
export const RING_CLAIM_SEQ_WORD = REGION_HEADER_WORDS + 1;

/** Written by reader `readerIndex`. Gating: the seq that it will read next. Trailing: a word to fence with. */
export function ringReaderWord(readerIndex: number): number {
  return REGION_HEADER_WORDS + LINE_WORDS * (1 + readerIndex);
}

export function ringSlotsWord(readerCount: number): number {
  return REGION_HEADER_WORDS + LINE_WORDS * (1 + readerCount);
}

/**
 * Which slot the record `seq` stands in. Eight neighbours, then a jump of more than a page of memory: a processor that
 * sees a thread walk through lines in order fetches the next ones before it is asked, and so a reader that keeps up
 * would take away the lines that the writer is about to write. Within eight, walking in order pays for batches.
 * A bijection of any `slotCount` slots in a row on the ring's slots, for every power of two, and over the int32 wrap.
 */
export function ringSlotIndex(seq: number, slotMask: number): number {
  return ((Math.imul(seq >> 3, 9) << 3) | (seq & 7)) & slotMask;
}

export function ringBytes(readerCount: number, slotBytes: number, slotCount: number): number {
  return ringSlotsWord(readerCount) * 4 + slotBytes * slotCount;
}

/**
 * Slots per block: the step in which the writer announces what it will overwrite, and in which gating readers hand slots
 * back. An eighth of the ring saturated throughput in the prototypes; finer steps only move more cache lines.
 */
export function ringBlockSlots(slotCount: number): number {
  return Math.max(1, slotCount >> 3);
}

// ---- Board.

/** Version word of a cell: even = whole, odd = being written, 0 = never written. Then a pad word, then the payload. */
export const BOARD_PAYLOAD_WORD = 2;

export function boardCellStrideWords(cellWords: number): number {
  return wholeLinesBytes((BOARD_PAYLOAD_WORD + cellWords) * 4) / 4;
}

// ---- Wake words.

export function wakeWord(index: number): number {
  return REGION_HEADER_WORDS + index * LINE_WORDS;
}

// ---- Counters: low, high, high again, pad.

export const COUNTER_STRIDE_WORDS = 4;

export function counterBlockStrideWords(countersPerBlock: number): number {
  return wholeLinesBytes(countersPerBlock * COUNTER_STRIDE_WORDS * 4) / 4;
}

// ---- Histograms.

/** One octave is cut into this many buckets: a bucket is at most 1/128 = 0.78 % wide. */
export const HISTOGRAM_SUB_BUCKETS = 128;
/** An hour. Longer values count in the last bucket; the maximum stays exact. */
export const HISTOGRAM_NS_MAX = 3_600_000_000_000;
/** Index of the bucket of HISTOGRAM_NS_MAX, plus one (test/memory/histogram.test.ts checks). */
export const HISTOGRAM_BUCKETS = 4562;

export const HistogramWord = {
  Version: 0,
  MinLow: 1,
  MinHigh: 2,
  MaxLow: 3,
  MaxHigh: 4,
  HasAny: 5,
} as const;

export function histogramStrideWords(): number {
  return LINE_WORDS + wholeLinesBytes(HISTOGRAM_BUCKETS * 2 * 4) / 4;
}
