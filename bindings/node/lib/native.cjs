// Loads the native half.

'use strict';

/** @returns {typeof import('../native')} */
function load() {
  try {
    return require('../persistkv.node');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error(
      'persistkv: the native addon is not built; run "npm rebuild persistkv" with Rust installed, and without --ignore-scripts',
      { cause: error },
    );
  }
}

module.exports = load();
