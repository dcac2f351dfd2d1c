// Opens a directory and says what came of it.

import { open } from 'persistkv';

try {
  open(process.argv[2], { appendonly: 'yes' }).closeSync();
  console.log('opened');
} catch (error) {
  console.log(error.name, error.code, error.message);
}
