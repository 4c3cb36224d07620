/** ws-network: real sockets on 127.0.0.1; what is told about a request must be true, because orders depend on it. */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket as NetSocket } from 'node:net';
import t from 'tap';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { WsNetwork } from '#src/runtime/ws-network.js';
import type { HttpOutcome, HttpRequest } from '#src/ports/network.js';

const clock = {
  runEpochNs: 0n,
  nowNs: (): number => Math.round(performance.now() * 1e6),
};

async function listen(server: HttpServer | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function httpServer(
  handler: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<{ server: HttpServer; url: string }> {
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8');
    });
    request.on('end', () => {
      handler(request, response, body);
    });
  });
  const port = await listen(server);
  return { server, url: `http://127.0.0.1:${String(port)}` };
}

async function ask(
  network: WsNetwork,
  request: Partial<HttpRequest> & { url: string },
): Promise<HttpOutcome> {
  return await new Promise((resolve) => {
    let isInside = true;
    network.request(
      { method: 'GET', headers: {}, body: '', timeoutMs: 5000, ...request },
      (outcome) => {
        if (isInside) throw new Error('done was called inside the call');
        resolve(outcome);
      },
    );
    isInside = false;
  });
}

async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

t.test(
  'an answer carries status, headers and body, and the connection is used again',
  async (t) => {
    const ports = new Set<number | undefined>();
    const { server, url } = await httpServer((request, response, body) => {
      ports.add(request.socket.remotePort);
      response.writeHead(429, { 'X-RateLimit-Reset': '7', 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ method: request.method, auth: request.headers.authorization, body }),
      );
    });
    const network = new WsNetwork({ clock });
    t.teardown(() => {
      network.close();
      server.close();
    });
    let sentCount = 0;
    for (let round = 0; round < 3; round++) {
      const outcome = await ask(network, {
        url: `${url}/orders?x=1`,
        method: 'POST',
        headers: { authorization: 'Bearer a.b.c' },
        body: '{"ä":1}',
        onSent: () => {
          sentCount++;
        },
      });
      t.equal(outcome.kind, 'answer');
      if (outcome.kind !== 'answer') return;
      t.equal(outcome.status, 429);
      t.equal(outcome.headers['x-ratelimit-reset'], '7');
      t.same(JSON.parse(outcome.body), { method: 'POST', auth: 'Bearer a.b.c', body: '{"ä":1}' });
    }
    t.equal(ports.size, 1, 'one connection for three requests');
    t.equal(sentCount, 3);
  },
);

t.test('a refused connection is told as unsent', async (t) => {
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
  });
  let sentCount = 0;
  const outcome = await ask(network, {
    url: `http://127.0.0.1:${String(await deadPort())}/orders`,
    method: 'POST',
    body: '{}',
    onSent: () => {
      sentCount++;
    },
  });
  t.equal(outcome.kind, 'unsent');
  t.equal(sentCount, 0);
});

t.test('what is not a URL and what is not a header are told as unsent', async (t) => {
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
  });
  t.equal((await ask(network, { url: 'nowhere' })).kind, 'unsent');
  t.equal(
    (await ask(network, { url: 'http://127.0.0.1:1/', headers: { 'x-a': 'line\nbreak' } })).kind,
    'unsent',
  );
});

t.test('silence after the request was written is unknown, and the deadline is kept', async (t) => {
  let seen = 0;
  const { server, url } = await httpServer(() => {
    seen++;
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    server.closeAllConnections();
    server.close();
  });
  const outcome = await ask(network, { url, method: 'POST', body: '{}', timeoutMs: 50 });
  t.equal(outcome.kind, 'unknown');
  t.equal(seen, 1, 'the venue had it');
});

t.test('a connection cut before the answer is unknown', async (t) => {
  const { server, url } = await httpServer((request) => {
    request.socket.resetAndDestroy();
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    server.close();
  });
  t.equal((await ask(network, { url, method: 'POST', body: '{}' })).kind, 'unknown');
});

t.test('an answer cut in the middle is unknown', async (t) => {
  const { server, url } = await httpServer((request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"success":true', () => {
      request.socket.destroy();
    });
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    server.close();
  });
  t.equal((await ask(network, { url, method: 'POST', body: '{}' })).kind, 'unknown');
});

t.test(
  'a kept connection that the venue resets on the next request is unknown for that request',
  async (t) => {
    // A bare TCP server: it answers the first request and resets the connection when the second arrives.
    const sockets: NetSocket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      let requests = 0;
      socket.on('error', () => {
        socket.destroy();
      });
      socket.on('data', () => {
        requests++;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
    const port = await listen(server);
    const network = new WsNetwork({ clock });
    t.teardown(() => {
      network.close();
      server.close();
    });
    const url = `http://127.0.0.1:${String(port)}/`;
    t.equal((await ask(network, { url })).kind, 'answer');
    t.equal((await ask(network, { url, method: 'POST', body: '{}' })).kind, 'unknown');
    t.equal(sockets.length, 1, 'it was not sent again behind our back');
  },
);

t.test(
  'closing the network ends a request under way as unknown, and later ones as unsent',
  async (t) => {
    const { server, url } = await httpServer(() => {
      network.close();
    });
    const network = new WsNetwork({ clock });
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    t.equal((await ask(network, { url, method: 'POST', body: '{}' })).kind, 'unknown');
    t.equal((await ask(network, { url })).kind, 'unsent');
  },
);

interface Heard {
  opened: number;
  frames: Buffer[];
  recvNs: number[];
  closes: [number, string][];
  failures: string[];
  rejects: string[];
  pongs: number;
}

async function webSocketServer(
  onClient: (client: WebSocket) => void,
): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', onClient);
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, url: `ws://127.0.0.1:${String((server.address() as AddressInfo).port)}/` };
}

