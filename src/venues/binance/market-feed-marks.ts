/**
 * market-feed-marks: mark price, index price and funding of USD-M contracts, as the stream tells them and as REST does.
 * @hotpath
 *
 * One per connection, owned by its market-feed.
 */
import { DecimalStatus } from '../../domain/byte-scanner.js';
import type { ByteScanner } from '../../domain/byte-scanner.js';
import { FUNDING_SCALE, MARK_SCALE } from '../../domain/instrument.js';
import type { EntryReader } from '../entry-reader.js';
import { EntryKind, Wide } from '../frame-entries.js';
import type { FrameEntries } from '../frame-entries.js';
import {
  KEY_EVENT_TIME,
  KEY_FUNDING_RATE,
  KEY_INDEX_PRICE,
  KEY_PRICE,
  KEY_TIME,
  Member,
} from './market-feed-members.js';
import type { FrameMembers } from './market-feed-members.js';

/** The members that say it. */
export interface MarkMembers {
  readonly time: number;
  readonly mark: number;
  readonly index: number;
  readonly rate: number;
  readonly next: number;
}

/** {"e":"markPriceUpdate","E":…,"s":"BTCUSDT","p":"8291.34697815","i":"…","r":"0.00010000","T":1569916800000} */
export const MARK_OF_STREAM: MarkMembers = {
  time: KEY_EVENT_TIME,
  mark: KEY_PRICE,
  index: KEY_INDEX_PRICE,
  rate: KEY_FUNDING_RATE,
  next: KEY_TIME,
};

/** {"symbol":"BTCUSDT","markPrice":"…","indexPrice":"…","lastFundingRate":"…","nextFundingTime":…,"time":…} */
export const MARK_OF_BODY: MarkMembers = {
  time: Member.Time,
  mark: Member.MarkPrice,
  index: Member.IndexPrice,
  rate: Member.FundingRate,
  next: Member.NextFunding,
};

export class MarkReader {
  readonly #scanner: ByteScanner;
  readonly #entries: FrameEntries;
  readonly #members: FrameMembers;
  readonly #reader: EntryReader;

  constructor(
    scanner: ByteScanner,
    entries: FrameEntries,
    members: FrameMembers,
    reader: EntryReader,
  ) {
    this.#scanner = scanner;
    this.#entries = entries;
    this.#members = members;
    this.#reader = reader;
  }

  /** Adds the entries of a market; index price, rate and next time may be missing. False: malformed. */
  read(place: number, of: MarkMembers): boolean {
    const entries = this.#entries;
    const scanner = this.#scanner;
    if (!this.#members.goTo(of.time) || !scanner.epochTime()) return false;
    const mark = entries.add(EntryKind.Mark, place);
    entries.setTime(mark, scanner);
    const markStatus = this.#decimal(mark, Wide.Price, of.mark, MARK_SCALE);
    const indexStatus = this.#decimal(mark, Wide.AskPrice, of.index, MARK_SCALE);
    const worst = Math.max(markStatus, indexStatus) as DecimalStatus;
    if (markStatus === DecimalStatus.Absent || worst === DecimalStatus.Malformed) return false;
    if (worst > DecimalStatus.Absent) return this.#reader.refuse(worst, DecimalStatus.Ok);
    const funding = entries.add(EntryKind.Funding, place);
    if (!this.#nextTime(funding, of.next)) return false;
    entries.copyTime(funding, mark);
    const rateStatus = this.#decimal(funding, Wide.Price, of.rate, FUNDING_SCALE);
    if (rateStatus === DecimalStatus.Malformed) return false;
    if (rateStatus <= DecimalStatus.Wide) return true;
    if (rateStatus !== DecimalStatus.Absent) return this.#reader.refuse(rateStatus, rateStatus);
    // Delivery contracts have no funding.
    entries.dropLast();
    return true;
  }

  /** A decimal at a scale that is not the instrument's, into a price field; 0 when it is not there. */
  #decimal(entry: number, field: Wide, member: number, scale: number): DecimalStatus {
    const entries = this.#entries;
    const scanner = this.#scanner;
    const status = this.#members.goTo(member) ? scanner.quotedDecimal(scale) : DecimalStatus.Absent;
    const values = field === Wide.Price ? entries.prices : entries.askPrices;
    values[entry] = status === DecimalStatus.Ok ? (scanner.mantissa[0] as number) : 0;
    // A rate may be below 0, a price not.
    if (values[entry] < 0 && scale === MARK_SCALE) return DecimalStatus.Malformed;
    if (status === DecimalStatus.Wide) {
      entries.setWideMantissa(entry, field, scanner.wideMantissa);
    }
    return status;
  }

  /** Next funding, ns since run start, into the second price; 0: not known. False: malformed. */
  #nextTime(entry: number, member: number): boolean {
    const entries = this.#entries;
    const scanner = this.#scanner;
    entries.askPrices[entry] = 0;
    if (!this.#members.count(member)) return !this.#members.has(member);
    if (scanner.mantissa[0] === 0) return true;
    if (!this.#members.goTo(member) || !scanner.epochTime()) return false;
    entries.setTime(entry, scanner);
    // A time that is more than 104 days away is none.
    if (entries.isWide(entry, Wide.Time)) entries.wides[entry] = 0;
    else entries.askPrices[entry] = entries.timesNs[entry] as number;
    return true;
  }
}
