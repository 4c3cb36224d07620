/**
 * decode: a frame as the socket gave it → tick slots, per venue and kind of message, on captured frames. Ours is the
 * production feed with everything it does: decoding exact, the book kept, checksums and numbers compared, ticks written
 * (*decode only*: the same frames while the book is known to be wrong, so that none is changed and no level published).
 * Beside it, in the same run: bare JSON.parse of the text, which extracts nothing; what a plain program does to fill
 * the same slots (JSON.parse, Number, write); and ccxt pro's own handlers, driven without a network, where they can be.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import ccxt from 'ccxt';
import type { Instrument } from '#src/domain/instrument.js';
import { TICK_WORDS, writeTick, type TickFields } from '#src/generated/hot.js';
import type { DecodingFeed } from '#src/venues/decoding-feed.js';
import { BookState } from '#src/venues/market-publisher.js';
import { dialectOf } from '#src/venues/registry.js';
import type { Sample } from './compare.js';
import type { Bench, Contender } from './harness.js';

const SLOTS = 1024;
/** Decimals of prices that the captures need. */
const PRICE_SCALES: Readonly<Record<string, number>> = { 'coinbase-exchange': 8, dydx: 6 };
const PRICE_SCALE = 4;
const SIZE_SCALE = 8;
const FRAMES_PER_PASS = 500;
const MS_PER_MEASUREMENT = 60;
const QUICK_MS = 1;
const WARMUP_MS = 300;

/** What a plain program takes from a message; prices and sizes as the venue wrote them. */
type Taken = (price: unknown, size: unknown, time: unknown) => void;
// Parsed messages are read as the plain program would: without checks.
type Message = ReturnType<typeof JSON.parse>;

interface Case {
  readonly dialect: string;
  readonly kind: string;
  readonly file: string;
  readonly frames: RegExp;
  /** Fed before the frames in every pass: what they build upon. */
  readonly before?: RegExp;
  /** Member that counts the messages of a connection: written anew, because only some of its frames are played. */
  readonly counter?: string;
  /** A book is kept: measured without one too. */
  readonly isBook?: boolean;
  readonly epochNs: bigint;
  readonly take: (message: Message, taken: Taken) => void;
  /** Class of ccxt pro. */
  readonly peer?: string;
}

const EPOCH_2026_08 = 1_786_309_500_000_000_000n;
const levelPairs = (levels: Message, time: unknown, taken: Taken): void => {
  for (const [price, size] of levels) taken(price, size, time);
};
const levelObjects = (levels: Message, price: string, size: string, taken: Taken): void => {
  for (const level of levels) taken(level[price], level[size], 0);
};
const COINBASE = 'coinbase/cf2026_l2_trades_ticker_candles_heartbeats_seq0-599.jsonl.gz';
const EXCHANGE = 'coinbase/exchange/cf2021_level2_ticker_matches.jsonl.gz';
const KRAKEN = 'kraken/v2/fb2026_book10_trade_ETH-USD.jsonl.gz';
const SPOT = 'binance/spot_hbt2024.jsonl.gz';
const USDM = 'binance/usdm_hbt2024.jsonl.gz';
const HYPERLIQUID = 'hyperliquid/hbt2025_BTC_l2Book_trades.jsonl.gz';
const bookTicker = ({ data }: Message, taken: Taken): void => {
  taken(data.b, data.B, data.T);
  taken(data.a, data.A, data.T);
};
const binanceTrade = ({ data }: Message, taken: Taken): void => {
  taken(data.p, data.q, data.T);
};
const binanceDepth = ({ data }: Message, taken: Taken): void => {
  levelPairs(data.b, data.E, taken);
  levelPairs(data.a, data.E, taken);
};

