/**
 * `tickwire import` and `tickwire replay`: a capture becomes a recording and comes out of it as it was; a recording plays to
 * the same ticks at any speed; what is damaged is told, and the rest is delivered.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { recordCapture } from '#src/commands/import.js';
import { RecordedDirection, TICK_COMMIT_WORD, TICK_WORDS, writeTick } from '#src/generated/hot.js';
import { openRecording } from '#src/journal/recording-files.js';
import { CoinbaseMarketFeed } from '#src/venues/coinbase/market-feed.js';
import { Program } from '../harness/program.js';
import { frameOf, TICK_INFO, tickOf, writerIn } from '../journal/recording-rig.js';
import {
  CAPTURE,
  capturedLines,
  fixtureBytes,
  instrumentNamed,
  RejectList,
  TickList,
} from '../venues/feed-rig.js';
import type { CapturedLine } from '../venues/feed-rig.js';

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
const COINBASE = join(FIXTURES, 'coinbase');
const PRODUCTS = join(COINBASE, 'cf2026_rest_market_products.jsonl.gz');

interface Replayed {
  readonly kind: string;
  readonly ticks: number;
  readonly frames: number;
  readonly records: number;
  readonly tickHash: string;
  readonly rejects: Readonly<Record<string, number>>;
  readonly damage: readonly {
    readonly segment: string;
    readonly offsetBytes: number;
    readonly firstLost: number | null;
    readonly lastLost: number | null;
  }[];
}

function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tickwire-replay-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

async function run(...args: readonly string[]): Promise<Program & { exitCode: number | null }> {
  const program = new Program(args);
  const { exitCode } = await program.ended();
  return Object.assign(program, { exitCode });
}

async function imported(t: Test, ...args: readonly string[]): Promise<string> {
  const dir = join(tempDir(t), 'recording');
  const program = await run('import', ...args, '--out', dir, '--json');
  t.equal(program.exitCode, 0, program.stderr);
  return dir;
}

async function replay(dir: string, ...args: readonly string[]): Promise<Replayed> {
  const program = await run('replay', dir, '--json', ...args);
  if (program.exitCode !== 0) throw new Error(program.stderr);
  return JSON.parse(program.stdout) as Replayed;
}

async function normalized(venue: string, text: string): Promise<string> {
  const program = new Program(['normalize', '--venue', venue, '--levels']);
  program.child.stdin?.end(text);
  const { exitCode } = await program.ended();
  if (exitCode !== 0) throw new Error(program.stderr);
  return program.stdout;
}

const DIRECTIONS = Object.keys(RecordedDirection).map((name) => name.toLowerCase());

/** Every capture of the repository that is a stream, with its venue. */
const CAPTURES: readonly (readonly [venue: string, folder: string])[] = [
  ['coinbase', 'coinbase'],
  ['coinbase-exchange', 'coinbase-exchange'],
  ['kraken', 'kraken'],
  ['binance', 'binance'],
  ['hyperliquid', 'hyperliquid'],
  ['dydx', 'dydx'],
];

function capturesOf(folder: string): readonly string[] {
  try {
    return readdirSync(join(FIXTURES, folder))
      .filter((name) => name.endsWith('.jsonl.gz') && !name.includes('.expected.'))
      .map((name) => join(FIXTURES, folder, name));
  } catch {
    return []; // The venue has no captures here.
  }
}

for (const [venue, folder] of CAPTURES) {
  for (const file of capturesOf(folder)) {
    const name = file.slice(FIXTURES.length);
    t.test(`${name} comes out of a recording as it went in`, async (t) => {
      const outDir = tempDir(t);
      const options = { segmentBytesMax: 1 << 20, fsync: 'none', version: '0' } as const;
      recordCapture({ files: [file], venue, outDir, ...options });
      const before = gunzipSync(readFileSync(file))
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as CapturedLine);
      const reader = openRecording(outDir);
      for (const line of before) {
        if (!reader.next()) t.fail(`line ${line.n} is missing`);
        const { hasTime, recvNs, info } = reader;
        const after = {
          n: reader.line,
          recv_ns: hasTime ? (info.runEpochNs + BigInt(recvNs)).toString() : null,
          dir: DIRECTIONS[reader.direction],
          url: reader.url,
          raw: Buffer.from(reader.bytes).toString('utf8'),
        };
        const { n, recv_ns, dir, url, raw } = line;
        if (JSON.stringify(after) !== JSON.stringify({ n, recv_ns, dir, url, raw })) {
          t.same(after, line, `line ${n}`);
        }
      }
      t.notOk(reader.next());
      t.same(reader.damages, []);
    });
  }
}

t.test('an imported capture gives the normalised records of the capture itself', async (t) => {
  const capture = join(COINBASE, `${CAPTURE}.jsonl.gz`);
  const dir = await imported(t, PRODUCTS, capture, '--venue', 'coinbase');
  const out = join(tempDir(t), 'frames.jsonl');
  await replay(dir, '--frames', out);
  const [fromRecording, fromCapture] = await Promise.all([
    normalized('coinbase', readFileSync(out, 'utf8')),
    normalized(
      'coinbase',
      [PRODUCTS, capture].map((file) => gunzipSync(readFileSync(file)).toString('utf8')).join(''),
    ),
  ]);
  t.equal(fromRecording, fromCapture);
  t.ok(fromCapture.split('\n').length > 1_000);
});

