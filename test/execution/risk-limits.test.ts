import t from 'tap';
import { CommandKind, EventKind, TradingState, intentAux } from '#src/domain/core-record.js';
import { OrderFlag, OrderState, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import type { RiskLimits } from '#src/domain/risk.js';
import { BTC_USD, CoreDriver, ETH_USD, only } from './core-driver.js';
import type { Fields, Output } from './core-driver.js';

const UNIT = 1e8;
const MS_PER_HOUR = 3_600_000;

/** The code, what was and the limit of the refusal of an intent. */
function refusal(driver: CoreDriver, fields: Fields = {}): readonly unknown[] {
  const refused = only(driver.intend(fields), 'IntentRefused');
  return [refused['reason'], refused['valueMantissa'] ?? 0, refused['cumSizeMantissa'] ?? 0];
}

function isApproved(outputs: readonly Output[]): boolean {
  return outputs[0]?.['kind'] === 'OrderSend';
}

function limited(limits: Partial<RiskLimits>): { readonly limits: RiskLimits } {
  return { limits: { ...PAPER_LIMITS, ...limits } };
}

const SALE: Fields = { side: Side.Sell, priceMantissa: 6_000_010 };

t.test('an unsure intent opens nothing; a way out needs no confidence', (t) => {
  const driver = CoreDriver.trading(limited({ confidencePpmMin: 700_000 }));
  t.same(refusal(driver, { aux: intentAux(250, 699_999) }), ['RISK_CONFIDENCE', 699_999, 700_000]);
  const sent = only(driver.intend({ aux: intentAux(250, 700_000) }), 'OrderSend');
  t.equal(sent['aux'], 250, 'the time to live is what it was');
  driver.fill(Number(sent['orderSeq']), 100_000);
  t.ok(isApproved(driver.intend({ ...SALE, aux: intentAux(0, 0) })), 'an exit');
  t.end();
});

t.test(
  'an instrument that is not on the list is not opened; what is held of it can be sold',
  (t) => {
    const driver = CoreDriver.trading({ instruments: [BTC_USD, ETH_USD], whitelist: [0] });
    const eth = { instrumentIndex: 1, sizeMantissa: 2_000 };
    t.same(refusal(driver, eth), ['RISK_WHITELIST', 1, 0]);
    t.ok(isApproved(driver.intend()));
    t.end();
  },
);

t.test('no order trades with a resting order of our own', (t) => {
  const driver = CoreDriver.trading();
  driver.hold(200_000);
  const sale = driver.placeOpen({ ...SALE, priceMantissa: 6_000_500 });
  t.same(refusal(driver, { priceMantissa: 6_000_500 }), ['RISK_SELF_CROSS', 6_000_500, 6_000_500]);
  t.ok(isApproved(driver.intend({ priceMantissa: 6_000_499 })), 'below it');
  t.same(refusal(driver, { ...SALE, priceMantissa: 6_000_499 }), [
    'RISK_SELF_CROSS',
    6_000_499,
    6_000_499,
  ]);
  driver.command(CommandKind.CancelAll);
  driver.status(sale, OrderState.Canceled);
  t.same(
    refusal(driver, { ...SALE, priceMantissa: 6_000_499 }),
    ['RISK_SELF_CROSS', 6_000_499, 6_000_499],
    'a cancel under way may still trade',
  );
  t.ok(isApproved(driver.intend({ priceMantissa: 6_000_500 })), 'the cancelled sale is gone');
  t.end();
});

t.test('positions are counted with what is open, per asset and in total', (t) => {
  const driver = CoreDriver.trading({
    instruments: [BTC_USD, ETH_USD],
    ...limited({ positionsMax: 1 }),
  });
  const orderSeq = driver.placeOpen();
  const eth = { instrumentIndex: 1, sizeMantissa: 2_000 };
  t.same(refusal(driver, eth), ['RISK_POSITION_COUNT', 2, 1], 'an open order counts');
  t.ok(isApproved(driver.intend()), 'more of the same does not');
  driver.command(CommandKind.CancelAll);
  for (const order of [...driver.core.openOrders()]) {
    if (order.orderSeq !== orderSeq)
      driver.give(EventKind.VenueAccepted, { orderSeq: order.orderSeq });
    driver.status(order.orderSeq, OrderState.Canceled);
  }
  t.ok(isApproved(driver.intend(eth)), 'and counts no more when it has ended');
  t.end();
});

t.test(
  'the worst case of asset, venue, strategy and portfolio is limited, open orders included',
  (t) => {
    const cases: readonly (readonly [keyof RiskLimits, string])[] = [
      ['assetExposureMaxMantissa', 'RISK_EXPOSURE_ASSET'],
      ['venueExposureMaxMantissa', 'RISK_EXPOSURE_VENUE'],
      ['strategyExposureMaxMantissa', 'RISK_EXPOSURE_STRATEGY'],
      ['portfolioExposureMaxMantissa', 'RISK_EXPOSURE_PORTFOLIO'],
    ];
    for (const [limit, code] of cases) {
      const driver = CoreDriver.trading(limited({ [limit]: 130 * UNIT }));
      driver.placeOpen();
      const orderSeq = driver.placeOpen();
      const third = refusal(driver);
      t.equal(third[0], code);
      t.ok(Number(third[1]) > 180 * UNIT && Number(third[1]) < 181 * UNIT, `${code} says how much`);
      t.equal(third[2], 130 * UNIT);
      driver.status(orderSeq, OrderState.Canceled);
      t.ok(isApproved(driver.intend()), 'what has ended makes room');
    }
    t.end();
  },
);

t.test('another strategy has a limit of its own', (t) => {
  const driver = CoreDriver.trading(limited({ strategyExposureMaxMantissa: 70 * UNIT }));
  driver.placeOpen({ strategyIndex: 1 });
  t.equal(refusal(driver, { strategyIndex: 1 })[0], 'RISK_EXPOSURE_STRATEGY');
  t.ok(isApproved(driver.intend({ strategyIndex: 2 })));
  t.end();
});

t.test('an exposure follows the price of what is held', (t) => {
  const driver = CoreDriver.trading(limited({ portfolioExposureMaxMantissa: 125 * UNIT }));
  driver.hold(100_000);
  t.ok(isApproved(driver.intend({ timeInForce: TimeInForce.Ioc })), '120 at 60,000');
  const other = CoreDriver.trading(limited({ portfolioExposureMaxMantissa: 125 * UNIT }));
  other.hold(100_000);
  other.mark(6_300_000, 6_300_010);
  t.equal(
    refusal(other, { priceMantissa: 6_300_000 })[0],
    'RISK_EXPOSURE_PORTFOLIO',
    '126 at 63,000',
  );
  t.end();
});

t.test(
  'leverage and the share of one order are measured by the equity, and unknown equity opens nothing',
  (t) => {
    const driver = CoreDriver.trading(limited({ leverageMaxPercent: 1 }));
    const [code, worst, equity] = refusal(driver, { sizeMantissa: 200_000 });
    t.equal(code, 'RISK_LEVERAGE', '120 of 10,000');
    t.equal(worst, 120.0002 * UNIT);
    t.equal(equity, 10_000 * UNIT);
    const share = CoreDriver.trading(limited({ orderEquityBpsMax: 50 }));
    t.equal(refusal(share)[0], 'RISK_ORDER_EQUITY', '60 of 10,000 is more than half a per cent');
    const unknown = new CoreDriver({ instruments: [BTC_USD, ETH_USD] });
    unknown.startRun();
    unknown.reconcile(10_000, 5);
    unknown.give(EventKind.MarketState);
    unknown.mark(6_000_000, 6_000_010);
    t.same(refusal(unknown), ['RISK_UNPRICED', 0, 0], '5 ETH without a price');
    unknown.mark(300_000, 300_010, 1);
    t.ok(isApproved(unknown.intend()));
    t.end();
  },
);

t.test('trades per hour are counted over restarts, with every order that may become one', (t) => {
  const driver = CoreDriver.trading(limited({ tradesPerHourMax: 2 }));
  driver.hold();
  const open = driver.placeOpen();
  t.same(refusal(driver), ['RISK_TRADES_HOUR', 2, 2], 'one has traded, one may');
  driver.status(open, OrderState.Canceled);
  driver.hold();
  t.same(refusal(driver), ['RISK_TRADES_HOUR', 2, 2]);
  t.ok(isApproved(driver.intend({ ...SALE, timeInForce: TimeInForce.Ioc })), 'a way out is open');
  driver.run++;
  driver.nowNs = 0;
  driver.give(EventKind.RunStarted, { aux: driver.run, valueMantissa: 1_000 });
  driver.give(EventKind.VenueSession, { state: 1 });
  driver.give(EventKind.ReconcileDone);
  driver.freshMarket();
  t.equal(refusal(driver)[0], 'RISK_TRADES_HOUR', 'a restart forgets nothing');
  driver.wait(MS_PER_HOUR);
  driver.freshMarket();
  t.ok(isApproved(driver.intend()), 'an hour later');
  t.end();
});

t.test('trades per day are counted too', (t) => {
  const driver = CoreDriver.trading(limited({ tradesPerDayMax: 1, tradesPerHourMax: 1 }));
  driver.hold();
  driver.wait(MS_PER_HOUR);
  driver.freshMarket();
  t.same(refusal(driver), ['RISK_TRADES_DAY', 1, 1]);
  driver.wait(23 * MS_PER_HOUR);
  driver.freshMarket();
  t.ok(isApproved(driver.intend()));
  t.end();
});

t.test(
  'the loss of the day halts trading, cancels what is open, and lasts until a person resumes',
  (t) => {
    const driver = CoreDriver.trading(limited({ dailyLossMaxMantissa: 10 * UNIT }));
    driver.hold(200_000);
    const resting = driver.placeOpen({ priceMantissa: 5_999_000 });
    driver.mark(5_600_000, 5_600_010);
    const outputs = driver.mark(5_499_999, 5_500_010);
    const changed = only(outputs, 'TradingStateChanged');
    t.match(changed, { state: TradingState.Halted, reason: 'RISK_DAILY_LOSS' });
    t.equal(only(outputs, 'CancelSend')['orderSeq'], resting);
    t.equal(refusal(driver)[0], 'RISK_TRADING_HALTED');
    driver.startRun();
    t.equal(driver.core.tradingState, TradingState.Halted, 'a restart does not resume');
    driver.reconcile(10_000 - 120, 0.002);
    driver.freshMarket(5_499_999, 5_500_010);
    driver.command(CommandKind.Resume);
    t.equal(driver.core.tradingState, TradingState.Active);
    driver.mark(5_499_999, 5_500_010);
    t.equal(driver.core.tradingState, TradingState.Active, 'losses count from here');
    t.end();
  },
);

t.test('the drawdown from the highest equity halts too, and may close positions', (t) => {
  const driver = CoreDriver.trading({
    ...limited({ drawdownBpsMax: 10 }),
    haltAction: 'flatten',
  });
  driver.hold(200_000);
  driver.mark(6_500_000, 6_500_010);
  t.equal(driver.core.state.equity.highestMantissa, 10_010 * UNIT);
  const outputs = driver.mark(5_990_000, 5_990_010);
  t.match(only(outputs, 'TradingStateChanged'), { reason: 'RISK_DRAWDOWN' });
  const sale = only(outputs, 'OrderSend');
  t.match(sale, { side: Side.Sell, sizeMantissa: 200_000, timeInForce: TimeInForce.Ioc });
  t.end();
});

t.test('money paid in or taken out is no result', (t) => {
  const driver = CoreDriver.trading(limited({ dailyLossMaxMantissa: 10 * UNIT }));
  driver.mark(6_000_000, 6_000_010);
  driver.wait(1);
  driver.give(EventKind.ReconcileBalance, {
    aux: 1,
    valueMantissa: 4_000 * UNIT,
    emitNs: driver.nowNs,
  });
  t.equal(driver.core.tradingState, TradingState.Active);
  t.equal(driver.core.state.equity.valueMantissa, 4_000 * UNIT);
  t.equal(driver.core.state.equity.highestMantissa, 4_000 * UNIT);
  t.equal(driver.core.state.equity.dayLossMantissa, 0);
  t.end();
});

t.test('a perpetual may be sold short, ties up its margin, and is settled in money', (t) => {
  const driver = CoreDriver.trading({ instruments: [{ ...BTC_USD, kind: 'perpetual' }] });
  const short = driver.placeOpen({ ...SALE, sizeMantissa: 100_000 });
  const [, usd] = driver.core.state.ledgers;
  t.ok((usd?.reserved.toBig() ?? 0n) > 600_000_000_000n, 'the margin is set aside');
  driver.fill(short, 100_000, { priceMantissa: 6_000_010 });
  t.equal(driver.core.position(0).sizeMantissa, -100_000);
  t.equal(usd?.total.toBig(), 100_000_000_000_000n, 'no coins moved');
  t.equal(usd?.reserved.toBig(), 0n);
  driver.mark(5_900_000, 5_900_010);
  t.equal(driver.core.state.equity.valueMantissa, 10_001 * UNIT, 'unrealised');
  const cover = driver.placeOpen({ priceMantissa: 5_900_010, flags: OrderFlag.ReduceOnly });
  driver.fill(cover, 100_000, { feeMantissa: 1_000_000_000 });
  t.equal(usd?.total.toBig(), 100_009_000_000_000n, 'one dollar earned, ten cents paid');
  t.equal(driver.core.position(0).sizeMantissa, 0);
  t.end();
});
