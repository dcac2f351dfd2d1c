// Threads of one process share a store.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { open } from 'persistkv';
import { child, directory, opened } from './helpers.mjs';

function start(workerData) {
  return new Worker(new URL('children/worker.mjs', import.meta.url), { workerData });
}

async function message(worker) {
  const [told] = await once(worker, 'message');
  return told;
}

test('workers and the main thread count together', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { appendonly: 'yes' });
  store.set('main', 'thread');
  const workers = Array.from({ length: 4 }, () => start({ dir, times: 500, leave: 'close' }));
  const ended = workers.map((worker) => once(worker, 'exit'));
  for (const told of await Promise.all(workers.map(message))) assert.equal(told.main, 'thread');
  for (let i = 0; i < 500; i++) store.incr('count');
  await Promise.all(ended);
  assert.equal(store.get('count'), '2500');
});

for (const leave of ['close', 'exit', 'end']) {
  test(`the store stays open when a worker leaves: ${leave}`, async (t) => {
    const dir = directory(t);
    const store = opened(t, dir, { appendonly: 'yes' });
    const worker = start({ dir, times: 10, leave });
    const [[code]] = await Promise.all([once(worker, 'exit'), message(worker)]);
    assert.equal(code, 0);
    assert.equal(store.incr('count'), 11);
  });
}

test('a worker that is terminated while it writes holds nothing', async (t) => {
  const dir = directory(t);
  const worker = start({ dir, times: 10, leave: 'loop' });
  await message(worker);
  await worker.terminate();
  // The worker’s was the only opening: the directory is free, and opens with other directives.
  const store = opened(t, dir, { appendonly: 'yes', databases: 4 });
  assert.equal(store.get('count'), '10');
  assert.ok(Number(store.get('loop')) > 0);
});

test('a worker goes on when the main thread closes', async (t) => {
  const dir = directory(t);
  const main = open(dir, { appendonly: 'yes' });
  const worker = start({ dir, times: 1, leave: 'loop' });
  await message(worker);
  await main.close();
  const again = opened(t, dir, { appendonly: 'yes' });
  const seen = Number(again.get('loop'));
  while (Number(again.get('loop')) <= seen) await new Promise((resolve) => setImmediate(resolve));
  await worker.terminate();
});

test('an addon that only workers use may go while files are written', async (t) => {
  const dir = directory(t);
  const ended = await child('only-workers.mjs', dir, 5);
  assert.deepEqual([ended.code, ended.signal, ended.stdout], [0, null, 'done\n'], ended.stderr);
  assert.equal(opened(t, dir, { appendonly: 'yes', save: '' }).get('count'), '5000');
});

test('a script without end in a worker is ended from here', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { appendonly: 'yes', 'busy-reply-threshold': 50 });
  const worker = start({ dir, times: 0, script: 'redis.call("get", KEYS[1]) while true do end' });
  const said = message(worker);
  const busy = () => {
    try {
      return store.get('k') !== null;
    } catch (error) {
      return error.code === 'BUSY';
    }
  };
  // This thread is turned away after a while; its event loop goes on.
  while (!busy()) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(store.script('KILL'), 'OK');
  assert.match((await said).error, /killed by user/);
  assert.equal(store.set('k', 'v'), 'OK');
});
