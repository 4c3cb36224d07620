/** sqlite-store: real files. What was committed is there after any end; what is damaged is refused and left alone. */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openSqlite } from '#src/runtime/sqlite.js';
import { CoreRecord, EventKind } from '#src/domain/core-record.js';
import { codeIndex, ERROR_CODES, TickwireError } from '#src/domain/errors.js';
import { OrderState } from '#src/domain/order.js';
import {
  setEventCumSizeMantissaBig,
  setEventFeeMantissaBig,
  setEventPriceMantissaBig,
  setEventSizeMantissaBig,
  setEventValueMantissaBig,
  writeEvent,
} from '#src/generated/hot.js';
import {
  beginRun,
  openDataDir,
  SqliteJournalWriter,
  SqliteStoreReader,
} from '#src/journal/sqlite-store.js';
import { BTC, ETH, RecordSource, RUN_EPOCH_NS, runOptions, sourceOf } from './records.js';

const ORDER = 4_294_967_296 + 1;

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TickwireError) return error.code;
    throw error;
  }
  return 'no error';
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no error';
}

/** Of everything that says something: SQLite's index of its log (-shm) and an empty log do not. */
function hashOfDir(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).sort()) {
    const bytes = readFileSync(join(dir, name));
    if (!name.endsWith('-shm') && bytes.length > 0) hash.update(name).update(bytes);
  }
  return hash.digest('hex');
}

t.test('a new journal begins with run 1, seq 1 and an install id of six characters', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const start = beginRun(path, runOptions());
  t.equal(start.run, 1);
  t.equal(start.nextSeq, 1);
  t.match(start.installId, /^[a-z0-9]{6}$/);
  t.strictSame(start.instruments, [BTC]);
  const again = beginRun(path, runOptions());
  t.equal(again.run, 2);
  t.equal(again.installId, start.installId);
  t.end();
});

