/** The runner: duty cycles, sleeping and waking, stopping in good order, and failing loudly. */
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { CounterBlock } from '#src/memory/counters.js';
import { WakeWord, wakeBytes } from '#src/memory/wake.js';
import type { Agent, AgentHost } from '#src/runtime/agent.js';
import { RoleState, runBlocking, runOnEventLoop } from '#src/runtime/agent-thread.js';
import type { RunnerOptions, WaitMode } from '#src/runtime/agent-thread.js';
import { StopWords } from '#src/runtime/stop-words.js';
import { SystemClock, takeClockOrigin } from '#src/runtime/system-clock.js';
import { COUNTERS_PER_BLOCK, Counter, Telemetry } from '#src/runtime/telemetry.js';
import { eventually } from '../harness/program.js';
import { DONE, LOST, PUBLISHED } from './waking-writer.js';
import type { WakingWriterData } from './waking-writer.js';

class CountingAgent implements Agent {
  readonly roleName: string;
  host: AgentHost | undefined;
  /** Work that is waiting; each cycle does one. */
  workWaiting = 0;
  workDone = 0;
  cycles = 0;
  /** Cycles that onStop still needs. */
  farewellCycles = 0;
  isStopping = false;
  isClosed = false;
  throwInCycle = -1;
  nextTurnNs = Infinity;

  constructor(roleName: string) {
    this.roleName = roleName;
  }
  onStart(host: AgentHost): void {
    this.host = host;
  }
  doWork(): number {
    this.cycles++;
    if (this.cycles === this.throwInCycle) throw new Error('the agent broke');
    if (this.isStopping && this.farewellCycles > 0) {
      this.farewellCycles--;
      return 1;
    }
    if (this.workWaiting === 0) return 0;
    this.workWaiting--;
    this.workDone++;
    return 1;
  }
  onStop(): void {
    this.isStopping = true;
  }
  get isDone(): boolean {
    return this.isStopping && this.farewellCycles === 0;
  }
  onClose(): void {
    this.isClosed = true;
  }
}

interface Bench {
  readonly options: RunnerOptions;
  readonly agents: readonly CountingAgent[];
  readonly stop: StopWords;
  readonly wake: WakeWord;
  readonly states: RoleState[];
  readonly telemetry: Telemetry;
}

/** Writes down how long a thread wanted to sleep, and lets it go on at once. */
class RecordingWake extends WakeWord {
  readonly napsMs: number[] = [];
  waiterCount = 0;
  override wait(timeoutMs: number): void {
    this.napsMs.push(timeoutMs);
  }
  override async waitAsync(timeoutMs: number): Promise<void> {
    this.waiterCount++;
    await super.waitAsync(timeoutMs);
  }
}

function recordingWake(): RecordingWake {
  return new RecordingWake(new SharedArrayBuffer(wakeBytes(1)), 0);
}

function makeBench(waitMode: WaitMode, napMs: number, roles = ['one']): Bench {
  const agents = roles.map((role) => new CountingAgent(role));
  const stop = new StopWords(new SharedArrayBuffer(StopWords.bytes(roles.length)));
  const wake = new WakeWord(new SharedArrayBuffer(wakeBytes(1)), 0);
  const states: RoleState[] = roles.map(() => RoleState.None);
  const telemetry = new Telemetry(
    new CounterBlock(
      new SharedArrayBuffer(CounterBlock.bytes(1, COUNTERS_PER_BLOCK)),
      0,
      COUNTERS_PER_BLOCK,
    ),
    [],
  );
  const seats = agents.map((agent, index) => ({
    agent,
    telemetry,
    isStopAsked: () => stop.isAsked(index),
    beat: (_nowNs: number, _cycles: number, state: RoleState) => {
      states[index] = state;
    },
  }));
  const clock = new SystemClock(takeClockOrigin());
  return {
    options: { seats, clock, wake, waitMode, napMs, napMaxMs: napMs },
    agents,
    stop,
    wake,
    states,
    telemetry,
  };
}

function onlyAgent(bench: Bench): CountingAgent {
  const agent = bench.agents[0];
  if (agent === undefined) throw new Error('no agent');
  return agent;
}

async function untilRunning(bench: Bench): Promise<void> {
  await eventually(
    () => (bench.states.every((state) => state === RoleState.Running) ? true : undefined),
    'the roles to run',
  );
}

async function stopAll(t: Test, bench: Bench, run: Promise<void>): Promise<void> {
  bench.agents.forEach((_, index) => {
    bench.stop.ask(index);
  });
  bench.wake.signal();
  await run;
  t.ok(
    bench.agents.every((agent) => agent.isClosed),
    'every agent was closed',
  );
  t.ok(
    bench.states.every((state) => state === RoleState.Stopped),
    'every role shows that it stopped',
  );
}

