#!/usr/bin/env node
/**
 * main: parses the command line and hands over to commands/; nothing else. `tickwire --help` is its documentation,
 * exit codes and shapes are in docs/cli.md.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { endWithError } from './commands/end-with-error.js';
import { CommandLine } from './commands/command-line.js';

const version = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const FSYNC_POLICIES = ['none', 'segment', 'block'];

const program = new Command('tickwire')
  .description('A low-latency crypto trading engine: live feeds, shared-memory rings, one core.')
  .version(version)
  .showHelpAfterError(false)
  .exitOverride()
  .configureOutput({ writeErr: () => undefined });

/** Adds what every command has in common: unknown options are collected, not fatal one by one. */
function command(name: string, sentence: string): Command {
  return program
    .command(name)
    .description(sentence)
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride();
}

command('run', 'Trades: by default on paper, against embedded venues that replay a real market.')
  .option('--config <file>', 'JSON file with settings (docs/configuration.md)')
  .option('--for <duration>', 'end the run after this long: 500ms, 10s, 5m, 2h')
  .option('--summary <format>', 'print one object at the end; the only format is json')
  .option('--data-dir <dir>', 'journal, API key, paper accounts (default: tickwire-data)')
  .option('--fresh', 'forget the data directory: journal and paper accounts start anew')
  .option('--port <port>', 'API and dashboard on 127.0.0.1; 0: any free port (default: 3000)')
  .option(
    '--venues <list>',
    'venues to connect to, by comma; orders go to coinbase (default: coinbase)',
  )
  .option('--symbols <list>', 'BASE-QUOTE or venue:BASE-QUOTE, by comma (default: BTC-USD)')
  .option('--sim <urls>', 'REST addresses of running simulators instead of embedded ones')
  .option('--recording <file>', 'what the embedded venues play (default: the shipped recording)')
  .option('--speed <times>', 'how fast they play it, times real time (default: 1)')
  .option('--strategy <list>', 'strategies by name or file, by comma (default: ema-cross)')
  .option('--param <list>', 'strategy parameters: ema-cross.fastTrades=10,…')
  .option('--wallet <kind>', 'none (hardware wallets come with a later version)')
  .option('--threads <mode>', 'auto, compact or spread (default: auto)')
  .option('--wait <mode>', 'auto, spin, yield or park (default: auto)')
  .option('--log-level <level>', 'trace, debug, info, warn, error, fatal, silent (default: info)')
  .option('--live', 'real venues; refused until the live risk profile exists')
  .option('--yes-live', 'confirms --live')
  .action(async (_options: unknown, self: Command) => {
    const { run } = await import('./commands/run.js');
    process.exitCode = await run(new CommandLine(self), version);
  });

command(
  'normalize',
  "Decodes captured frames on stdin into one JSON object a line, by ingest's own code.",
)
  .option('--venue <venue>', 'dialect of the frames')
  .option('--depth <levels>', 'book depth where the venue has a choice')
  .option('--levels', 'print every level change and snapshot too')
  .option('--final <file>', 'write the books at the end to this file')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const venue = line.required('venue');
    const depth = line.wholeNumber('depth', 1, 100_000);
    const finalFile = line.text('final');
    const hasLevels = line.flag('levels');
    line.check();
    const { normalize } = await import('./commands/normalize.js');
    process.exitCode = await normalize({
      venue,
      ...(depth === undefined ? {} : { depth }),
      levels: hasLevels,
      ...(finalFile === undefined ? {} : { finalFile }),
      input: process.stdin,
      output: process.stdout,
    });
  });

command(
  'sim',
  "Serves simulators of venues alone, each in the venue's own wire dialect, on this machine.",
)
  .option('--venue <list>', 'venue to simulate; several by comma share one process')
  .option('--port <list>', 'port, one for each venue by comma; 0: any free one (default: 0)')
  .option('--data-dir <dir>', 'keeps accounts, orders, fills and the key (default: in memory)')
  .option('--recording <file>', 'market to play (default: the shipped recording)')
  .option('--raw <file>', 'play captured frames exactly as they are; public side only')
  .option('--speed <times>', 'how fast, times real time (default: 1)')
  .option('--seed <number>', 'seed of everything random (default: 1)')
  .option('--faults <file>', 'JSON list of faults with afterMs, everyMs, jitterMs')
  .option('--taker-bps <bps>', 'fee of a taking fill, hundredths of a per cent (default: 5)')
  .option('--maker-bps <bps>', 'fee of a making fill, hundredths of a per cent (default: 0)')
  .option('--cash <amount>', 'cash of a new account, quote units (default: 10000)')
  .option('--log-level <level>', 'trace, debug, info, warn, error, fatal, silent (default: info)')
  .option('--exit-on-stdin-end', 'end when standard input ends: the simulator dies with its parent')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const options = {
      venues: line.list('venue') ?? [line.required('venue')],
      ports: line.list('port'),
      dataDir: line.text('dataDir'),
      recording: line.text('recording'),
      raw: line.text('raw'),
      speed: line.number('speed'),
      seed: line.wholeNumber('seed', 0, 4_294_967_295),
      faults: line.text('faults'),
      takerBps: line.number('takerBps'),
      makerBps: line.number('makerBps'),
      cash: line.text('cash'),
      logLevel: line.oneOf('logLevel', LOG_LEVELS),
      exitOnStdinEnd: line.flag('exitOnStdinEnd'),
    };
    line.check();
    const { sim } = await import('./commands/sim.js');
    process.exitCode = await sim(options);
  });

