import fc from 'fast-check';
import t from 'tap';
import { ascii, ByteScanner, DecimalStatus, SymbolTable } from '#src/domain/byte-scanner.js';
import { formatMantissa, readDecimal } from '#src/domain/fixed-point.js';

function at(text: string): ByteScanner {
  const scanner = new ByteScanner();
  scanner.begin(new TextEncoder().encode(text));
  return scanner;
}

/** Status and mantissa of a quoted decimal. */
function decimal(text: string, scale: number): DecimalStatus | bigint {
  const scanner = at(`"${text}"`);
  const status = scanner.quotedDecimal(scale);
  if (status === DecimalStatus.Ok) return BigInt(scanner.mantissa[0] ?? NaN);
  return status === DecimalStatus.Wide ? scanner.wideMantissa : status;
}

t.test('every decimal is read exactly, or refused as the slow parser refuses it', async () => {
  const digits = fc.stringMatching(/^\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?$/);
  fc.assert(
    fc.property(
      digits,
      fc.boolean(),
      fc.integer({ min: 0, max: 18 }),
      (text, isNegative, scale) => {
        const signed = isNegative ? `-${text}` : text;
        const expected = readDecimal(signed, scale);
        const got = decimal(signed, scale);
        if (typeof expected === 'bigint') return got === expected;
        const statuses = {
          DECIMAL_INEXACT: DecimalStatus.Inexact,
          DECIMAL_OVERFLOW: DecimalStatus.Overflow,
          DECIMAL_MALFORMED: DecimalStatus.Malformed,
        };
        return got === statuses[expected];
      },
    ),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 12 }), (mantissa, scale) => {
      return decimal(formatMantissa(mantissa, scale), scale) === BigInt(mantissa);
    }),
    { numRuns: 2_000 },
  );
});

t.test('decimals at the limits', async (t) => {
  t.equal(decimal('65083.67', 2), 6508367n);
  t.equal(decimal('0', 8), 0n);
  t.equal(decimal('68900.00000', 2), 6890000n, 'zeros beyond the scale');
  t.equal(decimal('0.001', 2), DecimalStatus.Inexact);
  t.equal(decimal('90071992.54740991', 8), 9007199254740991n, 'the last safe integer');
  t.equal(decimal('90071992.54740992', 8), 9007199254740992n, 'one past: wide, still exact');
  t.equal(decimal('999999999.123456789', 9), 999999999123456789n);
  t.equal(decimal('0.000000000000000001', 18), 1n);
  t.equal(decimal('9223372036854775808', 0), DecimalStatus.Overflow);
  t.equal(decimal('', 2), DecimalStatus.Absent);
  for (const text of ['.5', '5.', '+1', '1 ', ' 1', '1,0', 'NaN', '1e', '1.2.3', '0x1', '-']) {
    t.equal(decimal(text, 2), DecimalStatus.Malformed, text);
  }
  t.equal(at('null').quotedDecimal(2), DecimalStatus.Absent);
  t.equal(at('true').quotedDecimal(2), DecimalStatus.Malformed);
  t.equal(at('12').quotedDecimal(2), DecimalStatus.Malformed);
  t.equal(at('"12').quotedDecimal(2), DecimalStatus.Malformed, 'cut off');
  const bare = at(' 12.5 ,');
  t.equal(bare.bareDecimal(2), DecimalStatus.Ok);
  t.equal(bare.mantissa[0], 1250);
  t.equal(at('012').bareDecimal(2), DecimalStatus.Malformed, 'JSON has no leading zeros');
  t.equal(at('0').bareDecimal(2), DecimalStatus.Ok);
});

t.test('times are read to the nanosecond', async (t) => {
  const read = (text: string): string | null => {
    const scanner = at(`"${text}"`);
    if (!scanner.time() || !scanner.isAtEnd()) return null;
    return (BigInt(scanner.seconds[0] ?? NaN) * 1_000_000_000n + BigInt(scanner.nanos)).toString();
  };
  t.equal(read('2026-08-09T21:05:48.228568804Z'), '1786309548228568804');
  t.equal(read('2026-08-09T21:05:38.50436Z'), '1786309538504360000');
  t.equal(read('2026-08-09T21:05:38Z'), '1786309538000000000');
  t.equal(read('2026-08-09T23:05:38+02:00'), '1786309538000000000');
  t.equal(read('2026-08-09T21:05:38.1234567890Z'), '1786309538123456789');
  t.equal(read('2026-08-09T21:05:38.1234567891Z'), null, 'ten digits are not rounded');
  t.equal(read('1969-12-31T23:59:59.5Z'), '-500000000');
  t.equal(read('2024-02-29T00:00:00Z'), '1709164800000000000');
  for (const text of [
    '2023-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-17-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+2:00',
    '20260101T000000Z',
    '',
  ]) {
    t.equal(read(text), null, text);
  }
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }),
      (date) => {
        if (Number.isNaN(date.getTime())) return true;
        return read(date.toISOString()) === `${BigInt(date.getTime()) * 1_000_000n}`;
      },
    ),
  );
});

