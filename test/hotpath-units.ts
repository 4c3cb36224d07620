/**
 * hotpath-units: every @hotpath unit as a loop over messages, for hotpath-allocation.test.ts. Run as a program with the name
 * of a unit, in a process of its own with a small young generation, it prints how often the collector ran.
 *
 * Numbers are as large as real ones (times beyond 2^31), so that a boxed number shows as well as an object. What a caller
 * boxes is not the unit's garbage: a number beyond 2^31 that is handed to a function that V8 does not inline costs 16 bytes,
 * so times are handed in as a constant, or inside a record.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { gunzipSync } from 'node:zlib';
import { parseConfig } from '#src/config.js';
import { must } from '#src/domain/assert.js';
import { Book } from '#src/domain/book.js';
import { CommandKind, CoreRecord, EventKind, Outbox } from '#src/domain/core-record.js';
import { FAIR_DEFAULTS, planFairAssets } from '#src/domain/fair-price.js';
import { Rounding, mulDiv } from '#src/domain/fixed-point.js';
import type { Instrument } from '#src/domain/instrument.js';
import { IntentKind, OrderState, OrderType, Side, TimeInForce } from '#src/domain/order.js';
import { PAPER_LIMITS } from '#src/domain/risk.js';
import { ExecutionCore, outboxCapacity } from '#src/execution/execution-core.js';
import { EventPublisher } from '#src/execution/event-publisher.js';
import {
  BOARD_FAIR_WORDS,
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  TickFlag,
  TickKind,
  readBoardPosition,
  readEvent,
  blankBoardFair,
  blankTick,
  readIntent,
  readTick,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketBookNs,
  writeBoardFair,
  writeBoardPortfolio,
  writeBoardPosition,
  writeEvent,
  writeIntent,
  writeTick,
} from '#src/generated/hot.js';
import type { BoardPositionFields, TickFields } from '#src/generated/hot.js';
import { ClockWatch } from '#src/ingest/clock-watch.js';
import { FairPricer } from '#src/ingest/fair-pricer.js';
import { FeedConnection } from '#src/ingest/feed-connection.js';
import { SendWindow } from '#src/ingest/send-pacer.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import {
  GatingReader,
  RingWriter,
  TrailingReader,
  allocateRing,
  type RingSpec,
} from '#src/memory/ring.js';
import type { Socket } from '#src/ports/network.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';
import { Deadlines } from '#src/runtime/deadlines.js';
import { COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '#src/runtime/telemetry.js';
import { IntentRecord } from '#src/signal/intent-outbox.js';
import { SignalAgent } from '#src/signal/signal-agent.js';
import { SignalCore } from '#src/signal/signal-core.js';
import { emaCross } from '#src/signal/strategies/ema-cross.js';
import { SPOT, USDM, type BinanceMarket } from '#src/venues/binance/endpoints.js';
import { BinanceMarketFeed } from '#src/venues/binance/market-feed.js';
import { parseExchangeInstruments } from '#src/venues/coinbase/instruments.js';
import { CoinbaseMarketFeed } from '#src/venues/coinbase/market-feed.js';
import { DydxMarketFeed } from '#src/venues/dydx/market-feed.js';
import { HyperliquidMarketFeed } from '#src/venues/hyperliquid/market-feed.js';
import { CoinbaseExchangeMarketFeed } from '#src/venues/coinbase/market-feed-exchange.js';
import { FrameEntries } from '#src/venues/frame-entries.js';
import { KrakenMarketFeed } from '#src/venues/kraken/market-feed.js';
import { KrakenMarketFeedV1 } from '#src/venues/kraken/market-feed-v1.js';
import { COINBASE } from '#src/venues/registry.js';
import { MarketPublisher } from '#src/venues/market-publisher.js';
import { MarketBoard } from '#src/ingest/market-board.js';
import { PushBatch } from '#src/ingest/push-batch.js';
import { PushBuffer } from '#src/ingest/push-buffer.js';
import { BTC_USD } from './execution/core-driver.js';
import { BTC as dydxBtc, Wire } from './venues/dydx/dydx-rig.js';
import { batchBytes } from './ingest/push-bytes.js';
import type { PushedTick } from './ingest/push-bytes.js';
import { fixtureLines as binanceLines } from './venues/binance/binance-rig.js';
import { framesOf as krakenFramesOf, pairNamed } from './venues/kraken/kraken-rig.js';
import { CAPTURE, capturedLines, fixtureBytes, instrumentNamed } from './venues/feed-rig.js';
import {
  BTC as hyperliquidBtc,
  CAPTURE as HYPERLIQUID_CAPTURE,
  EPOCH_NS as HYPERLIQUID_EPOCH_NS,
  linesOf as hyperliquidLinesOf,
} from './venues/hyperliquid/hyperliquid-rig.js';

/** Puts that many messages through the unit; called several times, going on where it stopped. */
export type Run = (messages: number) => void;

export interface Unit {
  /** Builds everything; nothing that it allocates counts. */
  readonly start: () => Run;
}

/** A time of a run that has lasted for an hour and a half: no small integer. */
const START_NS = 5_400_000_000_000;
const SEQ_BEYOND_INT32 = 4_294_967_296 * 3;

function ringSpec(kinds: readonly ('gating' | 'trailing')[], slotBytes: 64 | 128 = 64): RingSpec {
  return {
    name: 'allocation',
    slotBytes,
    slotCount: 1024,
    readers: kinds.map((kind, index) => ({ name: `reader-${index}`, kind, wakeIndex: index })),
    writerRole: 'writer',
    schemaHashWord: 1,
    startSeq: 0x7fffffff - 500_000,
  };
}

function ring(
  kinds: readonly ('gating' | 'trailing')[],
  slotBytes: 64 | 128 = 64,
): { spec: RingSpec; buffer: SharedArrayBuffer; writer: RingWriter; wake: WakeWord } {
  const spec = ringSpec(kinds, slotBytes);
  const buffer = allocateRing(spec);
  const wakeBuffer = new SharedArrayBuffer(wakeBytes(kinds.length));
  return {
    spec,
    buffer,
    writer: new RingWriter(buffer, spec, wakeBuffer),
    wake: new WakeWord(wakeBuffer, 0),
  };
}

function check(isGood: boolean, what: string): void {
  if (!isGood) throw new Error(`the unit does not do what it should: ${what}`);
}

