/**
 * tick-to-order: the whole machine over loopback, from a trade's planned sending time to the arrival of the order that it
 * caused. Floor: a bare `ws` client that echoes each frame, in the same run, round by round.
 *
 *   venue process ──ws──▶ tickwire run (compact) ──HTTP──▶ venue process      tickwire
 *   venue process ──ws──▶ ws client ──ws──▶ venue process                     ws echo (the floor: no engine, no HTTP)
 *
 * Both stamps come from the venue's clock. The venue polls, so its own wake-up is no part of the figures.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, Contender } from './bench.js';
import { quantile } from './compare.js';
import type { Sample } from './compare.js';

interface Listening {
  readonly rest: string;
  readonly echo: string;
}

interface RoundResult {
  readonly latenciesNs: readonly number[];
  readonly lost: number;
}

const NS_PER_US = 1_000;
/** Below the engine's own limit of 1,000 orders a second. */
const RATE_PER_S = 200;
const TICKS_PER_ROUND = 1_000;
const TICKS_QUICK = 20;
/** The engine has reconciled and its code is warm after so many. */
const TICKS_WARM_UP = 200;
const READY_POLL_MS = 50;
const READY_TRIES_MAX = 400;

const children: ChildProcess[] = [];
const lines: Interface[] = [];
let dataDir = '';

function start(file: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stderr.resume();
  children.push(child);
  return child;
}

function lineReader(child: ChildProcess): () => Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('no stdout');
  const input = createInterface({ input: stdout });
  lines.push(input);
  const iterator = input[Symbol.asyncIterator]();
  return async () => {
    const next = await iterator.next();
    if (next.done === true) throw new Error('the process ended');
    return next.value;
  };
}

class Venue {
  readonly #child: ChildProcess;
  readonly #nextLine: () => Promise<string>;
  constructor() {
    this.#child = start('./tick-to-order-venue.js', []);
    this.#nextLine = lineReader(this.#child);
  }
  async listening(): Promise<Listening> {
    return (JSON.parse(await this.#nextLine()) as { listening: Listening }).listening;
  }
  async play(mode: 'order' | 'echo', count: number): Promise<RoundResult> {
    this.#child.stdin?.write(`${JSON.stringify({ rate: RATE_PER_S, count, mode })}\n`);
    return JSON.parse(await this.#nextLine()) as RoundResult;
  }
}

function samplesOf(who: string, result: RoundResult): Sample[] {
  const us = (fraction: number): number => quantile(result.latenciesNs, fraction) / NS_PER_US;
  return [
    { who, what: 'p50', unit: 'us', value: us(0.5) },
    { who, what: 'p99', unit: 'us', value: us(0.99) },
  ];
}

/** Plays single ticks until each brings an order: connected, reconciled, trading. */
async function untilTrading(venue: Venue): Promise<void> {
  for (let attempt = 0; attempt < READY_TRIES_MAX; attempt++) {
    const { lost } = await venue.play('order', 1);
    if (lost === 0) return;
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
  throw new Error('the engine does not answer ticks with orders');
}

async function open({ isQuick }: BenchOptions): Promise<Contender[]> {
  const venue = new Venue();
  const listening = await venue.listening();
  dataDir = mkdtempSync(join(tmpdir(), 'tickwire-bench-'));
  const config = {
    risk: { ordersPerSecondMax: 1_000 },
    execution: { requestsPerSecond: 1_000 },
  };
  const configFile = join(dataDir, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  start('../main.js', [
    'run',
    ...['--config', configFile, '--data-dir', dataDir, '--port', '0', '--sim', listening.rest],
    ...['--strategy', fileURLToPath(new URL('./every-trade-strategy.js', import.meta.url))],
    ...['--threads', 'compact', '--log-level', 'warn'],
  ]);
  const echo = start('./ws-echo-client.js', [listening.echo]);
  await lineReader(echo)();
  await untilTrading(venue);
  const count = isQuick ? TICKS_QUICK : TICKS_PER_ROUND;
  if (!isQuick) {
    await venue.play('order', TICKS_WARM_UP);
    await venue.play('echo', TICKS_WARM_UP);
  }
  return [
    {
      name: 'tickwire',
      measure: async () => samplesOf('tickwire', await venue.play('order', count)),
    },
    {
      name: 'ws echo',
      measure: async () => samplesOf('ws echo', await venue.play('echo', count)),
    },
  ];
}

async function close(): Promise<void> {
  for (const input of lines) input.close();
  await Promise.all(
    children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve();
          child.once('exit', () => {
            resolve();
          });
          child.kill('SIGTERM');
        }),
    ),
  );
  rmSync(dataDir, { recursive: true, force: true });
}

export const bench: Bench = {
  question: 'how long from a trade on the wire to the order that it caused, over loopback?',
  open,
  close,
};
