/** send-pacer: never more texts within a second than the venue takes, pings before what waits. */
import t from 'tap';
import { QUEUED_MAX, SendPacer, SendWindow } from '#src/ingest/send-pacer.js';

const MS = 1_000_000;

t.test('in no window of a second are there more than the limit', async (t) => {
  const sentNs: number[] = [];
  let nowNs = 0;
  const pacer = new SendPacer(new SendWindow(5), () => sentNs.push(nowNs));
  for (let text = 0; text < 40; text++) pacer.push(String(text));
  for (nowNs = 0; pacer.count > 0; nowNs += 7 * MS) pacer.flush(nowNs);
  t.equal(sentNs.length, 40);
  for (const fromNs of sentNs) {
    const within = sentNs.filter((ns) => ns >= fromNs && ns < fromNs + 1_000 * MS);
    t.ok(within.length <= 4, 'one place is kept for a ping');
  }
});

t.test('order is kept, and a ping finds a place when texts do not', async (t) => {
  const sent: string[] = [];
  const pacer = new SendPacer(new SendWindow(3), (text) => sent.push(text));
  for (const text of ['a', 'b', 'c']) pacer.push(text);
  t.equal(pacer.flush(0), 2);
  t.ok(pacer.takeForPing(0));
  t.notOk(pacer.takeForPing(1), 'now the second is full');
  t.equal(pacer.flush(1_099 * MS), 0);
  t.equal(pacer.flush(1_100 * MS), 1);
  t.same(sent, ['a', 'b', 'c']);
});

t.test('a thousand may wait, the next one is dropped; a new connection forgets them', async (t) => {
  const pacer = new SendPacer(new SendWindow(3), () => undefined);
  for (let text = 0; text < QUEUED_MAX; text++) t.ok(pacer.push('x'));
  t.notOk(pacer.push('x'));
  t.equal(pacer.count, QUEUED_MAX);
  pacer.clear();
  t.ok(pacer.push('x'));
});

t.test('two connections of a venue share its limit', async (t) => {
  const window = new SendWindow(4);
  const pacers = [0, 1].map(() => new SendPacer(window, () => undefined));
  for (const pacer of pacers) for (let text = 0; text < 3; text++) pacer.push('x');
  t.same(
    pacers.map((pacer) => pacer.flush(0)),
    [3, 0],
  );
});