/** A walk of prices that crosses its own averages every few dozen trades. */
function nextTick(tick: TickFields, message: number): void {
  const wave = message % 400;
  const price = 6_000_000 + (wave < 200 ? wave * 20 : (400 - wave) * 20);
  tick.kind = message % 2 === 0 ? TickKind.Quote : TickKind.Trade;
  tick.priceMantissa = price;
  tick.sizeMantissa = 3_000_000_000 + (message % 1000);
  tick.askPriceMantissa = price + 10;
  tick.askSizeMantissa = 4_000_000_000 + (message % 1000);
  tick.venueNs = START_NS - 250_000 - (message % 1000);
  tick.recvNs = START_NS - (message % 1000);
  tick.venueSeq = SEQ_BEYOND_INT32 + message;
}

// ---- Memory.

const ringGating: Unit = {
  start: () => {
    const { spec, buffer, writer, wake } = ring(['gating']);
    const reader = new GatingReader(buffer, spec, 0);
    let value = 0;
    return (messages) => {
      for (let message = 0; message < messages; message++) {
        const slot = writer.claim();
        writer.i32[slot] = value++ | 0;
        if (message % 8 === 0) wake.arm();
        writer.publish();
        const found = reader.poll();
        check(reader.i32[found] === ((value - 1) | 0), 'the record comes back');
        reader.advance();
        if (message % 16 === 0) check(reader.poll() === -1, 'and then none');
      }
    };
  },
};

const ringTrailing: Unit = {
  start: () => {
    const { spec, buffer, writer } = ring(['trailing']);
    const reader = new TrailingReader(buffer, spec, 0);
    let value = 0;
    return (messages) => {
      for (let message = 0; message < messages; message++) {
        const slot = writer.claim();
        writer.i32[slot] = value++ | 0;
        writer.publish();
        // Every so often it is lapped, or passes over what there is.
        if (value % 8192 < 2048) continue;
        if (value % 8192 === 5000) reader.skipToEnd();
        reader.poll();
      }
      check(reader.readCount > 0 && reader.lappedCount > 0, 'read and lapped');
    };
  },
};

const ringBatch: Unit = {
  start: () => {
    const { spec, buffer, writer } = ring(['gating', 'trailing']);
    const gating = new GatingReader(buffer, spec, 0);
    const trailing = new TrailingReader(buffer, spec, 1);
    let value = 0;
    return (messages) => {
      for (let message = 0; message < messages; message += 8) {
        const slots = writer.claimBatch(8);
        for (let k = 0; k < slots; k++) writer.i32[writer.slotAt(k)] = value++ | 0;
        writer.publishBatch();
        for (let k = 0; k < slots; k++) {
          check(gating.poll() !== -1 && trailing.poll() !== -1, 'a batch comes back');
          gating.advance();
        }
      }
    };
  },
};

const records: Unit = {
  start: () => {
    const { spec, buffer, writer } = ring(['gating'], 128);
    const reader = new GatingReader(buffer, spec, 0);
    const tick = blankTick();
    const tickOut = blankTick();
    const intent = new IntentRecord();
    const intentOut = new IntentRecord();
    const event = new CoreRecord();
    const eventOut = new CoreRecord();
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        const slot = writer.claim();
        if (message % 3 === 0) {
          nextTick(tick, message);
          writeTick(writer.i32, slot, tick);
        } else if (message % 3 === 1) {
          intent.priceMantissa = START_NS + message;
          intent.emitNs = START_NS - message;
          intent.confidencePpm = message % 1_000_000;
          writeIntent(writer.i32, slot, intent);
        } else {
          event.orderSeq = SEQ_BEYOND_INT32 + message;
          event.valueMantissa = -START_NS - message;
          event.fillKey = Number.MAX_SAFE_INTEGER - message;
          writeEvent(writer.i32, slot, event);
        }
        writer.publish();
        const found = reader.poll();
        if (message % 3 === 0) {
          readTick(reader.i32, found, tickOut);
          check(tickOut.venueSeq === tick.venueSeq, 'tick');
        } else if (message % 3 === 1) {
          readIntent(reader.i32, found, intentOut);
          check(intentOut.priceMantissa === intent.priceMantissa, 'intent');
        } else {
          readEvent(reader.i32, found, eventOut);
          check(eventOut.valueMantissa === event.valueMantissa, 'event');
        }
        reader.advance();
      }
    };
  },
};

const board: Unit = {
  start: () => {
    const cells = new BoardCells(
      new SharedArrayBuffer(BoardCells.bytes(4, BOARD_POSITION_WORDS)),
      4,
      BOARD_POSITION_WORDS,
    );
    const fields = { sizeMantissa: 0 } as BoardPositionFields;
    const copy = new Int32Array(BOARD_POSITION_WORDS);
    readBoardPosition(copy, 0, fields);
    const out = { ...fields };
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        fields.sizeMantissa = START_NS + message;
        writeBoardPosition(cells.i32, cells.begin(message & 3), fields);
        cells.end(message & 3);
        check(cells.read(message & 3, copy), 'the cell is whole');
        readBoardPosition(copy, 0, out);
        check(out.sizeMantissa === fields.sizeMantissa, 'position');
      }
    };
  },
};

const counters: Unit = {
  start: () => {
    const block = new CounterBlock(new SharedArrayBuffer(CounterBlock.bytes(1, 8)), 0, 8);
    block.set(3, 4_294_967_000);
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        block.add(message & 3);
        block.add(3, 5_000);
        block.set(5, START_NS + message);
        check(block.get(5) === START_NS + message, 'counter');
      }
    };
  },
};

const histogram: Unit = {
  start: () => {
    const one = new SharedHistogram(new SharedArrayBuffer(SharedHistogram.bytes(1)), 0);
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        one.record(message % 5_000_000);
        one.record(message % 2_000_000_000);
      }
    };
  },
};

// ---- Ticks.

/** Frames of the capture that change something, for each length of the sequence number: 1 to 7 digits. */
function frameTexts(): { first: Buffer[]; frames: Buffer[][]; digitsAt: number[] } {
  const texts = capturedLines(`${CAPTURE}.jsonl.gz`)
    .filter(({ dir }) => dir === 'in')
    .map(({ raw }) => raw);
  const isFirst = (text: string): boolean => text.includes('"snapshot"');
  const rest = texts.filter((text) => !isFirst(text) && !text.includes('"subscriptions"'));
  const marker = '"sequence_num":';
  return {
    first: texts
      .filter(isFirst)
      .map((text, seq) => Buffer.from(text.replace(/"sequence_num":\d+/, `${marker}${seq}`))),
    frames: Array.from({ length: 8 }, (_, digits) =>
      rest.map((text) =>
        Buffer.from(text.replace(/"sequence_num":\d+/, marker + '1'.repeat(digits))),
      ),
    ),
    digitsAt: rest.map((text) => text.indexOf(marker) + marker.length),
  };
}

