// A store that other programs talk to over a socket.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { open } from '../index.mjs';

const ask = (path, line) =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(line));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });

test('others talk to the store of this process', async () => {
  const store = open(':memory:');
  const path = join(tmpdir(), `pkv-node-${process.pid}`);
  const listener = store.listen(`unix:${path}`, { threads: 1 });
  assert.deepEqual(listener.addresses, [`unix:${path}`]);
  store.set('k', 'inside');
  assert.equal(await ask(path, 'GET k\r\n'), '$6\r\ninside\r\n');
  assert.equal(await ask(path, 'SET k outside\r\n'), '+OK\r\n');
  assert.equal(store.get('k'), 'outside');
  await listener.stop();
  await listener.stop();
  await assert.rejects(ask(path, 'PING\r\n'));
  // A closed store ends its listeners.
  store.listen(`unix:${path}`);
  assert.equal(await ask(path, 'PING\r\n'), '+PONG\r\n');
  await store.close();
  await assert.rejects(ask(path, 'PING\r\n'));
  assert.throws(() => store.listen(`unix:${path}`), { code: 'CLOSED' });
});

test('mistakes are named', () => {
  const store = open(':memory:');
  assert.throws(() => store.listen('tcp:0.0.0.0:0'), { code: 'CONFIG' });
  assert.throws(() => store.listen('nowhere'), /there is no port/);
  assert.throws(() => store.listen(7), /must be a string/);
  assert.throws(() => store.listen('127.0.0.1:0', { threads: -1 }), /threads/);
  assert.throws(() => store.listen('127.0.0.1:0', { thread: 1 }), /unknown option "thread"/);
  store.closeSync();
});
