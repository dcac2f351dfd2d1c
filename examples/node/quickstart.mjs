// The shortest way to see it work.

// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const store = open(process.argv[2] ?? 'data', { appendonly: 'yes' });
store.set('greeting', 'hello', 'EX', 3600);
store.hset('user:1', { name: 'Ada', visits: 1 });
store.rpush('queue', 'job-1', 'job-2');
console.log(store.get('greeting'), store.lpop('queue'), store.hgetall('user:1'));
await store.close();
