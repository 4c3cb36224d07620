/**
 * The import table and the words that stay in their rooms (docs/architecture.md). Every violation is reported at once.
 * The rules are functions over files, so that the last test can show each of them failing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  ROOT,
  codeLines,
  globMatches,
  importsOf,
  sourceFile,
  sourcesUnder,
  type SourceFile,
} from './sources.js';

const THREADS = ['ingest', 'signal', 'execution', 'journal', 'control'];

/** Room → the rooms it may import besides itself. What is missing here is forbidden. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  generated: [],
  memory: ['domain'],
  ports: ['domain'],
  runtime: ['domain', 'memory', 'ports'],
  venues: ['domain', 'generated', 'ports'],
  keys: ['domain', 'ports'],
  ingest: ['domain', 'memory', 'generated', 'ports', 'runtime', 'venues'],
  signal: ['domain', 'memory', 'generated', 'runtime'],
  execution: ['domain', 'memory', 'generated', 'ports', 'runtime', 'venues'],
  journal: ['domain', 'memory', 'generated', 'ports', 'runtime'],
  control: ['domain', 'memory', 'generated', 'ports', 'runtime'],
  'config.ts': ['domain', 'ports', 'runtime', 'venues', 'signal'],
  'engine.ts': [
    ...THREADS,
    ...['venues', 'runtime', 'memory', 'ports', 'domain', 'generated', 'config.ts'],
  ],
  'thread.ts': [
    ...['engine.ts', 'config.ts', 'keys', 'runtime', 'journal', 'domain', 'ports', 'memory'],
    ...['generated', 'venues', 'signal'],
  ],
  'recovery.ts': ['engine.ts', 'config.ts', 'domain', 'execution', 'journal'],
  'supervisor.ts': [
    ...['engine.ts', 'thread.ts', 'config.ts', 'runtime', 'memory', 'ports', 'domain', 'generated'],
  ],
  sim: [
    ...['domain', 'generated', 'memory', 'ports', 'runtime', 'venues', 'keys', ...THREADS],
    ...['engine.ts', 'config.ts'],
  ],
  commands: [
    ...['domain', 'generated', 'memory', 'ports', 'runtime', 'venues', 'keys', ...THREADS],
    ...['sim', 'engine.ts', 'config.ts', 'thread.ts', 'supervisor.ts', 'recovery.ts'],
  ],
  'main.ts': ['commands', 'domain', 'config.ts'],
};

/** Imports of types alone that the table would forbid: from room → to room, with the reason. */
const TYPES_ALSO: Readonly<Record<string, readonly string[]>> = {
  // Sections of the configuration are declared beside their consumer.
  'config.ts': [...THREADS, 'keys', 'sim', 'memory'],
};

/** Files of commands/ that all commands share. `run-summary.ts` is a part of `run.ts`, by its name. */
const COMMAND_PARTS = ['src/commands/command-line.ts', 'src/commands/end-with-error.ts'];

