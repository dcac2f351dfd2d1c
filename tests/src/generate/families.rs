//! The command tables, a family each. A row is a weight and the syntax (see [`super::template`]).

use super::words::Words;
use crate::text::unhex;

/// Commands that are drawn together.
#[derive(Debug)]
pub struct Family {
    /// Its name, as in the tests' names.
    pub name: &'static str,
    /// Its tables.
    pub tables: &'static [Table],
}

/// Weighted rows.
pub type Table = &'static [(u32, &'static str)];

/// Every family.
pub const ALL: &[&Family] =
    &[&STRINGS, &KEYS, &LISTS, &SETS, &HASHES, &SORTED_SETS, &SERVER, &TRANSACTIONS, &FIELD_EXPIRY];

/// Strings and numbers in them.
pub const STRINGS: Family = Family { name: "strings", tables: &[STRING_ROWS, TOUCHES] };
/// What works on keys of any type.
pub const KEYS: Family = Family { name: "keys", tables: &[KEY_ROWS, SOME_OF_EVERYTHING] };
/// Lists.
pub const LISTS: Family = Family { name: "lists", tables: &[LIST_ROWS, TOUCHES] };
/// Sets.
pub const SETS: Family = Family { name: "sets", tables: &[SET_ROWS, TOUCHES] };
/// Hashes, without the expiry of fields.
pub const HASHES: Family = Family { name: "hashes", tables: &[HASH_ROWS, TOUCHES] };
/// Sorted sets.
pub const SORTED_SETS: Family = Family { name: "sorted_sets", tables: &[ZSET_ROWS, TOUCHES] };
/// Connection, introspection, configuration.
pub const SERVER: Family = Family { name: "server", tables: &[SERVER_ROWS, SOME_OF_EVERYTHING] };
/// Transactions over everything.
pub const TRANSACTIONS: Family = Family {
    name: "transactions",
    tables: &[
        TRANSACTION_ROWS,
        SOME_OF_EVERYTHING,
        SOME_OF_EVERYTHING,
        STRING_ROWS,
        LIST_ROWS,
        HASH_ROWS,
        SET_ROWS,
        ZSET_ROWS,
    ],
};
/// Expiry of hash fields (Redis 7.4 and later).
pub const FIELD_EXPIRY: Family =
    Family { name: "field_expiry", tables: &[FIELD_EXPIRY_ROWS, HASH_ROWS, TOUCHES] };

const STRING_ROWS: Table = &[
    (6, "APPEND skey val"),
    (4, "DECR skey"),
    (4, "DECRBY skey int"),
    (6, "GET skey"),
    (3, "GETDEL skey"),
    (4, "GETEX skey [ ( EX sec | PX msec | EXAT at | PXAT atms | PERSIST ) ]"),
    (4, "GETRANGE skey index index"),
    (3, "GETSET skey val"),
    (4, "INCR skey"),
    (5, "INCRBY skey int"),
    (6, "INCRBYFLOAT skey float"),
    (3, "MGET { skey }"),
    (3, "MSET { skey val }"),
    (3, "MSETNX { skey val }"),
    (2, "PSETEX skey msec val"),
    (
        14,
        "SET skey val < [ ( NX | XX ) ] ; [ GET ] ; [ ( EX sec | PX msec | EXAT at | PXAT atms | KEEPTTL ) ] >",
    ),
    (4, "SET skey val"),
    (6, "SET skey int"),
    (3, "SET skey float"),
    (2, "SETEX skey sec val"),
    (2, "SETNX skey val"),
    (4, "SETRANGE skey offset val"),
    (3, "STRLEN skey"),
    (2, "SUBSTR skey index index"),
    (4, "LCS skey skey < [ LEN ] ; [ IDX ] ; [ MINMATCHLEN small ] ; [ WITHMATCHLEN ] >"),
];

/// What other families need of the key commands: expiry, deletion, a look at the encoding.
const TOUCHES: Table = &[
    (2, "DEL key"),
    (2, "OBJECT ENCODING key"),
    (1, "TYPE key"),
    (1, "EXPIRE key sec"),
    (1, "PERSIST key"),
    (1, "PEXPIRETIME key"),
    (1, "SET key val"),
];

