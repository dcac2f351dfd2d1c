// What waits for the disk, and what is on it afterwards.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from 'persistkv';
import { directory, opened } from './helpers.mjs';

function persistence(store) {
  const fields = store.info('persistence').matchAll(/^(\w+):(.*)\r$/gm);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

/** What a store of another process would find: the files as they are now, opened elsewhere. */
async function reread(t, dir, directives) {
  const { cpSync } = await import('node:fs');
  const copy = join(directory(t), 'copy');
  cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('persistkv.lock') });
  return opened(t, copy, directives);
}

test('save is a promise that resolves when the snapshot is on disk', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { save: '' });
  store.set('key', 'value');
  const saving = store.save();
  assert.ok(saving instanceof Promise);
  assert.equal(await saving, 'OK');
  assert.equal((await reread(t, dir, { save: '' })).get('key'), 'value');
});

test('bgsave holds what was there when it was called, and resolves when that is on disk', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { save: '' });
  for (let i = 0; i < 5_000; i++) store.set(`key:${i}`, 'before');
  const saving = store.bgsave();
  for (let i = 0; i < 10_000; i++) store.set(`key:${i}`, 'after');
  assert.equal(await saving, 'Background saving started');
  assert.equal(persistence(store).rdb_bgsave_in_progress, '0');
  const copy = await reread(t, dir, { save: '' });
  assert.equal(copy.dbsize(), 5_000);
  const values = copy.mget(Array.from({ length: 5_000 }, (_, i) => `key:${i}`));
  assert.ok(values.every((value) => value === 'before'));
});

test('a snapshot that cannot be written rejects', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { save: '' });
  store.set('key', 'value');
  const { mkdirSync } = await import('node:fs');
  // A folder of the file's name cannot be replaced by a file.
  mkdirSync(join(dir, 'dump.rdb', 'in-the-way'), { recursive: true });
  await assert.rejects(store.save(), { name: 'PersistKVError', code: 'IO', message: /dump\.rdb/ });
  await assert.rejects(store.bgsave(), { name: 'ReplyError', message: 'ERR Background saving failed' });
  assert.equal(store.get('key'), 'value');
});

test('bgsave schedule waits for the rewrite under way, and its promise for both', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { appendonly: 'yes', save: '' });
  for (let i = 0; i < 20_000; i++) store.set(`key:${i}`, 'x'.repeat(100));
  const rewriting = store.bgrewriteaof();
  const reply = await store.bgsave('SCHEDULE');
  assert.match(reply, /^Background saving (scheduled|started)$/);
  assert.ok(statSync(join(dir, 'dump.rdb')).size > 0);
  await rewriting;
});

test('bgrewriteaof resolves when the new log is in place', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { appendonly: 'yes' });
  for (let i = 0; i < 1_000; i++) store.set('key', 'x'.repeat(1_000));
  const before = Number(persistence(store).aof_current_size);
  assert.equal(await store.bgrewriteaof(), 'Background append only file rewriting started');
  const after = persistence(store);
  assert.equal(after.aof_rewrite_in_progress, '0');
  assert.ok(Number(after.aof_current_size) < before / 10, `${before} to ${after.aof_current_size}`);
  const bases = readdirSync(join(dir, 'appendonlydir')).filter((name) => name.includes('.base.'));
  assert.equal(bases.length, 1);
  assert.equal((await reread(t, dir, { appendonly: 'yes' })).strlen('key'), 1_000);
});

test('a save point saves by itself, and keys expire by themselves', async (t) => {
  const dir = directory(t);
  const store = opened(t, dir, { save: '1 1' });
  store.set('key', 'value');
  store.set('passing', 'value', 'PX', 20);
  // Nothing is written, nor is a key read, while both are awaited.
  const { setTimeout: sleep } = await import('node:timers/promises');
  while (!/^expired_keys:1\r$/m.test(store.info('stats'))) await sleep(5);
  while (Number(persistence(store).rdb_saves) === 0) await sleep(5);
  const copy = await reread(t, dir, { save: '' });
  assert.deepEqual(copy.keys('*'), ['key']);
});

test('close saves when save points are set and something changed', async (t) => {
  const dir = directory(t);
  const store = open(dir, { save: '3600 1' });
  store.set('key', 'value');
  await store.close();
  assert.ok(statSync(join(dir, 'dump.rdb')).size > 0);
  assert.equal(opened(t, dir, { save: '3600 1' }).get('key'), 'value');
});

test('close does not save with save ""', async (t) => {
  const dir = directory(t);
  const store = open(dir, { save: '' });
  store.set('key', 'value');
  await store.close();
  assert.equal(existsSync(join(dir, 'dump.rdb')), false);
});

test('several promises at once, while commands go on', async (t) => {
  const store = opened(t, directory(t), { appendonly: 'yes' });
  for (let i = 0; i < 1_000; i++) store.set(`key:${i}`, i);
  const saves = Array.from({ length: 5 }, () => store.save());
  for (let i = 0; i < 1_000; i++) store.incr('n');
  assert.deepEqual(await Promise.all(saves), Array(5).fill('OK'));
  await store.bgrewriteaof();
  assert.equal(store.get('n'), '1000');
});

test('closing during a snapshot ends it, and the promise settles', async (t) => {
  const store = open(directory(t), { save: '' });
  for (let i = 0; i < 20_000; i++) store.set(`key:${i}`, 'x'.repeat(100));
  const saving = store.bgsave().then(
    () => 'resolved',
    (error) => error.code,
  );
  await store.close();
  assert.ok(['resolved', 'CLOSED'].includes(await saving));
});

test('another process is told who has the directory open', async (t) => {
  const { child } = await import('./helpers.mjs');
  const dir = directory(t);
  opened(t, dir, { appendonly: 'yes' });
  const { stdout } = await child('open.mjs', dir);
  assert.match(stdout, new RegExp(`^PersistKVError LOCKED .*process ${process.pid}`));
});