t.test('a time is the same whatever was read before it', async (t) => {
  // Seconds and offsets vary more than minutes, so that most times stand in the minute of the one before.
  const part = fc.record({
    minute: fc.constantFrom(
      '2026-08-09T21:05',
      '2026-08-09T21:06',
      '1970-01-01T00:00',
      '2026-08-09T21-05',
    ),
    rest: fc.constantFrom(
      ':00Z',
      ':59.5Z',
      ':60.000000001Z',
      ':61Z',
      ':07+01:30',
      ':07',
      '.07Z',
      ':7Z',
    ),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const one = new ByteScanner();
      for (const { minute, rest } of parts) {
        const bytes = new TextEncoder().encode(`"${minute}${rest}"`);
        const other = new ByteScanner();
        one.begin(bytes);
        other.begin(bytes);
        const isTime = other.time();
        t.equal(one.time(), isTime);
        if (isTime) t.same([one.seconds[0], one.nanos], [other.seconds[0], other.nanos]);
      }
    }),
  );
});

t.test('two numbers behind their literals are read as one by one, or left alone', async (t) => {
  const first = ascii('{"price":');
  const second = ascii(',"qty":');
  const digits = fc.oneof(
    fc.stringMatching(/^-?\d{1,12}(\.\d{1,9})?([eE][+-]?\d)?$/),
    fc.constantFrom('', '0', '-0', '00', '1.', '.1', 'null', '"1"', '9007199254740993'),
  );
  const values = (): [Float64Array, Float64Array] => [new Float64Array(1), new Float64Array(1)];
  let readCount = 0;
  fc.assert(
    fc.property(digits, digits, (price, size) => {
      const scanner = at(`{"price":${price},"qty":${size}}`);
      const [prices, sizes] = values();
      const isRead = scanner.numberPair(first, second, prices, sizes, 0, 4, 8);
      if (!isRead) return t.equal(scanner.at, 0);
      readCount++;
      t.equal(scanner.peek(), 0x7d, 'the brace is left');
      t.equal(BigInt(prices[0] ?? NaN), readDecimal(price, 4));
      t.equal(BigInt(sizes[0] ?? NaN), readDecimal(size, 8));
      t.doesNotThrow(() => JSON.parse(`[${price},${size}]`) as unknown, `${price} ${size}`);
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.ok(readCount > 5, `${readCount} pairs`);
  const [prices, sizes] = values();
  t.ok(at('{"price":63005.0,"qty":2.08665551}').numberPair(first, second, prices, sizes, 0, 1, 8));
  t.same([prices[0], sizes[0]], [630_050, 208_665_551]);
  t.notOk(at('{"price":0,"qty":1}').numberPair(first, second, prices, sizes, 0, 1, 8), 'no price');
});

t.test('a number that is skipped is one that JSON.parse takes', async (t) => {
  fc.assert(
    fc.property(fc.stringMatching(/^[-+]?\d{0,3}\.?\d{0,3}[eE]?\d?$/), (text) => {
      const scanner = at(`${text},`);
      if (!scanner.skipDecimal()) return t.equal(scanner.at, 0);
      t.doesNotThrow(() => JSON.parse(text.slice(0, scanner.at)) as unknown, text);
      return true;
    }),
    { numRuns: 2_000 },
  );
  for (const text of ['0', '-0.5', '123.456', '7']) {
    const scanner = at(`${text},`);
    t.ok(scanner.skipDecimal());
    t.equal(scanner.at, text.length);
  }
});

t.test('what is skipped is checked as JSON.parse checks it', async (t) => {
  const accepts = (text: string): boolean => {
    const scanner = at(text);
    return scanner.skipValue() && scanner.isAtEnd();
  };
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.integer(), fc.string(), (json, cut, splice) => {
      const place = Math.abs(cut) % (json.length + 1);
      const spliced = json.slice(0, place) + splice + json.slice(place);
      return [json, json.slice(0, place), spliced].every((text) => accepts(text) === parses(text));
    }),
    { numRuns: 2_000 },
  );
  for (const text of ['{"a":1,}', '[1,]', '{"a"}', '01', '1.', '-', '"\t"', '"\\x"', '"\\u12g4"']) {
    t.notOk(accepts(text), text);
  }
  t.ok(accepts(' {"a" : [1.5e+3, -0, "\\u00e9\\n", true, null, {}], "b":[] } '));
  t.notOk(accepts(`${'['.repeat(40)}${']'.repeat(40)}`), 'nesting has a limit');
});

t.test('symbols are found by their bytes', async (t) => {
  const table = new SymbolTable();
  const names = Array.from({ length: 500 }, (_, i) => `SYM${i}-USD`);
  names.forEach((name, i) => table.set(name, i));
  table.set('SYM7-USD', 7000);
  const find = (name: string): number => table.find(ascii(`"${name}"`).bytes, 1, name.length + 1);
  t.equal(find('SYM0-USD'), 0);
  t.equal(find('SYM499-USD'), 499);
  t.equal(find('SYM7-USD'), 7000, 'replaced');
  t.equal(find('SYM500-USD'), -1);
  t.equal(find(''), -1);
});

t.test('whole numbers as times: the number of digits tells the unit', async (t) => {
  const read = (text: string): readonly [number, number] | null => {
    const scanner = at(text);
    if (!scanner.epochTime() || !scanner.isAtEnd()) return null;
    return [Number(scanner.seconds[0]), scanner.nanos];
  };
  for (const quote of ['', '"']) {
    const quoted = (text: string): string => `${quote}${text}${quote}`;
    t.same(read(quoted('1723161255')), [1723161255, 0], 'seconds');
    t.same(read(quoted('1723161255208')), [1723161255, 208_000_000], 'milliseconds');
    t.same(read(quoted('1723161255208123')), [1723161255, 208_123_000], 'microseconds');
    t.same(
      read(quoted('1723161255208123456')),
      [1723161255, 208_123_456],
      'nanoseconds, beyond 2^53',
    );
    t.same(read(quoted('1618678133.365913')), [1618678133, 365_913_000], 'seconds with a fraction');
    t.same(read(quoted('1618678133.000000001')), [1618678133, 1]);
    t.equal(read(quoted('1618678133.0000000001')), null, 'finer than a nanosecond');
    t.equal(read(quoted('1618678133365.5')), null, 'no fraction of a millisecond');
    t.equal(read(quoted('-1618678133')), null);
    t.equal(read(quoted('')), null);
    t.equal(read(quoted('16186781330000000000000')), null, 'too many digits');
  }
  t.equal(read('"1618678133'), null, 'not closed');
  t.equal(read('1618678133"'), null);
  t.same(read(' 1618678133'), [1618678133, 0], 'white space before a number');
});

t.test('a quoted pair is read as one by one, or left alone', async (t) => {
  const between = ascii('","size":"');
  const behind = ascii('"}');
  const digits = fc.oneof(
    fc.stringMatching(/^-?\d{1,12}(\.\d{1,9})?([eE][+-]?\d)?$/),
    fc.constantFrom('', '0', '-0', '1.', '.1', 'x', '9007199254740993'),
  );
  let readCount = 0;
  fc.assert(
    fc.property(digits, digits, (price, size) => {
      const scanner = at(`${price}","size":"${size}"}`);
      const prices = Float64Array.of(0);
      const sizes = Float64Array.of(0);
      if (!scanner.decimalPair(between, behind, prices, sizes, 0, 4, 8)) return scanner.at === 0;
      readCount++;
      const [first, second] = [prices[0] ?? NaN, sizes[0] ?? NaN];
      return (
        scanner.isAtEnd() &&
        first > 0 &&
        second >= 0 &&
        BigInt(first) === readDecimal(price, 4) &&
        BigInt(second) === readDecimal(size, 8)
      );
    }),
    { numRuns: 2_000 },
  );
  t.ok(readCount > 5, `${readCount} pairs`);
  const sizes = Float64Array.of(7);
  for (const text of ['1","size":"2"]', '1","SIZE":"2"}', '1","size":"2"', '1","size":"-2"}']) {
    t.notOk(at(text).decimalPair(between, behind, Float64Array.of(0), sizes, 0, 4, 8), text);
  }
  t.equal(sizes[0], 7, 'what is not read is not written');
});

t.test('what a frame repeats is compared byte by byte', async (t) => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[ -~]{4,40}$/),
      fc.nat({ max: 50 }),
      fc.stringMatching(/^[ -~]$/),
      (text, where, letter) => {
        const place = where % text.length;
        const other = text.slice(0, place) + letter + text.slice(place + 1);
        const scanner = at(`${text}|${other}|`);
        scanner.at = text.length + 1;
        const isSame = scanner.repeats(0, text.length);
        return (
          isSame === (text === other) &&
          scanner.at === (isSame ? 2 * text.length + 1 : text.length + 1)
        );
      },
    ),
    { numRuns: 2_000 },
  );
  const cut = at('abcdefgh|abcd');
  cut.at = 9;
  t.notOk(cut.repeats(0, 8), 'the frame ends before');
});

