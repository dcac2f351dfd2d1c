//! Redis without the server: the Redis data model in this process's memory, kept on disk in Redis's own files.
#![deny(unsafe_code)]

pub mod encoding;
pub mod error;
pub mod keyspace;
pub mod reclaim;
pub mod table;
pub mod value;

pub use error::{Error, ErrorKind, Result};
