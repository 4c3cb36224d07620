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
