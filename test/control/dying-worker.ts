/** dying-worker: serves, answers once, and then throws where nobody catches it. */
import { workerData } from 'node:worker_threads';
import { Rig } from './rig.js';

const rig = new Rig((workerData as { dir: string }).dir);
await rig.start();
await (await fetch(`${rig.url}/health`)).json();
setImmediate(() => {
  throw new Error('the worker dies');
});
