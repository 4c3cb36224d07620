import t from 'tap';
import { Bug } from '#src/domain/assert.js';
import { CommandKind, CoreRecord, EventKind } from '#src/domain/core-record.js';
import type { ErrorCode } from '#src/domain/errors.js';
import { OrderFlag, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { approvedOrder } from '#src/execution/risk-gate.js';
import { BTC_USD, CoreDriver, ETH_USD, MS, kinds, only } from './core-driver.js';
import type { Fields, Output } from './core-driver.js';

const MONEY = 1e10;

/** What the gate says to this intent: the code, what was, and the limit. */
function refusal(
  driver: CoreDriver,
  fields: Fields = {},
): readonly (string | number | undefined)[] {
  const outputs = driver.intend(fields);
  const refused = only(outputs, 'IntentRefused');
  if (outputs.length !== 1) throw new Error(`a refusal alone expected: ${JSON.stringify(outputs)}`);
  return [refused['reason'], refused['valueMantissa'] ?? 0, refused['cumSizeMantissa'] ?? 0];
}

function isApproved(outputs: readonly Output[]): boolean {
  return outputs[0]?.['kind'] === 'OrderSend';
}

t.test('an intent that passes becomes one order, with a deadline for its answer', (t) => {
  const driver = CoreDriver.trading();
  driver.wait(7);
  const outputs = driver.intend({
    tickRecvNs: 11,
    tickVenueNs: 12,
    emitNs: 13,
    aux: 250,
    strategyIndex: 4,
  });
  t.same(kinds(outputs), ['OrderSend', 'DeadlineSet']);
  t.same(outputs[0], {
    kind: 'OrderSend',
    nowNs: 7 * MS,
    orderSeq: 4294967297,
    priceMantissa: 6_000_000,
    sizeMantissa: 100_000,
    valueMantissa: 60 * MONEY,
    tickRecvNs: 11,
    tickVenueNs: 12,
    emitNs: 13,
    aux: 250,
    strategyIndex: 4,
    side: Side.Buy,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    state: OrderState.PendingNew,
  });
  t.equal(outputs[1]?.['valueMantissa'], 5_007 * MS);
  t.end();
});

t.test(
  'nothing is sent before the session is up and the venue has told its truth, nor after the session fell',
  (t) => {
    const driver = new CoreDriver();
    driver.startRun();
    driver.freshMarket();
    t.same(refusal(driver), ['RISK_SESSION_DOWN', 0, 1]);
    driver.give(EventKind.VenueSession, { state: 1 });
    t.same(refusal(driver), ['RISK_NOT_RECONCILED', 0, 1]);
    driver.reconcile();
    t.ok(isApproved(driver.intend()));
    driver.give(EventKind.VenueSession, { state: 0 });
    t.same(refusal(driver), ['RISK_SESSION_DOWN', 0, 1]);
    driver.give(EventKind.VenueSession, { state: 1 });
    t.same(refusal(driver), ['RISK_NOT_RECONCILED', 0, 1], 'a new connection is a new round');
    driver.give(EventKind.ReconcileDone);
    t.ok(isApproved(driver.intend()));
    t.end();
  },
);

t.test('a round that ends while the session is down does not open the gate', (t) => {
  const driver = new CoreDriver();
  driver.startRun();
  driver.freshMarket();
  driver.give(EventKind.ReconcileDone);
  driver.give(EventKind.VenueSession, { state: 1 });
  t.same(refusal(driver), ['RISK_NOT_RECONCILED', 0, 1]);
  t.end();
});

t.test('halted refuses every strategy until a person resumes', (t) => {
  const driver = CoreDriver.trading();
  driver.command(CommandKind.Halt);
  t.same(refusal(driver), ['RISK_TRADING_HALTED', 3, 0]);
  driver.command(CommandKind.Resume);
  t.ok(isApproved(driver.intend()));
  t.end();
});

t.test(
  'an instrument that is not in the table, or that the venue does not trade now, is refused',
  (t) => {
    const driver = CoreDriver.trading({ instruments: [{ ...BTC_USD, isTradable: false }] });
    t.same(refusal(driver, { instrumentIndex: 9 }), ['INSTRUMENT_UNKNOWN', 9, 1]);
    t.same(refusal(driver), ['VENUE_INSTRUMENT', 0, 0]);
    t.end();
  },
);

t.test('a refusal names the first rule that is broken, what was and what is allowed', (t) => {
  const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD] });
  driver.mark(300_000, 300_010, 1);
  const eth = { instrumentIndex: 1, priceMantissa: 300_000, sizeMantissa: 10_000 };
  const rows: readonly (readonly [Fields, ErrorCode, number, number])[] = [
    [{ side: 0 }, 'ORDER_INVALID', 0, 0],
    [{ timeInForce: TimeInForce.Gtd }, 'ORDER_INVALID', 0, 0],
    [{ flags: OrderFlag.ReduceOnly }, 'RISK_REDUCE_ONLY', 100_000, 0],
    [{ ...eth, priceMantissa: 300_003 }, 'ORDER_PRICE_TICK', 300_003, 5],
    [{ ...eth, sizeMantissa: 10_500 }, 'ORDER_SIZE_LOT', 10_500, 1_000],
    [{ sizeMantissa: 9_999 }, 'ORDER_SIZE_MIN', 9_999, 10_000],
    [{ sizeMantissa: 100_000_000_001 }, 'ORDER_SIZE_MAX', 100_000_000_001, 100_000_000_000],
    [{ priceMantissa: 6_060_011 }, 'RISK_PRICE_BAND', 6_060_011, 6_060_010],
    [{ side: Side.Sell, priceMantissa: 5_939_999 }, 'RISK_PRICE_BAND', 5_939_999, 5_940_000],
    [{ priceMantissa: 1, sizeMantissa: 10_000 }, 'ORDER_NOTIONAL_MIN', 10_000, MONEY],
    [{ sizeMantissa: 416_667 }, 'RISK_ORDER_NOTIONAL', 2_500_002_000_000, 250 * MONEY],
    [{ side: Side.Sell }, 'RISK_INVENTORY', 100_000, 0],
  ];
  for (const [fields, code, actual, limit] of rows) {
    t.same(refusal(driver, fields), [code, actual, limit], code);
  }
  t.end();
});

