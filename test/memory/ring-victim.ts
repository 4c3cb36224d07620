/**
 * What ring-kill.test.ts runs in threads and kills: a writer that numbers its records, readers that check every word. The
 * number of a record is its place in the stream, so whoever comes after a killed thread knows what is due.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { must } from '#src/domain/assert.js';
import { GatingReader, RingWriter, TrailingReader, type RingSpec } from '#src/memory/ring.js';

export const VictimRole = { Writer: 0, Gating: 1, Trailing: 2 } as const;
export type VictimRole = (typeof VictimRole)[keyof typeof VictimRole];

/** Words of the progress array, each with one writing thread at a time. */
export const Progress = {
  Published: 0,
  Full: 1,
  /** Writers that found a record half written by the one before them. */
  HalfRecords: 2,
  GatingNext: 3,
  TrailingNext: 4,
  /** Set by the test: the writer stops when that many are published. */
  End: 5,
} as const;

export interface VictimInput {
  readonly role: VictimRole;
  readonly spec: RingSpec;
  readonly buffer: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
  readonly seed: number;
}

const BATCH_MAX = 16;

function wordOf(value: number, word: number): number {
  return Math.imul(value ^ ((word + 1) * 0x9e3779b1), 0x85ebca6b) ^ word;
}

function write({ spec, buffer, progress: progressBuffer, seed }: VictimInput): void {
  const progress = new Int32Array(progressBuffer);
  const writer = new RingWriter(buffer, spec, null);
  const words = spec.slotBytes / 4 - 1;
  let state = seed;
  const next = writer.claim();
  if (next >= 0 && writer.i32[next] === wordOf(writer.publishedCount, 0)) {
    Atomics.add(progress, Progress.HalfRecords, 1);
  }
  let value = writer.publishedCount;
  Atomics.store(progress, Progress.Published, value);
  parentPort?.postMessage('ready');
  while (value < Atomics.load(progress, Progress.End)) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const left = Atomics.load(progress, Progress.End) - value;
    const slots = writer.claimBatch(Math.min(1 + ((state >>> 8) % BATCH_MAX), Math.max(1, left)));
    if (slots === 0) {
      Atomics.store(progress, Progress.Full, writer.fullCount);
      continue;
    }
    for (let k = 0; k < slots; k++) {
      const slot = writer.slotAt(k);
      for (let word = 0; word < words; word++) writer.i32[slot + word] = wordOf(value + k, word);
    }
    writer.publishBatch();
    value += slots;
    Atomics.store(progress, Progress.Published, value);
  }
}

/** Throws when a record is not the one that is due, or not whole. */
function read({ role, spec, buffer, progress: progressBuffer }: VictimInput): void {
  const progress = new Int32Array(progressBuffer);
  const words = spec.slotBytes / 4 - 1;
  const gating = role === VictimRole.Gating ? new GatingReader(buffer, spec, 0) : null;
  const trailing = gating === null ? new TrailingReader(buffer, spec, 1) : null;
  const reader = must(gating ?? trailing, 'reader');
  const progressWord = gating === null ? Progress.TrailingNext : Progress.GatingNext;
  parentPort?.postMessage('ready');
  for (;;) {
    const slot = reader.poll();
    if (slot < 0) {
      const end = Atomics.load(progress, Progress.End);
      const next = reader.readCount + (trailing?.lappedCount ?? 0);
      Atomics.store(progress, progressWord, next);
      if (next >= end) return;
      continue;
    }
    // A gating reader counts when it is done with a record, a trailing one when it has it.
    const due =
      gating === null ? reader.readCount + (trailing?.lappedCount ?? 0) - 1 : reader.readCount;
    for (let word = 0; word < words; word++) {
      if (reader.i32[slot + word] !== wordOf(due, word))
        throw new Error(`not record ${due} at word ${word} of reader ${role}`);
    }
    gating?.advance();
    if ((due & 1023) === 0) Atomics.store(progress, progressWord, due);
  }
}

if (!isMainThread) {
  const input = workerData as VictimInput;
  if (input.role === VictimRole.Writer) write(input);
  else read(input);
}
