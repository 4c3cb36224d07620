/**
 * ema-cross: buys when the fast average of trade prices crosses above the slow one, sells what is held when it crosses
 * below. Long or flat, one order at a time, only on a quoted, fresh, narrow market.
 * @hotpath
 *
 * A demonstration that trades, not a promise of profit: on the shipped recording it trades a few times a minute.
 */
import { IntentKind, TickFlag, TickKind } from '../../generated/hot.js';
import type { EventFields, TickFields } from '../../generated/hot.js';
import { OrderFlag, OrderType, Side, TimeInForce } from '../../domain/order.js';
import { Ema } from '../indicators/ema.js';
import type { IntentOutbox } from '../intent-outbox.js';
import type { MarketView } from '../market-view.js';
import type { Strategy, StrategyFactory, StrategyOptions, StrategyParam } from '../strategy.js';

const PARAMS = {
  fastTrades: {
    sentence: 'periods of the fast average',
    unit: 'trades',
    defaultValue: 5,
    min: 1,
    max: 100_000,
  },
  slowTrades: {
    sentence: 'periods of the slow average',
    unit: 'trades',
    defaultValue: 20,
    min: 2,
    max: 1_000_000,
  },
  orderSizeLots: {
    sentence: 'size of an entry, in lots of the instrument (BTC-USD on Coinbase: 1e-8 BTC)',
    unit: 'lots',
    defaultValue: 100_000,
    min: 1,
    max: 1e15,
  },
  spreadBpsMax: {
    sentence: 'no order while the spread is wider',
    unit: 'bps',
    defaultValue: 5,
    min: 0,
    max: 10_000,
  },
  quoteAgeMsMax: {
    sentence: 'no order while the top of book is older',
    unit: 'ms',
    defaultValue: 2_000,
    min: 1,
    max: 3_600_000,
  },
  slippageBps: {
    sentence: 'how far through the other side a taking order may fill',
    unit: 'bps',
    defaultValue: 2,
    min: 0,
    max: 1_000,
  },
  joinTtlMs: {
    sentence: '0: take at once; else entries rest post-only at the best bid for that long',
    unit: 'ms',
    defaultValue: 0,
    min: 0,
    max: 3_600_000,
  },
} as const satisfies Record<string, StrategyParam>;

const NS_PER_MS = 1_000_000;
const PPM = 1_000_000;

class EmaCross implements Strategy {
  readonly name = 'ema-cross';
  readonly #fast: readonly Ema[];
  readonly #slow: readonly Ema[];
  /** By instrument: where the fast average stood when it was last acted on (1 above, 0 below, -1 not known yet). */
  readonly #wasAbove: Int8Array;
  readonly #orderSizeLots: number;
  readonly #spreadBpsMax: number;
  readonly #quoteAgeNsMax: number;
  readonly #slippageBps: number;
  readonly #joinTtlMs: number;

  constructor(options: StrategyOptions) {
    const value = (name: keyof typeof PARAMS): number =>
      options.params[name] ?? PARAMS[name].defaultValue;
    // An instrument's index is its place in the whole table; strategies see a part of it.
    const places = 1 + Math.max(-1, ...options.instruments.map(({ index }) => index));
    this.#fast = Array.from({ length: places }, () => new Ema(value('fastTrades')));
    this.#slow = Array.from({ length: places }, () => new Ema(value('slowTrades')));
    this.#wasAbove = new Int8Array(places).fill(-1);
    this.#orderSizeLots = Math.floor(value('orderSizeLots'));
    this.#spreadBpsMax = value('spreadBpsMax');
    this.#quoteAgeNsMax = value('quoteAgeMsMax') * NS_PER_MS;
    this.#slippageBps = value('slippageBps');
    this.#joinTtlMs = Math.floor(value('joinTtlMs'));
  }

