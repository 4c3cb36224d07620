/**
 * market-feed-members: where the members of a Binance message stand: all of them are found first, in whatever order
 * they come, and read then. For frames that are not as the venue usually writes them, and for those that do not come
 * often.
 * @hotpath
 *
 * One per connection, owned by its market-feed.
 */
import { ascii } from '../../domain/byte-scanner.js';
import type { AsciiText, ByteScanner } from '../../domain/byte-scanner.js';
import { NOWHERE } from '../entry-reader.js';

const LETTER_FIRST = 0x40;

/**
 * Members by place: a key of one letter under the code of that letter, longer ones below the letters. So nothing is compared
 * for the members of an event.
 */
export const Member = {
  PreviousId: 1,
  Stream: 2,
  Data: 3,
  Result: 4,
  Id: 5,
  Error: 6,
  Code: 7,
  Message: 8,
  LastUpdateId: 9,
  Bids: 10,
  Asks: 11,
  MarkPrice: 12,
  IndexPrice: 13,
  FundingRate: 14,
  NextFunding: 15,
  Symbol: 16,
  Time: 17,
} as const;
const MEMBERS = 128;
const LONG_KEYS: readonly (readonly [AsciiText, number])[] = [
  [ascii('pu'), Member.PreviousId],
  [ascii('stream'), Member.Stream],
  [ascii('data'), Member.Data],
  [ascii('result'), Member.Result],
  [ascii('id'), Member.Id],
  [ascii('error'), Member.Error],
  [ascii('code'), Member.Code],
  [ascii('msg'), Member.Message],
  [ascii('lastUpdateId'), Member.LastUpdateId],
  [ascii('bids'), Member.Bids],
  [ascii('asks'), Member.Asks],
  [ascii('markPrice'), Member.MarkPrice],
  [ascii('indexPrice'), Member.IndexPrice],
  [ascii('lastFundingRate'), Member.FundingRate],
  [ascii('nextFundingTime'), Member.NextFunding],
  [ascii('symbol'), Member.Symbol],
  [ascii('time'), Member.Time],
];
const letter = (key: string): number => key.charCodeAt(0);
export const KEY_EVENT = letter('e');
export const KEY_EVENT_TIME = letter('E');
export const KEY_SYMBOL = letter('s');
export const KEY_TIME = letter('T');
export const KEY_TRADE_ID = letter('t');
export const KEY_AGGREGATE_ID = letter('a');
export const KEY_PRICE = letter('p');
export const KEY_SIZE = letter('q');
export const KEY_IS_MAKER_BUYER = letter('m');
export const KEY_FIRST_ID = letter('U');
export const KEY_LAST_ID = letter('u');
export const KEY_BID = letter('b');
export const KEY_BID_SIZE = letter('B');
export const KEY_ASK = letter('a');
export const KEY_ASK_SIZE = letter('A');
export const KEY_INDEX_PRICE = letter('i');
export const KEY_FUNDING_RATE = letter('r');

export class FrameMembers {
  readonly #scanner: ByteScanner;
  readonly #at = new Int32Array(MEMBERS);

  constructor(scanner: ByteScanner) {
    this.#scanner = scanner;
  }

  /** Finds the members of the object that begins here; the scanner stands behind it. False: malformed. */
  read(): boolean {
    const scanner = this.#scanner;
    const at = this.#at;
    at.fill(NOWHERE);
    if (!scanner.beginObject()) return false;
    if (scanner.isEmptyObject()) return true;
    let more = 1;
    while (more === 1) {
      if (!scanner.key()) return false;
      const member = this.#memberOf();
      scanner.skipSpace();
      if (member !== 0) at[member] = scanner.at;
      if (!scanner.skipValue()) return false;
      more = scanner.nextMember();
    }
    return more === 0;
  }

  has(member: number): boolean {
    return this.#at[member] !== NOWHERE;
  }

  /** Where a member's value begins; NOWHERE when it is not there. */
  placeOf(member: number): number {
    return this.#at[member] as number;
  }

  /** Moves the scanner to a member's value; false when it is not there. */
  goTo(member: number): boolean {
    const place = this.#at[member] as number;
    if (place === NOWHERE) return false;
    this.#scanner.at = place;
    return true;
  }

  /** A whole number, in the scanner's mantissa. */
  count(member: number): boolean {
    return this.goTo(member) && this.#scanner.count();
  }

  /** The member that the scanner's last key names; 0: none of ours. */
  #memberOf(): number {
    const scanner = this.#scanner;
    if (scanner.textEnd - scanner.textStart === 1) {
      const byte = scanner.bytes[scanner.textStart] as number;
      return byte < MEMBERS && byte > LETTER_FIRST ? byte : 0;
    }
    for (let i = 0; i < LONG_KEYS.length; i++) {
      const key = LONG_KEYS[i] as readonly [AsciiText, number];
      if (scanner.isText(key[0])) return key[1];
    }
    return 0;
  }
}
