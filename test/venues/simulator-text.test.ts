/** Decimals and times as venues spell them, against BigInt arithmetic and JavaScript's own Date. */
import fc from 'fast-check';
import t from 'tap';
import {
  ceilDiv,
  formatDecimal,
  formatGoTime,
  formatTime,
  parseDecimal,
  parseTime,
} from '#src/venues/simulator-text.js';

t.test('a decimal goes to its mantissa and back, without trailing zeros', (t) => {
  t.equal(formatDecimal(6508000n, 2), '65080');
  t.equal(formatDecimal(1n, 8), '0.00000001');
  t.equal(formatDecimal(-150n, 2), '-1.5');
  t.equal(formatDecimal(0, 8), '0');
  t.equal(parseDecimal('65062.5', 2), 6_506_250n);
  t.equal(parseDecimal('1.2500', 2), 125n);
  const property = fc.property(
    fc.bigInt({ min: 0n, max: 10n ** 25n }),
    fc.nat(18),
    (m, scale) => parseDecimal(formatDecimal(m, scale), scale) === m,
  );
  fc.assert(property);
  t.end();
});

t.test('what is no plain decimal, or has too many digits, is refused and not rounded', (t) => {
  for (const text of [
    '',
    '.5',
    '5.',
    '-1',
    '+1',
    '1e5',
    '0x1',
    ' 1',
    '1,5',
    'NaN',
    '1'.repeat(40),
  ]) {
    t.equal(parseDecimal(text, 2), 'malformed', text);
  }
  t.equal(parseDecimal('0.001', 2), 'inexact');
  t.end();
});

t.test('times are RFC 3339 in UTC with the zeros of the fraction cut', (t) => {
  const ns = 1_786_309_548_170_326_000n;
  t.equal(formatTime(ns, 6), '2026-08-09T21:05:48.170326Z');
  t.equal(formatTime(ns + 7n, 6), '2026-08-09T21:05:48.170326Z', 'cut, not rounded');
  t.equal(formatTime(ns + 7n, 9), '2026-08-09T21:05:48.170326007Z');
  t.equal(formatTime(1_786_309_548_000_000_000n, 9), '2026-08-09T21:05:48Z');
  t.equal(
    formatGoTime(1_786_309_548_854_840_045n, 41_691_260_485_341n),
    '2026-08-09 21:05:48.854840045 +0000 UTC m=+41691.260485341',
  );
  t.end();
});

t.test('dates agree with the platform from 1970 to 2200, both ways', (t) => {
  const property = fc.property(fc.integer({ min: 0, max: 7_258_118_400 }), (epochSec) => {
    const text = formatTime(BigInt(epochSec) * 1_000_000_000n, 9);
    return (
      text === new Date(epochSec * 1000).toISOString().replace('.000', '') &&
      parseTime(text) === BigInt(epochSec) * 1_000_000_000n
    );
  });
  fc.assert(property, { numRuns: 500 });
  t.equal(parseTime('2026-08-09T23:05:48.5+02:00'), parseTime('2026-08-09T21:05:48.5Z'));
  for (const text of ['', '2026-08-09', '2026-13-01T00:00:00Z', '2026-08-09 21:05:48Z', 'now']) {
    t.equal(parseTime(text), null, text);
  }
  t.end();
});

t.test('a quotient is rounded up', (t) => {
  t.equal(ceilDiv(10n, 5n), 2n);
  t.equal(ceilDiv(11n, 5n), 3n);
  t.equal(ceilDiv(0n, 5n), 0n);
  t.end();
});
