/**
 * Every expected file of Hyperliquid, record by record, and the final book.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { normalize } from '#src/commands/normalize.js';
import { CAPTURE, fixtureBytes } from './hyperliquid-rig.js';

type Fields = Record<string, unknown>;

const KINDS = ['trade', 'ticker', 'tob', 'gap', 'level', 'snap'];

function parsed(text: string): Fields[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fields);
}

async function recordsOf(name: string, finalFile: string, levels: boolean): Promise<Fields[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const input = Readable.from([fixtureBytes(`${name}.jsonl.gz`)]);
  await normalize({ venue: 'hyperliquid', levels, finalFile, input, output });
  output.end();
  await once(output, 'finish');
  return parsed(Buffer.concat(chunks).toString('utf8'));
}

for (const name of [CAPTURE, 'samples_live_frames', 'samples_tardis']) {
  t.test(`${name} gives the expected records and no others`, async (t) => {
    const expected = parsed(gunzipSync(fixtureBytes(`${name}.expected.jsonl.gz`)).toString('utf8'));
    const finalFile = join(t.testdir(), 'final.json');
    const records = await recordsOf(name, finalFile, true);
    t.same(
      records.filter(({ t: kind }) => KINDS.includes(kind as string)),
      expected,
    );
    const brief = await recordsOf(name, finalFile, false);
    const isBrief = ({ t: kind }: Fields): boolean =>
      kind !== 'snap' && KINDS.includes(kind as string);
    t.same(brief.filter(isBrief), expected.filter(isBrief), 'and without levels');
  });
}

t.test('the final book of the capture', async (t) => {
  const finalFile = join(t.testdir(), 'final.json');
  await recordsOf(CAPTURE, finalFile, false);
  const expected = JSON.parse(fixtureBytes(`${CAPTURE}.final.json`).toString('utf8')) as Fields;
  const ours = JSON.parse(readFileSync(finalFile, 'utf8')) as Fields;
  t.match((ours['books'] as Fields)['BTC'], (expected['books'] as Fields)['BTC']);
});
