/**
 * The obvious book: a map per side, sorted when somebody looks. Slow and right; the oracle of src/domain/book.ts.
 */
export class NaiveSide {
  readonly #levels = new Map<number, number>();
  readonly #isAsk: boolean;
  readonly #levelsMax: number;

  constructor(isAsk: boolean, levelsMax = Infinity) {
    this.#isAsk = isAsk;
    this.#levelsMax = levelsMax;
  }

  set(price: number, size: number): void {
    if (size === 0) this.#levels.delete(price);
    else this.#levels.set(price, size);
    for (const [worst] of this.levels().slice(this.#levelsMax)) this.#levels.delete(worst);
  }

  load(levels: readonly (readonly [number, number])[]): void {
    this.#levels.clear();
    for (const [price, size] of levels) this.#levels.set(price, size);
    for (const [price, size] of this.#levels) if (size === 0) this.#levels.delete(price);
    for (const [worst] of this.levels().slice(this.#levelsMax)) this.#levels.delete(worst);
  }

  /** Best first. */
  levels(): [number, number][] {
    return [...this.#levels].sort(([a], [b]) => (this.#isAsk ? a - b : b - a));
  }
}
