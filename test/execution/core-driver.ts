/**
 * core-driver: the production core in a test's hand. Makes inputs with the fields that matter, applies them, and gives
 * back the outputs as plain values. Remembers every input, so that any test can be replayed.
 */
import {
  CommandKind,
  CoreRecord,
  EventKind,
  ORDER_SEQ_PER_RUN,
  Outbox,
} from '#src/domain/core-record.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { IntentKind, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { ExecutionCore, outboxCapacity } from '#src/execution/execution-core.js';
import type { ExecutionCoreOptions } from '#src/execution/execution-core.js';

export const MS = 1_000_000;

/** Price scale 2, size scale 8: money has ten decimals. */
export const BTC_USD: Instrument = {
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
  sizeMinMantissa: 10_000,
  sizeMaxMantissa: 100_000_000_000,
  notionalMinMantissa: 10_000_000_000,
  isTradable: true,
};

/** Price scale 2, size scale 6, ticks of 5 cents, lots of 0.001. */
export const ETH_USD: Instrument = {
  ...BTC_USD,
  index: 1,
  symbol: 'ETH-USD',
  venueSymbol: 'ETH-USD',
  base: 'ETH',
  sizeScale: 6,
  tickMantissa: 5,
  lotMantissa: 1_000,
  sizeMinMantissa: 2_000,
  notionalMinMantissa: 100_000_000,
};

export const USD = 1;
export const BTC = 0;
export const ANSWER_MS = 5_000;

/** An output: its kind by name and the fields that are not 0; the reason as its code. */
export type Output = Readonly<Record<string, number | string>>;
export type Fields = Partial<Omit<CoreRecord, 'reset' | 'kind' | 'reason'>> & {
  readonly reason?: ErrorCode;
};

const KIND_NAMES = new Map<number, string>(
  Object.entries(EventKind).map(([name, kind]) => [kind, name]),
);
const FIELD_NAMES = Object.keys(new CoreRecord());

export function plain(record: CoreRecord): Output {
  const output: Record<string, number | string> = {
    kind: KIND_NAMES.get(record.kind) ?? 'unknown',
  };
  for (const name of FIELD_NAMES) {
    const value: unknown = Reflect.get(record, name);
    if (name === 'kind' || typeof value !== 'number' || value === 0) continue;
    output[name] = name === 'reason' ? codeAt(value) : value;
  }
  return output;
}

export class CoreDriver {
  readonly core: ExecutionCore;
  readonly outbox: Outbox;
  readonly options: ExecutionCoreOptions;
  /** Every input so far, as copies. */
  readonly inputs: CoreRecord[] = [];
  /** Every output so far. */
  readonly outputs: Output[] = [];
  nowNs = 0;
  run = 0;
  #fillKey = 0;

  constructor(options: Partial<ExecutionCoreOptions> = {}) {
    this.options = {
      instruments: [BTC_USD],
      limits: PAPER_LIMITS,
      fees: { makerPpm: 0, takerPpm: 500 },
      stopPolicy: 'cancel',
      orderSlots: 128,
      answerTimeoutMs: ANSWER_MS,
      ...options,
    };
    this.core = new ExecutionCore(this.options);
    this.outbox = new Outbox(
      outboxCapacity(this.options.orderSlots, this.options.instruments.length),
    );
  }

  /** Run 1, session up, reconciled with 10,000 USD and no coins, market 60,000.00 / 60,000.10, trading. */
  static trading(options: Partial<ExecutionCoreOptions> = {}): CoreDriver {
    const driver = new CoreDriver(options);
    driver.startRun();
    driver.reconcile();
    driver.freshMarket();
    return driver;
  }

  /** Applies one input now and returns what came out. */
  give(kind: EventKind, fields: Fields = {}): readonly Output[] {
    const record = new CoreRecord();
    record.reset(kind);
    record.nowNs = this.nowNs;
    const { reason, ...numbers } = fields;
    Object.assign(record, numbers);
    if (reason !== undefined) record.reason = codeIndex(reason);
    return this.apply(record);
  }

  apply(record: CoreRecord): readonly Output[] {
    this.inputs.push(Object.assign(new CoreRecord(), record));
    this.outbox.clear();
    this.core.apply(record, this.outbox);
    const outputs = this.outbox.records.slice(0, this.outbox.count).map(plain);
    this.outputs.push(...outputs);
    return outputs;
  }

