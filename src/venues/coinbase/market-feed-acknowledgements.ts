/**
 * market-feed-acknowledgements: how Coinbase's two feeds word subscriptions: the texts that ask, and the lists that the
 * venue answers with. Cold: a few times per connection; deterministic.
 */
import { EXCHANGE_CHANNELS, MARKET_CHANNELS } from './endpoints.js';
import type { SubscriptionDialect } from './market-feed-subscriptions.js';

/** Advanced Trade: the events of a message of the channel `subscriptions`, `[{"subscriptions":{"level2":["BTC-USD"]}}]`. */
export const ADVANCED: SubscriptionDialect = {
  channels: MARKET_CHANNELS,
  text: (type, symbols, channel) => JSON.stringify({ type, product_ids: symbols, channel }),
  listed: (text) => {
    const listed = new Map<string, ReadonlySet<unknown>>();
    for (const event of elementsOf(JSON.parse(text))) {
      const subscriptions = fieldsOf(fieldsOf(event)?.['subscriptions']);
      if (subscriptions === null) return null;
      for (const [channel, products] of Object.entries(subscriptions)) {
        if (!Array.isArray(products)) return null;
        listed.set(channel, new Set(products as unknown[]));
      }
    }
    return listed;
  },
};

/** The old Exchange feed: the `channels` of a message of type `subscriptions`, `[{"name":"level2","product_ids":[…]}]`. */
export const EXCHANGE: SubscriptionDialect = {
  channels: EXCHANGE_CHANNELS,
  text: (type, symbols, channel) =>
    JSON.stringify({ type, product_ids: symbols, channels: [channel] }),
  listed: (text) => {
    const listed = new Map<string, ReadonlySet<unknown>>();
    for (const element of elementsOf(JSON.parse(text))) {
      const { name, product_ids: products } = fieldsOf(element) ?? {};
      if (typeof name !== 'string' || !Array.isArray(products)) return null;
      // level2_50 and level2_batch are the same books, sent less often.
      listed.set(name.startsWith('level2') ? 'level2' : name, new Set(products as unknown[]));
    }
    return listed;
  },
};

/** Something that is no array is an array of nothing that is known. */
function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [undefined];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : null;
}
