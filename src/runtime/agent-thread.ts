/**
 * agent-thread: runs agents on a worker of their own or several on a shared one ("compact"): duty cycles, waiting, stop.
 *
 *   event loop (ingest, execution, journal, control, compact):   blocking (a strategy thread without I/O):
 *     round ─▶ work? ─ yes ─▶ setImmediate ─▶ round                round ─▶ work? ─ yes ─▶ round
 *                 └─ no ─▶ hot for a while, then waitAsync                     └─ no ─▶ Atomics.wait
 *
 * How a thread waits decides its latency and its price (docs/operating.md):
 *   spin   never sleeps: a core of its own is needed
 *   yield  polls for HOT_NS after the last work, then sleeps until it is woken
 *   park   sleeps as soon as there is nothing to do
 * A sleeper is woken by the writers of its rings (memory/wake.ts), by its sockets, or by the nap's end: agents with
 * deadlines need a turn now and then. An arming reader looks once more before it sleeps, so no wake-up is lost.
 *
 * Idle costs turns, so naps double from napMs to napMaxMs while nothing happens, and end earlier for an agent that says
 * when it wants a turn. A thread with an event loop stays armed from nap to nap behind one waiter (a wait that ends by
 * its own time-out goes through three threads of V8; a timer does not).
 */
import type { Agent, AgentHost } from './agent.js';
import { Counter } from './telemetry.js';
import type { Telemetry } from './telemetry.js';
import type { Clock } from '../ports/clock.js';
import type { WakeWord } from '../memory/wake.js';

export type WaitMode = 'spin' | 'yield' | 'park';

/** Life of a role, as its heartbeat cell shows it (schemas/board.fbs). */
export const RoleState = {
  None: 0,
  Starting: 1,
  Running: 2,
  Stopping: 3,
  Stopped: 4,
  Failed: 5,
} as const;
export type RoleState = (typeof RoleState)[keyof typeof RoleState];

/** One agent and what the runner needs to run it. */
export interface RunnerSeat {
  readonly agent: Agent;
  readonly telemetry: Telemetry;
  /** True once the supervisor wants this role to stop. */
  readonly isStopAsked: () => boolean;
  /** Shows the role's life: called on each change and every HEARTBEAT_NS. */
  readonly beat: (nowNs: number, cycleCount: number, state: RoleState) => void;
}

export interface RunnerOptions {
  readonly seats: readonly RunnerSeat[];
  readonly clock: Clock;
  /** The thread's own wait word. */
  readonly wake: WakeWord;
  readonly waitMode: WaitMode;
  /** First sleep after work, ms. */
  readonly napMs: number;
  /** Longest sleep, ms: agents with deadlines get a turn at least that often. */
  readonly napMaxMs: number;
}

const HOT_NS = 2_000_000;
const HEARTBEAT_NS = 100_000_000;
/** A role that was asked to stop and is not done by then is closed all the same. */
const STOP_GRACE_NS = 8_000_000_000;
const KEEP_ALIVE_MS = 1_000_000_000;
const NS_PER_MS = 1_000_000;

/** Tells the processor that we spin (Node 24 and later): less power, and the sibling thread of the core runs on. */
const pause = (Atomics as typeof Atomics & { readonly pause?: () => void }).pause;

class Seat {
  readonly agent: Agent;
  readonly telemetry: Telemetry;
  readonly #isStopAsked: () => boolean;
  readonly #beat: RunnerSeat['beat'];
  state: RoleState = RoleState.None;
  cycleCount = 0;
  #beatNs = Number.NEGATIVE_INFINITY;
  #stopDeadlineNs = 0;

  constructor(seat: RunnerSeat) {
    this.agent = seat.agent;
    this.telemetry = seat.telemetry;
    this.#isStopAsked = seat.isStopAsked;
    this.#beat = seat.beat;
  }

