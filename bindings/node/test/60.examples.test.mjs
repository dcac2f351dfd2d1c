// Every example runs, and says what it should.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { directory, opened, run } from './helpers.mjs';

const EXAMPLES = fileURLToPath(new URL('../../../examples/node/', import.meta.url));

const SAYS = {
  'crash_recover.mjs': /^\d{4,} writes were acknowledged before the kill, 0 are missing\n$/,
  'demo_step.mjs': /^ +5 keys: 1 hash, 1 list, 1 set, 1 string, 1 zset; sha256 [0-9a-f]{16}…\n.*: ok\n$/,
  'four_modes.mjs': new RegExp(
    '^none +kept: false +files: \n' +
      'snapshot +kept: true +files: dump.rdb\n' +
      'log +kept: true +files: appendonlydir\n' +
      'both +kept: true +files: appendonlydir dump.rdb\n$',
  ),
  'quickstart.mjs': /^hello job-1 \{ name: 'Ada', visits: '1' \}\n$/,
  'save_points.mjs': new RegExp(
    '^save "": kept over a close: false\n' +
      'save "" and SAVE: kept over a close: true\n' +
      'save "3600 1": kept over a close: true\n' +
      'save "3600 1" and SAVE: kept over a close: true\n$',
  ),
  'snapshot_while_writing.mjs': /^50000 of 50000 keys have the value they had when the snapshot began\n$/,
  'transfer.mjs': /^400 transfers: 300 in all, no account below zero\n$/,
};

test('every example is tested', () => {
  assert.deepEqual(readdirSync(EXAMPLES).sort(), Object.keys(SAYS));
});

for (const [name, says] of Object.entries(SAYS)) {
  test(name, async (t) => {
    const dir = join(directory(t), 'data');
    if (name === 'demo_step.mjs') {
      const store = opened(t, dir, { appendonly: 'yes' });
      store.set('string', 'x', 'EX', 100);
      store.rpush('list', 'b', 'a');
      store.sadd('set', 'b', 'a');
      store.hset('hash', { b: 1, a: 2 });
      store.zadd('zset', 2, 'b', 1, 'a');
      await store.close();
    }
    const ended = await run(join(EXAMPLES, name), dir);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, says);
    assert.equal(ended.stderr, '');
  });
}

test('demo_step.mjs without a directory says how it is used', async () => {
  const ended = await run(join(EXAMPLES, 'demo_step.mjs'));
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /^usage: /);
});
