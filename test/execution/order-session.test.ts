/** What becomes of an order when the venue refuses it, stays silent, or answers rubbish: nothing is ever sent twice. */
import t from 'tap';
import { CommandKind, EventKind } from '#src/domain/core-record.js';
import { OrderFlag, OrderState, TimeInForce } from '#src/domain/order.js';
import { FAR_CENTS, THROUGH_CENTS, ready, sameAsVenue } from './execution-rig.js';

t.test('a refusal that comes with HTTP 200 ends the order with its reason', async (t) => {
  const rig = await ready(t);
  const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, flags: OrderFlag.PostOnly });
  await rig.untilState(orderSeq, OrderState.Rejected);
  t.same(rig.journal.codesOf(EventKind.VenueRejected), ['VENUE_POST_ONLY']);
  t.equal(rig.rejects('VENUE_POST_ONLY'), 1);
  t.match(rig.journal.texts.at(-1)?.text, 'INVALID_LIMIT_PRICE_POST_ONLY');
});

t.test('an order whose answer is lost is found, and is never sent again', async (t) => {
  const misdeeds = ['forward-then-500', 'forward-then-rubbish', 'forward-then-silence'] as const;
  const trials = misdeeds.map(async (misdeed) => {
    const rig = await ready(t, { requestTimeoutMs: 150 });
    // Without the stream only the listing can tell.
    await rig.venueRig.fault({ fault: 'silent', scope: 'private', ms: 400 });
    rig.venueRig.proxy.plan('POST', '/orders', misdeed);
    const orderSeq = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(orderSeq, OrderState.Open);
    t.same(rig.journal.statesOf(orderSeq), [
      OrderState.PendingNew,
      OrderState.Unknown,
      OrderState.Open,
    ]);
    t.equal(rig.venueRig.proxy.countOf('POST', '/orders'), 1, `${misdeed}: sent once`);
    t.equal(rig.venueRig.venue.exchange.orders().length, 1);
    t.equal(rig.counter('ordersUnknown'), 1);
  });
  await Promise.all(trials);
});

t.test('an order that the venue never got is declared so only after several looks', async (t) => {
  const misdeeds = ['swallow', 'reset', 'answer-500'] as const;
  const trials = misdeeds.map(async (misdeed) => {
    const rig = await ready(t, { requestTimeoutMs: 100 });
    rig.venueRig.proxy.plan('POST', '/orders', misdeed);
    const sentNs = rig.clock.nowNs();
    const orderSeq = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(orderSeq, OrderState.Rejected);
    t.same(rig.journal.codesOf(EventKind.VenueRejected), ['ORDER_NEVER_ARRIVED']);
    t.ok(rig.clock.nowNs() - sentNs >= 2e9, 'with a time of grace');
    t.ok(rig.venueRig.proxy.countOf('GET', '/orders/historical/batch') >= 3, 'looked three times');
    t.equal(rig.venueRig.proxy.countOf('POST', '/orders'), 1, `${misdeed}: sent once`);
    t.equal(rig.core.openOrderCount, 0, 'its exposure is gone');
  });
  await Promise.all(trials);
});

t.test(
  'a rate limit turns an order away for certain, and trading goes on after the pause',
  async (t) => {
    const rig = await ready(t);
    await rig.venueRig.fault({ fault: 'rate-limit', count: 1 });
    const first = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(first, OrderState.Rejected);
    t.same(rig.journal.codesOf(EventKind.VenueRejected), ['VENUE_RATE_LIMIT']);
    const second = await rig.order({ awayCents: FAR_CENTS, timeInForce: TimeInForce.Gtc });
    await rig.untilState(second, OrderState.Rejected);
    t.equal(rig.venueRig.venue.exchange.orders().length, 0, 'the pause was kept');
    await rig.until('the pause is over', () => rig.clock.nowNs() > 2.2e9);
    const third = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(third, OrderState.Open);
  },
);

t.test('a cancel whose answer is lost is repeated until the order is off the book', async (t) => {
  const rig = await ready(t, { requestTimeoutMs: 150 });
  const orderSeq = await rig.order({ awayCents: FAR_CENTS });
  await rig.untilState(orderSeq, OrderState.Open);
  rig.venueRig.proxy.plan('POST', '/batch_cancel', 'swallow');
  rig.venueRig.proxy.plan('POST', '/batch_cancel', 'answer-500');
  rig.command(CommandKind.CancelAll);
  await rig.untilState(orderSeq, OrderState.Canceled);
  t.equal(rig.venueRig.proxy.countOf('POST', '/batch_cancel'), 3);
  t.equal(rig.venueRig.venue.exchange.openOrders().length, 0);
});

t.test('a cancel that comes too late meets a filled order, and the fill counts', async (t) => {
  const rig = await ready(t);
  const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Gtc });
  rig.command(CommandKind.CancelAll);
  await rig.untilState(orderSeq, OrderState.Filled);
  await rig.until('booked', () => rig.boardPosition.sizeMantissa === 100_000);
  sameAsVenue(t, rig);
});

t.test('fills that cannot be listed yet are asked for again', async (t) => {
  const rig = await ready(t);
  rig.venueRig.proxy.plan('GET', '/historical/fills', 'answer-500', 2);
  rig.venueRig.proxy.plan('GET', '/historical/fills', 'forward-then-rubbish', 1);
  const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
  await rig.untilState(orderSeq, OrderState.Filled);
  sameAsVenue(t, rig);
});

t.test(
  'while nothing else is asked, the venue is asked for its time, so that a connection is warm',
  async (t) => {
    const rig = await ready(t, { keepWarmMs: 30 });
    const { proxy } = rig.venueRig;
    await rig.until('asked three times', () => proxy.countOf('GET', '/brokerage/time') >= 3);
    t.equal(rig.rejects('VENUE_CLOCK_SKEW'), 0);
  },
);

t.test('a clock that is seconds off is said before the venue refuses our signatures', async (t) => {
  const rig = await ready(t, { keepWarmMs: 30, clockBehindMs: 3000 });
  await rig.until('said', () => rig.rejects('VENUE_CLOCK_SKEW') > 0);
  t.match(rig.logged.join('\n'), /ahead by (2\.9|3\.[0-9]) s/);
});
