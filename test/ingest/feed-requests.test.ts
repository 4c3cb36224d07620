/** feed-requests: bodies that a feed wants, asked for until they come, against a network that the test plays. */
import t from 'tap';
import { FeedRequests } from '#src/ingest/feed-requests.js';
import type { HttpOutcome, HttpRequest, Network } from '#src/ports/network.js';

const MS = 1_000_000;

interface Rig {
  readonly requests: FeedRequests;
  readonly wanted: string[];
  readonly asked: { readonly url: string; readonly answer: (outcome: HttpOutcome) => void }[];
  readonly bodies: string[];
  readonly failures: string[];
}

function rig(): Rig {
  const wanted: string[] = [];
  const asked: Rig['asked'] = [];
  const bodies: string[] = [];
  const failures: string[] = [];
  const network: Network = {
    dial: () => {
      throw new Error('no sockets here');
    },
    request: (request: HttpRequest, done) => {
      asked.push({ url: `${request.method} ${request.url}`, answer: done });
    },
    close: () => undefined,
  };
  const requests = new FeedRequests({
    times: { requestTimeoutMs: 5_000, requestRetryMs: [500, 1_000] },
    network,
    restUrl: 'http://venue',
    take: () => wanted.shift() ?? null,
    done: (path, body) => bodies.push(`${path} ${new TextDecoder().decode(body)}`),
    asked: () => undefined,
    failed: (path, code, detail) => failures.push(`${path} ${code} ${detail}`),
  });
  return { requests, wanted, asked, bodies, failures };
}

const answer = (status: number, body = '', headers: Record<string, string> = {}): HttpOutcome => ({
  ...{ kind: 'answer', status, headers, body },
});

t.test('what the feed wants is fetched once and handed over', async (t) => {
  const r = rig();
  t.equal(r.requests.doWork(0), 0);
  r.wanted.push('/depth?symbol=BTCUSDT');
  t.equal(r.requests.doWork(1), 1);
  t.equal(r.requests.doWork(2), 0, 'it is under way');
  t.equal(r.asked[0]?.url, 'GET http://venue/depth?symbol=BTCUSDT');
  r.asked[0]?.answer(answer(200, '{"ä":1}'));
  t.same(r.bodies, ['/depth?symbol=BTCUSDT {"ä":1}']);
  t.equal(r.requests.count, 0);
});

t.test('it is asked for again until it comes, after growing waits', async (t) => {
  const r = rig();
  r.wanted.push('/a');
  r.requests.doWork(0);
  r.asked[0]?.answer({ kind: 'unknown', message: 'reset' });
  t.equal(r.requests.nextTurnNs, 500 * MS);
  t.equal(r.requests.doWork(499 * MS), 0);
  t.equal(r.requests.doWork(500 * MS), 1);
  r.asked[1]?.answer(answer(500, 'oops'));
  t.equal(r.requests.doWork(1_499 * MS), 0);
  t.equal(r.requests.doWork(1_500 * MS), 1);
  r.asked[2]?.answer(answer(404));
  t.equal(r.requests.doWork(2_500 * MS), 1);
  r.asked[3]?.answer(answer(200, 'x'));
  t.same(r.bodies, ['/a x']);
  t.same(r.failures, [
    '/a FEED_REQUEST_FAILED reset',
    '/a FEED_REQUEST_FAILED HTTP 500: oops',
    '/a FEED_REQUEST_FAILED HTTP 404: ',
  ]);
});

t.test('a venue that says slow down is not asked anything before its time', async (t) => {
  for (const status of [429, 418]) {
    const r = rig();
    r.wanted.push('/a', '/b');
    r.requests.doWork(0);
    r.asked[0]?.answer(answer(status, '', { 'retry-after': '7' }));
    r.asked[1]?.answer(answer(200, 'x'));
    r.wanted.push('/c');
    t.equal(r.requests.doWork(6_999 * MS), 0, 'another body would count as well');
    t.equal(r.requests.doWork(7_000 * MS), 2);
    t.match(r.failures, [/VENUE_RATE_LIMIT/]);
  }
});

t.test('a retry-after that is nonsense or for ever does not stop the feed', async (t) => {
  for (const [value, dueMs] of [
    ['soon', 500],
    ['-5', 500],
    ['1e99', 3_600_000],
  ] as const) {
    const r = rig();
    r.wanted.push('/a');
    r.requests.doWork(0);
    r.asked[0]?.answer(answer(429, '', { 'retry-after': value }));
    t.equal(r.requests.doWork(dueMs * MS), 1, value);
  }
});

t.test('few are under way at a time, the rest waits its turn', async (t) => {
  const r = rig();
  r.wanted.push('/a', '/b', '/c', '/d');
  t.equal(r.requests.doWork(0), 2);
  r.asked[0]?.answer(answer(200, 'x'));
  t.equal(r.requests.doWork(1), 1);
  t.equal(r.asked[2]?.url, 'GET http://venue/c');
});

t.test('what an earlier connection asked for is void', async (t) => {
  const r = rig();
  r.wanted.push('/a');
  r.requests.doWork(0);
  r.requests.forget();
  r.asked[0]?.answer(answer(200, 'old'));
  t.same(r.bodies, []);
  r.wanted.push('/a');
  t.equal(r.requests.doWork(1), 1);
  r.asked[1]?.answer(answer(200, 'new'));
  t.same(r.bodies, ['/a new']);
});

t.test('a body wanted again while it is under way is asked for again', async (t) => {
  const r = rig();
  r.wanted.push('/a');
  r.requests.doWork(0);
  r.wanted.push('/a');
  t.equal(r.requests.doWork(1), 1);
  r.asked[0]?.answer(answer(200, 'older than the wish'));
  r.asked[1]?.answer(answer(200, 'newer'));
  t.same(r.bodies, ['/a newer']);
});
