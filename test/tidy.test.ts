/**
 * What compilers and linters do not know about this house: headers, orphans, words, the hot path. Every violation is
 * reported at once; the last test shows each rule failing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import {
  ROOT,
  filesUnder,
  importsOf,
  lineOf,
  sourceFile,
  sourcesUnder,
  walk,
  type SourceFile,
} from './sources.js';

/** Prettier keeps code within 100 columns; a comment or a string may reach a little further. */
const LINE_COLUMNS_MAX = 125;
const HEADER_CHARACTERS_MIN = 40;

/** Files that nobody imports because a person, a thread or a pool starts them. */
const ENTRIES = [
  'src/main.ts',
  'src/thread.ts',
  // A door that only the seeded world opens.
  'src/ports/random.ts',
  // The seeded world: started by test/sim (make sim).
  'src/sim/world.ts',
];

/** Names that say nothing. */
const EMPTY_NAMES = /^(utils?|helpers?|common|manager|misc|shared|tools?)$/;

/** Words nobody may leave behind. Written in pieces, because this file is looked at too. */
const LEFTOVERS = new RegExp(`\\b(${['FIX' + 'ME', 'TO' + 'DO', 'HA' + 'CK'].join('|')})\\b`);

/** Addresses of the workshop: nothing in the repository depends on the machine it was written on. */
const WORKSHOP = new RegExp(
  [
    ['/wo', 'rk/'],
    ['/tmp/', 'tw\\b'],
    ['registry\\.np', 'mjs'],
  ]
    .map((parts) => parts.join(''))
    .join('|'),
);

/** The rules that read one file. */
function violationsOf(file: SourceFile): readonly string[] {
  const violations: string[] = [];
  const say = (line: number, what: string): void => {
    violations.push(`${file.path}:${line}: ${what}`);
  };
  const isSource = file.path.startsWith('src/');
  if (!file.path.includes('/generated/')) {
    const header = /^(?:#!.*\n)?\/\*\*(.*?)\*\//s.exec(file.text)?.[1] ?? '';
    if ((isSource || file.path.startsWith('bench/')) && header.length < HEADER_CHARACTERS_MIN) {
      say(
        1,
        'no header: a file begins with /** what it is, which thread, who writes, who reads */',
      );
    }
    file.text.split('\n').forEach((text, lineIndex) => {
      if (text.length > LINE_COLUMNS_MAX) say(lineIndex + 1, `${text.length} columns`);
      if (LEFTOVERS.test(text)) say(lineIndex + 1, `left behind: ${text.trim()}`);
      if (/@ts-(ignore|nocheck|expect-error)/.test(text) && isSource) {
        say(lineIndex + 1, 'the compiler is told to look away');
      }
      if (/^\s*(\/\/|\/\*) eslint-disable/.test(text) && !text.includes(' -- ')) {
        say(lineIndex + 1, 'eslint-disable without its reason (-- why)');
      }
    });
    const name = (file.path.split('/').at(-1) ?? '').replace(
      /(\.(test|prop|stress|sim|live|bench))?\.ts$/,
      '',
    );
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) say(1, 'file names are kebab-case');
    if (EMPTY_NAMES.test(name)) say(1, `"${name}" says nothing about what is inside`);
    walk(file.ast, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) say(lineOf(file, node), 'any');
      if (isSource && ts.isCatchClause(node) && node.block.statements.length === 0) {
        say(lineOf(file, node), 'empty catch: what is ignored is counted, or said otherwise');
      }
      if (isSource && ts.isNonNullExpression(node)) say(lineOf(file, node), 'non-null "!"');
    });
    if (isSource && header.includes('@hotpath')) hotPathViolations(file, say);
  }
  return violations;
}

/**
 * In a `@hotpath` file: no BigInt literal, no async, no spread. Let through is what does not run per event: fields and
 * constants made at start, constructors, and the exact slow path, which shows itself by a `bigint` in its signature or
 * by the word cold, slow or start in its comment.
 */
