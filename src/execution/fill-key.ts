/**
 * fill-key: a number for a venue's text id of a fill, the same in every run: 53 bits of its SHA-256, never 0.
 * Two of a million fills collide with a chance of 1 in 18,000; a collision would lose the younger fill until the
 * position is compared with the venue's.
 */
import { createHash } from 'node:crypto';

export function fillKeyOf(venueFillId: string): number {
  const digest = createHash('sha256').update(venueFillId, 'utf8').digest();
  const high = digest.readUInt32BE(0);
  const low = digest.readUInt32BE(4) >>> 11;
  return high * 2 ** 21 + low || 1;
}
