//! persistkv itself, through `Client::execute`.

use std::path::Path;

use persistkv::{Client, Reply, Store};

use crate::work::{JOB, Op, key, value};
use crate::{Class, Peer};

pub(crate) struct Ours {
    client: Client,
    policy: &'static str,
    _store: Store,
}

impl Ours {
    pub(crate) fn new(dir: &Path, class: Class) -> Self {
        let (log, policy) = match class {
            Class::None => ("no", "everysec"),
            Class::Second => ("yes", "everysec"),
            Class::Always => ("yes", "always"),
        };
        let directives = [("save", ""), ("appendonly", log), ("appendfsync", policy)];
        let store = Store::open(dir, &directives).expect("the directory is ours");
        Self { client: store.client(), policy, _store: store }
    }

    fn call(&mut self, argv: &[&[u8]]) -> u64 {
        match self.client.execute(argv) {
            Ok(Reply::Bulk(bytes)) => bytes.len() as u64,
            Ok(Reply::Array(parts)) => parts.len() as u64,
            Ok(Reply::Int(n)) => n as u64,
            Ok(_) => 0,
            Err(e) => panic!("{}: {e}", String::from_utf8_lossy(argv[0])),
        }
    }
}

/// An operation as a command, for who speaks them.
pub(crate) fn with_command<R>(op: Op, f: impl FnOnce(&[&[u8]]) -> R) -> R {
    match op {
        Op::Set(n, v) => f(&[b"SET", &key(n), &value(v)]),
        Op::Get(n) => f(&[b"GET", &key(n)]),
        Op::Incr(n) => f(&[b"INCR", &[b"n:", &key(n)[..]].concat()]),
        Op::Push => f(&[b"LPUSH", b"queue", &JOB]),
        Op::Pop => f(&[b"RPOP", b"queue"]),
        Op::SetField(n, field, v) => f(&[b"HSET", &[b"h:", &key(n)[..]].concat(), &key(field), &value(v)]),
        Op::Session(n) => f(&[b"HGETALL", &[b"h:", &key(n)[..]].concat()]),
        Op::Score(n, score) => f(&[b"ZADD", b"board", score.to_string().as_bytes(), &key(n)]),
        Op::Best => f(&[b"ZRANGE", b"board", b"0", b"9", b"REV", b"WITHSCORES"]),
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "persistkv"
    }

    fn run(&mut self, ops: &[Op]) -> u64 {
        ops.iter().fold(0, |sum, op| with_command(*op, |argv| self.call(argv)).wrapping_add(sum))
    }

    fn fill(&mut self, ops: &[Op]) {
        self.call(&[b"CONFIG", b"SET", b"appendfsync", b"no"]);
        self.run(ops);
        self.call(&[b"CONFIG", b"SET", b"appendfsync", self.policy.as_bytes()]);
    }
}
