/**
 * ring.stress: one writer thread and several reader threads of both kinds on real cores, with pauses, sleeps and wake-ups.
 * A torn, lost, doubled or reordered record, a miscounted lap or a lost wake-up is an error.
 *
 *   node dist/test/memory/ring.stress.js [--messages 100000000] [--readers gating,gating-slow,trailing,trailing-slow]
 *
 * The short form is in ring-threads.test.ts. This file is the program, and what each of its workers runs.
 */
import { isMainThread, parentPort, workerData, Worker } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import { must } from '#src/domain/assert.js';
import {
  GatingReader,
  RingWriter,
  TrailingReader,
  allocateRing,
  type RingSpec,
} from '#src/memory/ring.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';

export type StressReader = 'gating' | 'gating-slow' | 'trailing' | 'trailing-slow';

export interface StressOptions {
  readonly messages: number;
  readonly readers: readonly StressReader[];
  readonly slotCount: number;
  readonly slotBytes: 64 | 128;
}

export interface StressReport {
  readonly reader: string;
  readonly readCount: number;
  readonly lappedCount: number;
  readonly sleeps: number;
  /** Sentences; none when all is well. */
  readonly errors: readonly string[];
}

interface WorkerInput {
  readonly role: number;
  readonly options: StressOptions;
  readonly spec: RingSpec;
  readonly buffer: SharedArrayBuffer;
  readonly wakeBuffer: SharedArrayBuffer;
}

/** A sleeper that is not woken for that long although there is a record has lost a wake-up. */
const SLEEP_MS_MAX = 5000;
const SPINS_MAX = 200;
const WRITER_ROLE = -1;

/** Runs writer and readers to the end; one report per reader, the writer's errors in the first. */
export async function runStress(options: StressOptions): Promise<StressReport[]> {
  const spec: RingSpec = {
    name: 'stress',
    slotBytes: options.slotBytes,
    slotCount: options.slotCount,
    readers: options.readers.map((reader, index) => ({
      name: `${reader}-${index}`,
      kind: reader.startsWith('gating') ? 'gating' : 'trailing',
      wakeIndex: index,
    })),
    writerRole: 'writer',
    schemaHashWord: 1,
    // The int32 sequence wraps in the middle of the run.
    startSeq: (0x7fffffff - Math.floor(options.messages / 2)) | 0,
  };
  const buffer = allocateRing(spec);
  const wakeBuffer = new SharedArrayBuffer(wakeBytes(options.readers.length));
  const roles = [...options.readers.keys(), WRITER_ROLE];
  const reports = await Promise.all(
    roles.map((role) => reportOf({ role, options, spec, buffer, wakeBuffer })),
  );
  return reports.filter(({ reader, errors }) => reader !== 'writer' || errors.length > 0);
}

async function reportOf(input: WorkerInput): Promise<StressReport> {
  const worker = new Worker(new URL(import.meta.url), { workerData: input });
  return await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`stress worker ended early: code=${code}`)));
  });
}

/** Every word of a record follows from its number, so that words of two records never fit together. */
function wordOf(value: number, word: number): number {
  return Math.imul(value ^ (word * 0x9e3779b1), 0x85ebca6b) ^ word;
}

function write({ options, spec, buffer, wakeBuffer }: WorkerInput): StressReport {
  const writer = new RingWriter(buffer, spec, wakeBuffer);
  const words = spec.slotBytes / 4 - 1;
  const random = lcg(1);
  let value = 0;
  const fill = (slot: number): void => {
    writer.i32[slot] = value;
    for (let word = 1; word < words; word++) writer.i32[slot + word] = wordOf(value, word);
    value++;
  };
  while (value < options.messages) {
    const dice = random();
    if (dice % 50_000 === 0) nap(1);
    if (dice % 3 === 0) {
      const slots = writer.claimBatch(
        Math.min(1 + (dice % 48), options.messages - value, spec.slotCount),
      );
      if (slots === 0) nap(0.001);
      else {
        const first = value;
        for (let k = 0; k < slots; k++) fill(writer.slotAt(k));
        // Sometimes less than what was claimed.
        const published = dice % 5 === 0 ? Math.ceil(slots / 2) : slots;
        value = first + published;
        writer.publishBatch(published);
      }
    } else {
      const slot = writer.claim();
      if (slot < 0) nap(0.001);
      else {
        fill(slot);
        writer.publish();
      }
    }
  }
  const errors =
    writer.publishedCount === options.messages
      ? []
      : [`writer published ${writer.publishedCount} of ${options.messages}`];
  return { reader: 'writer', readCount: 0, lappedCount: 0, sleeps: 0, errors };
}

