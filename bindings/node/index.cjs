// persistkv for CommonJS: `const { open } = require('persistkv')`.

'use strict';

const { Pipeline, Store, Subscriber, open, commands } = require('./lib/store.cjs');
const { PersistKVError, ReplyError } = require('./lib/errors.cjs');

module.exports = { open, Store, Pipeline, Subscriber, PersistKVError, ReplyError, commands };
