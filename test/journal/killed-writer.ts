/** killed-writer: a child that locks a data directory and writes batches until it is killed; says how many it committed. */
import { OrderState } from '#src/domain/order.js';
import { beginRun, openDataDir, SqliteJournalWriter } from '#src/journal/sqlite-store.js';
import { runOptions, sourceOf } from './records.js';

const dataDir = openDataDir(process.argv[2] ?? '');
const { run, nextSeq } = beginRun(dataDir.journalPath, runOptions());
const writer = new SqliteJournalWriter({ path: dataDir.journalPath, run });
const source = sourceOf(writer, nextSeq);

let commitCount = 0;
function step(): void {
  const orderSeq = run * 4_294_967_296 + commitCount + 1;
  source.openOrder(orderSeq);
  source.fill(orderSeq, orderSeq * 4, OrderState.PartiallyFilled);
  source.fill(orderSeq, orderSeq * 4 + 1, OrderState.Filled);
  writer.commit();
  commitCount++;
  process.send?.(commitCount);
  setImmediate(step);
}
step();