t.test('a refusal carries the intent as it came', (t) => {
  const driver = CoreDriver.trading();
  const [refused] = driver.intend({ side: Side.Sell, tickRecvNs: 5, strategyIndex: 3, emitNs: 6 });
  t.match(refused, {
    kind: 'IntentRefused',
    side: Side.Sell,
    priceMantissa: 6_000_000,
    sizeMantissa: 100_000,
    tickRecvNs: 5,
    emitNs: 6,
    strategyIndex: 3,
    reason: 'RISK_INVENTORY',
  });
  t.end();
});

t.test('a stale feed, an empty side and an old price each stop trading', (t) => {
  const driver = CoreDriver.trading();
  driver.give(EventKind.MarketState, { reason: 'VENUE_SEQ_GAP' });
  t.equal(refusal(driver)[0], 'RISK_MARKET_STALE');
  driver.give(EventKind.MarketState);
  t.ok(isApproved(driver.intend()));
  driver.mark(6_000_000, 0);
  t.equal(refusal(driver)[0], 'RISK_MARKET_STALE');
  driver.mark(6_000_000, 6_000_010);
  driver.wait(5_000);
  t.ok(isApproved(driver.intend()));
  driver.wait(1);
  t.same(refusal(driver), ['RISK_MARKET_STALE', 5_001, 5_000]);
  t.end();
});

