import t from 'tap';
import { SequenceGuard, SequenceVerdict } from '#src/domain/sequence-guard.js';

const { Next, Gap, Old } = SequenceVerdict;

t.test('one number after the other is next, a hole is a gap, a repetition is old', async (t) => {
  const guard = new SequenceGuard();
  guard.expect(0);
  t.equal(guard.check(0), Next);
  t.equal(guard.check(1), Next);
  t.equal(guard.check(4), Gap);
  t.equal(guard.check(5), Next, 'goes on behind the hole');
  t.equal(guard.check(5), Old);
  t.equal(guard.check(3), Old, 'what was missing comes too late');
  t.equal(guard.check(6), Next);
  t.equal(guard.gapCount, 1);
  t.equal(guard.oldCount, 2);
});

t.test('a missing first number is a gap when the first is known', async (t) => {
  const guard = new SequenceGuard();
  guard.expect(0);
  t.equal(guard.check(1), Gap);
});

t.test('a sequence without a known beginning takes what comes first', async (t) => {
  const guard = new SequenceGuard();
  t.equal(guard.check(1029), Next);
  t.equal(guard.check(1030), Next);
  guard.forget();
  t.equal(guard.check(0), Next);
  t.equal(guard.check(1), Next);
});
