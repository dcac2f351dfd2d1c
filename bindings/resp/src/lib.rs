//! A listener that lets any Redis client or tool talk to a persistkv store that lives in this process.
//!
//! ```no_run
//! # fn main() -> persistkv::Result<()> {
//! let store = persistkv::Store::open("/tmp/data", &[("appendonly", "yes")])?;
//! let listener = persistkv_resp::listen(&store, "unix:/tmp/data/redis.sock", &Default::default())?;
//! // … redis-cli -s /tmp/data/redis.sock
//! listener.stop();
//! # Ok(())
//! # }
//! ```
//!
//! Nothing of it runs before somebody asks for it: then it has a few threads of its own. Directives say what it lets in:
//! `requirepass`, `protected-mode`, `maxclients`, `timeout`, `client-output-buffer-limit` and their kin.
#![deny(unsafe_code)]

mod address;
mod commit;
mod connection;
mod encode;
mod listener;
mod peer;
mod request;
mod socket;

pub use address::Address;
pub use listener::{Listener, Options};

/// The words of a line as Redis splits it, in inline commands and configuration files: blanks separate, double quotes take
/// `\n \r \t \b \a \" \\ \xHH`, single quotes take `\'`. `None` for an open quote, or text right behind a closing one.
pub fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    request::words(line)
}

/// Commands as a connection finds them in bytes that arrive `piece` at a time, and what is wrong behind them; for the fuzzer.
#[doc(hidden)]
pub fn commands(bytes: &[u8], piece: usize, is_locked_out: bool) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    request::commands(bytes, piece, is_locked_out)
}

/// Listens at one address: `unix:/path`, `tcp:127.0.0.1:6379` or `127.0.0.1:6379`.
///
/// The listener stops when it is dropped, and when the store is closed.
pub fn listen(store: &persistkv::Store, address: &str, options: &Options) -> persistkv::Result<Listener> {
    Listener::start(store, &[Address::parse(address)?], options)
}
