/**
 * fuzz: captured frames, mutated from a seed, through the production feeds. `node dist/test/venues/fuzz-run.js` (make
 * fuzz) gives each venue a million, the test ten thousand.
 *
 * What must hold for every frame: no exception; what is no JSON publishes nothing and is refused with a code; every
 * price and size that comes out stands in the frame as a number, to the last digit; nothing is NaN; entries are as many
 * as the frame has room for. The oracle reads the text with a regular expression and BigInt and shares no code with the
 * feeds.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { MARK_SCALE } from '#src/domain/instrument.js';
import { SeededRandom } from '#src/domain/seeded-random.js';
import { TICK_WORDS, readTick, TickFlag, TickKind } from '#src/generated/hot.js';
import type { TickFields } from '#src/generated/hot.js';
import type { DecodingFeed } from '#src/venues/decoding-feed.js';
import { dialectOf } from '#src/venues/registry.js';
import type { FrameRejects, TickOut } from '#src/venues/venue.js';

/** Dialect and where its captures are. */
export const FUZZED: readonly (readonly [dialect: string, folder: string, pattern: RegExp])[] = [
  ['coinbase', 'coinbase', /^(cf2026_l2|samples_live).*(?<!expected)\.jsonl\.gz$/],
  ['coinbase-exchange', 'coinbase/exchange', /\.jsonl\.gz$/],
  ['kraken', 'kraken/v2', /\.jsonl\.gz$/],
  ['kraken-v1', 'kraken/v1', /\.jsonl\.gz$/],
  ['binance', 'binance', /^spot_(?!exchange).*\.jsonl\.gz$/],
  ['binance-usdm', 'binance', /^usdm_(?!exchange).*\.jsonl\.gz$/],
  ['dydx', 'dydx', /\.jsonl\.gz$/],
  ['hyperliquid', 'hyperliquid', /\.jsonl\.gz$/],
];

/** Longer ones are cut from the corpus: a snapshot of 5 MB would eat the whole budget. */
const FRAME_BYTES_MAX = 20_000;
/** A feed lives through so many mutated frames before it starts anew: after a gap most of them take nothing more. */
const FRAMES_PER_FEED = 20;
/** Up to so many whole frames from the head of a capture before the mutated ones, so that there are books to spoil. */
const WARM_FRAMES_MAX = 60;

/** Frames of a venue's captures, one list for each file. */
export type Corpus = readonly (readonly Uint8Array[])[];

interface Line {
  readonly dir: string;
  readonly raw: string;
  readonly url: string | null;
}

export function corpusOf(folder: string, pattern: RegExp): Corpus {
  const dir = new URL(`../../../test/fixtures/${folder}/`, import.meta.url);
  const corpus: Uint8Array[][] = [];
  for (const name of readdirSync(dir)) {
    if (!pattern.test(name) || name.includes('.expected.')) continue;
    const frames: Uint8Array[] = [];
    for (const text of gunzipSync(readFileSync(new URL(name, dir)))
      .toString('utf8')
      .split('\n')) {
      if (text === '') continue;
      const line = JSON.parse(text) as Line;
      const bytes = Buffer.from(line.raw, 'utf8');
      if ((line.dir === 'in' || line.dir === 'doc') && bytes.length <= FRAME_BYTES_MAX) {
        frames.push(bytes);
      }
    }
    if (frames.length > 0) corpus.push(frames);
  }
  return corpus;
}

export interface FuzzSummary {
  readonly dialect: string;
  readonly frames: number;
  /** Mutated frames of which something was published. */
  readonly accepted: number;
  readonly ticks: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** What must not be: the first few, each with the frame. */
  readonly violations: readonly string[];
  readonly heapGrowthMb: number;
}

class Receiver implements TickOut, FrameRejects {
  readonly i32 = new Int32Array(TICK_WORDS);
  readonly ticks: TickFields[] = [];
  readonly refused: Record<string, number> = {};
  rejectCount = 0;

  claim(): number {
    this.i32.fill(-1);
    return 0;
  }

  publish(): void {
    const tick = {} as TickFields;
    readTick(this.i32, 0, tick);
    this.ticks.push(tick);
  }

  reject(code: ErrorCode): void {
    this.rejectCount++;
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }
}

