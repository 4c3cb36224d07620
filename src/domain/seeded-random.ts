/**
 * seeded-random: chance that can be had again: the same seed gives the same draws on every machine. Pure.
 *
 * xoshiro128** 1.1 (David Blackman and Sebastiano Vigna, 2018, public domain; prng.di.unimi.it/xoshiro128starstar.c), its
 * state filled from the seed by SplitMix32. Good for jitter, made-up markets and schedules; never for keys.
 * Fits ports/random.ts. @hotpath-safe: 32-bit integers in a typed array, nothing is allocated by a draw.
 */

const GOLDEN_GAMMA = 0x9e3779b9;
const UINT32_COUNT = 4_294_967_296;

export class SeededRandom {
  readonly #state = new Uint32Array(4);

  /** Any integer; its low 32 bits count. */
  constructor(seed: number) {
    let sum = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      sum = (sum + GOLDEN_GAMMA) >>> 0;
      let mixed = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.#state[word] = mixed ^ (mixed >>> 16);
    }
    // All zeros would stay zeros; four different sums cannot all mix to zero, since the mixing is one to one.
  }

  /** An unsigned 32-bit integer. */
  nextUint32(): number {
    const state = this.#state;
    const first = state[0] ?? 0;
    const second = state[1] ?? 0;
    const third = (state[2] ?? 0) ^ first;
    const fourth = (state[3] ?? 0) ^ second;
    const times5 = Math.imul(second, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    state[1] = second ^ third;
    state[0] = first ^ fourth;
    state[2] = third ^ (second << 9);
    state[3] = (fourth << 11) | (fourth >>> 21);
    return result;
  }

  /** At least 0, below 1, in steps of 2^-32. */
  nextUnit(): number {
    return this.nextUint32() / UINT32_COUNT;
  }
}

/** A seed for one of several independent streams: the same name and seed give the same stream (FNV-1a over the name). */
export function seedOf(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
