import fc from 'fast-check';
import t from 'tap';
import { must } from '#src/domain/assert.js';
import { OrderTable, SeqIndex } from '#src/execution/order-table.js';
import { orderSeqOf } from './core-driver.js';

function openSeqs(table: OrderTable): readonly number[] {
  const seqs: number[] = [];
  for (let order = table.firstOpen(); order !== undefined; order = table.nextOpen(order)) {
    seqs.push(order.orderSeq);
  }
  return seqs;
}

t.test('an order is found by its number while it is kept', (t) => {
  const table = new OrderTable(4);
  const seq = orderSeqOf(3, 7);
  t.equal(table.find(seq), undefined);
  const order = must(table.take(seq), 'slot');
  t.equal(table.find(seq), order);
  table.setOpen(order, false);
  t.equal(table.find(seq), order, 'ended orders are kept for late reports');
  t.same([table.openCount, table.closedCount, table.freeCount], [0, 1, 3]);
  t.end();
});

t.test('open orders are walked oldest first, and one may be closed on the way', (t) => {
  const table = new OrderTable(5);
  for (let n = 1; n <= 4; n++) table.take(n);
  t.same(openSeqs(table), [1, 2, 3, 4]);
  let order = table.firstOpen();
  while (order !== undefined) {
    const next = table.nextOpen(order);
    if (order.orderSeq % 2 === 0) table.setOpen(order, false);
    order = next;
  }
  t.same(openSeqs(table), [1, 3]);
  t.end();
});

t.test('when slots run out the order that ended first is forgotten, never an open one', (t) => {
  const table = new OrderTable(3);
  for (let n = 1; n <= 3; n++) table.take(n);
  t.equal(table.isFull, true);
  t.equal(table.take(4), undefined, 'all are open');
  table.setOpen(must(table.find(2), 'order 2'), false);
  table.setOpen(must(table.find(1), 'order 1'), false);
  t.equal(table.isFull, false);
  const taken = must(table.take(5), 'slot');
  t.equal(taken.filledMantissa, 0);
  t.equal(table.find(2), undefined, 'ended first, forgotten first');
  t.ok(table.find(1));
  t.ok(table.find(3));
  t.same(openSeqs(table), [3, 5]);
  t.end();
});

t.test('an ended order that lives again is open again', (t) => {
  const table = new OrderTable(2);
  const order = must(table.take(1), 'slot');
  table.setOpen(order, false);
  table.setOpen(order, true);
  table.setOpen(order, true);
  t.same(openSeqs(table), [1]);
  t.same([...table.closed()], []);
  t.end();
});

t.test('a blank slot carries nothing of the order that was in it', (t) => {
  const table = new OrderTable(1);
  const first = must(table.take(1), 'slot');
  const blank = JSON.stringify(first);
  for (const key of Object.keys(first)) {
    if (!/orderSeq|[sS]lot|listIndex/.test(key)) Reflect.set(first, key, 99);
  }
  table.setOpen(first, false);
  const second = must(table.take(1), 'slot');
  t.equal(JSON.stringify(second), blank);
  t.end();
});

t.test(
  'an index of numbers is what a Map says, with numbers of many runs that fall on the same cell',
  (t) => {
    const key = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 }));
    const command = fc.tuple(fc.constantFrom('set', 'remove'), key, fc.nat());
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200, size: 'max' }), (commands) => {
        const index = new SeqIndex(36);
        const twin = new Map<number, number>();
        for (const [what, [run, n], value] of commands) {
          const seq = orderSeqOf(run, n);
          if (what === 'set') {
            index.set(seq, value);
            twin.set(seq, value);
          } else {
            index.remove(seq);
            twin.delete(seq);
          }
        }
        for (let run = 1; run <= 3; run++) {
          for (let n = 1; n <= 12; n++) {
            const seq = orderSeqOf(run, n);
            if (index.get(seq) !== (twin.get(seq) ?? -1)) return false;
          }
        }
        return index.count === twin.size;
      }),
    );
    t.end();
  },
);

t.test('an index refuses more numbers than it was made for', (t) => {
  const index = new SeqIndex(2);
  index.set(1, 1);
  index.set(2, 2);
  index.set(2, 3);
  t.equal(index.get(2), 3);
  t.throws(() => index.set(3, 3), /keys below the maximum: countMax=2/);
  t.end();
});
