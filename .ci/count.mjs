/**
 * Reads a TAP file and prints `N passed, N failed, N skipped` as its last line; exit 1 unless nothing failed and
 * something passed. Usage: node .ci/count.mjs FILE.tap [name of a failed part of make test]...
 *
 * Counted are test cases: the points one level inside a file (its sentences). A file that fails in another way (it
 * crashed, it timed out, it has no test) counts as one failure, and so does each failed part (lint, build, ...).
 */
import { readFileSync } from 'node:fs';

const [file, ...failedParts] = process.argv.slice(2);
// tap fails because its tests do: that is counted case by case below.
const failed = failedParts.filter((part) => part !== 'tap').map((part) => `make ${part}`);
const skipped = [];
let passedCount = 0;

/** Test cases of the file that is being read: what its own line says counts only when they explain it. */
const POINT =
  /^((?: {4})*)(not ok|ok)(?: \d+)?(?: - (.*?))?(?: # (time|skip|todo)\b(.*?))?( \{)?$/i;
let lines = [];
try {
  lines = readFileSync(file, 'utf8').split('\n');
} catch {
  if (failed.length === 0) failed.push('make test: there is no TAP report');
}

const filesFailed = [];
let yamlIndent = -1;
let currentFile = '';
/** The cases since the last file line (unbuffered) or of the open file (buffered, inside braces). */
let cases = [];
let buffered = null;

function closeFile(name, ok, isSkip) {
  for (const one of cases) {
    if (one.isSkip) skipped.push(`${name}: ${one.name}`);
    else if (one.ok) passedCount += 1;
    else failed.push(`${name}: ${one.name}`);
  }
  if (!ok && !cases.some((one) => !one.ok && !one.isSkip)) filesFailed.push(name);
  if (isSkip && cases.length === 0) skipped.push(name);
  cases = [];
}

for (const line of lines) {
  if (yamlIndent >= 0) {
    if (line === `${' '.repeat(yamlIndent)}...`) yamlIndent = -1;
    continue;
  }
  const yaml = /^( *)---$/.exec(line);
  if (yaml !== null) {
    yamlIndent = yaml[1].length;
    continue;
  }
  const subtest = /^# Subtest: (.*)$/.exec(line);
  if (subtest !== null) currentFile = subtest[1];
  if (line === '}' && buffered !== null) {
    closeFile(buffered.name, buffered.ok, buffered.isSkip);
    buffered = null;
    continue;
  }
  const point = POINT.exec(line);
  if (point === null) continue;
  const depth = point[1].length / 4;
  const isSkip = /^(skip|todo)$/i.test(point[4] ?? '');
  const one = { name: point[3] ?? '(no name)', ok: point[2] === 'ok', isSkip };
  if (depth === 1) cases.push(one);
  if (depth === 0) {
    currentFile = '';
    if (point[6] === undefined) closeFile(one.name, one.ok, one.isSkip);
    else buffered = one;
  }
}
if (buffered !== null || cases.length > 0) filesFailed.push(currentFile || 'a file (cut off)');
failed.push(...filesFailed);
if (failedParts.includes('tap') && failed.length === 0) failed.push('make tap');

for (const name of skipped) console.log(`skipped  ${name}`);
for (const name of failed) console.log(`FAILED   ${name}`);
console.log(`${passedCount} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length === 0 && passedCount > 0 ? 0 : 1;
