/** client-order-id: an order of ours is recognised by its name, whatever happened to the journal. */
import fc from 'fast-check';
import t from 'tap';
import { ORDER_SEQ_PER_RUN } from '#src/domain/core-record.js';
import { clientOrderIdOf, isInstallId, orderSeqOf } from '#src/execution/client-order-id.js';

t.test('an order number survives the way into an id and back', (t) => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9]{6}$/),
      fc.integer({ min: 1, max: 36 ** 4 - 1 }),
      fc.integer({ min: 1, max: 36 ** 6 - 1 }),
      (installId, run, number) => {
        const orderSeq = run * ORDER_SEQ_PER_RUN + number;
        const id = clientOrderIdOf(installId, orderSeq);
        return /^[a-z0-9]{16}$/.test(id) && orderSeqOf(installId, id) === orderSeq;
      },
    ),
  );
  t.equal(clientOrderIdOf('k3x9qa', 12 * ORDER_SEQ_PER_RUN + 71), 'k3x9qa000c00001z');
  t.end();
});

t.test('ids of others are not ours', (t) => {
  const ours = clientOrderIdOf('k3x9qa', ORDER_SEQ_PER_RUN + 1);
  t.equal(orderSeqOf('k3x9qb', ours), null);
  for (const text of [
    '',
    'k3x9qa',
    `${ours}0`,
    ours.slice(1),
    ours.toUpperCase(),
    'k3x9qa000c0000-1',
  ]) {
    t.equal(orderSeqOf('k3x9qa', text), null, text);
  }
  fc.assert(fc.property(fc.uuid(), (uuid) => orderSeqOf('k3x9qa', uuid) === null));
  t.end();
});

t.test('numbers that do not fit are refused instead of wrapped', (t) => {
  t.throws(() => clientOrderIdOf('k3x9qa', ORDER_SEQ_PER_RUN + 36 ** 6), /number fits/);
  t.throws(() => clientOrderIdOf('k3x9qa', 36 ** 4 * ORDER_SEQ_PER_RUN), /run fits/);
  t.ok(isInstallId('k3x9qa'));
  t.notOk(isInstallId('K3X9QA'));
  t.end();
});
