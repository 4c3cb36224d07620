/** Coinbase tokens against vectors of the official client's claims and of another JOSE implementation. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { SessionSigner } from '#src/keys/session-signer.js';
import { Secret } from '#src/ports/secret.js';
import { CoinbaseAuth } from '#src/venues/coinbase/auth.js';

interface OracleVector {
  readonly id: string;
  readonly input: {
    readonly keyName: string;
    readonly secret: string;
    readonly nowSec: number;
    readonly nonce: string;
    readonly method?: string;
    readonly path?: string;
    readonly ccxtPath?: string;
  };
  readonly expected: {
    readonly error?: string;
    readonly header: object;
    readonly payload: object;
    readonly signingInput: string;
    readonly publicKeyPem?: string;
    readonly signatureB64u?: string;
  };
}
interface PublishedVector {
  readonly id: string;
  readonly alg: string;
  readonly key_name: string;
  readonly secret: string;
  readonly public_key: string;
  readonly uri: string | null;
  readonly now: number;
  readonly nonce: string;
  readonly expected_header: object;
  readonly expected_payload: object;
  readonly example_token: string;
}

function fixture(name: string): unknown {
  const url = new URL(`../../../../test/fixtures/signing/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

function clockAt(nowSec: number): { runEpochNs: bigint; nowNs: () => number } {
  return { runEpochNs: BigInt(nowSec - 5) * 1_000_000_000n, nowNs: () => 5_900_000_000 };
}

function decoded(part: string | undefined): unknown {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
}

function authFor(keyName: string, secret: string, nowSec: number, nonce: string): CoinbaseAuth {
  return new CoinbaseAuth({
    signer: new SessionSigner({ keyName, secret: new Secret(secret) }),
    clock: clockAt(nowSec),
    host: 'api.coinbase.com',
    prepared: [],
    nonceHex: () => nonce,
  });
}

t.test(
  'tokens equal the vectors of an independent implementation, byte by byte before the signature',
  (t) => {
    const { vectors } = fixture('coinbase-oracle.json') as { vectors: readonly OracleVector[] };
    let checked = 0;
    for (const { id, input, expected } of vectors) {
      // A peer's own dialect (other claims) and the error vector are not ours to equal.
      if (expected.error !== undefined || input.ccxtPath !== undefined) continue;
      const auth = authFor(input.keyName, input.secret, input.nowSec, input.nonce);
      const isRest = input.method !== undefined && input.path !== undefined;
      const token = isRest
        ? (auth.headers(input.method, input.path ?? '')['authorization'] ?? '').slice(7)
        : auth.streamProof();
      const [header, claims, signature] = token.split('.');
      t.equal(`${header ?? ''}.${claims ?? ''}`, expected.signingInput, id);
      if (expected.publicKeyPem !== undefined) {
        const key = createPublicKey(expected.publicKeyPem);
        t.ok(isSignedBy(key, expected.signingInput, signature ?? ''), `${id}: signature`);
      }
      if (expected.signatureB64u !== undefined) t.equal(signature, expected.signatureB64u, id);
      checked++;
    }
    t.equal(checked, 6);
    t.end();
  },
);

t.test('tokens carry the claims that the official client publishes', (t) => {
  const vectors = fixture('coinbase-published.json') as readonly PublishedVector[];
  for (const vector of vectors) {
    const auth = authFor(vector.key_name, vector.secret, vector.now, vector.nonce);
    const token = auth.sign(vector.uri);
    const [header, claims, signature] = token.split('.');
    t.same(decoded(header), vector.expected_header, `${vector.id}: header`);
    t.same(decoded(claims), vector.expected_payload, `${vector.id}: claims`);
    const key =
      vector.alg === 'ES256'
        ? createPublicKey(vector.public_key)
        : createPublicKey({
            key: {
              kty: 'OKP',
              crv: 'Ed25519',
              x: Buffer.from(vector.public_key, 'base64').toString('base64url'),
            },
            format: 'jwk',
          });
    t.ok(
      isSignedBy(key, `${header ?? ''}.${claims ?? ''}`, signature ?? ''),
      `${vector.id}: signature`,
    );
    if (vector.alg === 'EdDSA') t.equal(token, vector.example_token, `${vector.id}: token`);
  }
  t.equal(vectors.length, 3);
  t.end();
});

function isSignedBy(key: KeyObject, signingInput: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.length !== 64) return false;
  const data = Buffer.from(signingInput, 'latin1');
  return key.asymmetricKeyType === 'ed25519'
    ? verify(null, data, key, bytes)
    : verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, bytes);
}

t.test(
  'tokens signed ahead are used once each, never when stale, and a burst signs on the spot',
  (t) => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    let nowNs = 0;
    let signedCount = 0;
    const auth = new CoinbaseAuth({
      signer: new SessionSigner({ keyName: 'key-1', secret: new Secret(pem) }),
      clock: { runEpochNs: 1_700_000_000_000_000_000n, nowNs: () => nowNs },
      host: '127.0.0.1:9999',
      prepared: [{ method: 'POST', path: '/orders' }],
      onSigned: () => {
        signedCount++;
      },
    });
    let prepared = 0;
    while (auth.prepare(nowNs)) prepared++;
    t.ok(prepared > 0);
    t.equal(signedCount, prepared);

    const seen = new Set<string>();
    const take = (): string => auth.headers('POST', '/orders')['authorization'] ?? '';
    for (let index = 0; index < prepared; index++) seen.add(take());
    t.equal(signedCount, prepared, 'the drawer paid for these');
    seen.add(take());
    t.equal(signedCount, prepared + 1, 'the next one was signed at once');
    t.equal(seen.size, prepared + 1, 'no token twice');

    while (auth.prepare(nowNs)) prepared++;
    nowNs = 61e9;
    signedCount = 0;
    const fresh = take();
    t.equal(signedCount, 1, 'stale tokens are thrown away');
    const claims = decoded(fresh.split('.')[1]) as { nbf: number; uri: string };
    t.equal(claims.nbf, 1_700_000_061);
    t.equal(claims.uri, 'POST 127.0.0.1:9999/orders');
    t.end();
  },
);
