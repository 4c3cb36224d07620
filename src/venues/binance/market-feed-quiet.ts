/**
 * market-feed-quiet: is a book that says nothing quiet, or is its stream dead? Binance acknowledges a subscription and may
 * then send nothing for either reason; only the venue's own id of the last change tells them apart.
 *
 *   no diff for QUIET_NS ─▶ ask for the smallest book ─┬─ its id is what we hold: nothing was missed, the book is right
 *                                                      └─ its id is ahead: a diff is on its way, or the stream is dead;
 *                                                         still not there when the next answer comes: dead
 *
 * Owned by the market-feed; cold. Its clock is the receive time of the last frame. Deterministic.
 */
import { RateBudget } from '../rate-budget.js';
import { PROBE_BURST, PROBES_PER_SEC, QUIET_NS } from './endpoints.js';

export const QuietVerdict = { Proven: 0, Ahead: 1, Dead: 2 } as const;
export type QuietVerdict = (typeof QuietVerdict)[keyof typeof QuietVerdict];

class Quiet {
  /** When the book was last known to be right; 0: it is not live. */
  provenNs = 0;
  askedNs = 0;
  /** Id that the venue had reached when it was asked; 0: not ahead of us. */
  aheadId = 0;
}

export class QuietBooks {
  readonly #books: Quiet[] = [];
  readonly #budget = new RateBudget({
    tokensPerSec: PROBES_PER_SEC,
    burst: PROBE_BURST,
    reserved: 0,
  });

  addMarket(): void {
    this.#books.push(new Quiet());
  }

  reset(): void {
    for (let place = 0; place < this.#books.length; place++) this.drop(place);
  }

  /** The book is there and right. */
  begin(place: number, nowNs: number): void {
    const book = this.#books[place] as Quiet;
    book.provenNs = Math.max(1, nowNs);
    book.aheadId = 0;
  }

  /** The book is gone. */
  drop(place: number): void {
    const book = this.#books[place] as Quiet;
    book.provenNs = 0;
    book.askedNs = 0;
    book.aheadId = 0;
  }

  /** The market to be asked about now; -1: none. `lastDiffNs`: receive time of a market's last diff. */
  take(nowNs: number, lastDiffNs: (place: number) => number): number {
    for (const [place, book] of this.#books.entries()) {
      if (book.provenNs === 0) continue;
      const knownNs = Math.max(book.provenNs, book.askedNs, lastDiffNs(place));
      if (nowNs - knownNs < QUIET_NS) continue;
      if (!this.#budget.tryTake(nowNs, true)) break;
      book.askedNs = nowNs;
      return place;
    }
    return -1;
  }

  /** The venue is at this id, and our book at that one. */
  judge(place: number, venueId: number, heldId: number, nowNs: number): QuietVerdict {
    const book = this.#books[place] as Quiet;
    if (venueId <= heldId) {
      this.begin(place, nowNs);
      return QuietVerdict.Proven;
    }
    if (book.aheadId !== 0 && heldId < book.aheadId) return QuietVerdict.Dead;
    book.aheadId = venueId;
    return QuietVerdict.Ahead;
  }
}