t.test('a long hexadecimal text is passed over at once, and any other string is not', async (t) => {
  const passes = (text: string, digits: number): boolean => {
    const scanner = new ByteScanner();
    scanner.begin(Buffer.from(text, 'latin1'));
    const isPassed = scanner.skipHex(digits);
    t.equal(scanner.at, isPassed ? digits + 4 : 0);
    return isPassed;
  };
  const hash = '0123456789abcdef'.repeat(4);
  t.equal(passes(`"0x${hash}",`, 64), true);
  t.equal(passes(`"0x${hash}"`, 60), false);
  t.equal(passes(`"0x${hash}"`, 68), false);
  t.equal(passes(`"0x${hash}`, 64), false);
  t.equal(passes(`"1x${hash}"`, 64), false);
  for (let at = 0; at < 64; at++) {
    for (const code of [0, 9, 0x1f, 0x22, 0x2f, 0x5c, 0x80, 0xff]) {
      const odd = hash.slice(0, at) + String.fromCharCode(code) + hash.slice(at + 1);
      if (passes(`"0x${odd}"`, 64)) t.fail(`${code} at ${at}`);
    }
  }
});

t.test('an id is a plain whole number, or left alone', async (t) => {
  const into = Float64Array.of(7);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), fc.nat(15), (value, digits) => {
      const text = String(value).slice(0, Math.max(1, digits));
      const plain = String(Number(text));
      const scanner = at(`${plain},`);
      return scanner.id(into, 0) && into[0] === Number(plain) && scanner.at === plain.length;
    }),
    { numRuns: 2_000 },
  );
  into[0] = 7;
  for (const text of ['', '-1', '01', '1.5', '1e3', '1E3', '"1"', ' 1', '1000000000000000', 'x']) {
    const scanner = at(text);
    t.notOk(scanner.id(into, 0), text);
    t.equal(scanner.at, 0);
  }
  t.equal(into[0], 7, 'what is not read is not written');
});

