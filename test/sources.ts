/**
 * The source tree as the house tests see it: files, their imports, their code without comments. Paths are relative to
 * the package root with forward slashes. TypeScript's own parser reads the files, so nothing here guesses at syntax.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The package root, seen from dist/test/. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path of the imported source file, or null when it is a package or a node module. */
  readonly target: string | null;
  /** Erased at run time. */
  readonly isTypeOnly: boolean;
  /** Named by `new URL(…)`: a worker or a child process, not an import. */
  readonly isUrl: boolean;
}

export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true) };
}

/** Every file under a folder whose name ends so, sorted; fixtures are not ours. */
export function filesUnder(folder: string, suffix: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .filter((path) => !path.includes('/fixtures/'))
    .sort();
}

export function sourcesUnder(folder: string): readonly SourceFile[] {
  return filesUnder(folder, '.ts').map((path) =>
    sourceFile(path, readFileSync(join(ROOT, path), 'utf8')),
  );
}

/** Calls back for every node of the tree. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function resolve(from: string, specifier: string): string | null {
  const product = /^#src\/(.*)$/.exec(specifier);
  if (product?.[1] !== undefined) return `src/${product[1]}`.replace(/\.js$/, '.ts');
  if (!specifier.startsWith('.')) return null;
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/').replace(/\.js$/, '.ts');
}

/** Imports, re-exports, dynamic imports, and `new URL('./thread.js', import.meta.url)` by which a worker is named. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: string, isTypeOnly: boolean, isUrl = false): void => {
    found.push({ specifier, target: resolve(file.path, specifier), isTypeOnly, isUrl });
  };
  walk(file.ast, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const clause = node.importClause;
      const names = clause?.namedBindings;
      const isTypeOnly =
        clause !== undefined &&
        (clause.phaseModifier === ts.SyntaxKind.TypeKeyword ||
          (clause.name === undefined &&
            names !== undefined &&
            ts.isNamedImports(names) &&
            names.elements.length > 0 &&
            names.elements.every((element) => element.isTypeOnly)));
      add(node.moduleSpecifier.text, isTypeOnly);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      if (ts.isStringLiteral(node.moduleSpecifier)) add(node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0];
      if (argument !== undefined && ts.isStringLiteralLike(argument)) add(argument.text, false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal)) add(node.argument.literal.text, true);
    } else if (ts.isNewExpression(node) && node.expression.getText(file.ast) === 'URL') {
      const argument = node.arguments?.[0];
      if (
        argument !== undefined &&
        ts.isStringLiteralLike(argument) &&
        /^\.{1,2}\/.*\.js$/.test(argument.text)
      ) {
        add(argument.text, false, true);
      }
    }
  });
  return found;
}

/** The code line by line, comments blanked out; strings stay. */
export function codeLines(file: SourceFile): readonly string[] {
  const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
  let code = file.text;
  const erased = new Set<number>();
  walk(file.ast, (node) => {
    for (const ranges of [
      ts.getLeadingCommentRanges(file.text, node.getFullStart()),
      ts.getTrailingCommentRanges(file.text, node.getEnd()),
    ]) {
      for (const { pos, end } of ranges ?? []) {
        if (erased.has(pos)) continue;
        erased.add(pos);
        code = code.slice(0, pos) + blank(code.slice(pos, end)) + code.slice(end);
      }
    }
  });
  return code.split('\n');
}

export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line + 1;
}

/** `*` stands for one path segment or a part of it, `**` for any number of segments. */
export function globMatches(glob: string, path: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\//g, '\u0001')
    .replace(/\*/g, '[^/]*')
    .replace(/\u0001/g, '(?:.*/)?');
  return new RegExp(`^${pattern}$`).test(path);
}
