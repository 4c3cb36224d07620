/**
 * checked-books: what both dialects of Kraken (v2 and the old v1) do with a decoded frame: apply it, compare the book with
 * the venue's checksum, keep the depth that was subscribed.
 * @hotpath
 *
 * One per connection, owned by its market-feed; ingest thread (and `normalize`).
 *
 *   decode ─▶ expect(place, checksum) … ─▶ commit: apply ─▶ compare ─┬─ equal ─▶ settle (tops are published)
 *                                                                    └─ not ───▶ stale BOOK_CHECKSUM, onSpoiled
 *
 * Invariants: a top whose book does not have the venue's checksum is never published; what a frame says is noted only when
 * the whole frame was understood. A book of which no snapshot was seen (a recording that begins in the middle) has parts
 * that we do not know, and is not compared.
 */
import type { ByteScanner } from '../../domain/byte-scanner.js';
import { codeIndex } from '../../domain/errors.js';
import type { FrameEntries } from '../frame-entries.js';
import { BookState } from '../market-publisher.js';
import type { MarketPublisher, MarketState } from '../market-publisher.js';
import type { FrameRejects } from '../venue.js';
import { BookChecksum } from './checksum.js';
import { DEPTHS } from './endpoints.js';

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** What is known of a market's book beside the book itself. */
class BookFacts {
  readonly checksum = new BookChecksum();
  /** Levels a side that were subscribed; 0: not known. */
  depth = 0;
  hasSnapshot = false;
  /** Decimals on the wire, as the last snapshot had them. */
  priceDigits = 0;
  sizeDigits = 0;
}

/** What one frame says of one book. */
export class Expectation {
  place = 0;
  hasChecksum = false;
  checksum = 0;
  isSnapshot = false;
  /** Levels on its longer side, and decimals of its numbers: of a snapshot. */
  levels = 0;
  priceDigits = 0;
  sizeDigits = 0;
}

export class CheckedBooks {
  readonly #publisher: MarketPublisher;
  readonly #rejects: FrameRejects;
  readonly #onSpoiled: (place: number) => void;
  readonly #facts: BookFacts[] = [];
  readonly #expectations: Expectation[] = [new Expectation()];
  readonly #mismatchCode = codeIndex('BOOK_CHECKSUM');
  #count = 0;
  #comparedCount = 0;

  constructor(
    publisher: MarketPublisher,
    rejects: FrameRejects,
    onSpoiled: (place: number) => void,
  ) {
    this.#publisher = publisher;
    this.#rejects = rejects;
    this.#onSpoiled = onSpoiled;
  }

  /** Books that were compared with the venue's checksum so far. */
  get comparedCount(): number {
    return this.#comparedCount;
  }

  /** Cold: a market under the place that the publisher gave it; depth 0 is learned from what comes. */
  addMarket(place: number, depth: number): void {
    this.#facts[place] = new BookFacts();
    this.setDepth(place, depth);
  }

  /** The venue keeps so many levels a side. */
  setDepth(place: number, depth: number): void {
    (this.#facts[place] as BookFacts).depth = depth;
    (this.#publisher.markets[place] as MarketState).depthMax = depth;
  }

  /** The market's scales have changed (`normalize`). Cold. */
  onRefined(place: number): void {
    this.#setZeros(place);
  }

  /** A new connection: what was seen of the old one says nothing. */
  forget(): void {
    for (const facts of this.#facts) facts.hasSnapshot = false;
  }

  /** A new frame. */
  begin(): void {
    this.#count = 0;
  }

  /** This frame changes a book. The object is one of ours, reused; its fields are to be set. */
  expect(place: number): Expectation {
    if (this.#count === this.#expectations.length) this.#expectations.push(new Expectation());
    const expectation = this.#expectations[this.#count++] as Expectation;
    expectation.place = place;
    expectation.hasChecksum = false;
    expectation.isSnapshot = false;
    expectation.levels = 0;
    expectation.priceDigits = 0;
    expectation.sizeDigits = 0;
    return expectation;
  }

  /** The frame was understood: applied, compared, published. */
  commit(entries: FrameEntries, recvNs: number): void {
    const publisher = this.#publisher;
    for (let i = 0; i < this.#count; i++) {
      const expectation = this.#expectations[i] as Expectation;
      if (expectation.isSnapshot) this.#onSnapshot(expectation);
    }
    publisher.apply(entries, recvNs, 0);
    for (let i = 0; i < this.#count; i++) {
      // A frame with two messages about one book has the sum of the last one.
      const expectation = this.#expectations[i] as Expectation;
      if (expectation.hasChecksum && !this.#isLaterAgain(i)) this.#compare(expectation);
    }
    publisher.settle(entries);
  }

  #isLaterAgain(index: number): boolean {
    const place = (this.#expectations[index] as Expectation).place;
    for (let i = index + 1; i < this.#count; i++) {
      if ((this.#expectations[i] as Expectation).place === place) return true;
    }
    return false;
  }

  #compare(expectation: Expectation): void {
    const place = expectation.place;
    const market = this.#publisher.markets[place] as MarketState;
    const facts = this.#facts[place] as BookFacts;
    // A level that was refused is told by itself, and so is a book that was dropped.
    if (!facts.hasSnapshot || market.bookState !== BookState.Live || market.spoiledBy !== 0) return;
    this.#comparedCount++;
    if (facts.checksum.of(market.book) !== expectation.checksum) this.#onMismatch(place, market);
  }

  /** Cold. */
  #onMismatch(place: number, market: MarketState): void {
    (this.#facts[place] as BookFacts).hasSnapshot = false;
    this.#rejects.reject(
      'BOOK_CHECKSUM',
      `${market.instrument.venueSymbol}: the book has not the venue's checksum`,
    );
    this.#publisher.spoil(place, this.#mismatchCode);
    this.#onSpoiled(place);
  }

  /** Cold: once per connection and market. */
  #onSnapshot(expectation: Expectation): void {
    const facts = this.#facts[expectation.place] as BookFacts;
    facts.hasSnapshot = true;
    if (expectation.levels === 0) return;
    facts.priceDigits = expectation.priceDigits;
    facts.sizeDigits = expectation.sizeDigits;
    this.#setZeros(expectation.place);
    if (facts.depth !== 0) return;
    // A recording without the acknowledgement: a snapshot is as long as the depth, unless the market is thin.
    for (const depth of DEPTHS) {
      if (depth < expectation.levels) continue;
      this.setDepth(expectation.place, depth);
      return;
    }
  }

  /** Cold. The decimals are the venue's of the day, which need not be those of the list that was read at start. */
  #setZeros(place: number): void {
    const { instrument } = this.#publisher.markets[place] as MarketState;
    const facts = this.#facts[place] as BookFacts;
    facts.checksum.setZeros(
      facts.priceDigits - instrument.priceScale,
      facts.sizeDigits - instrument.sizeScale,
    );
  }
}

/** Decimals of the number that ends at `end` (exclusive), as the wire has them; scanned backwards. Cold: snapshots. */
export function decimalsBefore(scanner: ByteScanner, end: number): number {
  const bytes = scanner.bytes;
  let at = end - 1;
  while (at >= 0 && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at--;
  return at >= 0 && bytes[at] === DOT ? end - 1 - at : 0;
}
