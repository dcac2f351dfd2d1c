// What replies are in JavaScript.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opened } from './helpers.mjs';

test('integers are numbers, beyond 2^53 BigInts', (t) => {
  const store = opened(t);
  const values = [0n, -1n, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)];
  for (const value of values) {
    store.set('n', value);
    const reply = store.incrby('n', 0);
    const safe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    assert.equal(typeof reply, safe ? 'number' : 'bigint');
    assert.equal(BigInt(reply), value);
  }
});

test('every method has a twin that answers Buffers', (t) => {
  const store = opened(t);
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);
  store.set('key', bytes);
  assert.deepEqual(store.getBuffer('key'), bytes);
  assert.equal(store.get('key'), '\ufffd\ufffd\0');
  store.rpush('l', bytes, 'text');
  assert.deepEqual(store.lrangeBuffer('l', 0, -1), [bytes, Buffer.from('text')]);
  assert.equal(store.getBuffer('none'), null);
  assert.equal(store.strlenBuffer('key'), 3);
});

test('buffers of any size are the caller’s own', (t) => {
  const store = opened(t);
  for (const size of [0, 1, 1000, 64 * 1024 - 1, 64 * 1024, 1024 * 1024]) {
    const bytes = Buffer.alloc(size, 0xab);
    store.set('key', bytes);
    const got = store.getBuffer('key');
    assert.deepEqual(got, bytes);
    got.fill(0);
    assert.deepEqual(store.getBuffer('key'), bytes);
  }
});

test('without decode, Buffers are what all methods answer', (t) => {
  const store = opened(t, ':memory:', {}, { decode: false });
  store.set('key', 'value');
  assert.deepEqual(store.get('key'), Buffer.from('value'));
  assert.deepEqual(store.call('GET', 'key'), Buffer.from('value'));
  assert.equal(store.execute(['GET', 'key'], { decode: true }), 'value');
  assert.equal(store.set('key', 'value'), 'OK');
});

test('nested replies keep their shape', (t) => {
  const store = opened(t);
  store.zadd('z', 1, 'a');
  assert.deepEqual(store.zmpop(1, 'z', 'MIN'), ['z', [['a', '1']]]);
  assert.equal(store.zmpop(1, 'z', 'MIN'), null);
  const [row] = store.command('INFO', 'get');
  assert.equal(row[0], 'get');
  assert.equal(row[1], 2);
  assert.ok(row[2].includes('readonly'));
});

test('a long reply', (t) => {
  const store = opened(t);
  const values = Array.from({ length: 200_000 }, (_, i) => String(i));
  store.rpush('l', values);
  assert.deepEqual(store.lrange('l', 0, -1), values);
});
