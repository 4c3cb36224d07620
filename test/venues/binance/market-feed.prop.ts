/**
 * The book rule against a naive twin: a venue whose book is known at every id, a stream that loses, repeats, reorders
 * and cuts frames, and a REST side that is late. Whatever happens, our book is the venue's at the id that it claims, or
 * it is stale; and once the stream is whole again it gets well.
 */
import fc from 'fast-check';
import t from 'tap';
import type { BinanceMarket } from '#src/venues/binance/endpoints.js';
import { combined, diff, rig, snapshot, SPOT, USDM, type Level } from './binance-rig.js';

const RUNS = 400;
const SEC = 1_000_000_000;

interface Change {
  readonly isAsk: boolean;
  readonly price: number;
  readonly size: number;
}

/** Bids below 50, asks above: a book that never crosses. */
const change: fc.Arbitrary<Change> = fc
  .record({
    isAsk: fc.boolean(),
    offset: fc.integer({ min: 1, max: 12 }),
    size: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ isAsk, offset, size }) => ({ isAsk, price: isAsk ? 50 + offset : 50 - offset, size }));

const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant('send' as const) },
  { weight: 2, arbitrary: fc.constant('lose' as const) },
  { weight: 2, arbitrary: fc.constant('twice' as const) },
  { weight: 2, arbitrary: fc.constant('later' as const) },
  { weight: 1, arbitrary: fc.constant('cut' as const) },
);

const step = fc.record({
  changes: fc.array(change, { maxLength: 4 }),
  fate,
  /** Frames by key instead of in the order of the wire, combined or raw. */
  isOdd: fc.boolean(),
  isCombined: fc.boolean(),
  /** Whether a body that is under way arrives now, and of how many events ago it is. */
  answers: fc.boolean(),
  lag: fc.integer({ min: 0, max: 3 }),
});

type Sides = readonly [bids: ReadonlyMap<number, number>, asks: ReadonlyMap<number, number>];

/** The venue: its book behind every id that ends an event. */
class NaiveVenue {
  readonly #market: BinanceMarket;
  readonly #books = new Map<number, Sides>();
  readonly ends: number[] = [];
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();
  #id = 1_000;

  constructor(market: BinanceMarket) {
    this.#market = market;
    this.#remember();
  }

  #remember(): void {
    this.#books.set(this.#id, [new Map(this.#bids), new Map(this.#asks)]);
    this.ends.push(this.#id);
  }

  /** Carries out an event; the diff that tells it. */
  event(changes: readonly Change[]): Record<string, unknown> {
    const previous = this.#id;
    // Futures count other symbols as well.
    const first = previous + (this.#market.isFutures ? 5 : 1);
    this.#id = first + Math.max(1, changes.length) - 1;
    for (const { isAsk, price, size } of changes) {
      const side = isAsk ? this.#asks : this.#bids;
      if (size === 0) side.delete(price);
      else side.set(price, size);
    }
    this.#remember();
    const last = new Map(changes.map((one) => [one.price, one]));
    const levels = (isAsk: boolean): Level[] =>
      [...last.values()]
        .filter((one) => one.isAsk === isAsk)
        .map(({ price, size }) => [`${price}.00`, `${size}.00000000`]);
    return diff(this.#market, [first, this.#id, previous], levels(false), levels(true));
  }

  bookAt(id: number): Sides | undefined {
    return this.#books.get(id);
  }

  body(id: number): Record<string, unknown> {
    const [bids, asks] = this.#books.get(id) ?? [new Map(), new Map()];
    const levels = (side: ReadonlyMap<number, number>): Level[] =>
      [...side].map(([price, size]) => [`${price}.00`, `${size}.00000000`]);
    return snapshot(this.#market, id, levels(bids), levels(asks));
  }
}

function run(
  market: BinanceMarket,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
): void {
  const venue = new NaiveVenue(market);
  const one = rig(market);
  const bodies: { readonly path: string; readonly id: number }[] = [];
  const held: string[] = [];

  const check = (): void => {
    const { bids, asks } = one.levels();
    if (one.why() !== 'OK') {
      if (bids.length + asks.length > 0) throw new Error(`a stale book has levels: ${one.why()}`);
      return;
    }
    const truth = venue.bookAt(one.feed.lastSeq);
    if (truth === undefined) throw new Error(`no event ends at ${one.feed.lastSeq}`);
    const sorted = (side: ReadonlyMap<number, number>, sign: number): number[][] =>
      [...side]
        .sort(([a], [b]) => sign * (a - b))
        .map(([price, size]) => [price * 100, size * 1e8]);
    const wanted = JSON.stringify([sorted(truth[0], -1), sorted(truth[1], 1)]);
    const actual = JSON.stringify([bids, asks]);
    if (wanted !== actual) {
      throw new Error(`at ${one.feed.lastSeq} the book is ${actual}, the venue's is ${wanted}`);
    }
  };
  const deliver = (frame: string): void => {
    one.nowNs += SEC / 10;
    one.send(frame);
    check();
    for (let path = one.feed.takeRequest(); path !== null; path = one.feed.takeRequest()) {
      if (path.includes('/depth')) bodies.push({ path, id: venue.ends.at(-1) ?? 0 });
    }
  };
  const textOf = (frame: Record<string, unknown>, isOdd: boolean, isCombined: boolean): string => {
    const whole = isCombined ? combined('btcusdt@depth@100ms', frame) : frame;
    return isOdd ? JSON.stringify(whole, null, 1) : JSON.stringify(whole);
  };

  for (const { changes, fate: what, isOdd, isCombined, answers, lag } of steps) {
    const text = textOf(venue.event(changes), isOdd, isCombined);
    if (what === 'later') held.push(text);
    else if (what === 'cut') deliver(text.slice(0, Math.floor(text.length / 2)));
    else if (what !== 'lose') {
      deliver(text);
      if (what === 'twice') deliver(text);
      for (const late of held.splice(0)) deliver(late);
    }
    const body = answers ? bodies.shift() : undefined;
    if (body === undefined) continue;
    const at = Math.max(0, venue.ends.indexOf(body.id) - lag);
    one.body(body.path, venue.body(venue.ends[at] ?? body.id));
    check();
  }
  // From here on the stream is whole, and bodies are of the moment in which they are asked for.
  bodies.length = 0;
  for (let turn = 0; turn < 600; turn++) {
    deliver(textOf(venue.event([]), false, true));
    for (const { path } of bodies.splice(0)) {
      one.body(path, venue.body(venue.ends.at(-1) ?? 0));
      check();
    }
    if (one.why() === 'OK' && turn > 3) break;
  }
  if (one.why() !== 'OK') throw new Error(`it does not get well: ${one.why()}`);
  if (one.feed.lastSeq !== venue.ends.at(-1)) throw new Error('it is not where the venue is');
}

for (const market of [SPOT, USDM]) {
  t.test(
    `${market.venue}: the book is the venue's or stale, whatever the stream does`,
    async (t) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => run(market, steps)),
        { numRuns: RUNS },
      );
      t.pass(`${RUNS} streams`);
    },
  );
}
