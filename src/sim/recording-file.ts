/**
 * recording-file: reads captured frames (gzip or plain JSON Lines, one frame a line) and says in one sentence what is
 * wrong with a file that cannot be used. Whole files, at start; nothing here runs while the market plays.
 *
 * Line: {"n": 0, "recv_ns": "…", "dir": "in|out|connect|http|doc", "url": …, "raw": "exact text of the frame"}.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { TickwireError } from '../domain/errors.js';

/** A longer file is refused: it is read whole. */
export const RECORDING_BYTES_MAX = 256 * 1024 * 1024;
/** The text must fit one JavaScript string (about 512 MB). */
export const RECORDING_TEXT_BYTES_MAX = 500 * 1024 * 1024;

/** The real market that is shipped; src/sim/recordings/SOURCES.md. */
export const SHIPPED_RECORDING_PATH = fileURLToPath(
  new URL('../../src/sim/recordings/binance-spot_BTCUSDT_20240809.jsonl.gz', import.meta.url),
);

const GZIP_MAGIC = 0x1f;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The file's text, unpacked. Throws RECORDING_UNREADABLE or RECORDING_CORRUPT. */
export function readRecordingText(path: string): string {
  let bytes: Buffer;
  try {
    const size = statSync(path).size;
    if (size > RECORDING_BYTES_MAX) {
      throw new Error(`it is larger than the limit: bytes=${size}, max=${RECORDING_BYTES_MAX}`);
    }
    bytes = readFileSync(path);
  } catch (error) {
    throw new TickwireError(
      'RECORDING_UNREADABLE',
      `cannot read the recording ${path}: ${messageOf(error)}`,
      { path },
    );
  }
  if (bytes[0] !== GZIP_MAGIC) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: RECORDING_TEXT_BYTES_MAX }).toString('utf8');
  } catch (error) {
    throw new TickwireError(
      'RECORDING_CORRUPT',
      `the recording ${path} is damaged or cut off: ${messageOf(error)}`,
      { path },
    );
  }
}

/** One captured frame of `--raw`. */
export interface RawFrame {
  /** Nanoseconds after the first frame of the file. */
  readonly offsetNs: number;
  readonly text: string;
}

/** The frames that the venue sent, in order, byte for byte. */
export function readRawFrames(path: string): RawFrame[] {
  const frames: RawFrame[] = [];
  let firstNs: bigint | null = null;
  let lineNumber = 0;
  for (const line of readRecordingText(path).split('\n')) {
    lineNumber++;
    if (line === '') continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch (error) {
      throw new TickwireError(
        'RECORDING_CORRUPT',
        `the recording ${path} is damaged or cut off: line ${lineNumber} is not JSON (${messageOf(error)})`,
        { path, line: lineNumber },
      );
    }
    const { dir, raw, recv_ns } = parsed as { dir?: unknown; raw?: unknown; recv_ns?: unknown };
    if (dir !== 'in') continue;
    if (typeof raw !== 'string') {
      throw new TickwireError(
        'RECORDING_CORRUPT',
        `the recording ${path} is damaged: line ${lineNumber} has no text in "raw"`,
        { path, line: lineNumber },
      );
    }
    // A capture without times plays at once.
    const recvNs: bigint =
      typeof recv_ns === 'string' && /^\d+$/.test(recv_ns) ? BigInt(recv_ns) : (firstNs ?? 0n);
    firstNs ??= recvNs;
    frames.push({ offsetNs: Math.max(0, Number(recvNs - firstNs)), text: raw });
  }
  if (frames.length === 0) {
    throw new TickwireError(
      'RECORDING_CORRUPT',
      `the recording ${path} has no frame that a venue sent (no line with "dir":"in")`,
      { path },
    );
  }
  return frames;
}
