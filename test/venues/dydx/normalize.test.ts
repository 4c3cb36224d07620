/**
 * Every expected file of dYdX v4, record by record: what is compared elsewhere by kind is compared here whole.
 */
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { fixtureBytes } from './dydx-rig.js';

type Fields = Record<string, unknown>;

async function recordsOf(input: Buffer | string): Promise<Fields[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await normalize({ venue: 'dydx', levels: true, input: Readable.from([input]), output });
  output.end();
  await once(output, 'finish');
  return parsed(Buffer.concat(chunks).toString('utf8'));
}

function parsed(text: string): Fields[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fields);
}

const KINDS = ['trade', 'ticker', 'tob', 'gap', 'level', 'snap'];

for (const name of ['samples_live_frames', 'samples_nautilus_2024_captures', 'samples_tardis']) {
  t.test(`${name} gives the expected records and no others`, async (t) => {
    const expected = parsed(gunzipSync(fixtureBytes(`${name}.expected.jsonl.gz`)).toString('utf8'));
    const records = await recordsOf(fixtureBytes(`${name}.jsonl.gz`));
    const ours = records.filter(({ t: kind }) => KINDS.includes(kind as string));
    t.same(
      ours,
      expected.map((record) => ({ ...record, venue: 'dydx' })),
    );
  });
}

t.test('a book that crosses is printed as it is stated, and its top uncrossed', async (t) => {
  const frame = (message_id: number, contents: object, type = 'channel_data'): string =>
    JSON.stringify({
      type,
      connection_id: 'x',
      message_id,
      id: 'BTC-USD',
      channel: 'v4_orderbook',
      contents,
    });
  const frames = [
    frame(
      1,
      { bids: [{ price: '100', size: '1' }], asks: [{ price: '101', size: '2' }] },
      'subscribed',
    ),
    frame(2, { bids: [['101', '5']] }),
    frame(3, { bids: [['101', '0']] }),
  ];
  const lines = frames.map((raw, n) =>
    JSON.stringify({ n, recv_ns: null, dir: 'in', url: null, raw }),
  );
  const records = await recordsOf(`${lines.join('\n')}\n`);
  t.match(
    records.map(({ line, t: kind, side, price, size, bid, ask }) => ({
      line,
      kind,
      side,
      price,
      size,
      bid,
      ask,
    })),
    [
      { line: 0, kind: 'snap' },
      { line: 0, kind: 'tob', bid: ['100', '1'], ask: ['101', '2'] },
      { line: 1, kind: 'level', side: 'bid', price: '101', size: '5' },
      { line: 1, kind: 'level', side: 'ask', price: '101', size: '0' },
      { line: 1, kind: 'tob', bid: ['101', '5'], ask: null },
      { line: 2, kind: 'level', side: 'bid', price: '101', size: '0' },
      { line: 2, kind: 'level', side: 'ask', price: '101', size: '2' },
      { line: 2, kind: 'tob', bid: ['100', '1'], ask: ['101', '2'] },
    ],
  );
});
