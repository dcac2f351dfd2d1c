// The four persistence modes: what is on disk after a close, and what comes back.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const MODES = {
  none: { save: '', appendonly: 'no' },
  snapshot: { save: '3600 1 300 100', appendonly: 'no' },
  log: { save: '', appendonly: 'yes', appendfsync: 'everysec' },
  both: { save: '3600 1', appendonly: 'yes' },
};

const root = process.argv[2] ?? 'four-modes-data';
for (const [name, directives] of Object.entries(MODES)) {
  const path = join(root, name);
  const store = open(path, directives);
  store.incr('runs');
  await store.close();
  const files = readdirSync(path).filter((file) => file !== 'persistkv.lock');

  const again = open(path, directives);
  const kept = again.get('runs') !== null;
  await again.close();
  console.log(`${name.padEnd(10)} kept: ${String(kept).padEnd(5)}  files: ${files.sort().join(' ')}`);
}
