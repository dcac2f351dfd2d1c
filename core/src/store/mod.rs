//! A store: the keyspace with its files and its background work.
//!
//! [`Store::open`] takes a directory and directives; [`Store::memory`] keeps nothing on disk. A [`Store`] is shared
//! freely between threads and clones are the same store; it closes with [`Store::close`] or with its last clone.

mod services;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::client::Client;
use crate::config::{Config, Directive};
use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::{Clock, Keyspace};

/// What the clones of a store share.
pub(crate) struct Inner {
    keyspace: Arc<Keyspace>,
    config: Config,
    closed: AtomicBool,
    dirty: AtomicU64,
    last_save: AtomicI64,
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl Store {
    /// A store that lives in memory only.
    pub fn memory() -> Result<Self> {
        let none: [(&str, &str); 0] = [];
        Self::memory_with(&none)
    }

    /// The same with directives (limits, databases …).
    pub fn memory_with<N: AsRef<str>, V: AsRef<str>>(directives: &[(N, V)]) -> Result<Self> {
        let config = Config::default();
        config.set_at_open(directives)?;
        let clock = Clock::System;
        let last_save = AtomicI64::new(clock.now_ms() / 1000);
        let keyspace = Arc::new(Keyspace::new(config.int(Directive::Databases) as usize, clock));
        let closed = AtomicBool::new(false);
        Ok(Self { inner: Arc::new(Inner { keyspace, config, closed, dirty: AtomicU64::new(0), last_save }) })
    }

    /// A new logical connection.
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(&self.inner))
    }
}

impl Inner {
    /// Refuses when the store was closed.
    pub(crate) fn check_usable(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the store is closed; open it again"));
        }
        Ok(())
    }
}
