/**
 * push-listener: takes ticks that co-located feed handlers, relays and load generators push over a binary WebSocket, and
 * makes them ticks and books of ours, as if a venue had sent them. docs/push-format.md is the wire.
 *
 *   publisher ──key──▶ upgrade ──hello──▶ mapped, schema checked ──batches──▶ PushBatch ─▶ MarketPublisher ─▶ ring, board
 *                 ◀── welcome, acks with credit, resync ◀──┘
 *
 * Ingest thread, in its event loop. Invariants: an instrument has at most one publisher; a message that is refused ends its
 * own connection with a code of its own and changes nothing; an instrument whose publisher is gone, silent or has left a
 * hole is stale until its next snapshot. The app is closed before the worker ends, or the process would abort.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import uWS from 'uWebSockets.js';
import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_socket_context_t,
  WebSocket,
} from 'uWebSockets.js';
import { must } from '../domain/assert.js';
import { codeAt, codeIndex, sentenceOf, TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { PUSH_SCHEMA_HASH, PushBook } from '../generated/hot.js';
import type { BoardCells } from '../memory/board.js';
import type { RingWriter } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { listenExclusively } from '../runtime/listen.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import { FrameEntries } from '../venues/frame-entries.js';
import { BookState, MarketPublisher } from '../venues/market-publisher.js';
import type { MarketState } from '../venues/market-publisher.js';
import { BOARD_LEVELS_MAX, MarketBoard } from './market-board.js';
import { BATCH_IDENTIFIER, PushBatch } from './push-batch.js';
import type { PushMapping } from './push-batch.js';
import { PushBuffer } from './push-buffer.js';
import { closeCodeOf, CLOSE_GOING_AWAY, PushReject } from './push-codes.js';
import { PushCredit } from './push-credit.js';
import type { PushRates } from './push-credit.js';
import {
  AckMessage,
  encodeResync,
  encodeWelcome,
  HELLO_IDENTIFIER,
  readHello,
} from './push-messages.js';
import type { Hello } from './push-messages.js';

/** Limits of the push listener (config section `push`). */
export interface PushConfig extends PushRates {
  readonly publishersMax: number;
  readonly messageBytesMax: number;
  readonly batchTicksMax: number;
  readonly helloTimeoutMs: number;
  readonly silenceMs: number;
  readonly aheadMaxMs: number;
  readonly ageMaxMs: number;
}

/** What became of a publisher, for logs. Cold. */
export interface PushChange {
  readonly publisher: string;
  readonly event: 'welcomed' | 'refused' | 'gone' | 'silent' | 'gap';
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface PushListenerOptions {
  readonly host: string;
  /** 0: any free one; told by `onListening`. */
  readonly port: number;
  readonly config: PushConfig;
  /** SHA-256 of the key that publishers show. */
  readonly keySha256: Uint8Array;
  /** Those of the instrument table that may be pushed. */
  readonly instruments: readonly Instrument[];
  /** The ring writer of the ingest thread: there is one. */
  readonly tickWriter: RingWriter;
  readonly boardMarkets: BoardCells;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly onListening: (port: number) => void;
  /** For logs. */
  readonly onChange?: (change: PushChange) => void;
}

const PATH = '/v1/push';
const NS_PER_MS = 1_000_000;
const KEY_CHARS_MAX = 1_024;
/** A dead peer is noticed by pings that are not answered. */
const IDLE_TIMEOUT_SEC = 16;
/** Acks that may wait for a publisher that does not read; then it is ended. */
const BACKPRESSURE_BYTES_MAX = 64 * 1024;
/** What `send` of uWebSockets says when the message was not taken. */
const SEND_DROPPED = 2;

/** One connection. */
class Publisher {
  ws: WebSocket<Publisher> | null = null;
  name = '';
  isWelcome = false;
  isSilent = false;
  mapping: PushMapping = { places: new Int32Array(0), books: new Uint8Array(0) };
  /** By the publisher's own number: a resync was sent and its snapshot has not come. */
  wanted = new Uint8Array(0);
  lastSeq = 0;
  tickCount = 0;
  lastNs: number;
  readonly credit: PushCredit;

