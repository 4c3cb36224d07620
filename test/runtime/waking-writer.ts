/**
 * waking-writer: a thread that gives a runner one piece of work at a time, at moments that wander over every step of going
 * to sleep, and waits until it is done. Worker of agent-thread.test.ts; never sleeps itself.
 */
import { workerData } from 'node:worker_threads';
import { WakeWord } from '#src/memory/wake.js';
import { StopWords } from '#src/runtime/stop-words.js';

export interface WakingWriterData {
  readonly wake: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
  /** Words: pieces published, pieces done, pieces that nobody was woken for. */
  readonly words: SharedArrayBuffer;
  readonly pieces: number;
}

export const PUBLISHED = 0;
export const DONE = 1;
export const LOST = 2;

/** A sleeper that is woken at all is woken long before that. */
const LOST_AFTER_MS = 5_000;
/** Longest pause between two pieces, in turns of an empty loop: some reach a runner that polls, some one that sleeps. */
const PAUSE_TURNS_MAX = 200_000;

const data = workerData as WakingWriterData | null;
if (data !== null && 'pieces' in data) {
  const words = new Int32Array(data.words);
  const wake = new WakeWord(data.wake, 0);
  let random = 1;
  for (let piece = 1; piece <= data.pieces; piece++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    // Short pauses are the ones in which the reader is about to sleep: most are short.
    const turns = (random % PAUSE_TURNS_MAX) >> (random & 15);
    for (let turn = 0; turn < turns; turn++) Atomics.load(words, DONE);
    Atomics.store(words, PUBLISHED, piece);
    wake.signal();
    const deadlineMs = Date.now() + LOST_AFTER_MS;
    while (Atomics.load(words, DONE) !== piece)
      if (Date.now() > deadlineMs) {
        Atomics.add(words, LOST, 1);
        piece = data.pieces;
        break;
      }
  }
  new StopWords(data.stop).ask(0);
  wake.signal();
}