  onTick(tick: TickFields, market: MarketView, nowNs: number, out: IntentOutbox): void {
    if (tick.kind !== TickKind.Trade) return;
    const index = tick.instrumentIndex;
    const fast = this.#fast[index];
    const slow = this.#slow[index];
    if (fast === undefined || slow === undefined) return;
    fast.update(tick.priceMantissa);
    slow.update(tick.priceMantissa);
    // A snapshot's old trades warm the averages; they are no news to act on.
    if ((tick.flags & TickFlag.Backfill) !== 0 || !slow.isWarm) return;
    const isAbove = fast.value > slow.value;
    const wasAbove = this.#wasAbove[index];
    if (wasAbove === -1) this.#wasAbove[index] = isAbove ? 1 : 0;
    const hasCrossed = wasAbove !== -1 && isAbove !== (wasAbove === 1);
    const held = market.positionSizeMantissa;
    // Besides the crossing itself: go on trying to leave while below (a refused or unfilled exit must not be forgotten).
    if (!hasCrossed && (isAbove || held <= 0)) return;
    if (market.workingCount > 0 || !this.#isTradable(market, nowNs)) return;
    this.#wasAbove[index] = isAbove ? 1 : 0;
    if (isAbove && held <= 0) this.#enter(tick, market, fast.value / slow.value - 1, out);
    else if (!isAbove && held > 0) this.#leave(tick, market, 1 - fast.value / slow.value, out);
  }

  onOrderEvent(_event: EventFields, _market: MarketView, _nowNs: number, _out: IntentOutbox): void {
    // Position and orders under way are kept by the market view; a cross decides anew each time.
  }

  onDeadline(_nowNs: number, _out: IntentOutbox): void {
    // Acts on trades only.
  }

  #isTradable(market: MarketView, nowNs: number): boolean {
    return (
      market.isQuoted &&
      market.spreadBps <= this.#spreadBpsMax &&
      nowNs - market.quoteNs <= this.#quoteAgeNsMax
    );
  }

  #enter(tick: TickFields, market: MarketView, strength: number, out: IntentOutbox): void {
    const instrument = market.instrument;
    const intent = out.next(IntentKind.Place);
    intent.side = Side.Buy;
    intent.sizeMantissa = this.#orderSizeLots * instrument.lotMantissa;
    if (this.#joinTtlMs > 0) {
      intent.priceMantissa = market.bidPriceMantissa;
      intent.timeInForce = TimeInForce.Gtc;
      intent.flags = OrderFlag.PostOnly;
      intent.ttlMs = this.#joinTtlMs;
    } else {
      const limit = market.askPriceMantissa * (1 + this.#slippageBps / 10_000);
      intent.priceMantissa = Math.floor(limit / instrument.tickMantissa) * instrument.tickMantissa;
      intent.timeInForce = TimeInForce.Ioc;
    }
    this.#finish(tick, market, strength, intent);
  }

  #leave(tick: TickFields, market: MarketView, strength: number, out: IntentOutbox): void {
    const instrument = market.instrument;
    const intent = out.next(IntentKind.Place);
    intent.side = Side.Sell;
    intent.sizeMantissa =
      Math.floor(market.positionSizeMantissa / instrument.lotMantissa) * instrument.lotMantissa;
    const limit = market.bidPriceMantissa * (1 - this.#slippageBps / 10_000);
    intent.priceMantissa = Math.ceil(limit / instrument.tickMantissa) * instrument.tickMantissa;
    intent.timeInForce = TimeInForce.Ioc;
    this.#finish(tick, market, strength, intent);
  }

  #finish(
    tick: TickFields,
    market: MarketView,
    strength: number,
    intent: ReturnType<IntentOutbox['next']>,
  ): void {
    intent.orderType = OrderType.Limit;
    intent.instrumentIndex = tick.instrumentIndex;
    intent.referencePriceMantissa = market.midPriceMantissa;
    // How far the averages are apart against the spread-guard width: a ranking, not a probability.
    intent.confidencePpm = Math.min(PPM, Math.max(0, Math.round(strength * 10_000 * PPM)));
  }
}

export const emaCross: StrategyFactory = {
  name: 'ema-cross',
  sentence: 'Buys when the fast average of trades crosses above the slow one, sells when below.',
  params: PARAMS,
  create: (options) => new EmaCross(options),
};
