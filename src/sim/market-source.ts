/**
 * MarketSource: where prices come from. A recording of Binance depth diffs and trades becomes timed market events that
 * a venue simulator gives its own dialect. Deterministic: text in, events out, positions in nanoseconds of the
 * recording; whoever plays it owns the clock.
 *
 * Decoded once at start into typed arrays (about 110,000 level changes in 2 MB for the shipped five minutes), by
 * Binance's rules: diffs up to the snapshot's lastUpdateId are dropped, from then on each diff must follow the one
 * before (spot: U = u of the last + 1; futures: pu = u of the last). A hole is a damaged recording. Without a
 * snapshot the book starts empty at the first diff: what has not changed since then is not known and not shown.
 *
 * The market plays in a loop. At the seam it says `snapshot`: the book jumps from the last moment to the first.
 */
import { assert } from '../domain/assert.js';
import { TickwireError } from '../domain/errors.js';
import { Side } from '../domain/order.js';
import type { LevelChange, MarketEvent, PriceLevel } from '../venues/simulator-port.js';
import { parseDecimal } from '../venues/simulator-text.js';
import type { AssetMarket } from './venue-market.js';

/** Pause between the last event of a loop and the first of the next: Binance's diff interval. */
const SEAM_NS = 100_000_000;

const KIND_LEVELS = 0;
const KIND_TRADE = 1;

/** A recording, decoded. Event i is either the level changes [first, first of i+1) or the trade at `first`. */
export interface MarketRecording {
  /** As Binance spells it (BTCUSDT). A recording of several is played by its first one. */
  readonly symbol: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly instrumentIndex: number;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly eventCount: number;
  readonly kinds: Uint8Array;
  /** After the first event. */
  readonly offsetsNs: Float64Array;
  readonly firsts: Int32Array;
  readonly levelPrices: Float64Array;
  readonly levelSizes: Float64Array;
  readonly levelIsAsk: Uint8Array;
  readonly levelCount: number;
  readonly tradePrices: Float64Array;
  readonly tradeSizes: Float64Array;
  readonly tradeTakerSides: Uint8Array;
  readonly tradeCount: number;
  readonly hasSnapshot: boolean;
}

export interface DecodeOptions {
  readonly text: string;
  /** For messages. */
  readonly path: string;
  readonly instrumentIndex: number;
  readonly priceScale: number;
  readonly sizeScale: number;
}

interface DepthSnapshot {
  /** Empty: the capture does not say. */
  readonly symbol: string;
  readonly lastId: number;
  readonly bids: PriceLevel[];
  readonly asks: PriceLevel[];
}

interface DepthDiff {
  readonly firstId: number;
  readonly lastId: number;
  /** Futures only: lastId of the diff before. */
  readonly previousId: number | null;
  readonly changes: readonly LevelChange[];
}

interface TimedDiff extends DepthDiff {
  readonly recvNs: bigint;
  readonly line: number;
}

interface TimedTrade {
  readonly recvNs: bigint;
  readonly priceMantissa: number;
  readonly sizeMantissa: number;
  readonly takerSide: Side;
}

/** Decodes a recording's text. Throws RECORDING_CORRUPT with the line. */
export function decodeRecording(options: DecodeOptions): MarketRecording {
  const reader = new RecordingReader(options);
  reader.read();
  return reader.finish();
}

