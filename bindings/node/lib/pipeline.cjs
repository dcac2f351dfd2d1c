// Commands that are gathered and run together, with ioredis's habits: every command is a method that returns the
// pipeline, and exec() gives a pair of error and reply for each.

'use strict';

const { words } = require('./arguments.cjs');
const { SHAPES } = require('./replies.cjs');

class Pipeline {
  #run;
  #atomic;
  #queued = [];

  /** `run` runs one command with its words, at once. */
  constructor(run, atomic) {
    this.#run = run;
    this.#atomic = atomic;
  }

  /** How many commands are queued. */
  get length() {
    return this.#queued.length;
  }

  call(name, ...args) {
    this.#queued.push(words(String(name).toLowerCase(), args));
    return this;
  }

  /**
   * Runs what is queued, and forgets it. Atomic: as one transaction, null when a watched key was changed; else one after
   * the other.
   */
  exec() {
    const queued = this.#queued;
    this.#queued = [];
    return this.#atomic ? this.#asOne(queued) : queued.map((argv) => this.#pair(argv, () => this.#run(argv)));
  }

  #asOne(queued) {
    this.#run(['multi']);
    try {
      for (const argv of queued) this.#run(argv);
    } catch (error) {
      this.#run(['discard']);
      throw error;
    }
    const replies = this.#run(['exec']);
    if (replies === null) return null;
    return queued.map((argv, index) =>
      this.#pair(argv, () => {
        if (replies[index] instanceof Error) throw replies[index];
        return replies[index];
      }),
    );
  }

  #pair(argv, reply) {
    try {
      const shape = SHAPES.get(argv[0]);
      return [null, shape ? shape(reply()) : reply()];
    } catch (error) {
      return [error, undefined];
    }
  }

  /** Makes a method of every command. */
  static define(names) {
    for (const name of names) {
      if (name in Pipeline.prototype) continue;
      const value = function (...args) {
        return this.call(name, ...args);
      };
      Object.defineProperty(value, 'name', { value: name });
      Object.defineProperty(Pipeline.prototype, name, { value, configurable: true, writable: true });
    }
  }
}

/** Check-and-set whose function answers a promise: `begin` watches and fills anew when somebody else was faster. */
async function whenFilled({ pipeline, filled }, begin) {
  for (;;) {
    await filled;
    const replies = pipeline.exec();
    if (replies !== null) return replies;
    ({ pipeline, filled } = begin());
  }
}

module.exports = { Pipeline, whenFilled };
