// A worker thread: opens the directory it is given and counts.

import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'persistkv';

const { dir, times, leave, script } = workerData;
const store = open(dir, { appendonly: 'yes' });
for (let i = 0; i < times; i++) store.incr('count');
if (leave === 'loop') store.incr('loop');
if (script) {
  try {
    store.eval(script, 1, 'k');
  } catch (error) {
    parentPort.postMessage({ error: error.message });
  }
}
parentPort.postMessage({ count: Number(store.get('count')), main: store.get('main') });
if (leave === 'close') await store.close();
if (leave === 'exit') process.exit(0);
if (leave === 'loop') {
  for (;;) store.incr('loop');
}