t.test('the prices that came with the intent are the market it is judged by', (t) => {
  const driver = CoreDriver.trading();
  driver.wait(60_000);
  const outputs = driver.intend({
    priceMantissa: 7_000_000,
    cumSizeMantissa: 6_999_900,
    feeMantissa: 7_000_000,
  });
  t.ok(isApproved(outputs));
  t.equal(driver.core.instrumentState(0).bidMantissa, 6_999_900);
  t.end();
});

t.test(
  'a market order leaves as a limit IOC at the edge of the slippage, on a tick inside it',
  (t) => {
    const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD] });
    driver.mark(300_000, 300_010, 1);
    const market = { orderType: OrderType.Market, timeInForce: TimeInForce.Ioc, priceMantissa: 0 };
    const buy = only(
      driver.intend({ ...market, instrumentIndex: 1, sizeMantissa: 10_000 }),
      'OrderSend',
    );
    t.match(buy, {
      priceMantissa: 300_610,
      orderType: OrderType.Limit,
      timeInForce: TimeInForce.Ioc,
    });
    driver.hold();
    const sell = only(driver.intend({ ...market, side: Side.Sell }), 'OrderSend');
    t.equal(sell['priceMantissa'], 5_988_000);
    t.end();
  },
);

t.test(
  'the position limit counts what is held and everything that is open, at the higher price',
  (t) => {
    const driver = CoreDriver.trading();
    for (let n = 0; n < 4; n++) driver.placeOpen({ sizeMantissa: 400_000 });
    t.same(refusal(driver, { sizeMantissa: 100_000 }), [
      'RISK_POSITION',
      1_700_000 * 6_000_010,
      1_000 * MONEY,
    ]);
    const open = [...driver.core.openOrders()].map((order) => order.orderSeq);
    driver.fill(open[0] ?? 0, 400_000);
    t.equal(refusal(driver)[0], 'RISK_POSITION', 'filled or open: the same worst case');
    driver.status(open[1] ?? 0, OrderState.Canceled);
    t.ok(isApproved(driver.intend()), 'what is cancelled makes room');
    t.end();
  },
);

t.test('an order of which nobody knows whether it lives still counts', (t) => {
  const driver = CoreDriver.trading();
  const orderSeq = driver.place({ sizeMantissa: 400_000 });
  for (let n = 0; n < 3; n++) driver.place({ sizeMantissa: 400_000 });
  driver.give(EventKind.OutcomeUnknown, { orderSeq });
  t.equal(refusal(driver)[0], 'RISK_POSITION');
  driver.give(EventKind.VenueRejected, { orderSeq, reason: 'ORDER_NEVER_ARRIVED' });
  t.ok(isApproved(driver.intend()));
  t.end();
});

t.test('a spot sale never exceeds what is held and not already on offer', (t) => {
  const driver = CoreDriver.trading();
  driver.hold(100_000);
  const sale = { side: Side.Sell, sizeMantissa: 60_000 };
  driver.placeOpen(sale);
  t.same(refusal(driver, sale), ['RISK_INVENTORY', 60_000, 40_000]);
  t.ok(isApproved(driver.intend({ side: Side.Sell, sizeMantissa: 40_000 })));
  t.end();
});

t.test(
  'coins that the account lacks are not sold, whatever our fills say; coins that are not from our fills neither',
  (t) => {
    const driver = CoreDriver.trading();
    driver.hold(100_000);
    driver.wait(1);
    driver.give(EventKind.ReconcileBalance, {
      aux: 0,
      valueMantissa: 30_000,
      emitNs: driver.nowNs,
    });
    t.same(refusal(driver, { side: Side.Sell }), ['RISK_INVENTORY', 100_000, 30_000]);
    driver.give(EventKind.ReconcileBalance, {
      aux: 0,
      valueMantissa: 500_000,
      emitNs: driver.nowNs,
    });
    t.same(refusal(driver, { side: Side.Sell, sizeMantissa: 200_000 }), [
      'RISK_INVENTORY',
      200_000,
      100_000,
    ]);
    t.end();
  },
);

