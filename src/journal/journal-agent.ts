/**
 * journal-agent: drains the event ring into the store, in batches. Journal thread.
 *
 *   events ring ──gating──▶ journal-agent ──one transaction per batch──▶ JournalWriter
 *
 * A batch ends when it is full or when its first record has waited long enough. The reader is gating: while the store
 * is slow the ring fills, and execution waits for room; nothing is ever lost or skipped. A store that fails ends the
 * run: trading on without a journal would be trading without a memory.
 */
import type { GatingReader } from '../memory/ring.js';
import type { Clock } from '../ports/clock.js';
import type { JournalWriter } from '../ports/store.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { Counter, Histogram, type Telemetry } from '../runtime/telemetry.js';

/** How long the first record of a batch waits for company. */
export const JOURNAL_BATCH_WAIT_NS = 5_000_000;

export interface JournalAgentOptions {
  readonly events: GatingReader;
  /** Called on the journal thread when it starts: a database connection does not cross threads. */
  readonly openWriter: () => JournalWriter;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Told after each commit: every record up to this one is on disk. */
  readonly onDurable?: (seq: number) => void;
  /** Default: JOURNAL_BATCH_WAIT_NS. */
  readonly batchWaitNs?: number;
}

export class JournalAgent implements Agent {
  readonly roleName = 'journal';
  readonly #options: JournalAgentOptions;
  readonly #batchWaitNs: number;
  #writer: JournalWriter | null = null;
  #host: AgentHost | null = null;
  #batchStartNs = 0;
  #isStopping = false;
  #hasFailed = false;

  constructor(options: JournalAgentOptions) {
    this.#options = options;
    this.#batchWaitNs = options.batchWaitNs ?? JOURNAL_BATCH_WAIT_NS;
  }

  onStart(host: AgentHost): void {
    this.#host = host;
    this.#writer = this.#options.openWriter();
  }

  doWork(nowNs: number): number {
    const writer = this.#writer;
    if (writer === null || this.#hasFailed) return 0;
    try {
      const count = this.#drain(writer, nowNs);
      const isFull = writer.pendingCount === writer.capacity;
      const hasWaited = nowNs - this.#batchStartNs >= this.#batchWaitNs;
      if (writer.pendingCount > 0 && (isFull || hasWaited || this.#isStopping))
        this.#commit(writer);
      return count;
    } catch (error) {
      this.#hasFailed = true;
      this.#host?.fail(error instanceof Error ? error : new Error(String(error)));
      return 0;
    }
  }

  onStop(): void {
    this.#isStopping = true;
  }

  /** The first record of a batch does not wait longer than it was promised, even when no other comes. */
  get nextTurnNs(): number {
    const isWaiting = this.#writer !== null && this.#writer.pendingCount > 0;
    return isWaiting ? this.#batchStartNs + this.#batchWaitNs : Number.POSITIVE_INFINITY;
  }

  /** True once the ring is empty and everything is on disk; the runner stops the writer of the ring before us. */
  get isDone(): boolean {
    if (this.#hasFailed) return true;
    return this.#isStopping && this.#writer?.pendingCount === 0 && this.#options.events.poll() < 0;
  }

  onClose(): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    try {
      if (!this.#hasFailed) {
        // Also without a stop (another thread died): what was published is still worth keeping.
        while (this.#drain(writer, 0) > 0 || writer.pendingCount > 0) this.#commit(writer);
        const endedNs = this.#options.clock.runEpochNs + BigInt(this.#options.clock.nowNs());
        writer.endRun(this.#isStopping ? 'ended' : 'failed', endedNs);
      }
    } finally {
      writer.close();
    }
  }

  #drain(writer: JournalWriter, nowNs: number): number {
    const { events } = this.#options;
    let count = 0;
    while (writer.pendingCount < writer.capacity) {
      const base = events.poll();
      if (base < 0) break;
      if (writer.pendingCount === 0) this.#batchStartNs = nowNs;
      writer.append(events.i32, base);
      events.advance();
      count++;
    }
    return count;
  }

  #commit(writer: JournalWriter): void {
    const { clock, telemetry } = this.#options;
    const startNs = clock.nowNs();
    const count = writer.commit();
    this.#options.onDurable?.(writer.durableSeq);
    telemetry.record(Histogram.journalCommit, clock.nowNs() - startNs);
    telemetry.add(Counter.journalRecords, count);
    telemetry.add(Counter.journalBatches, 1);
  }
}
