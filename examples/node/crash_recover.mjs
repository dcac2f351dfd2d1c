// A child process writes until it is killed with SIGKILL; everything it was told is written comes back.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const [path = 'crash-data', role] = process.argv.slice(2);
const directives = { appendonly: 'yes', save: '' };

if (role === 'write') {
  const store = open(path, directives);
  for (;;) {
    const n = store.incr('n');
    store.set(`k${n}`, 'v');
    writeSync(1, `${n}\n`); // whatever is printed was acknowledged before
  }
}

const writer = spawn(process.execPath, [fileURLToPath(import.meta.url), path, 'write'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(writer, 'close');
let last = 0;
for await (const line of createInterface({ input: writer.stdout })) {
  // The last line may be cut short by the kill: then it is no number that follows.
  if (last === 0 || Number(line) === last + 1) last = Number(line);
  if (last >= 5_000) writer.kill('SIGKILL');
}
await ended;

const store = open(path, directives);
let missing = 0;
for (let n = 1; n <= last; n++) missing += 1 - store.exists(`k${n}`);
await store.close();
console.log(`${last} writes were acknowledged before the kill, ${missing} are missing`);
process.exitCode = missing === 0 && last >= 5_000 ? 0 : 1;
