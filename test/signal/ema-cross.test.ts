/** The shipped strategy inside the signal core: when it asks, when it keeps still, and for what. */
import t from 'tap';
import { codeIndex } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { CoreRecord } from '#src/domain/core-record.js';
import { OrderFlag, OrderState, Side, TimeInForce } from '#src/domain/order.js';
import { EventKind, TickFlag, TickKind } from '#src/generated/hot.js';
import type { TickFields } from '#src/generated/hot.js';
import { SignalCore } from '#src/signal/signal-core.js';
import { emaCross } from '#src/signal/strategies/ema-cross.js';

const BTC: Instrument = {
  index: 0,
  venue: 'coinbase',
  kind: 'spot',
  symbol: 'BTC-USD',
  venueSymbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  priceScale: 2,
  sizeScale: 8,
  tickMantissa: 1,
  lotMantissa: 1,
  sizeMinMantissa: 1,
  sizeMaxMantissa: 340_000_000_000,
  notionalMinMantissa: 10_000_000_000,
  isTradable: true,
};

const NOW_NS = 1_000_000_000;

function makeCore(params: Readonly<Record<string, number>> = {}): SignalCore {
  const strategy = emaCross.create({
    instruments: [BTC],
    params: { fastTrades: 2, slowTrades: 4, orderSizeLots: 100_000, ...params },
  });
  return new SignalCore([BTC], [{ strategyIndex: 0, strategy }]);
}

function tick(kind: number, fields: Partial<TickFields>): TickFields {
  return {
    priceMantissa: 0,
    sizeMantissa: 0,
    askPriceMantissa: 0,
    askSizeMantissa: 0,
    venueNs: NOW_NS,
    recvNs: NOW_NS,
    venueSeq: 1,
    instrumentIndex: 0,
    flags: 0,
    ...fields,
    kind,
  };
}

function fresh(core: SignalCore): void {
  core.onTick(tick(TickKind.State, { sizeMantissa: 0 }), NOW_NS);
}

function quote(core: SignalCore, bid: number, ask: number, recvNs = NOW_NS): void {
  core.onTick(
    tick(TickKind.Quote, {
      priceMantissa: bid,
      sizeMantissa: 1,
      askPriceMantissa: ask,
      askSizeMantissa: 1,
      recvNs,
    }),
    NOW_NS,
  );
}

function trade(core: SignalCore, price: number, flags = 0): void {
  core.onTick(tick(TickKind.Trade, { priceMantissa: price, sizeMantissa: 1, flags }), NOW_NS);
}

/** Averages warm, fast below slow, market quoted at 100.00 / 100.01. */
function makeFalling(core: SignalCore): void {
  fresh(core);
  quote(core, 10_000, 10_001);
  for (const price of [10_040, 10_030, 10_020, 10_010, 10_000]) trade(core, price);
}

t.test('crossing upwards on a good market asks for one buy at the ask plus slippage', async (t) => {
  const core = makeCore({ slippageBps: 10 });
  makeFalling(core);
  t.equal(core.outbox.count, 0, 'nothing while it only falls');
  trade(core, 10_060);
  t.equal(core.outbox.count, 1);
  const intent = core.outbox.records[0];
  t.equal(intent?.side, Side.Buy);
  t.equal(intent?.priceMantissa, 10_011, '100.01 and 10 bps, rounded down to the tick');
  t.equal(intent?.sizeMantissa, 100_000);
  t.equal(intent?.timeInForce, TimeInForce.Ioc);
  t.equal(intent?.referencePriceMantissa, 10_000);
});

t.test('while an order is under way nothing more is asked for', async (t) => {
  const core = makeCore();
  makeFalling(core);
  trade(core, 10_060);
  core.outbox.clear();
  for (const price of [9_900, 10_200, 9_800, 10_300]) trade(core, price);
  t.equal(core.outbox.count, 0);
});

t.test('after the fill, crossing downwards sells exactly what is held', async (t) => {
  const core = makeCore({ slippageBps: 10 });
  makeFalling(core);
  trade(core, 10_060);
  core.outbox.clear();
  const position = new CoreRecord();
  position.kind = EventKind.PositionChanged;
  position.sizeMantissa = 77_777;
  core.onOrderEvent(position, NOW_NS);
  const end = new CoreRecord();
  end.kind = EventKind.OrderChanged;
  end.state = OrderState.Filled;
  core.onOrderEvent(end, NOW_NS);
  trade(core, 9_900);
  t.equal(core.outbox.count, 1);
  t.equal(core.outbox.records[0]?.side, Side.Sell);
  t.equal(core.outbox.records[0]?.sizeMantissa, 77_777);
  t.equal(core.outbox.records[0]?.priceMantissa, 9_990, '100.00 less 10 bps');
});

t.test(
  'a refused entry is tried again only at the next crossing, a refused exit at the next trade',
  async (t) => {
    const core = makeCore();
    makeFalling(core);
    trade(core, 10_060);
    core.outbox.clear();
    const refusal = new CoreRecord();
    refusal.kind = EventKind.IntentRefused;
    core.onOrderEvent(refusal, NOW_NS);
    trade(core, 10_061);
    t.equal(core.outbox.count, 0, 'still above: no new crossing');
    core.resync(0, 50, 0);
    trade(core, 9_800);
    t.equal(core.outbox.count, 1, 'exit');
    core.outbox.clear();
    core.onOrderEvent(refusal, NOW_NS);
    trade(core, 9_799);
    t.equal(core.outbox.count, 1, 'exit again');
  },
);

t.test('a stale, one-sided, wide or old market is not traded on', async (t) => {
  const cases: Record<string, (core: SignalCore) => void> = {
    stale: (core) => {
      core.onTick(tick(TickKind.State, { sizeMantissa: codeIndex('VENUE_SEQ_GAP') }), NOW_NS);
    },
    'one-sided': (core) => {
      core.onTick(
        tick(TickKind.Quote, { priceMantissa: 10_000, sizeMantissa: 1, flags: TickFlag.NoAsk }),
        NOW_NS,
      );
    },
    wide: (core) => {
      quote(core, 10_000, 10_100);
    },
    old: (core) => {
      quote(core, 10_000, 10_001, NOW_NS - 3_000_000_000);
    },
  };
  for (const [name, spoil] of Object.entries(cases)) {
    const core = makeCore();
    makeFalling(core);
    spoil(core);
    trade(core, 10_060);
    t.equal(core.outbox.count, 0, name);
    fresh(core);
    quote(core, 10_000, 10_001);
    trade(core, 10_060);
    t.equal(core.outbox.count, 1, `${name}: traded once it is mended`);
  }
});

t.test("a snapshot's old trades warm the averages and cause nothing", async (t) => {
  const core = makeCore();
  fresh(core);
  quote(core, 10_000, 10_001);
  for (const price of [10_040, 10_030, 10_020, 10_010, 10_000, 10_060, 9_000])
    trade(core, price, TickFlag.Backfill);
  t.equal(core.outbox.count, 0);
  t.equal(core.markets[0]?.tradeCount, 0, 'and are no trades of ours to count');
});

t.test('with joinTtlMs entries rest post-only at the bid for that long', async (t) => {
  const core = makeCore({ joinTtlMs: 5_000 });
  makeFalling(core);
  trade(core, 10_060);
  const intent = core.outbox.records[0];
  t.equal(intent?.priceMantissa, 10_000);
  t.equal(intent?.timeInForce, TimeInForce.Gtc);
  t.equal(intent?.flags, OrderFlag.PostOnly);
  t.equal(intent?.ttlMs, 5_000);
});