const CASES: readonly Case[] = [
  {
    dialect: 'coinbase',
    kind: 'level2 update',
    file: COINBASE,
    before: /l2_data.*"snapshot"/,
    frames: /l2_data.*"type":"update"/,
    counter: 'sequence_num',
    isBook: true,
    epochNs: EPOCH_2026_08,
    take: ({ events }, taken) => {
      for (const { updates } of events)
        for (const level of updates)
          taken(level.price_level, level.new_quantity, Date.parse(level.event_time));
    },
    peer: 'coinbase',
  },
  {
    dialect: 'coinbase',
    kind: 'trades',
    file: COINBASE,
    frames: /market_trades.*"type":"update"/,
    counter: 'sequence_num',
    epochNs: EPOCH_2026_08,
    take: ({ events }, taken) => {
      for (const { trades } of events)
        for (const trade of trades) taken(trade.price, trade.size, Date.parse(trade.time));
    },
    peer: 'coinbase',
  },
  {
    dialect: 'coinbase',
    kind: 'ticker',
    file: COINBASE,
    frames: /"ticker".*"type":"update"/,
    counter: 'sequence_num',
    epochNs: EPOCH_2026_08,
    take: ({ events }, taken) => {
      for (const { tickers } of events)
        for (const one of tickers) {
          taken(one.best_bid, one.best_bid_quantity, 0);
          taken(one.best_ask, one.best_ask_quantity, 0);
        }
    },
    peer: 'coinbase',
  },
  {
    dialect: 'coinbase-exchange',
    kind: 'level2 update',
    file: EXCHANGE,
    before: /"type":"snapshot"/,
    frames: /"type":"l2update"/,
    isBook: true,
    epochNs: 1_618_677_800_000_000_000n,
    take: ({ changes, time }, taken) => {
      for (const [, price, size] of changes) taken(price, size, Date.parse(time));
    },
    peer: 'coinbaseexchange',
  },
  {
    dialect: 'coinbase-exchange',
    kind: 'match',
    file: EXCHANGE,
    frames: /"type":"match"/,
    counter: 'sequence',
    epochNs: 1_618_677_800_000_000_000n,
    take: ({ price, size, time }, taken) => {
      taken(price, size, Date.parse(time));
    },
    peer: 'coinbaseexchange',
  },
  {
    dialect: 'coinbase-exchange',
    kind: 'ticker',
    file: EXCHANGE,
    frames: /"type":"ticker"/,
    counter: 'sequence',
    epochNs: 1_618_677_800_000_000_000n,
    take: (message, taken) => {
      taken(message.best_bid, 0, Date.parse(message.time));
      taken(message.best_ask, 0, Date.parse(message.time));
    },
    peer: 'coinbaseexchange',
  },
  {
    dialect: 'kraken',
    kind: 'book update',
    file: KRAKEN,
    // The answer to the request tells the depth.
    before: /"method":"subscribe"|"book","type":"snapshot"/,
    frames: /"book","type":"update"/,
    isBook: true,
    epochNs: 1_780_000_000_000_000_000n,
    take: ({ data }, taken) => {
      for (const { bids, asks } of data) {
        levelObjects(bids, 'price', 'qty', taken);
        levelObjects(asks, 'price', 'qty', taken);
      }
    },
    peer: 'kraken',
  },
  {
    dialect: 'kraken',
    kind: 'trade',
    file: KRAKEN,
    frames: /"trade","type":"update"/,
    epochNs: 1_780_000_000_000_000_000n,
    take: ({ data }, taken) => {
      for (const { price, qty, timestamp } of data) taken(price, qty, Date.parse(timestamp));
    },
    peer: 'kraken',
  },
  {
    dialect: 'binance',
    kind: 'depth update',
    file: SPOT,
    before: /"depthUpdate"/,
    frames: /"depthUpdate"/,
    isBook: true,
    epochNs: 1_723_161_000_000_000_000n,
    take: binanceDepth,
  },
  {
    dialect: 'binance',
    kind: 'trade',
    file: SPOT,
    frames: /"e":"trade"/,
    epochNs: 1_723_161_000_000_000_000n,
    take: binanceTrade,
    peer: 'binance',
  },
  {
    dialect: 'binance',
    kind: 'bookTicker',
    file: SPOT,
    frames: /@bookTicker/,
    epochNs: 1_723_161_000_000_000_000n,
    take: bookTicker,
    peer: 'binance',
  },
  {
    dialect: 'binance-usdm',
    kind: 'depth update',
    file: USDM,
    before: /"depthUpdate"/,
    frames: /"depthUpdate"/,
    isBook: true,
    epochNs: 1_723_161_000_000_000_000n,
    take: binanceDepth,
  },
  {
    dialect: 'binance-usdm',
    kind: 'trade',
    file: USDM,
    frames: /"e":"trade"/,
    epochNs: 1_723_161_000_000_000_000n,
    take: binanceTrade,
    peer: 'binanceusdm',
  },
  {
    dialect: 'binance-usdm',
    kind: 'bookTicker',
    file: USDM,
    frames: /@bookTicker/,
    epochNs: 1_723_161_000_000_000_000n,
    take: bookTicker,
    peer: 'binanceusdm',
  },
  {
    dialect: 'dydx',
    kind: 'book update',
    file: 'dydx/samples_tardis.jsonl.gz',
    frames: /"channel_data".*v4_orderbook/,
    counter: 'message_id',
    epochNs: 1_718_000_000_000_000_000n,
    take: ({ contents }, taken) => {
      levelPairs(contents.bids ?? [], 0, taken);
      levelPairs(contents.asks ?? [], 0, taken);
    },
  },
  {
    dialect: 'dydx',
    kind: 'trades',
    file: 'dydx/samples_tardis.jsonl.gz',
    frames: /"channel_data".*v4_trades/,
    counter: 'message_id',
    epochNs: 1_718_000_000_000_000_000n,
    take: ({ contents }, taken) => {
      for (const { price, size, createdAt } of contents.trades)
        taken(price, size, Date.parse(createdAt));
    },
  },
  {
    dialect: 'hyperliquid',
    kind: 'l2Book (20 levels)',
    file: HYPERLIQUID,
    frames: /l2Book/,
    epochNs: 1_737_000_000_000_000_000n,
    take: ({ data }, taken) => {
      for (const side of data.levels) levelObjects(side, 'px', 'sz', taken);
    },
    peer: 'hyperliquid',
  },
  {
    dialect: 'hyperliquid',
    kind: 'bbo',
    file: 'hyperliquid/samples_live_frames.jsonl.gz',
    frames: /"channel":"bbo"/,
    epochNs: 1_788_490_000_000_000_000n,
    take: ({ data }, taken) => {
      for (const side of data.bbo) taken(side.px, side.sz, data.time);
    },
  },
  {
    dialect: 'hyperliquid',
    kind: 'trades',
    file: HYPERLIQUID,
    frames: /"channel":"trades"|"trades"/,
    epochNs: 1_737_000_000_000_000_000n,
    take: ({ data }, taken) => {
      for (const { px, sz, time } of data) taken(px, sz, time);
    },
    peer: 'hyperliquid',
  },
];

