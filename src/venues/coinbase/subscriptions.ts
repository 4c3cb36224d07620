/**
 * subscriptions: what one Coinbase connection is subscribed to, told by the venue's acknowledgements, errors and data.
 * @hotpath
 *
 * One per connection, owned by its market-feed (ingest thread, and `normalize`). An acknowledgement carries no id: it
 * lists everything that is subscribed at that moment, one comes for each subscribe and unsubscribe. So a list is the whole
 * truth only when as many came as are due; before that it can confirm, not deny. An error answers one message as well and
 * does not say which.
 *
 * `heartbeats` is not watched: it is no data, and its silence is the silence of the connection.
 */
import { must } from '../../domain/assert.js';
import { codeIndex } from '../../domain/errors.js';
import type { Instrument } from '../../domain/instrument.js';
import { FeedSubscription, SubscriptionState } from '../subscription.js';
import { canonicalSymbol } from './instruments.js';
import { MARKET_CHANNELS } from './endpoints.js';

/** Channels about a market, by their place among its subscriptions. */
export const MarketChannel = { Level2: 0, Trades: 1, Ticker: 2 } as const;
export type MarketChannel = (typeof MarketChannel)[keyof typeof MarketChannel];

const PER_MARKET = ['level2', 'market_trades', 'ticker'] as const;
/** Subscriptions of one frame that are remembered; a frame is about one or two. */
const HEARD_MAX = 64;
/** The venue's words for more books than one connection may have. */
const TOO_MANY_BOOKS = /too many L2/i;

export class CoinbaseSubscriptions {
  readonly list: FeedSubscription[] = [];
  readonly #symbols: string[] = [];
  readonly #heard = new Int32Array(HEARD_MAX);
  #heardCount = 0;
  /** Answers that the venue still owes. */
  #dueCount = 0;

  /** The subscriptions of the next market. */
  add(place: number, instrument: Instrument): void {
    this.#symbols[place] = instrument.venueSymbol;
    for (const channel of PER_MARKET) {
      this.list.push(new FeedSubscription(channel, place, channel === 'level2'));
    }
  }

  of(place: number, channel: MarketChannel): FeedSubscription {
    return must(this.list[place * PER_MARKET.length + channel], 'subscription of a market');
  }

  /** A new connection: texts that ask for everything. */
  requestAll(): readonly string[] {
    for (const subscription of this.list) subscription.request();
    this.#dueCount = MARKET_CHANNELS.length;
    return MARKET_CHANNELS.map((channel) => textOf('subscribe', this.#symbols, channel));
  }

  /** Texts that ask for one of them anew. */
  renew(index: number): readonly string[] {
    const subscription = must(this.list[index], 'a subscription');
    subscription.request();
    this.#dueCount += 2;
    const symbols = [must(this.#symbols[subscription.place], 'symbol of a market')];
    return ['unsubscribe', 'subscribe'].map((type) => textOf(type, symbols, subscription.channel));
  }

  /** A new frame: nothing was heard yet. */
  begin(): void {
    this.#heardCount = 0;
  }

  /** The frame under way has data of this subscription. */
  hear(place: number, channel: MarketChannel): void {
    const index = place * PER_MARKET.length + channel;
    const count = this.#heardCount;
    if (count > 0 && this.#heard[count - 1] === index) return;
    if (count === HEARD_MAX) return;
    this.#heard[count] = index;
    this.#heardCount = count + 1;
  }

  get heardCount(): number {
    return this.#heardCount;
  }

  /** The so-manieth subscription that the frame had data of. */
  heardAt(at: number): FeedSubscription {
    return this.list[this.#heard[at] as number] as FeedSubscription;
  }

  /** Cold: the events of a message of the channel `subscriptions`. False: they are not what the venue documents. */
  onList(eventsText: string): boolean {
    const listed = listedIn(eventsText);
    if (listed === null) return false;
    this.#dueCount = Math.max(0, this.#dueCount - 1);
    for (const subscription of this.list) {
      const products = listed.get(subscription.channel);
      if (products !== undefined && this.#isIn(products, subscription.place))
        subscription.confirm();
      else if (this.#dueCount === 0) this.#refuse(subscription, 'the venue does not list it');
    }
    return true;
  }

  /** Cold: an alias may be listed under its canonical name, unless that is a market of its own. */
  #isIn(products: ReadonlySet<unknown>, place: number): boolean {
    const symbol = must(this.#symbols[place], 'symbol of a market');
    const canonical = canonicalSymbol(symbol);
    return products.has(symbol) || (products.has(canonical) && !this.#symbols.includes(canonical));
  }

  /** Cold: an error message. It refuses what was asked for and not answered; a list that comes later knows better. */
  onError(message: string): void {
    this.#dueCount = Math.max(0, this.#dueCount - 1);
    const isAboutBooks = TOO_MANY_BOOKS.test(message);
    for (const subscription of this.list) {
      if (subscription.state !== SubscriptionState.Requested) continue;
      if (!isAboutBooks || subscription.channel === 'level2') this.#refuse(subscription, message);
    }
  }

  /** Cold. What was never asked for is not refused, and the first words of a refusal stay. */
  #refuse(subscription: FeedSubscription, detail: string): void {
    const { state } = subscription;
    if (state === SubscriptionState.Requested || state === SubscriptionState.Live) {
      subscription.refuse(codeIndex('SUBSCRIPTION_REFUSED'), detail);
    }
  }
}

/** Cold. */
function textOf(type: string, symbols: readonly string[], channel: string): string {
  return JSON.stringify({ type, product_ids: symbols, channel });
}

/** Cold: [{"subscriptions":{"level2":["BTC-USD"],…}}], products by channel; null when it is not that. */
function listedIn(eventsText: string): ReadonlyMap<string, ReadonlySet<unknown>> | null {
  const listed = new Map<string, ReadonlySet<unknown>>();
  for (const event of arrayIn(eventsText)) {
    const subscriptions: unknown = isFields(event) ? event['subscriptions'] : undefined;
    if (!isFields(subscriptions)) return null;
    for (const [channel, products] of Object.entries(subscriptions)) {
      if (!Array.isArray(products)) return null;
      listed.set(channel, new Set(products as unknown[]));
    }
  }
  return listed;
}

/** Cold. The text was read as JSON before. */
function arrayIn(text: string): readonly unknown[] {
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? (parsed as unknown[]) : [undefined];
}

/** Cold. */
function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
