/**
 * market-feed-requests: which market's book snapshot is to be fetched next, and when: never two at once for a market, none
 * too soon after one that did not fit, and all of them within half of what the venue allows (who asks too often is banned).
 *
 * Owned by the market-feed; cold: `isIdle` is true in almost every call. Its clock is the receive time
 * of the last frame: while nothing comes there is nothing to mend. Deterministic.
 */
import { RateBudget } from '../rate-budget.js';
import {
  SNAPSHOT_BURST,
  SNAPSHOT_LOST_NS,
  SNAPSHOT_RETRY_NS,
  SNAPSHOT_RETRY_NS_MAX,
  SNAPSHOTS_PER_SEC,
} from './endpoints.js';

class Request {
  isWanted = false;
  /** It was handed out and its body has not come. */
  isOut = false;
  askedNs = 0;
  notBeforeNs = 0;
  /** Snapshots in a row that did not fit. */
  failureCount = 0;
}

export class SnapshotRequests {
  readonly #requests: Request[] = [];
  readonly #budget = new RateBudget({
    tokensPerSec: SNAPSHOTS_PER_SEC,
    burst: SNAPSHOT_BURST,
    reserved: 0,
  });
  #wantedCount = 0;
  /** Where the search begins: markets take turns. */
  #next = 0;

  addMarket(): void {
    this.#requests.push(new Request());
  }

  /** A new connection: what was asked for on the old one does not come any more. */
  reset(): void {
    for (const request of this.#requests) {
      request.isWanted = false;
      request.isOut = false;
      request.notBeforeNs = 0;
      request.failureCount = 0;
    }
    this.#wantedCount = 0;
  }

  /** The market needs a snapshot. */
  want(place: number): void {
    const request = this.#requests[place] as Request;
    if (request.isWanted) return;
    request.isWanted = true;
    this.#wantedCount++;
  }

  /** Its book lives. */
  settle(place: number): void {
    const request = this.#requests[place] as Request;
    if (request.isWanted) this.#wantedCount--;
    request.isWanted = false;
    request.isOut = false;
  }

  /** The body came. `isUseful`: it became the book; else another one is wanted, later and later. */
  onBody(place: number, isUseful: boolean, nowNs: number): void {
    const request = this.#requests[place] as Request;
    request.isOut = false;
    if (isUseful) {
      this.settle(place);
      return;
    }
    const waitNs = SNAPSHOT_RETRY_NS * 2 ** request.failureCount;
    request.notBeforeNs = nowNs + Math.min(waitNs, SNAPSHOT_RETRY_NS_MAX);
    if (waitNs < SNAPSHOT_RETRY_NS_MAX) request.failureCount++;
    this.want(place);
  }

  /** A diff was applied to the snapshot: it was a good one. */
  praise(place: number): void {
    (this.#requests[place] as Request).failureCount = 0;
  }

  /** Whether any market waits. */
  get isIdle(): boolean {
    return this.#wantedCount === 0;
  }

  /** The market whose snapshot is to be asked for now; -1: none. Each is handed out once. */
  take(nowNs: number): number {
    const count = this.#requests.length;
    for (let i = 0; i < count; i++) {
      const place = (this.#next + i) % count;
      const request = this.#requests[place] as Request;
      if (!request.isWanted || nowNs < request.notBeforeNs) continue;
      if (request.isOut && nowNs - request.askedNs < SNAPSHOT_LOST_NS) continue;
      if (!this.#budget.tryTake(nowNs, true)) return -1;
      request.isOut = true;
      request.askedNs = nowNs;
      // A book that breaks again and again is not asked for more often than this.
      request.notBeforeNs = nowNs + SNAPSHOT_RETRY_NS;
      this.#next = place + 1;
      return place;
    }
    return -1;
  }
}
