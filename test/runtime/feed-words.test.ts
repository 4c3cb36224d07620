/** feed-words: a wish goes from control to ingest and its answer back; how feeds fare is shown. */
import t from 'tap';
import { FeedWords } from '#src/runtime/feed-words.js';

t.test('a wish is seen once, and whoever asked can tell that it was acted upon', async (t) => {
  const buffer = new SharedArrayBuffer(FeedWords.bytes(2));
  const control = new FeedWords(buffer);
  const ingest = new FeedWords(buffer);
  t.equal(ingest.venueCount, 2);
  t.notOk(ingest.isAsked(1));
  const wish = control.ask(1);
  t.ok(ingest.isAsked(1));
  t.notOk(ingest.isAsked(0));
  t.notOk(control.isAnswered(1, wish));
  ingest.answer(1, false);
  t.ok(control.isAnswered(1, wish));
  t.notOk(ingest.isAsked(1));
  t.equal(control.refusedCount(1), 0);
});

t.test('two wishes at once are one, and a refusal is counted', async (t) => {
  const words = new FeedWords(new SharedArrayBuffer(FeedWords.bytes(1)));
  const first = words.ask(0);
  const second = words.ask(0);
  words.answer(0, true);
  t.ok(words.isAnswered(0, first) && words.isAnswered(0, second));
  t.equal(words.refusedCount(0), 1);
  t.notOk(words.isAsked(0));
});

t.test('how a feed fares stands in words of its own', async (t) => {
  const words = new FeedWords(new SharedArrayBuffer(FeedWords.bytes(2)));
  const status = { state: 3, breaker: 1, failureCount: 6, reason: 42, dialCount: 9 };
  words.show(1, status);
  t.same(words.status(1), status);
  t.same(words.status(0), { state: 0, breaker: 0, failureCount: 0, reason: 0, dialCount: 0 });
});
