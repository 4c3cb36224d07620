/**
 * timestamp: Coinbase's RFC 3339 texts ("2026-04-07T14:29:55.123456Z") and epoch nanoseconds. Pure arithmetic: the
 * platform's Date knows milliseconds only. Cold paths (orders, fills); the market feed reads times from bytes.
 */

const NS_PER_SEC = 1_000_000_000n;
const SEC_PER_DAY = 86_400;

/** Epoch nanoseconds, or 0n for a text that is no time (Coinbase writes year 1 for "none": 0n as well). */
export function epochNsOfText(text: string): bigint {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\d*(?:Z|([+-])(\d\d):?(\d\d))$/.exec(
      text,
    );
  if (match === null) return 0n;
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute] =
    match;
  const days = daysOfDate(Number(year), Number(month), Number(day));
  const offsetMin = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0);
  const offsetSec = (sign === '-' ? -offsetMin : offsetMin) * 60;
  const timeSec = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const epochSec = days * SEC_PER_DAY + timeSec - offsetSec;
  if (epochSec < 0) return 0n;
  return BigInt(epochSec) * NS_PER_SEC + BigInt((fraction ?? '').padEnd(9, '0'));
}

/** "2026-04-07T14:29:55.123456789Z". */
export function textOfEpochNs(epochNs: bigint): string {
  const epochSec = Number(epochNs / NS_PER_SEC);
  const [year, month, day] = dateOfDays(Math.floor(epochSec / SEC_PER_DAY));
  const rest = epochSec % SEC_PER_DAY;
  const date = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
  const minutes = Math.floor(rest / 60);
  const time = `${digits(Math.floor(minutes / 60), 2)}:${digits(minutes % 60, 2)}:${digits(rest % 60, 2)}`;
  return `${date}T${time}.${digits(Number(epochNs % NS_PER_SEC), 9)}Z`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

/** Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, days_from_civil). */
function daysOfDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The same back (civil_from_days). */
function dateOfDays(days: number): [number, number, number] {
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
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}
