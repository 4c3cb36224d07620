/** The simulated venue's matching, told as a customer would: what is eaten, what waits, what is charged. */
import t from 'tap';
import { OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { Exchange, completeState, freshState } from '#src/sim/exchange.js';
import { simulatedInstruments } from '#src/venues/coinbase/simulator-products.js';
import type {
  ExchangeOrder,
  MarketEvent,
  NewOrder,
  PlaceResult,
} from '#src/venues/simulator-port.js';

const CENT = 1n; // price scale 2
const LOT = 100_000_000n; // size scale 8: one coin
const USD = 10_000_000_000n; // money scale 10
const INSTRUMENTS = simulatedInstruments(['BTC-USD']);

interface Level {
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
}

/** A level in dollars and hundredths of a coin. */
function level(dollars: number, hundredths: number): Level {
  return { priceMantissa: dollars * 100, sizeMantissa: hundredths * 1_000_000 };
}

/** Bids 100 (2 coins), 99 (3 coins); asks 101 (1 coin), 102 (2 coins), 103 (5 coins). */
function openExchange(
  options: { takerFeePpm?: bigint; makerFeePpm?: bigint; cash?: bigint } = {},
): Exchange {
  const exchange = new Exchange({
    instruments: INSTRUMENTS,
    takerFeePpm: options.takerFeePpm ?? 500n,
    makerFeePpm: options.makerFeePpm ?? 0n,
    state: freshState(INSTRUMENTS, (options.cash ?? 10_000n) * USD),
  });
  exchange.apply(
    {
      kind: 'snapshot',
      instrumentIndex: 0,
      bids: [level(100, 200), level(99, 300)],
      asks: [level(101, 100), level(102, 200), level(103, 500)],
    },
    1n,
  );
  return exchange;
}

let clientNumber = 0;

function limit(side: Side, dollars: bigint, size: bigint, more: Partial<NewOrder> = {}): NewOrder {
  return {
    clientOrderId: `c${String(++clientNumber)}`,
    instrumentIndex: 0,
    side,
    orderType: OrderType.Limit,
    timeInForce: TimeInForce.Gtc,
    isPostOnly: false,
    priceMantissa: dollars * 100n * CENT,
    sizeMantissa: size,
    quoteMantissa: 0n,
    expireNs: 0n,
    wire: '{}',
    ...more,
  };
}

function market(side: Side, more: Partial<NewOrder>): NewOrder {
  return limit(side, 0n, 0n, {
    orderType: OrderType.Market,
    timeInForce: TimeInForce.Ioc,
    ...more,
  });
}

function placed(result: PlaceResult): ExchangeOrder {
  if (result.kind !== 'placed') throw new Error(`not placed: ${JSON.stringify(result)}`);
  return result.order;
}

function trade(dollars: number, hundredths: number, takerSide: Side): MarketEvent {
  return { kind: 'trade', instrumentIndex: 0, takerSide, ...level(dollars, hundredths) };
}

function levels(changes: readonly (Level & { isAsk: boolean })[]): MarketEvent {
  return { kind: 'levels', instrumentIndex: 0, changes };
}

function balance(exchange: Exchange, currency: string): { total: bigint; hold: bigint } {
  const account = exchange.accounts().find((entry) => entry.currency === currency);
  return { total: account?.totalMantissa ?? -1n, hold: account?.holdMantissa ?? -1n };
}

t.test('a taker eats the displayed sizes level by level, each its own fill', (t) => {
  const exchange = openExchange();
  const order = placed(
    exchange.place(limit(Side.Buy, 102n, 2n * LOT, { timeInForce: TimeInForce.Ioc }), 5n),
  );
  t.equal(order.status, 'filled');
  t.strictSame(
    exchange.fills().map((fill) => [fill.priceMantissa, fill.sizeMantissa, fill.isMaker]),
    [
      [10_100n, LOT, false],
      [10_200n, LOT, false],
    ],
  );
  // 203 dollars and 5 basis points of them.
  t.equal(balance(exchange, 'USD').total, 10_000n * USD - 203n * USD - (203n * USD * 5n) / 10_000n);
  t.equal(balance(exchange, 'BTC').total, 2n * LOT);
  t.equal(balance(exchange, 'USD').hold, 0n);
  t.end();
});

t.test('our fills do not change the replayed book', (t) => {
  const exchange = openExchange();
  const ioc = (): NewOrder => limit(Side.Buy, 101n, LOT, { timeInForce: TimeInForce.Ioc });
  t.equal(placed(exchange.place(ioc(), 5n)).status, 'filled');
  t.equal(placed(exchange.place(ioc(), 6n)).status, 'filled', 'the same displayed coin again');
  t.same(exchange.best(0).ask, level(101, 100));
  t.end();
});

t.test('what an immediate-or-cancel order cannot get at once is cancelled', (t) => {
  const exchange = openExchange();
  const order = placed(
    exchange.place(limit(Side.Buy, 101n, 3n * LOT, { timeInForce: TimeInForce.Ioc }), 5n),
  );
  t.equal(order.status, 'cancelled');
  t.equal(order.filledSizeMantissa, LOT);
  t.equal(balance(exchange, 'USD').hold, 0n);
  t.end();
});

t.test('a fill-or-kill order takes all or nothing', (t) => {
  const exchange = openExchange();
  const fok = (size: bigint): NewOrder =>
    limit(Side.Buy, 102n, size, { timeInForce: TimeInForce.Fok });
  const killed = placed(exchange.place(fok(3n * LOT + 1n), 5n));
  t.equal(killed.status, 'cancelled');
  t.equal(killed.fillCount, 0);
  t.equal(placed(exchange.place(fok(3n * LOT), 6n)).status, 'filled');
  t.end();
});

t.test('a post-only order that would take is refused; one tick lower it rests', (t) => {
  const exchange = openExchange();
  const taking = exchange.place(limit(Side.Buy, 101n, LOT, { isPostOnly: true }), 5n);
  t.same(taking, { kind: 'rejected', reason: 'post-only-would-take' });
  const resting = placed(
    exchange.place(limit(Side.Buy, 0n, LOT, { isPostOnly: true, priceMantissa: 10_099n }), 6n),
  );
  t.equal(resting.status, 'open');
  t.end();
});

t.test('a resting order fills only after the queue before it is used up', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(limit(Side.Buy, 100n, LOT), 5n));
  t.equal(order.queueAheadMantissa, 2n * LOT, 'it stands behind the two displayed coins');

  exchange.apply(trade(100, 150, Side.Sell), 6n);
  t.equal(order.queueAheadMantissa, LOT / 2n);
  t.equal(order.fillCount, 0);

  exchange.apply(trade(100, 90, Side.Sell), 7n);
  t.equal(
    order.filledSizeMantissa,
    (LOT * 40n) / 100n,
    'half a coin for the queue, the rest for us',
  );

  exchange.apply(trade(100, 500, Side.Sell), 8n);
  t.equal(order.status, 'filled');
  t.equal(order.fillCount, 2);
  t.ok(exchange.fills().every((fill) => fill.isMaker && fill.priceMantissa === 10_000n));
  t.end();
});

