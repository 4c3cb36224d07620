/**
 * ring: what a hop between two threads costs, against what else Node offers. Two fresh threads per measurement; pin the
 * process to two idle cores for numbers that mean something (docs/memory.md).
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { RingBuffer } from 'ringbuf.js';
import { allocateRing, type RingSpec } from '#src/memory/ring.js';
import { wakeBytes } from '#src/memory/wake.js';
import type { Bench, Contender } from './bench.js';
import { quantile, type Sample } from './compare.js';
import {
  SLOT_WORDS,
  messageOf,
  type RingJob,
  type RingResult,
  type Variant,
} from './ring-worker.js';

const SLOTS = 4096;
const CHUNK_MESSAGES = 32_768;

const SPEC: RingSpec = {
  name: 'bench',
  slotBytes: 64,
  slotCount: SLOTS,
  readers: [{ name: 'reader', kind: 'gating', wakeIndex: -1 }],
  writerRole: 'producer',
  schemaHashWord: 1,
};

interface Counts {
  readonly warmupMessages: number;
  readonly messages: number;
  /** CHUNK_MESSAGES unless told. */
  readonly chunkMessages?: number;
}

/** Messages per measurement: a third of a second or so for each, whole chunks where chunks are counted. */
const THROUGHPUT: Record<string, Counts> = {
  tickwire: { warmupMessages: 61 * CHUNK_MESSAGES, messages: 122 * CHUNK_MESSAGES },
  'ringbuf.js': { warmupMessages: 15 * CHUNK_MESSAGES, messages: 31 * CHUNK_MESSAGES },
  'ringbuf.js 32': { warmupMessages: 61 * CHUNK_MESSAGES, messages: 122 * CHUNK_MESSAGES },
  postMessage: { warmupMessages: 20_000, messages: 100_000 },
  piscina: { warmupMessages: 5000, messages: 20_000 },
};
const ROUND_TRIP: Record<string, Counts> = {
  tickwire: { warmupMessages: 50_000, messages: 200_000 },
  'tickwire parked': { warmupMessages: 1000, messages: 5000 },
  'ringbuf.js': { warmupMessages: 50_000, messages: 200_000 },
  postMessage: { warmupMessages: 2000, messages: 5000 },
  piscina: { warmupMessages: 1000, messages: 4000 },
};
const QUICK: Counts = { warmupMessages: 64, messages: 256, chunkMessages: 64 };
const PISCINA_IN_FLIGHT = 64;

let pool: Piscina | null = null;

export const bench: Bench = {
  question:
    'how many 64-byte messages pass between two threads, and how long is the way there and back?',
  open({ isQuick }) {
    const counts = (of: Counts | undefined): Counts => (isQuick || of === undefined ? QUICK : of);
    return [
      ...[1, 8, 32].map((batch) => throughput('tickwire', batch, counts(THROUGHPUT['tickwire']))),
      throughput('ringbuf.js', 1, counts(THROUGHPUT['ringbuf.js'])),
      throughput('ringbuf.js', 32, counts(THROUGHPUT['ringbuf.js 32'])),
      throughput('postMessage', 1, counts(THROUGHPUT['postMessage'])),
      piscinaThroughput(counts(THROUGHPUT['piscina'])),
      roundTrip('tickwire', 'spinning round trip', counts(ROUND_TRIP['tickwire'])),
      roundTrip('ringbuf.js', 'spinning round trip', counts(ROUND_TRIP['ringbuf.js'])),
      roundTrip('tickwire parked', 'parked round trip', counts(ROUND_TRIP['tickwire parked'])),
      roundTrip('postMessage', 'parked round trip', counts(ROUND_TRIP['postMessage'])),
      piscinaRoundTrip(counts(ROUND_TRIP['piscina'])),
    ];
  },
  async close() {
    await pool?.destroy();
    pool = null;
  },
};

