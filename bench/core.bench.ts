/**
 * core: an intent → an approved order in the outbox, through the production core with its whole risk gate, with 10, 1,000
 * and 10,000 open orders, each in an instrument of its own that also has a position. The cost must not grow with them.
 *
 * Timed one by one (p50, p99; the timer's own step is in them) and as whole cycles on one thread: a price, the end of
 * the order that is replaced, the intent, its acceptance by the venue.
 */
import { CoreRecord, EventKind, Outbox } from '#src/domain/core-record.js';
import type { Instrument } from '#src/domain/instrument.js';
import { IntentKind, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { ExecutionCore, outboxCapacity } from '#src/execution/execution-core.js';
import { quantile, type Sample } from './compare.js';
import type { Bench, Contender } from './harness.js';

const OPEN_ORDERS = [10, 1_000, 10_000];
const CYCLES = 20_000;
const WARMUP_CYCLES = 60_000;
const QUICK_CYCLES = 200;
const STEP_NS = 1_000_000;
const PRICE_MANTISSA = 6_000_000;
const SIZE_MANTISSA = 100_000;
/** The highest that the limits of money may be. */
const UNLIMITED = 5e15;

export const bench: Bench = {
  question: 'how long does it take from an intent to an approved order in the outbox?',
  open({ isQuick }) {
    /** What the smallest desk took in this round: the others are compared with it. */
    let smallest: readonly number[] = [];
    return OPEN_ORDERS.map((openOrders): Contender => {
      let desk: Desk | undefined;
      return {
        name: `tickwire, ${openOrders} open`,
        measure(): Promise<Sample[]> {
          if (desk === undefined) {
            desk = new Desk(openOrders);
            desk.run(isQuick ? 0 : WARMUP_CYCLES, null);
          }
          const cycles = isQuick ? QUICK_CYCLES : CYCLES;
          const timesNs: number[] = [];
          desk.run(cycles, timesNs);
          const start = performance.now();
          desk.run(cycles, null);
          const cycleNs = ((performance.now() - start) * 1e6) / cycles;
          timesNs.sort((first, second) => first - second);
          const values = [quantile(timesNs, 0.5), quantile(timesNs, 0.99), cycleNs];
          if (openOrders === OPEN_ORDERS[0]) smallest = values;
          return Promise.resolve(
            ['intent to order, p50', 'intent to order, p99', 'whole cycle'].flatMap((of, place) => {
              const what = `${of}, ${openOrders} open`;
              return [
                { who: 'tickwire', what, unit: 'ns', value: values[place] ?? Number.NaN },
                { who: 'with 10 open', what, unit: 'ns', value: smallest[place] ?? Number.NaN },
              ];
            }),
          );
        },
      };
    });
  },
};

/** A core with one open order and one position in each of its instruments. */
class Desk {
  readonly #core: ExecutionCore;
  readonly #outbox: Outbox;
  readonly #record = new CoreRecord();
  readonly #orderSeqs: number[];
  #nowNs = 0;
  #fillKey = 0;
  #next = 0;

  constructor(openOrders: number) {
    const instruments = Array.from({ length: openOrders }, (_, index) => instrumentOf(index));
    const orderSlots = 2 ** Math.ceil(Math.log2(openOrders * 2 + 64));
    this.#core = new ExecutionCore({
      instruments,
      limits: {
        ...PAPER_LIMITS,
        orderNotionalMaxMantissa: 5e13,
        orderEquityBpsMax: 10_000,
        positionNotionalMaxMantissa: UNLIMITED,
        assetExposureMaxMantissa: UNLIMITED,
        venueExposureMaxMantissa: UNLIMITED,
        strategyExposureMaxMantissa: UNLIMITED,
        portfolioExposureMaxMantissa: UNLIMITED,
        positionsPerAssetMax: 5,
        positionsMax: openOrders,
        markAgeMaxMs: 600_000,
        ordersPerSecondMax: 1_000,
        openOrdersMax: openOrders,
        dailyLossMaxMantissa: UNLIMITED,
        drawdownBpsMax: 10_000,
      },
      fees: { makerPpm: 0, takerPpm: 0 },
      stopPolicy: 'keep',
      orderSlots,
      answerTimeoutMs: 5_000,
    });
    this.#outbox = new Outbox(outboxCapacity(orderSlots, openOrders));
    this.#begin(openOrders);
    this.#orderSeqs = instruments.map(({ index }) => {
      this.#fill(this.#place(index), index);
      return this.#accepted(this.#place(index));
    });
  }

  /** Replaces the orders of one instrument after the other; with `timesNs`, each intent is timed. */
  run(cycles: number, timesNs: number[] | null): void {
    const count = this.#orderSeqs.length;
    for (let cycle = 0; cycle < cycles; cycle++) {
      const index = this.#next;
      this.#next = (index + 1) % count;
      this.#mark(index);
      const ended = this.#input(EventKind.VenueStatus);
      ended.orderSeq = this.#orderSeqs[index] as number;
      ended.state = OrderState.Canceled;
      this.#apply();
      let orderSeq: number;
      if (timesNs === null) {
        orderSeq = this.#place(index);
      } else {
        this.#intent(index);
        const start = process.hrtime.bigint();
        this.#apply();
        timesNs.push(Number(process.hrtime.bigint() - start));
        orderSeq = this.#sent();
      }
      this.#orderSeqs[index] = this.#accepted(orderSeq);
    }
  }

  #begin(count: number): void {
    this.#input(EventKind.RunStarted).aux = 1;
    this.#apply();
    this.#input(EventKind.VenueSession).state = 1;
    this.#apply();
    for (const { index, code } of this.#core.currencies) {
      const balance = this.#input(EventKind.ReconcileBalance);
      balance.aux = index;
      balance.valueMantissa = (code === 'USD' ? 10_000_000 : 0) * 1e8;
      balance.emitNs = this.#nowNs;
      this.#apply();
    }
    this.#input(EventKind.ReconcileDone);
    this.#apply();
    for (let index = 0; index < count; index++) {
      this.#input(EventKind.MarketState).instrumentIndex = index;
      this.#apply();
      this.#mark(index);
    }
  }

  #mark(index: number): void {
    const mark = this.#input(EventKind.Mark);
    mark.instrumentIndex = index;
    mark.priceMantissa = PRICE_MANTISSA;
    mark.valueMantissa = PRICE_MANTISSA + 10;
    this.#apply();
  }

  #input(kind: EventKind): CoreRecord {
    const record = this.#record;
    record.reset(kind);
    this.#nowNs += STEP_NS;
    record.nowNs = this.#nowNs;
    return record;
  }

  #apply(): void {
    this.#outbox.clear();
    this.#core.apply(this.#record, this.#outbox);
  }

  #intent(index: number): void {
    const record = this.#input(EventKind.Intent);
    record.instrumentIndex = index;
    record.state = IntentKind.Place;
    record.side = Side.Buy;
    record.orderType = OrderType.Limit;
    record.timeInForce = TimeInForce.Gtc;
    record.priceMantissa = PRICE_MANTISSA - 100;
    record.sizeMantissa = SIZE_MANTISSA;
    record.valueMantissa = PRICE_MANTISSA + 5;
  }

  #place(index: number): number {
    this.#intent(index);
    this.#apply();
    return this.#sent();
  }

  /** Number of the order that was just approved. What is measured must be what it says. */
  #sent(): number {
    for (let at = 0; at < this.#outbox.count; at++) {
      const record = this.#outbox.records[at] as CoreRecord;
      if (record.kind === EventKind.OrderSend) return record.orderSeq;
    }
    const [refusal] = this.#outbox.records;
    throw new Error(`not approved: ${JSON.stringify(refusal)}`);
  }

  #accepted(orderSeq: number): number {
    this.#input(EventKind.VenueAccepted).orderSeq = orderSeq;
    this.#apply();
    return orderSeq;
  }

  #fill(orderSeq: number, index: number): void {
    this.#accepted(orderSeq);
    const fill = this.#input(EventKind.VenueFill);
    fill.orderSeq = orderSeq;
    fill.instrumentIndex = index;
    fill.side = Side.Buy;
    fill.priceMantissa = PRICE_MANTISSA - 100;
    fill.sizeMantissa = SIZE_MANTISSA;
    fill.fillKey = ++this.#fillKey;
    this.#apply();
  }
}

function instrumentOf(index: number): Instrument {
  return {
    index,
    venue: 'coinbase',
    kind: 'spot',
    symbol: `C${index}-USD`,
    venueSymbol: `C${index}-USD`,
    base: `C${index}`,
    quote: 'USD',
    priceScale: 2,
    sizeScale: 8,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: 100_000_000_000,
    notionalMinMantissa: 0,
    isTradable: true,
  };
}
