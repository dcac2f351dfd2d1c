// Closes what is still open when this thread ends by itself or by process.exit(), as SIGTERM does with a Redis server:
// with save points, changes since the last snapshot are saved. (With a log there is nothing left to save.)

'use strict';

const open = new Set();
let hooked = false;

/** Remembers a store, without keeping it alive. */
function watch(store) {
  if (!hooked) {
    hooked = true;
    process.on('exit', closeAll);
  }
  const ref = new WeakRef(store);
  open.add(ref);
  refs.set(store, ref);
  gone.register(store, ref);
}

/** Forgets a store that is closed. */
function forget(store) {
  const ref = refs.get(store);
  if (ref) open.delete(ref);
}

const refs = new WeakMap();
const gone = new FinalizationRegistry((ref) => open.delete(ref));

function closeAll() {
  for (const ref of open) {
    const store = ref.deref();
    try {
      store?.closeSync();
    } catch (error) {
      console.error(`persistkv: closing ${store.path} at exit: ${error.message}`);
    }
  }
}

module.exports = { watch, forget };
