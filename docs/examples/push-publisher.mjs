/**
 * An example publisher: pushes a made-up market of one instrument to a running engine and prints what it is told.
 *
 *   node push-publisher.mjs ws://127.0.0.1:PORT KEY VENUE SYMBOL PRICE_SCALE SIZE_SCALE [BATCHES]
 *
 * It writes its FlatBuffers byte by byte, to show that there is no magic in them; with a FlatBuffers library and
 * schemas/push.fbs it would be shorter. The layout is explained in docs/push-format.md.
 */
import { WebSocket } from 'ws';

const SCHEMA_HASH = '9841ba495721046ca32283c4fed2e73852a8842d92a8986362b09de0eea991b9';
const Kind = { Trade: 1, Level: 3, SnapshotBegin: 4 };
const Flag = { Ask: 1, LastOfFrame: 2 };

/** Bytes that grow. Offsets of FlatBuffers point forward: everything is written in order, and offsets are patched. */
class Bytes {
  #bytes = Buffer.alloc(1 << 16);
  #length = 0;

  get length() {
    return this.#length;
  }

  number(width, value) {
    const at = this.#length;
    if (width === 8) this.#bytes.writeBigInt64LE(BigInt(value), at);
    else this.#bytes.writeUIntLE(value, at, width);
    this.#length += width;
    return at;
  }

  align(width) {
    while (this.#length % width !== 0) this.number(1, 0);
  }

  letters(text) {
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  /** Makes the offset at `at` point to what is written next. */
  point(at) {
    this.align(4);
    this.#bytes.writeUInt32LE(this.#length - at, at);
  }

  /** A string: its length, its bytes, and a zero that the length does not count. */
  string(text) {
    this.number(4, Buffer.byteLength(text));
    this.letters(text);
    this.number(1, 0);
  }

  /** A vtable: its own size, the size of the table, then where in the table each field stands. */
  vtable(tableBytes, ...fields) {
    const at = this.#length;
    for (const value of [4 + 2 * fields.length, tableBytes, ...fields]) this.number(2, value);
    return at;
  }

  /** The beginning of a table: how far back its vtable is. */
  table(vtableAt) {
    this.number(4, this.#length - vtableAt);
  }

  done() {
    return this.#bytes.subarray(0, this.#length);
  }
}

function hello({ publisher, venue, symbol, priceScale, sizeScale }) {
  const out = new Bytes();
  const rootAt = out.number(4, 0);
  out.letters('TWPH');
  const vtable = out.vtable(16, 4, 8, 12);
  out.point(rootAt);
  out.table(vtable);
  const [hashAt, nameAt, listAt] = [out.number(4, 0), out.number(4, 0), out.number(4, 0)];
  out.point(hashAt);
  out.string(SCHEMA_HASH);
  out.point(nameAt);
  out.string(publisher);
  out.point(listAt);
  out.number(4, 1); // one instrument: ticks name it by its place in this list, 0
  const itemAt = out.number(4, 0);
  const itemVtable = out.vtable(15, 4, 8, 12, 13, 14);
  out.point(itemAt);
  out.table(itemVtable);
  const [venueAt, symbolAt] = [out.number(4, 0), out.number(4, 0)];
  out.number(1, priceScale);
  out.number(1, sizeScale);
  out.number(1, 0); // book: 0 levels, 1 quotes
  out.point(venueAt);
  out.string(venue);
  out.point(symbolAt);
  out.string(symbol);
  return out.done();
}

/** 48 bytes that are always the same but for three numbers, then 64 bytes a tick. */
function batch(seq, ticks) {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const out = new Bytes();
  out.number(4, 20); // 0: the root table is at byte 20
  out.letters('TWPB');
  out.vtable(24, 4, 12, 20); // 8: seq, sent_epoch_ns and ticks are 4, 12 and 20 bytes behind the table's beginning
  out.align(4);
  out.table(8); // 20
  out.number(8, seq); // 24
  out.number(8, nowNs); // 32
  out.number(4, 4); // 40: the vector begins 4 bytes from here
  out.number(4, ticks.length); // 44
  for (const tick of ticks) {
    out.number(8, tick.price ?? 0);
    out.number(8, tick.size ?? 0);
    out.number(8, 0); // ask_price
    out.number(8, 0); // ask_size
    out.number(8, nowNs); // the venue's time; here we are the venue
    out.number(8, tick.id ?? 0);
    out.number(8, 0);
    out.number(2, 0); // instrument
    out.number(1, tick.kind);
    out.number(1, tick.flags ?? 0);
    out.number(4, 0);
  }
  return out.done();
}

/** Reads a number of a message of ours: `slot` is the field's place in the schema. */
function field(message, slot) {
  const table = message.readUInt32LE(0);
  const vtable = table - message.readInt32LE(table);
  if (4 + slot * 2 >= message.readUInt16LE(vtable)) return 0n;
  const offset = message.readUInt16LE(vtable + 4 + slot * 2);
  return offset === 0 ? 0n : message.readBigInt64LE(table + offset);
}

const [url, key, venue, symbol, priceScale, sizeScale, batches = '100'] = process.argv.slice(2);
if (sizeScale === undefined) {
  console.error('node push-publisher.mjs URL KEY VENUE SYMBOL PRICE_SCALE SIZE_SCALE [BATCHES]');
  process.exit(2);
}
const last = Number(batches);
const mid = 100 * 10 ** Number(priceScale);
const size = 10 ** Number(sizeScale);

/** A book of three levels a side. */
function snapshot() {
  const levels = [1, 2, 3].flatMap((step) => [
    { kind: Kind.Level, price: mid - step, size: step * size },
    { kind: Kind.Level, price: mid + step, size: step * size, flags: Flag.Ask },
  ]);
  levels.at(-1).flags |= Flag.LastOfFrame;
  return [{ kind: Kind.SnapshotBegin }, ...levels];
}

/** The best bid grows and shrinks, and somebody buys. */
function change(seq) {
  return [
    { kind: Kind.Level, price: mid - 1, size: (1 + (seq % 5)) * size },
    { kind: Kind.Trade, price: mid + 1, size, id: seq, flags: Flag.LastOfFrame },
  ];
}

const ws = new WebSocket(`${url}/v1/push`, { headers: { authorization: `Bearer ${key}` } });
let seq = 0;
let credit = 0;
let wantsSnapshot = true;

/** As far as the credit goes. */
function sendMore() {
  while (seq < Math.min(credit, last)) {
    seq++;
    ws.send(batch(seq, wantsSnapshot ? snapshot() : change(seq)));
    wantsSnapshot = false;
  }
}

ws.on('open', () => {
  const scales = { priceScale: Number(priceScale), sizeScale: Number(sizeScale) };
  ws.send(hello({ publisher: 'example', venue, symbol, ...scales }));
});
ws.on('message', (message) => {
  const kind = message.toString('ascii', 4, 8);
  if (kind === 'TWPW') credit = Number(field(message, 0));
  if (kind === 'TWPR') wantsSnapshot = true;
  if (kind === 'TWPA') {
    const acked = Number(field(message, 0));
    credit = Number(field(message, 1));
    if (acked === last) {
      console.log(JSON.stringify({ batches: acked, ticks: Number(field(message, 2)) }));
      ws.close(1000);
      return;
    }
  }
  sendMore();
});
ws.on('error', (error) => console.error(error.message));
ws.on('close', (code, reason) => {
  if (code === 1000) return;
  console.error(`closed: ${code} ${reason}`);
  process.exitCode = 1;
});
