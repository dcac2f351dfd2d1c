// Commands that wait for a key: a promise, a timer for its time, and an AbortSignal to end it.

'use strict';

const { misuse } = require('./errors.cjs');

/** Timers of Node take no longer span. */
const TIMER_MAX = 2 ** 31 - 1;

/** The arguments without the options at their end, `{ signal }`, and the signal. */
function withoutSignal(name, args) {
  const last = args.at(-1);
  if (last === null || typeof last !== 'object' || Object.getPrototypeOf(last) !== Object.prototype) return [args];
  const { signal, ...rest } = last;
  if (Object.keys(rest).length > 0 || (signal !== undefined && !(signal instanceof AbortSignal))) {
    throw misuse(`${name.toUpperCase()}: the only option is { signal }, an AbortSignal`);
  }
  return [args.slice(0, -1), signal];
}

/** The signal was aborted before there was a reply. */
class Aborted {
  constructor(reason) {
    this.reason = reason;
  }
}

/** The reply of a waiting call. Rejects with {@link Aborted} when the signal comes first. */
function outcome(waiting, signal) {
  return new Promise((resolve, reject) => {
    let timer;
    const arm = (left) => {
      const overdue = () => (left > TIMER_MAX ? arm(left - TIMER_MAX) : waiting.timeOut());
      timer = setTimeout(overdue, Math.min(Math.ceil(left), TIMER_MAX));
    };
    const aborted = () => {
      // When it is just being served the reply comes, since what was popped is nowhere else any more.
      if (!waiting.cancel()) return;
      clearTimeout(timer);
      reject(new Aborted(signal.reason));
    };
    const left = waiting.millisecondsLeft;
    if (left !== null) arm(left);
    // Nothing else of a waiting call keeps the process alive.
    else timer = setInterval(() => {}, TIMER_MAX);
    signal?.addEventListener('abort', aborted, { once: true });
    waiting.promise().then((reply) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      resolve(reply);
    }, reject);
  });
}

/** Runs a command that may wait. */
async function wait(half, argv, decode, signal) {
  if (signal?.aborted) throw new Aborted(signal.reason);
  return outcome(half.begin(argv, decode), signal);
}

module.exports = { Aborted, wait, withoutSignal };
