/**
 * thread: what a worker does first. It gets the shared memory and plain data, builds the real ports here (objects do not
 * cross threads), lets the engine wire its agents, and runs them until the supervisor wants them to stop.
 *
 * Entry twice: as a worker of its own (workerData.tickwireThread) and as the task of a Piscina worker (default export).
 */
import { resolve } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { TickwireError } from './domain/errors.js';
import { Attached, buildAgent } from './engine.js';
import type { AgentPorts, Shared, ThreadPlan } from './engine.js';
import { writeBoardHeartbeat } from './generated/hot.js';
import { SqliteJournalWriter, SqliteStoreReader } from './journal/sqlite-store.js';
import { SessionSigner } from './keys/session-signer.js';
import { Secret } from './ports/secret.js';
import { runBlocking, runOnEventLoop } from './runtime/agent-thread.js';
import type { RunnerOptions, RunnerSeat } from './runtime/agent-thread.js';
import { makeLogger } from './runtime/logger.js';
import { nameThisThread } from './runtime/os-thread.js';
import { SystemClock } from './runtime/system-clock.js';
import { Counter } from './runtime/telemetry.js';
import type { Telemetry } from './runtime/telemetry.js';
import { WsNetwork } from './runtime/ws-network.js';
import type { StrategySeat } from './signal/signal-core.js';
import type { StrategyFactory } from './signal/strategy.js';
import { strategyNamed } from './signal/strategies/registry.js';

/** A venue key as plain data on its way to the one thread that may have it. */
export interface VenueKey {
  readonly keyName: string;
  readonly privateKey: string;
}

/** What must not be in the shared configuration. Each thread gets only what is its own. */
export interface ThreadSecrets {
  readonly venues?: Readonly<Record<string, VenueKey>>;
  /** SHA-256 of the API key: the thread that checks keys never holds one. */
  readonly apiKeySha256?: Uint8Array;
  /** The same of the key of the push listener. */
  readonly pushKeySha256?: Uint8Array;
}

export interface ThreadSpec {
  readonly threadIndex: number;
  readonly shared: Shared;
  readonly secrets: ThreadSecrets;
}

export type { ExecutionReport } from './engine.js';
import type { ExecutionReport } from './engine.js';

/** What a worker tells the supervisor; everything else goes through shared memory. */
export type ThreadMessage =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'push-listening'; readonly port: number }
  | { readonly type: 'execution-report'; readonly report: ExecutionReport }
  | {
      readonly type: 'failed';
      readonly thread: string;
      readonly code: string;
      readonly message: string;
      readonly context: Readonly<Record<string, unknown>>;
    };

/** The task of a Piscina worker. */
export default async function runPooled(spec: ThreadSpec): Promise<void> {
  const options = await prepare(spec, planOf(spec), () => undefined);
  await runBlocking(options);
}

async function runWorker(spec: ThreadSpec): Promise<void> {
  const plan = planOf(spec);
  const post = (message: ThreadMessage): void => parentPort?.postMessage(message);
  let options: RunnerOptions | undefined;
  const die = (error: unknown): void => {
    post({ type: 'failed', thread: plan.name, ...describe(error) });
    process.exit(1);
  };
  // An uncaught exception with an open uWS app would abort the whole process: close first, then go.
  process.on('uncaughtException', (error) => {
    const agents = options?.seats.map((seat) => seat.agent) ?? [];
    Promise.allSettled(agents.map(async (agent) => agent.onClose())).then(
      () => {
        die(error);
      },
      () => {
        die(error);
      },
    );
  });
  try {
    options = await prepare(spec, plan, post);
    await runOnEventLoop(options);
    if (plan.roles.includes('execution')) {
      const report = options.seats.find((seat) => seat.agent.roleName === 'execution')?.agent;
      if (report !== undefined && 'finalReport' in report)
        post({
          type: 'execution-report',
          report: (report as { finalReport(): ExecutionReport }).finalReport(),
        });
    }
  } catch (error) {
    die(error);
  }
}

function planOf(spec: ThreadSpec): ThreadPlan {
  const plan = spec.shared.threads[spec.threadIndex];
  if (plan === undefined) throw new Error(`no such thread: ${String(spec.threadIndex)}`);
  return plan;
}