  constructor(credit: PushCredit, nowNs: number) {
    this.credit = credit;
    this.lastNs = nowNs;
  }
}

export class PushListener implements Agent {
  readonly roleName = 'push';
  readonly #options: PushListenerOptions;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #tickWriter: RingWriter;
  readonly #buffer: PushBuffer;
  readonly #batch: PushBatch;
  readonly #entries: FrameEntries;
  readonly #markets: MarketPublisher;
  readonly #board: MarketBoard;
  readonly #ack: AckMessage;
  readonly #publishers = new Set<Publisher>();
  /** By place: who pushes it. */
  readonly #owners: (Publisher | null)[];
  readonly #recoveriesSeen: Int32Array;
  readonly #missingCode = codeIndex('BOOK_MISSING');
  #host: AgentHost | null = null;
  #app: TemplatedApp | null = null;
  #isStopping = false;
  readonly #closeApp = (): void => {
    this.#app?.close();
    this.#app = null;
  };

  constructor(options: PushListenerOptions) {
    const { config, clock, instruments } = options;
    this.#options = options;
    this.#telemetry = options.telemetry;
    this.#clock = clock;
    this.#tickWriter = options.tickWriter;
    this.#buffer = new PushBuffer(config.messageBytesMax);
    this.#batch = new PushBatch(
      this.#buffer,
      clock.runEpochNs,
      {
        batchTicksMax: config.batchTicksMax,
        aheadMaxNs: config.aheadMaxMs * NS_PER_MS,
        ageMaxNs: config.ageMaxMs * NS_PER_MS,
      },
      instruments.length,
    );
    this.#entries = new FrameEntries(clock.runEpochNs);
    this.#markets = new MarketPublisher({
      ticks: options.tickWriter,
      levelsMax: BOARD_LEVELS_MAX,
      snapshotLevelsMax: BOARD_LEVELS_MAX,
      crossedIsStale: true,
      // A publisher sends them in the order in which it wants them.
      tradesInTimeOrder: false,
      booksStartEmpty: false,
      onBookBroken: (place, code) => this.#wantSnapshot(place, code),
    });
    for (const instrument of instruments) this.#markets.addMarket(instrument);
    this.#board = new MarketBoard(options.boardMarkets);
    this.#ack = new AckMessage(clock.runEpochNs);
    this.#owners = instruments.map(() => null);
    this.#recoveriesSeen = new Int32Array(instruments.length);
  }

  async onStart(host: AgentHost): Promise<void> {
    this.#host = host;
    const nowNs = this.#clock.nowNs();
    for (const market of this.#markets.markets) {
      market.staleSinceNs = Math.max(1, nowNs);
      this.#board.clear(market);
      this.#board.update(market);
    }
    const app = uWS.App();
    this.#app = app;
    // Runs before anything else that handles the exception, and before the end of the worker.
    process.on('uncaughtExceptionMonitor', this.#closeApp);
    this.#register(app);
    const { host: address, port } = this.#options;
    const actual = await listenExclusively(app, address, port);
    if (actual === undefined) {
      this.onClose();
      throw new TickwireError(
        'PORT_BUSY',
        `Port ${port} of ${address} is taken by another program: stop it, or set push.port to another.`,
        { host: address, port },
      );
    }
    this.#options.onListening(actual);
  }

  /** Late hellos, silent publishers, credit that is due. */
  doWork(nowNs: number): number {
    let workCount = 0;
    for (const publisher of this.#publishers) workCount += this.#look(publisher, nowNs);
    return workCount;
  }

  get nextTurnNs(): number {
    const { helloTimeoutMs, silenceMs } = this.#options.config;
    let nextNs = Number.POSITIVE_INFINITY;
    for (const publisher of this.#publishers) {
      if (publisher.isWelcome) nextNs = Math.min(nextNs, publisher.credit.dueNs);
      if (publisher.isSilent) continue;
      const waitMs = publisher.isWelcome ? silenceMs : helloTimeoutMs;
      nextNs = Math.min(nextNs, publisher.lastNs + waitMs * NS_PER_MS);
    }
    return nextNs;
  }

  onStop(): void {
    this.#isStopping = true;
    for (const publisher of [...this.#publishers]) {
      publisher.ws?.end(CLOSE_GOING_AWAY, 'the engine is stopping');
    }
  }

  get isDone(): boolean {
    return this.#isStopping;
  }

  onClose(): void {
    process.off('uncaughtExceptionMonitor', this.#closeApp);
    this.#isStopping = true;
    this.#closeApp();
  }

  #register(app: TemplatedApp): void {
    app.ws<Publisher>(PATH, {
      // A message that is only a little too long gets its close code; uWebSockets cuts what is far too long.
      maxPayloadLength: this.#options.config.messageBytesMax * 2,
      maxBackpressure: BACKPRESSURE_BYTES_MAX,
      idleTimeout: IDLE_TIMEOUT_SEC,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (ws) => this.#open(ws),
      message: (ws, message, isBinary) => {
        this.#onMessage(ws.getUserData(), message, isBinary);
      },
      close: (ws, code, message) => {
        this.#onClosed(ws.getUserData(), code, Buffer.from(message).toString('utf8'));
      },
    });
    app.get(PATH, (res, req) => this.#describe(res, req));
    app.any('/*', (res) => {
      answer(res, '404 Not Found', {
        code: 'API_NOT_FOUND',
        message: sentenceOf('API_NOT_FOUND'),
      });
    });
  }

  /** Cold: the key is looked at before there is a WebSocket. */
  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    if (!this.#hasKey(req)) {
      this.#refuseKey(res);
      return;
    }
    const nowNs = this.#clock.nowNs();
    res.upgrade<Publisher>(
      new Publisher(new PushCredit(this.#options.config, nowNs), nowNs),
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    );
  }

  /** Cold: `GET /v1/push` says what may be pushed and how. */
  #describe(res: HttpResponse, req: HttpRequest): void {
    if (!this.#hasKey(req)) {
      this.#refuseKey(res);
      return;
    }
    const { publishersMax: _, ...limits } = this.#options.config;
    answer(res, '200 OK', {
      schemaHash: PUSH_SCHEMA_HASH,
      limits,
      instruments: this.#markets.markets.map(({ instrument, staleReason }, place) => ({
        venue: instrument.venue,
        symbol: instrument.symbol,
        priceScale: instrument.priceScale,
        sizeScale: instrument.sizeScale,
        publisher: this.#owners[place]?.name ?? null,
        stale: staleReason === 0 ? null : codeAt(staleReason),
      })),
    });
  }

  #hasKey(req: HttpRequest): boolean {
    const bearer = /^Bearer +(\S+) *$/i.exec(req.getHeader('authorization'))?.[1];
    const key = bearer ?? req.getHeader('x-api-key');
    if (key === '' || key.length > KEY_CHARS_MAX) return false;
    // Both sides are hashes of one length: neither length nor a common beginning shows in the time it takes.
    return timingSafeEqual(createHash('sha256').update(key).digest(), this.#options.keySha256);
  }

  #refuseKey(res: HttpResponse): void {
    this.#telemetry.reject(codeIndex('API_UNAUTHORIZED'));
    answer(res, '401 Unauthorized', {
      code: 'API_UNAUTHORIZED',
      message: sentenceOf('API_UNAUTHORIZED'),
    });
  }

  #open(ws: WebSocket<Publisher>): void {
    const publisher = ws.getUserData();
    publisher.ws = ws;
    this.#publishers.add(publisher);
    if (this.#isStopping) ws.end(CLOSE_GOING_AWAY, 'the engine is stopping');
    else if (this.#publishers.size > this.#options.config.publishersMax) {
      this.#refuse(publisher, 'PUSH_BUSY', `${this.#options.config.publishersMax} at most`);
    }
  }

  #onMessage(publisher: Publisher, message: ArrayBuffer, isBinary: boolean): void {
    // What was under way when the connection was ended.
    if (publisher.ws === null) return;
    const recvNs = this.#clock.nowNs();
    const byteCount = message.byteLength;
    const bytesMax = this.#options.config.messageBytesMax;
    if (!isBinary) {
      this.#refuse(publisher, 'PUSH_MALFORMED', 'a text message');
    } else if (byteCount > bytesMax) {
      this.#refuse(publisher, 'PUSH_BATCH_LIMIT', `${byteCount} bytes, ${bytesMax} at most`);
    } else {
      publisher.lastNs = recvNs;
      this.#buffer.begin(new Uint8Array(message));
      if (publisher.isWelcome) this.#onBatch(publisher, byteCount, recvNs);
      else this.#onHello(publisher);
    }
  }

  #onBatch(publisher: Publisher, byteCount: number, recvNs: number): void {
    const batch = this.#batch;
    const { mapping, credit } = publisher;
    if (this.#buffer.identifier !== BATCH_IDENTIFIER) {
      this.#refuseMessage(publisher);
      return;
    }
    let code = batch.read();
    if (code === PushReject.None) code = batch.check(mapping, recvNs);
    if (code !== PushReject.None) {
      this.#refuse(publisher, codeAt(code), batch.detail);
      return;
    }
    const seq = batch.seq;
    if (seq <= publisher.lastSeq) {
      this.#refuse(publisher, 'PUSH_SEQ', `seq ${seq} behind ${publisher.lastSeq}`);
      return;
    }
    if (seq > credit.creditSeq) {
      this.#refuse(publisher, 'PUSH_CREDIT', `seq ${seq} with credit to ${credit.creditSeq}`);
      return;
    }
    if (seq !== publisher.lastSeq + 1) this.#onGap(publisher, seq, recvNs);
    publisher.lastSeq = seq;
    publisher.isSilent = false;
    publisher.tickCount += batch.tickCount;
    const entriesBefore = this.#markets.entryCount;
    batch.apply(mapping, this.#markets, this.#entries, recvNs);
    this.#updateBoard(publisher);
    const doneNs = this.#clock.nowNs();
    const telemetry = this.#telemetry;
    telemetry.add(Counter.pushBatches);
    telemetry.add(Counter.pushBytes, byteCount);
    telemetry.add(Counter.pushTicks, batch.tickCount);
    telemetry.add(Counter.ticksReceived, this.#markets.entryCount - entriesBefore);
    telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    telemetry.record(Histogram.push, doneNs - recvNs);
    const wasHeld = credit.isHeld;
    credit.spend(recvNs, seq, batch.tickCount, byteCount);
    if (credit.isHeld && !wasHeld) telemetry.add(Counter.pushThrottles);
    // Readers first: the ack is for statistics and for the next batch.
    this.#host?.poke();
    this.#sendAck(publisher, recvNs, doneNs);
  }

  /** Cold. */
  #onHello(publisher: Publisher): void {
    if (this.#buffer.identifier !== HELLO_IDENTIFIER) {
      this.#refuse(publisher, 'PUSH_HELLO', 'the first message is no hello');
      return;
    }
    const hello = readHello(this.#buffer);
    if (typeof hello === 'string') {
      this.#refuse(publisher, 'PUSH_MALFORMED', hello);
      return;
    }
    publisher.name = hello.publisher;
    if (hello.schemaHash !== PUSH_SCHEMA_HASH) {
      this.#refuse(
        publisher,
        'PUSH_SCHEMA',
        `schema ${hello.schemaHash}, here ${PUSH_SCHEMA_HASH}`,
      );
      return;
    }
    const places = this.#placesOf(publisher, hello);
    if (places === null) return;
    for (const place of places) this.#owners[place] = publisher;
    publisher.mapping = {
      places,
      books: Uint8Array.from(hello.instruments, ({ book }) => book),
    };
    publisher.wanted = new Uint8Array(places.length);
    publisher.isWelcome = true;
    this.#telemetry.add(Counter.pushConnects);
    const { batchTicksMax, messageBytesMax, silenceMs } = this.#options.config;
    this.#send(
      publisher,
      encodeWelcome({
        creditSeq: publisher.credit.creditSeq,
        batchTicksMax,
        messageBytesMax,
        silenceMs,
      }),
    );
    this.#tell(publisher, 'welcomed', 'OK', `${hello.instruments.length} instruments`);
  }

  /** Where the instruments of a hello are; null: it was refused. */
  #placesOf(publisher: Publisher, hello: Hello): Int32Array | null {
    const markets = this.#markets.markets;
    const places = new Int32Array(hello.instruments.length);
    for (const [index, wanted] of hello.instruments.entries()) {
      const name = `${wanted.venue}:${wanted.symbol}`;
      const place = markets.findIndex(
        ({ instrument }) =>
          instrument.venue === wanted.venue && instrument.symbol === wanted.symbol,
      );
      const instrument = markets[place]?.instrument;
      let why = '';
      if (instrument === undefined) why = 'cannot be pushed';
      else if (
        instrument.priceScale !== wanted.priceScale ||
        instrument.sizeScale !== wanted.sizeScale
      ) {
        why =
          `has scales ${instrument.priceScale} and ${instrument.sizeScale}, ` +
          `not ${wanted.priceScale} and ${wanted.sizeScale}`;
      } else if (wanted.book > PushBook.Quotes) why = `has no book of kind ${wanted.book}`;
      else if (places.subarray(0, index).includes(place)) why = 'is named twice';
      if (why !== '') {
        this.#refuse(publisher, 'PUSH_INSTRUMENT', `${name} ${why}`);
        return null;
      }
      const owner = this.#owners[place];
      if (owner !== null && owner !== undefined) {
        this.#refuse(publisher, 'PUSH_INSTRUMENT_TAKEN', `${name} is pushed by ${owner.name}`);
        return null;
      }
      places[index] = place;
    }
    return places;
  }

  /** Batches are missing: what they said is not known. */
  #onGap(publisher: Publisher, seq: number, nowNs: number): void {
    this.#telemetry.add(Counter.pushGaps);
    this.#staleAll(publisher, 'PUSH_GAP', nowNs);
    this.#tell(publisher, 'gap', 'PUSH_GAP', `seq ${seq} behind ${publisher.lastSeq}`);
  }

  /** Something that is no batch: a second hello, or anything. */
  #refuseMessage(publisher: Publisher): void {
    if (this.#buffer.identifier === HELLO_IDENTIFIER) {
      this.#refuse(publisher, 'PUSH_HELLO', 'a second hello');
    } else this.#refuse(publisher, 'PUSH_MALFORMED', 'unknown file identifier');
  }

  #onClosed(publisher: Publisher, code: number, message: string): void {
    publisher.ws = null;
    this.#publishers.delete(publisher);
    const nowNs = this.#clock.nowNs();
    // uWebSockets' own words for a message beyond its limit; it sends no close frame then.
    if (message.includes('too big')) {
      this.#telemetry.reject(codeIndex('PUSH_BATCH_LIMIT'));
      this.#tell(publisher, 'refused', 'PUSH_BATCH_LIMIT', message);
    }
    if (!publisher.isWelcome) return;
    publisher.isWelcome = false;
    this.#telemetry.add(Counter.pushDisconnects);
    for (const place of publisher.mapping.places) {
      this.#owners[place] = null;
      const market = this.#market(place);
      // What is stale already keeps the reason that came first.
      if (market.staleReason === 0 || market.staleReason === this.#missingCode) {
        this.#markets.stale(place, codeIndex('FEED_DISCONNECTED'), nowNs);
      }
    }
    this.#updateBoard(publisher);
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
    this.#tell(publisher, 'gone', 'FEED_DISCONNECTED', `close code ${code}`);
    this.#host?.poke();
  }

  #look(publisher: Publisher, nowNs: number): number {
    const { helloTimeoutMs, silenceMs } = this.#options.config;
    const quietNs = nowNs - publisher.lastNs;
    if (!publisher.isWelcome) {
      if (publisher.ws === null || quietNs < helloTimeoutMs * NS_PER_MS) return 0;
      this.#refuse(publisher, 'PUSH_HELLO', `no hello within ${helloTimeoutMs} ms`);
      return 1;
    }
    let workCount = 0;
    if (publisher.credit.renew(nowNs)) {
      this.#sendAck(publisher, publisher.lastNs, publisher.lastNs);
      workCount++;
    }
    if (!publisher.isSilent && quietNs >= silenceMs * NS_PER_MS) {
      publisher.isSilent = true;
      this.#staleAll(publisher, 'FEED_SILENT', nowNs);
      this.#updateBoard(publisher);
      this.#tell(publisher, 'silent', 'FEED_SILENT', `nothing for ${silenceMs} ms`);
      workCount++;
    }
    return workCount;
  }

  /** Every book of the publisher is dropped and wanted anew. */
  #staleAll(publisher: Publisher, code: ErrorCode, nowNs: number): void {
    for (const place of publisher.mapping.places) {
      this.#markets.stale(place, codeIndex(code), nowNs);
      this.#wantSnapshot(place, code);
    }
    this.#telemetry.set(Counter.ticksPublished, this.#tickWriter.publishedCount);
  }

  /** Cold: asks the publisher for a snapshot, once until it comes. */
  #wantSnapshot(place: number, code: ErrorCode): void {
    const publisher = this.#owners[place];
    if (publisher === null || publisher === undefined) return;
    const index = publisher.mapping.places.indexOf(place);
    if (publisher.wanted[index] === 1) return;
    publisher.wanted[index] = 1;
    this.#send(publisher, encodeResync(code, [index]));
  }

  #sendAck(publisher: Publisher, recvNs: number, doneNs: number): void {
    this.#ack.write(
      publisher.lastSeq,
      publisher.credit.creditSeq,
      publisher.tickCount,
      this.#tickWriter.publishedCount,
      recvNs,
      doneNs,
    );
    this.#send(publisher, this.#ack.bytes);
  }

  #send(publisher: Publisher, bytes: Uint8Array): void {
    if (publisher.ws === null) return;
    if (publisher.ws.send(bytes, true, false) !== SEND_DROPPED) return;
    this.#refuse(publisher, 'PUSH_SLOW_READER', `${BACKPRESSURE_BYTES_MAX} bytes are unread`);
  }

  /** Ends this connection with the code's own close code. Cold. */
  #refuse(publisher: Publisher, code: ErrorCode, detail: string): void {
    const ws = publisher.ws;
    if (ws === null) return;
    publisher.ws = null;
    this.#telemetry.reject(codeIndex(code));
    this.#tell(publisher, 'refused', code, detail);
    // A close reason has 123 bytes at most.
    ws.end(closeCodeOf(code), `${code}: ${detail}`.slice(0, 120));
  }

  #updateBoard(publisher: Publisher): void {
    const places = publisher.mapping.places;
    for (let index = 0; index < places.length; index++) {
      const place = places[index] as number;
      const market = this.#markets.markets[place] as MarketState;
      if (!this.#board.update(market)) continue;
      if (market.bookState === BookState.Live) publisher.wanted[index] = 0;
      if (market.recoveryCount === this.#recoveriesSeen[place]) continue;
      this.#recoveriesSeen[place] = market.recoveryCount;
      this.#telemetry.record(Histogram.recovery, market.recoveryNs);
    }
  }

  #market(place: number): MarketState {
    return must(this.#markets.markets[place], `market of place ${place}`);
  }

  #tell(publisher: Publisher, event: PushChange['event'], code: ErrorCode, detail: string): void {
    this.#options.onChange?.({ publisher: publisher.name, event, code, detail });
  }
}

function answer(res: HttpResponse, status: string, body: Readonly<Record<string, unknown>>): void {
  res.cork(() => {
    res.writeStatus(status).writeHeader('content-type', 'application/json');
    res.end(JSON.stringify(body));
  });
}
