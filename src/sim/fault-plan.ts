/**
 * FaultPlan: what goes wrong at a simulated venue, by name; all off by default. Deterministic: time comes in, chance
 * comes from the seed. Asked by the server for every frame and every request.
 *
 *   disconnect       sockets are cut, without a close frame
 *   drop-frame       `count` frames are not sent (their sequence numbers are used up)      default 1
 *   gap              the same for a longer run                                             default 5
 *   duplicate-frame  `count` frames are sent twice                                         default 1
 *   delay            `count` frames (scope rest: answers) come `ms` late; those behind wait default 10
 *   silent           nothing is sent for `ms`; what was due meanwhile is lost
 *   lose-ack         `count` orders (`on`: cancels) are carried out, the answer is not sent default 1
 *   reject           `count` orders are refused with `reason`                              default 1
 *   rate-limit       `count` requests are answered 429                                     default 1
 *
 * `scope` says where: public or private sockets, rest, or all. `topic` picks frames by channel.
 * From a file (`--faults`) each may have `afterMs`, `everyMs` and `jitterMs`.
 */
import { SeededRandom } from '../domain/seeded-random.js';

export const FAULT_NAMES = [
  'disconnect',
  'drop-frame',
  'duplicate-frame',
  'delay',
  'lose-ack',
  'reject',
  'rate-limit',
  'silent',
  'gap',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

const SCOPES = ['public', 'private', 'rest', 'all'] as const;
export type FaultScope = (typeof SCOPES)[number];

export interface Fault {
  readonly fault: FaultName;
  readonly scope: FaultScope;
  readonly count: number;
  readonly ms: number;
  readonly reason: string;
  /** Empty: any. */
  readonly topic: string;
  readonly on: 'place' | 'cancel';
}

/** A fault of a plan file. */
export interface PlannedFault extends Fault {
  readonly afterMs: number;
  /** 0: once. */
  readonly everyMs: number;
  readonly jitterMs: number;
}

const COUNT_MAX = 1_000_000;
const MS_MAX = 86_400_000;

const COUNT_DEFAULT: Readonly<Record<FaultName, number>> = {
  disconnect: 1,
  'drop-frame': 1,
  'duplicate-frame': 1,
  delay: 10,
  'lose-ack': 1,
  reject: 1,
  'rate-limit': 1,
  silent: 1,
  gap: 5,
};

const SCOPE_DEFAULT: Readonly<Record<FaultName, FaultScope>> = {
  disconnect: 'all',
  'drop-frame': 'public',
  'duplicate-frame': 'public',
  delay: 'public',
  'lose-ack': 'rest',
  reject: 'rest',
  'rate-limit': 'rest',
  silent: 'public',
  gap: 'public',
};

/** A fault from JSON; or every problem, each naming field, value and rule. */
export function parseFault(value: unknown): PlannedFault | readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return ['a fault must be an object such as {"fault": "disconnect"}'];
  }
  const fields = value as Record<string, unknown>;
  const problems: string[] = [];
  const name = FAULT_NAMES.find((known) => known === fields['fault']);
  if (name === undefined) {
    problems.push(`fault: ${text(fields['fault'])} is none of ${FAULT_NAMES.join(', ')}`);
  }
  const integer = (field: string, fallback: number, min: number, max: number): number => {
    const given = fields[field];
    if (given === undefined) return fallback;
    if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) {
      return given;
    }
    problems.push(`${field}: ${text(given)} is not an integer from ${min} to ${max}`);
    return fallback;
  };
  const word = <T extends string>(field: string, fallback: T, allowed: readonly T[]): T => {
    const given = fields[field];
    if (given === undefined) return fallback;
    const found = allowed.find((known) => known === given);
    if (found === undefined) {
      problems.push(`${field}: ${text(given)} is none of ${allowed.join(', ')}`);
    }
    return found ?? fallback;
  };
  const string = (field: string, fallback: string): string => {
    const given = fields[field];
    if (given === undefined) return fallback;
    if (typeof given === 'string' && given.length <= 100) return given;
    problems.push(`${field}: ${text(given)} is not a text of at most 100 characters`);
    return fallback;
  };
  const known = [
    ...['fault', 'scope', 'count', 'ms', 'reason', 'topic', 'on'],
    ...['afterMs', 'everyMs', 'jitterMs'],
  ];
  for (const field of Object.keys(fields)) {
    if (!known.includes(field)) problems.push(`${field}: there is no such field`);
  }
  const fault: PlannedFault = {
    fault: name ?? 'disconnect',
    scope: word('scope', SCOPE_DEFAULT[name ?? 'disconnect'], SCOPES),
    count: integer('count', COUNT_DEFAULT[name ?? 'disconnect'], 1, COUNT_MAX),
    ms: integer('ms', 1000, 1, MS_MAX),
    reason: string('reason', 'UNKNOWN_FAILURE_REASON'),
    topic: string('topic', ''),
    on: word('on', 'place', ['place', 'cancel'] as const),
    afterMs: integer('afterMs', 0, 0, MS_MAX),
    everyMs: integer('everyMs', 0, 0, MS_MAX),
    jitterMs: integer('jitterMs', 0, 0, MS_MAX),
  };
  return problems.length > 0 ? problems : fault;
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** What becomes of one frame. */
export interface FrameFate {
  /** 0: lost, 2: doubled. */
  readonly copies: 0 | 1 | 2;
  readonly delayMs: number;
}

