/**
 * core-state: everything that the execution core knows, and nothing that it does. Written by execution-core.ts alone;
 * the risk gate and the agent read it. state-hash.ts writes all of it as text, so a field that is added here is added there.
 */
import { must } from '../domain/assert.js';
import { TradingState } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import { pow10 } from '../domain/fixed-point.js';
import { moneyScale } from '../domain/instrument.js';
import type { Instrument } from '../domain/instrument.js';
import { Ledger, currencyTable } from '../domain/portfolio.js';
import type { Currency } from '../domain/portfolio.js';
import { Position } from '../domain/position.js';
import { limitInMoney } from '../domain/risk.js';
import type { RiskLimits } from '../domain/risk.js';
import { NEVER_NS, NS_PER_MS } from './core-times.js';
import { Equity } from './equity.js';
import { Exposures, worstSize } from './exposure.js';
import { FillKeys } from './fill-keys.js';
import { OrderHeap, heldTrigger, restingPrice } from './order-heap.js';
import { OrderTable } from './order-table.js';
import { TradeWindow } from './trade-window.js';

/** The part of a position that a strategy's orders made, and what its open orders may still trade. */
export class StrategyPosition extends Position {
  readonly strategyIndex: number;
  openBuyMantissa = 0;
  openSellMantissa = 0;
  /** [0]: its worst case as counted in the exposures. */
  readonly units = new Float64Array(1);

  constructor(strategyIndex: number) {
    super();
    this.strategyIndex = strategyIndex;
  }
}

/** An entry whose fills are closed again at a gain or a loss, whichever comes first (held-orders.ts). */
export class Bracket {
  readonly entrySeq: number;
  strategyIndex = 0;
  exitSide = 0;
  /** 0: no such leg. */
  gainMantissa = 0;
  lossMantissa = 0;
  /** The held legs; 0: none. */
  gainSeq = 0;
  lossSeq = 0;
  /** Refusals of the venue in a row, and when a leg may go out again. */
  refusalCount = 0;
  retryNs = 0;

  constructor(entrySeq: number) {
    this.entrySeq = entrySeq;
  }

  get legCount(): number {
    return (this.gainMantissa === 0 ? 0 : 1) + (this.lossMantissa === 0 ? 0 : 1);
  }
}

/** One instrument as the core sees it. */
export class InstrumentState {
  readonly instrument: Instrument;
  readonly base: Ledger;
  readonly quote: Ledger;
  /** One size mantissa in units of the base ledger. */
  readonly baseFactor: number;
  /** One unit of the instrument's money in units of the quote ledger. */
  readonly quoteFactor: number;
  /** Limits in the instrument's money. */
  readonly orderNotionalMaxMantissa: number;
  readonly positionNotionalMaxMantissa: number;
  /** Largest size of one order: the venue's, and what can be counted in one safe integer of the base ledger. */
  readonly sizeMaxMantissa: number;
  readonly position = new Position();
  /** Best prices as last fed; 0: that side is empty or not known. */
  bidMantissa = 0;
  askMantissa = 0;
  /** Core time of them; -1: none in this run. */
  markNs = -1;
  /** 0: fresh. */
  staleReason: number;
  /** What open orders may still trade. */
  openBuyMantissa = 0;
  openSellMantissa = 0;
  openOrderCount = 0;
  /** A person wants the position closed. */
  isFlattening = false;
  /** The dearer of the last known prices; survives a start, so that what is held never looks worthless. 0: never seen. */
  lastPriceMantissa = 0;
  /** May be traded by the configuration's list. */
  isWhitelisted = true;
  /** Its venue gives prices only: we cannot send it orders. */
  isReadOnly = false;
  /** Prices at which we rest. */
  readonly ownBuys = new OrderHeap(true, restingPrice);
  readonly ownSells = new OrderHeap(false, restingPrice);
  /** Held orders by side and by where their trigger lies: below fires when the market falls to it. */
  readonly sellsBelow = new OrderHeap(true, heldTrigger);
  readonly sellsAbove = new OrderHeap(false, heldTrigger);
  readonly buysBelow = new OrderHeap(true, heldTrigger);
  readonly buysAbove = new OrderHeap(false, heldTrigger);
  heldCount = 0;
  readonly brackets: Bracket[] = [];
  /** What each strategy has made of the instrument; index 0 is the core itself and people. */
  readonly strategies: StrategyPosition[] = [];

