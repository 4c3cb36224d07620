/**
 * agent: what a thread runs. A role's whole life is four calls; `doWork` is one duty cycle.
 * Runners: agent-thread.ts (a worker of its own or shared), agent-stepper.ts (by hand, for simulations and tests).
 */

/** Lets a socket callback ask for a duty cycle now instead of at the next turn. */
export interface AgentHost {
  /** Runs one round of every agent on this thread, at once, unless a round is under way. */
  poke(): void;
  /** Ends the run with an error (a dead role must not be silent). */
  fail(error: Error): void;
}

export interface Agent {
  /** Unique: ingest, signal-0, execution, journal, control. */
  readonly roleName: string;
  /** Opens what the agent needs. The runner calls doWork only after it has resolved. */
  onStart(host: AgentHost): Promise<void> | void;
  /** One duty cycle; returns how much was done (0: idle). Never blocks. */
  doWork(nowNs: number): number;
  /** Run time by which a turn is wanted although nobody wakes the thread. Absent: any nap will do. */
  readonly nextTurnNs?: number;
  /** Stop is wanted: finish open business; doWork goes on until `isDone` is true or the deadline passes. */
  onStop(nowNs: number): void;
  /** After onStop: nothing is left to do. */
  readonly isDone: boolean;
  /** Closes everything. The last call. */
  onClose(): Promise<void> | void;
}