export const bench: Bench = {
  question: 'what does it cost to turn a frame of each venue into ticks, ns per frame?',
  open({ isQuick }) {
    return CASES.flatMap((one) => contendersOf(one, isQuick ? QUICK_MS : MS_PER_MEASUREMENT));
  },
};

interface Frame {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** A REST body: given as such. */
  readonly isBody: boolean;
}

interface Played {
  readonly before: readonly Frame[];
  readonly frames: readonly Frame[];
}

function contendersOf(one: Case, ms: number): Contender[] {
  const played = playedOf(one);
  const what = `${one.dialect} ${one.kind}`;
  const contender = (who: string, prepare: () => void, pass: () => void): Contender => {
    let isWarm = false;
    const run = (forMs: number): number => {
      let count = 0;
      let totalMs = 0;
      while (totalMs < forMs) {
        prepare();
        const start = performance.now();
        pass();
        totalMs += performance.now() - start;
        count += played.frames.length;
      }
      return (totalMs * 1e6) / count;
    };
    return {
      name: `${who} ${what}`,
      measure(): Promise<Sample[]> {
        if (!isWarm && ms > QUICK_MS) run(WARMUP_MS);
        isWarm = true;
        return Promise.resolve([{ who, what, unit: 'ns', value: run(ms) }]);
      },
    };
  };
  const nothing = (): void => undefined;
  const ours = new Ours(one);
  ours.check(played);
  const plain = new PlainSlots();
  let parsed = 0;
  const list = [
    contender(
      'tickwire',
      () => {
        ours.begin(played);
      },
      () => {
        ours.play(played.frames);
      },
    ),
    contender('JSON.parse', nothing, () => {
      for (const { text } of played.frames) parsed += JSON.parse(text) === null ? 1 : 0;
    }),
    contender('JSON.parse to the slot', nothing, () => {
      for (const { bytes } of played.frames)
        one.take(JSON.parse(Buffer.from(bytes).toString('utf8')), plain.taken);
    }),
  ];
  if (one.isBook === true) {
    list.push(
      contender(
        'tickwire decode only',
        () => {
          ours.begin(played);
          ours.spoil();
        },
        () => {
          ours.play(played.frames);
        },
      ),
    );
  }
  if (one.peer !== undefined) {
    const peer = new Peer(one.peer, played);
    peer.begin(played.before);
    peer.play(played.frames);
    list.push(
      contender(
        'ccxt',
        () => {
          peer.begin(played.before);
        },
        () => {
          peer.play(played.frames);
        },
      ),
    );
  }
  if (parsed < 0) throw new Error('what was parsed is used');
  return list;
}

