/**
 * raw-tape: a capture of a venue played as it is (`--raw`): its frames byte for byte to each public client, its REST
 * bodies to whoever asks for the same path. Read whole at start; the server owns the clock.
 *
 * The format is that of recording-file.ts: lines with `"dir":"in"` are frames, those with `"http"` are bodies; the rest is
 * not played.
 */
import { TickwireError } from '../domain/errors.js';
import { readRecordingText } from './recording-file.js';

/** One captured frame. */
export interface RawFrame {
  /** Nanoseconds after the first frame of the file. */
  readonly offsetNs: number;
  readonly text: string;
}

interface RawBody {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly text: string;
  isUsed: boolean;
}

/** Captures of Binance keep the first book as a body without address; this is where its clients ask for it. */
const DEPTH_PATH_END = '/depth';
/** Parameters that say how much is wanted. */
const AMOUNTS: readonly string[] = ['limit', 'depth', 'count'];

export class RawTape {
  /** In order. */
  readonly frames: readonly RawFrame[];
  readonly #bodies: readonly RawBody[];

  constructor(frames: readonly RawFrame[], bodies: readonly RawBody[]) {
    this.frames = frames;
    this.#bodies = bodies;
  }

  /**
   * The recorded body for a request: same path, the most parameters in common; of equal ones the first that was not given
   * out yet, and the last one again when all were. Null: nothing was recorded for it.
   */
  answer(path: string, query: string): string | null {
    const wanted = new URLSearchParams(query);
    let best: RawBody | null = null;
    let bestScore = -1;
    for (const body of this.#bodies) {
      const isMeant =
        body.path === ''
          ? path.endsWith(DEPTH_PATH_END)
          : body.path === path && agrees(body, wanted);
      if (!isMeant) continue;
      let score = 0;
      for (const [name, value] of wanted) if (body.query.get(name) === value) score += 2;
      if (!body.isUsed) score += 1;
      // Of used ones the last: time has gone on.
      if (score > bestScore || (score === bestScore && body.isUsed)) {
        best = body;
        bestScore = score;
      }
    }
    if (best === null) return null;
    best.isUsed = true;
    return best.text;
  }
}

/** A body about something else is no answer; how much of it was asked for does not matter. */
function agrees(body: RawBody, wanted: URLSearchParams): boolean {
  for (const [name, value] of wanted) {
    const recorded = body.query.get(name);
    if (recorded !== null && recorded !== value && !AMOUNTS.includes(name)) return false;
  }
  return true;
}

/** Throws RECORDING_UNREADABLE or RECORDING_CORRUPT. */
export function readRawTape(path: string): RawTape {
  const frames: RawFrame[] = [];
  const bodies: RawBody[] = [];
  let firstNs: bigint | null = null;
  let lineNumber = 0;
  for (const line of readRecordingText(path).split('\n')) {
    lineNumber++;
    if (line === '') continue;
    const { dir, raw, recv_ns, url } = parseLine(line, lineNumber, path);
    if (dir !== 'in' && dir !== 'http') continue;
    if (typeof raw !== 'string') {
      throw new TickwireError(
        'RECORDING_CORRUPT',
        `the recording ${path} is damaged: line ${lineNumber} has no text in "raw"`,
        { path, line: lineNumber },
      );
    }
    if (dir === 'http') {
      const body = bodyOf(url, raw);
      if (body !== null) bodies.push(body);
      continue;
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
  return new RawTape(frames, bodies);
}

interface RawLine {
  readonly dir?: unknown;
  readonly raw?: unknown;
  readonly recv_ns?: unknown;
  readonly url?: unknown;
}

function parseLine(line: string, lineNumber: number, path: string): RawLine {
  let parsed: unknown;
  let why = 'it is no object';
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (typeof parsed === 'object' && parsed !== null) return parsed;
  throw new TickwireError(
    'RECORDING_CORRUPT',
    `the recording ${path} is damaged or cut off: line ${lineNumber} is not JSON (${why})`,
    { path, line: lineNumber },
  );
}

function bodyOf(url: unknown, text: string): RawBody | null {
  if (typeof url === 'string' && URL.canParse(url)) {
    const { pathname, searchParams } = new URL(url);
    return { path: pathname, query: searchParams, text, isUsed: false };
  }
  if (!text.includes('"lastUpdateId"')) return null;
  return { path: '', query: new URLSearchParams(), text, isUsed: false };
}
