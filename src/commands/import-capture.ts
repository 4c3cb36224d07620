/**
 * import-capture: the lines of captures ─▶ what a recording of them needs before its first record: which instruments occur,
 * and at which scales. Main thread; two passes over lines in memory.
 *
 * An instrument that a captured product list describes is as the venue states it. Of others only the name is known: it gets
 * the finest decimals that any frame with its name uses, so nothing has to be rounded.
 */
import { TickwireError } from '../domain/errors.js';
import type { Instrument } from '../domain/instrument.js';
import { TICK_WORDS } from '../generated/hot.js';
import { readRecordingText } from '../sim/recording-file.js';
import type { VenueDialect } from '../venues/registry.js';

/** One captured line. */
export interface CapturedLine {
  readonly n: number;
  /** null: not known. */
  readonly recvNs: bigint | null;
  readonly dir: 'in' | 'out' | 'connect' | 'http' | 'doc';
  readonly url: string | null;
  readonly raw: string;
}

const DIRECTIONS: readonly string[] = ['in', 'out', 'connect', 'http', 'doc'];

/** The lines of a capture. RECORDING_UNREADABLE, RECORDING_CORRUPT with the number of the line. */
export function readCapture(path: string): readonly CapturedLine[] {
  const lines: CapturedLine[] = [];
  let lineNumber = 0;
  for (const text of readRecordingText(path).split('\n')) {
    lineNumber++;
    if (text.trim() === '') continue;
    const line = parseLine(text);
    if (typeof line === 'string')
      throw new TickwireError(
        'RECORDING_CORRUPT',
        `the capture ${path} is damaged or cut off: line ${String(lineNumber)} ${line}`,
        { path, line: lineNumber },
      );
    lines.push(line);
  }
  if (lines.length === 0)
    throw new TickwireError('RECORDING_CORRUPT', `the capture ${path} has no lines`, { path });
  return lines;
}

/** A text: what is wrong with the line. */
function parseLine(text: string): CapturedLine | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return `is not JSON (${error instanceof Error ? error.message : String(error)})`;
  }
  const fields = (typeof parsed === 'object' ? parsed : null) as Record<string, unknown> | null;
  const { n, recv_ns: recvNs, dir, url, raw } = fields ?? {};
  if (typeof dir !== 'string' || !DIRECTIONS.includes(dir)) return 'has no known "dir"';
  if (typeof raw !== 'string') return 'has no text in "raw"';
  return {
    n: typeof n === 'number' && Number.isInteger(n) && n >= 0 ? n : 0,
    recvNs: typeof recvNs === 'string' && /^\d{1,19}$/.test(recvNs) ? BigInt(recvNs) : null,
    dir: dir as CapturedLine['dir'],
    url: typeof url === 'string' ? url : null,
    raw,
  };
}

/** The instruments that occur, in the order in which they do. */
export function findInstruments(
  dialect: VenueDialect,
  lines: readonly CapturedLine[],
  depth: number | undefined,
): readonly Instrument[] {
  const listed = listedIn(dialect, lines);
  const names = namesIn(dialect, lines, depth);
  const scales = scalesIn(dialect, lines, names);
  return names.map((venueSymbol, index) => {
    const known = listed.get(venueSymbol);
    if (known !== undefined) return { ...known, index };
    const [base = venueSymbol, quote = ''] = venueSymbol.split(/[-/]/);
    const { priceScale, sizeScale } = scales.get(venueSymbol) ?? { priceScale: 0, sizeScale: 0 };
    return {
      index,
      venue: dialect.name,
      kind: 'spot',
      symbol: venueSymbol,
      venueSymbol,
      base,
      quote,
      priceScale,
      sizeScale,
      tickMantissa: 1,
      lotMantissa: 1,
      sizeMinMantissa: 1,
      sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
      notionalMinMantissa: 0,
      isTradable: false,
    };
  });
}

function listedIn(
  dialect: VenueDialect,
  lines: readonly CapturedLine[],
): ReadonlyMap<string, Instrument> {
  const listed = new Map<string, Instrument>();
  for (const { dir, url, raw } of lines) {
    if (dir !== 'http' || !dialect.isInstrumentsUrl(url ?? '', raw)) continue;
    for (const instrument of dialect.parseInstruments(raw).instruments)
      listed.set(instrument.venueSymbol, instrument);
  }
  return listed;
}

/** Every name that the venue's own feed comes across. */
function namesIn(
  dialect: VenueDialect,
  lines: readonly CapturedLine[],
  depth: number | undefined,
): readonly string[] {
  const names: string[] = [];
  const feed = dialect.createMarketFeed({
    instruments: [],
    ticks: { i32: new Int32Array(TICK_WORDS), claim: () => 0, publish: () => undefined },
    // Scales are not known yet, so much is refused; only the names count.
    rejects: { reject: () => undefined },
    runEpochNs: 0n,
    levelsMax: 0,
    snapshotLevelsMax: 0,
    tradesInTimeOrder: false,
    booksStartEmpty: true,
    depth,
    resolve: (venueSymbol) => {
      names.push(venueSymbol);
      return placeholder(dialect.name, venueSymbol, names.length - 1);
    },
  });
  for (const { dir, raw } of lines) {
    if (dir === 'connect') feed.onConnected();
    else if (dir === 'out') feed.onSent(raw);
    else if (dir === 'in') feed.onFrame(Buffer.from(raw, 'utf8'), 0);
  }
  return names;
}

function placeholder(venue: string, venueSymbol: string, index: number): Instrument {
  return {
    index,
    venue,
    kind: 'spot',
    symbol: venueSymbol,
    venueSymbol,
    base: venueSymbol,
    quote: '',
    priceScale: 0,
    sizeScale: 0,
    tickMantissa: 1,
    lotMantissa: 1,
    sizeMinMantissa: 1,
    sizeMaxMantissa: 1,
    notionalMinMantissa: 0,
    isTradable: false,
  };
}

/** The finest decimals of the frames that have a name in them; of all frames that name nobody. */
function scalesIn(
  dialect: VenueDialect,
  lines: readonly CapturedLine[],
  names: readonly string[],
): ReadonlyMap<string, { readonly priceScale: number; readonly sizeScale: number }> {
  const scales = new Map(names.map((name) => [name, { priceScale: 0, sizeScale: 0 }]));
  for (const { dir, raw, url } of lines) {
    if (dir !== 'in' && dir !== 'http') continue;
    if (dir === 'http' && dialect.isInstrumentsUrl(url ?? '', raw)) continue;
    const found = dialect.scalesOfFrame(raw);
    const named = names.filter((name) => raw.includes(`"${name}"`) || (url ?? '').includes(name));
    for (const name of named.length > 0 ? named : names) {
      const one = scales.get(name);
      if (one === undefined) continue;
      one.priceScale = Math.max(one.priceScale, found.priceScale);
      one.sizeScale = Math.max(one.sizeScale, found.sizeScale);
    }
  }
  return scales;
}
