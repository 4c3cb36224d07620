/**
 * signal-core: routes ticks and order events to market views and strategies; their wishes collect in the outbox.
 * @hotpath
 *
 * Signal thread; deterministic: no clock, no I/O. The agent feeds it and empties the outbox after each call.
 */
import { EventKind, IntentKind, TickFlag, TickKind } from '../generated/hot.js';
import type { EventFields, TickFields } from '../generated/hot.js';
import type { Instrument } from '../domain/instrument.js';
import { codeIndex } from '../domain/errors.js';
import { planFairAssets } from '../domain/fair-price.js';
import type { FairAsset } from '../domain/fair-price.js';
import { OrderState } from '../domain/order.js';
import { FairView } from './fair-view.js';
import { IntentOutbox } from './intent-outbox.js';
import type { IntentRecord } from './intent-outbox.js';
import { MarketView } from './market-view.js';
import type { Strategy } from './strategy.js';

/** A strategy and its place in the run's list: intents and orders carry that index. */
export interface StrategySeat {
  readonly strategyIndex: number;
  readonly strategy: Strategy;
}

const OUTBOX_CAPACITY = 64;

export class SignalCore {
  readonly outbox = new IntentOutbox(OUTBOX_CAPACITY);
  readonly markets: readonly MarketView[];
  /** A view's place is its cell on the board. */
  readonly fairs: readonly FairView[];
  readonly #seats: readonly StrategySeat[];
  /** By instrument: strategies are told of it. Others are fed to price currencies. */
  readonly #isOffered: readonly boolean[];
  /** Intents and orders under way, by seat and instrument. */
  readonly #working: Int32Array;
  readonly #instrumentCount: number;

  /** `offered`: indexes of the instruments that strategies see; `fairAssets`: those on the board. Default: all. */
  constructor(
    instruments: readonly Instrument[],
    seats: readonly StrategySeat[],
    offered: readonly number[] = instruments.map(({ index }) => index),
    fairAssets: readonly FairAsset[] = planFairAssets(instruments),
  ) {
    const staleReason = codeIndex('BOOK_MISSING');
    const noPrice = codeIndex('FAIR_NO_PRICE');
    this.fairs = fairAssets.map(({ asset }) => new FairView(asset, noPrice));
    this.markets = instruments.map(
      (instrument) =>
        new MarketView(
          instrument,
          staleReason,
          this.fairs.find(({ asset }) => asset === instrument.base),
        ),
    );
    this.#seats = seats;
    this.#isOffered = instruments.map(({ index }) => offered.includes(index));
    this.#instrumentCount = instruments.length;
    this.#working = new Int32Array(seats.length * instruments.length);
  }

