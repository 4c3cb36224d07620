/**
 * http-answer: reads one HTTP/1.1 answer from the chunks of a connection. Strict: a length that is said twice or oddly, a
 * header that is folded, a chunk size that is not plain hex are refused, because two readers that disagree about where an
 * answer ends disagree about which order it answers. Owner: one connection of http-client.ts.
 */

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The connection cannot carry another request. */
  readonly isLast: boolean;
}

/** `more`: not there yet; `done`: take it; anything else says what is wrong. */
export type ReadVerdict = 'more' | 'done' | `malformed answer: ${string}`;

/** An answer larger than this is not read to its end (the largest known, a full product list, has 3 MB). */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;
/** A chunk's size line with extensions. */
const SIZE_LINE_BYTES_MAX = 256;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

type Framing = 'head' | 'length' | 'chunked' | 'to-end' | 'done';

export class AnswerReader {
  #rest: Buffer = NOTHING;
  #framing: Framing = 'head';
  #status = 0;
  #headers: Record<string, string> = {};
  #parts: Buffer[] = [];
  #bodyBytes = 0;
  /** length: bytes of the body still to come. chunked: of this chunk; -1: its size line comes next, -2: the trailer. */
  #left = 0;
  #isLast = false;

  reset(): void {
    this.#rest = NOTHING;
    this.#framing = 'head';
    this.#headers = {};
    this.#parts = [];
    this.#bodyBytes = 0;
    this.#left = 0;
    this.#isLast = false;
  }

  read(chunk: Buffer): ReadVerdict {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const verdict = this.#step();
      if (verdict === 'again') continue;
      // More than was asked for: this answer stands, the connection does not.
      if (verdict === 'done' && this.#rest.length > 0) this.#isLast = true;
      return verdict;
    }
  }

  /** The other side has ended; true when that ends the answer as well. */
  end(): boolean {
    return this.#framing === 'to-end';
  }

  take(): HttpAnswer {
    return {
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#parts, this.#bodyBytes).toString('utf8'),
      isLast: this.#isLast,
    };
  }

  #step(): ReadVerdict | 'again' {
    switch (this.#framing) {
      case 'head':
        return this.#readHead();
      case 'length':
        return this.#readLength();
      case 'chunked':
        return this.#readChunked();
      case 'to-end':
        return this.#keep(this.#rest.length) ?? 'more';
      case 'done':
        return 'done';
    }
  }

  #readHead(): ReadVerdict | 'again' {
    const end = this.#rest.indexOf(HEAD_END);
    if (end > HEAD_BYTES_MAX || (end < 0 && this.#rest.length > HEAD_BYTES_MAX))
      return 'malformed answer: its head has no end';
    if (end < 0) return 'more';
    const [statusLine = '', ...lines] = this.#rest.toString('latin1', 0, end).split('\r\n');
    this.#rest = this.#rest.subarray(end + HEAD_END.length);
    const status = STATUS_LINE.exec(statusLine);
    if (status === null) return 'malformed answer: status line';
    this.#status = Number(status[2]);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const match = HEADER_LINE.exec(line);
      if (match === null) return 'malformed answer: header line';
      const name = (match[1] ?? '').toLowerCase();
      const before = headers[name];
      headers[name] = before === undefined ? (match[2] ?? '') : `${before}, ${match[2] ?? ''}`;
    }
    if (this.#status === 101) return 'malformed answer: another protocol';
    // 100 and 103 announce the answer.
    if (this.#status < 200) return 'again';
    this.#headers = headers;
    const connection = (headers['connection'] ?? '').toLowerCase();
    this.#isLast = status[1] === '0' || connection.split(/\s*,\s*/).includes('close');
    return this.#frame(headers);
  }

  #frame(headers: Readonly<Record<string, string>>): ReadVerdict | 'again' {
    const coding = headers['transfer-encoding'];
    const length = headers['content-length'];
    if (this.#status === 204 || this.#status === 304) return this.#done();
    if (coding !== undefined) {
      if (length !== undefined) return 'malformed answer: two lengths';
      if (coding.toLowerCase() !== 'chunked') return 'malformed answer: transfer coding';
      this.#framing = 'chunked';
      this.#left = -1;
      return 'again';
    }
    if (length === undefined) {
      this.#framing = 'to-end';
      this.#isLast = true;
      return 'again';
    }
    if (!/^\d{1,15}$/.test(length)) return 'malformed answer: content-length';
    this.#left = Number(length);
    if (this.#left > BODY_BYTES_MAX) return 'malformed answer: too large';
    this.#framing = 'length';
    return 'again';
  }

  #readLength(): ReadVerdict | 'again' {
    const bytes = Math.min(this.#left, this.#rest.length);
    this.#left -= bytes;
    const wrong = this.#keep(bytes);
    if (wrong !== null) return wrong;
    return this.#left === 0 ? this.#done() : 'more';
  }

  #readChunked(): ReadVerdict | 'again' {
    if (this.#left > 0) {
      // The chunk and the line end behind it, as one.
      if (this.#rest.length < this.#left + LINE_END.length) return 'more';
      const wrong = this.#keep(this.#left);
      if (wrong !== null) return wrong;
      if (this.#rest.indexOf(LINE_END) !== 0) return 'malformed answer: end of a chunk';
      this.#rest = this.#rest.subarray(LINE_END.length);
      this.#left = -1;
      return 'again';
    }
    const end = this.#rest.indexOf(LINE_END);
    const isLong = (end < 0 ? this.#rest.length : end) > SIZE_LINE_BYTES_MAX;
    if (this.#left === -1 && isLong) return 'malformed answer: chunk size';
    if (this.#rest.length > HEAD_BYTES_MAX && end < 0) return 'malformed answer: trailer';
    if (end < 0) return 'more';
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + LINE_END.length);
    // Trailers are read over; the empty line ends the answer.
    if (this.#left === -2) return line === '' ? this.#done() : 'again';
    const size = /^([0-9a-fA-F]{1,8})(?:[ \t]*;[\t\x20-\x7e]*)?$/.exec(line);
    if (size === null) return 'malformed answer: chunk size';
    const bytes = Number.parseInt(size[1] ?? '', 16);
    if (bytes > BODY_BYTES_MAX) return 'malformed answer: too large';
    this.#left = bytes === 0 ? -2 : bytes;
    return 'again';
  }

  /** Moves bytes from what is unread to the body; a sentence when it grows too large. */
  #keep(bytes: number): ReadVerdict | null {
    this.#bodyBytes += bytes;
    if (this.#bodyBytes > BODY_BYTES_MAX) return 'malformed answer: too large';
    if (bytes > 0) this.#parts.push(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
    return null;
  }

  #done(): 'done' {
    this.#framing = 'done';
    return 'done';
  }
}
