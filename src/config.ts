/**
 * config: every setting of the engine, with default, unit, limits and reason, checked once at start and then frozen.
 *
 * Main thread parses; workers get the result as plain data. Sources, later ones win: the defaults here, the file of
 * `--config`, the command line. All problems are listed at once. docs/configuration.md is made from this file.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TickwireError } from './domain/errors.js';
import { formatMantissa, parseMantissa } from './domain/fixed-point.js';
import { PAPER_LIMITS, RISK_BOUNDS, RISK_MONEY_SCALE } from './domain/risk.js';
import type { RiskLimits } from './domain/risk.js';

const decimal = (description: string): z.ZodString =>
  z
    .string()
    .regex(/^\d{1,15}(\.\d{1,8})?$/, 'must be a plain decimal of at most 15 and 8 digits, as text')
    .describe(description);

const whole = (min: number, max: number, description: string): z.ZodNumber =>
  z.number().int().min(min).max(max).describe(description);

const names = (description: string): z.ZodArray<z.ZodString> =>
  z.array(z.string().min(1)).min(1).describe(description);

const riskSchema = z.strictObject({
  orderNotionalMax: decimal('Largest value of one order. Quote units.').default('250'),
  positionNotionalMax: decimal(
    'Largest value of a position with everything open on its side. Quote units.',
  ).default('1000'),
  priceBandBps: whole(
    1,
    5_000,
    'How far a limit price may be through the market. Hundredths of a per cent.',
  ).default(PAPER_LIMITS.priceBandBps),
  marketSlippageBps: whole(
    1,
    500,
    'How far a market order may run; it is sent as a limit IOC at that distance. Hundredths of a per cent.',
  ).default(PAPER_LIMITS.marketSlippageBps),
  markAgeMaxMs: whole(100, 600_000, 'An older price is no price. ms.').default(
    PAPER_LIMITS.markAgeMaxMs,
  ),
  ordersPerSecondMax: whole(1, 1_000, 'Orders in any one second. Count.').default(
    PAPER_LIMITS.ordersPerSecondMax,
  ),
  openOrdersMax: whole(1, 10_000, 'Orders open at the same time. Count.').default(
    PAPER_LIMITS.openOrdersMax,
  ),
});

const feedSchema = z.strictObject({
  frameBytesMax: whole(
    1_024,
    1_073_741_824,
    'A larger frame is refused and the connection closed; a full BTC-USD snapshot has about 7 MB. Bytes.',
  ).default(64 * 1024 * 1024),
  openTimeoutMs: whole(
    100,
    60_000,
    'A dial without an open socket by then has failed. ms.',
  ).default(10_000),
  idleTimeoutMs: whole(
    500,
    120_000,
    'No frame for that long (heartbeats come every second): the connection is dead. ms.',
  ).default(5_000),
  backoffMs: z
    .array(z.number().int().min(1).max(600_000))
    .min(1)
    .max(32)
    .describe('Waits before each new dial; the last one repeats. ms.')
    .default([100, 200, 400, 800]),
});

const executionSchema = z.strictObject({
  requestTimeoutMs: whole(
    50,
    60_000,
    'No answer to a REST request by then: the outcome is unknown and is asked for. ms.',
  ).default(5_000),
  answerTimeoutMs: whole(
    100,
    60_000,
    'An order or cancel that the venue has not confirmed by then is asked for. ms.',
  ).default(5_000),
  requestsPerSecond: whole(
    1,
    1_000,
    'Private REST budget of the venue; the rest waits. Per s.',
  ).default(30),
  stopPolicy: z
    .enum(['cancel', 'keep'])
    .describe('What becomes of open orders when the run ends.')
    .default('cancel'),
  stopTimeoutMs: whole(
    0,
    7_000,
    'At the end of a run, cancels and fills under way are waited for that long. ms.',
  ).default(5_000),
  markIntervalMs: whole(
    10,
    60_000,
    'Prices of held instruments enter the core (equity, exposure) at least that often. ms.',
  ).default(250),
});

const ringsSchema = z.strictObject({
  tickSlots: whole(1_024, 1_048_576, 'Slots of the tick ring; a power of two. Count.').default(
    32_768,
  ),
  intentSlots: whole(64, 65_536, 'Slots of each intent ring; a power of two. Count.').default(
    1_024,
  ),
  eventSlots: whole(1_024, 1_048_576, 'Slots of the event ring; a power of two. Count.').default(
    16_384,
  ),
});

const journalSchema = z.strictObject({
  batchRecordsMax: whole(1, 16_384, 'Records of one transaction at most. Count.').default(512),
  batchMs: whole(0, 1_000, 'A record waits at most that long for its transaction. ms.').default(5),
});

const simSchema = z.strictObject({
  urls: z
    .array(z.url({ protocol: /^https?$/, hostname: /^(127(\.\d+){3}|localhost|\[::1\])$/ }))
    .describe('REST addresses of running simulators; empty: embedded ones are started.')
    .default([]),
  recording: z
    .string()
    .min(1)
    .optional()
    .describe('Recording that the embedded venues play; absent: the shipped one.'),
  speed: z
    .number()
    .min(0.01)
    .max(1_000)
    .describe('How fast it is played. Times real time.')
    .default(1),
  seed: whole(0, 4_294_967_295, 'Seed of everything random in the simulators.').default(1),
  takerBps: z
    .number()
    .min(0)
    .max(1_000)
    .describe('Fee of a taking fill. Hundredths of a per cent.')
    .default(5),
  makerBps: z
    .number()
    .min(0)
    .max(1_000)
    .describe('Fee of a making fill. Hundredths of a per cent.')
    .default(0),
  cash: decimal('Cash of a new paper account. Quote units.').default('10000'),
});

const schema = z
  .strictObject({
    host: z
      .enum(['127.0.0.1', '::1'])
      .describe('Address of API and dashboard; the loopback only.')
      .default('127.0.0.1'),
    port: whole(0, 65_535, 'Port of API and dashboard; 0: any free one.').default(3000),
    dataDir: z
      .string()
      .min(1)
      .describe('Where journal, API key and paper accounts are kept.')
      .default('tickwire-data'),
    venues: names('Venues to trade at.').default(['coinbase']),
    symbols: names('Instruments, BASE-QUOTE.').default(['BTC-USD']),
    strategies: names('Strategies by name, or files with one as default export.').default([
      'ema-cross',
    ]),
    strategyParams: z
      .record(z.string(), z.record(z.string(), z.number()))
      .describe('Parameters by strategy name: { "ema-cross": { "fastTrades": 10 } }.')
      .default({}),
    threads: z
      .enum(['auto', 'compact', 'spread'])
      .describe('compact: one hot thread; spread: a thread per role; auto: by free cores.')
      .default('auto'),
    wait: z
      .enum(['auto', 'spin', 'yield', 'park'])
      .describe('How idle hot threads wait (docs/operating.md).')
      .default('auto'),
    waitRoles: z
      .partialRecord(
        z.enum(['ingest', 'signal', 'execution', 'journal', 'control']),
        z.enum(['auto', 'spin', 'yield', 'park']),
      )
      .describe(
        'The same by role, before `wait`: { "signal": "spin" }. A thread waits as its least patient role; ' +
          'journal and control park unless named here.',
      )
      .default({}),
    signalWorkers: whole(
      1,
      8,
      'Signal threads in spread mode; strategies are dealt out. Count.',
    ).default(1),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .describe('Least level that is logged.')
      .default('info'),
    sim: simSchema.prefault({}),
    feed: feedSchema.prefault({}),
    execution: executionSchema.prefault({}),
    risk: riskSchema.prefault({}),
    rings: ringsSchema.prefault({}),
    journal: journalSchema.prefault({}),
  })
  .superRefine((config, context) => {
    for (const field of ['tickSlots', 'intentSlots', 'eventSlots'] as const) {
      const slots = config.rings[field];
      if ((slots & (slots - 1)) !== 0)
        context.addIssue({
          code: 'custom',
          path: ['rings', field],
          input: slots,
          message: 'must be a power of two',
        });
      // The two money limits are texts; their bounds are those of the gate.
      for (const field of ['orderNotionalMax', 'positionNotionalMax'] as const) {
        const [min, max] = RISK_BOUNDS[`${field}Mantissa`];
        const mantissa = Number(config.risk[field]) * 10 ** RISK_MONEY_SCALE;
        if (mantissa < min || mantissa > max)
          context.addIssue({
            code: 'custom',
            path: ['risk', field],
            input: config.risk[field],
            message: `must be from ${formatMantissa(min, RISK_MONEY_SCALE)} to ${formatMantissa(max, RISK_MONEY_SCALE)}`,
          });
      }
    }
  });

/** The checked configuration; frozen. */
export type Config = z.infer<typeof schema>;

