/**
 * doctor: looks at the machine before money does: Node, native parts, devices, cores, clock, limits, disk, port and
 * configuration; every finding with its fix. Main thread; changes nothing on the machine.
 *
 * The findings are computed from a {@link Machine}, so that a test can show any machine; the real one is made below.
 * Exit code: 0 when a run would start (warnings included), 1 when something stops it.
 */
import {
  constants,
  accessSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  statfsSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { execFile } from 'node:child_process';
import { ConfigError, describeProblem, parseConfig, readConfigFile } from '../config.js';
import { describeCores, readCores } from '../runtime/cores.js';
import type { Cores } from '../runtime/cores.js';
import { THREAD_NAME_PREFIX } from '../runtime/os-thread.js';

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 20;
/** Tried 2026-11: the binary of uWebSockets for Node 24 loads from this version of the C library on. */
const GLIBC_FOR_NODE_24 = '2.38';
const OPEN_FILES_MIN = 4_096;
const DISK_FREE_BYTES_MIN = 100 * 1024 * 1024;
const DISK_FREE_BYTES_EASY = 2 * 1024 * 1024 * 1024;
/** Ingest, signal and execution with a core each, and one for the rest (engine.ts, planThreads). */
const CORES_SPREAD = 4;
const PROBE_TIMEOUT_MS = 2_000;
/** USB vendors of the wallets that tickwire speaks to: Ledger, Trezor (old and new). */
const WALLET_VENDORS = ['2C97', '534C', '1209'];
const CLOCK_SOURCES_FAST = ['tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page'];

export type Outcome = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly outcome: Outcome;
  readonly detail: string;
  /** What to do; empty when nothing is wrong. */
  readonly fix: string;
  /** Of a running engine only. */
  readonly threads?: readonly EngineThread[];
}

/** A thread of a running engine, as the system knows it. */
export interface EngineThread {
  /** tw-hot, tw-ingest, tw-journal, … */
  readonly name: string;
  /** What `taskset -cp CORE TID` takes. */
  readonly tid: number;
  /** Cores on which it may run. */
  readonly cores: string;
}

export interface DoctorOptions {
  readonly json: boolean;
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  /** File of --config. */
  readonly config?: string | undefined;
}

/** What the checks read. */
export interface Machine {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly arch: string;
  readonly cores: Cores;
  /** Version of the C library; empty when unknown (musl). */
  readonly glibcVersion: string;
  /** First line of a small file, trimmed; null when it cannot be read. */
  readLine(path: string): string | null;
  /** Names in a folder; empty when there is none. */
  names(path: string): readonly string[];
  /** Where a link points; null when it is none or closed to us. */
  linkTarget(path: string): string | null;
  canOpen(path: string): boolean;
  isFolder(path: string): boolean;
  /** Loads a native part; null when it works, else what it said. */
  tryLoad(part: 'uWebSockets.js' | 'better-sqlite3' | 'node-hid'): Promise<string | null>;
  /** null when the port is free, else the error's code. */
  tryListen(port: number): Promise<string | null>;
  /** Whether the system clock is kept by a time service; null when nobody knows. */
  isClockSynchronized(): Promise<boolean | null>;
  /** Free bytes on the disk of a path; null when unknown. */
  diskFreeBytes(path: string): number | null;
}

/** Prints the findings; returns the exit code. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await diagnose(realMachine(), options);
  const isFit = findings.every(({ outcome }) => outcome !== 'fail');
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ok: isFit, node: process.versions.node, findings })}\n`
      : describeFindings(findings),
  );
  return isFit ? 0 : 1;
}

/** Every check, in the order in which they are printed. */
export async function diagnose(
  machine: Machine,
  options: DoctorOptions,
): Promise<readonly Finding[]> {
  const engine = findEngine(machine, options.dataDir);
  return [
    checkNode(machine),
    checkPlatform(machine),
    await checkSocketServer(machine),
    await checkDatabase(machine),
    ...(await checkWallets(machine)),
    ...checkCores(machine),
    checkClockSource(machine),
    await checkClockSync(machine),
    checkOpenFiles(machine),
    ...checkDataDir(machine, options.dataDir),
    engine,
    await checkPort(machine, options.port, engine.threads !== undefined),
    checkConfig(options.config),
  ];
}