class RecordingReader {
  readonly #options: DecodeOptions;
  readonly #entries: (TimedDiff | TimedTrade)[] = [];
  readonly #snapshots: DepthSnapshot[] = [];
  #symbol = '';

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  read(): void {
    const { text } = this.#options;
    let lineNumber = 0;
    let start = 0;
    while (start < text.length) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      lineNumber++;
      // Four lines in five are the book ticker, which the depth diffs contain; not parsing them saves a second.
      const line = text.slice(start, end);
      if (line !== '' && !line.includes('@bookTicker')) this.#readLine(line, lineNumber);
      start = end + 1;
    }
  }

  #readLine(line: string, lineNumber: number): void {
    const outer = this.#object(this.#json(line, lineNumber), lineNumber);
    const raw = outer['raw'];
    const recv = outer['recv_ns'];
    if (typeof raw !== 'string') this.#corrupt(lineNumber, 'it has no text in "raw"');
    const isHttp = outer['dir'] === 'http';
    if (!isHttp && outer['dir'] !== 'in') return;
    const message = this.#object(this.#json(raw, lineNumber), lineNumber);
    if (isHttp) {
      this.#readSnapshot(message, outer['url'], lineNumber);
      return;
    }
    const data = 'data' in message ? this.#object(message['data'], lineNumber) : message;
    const eventName = data['e'];
    if (eventName !== 'depthUpdate' && eventName !== 'trade') return;
    if (typeof recv !== 'string' || !/^\d{1,19}$/.test(recv)) {
      this.#corrupt(lineNumber, 'it has no time in "recv_ns"');
    }
    const symbol = typeof data['s'] === 'string' ? data['s'] : '';
    if (this.#symbol === '') this.#symbol = symbol;
    if (symbol !== this.#symbol) return;
    const recvNs = BigInt(recv);
    if (eventName === 'trade') this.#readTrade(data, recvNs, lineNumber);
    else this.#readDiff(data, recvNs, lineNumber);
  }

  #readSnapshot(body: Record<string, unknown>, url: unknown, lineNumber: number): void {
    if (!('lastUpdateId' in body)) return;
    const address = typeof url === 'string' && URL.canParse(url) ? new URL(url) : null;
    this.#snapshots.push({
      symbol: address?.searchParams.get('symbol') ?? '',
      lastId: this.#integer(body['lastUpdateId'], 'lastUpdateId', lineNumber),
      bids: this.#levels(body['bids'], false, lineNumber),
      asks: this.#levels(body['asks'], true, lineNumber),
    });
  }

  #readDiff(data: Record<string, unknown>, recvNs: bigint, line: number): void {
    this.#entries.push({
      recvNs,
      line,
      firstId: this.#integer(data['U'], 'U', line),
      lastId: this.#integer(data['u'], 'u', line),
      previousId: 'pu' in data ? this.#integer(data['pu'], 'pu', line) : null,
      changes: [...this.#levels(data['b'], false, line), ...this.#levels(data['a'], true, line)],
    });
  }

  #readTrade(data: Record<string, unknown>, recvNs: bigint, line: number): void {
    // Futures streams also carry trades outside the book (X other than MARKET); they trade with nobody's order.
    if (data['X'] !== undefined && data['X'] !== 'MARKET') return;
    this.#entries.push({
      recvNs,
      priceMantissa: this.#decimal(data['p'], this.#options.priceScale, 'price', line),
      sizeMantissa: this.#decimal(data['q'], this.#options.sizeScale, 'size', line),
      takerSide: data['m'] === true ? Side.Sell : Side.Buy,
    });
  }

  /** Keeps what the book can be built from, checks the chain, packs. */
  finish(): MarketRecording {
    const snapshot = this.#snapshots.find(({ symbol }) => symbol === '' || symbol === this.#symbol);
    const kept = this.#chain(snapshot?.lastId ?? null);
    const first = kept[0];
    if (first === undefined) {
      const { path } = this.#options;
      throw new TickwireError(
        'RECORDING_CORRUPT',
        `the recording ${path} has no depth update that a book can be built from`,
        { path },
      );
    }
    const levelCount = kept.reduce((n, e) => n + ('changes' in e ? e.changes.length : 0), 0);
    const tradeCount = kept.reduce((n, e) => n + ('changes' in e ? 0 : 1), 0);
    const recording = {
      symbol: this.#symbol,
      priceScale: this.#options.priceScale,
      sizeScale: this.#options.sizeScale,
      instrumentIndex: this.#options.instrumentIndex,
      bids: (snapshot?.bids ?? []).sort((a, b) => b.priceMantissa - a.priceMantissa),
      asks: (snapshot?.asks ?? []).sort((a, b) => a.priceMantissa - b.priceMantissa),
      eventCount: kept.length,
      kinds: new Uint8Array(kept.length),
      offsetsNs: new Float64Array(kept.length),
      firsts: new Int32Array(kept.length),
      levelPrices: new Float64Array(levelCount),
      levelSizes: new Float64Array(levelCount),
      levelIsAsk: new Uint8Array(levelCount),
      levelCount,
      tradePrices: new Float64Array(tradeCount),
      tradeSizes: new Float64Array(tradeCount),
      tradeTakerSides: new Uint8Array(tradeCount),
      tradeCount,
      hasSnapshot: snapshot !== undefined,
    };
    let levelIndex = 0;
    let tradeIndex = 0;
    let offsetNs = 0;
    kept.forEach((entry, index) => {
      // Lines of two streams may be some microseconds out of order; time does not run backwards.
      offsetNs = Math.max(offsetNs, Number(entry.recvNs - first.recvNs));
      recording.offsetsNs[index] = offsetNs;
      if ('changes' in entry) {
        recording.kinds[index] = KIND_LEVELS;
        recording.firsts[index] = levelIndex;
        for (const change of entry.changes) {
          recording.levelPrices[levelIndex] = change.priceMantissa;
          recording.levelSizes[levelIndex] = change.sizeMantissa;
          recording.levelIsAsk[levelIndex] = change.isAsk ? 1 : 0;
          levelIndex++;
        }
      } else {
        recording.kinds[index] = KIND_TRADE;
        recording.firsts[index] = tradeIndex;
        recording.tradePrices[tradeIndex] = entry.priceMantissa;
        recording.tradeSizes[tradeIndex] = entry.sizeMantissa;
        recording.tradeTakerSides[tradeIndex] = entry.takerSide;
        tradeIndex++;
      }
    });
    return recording;
  }

  #chain(snapshotId: number | null): (TimedDiff | TimedTrade)[] {
    const kept: (TimedDiff | TimedTrade)[] = [];
    let lastId: number | null = null;
    for (const entry of this.#entries) {
      if (!('changes' in entry)) {
        // A trade before the first book is a trade that nobody could have taken part in.
        if (lastId !== null) kept.push(entry);
        continue;
      }
      if (lastId === null) {
        if (snapshotId !== null && entry.lastId <= snapshotId) continue;
        // Futures share their numbers among symbols: what came before is told by pu, not by U - 1.
        const before = entry.previousId ?? entry.firstId - 1;
        if (snapshotId !== null && before > snapshotId) {
          this.#corrupt(
            entry.line,
            `depth updates are missing after the snapshot: they follow ${before}, the snapshot has ${snapshotId}`,
          );
        }
      } else {
        const follows: boolean =
          entry.previousId === null ? entry.firstId === lastId + 1 : entry.previousId === lastId;
        if (!follows) {
          this.#corrupt(
            entry.line,
            `depth updates are missing: U=${entry.firstId}, last u before=${lastId}`,
          );
        }
      }
      lastId = entry.lastId;
      kept.push(entry);
    }
    return kept;
  }

  // -------------------------------------------------------------- values

  #levels(value: unknown, isAsk: boolean, line: number): LevelChange[] {
    if (!Array.isArray(value)) this.#corrupt(line, 'a side of the book is not a list');
    return value.map((level: unknown) => {
      if (!Array.isArray(level)) this.#corrupt(line, 'a price level is not a pair');
      return {
        isAsk,
        priceMantissa: this.#decimal(level[0], this.#options.priceScale, 'price', line),
        sizeMantissa: this.#decimal(level[1], this.#options.sizeScale, 'size', line),
      };
    });
  }

  #decimal(value: unknown, scale: number, name: string, line: number): number {
    if (typeof value !== 'string') this.#corrupt(line, `${name} is not a decimal in a string`);
    const mantissa = parseDecimal(value, scale);
    if (typeof mantissa === 'string') {
      this.#corrupt(line, `${name} does not fit exactly: ${value}, scale=${scale} (${mantissa})`);
    }
    const asNumber = Number(mantissa);
    if (!Number.isSafeInteger(asNumber)) this.#corrupt(line, `${name} is too large: ${value}`);
    return asNumber;
  }

  #integer(value: unknown, name: string, line: number): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      this.#corrupt(line, `${name} is not an integer`);
    }
    return value;
  }

  #json(text: string, line: number): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      this.#corrupt(line, `it is not JSON (${error instanceof Error ? error.message : ''})`);
    }
  }

  #object(value: unknown, line: number): Record<string, unknown> {
    if (typeof value !== 'object' || value === null) this.#corrupt(line, 'it is not an object');
    return value as Record<string, unknown>;
  }

  #corrupt(line: number, why: string): never {
    const { path } = this.#options;
    throw new TickwireError(
      'RECORDING_CORRUPT',
      `the recording ${path} is damaged or cut off: line ${line}: ${why}`,
      { path, line },
    );
  }
}

