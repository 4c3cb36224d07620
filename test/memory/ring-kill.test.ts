/**
 * Threads that die in the middle of what they do to a ring. Killed at random moments: the others go on, nobody ever gets
 * a torn, lost or doubled record, and the next writer or reader goes on where the dead one stopped. That a dead thread
 * ends a run of the engine with WORKER_DIED is tested in test/engine.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { allocateRing, type RingSpec } from '#src/memory/ring.js';
import { Progress, VictimRole, type VictimInput } from './ring-victim.js';

const SPEC: RingSpec = {
  name: 'kill',
  slotBytes: 128,
  slotCount: 256,
  readers: [
    { name: 'gating', kind: 'gating', wakeIndex: -1 },
    { name: 'trailing', kind: 'trailing', wakeIndex: -1 },
  ],
  writerRole: 'writer',
  schemaHashWord: 1,
  // The sequence wraps while threads die.
  startSeq: 0x7fffffff - 100_000,
};
const FOR_EVER = 0x7fffffff;
const DEADLINE_MS = 30_000;

class Rig {
  readonly #buffer = allocateRing(SPEC);
  readonly progress = new Int32Array(new SharedArrayBuffer(64));
  readonly faults: string[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
    Atomics.store(this.progress, Progress.End, FOR_EVER);
  }

  random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#state >>> 8) % below;
  }

  async start(role: VictimRole): Promise<Worker> {
    const workerData: VictimInput = {
      role,
      spec: SPEC,
      buffer: this.#buffer,
      progress: this.progress.buffer,
      seed: this.random(2 ** 24),
    };
    const worker = new Worker(new URL('ring-victim.js', import.meta.url), { workerData });
    worker.on('error', (error: Error) => this.faults.push(error.message));
    await once(worker, 'message');
    return worker;
  }

  at(word: number): number {
    return Atomics.load(this.progress, word);
  }

  /** Polls until it is so. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    while (!isSo()) {
      if (performance.now() > deadlineMs || this.faults.length > 0) {
        throw new Error(
          `${what}: ${this.faults.join('; ') || 'not in time'}: ${this.progress.join()}`,
        );
      }
      await this.pause(1);
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** The writer stops soon; every reader must come to the end of what it wrote. */
  async finish(threads: readonly Worker[]): Promise<void> {
    const exits = threads.map((thread) => once(thread, 'exit'));
    Atomics.store(this.progress, Progress.End, this.at(Progress.Published) + 5000);
    await this.until('all threads end', () => {
      const end = this.at(Progress.End);
      return this.at(Progress.GatingNext) === end && this.at(Progress.TrailingNext) === end;
    });
    await Promise.all(exits);
  }
}

t.test(
  'a writer killed at any moment leaves a ring that readers and the next writer use',
  async (t) => {
    const seed = (Date.now() ^ process.pid) >>> 0;
    t.comment(`seed ${seed}`);
    const rig = new Rig(seed);
    const readers = [await rig.start(VictimRole.Gating), await rig.start(VictimRole.Trailing)];
    let before = 0;
    // At least one of them must die in the middle of a record, which most do.
    for (let kill = 0; kill < 25 || (kill < 200 && rig.at(Progress.HalfRecords) === 0); kill++) {
      const writer = await rig.start(VictimRole.Writer);
      await rig.until('it writes', () => rig.at(Progress.Published) > before);
      await rig.pause(rig.random(6));
      t.equal(await writer.terminate(), 1, 'its death is told');
      const published = rig.at(Progress.Published);
      t.ok(published > before);
      before = published;
      // What it published before its death is read to the end; it may have published one batch that it did not tell.
      await rig.until('the gating reader goes on', () => rig.at(Progress.GatingNext) >= published);
      await rig.until(
        'the trailing reader goes on',
        () => rig.at(Progress.TrailingNext) >= published,
      );
      t.ok(rig.at(Progress.GatingNext) <= published + 16, 'nothing that was not published');
    }
    await rig.finish([...readers, await rig.start(VictimRole.Writer)]);
    t.same(rig.faults, []);
    t.ok(rig.at(Progress.HalfRecords) > 0, 'some of them died in the middle of a record');
    t.comment(`${before} records, ${rig.at(Progress.HalfRecords)} half written ones found`);
  },
);

t.test(
  'a gating reader killed at any moment holds the writer; the next one gets all that was left',
  async (t) => {
    const seed = (Date.now() ^ process.pid) >>> 0;
    t.comment(`seed ${seed}`);
    const rig = new Rig(seed);
    const writer = await rig.start(VictimRole.Writer);
    let trailing = await rig.start(VictimRole.Trailing);
    for (let kill = 0; kill < 12; kill++) {
      const gating = await rig.start(VictimRole.Gating);
      const before = rig.at(Progress.Published);
      await rig.until('it reads', () => rig.at(Progress.Published) > before + 2 * SPEC.slotCount);
      await rig.pause(rig.random(6));
      t.equal(await gating.terminate(), 1, 'its death is told');
      if (kill % 3 === 0) {
        t.equal(await trailing.terminate(), 1);
        trailing = await rig.start(VictimRole.Trailing);
      }
      const full = rig.at(Progress.Full);
      await rig.until(
        'the writer is told that the ring is full',
        () => rig.at(Progress.Full) > full,
      );
      const held = rig.at(Progress.Published);
      await rig.pause(2);
      t.equal(rig.at(Progress.Published), held, 'and waits');
    }
    await rig.finish([writer, trailing, await rig.start(VictimRole.Gating)]);
    t.same(rig.faults, []);
  },
);
