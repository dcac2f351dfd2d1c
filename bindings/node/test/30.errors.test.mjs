// Errors: classes, names, codes, and that a panic is only an error.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { PersistKVError, ReplyError } from 'persistkv';
import { opened } from './helpers.mjs';

function caught(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}

test('a refused command is a ReplyError with Redis’s text and code word', (t) => {
  const store = opened(t);
  store.set('key', 'value');
  const error = caught(() => store.lpush('key', 1));
  assert.ok(error instanceof ReplyError);
  assert.ok(error instanceof PersistKVError);
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'ReplyError');
  assert.equal(error.code, 'WRONGTYPE');
  assert.equal(error.message, 'WRONGTYPE Operation against a key holding the wrong kind of value');
  assert.equal(error.command, 'lpush');
  assert.match(error.stack, /^ReplyError: WRONGTYPE/);
  assert.match(error.stack, /30\.errors\.test/);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'command']);
});

test('codes are the first word', (t) => {
  const store = opened(t);
  assert.equal(caught(() => store.incrby('n', 'x')).code, 'ERR');
  assert.equal(caught(() => store.restore('k', 0, 'junk')).code, 'ERR');
  store.set('k', 1);
  assert.equal(caught(() => store.restore('k', 0, store.dumpBuffer('k'))).code, 'BUSYKEY');
});

test('a store in memory has nothing to save to', async (t) => {
  const store = opened(t);
  await assert.rejects(store.save(), { name: 'ReplyError', code: 'ERR', command: 'save' });
  await assert.rejects(store.bgsave(), { name: 'ReplyError', command: 'bgsave' });
});

test('a panic is an error of its call, not the end of the process', () => {
  const native = createRequire(import.meta.url)('../persistkv.node');
  assert.equal(typeof native.panicForATest, 'function', 'tests need a debug build: npm run build:debug');
  assert.throws(() => native.panicForATest(), { message: /a panic made for a test/ });
});

test('every exported function catches panics', () => {
  const dir = new URL('../src/', import.meta.url);
  let exported = 0;
  for (const file of readdirSync(dir)) {
    const lines = readFileSync(new URL(file, dir), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (!/^\s*pub fn /.test(line)) continue;
      exported++;
      // The attribute stands right above, over one line or several.
      const above = lines.slice(0, index).join('\n');
      const attribute = above.slice(above.lastIndexOf('#[napi'));
      assert.match(
        attribute,
        /^#\[napi\([^\n]*catch_unwind|^#\[napi\(\n[^;{}]*catch_unwind/,
        `${file}: ${line.trim()}`,
      );
      assert.doesNotMatch(attribute, /[;{}]/, `${file}: no attribute above ${line.trim()}`);
    }
  }
  assert.ok(exported > 10, `only ${exported} exported functions were found`);
});

test('what needs an object of its own says which', (t) => {
  const store = opened(t);
  for (const [call, instead] of [
    [['subscribe', 'a'], /call subscriber\(\)/],
    [['monitor'], /call listen\(\)/],
    [['client', 'tracking', 'on'], /call listen\(\)/],
  ]) {
    const error = caught(() => store.call(...call));
    assert.match(error.message, instead);
  }
  assert.equal(store.ping(), 'PONG');
});