/** The limits in the units of the risk gate. */
export function riskLimitsOf(config: Config): RiskLimits {
  const { orderNotionalMax, positionNotionalMax, ...rest } = config.risk;
  return {
    ...rest,
    orderNotionalMaxMantissa: parseMantissa(orderNotionalMax, RISK_MONEY_SCALE),
    positionNotionalMaxMantissa: parseMantissa(positionNotionalMax, RISK_MONEY_SCALE),
  };
}

/** One thing that is wrong: which field, what it holds, which rule it breaks. */
export interface ConfigProblem {
  readonly field: string;
  readonly value: unknown;
  readonly rule: string;
}

/** Thrown with all problems at once; ends a command with exit 2. */
export class ConfigError extends TickwireError {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super('CONFIG_INVALID', problems.map((problem) => describeProblem(problem)).join('\n'), {
      problems,
    });
    this.problems = problems;
  }
}

export function describeProblem(problem: ConfigProblem): string {
  const value = problem.value === undefined ? '' : ` = ${JSON.stringify(problem.value)}`;
  return `${problem.field}${value}: ${problem.rule}`;
}

/** Reads the file of `--config`: one JSON object. */
export function readConfigFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TickwireError('CONFIG_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      path,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TickwireError('CONFIG_UNREADABLE', `${path} is not JSON: ${messageOf(error)}`, {
      path,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TickwireError('CONFIG_UNREADABLE', `${path} must hold one JSON object`, { path });
  return value as Record<string, unknown>;
}