export function fuzz(
  dialectName: string,
  corpus: Corpus,
  frameCount: number,
  seed: number,
): FuzzSummary {
  const random = new SeededRandom(seed);
  const whole = (max: number): number => Math.floor(random.nextUnit() * max);
  const violations: string[] = [];
  const receiver = new Receiver();
  const all = corpus.flat();
  let feed: DecodingFeed | undefined;
  let capture: readonly Uint8Array[] = all;
  let next = 0;
  let accepted = 0;
  let tickCount = 0;
  global.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  for (let done = 0; done < frameCount; done++) {
    if (feed === undefined || done % FRAMES_PER_FEED === 0) {
      feed = feedOf(dialectName, receiver);
      capture = corpus[whole(corpus.length)] ?? all;
      next = whole(Math.min(capture.length, WARM_FRAMES_MAX));
      for (const warm of capture.slice(0, next)) feed.onFrame(warm, done + 1);
    }
    const frame = mutate(capture[next++ % capture.length] ?? new Uint8Array(), all, whole);
    receiver.ticks.length = 0;
    const rejectsBefore = receiver.rejectCount;
    try {
      feed.onFrame(frame, done + 1);
    } catch (error) {
      violations.push(`exception: ${String(error)}: ${textOf(frame)}`);
    }
    if (receiver.ticks.length > 0) {
      accepted++;
      tickCount += receiver.ticks.length;
      const what = wrongIn(receiver.ticks, frame, feed);
      if (what !== '') violations.push(`${what}: ${textOf(frame)}`);
    }
    const isSilent = receiver.rejectCount === rejectsBefore;
    if (isSilent && jsonError(frame) !== '')
      violations.push(`no refusal of what is no JSON: ${jsonError(frame)} of ${textOf(frame)}`);
    if (violations.length >= 5) break;
  }
  global.gc?.();
  const heapGrowthMb = Math.round((process.memoryUsage().heapUsed - heapBefore) / 1e6);
  return {
    dialect: dialectName,
    frames: frameCount,
    accepted,
    ticks: tickCount,
    refused: receiver.refused,
    violations,
    heapGrowthMb,
  };
}

function feedOf(dialectName: string, receiver: Receiver): DecodingFeed {
  const dialect = dialectOf(dialectName);
  let count = 0;
  const feed = dialect.createMarketFeed({
    instruments: [],
    ticks: receiver,
    rejects: receiver,
    runEpochNs: 1_700_000_000_000_000_000n,
    levelsMax: Infinity,
    snapshotLevelsMax: 0,
    tradesInTimeOrder: false,
    booksStartEmpty: true,
    resolve: (venueSymbol): Instrument | undefined =>
      count >= 64
        ? undefined
        : {
            index: count++,
            venue: dialectName,
            kind: 'spot',
            symbol: venueSymbol,
            venueSymbol,
            base: venueSymbol,
            quote: '',
            priceScale: 8,
            sizeScale: 8,
            tickMantissa: 1,
            lotMantissa: 1,
            sizeMinMantissa: 1,
            sizeMaxMantissa: Number.MAX_SAFE_INTEGER,
            notionalMinMantissa: 0,
            isTradable: false,
          },
  });
  feed.onConnected();
  return feed;
}

const HUGE = [
  '9'.repeat(400),
  '1e999',
  '0.' + '0'.repeat(300) + '1',
  '-1',
  'NaN',
  '1e-9',
  '007',
  '99999999999999999999',
];

/** One to three changes of one kind or another. */
function mutate(
  original: Uint8Array,
  corpus: readonly Uint8Array[],
  whole: (max: number) => number,
): Uint8Array {
  let frame: Buffer = Buffer.from(original);
  const changes = 1 + whole(3);
  for (let change = 0; change < changes; change++) {
    if (frame.length === 0) return frame;
    const at = whole(frame.length);
    switch (whole(16)) {
      case 0: {
        frame[at] = (frame[at] as number) ^ (1 << whole(8));
        break;
      }
      case 1:
        frame = frame.subarray(0, at);
        break;
      case 2: {
        const other = Buffer.from(corpus[whole(corpus.length)] as Uint8Array);
        frame = Buffer.concat([frame.subarray(0, at), other.subarray(whole(other.length))]);
        break;
      }
      case 3:
        frame = replaceNumber(frame, whole, HUGE[whole(HUGE.length)] ?? '');
        break;
      case 4: {
        const deep = Buffer.from('['.repeat(whole(3_000)) + '{"a":'.repeat(whole(50)));
        frame = Buffer.concat([frame.subarray(0, at), deep, frame.subarray(at)]);
        break;
      }
      case 5: {
        const bad = Buffer.from(
          [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x00]][whole(4)] as number[],
        );
        frame = Buffer.concat([frame.subarray(0, at), bad, frame.subarray(at)]);
        break;
      }
      case 6: {
        const to = Math.min(frame.length, at + 1 + whole(60));
        frame = Buffer.concat([frame.subarray(0, at), frame.subarray(to)]);
        break;
      }
      case 7: {
        const to = Math.min(frame.length, at + 1 + whole(60));
        frame = Buffer.concat([frame.subarray(0, to), frame.subarray(at, to), frame.subarray(to)]);
        break;
      }
      default:
        // A digit becomes another: valid JSON, another number.
        frame = replaceDigit(frame, at, whole);
    }
  }
  return frame;
}