function read({ role, options, spec, buffer, wakeBuffer }: WorkerInput): StressReport {
  const kind = must(options.readers[role], 'reader');
  const gating = kind.startsWith('gating') ? new GatingReader(buffer, spec, role) : null;
  const trailing = gating === null ? new TrailingReader(buffer, spec, role) : null;
  const reader = must(gating ?? trailing, 'reader');
  const wake = new WakeWord(wakeBuffer, role);
  const words = spec.slotBytes / 4 - 1;
  const random = lcg(role + 2);
  const errors: string[] = [];
  const fail = (message: string): void => {
    if (errors.length < 10) errors.push(message);
  };
  let expected = 0;
  let lappedBefore = 0;
  let spins = 0;
  let sleeps = 0;
  while (expected < options.messages && errors.length < 10) {
    let slot = reader.poll();
    if (slot < 0) {
      if (++spins < SPINS_MAX) continue;
      spins = 0;
      slot = pollOrSleep();
    }
    if (slot >= 0) check(reader.i32, slot);
  }
  const lappedCount = trailing?.lappedCount ?? 0;
  if (reader.readCount + lappedCount !== options.messages) {
    fail(`${kind}: read ${reader.readCount} + lapped ${lappedCount} is not ${options.messages}`);
  }
  return { reader: kind, readCount: reader.readCount, lappedCount, sleeps, errors };

  function pollOrSleep(): number {
    wake.arm();
    let slot = reader.poll();
    if (slot < 0) {
      const startMs = performance.now();
      wake.wait(SLEEP_MS_MAX);
      sleeps++;
      if (performance.now() - startMs >= SLEEP_MS_MAX) {
        slot = reader.poll();
        if (slot >= 0) fail(`${kind}: lost wake-up before record ${expected}`);
      }
    }
    wake.disarm();
    return slot;
  }

  function check(i32: Int32Array, slot: number): void {
    const value = i32[slot] as number;
    const lapped = trailing === null ? 0 : trailing.lappedCount - lappedBefore;
    lappedBefore += lapped;
    if (value !== expected + lapped) {
      fail(`${kind}: record ${value} where ${expected} + ${lapped} missed was due`);
    }
    expected = value + 1;
    for (let word = 1; word < words; word++) {
      if (i32[slot + word] !== wordOf(value, word))
        fail(`${kind}: torn record ${value} at word ${word}`);
    }
    gating?.advance();
    spins = 0;
    const dice = random();
    if (kind.endsWith('slow') ? dice % 4096 === 0 : dice % 131_072 === 0) nap((dice >>> 8) % 3);
  }
}

/** Gives the core away for a while; there may be fewer cores than threads. */
function nap(ms: number): void {
  Atomics.wait(NAP_WORD, 0, 0, ms);
}
const NAP_WORD = new Int32Array(new SharedArrayBuffer(4));

function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 4;
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000000' },
      readers: { type: 'string', default: 'gating,gating-slow,trailing,trailing-slow' },
      slots: { type: 'string', default: '1024' },
    },
  });
  for (const slotBytes of [64, 128] as const) {
    const options: StressOptions = {
      messages: Number(values.messages),
      readers: values.readers.split(',') as StressReader[],
      slotCount: Number(values.slots),
      slotBytes,
    };
    const startMs = performance.now();
    const reports = await runStress(options);
    const seconds = Number(((performance.now() - startMs) / 1000).toFixed(1));
    const messagesPerSec = Math.round(options.messages / seconds);
    console.log(
      JSON.stringify({ slotBytes, messages: options.messages, seconds, messagesPerSec, reports }),
    );
    if (reports.some(({ errors }) => errors.length > 0)) process.exitCode = 1;
  }
}

if (
  !isMainThread &&
  workerData !== null &&
  typeof workerData === 'object' &&
  'spec' in workerData
) {
  const input = workerData as WorkerInput;
  must(parentPort, 'parentPort').postMessage(
    input.role === WRITER_ROLE ? write(input) : read(input),
  );
} else if (isMainThread && process.argv[1]?.endsWith('ring.stress.js') === true) {
  await main();
}
