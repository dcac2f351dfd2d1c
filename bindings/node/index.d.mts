// Types for ES modules: the same, and all of it as the default export.

export * from './index.js';

import * as persistkv from './index.js';
export default persistkv;
