// A step of `make demo`: opens a directory, reads everything in it, and rewrites its log.

import { createHash } from 'node:crypto';
// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

/** How a key of each type is read, and its contents in an order that does not depend on the store's. */
const READ = {
  string: (store, key) => [store.getBuffer(key)],
  list: (store, key) => store.lrangeBuffer(key, 0, -1),
  set: (store, key) => store.smembersBuffer(key).sort(Buffer.compare),
  hash: (store, key) =>
    pairs(store.execute(['HGETALL', key], { decode: false }))
      .sort(byFirst)
      .flat(),
  zset: (store, key) => store.zrangeBuffer(key, 0, -1, 'WITHSCORES'),
};

function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

function byFirst([a], [b]) {
  return Buffer.compare(a, b);
}

/** Keys by type, and a digest over all keys with their contents and expiry. */
function read(store) {
  const counts = {};
  const hash = createHash('sha256');
  for (const key of store.keysBuffer('*').sort(Buffer.compare)) {
    const type = store.type(key);
    counts[type] = (counts[type] ?? 0) + 1;
    for (const part of [type, key, String(store.pexpiretime(key)), ...READ[type](store, key)]) {
      hash.update(`${Buffer.byteLength(part)}:`).update(part);
    }
  }
  return { counts, digest: hash.digest('hex') };
}

const dir = process.argv[2];
if (dir === undefined) {
  console.error('usage: node demo_step.mjs DIR');
  process.exit(2);
}
const store = open(dir, { appendonly: 'yes' });
const before = read(store);
const found = Object.entries(before.counts).map(([type, keys]) => `${keys} ${type}`);
console.log(`    ${store.dbsize()} keys: ${found.sort().join(', ')}; sha256 ${before.digest.slice(0, 16)}…`);
await store.bgrewriteaof();
if (read(store).digest !== before.digest) throw new Error('the rewrite of the log changed what is in the store');
await store.close();

const again = open(dir, { appendonly: 'yes' });
if (read(again).digest !== before.digest) throw new Error('the new log holds something else');
await again.close();
console.log('    the log is rewritten, and holds the same: ok');