command('record', "Records a venue's public market data, as it comes; no key, no trading.")
  .option('--venue <venue>', 'venue to record')
  .option('--symbols <list>', 'instruments, by comma: BTC-USD,ETH-USD')
  .option('--out <dir>', 'directory of the recording; made if need be')
  .option('--for <duration>', 'how long: 30s, 10m, 8h (default: until a signal)')
  .option('--sim <url>', 'REST address of a running simulator instead of the venue')
  .option('--ws-url <url>', "WebSocket address (default: the venue's)")
  .option('--rest-url <url>', "REST address (default: the venue's)")
  .option('--segment-mb <size>', 'size of a segment, MB (default: 64)')
  .option('--segment-for <duration>', 'longest time that one spans (default: no limit)')
  .option('--fsync <policy>', 'none, segment or block: when it is on disk (default: segment)')
  .option('--log-level <level>', 'trace, debug, info, warn, error, fatal, silent (default: info)')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const options = {
      venue: line.required('venue'),
      symbols: line.list('symbols') ?? [line.required('symbols')],
      outDir: line.required('out'),
      durationMs: line.durationMs('for'),
      sim: line.text('sim'),
      wsUrl: line.text('wsUrl'),
      restUrl: line.text('restUrl'),
      segmentBytesMax: (line.wholeNumber('segmentMb', 1, 1_024) ?? 64) * 1_048_576,
      segmentMs: line.durationMs('segmentFor'),
      fsync: (line.oneOf('fsync', FSYNC_POLICIES) ?? 'segment') as 'none' | 'segment' | 'block',
      logLevel: line.oneOf('logLevel', LOG_LEVELS) ?? 'info',
      json: line.flag('json') || !process.stdout.isTTY,
      version,
    };
    for (const name of ['sim', 'wsUrl', 'restUrl'] as const) {
      const url = options[name];
      if (url !== undefined && !URL.canParse(url))
        line.problems.push({ field: `--${name}`, value: url, rule: 'must be a URL' });
    }
    line.check();
    const { record } = await import('./commands/record.js');
    process.exitCode = await record(options);
  });

command('import', 'Makes a recording of captured frames (the format of normalize).')
  .argument('[files...]', 'captures, plain or gzip, read one after the other')
  .option('--venue <venue>', 'dialect of the frames')
  .option('--out <dir>', 'directory of the recording; made if need be')
  .option('--depth <levels>', 'book depth that was subscribed, where the capture does not say it')
  .option('--segment-mb <size>', 'size of a segment, MB (default: 64)')
  .option('--fsync <policy>', 'none, segment or block: when it is on disk (default: segment)')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_words: unknown, _options: unknown, self: Command) => {
    const line = new CommandLine(self, Number.POSITIVE_INFINITY);
    line.word(0, 'FILE');
    const options = {
      files: line.words,
      venue: line.required('venue'),
      outDir: line.required('out'),
      depth: line.wholeNumber('depth', 1, 100_000),
      segmentBytesMax: (line.wholeNumber('segmentMb', 1, 1_024) ?? 64) * 1_048_576,
      fsync: (line.oneOf('fsync', FSYNC_POLICIES) ?? 'segment') as 'none' | 'segment' | 'block',
      json: line.flag('json') || !process.stdout.isTTY,
      version,
    };
    line.check();
    const { importCapture } = await import('./commands/import.js');
    process.exitCode = importCapture(options);
  });

