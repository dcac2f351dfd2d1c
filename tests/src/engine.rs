//! The engine as an endpoint.

use persistkv::encoding::num;
use persistkv::{Client, Error, Store};

use crate::{Endpoint, Reply};

/// A client of a store in this process.
pub struct Engine {
    client: Client,
}

impl Engine {
    /// A new store in memory.
    pub fn memory() -> Self {
        match Store::memory_with(&[("save", "")]) {
            Ok(store) => Self::of(&store),
            Err(e) => panic!("opening a store in memory: {e}"),
        }
    }

    /// A client of a store.
    pub fn of(store: &Store) -> Self {
        Self { client: store.client() }
    }
}

impl Endpoint for Engine {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        match self.client.execute(argv) {
            Ok(reply) => convert(reply),
            Err(e) => error(&e),
        }
    }

    fn protocol(&mut self, version: u8) {
        self.client.set_resp3(version == 3);
    }
}

/// A refusal as it would come over the wire.
pub fn error(e: &Error) -> Reply {
    Reply::Error(e.message().as_bytes().to_vec())
}

/// A reply as it would come over the wire.
pub fn convert(reply: persistkv::Reply) -> Reply {
    use persistkv::Reply as From;
    let all = |parts: Vec<From>| parts.into_iter().map(convert).collect();
    match reply {
        From::Null => Reply::Nil,
        From::Int(n) => Reply::Int(n),
        From::Double(n) => Reply::Double(num::fmt_f64(n).as_bytes().to_vec()),
        From::Bool(b) => Reply::Bool(b),
        From::Bulk(b) | From::Verbatim(_, b) => Reply::Bulk(b),
        From::Simple(s) => Reply::Status(s.as_bytes().to_vec()),
        From::Error(e) => Reply::Error(e.into_bytes()),
        From::Array(v) => Reply::Array(all(v)),
        From::Set(v) => Reply::Set(all(v)),
        From::Map(v) => Reply::Map(v.into_iter().map(|(k, x)| (convert(k), convert(x))).collect()),
    }
}
