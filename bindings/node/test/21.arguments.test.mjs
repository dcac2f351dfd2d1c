// What may be an argument, and what is said of what may not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opened } from './helpers.mjs';

test('numbers and bigints are their decimal texts', (t) => {
  const store = opened(t);
  const texts = [
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [1e21, '1e+21'],
    [-Infinity, '-Infinity'],
    [2n ** 63n - 1n, '9223372036854775807'],
  ];
  for (const [value, text] of texts) {
    store.set('key', value);
    assert.equal(store.get('key'), text);
  }
});

test('anything that holds bytes is its bytes', (t) => {
  const store = opened(t);
  const bytes = Uint8Array.of(0, 1, 254, 255);
  const shared = new SharedArrayBuffer(4);
  new Uint8Array(shared).set(bytes);
  const wide = new Uint8Array(12);
  wide.set(bytes, 4);
  const views = [
    bytes,
    Buffer.from(bytes),
    bytes.buffer,
    shared,
    new Uint8Array(shared),
    new DataView(bytes.buffer),
    new Uint16Array(bytes.buffer),
    wide.subarray(4, 8),
  ];
  for (const view of views) {
    store.set('key', view);
    assert.deepEqual(store.getBuffer('key'), Buffer.from(bytes));
  }
  store.set('key', Buffer.alloc(0));
  assert.equal(store.get('key'), '');
});

test('strings are UTF-8, whatever their length', (t) => {
  const store = opened(t);
  const parts = ['', 'a', 'é', '€', '😀', '\0', 'a\0b'];
  for (const part of parts) {
    for (let length = 240; length < 264; length++) {
      const text = 'x'.repeat(length) + part;
      store.set(part, text);
      assert.equal(store.get(part), text);
      assert.equal(store.strlen(part), Buffer.byteLength(text));
    }
  }
  const long = '€'.repeat(1_000_000);
  store.set('long', long);
  assert.equal(store.get('long'), long);
  // Half a pair is no character: it becomes U+FFFD, as everywhere in Node.
  store.set('half', '\ud83d');
  assert.equal(store.get('half'), '\ufffd');
});

test('what is no argument is refused, and nothing happens', (t) => {
  const store = opened(t);
  const refused = [
    [undefined, /SET: argument 2 is undefined; pass a string/],
    [null, /SET: argument 2 is null/],
    [true, /a boolean; pass 1 or 0/],
    [Symbol('x'), /a symbol/],
    [{ a: 1 }, /an object; pass a string, for example of JSON.stringify/],
    [new Date(0), /a Date object/],
    [new Map(), /a Map object/],
    [() => 1, /a function/],
    [NaN, /NaN/],
    [[[1]], /an array inside an array/],
  ];
  for (const [value, message] of refused) {
    const error = { name: 'TypeError', code: 'ARGUMENT', message };
    assert.throws(() => store.set('key', value), error);
    assert.throws(() => store.call('SET', 'key', value), error);
    assert.throws(() => store.execute(['SET', 'key', value]), error);
  }
  assert.equal(store.exists('key'), 0);
  assert.throws(() => store.hset('h', { a: undefined }), { message: /HSET: argument 3 is undefined/ });
  assert.throws(() => store.set({ a: 1 }), { name: 'TypeError', message: /argument 1 is an object/ });
});

test('too many or too few arguments are the engine’s to refuse', (t) => {
  const store = opened(t);
  const arity = { name: 'ReplyError', code: 'ERR' };
  assert.throws(() => store.get(), { ...arity, message: "ERR wrong number of arguments for 'get' command" });
  assert.throws(() => store.get('a', 'b'), arity);
  const many = Array.from({ length: 100_000 }, (_, i) => i);
  assert.equal(store.rpush('l', many), 100_000);
  assert.equal(store.lindex('l', -1), '99999');
});