t.test('its ticks are those of the feed itself, in the engine’s manner', async (t) => {
  const dir = await imported(
    t,
    PRODUCTS,
    join(COINBASE, `${CAPTURE}.jsonl.gz`),
    '--venue',
    'coinbase',
  );
  const lines = capturedLines(`${CAPTURE}.jsonl.gz`);
  // Times count from the first one that is known, here that of the product list.
  const timed = [...capturedLines('cf2026_rest_market_products.jsonl.gz'), ...lines];
  const runEpochNs = BigInt(timed.find(({ recv_ns }) => recv_ns !== null)?.recv_ns ?? '0');
  const list = new TickList();
  const feed = new CoinbaseMarketFeed({
    instruments: [instrumentNamed('BTC-USD', 0, 2, 8), instrumentNamed('ETH-USD', 1, 2, 8)],
    ticks: list,
    rejects: new RejectList(),
    runEpochNs,
    levelsMax: 20,
    snapshotLevelsMax: 20,
    tradesInTimeOrder: true,
  });
  for (const { dir: direction, raw, recv_ns } of lines) {
    if (direction === 'connect') feed.onConnected();
    if (direction === 'in')
      feed.onFrame(Buffer.from(raw), Number(BigInt(recv_ns ?? '0') - runEpochNs));
  }
  // The hash of the documentation: 60 bytes of each tick, in their order.
  const hash = createHash('sha256');
  const words = new Int32Array(TICK_WORDS);
  for (const tick of list.ticks) {
    writeTick(words, 0, tick);
    hash.update(Buffer.from(words.buffer, 0, TICK_COMMIT_WORD * 4));
  }
  const played = await replay(dir);
  t.equal(played.ticks, list.ticks.length);
  t.equal(played.tickHash, hash.digest('hex'));
  t.same(played.rejects, {});
});

t.test('any speed gives the same ticks, and so does the recording of those ticks', async (t) => {
  const dir = await imported(
    t,
    PRODUCTS,
    join(COINBASE, `${CAPTURE}.jsonl.gz`),
    '--venue',
    'coinbase',
  );
  const ticksDir = join(tempDir(t), 'ticks');
  const ticksFile = join(tempDir(t), 'ticks.jsonl');
  const fast = await replay(dir, '--out', ticksDir, '--ticks', ticksFile);
  const paced = await replay(dir, '--speed', '50');
  const ofTicks = await replay(ticksDir);
  t.equal(paced.tickHash, fast.tickHash);
  t.equal(ofTicks.tickHash, fast.tickHash);
  t.equal(ofTicks.kind, 'ticks');
  t.same([ofTicks.records, ofTicks.frames], [fast.ticks, 0]);
  const lines = readFileSync(ticksFile, 'utf8').trim().split('\n');
  t.equal(lines.length, fast.ticks);
  const trade = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find(({ kind }) => kind === 'trade');
  t.match(trade, {
    venue: 'coinbase',
    symbol: 'BTC-USD',
    price: /^65\d{3}(\.\d+)?$/,
    aggressor: /^(buy|sell)$/,
  });
});

t.test('strategies see the ticks of a replay, and want the same at any speed', async (t) => {
  const capture = join(COINBASE, `${CAPTURE}.jsonl.gz`);
  const dir = await imported(t, PRODUCTS, capture, '--venue', 'coinbase');
  const file = join(tempDir(t), 'every-trade.mjs');
  writeFileSync(
    file,
    `export default {
      name: 'every-trade', sentence: 'Wants to buy at every trade.', params: {},
      create: () => ({
        name: 'every-trade',
        onTick(tick, market, nowNs, out) {
          if (tick.kind === 1 && market.staleReason === 0) out.next(1);
        },
        onOrderEvent() {},
        onDeadline() {},
      }),
    };`,
  );
  const args = ['--strategy', `${file},ema-cross`];
  const fast = (await replay(dir, ...args)) as Replayed & { intents: Record<string, number> };
  const paced = (await replay(dir, '--speed', '100', ...args)) as typeof fast;
  t.ok((fast.intents[file] ?? 0) > 50, JSON.stringify(fast.intents));
  t.type(fast.intents['ema-cross'], 'number');
  t.same(paced.intents, fast.intents);
  const unknown = await run('replay', dir, '--strategy', 'nobody');
  t.same([unknown.exitCode, unknown.error().code], [2, 'STRATEGY_UNKNOWN']);
});

t.test(
  'without a product list, decimals are the finest that a frame has used: nothing is refused',
  async (t) => {
    const dir = await imported(t, join(COINBASE, `${CAPTURE}.jsonl.gz`), '--venue', 'coinbase');
    const played = await replay(dir);
    t.same(played.rejects, {});
    t.ok(played.ticks > 1_000);
  },
);