async function prepare(
  spec: ThreadSpec,
  plan: ThreadPlan,
  post: (message: ThreadMessage) => void,
): Promise<RunnerOptions> {
  const { shared } = spec;
  const clock = new SystemClock(shared.identity.origin);
  const attached = new Attached(shared);
  const logger = makeLogger(plan.name, shared.config.logLevel);
  const ports: AgentPorts = {
    clock,
    makeNetwork: () => new WsNetwork({ clock }),
    signerOf: (venue) => {
      const key = spec.secrets.venues?.[venue];
      if (key === undefined)
        throw new TickwireError('VENUE_AUTH', `there is no key for ${venue}`, { venue });
      return new SessionSigner({ keyName: key.keyName, secret: new Secret(key.privateKey) });
    },
    openWriter: () =>
      new SqliteJournalWriter({
        path: shared.journalPath,
        run: shared.identity.runNumber,
        batchCapacity: shared.config.journal.batchRecordsMax,
      }),
    openReader: () => new SqliteStoreReader(shared.journalPath),
    apiKeySha256: spec.secrets.apiKeySha256 ?? new Uint8Array(0),
    onListening: (port) => {
      post({ type: 'listening', port });
    },
    pushKeySha256: spec.secrets.pushKeySha256 ?? new Uint8Array(0),
    onPushListening: (port) => {
      logger.info({ role: 'ingest', pushPort: port }, 'push listening');
      post({ type: 'push-listening', port });
    },
    wallNs: () => clock.wallNs(),
    log: (role, message, context, level = 'info') => {
      logger[level]({ role, ...context }, message);
    },
    strategySeats: await makeStrategies(shared, plan),
  };
  const heartbeat = { beatNs: 0, cycleCount: 0, threadId: nameThisThread(plan.name), state: 0 };
  const seats = plan.roles.map((role): RunnerSeat => {
    const roleIndex = attached.roleIndex(role);
    return {
      agent: buildAgent(role, attached, ports),
      telemetry: attached.telemetry(role),
      isStopAsked: () => attached.stopWords.isAsked(roleIndex),
      beat: (nowNs, cycleCount, state) => {
        heartbeat.beatNs = nowNs;
        heartbeat.cycleCount = cycleCount;
        heartbeat.state = state;
        const cells = attached.boardHeartbeats;
        writeBoardHeartbeat(cells.i32, cells.begin(roleIndex), heartbeat);
        cells.end(roleIndex);
      },
    };
  });
  const first = plan.roles[0];
  if (first !== undefined) countGarbageCollections(attached.telemetry(first));
  return {
    seats,
    clock,
    wake: attached.wakeOf(plan.roles[0] ?? ''),
    waitMode: plan.waitMode,
    napMs: plan.napMs,
    napMaxMs: plan.napMaxMs,
  };
}

/** Strategies are dealt out to the signal roles in turn; only a thread with such a role loads any. */
async function makeStrategies(
  shared: Shared,
  plan: ThreadPlan,
): Promise<ReadonlyMap<string, readonly StrategySeat[]>> {
  const signalRoles = shared.roles.filter((role) => role.startsWith('signal-'));
  const seats = new Map<string, StrategySeat[]>();
  for (let index = 0; index < shared.config.strategies.length; index++) {
    const role = signalRoles[index % signalRoles.length];
    const name = shared.config.strategies[index];
    if (role === undefined || name === undefined || !plan.roles.includes(role)) continue;
    const factory = await loadStrategy(name);
    const strategy = factory.create({
      instruments: shared.instruments.filter(({ index }) => shared.offered.includes(index)),
      params: shared.config.strategyParams[factory.name] ?? {},
    });
    seats.set(role, [...(seats.get(role) ?? []), { strategyIndex: index, strategy }]);
  }
  return seats;
}

/** A shipped strategy by name, or a user's module by path (its default export). */
export async function loadStrategy(name: string): Promise<StrategyFactory> {
  const shipped = strategyNamed(name);
  if (shipped !== undefined) return shipped;
  let module: unknown;
  try {
    module = await import(pathToFileURL(resolve(name)).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TickwireError(
      'STRATEGY_UNKNOWN',
      `no strategy is called ${name}, and it cannot be loaded as a file: ${why}`,
      { strategy: name },
    );
  }
  const factory: unknown =
    typeof module === 'object' && module !== null && 'default' in module
      ? module.default
      : undefined;
  if (!isStrategyFactory(factory))
    throw new TickwireError(
      'STRATEGY_UNKNOWN',
      `${name} has no strategy as its default export (name, sentence, params, create)`,
      { strategy: name },
    );
  return factory;
}

function isStrategyFactory(value: unknown): value is StrategyFactory {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'params' in value &&
    typeof value.params === 'object' &&
    'create' in value &&
    typeof value.create === 'function'
  );
}

const US_PER_MS = 1_000;

function countGarbageCollections(telemetry: Telemetry): void {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const us = Math.round(entry.duration * US_PER_MS);
      telemetry.add(Counter.gcCount);
      telemetry.add(Counter.gcUsTotal, us);
      if (us > telemetry.get(Counter.gcUsMax)) telemetry.set(Counter.gcUsMax, us);
    }
  }).observe({ entryTypes: ['gc'] });
}

function describe(
  error: unknown,
): Pick<Extract<ThreadMessage, { type: 'failed' }>, 'code' | 'message' | 'context'> {
  if (error instanceof TickwireError)
    return { code: error.code, message: error.message, context: error.context };
  if (error instanceof Error)
    return { code: 'WORKER_DIED', message: error.message, context: { stack: error.stack } };
  return { code: 'WORKER_DIED', message: String(error), context: {} };
}

// Last in the file: everything above is defined by now.
if (!isMainThread) {
  const data: unknown = workerData;
  if (typeof data === 'object' && data !== null && 'tickwireThread' in data)
    await runWorker(data.tickwireThread as ThreadSpec);
}