t.test('orders, history, fills and positions say what the records say', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  source.record(EventKind.RunStarted, { aux: run });
  source.openOrder(ORDER);
  source.fill(ORDER, 71, OrderState.PartiallyFilled, { flags: 4 });
  source.fill(ORDER, 72, OrderState.Filled, { priceMantissa: 6_508_368 });
  source.record(EventKind.PositionChanged, {
    sizeMantissa: 100_000,
    valueMantissa: 650_836_750_000,
    priceMantissa: 6_508_367,
    cumSizeMantissa: -12,
    feeMantissa: 3_254_184,
  });
  source.record(EventKind.BalanceChanged, { aux: 0, valueMantissa: 100_000 });
  source.record(EventKind.BalanceChanged, {
    aux: 1,
    valueMantissa: -1,
    sizeMantissa: 9_900_000_000,
  });
  source.openOrder(ORDER + 1);
  const refused = source.record(EventKind.VenueRejected, {
    orderSeq: ORDER + 1,
    reason: codeIndex('VENUE_INSUFFICIENT_FUNDS'),
  });
  source.text(3, refused, ORDER + 1, 'Insufficient balance in source account');
  source.record(EventKind.OrderChanged, {
    orderSeq: ORDER + 1,
    state: OrderState.Rejected,
    reason: codeIndex('VENUE_INSUFFICIENT_FUNDS'),
    refSeq: refused,
  });
  source.openOrder(ORDER + 2);
  source.record(EventKind.Discrepancy, { reason: codeIndex('RECONCILE_BALANCE') });
  t.ok(writer.commit() > 0);
  t.equal(writer.pendingCount, 0);

  const reader = new SqliteStoreReader(path);
  t.teardown(() => {
    reader.close();
    writer.close();
  });
  t.equal(reader.lastSeq(), source.seq);
  const [open] = reader.openOrders();
  t.equal(reader.openOrders().length, 1);
  t.match(open, { orderSeq: ORDER + 2, state: 'Open', venueOrderId: `venue-${String(ORDER + 2)}` });
  const [, rejected, filled] = reader.orders({ limit: 10 });
  t.match(rejected, {
    state: 'Rejected',
    reason: 'VENUE_INSUFFICIENT_FUNDS',
    message: 'Insufficient balance in source account',
    isOpen: false,
    avgPrice: null,
  });
  t.match(filled, {
    orderSeq: ORDER,
    run: 1,
    venue: 'coinbase',
    symbol: 'BTC-USD',
    strategy: 'ema-cross',
    clientOrderId: `abc123${String(ORDER)}`,
    venueOrderId: `venue-${String(ORDER)}`,
    side: 'buy',
    type: 'limit',
    timeInForce: 'GTC',
    isAdopted: false,
    price: '65083.67',
    size: '0.001',
    filledSize: '0.001',
    avgPrice: '65083.675',
    cost: '65.083675',
    fees: '0.0003254184',
    fillCount: 2,
    state: 'Filled',
    isOpen: false,
    reason: 'OK',
  });
  t.strictSame(
    reader.orderEvents(ORDER).map((event) => event.event),
    [
      'OrderSend',
      'VenueAccepted',
      'OrderChanged',
      'VenueFill',
      'FillApplied',
      'OrderChanged',
      'VenueFill',
      'FillApplied',
      'OrderChanged',
    ],
  );
  t.match(
    reader.orderEvents(ORDER + 1).find((event) => event.event === 'VenueRejected'),
    { message: 'Insufficient balance in source account', reason: 'VENUE_INSUFFICIENT_FUNDS' },
  );
  const fills = reader.fills({ limit: 10 });
  t.equal(fills.length, 2);
  t.match(fills[1], {
    venueFillId: 'fill-71',
    clientOrderId: `abc123${String(ORDER)}`,
    side: 'buy',
    price: '65083.67',
    size: '0.0005',
    fee: '0.0001627092',
    isMaker: true,
    venueNs: String(RUN_EPOCH_NS - 5_000_000_000n),
  });
  t.match(fills[0], { venueFillId: 'fill-72', isMaker: false, price: '65083.68' });
  const [older, younger] = [fills[1]?.fillSeq ?? 0, fills[0]?.fillSeq ?? 0];
  t.strictSame(
    reader.fills({ limit: 10, afterSeq: older }).map((row) => row.fillSeq),
    [younger],
  );
  t.strictSame(
    reader.fills({ limit: 10, beforeSeq: younger }).map((row) => row.fillSeq),
    [older],
  );
  t.equal(reader.lastFillVenueNs('coinbase'), RUN_EPOCH_NS - 5_000_000_000n);
  t.equal(reader.lastFillVenueNs('kraken'), null);
  t.match(reader.positions(), [
    {
      venue: 'coinbase',
      symbol: 'BTC-USD',
      size: '0.001',
      cost: '65.083675',
      avgEntryPrice: '65083.67',
      realizedPnl: '-0.0000000012',
      fees: '0.0003254184',
    },
  ]);
  t.match(reader.balances(), [
    { currency: 'BTC', total: '0.001' },
    { currency: 'USD', total: '-0.0000000001' },
  ]);
  t.end();
});

