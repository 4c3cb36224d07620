import t from 'tap';
import type { Test } from 'tap';
import { TradingState } from '#src/domain/core-record.js';
import { codeAt } from '#src/domain/errors.js';
import { OrderFlag, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import * as risk from '#src/domain/risk.js';
import { BTC_USD, ETH_USD } from '../execution/core-driver.js';

const { Buy, Sell } = Side;
const { Limit, Market } = OrderType;
const { Gtc, Ioc, Fok, Gtd } = TimeInForce;

/** One line per case: what the check says, and of what. */
function table(t: Test, rows: readonly (readonly [string, number, string])[]): void {
  for (const [what, verdict, code] of rows) t.equal(codeAt(verdict), code, what);
  t.end();
}

t.test('halted takes nothing, reducing takes what makes a position smaller', (t) => {
  const { Active, Reducing, Halted } = TradingState;
  table(t, [
    ['active, growing', risk.checkTradingState(Active, false), 'OK'],
    ['reducing, growing', risk.checkTradingState(Reducing, false), 'RISK_REDUCE_ONLY'],
    ['reducing, smaller', risk.checkTradingState(Reducing, true), 'OK'],
    ['halted, smaller', risk.checkTradingState(Halted, true), 'RISK_TRADING_HALTED'],
    [
      'a state that nobody knows is no licence',
      risk.checkTradingState(0, true),
      'RISK_TRADING_HALTED',
    ],
  ]);
});

t.test('an order reduces when it and everything open on its side fit into what is held', (t) => {
  t.equal(risk.isReducing(10, 4, Sell, 6), true);
  t.equal(risk.isReducing(10, 5, Sell, 6), false);
  t.equal(risk.isReducing(10, 0, Buy, 1), false);
  t.equal(risk.isReducing(-10, 4, Buy, 6), true);
  t.equal(risk.isReducing(-10, 0, Sell, 1), false);
  t.end();
});

t.test('side, type, time in force, flags, price and size must fit together', (t) => {
  const fields = (
    side: number,
    type: number,
    tif: number,
    flags: number,
    price: number,
    size: number,
    ttlMs = 0,
  ): number => risk.checkFields(side, type, tif, flags, price, size, ttlMs);
  table(t, [
    ['a limit order', fields(Buy, Limit, Gtc, 0, 1, 1), 'OK'],
    ['a taker', fields(Sell, Limit, Ioc, 0, 1, 1), 'OK'],
    ['all or nothing', fields(Sell, Limit, Fok, 0, 1, 1), 'OK'],
    ['a maker', fields(Sell, Limit, Gtc, OrderFlag.PostOnly, 1, 1), 'OK'],
    ['a market order has no price', fields(Buy, Market, Ioc, 0, 0, 1), 'OK'],
    ['no side', fields(0, Limit, Gtc, 0, 1, 1), 'ORDER_INVALID'],
    ['no type', fields(Buy, 0, Gtc, 0, 1, 1), 'ORDER_INVALID'],
    ['no time in force', fields(Buy, Limit, 0, 0, 1, 1), 'ORDER_INVALID'],
    ['a date without a date', fields(Buy, Limit, Gtd, 0, 1, 1), 'ORDER_INVALID'],
    ['a date', fields(Buy, Limit, Gtd, 0, 1, 1, 60_000), 'OK'],
    ['price zero', fields(Buy, Limit, Gtc, 0, 0, 1), 'ORDER_INVALID'],
    ['price below zero', fields(Buy, Limit, Gtc, 0, -1, 1), 'ORDER_INVALID'],
    ['price not whole', fields(Buy, Limit, Gtc, 0, 1.5, 1), 'ORDER_INVALID'],
    ['price beyond 2^53', fields(Buy, Limit, Gtc, 0, 2 ** 53, 1), 'ORDER_INVALID'],
    ['size zero', fields(Buy, Limit, Gtc, 0, 1, 0), 'ORDER_INVALID'],
    ['size not a number', fields(Buy, Limit, Gtc, 0, 1, Number.NaN), 'ORDER_INVALID'],
    ['a maker that takes', fields(Buy, Limit, Ioc, OrderFlag.PostOnly, 1, 1), 'ORDER_INVALID'],
    [
      'a market order that makes',
      fields(Buy, Market, Gtc, OrderFlag.PostOnly, 0, 1),
      'ORDER_INVALID',
    ],
  ]);
});

t.test('prices are multiples of the tick, sizes of the lot, between minimum and maximum', (t) => {
  table(t, [
    ['on the tick', risk.checkTick(ETH_USD, 300_005), 'OK'],
    ['between ticks', risk.checkTick(ETH_USD, 300_007), 'ORDER_PRICE_TICK'],
    ['whole lots', risk.checkLot(ETH_USD, 3_000), 'OK'],
    ['part of a lot', risk.checkLot(ETH_USD, 3_500), 'ORDER_SIZE_LOT'],
    ['the minimum', risk.checkSizeMin(BTC_USD, 10_000), 'OK'],
    ['one below it', risk.checkSizeMin(BTC_USD, 9_999), 'ORDER_SIZE_MIN'],
    ['the maximum', risk.checkSizeMax(500, 500), 'OK'],
    ['one above it', risk.checkSizeMax(500, 501), 'ORDER_SIZE_MAX'],
    ['the smallest value', risk.checkNotionalMin(BTC_USD, 10_000_000_000), 'OK'],
    ['less than that', risk.checkNotionalMin(BTC_USD, 9_999_999_999), 'ORDER_NOTIONAL_MIN'],
    ['no more than one order may be worth', risk.checkOrderNotional(100, 100), 'OK'],
    ['one unit more', risk.checkOrderNotional(101, 100), 'RISK_ORDER_NOTIONAL'],
    ['a value beyond 2^53', risk.checkOrderNotional(2 ** 60, 2 ** 53 - 1), 'RISK_ORDER_NOTIONAL'],
  ]);
});

t.test(
  'a market is one to trade in while it is fresh, has the other side, and its price is young',
  (t) => {
    table(t, [
      ['fresh', risk.checkMarket(0, 100, 5, 5), 'OK'],
      ['the feed says stale', risk.checkMarket(7, 100, 0, 5), 'RISK_MARKET_STALE'],
      ['nobody to trade with', risk.checkMarket(0, 0, 0, 5), 'RISK_MARKET_STALE'],
      ['an old price', risk.checkMarket(0, 100, 6, 5), 'RISK_MARKET_STALE'],
    ]);
  },
);

t.test('two per cent around 50,000: a buy up to 51,000, a sale down to 49,000', (t) => {
  t.equal(risk.bandEdge(Buy, 5_000_000, 200), 5_100_000);
  t.equal(risk.bandEdge(Sell, 5_000_000, 200), 4_900_000);
  t.equal(risk.bandEdge(Buy, 333, 1), 333, 'rounded to the inside: 333.0333');
  t.equal(risk.bandEdge(Sell, 333, 1), 333, 'rounded to the inside: 332.9667');
  table(t, [
    ['a buy at the edge', risk.checkPriceBand(Buy, 5_100_000, 5_100_000), 'OK'],
    ['a buy beyond it', risk.checkPriceBand(Buy, 5_100_001, 5_100_000), 'RISK_PRICE_BAND'],
    ['a sale at the edge', risk.checkPriceBand(Sell, 4_900_000, 4_900_000), 'OK'],
    ['a sale beyond it', risk.checkPriceBand(Sell, 4_899_999, 4_900_000), 'RISK_PRICE_BAND'],
  ]);
});

t.test('an edge between two ticks goes to the tick that is still inside', (t) => {
  t.equal(risk.toTickInside(ETH_USD, Buy, 300_004), 300_000);
  t.equal(risk.toTickInside(ETH_USD, Sell, 300_001), 300_005);
  t.equal(risk.toTickInside(ETH_USD, Sell, 300_005), 300_005);
  t.end();
});

t.test('the worst case of a side counts what is held, what is open and the order itself', (t) => {
  t.equal(risk.worstCaseNotional(10, 5, Buy, 3, 100), 1_800);
  t.equal(risk.worstCaseNotional(10, 5, Sell, 3, 100), -200, 'a sale out of stock has none');
  t.equal(risk.worstCaseNotional(-10, 5, Sell, 3, 100), 1_800);
  table(t, [
    ['up to the limit', risk.checkPosition(1_800, 1_800), 'OK'],
    ['one unit above', risk.checkPosition(1_801, 1_800), 'RISK_POSITION'],
    ['covered sale', risk.checkInventory(5, 5), 'OK'],
    ['uncovered sale', risk.checkInventory(6, 5), 'RISK_INVENTORY'],
    ['all the cash', risk.checkCash(5, 5), 'OK'],
    ['more than the cash', risk.checkCash(6, 5), 'RISK_CASH'],
    ['room for one more', risk.checkOpenOrders(9, 10), 'OK'],
    ['no room', risk.checkOpenOrders(10, 10), 'RISK_OPEN_ORDERS'],
    ['the last of the second', risk.checkOrderRate(4, 5), 'OK'],
    ['one more', risk.checkOrderRate(5, 5), 'RISK_ORDER_RATE'],
    ['reduce-only that reduces', risk.checkReduceOnly(OrderFlag.ReduceOnly, true), 'OK'],
    [
      'reduce-only that does not',
      risk.checkReduceOnly(OrderFlag.ReduceOnly, false),
      'RISK_REDUCE_ONLY',
    ],
    ['no such wish', risk.checkReduceOnly(0, false), 'OK'],
  ]);
});

t.test('the paper profile is inside the bounds, and every limit that is outside is named', (t) => {
  t.same(risk.riskLimitProblems(risk.PAPER_LIMITS), []);
  t.same(risk.riskLimitProblems({ ...risk.PAPER_LIMITS, priceBandBps: 0, openOrdersMax: 1.5 }), [
    'priceBandBps must be a whole number from 1 to 5000: 0',
    'openOrdersMax must be a whole number from 1 to 10000: 1.5',
  ]);
  t.end();
});

t.test('a money limit is the same money in every instrument', (t) => {
  t.equal(risk.limitInMoney(25_000_000_000, BTC_USD), 250 * 1e10);
  t.equal(risk.limitInMoney(25_000_000_000, ETH_USD), 250 * 1e8);
  t.equal(
    risk.limitInMoney(25_000_000_099, { ...ETH_USD, sizeScale: 4 }),
    250 * 1e6,
    'rounded down',
  );
  t.equal(
    risk.limitInMoney(9e15, BTC_USD),
    Number.MAX_SAFE_INTEGER,
    'what cannot be counted cannot be ordered',
  );
  t.end();
});
