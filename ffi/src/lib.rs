//! The C face of persistkv: `pkv_…` functions over the engine's public face, and nothing else.
//!
//! Its manual is the header that is made from it, `include/persistkv.h`. In here, [`boundary`] keeps panics in and
//! records errors, [`pointers`] is the only door by which memory of the caller becomes a Rust value, and [`call`] runs a
//! command for the typed functions. The other files hold the functions themselves, a file per section of the header.
// What callers must keep is said once, on the header's first page, for all functions.
#![allow(clippy::missing_safety_doc)]
// C has no other way to pass bytes than a pointer and a length.
#![allow(clippy::too_many_arguments)]

#[cfg(panic = "abort")]
compile_error!(
    "panics must unwind, or a defect in here ends the host's process instead of answering PKV_ERR_INTERNAL"
);

mod boundary;
mod call;
pub mod client;
pub mod collections;
pub mod directives;
pub mod error;
pub mod listener;
pub mod logging;
pub mod pointers;
pub mod reply;
pub mod store;
pub mod strings;
pub mod transactions;
