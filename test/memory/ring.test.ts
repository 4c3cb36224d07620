/**
 * The ring and its naive twin under one suite, then what only the real one has: shared memory that is refused when it is
 * another's, interleavings in the middle of a read, restart on a used ring. Real threads: ring-threads.test.ts.
 */
import t from 'tap';
import {
  GatingReader,
  RingWriter,
  TrailingReader,
  allocateRing,
  type RingSpec,
} from '#src/memory/ring.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';
import {
  NaiveGating,
  NaiveRing,
  NaiveTrailing,
  NaiveWriter,
  type Gating,
  type Trailing,
  type Writer,
} from '../oracles/naive-ring.js';

const SPEC: RingSpec = {
  name: 'test',
  slotBytes: 64,
  slotCount: 32,
  readers: [
    { name: 'journal', kind: 'gating', wakeIndex: -1 },
    { name: 'screen', kind: 'trailing', wakeIndex: -1 },
    { name: 'execution', kind: 'gating', wakeIndex: -1 },
    { name: 'signal', kind: 'trailing', wakeIndex: -1 },
  ],
  writerRole: 'ingest',
  schemaHashWord: 4711,
};
const TRAILING_ONLY: RingSpec = {
  ...SPEC,
  readers: [{ name: 'screen', kind: 'trailing', wakeIndex: -1 }],
};
const BLOCK = SPEC.slotCount / 8;

interface Twin {
  writer: Writer;
  gating(readerIndex: number): Gating;
  trailing(readerIndex: number): Trailing;
}
type MakeTwin = (spec: RingSpec) => Twin;

const TWINS: Record<string, MakeTwin> = {
  ring: (spec) => {
    const buffer = allocateRing(spec);
    return {
      writer: new RingWriter(buffer, spec, null),
      gating: (index) => new GatingReader(buffer, spec, index),
      trailing: (index) => new TrailingReader(buffer, spec, index),
    };
  },
  'ring just before the wrap of its sequence': (spec) =>
    (TWINS['ring'] as MakeTwin)({ ...spec, startSeq: 0x7fffffff - 20 }),
  'naive twin': (spec) => {
    const ring = new NaiveRing(spec);
    return {
      writer: new NaiveWriter(ring),
      gating: () => new NaiveGating(ring),
      trailing: () => new NaiveTrailing(ring),
    };
  },
};

