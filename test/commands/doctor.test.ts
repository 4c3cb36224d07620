/** The doctor on made-up machines, and once on the real one. */
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  describeFindings,
  diagnose,
  realMachine,
  type Finding,
  type Machine,
} from '#src/commands/doctor.js';

function cores(freeCount: number): Machine['cores'] {
  return {
    freeCount,
    spinCount: freeCount,
    allowedCount: freeCount,
    isolatedList: '',
    quotaCores: null,
  };
}

/** A machine on which nothing is wrong, but for what a test changes. */
function machine(changes: Partial<Machine> = {}): Machine {
  return {
    nodeVersion: '20.20.2',
    platform: 'linux',
    arch: 'x64',
    cores: cores(8),
    glibcVersion: '2.36',
    readLine: (path) =>
      path.endsWith('current_clocksource')
        ? 'tsc'
        : path.endsWith('limits')
          ? '65536'
          : path.endsWith('scaling_governor')
            ? 'performance'
            : null,
    names: (path) => (path === '/' ? ['data'] : []),
    linkTarget: () => null,
    canOpen: () => true,
    isFolder: () => true,
    tryLoad: async () => null,
    tryListen: async () => null,
    isClockSynchronized: async () => true,
    diskFreeBytes: () => 100 * 1024 ** 3,
    ...changes,
  };
}

const OPTIONS = { json: false, dataDir: '/data', port: 3000 };

async function finding(check: string, changes: Partial<Machine>): Promise<Finding> {
  const findings = await diagnose(machine(changes), OPTIONS);
  const found = findings.find((one) => one.check === check);
  if (found === undefined) throw new Error(`no finding: ${check}`);
  return found;
}

t.test('a fit machine has no warning', async (t) => {
  const findings = await diagnose(machine(), OPTIONS);
  t.same(
    findings.filter(({ outcome }) => outcome !== 'ok'),
    [],
  );
  t.match(describeFindings(findings), /a run can start: 0 failed, 0 warned/);
});

t.test('what stops a run fails and says its fix', async (t) => {
  const cases: readonly (readonly [string, Partial<Machine>, RegExp, RegExp])[] = [
    ['node', { nodeVersion: '20.19.9' }, /20\.20 or newer/, /nodejs\.org/],
    ['node', { nodeVersion: '18.99.0' }, /20\.20 or newer/, /nodejs\.org/],
    ['platform', { glibcVersion: '' }, /no glibc/, /Debian/],
    [
      'uWebSockets',
      {
        nodeVersion: '24.21.0',
        tryLoad: async (part) => (part === 'uWebSockets.js' ? 'This version of uWS.js …' : null),
      },
      /This version/,
      /needs glibc 2\.38, here is 2\.36: use Node 20/,
    ],
    [
      'uWebSockets',
      {
        nodeVersion: '23.1.0',
        tryLoad: async (part) => (part === 'uWebSockets.js' ? 'This version of uWS.js …' : null),
      },
      /This version/,
      /use Node 20, 22 or 24/,
    ],
    [
      'SQLite',
      { tryLoad: async (part) => (part === 'better-sqlite3' ? 'no bindings file' : null) },
      /no bindings/,
      /npm rebuild better-sqlite3/,
    ],
    ['data dir', { canOpen: () => false }, /\/data cannot be written/, /--data-dir/],
    ['data dir', { names: () => [], canOpen: () => false }, /cannot be made: \/ is/, /--data-dir/],
    ['data dir', { isFolder: () => false }, /\/data is not a folder/, /--data-dir/],
    ['disk', { diskFreeBytes: () => 1_000_000 }, /0\.0 GiB/, /make room/],
    ['port', { tryListen: async () => 'EADDRINUSE' }, /3000 is taken/, /--port 0/],
    ['port', { tryListen: async () => 'EACCES' }, /3000: EACCES/, /--port 0/],
  ];
  for (const [check, changes, detail, fix] of cases) {
    const found = await finding(check, changes);
    t.equal(found.outcome, 'fail', check);
    t.match(found.detail, detail);
    t.match(found.fix, fix);
  }
});

t.test('a running engine is found by its lock, its threads by their names', async (t) => {
  const folders: Readonly<Record<string, readonly string[]>> = {
    '/': ['data'],
    '/proc': ['1', 'self', '700', '710'],
    '/proc/1/fd': ['0'],
    '/proc/710/fd': ['0', '21'],
    '/proc/710/task': ['710', '715', '716'],
  };
  const lines: Readonly<Record<string, string>> = {
    '/proc/710/task/710/comm': 'node',
    '/proc/710/task/715/comm': 'tw-journal',
    '/proc/710/task/715/status': 'Name: tw-journal Cpus_allowed: 1 Cpus_allowed_list: 0-1 Mems: 1',
    '/proc/710/task/716/comm': 'tw-hot',
    '/proc/710/task/716/status': 'Name: tw-hot Cpus_allowed: 4 Cpus_allowed_list: 2 Mems: 1',
  };
  const changes: Partial<Machine> = {
    names: (path) => folders[path] ?? [],
    readLine: (path) => lines[path] ?? machine().readLine(path),
    linkTarget: (path) => (path === '/proc/710/fd/21' ? '/data/lock.sqlite' : '/dev/null'),
    tryListen: async () => 'EADDRINUSE',
  };
  const engine = await finding('engine', changes);
  t.equal(engine.outcome, 'ok');
  t.same(engine.threads, [
    { name: 'tw-journal', tid: 715, cores: '0-1' },
    { name: 'tw-hot', tid: 716, cores: '2' },
  ]);
  t.match(engine.detail, /process 710: tw-journal 715 \(cores 0-1\), tw-hot 716 \(cores 2\)/);
  t.match(await finding('port', changes), { outcome: 'ok', detail: /taken while an engine runs/ });
  const other = { ...changes, linkTarget: () => '/other/lock.sqlite' };
  t.match(await finding('engine', other), { outcome: 'ok', detail: /^none/ });
  t.match(await finding('port', other), { outcome: 'fail' });
});