/** Plays a recording in a loop; positions are nanoseconds of the market's time since the first snapshot. */
export class MarketSource implements AssetMarket {
  readonly #recording: MarketRecording;
  #index = -1;
  #loopStartNs = 0;
  #loopCount = 0;

  constructor(recording: MarketRecording) {
    this.#recording = recording;
  }

  get priceScale(): number {
    return this.#recording.priceScale;
  }

  get sizeScale(): number {
    return this.#recording.sizeScale;
  }

  /** Length of one loop. */
  get periodNs(): number {
    const { eventCount, offsetsNs } = this.#recording;
    return (offsetsNs[eventCount - 1] ?? 0) + SEAM_NS;
  }

  /** Seams passed. */
  get loopCount(): number {
    return this.#loopCount;
  }

  /** Position at which `next()` is due. */
  get nextDueNs(): number {
    return (
      this.#loopStartNs + (this.#index < 0 ? 0 : (this.#recording.offsetsNs[this.#index] ?? 0))
    );
  }

  /** The next event; the first of every loop is the snapshot. */
  next(): MarketEvent {
    const recording = this.#recording;
    const index = this.#index;
    const instrumentIndex = recording.instrumentIndex;
    if (index < 0) {
      this.#index = 0;
      return { kind: 'snapshot', instrumentIndex, bids: recording.bids, asks: recording.asks };
    }
    const event = recording.kinds[index] === KIND_TRADE ? this.#trade(index) : this.#levels(index);
    this.#index++;
    if (this.#index === recording.eventCount) {
      this.#loopStartNs += this.periodNs;
      this.#loopCount++;
      this.#index = -1;
    }
    return event;
  }

