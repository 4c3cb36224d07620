import { createHash } from 'node:crypto';
import t from 'tap';
import { Bug } from '#src/domain/assert.js';
import { CommandKind, EventKind, TradingState } from '#src/domain/core-record.js';
import { OrderFlag, OrderState, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { ExecutionCore } from '#src/execution/execution-core.js';
import { sha256Hex } from '#src/execution/state-hash.js';
import {
  ANSWER_MS,
  BTC,
  BTC_USD,
  CoreDriver,
  ETH_USD,
  MS,
  USD,
  kinds,
  only,
  orderSeqOf,
} from './core-driver.js';
import type { Fields } from './core-driver.js';

const MONEY = 1e10;

function cash(driver: CoreDriver): number {
  return Number(driver.core.state.ledgers[USD]?.total.toBig()) / 1e10;
}

t.test('an order is sent, acknowledged and filled, and the books follow the fill', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place();
  t.equal(driver.core.state.ledgers[USD]?.reserved.toBig(), BigInt(60.03 * MONEY));
  t.match(driver.give(EventKind.VenueAccepted, { orderSeq }), [
    { kind: 'OrderChanged', orderSeq, state: OrderState.Open },
  ]);
  const outputs = driver.fill(orderSeq, 100_000, {
    feeMantissa: 0.03 * MONEY,
    flags: OrderFlag.Maker,
    fillKey: 99,
  });
  t.same(kinds(outputs), [
    'FillApplied',
    'PositionChanged',
    'OrderChanged',
    'BalanceChanged',
    'BalanceChanged',
  ]);
  t.match(outputs[0], {
    orderSeq,
    side: Side.Buy,
    priceMantissa: 6_000_000,
    sizeMantissa: 100_000,
    cumSizeMantissa: 100_000,
    valueMantissa: 60 * MONEY,
    feeMantissa: 0.03 * MONEY,
    fillKey: 99,
    flags: OrderFlag.Maker,
    state: OrderState.Filled,
  });
  t.match(outputs[1], {
    sizeMantissa: 100_000,
    valueMantissa: 60 * MONEY,
    feeMantissa: 0.03 * MONEY,
    priceMantissa: 6_000_000,
    aux: 1,
  });
  t.equal(outputs[1]?.['cumSizeMantissa'], undefined, 'nothing realised yet');
  t.equal(outputs[2]?.['state'], OrderState.Filled);
  t.match(outputs[3], { valueMantissa: 100_000, cumSizeMantissa: 100_000 });
  t.match(outputs[4], {
    aux: USD,
    valueMantissa: 993_997_000_000,
    cumSizeMantissa: 993_997_000_000,
  });
  t.equal(driver.core.openOrderCount, 0);
  t.equal(driver.core.state.ledgers[USD]?.reserved.isZero(), true);
  t.end();
});

t.test(
  'a round trip earns the difference minus both fees, in the position and in the cash',
  (t) => {
    const driver = CoreDriver.trading();
    const buy = driver.placeOpen();
    driver.fill(buy, 100_000, { feeMantissa: 0.03 * MONEY });
    driver.mark(6_100_000, 6_100_010);
    const sale = driver.placeOpen({ side: Side.Sell, priceMantissa: 6_100_000 });
    driver.fill(sale, 100_000, { feeMantissa: 0.0305 * MONEY });
    const position = driver.core.position(0);
    t.equal(position.sizeMantissa, 0);
    t.equal(position.realizedMantissa, BigInt(1 * MONEY));
    t.equal(position.feesMantissa, BigInt(0.0605 * MONEY));
    t.equal(cash(driver), 10_000.9395);
    const changed = driver.outputs.filter((output) => output['kind'] === 'PositionChanged').at(-1);
    t.equal(changed?.['cumSizeMantissa'], 1 * MONEY, 'the realised result is in the record');
    t.equal(changed?.['sizeMantissa'], undefined, 'nothing is held any more');
    t.end();
  },
);

t.test('an order is filled when its fills reach its size, and not a unit earlier', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.fill(orderSeq, 99_999);
  t.equal(driver.orderState(orderSeq), OrderState.PartiallyFilled);
  driver.fill(orderSeq, 1);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.end();
});

t.test('a fill that comes twice counts once', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.fill(orderSeq, 10_000, { fillKey: 5 });
  const hash = driver.core.stateHash();
  t.same(driver.fill(orderSeq, 10_000, { fillKey: 5 }), []);
  t.equal(driver.core.stateHash(), hash);
  t.equal(driver.core.position(0).sizeMantissa, 10_000);
  t.end();
});

t.test(
  'a fill before the acknowledgement counts, and the acknowledgement after it changes nothing',
  (t) => {
    const driver = CoreDriver.trading();
    const orderSeq = driver.place();
    driver.fill(orderSeq, 10_000);
    t.equal(driver.orderState(orderSeq), OrderState.PartiallyFilled);
    t.same(driver.give(EventKind.VenueAccepted, { orderSeq }), []);
    driver.fill(orderSeq, 90_000);
    t.same(driver.give(EventKind.VenueAccepted, { orderSeq }), []);
    t.equal(driver.orderState(orderSeq), OrderState.Filled);
    t.end();
  },
);

