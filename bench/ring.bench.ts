/**
 * ring: what a hop between two threads costs, against what else Node offers, and against the rings of other languages where
 * they are installed (foreign-peers.ts; `make bench-peers`). Fresh threads per measurement, the producer pinned to the first
 * core and the consumer to the second (pin.ts); *unpinned* leaves them to the scheduler, which likes to put two threads that
 * take turns on one core. Three threads are never pinned: on two cores, spinning readers would only measure the scheduler's
 * time slices, so two readers park or yield.
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { RingBuffer } from 'ringbuf.js';
import { allocateRing, type RingSpec } from '#src/memory/ring.js';
import { wakeBytes } from '#src/memory/wake.js';
import { quantile, type Sample } from './compare.js';
import { ForeignPeers, type ForeignPeer } from './foreign-peers.js';
import type { Bench, Contender } from './harness.js';
import { canPin } from './pin.js';
import {
  SLOT_WORDS,
  messageOf,
  type RingJob,
  type RingResult,
  type Variant,
} from './ring-worker.js';

const SLOTS = 4096;
const CHUNK_MESSAGES = 32_768;
const READERS_MAX = 2;
/** p50 and p99 stand in tables, all of them in the plot. */
const QUANTILES = ['0.01', '0.1', '0.25', '0.5', '0.75', '0.9', '0.99', '0.999'];
const QUANTILES_SHOWN = ['0.5', '0.99'];

interface Counts {
  readonly warmupMessages: number;
  readonly messages: number;
  /** CHUNK_MESSAGES unless told. */
  readonly chunkMessages?: number;
}

/** Messages per measurement: a third of a second or so for each, whole chunks where chunks are counted. */
const THROUGHPUT: Readonly<Record<Variant | 'piscina', Counts>> = {
  tickwire: { warmupMessages: 61 * CHUNK_MESSAGES, messages: 244 * CHUNK_MESSAGES },
  'tickwire parked': { warmupMessages: 15 * CHUNK_MESSAGES, messages: 61 * CHUNK_MESSAGES },
  'tickwire yielding': { warmupMessages: 15 * CHUNK_MESSAGES, messages: 61 * CHUNK_MESSAGES },
  'ringbuf.js': { warmupMessages: 15 * CHUNK_MESSAGES, messages: 61 * CHUNK_MESSAGES },
  postMessage: { warmupMessages: 20_000, messages: 100_000 },
  BroadcastChannel: { warmupMessages: 20_000, messages: 100_000 },
  piscina: { warmupMessages: 5000, messages: 20_000 },
};
const ROUND_TRIP: Readonly<Record<string, Counts>> = {
  tickwire: { warmupMessages: 50_000, messages: 200_000 },
  'tickwire parked': { warmupMessages: 1000, messages: 5000 },
  'ringbuf.js': { warmupMessages: 50_000, messages: 200_000 },
  postMessage: { warmupMessages: 2000, messages: 5000 },
  BroadcastChannel: { warmupMessages: 2000, messages: 5000 },
  piscina: { warmupMessages: 1000, messages: 4000 },
};
const QUICK: Counts = { warmupMessages: 64, messages: 256, chunkMessages: 64 };
const PISCINA_IN_FLIGHT = 64;

let pool: Piscina | null = null;
let foreign: ForeignPeers | null = null;
let isPinning = false;
let channels = 0;

export const bench: Bench = {
  question:
    'how many 64-byte messages pass between two threads, and how long is the way there and back?',
  open({ isQuick }) {
    isPinning = !isQuick && canPin();
    const counts = (of: Counts | undefined): Counts => (isQuick || of === undefined ? QUICK : of);
    const hop = (variant: Variant, batch: number, readers = 1): Contender =>
      throughput(variant, batch, readers, counts(THROUGHPUT[variant]));
    const trip = (variant: Variant, what: string): Contender =>
      roundTrip(variant, what, counts(ROUND_TRIP[variant]));
    const freeTrip = 'parked round trip, unpinned';
    return [
      hop('tickwire', 1),
      hop('ringbuf.js', 1),
      ...foreignPeers(isQuick).flatMap((peer) => [
        ...peer.batches.map((batch) => foreignThroughput(peer, batch)),
        foreignRoundTrip(peer),
      ]),
      trip('tickwire', 'spinning round trip'),
      trip('ringbuf.js', 'spinning round trip'),
      hop('tickwire', 8),
      hop('ringbuf.js', 8),
      hop('tickwire', 32),
      hop('ringbuf.js', 32),
      hop('tickwire parked', 1),
      hop('tickwire parked', 32),
      hop('postMessage', 1),
      hop('BroadcastChannel', 1),
      piscinaThroughput(counts(THROUGHPUT.piscina)),
      ...(availableParallelism() > READERS_MAX ? [hop('tickwire', 1, 2)] : []),
      hop('tickwire parked', 1, 2),
      hop('tickwire parked', 32, 2),
      hop('tickwire yielding', 1, 2),
      hop('tickwire yielding', 32, 2),
      hop('BroadcastChannel', 1, 2),
      trip('tickwire parked', 'parked round trip'),
      trip('postMessage', 'parked round trip'),
      trip('BroadcastChannel', 'parked round trip'),
      trip('tickwire parked', freeTrip),
      trip('postMessage', freeTrip),
      trip('BroadcastChannel', freeTrip),
      piscinaRoundTrip(counts(ROUND_TRIP['piscina'])),
    ];
  },
  async close() {
    foreign?.close();
    foreign = null;
    await pool?.destroy();
    pool = null;
  },
};

