//! What crosses rooms. A real server is the judge: the same commands run there and here, replies are compared, and
//! afterwards the whole data set. [`server`] starts real servers, [`endpoint`] is what both sides look like,
//! [`dataset`] compares data, [`fixtures`] are files of real servers, [`generate`] makes random commands,
//! [`differential`] compares what they do, [`interop`] hands directories to and fro, [`scenes`] play
//! several clients that take turns.

pub mod dataset;
pub mod differential;
pub mod edges;
pub mod endpoint;
pub mod engine;
pub mod fixtures;
pub mod generate;
pub mod interop;
pub mod reply;
pub mod resp;
pub mod scenes;
pub mod server;
pub mod text;

pub use endpoint::Endpoint;
pub use reply::Reply;
pub use server::{Server, TempDir};

/// Starts the real server of a tag (`r62` `r70` `r82` `v81` `v91`) with extra arguments, or returns from the test:
/// loudly where the server is not installed, as a failure when `CI=true`.
#[macro_export]
macro_rules! skip_unless_server {
    ($tag:expr) => {
        $crate::skip_unless_server!($tag, &[])
    };
    ($tag:expr, $args:expr) => {
        match $crate::Server::start($tag, $args) {
            Some(server) => server,
            None => return,
        }
    };
}
