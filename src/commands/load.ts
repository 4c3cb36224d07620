/**
 * load: a load generator for the push listener: open loop, by plan. Main thread.
 *
 * Every batch has a planned time, whatever became of the ones before it, and its latency counts from there: a stall of the
 * listener shows in every batch that should have gone out meanwhile (no coordinated omission). Batches wait for credit as
 * any publisher must; one that is still unsent at the end is a loss like one that was never acknowledged.
 */
import { readFileSync } from 'node:fs';
import { TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { ERROR_CODES } from '../domain/errors.js';
import { SharedHistogram } from '../memory/histogram.js';
import type { HistogramSnapshot } from '../memory/histogram.js';
import { SystemClock, takeClockOrigin } from '../runtime/system-clock.js';
import { WsNetwork } from '../runtime/ws-network.js';
import type { BinarySocket } from '../runtime/ws-network.js';
import type { SocketEvents } from '../ports/network.js';
import {
  BatchTemplate,
  encodeHello,
  readMessage,
  snapshotBatch,
  snapshotTicks,
} from './load-messages.js';
import type { PushableInstrument } from './load-messages.js';

export interface LoadOptions {
  /** Address of the push listener: http://127.0.0.1:PORT. */
  readonly target: string;
  /** Ticks per second, all publishers together. */
  readonly rate: number;
  readonly durationMs: number;
  /** Ticks of a batch. */
  readonly batch: number;
  readonly publishers: number;
  readonly key: string;
  readonly json: boolean;
}

const PATH = '/v1/push';
const HTTP_TIMEOUT_MS = 5_000;
const OPEN_TIMEOUT_MS = 5_000;
const WELCOME_TIMEOUT_MS = 5_000;
/** How long acks are waited for after the last planned batch. */
const DRAIN_MS = 3_000;
const FRAME_BYTES_MAX = 1_048_576;
/** Nearer than that to the next planned time the event loop is polled: a timer is a millisecond late. */
const POLL_MS = 2;
const NS_PER_MS = 1_000_000;
const NS_PER_SEC = 1_000_000_000;
/** Send times are kept for so many batches under way. */
const SENT_KEPT = 8_192;
/** A batch that waits for credit is looked for again that often at least. */
const BURST_MAX = 256;

/** The key of the push listener: as given, from a file, from TICKWIRE_PUSH_KEY. */
export function findPushKey(
  key: string | undefined,
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (key !== undefined) return key;
  if (file === undefined) return env['TICKWIRE_PUSH_KEY'] ?? '';
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TickwireError('KEY_UNREADABLE', `cannot read the key: ${why}`, { file });
  }
}

/** Loads; resolves with the exit code, having printed what became of it. */
export async function load(options: LoadOptions): Promise<number> {
  const clock = new SystemClock(takeClockOrigin());
  const instruments = await fetchInstruments(options);
  const network = new WsNetwork({ clock });
  const memory = new SharedArrayBuffer(SharedHistogram.bytes(3));
  const histograms: Histograms = {
    latency: new SharedHistogram(memory, 0),
    service: new SharedHistogram(memory, 1),
    engine: new SharedHistogram(memory, 2),
  };
  const publishers = Array.from(
    { length: options.publishers },
    (_, index) =>
      new LoadPublisher({
        name: `load-${String(process.pid)}-${String(index)}`,
        instruments: instruments.filter((_one, place) => place % options.publishers === index),
        options,
        network,
        clock,
        histograms,
      }),
  );
  try {
    await Promise.all(publishers.map((publisher) => publisher.welcomed()));
    const startNs = clock.nowNs();
    await pace(publishers, clock, startNs);
    const report = reportOf(options, publishers, histograms, clock.nowNs() - startNs);
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : tableOf(report));
    failUnlessWhole(report, publishers);
  } finally {
    for (const publisher of publishers) publisher.close();
    network.close();
  }
  return 0;
}

interface Histograms {
  /** Planned time to ack. */
  readonly latency: SharedHistogram;
  /** Sent to ack. */
  readonly service: SharedHistogram;
  /** In the listener's hands to the last tick on the ring, by its own clock. */
  readonly engine: SharedHistogram;
}

