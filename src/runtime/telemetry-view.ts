/**
 * telemetry-view: counters and histograms of every role, read and added up. Control's pages and metrics and the summary
 * of a run look through it; it writes nothing.
 */
import { must } from '../domain/assert.js';
import { ERROR_CODES } from '../domain/errors.js';
import type { CounterBlock } from '../memory/counters.js';
import { SharedHistogram, type HistogramSnapshot } from '../memory/histogram.js';
import {
  Counter,
  COUNTER_NAMES,
  Histogram,
  HISTOGRAM_NAMES,
  type CounterName,
  type HistogramName,
} from './telemetry.js';

/** One role's own shared memory. */
export interface TelemetryRole {
  readonly role: string;
  readonly block: CounterBlock;
  /** By index of HISTOGRAM_NAMES. */
  readonly histograms: readonly SharedHistogram[];
}

/** A histogram for people, in microseconds. */
export interface LatencyUs {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counters that hold a largest value: over all roles the largest counts, not the sum. */
const MAXIMA: ReadonlySet<CounterName> = new Set(['gcUsMax']);

export class TelemetryView {
  readonly #roles: readonly TelemetryRole[];

  constructor(roles: readonly TelemetryRole[]) {
    this.#roles = roles;
  }

  get roleNames(): readonly string[] {
    return this.#roles.map((role) => role.role);
  }

  /** Over all roles. */
  counter(name: CounterName): number {
    const values = this.#roles.map((role) => role.block.get(Counter[name]));
    if (MAXIMA.has(name)) return Math.max(0, ...values);
    return values.reduce((sum, value) => sum + value, 0);
  }

  counterOf(role: string, name: CounterName): number {
    return this.#roleOf(role).block.get(Counter[name]);
  }

  /** Refusals by code, over all roles; codes that never occurred are left out. */
  rejects(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const role of this.#roles) {
      for (const [code, count] of Object.entries(rejectsIn(role.block))) {
        sums[code] = (sums[code] ?? 0) + count;
      }
    }
    return sums;
  }

  rejectsOf(role: string): Readonly<Record<string, number>> {
    return rejectsIn(this.#roleOf(role).block);
  }

  /** Over all roles. */
  histogram(name: HistogramName): HistogramSnapshot {
    return SharedHistogram.merge(
      this.#roles.map((role) =>
        must(role.histograms[Histogram[name]], `histogram ${name} of ${role.role}`).snapshot(),
      ),
    );
  }

  latencyUs(name: HistogramName): LatencyUs {
    const all = this.histogram(name);
    return {
      count: all.count,
      p50: micros(all.percentile(50)),
      p99: micros(all.percentile(99)),
      p999: micros(all.percentile(99.9)),
      max: micros(all.max),
    };
  }

  latenciesUs(): Readonly<Record<HistogramName, LatencyUs>> {
    return Object.fromEntries(
      HISTOGRAM_NAMES.map((name) => [name, this.latencyUs(name)]),
    ) as Readonly<Record<HistogramName, LatencyUs>>;
  }

  #roleOf(role: string): TelemetryRole {
    return must(
      this.#roles.find((one) => one.role === role),
      `telemetry of role ${role}`,
    );
  }
}

function rejectsIn(block: CounterBlock): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [index, code] of ERROR_CODES.entries()) {
    const count = block.get(COUNTER_NAMES.length + index);
    if (count > 0) found[code] = count;
  }
  return found;
}

/** To the nanosecond. */
function micros(ns: number): number {
  return Math.round(ns) / 1000;
}
