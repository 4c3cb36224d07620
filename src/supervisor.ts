/**
 * supervisor: starts the threads of the plan, watches them, stops them in order. Main thread.
 *
 * Start: journal and control first (nothing may be traded that is not kept), then the hot threads. Stop: strategies
 * first (no new wishes), then execution (open orders by policy), ingest, journal (drained to the last record), control.
 * A thread that ends by itself is a failure: it is reported with its error and ends the run.
 */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { TickwireError } from './domain/errors.js';
import type { ErrorCode } from './domain/errors.js';
import { Attached } from './engine.js';
import type { Shared, ThreadPlan } from './engine.js';
import { BOARD_HEARTBEAT_WORDS, getBoardHeartbeatState } from './generated/hot.js';
import { RoleState } from './runtime/agent-thread.js';
import type { ExecutionReport, ThreadMessage, ThreadSecrets, ThreadSpec } from './thread.js';

const THREAD_FILE = new URL('./thread.js', import.meta.url);
const POLL_MS = 5;
/** Longer than a role's own grace (runtime/agent-thread.ts), so that the role's word comes first. */
const STOP_TIMEOUT_MS = 12_000;

export class Supervisor {
  readonly #shared: Shared;
  readonly #secrets: ThreadSecrets;
  readonly #attached: Attached;
  readonly #workers = new Map<string, Worker>();
  readonly #launchedRoles = new Set<string>();
  readonly #deadRoles = new Set<string>();
  readonly #heartbeat = new Int32Array(BOARD_HEARTBEAT_WORDS);
  readonly #onFailure: (error: TickwireError) => void;
  readonly #onListening: (port: number) => void;
  #pool: Piscina | undefined;
  #failure: TickwireError | undefined;
  #executionReport: ExecutionReport | undefined;
  #controlPort = 0;
  #pushPort: number | undefined;

  /** `onFailure` is called once, for the first thread that fails after the start. */
  constructor(options: {
    readonly shared: Shared;
    readonly secrets: ThreadSecrets;
    readonly onFailure: (error: TickwireError) => void;
    /** Called once control serves; before anything is traded. */
    readonly onListening: (port: number) => void;
  }) {
    this.#shared = options.shared;
    this.#secrets = options.secrets;
    this.#onFailure = options.onFailure;
    this.#onListening = options.onListening;
    this.#attached = new Attached(options.shared);
    // V8 tidies the heap of a thread that has gone quiet: two full collections of 10 to 30 ms, seconds after the market
    // fell silent. That is when the next tick comes. Collections that the heap needs are not touched by it.
    setFlagsFromString('--no-memory-reducer');
  }

  get attached(): Attached {
    return this.#attached;
  }

  /** The port that API and dashboard got. */
  get controlPort(): number {
    return this.#controlPort;
  }

  /** The port that the push listener got; undefined where there is none. */
  get pushPort(): number | undefined {
    return this.#pushPort;
  }

  /** What execution said when it closed; undefined before, or when it died. */
  get executionReport(): ExecutionReport | undefined {
    return this.#executionReport;
  }

  /** Resolves when every role runs; throws the first failure. `timeoutMs` bounds the whole start. */
  async start(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (let index = 0; index < this.#shared.threads.length; index++) {
      const plan = this.#shared.threads[index];
      if (plan === undefined) continue;
      this.#startThread(index, plan);
      for (const role of plan.roles)
        await this.#waitFor(role, (state) => state === RoleState.Running, deadlineMs, 'start');
    }
  }