/** Sends what is due, until everything planned is acknowledged or the time for it is over. */
async function pace(
  publishers: readonly LoadPublisher[],
  clock: SystemClock,
  startNs: number,
): Promise<void> {
  for (const [index, publisher] of publishers.entries()) {
    publisher.begin(startNs, index / publishers.length);
  }
  const endNs = Math.max(...publishers.map((publisher) => publisher.planEndNs));
  for (;;) {
    const nowNs = clock.nowNs();
    let nextNs = Number.POSITIVE_INFINITY;
    for (const publisher of publishers) nextNs = Math.min(nextNs, publisher.sendDue(nowNs));
    const isOver = publishers.every((publisher) => publisher.isDone || publisher.isClosed);
    if (isOver || nowNs > endNs + DRAIN_MS * NS_PER_MS) return;
    const waitMs = (nextNs - clock.nowNs()) / NS_PER_MS;
    if (waitMs < POLL_MS) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs - POLL_MS / 2, 50)));
  }
}

interface LoadPublisherOptions {
  readonly name: string;
  readonly instruments: readonly PushableInstrument[];
  readonly options: LoadOptions;
  readonly network: WsNetwork;
  readonly clock: SystemClock;
  readonly histograms: Histograms;
}

/** One connection with its own plan. */
class LoadPublisher implements SocketEvents {
  readonly name: string;
  readonly #instruments: readonly PushableInstrument[];
  readonly #clock: SystemClock;
  readonly #histograms: Histograms;
  readonly #socket: BinarySocket;
  readonly #template: BatchTemplate;
  readonly #intervalNs: number;
  readonly #batchCount: number;
  /** By seq modulo SENT_KEPT. */
  readonly #sentNs = new Float64Array(SENT_KEPT);
  #startNs = 0;
  #creditSeq = 0;
  #seq = 0;
  #ackedSeq = 0;
  #heldNs = 0;
  #heldSinceNs = 0;
  #resolve: (() => void) | undefined;
  #reject: ((error: TickwireError) => void) | undefined;
  closed: { readonly code: number; readonly reason: string } | undefined;
  ackedTicks = 0;
  ringFirst = 0;
  ringLast = 0;
  resyncCount = 0;

