/** An ingest agent and all it needs: rings, board, telemetry, real sockets. Its duty cycle is a timer of the test. */
import type { Test } from 'tap';
import { parseConfig } from '#src/config.js';
import { codeAt, codeIndex } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import {
  BOARD_MARKET_WORDS,
  getTickPriceMantissaBig,
  getTickSizeMantissaBig,
  readBoardMarket,
  readTick,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
  TickKind,
} from '#src/generated/hot.js';
import type { BoardMarketFields, TickFields } from '#src/generated/hot.js';
import { IngestAgent } from '#src/ingest/ingest-agent.js';
import type { FeedChange, FeedConfig, IngestAgentOptions } from '#src/ingest/ingest-agent.js';
import type { FeedConnection } from '#src/ingest/feed-connection.js';
import { BoardCells } from '#src/memory/board.js';
import { CounterBlock } from '#src/memory/counters.js';
import { SharedHistogram } from '#src/memory/histogram.js';
import { allocateRing, RingWriter, TrailingReader } from '#src/memory/ring.js';
import type { RingSpec } from '#src/memory/ring.js';
import { SystemClock, takeClockOrigin } from '#src/runtime/system-clock.js';
import { Counter, COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '#src/runtime/telemetry.js';
import type { CounterName } from '#src/runtime/telemetry.js';
import { WsNetwork } from '#src/runtime/ws-network.js';
import { instrumentNamed, TickReader } from '../venues/feed-rig.js';

const DEADLINE_MS = 20_000;

export const BTC_AND_ETH: readonly Instrument[] = [
  instrumentNamed('BTC-USD', 0, 2, 8),
  instrumentNamed('ETH-USD', 1, 2, 8),
];

/** The defaults, with short waits, and no clock watch: a busy test machine stands still for seconds. */
export function feedConfig(more: Partial<FeedConfig> = {}): FeedConfig {
  return {
    ...parseConfig({}).feed,
    openTimeoutMs: 5_000,
    idleTimeoutMs: 10_000,
    steadyMs: 50,
    backoffMs: [20, 40, 80, 160],
    breakerFailures: 50,
    breakerOpenMs: [200, 400],
    pauseMaxMs: 600_000,
    clockJumpMs: 600_000,
    ...more,
  };
}

export interface Trade {
  readonly instrumentIndex: number;
  readonly priceMantissa: bigint;
  readonly sizeMantissa: bigint;
  readonly id: number;
  readonly recvNs: number;
  readonly venueNs: number;
}

export interface IngestRig {
  readonly agent: IngestAgent;
  readonly clock: SystemClock;
  readonly telemetry: Telemetry;
  readonly histograms: readonly SharedHistogram[];
  readonly ticks: TickFields[];
  /** The trades among them, exact however large. */
  readonly trades: Trade[];
  readonly reader: TrailingReader;
  readonly readers: readonly TickReader[];
  readonly changes: FeedChange[];
  /** The venue's first connection. */
  readonly connection: FeedConnection;
  readonly board: (index: number) => BoardMarketFields & { readonly words: Int32Array };
  readonly staleReason: (index: number) => ErrorCode;
  readonly isFresh: (...indexes: number[]) => boolean;
  readonly counter: (name: CounterName) => number;
  readonly rejects: (code: ErrorCode) => number;
  /** Changes of a kind, in order. */
  readonly told: (kind: FeedChange['kind']) => FeedChange[];
  /** Runs duty cycles until the condition holds. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  /** No duty cycle until the function returned again. */
  readonly pause: () => () => void;
}

export interface IngestRigOptions {
  readonly url: string;
  readonly restUrl?: string;
  readonly venue?: string;
  readonly config?: Partial<FeedConfig>;
  readonly instruments?: readonly Instrument[];
  readonly more?: Partial<
    Pick<IngestAgentOptions, 'wallNs' | 'random' | 'feedWords' | 'feedVenues'>
  >;
}

export function ingestRig(t: Test, options: IngestRigOptions): IngestRig {
  const { url, instruments = BTC_AND_ETH, venue = 'coinbase' } = options;
  const spec: RingSpec = {
    name: 'ticks',
    slotBytes: TICK_BYTES,
    slotCount: 1 << 15,
    readers: [{ name: 'test', kind: 'trailing', wakeIndex: 0 }],
    writerRole: 'ingest',
    schemaHashWord: SCHEMA_HASH_WORD,
  };
  const ring = allocateRing(spec);
  const boardMarkets = new BoardCells(
    new SharedArrayBuffer(BoardCells.bytes(instruments.length, BOARD_MARKET_WORDS)),
    instruments.length,
    BOARD_MARKET_WORDS,
  );
  const counters = new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK));
  const memory = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
  const histograms = HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(memory, index));
  const telemetry = new Telemetry(new CounterBlock(counters, 0, COUNTERS_PER_BLOCK), histograms);
  const clock = new SystemClock(takeClockOrigin());
  const network = new WsNetwork({ clock });
  const changes: FeedChange[] = [];
  const agent = new IngestAgent({
    instruments,
    wsUrls: { [venue]: url },
    restUrls: { [venue]: options.restUrl ?? 'http://127.0.0.1:9' },
    config: feedConfig(options.config),
    tickWriter: new RingWriter(ring, spec, null),
    boardMarkets,
    telemetry,
    clock,
    network,
    onChange: (change) => changes.push(change),
    ...options.more,
  });
  const reader = new TrailingReader(ring, spec, 0);
  const ticks: TickFields[] = [];
  const trades: Trade[] = [];
  const readers = instruments.map(() => new TickReader(20));
  let isPaused = false;
  const drain = (): void => {
    for (let at = reader.poll(); at >= 0; at = reader.poll()) {
      const tick = {} as TickFields;
      readTick(reader.i32, at, tick);
      ticks.push(tick);
      if (tick.kind === TickKind.Trade) {
        const { instrumentIndex, venueSeq: id, recvNs, venueNs } = tick;
        const priceMantissa = getTickPriceMantissaBig(reader.i32, at);
        const sizeMantissa = getTickSizeMantissaBig(reader.i32, at);
        trades.push({ instrumentIndex, priceMantissa, sizeMantissa, id, recvNs, venueNs });
      }
      readers[tick.instrumentIndex]?.onTick(tick);
    }
  };
  agent.onStart({
    poke: () => {
      if (isPaused) return;
      agent.doWork(clock.nowNs());
      drain();
    },
    fail: (error) => t.fail(String(error)),
  });
  const turn = setInterval(() => {
    if (isPaused) return;
    agent.doWork(clock.nowNs());
    drain();
  }, 2);
  t.teardown(async () => {
    agent.onStop(clock.nowNs());
    await until(t, 'the agent is done', () => agent.isDone);
    clearInterval(turn);
    agent.onClose();
    network.close();
  });
  const board = (index: number): BoardMarketFields & { readonly words: Int32Array } => {
    const words = new Int32Array(BOARD_MARKET_WORDS);
    if (!boardMarkets.read(index, words)) t.fail(`the cell was never written: ${index}`);
    const fields = {} as BoardMarketFields;
    readBoardMarket(words, 0, fields);
    return { ...fields, words };
  };
  const connection = agent.connectionsOf(venue)[0];
  if (connection === undefined) throw new Error('a connection');
  return {
    agent,
    clock,
    telemetry,
    histograms,
    ticks,
    trades,
    reader,
    readers,
    changes,
    connection,
    board,
    staleReason: (index) => codeAt(board(index).staleReason),
    isFresh: (...indexes) =>
      (indexes.length > 0 ? indexes : instruments.map((_, index) => index)).every(
        (index) => board(index).staleReason === 0,
      ),
    counter: (name) => telemetry.get(Counter[name]),
    rejects: (code) => telemetry.rejects(codeIndex(code)),
    told: (kind) => changes.filter((change) => change.kind === kind),
    until: (what, condition) => until(t, what, condition),
    pause: () => {
      isPaused = true;
      return () => {
        isPaused = false;
      };
    },
  };
}

/** Polls; fails the test when it does not hold in time. */
export async function until(t: Test, what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) {
      t.fail(`not within ${DEADLINE_MS} ms: ${what}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
