/**
 * JwtVerifier: checks the tokens of a simulated venue as the venue would: ES256 over the key that it gave out, key
 * name, time window, and for REST the request that the token was made for. Cold path: one check per request.
 * The answer is a reason for the log; the client only ever sees that it was refused.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { TokenVerifier } from '../venues/simulator-port.js';

const NS_PER_SEC = 1_000_000_000n;
/** Clocks may differ by this much. */
const CLOCK_SKEW_SEC = 5;
/** Longest life that a token may claim (official client: 120 s). */
const TOKEN_LIFE_MAX_SEC = 120;
const TOKEN_LENGTH_MAX = 4096;
/** The official client and, for older keys, ccxt. */
const ISSUERS: readonly unknown[] = ['cdp', 'coinbase-cloud'];

export interface JwtVerifierOptions {
  readonly keyName: string;
  readonly privateKeyPem: string;
}

function parsePart(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch (error) {
    // What is not JSON is not a token; the caller says so.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export class JwtVerifier implements TokenVerifier {
  readonly #keyName: string;
  readonly #publicKey: KeyObject;

  constructor(options: JwtVerifierOptions) {
    this.#keyName = options.keyName;
    this.#publicKey = createPublicKey(options.privateKeyPem);
  }

  verify(token: string, uris: readonly string[], nowNs: bigint): string | null {
    if (token.length > TOKEN_LENGTH_MAX) return 'token too long';
    const [headerPart, claimsPart, signaturePart, ...rest] = token.split('.');
    if (
      headerPart === undefined ||
      claimsPart === undefined ||
      signaturePart === undefined ||
      rest.length > 0
    ) {
      return 'not three parts';
    }
    const header = parsePart(headerPart);
    const claims = parsePart(claimsPart);
    if (header === null || claims === null) return 'header or claims are not JSON';
    if (header['alg'] !== 'ES256') return 'alg is not ES256';
    if (header['kid'] !== this.#keyName) return 'kid is not the key';
    if (claims['sub'] !== this.#keyName) return 'sub is not the key';
    if (!ISSUERS.includes(claims['iss'])) return 'iss is unknown';
    const problem = timeProblem(claims['nbf'], claims['exp'], Number(nowNs / NS_PER_SEC));
    if (problem !== null) return problem;
    if (uris.length > 0 && !uris.includes(String(claims['uri']))) return 'uri is another request';
    const isGenuine = verify(
      'sha256',
      Buffer.from(`${headerPart}.${claimsPart}`, 'latin1'),
      { key: this.#publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signaturePart, 'base64url'),
    );
    return isGenuine ? null : 'signature is wrong';
  }
}

function timeProblem(nbf: unknown, exp: unknown, nowSec: number): string | null {
  if (typeof nbf !== 'number' || typeof exp !== 'number') return 'nbf or exp is missing';
  if (nbf > nowSec + CLOCK_SKEW_SEC) return 'not valid yet';
  if (exp < nowSec - CLOCK_SKEW_SEC) return 'expired';
  return exp - nbf > TOKEN_LIFE_MAX_SEC ? 'valid for too long' : null;
}
