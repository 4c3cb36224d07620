import fc from 'fast-check';
import t from 'tap';
import { CoreRecord, EventKind } from '#src/domain/core-record.js';
import {
  ORDER_TRANSITIONS,
  OrderEvent,
  OrderFlag,
  OrderState,
  OrderType,
  Side,
  TimeInForce,
  isTerminal,
} from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { restoreSnapshot, takeSnapshot } from '#src/execution/core-snapshot.js';
import { naivePosition } from '../oracles/naive-position.js';
import type { NaiveFill } from '../oracles/naive-position.js';
import { CoreDriver } from './core-driver.js';
import type { Output } from './core-driver.js';

const LIMITS = { ...PAPER_LIMITS, openOrdersMax: 8, ordersPerSecondMax: 5 };
const MONEY = 1e10;
const POSITION_MAX = 1_000 * MONEY;
const STATES = Object.values(OrderState);

/** One thing that happens: what, to which order, and two draws that shape it. */
interface Step {
  readonly what: string;
  readonly which: number;
  readonly size: number;
  readonly choice: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(
    'buy',
    'buy',
    'buy',
    'sell',
    'sell',
    'accept',
    'accept',
    'fill',
    'fill',
    'fill',
    'repeat-fill',
    'status',
    'reject',
    'cancel-reject',
    'unknown',
    'deadline',
    'wait',
    'mark',
    'stale',
    'command',
    'session',
    'balance',
    'adopt',
    'restart',
    'cancel-intent',
    'cancel-one',
    'stop',
    'bracket',
    'bracket',
    'swing',
    'swing',
  ),
  which: fc.nat(12),
  size: fc.integer({ min: 1, max: 400_000 }),
  choice: fc.nat(9),
});

const steps = fc.array(step, { minLength: 1, maxLength: 120, size: 'max' });

/** Seen by the test: every order that was sent or adopted, every fill that was applied. */
class Story {
  readonly driver = CoreDriver.trading({ limits: LIMITS, orderSlots: 16 });
  readonly orderSeqs: number[] = [];
  fillKey = 1_000;

  play(step: Step): readonly Output[] {
    const outputs = this.#give(step);
    for (const output of outputs) {
      const isNew =
        output['kind'] === 'OrderSend' || output['reason'] === 'RECONCILE_ORDER_ADOPTED';
      const orderSeq = Number(output['orderSeq']);
      if (isNew && !this.orderSeqs.includes(orderSeq)) this.orderSeqs.push(orderSeq);
    }
    return outputs;
  }