/** Frames of one kind in the order of their capture, repeated where there are few. */
function playedOf({ file, frames, before, counter }: Case): Played {
  const path = new URL(`../../test/fixtures/${file}`, import.meta.url);
  const all = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n').map(frameOf);
  const bodyAt = all.findIndex(({ isBody }) => isBody);
  const isDepth = before !== undefined && before.source === frames.source;
  let first: readonly Frame[] = [];
  let timed = all.filter(({ text, isBody }) => !isBody && frames.test(text));
  if (isDepth && bodyAt >= 0) {
    // A chain of differences: the snapshot and the first difference that connects to it come before.
    const body = all[bodyAt] as Frame;
    const { lastUpdateId } = JSON.parse(body.text) as { lastUpdateId: number };
    const joinAt = timed.findIndex(({ text }) => lastIdOf(text) > lastUpdateId);
    first = [...timed.slice(0, joinAt), body, timed[joinAt] as Frame];
    timed = timed.slice(joinAt + 1);
  } else if (before !== undefined) {
    first = all.filter(({ text, isBody }) => !isBody && before.test(text));
  }
  if (timed.length === 0) throw new Error(`no frames of ${String(frames)} in ${file}`);
  const isChain = isDepth || (/book|l2/i.test(frames.source) && timed.length > 20);
  const repeated = isChain
    ? timed
    : Array.from(
        { length: Math.max(timed.length, FRAMES_PER_PASS) },
        (_, index) => timed[index % timed.length] as Frame,
      );
  if (counter === undefined) return { before: first, frames: repeated };
  let next = counter === 'sequence' ? 1 : 0;
  const numbered = ({ text }: Frame): Frame =>
    made(
      text.replace(new RegExp(`"${counter}": ?\\d+`), () => `"${counter}":${next++}`),
      false,
    );
  return { before: first.map(numbered), frames: repeated.map(numbered) };
}

function frameOf(line: string): Frame {
  const { dir, raw } = JSON.parse(line) as { dir: string; raw: unknown };
  return made(typeof raw === 'string' ? raw : JSON.stringify(raw), dir === 'http');
}

function made(text: string, isBody: boolean): Frame {
  return { text, bytes: Buffer.from(text), isBody };
}

function lastIdOf(text: string): number {
  return Number(/"u":(\d+)/.exec(text)?.[1] ?? 0);
}

/** The production feed with a ring's room behind it. */
class Ours {
  readonly #feed: DecodingFeed;
  readonly #dialect: string;
  readonly i32 = new Int32Array(SLOTS * TICK_WORDS);
  tickCount = 0;
  refused: string[] = [];
  #next = 0;

  constructor({ dialect, epochNs }: Case) {
    this.#dialect = dialect;
    let count = 0;
    this.#feed = dialectOf(dialect).createMarketFeed({
      instruments: [],
      ticks: this,
      rejects: {
        reject: (code: string) => {
          if (this.refused.length < 3) this.refused.push(code);
        },
      },
      runEpochNs: epochNs,
      levelsMax: 20,
      snapshotLevelsMax: 0,
      tradesInTimeOrder: false,
      // One real difference of dYdX is at hand, without its first book.
      booksStartEmpty: dialect === 'dydx',
      resolve: (venueSymbol) =>
        instrumentOf(count++, venueSymbol, PRICE_SCALES[dialect] ?? PRICE_SCALE),
    });
    this.#feed.onConnected();
  }

  claim(): number {
    this.#next = (this.#next + 1) & (SLOTS - 1);
    return this.#next * TICK_WORDS;
  }

  publish(): void {
    this.tickCount++;
  }

  begin({ before }: Played): void {
    this.#feed.onDisconnected(1, 1);
    this.#feed.onConnected();
    for (const { bytes, isBody, text } of before) {
      if (!isBody) this.#feed.onFrame(bytes, 1);
      else this.#feed.onBody(`/depth?symbol=${symbolOf(before)}`, Buffer.from(text), 1);
    }
  }

  /** From here on books are decoded and not kept. */
  spoil(): void {
    for (const market of this.#feed.markets) market.bookState = BookState.Spoiled;
  }

  play(frames: readonly Frame[]): void {
    const feed = this.#feed;
    for (let index = 0; index < frames.length; index++)
      feed.onFrame((frames[index] as Frame).bytes, 2000);
  }

  /** What is measured must be what it says: frames that are taken, of which ticks come. */
  check(played: Played): void {
    this.begin(played);
    this.refused = [];
    this.tickCount = 0;
    this.play(played.frames);
    if (this.tickCount > 0 && this.refused.length === 0) return;
    throw new Error(
      `${this.#dialect}: ${this.tickCount} ticks, refused: ${this.refused.join(', ')}`,
    );
  }
}