t.test('what makes a run worse warns and says its fix', async (t) => {
  const fact =
    (ending: string, value: string): Machine['readLine'] =>
    (path) =>
      path.endsWith(ending) ? value : machine().readLine(path);
  const cases: readonly (readonly [string, Partial<Machine>, RegExp])[] = [
    ['platform', { arch: 'arm64' }, /make verify/],
    [
      'hardware wallet',
      { tryLoad: async (part) => (part === 'node-hid' ? 'libusb-1.0.so.0: cannot open' : null) },
      /libusb-1\.0-0/,
    ],
    ['cores', { cores: cores(1) }, /two cores/],
    ['governor', { readLine: fact('scaling_governor', 'powersave') }, /cpupower/],
    ['clock source', { readLine: fact('current_clocksource', 'hpet') }, /clocksource=tsc/],
    ['clock', { isClockSynchronized: async () => false }, /chrony/],
    ['clock', { isClockSynchronized: async () => null }, /chrony/],
    ['open files', { readLine: fact('limits', '256') }, /ulimit/],
    ['disk', { diskFreeBytes: () => 1024 ** 3 }, /make room/],
  ];
  for (const [check, changes, fix] of cases) {
    const found = await finding(check, changes);
    t.equal(found.outcome, 'warn', check);
    t.match(found.fix, fix, check);
  }
});

t.test('a wallet that may not be opened is named with its udev rule', async (t) => {
  const attached = {
    names: (path: string) => (path === '/sys/class/hidraw' ? ['hidraw3'] : ['data']),
    readLine: (path: string) =>
      path.includes('hidraw3') ? 'DRIVER=hid-generic HID_ID=0003:00002C97:00001011 X=1' : null,
  };
  const open = await finding('hardware wallet', attached);
  t.equal(open.outcome, 'ok');
  t.match(open.detail, /hidraw3/);
  const closed = await finding('hardware wallet', {
    ...attached,
    canOpen: (path) => path !== '/dev/hidraw3',
  });
  t.equal(closed.outcome, 'warn');
  t.match(closed.fix, /udev rule/);
});

t.test('the configuration is checked with all its problems', async (t) => {
  const dir = t.testdir({ 'bad.json': '{"port": -1, "nonsense": true}', 'torn.json': '{' });
  for (const [file, expected] of [
    ['bad.json', /port.*nonsense/],
    ['torn.json', /not JSON/],
    ['absent.json', /cannot read/],
  ] as const) {
    const findings = await diagnose(machine(), { ...OPTIONS, config: join(dir, file) });
    const found = findings.find(({ check }) => check === 'config');
    t.equal(found?.outcome, 'fail', file);
    t.match(found?.detail, expected);
  }
});

t.test('the real machine: a taken port fails, the native parts load', async (t) => {
  const dir = t.testdir({});
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'file'), '');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const findings = await diagnose(realMachine(), { json: true, dataDir: join(dir, 'data'), port });
  const outcomeOf = (name: string): string | undefined =>
    findings.find(({ check }) => check === name)?.outcome;
  t.equal(outcomeOf('port'), 'fail');
  for (const check of ['node', 'uWebSockets', 'SQLite', 'data dir', 'config']) {
    t.equal(outcomeOf(check), 'ok', check);
  }
  const unmade = await diagnose(realMachine(), {
    ...{ json: true, dataDir: join(dir, 'a/b'), port: 0 },
  });
  t.match(unmade.find(({ check }) => check === 'data dir')?.detail, /will be made/);
  t.equal(unmade.find(({ check }) => check === 'port')?.outcome, 'ok');
});

t.test('--json prints one object and the exit code says whether a run can start', async (t) => {
  const script =
    "import('#src/commands/doctor.js').then(async ({ doctor }) => { process.exitCode = await " +
    "doctor({ json: process.argv[1] === 'json', dataDir: process.argv[2], port: 0 }); })";
  const run = (format: string, dataDir: string): Promise<{ code: number; stdout: string }> =>
    new Promise((done) => {
      execFile(process.execPath, ['-e', script, format, dataDir], (error, stdout) => {
        done({ code: typeof error?.code === 'number' ? error.code : 0, stdout });
      });
    });
  const dir = t.testdir({ file: 'not a folder' });
  const json = await run('json', dir);
  t.equal(json.code, 0);
  const result = JSON.parse(json.stdout);
  t.equal(result.ok, true);
  t.ok(result.findings.length > 8);
  const text = await run('text', join(dir, 'file'));
  t.equal(text.code, 1);
  t.match(text.stdout, /^fail {2}data dir/m);
  t.match(text.stdout, /fix: /);
});
