// The store as a program sees it. Methods for the commands are made from the engine's own table.

'use strict';

const { fileURLToPath } = require('node:url');
const native = require('./native.cjs');
const { words } = require('./arguments.cjs');
const { fromNative, misuse } = require('./errors.cjs');
const { Pipeline, whenFilled } = require('./pipeline.cjs');
const { Listener, Made } = require('./listener.cjs');
const { SHAPES, revive } = require('./replies.cjs');
const { Subscriber } = require('./subscriber.cjs');
const { Aborted, wait, withoutSignal } = require('./waiting.cjs');
const atExit = require('./at-exit.cjs');

const MEMORY = ':memory:';
const OPTIONS = ['decode'];

/** Commands by name, as the engine knows them. */
const TABLE = new Map(native.commands().map((row) => [row.name, row]));

/** Not methods of a store: what they answer are messages, and these go to a subscriber. */
const SUBSCRIBING = new Set(['subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'ssubscribe', 'sunsubscribe']);

/** Not methods of a pipeline: it says these itself. */
const BRACKETS = new Set(['multi', 'exec', 'discard', 'watch', 'unwatch']);

/** Commands that wait for the disk, with the native method that runs them on a thread of its own. */
const DISK = new Map([
  ['save', (half, argv, decode) => half.executeWaiting(argv, decode)],
  ['bgsave', (half, argv) => half.snapshot(argv)],
  ['bgrewriteaof', (half, argv) => half.rewrite(argv)],
]);

/** Whether a command may wait for another client: then it must not hold this thread up. */
function mayWait(name, argv) {
  if (!TABLE.get(name)?.flags.includes('blocking')) return false;
  // These wait only when told to.
  if (name !== 'xread' && name !== 'xreadgroup') return true;
  const streams = argv.findIndex((word) => String(word).toUpperCase() === 'STREAMS');
  return argv.slice(0, streams).some((word) => String(word).toUpperCase() === 'BLOCK');
}

function checkedPath(path) {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path !== 'string' || path === '') {
    throw misuse(`open: the path must be a non-empty string, a file: URL or "${MEMORY}"`);
  }
  if (path.includes('\0')) throw misuse('open: the path has a NUL character in it');
  return path;
}

function checkedDirectives(directives) {
  if (directives === undefined || directives === null) return [];
  if (typeof directives !== 'object' || Array.isArray(directives)) {
    throw misuse('open: directives must be an object, for example { appendonly: "yes" }');
  }
  return Object.entries(directives).map(([name, value]) => {
    if (OPTIONS.includes(name)) {
      throw misuse(`open: "${name}" is no directive but an option; pass { ${name}: … } as the third argument`);
    }
    if (typeof value === 'boolean') return [name, value ? 'yes' : 'no'];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
      return [name, String(value)];
    }
    throw misuse(`open: directive "${name}" must be a string, a number or a boolean`);
  });
}

function checkedOptions(options) {
  if (options === undefined) return { decode: true };
  if (options === null || typeof options !== 'object') throw misuse('open: options must be an object');
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name)) continue;
    const meant = OPTIONS.find((known) => known === name.toLowerCase());
    throw misuse(`open: unknown option "${name}"` + (meant ? `; did you mean "${meant}"?` : ''));
  }
  const { decode = true } = options;
  if (typeof decode !== 'boolean') throw misuse('open: option "decode" must be true or false');
  return { decode };
}

class Store {
  #native;
  #decode;

  constructor(path, directives, options) {
    if (path instanceof Duplicate) {
      this.#native = path.native;
      this.#decode = path.decode;
    } else {
      const checked = checkedPath(path);
      const pairs = checkedDirectives(directives);
      this.#decode = checkedOptions(options).decode;
      try {
        this.#native = native.NativeStore.open(checked === MEMORY ? null : checked, pairs);
      } catch (error) {
        throw fromNative(error);
      }
    }
    atExit.watch(this);
  }

  /** The directory, `":memory:"` for a store in memory. */
  get path() {
    return this.#native.dir ?? MEMORY;
  }

  /** Whether it can be used. */
  get isOpen() {
    return !this.#native.closed;
  }

  /** The selected database. */
  get db() {
    return this.#native.db;
  }

  call(name, ...args) {
    return this.#run(this.#lower(name), args, this.#decode);
  }

  callBuffer(name, ...args) {
    return this.#run(this.#lower(name), args, false);
  }