function hotPathViolations(file: SourceFile, say: (line: number, what: string) => void): void {
  const isOffPath = (node: ts.Node): boolean => {
    if (ts.isTypeNode(node) || ts.isConstructorDeclaration(node)) return true;
    if (ts.isPropertyDeclaration(node)) return true;
    if (ts.isVariableStatement(node)) return node.parent === file.ast;
    if (!ts.isFunctionLike(node)) return false;
    const types = [...node.parameters.map((parameter) => parameter.type), node.type];
    if (types.some((type) => type !== undefined && /\bbigint\b/.test(type.getText(file.ast)))) {
      return true;
    }
    const comment = ts.getLeadingCommentRanges(file.text, node.getFullStart())?.at(-1);
    if (comment === undefined) return false;
    const text = file.text.slice(comment.pos, comment.end);
    return /\b(cold|slow|start)\b/i.test(text) && !text.includes('@hotpath');
  };
  const visit = (node: ts.Node): void => {
    if (isOffPath(node)) return;
    if (ts.isBigIntLiteral(node)) say(lineOf(file, node), 'hot path: BigInt');
    if (node.kind === ts.SyntaxKind.AsyncKeyword) say(lineOf(file, node), 'hot path: async');
    if (ts.isAwaitExpression(node)) say(lineOf(file, node), 'hot path: await');
    if (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) {
      say(lineOf(file, node), 'hot path: spread');
    }
    ts.forEachChild(node, visit);
  };
  visit(file.ast);
}

/** Files of src that nothing in src imports and nobody starts. */
function orphans(files: readonly SourceFile[]): readonly string[] {
  const imported = new Set(files.flatMap((file) => importsOf(file).map(({ target }) => target)));
  return files
    .map(({ path }) => path)
    .filter((path) => !imported.has(path) && !ENTRIES.includes(path))
    .filter((path) => !path.startsWith('src/generated/'));
}

t.test('every file has its header, full names and nothing left behind', async (t) => {
  const violations = [
    ...sourcesUnder('src'),
    ...sourcesUnder('test'),
    ...sourcesUnder('bench'),
  ].flatMap(violationsOf);
  t.same(violations, [], `${violations.length} violations`);
});

t.test('every source file is used by the program', async (t) => {
  const violations = orphans(sourcesUnder('src'));
  t.same(violations, [], `${violations.length} violations`);
});

t.test('nothing depends on the machine it was written on', async (t) => {
  const paths = [
    ...['src', 'test', 'bench', 'schemas', 'docs', '.ci'].flatMap((folder) =>
      filesUnder(folder, ''),
    ),
    ...['Makefile', 'package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md', '.npmrc'],
  ].filter((path) => !/\.(png|gz|bin|br|sqlite)$/.test(path));
  const violations = paths.flatMap((path) =>
    readFileSync(join(ROOT, path), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const match = WORKSHOP.exec(line);
        return match === null ? [] : [`${path}:${index + 1}: ${match[0]}`];
      }),
  );
  t.same(violations, [], `${violations.length} violations`);
});

t.test('each rule can fail', async (t) => {
  const header = '/** thing: what it is, which thread runs it, and the invariant. */\n';
  const hot = '/**\n * thing: what it is, which thread runs it, the invariant.\n * @hotpath\n */\n';
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['src/domain/a.ts', 'export const a = 1;', /no header/],
    ['src/domain/a.ts', `${header}// ${'TO' + 'DO'}: later`, /left behind/],
    ['src/domain/a.ts', `${header}try { f(); } catch {}`, /empty catch/],
    ['src/domain/a.ts', `${header}const a = b as any;`, /any/],
    ['test/a.test.ts', `const a: any = 1;`, /any/],
    ['src/domain/a.ts', `${header}const a = b!;`, /non-null/],
    ['src/domain/a.ts', `${header}${'x'.repeat(126)}`, /126 columns/],
    ['src/domain/aB.ts', header, /kebab-case/],
    ['src/domain/utils.ts', header, /says nothing/],
    ['src/domain/a.ts', `${header}// eslint-disable-next-line eqeqeq`, /without its reason/],
    ['src/memory/a.ts', `${hot}function f() { return g(0n); }`, /BigInt/],
    ['src/memory/a.ts', `${hot}async function f(): Promise<void> {}`, /async/],
    ['src/memory/a.ts', `${hot}function f() { return [...b]; }`, /spread/],
  ];
  for (const [path, text, expected] of cases) {
    t.match(violationsOf(sourceFile(path, text)).join('\n'), expected, text);
  }
  t.same(violationsOf(sourceFile('src/domain/a.ts', `${header}export const a = 1;`)), []);
  t.same(
    violationsOf(
      sourceFile('src/memory/a.ts', `${hot}/** Cold: exact. */\nfunction f() { return 0n; }`),
    ),
    [],
  );
  t.same(orphans([sourceFile('src/a.ts', ''), sourceFile('src/main.ts', "import './b.js';")]), [
    'src/a.ts',
  ]);
  t.match(['/wo', 'rk/shared'].join(''), WORKSHOP);
});
