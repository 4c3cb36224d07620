import t from 'tap';
import { CommandKind, EventKind } from '#src/domain/core-record.js';
import { OrderFlag, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { CoreDriver, kinds, only } from './core-driver.js';
import type { Fields, Output } from './core-driver.js';

/** A stop that closes 0.001 BTC when the bid falls to 59,000.00. */
const STOP: Fields = {
  side: Side.Sell,
  orderType: OrderType.StopMarket,
  priceMantissa: 0,
  fillKey: 5_900_000,
  flags: OrderFlag.ReduceOnly,
};
const BRACKET: Fields = { refSeq: 6_100_000, orderSeq: 5_900_000 };

function held(outputs: readonly Output[]): readonly Output[] {
  return outputs.filter((output) => output['state'] === OrderState.Held);
}

function states(driver: CoreDriver): readonly number[] {
  return [...driver.core.openOrders()].map((order) => order.state);
}

t.test(
  'a stop waits in the core, is no exposure, and goes out when the bid has fallen to it',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold();
    const [waiting] = held(driver.intend(STOP));
    t.match(waiting, { kind: 'OrderChanged', priceMantissa: 5_900_000, sizeMantissa: 100_000 });
    t.equal(driver.core.instrumentState(0).openSellMantissa, 0);
    t.same(kinds(driver.mark(5_900_001, 5_900_010)), [], 'one cent above');
    const outputs = driver.mark(5_900_000, 5_900_010);
    const sent = only(outputs, 'OrderSend');
    t.match(
      sent,
      {
        orderSeq: waiting?.['orderSeq'],
        side: Side.Sell,
        timeInForce: TimeInForce.Ioc,
        sizeMantissa: 100_000,
        priceMantissa: 5_888_200,
      },
      'a limit IOC twenty basis points below the bid',
    );
    t.equal(driver.core.instrumentState(0).openSellMantissa, 100_000);
    driver.fill(Number(sent['orderSeq']), 100_000, { priceMantissa: 5_899_000 });
    t.equal(driver.core.position(0).sizeMantissa, 0);
    t.end();
  },
);

t.test('each kind of trigger fires on its own side of the market', (t) => {
  const cases: readonly (readonly [
    string,
    Fields,
    readonly [number, number],
    readonly [number, number],
  ])[] = [
    [
      'stop buy',
      { side: Side.Buy, orderType: OrderType.StopMarket, fillKey: 6_050_000 },
      [6_049_980, 6_049_990],
      [6_049_990, 6_050_000],
    ],
    [
      'take-profit buy',
      { side: Side.Buy, orderType: OrderType.TakeProfitMarket, fillKey: 5_950_000 },
      [5_950_000, 5_950_010],
      [5_949_990, 5_950_000],
    ],
    [
      'take-profit sale',
      { side: Side.Sell, orderType: OrderType.TakeProfitMarket, fillKey: 6_050_000 },
      [6_049_990, 6_050_000],
      [6_050_000, 6_050_010],
    ],
    [
      'stop sale',
      { side: Side.Sell, orderType: OrderType.StopMarket, fillKey: 5_950_000 },
      [5_950_010, 5_950_020],
      [5_950_000, 5_950_010],
    ],
  ];
  for (const [name, fields, before, after] of cases) {
    const driver = CoreDriver.trading();
    driver.hold();
    t.equal(held(driver.intend({ priceMantissa: 0, ...fields })).length, 1, name);
    t.notOk(kinds(driver.mark(before[0], before[1])).includes('OrderSend'), `${name}: not yet`);
    t.ok(kinds(driver.mark(after[0], after[1])).includes('OrderSend'), `${name}: now`);
  }
  t.end();
});

t.test('a stop-limit order goes out with its own price and rests', (t) => {
  const driver = CoreDriver.trading();
  driver.hold();
  driver.intend({ ...STOP, orderType: OrderType.StopLimit, priceMantissa: 5_899_000, flags: 0 });
  const sent = only(driver.mark(5_900_000, 5_900_010), 'OrderSend');
  t.match(sent, {
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    priceMantissa: 5_899_000,
  });
  t.end();
});

