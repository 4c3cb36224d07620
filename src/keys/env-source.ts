/**
 * env-source: secrets from environment variables: `coinbase.private-key` is TICKWIRE_COINBASE_PRIVATE_KEY.
 *
 * The variables are handed in (a command reads them once), so that a worker or a test has its own. An empty variable
 * counts as absent: that is what `export X=` in a service file means.
 */
import { Secret } from '../ports/secret.js';
import type { SecretSource } from './secret-source.js';

export class EnvSource implements SecretSource {
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  placeOf(secretName: string): string {
    return `environment variable ${variableOf(secretName)}`;
  }

  find(secretName: string): Promise<Secret | null> {
    const value = this.#env[variableOf(secretName)];
    return Promise.resolve(value === undefined || value === '' ? null : new Secret(value));
  }
}

function variableOf(secretName: string): string {
  return `TICKWIRE_${secretName.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}
