/** Counters: exact beyond 32 bits, one writer, whole numbers for every reader. */
import fc from 'fast-check';
import t from 'tap';
import { CounterBlock } from '#src/memory/counters.js';

const COUNT = 5;

function blocks(count = 2): { writer: CounterBlock; reader: CounterBlock; other: CounterBlock } {
  const buffer = new SharedArrayBuffer(CounterBlock.bytes(count, COUNT));
  return {
    writer: new CounterBlock(buffer, 0, COUNT),
    reader: new CounterBlock(buffer, 0, COUNT),
    other: new CounterBlock(buffer, 1, COUNT),
  };
}

t.test('sums are exact across the 32-bit border', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 50 }),
      fc.integer({ min: 0, max: 2 ** 52 }),
      (counts, start) => {
        const { writer, reader, other } = blocks();
        writer.set(2, start);
        let sum = start;
        for (const count of counts) {
          writer.add(2, count);
          sum += count;
          if (reader.get(2) !== sum) throw new Error(`found=${reader.get(2)}, expected=${sum}`);
        }
        for (const index of [0, 1, 3, 4])
          if (reader.get(index) !== 0) throw new Error('a neighbour moved');
        for (let index = 0; index < COUNT; index++)
          if (other.get(index) !== 0) throw new Error('another block moved');
      },
    ),
  );
  t.pass();
});

t.test('a counter counts by one unless told, and can be set up and down', async (t) => {
  const { writer, reader } = blocks();
  writer.add(0);
  writer.add(0);
  t.equal(reader.get(0), 2);
  for (const value of [2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 5, 2 ** 53 - 1, 0]) {
    writer.set(0, value);
    t.equal(reader.get(0), value);
  }
  writer.set(1, 2 ** 31);
  t.equal(reader.get(1), 2 ** 31);
});

t.test('a reader in the middle of a carry waits for a whole number', async (t) => {
  const { writer, reader } = blocks();
  writer.set(0, 2 ** 32 - 1);
  const seen: number[] = [];
  const store = Atomics.store;
  const load = Atomics.load;
  const atomics = Atomics as unknown as Record<string, unknown>;
  // Before every step of the carry a reader looks; it must not see a number that never was. A reader that would have to
  // wait for the writer, which waits here, is let go by an error.
  let looks = 0;
  atomics['store'] = (i32: Int32Array, index: number, value: number): number => {
    let loads = 0;
    atomics['load'] = (array: Int32Array, at: number): number => {
      if (loads++ > 30) throw new Error('waits');
      return load(array, at);
    };
    try {
      looks++;
      seen.push(reader.get(0));
    } catch (error) {
      if ((error as Error).message !== 'waits') throw error;
    } finally {
      atomics['load'] = load;
    }
    return store(i32, index, value);
  };
  try {
    writer.add(0, 2);
  } finally {
    atomics['store'] = store;
  }
  t.equal(looks, 3);
  t.same(seen, [2 ** 32 - 1]);
  t.equal(reader.get(0), 2 ** 32 + 1);
});

t.test('indexes and regions are checked', async (t) => {
  const buffer = new SharedArrayBuffer(CounterBlock.bytes(1, COUNT));
  t.throws(
    () => new CounterBlock(buffer, 1, COUNT),
    /counter block outside the region: blockIndex=1/,
  );
  t.throws(() => new CounterBlock(buffer, 0, COUNT).add(COUNT), /counter outside its block/);
  t.throws(() => new CounterBlock(buffer, 0, COUNT).get(-1), /counter outside its block/);
});
