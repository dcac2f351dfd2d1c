// Opens a store and forgets it: it is closed when the garbage is collected. Run with --expose-gc.

import { setImmediate } from 'node:timers/promises';
import { open } from 'persistkv';

const dir = process.argv[2];
open(dir, { save: '3600 1' }).set('key', 'value');
for (let round = 0; ; round++) {
  globalThis.gc();
  await setImmediate();
  try {
    // Other directives are refused as long as the forgotten one is open.
    const store = open(dir, { save: '', databases: 3 });
    console.log(store.get('key'), round);
    break;
  } catch (error) {
    if (error.code !== 'CONFIG' || round > 1_000) throw error;
  }
}
