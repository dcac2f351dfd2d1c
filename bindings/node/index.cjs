// persistkv for CommonJS: `const { open } = require('persistkv')`.

'use strict';

const { Store, open, commands } = require('./lib/store.cjs');
const { PersistKVError, ReplyError } = require('./lib/errors.cjs');

module.exports = { open, Store, PersistKVError, ReplyError, commands };