function symbolOf(before: readonly Frame[]): string {
  return /"s":"(\w+)"/.exec(before.map(({ text }) => text).join(''))?.[1] ?? '';
}

function instrumentOf(index: number, venueSymbol: string, priceScale: number): Instrument {
  return {
    index,
    venue: 'bench',
    kind: 'spot',
    symbol: venueSymbol,
    venueSymbol,
    base: venueSymbol,
    quote: '',
    priceScale,
    sizeScale: SIZE_SCALE,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
    notionalMinMantissa: 0,
    isTradable: false,
  };
}

/** What most programs do: floating point into the same slots. */
class PlainSlots {
  readonly #i32 = new Int32Array(SLOTS * TICK_WORDS);
  readonly #tick: TickFields = {
    priceMantissa: 0,
    sizeMantissa: 0,
    askPriceMantissa: 0,
    askSizeMantissa: 0,
    venueNs: 0,
    recvNs: 0,
    venueSeq: 0,
    instrumentIndex: 0,
    kind: 1,
    flags: 0,
  };
  #next = 0;

  readonly taken = (price: unknown, size: unknown, time: unknown): void => {
    const tick = this.#tick;
    tick.priceMantissa = Math.round(Number(price) * 10 ** PRICE_SCALE);
    tick.sizeMantissa = Math.round(Number(size) * 10 ** SIZE_SCALE);
    tick.venueNs = Number(time) * 1e6;
    this.#next = (this.#next + 1) & (SLOTS - 1);
    writeTick(this.#i32, this.#next * TICK_WORDS, tick);
  };
}

/** ccxt pro with a client that was never connected. */
class Peer {
  readonly #exchange: Message;
  readonly #client: Message;

  constructor(name: string, { before, frames }: Played) {
    const classes: Message = ccxt.pro;
    this.#exchange = new classes[name]({ newUpdates: true });
    const pairs = new Set(['BTC/USD', 'BTC/USDT', 'ETH/USDT']);
    for (const { text } of [...before, ...frames])
      for (const [, base = '', quote = ''] of text.matchAll(/"([A-Z0-9]+)[-/]([A-Z]+)"/g))
        pairs.add(`${base}/${quote}`);
    if (name === 'hyperliquid') pairs.add('BTC/USDC:USDC');
    this.#exchange.setMarkets(
      [...pairs].map((symbol) => {
        const [base = '', quote = ''] = symbol.split(/[/:]/);
        const id = idOf(name, symbol, base, quote);
        return this.#exchange.safeMarketStructure({
          id,
          symbol,
          base,
          quote,
          baseId: base,
          quoteId: quote,
          type: 'spot',
          spot: true,
          precision: { price: 0.01, amount: 1e-8 },
        });
      }),
    );
    this.#client = this.#exchange.client('wss://127.0.0.1:9');
  }

  begin(before: readonly Frame[]): void {
    this.#exchange.orderbooks = {};
    this.#exchange.trades = {};
    this.play(before);
  }

  play(frames: readonly Frame[]): void {
    const exchange = this.#exchange;
    const client = this.#client;
    for (const { text } of frames) exchange.handleMessage(client, JSON.parse(text));
  }
}

function idOf(exchange: string, symbol: string, base: string, quote: string): string {
  if (exchange.startsWith('coinbase')) return `${base}-${quote}`;
  if (exchange === 'kraken') return symbol;
  return exchange === 'hyperliquid' ? base : base + quote;
}