function throughput(variant: Variant, batch: number, counts: Counts): Contender {
  const { chunkMessages = CHUNK_MESSAGES } = counts;
  return {
    name: `${variant} batch ${batch}`,
    async measure() {
      const [producer, consumer] = await runPair({
        variant,
        mode: 'throughput',
        batch,
        chunkMessages,
        ...counts,
      });
      if (consumer.sum !== expectedSum(counts))
        throw new Error(`${variant}: messages were lost or changed`);
      const what = `batch ${batch}`;
      const nanoseconds = consumer.endNs - producer.startNs;
      const samples: Sample[] = [
        { who: variant, what, unit: 'Mmsg/s', value: (counts.messages * 1e3) / nanoseconds },
      ];
      // The median chunk survives a core that was taken away for a while.
      if (producer.samplesNs.length > 0) {
        const chunkNs = quantile([...producer.samplesNs], 0.5);
        samples.push({
          who: variant,
          what: `${what}, median chunk`,
          unit: 'Mmsg/s',
          value: (chunkMessages * 1e3) / chunkNs,
        });
      }
      return samples;
    },
  };
}

function roundTrip(variant: Variant, what: string, counts: Counts): Contender {
  return {
    name: `${variant} ${what}`,
    async measure() {
      const [producer] = await runPair({
        variant,
        mode: 'round trip',
        batch: 1,
        chunkMessages: CHUNK_MESSAGES,
        ...counts,
      });
      const total = counts.warmupMessages + counts.messages;
      if (producer.sum !== (((total * (total - 1)) / 2) | 0))
        throw new Error(`${variant}: answers were lost or changed`);
      const who = variant.startsWith('tickwire') ? 'tickwire' : variant;
      const samples = latencySamples(who, what, producer.samplesNs);
      // postMessage has no spinning form: its one way to wait is compared with both of ours.
      return variant === 'postMessage'
        ? [...samples, ...latencySamples(who, 'spinning round trip', producer.samplesNs)]
        : samples;
    },
  };
}

function latencySamples(who: string, what: string, samplesNs: Float64Array): Sample[] {
  const sorted = samplesNs.toSorted();
  const at = (fraction: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
  return [
    { who, what: `${what} p50`, unit: 'ns', value: at(0.5) },
    { who, what: `${what} p99`, unit: 'ns', value: at(0.99) },
  ];
}

type Setting = Pick<
  RingJob,
  'variant' | 'mode' | 'batch' | 'warmupMessages' | 'messages' | 'chunkMessages'
>;

async function runPair(setting: Setting): Promise<[RingResult, RingResult]> {
  const allocate = (): SharedArrayBuffer =>
    setting.variant === 'ringbuf.js'
      ? // One element stays free in it.
        RingBuffer.getStorageForCapacity(SLOTS * SLOT_WORDS, Int32Array)
      : allocateRing(SPEC);
  const channel = setting.variant === 'postMessage' ? new MessageChannel() : null;
  const shared = {
    ...setting,
    spec: SPEC,
    buffers: [allocate(), allocate()] as const,
    wakeBuffer: new SharedArrayBuffer(wakeBytes(2)),
    gate: new SharedArrayBuffer(4),
  };
  return await Promise.all([
    runSide({ ...shared, side: 'producer', port: channel?.port1 ?? null }),
    runSide({ ...shared, side: 'consumer', port: channel?.port2 ?? null }),
  ]);
}

async function runSide(job: RingJob): Promise<RingResult> {
  const worker = new Worker(new URL('./ring-worker.js', import.meta.url), {
    workerData: job,
    transferList: job.port === null ? [] : [job.port],
  });
  try {
    return await new Promise<RingResult>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', resolve);
      worker.once('exit', (code) => reject(new Error(`ring worker ended early: code=${code}`)));
    });
  } finally {
    // Ends by itself: a terminated producer would drop what its port still holds.
    worker.unref();
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
      return [
        {
          who: 'piscina',
          what: 'batch 1',
          unit: 'Mmsg/s',
          value: (counts.messages * 1e3) / nanoseconds,
        },
      ];
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
      return latencySamples('piscina', 'parked round trip', samplesNs);
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