t.test('--from starts near a time, by the index', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir, TICK_INFO);
  for (let number = 0; number < 5_000; number++) writer.appendTick(tickOf(number), 0);
  writer.close();
  // A tick every microsecond: four of five thousand.
  const whole = await replay(dir);
  const late = await replay(dir, '--from', '4ms');
  t.equal(whole.ticks, 5_000);
  t.ok(late.ticks >= 1_000 && late.ticks < 1_100, `${late.ticks}`);
});

t.test(
  'a damaged recording: the rest is delivered, what is lost is told, exit code 1',
  async (t) => {
    const dir = tempDir(t);
    const writer = writerIn(dir, TICK_INFO);
    for (let number = 0; number < 1_000; number++) writer.appendTick(tickOf(number), 0);
    writer.close();
    const path = join(dir, '000001.twr');
    const bytes = readFileSync(path);
    const bent = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    bent[at] = (bent[at] as number) ^ 4;
    writeFileSync(path, bent);
    const damaged = await run('replay', dir, '--json');
    t.equal(damaged.exitCode, 1);
    const error = damaged.error();
    t.equal(error.code, 'RECORDING_CORRUPT');
    const told = JSON.parse(damaged.stdout) as Replayed;
    t.equal(told.damage.length, 1);
    const { firstLost, lastLost, segment } = told.damage[0] as Replayed['damage'][number];
    t.equal(segment, '000001.twr');
    t.equal(told.ticks, 1_000 - ((lastLost ?? 0) - (firstLost ?? 0) + 1));
    t.match(error.message, `records from ${firstLost} to ${lastLost} are lost`);
    writeFileSync(path, bytes.subarray(0, at));
    const cut = await run('replay', dir, '--json');
    t.equal(cut.exitCode, 1);
    const rest = JSON.parse(cut.stdout) as Replayed;
    t.ok(rest.ticks > 400 && rest.ticks < 600);
    t.match(rest.damage, [{ firstLost: rest.ticks, lastLost: null }]);
    writeFileSync(path, bytes.subarray(0, 30));
    const nothing = await run('replay', dir, '--json');
    t.equal(nothing.exitCode, 1);
    t.equal(nothing.error().code, 'RECORDING_CORRUPT');
    t.equal(nothing.stdout, '');
  },
);

t.test('wrong usage is told at once, and nothing is half-written', async (t) => {
  const dir = tempDir(t);
  const capture = join(COINBASE, `${CAPTURE}.jsonl.gz`);
  const cut = join(dir, 'cut.jsonl');
  writeFileSync(cut, fixtureLines(3) + '{"n": 3, "recv_ns": "17');
  const cases: readonly (readonly [string, number, readonly string[]])[] = [
    ['CONFIG_INVALID', 2, ['import', '--fsync', 'x']],
    ['CONFIG_INVALID', 2, ['replay', '--speed', '-1']],
    ['CONFIG_INVALID', 2, ['replay', dir, 'two']],
    ['VENUE_UNKNOWN', 2, ['import', capture, '--venue', 'nowhere', '--out', join(dir, 'a')]],
    [
      'RECORDING_UNREADABLE',
      2,
      ['import', join(dir, 'none'), '--venue', 'coinbase', '--out', join(dir, 'a')],
    ],
    ['RECORDING_CORRUPT', 2, ['import', cut, '--venue', 'coinbase', '--out', join(dir, 'a')]],
    ['RECORDING_UNREADABLE', 2, ['replay', join(dir, 'none')]],
    ['RECORDING_UNREADABLE', 2, ['replay', dir]],
  ];
  for (const [code, exitCode, args] of cases) {
    const program = await run(...args);
    t.equal(program.exitCode, exitCode, `${code}: ${program.stderr}`);
    t.equal(program.error().code, code, program.error().message);
  }
  t.match(
    (await run('import', cut, '--venue', 'coinbase', '--out', join(dir, 'a'))).stderr,
    /line 4/,
  );
  t.same(readdirSync(dir), ['cut.jsonl'], 'no directory was made');
  const ticks = join(dir, 'ticks');
  const writer = writerIn(ticks, TICK_INFO);
  writer.appendTick(tickOf(1), 0);
  writer.close();
  const frames = await run('replay', ticks, '--frames', join(dir, 'frames.jsonl'));
  t.equal(frames.error().code, 'USAGE', 'a recording of ticks has no frames');
});

function fixtureLines(count: number): string {
  const text = gunzipSync(fixtureBytes(`${CAPTURE}.jsonl.gz`)).toString('utf8');
  return `${text.split('\n').slice(0, count).join('\n')}\n`;
}

t.test('a frame that no feed understands is counted, and the rest is played', async (t) => {
  const dir = tempDir(t);
  const writer = writerIn(dir);
  for (let number = 0; number < 5; number++) writer.appendFrame(frameOf(number));
  writer.close();
  const played = await replay(dir);
  t.same([played.frames, played.ticks], [5, 0]);
  t.same(played.rejects, { FRAME_MALFORMED: 5 });
});
