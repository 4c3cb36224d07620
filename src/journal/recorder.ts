/**
 * recorder: the tick ring ─▶ a recording of ticks. Journal thread; off unless `recorder.dir` is set.
 *
 *   ticks ring ──trailing──▶ recorder ──▶ RecordingWriter (segments, docs/recordings.md)
 *
 * The market never waits for a disk: a recorder that is too slow is lapped, what it missed is counted, and the recording has
 * a hole of exactly that many records, which its reader tells. A disk that fails ends the recording, not the trading.
 */
import { codeIndex } from '../domain/errors.js';
import type { TrailingReader } from '../memory/ring.js';
import type { Agent } from '../runtime/agent.js';
import { Counter } from '../runtime/telemetry.js';
import type { Telemetry } from '../runtime/telemetry.js';
import type { RecordingWriter } from './recording-writer.js';

export interface RecorderOptions {
  readonly ticks: TrailingReader;
  /** Called on the journal thread when it starts. */
  readonly openWriter: () => RecordingWriter;
  readonly telemetry: Telemetry;
  /** What a killed engine may lose. */
  readonly flushNs: number;
  /** For logs: the recording has ended before its time. */
  readonly onFailure: (error: Error) => void;
}

/** Ticks read in one turn: the journal lives on the same thread. */
const TICKS_PER_TURN_MAX = 16_384;
/** Nobody wakes us for a tick: the ring holds many of these intervals. */
const TURN_NS = 10_000_000;

export class Recorder implements Agent {
  readonly roleName = 'recorder';
  readonly #options: RecorderOptions;
  #writer: RecordingWriter | null = null;
  #turnNs = 0;
  #flushedNs = 0;
  #lappedCount = 0;
  #isStopping = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  onStart(): void {
    this.#do(() => {
      this.#writer = this.#options.openWriter();
    });
  }

  doWork(nowNs: number): number {
    this.#turnNs = nowNs;
    const writer = this.#writer;
    if (writer === null) return 0;
    let count = 0;
    this.#do(() => {
      count = this.#drain(writer);
      if (nowNs - this.#flushedNs < this.#options.flushNs) return;
      this.#flushedNs = nowNs;
      writer.flush();
    });
    return count;
  }

  get nextTurnNs(): number {
    return this.#writer === null ? Number.POSITIVE_INFINITY : this.#turnNs + TURN_NS;
  }

  onStop(): void {
    this.#isStopping = true;
  }

  /** Ingest has stopped before us: once the ring is empty, nothing more comes. */
  get isDone(): boolean {
    return this.#isStopping;
  }

  onClose(): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#do(() => {
      while (this.#drain(writer) > 0);
      writer.close();
      this.#options.telemetry.set(Counter.recordedBytes, writer.byteCount);
    });
    this.#writer = null;
  }

  #drain(writer: RecordingWriter): number {
    const { ticks, telemetry } = this.#options;
    let count = 0;
    while (count < TICKS_PER_TURN_MAX && ticks.poll() !== -1) {
      // The record that was just read lies behind what was missed.
      if (ticks.lappedCount !== this.#lappedCount) this.#onLapped(writer);
      writer.appendTick(ticks.i32, 0);
      count++;
    }
    if (count > 0) {
      telemetry.add(Counter.ticksRead, count);
      telemetry.add(Counter.recordedRecords, count);
      telemetry.set(Counter.recordedBytes, writer.byteCount);
    }
    return count;
  }

  /** Cold. */
  #onLapped(writer: RecordingWriter): void {
    const missed = this.#options.ticks.lappedCount - this.#lappedCount;
    this.#lappedCount += missed;
    this.#options.telemetry.add(Counter.ticksLapped, missed);
    writer.skip(missed);
  }

  #do(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.telemetry.reject(codeIndex('RECORDING_FAILED'));
      this.#writer?.abandon();
      this.#writer = null;
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
