/**
 * sim-network: the way to a venue inside a world. Twin of runtime/ws-network.ts: frames and answers take their time,
 * get lost with their connection, and what became of a request is told as honestly: `unknown` when it may have arrived.
 *
 * One per engine run; when the process is killed, `kill` cuts everything that it had open: what is under way to the
 * venue still arrives, what comes back finds nobody. Order of frames on one socket is kept; requests may overtake one
 * another.
 */
import type { ErrorCode } from '../domain/errors.js';
import type {
  DialOptions,
  HttpOutcome,
  HttpRequest,
  Network,
  Socket,
  SocketEvents,
} from '../ports/network.js';
import type { SimulatorConnection } from '../venues/simulator-port.js';
import type { SimChance } from './sim-chance.js';
import type { SimQueue } from './sim-queue.js';
import type { SimVenue } from './sim-venue.js';
import type { WorldFaults } from './world-faults.js';

const NS_PER_MS = 1_000_000;
const CLOSE_ABNORMAL = 1006;

export interface SimNetworkOptions {
  readonly queue: SimQueue;
  readonly chance: SimChance;
  readonly faults: WorldFaults;
  readonly venue: SimVenue;
  /** Engine time: ns since the run began. */
  readonly nowNs: () => number;
}

export class SimNetwork implements Network {
  readonly #options: SimNetworkOptions;
  readonly #sockets = new Set<SimSocket>();
  #isDead = false;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
  }

  dial(options: DialOptions, events: SocketEvents): Socket {
    const socket = new SimSocket(this.#options, options, events, () => {
      this.#sockets.delete(socket);
    });
    this.#sockets.add(socket);
    return socket;
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): void {
    const { queue, chance, faults, venue } = this.#options;
    let isOver = false;
    const end = (outcome: HttpOutcome): void => {
      if (isOver || this.#isDead) return;
      isOver = true;
      done(outcome);
    };
    if (faults.isCut()) {
      queue.after(chance.delayNs(1, 20), () => {
        end({ kind: 'unsent', message: 'no connection' });
      });
      return;
    }
    request.onSent?.();
    queue.after(request.timeoutMs * NS_PER_MS, () => {
      end({ kind: 'unknown', message: `no answer within ${String(request.timeoutMs)} ms` });
    });
    // Lost on the way: the venue never sees it.
    if (faults.losesRequest()) return;
    queue.after(faults.requestDelayNs(), () => {
      const answer = venue.onRequest(request);
      if (faults.losesAnswer()) return;
      queue.after(faults.answerDelayNs(), () => {
        end({ kind: 'answer', status: answer.status, headers: answer.headers, body: answer.body });
      });
    });
  }

  close(): void {
    this.#isDead = true;
  }

  /** The cable: every socket ends without a farewell. */
  cutSockets(): void {
    for (const socket of [...this.#sockets]) socket.cut();
  }

  /** The process is gone. */
  kill(): void {
    this.#isDead = true;
    for (const socket of [...this.#sockets]) socket.kill();
  }
}

/** One socket. The engine holds it; the venue holds its other end. */
class SimSocket implements Socket {
  readonly bufferedBytes = 0;
  receivedBytes = 0;
  readonly #options: SimNetworkOptions;
  readonly #events: SocketEvents;
  readonly #onEnd: () => void;
  readonly #venueEnd: SimulatorConnection;
  #isOpen = false;
  #isEnded = false;
  #isDeaf = false;
  /** Frames never overtake one another. */
  #lastFrameNs = 0;

  constructor(
    options: SimNetworkOptions,
    dial: DialOptions,
    events: SocketEvents,
    onEnd: () => void,
  ) {
    this.#options = options;
    this.#events = events;
    this.#onEnd = onEnd;
    const url = new URL(dial.url);
    this.#venueEnd = {
      isPrivate: options.venue.isPrivatePath(url.pathname),
      path: url.pathname,
      query: url.search.slice(1),
      send: (text) => {
        this.#deliver(text);
      },
      close: (code, reason) => {
        this.#endLater(code, reason);
      },
    };
    const { queue, faults, venue } = options;
    queue.after(faults.dialDelayNs(), () => {
      if (this.#isEnded || this.#isDeaf) return;
      if (faults.isCut() || faults.refusesDial()) {
        this.#end(CLOSE_ABNORMAL, 'refused', 'DIAL_REFUSED');
        return;
      }
      this.#isOpen = true;
      venue.onOpen(this.#venueEnd);
      this.#events.onOpen();
    });
  }

  send(text: string): void {
    if (!this.#isOpen) return;
    const { queue, faults, venue } = this.#options;
    queue.after(faults.requestDelayNs(), () => {
      if (this.#isOpen) venue.onMessage(this.#venueEnd, text);
    });
  }

  ping(): void {
    this.#options.queue.after(this.#options.faults.answerDelayNs(), () => {
      if (this.#isOpen && !this.#isDeaf) this.#events.onPong?.();
    });
  }

  close(): void {
    this.#endLater(1000, '');
  }

  cut(): void {
    if (this.#isEnded) return;
    this.#leaveVenue();
    this.#options.queue.after(0, () => {
      this.#end(CLOSE_ABNORMAL, 'cut', 'OK');
    });
  }

  kill(): void {
    this.#isDeaf = true;
    this.#leaveVenue();
    this.#onEnd();
  }

  /** A frame on its way to the engine; lost, late or twice as the faults say. */
  #deliver(text: string): void {
    if (!this.#isOpen) return;
    const { queue, faults, nowNs } = this.#options;
    const copies = faults.frameCopies();
    for (let copy = 0; copy < copies; copy++) {
      const dueNs = Math.max(this.#lastFrameNs, queue.nowNs + faults.answerDelayNs());
      this.#lastFrameNs = dueNs;
      queue.after(dueNs - queue.nowNs, () => {
        if (!this.#isOpen || this.#isDeaf) return;
        const bytes = Buffer.from(text, 'utf8');
        this.receivedBytes += bytes.length;
        this.#events.onFrame(bytes, nowNs());
      });
    }
  }

  #endLater(code: number, reason: string): void {
    if (this.#isEnded) return;
    this.#options.queue.after(this.#options.faults.answerDelayNs(), () => {
      this.#leaveVenue();
      this.#end(code, reason, 'OK');
    });
  }

  #leaveVenue(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.venue.onClose(this.#venueEnd);
  }

  #end(code: number, reason: string, failure: ErrorCode): void {
    if (this.#isEnded || this.#isDeaf) return;
    this.#isEnded = true;
    this.#isOpen = false;
    this.#onEnd();
    this.#events.onClose(code, reason, failure);
  }
}