for (const [twinName, makeTwin] of Object.entries(TWINS)) {
  t.test(`${twinName}: every reader gets every record, in order and whole`, async (t) => {
    const twin = makeTwin(SPEC);
    const gating = [twin.gating(0), twin.gating(2)];
    const trailing = [twin.trailing(1), twin.trailing(3)];
    const readers = [
      ...gating.map((one) => () => takeGating(one)),
      ...trailing.map((one) => () => takeTrailing(one)),
    ];
    const taken: number[][] = readers.map(() => []);
    for (let value = 0; value < 200; value++) {
      put(twin.writer, value);
      readers.forEach((take, index) => taken[index]?.push(take()));
    }
    for (const values of taken) t.same(values, upTo(0, 200));
    for (const reader of gating) t.same([reader.poll(), reader.readCount], [-1, 200]);
    for (const reader of trailing)
      t.same([reader.poll(), reader.readCount, reader.lappedCount], [-1, 200, 0]);
    t.equal(twin.writer.publishedCount, 200);
  });

  t.test(
    `${twinName}: the slowest gating reader holds the writer back, and nothing is lost`,
    async (t) => {
      const twin = makeTwin(SPEC);
      const fast = twin.gating(0);
      const slow = twin.gating(2);
      for (let value = 0; value < 32; value++) {
        t.ok(put(twin.writer, value));
        t.equal(takeGating(fast), value);
      }
      t.equal(twin.writer.claim(), -1);
      t.equal(twin.writer.claimBatch(4), 0);
      t.equal(twin.writer.fullCount, 2);
      for (let value = 0; value < BLOCK; value++) t.equal(takeGating(slow), value);
      t.equal(twin.writer.claimBatch(32), BLOCK, 'slots come back a block at a time');
      for (let value = BLOCK; value < 32; value++) t.equal(takeGating(slow), value);
      t.equal(slow.poll(), -1);
      t.equal(fast.poll(), -1);
      t.equal(twin.writer.claimBatch(32), 32, 'all of them when the readers find nothing more');
      t.equal(twin.writer.fullCount, 2);
    },
  );

  t.test(`${twinName}: a record stays until the gating reader is done with it`, async (t) => {
    const twin = makeTwin({ ...SPEC, readers: [SPEC.readers[0] as RingSpec['readers'][0]] });
    const reader = twin.gating(0);
    put(twin.writer, 1);
    put(twin.writer, 2);
    t.equal(read(reader.i32, reader.poll()), 1);
    t.equal(read(reader.i32, reader.poll()), 1);
    reader.advance();
    t.equal(read(reader.i32, reader.poll()), 2);
  });

  t.test(
    `${twinName}: a trailing reader never holds the writer and learns exactly how many it missed`,
    async (t) => {
      const twin = makeTwin(TRAILING_ONLY);
      const reader = twin.trailing(0);
      for (let value = 0; value < 1000; value++) put(twin.writer, value);
      t.equal(twin.writer.publishedCount, 1000);
      const first = takeTrailing(reader);
      t.equal(first, 1000 - 32, '1000 is a whole number of blocks: a whole ring is left');
      t.equal(reader.lappedCount, first);
      for (let value = first + 1; value < 1000; value++) t.equal(takeTrailing(reader), value);
      t.equal(reader.poll(), -1);
      t.equal(reader.readCount + reader.lappedCount, 1000);
      t.equal(twin.writer.fullCount, 0);
    },
  );

  t.test(
    `${twinName}: a record counts as missed as soon as its block may be overwritten`,
    async (t) => {
      const twin = makeTwin(TRAILING_ONLY);
      const reader = twin.trailing(0);
      for (let value = 0; value < 32; value++) put(twin.writer, value);
      t.not(twin.writer.claim(), -1);
      t.equal(takeTrailing(reader), BLOCK);
      t.equal(reader.lappedCount, BLOCK);
    },
  );

  t.test(`${twinName}: a batch appears whole and in order`, async (t) => {
    const twin = makeTwin(SPEC);
    const gating = twin.gating(0);
    const trailing = twin.trailing(1);
    twin.gating(2);
    t.equal(twin.writer.claimBatch(8), 8);
    for (let k = 0; k < 8; k++) fill(twin.writer.i32, twin.writer.slotAt(k), 100 + k);
    t.equal(gating.poll(), -1);
    t.equal(trailing.poll(), -1);
    twin.writer.publishBatch();
    for (let k = 0; k < 8; k++) {
      t.equal(takeGating(gating), 100 + k);
      t.equal(takeTrailing(trailing), 100 + k);
    }
    t.equal(twin.writer.claimBatch(8), 8);
    for (let k = 0; k < 3; k++) fill(twin.writer.i32, twin.writer.slotAt(k), 200 + k);
    twin.writer.publishBatch(3);
    for (let k = 0; k < 3; k++) t.equal(takeTrailing(trailing), 200 + k);
    t.equal(trailing.poll(), -1, 'the rest of a batch that was cut short was not published');
    t.equal(twin.writer.publishedCount, 11);
  });

  t.test(
    `${twinName}: skipping to the end leaves only what comes later, and is not called missed`,
    async (t) => {
      const twin = makeTwin(TRAILING_ONLY);
      const reader = twin.trailing(0);
      for (let value = 0; value < 77; value++) put(twin.writer, value);
      reader.skipToEnd();
      t.equal(reader.poll(), -1);
      put(twin.writer, 77);
      t.equal(takeTrailing(reader), 77);
      t.same([reader.lappedCount, reader.skippedCount, reader.readCount], [0, 77, 1]);
      reader.skipToEnd();
      t.equal(reader.skippedCount, 77);
    },
  );

  t.test(`${twinName}: publishing what was not claimed is a bug`, async (t) => {
    const { writer } = makeTwin(TRAILING_ONLY);
    t.throws(() => writer.publish(), /publish without claim/);
    t.throws(() => writer.publishBatch(), /publishBatch of more slots/);
    writer.claimBatch(2);
    t.throws(() => writer.publishBatch(3), /publishBatch of more slots/);
    writer.claim();
    writer.publish();
    t.throws(() => writer.publish(), /publish without claim/);
  });
}

