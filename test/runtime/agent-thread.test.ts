/** The runner: duty cycles, sleeping and waking, stopping in good order, and failing loudly. */
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
  return { options: { seats, clock, wake, waitMode, napMs }, agents, stop, wake, states, telemetry };
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
    await eventually(() => (bench.telemetry.get(Counter.parks) > round ? true : undefined), 'sleep');
    agent.workWaiting = 1;
    bench.wake.signal();
    await eventually(() => (agent.workDone > round ? true : undefined), 'the wake-up', 5_000);
  }
  await stopAll(t, bench, run);
});

t.test('a poke does the work in the very call, and a signal still wakes the thread afterwards', async (t) => {
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
    await eventually(() => (agent.workDone === 2 * round + 2 ? true : undefined), 'wake-up', 5_000);
  }
  await stopAll(t, bench, run);
});

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
