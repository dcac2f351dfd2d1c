// The same for CommonJS.

import persistkv = require('persistkv');

const store = persistkv.open(':memory:');
const value: string | null = store.get('key');
const failed: unknown = new persistkv.PersistKVError('ERR', String(value));
if (failed instanceof persistkv.ReplyError) console.log(failed.command);
