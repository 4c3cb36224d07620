/**
 * signal-agent: one signal worker's duty cycle: ticks and order events in, intents out.
 * @hotpath
 *
 *   ticks ring (trailing) ──▶ ┌─────────────┐
 *   events ring (trailing) ─▶ │ signal-core │──▶ intents ring (this worker is its writer; execution is held to it)
 *   boards ─────────────────▶ └─────────────┘   (positions after a lap, fair prices when they change)
 *
 * A lap on the tick ring costs ticks, which are counted; the next quote mends the view. A lap on the event ring is mended
 * from the board. No I/O: this thread may spin or block.
 */
import {
  BOARD_FAIR_WORDS,
  BOARD_PORTFOLIO_WORDS,
  BOARD_POSITION_WORDS,
  EventKind,
  getBoardFairComputedNs,
  getBoardFairConfidencePpm,
  getBoardFairHighMantissa,
  getBoardFairLowMantissa,
  getBoardFairOldestNs,
  getBoardFairPriceMantissa,
  getBoardFairReason,
  getBoardPortfolioTradingState,
  getBoardPositionOpenOrderCount,
  getBoardPositionSizeMantissa,
  getEventKind,
  readEvent,
  blankTick,
  readTick,
  writeIntent,
} from '../generated/hot.js';
import type { EventFields, TickFields } from '../generated/hot.js';
import { CoreRecord } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import type { FairAsset } from '../domain/fair-price.js';
import type { Instrument } from '../domain/instrument.js';
import type { BoardCells } from '../memory/board.js';
import type { RingWriter, TrailingReader } from '../memory/ring.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { Counter, Histogram } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { FairView } from './fair-view.js';
import { SignalCore } from './signal-core.js';
import type { StrategySeat } from './signal-core.js';

export interface SignalAgentOptions {
  readonly roleName: string;
  readonly instruments: readonly Instrument[];
  /** Indexes of those that strategies see. Default: all. */
  readonly offered?: readonly number[];
  readonly seats: readonly StrategySeat[];
  readonly ticks: TrailingReader;
  readonly events: TrailingReader;
  readonly intents: RingWriter;
  /** What fair prices there are, default one of each base; by place in that list their cells. Writer: ingest. */
  readonly fairAssets?: readonly FairAsset[];
  readonly boardFair: BoardCells;
  readonly boardPositions: BoardCells;
  readonly boardPortfolio: BoardCells;
  readonly telemetry: Telemetry;
  /** Reads the clock: the time of a tick's arrival here, and of an intent's departure. */
  readonly nowNs: () => number;
}

/** At most so many records of one ring in one duty cycle, so that the other ring is not starved. */
const BURST_MAX = 256;
const DEADLINE_INTERVAL_NS = 10_000_000;

export class SignalAgent implements Agent {
  readonly roleName: string;
  readonly core: SignalCore;
  readonly #options: SignalAgentOptions;
  readonly #tick: TickFields = blankTick();
  readonly #event: EventFields = new CoreRecord();
  readonly #position = new Int32Array(BOARD_POSITION_WORDS);
  readonly #portfolio = new Int32Array(BOARD_PORTFOLIO_WORDS);
  readonly #fair = new Int32Array(BOARD_FAIR_WORDS);
  readonly #fairVersions: Int32Array;
  readonly #intentRingFull = codeIndex('INTENT_RING_FULL');
  #intentSeq = 0;
  #isSynced = false;
  #isStopping = false;
  #eventsLapped = 0;
  #ticksLapped = 0;
  #deadlineNs = 0;

  constructor(options: SignalAgentOptions) {
    this.roleName = options.roleName;
    this.#options = options;
    this.core = new SignalCore(
      options.instruments,
      options.seats,
      options.offered,
      options.fairAssets,
    );
    this.#fairVersions = new Int32Array(this.core.fairs.length);
  }

  onStart(_host: AgentHost): void {
    // Everything was built by the constructor.
  }

