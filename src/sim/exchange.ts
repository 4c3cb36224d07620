/**
 * Exchange: matching engine, accounts and fees of a simulated spot venue. Deterministic; the naive one, on purpose:
 * bigint money, plain arrays, every rule in one place, so that it can be the engine's oracle.
 * Run by sim/venue-server.ts (loopback) or a world; the only writer of its orders, fills and accounts.
 *
 *   replayed market ──▶ displayed book ──▶ takers eat displayed size, level by level
 *                  └──▶ trades ─────────▶ use up the queue before resting orders, then fill them
 *
 * Rules (docs/simulation.md says what they cannot know):
 *  - our fills do not change the replayed book: two takers may eat the same displayed size;
 *  - a resting order queues behind the size displayed at its price when it arrives; a trade at its price against its
 *    side shortens the queue and then fills it; displayed size below the queue shortens the queue;
 *  - a trade through its price fills it completely, at its own price;
 *  - fees: an order's fees so far are (maker value * maker rate + taker value * taker rate), rounded up once at the
 *    quote's scale (price scale + size scale, ten decimals for BTC-USD); a fill is charged the difference;
 *  - a buy holds back its value and the higher of the two fees, a sell holds back its size.
 *
 * Invariants: total = start + sum of fills, to the last digit; 0 <= hold <= total; an order's fills sum to its
 * filled size, value and fees; nothing is forgotten that takeChanges() has not handed out.
 */
import { assert, must } from '../domain/assert.js';
import { moneyScale, type Instrument } from '../domain/instrument.js';
import { OrderType, Side, TimeInForce } from '../domain/order.js';
import type {
  BestPrices,
  ExchangeAccount,
  ExchangeChanges,
  ExchangeFill,
  ExchangeOrder,
  ExchangeReject,
  MarketEvent,
  NewOrder,
  PlaceResult,
  PriceLevel,
  SimulatedExchange,
} from '../venues/simulator-port.js';
import { ceilDiv } from '../venues/simulator-text.js';
import { DisplayedBook } from './displayed-book.js';

const PPM = 1_000_000n;

/** What survives a restart. */
export interface ExchangeState {
  readonly accounts: readonly ExchangeAccount[];
  /** Oldest first. */
  readonly orders: readonly ExchangeOrder[];
  /** Oldest first. */
  readonly fills: readonly ExchangeFill[];
}

export interface ExchangeOptions {
  readonly instruments: readonly Instrument[];
  readonly makerFeePpm: bigint;
  readonly takerFeePpm: bigint;
  readonly state: ExchangeState;
}

/** Decimals that an account of money has at least. */
export const CASH_SCALE = 10;

/**
 * Start of a venue that nobody has traded on: cash (at CASH_SCALE) in the quote currency of its first instrument, nothing
 * of everything else. Contracts are not owned, so a perpetual's base has no account.
 */
export function freshState(
  instruments: readonly Instrument[],
  cashMantissa: bigint,
): ExchangeState {
  const scales = new Map<string, number>();
  const atLeast = (currency: string, scale: number): void => {
    scales.set(currency, Math.max(scale, scales.get(currency) ?? 0));
  };
  for (const instrument of instruments) {
    atLeast(instrument.quote, Math.max(CASH_SCALE, moneyScale(instrument)));
  }
  for (const instrument of instruments) {
    if (instrument.kind === 'spot') atLeast(instrument.base, instrument.sizeScale);
  }
  const accounts = Array.from(scales, ([currency, scale]): ExchangeAccount => {
    const isMain = currency === instruments[0]?.quote;
    const totalMantissa = isMain ? cashMantissa * tenTo(scale - CASH_SCALE) : 0n;
    return { currency, scale, totalMantissa, holdMantissa: 0n };
  });
  return { accounts, orders: [], fills: [] };
}