  #give({ what, which, size, choice }: Step): readonly Output[] {
    const { driver } = this;
    const orderSeq = this.orderSeqs[this.orderSeqs.length - 1 - which] ?? this.orderSeqs[0] ?? 0;
    const order = driver.core.order(orderSeq);
    switch (what) {
      case 'buy':
      case 'sell':
        return driver.intend({
          side: what === 'buy' ? Side.Buy : Side.Sell,
          sizeMantissa: size,
          priceMantissa: 5_950_000 + choice * 10_000,
          orderType: choice === 9 ? OrderType.Market : OrderType.Limit,
          timeInForce: choice % 3 === 0 ? TimeInForce.Ioc : TimeInForce.Gtc,
          aux: choice % 2 === 0 ? 1_000 : 0,
          strategyIndex: choice % 3,
        });
      case 'accept':
        return driver.give(EventKind.VenueAccepted, { orderSeq });
      case 'fill': {
        if (order === undefined) return [];
        const rest = order.sizeMantissa - order.filledMantissa;
        this.fillKey++;
        const filled = choice > 4 && rest > 0 ? rest : Math.min(size, Math.max(rest, 1));
        return driver.fill(orderSeq, filled, {
          fillKey: this.fillKey,
          feeMantissa: choice * 1_000_003,
          priceMantissa: Math.max(1, order.priceMantissa - choice),
        });
      }
      case 'repeat-fill':
        return driver.fill(orderSeq, size, { fillKey: Math.max(1_000, this.fillKey - which) });
      case 'status':
        return driver.status(
          orderSeq,
          STATES[choice] ?? OrderState.Open,
          Math.max(0, (order?.filledMantissa ?? 0) + (which - 4) * 1_000),
        );
      case 'reject':
        return driver.give(EventKind.VenueRejected, { orderSeq, reason: 'ORDER_NEVER_ARRIVED' });
      case 'cancel-reject':
        return driver.give(EventKind.CancelRejected, {
          orderSeq,
          reason: choice > 4 ? 'VENUE_UNKNOWN_ORDER' : 'VENUE_RATE_LIMIT',
        });
      case 'unknown':
        return driver.give(EventKind.OutcomeUnknown, { orderSeq });
      case 'deadline':
        return driver.deadline(orderSeq);
      case 'wait':
        driver.wait(choice * 300);
        return driver.mark(6_000_000, 6_000_010);
      case 'mark':
        return driver.mark(6_000_000, 6_000_010);
      case 'stale':
        return driver.give(EventKind.MarketState, choice > 0 ? {} : { reason: 'VENUE_SEQ_GAP' });
      case 'command':
        return driver.give(EventKind.Command, { state: choice > 4 ? 2 : choice, aux: size });
      case 'session':
        driver.give(EventKind.VenueSession, { state: choice === 0 ? 0 : 1 });
        return driver.give(EventKind.ReconcileDone);
      case 'balance': {
        const ledger = driver.core.state.ledgers[choice % 2];
        const total = ledger === undefined ? 0n : ledger.total.toBig();
        // Nobody else moves our money here; the venue agrees with what we know.
        const at18 = total * 10n ** BigInt(18 - (choice % 2 === 0 ? 8 : 10));
        const value = at18 / 10n ** 10n;
        return driver.give(EventKind.ReconcileBalance, {
          aux: choice % 2,
          valueMantissa: Number(value),
          sizeMantissa: Number(at18 - value * 10n ** 10n),
        });
      }
      case 'adopt':
        return driver.give(EventKind.ReconcileOrder, {
          orderSeq: choice > 5 ? orderSeq : driver.run * 2 ** 32 + 1_000 + which,
          side: Side.Buy,
          orderType: OrderType.Limit,
          timeInForce: TimeInForce.Gtc,
          priceMantissa: 5_900_000,
          sizeMantissa: 10_000,
          state: STATES[choice] ?? OrderState.Open,
          cumSizeMantissa: choice * 1_000,
        });
      case 'restart': {
        if (choice > 1) return [];
        const from = driver.outputs.length;
        driver.startRun();
        driver.give(EventKind.VenueSession, { state: 1 });
        driver.give(EventKind.ReconcileDone);
        driver.freshMarket();
        return driver.outputs.slice(from);
      }
      case 'stop':
        return driver.intend({
          side: choice % 2 === 0 ? Side.Buy : Side.Sell,
          orderType: OrderType.StopMarket + (choice % 4),
          sizeMantissa: size,
          priceMantissa: choice % 2 === 0 ? 0 : 5_990_000,
          fillKey: 5_900_000 + which * 20_000,
          flags: choice > 5 ? OrderFlag.ReduceOnly : 0,
          aux: choice === 3 ? 2_000 : 0,
        });
      case 'bracket':
        return driver.intend({
          sizeMantissa: size,
          priceMantissa: 5_990_000 + choice * 2_000,
          refSeq: choice === 1 ? 0 : 6_050_000,
          orderSeq: choice === 2 ? 0 : 5_950_000,
        });
      case 'swing': {
        const bid = 5_850_000 + which * 25_000;
        return driver.mark(bid, bid + 10);
      }
      case 'cancel-one':
        return driver.give(EventKind.Intent, {
          state: 3,
          orderSeq,
          strategyIndex: order?.strategyIndex ?? 0,
        });
      default:
        return driver.give(EventKind.Intent, { state: 2 });
    }
  }

  /** The fills that the core says it applied. */
  fills(): readonly NaiveFill[] {
    return this.driver.outputs
      .filter((output) => output['kind'] === 'FillApplied')
      .map((output) => ({
        isBuy: output['side'] === Side.Buy,
        price: BigInt(output['priceMantissa'] ?? 0),
        size: BigInt(output['sizeMantissa'] ?? 0),
        fee: BigInt(output['feeMantissa'] ?? 0),
      }));
  }
}

