/**
 * What makes a market stale, with which code, what a strategy sees of it, and what makes it fresh again: over real sockets.
 * The table in docs/feeds.md is this file.
 */
import t from 'tap';
import { codeAt } from '#src/domain/errors.js';
import type { ErrorCode } from '#src/domain/errors.js';
import { TickKind } from '#src/generated/hot.js';
import { SessionState } from '#src/ingest/feed-session.js';
import { Histogram } from '#src/runtime/telemetry.js';
import { COINBASE, VENUES } from '#src/venues/registry.js';
import type { VenueDefinition } from '#src/venues/registry.js';
import { speakCoinbase } from './coinbase-voice.js';
import { BTC_AND_ETH, ingestRig } from './ingest-rig.js';
import type { IngestRig } from './ingest-rig.js';
import { MisbehavingServer } from './misbehaving-server.js';

const MS = 1_000_000;

/** What readers of the tick ring were told of a market: OK, then a reason, … */
function statesTold(e: IngestRig, index: number): ErrorCode[] {
  return e.ticks
    .filter(({ kind, instrumentIndex }) => kind === TickKind.State && instrumentIndex === index)
    .map(({ sizeMantissa }) => codeAt(sizeMantissa));
}

/** Keeps every connection alive as Coinbase does, and its ETH book talking; returns how to stop it. */
function talk(
  t: { teardown: (fn: () => void) => void },
  voices: ReturnType<typeof speakCoinbase>,
): void {
  let count = 0;
  const timer = setInterval(() => {
    const voice = voices.at(-1);
    voice?.heartbeat();
    voice?.update('BTC-USD', { side: 'bid', price: '99.4', size: String(++count) });
    voice?.update('ETH-USD', { side: 'bid', price: '99.4', size: String(count) });
  }, 10);
  t.teardown(() => clearInterval(timer));
}

t.test(
  'a starved subscription behind a heartbeating socket is found, stale, and renewed',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const starved = new Set<string>();
    const voices = speakCoinbase(server, starved);
    const e = ingestRig(t, { url: server.url, config: { silentMs: 200, ackTimeoutMs: 100 } });
    await e.until('fresh', () => e.isFresh());
    talk(t, voices);
    starved.add('level2 ETH-USD');
    await e.until('found', () => e.staleReason(1) === 'FEED_SILENT');
    const sinceNs = e.board(1).staleSinceNs;
    t.ok(sinceNs > 0, 'with its age');
    t.equal(e.board(1).bidCount, 0, 'no price of it is left');
    t.equal(e.staleReason(0), 'OK', 'the other market trades on');
    t.equal(server.guests.length, 1, 'on the same connection');
    await e.until('asked for anew', () => (server.guests[0]?.texts.length ?? 0) >= 6);
    const texts = server.guests[0]?.texts.slice(4).map((text) => JSON.parse(text) as unknown);
    t.match(texts?.slice(0, 2), [
      { type: 'unsubscribe', channel: 'level2', product_ids: ['ETH-USD'] },
      { type: 'subscribe', channel: 'level2', product_ids: ['ETH-USD'] },
    ]);
    starved.clear();
    await e.until('fresh again', () => e.isFresh());
    t.same(statesTold(e, 1).slice(0, 3), ['OK', 'FEED_SILENT', 'OK']);
    t.same(statesTold(e, 0), ['OK']);
    t.ok((e.histograms[Histogram.recovery]?.snapshot().count ?? 0) >= 1, 'the time was measured');
    t.match(e.told('subscription')[0], { reason: 'FEED_SILENT', detail: 'level2 of ETH-USD' });
  },
);

t.test(
  'a subscription that renewals do not mend gets a new connection, not at once another',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const starved = new Set<string>(['level2 ETH-USD']);
    const voices = speakCoinbase(server, starved);
    const e = ingestRig(t, {
      url: server.url,
      config: {
        silentMs: 200,
        ackTimeoutMs: 50,
        renewMs: [20],
        renewalsMax: 2,
        sendsPerSecondMax: 100,
      },
    });
    talk(t, voices);
    await e.until('given up', () => e.counter('subscriptionsGivenUp') === 1);
    await e.until('a new connection', () => server.guests.length === 2 && e.isFresh(0));
    t.equal(e.staleReason(1), 'SUBSCRIPTION_UNANSWERED', 'acknowledged, but no book came');
    const renewals = e.counter('subscriptionsRenewed');
    await e.until('given up again', () => e.counter('subscriptionsGivenUp') === 2);
    t.ok(e.counter('subscriptionsRenewed') >= renewals + 2, 'after as many renewals more');
    starved.clear();
    await e.until('fresh', () => e.isFresh());
    await e.until('well', () => e.told('subscription').at(-1)?.reason === 'OK');
  },
);

