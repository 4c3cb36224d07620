/**
 * hot: the structs of schemas/*.fbs, read and written as words of an Int32Array. Made by schemas/generate.mjs; never edited.
 * @hotpath
 *
 * `base` is the word offset of the record in `i32`. An int64 is two int32 halves, low first; as a number it is exact
 * inside ±2^53, and the `…Big` twins are for cold paths beyond it. `write…` sets every byte of the record (reserved
 * ones to 0) except the commit word, which belongs to the ring. Bytes equal those of the generated builders next door:
 * test/layout.test.ts.
 */

/** sha-256 (hex) of all schemas/*.fbs, sorted by name. */
export const SCHEMA_HASH = '4b7b89b56254e8e1ceb1cbdda221fd0b1815a4558b74263cfbfcdaa5191dadc6';
/** Its first four bytes, for region headers: two builds with different schemas cannot share memory. */
export const SCHEMA_HASH_WORD = 1266387381;
/** sha-256 (hex) of push.fbs without comments and white space. */
export const PUSH_SCHEMA_HASH = '9841ba495721046ca32283c4fed2e73852a8842d92a8986362b09de0eea991b9';
/** sha-256 (hex) of recording.fbs without comments and white space. */
export const RECORDING_SCHEMA_HASH = '60913d4dd82a2bb810dfb43d0e3fe0766900669803feb929a4a7a11d5b226b3b';
/** sha-256 (hex) of tick.fbs without comments and white space. */
export const TICK_SCHEMA_HASH = 'a7548f11de12df31de10af5c6a4634ea3df240a315807c4b7ac1af5dffcfdb7a';

const TWO_32 = 4294967296;