  /** Ends every role in order. Safe to call after a failure: what is dead is passed over. */
  async stop(): Promise<void> {
    const { roles } = this.#shared;
    const order = [
      ...roles.filter((role) => role.startsWith('signal-')),
      ...['execution', 'ingest', 'recorder', 'journal', 'control'].filter((role) =>
        roles.includes(role),
      ),
    ];
    for (const role of order) {
      // A thread that was launched and is not there yet hears its stop word once it runs.
      if (this.#isOver(role) || !this.#launchedRoles.has(role)) continue;
      this.#attached.stopWords.ask(this.#attached.roleIndex(role));
      this.#attached.wakeOf(role).signal();
      await this.#waitFor(
        role,
        () => this.#isOver(role),
        Date.now() + STOP_TIMEOUT_MS,
        'stop',
      ).catch((error: unknown) => {
        this.#fail(asTickwireError(error, role));
      });
    }
    await Promise.all([...this.#workers.values()].map((worker) => ended(worker)));
    await this.#pool?.destroy();
  }

  stateOf(role: string): RoleState {
    const cells = this.#attached.boardHeartbeats;
    if (!cells.read(this.#attached.roleIndex(role), this.#heartbeat)) return RoleState.None;
    return getBoardHeartbeatState(this.#heartbeat, 0) as RoleState;
  }

  #isOver(role: string): boolean {
    const state = this.stateOf(role);
    return state === RoleState.Stopped || state === RoleState.Failed || this.#deadRoles.has(role);
  }

  #startThread(threadIndex: number, plan: ThreadPlan): void {
    for (const role of plan.roles) this.#launchedRoles.add(role);
    const spec: ThreadSpec = {
      threadIndex,
      shared: this.#shared,
      secrets: secretsFor(plan, this.#secrets),
    };
    if (plan.isPooled) {
      this.#startPooled(spec, plan);
      return;
    }
    const worker = new Worker(THREAD_FILE, {
      workerData: { tickwireThread: spec },
      name: `tickwire ${plan.name}`,
    });
    this.#workers.set(plan.name, worker);
    worker.on('message', (message: ThreadMessage) => {
      this.#onMessage(message);
    });
    worker.on('error', (error: unknown) => {
      this.#fail(asTickwireError(error, plan.name));
    });
    worker.on('exit', (exitCode) => {
      for (const role of plan.roles) this.#deadRoles.add(role);
      const isEnded = plan.roles.every((role) => this.stateOf(role) === RoleState.Stopped);
      if (exitCode !== 0 || !isEnded)
        this.#fail(
          new TickwireError(
            'WORKER_DIED',
            `the ${plan.name} thread ended by itself with exit code ${String(exitCode)}`,
            { thread: plan.name, exitCode },
          ),
        );
    });
  }

  #startPooled(spec: ThreadSpec, plan: ThreadPlan): void {
    const count = this.#shared.threads.filter((thread) => thread.isPooled).length;
    this.#pool ??= new Piscina({
      filename: THREAD_FILE.href,
      minThreads: count,
      maxThreads: Math.max(count, availableParallelism()),
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    // One long-lived task a worker; it ends through its stop word, so that its agents can close.
    this.#pool.run(spec).then(
      () => {
        if (!plan.roles.every((role) => this.stateOf(role) === RoleState.Stopped))
          this.#fail(
            new TickwireError('WORKER_DIED', `the ${plan.name} thread ended by itself`, {
              thread: plan.name,
            }),
          );
      },
      (error: unknown) => {
        this.#fail(asTickwireError(error, plan.name));
      },
    );
  }

  #onMessage(message: ThreadMessage): void {
    switch (message.type) {
      case 'listening':
        this.#controlPort = message.port;
        this.#onListening(message.port);
        return;
      case 'push-listening':
        this.#pushPort = message.port;
        return;
      case 'execution-report':
        this.#executionReport = message.report;
        return;
      case 'failed':
        this.#fail(
          new TickwireError(message.code as ErrorCode, message.message, {
            ...message.context,
            thread: message.thread,
          }),
        );
    }
  }

  #fail(error: TickwireError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFailure(error);
  }

  async #waitFor(
    role: string,
    isReached: (state: RoleState) => boolean,
    deadlineMs: number,
    what: string,
  ): Promise<void> {
    while (!isReached(this.stateOf(role))) {
      if (what === 'start' && this.#failure !== undefined) throw this.#failure;
      if (Date.now() > deadlineMs)
        throw new TickwireError('WORKER_DIED', `the ${role} role did not ${what} in time`, {
          role,
        });
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Secrets go only to the thread that needs them. */
function secretsFor(plan: ThreadPlan, secrets: ThreadSecrets): ThreadSecrets {
  return {
    ...(plan.roles.includes('execution') && secrets.venues !== undefined
      ? { venues: secrets.venues }
      : {}),
    ...(plan.roles.includes('control') && secrets.apiKeySha256 !== undefined
      ? { apiKeySha256: secrets.apiKeySha256 }
      : {}),
    ...(plan.roles.includes('ingest') && secrets.pushKeySha256 !== undefined
      ? { pushKeySha256: secrets.pushKeySha256 }
      : {}),
  };
}

function asTickwireError(error: unknown, thread: string): TickwireError {
  if (error instanceof TickwireError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TickwireError('WORKER_DIED', `the ${thread} thread died: ${message}`, {
    thread,
    stack: error instanceof Error ? error.stack : undefined,
  });
}

async function ended(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      // It has been reported as not stopping; it must not keep the process alive as well.
      worker.unref();
      resolve();
    }, STOP_TIMEOUT_MS);
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
