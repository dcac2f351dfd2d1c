//! What a store offers to those who serve it to others: listeners, and the program that runs it as a server.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Inner, Store, When};
use crate::client::Client;
use crate::command::observe::{Link, Wire};
use crate::command::{Services, Shutdown};
use crate::config::{Config, Directive};
use crate::error::{Error, Result};
use crate::fs::RealFs;

/// Somebody who serves a store to others.
pub trait Listening: Send + Sync {
    /// The store is about to be closed: takes nobody in any more, finishes what is under way, and returns.
    fn stop(&self);
    /// Its TCP port, 0 for none.
    fn tcp_port(&self) -> u16;
}

/// Who serves a store.
#[derive(Default)]
pub(super) struct Serving {
    listeners: Mutex<Vec<Weak<dyn Listening>>>,
    /// Who runs the process as a server.
    server: Mutex<Option<Arc<OnShutdown>>>,
    /// Who acts on CONFIG SET of what is about the process.
    configures: Mutex<Option<Arc<OnConfig>>>,
}

/// What SHUTDOWN calls.
type OnShutdown = dyn Fn(Shutdown) -> Result<()> + Send + Sync;

/// Which directive can not have its new value, and why.
type Configured = std::result::Result<(), (Directive, String)>;

/// What CONFIG SET calls when directives have new values.
type OnConfig = dyn Fn(&Config, &[Directive]) -> Configured + Send + Sync;

impl Serving {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<dyn Listening>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Arc<dyn Listening>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> Result<()> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let none = || {
            Error::command(
                "ERR this store lives inside a program, which is not SHUTDOWN's to end; close the store there",
            )
        };
        server.ok_or_else(none)?(how)
    }

    /// Has the new values of directives take effect outside of the store.
    pub(super) fn configure(&self, config: &Config, changed: &[Directive]) -> Configured {
        let hook = self.configures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hook.map_or(Ok(()), |hook| hook(config, changed))
    }

    /// Ends all of them; a later one is to be refused by its caller.
    pub(super) fn stop(&self) {
        // Without the lock: a listener that stops may look at the store.
        for listener in self.all() {
            listener.stop();
        }
    }
}

impl Inner {
    /// The first TCP port somebody listens at, 0 for none.
    pub(super) fn tcp_port(&self) -> u16 {
        self.serving.all().iter().map(|listener| listener.tcp_port()).find(|port| *port > 0).unwrap_or(0)
    }
}

impl Store {
    /// Opens a store as a server does, which takes directives about its process too (`port`, `daemonize` …). Its data is
    /// still to be loaded by [`Store::load`]; clients may come before that.
    #[doc(hidden)]
    pub fn open_server<N: AsRef<str>, V: AsRef<str>>(
        dir: impl AsRef<Path>,
        directives: &[(N, V)],
        config_file: Option<&Path>,
    ) -> Result<Self> {
        let file = config_file
            .map(|file| std::path::absolute(file).map_err(|e| Error::io("finding", file, e)))
            .transpose()?;
        Self::open_with(Config::of_server(), Arc::new(RealFs), dir.as_ref(), directives, file, When::Later)
    }

    /// A client whose commands come over a connection: it owes the password if there is one, and is shown with its
    /// address.
    pub fn linked_client(&self, link: Arc<dyn Link>) -> Client {
        Client::linked(Arc::clone(&self.handle), Some(link))
    }

    /// Waits until the log up to a position is durable, if the policy asks for that; see [`Client::begin_ahead`].
    pub fn wait_durable(&self, lsn: u64) -> Result<()> {
        self.handle.inner.wait_durable(lsn)
    }

    /// Whether [`Store::wait_durable`] would return at once.
    pub fn is_durable(&self, lsn: u64) -> bool {
        self.handle.inner.is_durable(lsn)
    }

    /// Enters a listener, which is told when the store is about to be closed.
    pub fn add_listener(&self, listener: Weak<dyn Listening>) {
        let mut listeners = self.handle.inner.serving.lock();
        listeners.retain(|other| other.strong_count() > 0);
        listeners.push(listener);
    }

    /// Makes this process one that SHUTDOWN may end: `ends` is called in the thread of the caller's command, and returns
    /// when the end is certain, or an error when it can not be (a failed save).
    pub fn on_shutdown(&self, ends: impl Fn(Shutdown) -> Result<()> + Send + Sync + 'static) {
        let server = &self.handle.inner.serving.server;
        *server.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ends));
    }

    /// Has `acts` called after CONFIG SET stored new values, in the thread of its caller. When it refuses, all of them are
    /// what they were before.
    pub fn on_config(
        &self,
        acts: impl Fn(&Config, &[Directive]) -> std::result::Result<(), (Directive, String)>
        + Send
        + Sync
        + 'static,
    ) {
        let hook = &self.handle.inner.serving.configures;
        *hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(acts));
    }

    /// The directives in force.
    pub fn config(&self) -> &Config {
        &self.handle.inner.config
    }

    /// The listeners' counters.
    pub fn wire(&self) -> &Wire {
        &self.handle.inner.observer.wire
    }

    /// Whether anything has changed since the last snapshot.
    pub fn has_unsaved_changes(&self) -> bool {
        self.handle.inner.dirty.load(Ordering::Relaxed) > 0
    }

    /// Whether a snapshot would be saved at the end, and whether a log is kept.
    pub fn keeps(&self) -> (bool, bool) {
        let config = &self.handle.inner.config;
        (!config.save_points().is_empty(), config.flag(Directive::AppendOnly))
    }
}