for (const waitMode of ['park', 'yield', 'spin'] as const) {
  t.test(`a thread that may ${waitMode} does all work and stops when asked`, async (t) => {
    const bench = makeBench(waitMode, 20);
    const agent = onlyAgent(bench);
    agent.workWaiting = 100;
    const run = runOnEventLoop(bench.options);
    await eventually(() => (agent.workDone === 100 ? true : undefined), 'the work');
    agent.farewellCycles = 5;
    await stopAll(t, bench, run);
    t.equal(agent.farewellCycles, 0, 'it was let finish first');
  });
}

t.test('a sleeper is woken by a signal long before its nap ends', async (t) => {
  const bench = makeBench('park', 600_000);
  const agent = onlyAgent(bench);
  const run = runOnEventLoop(bench.options);
  await untilRunning(bench);
  for (let round = 0; round < 20; round++) {
    await eventually(
      () => (bench.telemetry.get(Counter.parks) > round ? true : undefined),
      'sleep',
    );
    agent.workWaiting = 1;
    bench.wake.signal();
    await eventually(() => (agent.workDone > round ? true : undefined), 'the wake-up', 5_000);
  }
  await stopAll(t, bench, run);
});

t.test(
  'a poke does the work in the very call, and a signal still wakes the thread afterwards',
  async (t) => {
    const bench = makeBench('yield', 600_000);
    const agent = onlyAgent(bench);
    const run = runOnEventLoop(bench.options);
    await untilRunning(bench);
    for (let round = 0; round < 20; round++) {
      const parksBefore = bench.telemetry.get(Counter.parks);
      agent.workWaiting = 1;
      agent.host?.poke();
      t.equal(agent.workDone, 2 * round + 1, 'done before poke returned');
      await eventually(
        () => (bench.telemetry.get(Counter.parks) > parksBefore ? true : undefined),
        'sleep after the poke',
      );
      agent.workWaiting = 1;
      bench.wake.signal();
      await eventually(
        () => (agent.workDone === 2 * round + 2 ? true : undefined),
        'wake-up',
        5_000,
      );
    }
    await stopAll(t, bench, run);
  },
);

t.test('several roles on one thread stop one by one, each in its own time', async (t) => {
  const bench = makeBench('park', 5, ['first', 'second']);
  const run = runOnEventLoop(bench.options);
  await untilRunning(bench);
  bench.stop.ask(0);
  await eventually(() => (bench.states[0] === RoleState.Stopped ? true : undefined), 'the first');
  t.equal(bench.states[1], RoleState.Running, 'the second goes on');
  const cyclesBefore = bench.agents[1]?.cycles ?? 0;
  await eventually(
    () => ((bench.agents[1]?.cycles ?? 0) > cyclesBefore ? true : undefined),
    'the second to work',
  );
  await stopAll(t, bench, run);
});

t.test('an agent that throws ends the run with its error, and every agent is closed', async (t) => {
  for (const runner of [runOnEventLoop, runBlocking]) {
    const bench = makeBench('park', 1, ['good', 'bad']);
    const bad = bench.agents[1];
    if (bad !== undefined) bad.throwInCycle = 3;
    await t.rejects(runner(bench.options), { message: 'the agent broke' });
    t.ok(bench.agents.every((agent) => agent.isClosed));
    t.same(bench.states, [RoleState.Failed, RoleState.Failed]);
  }
});

t.test('an agent may end the run by itself with an error', async (t) => {
  const bench = makeBench('park', 600_000);
  const run = runOnEventLoop(bench.options);
  await untilRunning(bench);
  onlyAgent(bench).host?.fail(new Error('the disk is full'));
  await t.rejects(run, { message: 'the disk is full' });
  t.ok(onlyAgent(bench).isClosed);
});

t.test('a blocking thread sleeps in its nap and stops at its stop word', async (t) => {
  const bench = makeBench('park', 1);
  const agent = onlyAgent(bench);
  agent.workWaiting = 10;
  bench.stop.ask(0);
  agent.farewellCycles = 10;
  await runBlocking(bench.options);
  t.equal(agent.farewellCycles, 0);
  t.ok(agent.isClosed);
});

t.test('naps double while nothing happens, and start small again after work', async (t) => {
  const bench = makeBench('park', 5);
  const agent = onlyAgent(bench);
  const wake = recordingWake();
  const doWork = agent.doWork.bind(agent);
  agent.doWork = () => {
    if (agent.cycles === 12) agent.workWaiting = 1;
    if (agent.cycles === 30) bench.stop.ask(0);
    return doWork();
  };
  await runBlocking({ ...bench.options, wake, napMaxMs: 60 });
  t.same(wake.napsMs.slice(0, 6), [5, 10, 20, 40, 60, 60]);
  t.same(wake.napsMs.slice(6, 9), [5, 10, 20], 'after the work in the twelfth cycle');
});