function digitsOf(seq: number): number {
  let digits = 1;
  for (let rest = seq; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}

const marketFeed: Unit = {
  start: () => {
    const { writer } = ring(['trailing']);
    const { first, frames, digitsAt } = frameTexts();
    const codes: string[] = [];
    const feed = new CoinbaseMarketFeed({
      instruments: ['BTC-USD', 'ETH-USD'].map((symbol, index) =>
        instrumentNamed(symbol, index, 2, 8),
      ),
      ticks: writer,
      rejects: { reject: (code) => codes.push(code) },
      runEpochNs: 1_786_309_548_000_000_000n,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    feed.onConnected();
    for (const frame of first) feed.onFrame(frame, START_NS);
    let seq = first.length;
    let next = 0;
    return (messages) => {
      // A message is what goes into the ring: a tick. A frame gives several.
      const end = writer.publishedCount + messages;
      const seqBefore = seq;
      while (writer.publishedCount < end) {
        const digits = digitsOf(seq);
        const frame = (frames[digits] as Buffer[])[next] as Buffer;
        let at = (digitsAt[next] as number) + digits - 1;
        for (let rest = seq; at >= (digitsAt[next] as number); at--) {
          frame[at] = 48 + (rest % 10);
          rest = Math.floor(rest / 10);
        }
        feed.onFrame(frame, START_NS);
        seq++;
        next = next + 1 === digitsAt.length ? 0 : next + 1;
      }
      check(!feed.needsResubscribe && codes.length === 0, `frames are understood: ${codes[0]}`);
      check(seq - seqBefore > messages / 20, 'frames are short');
    };
  },
};

/** A whole connection: the same frames through the watches, to ticks and board, and a duty cycle after each. */
const feedConnection: Unit = {
  start: () => {
    const { writer } = ring(['trailing']);
    const { first, frames, digitsAt } = frameTexts();
    const boards = new SharedArrayBuffer(BoardCells.bytes(2, BOARD_MARKET_WORDS));
    const config = { ...parseConfig({}).feed, framesPerSecondMax: Infinity };
    const socket: Socket = {
      send: () => undefined,
      ping: () => undefined,
      close: () => undefined,
      bufferedBytes: 0,
      receivedBytes: 0,
    };
    const told: string[] = [];
    const connection = new FeedConnection({
      venue: COINBASE,
      instruments: ['BTC-USD', 'ETH-USD'].map((symbol, index) =>
        instrumentNamed(symbol, index, 2, 8),
      ),
      place: 0,
      wsUrl: 'ws://nowhere',
      restUrl: 'http://nowhere',
      config,
      tickWriter: writer,
      board: new MarketBoard(new BoardCells(boards, 2, BOARD_MARKET_WORDS)),
      telemetry: telemetry(),
      clock: { runEpochNs: 1_786_309_548_000_000_000n, nowNs: () => START_NS },
      network: { dial: () => socket, request: () => undefined, close: () => undefined },
      sendWindow: new SendWindow(8),
      clockWatch: new ClockWatch(config),
      random: undefined,
      host: { poke: () => undefined, fail: () => undefined },
      onChange: ({ detail, to }) => told.push(`${to} ${detail}`),
      onClockJump: () => told.push('jump'),
    });
    connection.start(START_NS);
    connection.onOpen();
    for (const frame of first) connection.onFrame(frame, START_NS);
    let seq = first.length;
    let next = 0;
    return (messages) => {
      const end = writer.publishedCount + messages;
      while (writer.publishedCount < end) {
        const digits = digitsOf(seq);
        const frame = (frames[digits] as Buffer[])[next] as Buffer;
        let at = (digitsAt[next] as number) + digits - 1;
        for (let rest = seq; at >= (digitsAt[next] as number); at--) {
          frame[at] = 48 + (rest % 10);
          rest = Math.floor(rest / 10);
        }
        connection.onFrame(frame, START_NS);
        connection.doWork(START_NS);
        seq++;
        next = next + 1 === digitsAt.length ? 0 : next + 1;
      }
      check(told.length === 2, `connected and quiet: ${told.join(', ')}`);
    };
  },
};

/** The old Exchange feed: every message that changes something, its sequence above the last one. */
const exchangeFeed: Unit = {
  start: () => {
    const { writer } = ring(['trailing']);
    const bytes = fixtureBytes('exchange/cf2021_rest_products.jsonl.gz');
    const list = JSON.parse(gunzipSync(bytes).toString('utf8')) as { raw: string };
    const texts = capturedLines('exchange/cf2021_level2_ticker_matches.jsonl.gz')
      .filter(({ dir }) => dir === 'in')
      .map(({ raw }) => raw);
    const isFirst = (text: string): boolean => /"type":"(snapshot|last_match)"/.test(text);
    const marker = '"sequence":';
    const frames = texts
      .filter((text) => !isFirst(text) && !text.includes('"subscriptions"'))
      .map((text) => text.replace(/"sequence":\d+/, `${marker}200000000000`));
    const buffers = frames.map((text) => Buffer.from(text));
    /** Of the last of its twelve digits; 10: the message has no sequence. */
    const lastDigits = frames.map((text) => text.indexOf('200000000000') + 11);
    const codes: string[] = [];
    const feed = new CoinbaseExchangeMarketFeed({
      instruments: parseExchangeInstruments(list.raw).instruments,
      ticks: writer,
      rejects: { reject: (code) => codes.push(code) },
      runEpochNs: 1_618_677_816_000_000_000n,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    feed.onConnected();
    for (const text of texts.filter(isFirst)) feed.onFrame(Buffer.from(text), START_NS);
    // A product whose snapshot the capture does not have says so once.
    codes.length = 0;
    let next = 0;
    let seq = 0;
    return (messages) => {
      const end = writer.publishedCount + messages;
      while (writer.publishedCount < end) {
        const frame = buffers[next] as Buffer;
        const lastDigit = lastDigits[next] as number;
        let rest = ++seq;
        for (let at = lastDigit; at > lastDigit - 9 && lastDigit > 11; at--) {
          frame[at] = 48 + (rest % 10);
          rest = Math.floor(rest / 10);
        }
        feed.onFrame(frame, START_NS);
        next = next + 1 === buffers.length ? 0 : next + 1;
      }
      check(codes.length === 0, `frames are understood: ${codes[0]}`);
    };
  },
};

/** A capture again and again from its snapshot, every checksum compared; ticks are the messages. */
function krakenUnit(
  create: typeof KrakenMarketFeed | typeof KrakenMarketFeedV1,
  texts: readonly string[],
  instruments: readonly Instrument[],
  depth: number,
  runEpochNs: bigint,
): Unit {
  return {
    start: () => {
      const { writer } = ring(['trailing']);
      const codes: string[] = [];
      const feed = new create({
        instruments,
        ticks: writer,
        rejects: { reject: (code) => codes.push(code) },
        runEpochNs,
        levelsMax: 20,
        snapshotLevelsMax: 20,
        tradesInTimeOrder: true,
        depth,
      });
      feed.onConnected();
      const frames = texts.map((text) => Buffer.from(text));
      let next = 0;
      return (messages) => {
        const end = writer.publishedCount + messages;
        const compared = feed.comparedCount;
        while (writer.publishedCount < end) {
          feed.onFrame(frames[next] as Buffer, START_NS);
          next = next + 1 === frames.length ? 0 : next + 1;
        }
        check(codes.length === 0, `frames are understood: ${codes[0]}`);
        check(feed.comparedCount - compared > messages / 10, 'checksums are compared');
      };
    },
  };
}

const BINANCE_FRAMES = 3_000;

/** A diff that gives every level that others touch the size that it has in the snapshot. */
function diffBack(snapshot: string, raws: readonly string[]): string {
  type Levels = readonly (readonly [price: string, size: string])[];
  const body = JSON.parse(snapshot) as { bids: Levels; asks: Levels };
  const back = { b: new Map<string, string>(), a: new Map<string, string>() };
  let last = '';
  for (const raw of raws.filter((one) => one.includes('"depthUpdate"'))) {
    const { data } = JSON.parse(raw) as { data: { b: Levels; a: Levels } };
    for (const side of ['b', 'a'] as const) {
      for (const [price] of data[side]) back[side].set(price, '0');
    }
    last = raw;
  }
  for (const [side, levels] of [
    ['b', body.bids],
    ['a', body.asks],
  ] as const) {
    for (const [price, size] of levels) if (back[side].has(price)) back[side].set(price, size);
  }
  const frame = JSON.parse(last) as { data: object };
  return JSON.stringify({ ...frame, data: { ...frame.data, b: [...back.b], a: [...back.a] } });
}

/**
 * Captured frames of a Binance venue. Each diff gets the next id, in as many digits as it has: every one is applied, as on a
 * connection that lives for weeks.
 */
function binanceUnit(market: BinanceMarket, symbol: string, capture: string): Unit {
  return {
    start: () => {
      const { writer } = ring(['trailing']);
      const codes: string[] = [];
      const feed = new BinanceMarketFeed(market, {
        instruments: [{ ...instrumentNamed(symbol, 0, 2, 8), venue: market.venue }],
        ticks: writer,
        rejects: { reject: (code) => codes.push(code) },
        runEpochNs: 1_723_161_254_000_000_000n,
        levelsMax: 20,
        snapshotLevelsMax: 20,
        tradesInTimeOrder: true,
      });
      feed.onConnected();
      const ids = Float64Array.of(50_000_000_000);
      const id = 50_000_000_000;
      const lines = binanceLines(capture);
      const bodyAt = lines.findIndex(({ dir }) => dir === 'http');
      const body = must(lines[bodyAt]?.raw, 'snapshot');
      const raws = lines.slice(bodyAt + 1, bodyAt + 1 + BINANCE_FRAMES).map(({ raw }) => raw);
      // The frames come again and again, so the last one takes the book back to where it began.
      raws.push(diffBack(body, raws));
      const texts = raws.map((raw) =>
        raw.replace(/"(U|u|pu)":\d+/g, (_, key: string) => `"${key}":${id}`),
      );
      const frames = texts.map((text) => Buffer.from(text));
      // Where the ids of a diff end; 0: none, it is no diff.
      const endOf = (text: string, key: string): number =>
        text.includes('"depthUpdate"') && text.includes(`"${key}":`)
          ? text.indexOf(`"${key}":`) + key.length + 3 + String(id).length
          : 0;
      const firstEnds = texts.map((text) => endOf(text, 'U'));
      const lastEnds = texts.map((text) => endOf(text, 'u'));
      const previousEnds = texts.map((text) => endOf(text, 'pu'));
      const write = (frame: Uint8Array, end: number): void => {
        let rest = ids[0] as number;
        for (let at = end - 1; rest >= 1; at--) {
          frame[at] = 48 + (rest % 10);
          rest = Math.floor(rest / 10);
        }
      };
      const begin = firstEnds.findIndex((end) => end > 0);
      feed.onFrame(must(frames[begin], 'diff'), START_NS);
      const snapshot = body.replace(/"lastUpdateId":\d+/, `"lastUpdateId":${id}`);
      feed.onBody(`?symbol=${symbol}`, Buffer.from(snapshot), START_NS);
      let next = 0;
      return (messages) => {
        const end = writer.publishedCount + messages;
        while (writer.publishedCount < end) {
          const frame = frames[next] as Buffer;
          const lastEnd = lastEnds[next] as number;
          if (lastEnd > 0) {
            if ((previousEnds[next] as number) > 0) write(frame, previousEnds[next] as number);
            ids[0] = (ids[0] as number) + 1;
            write(frame, firstEnds[next] as number);
            write(frame, lastEnd);
          }
          feed.onFrame(frame, START_NS);
          next = next + 1 === frames.length ? 0 : next + 1;
        }
        check(codes.length === 0, `frames are understood: ${codes[0]}`);
        check(feed.markets[0]?.staleReason === 0, 'the book lives');
      };
    },
  };
}

const krakenFeed = krakenUnit(
  KrakenMarketFeed,
  [
    ...krakenFramesOf('v2/fb2026_book10_trade_ETH-USD'),
    ...krakenFramesOf('v2/samples_live_frames').filter((text) => text.includes('"ticker","type"')),
  ].filter((text) => text.startsWith('{"channel"')),
  [pairNamed('ETH/USD', 0, 2), pairNamed('ALGO/USD', 1, 5)],
  10,
  // Between the capture and the ticker, so that both are within the 104 days that a number holds.
  1_787_000_000_000_000_000n,
);

const krakenFeedV1 = krakenUnit(
  KrakenMarketFeedV1,
  ['book1000', 'trade', 'ticker']
    .flatMap((kind) => krakenFramesOf(`v1/cf2021_${kind}`))
    .filter((text) => text.startsWith('['))
    // Levels that are older than 104 days have times that no number holds: rare, and slow.
    .map((text) => text.replace(/"1[56]\d{8}\.(\d{6})"/g, '"1618678133.$1"')),
  ['XMR/USD 2', 'WAVES/EUR 4', 'ETH/CHF 2', 'ADA/XBT 8', 'GRT/ETH 7'].map((pair, index) => {
    const [symbol = '', scale] = pair.split(' ');
    return pairNamed(symbol, index, Number(scale));
  }),
  1000,
  1_618_678_132_000_000_000n,
);

/** A dYdX connection: levels alone and in batches, trades, marks, and now and then a level that crosses for a message. */
const dydxFeed: Unit = {
  start: () => {
    const { writer } = ring(['trailing']);
    const wire = new Wire();
    const first = [
      wire.connected(),
      wire.book([['99', '1']], [['101', '1']]),
      wire.subscribed('v4_trades', { trades: [] }),
      wire.subscribed('v4_markets', { markets: {} }),
    ].map((frame) => Buffer.from(JSON.stringify(frame)));
    const mark = { oraclePrice: '68526.44763', effectiveAt: '2026-09-17T19:18:42.257Z' };
    const trade = (event: number): object => ({
      ...{ id: `064f039000000002${String(event).padStart(8, '0')}`, side: 'SELL', size: '0.0002' },
      ...{ price: '100', type: 'LIMIT', createdAt: '2026-09-17T19:18:42.257Z' },
      createdAtHeight: '105841552',
    });
    const frames: object[] = [];
    for (let at = 0; at < 400; at++) {
      const pair = (best: number): [string, string] => [
        String(best + (at % 8) * (best < 100 ? -1 : 1)),
        at % 3 === 0 ? '0' : `${at}.0625`,
      ];
      if (at % 50 === 49) frames.push(wire.levels({ bids: [['101', '0.5']] }));
      if (at % 50 === 49) frames.push(wire.levels({ bids: [['101', '0']] }));
      if (at % 20 === 0)
        frames.push(wire.data('v4_markets', { oraclePrices: { 'BTC-USD': mark } }));
      if (at % 10 === 0)
        frames.push(wire.data('v4_trades', { trades: [trade(at), trade(at + 1)] }));
      if (at % 7 === 0)
        frames.push(wire.data('v4_orderbook', [{ asks: [pair(101)] }, { bids: [pair(99)] }]));
      frames.push(wire.levels({ bids: [pair(99)], asks: [pair(101), ['101', '1']] }));
    }
    const marker = '"message_id":';
    const texts = frames.map((frame) => JSON.stringify(frame));
    const numbered = Array.from({ length: 10 }, (_, digits) =>
      texts.map((text) =>
        Buffer.from(text.replace(/"message_id":\d+/, marker + '1'.repeat(digits))),
      ),
    );
    const digitsAt = texts.map((text) => text.indexOf(marker) + marker.length);
    const codes: string[] = [];
    const feed = new DydxMarketFeed({
      instruments: [dydxBtc],
      ticks: writer,
      rejects: { reject: (code) => codes.push(code) },
      runEpochNs: 1_789_672_000_000_000_000n,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    feed.onConnected();
    for (const frame of first) feed.onFrame(frame, START_NS);
    let seq = first.length;
    let next = 0;
    return (messages) => {
      const end = writer.publishedCount + messages;
      while (writer.publishedCount < end) {
        const digits = digitsOf(seq);
        const frame = (numbered[digits] as Buffer[])[next] as Buffer;
        let at = (digitsAt[next] as number) + digits - 1;
        for (let rest = seq; at >= (digitsAt[next] as number); at--) {
          frame[at] = 48 + (rest % 10);
          rest = Math.floor(rest / 10);
        }
        feed.onFrame(frame, START_NS);
        seq++;
        next = next + 1 === digitsAt.length ? 0 : next + 1;
      }
      check(!feed.needsResubscribe && codes.length === 0, `frames are understood: ${codes[0]}`);
    };
  },
};

/** Hyperliquid: the captured books and trades, and the other kinds as the venue writes them. */
const hyperliquidFeed: Unit = {
  start: () => {
    const { writer } = ring(['trailing']);
    const captured = hyperliquidLinesOf(HYPERLIQUID_CAPTURE).map(({ raw }) => raw);
    const reordered = captured
      .filter((text) => text.includes('"l2Book"'))
      .map((text) => {
        const { data } = JSON.parse(text) as {
          data: { coin: string; time: number; levels: unknown };
        };
        return JSON.stringify({
          channel: 'l2Book',
          data: { coin: data.coin, time: data.time, levels: data.levels },
        }).replaceAll(/\{"n":(\d+),("px":"[^"]*"),("sz":"[^"]*")\}/g, '{$2,$3,"n":$1}');
      });
    const others = hyperliquidLinesOf('samples_live_frames')
      .map(({ raw }) => raw)
      .filter((text) => /"channel":"(bbo|activeAssetCtx|trades)"/.test(text))
      // Within 104 days of the capture.
      .map((text) => text.replaceAll(/"time":\d+/g, '"time":1737918843542'));
    const frames = [...captured, ...reordered.flatMap((text) => [text, ...others])].map((text) =>
      Buffer.from(text),
    );
    const codes: string[] = [];
    const feed = new HyperliquidMarketFeed({
      instruments: [hyperliquidBtc],
      ticks: writer,
      rejects: { reject: (code) => codes.push(code) },
      runEpochNs: HYPERLIQUID_EPOCH_NS,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      tradesInTimeOrder: true,
    });
    feed.onConnected();
    let next = 0;
    return (messages) => {
      const end = writer.publishedCount + messages;
      while (writer.publishedCount < end) {
        feed.onFrame(frames[next] as Buffer, START_NS);
        next = next + 1 === frames.length ? 0 : next + 1;
      }
      check(codes.length === 0, `frames are understood: ${codes[0]}`);
      check(feed.markets[0]?.staleReason === 0, 'the book is fresh');
    };
  },
};

const book: Unit = {
  start: () => {
    const one = new Book(1000);
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        const offset = Math.imul(message, 0x9e3779b1) >>> 22;
        const size = message % 3 === 0 ? 0 : 2_000_000_000 + offset;
        one.bids.set(2_000_000_000 - offset, size);
        one.asks.set(2_000_000_001 + offset, size);
        check(!one.isCrossed, 'not crossed');
      }
    };
  },
};

/** Two venues and a rate; one top moves per message, and every message is due. */
const fairPricer: Unit = {
  start: () => {
    const instruments = ['BTC-USD', 'BTC-USDT', 'USDT-USD'].map((symbol, index) => ({
      ...instrumentNamed(symbol, index, 2, 8),
      base: symbol.split('-')[0] ?? '',
      quote: symbol.split('-')[1] ?? '',
    }));
    const boardOf = (count: number, words: number): BoardCells =>
      new BoardCells(new SharedArrayBuffer(BoardCells.bytes(count, words)), count, words);
    const markets = boardOf(instruments.length, BOARD_MARKET_WORDS);
    const fair = boardOf(2, BOARD_FAIR_WORDS);
    const pricer = new FairPricer({
      assets: planFairAssets(instruments),
      instrumentCount: instruments.length,
      config: { ...FAIR_DEFAULTS, intervalMinMs: 0, intervalMaxMs: 0 },
      boardMarkets: markets,
      boardFair: fair,
      telemetry: telemetry(),
    });
    const set = (index: number, bid: number): void => {
      const base = markets.begin(index);
      setBoardLevelPriceMantissa(markets.i32, base + BOARD_MARKET_BIDS_WORD, bid);
      setBoardLevelSizeMantissa(markets.i32, base + BOARD_MARKET_BIDS_WORD, 3_000_000_000);
      setBoardLevelPriceMantissa(markets.i32, base + BOARD_MARKET_ASKS_WORD, bid + 1);
      setBoardLevelSizeMantissa(markets.i32, base + BOARD_MARKET_ASKS_WORD, 3_000_000_000);
      setBoardMarketBidCount(markets.i32, base, 1);
      setBoardMarketAskCount(markets.i32, base, 1);
      setBoardMarketBookNs(markets.i32, base, START_NS);
      markets.end(index);
    };
    set(1, 6_000_000);
    set(2, 100);
    const copy = new Int32Array(BOARD_FAIR_WORDS);
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        set(message & 1, 6_000_000 + (message % 1000));
        check(pricer.onTime(START_NS) === 2, 'both are due');
        check(fair.read(1, copy), 'the cell is whole');
        check(copy[11] === 3 && copy[15] === 0, 'both venues take part');
      }
    };
  },
};

// ---- Strategy.

/** Every intent is refused at once, so that the strategy asks again and again. */
function refuse(core: SignalCore, event: CoreRecord): void {
  event.reset(EventKind.IntentRefused);
  event.nowNs = START_NS;
  core.onOrderEvent(event, START_NS);
}

const signalCore: Unit = {
  start: () => {
    const strategy = emaCross.create({ instruments: [BTC_USD], params: { spreadBpsMax: 100 } });
    const core = new SignalCore([BTC_USD], [{ strategyIndex: 0, strategy }]);
    const tick = blankTick();
    const event = new CoreRecord();
    tick.kind = TickKind.State;
    core.onTick(tick, START_NS);
    let message = 0;
    let intents = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        nextTick(tick, message);
        core.onTick(tick, START_NS);
        if (core.outbox.count === 0) continue;
        intents += core.outbox.count;
        core.outbox.clear();
        refuse(core, event);
        core.resync(0, intents % 2 === 0 ? 0 : 3_000_000_000, 0);
      }
      check(intents > messages / 1000, `the strategy asks: intents=${intents}`);
    };
  },
};

const signalAgent: Unit = {
  start: () => {
    const ticks = ring(['trailing']);
    const events = ring(['trailing'], 128);
    const intents = ring(['gating'], 128);
    const reader = new GatingReader(intents.buffer, intents.spec, 0);
    const positions = new BoardCells(
      new SharedArrayBuffer(BoardCells.bytes(1, BOARD_POSITION_WORDS)),
      1,
      BOARD_POSITION_WORDS,
    );
    const portfolio = new BoardCells(
      new SharedArrayBuffer(BoardCells.bytes(1, BOARD_PORTFOLIO_WORDS)),
      1,
      BOARD_PORTFOLIO_WORDS,
    );
    portfolio.i32.fill(0);
    const base = portfolio.begin(0);
    writeBoardPortfolio(portfolio.i32, base, {
      ...({} as Parameters<typeof writeBoardPortfolio>[2]),
      tradingState: 1,
    });
    portfolio.end(0);
    const fair = new BoardCells(
      new SharedArrayBuffer(BoardCells.bytes(1, BOARD_FAIR_WORDS)),
      1,
      BOARD_FAIR_WORDS,
    );
    const fairFields = { ...blankBoardFair(), priceMantissa: START_NS, confidencePpm: 500_000 };
    const agent = new SignalAgent({
      roleName: 'signal',
      instruments: [BTC_USD],
      seats: [
        {
          strategyIndex: 0,
          strategy: emaCross.create({ instruments: [BTC_USD], params: { spreadBpsMax: 100 } }),
        },
      ],
      ticks: new TrailingReader(ticks.buffer, ticks.spec, 0),
      events: new TrailingReader(events.buffer, events.spec, 0),
      intents: intents.writer,
      boardFair: fair,
      boardPositions: positions,
      boardPortfolio: portfolio,
      telemetry: telemetry(),
      nowNs: () => START_NS,
    });
    agent.doWork(START_NS);
    const tick = blankTick();
    const event = new CoreRecord();
    tick.kind = TickKind.State;
    writeTick(ticks.writer.i32, ticks.writer.claim(), tick);
    ticks.writer.publish();
    let message = 0;
    let asked = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        nextTick(tick, message);
        writeTick(ticks.writer.i32, ticks.writer.claim(), tick);
        ticks.writer.publish();
        writeBoardFair(fair.i32, fair.begin(0), fairFields);
        fair.end(0);
        agent.doWork(START_NS);
        while (reader.poll() !== -1) {
          reader.advance();
          asked++;
          event.reset(EventKind.IntentRefused);
          event.nowNs = START_NS;
          writeEvent(events.writer.i32, events.writer.claim(), event);
          events.writer.publish();
        }
      }
      check(asked > messages / 1000, `the strategy asks: intents=${asked}`);
    };
  },
};