t.test('impossible triggers and brackets are refused', (t) => {
  const driver = CoreDriver.trading();
  driver.hold();
  const refused = (fields: Fields): unknown =>
    only(driver.intend(fields), 'IntentRefused')['reason'];
  t.equal(refused({ ...STOP, fillKey: 0 }), 'ORDER_INVALID', 'no trigger');
  t.equal(refused({ ...STOP, fillKey: -5 }), 'ORDER_INVALID');
  t.equal(refused({ fillKey: 5_900_000 }), 'ORDER_INVALID', 'a limit order waits for nothing');
  t.equal(refused({ refSeq: 5_999_999 }), 'ORDER_INVALID', 'a gain below the entry');
  t.equal(refused({ orderSeq: 6_000_001 }), 'ORDER_INVALID', 'a loss above it');
  t.equal(refused({ ...STOP, ...BRACKET }), 'ORDER_INVALID', 'a held order has no bracket');
  t.equal(refused({ ...STOP, orderType: OrderType.StopLimit }), 'ORDER_INVALID', 'no limit price');
  t.end();
});

t.test('a bracket follows the fills of its entry; one leg goes out, the other is dropped', (t) => {
  const driver = CoreDriver.trading();
  const entry = driver.placeOpen(BRACKET);
  t.same(states(driver), [OrderState.Open], 'nothing is protected before anything is held');
  const first = held(driver.fill(entry, 40_000));
  t.same(
    first.map((leg) => [leg['orderType'], leg['priceMantissa'], leg['sizeMantissa']]),
    [
      [OrderType.TakeProfitMarket, 6_100_000, 40_000],
      [OrderType.StopMarket, 5_900_000, 40_000],
    ],
  );
  const second = held(driver.fill(entry, 60_000));
  t.same(
    second.map((leg) => leg['sizeMantissa']),
    [100_000, 100_000],
    'the legs grow',
  );
  const outputs = driver.mark(6_100_000, 6_100_010);
  const sent = only(outputs, 'OrderSend');
  t.match(sent, { side: Side.Sell, sizeMantissa: 100_000 });
  const dropped = outputs.find((output) => output['state'] === OrderState.Canceled);
  t.match(dropped, { orderSeq: second[1]?.['orderSeq'], reason: 'ORDER_LEG_SENT' });
  driver.fill(Number(sent['orderSeq']), 100_000, { priceMantissa: 6_100_000 });
  t.equal(driver.core.position(0).sizeMantissa, 0);
  t.equal(driver.core.instrumentState(0).brackets.length, 0, 'the bracket is over');
  t.equal(driver.core.openOrderCount, 0);
  t.end();
});

t.test('what a leg leaves open is protected again, and goes out again at the next price', (t) => {
  const driver = CoreDriver.trading();
  const entry = driver.placeOpen(BRACKET);
  driver.fill(entry, 100_000);
  const sent = only(driver.mark(5_890_000, 5_890_010), 'OrderSend');
  const legSeq = Number(sent['orderSeq']);
  driver.give(EventKind.VenueAccepted, { orderSeq: legSeq });
  driver.fill(legSeq, 30_000, { priceMantissa: 5_889_000 });
  const again = held(driver.status(legSeq, OrderState.Canceled, 30_000));
  t.same(
    again.map((leg) => leg['sizeMantissa']),
    [70_000, 70_000],
  );
  const next = only(driver.mark(5_880_000, 5_880_010), 'OrderSend');
  t.match(next, { side: Side.Sell, sizeMantissa: 70_000 });
  t.end();
});

t.test(
  'a leg that the venue refuses goes out again after a second, then two, and is never forgotten',
  (t) => {
    const driver = CoreDriver.trading();
    const entry = driver.placeOpen(BRACKET);
    driver.fill(entry, 100_000);
    const sent = only(driver.mark(5_890_000, 5_890_010), 'OrderSend');
    driver.give(EventKind.VenueRejected, {
      orderSeq: Number(sent['orderSeq']),
      reason: 'VENUE_REJECTED',
    });
    t.equal(states(driver).filter((state) => state === OrderState.Held).length, 2);
    driver.wait(999);
    t.notOk(kinds(driver.mark(5_890_000, 5_890_011)).includes('OrderSend'));
    driver.wait(1);
    t.ok(kinds(driver.mark(5_890_000, 5_890_012)).includes('OrderSend'));
    t.end();
  },
);

