/** A feed session without sockets: the host writes down what it was told, time is what the test says. */
import { FeedSession, sessionStateName } from '#src/ingest/feed-session.js';
import type { FeedSessionHost, FeedSessionTimes, SessionChange } from '#src/ingest/feed-session.js';
import { breakerStateName } from '#src/ingest/circuit-breaker.js';
import type { BreakerTransition } from '#src/ingest/circuit-breaker.js';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Random } from '#src/ports/random.js';

export const MS = 1_000_000;

export const SESSION_TIMES: FeedSessionTimes = {
  openTimeoutMs: 1_000,
  backoffMs: [100, 200, 400, 800],
  backoffJitter: 0,
  steadyMs: 1_000,
  breakerFailures: 5,
  breakerSuccesses: 3,
  breakerOpenMs: [10_000, 20_000, 40_000, 80_000],
};

export interface SessionRig {
  readonly session: FeedSession;
  /** What the host was told since the last call, in order. */
  readonly take: () => string[];
  readonly changes: SessionChange[];
  readonly transitions: BreakerTransition[];
  readonly refusals: ErrorCode[];
  /** When each dial began, ns. */
  readonly dialsNs: number[];
  readonly heldNs: number[];
  /** Runs the clock to this time in steps of a millisecond; each dial fails at once while `isDown`. */
  readonly runTo: (nowNs: number) => void;
  nowNs: number;
  isDown: boolean;
}

export function sessionRig(times: Partial<FeedSessionTimes> = {}, random?: Random): SessionRig {
  const told: string[] = [];
  const changes: SessionChange[] = [];
  const transitions: BreakerTransition[] = [];
  const refusals: ErrorCode[] = [];
  const dialsNs: number[] = [];
  const heldNs: number[] = [];
  const host: FeedSessionHost = {
    dial: () => {
      told.push('dial');
      dialsNs.push(self.nowNs);
    },
    subscribe: () => told.push('subscribe'),
    hangUp: (isForced) => told.push(isForced ? 'cut' : 'hang up'),
    lost: (reason) => told.push(`lost ${reason}`),
    changed: (change) => changes.push(change),
    breakerChanged: (transition) => {
      transitions.push(transition);
      told.push(`circuit ${breakerStateName(transition.to)}`);
    },
    alert: (failureCount) => told.push(`alert after ${failureCount}`),
    held: (downNs) => {
      heldNs.push(downNs);
      told.push('held');
    },
    refused: (code) => {
      refusals.push(code);
      told.push(`refused ${code}`);
    },
  };
  const session = new FeedSession({ ...SESSION_TIMES, ...times }, host, 0, random);
  const self: SessionRig = {
    session,
    take: () => told.splice(0),
    changes,
    transitions,
    refusals,
    dialsNs,
    heldNs,
    nowNs: 0,
    isDown: true,
    runTo: (nowNs) => {
      while (self.nowNs < nowNs) {
        self.nowNs += MS;
        const dials = dialsNs.length;
        session.doWork(self.nowNs);
        if (dialsNs.length > dials && self.isDown) session.onClose('DIAL_REFUSED', self.nowNs);
      }
    },
  };
  return self;
}

/** Connecting>Connected OK, … */
export function steps(changes: readonly SessionChange[]): string[] {
  return changes.map(
    ({ from, to, reason }) => `${sessionStateName(from)}>${sessionStateName(to)} ${reason}`,
  );
}