/** None in a quick run: virtual machines start slowly. */
function foreignPeers(isQuick: boolean): readonly ForeignPeer[] {
  if (isQuick) return [];
  if (!isPinning) console.error('!! threads are not pinned: taskset or a second core is missing');
  foreign = new ForeignPeers(isPinning);
  for (const sentence of foreign.missing)
    console.error(`!! SKIPPED, not installed: ${sentence}. \`make bench-peers\` installs it.`);
  return foreign.peers;
}

function foreignThroughput(peer: ForeignPeer, batch: number): Contender {
  return {
    name: `${peer.name} batch ${batch}`,
    async measure() {
      const { whole, chunk } = await peer.throughput(batch);
      return throughputSamples(peer.name, `batch ${batch}`, whole, chunk);
    },
  };
}

function foreignRoundTrip(peer: ForeignPeer): Contender {
  return {
    name: `${peer.name} round trip`,
    async measure() {
      const quantilesNs = await peer.roundTrip();
      return quantileSamples(peer.name, 'spinning round trip', (key) => quantilesNs[key]);
    },
  };
}

function throughput(variant: Variant, batch: number, readers: number, counts: Counts): Contender {
  const { chunkMessages = CHUNK_MESSAGES } = counts;
  const what = readers === 1 ? `batch ${batch}` : `batch ${batch}, ${readers} readers`;
  return {
    name: `${variant} ${what}`,
    async measure() {
      const [producer, ...consumers] = await runSides(
        { variant, mode: 'throughput', batch, chunkMessages, ...counts },
        readers,
      );
      const sum = expectedSum(counts);
      if (consumers.some((consumer) => consumer.sum !== sum))
        throw new Error(`${variant}: messages were lost or changed`);
      const endNs = Math.max(...consumers.map((consumer) => consumer.endNs));
      const whole = (counts.messages * 1e3) / (endNs - producer.startNs);
      // The median chunk survives a core that was taken away for a while.
      return producer.samplesNs.length === 0
        ? throughputSamples(variant, what, whole)
        : throughputSamples(
            variant,
            what,
            whole,
            (chunkMessages * 1e3) / quantile([...producer.samplesNs], 0.5),
          );
    },
  };
}

function throughputSamples(who: string, what: string, whole: number, chunk?: number): Sample[] {
  const unit = 'Mmsg/s';
  const sample: Sample = { who, what, unit, value: whole };
  return chunk === undefined
    ? [sample]
    : [sample, { who, what: `${what}, median chunk`, unit, value: chunk }];
}

function roundTrip(variant: Variant, what: string, counts: Counts): Contender {
  return {
    name: `${variant} ${what}`,
    async measure() {
      const [producer] = await runSides(
        { variant, mode: 'round trip', batch: 1, chunkMessages: CHUNK_MESSAGES, ...counts },
        1,
        !what.endsWith('unpinned'),
      );
      const total = counts.warmupMessages + counts.messages;
      if (producer.sum !== (((total * (total - 1)) / 2) | 0))
        throw new Error(`${variant}: answers were lost or changed`);
      const who = variant.startsWith('tickwire') ? 'tickwire' : variant;
      const samples = latencySamples(who, what, producer.samplesNs);
      // postMessage has no spinning form: its one way to wait is compared with both of ours.
      return variant === 'postMessage' && what === 'parked round trip'
        ? [...samples, ...latencySamples(who, 'spinning round trip', producer.samplesNs)]
        : samples;
    },
  };
}

function latencySamples(who: string, what: string, samplesNs: Float64Array): Sample[] {
  const sorted = samplesNs.toSorted();
  return quantileSamples(
    who,
    what,
    (key) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * Number(key)))],
  );
}

function quantileSamples(
  who: string,
  what: string,
  at: (key: string) => number | undefined,
): Sample[] {
  return QUANTILES.map((key) => ({
    who,
    what: `${what} p${Number((Number(key) * 100).toFixed(3))}`,
    unit: 'ns',
    value: at(key) ?? Number.NaN,
    ...(QUANTILES_SHOWN.includes(key) ? {} : { isDetail: true }),
  }));
}

