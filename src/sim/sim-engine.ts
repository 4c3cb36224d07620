/**
 * sim-engine: one run of the engine's execution side in a world: the production agent with its core, rings, boards and
 * session; the world stands in for the threads around it. A kill throws it away; what the journal had taken is all that
 * the next run gets.
 */
import { CoreRecord, EventKind } from '../domain/core-record.js';
import type { Instrument } from '../domain/instrument.js';
import { IntentKind } from '../domain/order.js';
import type { CoreSnapshot } from '../execution/core-snapshot.js';
import { ExecutionAgent } from '../execution/execution-agent.js';
import { ExecutionCore } from '../execution/execution-core.js';
import type { ExecutionCoreOptions } from '../execution/execution-core.js';
import {
  BOARD_MARKET_ASKS_WORD,
  BOARD_MARKET_BIDS_WORD,
  BOARD_MARKET_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  COMMAND_BYTES,
  EVENT_BYTES,
  INTENT_BYTES,
  SCHEMA_HASH_WORD,
  blankCommand,
  blankIntent,
  clearBoardMarket,
  getEventKind,
  readEvent,
  setBoardLevelPriceMantissa,
  setBoardLevelSizeMantissa,
  setBoardMarketAskCount,
  setBoardMarketBidCount,
  setBoardMarketStaleReason,
  writeCommand,
  writeIntent,
} from '../generated/hot.js';
import type { IntentFields } from '../generated/hot.js';
import { BoardCells } from '../memory/board.js';
import { CounterBlock } from '../memory/counters.js';
import { SharedHistogram } from '../memory/histogram.js';
import { GatingReader, RingWriter, allocateRing } from '../memory/ring.js';
import type { RingSpec } from '../memory/ring.js';
import type { Network } from '../ports/network.js';
import { COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '../runtime/telemetry.js';
import { COINBASE } from '../venues/registry.js';
import { must } from '../domain/assert.js';

const INTENT_SLOTS = 64;
const EVENT_SLOTS = 1_024;
const BACKOFF_MS = [100, 200, 400, 800];

export interface SimEngineOptions {
  readonly instruments: readonly Instrument[];
  readonly coreOptions: ExecutionCoreOptions;
  readonly installId: string;
  readonly runNumber: number;
  readonly firstSeq: number;
  readonly recovered: CoreSnapshot | null;
  readonly lastFillEpochNs: bigint;
  readonly network: Network;
  readonly runEpochNs: bigint;
  readonly nowNs: () => number;
  readonly log?: (message: string) => void;
  /** The agent wants a turn at once. */
  readonly onPoke: () => void;
}

export class SimEngine {
  readonly agent: ExecutionAgent;
  readonly core: ExecutionCore;
  failure: Error | null = null;
  readonly #intents: RingWriter;
  readonly #commands: RingWriter;
  /** Everything that the core says, at once: the world's own eye. */
  readonly #eye: GatingReader;
  /** The journal's reader. */
  readonly #journal: GatingReader;
  readonly #markets: BoardCells;
  #intentSeq = 0;
  #commandSeq = 0;

  constructor(options: SimEngineOptions) {
    const ring = (
      name: string,
      slotBytes: 64 | 128,
      slotCount: number,
      readers: string[],
    ): Ring => {
      const spec: RingSpec = {
        name,
        slotBytes,
        slotCount,
        writerRole: name,
        readers: readers.map((reader) => ({ name: reader, kind: 'gating', wakeIndex: 0 })),
        schemaHashWord: SCHEMA_HASH_WORD,
      };
      return { spec, buffer: allocateRing(spec) };
    };
    const board = (words: number): BoardCells =>
      new BoardCells(
        new SharedArrayBuffer(BoardCells.bytes(options.instruments.length, words)),
        options.instruments.length,
        words,
      );
    const intents = ring('intents', INTENT_BYTES, INTENT_SLOTS, ['execution']);
    const commands = ring('commands', COMMAND_BYTES, INTENT_SLOTS, ['execution']);
    const events = ring('events', EVENT_BYTES, EVENT_SLOTS, ['eye', 'journal']);
    this.#intents = new RingWriter(intents.buffer, intents.spec, null);
    this.#commands = new RingWriter(commands.buffer, commands.spec, null);
    this.#eye = new GatingReader(events.buffer, events.spec, 0);
    this.#journal = new GatingReader(events.buffer, events.spec, 1);
    this.#markets = board(BOARD_MARKET_WORDS);
    const histograms = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
    const telemetry = new Telemetry(
      new CounterBlock(
        new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
        0,
        COUNTERS_PER_BLOCK,
      ),
      HISTOGRAM_NAMES.map((_, place) => new SharedHistogram(histograms, place)),
    );
    this.core = new ExecutionCore(options.coreOptions);
    const clock = { runEpochNs: options.runEpochNs, nowNs: options.nowNs };
    const trading = must(COINBASE.trading, 'coinbase can be traded');
    const restUrl = 'http://venue.sim';
    this.agent = new ExecutionAgent({
      instruments: options.instruments,
      core: this.core,
      intents: [new GatingReader(intents.buffer, intents.spec, 0)],
      commands: new GatingReader(commands.buffer, commands.spec, 0),
      events: new RingWriter(events.buffer, events.spec, null),
      boardMarkets: this.#markets,
      boardPositions: board(BOARD_POSITION_WORDS),
      boardPortfolio: board(BOARD_PORTFOLIO_WORDS),
      telemetry,
      clock,
      network: options.network,
      venue: {
        gateway: trading.createOrderGateway({
          instruments: options.instruments,
          rejects: { reject: () => undefined },
        }),
        auth: trading.createAuth({
          // The venue of a world takes every proof: signatures are proved elsewhere, and cost half of a world's time.
          signer: { algorithm: 'es256', keyName: 'world', sign: () => new Uint8Array(64) },
          clock,
          restUrl,
          onSigned: () => undefined,
        }),
        session: {
          restUrl,
          wsUserUrl: 'ws://venue.sim/ws-user',
          requestTimeoutMs: 1_000,
          requestsPerSecond: 30,
          openTimeoutMs: 500,
          idleTimeoutMs: 5_000,
          frameBytesMax: 1_000_000,
          backoffMs: BACKOFF_MS,
        },
      },
      installId: options.installId,
      runNumber: options.runNumber,
      firstSeq: options.firstSeq,
      recovered: options.recovered,
      lastFillEpochNs: options.lastFillEpochNs,
      venueOrderIds: new Map(),
      durable: null,
      markIntervalMs: 250,
      stopPolicy: 'keep',
      stopTimeoutMs: 5_000,
      log: options.log ?? (() => undefined),
    });
    this.agent.onStart({
      poke: options.onPoke,
      fail: (error) => {
        this.failure ??= error;
      },
    });
  }

  /** Best prices of the board; a reason above 0: stale. */
  writeMarket(bidMantissa: number, askMantissa: number, staleReason: number): void {
    const base = this.#markets.begin(0);
    const { i32 } = this.#markets;
    clearBoardMarket(i32, base);
    setBoardMarketBidCount(i32, base, bidMantissa > 0 ? 1 : 0);
    setBoardMarketAskCount(i32, base, askMantissa > 0 ? 1 : 0);
    setBoardLevelPriceMantissa(i32, base + BOARD_MARKET_BIDS_WORD, bidMantissa);
    setBoardLevelSizeMantissa(i32, base + BOARD_MARKET_BIDS_WORD, 1);
    setBoardLevelPriceMantissa(i32, base + BOARD_MARKET_ASKS_WORD, askMantissa);
    setBoardLevelSizeMantissa(i32, base + BOARD_MARKET_ASKS_WORD, 1);
    setBoardMarketStaleReason(i32, base, staleReason);
    this.#markets.end(0);
  }

  intend(fields: Partial<IntentFields>, nowNs: number): void {
    const base = this.#intents.claim();
    if (base < 0) return;
    writeIntent(this.#intents.i32, base, {
      ...blankIntent(),
      kind: IntentKind.Place,
      confidencePpm: 1_000_000,
      tickRecvNs: nowNs,
      emitNs: nowNs,
      intentSeq: ++this.#intentSeq,
      ...fields,
    });
    this.#intents.publish();
  }

  command(kind: number, value0 = 0): void {
    const base = this.#commands.claim();
    if (base < 0) return;
    const commandSeq = ++this.#commandSeq;
    writeCommand(this.#commands.i32, base, { ...blankCommand(), kind, commandSeq, value0 });
    this.#commands.publish();
  }

  /** What was said since the last look. */
  *look(): IterableIterator<CoreRecord> {
    yield* recordsOf(this.#eye);
  }

  /** What the journal takes now. */
  *journalTurn(): IterableIterator<CoreRecord> {
    yield* recordsOf(this.#journal);
  }
}

interface Ring {
  readonly spec: RingSpec;
  readonly buffer: SharedArrayBuffer;
}

function* recordsOf(reader: GatingReader): IterableIterator<CoreRecord> {
  for (let base = reader.poll(); base >= 0; base = reader.poll()) {
    if (getEventKind(reader.i32, base) === EventKind.Text) {
      reader.advance();
      continue;
    }
    const record = new CoreRecord();
    readEvent(reader.i32, base, record);
    reader.advance();
    yield record;
  }
}
