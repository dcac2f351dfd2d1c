//! The native half of persistkv's package for Node.js: stores and clients as classes, replies as JavaScript values.
//!
//! Thin on purpose. `lib/*.js` above it checks arguments, names mistakes and shapes replies; here are only calls of the
//! engine's public face. Every exported function catches panics, which would abort the process otherwise.
// The export macro asks for `pub`, in a crate that nobody can depend on.
#![allow(unreachable_pub)]
// Nothing is exported from a test build.
#![cfg_attr(test, allow(dead_code))]

mod commands;
mod convert;
mod error;
mod listener;
mod opening;
mod store;
mod subscriber;
mod tasks;
mod waiting;
