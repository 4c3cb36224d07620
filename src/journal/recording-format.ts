/**
 * recording-format: what a recording is on disk, for its writer and its reader (schemas/recording.fbs, docs/recordings.md).
 *
 *   NNNNNN.twr:  [head|Header] [head|Ticks or Frames] … [head|Index] [trailer]
 *
 * Deterministic: bytes in, values out. Every block carries a CRC of its head and one of its payload, the recording's random
 * id and the number of its first record: so a block is believed only whole, only in its own recording, and what is missing
 * between two of them is known exactly. Blocks begin at multiples of 8 bytes.
 */
import { Builder, ByteBuffer } from 'flatbuffers';
import { TickwireError } from '../domain/errors.js';
import { SCALE_MAX } from '../domain/fixed-point.js';
import type { Instrument } from '../domain/instrument.js';
import {
  RECORDED_FRAME_BYTES,
  RECORDING_BLOCK_BYTES,
  RECORDING_SCHEMA_HASH,
  RECORDING_TRAILER_BYTES,
  RecordingKind,
  TICK_BYTES,
  TICK_SCHEMA_HASH,
} from '../generated/hot.js';
import { RecordedConnection } from '../generated/recorded-connection.js';
import { RecordingKind as SchemaKind } from '../generated/recording-kind.js';
import { RecordedInstrument } from '../generated/recorded-instrument.js';
import { RecordingHeader } from '../generated/recording-header.js';

/** 'TWB1' and 'TWE1' as little-endian numbers. */
export const BLOCK_MAGIC = 0x31425754;
export const TRAILER_MAGIC = 0x31455754;
/** Bytes of a block's head that its head_crc covers. */
export const BLOCK_HEAD_CRC_BYTES = RECORDING_BLOCK_BYTES - 4;
export const TRAILER_CRC_BYTES = RECORDING_TRAILER_BYTES - 4;
/** A block's payload is not larger; the largest known frame has 7 MB. */
export const PAYLOAD_BYTES_MAX = 512 * 1024 * 1024;

/** Flags of a RecordedFrame. */
export const FrameFlag = { NoTime: 1, HasUrl: 2 } as const;

const IDENTIFIER = 'TWRC';
const INSTRUMENTS_MAX = 65_535;

/** One connection of a recording. */
export interface ConnectionInfo {
  readonly venue: string;
  readonly url: string;
  /** Indexes in `instruments`. */
  readonly instruments: readonly number[];
}

/** What a reader knows of a recording before its first record. */
export interface RecordingInfo {
  readonly kind: RecordingKind;
  /** record, import, engine, replay. */
  readonly source: string;
  /** Of the program that wrote it. */
  readonly version: string;
  readonly recordingId: number;
  readonly runEpochNs: bigint;
  readonly instruments: readonly Instrument[];
  readonly connections: readonly ConnectionInfo[];
}

/** The same with what differs from segment to segment. */
export interface SegmentInfo extends RecordingInfo {
  /** From 1. */
  readonly segmentIndex: number;
  /** Number of its first record in the recording. */
  readonly firstRecord: number;
}

/** `000001.twr`; while it is written: `000001.twr.part`. */
export const SEGMENT_NAME = /^(\d{6})\.twr(\.part)?$/;

export function segmentName(segmentIndex: number): string {
  return `${String(segmentIndex).padStart(6, '0')}.twr`;
}

/** Up to the next multiple of 8. */
export function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Bytes of a frame with its head, as it stands in a block. */
export function frameRecordBytes(urlBytes: number, frameBytes: number): number {
  return RECORDED_FRAME_BYTES + padded(urlBytes + frameBytes);
}

