// Save points: `save ""` never saves by itself; `save "3600 1"` saves at the close and, after an hour, by itself.

import { join } from 'node:path';
// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const root = process.argv[2] ?? 'save-points-data';
for (const save of ['', '3600 1']) {
  const path = join(root, save === '' ? 'never' : 'hourly');
  const first = open(path, { save });
  first.set('k', 'v');
  await first.close();

  const second = open(path, { save });
  console.log(`save "${save}": kept over a close: ${second.exists('k') === 1}`);
  second.set('k', 'v');
  await second.save(); // works whatever the save points say
  await second.close();

  const third = open(path, { save });
  console.log(`save "${save}" and SAVE: kept over a close: ${third.exists('k') === 1}`);
  await third.close();
}