  /** One duty cycle and the role's own stop; returns the work done. */
  turn(nowNs: number): number {
    if (this.state === RoleState.Stopped) return 0;
    let workCount = this.agent.doWork(nowNs);
    this.cycleCount++;
    if (this.state === RoleState.Running && this.#isStopAsked()) {
      this.#stopDeadlineNs = nowNs + STOP_GRACE_NS;
      this.agent.onStop(nowNs);
      this.show(nowNs, RoleState.Stopping);
      workCount++;
    }
    if (nowNs - this.#beatNs >= HEARTBEAT_NS) this.show(nowNs, this.state);
    return workCount;
  }

  isReadyToClose(nowNs: number): boolean {
    return (
      this.state === RoleState.Stopping && (this.agent.isDone || nowNs >= this.#stopDeadlineNs)
    );
  }

  show(nowNs: number, state: RoleState): void {
    this.state = state;
    this.#beatNs = nowNs;
    this.telemetry.set(Counter.dutyCycles, this.cycleCount);
    this.#beat(nowNs, this.cycleCount, state);
  }
}

abstract class Runner implements AgentHost {
  protected readonly seats: readonly Seat[];
  protected readonly clock: Clock;
  protected readonly wake: WakeWord;
  protected readonly waitMode: WaitMode;
  readonly #napMs: number;
  readonly #napMaxMs: number;
  #nextNapMs: number;
  protected failure: Error | undefined;
  #isInRound = false;
  /** Seats that are done and whose onClose has not been called yet. */
  protected readonly closing: Seat[] = [];

  constructor(options: RunnerOptions) {
    this.seats = options.seats.map((seat) => new Seat(seat));
    this.clock = options.clock;
    this.wake = options.wake;
    this.waitMode = options.waitMode;
    this.#napMs = options.napMs;
    this.#napMaxMs = Math.max(options.napMs, options.napMaxMs);
    this.#nextNapMs = options.napMs;
  }

  abstract poke(): void;

  fail(error: Error): void {
    this.failure ??= error;
  }

  protected async start(): Promise<void> {
    for (const seat of this.seats) {
      seat.show(this.clock.nowNs(), RoleState.Starting);
      await seat.agent.onStart(this);
      seat.show(this.clock.nowNs(), RoleState.Running);
    }
  }

  /** One turn of every agent. Re-entrant calls (a poke from inside a round) do nothing. */
  protected round(nowNs: number): number {
    if (this.#isInRound) return 0;
    this.#isInRound = true;
    let workCount = 0;
    try {
      for (const seat of this.seats) {
        workCount += seat.turn(nowNs);
        if (seat.isReadyToClose(nowNs) && !this.closing.includes(seat)) this.closing.push(seat);
      }
    } finally {
      this.#isInRound = false;
    }
    return workCount;
  }

  protected async closeReady(): Promise<void> {
    for (const seat of this.closing) {
      if (seat.state === RoleState.Stopped) continue;
      await seat.agent.onClose();
      seat.show(this.clock.nowNs(), RoleState.Stopped);
    }
    this.closing.length = 0;
  }

  protected isOver(): boolean {
    return this.seats.every((seat) => seat.state === RoleState.Stopped);
  }

  /** Counts a sleep and returns its length: twice the last one, less when an agent wants a turn before. */
  protected takeNap(nowNs: number): number {
    for (const seat of this.seats) seat.telemetry.add(Counter.parks);
    let napMs = this.#nextNapMs;
    this.#nextNapMs = Math.min(this.#napMaxMs, napMs * 2);
    for (const seat of this.seats) {
      const turnMs = Math.ceil(((seat.agent.nextTurnNs ?? Infinity) - nowNs) / NS_PER_MS);
      napMs = Math.min(napMs, Math.max(1, turnMs));
    }
    return napMs;
  }

  /** There was work: the next sleep is a short one again. */
  protected resetNap(): void {
    this.#nextNapMs = this.#napMs;
  }

  /** After a failure: closes what can be closed (an open uWS app would abort the process), then reports. */
  protected async closeAfterFailure(error: Error): Promise<never> {
    for (const seat of this.seats) {
      if (seat.state === RoleState.Stopped) continue;
      try {
        await seat.agent.onClose();
      } catch (second) {
        error = new AggregateError([error, second], error.message);
      }
      seat.show(this.clock.nowNs(), RoleState.Failed);
    }
    throw error;
  }
}

class EventLoopRunner extends Runner {
  #lastWorkNs = 0;
  #isParked = false;
  /** A waitAsync is under way; one is enough for any number of sleeps. */
  #hasWaiter = false;
  #napTimer: NodeJS.Timeout | undefined;
  #finish: ((error?: Error) => void) | undefined;

  async run(): Promise<void> {
    // A sleep in waitAsync does not keep the event loop alive; without this a thread without sockets would just end.
    const keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS);
    try {
      await this.start();
      this.#lastWorkNs = this.clock.nowNs();
      await new Promise<void>((resolve, reject) => {
        this.#finish = (error) => {
          if (error === undefined) resolve();
          else reject(error);
        };
        this.#turnSafely();
      });
    } catch (error) {
      await this.closeAfterFailure(asError(error));
    } finally {
      clearInterval(keepAlive);
      clearTimeout(this.#napTimer);
      // Lets go of the waiter: nobody listens to it any more.
      this.#isParked = false;
      this.wake.arm();
      this.wake.signal();
    }
  }

  /** A socket callback has put work in front of us: do it in this very call. */
  poke(): void {
    if (this.#finish === undefined) return;
    try {
      const nowNs = this.clock.nowNs();
      const workCount = this.round(nowNs);
      // What this round has left over must not wait for the end of the nap; and who may poll polls now.
      const isHot = workCount > 0 || this.waitMode !== 'park';
      if (isHot) {
        this.#lastWorkNs = nowNs;
        this.resetNap();
      }
      if (this.#isParked && (isHot || this.closing.length > 0)) {
        this.#getUp();
        setImmediate(this.#turnSafely);
      }
    } catch (error) {
      this.#end(error);
    }
  }

  override fail(error: Error): void {
    super.fail(error);
    this.#end(error);
  }

  #end(error?: unknown): void {
    const finish = this.#finish;
    this.#finish = undefined;
    if (finish === undefined) return;
    if (error === undefined) finish();
    else finish(asError(error));
  }

  readonly #turnSafely = (): void => {
    if (this.#finish === undefined) return;
    try {
      this.#turn();
    } catch (error) {
      this.#end(error);
    }
  };

  #turn(): void {
    const nowNs = this.clock.nowNs();
    const workCount = this.round(nowNs);
    if (workCount > 0) {
      this.#lastWorkNs = nowNs;
      this.resetNap();
    }
    if (this.closing.length > 0) {
      this.closeReady().then(
        () => {
          if (this.isOver()) this.#end();
          else setImmediate(this.#turnSafely);
        },
        (error: unknown) => {
          this.#end(error);
        },
      );
      return;
    }
    const isHot =
      workCount > 0 ||
      this.waitMode === 'spin' ||
      (this.waitMode === 'yield' && nowNs - this.#lastWorkNs < HOT_NS);
    if (isHot) setImmediate(this.#turnSafely);
    else this.#park(nowNs);
  }

  #park(nowNs: number): void {
    this.wake.arm();
    // Whoever published before we armed did not wake us: look once more.
    if (this.round(nowNs) > 0 || this.closing.length > 0) {
      this.wake.disarm();
      this.#lastWorkNs = nowNs;
      this.resetNap();
      setImmediate(this.#turnSafely);
      return;
    }
    this.#isParked = true;
    if (!this.#hasWaiter) {
      this.#hasWaiter = true;
      this.wake.waitAsync(Number.POSITIVE_INFINITY).then(this.#onSignal, (error: unknown) => {
        this.#end(error);
      });
    }
    this.#napTimer = setTimeout(this.#onNapEnd, this.takeNap(nowNs));
  }

  /** A waiter of an earlier sleep may be the one that is notified in this one: any signal counts while asleep. */
  readonly #onSignal = (): void => {
    this.#hasWaiter = false;
    if (!this.#isParked) return;
    this.#getUp();
    this.#turnSafely();
  };

  /** Still armed: a signal that comes now finds the waiter, and its turn follows this one. */
  readonly #onNapEnd = (): void => {
    if (!this.#isParked || this.#finish === undefined) return;
    try {
      const nowNs = this.clock.nowNs();
      const workCount = this.round(nowNs);
      if (workCount === 0 && this.closing.length === 0) {
        this.#napTimer = setTimeout(this.#onNapEnd, this.takeNap(nowNs));
        return;
      }
      this.#lastWorkNs = nowNs;
      this.resetNap();
      this.#getUp();
      setImmediate(this.#turnSafely);
    } catch (error) {
      this.#end(error);
    }
  };

  #getUp(): void {
    this.#isParked = false;
    clearTimeout(this.#napTimer);
    this.wake.disarm();
  }
}

class BlockingRunner extends Runner {
  poke(): void {
    // Nothing calls back into a thread without sockets.
  }

  async run(): Promise<void> {
    try {
      await this.start();
      let lastWorkNs = this.clock.nowNs();
      while (!this.isOver()) {
        const nowNs = this.clock.nowNs();
        const workCount = this.round(nowNs);
        if (this.failure !== undefined) throw this.failure;
        if (this.closing.length > 0) {
          await this.closeReady();
          // Perhaps that was the last one: not a moment to fall asleep.
          continue;
        }
        if (workCount > 0) {
          lastWorkNs = nowNs;
          this.resetNap();
          continue;
        }
        if (
          this.waitMode === 'spin' ||
          (this.waitMode === 'yield' && nowNs - lastWorkNs < HOT_NS)
        ) {
          if (pause !== undefined) pause();
          continue;
        }
        this.wake.arm();
        // Whoever published before we armed did not wake us: look once more.
        if (this.round(nowNs) > 0 || this.closing.length > 0) {
          this.wake.disarm();
          lastWorkNs = nowNs;
          this.resetNap();
          continue;
        }
        this.wake.wait(this.takeNap(nowNs));
        this.wake.disarm();
      }
    } catch (error) {
      await this.closeAfterFailure(asError(error));
    }
  }
}

/** What was thrown, as an error. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${JSON.stringify(thrown)}`);
}

/** For agents with sockets, files or devices. Resolves when every agent has closed; rejects with the first failure. */
export function runOnEventLoop(options: RunnerOptions): Promise<void> {
  return new EventLoopRunner(options).run();
}

/** For agents without I/O: the thread blocks while idle. Resolves when every agent has closed. */
export function runBlocking(options: RunnerOptions): Promise<void> {
  return new BlockingRunner(options).run();
}
