/**
 * tick: what it costs to write and to read one 64-byte tick, by every way to do it in JavaScript. One thread, by benny.
 * Every way writes the same random ticks and must leave the same bytes; every way of reading must find the same sums.
 */
import { createHash } from 'node:crypto';
import benny from 'benny';
import { Builder, ByteBuffer } from 'flatbuffers';
import {
  TICK_BYTES,
  TICK_WORDS,
  getTickAskPriceMantissa,
  getTickAskSizeMantissa,
  getTickFlags,
  getTickInstrumentIndex,
  getTickKind,
  getTickPriceMantissa,
  getTickRecvNs,
  getTickSizeMantissa,
  getTickVenueNs,
  getTickVenueSeq,
  writeTick,
  type TickFields,
} from '#src/generated/hot.js';
import { TickKind as SchemaTickKind } from '#src/generated/tick-kind.js';
import { Tick } from '#src/generated/tick.js';
import type { Bench, BenchOptions, Contender } from './bench.js';
import type { Sample } from './compare.js';

/** Enough for no way to learn the values, few enough (14 KB with their objects) to stay in the first-level cache. */
const TICKS = 64;

/** flatc's builder takes its own enum. */
interface BenchTick extends TickFields {
  schemaKind: SchemaTickKind;
}

const SCHEMA_KINDS = [SchemaTickKind.Trade, SchemaTickKind.Quote, SchemaTickKind.Level];

const ticks: BenchTick[] = Array.from({ length: TICKS }, (_, index) => randomTick(index));

const i32 = new Int32Array(TICKS * TICK_WORDS);
const big64 = new BigInt64Array(i32.buffer);
const bytes = new Uint8Array(i32.buffer);
const view = new DataView(i32.buffer);
const table = new ByteBuffer(bytes);
const flyweight = new Tick();
const builder = new Builder(TICKS * TICK_BYTES * 2);

const WRITERS: Record<string, () => void> = {
  tickwire: () => {
    for (let index = 0; index < TICKS; index++)
      writeTick(i32, index * TICK_WORDS, ticks[index] as BenchTick);
  },
  'generated Builder': () => {
    builder.clear();
    // A builder grows downwards: the last tick first.
    for (let index = TICKS - 1; index >= 0; index--) {
      const tick = ticks[index] as BenchTick;
      Tick.createTick(
        builder,
        BigInt(tick.priceMantissa),
        BigInt(tick.sizeMantissa),
        BigInt(tick.askPriceMantissa),
        BigInt(tick.askSizeMantissa),
        BigInt(tick.venueNs),
        BigInt(tick.recvNs),
        BigInt(tick.venueSeq),
        tick.instrumentIndex,
        tick.schemaKind,
        tick.flags,
        0,
      );
    }
  },
  'generated accessors': () => {
    for (let index = 0; index < TICKS; index++) {
      const tick = ticks[index] as BenchTick;
      flyweight.__init(index * TICK_BYTES, table);
      flyweight.mutate_price_mantissa(BigInt(tick.priceMantissa));
      flyweight.mutate_size_mantissa(BigInt(tick.sizeMantissa));
      flyweight.mutate_ask_price_mantissa(BigInt(tick.askPriceMantissa));
      flyweight.mutate_ask_size_mantissa(BigInt(tick.askSizeMantissa));
      flyweight.mutate_venue_ns(BigInt(tick.venueNs));
      flyweight.mutate_recv_ns(BigInt(tick.recvNs));
      flyweight.mutate_venue_seq(BigInt(tick.venueSeq));
      flyweight.mutate_instrument_index(tick.instrumentIndex);
      flyweight.mutate_kind(tick.schemaKind);
      flyweight.mutate_flags(tick.flags);
    }
  },
  DataView: () => {
    for (let index = 0; index < TICKS; index++) {
      const tick = ticks[index] as BenchTick;
      const at = index * TICK_BYTES;
      view.setBigInt64(at, BigInt(tick.priceMantissa), true);
      view.setBigInt64(at + 8, BigInt(tick.sizeMantissa), true);
      view.setBigInt64(at + 16, BigInt(tick.askPriceMantissa), true);
      view.setBigInt64(at + 24, BigInt(tick.askSizeMantissa), true);
      view.setBigInt64(at + 32, BigInt(tick.venueNs), true);
      view.setBigInt64(at + 40, BigInt(tick.recvNs), true);
      view.setBigInt64(at + 48, BigInt(tick.venueSeq), true);
      view.setUint16(at + 56, tick.instrumentIndex, true);
      view.setUint8(at + 58, tick.kind);
      view.setUint8(at + 59, tick.flags);
    }
  },
  BigInt64Array: () => {
    for (let index = 0; index < TICKS; index++) {
      const tick = ticks[index] as BenchTick;
      const at = index * (TICK_BYTES / 8);
      big64[at] = BigInt(tick.priceMantissa);
      big64[at + 1] = BigInt(tick.sizeMantissa);
      big64[at + 2] = BigInt(tick.askPriceMantissa);
      big64[at + 3] = BigInt(tick.askSizeMantissa);
      big64[at + 4] = BigInt(tick.venueNs);
      big64[at + 5] = BigInt(tick.recvNs);
      big64[at + 6] = BigInt(tick.venueSeq);
      i32[index * TICK_WORDS + 14] = tick.instrumentIndex | (tick.kind << 16) | (tick.flags << 24);
    }
  },
};