  execute(argv, options) {
    if (!Array.isArray(argv) || argv.length === 0) {
      throw misuse('execute: pass the command with its arguments as a non-empty array');
    }
    const decode = options === undefined ? this.#decode : checkedOptions(options).decode;
    return revive(this.#sync(words(this.#lower(argv[0]), argv.slice(1)), decode));
  }

  subscriber() {
    try {
      return new Subscriber(this.#native.subscriber(), this.#decode);
    } catch (error) {
      throw fromNative(error);
    }
  }

  pipeline(options = {}) {
    const { atomic = false } = options;
    return new Pipeline((argv) => revive(this.#sync(argv, this.#decode)), atomic);
  }

  transaction(keys, queue) {
    const watched = typeof keys === 'function' ? [] : keys;
    const fill = typeof keys === 'function' ? keys : queue;
    if (typeof fill !== 'function') throw misuse('transaction: pass a function that queues commands');
    // A client of its own: what it watches and queues is nobody else's.
    const own = this.duplicate();
    const begin = () => {
      if (watched.length > 0) own.watch(watched);
      const pipeline = own.pipeline({ atomic: true });
      return { pipeline, filled: fill(pipeline, own) };
    };
    let later;
    try {
      for (;;) {
        const begun = begin();
        if (typeof begun.filled?.then === 'function') {
          later = whenFilled(begun, begin).finally(() => own.closeSync());
          return later;
        }
        const replies = begun.pipeline.exec();
        if (replies !== null) return replies;
      }
    } finally {
      if (later === undefined) own.closeSync();
    }
  }

  duplicate() {
    try {
      return new Store(new Duplicate(this.#native.duplicate(), this.#decode));
    } catch (error) {
      throw fromNative(error);
    }
  }

  listen(address, options) {
    if (typeof address !== 'string' || address === '') {
      throw misuse('listen: the address must be a string, as "unix:/path" or "127.0.0.1:6379"');
    }
    const { threads = 0, ...rest } = options ?? {};
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw misuse(`listen: unknown option "${unknown}"`);
    if (!Number.isInteger(threads) || threads < 0 || threads > 1024) {
      throw misuse('listen: option "threads" must be an integer from 0 to 1024');
    }
    try {
      return new Listener(new Made(this.#native.listen(address, threads)));
    } catch (error) {
      throw fromNative(error);
    }
  }

  loadNotes() {
    return this.#native.loadNotes();
  }

  async close() {
    atExit.forget(this);
    const failed = await this.#native.closeWaiting();
    if (failed instanceof Error) throw fromNative(failed);
  }

  closeSync() {
    atExit.forget(this);
    try {
      this.#native.close();
    } catch (error) {
      throw fromNative(error);
    }
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.closeSync();
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Store { path: ${JSON.stringify(this.path)}, isOpen: ${this.isOpen}, db: ${this.db} }`;
  }

  #lower(name) {
    if (typeof name !== 'string' || name === '') throw misuse('the name of a command must be a non-empty string');
    return name.toLowerCase();
  }

  #run(name, args, decode) {
    const blocking = TABLE.get(name)?.flags.includes('blocking');
    const [given, signal] = blocking ? withoutSignal(name, args) : [args];
    const argv = words(name, given);
    const shape = SHAPES.get(name);
    const start = DISK.get(name) ?? (mayWait(name, argv) ? (half) => wait(half, argv, decode, signal) : undefined);
    if (start) return this.#waiting(start, argv, decode, shape);
    const reply = this.#sync(argv, decode);
    return shape ? shape(reply) : reply;
  }

  #sync(argv, decode) {
    try {
      return this.#native.execute(argv, decode);
    } catch (error) {
      throw fromNative(error, argv[0]);
    }
  }

  async #waiting(start, argv, decode, shape) {
    let reply;
    try {
      reply = await start(this.#native, argv, decode);
    } catch (error) {
      throw error instanceof Aborted ? error.reason : fromNative(error, argv[0]);
    }
    if (reply instanceof Error) throw fromNative(reply, argv[0]);
    return shape ? shape(reply) : reply;
  }

  static {
    // Every command is a method, and once more with replies as Buffers.
    const define = (name, value) => {
      if (name in Store.prototype) throw new Error(`persistkv: two methods would be called ${name}`);
      Object.defineProperty(value, 'name', { value: name });
      Object.defineProperty(Store.prototype, name, { value, configurable: true, writable: true });
    };
    Pipeline.define([...TABLE.keys()].filter((name) => !BRACKETS.has(name) && !SUBSCRIBING.has(name)));
    for (const name of TABLE.keys()) {
      if (SUBSCRIBING.has(name)) continue;
      define(name, function (...args) {
        return this.#run(name, args, this.#decode);
      });
      define(`${name}Buffer`, function (...args) {
        return this.#run(name, args, false);
      });
    }
  }
}

/** What the constructor takes for another opening of a store: nothing that a caller can make. */
class Duplicate {
  constructor(half, decode) {
    this.native = half;
    this.decode = decode;
  }
}

function open(path, directives, options) {
  return new Store(path, directives, options);
}

module.exports = { Pipeline, Store, Subscriber, open, commands: [...TABLE.keys()] };
