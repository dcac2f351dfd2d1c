// JavaScript arguments to a command's words: strings and views of bytes, which is what the native half takes.
//
// Habits are ioredis's: an array stands for its elements, and where a command takes pairs, an object or a Map does.
// Unlike there, nothing is guessed: undefined, null, booleans and objects are refused instead of stored as text.

'use strict';

const { misuse } = require('./errors.cjs');

/** How many arguments stand before the pairs that an object or a Map may replace. */
const PAIRS_AFTER = new Map([
  ['mset', 0],
  ['msetnx', 0],
  ['hset', 1],
  ['hmset', 1],
  ['xadd', 2],
]);

function isPairs(value) {
  if (value instanceof Map) return true;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Arguments without arrays and pairs in them. */
function flatten(name, args) {
  const at = PAIRS_AFTER.get(name);
  const pairs = at !== undefined && args.length === at + 1 && isPairs(args[at]);
  if (!pairs && !args.some(Array.isArray)) return args;
  const flat = [];
  args.forEach((arg, index) => {
    if (pairs && index === at) {
      for (const [key, value] of arg instanceof Map ? arg : Object.entries(arg)) flat.push(key, value);
    } else if (Array.isArray(arg)) {
      // `mset([['a', 1], ['b', 2]])` is a list of pairs: one level more than elsewhere.
      for (const part of at !== undefined ? arg.flat() : arg) flat.push(part);
    } else {
      flat.push(arg);
    }
  });
  return flat;
}

function describe(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array inside an array';
  if (typeof value !== 'object') return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  const made = value.constructor?.name;
  return !made || made === 'Object' ? 'an object' : `a ${made} object`;
}

const HINTS = {
  boolean: 'pass 1 or 0, or a string',
  object: 'pass a string, for example of JSON.stringify',
};

function refuse(name, index, value) {
  const hint = value !== null && HINTS[typeof value];
  return misuse(
    `${name.toUpperCase()}: argument ${index + 1} is ${describe(value)}; ` +
      (hint || 'pass a string, a number, a bigint or a Buffer'),
  );
}

/** A view of the bytes of whatever holds bytes, `undefined` for anything else. */
function bytes(value) {
  let view;
  if (value instanceof Uint8Array) view = value;
  else if (ArrayBuffer.isView(value)) view = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) view = new Uint8Array(value);
  else return undefined;
  // Another thread may write to shared memory while the engine reads it: a copy stays as it is.
  return view.buffer instanceof SharedArrayBuffer ? Uint8Array.from(view) : view;
}

function word(name, index, value) {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (Number.isNaN(value)) throw misuse(`${name.toUpperCase()}: argument ${index + 1} is NaN`);
      return String(value);
    case 'bigint':
      return String(value);
    case 'object': {
      const view = value === null ? undefined : bytes(value);
      if (view !== undefined) return view;
    }
  }
  throw refuse(name, index, value);
}

/** The words of a command, its name first. */
function words(name, args) {
  const flat = flatten(name, args);
  const argv = new Array(flat.length + 1);
  argv[0] = name;
  for (let index = 0; index < flat.length; index++) argv[index + 1] = word(name, index, flat[index]);
  return argv;
}

module.exports = { words };
