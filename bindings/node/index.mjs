// persistkv for ES modules: `import { open } from 'persistkv'`. The same classes as for CommonJS.

import persistkv from './index.cjs';

export const { open, Store, Pipeline, Subscriber, PersistKVError, ReplyError, commands } = persistkv;
export default persistkv;
