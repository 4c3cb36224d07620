/**
 * secret: a value that cannot be printed. `reveal()` is called in keys/ and in a venue's auth.ts, nowhere else
 * (test/tidy.test.ts looks).
 */
const REDACTED = '[secret]';

export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return REDACTED;
  }
  toJSON(): string {
    return REDACTED;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
