/**
 * Recordings: what was written comes back, and what is damaged is told and never given out.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import t from 'tap';
import { TickwireError } from '#src/domain/errors.js';
import { RecordedDirection, TICK_COMMIT_WORD } from '#src/generated/hot.js';
import { openRecording } from '#src/journal/recording-files.js';
import { crc32, decodeSegmentInfo, encodeSegmentInfo } from '#src/journal/recording-format.js';
import type { RecordingDamage } from '#src/journal/recording-reader.js';
import {
  frameOf,
  framesIn,
  INFO,
  numbersIn,
  readerOf,
  segmentsIn,
  tempDir,
  TICK_INFO,
  tickAt,
  tickOf,
  writerIn,
} from './recording-rig.js';
import type { Segments } from './recording-rig.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

t.test('the CRC is that of zlib', async (t) => {
  for (const length of [0, 1, 7, 8, 9, 15, 16, 63, 1000]) {
    const i32 = new Int32Array(Math.ceil((length + 8) / 4));
    const bytes = new Uint8Array(i32.buffer);
    for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 167 + length) & 255;
    t.equal(crc32(i32, bytes, 0, length), zlibCrc32(bytes.subarray(0, length)), `${length} bytes`);
    t.equal(crc32(i32, bytes, 4, 4 + length), zlibCrc32(bytes.subarray(4, 4 + length)));
  }
});

t.test('a header comes back as it was', async (t) => {
  const info = { ...INFO, segmentIndex: 7, firstRecord: 2 ** 40 };
  t.same(decodeSegmentInfo(encodeSegmentInfo(info)), info);
});

t.test('frames come back with everything that was known of them', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir, INFO, { segmentBytesMax: 1 << 24 });
  writer.appendFrame({ ...frameOf(0), direction: RecordedDirection.Connect, url: 'wss://x' });
  writer.appendFrame({ ...frameOf(1), url: '', connection: 7 });
  writer.appendFrame({ ...frameOf(2), hasTime: false, recvNs: 0, bytes: new Uint8Array(0) });
  const large = new Uint8Array(3_000_001).fill(7);
  writer.appendFrame({
    ...frameOf(3),
    direction: RecordedDirection.Http,
    url: 'ü?a=b',
    bytes: large,
  });
  writer.appendFrame(frameOf(4));
  t.equal(writer.recordCount, 5);
  writer.close();
  const reader = openRecording(dir);
  t.match(reader.info, INFO);
  t.ok(reader.next());
  t.same(
    [reader.direction, reader.url, reader.connection],
    [RecordedDirection.Connect, 'wss://x', 0],
  );
  t.ok(reader.next());
  t.same([reader.url, reader.connection, reader.hasTime, reader.record], ['', 7, true, 1]);
  t.ok(reader.next());
  t.same([reader.url, reader.hasTime, reader.bytes.length], [null, false, 0]);
  t.ok(reader.next());
  t.same([reader.url, Buffer.compare(reader.bytes, large)], ['ü?a=b', 0]);
  t.ok(reader.next());
  t.equal(Buffer.from(reader.bytes).toString(), frameOf(4).bytes.toString());
  t.notOk(reader.next());
  t.notOk(reader.next());
  t.same(reader.damages, []);
  t.same(readdirSync(dir), ['000001.twr']);
});

t.test('ticks come back byte for byte, without the commit word of their ring', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir, TICK_INFO, { segmentBytesMax: 20_000 });
  for (let number = 0; number < 1_000; number++) writer.appendTick(tickOf(number), 0);
  writer.close();
  t.ok(writer.segmentCount > 3);
  const reader = openRecording(dir);
  for (let number = 0; number < 1_000; number++) {
    t.ok(reader.next());
    const wanted = tickOf(number);
    wanted[TICK_COMMIT_WORD] = 0;
    t.same(reader.i32.subarray(reader.base, reader.base + 16), wanted);
  }
  t.notOk(reader.next());
  t.same([reader.damages, reader.recordCount], [[], 1_000]);
});

t.test('segments end by size and by time, and are read as one recording', async (t) => {
  const bySize = tempDir(t);
  framesIn(bySize, 500, { segmentBytesMax: 8_000 });
  const names = readdirSync(bySize).sort();
  t.ok(names.length >= 4, names.join());
  t.same(numbersIn(openRecording(bySize)), upTo(500));
  for (const [name, bytes] of segmentsIn(bySize))
    t.ok(bytes.length <= 10_000, `${name}: ${bytes.length}`);
  const byTime = tempDir(t);
  framesIn(byTime, 500, { segmentNsMax: 100_000 });
  t.equal(readdirSync(byTime).length, 5);
  t.same(numbersIn(openRecording(byTime)), upTo(500));
});

t.test(
  'a directory that holds a recording is not written over; one without is no recording',
  async (t) => {
    const dir = tempDir(t);
    t.throws(() => openRecording(dir), { code: 'RECORDING_UNREADABLE' });
    t.throws(() => openRecording(join(dir, 'none')), { code: 'RECORDING_UNREADABLE' });
    framesIn(dir, 1);
    t.throws(() => writerIn(dir), {
      code: 'RECORDING_FAILED',
      message: /there is a recording already/,
    });
    t.throws(() => writerIn('/proc/nowhere'), { code: 'RECORDING_FAILED' });
  },
);

t.test('what is written so far can be read while it is written', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir);
  for (let number = 0; number < 100; number++) writer.appendFrame(frameOf(number));
  t.same(readdirSync(dir), ['000001.twr.part']);
  const writtenCount = writer.recordCount - writer.pendingCount;
  const reader = openRecording(dir);
  t.same(numbersIn(reader), upTo(writtenCount));
  t.match(reader.damages, [
    { message: 'the segment is cut off', firstLost: writtenCount, lastLost: null },
  ]);
  writer.flush();
  t.same(numbersIn(openRecording(dir)), upTo(100));
  writer.close();
});

/** Two segments of some blocks each, small enough to be damaged at every byte. */
function smallRecording(t: Parameters<typeof tempDir>[0]): Segments {
  const dir = tempDir(t);
  framesIn(dir, 40, { segmentBytesMax: 2_600, blockBytesMax: 300 });
  return segmentsIn(dir);
}