const KEY_ROWS: Table = &[
    (5, "DEL { key }"),
    (3, "UNLINK { key }"),
    (4, "EXISTS { key }"),
    (4, "TYPE key"),
    (6, "RENAME key key"),
    (4, "RENAMENX key key"),
    (8, "COPY key key < [ DB db ] ; [ REPLACE ] >"),
    (2, "TOUCH { key }"),
    (3, "KEYS pattern"),
    (5, "SCAN 0 < [ MATCH pattern ] ; [ COUNT count ] ; [ TYPE type ] >"),
    (1, "SCAN int"),
    (2, "RANDOMKEY"),
    (3, "DBSIZE"),
    (4, "OBJECT ENCODING key"),
    (1, "OBJECT REFCOUNT key"),
    (1, "OBJECT IDLETIME key"),
    (1, "OBJECT FREQ key"),
    (1, "OBJECT val key"),
    (6, "EXPIRE key sec [ ( NX | XX | GT | LT | XX GT | NX LT | XX LT ) ]"),
    (4, "PEXPIRE key msec [ ( NX | XX | GT | LT | GT LT | XX GT ) ]"),
    (4, "EXPIREAT key at [ ( NX | XX | GT | LT ) ]"),
    (4, "PEXPIREAT key atms [ ( NX | XX | GT | LT ) ]"),
    (3, "EXPIRETIME key"),
    (3, "PEXPIRETIME key"),
    (3, "TTL key"),
    (3, "PTTL key"),
    (4, "PERSIST key"),
    (3, "DUMP key"),
    (6, "RESTORE key ( 0 | msec ) payload < [ REPLACE ] ; [ ( IDLETIME sec | FREQ small ) ] >"),
    (2, "RESTORE key atms payload < ABSTTL ; [ REPLACE ] >"),
    (6, "MOVE key db"),
    (4, "SELECT db"),
    (3, "SWAPDB db db"),
    (1, "FLUSHDB [ ( ASYNC | SYNC ) ]"),
    (1, "FLUSHALL [ ( ASYNC | SYNC ) ]"),
    (
        3,
        "SORT ( lkey | tkey | zkey | key ) < [ LIMIT index count ] ; [ { GET sortget } ] ; [ ( ASC | DESC ) ] ; ALPHA ; [ STORE key ] >",
    ),
    (
        3,
        "SORT ( lkey | tkey | zkey ) < BY sortby ; [ LIMIT index count ] ; [ { GET sortget } ] ; [ ( ASC | DESC ) ] ; [ STORE key ] >",
    ),
    (
        2,
        "SORT ( lkey | zkey ) < BY NOSORT ; [ LIMIT index count ] ; [ { GET sortget } ] ; [ ( ASC | DESC ) ] ; [ STORE key ] >",
    ),
    (3, "SORT lkey [ LIMIT index count ] [ ( ASC | DESC ) ] [ STORE lkey ]"),
    (1, "SORT_RO lkey [ ALPHA ]"),
];

/// Writes of every type, so that the key commands have something to work on.
const SOME_OF_EVERYTHING: Table = &[
    (10, "SET skey val"),
    (2, "SET skey val EX sec"),
    (1, "INCR skey"),
    (6, "RPUSH lkey { el }"),
    (2, "LPOP lkey"),
    (6, "SADD tkey { el }"),
    (1, "SREM tkey el"),
    (6, "HSET hkey { el val }"),
    (1, "HDEL hkey el"),
    (6, "ZADD zkey { float el }"),
    (1, "ZREM zkey el"),
];

const LIST_ROWS: Table = &[
    (8, "LPUSH lkey { el }"),
    (10, "RPUSH lkey { el }"),
    (2, "LPUSHX lkey { el }"),
    (2, "RPUSHX lkey { el }"),
    (4, "LPOP lkey [ count ]"),
    (4, "RPOP lkey [ count ]"),
    (4, "LLEN lkey"),
    (5, "LINDEX lkey index"),
    (6, "LRANGE lkey index index"),
    (5, "LSET lkey index el"),
    (5, "LREM lkey index el"),
    (3, "LTRIM lkey index index"),
    (5, "LINSERT lkey ( BEFORE | AFTER ) el el"),
    (5, "LPOS lkey el < [ RANK index ] ; [ COUNT count ] ; [ MAXLEN count ] >"),
    (5, "LMOVE lkey lkey ( LEFT | RIGHT ) ( LEFT | RIGHT )"),
    (3, "RPOPLPUSH lkey lkey"),
    (4, "LMPOP #{ lkey } ( LEFT | RIGHT ) [ COUNT count ]"),
    (1, "RPUSH lkey val"),
];

