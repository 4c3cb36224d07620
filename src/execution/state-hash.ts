/**
 * state-hash: the whole state of the execution core as one canonical text, and its SHA-256. Two cores that were given
 * the same inputs have the same text; a journal is verified by that (docs/determinism.md).
 *
 * Pure: node's crypto is not for the core, so SHA-256 (FIPS 180-4) stands here; a test compares it with node's.
 * Cold path: some milliseconds for ten thousand orders. The text does not depend on which slot an order sits in, but on
 * the order in which slots will be reused, since that decides which late report still finds its order.
 */
import type { Order } from '../domain/order.js';
import type { Ledger } from '../domain/portfolio.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { LONG_AGO_MS } from './core-times.js';

/** Every field of the state, line by line. */
export function coreStateText(state: CoreState): string {
  const lines = [
    line(
      'core',
      state.run,
      state.runEpochMs,
      state.orderCount,
      state.tradingState,
      state.tradingReason,
      state.isSessionUp,
      state.isReconciled,
      state.isStopping,
      state.round,
      state.flatteningCount,
      state.legsReserved,
      state.legsHeld,
      state.fillKeys.size,
      state.fillKeys.sum,
    ),
    line('sent', state.sentIndex, ...state.sentTimesNs),
    line('trades', state.trades.index, state.untradedCount, ...tradeTimes(state)),
    line(
      'equity',
      state.equity.isKnown ? state.equity.valueMantissa : 'unknown',
      state.equity.highestMantissa,
      state.equity.dayStartMantissa,
      state.equity.day,
    ),
    ...state.instruments.map(instrumentLine),
    ...state.instruments.flatMap(strategyLines),
    ...state.instruments.flatMap(bracketLines),
    ...state.ledgers.map(ledgerLine),
    line('slots', state.orders.freeCount, state.orders.openCount, state.orders.closedCount),
  ];
  for (
    let order = state.orders.firstOpen();
    order !== undefined;
    order = state.orders.nextOpen(order)
  ) {
    lines.push(orderLine('open', order));
  }
  for (const order of state.orders.closed()) lines.push(orderLine('closed', order));
  return lines.join('\n');
}

/** 64 hex digits over {@link coreStateText}. */
export function coreStateHash(state: CoreState): string {
  return sha256Hex(coreStateText(state));
}

function instrumentLine(target: InstrumentState): string {
  const { position } = target;
  return line(
    'instrument',
    target.instrument.index,
    target.instrument.symbol,
    target.bidMantissa,
    target.askMantissa,
    target.markNs,
    target.staleReason,
    target.openBuyMantissa,
    target.openSellMantissa,
    target.openOrderCount,
    target.isFlattening,
    target.heldCount,
    target.lastPriceMantissa,
    position.sizeMantissa,
    position.costMantissa,
    position.realizedMantissa,
    position.feesMantissa,
    position.fillCount,
  );
}

/** The times that are set; the rest are blank. */
function tradeTimes(state: CoreState): readonly number[] {
  return [...state.trades.timesMs.filter((timeMs) => timeMs > LONG_AGO_MS)];
}

/** In the order of strategies, which first traded when does not matter. */
function strategyLines(target: InstrumentState): readonly string[] {
  return [...target.strategies]
    .sort((a, b) => a.strategyIndex - b.strategyIndex)
    .map((part) =>
      line(
        'strategy',
        target.instrument.index,
        part.strategyIndex,
        part.openBuyMantissa,
        part.openSellMantissa,
        part.sizeMantissa,
        part.costMantissa,
        part.realizedMantissa,
        part.feesMantissa,
        part.fillCount,
      ),
    );
}

function bracketLines(target: InstrumentState): readonly string[] {
  return target.brackets.map((bracket) =>
    line(
      'bracket',
      target.instrument.index,
      bracket.entrySeq,
      bracket.strategyIndex,
      bracket.exitSide,
      bracket.gainMantissa,
      bracket.lossMantissa,
      bracket.gainSeq,
      bracket.lossSeq,
      bracket.refusalCount,
      bracket.retryNs,
    ),
  );
}

function ledgerLine(ledger: Ledger): string {
  return line(
    'ledger',
    ledger.currency.code,
    ledger.currency.scale,
    ledger.total.toBig(),
    ledger.reserved.toBig(),
    ledger.isKnown,
    ledger.movedNs,
  );
}

function orderLine(name: string, order: Order): string {
  return line(
    name,
    order.orderSeq,
    order.instrumentIndex,
    order.strategyIndex,
    order.side,
    order.orderType,
    order.timeInForce,
    order.flags,
    order.state,
    order.priceMantissa,
    order.sizeMantissa,
    order.filledMantissa,
    order.venueCumMantissa,
    order.venueFinalState,
    order.reason,
    order.ttlMs,
    order.deadlineNs,
    order.sentNs,
    order.openMantissa,
    order.reservedQuote,
    order.seenRound,
    order.askedNs,
    order.isSizeKnown,
    order.isOpening,
    order.isUntraded,
    order.triggerMantissa,
    order.bracketSeq,
  );
}

function line(...fields: readonly (string | number | bigint | boolean)[]): string {
  return fields.join(' ');
}

/** SHA-256 of a text of characters below 256, one byte each, as hex. */
export function sha256Hex(text: string): string {
  const { k, initial } = constants();
  const hash = Uint32Array.from(initial);
  const bitLength = text.length * 8;
  const blockCount = Math.floor((text.length + 8) / 64) + 1;
  const bytes = new Uint8Array(blockCount * 64);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  bytes[text.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(bitLength / 4294967296));
  view.setUint32(bytes.length - 4, bitLength >>> 0);
  const w = new Uint32Array(64);
  for (let block = 0; block < blockCount; block++) compress(hash, w, k, view, block * 64);
  return [...hash].map((word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(
  hash: Uint32Array,
  w: Uint32Array,
  k: Uint32Array,
  view: DataView,
  start: number,
): void {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(start + i * 4);
  for (let i = 16; i < 64; i++) {
    const w15 = w[i - 15] ?? 0;
    const w2 = w[i - 2] ?? 0;
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    w[i] = ((w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1) | 0;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (k[i] ?? 0) + (w[i] ?? 0)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  const added = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) hash[i] = (hash[i] ?? 0) + (added[i] ?? 0);
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits of the fractional parts of the roots of the first primes, as the standard defines them. */
function constants(): { readonly k: Uint32Array; readonly initial: Uint32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++)
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const k = Uint32Array.from(primes, (prime) => rootFraction(BigInt(prime), 3n));
  const initial = Uint32Array.from(primes.slice(0, 8), (prime) => rootFraction(BigInt(prime), 2n));
  return { k, initial };
}

/** First 32 fractional bits of the square or cube root, exactly: the integer root of prime * 2^(32 * degree). */
function rootFraction(prime: bigint, degree: bigint): number {
  const target = prime << (32n * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}