t.test('a buy needs free cash for its value and its fee; open buys hold theirs', (t) => {
  const driver = new CoreDriver({ limits: { ...PAPER_LIMITS, orderEquityBpsMax: 10_000 } });
  driver.startRun();
  driver.reconcile(120.06);
  driver.freshMarket();
  driver.placeOpen();
  t.ok(isApproved(driver.intend()), '60.03 each');
  t.same(refusal(driver, { sizeMantissa: 17_000 }), ['RISK_CASH', 17_000 * 6_000_000 * 1.0005, 0]);
  t.end();
});

t.test('cash that the venue has not stated is no cash', (t) => {
  const driver = new CoreDriver();
  driver.startRun();
  driver.give(EventKind.VenueSession, { state: 1 });
  driver.give(EventKind.ReconcileDone);
  driver.freshMarket();
  t.same(refusal(driver), ['RISK_CASH', 60 * MONEY * 1.0005, 0]);
  t.end();
});

t.test(
  'a third order in the same second is refused when two are allowed, and taken a second after the first',
  (t) => {
    const driver = CoreDriver.trading({ limits: { ...PAPER_LIMITS, ordersPerSecondMax: 2 } });
    driver.place();
    driver.wait(400);
    driver.place();
    driver.wait(599);
    t.same(refusal(driver), ['RISK_ORDER_RATE', 3, 2]);
    driver.wait(1);
    t.ok(isApproved(driver.intend()));
    t.same(refusal(driver), ['RISK_ORDER_RATE', 3, 2]);
    t.end();
  },
);

t.test('no more orders are open than allowed, over all instruments', (t) => {
  const driver = CoreDriver.trading({ limits: { ...PAPER_LIMITS, openOrdersMax: 2 } });
  const first = driver.placeOpen();
  driver.placeOpen();
  t.same(refusal(driver), ['RISK_OPEN_ORDERS', 2, 2]);
  driver.status(first, OrderState.Canceled);
  t.ok(isApproved(driver.intend()));
  t.end();
});

t.test('when every slot is taken by an adopted order, new ones are refused', (t) => {
  const driver = CoreDriver.trading({
    limits: { ...PAPER_LIMITS, openOrdersMax: 1 },
    orderSlots: 1,
  });
  driver.give(EventKind.ReconcileOrder, {
    orderSeq: 77,
    side: Side.Buy,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    priceMantissa: 5_000_000,
    sizeMantissa: 10_000,
    state: OrderState.Open,
  });
  t.equal(refusal(driver)[0], 'RISK_OPEN_ORDERS');
  t.end();
});

t.test('only what makes a position smaller passes while reducing', (t) => {
  const driver = CoreDriver.trading();
  driver.hold(100_000);
  driver.mark(6_000_000, 6_000_010);
  driver.give(EventKind.MarketState, { reason: 'FEED_SILENT' });
  driver.command(CommandKind.Flatten);
  driver.command(CommandKind.Resume);
  driver.give(EventKind.MarketState);
  t.ok(isApproved(driver.intend()), 'resume made it active');
  driver.core.state.tradingState = 2;
  t.same(refusal(driver), ['RISK_REDUCE_ONLY', 2, 0]);
  t.same(refusal(driver, { side: Side.Sell, sizeMantissa: 100_001 }), ['RISK_REDUCE_ONLY', 2, 0]);
  const sale = { side: Side.Sell, sizeMantissa: 100_000, priceMantissa: 6_000_010 };
  t.ok(isApproved(driver.intend(sale)));
  t.end();
});

t.test('only a record that the gate let out is an approved order', (t) => {
  const record = new CoreRecord();
  record.kind = EventKind.CancelSend;
  t.throws(() => approvedOrder(record), Bug);
  record.kind = EventKind.OrderSend;
  record.orderSeq = 5;
  t.equal(approvedOrder(record).orderSeq, 5);
  t.end();
});