t.test('a refused subscription is told, stale with that reason, and tried again', async (t) => {
  const server = await MisbehavingServer.start(t);
  const acks: string[] = [];
  // Kraken tells a refusal per symbol.
  server.onText = ({ socket }, text) => {
    const {
      method,
      params,
      req_id: id,
    } = JSON.parse(text) as {
      readonly method: string;
      readonly params: { readonly channel: string; readonly symbol: readonly string[] };
      readonly req_id: number;
    };
    acks.push(method);
    for (const symbol of params.symbol) {
      const isRefused = params.channel === 'book' && symbol === 'ETH/USD' && acks.length < 12;
      socket.send(
        isRefused
          ? `{"error":"Currency pair not supported ETH/USD","method":"subscribe","success":false,` +
              `"symbol":"ETH/USD","req_id":${id}}`
          : `{"method":"${method}","result":{"channel":"${params.channel}","symbol":"${symbol}"},` +
              `"success":true,"req_id":${id}}`,
      );
    }
  };
  const e = ingestRig(t, {
    url: server.url,
    venue: 'kraken',
    instruments: BTC_AND_ETH.map((one) => ({
      ...{ ...one, venue: 'kraken', venueSymbol: one.symbol.replace('-', '/') },
    })),
    config: { renewMs: [20], renewalsMax: 100 },
  });
  await e.until('refused', () => e.staleReason(1) === 'SUBSCRIPTION_REFUSED');
  t.not(e.staleReason(0), 'SUBSCRIPTION_REFUSED');
  t.ok(e.counter('subscriptionsRefused') >= 1);
  t.match(e.told('subscription')[0]?.detail, /book of ETH-USD .*not supported/);
  await e.until('tried again', () => e.counter('subscriptionsRenewed') >= 2);
});

t.test(
  'a crossed book of a venue that never crosses is stale until its new snapshot',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    const voices = speakCoinbase(server);
    const e = ingestRig(t, { url: server.url });
    await e.until('fresh', () => e.isFresh());
    voices[0]?.update('ETH-USD', { side: 'bid', price: '100.5', size: '1' });
    await e.until('mended', () => statesTold(e, 1).length === 3);
    t.same(statesTold(e, 1), ['OK', 'BOOK_CROSSED', 'OK']);
    t.same(statesTold(e, 0), ['OK']);
    t.equal(server.guests.length, 1, 'by asking for the one book');
    t.ok(e.isFresh());
  },
);

t.test('a venue that breaks each new book at once is not dialled again and again', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const obey = server.onText;
  server.onText = (guest, text, index) => {
    obey(guest, text, index);
    if (guest.texts.length < 4) return;
    voices[index]?.skip(1);
    voices[index]?.heartbeat();
  };
  const e = ingestRig(t, {
    url: server.url,
    config: {
      ...{ breakerFailures: 5, breakerOpenMs: [600_000], backoffMs: [5] },
      sendsPerSecondMax: 100,
    },
  });
  await e.until('the circuit opens', () => e.counter('feedBreakerOpens') === 1);
  t.equal(server.handshakeCount, 5, 'each of these brought books, none of them held');
  t.equal(e.counter('feedGaps'), 5);
  t.equal(e.counter('feedBackoffResets'), 0);
  t.equal(e.counter('feedAlerts'), 1);
  t.equal(e.staleReason(0), 'VENUE_SEQ_GAP', 'and the board says what it is');
});

