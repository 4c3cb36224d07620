/**
 * replay-strategies: replayed ticks through the signal core, as a signal thread would see them. Main thread; time is that of
 * the recording. An intent is counted and then dropped, as by a full ring: nobody judges or sends it.
 */
import type { Instrument } from '../domain/instrument.js';
import { blankTick, readTick } from '../generated/hot.js';
import { SignalCore } from '../signal/signal-core.js';
import { loadStrategy } from '../thread.js';

/** As in the signal agent. */
const DEADLINE_NS = 10_000_000;

export class ReplayedStrategies {
  readonly #names: readonly string[];
  readonly #core: SignalCore;
  readonly #tick = blankTick();
  readonly #counts: number[];
  #deadlineNs = Number.NEGATIVE_INFINITY;

  /** Strategies by name or file, with their default parameters. */
  static async load(
    names: readonly string[],
    instruments: readonly Instrument[],
  ): Promise<ReplayedStrategies> {
    const seats = [];
    for (const [strategyIndex, name] of names.entries()) {
      const factory = await loadStrategy(name);
      seats.push({ strategyIndex, strategy: factory.create({ instruments, params: {} }) });
    }
    return new ReplayedStrategies(names, new SignalCore(instruments, seats));
  }

  private constructor(names: readonly string[], core: SignalCore) {
    this.#names = names;
    this.#core = core;
    this.#counts = names.map(() => 0);
  }

  tick(i32: Int32Array, base: number): void {
    readTick(i32, base, this.#tick);
    const nowNs = this.#tick.recvNs;
    if (nowNs - this.#deadlineNs >= DEADLINE_NS) {
      this.#deadlineNs = nowNs;
      this.#core.onDeadline(nowNs);
      this.#count();
    }
    this.#core.onTick(this.#tick, nowNs);
    this.#count();
  }

  /** Intents by strategy. */
  get intents(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#names.map((name, index) => [name, this.#counts[index] ?? 0]));
  }

  #count(): void {
    const { outbox } = this.#core;
    for (let index = 0; index < outbox.count; index++) {
      const record = outbox.records[index];
      if (record === undefined) continue;
      const { strategyIndex } = record;
      this.#counts[strategyIndex] = (this.#counts[strategyIndex] ?? 0) + 1;
      this.#core.intentDropped(record);
    }
    outbox.clear();
  }
}