/** A state from before the venue listed all that it lists now: new accounts are empty, old ones get the digits needed. */
export function completeState(known: ExchangeState, fresh: ExchangeState): ExchangeState {
  const accounts = known.accounts.map((account): ExchangeAccount => {
    const wanted = fresh.accounts.find(({ currency }) => currency === account.currency);
    if (wanted === undefined || wanted.scale <= account.scale) return account;
    const factor = tenTo(wanted.scale - account.scale);
    return {
      currency: account.currency,
      scale: wanted.scale,
      totalMantissa: account.totalMantissa * factor,
      holdMantissa: account.holdMantissa * factor,
    };
  });
  for (const account of fresh.accounts) {
    if (known.accounts.some(({ currency }) => currency === account.currency)) continue;
    accounts.push({ ...account, totalMantissa: 0n });
  }
  return { ...known, accounts };
}

function tenTo(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** The exchange's own, changeable view of what it hands out as read-only. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface OpenOrder extends Mutable<ExchangeOrder> {
  makerValueMantissa: bigint;
  takerValueMantissa: bigint;
}

interface Match {
  readonly priceMantissa: bigint;
  readonly sizeMantissa: bigint;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export class Exchange implements SimulatedExchange {
  readonly instruments: readonly Instrument[];
  readonly makerFeePpm: bigint;
  readonly takerFeePpm: bigint;
  readonly #books: readonly DisplayedBook[];
  readonly #accounts = new Map<string, Mutable<ExchangeAccount>>();
  readonly #orders: ExchangeOrder[] = [];
  readonly #open = new Map<number, OpenOrder>();
  readonly #orderNumberOfClientId = new Map<string, number>();
  readonly #fills: ExchangeFill[] = [];
  readonly #fillsOfOrder = new Map<number, ExchangeFill[]>();
  readonly #changedOrders = new Set<number>();
  #storedFillCount = 0;

  constructor(options: ExchangeOptions) {
    this.instruments = options.instruments;
    this.makerFeePpm = options.makerFeePpm;
    this.takerFeePpm = options.takerFeePpm;
    this.#books = options.instruments.map(() => new DisplayedBook());
    for (const account of options.state.accounts) {
      this.#accounts.set(account.currency, { ...account });
    }
    for (const fill of options.state.fills) this.#remember(fill);
    this.#storedFillCount = this.#fills.length;
    for (const order of options.state.orders) this.#restore(order);
  }

  // -------------------------------------------------------------- market

  apply(event: MarketEvent, nowNs: bigint): void {
    const book = this.#book(event.instrumentIndex);
    switch (event.kind) {
      case 'snapshot':
        book.reset(event.bids, event.asks);
        break;
      case 'levels':
        for (const change of event.changes) book.set(change);
        break;
      case 'trade':
        this.#applyTrade(event, nowNs);
        return;
    }
    for (const order of this.#open.values()) {
      if (order.instrumentIndex === event.instrumentIndex) this.#shortenQueue(order, book);
    }
  }

  /**
   * Those before us in the queue cannot be more than what is displayed. Not a change to store or to tell: after a
   * restart the market starts over, and the queue is cut by its first snapshot again.
   */
  #shortenQueue(order: OpenOrder, book: DisplayedBook): void {
    const side = order.side === Side.Buy ? book.bids : book.asks;
    const displayed = BigInt(side.sizeAt(Number(order.priceMantissa)));
    if (displayed < order.queueAheadMantissa) {
      order.queueAheadMantissa = displayed;
    }
  }

  #applyTrade(event: MarketEvent & { kind: 'trade' }, nowNs: bigint): void {
    const priceMantissa = BigInt(event.priceMantissa);
    /** Size of this trade that went to our own orders already; by price, for orders behind one another. */
    let takenMantissa = 0n;
    for (const order of [...this.#open.values()]) {
      if (order.instrumentIndex !== event.instrumentIndex) continue;
      const isThrough =
        order.side === Side.Buy
          ? priceMantissa < order.priceMantissa
          : priceMantissa > order.priceMantissa;
      if (isThrough) {
        const rest = order.sizeMantissa - order.filledSizeMantissa;
        this.#fill(order, order.priceMantissa, rest, true, nowNs);
      } else if (priceMantissa === order.priceMantissa && event.takerSide !== order.side) {
        const used = smaller(order.queueAheadMantissa, BigInt(event.sizeMantissa));
        order.queueAheadMantissa -= used;
        const left = BigInt(event.sizeMantissa) - used - takenMantissa;
        const size = smaller(left, order.sizeMantissa - order.filledSizeMantissa);
        if (size > 0n) {
          takenMantissa += size;
          this.#fill(order, order.priceMantissa, size, true, nowNs);
        }
      }
    }
  }

