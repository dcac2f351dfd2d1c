// What replies become: almost always what the native half made of them already.

'use strict';

const { fromNative } = require('./errors.cjs');

/** A flat list of fields and values, or a list of pairs (RESP3), as an object. */
function toObject(reply) {
  if (!Array.isArray(reply)) return reply;
  const flat = reply.length > 0 && Array.isArray(reply[0]) ? reply.flat() : reply;
  const object = {};
  for (let index = 0; index < flat.length; index += 2) {
    const field = String(flat[index]);
    // A field may be called __proto__: assigning it would set the prototype.
    if (field === '__proto__') {
      const value = flat[index + 1];
      Object.defineProperty(object, field, { value, configurable: true, enumerable: true, writable: true });
    } else object[field] = flat[index + 1];
  }
  return object;
}

/** Errors inside a reply, of the classes of this package. */
function revive(reply) {
  if (reply instanceof Error) return fromNative(reply);
  return Array.isArray(reply) ? reply.map(revive) : reply;
}

/** Commands whose reply takes another shape, and the shape. */
const SHAPES = new Map([
  ['hgetall', toObject],
  ['exec', revive],
  ['eval', revive],
  ['eval_ro', revive],
  ['evalsha', revive],
  ['evalsha_ro', revive],
  ['fcall', revive],
  ['fcall_ro', revive],
]);

module.exports = { SHAPES, revive };