const READERS: Record<string, () => number> = {
  tickwire: () => {
    let sum = 0;
    for (let index = 0; index < TICKS; index++) {
      const base = index * TICK_WORDS;
      sum +=
        getTickPriceMantissa(i32, base) +
        getTickSizeMantissa(i32, base) +
        getTickAskPriceMantissa(i32, base) +
        getTickAskSizeMantissa(i32, base) +
        getTickVenueNs(i32, base) +
        getTickRecvNs(i32, base) +
        getTickVenueSeq(i32, base) +
        getTickInstrumentIndex(i32, base) +
        getTickKind(i32, base) +
        getTickFlags(i32, base);
    }
    return sum;
  },
  'generated accessors': () => {
    let sum = 0;
    for (let index = 0; index < TICKS; index++) {
      flyweight.__init(index * TICK_BYTES, table);
      sum +=
        Number(flyweight.priceMantissa()) +
        Number(flyweight.sizeMantissa()) +
        Number(flyweight.askPriceMantissa()) +
        Number(flyweight.askSizeMantissa()) +
        Number(flyweight.venueNs()) +
        Number(flyweight.recvNs()) +
        Number(flyweight.venueSeq()) +
        flyweight.instrumentIndex() +
        flyweight.kind() +
        flyweight.flags();
    }
    return sum;
  },
  DataView: () => {
    let sum = 0;
    for (let index = 0; index < TICKS; index++) {
      const at = index * TICK_BYTES;
      sum +=
        Number(view.getBigInt64(at, true)) +
        Number(view.getBigInt64(at + 8, true)) +
        Number(view.getBigInt64(at + 16, true)) +
        Number(view.getBigInt64(at + 24, true)) +
        Number(view.getBigInt64(at + 32, true)) +
        Number(view.getBigInt64(at + 40, true)) +
        Number(view.getBigInt64(at + 48, true)) +
        view.getUint16(at + 56, true) +
        view.getUint8(at + 58) +
        view.getUint8(at + 59);
    }
    return sum;
  },
  BigInt64Array: () => {
    let sum = 0;
    for (let index = 0; index < TICKS; index++) {
      const at = index * (TICK_BYTES / 8);
      const packed = i32[index * TICK_WORDS + 14] as number;
      sum +=
        Number(big64[at]) +
        Number(big64[at + 1]) +
        Number(big64[at + 2]) +
        Number(big64[at + 3]) +
        Number(big64[at + 4]) +
        Number(big64[at + 5]) +
        Number(big64[at + 6]) +
        (packed & 65_535) +
        ((packed >>> 16) & 255) +
        (packed >>> 24);
    }
    return sum;
  },
};

export const bench: Bench = {
  question:
    'what does one 64-byte tick cost to write and to read, by hot accessors and by everything else?',
  open(options) {
    checkWriters();
    checkReaders();
    return [
      ...Object.entries(WRITERS).map(([who, body]) => contender(who, 'write', body, options)),
      ...Object.entries(READERS).map(([who, body]) => contender(who, 'read', body, options)),
    ];
  },
};

function contender(
  who: string,
  what: string,
  body: () => unknown,
  { isQuick }: BenchOptions,
): Contender {
  // Seconds per sample and in all; benny takes the median of its samples, the harness that of the rounds.
  const options = isQuick
    ? { minTime: 0.001, maxTime: 0.005, minSamples: 1, delay: 0 }
    : { minTime: 0.02, maxTime: 0.3, minSamples: 9, delay: 0 };
  return {
    name: `${who} ${what}`,
    async measure(): Promise<readonly Sample[]> {
      const summary = await silently(() =>
        benny.suite(
          what,
          benny.add(who, () => void body(), options),
        ),
      );
      const medianSec = summary.results[0]?.details.median ?? Number.NaN;
      return [{ who, what, unit: 'ns/tick', value: (medianSec * 1e9) / TICKS }];
    },
  };
}

/** benny announces every suite on stdout, which belongs to the results. */
async function silently<T>(work: () => Promise<T>): Promise<T> {
  const log = console.log;
  console.log = () => undefined;
  try {
    return await work();
  } finally {
    console.log = log;
  }
}

/** No way may win by writing something else. */
function checkWriters(): void {
  let expected = '';
  for (const [who, write] of Object.entries(WRITERS)) {
    i32.fill(0);
    write();
    const found = createHash('sha256')
      .update(
        who === 'generated Builder'
          ? builder
              .dataBuffer()
              .bytes()
              .slice(-TICKS * TICK_BYTES)
          : bytes,
      )
      .digest('hex');
    if (expected === '') expected = found;
    if (found !== expected) throw new Error(`${who} wrote other bytes`);
  }
}

function checkReaders(): void {
  WRITERS['tickwire']?.();
  const sums = Object.entries(READERS).map(([who, read]) => ({ who, sum: read() }));
  for (const { who, sum } of sums) {
    if (sum !== sums[0]?.sum) throw new Error(`${who} read other values`);
  }
}

/** Seeded; prices like BTC-USD, times of a day, one size in 16 negative so that signs count. */
function randomTick(index: number): BenchTick {
  let state = Math.imul(index + 1, 0x9e3779b1);
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 0) / 4_294_967_296) * below);
  };
  const schemaKind = SCHEMA_KINDS[random(SCHEMA_KINDS.length)] ?? SchemaTickKind.Trade;
  return {
    priceMantissa: 6_000_000 + random(500_000),
    sizeMantissa: random(16) === 0 ? -random(1e12) : random(1e12),
    askPriceMantissa: 6_000_000 + random(500_000),
    askSizeMantissa: random(1e12),
    venueNs: random(86_400e9),
    recvNs: random(86_400e9),
    venueSeq: random(1e12),
    instrumentIndex: random(1000),
    kind: schemaKind,
    flags: random(32),
    schemaKind,
  };
}