  doWork(nowNs: number): number {
    if (this.#isStopping) return 0;
    this.#readFair();
    let workCount = this.#drainEvents(nowNs);
    workCount += this.#drainTicks();
    if (nowNs - this.#deadlineNs >= DEADLINE_INTERVAL_NS) {
      this.#deadlineNs = nowNs;
      if (!this.#isSynced) this.#sync();
      this.core.onDeadline(nowNs);
      this.#emit(nowNs, nowNs);
    }
    return workCount;
  }

  onStop(_nowNs: number): void {
    this.#isStopping = true;
  }

  get isDone(): boolean {
    return this.#isStopping;
  }

  onClose(): void {
    // Rings and board belong to the engine.
  }

  #drainEvents(nowNs: number): number {
    const { events, telemetry } = this.#options;
    let count = 0;
    while (count < BURST_MAX && events.poll() !== -1) {
      count++;
      const kind = getEventKind(events.i32, 0);
      // Only outputs concern a strategy; texts and inputs are for the journal.
      if (kind < EventKind.OrderSend || kind === EventKind.Text) continue;
      readEvent(events.i32, 0, this.#event);
      this.core.onOrderEvent(this.#event, nowNs);
      this.#emit(nowNs, nowNs);
    }
    if (count > 0) telemetry.add(Counter.eventsRead, count);
    const lapped = events.lappedCount;
    if (lapped !== this.#eventsLapped) {
      telemetry.add(Counter.eventsLapped, lapped - this.#eventsLapped);
      this.#eventsLapped = lapped;
      this.#isSynced = false;
      this.#sync();
    }
    return count;
  }

  #drainTicks(): number {
    const { ticks, telemetry } = this.#options;
    const tick = this.#tick;
    let count = 0;
    while (count < BURST_MAX && ticks.poll() !== -1) {
      count++;
      readTick(ticks.i32, 0, tick);
      const readNs = this.#options.nowNs();
      telemetry.record(Histogram.tickToSignal, readNs - tick.recvNs);
      this.core.onTick(tick, readNs);
      if (this.core.outbox.count > 0) this.#emit(tick.recvNs, readNs);
    }
    if (count > 0) telemetry.add(Counter.ticksRead, count);
    const lapped = ticks.lappedCount;
    if (lapped !== this.#ticksLapped) {
      telemetry.add(Counter.ticksLapped, lapped - this.#ticksLapped);
      this.#ticksLapped = lapped;
    }
    return count;
  }

  /** Strategies see the fair prices that were on the board when the turn began. */
  #readFair(): void {
    const { boardFair } = this.#options;
    const fairs = this.core.fairs;
    const cell = this.#fair;
    for (let place = 0; place < fairs.length; place++) {
      const version = boardFair.version(place);
      if (version === this.#fairVersions[place] || !boardFair.read(place, cell)) continue;
      this.#fairVersions[place] = version;
      const fair = fairs[place] as FairView;
      fair.priceMantissa = getBoardFairPriceMantissa(cell, 0);
      fair.lowMantissa = getBoardFairLowMantissa(cell, 0);
      fair.highMantissa = getBoardFairHighMantissa(cell, 0);
      fair.confidencePpm = getBoardFairConfidencePpm(cell, 0);
      fair.computedNs = getBoardFairComputedNs(cell, 0);
      fair.oldestNs = getBoardFairOldestNs(cell, 0);
      fair.reason = getBoardFairReason(cell, 0);
    }
  }

  /** Moves the outbox to the ring. `recvNs`: of the tick that caused it, or now. */
  #emit(recvNs: number, readNs: number): void {
    const { intents, telemetry } = this.#options;
    const outbox = this.core.outbox;
    for (let index = 0; index < outbox.count; index++) {
      const record = outbox.records[index];
      if (record === undefined) continue;
      // Until the core's standing is known, nothing may be asked for: the position could be any.
      const base = this.#isSynced ? intents.claim() : -1;
      if (base === -1) {
        if (this.#isSynced) {
          telemetry.add(Counter.intentsDropped);
          telemetry.reject(this.#intentRingFull);
        }
        this.core.intentDropped(record);
        continue;
      }
      record.intentSeq = ++this.#intentSeq;
      record.tickRecvNs = recvNs;
      record.tickVenueNs = this.#tick.venueNs;
      record.tickReadNs = readNs;
      record.emitNs = this.#options.nowNs();
      writeIntent(intents.i32, base, record);
      intents.publish();
      telemetry.add(Counter.intentsEmitted);
      telemetry.record(Histogram.strategy, record.emitNs - readNs);
    }
    outbox.clear();
  }

  /** Takes position and open orders from the board; possible once execution has shown its trading state. */
  #sync(): void {
    const { boardPortfolio, boardPositions, instruments } = this.#options;
    if (!boardPortfolio.read(0, this.#portfolio)) return;
    if (getBoardPortfolioTradingState(this.#portfolio, 0) === 0) return;
    for (let index = 0; index < instruments.length; index++) {
      if (!boardPositions.read(index, this.#position)) continue;
      this.core.resync(
        index,
        getBoardPositionSizeMantissa(this.#position, 0),
        getBoardPositionOpenOrderCount(this.#position, 0),
      );
    }
    this.#isSynced = true;
  }
}