t.test('a fill that arrives after the cancel still changes the position', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.status(orderSeq, OrderState.Canceled);
  const outputs = driver.fill(orderSeq, 40_000);
  t.same(kinds(outputs), ['FillApplied', 'PositionChanged', 'BalanceChanged', 'BalanceChanged']);
  t.equal(driver.orderState(orderSeq), OrderState.Canceled);
  t.equal(driver.core.position(0).sizeMantissa, 40_000);
  driver.fill(orderSeq, 60_000);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.end();
});

t.test('a fill beyond the size of its order is booked and counted', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  const outputs = driver.fill(orderSeq, 100_001);
  t.match(only(outputs, 'Discrepancy'), { reason: 'RECONCILE_OVERFILL', orderSeq });
  t.equal(driver.core.position(0).sizeMantissa, 100_001);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.end();
});

t.test('a status never changes a position', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  for (const state of Object.values(OrderState)) driver.status(orderSeq, state, 50_000);
  t.equal(driver.core.position(0).fillCount, 0);
  t.equal(driver.core.position(0).sizeMantissa, 0);
  t.equal(cash(driver), 10_000);
  t.end();
});

t.test('an IOC that the venue cancels with part filled is a normal end', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen({ timeInForce: TimeInForce.Ioc });
  driver.fill(orderSeq, 30_000);
  const outputs = driver.status(orderSeq, OrderState.Canceled, 30_000);
  t.same(kinds(outputs), ['OrderChanged']);
  t.match(outputs[0], { state: OrderState.Canceled, cumSizeMantissa: 30_000 });
  t.equal(driver.core.instrumentState(0).openBuyMantissa, 0);
  t.equal(driver.core.state.ledgers[USD]?.reserved.isZero(), true);
  t.end();
});

t.test(
  'an end that counts fills which have not come waits for them, and they count as exposure',
  (t) => {
    const driver = CoreDriver.trading();
    const orderSeq = driver.place({ timeInForce: TimeInForce.Ioc });
    driver.status(orderSeq, OrderState.Canceled, 30_000);
    t.equal(driver.orderState(orderSeq), OrderState.Open);
    t.equal(driver.core.instrumentState(0).openBuyMantissa, 30_000);
    t.equal(driver.core.openOrderCount, 1);
    driver.fill(orderSeq, 10_000);
    t.equal(driver.core.instrumentState(0).openBuyMantissa, 20_000);
    const outputs = driver.fill(orderSeq, 20_000);
    t.match(only(outputs, 'OrderChanged'), { state: OrderState.Canceled, cumSizeMantissa: 30_000 });
    t.equal(driver.core.openOrderCount, 0);
    t.equal(driver.core.instrumentState(0).openBuyMantissa, 0);
    t.end();
  },
);

t.test('a venue that says Filled is believed when the fills are here', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.status(orderSeq, OrderState.Filled, 100_000);
  t.equal(driver.orderState(orderSeq), OrderState.Open);
  t.equal(driver.core.openOrderCount, 1);
  driver.wait(ANSWER_MS);
  t.match(only(driver.deadline(orderSeq), 'OrderQuery'), {
    orderSeq,
    reason: 'ORDER_OUTCOME_UNKNOWN',
  });
  driver.fill(orderSeq, 100_000);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.same(driver.deadline(orderSeq), []);
  t.end();
});

t.test('Filled without a sum means filled to its size', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.status(orderSeq, OrderState.Filled);
  t.equal(driver.orderState(orderSeq), OrderState.Open);
  driver.fill(orderSeq, 100_000);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.end();
});

t.test(
  'an order that the venue calls filled with less than its size is closed, and counted',
  (t) => {
    const driver = CoreDriver.trading();
    const orderSeq = driver.placeOpen();
    driver.fill(orderSeq, 60_000);
    const outputs = driver.status(orderSeq, OrderState.Filled, 60_000);
    t.equal(driver.orderState(orderSeq), OrderState.Filled);
    t.equal(only(outputs, 'Discrepancy')['reason'], 'RECONCILE_CLOSED_EARLY');
    t.equal(driver.core.instrumentState(0).openBuyMantissa, 0);
    t.end();
  },
);

t.test('fills that the venue counts after the end are exposure until they come', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.status(orderSeq, OrderState.Canceled);
  t.equal(driver.core.openOrderCount, 0);
  driver.status(orderSeq, OrderState.Canceled, 25_000);
  t.equal(driver.core.openOrderCount, 1);
  t.equal(driver.core.instrumentState(0).openBuyMantissa, 25_000);
  driver.wait(ANSWER_MS);
  only(driver.deadline(orderSeq), 'OrderQuery');
  driver.fill(orderSeq, 25_000);
  t.equal(driver.core.openOrderCount, 0);
  driver.wait(ANSWER_MS);
  t.same(driver.deadline(orderSeq), [], 'nothing is left to ask');
  t.end();
});

t.test('an order without an answer is asked for and never sent again', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place();
  const outputs = driver.give(EventKind.OutcomeUnknown, { orderSeq });
  t.same(kinds(outputs), ['OrderChanged', 'DeadlineSet', 'OrderQuery']);
  t.match(outputs[0], { state: OrderState.Unknown, reason: 'ORDER_OUTCOME_UNKNOWN' });
  t.same(
    driver.give(EventKind.OutcomeUnknown, { orderSeq }),
    [],
    'a failed question is not asked in a loop',
  );
  driver.wait(ANSWER_MS);
  t.same(
    kinds(driver.deadline(orderSeq)),
    ['OrderQuery', 'DeadlineSet'],
    'asked again, at its pace',
  );
  driver.give(EventKind.VenueAccepted, { orderSeq });
  t.equal(driver.orderState(orderSeq), OrderState.Open);
  t.equal(driver.outputs.filter((output) => output['kind'] === 'OrderSend').length, 1);
  t.end();
});

