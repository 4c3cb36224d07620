/** `tickwire sim` as a program: what it says first, how it ends, what a killed one still knows. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { must } from '#src/domain/assert.js';
import { SHIPPED_RECORDING_PATH } from '#src/sim/recording-file.js';
import { Program, eventually, startSim } from '../harness/program.js';
import { RecordingMaker, RestClient, Stream, tempDir } from '../sim/venue-client.js';
import type { SimulatedVenue } from '#src/sim/simulated-venue.js';

type Reachable = Pick<SimulatedVenue, 'listening' | 'credentials'>;

/** The venue behind a REST address, as a stranger finds it. */
async function reach(rest: string): Promise<Reachable> {
  const endpoints = (await (await fetch(`${rest}/_sim/endpoints`)).json()) as Reachable;
  const answer = await fetch(`${rest}/_sim/credentials`);
  const credentials = (await answer.json()) as Reachable['credentials'];
  return { listening: endpoints.listening, credentials };
}

t.test('the first line says where it listens, and a signal ends it with its code', async (t) => {
  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const { program, rest, ws } = await startSim([]);
    t.teardown(() => program.child.kill('SIGKILL'));
    t.match(rest, /^http:\/\/127\.0\.0\.1:\d+$/);
    t.equal(program.stdout.trim().split('\n').length, 1, 'nothing else on stdout');
    const stream = await Stream.open(t, ws);
    stream.subscribe('level2');
    await stream.frame((frame) => frame.channel === 'l2_data', 'the book');
    const ended = await program.kill(signal);
    t.same(ended, { exitCode, signal: null });
    t.match(program.stderr, /the simulated venue is closed/);
  }
});

t.test('with --exit-on-stdin-end it ends with its parent', async (t) => {
  const { program } = await startSim(['--exit-on-stdin-end']);
  t.teardown(() => program.child.kill('SIGKILL'));
  program.child.stdin?.end();
  t.same(await program.ended(), { exitCode: 0, signal: null });
});

t.test('with --exit-on-stdin-end a signal ends it too', async (t) => {
  const { program } = await startSim(['--exit-on-stdin-end']);
  t.teardown(() => program.child.kill('SIGKILL'));
  t.same(await program.kill('SIGTERM'), { exitCode: 143, signal: null });
});

t.test('what it cannot start with is one clear sentence and exit 2', async (t) => {
  const dir = tempDir(t);
  const cut = join(dir, 'cut.jsonl.gz');
  writeFileSync(cut, readFileSync(SHIPPED_RECORDING_PATH));
  truncateSync(cut, 300_000);
  const plan = join(dir, 'plan.json');
  writeFileSync(plan, '[{"fault": "explode"}, {"fault": "gap", "count": -1}]');
  const list = join(dir, 'list.json');
  writeFileSync(list, '{}');
  const database = join(dir, 'broken');
  mkdirSync(database);
  writeFileSync(join(database, 'venue.sqlite'), 'this is no database '.repeat(500));
  const busy = await startSim([]);
  t.teardown(() => busy.program.child.kill('SIGKILL'));
  const cases: [string[], string, RegExp][] = [
    [['--recording', cut], 'RECORDING_CORRUPT', /cut\.jsonl\.gz is damaged or cut off/],
    [['--recording', join(dir, 'none')], 'RECORDING_UNREADABLE', /cannot read the recording/],
    [['--raw', plan], 'RECORDING_CORRUPT', /no frame that a venue sent/],
    [['--raw', cut, '--recording', cut], 'USAGE', /--raw and --recording/],
    [['--faults', join(dir, 'none')], 'CONFIG_UNREADABLE', /cannot read the fault plan/],
    [['--faults', list], 'CONFIG_INVALID', /is not a list of faults/],
    [['--faults', plan], 'CONFIG_INVALID', /faults\[0\].*explode.*faults\[1\]\.count: -1/],
    [['--speed', '0', '--cash', '1e3'], 'USAGE', /--speed: 0 .*--cash: "1e3"/],
    [['--data-dir', '/proc/nowhere'], 'DATA_DIR_UNWRITABLE', /cannot create the data directory/],
    [['--data-dir', database], 'DATABASE_CORRUPT', /venue\.sqlite is damaged/],
    [['--port', new URL(busy.rest).port], 'PORT_BUSY', /is taken by another program/],
  ];
  for (const [args, code, message] of cases) {
    const program = new Program(['sim', '--venue', 'coinbase', '--exit-on-stdin-end', ...args]);
    t.teardown(() => program.child.kill('SIGKILL'));
    const ended = await program.ended();
    t.equal(ended.exitCode, 2, args.join(' '));
    t.equal(program.error().code, code, args.join(' '));
    t.match(program.error().message, message);
    t.equal(program.stdout, '', 'nothing on stdout');
  }
});

