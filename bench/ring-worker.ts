/**
 * ring-worker: one side of one measurement of ring.bench.ts, in a thread of its own. A fresh pair of threads per
 * measurement: no case inherits the compiled code of another. Every variant has its own loops for the same reason.
 *
 * Work is the same everywhere: 64-byte messages, 8 words written, read and summed; the consumer's sum is checked.
 */
import { BroadcastChannel, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { RingBuffer } from 'ringbuf.js';
import { must } from '#src/domain/assert.js';
import { GatingReader, RingWriter, type RingSpec } from '#src/memory/ring.js';
import { WakeWord } from '#src/memory/wake.js';
import { pinThisThread } from './pin.js';

export type Variant =
  | 'tickwire'
  | 'tickwire parked'
  | 'tickwire yielding'
  | 'ringbuf.js'
  | 'postMessage'
  | 'BroadcastChannel';

export interface RingJob {
  readonly variant: Variant;
  readonly side: 'producer' | 'consumer';
  /** Which of the consumers. */
  readonly reader: number;
  readonly sides: number;
  /** Core to run on, counted in those that the process may use; -1: wherever. */
  readonly core: number;
  readonly mode: 'throughput' | 'round trip';
  readonly batch: number;
  readonly warmupMessages: number;
  readonly messages: number;
  /** Throughput is also taken per chunk; warm-up is whole chunks. */
  readonly chunkMessages: number;
  readonly spec: RingSpec;
  /** There and back. For ringbuf.js its own storage, for postMessage unused. */
  readonly buffers: readonly [SharedArrayBuffer, SharedArrayBuffer];
  readonly wakeBuffer: SharedArrayBuffer;
  /** Both sides count themselves in here and start together. */
  readonly gate: SharedArrayBuffer;
  readonly port: MessagePort | null;
  /** Of the BroadcastChannel. */
  readonly channelName: string;
}

export interface RingResult {
  /** Monotonic, the same clock in both threads. */
  readonly startNs: number;
  readonly endNs: number;
  readonly sum: number;
  /** Round trips: each one, in ns. Throughput: of each chunk, in ns. */
  readonly samplesNs: Float64Array;
}

export const SLOT_WORDS = 16;
/** A parked side wakes up by itself after that long; a lost wake-up would show as an outlier. */
const PARK_MS_MAX = 1000;
/** A microsecond: the shortest time for which a thread can give its core away. */
const YIELD_MS = 0.001;

interface Link {
  put(value: number): void;
  take(): number;
}

if (isJob(workerData)) {
  const job = workerData;
  const post = (result: RingResult): void => must(parentPort, 'parentPort').postMessage(result);
  if (job.core >= 0) pinThisThread(job.core);
  if (job.variant === 'postMessage' || job.variant === 'BroadcastChannel') runPort(job, post);
  else if (job.mode === 'round trip') post(runRoundTrip(job));
  else if (job.variant === 'ringbuf.js') post(runRingbuf(job));
  else if (job.side === 'consumer' && job.variant !== 'tickwire') post(runSleepingReader(job));
  else post(runTickwire(job));
}

// ---- Throughput.

function runTickwire({
  side,
  spec,
  buffers,
  batch,
  warmupMessages,
  messages,
  chunkMessages,
  gate,
  reader: readerIndex,
  sides,
  variant,
  wakeBuffer,
}: RingJob): RingResult {
  const total = warmupMessages + messages;
  if (side === 'consumer') {
    const reader = new GatingReader(buffers[0], spec, readerIndex);
    const i32 = reader.i32;
    arrive(gate, sides);
    let sum = 0;
    for (let value = 0; value < total; value++) {
      let slot = reader.poll();
      while (slot < 0) slot = reader.poll();
      sum = (sum + sumOf(i32, slot)) | 0;
      reader.advance();
    }
    return { startNs: 0, endNs: nowNs(), sum, samplesNs: new Float64Array(0) };
  }
  const writer = new RingWriter(
    buffers[0],
    spec,
    variant === 'tickwire parked' ? wakeBuffer : null,
  );
  const i32 = writer.i32;
  const chunks = chunkClock(warmupMessages, messages, chunkMessages);
  arrive(gate, sides);
  if (batch === 1) {
    for (let value = 0; value < total; value++) {
      if (value % chunkMessages === 0) chunks.tick(value);
      let slot = writer.claim();
      while (slot < 0) slot = writer.claim();
      fill(i32, slot, value);
      writer.publish();
    }
  } else {
    for (let value = 0; value < total;) {
      if (value % chunkMessages === 0) chunks.tick(value);
      const rest = total - value;
      const wanted = rest < batch ? rest : batch;
      // Whole batches, so that batch 8 means 8 and chunks begin at the same messages everywhere.
      let slots = writer.claimBatch(wanted);
      while (slots < wanted) slots = writer.claimBatch(wanted);
      for (let k = 0; k < wanted; k++) fill(i32, writer.slotAt(k), value + k);
      writer.publishBatch();
      value += wanted;
    }
  }
  return chunks.result();
}

/** Parked (arm, look once more, sleep until woken) or yielding (sleeps a microsecond, wakes up by itself). */
function runSleepingReader(job: RingJob): RingResult {
  const reader = new GatingReader(job.buffers[0], job.spec, job.reader);
  const i32 = reader.i32;
  const wake = new WakeWord(job.wakeBuffer, job.reader);
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const isYielding = job.variant === 'tickwire yielding';
  const total = job.warmupMessages + job.messages;
  arrive(job.gate, job.sides);
  let sum = 0;
  for (let value = 0; value < total; value++) {
    let slot = reader.poll();
    while (slot < 0) {
      if (isYielding) Atomics.wait(nobody, 0, 0, YIELD_MS);
      else wake.arm();
      slot = reader.poll();
      if (isYielding) continue;
      if (slot < 0) wake.wait(PARK_MS_MAX);
      wake.disarm();
    }
    sum = (sum + sumOf(i32, slot)) | 0;
    reader.advance();
  }
  return { startNs: 0, endNs: nowNs(), sum, samplesNs: new Float64Array(0) };
}

function runRingbuf({
  side,
  buffers,
  batch,
  warmupMessages,
  messages,
  chunkMessages,
  gate,
  sides,
}: RingJob): RingResult {
  const total = warmupMessages + messages;
  const ring = new RingBuffer(buffers[0], Int32Array);
  const words = new Int32Array(SLOT_WORDS * batch);
  arrive(gate, sides);
  if (side === 'consumer') {
    let sum = 0;
    for (let value = 0; value < total;) {
      const taken = ring.pop(words, words.length) / SLOT_WORDS;
      for (let k = 0; k < taken; k++) sum = (sum + sumOf(words, k * SLOT_WORDS)) | 0;
      value += taken;
    }
    return { startNs: 0, endNs: nowNs(), sum, samplesNs: new Float64Array(0) };
  }
  const chunks = chunkClock(warmupMessages, messages, chunkMessages);
  for (let value = 0; value < total;) {
    if (value % chunkMessages === 0) chunks.tick(value);
    const rest = total - value;
    const wanted = rest < batch ? rest : batch;
    for (let k = 0; k < wanted; k++) fill(words, k * SLOT_WORDS, value + k);
    let pushed = 0;
    while (pushed < wanted * SLOT_WORDS)
      pushed += ring.push(words, wanted * SLOT_WORDS - pushed, pushed);
    value += wanted;
  }
  return chunks.result();
}

// ---- Round trips: the producer sends a value and waits until it comes back.

function runRoundTrip(job: RingJob): RingResult {
  const link = linkOf(job);
  const total = job.warmupMessages + job.messages;
  arrive(job.gate, job.sides);
  if (job.side === 'consumer') {
    for (let trip = 0; trip < total; trip++) link.put(link.take());
    return { startNs: 0, endNs: nowNs(), sum: 0, samplesNs: new Float64Array(0) };
  }
  const samplesNs = new Float64Array(job.messages);
  let sum = 0;
  let lastMs = performance.now();
  const startNs = nowNs();
  for (let trip = 0; trip < total; trip++) {
    link.put(trip);
    sum = (sum + link.take()) | 0;
    const thisMs = performance.now();
    if (trip >= job.warmupMessages) samplesNs[trip - job.warmupMessages] = (thisMs - lastMs) * 1e6;
    lastMs = thisMs;
  }
  return { startNs, endNs: nowNs(), sum, samplesNs };
}

function linkOf(job: RingJob): Link {
  const isProducer = job.side === 'producer';
  const outBuffer = job.buffers[isProducer ? 0 : 1];
  const inBuffer = job.buffers[isProducer ? 1 : 0];
  if (job.variant === 'ringbuf.js') return ringbufLink(outBuffer, inBuffer);
  if (job.variant === 'tickwire') {
    return spinningLink(
      new RingWriter(outBuffer, job.spec, null),
      new GatingReader(inBuffer, job.spec, 0),
    );
  }
  // The ring there wakes word 0, the ring back wakes word 1.
  const wakes = (wakeIndex: number): RingSpec => ({
    ...job.spec,
    readers: job.spec.readers.map((reader) => ({ ...reader, wakeIndex })),
  });
  const writer = new RingWriter(outBuffer, wakes(isProducer ? 0 : 1), job.wakeBuffer);
  const reader = new GatingReader(inBuffer, wakes(isProducer ? 1 : 0), 0);
  return parkingLink(writer, reader, new WakeWord(job.wakeBuffer, isProducer ? 1 : 0));
}

function spinningLink(writer: RingWriter, reader: GatingReader): Link {
  return {
    put(value) {
      let slot = writer.claim();
      while (slot < 0) slot = writer.claim();
      fill(writer.i32, slot, value);
      writer.publish();
    },
    take() {
      let slot = reader.poll();
      while (slot < 0) slot = reader.poll();
      const value = reader.i32[slot] as number;
      reader.advance();
      return value;
    },
  };
}

function parkingLink(writer: RingWriter, reader: GatingReader, wake: WakeWord): Link {
  return {
    put(value) {
      let slot = writer.claim();
      while (slot < 0) slot = writer.claim();
      fill(writer.i32, slot, value);
      writer.publish();
    },
    take() {
      let slot = reader.poll();
      while (slot < 0) {
        wake.arm();
        slot = reader.poll();
        if (slot < 0) {
          wake.wait(PARK_MS_MAX);
          slot = reader.poll();
        }
        wake.disarm();
      }
      const value = reader.i32[slot] as number;
      reader.advance();
      return value;
    },
  };
}

function ringbufLink(outBuffer: SharedArrayBuffer, inBuffer: SharedArrayBuffer): Link {
  const out = new RingBuffer(outBuffer, Int32Array);
  const back = new RingBuffer(inBuffer, Int32Array);
  const words = new Int32Array(SLOT_WORDS);
  return {
    put(value) {
      fill(words, 0, value);
      let pushed = out.push(words, SLOT_WORDS);
      while (pushed < SLOT_WORDS) pushed += out.push(words, SLOT_WORDS - pushed, pushed);
    },
    take() {
      let popped = back.pop(words, SLOT_WORDS);
      while (popped < SLOT_WORDS) popped += back.pop(words, SLOT_WORDS - popped, popped);
      return words[0] as number;
    },
  };
}

// ---- MessagePort and BroadcastChannel, both modes.

interface Door {
  post(message: PortMessage): void;
  onMessage(handle: (message: PortMessage) => void): void;
  close(): void;
}

function portDoor(job: RingJob): Door {
  const port = must(job.port, 'port');
  return {
    post: (message) => port.postMessage(message),
    onMessage: (handle) => void port.on('message', handle),
    close: () => port.close(),
  };
}

/** One channel for both directions: nobody hears himself. */
function broadcastDoor(job: RingJob): Door {
  const channel = new BroadcastChannel(job.channelName);
  return {
    post: (message) => channel.postMessage(message),
    onMessage: (handle) => {
      channel.onmessage = (event: unknown) => handle((event as { data: PortMessage }).data);
    },
    close: () => channel.close(),
  };
}

interface PortMessage {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
  readonly g: number;
  readonly h: number;
}

function runPort(job: RingJob, post: (result: RingResult) => void): void {
  const port = job.variant === 'postMessage' ? portDoor(job) : broadcastDoor(job);
  const total = job.warmupMessages + job.messages;
  const end = (result: RingResult): void => {
    port.close();
    post(result);
  };
  let count = 0;
  let sum = 0;
  if (job.side === 'consumer') {
    port.onMessage((message) => {
      sum =
        (sum +
          message.a +
          message.b +
          message.c +
          message.d +
          message.e +
          message.f +
          message.g +
          message.h) |
        0;
      if (job.mode === 'round trip') port.post(message);
      if (++count === total)
        end({ startNs: 0, endNs: nowNs(), sum, samplesNs: new Float64Array(0) });
    });
    arrive(job.gate, job.sides);
    return;
  }
  arrive(job.gate, job.sides);
  if (job.mode === 'throughput') {
    const chunks = chunkClock(job.warmupMessages, job.messages, job.chunkMessages);
    for (let value = 0; value < total; value++) {
      if (value === job.warmupMessages) chunks.tick(value);
      port.post(messageOf(value));
    }
    // Closing now would drop what is still on its way: the consumer closes.
    post(chunks.result());
    return;
  }
  const samplesNs = new Float64Array(job.messages);
  const startNs = nowNs();
  let lastMs = performance.now();
  port.onMessage((message) => {
    sum = (sum + message.a) | 0;
    const thisMs = performance.now();
    if (count >= job.warmupMessages)
      samplesNs[count - job.warmupMessages] = (thisMs - lastMs) * 1e6;
    lastMs = thisMs;
    if (++count === total) end({ startNs, endNs: nowNs(), sum, samplesNs });
    else port.post(messageOf(count));
  });
  port.post(messageOf(0));
}

export function messageOf(value: number): PortMessage {
  return { a: value, b: value, c: value, d: value, e: value, f: value, g: value, h: value };
}

// ---- What all share.

// Written out, as compilers of the other languages write their loops out.

function fill(i32: Int32Array, slot: number, value: number): void {
  i32[slot] = value;
  i32[slot + 1] = value;
  i32[slot + 2] = value;
  i32[slot + 3] = value;
  i32[slot + 4] = value;
  i32[slot + 5] = value;
  i32[slot + 6] = value;
  i32[slot + 7] = value;
}

function sumOf(i32: Int32Array, slot: number): number {
  let sum = ((i32[slot] as number) + (i32[slot + 1] as number)) | 0;
  sum = (sum + (i32[slot + 2] as number)) | 0;
  sum = (sum + (i32[slot + 3] as number)) | 0;
  sum = (sum + (i32[slot + 4] as number)) | 0;
  sum = (sum + (i32[slot + 5] as number)) | 0;
  sum = (sum + (i32[slot + 6] as number)) | 0;
  return (sum + (i32[slot + 7] as number)) | 0;
}

/** All threads leave here together. */
function arrive(gate: SharedArrayBuffer, sides: number): void {
  const word = new Int32Array(gate);
  Atomics.add(word, 0, 1);
  Atomics.notify(word, 0);
  for (let seen = Atomics.load(word, 0); seen < sides; seen = Atomics.load(word, 0))
    Atomics.wait(word, 0, seen, 1000);
}

function chunkClock(
  warmupMessages: number,
  messages: number,
  chunkMessages: number,
): { tick(value: number): void; result(): RingResult } {
  const times = new Float64Array(Math.ceil(messages / chunkMessages) + 1);
  let count = 0;
  let startNs = 0;
  return {
    tick(value) {
      if (value < warmupMessages) return;
      const now = nowNs();
      if (count === 0) startNs = now;
      times[count++] = now;
    },
    result() {
      const samplesNs = new Float64Array(Math.max(0, count - 1));
      for (let k = 0; k < samplesNs.length; k++)
        samplesNs[k] = (times[k + 1] as number) - (times[k] as number);
      return { startNs, endNs: nowNs(), sum: 0, samplesNs };
    },
  };
}

function nowNs(): number {
  return Number(process.hrtime.bigint());
}

function isJob(data: unknown): data is RingJob {
  return typeof data === 'object' && data !== null && 'variant' in data;
}
