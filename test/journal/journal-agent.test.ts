/** journal-agent: what execution publishes reaches the disk, in batches, or the run ends loudly. */
import { join } from 'node:path';
import t from 'tap';
import { EventKind } from '#src/domain/core-record.js';
import { OrderState } from '#src/domain/order.js';
import { SCHEMA_HASH_WORD } from '#src/generated/hot.js';
import { JournalAgent } from '#src/journal/journal-agent.js';
import { beginRun, SqliteJournalWriter, SqliteStoreReader } from '#src/journal/sqlite-store.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import { allocateRing, GatingReader, RingWriter, type RingSpec } from '#src/memory/ring.js';
import type { JournalWriter } from '#src/ports/store.js';
import {
  Counter,
  COUNTERS_PER_BLOCK,
  Histogram,
  HISTOGRAM_NAMES,
  Telemetry,
} from '#src/runtime/telemetry.js';
import { RecordSource, RUN_EPOCH_NS, runOptions } from './records.js';

const ORDER = 4_294_967_296 + 1;
const BATCH_WAIT_NS = 5_000_000;

class Clock {
  readonly runEpochNs = RUN_EPOCH_NS;
  ns = 0;
  nowNs(): number {
    return this.ns;
  }
}

interface Rig {
  readonly agent: JournalAgent;
  readonly source: RecordSource;
  readonly ring: RingWriter;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly histograms: readonly SharedHistogram[];
  readonly failures: Error[];
}

function rig(openWriter: () => JournalWriter, slotCount = 1024): Rig {
  const spec: RingSpec = {
    name: 'events',
    slotBytes: 128,
    slotCount,
    readers: [{ name: 'journal', kind: 'gating', wakeIndex: -1 }],
    writerRole: 'execution',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  const buffer = allocateRing(spec);
  const ring = new RingWriter(buffer, spec, null);
  const clock = new Clock();
  const block = new CounterBlock(
    new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
    0,
    COUNTERS_PER_BLOCK,
  );
  const histogramBuffer = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  const histograms = HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(histogramBuffer, index));
  const telemetry = new Telemetry(block, histograms);
  const agent = new JournalAgent({
    events: new GatingReader(buffer, spec, 0),
    openWriter,
    clock,
    telemetry,
    batchWaitNs: BATCH_WAIT_NS,
  });
  const failures: Error[] = [];
  agent.onStart({
    poke: () => undefined,
    fail: (error) => {
      failures.push(error);
    },
  });
  const source = new RecordSource((i32, base) => {
    const at = ring.claim();
    if (at < 0) throw new Error('the ring is full');
    for (let word = 0; word < 31; word++) ring.i32[at + word] = i32[base + word] ?? 0;
    ring.publish();
  });
  return { agent, source, ring, clock, telemetry, histograms, failures };
}

/** Duty cycles until nothing is left to do, as a runner would; bounded. */
function finish(one: Rig): void {
  one.agent.onStop();
  for (let cycle = 0; cycle < 1000 && !one.agent.isDone; cycle++) one.agent.doWork(one.clock.ns);
}

t.test('a record waits for company at most the batch time, and is then on disk', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const one = rig(() => new SqliteJournalWriter({ path, run }));
  const reader = new SqliteStoreReader(path);
  one.clock.ns = 1_000_000;
  one.source.openOrder(ORDER);
  t.equal(one.agent.nextTurnNs, Infinity, 'no turn is wanted for an empty batch');
  t.ok(one.agent.doWork(one.clock.ns) > 0);
  t.equal(reader.lastSeq(), 0, 'not yet');
  t.equal(one.agent.nextTurnNs, one.clock.ns + BATCH_WAIT_NS, 'its thread may sleep until then');
  one.clock.ns += BATCH_WAIT_NS - 1;
  one.agent.doWork(one.clock.ns);
  t.equal(reader.lastSeq(), 0, 'not yet');
  one.clock.ns += 1;
  one.agent.doWork(one.clock.ns);
  t.equal(reader.lastSeq(), one.source.seq);
  t.match(reader.openOrders(), [{ state: 'Open', clientOrderId: `abc123${String(ORDER)}` }]);
  t.equal(one.telemetry.get(Counter.journalBatches), 1);
  t.equal(one.telemetry.get(Counter.journalRecords), one.source.seq + 2, 'texts are records too');
  t.equal(one.histograms[Histogram.journalCommit]?.snapshot().count, 1);
  one.agent.doWork(one.clock.ns + 10 * BATCH_WAIT_NS);
  t.equal(one.telemetry.get(Counter.journalBatches), 1, 'nothing new, no empty transaction');
  t.equal(one.agent.nextTurnNs, Infinity);
  finish(one);
  one.agent.onClose();
  reader.close();
  t.end();
});

