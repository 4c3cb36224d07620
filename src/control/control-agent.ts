/**
 * control-agent: people's side of the engine: HTTP, live stream, metrics, dashboard. Control thread, in its event loop.
 *
 *   people ──HTTP──▶ commands ring ──▶ execution
 *   events ring (trailing), boards, counters, journal (read-only) ──▶ answers, stream, metrics
 *
 * Nobody in the engine waits for this thread: a lapped event is made good by the boards and the journal. It only listens
 * on the loopback. uWebSockets aborts the process when a worker ends with an open app, so the app is closed on stop and
 * before an uncaught exception ends the worker.
 */
import uWS, { type TemplatedApp } from 'uWebSockets.js';
import { EventKind } from '../domain/core-record.js';
import { codeAt, TickwireError } from '../domain/errors.js';
import {
  getEventAux,
  getEventKind,
  getEventReason,
  getEventSeq,
  getEventState,
} from '../generated/hot.js';
import type { RingWriter, TrailingReader } from '../memory/ring.js';
import type { StoreReader } from '../ports/store.js';
import { listenExclusively } from '../runtime/listen.js';
import type { Agent, AgentHost } from '../runtime/agent.js';
import { Counter, type Telemetry } from '../runtime/telemetry.js';
import { ApiKeyCheck } from './api-key.js';
import { HttpApi } from './http-api.js';
import { LiveStream } from './live-stream.js';
import { PrometheusText } from './prometheus.js';
import { StateView, tradingStateText, type StateViewOptions } from './state-view.js';

export const COMMAND_TIMEOUT_NS = 2_000_000_000;
/** Events read in one duty cycle: the event loop has sockets to serve as well. */
const EVENTS_PER_CYCLE_MAX = 2048;

export interface ControlAgentOptions extends StateViewOptions {
  /** Loopback address. */
  readonly host: string;
  /** 0: any free one; told by `onListening`. */
  readonly port: number;
  /** SHA-256 of the API key: the thread that serves the key never holds it. */
  readonly apiKeySha256: Uint8Array;
  readonly events: TrailingReader;
  readonly commands: RingWriter;
  readonly telemetry: Telemetry;
  /** Called on the control thread when it starts: a read-only connection of its own. */
  readonly openStore: () => StoreReader;
  readonly onListening: (port: number) => void;
  /** Default: COMMAND_TIMEOUT_NS. */
  readonly commandTimeoutNs?: number;
}

export class ControlAgent implements Agent {
  readonly roleName = 'control';
  readonly #options: ControlAgentOptions;
  readonly #view: StateView;
  #store: StoreReader | null = null;
  #app: TemplatedApp | null = null;
  #api: HttpApi | null = null;
  #stream: LiveStream | null = null;
  #tradingState = 0;
  #tradingReason = 0;
  #lappedCount = 0;
  #isStopping = false;
  readonly #closeApp = (): void => {
    this.#app?.close();
    this.#app = null;
  };

  constructor(options: ControlAgentOptions) {
    this.#options = options;
    this.#view = new StateView(options);
  }

  async onStart(_host: AgentHost): Promise<void> {
    const { telemetry, commands } = this.#options;
    const store = this.#options.openStore();
    this.#store = store;
    const apiKey = new ApiKeyCheck(this.#options.apiKeySha256);
    this.#api = new HttpApi({
      view: this.#view,
      store,
      prometheus: new PrometheusText(this.#view),
      commands,
      telemetry,
      apiKey,
      commandTimeoutNs: this.#options.commandTimeoutNs ?? COMMAND_TIMEOUT_NS,
      trading: () => this.#trading(),
    });
    this.#stream = new LiveStream({ view: this.#view, store, telemetry, apiKey });
    const app = uWS.App();
    this.#app = app;
    // Runs before anything else that handles the exception, and before the end of the worker.
    process.on('uncaughtExceptionMonitor', this.#closeApp);
    this.#stream.register(app);
    this.#api.register(app);
    this.#options.onListening(await this.#listen(app));
  }

  doWork(nowNs: number): number {
    const count = this.#readEvents();
    const answered = this.#api?.onTime(nowNs) ?? 0;
    const sent = this.#stream?.onTime(nowNs) ?? 0;
    return count + answered + sent;
  }

  onStop(): void {
    this.#isStopping = true;
    this.#api?.stop();
    this.#stream?.stop();
  }

  /** Pages are told of changes ten times a second, as long as there are any. */
  get nextTurnNs(): number {
    return this.#stream?.nextFrameNs ?? Number.POSITIVE_INFINITY;
  }

  /** Commands under way are answered first, by the core or by their deadline. */
  get isDone(): boolean {
    return this.#isStopping && (this.#api?.pendingCount ?? 0) === 0;
  }

  onClose(): void {
    process.off('uncaughtExceptionMonitor', this.#closeApp);
    this.#closeApp();
    this.#store?.close();
    this.#store = null;
  }

  #readEvents(): number {
    const { events, telemetry } = this.#options;
    let count = 0;
    while (count < EVENTS_PER_CYCLE_MAX && events.poll() >= 0) {
      this.#onEvent(events.i32);
      count++;
    }
    if (count > 0) telemetry.add(Counter.eventsRead, count);
    const missed = events.lappedCount - this.#lappedCount;
    if (missed > 0) {
      this.#lappedCount = events.lappedCount;
      telemetry.add(Counter.eventsLapped, missed);
      // What the missed records said is asked of the board from now on.
      this.#tradingState = 0;
    }
    return count;
  }

  #onEvent(record: Int32Array): void {
    switch (getEventKind(record, 0)) {
      case EventKind.CommandDone:
        this.#api?.onCommandDone(getEventAux(record, 0), getEventReason(record, 0));
        break;
      case EventKind.TradingStateChanged:
        this.#tradingState = getEventState(record, 0);
        this.#tradingReason = getEventReason(record, 0);
        break;
      case EventKind.OrderSend:
      case EventKind.OrderChanged:
      case EventKind.FillApplied:
        this.#stream?.onOrderEvent(getEventSeq(record, 0));
        break;
      default:
        break;
    }
  }

  /** The event that told the last change is ahead of the board. */
  #trading(): { readonly state: string; readonly reason: string } {
    if (this.#tradingState === 0) return this.#view.trading();
    return { state: tradingStateText(this.#tradingState), reason: codeAt(this.#tradingReason) };
  }

  async #listen(app: TemplatedApp): Promise<number> {
    const { host, port } = this.#options;
    const actual = await listenExclusively(app, host, port);
    if (actual === undefined) {
      this.onClose();
      throw new TickwireError(
        'PORT_BUSY',
        `Port ${String(port)} of ${host} is taken by another program: stop it, or choose another with --port.`,
        { host, port },
      );
    }
    return actual;
  }
}
