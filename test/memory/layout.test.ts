/** Where records stand: slots of a ring are not in the order of the records, so that has to be a bijection. */
import t from 'tap';
import { ringSlotIndex } from '#src/memory/layout.js';

const STARTS = [0, 1, 12_345, -7, 0x7fff_fff0, -0x8000_0000];

t.test('the records of one lap never share a slot, in any ring, over the wrap too', async (t) => {
  for (let slotCount = 2; slotCount <= 8192; slotCount *= 2) {
    for (const startSeq of STARTS) {
      const slots = new Set<number>();
      for (let offset = 0; offset < slotCount; offset++)
        slots.add(ringSlotIndex((startSeq + offset) | 0, slotCount - 1));
      if (
        slots.size !== slotCount ||
        Math.max(...slots) !== slotCount - 1 ||
        Math.min(...slots) !== 0
      )
        t.fail(`slotCount=${slotCount}, startSeq=${startSeq}: ${slots.size} slots`);
    }
  }
  t.pass();
});

t.test('the record one lap later stands in the same slot', async (t) => {
  for (const startSeq of STARTS) {
    for (const slotCount of [2, 8, 16, 4096]) {
      t.equal(
        ringSlotIndex((startSeq + slotCount) | 0, slotCount - 1),
        ringSlotIndex(startSeq, slotCount - 1),
      );
    }
  }
});

t.test('in a ring of many pages every eighth record stands on another page', async (t) => {
  for (let seq = 7; seq < 4096; seq += 8) {
    const step = ringSlotIndex(seq + 1, 4095) - ringSlotIndex(seq, 4095);
    t.ok(Math.abs(step) * 64 >= 4096, `seq=${seq}`);
  }
});