for (const isFrameFirst of [false, true]) {
  const who = isFrameFirst ? 'a frame' : 'the duty cycle';
  t.test(
    `after a pause of the process nothing that waited is believed: ${who} sees it`,
    async (t) => {
      const server = await MisbehavingServer.start(t);
      const voices = speakCoinbase(server);
      const e = ingestRig(t, { url: server.url, config: { pauseMaxMs: 300 } });
      await e.until('fresh', () => e.isFresh());
      const goOn = isFrameFirst ? e.pause() : (): void => undefined;
      voices[0]?.update('BTC-USD', { side: 'bid', price: '99.9', size: '7' });
      // The whole process stands still; the update lies in the kernel.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
      await e.until('noticed', () => e.counter('feedClockJumps') >= 1);
      goOn();
      await e.until('told', () => statesTold(e, 0).length >= 2);
      t.same(statesTold(e, 0).slice(0, 2), ['OK', 'CLOCK_JUMP']);
      t.same(statesTold(e, 1).slice(0, 2), ['OK', 'CLOCK_JUMP']);
      const quotes = e.ticks.filter(({ priceMantissa }) => priceMantissa === 9_990);
      t.same(quotes, [], 'the update of before the pause was not read');
      await e.until('fresh', () => server.guests.length >= 2 && e.isFresh());
      const jump = e.told('state').find(({ reason }) => reason === 'CLOCK_JUMP');
      t.match(jump?.detail, /no turn for \d+ ms/);
    },
  );
}

t.test(
  'when somebody sets the wall clock, every market is stale until new snapshots',
  async (t) => {
    const server = await MisbehavingServer.start(t);
    speakCoinbase(server);
    let stepNs = 0;
    const e = ingestRig(t, {
      url: server.url,
      config: { clockJumpMs: 1_000 },
      more: { wallNs: () => e.clock.nowNs() + stepNs },
    });
    await e.until('fresh', () => e.isFresh());
    stepNs = -3_600_000 * MS;
    await e.until('noticed', () => e.counter('feedClockJumps') === 1);
    await e.until('fresh', () => server.guests.length === 2 && e.isFresh());
    t.same(statesTold(e, 0), ['OK', 'CLOCK_JUMP', 'OK']);
    t.match(
      e
        .told('state')
        .map(({ detail }) => detail)
        .join(),
      /the wall clock was set by -3600000 ms/,
    );
  },
);

t.test('market data that comes much later than usual is of the past', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url, config: { lateMs: 2_000 } });
  await e.until('fresh', () => e.isFresh());
  let lateMs = 0;
  let count = 0;
  const timer = setInterval(() => {
    const time = new Date(Date.now() - lateMs).toISOString();
    voices.at(-1)?.update('BTC-USD', { side: 'bid', price: '99.4', size: String(++count) }, time);
  }, 20);
  t.teardown(() => clearInterval(timer));
  lateMs = 10_000;
  await e.until('noticed', () => statesTold(e, 0).includes('FEED_LATE'));
  t.ok(statesTold(e, 1).includes('FEED_LATE'), 'the whole connection is');
  lateMs = 0;
  await e.until('fresh', () => server.guests.length >= 2 && e.isFresh());
  t.match(
    e.told('state').find(({ reason }) => reason === 'FEED_LATE')?.detail,
    /\d+ ms later than usual/,
  );
});

t.test('a malformed book frame costs the books, a malformed trade does not', async (t) => {
  const server = await MisbehavingServer.start(t);
  const voices = speakCoinbase(server);
  const e = ingestRig(t, { url: server.url });
  await e.until('fresh', () => e.isFresh());
  server.say(voices[0]?.text('market_trades', [{ type: 'update', trades: 7 }]) ?? '');
  voices[0]?.trade('BTC-USD', 1, '1', '1');
  await e.until('the trade', () => e.trades.length === 1);
  t.ok(e.isFresh());
  server.say(voices[0]?.text('l2_data', [{ type: 'update', product_id: 7 }]) ?? '');
  await e.until('noticed', () => statesTold(e, 0).includes('FRAME_MALFORMED'));
  await e.until('fresh', () => e.isFresh());
});

/** Coinbase with another name and other habits, known to this test alone. */
function venueLike(
  t: { teardown: (fn: () => void) => void },
  more: Partial<VenueDefinition>,
): string {
  const name = 'made-up';
  (VENUES as Map<string, VenueDefinition>).set(name, { ...COINBASE, name, ...more });
  t.teardown(() => (VENUES as Map<string, VenueDefinition>).delete(name));
  return name;
}

