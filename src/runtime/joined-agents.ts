/**
 * joined-agents: several agents that live as one role: they share its thread, its turn, its telemetry and its end. For parts
 * of a role that must have one writer (a ring) and are files of their own.
 */
import type { Agent, AgentHost } from './agent.js';

export class JoinedAgents implements Agent {
  readonly roleName: string;
  readonly #agents: readonly Agent[];

  constructor(roleName: string, agents: readonly Agent[]) {
    this.roleName = roleName;
    this.#agents = agents;
  }

  async onStart(host: AgentHost): Promise<void> {
    for (const agent of this.#agents) await agent.onStart(host);
  }

  doWork(nowNs: number): number {
    let workCount = 0;
    for (const agent of this.#agents) workCount += agent.doWork(nowNs);
    return workCount;
  }

  get nextTurnNs(): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (const agent of this.#agents) {
      const wantedNs = agent.nextTurnNs;
      if (wantedNs !== undefined && wantedNs < nextNs) nextNs = wantedNs;
    }
    return nextNs;
  }

  onStop(nowNs: number): void {
    for (const agent of this.#agents) agent.onStop(nowNs);
  }

  get isDone(): boolean {
    return this.#agents.every((agent) => agent.isDone);
  }

  /** Every one is closed, whatever the others throw; then the first error is told. */
  async onClose(): Promise<void> {
    const errors: unknown[] = [];
    for (const agent of this.#agents) {
      try {
        await agent.onClose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
