/**
 * recording-files: the segments of a directory, for the reader. Whoever replays, on its own thread; a segment is read whole.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TickwireError } from '../domain/errors.js';
import { SEGMENT_NAME } from './recording-format.js';
import { RecordingReader } from './recording-reader.js';
import type { SegmentSource } from './recording-reader.js';

/** Opens a recording. RECORDING_UNREADABLE when there is none, RECORDING_CORRUPT when nothing of it can be read. */
export function openRecording(dir: string): RecordingReader {
  try {
    return new RecordingReader(segmentsOf(dir));
  } catch (error) {
    if (!(error instanceof TickwireError) || error.code !== 'RECORDING_CORRUPT') throw error;
    throw new TickwireError('RECORDING_CORRUPT', `the recording in ${dir}: ${error.message}`, {
      dir,
      ...error.context,
    });
  }
}

function segmentsOf(dir: string): SegmentSource {
  const names = listSegments(dir);
  return {
    names,
    indexes: names.map((name) => Number(SEGMENT_NAME.exec(name)?.[1])),
    read: (place) => readSegment(join(dir, names[place] ?? '')),
  };
}

/** Finished segments and one that is or was being written, in order. */
function listSegments(dir: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    return unreadable(dir, error instanceof Error ? error.message : String(error));
  }
  const segments = names.filter((name) => SEGMENT_NAME.test(name)).sort();
  return segments.length > 0 ? segments : unreadable(dir, 'there is no segment (NNNNNN.twr) in it');
}

function readSegment(path: string): Uint8Array {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(fstatSync(fd).size);
      let done = 0;
      while (done < bytes.length) {
        const count = readSync(fd, bytes, done, bytes.length - done, done);
        if (count === 0) break;
        done += count;
      }
      return bytes.subarray(0, done);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return unreadable(path, error instanceof Error ? error.message : String(error));
  }
}

function unreadable(path: string, why: string): never {
  throw new TickwireError('RECORDING_UNREADABLE', `cannot read the recording ${path}: ${why}`, {
    path,
  });
}
