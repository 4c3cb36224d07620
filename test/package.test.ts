/**
 * The package as a stranger gets it: packed, installed into an empty folder, run from there. The SQLite addon is taken
 * from this checkout, so that nothing is compiled twice.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { ROOT } from './sources.js';

const PACKAGE_BYTES_MAX = 6_000_000;
const ADDON = 'better-sqlite3/build/Release/better_sqlite3.node';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(file: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((done) => {
    execFile(
      file,
      args,
      { cwd, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ code, stdout, stderr });
      },
    );
  });
}

/** Where the registry cannot be reached: the packed files, and beside them the packages that package.json names. */
async function installWithoutNetwork(tarball: string, app: string): Promise<void> {
  const modules = join(app, 'node_modules');
  rmSync(modules, { recursive: true, force: true });
  mkdirSync(join(modules, 'tickwire'), { recursive: true });
  mkdirSync(join(modules, '.bin'));
  const unpack = ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'tickwire')];
  const { code, stderr } = await runProgram('tar', unpack, app);
  if (code !== 0) throw new Error(`tar: ${stderr}`);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await runProgram('chmod', ['+x', join(modules, 'tickwire/dist/main.js')], app);
  symlinkSync('../tickwire/dist/main.js', join(modules, '.bin/tickwire'));
}

t.test('the packed package, installed into an empty folder, works', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-package-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const packed = await runProgram(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', dir],
    ROOT,
  );
  t.equal(packed.code, 0, packed.stderr);
  const [{ filename, files, size }] = JSON.parse(packed.stdout);
  const paths: string[] = files.map((file: { path: string }) => file.path);

  await t.test('it holds what the program needs and nothing that is only for us', async (t) => {
    const assets = ['control/dashboard', 'journal/migrations', 'sim/recordings'].flatMap((folder) =>
      readdirSync(join(ROOT, 'src', folder)).map((name) => `src/${folder}/${name}`),
    );
    t.ok(assets.length >= 3);
    for (const path of ['dist/main.js', 'dist/thread.js', 'LICENSE', 'README.md', ...assets]) {
      t.ok(paths.includes(path), path);
    }
    const ours = paths.filter(
      (path) => /(^|\/)(test|bench|fixtures|node_modules)\//.test(path) || /\.(ts|map)$/.test(path),
    );
    t.same(ours, [], 'no tests, benches, fixtures, sources');
    t.same(
      paths.filter((path) => path.startsWith('src/sim/recordings/') && path.endsWith('.gz')),
      ['src/sim/recordings/binance-spot_BTCUSDT_20240809.jsonl.gz'],
      'the one recording whose licence lets it be shipped',
    );
    t.ok(size < PACKAGE_BYTES_MAX, `${size} bytes`);
  });

  const app = join(dir, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"private": true}');
  const tarball = join(dir, filename);
  const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const installed = await runProgram(
    'npm',
    ['install', tarball, '--ignore-scripts', '--omit=dev', '--prefer-offline', ...quiet],
    app,
  );
  if (installed.code === 0) {
    const target = join(app, 'node_modules', ADDON);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(ROOT, 'node_modules', ADDON), target);
  } else {
    t.match(
      installed.stderr,
      /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ECONNRESET|ERR_SOCKET_TIMEOUT/,
      'an install fails for want of a network only',
    );
    t.comment('no registry: installed by hand, with the packages of this checkout');
    await installWithoutNetwork(tarball, app);
  }

  await t.test('doctor finds it fit', async (t) => {
    const { code, stdout, stderr } = await runProgram(
      'npx',
      ['tickwire', 'doctor', '--json', '--port', '0'],
      app,
    );
    t.equal(code, 0, `${stdout}${stderr}`);
    t.equal(JSON.parse(stdout).ok, true);
  });

  await t.test('it trades from there', async (t) => {
    const { code, stdout, stderr } = await runProgram(
      'npx',
      ['tickwire', 'run', '--for', '3s', '--summary', 'json', '--port', '0'],
      app,
    );
    t.equal(code, 0, stderr.slice(-2000));
    const summary = JSON.parse(stdout);
    t.ok(summary.ticks.published > 0, `ticks: ${JSON.stringify(summary.ticks)}`);
    t.ok(summary.port > 0);
    t.ok(readdirSync(join(app, 'tickwire-data')).includes('journal.sqlite'));
  });
});
