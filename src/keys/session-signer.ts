/**
 * session-signer: a software key that signs orders. The key is parsed once into a KeyObject (a PEM parsed at each
 * signature costs thirteen times as much: 490 against 36 microseconds, measured) and its text is then forgotten.
 *
 * Accepted: EC P-256 as PEM (SEC1 `EC PRIVATE KEY` or PKCS8), Ed25519 as PKCS8 PEM, and Ed25519 as base64 of 32 bytes
 * (seed) or 64 bytes (seed, then public key). Line breaks may be the two characters `\n`, as in environment variables.
 * No error ever quotes the key.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TickwireError } from '../domain/errors.js';
import type { Secret } from '../ports/secret.js';
import type { Signer } from '../ports/signer.js';

export interface SessionKeyOptions {
  /** The venue's name of the key. Not a secret. */
  readonly keyName: string;
  readonly secret: Secret;
}

export class SessionSigner implements Signer {
  readonly algorithm: 'es256' | 'ed25519';
  readonly keyName: string;
  readonly #key: KeyObject;

  constructor(options: SessionKeyOptions) {
    this.keyName = options.keyName;
    this.#key = parsePrivateKey(options.secret, options.keyName);
    this.algorithm = this.#key.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'es256';
  }

  /** ES256: r and s, 32 bytes each (the form of JOSE, not DER). Ed25519: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array {
    return this.algorithm === 'ed25519'
      ? sign(null, bytes, this.#key)
      : sign('sha256', bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' });
  }
}

/** PKCS8 frame of an Ed25519 seed (RFC 8410): everything before the 32 bytes. */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_SEED_BYTES = 32;

function parsePrivateKey(secret: Secret, keyName: string): KeyObject {
  const text = secret.reveal().replaceAll('\\n', '\n').trim();
  const key = text.includes('-----BEGIN') ? parsePem(text, keyName) : parseSeed(text, keyName);
  if (key.asymmetricKeyType === 'ed25519') return key;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1') return key;
  throw invalid(
    keyName,
    `a ${curve ?? String(key.asymmetricKeyType)} key; wanted EC P-256 or Ed25519`,
  );
}

function parsePem(text: string, keyName: string): KeyObject {
  try {
    return createPrivateKey({ key: text, format: 'pem' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw invalid(keyName, `the PEM text cannot be read as a private key (${code})`);
  }
}

function parseSeed(text: string, keyName: string): KeyObject {
  const bytes = Buffer.from(text, 'base64');
  const isBase64 = bytes.toString('base64').replaceAll('=', '') === text.replaceAll('=', '');
  if (!isBase64) throw invalid(keyName, 'neither a PEM text nor base64');
  if (bytes.length !== ED25519_SEED_BYTES && bytes.length !== 2 * ED25519_SEED_BYTES) {
    throw invalid(keyName, `base64 of ${String(bytes.length)} bytes; an Ed25519 key has 32 or 64`);
  }
  const der = Buffer.concat([ED25519_PKCS8_PREFIX, bytes.subarray(0, ED25519_SEED_BYTES)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  if (bytes.length > ED25519_SEED_BYTES) {
    const raw = createPublicKey(key).export({ format: 'der', type: 'spki' });
    const isPair = raw.subarray(-ED25519_SEED_BYTES).equals(bytes.subarray(ED25519_SEED_BYTES));
    if (!isPair) throw invalid(keyName, 'its public half does not belong to its seed');
  }
  return key;
}

function invalid(keyName: string, why: string): TickwireError {
  return new TickwireError('KEY_INVALID', `key ${keyName}: ${why}`, { keyName });
}
