/**
 * `tickwire record` against simulators of every venue, both as programs: what was recorded replays to the very ticks that
 * came out live, faults and reconnects included; and a recorder that is killed leaves a recording that can be read.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { TickwireError } from '#src/domain/errors.js';
import { RecordedDirection } from '#src/generated/hot.js';
import { openRecording } from '#src/journal/recording-files.js';
import { SIMULATORS } from '#src/sim/simulators.js';
import { eventually, Program } from '../harness/program.js';

interface Recorded {
  readonly records: number;
  readonly frames: number;
  readonly ticks: number;
  readonly tickHash: string | null;
  readonly connects: number;
  readonly segments: number;
}

interface Replayed {
  readonly ticks: number;
  readonly tickHash: string;
  readonly records: number;
  readonly damage: readonly { readonly message: string }[];
}

function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-record-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

async function simulator(t: Test, venue: string): Promise<string> {
  const program = new Program(['sim', '--venue', venue, '--exit-on-stdin-end', '--speed', '4']);
  t.teardown(() => program.child.kill('SIGKILL'));
  return await eventually(() => {
    if (!program.isRunning) throw new Error(`the simulator ended: ${program.stderr}`);
    return /"rest":"([^"]+)"/.exec(program.stdout)?.[1];
  }, 'the simulator to listen');
}

function recorder(t: Test, args: readonly string[]): Program {
  const program = new Program(['record', '--json', '--log-level', 'silent', ...args]);
  t.teardown(() => program.child.kill('SIGKILL'));
  return program;
}

async function replayed(dir: string): Promise<Replayed> {
  const program = new Program(['replay', dir, '--json']);
  const { exitCode } = await program.ended();
  if (exitCode !== 0 && exitCode !== 1) throw new Error(program.stderr);
  return JSON.parse(program.stdout) as Replayed;
}

async function inject(rest: string, fault: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await fetch(`${rest}/_sim/fault`, { method: 'POST', body: JSON.stringify(fault) });
  if (!answer.ok) throw new Error(`fault: ${answer.status} ${await answer.text()}`);
}

/** Records of a direction that are in the files by now. */
function countIn(dir: string, direction: number): number {
  let count = 0;
  try {
    const reader = openRecording(dir);
    while (reader.next()) if (reader.direction === direction) count++;
  } catch (error) {
    // Not there yet, or its header is being written.
    if (!(error instanceof TickwireError)) throw error;
  }
  return count;
}

/** Waits until that many records of a direction are in the files. */
async function recorded(
  program: Program,
  dir: string,
  count: number,
  direction: number = RecordedDirection.In,
): Promise<void> {
  await eventually(() => {
    if (!program.isRunning) throw new Error(`the recorder ended: ${program.stderr}`);
    return countIn(dir, direction) >= count || undefined;
  }, `${count} records`);
}

for (const { venue } of SIMULATORS) {
  t.test(
    `${venue}: a recording with a lost frame and a lost connection replays to the same ticks`,
    async (t) => {
      const rest = await simulator(t, venue);
      const dir = join(tempDir(t), 'recording');
      const program = recorder(t, [
        '--venue',
        venue,
        '--symbols',
        'BTC-USD',
        '--sim',
        rest,
        '--out',
        dir,
      ]);
      await recorded(program, dir, 20);
      await inject(rest, { fault: 'drop-frame' });
      await recorded(program, dir, 40);
      await inject(rest, { fault: 'disconnect' });
      await recorded(program, dir, 2, RecordedDirection.Connect);
      await recorded(program, dir, countIn(dir, RecordedDirection.In) + 20);
      t.equal((await program.kill('SIGTERM')).exitCode, 143, program.stderr);
      const live = JSON.parse(program.stdout) as Recorded;
      t.ok(live.connects >= 2, 'it was connected again');
      t.ok(live.ticks > 0 && live.tickHash !== null);
      const again = await replayed(dir);
      t.same(again.damage, []);
      t.same([again.records, again.ticks], [live.records, live.ticks]);
      t.equal(again.tickHash, live.tickHash, 'the same ticks, byte for byte');
    },
  );
}

