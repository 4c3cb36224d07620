/**
 * region: one piece of shared memory with a header that says what it is. Any thread attaches; one thread allocates.
 *
 * Allocated through WebAssembly.Memory because that is page aligned: a plain SharedArrayBuffer starts behind a malloc
 * header, its 64-byte slots straddle two cache lines, and a hop costs half as much again (555 against 370 ns).
 * Attaching with another schema, size, name or writer is refused: two builds cannot misread each other by accident.
 */
import { assert } from '../domain/assert.js';
import { REGION_HEADER_BYTES, REGION_LAYOUT_VERSION, REGION_MAGIC, RegionWord } from './layout.js';

export interface RegionSpec {
  readonly name: string;
  /** All of it, the header included. */
  readonly bytes: number;
  readonly slotBytes?: number;
  readonly slotCount?: number;
  readonly writerRole: string;
  /** Which schema the contents follow; memory itself knows none. */
  readonly schemaHashWord: number;
}

const WASM_PAGE_BYTES = 65_536;

// Node has it; its typings leave the declaration to the browser's, which we do not want.
declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/** Zeroed, page aligned, header written. `buffer.byteLength` is `spec.bytes` rounded up to whole pages. */
export function allocateRegion(spec: RegionSpec): SharedArrayBuffer {
  assert(
    isLittleEndian(),
    'records are little-endian and read as words: this machine is big-endian',
  );
  assert(
    Number.isSafeInteger(spec.bytes) && spec.bytes >= REGION_HEADER_BYTES,
    `region smaller than its header: name=${spec.name}, bytes=${String(spec.bytes)}`,
  );
  const pages = Math.ceil(spec.bytes / WASM_PAGE_BYTES);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const i32 = new Int32Array(buffer);
  i32[RegionWord.LayoutVersion] = REGION_LAYOUT_VERSION;
  i32[RegionWord.SchemaHash] = spec.schemaHashWord;
  i32[RegionWord.Bytes] = spec.bytes;
  i32[RegionWord.SlotBytes] = spec.slotBytes ?? 0;
  i32[RegionWord.SlotCount] = spec.slotCount ?? 0;
  i32[RegionWord.NameHash] = hashWord(spec.name);
  i32[RegionWord.WriterHash] = hashWord(spec.writerRole);
  Atomics.store(i32, RegionWord.Magic, REGION_MAGIC);
  return buffer;
}

/** Throws a Bug that carries both values unless the region is what `spec` says. */
export function attachRegion(buffer: SharedArrayBuffer, spec: RegionSpec): void {
  assert(
    buffer.byteLength >= spec.bytes,
    `region too small: name=${spec.name}, bytes=${String(buffer.byteLength)}, expected=${String(spec.bytes)}`,
  );
  const i32 = new Int32Array(buffer);
  same(spec.name, 'magic', Atomics.load(i32, RegionWord.Magic), REGION_MAGIC);
  same(
    spec.name,
    'layoutVersion',
    Atomics.load(i32, RegionWord.LayoutVersion),
    REGION_LAYOUT_VERSION,
  );
  same(spec.name, 'nameHash', Atomics.load(i32, RegionWord.NameHash), hashWord(spec.name));
  same(spec.name, 'schemaHashWord', Atomics.load(i32, RegionWord.SchemaHash), spec.schemaHashWord);
  same(spec.name, 'slotBytes', Atomics.load(i32, RegionWord.SlotBytes), spec.slotBytes ?? 0);
  same(spec.name, 'slotCount', Atomics.load(i32, RegionWord.SlotCount), spec.slotCount ?? 0);
  same(spec.name, 'bytes', Atomics.load(i32, RegionWord.Bytes), spec.bytes);
  same(
    spec.name,
    'writerHash',
    Atomics.load(i32, RegionWord.WriterHash),
    hashWord(spec.writerRole),
  );
}

/** FNV-1a over UTF-16 units, as int32. Tells names apart; no secret. */
export function hashWord(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash | 0;
}

function same(regionName: string, field: string, value: number, expected: number): void {
  assert(
    value === expected,
    `region does not match: name=${regionName}, ${field}=${String(value)}, expected ${field}=${String(expected)}`,
  );
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
}
