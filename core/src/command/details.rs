//! What COMMAND INFO tells of a command beyond its row in the table: tips for clients and proxies, and key
//! specifications, which say where the keys are and what is done to them. Values are those of Redis 7.0 and, for later
//! commands, of Redis 8.2; names of subcommands are written as `object|freq`.

/// Where the first key of a specification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At this argument.
    Index(i32),
    /// Behind this word, looked for from this argument on (negative: from the end).
    Keyword(&'static str, i32),
    /// Not to be told from the arguments.
    Unknown,
}

/// Which arguments from there on are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    /// Up to `last` (relative to the first; negative: from the end), in steps, of the rest one in `limit` parts.
    Range { last: i32, step: i32, limit: i32 },
    /// A count, and that many keys behind it, in steps.
    Count { step: i32 },
    /// Not to be told from the arguments.
    Unknown,
}

/// A key specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Names with blanks between: `RO`, `RW`, `OW`, `RM`, then what happens to the value.
    pub(super) flags: &'static str,
    pub(super) begin: Begin,
    pub(super) find: Find,
}

const fn at(flags: &'static str, first: i32, last: i32, step: i32) -> Spec {
    Spec { flags, begin: Begin::Index(first), find: Find::Range { last, step, limit: 0 } }
}

const fn counted(flags: &'static str, count: i32) -> Spec {
    Spec { flags, begin: Begin::Index(count), find: Find::Count { step: 1 } }
}

const fn counted_pairs(flags: &'static str, count: i32) -> Spec {
    Spec { flags, begin: Begin::Index(count), find: Find::Count { step: 2 } }
}

const fn keyword(flags: &'static str, word: &'static str, from: i32, last: i32, limit: i32) -> Spec {
    Spec { flags, begin: Begin::Keyword(word, from), find: Find::Range { last, step: 1, limit } }
}

const fn unknown(flags: &'static str) -> Spec {
    Spec { flags, begin: Begin::Unknown, find: Find::Unknown }
}

/// Tips (with blanks between) and key specifications of a command; nothing for one that is not in the table.
pub(super) fn of(name: &str) -> (&'static str, &'static [Spec]) {
    match DETAILS.binary_search_by(|(known, ..)| (*known).cmp(name)) {
        Ok(at) => (DETAILS[at].1, DETAILS[at].2),
        Err(_) => ("", &[]),
    }
}