  // -------------------------------------------------------------- customers

  place(request: NewOrder, nowNs: bigint): PlaceResult {
    const knownNumber = this.#orderNumberOfClientId.get(request.clientOrderId);
    if (knownNumber !== undefined) {
      return { kind: 'duplicate', order: must(this.order(knownNumber), 'order of client id') };
    }
    const matches = this.#matchesFor(request);
    const reason = this.#refuse(request, matches, nowNs);
    if (reason !== null) return { kind: 'rejected', reason };

    const order: OpenOrder = {
      ...request,
      orderNumber: this.#orders.length + 1,
      // The size of an order for so much money is what that money buys.
      sizeMantissa: request.sizeMantissa > 0n ? request.sizeMantissa : sizeOf(matches),
      createdNs: nowNs,
      status: 'open',
      filledSizeMantissa: 0n,
      filledValueMantissa: 0n,
      feeMantissa: 0n,
      fillCount: 0,
      lastFillNs: 0n,
      changedNs: nowNs,
      holdMantissa: 0n,
      queueAheadMantissa: 0n,
      makerValueMantissa: 0n,
      takerValueMantissa: 0n,
    };
    this.#orders.push(order);
    this.#open.set(order.orderNumber, order);
    this.#orderNumberOfClientId.set(order.clientOrderId, order.orderNumber);
    this.#changedOrders.add(order.orderNumber);
    if (order.orderType === OrderType.Limit) this.#hold(order);

    const isKilled = order.timeInForce === TimeInForce.Fok && sizeOf(matches) < order.sizeMantissa;
    if (!isKilled) {
      for (const match of matches) {
        this.#fill(order, match.priceMantissa, match.sizeMantissa, false, nowNs);
      }
    }
    const rests = order.timeInForce === TimeInForce.Gtc || order.timeInForce === TimeInForce.Gtd;
    if (order.status === 'open') {
      if (rests) {
        const book = this.#book(order.instrumentIndex);
        const side = order.side === Side.Buy ? book.bids : book.asks;
        order.queueAheadMantissa = BigInt(side.sizeAt(Number(order.priceMantissa)));
      } else {
        this.#close(order, 'cancelled', nowNs);
      }
    }
    return { kind: 'placed', order };
  }

  cancel(orderNumber: number, nowNs: bigint): ExchangeOrder | null {
    const order = this.#open.get(orderNumber);
    if (order === undefined) return null;
    this.#close(order, 'cancelled', nowNs);
    return order;
  }