t.test('an agent that says when it wants a turn is not slept past', async (t) => {
  const bench = makeBench('park', 50);
  const agent = onlyAgent(bench);
  const wake = recordingWake();
  const nowNs = 1_000_000_000;
  const clock = { runEpochNs: 0n, nowNs: () => nowNs };
  agent.nextTurnNs = nowNs + 3_400_000;
  const doWork = agent.doWork.bind(agent);
  agent.doWork = () => {
    if (agent.cycles === 6) agent.nextTurnNs = nowNs - 1;
    if (agent.cycles === 12) bench.stop.ask(0);
    return doWork();
  };
  await runBlocking({ ...bench.options, clock, wake });
  t.equal(wake.napsMs[0], 4, 'the nap ends at the first millisecond after it');
  t.equal(wake.napsMs.at(-1), 1, 'a turn that is overdue does not become a spin');
});

t.test('an idle thread takes one turn a nap, behind one waiter, and is still woken', async (t) => {
  const bench = makeBench('park', 1);
  const agent = onlyAgent(bench);
  const wake = recordingWake();
  const run = runOnEventLoop({ ...bench.options, wake });
  await eventually(() => (bench.telemetry.get(Counter.parks) >= 40 ? true : undefined), 'naps');
  const parks = bench.telemetry.get(Counter.parks);
  // The first turn and the second look before the first sleep; then a turn for each nap that ended.
  t.ok(agent.cycles <= parks + 2, `cycles=${String(agent.cycles)}, parks=${String(parks)}`);
  t.equal(wake.waiterCount, 1);
  agent.workWaiting = 3;
  wake.signal();
  await eventually(() => (agent.workDone === 3 ? true : undefined), 'the work');
  bench.stop.ask(0);
  wake.signal();
  await run;
});

t.test('what a poke leaves over is done before the nap ends', async (t) => {
  const bench = makeBench('park', 600_000);
  const agent = onlyAgent(bench);
  const run = runOnEventLoop(bench.options);
  await eventually(() => (bench.telemetry.get(Counter.parks) > 0 ? true : undefined), 'sleep');
  agent.workWaiting = 10;
  agent.host?.poke();
  t.equal(agent.workDone, 1, 'one cycle inside the call');
  await eventually(() => (agent.workDone === 10 ? true : undefined), 'the rest', 5_000);
  await stopAll(t, bench, run);
});

t.test(
  'what is published between the last turn and the arming is found by the second look',
  async (t) => {
    for (const runner of [runOnEventLoop, runBlocking]) {
      const bench = makeBench('park', 5_000);
      const agent = onlyAgent(bench);
      class LateWriter extends WakeWord {
        /** The writer saw a reader that was awake: it published and did not signal. */
        override arm(): void {
          super.arm();
          if (agent.workDone > 0) bench.stop.ask(0);
          else agent.workWaiting = 1;
        }
      }
      const wake = new LateWriter(new SharedArrayBuffer(wakeBytes(1)), 0);
      await runner({ ...bench.options, wake });
      t.equal(agent.workDone, 1);
      t.equal(bench.telemetry.get(Counter.parks), 0, 'it never slept on it');
    }
  },
);

for (const [runner, isBlocking] of [
  [runOnEventLoop, false],
  [runBlocking, true],
] as const)
  for (const waitMode of ['park', 'yield', 'spin'] as const)
    t.test(
      `no wake-up is lost on the way from hot to idle: ${waitMode}, ${isBlocking ? 'blocking' : 'event loop'}`,
      async (t) => {
        const wakeBuffer = new SharedArrayBuffer(wakeBytes(1));
        const stopBuffer = new SharedArrayBuffer(StopWords.bytes(1));
        const wordsBuffer = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
        const words = new Int32Array(wordsBuffer);
        const bench = makeBench(waitMode, 20_000);
        const agent = onlyAgent(bench);
        agent.doWork = () => {
          const published = Atomics.load(words, PUBLISHED);
          if (Atomics.load(words, DONE) === published) return 0;
          Atomics.store(words, DONE, published);
          return 1;
        };
        const stop = new StopWords(stopBuffer);
        const pieces = 1_000;
        const workerData: WakingWriterData = {
          wake: wakeBuffer,
          stop: stopBuffer,
          words: wordsBuffer,
          pieces,
        };
        const writer = new Worker(new URL('./waking-writer.js', import.meta.url), { workerData });
        const ended = new Promise((resolve) => writer.once('exit', resolve));
        await new Promise((resolve) => writer.once('online', resolve));
        await runner({
          ...bench.options,
          wake: new WakeWord(wakeBuffer, 0),
          seats: bench.options.seats.map((seat) => ({
            ...seat,
            isStopAsked: () => stop.isAsked(0),
          })),
        });
        await ended;
        t.equal(Atomics.load(words, LOST), 0, 'nobody slept on');
        t.equal(Atomics.load(words, DONE), pieces);
        if (waitMode === 'park') t.ok(bench.telemetry.get(Counter.parks) > 0, 'it did sleep');
        if (waitMode === 'spin') t.equal(bench.telemetry.get(Counter.parks), 0, 'it never sleeps');
      },
    );
