/** dying-push-worker: listens, takes a batch, and then throws where nobody catches it. */
import { TickFlag, TickKind } from '#src/generated/hot.js';
import { batchBytes } from './push-bytes.js';
import { pushRig } from './push-rig.js';

const rig = await pushRig({ teardown: () => undefined });
const publisher = await rig.publisher();
publisher.send(
  batchBytes(1, [{ kind: TickKind.Trade, price: 5, size: 1, flags: TickFlag.NoTime }]),
);
await publisher.acked(1);
setImmediate(() => {
  throw new Error('the worker dies');
});
