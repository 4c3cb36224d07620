/** The bearer key of API and dashboard: found, made once, refused when it is weak or readable by others. */
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findOperatorKey } from '#src/keys/operator-key.js';

const LONG = 'k'.repeat(40);

t.test('the first run makes a key for this user alone, later runs find it', async (t) => {
  const dir = t.testdir();
  const first = await findOperatorKey(dir, {});
  t.ok(first.isNew);
  const path = join(dir, 'api-key');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(readFileSync(path, 'utf8').trim(), first.showOnTerminal());
  t.ok(first.showOnTerminal().length >= 32);
  const second = await findOperatorKey(dir, {});
  t.notOk(second.isNew);
  t.equal(second.showOnTerminal(), first.showOnTerminal());
  t.same(second.sha256, createHash('sha256').update(first.showOnTerminal()).digest());
});

t.test('the environment goes before the file', async (t) => {
  const dir = t.testdir();
  const key = await findOperatorKey(dir, { TICKWIRE_API_KEY: LONG });
  t.equal(key.showOnTerminal(), LONG);
  t.match(key.place, 'TICKWIRE_API_KEY');
});

t.test('a short key, and a key file that others may read, are refused', async (t) => {
  const dir = t.testdir();
  await t.rejects(findOperatorKey(dir, { TICKWIRE_API_KEY: 'short' }), { code: 'KEY_INVALID' });
  writeFileSync(join(dir, 'api-key'), LONG);
  chmodSync(join(dir, 'api-key'), 0o644);
  await t.rejects(findOperatorKey(dir, {}), { code: 'KEY_UNREADABLE' });
});
