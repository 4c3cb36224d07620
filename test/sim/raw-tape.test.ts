/** Captures played as they are: frames byte for byte at any venue, and recorded bodies for those who ask their path. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { RawTape, readRawTape } from '#src/sim/raw-tape.js';
import { Stream, startVenue, tempDir, until } from './venue-client.js';

interface Line {
  readonly dir: string;
  readonly raw: string;
  readonly url?: string;
}

function write(t: Test, lines: readonly Line[]): string {
  const path = join(tempDir(t), 'raw.jsonl');
  const text = lines.map(({ dir, raw, url = null }, n) =>
    JSON.stringify({ n, recv_ns: String(10n ** 18n + BigInt(n) * 1_000_000n), dir, url, raw }),
  );
  writeFileSync(path, `${text.join('\n')}\n`);
  return path;
}

const DEPTH = 'https://api.example.com/api/v3/depth';

t.test('a body is for its path and symbol, each in turn, the last one again', (t) => {
  const tape = readRawTape(
    write(t, [
      { dir: 'in', raw: 'x' },
      { dir: 'http', url: `${DEPTH}?symbol=BTCUSDT&limit=1000`, raw: 'btc 1' },
      { dir: 'http', url: `${DEPTH}?symbol=ETHUSDT&limit=1000`, raw: 'eth 1' },
      { dir: 'http', url: `${DEPTH}?symbol=BTCUSDT&limit=1000`, raw: 'btc 2' },
      { dir: 'http', url: 'https://api.example.com/0/public/AssetPairs', raw: 'pairs' },
      { dir: 'out', raw: 'not played' },
    ]),
  );
  const ask = (query: string): string | null => tape.answer('/api/v3/depth', query);
  t.equal(ask('symbol=BTCUSDT&limit=5000'), 'btc 1', 'how much is asked for does not matter');
  t.equal(ask('symbol=ETHUSDT'), 'eth 1');
  t.equal(ask('symbol=BTCUSDT&limit=1000'), 'btc 2');
  t.equal(ask('symbol=BTCUSDT&limit=1000'), 'btc 2');
  t.equal(ask('symbol=XRPUSDT'), null, 'another symbol has none');
  t.equal(tape.answer('/0/public/AssetPairs', 'pair=XBTUSD'), 'pairs');
  t.equal(tape.answer('/0/public/Depth', ''), null);
  t.end();
});

t.test('a book without address answers whoever asks for depth', (t) => {
  const body = '{"lastUpdateId":7,"bids":[],"asks":[]}';
  const tape = readRawTape(
    write(t, [
      { dir: 'in', raw: 'x' },
      { dir: 'http', raw: body },
      { dir: 'http', raw: '{"other":1}' },
    ]),
  );
  t.equal(tape.answer('/api/v3/depth', 'symbol=BTCUSDT'), body);
  t.equal(tape.answer('/fapi/v1/depth', ''), body);
  t.equal(tape.answer('/api/v3/time', ''), null);
  t.equal(new RawTape([], []).answer('/api/v3/depth', ''), null);
  t.end();
});

t.test('any venue plays a capture byte for byte, and answers what was recorded', async (t) => {
  const frames = ['{"channel":"status","data":[{"é":1e-8}]}', '{"n":  2 }', '[1,"x"]'];
  const url = 'https://api.kraken.com/0/public/AssetPairs';
  const rawPath = write(t, [
    ...frames.map((raw) => ({ dir: 'in', raw })),
    { dir: 'http', url, raw: '{"error":[],"result":{}} ' },
  ]);
  const venue = await startVenue(t, { venue: 'kraken', rawPath, speed: 100 });
  const answer = await fetch(`${venue.listening.rest}/0/public/AssetPairs?pair=XBTUSD`);
  t.equal(await answer.text(), '{"error":[],"result":{}} ');
  for (let client = 0; client < 2; client++) {
    const stream = await Stream.open(t, venue.listening.ws);
    stream.send({ method: 'subscribe', params: { channel: 'book' } });
    await until(() => (stream.texts.length >= 3 ? true : undefined), 'the frames');
    t.same(stream.texts, frames, `client ${client}`);
  }
});