const SENT: FrameFate = { copies: 1, delayMs: 0 };
const LOST: FrameFate = { copies: 0, delayMs: 0 };

interface Pending {
  readonly fault: Fault;
  left: number;
  /** silent: until then. */
  readonly untilMs: number;
}

interface Scheduled {
  readonly fault: PlannedFault;
  dueMs: number;
}

export class FaultPlan {
  readonly #random: SeededRandom;
  readonly #scheduled: Scheduled[] = [];
  #pending: Pending[] = [];

  constructor(seed: number, planned: readonly PlannedFault[] = []) {
    this.#random = new SeededRandom(seed);
    for (const fault of planned) {
      this.#scheduled.push({ fault, dueMs: fault.afterMs + this.#jitter(fault) });
    }
  }

  /** From now on. `disconnect` is not remembered: the server does it at once. */
  inject(fault: Fault, nowMs: number): void {
    if (fault.fault === 'disconnect') return;
    this.#pending.push({ fault, left: fault.count, untilMs: nowMs + fault.ms });
  }

  /** Faults of the plan whose time has come. */
  due(nowMs: number): Fault[] {
    const due: Fault[] = [];
    for (const entry of this.#scheduled) {
      if (entry.dueMs > nowMs) continue;
      due.push(entry.fault);
      entry.dueMs =
        entry.fault.everyMs === 0
          ? Infinity
          : nowMs + entry.fault.everyMs + this.#jitter(entry.fault);
    }
    return due;
  }

  frame(isPrivate: boolean, topic: string, nowMs: number): FrameFate {
    this.#forget(nowMs);
    const scope = isPrivate ? 'private' : 'public';
    for (const pending of this.#pending) {
      const { fault } = pending;
      if (fault.scope !== scope && fault.scope !== 'all') continue;
      if (fault.topic !== '' && fault.topic !== topic) continue;
      switch (fault.fault) {
        case 'silent':
          return LOST;
        case 'drop-frame':
        case 'gap':
          pending.left--;
          return LOST;
        case 'duplicate-frame':
          pending.left--;
          return { copies: 2, delayMs: 0 };
        case 'delay':
          pending.left--;
          return { copies: 1, delayMs: fault.ms };
        default:
          break;
      }
    }
    return SENT;
  }

  /** True when this request is to be answered 429. */
  takeRateLimit(nowMs: number): boolean {
    return this.#take('rate-limit', nowMs) !== null;
  }

  /** True when the answer to this order or cancel is to be lost. */
  takeLostAck(topic: 'place' | 'cancel' | 'query', nowMs: number): boolean {
    if (topic === 'query') return false;
    return this.#take('lose-ack', nowMs, (fault) => fault.on === topic) !== null;
  }

  /** The reason with which this order is to be refused; null for none. */
  takeReject(nowMs: number): string | null {
    return this.#take('reject', nowMs)?.reason ?? null;
  }

  /** By how much this answer is late. */
  takeAnswerDelayMs(nowMs: number): number {
    const isRest = (fault: Fault): boolean => fault.scope === 'rest' || fault.scope === 'all';
    return this.#take('delay', nowMs, isRest)?.ms ?? 0;
  }

  #take(
    name: FaultName,
    nowMs: number,
    isMeant: (fault: Fault) => boolean = (): boolean => true,
  ): Fault | null {
    this.#forget(nowMs);
    const pending = this.#pending.find(
      (entry) => entry.fault.fault === name && isMeant(entry.fault),
    );
    if (pending === undefined) return null;
    pending.left--;
    return pending.fault;
  }

  #forget(nowMs: number): void {
    if (this.#pending.length === 0) return;
    this.#pending = this.#pending.filter(
      (entry) => entry.left > 0 && (entry.fault.fault !== 'silent' || entry.untilMs > nowMs),
    );
  }

  #jitter(fault: PlannedFault): number {
    return fault.jitterMs === 0 ? 0 : this.#random.nextUint32() % (fault.jitterMs + 1);
  }
}