export const CommandKind = {
  None: 0,
  Halt: 1,
  Resume: 2,
  CancelAll: 3,
  Flatten: 4,
  Shutdown: 5,
  ReconnectFeed: 6,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

export const EventKind = {
  None: 0,
  RunStarted: 1,
  Intent: 2,
  Command: 3,
  VenueAccepted: 4,
  VenueRejected: 5,
  VenueFill: 6,
  VenueStatus: 7,
  CancelRejected: 8,
  OutcomeUnknown: 9,
  Deadline: 10,
  Mark: 11,
  MarketState: 12,
  VenueSession: 13,
  ReconcileOrder: 14,
  ReconcileBalance: 15,
  ReconcileDone: 16,
  CoreStopping: 17,
  OrderSend: 64,
  IntentRefused: 65,
  CancelSend: 66,
  OrderQuery: 67,
  OrderChanged: 68,
  FillApplied: 69,
  PositionChanged: 70,
  BalanceChanged: 71,
  TradingStateChanged: 72,
  Discrepancy: 73,
  DeadlineSet: 74,
  CommandDone: 75,
  Text: 127,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export const IntentKind = {
  None: 0,
  Place: 1,
  CancelAll: 2,
  Cancel: 3,
} as const;
export type IntentKind = (typeof IntentKind)[keyof typeof IntentKind];

export const PushBook = {
  Levels: 0,
  Quotes: 1,
} as const;
export type PushBook = (typeof PushBook)[keyof typeof PushBook];

export const RecordingKind = {
  None: 0,
  Ticks: 1,
  Frames: 2,
} as const;
export type RecordingKind = (typeof RecordingKind)[keyof typeof RecordingKind];

export const RecordingBlockKind = {
  None: 0,
  Header: 1,
  Ticks: 2,
  Frames: 3,
  Index: 4,
} as const;
export type RecordingBlockKind = (typeof RecordingBlockKind)[keyof typeof RecordingBlockKind];

export const RecordedDirection = {
  None: 0,
  In: 1,
  Out: 2,
  Connect: 3,
  Http: 4,
  Doc: 5,
  Disconnect: 6,
  Renew: 7,
  Stale: 8,
  Request: 9,
} as const;
export type RecordedDirection = (typeof RecordedDirection)[keyof typeof RecordedDirection];

export const TickKind = {
  None: 0,
  Trade: 1,
  Quote: 2,
  Level: 3,
  SnapshotBegin: 4,
  State: 5,
  Ticker: 6,
  TickerLast: 7,
  Mark: 8,
  Funding: 9,
} as const;
export type TickKind = (typeof TickKind)[keyof typeof TickKind];

/** Bits of Tick.flags. */
export const TickFlag = {
  AggressorSell: 1,
  Ask: 1,
  LastOfFrame: 2,
  NoBid: 4,
  NoAsk: 8,
  Backfill: 16,
  NoTime: 32,
} as const;
export type TickFlag = (typeof TickFlag)[keyof typeof TickFlag];

// ---- BoardLevel: 16 bytes ----

export const BOARD_LEVEL_BYTES = 16;
export const BOARD_LEVEL_WORDS = 4;

/** The fields of one BoardLevel; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardLevelFields {
  priceMantissa: number;
  sizeMantissa: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardLevel(): BoardLevelFields {
  return {
    priceMantissa: 0,
    sizeMantissa: 0,
  };
}

export function getBoardLevelPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setBoardLevelPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardLevelPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getBoardLevelPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setBoardLevelPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardLevelSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setBoardLevelSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardLevelSizeMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getBoardLevelSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setBoardLevelSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
/** Writes every byte. */
export function writeBoardLevel(i32: Int32Array, base: number, r: Readonly<BoardLevelFields>): void {
  i32[base] = r.priceMantissa | 0;
  i32[base + 1] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 2] = r.sizeMantissa | 0;
  i32[base + 3] = Math.floor(r.sizeMantissa / TWO_32) | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardLevel(i32: Int32Array, base: number, out: BoardLevelFields): void {
  out.priceMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.sizeMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardLevel(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 4; word++) i32[word] = 0;
}

// ---- BoardMarket: 768 bytes ----

export const BOARD_MARKET_BYTES = 768;
export const BOARD_MARKET_WORDS = 192;
export const BOARD_MARKET_BIDS_WORD = 0;
export const BOARD_MARKET_BIDS_COUNT = 20;
export const BOARD_MARKET_ASKS_WORD = 80;
export const BOARD_MARKET_ASKS_COUNT = 20;

/** The fields of one BoardMarket; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardMarketFields {
  lastPriceMantissa: number;
  lastSizeMantissa: number;
  /** recv time of the last trade, ns since run start */
  lastTradeNs: number;
  /** recv time of the last book change */
  bookNs: number;
  /** the venue's time of it */
  venueNs: number;
  /** 0: fresh */
  staleSinceNs: number;
  gapCount: number;
  tradeCount: number;
  /** mark or oracle price of a perpetual, MARK_SCALE decimals; 0: none */
  markPriceMantissa: number;
  /** 0: none */
  indexPriceMantissa: number;
  /** of one interval, FUNDING_SCALE decimals */
  fundingRateMantissa: number;
  /** 0: not known */
  fundingNextNs: number;
  /** recv time of the last of these; 0: never */
  markNs: number;
  /** levels in bids, at most 20 */
  bidCount: number;
  askCount: number;
  /** levels in ingest's full book */
  fullBidCount: number;
  fullAskCount: number;
  /** 0: fresh; else index of a code in domain/errors */
  staleReason: number;
  /** times that it turned fresh again after it had been, at most 65535 */
  recoveryCount: number;
  /** how long the last of these took */
  recoveryMs: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardMarket(): BoardMarketFields {
  return {
    lastPriceMantissa: 0,
    lastSizeMantissa: 0,
    lastTradeNs: 0,
    bookNs: 0,
    venueNs: 0,
    staleSinceNs: 0,
    gapCount: 0,
    tradeCount: 0,
    markPriceMantissa: 0,
    indexPriceMantissa: 0,
    fundingRateMantissa: 0,
    fundingNextNs: 0,
    markNs: 0,
    bidCount: 0,
    askCount: 0,
    fullBidCount: 0,
    fullAskCount: 0,
    staleReason: 0,
    recoveryCount: 0,
    recoveryMs: 0,
  };
}

export function getBoardMarketLastPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 161] as number) * TWO_32 + ((i32[base + 160] as number) >>> 0);
}
export function setBoardMarketLastPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 160] = value | 0;
  i32[base + 161] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketLastPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 160] = value | 0;
  i32[base + 161] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketLastPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 161] as number) << 32n) | BigInt((i32[base + 160] as number) >>> 0);
}
export function setBoardMarketLastPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 160] = Number(BigInt.asIntN(32, value));
  i32[base + 161] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketLastSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 163] as number) * TWO_32 + ((i32[base + 162] as number) >>> 0);
}
export function setBoardMarketLastSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 162] = value | 0;
  i32[base + 163] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketLastSizeMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 162] = value | 0;
  i32[base + 163] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketLastSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 163] as number) << 32n) | BigInt((i32[base + 162] as number) >>> 0);
}
export function setBoardMarketLastSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 162] = Number(BigInt.asIntN(32, value));
  i32[base + 163] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketLastTradeNs(i32: Int32Array, base: number): number {
  return (i32[base + 165] as number) * TWO_32 + ((i32[base + 164] as number) >>> 0);
}
export function setBoardMarketLastTradeNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 164] = value | 0;
  i32[base + 165] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketLastTradeNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 164] = value | 0;
  i32[base + 165] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketLastTradeNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 165] as number) << 32n) | BigInt((i32[base + 164] as number) >>> 0);
}
export function setBoardMarketLastTradeNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 164] = Number(BigInt.asIntN(32, value));
  i32[base + 165] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketBookNs(i32: Int32Array, base: number): number {
  return (i32[base + 167] as number) * TWO_32 + ((i32[base + 166] as number) >>> 0);
}
export function setBoardMarketBookNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 166] = value | 0;
  i32[base + 167] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketBookNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 166] = value | 0;
  i32[base + 167] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketBookNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 167] as number) << 32n) | BigInt((i32[base + 166] as number) >>> 0);
}
export function setBoardMarketBookNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 166] = Number(BigInt.asIntN(32, value));
  i32[base + 167] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketVenueNs(i32: Int32Array, base: number): number {
  return (i32[base + 169] as number) * TWO_32 + ((i32[base + 168] as number) >>> 0);
}
export function setBoardMarketVenueNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 168] = value | 0;
  i32[base + 169] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketVenueNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 168] = value | 0;
  i32[base + 169] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketVenueNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 169] as number) << 32n) | BigInt((i32[base + 168] as number) >>> 0);
}
export function setBoardMarketVenueNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 168] = Number(BigInt.asIntN(32, value));
  i32[base + 169] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketStaleSinceNs(i32: Int32Array, base: number): number {
  return (i32[base + 171] as number) * TWO_32 + ((i32[base + 170] as number) >>> 0);
}
export function setBoardMarketStaleSinceNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 170] = value | 0;
  i32[base + 171] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketStaleSinceNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 170] = value | 0;
  i32[base + 171] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketStaleSinceNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 171] as number) << 32n) | BigInt((i32[base + 170] as number) >>> 0);
}
export function setBoardMarketStaleSinceNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 170] = Number(BigInt.asIntN(32, value));
  i32[base + 171] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketGapCount(i32: Int32Array, base: number): number {
  return (i32[base + 173] as number) * TWO_32 + ((i32[base + 172] as number) >>> 0);
}
export function setBoardMarketGapCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 172] = value | 0;
  i32[base + 173] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketGapCountFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 172] = value | 0;
  i32[base + 173] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketGapCountBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 173] as number) << 32n) | BigInt((i32[base + 172] as number) >>> 0);
}
export function setBoardMarketGapCountBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 172] = Number(BigInt.asIntN(32, value));
  i32[base + 173] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketTradeCount(i32: Int32Array, base: number): number {
  return (i32[base + 175] as number) * TWO_32 + ((i32[base + 174] as number) >>> 0);
}
export function setBoardMarketTradeCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 174] = value | 0;
  i32[base + 175] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketTradeCountFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 174] = value | 0;
  i32[base + 175] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketTradeCountBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 175] as number) << 32n) | BigInt((i32[base + 174] as number) >>> 0);
}
export function setBoardMarketTradeCountBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 174] = Number(BigInt.asIntN(32, value));
  i32[base + 175] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketMarkPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 177] as number) * TWO_32 + ((i32[base + 176] as number) >>> 0);
}
export function setBoardMarketMarkPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 176] = value | 0;
  i32[base + 177] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketMarkPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 176] = value | 0;
  i32[base + 177] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketMarkPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 177] as number) << 32n) | BigInt((i32[base + 176] as number) >>> 0);
}
export function setBoardMarketMarkPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 176] = Number(BigInt.asIntN(32, value));
  i32[base + 177] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketIndexPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 179] as number) * TWO_32 + ((i32[base + 178] as number) >>> 0);
}
export function setBoardMarketIndexPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 178] = value | 0;
  i32[base + 179] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketIndexPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 178] = value | 0;
  i32[base + 179] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketIndexPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 179] as number) << 32n) | BigInt((i32[base + 178] as number) >>> 0);
}
export function setBoardMarketIndexPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 178] = Number(BigInt.asIntN(32, value));
  i32[base + 179] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketFundingRateMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 181] as number) * TWO_32 + ((i32[base + 180] as number) >>> 0);
}
export function setBoardMarketFundingRateMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 180] = value | 0;
  i32[base + 181] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketFundingRateMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 180] = value | 0;
  i32[base + 181] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketFundingRateMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 181] as number) << 32n) | BigInt((i32[base + 180] as number) >>> 0);
}
export function setBoardMarketFundingRateMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 180] = Number(BigInt.asIntN(32, value));
  i32[base + 181] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketFundingNextNs(i32: Int32Array, base: number): number {
  return (i32[base + 183] as number) * TWO_32 + ((i32[base + 182] as number) >>> 0);
}
export function setBoardMarketFundingNextNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 182] = value | 0;
  i32[base + 183] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketFundingNextNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 182] = value | 0;
  i32[base + 183] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketFundingNextNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 183] as number) << 32n) | BigInt((i32[base + 182] as number) >>> 0);
}
export function setBoardMarketFundingNextNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 182] = Number(BigInt.asIntN(32, value));
  i32[base + 183] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketMarkNs(i32: Int32Array, base: number): number {
  return (i32[base + 185] as number) * TWO_32 + ((i32[base + 184] as number) >>> 0);
}
export function setBoardMarketMarkNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 184] = value | 0;
  i32[base + 185] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setBoardMarketMarkNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 184] = value | 0;
  i32[base + 185] = Math.floor(value / TWO_32) | 0;
}
export function getBoardMarketMarkNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 185] as number) << 32n) | BigInt((i32[base + 184] as number) >>> 0);
}
export function setBoardMarketMarkNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 184] = Number(BigInt.asIntN(32, value));
  i32[base + 185] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardMarketBidCount(i32: Int32Array, base: number): number {
  return i32[base + 186] as number;
}
export function setBoardMarketBidCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 186] = value | 0;
}
export function getBoardMarketAskCount(i32: Int32Array, base: number): number {
  return i32[base + 187] as number;
}
export function setBoardMarketAskCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 187] = value | 0;
}
export function getBoardMarketFullBidCount(i32: Int32Array, base: number): number {
  return i32[base + 188] as number;
}
export function setBoardMarketFullBidCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 188] = value | 0;
}
export function getBoardMarketFullAskCount(i32: Int32Array, base: number): number {
  return i32[base + 189] as number;
}
export function setBoardMarketFullAskCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 189] = value | 0;
}
export function getBoardMarketStaleReason(i32: Int32Array, base: number): number {
  return (i32[base + 190] as number) & 65535;
}
export function setBoardMarketStaleReason(i32: Int32Array, base: number, value: number): void {
  i32[base + 190] = ((i32[base + 190] as number) & -65536) | (value & 65535);
}
export function getBoardMarketRecoveryCount(i32: Int32Array, base: number): number {
  return ((i32[base + 190] as number) >>> 16) & 65535;
}
export function setBoardMarketRecoveryCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 190] = ((i32[base + 190] as number) & 65535) | ((value & 65535) << 16);
}
export function getBoardMarketRecoveryMs(i32: Int32Array, base: number): number {
  return i32[base + 191] as number;
}
export function setBoardMarketRecoveryMs(i32: Int32Array, base: number, value: number): void {
  i32[base + 191] = value | 0;
}
/** Writes every byte but the arrays. */
export function writeBoardMarket(i32: Int32Array, base: number, r: Readonly<BoardMarketFields>): void {
  i32[base + 160] = r.lastPriceMantissa | 0;
  i32[base + 161] = Math.floor(r.lastPriceMantissa / TWO_32) | 0;
  i32[base + 162] = r.lastSizeMantissa | 0;
  i32[base + 163] = Math.floor(r.lastSizeMantissa / TWO_32) | 0;
  i32[base + 164] = r.lastTradeNs | 0;
  i32[base + 165] = Math.floor(r.lastTradeNs / TWO_32) | 0;
  i32[base + 166] = r.bookNs | 0;
  i32[base + 167] = Math.floor(r.bookNs / TWO_32) | 0;
  i32[base + 168] = r.venueNs | 0;
  i32[base + 169] = Math.floor(r.venueNs / TWO_32) | 0;
  i32[base + 170] = r.staleSinceNs | 0;
  i32[base + 171] = Math.floor(r.staleSinceNs / TWO_32) | 0;
  i32[base + 172] = r.gapCount | 0;
  i32[base + 173] = Math.floor(r.gapCount / TWO_32) | 0;
  i32[base + 174] = r.tradeCount | 0;
  i32[base + 175] = Math.floor(r.tradeCount / TWO_32) | 0;
  i32[base + 176] = r.markPriceMantissa | 0;
  i32[base + 177] = Math.floor(r.markPriceMantissa / TWO_32) | 0;
  i32[base + 178] = r.indexPriceMantissa | 0;
  i32[base + 179] = Math.floor(r.indexPriceMantissa / TWO_32) | 0;
  i32[base + 180] = r.fundingRateMantissa | 0;
  i32[base + 181] = Math.floor(r.fundingRateMantissa / TWO_32) | 0;
  i32[base + 182] = r.fundingNextNs | 0;
  i32[base + 183] = Math.floor(r.fundingNextNs / TWO_32) | 0;
  i32[base + 184] = r.markNs | 0;
  i32[base + 185] = Math.floor(r.markNs / TWO_32) | 0;
  i32[base + 186] = r.bidCount | 0;
  i32[base + 187] = r.askCount | 0;
  i32[base + 188] = r.fullBidCount | 0;
  i32[base + 189] = r.fullAskCount | 0;
  i32[base + 190] = (r.staleReason & 65535) | ((r.recoveryCount & 65535) << 16);
  i32[base + 191] = r.recoveryMs | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardMarket(i32: Int32Array, base: number, out: BoardMarketFields): void {
  out.lastPriceMantissa = (i32[base + 161] as number) * TWO_32 + ((i32[base + 160] as number) >>> 0);
  out.lastSizeMantissa = (i32[base + 163] as number) * TWO_32 + ((i32[base + 162] as number) >>> 0);
  out.lastTradeNs = (i32[base + 165] as number) * TWO_32 + ((i32[base + 164] as number) >>> 0);
  out.bookNs = (i32[base + 167] as number) * TWO_32 + ((i32[base + 166] as number) >>> 0);
  out.venueNs = (i32[base + 169] as number) * TWO_32 + ((i32[base + 168] as number) >>> 0);
  out.staleSinceNs = (i32[base + 171] as number) * TWO_32 + ((i32[base + 170] as number) >>> 0);
  out.gapCount = (i32[base + 173] as number) * TWO_32 + ((i32[base + 172] as number) >>> 0);
  out.tradeCount = (i32[base + 175] as number) * TWO_32 + ((i32[base + 174] as number) >>> 0);
  out.markPriceMantissa = (i32[base + 177] as number) * TWO_32 + ((i32[base + 176] as number) >>> 0);
  out.indexPriceMantissa = (i32[base + 179] as number) * TWO_32 + ((i32[base + 178] as number) >>> 0);
  out.fundingRateMantissa = (i32[base + 181] as number) * TWO_32 + ((i32[base + 180] as number) >>> 0);
  out.fundingNextNs = (i32[base + 183] as number) * TWO_32 + ((i32[base + 182] as number) >>> 0);
  out.markNs = (i32[base + 185] as number) * TWO_32 + ((i32[base + 184] as number) >>> 0);
  out.bidCount = i32[base + 186] as number;
  out.askCount = i32[base + 187] as number;
  out.fullBidCount = i32[base + 188] as number;
  out.fullAskCount = i32[base + 189] as number;
  out.staleReason = (i32[base + 190] as number) & 65535;
  out.recoveryCount = ((i32[base + 190] as number) >>> 16) & 65535;
  out.recoveryMs = i32[base + 191] as number;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardMarket(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 192; word++) i32[word] = 0;
}

// ---- BoardFair: 64 bytes ----

export const BOARD_FAIR_BYTES = 64;
export const BOARD_FAIR_WORDS = 16;

/** The fields of one BoardFair; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardFairFields {
  /** USD with FAIR_SCALE decimals; 0: none */
  priceMantissa: number;
  /** lowest and highest price that took part */
  lowMantissa: number;
  highMantissa: number;
  computedNs: number;
  /** recv time of the oldest price that took part */
  oldestNs: number;
  confidencePpm: number;
  /** bit per place: took part */
  usedMask: number;
  /** bit per place: too old or stale */
  staleMask: number;
  /** bit per place: too far from the others */
  outlierMask: number;
  /** bit per place: its quote currency has no price of its own */
  unpricedMask: number;
  /** 0: there is a price; else index of a code in domain/errors */
  reason: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardFair(): BoardFairFields {
  return {
    priceMantissa: 0,
    lowMantissa: 0,
    highMantissa: 0,
    computedNs: 0,
    oldestNs: 0,
    confidencePpm: 0,
    usedMask: 0,
    staleMask: 0,
    outlierMask: 0,
    unpricedMask: 0,
    reason: 0,
  };
}

export function getBoardFairPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setBoardFairPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getBoardFairPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setBoardFairPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardFairLowMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setBoardFairLowMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getBoardFairLowMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setBoardFairLowMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardFairHighMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setBoardFairHighMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getBoardFairHighMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setBoardFairHighMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardFairComputedNs(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setBoardFairComputedNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getBoardFairComputedNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setBoardFairComputedNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardFairOldestNs(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setBoardFairOldestNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getBoardFairOldestNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setBoardFairOldestNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardFairConfidencePpm(i32: Int32Array, base: number): number {
  return i32[base + 10] as number;
}
export function setBoardFairConfidencePpm(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
}
export function getBoardFairUsedMask(i32: Int32Array, base: number): number {
  return i32[base + 11] as number;
}
export function setBoardFairUsedMask(i32: Int32Array, base: number, value: number): void {
  i32[base + 11] = value | 0;
}
export function getBoardFairStaleMask(i32: Int32Array, base: number): number {
  return i32[base + 12] as number;
}
export function setBoardFairStaleMask(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
}
export function getBoardFairOutlierMask(i32: Int32Array, base: number): number {
  return i32[base + 13] as number;
}
export function setBoardFairOutlierMask(i32: Int32Array, base: number, value: number): void {
  i32[base + 13] = value | 0;
}
export function getBoardFairUnpricedMask(i32: Int32Array, base: number): number {
  return i32[base + 14] as number;
}
export function setBoardFairUnpricedMask(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = value | 0;
}
export function getBoardFairReason(i32: Int32Array, base: number): number {
  return i32[base + 15] as number;
}
export function setBoardFairReason(i32: Int32Array, base: number, value: number): void {
  i32[base + 15] = value | 0;
}
/** Writes every byte. */
export function writeBoardFair(i32: Int32Array, base: number, r: Readonly<BoardFairFields>): void {
  i32[base] = r.priceMantissa | 0;
  i32[base + 1] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 2] = r.lowMantissa | 0;
  i32[base + 3] = Math.floor(r.lowMantissa / TWO_32) | 0;
  i32[base + 4] = r.highMantissa | 0;
  i32[base + 5] = Math.floor(r.highMantissa / TWO_32) | 0;
  i32[base + 6] = r.computedNs | 0;
  i32[base + 7] = Math.floor(r.computedNs / TWO_32) | 0;
  i32[base + 8] = r.oldestNs | 0;
  i32[base + 9] = Math.floor(r.oldestNs / TWO_32) | 0;
  i32[base + 10] = r.confidencePpm | 0;
  i32[base + 11] = r.usedMask | 0;
  i32[base + 12] = r.staleMask | 0;
  i32[base + 13] = r.outlierMask | 0;
  i32[base + 14] = r.unpricedMask | 0;
  i32[base + 15] = r.reason | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardFair(i32: Int32Array, base: number, out: BoardFairFields): void {
  out.priceMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.lowMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.highMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.computedNs = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.oldestNs = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.confidencePpm = i32[base + 10] as number;
  out.usedMask = i32[base + 11] as number;
  out.staleMask = i32[base + 12] as number;
  out.outlierMask = i32[base + 13] as number;
  out.unpricedMask = i32[base + 14] as number;
  out.reason = i32[base + 15] as number;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardFair(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 16; word++) i32[word] = 0;
}

// ---- BoardPosition: 64 bytes ----

export const BOARD_POSITION_BYTES = 64;
export const BOARD_POSITION_WORDS = 16;

/** The fields of one BoardPosition; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardPositionFields {
  sizeMantissa: number;
  avgEntryPriceMantissa: number;
  costMantissa: number;
  /** money at priceScale + sizeScale */
  realizedMantissa: number;
  feesMantissa: number;
  fillCount: number;
  openOrderCount: number;
  updatedNs: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardPosition(): BoardPositionFields {
  return {
    sizeMantissa: 0,
    avgEntryPriceMantissa: 0,
    costMantissa: 0,
    realizedMantissa: 0,
    feesMantissa: 0,
    fillCount: 0,
    openOrderCount: 0,
    updatedNs: 0,
  };
}

export function getBoardPositionSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setBoardPositionSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setBoardPositionSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionAvgEntryPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setBoardPositionAvgEntryPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionAvgEntryPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setBoardPositionAvgEntryPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionCostMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setBoardPositionCostMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionCostMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setBoardPositionCostMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionRealizedMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setBoardPositionRealizedMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionRealizedMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setBoardPositionRealizedMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionFeesMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setBoardPositionFeesMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionFeesMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setBoardPositionFeesMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionFillCount(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setBoardPositionFillCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionFillCountBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setBoardPositionFillCountBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionOpenOrderCount(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
}
export function setBoardPositionOpenOrderCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionOpenOrderCountBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 13] as number) << 32n) | BigInt((i32[base + 12] as number) >>> 0);
}
export function setBoardPositionOpenOrderCountBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 12] = Number(BigInt.asIntN(32, value));
  i32[base + 13] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPositionUpdatedNs(i32: Int32Array, base: number): number {
  return (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
}
export function setBoardPositionUpdatedNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = value | 0;
  i32[base + 15] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPositionUpdatedNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 15] as number) << 32n) | BigInt((i32[base + 14] as number) >>> 0);
}
export function setBoardPositionUpdatedNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 14] = Number(BigInt.asIntN(32, value));
  i32[base + 15] = Number(BigInt.asIntN(32, value >> 32n));
}
/** Writes every byte. */
export function writeBoardPosition(i32: Int32Array, base: number, r: Readonly<BoardPositionFields>): void {
  i32[base] = r.sizeMantissa | 0;
  i32[base + 1] = Math.floor(r.sizeMantissa / TWO_32) | 0;
  i32[base + 2] = r.avgEntryPriceMantissa | 0;
  i32[base + 3] = Math.floor(r.avgEntryPriceMantissa / TWO_32) | 0;
  i32[base + 4] = r.costMantissa | 0;
  i32[base + 5] = Math.floor(r.costMantissa / TWO_32) | 0;
  i32[base + 6] = r.realizedMantissa | 0;
  i32[base + 7] = Math.floor(r.realizedMantissa / TWO_32) | 0;
  i32[base + 8] = r.feesMantissa | 0;
  i32[base + 9] = Math.floor(r.feesMantissa / TWO_32) | 0;
  i32[base + 10] = r.fillCount | 0;
  i32[base + 11] = Math.floor(r.fillCount / TWO_32) | 0;
  i32[base + 12] = r.openOrderCount | 0;
  i32[base + 13] = Math.floor(r.openOrderCount / TWO_32) | 0;
  i32[base + 14] = r.updatedNs | 0;
  i32[base + 15] = Math.floor(r.updatedNs / TWO_32) | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardPosition(i32: Int32Array, base: number, out: BoardPositionFields): void {
  out.sizeMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.avgEntryPriceMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.costMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.realizedMantissa = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.feesMantissa = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.fillCount = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.openOrderCount = (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
  out.updatedNs = (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardPosition(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 16; word++) i32[word] = 0;
}

// ---- BoardPortfolio: 48 bytes ----

export const BOARD_PORTFOLIO_BYTES = 48;
export const BOARD_PORTFOLIO_WORDS = 12;

/** The fields of one BoardPortfolio; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardPortfolioFields {
  /** quote currency, at money_scale */
  cashMantissa: number;
  equityMantissa: number;
  exposureMantissa: number;
  updatedNs: number;
  moneyScale: number;
  /** 1 active, 2 reducing, 3 halted */
  tradingState: number;
  reason: number;
  openOrderCount: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardPortfolio(): BoardPortfolioFields {
  return {
    cashMantissa: 0,
    equityMantissa: 0,
    exposureMantissa: 0,
    updatedNs: 0,
    moneyScale: 0,
    tradingState: 0,
    reason: 0,
    openOrderCount: 0,
  };
}

export function getBoardPortfolioCashMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setBoardPortfolioCashMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPortfolioCashMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setBoardPortfolioCashMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPortfolioEquityMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setBoardPortfolioEquityMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPortfolioEquityMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setBoardPortfolioEquityMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPortfolioExposureMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setBoardPortfolioExposureMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPortfolioExposureMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setBoardPortfolioExposureMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPortfolioUpdatedNs(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setBoardPortfolioUpdatedNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getBoardPortfolioUpdatedNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setBoardPortfolioUpdatedNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardPortfolioMoneyScale(i32: Int32Array, base: number): number {
  return i32[base + 8] as number;
}
export function setBoardPortfolioMoneyScale(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
}
export function getBoardPortfolioTradingState(i32: Int32Array, base: number): number {
  return i32[base + 9] as number;
}
export function setBoardPortfolioTradingState(i32: Int32Array, base: number, value: number): void {
  i32[base + 9] = value | 0;
}
export function getBoardPortfolioReason(i32: Int32Array, base: number): number {
  return i32[base + 10] as number;
}
export function setBoardPortfolioReason(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
}
export function getBoardPortfolioOpenOrderCount(i32: Int32Array, base: number): number {
  return i32[base + 11] as number;
}
export function setBoardPortfolioOpenOrderCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 11] = value | 0;
}
/** Writes every byte. */
export function writeBoardPortfolio(i32: Int32Array, base: number, r: Readonly<BoardPortfolioFields>): void {
  i32[base] = r.cashMantissa | 0;
  i32[base + 1] = Math.floor(r.cashMantissa / TWO_32) | 0;
  i32[base + 2] = r.equityMantissa | 0;
  i32[base + 3] = Math.floor(r.equityMantissa / TWO_32) | 0;
  i32[base + 4] = r.exposureMantissa | 0;
  i32[base + 5] = Math.floor(r.exposureMantissa / TWO_32) | 0;
  i32[base + 6] = r.updatedNs | 0;
  i32[base + 7] = Math.floor(r.updatedNs / TWO_32) | 0;
  i32[base + 8] = r.moneyScale | 0;
  i32[base + 9] = r.tradingState | 0;
  i32[base + 10] = r.reason | 0;
  i32[base + 11] = r.openOrderCount | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardPortfolio(i32: Int32Array, base: number, out: BoardPortfolioFields): void {
  out.cashMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.equityMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.exposureMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.updatedNs = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.moneyScale = i32[base + 8] as number;
  out.tradingState = i32[base + 9] as number;
  out.reason = i32[base + 10] as number;
  out.openOrderCount = i32[base + 11] as number;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardPortfolio(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 12; word++) i32[word] = 0;
}

// ---- BoardHeartbeat: 24 bytes ----

export const BOARD_HEARTBEAT_BYTES = 24;
export const BOARD_HEARTBEAT_WORDS = 6;

/** The fields of one BoardHeartbeat; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface BoardHeartbeatFields {
  beatNs: number;
  cycleCount: number;
  threadId: number;
  /** 0 none, 1 starting, 2 running, 3 stopping, 4 stopped, 5 failed */
  state: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankBoardHeartbeat(): BoardHeartbeatFields {
  return {
    beatNs: 0,
    cycleCount: 0,
    threadId: 0,
    state: 0,
  };
}

export function getBoardHeartbeatBeatNs(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setBoardHeartbeatBeatNs(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getBoardHeartbeatBeatNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setBoardHeartbeatBeatNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardHeartbeatCycleCount(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setBoardHeartbeatCycleCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getBoardHeartbeatCycleCountBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setBoardHeartbeatCycleCountBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getBoardHeartbeatThreadId(i32: Int32Array, base: number): number {
  return i32[base + 4] as number;
}
export function setBoardHeartbeatThreadId(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
}
export function getBoardHeartbeatState(i32: Int32Array, base: number): number {
  return i32[base + 5] as number;
}
export function setBoardHeartbeatState(i32: Int32Array, base: number, value: number): void {
  i32[base + 5] = value | 0;
}
/** Writes every byte. */
export function writeBoardHeartbeat(i32: Int32Array, base: number, r: Readonly<BoardHeartbeatFields>): void {
  i32[base] = r.beatNs | 0;
  i32[base + 1] = Math.floor(r.beatNs / TWO_32) | 0;
  i32[base + 2] = r.cycleCount | 0;
  i32[base + 3] = Math.floor(r.cycleCount / TWO_32) | 0;
  i32[base + 4] = r.threadId | 0;
  i32[base + 5] = r.state | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readBoardHeartbeat(i32: Int32Array, base: number, out: BoardHeartbeatFields): void {
  out.beatNs = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.cycleCount = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.threadId = i32[base + 4] as number;
  out.state = i32[base + 5] as number;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearBoardHeartbeat(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 6; word++) i32[word] = 0;
}

// ---- Command: 128 bytes ----

export const COMMAND_BYTES = 128;
export const COMMAND_WORDS = 32;
/** Where the ring's commit word stands in the record. */
export const COMMAND_COMMIT_WORD = 31;

/** The fields of one Command; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface CommandFields {
  /** counts from 1 in the writer; answered by the event that carries it as ref_seq */
  commandSeq: number;
  emitNs: number;
  value0: number;
  value1: number;
  value2: number;
  value3: number;
  value4: number;
  value5: number;
  value6: number;
  value7: number;
  value8: number;
  value9: number;
  value10: number;
  value11: number;
  instrumentIndex: number;
  strategyIndex: number;
  kind: number;
  /** 1 api, 2 dashboard, 3 signal handler, 4 supervisor */
  source: number;
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankCommand(): CommandFields {
  return {
    commandSeq: 0,
    emitNs: 0,
    value0: 0,
    value1: 0,
    value2: 0,
    value3: 0,
    value4: 0,
    value5: 0,
    value6: 0,
    value7: 0,
    value8: 0,
    value9: 0,
    value10: 0,
    value11: 0,
    instrumentIndex: 0,
    strategyIndex: 0,
    kind: 0,
    source: 0,
    flags: 0,
  };
}

export function getCommandCommandSeq(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setCommandCommandSeq(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getCommandCommandSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setCommandCommandSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandEmitNs(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setCommandEmitNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getCommandEmitNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setCommandEmitNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue0(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setCommandValue0(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue0Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setCommandValue0Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue1(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setCommandValue1(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue1Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setCommandValue1Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue2(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setCommandValue2(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue2Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setCommandValue2Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue3(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setCommandValue3(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue3Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setCommandValue3Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue4(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
}
export function setCommandValue4(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue4Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 13] as number) << 32n) | BigInt((i32[base + 12] as number) >>> 0);
}
export function setCommandValue4Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 12] = Number(BigInt.asIntN(32, value));
  i32[base + 13] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue5(i32: Int32Array, base: number): number {
  return (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
}
export function setCommandValue5(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = value | 0;
  i32[base + 15] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue5Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 15] as number) << 32n) | BigInt((i32[base + 14] as number) >>> 0);
}
export function setCommandValue5Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 14] = Number(BigInt.asIntN(32, value));
  i32[base + 15] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue6(i32: Int32Array, base: number): number {
  return (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
}
export function setCommandValue6(i32: Int32Array, base: number, value: number): void {
  i32[base + 16] = value | 0;
  i32[base + 17] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue6Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 17] as number) << 32n) | BigInt((i32[base + 16] as number) >>> 0);
}
export function setCommandValue6Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 16] = Number(BigInt.asIntN(32, value));
  i32[base + 17] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue7(i32: Int32Array, base: number): number {
  return (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
}
export function setCommandValue7(i32: Int32Array, base: number, value: number): void {
  i32[base + 18] = value | 0;
  i32[base + 19] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue7Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 19] as number) << 32n) | BigInt((i32[base + 18] as number) >>> 0);
}
export function setCommandValue7Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 18] = Number(BigInt.asIntN(32, value));
  i32[base + 19] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue8(i32: Int32Array, base: number): number {
  return (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
}
export function setCommandValue8(i32: Int32Array, base: number, value: number): void {
  i32[base + 20] = value | 0;
  i32[base + 21] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue8Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 21] as number) << 32n) | BigInt((i32[base + 20] as number) >>> 0);
}
export function setCommandValue8Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 20] = Number(BigInt.asIntN(32, value));
  i32[base + 21] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue9(i32: Int32Array, base: number): number {
  return (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
}
export function setCommandValue9(i32: Int32Array, base: number, value: number): void {
  i32[base + 22] = value | 0;
  i32[base + 23] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue9Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 23] as number) << 32n) | BigInt((i32[base + 22] as number) >>> 0);
}
export function setCommandValue9Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 22] = Number(BigInt.asIntN(32, value));
  i32[base + 23] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue10(i32: Int32Array, base: number): number {
  return (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
}
export function setCommandValue10(i32: Int32Array, base: number, value: number): void {
  i32[base + 24] = value | 0;
  i32[base + 25] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue10Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 25] as number) << 32n) | BigInt((i32[base + 24] as number) >>> 0);
}
export function setCommandValue10Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 24] = Number(BigInt.asIntN(32, value));
  i32[base + 25] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandValue11(i32: Int32Array, base: number): number {
  return (i32[base + 27] as number) * TWO_32 + ((i32[base + 26] as number) >>> 0);
}
export function setCommandValue11(i32: Int32Array, base: number, value: number): void {
  i32[base + 26] = value | 0;
  i32[base + 27] = Math.floor(value / TWO_32) | 0;
}
export function getCommandValue11Big(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 27] as number) << 32n) | BigInt((i32[base + 26] as number) >>> 0);
}
export function setCommandValue11Big(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 26] = Number(BigInt.asIntN(32, value));
  i32[base + 27] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getCommandInstrumentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 28] as number) & 65535;
}
export function setCommandInstrumentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & -65536) | (value & 65535);
}
export function getCommandStrategyIndex(i32: Int32Array, base: number): number {
  return ((i32[base + 28] as number) >>> 16) & 65535;
}
export function setCommandStrategyIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & 65535) | ((value & 65535) << 16);
}
export function getCommandKind(i32: Int32Array, base: number): number {
  return (i32[base + 29] as number) & 255;
}
export function setCommandKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -256) | (value & 255);
}
export function getCommandSource(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 8) & 255;
}
export function setCommandSource(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -65281) | ((value & 255) << 8);
}
export function getCommandFlags(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 16) & 255;
}
export function setCommandFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -16711681) | ((value & 255) << 16);
}
/** Writes every byte but the commit word. */
export function writeCommand(i32: Int32Array, base: number, r: Readonly<CommandFields>): void {
  i32[base] = r.commandSeq | 0;
  i32[base + 1] = Math.floor(r.commandSeq / TWO_32) | 0;
  i32[base + 2] = r.emitNs | 0;
  i32[base + 3] = Math.floor(r.emitNs / TWO_32) | 0;
  i32[base + 4] = r.value0 | 0;
  i32[base + 5] = Math.floor(r.value0 / TWO_32) | 0;
  i32[base + 6] = r.value1 | 0;
  i32[base + 7] = Math.floor(r.value1 / TWO_32) | 0;
  i32[base + 8] = r.value2 | 0;
  i32[base + 9] = Math.floor(r.value2 / TWO_32) | 0;
  i32[base + 10] = r.value3 | 0;
  i32[base + 11] = Math.floor(r.value3 / TWO_32) | 0;
  i32[base + 12] = r.value4 | 0;
  i32[base + 13] = Math.floor(r.value4 / TWO_32) | 0;
  i32[base + 14] = r.value5 | 0;
  i32[base + 15] = Math.floor(r.value5 / TWO_32) | 0;
  i32[base + 16] = r.value6 | 0;
  i32[base + 17] = Math.floor(r.value6 / TWO_32) | 0;
  i32[base + 18] = r.value7 | 0;
  i32[base + 19] = Math.floor(r.value7 / TWO_32) | 0;
  i32[base + 20] = r.value8 | 0;
  i32[base + 21] = Math.floor(r.value8 / TWO_32) | 0;
  i32[base + 22] = r.value9 | 0;
  i32[base + 23] = Math.floor(r.value9 / TWO_32) | 0;
  i32[base + 24] = r.value10 | 0;
  i32[base + 25] = Math.floor(r.value10 / TWO_32) | 0;
  i32[base + 26] = r.value11 | 0;
  i32[base + 27] = Math.floor(r.value11 / TWO_32) | 0;
  i32[base + 28] = (r.instrumentIndex & 65535) | ((r.strategyIndex & 65535) << 16);
  i32[base + 29] = (r.kind & 255) | ((r.source & 255) << 8) | ((r.flags & 255) << 16);
  i32[base + 30] = 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readCommand(i32: Int32Array, base: number, out: CommandFields): void {
  out.commandSeq = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.emitNs = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.value0 = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.value1 = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.value2 = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.value3 = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.value4 = (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
  out.value5 = (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
  out.value6 = (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
  out.value7 = (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
  out.value8 = (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
  out.value9 = (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
  out.value10 = (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
  out.value11 = (i32[base + 27] as number) * TWO_32 + ((i32[base + 26] as number) >>> 0);
  out.instrumentIndex = (i32[base + 28] as number) & 65535;
  out.strategyIndex = ((i32[base + 28] as number) >>> 16) & 65535;
  out.kind = (i32[base + 29] as number) & 255;
  out.source = ((i32[base + 29] as number) >>> 8) & 255;
  out.flags = ((i32[base + 29] as number) >>> 16) & 255;
}
/** Zeroes the record but the commit word: a claimed slot holds whatever was there before. */
export function clearCommand(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 31; word++) i32[word] = 0;
}

// ---- Event: 128 bytes ----

export const EVENT_BYTES = 128;
export const EVENT_WORDS = 32;
/** Where the ring's commit word stands in the record. */
export const EVENT_COMMIT_WORD = 31;

/** The fields of one Event; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface EventFields {
  /** of the journal, from 1, over all runs */
  seq: number;
  /** the core's time, ns since run start */
  nowNs: number;
  /** run number * 2^32 + number in the run; 0: none */
  orderSeq: number;
  priceMantissa: number;
  sizeMantissa: number;
  cumSizeMantissa: number;
  /** money: mantissa at priceScale + sizeScale */
  valueMantissa: number;
  /** money: mantissa at priceScale + sizeScale */
  feeMantissa: number;
  /** identifies a fill at its venue (53 bits of a hash of the venue's id) */
  fillKey: number;
  /** the input that caused this output; for Text: the record it belongs to */
  refSeq: number;
  tickRecvNs: number;
  tickVenueNs: number;
  emitNs: number;
  aux: number;
  instrumentIndex: number;
  strategyIndex: number;
  /** index of a code in domain/errors */
  reason: number;
  kind: number;
  side: number;
  orderType: number;
  timeInForce: number;
  state: number;
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankEvent(): EventFields {
  return {
    seq: 0,
    nowNs: 0,
    orderSeq: 0,
    priceMantissa: 0,
    sizeMantissa: 0,
    cumSizeMantissa: 0,
    valueMantissa: 0,
    feeMantissa: 0,
    fillKey: 0,
    refSeq: 0,
    tickRecvNs: 0,
    tickVenueNs: 0,
    emitNs: 0,
    aux: 0,
    instrumentIndex: 0,
    strategyIndex: 0,
    reason: 0,
    kind: 0,
    side: 0,
    orderType: 0,
    timeInForce: 0,
    state: 0,
    flags: 0,
  };
}

export function getEventSeq(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setEventSeq(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getEventSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setEventSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventNowNs(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setEventNowNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getEventNowNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setEventNowNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventOrderSeq(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setEventOrderSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getEventOrderSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setEventOrderSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setEventPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getEventPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setEventPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setEventSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getEventSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setEventSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventCumSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setEventCumSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getEventCumSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setEventCumSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventValueMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
}
export function setEventValueMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
export function getEventValueMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 13] as number) << 32n) | BigInt((i32[base + 12] as number) >>> 0);
}
export function setEventValueMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 12] = Number(BigInt.asIntN(32, value));
  i32[base + 13] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventFeeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
}
export function setEventFeeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = value | 0;
  i32[base + 15] = Math.floor(value / TWO_32) | 0;
}
export function getEventFeeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 15] as number) << 32n) | BigInt((i32[base + 14] as number) >>> 0);
}
export function setEventFeeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 14] = Number(BigInt.asIntN(32, value));
  i32[base + 15] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventFillKey(i32: Int32Array, base: number): number {
  return (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
}
export function setEventFillKey(i32: Int32Array, base: number, value: number): void {
  i32[base + 16] = value | 0;
  i32[base + 17] = Math.floor(value / TWO_32) | 0;
}
export function getEventFillKeyBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 17] as number) << 32n) | BigInt((i32[base + 16] as number) >>> 0);
}
export function setEventFillKeyBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 16] = Number(BigInt.asIntN(32, value));
  i32[base + 17] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventRefSeq(i32: Int32Array, base: number): number {
  return (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
}
export function setEventRefSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 18] = value | 0;
  i32[base + 19] = Math.floor(value / TWO_32) | 0;
}
export function getEventRefSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 19] as number) << 32n) | BigInt((i32[base + 18] as number) >>> 0);
}
export function setEventRefSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 18] = Number(BigInt.asIntN(32, value));
  i32[base + 19] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventTickRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
}
export function setEventTickRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 20] = value | 0;
  i32[base + 21] = Math.floor(value / TWO_32) | 0;
}
export function getEventTickRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 21] as number) << 32n) | BigInt((i32[base + 20] as number) >>> 0);
}
export function setEventTickRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 20] = Number(BigInt.asIntN(32, value));
  i32[base + 21] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventTickVenueNs(i32: Int32Array, base: number): number {
  return (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
}
export function setEventTickVenueNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 22] = value | 0;
  i32[base + 23] = Math.floor(value / TWO_32) | 0;
}
export function getEventTickVenueNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 23] as number) << 32n) | BigInt((i32[base + 22] as number) >>> 0);
}
export function setEventTickVenueNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 22] = Number(BigInt.asIntN(32, value));
  i32[base + 23] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventEmitNs(i32: Int32Array, base: number): number {
  return (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
}
export function setEventEmitNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 24] = value | 0;
  i32[base + 25] = Math.floor(value / TWO_32) | 0;
}
export function getEventEmitNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 25] as number) << 32n) | BigInt((i32[base + 24] as number) >>> 0);
}
export function setEventEmitNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 24] = Number(BigInt.asIntN(32, value));
  i32[base + 25] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventAux(i32: Int32Array, base: number): number {
  return (i32[base + 27] as number) * TWO_32 + ((i32[base + 26] as number) >>> 0);
}
export function setEventAux(i32: Int32Array, base: number, value: number): void {
  i32[base + 26] = value | 0;
  i32[base + 27] = Math.floor(value / TWO_32) | 0;
}
export function getEventAuxBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 27] as number) << 32n) | BigInt((i32[base + 26] as number) >>> 0);
}
export function setEventAuxBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 26] = Number(BigInt.asIntN(32, value));
  i32[base + 27] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventInstrumentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 28] as number) & 65535;
}
export function setEventInstrumentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & -65536) | (value & 65535);
}
export function getEventStrategyIndex(i32: Int32Array, base: number): number {
  return ((i32[base + 28] as number) >>> 16) & 65535;
}
export function setEventStrategyIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & 65535) | ((value & 65535) << 16);
}
export function getEventReason(i32: Int32Array, base: number): number {
  return (i32[base + 29] as number) & 65535;
}
export function setEventReason(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -65536) | (value & 65535);
}
export function getEventKind(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 16) & 255;
}
export function setEventKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -16711681) | ((value & 255) << 16);
}
export function getEventSide(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 24) & 255;
}
export function setEventSide(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & 16777215) | ((value & 255) << 24);
}
export function getEventOrderType(i32: Int32Array, base: number): number {
  return (i32[base + 30] as number) & 255;
}
export function setEventOrderType(i32: Int32Array, base: number, value: number): void {
  i32[base + 30] = ((i32[base + 30] as number) & -256) | (value & 255);
}
export function getEventTimeInForce(i32: Int32Array, base: number): number {
  return ((i32[base + 30] as number) >>> 8) & 255;
}
export function setEventTimeInForce(i32: Int32Array, base: number, value: number): void {
  i32[base + 30] = ((i32[base + 30] as number) & -65281) | ((value & 255) << 8);
}
export function getEventState(i32: Int32Array, base: number): number {
  return ((i32[base + 30] as number) >>> 16) & 255;
}
export function setEventState(i32: Int32Array, base: number, value: number): void {
  i32[base + 30] = ((i32[base + 30] as number) & -16711681) | ((value & 255) << 16);
}
export function getEventFlags(i32: Int32Array, base: number): number {
  return ((i32[base + 30] as number) >>> 24) & 255;
}
export function setEventFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 30] = ((i32[base + 30] as number) & 16777215) | ((value & 255) << 24);
}
/** Writes every byte but the commit word. */
export function writeEvent(i32: Int32Array, base: number, r: Readonly<EventFields>): void {
  i32[base] = r.seq | 0;
  i32[base + 1] = Math.floor(r.seq / TWO_32) | 0;
  i32[base + 2] = r.nowNs | 0;
  i32[base + 3] = Math.floor(r.nowNs / TWO_32) | 0;
  i32[base + 4] = r.orderSeq | 0;
  i32[base + 5] = Math.floor(r.orderSeq / TWO_32) | 0;
  i32[base + 6] = r.priceMantissa | 0;
  i32[base + 7] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 8] = r.sizeMantissa | 0;
  i32[base + 9] = Math.floor(r.sizeMantissa / TWO_32) | 0;
  i32[base + 10] = r.cumSizeMantissa | 0;
  i32[base + 11] = Math.floor(r.cumSizeMantissa / TWO_32) | 0;
  i32[base + 12] = r.valueMantissa | 0;
  i32[base + 13] = Math.floor(r.valueMantissa / TWO_32) | 0;
  i32[base + 14] = r.feeMantissa | 0;
  i32[base + 15] = Math.floor(r.feeMantissa / TWO_32) | 0;
  i32[base + 16] = r.fillKey | 0;
  i32[base + 17] = Math.floor(r.fillKey / TWO_32) | 0;
  i32[base + 18] = r.refSeq | 0;
  i32[base + 19] = Math.floor(r.refSeq / TWO_32) | 0;
  i32[base + 20] = r.tickRecvNs | 0;
  i32[base + 21] = Math.floor(r.tickRecvNs / TWO_32) | 0;
  i32[base + 22] = r.tickVenueNs | 0;
  i32[base + 23] = Math.floor(r.tickVenueNs / TWO_32) | 0;
  i32[base + 24] = r.emitNs | 0;
  i32[base + 25] = Math.floor(r.emitNs / TWO_32) | 0;
  i32[base + 26] = r.aux | 0;
  i32[base + 27] = Math.floor(r.aux / TWO_32) | 0;
  i32[base + 28] = (r.instrumentIndex & 65535) | ((r.strategyIndex & 65535) << 16);
  i32[base + 29] = (r.reason & 65535) | ((r.kind & 255) << 16) | ((r.side & 255) << 24);
  i32[base + 30] = (r.orderType & 255) | ((r.timeInForce & 255) << 8) | ((r.state & 255) << 16) | ((r.flags & 255) << 24);
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readEvent(i32: Int32Array, base: number, out: EventFields): void {
  out.seq = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.nowNs = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.orderSeq = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.priceMantissa = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.sizeMantissa = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.cumSizeMantissa = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.valueMantissa = (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
  out.feeMantissa = (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
  out.fillKey = (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
  out.refSeq = (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
  out.tickRecvNs = (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
  out.tickVenueNs = (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
  out.emitNs = (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
  out.aux = (i32[base + 27] as number) * TWO_32 + ((i32[base + 26] as number) >>> 0);
  out.instrumentIndex = (i32[base + 28] as number) & 65535;
  out.strategyIndex = ((i32[base + 28] as number) >>> 16) & 65535;
  out.reason = (i32[base + 29] as number) & 65535;
  out.kind = ((i32[base + 29] as number) >>> 16) & 255;
  out.side = ((i32[base + 29] as number) >>> 24) & 255;
  out.orderType = (i32[base + 30] as number) & 255;
  out.timeInForce = ((i32[base + 30] as number) >>> 8) & 255;
  out.state = ((i32[base + 30] as number) >>> 16) & 255;
  out.flags = ((i32[base + 30] as number) >>> 24) & 255;
}
/** Zeroes the record but the commit word: a claimed slot holds whatever was there before. */
export function clearEvent(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 31; word++) i32[word] = 0;
}

// ---- EventText: 128 bytes ----

export const EVENT_TEXT_BYTES = 128;
export const EVENT_TEXT_WORDS = 32;
/** Where the ring's commit word stands in the record. */
export const EVENT_TEXT_COMMIT_WORD = 31;
export const EVENT_TEXT_TEXT_WORD = 4;
export const EVENT_TEXT_TEXT_BYTES = 96;

const textScratch = new Uint8Array(96);
const textEncoder = new TextEncoder();
/** Cold path. Writes the text as UTF-8, cut at a whole character, padded with zeros; returns the bytes of text. */
export function writeEventTextText(i32: Int32Array, base: number, text: string): number {
  textScratch.fill(0);
  const { written } = textEncoder.encodeInto(text, textScratch);
  new Uint8Array(i32.buffer, i32.byteOffset + (base + EVENT_TEXT_TEXT_WORD) * 4, 96).set(textScratch);
  return written;
}
/** Cold path. */
export function readEventTextText(i32: Int32Array, base: number, byteCount: number): string {
  const bytes = new Uint8Array(i32.buffer, i32.byteOffset + (base + EVENT_TEXT_TEXT_WORD) * 4, 96);
  // Copied first: a decoder may refuse shared memory.
  return Buffer.from(bytes.slice(0, Math.min(Math.max(byteCount, 0), 96))).toString('utf8');
}

/** The fields of one EventText; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface EventTextFields {
  /** seq of the record it belongs to */
  refSeq: number;
  orderSeq: number;
  textBytes: number;
  textKind: number;
  /** Text */
  kind: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankEventText(): EventTextFields {
  return {
    refSeq: 0,
    orderSeq: 0,
    textBytes: 0,
    textKind: 0,
    kind: 0,
  };
}

export function getEventTextRefSeq(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setEventTextRefSeq(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getEventTextRefSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setEventTextRefSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventTextOrderSeq(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setEventTextOrderSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getEventTextOrderSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setEventTextOrderSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getEventTextTextBytes(i32: Int32Array, base: number): number {
  return (i32[base + 28] as number) & 65535;
}
export function setEventTextTextBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & -65536) | (value & 65535);
}
export function getEventTextTextKind(i32: Int32Array, base: number): number {
  return ((i32[base + 28] as number) >>> 16) & 255;
}
export function setEventTextTextKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & -16711681) | ((value & 255) << 16);
}
export function getEventTextKind(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 16) & 255;
}
export function setEventTextKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -16711681) | ((value & 255) << 16);
}
/** Writes every byte but the commit word and the arrays. */
export function writeEventText(i32: Int32Array, base: number, r: Readonly<EventTextFields>): void {
  i32[base] = r.refSeq | 0;
  i32[base + 1] = Math.floor(r.refSeq / TWO_32) | 0;
  i32[base + 2] = r.orderSeq | 0;
  i32[base + 3] = Math.floor(r.orderSeq / TWO_32) | 0;
  i32[base + 28] = (r.textBytes & 65535) | ((r.textKind & 255) << 16);
  i32[base + 29] = ((r.kind & 255) << 16);
  i32[base + 30] = 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readEventText(i32: Int32Array, base: number, out: EventTextFields): void {
  out.refSeq = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.orderSeq = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.textBytes = (i32[base + 28] as number) & 65535;
  out.textKind = ((i32[base + 28] as number) >>> 16) & 255;
  out.kind = ((i32[base + 29] as number) >>> 16) & 255;
}
/** Zeroes the record but the commit word: a claimed slot holds whatever was there before. */
export function clearEventText(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 31; word++) i32[word] = 0;
}

// ---- Intent: 128 bytes ----

export const INTENT_BYTES = 128;
export const INTENT_WORDS = 32;
/** Where the ring's commit word stands in the record. */
export const INTENT_COMMIT_WORD = 31;

/** The fields of one Intent; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface IntentFields {
  /** limit price */
  priceMantissa: number;
  sizeMantissa: number;
  /** the market that the strategy saw (mid), for the price band and the books */
  referencePriceMantissa: number;
  /** times of the tick that caused it */
  tickVenueNs: number;
  tickRecvNs: number;
  /** when the signal thread took that tick from the ring */
  tickReadNs: number;
  /** when the intent was published */
  emitNs: number;
  /** 0: never */
  expireNs: number;
  /** counts from 1 in each signal worker */
  intentSeq: number;
  /** of a stop or take-profit order; 0: none */
  triggerPriceMantissa: number;
  /** bracket: where what filled is sold again with a gain; 0: none */
  takeProfitPriceMantissa: number;
  /** bracket: where it is sold again with a loss; 0: none */
  stopLossPriceMantissa: number;
  /** Cancel: the order */
  targetOrderSeq: number;
  /** 0 to 1,000,000 */
  confidencePpm: number;
  /** a resting order is cancelled after that long; 0: never */
  ttlMs: number;
  instrumentIndex: number;
  strategyIndex: number;
  kind: number;
  side: number;
  orderType: number;
  timeInForce: number;
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankIntent(): IntentFields {
  return {
    priceMantissa: 0,
    sizeMantissa: 0,
    referencePriceMantissa: 0,
    tickVenueNs: 0,
    tickRecvNs: 0,
    tickReadNs: 0,
    emitNs: 0,
    expireNs: 0,
    intentSeq: 0,
    triggerPriceMantissa: 0,
    takeProfitPriceMantissa: 0,
    stopLossPriceMantissa: 0,
    targetOrderSeq: 0,
    confidencePpm: 0,
    ttlMs: 0,
    instrumentIndex: 0,
    strategyIndex: 0,
    kind: 0,
    side: 0,
    orderType: 0,
    timeInForce: 0,
    flags: 0,
  };
}

export function getIntentPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setIntentPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getIntentPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setIntentPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setIntentSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getIntentSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setIntentSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentReferencePriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setIntentReferencePriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getIntentReferencePriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setIntentReferencePriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTickVenueNs(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setIntentTickVenueNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTickVenueNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setIntentTickVenueNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTickRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setIntentTickRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTickRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setIntentTickRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTickReadNs(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setIntentTickReadNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTickReadNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setIntentTickReadNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentEmitNs(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
}
export function setIntentEmitNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
export function getIntentEmitNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 13] as number) << 32n) | BigInt((i32[base + 12] as number) >>> 0);
}
export function setIntentEmitNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 12] = Number(BigInt.asIntN(32, value));
  i32[base + 13] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentExpireNs(i32: Int32Array, base: number): number {
  return (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
}
export function setIntentExpireNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = value | 0;
  i32[base + 15] = Math.floor(value / TWO_32) | 0;
}
export function getIntentExpireNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 15] as number) << 32n) | BigInt((i32[base + 14] as number) >>> 0);
}
export function setIntentExpireNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 14] = Number(BigInt.asIntN(32, value));
  i32[base + 15] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentIntentSeq(i32: Int32Array, base: number): number {
  return (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
}
export function setIntentIntentSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 16] = value | 0;
  i32[base + 17] = Math.floor(value / TWO_32) | 0;
}
export function getIntentIntentSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 17] as number) << 32n) | BigInt((i32[base + 16] as number) >>> 0);
}
export function setIntentIntentSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 16] = Number(BigInt.asIntN(32, value));
  i32[base + 17] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTriggerPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
}
export function setIntentTriggerPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 18] = value | 0;
  i32[base + 19] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTriggerPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 19] as number) << 32n) | BigInt((i32[base + 18] as number) >>> 0);
}
export function setIntentTriggerPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 18] = Number(BigInt.asIntN(32, value));
  i32[base + 19] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTakeProfitPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
}
export function setIntentTakeProfitPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 20] = value | 0;
  i32[base + 21] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTakeProfitPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 21] as number) << 32n) | BigInt((i32[base + 20] as number) >>> 0);
}
export function setIntentTakeProfitPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 20] = Number(BigInt.asIntN(32, value));
  i32[base + 21] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentStopLossPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
}
export function setIntentStopLossPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 22] = value | 0;
  i32[base + 23] = Math.floor(value / TWO_32) | 0;
}
export function getIntentStopLossPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 23] as number) << 32n) | BigInt((i32[base + 22] as number) >>> 0);
}
export function setIntentStopLossPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 22] = Number(BigInt.asIntN(32, value));
  i32[base + 23] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentTargetOrderSeq(i32: Int32Array, base: number): number {
  return (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
}
export function setIntentTargetOrderSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 24] = value | 0;
  i32[base + 25] = Math.floor(value / TWO_32) | 0;
}
export function getIntentTargetOrderSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 25] as number) << 32n) | BigInt((i32[base + 24] as number) >>> 0);
}
export function setIntentTargetOrderSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 24] = Number(BigInt.asIntN(32, value));
  i32[base + 25] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getIntentConfidencePpm(i32: Int32Array, base: number): number {
  return i32[base + 26] as number;
}
export function setIntentConfidencePpm(i32: Int32Array, base: number, value: number): void {
  i32[base + 26] = value | 0;
}
export function getIntentTtlMs(i32: Int32Array, base: number): number {
  return i32[base + 27] as number;
}
export function setIntentTtlMs(i32: Int32Array, base: number, value: number): void {
  i32[base + 27] = value | 0;
}
export function getIntentInstrumentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 28] as number) & 65535;
}
export function setIntentInstrumentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & -65536) | (value & 65535);
}
export function getIntentStrategyIndex(i32: Int32Array, base: number): number {
  return ((i32[base + 28] as number) >>> 16) & 65535;
}
export function setIntentStrategyIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 28] = ((i32[base + 28] as number) & 65535) | ((value & 65535) << 16);
}
export function getIntentKind(i32: Int32Array, base: number): number {
  return (i32[base + 29] as number) & 255;
}
export function setIntentKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -256) | (value & 255);
}
export function getIntentSide(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 8) & 255;
}
export function setIntentSide(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -65281) | ((value & 255) << 8);
}
export function getIntentOrderType(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 16) & 255;
}
export function setIntentOrderType(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & -16711681) | ((value & 255) << 16);
}
export function getIntentTimeInForce(i32: Int32Array, base: number): number {
  return ((i32[base + 29] as number) >>> 24) & 255;
}
export function setIntentTimeInForce(i32: Int32Array, base: number, value: number): void {
  i32[base + 29] = ((i32[base + 29] as number) & 16777215) | ((value & 255) << 24);
}
export function getIntentFlags(i32: Int32Array, base: number): number {
  return (i32[base + 30] as number) & 255;
}
export function setIntentFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 30] = ((i32[base + 30] as number) & -256) | (value & 255);
}
/** Writes every byte but the commit word. */
export function writeIntent(i32: Int32Array, base: number, r: Readonly<IntentFields>): void {
  i32[base] = r.priceMantissa | 0;
  i32[base + 1] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 2] = r.sizeMantissa | 0;
  i32[base + 3] = Math.floor(r.sizeMantissa / TWO_32) | 0;
  i32[base + 4] = r.referencePriceMantissa | 0;
  i32[base + 5] = Math.floor(r.referencePriceMantissa / TWO_32) | 0;
  i32[base + 6] = r.tickVenueNs | 0;
  i32[base + 7] = Math.floor(r.tickVenueNs / TWO_32) | 0;
  i32[base + 8] = r.tickRecvNs | 0;
  i32[base + 9] = Math.floor(r.tickRecvNs / TWO_32) | 0;
  i32[base + 10] = r.tickReadNs | 0;
  i32[base + 11] = Math.floor(r.tickReadNs / TWO_32) | 0;
  i32[base + 12] = r.emitNs | 0;
  i32[base + 13] = Math.floor(r.emitNs / TWO_32) | 0;
  i32[base + 14] = r.expireNs | 0;
  i32[base + 15] = Math.floor(r.expireNs / TWO_32) | 0;
  i32[base + 16] = r.intentSeq | 0;
  i32[base + 17] = Math.floor(r.intentSeq / TWO_32) | 0;
  i32[base + 18] = r.triggerPriceMantissa | 0;
  i32[base + 19] = Math.floor(r.triggerPriceMantissa / TWO_32) | 0;
  i32[base + 20] = r.takeProfitPriceMantissa | 0;
  i32[base + 21] = Math.floor(r.takeProfitPriceMantissa / TWO_32) | 0;
  i32[base + 22] = r.stopLossPriceMantissa | 0;
  i32[base + 23] = Math.floor(r.stopLossPriceMantissa / TWO_32) | 0;
  i32[base + 24] = r.targetOrderSeq | 0;
  i32[base + 25] = Math.floor(r.targetOrderSeq / TWO_32) | 0;
  i32[base + 26] = r.confidencePpm | 0;
  i32[base + 27] = r.ttlMs | 0;
  i32[base + 28] = (r.instrumentIndex & 65535) | ((r.strategyIndex & 65535) << 16);
  i32[base + 29] = (r.kind & 255) | ((r.side & 255) << 8) | ((r.orderType & 255) << 16) | ((r.timeInForce & 255) << 24);
  i32[base + 30] = (r.flags & 255);
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readIntent(i32: Int32Array, base: number, out: IntentFields): void {
  out.priceMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.sizeMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.referencePriceMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.tickVenueNs = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.tickRecvNs = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.tickReadNs = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.emitNs = (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
  out.expireNs = (i32[base + 15] as number) * TWO_32 + ((i32[base + 14] as number) >>> 0);
  out.intentSeq = (i32[base + 17] as number) * TWO_32 + ((i32[base + 16] as number) >>> 0);
  out.triggerPriceMantissa = (i32[base + 19] as number) * TWO_32 + ((i32[base + 18] as number) >>> 0);
  out.takeProfitPriceMantissa = (i32[base + 21] as number) * TWO_32 + ((i32[base + 20] as number) >>> 0);
  out.stopLossPriceMantissa = (i32[base + 23] as number) * TWO_32 + ((i32[base + 22] as number) >>> 0);
  out.targetOrderSeq = (i32[base + 25] as number) * TWO_32 + ((i32[base + 24] as number) >>> 0);
  out.confidencePpm = i32[base + 26] as number;
  out.ttlMs = i32[base + 27] as number;
  out.instrumentIndex = (i32[base + 28] as number) & 65535;
  out.strategyIndex = ((i32[base + 28] as number) >>> 16) & 65535;
  out.kind = (i32[base + 29] as number) & 255;
  out.side = ((i32[base + 29] as number) >>> 8) & 255;
  out.orderType = ((i32[base + 29] as number) >>> 16) & 255;
  out.timeInForce = ((i32[base + 29] as number) >>> 24) & 255;
  out.flags = (i32[base + 30] as number) & 255;
}
/** Zeroes the record but the commit word: a claimed slot holds whatever was there before. */
export function clearIntent(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 31; word++) i32[word] = 0;
}

