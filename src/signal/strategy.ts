/**
 * strategy: the port that every strategy fills. It sees instruments and its own standing, never venues, clocks or
 * sockets; what it wants it writes into the outbox. Deterministic: the same ticks and events give the same intents.
 *
 * docs/writing-a-strategy.md shows one from the first line to the first order.
 */
import type { EventFields, TickFields } from '../generated/hot.js';
import type { Instrument } from '../domain/instrument.js';
import type { IntentOutbox } from './intent-outbox.js';
import type { MarketView } from './market-view.js';

export interface Strategy {
  readonly name: string;
  /** A market changed. `market` already holds the change. Both are reused: copy what must be kept. */
  onTick(tick: TickFields, market: MarketView, nowNs: number, out: IntentOutbox): void;
  /** One of the strategy's own orders or intents moved on (EventKind in schemas/event.fbs). */
  onOrderEvent(event: EventFields, market: MarketView, nowNs: number, out: IntentOutbox): void;
  /** Called about every 10 ms, and never more often; for what must happen although no tick comes. */
  onDeadline(nowNs: number, out: IntentOutbox): void;
}

/** What a strategy is made from. `params` are the values of the configuration, already checked to be finite numbers. */
export interface StrategyOptions {
  /** Those of the configuration, in the order of `index`, which is their place in the whole table, not in this list. */
  readonly instruments: readonly Instrument[];
  readonly params: Readonly<Record<string, number>>;
}

/** A parameter with its default and limits, for help texts and for the check at start. */
export interface StrategyParam {
  readonly sentence: string;
  readonly unit: string;
  readonly defaultValue: number;
  readonly min: number;
  readonly max: number;
}

/** What the registry, or a user's file as its default export, offers. */
export interface StrategyFactory {
  readonly name: string;
  readonly sentence: string;
  readonly params: Readonly<Record<string, StrategyParam>>;
  create(options: StrategyOptions): Strategy;
}