const SET_ROWS: Table = &[
    (14, "SADD tkey { el }"),
    (5, "SREM tkey { el }"),
    (3, "SCARD tkey"),
    (4, "SISMEMBER tkey el"),
    (3, "SMISMEMBER tkey { el }"),
    (4, "SMEMBERS tkey"),
    (4, "SMOVE tkey tkey el"),
    (4, "SPOP tkey [ count ]"),
    (4, "SRANDMEMBER tkey [ randcount ]"),
    (4, "SINTER { tkey }"),
    (3, "SINTERCARD #{ tkey } [ LIMIT count ]"),
    (3, "SINTERSTORE tkey { tkey }"),
    (4, "SUNION { tkey }"),
    (3, "SUNIONSTORE tkey { tkey }"),
    (4, "SDIFF { tkey }"),
    (3, "SDIFFSTORE tkey { tkey }"),
    (4, "SSCAN tkey 0 < [ MATCH pattern ] ; [ COUNT count ] >"),
    (3, "SADD tkey { int }"),
];

const HASH_ROWS: Table = &[
    (14, "HSET hkey { el val }"),
    (3, "HMSET hkey { el val }"),
    (3, "HSETNX hkey el val"),
    (5, "HGET hkey el"),
    (3, "HMGET hkey { el }"),
    (4, "HGETALL hkey"),
    (2, "HKEYS hkey"),
    (2, "HVALS hkey"),
    (3, "HLEN hkey"),
    (3, "HEXISTS hkey el"),
    (5, "HDEL hkey { el }"),
    (4, "HINCRBY hkey el int"),
    (4, "HINCRBYFLOAT hkey el float"),
    (3, "HSTRLEN hkey el"),
    (4, "HRANDFIELD hkey [ randcount [ WITHVALUES ] ]"),
    (4, "HSCAN hkey 0 < [ MATCH pattern ] ; [ COUNT count ] >"),
];

