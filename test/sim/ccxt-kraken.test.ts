/**
 * An independent client, ccxt, reads the simulated Kraken with nothing changed but the address, and beside it our own feed
 * over a socket of its own: all three must see the same books and trades. (ccxt's own `checksum` option calls `split` on
 * numbers and fails at the first message of any venue; the sums are checked here over the texts of the wire.)
 */
import ccxt from 'ccxt';
import t from 'tap';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { decimalText } from '#src/domain/decimal-text.js';
import { TickKind } from '#src/generated/hot.js';
import type { SimulatedVenue } from '#src/sim/simulated-venue.js';
import { SIMULATOR } from '#src/venues/kraken/simulator.js';
import { feedRig, NaiveClient, type Rig } from '../venues/kraken/kraken-rig.js';
import type { KrakenMarketFeed } from '#src/venues/kraken/market-feed.js';
import { RecordingMaker, startVenue, until, type Json } from './venue-client.js';

/** ccxt cuts both sides to the length of the first asks: no more than every pair always has. */
const DEPTH = 10;

async function clientOf(t: Test, venue: SimulatedVenue): Promise<Json> {
  const client: Json = new ccxt.pro.kraken({ enableRateLimit: false, newUpdates: true });
  const { rest, ws } = venue.listening;
  client.urls.api.public = rest;
  client.urls.api.private = rest;
  client.urls.api.ws.publicV2 = ws;
  // The library asks for this for any address without TLS.
  await client.loadHttpProxyAgent();
  t.teardown(() => client.close());
  return client;
}

/** Our feed on a socket of its own, with a naive reader that checks every sum. */
async function feedOf(t: Test, url: string): Promise<Rig<KrakenMarketFeed>> {
  const rig = feedRig({
    instruments: SIMULATOR.instruments,
    depth: DEPTH,
    tradesInTimeOrder: true,
  });
  const readers = new Map(
    SIMULATOR.instruments.map(({ venueSymbol }) => [venueSymbol, new NaiveClient(DEPTH)]),
  );
  const socket = new WebSocket(url, { perMessageDeflate: false });
  t.teardown(() => socket.terminate());
  socket.on('message', (data: Buffer) => {
    const text = data.toString('utf8');
    rig.send(text);
    readers.get(/"symbol":"([^"]+)"/.exec(text)?.[1] ?? '')?.onFrame(text);
  });
  await until(() => (socket.readyState === WebSocket.OPEN ? true : undefined), 'socket open');
  for (const text of rig.feed.onConnected()) socket.send(text);
  await until(
    () => (rig.feed.markets.every(({ staleReason }) => staleReason === 0) ? true : undefined),
    'our books',
  );
  return rig;
}

t.test('ccxt, our feed and the venue itself have the same books, of every pair', async (t) => {
  const venue = await startVenue(t, { venue: 'kraken', speed: 3 });
  const client = await clientOf(t, venue);
  const rig = await feedOf(t, venue.listening.ws);
  t.same(Object.keys(await client.loadMarkets()), ['BTC/USD', 'ETH/USD', 'USDT/USD', 'USDC/USD']);
  const symbols = SIMULATOR.instruments.map(({ venueSymbol }) => venueSymbol);
  for (const symbol of symbols) await client.watchOrderBook(symbol, DEPTH);
  const start = rig.feed.comparedCount;
  await until(() => (rig.feed.comparedCount > start + 300 ? true : undefined), '300 updates');

  const pause = await fetch(`${venue.listening.rest}/_sim/market`, {
    method: 'POST',
    body: JSON.stringify({ isPaused: true }),
  });
  t.equal(pause.status, 200);
  for (const [place, instrument] of SIMULATOR.instruments.entries()) {
    const { venueSymbol, priceScale, sizeScale } = instrument;
    const truth = venue.exchange.depth(instrument.index, DEPTH);
    for (const name of ['bids', 'asks'] as const) {
      const wanted = truth[name].map(({ priceMantissa, sizeMantissa }) => [
        Number(decimalText(priceMantissa, priceScale)),
        Number(decimalText(sizeMantissa, sizeScale)),
      ]);
      const isSame = (levels: unknown): boolean =>
        JSON.stringify(levels) === JSON.stringify(wanted);
      const ours = (): number[][] => {
        const side = rig.book(place)[name];
        return Array.from({ length: side.count }, (_, depth) => [
          Number(decimalText(side.priceAt(depth), priceScale)),
          Number(decimalText(side.sizeAt(depth), sizeScale)),
        ]);
      };
      const theirs = (): number[][] =>
        client.orderbooks[venueSymbol][name].map((one: Json) => [...one]);
      await until(() => (isSame(ours()) ? true : undefined), `our ${name} of ${venueSymbol}`);
      await until(() => (isSame(theirs()) ? true : undefined), `${name} of ccxt, ${venueSymbol}`);
      t.equal(ours().length, DEPTH, `${venueSymbol} ${name}`);
    }
  }
  t.same(rig.rejects.codes, []);
});