t.test(
  'slots lie in whole cache lines of page-aligned memory, apart from all control words',
  async (t) => {
    const buffer = allocateRing(SPEC);
    const writer = new RingWriter(buffer, SPEC, null);
    t.equal((writer.claim() * 4) % 128, 0);
    t.ok(writer.claim() * 4 >= 128 * (2 + SPEC.readers.length));
    t.equal(buffer.byteLength % 65_536, 0);
  },
);

t.test(
  'memory of another schema, size, name, writer or reader list is refused with both values',
  async (t) => {
    const buffer = allocateRing(SPEC);
    const refusals: [RingSpec, RegExp][] = [
      [{ ...SPEC, schemaHashWord: 1 }, /schemaHashWord=4711, expected schemaHashWord=1$/],
      [{ ...SPEC, slotCount: 64 }, /slotCount=32, expected slotCount=64/],
      [{ ...SPEC, slotBytes: 128 }, /slotBytes=64, expected slotBytes=128/],
      [{ ...SPEC, name: 'other' }, /name=other, nameHash=/],
      [{ ...SPEC, writerRole: 'execution' }, /writerHash=-?\d+, expected writerHash=/],
      [{ ...SPEC, slotCount: 2 ** 16 }, /region too small: name=test, bytes=65536/],
      [{ ...SPEC, readers: [...SPEC.readers].reverse() }, /ring has other readers/],
    ];
    for (const [spec, message] of refusals) {
      t.throws(() => new RingWriter(buffer, spec, null), { name: 'Bug', message });
      t.throws(() => new GatingReader(buffer, spec, 0), message);
      t.throws(() => new TrailingReader(buffer, spec, 1), message);
    }
    t.throws(
      () => new RingWriter(new SharedArrayBuffer(65_536), SPEC, null),
      /magic=0, expected magic=\d+/,
    );
    t.throws(
      () => new GatingReader(buffer, SPEC, 1),
      /reader is not gating: ring=test, reader=screen/,
    );
    t.throws(() => new TrailingReader(buffer, SPEC, 0), /reader is not trailing/);
    t.throws(() => new TrailingReader(buffer, SPEC, 4), /missing: reader 4 of ring test/);
    t.throws(
      () => allocateRing({ ...SPEC, slotCount: 33 }),
      /slotCount is no power of two: name=test, slotCount=33/,
    );
  },
);

t.test(
  'a copy that the writer may have touched is thrown away, at every point where the writer can get between',
  async (t) => {
    // The writer runs inside one atomic access of the reader: after its first look, after its copy, before its second look.
    const points = [
      ['load', 0],
      ['add', 0],
      ['load', 1],
    ] as const;
    for (const [hook, occurrence] of points) {
      for (const published of [24, 28, 31, 32, 33, 36, 40, 64, 500]) {
        const spec = { ...TRAILING_ONLY, startSeq: 0x7fffffff - 5 };
        const buffer = allocateRing(spec);
        const writer = new RingWriter(buffer, spec, null);
        const reader = new TrailingReader(buffer, spec, 0);
        put(writer, 0);
        const taken: number[] = [];
        interleave(
          hook,
          occurrence,
          () => {
            for (let value = 1; value < published; value++) put(writer, value);
            // And dies in the middle of one more record.
            const slot = writer.claim();
            for (let word = 0; word < 7; word++) writer.i32[slot + word] = -99;
          },
          () => {
            if (reader.poll() === 0) taken.push(read(reader.i32, 0));
          },
        );
        while (reader.poll() === 0) taken.push(read(reader.i32, 0));
        const at = `${hook} ${occurrence}, ${published} published`;
        t.equal(reader.lappedCount + reader.readCount, published, at);
        t.equal(taken.length, reader.readCount, at);
        const rest = taken[0] === 0 ? taken.slice(1) : taken;
        const expected = Array.from(rest, (_, k) => published - rest.length + k);
        t.same(rest, expected, 'the last ones without a hole, after at most the first');
      }
    }
  },
);

