/**
 * market-feed-subscriptions: what one Coinbase connection is subscribed to, told by the venue's acknowledgements, errors
 * and data. The same for both feeds of the venue; what their messages look like is their own (SubscriptionDialect).
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

/** Channels about a market, by their place among its subscriptions. */
export const MarketChannel = { Level2: 0, Trades: 1, Ticker: 2 } as const;
export type MarketChannel = (typeof MarketChannel)[keyof typeof MarketChannel];
const CHANNEL_COUNT = 3;

/** How one of the venue's feeds words it. */
export interface SubscriptionDialect {
  /** In the order of MarketChannel; what follows is subscribed too and not watched. */
  readonly channels: readonly string[];
  /** `type` is subscribe or unsubscribe. */
  text(type: string, symbols: readonly string[], channel: string): string;
  /** Products by channel that an acknowledgement lists; null when it is none. Its text was read as JSON before. */
  listed(text: string): ReadonlyMap<string, ReadonlySet<unknown>> | null;
}

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
  readonly #dialect: SubscriptionDialect;

  constructor(dialect: SubscriptionDialect) {
    this.#dialect = dialect;
  }

  /** The subscriptions of the next market. */
  add(place: number, instrument: Instrument): void {
    this.#symbols[place] = instrument.venueSymbol;
    for (let channel = 0; channel < CHANNEL_COUNT; channel++) {
      const name = must(this.#dialect.channels[channel], 'name of a channel');
      this.list.push(new FeedSubscription(name, place, channel === MarketChannel.Level2));
    }
  }

  of(place: number, channel: MarketChannel): FeedSubscription {
    return must(this.list[place * CHANNEL_COUNT + channel], 'subscription of a market');
  }

  /** A new connection: texts that ask for everything. */
  requestAll(): readonly string[] {
    for (const subscription of this.list) subscription.request();
    const { channels } = this.#dialect;
    this.#dueCount = channels.length;
    return channels.map((channel) => this.#dialect.text('subscribe', this.#symbols, channel));
  }

  /** Texts that ask for one of them anew. */
  renew(index: number): readonly string[] {
    const subscription = must(this.list[index], 'a subscription');
    subscription.request();
    this.#dueCount += 2;
    const symbols = [must(this.#symbols[subscription.place], 'symbol of a market')];
    return ['unsubscribe', 'subscribe'].map((type) =>
      this.#dialect.text(type, symbols, subscription.channel),
    );
  }

  /** A new frame: nothing was heard yet. */
  begin(): void {
    this.#heardCount = 0;
  }

  /** The frame under way has data of this subscription. */
  hear(place: number, channel: MarketChannel): void {
    const index = place * CHANNEL_COUNT + channel;
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

  /** Cold: an acknowledgement. False: it is not what the venue documents. */
  onList(text: string): boolean {
    const listed = this.#dialect.listed(text);
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
      if (!isAboutBooks || subscription.isChatty) this.#refuse(subscription, message);
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