t.test('who closes the position otherwise ends the bracket', (t) => {
  const driver = CoreDriver.trading();
  const entry = driver.placeOpen(BRACKET);
  driver.fill(entry, 100_000);
  const sale = driver.placeOpen({ side: Side.Sell, priceMantissa: 6_000_010 });
  driver.fill(sale, 100_000, { priceMantissa: 6_000_010 });
  t.same(states(driver), []);
  t.equal(driver.core.instrumentState(0).heldCount, 0);
  t.end();
});

t.test('a held order that the gate refuses says so once and is tried at every price', (t) => {
  const driver = CoreDriver.trading();
  driver.hold();
  driver.intend(STOP);
  driver.give(EventKind.MarketState, { reason: 'FEED_SILENT' });
  const first = driver.mark(5_890_000, 5_890_010);
  t.match(only(first, 'IntentRefused'), { reason: 'RISK_MARKET_STALE' });
  t.same(kinds(driver.mark(5_890_001, 5_890_011)), [], 'told once');
  driver.give(EventKind.MarketState);
  t.ok(kinds(driver.mark(5_890_002, 5_890_012)).includes('OrderSend'));
  t.end();
});

t.test(
  'held orders end by cancel, by their time and by a halt, without a word to the venue',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold();
    const seqOf = (outputs: readonly Output[]): number => Number(held(outputs)[0]?.['orderSeq']);
    const one = seqOf(driver.intend(STOP));
    const outputs = driver.give(EventKind.Intent, { state: 3, orderSeq: one });
    t.same(kinds(outputs), ['OrderChanged']);
    t.equal(driver.orderState(one), OrderState.Canceled);
    const two = seqOf(driver.intend({ ...STOP, aux: 1_000 }));
    driver.wait(1_000);
    driver.deadline(two);
    t.equal(driver.orderState(two), OrderState.Canceled);
    const three = seqOf(driver.intend(STOP));
    t.notOk(kinds(driver.command(CommandKind.Halt)).includes('CancelSend'));
    t.equal(driver.orderState(three), OrderState.Canceled);
    t.end();
  },
);

t.test('a strategy cancels its own orders only, and only those that live', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.placeOpen({ strategyIndex: 1 });
  const cancel = (strategyIndex: number): readonly Output[] =>
    driver.give(EventKind.Intent, { state: 3, orderSeq, strategyIndex });
  t.equal(only(cancel(2), 'IntentRefused')['reason'], 'ORDER_UNKNOWN');
  t.ok(kinds(cancel(1)).includes('CancelSend'));
  driver.status(orderSeq, OrderState.Canceled);
  t.equal(only(cancel(1), 'IntentRefused')['reason'], 'ORDER_UNKNOWN');
  t.end();
});

t.test(
  'stops survive a restart, and one that had gone out before a crash is found alive at the venue',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold();
    const [waiting] = held(driver.intend(STOP));
    const orderSeq = Number(waiting?.['orderSeq']);
    driver.startRun();
    driver.give(EventKind.VenueSession, { state: 1 });
    t.notOk(
      kinds(driver.give(EventKind.ReconcileDone)).includes('OrderQuery'),
      'the venue need not be asked',
    );
    driver.freshMarket();
    t.equal(driver.orderState(orderSeq), OrderState.Held);
    driver.give(EventKind.ReconcileOrder, {
      orderSeq,
      side: Side.Sell,
      orderType: OrderType.Limit,
      timeInForce: TimeInForce.Ioc,
      priceMantissa: 5_888_200,
      sizeMantissa: 100_000,
      state: OrderState.Open,
    });
    t.equal(driver.orderState(orderSeq), OrderState.Open);
    t.equal(driver.core.instrumentState(0).heldCount, 0);
    driver.fill(orderSeq, 100_000, { priceMantissa: 5_888_200 });
    t.equal(driver.core.position(0).sizeMantissa, 0);
    t.same(driver.replay().core.stateText(), driver.core.stateText());
    t.end();
  },
);
