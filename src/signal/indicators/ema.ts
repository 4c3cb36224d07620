/**
 * ema: exponential moving average, incremental: constant time and no allocation per value.
 * @hotpath
 *
 * y += alpha * (x - y), alpha = 2 / (periods + 1); the first value is the start. A signal, not money: floats are fine here.
 * State is in a Float64Array, because a double in an object field is a heap box that V8 makes anew.
 */
export class Ema {
  readonly #alpha: number;
  readonly #periods: number;
  readonly #state = new Float64Array(1);
  #count = 0;

  /** `periods`: how many values back the weight has fallen to about 1/e²; at least 1. */
  constructor(periods: number) {
    this.#periods = periods;
    this.#alpha = 2 / (periods + 1);
  }

  update(value: number): void {
    const state = this.#state;
    if (this.#count === 0) state[0] = value;
    else state[0] = (state[0] ?? 0) + this.#alpha * (value - (state[0] ?? 0));
    this.#count++;
  }

  /** 0 before the first value. */
  get value(): number {
    return this.#state[0] ?? 0;
  }

  /** As many values seen as periods: before, the start value still weighs too much. */
  get isWarm(): boolean {
    return this.#count >= this.#periods;
  }
}