  expire(nowNs: bigint): void {
    for (const order of [...this.#open.values()]) {
      if (order.expireNs > 0n && order.expireNs <= nowNs) this.#close(order, 'expired', nowNs);
    }
  }

  // -------------------------------------------------------------- questions

  accounts(): readonly ExchangeAccount[] {
    return [...this.#accounts.values()];
  }

  order(orderNumber: number): ExchangeOrder | undefined {
    return this.#orders[orderNumber - 1];
  }

  orders(): readonly ExchangeOrder[] {
    return this.#orders;
  }

  openOrders(): readonly ExchangeOrder[] {
    return [...this.#open.values()];
  }

  fills(): readonly ExchangeFill[] {
    return this.#fills;
  }

  fillsOf(orderNumber: number): readonly ExchangeFill[] {
    return this.#fillsOfOrder.get(orderNumber) ?? [];
  }

  best(instrumentIndex: number): BestPrices {
    const book = this.#book(instrumentIndex);
    return { bid: book.bids.level(0), ask: book.asks.level(0) };
  }

  depth(
    instrumentIndex: number,
    depth: number,
  ): { readonly bids: readonly PriceLevel[]; readonly asks: readonly PriceLevel[] } {
    const book = this.#book(instrumentIndex);
    return { bids: book.list(false, depth), asks: book.list(true, depth) };
  }

  /** What changed since the last call; null when nothing did. The caller stores it before it tells anybody. */
  takeChanges(): ExchangeChanges | null {
    if (this.#changedOrders.size === 0) return null;
    const orders = [...this.#changedOrders].map((number) => must(this.order(number), 'order'));
    const fills = this.#fills.slice(this.#storedFillCount);
    this.#changedOrders.clear();
    this.#storedFillCount = this.#fills.length;
    return { orders, fills, accounts: this.accounts() };
  }

  // -------------------------------------------------------------- judging

  #refuse(request: NewOrder, matches: readonly Match[], nowNs: bigint): ExchangeReject | null {
    const instrument = must(this.instruments[request.instrumentIndex], 'instrument');
    const isMarket = request.orderType === OrderType.Market;
    const isByQuote = request.quoteMantissa > 0n;
    // Contracts need margin, which is not simulated.
    if (!instrument.isTradable || instrument.kind !== 'spot') return 'not-tradable';
    if (request.expireNs > 0n && request.expireNs <= nowNs) return 'expired';
    if (!isByQuote) {
      if (request.sizeMantissa % BigInt(instrument.lotMantissa) !== 0n) return 'size-increment';
      if (request.sizeMantissa < BigInt(instrument.sizeMinMantissa)) return 'size-min';
      if (request.sizeMantissa > BigInt(instrument.sizeMaxMantissa)) return 'size-max';
    }
    const best = this.best(request.instrumentIndex);
    const opposite = request.side === Side.Buy ? best.ask : best.bid;
    if (isMarket) {
      if (opposite === null) return 'no-liquidity';
      const estimate = isByQuote
        ? request.quoteMantissa
        : request.sizeMantissa * BigInt(opposite.priceMantissa);
      if (estimate < BigInt(instrument.notionalMinMantissa)) return 'notional-min';
      if (isByQuote && matches.length === 0) return 'size-min';
    } else {
      if (request.priceMantissa === 0n) return 'price-increment';
      if (request.priceMantissa % BigInt(instrument.tickMantissa) !== 0n) return 'price-increment';
      const value = request.priceMantissa * request.sizeMantissa;
      if (value < BigInt(instrument.notionalMinMantissa)) return 'notional-min';
      if (request.isPostOnly && matches.length > 0) return 'post-only-would-take';
    }
    return this.#canPay(request, matches) ? null : 'insufficient-funds';
  }

  #canPay(request: NewOrder, matches: readonly Match[]): boolean {
    const instrument = must(this.instruments[request.instrumentIndex], 'instrument');
    if (request.side === Side.Sell) {
      return request.sizeMantissa <= this.#available(instrument.base, instrument.sizeScale);
    }
    const available = this.#available(instrument.quote, moneyScale(instrument));
    if (request.quoteMantissa > 0n) return request.quoteMantissa <= available;
    if (request.orderType === OrderType.Market) {
      const value = matches.reduce((sum, m) => sum + m.priceMantissa * m.sizeMantissa, 0n);
      return value + ceilDiv(value * this.takerFeePpm, PPM) <= available;
    }
    return this.#holdOfBuy(request.priceMantissa * request.sizeMantissa) <= available;
  }

  #holdOfBuy(valueMantissa: bigint): bigint {
    const ppm = this.makerFeePpm > this.takerFeePpm ? this.makerFeePpm : this.takerFeePpm;
    return valueMantissa + ceilDiv(valueMantissa * ppm, PPM);
  }

  /** Rounded down to a scale; an account may have more digits than the instrument asked about. */
  #available(currency: string, scale: number): bigint {
    const account = must(this.#accounts.get(currency), currency);
    return (account.totalMantissa - account.holdMantissa) / tenTo(account.scale - scale);
  }

  /** What the order would take from the displayed book, best level first. */
  #matchesFor(request: NewOrder): Match[] {
    const book = this.#book(request.instrumentIndex);
    const side = request.side === Side.Buy ? book.asks : book.bids;
    const matches: Match[] = [];
    let leftMantissa = request.sizeMantissa;
    let moneyMantissa = request.quoteMantissa;
    for (let rank = 0; ; rank++) {
      const level = side.level(rank);
      if (level === null) return matches;
      const priceMantissa = BigInt(level.priceMantissa);
      const isTooDear =
        request.orderType === OrderType.Limit &&
        (request.side === Side.Buy
          ? priceMantissa > request.priceMantissa
          : priceMantissa < request.priceMantissa);
      if (isTooDear) return matches;
      let sizeMantissa = smaller(BigInt(level.sizeMantissa), leftMantissa);
      if (request.quoteMantissa > 0n) {
        sizeMantissa = smaller(
          BigInt(level.sizeMantissa),
          this.#affordable(request.instrumentIndex, priceMantissa, moneyMantissa),
        );
        moneyMantissa -= priceMantissa * sizeMantissa;
        moneyMantissa -= ceilDiv(priceMantissa * sizeMantissa * this.takerFeePpm, PPM);
      } else {
        leftMantissa -= sizeMantissa;
      }
      if (sizeMantissa === 0n) return matches;
      matches.push({ priceMantissa, sizeMantissa });
    }
  }

  /** The largest size, in whole lots, whose value and fee the money pays. */
  #affordable(instrumentIndex: number, priceMantissa: bigint, moneyMantissa: bigint): bigint {
    const lot = BigInt(must(this.instruments[instrumentIndex], 'instrument').lotMantissa);
    if (moneyMantissa <= 0n) return 0n;
    let size = (moneyMantissa * PPM) / (priceMantissa * (PPM + this.takerFeePpm));
    size -= size % lot;
    const costs = (s: bigint): bigint =>
      priceMantissa * s + ceilDiv(priceMantissa * s * this.takerFeePpm, PPM);
    while (size > 0n && costs(size) > moneyMantissa) size -= lot;
    return size;
  }

