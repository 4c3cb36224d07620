/** Streams that break and engines that die: afterwards position, fills and money are the venue's, to the last digit. */
import t from 'tap';
import { CommandKind, EventKind, ORDER_SEQ_PER_RUN } from '#src/domain/core-record.js';
import { OrderState, Side, TimeInForce } from '#src/domain/order.js';
import {
  FAR_CENTS,
  RigJournal,
  THROUGH_CENTS,
  VenueRig,
  ready,
  sameAsVenue,
  started,
} from './execution-rig.js';

t.test(
  'fills that happen while the stream is down are booked after it is back, once each',
  async (t) => {
    const rig = await ready(t);
    await rig.venueRig.fault({ fault: 'silent', scope: 'private', ms: 300 });
    const buys = [];
    for (let index = 0; index < 3; index++) {
      buys.push(await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc }));
    }
    await rig.venueRig.fault({ fault: 'disconnect', scope: 'private' });
    for (const orderSeq of buys) await rig.untilState(orderSeq, OrderState.Filled);
    sameAsVenue(t, rig);
    t.ok(rig.counter('sessionConnects') >= 2);
    t.ok(rig.counter('sessionDisconnects') >= 1);
    t.same(rig.journal.codesOf(EventKind.Discrepancy), []);
  },
);

t.test('no order goes out while the stream is down or the truth is not in', async (t) => {
  const rig = await ready(t);
  rig.venueRig.proxy.plan('GET', '/accounts', 'answer-500', 3);
  await rig.venueRig.fault({ fault: 'disconnect', scope: 'private' });
  await rig.until('session down', () => !rig.core.state.isSessionUp);
  await t.rejects(rig.order({ awayCents: FAR_CENTS }), /RISK_SESSION_DOWN|RISK_NOT_RECONCILED/);
  await rig.until('reconciled again', () => rig.core.isReconciled);
  await rig.untilState(await rig.order({ awayCents: FAR_CENTS }), OrderState.Open);
});

t.test(
  'a hole in the stream is noticed at the next frame and healed by the whole truth',
  async (t) => {
    const rig = await ready(t);
    // The frame that tells of the fill is lost; the next heartbeat shows the hole.
    await rig.venueRig.fault({ fault: 'drop-frame', scope: 'private', topic: 'user', count: 5 });
    const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
    await rig.untilState(orderSeq, OrderState.Filled);
    sameAsVenue(t, rig);
    t.ok(rig.rejects('VENUE_SEQ_GAP') >= 1);
  },
);

t.test('silence on the stream is a dead connection', async (t) => {
  const rig = await ready(t, { idleTimeoutMs: 1500 });
  await rig.venueRig.fault({ fault: 'silent', scope: 'private', ms: 2000 });
  await rig.until('noticed', () => rig.rejects('FEED_SILENT') > 0);
  await rig.until('healed', () => rig.core.isReconciled && rig.counter('sessionConnects') >= 2);
});

t.test('frames that come twice change nothing', async (t) => {
  const rig = await ready(t);
  await rig.venueRig.fault({ fault: 'duplicate-frame', scope: 'private', count: 20 });
  const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
  await rig.untilState(orderSeq, OrderState.Filled);
  sameAsVenue(t, rig);
  t.ok(rig.rejects('VENUE_SEQ_OLD') >= 1);
  t.equal(rig.counter('sessionConnects'), 1, 'the connection was kept');
});

t.test(
  'after a crash the open order is there again and fills from meanwhile are booked',
  async (t) => {
    const venueRig = await VenueRig.start(t);
    const journal = new RigJournal();
    const first = await started(t, venueRig, journal);
    const resting = await first.order({ awayCents: FAR_CENTS });
    await first.untilState(resting, OrderState.Open);
    // Sent in the last moment: it fills at the venue, and nobody hears of it.
    await venueRig.fault({ fault: 'silent', scope: 'private', ms: 200 });
    const taking = await first.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
    await first.until('filled at the venue', () => venueRig.venue.exchange.fills().length > 0);
    first.kill();

    const second = await started(t, venueRig, journal);
    await second.untilState(taking, OrderState.Filled);
    sameAsVenue(t, second);
    t.equal(second.core.order(resting)?.state, OrderState.Open);
    t.equal(second.core.openOrderCount, 1);
    t.same(journal.codesOf(EventKind.Discrepancy), []);
    const sold = await second.order({
      side: Side.Sell,
      awayCents: THROUGH_CENTS,
      timeInForce: TimeInForce.Ioc,
    });
    t.equal(sold, 2 * ORDER_SEQ_PER_RUN + 1, 'order numbers of the new run');
    await second.untilState(sold, OrderState.Filled);
    sameAsVenue(t, second);
  },
);

t.test('an order that the journal has lost is adopted by its client order id', async (t) => {
  const venueRig = await VenueRig.start(t);
  const journal = new RigJournal();
  const first = await started(t, venueRig, journal);
  const keptCount = journal.records.length;
  const resting = await first.order({ awayCents: FAR_CENTS });
  const taking = await first.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
  await first.untilState(taking, OrderState.Filled);
  first.kill();
  // The crash took everything that was not on disk yet.
  journal.records.length = keptCount;

  const second = await started(t, venueRig, journal);
  sameAsVenue(t, second);
  t.match(journal.codesOf(EventKind.Discrepancy), [
    'RECONCILE_ORDER_ADOPTED',
    'RECONCILE_ORDER_ADOPTED',
  ]);
  t.equal(second.core.order(resting)?.state, OrderState.Open);
  second.command(CommandKind.CancelAll);
  await second.untilState(resting, OrderState.Canceled);
  t.equal(venueRig.venue.exchange.openOrders().length, 0);
});

t.test(
  'a crash between sending and arriving ends as never arrived, not as exposure for ever',
  async (t) => {
    const venueRig = await VenueRig.start(t);
    const journal = new RigJournal();
    const first = await started(t, venueRig, journal);
    venueRig.proxy.plan('POST', '/orders', 'swallow');
    const orderSeq = await first.order({ awayCents: FAR_CENTS });
    first.kill();
    const second = await started(t, venueRig, journal);
    await second.untilState(orderSeq, OrderState.Rejected);
    t.same(journal.codesOf(EventKind.VenueRejected), ['ORDER_NEVER_ARRIVED']);
    t.equal(second.core.openOrderCount, 0);
  },
);

t.test(
  'orders and fills of another installation on the same account are counted and left alone',
  async (t) => {
    const venueRig = await VenueRig.start(t);
    const other = await started(t, venueRig, new RigJournal(), { installId: 'other1' });
    const resting = await other.order({ awayCents: FAR_CENTS });
    const taking = await other.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
    await other.untilState(taking, OrderState.Filled);
    await other.untilState(resting, OrderState.Open);
    other.kill();

    const rig = await started(t, venueRig, new RigJournal());
    t.equal(rig.core.instrumentState(0).position.sizeMantissa, 0);
    t.equal(rig.core.openOrderCount, 0);
    t.equal(rig.rejects('RECONCILE_FILL_FOREIGN'), 1);
    t.same(rig.journal.codesOf(EventKind.Discrepancy), [], 'what they hold is no difference to us');
    await rig.stop();
    t.equal(venueRig.venue.exchange.openOrders().length, 1, 'their order still stands');
  },
);
