/**
 * market-feed-subscriptions: the streams of a Binance connection: who is asked for with which request, and whom an
 * answer is about.
 *
 *   {"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":7} ─▶ {"result":null,"id":7}, or an error with this id
 *
 * Cold; one per connection, owned by its market-feed.
 */
import { must } from '../../domain/assert.js';
import { codeIndex } from '../../domain/errors.js';
import { FeedSubscription } from '../subscription.js';
import { BOOK_CHANNEL } from './endpoints.js';

export class StreamSubscriptions {
  /** By market, and within it by channel. */
  readonly list: FeedSubscription[] = [];
  readonly #channels: readonly string[];
  /** By place, in lower case as in names of streams. */
  readonly #symbols: string[] = [];
  /** Indexes by the id of the request that waits for its answer. */
  readonly #asked = new Map<number, readonly number[]>();
  readonly #refusedCode = codeIndex('SUBSCRIPTION_REFUSED');
  #requestId = 0;

  constructor(channels: readonly string[]) {
    this.#channels = channels;
  }

  addMarket(place: number, venueSymbol: string): void {
    this.#symbols[place] = venueSymbol.toLowerCase();
    for (const channel of this.#channels) {
      this.list.push(new FeedSubscription(channel, place, channel === BOOK_CHANNEL));
    }
  }

  /** Of a market and the index of a channel. */
  at(place: number, channel: number): FeedSubscription {
    return this.list[place * this.#channels.length + channel] as FeedSubscription;
  }

  /**
   * Texts that ask for everything on a new connection: one for each channel, so that a refusal names no more than it
   * must.
   */
  askForAll(): readonly string[] {
    this.#asked.clear();
    for (const subscription of this.list) subscription.request();
    const indexesOf = (channel: string): number[] =>
      [...this.list.keys()].filter((index) => this.list[index]?.channel === channel);
    return this.#channels.map((channel) => this.#text('SUBSCRIBE', indexesOf(channel)));
  }

  renew(index: number): readonly string[] {
    must(this.list[index], 'a subscription').request();
    return [this.#text('UNSUBSCRIBE', [index]), this.#text('SUBSCRIBE', [index])];
  }

  /** The request with this id was carried out; those that it asked for. */
  onConfirmed(id: number): readonly FeedSubscription[] {
    const confirmed = this.#take(id);
    for (const subscription of confirmed) subscription.confirm();
    return confirmed;
  }

  onRefused(id: number, text: string): void {
    for (const subscription of this.#take(id)) subscription.refuse(this.#refusedCode, text);
  }

  #take(id: number): readonly FeedSubscription[] {
    const indexes = this.#asked.get(id) ?? [];
    this.#asked.delete(id);
    return indexes.map((index) => must(this.list[index], 'asked for'));
  }

  #text(method: 'SUBSCRIBE' | 'UNSUBSCRIBE', indexes: readonly number[]): string {
    const id = ++this.#requestId;
    const params = indexes.map((index) => {
      const { place, channel } = must(this.list[index], 'subscription');
      return `${must(this.#symbols[place], 'symbol')}@${channel}`;
    });
    if (method === 'SUBSCRIBE') this.#asked.set(id, indexes);
    return JSON.stringify({ method, params, id });
  }
}