t.test(
  'an unanswered order is resolved by the venue: live, ended, filled, or never arrived',
  (t) => {
    const rows: readonly (readonly [EventKind, Fields, OrderState])[] = [
      [EventKind.VenueStatus, { state: OrderState.Open }, OrderState.Open],
      [EventKind.VenueStatus, { state: OrderState.Canceled }, OrderState.Canceled],
      [EventKind.VenueStatus, { state: OrderState.Expired }, OrderState.Expired],
      [
        EventKind.VenueStatus,
        { state: OrderState.Rejected, reason: 'VENUE_PRICE' },
        OrderState.Rejected,
      ],
      [EventKind.VenueRejected, { reason: 'ORDER_NEVER_ARRIVED' }, OrderState.Rejected],
      [
        EventKind.VenueFill,
        { side: Side.Buy, priceMantissa: 1, sizeMantissa: 100_000, fillKey: 1 },
        OrderState.Filled,
      ],
    ];
    for (const [kind, fields, state] of rows) {
      const driver = CoreDriver.trading();
      const orderSeq = driver.place();
      driver.give(EventKind.OutcomeUnknown, { orderSeq });
      const outputs = driver.give(kind, { orderSeq, ...fields });
      t.match(only(outputs, 'OrderChanged'), { state });
      t.equal(driver.orderState(orderSeq), state);
    }
    t.end();
  },
);

t.test('silence after an order is noticed by the core itself', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place();
  driver.wait(ANSWER_MS - 1);
  t.same(driver.deadline(orderSeq), [], 'too early');
  driver.wait(1);
  t.same(kinds(driver.deadline(orderSeq)), ['OrderChanged', 'DeadlineSet', 'OrderQuery']);
  t.equal(driver.orderState(orderSeq), OrderState.Unknown);
  t.end();
});

t.test('an order that was given up too early lives again when the venue speaks of it', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place();
  driver.give(EventKind.OutcomeUnknown, { orderSeq });
  driver.give(EventKind.VenueRejected, { orderSeq, reason: 'ORDER_NEVER_ARRIVED' });
  t.equal(driver.core.instrumentState(0).openBuyMantissa, 0);
  const outputs = driver.status(orderSeq, OrderState.Open);
  t.equal(driver.orderState(orderSeq), OrderState.Unknown);
  t.equal(driver.core.instrumentState(0).openBuyMantissa, 100_000);
  t.equal(only(outputs, 'Discrepancy')['reason'], 'RECONCILE_ORDER_ALIVE');
  t.equal(only(outputs, 'OrderQuery')['orderSeq'], orderSeq);
  driver.status(orderSeq, OrderState.Open);
  t.equal(driver.orderState(orderSeq), OrderState.Open);
  t.end();
});

t.test('a refused order ends with the reason of the venue, and its money is free again', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place();
  const outputs = driver.give(EventKind.VenueRejected, {
    orderSeq,
    reason: 'VENUE_INSUFFICIENT_FUNDS',
  });
  t.match(outputs, [
    { kind: 'OrderChanged', state: OrderState.Rejected, reason: 'VENUE_INSUFFICIENT_FUNDS' },
  ]);
  t.equal(driver.core.state.ledgers[USD]?.reserved.isZero(), true);
  t.equal(driver.core.openOrderCount, 0);
  const other = driver.place();
  t.match(only(driver.give(EventKind.VenueRejected, { orderSeq: other }), 'OrderChanged'), {
    reason: 'VENUE_REJECTED',
  });
  t.end();
});

t.test(
  'a resting order with a time to live is cancelled when it is over, counted from its rest',
  (t) => {
    const driver = CoreDriver.trading();
    const orderSeq = driver.place({ aux: 800 });
    driver.wait(300);
    const accepted = driver.give(EventKind.VenueAccepted, { orderSeq });
    t.equal(only(accepted, 'DeadlineSet')['valueMantissa'], 1_100 * MS);
    driver.wait(300);
    t.same(
      kinds(driver.fill(orderSeq, 10_000)).includes('DeadlineSet'),
      false,
      'a fill does not prolong it',
    );
    driver.wait(500);
    const outputs = driver.deadline(orderSeq);
    t.same(kinds(outputs), ['CancelSend', 'OrderChanged', 'DeadlineSet']);
    t.equal(driver.orderState(orderSeq), OrderState.PendingCancel);
    driver.status(orderSeq, OrderState.Canceled, 10_000);
    t.equal(driver.orderState(orderSeq), OrderState.Canceled);
    t.end();
  },
);

t.test(
  'a cancel without an answer is asked for, and sent again when the order still lives',
  (t) => {
    const driver = CoreDriver.trading();
    const orderSeq = driver.placeOpen();
    driver.command(CommandKind.CancelAll);
    t.same(
      driver.status(orderSeq, OrderState.Open),
      [],
      'a late status says nothing about the cancel',
    );
    driver.wait(ANSWER_MS);
    t.same(kinds(driver.deadline(orderSeq)), ['OrderQuery', 'DeadlineSet']);
    const outputs = driver.status(orderSeq, OrderState.Open);
    t.same(kinds(outputs), ['CancelSend', 'DeadlineSet']);
    t.end();
  },
);