  constructor(instrument: Instrument, base: Ledger, quote: Ledger, limits: RiskLimits) {
    this.instrument = instrument;
    this.base = base;
    this.quote = quote;
    this.baseFactor = pow10(base.currency.scale - instrument.sizeScale);
    this.quoteFactor = pow10(quote.currency.scale - moneyScale(instrument));
    // An order is reserved in ledger units, with room for its fee, in one safe integer.
    const reservableMax = Math.floor(Number.MAX_SAFE_INTEGER / (this.quoteFactor * 2));
    this.orderNotionalMaxMantissa = Math.min(
      limitInMoney(limits.orderNotionalMaxMantissa, instrument),
      reservableMax,
    );
    this.positionNotionalMaxMantissa = limitInMoney(limits.positionNotionalMaxMantissa, instrument);
    this.sizeMaxMantissa = Math.min(
      instrument.sizeMaxMantissa,
      Math.floor(Number.MAX_SAFE_INTEGER / this.baseFactor),
    );
    this.staleReason = STALE_AT_START;
  }
}

export const STALE_AT_START = codeIndex('BOOK_MISSING');

export class CoreState {
  readonly instruments: readonly InstrumentState[];
  readonly ledgers: readonly Ledger[];
  readonly currencies: readonly Currency[];
  readonly orders: OrderTable;
  /** Every fill that was applied, over all runs. */
  readonly fillKeys = new FillKeys();
  /** Worst cases, summed. */
  readonly exposures: Exposures;
  readonly equity: Equity;
  readonly trades: TradeWindow;
  /** Opening orders that may still trade and have not: each may become a trade at any moment. */
  untradedCount = 0;
  /** Legs that the brackets may need, and those of them that are held now. */
  legsReserved = 0;
  legsHeld = 0;
  run = 0;
  /** Core time of the input under way. A field and not an argument: a double that crosses a call is boxed. */
  nowNs = 0;
  /** Epoch ms of the run's start: core time 0. */
  runEpochMs = 0;
  /** Orders of this run so far; the next one is run * 2^32 + orderCount + 1. */
  orderCount = 0;
  tradingState: TradingState = TradingState.Active;
  tradingReason = 0;
  isSessionUp = false;
  isReconciled = false;
  isStopping = false;
  /** Rounds of reconciliation, counted at their end and at each change of the session. */
  round = 1;
  flatteningCount = 0;
  /** Core times of the last orders, as a ring: the oldest is at `sentIndex`. */
  readonly sentTimesNs: Float64Array;
  sentIndex = 0;

  constructor(instruments: readonly Instrument[], limits: RiskLimits, orderSlots: number) {
    this.currencies = currencyTable(instruments);
    this.ledgers = this.currencies.map((currency) => new Ledger(currency));
    const ledgerOf = (code: string): Ledger =>
      must(
        this.ledgers.find((ledger) => ledger.currency.code === code),
        `ledger of ${code}`,
      );
    this.instruments = instruments.map(
      (instrument) =>
        new InstrumentState(
          instrument,
          ledgerOf(instrument.base),
          ledgerOf(instrument.quote),
          limits,
        ),
    );
    this.orders = new OrderTable(orderSlots);
    this.exposures = new Exposures(instruments);
    this.equity = new Equity(this.instruments, this.ledgers, this.exposures);
    this.trades = new TradeWindow(limits.tradesPerDayMax);
    this.sentTimesNs = new Float64Array(limits.ordersPerSecondMax).fill(NEVER_NS);
  }

  /** Epoch ms of now. */
  epochMs(): number {
    return this.runEpochMs + Math.floor(this.nowNs / NS_PER_MS);
  }

  /** The part of a strategy; made when it first trades the instrument. */
  strategyPosition(target: InstrumentState, strategyIndex: number): StrategyPosition {
    const { strategies } = target;
    for (let place = 0; place < strategies.length; place++) {
      const part = strategies[place] as StrategyPosition;
      if (part.strategyIndex === strategyIndex) return part;
    }
    const part = new StrategyPosition(strategyIndex);
    strategies.push(part);
    return part;
  }

  /** After any change of position, open orders or price of an instrument: its exposures. */
  expose(target: InstrumentState): void {
    const { exposures } = this;
    const { index } = target.instrument;
    const price = target.lastPriceMantissa;
    const { sizeMantissa } = target.position;
    const { openBuyMantissa, openSellMantissa, strategies } = target;
    const worst = worstSize(sizeMantissa, openBuyMantissa, openSellMantissa);
    const isEngaged = sizeMantissa !== 0 || openBuyMantissa > 0 || openSellMantissa > 0;
    exposures.toUnits(index, worst, price);
    exposures.set(index, isEngaged);
    for (let place = 0; place < strategies.length; place++) {
      const part = strategies[place] as StrategyPosition;
      const most = worstSize(part.sizeMantissa, part.openBuyMantissa, part.openSellMantissa);
      exposures.toUnits(index, most, price);
      exposures.setStrategy(part.strategyIndex, index, part.units, 0);
    }
  }
}
