// Opening, looking, closing.

import assert from 'node:assert/strict';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import persistkv, { PersistKVError, Store, open } from 'persistkv';
import { directory, opened } from './helpers.mjs';

test('CommonJS and ES modules give the same things', () => {
  const required = createRequire(import.meta.url)('persistkv');
  assert.equal(required, persistkv);
  assert.equal(required.open, open);
});

test('a directory is made, and keeps its data', (t) => {
  const dir = join(directory(t), 'deep', 'store');
  const store = open(dir, { appendonly: 'yes' });
  assert.ok(store instanceof Store);
  assert.equal(store.path, realpathSync(dir));
  assert.equal(store.isOpen, true);
  store.set('key', 'value');
  store.closeSync();
  assert.equal(store.isOpen, false);
  assert.ok(existsSync(join(dir, 'appendonlydir')));
  assert.equal(opened(t, dir, { appendonly: true }).get('key'), 'value');
});

test('a file: URL is a path', (t) => {
  const dir = directory(t);
  const store = opened(t, pathToFileURL(dir));
  assert.equal(store.path, realpathSync(dir));
});

test('a store in memory keeps nothing and is nobody else’s', (t) => {
  const [one, two] = [opened(t), opened(t)];
  one.set('key', 'value');
  assert.equal(one.path, ':memory:');
  assert.equal(two.exists('key'), 0);
});

test('directives are Redis’s, values may be numbers and booleans', (t) => {
  const directives = { appendonly: true, save: '3600 1', databases: 3, 'auto-aof-rewrite-min-size': '1mb' };
  const store = opened(t, directory(t), directives);
  assert.deepEqual(store.config('GET', 'appendonly'), ['appendonly', 'yes']);
  assert.deepEqual(store.config('GET', 'save'), ['save', '3600 1']);
  assert.deepEqual(store.config('GET', 'databases'), ['databases', '3']);
  assert.deepEqual(store.config('GET', 'auto-aof-rewrite-min-size'), ['auto-aof-rewrite-min-size', '1048576']);
});

test('an unknown directive and a bad value are named', (t) => {
  const dir = directory(t);
  const refused = { name: 'PersistKVError', code: 'CONFIG' };
  assert.throws(() => open(dir, { apendonly: 'yes' }), { ...refused, message: /apendonly/ });
  assert.throws(() => open(dir, { appendonly: 'perhaps' }), { ...refused, message: /appendonly/ });
});

test('misuse of open is named before anything happens', () => {
  const refuses = (message, ...args) => {
    assert.throws(() => open(...args), { name: 'TypeError', code: 'ARGUMENT', message });
  };
  refuses(/path/);
  refuses(/path/, '');
  refuses(/path/, 5);
  refuses(/NUL/, 'a\0b');
  refuses(/directives/, ':memory:', ['appendonly', 'yes']);
  refuses(/directives/, ':memory:', 'appendonly yes');
  refuses(/"appendonly"/, ':memory:', { appendonly: {} });
  refuses(/third argument/, ':memory:', { decode: false });
  refuses(/did you mean "decode"/, ':memory:', {}, { Decode: false });
  refuses(/unknown option "timeout"/, ':memory:', {}, { timeout: 1 });
  refuses(/"decode" must be/, ':memory:', {}, { decode: 'no' });
});

test('a path that is a file is an error of the system', (t) => {
  const file = join(directory(t), 'file');
  const store = open(file);
  store.closeSync();
  assert.throws(() => open(join(file, 'persistkv.lock')), { name: 'PersistKVError', code: 'IO' });
});

test('after a close everything says so', async (t) => {
  const store = open(directory(t));
  await store.close();
  const closed = { name: 'PersistKVError', code: 'CLOSED', message: /closed/ };
  assert.throws(() => store.get('key'), closed);
  assert.throws(() => store.call('PING'), closed);
  assert.throws(() => store.execute(['PING']), closed);
  assert.throws(() => store.duplicate(), closed);
  await assert.rejects(store.save(), closed);
  await assert.rejects(store.bgsave(), closed);
  await assert.rejects(store.bgrewriteaof(), closed);
  await store.close();
  store.closeSync();
  assert.ok(closed.name === PersistKVError.prototype.name);
});

test('opening a directory twice gives the same store, until the last one closes it', async (t) => {
  const dir = directory(t);
  const one = open(dir, { appendonly: 'yes' });
  const two = open(dir, { appendonly: 'yes' });
  one.set('key', 'value');
  assert.equal(two.get('key'), 'value');
  await one.close();
  assert.throws(() => one.get('key'), { code: 'CLOSED' });
  assert.equal(two.get('key'), 'value');
  await two.close();
  const three = opened(t, dir, { appendonly: 'yes' });
  assert.equal(three.get('key'), 'value');
});

test('directives that disagree with those in force are refused', (t) => {
  const dir = directory(t);
  opened(t, dir, { appendonly: 'yes' });
  assert.throws(() => open(dir, { appendonly: 'no' }), { code: 'CONFIG', message: /appendonly/ });
});

test('duplicates select their own database and close for themselves', (t) => {
  const store = opened(t);
  store.select(2);
  const other = store.duplicate();
  assert.equal(other.db, 2);
  other.select(3);
  assert.deepEqual([store.db, other.db], [2, 3]);
  store.set('key', 'two');
  other.set('key', 'three');
  assert.equal(store.get('key'), 'two');
  other.closeSync();
  assert.equal(store.get('key'), 'two');
});

test('a store is disposable', async (t) => {
  const dir = directory(t);
  const store = open(dir);
  store[Symbol.dispose ?? Symbol.for('Symbol.dispose')]();
  assert.equal(store.isOpen, false);
  const again = open(dir);
  await again[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
  assert.equal(again.isOpen, false);
});

test('what loading repaired is told', async (t) => {
  const dir = directory(t);
  const store = open(dir, { appendonly: 'yes' });
  assert.deepEqual(store.loadNotes(), []);
  store.set('kept', '1');
  await store.close();
  const { appendFileSync, readdirSync } = await import('node:fs');
  const log = readdirSync(join(dir, 'appendonlydir')).find((name) => name.endsWith('.incr.aof'));
  appendFileSync(join(dir, 'appendonlydir', log), '*3\r\n$3\r\nSET\r\n$4\r\nto');
  const again = opened(t, dir, { appendonly: 'yes' });
  assert.equal(again.get('kept'), '1');
  assert.equal(again.loadNotes().length, 1);
});
