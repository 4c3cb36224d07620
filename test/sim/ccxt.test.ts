/**
 * An independent client, ccxt, trades at the simulated venue with nothing changed but the address and the key: its
 * parser, its signatures and its idea of Coinbase are nobody's here.
 */
import { coinbase as CoinbaseClient } from 'ccxt';
import t from 'tap';
import { RecordingMaker, startVenue, type Json } from './venue-client.js';

t.test(
  'ccxt reads the market, places, cancels and lists orders, and sees its balance',
  async (t) => {
    const market = new RecordingMaker()
      .snapshot([['100.00', '5']], [['101.00', '5']])
      .depth(0, [], [])
      .trade(1, '101.00', '0.5', 'BUY')
      .depth(3_600_000, [], []);
    const venue = await startVenue(t, { recordingPath: market.write(t), warmUpTrades: 1 });
    const client: Json = new CoinbaseClient({
      apiKey: venue.credentials.keyName,
      secret: venue.credentials.privateKeyPem,
      enableRateLimit: false,
    });
    client.urls.api.rest = venue.listening.rest;

    t.match(Object.keys(await client.loadMarkets()), ['BTC/USD']);
    t.match(await client.fetchOrderBook('BTC/USD'), { bids: [[100, 5]], asks: [[101, 5]] });
    t.match(await client.fetchTrades('BTC/USD'), [{ price: 101, amount: 0.5 }]);
    t.equal((await client.fetchTicker('BTC/USD')).last, 101);
    t.equal((await client.fetchBalance()).USD.total, 10_000);

    const taken = await client.createOrder('BTC/USD', 'limit', 'buy', 1, 101, {
      timeInForce: 'IOC',
    });
    t.match(await client.fetchOrder(taken.id), {
      status: 'closed',
      filled: 1,
      average: 101,
      fee: { cost: 0.0505 },
    });
    const resting = await client.createOrder('BTC/USD', 'limit', 'sell', 0.25, 200);
    t.match(await client.fetchOpenOrders('BTC/USD'), [
      { id: resting.id, price: 200, amount: 0.25 },
    ]);
    t.match((await client.fetchBalance({ v3: true })).BTC, { free: 0.75, used: 0.25, total: 1 });
    await client.cancelOrder(resting.id);
    t.equal((await client.fetchOpenOrders('BTC/USD')).length, 0);
    await client.createOrder('BTC/USD', 'market', 'sell', 0.5);
    const fills = await client.fetchMyTrades('BTC/USD');
    t.match(
      fills.map((fill: Json) => [fill.side, fill.price, fill.amount, fill.takerOrMaker]),
      [
        ['buy', 101, 1, 'taker'],
        ['sell', 100, 0.5, 'taker'],
      ],
    );
    await t.rejects(client.createOrder('BTC/USD', 'limit', 'buy', 1000, 100), {
      name: 'InsufficientFunds',
    });
    const stranger: Json = new CoinbaseClient({
      apiKey: 'organizations/a/apiKeys/b',
      secret: venue.credentials.privateKeyPem,
      enableRateLimit: false,
    });
    stranger.urls.api.rest = venue.listening.rest;
    await t.rejects(stranger.fetchBalance());
  },
);
