/**
 * program: the built program as a child process, driven as an operator would: arguments in, exit code, stdout, stderr and
 * the API out. Every child is ended with the test that started it.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));
const DEADLINE_MS = 60_000;
const POLL_MS = 20;

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Children that still run; none outlives the test that started it, not even one that ran out of time. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGALRM', 'SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    process.exit(1);
  });

export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  #ended: Ended | undefined;

  constructor(
    args: readonly string[],
    options: { readonly cwd?: string; readonly isOwnGroup?: boolean } = {},
  ) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.isOwnGroup === true ? { detached: true } : {}),
    });
    running.add(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child.stdin?.on('error', () => undefined);
    this.child.once('close', (exitCode, signal) => {
      running.delete(this.child);
      this.#ended = { exitCode, signal };
    });
  }

  /** Waits for the end; rejects when it does not come. */
  async ended(deadlineMs = DEADLINE_MS): Promise<Ended> {
    return await eventually(() => this.#ended, `the program to end\n${this.stderr}`, deadlineMs);
  }

  get isRunning(): boolean {
    return this.#ended === undefined;
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return await this.ended();
  }

  /** What Ctrl-C in a terminal does: the signal goes to every process of the group. Wants `isOwnGroup`. */
  async interruptGroup(): Promise<Ended> {
    process.kill(-(this.child.pid ?? 0), 'SIGINT');
    return await this.ended();
  }

  /** The last JSON line on stderr that is an error: how commands say what went wrong. */
  error(): { code: string; message: string; context: Record<string, unknown> } {
    for (const line of this.stderr.trim().split('\n').reverse()) {
      const parsed = jsonOrUndefined(line) as { code?: unknown; message?: unknown } | undefined;
      if (typeof parsed?.code === 'string' && typeof parsed.message === 'string')
        return parsed as ReturnType<Program['error']>;
    }
    throw new Error(`no error on stderr: ${this.stderr}`);
  }

  /** The first log line of `run`, which carries the port. */
  async listening(): Promise<{ port: number; url: string }> {
    return await eventually(() => {
      if (this.#ended !== undefined) throw new Error(`ended before listening: ${this.stderr}`);
      const line = this.stderr.split('\n').find((one) => one.includes('"msg":"listening"'));
      return line === undefined ? undefined : (JSON.parse(line) as { port: number; url: string });
    }, 'the first log line');
  }
}

/** A `tickwire sim` of its own process and where it listens. */
export async function startSim(
  args: readonly string[],
): Promise<{ readonly program: Program; readonly rest: string; readonly ws: string }> {
  const program = new Program(['sim', '--venue', 'coinbase', '--exit-on-stdin-end', ...args]);
  const line = await eventually(() => {
    if (!program.isRunning) throw new Error(`the simulator ended: ${program.stderr}`);
    return program.stdout.includes('\n') ? program.stdout.split('\n')[0] : undefined;
  }, 'the simulator to listen');
  const { listening } = JSON.parse(line) as { listening: { rest: string; ws: string } };
  return { program, ...listening };
}

/** Calls until there is an answer other than undefined; a bounded wait, never a sleep for luck. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > endMs) throw new Error(`waited ${String(deadlineMs)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The API of a running engine, with the key of its data directory. */
export class Api {
  readonly #url: string;
  readonly #key: string;

  constructor(port: number, dataDir: string) {
    this.#url = `http://127.0.0.1:${String(port)}`;
    this.#key = readFileSync(join(dataDir, 'api-key'), 'utf8').trim();
  }

  async get(path: string): Promise<Record<string, unknown>> {
    return await this.#call('GET', path);
  }

  async post(path: string): Promise<Record<string, unknown>> {
    return await this.#call('POST', path);
  }

  async #call(method: string, path: string): Promise<Record<string, unknown>> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#key}` },
    });
    const body = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${JSON.stringify(body)}`);
    return body;
  }
}

export interface Truth {
  readonly orders: readonly Record<string, string>[];
  readonly fills: readonly {
    readonly entry_id: string;
    readonly side: string;
    readonly price: string;
    readonly size: string;
    readonly commission: string;
  }[];
  readonly positions: readonly { readonly symbol: string; readonly size: string }[];
  readonly openOrders: number;
  readonly fillCount: number;
}

/** What the venue itself believes. */
export async function truthOf(rest: string): Promise<Truth> {
  const answer = await fetch(`${rest}/_sim/truth`);
  return (await answer.json()) as Truth;
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Not every line is JSON; the caller looks for those that are.
  }
}