/** One line per finding, its fix below it. */
export function describeFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, outcome, detail, fix }) => [
    `${outcome.padEnd(4)}  ${check.padEnd(width)}  ${detail}`,
    ...(fix === '' ? [] : [`${' '.repeat(width + 8)}fix: ${fix}`]),
  ]);
  const failCount = findings.filter(({ outcome }) => outcome === 'fail').length;
  const warnCount = findings.filter(({ outcome }) => outcome === 'warn').length;
  const verdict = failCount === 0 ? 'a run can start' : 'a run cannot start';
  return `${lines.join('\n')}\n\n${verdict}: ${failCount} failed, ${warnCount} warned\n`;
}

const ok = (check: string, detail: string): Finding => ({ check, outcome: 'ok', detail, fix: '' });
const warn = (check: string, detail: string, fix: string): Finding => ({
  ...{ check, outcome: 'warn', detail, fix },
});
const fail = (check: string, detail: string, fix: string): Finding => ({
  ...{ check, outcome: 'fail', detail, fix },
});

function checkNode(machine: Machine): Finding {
  const [major = 0, minor = 0] = machine.nodeVersion.split('.').map(Number);
  const isNew = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN);
  if (isNew) return ok('node', `Node ${machine.nodeVersion}`);
  return fail(
    'node',
    `Node ${machine.nodeVersion}; ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer is needed`,
    'install a newer Node from https://nodejs.org/en/download',
  );
}

function checkPlatform(machine: Machine): Finding {
  const name = `${machine.platform} ${machine.arch}`;
  const libc = machine.glibcVersion === '' ? 'no glibc' : `glibc ${machine.glibcVersion}`;
  if (machine.platform !== 'linux' || machine.glibcVersion === '') {
    return fail('platform', `${name}, ${libc}`, 'use Linux with glibc, e.g. Debian 12 or 13');
  }
  if (machine.arch !== 'x64') {
    return warn(
      'platform',
      `${name}, ${libc}: shared memory is proven on x64 only`,
      'run `make verify` on this machine before trading',
    );
  }
  return ok('platform', `${name}, ${libc}`);
}

async function checkSocketServer(machine: Machine): Promise<Finding> {
  const said = await machine.tryLoad('uWebSockets.js');
  if (said === null) return ok('uWebSockets', 'loads');
  // The package hides why its binary did not load; two facts about it are known (docs/dependencies.md).
  const major = Number(machine.nodeVersion.split('.')[0]);
  const isLibcOld = compareVersions(machine.glibcVersion, GLIBC_FOR_NODE_24) < 0;
  return fail(
    'uWebSockets',
    said,
    major >= 24 && isLibcOld
      ? `its binary for Node ${major} needs glibc ${GLIBC_FOR_NODE_24}, here is ` +
          `${machine.glibcVersion}: use Node 20 on this system, or Debian 13`
      : `use Node 20, 22 or 24 (its binaries are made per Node version; this is ${machine.nodeVersion})`,
  );
}

/** Below 0 when `a` is older; `2.9` is older than `2.36`. */
function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA === majorB ? minorA - minorB : majorA - majorB;
}

async function checkDatabase(machine: Machine): Promise<Finding> {
  const said = await machine.tryLoad('better-sqlite3');
  if (said === null) return ok('SQLite', 'loads and answers');
  return fail(
    'SQLite',
    said,
    'apt-get install -y python3 make g++ && npm rebuild better-sqlite3 ' +
      '(npm 11 wants --allow-scripts=better-sqlite3 in projects of your own)',
  );
}

async function checkWallets(machine: Machine): Promise<readonly Finding[]> {
  const said = await machine.tryLoad('node-hid');
  if (said !== null) {
    const library = /lib(usb-1\.0|udev)\.so/.exec(said)?.[1];
    const fix =
      library === 'udev'
        ? 'apt-get install -y libudev1'
        : library === undefined
          ? 'npm rebuild node-hid'
          : 'apt-get install -y libusb-1.0-0';
    return [warn('hardware wallet', `node-hid does not load: ${said}`, fix)];
  }
  const attached = machine
    .names('/sys/class/hidraw')
    .filter((name) =>
      WALLET_VENDORS.includes(
        vendorOf(machine.readLine(`/sys/class/hidraw/${name}/device/uevent`)),
      ),
    );
  if (attached.length === 0) return [ok('hardware wallet', 'node-hid loads; no wallet attached')];
  const closed = attached.filter((name) => !machine.canOpen(`/dev/${name}`));
  if (closed.length === 0) return [ok('hardware wallet', `may open ${attached.join(', ')}`)];
  return [
    warn(
      'hardware wallet',
      `may not open ${closed.map((name) => `/dev/${name}`).join(', ')}`,
      'add a udev rule: KERNEL=="hidraw*", ATTRS{idVendor}=="2c97", TAG+="uaccess" (Ledger; ' +
        'Trezor: 534c and 1209), then udevadm control --reload and replug',
    ),
  ];
}

