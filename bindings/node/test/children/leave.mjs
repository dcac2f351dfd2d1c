// Writes, and ends in the way it is told to, without closing.

import { open } from 'persistkv';

const [dir, directive, value, way] = process.argv.slice(2);
const store = open(dir, { [directive]: value });
for (let i = 0; i < 1_000; i++) store.set(`key:${i}`, i);
if (way === 'exit') process.exit(3);
if (way === 'kill') process.kill(process.pid, 'SIGKILL');
if (way === 'throw') throw new Error('nobody catches this');
if (way === 'pending') {
  void store.save();
  process.exit(4);
}
// "end": nothing is left to do.