export function encodeSegmentInfo(info: SegmentInfo): Uint8Array {
  const builder = new Builder(4096);
  const instruments = info.instruments.map((one) =>
    RecordedInstrument.createRecordedInstrument(
      builder,
      one.index,
      builder.createString(one.venue),
      builder.createString(one.kind),
      builder.createString(one.symbol),
      builder.createString(one.venueSymbol),
      builder.createString(one.base),
      builder.createString(one.quote),
      one.priceScale,
      one.sizeScale,
      BigInt(one.tickMantissa),
      BigInt(one.lotMantissa),
      BigInt(one.sizeMinMantissa),
      BigInt(one.sizeMaxMantissa),
      BigInt(one.notionalMinMantissa),
    ),
  );
  const connections = info.connections.map((one) =>
    RecordedConnection.createRecordedConnection(
      builder,
      builder.createString(one.venue),
      builder.createString(one.url),
      RecordedConnection.createInstrumentsVector(builder, [...one.instruments]),
    ),
  );
  const instrumentsAt = RecordingHeader.createInstrumentsVector(builder, instruments);
  const connectionsAt = RecordingHeader.createConnectionsVector(builder, connections);
  const schemaAt = builder.createString(RECORDING_SCHEMA_HASH);
  const tickSchemaAt = builder.createString(TICK_SCHEMA_HASH);
  const sourceAt = builder.createString(info.source);
  const versionAt = builder.createString(info.version);
  RecordingHeader.startRecordingHeader(builder);
  RecordingHeader.addSchemaHash(builder, schemaAt);
  RecordingHeader.addTickSchemaHash(builder, tickSchemaAt);
  RecordingHeader.addKind(
    builder,
    info.kind === RecordingKind.Ticks ? SchemaKind.Ticks : SchemaKind.Frames,
  );
  RecordingHeader.addSource(builder, sourceAt);
  RecordingHeader.addVersion(builder, versionAt);
  RecordingHeader.addRecordingId(builder, info.recordingId);
  RecordingHeader.addSegmentIndex(builder, info.segmentIndex);
  RecordingHeader.addRunEpochNs(builder, info.runEpochNs);
  RecordingHeader.addFirstRecord(builder, BigInt(info.firstRecord));
  RecordingHeader.addInstruments(builder, instrumentsAt);
  RecordingHeader.addConnections(builder, connectionsAt);
  builder.finish(RecordingHeader.endRecordingHeader(builder), IDENTIFIER);
  return builder.asUint8Array();
}

/** Reads a header block's payload, whose CRC was right. Throws RECORDING_CORRUPT with what is wrong with it. */
export function decodeSegmentInfo(payload: Uint8Array): SegmentInfo {
  try {
    return readHeader(payload);
  } catch (error) {
    if (error instanceof TickwireError) throw error;
    return corrupt(`its header cannot be read: ${error instanceof Error ? error.message : ''}`);
  }
}

function readHeader(payload: Uint8Array): SegmentInfo {
  const buffer = new ByteBuffer(payload);
  if (payload.length < 8 || !buffer.__has_identifier(IDENTIFIER)) corrupt('its header is none');
  const header = RecordingHeader.getRootAsRecordingHeader(buffer);
  if (header.schemaHash() !== RECORDING_SCHEMA_HASH) {
    corrupt('it was written by a version with another format (schemas/recording.fbs)');
  }
  const kind = header.kind() as number as RecordingKind;
  if (kind !== RecordingKind.Ticks && kind !== RecordingKind.Frames) {
    corrupt(`it holds records of an unknown kind: ${kind}`);
  }
  if (kind === RecordingKind.Ticks && header.tickSchemaHash() !== TICK_SCHEMA_HASH) {
    corrupt('its ticks are those of another version (schemas/tick.fbs)');
  }
  const instrumentCount = header.instrumentsLength();
  const connectionCount = header.connectionsLength();
  if (instrumentCount > INSTRUMENTS_MAX || connectionCount > INSTRUMENTS_MAX) {
    corrupt('its header names too many instruments or connections');
  }
  const instruments: Instrument[] = [];
  for (let place = 0; place < instrumentCount; place++) {
    const one = header.instruments(place);
    if (one === null) return corrupt('its header misses an instrument');
    instruments.push(readInstrument(one));
  }
  const connections: ConnectionInfo[] = [];
  for (let place = 0; place < connectionCount; place++) {
    const one = header.connections(place);
    if (one === null) return corrupt('its header misses a connection');
    connections.push(readConnection(one));
  }
  return {
    kind,
    source: header.source(),
    version: header.version(),
    recordingId: header.recordingId(),
    segmentIndex: header.segmentIndex(),
    runEpochNs: header.runEpochNs(),
    firstRecord: exact(header.firstRecord()),
    instruments,
    connections,
  };
}

