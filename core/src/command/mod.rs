//! Commands: one row per command in the table, a handler per row, a file per family.
//!
//! The way of a command: [`dispatch::execute`] finds the row, checks arity, asks the store whether writes are allowed,
//! locks the shards of the declared keys, runs the handler, gives its effects to the log while the shards are still
//! held, lets go, and waits for durability where the policy says so.
//! Knows the keyspace and the values; what it needs of the store above it stands in [`Services`].

mod acl;
pub mod args;
mod arguments;
mod bitmaps;
pub mod blocking;
mod client_list;
mod conditions;
mod connection;
pub mod ctx;
pub mod debug;
mod details;
mod digest;
pub mod dispatch;
mod draw;
mod dump;
mod events;
mod expiry;
mod geo;
mod hashes;
mod hyperloglog;
mod introspect;
mod keys;
mod lcs;
mod lists;
pub mod memory;
pub mod observe;
pub mod peers;
pub(crate) mod pubsub;
mod scan;
#[cfg(feature = "lua")]
pub(crate) mod scripting;
mod server;
pub mod services;
mod sets;
mod slow;
mod sort;
mod streams;
mod strings;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tracking;
pub(crate) mod transactions;
mod zsets;

/// The version of Redis whose commands and semantics this engine follows: tools decide by it.
pub const VERSION: &str = crate::REDIS_VERSION;

pub use ctx::{Ctx, Interrupt, Session};
pub use services::{Services, Shutdown};
pub use table::{Command, Flags, Group, Keys};
