/**
 * recording-player: the records of a recording ─▶ ticks, by the very code that decodes live: a frame recording goes through
 * the venue's market-feed, a tick recording is ticks already. One process, one thread; time is that of the recording.
 *
 *   RecordingReader ─▶ frame ─▶ DecodingFeed (one a connection) ─▶ TickOut
 *                  └─▶ tick ─────────────────────────────────────▶ TickOut
 *
 * A feed is deterministic and a recording holds every call that it got, so the same recording gives the same ticks, however
 * fast it is played.
 */
import { codeIndex, ERROR_CODES } from '../domain/errors.js';
import type { ErrorCode } from '../domain/errors.js';
import { RecordedDirection, RecordingKind, TICK_COMMIT_WORD } from '../generated/hot.js';
import type { RecordingInfo } from '../journal/recording-format.js';
import type { RecordingReader } from '../journal/recording-reader.js';
import type { DecodingFeed } from '../venues/decoding-feed.js';
import { dialectOf } from '../venues/registry.js';
import type { VenueDialect } from '../venues/registry.js';
import type { FrameRejects, TickOut } from '../venues/venue.js';

/** As in the engine: what strategies and the board see. */
const LEVELS_MAX = 20;
const DECODER = new TextDecoder('utf-8');

interface Channel {
  readonly feed: DecodingFeed;
  readonly dialect: VenueDialect;
}

export class RecordingPlayer {
  readonly #info: RecordingInfo;
  readonly #ticks: TickOut;
  readonly #channels: readonly Channel[];
  /** Our own guess of what was sent is right for what we recorded; a capture says it itself. */
  readonly #isImport: boolean;
  #frameCount = 0;

  /** VENUE_UNKNOWN when the recording is of a venue that this version does not speak. */
  constructor(info: RecordingInfo, ticks: TickOut, rejects: FrameRejects) {
    this.#info = info;
    this.#ticks = ticks;
    this.#isImport = info.source === 'import';
    this.#channels = info.connections.map((connection): Channel => {
      const dialect = dialectOf(connection.venue);
      const feed = dialect.createMarketFeed({
        instruments: info.instruments.filter(({ index }) => connection.instruments.includes(index)),
        ticks,
        rejects,
        runEpochNs: info.runEpochNs,
        levelsMax: LEVELS_MAX,
        snapshotLevelsMax: LEVELS_MAX,
        tradesInTimeOrder: true,
      });
      return { feed, dialect };
    });
  }

  /** Frames that the venue sent, so far. */
  get frameCount(): number {
    return this.#frameCount;
  }

  get feeds(): readonly DecodingFeed[] {
    return this.#channels.map(({ feed }) => feed);
  }

  /** Plays the record that the reader stands on. */
  play(reader: RecordingReader): void {
    if (this.#info.kind === RecordingKind.Ticks) this.#tick(reader);
    else this.#event(reader);
  }

  #tick(reader: RecordingReader): void {
    const base = this.#ticks.claim();
    const i32 = this.#ticks.i32;
    for (let word = 0; word < TICK_COMMIT_WORD; word++) {
      i32[base + word] = reader.i32[reader.base + word] as number;
    }
    this.#ticks.publish();
  }

  #event(reader: RecordingReader): void {
    const channel = this.#channels[reader.connection];
    if (channel === undefined) return;
    const { feed } = channel;
    const { bytes, recvNs } = reader;
    switch (reader.direction) {
      case RecordedDirection.In:
        this.#frameCount++;
        feed.onFrame(bytes, recvNs);
        return;
      case RecordedDirection.Connect:
        feed.onConnected();
        return;
      case RecordedDirection.Out:
        if (this.#isImport) feed.onSent(DECODER.decode(bytes));
        return;
      case RecordedDirection.Http:
        this.#body(channel, reader.url ?? '', bytes, recvNs);
        return;
      case RecordedDirection.Disconnect:
        feed.onDisconnected(indexOf(DECODER.decode(bytes)), recvNs);
        return;
      case RecordedDirection.Renew: {
        const place = placeOf(DECODER.decode(bytes), feed.subscriptions.length);
        if (place >= 0) feed.renew(place);
        return;
      }
      case RecordedDirection.Request:
        feed.takeRequest();
        return;
      case RecordedDirection.Stale: {
        const [text = '', code = ''] = DECODER.decode(bytes).split(' ');
        const place = placeOf(text, feed.markets.length);
        if (place >= 0) feed.markStale(place, indexOf(code), recvNs);
        return;
      }
      default:
    }
  }

  #body(channel: Channel, url: string, bytes: Uint8Array, recvNs: number): void {
    // The list of instruments is in the recording's header already.
    if (channel.dialect.isInstrumentsUrl(url, DECODER.decode(bytes))) return;
    channel.feed.onBody(pathOf(url), bytes, recvNs);
  }
}

/** Path and query of an address; a path stays what it is. */
function pathOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** A place in a list by its number as text; -1: there is none. */
function placeOf(text: string, count: number): number {
  const place = Number(text);
  return Number.isInteger(place) && place >= 0 && place < count ? place : -1;
}

/** Index of a code by its name; a name that this version does not have is an error that nobody foresaw. */
function indexOf(code: string): number {
  const isKnown = (ERROR_CODES as readonly string[]).includes(code);
  return codeIndex(isKnown ? (code as ErrorCode) : 'INTERNAL');
}
