// Calls that wait for a key, and messages.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ReplyError } from 'persistkv';
import { directory, opened } from './helpers.mjs';

const blocked = (store) => Number(/blocked_clients:(\d+)/.exec(store.info('clients'))[1]);

test('what is there is taken at once', async (t) => {
  const store = opened(t);
  store.rpush('l', 'a', 'b', 'c');
  assert.deepEqual(await store.blpop('none', 'l', 0), ['l', 'a']);
  assert.deepEqual(await store.brpopBuffer('l', 0), [Buffer.from('l'), Buffer.from('c')]);
  assert.equal(await store.blmove('l', 'm', 'LEFT', 'LEFT', 0), 'b');
  store.zadd('z', 1, 'one', 2, 'two');
  assert.deepEqual(await store.bzpopmin('z', 0), ['z', 'one', '1']);
  assert.equal(await store.blpop('l', 0.01), null);
});

test('waiters are served in turn', async (t) => {
  const store = opened(t);
  const first = store.blpop('queue', 0);
  const second = store.blpop('queue', 0);
  assert.equal(blocked(store), 2);
  store.rpush('queue', 'a', 'b', 'c');
  assert.deepEqual(await Promise.all([first, second]), [
    ['queue', 'a'],
    ['queue', 'b'],
  ]);
  assert.equal(store.llen('queue'), 1);
});

test('hundreds wait without a thread each', async (t) => {
  const store = opened(t);
  const waiting = Array.from({ length: 300 }, () => store.blpop('queue', 0));
  for (let n = 0; n < 300; n++) store.rpush('queue', n);
  const got = (await Promise.all(waiting)).map(([, element]) => Number(element));
  assert.deepEqual(
    got,
    Array.from({ length: 300 }, (_, n) => n),
  );
});

