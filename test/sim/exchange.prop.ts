/** Money is conserved at the simulated venue, whatever is asked of it and whatever the market does. */
import fc from 'fast-check';
import t from 'tap';
import { OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { Exchange, freshState } from '#src/sim/exchange.js';
import { simulatedInstruments } from '#src/venues/coinbase/simulator-products.js';
import type { MarketEvent, NewOrder } from '#src/venues/simulator-port.js';

const INSTRUMENTS = simulatedInstruments(['BTC-USD']);
const CASH = 5_000n * 10n ** 10n;
const RUNS = 1000;

type Step =
  | { readonly do: 'market'; readonly event: MarketEvent }
  | { readonly do: 'place'; readonly order: Omit<NewOrder, 'clientOrderId'> }
  | { readonly do: 'cancel'; readonly pick: number }
  | { readonly do: 'restart' };

const price = fc.integer({ min: 9_900, max: 10_100 });
const size = fc.integer({ min: 1, max: 400_000_000 });
const side = fc.constantFrom<Side>(Side.Buy, Side.Sell);

const levels = fc.array(
  fc.record({
    isAsk: fc.boolean(),
    priceMantissa: price,
    sizeMantissa: fc.oneof(fc.constant(0), size),
  }),
  { maxLength: 6 },
);

const marketEvent: fc.Arbitrary<MarketEvent> = fc.oneof(
  levels.map((changes): MarketEvent => ({ kind: 'levels', instrumentIndex: 0, changes })),
  fc
    .record({ priceMantissa: price, sizeMantissa: size, takerSide: side })
    .map((trade): MarketEvent => ({ kind: 'trade', instrumentIndex: 0, ...trade })),
);

const order = fc
  .record({
    side,
    isMarket: fc.boolean(),
    timeInForce: fc.constantFrom<TimeInForce>(TimeInForce.Gtc, TimeInForce.Ioc, TimeInForce.Fok),
    isPostOnly: fc.boolean(),
    priceMantissa: price.map(BigInt),
    sizeMantissa: size.map(BigInt),
    quoteMantissa: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: CASH })),
  })
  .map((o): Omit<NewOrder, 'clientOrderId'> => {
    const isByQuote = o.isMarket && o.side === Side.Buy && o.quoteMantissa > 0n;
    return {
      instrumentIndex: 0,
      side: o.side,
      orderType: o.isMarket ? OrderType.Market : OrderType.Limit,
      timeInForce: o.isMarket ? TimeInForce.Ioc : o.timeInForce,
      isPostOnly: !o.isMarket && o.isPostOnly,
      priceMantissa: o.isMarket ? 0n : o.priceMantissa,
      sizeMantissa: isByQuote ? 0n : o.sizeMantissa,
      quoteMantissa: isByQuote ? o.quoteMantissa : 0n,
      expireNs: 0n,
      wire: '{}',
    };
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: marketEvent.map((event): Step => ({ do: 'market', event })) },
  { weight: 4, arbitrary: order.map((o): Step => ({ do: 'place', order: o })) },
  { weight: 1, arbitrary: fc.nat(20).map((pick): Step => ({ do: 'cancel', pick })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
);

/** Everything that must hold after every step; the message says what did not. */
function problemOf(exchange: Exchange, takerPpm: bigint, makerPpm: bigint): string | null {
  const [usd, btc] = ['USD', 'BTC'].map((currency) =>
    exchange.accounts().find((account) => account.currency === currency),
  );
  if (usd === undefined || btc === undefined) return 'an account is gone';
  let cash = CASH;
  let coins = 0n;
  for (const fill of exchange.fills()) {
    const isBuy = fill.side === Side.Buy;
    if (fill.valueMantissa !== fill.priceMantissa * fill.sizeMantissa) return 'value of a fill';
    cash += (isBuy ? -fill.valueMantissa : fill.valueMantissa) - fill.feeMantissa;
    coins += isBuy ? fill.sizeMantissa : -fill.sizeMantissa;
  }
  if (cash !== usd.totalMantissa) return `cash: fills say ${cash}, account ${usd.totalMantissa}`;
  if (coins !== btc.totalMantissa) return `coins: fills say ${coins}, account ${btc.totalMantissa}`;
  let usdHold = 0n;
  let btcHold = 0n;
  for (const o of exchange.orders()) {
    const fills = exchange.fillsOf(o.orderNumber);
    const filled = fills.reduce((sum, fill) => sum + fill.sizeMantissa, 0n);
    const fees = fills.reduce((sum, fill) => sum + fill.feeMantissa, 0n);
    const exactFee = fills.reduce(
      (sum, fill) => sum + fill.valueMantissa * (fill.isMaker ? makerPpm : takerPpm),
      0n,
    );
    if (filled !== o.filledSizeMantissa || filled > o.sizeMantissa) return 'filled size';
    if (fees !== o.feeMantissa) return 'fees of an order';
    if (fees !== (exactFee + 999_999n) / 1_000_000n) return 'fees are not rounded up once';
    if ((o.status === 'filled') !== (filled === o.sizeMantissa)) return `status ${o.status}`;
    if (o.status !== 'open' && o.holdMantissa !== 0n) return 'a closed order holds money';
    if (o.holdMantissa < 0n) return 'negative hold';
    if (o.side === Side.Buy) usdHold += o.holdMantissa;
    else btcHold += o.holdMantissa;
  }
  if (usdHold !== usd.holdMantissa || btcHold !== btc.holdMantissa) return 'hold of an account';
  if (usd.totalMantissa < usd.holdMantissa) return 'more money held than there is';
  return btc.totalMantissa < btc.holdMantissa ? 'more coins held than there are' : null;
}

t.test('fills, fees, holds and balances agree to the last digit after every step', (t) => {
  const property = fc.property(
    fc.array(step, { minLength: 10, maxLength: 80 }),
    fc.bigInt({ min: 0n, max: 12_345n }),
    fc.bigInt({ min: 0n, max: 12_345n }),
    (steps, takerFeePpm, makerFeePpm) => {
      const open = (state: ConstructorParameters<typeof Exchange>[0]['state']): Exchange =>
        new Exchange({ instruments: INSTRUMENTS, takerFeePpm, makerFeePpm, state });
      let exchange = open(freshState(INSTRUMENTS, CASH));
      steps.forEach((one, index) => {
        const nowNs = BigInt(index + 1);
        switch (one.do) {
          case 'market':
            exchange.apply(one.event, nowNs);
            break;
          case 'place':
            exchange.place({ ...one.order, clientOrderId: String(index) }, nowNs);
            break;
          case 'cancel':
            exchange.cancel(one.pick, nowNs);
            break;
          case 'restart': {
            const { bids, asks } = exchange.depth(0, Infinity);
            exchange = open({
              accounts: structuredClone(exchange.accounts()),
              orders: structuredClone(exchange.orders()),
              fills: structuredClone(exchange.fills()),
            });
            exchange.apply({ kind: 'snapshot', instrumentIndex: 0, bids, asks }, nowNs);
            break;
          }
        }
        const problem = problemOf(exchange, takerFeePpm, makerFeePpm);
        if (problem !== null) throw new Error(`step ${String(index)} (${one.do}): ${problem}`);
      });
    },
  );
  fc.assert(property, { numRuns: RUNS });
  t.pass(`${String(RUNS)} histories`);
  t.end();
});

t.test('a buy never leaves a book crossed by what it would still take', (t) => {
  // An order that rests has taken everything that was displayed at its price or better.
  const property = fc.property(levels, order, (changes, request) => {
    const exchange = new Exchange({
      instruments: INSTRUMENTS,
      takerFeePpm: 0n,
      makerFeePpm: 0n,
      state: freshState(INSTRUMENTS, CASH * 1000n),
    });
    exchange.apply({ kind: 'levels', instrumentIndex: 0, changes }, 1n);
    const result = exchange.place({ ...request, clientOrderId: 'x' }, 2n);
    if (result.kind !== 'placed' || result.order.status !== 'open') return true;
    const { bids, asks } = exchange.depth(0, Infinity);
    const opposite = request.side === Side.Buy ? asks : bids;
    const displayed = opposite
      .filter((level) =>
        request.side === Side.Buy
          ? BigInt(level.priceMantissa) <= request.priceMantissa
          : BigInt(level.priceMantissa) >= request.priceMantissa,
      )
      .reduce((sum, level) => sum + BigInt(level.sizeMantissa), 0n);
    return result.order.filledSizeMantissa === displayed;
  });
  fc.assert(property, { numRuns: RUNS });
  t.pass();
  t.end();
});