t.test('a cancel that the venue refuses leaves the order resting, and is tried again', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.fill(orderSeq, 10_000);
  driver.command(CommandKind.CancelAll);
  const refused = driver.give(EventKind.CancelRejected, { orderSeq, reason: 'VENUE_RATE_LIMIT' });
  t.match(only(refused, 'OrderChanged'), {
    state: OrderState.PartiallyFilled,
    reason: 'VENUE_RATE_LIMIT',
  });
  driver.wait(ANSWER_MS);
  t.same(kinds(driver.deadline(orderSeq)), ['CancelSend', 'OrderChanged', 'DeadlineSet']);
  t.end();
});

t.test('a venue that does not know the order to cancel is asked what became of it', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  driver.command(CommandKind.CancelAll);
  const outputs = driver.give(EventKind.CancelRejected, {
    orderSeq,
    reason: 'VENUE_UNKNOWN_ORDER',
  });
  t.same(kinds(outputs), ['OrderQuery']);
  t.equal(driver.orderState(orderSeq), OrderState.PendingCancel);
  driver.status(orderSeq, OrderState.Filled, 100_000);
  driver.fill(orderSeq, 100_000);
  t.equal(driver.orderState(orderSeq), OrderState.Filled);
  t.end();
});

t.test('a cancel that is wanted before the venue has the order is sent when it has', (t) => {
  for (const first of ['accepted', 'status', 'fill'] as const) {
    const driver = CoreDriver.trading();
    const orderSeq = driver.place();
    t.same(kinds(driver.command(CommandKind.CancelAll)), ['OrderChanged', 'CommandDone']);
    t.equal(driver.orderState(orderSeq), OrderState.PendingNew);
    const outputs =
      first === 'accepted'
        ? driver.give(EventKind.VenueAccepted, { orderSeq })
        : first === 'status'
          ? driver.status(orderSeq, OrderState.Open)
          : driver.fill(orderSeq, 10_000);
    t.equal(only(outputs, 'CancelSend')['orderSeq'], orderSeq, first);
    t.equal(driver.orderState(orderSeq), OrderState.PendingCancel);
  }
  t.end();
});

t.test('a strategy cancels its own orders in one instrument, and only those', (t) => {
  const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD] });
  driver.mark(300_000, 300_010, 1);
  const mine = driver.placeOpen({ strategyIndex: 1 });
  const theirs = driver.placeOpen({ strategyIndex: 2 });
  const elsewhere = driver.placeOpen({
    strategyIndex: 1,
    instrumentIndex: 1,
    priceMantissa: 300_000,
    sizeMantissa: 10_000,
  });
  driver.give(EventKind.Intent, { state: 2, strategyIndex: 1, instrumentIndex: 0 });
  t.same(
    [mine, theirs, elsewhere].map((orderSeq) => driver.orderState(orderSeq)),
    [OrderState.PendingCancel, OrderState.Open, OrderState.Open],
  );
  t.end();
});

t.test('an intent of an unknown kind is refused', (t) => {
  const driver = CoreDriver.trading();
  t.match(driver.give(EventKind.Intent, { state: 9 }), [
    { kind: 'IntentRefused', reason: 'ORDER_INVALID', valueMantissa: 9 },
  ]);
  t.end();
});

t.test(
  'halt cancels everything that is open; the halt outlives the run until a person resumes',
  (t) => {
    const driver = CoreDriver.trading();
    const resting = driver.placeOpen();
    const taker = driver.place({ timeInForce: TimeInForce.Ioc });
    const outputs = driver.command(CommandKind.Halt, 41);
    t.same(kinds(outputs), [
      'TradingStateChanged',
      'CancelSend',
      'OrderChanged',
      'DeadlineSet',
      'CommandDone',
    ]);
    t.match(outputs[4], { aux: 41, state: CommandKind.Halt });
    t.equal(driver.orderState(resting), OrderState.PendingCancel);
    t.equal(driver.orderState(taker), OrderState.PendingNew, 'an IOC ends by itself');
    t.same(kinds(driver.command(CommandKind.Halt)), ['CommandDone'], 'twice is once');
    t.match(driver.startRun(), [{ kind: 'TradingStateChanged', state: TradingState.Halted }]);
    driver.reconcile();
    t.match(driver.command(CommandKind.Resume), [
      { kind: 'TradingStateChanged', state: TradingState.Active },
      { kind: 'CommandDone' },
    ]);
    t.end();
  },
);

t.test(
  'flatten cancels, then sells what is held at the edge of the band, also when halted',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold(300_000);
    const resting = driver.placeOpen();
    driver.command(CommandKind.Halt);
    driver.command(CommandKind.Flatten);
    t.equal(driver.core.openOrderCount, 1, 'the open order first');
    const outputs = driver.status(resting, OrderState.Canceled);
    const sale = only(outputs, 'OrderSend');
    t.match(sale, {
      side: Side.Sell,
      sizeMantissa: 300_000,
      priceMantissa: 5_940_000,
      timeInForce: TimeInForce.Ioc,
    });
    const orderSeq = Number(sale['orderSeq']);
    driver.fill(orderSeq, 200_000);
    const rest = only(driver.status(orderSeq, OrderState.Canceled, 200_000), 'OrderSend');
    t.match(
      rest,
      { side: Side.Sell, sizeMantissa: 100_000 },
      'what the book did not take is tried again',
    );
    driver.fill(Number(rest['orderSeq']), 100_000);
    t.equal(driver.core.position(0).sizeMantissa, 0);
    t.equal(driver.core.instrumentState(0).isFlattening, false);
    t.equal(driver.core.tradingState, TradingState.Halted);
    t.end();
  },
);