t.test('a level of two quoted decimals is read as one by one, or left alone', async (t) => {
  const digits = fc.oneof(
    fc.stringMatching(/^-?\d{1,12}(\.\d{1,9}0{0,6})?([eE][+-]?\d)?$/),
    fc.constantFrom('', '0', '-0', '1.', '.1', 'x', '9007199254740993'),
  );
  let readCount = 0;
  fc.assert(
    fc.property(digits, digits, (price, size) => {
      const scanner = at(`["${price}","${size}"]`);
      const prices = Float64Array.of(0);
      const sizes = Float64Array.of(0);
      if (!scanner.level(prices, sizes, 0, 4, 8)) return scanner.at === 0;
      readCount++;
      const [first, second] = [prices[0] ?? NaN, sizes[0] ?? NaN];
      return (
        scanner.isAtEnd() &&
        first > 0 &&
        second >= 0 &&
        BigInt(first) === readDecimal(price, 4) &&
        BigInt(second) === readDecimal(size, 8)
      );
    }),
    { numRuns: 2_000 },
  );
  t.ok(readCount > 5, `${readCount} levels`);
  for (const text of [
    '["1","2"',
    '["1" ,"2"]',
    '[1,2]',
    '["1","2","3"]',
    '["0","2"]',
    '["1","-2"]',
  ]) {
    t.notOk(at(text).level(Float64Array.of(0), Float64Array.of(0), 0, 2, 2), text);
  }
});

t.test('zeros behind the scale do not make a decimal inexact, digits do', async (t) => {
  for (const [text, scale, status, mantissa] of [
    ['61837.63000000', 2, DecimalStatus.Ok, 6_183_763],
    ['61837.63000001', 2, DecimalStatus.Inexact, 0],
    ['0.000000000000000000000', 0, DecimalStatus.Ok, 0],
    ['123456789.123456789', 9, DecimalStatus.Wide, 0],
    ['999999999.999999', 6, DecimalStatus.Ok, 999_999_999_999_999],
    ['1234567890.5', 1, DecimalStatus.Ok, 12_345_678_905],
  ] as const) {
    const scanner = at(`"${text}"`);
    t.equal(scanner.quotedDecimal(scale), status, text);
    if (status === DecimalStatus.Ok) t.equal(scanner.mantissa[0], mantissa, text);
  }
});
