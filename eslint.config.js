/**
 * Lint: TypeScript at its strictest. Three parts: what every file obeys, what the deterministic core obeys on top
 * (no time, no chance, no I/O), and where a rule is loosened, each with its reason.
 */
import { readFileSync } from 'node:fs';
import tseslint from 'typescript-eslint';

const deterministic = JSON.parse(
  readFileSync(new URL('./test/deterministic.json', import.meta.url), 'utf8'),
);

/** Globals by which time, chance and the outside world would enter the deterministic core. */
const DOORS = [
  ['Date', 'time is an argument (nowNs)'],
  ['performance', 'time is an argument (nowNs)'],
  ['process', 'the core has no environment'],
  ['setTimeout', 'a timer is data: runtime/deadlines.ts'],
  ['setInterval', 'a timer is data: runtime/deadlines.ts'],
  ['setImmediate', 'the core is called, it does not schedule'],
  ['queueMicrotask', 'the core is called, it does not schedule'],
  ['crypto', 'chance is an argument (ports/random.ts)'],
  ['fetch', 'no I/O in the core'],
  ['WebSocket', 'no I/O in the core'],
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'src/generated/', 'test/**/fixtures/'] },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
      'no-empty': 'error',
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      'no-debugger': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A number or a boolean in a message says what it says; objects stay forbidden.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => socket.close()` is a sentence; naming the void would only add noise.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `while (true)` with a return inside is the honest shape of a scanner.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A parameter that a port demands and this twin does not need is named _reason.
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          caughtErrors: 'all',
        },
      ],
      // tap waits for its own subtests.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafePromises: [
            { from: 'package', name: 'PromiseWithSubtest', package: '@tapjs/core' },
          ],
        },
      ],
      // Ports are interfaces with methods; a bound callback is made where it is handed over.
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // People read stdout and stderr through commands/ and pino; a stray print would break --json.
      'no-console': 'error',
    },
  },
  {
    files: deterministic.files,
    rules: {
      'no-restricted-globals': [
        'error',
        ...DOORS.map(([name, why]) => ({ name, message: `Deterministic file: ${why}.` })),
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'Math',
          property: 'random',
          message: 'Deterministic file: chance is an argument.',
        },
        { object: 'globalThis', property: 'Date', message: 'Deterministic file.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^node:',
              message: 'Deterministic file: no node modules (test/deterministic.json).',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Tests look into JSON answers of the program; what is not there fails the test.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // tap's subtests are async by habit, so that adding an await later changes one line.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Scripts and the dashboard page are JavaScript without types.
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
  },
);