function telemetry(): Telemetry {
  const block = new CounterBlock(
    new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
    0,
    COUNTERS_PER_BLOCK,
  );
  const buffer = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  return new Telemetry(
    block,
    HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(buffer, index)),
  );
}

// ---- Execution.

interface Execution {
  readonly core: ExecutionCore;
  readonly outbox: Outbox;
  readonly input: CoreRecord;
  /** Applies `input` with nothing kept from before. */
  readonly apply: () => void;
}

function execution(): Execution {
  const core = new ExecutionCore({
    instruments: [BTC_USD],
    limits: PAPER_LIMITS,
    fees: { makerPpm: 0, takerPpm: 500 },
    stopPolicy: 'cancel',
    orderSlots: 128,
    answerTimeoutMs: 5000,
  });
  const outbox = new Outbox(outboxCapacity(128, 1));
  const input = new CoreRecord();
  const apply = (): void => {
    outbox.clear();
    core.apply(input, outbox);
  };
  const give = (kind: EventKind, fields: Partial<CoreRecord>): void => {
    input.reset(kind);
    input.nowNs = START_NS;
    Object.assign(input, fields);
    apply();
  };
  give(EventKind.RunStarted, { aux: 7 });
  give(EventKind.VenueSession, { state: 1 });
  for (const currency of core.currencies) {
    give(EventKind.ReconcileBalance, {
      aux: currency.index,
      valueMantissa: (currency.code === 'USD' ? 10_000 : 0) * 1e8,
      emitNs: START_NS,
    });
  }
  give(EventKind.ReconcileDone, {});
  give(EventKind.MarketState, {});
  give(EventKind.Mark, { priceMantissa: 6_000_000, valueMantissa: 6_000_010 });
  return { core, outbox, input, apply };
}

