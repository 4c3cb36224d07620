/**
 * An independent client, ccxt, reads both simulated Binance venues with nothing changed but the addresses: its snapshot
 * and diff logic is nobody's here. Beside it our own feed over a socket of its own: both must see the venue's books and
 * trades.
 */
import ccxt from 'ccxt';
import t from 'tap';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { decimalText } from '#src/domain/decimal-text.js';
import { MARK_SCALE } from '#src/domain/instrument.js';
import { TickKind } from '#src/generated/hot.js';
import type { SimulatedVenue } from '#src/sim/simulated-venue.js';
import { SPOT, USDM, type BinanceMarket } from '#src/venues/binance/endpoints.js';
import { BinanceMarketFeed } from '#src/venues/binance/market-feed.js';
import { SIMULATOR, SIMULATOR_USDM } from '#src/venues/binance/simulator.js';
import type { SimulatorDefinition } from '#src/venues/simulator-port.js';
import { RejectList, TickList } from '../venues/feed-rig.js';
import { RecordingMaker, startVenue, until, type Json } from './venue-client.js';

/** Levels compared: each side always has as many. */
const DEPTH = 20;

interface Side {
  readonly market: BinanceMarket;
  readonly definition: SimulatorDefinition;
  /** ccxt's names of the symbols, in the simulator's order. */
  readonly symbols: readonly string[];
}

const SIDES: readonly Side[] = [
  { market: SPOT, definition: SIMULATOR, symbols: ['BTC/USDT', 'ETH/USDT', 'USDC/USDT'] },
  { market: USDM, definition: SIMULATOR_USDM, symbols: ['BTC/USDT:USDT', 'ETH/USDT:USDT'] },
];

async function clientOf(t: Test, side: Side, venue: SimulatedVenue): Promise<Json> {
  const { isFutures } = side.market;
  const client: Json = new ccxt.pro.binance({
    enableRateLimit: false,
    newUpdates: true,
    options: {
      defaultType: isFutures ? 'future' : 'spot',
      fetchMarkets: { types: [isFutures ? 'linear' : 'spot'] },
    },
  });
  const { rest, ws } = venue.listening;
  const { host } = new URL(ws);
  for (const name of Object.keys(client.urls.api)) {
    const url: unknown = client.urls.api[name];
    if (typeof url === 'string') client.urls.api[name] = rest + new URL(url).pathname;
  }
  // The library knows the spot venue by "/stream" in the address; what stands behind /ws names streams, here none that is.
  client.urls.api.ws.spot = `ws://${host}/ws/stream`;
  client.urls.api.ws.future = `ws://${host}/ws`;
  // The library asks for this for any address without TLS.
  await client.loadHttpProxyAgent();
  t.teardown(() => client.close());
  return client;
}

interface Ours {
  readonly feed: BinanceMarketFeed;
  readonly ticks: TickList;
  readonly rejects: RejectList;
}

