/**
 * An independent client, ccxt pro, watches the simulated Hyperliquid with nothing changed but the addresses, and reads the
 * same books and trades from the same frames as our feed does.
 */
import { pro } from 'ccxt';
import t from 'tap';
import type { Book } from '#src/domain/book.js';
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { parseInstruments } from '#src/venues/hyperliquid/instruments.js';
import { HyperliquidMarketFeed } from '#src/venues/hyperliquid/market-feed.js';
import { RejectList, TickList } from '../venues/feed-rig.js';
import { startVenue, type Json } from './venue-client.js';

const SYMBOLS = { 'BTC/USDC:USDC': 'BTC', 'ETH/USDC:USDC': 'ETH' } as const;
const BOOKS_COMPARED = 6;
const TRADES_COMPARED = 10;
const DEADLINE_MS = 25_000;

/** Our feed on the frames that ccxt's own socket gets. */
class Eavesdropper {
  readonly ticks = new TickList();
  readonly rejects = new RejectList();
  readonly feed: HyperliquidMarketFeed;
  /** By coin, then by time in milliseconds: the best levels, best first. */
  readonly books = new Map<string, string>();
  readonly trades = new Map<string, string>();

  constructor(meta: string) {
    const { instruments } = parseInstruments(meta);
    this.feed = new HyperliquidMarketFeed({
      instruments,
      ticks: this.ticks,
      rejects: this.rejects,
      runEpochNs: 0n,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    this.ticks.onTick = (tick) => {
      if (tick.kind !== TickKind.Trade) return;
      const { venueSymbol, priceScale, sizeScale } = instruments[tick.instrumentIndex] ?? {};
      const side = (tick.flags & TickFlag.AggressorSell) === 0 ? 'buy' : 'sell';
      const price = tick.priceMantissa / 10 ** (priceScale ?? 0);
      const size = tick.sizeMantissa / 10 ** (sizeScale ?? 0);
      const id = this.feed.tradeIdText ?? '';
      this.trades.set(`${venueSymbol} ${id}`, JSON.stringify([side, price, size]));
    };
  }

  hear(text: string): void {
    this.feed.onFrame(Buffer.from(text), 1);
    if (!text.startsWith('{"channel":"l2Book"')) return;
    const { coin, time } = JSON.parse(text).data;
    const market = this.feed.markets.find(({ instrument }) => instrument.venueSymbol === coin);
    if (market === undefined) return;
    const { priceScale, sizeScale } = market.instrument;
    const list = (side: Book['bids']): number[][] =>
      Array.from({ length: side.count }, (_, depth) => [
        side.priceAt(depth) / 10 ** priceScale,
        side.sizeAt(depth) / 10 ** sizeScale,
      ]);
    const book = [list(market.book.bids), list(market.book.asks)];
    this.books.set(`${String(coin)} ${String(time)}`, JSON.stringify(book));
  }
}

t.test('ccxt pro reads the same order books and trades from hyperliquid as we do', async (t) => {
  const venue = await startVenue(t, { venue: 'hyperliquid' });
  const { rest, ws } = venue.listening;
  const meta = await fetch(`${rest}/info`, { method: 'POST', body: '{"type":"meta"}' });
  const ours = new Eavesdropper(await meta.text());

  const client: Json = new pro.hyperliquid({ enableRateLimit: false });
  client.urls.api.public = rest;
  client.urls.api.private = rest;
  client.urls.api.ws.public = ws;
  // The library asks for this for any address without TLS.
  await client.loadHttpProxyAgent();
  t.teardown(() => client.close());
  const markets = await client.loadMarkets();
  t.same(Object.keys(markets).sort(), Object.keys(SYMBOLS).sort());
  t.match(markets['BTC/USDC:USDC'], { swap: true, precision: { amount: 0.00001 } });

  // The same frames, before ccxt looks at them.
  const socket: Json = client.client(ws);
  const handle = socket.onMessageCallback.bind(socket);
  socket.onMessageCallback = (one: Json, message: Json): void => {
    ours.hear(JSON.stringify(message));
    handle(one, message);
  };

  const deadlineMs = Date.now() + DEADLINE_MS;
  let compared = 0;
  const watchBooks = async (symbol: keyof typeof SYMBOLS): Promise<void> => {
    for (let book = 0; book < BOOKS_COMPARED; book++) {
      const theirs = await client.watchOrderBook(symbol);
      const said = JSON.stringify([theirs.bids, theirs.asks].map((side) => side.slice()));
      t.equal(said, ours.books.get(`${SYMBOLS[symbol]} ${String(theirs.timestamp)}`), symbol);
      t.equal(theirs.bids.length, 20);
      compared++;
    }
  };
  let traded = 0;
  const watchTrades = async (symbol: keyof typeof SYMBOLS): Promise<void> => {
    for (let seen = 0; seen < TRADES_COMPARED && Date.now() < deadlineMs;) {
      for (const trade of await client.watchTrades(symbol)) {
        const said = JSON.stringify([trade.side, trade.price, trade.amount]);
        t.equal(said, ours.trades.get(`${SYMBOLS[symbol]} ${String(trade.id)}`), symbol);
        seen++;
        traded++;
      }
    }
  };
  await Promise.all([
    watchBooks('BTC/USDC:USDC'),
    watchBooks('ETH/USDC:USDC'),
    watchTrades('BTC/USDC:USDC'),
    watchTrades('ETH/USDC:USDC'),
  ]);
  t.equal(compared, 2 * BOOKS_COMPARED);
  t.ok(traded >= 2 * TRADES_COMPARED, `${traded} trades`);
  const ticker = await client.watchTicker('BTC/USDC:USDC');
  t.equal(ticker.symbol, 'BTC/USDC:USDC');
  t.same(ours.rejects.codes, []);

  // And over REST.
  const book = await client.fetchOrderBook('BTC/USDC:USDC');
  t.equal(book.bids.length, 20);
  t.ok(book.bids[0][0] < book.asks[0][0]);
  client.privateKey = `0x${'1'.repeat(64)}`;
  client.walletAddress = `0x${'2'.repeat(40)}`;
  await t.rejects(
    client.createOrder('BTC/USDC:USDC', 'limit', 'buy', 0.001, 50_000),
    { message: /User or API Wallet 0x0{40} does not exist/ },
    'a signed order is refused',
  );
});