test('an AbortSignal ends the waiting, and nothing is taken', async (t) => {
  const store = opened(t);
  const aborter = new AbortController();
  const waiting = store.blpop('queue', 0, { signal: aborter.signal });
  aborter.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  store.rpush('queue', 'x');
  assert.equal(store.llen('queue'), 1);
  await assert.rejects(store.blpop('other', 0, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assert.rejects(store.blpop('other', 0, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  assert.throws(() => store.blpop('other', 0, { timeout: 5 }), TypeError);
  assert.equal(blocked(store), 0);
});

test('streams are waited for', async (t) => {
  const store = opened(t);
  const waiting = store.xread('BLOCK', 0, 'STREAMS', 's', '$');
  store.xadd('s', '1-1', 'f', 'v');
  assert.deepEqual(await waiting, [['s', [['1-1', ['f', 'v']]]]]);
});

test('another thread wakes a waiter', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir);
  const waiting = store.blpop('queue', 0);
  const source = `
    import { open } from 'persistkv';
    import { workerData } from 'node:worker_threads';
    const store = open(workerData);
    store.rpush('queue', 'from a worker');
    store.closeSync();`;
  const file = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const here = import.meta.resolve('persistkv');
  const worker = new Worker(
    new URL(file.href.replaceAll(encodeURIComponent("'persistkv'"), encodeURIComponent(`'${here}'`))),
    {
      workerData: dir,
    },
  );
  assert.deepEqual(await waiting, ['queue', 'from a worker']);
  await once(worker, 'exit');
});

test('errors come as with any command, and the end of the store too', async (t) => {
  const store = opened(t);
  await assert.rejects(store.blpop('l', 'soon'), ReplyError);
  store.set('s', 'x');
  await assert.rejects(store.blpop('s', 0), { code: 'WRONGTYPE', command: 'blpop' });
  assert.throws(() => store.execute(['BLPOP', 'never', 0]), /would wait/);
  const waiting = store.blpop('never', 0);
  const other = store.duplicate();
  store.closeSync();
  other.closeSync();
  await assert.rejects(waiting, { code: 'CLOSED' });
});

test('messages are events', async (t) => {
  const store = opened(t);
  const subscriber = store.subscriber();
  t.after(() => subscriber.close());
  const got = [];
  for (const event of ['message', 'pmessage', 'subscribe', 'psubscribe', 'unsubscribe']) {
    subscriber.on(event, (...parts) => got.push([event, ...parts]));
  }
  subscriber.subscribe('news', 'other').psubscribe('n*');
  assert.equal(store.publish('news', 'hello'), 2);
  subscriber.unsubscribe('news');
  await once(subscriber, 'unsubscribe');
  assert.deepEqual(got, [
    ['subscribe', 'news', 1],
    ['subscribe', 'other', 2],
    ['psubscribe', 'n*', 3],
    ['message', 'news', 'hello'],
    ['pmessage', 'n*', 'news', 'hello'],
    ['unsubscribe', 'news', 2],
  ]);
  assert.equal(store.subscribe, undefined);
  assert.throws(() => store.execute(['SUBSCRIBE', 'x']), /subscriber\(\)/);
});

test('messages can be iterated over', async (t) => {
  const store = opened(t);
  const subscriber = store.subscriber().subscribe('news');
  setTimeout(() => {
    store.publish('news', 'one');
    store.publish('news', 'two');
  }, 5);
  const got = [];
  for await (const { channel, message } of subscriber) {
    got.push([channel, message]);
    if (got.length === 2) subscriber.close();
  }
  assert.deepEqual(got, [
    ['news', 'one'],
    ['news', 'two'],
  ]);
  assert.equal(store.publish('news', 'nobody'), 0);
});

test('who lets too many messages wait is told', async (t) => {
  const store = opened(t);
  store.config('SET', 'client-output-buffer-limit', 'pubsub 10000 0 0');
  const subscriber = store.subscriber().subscribe('news');
  for (let n = 0; n < 100; n++) store.publish('news', 'x'.repeat(1000));
  const [error] = await once(subscriber, 'error');
  assert.match(error.message, /messages were lost/);
});

test('pipelines and transactions', (t) => {
  const store = opened(t);
  assert.deepEqual(store.pipeline().set('a', 1).incr('a').lpush('a', 'x').hset('h', { f: 1 }).hgetall('h').exec(), [
    [null, 'OK'],
    [null, 2],
    [store.pipeline().lpush('a', 'x').exec()[0][0], undefined],
    [null, 1],
    [null, { f: '1' }],
  ]);
  const [[none], [error]] = store.pipeline({ atomic: true }).set('b', 1).lpush('b', 'x').exec();
  assert.equal(none, null);
  assert.ok(error instanceof ReplyError && error.code === 'WRONGTYPE');
  assert.throws(() => store.pipeline({ atomic: true }).set('b').exec(), ReplyError);
  assert.equal(store.get('b'), '1');
  let tries = 0;
  const replies = store.transaction(['b'], (pipeline, own) => {
    const value = Number(own.get('b'));
    if (tries++ === 0) store.incr('b');
    pipeline.set('b', value + 10);
  });
  assert.deepEqual([replies, tries, store.get('b')], [[[null, 'OK']], 2, '12']);
});

test('check-and-set with a function that waits', async (t) => {
  const store = opened(t);
  store.set('b', 1);
  let tries = 0;
  const begun = store.transaction(['b'], async (pipeline, own) => {
    const value = Number(own.get('b'));
    await null;
    if (tries++ === 0) store.incr('b');
    pipeline.set('b', value + 10);
  });
  assert.ok(begun instanceof Promise);
  assert.deepEqual([await begun, tries, store.get('b')], [[[null, 'OK']], 2, '12']);
  await assert.rejects(
    store.transaction(['b'], async () => {
      throw new Error('not today');
    }),
    { message: 'not today' },
  );
  assert.deepEqual(await store.transaction(async (pipeline) => void pipeline.get('b')), [[null, '12']]);
});