t.test('money beyond 2^53 is kept to the last digit', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  // 99,999,999.99 for 123,456.78901234 BTC: the cost has 24 digits.
  const price = 9_999_999_999n;
  const size = 12_345_678_901_234n;
  const big = new RecordSource((i32, base) => {
    setEventPriceMantissaBig(i32, base, price);
    setEventSizeMantissaBig(i32, base, size);
    setEventFeeMantissaBig(i32, base, 9_223_372_036_854_775_807n);
    setEventValueMantissaBig(i32, base, -9_223_372_036_854_775_808n);
    setEventCumSizeMantissaBig(i32, base, 9_007_199_254_740_993n);
    writer.append(i32, base);
  });
  source.openOrder(ORDER);
  big.seq = source.seq;
  big.record(EventKind.FillApplied, {
    orderSeq: ORDER,
    fillKey: Number.MAX_SAFE_INTEGER,
    refSeq: 1,
  });
  big.record(EventKind.PositionChanged);
  writer.commit();
  // A second batch adds to what is read back from the table.
  big.record(EventKind.FillApplied, { orderSeq: ORDER, fillKey: 5, refSeq: 1 });
  writer.commit();
  writer.close();
  const second = new SqliteJournalWriter({ path, run });
  const later = new RecordSource((i32, base) => {
    setEventPriceMantissaBig(i32, base, price);
    setEventSizeMantissaBig(i32, base, size);
    setEventFeeMantissaBig(i32, base, 1n);
    second.append(i32, base);
  }, big.seq + 1);
  later.record(EventKind.FillApplied, { orderSeq: ORDER, fillKey: 6, refSeq: 1 });
  second.commit();
  second.close();

  const reader = new SqliteStoreReader(path);
  t.teardown(() => {
    reader.close();
  });
  const order = reader.openOrders()[0];
  t.equal(order?.filledSize, '370370.36703702');
  t.equal(order?.cost, plain(price * size * 3n, 10));
  t.equal(order?.fees, plain(9_223_372_036_854_775_807n * 2n + 1n, 10));
  t.equal(order?.avgPrice, '99999999.99');
  t.match(reader.positions()[0], {
    cost: '-922337203.6854775808',
    realizedPnl: '900719.9254740993',
    fees: '922337203.6854775807',
  });
  const raw = openSqlite(path, { readonly: true });
  t.equal(
    raw.prepare('SELECT fill_key FROM fills ORDER BY fill_seq').pluck().safeIntegers().get(),
    9_007_199_254_740_991n,
  );
  raw.close();
  t.end();
});

/** Decimal text by padding, as an oracle of its own. */
function plain(mantissa: bigint, scale: number): string {
  const digits = mantissa.toString().padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, '');
}

t.test('an order of the venue that the journal did not know gets its ids and its row', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  const seen = source.record(EventKind.ReconcileOrder, { orderSeq: ORDER });
  source.text(1, seen, ORDER, 'venue-x');
  source.text(2, seen, ORDER, 'client-x');
  source.record(EventKind.OrderChanged, {
    orderSeq: ORDER,
    state: OrderState.Open,
    side: 2,
    orderType: 1,
    timeInForce: 1,
    priceMantissa: 7_000_000,
    sizeMantissa: 1,
    flags: 16,
    refSeq: seen,
  });
  writer.commit();
  const reader = new SqliteStoreReader(path);
  t.match(reader.openOrders(), [
    {
      isAdopted: true,
      venueOrderId: 'venue-x',
      clientOrderId: 'client-x',
      side: 'sell',
      price: '70000',
      size: '0.00000001',
    },
  ]);
  reader.close();
  writer.close();
  t.end();
});

