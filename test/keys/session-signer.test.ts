/** session-signer: every form in which venues hand out keys, and one clear sentence for what is none. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import t from 'tap';
import { TickwireError } from '#src/domain/errors.js';
import { SessionSigner } from '#src/keys/session-signer.js';
import { Secret } from '#src/ports/secret.js';

const BYTES = Buffer.from('header.claims', 'latin1');

function signer(text: string): SessionSigner {
  return new SessionSigner({ keyName: 'key-1', secret: new Secret(text) });
}

t.test(
  'an EC P-256 key signs as r and s, from SEC1 and PKCS8, with real or written-out line breaks',
  (t) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const sec1 = pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const text of [sec1, pkcs8, sec1.replaceAll('\n', '\\n'), ` ${pkcs8}\n\n`]) {
      const made = signer(text);
      t.equal(made.algorithm, 'es256');
      t.equal(made.keyName, 'key-1');
      const signature = made.sign(BYTES);
      t.equal(signature.length, 64);
      t.ok(
        verify('sha256', BYTES, { key: pair.publicKey, dsaEncoding: 'ieee-p1363' }, signature),
        'verifies',
      );
    }
    t.end();
  },
);

t.test('an Ed25519 key signs, from PKCS8, from its seed and from seed and public key', (t) => {
  const pair = generateKeyPairSync('ed25519');
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const seed = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const point = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const long = Buffer.concat([seed, point]).toString('base64');
  for (const text of [pkcs8, seed.toString('base64'), long, `${seed.toString('base64')}\n`]) {
    const made = signer(text);
    t.equal(made.algorithm, 'ed25519');
    t.ok(verify(null, BYTES, createPublicKey(pair.privateKey), made.sign(BYTES)), 'verifies');
  }
  t.end();
});

t.test('what is no key for a venue is refused without quoting it', (t) => {
  const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const pair = Buffer.alloc(64, 7);
  const refused = [
    otherCurve.export({ type: 'pkcs8', format: 'pem' }).toString(),
    rsa.export({ type: 'pkcs8', format: 'pem' }).toString(),
    '-----BEGIN EC PRIVATE KEY-----\nbm90IGEga2V5\n-----END EC PRIVATE KEY-----\n',
    Buffer.alloc(33, 1).toString('base64'),
    pair.toString('base64'),
    'not base64 at all!',
    '',
  ];
  for (const text of refused) {
    try {
      signer(text);
      t.fail(`accepted: ${text}`);
    } catch (error) {
      t.ok(error instanceof TickwireError);
      if (!(error instanceof TickwireError)) return;
      t.equal(error.code, 'KEY_INVALID');
      if (text.length > 20) t.notMatch(error.message, text.slice(-20).trim());
    }
  }
  t.end();
});
