//! The append-only log: Redis's multi-part format, appended to through a mapping, replayed with nothing lost in silence.
//!
//! * [`manifest`] names the files, [`files`] finds them; [`replay`] loads them and repairs a torn tail.
//! * [`log`] appends: under shard guards, at memory speed, and so that the file is a valid log at every instant.
//! * [`rewrite`] replaces base and increments; [`check`] looks at files from outside.
//!
//! Knows the file system seam and the protocol's bytes, no values and no commands: replay hands arguments to a callback,
//! a rewrite hands a file to be written.

mod active;
pub mod check;
mod checkline;
mod directory;
pub mod effects;
pub mod files;
mod filler;
mod loader;
pub mod log;
pub mod manifest;
mod proof;
mod repair;
pub mod replay;
pub mod rewrite;
mod room;
mod session;
mod shared;
mod sync;
mod window;

pub use directory::read_manifest;
pub use effects::Effects;
pub use files::Layout;
pub use log::{Log, Lsn, Options, Policy, Stats};
pub use replay::{LoadOptions, LoadReport, Opened, Target, load};
pub use rewrite::Rewrite;

#[cfg(test)]
mod tests;