const ZSET_ROWS: Table = &[
    (16, "ZADD zkey < [ ( NX | XX | GT | LT ) ] ; [ CH ] > { float el }"),
    (6, "ZADD zkey { small el }"),
    (3, "ZADD zkey < [ ( NX | XX | GT | LT | XX GT | XX LT ) ] ; [ CH ] ; INCR > float el"),
    (4, "ZINCRBY zkey float el"),
    (4, "ZREM zkey { el }"),
    (3, "ZCARD zkey"),
    (3, "ZCOUNT zkey scoremin scoremax"),
    (3, "ZLEXCOUNT ykey lexmin lexmax"),
    (3, "ZSCORE zkey el"),
    (3, "ZMSCORE zkey { el }"),
    (3, "ZRANK zkey el [ WITHSCORE ]"),
    (3, "ZREVRANK zkey el [ WITHSCORE ]"),
    (4, "ZRANGE zkey index index < [ REV ] ; [ WITHSCORES ] >"),
    (4, "ZRANGE zkey scoremin scoremax < BYSCORE ; [ LIMIT index count ] ; [ WITHSCORES ] >"),
    (3, "ZRANGE zkey scoremax scoremin < BYSCORE ; REV ; [ LIMIT index count ] ; [ WITHSCORES ] >"),
    (3, "ZRANGE ykey lexmin lexmax < BYLEX ; [ LIMIT index count ] >"),
    (2, "ZRANGE ykey lexmax lexmin < BYLEX ; REV ; [ LIMIT index count ] >"),
    (1, "ZRANGE zkey index index LIMIT index count"),
    (2, "ZRANGESTORE zkey zkey index index [ REV ]"),
    (2, "ZRANGESTORE zkey zkey scoremin scoremax < BYSCORE ; [ LIMIT index count ] >"),
    (2, "ZRANGESTORE zkey ykey lexmin lexmax < BYLEX ; [ LIMIT index count ] >"),
    (3, "ZREVRANGE zkey index index [ WITHSCORES ]"),
    (3, "ZRANGEBYSCORE zkey scoremin scoremax < [ WITHSCORES ] ; [ LIMIT index count ] >"),
    (3, "ZREVRANGEBYSCORE zkey scoremax scoremin < [ WITHSCORES ] ; [ LIMIT index count ] >"),
    (2, "ZRANGEBYLEX ykey lexmin lexmax [ LIMIT index count ]"),
    (2, "ZREVRANGEBYLEX ykey lexmax lexmin [ LIMIT index count ]"),
    (2, "ZREMRANGEBYRANK zkey index index"),
    (2, "ZREMRANGEBYSCORE zkey scoremin scoremax"),
    (2, "ZREMRANGEBYLEX ykey lexmin lexmax"),
    (3, "ZPOPMIN zkey [ count ]"),
    (3, "ZPOPMAX zkey [ count ]"),
    (3, "ZMPOP #{ zkey } ( MIN | MAX ) [ COUNT count ]"),
    (3, "ZRANDMEMBER zkey [ randcount [ WITHSCORES ] ]"),
    (3, "ZUNION #{ zset } < [ WEIGHTS %{ float } ] ; [ AGGREGATE ( SUM | MIN | MAX ) ] ; [ WITHSCORES ] >"),
    (3, "ZINTER #{ zset } < [ WEIGHTS %{ float } ] ; [ AGGREGATE ( SUM | MIN | MAX ) ] ; [ WITHSCORES ] >"),
    (3, "ZDIFF #{ zset } [ WITHSCORES ]"),
    (3, "ZUNIONSTORE zkey #{ zset } < [ WEIGHTS %{ float } ] ; [ AGGREGATE ( SUM | MIN | MAX ) ] >"),
    (3, "ZINTERSTORE zkey #{ zset } < [ WEIGHTS %{ float } ] ; [ AGGREGATE ( SUM | MIN | MAX ) ] >"),
    (3, "ZDIFFSTORE zkey #{ zset }"),
    (2, "ZINTERCARD #{ zset } [ LIMIT count ]"),
    (3, "ZSCAN zkey 0 < [ MATCH pattern ] ; [ COUNT count ] >"),
    (5, "ZADD ykey { 0 el }"),
    (2, "SADD tkey { el }"),
];

const SERVER_ROWS: Table = &[
    (3, "PING [ val ]"),
    (3, "ECHO val"),
    (3, "SELECT db"),
    (3, "DBSIZE"),
    (1, "TIME"),
    (2, "CLIENT GETNAME"),
    (2, "CLIENT SETNAME el"),
    (1, "CLIENT ID"),
    (1, "CLIENT NO-EVICT ( ON | OFF | el )"),
    (1, "CLIENT el"),
    (3, "CONFIG GET setting"),
    (1, "CONFIG el"),
    (2, "CONFIG SET 'hash-max-listpack-entries ( 4 | 128 | el )"),
    (2, "CONFIG SET 'set-max-intset-entries ( 4 | 512 | int )"),
    (2, "CONFIG SET 'zset-max-listpack-value ( 8 | 64 )"),
    (1, "CONFIG SET 'nosuchdirective el"),
    (2, "COMMAND GETKEYS SET skey val"),
    (1, "COMMAND GETKEYS MSET { skey val }"),
    (1, "COMMAND GETKEYS ZUNIONSTORE zkey #{ zkey }"),
    (1, "COMMAND GETKEYS PING"),
    (1, "COMMAND GETKEYS 'nosuchcommand el"),
    (1, "COMMAND el"),
    (2, "MEMORY USAGE key [ SAMPLES small ]"),
    (1, "WAIT 0 0"),
    (2, "FLUSHDB"),
    (2, "SWAPDB db db"),
    (1, "LASTSAVE"),
    (1, "OBJECT HELP"),
    (1, "NOSUCHCOMMAND { el }"),
    (1, "RESET"),
    (1, "READONLY"),
];

const TRANSACTION_ROWS: Table = &[
    (30, "MULTI"),
    (30, "EXEC"),
    (4, "DISCARD"),
    (6, "WATCH { key }"),
    (3, "UNWATCH"),
    (3, "SELECT db"),
    (3, "EXPIRE key sec"),
    (3, "DEL { key }"),
    (2, "RENAME key key"),
    (1, "FLUSHDB"),
    (1, "SWAPDB 0 1"),
    (1, "NOSUCHCOMMAND el"),
];

