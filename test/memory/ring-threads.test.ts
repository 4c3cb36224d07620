/** The short form of ring.stress.ts: real threads, pauses, sleeps and the wrap of the sequence. */
import t from 'tap';
import { runStress, type StressReader } from './ring.stress.js';

const MESSAGES = 1_000_000;

const RUNS: readonly (readonly StressReader[])[] = [
  ['gating', 'trailing'],
  ['gating', 'gating-slow', 'trailing', 'trailing-slow'],
  ['trailing', 'trailing-slow'],
];

for (const readers of RUNS) {
  t.test(
    `a million records through real threads arrive whole and in order: ${readers.join(', ')}`,
    async (t) => {
      const reports = await runStress({
        messages: MESSAGES,
        readers,
        slotCount: 256,
        slotBytes: 64,
      });
      t.same(
        reports.map(({ reader }) => reader),
        readers,
      );
      for (const report of reports) {
        t.same(report.errors, [], report.reader);
        t.equal(report.readCount + report.lappedCount, MESSAGES);
        if (report.reader.startsWith('gating')) t.equal(report.lappedCount, 0);
      }
      t.comment(JSON.stringify(reports));
    },
  );
}