// ---- PushTick: 64 bytes ----

export const PUSH_TICK_BYTES = 64;
export const PUSH_TICK_WORDS = 16;

/** The fields of one PushTick; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface PushTickFields {
  priceMantissa: number;
  sizeMantissa: number;
  askPriceMantissa: number;
  askSizeMantissa: number;
  /** the venue's own time; not looked at with flag NoTime */
  venueEpochNs: number;
  /** trade id, or the venue's sequence number */
  venueSeq: number;
  /** place in the hello's list */
  instrument: number;
  /** TickKind of tick.fbs */
  kind: number;
  /** flags of tick.fbs; LastOfFrame ends what the venue said at once */
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankPushTick(): PushTickFields {
  return {
    priceMantissa: 0,
    sizeMantissa: 0,
    askPriceMantissa: 0,
    askSizeMantissa: 0,
    venueEpochNs: 0,
    venueSeq: 0,
    instrument: 0,
    kind: 0,
    flags: 0,
  };
}

export function getPushTickPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setPushTickPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setPushTickPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setPushTickSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setPushTickSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickAskPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setPushTickAskPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickAskPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setPushTickAskPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickAskSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setPushTickAskSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickAskSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setPushTickAskSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickVenueEpochNs(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setPushTickVenueEpochNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickVenueEpochNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setPushTickVenueEpochNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickVenueSeq(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setPushTickVenueSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getPushTickVenueSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setPushTickVenueSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getPushTickInstrument(i32: Int32Array, base: number): number {
  return (i32[base + 14] as number) & 65535;
}
export function setPushTickInstrument(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & -65536) | (value & 65535);
}
export function getPushTickKind(i32: Int32Array, base: number): number {
  return ((i32[base + 14] as number) >>> 16) & 255;
}
export function setPushTickKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & -16711681) | ((value & 255) << 16);
}
export function getPushTickFlags(i32: Int32Array, base: number): number {
  return ((i32[base + 14] as number) >>> 24) & 255;
}
export function setPushTickFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & 16777215) | ((value & 255) << 24);
}
/** Writes every byte. */
export function writePushTick(i32: Int32Array, base: number, r: Readonly<PushTickFields>): void {
  i32[base] = r.priceMantissa | 0;
  i32[base + 1] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 2] = r.sizeMantissa | 0;
  i32[base + 3] = Math.floor(r.sizeMantissa / TWO_32) | 0;
  i32[base + 4] = r.askPriceMantissa | 0;
  i32[base + 5] = Math.floor(r.askPriceMantissa / TWO_32) | 0;
  i32[base + 6] = r.askSizeMantissa | 0;
  i32[base + 7] = Math.floor(r.askSizeMantissa / TWO_32) | 0;
  i32[base + 8] = r.venueEpochNs | 0;
  i32[base + 9] = Math.floor(r.venueEpochNs / TWO_32) | 0;
  i32[base + 10] = r.venueSeq | 0;
  i32[base + 11] = Math.floor(r.venueSeq / TWO_32) | 0;
  i32[base + 12] = 0;
  i32[base + 13] = 0;
  i32[base + 14] = (r.instrument & 65535) | ((r.kind & 255) << 16) | ((r.flags & 255) << 24);
  i32[base + 15] = 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readPushTick(i32: Int32Array, base: number, out: PushTickFields): void {
  out.priceMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.sizeMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.askPriceMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.askSizeMantissa = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.venueEpochNs = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.venueSeq = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.instrument = (i32[base + 14] as number) & 65535;
  out.kind = ((i32[base + 14] as number) >>> 16) & 255;
  out.flags = ((i32[base + 14] as number) >>> 24) & 255;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearPushTick(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 16; word++) i32[word] = 0;
}