function listener(heard: Heard, onClosed: () => void, onOpened: () => void = () => undefined) {
  return {
    onOpen: (): void => {
      heard.opened++;
      onOpened();
    },
    onFrame: (bytes: Uint8Array, recvNs: number): void => {
      heard.frames.push(Buffer.from(bytes));
      heard.recvNs.push(recvNs);
    },
    onClose: (code: number, reason: string, failure: string): void => {
      heard.closes.push([code, reason]);
      heard.failures.push(failure);
      onClosed();
    },
    onPong: (): void => {
      heard.pongs++;
    },
    onReject: (code: string): void => {
      heard.rejects.push(code);
    },
  };
}

function nothingHeard(): Heard {
  return { opened: 0, frames: [], recvNs: [], closes: [], failures: [], rejects: [], pongs: 0 };
}

t.test(
  'frames arrive as bytes, text or binary, valid UTF-8 or not, with the time of arrival',
  async (t) => {
    const notUtf8 = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const { server, url } = await webSocketServer((client) => {
      client.on('message', (data: Buffer) => {
        client.send(data.toString('utf8'));
        client.send(notUtf8, { binary: false });
        client.send(notUtf8, { binary: true });
        client.close(4001, 'enough');
      });
    });
    const network = new WsNetwork({ clock });
    t.teardown(() => {
      network.close();
      server.close();
    });
    const heard = nothingHeard();
    const beforeNs = clock.nowNs();
    await new Promise<void>((resolve) => {
      const socket = network.dial(
        { url, frameBytesMax: 1000, openTimeoutMs: 1000 },
        listener(heard, resolve, () => {
          socket.send('{"type":"subscribe"}');
        }),
      );
    });
    t.equal(heard.opened, 1);
    t.same(heard.frames, [Buffer.from('{"type":"subscribe"}'), notUtf8, notUtf8]);
    t.ok(heard.recvNs.every((recvNs) => recvNs >= beforeNs && recvNs <= clock.nowNs()));
    t.same(heard.closes, [[4001, 'enough']]);
    t.same(heard.failures, ['OK']);
    t.same(heard.rejects, []);
  },
);

t.test('a frame over the limit is refused by name and the connection ends', async (t) => {
  const { server, url } = await webSocketServer((client) => {
    client.send('x'.repeat(1001));
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    server.close();
  });
  const heard = nothingHeard();
  await new Promise<void>((resolve) => {
    network.dial({ url, frameBytesMax: 1000, openTimeoutMs: 1000 }, listener(heard, resolve));
  });
  t.same(heard.rejects, ['FRAME_TOO_LARGE']);
  t.same(heard.failures, ['FRAME_TOO_LARGE']);
  t.same(heard.frames, []);
  t.equal(heard.closes.length, 1);
});

t.test('a dial that fails is told once, with the reason', async (t) => {
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
  });
  for (const [url, failure] of [
    [`ws://127.0.0.1:${String(await deadPort())}/`, 'DIAL_REFUSED'],
    ['not a url', 'DIAL_URL'],
    ['ws://no-such-host.invalid/', 'DIAL_DNS'],
  ] as const) {
    const heard = nothingHeard();
    await new Promise<void>((resolve) => {
      network.dial({ url, frameBytesMax: 1000, openTimeoutMs: 1000 }, listener(heard, resolve));
    });
    t.equal(heard.opened, 0);
    t.equal(heard.closes.length, 1);
    t.equal(heard.closes[0]?.[0], 1006);
    t.not(heard.closes[0]?.[1], '');
    t.same(heard.failures, [failure]);
    t.same(heard.rejects, []);
  }
});

t.test('a ping is answered, and the bytes that came are counted', async (t) => {
  const { server, url } = await webSocketServer((client) => {
    client.on('ping', () => client.close(1000));
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    server.close();
  });
  const heard = nothingHeard();
  let bytesAtOpen = 0;
  await new Promise<void>((resolve) => {
    const socket = network.dial(
      { url, frameBytesMax: 1000, openTimeoutMs: 1000 },
      listener(
        heard,
        () => {
          t.equal(
            socket.receivedBytes,
            bytesAtOpen + 2 + 4,
            'a pong, and a close frame with its code',
          );
          socket.ping();
          resolve();
        },
        () => {
          bytesAtOpen = socket.receivedBytes;
          socket.ping();
        },
      ),
    );
    t.equal(socket.receivedBytes, 0);
    socket.ping();
  });
  t.equal(heard.pongs, 1, 'a socket that is not open takes none');
});

t.test('close ends a connection whose venue never answers the close frame', async (t) => {
  const { server, url } = await webSocketServer((client) => {
    // The raw socket stops reading: no close frame will ever come back.
    client.pause();
  });
  const network = new WsNetwork({ clock });
  t.teardown(() => {
    network.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const heard = nothingHeard();
  await new Promise<void>((resolve) => {
    const socket = network.dial(
      { url, frameBytesMax: 1000, openTimeoutMs: 1000 },
      listener(heard, resolve, () => {
        socket.close(20);
        socket.send('nobody reads this');
      }),
    );
  });
  t.equal(heard.closes.length, 1);
  t.equal(heard.closes[0]?.[0], 1006);
});