/** A buy that rests; the time moves so that the rate limit never bites. */
function fillIntent(input: CoreRecord, nowNs: number, sizeMantissa: number): void {
  input.reset(EventKind.Intent);
  input.nowNs = nowNs;
  input.state = IntentKind.Place;
  input.side = Side.Buy;
  input.orderType = OrderType.Limit;
  input.timeInForce = TimeInForce.Gtc;
  input.priceMantissa = 5_999_000;
  input.sizeMantissa = sizeMantissa;
  input.valueMantissa = 6_000_005;
  input.cumSizeMantissa = 6_000_000;
  input.feeMantissa = 6_000_010;
  input.tickRecvNs = nowNs - 50_000;
  input.tickVenueNs = nowNs - 900_000;
  input.emitNs = nowNs - 10_000;
}

const coreRefused: Unit = {
  start: () => {
    const { outbox, input, apply } = execution();
    const clock = new Float64Array([START_NS]);
    return (messages) => {
      let nowNs = clock[0] as number;
      for (let message = 0; message < messages; message++) {
        nowNs += 60_000_000;
        // A hundred bitcoins: beyond every limit.
        fillIntent(input, nowNs, 10_000_000_000);
        apply();
        check(outbox.records[0]?.kind === EventKind.IntentRefused, 'refused');
      }
      clock[0] = nowNs;
    };
  },
};