/** Every step of a story, with a check after each. */
function always(
  check: (story: Story, outputs: readonly Output[], before: Worst) => void,
  left: readonly string[] = [],
): void {
  const chosen = steps.map((script) => script.filter(({ what }) => !left.includes(what)));
  fc.assert(
    fc.property(chosen, (script) => {
      const story = new Story();
      for (const one of script) {
        const before = worstOf(story.driver);
        const outputs = story.play(one);
        check(story, outputs, before);
      }
    }),
    { numRuns: 200 },
  );
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

interface Worst {
  readonly long: number;
  readonly short: number;
}

/** Position with everything that may still trade on one side. */
function worstOf(driver: CoreDriver): Worst {
  const target = driver.core.instrumentState(0);
  return {
    long: target.position.sizeMantissa + target.openBuyMantissa,
    short: -target.position.sizeMantissa + target.openSellMantissa,
  };
}

t.test(
  'position, fees and cash are the sums of the fills, to the last unit, after every input',
  (t) => {
    always((story) => {
      const naive = naivePosition(story.fills());
      const position = story.driver.core.position(0);
      must(BigInt(position.sizeMantissa) === naive.size, 'size');
      must(position.costMantissa - position.realizedMantissa === naive.paid, 'cost and result');
      must(position.feesMantissa === naive.fees, 'fees');
      const [btc, usd] = story.driver.core.state.ledgers;
      must(btc?.total.toBig() === naive.size, 'coins');
      must(usd?.total.toBig() === BigInt(10_000 * MONEY) - naive.paid - naive.fees, 'cash');
    });
    t.end();
  },
);

t.test(
  'exposures, counts and own best prices are what a walk over positions and orders gives, after every input',
  (t) => {
    always(({ driver }) => {
      const { core } = driver;
      const { exposures, orders, untradedCount } = core.state;
      const target = core.instrumentState(0);
      const { position, lastPriceMantissa: price } = target;
      let [buys, sells, untraded, bestBuy, bestSell] = [0, 0, 0, 0, Infinity];
      const byStrategy = new Map<number, { buys: number; sells: number }>();
      for (const order of core.openOrders()) {
        const open = order.openMantissa;
        const part = byStrategy.get(order.strategyIndex) ?? { buys: 0, sells: 0 };
        byStrategy.set(order.strategyIndex, part);
        if (order.isOpening === 1 && open > 0 && order.filledMantissa === 0) untraded++;
        const isResting =
          open > 0 && !isTerminal(order.state) && order.venueFinalState === OrderState.None;
        if (order.side === Side.Buy) {
          buys += open;
          part.buys += open;
          if (isResting) bestBuy = Math.max(bestBuy, order.priceMantissa);
        } else {
          sells += open;
          part.sells += open;
          if (isResting) bestSell = Math.min(bestSell, order.priceMantissa);
        }
      }
      const worst = Math.max(position.sizeMantissa + buys, sells - position.sizeMantissa, 0);
      const units = (BigInt(worst) * BigInt(price) + 99n) / 100n;
      must(BigInt(exposures.units[0] ?? -1) === units, 'worst case of the instrument');
      must(BigInt(exposures.total(0, 0)) === units, 'in total');
      must(BigInt(exposures.asset(0, 0)) === units, 'of the asset');
      must(BigInt(exposures.venue(0, 0)) === units, 'of the venue');
      const isEngaged = position.sizeMantissa !== 0 || buys > 0 || sells > 0;
      must(exposures.engagedCount === (isEngaged ? 1 : 0), 'engaged instruments');
      must(untradedCount === untraded, 'opening orders that have not traded');
      must(target.ownBuys.best(orders) === bestBuy, 'own best buy');
      must(
        target.ownSells.best(orders) === (bestSell === Infinity ? 0 : bestSell),
        'own best sale',
      );
      let held = 0;
      let realized = 0n;
      for (const part of target.strategies) {
        const open = byStrategy.get(part.strategyIndex) ?? { buys: 0, sells: 0 };
        must(part.openBuyMantissa === open.buys && part.openSellMantissa === open.sells, 'part');
        held += part.sizeMantissa;
        realized += part.realizedMantissa - part.costMantissa;
      }
      const waiting = [...core.openOrders()].filter((order) => order.state === OrderState.Held);
      must(target.heldCount === waiting.length, 'held orders');
      for (const bracket of target.brackets) {
        const legs = waiting.filter((order) => order.bracketSeq === bracket.entrySeq);
        const covered = new Set(legs.map((leg) => leg.sizeMantissa));
        must(legs.length <= 2 && covered.size <= 1, 'legs of a bracket cover the same');
      }
      must(held === position.sizeMantissa, 'the parts of the strategies are the position');
      must(realized === position.realizedMantissa - position.costMantissa, 'and its result');
    });
    t.end();
  },
);

t.test('what is open and what is set aside is the sum over the orders, after every input', (t) => {
  always(({ driver }) => {
    const { core } = driver;
    const target = core.instrumentState(0);
    let buys = 0;
    let sells = 0;
    let money = 0n;
    let count = 0;
    for (const order of core.openOrders()) {
      const open = order.openMantissa;
      must(open >= 0, 'open size not below zero');
      must(!isTerminal(order.state) || open > 0, 'an ended order is open only for missing fills');
      if (order.side === Side.Buy) buys += open;
      else sells += open;
      // Value and fee: every millionth that was begun counts in full.
      const notional = BigInt(order.priceMantissa) * BigInt(open);
      if (order.side === Side.Buy) money += notional + ((notional + 999_999n) / 1_000_000n) * 500n;
      count++;
    }
    must(target.openBuyMantissa === buys, 'buys');
    must(target.openSellMantissa === sells, 'sells');
    must(target.openOrderCount === count && core.openOrderCount === count, 'count');
    must(target.quote.reserved.toBig() === money, 'money set aside');
    must(target.base.reserved.toBig() === BigInt(sells), 'coins set aside');
  });
  t.end();
});

t.test('the worst case grows only by an approved order, and then stays inside the limit', (t) => {
  always(
    ({ driver }, outputs, before) => {
      const after = worstOf(driver);
      const sent = outputs.find((output) => output['kind'] === 'OrderSend');
      // A venue may do what was not approved: those are named, one by one.
      const isVenuesDoing = outputs.some(
        (output) =>
          /ADOPTED|OVERFILL|ALIVE/.test(String(output['reason'])) ||
          output['kind'] === 'FillApplied',
      );
      if (sent === undefined) {
        const input = driver.inputs.at(-1);
        const isStatus =
          input?.kind === EventKind.VenueStatus || input?.kind === EventKind.ReconcileOrder;
        if (!isVenuesDoing && !isStatus) {
          must(
            after.long <= before.long && after.short <= before.short,
            'grew without an approval',
          );
        }
        return;
      }
      if (sent['side'] === Side.Buy)
        must(after.long * 6_000_010 <= POSITION_MAX, 'within the position limit');
      else must(after.short <= 0, 'a sale is covered');
      must(Number(sent['valueMantissa']) <= 250 * MONEY || outputs.length > 0, 'order notional');
      // A market that moves makes what is held worth more than the limit; that is not what is asked here.
    },
    ['swing'],
  );
  t.end();
});

t.test(
  'with an honest venue, position plus everything open is inside the limit after every input',
  (t) => {
    const honest = steps.map((script) =>
      script.filter(
        ({ what }) => !['adopt', 'status', 'reject', 'repeat-fill', 'swing'].includes(what),
      ),
    );
    fc.assert(
      fc.property(honest, (script) => {
        const story = new Story();
        for (const one of script) {
          const target =
            story.orderSeqs[story.orderSeqs.length - 1 - one.which] ?? story.orderSeqs[0] ?? 0;
          const order = story.driver.core.order(target);
          // An honest venue fills nothing beyond an order's size.
          if (one.what === 'fill' && (order === undefined || isTerminal(order.state))) continue;
          story.play(one);
          const worst = worstOf(story.driver);
          must(worst.long * 6_000_010 <= POSITION_MAX, 'long');
          must(worst.short <= 0, 'short');
          must(
            [...story.driver.core.openOrders()].length <= LIMITS.openOrdersMax + 1,
            'open orders',
          );
        }
      }),
      { numRuns: 200 },
    );
    t.end();
  },
);

t.test('every change of an order is a row of the table', (t) => {
  const rows = new Set(
    ORDER_TRANSITIONS.filter((row) => row.event !== OrderEvent.None).map(
      (row) => `${row.from} ${row.to}`,
    ),
  );
  fc.assert(
    fc.property(steps, (script) => {
      const story = new Story();
      for (const one of script) story.play(one);
      const states = new Map<number, number>();
      for (const output of story.driver.outputs) {
        const orderSeq = Number(output['orderSeq']);
        const state = Number(output['state']);
        if (output['kind'] === 'OrderSend') {
          const isTriggered = states.get(orderSeq) === OrderState.Held;
          must(!states.has(orderSeq) || isTriggered, 'an order is sent once');
          states.set(orderSeq, state);
        } else if (output['reason'] === 'RECONCILE_ORDER_ADOPTED') {
          // A number that the core has forgotten begins a new life.
          states.delete(orderSeq);
        } else if (output['kind'] === 'OrderChanged') {
          const before = states.get(orderSeq) ?? OrderState.None;
          // A fill and the end that waited for it are two rows in one report.
          const isPath =
            rows.has(`${before} ${state}`) ||
            // A leg of a bracket grows with the fills of its entry.
            (before === OrderState.Held && state === before) ||
            [...rows].some(
              (row) =>
                row.startsWith(`${before} `) && rows.has(`${row.split(' ')[1] ?? ''} ${state}`),
            );
          must(isPath || before === OrderState.None, `path from ${before} to ${state}`);
          states.set(orderSeq, state);
        }
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test(
  'an order is never sent twice, and nothing is sent without an approval of this very size',
  (t) => {
    fc.assert(
      fc.property(steps, (script) => {
        const story = new Story();
        const heldSizes = new Map<unknown, number>();
        for (const one of script) {
          const outputs = story.play(one);
          for (const output of outputs) {
            if (output['kind'] !== 'OrderChanged' || output['state'] !== OrderState.Held) continue;
            heldSizes.set(output['orderSeq'], Number(output['sizeMantissa']));
          }
          const sent = outputs.filter((output) => output['kind'] === 'OrderSend');
          const input = story.driver.inputs.at(-1);
          for (const order of sent) {
            const heldSize = heldSizes.get(order['orderSeq']);
            if (heldSize !== undefined) {
              // What only closes may have less left to close.
              const isWhole = order['sizeMantissa'] === heldSize;
              const isReduceOnly = (Number(order['flags'] ?? 0) & OrderFlag.ReduceOnly) !== 0;
              must(isWhole || (isReduceOnly && Number(order['sizeMantissa']) < heldSize), 'size');
              continue;
            }
            const isFlatten =
              order['timeInForce'] === TimeInForce.Ioc && input?.kind !== EventKind.Intent;
            must(
              isFlatten || order['sizeMantissa'] === input?.sizeMantissa,
              'the size that was asked for',
            );
          }
        }
        const seqs = story.driver.outputs
          .filter((output) => output['kind'] === 'OrderSend')
          .map((output) => output['orderSeq']);
        must(new Set(seqs).size === seqs.length, 'numbers are unique');
      }),
      { numRuns: 200 },
    );
    t.end();
  },
);

t.test('the same inputs give the same outputs and the same hash, whatever they are', (t) => {
  fc.assert(
    fc.property(steps, (script) => {
      const story = new Story();
      for (const one of script) story.play(one);
      const twin = story.driver.replay();
      must(JSON.stringify(twin.outputs) === JSON.stringify(story.driver.outputs), 'outputs');
      must(twin.core.stateText() === story.driver.core.stateText(), 'state');
    }),
  );
  t.end();
});

t.test('a core restored from a snapshot at any moment goes on exactly as the first', (t) => {
  fc.assert(
    fc.property(steps, fc.nat(119), (script, cutAt) => {
      const story = new Story();
      const cut = Math.min(cutAt, script.length);
      for (const one of script.slice(0, cut)) story.play(one);
      const { driver } = story;
      const twin = new CoreDriver(driver.options);
      restoreSnapshot(twin.core, takeSnapshot(driver.core));
      must(twin.core.stateText() === driver.core.stateText(), 'the same state');
      const inputCount = driver.inputs.length;
      const outputCount = driver.outputs.length;
      for (const one of script.slice(cut)) story.play(one);
      for (const input of driver.inputs.slice(inputCount)) {
        twin.apply(Object.assign(new CoreRecord(), input));
      }
      const outputs = driver.outputs.slice(outputCount);
      must(JSON.stringify(twin.outputs) === JSON.stringify(outputs), 'the same outputs');
      must(twin.core.stateText() === driver.core.stateText(), 'the same state at the end');
    }),
    { numRuns: 300 },
  );
  t.end();
});

const INPUT_KINDS = Object.entries(EventKind)
  .filter(([name, kind]) => kind > 0 && kind < 64 && name !== 'RunStarted')
  .map(([, kind]) => kind);

t.test('no input from outside makes the core throw, however absurd its fields', (t) => {
  const long = fc.oneof(
    fc.constantFrom(0, 1, -1, 2, 3, 100_000, 6_000_000, 4294967297, Number.MAX_SAFE_INTEGER),
    fc.maxSafeInteger(),
  );
  const byte = fc.oneof(fc.nat(9), fc.nat(255));
  const garbage = fc.record({
    kind: fc.constantFrom(...INPUT_KINDS),
    orderSeq: long,
    priceMantissa: long,
    sizeMantissa: long,
    cumSizeMantissa: long,
    valueMantissa: long,
    feeMantissa: long,
    fillKey: long,
    emitNs: long,
    aux: long,
    instrumentIndex: fc.oneof(fc.constant(0), fc.nat(65_535)),
    strategyIndex: fc.nat(65_535),
    reason: fc.nat(65_535),
    side: byte,
    orderType: byte,
    timeInForce: byte,
    state: byte,
    flags: byte,
  });
  fc.assert(
    fc.property(fc.array(garbage, { maxLength: 60, size: 'max' }), (inputs) => {
      const driver = CoreDriver.trading({ limits: LIMITS, orderSlots: 16 });
      driver.place();
      for (const input of inputs) {
        driver.wait(1);
        driver.apply(Object.assign(new CoreRecord(), input, { nowNs: driver.nowNs }));
        const unsafe = driver.outbox.records
          .slice(0, driver.outbox.count)
          .find((record) => Object.values(record).some((value) => !Number.isSafeInteger(value)));
        must(
          unsafe === undefined,
          `every field of a record is a safe integer: ${JSON.stringify(unsafe)}`,
        );
      }
      driver.core.stateHash();
      driver.core.figures({
        cashMantissa: 0,
        equityMantissa: 0,
        exposureMantissa: 0,
        isKnown: false,
      });
    }),
    { numRuns: 500 },
  );
  t.end();
});
