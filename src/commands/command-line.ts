/**
 * command-line: the options of one command as it was called, checked without giving up at the first problem.
 * Every wrong or unknown option is collected; `check()` throws them all at once.
 */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import type { ConfigProblem } from '../config.js';

export class CommandLine {
  readonly problems: ConfigProblem[] = [];
  /** The words without dashes that the command takes. */
  readonly words: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  /** `argumentCount`: words without dashes that the command takes. */
  constructor(command: Command, argumentCount = 0) {
    this.#values = command.opts();
    const isOption = (word: string): boolean => word.startsWith('-');
    this.words = command.args.filter((word) => !isOption(word)).slice(0, argumentCount);
    const extra = [
      ...command.args.filter(isOption),
      ...command.args.filter((word) => !isOption(word)).slice(argumentCount),
    ];
    for (const word of extra)
      this.problems.push({
        field: word,
        value: undefined,
        rule: word.startsWith('-')
          ? `there is no such option; see tickwire ${command.name()} --help`
          : 'unexpected argument',
      });
  }

  /** Throws what was found so far. */
  check(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    this.#fail(name, undefined, 'must be given');
    return '';
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Parts between commas, trimmed; an empty part is a problem. */
  list(name: string): string[] | undefined {
    const parts = this.text(name)
      ?.split(',')
      .map((part) => part.trim());
    if (parts?.some((part) => part === '') === true)
      this.#fail(name, this.text(name), 'must be a list by comma without empty parts');
    return parts;
  }

  oneOf(name: string, allowed: readonly string[]): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !allowed.includes(value))
      this.#fail(name, value, `must be one of ${allowed.join(', ')}`);
    return value;
  }

  /** A number; whether it is in range is the configuration's business. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value)) return value;
    this.#fail(name, text, 'must be a number');
    return undefined;
  }

  wholeNumber(name: string, min: number, max: number): number | undefined {
    const value = this.number(name);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    this.#fail(name, value, `must be a whole number from ${String(min)} to ${String(max)}`);
    return undefined;
  }

  /** `500ms`, `10s`, `5m`, `2h` in milliseconds. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
    const ms = Math.round(Number(match?.[1]) * (unitMs ?? Number.NaN));
    if (Number.isSafeInteger(ms) && ms > 0) return ms;
    this.#fail(name, text, 'must be a duration like 500ms, 10s, 5m or 2h');
    return undefined;
  }

  /** The word at this place; what it is called in the help. */
  word(place: number, name: string): string {
    const word = this.words[place];
    if (word !== undefined) return word;
    this.problems.push({ field: name, value: undefined, rule: 'must be given' });
    return '';
  }

  #fail(name: string, value: unknown, rule: string): void {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    this.problems.push({ field: flag, value, rule });
  }
}
