/**
 * simulator-text: decimals and UTC times as venues spell them, for the venue simulators. Deterministic.
 *
 * The naive twin on purpose: everything is a BigInt, nothing is fast, and nothing is shared with domain/fixed-point,
 * so that a mistake there is not repeated on the venue's side of the wire.
 */

/** Why a text is no decimal of this scale. */
export type DecimalProblem = 'malformed' | 'inexact';

const DECIMAL = /^(\d{1,30})(?:\.(\d{1,30}))?$/;

/** The mantissa of an unsigned plain decimal at `scale`; never rounded. */
export function parseDecimal(text: string, scale: number): bigint | DecimalProblem {
  const match = DECIMAL.exec(text);
  if (match === null) return 'malformed';
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return 'inexact';
  return BigInt((match[1] ?? '0') + fraction.padEnd(scale, '0'));
}

/** Plain notation without trailing zeros. */
export function formatDecimal(mantissa: bigint | number, scale: number): string {
  const text = String(mantissa);
  const isNegative = text.startsWith('-');
  const digits = (isNegative ? text.slice(1) : text).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const plain = fraction === '' ? whole : `${whole}.${fraction}`;
  return isNegative ? `-${plain}` : plain;
}

/** Quotient of two non-negative integers, rounded up. */
export function ceilDiv(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

const NS_PER_SEC = 1_000_000_000n;
const SEC_PER_DAY = 86_400;

function pad2(value: number): string {
  return value < 10 ? `0${String(value)}` : String(value);
}

/** Days since 1970-01-01 to year, month, day (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
function civilFromDays(days: number): readonly [number, number, number] {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** "2026-08-09" and "21:05:48" of a time. */
function dateAndTime(epochNs: bigint): readonly [string, string] {
  const epochSec = Number(epochNs / NS_PER_SEC);
  const days = Math.floor(epochSec / SEC_PER_DAY);
  const secOfDay = epochSec - days * SEC_PER_DAY;
  const [year, month, day] = civilFromDays(days);
  const hour = Math.floor(secOfDay / 3600);
  const minute = Math.floor((secOfDay % 3600) / 60);
  return [
    `${String(year).padStart(4, '0')}-${pad2(month)}-${pad2(day)}`,
    `${pad2(hour)}:${pad2(minute)}:${pad2(secOfDay % 60)}`,
  ];
}

/** ".170326" with trailing zeros cut, as Go's RFC3339Nano does; empty for a whole second. */
function fractionOf(epochNs: bigint, digitCount: 6 | 9): string {
  const digits = String(epochNs % NS_PER_SEC)
    .padStart(9, '0')
    .slice(0, digitCount)
    .replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

/** RFC 3339 in UTC with at most this many decimals of a second (cut, not rounded). */
export function formatTime(epochNs: bigint, digitCount: 6 | 9): string {
  const [date, time] = dateAndTime(epochNs);
  return `${date}T${time}${fractionOf(epochNs, digitCount)}Z`;
}

/** Go's default format of a time, with the monotonic clock reading behind it. */
export function formatGoTime(epochNs: bigint, sinceStartNs: bigint): string {
  const [date, time] = dateAndTime(epochNs);
  const monotonic = `${String(sinceStartNs / NS_PER_SEC)}.${String(sinceStartNs % NS_PER_SEC).padStart(9, '0')}`;
  return `${date} ${time}${fractionOf(epochNs, 9)} +0000 UTC m=+${monotonic}`;
}

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})$/i;

/** Epoch nanoseconds of an RFC 3339 text; null when it is none. */
export function parseTime(text: string): bigint | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const isInRange =
    month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 61;
  if (!isInRange) return null;
  const zone = match[8] ?? 'Z';
  const zoneSec =
    zone.length === 1
      ? 0
      : (zone.startsWith('-') ? -1 : 1) *
        (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4, 6)) * 60);
  const epochSec =
    daysFromCivil(year, month, day) * SEC_PER_DAY + hour * 3600 + minute * 60 + second - zoneSec;
  return BigInt(epochSec) * NS_PER_SEC + BigInt((match[7] ?? '').padEnd(9, '0'));
}