t.test(
  'flatten while active lets nobody buy back, waits for a fresh market, and leaves dust',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold(100_000);
    driver.give(EventKind.MarketState, { reason: 'VENUE_SEQ_GAP' });
    t.same(kinds(driver.command(CommandKind.Flatten)), ['TradingStateChanged', 'CommandDone']);
    t.equal(driver.core.tradingState, TradingState.Reducing);
    t.equal(
      only(driver.intend({ side: Side.Sell }), 'IntentRefused')['reason'],
      'RISK_TRADING_HALTED',
    );
    t.equal(only(driver.intend(), 'IntentRefused')['reason'], 'RISK_REDUCE_ONLY');
    const sale = only(driver.give(EventKind.MarketState), 'OrderSend');
    const orderSeq = Number(sale['orderSeq']);
    driver.fill(orderSeq, 95_000);
    t.same(
      kinds(driver.status(orderSeq, OrderState.Canceled, 95_000)),
      ['OrderChanged'],
      '5,000 is below the minimum',
    );
    t.equal(driver.core.instrumentState(0).isFlattening, false);
    t.equal(driver.core.position(0).sizeMantissa, 5_000);
    t.end();
  },
);

t.test(
  "flatten sells a rest of exactly the venue's minimum, and its order carries nothing of the last intent",
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold(BTC_USD.sizeMinMantissa * 2);
    driver.mark(60_000_000, 60_000_010);
    driver.intend({
      side: Side.Sell,
      tickRecvNs: 5,
      tickVenueNs: 6,
      emitNs: 7,
      aux: 9,
      strategyIndex: 3,
    });
    const sale = only(driver.command(CommandKind.Flatten), 'OrderSend');
    for (const field of ['tickRecvNs', 'tickVenueNs', 'emitNs', 'aux', 'strategyIndex', 'flags']) {
      t.equal(sale[field], undefined, field);
    }
    const orderSeq = Number(sale['orderSeq']);
    driver.fill(orderSeq, BTC_USD.sizeMinMantissa);
    const rest = only(
      driver.status(orderSeq, OrderState.Canceled, BTC_USD.sizeMinMantissa),
      'OrderSend',
    );
    t.equal(rest['sizeMantissa'], BTC_USD.sizeMinMantissa);
    t.end();
  },
);

t.test('a person who resumes ends the flattening', (t) => {
  const driver = CoreDriver.trading();
  driver.hold();
  driver.give(EventKind.MarketState, { reason: 'FEED_SILENT' });
  driver.command(CommandKind.Flatten);
  driver.command(CommandKind.Resume);
  t.same(driver.give(EventKind.MarketState), []);
  t.equal(driver.core.position(0).sizeMantissa, 100_000);
  t.end();
});

t.test('a command that nobody knows is answered with why not', (t) => {
  const driver = CoreDriver.trading();
  t.match(driver.give(EventKind.Command, { state: 99, aux: 8 }), [
    { kind: 'CommandDone', aux: 8, reason: 'API_BAD_REQUEST' },
  ]);
  driver.command(CommandKind.Shutdown);
  t.match(only(driver.intend(), 'IntentRefused'), { reason: 'RISK_TRADING_HALTED' });
  t.match(only(driver.command(CommandKind.Resume), 'CommandDone'), {
    reason: 'RISK_TRADING_HALTED',
  });
  t.end();
});

t.test(
  'stopping cancels open orders when the policy says so, keeps them when it says so, and takes no new ones',
  (t) => {
    for (const stopPolicy of ['cancel', 'keep'] as const) {
      const driver = CoreDriver.trading({ stopPolicy });
      driver.placeOpen();
      const outputs = driver.give(EventKind.CoreStopping);
      t.equal(kinds(outputs).includes('CancelSend'), stopPolicy === 'cancel');
      t.equal(only(driver.intend(), 'IntentRefused')['reason'], 'RISK_TRADING_HALTED');
    }
    t.end();
  },
);

t.test('order numbers begin anew with each run and are never given twice', (t) => {
  const driver = CoreDriver.trading();
  t.equal(driver.place(), orderSeqOf(1, 1));
  t.equal(driver.place(), orderSeqOf(1, 2));
  driver.startRun();
  driver.reconcile();
  driver.freshMarket();
  t.equal(driver.place(), orderSeqOf(2, 1));
  driver.give(EventKind.ReconcileOrder, {
    orderSeq: orderSeqOf(2, 9),
    side: Side.Buy,
    priceMantissa: 5_000_000,
    sizeMantissa: 10_000,
    state: OrderState.Open,
  });
  t.equal(driver.place(), orderSeqOf(2, 10));
  t.throws(() => driver.give(EventKind.RunStarted, { aux: 2 }), /run numbers grow/);
  t.end();
});

