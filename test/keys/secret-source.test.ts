/** Secret sources: a key is found where it stands, refused where others may read it, and never printed. */
import { chmodSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { TickwireError } from '#src/domain/errors.js';
import { EnvSource } from '#src/keys/env-source.js';
import { FileSource } from '#src/keys/file-source.js';
import { findSecret } from '#src/keys/secret-source.js';

const NAME = 'coinbase.private-key';

async function failure(run: Promise<unknown>): Promise<TickwireError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof TickwireError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

t.test(
  'a secret in the environment is found by its upper-case name; an empty one is absent',
  async (t) => {
    const source = new EnvSource({ TICKWIRE_COINBASE_PRIVATE_KEY: 'hush', TICKWIRE_EMPTY: '' });
    t.equal((await source.find(NAME))?.reveal(), 'hush');
    t.equal(await source.find('empty'), null);
    t.equal(await source.find('other'), null);
  },
);

t.test('a key file with mode 0600 or 0400 is read and trimmed', async (t) => {
  const directory = t.testdir({ [NAME]: 'hush\n' });
  for (const mode of [0o600, 0o400]) {
    chmodSync(join(directory, NAME), mode);
    t.equal((await new FileSource(directory).find(NAME))?.reveal(), 'hush');
  }
});

t.test('a key file that others may read is refused, with the command that mends it', async (t) => {
  const directory = t.testdir({ [NAME]: 'hush\n' });
  const path = join(directory, NAME);
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    const error = await failure(new FileSource(directory).find(NAME));
    t.equal(error.code, 'KEY_UNREADABLE');
    t.match(error.message, `chmod 600 ${path}`);
    t.notMatch(error.message, 'hush');
  }
});

t.test('a directory, an empty file and a huge file are no keys', async (t) => {
  const directory = t.testdir({ empty: '', huge: 'x'.repeat(17 * 1024) });
  for (const name of ['empty', 'huge']) chmodSync(join(directory, name), 0o600);
  mkdirSync(join(directory, 'folder'), { mode: 0o700 });
  for (const name of ['empty', 'huge', 'folder']) {
    t.equal((await failure(new FileSource(directory).find(name))).code, 'KEY_UNREADABLE', name);
  }
});

t.test(
  'sources are asked in order, and the error names every place that was looked at',
  async (t) => {
    const directory = t.testdir({});
    writeFileSync(join(directory, NAME), 'from the file', { mode: 0o600 });
    const file = new FileSource(directory);
    const env = new EnvSource({ TICKWIRE_COINBASE_PRIVATE_KEY: 'from the environment' });
    t.equal((await findSecret([env, file], NAME)).reveal(), 'from the environment');
    t.equal((await findSecret([file, env], NAME)).reveal(), 'from the file');
    const error = await failure(findSecret([env, file], 'kraken.private-key'));
    t.equal(error.code, 'KEY_MISSING');
    t.match(error.message, 'environment variable TICKWIRE_KRAKEN_PRIVATE_KEY');
    t.match(error.message, join(directory, 'kraken.private-key'));
  },
);

t.test('a secret prints as [secret] wherever it is printed', async (t) => {
  const secret = await findSecret([new EnvSource({ TICKWIRE_A: 'hush' })], 'a');
  t.notMatch(inspect({ secret }), 'hush');
  t.notMatch(JSON.stringify({ secret }), 'hush');
  t.notMatch(String(secret), 'hush');
});