/** Packages and node modules: who may import them. Not listed: nobody. */
const PACKAGES: readonly (readonly [RegExp, readonly string[], string])[] = [
  [
    /^flatbuffers$/,
    [
      ...['src/generated/*.ts', 'src/ingest/push-messages.ts', 'src/commands/load-messages.ts'],
      'src/journal/recording-format.ts',
    ],
    'the schema runtime',
  ],
  [/^ws$/, ['src/runtime/ws-network.ts'], 'the network port has one real twin'],
  [/^better-sqlite3$/, ['src/runtime/sqlite.ts'], 'native objects of it must be kept (see there)'],
  [
    /^uWebSockets\.js$/,
    [
      ...['src/control/*.ts', 'src/sim/venue-server.ts', 'src/ingest/push-listener.ts'],
      ...['src/commands/doctor.ts', 'src/runtime/listen.ts'],
    ],
    'a server for three places',
  ],
  [/^prom-client$/, ['src/control/prometheus.ts'], 'the exposition format'],
  [/^pino(-pretty)?$/, ['src/runtime/*.ts', 'src/commands/*.ts', 'src/main.ts'], 'logs'],
  [/^piscina$/, ['src/supervisor.ts', 'src/commands/*.ts'], 'worker pool'],
  [/^zod$/, ['src/config.ts'], 'configuration is parsed once, at the edge'],
  [/^commander$/, ['src/main.ts', ...COMMAND_PARTS], 'the command line is parsed once'],
  [/^node-hid$/, ['src/keys/*.ts', 'src/commands/doctor.ts'], 'hardware wallets'],
  [/^@cosmjs\//, ['src/venues/dydx/*.ts', 'src/keys/*.ts'], 'dYdX transactions'],
  [
    /^node:(net|tls|http|https|http2|dgram|dns)$/,
    ['src/runtime/http-client.ts', 'src/runtime/listen.ts', 'src/commands/*.ts'],
    'sockets are opened behind the network port (and by commands that look at the machine)',
  ],
  [
    /^node:child_process$/,
    ['src/commands/*.ts', 'src/keys/*.ts', 'src/sim/embedded-venue.ts'],
    'the engine starts no programs',
  ],
  [
    /^node:worker_threads$/,
    [
      ...['src/supervisor.ts', 'src/thread.ts', 'src/runtime/*.ts', 'src/commands/*.ts'],
      ...['src/main.ts', 'src/memory/*.ts', 'src/sim/*.ts'],
    ],
    'threads are started by the supervisor',
  ],
  [/^node:/, ['src/**/*.ts'], 'free outside domain, memory, ports and the deterministic core'],
];

/** Rooms that know nothing of the machine they run on. */
const NODE_FREE = ['domain', 'generated', 'ports', 'venues'];
/** What a node-free room may still take: pure arithmetic on bytes. */
const NODE_FREE_EXCEPT: Readonly<Record<string, readonly string[]>> = {
  'src/venues/*/auth.ts': ['node:crypto'],
  // Hands the hash to the gateways, which stay deterministic.
  'src/venues/registry.ts': ['node:crypto'],
};

/** A word, the files it may occur in, and why it may not occur elsewhere in src. */
const WORDS: readonly (readonly [RegExp, readonly string[], string])[] = [
  [/\bproduct_id\b/, ['src/venues/coinbase/*.ts'], 'venue words stop at the venue’s door'],
  [
    /\.reveal\(/,
    ['src/keys/*.ts', 'src/venues/*/auth.ts'],
    'secrets are revealed where they are used to sign, nowhere else',
  ],
  [
    /\bset(?:Timeout|Interval)\(/,
    [
      'src/runtime/*.ts',
      // Not threads of the engine: people wait here, and the simulated venue has a world of its own.
      'src/commands/*.ts',
      'src/sim/venue-server.ts',
      'src/sim/embedded-venue.ts',
      // The main thread has no duty cycle; it waits for threads to end.
      'src/supervisor.ts',
    ],
    'a timer is data (runtime/deadlines.ts)',
  ],
  [
    /\b(?:Date\.now\(|new Date\(\)|process\.hrtime|performance\.now\()/,
    [
      'src/runtime/system-clock.ts',
      // A bench of the duty cycle and the thread's offset to the main clock need the raw clock.
      'src/runtime/*.ts',
      'src/thread.ts',
      'src/commands/*.ts',
      'src/sim/venue-server.ts',
      'src/supervisor.ts',
    ],
    'time is an argument (ports/clock.ts)',
  ],
  [/\bMath\.random\b/, [], 'chance is an argument (ports/random.ts)'],
  [/\bAtomics\.wait\(/, ['src/memory/wake.ts'], 'one place decides how a thread waits'],
  [
    /\bprocess\.env\b/,
    ['src/keys/env-source.ts', 'src/config.ts', 'src/commands/*.ts', 'src/main.ts'],
    'configuration is an argument',
  ],
  [
    /\bprocess\.exit\(/,
    ['src/main.ts', 'src/thread.ts', 'src/commands/*.ts', 'src/runtime/*.ts'],
    'only the outermost caller ends the process',
  ],
];

const deterministic = (
  JSON.parse(readFileSync(join(ROOT, 'test/deterministic.json'), 'utf8')) as { files: string[] }
).files;

/** Facts and types that a deterministic file may take as values. */
const PLAIN_FACTS = [
  'src/venues/venue.ts',
  'src/venues/*/endpoints.ts',
  'src/venues/*/instruments.ts',
  'src/signal/strategy.ts',
];

const matchesAny = (globs: readonly string[], path: string): boolean =>
  globs.some((glob) => globMatches(glob, path));
const isDeterministic = (path: string): boolean => matchesAny(deterministic, path);

/** src/venues/coinbase/auth.ts → venues; src/engine.ts → engine.ts. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? path;
}

/** src/venues/coinbase/auth.ts → coinbase; src/venues/venue.ts → null. */
function venueOf(path: string): string | null {
  const parts = path.split('/');
  return parts[1] === 'venues' && parts.length > 3 ? (parts[2] ?? null) : null;
}

function importViolations(files: readonly SourceFile[]): readonly string[] {
  const violations: string[] = [];
  for (const file of files) {
    const room = roomOf(file.path);
    const allowed = ALLOWED[room];
    if (allowed === undefined) {
      violations.push(`${file.path}: no such room in the import table: ${room}`);
      continue;
    }
    for (const { specifier, target, isTypeOnly, isUrl } of importsOf(file)) {
      // The program may start itself as a child process.
      if (isUrl && target === 'src/main.ts') continue;
      const say = (why: string): void => {
        violations.push(`${file.path} may not import ${specifier}: ${why}`);
      };
      if (target === null) {
        packageViolation(file.path, room, specifier, say);
        continue;
      }
      const targetRoom = roomOf(target);
      if (!target.startsWith('src/')) {
        say('outside src');
      } else if (targetRoom !== room) {
        const isTypeAllowed = isTypeOnly && (TYPES_ALSO[room]?.includes(targetRoom) ?? false);
        if (!allowed.includes(targetRoom) && !isTypeAllowed) {
          say(`${room} may import ${allowed.join(', ') || 'nothing'}`);
        }
        if (room === 'memory' && target !== 'src/domain/assert.ts') {
          say('memory knows no trading, it may import domain/assert');
        }
        if (room === 'thread.ts' && targetRoom === 'journal' && !target.includes('sqlite-store')) {
          say('of the journal, thread.ts builds the store');
        }
        if (room === 'ports' && !isTypeOnly) say('ports are types');
      } else if (room === 'commands') {
        const isPart = target.startsWith(file.path.replace(/\.ts$/, '-'));
        if (!isPart && !COMMAND_PARTS.includes(target)) say('one command does not import another');
      } else if (venueOf(file.path) !== null && venueOf(target) !== null) {
        if (venueOf(file.path) !== venueOf(target)) say('another venue');
      }
      if (isDeterministic(file.path) && !isTypeOnly) {
        const isCore =
          ['domain', 'generated'].includes(targetRoom) ||
          isDeterministic(target) ||
          matchesAny(PLAIN_FACTS, target);
        if (!isCore) say('a deterministic file imports domain, generated and its like');
      }
    }
  }
  return violations;
}

function packageViolation(
  path: string,
  room: string,
  specifier: string,
  say: (why: string) => void,
): void {
  const rule = PACKAGES.find(([pattern]) => pattern.test(specifier));
  if (rule === undefined) return say('not a known dependency (docs/dependencies.md)');
  if (!matchesAny(rule[1], path)) return say(`${rule[2]}: ${rule[1].join(', ')}`);
  if (!specifier.startsWith('node:')) return;
  const excepted = Object.entries(NODE_FREE_EXCEPT).some(
    ([glob, modules]) => globMatches(glob, path) && modules.includes(specifier),
  );
  if (NODE_FREE.includes(room) && !excepted) say(`${room} knows nothing of the machine`);
  else if (isDeterministic(path)) say('a deterministic file has no doors');
}

function wordViolations(files: readonly SourceFile[]): readonly string[] {
  const violations: string[] = [];
  for (const file of files) {
    if (roomOf(file.path) === 'generated') continue;
    const rules = WORDS.filter(([, globs]) => !matchesAny(globs, file.path));
    codeLines(file).forEach((line, lineIndex) => {
      for (const [pattern, globs, why] of rules) {
        const match = pattern.exec(line);
        if (match === null) continue;
        const where = globs.length === 0 ? 'nowhere' : `only in ${globs.join(', ')}`;
        violations.push(`${file.path}:${lineIndex + 1}: "${match[0]}" ${where}: ${why}`);
      }
    });
  }
  return violations;
}

t.test('every room imports only what the table allows', async (t) => {
  const violations = importViolations(sourcesUnder('src'));
  t.same(violations, [], `${violations.length} violations`);
});

t.test('words stay in their rooms', async (t) => {
  const violations = wordViolations(sourcesUnder('src'));
  t.same(violations, [], `${violations.length} violations`);
});

t.test('tests and benches reach the product through its package name only', async (t) => {
  const violations = [...sourcesUnder('test'), ...sourcesUnder('bench')].flatMap((file) =>
    importsOf(file)
      .filter(
        ({ specifier, target }) =>
          target?.startsWith('src/') === true && !specifier.startsWith('#src/'),
      )
      .map(({ specifier }) => `${file.path}: ${specifier}`),
  );
  t.same(violations, [], `${violations.length} violations`);
});

t.test('each rule can fail', async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['src/domain/a.ts', "import { x } from '../memory/ring.js';", /domain may import nothing/],
    ['src/domain/a.ts', "import { x } from 'node:fs';", /knows nothing of the machine/],
    ['src/memory/a.ts', "import { x } from '../domain/order.js';", /memory knows no trading/],
    ['src/ports/a.ts', "import { x } from '../domain/order.js';", /ports are types/],
    ['src/signal/a.ts', "import type { X } from '../ports/clock.js';", /signal may import/],
    ['src/control/a.ts', "export * from '../venues/venue.js';", /control may import/],
    ['src/ingest/a.ts', "await import('../execution/b.js');", /ingest may import/],
    [
      'src/execution/a.ts',
      "new Worker(new URL('../thread.js', import.meta.url));",
      /execution may import/,
    ],
    ['src/venues/kraken/a.ts', "import { x } from '../coinbase/auth.js';", /another venue/],
    ['src/commands/a.ts', "import { x } from './run.js';", /one command/],
    ['src/thread.ts', "import { x } from './sim/exchange.js';", /thread.ts may import/],
    ['src/thread.ts', "import { x } from './journal/journal-agent.js';", /builds the store/],
    ['src/keys/a.ts', "import ws from 'ws';", /one real twin/],
    ['src/keys/a.ts', "import _ from 'lodash';", /not a known dependency/],
    [
      'src/execution/execution-core.ts',
      "import { x } from '../runtime/system-clock.js';",
      /deterministic file/,
    ],
    ['src/venues/coinbase/simulator.ts', "import x from 'node:crypto';", /knows nothing/],
    ['src/attic/a.ts', '', /no such room/],
  ];
  for (const [path, text, expected] of cases) {
    t.match(importViolations([sourceFile(path, text)]).join('\n'), expected, `${path}: ${text}`);
  }
  const words: readonly (readonly [string, string])[] = [
    ['src/signal/a.ts', 'const a = order.product_id;'],
    ['src/control/a.ts', 'secret.reveal();'],
    ['src/ingest/a.ts', 'setTimeout(() => undefined, 5);'],
    ['src/execution/a.ts', 'const now = Date.now();'],
    ['src/sim/a.ts', 'const roll = Math.random();'],
    ['src/control/a.ts', 'process.exit(1);'],
  ];
  for (const [path, text] of words) {
    t.equal(wordViolations([sourceFile(path, text)]).length, 1, `${path}: ${text}`);
  }
  t.same(wordViolations([sourceFile('src/signal/a.ts', '// Coinbase says product_id.')]), []);
  t.same(
    importViolations([
      sourceFile('src/ingest/a.ts', "import { Book } from '../domain/book.js';"),
      sourceFile('src/config.ts', "import type { RiskLimits } from './execution/risk-gate.js';"),
    ]),
    [],
  );
});