/** What was read and what is told to be lost make the whole, and nothing is both. */
function accountFor(
  numbers: readonly number[],
  damages: readonly RecordingDamage[],
  count: number,
): string {
  const seen = new Set(numbers);
  if (seen.size !== numbers.length) return 'a record came twice';
  if (numbers.some((number, place) => place > 0 && number <= (numbers[place - 1] ?? 0)))
    return 'records are not in order';
  for (const { firstLost, lastLost } of damages) {
    if (firstLost === null) continue;
    for (let number = firstLost; number <= (lastLost ?? count - 1); number++) {
      if (seen.has(number)) return `record ${number} was read and is told to be lost`;
      seen.add(number);
    }
  }
  return seen.size === count ? '' : `${count - seen.size} records are unaccounted for`;
}

t.test('cut at every byte: the rest is read, what is lost is told', async (t) => {
  const whole = smallRecording(t);
  const names = [...whole.keys()];
  t.ok(names.length >= 2);
  let unreadable = 0;
  for (const [place, name] of names.entries()) {
    const bytes = whole.get(name) ?? new Uint8Array(0);
    for (let length = 0; length < bytes.length; length++) {
      const cut = new Map(whole).set(name, bytes.subarray(0, length));
      const reader = readerOf(cut);
      const numbers = numbersIn(reader);
      const why = accountFor(numbers, reader.damages, 40);
      if (why !== '' || reader.damages.length === 0)
        t.fail(`${name} cut at ${length}: ${why} ${JSON.stringify(reader.damages)}`);
      // The last segment's end is not known to anybody else.
      const isOpen = reader.damages.some(
        ({ firstLost, lastLost }) => firstLost !== null && lastLost === null,
      );
      if (isOpen !== (place === names.length - 1)) t.fail(`${name} cut at ${length}: open end`);
    }
    // Alone and without its header, nothing of it can be read, and that is said.
    for (const length of [0, 10, 56, 300]) {
      const alone = new Map([[name, bytes.subarray(0, length)]]);
      try {
        readerOf(alone);
        t.fail('a header that is cut was read');
      } catch (error) {
        if (!(error instanceof TickwireError) || error.code !== 'RECORDING_CORRUPT') throw error;
        unreadable++;
      }
    }
  }
  t.ok(unreadable >= 8);
});