const coreMarks: Unit = {
  start: () => {
    const { input, apply } = execution();
    const clock = new Float64Array([START_NS]);
    return (messages) => {
      let nowNs = clock[0] as number;
      for (let message = 0; message < messages; message++) {
        nowNs += 1_000_000;
        input.reset(EventKind.Mark);
        input.nowNs = nowNs;
        input.priceMantissa = 6_000_000 + (message % 100);
        input.valueMantissa = 6_000_010 + (message % 100);
        apply();
      }
      clock[0] = nowNs;
    };
  },
};

/** Four inputs per order: intent, acknowledgement, cancel by command, end. Each input is a message. */
const coreOrders: Unit = {
  start: () => {
    const { core, outbox, input, apply } = execution();
    const clock = new Float64Array([START_NS]);
    return (messages) => {
      let nowNs = clock[0] as number;
      for (let message = 0; message < messages; message += 4) {
        nowNs += 60_000_000;
        fillIntent(input, nowNs, 100_000);
        apply();
        const sent = must(outbox.records[0], 'output');
        check(sent.kind === EventKind.OrderSend, 'approved');
        const orderSeq = sent.orderSeq;
        input.reset(EventKind.VenueAccepted);
        input.nowNs = nowNs + 1000;
        input.orderSeq = orderSeq;
        apply();
        input.reset(EventKind.Command);
        input.nowNs = nowNs + 2000;
        input.state = CommandKind.CancelAll;
        apply();
        input.reset(EventKind.VenueStatus);
        input.nowNs = nowNs + 3000;
        input.orderSeq = orderSeq;
        input.state = OrderState.Canceled;
        apply();
        check(core.openOrderCount === 0, 'canceled');
      }
      clock[0] = nowNs;
    };
  },
};

