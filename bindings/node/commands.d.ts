// Made by scripts/types.mjs from the engine's command table; change that, or scripts/signatures.mjs.

import type { Argument, Arguments, Integer, Pairs, Reply, WaitArguments } from './index.js';

/** Every command. `T` is what a string of bytes becomes. */
export interface Commands<T = string> {
  /** A container for commands on users and their rights. Depends on subcommand. Since Redis 6.0.0. */
  acl(...args: Arguments): Reply<T>;
  /** As {@link acl}, with Buffers. */
  aclBuffer(...args: Arguments): Reply<Buffer>;

  /** Appends to a string. Creates the key if it doesn't exist. O(1) amortized: a string that grows takes room ahead. Since Redis 2.0.0. */
  append(key: Argument, value: Argument): number;
  /** As {@link append}, with Buffers. */
  appendBuffer(key: Argument, value: Argument): number;

  /** Authenticates; there is one user, without a password. O(1). Since Redis 1.0.0. */
  auth(...args: Arguments): Reply<T>;
  /** As {@link auth}, with Buffers. */
  authBuffer(...args: Arguments): Reply<Buffer>;

  /** Rewrites the log in the background. O(N) where N is the number of keys. Since Redis 1.0.0. */
  bgrewriteaof(): Promise<string>;
  /** As {@link bgrewriteaof}, with Buffers. */
  bgrewriteaofBuffer(): Promise<string>;

  /** Saves a snapshot in the background. O(N) where N is the number of keys. Since Redis 1.0.0. */
  bgsave(schedule?: 'SCHEDULE'): Promise<string>;
  /** As {@link bgsave}, with Buffers. */
  bgsaveBuffer(schedule?: 'SCHEDULE'): Promise<string>;

  /** Counts the bits of a string that are one, of all of it or of a range. O(N) where N is the number of bytes looked at; many at a time. Since Redis 2.6.0. */
  bitcount(key: Argument): number;
  bitcount(key: Argument, start: number | string, end: number | string, unit?: 'BYTE' | 'BIT'): number;
  /** As {@link bitcount}, with Buffers. */
  bitcountBuffer(key: Argument): number;
  bitcountBuffer(key: Argument, start: number | string, end: number | string, unit?: 'BYTE' | 'BIT'): number;

  /** Reads, sets and increments numbers of any width within a string. O(1) for each operation. Since Redis 3.2.0. */
  bitfield(key: Argument, ...operations: Arguments): Array<Integer | null>;
  /** As {@link bitfield}, with Buffers. */
  bitfieldBuffer(key: Argument, ...operations: Arguments): Array<Integer | null>;

  /** Reads numbers of any width within a string. O(1) for each operation. Since Redis 6.0.0. */
  bitfield_ro(key: Argument, ...operations: Arguments): Integer[];
  /** As {@link bitfield_ro}, with Buffers. */
  bitfield_roBuffer(key: Argument, ...operations: Arguments): Integer[];

  /** Combines strings bit by bit and stores the result. O(N) where N is the number of bytes of all the strings; many at a time. Since Redis 2.6.0. */
  bitop(
    operation: 'AND' | 'OR' | 'XOR' | 'NOT' | 'DIFF' | 'DIFF1' | 'ANDOR' | 'ONE',
    destination: Argument,
    ...keys: Arguments
  ): number;
  /** As {@link bitop}, with Buffers. */
  bitopBuffer(
    operation: 'AND' | 'OR' | 'XOR' | 'NOT' | 'DIFF' | 'DIFF1' | 'ANDOR' | 'ONE',
    destination: Argument,
    ...keys: Arguments
  ): number;

  /** Finds the first bit that is one, or zero, in a string or a range of it. O(N) where N is the number of bytes looked at; many at a time. Since Redis 2.8.7. */
  bitpos(key: Argument, bit: 0 | 1, start?: number | string, end?: number | string, unit?: 'BYTE' | 'BIT'): number;
  /** As {@link bitpos}, with Buffers. */
  bitposBuffer(
    key: Argument,
    bit: 0 | 1,
    start?: number | string,
    end?: number | string,
    unit?: 'BYTE' | 'BIT',
  ): number;

  /** Pops an element from one list, pushes it to another and returns it. Waits until there is one. O(1). Since Redis 6.2.0. */
  blmove(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link blmove}, with Buffers. */
  blmoveBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Pops elements from the first list that has any. Waits until there are some. O(N+M) where N is the number of provided keys and M is the number of elements returned. Since Redis 7.0.0. */
  blmpop(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link blmpop}, with Buffers. */
  blmpopBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Removes and returns the first element of the first list that has one. Waits until there is one. O(N) where N is the number of provided keys. Since Redis 2.0.0. */
  blpop(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link blpop}, with Buffers. */
  blpopBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Removes and returns the last element of the first list that has one. Waits until there is one. O(N) where N is the number of provided keys. Since Redis 2.0.0. */
  brpop(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link brpop}, with Buffers. */
  brpopBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Pops the last element of a list, pushes it to another and returns it. Waits until there is one. O(1). Since Redis 2.2.0. */
  brpoplpush(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link brpoplpush}, with Buffers. */
  brpoplpushBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Removes and returns the lowest or highest members of the first sorted set that has any. Waits until there are some. O(K) + O(log(N)+M) with K being the number of keys, N the number of elements in the sorted set and M the number of elements popped. Since Redis 7.0.0. */
  bzmpop(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link bzmpop}, with Buffers. */
  bzmpopBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Removes and returns the member with the highest score of the first sorted set that has one. Waits until there is one. O(log(N)) with N being the number of elements in the sorted set. Since Redis 5.0.0. */
  bzpopmax(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link bzpopmax}, with Buffers. */
  bzpopmaxBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Removes and returns the member with the lowest score of the first sorted set that has one. Waits until there is one. O(log(N)) with N being the number of elements in the sorted set. Since Redis 5.0.0. */
  bzpopmin(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link bzpopmin}, with Buffers. */
  bzpopminBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** A container for commands on clients. Depends on subcommand. Since Redis 2.4.0. */
  client(...args: Arguments): Reply<T>;
  /** As {@link client}, with Buffers. */
  clientBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns arity, flags, keys and categories of all commands. O(N) where N is the number of commands. Since Redis 2.8.13. */
  command(...args: Arguments): Reply<T>;
  /** As {@link command}, with Buffers. */
  commandBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for configuration commands. Depends on subcommand. Since Redis 2.0.0. */
  config(...args: Arguments): Reply<T>;
  /** As {@link config}, with Buffers. */
  configBuffer(...args: Arguments): Reply<Buffer>;

  /** Copies a value to a new key. O(N) where N is the size of the value. Since Redis 6.2.0. */
  copy(source: Argument, destination: Argument, ...options: Arguments): number;
  /** As {@link copy}, with Buffers. */
  copyBuffer(source: Argument, destination: Argument, ...options: Arguments): number;

  /** Returns the number of keys in the database. O(1). Since Redis 1.0.0. */
  dbsize(): number;
  /** As {@link dbsize}, with Buffers. */
  dbsizeBuffer(): number;

  /** A container for commands that tests need. Depends on subcommand. Since Redis 1.0.0. */
  debug(...args: Arguments): Reply<T>;
  /** As {@link debug}, with Buffers. */
  debugBuffer(...args: Arguments): Reply<Buffer>;

  /** Takes one from a number. A missing key counts as 0. O(1). Since Redis 1.0.0. */
  decr(key: Argument): Integer;
  /** As {@link decr}, with Buffers. */
  decrBuffer(key: Argument): Integer;

  /** Takes a number from a number. A missing key counts as 0. O(1). Since Redis 1.0.0. */
  decrby(key: Argument, decrement: Argument): Integer;
  /** As {@link decrby}, with Buffers. */
  decrbyBuffer(key: Argument, decrement: Argument): Integer;

  /** Deletes keys. Big values are freed in the background. O(N) where N is the number of keys. Since Redis 1.0.0. */
  del(...keys: Arguments): number;
  /** As {@link del}, with Buffers. */
  delBuffer(...keys: Arguments): number;

  /** Deletes a string if it is a given one. From Valkey. O(1). Since Redis 9.0.0. */
  delifeq(key: Argument, value: Argument): number;
  /** As {@link delifeq}, with Buffers. */
  delifeqBuffer(key: Argument, value: Argument): number;

  /** Forgets the queued commands. O(N), when N is the number of queued commands. Since Redis 2.0.0. */
  discard(...args: Arguments): Reply<T>;
  /** As {@link discard}, with Buffers. */
  discardBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns a key's value as bytes that RESTORE takes, here and on a server. O(N) where N is the size of the value. Since Redis 2.6.0. */
  dump(key: Argument): T | null;
  /** As {@link dump}, with Buffers. */
  dumpBuffer(key: Argument): Buffer | null;

