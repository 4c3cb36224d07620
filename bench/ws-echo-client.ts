/** ws-echo-client: the floor of the tick-to-order bench: a bare `ws` client that answers each frame with one. */
import { WebSocket } from 'ws';

const url = process.argv[2];
if (url === undefined) throw new Error('usage: ws-echo-client URL');
const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
socket.on('open', () => {
  process.stdout.write('open\n');
});
socket.on('message', (data) => {
  socket.send(data as Buffer);
});
process.stdin.resume().on('end', () => {
  process.exit(0);
});