  /** Moves core time. */
  wait(ms: number): void {
    this.nowNs += ms * MS;
  }

  startRun(): readonly Output[] {
    this.run++;
    this.nowNs = 0;
    return this.give(EventKind.RunStarted, { aux: this.run });
  }

  reconcile(cash = 10_000, coins = 0): readonly Output[] {
    this.give(EventKind.VenueSession, { state: 1 });
    this.core.currencies.forEach((currency) => {
      this.give(EventKind.ReconcileBalance, {
        aux: currency.index,
        valueMantissa: (currency.code === 'USD' ? cash : coins) * 1e8,
        emitNs: this.nowNs,
      });
    });
    return this.give(EventKind.ReconcileDone);
  }

  freshMarket(bid = 6_000_000, ask = 6_000_010): void {
    this.options.instruments.forEach((instrument) => {
      this.give(EventKind.MarketState, { instrumentIndex: instrument.index });
      this.mark(bid, ask, instrument.index);
    });
  }

  mark(bid: number, ask: number, instrumentIndex = 0): readonly Output[] {
    return this.give(EventKind.Mark, { instrumentIndex, priceMantissa: bid, valueMantissa: ask });
  }

  /** A buy of 0.001 BTC at 60,000.00, good till cancelled, unless told otherwise. */
  intend(fields: Fields = {}): readonly Output[] {
    return this.give(EventKind.Intent, {
      state: IntentKind.Place,
      side: Side.Buy,
      orderType: OrderType.Limit,
      timeInForce: TimeInForce.Gtc,
      priceMantissa: 6_000_000,
      sizeMantissa: 100_000,
      valueMantissa: 6_000_005,
      ...fields,
    });
  }

  /** An intent that must be approved; its order number. */
  place(fields: Fields = {}): number {
    const sent = only(this.intend(fields), 'OrderSend');
    return Number(sent['orderSeq']);
  }

  /** The same, acknowledged by the venue. */
  placeOpen(fields: Fields = {}): number {
    const orderSeq = this.place(fields);
    this.give(EventKind.VenueAccepted, { orderSeq });
    return orderSeq;
  }

  fill(orderSeq: number, sizeMantissa: number, fields: Fields = {}): readonly Output[] {
    const order = this.core.order(orderSeq);
    this.#fillKey++;
    return this.give(EventKind.VenueFill, {
      orderSeq,
      instrumentIndex: order?.instrumentIndex ?? 0,
      side: order?.side ?? Side.Buy,
      priceMantissa: order?.priceMantissa ?? 6_000_000,
      sizeMantissa,
      fillKey: this.#fillKey,
      ...fields,
    });
  }

  status(
    orderSeq: number,
    state: OrderState,
    cumSizeMantissa = 0,
    fields: Fields = {},
  ): readonly Output[] {
    return this.give(EventKind.VenueStatus, { orderSeq, state, cumSizeMantissa, ...fields });
  }

  deadline(orderSeq: number): readonly Output[] {
    return this.give(EventKind.Deadline, { orderSeq });
  }

  command(kind: CommandKind, aux = 1): readonly Output[] {
    return this.give(EventKind.Command, { state: kind, aux });
  }

  /** Holds 0.001 BTC bought at 60,000.00. */
  hold(sizeMantissa = 100_000): void {
    const orderSeq = this.placeOpen({ sizeMantissa });
    this.fill(orderSeq, sizeMantissa);
  }

  orderState(orderSeq: number): number {
    return this.core.order(orderSeq)?.state ?? OrderState.None;
  }

  /** The same inputs through a fresh core: its outputs and its state. */
  replay(): CoreDriver {
    const twin = new CoreDriver(this.options);
    for (const input of this.inputs) twin.apply(Object.assign(new CoreRecord(), input));
    return twin;
  }
}

/** The only output of a kind. */
export function only(outputs: readonly Output[], kind: keyof typeof EventKind): Output {
  const found = outputs.filter((output) => output['kind'] === kind);
  const [first] = found;
  if (first === undefined || found.length !== 1) {
    throw new Error(`one ${kind} expected: ${JSON.stringify(outputs)}`);
  }
  return first;
}

export function kinds(outputs: readonly Output[]): readonly (number | string | undefined)[] {
  return outputs.map((output) => output['kind']);
}

export function orderSeqOf(run: number, n: number): number {
  return run * ORDER_SEQ_PER_RUN + n;
}
