// Commands as methods, with ioredis's names and habits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opened } from './helpers.mjs';

test('strings', (t) => {
  const store = opened(t);
  assert.equal(store.set('key', 'value'), 'OK');
  assert.equal(store.get('key'), 'value');
  assert.equal(store.get('none'), null);
  assert.equal(store.set('key', 'other', 'NX'), null);
  assert.equal(store.set('key', 'other', 'EX', 100, 'XX'), 'OK');
  assert.ok(store.ttl('key') > 90);
  assert.equal(store.append('key', '!'), 6);
  assert.equal(store.incrby('n', 5), 5);
  assert.equal(store.incrbyfloat('n', 0.5), '5.5');
  assert.deepEqual(store.mget('key', 'none'), ['other!', null]);
  assert.deepEqual(store.mget(['key', 'n']), ['other!', '5.5']);
});

test('pairs may be arguments, a list, an object or a Map', (t) => {
  const store = opened(t);
  const stores = [
    () => store.mset('a', 1, 'b', 2),
    () => store.mset(['a', 1, 'b', 2]),
    () =>
      store.mset([
        ['a', 1],
        ['b', 2],
      ]),
    () => store.mset({ a: 1, b: 2 }),
    () =>
      store.mset(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      ),
    () => store.mset(Object.assign(Object.create(null), { a: 1, b: 2 })),
  ];
  for (const set of stores) {
    store.flushall();
    assert.equal(set(), 'OK');
    assert.deepEqual(store.mget('a', 'b'), ['1', '2']);
  }
  assert.equal(store.msetnx({ a: 3, c: 3 }), 0);
  const bytes = new Map([[Buffer.from([0xff]), Buffer.from([0])]]);
  store.mset(bytes);
  assert.deepEqual(store.getBuffer(Buffer.from([0xff])), Buffer.from([0]));
});

test('hashes come back as objects', (t) => {
  const store = opened(t);
  assert.equal(store.hset('h', { a: 1, b: 'two' }), 2);
  assert.equal(store.hset('h', 'c', 3, 'd', 4), 2);
  assert.equal(store.hset('h', new Map([['e', 5]])), 1);
  assert.deepEqual(store.hgetall('h'), { a: '1', b: 'two', c: '3', d: '4', e: '5' });
  assert.deepEqual(store.hgetallBuffer('h').b, Buffer.from('two'));
  assert.deepEqual(store.hgetall('none'), {});
  assert.deepEqual(store.hmget('h', 'a', 'x'), ['1', null]);
  assert.equal(store.hmset('h', { f: 6 }), 'OK');
  assert.equal(store.hget('h', 'f'), '6');
});

test('a field named __proto__ is a field', (t) => {
  const store = opened(t);
  store.hset('h', '__proto__', 'x', 'constructor', 'y');
  const all = store.hgetall('h');
  assert.deepEqual(Object.entries(all), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  assert.equal(Object.getPrototypeOf(all), Object.prototype);
});

test('lists, sets and sorted sets', (t) => {
  const store = opened(t);
  assert.equal(store.rpush('l', 'a', 'b', 'c'), 3);
  assert.equal(store.lpush('l', ['z', 'y']), 5);
  assert.deepEqual(store.lrange('l', 0, -1), ['y', 'z', 'a', 'b', 'c']);
  assert.equal(store.lpop('l'), 'y');
  assert.deepEqual(store.rpop('l', 2), ['c', 'b']);
  assert.equal(store.sadd('s', 'a', 'b'), 2);
  assert.equal(store.sismember('s', 'a'), 1);
  assert.deepEqual(store.smembers('s').sort(), ['a', 'b']);
  assert.equal(store.zadd('z', 1, 'one', 2.5, 'two'), 2);
  assert.equal(store.zadd('z', 'XX', 'CH', 3, 'two'), 1);
  assert.equal(store.zscore('z', 'two'), '3');
  assert.deepEqual(store.zrange('z', 0, -1, 'WITHSCORES'), ['one', '1', 'two', '3']);
  assert.deepEqual(store.zrangebyscore('z', '-inf', Infinity), ['one', 'two']);
});

test('scanning', (t) => {
  const store = opened(t);
  for (let i = 0; i < 100; i++) store.set(`key:${i}`, i);
  store.set('other', 1);
  let cursor = '0';
  const found = new Set();
  do {
    const [next, keys] = store.scan(cursor, 'MATCH', 'key:*', 'COUNT', 10);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  assert.equal(found.size, 100);
});

test('any command by its name', (t) => {
  const store = opened(t);
  assert.equal(store.call('SET', 'key', 'value'), 'OK');
  assert.equal(store.call('get', 'key'), 'value');
  assert.deepEqual(store.callBuffer('GET', 'key'), Buffer.from('value'));
  store.call('HSET', 'h', { a: 1 });
  assert.deepEqual(store.call('HGETALL', 'h'), { a: '1' });
  assert.deepEqual(store.execute(['HGETALL', 'h']), ['a', '1']);
  assert.deepEqual(store.execute(['GET', 'key'], { decode: false }), Buffer.from('value'));
  assert.throws(() => store.call('NOPE', 'x'), { code: 'ERR', message: /unknown command 'nope'/ });
  assert.throws(() => store.call(5), { name: 'TypeError', code: 'ARGUMENT' });
  assert.throws(() => store.execute('GET key'), { name: 'TypeError', code: 'ARGUMENT' });
  assert.throws(() => store.execute([]), { name: 'TypeError', code: 'ARGUMENT' });
});

test('containers take their subcommand first', (t) => {
  const store = opened(t);
  store.set('n', 12);
  assert.equal(store.object('ENCODING', 'n'), 'int');
  assert.equal(store.config('SET', 'hash-max-listpack-entries', 5), 'OK');
});
