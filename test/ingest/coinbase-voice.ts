/** What a Coinbase connection says, well numbered: acks, snapshots, updates, trades, heartbeats; and what it leaves out. */
import type { Guest, MisbehavingServer } from './misbehaving-server.js';

export interface Level {
  readonly side: 'bid' | 'offer';
  readonly price: string;
  readonly size: string;
}

const BOOK: readonly Level[] = [
  { side: 'bid', price: '99.5', size: '1' },
  { side: 'offer', price: '100', size: '2' },
];

/** The speech of one connection. */
export class CoinbaseVoice {
  readonly #guest: Guest;
  readonly #subscribed = new Map<string, Set<string>>();
  /** Channels that are starved, as `level2 ETH-USD`: subscribed and acknowledged, and nothing is said of them. */
  readonly starved: Set<string>;
  #seq = 0;

  constructor(guest: Guest, starved: Set<string>) {
    this.#guest = guest;
    this.starved = starved;
  }

  /** Sends a message of a channel under the next number. */
  say(channel: string, events: unknown, time = now()): void {
    this.#guest.socket.send(this.text(channel, events, time));
  }

  /** The same, not sent: its number is used up. */
  text(channel: string, events: unknown, time = now()): string {
    return JSON.stringify({ channel, timestamp: time, sequence_num: this.#seq++, events });
  }

  /** Loses so many messages. */
  skip(count: number): void {
    this.#seq += count;
  }

  heartbeat(): void {
    this.say('heartbeats', [{ current_time: 'x', heartbeat_counter: this.#seq }]);
  }

  snapshot(symbol: string, levels: readonly Level[] = BOOK, time = now()): void {
    this.#book('snapshot', symbol, levels, time);
  }

  update(symbol: string, level: Level, time = now()): void {
    this.#book('update', symbol, [level], time);
  }

  trade(symbol: string, id: number, price: string, size: string, time = now()): void {
    this.say('market_trades', [
      {
        type: 'update',
        trades: [{ product_id: symbol, trade_id: String(id), price, size, time, side: 'BUY' }],
      },
    ]);
  }

  /** Acts upon a subscribe or unsubscribe: tells the list, and the snapshots of books. */
  obey(text: string): void {
    const request = JSON.parse(text) as { type: string; channel: string; product_ids: string[] };
    const symbols = this.#subscribed.get(request.channel) ?? new Set();
    this.#subscribed.set(request.channel, symbols);
    for (const symbol of request.product_ids) {
      if (request.type === 'subscribe') symbols.add(symbol);
      else symbols.delete(symbol);
    }
    this.say('subscriptions', [
      {
        subscriptions: Object.fromEntries(
          [...this.#subscribed].map(([channel, set]) => [channel, [...set]]),
        ),
      },
    ]);
    if (request.type !== 'subscribe' || request.channel !== 'level2') return;
    for (const symbol of request.product_ids) this.snapshot(symbol);
  }

  #book(type: string, symbol: string, levels: readonly Level[], time: string): void {
    if (this.starved.has(`level2 ${symbol}`)) return;
    const updates = levels.map(({ side, price, size }) => ({
      ...{ side, event_time: time, price_level: price, new_quantity: size },
    }));
    this.say('l2_data', [{ type, product_id: symbol, updates }], time);
  }
}

/** Makes the server speak Coinbase: obeys subscriptions; the voices, by connection. */
export function speakCoinbase(
  server: MisbehavingServer,
  starved = new Set<string>(),
): CoinbaseVoice[] {
  const voices: CoinbaseVoice[] = [];
  server.onGuest = (guest, index) => {
    voices[index] = new CoinbaseVoice(guest, starved);
  };
  server.onText = (_, text, index) => voices[index]?.obey(text);
  return voices;
}

export function now(): string {
  return new Date().toISOString();
}
