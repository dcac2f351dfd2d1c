//! Redis without the server: the Redis data model in this process's memory, kept on disk in Redis's own files.
#![deny(unsafe_code)]
// Shards are taken late, and the turn is taken, by scripts alone.
#![cfg_attr(not(feature = "lua"), allow(dead_code, unused_imports))]

/// The version of Redis whose commands and semantics this engine follows: tools and scripts decide by it.
pub const REDIS_VERSION: &str = "7.2.0";

pub mod allocator;
pub mod aof;
mod blocked;
mod client;
pub mod command;
pub mod config;
pub mod encoding;
pub mod error;
pub mod events;
pub mod fs;
pub mod keyspace;
pub mod outbox;
pub mod pubsub;
pub mod rdb;
pub mod reclaim;
pub mod reply;
pub mod resp;
#[cfg(feature = "lua")]
pub mod script;
pub mod store;
pub mod switches;
#[cfg(not(feature = "model"))]
mod sync;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod sync;
pub mod table;
mod transaction;
pub mod value;

pub use blocked::Blocked;
pub use client::{Client, Midst};
pub use command::observe::{Link, Usage};
pub use error::{Error, ErrorKind, Result};
pub use reply::{Reply, ReplySink};
pub use store::{Listening, Store};
pub use transaction::Transaction;