t.test(
  'a new run keeps positions, balances and open orders, and asks for every order that the venue does not mention',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold();
    const resting = driver.placeOpen({ aux: 60_000 });
    const pending = driver.place();
    const canceling = driver.placeOpen();
    driver.give(EventKind.Intent, { state: 2 });
    driver.startRun();
    t.equal(driver.core.position(0).sizeMantissa, 100_000);
    t.equal(driver.core.openOrderCount, 3);
    t.same(driver.deadline(resting), [], 'deadlines of the earlier run are void');
    t.equal(only(driver.intend(), 'IntentRefused')['reason'], 'RISK_SESSION_DOWN');
    driver.give(EventKind.VenueSession, { state: 1 });
    driver.give(EventKind.ReconcileOrder, { orderSeq: resting, state: OrderState.Open });
    const outputs = driver.give(EventKind.ReconcileDone);
    t.same(
      outputs
        .filter((output) => output['kind'] === 'OrderQuery')
        .map((output) => output['orderSeq']),
      [pending, canceling],
    );
    t.equal(driver.core.isReconciled, true);
    t.end();
  },
);

t.test('a run after one that was stopped trades again, at prices of its own', (t) => {
  const driver = CoreDriver.trading();
  driver.give(EventKind.CoreStopping);
  driver.startRun();
  driver.reconcile();
  t.same(
    [driver.core.instrumentState(0).bidMantissa, driver.core.instrumentState(0).askMantissa],
    [0, 0],
    'prices of the earlier run are forgotten',
  );
  t.equal(only(driver.intend(), 'IntentRefused')['reason'], 'RISK_MARKET_STALE');
  driver.freshMarket();
  t.equal(driver.place(), orderSeqOf(2, 1));
  t.end();
});

t.test(
  'the end of a round asks for an old order without an answer, not for one that was just sent',
  (t) => {
    const driver = CoreDriver.trading();
    driver.place();
    t.same(kinds(driver.give(EventKind.ReconcileDone)), [], 'its answer is on the way');
    driver.startRun();
    driver.give(EventKind.VenueSession, { state: 1 });
    t.same(kinds(driver.give(EventKind.ReconcileDone)), ['OrderQuery', 'DeadlineSet']);
    t.end();
  },
);

t.test('an order that the journal lost is adopted from the venue, and its fills count', (t) => {
  const driver = CoreDriver.trading();
  const lost = orderSeqOf(1, 50);
  const listing = {
    orderSeq: lost,
    side: Side.Buy,
    orderType: 1,
    timeInForce: TimeInForce.Gtc,
    priceMantissa: 5_900_000,
    sizeMantissa: 200_000,
    state: OrderState.PartiallyFilled,
    cumSizeMantissa: 50_000,
  };
  const outputs = driver.give(EventKind.ReconcileOrder, listing);
  t.equal(only(outputs, 'Discrepancy')['reason'], 'RECONCILE_ORDER_ADOPTED');
  t.match(only(outputs, 'OrderChanged'), {
    orderSeq: lost,
    state: OrderState.Open,
    flags: OrderFlag.Adopted,
  });
  t.equal(driver.core.instrumentState(0).openBuyMantissa, 200_000);
  driver.fill(lost, 50_000);
  t.equal(driver.core.position(0).sizeMantissa, 50_000);
  t.same(driver.give(EventKind.ReconcileOrder, listing), [], 'known from now on');
  driver.command(CommandKind.CancelAll);
  driver.status(lost, OrderState.Canceled, 50_000);
  t.equal(driver.core.openOrderCount, 0);
  t.end();
});

t.test(
  'an order that the journal lost and that has ended is adopted until its fills are here',
  (t) => {
    const driver = CoreDriver.trading();
    const lost = orderSeqOf(1, 51);
    const listing = {
      orderSeq: lost,
      side: Side.Buy,
      priceMantissa: 5_900_000,
      sizeMantissa: 200_000,
    };
    t.same(
      driver.give(EventKind.ReconcileOrder, { ...listing, state: OrderState.Canceled }),
      [],
      'nothing happened',
    );
    driver.give(EventKind.ReconcileOrder, {
      ...listing,
      state: OrderState.Filled,
      cumSizeMantissa: 200_000,
    });
    t.equal(driver.core.openOrderCount, 1);
    driver.fill(lost, 200_000);
    t.equal(driver.orderState(lost), OrderState.Filled);
    t.equal(driver.core.position(0).sizeMantissa, 200_000);
    t.end();
  },
);

t.test(
  'a fill of an order that only it tells of counts at once, and the order is asked for',
  (t) => {
    const driver = CoreDriver.trading();
    const lost = orderSeqOf(1, 52);
    const outputs = driver.fill(lost, 50_000);
    t.equal(driver.core.position(0).sizeMantissa, 50_000);
    t.equal(only(outputs, 'OrderQuery')['orderSeq'], lost);
    driver.fill(lost, 20_000);
    t.equal(
      driver.core.instrumentState(0).openBuyMantissa,
      0,
      'its size is not known: what filled',
    );
    driver.status(lost, OrderState.PartiallyFilled, 70_000, { sizeMantissa: 100_000 });
    t.equal(driver.core.instrumentState(0).openBuyMantissa, 30_000);
    driver.fill(lost, 30_000);
    t.equal(driver.orderState(lost), OrderState.Filled);
    t.end();
  },
);

t.test('a fill of an order that is not ours changes nothing, whenever it comes', (t) => {
  const driver = CoreDriver.trading();
  const fill = { side: Side.Buy, priceMantissa: 6_000_000, sizeMantissa: 5, fillKey: 3 };
  t.match(driver.give(EventKind.VenueFill, fill), [
    { kind: 'Discrepancy', reason: 'RECONCILE_FILL_FOREIGN' },
  ]);
  t.equal(driver.core.position(0).fillCount, 0);
  t.end();
});