  onTick(tick: TickFields, nowNs: number): void {
    const market = this.markets[tick.instrumentIndex];
    if (market === undefined) return;
    this.#applyTick(tick, market);
    if (this.#isOffered[tick.instrumentIndex] !== true) return;
    for (let seatIndex = 0; seatIndex < this.#seats.length; seatIndex++) {
      const seat = this.#seats[seatIndex];
      if (seat === undefined) continue;
      const before = this.outbox.count;
      market.workingCount =
        this.#working[seatIndex * this.#instrumentCount + tick.instrumentIndex] ?? 0;
      seat.strategy.onTick(tick, market, nowNs, this.outbox);
      this.#own(seatIndex, seat.strategyIndex, before);
    }
  }

  onOrderEvent(event: EventFields, nowNs: number): void {
    const market = this.markets[event.instrumentIndex];
    if (market === undefined) return;
    if (event.kind === EventKind.PositionChanged) {
      market.positionSizeMantissa = event.sizeMantissa;
      return;
    }
    for (let seatIndex = 0; seatIndex < this.#seats.length; seatIndex++) {
      const seat = this.#seats[seatIndex];
      if (seat?.strategyIndex !== event.strategyIndex) continue;
      if (isEndOfWork(event)) this.#addWork(seatIndex, event.instrumentIndex, -1);
      const before = this.outbox.count;
      market.workingCount =
        this.#working[seatIndex * this.#instrumentCount + event.instrumentIndex] ?? 0;
      seat.strategy.onOrderEvent(event, market, nowNs, this.outbox);
      this.#own(seatIndex, seat.strategyIndex, before);
    }
  }

  onDeadline(nowNs: number): void {
    for (let seatIndex = 0; seatIndex < this.#seats.length; seatIndex++) {
      const seat = this.#seats[seatIndex];
      if (seat === undefined) continue;
      const before = this.outbox.count;
      seat.strategy.onDeadline(nowNs, this.outbox);
      this.#own(seatIndex, seat.strategyIndex, before);
    }
  }

  /** Events were missed, or the run begins: the board's word replaces what was counted. */
  resync(instrumentIndex: number, positionSizeMantissa: number, openOrderCount: number): void {
    const market = this.markets[instrumentIndex];
    if (market === undefined) return;
    market.positionSizeMantissa = positionSizeMantissa;
    for (let seatIndex = 0; seatIndex < this.#seats.length; seatIndex++)
      this.#working[seatIndex * this.#instrumentCount + instrumentIndex] = openOrderCount;
  }

  /** This intent never reached the ring: nothing of it is under way. */
  intentDropped(record: IntentRecord): void {
    if (record.kind !== IntentKind.Place) return;
    for (let seatIndex = 0; seatIndex < this.#seats.length; seatIndex++)
      if (this.#seats[seatIndex]?.strategyIndex === record.strategyIndex)
        this.#addWork(seatIndex, record.instrumentIndex, -1);
  }

  #applyTick(tick: TickFields, market: MarketView): void {
    switch (tick.kind) {
      case TickKind.Trade:
        if ((tick.flags & TickFlag.Backfill) !== 0) return;
        market.lastPriceMantissa = tick.priceMantissa;
        market.lastSizeMantissa = tick.sizeMantissa;
        market.lastTradeNs = tick.recvNs;
        market.tradeCount++;
        return;
      case TickKind.Quote:
        market.bidPriceMantissa = (tick.flags & TickFlag.NoBid) === 0 ? tick.priceMantissa : 0;
        market.bidSizeMantissa = (tick.flags & TickFlag.NoBid) === 0 ? tick.sizeMantissa : 0;
        market.askPriceMantissa = (tick.flags & TickFlag.NoAsk) === 0 ? tick.askPriceMantissa : 0;
        market.askSizeMantissa = (tick.flags & TickFlag.NoAsk) === 0 ? tick.askSizeMantissa : 0;
        market.quoteNs = tick.recvNs;
        return;
      case TickKind.State:
        market.staleReason = tick.sizeMantissa;
        return;
      case TickKind.Mark:
        market.markPriceMantissa = tick.priceMantissa;
        market.indexPriceMantissa = tick.askPriceMantissa;
        market.markNs = tick.recvNs;
        return;
      case TickKind.Funding:
        market.fundingRateMantissa = tick.priceMantissa;
        market.fundingNextNs = tick.askPriceMantissa;
        market.fundingNs = tick.recvNs;
        return;
      default:
    }
  }

  /** Marks what the strategy just asked for as its own. */
  #own(seatIndex: number, strategyIndex: number, before: number): void {
    for (let index = before; index < this.outbox.count; index++) {
      const record = this.outbox.records[index];
      if (record === undefined) continue;
      record.strategyIndex = strategyIndex;
      if (record.kind === IntentKind.Place) this.#addWork(seatIndex, record.instrumentIndex, 1);
    }
  }

  #addWork(seatIndex: number, instrumentIndex: number, change: number): void {
    const at = seatIndex * this.#instrumentCount + instrumentIndex;
    this.#working[at] = Math.max(0, (this.#working[at] ?? 0) + change);
  }
}

/** The intent was refused, or its order has ended: nothing of it is under way any more. */
function isEndOfWork(event: EventFields): boolean {
  if (event.kind === EventKind.IntentRefused) return true;
  return (
    event.kind === EventKind.OrderChanged &&
    (event.state === OrderState.Filled ||
      event.state === OrderState.Canceled ||
      event.state === OrderState.Rejected ||
      event.state === OrderState.Expired)
  );
}
