/**
 * listen: a uWebSockets app takes a port for itself alone. Threads that serve: control, the venue simulators.
 *
 * uWS shares a busy port silently with its other owner (SO_REUSEPORT) unless it is asked for exclusively; asked so, it
 * refuses even a port that only has connections of a killed predecessor that are not over yet. And for port 0 it leaves
 * out SO_REUSEADDR, so that the port could not be taken again after a kill. So: a free port is chosen by node:net; a
 * given one is asked for exclusively, and when that fails node:net (SO_REUSEADDR) tells whether somebody really listens;
 * only if not, it is taken the other way.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import uWS from 'uWebSockets.js';
import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';

/** LIBUS_LISTEN_EXCLUSIVE_PORT of uSockets. */
const EXCLUSIVE = 1;
const SHARED = 0;

/** What the native `listen` takes and the package's types leave out: options together with a host. */
interface ListenWithOptions {
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: us_listen_socket | false) => void,
  ): void;
}

/** The port that the app got; undefined: somebody else listens there. Port 0: any free one. */
export async function listenExclusively(
  app: TemplatedApp,
  host: string,
  port: number,
): Promise<number | undefined> {
  const wanted = port === 0 ? await tryPort(host, 0) : port;
  if (wanted === undefined) return undefined;
  let socket = await listen(app, host, wanted, EXCLUSIVE);
  if (socket === false && (await tryPort(host, wanted)) !== undefined)
    socket = await listen(app, host, wanted, SHARED);
  return socket === false ? undefined : uWS.us_socket_local_port(socket);
}

async function listen(
  app: TemplatedApp,
  host: string,
  port: number,
  options: number,
): Promise<us_listen_socket | false> {
  return await new Promise((resolve) => {
    (app as unknown as ListenWithOptions).listen(host, port, options, resolve);
  });
}

/** Listens there for a moment; the port that it was, or undefined when somebody has it. */
async function tryPort(host: string, port: number): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen({ host, port, exclusive: true }, () => {
      const { port: actual } = server.address() as AddressInfo;
      server.close(() => {
        resolve(actual);
      });
    });
  });
}