const FIELD_EXPIRY_ROWS: Table = &[
    (10, "HEXPIRE hkey sec [ ( NX | XX | GT | LT ) ] FIELDS #{ el }"),
    (8, "HPEXPIRE hkey msec [ ( NX | XX | GT | LT ) ] FIELDS #{ el }"),
    (8, "HEXPIREAT hkey at [ ( NX | XX | GT | LT ) ] FIELDS #{ el }"),
    (8, "HPEXPIREAT hkey atms [ ( NX | XX | GT | LT ) ] FIELDS #{ el }"),
    (6, "HTTL hkey FIELDS #{ el }"),
    (6, "HPTTL hkey FIELDS #{ el }"),
    (6, "HEXPIRETIME hkey FIELDS #{ el }"),
    (6, "HPEXPIRETIME hkey FIELDS #{ el }"),
    (6, "HPERSIST hkey FIELDS #{ el }"),
    (6, "HGETDEL hkey FIELDS #{ el }"),
    (6, "HGETEX hkey [ ( EX sec | PX msec | EXAT at | PXAT atms | PERSIST ) ] FIELDS #{ el }"),
    (
        8,
        "HSETEX hkey < [ ( FNX | FXX ) ] ; [ ( EX sec | PX msec | EXAT at | PXAT atms | KEEPTTL ) ] > FIELDS #{ el val }",
    ),
    (2, "COPY hkey hkey [ REPLACE ]"),
    (2, "RENAME hkey hkey"),
];

/// What servers of version 6.2 and 7.0 answered to DUMP; all later ones restore it.
const PAYLOADS: &[&str] = &[
    "000568656c6c6f0900b3808eba31b243bb",
    "00c00c0900ecd8a99d0882df64",
    "00c290eefeff0900f8878fb7476d4bb1",
    "000f31323334353637383930313233343509007ad1814c98be0b87",
    "00c3094064017878e0570001787809008d45a7afef8e01ee",
    "0e01c3244063046300000019200314050000016103f202c0d4fe04040062696e0640466de03b00016dff0900c0517fce4e44a5a7",
    "0b1404000000030000000100000002000000701101000900552790ca0f9bb3e4",
    "0203c0010162016109009495a10ab6574dea",
    "0d151500000012000000040000016603017603f202f3ff09000293d93cf5ed8048",
    "04010166c3094041017676e034000176760900ed83ef9e6300acf4",
    "0c20200000001a000000060000016103f20201620303322e350501630303696e66ff09003ea8f03ae45b8807",
    "0502c3094041016d6de03400016d6d000000000000f03f01629a9999999999b93f09005b8a446fcebde271",
    "000568656c6c6f0a006372df766534200a",
    "00c00c0a003c2af8515c04bcd5",
    "00c290eefeff0a002875de7b13eb2800",
    "000f3132333435363738393031323334350a00aa23d080cc386836",
    "00c3094064017878e057000178780a005db7f663bb08625f",
    "120102c31e405e165e00000005008161020101ded402840062696e05e0466de03c000148ff0a00b88cc00f447ded80",
    "0b1404000000030000000100000002000000701101000a0085d5c1065b1dd055",
    "0203c001016201610a004467f0c6e2d12e5b",
    "101111000000040081660281760201010201ff0a001a4df2175e0bff9b",
    "04010166c3094041017676e034000176760a003d71be523786cf45",
    "111c1c0000000600816102010181620283322e350481630283696e6604ff0a006b1ddedce8e2c399",
    "0502c3094041016d6de03400016d6d000000000000f03f01629a9999999999b93f0a008b7815a39a3b81c0",
];

/// A payload for RESTORE: good, or damaged in its checksum, its version or its body.
pub(super) fn payload(words: &mut Words) -> Vec<u8> {
    let chosen = PAYLOADS[words.below_usize(PAYLOADS.len())];
    let Some(mut bytes) = unhex(chosen) else { panic!("a payload of the table is no hexadecimal: {chosen}") };
    match words.below(12) {
        0 => {
            let at = words.below_usize(bytes.len());
            bytes[at] ^= 1 << words.below(8);
        }
        1 => bytes.truncate(words.below_usize(bytes.len())),
        _ => {}
    }
    bytes
}