t.test('reports that cannot be are counted, and nothing changes', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen();
  const hash = driver.core.stateHash();
  const good = { orderSeq, side: Side.Buy, priceMantissa: 6_000_000, sizeMantissa: 5, fillKey: 3 };
  const rows: readonly (readonly [EventKind, Fields, string])[] = [
    [EventKind.VenueFill, { ...good, side: Side.Sell }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, side: 7 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, priceMantissa: 0 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, sizeMantissa: -1 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, sizeMantissa: 2 ** 53 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, feeMantissa: 0.5 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, fillKey: 0 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueFill, { ...good, instrumentIndex: 4 }, 'INSTRUMENT_UNKNOWN'],
    [EventKind.VenueAccepted, { orderSeq: 12 }, 'VENUE_UNKNOWN_ORDER'],
    [EventKind.VenueRejected, { orderSeq }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueStatus, { orderSeq, state: OrderState.None }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueStatus, { orderSeq, state: OrderState.Unknown }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.VenueStatus, { orderSeq, state: 44 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [
      EventKind.VenueStatus,
      { orderSeq, state: OrderState.Open, cumSizeMantissa: -1 },
      'RECONCILE_REPORT_IMPOSSIBLE',
    ],
    [EventKind.Mark, { priceMantissa: -1 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.Mark, { instrumentIndex: 3 }, 'INSTRUMENT_UNKNOWN'],
    [EventKind.MarketState, { instrumentIndex: 3 }, 'INSTRUMENT_UNKNOWN'],
    [EventKind.ReconcileOrder, { state: OrderState.Open }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [
      EventKind.ReconcileOrder,
      { orderSeq: 5, side: Side.Buy, state: OrderState.Open },
      'RECONCILE_REPORT_IMPOSSIBLE',
    ],
    [EventKind.ReconcileBalance, { aux: 17 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
    [EventKind.ReconcileBalance, { aux: USD, sizeMantissa: 0.5 }, 'RECONCILE_REPORT_IMPOSSIBLE'],
  ];
  for (const [kind, fields, reason] of rows) {
    const outputs = driver.give(kind, fields);
    t.same(kinds(outputs), ['Discrepancy'], `${kind} ${JSON.stringify(fields)}`);
    t.equal(outputs[0]?.['reason'], reason);
    t.equal(driver.core.stateHash(), hash, 'state unchanged');
  }
  t.throws(() => driver.give(EventKind.OrderSend), Bug, 'an output as an input is a bug of ours');
  t.end();
});

t.test('a spot position below zero is what the fills say, and counted', (t) => {
  const driver = CoreDriver.trading();
  const outputs = driver.fill(orderSeqOf(1, 60), 10_000, { side: Side.Sell });
  t.equal(driver.core.position(0).sizeMantissa, -10_000);
  t.same(
    outputs.filter((output) => output['kind'] === 'Discrepancy').map((output) => output['reason']),
    ['RECONCILE_ORDER_ADOPTED', 'RECONCILE_SHORT'],
  );
  t.end();
});

t.test('the first balance is taken, a later one that differs is counted and taken', (t) => {
  const driver = CoreDriver.trading();
  t.equal(cash(driver), 10_000);
  driver.wait(1);
  t.same(
    driver.give(EventKind.ReconcileBalance, {
      aux: USD,
      valueMantissa: 1e12,
      emitNs: driver.nowNs,
    }),
    [],
  );
  const outputs = driver.give(EventKind.ReconcileBalance, {
    aux: USD,
    valueMantissa: 999_900_000_000,
    sizeMantissa: 1_200_000_000,
    emitNs: driver.nowNs,
  });
  t.match(outputs, [
    {
      kind: 'Discrepancy',
      reason: 'RECONCILE_BALANCE',
      aux: USD,
      valueMantissa: 1e12,
      cumSizeMantissa: 999_900_000_000,
    },
    {
      kind: 'BalanceChanged',
      aux: USD,
      valueMantissa: 999_900_000_000,
      sizeMantissa: 1_200_000_000,
    },
  ]);
  t.equal(driver.core.state.ledgers[USD]?.total.toBig(), 99_990_000_000_012n);
  t.end();
});

t.test(
  'a balance that fills under way can explain says nothing; one that they cannot is taken',
  (t) => {
    const driver = CoreDriver.trading();
    driver.placeOpen();
    driver.wait(1);
    const state = (aux: number, value: number): readonly unknown[] =>
      kinds(
        driver.give(EventKind.ReconcileBalance, {
          aux,
          valueMantissa: value,
          emitNs: driver.nowNs,
        }),
      );
    t.same(state(USD, 993_997_000_000), [], 'the buy may have filled');
    t.same(state(BTC, 100_000), []);
    t.same(state(BTC, 100_001), ['Discrepancy', 'BalanceChanged']);
    t.same(state(USD, 993_996_999_999), ['Discrepancy', 'BalanceChanged']);
    t.end();
  },
);

t.test('a balance that was stated before a fill is not held against it', (t) => {
  const driver = CoreDriver.trading();
  driver.wait(10);
  const askedNs = driver.nowNs;
  driver.wait(10);
  driver.hold();
  driver.wait(10);
  t.same(
    driver.give(EventKind.ReconcileBalance, { aux: USD, valueMantissa: 1e12, emitNs: askedNs }),
    [],
  );
  t.equal(cash(driver), 9_940);
  t.end();
});

t.test('more cash than we know is explained by an open sale, and by nothing else', (t) => {
  const driver = CoreDriver.trading();
  driver.hold();
  driver.wait(1);
  const richer = (): readonly unknown[] =>
    kinds(
      driver.give(EventKind.ReconcileBalance, {
        aux: USD,
        valueMantissa: 1_000_100_000_000,
        emitNs: driver.nowNs,
      }),
    );
  const sale = driver.placeOpen({ side: Side.Sell });
  t.same(richer(), [], 'it may have sold at a better price');
  t.same(
    kinds(driver.give(EventKind.ReconcileBalance, { aux: BTC, emitNs: driver.nowNs })),
    [],
    'the coins may be gone',
  );
  driver.status(sale, OrderState.Canceled);
  t.same(richer(), ['Discrepancy', 'BalanceChanged']);
  t.end();
});

t.test('coins that were counted before a fill are not held against it', (t) => {
  const driver = CoreDriver.trading();
  driver.wait(10);
  const askedNs = driver.nowNs;
  driver.hold();
  t.same(driver.give(EventKind.ReconcileBalance, { aux: BTC, emitNs: askedNs }), []);
  driver.wait(1);
  t.same(kinds(driver.give(EventKind.ReconcileBalance, { aux: BTC, emitNs: driver.nowNs })), [
    'Discrepancy',
    'BalanceChanged',
  ]);
  t.end();
});

t.test('equity is cash and what is held at the bid; without a price it is not known', (t) => {
  const driver = CoreDriver.trading();
  const figures = { cashMantissa: 0, equityMantissa: 0, exposureMantissa: 0, isKnown: false };
  driver.hold(100_000);
  driver.mark(7_000_000, 7_000_010);
  driver.core.figures(figures);
  t.same(figures, {
    cashMantissa: 9_940 * 1e8,
    equityMantissa: 10_010 * 1e8,
    exposureMantissa: 70 * 1e8,
    isKnown: true,
  });
  driver.mark(0, 7_000_010);
  driver.core.figures(figures);
  t.equal(figures.isKnown, false);
  const fresh = new CoreDriver();
  fresh.core.figures(figures);
  t.equal(figures.isKnown, false, 'a balance that nobody has stated');
  t.end();
});

t.test('coins of different kinds are valued each at its own price', (t) => {
  const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD] });
  driver.mark(300_000, 300_010, 1);
  driver.hold(100_000);
  const eth = driver.placeOpen({
    instrumentIndex: 1,
    priceMantissa: 300_000,
    sizeMantissa: 20_000,
  });
  driver.fill(eth, 20_000);
  const figures = { cashMantissa: 0, equityMantissa: 0, exposureMantissa: 0, isKnown: false };
  driver.core.figures(figures);
  t.same(figures, {
    cashMantissa: 9_880 * 1e8,
    equityMantissa: 10_000 * 1e8,
    exposureMantissa: 120 * 1e8,
    isKnown: true,
  });
  t.end();
});

t.test(
  'the same inputs give the same outputs and the same hash; one more input gives another hash',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold();
    driver.placeOpen({ aux: 500 });
    driver.wait(600);
    driver.deadline(orderSeqOf(1, 2));
    driver.startRun();
    driver.reconcile();
    const twin = driver.replay();
    t.same(twin.outputs, driver.outputs);
    t.equal(twin.core.stateHash(), driver.core.stateHash());
    t.match(driver.core.stateHash(), /^[0-9a-f]{64}$/);
    twin.mark(1, 2);
    t.not(twin.core.stateHash(), driver.core.stateHash());
    t.end();
  },
);

t.test('the hash of the state is SHA-256, as node computes it', (t) => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1_000]) {
    const text = 'tickwire '.repeat(120).slice(0, length);
    t.equal(sha256Hex(text), createHash('sha256').update(text).digest('hex'), `${length} bytes`);
  }
  t.end();
});

