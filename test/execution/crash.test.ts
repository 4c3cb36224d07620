/**
 * An engine that is killed at any moment, again and again, with the tail of its journal lost: in the end it has every
 * fill of the venue exactly once, and no order that the venue does not have.
 */
import t from 'tap';
import { Side, TimeInForce, isTerminal } from '#src/domain/order.js';
import { ExecutionRig, RigJournal, THROUGH_CENTS, VenueRig, sameAsVenue } from './execution-rig.js';

const CRASHES = 10;
/** Records that had not reached the disk. */
const LOST_MAX = 12;

t.test('no fill is lost or doubled by crashes at random moments', async (t) => {
  const venueRig = await VenueRig.start(t);
  const journal = new RigJournal();
  const lives: string[] = [];
  for (let crash = 0; crash < CRASHES; crash++) {
    const rig = new ExecutionRig(venueRig, journal, { answerTimeoutMs: 500 });
    const lifeMs = 40 + Math.random() * 300;
    const lostCount = Math.floor(Math.random() * LOST_MAX);
    lives.push(`${lifeMs.toFixed(0)}ms-${String(lostCount)}`);
    await rig.startReady();
    const endNs = rig.clock.nowNs() + lifeMs * 1e6;
    let wishes = 0;
    while (rig.clock.nowNs() < endNs) {
      const side = wishes++ % 2 === 0 ? Side.Buy : Side.Sell;
      const isTaking = wishes % 3 !== 0;
      rig.wish({
        side,
        awayCents: isTaking ? THROUGH_CENTS : 20_000 + wishes,
        timeInForce: isTaking ? TimeInForce.Ioc : TimeInForce.Gtc,
        sizeMantissa: 50_000,
        ttlMs: 150,
      });
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    rig.kill();
    journal.records.length = Math.max(1, journal.records.length - lostCount);
  }
  t.comment(`lives: ${lives.join(' ')}`);

  const last = new ExecutionRig(venueRig, journal, { answerTimeoutMs: 500 });
  t.teardown(() => {
    last.kill();
  });
  await last.startReady();
  const { exchange } = venueRig.venue;
  await last.until('all fills are in', () => {
    const { fillCount } = last.core.instrumentState(0).position;
    return fillCount >= exchange.fills().length;
  });
  await last.stop();
  t.ok(exchange.fills().length > CRASHES, 'there was something to lose');
  sameAsVenue(t, last);
  t.equal(exchange.openOrders().length, 0, 'nothing is left behind at the venue');
  t.equal(last.core.openOrderCount, 0, 'nothing is believed to be there');
  for (const order of last.core.openOrders()) t.ok(isTerminal(order.state));
  const { replayed } = last.replayed();
  t.equal(replayed.stateHash(), last.core.stateHash(), 'the journal alone gives the same state');
});