t.test(
  'inputs of all runs come back in order, with their reasons in this version of the code table',
  (t) => {
    const path = join(t.testdir(), 'journal.sqlite');
    const first = beginRun(path, runOptions());
    const writer = new SqliteJournalWriter({ path, run: first.run });
    const source = sourceOf(writer);
    source.record(EventKind.RunStarted, { aux: first.run });
    source.openOrder(ORDER);
    source.record(EventKind.VenueRejected, {
      orderSeq: ORDER,
      reason: codeIndex('VENUE_POST_ONLY'),
      priceMantissa: -77,
    });
    writer.commit();
    writer.endRun('ended', RUN_EPOCH_NS + 9n);
    writer.close();
    // As if the first run had been a version with another order of codes.
    const raw = openSqlite(path);
    const shifted = ['NEW_IN_FRONT', ...ERROR_CODES];
    raw.prepare('UPDATE runs SET codes = ?').run(JSON.stringify(shifted));
    raw.close();

    const second = beginRun(path, runOptions({ startedNs: RUN_EPOCH_NS * 2n }));
    t.equal(second.nextSeq, source.seq + 1);
    const next = new SqliteJournalWriter({ path, run: second.run });
    const later = sourceOf(next, second.nextSeq);
    later.record(EventKind.RunStarted, { aux: second.run });
    later.record(EventKind.Mark, {
      priceMantissa: Number.MAX_SAFE_INTEGER,
      valueMantissa: -Number.MAX_SAFE_INTEGER,
    });
    later.record(EventKind.OrderChanged, { orderSeq: ORDER, state: OrderState.Open });
    later.record(EventKind.VenueRejected, { reason: codeIndex('VENUE_SIZE') });
    next.commit();
    next.close();

    const reader = new SqliteStoreReader(path);
    t.teardown(() => {
      reader.close();
    });
    const inputs: Record<string, number>[] = [];
    for (const record of reader.readInputs())
      inputs.push(Object.fromEntries(Object.entries(record)));
    t.strictSame(
      inputs.map((record) => record['kind']),
      [
        EventKind.RunStarted,
        EventKind.Intent,
        EventKind.VenueAccepted,
        EventKind.VenueRejected,
        EventKind.RunStarted,
        EventKind.Mark,
        EventKind.VenueRejected,
      ],
    );
    t.match(inputs[3], {
      reason: codeIndex('VENUE_POST_ONLY') - 1,
      priceMantissa: -77,
      orderSeq: ORDER,
    });
    t.match(inputs[5], {
      priceMantissa: Number.MAX_SAFE_INTEGER,
      valueMantissa: -Number.MAX_SAFE_INTEGER,
      nowNs: (source.seq + 2) * 1000,
    });
    t.match(inputs[6], { reason: codeIndex('VENUE_SIZE') });
    t.equal([...reader.readInputs(source.seq)].length, 3);
    t.match(reader.runs(10), [
      { run: 2, exitState: 'running', endedNs: null, firstSeq: source.seq + 1 },
      {
        run: 1,
        exitState: 'ended',
        endedNs: String(RUN_EPOCH_NS + 9n),
        startedNs: String(RUN_EPOCH_NS),
      },
    ]);
    t.end();
  },
);

t.test('a run that was killed is called lost when the next one begins', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  beginRun(path, runOptions());
  beginRun(path, runOptions());
  const reader = new SqliteStoreReader(path);
  t.strictSame(
    reader.runs(10).map((row) => row.exitState),
    ['running', 'lost'],
  );
  reader.close();
  t.end();
});

t.test('instruments keep their index whatever the order of a later configuration', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  beginRun(path, runOptions({ instruments: [BTC, ETH] }));
  const { instruments } = beginRun(
    path,
    runOptions({
      instruments: [
        { ...ETH, index: 0, lotMantissa: 7 },
        { ...BTC, index: 1, venue: 'kraken' },
      ],
    }),
  );
  t.strictSame(
    instruments.map(({ index, venue, symbol, isTradable }) => ({
      index,
      venue,
      symbol,
      isTradable,
    })),
    [
      { index: 0, venue: 'coinbase', symbol: 'BTC-USD', isTradable: false },
      { index: 1, venue: 'coinbase', symbol: 'ETH-USD', isTradable: true },
      { index: 2, venue: 'kraken', symbol: 'BTC-USD', isTradable: true },
    ],
  );
  t.equal(instruments[1]?.lotMantissa, 7);
  t.end();
});

t.test('an instrument whose scales have changed is refused and no run begins', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  beginRun(path, runOptions());
  const work = (): unknown =>
    beginRun(path, runOptions({ instruments: [{ ...BTC, priceScale: 3 }] }));
  t.equal(codeOf(work), 'INSTRUMENT_CHANGED');
  t.match(messageOf(work), 'coinbase BTC-USD has price scale 3');
  const reader = new SqliteStoreReader(path);
  t.equal(reader.runs(10).length, 1);
  reader.close();
  t.end();
});