t.test('a trade on our own side of the market does not fill us', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(limit(Side.Buy, 100n, LOT), 5n));
  exchange.apply(trade(100, 900, Side.Buy), 6n);
  t.equal(order.fillCount, 0);
  t.equal(order.queueAheadMantissa, 2n * LOT);
  t.end();
});

t.test('a trade through the price fills the whole order at its own price', (t) => {
  const exchange = openExchange();
  const buy = placed(exchange.place(limit(Side.Buy, 100n, 5n * LOT), 5n));
  exchange.apply(trade(99, 1, Side.Sell), 6n);
  t.equal(buy.status, 'filled');
  const sell = placed(exchange.place(limit(Side.Sell, 103n, 4n * LOT), 7n));
  exchange.apply(trade(104, 1, Side.Buy), 8n);
  t.equal(sell.status, 'filled');
  t.equal(exchange.fillsOf(sell.orderNumber)[0]?.priceMantissa, 10_300n);
  t.end();
});

t.test('displayed size that shrinks below the queue shortens the queue', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(limit(Side.Buy, 100n, LOT), 5n));
  exchange.apply(levels([{ isAsk: false, ...level(100, 70) }]), 6n);
  t.equal(order.queueAheadMantissa, (LOT * 70n) / 100n);
  exchange.apply(levels([{ isAsk: false, ...level(100, 500) }]), 7n);
  t.equal(order.queueAheadMantissa, (LOT * 70n) / 100n, 'those who came later stand behind us');
  exchange.apply(levels([{ isAsk: false, ...level(100, 0) }]), 8n);
  t.equal(order.queueAheadMantissa, 0n);
  t.end();
});

t.test('two orders of ours at one price share a trade in order of arrival', (t) => {
  const exchange = openExchange();
  const first = placed(exchange.place(limit(Side.Buy, 98n, LOT), 5n));
  const second = placed(exchange.place(limit(Side.Buy, 98n, LOT), 6n));
  exchange.apply(trade(98, 150, Side.Sell), 7n);
  t.equal(first.filledSizeMantissa, LOT);
  t.equal(second.filledSizeMantissa, LOT / 2n, 'not more than was traded');
  t.end();
});