t.test('REST bodies that a feed wants are fetched from its venue until they come', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const asked: string[] = [];
  server.onRequest = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (asked.length === 1) response.writeHead(429, { 'retry-after': '0' }).end('{}');
    else if (asked.length === 2) response.destroy();
    else response.writeHead(200).end('{"bids":[]}');
  };
  const bodies: string[] = [];
  const wanted: string[] = [];
  const venue = venueLike(t, {
    createMarketFeed: (options) => {
      const feed = COINBASE.createMarketFeed(options);
      const connected = feed.onConnected.bind(feed);
      return Object.assign(feed, {
        onConnected: () => {
          wanted.splice(0, wanted.length, '/depth?symbol=BTC&limit=5');
          return connected();
        },
        takeRequest: () => wanted.shift() ?? null,
        onBody: (path: string, body: Uint8Array, recvNs: number) => {
          t.ok(recvNs > 0);
          bodies.push(`${path} ${Buffer.from(body).toString('utf8')}`);
        },
      });
    },
  });
  const e = ingestRig(t, {
    url: server.url,
    restUrl: server.restUrl,
    venue,
    instruments: BTC_AND_ETH.map((one) => ({ ...one, venue })),
    config: { requestRetryMs: [10] },
  });
  await e.until('it came', () => bodies.length === 1);
  t.same(bodies, ['/depth?symbol=BTC&limit=5 {"bids":[]}']);
  t.same(
    asked,
    Array.from({ length: 3 }, () => 'GET /depth?symbol=BTC&limit=5'),
  );
  t.same([e.counter('feedRequests'), e.counter('feedRequestErrors')], [3, 2]);
  t.equal(e.rejects('VENUE_RATE_LIMIT'), 1);
  t.equal(e.rejects('FEED_REQUEST_FAILED'), 1);
  server.cutAll();
  await e.until('anew for the new connection', () => bodies.length === 2);
});

t.test('a body that an earlier connection wanted is not given to the next one', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const held: (() => void)[] = [];
  server.onRequest = (_, response) => {
    held.push(() => response.writeHead(200).end('{}'));
  };
  const wanted = ['/depth'];
  const bodies: string[] = [];
  const venue = venueLike(t, {
    createMarketFeed: (options) =>
      Object.assign(COINBASE.createMarketFeed(options), {
        takeRequest: () => wanted.shift() ?? null,
        onBody: (path: string) => bodies.push(path),
      }),
  });
  const e = ingestRig(t, {
    url: server.url,
    restUrl: server.restUrl,
    venue,
    instruments: BTC_AND_ETH.map((one) => ({ ...one, venue })),
  });
  await e.until('asked', () => held.length === 1);
  server.guests[0]?.socket.terminate();
  await e.until('fresh', () => server.guests.length === 2 && e.isFresh());
  held[0]?.();
  wanted.push('/another');
  await e.until('asked', () => held.length === 2);
  held[1]?.();
  await e.until('the other one', () => bodies.length > 0);
  t.same(bodies, ['/another']);
});

t.test('a venue is pinged in its own words, or with ping frames', async (t) => {
  for (const pingText of ['{"method":"ping"}', null]) {
    const server = await MisbehavingServer.start(t);
    speakCoinbase(server);
    const obey = server.onText;
    const pings: string[] = [];
    server.onText = (guest, text, index) => {
      if (text === pingText) pings.push(text);
      else obey(guest, text, index);
    };
    const venue = venueLike(t, { pingText, pingIntervalMs: 30, heartbeatIntervalMs: 0 });
    const e = ingestRig(t, {
      url: server.url,
      venue,
      instruments: BTC_AND_ETH.map((one) => ({ ...one, venue })),
    });
    await e.until('three pings', () => e.counter('feedPings') >= 3);
    await e.until('heard', () =>
      pingText === null ? e.counter('feedPongs') >= 3 : pings.length >= 3,
    );
    t.equal(e.connection.session.state, SessionState.Connected);
    t.equal(server.guests[0]?.pingCount === 0, pingText !== null);
  }
});

t.test('a quiet venue that promises nothing lives as long as it answers pings', async (t) => {
  const server = await MisbehavingServer.start(t);
  speakCoinbase(server);
  const venue = venueLike(t, { heartbeatIntervalMs: 0 });
  const e = ingestRig(t, {
    url: server.url,
    venue,
    instruments: BTC_AND_ETH.map((one) => ({ ...one, venue })),
    config: { idleTimeoutMs: 100, sendsPerSecondMax: 1_000 },
  });
  await e.until('ten answers', () => e.counter('feedPongs') >= 10);
  t.equal(server.guests.length, 1);
  t.ok(e.isFresh());
  server.guests[0]?.socket.pause();
  await e.until('dead', () => e.staleReason(0) === 'FEED_SILENT');
});
