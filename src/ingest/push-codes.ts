/**
 * push-codes: with which WebSocket close code the push listener ends a connection, one for each reason. Ingest thread; a
 * contract with publishers (docs/push-format.md), so a number is never used for anything else.
 */
import { must } from '../domain/assert.js';
import { codeIndex } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';

/** The engine is stopping (RFC 6455, 7.4.1). */
export const CLOSE_GOING_AWAY = 1001;

const TABLE: readonly (readonly [code: ErrorCode, closeCode: number])[] = [
  ['PUSH_MALFORMED', 4400],
  ['PUSH_HELLO', 4401],
  ['PUSH_SCHEMA', 4402],
  ['PUSH_INSTRUMENT', 4403],
  ['PUSH_INSTRUMENT_TAKEN', 4404],
  ['PUSH_BATCH_LIMIT', 4405],
  ['PUSH_TICK_INSTRUMENT', 4406],
  ['PUSH_TICK_KIND', 4407],
  ['PUSH_TICK_VALUE', 4408],
  ['PUSH_TICK_TIME', 4409],
  ['PUSH_SEQ', 4410],
  ['PUSH_CREDIT', 4411],
  ['PUSH_SLOW_READER', 4412],
  ['PUSH_BUSY', 4413],
];

/** Every reason with its close code. */
export const PUSH_CLOSE_CODES: ReadonlyMap<ErrorCode, number> = new Map(TABLE);

export function closeCodeOf(code: ErrorCode): number {
  return must(PUSH_CLOSE_CODES.get(code), `close code of ${code}`);
}

/** Indexes of the codes that the check of a batch gives: a number per batch, not a text. */
export const PushReject = {
  None: 0,
  Malformed: codeIndex('PUSH_MALFORMED'),
  BatchLimit: codeIndex('PUSH_BATCH_LIMIT'),
  Instrument: codeIndex('PUSH_TICK_INSTRUMENT'),
  Kind: codeIndex('PUSH_TICK_KIND'),
  Value: codeIndex('PUSH_TICK_VALUE'),
  Time: codeIndex('PUSH_TICK_TIME'),
} as const;