t.test('a record out of sequence is a bug and nothing of its batch is written', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  source.openOrder(ORDER);
  writer.commit();
  const committed = source.seq;
  source.fill(ORDER, 1, OrderState.Filled);
  source.seq++;
  source.record(EventKind.Mark);
  t.throws(() => writer.commit(), /journal seq follows: seq=\d+, lastSeq=\d+/);
  t.throws(() => writer.commit(), /has not failed before/, 'a writer that failed writes no more');
  writer.close();
  const reader = new SqliteStoreReader(path);
  t.equal(reader.lastSeq(), committed);
  t.equal(reader.fills({ limit: 1 }).length, 0);
  t.equal(reader.openOrders()[0]?.filledSize, '0');
  reader.close();
  t.end();
});

t.test('a fill that was applied twice is refused by the database itself', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  source.openOrder(ORDER);
  source.fill(ORDER, 1, OrderState.PartiallyFilled);
  source.fill(ORDER, 1, OrderState.Filled);
  t.equal(
    codeOf(() => writer.commit()),
    'JOURNAL_FAILED',
  );
  writer.close();
  t.end();
});

t.test('journal rows can be neither changed nor deleted', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const source = sourceOf(writer);
  source.openOrder(ORDER);
  writer.commit();
  writer.close();
  const raw = openSqlite(path);
  for (const sql of [
    'UPDATE journal SET now_ns = 0',
    'DELETE FROM journal',
    `UPDATE journal_text SET text = ''`,
    'DELETE FROM journal_text',
  ]) {
    t.throws(() => raw.exec(sql), /append-only/, sql);
  }
  raw.close();
  t.end();
});

t.test('the commit word of the ring does not reach the disk', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  const { run } = beginRun(path, runOptions());
  const writer = new SqliteJournalWriter({ path, run });
  const words = new Int32Array(64).fill(-1);
  const record = new CoreRecord();
  record.reset(EventKind.Mark);
  record.seq = 1;
  writeEvent(words, 32, record);
  writer.append(words, 32);
  writer.commit();
  writer.close();
  const raw = openSqlite(path, { readonly: true });
  const blob = raw.prepare('SELECT record FROM journal').pluck().get() as Buffer;
  raw.close();
  t.equal(blob.length, 128);
  t.equal(blob.readInt32LE(124), 0);
  t.end();
});

t.test('a database of a newer version is refused and not touched', (t) => {
  const dir = t.testdir();
  const path = join(dir, 'journal.sqlite');
  beginRun(path, runOptions());
  const raw = openSqlite(path);
  raw.pragma('user_version = 999');
  raw.pragma('wal_checkpoint(TRUNCATE)');
  raw.close();
  const before = hashOfDir(dir);
  t.equal(
    codeOf(() => beginRun(path, runOptions())),
    'DATABASE_NEWER',
  );
  t.match(
    messageOf(() => beginRun(path, runOptions())),
    /version 999, this program knows versions up to \d+/,
  );
  t.equal(
    codeOf(() => new SqliteStoreReader(path)),
    'DATABASE_NEWER',
  );
  t.equal(hashOfDir(dir), before);
  t.end();
});

t.test('a damaged database is refused with one sentence and not touched', async (t) => {
  const makers: Record<string, (path: string) => void> = {
    'text instead of a database': (path) => {
      writeFileSync(
        path,
        'this is not a database, only a text that is long enough to be read as a header'.repeat(20),
      );
    },
    'a file cut in half': (path) => {
      truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096);
    },
    'a file cut inside a page': (path) => {
      truncateSync(path, statSync(path).size - 1000);
    },
    'a page of noise': (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0xa5, 4096 * 2, 4096 * 3);
      writeFileSync(path, bytes);
    },
    'a database of somebody else': (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0, 68, 72);
      writeFileSync(path, bytes);
    },
  };
  for (const [name, damage] of Object.entries(makers)) {
    await t.test(name, (t) => {
      const dir = t.testdir();
      const path = join(dir, 'journal.sqlite');
      const { run } = beginRun(path, runOptions());
      const writer = new SqliteJournalWriter({ path, run });
      const source = sourceOf(writer);
      for (let n = 0; n < 200; n++) source.openOrder(ORDER + n);
      writer.commit();
      writer.close();
      damage(path);
      const before = hashOfDir(dir);
      t.equal(
        codeOf(() => beginRun(path, runOptions())),
        'DATABASE_CORRUPT',
      );
      t.match(
        messageOf(() => beginRun(path, runOptions())),
        /^The journal .* is damaged \(.*\): .*\.$/,
      );
      t.equal(hashOfDir(dir), before);
      t.end();
    });
  }
});

