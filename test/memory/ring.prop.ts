/**
 * Random lives of a ring: every sequence of claims, batches, reads, pauses and skips gives the same answers from the ring
 * and from its naive twin. Half of them start just before the wrap of the int32 sequence.
 */
import fc from 'fast-check';
import t from 'tap';
import {
  GatingReader,
  RingWriter,
  TrailingReader,
  allocateRing,
  type RingSpec,
} from '#src/memory/ring.js';
import {
  NaiveGating,
  NaiveRing,
  NaiveTrailing,
  NaiveWriter,
  type Gating,
  type Trailing,
  type Writer,
} from '../oracles/naive-ring.js';

interface Life {
  writer: Writer;
  gating: Gating[];
  trailing: Trailing[];
}

type Step = (life: Life, drawn: () => number) => unknown;

/** Values are drawn from a counter, the same for both. */
const STEPS: Record<string, fc.Arbitrary<Step>> = {
  publish: fc.nat(40).map((count) => (life: Life, drawn: () => number) => {
    const offsets = [];
    for (let k = 0; k < count; k++) {
      const slot = life.writer.claim();
      offsets.push(slot < 0);
      if (slot < 0) break;
      life.writer.i32[slot] = drawn();
      life.writer.i32[slot + 14] = ~life.writer.i32[slot];
      life.writer.publish();
    }
    return offsets;
  }),
  claimOnly: fc.constant((life: Life) => {
    const slot = life.writer.claim();
    // Half a record, then nothing.
    if (slot >= 0) life.writer.i32[slot] = -1;
    return slot < 0;
  }),
  batch: fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.nat())
    .map(([slotsMax, cut]) => (life: Life, drawn: () => number) => {
      const slots = life.writer.claimBatch(slotsMax);
      if (slots === 0) return 0;
      const published = 1 + (cut % slots);
      for (let k = 0; k < published; k++) {
        const slot = life.writer.slotAt(k);
        life.writer.i32[slot] = drawn();
        life.writer.i32[slot + 14] = ~life.writer.i32[slot];
      }
      life.writer.publishBatch(published);
      return [slots, published];
    }),
  readGating: fc.tuple(fc.nat(), fc.nat(40)).map(([reader, count]) => (life: Life) => {
    const one = life.gating[reader % Math.max(1, life.gating.length)];
    const values = [];
    for (let k = 0; one !== undefined && k < count; k++) {
      const slot = one.poll();
      if (slot < 0) {
        values.push('none');
        break;
      }
      values.push(one.i32[slot], one.i32[slot + 14]);
      one.advance();
    }
    return [values, one?.readCount];
  }),
  readTrailing: fc.tuple(fc.nat(), fc.nat(40)).map(([reader, count]) => (life: Life) => {
    const one = life.trailing[reader % Math.max(1, life.trailing.length)];
    const values = [];
    for (let k = 0; one !== undefined && k < count; k++) {
      if (one.poll() < 0) {
        values.push('none');
        break;
      }
      values.push(one.i32[0], one.i32[14]);
    }
    return [values, one?.readCount, one?.lappedCount, one?.skippedCount];
  }),
  skip: fc.nat().map((reader) => (life: Life) => {
    const one = life.trailing[reader % Math.max(1, life.trailing.length)];
    one?.skipToEnd();
    return one?.skippedCount;
  }),
};

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: named('publish') },
    { weight: 1, arbitrary: named('claimOnly') },
    { weight: 4, arbitrary: named('batch') },
    { weight: 4, arbitrary: named('readGating') },
    { weight: 5, arbitrary: named('readTrailing') },
    { weight: 1, arbitrary: named('skip') },
  ),
  { minLength: 1, maxLength: 80, size: 'max' },
);

t.test('the ring answers as its naive twin does, whatever happens in whatever order', async (t) => {
  let lapped = 0;
  let full = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(16, 32, 64),
      fc.constantFrom<64 | 128>(64, 128),
      fc.array(fc.constantFrom<'gating' | 'trailing'>('gating', 'trailing'), { maxLength: 4 }),
      fc.option(fc.integer({ min: 0, max: 200 }), { freq: 2 }),
      steps,
      (slotCount, slotBytes, kinds, beforeWrap, life) => {
        const spec: RingSpec = {
          name: 'property',
          slotBytes,
          slotCount,
          readers: kinds.map((kind, index) => ({ name: `reader-${index}`, kind, wakeIndex: -1 })),
          writerRole: 'writer',
          schemaHashWord: 1,
          startSeq: beforeWrap === null ? 0 : 0x7fffffff - beforeWrap,
        };
        const ours = real(spec);
        const theirs = naive(spec);
        let counterOurs = 0;
        let counterTheirs = 0;
        for (const { name, step } of life) {
          const found = JSON.stringify(step(ours, () => counterOurs++));
          const expected = JSON.stringify(step(theirs, () => counterTheirs++));
          if (found !== expected) throw new Error(`${name}: found ${found}, expected ${expected}`);
          const counts = [ours.writer.publishedCount, ours.writer.fullCount];
          const expectedCounts = [theirs.writer.publishedCount, theirs.writer.fullCount];
          if (String(counts) !== String(expectedCounts))
            throw new Error(`${name}: counts ${counts.join()}, expected ${expectedCounts.join()}`);
        }
        lapped += ours.trailing.reduce((sum, one) => sum + one.lappedCount, 0);
        full += ours.writer.fullCount;
      },
    ),
    { numRuns: 1500 },
  );
  t.ok(lapped > 1000, 'readers were lapped in these lives');
  t.ok(full > 100, 'rings were full in these lives');
});

function named(name: string): fc.Arbitrary<{ name: string; step: Step }> {
  return (STEPS[name] as fc.Arbitrary<Step>).map((step) => ({ name, step }));
}

function real(spec: RingSpec): Life {
  const buffer = allocateRing(spec);
  return {
    writer: new RingWriter(buffer, spec, null),
    gating: indexes(spec, 'gating').map((index) => new GatingReader(buffer, spec, index)),
    trailing: indexes(spec, 'trailing').map((index) => new TrailingReader(buffer, spec, index)),
  };
}

function naive(spec: RingSpec): Life {
  const ring = new NaiveRing(spec);
  return {
    writer: new NaiveWriter(ring),
    gating: indexes(spec, 'gating').map(() => new NaiveGating(ring)),
    trailing: indexes(spec, 'trailing').map(() => new NaiveTrailing(ring)),
  };
}

function indexes(spec: RingSpec, kind: 'gating' | 'trailing'): number[] {
  return spec.readers.flatMap((reader, index) => (reader.kind === kind ? [index] : []));
}
