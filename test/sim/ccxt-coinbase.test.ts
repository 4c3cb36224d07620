/**
 * An independent client, ccxt pro, watches the simulated Coinbase with nothing changed but the addresses; our own feed on
 * the frames of the same socket must have the same book and the same trades, and both must have the venue's.
 */
import { pro } from 'ccxt';
import t from 'tap';
import { decimalText } from '#src/domain/decimal-text.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { SIMULATOR } from '#src/venues/coinbase/simulator.js';
import { CoinbaseMarketFeed } from '#src/venues/coinbase/market-feed.js';
import { RejectList, TickList } from '../venues/feed-rig.js';
import { startVenue, until, type Json } from './venue-client.js';

const SYMBOL = 'BTC/USD';
const DEPTH = 20;
const UPDATES = 100;
const TRADES = 10;

t.test('ccxt pro, our feed and the venue itself have the same book and trades', async (t) => {
  const venue = await startVenue(t, { speed: 3 });
  const { rest, ws } = venue.listening;
  const instrument = SIMULATOR.instruments.find((one) => one.symbol === 'BTC-USD');
  if (instrument === undefined) throw new Error('the simulator has BTC-USD');
  const { priceScale, sizeScale } = instrument;
  const number = (mantissa: number, scale: number): number => Number(decimalText(mantissa, scale));

  const ticks = new TickList();
  const rejects = new RejectList();
  const feed = new CoinbaseMarketFeed({
    instruments: [{ ...instrument, index: 0 }],
    ticks,
    rejects,
    runEpochNs: 0n,
    levelsMax: Infinity,
    snapshotLevelsMax: Infinity,
    tradesInTimeOrder: true,
  });
  feed.onConnected();
  const ours = new Map<string, string>();
  ticks.onTick = (tick) => {
    if (tick.kind !== TickKind.Trade || (tick.flags & TickFlag.Backfill) !== 0) return;
    // ccxt passes on the side of the wire, which is the maker's.
    const side = (tick.flags & TickFlag.AggressorSell) === 0 ? 'sell' : 'buy';
    const price = number(tick.priceMantissa, priceScale);
    const size = number(tick.sizeMantissa, sizeScale);
    ours.set(String(tick.venueSeq), JSON.stringify([side, price, size]));
  };

  const client: Json = new pro.coinbase({ enableRateLimit: false, newUpdates: true });
  client.urls.api.rest = rest;
  client.urls.api.ws = ws;
  // The library asks for this for any address without TLS.
  await client.loadHttpProxyAgent();
  t.teardown(() => client.close());
  await client.loadMarkets();

  // The same frames, before ccxt looks at them.
  let frameCount = 0;
  const socket: Json = client.client(ws);
  const handle = socket.onMessageCallback.bind(socket);
  socket.onMessageCallback = (one: Json, message: Json): void => {
    frameCount++;
    feed.onFrame(Buffer.from(JSON.stringify(message)), frameCount);
    handle(one, message);
  };

  await client.watchOrderBook(SYMBOL);
  // The first ones are those of the past, which our feed marks as such.
  for (let live = 0; live < TRADES;) {
    for (const { id, side, price, amount } of await client.watchTrades(SYMBOL)) {
      const our = ours.get(String(id));
      if (our === undefined) continue;
      t.equal(JSON.stringify([side, price, amount]), our, String(id));
      live++;
    }
  }

  await until(() => (frameCount > UPDATES ? true : undefined), 'updates');
  const pause = await fetch(`${rest}/_sim/market`, {
    method: 'POST',
    body: JSON.stringify({ isPaused: true }),
  });
  t.equal(pause.status, 200);
  const truth = venue.exchange.depth(instrument.index, DEPTH);
  const book = feed.markets[0]?.book;
  if (book === undefined) throw new Error('our feed has a market');
  for (const name of ['bids', 'asks'] as const) {
    const wanted = truth[name].map(({ priceMantissa, sizeMantissa }) => [
      number(priceMantissa, priceScale),
      number(sizeMantissa, sizeScale),
    ]);
    t.equal(wanted.length, DEPTH);
    const text = JSON.stringify(wanted);
    const side = book[name];
    const our = (): string =>
      JSON.stringify(
        wanted.map((_, depth) => [
          number(side.priceAt(depth), priceScale),
          number(side.sizeAt(depth), sizeScale),
        ]),
      );
    const their = (): string =>
      JSON.stringify(client.orderbooks[SYMBOL][name].slice(0, DEPTH).map((one: Json) => [...one]));
    await until(() => (our() === text ? true : undefined), `our ${name}`);
    await until(() => (their() === text ? true : undefined), `${name} of ccxt`);
  }
  t.same(rejects.codes, []);
});