/** `tickwire sim` of several venues: where each of them listens. */
async function startSims(
  t: Test,
  venues: string,
  args: readonly string[] = [],
): Promise<{ readonly program: Program; readonly rest: Readonly<Record<string, string>> }> {
  const program = new Program(['sim', '--venue', venues, '--exit-on-stdin-end', ...args]);
  t.teardown(() => program.child.kill('SIGKILL'));
  const line = await eventually(() => {
    if (!program.isRunning) throw new Error(`the simulator ended: ${program.stderr}`);
    return program.stdout.includes('\n') ? program.stdout.split('\n')[0] : undefined;
  }, 'the simulators to listen');
  const said = JSON.parse(line) as {
    listening: { rest: string };
    venues: Record<string, { rest: string }>;
  };
  const rest: Record<string, string> = {};
  for (const [venue, listening] of Object.entries(said.venues)) rest[venue] = listening.rest;
  t.equal(said.listening.rest, rest[venues.split(',')[0] ?? ''], 'the first one in front');
  return { program, rest };
}

interface TruthBook {
  readonly best_bid: readonly [string, string];
  readonly best_ask: readonly [string, string];
  readonly n_bids: number;
  readonly bids20: readonly (readonly [string, string])[];
  readonly sha256: string;
}

async function booksOf(rest: string | undefined): Promise<Record<string, TruthBook>> {
  const answer = await fetch(`${rest ?? ''}/_sim/truth`);
  return ((await answer.json()) as { books: Record<string, TruthBook> }).books;
}

async function setPaused(rest: string | undefined, isPaused: unknown): Promise<number> {
  const body = JSON.stringify({ isPaused });
  return (await fetch(`${rest ?? ''}/_sim/market`, { method: 'POST', body })).status;
}

t.test('several venues share one process, each with a port and files of its own', async (t) => {
  const dataDir = tempDir(t);
  const { program, rest } = await startSims(t, 'coinbase,kraken', ['--data-dir', dataDir]);
  t.same(Object.keys(rest), ['coinbase', 'kraken']);
  t.not(rest['coinbase'], rest['kraken']);
  for (const venue of ['coinbase', 'kraken']) {
    t.match(await (await fetch(`${rest[venue] ?? ''}/_sim/endpoints`)).json(), {
      venue,
      listening: { rest: rest[venue] },
    });
    t.ok(existsSync(join(dataDir, venue, 'venue.sqlite')), `files of ${venue}`);
  }
  const [bid = 0, other = 0] = await Promise.all(
    ['coinbase', 'kraken'].map(async (venue) => {
      const books = await booksOf(rest[venue]);
      return Number(books['BTC-USD']?.best_bid[0]);
    }),
  );
  t.ok(Math.abs(bid / other - 1) < 1e-3, `about the same price: ${bid} and ${other}`);
  t.same(await program.kill('SIGTERM'), { exitCode: 143, signal: null });

  const ports = Object.values(rest).map((url) => new URL(url).port);
  const again = await startSims(t, 'coinbase,kraken', ['--port', ports.join(',')]);
  t.same(again.rest, rest, 'and it comes back on the ports that it is told');
});

t.test(
  'markets that are paused stand still at every venue of the process, and go on',
  async (t) => {
    const { rest } = await startSims(t, 'coinbase,kraken', ['--speed', '20']);
    t.equal(await setPaused(rest['coinbase'], true), 200);
    const before = await booksOf(rest['kraken']);
    const still = await eventually(async () => {
      const one = await booksOf(rest['kraken']);
      const other = await booksOf(rest['kraken']);
      return one['BTC-USD']?.sha256 === other['BTC-USD']?.sha256 ? other : undefined;
    }, 'two equal looks');
    const book = must(still['BTC-USD'], 'a book');
    t.equal(book.bids20.length, 20);
    t.same(book.bids20[0], book.best_bid);
    t.ok(book.n_bids > 20);
    t.ok(Number(book.best_bid[0]) < Number(book.best_ask[0]));
    t.ok(before['ETH-USD'], 'every instrument has a book');
    t.equal(await setPaused(rest['kraken'], false), 200);
    await eventually(async () => {
      const now = await booksOf(rest['kraken']);
      return now['BTC-USD']?.sha256 === book.sha256 ? undefined : true;
    }, 'the market to go on');
    t.equal(await setPaused(rest['kraken'], 'yes'), 400, 'anything but true or false is refused');
  },
);

