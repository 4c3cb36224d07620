/** The execution agent against a venue on loopback: order, fill, cancel, stop, and a journal that is behind. */
import t from 'tap';
import { CommandKind, EventKind, ORDER_SEQ_PER_RUN } from '#src/domain/core-record.js';
import { OrderState, TimeInForce } from '#src/domain/order.js';
import { DurableWord } from '#src/memory/durable-word.js';
import {
  ExecutionRig,
  FAR_CENTS,
  RigJournal,
  THROUGH_CENTS,
  VenueRig,
  ready,
  sameAsVenue,
  started,
} from './execution-rig.js';

t.test('an order that takes is filled, booked with its fee and shown on the board', async (t) => {
  const rig = await ready(t);
  const orderSeq = await rig.order({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
  await rig.untilState(orderSeq, OrderState.Filled);
  await rig.until('on the board', () => rig.boardPosition.sizeMantissa === 100_000);
  sameAsVenue(t, rig);
  t.equal(orderSeq, ORDER_SEQ_PER_RUN + 1);
  t.ok(rig.boardPosition.feesMantissa > 0);
  t.same(rig.journal.codesOf(EventKind.Discrepancy), []);

  const texts = rig.journal.texts.filter((text) => text.orderSeq === orderSeq);
  const [order] = rig.venueRig.venue.exchange.orders();
  t.equal(texts.find(({ textKind }) => textKind === 2)?.text, order?.clientOrderId);
  t.match(texts.find(({ textKind }) => textKind === 1)?.text, /-/, 'the id at the venue');
  t.ok(
    texts.some(({ textKind }) => textKind === 4),
    'the id of the fill',
  );
  for (const name of ['ringHop', 'risk', 'sign', 'tickToOrder', 'orderAck'] as const) {
    t.ok(rig.histogramCount(name) > 0, `${name} was measured`);
  }
  t.equal(rig.counter('intentsRead'), 1);
  t.equal(rig.counter('intentsApproved'), 1);
  t.equal(rig.counter('ordersSent'), 1);
  t.equal(rig.counter('ordersFilled'), 1);
});

t.test('seq counts inputs and outputs without a hole, and outputs name their input', async (t) => {
  const rig = await ready(t);
  await rig.untilState(await rig.order({ awayCents: THROUGH_CENTS }), OrderState.Filled);
  let inputSeq = 0;
  rig.journal.records.forEach((record, index) => {
    t.equal(record.seq, index + 1);
    if (record.kind < EventKind.OrderSend) inputSeq = record.seq;
    else t.equal(record.refSeq, inputSeq);
  });
  const times = rig.journal.inputs().map((record) => record.nowNs);
  t.same(
    times,
    [...times].sort((a, b) => a - b),
    'time never runs backwards',
  );
});

t.test(
  'a resting order is accepted, cancelled by command, and its money is free again',
  async (t) => {
    const rig = await ready(t);
    const orderSeq = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(orderSeq, OrderState.Open);
    t.equal(rig.boardPosition.openOrderCount, 1);
    rig.command(CommandKind.CancelAll);
    await rig.untilState(orderSeq, OrderState.Canceled);
    t.equal(rig.venueRig.venue.exchange.openOrders().length, 0);
    t.equal(rig.core.openOrderCount, 0);
    t.equal(rig.counter('ordersCanceled'), 1);
  },
);

t.test('a sleeping journal is woken for what the core decided', async (t) => {
  const rig = await ready(t);
  rig.putJournalToSleep();
  rig.command(CommandKind.CancelAll);
  await rig.until('the command to be done', () => rig.isJournalAwake);
  t.ok(rig.isJournalAwake);
});

t.test('a replay of the inputs gives the same outputs and the same state', async (t) => {
  const rig = await ready(t);
  await rig.untilState(await rig.order({ awayCents: THROUGH_CENTS }), OrderState.Filled);
  const resting = await rig.order({ awayCents: FAR_CENTS });
  await rig.untilState(resting, OrderState.Open);
  await rig.stop();
  const { replayed, outputs } = rig.replayed();
  t.equal(replayed.stateHash(), rig.core.stateHash());
  t.same(
    outputs,
    rig.journal.records.filter((record) => record.kind >= EventKind.OrderSend),
  );
});

t.test('stopping cancels what is open, and keeps it when the policy says so', async (t) => {
  for (const stopPolicy of ['cancel', 'keep'] as const) {
    const rig = await ready(t, { stopPolicy });
    const orderSeq = await rig.order({ awayCents: FAR_CENTS });
    await rig.untilState(orderSeq, OrderState.Open);
    await rig.stop();
    const openCount = rig.venueRig.venue.exchange.openOrders().length;
    t.equal(openCount, stopPolicy === 'cancel' ? 0 : 1, stopPolicy);
    const report = rig.agent.finalReport();
    t.equal(report.openOrderCount, openCount);
    t.match(report.stateHash, /^[0-9a-f]{64}$/);
    t.equal(report.lastSeq, rig.journal.records.at(-1)?.seq);
  }
});

t.test('a journal that is behind holds trading back, and nothing is lost', async (t) => {
  const venueRig = await VenueRig.start(t);
  const journal = new RigJournal();
  const rig = await started(t, venueRig, journal, { eventSlots: 64 });
  rig.isJournalSlow = true;
  for (let index = 0; index < 20; index++) {
    rig.wish({ awayCents: FAR_CENTS + index, sizeMantissa: 10_000 });
  }
  await rig.until('held back', () => rig.counter('eventRingFullWaits') > 10);
  t.ok(rig.counter('intentsRead') < 20, 'no new input is taken in');
  const sentAtFull = rig.counter('ordersSent');
  rig.isJournalSlow = false;
  await rig.until('all out', () => journal.ofKind(EventKind.OrderSend).length === 20);
  await rig.until('all taken', () => venueRig.venue.exchange.openOrders().length === 20);
  t.ok(sentAtFull < 20);
  journal.records.forEach((record, index) => {
    t.equal(record.seq, index + 1);
  });
});

t.test('a stale market refuses orders, and a fresh one takes them again', async (t) => {
  const rig = await ready(t);
  rig.isMarketFresh = false;
  await t.rejects(rig.order({ awayCents: FAR_CENTS }), /RISK_MARKET_STALE/);
  rig.isMarketFresh = true;
  await rig.untilState(await rig.order({ awayCents: FAR_CENTS }), OrderState.Open);
});

t.test('a key that the venue does not take ends the run with one clear sentence', async (t) => {
  const venueRig = await VenueRig.start(t);
  const other = await VenueRig.start(t);
  const mixed = { ...venueRig.venue, credentials: other.venue.credentials };
  const rig = new ExecutionRig(
    Object.assign(Object.create(venueRig) as VenueRig, { venue: mixed }),
    new RigJournal(),
  );
  t.teardown(() => {
    rig.kill();
  });
  rig.start();
  await t.rejects(
    rig.until('reconciled', () => rig.core.isReconciled),
    /does not take our key/,
  );
});

t.test('an order that lives for a stated time is cancelled at its end', async (t) => {
  const rig = await ready(t);
  const orderSeq = await rig.order({ awayCents: FAR_CENTS, ttlMs: 100 });
  await rig.untilState(orderSeq, OrderState.Canceled);
  t.equal(rig.venueRig.venue.exchange.openOrders().length, 0);
});

t.test(
  'with journal.before = send nothing reaches the venue before its record is on disk',
  async (t) => {
    const buffer = new SharedArrayBuffer(DurableWord.bytes());
    const durable = new DurableWord(buffer);
    const rig = await ready(t, { durable });
    const sentBefore = rig.journal.ofKind(EventKind.OrderSend).length;
    rig.wish({ awayCents: THROUGH_CENTS, timeInForce: TimeInForce.Ioc });
    await rig.until('decided', () => rig.journal.ofKind(EventKind.OrderSend).length > sentBefore);
    const send = rig.journal.ofKind(EventKind.OrderSend).at(-1);
    durable.set((send?.seq ?? 0) - 1);
    for (let round = 0; round < 20; round++) await rig.until('a turn', () => true);
    t.equal(rig.counter('ordersSent'), 0, 'one record short');
    t.equal(rig.venueRig.venue.exchange.orders().length, 0);
    durable.set(send?.seq ?? 0);
    await rig.until('sent', () => rig.venueRig.venue.exchange.orders().length === 1);
    durable.set(Number.MAX_SAFE_INTEGER);
    await rig.untilState(send?.orderSeq ?? 0, OrderState.Filled);
    sameAsVenue(t, rig);
  },
);