const eventPublisher: Unit = {
  start: () => {
    const { spec, buffer, writer } = ring(['gating'], 128);
    const reader = new GatingReader(buffer, spec, 0);
    const publisher = new EventPublisher(writer);
    const record = new CoreRecord();
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        record.reset(EventKind.OrderChanged);
        record.seq = SEQ_BEYOND_INT32 + message;
        record.nowNs = START_NS + message;
        publisher.publish(record);
        check(reader.poll() !== -1, 'published');
        reader.advance();
      }
    };
  },
};

/** One order under way at a time, its deadline set anew twice and then cleared, as the agent does. */
const deadlines: Unit = {
  start: () => {
    const wheel = new Deadlines(1024);
    let message = 0;
    return (messages) => {
      for (const end = message + messages; message < end; message++) {
        const orderSeq = SEQ_BEYOND_INT32 + message;
        wheel.set(orderSeq, START_NS + message * 1000);
        wheel.set(orderSeq, START_NS + message * 1000 + 500);
        if (message % 2 === 0) wheel.clear(orderSeq);
        wheel.takeDue(START_NS + message * 1000 + 900);
        check(wheel.size === 0, 'nothing waits');
      }
    };
  },
};

const fixedPoint: Unit = {
  start: () => {
    let message = 0;
    return (messages) => {
      let sum = 0;
      for (const end = message + messages; message < end; message++) {
        sum += mulDiv(6_000_000_000 + message, 300_000 + (message % 100), 1000, Rounding.Floor);
        if (sum > 1e15) sum = 0;
      }
      check(sum >= 0, 'sum');
    };
  },
};

