// BGSAVE is the data set of one instant, while writes go on.

// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const KEYS = 50_000;
const path = process.argv[2] ?? 'snapshot-data';

const store = open(path, { save: '' });
for (let n = 0; n < KEYS; n++) store.set(`k${n}`, 'before');
const saved = store.bgsave();
for (let n = 0; n < KEYS; n++) store.set(`k${n}`, 'after');
await saved; // the file is on disk
await store.close();

const again = open(path, { save: '' });
let before = 0;
for (let n = 0; n < KEYS; n++) before += Number(again.get(`k${n}`) === 'before');
await again.close();
console.log(`${before} of ${KEYS} keys have the value they had when the snapshot began`);
process.exitCode = before === KEYS ? 0 : 1;