t.test('an order that takes and then rests pays each rate on its part, rounded up once', (t) => {
  const exchange = openExchange({ takerFeePpm: 333n, makerFeePpm: 111n });
  const order = placed(
    exchange.place(limit(Side.Buy, 0n, LOT + 7n, { priceMantissa: 10_101n }), 5n),
  );
  t.equal(order.filledSizeMantissa, LOT);
  exchange.apply(trade(100, 1, Side.Sell), 6n);
  const takerValue = 10_100n * LOT;
  const makerValue = 10_101n * 7n;
  const exact = takerValue * 333n + makerValue * 111n;
  t.equal(order.feeMantissa, (exact + 999_999n) / 1_000_000n);
  t.equal(
    exchange.fills().reduce((sum, fill) => sum + fill.feeMantissa, 0n),
    order.feeMantissa,
  );
  t.end();
});

t.test('a buy holds back its value and fee; a cancel gives all of it back', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(limit(Side.Buy, 90n, LOT), 5n));
  t.equal(balance(exchange, 'USD').hold, 90n * USD + (90n * USD * 5n) / 10_000n);
  t.equal(exchange.cancel(order.orderNumber, 6n)?.status, 'cancelled');
  t.equal(balance(exchange, 'USD').hold, 0n);
  t.equal(exchange.cancel(order.orderNumber, 7n), null, 'a second cancel finds nothing');
  t.end();
});

t.test('more than the free money is refused, the last cent is not', (t) => {
  const exchange = openExchange({ takerFeePpm: 0n, cash: 100n });
  t.same(exchange.place(limit(Side.Buy, 0n, LOT, { priceMantissa: 10_001n }), 5n), {
    kind: 'rejected',
    reason: 'insufficient-funds',
  });
  placed(exchange.place(limit(Side.Buy, 100n, LOT), 6n));
  t.same(exchange.place(limit(Side.Buy, 1n, LOT), 7n), {
    kind: 'rejected',
    reason: 'insufficient-funds',
  });
  t.same(exchange.place(limit(Side.Sell, 100n, LOT), 8n), {
    kind: 'rejected',
    reason: 'insufficient-funds',
  });
  t.end();
});

t.test('the venue keeps its increments and minimums', (t) => {
  const exchange = openExchange();
  const reasonOf = (order: NewOrder): unknown => {
    const result = exchange.place(order, 5n);
    return result.kind === 'rejected' ? result.reason : result.kind;
  };
  t.equal(reasonOf(limit(Side.Buy, 100n, 0n)), 'size-min');
  t.equal(reasonOf(limit(Side.Buy, 100n, 3401n * LOT)), 'size-max');
  t.equal(reasonOf(limit(Side.Buy, 100n, LOT / 100n - 1n)), 'notional-min', 'below one dollar');
  t.equal(reasonOf(limit(Side.Buy, 100n, LOT / 100n)), 'placed', 'one dollar');
  t.equal(reasonOf(limit(Side.Buy, 0n, LOT)), 'price-increment');
  t.equal(reasonOf(limit(Side.Buy, 100n, LOT, { expireNs: 5n })), 'expired');
  t.end();
});

t.test('a market buy for so much money spends no more than that, fees included', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(market(Side.Buy, { quoteMantissa: 150n * USD }), 5n));
  t.equal(order.status, 'filled');
  const spent = 10_000n * USD - balance(exchange, 'USD').total;
  t.ok(spent <= 150n * USD);
  t.ok(spent > 150n * USD - 200n * CENT * 100n, 'to within a lot');
  t.equal(order.fillCount, 2);
  t.end();
});

t.test('a market sell of what is held is filled from the bids', (t) => {
  const exchange = openExchange();
  placed(exchange.place(market(Side.Buy, { sizeMantissa: LOT }), 5n));
  const order = placed(exchange.place(market(Side.Sell, { sizeMantissa: LOT }), 6n));
  t.equal(order.status, 'filled');
  t.equal(balance(exchange, 'BTC').total, 0n);
  t.end();
});

t.test('an order with an end time expires at it', (t) => {
  const exchange = openExchange();
  const order = placed(exchange.place(limit(Side.Buy, 90n, LOT, { expireNs: 100n }), 5n));
  exchange.expire(99n);
  t.equal(order.status, 'open');
  exchange.expire(100n);
  t.equal(order.status, 'expired');
  t.equal(balance(exchange, 'USD').hold, 0n);
  t.end();
});

