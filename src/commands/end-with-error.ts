/**
 * end-with-error: how every command ends when it fails: one JSON error on stderr (sentences on a terminal), and the
 * exit code of docs/cli.md: 1 failed while running, 2 wrong usage or configuration.
 */
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { ConfigError, describeProblem } from '../config.js';
import { TickwireError } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';

/** What was wrong before anything began: nothing has been traded or half-written. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'USAGE',
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'DATA_DIR_UNWRITABLE',
  'DATA_DIR_LOCKED',
  'PORT_BUSY',
  'DATABASE_CORRUPT',
  'DATABASE_NEWER',
  'RECORDING_UNREADABLE',
  'RECORDING_CORRUPT',
  'VENUE_UNKNOWN',
  'STRATEGY_UNKNOWN',
  'INSTRUMENT_CHANGED',
  'KEY_INVALID',
  'KEY_MISSING',
  'KEY_UNREADABLE',
]);

/** Prints the error and returns the exit code. */
export function endWithError(program: Command, error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version are not errors; they have printed themselves.
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') {
      process.stderr.write(program.helpInformation());
      return 2;
    }
    return endWithError(program, new TickwireError('USAGE', error.message.replace(/^error: /, '')));
  }
  const known =
    error instanceof TickwireError
      ? error
      : new TickwireError('INTERNAL', error instanceof Error ? error.message : String(error), {
          stack: error instanceof Error ? error.stack : undefined,
        });
  printError(known);
  return USAGE_CODES.has(known.code) ? 2 : 1;
}

/** One JSON error on stderr, or a sentence on a terminal: for commands that go on after an error. */
export function printError(error: TickwireError): void {
  process.stderr.write(process.stderr.isTTY ? forPeople(error) : `${asJson(error)}\n`);
}

function asJson(error: TickwireError): string {
  return JSON.stringify({ code: error.code, message: error.message, context: error.context });
}

function forPeople(error: TickwireError): string {
  if (!(error instanceof ConfigError)) return `tickwire: ${error.message} [${error.code}]\n`;
  const lines = error.problems.map((problem) => `  ${describeProblem(problem)}`);
  return `tickwire: the settings are wrong [${error.code}]\n${lines.join('\n')}\n`;
}
