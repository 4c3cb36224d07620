/** Each fault of the contract, as the client meets it. */
import t, { type Test } from 'tap';
import type { SimulatedVenue } from '#src/sim/simulated-venue.js';
import {
  RecordingMaker,
  RestClient,
  Stream,
  startVenue,
  tokenFor,
  until,
  type Json,
} from './venue-client.js';

const FRAME_EVERY_MS = 5;

/** A market that says something every five milliseconds. */
function busyMarket(): RecordingMaker {
  const maker = new RecordingMaker().snapshot([['100.00', '1']], [['101.00', '1']]);
  for (let index = 0; index < 1000; index++) {
    maker.depth(index * FRAME_EVERY_MS, [['100.00', String(1 + (index % 7))]], []);
  }
  return maker;
}

interface Setup {
  readonly venue: SimulatedVenue;
  readonly rest: RestClient;
  readonly stream: Stream;
}

async function setUp(t: Test): Promise<Setup> {
  const venue = await startVenue(t, { recordingPath: busyMarket().write(t), warmUpTrades: 0 });
  const stream = await Stream.open(t, venue.listening.ws);
  stream.subscribe('level2');
  await until(() => (stream.frames.length > 5 ? true : undefined), 'the market');
  return { venue, rest: new RestClient(venue), stream };
}

/** Steps between neighbouring sequence numbers that are not 1, after something happened. */
function jumps(stream: Stream): number[] {
  const numbers = stream.frames.map((frame) => Number(frame.sequence_num));
  return numbers.slice(1).flatMap((number, index) => {
    const step = number - (numbers[index] ?? 0);
    return step === 1 ? [] : [step];
  });
}

async function moreFrames(stream: Stream): Promise<void> {
  const count = stream.frames.length;
  await until(() => (stream.frames.length > count + 10 ? true : undefined), 'more frames');
}

const ORDER = { sor_limit_ioc: { base_size: '0.1', limit_price: '101' } };

t.test('a dropped frame leaves a hole of one in the sequence', async (t) => {
  const { rest, stream } = await setUp(t);
  t.equal((await rest.fault({ fault: 'drop-frame' })).status, 200);
  await moreFrames(stream);
  t.strictSame(jumps(stream), [2]);
});

t.test('a gap is a hole of as many as asked for', async (t) => {
  const { rest, stream } = await setUp(t);
  await rest.fault({ fault: 'gap', count: 7 });
  await moreFrames(stream);
  t.strictSame(jumps(stream), [8]);
});

t.test('a duplicated frame comes twice, byte for byte', async (t) => {
  const { rest, stream } = await setUp(t);
  await rest.fault({ fault: 'duplicate-frame' });
  await moreFrames(stream);
  t.strictSame(jumps(stream), [0]);
  t.equal(new Set(stream.texts).size, stream.texts.length - 1);
});

t.test('late frames come late, in order and complete', async (t) => {
  const { rest, stream } = await setUp(t);
  const before = stream.frames.length;
  await rest.fault({ fault: 'delay', ms: 300, count: 3 });
  await until(() => (stream.frames.length > before + 60 ? true : undefined), 'the held frames');
  t.strictSame(jumps(stream), []);
});

t.test('a silent venue sends nothing, and what it would have said is lost', async (t) => {
  const { rest, stream } = await setUp(t);
  await rest.fault({ fault: 'silent', ms: 200 });
  const count = stream.frames.length;
  await moreFrames(stream);
  t.ok(stream.frames.length > count);
  const [jump] = jumps(stream);
  t.equal(jumps(stream).length, 1);
  t.ok((jump ?? 0) > 5, `a hole of ${String(jump)}`);
});

t.test('a disconnect looks like a cut cable, and one can come back', async (t) => {
  const { venue, rest, stream } = await setUp(t);
  const user = await Stream.open(t, venue.listening.wsPrivate);
  await rest.fault({ fault: 'disconnect', scope: 'public' });
  await until(() => stream.closeCode ?? undefined, 'the cut');
  t.equal(stream.closeCode, 1006);
  t.equal(user.closeCode, null, 'the private side was not meant');
  const again = await Stream.open(t, venue.listening.ws);
  again.subscribe('level2');
  const first = await again.frame((frame) => frame.channel === 'l2_data', 'the snapshot');
  t.match(first, { sequence_num: 0, events: [{ type: 'snapshot' }] });
});