/// In order of the names' bytes.
#[rustfmt::skip]
const DETAILS: &[(&str, &str, &[Spec])] = &[
    ("append", "", &[at("RW insert", 1, 0, 1)]),
    ("bitcount", "", &[at("RO access", 1, 0, 1)]),
    ("bitfield", "", &[at("RW access update variable_flags", 1, 0, 1)]),
    ("bitfield_ro", "", &[at("RO access", 1, 0, 1)]),
    ("bitop", "", &[at("OW update", 2, 0, 1), at("RO access", 3, -1, 1)]),
    ("bitpos", "", &[at("RO access", 1, 0, 1)]),
    ("blmove", "", &[at("RW access delete", 1, 0, 1), at("RW insert", 2, 0, 1)]),
    ("blmpop", "", &[counted("RW access delete", 2)]),
    ("blpop", "", &[at("RW access delete", 1, -2, 1)]),
    ("brpop", "", &[at("RW access delete", 1, -2, 1)]),
    ("brpoplpush", "", &[at("RW access delete", 1, 0, 1), at("RW insert", 2, 0, 1)]),
    ("bzmpop", "", &[counted("RW access delete", 2)]),
    ("bzpopmax", "", &[at("RW access delete", 1, -2, 1)]),
    ("bzpopmin", "", &[at("RW access delete", 1, -2, 1)]),
    ("client|info", "nondeterministic_output", &[]),
    ("client|list", "nondeterministic_output", &[]),
    ("client|setinfo", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("command", "nondeterministic_output_order", &[]),
    ("command|docs", "nondeterministic_output_order", &[]),
    ("command|info", "nondeterministic_output_order", &[]),
    ("command|list", "nondeterministic_output_order", &[]),
    ("config|set", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("copy", "", &[at("RO access", 1, 0, 1), at("OW update", 2, 0, 1)]),
    ("dbsize", "request_policy:all_shards response_policy:agg_sum", &[]),
    ("decr", "", &[at("RW access update", 1, 0, 1)]),
    ("decrby", "", &[at("RW access update", 1, 0, 1)]),
    ("del", "request_policy:multi_shard response_policy:agg_sum", &[at("RM delete", 1, -1, 1)]),
    ("delifeq", "", &[at("RM delete", 1, 0, 1)]),
    ("dump", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("eval", "", &[counted("RW access update", 2)]),
    ("eval_ro", "", &[counted("RO access", 2)]),
    ("evalsha", "", &[counted("RW access update", 2)]),
    ("evalsha_ro", "", &[counted("RO access", 2)]),
    ("exists", "request_policy:multi_shard response_policy:agg_sum", &[at("RO", 1, -1, 1)]),
    ("expire", "", &[at("RW update", 1, 0, 1)]),
    ("expireat", "", &[at("RW update", 1, 0, 1)]),
    ("expiretime", "", &[at("RO access", 1, 0, 1)]),
    ("fcall", "", &[counted("RW access update", 2)]),
    ("fcall_ro", "", &[counted("RO access", 2)]),
    ("flushall", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("flushdb", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("function|delete", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("function|flush", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("function|kill", "request_policy:all_shards response_policy:one_succeeded", &[]),
    ("function|list", "nondeterministic_output_order", &[]),
    ("function|load", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("function|restore", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("function|stats", "nondeterministic_output request_policy:all_shards response_policy:special", &[]),
    ("geoadd", "", &[at("RW update", 1, 0, 1)]),
    ("geodist", "", &[at("RO access", 1, 0, 1)]),
    ("geohash", "", &[at("RO access", 1, 0, 1)]),
    ("geopos", "", &[at("RO access", 1, 0, 1)]),
    ("georadius", "", &[at("RO access", 1, 0, 1), keyword("OW update", "STORE", 6, 0, 0), keyword("OW update", "STOREDIST", 6, 0, 0)]),
    ("georadius_ro", "", &[at("RO access", 1, 0, 1)]),
    ("georadiusbymember", "", &[at("RO access", 1, 0, 1), keyword("OW update", "STORE", 5, 0, 0), keyword("OW update", "STOREDIST", 5, 0, 0)]),
    ("georadiusbymember_ro", "", &[at("RO access", 1, 0, 1)]),
    ("geosearch", "", &[at("RO access", 1, 0, 1)]),
    ("geosearchstore", "", &[at("OW update", 1, 0, 1), at("RO access", 2, 0, 1)]),
    ("get", "", &[at("RO access", 1, 0, 1)]),
    ("getbit", "", &[at("RO access", 1, 0, 1)]),
    ("getdel", "", &[at("RW access delete", 1, 0, 1)]),
    ("getex", "", &[at("RW access update", 1, 0, 1)]),
    ("getrange", "", &[at("RO access", 1, 0, 1)]),
    ("getset", "", &[at("RW access update", 1, 0, 1)]),
    ("hdel", "", &[at("RW delete", 1, 0, 1)]),
    ("hexists", "", &[at("RO", 1, 0, 1)]),
    ("hexpire", "", &[at("RW update", 1, 0, 1)]),
    ("hexpireat", "", &[at("RW update", 1, 0, 1)]),
    ("hexpiretime", "", &[at("RO access", 1, 0, 1)]),
    ("hget", "", &[at("RO access", 1, 0, 1)]),
    ("hgetall", "nondeterministic_output_order", &[at("RO access", 1, 0, 1)]),
    ("hgetdel", "", &[at("RW access delete", 1, 0, 1)]),
    ("hgetex", "", &[at("RW access update", 1, 0, 1)]),
    ("hincrby", "", &[at("RW access update", 1, 0, 1)]),
    ("hincrbyfloat", "", &[at("RW access update", 1, 0, 1)]),
    ("hkeys", "nondeterministic_output_order", &[at("RO access", 1, 0, 1)]),
    ("hlen", "", &[at("RO", 1, 0, 1)]),
    ("hmget", "", &[at("RO access", 1, 0, 1)]),
    ("hmset", "", &[at("RW update", 1, 0, 1)]),
    ("hpersist", "", &[at("RW update", 1, 0, 1)]),
    ("hpexpire", "", &[at("RW update", 1, 0, 1)]),
    ("hpexpireat", "", &[at("RW update", 1, 0, 1)]),
    ("hpexpiretime", "", &[at("RO access", 1, 0, 1)]),
    ("hpttl", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("hrandfield", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("hscan", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("hset", "", &[at("RW update", 1, 0, 1)]),
    ("hsetex", "", &[at("RW update", 1, 0, 1)]),
    ("hsetnx", "", &[at("RW insert", 1, 0, 1)]),
    ("hstrlen", "", &[at("RO", 1, 0, 1)]),
    ("httl", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("hvals", "nondeterministic_output_order", &[at("RO access", 1, 0, 1)]),
    ("incr", "", &[at("RW access update", 1, 0, 1)]),
    ("incrby", "", &[at("RW access update", 1, 0, 1)]),
    ("incrbyfloat", "", &[at("RW access update", 1, 0, 1)]),
    ("info", "nondeterministic_output request_policy:all_shards response_policy:special", &[]),
    ("keys", "request_policy:all_shards nondeterministic_output_order", &[]),
    ("lastsave", "nondeterministic_output", &[]),
    ("latency|doctor", "nondeterministic_output request_policy:all_nodes response_policy:special", &[]),
    ("latency|graph", "nondeterministic_output request_policy:all_nodes response_policy:special", &[]),
    ("latency|histogram", "nondeterministic_output request_policy:all_nodes response_policy:special", &[]),
    ("latency|history", "nondeterministic_output request_policy:all_nodes response_policy:special", &[]),
    ("latency|latest", "nondeterministic_output request_policy:all_nodes response_policy:special", &[]),
    ("latency|reset", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("lcs", "", &[at("RO access", 1, 1, 1)]),
    ("lindex", "", &[at("RO access", 1, 0, 1)]),
    ("linsert", "", &[at("RW insert", 1, 0, 1)]),
    ("llen", "", &[at("RO", 1, 0, 1)]),
    ("lmove", "", &[at("RW access delete", 1, 0, 1), at("RW insert", 2, 0, 1)]),
    ("lmpop", "", &[counted("RW access delete", 1)]),
    ("lpop", "", &[at("RW access delete", 1, 0, 1)]),
    ("lpos", "", &[at("RO access", 1, 0, 1)]),
    ("lpush", "", &[at("RW insert", 1, 0, 1)]),
    ("lpushx", "", &[at("RW insert", 1, 0, 1)]),
    ("lrange", "", &[at("RO access", 1, 0, 1)]),
    ("lrem", "", &[at("RW delete", 1, 0, 1)]),
    ("lset", "", &[at("RW update", 1, 0, 1)]),
    ("ltrim", "", &[at("RW delete", 1, 0, 1)]),
    ("memory|doctor", "nondeterministic_output request_policy:all_shards response_policy:special", &[]),
    ("memory|malloc-stats", "nondeterministic_output request_policy:all_shards response_policy:special", &[]),
    ("memory|purge", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("memory|stats", "nondeterministic_output request_policy:all_shards response_policy:special", &[]),
    ("memory|usage", "", &[at("RO", 2, 0, 1)]),
    ("mget", "request_policy:multi_shard", &[at("RO access", 1, -1, 1)]),
    ("move", "", &[at("RW access update", 1, 0, 1)]),
    ("mset", "request_policy:multi_shard response_policy:all_succeeded", &[at("OW update", 1, -1, 2)]),
    ("msetex", "request_policy:multi_shard response_policy:all_succeeded", &[counted_pairs("OW update", 1)]),
    ("msetnx", "request_policy:multi_shard response_policy:agg_min", &[at("OW insert", 1, -1, 2)]),
    ("object|encoding", "nondeterministic_output", &[at("RO", 2, 0, 1)]),
    ("object|freq", "nondeterministic_output", &[at("RO", 2, 0, 1)]),
    ("object|idletime", "nondeterministic_output", &[at("RO", 2, 0, 1)]),
    ("object|refcount", "nondeterministic_output", &[at("RO", 2, 0, 1)]),
    ("persist", "", &[at("RW update", 1, 0, 1)]),
    ("pexpire", "", &[at("RW update", 1, 0, 1)]),
    ("pexpireat", "", &[at("RW update", 1, 0, 1)]),
    ("pexpiretime", "", &[at("RO access", 1, 0, 1)]),
    ("pfadd", "", &[at("RW insert", 1, 0, 1)]),
    ("pfcount", "", &[at("RW access", 1, -1, 1)]),
    ("pfdebug", "", &[at("RW access", 2, 0, 1)]),
    ("pfmerge", "", &[at("RW access insert", 1, 0, 1), at("RO access", 2, -1, 1)]),
    ("ping", "request_policy:all_shards response_policy:all_succeeded", &[]),
    ("psetex", "", &[at("OW update", 1, 0, 1)]),
    ("pttl", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("randomkey", "request_policy:all_shards nondeterministic_output", &[]),
    ("rename", "", &[at("RW access delete", 1, 0, 1), at("OW update", 2, 0, 1)]),
    ("renamenx", "", &[at("RW access delete", 1, 0, 1), at("OW insert", 2, 0, 1)]),
    ("restore", "", &[at("OW update", 1, 0, 1)]),
    ("rpop", "", &[at("RW access delete", 1, 0, 1)]),
    ("rpoplpush", "", &[at("RW access delete", 1, 0, 1), at("RW insert", 2, 0, 1)]),
    ("rpush", "", &[at("RW insert", 1, 0, 1)]),
    ("rpushx", "", &[at("RW insert", 1, 0, 1)]),
    ("sadd", "", &[at("RW insert", 1, 0, 1)]),
    ("scan", "nondeterministic_output request_policy:special", &[]),
    ("scard", "", &[at("RO", 1, 0, 1)]),
    ("script|exists", "request_policy:all_shards response_policy:agg_logical_and", &[]),
    ("script|flush", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("script|kill", "request_policy:all_shards response_policy:one_succeeded", &[]),
    ("script|load", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("sdiff", "nondeterministic_output_order", &[at("RO access", 1, -1, 1)]),
    ("sdiffstore", "", &[at("OW update", 1, 0, 1), at("RO access", 2, -1, 1)]),
    ("set", "", &[at("RW access update variable_flags", 1, 0, 1)]),
    ("setbit", "", &[at("RW access update", 1, 0, 1)]),
    ("setex", "", &[at("OW update", 1, 0, 1)]),
    ("setnx", "", &[at("OW insert", 1, 0, 1)]),
    ("setrange", "", &[at("RW update", 1, 0, 1)]),
    ("sinter", "nondeterministic_output_order", &[at("RO access", 1, -1, 1)]),
    ("sintercard", "", &[counted("RO access", 1)]),
    ("sinterstore", "", &[at("RW update", 1, 0, 1), at("RO access", 2, -1, 1)]),
    ("sismember", "", &[at("RO", 1, 0, 1)]),
    ("slowlog|get", "request_policy:all_nodes nondeterministic_output", &[]),
    ("slowlog|len", "request_policy:all_nodes response_policy:agg_sum nondeterministic_output", &[]),
    ("slowlog|reset", "request_policy:all_nodes response_policy:all_succeeded", &[]),
    ("smembers", "nondeterministic_output_order", &[at("RO access", 1, 0, 1)]),
    ("smismember", "", &[at("RO access", 1, 0, 1)]),
    ("smove", "", &[at("RW access delete", 1, 0, 1), at("RW insert", 2, 0, 1)]),
    ("sort", "", &[at("RO access", 1, 0, 1), unknown("RO access"), unknown("OW update")]),
    ("sort_ro", "", &[at("RO access", 1, 0, 1), unknown("RO access")]),
    ("spop", "nondeterministic_output", &[at("RW access delete", 1, 0, 1)]),
    ("spublish", "", &[at("not_key", 1, 0, 1)]),
    ("srandmember", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("srem", "", &[at("RW delete", 1, 0, 1)]),
    ("sscan", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("ssubscribe", "", &[at("not_key", 1, -1, 1)]),
    ("strlen", "", &[at("RO", 1, 0, 1)]),
    ("substr", "", &[at("RO access", 1, 0, 1)]),
    ("sunion", "nondeterministic_output_order", &[at("RO access", 1, -1, 1)]),
    ("sunionstore", "", &[at("OW update", 1, 0, 1), at("RO access", 2, -1, 1)]),
    ("sunsubscribe", "", &[at("not_key", 1, -1, 1)]),
    ("time", "nondeterministic_output", &[]),
    ("touch", "request_policy:multi_shard response_policy:agg_sum", &[at("RO", 1, -1, 1)]),
    ("ttl", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("type", "", &[at("RO", 1, 0, 1)]),
    ("unlink", "request_policy:multi_shard response_policy:agg_sum", &[at("RM delete", 1, -1, 1)]),
    ("wait", "request_policy:all_shards response_policy:agg_min", &[]),
    ("waitaof", "request_policy:all_shards response_policy:agg_min", &[]),
    ("watch", "", &[at("RO", 1, -1, 1)]),
    ("xack", "", &[at("RW update", 1, 0, 1)]),
    ("xackdel", "", &[at("RW update delete", 1, 0, 1)]),
    ("xadd", "nondeterministic_output", &[at("RW update", 1, 0, 1)]),
    ("xautoclaim", "nondeterministic_output", &[at("RW delete", 1, 0, 1)]),
    ("xclaim", "nondeterministic_output", &[at("RW update", 1, 0, 1)]),
    ("xdel", "", &[at("RW delete", 1, 0, 1)]),
    ("xdelex", "", &[at("RW delete", 1, 0, 1)]),
    ("xgroup|create", "", &[at("RW insert", 2, 0, 1)]),
    ("xgroup|createconsumer", "", &[at("RW insert", 2, 0, 1)]),
    ("xgroup|delconsumer", "", &[at("RW delete", 2, 0, 1)]),
    ("xgroup|destroy", "", &[at("RW delete", 2, 0, 1)]),
    ("xgroup|setid", "", &[at("RW update", 2, 0, 1)]),
    ("xinfo|consumers", "nondeterministic_output", &[at("RO access", 2, 0, 1)]),
    ("xinfo|groups", "", &[at("RO access", 2, 0, 1)]),
    ("xinfo|stream", "", &[at("RO access", 2, 0, 1)]),
    ("xlen", "", &[at("RO", 1, 0, 1)]),
    ("xpending", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("xrange", "", &[at("RO access", 1, 0, 1)]),
    ("xread", "", &[keyword("RO access", "STREAMS", 1, -1, 2)]),
    ("xreadgroup", "", &[keyword("RO access", "STREAMS", 4, -1, 2)]),
    ("xrevrange", "", &[at("RO access", 1, 0, 1)]),
    ("xsetid", "", &[at("RW update", 1, 0, 1)]),
    ("xtrim", "nondeterministic_output", &[at("RW delete", 1, 0, 1)]),
    ("zadd", "", &[at("RW update", 1, 0, 1)]),
    ("zcard", "", &[at("RO", 1, 0, 1)]),
    ("zcount", "", &[at("RO access", 1, 0, 1)]),
    ("zdiff", "", &[counted("RO access", 1)]),
    ("zdiffstore", "", &[at("OW update", 1, 0, 1), counted("RO access", 2)]),
    ("zincrby", "", &[at("RW access update", 1, 0, 1)]),
    ("zinter", "", &[counted("RO access", 1)]),
    ("zintercard", "", &[counted("RO access", 1)]),
    ("zinterstore", "", &[at("OW update", 1, 0, 1), counted("RO access", 2)]),
    ("zlexcount", "", &[at("RO access", 1, 0, 1)]),
    ("zmpop", "", &[counted("RW access delete", 1)]),
    ("zmscore", "", &[at("RO access", 1, 0, 1)]),
    ("zpopmax", "", &[at("RW access delete", 1, 0, 1)]),
    ("zpopmin", "", &[at("RW access delete", 1, 0, 1)]),
    ("zrandmember", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("zrange", "", &[at("RO access", 1, 0, 1)]),
    ("zrangebylex", "", &[at("RO access", 1, 0, 1)]),
    ("zrangebyscore", "", &[at("RO access", 1, 0, 1)]),
    ("zrangestore", "", &[at("OW update", 1, 0, 1), at("RO access", 2, 0, 1)]),
    ("zrank", "", &[at("RO access", 1, 0, 1)]),
    ("zrem", "", &[at("RW delete", 1, 0, 1)]),
    ("zremrangebylex", "", &[at("RW delete", 1, 0, 1)]),
    ("zremrangebyrank", "", &[at("RW delete", 1, 0, 1)]),
    ("zremrangebyscore", "", &[at("RW delete", 1, 0, 1)]),
    ("zrevrange", "", &[at("RO access", 1, 0, 1)]),
    ("zrevrangebylex", "", &[at("RO access", 1, 0, 1)]),
    ("zrevrangebyscore", "", &[at("RO access", 1, 0, 1)]),
    ("zrevrank", "", &[at("RO access", 1, 0, 1)]),
    ("zscan", "nondeterministic_output", &[at("RO access", 1, 0, 1)]),
    ("zscore", "", &[at("RO access", 1, 0, 1)]),
    ("zunion", "", &[counted("RO access", 1)]),
    ("zunionstore", "", &[at("OW update", 1, 0, 1), counted("RO access", 2)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(DETAILS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