t.test('a core that cannot be right does not start', (t) => {
  const options = new CoreDriver().options;
  t.throws(() => new ExecutionCore({ ...options, orderSlots: 1 }), /a slot for every open order/);
  t.throws(
    () => new ExecutionCore({ ...options, instruments: [ETH_USD] }),
    /instrument at its index: 1 at 0/,
  );
  t.throws(
    () => new ExecutionCore({ ...options, limits: { ...PAPER_LIMITS, priceBandBps: 0 } }),
    /priceBandBps must be a whole number/,
  );
  t.end();
});

t.test('late reports still find an ended order until its slot is needed', (t) => {
  const driver = CoreDriver.trading({
    limits: { ...PAPER_LIMITS, openOrdersMax: 2 },
    orderSlots: 2,
  });
  const first = driver.place();
  driver.give(EventKind.VenueRejected, { orderSeq: first, reason: 'VENUE_PRICE' });
  t.same(driver.give(EventKind.VenueRejected, { orderSeq: first, reason: 'VENUE_PRICE' }), []);
  driver.place();
  driver.place();
  t.match(driver.give(EventKind.VenueRejected, { orderSeq: first, reason: 'VENUE_PRICE' }), [
    { kind: 'Discrepancy', reason: 'VENUE_UNKNOWN_ORDER' },
  ]);
  t.end();
});
