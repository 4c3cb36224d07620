/** What is wrong before trading begins: one clear error, exit 2, all problems at once, and nothing left half-written. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { Program, startSim } from '../harness/program.js';

interface Problem {
  readonly field: string;
}

function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-bad-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

async function expectExit2(
  t: Test,
  args: readonly string[],
  code: string,
): Promise<ReturnType<Program['error']>> {
  const program = new Program(args);
  const { exitCode } = await program.ended();
  t.equal(exitCode, 2, `${args.join(' ')}: ${program.stderr.slice(-1_000)}`);
  t.equal(program.stdout, '', 'nothing on stdout');
  const error = program.error();
  t.equal(error.code, code);
  return error;
}

t.test('wrong options and settings are listed all at once', async (t) => {
  const dataDir = join(tempDir(t), 'never-made');
  const error = await expectExit2(
    t,
    [
      'run',
      ...['--prot', '3000', '--port', 'abc', '--speed', '0', '--for', 'soon'],
      ...['--threads', 'many', '--strategy', 'no-such', '--data-dir', dataDir, '--live'],
    ],
    'CONFIG_INVALID',
  );
  const fields = (error.context['problems'] as Problem[]).map((problem) => problem.field);
  for (const field of ['--prot', '--port', 'sim.speed', '--for', 'threads', '--live'])
    t.ok(fields.includes(field), `${field} in ${fields.join(', ')}`);
  t.notOk(existsSync(dataDir), 'no data directory was made');
});

t.test(
  'an unknown venue, strategy or parameter is named together with what there is',
  async (t) => {
    const error = await expectExit2(
      t,
      [
        'run',
        ...['--venues', 'mtgox', '--strategy', 'no-such', '--data-dir', join(tempDir(t), 'x')],
        ...['--param', 'ema-cross.fast=3'],
      ],
      'CONFIG_INVALID',
    );
    t.match(error.message, /mtgox/);
    t.match(error.message, /coinbase/, 'and which there are');
    t.match(error.message, /no-such/);
  },
);

t.test('a symbol that nobody lists is said together with what there is nearby', async (t) => {
  const error = await expectExit2(
    t,
    [
      'run',
      ...['--venues', 'coinbase,kraken', '--port', '0', '--data-dir', join(tempDir(t), 'x')],
      ...['--symbols', 'BTC-USD,ETC-USD,kraken:BTC-USDT,binance:BTC-USD'],
    ],
    'CONFIG_INVALID',
  );
  t.match(
    error.message,
    /symbols = "ETC-USD": is not listed by coinbase, kraken; there are .*coinbase:ETH-USD/,
  );
  t.match(error.message, /symbols = "kraken:BTC-USDT": is not listed by kraken; .*kraken:BTC-USD/);
  t.match(error.message, /symbols = "binance:BTC-USD": binance is no venue of this run/);
  t.notMatch(error.message, /"BTC-USD"/, 'and nothing is said of the one that is there');

  const malformed = await expectExit2(
    t,
    ['run', '--symbols', 'BTCUSD', '--data-dir', join(tempDir(t), 'x')],
    'CONFIG_INVALID',
  );
  t.match(malformed.message, /symbols\.0 = "BTCUSD": must look like BASE-QUOTE/);
});

t.test('a config file that is no JSON is one clear sentence', async (t) => {
  const dir = tempDir(t);
  const path = join(dir, 'config.json');
  writeFileSync(path, '{ "port": ');
  const error = await expectExit2(t, ['run', '--config', path], 'CONFIG_UNREADABLE');
  t.match(error.message, path);
});

t.test('an unknown command and an unknown venue of normalize end the same way', async (t) => {
  await expectExit2(t, ['trade'], 'USAGE');
  await expectExit2(t, ['normalize', '--venue', 'mtgox'], 'VENUE_UNKNOWN');
  await expectExit2(t, ['normalize'], 'CONFIG_INVALID');
});

t.test('a busy port is said before anything is traded', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const error = await expectExit2(
    t,
    ['run', '--port', String(port), '--data-dir', tempDir(t)],
    'PORT_BUSY',
  );
  t.match(error.message, String(port));
});

t.test('a data directory that cannot be made, or is in use, is refused', async (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'file'), '');
  await expectExit2(
    t,
    ['run', '--port', '0', '--data-dir', join(dir, 'file', 'data')],
    'DATA_DIR_UNWRITABLE',
  );
  await expectExit2(
    t,
    ['run', '--port', '0', '--data-dir', '/proc/tickwire-data'],
    'DATA_DIR_UNWRITABLE',
  );
  const used = join(dir, 'used');
  const first = new Program(['run', '--port', '0', '--data-dir', used, '--wait', 'park']);
  await first.listening();
  await expectExit2(t, ['run', '--port', '0', '--data-dir', used], 'DATA_DIR_LOCKED');
  t.equal((await first.kill('SIGINT')).exitCode, 130, 'SIGINT ends the first one cleanly');
});

t.test('a damaged database is said, and left as it is', async (t) => {
  const dir = tempDir(t);
  const path = join(dir, 'journal.sqlite');
  const junk = Buffer.alloc(8_192, 'not a database');
  writeFileSync(path, junk);
  const error = await expectExit2(t, ['run', '--port', '0', '--data-dir', dir], 'DATABASE_CORRUPT');
  t.match(error.message, 'journal.sqlite');
  t.ok(readFileSync(path).equals(junk), 'not a byte was changed');
});

t.test('a recording that is missing, damaged or cut off is said by its name', async (t) => {
  const dir = tempDir(t);
  await expectExit2(
    t,
    ['run', '--port', '0', '--data-dir', dir, '--recording', join(dir, 'none.jsonl.gz')],
    'CONFIG_INVALID',
  );
  const shipped = readFileSync(
    new URL('../../../src/sim/recordings/binance-spot_BTCUSDT_20240809.jsonl.gz', import.meta.url),
  );
  const cut = join(dir, 'cut.jsonl.gz');
  writeFileSync(cut, shipped.subarray(0, shipped.length / 2));
  await expectExit2(
    t,
    ['run', '--port', '0', '--data-dir', dir, '--recording', cut],
    'RECORDING_CORRUPT',
  );
  const lines = gunzipSync(shipped).toString('utf8').split('\n').slice(0, 100);
  lines[50] = '{"n": broken';
  const damaged = join(dir, 'damaged.jsonl.gz');
  writeFileSync(damaged, gzipSync(lines.join('\n')));
  const error = await expectExit2(
    t,
    ['run', '--port', '0', '--data-dir', dir, '--recording', damaged],
    'RECORDING_CORRUPT',
  );
  t.match(error.message, 'damaged.jsonl.gz');
});

t.test('a simulator that does not answer is said with its address', async (t) => {
  const program = new Program([
    'run',
    ...['--port', '0', '--data-dir', tempDir(t), '--sim', 'http://127.0.0.1:9'],
  ]);
  const { exitCode } = await program.ended();
  t.equal(exitCode, 1);
  t.equal(program.error().code, 'VENUE_UNREACHABLE');
  t.match(program.error().message, '127.0.0.1:9');
});

t.test(
  'a strategy that throws ends the run with its error and exit 1, and nothing is left open',
  async (t) => {
    const dir = tempDir(t);
    const file = join(dir, 'bomb.mjs');
    writeFileSync(
      file,
      `export default { name: 'bomb', sentence: 'Throws.', params: {}, create: () => ({
       name: 'bomb',
       onTick(tick) { if (tick.kind === 2) throw new Error('the strategy went off'); },
       onOrderEvent() {}, onDeadline() {} }) };`,
    );
    for (const threads of ['compact', 'spread']) {
      const sim = await startSim(['--port', '0', '--data-dir', tempDir(t)]);
      const program = new Program([
        'run',
        ...['--port', '0', '--data-dir', join(dir, threads), '--sim', sim.rest],
        ...['--strategy', file, '--threads', threads, '--wait', 'park'],
      ]);
      const { exitCode } = await program.ended();
      await sim.program.kill('SIGTERM');
      t.equal(exitCode, 1, program.stderr.slice(-2_000));
      t.equal(program.error().code, 'WORKER_DIED');
      t.match(program.error().message, 'the strategy went off');
    }
  },
);
