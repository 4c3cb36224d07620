/**
 * Numbers of a connection as the venue gives them: an answer takes its number when it is asked for and is sent later. What
 * is lost must be found, and what is only late must not be called lost.
 */
import fc from 'fast-check';
import t from 'tap';
import { SequenceVerdict } from '#src/domain/sequence-guard.js';
import { MessageIds } from '#src/venues/dydx/message-ids.js';

interface Message {
  readonly id: number;
  readonly isAnswer: boolean;
  readonly isError: boolean;
}

/** 0: a data message; 1: a subscribe; 2 and more: the answer that waits longest, or another one. */
const script = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 5, maxLength: 60 });

/** What the venue sends; every answer has come in the end, and one data message after it. */
function sentBy(steps: readonly number[], ids: MessageIds): Message[] {
  const sent: Message[] = [];
  const waiting: number[] = [];
  let next = 0;
  const answer = (at: number): void => {
    const [id] = waiting.splice(at % waiting.length, 1);
    if (id !== undefined) sent.push({ id, isAnswer: true, isError: id % 3 === 0 });
  };
  for (const step of steps) {
    if (step === 1) {
      ids.onRequest();
      waiting.push(next++);
    } else if (step === 0 || waiting.length === 0) {
      sent.push({ id: next++, isAnswer: false, isError: false });
    } else {
      answer(step);
    }
  }
  while (waiting.length > 0) answer(0);
  sent.push({ id: next, isAnswer: false, isError: false });
  return sent;
}

function verdictsOf(ids: MessageIds, messages: readonly Message[]): number[] {
  return messages.map(({ id, isAnswer, isError }) => {
    const number = Float64Array.of(id);
    return isAnswer ? ids.checkAnswer(number, isError) : ids.check(number);
  });
}

// The requests are told at once, before anything comes: the worst case, since then any hole may be one of them.
t.test('answers that come late are no gap', async () => {
  fc.assert(
    fc.property(script, (steps) => {
      const ids = new MessageIds();
      ids.begin(0);
      const verdicts = verdictsOf(ids, sentBy(steps, ids));
      return verdicts.every((verdict) => verdict === SequenceVerdict.Next);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

t.test('one message that is lost is a gap, once everything else has come', async () => {
  fc.assert(
    fc.property(script, fc.nat(), (steps, lost) => {
      const ids = new MessageIds();
      ids.begin(0);
      const sent = sentBy(steps, ids);
      const at = lost % (sent.length - 1);
      if (sent[at]?.isAnswer === true) return true;
      const verdicts = verdictsOf(ids, sent.toSpliced(at, 1));
      return verdicts.includes(SequenceVerdict.Gap);
    }),
    { numRuns: 2000, seed: 2 },
  );
});

t.test('a lost answer is an unanswered request and no more', async () => {
  fc.assert(
    fc.property(script, fc.nat(), (steps, lost) => {
      const ids = new MessageIds();
      ids.begin(0);
      const sent = sentBy(steps, ids);
      const at = lost % (sent.length - 1);
      if (sent[at]?.isAnswer !== true) return true;
      const verdicts = verdictsOf(ids, sent.toSpliced(at, 1));
      return verdicts.every((verdict) => verdict === SequenceVerdict.Next);
    }),
    { numRuns: 2000, seed: 3 },
  );
});

t.test('numbers far away are a gap, whatever is owed', async (t) => {
  const ids = new MessageIds();
  ids.begin(0);
  for (let request = 0; request < 200; request++) ids.onRequest();
  t.equal(ids.check(Float64Array.of(199)), SequenceVerdict.Gap);
  t.equal(ids.check(Float64Array.of(200)), SequenceVerdict.Next, 'told once');
  t.equal(ids.check(Float64Array.of(7)), SequenceVerdict.Old);
  t.equal(ids.check(Float64Array.of(Number.MAX_SAFE_INTEGER)), SequenceVerdict.Gap);
});

t.test('before a connection has begun nothing is judged', async (t) => {
  const ids = new MessageIds();
  for (const id of [99, 7, 5820]) t.equal(ids.check(Float64Array.of(id)), SequenceVerdict.Next);
  t.equal(ids.checkAnswer(Float64Array.of(4), false), SequenceVerdict.Next);
});
