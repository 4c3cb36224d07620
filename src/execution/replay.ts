/**
 * replay: the journal through a fresh core: recovery at a start, and the proof that what was recorded is what the
 * inputs make. Each run is judged by the core that it had: its limits, its instruments.
 *
 * Main thread, before the threads of a run start; verify-journal. Pure but for what is handed in.
 */
import { CoreRecord, EVENT_KIND_INPUT_MAX, Outbox } from '../domain/core-record.js';
import { takeSnapshot, restoreSnapshot } from './core-snapshot.js';
import type { CoreSnapshot } from './core-snapshot.js';
import { ExecutionCore, outboxCapacity } from './execution-core.js';
import type { ExecutionCoreOptions } from './execution-core.js';

/** A record of the journal and the run that it is of; reused by whoever yields it. */
export interface ReplayRecord {
  readonly run: number;
  readonly record: CoreRecord;
}

/** The first record that is not what the inputs make. */
export interface ReplayDifference {
  readonly seq: number;
  /** What the journal says; null: nothing, where the core says something. */
  readonly recorded: Readonly<Record<string, number>> | null;
  readonly replayed: Readonly<Record<string, number>> | null;
}

type Field = Exclude<keyof CoreRecord, 'reset'>;
const FIELDS = Object.keys(new CoreRecord()) as Field[];

export class Replay {
  readonly #optionsOf: (run: number) => ExecutionCoreOptions;
  #core: ExecutionCore | null = null;
  #run = 0;
  #outbox = new Outbox(1);
  #snapshot: CoreSnapshot | null = null;
  /** Outputs of the last input that the journal has not confirmed yet. */
  #confirmed = 0;
  #lastSeq = 0;
  #inputSeq = 0;
  inputCount = 0;
  outputCount = 0;
  difference: ReplayDifference | null = null;

  constructor(optionsOf: (run: number) => ExecutionCoreOptions) {
    this.#optionsOf = optionsOf;
  }

  /** Goes on from a kept state. */
  startFrom(snapshot: CoreSnapshot): void {
    this.#snapshot = snapshot;
  }

  /** Seq of the last record that was seen. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** SHA-256 of the state now; empty before the first record. */
  get stateHash(): string {
    return this.#core?.stateHash() ?? '';
  }

  /** The state now; null: nothing was replayed and nothing was kept. */
  snapshot(): CoreSnapshot | null {
    return this.#core === null ? this.#snapshot : takeSnapshot(this.#core);
  }

  /** An input is applied; an output is compared with what the core has said. False: they differ (see `difference`). */
  next({ run, record }: ReplayRecord): boolean {
    if (this.difference !== null) return false;
    if (record.kind > EVENT_KIND_INPUT_MAX) return this.#confirm(record);
    // A process that was killed may have lost the outputs of the last input of its run.
    if (this.#outbox.count > this.#confirmed && run === this.#run) return this.#differ(null);
    this.#apply(run, record);
    return true;
  }

  /** Only applies: for recovery, which reads inputs alone. */
  applyInput({ run, record }: ReplayRecord): void {
    this.#apply(run, record);
  }

  /** At the end of a journal; a process that was killed may have lost the outputs of its last input. */
  end(mayBeCut: boolean): boolean {
    if (this.difference !== null) return false;
    return mayBeCut || this.#outbox.count === this.#confirmed || this.#differ(null);
  }

  #apply(run: number, record: CoreRecord): void {
    if (this.#core === null || run !== this.#run) this.#begin(run);
    this.#outbox.clear();
    this.#confirmed = 0;
    this.#lastSeq = record.seq;
    this.#inputSeq = record.seq;
    this.inputCount++;
    this.#core?.apply(record, this.#outbox);
  }

  #begin(run: number): void {
    const before = this.snapshot();
    const options = this.#optionsOf(run);
    this.#core = new ExecutionCore(options);
    this.#outbox = new Outbox(outboxCapacity(options.orderSlots, options.instruments.length));
    if (before !== null) restoreSnapshot(this.#core, before);
    this.#run = run;
  }

  #confirm(record: CoreRecord): boolean {
    const made = this.#outbox.records[this.#confirmed];
    if (made === undefined || this.#confirmed >= this.#outbox.count) return this.#differ(record);
    // Stamped by the agent, in this order.
    made.seq = this.#lastSeq + 1;
    made.refSeq = this.#inputSeq;
    for (const field of FIELDS) {
      if (made[field] !== record[field]) return this.#differ(record);
    }
    this.#confirmed++;
    this.#lastSeq = record.seq;
    this.outputCount++;
    return true;
  }

  #differ(recorded: CoreRecord | null): boolean {
    const made =
      this.#confirmed < this.#outbox.count ? this.#outbox.records[this.#confirmed] : undefined;
    this.difference = {
      seq: recorded?.seq ?? this.#lastSeq + 1,
      recorded: recorded === null ? null : numbersOf(recorded),
      replayed: made === undefined ? null : numbersOf(made),
    };
    return false;
  }
}

/** The fields that are not 0. */
function numbersOf(record: CoreRecord): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const field of FIELDS) if (record[field] !== 0) numbers[field] = record[field];
  return numbers;
}
