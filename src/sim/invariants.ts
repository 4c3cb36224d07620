/**
 * invariants: what must hold in a world after every step, whatever goes wrong in it. Each breach is one sentence with
 * its numbers.
 *
 *   always      a position is the sum of its fills, each at the venue and once; cash, fees and cost reconcile to the last
 *               unit; no order at the venue without an approval, none sent twice; what is held with everything open
 *               stays inside the limits; every order's history is a path in the table; records have no hole
 *   at the end  faults are over: engine and venue agree on orders, fills and balances; a replay has the same hash
 */
import { CoreRecord, EventKind } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { ORDER_TRANSITIONS, OrderState, Side, isTerminal } from '../domain/order.js';
import { moneyScale } from '../domain/instrument.js';
import { RISK_MONEY_SCALE } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import { orderSeqOf } from '../execution/client-order-id.js';
import { Replay } from '../execution/replay.js';
import type { ExecutionCore, ExecutionCoreOptions } from '../execution/execution-core.js';
import type { SimVenue } from './sim-venue.js';

const NEVER_ARRIVED = codeIndex('ORDER_NEVER_ARRIVED');

/** A breach; ends the world. */
export class InvariantBroken extends Error {}

const PATHS = new Set(ORDER_TRANSITIONS.map(({ from, to }) => `${String(from)} ${String(to)}`));
/** A fill and the end that waited for it are two rows of one report. */
const TWO_STEPS = new Set(
  ORDER_TRANSITIONS.flatMap((first) =>
    ORDER_TRANSITIONS.filter((second) => second.from === first.to).map(
      (second) => `${String(first.from)} ${String(second.to)}`,
    ),
  ),
);

export interface InvariantOptions {
  readonly venue: SimVenue;
  readonly limits: RiskLimits;
  readonly installId: string;
  readonly coreOptions: ExecutionCoreOptions;
}

/** The world's eye: sees every record of every run as it is published, and checks. */
export class Invariants {
  readonly #options: InvariantOptions;
  /** Every order number that a gate has ever approved, and its state as last told. */
  readonly #approved = new Set<number>();
  readonly #states = new Map<number, number>();
  /** Records of the run under way, in order. */
  #records: CoreRecord[] = [];
  #lowestAskMantissa = Number.POSITIVE_INFINITY;
  #fillsSeen = 0;

  constructor(options: InvariantOptions) {
    this.#options = options;
  }

  /** A run begins on what the journal kept. What was told and lost with the process is forgotten here too. */
  beginRun(kept: readonly CoreRecord[]): void {
    this.#records = [...kept];
    this.#states.clear();
    for (const record of kept) this.#follow(record, false);
  }

  /** A record as it was published. */
  see(record: CoreRecord): void {
    const before = this.#records.at(-1)?.seq ?? 0;
    if (record.seq !== before + 1)
      this.#broken(`record ${String(record.seq)} follows record ${String(before)}`);
    this.#records.push(record);
    this.#follow(record, true);
  }

  /** After every step. */
  check(core: ExecutionCore): void {
    this.#checkMoney(core);
    this.#checkVenueOrders();
    this.#checkExposure(core);
    this.#checkSums(core);
    this.#checkLimits(core);
  }

