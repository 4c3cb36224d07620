/**
 * config: every setting of the engine, with default, unit, limits and reason, checked once at start and then frozen.
 *
 * Main thread parses; workers get the result as plain data. Sources, later ones win: the defaults here, the file of
 * `--config`, the command line. All problems are listed at once. docs/configuration.md is made from this file.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TickwireError } from './domain/errors.js';
import { FAIR_DEFAULTS } from './domain/fair-price.js';
import { SCALE_MAX, formatMantissa, parseMantissa } from './domain/fixed-point.js';
import { RISK_MONEY_SCALE, RISK_PROFILES } from './domain/risk.js';
import type { RiskLimits } from './domain/risk.js';
import { SYMBOL_PATTERN } from './domain/instrument.js';
import type { Instrument } from './domain/instrument.js';

/** Of the schema (push.fbs). */
const PUSH_TICK_BYTES = 64;
const DECIMAL_TEXT = /^\d{1,15}(\.\d{1,8})?$/;

const decimal = (description: string): z.ZodString =>
  z
    .string()
    .regex(DECIMAL_TEXT, 'must be a plain decimal of at most 15 and 8 digits, as text')
    .describe(description);

const whole = (min: number, max: number, description: string): z.ZodNumber =>
  z.number().int().min(min).max(max).describe(description);

const names = (description: string): z.ZodArray<z.ZodString> =>
  z.array(z.string().min(1)).min(1).describe(description);

const money = (what: string): z.ZodOptional<z.ZodString> => decimal(what).optional();
const limit = (what: string): z.ZodOptional<z.ZodNumber> =>
  z.number().int().describe(what).optional();

/** Absent limits are those of the profile; bounds and both profiles' figures: domain/risk.ts, docs/risk.md. */
const riskSchema = z.strictObject({
  profile: z
    .enum(['paper', 'live'])
    .describe('Whose limits hold where none is given here (docs/risk.md).')
    .default('paper'),
  haltAction: z
    .enum(['cancel', 'flatten'])
    .describe('What an automatic halt does: cancel what is open, or close positions too.')
    .default('cancel'),
  whitelist: z
    .array(z.string().min(1))
    .describe('Symbols that may be opened; absent: all of the run.')
    .optional(),
  confidencePpmMin: limit('A less sure intent is refused. Parts per million.'),
  orderNotionalMax: money('Largest value of one order. Quote units.'),
  orderEquityBpsMax: limit(
    'Largest share of the equity of one opening order. Hundredths of a per cent.',
  ),
  positionNotionalMax: money(
    'Largest value of a position with everything open on its side. Quote units.',
  ),
  assetExposureMax: money('Largest worst case of an asset. Reporting currency.'),
  venueExposureMax: money('Largest worst case at a venue. Reporting currency.'),
  strategyExposureMax: money('Largest worst case of a strategy. Reporting currency.'),
  portfolioExposureMax: money('Largest worst case in total. Reporting currency.'),
  leverageMaxPercent: limit('Worst case in total as a share of the equity. Per cent.'),
  positionsPerAssetMax: limit('Instruments of an asset with a position or opening order. Count.'),
  positionsMax: limit('The same in total. Count.'),
  priceBandBps: limit('How far a limit price may be through the market. Hundredths of a per cent.'),
  marketSlippageBps: limit(
    'How far a market order may run; it is sent as a limit IOC at that distance. Hundredths of a per cent.',
  ),
  markAgeMaxMs: limit('An older price is no price. ms.'),
  ordersPerSecondMax: limit('Orders in any one second. Count.'),
  openOrdersMax: limit('Orders open at the same time. Count.'),
  tradesPerHourMax: limit('Orders that traded in any hour, over restarts. Count.'),
  tradesPerDayMax: limit('Orders that traded in any 24 hours, over restarts. Count.'),
  dailyLossMax: money('Loss of a UTC day that halts trading. Reporting currency.'),
  drawdownBpsMax: limit(
    'Loss since the highest equity that halts trading. Hundredths of a per cent.',
  ),
});