t.test(
  'every bit of a segment flipped: no record is wrong, none is missing without a word',
  async (t) => {
    const whole = smallRecording(t);
    const [name = ''] = whole.keys();
    const bytes = whole.get(name) ?? new Uint8Array(0);
    let tellCount = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [at % 8, (at + 3) % 8]) {
        const bent = Uint8Array.from(bytes);
        bent[at] = (bent[at] as number) ^ (1 << bit);
        const reader = readerOf(new Map(whole).set(name, bent));
        const numbers = numbersIn(reader);
        const why = accountFor(numbers, reader.damages, 40);
        if (why !== '') t.fail(`byte ${at}, bit ${bit}: ${why} ${JSON.stringify(reader.damages)}`);
        if (numbers.length < 40 && reader.damages.length === 0)
          t.fail(`byte ${at}, bit ${bit}: untold`);
        if (reader.damages.length > 0) tellCount++;
      }
    }
    t.equal(tellCount, 2 * bytes.length, 'each flip is noticed, those of header and index too');
  },
);

t.test('blocks that are missing, doubled or of another recording are noticed', async (t) => {
  const whole = smallRecording(t);
  const names = [...whole.keys()];
  const first = whole.get(names[0] ?? '') ?? new Uint8Array(0);
  const gone = new Map(whole);
  gone.delete(names[0] ?? '');
  const rest = readerOf(gone);
  const numbers = numbersIn(rest);
  t.equal(accountFor(numbers, rest.damages, 40), '');
  t.match(rest.damages, [{ message: 'records are missing', firstLost: 0 }]);
  const twice = new Map(whole).set('000009.twr', first);
  const doubled = readerOf(twice);
  t.same(numbersIn(doubled), upTo(40), 'a copy under another number gives nothing twice');
  t.ok(doubled.damages.length > 0);
  const otherDir = tempDir(t);
  const writer = writerIn(otherDir, { ...INFO, recordingId: 5 });
  for (let number = 0; number < 40; number++) writer.appendFrame(frameOf(number));
  writer.close();
  const mixed = new Map(whole).set('000002.twr', segmentsIn(otherDir).get('000001.twr') ?? first);
  const strange = readerOf(mixed);
  t.equal(accountFor(numbersIn(strange), strange.damages, 40), '');
  t.match(strange.damages[0], { message: 'a block of another recording' });
});

t.test('garbage is no recording, and never anything but a coded error', async (t) => {
  let state = 42;
  const draw = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: round % 700 }, draw);
    t.throws(() => readerOf(new Map([['000001.twr', bytes]])), { code: 'RECORDING_CORRUPT' });
  }
});

t.test('a header with a right CRC and a wrong inside is refused with a code', async (t) => {
  const good = encodeSegmentInfo({ ...INFO, segmentIndex: 1, firstRecord: 0 });
  let refused = 0;
  for (let at = 0; at < good.length; at++) {
    for (const value of [0, 255, (good[at] as number) ^ 16]) {
      const bent = Uint8Array.from(good);
      bent[at] = value;
      try {
        decodeSegmentInfo(bent);
      } catch (error) {
        if (!(error instanceof TickwireError) || error.code !== 'RECORDING_CORRUPT') throw error;
        refused++;
      }
    }
  }
  t.ok(refused > good.length / 2, `${refused} refused`);
});

t.test('an index leads to a time without reading what was before', async (t) => {
  const dir = tempDir(t);
  framesIn(dir, 1_000, { segmentBytesMax: 9_000 });
  for (const [wanted, isEarliest] of [
    [0, true],
    [1, true],
    [400, false],
    [777, false],
    [999, false],
    [5_000, false],
  ] as const) {
    const reader = openRecording(dir);
    reader.skipTo(frameOf(wanted).recvNs);
    t.ok(reader.next());
    const record = reader.record;
    t.ok(
      record <= wanted && (isEarliest ? record === 0 : wanted - record < 20 || wanted > 999),
      `${wanted}: ${record}`,
    );
    const rest = numbersIn(reader);
    t.same(rest, upTo(1_000).slice(record + 1));
    t.same(reader.damages, []);
  }
});

t.test('a file that is no segment does no harm', async (t) => {
  const dir = tempDir(t);
  framesIn(dir, 10);
  writeFileSync(join(dir, 'notes.txt'), 'about this recording');
  t.same(numbersIn(openRecording(dir)), upTo(10));
});

t.test('a tick of a recording says what was recorded', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir, TICK_INFO);
  writer.appendTick(tickOf(12), 0);
  writer.close();
  const reader = openRecording(dir);
  t.ok(reader.next());
  t.match(tickAt(reader), { priceMantissa: 6_000_012, venueNs: -1_012, venueSeq: 12 });
  t.equal(reader.recvNs, 5_000_012_000);
});
