// Programs end without closing: nothing acknowledged is lost, and nothing hangs or crashes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { child, directory, opened } from './helpers.mjs';

function all(t, dir, directives) {
  const store = opened(t, dir, directives);
  assert.equal(store.dbsize(), 1_000);
  assert.equal(store.get('key:999'), '999');
}

for (const [way, code, signal] of [
  ['end', 0, null],
  ['exit', 3, null],
  ['throw', 1, null],
  ['pending', 4, null],
  ['kill', null, 'SIGKILL'],
]) {
  test(`with a log: ${way}`, async (t) => {
    const dir = directory(t);
    const ended = await child('leave.mjs', dir, 'appendonly', 'yes', way);
    assert.deepEqual([ended.code, ended.signal], [code, signal], ended.stderr);
    all(t, dir, { appendonly: 'yes' });
  });
}

for (const [way, code] of [
  ['end', 0],
  ['exit', 3],
  ['throw', 1],
]) {
  test(`with save points a last snapshot is saved: ${way}`, async (t) => {
    const dir = directory(t);
    const ended = await child('leave.mjs', dir, 'save', '3600 1', way);
    assert.equal(ended.code, code, ended.stderr);
    all(t, dir, { save: '3600 1' });
  });
}

test('a store that is forgotten is closed with the garbage', async (t) => {
  const dir = directory(t);
  const ended = await child('forgotten.mjs', dir);
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /^value \d+\n$/);
});