  // -------------------------------------------------------------- bookkeeping

  #fill(
    order: OpenOrder,
    priceMantissa: bigint,
    sizeMantissa: bigint,
    isMaker: boolean,
    nowNs: bigint,
  ): void {
    assert(
      sizeMantissa > 0n && order.filledSizeMantissa + sizeMantissa <= order.sizeMantissa,
      `fill exceeds order: fill=${sizeMantissa}, filled=${order.filledSizeMantissa}, size=${order.sizeMantissa}`,
    );
    const instrument = must(this.instruments[order.instrumentIndex], 'instrument');
    const valueMantissa = priceMantissa * sizeMantissa;
    if (isMaker) order.makerValueMantissa += valueMantissa;
    else order.takerValueMantissa += valueMantissa;
    const feesMantissa = ceilDiv(
      order.makerValueMantissa * this.makerFeePpm + order.takerValueMantissa * this.takerFeePpm,
      PPM,
    );
    const feeMantissa = feesMantissa - order.feeMantissa;
    order.feeMantissa = feesMantissa;
    order.filledSizeMantissa += sizeMantissa;
    order.filledValueMantissa += valueMantissa;
    order.fillCount++;
    order.lastFillNs = nowNs;
    order.changedNs = nowNs;

    const isBuy = order.side === Side.Buy;
    const base = must(this.#accounts.get(instrument.base), instrument.base);
    const quote = must(this.#accounts.get(instrument.quote), instrument.quote);
    const baseFactor = tenTo(base.scale - instrument.sizeScale);
    const quoteFactor = tenTo(quote.scale - moneyScale(instrument));
    base.totalMantissa += (isBuy ? sizeMantissa : -sizeMantissa) * baseFactor;
    quote.totalMantissa += ((isBuy ? -valueMantissa : valueMantissa) - feeMantissa) * quoteFactor;
    this.#remember({
      fillNumber: this.#fills.length + 1,
      orderNumber: order.orderNumber,
      instrumentIndex: order.instrumentIndex,
      side: order.side,
      priceMantissa,
      sizeMantissa,
      valueMantissa,
      feeMantissa,
      isMaker,
      timeNs: nowNs,
    });
    this.#changedOrders.add(order.orderNumber);
    if (order.filledSizeMantissa === order.sizeMantissa) this.#close(order, 'filled', nowNs);
    else if (order.orderType === OrderType.Limit) this.#hold(order);
    this.#checkAccount(base);
    this.#checkAccount(quote);
  }

  #remember(fill: ExchangeFill): void {
    this.#fills.push(fill);
    const known = this.#fillsOfOrder.get(fill.orderNumber);
    if (known === undefined) this.#fillsOfOrder.set(fill.orderNumber, [fill]);
    else known.push(fill);
  }

  #close(order: OpenOrder, status: 'filled' | 'cancelled' | 'expired', nowNs: bigint): void {
    order.status = status;
    order.changedNs = nowNs;
    order.queueAheadMantissa = 0n;
    this.#setHold(order, 0n);
    this.#open.delete(order.orderNumber);
    this.#changedOrders.add(order.orderNumber);
  }

  /** Holds back what the rest of a limit order may still cost. */
  #hold(order: OpenOrder): void {
    const restMantissa = order.sizeMantissa - order.filledSizeMantissa;
    if (order.side === Side.Sell) {
      this.#setHold(order, restMantissa);
      return;
    }
    const spentMantissa = order.filledValueMantissa + order.feeMantissa;
    const worstMantissa = this.#holdOfBuy(
      order.filledValueMantissa + order.priceMantissa * restMantissa,
    );
    this.#setHold(order, worstMantissa - spentMantissa);
  }

  #setHold(order: OpenOrder, holdMantissa: bigint): void {
    const instrument = must(this.instruments[order.instrumentIndex], 'instrument');
    const isBuy = order.side === Side.Buy;
    const currency = isBuy ? instrument.quote : instrument.base;
    const account = must(this.#accounts.get(currency), currency);
    const factor = tenTo(account.scale - (isBuy ? moneyScale(instrument) : instrument.sizeScale));
    account.holdMantissa += (holdMantissa - order.holdMantissa) * factor;
    order.holdMantissa = holdMantissa;
  }

  #checkAccount(account: ExchangeAccount): void {
    assert(
      account.holdMantissa >= 0n && account.totalMantissa >= account.holdMantissa,
      `account overdrawn: ${account.currency}, total=${account.totalMantissa}, hold=${account.holdMantissa}`,
    );
  }

  /** An order from before the restart. Its hold is in the account already. */
  #restore(order: ExchangeOrder): void {
    assert(
      order.orderNumber === this.#orders.length + 1,
      `orders have a hole: orderNumber=${order.orderNumber}, expected=${this.#orders.length + 1}`,
    );
    let makerValueMantissa = 0n;
    for (const fill of this.fillsOf(order.orderNumber)) {
      if (fill.isMaker) makerValueMantissa += fill.valueMantissa;
    }
    const restored: OpenOrder = {
      ...order,
      makerValueMantissa,
      takerValueMantissa: order.filledValueMantissa - makerValueMantissa,
    };
    this.#orders.push(restored);
    this.#orderNumberOfClientId.set(order.clientOrderId, order.orderNumber);
    if (order.status === 'open') this.#open.set(order.orderNumber, restored);
  }

  #book(instrumentIndex: number): DisplayedBook {
    return must(this.#books[instrumentIndex], `book of instrumentIndex=${instrumentIndex}`);
  }
}

function sizeOf(matches: readonly Match[]): bigint {
  return matches.reduce((sum, match) => sum + match.sizeMantissa, 0n);
}
