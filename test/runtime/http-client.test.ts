/**
 * http-client and http-answer: answers in every cut, refusals of what is not exactly HTTP/1.1, connections kept or not.
 * What a request's outcome is in each failure is held by ws-network.test.ts, which speaks through the port.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AnswerReader } from '#src/runtime/http-answer.js';
import { HttpClient } from '#src/runtime/http-client.js';
import type { HttpOutcome } from '#src/ports/network.js';

function readWhole(text: string, cutAt: number): { verdict: string; reader: AnswerReader } {
  const bytes = Buffer.from(text, 'utf8');
  const reader = new AnswerReader();
  let verdict: string = 'more';
  for (const part of [bytes.subarray(0, cutAt), bytes.subarray(cutAt)])
    if (part.length > 0 && verdict === 'more') verdict = reader.read(part);
  return { verdict, reader };
}

t.test('an answer is the same wherever the network cuts it', async (t) => {
  const answers: readonly (readonly [string, string, boolean])[] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-A: 1\r\nx-a:\t2 \r\n\r\n{"ä":1', '{"ä":1', false],
    [
      'HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\nt: 1\r\n\r\n',
      'abc0123456789',
      false,
    ],
    [
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: a\r\n\r\n' +
        'HTTP/1.1 201 Made\r\ncontent-length: 2\r\nconnection: Keep-Alive, Close\r\n\r\nok',
      'ok',
      true,
    ],
    ['HTTP/1.1 204 No Content\r\n\r\n', '', false],
    ['HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', '', true],
  ];
  for (const [text, body, isLast] of answers)
    for (let cutAt = 0; cutAt <= Buffer.byteLength(text); cutAt++) {
      const { verdict, reader } = readWhole(text, cutAt);
      if (verdict !== 'done') t.fail(`${JSON.stringify(text)} cut at ${cutAt}: ${verdict}`);
      const answer = reader.take();
      if (answer.body !== body || answer.isLast !== isLast) t.same(answer, { body, isLast });
    }
  const { reader } = readWhole(answers[0]?.[0] ?? '', 0);
  t.match(reader.take(), { status: 200, headers: { 'content-length': '7', 'x-a': '1, 2' } });
});

t.test('what is not exactly HTTP/1.1 is no answer', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\n';
  for (const text of [
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'SSH-2.0-OpenSSH\r\n\r\n',
    `${head}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
    `${head}content-length: +2\r\n\r\nok`,
    `${head}content-length: 0x2\r\n\r\nok`,
    `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${head}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\n2\r\nokX\r\n0\r\n\r\n`,
    `${head}x-a: 1\r\n folded\r\n\r\n`,
    `${head}content-length : 2\r\n\r\nok`,
    `${head}content-length: 99999999999\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    `${head}x-a: ${'a'.repeat(70_000)}`,
  ])
    t.match(readWhole(text, 5).verdict, /^malformed answer: /, JSON.stringify(text.slice(0, 60)));
  t.equal(readWhole(`${head}content-length: 5\r\n\r\nok`, 0).verdict, 'more', 'not there yet');
});

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A client, and a server that does what it is told with each request. */
async function rig(
  t: Test,
  onRequest: (socket: Socket, text: string) => void,
): Promise<{ ask: (body?: string, path?: string) => Promise<HttpOutcome>; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      onRequest(socket, bytes.toString('utf8'));
    });
  });
  const port = await listen(t, server);
  const client = new HttpClient();
  t.teardown(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
  });
  const ask = async (body = '', path = '/'): Promise<HttpOutcome> =>
    await new Promise((resolve) => {
      const url = `http://127.0.0.1:${port}${path}`;
      client.request({ method: 'POST', url, headers: { a: 'b' }, body, timeoutMs: 5_000 }, resolve);
    });
  return { ask, sockets };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

t.test('a request leaves as one text, and its length is that of its bytes', async (t) => {
  const texts: string[] = [];
  const { ask } = await rig(t, (socket, text) => {
    texts.push(text);
    socket.write(OK);
  });
  t.match(await ask('{"ä":1}', '/a?b=c#d'), { kind: 'answer', status: 200, body: 'ok' });
  t.match(
    texts[0],
    /^POST \/a\?b=c HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\na: b\r\ncontent-length: 8\r\n\r\n\{"ä":1\}$/,
  );
  t.equal(texts.length, 1);
});

t.test('a connection that answered too much or wants to end is not used again', async (t) => {
  const answers = [
    `${OK}HTTP/1.1 200 OK\r\n`,
    OK.replace('200 OK', '200 OK\r\nconnection: close'),
    OK,
    OK,
  ];
  const { ask, sockets } = await rig(t, (socket) => socket.write(answers.shift() ?? ''));
  for (const connections of [1, 2, 3, 3]) {
    t.match(await ask(), { kind: 'answer', body: 'ok' });
    t.equal(sockets.length, connections);
  }
});

t.test('bytes that nobody asked for are not the answer to the next request', async (t) => {
  const { ask, sockets } = await rig(t, (socket) => socket.write(OK));
  await ask();
  const gone = new Promise((resolve) => sockets[0]?.once('close', resolve));
  sockets[0]?.write('HTTP/1.1 500 Stale\r\ncontent-length: 0\r\n\r\n');
  await gone;
  t.match(await ask(), { kind: 'answer', status: 200 });
  t.equal(sockets.length, 2);
});

t.test(
  'an answer without a length ends with its connection; a malformed one is unknown',
  async (t) => {
    const answers = [
      'HTTP/1.1 200 OK\r\n\r\nto the end',
      'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n',
    ];
    const { ask } = await rig(t, (socket) => socket.end(answers.shift() ?? ''));
    t.match(await ask(), { kind: 'answer', body: 'to the end' });
    t.match(await ask(), { kind: 'unknown', message: /content-length/ });
  },
);

t.test('requests beyond the connections wait their turn, and every one is answered', async (t) => {
  const { ask, sockets } = await rig(t, (socket) => setImmediate(() => socket.write(OK)));
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => ask()));
  t.ok(outcomes.every(({ kind }) => kind === 'answer'));
  t.equal(sockets.length, 8);
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
}

t.test(
  'TLS: a trusted server is spoken to, another one never sees a byte',
  { skip: hasOpenssl() ? false : 'no openssl' },
  async (t) => {
    const dir = t.testdir();
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ],
      { stdio: 'ignore' },
    );
    const ca = readFileSync(cert, 'utf8');
    let seen = 0;
    const server = createHttpsServer({ key: readFileSync(key), cert: ca }, (request, response) => {
      seen++;
      request.resume().on('end', () => response.end('ok'));
    });
    const port = await listen(t, server);
    const askWith = async (client: HttpClient, sent: () => void): Promise<HttpOutcome> =>
      await new Promise((resolve) => {
        client.request(
          {
            method: 'POST',
            url: `https://localhost:${port}/orders`,
            headers: {},
            body: '{}',
            timeoutMs: 5_000,
            onSent: sent,
          },
          resolve,
        );
      });
    const trusting = new HttpClient({ ca });
    const strict = new HttpClient();
    t.teardown(() => {
      trusting.close();
      strict.close();
      server.closeAllConnections();
    });
    let sentCount = 0;
    for (let round = 0; round < 3; round++)
      t.match(await askWith(trusting, () => sentCount++), {
        kind: 'answer',
        status: 200,
        body: 'ok',
      });
    t.equal(sentCount, 3);
    t.match(await askWith(strict, () => sentCount++), { kind: 'unsent', message: /self-signed/ });
    t.equal(seen, 3);
    t.equal(sentCount, 3);
  },
);
