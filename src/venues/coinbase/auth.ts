/**
 * auth: proves to Coinbase Advanced Trade that a request is ours: a JWT of a CDP key (ES256 or EdDSA), in the
 * Authorization header of a request, or in the `jwt` field of a subscribe message.
 *
 * Execution thread. Each request gets a token of its own, as the official client does (coinbase-advanced-py,
 * jwt_generator.py, 2026-07: claims sub, iss "cdp", nbf, exp = nbf + 120, for REST uri = "METHOD host/path" without
 * query; header alg, kid, nonce, typ). A signature costs 30 to 40 microseconds; so for the two requests where time
 * matters (place and cancel) a few tokens are signed ahead in idle time, and an order only takes one from the drawer.
 * No token is used twice, and none is used when more than half of its life is over.
 */
import { randomBytes } from 'node:crypto';
import { must } from '../../domain/assert.js';
import type { Clock } from '../../ports/clock.js';
import type { Signer } from '../../ports/signer.js';
import type { RequestAuth } from '../venue.js';

/** Life of a token (official client, 2026-07). */
const TOKEN_LIFE_SEC = 120;
/** A token from the drawer must have this much left: half of its life absorbs a slow venue and a wrong clock. */
const TOKEN_USABLE_NS = 60e9;
/** Tokens kept ready per prepared request; a burst of more signs on the spot. */
const TOKENS_READY_MAX = 4;

export interface CoinbaseAuthOptions {
  readonly signer: Signer;
  readonly clock: Clock;
  /** Host with port as it stands in the REST URL; part of what is signed. */
  readonly host: string;
  /** `METHOD path` of the requests for which tokens are signed ahead. */
  readonly prepared: readonly { readonly method: string; readonly path: string }[];
  /** Told how long each signature took. */
  readonly onSigned?: (durationNs: number) => void;
  /** A fresh random hex text; another source is for tests. */
  readonly nonceHex?: () => string;
}

interface ReadyToken {
  readonly token: string;
  readonly signedNs: number;
}

export class CoinbaseAuth implements RequestAuth {
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #onSigned: (durationNs: number) => void;
  readonly #nonceHex: () => string;
  readonly #drawers = new Map<string, ReadyToken[]>();
  readonly #drawerKeys: readonly string[];
  readonly #headerBeforeNonce: string;
  readonly #claimsBeforeTime: string;

  constructor(options: CoinbaseAuthOptions) {
    this.#signer = options.signer;
    this.#clock = options.clock;
    this.#host = options.host;
    this.#onSigned = options.onSigned ?? ((): void => undefined);
    this.#nonceHex = options.nonceHex ?? ((): string => randomBytes(16).toString('hex'));
    this.#drawerKeys = options.prepared.map(({ method, path }) => this.#uriOf(method, path));
    for (const uri of this.#drawerKeys) this.#drawers.set(uri, []);
    const name = JSON.stringify(options.signer.keyName);
    const algorithm = options.signer.algorithm === 'ed25519' ? 'EdDSA' : 'ES256';
    this.#headerBeforeNonce = `{"alg":"${algorithm}","kid":${name},"nonce":"`;
    this.#claimsBeforeTime = `{"sub":${name},"iss":"cdp","nbf":`;
  }

  /** Headers of one request; a token signed ahead when there is one. `path` is without query. */
  headers(method: string, path: string): Readonly<Record<string, string>> {
    const uri = this.#uriOf(method, path);
    const token = this.#takeReady(uri) ?? this.sign(uri);
    return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  /** For the `jwt` field of a subscribe or unsubscribe message; never used twice. */
  streamProof(): string {
    return this.sign(null);
  }

  /** Signs at most one token ahead; true when it did. Called when nothing else is to do. */
  prepare(nowNs: number): boolean {
    for (const uri of this.#drawerKeys) {
      const drawer = must(this.#drawers.get(uri), 'drawer of tokens');
      while (drawer.length > 0 && !isUsable(drawer[0], nowNs)) drawer.shift();
      if (drawer.length < TOKENS_READY_MAX) {
        drawer.push({ token: this.sign(uri), signedNs: nowNs });
        return true;
      }
    }
    return false;
  }

  /** A fresh token. `uri` null: for the stream. */
  sign(uri: string | null): string {
    const startNs = this.#clock.nowNs();
    const nowSec = Number((this.#clock.runEpochNs + BigInt(startNs)) / 1_000_000_000n);
    const header = `${this.#headerBeforeNonce}${this.#nonceHex()}","typ":"JWT"}`;
    const expSec = nowSec + TOKEN_LIFE_SEC;
    const uriClaim = uri === null ? '' : `,"uri":${JSON.stringify(uri)}`;
    const claims = `${this.#claimsBeforeTime}${String(nowSec)},"exp":${String(expSec)}${uriClaim}}`;
    const signingInput = `${base64Url(header)}.${base64Url(claims)}`;
    const signature = this.#signer.sign(Buffer.from(signingInput, 'latin1'));
    const token = `${signingInput}.${Buffer.from(signature).toString('base64url')}`;
    this.#onSigned(this.#clock.nowNs() - startNs);
    return token;
  }

  #uriOf(method: string, path: string): string {
    return `${method} ${this.#host}${path}`;
  }

  #takeReady(uri: string): string | undefined {
    const drawer = this.#drawers.get(uri);
    if (drawer === undefined) return undefined;
    const nowNs = this.#clock.nowNs();
    for (let ready = drawer.shift(); ready !== undefined; ready = drawer.shift()) {
      if (isUsable(ready, nowNs)) return ready.token;
    }
    return undefined;
  }
}

function isUsable(ready: ReadyToken | undefined, nowNs: number): boolean {
  return ready !== undefined && nowNs - ready.signedNs < TOKEN_USABLE_NS;
}

function base64Url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