const waits = (name: string, defaults: number[]): z.ZodDefault<z.ZodArray<z.ZodNumber>> =>
  z
    .array(z.number().int().min(1).max(3_600_000))
    .min(1)
    .max(32)
    .describe(`${name}; the last one repeats. ms.`)
    .default(defaults);

const feedSchema = z
  .strictObject({
    frameBytesMax: whole(
      1_024,
      1_073_741_824,
      'A larger frame is refused and the connection closed; a full BTC-USD snapshot has about 7 MB. Bytes.',
    ).default(64 * 1024 * 1024),
    framesPerSecondMax: whole(
      10,
      10_000_000,
      'More frames within a second close the connection. Count.',
    ).default(200_000),
    frameTimeoutMs: whole(
      1_000,
      600_000,
      'One frame may take that long to arrive (a large snapshot on a slow line). ms.',
    ).default(60_000),
    openTimeoutMs: whole(
      100,
      60_000,
      'A dial without an open socket by then has failed. ms.',
    ).default(10_000),
    idleTimeoutMs: whole(
      500,
      120_000,
      'Nothing heard for that long: the connection is dead. After half of it the other end is pinged. ms.',
    ).default(5_000),
    closeGraceMs: whole(
      0,
      3_000,
      'A socket that is asked to end gets this long for its farewell. ms.',
    ).default(500),
    steadyMs: whole(
      10,
      60_000,
      'A connection has held when all of it was live and fresh for that long: waits start anew. ms.',
    ).default(1_000),
    backoffMs: waits('Waits before each new dial', [100, 200, 400, 800]),
    backoffJitter: z
      .number()
      .min(0)
      .max(0.5)
      .describe('Each of these waits is spread by that share of it; 0: exact. Share.')
      .default(0),
    retriesMax: whole(
      0,
      1_000_000,
      'Dials in a row that may fail before it is given up until a person asks; absent: no limit. Count.',
    ).optional(),
    breakerFailures: whole(
      1,
      1_000,
      'Failures in a row that raise the alert FEED_DOWN and open the circuit breaker. Count.',
    ).default(5),
    breakerSuccesses: whole(
      1,
      100,
      'Times in a row that a probe must hold before the breaker closes. Count.',
    ).default(3),
    breakerOpenMs: waits(
      'How long each opening of the breaker lasts',
      [10_000, 20_000, 40_000, 80_000],
    ),
    ackTimeoutMs: whole(
      100,
      60_000,
      'A subscription without answer or data by then is asked for anew. ms.',
    ).default(3_000),
    silentMs: whole(
      500,
      600_000,
      'A book subscription is silent when its last message is older; quiet markets get more. ms.',
    ).default(15_000),
    renewMs: waits('Waits before each renewal of a subscription', [500, 1_000, 2_000, 3_000]),
    renewalsMax: whole(
      1,
      100,
      'Renewals of a subscription in vain before the connection is made anew. Count.',
    ).default(3),
    sendsPerSecondMax: whole(
      3,
      1_000,
      "Texts and pings to a venue within a second; the venue's own limit counts where it is lower. Per s.",
    ).default(8),
    requestTimeoutMs: whole(
      100,
      60_000,
      'A REST body of a feed (book snapshot) takes at most that long. ms.',
    ).default(5_000),
    requestRetryMs: waits('Waits before asking again for such a body', [500, 1_000, 2_000, 3_000]),
    lateMs: whole(
      0,
      600_000,
      'Market data that comes so much later than usual is of the past (FEED_LATE); 0: however late. ms.',
    ).default(3_000),
    clockJumpMs: whole(
      10,
      600_000,
      'A step of the wall clock against the monotonic one makes every market stale (CLOCK_JUMP). ms.',
    ).default(1_000),
    pauseMaxMs: whole(
      100,
      600_000,
      'So long without a turn, the process stood still: every market is stale (CLOCK_JUMP). ms.',
    ).default(2_000),
  })
  .superRefine((feed, context) => {
    const refuse = (field: keyof typeof feed, message: string): void => {
      context.addIssue({ code: 'custom', path: [field], input: feed[field], message });
    };
    if (feed.silentMs < feed.ackTimeoutMs)
      refuse('silentMs', `must be at least ackTimeoutMs = ${String(feed.ackTimeoutMs)}`);
    if (feed.steadyMs > feed.silentMs)
      refuse('steadyMs', `must not be longer than silentMs = ${String(feed.silentMs)}`);
    for (const field of ['backoffMs', 'breakerOpenMs', 'renewMs', 'requestRetryMs'] as const) {
      const list = feed[field];
      if (list.some((wait, place) => wait < (list[place - 1] ?? 0)))
        refuse(field, 'must not become shorter');
    }
  });