// ---- RecordingBlock: 56 bytes ----

export const RECORDING_BLOCK_BYTES = 56;
export const RECORDING_BLOCK_WORDS = 14;

/** The fields of one RecordingBlock; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface RecordingBlockFields {
  /** number of its first record in the whole recording, from 0 */
  firstRecord: number;
  /** ns since run start; the first and the last of its records */
  firstRecvNs: number;
  lastRecvNs: number;
  payloadBytes: number;
  recordCount: number;
  /** CRC-32 (zlib's) of the payload */
  payloadCrc: number;
  /** random, the same in all blocks of the recording */
  recordingId: number;
  segmentIndex: number;
  kind: number;
  magic: number;
  /** CRC-32 of the bytes before it */
  headCrc: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankRecordingBlock(): RecordingBlockFields {
  return {
    firstRecord: 0,
    firstRecvNs: 0,
    lastRecvNs: 0,
    payloadBytes: 0,
    recordCount: 0,
    payloadCrc: 0,
    recordingId: 0,
    segmentIndex: 0,
    kind: 0,
    magic: 0,
    headCrc: 0,
  };
}

export function getRecordingBlockFirstRecord(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setRecordingBlockFirstRecord(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingBlockFirstRecordBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setRecordingBlockFirstRecordBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingBlockFirstRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setRecordingBlockFirstRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingBlockFirstRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setRecordingBlockFirstRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingBlockLastRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setRecordingBlockLastRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingBlockLastRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setRecordingBlockLastRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingBlockPayloadBytes(i32: Int32Array, base: number): number {
  return (i32[base + 6] as number) >>> 0;
}
export function setRecordingBlockPayloadBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
}
export function getRecordingBlockRecordCount(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) >>> 0;
}
export function setRecordingBlockRecordCount(i32: Int32Array, base: number, value: number): void {
  i32[base + 7] = value | 0;
}
export function getRecordingBlockPayloadCrc(i32: Int32Array, base: number): number {
  return (i32[base + 8] as number) >>> 0;
}
export function setRecordingBlockPayloadCrc(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
}
export function getRecordingBlockRecordingId(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) >>> 0;
}
export function setRecordingBlockRecordingId(i32: Int32Array, base: number, value: number): void {
  i32[base + 9] = value | 0;
}
export function getRecordingBlockSegmentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 10] as number) >>> 0;
}
export function setRecordingBlockSegmentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
}
export function getRecordingBlockKind(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) & 255;
}
export function setRecordingBlockKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 11] = ((i32[base + 11] as number) & -256) | (value & 255);
}
export function getRecordingBlockMagic(i32: Int32Array, base: number): number {
  return (i32[base + 12] as number) >>> 0;
}
export function setRecordingBlockMagic(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
}
export function getRecordingBlockHeadCrc(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) >>> 0;
}
export function setRecordingBlockHeadCrc(i32: Int32Array, base: number, value: number): void {
  i32[base + 13] = value | 0;
}
/** Writes every byte. */
export function writeRecordingBlock(i32: Int32Array, base: number, r: Readonly<RecordingBlockFields>): void {
  i32[base] = r.firstRecord | 0;
  i32[base + 1] = Math.floor(r.firstRecord / TWO_32) | 0;
  i32[base + 2] = r.firstRecvNs | 0;
  i32[base + 3] = Math.floor(r.firstRecvNs / TWO_32) | 0;
  i32[base + 4] = r.lastRecvNs | 0;
  i32[base + 5] = Math.floor(r.lastRecvNs / TWO_32) | 0;
  i32[base + 6] = r.payloadBytes | 0;
  i32[base + 7] = r.recordCount | 0;
  i32[base + 8] = r.payloadCrc | 0;
  i32[base + 9] = r.recordingId | 0;
  i32[base + 10] = r.segmentIndex | 0;
  i32[base + 11] = (r.kind & 255);
  i32[base + 12] = r.magic | 0;
  i32[base + 13] = r.headCrc | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readRecordingBlock(i32: Int32Array, base: number, out: RecordingBlockFields): void {
  out.firstRecord = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.firstRecvNs = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.lastRecvNs = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.payloadBytes = (i32[base + 6] as number) >>> 0;
  out.recordCount = (i32[base + 7] as number) >>> 0;
  out.payloadCrc = (i32[base + 8] as number) >>> 0;
  out.recordingId = (i32[base + 9] as number) >>> 0;
  out.segmentIndex = (i32[base + 10] as number) >>> 0;
  out.kind = (i32[base + 11] as number) & 255;
  out.magic = (i32[base + 12] as number) >>> 0;
  out.headCrc = (i32[base + 13] as number) >>> 0;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearRecordingBlock(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 14; word++) i32[word] = 0;
}

// ---- RecordedFrame: 24 bytes ----

export const RECORDED_FRAME_BYTES = 24;
export const RECORDED_FRAME_WORDS = 6;

/** The fields of one RecordedFrame; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface RecordedFrameFields {
  /** ns since run start */
  recvNs: number;
  frameBytes: number;
  urlBytes: number;
  connection: number;
  /** number of the captured line it was imported from */
  line: number;
  direction: number;
  /** 1: the time was not recorded, 2: there is a url (even an empty one) */
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankRecordedFrame(): RecordedFrameFields {
  return {
    recvNs: 0,
    frameBytes: 0,
    urlBytes: 0,
    connection: 0,
    line: 0,
    direction: 0,
    flags: 0,
  };
}

export function getRecordedFrameRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setRecordedFrameRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getRecordedFrameRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setRecordedFrameRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordedFrameFrameBytes(i32: Int32Array, base: number): number {
  return (i32[base + 2] as number) >>> 0;
}
export function setRecordedFrameFrameBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
}
export function getRecordedFrameUrlBytes(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) & 65535;
}
export function setRecordedFrameUrlBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 3] = ((i32[base + 3] as number) & -65536) | (value & 65535);
}
export function getRecordedFrameConnection(i32: Int32Array, base: number): number {
  return ((i32[base + 3] as number) >>> 16) & 65535;
}
export function setRecordedFrameConnection(i32: Int32Array, base: number, value: number): void {
  i32[base + 3] = ((i32[base + 3] as number) & 65535) | ((value & 65535) << 16);
}
export function getRecordedFrameLine(i32: Int32Array, base: number): number {
  return (i32[base + 4] as number) >>> 0;
}
export function setRecordedFrameLine(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
}
export function getRecordedFrameDirection(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) & 255;
}
export function setRecordedFrameDirection(i32: Int32Array, base: number, value: number): void {
  i32[base + 5] = ((i32[base + 5] as number) & -256) | (value & 255);
}
export function getRecordedFrameFlags(i32: Int32Array, base: number): number {
  return ((i32[base + 5] as number) >>> 8) & 255;
}
export function setRecordedFrameFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 5] = ((i32[base + 5] as number) & -65281) | ((value & 255) << 8);
}
/** Writes every byte. */
export function writeRecordedFrame(i32: Int32Array, base: number, r: Readonly<RecordedFrameFields>): void {
  i32[base] = r.recvNs | 0;
  i32[base + 1] = Math.floor(r.recvNs / TWO_32) | 0;
  i32[base + 2] = r.frameBytes | 0;
  i32[base + 3] = (r.urlBytes & 65535) | ((r.connection & 65535) << 16);
  i32[base + 4] = r.line | 0;
  i32[base + 5] = (r.direction & 255) | ((r.flags & 255) << 8);
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readRecordedFrame(i32: Int32Array, base: number, out: RecordedFrameFields): void {
  out.recvNs = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.frameBytes = (i32[base + 2] as number) >>> 0;
  out.urlBytes = (i32[base + 3] as number) & 65535;
  out.connection = ((i32[base + 3] as number) >>> 16) & 65535;
  out.line = (i32[base + 4] as number) >>> 0;
  out.direction = (i32[base + 5] as number) & 255;
  out.flags = ((i32[base + 5] as number) >>> 8) & 255;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearRecordedFrame(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 6; word++) i32[word] = 0;
}

// ---- RecordingIndexEntry: 24 bytes ----

export const RECORDING_INDEX_ENTRY_BYTES = 24;
export const RECORDING_INDEX_ENTRY_WORDS = 6;

/** The fields of one RecordingIndexEntry; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface RecordingIndexEntryFields {
  firstRecord: number;
  firstRecvNs: number;
  /** of the block in the segment */
  offsetBytes: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankRecordingIndexEntry(): RecordingIndexEntryFields {
  return {
    firstRecord: 0,
    firstRecvNs: 0,
    offsetBytes: 0,
  };
}

export function getRecordingIndexEntryFirstRecord(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setRecordingIndexEntryFirstRecord(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingIndexEntryFirstRecordBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setRecordingIndexEntryFirstRecordBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingIndexEntryFirstRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setRecordingIndexEntryFirstRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingIndexEntryFirstRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setRecordingIndexEntryFirstRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingIndexEntryOffsetBytes(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setRecordingIndexEntryOffsetBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingIndexEntryOffsetBytesBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setRecordingIndexEntryOffsetBytesBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
/** Writes every byte. */
export function writeRecordingIndexEntry(i32: Int32Array, base: number, r: Readonly<RecordingIndexEntryFields>): void {
  i32[base] = r.firstRecord | 0;
  i32[base + 1] = Math.floor(r.firstRecord / TWO_32) | 0;
  i32[base + 2] = r.firstRecvNs | 0;
  i32[base + 3] = Math.floor(r.firstRecvNs / TWO_32) | 0;
  i32[base + 4] = r.offsetBytes | 0;
  i32[base + 5] = Math.floor(r.offsetBytes / TWO_32) | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readRecordingIndexEntry(i32: Int32Array, base: number, out: RecordingIndexEntryFields): void {
  out.firstRecord = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.firstRecvNs = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.offsetBytes = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearRecordingIndexEntry(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 6; word++) i32[word] = 0;
}

// ---- RecordingTrailer: 32 bytes ----

export const RECORDING_TRAILER_BYTES = 32;
export const RECORDING_TRAILER_WORDS = 8;

/** The fields of one RecordingTrailer; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface RecordingTrailerFields {
  /** number of the record behind its last one */
  recordEnd: number;
  indexOffsetBytes: number;
  recordingId: number;
  segmentIndex: number;
  magic: number;
  /** CRC-32 of the bytes before it */
  trailerCrc: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankRecordingTrailer(): RecordingTrailerFields {
  return {
    recordEnd: 0,
    indexOffsetBytes: 0,
    recordingId: 0,
    segmentIndex: 0,
    magic: 0,
    trailerCrc: 0,
  };
}

export function getRecordingTrailerRecordEnd(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setRecordingTrailerRecordEnd(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingTrailerRecordEndBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setRecordingTrailerRecordEndBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingTrailerIndexOffsetBytes(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setRecordingTrailerIndexOffsetBytes(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getRecordingTrailerIndexOffsetBytesBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setRecordingTrailerIndexOffsetBytesBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getRecordingTrailerRecordingId(i32: Int32Array, base: number): number {
  return (i32[base + 4] as number) >>> 0;
}
export function setRecordingTrailerRecordingId(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
}
export function getRecordingTrailerSegmentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) >>> 0;
}
export function setRecordingTrailerSegmentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 5] = value | 0;
}
export function getRecordingTrailerMagic(i32: Int32Array, base: number): number {
  return (i32[base + 6] as number) >>> 0;
}
export function setRecordingTrailerMagic(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
}
export function getRecordingTrailerTrailerCrc(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) >>> 0;
}
export function setRecordingTrailerTrailerCrc(i32: Int32Array, base: number, value: number): void {
  i32[base + 7] = value | 0;
}
/** Writes every byte. */
export function writeRecordingTrailer(i32: Int32Array, base: number, r: Readonly<RecordingTrailerFields>): void {
  i32[base] = r.recordEnd | 0;
  i32[base + 1] = Math.floor(r.recordEnd / TWO_32) | 0;
  i32[base + 2] = r.indexOffsetBytes | 0;
  i32[base + 3] = Math.floor(r.indexOffsetBytes / TWO_32) | 0;
  i32[base + 4] = r.recordingId | 0;
  i32[base + 5] = r.segmentIndex | 0;
  i32[base + 6] = r.magic | 0;
  i32[base + 7] = r.trailerCrc | 0;
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readRecordingTrailer(i32: Int32Array, base: number, out: RecordingTrailerFields): void {
  out.recordEnd = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.indexOffsetBytes = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.recordingId = (i32[base + 4] as number) >>> 0;
  out.segmentIndex = (i32[base + 5] as number) >>> 0;
  out.magic = (i32[base + 6] as number) >>> 0;
  out.trailerCrc = (i32[base + 7] as number) >>> 0;
}
/** Zeroes the record: a claimed slot holds whatever was there before. */
export function clearRecordingTrailer(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 8; word++) i32[word] = 0;
}

// ---- Tick: 64 bytes ----

export const TICK_BYTES = 64;
export const TICK_WORDS = 16;
/** Where the ring's commit word stands in the record. */
export const TICK_COMMIT_WORD = 15;

/** The fields of one Tick; integers inside ±2^53. The commit word is the ring's and not among them. */
export interface TickFields {
  priceMantissa: number;
  sizeMantissa: number;
  askPriceMantissa: number;
  askSizeMantissa: number;
  /** the venue's own time, ns since run start (negative before it) */
  venueNs: number;
  /** when the frame was in our hands, ns since run start */
  recvNs: number;
  /** trade id, or the venue's sequence number */
  venueSeq: number;
  instrumentIndex: number;
  kind: number;
  flags: number;
}
/** A record of zeroes, to be reused; made at start, never per event. */
export function blankTick(): TickFields {
  return {
    priceMantissa: 0,
    sizeMantissa: 0,
    askPriceMantissa: 0,
    askSizeMantissa: 0,
    venueNs: 0,
    recvNs: 0,
    venueSeq: 0,
    instrumentIndex: 0,
    kind: 0,
    flags: 0,
  };
}

export function getTickPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
}
export function setTickPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base] = value | 0;
  i32[base + 1] = Math.floor(value / TWO_32) | 0;
}
export function getTickPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 1] as number) << 32n) | BigInt((i32[base] as number) >>> 0);
}
export function setTickPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base] = Number(BigInt.asIntN(32, value));
  i32[base + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
}
export function setTickSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickSizeMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 2] = value | 0;
  i32[base + 3] = Math.floor(value / TWO_32) | 0;
}
export function getTickSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 3] as number) << 32n) | BigInt((i32[base + 2] as number) >>> 0);
}
export function setTickSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 2] = Number(BigInt.asIntN(32, value));
  i32[base + 3] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickAskPriceMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
}
export function setTickAskPriceMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickAskPriceMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 4] = value | 0;
  i32[base + 5] = Math.floor(value / TWO_32) | 0;
}
export function getTickAskPriceMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 5] as number) << 32n) | BigInt((i32[base + 4] as number) >>> 0);
}
export function setTickAskPriceMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 4] = Number(BigInt.asIntN(32, value));
  i32[base + 5] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickAskSizeMantissa(i32: Int32Array, base: number): number {
  return (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
}
export function setTickAskSizeMantissa(i32: Int32Array, base: number, value: number): void {
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickAskSizeMantissaFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 6] = value | 0;
  i32[base + 7] = Math.floor(value / TWO_32) | 0;
}
export function getTickAskSizeMantissaBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 7] as number) << 32n) | BigInt((i32[base + 6] as number) >>> 0);
}
export function setTickAskSizeMantissaBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 6] = Number(BigInt.asIntN(32, value));
  i32[base + 7] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickVenueNs(i32: Int32Array, base: number): number {
  return (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
}
export function setTickVenueNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickVenueNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 8] = value | 0;
  i32[base + 9] = Math.floor(value / TWO_32) | 0;
}
export function getTickVenueNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 9] as number) << 32n) | BigInt((i32[base + 8] as number) >>> 0);
}
export function setTickVenueNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 8] = Number(BigInt.asIntN(32, value));
  i32[base + 9] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickRecvNs(i32: Int32Array, base: number): number {
  return (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
}
export function setTickRecvNs(i32: Int32Array, base: number, value: number): void {
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickRecvNsFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 10] = value | 0;
  i32[base + 11] = Math.floor(value / TWO_32) | 0;
}
export function getTickRecvNsBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 11] as number) << 32n) | BigInt((i32[base + 10] as number) >>> 0);
}
export function setTickRecvNsBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 10] = Number(BigInt.asIntN(32, value));
  i32[base + 11] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickVenueSeq(i32: Int32Array, base: number): number {
  return (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
}
export function setTickVenueSeq(i32: Int32Array, base: number, value: number): void {
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
/** The same of `values[index]`: no number crosses the call. */
export function setTickVenueSeqFrom(i32: Int32Array, base: number, values: Float64Array, index: number): void {
  const value = values[index] as number;
  i32[base + 12] = value | 0;
  i32[base + 13] = Math.floor(value / TWO_32) | 0;
}
export function getTickVenueSeqBig(i32: Int32Array, base: number): bigint {
  return (BigInt(i32[base + 13] as number) << 32n) | BigInt((i32[base + 12] as number) >>> 0);
}
export function setTickVenueSeqBig(i32: Int32Array, base: number, value: bigint): void {
  i32[base + 12] = Number(BigInt.asIntN(32, value));
  i32[base + 13] = Number(BigInt.asIntN(32, value >> 32n));
}
export function getTickInstrumentIndex(i32: Int32Array, base: number): number {
  return (i32[base + 14] as number) & 65535;
}
export function setTickInstrumentIndex(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & -65536) | (value & 65535);
}
export function getTickKind(i32: Int32Array, base: number): number {
  return ((i32[base + 14] as number) >>> 16) & 255;
}
export function setTickKind(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & -16711681) | ((value & 255) << 16);
}
export function getTickFlags(i32: Int32Array, base: number): number {
  return ((i32[base + 14] as number) >>> 24) & 255;
}
export function setTickFlags(i32: Int32Array, base: number, value: number): void {
  i32[base + 14] = ((i32[base + 14] as number) & 16777215) | ((value & 255) << 24);
}
/** Writes every byte but the commit word. */
export function writeTick(i32: Int32Array, base: number, r: Readonly<TickFields>): void {
  i32[base] = r.priceMantissa | 0;
  i32[base + 1] = Math.floor(r.priceMantissa / TWO_32) | 0;
  i32[base + 2] = r.sizeMantissa | 0;
  i32[base + 3] = Math.floor(r.sizeMantissa / TWO_32) | 0;
  i32[base + 4] = r.askPriceMantissa | 0;
  i32[base + 5] = Math.floor(r.askPriceMantissa / TWO_32) | 0;
  i32[base + 6] = r.askSizeMantissa | 0;
  i32[base + 7] = Math.floor(r.askSizeMantissa / TWO_32) | 0;
  i32[base + 8] = r.venueNs | 0;
  i32[base + 9] = Math.floor(r.venueNs / TWO_32) | 0;
  i32[base + 10] = r.recvNs | 0;
  i32[base + 11] = Math.floor(r.recvNs / TWO_32) | 0;
  i32[base + 12] = r.venueSeq | 0;
  i32[base + 13] = Math.floor(r.venueSeq / TWO_32) | 0;
  i32[base + 14] = (r.instrumentIndex & 65535) | ((r.kind & 255) << 16) | ((r.flags & 255) << 24);
}
/** Reads the record into `out`, which the caller owns and reuses. */
export function readTick(i32: Int32Array, base: number, out: TickFields): void {
  out.priceMantissa = (i32[base + 1] as number) * TWO_32 + ((i32[base] as number) >>> 0);
  out.sizeMantissa = (i32[base + 3] as number) * TWO_32 + ((i32[base + 2] as number) >>> 0);
  out.askPriceMantissa = (i32[base + 5] as number) * TWO_32 + ((i32[base + 4] as number) >>> 0);
  out.askSizeMantissa = (i32[base + 7] as number) * TWO_32 + ((i32[base + 6] as number) >>> 0);
  out.venueNs = (i32[base + 9] as number) * TWO_32 + ((i32[base + 8] as number) >>> 0);
  out.recvNs = (i32[base + 11] as number) * TWO_32 + ((i32[base + 10] as number) >>> 0);
  out.venueSeq = (i32[base + 13] as number) * TWO_32 + ((i32[base + 12] as number) >>> 0);
  out.instrumentIndex = (i32[base + 14] as number) & 65535;
  out.kind = ((i32[base + 14] as number) >>> 16) & 255;
  out.flags = ((i32[base + 14] as number) >>> 24) & 255;
}
/** Zeroes the record but the commit word: a claimed slot holds whatever was there before. */
export function clearTick(i32: Int32Array, base: number): void {
  for (let word = base; word < base + 15; word++) i32[word] = 0;
}