t.test(
  'a recorder that is killed leaves a recording that can be read to its last block',
  async (t) => {
    const rest = await simulator(t, 'coinbase');
    const dir = join(tempDir(t), 'recording');
    const program = recorder(t, [
      '--venue',
      'coinbase',
      '--symbols',
      'BTC-USD',
      '--sim',
      rest,
      '--out',
      dir,
    ]);
    await recorded(program, dir, 30);
    await program.kill('SIGKILL');
    t.same(readdirSync(dir), ['000001.twr.part'], 'its name says that it was not finished');
    const replay = new Program(['replay', dir, '--json']);
    t.equal((await replay.ended()).exitCode, 1);
    t.equal(replay.error().code, 'RECORDING_CORRUPT');
    const found = JSON.parse(replay.stdout) as Replayed;
    t.ok(found.records >= 30 && found.ticks > 0, 'what there is comes out');
    t.match(found.damage, [{ message: 'the segment is cut off', lastLost: null }]);
    t.equal((await replayed(dir)).tickHash, found.tickHash);
  },
);

t.test('segments end by time; the end of --for is a clean end', async (t) => {
  const rest = await simulator(t, 'kraken');
  const dir = join(tempDir(t), 'recording');
  const program = recorder(t, [
    ...['--venue', 'kraken', '--symbols', 'BTC-USD,ETH-USD', '--sim', rest, '--out', dir],
    ...['--for', '2s', '--segment-for', '500ms', '--fsync', 'block'],
  ]);
  t.equal((await program.ended()).exitCode, 0, program.stderr);
  const live = JSON.parse(program.stdout) as Recorded;
  t.ok(live.segments >= 3, `${live.segments} segments`);
  t.equal(readdirSync(dir).filter((name) => name.endsWith('.twr')).length, live.segments);
  t.equal((await replayed(dir)).tickHash, live.tickHash);
});

t.test('what cannot be recorded is said with a code', async (t) => {
  const rest = await simulator(t, 'coinbase');
  const out = join(tempDir(t), 'recording');
  const cases: readonly (readonly [string, number, readonly string[]])[] = [
    [
      'CONFIG_INVALID',
      2,
      ['--symbols', 'BTC-USD', '--for', 'soon', '--fsync', 'never', '--sim', 'x'],
    ],
    ['VENUE_UNKNOWN', 2, ['--venue', 'nowhere', '--symbols', 'BTC-USD', '--out', out]],
    ['USAGE', 2, ['--venue', 'coinbase', '--symbols', 'NO-SUCH', '--sim', rest, '--out', out]],
    [
      'VENUE_UNKNOWN',
      2,
      ['--venue', 'kraken', '--symbols', 'BTC-USD', '--sim', rest, '--out', out],
    ],
    [
      'VENUE_UNREACHABLE',
      1,
      ['--venue', 'coinbase', '--symbols', 'BTC-USD', '--sim', 'http://127.0.0.1:1', '--out', out],
    ],
    [
      'VENUE_UNREACHABLE',
      1,
      [
        ...['--venue', 'coinbase', '--symbols', 'BTC-USD', '--out', out, '--for', '1s'],
        ...['--rest-url', rest, '--ws-url', 'ws://127.0.0.1:1'],
      ],
    ],
    [
      'RECORDING_FAILED',
      1,
      ['--venue', 'coinbase', '--symbols', 'BTC-USD', '--sim', rest, '--out', out],
    ],
  ];
  for (const [code, exitCode, args] of cases) {
    const program = recorder(t, args);
    t.equal((await program.ended()).exitCode, exitCode, `${code}: ${program.stderr}`);
    t.equal(program.error().code, code, program.error().message);
  }
});
