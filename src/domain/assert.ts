/**
 * assert: conditions that hold unless the program itself is wrong. They stay on in production:
 * a trading engine that has disproved itself must stop, not trade on.
 *
 * Any thread. Messages carry the name and the value of what failed: `slotIndex below slotCount: slotIndex=9, slotCount=8`.
 */

/** The program has disproved itself. `code` is stable and listed in docs/errors.md. */
export class Bug extends Error {
  readonly code = 'BUG';
  constructor(message: string) {
    super(message);
    this.name = 'Bug';
  }
}

/** Throws {@link Bug} with the message unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** For the branch that cannot be reached; the type checker proves it where `value` is `never`. */
export function unreachable(value: never, where: string): never {
  throw new Bug(`unreachable in ${where}: value=${String(value)}`);
}

/** A value that must be there. `name` says which one was missing. */
export function must<T>(value: T | undefined | null, name: string): T {
  if (value === undefined || value === null) throw new Bug(`missing: ${name}`);
  return value;
}