type Setting = Pick<
  RingJob,
  'variant' | 'mode' | 'batch' | 'warmupMessages' | 'messages' | 'chunkMessages'
>;

/** The producer's result, then those of the readers. */
async function runSides(
  setting: Setting,
  readers: number,
  isPinned = readers === 1,
): Promise<[RingResult, ...RingResult[]]> {
  const isWaking = setting.variant === 'tickwire parked';
  const spec: RingSpec = {
    name: 'bench',
    slotBytes: 64,
    slotCount: SLOTS,
    readers: Array.from({ length: readers }, (_, index) => ({
      name: `reader-${index}`,
      kind: 'gating',
      wakeIndex: isWaking ? index : -1,
    })),
    writerRole: 'producer',
    schemaHashWord: 1,
  };
  const allocate = (): SharedArrayBuffer =>
    setting.variant === 'ringbuf.js'
      ? // One element stays free in it.
        RingBuffer.getStorageForCapacity(SLOTS * SLOT_WORDS, Int32Array)
      : allocateRing(spec);
  const ports = setting.variant === 'postMessage' ? new MessageChannel() : null;
  const core = (index: number): number => (isPinning && isPinned ? index : -1);
  const shared = {
    ...setting,
    spec,
    sides: readers + 1,
    buffers: [allocate(), allocate()] as const,
    wakeBuffer: new SharedArrayBuffer(wakeBytes(READERS_MAX)),
    gate: new SharedArrayBuffer(4),
    channelName: `tickwire-bench-${++channels}`,
  };
  const sides = [
    new Side({ ...shared, side: 'producer', reader: 0, core: core(0), port: ports?.port1 ?? null }),
    ...Array.from(
      { length: readers },
      (_, reader) =>
        new Side({
          ...shared,
          side: 'consumer',
          reader,
          core: core(1),
          port: ports?.port2 ?? null,
        }),
    ),
  ];
  try {
    const results = await Promise.all(sides.map((side) => side.result));
    return results as [RingResult, ...RingResult[]];
  } finally {
    // Not before all are done: a producer that ends drops what its port still holds.
    for (const side of sides) side.end();
  }
}

/** A worker with its result. */
class Side {
  readonly #worker: Worker;
  readonly result: Promise<RingResult>;

  constructor(job: RingJob) {
    this.#worker = new Worker(new URL('./ring-worker.js', import.meta.url), {
      workerData: job,
      transferList: job.port === null ? [] : [job.port],
    });
    this.result = new Promise<RingResult>((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('message', resolve);
      this.#worker.once('exit', (code) =>
        reject(new Error(`ring worker ended early: code=${code}`)),
      );
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

function piscinaThroughput(counts: Counts): Contender {
  return {
    name: 'piscina batch 1',
    async measure() {
      await piscinaRuns(counts.warmupMessages, PISCINA_IN_FLIGHT);
      const start = process.hrtime.bigint();
      await piscinaRuns(counts.messages, PISCINA_IN_FLIGHT);
      const nanoseconds = Number(process.hrtime.bigint() - start);
      return throughputSamples('piscina', 'batch 1', (counts.messages * 1e3) / nanoseconds);
    },
  };
}

function piscinaRoundTrip(counts: Counts): Contender {
  return {
    name: 'piscina round trip',
    async measure() {
      await piscinaRuns(counts.warmupMessages, 1);
      const samplesNs = new Float64Array(counts.messages);
      for (let trip = 0; trip < counts.messages; trip++) {
        const startMs = performance.now();
        await piscina().run(messageOf(trip));
        samplesNs[trip] = (performance.now() - startMs) * 1e6;
      }
      return latencySamples('piscina', 'parked round trip, unpinned', samplesNs);
    },
  };
}

async function piscinaRuns(messages: number, inFlight: number): Promise<void> {
  let next = 0;
  let sum = 0;
  const lane = async (): Promise<void> => {
    while (next < messages) {
      const value = next++;
      const answer = (await piscina().run(messageOf(value))) as number;
      sum = (sum + answer) | 0;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  if (sum !== ((4 * messages * (messages - 1)) | 0))
    throw new Error('piscina: answers were lost or changed');
}

function piscina(): Piscina {
  pool ??= new Piscina({
    filename: new URL('./piscina-worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: PISCINA_IN_FLIGHT,
  });
  return pool;
}

/** Sum of the eight words of all messages, as int32. */
function expectedSum({ warmupMessages, messages }: Counts): number {
  let sum = 0;
  for (let value = 0; value < warmupMessages + messages; value++)
    sum = (sum + Math.imul(value, 8)) | 0;
  return sum;
}