const fairSchema = z
  .strictObject({
    ageMaxMs: whole(
      100,
      600_000,
      'A book that has not changed for longer takes no part in the fair price; a fifth of that halves its weight. ms.',
    ).default(FAIR_DEFAULTS.ageMaxMs),
    rateAgeMaxMs: whole(
      100,
      3_600_000,
      'The same for currencies that others are quoted in (USDT, USDC): their books are quiet. ms.',
    ).default(FAIR_DEFAULTS.rateAgeMaxMs),
    spreadMaxBps: whole(1, 5_000, 'A wider spread is no price. Hundredths of a per cent.').default(
      FAIR_DEFAULTS.spreadMaxBps,
    ),
    spreadHalfBps: whole(
      1,
      1_000,
      'A spread of that size halves the weight. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.spreadHalfBps),
    depthBps: whole(
      0,
      1_000,
      'Sizes up to that far from the best price count as depth. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.depthBps),
    depthHalfUsd: whole(
      1,
      1_000_000_000,
      'That depth on the smaller side gives 60 % of the full weight; none gives 20 %. USD.',
    ).default(FAIR_DEFAULTS.depthHalfUsd),
    perpetualPercent: whole(
      1,
      100,
      'Weight of a perpetual, whose price may stand off the coin by its funding; spot has 100. Per cent.',
    ).default(FAIR_DEFAULTS.perpetualPercent),
    outlierMinBps: whole(
      1,
      5_000,
      'A source that near to the centre is no outlier. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.outlierMinBps),
    outlierMads: whole(
      1,
      100,
      'A source further from the centre than that many times the median distance is one. Times.',
    ).default(FAIR_DEFAULTS.outlierMads),
    outlierMaxBps: whole(
      1,
      5_000,
      'A source that far from the centre is one in any case. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.outlierMaxBps),
    kneeBps: whole(
      0,
      100,
      'Sources that near to the price are averaged, others only counted; 0: the weighted median. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.kneeBps),
    agreeHalfBps: whole(
      1,
      1_000,
      'Sources that far apart on average halve the confidence. Hundredths of a per cent.',
    ).default(FAIR_DEFAULTS.agreeHalfBps),
    intervalMinMs: whole(1, 1_000, 'A fair price is computed at most that often. ms.').default(
      FAIR_DEFAULTS.intervalMinMs,
    ),
    intervalMaxMs: whole(10, 10_000, 'And at least that often. ms.').default(
      FAIR_DEFAULTS.intervalMaxMs,
    ),
  })
  .superRefine((fair, context) => {
    for (const [low, high] of [
      ['outlierMinBps', 'outlierMaxBps'],
      ['intervalMinMs', 'intervalMaxMs'],
    ] as const)
      if (fair[low] > fair[high])
        context.addIssue({
          code: 'custom',
          path: [low],
          input: fair[low],
          message: `must not be above ${high}`,
        });
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
  before: z
    .enum(['nothing', 'send'])
    .describe(
      'send: an order leaves when its record is on disk; nothing: at once, a crash is healed by reconciliation.',
    )
    .default('nothing'),
  batchRecordsMax: whole(1, 16_384, 'Records of one transaction at most. Count.').default(512),
  batchMs: whole(0, 1_000, 'A record waits at most that long for its transaction. ms.').default(5),
});

const recorderSchema = z.strictObject({
  dir: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Directory in which each run records its ticks (docs/recordings.md), as run-NNNNNN; absent: nothing is recorded.',
    ),
  segmentMb: whole(1, 1_024, 'A segment is ended before it is larger. MB.').default(64),
  segmentMinutes: whole(1, 10_080, 'And when it spans that long. min.').default(60),
  flushMs: whole(10, 60_000, 'What is recorded is in the file after that long. ms.').default(1_000),
  fsync: z
    .enum(['none', 'segment', 'block'])
    .describe('What is known to be on disk: nothing, finished segments, every block.')
    .default('segment'),
});

const scale = (description: string): z.ZodNumber => whole(0, SCALE_MAX, description);

const pushSchema = z
  .strictObject({
    port: whole(
      0,
      65_535,
      'Port of the push listener on the address of `host` (docs/push-format.md); 0: any free one; absent: there is none.',
    ).optional(),
    publishersMax: whole(1, 256, 'Connections at the same time. Count.').default(16),
    messageBytesMax: whole(
      4_096,
      16_777_216,
      'A longer message ends its connection. Bytes.',
    ).default(1_048_576),
    batchTicksMax: whole(1, 65_536, 'A longer batch ends its connection. Count.').default(4_096),
    creditBatches: whole(1, 4_096, 'Batches that a publisher may have under way. Count.').default(
      64,
    ),
    batchesPerSecond: whole(
      1,
      1_000_000,
      'A publisher that is faster gets no new credit until it is within the rate. Per s.',
    ).default(10_000),
    ticksPerSecond: whole(1, 100_000_000, 'The same in ticks. Per s.').default(2_000_000),
    bytesPerSecond: whole(1_024, 10_000_000_000, 'The same in bytes. Per s.').default(200_000_000),
    helloTimeoutMs: whole(100, 60_000, 'No hello by then: the connection is ended. ms.').default(
      2_000,
    ),
    silenceMs: whole(
      100,
      600_000,
      'A publisher that sends no batch for that long, not even an empty one: its instruments are stale. ms.',
    ).default(5_000),
    aheadMaxMs: whole(
      0,
      3_600_000,
      "A venue time further ahead of this machine's clock is refused. ms.",
    ).default(10_000),
    ageMaxMs: whole(1_000, 864_000_000, 'One further behind it is refused. ms.').default(
      86_400_000,
    ),
    instruments: z
      .array(
        z.strictObject({
          venue: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be a venue id: a-z, 0-9 and -'),
          symbol: z.string().regex(/^[A-Z0-9]{1,16}-[A-Z0-9]{1,16}$/, 'must look like BASE-QUOTE'),
          kind: z.enum(['spot', 'perpetual']).default('spot'),
          priceScale: scale('Decimals of a price. Count.'),
          sizeScale: scale('Decimals of a size. Count.'),
        }),
      )
      .max(1_024)
      .describe(
        'Instruments that may be pushed and that no venue of the run feeds: ' +
          '{ "venue": "otc", "symbol": "BTC-USD", "kind": "spot", "priceScale": 2, "sizeScale": 8 }.',
      )
      .default([]),
  })
  .superRefine((push, context) => {
    if (push.batchTicksMax * PUSH_TICK_BYTES > push.messageBytesMax)
      context.addIssue({
        code: 'custom',
        path: ['batchTicksMax'],
        input: push.batchTicksMax,
        message: `must fit messageBytesMax at ${String(PUSH_TICK_BYTES)} bytes a tick`,
      });
    const names = push.instruments.map(({ venue, symbol }) => `${venue}:${symbol}`);
    for (const [index, name] of names.entries())
      if (names.indexOf(name) !== index)
        context.addIssue({
          code: 'custom',
          path: ['instruments', index],
          input: name,
          message: 'is there twice',
        });
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
    symbols: z
      .array(
        z.string().regex(SYMBOL_PATTERN, 'must look like BASE-QUOTE or venue:BASE-QUOTE (BTC-USD)'),
      )
      .min(1)
      .describe(
        'Instruments: BASE-QUOTE (at each venue that instrument, or else the same base in the nearest of USD, USDC, USDT) ' +
          'or venue:BASE-QUOTE (exactly that one).',
      )
      .default(['BTC-USD']),
    stablePairs: z
      .enum(['auto', 'none'])
      .describe(
        'auto: when something is quoted in USDT or USDC, their pairs against USD and each other are fed too, to price ' +
          'them; strategies do not see those.',
      )
      .default('auto'),
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
    fair: fairSchema.prefault({}),
    execution: executionSchema.prefault({}),
    risk: riskSchema.prefault({}),
    rings: ringsSchema.prefault({}),
    journal: journalSchema.prefault({}),
    push: pushSchema.prefault({}),
    recorder: recorderSchema.prefault({}),
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
    }
    const { bounds } = RISK_PROFILES[config.risk.profile];
    // A text that is no decimal is told by its own rule.
    if (!moneyTexts(config.risk).every(([, text]) => DECIMAL_TEXT.test(text))) return;
    const limits = riskLimitsOf(config);
    for (const [name, [min, max]] of Object.entries(bounds)) {
      const value = limits[name as keyof RiskLimits];
      if (value >= min && value <= max) continue;
      const isMoney = name.endsWith(MONEY_SUFFIX);
      const text = (mantissa: number): string =>
        isMoney ? formatMantissa(mantissa, RISK_MONEY_SCALE) : String(mantissa);
      context.addIssue({
        code: 'custom',
        path: ['risk', isMoney ? name.slice(0, -MONEY_SUFFIX.length) : name],
        input: value,
        message: `must be from ${text(min)} to ${text(max)} in the ${config.risk.profile} profile`,
      });
    }
  });

/** The checked configuration; frozen. */
export type Config = z.infer<typeof schema>;

const MONEY_SUFFIX = 'Mantissa';

/** The limits that are money, as the configuration writes them. */
function moneyTexts(risk: z.infer<typeof riskSchema>): (readonly [string, string])[] {
  const { profile: _, haltAction: __, ...limits } = risk;
  return Object.entries(limits).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
}

/** The limits in the units of the risk gate: what the configuration says, and the profile for the rest. */
export function riskLimitsOf(config: { readonly risk: z.infer<typeof riskSchema> }): RiskLimits {
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(config.risk)) {
    if (typeof value === 'number') given[name] = value;
  }
  for (const [name, text] of moneyTexts(config.risk)) {
    // What has no exact mantissa is above every bound too, which is what its writer is told.
    const isExact = Number(text) * 10 ** RISK_MONEY_SCALE <= Number.MAX_SAFE_INTEGER;
    given[`${name}${MONEY_SUFFIX}`] = isExact ? parseMantissa(text, RISK_MONEY_SCALE) : Infinity;
  }
  return { ...RISK_PROFILES[config.risk.profile].limits, ...given };
}

/** The instruments of section `push`, with indexes from `indexFirst`. Nobody trades them: they are prices. */
export function pushedInstruments(config: Config, indexFirst: number): readonly Instrument[] {
  return config.push.instruments.map((one, place) => {
    const [base = '', quote = ''] = one.symbol.split('-');
    return {
      ...one,
      index: indexFirst + place,
      venueSymbol: one.symbol,
      base,
      quote,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 1,
      sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
      notionalMinMantissa: 0,
      isTradable: false,
    };
  });
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
