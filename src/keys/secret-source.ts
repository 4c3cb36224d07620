/**
 * secret-source: where a named secret is looked for, in the order that configuration says. The first source that has
 * the name wins; a source that has it and must not give it (a key file that others may read) is an error, not a miss.
 *
 * Names are lower-case words with dots: `coinbase.private-key`. Used once at start, by the thread that will sign.
 */
import { TickwireError } from '../domain/errors.js';
import type { Secret } from '../ports/secret.js';

export interface SecretSource {
  /** Where it looks, for people: `environment variable TICKWIRE_COINBASE_PRIVATE_KEY`. Never a value. */
  placeOf(secretName: string): string;
  /** The secret, or null when this source does not have it. */
  find(secretName: string): Promise<Secret | null>;
}

/** The secret from the first source that has it; KEY_MISSING names every place that was looked at. */
export async function findSecret(
  sources: readonly SecretSource[],
  secretName: string,
): Promise<Secret> {
  for (const source of sources) {
    const secret = await source.find(secretName);
    if (secret !== null) return secret;
  }
  const places = sources.map((source) => source.placeOf(secretName));
  throw new TickwireError('KEY_MISSING', `no ${secretName}: looked at ${places.join(', then ')}`, {
    secretName,
    places,
  });
}
