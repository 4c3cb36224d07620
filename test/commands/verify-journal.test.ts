import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '#src/runtime/sqlite.js';
import { Api, eventually, Program } from '../harness/program.js';

const MAIN = new URL('../../main.js', import.meta.url).pathname;

interface Answer {
  readonly status: number | null;
  readonly json: Readonly<Record<string, unknown>>;
}

/** One command of the program, to its end. */
function tickwire(...args: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
  });
  const text = stdout.trim() === '' ? stderr.trim() : stdout.trim();
  return { status, json: JSON.parse(text.split('\n').at(-1) ?? '{}') as Answer['json'] };
}

/** The journal of two runs of the program, the second after a kill. */
async function twoRuns(dir: string): Promise<string> {
  const args = ['run', '--port', '0', '--speed', '10', '--data-dir', dir];
  const first = new Program(args);
  const api = new Api((await first.listening()).port, dir);
  await eventually(async () => {
    const { orders } = (await api.get('/v1/orders')) as { orders: unknown[] };
    return orders.length >= 3 ? true : undefined;
  }, 'three orders');
  await first.kill('SIGKILL');
  const second = new Program([...args, '--for', '3s', '--summary', 'json']);
  await second.ended();
  return join(dir, 'journal.sqlite');
}

t.test(
  'a journal of a killed and an ended run is proved; whatever is changed in it is found',
  async (t) => {
    const root = t.testdir({ engine: {}, copies: {} });
    const dir = join(root, 'engine');
    const path = await twoRuns(dir);
    const whole = tickwire('verify-journal', dir);
    t.equal(whole.status, 0, JSON.stringify(whole.json));
    t.match(whole.json, { ok: true, runs: 2, chain: 'ok', difference: null });
    t.ok(Number(whole.json['outputs']) > 10 && Number(whole.json['snapshots']) >= 1);

    const damages: readonly (readonly [string, string, string])[] = [
      ['a record is changed', 'chain', `UPDATE journal SET record = zeroblob(128) WHERE seq = 5`],
      [
        'a record is gone',
        'chain',
        'DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)',
      ],
      ['a text is changed', 'chain', `UPDATE journal_text SET text = 'other' WHERE text_seq = 2`],
      [
        'a kept hash is another',
        'snapshot',
        `UPDATE runs SET state_hash = 'x' WHERE state_hash IS NOT NULL`,
      ],
      [
        'a fill says another price',
        'table',
        `UPDATE fills SET price = '1' WHERE fill_seq = (SELECT MIN(fill_seq) FROM fills)`,
      ],
      ['a position is missing', 'table', 'DELETE FROM positions'],
    ];
    for (const [name, kind, sql] of damages) {
      const copy = join(root, 'copies', String(damages.findIndex(([other]) => other === name)));
      mkdirSync(copy);
      copyFileSync(path, join(copy, 'journal.sqlite'));
      const db = openSqlite(join(copy, 'journal.sqlite'));
      for (const trigger of db
        .prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
        .pluck()
        .all() as string[]) {
        db.exec(`DROP TRIGGER ${trigger}`);
      }
      db.exec(sql);
      db.close();
      const verdict = tickwire('verify-journal', copy);
      t.equal(verdict.status, 1, name);
      const difference = verdict.json['difference'] as { kind: string };
      t.equal(difference.kind === 'run-end' ? 'snapshot' : difference.kind, kind, name);
    }
  },
);
