/**
 * core-snapshot: the whole state of the execution core as data, and back. The text is the one that is hashed
 * (state-hash.ts), so what a snapshot forgets the hash forgets too, and a restored core that has the same text is the same
 * core: it goes on with the same outputs. Fill keys stand beside it as numbers.
 *
 * Pure; used by recovery (main thread, before anything is hot) and by verify-journal.
 */
import { must } from '../domain/assert.js';
import { TickwireError } from '../domain/errors.js';
import type { ExecutionCore } from './execution-core.js';
import { Bracket } from './core-state.js';
import type { CoreState, InstrumentState } from './core-state.js';
import { coreStateText } from './state-hash.js';

export interface CoreSnapshot {
  /** Every field of the state; coreStateHash is SHA-256 of it. */
  readonly stateText: string;
  /** Oldest first. */
  readonly fillKeys: Float64Array;
}

export function takeSnapshot(core: ExecutionCore): CoreSnapshot {
  return { stateText: coreStateText(core.state), fillKeys: core.state.fillKeys.toArray() };
}

/**
 * Puts a fresh core into the state of a snapshot. The core may know more instruments than the snapshot, and other limits.
 * Throws JOURNAL_FAILED when the text is none.
 */
export function restoreSnapshot(core: ExecutionCore, snapshot: CoreSnapshot): void {
  const { state } = core;
  for (const key of snapshot.fillKeys) state.fillKeys.add(key);
  for (const text of snapshot.stateText.split('\n')) new LineReader(text).restore(state);
  for (const target of state.instruments) state.expose(target);
  for (let order = state.orders.firstOpen(); order !== undefined;) {
    const next = state.orders.nextOpen(order);
    core.resume(order);
    order = next;
  }
  state.equity.refreshAll();
}

/** One line of the text, field by field in the order of state-hash.ts. */
class LineReader {
  readonly #fields: readonly string[];
  #at = 1;

  constructor(text: string) {
    this.#fields = text.split(' ');
  }

  restore(state: CoreState): void {
    switch (this.#fields[0]) {
      case 'core':
        this.#core(state);
        break;
      case 'sent':
        this.#sent(state);
        break;
      case 'trades':
        this.#trades(state);
        break;
      case 'equity':
        this.#equity(state);
        break;
      case 'instrument':
        this.#instrument(state);
        break;
      case 'strategy':
        this.#strategy(state);
        break;
      case 'bracket':
        this.#bracket(state);
        break;
      case 'ledger':
        this.#ledger(state);
        break;
      case 'slots':
        break;
      case 'open':
      case 'closed':
        this.#order(state, this.#fields[0] === 'open');
        break;
      default:
        throw damaged(this.#fields.join(' '));
    }
  }

  #core(state: CoreState): void {
    state.run = this.#number();
    state.runEpochMs = this.#number();
    state.orderCount = this.#number();
    state.tradingState = this.#number() as CoreState['tradingState'];
    state.tradingReason = this.#number();
    state.isSessionUp = this.#flag();
    state.isReconciled = this.#flag();
    state.isStopping = this.#flag();
    state.round = this.#number();
    state.flatteningCount = this.#number();
    state.legsReserved = this.#number();
    state.legsHeld = this.#number();
    const keyCount = this.#number();
    if (keyCount !== state.fillKeys.size) throw damaged(`${String(keyCount)} fill keys`);
    state.fillKeys.sum = this.#number();
  }