/** Lays `over` onto `under`, object by object. */
export function mergeConfig(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isPlainObject(value) && isPlainObject(below) ? mergeConfig(below, value) : value;
  }
  return merged;
}

/** Checks raw settings; throws {@link ConfigError} with these problems and `more`. */
export function parseConfig(
  raw: Readonly<Record<string, unknown>>,
  more: readonly ConfigProblem[] = [],
): Config {
  const result = schema.safeParse(raw);
  const problems = [...more];
  if (!result.success)
    for (const issue of result.error.issues) problems.push(...problemsOf(issue, raw));
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return deepFreeze(result.data);
}

function problemsOf(issue: z.core.$ZodIssue, raw: unknown): ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'),
      value: valueAt(raw, [...path, key]),
      rule: 'there is no such setting',
    }));
  return [{ field: path.join('.'), value: valueAt(raw, path), rule: issue.message }];
}

function valueAt(raw: unknown, path: readonly string[]): unknown {
  let value: unknown = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

/** One row of docs/configuration.md. */
export interface ConfigRow {
  readonly field: string;
  readonly defaultText: string;
  readonly description: string;
}

/** Every setting with its default and its sentence, in the order of the file. */
export function configRows(): readonly ConfigRow[] {
  const rows: ConfigRow[] = [];
  const defaults = schema.parse({});
  collectRows(schema, defaults, [], rows);
  return rows;
}

function collectRows(
  object: z.ZodObject,
  defaults: Readonly<Record<string, unknown>>,
  path: readonly string[],
  rows: ConfigRow[],
): void {
  for (const [key, field] of Object.entries(object.shape)) {
    const at = [...path, key];
    const value = defaults[key];
    const inner = unwrap(field as z.ZodType);
    if (inner instanceof z.ZodObject && isPlainObject(value)) {
      collectRows(inner, value, at, rows);
      continue;
    }
    rows.push({
      field: at.join('.'),
      defaultText: value === undefined ? '' : JSON.stringify(value),
      description: (field as z.ZodType).description ?? inner.description ?? '',
    });
  }
}

function unwrap(type: z.ZodType): z.ZodType {
  let inner: z.ZodType = type;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  )
    inner = inner.unwrap() as z.ZodType;
  return inner;
}