function readInstrument(one: RecordedInstrument): Instrument {
  const kind = one.kind();
  if (kind !== 'spot' && kind !== 'perpetual') return corrupt(`an instrument of kind ${kind}`);
  const priceScale = one.priceScale();
  const sizeScale = one.sizeScale();
  if (priceScale > SCALE_MAX || sizeScale > SCALE_MAX) return corrupt('an instrument’s scale');
  return {
    index: one.instrumentIndex(),
    venue: one.venue(),
    kind,
    symbol: one.symbol(),
    venueSymbol: one.venueSymbol(),
    base: one.base(),
    quote: one.quote(),
    priceScale,
    sizeScale,
    tickMantissa: exact(one.tickMantissa()),
    lotMantissa: exact(one.lotMantissa()),
    sizeMinMantissa: exact(one.sizeMinMantissa()),
    sizeMaxMantissa: exact(one.sizeMaxMantissa()),
    notionalMinMantissa: exact(one.notionalMinMantissa()),
    isTradable: false,
  };
}

function readConnection(one: RecordedConnection): ConnectionInfo {
  const count = one.instrumentsLength();
  if (count > INSTRUMENTS_MAX) return corrupt('a connection with too many instruments');
  const instruments: number[] = [];
  for (let place = 0; place < count; place++) instruments.push(Number(one.instruments(place)));
  return { venue: one.venue(), url: one.url(), instruments };
}

function exact(value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : corrupt(`a number beyond 2^53: ${value}`);
}

function corrupt(why: string): never {
  throw new TickwireError('RECORDING_CORRUPT', why);
}

// ---- CRC-32 as zlib and gzip have it, eight bytes at a time.

const CRC_POLYNOMIAL = 0xedb88320;
const SLICES = 8;
const TABLE = new Int32Array(256 * SLICES);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++)
    crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ CRC_POLYNOMIAL;
  TABLE[byte] = crc;
}
for (let byte = 0; byte < 256; byte++) {
  let crc = TABLE[byte] as number;
  for (let slice = 1; slice < SLICES; slice++) {
    crc = (TABLE[crc & 255] as number) ^ (crc >>> 8);
    TABLE[slice * 256 + byte] = crc;
  }
}

/** CRC-32 of bytes[from..to), as an unsigned number. `from` at a multiple of 4 in `i32`, which is the same memory. */
export function crc32(i32: Int32Array, bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from;
  const wordsEnd = from + ((to - from) & ~7);
  for (; at < wordsEnd; at += 8) {
    const low = crc ^ (i32[at >> 2] as number);
    const high = i32[(at >> 2) + 1] as number;
    crc =
      (TABLE[1792 + (low & 255)] as number) ^
      (TABLE[1536 + ((low >>> 8) & 255)] as number) ^
      (TABLE[1280 + ((low >>> 16) & 255)] as number) ^
      (TABLE[1024 + (low >>> 24)] as number) ^
      (TABLE[768 + (high & 255)] as number) ^
      (TABLE[512 + ((high >>> 8) & 255)] as number) ^
      (TABLE[256 + ((high >>> 16) & 255)] as number) ^
      (TABLE[high >>> 24] as number);
  }
  for (; at < to; at++) crc = (TABLE[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** Bytes of one record of a tick recording. */
export const TICK_RECORD_BYTES = TICK_BYTES;
