/**
 * intent-outbox: where strategies put what they want during one call; the signal agent moves it to the intent ring.
 * @hotpath
 *
 * Signal thread only. Preallocated; a strategy that wants more than `capacity` things in one call is refused the rest
 * and the refusals are counted (a runaway strategy must not take the thread with it).
 */
import type { IntentFields } from '../generated/hot.js';

/** One wish; fields as in schemas/intent.fbs. */
export class IntentRecord implements IntentFields {
  priceMantissa = 0;
  sizeMantissa = 0;
  referencePriceMantissa = 0;
  tickVenueNs = 0;
  tickRecvNs = 0;
  tickReadNs = 0;
  emitNs = 0;
  expireNs = 0;
  intentSeq = 0;
  /** Stop and take-profit orders. */
  triggerPriceMantissa = 0;
  /** Bracket: what fills of this order is closed again at the gain or the loss, whichever comes first. */
  takeProfitPriceMantissa = 0;
  stopLossPriceMantissa = 0;
  /** Cancel: the order. */
  targetOrderSeq = 0;
  confidencePpm = 0;
  ttlMs = 0;
  instrumentIndex = 0;
  strategyIndex = 0;
  kind = 0;
  side = 0;
  orderType = 0;
  timeInForce = 0;
  flags = 0;

  reset(kind: number): void {
    this.priceMantissa = 0;
    this.sizeMantissa = 0;
    this.referencePriceMantissa = 0;
    this.tickVenueNs = 0;
    this.tickRecvNs = 0;
    this.tickReadNs = 0;
    this.emitNs = 0;
    this.expireNs = 0;
    this.intentSeq = 0;
    this.triggerPriceMantissa = 0;
    this.takeProfitPriceMantissa = 0;
    this.stopLossPriceMantissa = 0;
    this.targetOrderSeq = 0;
    this.confidencePpm = 0;
    this.ttlMs = 0;
    this.instrumentIndex = 0;
    this.strategyIndex = 0;
    this.kind = kind;
    this.side = 0;
    this.orderType = 0;
    this.timeInForce = 0;
    this.flags = 0;
  }
}

export class IntentOutbox {
  readonly records: readonly IntentRecord[];
  count = 0;
  refusedCount = 0;
  readonly #spill = new IntentRecord();

  constructor(capacity: number) {
    this.records = Array.from({ length: capacity }, () => new IntentRecord());
  }

  /** A fresh record of this kind (IntentKind); past the capacity one that leads nowhere. */
  next(kind: number): IntentRecord {
    let record = this.records[this.count];
    if (record === undefined) {
      this.refusedCount++;
      record = this.#spill;
    } else {
      this.count++;
    }
    record.reset(kind);
    return record;
  }

  clear(): void {
    this.count = 0;
  }
}
