/**
 * embedded-venue: the simulators of a run's venues as one child process: started, watched, started again on the same
 * ports when it dies, ended with the run. Main thread.
 *
 * The child ends by itself when its standard input closes, so it does not outlive a killed parent. Each venue has a data
 * directory of its own (accounts, orders, fills), so that a restart finds them as it would find a real venue.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TickwireError } from '../domain/errors.js';

/** Where a simulator listens. */
export interface VenueEndpoints {
  readonly ws: string;
  readonly wsPrivate: string;
  readonly rest: string;
}

export interface EmbeddedVenuesOptions {
  readonly venues: readonly string[];
  /** Of each venue: the directory of its name in here. */
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

export class EmbeddedVenues {
  readonly #options: EmbeddedVenuesOptions;
  #child: ChildProcess | undefined;
  #endpoints: ReadonlyMap<string, VenueEndpoints> | undefined;
  #isStopping = false;
  #restartCount = 0;

  constructor(options: EmbeddedVenuesOptions) {
    this.#options = options;
  }

  /** Process id of the child now; for tests that kill it. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** By venue. */
  async start(): Promise<ReadonlyMap<string, VenueEndpoints>> {
    this.#endpoints = await this.#spawn(this.#options.venues.map(() => '0'));
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

  #arguments(ports: readonly string[]): string[] {
    const options = this.#options;
    const [first = '', ...others] = options.venues;
    // A simulator that is alone keeps its files in the directory itself.
    const dataDir = others.length === 0 ? join(options.dataDir, first) : options.dataDir;
    const list = [
      fileURLToPath(new URL('../main.js', import.meta.url)),
      'sim',
      ...['--venue', options.venues.join(',')],
      ...['--port', ports.join(',')],
      ...['--data-dir', dataDir],
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

  #spawn(ports: readonly string[]): Promise<ReadonlyMap<string, VenueEndpoints>> {
    const { venues, startTimeoutMs } = this.#options;
    const child = spawn(process.execPath, this.#arguments(ports), {
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
    return new Promise((resolve, reject) => {
      let isListening = false;
      const fail = (message: string): void => {
        clearTimeout(timer);
        reject(
          new TickwireError(
            errorCodeOf(lastLog),
            errorMessageOf(lastLog) ?? `the simulator of ${venues.join(', ')} ${message}`,
            { venues },
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
        const endpoints = parseListening(line, venues);
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
    const { venues, onGiveUp, onRestart } = this.#options;
    const name = venues.join(', ');
    const endpoints = this.#endpoints;
    if (endpoints === undefined || ++this.#restartCount > RESTARTS_MAX) {
      onGiveUp(
        new TickwireError('SIMULATOR_FAILED', `the simulator of ${name} ${how}`, { venues }),
      );
      return;
    }
    onRestart(`the simulator of ${name} ${how}; starting it again`);
    const ports = Array.from(endpoints.values(), ({ rest }) => new URL(rest).port);
    this.#spawn(ports).catch((error: unknown) => {
      onGiveUp(
        error instanceof TickwireError
          ? error
          : new TickwireError('SIMULATOR_FAILED', String(error), { venues }),
      );
    });
  }
}

interface FirstLine {
  readonly listening?: Partial<VenueEndpoints>;
  readonly venues?: Readonly<Record<string, Partial<VenueEndpoints>>>;
}

/** In the order of `venues`; undefined when the line does not say where each of them is. */
function parseListening(
  line: string,
  venues: readonly string[],
): ReadonlyMap<string, VenueEndpoints> | undefined {
  let said: FirstLine;
  try {
    said = JSON.parse(line) as FirstLine;
  } catch {
    return undefined; // Not JSON: the caller shows the line.
  }
  const endpoints = new Map<string, VenueEndpoints>();
  for (const venue of venues) {
    const one = said.venues === undefined ? said.listening : said.venues[venue];
    if (one?.ws === undefined || one.rest === undefined) return undefined;
    endpoints.set(venue, { ws: one.ws, wsPrivate: one.wsPrivate ?? one.ws, rest: one.rest });
  }
  return endpoints;
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