  #sent(state: CoreState): void {
    const index = this.#number();
    const times = this.#rest();
    // Another limit: the youngest that fit, the oldest first.
    const ordered = [...times.slice(index), ...times.slice(0, index)];
    const { sentTimesNs } = state;
    if (times.length === sentTimesNs.length) {
      sentTimesNs.set(times);
      state.sentIndex = index;
    } else {
      const kept = ordered.slice(-sentTimesNs.length);
      sentTimesNs.set(kept, sentTimesNs.length - kept.length);
      state.sentIndex = 0;
    }
  }

  #trades(state: CoreState): void {
    const index = this.#number();
    state.untradedCount = this.#number();
    const times = this.#rest();
    // Blank ones are not written: a ring that is not full has its times before the index.
    const ordered =
      times.length > index ? [...times.slice(index), ...times.slice(0, index)] : times;
    for (const timeMs of ordered) state.trades.add(timeMs);
  }

  #equity(state: CoreState): void {
    this.#at++;
    state.equity.highestMantissa = this.#number();
    state.equity.dayStartMantissa = this.#number();
    state.equity.day = this.#number();
  }

  #instrument(state: CoreState): void {
    const target = this.#target(state);
    if (this.#text() !== target.instrument.symbol) throw damaged(this.#fields.join(' '));
    target.bidMantissa = this.#number();
    target.askMantissa = this.#number();
    target.markNs = this.#number();
    target.staleReason = this.#number();
    target.openBuyMantissa = this.#number();
    target.openSellMantissa = this.#number();
    target.openOrderCount = this.#number();
    target.isFlattening = this.#flag();
    target.heldCount = this.#number();
    target.lastPriceMantissa = this.#number();
    this.#position(target.position);
  }

  #strategy(state: CoreState): void {
    const target = this.#target(state);
    const part = state.strategyPosition(target, this.#number());
    part.openBuyMantissa = this.#number();
    part.openSellMantissa = this.#number();
    this.#position(part);
  }

  #position(position: InstrumentState['position']): void {
    position.sizeMantissa = this.#number();
    position.costMantissa = this.#big();
    position.realizedMantissa = this.#big();
    position.feesMantissa = this.#big();
    position.fillCount = this.#number();
  }

  #bracket(state: CoreState): void {
    const target = this.#target(state);
    const bracket = new Bracket(this.#number());
    bracket.strategyIndex = this.#number();
    bracket.exitSide = this.#number();
    bracket.gainMantissa = this.#number();
    bracket.lossMantissa = this.#number();
    bracket.gainSeq = this.#number();
    bracket.lossSeq = this.#number();
    bracket.refusalCount = this.#number();
    bracket.retryNs = this.#number();
    target.brackets.push(bracket);
  }

  #ledger(state: CoreState): void {
    const code = this.#text();
    const ledger = must(
      state.ledgers.find(({ currency }) => currency.code === code),
      `ledger of ${code}`,
    );
    // New instruments may need finer units.
    const factor = 10n ** BigInt(ledger.currency.scale - this.#number());
    ledger.total.setBig(this.#big() * factor);
    ledger.reserved.setBig(this.#big() * factor);
    ledger.isKnown = this.#flag();
    ledger.movedNs = this.#number();
  }

  #order(state: CoreState, isOpen: boolean): void {
    const order = must(state.orders.take(this.#number()), 'a slot for every kept order');
    order.instrumentIndex = this.#number();
    order.strategyIndex = this.#number();
    order.side = this.#number();
    order.orderType = this.#number();
    order.timeInForce = this.#number();
    order.flags = this.#number();
    order.state = this.#number();
    order.priceMantissa = this.#number();
    order.sizeMantissa = this.#number();
    order.filledMantissa = this.#number();
    order.venueCumMantissa = this.#number();
    order.venueFinalState = this.#number();
    order.reason = this.#number();
    order.ttlMs = this.#number();
    order.deadlineNs = this.#number();
    order.sentNs = this.#number();
    order.openMantissa = this.#number();
    order.reservedQuote = this.#number();
    order.seenRound = this.#number();
    order.askedNs = this.#number();
    order.isSizeKnown = this.#number();
    order.isOpening = this.#number();
    order.isUntraded = this.#number();
    order.triggerMantissa = this.#number();
    order.bracketSeq = this.#number();
    state.orders.setOpen(order, isOpen);
  }

  #target(state: CoreState): InstrumentState {
    return must(state.instruments[this.#number()], 'instrument of the snapshot');
  }

  #text(): string {
    const field = this.#fields[this.#at++];
    if (field === undefined) throw damaged(this.#fields.join(' '));
    return field;
  }

  #number(): number {
    const value = Number(this.#text());
    if (!Number.isFinite(value)) throw damaged(this.#fields.join(' '));
    return value;
  }

  #big(): bigint {
    const text = this.#text();
    if (!/^-?\d+$/.test(text)) throw damaged(this.#fields.join(' '));
    return BigInt(text);
  }

  #flag(): boolean {
    return this.#text() === 'true';
  }

  #rest(): number[] {
    const values: number[] = [];
    while (this.#at < this.#fields.length) values.push(this.#number());
    return values;
  }
}

function damaged(what: string): TickwireError {
  return new TickwireError('JOURNAL_FAILED', `the snapshot is damaged at: ${what.slice(0, 200)}`);
}