  /** The same inputs through a fresh core. */
  checkReplay(core: ExecutionCore): void {
    const replay = new Replay(() => this.#options.coreOptions);
    for (const record of this.#records) {
      if (replay.next({ run: 1, record })) continue;
      this.#broken(`the replay differs: ${JSON.stringify(replay.difference)}`);
    }
    if (!replay.end(false))
      this.#broken(`the replay says more: ${JSON.stringify(replay.difference)}`);
    if (replay.stateHash !== core.stateHash()) this.#broken('the replay has another state hash');
  }

  /** After the faults have stopped and time has passed: what still differs; empty when engine and venue agree. */
  disagreement(core: ExecutionCore): string {
    const { exchange } = this.#options.venue;
    const atVenue = new Map(
      exchange
        .openOrders()
        .map((order) => [orderSeqOf(this.#options.installId, order.clientOrderId), order]),
    );
    for (const order of core.openOrders()) {
      if (order.state === OrderState.Held) continue;
      if (isTerminal(order.state)) return `order ${String(order.orderSeq)} still misses fills`;
      if (order.state === OrderState.Unknown) return `order ${String(order.orderSeq)} is unknown`;
      const venueOrder = atVenue.get(order.orderSeq);
      if (venueOrder === undefined) return `order ${String(order.orderSeq)} is open here alone`;
      if (venueOrder.filledSizeMantissa !== BigInt(order.filledMantissa))
        return `order ${String(order.orderSeq)} has filled ${String(order.filledMantissa)} here`;
      atVenue.delete(order.orderSeq);
    }
    const left = [...atVenue.keys()][0];
    if (left !== undefined) return `order ${String(left)} is open at the venue alone`;
    if (core.state.fillKeys.size !== exchange.fills().length)
      return `${String(core.state.fillKeys.size)} fills here, ${String(exchange.fills().length)} at the venue`;
    for (const account of exchange.accounts()) {
      const ledger = core.state.ledgers.find(({ currency }) => currency.code === account.currency);
      if (ledger === undefined) continue;
      const scale = BigInt(10 ** (ledger.currency.scale - account.scale));
      if (ledger.total.toBig() !== account.totalMantissa * scale)
        return `${account.currency}: ${String(ledger.total.toBig())} here, ${String(account.totalMantissa * scale)} there`;
    }
    return core.isReconciled ? '' : 'not reconciled';
  }

  #follow(record: CoreRecord, isNew: boolean): void {
    const { orderSeq, kind, state } = record;
    if (kind === EventKind.OrderSend) {
      if (isNew && this.#approved.has(orderSeq) && !this.#wasLost(orderSeq))
        this.#broken(`order ${String(orderSeq)} is sent twice`);
      this.#approved.add(orderSeq);
      this.#states.set(orderSeq, state);
    } else if (kind === EventKind.OrderChanged) {
      const before = this.#states.get(orderSeq) ?? OrderState.None;
      const path = `${String(before)} ${String(state)}`;
      const isPath = before === state || PATHS.has(path) || TWO_STEPS.has(path);
      // A forgotten number is adopted anew.
      if (isNew && !isPath && before !== OrderState.None && !isTerminal(before))
        this.#broken(
          `order ${String(orderSeq)} goes from state ${String(before)} to ${String(state)}`,
        );
      this.#states.set(orderSeq, state);
    }
  }

  /** A held order whose going out was lost goes out again under its number: only if the venue never saw it. */
  #wasLost(orderSeq: number): boolean {
    return this.#states.get(orderSeq) === OrderState.Held;
  }

  #checkMoney(core: ExecutionCore): void {
    const { exchange } = this.#options.venue;
    const position = core.position(0);
    const fills = exchange.fills();
    if (core.state.fillKeys.size > fills.length)
      this.#broken(
        `${String(core.state.fillKeys.size)} fills here, ${String(fills.length)} at the venue`,
      );
    if (position.fillCount === this.#fillsSeen) return;
    this.#fillsSeen = position.fillCount;
    let size = 0n;
    let paid = 0n;
    let fees = 0n;
    for (const record of this.#records) {
      if (record.kind !== EventKind.FillApplied) continue;
      const sign = record.side === Side.Buy ? 1n : -1n;
      size += sign * BigInt(record.sizeMantissa);
      paid += sign * BigInt(record.sizeMantissa) * BigInt(record.priceMantissa);
      fees += BigInt(record.feeMantissa);
    }
    if (size !== BigInt(position.sizeMantissa))
      this.#broken(`position ${String(position.sizeMantissa)}, sum of fills ${String(size)}`);
    if (paid !== position.costMantissa - position.realizedMantissa)
      this.#broken(
        `cost less result ${String(position.costMantissa - position.realizedMantissa)}, paid ${String(paid)}`,
      );
    if (fees !== position.feesMantissa)
      this.#broken(`fees ${String(position.feesMantissa)}, of the fills ${String(fees)}`);
    if (core.state.fillKeys.size !== fills.length) return;
    // Everything that the venue has filled is here: then the money is the venue's, to the last unit.
    const theirs = fills.reduce((sum, fill) => sum + fill.feeMantissa, 0n);
    if (theirs !== fees) this.#broken(`fees ${String(fees)}, at the venue ${String(theirs)}`);
  }

  #checkVenueOrders(): void {
    const { venue, installId } = this.#options;
    for (const [clientOrderId, times] of venue.placed) {
      if (times > 1) this.#broken(`${clientOrderId} was placed ${String(times)} times`);
      const orderSeq = orderSeqOf(installId, clientOrderId);
      if (orderSeq === null || !this.#approved.has(orderSeq))
        this.#broken(`${clientOrderId} is at the venue without an approval`);
    }
  }

  /** What rests at the venue is never taken for dead here, but for an order of which the venue itself had not heard. */
  #checkExposure(core: ExecutionCore): void {
    const { venue, installId } = this.#options;
    for (const order of venue.exchange.openOrders()) {
      const known = core.order(orderSeqOf(installId, order.clientOrderId) ?? 0);
      if (known === undefined || known.openMantissa > 0) continue;
      if (known.state === OrderState.Rejected && known.reason === NEVER_ARRIVED) continue;
      this.#broken(
        `order ${String(known.orderSeq)} rests at the venue and is no exposure here (state ${String(known.state)})`,
      );
    }
  }

  /** What is open and set aside is the sum over the open orders. */
  #checkSums(core: ExecutionCore): void {
    const target = core.instrumentState(0);
    let buys = 0;
    let sells = 0;
    let money = 0n;
    for (const order of core.openOrders()) {
      if (order.side === Side.Buy) buys += order.openMantissa;
      else sells += order.openMantissa;
      money += BigInt(order.reservedQuote);
    }
    if (buys !== target.openBuyMantissa || sells !== target.openSellMantissa)
      this.#broken(
        `open ${String(buys)} and ${String(sells)}, counted ` +
          `${String(target.openBuyMantissa)} and ${String(target.openSellMantissa)}`,
      );
    if (money !== target.quote.reserved.toBig())
      this.#broken(
        `set aside ${String(target.quote.reserved.toBig())}, of the orders ${String(money)}`,
      );
  }

  #checkLimits(core: ExecutionCore): void {
    const { limits, venue } = this.#options;
    const target = core.instrumentState(0);
    const ask = venue.bestAskMantissa;
    if (ask > 0) this.#lowestAskMantissa = Math.min(this.#lowestAskMantissa, venue.bestBidMantissa);
    const long = target.position.sizeMantissa + target.openBuyMantissa;
    const short = target.openSellMantissa - target.position.sizeMantissa;
    const lowest = this.#lowestAskMantissa * 0.98;
    const scale = 10 ** (moneyScale(venue.instrument) - RISK_MONEY_SCALE);
    if ((long * lowest) / scale > limits.positionNotionalMaxMantissa)
      this.#broken(`long ${String(long)} with everything open is above the position limit`);
    if (short > 0) this.#broken(`short ${String(short)} with everything open, on spot`);
    if (core.openOrderCount > limits.openOrdersMax + 2)
      this.#broken(`${String(core.openOrderCount)} open orders`);
  }

  #broken(what: string): never {
    throw new InvariantBroken(what);
  }
}