t.test(
  'a new writer goes on where the last one was killed, and forgets its unfinished batch',
  async (t) => {
    for (const startSeq of [0, 0x7fffffff - 10]) {
      const spec = { ...SPEC, startSeq };
      const buffer = allocateRing(spec);
      const gating = new GatingReader(buffer, spec, 0);
      const other = new GatingReader(buffer, spec, 2);
      const trailing = new TrailingReader(buffer, spec, 1);
      const killed = new RingWriter(buffer, spec, null);
      for (let value = 0; value < 13; value++) put(killed, value);
      killed.claimBatch(8);
      for (let k = 0; k < 8; k++) fill(killed.i32, killed.slotAt(k), -1 - k);
      // The batch's later commit words are stored; the first one, which publishes, is not.
      for (let k = 1; k < 8; k++) killed.i32[killed.slotAt(k) + 15] = (startSeq + 13 + k + 1) | 0;
      const writer = new RingWriter(buffer, spec, null);
      t.equal(writer.publishedCount, 13);
      put(writer, 13);
      for (let value = 0; value < 14; value++) {
        t.equal(takeGating(gating), value);
        t.equal(takeGating(other), value);
        t.equal(takeTrailing(trailing), value);
      }
      t.same([gating.poll(), trailing.poll()], [-1, -1], 'nothing of the unfinished batch');
      for (let value = 14; value < 100; value++) {
        put(writer, value);
        t.equal(takeGating(gating), value);
        t.equal(takeGating(other), value);
        t.equal(takeTrailing(trailing), value);
      }
      t.equal(new RingWriter(buffer, spec, null).publishedCount, 100);
    }
  },
);

t.test(
  'a lapped trailing reader never lands inside a batch that is not published yet, however large',
  async (t) => {
    // Found by test/model/ring.pml (BROKEN_WHOLE_RING_BATCH).
    for (const startSeq of [0, 0x7fffffff - 10]) {
      for (let before = 0; before < BLOCK * 2; before++) {
        const spec = { ...TRAILING_ONLY, startSeq };
        const buffer = allocateRing(spec);
        const trailing = new TrailingReader(buffer, spec, 0);
        const killed = new RingWriter(buffer, spec, null);
        for (let value = 0; value < before; value++) put(killed, value);
        const slots = killed.claimBatch(32);
        t.equal(slots, 32 - (before % BLOCK), 'it ends before the block that it begins in');
        for (let k = 0; k < slots; k++) fill(killed.i32, killed.slotAt(k), -1 - k);
        for (let k = 1; k < slots; k++)
          killed.i32[killed.slotAt(k) + 15] = (startSeq + before + k + 1) | 0;
        const taken: number[] = [];
        while (trailing.poll() === 0) taken.push(read(trailing.i32, 0));
        t.same(taken, upTo(trailing.lappedCount, before), 'only what was published');
        const writer = new RingWriter(buffer, spec, null);
        for (let value = before; value < before + 5; value++) put(writer, value);
        while (trailing.poll() === 0) taken.push(read(trailing.i32, 0));
        t.same(taken, upTo(trailing.lappedCount, before + 5));
      }
    }
  },
);

t.test(
  'a new gating reader goes on at the last slots that were handed back; a trailing one is told what it missed',
  async (t) => {
    const spec = { ...SPEC, startSeq: 0x7fffffff - 10 };
    const buffer = allocateRing(spec);
    const writer = new RingWriter(buffer, spec, null);
    const killed = new GatingReader(buffer, spec, 0);
    const other = new GatingReader(buffer, spec, 2);
    for (let value = 0; value < 70; value++) {
      put(writer, value);
      takeGating(killed);
      takeGating(other);
    }
    const gating = new GatingReader(buffer, spec, 0);
    t.equal(gating.readCount, 70 - (70 % BLOCK));
    t.equal(takeGating(gating), gating.readCount - 1, 'at most a block comes twice');
    const trailing = new TrailingReader(buffer, spec, 1);
    t.equal(takeTrailing(trailing), 72 - 32);
    t.equal(trailing.lappedCount, 72 - 32);
  },
);