  /** Answers its argument. O(1). Since Redis 1.0.0. */
  echo(message: Argument): T;
  /** As {@link echo}, with Buffers. */
  echoBuffer(message: Argument): Buffer;

  /** Runs a script. Depends on the script that is executed. Since Redis 2.6.0. */
  eval(script: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link eval}, with Buffers. */
  evalBuffer(script: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Runs a script that does not write. Depends on the script that is executed. Since Redis 7.0.0. */
  eval_ro(script: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link eval_ro}, with Buffers. */
  eval_roBuffer(script: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Runs a script by the SHA-1 of its text. Depends on the script that is executed. Since Redis 2.6.0. */
  evalsha(sha1: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link evalsha}, with Buffers. */
  evalshaBuffer(sha1: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Runs a script that does not write by the SHA-1 of its text. Depends on the script that is executed. Since Redis 7.0.0. */
  evalsha_ro(sha1: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link evalsha_ro}, with Buffers. */
  evalsha_roBuffer(sha1: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Runs the queued commands as one. Depends on commands in the transaction. Since Redis 1.2.0. */
  exec(...args: Arguments): Reply<T>;
  /** As {@link exec}, with Buffers. */
  execBuffer(...args: Arguments): Reply<Buffer>;

  /** Counts how many of the keys exist. O(N) where N is the number of keys. Since Redis 1.0.0. */
  exists(...keys: Arguments): number;
  /** As {@link exists}, with Buffers. */
  existsBuffer(...keys: Arguments): number;

  /** Sets a key's expiry in seconds from now. O(1). Since Redis 1.0.0. */
  expire(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;
  /** As {@link expire}, with Buffers. */
  expireBuffer(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;

  /** Sets a key's expiry as a Unix time in seconds. O(1). Since Redis 1.2.0. */
  expireat(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;
  /** As {@link expireat}, with Buffers. */
  expireatBuffer(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;

  /** Returns a key's expiry as a Unix time in seconds. O(1). Since Redis 7.0.0. */
  expiretime(key: Argument): number;
  /** As {@link expiretime}, with Buffers. */
  expiretimeBuffer(key: Argument): number;

  /** Calls a function. Depends on the function that is executed. Since Redis 7.0.0. */
  fcall(name: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link fcall}, with Buffers. */
  fcallBuffer(name: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Calls a function that does not write. Depends on the function that is executed. Since Redis 7.0.0. */
  fcall_ro(name: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<T>;
  /** As {@link fcall_ro}, with Buffers. */
  fcall_roBuffer(name: Argument, numkeys: number | string, ...keysAndArgs: Arguments): Reply<Buffer>;

  /** Deletes all keys of all databases. O(N) where N is the number of keys; their memory is freed in the background. Since Redis 1.0.0. */
  flushall(mode?: 'ASYNC' | 'SYNC'): 'OK';
  /** As {@link flushall}, with Buffers. */
  flushallBuffer(mode?: 'ASYNC' | 'SYNC'): 'OK';

  /** Deletes all keys of the database. O(N) where N is the number of keys; their memory is freed in the background. Since Redis 1.0.0. */
  flushdb(mode?: 'ASYNC' | 'SYNC'): 'OK';
  /** As {@link flushdb}, with Buffers. */
  flushdbBuffer(mode?: 'ASYNC' | 'SYNC'): 'OK';

  /** A container for commands on functions. Depends on subcommand. Since Redis 7.0.0. */
  function(...args: Arguments): Reply<T>;
  /** As {@link function}, with Buffers. */
  functionBuffer(...args: Arguments): Reply<Buffer>;

  /** Adds places to a sorted set, or moves them. Creates the key if it doesn't exist. O(log(N)) for each place, where N is the number of members. Since Redis 3.2.0. */
  geoadd(key: Argument, ...optionsAndPlaces: Arguments): number;
  /** As {@link geoadd}, with Buffers. */
  geoaddBuffer(key: Argument, ...optionsAndPlaces: Arguments): number;

  /** Returns the distance between two places. O(1). Since Redis 3.2.0. */
  geodist(key: Argument, member1: Argument, member2: Argument, unit?: 'M' | 'KM' | 'FT' | 'MI'): T | null;
  /** As {@link geodist}, with Buffers. */
  geodistBuffer(key: Argument, member1: Argument, member2: Argument, unit?: 'M' | 'KM' | 'FT' | 'MI'): Buffer | null;

  /** Returns standard geohashes of places. O(1) for each member. Since Redis 3.2.0. */
  geohash(key: Argument, ...members: Arguments): Array<T | null>;
  /** As {@link geohash}, with Buffers. */
  geohashBuffer(key: Argument, ...members: Arguments): Array<Buffer | null>;

  /** Returns longitudes and latitudes of places. O(1) for each member. Since Redis 3.2.0. */
  geopos(key: Argument, ...members: Arguments): Array<[longitude: T, latitude: T] | null>;
  /** As {@link geopos}, with Buffers. */
  geoposBuffer(key: Argument, ...members: Arguments): Array<[longitude: Buffer, latitude: Buffer] | null>;

  /** Finds the places around a point. May store them. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 3.2.0. */
  georadius(...args: Arguments): Reply<T>;
  /** As {@link georadius}, with Buffers. */
  georadiusBuffer(...args: Arguments): Reply<Buffer>;

  /** Finds the places around a point. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 3.2.10. */
  georadius_ro(...args: Arguments): Reply<T>;
  /** As {@link georadius_ro}, with Buffers. */
  georadius_roBuffer(...args: Arguments): Reply<Buffer>;

  /** Finds the places around a place. May store them. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 3.2.0. */
  georadiusbymember(...args: Arguments): Reply<T>;
  /** As {@link georadiusbymember}, with Buffers. */
  georadiusbymemberBuffer(...args: Arguments): Reply<Buffer>;

  /** Finds the places around a place. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 3.2.10. */
  georadiusbymember_ro(...args: Arguments): Reply<T>;
  /** As {@link georadiusbymember_ro}, with Buffers. */
  georadiusbymember_roBuffer(...args: Arguments): Reply<Buffer>;

  /** Finds the places in a circle, a box or (as Valkey 9) a polygon. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 6.2.0. */
  geosearch(...args: Arguments): Reply<T>;
  /** As {@link geosearch}, with Buffers. */
  geosearchBuffer(...args: Arguments): Reply<Buffer>;

  /** Stores the places in a circle, a box or (as Valkey 9) a polygon. O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members. Since Redis 6.2.0. */
  geosearchstore(destination: Argument, source: Argument, ...options: Arguments): number;
  /** As {@link geosearchstore}, with Buffers. */
  geosearchstoreBuffer(destination: Argument, source: Argument, ...options: Arguments): number;

  /** Returns a string. O(1). Since Redis 1.0.0. */
  get(key: Argument): T | null;
  /** As {@link get}, with Buffers. */
  getBuffer(key: Argument): Buffer | null;

  /** Returns a bit of a string. O(1). Since Redis 2.2.0. */
  getbit(key: Argument, offset: number | string): number;
  /** As {@link getbit}, with Buffers. */
  getbitBuffer(key: Argument, offset: number | string): number;

  /** Returns a string and deletes its key. O(1). Since Redis 6.2.0. */
  getdel(key: Argument): T | null;
  /** As {@link getdel}, with Buffers. */
  getdelBuffer(key: Argument): Buffer | null;

  /** Returns a string and sets or removes its expiry. O(1). Since Redis 6.2.0. */
  getex(key: Argument, ...options: Arguments): T | null;
  /** As {@link getex}, with Buffers. */
  getexBuffer(key: Argument, ...options: Arguments): Buffer | null;

  /** Returns a part of a string. O(N) where N is the length of what is returned. Since Redis 2.4.0. */
  getrange(key: Argument, start: number | string, end: number | string): T;
  /** As {@link getrange}, with Buffers. */
  getrangeBuffer(key: Argument, start: number | string, end: number | string): Buffer;

  /** Sets a string and returns what it was. O(1). Since Redis 1.0.0. */
  getset(key: Argument, value: Argument): T | null;
  /** As {@link getset}, with Buffers. */
  getsetBuffer(key: Argument, value: Argument): Buffer | null;

  /** Removes fields from a hash; an empty hash is deleted. O(N) where N is the number of fields to remove. Since Redis 2.0.0. */
  hdel(key: Argument, ...fields: Arguments): number;
  /** As {@link hdel}, with Buffers. */
  hdelBuffer(key: Argument, ...fields: Arguments): number;

  /** Chooses the shapes of replies and says what this is. O(1). Since Redis 6.0.0. */
  hello(...args: Arguments): Reply<T>;
  /** As {@link hello}, with Buffers. */
  helloBuffer(...args: Arguments): Reply<Buffer>;

  /** Tells whether a hash has a field. O(1). Since Redis 2.0.0. */
  hexists(key: Argument, field: Argument): number;
  /** As {@link hexists}, with Buffers. */
  hexistsBuffer(key: Argument, field: Argument): number;

  /** Sets the expiry of fields in seconds from now. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hexpire(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];
  /** As {@link hexpire}, with Buffers. */
  hexpireBuffer(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];

  /** Sets the expiry of fields as a Unix time in seconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hexpireat(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];
  /** As {@link hexpireat}, with Buffers. */
  hexpireatBuffer(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];

  /** Returns the expiry of fields as Unix times in seconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hexpiretime(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];
  /** As {@link hexpiretime}, with Buffers. */
  hexpiretimeBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];

  /** Answers the value of a field. O(1). Since Redis 2.0.0. */
  hget(key: Argument, field: Argument): T | null;
  /** As {@link hget}, with Buffers. */
  hgetBuffer(key: Argument, field: Argument): Buffer | null;

  /** Answers all fields and values of a hash. O(N) where N is the number of fields. Since Redis 2.0.0. */
  hgetall(key: Argument): Record<string, T>;
  /** As {@link hgetall}, with Buffers. */
  hgetallBuffer(key: Argument): Record<string, Buffer>;

  /** Answers the values of fields and removes them. O(N) where N is the number of fields. Since Redis 8.0.0. */
  hgetdel(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): Array<T | null>;
  /** As {@link hgetdel}, with Buffers. */
  hgetdelBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): Array<Buffer | null>;

  /** Answers the values of fields, and sets or removes their expiry. O(N) where N is the number of fields. Since Redis 8.0.0. */
  hgetex(key: Argument, ...optionsAndFields: Arguments): Array<T | null>;
  /** As {@link hgetex}, with Buffers. */
  hgetexBuffer(key: Argument, ...optionsAndFields: Arguments): Array<Buffer | null>;

  /** Adds to the integer in a field, which counts as 0 if it is missing. O(1). Since Redis 2.0.0. */
  hincrby(key: Argument, field: Argument, increment: Argument): Integer;
  /** As {@link hincrby}, with Buffers. */
  hincrbyBuffer(key: Argument, field: Argument, increment: Argument): Integer;

  /** Adds to the number in a field, which counts as 0 if it is missing. O(1). Since Redis 2.6.0. */
  hincrbyfloat(key: Argument, field: Argument, increment: Argument): T;
  /** As {@link hincrbyfloat}, with Buffers. */
  hincrbyfloatBuffer(key: Argument, field: Argument, increment: Argument): Buffer;

  /** Answers all fields of a hash. O(N) where N is the number of fields. Since Redis 2.0.0. */
  hkeys(key: Argument): T[];
  /** As {@link hkeys}, with Buffers. */
  hkeysBuffer(key: Argument): Buffer[];

  /** Counts the fields of a hash. O(1). Since Redis 2.0.0. */
  hlen(key: Argument): number;
  /** As {@link hlen}, with Buffers. */
  hlenBuffer(key: Argument): number;

  /** Answers the values of several fields. O(N) where N is the number of fields asked for. Since Redis 2.0.0. */
  hmget(key: Argument, ...fields: Arguments): Array<T | null>;
  /** As {@link hmget}, with Buffers. */
  hmgetBuffer(key: Argument, ...fields: Arguments): Array<Buffer | null>;

  /** Sets fields of a hash, which is created if it is missing. O(N) where N is the number of fields to set. Since Redis 2.0.0. */
  hmset(key: Argument, pairs: Pairs): 'OK';
  hmset(key: Argument, ...fieldsAndValues: Arguments): 'OK';
  /** As {@link hmset}, with Buffers. */
  hmsetBuffer(key: Argument, pairs: Pairs): 'OK';
  hmsetBuffer(key: Argument, ...fieldsAndValues: Arguments): 'OK';

  /** Removes the expiry of fields. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hpersist(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];
  /** As {@link hpersist}, with Buffers. */
  hpersistBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];

  /** Sets the expiry of fields in milliseconds from now. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hpexpire(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];
  /** As {@link hpexpire}, with Buffers. */
  hpexpireBuffer(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];

  /** Sets the expiry of fields as a Unix time in milliseconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hpexpireat(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];
  /** As {@link hpexpireat}, with Buffers. */
  hpexpireatBuffer(key: Argument, time: number | bigint | string, ...conditionAndFields: Arguments): number[];

  /** Returns the expiry of fields as Unix times in milliseconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hpexpiretime(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];
  /** As {@link hpexpiretime}, with Buffers. */
  hpexpiretimeBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];

  /** Returns the time to live of fields in milliseconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  hpttl(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];
  /** As {@link hpttl}, with Buffers. */
  hpttlBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];

  /** Answers random fields of a hash. O(N) where N is the number of fields answered. Since Redis 6.2.0. */
  hrandfield(key: Argument): T | null;
  hrandfield(key: Argument, count: number | string, withValues?: 'WITHVALUES'): T[];
  /** As {@link hrandfield}, with Buffers. */
  hrandfieldBuffer(key: Argument): Buffer | null;
  hrandfieldBuffer(key: Argument, count: number | string, withValues?: 'WITHVALUES'): Buffer[];

  /** Iterates over the fields and values of a hash. O(1) for each call, O(N) for a whole iteration. Since Redis 2.8.0. */
  hscan(key: Argument, cursor: Argument, ...options: Arguments): [cursor: T, elements: T[]];
  /** As {@link hscan}, with Buffers. */
  hscanBuffer(key: Argument, cursor: Argument, ...options: Arguments): [cursor: Buffer, elements: Buffer[]];

  /** Sets fields of a hash, which is created if it is missing; counts the new ones. O(N) where N is the number of fields to set. Since Redis 2.0.0. */
  hset(key: Argument, pairs: Pairs): number;
  hset(key: Argument, ...fieldsAndValues: Arguments): number;
  /** As {@link hset}, with Buffers. */
  hsetBuffer(key: Argument, pairs: Pairs): number;
  hsetBuffer(key: Argument, ...fieldsAndValues: Arguments): number;

  /** Sets fields and their expiry. O(N) where N is the number of fields to set. Since Redis 8.0.0. */
  hsetex(key: Argument, ...optionsFieldsAndValues: Arguments): number;
  /** As {@link hsetex}, with Buffers. */
  hsetexBuffer(key: Argument, ...optionsFieldsAndValues: Arguments): number;

  /** Sets a field unless it is there already. O(1). Since Redis 2.0.0. */
  hsetnx(key: Argument, field: Argument, value: Argument): number;
  /** As {@link hsetnx}, with Buffers. */
  hsetnxBuffer(key: Argument, field: Argument, value: Argument): number;

  /** Answers the length of the value of a field. O(1). Since Redis 3.2.0. */
  hstrlen(key: Argument, field: Argument): number;
  /** As {@link hstrlen}, with Buffers. */
  hstrlenBuffer(key: Argument, field: Argument): number;

  /** Returns the time to live of fields in seconds. O(N) where N is the number of fields. Since Redis 7.4.0. */
  httl(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];
  /** As {@link httl}, with Buffers. */
  httlBuffer(key: Argument, word: 'FIELDS', numfields: number | string, ...fields: Arguments): number[];

  /** Answers all values of a hash. O(N) where N is the number of fields. Since Redis 2.0.0. */
  hvals(key: Argument): T[];
  /** As {@link hvals}, with Buffers. */
  hvalsBuffer(key: Argument): Buffer[];

  /** Adds one to a number. A missing key counts as 0. O(1). Since Redis 1.0.0. */
  incr(key: Argument): Integer;
  /** As {@link incr}, with Buffers. */
  incrBuffer(key: Argument): Integer;

  /** Adds a number to a number. A missing key counts as 0. O(1). Since Redis 1.0.0. */
  incrby(key: Argument, increment: Argument): Integer;
  /** As {@link incrby}, with Buffers. */
  incrbyBuffer(key: Argument, increment: Argument): Integer;

  /** Adds a float to a number. A missing key counts as 0. O(1). Since Redis 2.6.0. */
  incrbyfloat(key: Argument, increment: Argument): T;
  /** As {@link incrbyfloat}, with Buffers. */
  incrbyfloatBuffer(key: Argument, increment: Argument): Buffer;

  /** Returns figures on the store, by section. O(1). Since Redis 1.0.0. */
  info(...sections: Arguments): T;
  /** As {@link info}, with Buffers. */
  infoBuffer(...sections: Arguments): Buffer;

  /** Returns all keys whose name matches a pattern. O(N) where N is the number of keys in the database. Since Redis 1.0.0. */
  keys(pattern: Argument): T[];
  /** As {@link keys}, with Buffers. */
  keysBuffer(pattern: Argument): Buffer[];

  /** Returns the Unix time of the last snapshot. O(1). Since Redis 1.0.0. */
  lastsave(): number;
  /** As {@link lastsave}, with Buffers. */
  lastsaveBuffer(): number;

  /** A container for commands on latency. Depends on subcommand. Since Redis 2.8.13. */
  latency(...args: Arguments): Reply<T>;
  /** As {@link latency}, with Buffers. */
  latencyBuffer(...args: Arguments): Reply<Buffer>;

  /** Finds the longest common subsequence of two strings. O(N*M) where N and M are the lengths of the strings. Since Redis 7.0.0. */
  lcs(...args: Arguments): Reply<T>;
  /** As {@link lcs}, with Buffers. */
  lcsBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns an element from a list by its index. O(N) where N is the number of nodes between the element and the nearer end of the list. Since Redis 1.0.0. */
  lindex(key: Argument, index: number | string): T | null;
  /** As {@link lindex}, with Buffers. */
  lindexBuffer(key: Argument, index: number | string): Buffer | null;

  /** Inserts an element before or after another element in a list. O(N) where N is the number of elements to traverse before seeing the value pivot. Since Redis 2.2.0. */
  linsert(key: Argument, where: 'BEFORE' | 'AFTER', pivot: Argument, element: Argument): number;
  /** As {@link linsert}, with Buffers. */
  linsertBuffer(key: Argument, where: 'BEFORE' | 'AFTER', pivot: Argument, element: Argument): number;

  /** Returns the length of a list. O(1). Since Redis 1.0.0. */
  llen(key: Argument): number;
  /** As {@link llen}, with Buffers. */
  llenBuffer(key: Argument): number;

  /** Returns an element after popping it from one list and pushing it to another. Deletes the list if the last element was moved. O(1). Since Redis 6.2.0. */
  lmove(source: Argument, destination: Argument, from: 'LEFT' | 'RIGHT', to: 'LEFT' | 'RIGHT'): T | null;
  /** As {@link lmove}, with Buffers. */
  lmoveBuffer(source: Argument, destination: Argument, from: 'LEFT' | 'RIGHT', to: 'LEFT' | 'RIGHT'): Buffer | null;

  /** Returns multiple elements from a list after removing them. Deletes the list if the last element was popped. O(N+M) where N is the number of provided keys and M is the number of elements returned. Since Redis 7.0.0. */
  lmpop(numkeys: number | string, ...keysAndOptions: Arguments): [key: T, elements: T[]] | null;
  /** As {@link lmpop}, with Buffers. */
  lmpopBuffer(numkeys: number | string, ...keysAndOptions: Arguments): [key: Buffer, elements: Buffer[]] | null;

  /** Returns the first elements of a list after removing them. Deletes the list if the last element was popped. O(N) where N is the number of elements returned. Since Redis 1.0.0. */
  lpop(key: Argument): T | null;
  lpop(key: Argument, count: number | string): T[] | null;
  /** As {@link lpop}, with Buffers. */
  lpopBuffer(key: Argument): Buffer | null;
  lpopBuffer(key: Argument, count: number | string): Buffer[] | null;

  /** Returns the index of matching elements in a list. O(N) where N is the number of elements in the list, or MAXLEN where that is given. Since Redis 6.0.6. */
  lpos(key: Argument, element: Argument, ...options: Arguments): number | number[] | null;
  /** As {@link lpos}, with Buffers. */
  lposBuffer(key: Argument, element: Argument, ...options: Arguments): number | number[] | null;

  /** Prepends one or more elements to a list. Creates the key if it doesn't exist. O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments. Since Redis 1.0.0. */
  lpush(key: Argument, ...elements: Arguments): number;
  /** As {@link lpush}, with Buffers. */
  lpushBuffer(key: Argument, ...elements: Arguments): number;

  /** Prepends one or more elements to a list only when the list exists. O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments. Since Redis 2.2.0. */
  lpushx(key: Argument, ...elements: Arguments): number;
  /** As {@link lpushx}, with Buffers. */
  lpushxBuffer(key: Argument, ...elements: Arguments): number;

  /** Returns a range of elements from a list. O(S+N) where S is the distance of the start offset from the nearer end of the list, counted in nodes, and N is the number of elements in the range. Since Redis 1.0.0. */
  lrange(key: Argument, start: Argument, stop: Argument): T[];
  /** As {@link lrange}, with Buffers. */
  lrangeBuffer(key: Argument, start: Argument, stop: Argument): Buffer[];

  /** Removes elements from a list. Deletes the list if the last element was removed. O(N) where N is the length of the list. Since Redis 1.0.0. */
  lrem(key: Argument, count: number | string, element: Argument): number;
  /** As {@link lrem}, with Buffers. */
  lremBuffer(key: Argument, count: number | string, element: Argument): number;

  /** Sets the value of an element in a list by its index. O(N) where N is the number of nodes between the element and the nearer end of the list. Since Redis 1.0.0. */
  lset(key: Argument, index: number | string, element: Argument): 'OK';
  /** As {@link lset}, with Buffers. */
  lsetBuffer(key: Argument, index: number | string, element: Argument): 'OK';

  /** Removes elements from both ends of a list. Deletes the list if all elements were trimmed. O(N) where N is the number of elements to be removed by the operation. Since Redis 1.0.0. */
  ltrim(key: Argument, start: Argument, stop: Argument): 'OK';
  /** As {@link ltrim}, with Buffers. */
  ltrimBuffer(key: Argument, start: Argument, stop: Argument): 'OK';

  /** A container for commands on memory. Depends on subcommand. Since Redis 4.0.0. */
  memory(...args: Arguments): Reply<T>;
  /** As {@link memory}, with Buffers. */
  memoryBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns several strings. O(N) where N is the number of keys. Since Redis 1.0.0. */
  mget(...keys: Arguments): Array<T | null>;
  /** As {@link mget}, with Buffers. */
  mgetBuffer(...keys: Arguments): Array<Buffer | null>;

  /** Shows every command that is run from now on. O(1). Since Redis 1.0.0. */
  monitor(...args: Arguments): Reply<T>;
  /** As {@link monitor}, with Buffers. */
  monitorBuffer(...args: Arguments): Reply<Buffer>;

  /** Moves a key to another database. O(1). Since Redis 1.0.0. */
  move(key: Argument, db: number | string): number;
  /** As {@link move}, with Buffers. */
  moveBuffer(key: Argument, db: number | string): number;

  /** Sets several strings, all at once. O(N) where N is the number of keys. Since Redis 1.0.1. */
  mset(pairs: Pairs): 'OK';
  mset(...keysAndValues: Arguments): 'OK';
  /** As {@link mset}, with Buffers. */
  msetBuffer(pairs: Pairs): 'OK';
  msetBuffer(...keysAndValues: Arguments): 'OK';

  /** Sets several strings, all or none, and their expiry. From Valkey. O(N) where N is the number of keys. Since Redis 9.1.0. */
  msetex(numkeys: number | string, ...keysValuesAndOptions: Arguments): number;
  /** As {@link msetex}, with Buffers. */
  msetexBuffer(numkeys: number | string, ...keysValuesAndOptions: Arguments): number;

  /** Sets several strings if none of the keys exists. O(N) where N is the number of keys. Since Redis 1.0.1. */
  msetnx(pairs: Pairs): number;
  msetnx(...keysAndValues: Arguments): number;
  /** As {@link msetnx}, with Buffers. */
  msetnxBuffer(pairs: Pairs): number;
  msetnxBuffer(...keysAndValues: Arguments): number;

  /** Begins a transaction: what follows is queued. O(1). Since Redis 1.2.0. */
  multi(...args: Arguments): Reply<T>;
  /** As {@link multi}, with Buffers. */
  multiBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for commands that look at a key's value. Depends on subcommand. Since Redis 2.2.3. */
  object(...args: Arguments): Reply<T>;
  /** As {@link object}, with Buffers. */
  objectBuffer(...args: Arguments): Reply<Buffer>;

  /** Removes a key's expiry. O(1). Since Redis 2.2.0. */
  persist(key: Argument): number;
  /** As {@link persist}, with Buffers. */
  persistBuffer(key: Argument): number;

  /** Sets a key's expiry in milliseconds from now. O(1). Since Redis 2.6.0. */
  pexpire(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;
  /** As {@link pexpire}, with Buffers. */
  pexpireBuffer(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;

  /** Sets a key's expiry as a Unix time in milliseconds. O(1). Since Redis 2.6.0. */
  pexpireat(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;
  /** As {@link pexpireat}, with Buffers. */
  pexpireatBuffer(key: Argument, time: number | bigint | string, condition?: 'NX' | 'XX' | 'GT' | 'LT'): number;

  /** Returns a key's expiry as a Unix time in milliseconds. O(1). Since Redis 7.0.0. */
  pexpiretime(key: Argument): number;
  /** As {@link pexpiretime}, with Buffers. */
  pexpiretimeBuffer(key: Argument): number;

  /** Adds elements to a HyperLogLog. Creates the key if it doesn't exist. O(1) for each element. Since Redis 2.8.9. */
  pfadd(key: Argument, ...elements: Arguments): number;
  /** As {@link pfadd}, with Buffers. */
  pfaddBuffer(key: Argument, ...elements: Arguments): number;

  /** Estimates how many different elements were added to HyperLogLogs. O(1) for one key, O(N) for several where N is their number. Since Redis 2.8.9. */
  pfcount(...keys: Arguments): number;
  /** As {@link pfcount}, with Buffers. */
  pfcountBuffer(...keys: Arguments): number;

  /** Shows the inside of a HyperLogLog: DECODE, ENCODING, GETREG, TODENSE. O(N) where N is the number of registers. Since Redis 2.8.9. */
  pfdebug(...args: Arguments): Reply<T>;
  /** As {@link pfdebug}, with Buffers. */
  pfdebugBuffer(...args: Arguments): Reply<Buffer>;

  /** Merges HyperLogLogs into the first of them. Creates the key if it doesn't exist. O(N) where N is the number of keys. Since Redis 2.8.9. */
  pfmerge(destination: Argument, ...keys: Arguments): 'OK';
  /** As {@link pfmerge}, with Buffers. */
  pfmergeBuffer(destination: Argument, ...keys: Arguments): 'OK';

  /** Tests registers and estimates of HyperLogLogs. N/A. Since Redis 2.8.9. */
  pfselftest(...args: Arguments): Reply<T>;
  /** As {@link pfselftest}, with Buffers. */
  pfselftestBuffer(...args: Arguments): Reply<Buffer>;

  /** Answers PONG, or its argument. O(1). Since Redis 1.0.0. */
  ping(): 'PONG';
  ping(message: Argument): T;
  /** As {@link ping}, with Buffers. */
  pingBuffer(): 'PONG';
  pingBuffer(message: Argument): Buffer;

  /** Sets a string with an expiry in milliseconds. O(1). Since Redis 2.6.0. */
  psetex(key: Argument, milliseconds: Argument, value: Argument): 'OK';
  /** As {@link psetex}, with Buffers. */
  psetexBuffer(key: Argument, milliseconds: Argument, value: Argument): 'OK';

  /** Returns a key's time to live in milliseconds. O(1). Since Redis 2.6.0. */
  pttl(key: Argument): number;
  /** As {@link pttl}, with Buffers. */
  pttlBuffer(key: Argument): number;

  /** Sends a message to a channel. O(N+M) where N is the number of clients subscribed to the channel and M is the total number of patterns. Since Redis 2.0.0. */
  publish(...args: Arguments): Reply<T>;
  /** As {@link publish}, with Buffers. */
  publishBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for commands on subscriptions. Depends on subcommand. Since Redis 2.8.0. */
  pubsub(...args: Arguments): Reply<T>;
  /** As {@link pubsub}, with Buffers. */
  pubsubBuffer(...args: Arguments): Reply<Buffer>;

  /** Ends the connection. O(1). Since Redis 1.0.0. */
  quit(...args: Arguments): Reply<T>;
  /** As {@link quit}, with Buffers. */
  quitBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns the name of a random key. O(1). Since Redis 1.0.0. */
  randomkey(): T | null;
  /** As {@link randomkey}, with Buffers. */
  randomkeyBuffer(): Buffer | null;

  /** Renames a key, overwriting the destination. O(1). Since Redis 1.0.0. */
  rename(key: Argument, newKey: Argument): 'OK';
  /** As {@link rename}, with Buffers. */
  renameBuffer(key: Argument, newKey: Argument): 'OK';

  /** Renames a key if the destination doesn't exist. O(1). Since Redis 1.0.0. */
  renamenx(key: Argument, newKey: Argument): number;
  /** As {@link renamenx}, with Buffers. */
  renamenxBuffer(key: Argument, newKey: Argument): number;

  /** Takes NO ONE, which is so: there is no replication. O(1). Since Redis 5.0.0. */
  replicaof(...args: Arguments): Reply<T>;
  /** As {@link replicaof}, with Buffers. */
  replicaofBuffer(...args: Arguments): Reply<Buffer>;

  /** Makes this client as new. O(1). Since Redis 6.2.0. */
  reset(...args: Arguments): Reply<T>;
  /** As {@link reset}, with Buffers. */
  resetBuffer(...args: Arguments): Reply<Buffer>;

  /** Creates a key from the bytes DUMP returned. O(N*log(N)) for sorted sets, O(N) otherwise, where N is the size of the value. Since Redis 2.6.0. */
  restore(key: Argument, ttl: number | bigint | string, payload: Argument, ...options: Arguments): 'OK';
  /** As {@link restore}, with Buffers. */
  restoreBuffer(key: Argument, ttl: number | bigint | string, payload: Argument, ...options: Arguments): 'OK';

  /** Returns the part played in replication: a master without replicas. O(1). Since Redis 2.8.12. */
  role(...args: Arguments): Reply<T>;
  /** As {@link role}, with Buffers. */
  roleBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns the last elements of a list after removing them. Deletes the list if the last element was popped. O(N) where N is the number of elements returned. Since Redis 1.0.0. */
  rpop(key: Argument): T | null;
  rpop(key: Argument, count: number | string): T[] | null;
  /** As {@link rpop}, with Buffers. */
  rpopBuffer(key: Argument): Buffer | null;
  rpopBuffer(key: Argument, count: number | string): Buffer[] | null;

  /** Returns the last element of a list after removing and pushing it to another list. Deletes the list if the last element was popped. O(1). Since Redis 1.2.0. */
  rpoplpush(source: Argument, destination: Argument): T | null;
  /** As {@link rpoplpush}, with Buffers. */
  rpoplpushBuffer(source: Argument, destination: Argument): Buffer | null;

  /** Appends one or more elements to a list. Creates the key if it doesn't exist. O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments. Since Redis 1.0.0. */
  rpush(key: Argument, ...elements: Arguments): number;
  /** As {@link rpush}, with Buffers. */
  rpushBuffer(key: Argument, ...elements: Arguments): number;

  /** Appends one or more elements to a list only when the list exists. O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments. Since Redis 2.2.0. */
  rpushx(key: Argument, ...elements: Arguments): number;
  /** As {@link rpushx}, with Buffers. */
  rpushxBuffer(key: Argument, ...elements: Arguments): number;

  /** Adds members to a set, which is created if it is missing. O(1) for each member. Since Redis 1.0.0. */
  sadd(key: Argument, ...members: Arguments): number;
  /** As {@link sadd}, with Buffers. */
  saddBuffer(key: Argument, ...members: Arguments): number;

  /** Saves a snapshot and waits for it. O(N) where N is the number of keys. Since Redis 1.0.0. */
  save(): Promise<'OK'>;
  /** As {@link save}, with Buffers. */
  saveBuffer(): Promise<'OK'>;

  /** Walks over the names of the keys. O(1) for each call, O(N) for a whole walk. Since Redis 2.8.0. */
  scan(cursor: Argument, ...options: Arguments): [cursor: T, keys: T[]];
  /** As {@link scan}, with Buffers. */
  scanBuffer(cursor: Argument, ...options: Arguments): [cursor: Buffer, keys: Buffer[]];

  /** Counts the members of a set. O(1). Since Redis 1.0.0. */
  scard(key: Argument): number;
  /** As {@link scard}, with Buffers. */
  scardBuffer(key: Argument): number;

  /** A container for commands on scripts. Depends on subcommand. Since Redis 2.6.0. */
  script(...args: Arguments): Reply<T>;
  /** As {@link script}, with Buffers. */
  scriptBuffer(...args: Arguments): Reply<Buffer>;

  /** Answers the members of the first set that are in none of the others. O(N) where N is the number of members of all sets. Since Redis 1.0.0. */
  sdiff(...keys: Arguments): T[];
  /** As {@link sdiff}, with Buffers. */
  sdiffBuffer(...keys: Arguments): Buffer[];

  /** Stores the members of the first set that are in none of the others. O(N) where N is the number of members of all sets. Since Redis 1.0.0. */
  sdiffstore(destination: Argument, ...keys: Arguments): number;
  /** As {@link sdiffstore}, with Buffers. */
  sdiffstoreBuffer(destination: Argument, ...keys: Arguments): number;

  /** Selects a database. O(1). Since Redis 1.0.0. */
  select(db: number | string): 'OK';
  /** As {@link select}, with Buffers. */
  selectBuffer(db: number | string): 'OK';

  /** Sets a string, whatever was there before, with options for expiry and conditions. O(1). Since Redis 1.0.0. */
  set(key: Argument, value: Argument): 'OK';
  set(key: Argument, value: Argument, ...options: Arguments): 'OK' | T | null;
  /** As {@link set}, with Buffers. */
  setBuffer(key: Argument, value: Argument): 'OK';
  setBuffer(key: Argument, value: Argument, ...options: Arguments): 'OK' | Buffer | null;

  /** Sets or clears a bit of a string and returns what it was. Creates the key if it doesn't exist. O(1). Since Redis 2.2.0. */
  setbit(key: Argument, offset: number | string, value: 0 | 1): number;
  /** As {@link setbit}, with Buffers. */
  setbitBuffer(key: Argument, offset: number | string, value: 0 | 1): number;

  /** Sets a string with an expiry in seconds. O(1). Since Redis 2.0.0. */
  setex(key: Argument, seconds: Argument, value: Argument): 'OK';
  /** As {@link setex}, with Buffers. */
  setexBuffer(key: Argument, seconds: Argument, value: Argument): 'OK';

  /** Sets a string if the key doesn't exist. O(1). Since Redis 1.0.0. */
  setnx(key: Argument, value: Argument): number;
  /** As {@link setnx}, with Buffers. */
  setnxBuffer(key: Argument, value: Argument): number;

  /** Overwrites a part of a string. Creates the key if it doesn't exist. O(M) where M is the length of the argument, and what zeroes come before it. Since Redis 2.2.0. */
  setrange(key: Argument, offset: number | string, value: Argument): number;
  /** As {@link setrange}, with Buffers. */
  setrangeBuffer(key: Argument, offset: number | string, value: Argument): number;

  /** Saves a snapshot, if there are save points, and ends the server. O(N) where N is the number of keys. Since Redis 1.0.0. */
  shutdown(...args: Arguments): Reply<T>;
  /** As {@link shutdown}, with Buffers. */
  shutdownBuffer(...args: Arguments): Reply<Buffer>;

  /** Answers the members that are in all sets. O(N*M) where N is the size of the smallest set and M the number of sets. Since Redis 1.0.0. */
  sinter(...keys: Arguments): T[];
  /** As {@link sinter}, with Buffers. */
  sinterBuffer(...keys: Arguments): Buffer[];

  /** Counts the members that are in all sets, up to a limit. O(N*M) where N is the size of the smallest set and M the number of sets. Since Redis 7.0.0. */
  sintercard(numkeys: number | string, ...keysAndOptions: Arguments): number;
  /** As {@link sintercard}, with Buffers. */
  sintercardBuffer(numkeys: number | string, ...keysAndOptions: Arguments): number;

  /** Stores the members that are in all sets. O(N*M) where N is the size of the smallest set and M the number of sets. Since Redis 1.0.0. */
  sinterstore(destination: Argument, ...keys: Arguments): number;
  /** As {@link sinterstore}, with Buffers. */
  sinterstoreBuffer(destination: Argument, ...keys: Arguments): number;

  /** Tells whether something is a member of a set. O(1). Since Redis 1.0.0. */
  sismember(key: Argument, member: Argument): number;
  /** As {@link sismember}, with Buffers. */
  sismemberBuffer(key: Argument, member: Argument): number;

  /** Takes NO ONE, which is so: there is no replication. O(1). Since Redis 1.0.0. */
  slaveof(...args: Arguments): Reply<T>;
  /** As {@link slaveof}, with Buffers. */
  slaveofBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for commands on the slow log. Depends on subcommand. Since Redis 2.2.12. */
  slowlog(...args: Arguments): Reply<T>;
  /** As {@link slowlog}, with Buffers. */
  slowlogBuffer(...args: Arguments): Reply<Buffer>;

  /** Answers all members of a set. O(N) where N is the number of members. Since Redis 1.0.0. */
  smembers(key: Argument): T[];
  /** As {@link smembers}, with Buffers. */
  smembersBuffer(key: Argument): Buffer[];

  /** Tells of several things whether they are members of a set. O(N) where N is the number of things asked for. Since Redis 6.2.0. */
  smismember(key: Argument, ...members: Arguments): number[];
  /** As {@link smismember}, with Buffers. */
  smismemberBuffer(key: Argument, ...members: Arguments): number[];

  /** Moves a member from one set to another. O(1). Since Redis 1.0.0. */
  smove(source: Argument, destination: Argument, member: Argument): number;
  /** As {@link smove}, with Buffers. */
  smoveBuffer(source: Argument, destination: Argument, member: Argument): number;

  /** Sorts the elements of a list, a set or a sorted set; may store the result. O(N+M*log(M)) where N is the number of elements and M the number of returned ones; O(N) without sorting. Since Redis 1.0.0. */
  sort(key: Argument, ...options: Arguments): Array<T | null> | number;
  /** As {@link sort}, with Buffers. */
  sortBuffer(key: Argument, ...options: Arguments): Array<Buffer | null> | number;

  /** Sorts the elements of a list, a set or a sorted set. O(N+M*log(M)) where N is the number of elements and M the number of returned ones; O(N) without sorting. Since Redis 7.0.0. */
  sort_ro(key: Argument, ...options: Arguments): Array<T | null>;
  /** As {@link sort_ro}, with Buffers. */
  sort_roBuffer(key: Argument, ...options: Arguments): Array<Buffer | null>;

  /** Removes random members from a set and answers them. O(N) where N is the number of members popped. Since Redis 1.0.0. */
  spop(key: Argument): T | null;
  spop(key: Argument, count: number | string): T[];
  /** As {@link spop}, with Buffers. */
  spopBuffer(key: Argument): Buffer | null;
  spopBuffer(key: Argument, count: number | string): Buffer[];

  /** Sends a message to a sharded channel. O(N) where N is the number of clients subscribed to the shard channel. Since Redis 7.0.0. */
  spublish(...args: Arguments): Reply<T>;
  /** As {@link spublish}, with Buffers. */
  spublishBuffer(...args: Arguments): Reply<Buffer>;

  /** Answers random members of a set. O(N) where N is the number of members answered. Since Redis 1.0.0. */
  srandmember(key: Argument): T | null;
  srandmember(key: Argument, count: number | string): T[];
  /** As {@link srandmember}, with Buffers. */
  srandmemberBuffer(key: Argument): Buffer | null;
  srandmemberBuffer(key: Argument, count: number | string): Buffer[];

  /** Removes members from a set; an empty set is deleted. O(N) where N is the number of members to remove. Since Redis 1.0.0. */
  srem(key: Argument, ...members: Arguments): number;
  /** As {@link srem}, with Buffers. */
  sremBuffer(key: Argument, ...members: Arguments): number;

  /** Iterates over the members of a set. O(1) for each call, O(N) for a whole iteration. Since Redis 2.8.0. */
  sscan(key: Argument, cursor: Argument, ...options: Arguments): [cursor: T, elements: T[]];
  /** As {@link sscan}, with Buffers. */
  sscanBuffer(key: Argument, cursor: Argument, ...options: Arguments): [cursor: Buffer, elements: Buffer[]];

  /** Returns the length of a string. O(1). Since Redis 2.2.0. */
  strlen(key: Argument): number;
  /** As {@link strlen}, with Buffers. */
  strlenBuffer(key: Argument): number;

  /** Returns a part of a string. O(N) where N is the length of what is returned. Since Redis 1.0.0. */
  substr(key: Argument, start: number | string, end: number | string): T;
  /** As {@link substr}, with Buffers. */
  substrBuffer(key: Argument, start: number | string, end: number | string): Buffer;

  /** Answers the members of all sets together. O(N) where N is the number of members of all sets. Since Redis 1.0.0. */
  sunion(...keys: Arguments): T[];
  /** As {@link sunion}, with Buffers. */
  sunionBuffer(...keys: Arguments): Buffer[];

  /** Stores the members of all sets together. O(N) where N is the number of members of all sets. Since Redis 1.0.0. */
  sunionstore(destination: Argument, ...keys: Arguments): number;
  /** As {@link sunionstore}, with Buffers. */
  sunionstoreBuffer(destination: Argument, ...keys: Arguments): number;

  /** Exchanges two databases. O(1). Since Redis 4.0.0. */
  swapdb(db1: number | string, db2: number | string): 'OK';
  /** As {@link swapdb}, with Buffers. */
  swapdbBuffer(db1: number | string, db2: number | string): 'OK';

  /** Returns the Unix time in seconds and microseconds. O(1). Since Redis 2.6.0. */
  time(): [seconds: T, microseconds: T];
  /** As {@link time}, with Buffers. */
  timeBuffer(): [seconds: Buffer, microseconds: Buffer];

  /** Counts how many of the keys exist, and marks them as used. O(N) where N is the number of keys. Since Redis 3.2.1. */
  touch(...keys: Arguments): number;
  /** As {@link touch}, with Buffers. */
  touchBuffer(...keys: Arguments): number;

  /** Returns a key's time to live in seconds. O(1). Since Redis 1.0.0. */
  ttl(key: Argument): number;
  /** As {@link ttl}, with Buffers. */
  ttlBuffer(key: Argument): number;

  /** Returns the type of a key's value. O(1). Since Redis 1.0.0. */
  type(key: Argument): string;
  /** As {@link type}, with Buffers. */
  typeBuffer(key: Argument): string;

  /** Deletes keys. Big values are freed in the background. O(N) where N is the number of keys. Since Redis 4.0.0. */
  unlink(...keys: Arguments): number;
  /** As {@link unlink}, with Buffers. */
  unlinkBuffer(...keys: Arguments): number;

  /** Forgets the watched keys. O(1). Since Redis 2.2.0. */
  unwatch(...args: Arguments): Reply<T>;
  /** As {@link unwatch}, with Buffers. */
  unwatchBuffer(...args: Arguments): Reply<Buffer>;

  /** Waits for replicas, of which there are none. O(1). Since Redis 3.0.0. */
  wait(...args: Arguments): Reply<T>;
  /** As {@link wait}, with Buffers. */
  waitBuffer(...args: Arguments): Reply<Buffer>;

  /** Waits until what was written is on disk in the log. O(1). Since Redis 7.2.0. */
  waitaof(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link waitaof}, with Buffers. */
  waitaofBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Watches keys: EXEC does nothing if one of them was changed. O(1) for every key. Since Redis 2.2.0. */
  watch(...args: Arguments): Reply<T>;
  /** As {@link watch}, with Buffers. */
  watchBuffer(...args: Arguments): Reply<Buffer>;

  /** Acknowledges entries that were delivered to a consumer of a group; how many were pending. O(1) for each message ID processed. Since Redis 5.0.0. */
  xack(...args: Arguments): Reply<T>;
  /** As {@link xack}, with Buffers. */
  xackBuffer(...args: Arguments): Reply<Buffer>;

  /** Acknowledges entries for a group and removes them from the stream. O(1) for each message ID processed. Since Redis 8.2.0. */
  xackdel(...args: Arguments): Reply<T>;
  /** As {@link xackdel}, with Buffers. */
  xackdelBuffer(...args: Arguments): Reply<Buffer>;

  /** Adds an entry to a stream. Creates the key if it doesn't exist. O(1) when adding an entry, O(N) when trimming where N is the number of entries removed. Since Redis 5.0.0. */
  xadd(...args: Arguments): Reply<T>;
  /** As {@link xadd}, with Buffers. */
  xaddBuffer(...args: Arguments): Reply<Buffer>;

  /** Gives pending entries that were idle for long to another consumer. O(1) if COUNT is small. Since Redis 6.2.0. */
  xautoclaim(...args: Arguments): Reply<T>;
  /** As {@link xautoclaim}, with Buffers. */
  xautoclaimBuffer(...args: Arguments): Reply<Buffer>;

  /** Gives pending entries to another consumer. O(log N) with N being the number of pending entries of the group. Since Redis 5.0.0. */
  xclaim(...args: Arguments): Reply<T>;
  /** As {@link xclaim}, with Buffers. */
  xclaimBuffer(...args: Arguments): Reply<Buffer>;

  /** Removes entries from a stream; how many there were. O(1) for each single item to delete in the stream, regardless of the stream size. Since Redis 5.0.0. */
  xdel(...args: Arguments): Reply<T>;
  /** As {@link xdel}, with Buffers. */
  xdelBuffer(...args: Arguments): Reply<Buffer>;

  /** Removes entries from a stream, with a say on what groups know of them. O(1) for each single item to delete in the stream, regardless of the stream size. Since Redis 8.2.0. */
  xdelex(...args: Arguments): Reply<T>;
  /** As {@link xdelex}, with Buffers. */
  xdelexBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for commands on consumer groups. Depends on subcommand. Since Redis 5.0.0. */
  xgroup(...args: Arguments): Reply<T>;
  /** As {@link xgroup}, with Buffers. */
  xgroupBuffer(...args: Arguments): Reply<Buffer>;

  /** A container for commands that tell about streams. Depends on subcommand. Since Redis 5.0.0. */
  xinfo(...args: Arguments): Reply<T>;
  /** As {@link xinfo}, with Buffers. */
  xinfoBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns the number of entries in a stream. O(1). Since Redis 5.0.0. */
  xlen(...args: Arguments): Reply<T>;
  /** As {@link xlen}, with Buffers. */
  xlenBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns what was delivered to a group and not acknowledged. O(1) for the summary, and O(M) with M being the number of consumers; O(N) with N being the number of pending entries looked at. Since Redis 5.0.0. */
  xpending(...args: Arguments): Reply<T>;
  /** As {@link xpending}, with Buffers. */
  xpendingBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns the entries of a range of IDs. O(log(N)) to find the first entry, and O(M) with M being the number of entries returned. Since Redis 5.0.0. */
  xrange(...args: Arguments): Reply<T>;
  /** As {@link xrange}, with Buffers. */
  xrangeBuffer(...args: Arguments): Reply<Buffer>;

  /** Returns the entries of several streams that come after given IDs. Waits for some with BLOCK. O(log(N)) to find the first entry, and O(M) with M being the number of entries returned. Since Redis 5.0.0. */
  xread(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link xread}, with Buffers. */
  xreadBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Returns new entries for a consumer of a group, or what it has not acknowledged. Waits for some with BLOCK. O(log(N)) to find the first entry, and O(M) with M being the number of entries returned. Since Redis 5.0.0. */
  xreadgroup(...args: WaitArguments): Promise<Reply<T>>;
  /** As {@link xreadgroup}, with Buffers. */
  xreadgroupBuffer(...args: WaitArguments): Promise<Reply<Buffer>>;

  /** Returns the entries of a range of IDs, the last one first. O(log(N)) to find the first entry, and O(M) with M being the number of entries returned. Since Redis 5.0.0. */
  xrevrange(...args: Arguments): Reply<T>;
  /** As {@link xrevrange}, with Buffers. */
  xrevrangeBuffer(...args: Arguments): Reply<Buffer>;

  /** Sets the last ID of a stream; meant for logs. O(1). Since Redis 5.0.0. */
  xsetid(...args: Arguments): Reply<T>;
  /** As {@link xsetid}, with Buffers. */
  xsetidBuffer(...args: Arguments): Reply<Buffer>;

  /** Removes entries from the beginning of a stream; how many there were. O(N), with N being the number of entries removed. Since Redis 5.0.0. */
  xtrim(...args: Arguments): Reply<T>;
  /** As {@link xtrim}, with Buffers. */
  xtrimBuffer(...args: Arguments): Reply<Buffer>;

  /** Adds members to a sorted set, or updates their scores. Creates the key if it doesn't exist. O(log(N)) for each item added, where N is the number of elements in the sorted set. Since Redis 1.2.0. */
  zadd(key: Argument, ...optionsScoresAndMembers: Arguments): number | T | null;
  /** As {@link zadd}, with Buffers. */
  zaddBuffer(key: Argument, ...optionsScoresAndMembers: Arguments): number | Buffer | null;

  /** Returns the number of members in a sorted set. O(1). Since Redis 1.2.0. */
  zcard(key: Argument): number;
  /** As {@link zcard}, with Buffers. */
  zcardBuffer(key: Argument): number;

  /** Returns the number of members whose scores are within a range. O(log(N)) with N being the number of elements in the sorted set. Since Redis 2.0.0. */
  zcount(key: Argument, min: Argument, max: Argument): number;
  /** As {@link zcount}, with Buffers. */
  zcountBuffer(key: Argument, min: Argument, max: Argument): number;

  /** Returns the difference between the first sorted set and the others. O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set. Since Redis 6.2.0. */
  zdiff(numkeys: number | string, ...keysAndOptions: Arguments): T[];
  /** As {@link zdiff}, with Buffers. */
  zdiffBuffer(numkeys: number | string, ...keysAndOptions: Arguments): Buffer[];

  /** Stores the difference between the first sorted set and the others in a key. O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set. Since Redis 6.2.0. */
  zdiffstore(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;
  /** As {@link zdiffstore}, with Buffers. */
  zdiffstoreBuffer(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;

  /** Increments the score of a member in a sorted set. O(log(N)) with N being the number of elements in the sorted set. Since Redis 1.2.0. */
  zincrby(key: Argument, increment: Argument, member: Argument): T;
  /** As {@link zincrby}, with Buffers. */
  zincrbyBuffer(key: Argument, increment: Argument, member: Argument): Buffer;

  /** Returns the intersection of sorted sets. O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set. Since Redis 6.2.0. */
  zinter(numkeys: number | string, ...keysAndOptions: Arguments): T[];
  /** As {@link zinter}, with Buffers. */
  zinterBuffer(numkeys: number | string, ...keysAndOptions: Arguments): Buffer[];

  /** Returns the number of members of the intersection of sorted sets. O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets. Since Redis 7.0.0. */
  zintercard(numkeys: number | string, ...keysAndOptions: Arguments): number;
  /** As {@link zintercard}, with Buffers. */
  zintercardBuffer(numkeys: number | string, ...keysAndOptions: Arguments): number;

  /** Stores the intersection of sorted sets in a key. O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set. Since Redis 2.0.0. */
  zinterstore(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;
  /** As {@link zinterstore}, with Buffers. */
  zinterstoreBuffer(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;

  /** Returns the number of members within a lexicographical range. O(log(N)) with N being the number of elements in the sorted set. Since Redis 2.8.9. */
  zlexcount(key: Argument, min: Argument, max: Argument): number;
  /** As {@link zlexcount}, with Buffers. */
  zlexcountBuffer(key: Argument, min: Argument, max: Argument): number;

  /** Removes and returns the lowest or highest members of the first sorted set that has any. O(K) + O(log(N)+M) with K being the number of keys, N the number of elements in the sorted set and M the number of elements popped. Since Redis 7.0.0. */
  zmpop(numkeys: number | string, ...keysAndOptions: Arguments): [key: T, members: Array<[member: T, score: T]>] | null;
  /** As {@link zmpop}, with Buffers. */
  zmpopBuffer(
    numkeys: number | string,
    ...keysAndOptions: Arguments
  ): [key: Buffer, members: Array<[member: Buffer, score: Buffer]>] | null;

  /** Returns the scores of members in a sorted set. O(N) where N is the number of members being requested. Since Redis 6.2.0. */
  zmscore(key: Argument, ...members: Arguments): Array<T | null>;
  /** As {@link zmscore}, with Buffers. */
  zmscoreBuffer(key: Argument, ...members: Arguments): Array<Buffer | null>;

  /** Removes and returns the members with the highest scores. Deletes the key when the last is popped. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements popped. Since Redis 5.0.0. */
  zpopmax(key: Argument, count?: number | string): T[];
  /** As {@link zpopmax}, with Buffers. */
  zpopmaxBuffer(key: Argument, count?: number | string): Buffer[];

  /** Removes and returns the members with the lowest scores. Deletes the key when the last is popped. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements popped. Since Redis 5.0.0. */
  zpopmin(key: Argument, count?: number | string): T[];
  /** As {@link zpopmin}, with Buffers. */
  zpopminBuffer(key: Argument, count?: number | string): Buffer[];

  /** Returns random members of a sorted set. O(N) where N is the number of members returned. Since Redis 6.2.0. */
  zrandmember(key: Argument): T | null;
  zrandmember(key: Argument, count: number | string, withScores?: 'WITHSCORES'): T[];
  /** As {@link zrandmember}, with Buffers. */
  zrandmemberBuffer(key: Argument): Buffer | null;
  zrandmemberBuffer(key: Argument, count: number | string, withScores?: 'WITHSCORES'): Buffer[];

  /** Returns members in a range of ranks, scores, or lexicographically. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 1.2.0. */
  zrange(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrange}, with Buffers. */
  zrangeBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Returns members in a lexicographical range. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 2.8.9. */
  zrangebylex(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrangebylex}, with Buffers. */
  zrangebylexBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Returns members in a range of scores. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 1.0.5. */
  zrangebyscore(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrangebyscore}, with Buffers. */
  zrangebyscoreBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Stores a range of members of a sorted set in a key. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key. Since Redis 6.2.0. */
  zrangestore(destination: Argument, source: Argument, min: Argument, max: Argument, ...options: Arguments): number;
  /** As {@link zrangestore}, with Buffers. */
  zrangestoreBuffer(
    destination: Argument,
    source: Argument,
    min: Argument,
    max: Argument,
    ...options: Arguments
  ): number;

  /** Returns the rank of a member in a sorted set ordered by ascending scores. O(log(N)). Since Redis 2.0.0. */
  zrank(key: Argument, member: Argument): number | null;
  zrank(key: Argument, member: Argument, withScore: 'WITHSCORE'): [rank: number, score: T] | null;
  /** As {@link zrank}, with Buffers. */
  zrankBuffer(key: Argument, member: Argument): number | null;
  zrankBuffer(key: Argument, member: Argument, withScore: 'WITHSCORE'): [rank: number, score: Buffer] | null;

  /** Removes members from a sorted set. Deletes the key when all are removed. O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements removed. Since Redis 1.2.0. */
  zrem(key: Argument, ...members: Arguments): number;
  /** As {@link zrem}, with Buffers. */
  zremBuffer(key: Argument, ...members: Arguments): number;

  /** Removes members in a lexicographical range. Deletes the key when all are removed. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed. Since Redis 2.8.9. */
  zremrangebylex(key: Argument, min: Argument, max: Argument): number;
  /** As {@link zremrangebylex}, with Buffers. */
  zremrangebylexBuffer(key: Argument, min: Argument, max: Argument): number;

  /** Removes members in a range of ranks. Deletes the key when all are removed. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed. Since Redis 2.0.0. */
  zremrangebyrank(key: Argument, start: Argument, stop: Argument): number;
  /** As {@link zremrangebyrank}, with Buffers. */
  zremrangebyrankBuffer(key: Argument, start: Argument, stop: Argument): number;

  /** Removes members in a range of scores. Deletes the key when all are removed. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed. Since Redis 1.2.0. */
  zremrangebyscore(key: Argument, min: Argument, max: Argument): number;
  /** As {@link zremrangebyscore}, with Buffers. */
  zremrangebyscoreBuffer(key: Argument, min: Argument, max: Argument): number;

  /** Returns members in a range of ranks, in reverse order. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 1.2.0. */
  zrevrange(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrevrange}, with Buffers. */
  zrevrangeBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Returns members in a lexicographical range, in reverse order. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 2.8.9. */
  zrevrangebylex(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrevrangebylex}, with Buffers. */
  zrevrangebylexBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Returns members in a range of scores, in reverse order. O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned. Since Redis 2.2.0. */
  zrevrangebyscore(key: Argument, start: Argument, stop: Argument, ...options: Arguments): T[];
  /** As {@link zrevrangebyscore}, with Buffers. */
  zrevrangebyscoreBuffer(key: Argument, start: Argument, stop: Argument, ...options: Arguments): Buffer[];

  /** Returns the rank of a member in a sorted set ordered by descending scores. O(log(N)). Since Redis 2.0.0. */
  zrevrank(key: Argument, member: Argument): number | null;
  zrevrank(key: Argument, member: Argument, withScore: 'WITHSCORE'): [rank: number, score: T] | null;
  /** As {@link zrevrank}, with Buffers. */
  zrevrankBuffer(key: Argument, member: Argument): number | null;
  zrevrankBuffer(key: Argument, member: Argument, withScore: 'WITHSCORE'): [rank: number, score: Buffer] | null;

  /** Iterates over members and scores of a sorted set. O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection. Since Redis 2.8.0. */
  zscan(key: Argument, cursor: Argument, ...options: Arguments): [cursor: T, elements: T[]];
  /** As {@link zscan}, with Buffers. */
  zscanBuffer(key: Argument, cursor: Argument, ...options: Arguments): [cursor: Buffer, elements: Buffer[]];

  /** Returns the score of a member in a sorted set. O(1). Since Redis 1.2.0. */
  zscore(key: Argument, member: Argument): T | null;
  /** As {@link zscore}, with Buffers. */
  zscoreBuffer(key: Argument, member: Argument): Buffer | null;

  /** Returns the union of sorted sets. O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set. Since Redis 6.2.0. */
  zunion(numkeys: number | string, ...keysAndOptions: Arguments): T[];
  /** As {@link zunion}, with Buffers. */
  zunionBuffer(numkeys: number | string, ...keysAndOptions: Arguments): Buffer[];

  /** Stores the union of sorted sets in a key. O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set. Since Redis 2.0.0. */
  zunionstore(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;
  /** As {@link zunionstore}, with Buffers. */
  zunionstoreBuffer(destination: Argument, numkeys: number | string, ...keysAndOptions: Arguments): number;
}
