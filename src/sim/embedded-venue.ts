/**
 * embedded-venue: one venue simulator as a child process of `run`: started, watched, started again on the same port
 * when it dies, ended with the run. Main thread.
 *
 * The child ends by itself when its standard input closes, so it does not outlive a killed parent. Its data directory
 * is its own (accounts, orders, fills), so that a restart finds them as it would find a real venue.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TickwireError } from '../domain/errors.js';

/** Where a simulator listens. */
export interface VenueEndpoints {
  readonly ws: string;
  readonly wsPrivate: string;
  readonly rest: string;
}

export interface EmbeddedVenueOptions {
  readonly venue: string;
  readonly dataDir: string;
  readonly recording: string | undefined;
  readonly speed: number;
  readonly seed: number;
  readonly takerBps: number;
  readonly makerBps: number;
  readonly cash: string;
  readonly startTimeoutMs: number;
  /** Told each time the child died and was started again. */
  readonly onRestart: (detail: string) => void;
  /** Told when the child could not be kept alive. */
  readonly onGiveUp: (error: TickwireError) => void;
}

const RESTARTS_MAX = 20;
const STOP_GRACE_MS = 5_000;

export class EmbeddedVenue {
  readonly #options: EmbeddedVenueOptions;
  #child: ChildProcess | undefined;
  #endpoints: VenueEndpoints | undefined;
  #isStopping = false;
  #restartCount = 0;

  constructor(options: EmbeddedVenueOptions) {
    this.#options = options;
  }

  get venue(): string {
    return this.#options.venue;
  }

  /** Process id of the child now; for tests that kill it. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<VenueEndpoints> {
    this.#endpoints = await this.#spawn(0);
    return this.#endpoints;
  }

  /** Ends the child and waits for it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
  }

  #arguments(port: number): string[] {
    const options = this.#options;
    const list = [
      fileURLToPath(new URL('../main.js', import.meta.url)),
      'sim',
      ...['--venue', options.venue],
      ...['--port', String(port)],
      ...['--data-dir', options.dataDir],
      ...['--speed', String(options.speed)],
      ...['--seed', String(options.seed)],
      ...['--taker-bps', String(options.takerBps)],
      ...['--maker-bps', String(options.makerBps)],
      ...['--cash', options.cash],
      '--exit-on-stdin-end',
    ];
    if (options.recording !== undefined) list.push('--recording', options.recording);
    return list;
  }

  #spawn(port: number): Promise<VenueEndpoints> {
    const { venue, startTimeoutMs } = this.#options;
    const child = spawn(process.execPath, this.#arguments(port), {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C signals the whole process group of the terminal; the venue must live until open orders are cancelled.
      detached: true,
    });
    this.#child = child;
    // A child that is gone closes the pipe under our feet; its exit is handled below.
    child.stdin.on('error', () => undefined);
    let lastLog = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLog = line;
      if (isWorthShowing(line)) process.stderr.write(`${line}\n`);
    });
    return new Promise<VenueEndpoints>((resolve, reject) => {
      let isListening = false;
      const fail = (message: string): void => {
        clearTimeout(timer);
        reject(
          new TickwireError(
            errorCodeOf(lastLog),
            errorMessageOf(lastLog) ?? `the ${venue} simulator ${message}`,
            { venue },
          ),
        );
      };
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        fail(`did not listen within ${String(startTimeoutMs)} ms`);
      }, startTimeoutMs);
      child.once('error', (error) => {
        fail(`could not be started: ${error.message}`);
      });
      child.once('close', (code, signal) => {
        const how = `ended with ${signal ?? `exit code ${String(code)}`}`;
        if (!isListening) fail(how);
        else if (!this.#isStopping) this.#restart(how);
      });
      createInterface({ input: child.stdout }).once('line', (line) => {
        const endpoints = parseListening(line);
        if (endpoints === undefined) {
          child.kill('SIGKILL');
          fail(`said something unexpected first: ${line.slice(0, 200)}`);
          return;
        }
        isListening = true;
        clearTimeout(timer);
        resolve(endpoints);
      });
    });
  }

  #restart(how: string): void {
    const { venue, onGiveUp, onRestart } = this.#options;
    const rest = this.#endpoints?.rest;
    if (rest === undefined || ++this.#restartCount > RESTARTS_MAX) {
      onGiveUp(new TickwireError('SIMULATOR_FAILED', `the ${venue} simulator ${how}`, { venue }));
      return;
    }
    onRestart(`the ${venue} simulator ${how}; starting it again`);
    this.#spawn(Number(new URL(rest).port)).catch((error: unknown) => {
      onGiveUp(
        error instanceof TickwireError
          ? error
          : new TickwireError('SIMULATOR_FAILED', String(error), { venue }),
      );
    });
  }
}

function parseListening(line: string): VenueEndpoints | undefined {
  try {
    const { listening } = JSON.parse(line) as { listening?: Partial<VenueEndpoints> };
    if (listening?.ws === undefined || listening.rest === undefined) return undefined;
    return {
      ws: listening.ws,
      wsPrivate: listening.wsPrivate ?? listening.ws,
      rest: listening.rest,
    };
  } catch {
    return undefined; // Not JSON: the caller shows the line.
  }
}

/** The child's last log line, when it is one JSON error as commands end with. */
function lastError(line: string): { code?: unknown; message?: unknown } | undefined {
  try {
    const parsed = JSON.parse(line) as unknown;
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined; // A plain line says nothing about codes.
  }
}

const PINO_WARN = 40;

/** The child's chatter stays with the child; warnings and whatever is no log line are passed on. */
function isWorthShowing(line: string): boolean {
  try {
    const parsed = JSON.parse(line) as { level?: unknown; code?: unknown };
    // One JSON error at the end is reported by the caller, with its code.
    return typeof parsed.level === 'number' ? parsed.level >= PINO_WARN : parsed.code === undefined;
  } catch {
    return true; // A plain line, a stack trace perhaps.
  }
}

function errorCodeOf(line: string): TickwireError['code'] {
  const code = lastError(line)?.code;
  return code === 'RECORDING_CORRUPT' || code === 'RECORDING_UNREADABLE' || code === 'PORT_BUSY'
    ? code
    : 'SIMULATOR_FAILED';
}

function errorMessageOf(line: string): string | undefined {
  const error = lastError(line);
  return typeof error?.code === 'string' && typeof error.message === 'string'
    ? error.message
    : undefined;
}