t.test('a full batch is written at once, and the ring gets its room back', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const one = rig(() => new SqliteJournalWriter({ path, run, batchCapacity: 8 }), 64);
  for (let round = 0; round < 50; round++) {
    for (let n = 0; n < 8; n++) one.source.record(EventKind.Mark, { priceMantissa: n });
    one.agent.doWork(one.clock.ns);
  }
  t.equal(one.telemetry.get(Counter.journalRecords), 400);
  t.equal(one.telemetry.get(Counter.journalBatches), 50);
  t.equal(one.ring.fullCount, 0);
  finish(one);
  one.agent.onClose();
  t.end();
});

t.test('a stop drains the ring, ends the run and leaves one file', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const one = rig(() => new SqliteJournalWriter({ path, run, batchCapacity: 16 }));
  one.source.openOrder(ORDER);
  for (let n = 0; n < 300; n++) one.source.record(EventKind.Mark);
  one.source.fill(ORDER, 9, OrderState.Filled);
  one.clock.ns = 77;
  t.notOk(one.agent.isDone);
  finish(one);
  t.ok(one.agent.isDone);
  one.agent.onClose();
  const reader = new SqliteStoreReader(path);
  t.equal(reader.lastSeq(), one.source.seq);
  t.equal(reader.fills({ limit: 5 }).length, 1);
  t.match(reader.runs(1), [{ exitState: 'ended', endedNs: String(RUN_EPOCH_NS + 77n) }]);
  reader.close();
  t.strictSame(one.failures, []);
  t.end();
});

t.test('a store that fails ends the run with its error and is not asked again', (t) => {
  let commitCount = 0;
  const calls: string[] = [];
  const broken: JournalWriter = {
    capacity: 4,
    pendingCount: 4,
    durableSeq: 0,
    append: () => undefined,
    commit: () => {
      commitCount++;
      throw new Error('disk full');
    },
    endRun: () => calls.push('endRun'),
    close: () => calls.push('close'),
  };
  const one = rig(() => broken);
  one.source.record(EventKind.Mark);
  one.agent.doWork(0);
  one.agent.doWork(BATCH_WAIT_NS);
  t.match(one.failures, [{ message: 'disk full' }]);
  t.equal(commitCount, 1);
  t.ok(one.agent.isDone, 'it does not hold up the end');
  one.agent.onClose();
  t.strictSame(calls, ['close'], 'the run stays open in the journal: the next one calls it lost');
  t.end();
});

t.test(
  'an agent that is closed without a stop keeps what was published and calls its run failed',
  (t) => {
    const path = join(t.testdir(), 'journal.sqlite');
    const { run } = beginRun(path, runOptions());
    const one = rig(() => new SqliteJournalWriter({ path, run, batchCapacity: 4 }));
    for (let n = 0; n < 30; n++) one.source.record(EventKind.Mark);
    one.agent.onClose();
    const reader = new SqliteStoreReader(path);
    t.equal(reader.lastSeq(), 30);
    t.match(reader.runs(1), [{ exitState: 'failed' }]);
    reader.close();
    t.end();
  },
);
