// Subscriptions, with ioredis's events: 'message' (channel, text), 'pmessage' (pattern, channel, text), 'smessage', and
// 'subscribe', 'unsubscribe' and their kin (name, count). Or `for await (const message of subscriber)`.

'use strict';

const { EventEmitter, on } = require('node:events');
const { words } = require('./arguments.cjs');
const { fromNative } = require('./errors.cjs');

class Subscriber extends EventEmitter {
  #native;
  #decode;
  #closed = false;
  #ended = new AbortController();

  constructor(native, decode) {
    super();
    this.#native = native;
    this.#decode = decode;
    this.#native.watch(() => this.#fetch());
  }

  subscribe(...channels) {
    return this.#run('subscribe', channels);
  }

  unsubscribe(...channels) {
    return this.#run('unsubscribe', channels);
  }

  psubscribe(...patterns) {
    return this.#run('psubscribe', patterns);
  }

  punsubscribe(...patterns) {
    return this.#run('punsubscribe', patterns);
  }

  ssubscribe(...channels) {
    return this.#run('ssubscribe', channels);
  }

  sunsubscribe(...channels) {
    return this.#run('sunsubscribe', channels);
  }

  /** Ends all subscriptions. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
    this.#ended.abort();
    this.emit('end');
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }

  /** Messages as they come: `{ channel, message }`, with the pattern when it was one. Ends when this is closed. */
  async *[Symbol.asyncIterator]() {
    try {
      for await (const [message] of on(this, Subscriber.#any, { signal: this.#ended.signal })) yield message;
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  }

  static #any = Symbol('any message');

  #run(name, args) {
    try {
      this.#native.execute(words(name, args));
    } catch (error) {
      throw fromNative(error, name);
    }
    return this;
  }

  #fetch() {
    if (this.#closed) return;
    let messages;
    try {
      messages = this.#native.take(this.#decode);
    } catch (error) {
      // Messages were lost, or the store was closed: there will be no more.
      this.close();
      const failed = fromNative(error);
      if (failed.code !== 'CLOSED') this.emit('error', failed);
      return;
    }
    for (const [kind, ...parts] of messages) this.#tell(String(kind), parts);
  }

  #tell(kind, parts) {
    this.emit(kind, ...parts);
    if (kind === 'pmessage') {
      const [pattern, channel, message] = parts;
      this.emit(Subscriber.#any, { pattern, channel, message });
    } else if (kind.endsWith('message')) {
      const [channel, message] = parts;
      this.emit(Subscriber.#any, { channel, message });
    }
  }
}

module.exports = { Subscriber };
