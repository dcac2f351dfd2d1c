// Compiled, never run: what a program with types may write, and what it may not.

import persistkv, { PersistKVError, ReplyError, Store, open } from 'persistkv';
import type { Integer, Reply } from 'persistkv';

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
/** That an expression has a type exactly. */
function is<Wanted>() {
    return <Found,>(_value: Found, _same: Same<Wanted, Found>) => {};
}

const store: Store = open('data', { appendonly: true, databases: 4 });
is<string | null>()(store.get('key'), true);
is<Buffer | null>()(store.getBuffer(Buffer.from('key')), true);
is<Record<string, string>>()(store.hgetall('h'), true);
is<Record<string, Buffer>>()(store.hgetallBuffer('h'), true);
is<Integer>()(store.incr('n'), true);
is<'OK'>()(store.set('key', 1n), true);
is<string | null>()(store.set('key', 'value', 'EX', 10, 'NX'), true);
is<Promise<'OK'>>()(store.save(), true);
is<Promise<string>>()(store.bgsave('SCHEDULE'), true);
is<Promise<void>>()(store.close(), true);
is<Reply>()(store.object('ENCODING', 'key'), true);
store.hset('h', { a: 1, b: Buffer.alloc(1) });
store.hset('h', new Map([['a', 1]]));
store.hset('h', 'a', 1, 'b', 2);
store.mset([
    ['a', 1],
    ['b', 2],
]);
store.del(['a', 'b'], 'c');
store.zadd('z', 1, 'a', 2, 'b');
store.call('zadd', 'z', 1, 'a');
store.execute(['GET', 'key']);

const bytes = open(':memory:', {}, { decode: false });
is<Buffer | null>()(bytes.get('key'), true);
is<Store<Buffer>>()(bytes.duplicate(), true);

const error: PersistKVError = new ReplyError('ERR', 'ERR no');
is<string>()(error.code, true);
is<typeof open>()(persistkv.open, true);

{
    using scoped = open(':memory:');
    scoped.ping();
}

// @ts-expect-error undefined is no argument
store.set('key', undefined);
// @ts-expect-error an object is no argument
store.set('key', { a: 1 });
// @ts-expect-error a boolean is no argument
store.set('key', true);
// @ts-expect-error there is no such command
store.nope();
// @ts-expect-error there is no such option
open('data', {}, { encode: true });
