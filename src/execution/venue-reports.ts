/**
 * venue-reports: what a venue has said, as inputs of the core that wait for their turn. First in, first out.
 *
 * Execution thread: the session and the reconciler put reports in from socket callbacks, the agent takes them out in
 * its duty cycle. Texts (a venue's order id, a message) go along and are published behind the input that they explain.
 */
import { CoreRecord } from '../domain/core-record.js';
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';

/** What a text is (schemas/event.fbs, EventText). */
export const TextKind = {
  None: 0,
  VenueOrderId: 1,
  ClientOrderId: 2,
  Message: 3,
  VenueFillId: 4,
} as const;
export type TextKind = (typeof TextKind)[keyof typeof TextKind];

export class VenueReport {
  readonly record = new CoreRecord();
  textKind: TextKind = TextKind.None;
  text = '';
  constructor(kind: number, orderSeq: number) {
    this.record.kind = kind;
    this.record.orderSeq = orderSeq;
  }

  because(code: ErrorCode): this {
    this.record.reason = code === 'OK' ? 0 : codeIndex(code);
    return this;
  }

  /** An empty text is none. */
  saying(textKind: TextKind, text: string): this {
    if (text !== '') {
      this.textKind = textKind;
      this.text = text;
    }
    return this;
  }
}

export class ReportQueue {
  #reports: VenueReport[] = [];
  #firstIndex = 0;

  push(report: VenueReport): void {
    this.#reports.push(report);
  }

  shift(): VenueReport | undefined {
    const report = this.#reports[this.#firstIndex];
    if (report === undefined) {
      if (this.#firstIndex > 0) {
        this.#reports = [];
        this.#firstIndex = 0;
      }
      return undefined;
    }
    this.#firstIndex++;
    return report;
  }

  get size(): number {
    return this.#reports.length - this.#firstIndex;
  }
}