t.test('ccxt and our feed read the same trades, ticker and REST answers', async (t) => {
  const market = new RecordingMaker()
    .snapshot([['100.0', '5']], [['101.0', '5']])
    .depth(0, [], [])
    .trade(1, '101.0', '0.5', 'BUY');
  for (let i = 0; i < 3_000; i++)
    market.trade(
      2 + i * 20,
      i % 2 === 0 ? '101.0' : '100.0',
      `0.${(i % 9) + 1}`,
      i % 2 === 0 ? 'BUY' : 'SELL',
    );
  market.depth(3_600_000, [], []);
  const venue = await startVenue(t, {
    venue: 'kraken',
    recordingPath: market.write(t),
    warmUpTrades: 1,
    isUniform: true,
  });
  const client = await clientOf(t, venue);
  const rig = await feedOf(t, venue.listening.ws);
  const theirs: Json[] = [];
  const ids = new Set<string>();
  const ours: string[] = [];
  rig.ticks.onTick = (tick) => {
    if (tick.kind === TickKind.Trade && tick.instrumentIndex === 0)
      ours.push(String(rig.feed.tradeIdText));
  };
  while (theirs.length < 30) {
    for (const one of await client.watchTrades('BTC/USD')) {
      if (!ids.has(one.id)) theirs.push(one);
      ids.add(one.id);
    }
  }
  await until(() => (ours.includes(theirs.at(-1).id) ? true : undefined), 'our trades');
  const from = ours.indexOf(theirs[0].id);
  t.same(
    ours.slice(from, from + theirs.length),
    theirs.map(({ id }) => id),
  );
  t.ok(theirs.every(({ side, price }) => (side === 'buy') === (price === 101)));
  t.same(rig.rejects.codes, []);

  t.match(await client.fetchOrderBook('BTC/USD'), { bids: [[100, 5]], asks: [[101, 5]] });
  t.equal((await client.fetchTicker('BTC/USD')).bid, 100);
  t.equal((await client.watchTicker('BTC/USD')).ask, 101);
  t.ok((await client.fetchTrades('BTC/USD')).length > 30);
  t.equal((await client.fetchOHLCV('BTC/USD', '1h')).length > 0, true);
  t.equal((await client.fetchStatus()).status, 'ok');
  t.match(Object.keys(await client.fetchCurrencies()), ['USD', 'BTC', 'ETH', 'USDT', 'USDC']);
  await t.rejects(client.watchOrderBook('BTC/USD', 20), { name: 'NotSupported' });
  const stranger: Json = new ccxt.kraken({ apiKey: 'a', secret: 'YQ==', enableRateLimit: false });
  stranger.urls.api = client.urls.api;
  await t.rejects(stranger.fetchBalance(), { name: 'PermissionDenied' });
});
