/** Board cells: last values, one writer, any reader. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { BoardCells } from '#src/memory/board.js';

const CELL_WORDS = 30;

function board(cellCount = 3): {
  buffer: SharedArrayBuffer;
  writer: BoardCells;
  reader: BoardCells;
} {
  const buffer = new SharedArrayBuffer(BoardCells.bytes(cellCount, CELL_WORDS));
  return {
    buffer,
    writer: new BoardCells(buffer, cellCount, CELL_WORDS),
    reader: new BoardCells(buffer, cellCount, CELL_WORDS),
  };
}

function write(cells: BoardCells, index: number, value: number): void {
  const payload = cells.begin(index);
  for (let word = 0; word < CELL_WORDS; word++) cells.i32[payload + word] = value;
  cells.end(index);
}

t.test("a cell that was never written says so and leaves the caller's copy alone", async (t) => {
  const { reader } = board();
  const out = new Int32Array(CELL_WORDS).fill(7);
  t.equal(reader.read(1, out), false);
  t.equal(reader.version(1), 0);
  t.ok(out.every((word) => word === 7));
});

t.test('the last value of each cell is read, as often as wanted', async (t) => {
  const { writer, reader } = board();
  const out = new Int32Array(CELL_WORDS);
  for (let value = 1; value <= 20; value++) {
    for (let index = 0; index < 3; index++) write(writer, index, value * 10 + index);
    for (let index = 0; index < 3; index++) {
      t.equal(reader.read(index, out), true);
      t.ok(out.every((word) => word === value * 10 + index));
    }
  }
  t.equal(reader.version(0), 40);
});

t.test('cells of different writers do not share a cache line', async (t) => {
  const { writer } = board();
  const first = writer.begin(0);
  const second = writer.begin(1);
  t.equal(((second - first) * 4) % 128, 0);
  t.ok((second - first) * 4 >= 128 + CELL_WORDS * 4 - 128);
});

t.test(
  'a writer that stops in the middle is never read; the next writer of the cell mends it',
  async (t) => {
    const { buffer, writer, reader } = board();
    const out = new Int32Array(CELL_WORDS);
    write(writer, 0, 1);
    const payload = writer.begin(0);
    writer.i32[payload] = -1;
    t.equal(reader.read(0, out), false);
    t.ok(out.every((word) => word === 0));
    write(new BoardCells(buffer, 3, CELL_WORDS), 0, 2);
    t.equal(reader.read(0, out), true);
    t.ok(out.every((word) => word === 2));
  },
);

t.test('a copy that was overwritten in the middle is made again', async (t) => {
  const { writer, reader } = board();
  const out = new Int32Array(CELL_WORDS);
  write(writer, 0, 1);
  const add = Atomics.add;
  const atomics = Atomics as unknown as Record<string, typeof add>;
  let intrusions = 0;
  // The reader fences with Atomics.add between its copy and its second look.
  atomics['add'] = ((i32: Int32Array, index: number, value: number) => {
    atomics['add'] = add;
    intrusions++;
    write(writer, 0, 2);
    return add(i32, index, value);
  }) as typeof add;
  t.equal(reader.read(0, out), true);
  atomics['add'] = add;
  t.equal(intrusions, 1);
  t.ok(out.every((word) => word === 2));
});

t.test('a version that wraps is never taken for a cell that was not written', async (t) => {
  const { buffer, writer, reader } = board();
  new Int32Array(buffer)[32] = -2;
  write(writer, 0, 5);
  t.equal(reader.version(0), 2);
  t.equal(reader.read(0, new Int32Array(CELL_WORDS)), true);
});

t.test('indexes and regions are checked', async (t) => {
  const { buffer, writer } = board();
  t.throws(() => writer.begin(3), /board cell outside the board/);
  t.throws(() => writer.version(-1), /board cell outside the board/);
  t.throws(() => writer.end(0), /end of a board cell without begin/);
  t.throws(
    () => new BoardCells(buffer, 4, CELL_WORDS),
    /board larger than its region: cellCount=4/,
  );
});

t.test('a reader on another core never sees half of a value', async (t) => {
  const { buffer, reader } = board();
  const worker = new Worker(
    `
    const { workerData } = require('node:worker_threads');
    import(workerData.url).then(({ BoardCells }) => {
      const cells = new BoardCells(workerData.buffer, 3, ${CELL_WORDS});
      for (let value = 1; value <= 300000; value++) {
        const payload = cells.begin(0);
        for (let word = 0; word < ${CELL_WORDS}; word++) cells.i32[payload + word] = value;
        cells.end(0);
      }
    });
    `,
    {
      eval: true,
      workerData: { buffer, url: new URL('../../memory/board.js', import.meta.url).href },
    },
  );
  const ended = new Promise((resolve, reject) => {
    worker.once('exit', resolve);
    worker.once('error', reject);
  });
  const out = new Int32Array(CELL_WORDS);
  let last = 0;
  let reads = 0;
  const deadlineMs = Date.now() + 30_000;
  while (last < 300_000 && Date.now() < deadlineMs) {
    if (!reader.read(0, out)) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    reads++;
    const value = out[0] as number;
    if (!out.every((word) => word === value)) {
      t.fail(`torn: ${out.join()}`);
      return;
    }
    if (value < last) {
      t.fail(`went back from ${last} to ${value}`);
      return;
    }
    last = value;
    if (reads % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  t.equal(last, 300_000);
});