command('replay', 'Plays a recording through the live decoding path and hashes the ticks.')
  .argument('[dir]', 'directory of the recording')
  .option('--speed <times>', 'times real time, or max (default: max)')
  .option('--from <duration>', 'start about so long after its beginning, by the index')
  .option('--strategy <list>', 'strategies that see the ticks, by comma; their intents are counted')
  .option('--ticks <file>', 'write the ticks there, one JSON object a line')
  .option('--frames <file>', 'write the frames there, in the format of captures')
  .option('--out <dir>', 'write the ticks as a recording of ticks')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_words: unknown, _options: unknown, self: Command) => {
    const line = new CommandLine(self, 1);
    const dir = line.word(0, 'DIR');
    const isMax = (line.text('speed') ?? 'max') === 'max';
    const speed = isMax ? Number.POSITIVE_INFINITY : (line.number('speed') ?? Number.NaN);
    if (speed <= 0)
      line.problems.push({ field: '--speed', value: speed, rule: 'must be above 0, or max' });
    const options = {
      dir,
      speed,
      fromMs: line.durationMs('from') ?? 0,
      strategies: line.list('strategy') ?? [],
      ticksFile: line.text('ticks'),
      framesFile: line.text('frames'),
      outDir: line.text('out'),
      json: line.flag('json') || !process.stdout.isTTY,
      version,
    };
    line.check();
    const { replay } = await import('./commands/replay.js');
    process.exitCode = await replay(options);
  });

command('load', 'Loads a push listener with ticks by plan and says how fast they were taken.')
  .option('--target <url>', 'push listener: http://127.0.0.1:PORT (pushPort of the run)')
  .option('--rate <ticks>', 'ticks per second, all publishers together (default: 10000)')
  .option('--for <duration>', 'how long: 500ms, 10s, 5m (default: 10s)')
  .option('--batch <ticks>', 'ticks of a batch (default: 16)')
  .option('--publishers <count>', 'connections; each needs an instrument of its own (default: 1)')
  .option('--key <key>', 'key of the push listener (default: TICKWIRE_PUSH_KEY)')
  .option('--key-file <file>', 'file that holds it: push-key in the data directory')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const target = line.required('target');
    const options = {
      target,
      rate: line.wholeNumber('rate', 1, 100_000_000) ?? 10_000,
      durationMs: line.durationMs('for') ?? 10_000,
      batch: line.wholeNumber('batch', 1, 65_536) ?? 16,
      publishers: line.wholeNumber('publishers', 1, 256) ?? 1,
      json: line.flag('json') || !process.stdout.isTTY,
    };
    if (target !== '' && !URL.canParse(target))
      line.problems.push({ field: '--target', value: target, rule: 'must be a URL' });
    const key = line.text('key');
    const keyFile = line.text('keyFile');
    line.check();
    const { findPushKey, load } = await import('./commands/load.js');
    process.exitCode = await load({ ...options, key: findPushKey(key, keyFile, process.env) });
  });

command('verify-journal', 'Proves a journal: hash chain, replay with the same outputs, tables.')
  .argument('[dir]', 'data directory (default: tickwire-data)')
  .option('--json', 'print JSON even on a terminal')
  .action(async (dir: string | undefined, _options: unknown, self: Command) => {
    const line = new CommandLine(self, 1);
    const json = line.flag('json') || !process.stdout.isTTY;
    line.check();
    const { verifyJournal } = await import('./commands/verify-journal.js');
    process.exitCode = verifyJournal({ dir: dir ?? 'tickwire-data', json });
  });

command('backup', 'Copies the journal of a data directory, also while the engine runs.')
  .option('--data-dir <dir>', 'data directory (default: tickwire-data)')
  .option('--out <file>', 'file to write; must not exist')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const out = line.required('out');
    const dir = line.text('dataDir') ?? 'tickwire-data';
    const json = line.flag('json') || !process.stdout.isTTY;
    line.check();
    const { backup } = await import('./commands/backup.js');
    process.exitCode = await backup({ dir, out, json });
  });

command('restore', 'Puts a backup into a data directory that has no journal.')
  .option('--file <file>', 'the backup')
  .option('--data-dir <dir>', 'data directory (default: tickwire-data)')
  .option('--json', 'print JSON even on a terminal')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const file = line.required('file');
    const dir = line.text('dataDir') ?? 'tickwire-data';
    const json = line.flag('json') || !process.stdout.isTTY;
    line.check();
    const { restore } = await import('./commands/backup.js');
    process.exitCode = await restore({ file, dir, json });
  });

command('doctor', 'Checks the machine: what would stop or slow a run, each with its fix.')
  .option('--json', 'print JSON even on a terminal')
  .option('--data-dir <dir>', 'data directory to check (default: tickwire-data)')
  .option('--port <port>', 'port to check (default: 3000)')
  .action(async (_options: unknown, self: Command) => {
    const line = new CommandLine(self);
    const dataDir = line.text('dataDir') ?? 'tickwire-data';
    const port = line.wholeNumber('port', 0, 65_535) ?? 3000;
    const isJson = line.flag('json') || !process.stdout.isTTY;
    line.check();
    const { doctor } = await import('./commands/doctor.js');
    process.exitCode = await doctor({ json: isJson, dataDir, port });
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = endWithError(program, error);
}
