// A store that other programs talk to.

'use strict';

const { fromNative, misuse } = require('./errors.cjs');

/** What the constructor takes: nothing that a caller can make. */
class Made {
  constructor(half) {
    this.native = half;
  }
}

class Listener {
  #native;

  constructor(made) {
    if (!(made instanceof Made)) throw misuse('a listener is made by store.listen()');
    this.#native = made.native;
  }

  /** Where it listens, with the port the system chose for port 0. */
  get addresses() {
    return this.#native.addresses;
  }

  /** How many connections there are. */
  get connections() {
    return this.#native.connections;
  }

  async stop() {
    const failed = await this.#native.stopWaiting();
    if (failed instanceof Error) throw fromNative(failed);
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.stop();
  }
}

module.exports = { Listener, Made };
