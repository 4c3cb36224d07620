/**
 * tick-to-order-venue: the far end of the tick-to-order bench, a process of its own. It sends trades at planned times and
 * stamps when the answer to each arrives: an order (POST /orders) of the engine, or an echo of a bare WebSocket client.
 *
 * One clock (this process's) takes both stamps. Latency counts from the *planned* time, so a stall here or there is not
 * hidden. It speaks just enough of Coinbase's dialect for the engine to trade; nothing here is checked or matched.
 *
 *   stdin  {"rate": 200, "count": 2000, "mode": "order" | "echo"}   one round
 *   stdout {"listening": …} first, then {"latenciesNs": [...], "lost": n} per round
 */
import { generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import uWS from 'uWebSockets.js';
import type { HttpResponse, WebSocket } from 'uWebSockets.js';

interface Round {
  readonly rate: number;
  readonly count: number;
  readonly mode: 'order' | 'echo';
}

type Client = WebSocket<{ path: string; sequence: number }>;

const PRODUCT = {
  product_id: 'BTC-USD',
  base_currency_id: 'BTC',
  quote_currency_id: 'USD',
  base_increment: '0.00000001',
  quote_increment: '0.01',
  price_increment: '0.01',
  base_min_size: '0.00000001',
  base_max_size: '3400',
  quote_min_size: '1',
  status: 'online',
  product_type: 'SPOT',
  trading_disabled: false,
  is_disabled: false,
  cancel_only: false,
  limit_only: false,
  post_only: false,
  auction_mode: false,
  view_only: false,
  alias: '',
  alias_to: [],
};
/** Answers later than this after the last tick are lost. */
const GRACE_MS = 500;
const HEARTBEAT_MS = 500;
const NS_PER_S = 1_000_000_000n;

const clients = new Set<Client>();
let round: Round | undefined;
let sentCount = 0;
let answered = 0;
let latenciesNs: number[] = [];
/** Planned times of ticks that have no answer yet, oldest first. */
let waiting: bigint[] = [];
let orderCount = 0;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

function nowText(): string {
  return new Date().toISOString();
}

function sendTo(client: Client, channel: string, events: unknown): void {
  const data = client.getUserData();
  client.send(
    JSON.stringify({ channel, timestamp: nowText(), sequence_num: data.sequence++, events }),
  );
}

function noteAnswer(): void {
  const planned = waiting.shift();
  if (planned === undefined) return;
  answered++;
  latenciesNs.push(Number(process.hrtime.bigint() - planned));
}

function sendTick(planned: bigint): void {
  waiting.push(planned);
  for (const client of clients) {
    const { path } = client.getUserData();
    if (round?.mode === 'echo' && path === '/echo') client.send(String(sentCount));
    if (round?.mode === 'order' && path === '/ws')
      sendTo(client, 'market_trades', [
        {
          type: 'update',
          trades: [
            {
              trade_id: String(1_000_000 + sentCount),
              product_id: 'BTC-USD',
              price: '60000.00',
              size: '0.001',
              time: nowText(),
              side: 'SELL',
            },
          ],
        },
      ]);
  }
}

/** Polls between ticks, so that the sender's own wake-up is no part of what is measured. */
function play(one: Round): void {
  round = one;
  sentCount = 0;
  answered = 0;
  latenciesNs = [];
  waiting = [];
  const startNs = process.hrtime.bigint() + NS_PER_S / 10n;
  const stepNs = NS_PER_S / BigInt(one.rate);
  const turn = (): void => {
    const now = process.hrtime.bigint();
    const planned = startNs + BigInt(sentCount) * stepNs;
    if (sentCount < one.count) {
      if (now >= planned) {
        sendTick(planned);
        sentCount++;
      }
      setImmediate(turn);
      return;
    }
    if (answered < one.count && now < planned + BigInt(GRACE_MS) * 1_000_000n) {
      setImmediate(turn);
      return;
    }
    process.stdout.write(`${JSON.stringify({ latenciesNs, lost: one.count - answered })}\n`);
  };
  turn();
}

function json(response: HttpResponse, body: unknown): void {
  response.writeHeader('content-type', 'application/json').end(JSON.stringify(body));
}

function onSubscribe(client: Client, message: string): void {
  const { channel } = JSON.parse(message) as { channel: string };
  sendTo(client, 'subscriptions', [{ subscriptions: { [channel]: ['BTC-USD'] } }]);
  if (channel === 'level2')
    sendTo(client, 'l2_data', [
      {
        type: 'snapshot',
        product_id: 'BTC-USD',
        updates: [
          { side: 'bid', event_time: nowText(), price_level: '59999.99', new_quantity: '10' },
          { side: 'offer', event_time: nowText(), price_level: '60000.00', new_quantity: '10' },
        ],
      },
    ]);
  if (channel === 'user') sendTo(client, 'user', [{ type: 'snapshot', orders: [], positions: {} }]);
}

function heartbeat(): void {
  for (const client of clients) {
    if (client.getUserData().path === '/echo') continue;
    sendTo(client, 'heartbeats', [{ current_time: nowText(), heartbeat_counter: 1 }]);
  }
}

const app = uWS.App();
for (const path of ['/ws', '/ws-user', '/echo'])
  app.ws<{ path: string; sequence: number }>(path, {
    upgrade: (response, request, context) => {
      response.upgrade(
        { path, sequence: 0 },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (client) => {
      clients.add(client);
    },
    close: (client) => {
      clients.delete(client);
    },
    message: (client, message) => {
      if (path === '/echo') noteAnswer();
      else onSubscribe(client, Buffer.from(message).toString('utf8'));
    },
  });

let listening = {};
const API = '/api/v3/brokerage';
app.get('/_sim/endpoints', (response) => {
  json(response, { venue: 'coinbase', listening });
});
app.get('/_sim/credentials', (response) => {
  json(response, { keyName: 'organizations/bench/apiKeys/bench', privateKeyPem });
});
app.get('/_sim/truth', (response) => {
  json(response, {
    accounts: {},
    orders: [],
    fills: [],
    positions: [],
    openOrders: 0,
    fillCount: 0,
  });
});
app.get(`${API}/market/products`, (response) => {
  json(response, { products: [PRODUCT], num_products: 1 });
});
app.get(`${API}/accounts`, (response) => {
  const account = (currency: string, value: string): unknown => ({
    uuid: currency,
    currency,
    available_balance: { value, currency },
    hold: { value: '0', currency },
  });
  json(response, {
    accounts: [account('USD', '900000'), account('BTC', '0')],
    has_next: false,
    cursor: '',
  });
});
app.get(`${API}/orders/historical/batch`, (response) => {
  json(response, { orders: [], has_next: false, cursor: '' });
});
app.get(`${API}/orders/historical/fills`, (response) => {
  json(response, { fills: [], cursor: '' });
});
app.post(`${API}/orders`, (response) => {
  // The request line is here: that is when the order has arrived; its body follows in the same packet.
  noteAnswer();
  response.onAborted(() => undefined);
  response.onData((_chunk, isLast) => {
    if (!isLast) return;
    orderCount++;
    // Refused, so that neither position nor open orders grow: only the way there is measured.
    json(response, {
      success: false,
      error_response: {
        error: 'UNKNOWN_FAILURE_REASON',
        message: `bench order ${String(orderCount)}`,
        error_details: '',
      },
    });
  });
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) throw new Error('no port');
  const port = String(uWS.us_socket_local_port(socket));
  listening = {
    ws: `ws://127.0.0.1:${port}/ws`,
    wsPrivate: `ws://127.0.0.1:${port}/ws-user`,
    rest: `http://127.0.0.1:${port}`,
    echo: `ws://127.0.0.1:${port}/echo`,
  };
  process.stdout.write(`${JSON.stringify({ listening })}\n`);
});
setInterval(heartbeat, HEARTBEAT_MS);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    play(JSON.parse(line) as Round);
  })
  .on('close', () => {
    process.exit(0);
  });
