/**
 * What the tests of market feeds share: a place for ticks, a list of refusals, captured lines, and a reader that keeps
 * the best levels as a strategy would.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ErrorCode } from '#src/domain/errors.js';
import type { Instrument } from '#src/domain/instrument.js';
import { readTick, TICK_WORDS, TickFlag, TickKind } from '#src/generated/hot.js';
import type { TickFields } from '#src/generated/hot.js';
import type { FrameRejects, TickOut } from '#src/venues/venue.js';

export function instrumentNamed(
  venueSymbol: string,
  index: number,
  priceScale: number,
  sizeScale: number,
): Instrument {
  const [base = '', quote = ''] = venueSymbol.split('-');
  return {
    index,
    venue: 'coinbase',
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
    isTradable: true,
  };
}

/** Keeps every published tick as an object. */
export class TickList implements TickOut {
  readonly i32 = new Int32Array(TICK_WORDS);
  readonly ticks: TickFields[] = [];
  /** Called with each tick. */
  onTick: (tick: TickFields) => void = () => undefined;

  claim(): number {
    // What a ring leaves in a slot.
    this.i32.fill(-1);
    return 0;
  }

  publish(): void {
    const tick = {} as TickFields;
    readTick(this.i32, 0, tick);
    this.ticks.push(tick);
    this.onTick(tick);
  }

  take(): TickFields[] {
    return this.ticks.splice(0);
  }

  kinds(): number[] {
    return this.ticks.map((tick) => tick.kind);
  }
}

export class RejectList implements FrameRejects {
  readonly codes: ErrorCode[] = [];
  readonly details: string[] = [];

  reject(code: ErrorCode, detail: string): void {
    this.codes.push(code);
    this.details.push(detail);
  }

  take(): ErrorCode[] {
    this.details.length = 0;
    return this.codes.splice(0);
  }
}

export interface CapturedLine {
  readonly n: number;
  readonly recv_ns: string | null;
  readonly dir: string;
  readonly url: string | null;
  readonly raw: string;
}

export const FIXTURES = new URL('../../../test/fixtures/coinbase/', import.meta.url);
export const CAPTURE = 'cf2026_l2_trades_ticker_candles_heartbeats_seq0-599';

export function fixtureBytes(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

export function capturedLines(name: string): CapturedLine[] {
  return gunzipSync(fixtureBytes(name))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedLine);
}

/** The best levels of one instrument, kept from ticks alone. */
export class TickReader {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();
  readonly #depth: number;

  constructor(depth: number) {
    this.#depth = depth;
  }

  onTick(tick: TickFields): void {
    if (tick.kind === TickKind.SnapshotBegin) {
      this.bids.clear();
      this.asks.clear();
    } else if (tick.kind === TickKind.State && tick.sizeMantissa !== 0) {
      this.bids.clear();
      this.asks.clear();
    } else if (tick.kind === TickKind.Level) {
      const isAsk = (tick.flags & TickFlag.Ask) !== 0;
      const side = isAsk ? this.asks : this.bids;
      if (tick.sizeMantissa === 0) side.delete(tick.priceMantissa);
      else side.set(tick.priceMantissa, tick.sizeMantissa);
      for (const [price] of this.levels(isAsk).slice(this.#depth)) side.delete(price);
    }
  }

  /** Best first. */
  levels(isAsk: boolean): [number, number][] {
    return [...(isAsk ? this.asks : this.bids)].sort(([a], [b]) => (isAsk ? a - b : b - a));
  }
}
