/**
 * record-session: one venue's market data, recorded while it is decoded by the very agent that the engine runs: sessions,
 * watches, books and all. Main thread, in its event loop.
 *
 *   socket ─▶ FeedConnection ─▶ TappedFeed ─┬─▶ RecordingWriter   every call that the feed gets
 *                                           └─▶ market-feed ─▶ ticks ring ─▶ hash
 *
 * So the recording replays to the same ticks, and the hash of those that came out live says so.
 */
import { codeAt, ERROR_CODES, TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import {
  BOARD_MARKET_WORDS,
  RecordedDirection,
  SCHEMA_HASH_WORD,
  TICK_BYTES,
} from '../generated/hot.js';
import type { FeedChange, FeedConfig } from '../ingest/feed-connection.js';
import { TappedFeed } from '../ingest/feed-tap.js';
import type { FeedTap } from '../ingest/feed-tap.js';
import { IngestAgent } from '../ingest/ingest-agent.js';
import type { RecordingWriter } from '../journal/recording-writer.js';
import { BoardCells } from '../memory/board.js';
import { CounterBlock } from '../memory/counters.js';
import { SharedHistogram } from '../memory/histogram.js';
import { allocateRing, RingWriter, TrailingReader } from '../memory/ring.js';
import type { RingSpec } from '../memory/ring.js';
import { WakeWord, wakeBytes } from '../memory/wake.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { runOnEventLoop } from '../runtime/agent-thread.js';
import { JoinedAgents } from '../runtime/joined-agents.js';
import type { SystemClock } from '../runtime/system-clock.js';
import { Counter, COUNTERS_PER_BLOCK, HISTOGRAM_NAMES, Telemetry } from '../runtime/telemetry.js';
import { WsNetwork } from '../runtime/ws-network.js';
import { TickHash } from '../sim/tick-hash.js';

export interface RecordSessionOptions {
  readonly venue: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly instruments: readonly Instrument[];
  readonly config: FeedConfig;
  readonly clock: SystemClock;
  readonly writer: RecordingWriter;
  readonly onChange: (change: FeedChange) => void;
}

const TICK_SLOTS = 1 << 16;
/** What a killed recorder may lose. */
const FLUSH_NS = 250_000_000;
const NAP_MS = 5;
const NAP_MAX_MS = 100;
const ENCODER = new TextEncoder();

/** Where the session stands. */
export interface RecordCounts {
  readonly frames: number;
  readonly ticks: number;
  readonly connects: number;
  readonly gaps: number;
  readonly rejects: Readonly<Record<string, number>>;
}

export class RecordSession {
  readonly #options: RecordSessionOptions;
  readonly #telemetry: Telemetry;
  readonly #wake: WakeWord;
  readonly #network: WsNetwork;
  readonly #hash = new TickHash();
  readonly #agents: JoinedAgents;
  readonly #reader: TrailingReader;
  #isStopAsked = false;

  constructor(options: RecordSessionOptions) {
    this.#options = options;
    const { instruments, clock } = options;
    const spec: RingSpec = {
      name: 'ticks',
      slotBytes: TICK_BYTES,
      slotCount: TICK_SLOTS,
      readers: [{ name: 'record', kind: 'trailing', wakeIndex: -1 }],
      writerRole: 'ingest',
      schemaHashWord: SCHEMA_HASH_WORD,
    };
    const ring = allocateRing(spec);
    const cells = instruments.length;
    const histograms = new SharedArrayBuffer(SharedHistogram.bytes(HISTOGRAM_NAMES.length));
    this.#telemetry = new Telemetry(
      new CounterBlock(
        new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
        0,
        COUNTERS_PER_BLOCK,
      ),
      HISTOGRAM_NAMES.map((_, index) => new SharedHistogram(histograms, index)),
    );
    this.#wake = new WakeWord(new SharedArrayBuffer(wakeBytes(1)), 0);
    this.#network = new WsNetwork({ clock });
    this.#reader = new TrailingReader(ring, spec, 0);
    const recorder = new Recorder(options, this.#reader, this.#hash);
    const ingest = new IngestAgent({
      instruments,
      wsUrls: { [options.venue]: options.wsUrl },
      restUrls: { [options.venue]: options.restUrl },
      config: options.config,
      tickWriter: new RingWriter(ring, spec, null),
      boardMarkets: new BoardCells(
        new SharedArrayBuffer(BoardCells.bytes(cells, BOARD_MARKET_WORDS)),
        cells,
        BOARD_MARKET_WORDS,
      ),
      telemetry: this.#telemetry,
      clock,
      network: this.#network,
      onChange: options.onChange,
      tapFeed: (feed) => new TappedFeed(feed, recorder.tap()),
    });
    // The recorder last: it hears what the others have done.
    this.#agents = new JoinedAgents('record', [ingest, recorder]);
  }

  /** Runs until `stop`; rejects when the disk fails. */
  async run(): Promise<void> {
    try {
      await runOnEventLoop({
        seats: [
          {
            agent: this.#agents,
            telemetry: this.#telemetry,
            isStopAsked: () => this.#isStopAsked,
            beat: () => undefined,
          },
        ],
        clock: this.#options.clock,
        wake: this.#wake,
        waitMode: 'park',
        napMs: NAP_MS,
        napMaxMs: NAP_MAX_MS,
      });
    } finally {
      this.#network.close();
    }
  }

  stop(): void {
    this.#isStopAsked = true;
    this.#wake.signal();
  }

  get counts(): RecordCounts {
    const rejects: Record<string, number> = {};
    for (const [index, code] of ERROR_CODES.entries()) {
      const count = this.#telemetry.rejects(index);
      if (count > 0) rejects[code] = count;
    }
    return {
      frames: this.#telemetry.get(Counter.framesReceived),
      ticks: this.#hash.tickCount,
      connects: this.#telemetry.get(Counter.feedConnects),
      gaps: this.#telemetry.get(Counter.feedGaps),
      rejects,
    };
  }

  /** Of every tick that was published; null when some were missed. The last call. */
  tickHash(): string | null {
    return this.#reader.lappedCount === 0 ? this.#hash.digest() : null;
  }
}

/** Writes what feeds are told, and hashes what they say. */
class Recorder implements Agent {
  readonly roleName = 'recorder';
  readonly #options: RecordSessionOptions;
  readonly #ticks: TrailingReader;
  readonly #hash: TickHash;
  #host: AgentHost | null = null;
  #failure: Error | null = null;
  #connectionCount = 0;
  #flushedNs = 0;
  #isStopping = false;

  constructor(options: RecordSessionOptions, ticks: TrailingReader, hash: TickHash) {
    this.#options = options;
    this.#ticks = ticks;
    this.#hash = hash;
  }

  /** For the next connection; they are made in the order of the recording's header. */
  tap(): FeedTap {
    const connection = this.#connectionCount++;
    const { clock } = this.#options;
    const add = (direction: number, text: string, recvNs = clock.nowNs()): void => {
      this.#add(connection, direction, recvNs, null, ENCODER.encode(text));
    };
    const sent = (texts: readonly string[]): void => {
      for (const text of texts) add(RecordedDirection.Out, text);
    };
    return {
      connected: (texts) => {
        const { wsUrl } = this.#options;
        const nowNs = clock.nowNs();
        this.#add(connection, RecordedDirection.Connect, nowNs, wsUrl, new Uint8Array(0));
        sent(texts);
      },
      disconnected: (reason, nowNs) => add(RecordedDirection.Disconnect, codeAt(reason), nowNs),
      frame: (bytes, recvNs) => {
        this.#add(connection, RecordedDirection.In, recvNs, null, bytes);
      },
      body: (path, body, recvNs) => {
        const url = `${this.#options.restUrl}${path}`;
        this.#add(connection, RecordedDirection.Http, recvNs, url, body);
      },
      renewed: (subscription, texts) => {
        add(RecordedDirection.Renew, String(subscription));
        sent(texts);
      },
      stale: (place, reason, nowNs) => {
        add(RecordedDirection.Stale, `${String(place)} ${codeAt(reason)}`, nowNs);
      },
      requested: (path) => add(RecordedDirection.Request, path),
    };
  }

  onStart(host: AgentHost): void {
    this.#host = host;
    if (this.#failure !== null) host.fail(this.#failure);
  }

  doWork(nowNs: number): number {
    let count = 0;
    while (this.#ticks.poll() !== -1) {
      this.#hash.add(this.#ticks.i32, 0);
      count++;
    }
    if (nowNs - this.#flushedNs >= FLUSH_NS) {
      this.#flushedNs = nowNs;
      this.#do(() => {
        this.#options.writer.flush();
      });
    }
    return count;
  }

  get nextTurnNs(): number {
    return this.#options.writer.pendingCount > 0
      ? this.#flushedNs + FLUSH_NS
      : Number.POSITIVE_INFINITY;
  }

  onStop(): void {
    this.#isStopping = true;
  }

  get isDone(): boolean {
    return this.#isStopping;
  }

  onClose(): void {
    this.doWork(0);
  }

  #add(
    connection: number,
    direction: number,
    recvNs: number,
    url: string | null,
    bytes: Uint8Array,
  ): void {
    this.#do(() => {
      this.#options.writer.appendFrame({
        recvNs,
        direction,
        connection,
        url,
        bytes,
        line: 0,
        hasTime: true,
      });
    });
  }

  /** A disk that fails ends the session; it must not throw through a socket's callback. */
  #do(act: () => void): void {
    if (this.#failure !== null) return;
    try {
      act();
    } catch (error) {
      this.#failure =
        error instanceof Error ? error : new TickwireError('RECORDING_FAILED', String(error));
      this.#host?.fail(this.#failure);
    }
  }
}
