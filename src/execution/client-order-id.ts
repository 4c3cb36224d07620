/**
 * client-order-id: our own name of an order at a venue, made from its number and readable back, so that after a crash
 * an order of ours is recognised although its record never reached the disk.
 *
 *   k3x9qa 000c 00001z      installation (6), run (4, base 36), number in the run (6, base 36): 16 characters [a-z0-9]
 *
 * Pure. Invariant: orderSeqOf(clientOrderIdOf(installId, orderSeq)) is orderSeq, and an id of another installation, or
 * any other text, is null. Sixteen characters fit every venue (the shortest limit known is 18, Kraken's cl_ord_id).
 */
import { assert } from '../domain/assert.js';
import { ORDER_SEQ_PER_RUN } from '../domain/core-record.js';

const INSTALL_ID = /^[a-z0-9]{6}$/;
const RUN_DIGITS = 4;
const NUMBER_DIGITS = 6;
const ID_CHARS = 6 + RUN_DIGITS + NUMBER_DIGITS;

export function isInstallId(text: string): boolean {
  return INSTALL_ID.test(text);
}

export function clientOrderIdOf(installId: string, orderSeq: number): string {
  const run = Math.floor(orderSeq / ORDER_SEQ_PER_RUN);
  const number = orderSeq % ORDER_SEQ_PER_RUN;
  assert(run < 36 ** RUN_DIGITS, `run fits the client order id: run=${String(run)}`);
  assert(number < 36 ** NUMBER_DIGITS, `number fits the client order id: number=${String(number)}`);
  return (
    installId +
    run.toString(36).padStart(RUN_DIGITS, '0') +
    number.toString(36).padStart(NUMBER_DIGITS, '0')
  );
}

/** The order number in an id of this installation; null for any other text. */
export function orderSeqOf(installId: string, clientOrderId: string): number | null {
  if (clientOrderId.length !== ID_CHARS || !clientOrderId.startsWith(installId)) return null;
  const tail = clientOrderId.slice(installId.length);
  if (!/^[a-z0-9]+$/.test(tail)) return null;
  const run = Number.parseInt(tail.slice(0, RUN_DIGITS), 36);
  const number = Number.parseInt(tail.slice(RUN_DIGITS), 36);
  return run * ORDER_SEQ_PER_RUN + number;
}
