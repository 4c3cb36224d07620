/**
 * The engine's recorder: what it wrote is what was published; what it missed is a hole that its reader tells to the record;
 * a disk that fails ends the recording and nothing else.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import { SCHEMA_HASH_WORD, TICK_BYTES, TICK_WORDS } from '#src/generated/hot.js';
import { Recorder } from '#src/journal/recorder.js';
import { openRecording } from '#src/journal/recording-files.js';
import type { RecordingWriter } from '#src/journal/recording-writer.js';
import { CounterBlock } from '#src/memory/counters.js';
import { allocateRing, RingWriter, TrailingReader } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { Counter, COUNTERS_PER_BLOCK, Telemetry } from '#src/runtime/telemetry.js';
import { Program } from '../harness/program.js';
import { tempDir, TICK_INFO, tickAt, tickOf, writerIn } from './recording-rig.js';

interface Rig {
  readonly recorder: Recorder;
  readonly telemetry: Telemetry;
  readonly failures: Error[];
  readonly publish: (from: number, to: number) => void;
}

function rig(openWriter: () => RecordingWriter): Rig {
  const spec: RingSpec = {
    name: 'ticks',
    slotBytes: TICK_BYTES,
    slotCount: 256,
    readers: [{ name: 'recorder', kind: 'trailing', wakeIndex: -1 }],
    writerRole: 'ingest',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  const ring = allocateRing(spec);
  const writer = new RingWriter(ring, spec, null);
  const counters = new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK));
  const telemetry = new Telemetry(new CounterBlock(counters, 0, COUNTERS_PER_BLOCK), []);
  const failures: Error[] = [];
  const recorder = new Recorder({
    ticks: new TrailingReader(ring, spec, 0),
    openWriter,
    telemetry,
    flushNs: 1_000,
    onFailure: (error) => failures.push(error),
  });
  return {
    recorder,
    telemetry,
    failures,
    publish: (from, to) => {
      for (let number = from; number < to; number++) {
        const base = writer.claim();
        const tick = tickOf(number);
        for (let word = 0; word < TICK_WORDS - 1; word++)
          writer.i32[base + word] = tick[word] as number;
        writer.publish();
      }
    },
  };
}

/** Numbers of the recorded ticks, by their own fields. */
function ticksIn(dir: string): { readonly seqs: number[]; readonly lost: unknown[] } {
  const reader = openRecording(dir);
  const seqs: number[] = [];
  while (reader.next()) seqs.push(tickAt(reader).venueSeq);
  return { seqs, lost: reader.damages.map(({ firstLost, lastLost }) => [firstLost, lastLost]) };
}

t.test('every published tick is recorded, to the last one at the end', async (t) => {
  const dir = tempDir(t);
  const { recorder, telemetry, publish } = rig(() => writerIn(dir, TICK_INFO));
  recorder.onStart();
  let nowNs = 0;
  for (let from = 0; from < 1_000; from += 100) {
    publish(from, from + 100);
    recorder.doWork((nowNs += 500));
  }
  publish(1_000, 1_050);
  recorder.onStop();
  t.ok(recorder.isDone);
  recorder.onClose();
  t.same(ticksIn(dir), { seqs: Array.from({ length: 1_050 }, (_, number) => number), lost: [] });
  t.equal(telemetry.get(Counter.recordedRecords), 1_050);
  t.ok(telemetry.get(Counter.recordedBytes) > 1_050 * TICK_BYTES);
});

t.test(
  'what a recorder that was too slow has missed is a hole of exactly that many records',
  async (t) => {
    const dir = tempDir(t);
    const { recorder, telemetry, publish } = rig(() => writerIn(dir, TICK_INFO));
    recorder.onStart();
    publish(0, 50);
    recorder.doWork(10_000);
    publish(50, 2_000);
    recorder.doWork(20_000);
    publish(2_000, 2_010);
    recorder.onClose();
    const missed = telemetry.get(Counter.ticksLapped);
    t.ok(missed > 1_500);
    const { seqs, lost } = ticksIn(dir);
    t.same(lost, [[50, 50 + missed - 1]]);
    t.same(seqs, [
      ...Array.from({ length: 50 }, (_, number) => number),
      ...Array.from({ length: 2_010 - 50 - missed }, (_, number) => 50 + missed + number),
    ]);
  },
);

t.test('a disk that fails ends the recording, is counted, and troubles nobody else', async (t) => {
  const dir = tempDir(t);
  let isBroken = false;
  const { recorder, telemetry, failures, publish } = rig(() => {
    const writer = writerIn(dir, TICK_INFO);
    const flush = writer.flush.bind(writer);
    writer.flush = () => {
      if (isBroken) throw new Error('no space left on device');
      flush();
    };
    return writer;
  });
  recorder.onStart();
  publish(0, 50);
  recorder.doWork(10_000);
  isBroken = true;
  publish(50, 100);
  recorder.doWork(20_000);
  t.equal(failures.length, 1);
  t.equal(telemetry.rejects(codeIndex('RECORDING_FAILED')), 1);
  publish(100, 150);
  t.equal(recorder.doWork(30_000), 0, 'and it is quiet from then on');
  recorder.onClose();
  const { seqs, lost } = ticksIn(dir);
  t.same(
    seqs.slice(0, 50),
    Array.from({ length: 50 }, (_, number) => number),
  );
  t.match(lost, [[seqs.length, null]]);
  const nowhere = rig(() => writerIn('/proc/nowhere', TICK_INFO));
  nowhere.recorder.onStart();
  t.equal(nowhere.failures.length, 1);
  nowhere.recorder.onClose();
});

function dataDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-recorder-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

t.test('a run with recorder.dir leaves a recording of all its ticks', async (t) => {
  const dir = dataDir(t);
  const config = join(dir, 'config.json');
  writeFileSync(config, JSON.stringify({ recorder: { dir: join(dir, 'recordings') } }));
  const run = new Program([
    'run',
    ...['--config', config, '--data-dir', join(dir, 'data'), '--port', '0', '--for', '3s'],
    ...['--summary', 'json', '--speed', '4', '--wait', 'park'],
  ]);
  t.teardown(() => run.child.kill('SIGKILL'));
  t.equal((await run.ended()).exitCode, 0, run.stderr.slice(-2000));
  const summary = JSON.parse(run.stdout) as {
    ticks: { published: number; lapped: Record<string, number> };
  };
  t.equal(summary.ticks.lapped['recorder'], 0);
  const recording = join(dir, 'recordings', 'run-000001');
  t.same(readdirSync(recording), ['000001.twr']);
  const replay = new Program(['replay', recording, '--json']);
  t.equal((await replay.ended()).exitCode, 0, replay.stderr);
  const played = JSON.parse(replay.stdout) as { ticks: number; source: string };
  t.equal(played.source, 'engine');
  t.equal(played.ticks, summary.ticks.published);
});