/** Our feed on a socket of its own; what it asks for by REST is fetched as ingest would. */
async function feedOf(t: Test, side: Side, venue: SimulatedVenue): Promise<Ours> {
  const ticks = new TickList();
  const rejects = new RejectList();
  const startNs = BigInt(Date.now()) * 1_000_000n;
  const nowNs = (): number => Number(BigInt(Date.now()) * 1_000_000n - startNs) + 1;
  const feed = new BinanceMarketFeed(side.market, {
    instruments: side.definition.instruments,
    ticks,
    rejects,
    runEpochNs: startNs,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  const { rest, ws } = venue.listening;
  const socket = new WebSocket(ws, { perMessageDeflate: false });
  let isOver = false;
  t.teardown(() => {
    isOver = true;
    socket.terminate();
  });
  const fetched = async (path: string): Promise<void> => {
    const answer = await fetch(rest + path);
    const body = new Uint8Array(await answer.arrayBuffer());
    if (!isOver && answer.status === 200) feed.onBody(path, body, nowNs());
  };
  socket.on('message', (data: Buffer) => {
    feed.onFrame(data, nowNs());
    for (let path = feed.takeRequest(); path !== null; path = feed.takeRequest()) {
      fetched(path).catch((error: unknown) => {
        if (!isOver) throw error;
      });
    }
  });
  await until(() => (socket.readyState === WebSocket.OPEN ? true : undefined), 'socket open');
  for (const text of feed.onConnected()) socket.send(text);
  await until(
    () => (feed.markets.every(({ staleReason }) => staleReason === 0) ? true : undefined),
    'our books',
  );
  return { feed, ticks, rejects };
}

for (const side of SIDES) {
  const { venue: name } = side.market;

  t.test(`${name}: ccxt, our feed and the venue itself have the same books`, async (t) => {
    const venue = await startVenue(t, { venue: name, speed: 2 });
    const client = await clientOf(t, side, venue);
    const { feed, rejects } = await feedOf(t, side, venue);
    t.same(Object.keys(await client.loadMarkets()), side.symbols);
    for (const symbol of side.symbols) await client.watchOrderBook(symbol);
    const start = feed.entryCount;
    await until(() => (feed.entryCount > start + 2_000 ? true : undefined), '2000 changes');

    const pause = await fetch(`${venue.listening.rest}/_sim/market`, {
      method: 'POST',
      body: JSON.stringify({ isPaused: true }),
    });
    t.equal(pause.status, 200);
    for (const [place, instrument] of side.definition.instruments.entries()) {
      const { priceScale, sizeScale } = instrument;
      const symbol = side.symbols[place] ?? '';
      const truth = venue.exchange.depth(instrument.index, DEPTH);
      for (const which of ['bids', 'asks'] as const) {
        const wanted = truth[which].map(({ priceMantissa, sizeMantissa }) => [
          Number(decimalText(priceMantissa, priceScale)),
          Number(decimalText(sizeMantissa, sizeScale)),
        ]);
        const isSame = (levels: unknown): boolean =>
          JSON.stringify(levels) === JSON.stringify(wanted);
        const ours = (): number[][] => {
          const of = feed.markets[place]?.book[which];
          return Array.from({ length: Math.min(DEPTH, of?.count ?? 0) }, (_, depth) => [
            Number(decimalText(of?.priceAt(depth) ?? 0, priceScale)),
            Number(decimalText(of?.sizeAt(depth) ?? 0, sizeScale)),
          ]);
        };
        const theirs = (): number[][] =>
          client.orderbooks[symbol][which].slice(0, DEPTH).map((one: Json) => [...one]);
        await until(() => (isSame(ours()) ? true : undefined), `our ${which} of ${symbol}`);
        await until(() => (isSame(theirs()) ? true : undefined), `${which} of ccxt, ${symbol}`);
        t.equal(ours().length, DEPTH, `${symbol} ${which}`);
      }
    }
    t.same(rejects.codes, []);
  });

  t.test(`${name}: ccxt and our feed read the same trades and REST answers`, async (t) => {
    const market = new RecordingMaker()
      .snapshot([['100.0', '5']], [['101.0', '5']])
      .trade(1, '101.0', '0.5', 'BUY');
    for (let i = 0; i < 3_000; i++) {
      const isBuy = i % 2 === 0;
      market.depth(2 + i * 20, [['100.0', `${(i % 9) + 1}`]], []);
      market.trade(
        2 + i * 20,
        isBuy ? '101.0' : '100.0',
        `0.${(i % 9) + 1}`,
        isBuy ? 'BUY' : 'SELL',
      );
    }
    market.depth(3_600_000, [], []);
    const venue = await startVenue(t, {
      venue: name,
      recordingPath: market.write(t),
      warmUpTrades: 1,
      isUniform: true,
    });
    const client = await clientOf(t, side, venue);
    const { feed, ticks, rejects } = await feedOf(t, side, venue);
    const symbol = side.symbols[0] ?? '';
    const ours: string[] = [];
    ticks.onTick = (tick) => {
      if (tick.kind === TickKind.Trade && tick.instrumentIndex === 0) {
        ours.push(String(feed.tradeIdText));
      }
    };
    const theirs: Json[] = [];
    while (theirs.length < 30) theirs.push(...(await client.watchTrades(symbol)));
    await until(() => (ours.includes(theirs.at(-1).id) ? true : undefined), 'our trades');
    const from = ours.indexOf(theirs[0].id);
    t.same(
      ours.slice(from, from + theirs.length),
      theirs.map(({ id }) => id),
    );
    // Prices here are in USDT, which is not exactly a dollar.
    const { bid, ask } = venue.exchange.best(0);
    const { priceScale = 0 } = side.definition.instruments[0] ?? {};
    const bidPrice = Number(decimalText(bid?.priceMantissa ?? 0, priceScale));
    const askPrice = Number(decimalText(ask?.priceMantissa ?? 0, priceScale));
    const middle = (bidPrice + askPrice) / 2;
    t.ok(theirs.every(({ side: taker, price }) => (taker === 'buy') === price > middle));
    t.ok(Math.abs(middle - 100.5) < 0.5, 'and not far from one');
    t.same(rejects.codes, []);

    const book = await client.fetchOrderBook(symbol);
    t.same([book.bids[0][0], book.asks[0][0]], [bidPrice, askPrice]);
    t.ok((await client.fetchTrades(symbol)).length > 30);
    t.equal((await client.fetchOHLCV(symbol, '1h')).length > 0, true);
    t.ok((await client.fetchTicker(symbol)).last > 0);
    t.ok(Math.abs(Number(await client.fetchTime()) - Date.now()) < 60_000);
    const [bidAsk] = Object.values<Json>(await client.watchBidsAsks([symbol]));
    t.equal(bidAsk.ask, askPrice);
    if (side.market.isFutures) {
      t.equal((await client.fetchFundingRate(symbol)).markPrice, middle);
      t.equal((await client.watchMarkPrice(symbol, { use1sFreq: true })).markPrice, middle);
      t.equal(
        feed.markets[0]?.markPriceMantissa,
        Math.round(middle * 1000) * 10 ** (MARK_SCALE - 3),
      );
    }
    const stranger: Json = new ccxt.binance({ apiKey: 'a', secret: 'b', enableRateLimit: false });
    stranger.urls.api = client.urls.api;
    stranger.options = client.options;
    await t.rejects(stranger.fetchBalance(), { name: 'AuthenticationError' });
  });
}
