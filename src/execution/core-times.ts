/** core-times: spans and marks of time that several parts of the core share. */

export const NS_PER_MS = 1_000_000;
export const NS_PER_SEC = 1_000_000_000;
export const MS_PER_HOUR = 3_600_000;
export const MS_PER_DAY = 86_400_000;
/** Core time (ns) and epoch time (ms) long before any run. */
export const NEVER_NS = -1e15;
export const LONG_AGO_MS = -1e15;