t.test('the same client order id gets the first order back and does nothing', (t) => {
  const exchange = openExchange();
  const first = placed(exchange.place(limit(Side.Buy, 90n, LOT, { clientOrderId: 'same' }), 5n));
  const second = exchange.place(limit(Side.Buy, 101n, LOT, { clientOrderId: 'same' }), 6n);
  t.equal(second.kind, 'duplicate');
  t.equal(second.kind === 'duplicate' ? second.order.orderNumber : 0, first.orderNumber);
  t.equal(exchange.orders().length, 1);
  t.equal(exchange.fills().length, 0);
  t.end();
});

t.test('changes are handed out once, with everything that belongs together', (t) => {
  const exchange = openExchange();
  t.equal(exchange.takeChanges(), null);
  placed(exchange.place(limit(Side.Buy, 102n, 2n * LOT), 5n));
  const changes = exchange.takeChanges();
  t.equal(changes?.orders.length, 1);
  t.equal(changes?.fills.length, 2);
  t.equal(exchange.takeChanges(), null);
  exchange.apply(trade(100, 1, Side.Sell), 6n);
  t.equal(exchange.takeChanges(), null, 'a trade that is not ours changes nothing');
  t.end();
});

// ---------------------------------------------------------------- several instruments

/** BTC-USD (money at 10 decimals), USDT-USD (at 7) and a contract. */
const SEVERAL = [
  ...simulatedInstruments(['BTC-USD', 'USDT-USD']),
  ...simulatedInstruments(['ETH-USD']).map((one) => ({
    ...one,
    index: 2,
    kind: 'perpetual' as const,
  })),
];

function openSeveral(): Exchange {
  const exchange = new Exchange({
    instruments: SEVERAL,
    takerFeePpm: 500n,
    makerFeePpm: 0n,
    state: freshState(SEVERAL, 10_000n * USD),
  });
  exchange.apply(
    {
      kind: 'snapshot',
      instrumentIndex: 1,
      bids: [{ priceMantissa: 99_990, sizeMantissa: 50_000 }],
      asks: [{ priceMantissa: 99_999, sizeMantissa: 50_000 }],
    },
    1n,
  );
  return exchange;
}

t.test('one account of money serves instruments of different scales, exactly', (t) => {
  const exchange = openSeveral();
  const order = limit(Side.Buy, 0n, 12_345n, { instrumentIndex: 1, priceMantissa: 99_999n });
  t.equal(placed(exchange.place(order, 5n)).status, 'filled');
  // 123.45 * 0.99999 = 123.4487655; 5 basis points of it, rounded up at the instrument's seven decimals: 0.0617244.
  t.equal(balance(exchange, 'USD').total, 10_000n * USD - 1_235_104_899_000n);
  t.equal(balance(exchange, 'USDT').total, 12_345n);

  const resting = limit(Side.Buy, 0n, 10_000n, { instrumentIndex: 1, priceMantissa: 99_000n });
  placed(exchange.place(resting, 6n));
  // 100 * 0.99 and the dearer fee.
  t.equal(balance(exchange, 'USD').hold, 990_495_000_000n);
  const sale = limit(Side.Sell, 0n, 12_346n, { instrumentIndex: 1, priceMantissa: 99_999n });
  t.same(exchange.place(sale, 7n), { kind: 'rejected', reason: 'insufficient-funds' });
  t.end();
});

t.test('cash is there once, and a contract has no account of its base', (t) => {
  t.same(
    openSeveral()
      .accounts()
      .map(({ currency, scale, totalMantissa }) => [currency, scale, totalMantissa]),
    [
      ['USD', 10, 10_000n * USD],
      ['BTC', 8, 0n],
      ['USDT', 2, 0n],
    ],
  );
  const order = limit(Side.Buy, 2_000n, LOT, { instrumentIndex: 2 });
  t.same(openSeveral().place(order, 5n), { kind: 'rejected', reason: 'not-tradable' });
  t.end();
});

t.test('a venue that lists more than it did keeps what its accounts hold', (t) => {
  const before = freshState(SEVERAL.slice(1, 2), 5n * USD);
  const known = { ...before, accounts: before.accounts.map((one) => ({ ...one, scale: 7 })) };
  const { accounts } = completeState(known, freshState(SEVERAL, 10_000n * USD));
  t.match(accounts, [
    { currency: 'USD', scale: 10, totalMantissa: 5n * USD * 1_000n },
    { currency: 'USDT', scale: 7 },
    { currency: 'BTC', scale: 8, totalMantissa: 0n },
  ]);
  t.end();
});