t.test('the hash of a book is over all its levels, best first', async (t) => {
  const market = new RecordingMaker()
    .snapshot(
      [
        ['100.00', '5'],
        ['99.50', '1.25'],
      ],
      [['101.00', '5']],
    )
    .depth(0, [], []);
  const { program, rest } = await startSim(['--recording', market.write(t)]);
  t.teardown(() => program.child.kill('SIGKILL'));
  const books = await booksOf(rest);
  t.match(books['BTC-USD'], {
    best_bid: ['100', '5'],
    best_ask: ['101', '5'],
    n_bids: 2,
    n_asks: 1,
    sha256: createHash('sha256').update('b|100|5\nb|99.5|1.25\na|101|5\n').digest('hex'),
  });
});

t.test('wrong lists of venues and ports are said', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--venue', 'coinbase,mtgox'], /--venue: "mtgox" is none of .*coinbase/],
    [['--venue', 'coinbase,coinbase'], /names a venue twice/],
    [['--venue', 'coinbase,kraken', '--port', '0'], /for each of 2 venues/],
    [
      ['--venue', 'coinbase', '--port', '70000'],
      /--port: "70000" is not an integer from 0 to 65535/,
    ],
    [['--venue', 'coinbase,kraken', '--raw', 'x'], /--raw: "x" is a capture of one venue/],
  ];
  for (const [args, message] of cases) {
    const program = new Program(['sim', ...args]);
    t.teardown(() => program.child.kill('SIGKILL'));
    t.equal((await program.ended()).exitCode, 2, args.join(' '));
    t.equal(program.error().code, 'USAGE');
    t.match(program.error().message, message);
  }
});

t.test('an unknown venue is refused by name', async (t) => {
  const program = new Program(['sim', '--venue', 'mtgox']);
  t.equal((await program.ended()).exitCode, 2);
  t.match(program.error().message, /mtgox/);
});

t.test(
  'a killed venue knows every order that it acknowledged, and no trade id comes twice',
  async (t) => {
    const dataDir = tempDir(t);
    const market = new RecordingMaker().snapshot([['100.00', '9']], [['101.00', '9']]);
    for (let index = 0; index < 500; index++) {
      market.depth(index * 10, [['100.00', String(9 + (index % 3))]], []);
      market.trade(index * 10 + 5, '101.00', '0.01', 'BUY');
    }
    const args = ['--data-dir', dataDir, '--recording', market.write(t), '--cash', '1000000'];
    const acknowledged = new Map<string, string>();
    const tradeIds: number[] = [];
    for (let round = 0; round < 3; round++) {
      const { program, rest } = await startSim(args);
      t.teardown(() => program.child.kill('SIGKILL'));
      const venue = await reach(rest);
      const client = new RestClient(venue);
      const stream = await Stream.open(t, venue.listening.ws);
      stream.subscribe('market_trades');
      let isAlive = true;
      const trading = async (): Promise<void> => {
        for (let number = 0; isAlive; number++) {
          const clientOrderId = `${String(round)}-${String(number)}`;
          const order = { sor_limit_ioc: { base_size: '0.01', limit_price: '101' } };
          const body = await client.place('BUY', order, clientOrderId);
          acknowledged.set(clientOrderId, body.success_response.order_id);
        }
      };
      const loops = [trading().catch(() => undefined)];
      await eventually(
        () =>
          acknowledged.size > 30 * (round + 1) && stream.frames.length > 20 ? true : undefined,
        'orders and trades',
      );
      program.child.kill('SIGKILL');
      isAlive = false;
      await Promise.all(loops);
      await program.ended();
      for (const frame of stream.of('market_trades')) {
        for (const trade of frame.events[0].trades) tradeIds.push(Number(trade.trade_id));
      }
    }
    const { program, rest } = await startSim(args);
    t.teardown(() => program.child.kill('SIGKILL'));
    const truth = await new RestClient(await reach(rest)).truth();
    const known = new Map(
      truth.orders.map((order: Record<string, string>) => [order['client_order_id'], order]),
    );
    for (const [clientOrderId, orderId] of acknowledged) {
      t.match(known.get(clientOrderId), { order_id: orderId, status: 'FILLED' });
    }
    t.ok(truth.fillCount >= acknowledged.size);
    const cents = truth.fillCount as number;
    t.equal(
      truth.accounts.BTC.total,
      String(cents / 100),
      'and what it holds is the sum of its fills',
    );
    t.equal(new Set(tradeIds).size, tradeIds.length, 'no public trade id was given twice');
  },
);