t.test('a lost acknowledgement: the order is live, the answer never comes', async (t) => {
  const { venue, rest } = await setUp(t);
  const user = await Stream.open(t, venue.listening.wsPrivate);
  user.send({ type: 'subscribe', channel: 'user', jwt: tokenFor(venue.credentials) });
  await user.frame((frame) => frame.channel === 'user', 'the snapshot');
  await rest.fault({ fault: 'lose-ack' });
  await t.rejects(rest.place('BUY', ORDER, 'lost'));
  const update = await user.frame((f) => f.events[0].type === 'update', 'the order');
  t.match(update.events[0].orders[0], { client_order_id: 'lost', status: 'FILLED' });
  t.equal((await rest.truth()).fills[0].client_order_id, 'lost');
  // Asking again with the same id finds it and does not trade twice.
  const again = await rest.place('BUY', ORDER, 'lost');
  t.equal(again.success_response.order_id, update.events[0].orders[0].order_id);
  t.equal((await rest.truth()).fillCount, 1);
});

t.test('a lost answer to a cancel: the order is gone all the same', async (t) => {
  const { rest } = await setUp(t);
  const resting = { limit_limit_gtc: { base_size: '1', limit_price: '50', post_only: true } };
  const placed = await rest.place('BUY', resting);
  const order_ids = [placed.success_response.order_id];
  await rest.fault({ fault: 'lose-ack', on: 'cancel' });
  await t.rejects(rest.post('/orders/batch_cancel', { order_ids }));
  t.equal((await rest.truth()).orders[0].status, 'CANCELLED');
});

t.test('a refusal has the reason that was asked for', async (t) => {
  const { rest } = await setUp(t);
  await rest.fault({ fault: 'reject', reason: 'INELIGIBLE_PAIR', count: 2 });
  const errors = [];
  for (let count = 0; count < 3; count++) {
    const body: Json = await rest.place('BUY', ORDER);
    errors.push(body.success === true ? 'placed' : body.error_response.error);
  }
  t.strictSame(errors, ['INELIGIBLE_PAIR', 'INELIGIBLE_PAIR', 'placed']);
});

t.test('a rate limit is HTTP 429 with the headers of the venue', async (t) => {
  const { rest } = await setUp(t);
  await rest.fault({ fault: 'rate-limit', count: 2 });
  const refused = await rest.get('/accounts');
  t.equal(refused.status, 429);
  t.equal(refused.body.error, 'rate_limit_exceeded');
  t.equal(refused.headers.get('x-ratelimit-remaining'), '0');
  t.ok(refused.headers.has('x-ratelimit-limit'));
  t.ok(refused.headers.has('x-ratelimit-reset'));
  t.equal((await rest.post('/orders', {})).status, 429);
  t.equal((await rest.get('/accounts')).status, 200);
  t.equal((await rest.truth()).orders.length, 0);
});

t.test('a late answer comes late, and the private channel overtakes it', async (t) => {
  const { venue, rest } = await setUp(t);
  const user = await Stream.open(t, venue.listening.wsPrivate);
  user.send({ type: 'subscribe', channel: 'user', jwt: tokenFor(venue.credentials) });
  await user.frame((frame) => frame.channel === 'user', 'the snapshot');
  await rest.fault({ fault: 'delay', scope: 'rest', ms: 400, count: 1 });
  let isAnswered = false;
  const placing = rest.place('BUY', ORDER, 'late').then((body: Json) => {
    isAnswered = true;
    return body;
  });
  await user.frame((frame) => frame.events[0].type === 'update', 'the fill');
  t.equal(isAnswered, false, 'the fill was told before the acknowledgement');
  t.equal((await placing).success, true);
});

t.test('a plan file makes faults by itself', async (t) => {
  const fault = {
    fault: 'disconnect',
    scope: 'all',
    count: 1,
    ms: 1000,
    reason: '',
    topic: '',
    on: 'place',
    afterMs: 300,
    everyMs: 300,
    jitterMs: 0,
  } as const;
  const venue = await startVenue(t, { recordingPath: busyMarket().write(t), faults: [fault] });
  for (let round = 0; round < 2; round++) {
    const stream = await Stream.open(t, venue.listening.ws);
    stream.subscribe('level2');
    await until(() => stream.closeCode ?? undefined, 'the planned cut');
    t.equal(stream.closeCode, 1006);
  }
});