  #levels(index: number): MarketEvent {
    const recording = this.#recording;
    const first = recording.firsts[index] ?? 0;
    const end = this.#levelsEnd(index);
    assert(end >= first, `level range: first=${first}, end=${end}`);
    const changes: LevelChange[] = [];
    for (let i = first; i < end; i++) {
      changes.push({
        isAsk: recording.levelIsAsk[i] === 1,
        priceMantissa: recording.levelPrices[i] ?? 0,
        sizeMantissa: recording.levelSizes[i] ?? 0,
      });
    }
    return { kind: 'levels', instrumentIndex: recording.instrumentIndex, changes };
  }

  /** The next event of the same kind starts where this one ends. */
  #levelsEnd(index: number): number {
    const { kinds, firsts, eventCount, levelCount } = this.#recording;
    for (let next = index + 1; next < eventCount; next++) {
      if (kinds[next] === KIND_LEVELS) return firsts[next] ?? 0;
    }
    return levelCount;
  }

  #trade(index: number): MarketEvent {
    const recording = this.#recording;
    const at = recording.firsts[index] ?? 0;
    return {
      kind: 'trade',
      instrumentIndex: recording.instrumentIndex,
      priceMantissa: recording.tradePrices[at] ?? 0,
      sizeMantissa: recording.tradeSizes[at] ?? 0,
      takerSide: recording.tradeTakerSides[at] === Side.Sell ? Side.Sell : Side.Buy,
    };
  }
}
