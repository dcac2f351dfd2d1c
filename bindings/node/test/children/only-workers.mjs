// The main thread never loads the addon: Node unloads it when the last worker ends, whatever is still under way.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const [dir, times] = process.argv.slice(2);
const code = `
  const { workerData } = require('node:worker_threads');
  const { open } = require(workerData.persistkv);
  const store = open(workerData.dir, { appendonly: 'yes', save: '' });
  for (let i = 0; i < 1_000; i++) store.incr('count');
  void store.save();
  void store.bgrewriteaof();
  process.exit(0);
`;
const persistkv = new URL('../../index.cjs', import.meta.url).pathname;
for (let i = 0; i < Number(times); i++) {
  const worker = new Worker(code, { eval: true, workerData: { dir, persistkv } });
  await once(worker, 'exit');
  // A fork, with the addon gone.
  execFileSync(process.execPath, ['--version']);
}
console.log('done');
