// What goes wrong, as classes: one for everything, a narrower one for what a command answers.

'use strict';

/** Anything that persistkv refuses or that failed. `code` is for programs, `message` for people. */
class PersistKVError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}
Object.defineProperty(PersistKVError.prototype, 'name', { value: 'PersistKVError' });

/** A command was refused. `message` is the text Redis answers with, `code` its first word. */
class ReplyError extends PersistKVError {}
Object.defineProperty(ReplyError.prototype, 'name', { value: 'ReplyError' });

/**
 * One of the classes above for an error of the native half: its code begins with `#` when it is no reply, and is one of
 * napi's words ("InvalidArg") when the call itself failed.
 */
function fromNative(error, command) {
  const code = String(error.code);
  if (code.startsWith('#')) return new PersistKVError(code.slice(1), error.message);
  if (!/^[A-Z_]+$/.test(code)) return new PersistKVError('INTERNAL', error.message, { cause: error });
  const made = new ReplyError(code, error.message);
  // As in ioredis: which command it was. Not its arguments: they may be secrets, and errors are logged.
  if (command !== undefined) made.command = command;
  return made;
}

/** A misuse of this package, found before anything was done. */
function misuse(message) {
  const error = new TypeError(message);
  error.code = 'ARGUMENT';
  return error;
}

module.exports = { PersistKVError, ReplyError, fromNative, misuse };