function replaceNumber(frame: Buffer, whole: (max: number) => number, by: string): Buffer {
  const text = frame.toString('latin1');
  const numbers = [...text.matchAll(/\d+(\.\d+)?/g)];
  const chosen = numbers[whole(Math.max(1, numbers.length))];
  if (chosen?.index === undefined) return frame;
  const end = chosen.index + chosen[0].length;
  return Buffer.from(text.slice(0, chosen.index) + by + text.slice(end), 'latin1');
}

function replaceDigit(frame: Buffer, from: number, whole: (max: number) => number): Buffer {
  for (let at = from; at < frame.length; at++) {
    const byte = frame[at] as number;
    if (byte < 0x30 || byte > 0x39) continue;
    frame[at] = 0x30 + whole(10);
    return frame;
  }
  return frame;
}

/** What of the ticks does not stand in the frame; empty: all does. */
function wrongIn(ticks: readonly TickFields[], frame: Uint8Array, feed: DecodingFeed): string {
  const known = numbersOf(frame);
  for (const tick of ticks) {
    if (Object.values(tick).some((value) => Number.isNaN(value))) return 'NaN';
    const market = feed.markets.find(({ instrument }) => instrument.index === tick.instrumentIndex);
    if (market === undefined) return 'a tick of no market';
    const { priceScale, sizeScale } = market.instrument;
    const wanted: [number, number][] = [];
    switch (tick.kind) {
      case TickKind.Trade:
        wanted.push([tick.priceMantissa, priceScale], [tick.sizeMantissa, sizeScale]);
        if (tick.priceMantissa <= 0 || tick.sizeMantissa <= 0) return 'a trade at nothing';
        break;
      case TickKind.Level:
        // Deletes may be our own (a crossed level, one that a whole book no longer has).
        if (tick.sizeMantissa !== 0) wanted.push([tick.priceMantissa, priceScale]);
        // dYdX: crossed levels are uncrossed, the larger keeps the difference.
        if (tick.sizeMantissa !== 0 && market.instrument.venue !== 'dydx')
          wanted.push([tick.sizeMantissa, sizeScale]);
        break;
      case TickKind.Ticker:
        if ((tick.flags & TickFlag.NoBid) === 0) wanted.push([tick.priceMantissa, priceScale]);
        if ((tick.flags & TickFlag.NoAsk) === 0) wanted.push([tick.askPriceMantissa, priceScale]);
        break;
      case TickKind.Mark:
        wanted.push([tick.priceMantissa, MARK_SCALE]);
        break;
      default:
    }
    for (const [mantissa, scale] of wanted) {
      // Beyond 2^53 the number of the tick is rounded on reading it here; exactness there has tests of its own.
      if (mantissa === 0 || Math.abs(mantissa) > Number.MAX_SAFE_INTEGER) continue;
      if (!known.has(canonical(String(mantissa), -scale)))
        return `${String(mantissa)}e-${String(scale)} (tick kind ${String(tick.kind)}) is no number of the frame`;
    }
  }
  return '';
}

/** Every number of the text, in one spelling. */
function numbersOf(frame: Uint8Array): ReadonlySet<string> {
  const numbers = new Set<string>();
  for (const match of Buffer.from(frame)
    .toString('latin1')
    .matchAll(/(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?/g)) {
    const [, digits = '', fraction = '', exponent = '0'] = match;
    numbers.add(canonical(digits + fraction, Number(exponent) - fraction.length));
    // Also without its exponent: a member may follow directly behind digits.
    numbers.add(canonical(digits + fraction, -fraction.length));
  }
  return numbers;
}

function canonical(digits: string, exponent: number): string {
  const stripped = digits.replace(/^0+/, '');
  const short = stripped.replace(/0+$/, '');
  return short === '' ? '0' : `${short}e${String(exponent + stripped.length - short.length)}`;
}

/** What JSON.parse says about a frame; empty: it is JSON. */
function jsonError(frame: Uint8Array): string {
  try {
    JSON.parse(Buffer.from(frame).toString('utf8'));
    return '';
  } catch (error) {
    return String(error);
  }
}

function textOf(frame: Uint8Array): string {
  return Buffer.from(frame).toString('latin1').slice(0, 5_000);
}