  constructor(made: LoadPublisherOptions) {
    const { options } = made;
    this.name = made.name;
    this.#instruments = made.instruments;
    this.#clock = made.clock;
    this.#histograms = made.histograms;
    this.#template = new BatchTemplate(options.batch, made.instruments.length);
    this.#intervalNs = (options.batch * options.publishers * NS_PER_SEC) / options.rate;
    this.#batchCount = Math.max(1, Math.floor((options.durationMs * NS_PER_MS) / this.#intervalNs));
    const url = new URL(PATH, options.target);
    url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
    this.#socket = made.network.dial(
      {
        url: url.href,
        frameBytesMax: FRAME_BYTES_MAX,
        openTimeoutMs: OPEN_TIMEOUT_MS,
        headers: { authorization: `Bearer ${options.key}` },
      },
      this,
    );
  }

  /** Resolves when the snapshots were acknowledged: the books are there to be changed. */
  async welcomed(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        timer = setTimeout(() => {
          reject(new TickwireError('LOAD_TARGET', 'the push listener does not answer a hello'));
        }, WELCOME_TIMEOUT_MS);
      });
    } finally {
      clearTimeout(timer);
      this.#resolve = undefined;
      this.#reject = undefined;
    }
  }

  /** The plan: one batch an interval, the publishers' plans evenly between one another. */
  begin(startNs: number, phase: number): void {
    this.#startNs = startNs + phase * this.#intervalNs;
  }

  get planEndNs(): number {
    return this.#plannedNs(this.#batchCount);
  }

  get plannedTicks(): number {
    return this.#batchCount * this.#template.tickCount;
  }

  get sentTicks(): number {
    return Math.max(0, this.#seq - 1) * this.#template.tickCount;
  }

  get heldMs(): number {
    return this.#heldNs / NS_PER_MS;
  }

  get isDone(): boolean {
    return this.#ackedSeq === this.#batchCount + 1;
  }

  get isClosed(): boolean {
    return this.closed !== undefined;
  }

  /** Sends what is planned by now and has credit; returns when to look again. */
  sendDue(nowNs: number): number {
    if (this.isClosed || this.isDone) return Number.POSITIVE_INFINITY;
    for (let burst = 0; burst < BURST_MAX; burst++) {
      // Batch 1 was the snapshot.
      const index = this.#seq - 1;
      if (index >= this.#batchCount) return nowNs + NS_PER_MS;
      const dueNs = this.#plannedNs(index);
      if (dueNs > nowNs) {
        this.#endHold(nowNs);
        return dueNs;
      }
      if (this.#seq >= this.#creditSeq) {
        if (this.#heldSinceNs === 0) this.#heldSinceNs = nowNs;
        return nowNs;
      }
      this.#endHold(nowNs);
      this.#seq++;
      const sentNs = this.#clock.nowNs();
      this.#template.next(this.#seq, this.#clock.runEpochNs + BigInt(sentNs));
      this.#sentNs[this.#seq % SENT_KEPT] = sentNs;
      this.#socket.sendBytes(this.#template.bytes);
    }
    return nowNs;
  }

  close(): void {
    this.#socket.close(0);
  }

  // SocketEvents

  onOpen(): void {
    this.#socket.sendBytes(encodeHello(this.name, this.#instruments));
  }

  onFrame(bytes: Uint8Array, recvNs: number): void {
    const message = readMessage(bytes);
    if (message.kind === 'welcome') {
      const ticksMax = message.batchTicksMax;
      if (
        this.#template.tickCount > ticksMax ||
        snapshotTicks(this.#instruments.length) > ticksMax
      ) {
        this.#reject?.(
          new TickwireError(
            'PUSH_BATCH_LIMIT',
            `the listener takes ${String(ticksMax)} ticks a batch`,
          ),
        );
        return;
      }
      this.#creditSeq = message.creditSeq;
      this.#seq = 1;
      const epochNs = this.#clock.runEpochNs + BigInt(this.#clock.nowNs());
      this.#socket.sendBytes(snapshotBatch(this.#instruments.length, epochNs));
    } else if (message.kind === 'ack') {
      this.#creditSeq = message.creditSeq;
      this.ringLast = message.ringCount;
      if (message.seq === 1 && this.#ackedSeq === 0) {
        this.#ackedSeq = 1;
        this.ringFirst = message.ringCount;
        this.#resolve?.();
        return;
      }
      // Credit may come by itself, with the seq that was acknowledged before.
      if (message.seq <= this.#ackedSeq) return;
      this.#ackedSeq = message.seq;
      this.ackedTicks = message.tickCount - snapshotTicks(this.#instruments.length);
      this.#histograms.latency.record(recvNs - this.#plannedNs(message.seq - 2));
      this.#histograms.service.record(recvNs - (this.#sentNs[message.seq % SENT_KEPT] as number));
      this.#histograms.engine.record(message.workNs);
    } else if (message.kind === 'resync') this.resyncCount++;
  }

  onReject(): void {
    // The close behind it says more.
  }

  onClose(code: number, reason: string): void {
    this.closed = { code, reason };
    this.#reject?.(errorOfClose(code, reason));
  }

  #plannedNs(index: number): number {
    return this.#startNs + index * this.#intervalNs;
  }

  #endHold(nowNs: number): void {
    if (this.#heldSinceNs === 0) return;
    this.#heldNs += nowNs - this.#heldSinceNs;
    this.#heldSinceNs = 0;
  }
}

/** What may be pushed and is nobody's. */
async function fetchInstruments(options: LoadOptions): Promise<readonly PushableInstrument[]> {
  const url = new URL(PATH, options.target);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'https:' : 'http:';
  let body: { readonly instruments?: readonly PushableInstrument[] };
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${options.key}` },
      signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    });
    if (answer.status === 401)
      throw new TickwireError('API_UNAUTHORIZED', `${url.href} does not take the key`, {
        url: url.href,
      });
    if (!answer.ok) throw new Error(`it answers ${String(answer.status)}`);
    body = (await answer.json()) as typeof body;
  } catch (error) {
    if (error instanceof TickwireError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TickwireError('LOAD_TARGET', `${url.href} is no push listener: ${why}`, {
      url: url.href,
    });
  }
  const free = (body.instruments ?? []).filter(({ publisher }) => publisher === null);
  if (free.length < options.publishers)
    throw new TickwireError(
      'LOAD_TARGET',
      `${String(options.publishers)} publishers need as many instruments; ` +
        `${String(free.length)} can be pushed and are free (push.instruments in the engine's configuration)`,
      { free: free.length },
    );
  return free;
}

type Report = ReturnType<typeof reportOf>;

function reportOf(
  options: LoadOptions,
  publishers: readonly LoadPublisher[],
  histograms: Histograms,
  elapsedNs: number,
) {
  const sum = (valueOf: (publisher: LoadPublisher) => number): number =>
    publishers.reduce((total, publisher) => total + valueOf(publisher), 0);
  const planned = sum((publisher) => publisher.plannedTicks);
  const sent = sum((publisher) => publisher.sentTicks);
  const acked = sum((publisher) => publisher.ackedTicks);
  const ringFirst = Math.min(...publishers.map((publisher) => publisher.ringFirst));
  const ringLast = Math.max(...publishers.map((publisher) => publisher.ringLast));
  return {
    target: options.target,
    durationMs: Math.round(elapsedNs / NS_PER_MS),
    publishers: publishers.length,
    batchTicks: options.batch,
    ticksPerSecond: {
      planned: options.rate,
      achieved: Math.round((acked * NS_PER_SEC) / elapsedNs),
    },
    ticks: { planned, sent, acked, lost: sent - acked, unsent: planned - sent },
    /** Ticks on the engine's ring meanwhile, its other feeds included. */
    ringTicks: ringLast - ringFirst,
    latencyUs: latencyOf(histograms.latency.snapshot()),
    serviceUs: latencyOf(histograms.service.snapshot()),
    engineUs: latencyOf(histograms.engine.snapshot()),
    heldMs: Math.round(sum((publisher) => publisher.heldMs)),
    resyncs: sum((publisher) => publisher.resyncCount),
    closed: publishers.flatMap(({ name, closed }) =>
      closed === undefined ? [] : [{ publisher: name, ...closed }],
    ),
    ok: acked === planned && publishers.every(({ isClosed }) => !isClosed),
  };
}

function latencyOf(snapshot: HistogramSnapshot): Readonly<Record<string, number>> {
  const us = (ns: number): number => Math.round(ns) / 1_000;
  return {
    count: snapshot.count,
    p50: us(snapshot.percentile(50)),
    p99: us(snapshot.percentile(99)),
    p999: us(snapshot.percentile(99.9)),
    max: us(snapshot.max),
  };
}

function tableOf(report: Report): string {
  const { ticks, ticksPerSecond } = report;
  const row = (name: string, values: Readonly<Record<string, number>>): string =>
    `  ${name.padEnd(28)}${['p50', 'p99', 'p999', 'max']
      .map((column) => (values[column] ?? 0).toFixed(1).padStart(11))
      .join('')}\n`;
  const lines = [
    `  ${report.target}: ${String(report.publishers)} publishers, ${String(report.batchTicks)} ticks a batch\n`,
    `  ${String(ticksPerSecond.achieved)} ticks/s of ${String(ticksPerSecond.planned)} planned, ` +
      `${String(ticks.acked)} acknowledged, ${String(ticks.lost)} lost, ${String(ticks.unsent)} unsent, ` +
      `held ${String(report.heldMs)} ms\n`,
    `  ${'us'.padEnd(28)}${['p50', 'p99', 'p99.9', 'max'].map((name) => name.padStart(11)).join('')}\n`,
    row('planned time to ack', report.latencyUs),
    row('sent to ack', report.serviceUs),
    row('received to published', report.engineUs),
  ];
  return lines.join('');
}

function failUnlessWhole(report: Report, publishers: readonly LoadPublisher[]): void {
  const closed = publishers.find(({ isClosed }) => isClosed)?.closed;
  if (closed !== undefined) throw errorOfClose(closed.code, closed.reason);
  if (report.ok) return;
  const { lost, unsent } = report.ticks;
  throw new TickwireError(
    'LOAD_LOST',
    `${String(lost)} ticks were not acknowledged, ${String(unsent)} were not sent for want of credit`,
    { ...report.ticks },
  );
}

/** A close reason begins with the code (docs/push-format.md). */
function errorOfClose(code: number, reason: string): TickwireError {
  const named = ERROR_CODES.find((one) => reason.startsWith(`${one}:`));
  const errorCode: ErrorCode = named ?? 'LOAD_TARGET';
  return new TickwireError(
    errorCode,
    `the push listener ended the connection: ${String(code)} ${reason}`,
    { closeCode: code },
  );
}