t.test(
  'publishing wakes a reader that sleeps or is about to, once per publish, and costs nothing otherwise',
  async (t) => {
    const wakeBuffer = new SharedArrayBuffer(wakeBytes(2));
    const spec: RingSpec = {
      ...SPEC,
      readers: [
        { name: 'a', kind: 'gating', wakeIndex: 1 },
        { name: 'b', kind: 'trailing', wakeIndex: 1 },
      ],
    };
    const writer = new RingWriter(allocateRing(spec), spec, wakeBuffer);
    const wake = new WakeWord(wakeBuffer, 1);
    const counts = countNotifies();
    t.teardown(counts.restore);
    put(writer, 1);
    t.equal(counts.notifies(), 0);
    wake.arm();
    put(writer, 2);
    t.equal(counts.notifies(), 1);
    wake.wait(60_000);
    t.pass('the word was no longer armed: no sleep');
    put(writer, 3);
    t.equal(counts.notifies(), 1);
    wake.arm();
    writer.claimBatch(4);
    writer.publishBatch();
    t.equal(counts.notifies(), 2);
    wake.arm();
    wake.disarm();
    put(writer, 4);
    t.equal(counts.notifies(), 2);
    wake.arm();
    writer.claim();
    writer.publishQuietly();
    t.equal(counts.notifies(), 2, 'a quiet publish wakes nobody');
    writer.wake();
    t.equal(counts.notifies(), 3, 'until the writer says so');
  },
);

// ---------------------------------------------------------------------------------------------------------------------

function upTo(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

function fill(i32: Int32Array, slot: number, value: number): void {
  for (let word = 0; word < 15; word++) i32[slot + word] = value * 31 + word;
}

/** The value of a record; throws when its words are not of one record. */
function read(i32: Int32Array, slot: number): number {
  const value = (i32[slot] as number) / 31;
  for (let word = 0; word < 15; word++) {
    if (i32[slot + word] !== value * 31 + word)
      throw new Error(`torn record: value=${value}, word=${word}`);
  }
  return value;
}

function put(writer: Writer, value: number): boolean {
  const slot = writer.claim();
  if (slot < 0) return false;
  fill(writer.i32, slot, value);
  writer.publish();
  return true;
}

function takeGating(reader: Gating): number {
  const slot = reader.poll();
  if (slot < 0) return -1;
  const value = read(reader.i32, slot);
  reader.advance();
  return value;
}

function takeTrailing(reader: Trailing): number {
  return reader.poll() < 0 ? -1 : read(reader.i32, 0);
}

type Access = (i32: Int32Array, index: number, value: number) => number;

/** Runs `intruder` right after the n-th Atomics[hook] that `body` makes. */
function interleave(
  hook: 'load' | 'add' | 'store',
  occurrence: number,
  intruder: () => void,
  body: () => void,
): void {
  const atomics = Atomics as unknown as Record<string, Access>;
  const original = atomics[hook] as Access;
  let seen = 0;
  const patched: Access = (i32, index, value) => {
    const result = original(i32, index, value);
    if (seen++ === occurrence) {
      atomics[hook] = original;
      intruder();
      atomics[hook] = patched;
    }
    return result;
  };
  atomics[hook] = patched;
  try {
    body();
  } finally {
    atomics[hook] = original;
  }
  if (seen <= occurrence) throw new Error(`there was no Atomics.${hook} number ${occurrence}`);
}

function countNotifies(): { notifies: () => number; restore: () => void } {
  const original = Atomics.notify;
  let count = 0;
  Atomics.notify = (i32, index, waiters) => {
    count++;
    return original(i32 as Int32Array, index, waiters);
  };
  return { notifies: () => count, restore: () => (Atomics.notify = original) };
}
