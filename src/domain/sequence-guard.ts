/**
 * sequence-guard: is the next number of a venue's sequence the one that must come?
 * @hotpath
 *
 * One per sequence (Coinbase: one per connection), on the thread that decodes it. Pure: it judges, the caller acts.
 *
 *   expected   Next    taken
 *   higher     Gap     taken: what lies between is lost, and the caller drops what was built from it
 *   lower      Old     ignored (a repetition, or reordered)
 */

export const SequenceVerdict = { Next: 0, Gap: 1, Old: 2 } as const;
export type SequenceVerdict = (typeof SequenceVerdict)[keyof typeof SequenceVerdict];

export class SequenceGuard {
  readonly #state = new Float64Array(1);
  #isPrimed = false;
  #gapCount = 0;
  #oldCount = 0;

  /** Numbers of which at least one was missing. */
  get gapCount(): number {
    return this.#gapCount;
  }

  /** Numbers that had come before. */
  get oldCount(): number {
    return this.#oldCount;
  }

  /** A new sequence whose first number is known. */
  expect(first: number): void {
    this.#state[0] = first;
    this.#isPrimed = true;
  }

  /** A new sequence that begins with whatever comes. */
  forget(): void {
    this.#isPrimed = false;
  }

  /** Judges the number and takes it unless it is Old. A safe integer. */
  check(seq: number): SequenceVerdict {
    const expected = this.#state[0] as number;
    if (seq === expected || !this.#isPrimed) {
      this.#state[0] = seq + 1;
      this.#isPrimed = true;
      return SequenceVerdict.Next;
    }
    if (seq < expected) {
      this.#oldCount++;
      return SequenceVerdict.Old;
    }
    this.#gapCount++;
    this.#state[0] = seq + 1;
    return SequenceVerdict.Gap;
  }
}