/** `HID_ID=0003:00002C97:00001011` is the second line of a uevent; the whole text is one line here. */
function vendorOf(uevent: string | null): string {
  return /HID_ID=[0-9A-F]+:0000([0-9A-F]{4}):/i.exec(uevent ?? '')?.[1]?.toUpperCase() ?? '';
}

function checkCores(machine: Machine): readonly Finding[] {
  const { cores } = machine;
  const isSpread = cores.freeCount >= CORES_SPREAD;
  const text = `${describeCores(cores)}: --threads auto means ${isSpread ? 'spread' : 'compact'}`;
  const found =
    cores.freeCount < 2
      ? warn('cores', text, 'two cores or more: journal and dashboard otherwise delay orders')
      : ok('cores', text);
  const governor = machine.readLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  if (governor === null) return [found, ok('governor', 'not adjustable here (virtual machine)')];
  if (governor === 'performance') return [found, ok('governor', governor)];
  return [
    found,
    warn(
      'governor',
      `${governor}: a core that slept wakes up slowly`,
      'cpupower frequency-set -g performance',
    ),
  ];
}

function checkClockSource(machine: Machine): Finding {
  const source = machine.readLine(
    '/sys/devices/system/clocksource/clocksource0/current_clocksource',
  );
  if (source === null) return ok('clock source', 'unknown');
  if (CLOCK_SOURCES_FAST.includes(source)) return ok('clock source', source);
  return warn(
    'clock source',
    `${source}: each look at the clock is a system call`,
    'boot with clocksource=tsc where the processor allows it',
  );
}

async function checkClockSync(machine: Machine): Promise<Finding> {
  const isSynchronized = await machine.isClockSynchronized();
  if (isSynchronized === true) return ok('clock', 'kept by a time service');
  const fix = 'apt-get install -y chrony, or systemctl enable --now systemd-timesyncd';
  return isSynchronized === false
    ? warn('clock', 'not synchronized: venues refuse signatures that are seconds off', fix)
    : warn('clock', 'no time service found (a container uses its host’s clock)', fix);
}

function checkOpenFiles(machine: Machine): Finding {
  const max = Number(machine.readLine('/proc/self/limits') ?? Number.NaN);
  if (Number.isNaN(max)) return ok('open files', 'no limit known');
  if (max >= OPEN_FILES_MIN) return ok('open files', `limit ${max}`);
  return warn(
    'open files',
    `limit ${max}`,
    `ulimit -n ${OPEN_FILES_MIN}, or LimitNOFILE= in the unit`,
  );
}

function checkDataDir(machine: Machine, dataDir: string): readonly Finding[] {
  const path = resolve(dataDir);
  const existing = nearestExisting(machine, path);
  if (!machine.isFolder(existing)) {
    return [fail('data dir', `${existing} is not a folder`, '--data-dir with a folder')];
  }
  if (!machine.canOpen(existing)) {
    return [
      fail(
        'data dir',
        existing === path
          ? `${path} cannot be written`
          : `${path} cannot be made: ${existing} is closed`,
        '--data-dir with a folder of your own, or chown it',
      ),
    ];
  }
  const writable = ok('data dir', existing === path ? path : `${path} (will be made)`);
  const freeBytes = machine.diskFreeBytes(existing);
  if (freeBytes === null) return [writable, ok('disk', 'free space unknown')];
  const text = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
  const fix = 'make room, or --data-dir on another disk';
  if (freeBytes < DISK_FREE_BYTES_MIN) return [writable, fail('disk', text, fix)];
  if (freeBytes < DISK_FREE_BYTES_EASY) return [writable, warn('disk', text, fix)];
  return [writable, ok('disk', text)];
}

function nearestExisting(machine: Machine, path: string): string {
  const parent = dirname(path);
  if (
    parent === path ||
    machine.names(parent).includes(path.slice(parent === '/' ? 1 : parent.length + 1))
  ) {
    return path;
  }
  return nearestExisting(machine, parent);
}