t.test('a creation that was killed before its first transaction is begun again', (t) => {
  const path = join(t.testdir(), 'journal.sqlite');
  writeFileSync(path, '');
  t.equal(beginRun(path, runOptions()).run, 1);
  t.end();
});

t.test('a data directory has one owner at a time', (t) => {
  const dir = join(t.testdir(), 'a', 'b');
  const first = openDataDir(dir);
  t.ok(existsSync(dir));
  t.equal(first.journalPath, join(dir, 'journal.sqlite'));
  t.equal(
    codeOf(() => openDataDir(dir)),
    'DATA_DIR_LOCKED',
  );
  t.match(
    messageOf(() => openDataDir(dir)),
    `Another engine uses the data directory ${dir}.`,
  );
  first.release();
  const second = openDataDir(dir);
  second.release();
  t.end();
});

t.test('a data directory that cannot be made or written is refused with its reason', (t) => {
  const dir = t.testdir({ file: 'a file' });
  t.equal(
    codeOf(() => openDataDir(join(dir, 'file', 'below'))),
    'DATA_DIR_UNWRITABLE',
  );
  t.equal(
    codeOf(() => openDataDir(join(dir, 'file'))),
    'DATA_DIR_UNWRITABLE',
  );
  t.match(
    messageOf(() => openDataDir(join(dir, 'file', 'below'))),
    /cannot be created: .*ENOTDIR/,
  );
  t.end();
});

t.test('a writer killed at any moment leaves journal and projections in step', async (t) => {
  const dir = t.testdir();
  const child = fileURLToPath(new URL('./killed-writer.js', import.meta.url));
  let lastSeq = 0;
  for (let round = 0; round < 6; round++) {
    const writer = fork(child, [dir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const exited = new Promise<string | null>((resolve) => {
      writer.once('exit', (_code, signal) => {
        resolve(signal);
      });
    });
    // Killed after a number of commits, between or inside the ones that follow.
    await new Promise<void>((resolve) => {
      writer.on('message', (commits) => {
        if (Number(commits) >= 3 + round * 2) resolve();
      });
    });
    writer.kill('SIGKILL');
    t.equal(await exited, 'SIGKILL');

    const reader = new SqliteStoreReader(join(dir, 'journal.sqlite'));
    const seq = reader.lastSeq();
    t.ok(seq > lastSeq, 'what was committed is there');
    lastSeq = seq;
    const raw = openSqlite(join(dir, 'journal.sqlite'), { readonly: true });
    const count = (sql: string): unknown => raw.prepare(sql).pluck().get();
    t.equal(count('SELECT COUNT(*) FROM journal'), seq, 'no record is missing');
    t.equal(
      count('SELECT COUNT(*) FROM fills'),
      count(`SELECT COUNT(*) FROM journal WHERE kind = ${String(EventKind.FillApplied)}`),
    );
    t.equal(
      count('SELECT COALESCE(SUM(fill_count), 0) FROM orders'),
      count('SELECT COUNT(*) FROM fills'),
    );
    t.equal(
      count('SELECT COUNT(*) FROM orders'),
      count(`SELECT COUNT(*) FROM journal WHERE kind = ${String(EventKind.OrderSend)}`),
    );
    t.equal(raw.pragma('quick_check', { simple: true }), 'ok');
    raw.close();
    reader.close();
  }
  const lock = openDataDir(dir);
  lock.release();
  t.pass('the lock of a killed engine is free');
});