/** Batches of 64 ticks: levels and trades of one instrument, quotes of another. A tick is a message. */
const pushedBatches: Unit = {
  start: () => {
    const { spec, buffer, writer } = ring(['trailing']);
    const reader = new TrailingReader(buffer, spec, 0);
    const epochNs = 1_790_000_000_123_456_789n;
    const pushBuffer = new PushBuffer(8192);
    const limits = { batchTicksMax: 64, aheadMaxNs: 1e10, ageMaxNs: 86_400e9 };
    const batch = new PushBatch(pushBuffer, epochNs, limits, 2);
    const entries = new FrameEntries(epochNs);
    const publisher = new MarketPublisher({
      ticks: writer,
      levelsMax: 20,
      snapshotLevelsMax: 20,
      crossedIsStale: true,
      tradesInTimeOrder: false,
      booksStartEmpty: false,
      onBookBroken: () => undefined,
    });
    for (const index of [0, 1]) publisher.addMarket({ ...BTC_USD, index });
    const cells = new SharedArrayBuffer(BoardCells.bytes(2, BOARD_MARKET_WORDS));
    const marketBoard = new MarketBoard(new BoardCells(cells, 2, BOARD_MARKET_WORDS));
    const mapping = { places: Int32Array.of(0, 1), books: Uint8Array.of(0, 1) };
    const venueEpochNs = epochNs + BigInt(START_NS) - 250_000n;
    const bid = (price: number, size: number): PushedTick => ({
      kind: TickKind.Level,
      price,
      size,
      venueEpochNs,
      venueSeq: SEQ_BEYOND_INT32,
    });
    const snapshot: PushedTick[] = [{ kind: TickKind.SnapshotBegin, venueEpochNs }];
    for (let level = 0; level < 40; level++) snapshot.push(bid(6_000_000 - level, 3_000_000_000));
    pushBuffer.begin(batchBytes(1, snapshot));
    check(batch.read() === 0 && batch.check(mapping, START_NS) === 0, batch.detail);
    batch.apply(mapping, publisher, entries, START_NS);
    const ticks: PushedTick[] = [];
    while (ticks.length < 64) {
      const at = ticks.length;
      if (at % 3 === 0) {
        const side = { ...bid(6_000_000 - (at % 40), at % 2 === 0 ? 0 : 4_000_000_000) };
        ticks.push(at % 4 === 0 ? { ...side, flags: TickFlag.LastOfFrame } : side);
      } else if (at % 3 === 1) {
        ticks.push({ ...bid(6_000_001, 5_000_000_000), kind: TickKind.Trade });
      } else {
        const quote = { ...bid(6_000_000 + at, 3_000_000_000 + at), kind: TickKind.Quote };
        const flags = TickFlag.LastOfFrame;
        ticks.push({ ...quote, askPrice: 6_100_000, askSize: 1_000 + at, flags, instrument: 1 });
      }
    }
    const bytes = batchBytes(SEQ_BEYOND_INT32, ticks);
    return (messages) => {
      for (let message = 0; message < messages; message += 64) {
        pushBuffer.begin(bytes);
        check(batch.read() === 0 && batch.check(mapping, START_NS) === 0, batch.detail);
        batch.apply(mapping, publisher, entries, START_NS);
        for (let place = 0; place < 2; place++) {
          marketBoard.update(must(publisher.markets[place], 'market'));
        }
        while (reader.poll() !== -1);
      }
    };
  },
};

// ---- The counting itself: a unit that leaves garbage must be caught.

const SINK: (object | undefined)[] = [undefined];

const anObjectPerMessage: Unit = {
  start: () => (messages) => {
    for (let message = 0; message < messages; message++) SINK[0] = { message };
  },
};

class Boxed {
  value: number | string = 0;
}

const aNumberBoxPerMessage: Unit = {
  start: () => {
    const box = new Boxed();
    box.value = 'none';
    return (messages) => {
      for (let message = 0; message < messages; message++) box.value = START_NS + message;
    };
  },
};

export const UNITS: Readonly<Record<string, Unit>> = {
  'ring, gating reader': ringGating,
  'ring, trailing reader': ringTrailing,
  'ring, batches of 8 to both kinds of reader': ringBatch,
  'tick, intent and event records': records,
  'board cell': board,
  counters,
  histogram,
  'Coinbase frames to ticks': marketFeed,
  'Binance spot frames to ticks': binanceUnit(SPOT, 'BTCUSDT', 'spot_hbt2024'),
  'Binance USD-M frames to ticks': binanceUnit(USDM, 'ETHUSDT', 'usdm_hbt2024'),
  'Coinbase Exchange frames to ticks': exchangeFeed,
  'feed connection: frames to ticks and board': feedConnection,
  'Kraken frames to ticks': krakenFeed,
  'Kraken v1 frames to ticks': krakenFeedV1,
  'dYdX frames to ticks': dydxFeed,
  'Hyperliquid frames to ticks': hyperliquidFeed,
  book,
  'fair prices from the board to the board': fairPricer,
  'fixed-point': fixedPoint,
  'signal core with ema-cross': signalCore,
  'signal agent with ema-cross': signalAgent,
  'execution core: refused intents': coreRefused,
  'execution core: marks': coreMarks,
  'execution core: orders accepted and canceled': coreOrders,
  'event publisher': eventPublisher,
  deadlines,
  'pushed batches to ticks': pushedBatches,
};

export const LITTERING_UNITS: Readonly<Record<string, Unit>> = {
  'an object per message': anObjectPerMessage,
  'a boxed number per message': aNumberBoxPerMessage,
};

export interface UnitReport {
  readonly messages: number;
  /** Runs of the collector, of any kind. */
  readonly gcCount: number;
  /** Bytes that stayed behind when the collector did not run at all; -1: it ran. */
  readonly bytes: number;
  readonly ms: number;
}

const BURST_MESSAGES = 10_000;
/** The compiler works on another thread, and its first guess may be replaced: the best of so many passes counts. */
const PASSES_MAX = 4;

async function measure(unit: Unit, messages: number): Promise<UnitReport> {
  const run = unit.start();
  const collected: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collected.push(startTime);
  });
  observer.observe({ entryTypes: ['gc'] });
  // Bursts rather than one long loop; enough of them to be compiled, recompiled, and to have seen all shapes.
  const burst = (count: number): void => {
    for (let sent = 0; sent < count; sent += BURST_MESSAGES) run(BURST_MESSAGES);
  };
  burst(messages / 2);
  let best: UnitReport | undefined;
  for (let pass = 0; pass < PASSES_MAX && best?.gcCount !== 0; pass++) {
    await settle();
    globalThis.gc?.();
    await settle();
    const startMs = performance.now();
    const before = getHeapStatistics().used_heap_size;
    burst(messages);
    const bytes = getHeapStatistics().used_heap_size - before;
    const endMs = performance.now();
    // Entries come by the event loop.
    await settle();
    const gcCount = collected.filter((ms) => ms >= startMs && ms <= endMs).length;
    if (best === undefined || gcCount < best.gcCount) {
      best = {
        messages,
        gcCount,
        bytes: gcCount === 0 ? bytes : -1,
        ms: Math.round(endMs - startMs),
      };
    }
  }
  observer.disconnect();
  return must(best, 'pass');
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

const [, script, name, messages] = process.argv;
if (script?.endsWith('hotpath-units.js') === true && name !== undefined) {
  const unit = must(UNITS[name] ?? LITTERING_UNITS[name], `unit ${name}`);
  console.log(JSON.stringify(await measure(unit, Number(messages ?? '1000000'))));
}