/** The engine that holds the lock of this data directory, and its threads by name. */
function findEngine(machine: Machine, dataDir: string): Finding {
  const lock = join(resolve(dataDir), 'lock.sqlite');
  const processes = machine.names('/proc').filter((name) => /^\d+$/.test(name));
  const holder = processes.find((pid) =>
    machine
      .names(`/proc/${pid}/fd`)
      .some((fd) => machine.linkTarget(`/proc/${pid}/fd/${fd}`) === lock),
  );
  if (holder === undefined) return ok('engine', 'none of yours runs on this data dir');
  const threads = machine
    .names(`/proc/${holder}/task`)
    .map((tid) => threadOf(machine, `/proc/${holder}/task/${tid}`, Number(tid)))
    .filter(({ name }) => name.startsWith(THREAD_NAME_PREFIX));
  const list = threads.map(({ name, tid, cores }) => `${name} ${tid} (cores ${cores})`).join(', ');
  const detail = `process ${holder}: ${list}; pin one: taskset -cp CORE ID`;
  return { ...ok('engine', detail), threads };
}

function threadOf(machine: Machine, folder: string, tid: number): EngineThread {
  const status = machine.readLine(`${folder}/status`) ?? '';
  return {
    name: machine.readLine(`${folder}/comm`) ?? '',
    tid,
    cores: /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? 'unknown',
  };
}

async function checkPort(machine: Machine, port: number, hasEngine: boolean): Promise<Finding> {
  const said = await machine.tryListen(port);
  if (said === 'EADDRINUSE' && hasEngine)
    return ok('port', `${port} is taken while an engine runs on this data dir`);
  if (said === null)
    return ok('port', port === 0 ? 'any free one' : `${port} is free on 127.0.0.1`);
  return fail(
    'port',
    said === 'EADDRINUSE' ? `${port} is taken by another program` : `${port}: ${said}`,
    said === 'EADDRINUSE' ? `--port 0, or find it: ss -ltnp 'sport = :${port}'` : '--port 0',
  );
}

function checkConfig(file: string | undefined): Finding {
  const name = file ?? 'defaults';
  try {
    parseConfig(file === undefined ? {} : readConfigFile(file));
    return ok('config', name);
  } catch (error) {
    const said =
      error instanceof ConfigError
        ? error.problems.map((problem) => describeProblem(problem)).join('; ')
        : messageOf(error);
    return fail('config', `${name}: ${said}`, 'docs/configuration.md lists every setting');
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

/** The machine that we are on. */
export function realMachine(): Machine {
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    cores: readCores(),
    glibcVersion: glibcVersion(),
    readLine: readFact,
    names(path): readonly string[] {
      try {
        return readdirSync(path);
      } catch {
        return [];
      }
    },
    linkTarget(path): string | null {
      try {
        return readlinkSync(path);
      } catch {
        // Gone by now, or another user's.
        return null;
      }
    },
    canOpen(path): boolean {
      try {
        accessSync(path, constants.R_OK | constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    isFolder(path): boolean {
      return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    },
    tryLoad,
    tryListen,
    isClockSynchronized,
    diskFreeBytes(path): number | null {
      try {
        const { bavail, bsize } = statfsSync(path);
        return bavail * bsize;
      } catch {
        return null;
      }
    },
  };
}

function glibcVersion(): string {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? '';
}

/** The file as one line; of /proc/self/limits the soft limit of open files. */
function readFact(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8');
    if (path === '/proc/self/limits') return /^Max open files +(\d+)/m.exec(text)?.[1] ?? null;
    return text.trim().replaceAll('\n', ' ');
  } catch {
    return null;
  }
}

async function tryLoad(
  part: 'uWebSockets.js' | 'better-sqlite3' | 'node-hid',
): Promise<string | null> {
  try {
    if (part === 'uWebSockets.js') {
      await import('uWebSockets.js');
    } else if (part === 'node-hid') {
      await import('node-hid');
    } else {
      const { openSqlite } = await import('../runtime/sqlite.js');
      const database = openSqlite(':memory:');
      database.prepare('SELECT 1').get();
      database.close();
    }
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function tryListen(port: number): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      done(error.code ?? error.message);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        done(null);
      });
    });
  });
}

async function isClockSynchronized(): Promise<boolean | null> {
  if (readFact('/run/systemd/timesync/synchronized') !== null) return true;
  const said = await new Promise<string>((done) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: PROBE_TIMEOUT_MS },
      (error, stdout) => done(error === null ? stdout.trim() : ''),
    );
  });
  return said === 'yes' ? true : said === 'no' ? false : null;
}
